"""What lint says of verify scripts, held against a real server: those that it says can't fail don't, and those that it
takes for proofs fail where the change is absent and pass where it is there."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from tests.lint.test_changes import ADD, CAN_FAIL, CANNOT_FAIL, PASSES_WITHOUT, PROVES
from tests.servers import Server

BASE = {
    "t": "CREATE SCHEMA app; CREATE TABLE app.t (id bigint PRIMARY KEY, c integer);",
    "no c": "CREATE SCHEMA app; CREATE TABLE app.t (id serial PRIMARY KEY);",
    "no t": "CREATE SCHEMA app; CREATE TABLE app.u (id bigint); CREATE TYPE app.u_e AS ENUM ('a');",
    "nothing": "SELECT 1;",
}


@pytest.fixture(scope="module")
def session(pg18: Server) -> Iterator[psycopg.Connection]:
    pg18.execute("CREATE DATABASE lint_verify")
    with psycopg.connect(pg18.conninfo("lint_verify"), autocommit=True) as connection:
        yield connection
    pg18.execute("DROP DATABASE lint_verify")


def passes(session: psycopg.Connection, *scripts: str) -> bool:
    """Whether the last script succeeds behind the others, which have to; nothing of it stays."""
    *before, last = (one.replace("CONCURRENTLY ", "").removeprefix("BEGIN; ") for one in scripts)
    session.execute("BEGIN")
    try:
        for one in before:
            session.execute(one.encode())
        session.execute("SAVEPOINT here")
        try:
            session.execute(last.encode())
        except psycopg.Error:
            return False
        return True
    finally:
        session.execute("ROLLBACK")


def base_for(deploy: str) -> str:
    if "CREATE SCHEMA" in deploy:
        return BASE["nothing"]
    if "TABLE app.t (LIKE" in deploy or "app.u RENAME" in deploy:
        return BASE["no t"]
    return BASE["t"] + (" CREATE TYPE app.e AS ENUM ('a');" if "ALTER TYPE app.e" in deploy else "")


@pytest.mark.parametrize("sql", CANNOT_FAIL)
def test_what_it_says_cannot_fail_does_not(session: psycopg.Connection, sql: str) -> None:
    if sql.strip().startswith("--") or sql == "BEGIN; ROLLBACK;":
        sql = "SELECT"
    assert passes(session, BASE["no c"], sql)


@pytest.mark.parametrize("sql", [one for one in CAN_FAIL if "\\" not in one and ":'" not in one])
def test_what_it_takes_for_a_proof_fails_without_the_change_and_passes_with_it(
    session: psycopg.Connection, sql: str
) -> None:
    assert not passes(session, BASE["no c"], sql)
    assert passes(session, BASE["no c"], ADD, sql)


@pytest.mark.parametrize(("deploy", "verify"), PASSES_WITHOUT)
def test_what_it_says_proves_nothing_passes_without_the_change(
    session: psycopg.Connection, deploy: str, verify: str
) -> None:
    assert passes(session, base_for(deploy), verify)


@pytest.mark.parametrize(("deploy", "verify"), [one for one in PROVES if "ADD VALUE" not in one[0]])
def test_what_it_says_proves_the_change_fails_without_it(session: psycopg.Connection, deploy: str, verify: str) -> None:
    assert not passes(session, base_for(deploy), verify)
    assert passes(session, base_for(deploy), deploy, verify)
