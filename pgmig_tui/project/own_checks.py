"""`[[check]]` of pgmig.toml: items of a project's own for any list, by a question to the server, a program, or a
person.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, cast

from pgmig_tui.display.closest import did_you_mean

ListName = Literal["pre", "deploy", "post", "emergency"]
LISTS: tuple[ListName, ...] = ("pre", "deploy", "post", "emergency")
DEFAULT_TIMEOUT_MS = 2000
LONGEST_MS = 60_000
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_KEYS = ("name", "title", "list", "environments", "required", "timeout", "sql", "expect", "equals", "command", "asks")
_KINDS = ("sql", "command", "asks")

Duration = Callable[[str], int]


@dataclass(frozen=True, slots=True)
class OwnCheck:
    """One `[[check]]`. Exactly one of `sql`, `command` and `asks` says how it is answered: `sql` by what the server
    gives (`expect` no rows, rows or equals: the only value as text is `equals`), `command` by its exit status (0 PASS,
    1 FAIL, else UNKNOWN), `asks` by a person. `environments` empty: it is of all. `timeout_ms` bounds the first two."""

    name: str
    title: str
    list: ListName = "pre"
    environments: tuple[str, ...] = ()
    required: bool = True
    timeout_ms: int = DEFAULT_TIMEOUT_MS
    sql: str = ""
    expect: Literal["no rows", "rows", "equals"] = "no rows"
    equals: str = ""
    command: tuple[str, ...] = ()
    asks: str = ""

    @property
    def item_id(self) -> str:
        return f"own:{self.name}"


def read_checks(tables: object, known: frozenset[str], duration: Duration) -> tuple[list[OwnCheck], list[str]]:
    """The checks of these tables, and what is wrong with them, a sentence each. `known` are the environments there
    are; `duration` reads a time in milliseconds, or raises ValueError."""
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        return [], ["write [[check]], with two brackets"]
    found: list[OwnCheck] = []
    errors: list[str] = []
    for number, table in enumerate(tables, 1):
        try:
            one = _check(table, known, duration)
        except ValueError as error:
            errors.append(f"[[check]] {table.get('name', f'number {number}')}: {error}")
            continue
        if one.name in {other.name for other in found}:
            errors.append(f"[[check]] {one.name} stands there twice; names must be unique")
        found.append(one)
    return found, errors


def _check(table: Mapping[str, object], known: frozenset[str], duration: Duration) -> OwnCheck:
    """Raises ValueError, saying what was expected."""
    unknown = sorted(set(table) - set(_KEYS))
    if unknown:
        told = did_you_mean(unknown[0], _KEYS)
        raise ValueError(f'unknown key "{unknown[0]}"; {told}{" K" if told else "k"}nown: {", ".join(_KEYS)}')
    name = _text(table, "name")
    if not _NAME.fullmatch(name):
        raise ValueError("name is up to 40 of a-z, 0-9 and -, as in queue-is-empty")
    kinds = [kind for kind in _KINDS if kind in table]
    if len(kinds) != 1:
        raise ValueError("it has exactly one of sql, command and asks")
    where = _text(table, "list", "pre")
    if where not in LISTS:
        raise ValueError(f"list is one of {', '.join(LISTS)}")
    environments = _texts(table, "environments")
    for environment in environments:
        if environment not in known:
            raise ValueError(f'there is no environment "{environment}"; known: {", ".join(sorted(known))}')
    required = table.get("required", True)
    if not isinstance(required, bool):
        raise ValueError("required is true or false")
    timeout = duration(_text(table, "timeout")) if "timeout" in table else DEFAULT_TIMEOUT_MS
    if not 0 < timeout <= LONGEST_MS:
        raise ValueError(f"timeout is above zero and at most {LONGEST_MS // 1000}s")
    expect, equals = _expected(table, kinds[0])
    command = _texts(table, "command")
    if "command" in table and not command:
        raise ValueError('command is a program and its arguments, as in ["./check.sh", "--all"]')
    return OwnCheck(
        name,
        _text(table, "title", name),
        where,
        environments,
        required,
        timeout,
        _text(table, "sql", ""),
        expect,
        equals,
        command,
        _text(table, "asks", ""),
    )


def _expected(table: Mapping[str, object], kind: str) -> tuple[Literal["no rows", "rows", "equals"], str]:
    if "expect" in table and "equals" in table:
        raise ValueError("expect and equals can't both be")
    if kind != "sql" and ("expect" in table or "equals" in table):
        raise ValueError("expect and equals belong to sql")
    if "equals" in table:
        return "equals", _text(table, "equals")
    expect = _text(table, "expect", "no rows")
    if expect not in ("no rows", "rows"):
        raise ValueError('expect is "no rows" or "rows"; or say equals = "the only value"')
    return cast("Literal['no rows', 'rows']", expect), ""


def _text(table: Mapping[str, object], key: str, default: str | None = None) -> str:
    value = table.get(key, default)
    if not isinstance(value, str) or (not value.strip() and key in table):
        raise ValueError(f"{key} is a text in quotes" if key in table else f'add {key} = "…"')
    return value


def _texts(table: Mapping[str, object], key: str) -> tuple[str, ...]:
    value = table.get(key, [])
    if not isinstance(value, list) or not all(isinstance(one, str) and one and "\0" not in one for one in value):
        raise ValueError(f'{key} is a list of texts, as in ["a", "b"]')
    return tuple(value)
