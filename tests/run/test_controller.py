"""Who controls a run, and what it does when they are gone without recording an end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pgmig_tui.run.clients import client, controller
from pgmig_tui.run.journal.entry import Entry
from pgmig_tui.run.journal.run_plan import RunPlan
from tests.run.conftest import Workshop, wait_a_moment

WAITS = "BEGIN;\nCREATE TABLE public.one ();\nLOCK TABLE public.gate;\nCOMMIT;\n"

_CONTROLLING = """
import sys
from pathlib import Path
from pgmig_tui.run.clients import controller
print(controller.take(Path(sys.argv[1])), flush=True)
sys.stdin.read()
"""


@contextmanager
def another_controls(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """A process of its own that controls the run, until it is killed."""
    process = subprocess.Popen(
        [sys.executable, "-c", _CONTROLLING, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "True\n"
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


@contextmanager
def gate_shut(workshop: Workshop) -> Iterator[None]:
    """The first change waits for as long as this is open."""
    with workshop.connect() as connection, connection.transaction():
        connection.execute("LOCK TABLE public.gate")
        yield


def planned(workshop: Workshop, on_hangup: str = "finish", script: str = WAITS) -> RunPlan:
    """A run of two changes, the first of which waits at the gate."""
    workshop.toml = (
        f'[[environment]]\nname = "box"\ntarget = "$URI"\non_hangup = "{on_hangup}"\nlock_timeout = "1min"\n'
        'queue_guard = { waiters = 1000, oldest = "10min" }\n'
    )
    workshop.change("one", script)
    workshop.change("two", "CREATE TABLE public.two ();\n")
    return workshop.plan()


def started(workshop: Workshop, on_hangup: str = "finish") -> client.RunHandle:
    return client.start(planned(workshop, on_hangup))


def waiting_pid(workshop: Workshop) -> int:
    """The session that waits for a lock."""
    ask = "SELECT pid FROM pg_locks WHERE NOT granted AND relation = 'public.gate'::regclass AND database ="
    ask += " (SELECT oid FROM pg_database WHERE datname = current_database())"
    while not (rows := workshop.query(ask)):
        wait_a_moment()
    return int(rows[0][0])


def aborted(workshop: Workshop, script: str) -> list[Entry]:
    """What a run tells whose controlling process is killed while `script` waits at the gate, which stays shut."""
    plan = planned(workshop, "abort", script)
    with gate_shut(workshop), another_controls(plan.folder) as process:
        handle = client.start(plan)
        assert not controller.is_ours(handle.folder)
        pid = waiting_pid(workshop)
        process.kill()
        seen = until(handle, "run_finished")
        assert not workshop.query(f"SELECT 1 FROM pg_stat_activity WHERE pid = {pid}"), "nothing of it works on"
    return seen


def until(handle: client.RunHandle, *names: str) -> list[Entry]:
    seen: list[Entry] = []
    while True:
        alive = handle.alive()
        seen += handle.poll()
        if any(event.name in names for event in seen):
            return seen
        assert alive, f"the run ended without {names}: {[event.name for event in seen]}"
        wait_a_moment()


@pytest.fixture
def shop(workshop18: Workshop) -> Workshop:
    workshop18.query("CREATE TABLE public.gate ()")
    return workshop18


def test_a_killed_watcher_lets_the_change_end_and_the_run_pause(shop: Workshop) -> None:
    with gate_shut(shop):
        handle = started(shop)
        until(handle, "statement_started")
        controller.release(handle.folder)
        with another_controls(handle.folder) as process:
            assert not handle.take_control()
            assert f"process {process.pid}" in handle.controlled_by()
        assert handle.controlled_by() == ""
    seen = until(handle, "run_paused")
    left, paused = seen[-2:]
    assert (left.name, left.data["policy"]) == ("watcher_left", "finish")
    assert "gone" in paused.data["why"]
    assert shop.deployed() == ["one"]
    again = client.attach(handle.run_id, shop.state_dir)
    assert again.take_control()
    assert again.send("resume")
    seen = until(handle, "run_finished")
    assert [event.name for event in seen][:2] == ["command_received", "run_resumed"]
    assert "watcher_came" in [event.name for event in seen]
    assert handle.exit_status == 0
    assert shop.deployed() == ["one", "two"]


def test_a_run_that_continues_doesnt_care(shop: Workshop) -> None:
    with gate_shut(shop):
        handle = started(shop, "continue")
        until(handle, "statement_started")
        controller.release(handle.folder)
    seen = until(handle, "run_finished")
    assert [event.data["policy"] for event in seen if event.name == "watcher_left"] == ["continue"]
    assert handle.exit_status == 0
    assert len(shop.deployed()) == 2


GONE = "whoever controlled it is gone, and on_hangup says abort"


def test_abort_cancels_the_statement_under_way_and_its_change(shop: Workshop) -> None:
    seen = aborted(shop, WAITS)
    assert [event.data["policy"] for event in seen if event.name == "watcher_left"] == ["abort"]
    (failed,) = (event.data for event in seen if event.name == "step_failed")
    assert (failed["message"], failed["line"]) == (f"cancelled: {GONE}", 3)
    assert (failed["sqlstate"], failed["what_stays"]) == ("57014", [])
    last = seen[-1].data
    assert (last["exit_status"], last["result"], last["done"]) == (3, "stopped", 0)
    assert last["summary"] == f"stopped: {GONE}; one: cancelled; 0 of 2 steps are done"
    assert shop.registry_events() == [("fail", "one")]
    assert not shop.relation("public.one")
    assert not shop.relation("public.two")


def test_abort_names_what_a_stepwise_script_leaves(shop: Workshop) -> None:
    seen = aborted(
        shop, "CREATE TABLE public.kept ();\nVACUUM public.kept;\nBEGIN;\nLOCK TABLE public.gate;\nCOMMIT;\n"
    )
    (failed,) = (event.data for event in seen if event.name == "step_failed")
    assert failed["message"] == f"cancelled: {GONE}"
    assert failed["what_stays"] == ["line 1: CREATE TABLE public.kept ()", "line 2: VACUUM public.kept"]
    assert (seen[-1].data["exit_status"], seen[-1].data["result"]) == (1, "failed")
    assert shop.relation("public.kept")
    assert shop.deployed() == []


COMMITS_AT_THE_GATE = """CREATE FUNCTION public.waits() RETURNS trigger LANGUAGE plpgsql
AS 'BEGIN LOCK TABLE public.gate; RETURN NULL; END';
CREATE TABLE public.one (n int);
CREATE CONSTRAINT TRIGGER waits AFTER INSERT ON public.one DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW EXECUTE FUNCTION public.waits();
"""


@pytest.mark.parametrize("stepwise", [False, True])
def test_abort_lets_a_commit_be_answered(shop: Workshop, stepwise: bool) -> None:
    """A deferred trigger makes it last."""
    shop.query(COMMITS_AT_THE_GATE)
    row = "BEGIN;\nINSERT INTO public.one VALUES (1);\nCOMMIT;\n"
    plan = planned(shop, "abort", f"{row}VACUUM public.one;\n" if stepwise else row)
    with another_controls(plan.folder) as process:
        with gate_shut(shop):
            handle = client.start(plan)
            waiting_pid(shop)
            process.kill()
            until(handle, "watcher_left")
        last = until(handle, "run_finished")[-1].data
    assert GONE in last["summary"]
    assert shop.query("SELECT n FROM public.one") == [(1,)]
    assert shop.deployed() == ["one"]
    assert (last["exit_status"], last["result"], last["done"]) == (3, "stopped", 1)


def test_abort_ends_a_run_that_is_paused(shop: Workshop) -> None:
    plan = planned(shop, "abort")
    with another_controls(plan.folder) as process:
        with gate_shut(shop):
            handle = client.start(plan)
            until(handle, "statement_started")
            handle.send("pause")
        until(handle, "run_paused")
        process.kill()
        last = until(handle, "run_finished")[-1].data
    assert (last["exit_status"], last["result"]) == (3, "stopped")
    assert GONE in last["summary"]


def test_abort_ends_a_verification(shop: Workshop) -> None:
    shop.change("one", "SELECT 1;\n", verify="SELECT 1 FROM public.gate;\n")
    assert shop.run().status == 0
    shop.toml = '[[environment]]\nname = "box"\ntarget = "$URI"\non_hangup = "abort"\nlock_timeout = "1min"\n'
    plan = shop.plan("verify")
    with gate_shut(shop), another_controls(plan.folder) as process:
        handle = client.start(plan)
        waiting_pid(shop)
        process.kill()
        seen = until(handle, "run_finished")
    assert [event.data["message"] for event in seen if event.name == "step_verified"] == [f"cancelled: {GONE}"]
    assert (seen[-1].data["exit_status"], seen[-1].data["result"]) == (3, "stopped")


def test_a_watcher_that_detaches_leaves_the_run_to_itself(shop: Workshop) -> None:
    with gate_shut(shop):
        handle = started(shop)
        until(handle, "statement_started")
        assert handle.send("detach")
        assert not controller.is_ours(handle.folder)
    seen = until(handle, "run_finished")
    assert "watcher_left" not in [event.name for event in seen]
    assert handle.exit_status == 0


def test_a_suspended_watcher_keeps_controlling(shop: Workshop) -> None:
    plan = planned(shop, "abort")
    with another_controls(plan.folder) as process:
        with gate_shut(shop):
            handle = client.start(plan)
            until(handle, "statement_started")
            os.kill(process.pid, signal.SIGSTOP)
        seen = until(handle, "run_finished")
    assert "watcher_left" not in [event.name for event in seen]
    assert handle.exit_status == 0
