"""The small set of traps that lies in the template of test databases, at the end of their search_path.

What fits the types of the catalogs better than PostgreSQL's own: an operator or a function of a stranger that any
session of ours would run whose path isn't pinned. They answer as PostgreSQL's own do, so a script's statement may step
into one. They belong to the extension plpgsql, which is in every database: what looks at schemas and dumps
them leaves them out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from tests.servers import Server
from tests.traps import OURS, PACKAGE, Fired, Log, Named, alarm_sql, known_names, named_in, untrapped

SCHEMA = "pgmig_traps"
TEMPLATE = "pgmig_trapped"
MEANT = "/heard/"
"""In the application name of a session that steps into one on purpose."""
PATH = f'"$user", public, {SCHEMA}'

_CATALOGS = ("name", "oid", '"char"', "regclass")
_OTHERS = ("text", "int4", "int8", "int2", *_CATALOGS)
_PAIRS = sorted(
    {pair for one in _CATALOGS for other in _OTHERS for pair in ((one, other), (other, one))}
    | {("int8", "float8"), ("float8", "int8")}
)
_FAST = "SET LOCAL check_function_bodies = off; SET LOCAL allow_system_table_mods = on"
# ALTER EXTENSION … ADD, all at once.
_MEMBERS = f"""INSERT INTO pg_depend (classid, objid, objsubid, refclassid, refobjid, refobjsubid, deptype)
  SELECT m.classid, m.oid, 0, 'pg_extension'::regclass, e.oid, 0, 'e'
    FROM (SELECT 'pg_proc'::regclass, oid FROM pg_proc WHERE pronamespace = '{SCHEMA}'::regnamespace
          UNION ALL SELECT 'pg_operator'::regclass, oid FROM pg_operator WHERE oprnamespace = '{SCHEMA}'::regnamespace
          UNION ALL SELECT 'pg_namespace'::regclass, '{SCHEMA}'::regnamespace) AS m(classid, oid)
    JOIN pg_extension e ON e.extname = 'plpgsql';
INSERT INTO pg_init_privs (objoid, classoid, objsubid, privtype, initprivs)
  SELECT oid, 'pg_namespace'::regclass, 0, 'e', nspacl FROM pg_namespace WHERE nspname = '{SCHEMA}'"""
BETTER = {
    "text": "name", "int8": "oid", "int4": "int2", "oid": "regclass", "regclass": "oid",
    "anyelement": "name", "any": "name", "anyarray": "_name",
}  # fmt: skip
"""What a function's variant has in place of an argument of PostgreSQL's own."""


BY_LITERAL = ("format", "nextval", "setval")
"""Scripts call them with literals, which a variant would take for another type."""
_CAST = ("text", "int8", "int4", "oid", "regclass")


class Traps:
    """Those of one server: laid when its first database is made, and looked at before it stops."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._log: Log | None = None

    def template(self) -> str:
        """Options for CREATE DATABASE."""
        if self._log is None:
            lay(self._server)
            self._log = Log(self._server)
        return f"TEMPLATE {TEMPLATE}"

    def check(self) -> None:
        """The program may have run none."""
        fired = of_ours(self._log.fired()) if self._log is not None else []
        told = [f"{one.what} in {one.application}: {one.query[:300]}" for one in fired if MEANT not in one.application]
        assert told == [], "our own SQL ran what a stranger had made:\n" + "\n".join(told[:20])


def lay(server: Server) -> None:
    """Make the template, unless it is there: from what our SQL names today. Its schema comes last on the search_path of
    each database of the server; where it isn't, that means nothing."""
    if server.execute(f"SELECT 1 FROM pg_database WHERE datname = '{TEMPLATE}'"):
        return
    server.execute(f"ALTER SYSTEM SET search_path = {PATH}")
    server.execute("SELECT pg_reload_conf()")
    server.execute(f"CREATE DATABASE {TEMPLATE} TEMPLATE template1")
    with untrapped(server, TEMPLATE) as connection:
        named = known_names(connection, _names())
        made = [*_operators(connection, named.operators), *_functions(connection, named.functions)]
        connection.execute(";\n".join(["BEGIN", _FAST, alarm_sql(), *made, _MEMBERS, "COMMIT"]).encode())


def _names() -> Named:
    """Names of our .sql files and queries, and some that are none: a whole file is read faster than its strings."""
    texts = [path.read_text(encoding="utf-8") for path in (*PACKAGE.rglob("*.sql"), *PACKAGE.rglob("*.py"))]
    found = named_in(texts)
    return replace(found, types=frozenset(), relations=frozenset())


