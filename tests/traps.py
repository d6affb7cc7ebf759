"""Traps: operators, functions, types and relations of a stranger, in a schema that comes first on the search_path.

Each tells the server's log when it runs, by whom and in which statement. What they are made of is our own SQL: every
operator, function, type and relation of pg_catalog that it names has its traps, whatever is added to it.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import psycopg

from tests.servers import Server

PACKAGE = Path(__file__).parents[1] / "pgmig_tui"
WORD = "PGMIG TRAP"
FIRE = "pgmig_traps.fire"
"""What every trap calls; it runs under its own search_path."""

OURS = "pgmig"
"""How the application names of our sessions begin."""

_SQL = re.compile(r"\b(?:SELECT|INSERT INTO|UPDATE|DELETE FROM|WHERE|FROM|JOIN)\b|pg_catalog\.")
_OPERATOR = re.compile(r"[-+*/<>=~!@#%^&|?]+")
_OPTION = re.compile(r"^#\w+ \w+$", re.MULTILINE)
"""Of PL/pgSQL's compiler."""
_QUOTED = re.compile(r"'(?:[^']|'')*'|--[^\n]*")
_FUNCTION = re.compile(r"\b([a-z_][a-z_0-9]*)\s*\(")
_TYPE = re.compile(r'::\s*(?:pg_catalog\.)?"?([a-z_][a-z_0-9]*)')
_RELATION = re.compile(r"\b(pg_[a-z_]+)\b")

_SETUP = f"""
CREATE SCHEMA IF NOT EXISTS pgmig_traps;
GRANT USAGE ON SCHEMA pgmig_traps TO PUBLIC;
CREATE OR REPLACE FUNCTION {FIRE}(what text) RETURNS boolean LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog AS $$
BEGIN
  -- Nobody listens to others; a long question of theirs that runs one for each row would fill the disk.
  IF pg_catalog.current_setting('application_name') LIKE '{OURS}%' THEN
    RAISE LOG '{WORD} | % | % | % | %', what, pg_catalog.current_setting('application_name'),
      pg_catalog.current_database(),
      pg_catalog.regexp_replace(pg_catalog."left"(pg_catalog.current_query(), 2000), '\\s+', ' ', 'g');
  END IF;
  RETURN true;
END $$;
"""


@dataclass(frozen=True)
class Named:
    """What our SQL names, as far as pg_catalog has it."""

    operators: frozenset[str]
    functions: frozenset[str]
    types: frozenset[str]
    relations: frozenset[str]


@dataclass(frozen=True)
class Fired:
    """A trap that ran: in a session with that application name, in that text."""

    what: str
    application: str
    query: str


@cache
def our_sql() -> tuple[str, ...]:
    """Every text of the program that is SQL, or a part of it."""
    texts = [path.read_text(encoding="utf-8") for path in sorted(PACKAGE.rglob("*.sql")) if "demo" not in path.name]
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and _SQL.search(node.value):
                texts.append(node.value)
    return tuple(texts)


def named_in(texts: Iterable[str]) -> Named:
    """Whatever could be the name of one: pg_catalog decides later."""
    operators: set[str] = set()
    functions: set[str] = set()
    types: set[str] = set()
    relations: set[str] = set()
    for text in texts:
        operators.update(_OPERATOR.findall(_OPTION.sub("", _QUOTED.sub("", text))))
        functions.update(_FUNCTION.findall(text))
        types.update(_TYPE.findall(text))
        relations.update(_RELATION.findall(text))
    # Written without their operator: IN, BETWEEN, LIKE, NULLIF, IS DISTINCT FROM, CASE x WHEN.
    operators.update(("=", "<>", "<=", ">=", "~~", "!~~"))
    return Named(frozenset(operators), frozenset(functions), frozenset(types), frozenset(relations))


# -- making them ---------------------------------------------------------------------------------------------------

ALL_TYPES = (
    "bool", '"char"', "name", "int2", "int4", "int8", "float4", "float8", "numeric", "text", "varchar", "bpchar", "oid",
    "xid", "xid8", "regclass", "regtype", "date", "timestamp", "timestamptz", "interval", "json", "jsonb", "pg_lsn",
    "_text", "_name", "_int2", "_oid", '"_char"',
)  # fmt: skip
"""Operand types of the traps, every pair of them: those of the catalogs, and what their columns are compared with."""

