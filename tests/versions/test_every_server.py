"""The whole program in short on every server version that is supported: its own SQL must be that of all of them.

One project goes through what an operator does, with the commands themselves: registry and tracking rows, checks, what
the catalog tells, a failure, a rollback that keeps what it destroys, its undo, a revert.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.cli.program import Checkout, shop
from tests.servers import Server


@pytest.fixture
def database_name(any_pg: Server, database_on: Callable[..., str]) -> str:
    return database_on(any_pg)


@pytest.fixture
def checkout(tmp_path: Path, any_pg: Server, database_name: str) -> Checkout:
    return shop(tmp_path, {"dev": any_pg.uri(database_name)})


Query = Callable[[str], list[tuple[Any, ...]]]


@pytest.fixture
def query(any_pg: Server, database_name: str) -> Query:
    def ask(sql: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(any_pg.conninfo(database_name), autocommit=True) as connection:
            cursor = connection.execute(sql.encode())
            return cursor.fetchall() if cursor.description else []

    return ask


def told(checkout: Checkout, *arguments: str, status: int = 0) -> Any:
    done = checkout.run(*arguments, "--json")
    assert done.status == status, done.err
    return json.loads(done.out)


def run(checkout: Checkout, *arguments: str, status: int = 0) -> list[dict[str, Any]]:
    done = checkout.run(*arguments, "--json-lines")
    assert done.status == status, done.err
    return [json.loads(line) for line in done.out.splitlines() if line.startswith("{")]


DEPLOYED = "SELECT change FROM sqitch.changes ORDER BY committed_at, change"


def test_deploy_fail_roll_back_undo_and_revert(checkout: Checkout, query: Query, any_pg: Server) -> None:
    run(checkout, "deploy", "dev", "--yes")
    assert query(DEPLOYED) == [("schema",), ("orders",), ("total",)]
    assert query("SELECT tag FROM sqitch.tags") == [("@v1",)]
    assert query("SELECT version, success FROM pgmig.schema_migrations ORDER BY version") == [
        ("orders", True), ("schema", True), ("total", True),
    ]  # fmt: skip
    assert ("CREATE", "TABLE", "shop.orders") in query(
        "SELECT operation_type, object_type, object_name FROM pgmig.schema_audit"
    )
    (environment,) = told(checkout, "status", "dev")["environments"]
    assert (environment["reachable"], environment["pending"], environment["diverged"]) == (True, [], [])
    assert told(checkout, "log", "dev", "--target", "dev")
    run(checkout, "verify", "dev")

    query("INSERT INTO shop.orders SELECT g, g * 10 FROM generate_series(1, 500) AS g")
    checkout.plan(
        "schema {at} # Add the schema", "orders [schema] {at} # Add orders", "@v1 {at} # First",
        "total [orders] {at} # Totals", "index [orders] {at} # Find totals", "broken {at} # Fails",
    )  # fmt: skip
    checkout.write("deploy/index.sql", "CREATE INDEX CONCURRENTLY total_idx ON shop.orders (total);\n")
    checkout.write("revert/index.sql", "DROP INDEX CONCURRENTLY shop.total_idx;\n")
    checkout.change("broken", "CREATE TABLE shop.gone (id int);\nALTER TABLE shop.orders ADD CHECK (total < 100);")

    (index, broken) = told(checkout, "impact", "--target", "dev")["scripts"]
    modes = {(lock["relation"], lock["mode"]) for one in index["statements"] for lock in one["locks"]}
    assert ("orders", "ShareUpdateExclusiveLock") in modes
    assert [one["rows"] for one in broken["statements"] if "orders" in str(one["locks"])] == [500]
    states = {one["name"]: one["state"] for one in told(checkout, "check", "dev")["checks"]}
    assert states, "each with an answer of this server"
    assert "UNKNOWN" not in states.values(), states

    tasks = {one["name"]: one["state"] for one in told(checkout, "maintain", "dev", status=1)["sections"]}
    assert "UNKNOWN" not in tasks.values(), tasks

    events = run(checkout, "deploy", "dev", "--yes", status=1)
    (failed,) = (event for event in events if event["event"] == "step_failed")
    assert (failed["sqlstate"], failed["path"], failed["line"]) == ("23514", "deploy/broken.sql", 3)
    assert query(DEPLOYED) == [("schema",), ("orders",), ("total",), ("index",)]
    assert query("SELECT to_regclass('shop.gone')::text, to_regclass('shop.total_idx')::text") == [
        (None, "shop.total_idx"),
    ]  # fmt: skip
    assert query("SELECT event, change FROM sqitch.events ORDER BY committed_at DESC LIMIT 1") == [("fail", "broken")]

    receipt = told(checkout, "rollback", "dev", "--to", "orders", "--dry-run")
    assert [one["change"] for one in receipt["steps"]] == ["index", "total"]
    run(checkout, "rollback", "dev", "--to", "orders", "--yes", "--save", "--accept-data-loss")
    assert query(DEPLOYED) == [("schema",), ("orders",)]
    assert checkout.run("rollback", "dev", "--lift=total=a test", "--yes").status == 0
    run(checkout, "deploy", "dev", "--yes", "--to", "total")
    (kept,) = told(checkout, "undo", "--target", "dev")["kept"]
    assert checkout.run("undo", kept["run"], "--yes").status == 0
    assert query("SELECT count(*), sum(total) FROM shop.orders") == [(500, 1252500)]

    run(checkout, "revert", "dev", "--all", "--yes", "--accept-data-loss")
    assert query("SELECT count(*) FROM sqitch.changes") == [(0,)]
    assert query("SELECT to_regnamespace('shop')::text") == [(None,)]
    assert str(any_pg.version_num)[:2] == str(query("SHOW server_version_num")[0][0])[:2]
