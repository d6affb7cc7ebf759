"""SQL as text: literals, identifiers, and the .sql files beside this module.

A step's record goes to the server as one simple query together with its COMMIT, so values can't be bound by the
protocol. Everything here is safe whatever `standard_conforming_strings` a script left behind, and qualifies nothing by
itself: callers write `pg_catalog.` where a script could have planted a name of its own, operators and types included.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

EQ, AND_THEN, PLUS = (f"OPERATOR(pg_catalog.{name})" for name in ("=", "||", "+"))
"""Operators as they are written where another search_path than ours may hold: on one that doesn't begin with
pg_catalog a stranger's comes first, even for operands of the very types. They all bind alike: parentheses tell."""

_HERE = Path(__file__).parent
_LATER_WORDS = "json|json_(?:array|arrayagg|exists|object|objectagg|query|scalar|serialize|table|value)|merge_action"
_QUOTED_LATER = re.compile(rf"""('(?:[^']|'')*')|"({_LATER_WORDS})\"""")
_VARIABLE = re.compile(r""":(['"])(\w+)\1""")


def literal(value: str | None) -> str:
    """`value` as a string literal, or NULL. Raises ValueError on NUL, which no PostgreSQL text can hold.

    A lone surrogate, as in the name of a file that isn't UTF-8, becomes a question mark.
    """
    if value is None:
        return "NULL"
    if not value.isascii():
        value = value.encode("utf-8", "replace").decode("utf-8")
    if "\0" in value:
        raise ValueError("text with a NUL character can't be stored in PostgreSQL")
    if "\\" in value:
        return " E'" + value.replace("\\", "\\\\").replace("'", "''") + "'"
    return "'" + value.replace("'", "''") + "'"


def ident(name: str) -> str:
    """`name` as a quoted identifier. Raises ValueError on an empty name or NUL."""
    if not name or "\0" in name:
        raise ValueError("an identifier can't be empty or hold a NUL character")
    return '"' + name.replace('"', '""') + '"'


def in_old_quotes(definition: str | None) -> str:
    """What a server says of an object ("" for nothing), with names in quotes that were in quotes up to 15 as well.

    16 and 17 made keywords of some, `json` among them: since then a column of that name is written "json".
    """
    if not definition or '"' not in definition:
        return definition or ""
    return _QUOTED_LATER.sub(lambda found: found[1] or found[2], definition)


def text_array(values: Iterable[str]) -> str:
    """`values` as a text[] expression."""
    return "ARRAY[" + ",".join(literal(value) for value in values) + "]::pg_catalog.text[]"


@cache
def load(name: str) -> str:
    """The statements of `<this folder>/<name>.sql`, without the comment lines of its header.

    The header (purpose, privileges, versions) is for readers; sending it with every query would only fill the
    server's log.
    """
    lines = (_HERE / f"{name}.sql").read_text(encoding="utf-8").splitlines()
    while lines and (not lines[0].strip() or lines[0].startswith("--")):
        del lines[0]
    return "\n".join(lines).strip()


def bind(sql: str, values: Mapping[str, str | None]) -> str:
    """`sql` with psql's `:'name'` replaced by a literal and `:"name"` by an identifier.

    psql's notation keeps the .sql files runnable by hand. Raises KeyError on a name that has no value.
    """

    def value(match: re.Match[str]) -> str:
        found = values[match[2]]
        return literal(found) if match[1] == "'" else ident(found or "")

    return _VARIABLE.sub(value, sql)
