"""A cluster and a copy of its files: runs are settled on their own server, and protection follows the server."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.cli.program import DEADLINE_S, Checkout, shop
from tests.copies import Pair, copied_cluster
from tests.servers import Server

TOML = """
[[environment]]
name = "staging"
target = "staging"
lock_timeout = "1min"

[[environment]]
name = "production"
target = "production"
protected = true
confirm_word = "prod"
lock_timeout = "1min"
"""
WORD = ("--confirm", "prod")
_ATTESTED = ("window", "notify", "coordination", "backup", "verify-backup")
_BEFORE = ("staging", "verify-staging", "application-tests")
_CHECKS = ("archiver", "wraparound", "replication-lag", "blockers")
GATES = (
    *(f"--attest=pre:{item}=done" for item in _ATTESTED),
    *(f"--attest=deploy:{item}=done" for item in _BEFORE),
    *(f"--override=check:{item}=a test of copies" for item in _CHECKS),
)


@pytest.fixture(scope="module", params=[15, 16, 18])
def pair(request: pytest.FixtureRequest, major_for: Callable[[int], int]) -> Iterator[Pair]:
    with copied_cluster(major_for(request.param)) as made:
        yield made


@pytest.fixture
def database(pair: Pair) -> str:
    return pair.database()


@pytest.fixture
def checkout(tmp_path: Path, pair: Pair, database: str) -> Checkout:
    """Staging is a copy of production's cluster, with a database of the same name."""
    made = shop(tmp_path, {"staging": pair.copy.uri(database), "production": pair.original.uri(database)})
    made.write("pgmig.toml", TOML)
    return made


def kill_in(checkout: Checkout, server: Server, database: str, *command: str, step: int = 2) -> str:
    """Let the command stand still at a table that is locked, kill its run process; the run's ID."""
    with psycopg.connect(server.conninfo(database), autocommit=True) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS public.gate (id int)")
        with connection.transaction():
            connection.execute("LOCK TABLE public.gate")
            pid = os.spawnve(os.P_NOWAIT, *checkout.command(*command, "--json-lines"))
            deadline = time.monotonic() + DEADLINE_S
            while not _waits(events := journal(checkout), step):
                assert time.monotonic() < deadline, events
                time.sleep(0.02)
            os.kill(events[0]["pid"], signal.SIGKILL)
            os.waitpid(pid, 0)
    return str(events[0]["run"])


def _waits(events: list[dict[str, Any]], step: int) -> bool:
    started = [event for event in events if event["event"] == "statement_started"]
    return bool(started) and started[-1]["step"] == step and "gate" in started[-1]["sql"]


def journal(checkout: Checkout) -> list[dict[str, Any]]:
    found = sorted(checkout.home.rglob("journal.jsonl"))
    return [json.loads(line) for line in found[-1].read_text().splitlines()] if found else []


def deployed(server: Server, database: str) -> list[str]:
    try:
        rows = server.execute("SELECT change FROM sqitch.changes ORDER BY committed_at", database)
    except psycopg.errors.UndefinedTable:
        return []
    return [row[0] for row in rows]


def unfinished(checkout: Checkout) -> dict[str, Any]:
    rows = json.loads(checkout.run("status", "--json").out)["environments"]
    return {row["name"]: row["unfinished_run"] and row["unfinished_run"]["run"] for row in rows}


@pytest.fixture
def cut(checkout: Checkout, pair: Pair, database: str) -> str:
    """A deploy to production that was killed in its second change, which is a transaction."""
    checkout.change("orders", "CREATE TABLE shop.orders (id int);\nLOCK TABLE public.gate;")
    return kill_in(checkout, pair.original, database, "deploy", "production", *WORD, *GATES)


