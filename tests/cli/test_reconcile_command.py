"""`pgmig-tui reconcile`: what it says, what it wants to be told, and how it ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest

from pgmig_tui.display.cells import text_of
from pgmig_tui.review.settling import Said, SettlingDecision
from pgmig_tui.ui.backend.project import ProjectSession
from tests.cli.program import DEADLINE_S, Checkout, environment, shop
from tests.servers import Server


@pytest.fixture
def checkout(tmp_path: Path, pg18: Server, database: str) -> Checkout:
    return shop(tmp_path, {"dev": pg18.uri(database)})


def cut_off(checkout: Checkout, pg18: Server, database: str, reached: Callable[[list[dict[str, Any]]], bool]) -> None:
    """Deploy while a table is locked, and kill the run process when its journal has `reached` the point."""
    with psycopg.connect(pg18.conninfo(database), autocommit=True) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS public.gate (id int)")
        with connection.transaction():
            connection.execute("LOCK TABLE public.gate")
            pid = os.spawnve(os.P_NOWAIT, *checkout.command("deploy", "dev", "--yes", "--json-lines"))
            deadline = time.monotonic() + DEADLINE_S
            while not reached(events := journal(checkout)):
                assert time.monotonic() < deadline, events
                time.sleep(0.02)
            os.kill(events[0]["pid"], signal.SIGKILL)
            os.waitpid(pid, 0)


def journal(checkout: Checkout) -> list[dict[str, Any]]:
    found = sorted(checkout.home.rglob("journal.jsonl"))
    return [json.loads(line) for line in found[-1].read_text().splitlines()] if found else []


def waits_in(step: int, kind: str) -> Callable[[list[dict[str, Any]]], bool]:
    def reached(events: list[dict[str, Any]]) -> bool:
        last = [event for event in events if event["event"] == "statement_started"][-1:]
        return bool(last) and last[0]["step"] == step and last[0]["kind"] == kind

    return reached


def unfinished(checkout: Checkout) -> Any:
    (row,) = json.loads(checkout.run("status", "dev", "--json").out)["environments"]
    return row["unfinished_run"]


def test_nothing_to_settle_is_said(checkout: Checkout) -> None:
    done = checkout.run("reconcile", "dev")
    assert (done.status, done.out) == (0, "dev: no run was cut off; nothing is to settle.\n")
    assert json.loads(checkout.run("reconcile", "dev", "--json").out) == {"environment": "dev", "runs": []}


def test_a_transaction_is_settled_without_a_question(checkout: Checkout, pg18: Server, database: str) -> None:
    checkout.write("pgmig.toml", '[[environment]]\nname = "dev"\ntarget = "dev"\nlock_timeout = "1min"\n')
    checkout.change("orders", "CREATE TABLE shop.orders (id int);\nLOCK TABLE public.gate;")
    cut_off(checkout, pg18, database, waits_in(2, "LOCK"))
    assert unfinished(checkout)["state"] == "unknown"
    told = checkout.run("status", "dev").out
    assert "`pgmig-tui reconcile dev` settles it" in told
    done = checkout.run("reconcile", "dev", "--json")
    assert done.status == 0, done.err
    (run,) = json.loads(done.out)["runs"]
    assert (run["settled"], run["exit_status"]) == (True, 1)
    assert [step["outcome"] for step in run["steps"]] == ["recorded", "not_applied", "not_applied"]
    assert unfinished(checkout) is None
    last = journal(checkout)[-1]
    assert (last["event"], last["result"], last["done"]) == ("run_finished", "settled", 1)
    checkout.change("orders", "CREATE TABLE shop.orders (id int);")
    assert checkout.run("deploy", "dev", "--yes").status == 0


def test_an_index_that_is_left_invalid_is_named_with_its_repair(
    checkout: Checkout, pg18: Server, database: str
) -> None:
    pg18.execute("CREATE TABLE public.gate (id int)", database)
    script = "CREATE INDEX CONCURRENTLY gate_id_idx ON public.gate (id);\n"
    checkout.write("deploy/orders.sql", script)
    checkout.write("verify/orders.sql", "SELECT 1;\n")
    cut_off(checkout, pg18, database, waits_in(2, "CREATE INDEX"))
    # The lock that it waited for is let go when its client is dead; so make what a cut in the middle of it leaves.
    pg18.execute("DROP INDEX IF EXISTS public.gate_id_idx", database)
    pg18.execute("CREATE INDEX gate_id_idx ON public.gate (id)", database)
    pg18.execute("UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'public.gate_id_idx'::regclass", database)
    refused = checkout.run("deploy", "dev", "--yes")
    assert refused.status == 4
    assert "`pgmig-tui reconcile dev` settles it" in refused.err
    done = checkout.run("reconcile", "dev")
    assert done.status == 0, done.err
    assert "PARTLY APPLIED" in done.out
    assert "repair: DROP INDEX CONCURRENTLY public.gate_id_idx" in done.out
    assert checkout.run("reconcile", "dev").out.startswith("dev: no run was cut off")
    pg18.execute("DROP INDEX public.gate_id_idx", database)
    again = checkout.run("deploy", "dev", "--yes", "--to", "orders")
    assert again.status == 0, again.err
    assert "warning: orders was partly carried out by the run" in again.err
    assert "its script runs from the beginning" in again.err


@pytest.mark.parametrize("said_by", ["a command", "the screen"])
def test_what_nobody_can_know_is_exit_4_until_somebody_says_it(
    checkout: Checkout, pg18: Server, database: str, said_by: str
) -> None:
    checkout.write("pgmig.toml", '[[environment]]\nname = "dev"\ntarget = "dev"\nlock_timeout = "1min"\n')
    pg18.execute("CREATE TABLE public.gate (id int)", database)
    checkout.write("deploy/orders.sql", "CREATE TABLE shop.orders (id int);\nDELETE FROM public.gate;\nANALYZE;\n")
    checkout.write("verify/orders.sql", "SELECT id FROM shop.orders WHERE FALSE;\n")
    cut_off(checkout, pg18, database, waits_in(2, "DELETE"))
    done = checkout.run("reconcile", "dev")
    assert done.status == 4
    told = "whether the DELETE at line 2 took effect is not known; line 3 and what follows was never sent"
    assert f"{told}; its verification passes" in done.out
    assert "If all of its script is applied, what was never sent, too: pgmig-tui reconcile dev --record" in done.out
    assert "stays: line 1: CREATE TABLE shop.orders (id int)" in done.out
    refused = checkout.run("reconcile", "dev", "--record")
    assert refused.status == 3
    assert "--yes" in refused.err
    if said_by == "the screen":
        session, heard = ProjectSession(checkout.root, environment(checkout.home)), list[str]()
        (doubt,) = session.settle("dev", "yes", heard.append).doubts
        assert doubt.options == ("record", "leave")
        assert told in doubt.questions[0]
        said: frozenset[Said] = frozenset(["record"])
        for stale in (
            SettlingDecision("another", said, doubt.questions),
            SettlingDecision(doubt.run, said, ("what was seen before",)),
        ):
            assert session.settle("dev", "yes", heard.append, stale).doubts == (doubt,), "it is decided by nobody"
        assert "is not what was decided on" in heard[-1]
        settled = session.settle("dev", "yes", heard.append, SettlingDecision(doubt.run, said, doubt.questions))
        assert settled.doubts == ()
        assert "recorded as applied, as was said" in "".join(text_of(one) for one in settled.lines)
    else:
        done = checkout.run("reconcile", "dev", "--record", "--yes")
        assert done.status == 0, done.err
        assert "it is recorded as applied, as was said" in done.out
    (row,) = json.loads(checkout.run("status", "dev", "--json").out)["environments"]
    assert (len(row["deployed"]), row["unfinished_run"]) == (2, None)
    assert checkout.run("deploy", "dev", "--yes").status == 0


def test_a_full_disk_is_said_before_anything_is_begun(checkout: Checkout) -> None:
    limited = subprocess.run(
        ["bash", "-c", 'ulimit -f 0; exec "$@"', "bash", *checkout.command("deploy", "dev", "--yes")[1]],
        env=checkout.command()[2],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert limited.returncode == 2
    assert "the folder of this run can't be written" in limited.stderr
    assert "Nothing was changed." in limited.stderr