def _trap(name: str, arguments: tuple[str, ...], result: str, what: str, value: str) -> Iterator[str]:
    listed = ", ".join(f"pg_catalog.{one}" for one in arguments)
    yield (
        f'CREATE FUNCTION {SCHEMA}."{name}"({listed}) RETURNS pg_catalog."{result}" LANGUAGE plpgsql STABLE'
        f" SET search_path = pg_catalog AS $trap$ BEGIN PERFORM {SCHEMA}.fire('{what}'); RETURN {value}; END $trap$"
    )


def _operators(connection: Any, operators: frozenset[str]) -> Iterator[str]:
    """Each operator for each pair of these types that pg_catalog has none of, where it would still have an answer."""
    known = connection.execute(
        "SELECT o.oprname, l.typname, r.typname, t.typname FROM pg_operator o JOIN pg_type l ON l.oid = o.oprleft"
        " JOIN pg_type r ON r.oid = o.oprright JOIN pg_type t ON t.oid = o.oprresult"
        " WHERE o.oprnamespace = 'pg_catalog'::regnamespace AND t.typtype = 'b' AND o.oprname = ANY(%s) ORDER BY o.oid",
        [sorted(operators)],
    ).fetchall()
    casts = set(
        connection.execute(
            "SELECT s.typname, t.typname FROM pg_cast c JOIN pg_type s ON s.oid = c.castsource"
            " JOIN pg_type t ON t.oid = c.casttarget WHERE c.castcontext = 'i'"
        ).fetchall()
    )
    exact = {(name, left, right) for name, left, right, _ in known}
    for left, right in _PAIRS:
        have = tuple(one.strip('"') for one in (left, right))
        for name in sorted(operators):
            results = [
                result
                for known_name, *takes, result in known
                if known_name == name and all(a == b or (a, b) in casts for a, b in zip(have, takes, strict=True))
            ]
            if not results or (name, *have) in exact:
                continue
            what = f"{name} of {have[0]} and {have[1]}"
            yield from _trap(what, (left, right), results[0], what, f"$1 OPERATOR(pg_catalog.{name}) $2")
            arguments = f"LEFTARG = pg_catalog.{left}, RIGHTARG = pg_catalog.{right}"
            yield f'CREATE OPERATOR {SCHEMA}.{name} ({arguments}, FUNCTION = {SCHEMA}."{what}")'


def _functions(connection: Any, functions: frozenset[str]) -> Iterator[str]:
    """Each function once more, with arguments that fit what the catalogs hold better than its own do."""
    rows = connection.execute(
        "SELECT p.proname, ARRAY(SELECT t.typname::text FROM unnest(p.proargtypes) WITH ORDINALITY a(o, n)"
        " JOIN pg_type t ON t.oid = a.o ORDER BY n), r.typname FROM pg_proc p JOIN pg_type r ON r.oid = p.prorettype"
        " WHERE p.pronamespace = 'pg_catalog'::regnamespace AND p.proname = ANY(%s) AND p.prokind = 'f'"
        " AND NOT p.proretset AND p.pronargs > 0 ORDER BY p.oid",
        [sorted(functions.difference(BY_LITERAL))],
    ).fetchall()
    taken = {(name, tuple(arguments)) for name, arguments, _ in rows}
    for name, arguments, result in rows:
        better = tuple(BETTER.get(one, one) for one in arguments)
        odd = {"internal", "cstring", "trigger", "event_trigger", "anyenum", "anyrange", "anycompatible"}
        if (name, better) in taken or odd & {*better, result} or result.startswith("any"):
            continue
        taken.add((name, better))
        quoted = tuple(f'"{one}"' for one in better)
        passed = ", ".join(
            f"${number}" + (f'::pg_catalog."{was}"' if was in _CAST else "") for number, was in enumerate(arguments, 1)
        )
        yield from _trap(name, quoted, result, f"function {name}", f'pg_catalog."{name}"({passed})')


def of_ours(fired: list[Fired]) -> list[Fired]:
    """Those that aren't a script's own statement: in a session that runs scripts what we say is qualified."""
    found = []
    for one in fired:
        _, _, part = one.application.rpartition("/")
        script = one.application.startswith("pgmig/") and (part.isdigit() or part == "test")
        block = one.query.lstrip().upper().startswith("DO ")  # we send none
        if one.application.startswith(OURS) and (not script or ("pg_catalog." in one.query and not block)):
            found.append(one)
    return found


__all__ = ["MEANT", "PATH", "TEMPLATE", "Log", "Traps", "lay", "of_ours"]