def test_a_run_is_not_settled_from_a_copy(checkout: Checkout, pair: Pair, database: str, cut: str) -> None:
    checkout.change("orders", "CREATE TABLE shop.orders (id int);")
    done = checkout.run("deploy", "staging", "--yes")
    assert done.status == 0, done.err
    assert cut not in done.err
    assert deployed(pair.copy, database) == ["schema", "orders", "total"]
    assert deployed(pair.original, database) == ["schema"]
    assert unfinished(checkout) == {"staging": None, "production": cut}
    reconciled = json.loads(checkout.run("reconcile", "staging", "--record", "--yes", "--json").out)
    assert reconciled["runs"] == []
    (settled,) = json.loads(checkout.run("reconcile", "production", "--json").out)["runs"]
    assert (settled["run"], settled["server"], settled["settled"]) == (cut, "same", True)
    assert [step["outcome"] for step in settled["steps"]] == ["recorded", "not_applied", "not_applied"]
    assert unfinished(checkout) == {"staging": None, "production": None}


def test_a_server_that_does_not_answer_is_asked_about(checkout: Checkout, pair: Pair, database: str, cut: str) -> None:
    pair.sandboxes[0].stop()
    try:
        refused = checkout.run("deploy", "staging", *WORD)
        assert refused.status == 4, refused.err
        assert f"the run {cut} was cut off on production, and whether it worked on this server can't be" in refused.err
        assert "`pgmig-tui reconcile staging` asks" in refused.err
        assert deployed(pair.copy, database) == []
        unsure = checkout.run("reconcile", "staging", *WORD)
        assert unsure.status == 4
        assert "--same-server says that it did, --leave closes it unseen" in unsure.out
        closed = checkout.run("reconcile", "staging", "--leave", *WORD)
        assert closed.status == 0, closed.err
        assert "it was closed without a look at its server" in closed.out
    finally:
        pair.sandboxes[0].start()
    last = journal(checkout)[-1]
    assert (last["event"], last["exit_status"]) == ("run_finished", 1)


def test_an_environment_that_leads_to_a_copy_now_settles_nothing(
    checkout: Checkout, pair: Pair, database: str, cut: str
) -> None:
    uri = pair.copy.uri(database)
    checkout.targets({"staging": uri, "production": uri})
    checkout.change("orders", "CREATE TABLE shop.orders (id int);")
    told = checkout.run("reconcile", "production")
    assert told.status == 4
    assert f"it worked on another server, {pair.original.uri(database)}: settle it there" in told.out
    done = checkout.run("deploy", "production", *WORD, *GATES)
    assert done.status == 0, done.err
    assert f"the run {cut} was cut off on another server" in done.err
    assert unfinished(checkout)["production"] == cut
    checkout.targets({"staging": uri, "production": pair.original.uri(database)})
    assert checkout.run("reconcile", "production").status == 0


def test_a_run_of_the_same_server_under_another_name_is_settled_by_a_word(
    checkout: Checkout, pair: Pair, database: str
) -> None:
    checkout.change("orders", "CREATE TABLE shop.orders (id int);\nLOCK TABLE public.gate;")
    uri, alias = pair.copy.uri(database), pair.copy.uri(database).replace("%2Fcluster", "%2F.%2Fcluster")
    assert alias != uri
    cut = kill_in(checkout, pair.copy, database, "deploy", "staging", "--yes")
    checkout.write("pgmig.toml", TOML.replace('name = "staging"', 'name = "stage"'))
    checkout.targets({"staging": alias, "production": pair.original.uri(database)})
    refused = checkout.run("deploy", "stage", "--yes")
    assert refused.status == 4, refused.err
    assert f"the run {cut} was cut off on staging, which is this very server and database" in refused.err
    assert checkout.run("reconcile", "stage").status == 3
    settled = checkout.run("reconcile", "stage", "--yes")
    assert settled.status == 0, settled.err
    assert f"deploy {cut}  of staging  settled" in settled.out