_POLYMORPHIC = {"anyelement": "{}", "anynonarray": "{}", "anycompatible": "{}", "anyarray": "_{}",
                "anycompatiblearray": "_{}"}  # fmt: skip
_CONCRETE = ("text", "int8", "int4", "name", "oid")


def alarm_sql() -> str:
    """What makes the function that traps call."""
    return _SETUP.strip().removesuffix(";")


def lay_alarm(server: Server, dbname: str) -> None:
    """What traps call, for whoever makes traps of their own."""
    with untrapped(server, dbname) as connection:
        connection.execute(_SETUP.encode())


def set_everywhere(server: Server, dbname: str, schema: str = "public", types: Sequence[str] = ALL_TYPES) -> int:
    """All operators of our SQL for all pairs of these types, its functions with every signature, its types and
    relations, in `schema`; how many traps that is. Whoever comes on this schema first steps into them."""
    with untrapped(server, dbname) as connection:
        named = known_names(connection)
        made = [
            *_operators(connection, schema, named.operators, types),
            *_functions(connection, schema, named.functions),
            *_types(connection, schema, named.types),
            *_relations(connection, schema, named.relations),
        ]
        connection.execute(f"{_SETUP} CREATE SCHEMA IF NOT EXISTS {schema};".encode())
        for start in range(0, len(made), 500):
            connection.execute(";\n".join(made[start : start + 500]).encode())
    return sum(not one.startswith("CREATE FUNCTION pgmig_traps.") for one in made)


@contextmanager
def untrapped(server: Server, dbname: str) -> Iterator[Any]:
    """A session that no trap catches."""
    with psycopg.connect(server.conninfo(dbname, options="-csearch_path=pg_catalog"), autocommit=True) as connection:
        yield connection


def known_names(connection: Any, named: Named | None = None) -> Named:
    """What of it pg_catalog has."""
    named = named or named_in(our_sql())

    def there(kind: str, names: Iterable[str], where: str = "true") -> frozenset[str]:
        column, catalog, schema = {
            "operator": ("oprname", "pg_operator", "oprnamespace"),
            "function": ("proname", "pg_proc", "pronamespace"),
            "type": ("typname", "pg_type", "typnamespace"),
            "relation": ("relname", "pg_class", "relnamespace"),
        }[kind]
        sql = f"SELECT DISTINCT {column} FROM {catalog} WHERE {column} = ANY(%s) AND {where}"
        rows = connection.execute(f"{sql} AND {schema} = 'pg_catalog'::regnamespace", [sorted(names)])
        return frozenset(name for (name,) in rows)

    return Named(
        there("operator", named.operators),
        there("function", named.functions),
        there("type", named.types, "typtype = 'b'"),
        there("relation", named.relations, "relkind IN ('r', 'v')"),
    )


def _operators(connection: Any, schema: str, operators: Iterable[str], types: Sequence[str]) -> Iterator[str]:
    """The result is that of pg_catalog's own operator of the name: for these types, for the left one, or for any."""
    rows = connection.execute(
        "SELECT o.oprname, o.oprleft::regtype::text, o.oprright::regtype::text, t.typname FROM pg_operator o"
        " JOIN pg_type t ON t.oid = o.oprresult WHERE o.oprnamespace = 'pg_catalog'::regnamespace AND o.oprkind = 'b'"
        " AND t.typtype <> 'p' ORDER BY o.oid DESC"
    ).fetchall()
    spelled = dict(
        connection.execute(
            "SELECT typname, oid::regtype::text FROM pg_type WHERE typnamespace = 'pg_catalog'::regnamespace"
        )
    )
    results: dict[tuple[str, ...], str] = {}
    for name, left, right, result in rows:
        results[name, left, right] = results[name, left] = results[name,] = result
    functions: set[str] = set()
    for left, right in product(types, types):
        for name in sorted(operators):
            names = [spelled[one.strip('"')] for one in (left, right)]
            found = results.get((name, *names)) or results.get((name, names[0])) or results.get((name,))
            if found is None:
                continue
            function = f"pgmig_traps.op_{left}_{right}_{found}".replace('"', "")
            if function not in functions:
                functions.add(function)
                yield _function(function, (left, right), found, f"operator of {left} and {right}")
            yield (
                f"CREATE OPERATOR {schema}.{name} (LEFTARG = pg_catalog.{left}, RIGHTARG = pg_catalog.{right},"
                f" FUNCTION = {function})"
            )


