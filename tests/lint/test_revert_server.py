"""What lint says of revert scripts, held against a real server: what it takes for a mirror brings the schema back, and
where it says that something stays, something does."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from tests.lint.test_changes import LEAVES, MIRRORS
from tests.servers import Server

BASES = (
    "SELECT 1",
    "CREATE SCHEMA app; CREATE ROLE reader",
    "CREATE SCHEMA app; CREATE TABLE app.t (id bigint PRIMARY KEY); CREATE TABLE app.u (id bigint);"
    " CREATE TYPE app.e AS ENUM ('a')",
    "CREATE SCHEMA app; CREATE SCHEMA old; CREATE ROLE reader; CREATE TYPE app.e AS ENUM ('a');"
    " CREATE TABLE app.t (id integer PRIMARY KEY, a integer, c integer) PARTITION BY LIST (id);"
    " CREATE TABLE app.p (LIKE app.t INCLUDING ALL); CREATE VIEW app.v AS SELECT 2 AS one;",
    "CREATE SCHEMA app; CREATE SCHEMA old; CREATE ROLE reader; CREATE TYPE app.e AS ENUM ('a');"
    " CREATE TABLE app.t (id integer PRIMARY KEY, a integer, c integer); CREATE UNIQUE INDEX i ON app.t (c);"
    " CREATE VIEW app.v AS SELECT 1 AS one;",
)
SCHEMA = """
SELECT 'relation', c.oid::regclass::text, c.relkind::text || c.relrowsecurity::text || c.relispartition::text
  FROM pg_class c WHERE c.relnamespace IN (SELECT oid FROM mine) AND c.relkind <> 'c'
UNION ALL SELECT 'column', a.attrelid::regclass::text || '.' || a.attname, concat_ws(' ', format_type(a.atttypid, a.atttypmod),
       a.attnotnull, pg_get_expr(d.adbin, d.adrelid))
  FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid LEFT JOIN pg_attrdef d ON (d.adrelid, d.adnum) = (a.attrelid, a.attnum)
 WHERE c.relnamespace IN (SELECT oid FROM mine) AND a.attnum > 0 AND NOT a.attisdropped
UNION ALL SELECT 'constraint', conrelid::regclass::text || conname, pg_get_constraintdef(oid)
  FROM pg_constraint WHERE connamespace IN (SELECT oid FROM mine)
UNION ALL SELECT 'function', oid::regprocedure::text, prosrc FROM pg_proc WHERE pronamespace IN (SELECT oid FROM mine)
UNION ALL SELECT 'trigger', tgrelid::regclass::text, tgname::text FROM pg_trigger WHERE NOT tgisinternal
UNION ALL SELECT 'view', c.oid::regclass::text, pg_get_viewdef(c.oid)
  FROM pg_class c WHERE c.relnamespace IN (SELECT oid FROM mine) AND c.relkind = 'v'
UNION ALL SELECT 'label', enumtypid::regtype::text, enumlabel::text FROM pg_enum
UNION ALL SELECT 'schema', nspname::text, '' FROM mine
UNION ALL SELECT 'grant', c.oid::regclass::text, x.grantee::text || x.privilege_type
  FROM pg_class c, aclexplode(coalesce(c.relacl, acldefault('r', c.relowner))) x
 WHERE c.relnamespace IN (SELECT oid FROM mine) AND c.relkind IN ('r', 'p', 'v')
ORDER BY 1, 2, 3
"""  # noqa: E501
MINE = (
    "WITH mine AS (SELECT oid, nspname FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema')"
)


@pytest.fixture(scope="module")
def session(pg18: Server) -> Iterator[psycopg.Connection]:
    pg18.execute("CREATE DATABASE lint_revert")
    with psycopg.connect(pg18.conninfo("lint_revert"), autocommit=True) as connection:
        yield connection
    pg18.execute("DROP DATABASE lint_revert")


def differences(session: psycopg.Connection, deploy: str, revert: str) -> list[bool]:
    """Of each base on which both scripts run: whether the schema is another one afterwards."""
    found = []
    for base in BASES:
        session.execute("BEGIN")
        try:
            session.execute(base.encode())
            before = session.execute((MINE + SCHEMA).encode()).fetchall()
            session.execute(f"{deploy}; RESET search_path".encode())
            session.execute(revert.encode())
            found.append(session.execute((MINE + SCHEMA).encode()).fetchall() != before)
        except psycopg.Error:
            pass
        finally:
            session.execute("ROLLBACK")
    assert found, "on no base do both scripts run"
    return found


@pytest.mark.parametrize(("deploy", "revert"), MIRRORS)
def test_what_it_takes_for_a_mirror_brings_the_schema_back(
    session: psycopg.Connection, deploy: str, revert: str
) -> None:
    """On one base at least: what a view was before, no text of these scripts says."""
    assert not all(differences(session, deploy, revert))


RUNNABLE = [
    (deploy, revert)
    for code, deploy, revert in LEAVES
    if code in ("revert-incomplete", "revert-too-much") and "ROLLBACK" not in revert and "COLUMN d" not in revert
    and '"T"' not in deploy
]  # fmt: skip


@pytest.mark.parametrize(("deploy", "revert"), RUNNABLE)
def test_where_it_says_that_something_stays_or_goes_it_does(
    session: psycopg.Connection, deploy: str, revert: str
) -> None:
    assert all(differences(session, deploy, revert))