def test_a_refused_deploy_has_settled_nothing(checkout: Checkout, pair: Pair, database: str, cut: str) -> None:
    checkout.change("orders", "CREATE TABLE shop.orders (id int);")
    rows = "SELECT count(*) FROM pgmig.schema_migrations"
    before = pair.original.execute(rows, database)
    refused = checkout.run("deploy", "production", "--yes")
    assert refused.status == 3
    assert "Nothing was changed." in refused.err
    assert pair.original.execute(rows, database) == before
    assert unfinished(checkout)["production"] == cut
    done = checkout.run("deploy", "production", *WORD, *GATES)
    assert done.status == 0, done.err
    assert f"the run {cut}, which was cut off, is settled: 1 of 3 steps are done" in done.out
    assert unfinished(checkout)["production"] is None


def test_a_mark_in_a_file_stops_its_own_server_alone(checkout: Checkout, pair: Pair, database: str) -> None:
    toml = TOML.replace("lock_timeout", 'tracking = "off"\nlock_timeout')
    checkout.write("pgmig.toml", toml)
    assert checkout.run("deploy", "production", *WORD, *GATES).status == 0
    back = checkout.run("rollback", "production", *WORD, "--accept-data-loss", "--reason", "broken")
    assert back.status == 0, back.err
    refused = checkout.run("deploy", "production", *WORD, *GATES)
    assert (refused.status, "must not be deployed on production" in refused.err) == (3, True)
    done = checkout.run("deploy", "staging", "--yes")
    assert done.status == 0, done.err
    assert checkout.run("rollback", "staging", "--yes", "--lift", "orders=mended").status == 2
    lifted = checkout.run("rollback", "production", *WORD, "--lift", "schema=mended", "--lift", "orders=mended")
    assert lifted.status == 0, lifted.err


def test_a_run_of_the_original_is_not_the_last_run_of_an_environment_that_leads_to_a_copy(
    checkout: Checkout, pair: Pair, database: str
) -> None:
    assert checkout.run("deploy", "production", *WORD, *GATES).status == 0
    told = checkout.run("rollback", "production", "--dry-run")
    assert journal(checkout)[0]["run"] in told.err
    # The registry as a copy has it that was made now.
    assert checkout.run("deploy", "staging", "--yes").status == 0
    run = journal(checkout)[0]["run"]
    checkout.targets({"staging": pair.original.uri(database), "production": pair.copy.uri(database)})
    told = checkout.run("rollback", "production", "--dry-run")
    assert "run 2" not in told.err.replace(run, ""), told.err


def test_what_a_run_has_kept_comes_back_on_its_own_server(checkout: Checkout, pair: Pair, database: str) -> None:
    assert checkout.run("deploy", "production", *WORD, *GATES).status == 0
    pair.original.execute("INSERT INTO shop.orders VALUES (1)", database)
    back = checkout.run("rollback", "production", *WORD, "--save", "--reason", "broken")
    assert back.status == 0, back.err
    run = journal(checkout)[0]["run"]
    uri = pair.copy.uri(database)
    checkout.targets({"staging": uri, "production": uri})
    refused = checkout.run("undo", run, *WORD)
    assert (refused.status, "leads to another server" in refused.err) == (3, True), refused.err
    assert "--target production" in refused.err


def test_a_backup_of_a_copy_is_none_of_the_original(checkout: Checkout, pair: Pair, database: str) -> None:
    toml = TOML.replace('name = "staging"', 'name = "staging"\nbackup = { required = true, verify = "list" }')
    checkout.write("pgmig.toml", toml)
    made = checkout.run("deploy", "staging", "--yes", "--backup", "--to", "schema")
    assert made.status == 0, made.err
    pair.copy.execute("TRUNCATE sqitch.events", database)  # nothing has changed there since, as far as it knows
    alias = pair.copy.uri(database).replace("%2Fcluster", "%2F.%2Fcluster")
    checkout.targets({"staging": alias, "production": pair.original.uri(database)})
    assert "another server" not in checkout.run("deploy", "staging", "--yes").err
    checkout.targets({"staging": pair.original.uri(database), "production": pair.copy.uri(database)})
    refused = checkout.run("deploy", "staging", "--yes")
    assert refused.status == 3, refused.err
    assert "doesn't count: it is of another server" in refused.err