def _functions(connection: Any, schema: str, functions: Iterable[str]) -> Iterator[str]:
    """With every signature that pg_catalog has; of polymorphic ones, with types that fit better than it."""
    rows = connection.execute(
        "SELECT p.proname, ARRAY(SELECT t.typname::text FROM unnest(p.proargtypes) WITH ORDINALITY a(o, n)"
        " JOIN pg_type t ON t.oid = a.o ORDER BY n), CASE WHEN r.typtype = 'p' THEN 'text' ELSE r.typname END"
        " FROM pg_proc p JOIN pg_type r ON r.oid = p.prorettype WHERE p.pronamespace = 'pg_catalog'::regnamespace"
        " AND p.proname = ANY(%s) AND p.prokind <> 'w' AND NOT p.proretset",
        [sorted(functions)],
    ).fetchall()
    seen: set[tuple[str, tuple[str, ...]]] = set()
    for name, arguments, result in rows:
        signatures = [tuple(arguments)]
        if arguments == ["any"] or arguments == ["text", "any"]:
            signatures = [("text",) * count for count in range(1, 5)]
        elif any(one in _POLYMORPHIC for one in arguments):
            signatures = [tuple(_POLYMORPHIC.get(one, one).format(kind) for one in arguments) for kind in _CONCRETE]
        for signature in signatures:
            odd = {"internal", "cstring", "any", "anyenum", "anyrange", "trigger", "event_trigger"}
            if odd & set(signature) or any(one.startswith("any") for one in signature) or (name, signature) in seen:
                continue
            seen.add((name, signature))
            yield _function(f'{schema}."{name}"', signature, result, f"function {name}")


def _types(connection: Any, schema: str, types: Iterable[str]) -> Iterator[str]:
    for name in sorted(types):
        yield f'CREATE DOMAIN {schema}."{name}" AS pg_catalog."{name}" CHECK ({FIRE}(\'type {name}\'))'


def _relations(connection: Any, schema: str, relations: Iterable[str]) -> Iterator[str]:
    columns = dict(
        connection.execute(
            "SELECT c.relname, string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) FROM pg_class c"
            " JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 JOIN pg_type t ON t.oid = a.atttypid"
            " WHERE c.relnamespace = 'pg_catalog'::regnamespace AND t.typtype <> 'p' GROUP BY 1"
        )
    )
    for name in sorted(relations):
        listed = f"SELECT {columns[name]} FROM pg_catalog.{name}"
        yield f"CREATE VIEW {schema}.{name} AS {listed} WHERE {FIRE}('relation {name}')"


def _function(name: str, arguments: Sequence[str], result: str, what: str, value: str = "NULL") -> str:
    listed = ", ".join(f"pg_catalog.{one if one.startswith(chr(34)) else chr(34) + one + chr(34)}" for one in arguments)
    return (
        f'CREATE FUNCTION {name}({listed}) RETURNS pg_catalog."{result}" LANGUAGE plpgsql IMMUTABLE AS'
        f" $trap$ BEGIN PERFORM {FIRE}('{what}'); RETURN {value}; END $trap$"
    )


# -- what they told ------------------------------------------------------------------------------------------------


class Log:
    """What traps of a database (None: of all) have told the log of a server since it was last read here."""

    def __init__(self, server: Server, dbname: str | None = None) -> None:
        self._dbname = dbname
        (data,) = server.execute("SELECT current_setting('data_directory')")[0]
        self._path = Path(data).parent / "log"
        self._at = self._path.stat().st_size

    def fired(self) -> list[Fired]:
        """Traps that ran in sessions of ours, but for those of a script's own statement."""
        with self._path.open("rb") as file:
            file.seek(self._at)
            text = file.read().decode("utf-8", "replace")
            self._at = file.tell()
        found = []
        for line in text.splitlines():
            if f"{WORD} | " not in line:
                continue
            what, application, dbname, query = line.split(" | ", 4)[1:]
            if application.startswith(OURS) and self._dbname in (None, dbname):
                found.append(Fired(what, application, query))
        return found
