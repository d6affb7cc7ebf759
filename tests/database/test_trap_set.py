"""The traps that lie in the template of test databases: that they cover our SQL, and that they are heard."""

from __future__ import annotations

import psycopg

from tests import trap_set
from tests.servers import Server
from tests.traps import known_names, untrapped

NO_BETTER = {"array_position", "jsonb_populate_record", *trap_set.BY_LITERAL}
"""Two take whatever fits, one of them from PostgreSQL 14 on; the others are called by scripts with literals."""
NO_SUCH_TYPES = {"%", "->>", "?", "|"}
"""Operators of numbers, json and bits: nothing of the catalogs fits them better."""


def test_each_operator_and_function_that_our_sql_names_has_one(pg18: Server, database: str) -> None:
    """A function without arguments, or with none that could fit better, can't be hidden by the end of a path."""
    with untrapped(pg18, database) as connection:
        named = known_names(connection)
        laid = "SELECT oprname FROM pg_operator WHERE oprnamespace = %s::regnamespace"
        operators = {name for (name,) in connection.execute(laid, [trap_set.SCHEMA])}
        missing = connection.execute(
            "SELECT DISTINCT p.proname FROM pg_proc p WHERE p.prokind = 'f' AND NOT p.proretset"
            " AND p.pronamespace = 'pg_catalog'::regnamespace AND p.proname = ANY(%s) AND NOT EXISTS"
            " (SELECT FROM pg_proc t WHERE t.pronamespace = %s::regnamespace AND t.proname = p.proname) AND EXISTS"
            " (SELECT FROM unnest(p.proargtypes) a(o) JOIN pg_type y ON y.oid = a.o WHERE y.typname = ANY(%s))",
            [sorted(named.functions), trap_set.SCHEMA, sorted(trap_set.BETTER)],
        ).fetchall()
    assert named.operators - operators == NO_SUCH_TYPES
    assert {name for (name,) in missing} == (
        NO_BETTER if pg18.version_num >= 140000 else NO_BETTER - {"array_position"}
    )


def test_one_that_runs_is_heard_unless_a_script_says_it(pg18: Server, database: str) -> None:
    log = trap_set.Log(pg18, database)
    for name, sql in (
        ("pgmig/heard/control", "SELECT relname || 'a'::text FROM pg_class LIMIT 1"),
        ("pgmig/heard/1", "SELECT relname || 'b'::text FROM pg_catalog.pg_class LIMIT 1"),
        ("pgmig/heard/1", "SELECT relname || 'c'::text FROM pg_class LIMIT 1"),
        ("psql", "SELECT relname || 'd'::text FROM pg_class LIMIT 1"),
    ):
        with psycopg.connect(pg18.conninfo(database, application_name=name)) as connection:
            ((answer,),) = connection.execute(sql.encode()).fetchall()
            assert answer[-1] in "abcd", "it answers as PostgreSQL's own operator does"
    heard = trap_set.of_ours(log.fired())
    assert [(one.what, one.application) for one in heard] == [
        ("|| of name and text", "pgmig/heard/control"),
        ("|| of name and text", "pgmig/heard/1"),
    ]
