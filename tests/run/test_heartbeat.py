"""The run's row in the database: begun, kept up and ended without the run waiting for it; left where it can't be."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from typing import Any

from pgmig_tui.run.clients import client
from pgmig_tui.run.journal.file import JournalReader
from tests.run.backfill.conftest import DECLARED, plan_of, table
from tests.run.conftest import Outcome, Workshop, wait_a_moment

DEADLINE_S = 30
OFF = '[[environment]]\nname = "box"\ntarget = "$URI"\ntracking = "off"\n'


def row(workshop: Workshop, columns: str) -> tuple[Any, ...]:
    (found,) = workshop.query(f"SELECT {columns} FROM pgmig.runs")
    return found


WAITS = "BEGIN;\nSET LOCAL lock_timeout = 0;\n\nSELECT pg_advisory_xact_lock(7), 'password=geheim1';\nCOMMIT;\n"
"""A script that waits until the test lets it go on."""


def waits(workshop: Workshop) -> bool:
    """Somebody of this database waits for the advisory lock 7."""
    mine = "database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    return bool(workshop.query(f"SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND {mine}"))


def held(workshop: Workshop, look: Callable[[client.RunHandle], None]) -> Outcome:
    """Carry out the plan; what its script waits for is let go when `look` returns."""
    plan = workshop.plan()
    with workshop.connect() as holder:
        holder.execute("SELECT pg_advisory_lock(7)")
        handle = client.start(plan)
        until(lambda: waits(workshop))
        look(handle)
    until(lambda: not handle.alive())
    events = JournalReader(plan.folder).poll()
    return Outcome(events[-1].data["exit_status"], events, plan)


def until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + DEADLINE_S
    while not true():
        assert time.monotonic() < end, "it didn't come true in time"
        wait_a_moment()


def test_a_run_leaves_a_row(workshop: Workshop) -> None:
    workshop.change("one", "CREATE TABLE public.one ();\n")
    workshop.change("two", "CREATE TABLE public.two ();\n")
    done = workshop.run()
    plan = done.plan
    assert plan.creates == ("sqitch", "pgmig")
    found = row(
        workshop,
        "run_id, command, project, host, os_user, operator, role, steps, state, exit_status, started_at <= finished_at",
    )
    assert found[:3] == (plan.run_id, "deploy", "workshop")
    assert found[3:6] == (plan.host, plan.os_user, "Test Operator <test@example.com>")
    assert found[6:] == (workshop.server.parameters["user"], 2, "finished", 0, True)
    assert done.named("warning") == []


def test_it_tells_what_is_under_way_and_ages_when_the_run_is_stopped(workshop: Workshop) -> None:
    workshop.change("one", WAITS)

    def look(handle: client.RunHandle) -> None:
        until(lambda: row(workshop, "place")[0] == "deploy/one.sql:4")
        assert row(workshop, "state, step, change, exit_status") == ("running", 1, "one", None)
        assert "pg_advisory_xact_lock" in row(workshop, "statement")[0]
        assert "geheim1" not in str(workshop.query("SELECT * FROM pgmig.runs"))
        first = row(workshop, "heartbeat_at")
        until(lambda: row(workshop, "heartbeat_at") > first)
        pid = JournalReader(handle.folder).poll()[0].data["pid"]
        signal.pidfd_send_signal(fd := os.pidfd_open(pid), signal.SIGSTOP)
        try:
            last = row(workshop, "heartbeat_at")
            age = "extract(epoch FROM clock_timestamp() - heartbeat_at)"
            until(lambda: row(workshop, age)[0] > 3)
            assert row(workshop, "heartbeat_at") == last
        finally:
            signal.pidfd_send_signal(fd, signal.SIGCONT)
            os.close(fd)
        until(lambda: row(workshop, "heartbeat_at") > last)

    done = held(workshop, look)
    assert (done.status, row(workshop, "state, exit_status")) == (0, ("finished", 0))


def test_a_pause_and_a_failure_are_told(workshop18: Workshop) -> None:
    workshop18.change("one", WAITS)
    workshop18.change("two", "SELECT 1/0;\n")
    plan = workshop18.plan()
    with workshop18.connect() as holder:
        holder.execute("SELECT pg_advisory_lock(7)")
        handle = client.start(plan)
        until(lambda: waits(workshop18))
        handle.send("pause")
    until(lambda: row(workshop18, "state")[0] == "paused")
    first = row(workshop18, "heartbeat_at")
    until(lambda: row(workshop18, "heartbeat_at") > first)
    handle.send("resume")
    until(lambda: not handle.alive())
    assert row(workshop18, "state, exit_status, step, change") == ("finished", 1, 2, "two")


def test_a_lock_on_the_table_holds_up_nothing(workshop18: Workshop) -> None:
    workshop18.change("one", "SELECT 1;\n")
    assert workshop18.run().status == 0
    workshop18.change("two", "SELECT pg_sleep(2.5);\n")
    with workshop18.connect() as holder:
        holder.execute("BEGIN; LOCK TABLE pgmig.runs IN SHARE MODE")
        done = workshop18.run()
    assert done.status == 0
    assert done.named("warning") == []
    assert len(workshop18.query("SELECT 1 FROM pgmig.runs")) == 1


def test_a_refusal_is_told_once_and_changes_nothing(workshop18: Workshop) -> None:
    workshop18.change("one", "DROP TABLE pgmig.runs;\n")
    workshop18.change("two", "SELECT pg_sleep(2.5);\n")
    done = workshop18.run()
    assert done.status == 0
    (told,) = done.named("warning")
    assert "pgmig.runs is no longer kept up" in told["message"]


def test_without_tracking_and_in_a_dry_run_nothing_is_written(workshop18: Workshop) -> None:
    workshop18.toml = OFF
    workshop18.change("one", "CREATE TABLE public.one ();\n")
    plan = workshop18.plan()
    assert workshop18.finish(plan).status == 0
    assert not workshop18.relation("pgmig.runs")


def test_a_backfill_has_a_row_where_there_is_a_table_for_it(workshop18: Workshop) -> None:
    workshop18.change("one", "CREATE TABLE public.one ();\n")
    assert workshop18.run().status == 0
    workshop18.change("fill", DECLARED)
    table(workshop18, 500)
    done = workshop18.finish(plan_of(workshop18))
    assert done.status == 0, done.events[-1].data
    told = "SELECT state, exit_status, change, place FROM pgmig.runs WHERE command = 'backfill'"
    assert workshop18.query(told) == [("finished", 0, "fill", f"batch {len(done.named('batch_done'))}")]
