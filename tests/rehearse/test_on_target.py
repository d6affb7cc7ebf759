"""`test --target`: on copies of a database that pgmig.toml marks for tests, and on no other."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from tests.cli.program import Checkout, shop
from tests.servers import Server

MARKED = '[[environment]]\nname = "dev"\ntarget = "dev"\ntest = true\n'


@pytest.fixture
def place(pg18: Server, database_on: Callable[..., str], tmp_path: Path) -> tuple[Checkout, str]:
    """A target that has two of three changes, and rows."""
    database = database_on(pg18)
    checkout = shop(tmp_path, {"dev": pg18.uri(database)})
    assert checkout.run("deploy", "dev", "--yes", "--to", "orders").status == 0
    pg18.execute("INSERT INTO shop.orders SELECT generate_series(1, 30)", database)
    return checkout, database


def contents(server: Server, database: str) -> list[tuple[object, ...]]:
    return server.execute(
        "SELECT (SELECT count(*) FROM shop.orders), (SELECT count(*) FROM sqitch.events),"
        " (SELECT string_agg(attname, ' ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = 'shop.orders'::regclass"
        " AND attnum > 0), (SELECT count(*) FROM pg_database WHERE datname LIKE 'pgmig_rehearsal%')",
        database,
    )


def test_what_is_pending_is_tested_on_copies_of_it_rows_and_all(place: tuple[Checkout, str], pg18: Server) -> None:
    checkout, database = place
    checkout.write("pgmig.toml", MARKED)
    before = contents(pg18, database)
    done = checkout.run("test", "--target", "dev", "--json")
    assert done.status == 0, done
    found = json.loads(done.out)
    assert found["server"].startswith("copies of dev, PostgreSQL 18")
    (total,) = found["changes"]
    assert (total["change"], total["outcome"]) == ("total", "passed")
    assert {"table": "shop.orders", "before": 30, "deployed": 30, "reverted": 30} in total["data"]["counts"]
    assert contents(pg18, database) == before, "the target was only read, and no copy is left"
    there = checkout.run("test", "orders", "--target", "dev")
    assert (there.status, "orders is deployed on dev already" in there.err) == (2, True), there
    (checkout.root / "roles.sql").write_text("CREATE /* and */ ROLE test_target_another;")
    for scripts in (
        ("\\i roles.sql",),
        ("SELECT 1;", "GRANT test_target_a TO test_target_b;"),
        ("", "", "DROP ROLE a;"),
    ):
        checkout.change("total", *scripts)
        wide = checkout.run("test", "--target", "dev")
        assert (wide.status, "may change more than their database" in wide.err) == (3, True), wide
        assert ("roles.sql:1: CREATE ROLE" in wide.err) is (scripts[0] == "\\i roles.sql"), wide
    checkout.change("total", "ALTER TABLE shop.orders ADD total int;", "ALTER TABLE shop.orders DROP total;")
    with psycopg.connect(pg18.conninfo(database)):
        busy = checkout.run("test", "--target", "dev")
    assert (busy.status, "no copy of dev can be made" in busy.err) == (1, True), busy
    assert contents(pg18, database) == before


def test_what_a_function_of_the_database_does_to_its_server_is_told(place: tuple[Checkout, str], pg18: Server) -> None:
    checkout, database = place
    checkout.write("pgmig.toml", MARKED)
    role = f"of_{database}"
    body = f"BEGIN EXECUTE 'CREATE ROLE {role}'; RETURN 1; END"
    pg18.execute(f"CREATE FUNCTION shop.tenant() RETURNS int LANGUAGE plpgsql AS $${body}$$", database)
    checkout.change("total", "SELECT shop.tenant();", "SELECT 1;")
    try:
        done = checkout.run("test", "--target", "dev", "--json")
    finally:
        pg18.execute(f"DROP ROLE {role}")
    (note,) = [one for one in json.loads(done.out)["notes"] if role in one]
    assert note.startswith(f"on its server the role {role} was made since the test began")


def test_a_target_that_is_not_marked_is_refused_however_it_is_written(
    place: tuple[Checkout, str], pg18: Server
) -> None:
    checkout, database = place
    before = contents(pg18, database)
    for target in ("dev", pg18.uri(database)):
        refused = checkout.run("test", "--target", target)
        assert (refused.status, refused.out) == (3, ""), refused
        assert "is no test target" in refused.err
    checkout.write("pgmig.toml", MARKED.replace("test = true", 'protected = true\ntest = true\nconfirm_word = "dev"'))
    both = checkout.run("test", "--target", "dev")
    assert (both.status, "what is protected is no test target" in both.err) == (2, True), both
    assert contents(pg18, database) == before
