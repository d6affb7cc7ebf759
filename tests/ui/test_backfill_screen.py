"""A data migration in batches on its screen: how far, how fast, why it waits, and the keys that change its pace."""

from __future__ import annotations

from typing import Any

import pytest

from pgmig_tui.run.journal.entry import Entry
from tests.ui.fakes import FakeSession, Prepare
from tests.ui.fakes import event as event_at
from tests.ui.robot import Robot, opened

SIZES = [(100, 30), (80, 24)]
SQL = "UPDATE dms.documents SET search_vector = to_tsvector(body) WHERE search_vector IS NULL"


def at(second: float) -> str:
    return f"2026-08-20T03:13:{second:06.3f}Z"


def begun(environment: str = "production") -> list[Entry]:
    step = {"number": 1, "action": "backfill", "change": "20250311_0001_fill_search_vector", "mode": "batches"}
    planned: dict[str, Any] = {
        "format": 1, "command": "backfill", "environment": environment, "operator": "Maria Berg <maria@example.org>",
        "host": "bastion2", "steps": [step],
    }  # fmt: skip
    started = {
        "step": 1, "change": step["change"], "action": "backfill", "mode": "batches", "table": "dms.documents",
        "rows": 0, "seen": 0, "about_total": 400_000, "level": 0, "aim_ms": 200, "rest": 0.25, "size": 1000,
    }  # fmt: skip
    return [
        event_at(at(20), "run_planned", planned),
        event_at(at(20), "run_started", {"steps": 1}),
        event_at(at(20), "step_started", started),
        event_at(at(20), "statement_started", {"step": 1, "line": 1, "path": "backfill.sql", "sql": SQL}),
    ]


def batch(number: int, second: float, rows: int = 4000) -> Entry:
    done = number * rows
    data = {
        "step": 1, "batch": number, "rows": rows, "total": done, "seen": done, "last_key": [str(done * 3)],
        "ms": 187.0, "size": rows, "next_size": rows, "about_total": 400_000,
    }  # fmt: skip
    return event_at(at(second), "batch_done", data)


def event(name: str, second: float, **data: Any) -> Entry:
    return event_at(at(second), name, {"step": 1, **data})


async def watching(robot: Robot, session: FakeSession) -> None:
    robot.app.open_run(session.watch.run_id)
    await robot.sees("dms.documents")


@pytest.mark.parametrize("size", SIZES)
async def test_how_far_how_fast_and_what_it_gives_way_to(size: tuple[int, int]) -> None:
    session = FakeSession()
    session.watch.unread = [*begun(), *(batch(number, 20 + number) for number in range(1, 26))]
    async with opened(session, size) as robot:
        await watching(robot, session)
        await robot.sees("about 25 %", "100,000 of about 400.0k", "25, of 4,000 rows now")
        await robot.sees("4000 rows/s", "done up to key 300000", "> running", "usual pace")
        session.watch.unread = [
            event("batch_throttled", 46, reason="a replica is 7.1 s behind (limit 5 s)", wait_ms=0, over=False),
            event("batch_throttled", 51, reason="a replica is 7.1 s behind (limit 5 s)", wait_ms=5000, over=False),
        ]
        await robot.sees("~ HOLDING: a replica is 7.1 s behind (limit 5 s)", "HOLDING for 5.0 s", "gave way to")
        await robot.snapshot("backfill")
        session.watch.unread = [
            event("batch_throttled", 52, reason="a replica is 7.1 s behind (limit 5 s)", wait_ms=6000, over=True),
            event("batch_throttled", 53, reason="the table is being vacuumed", wait_ms=0, slower=True),
        ]
        await robot.sees("~ SLOWER: the table is being vacuumed")


async def test_the_keys_change_its_pace_pause_it_and_leave_it() -> None:
    session = FakeSession()
    session.watch.unread = [*begun(), batch(1, 21)]
    async with opened(session) as robot:
        await watching(robot, session)
        await robot.press("minus")
        await robot.sees("asked to go slower")
        session.watch.unread = [event("pace_changed", 22, level=-1, aim_ms=200, rest=1.0, size=4000)]
        await robot.sees("pace -1", "1 step slower: 200 ms a batch, then 200 ms rest")
        await robot.press("plus", "plus", "p")
        await robot.sees("asked to pause after this batch")
        session.watch.unread = [event_at(at(23), "run_paused", {"done": 0})]
        await robot.sees("~ PAUSED between two batches", "Go on")
        await robot.press("p")
        await robot.sees("going on")
        assert session.watch.sent == [("slower",), ("faster",), ("faster",), ("pause",), ("resume",)]
        await robot.press("z")
        await robot.sees("ALL ENVIRONMENTS")
        assert session.watch.sent[-1] == ("detach",)


async def test_stop_asks_first_and_says_what_stays() -> None:
    session = FakeSession()
    session.watch.unread = [*begun(), batch(1, 21)]
    async with opened(session) as robot:
        await watching(robot, session)
        await robot.press("X")
        await robot.sees("STOP: cancel the batch that runs", "can be resumed")
        assert session.watch.sent == []
        await robot.type("yes")
        await robot.press("enter")
        await robot.until(lambda: session.watch.sent == [("stop",)], "stop")
        how = "Go on with: pgmig-tui backfill production --resume 20260820-031500-ab12"
        ended = {"exit_status": 3, "result": "stopped", "summary": "stopped by the operator", "do": how}
        session.watch.unread = [event_at(at(24), "run_finished", ended)]
        await robot.sees("x STOPPED  stopped by the operator", "--resume 20260820-031500-ab12")
        await robot.press("minus")
        await robot.sees("- is off: the run has ended")


async def test_what_was_stopped_goes_on_through_the_review() -> None:
    session = FakeSession()
    ended = {"exit_status": 3, "result": "stopped", "summary": "stopped by the operator", "do": "Go on"}
    session.watch.unread = [*begun("dev"), batch(1, 21), event_at(at(24), "run_finished", ended)]
    async with opened(session) as robot:
        await watching(robot, session)
        await robot.sees("x STOPPED")
        await robot.press("b")
        await robot.sees("BACKFILL 1 change", "| UPDATE dms.documents")
        assert Prepare("dev", "backfill", session.watch.run_id) in session.calls
        assert session.started == []


async def test_what_is_done_does_not_go_on() -> None:
    session = FakeSession()
    ended = {"exit_status": 0, "result": "done", "summary": "4,000 rows in 1 batch"}
    session.watch.unread = [*begun("dev"), batch(1, 21), event_at(at(24), "run_finished", ended)]
    async with opened(session) as robot:
        await watching(robot, session)
        await robot.sees("+ DONE")
        await robot.press("b")
        await robot.sees("b is off: it is done")


async def test_a_lost_try_is_shown_and_can_be_hurried() -> None:
    session = FakeSession()
    lost = {"batch": 2, "try": 1, "of": 9, "why": "lock timeout [/] \x1b[31m", "size": 2000, "wait_ms": 180}
    session.watch.unread = [*begun(), batch(1, 21), event("batch_retried", 22, **lost)]
    async with opened(session) as robot:
        await watching(robot, session)
        await robot.sees("~ try 1 of 9 lost: lock timeout [/]", "1, of 2,000 rows now")
        await robot.press("r")
        await robot.sees("asked to try again now")
        assert session.watch.sent == [("retry",)]


async def test_who_only_watches_changes_nothing() -> None:
    session = FakeSession()
    session.watch.controller = "jonas on bastion1"
    session.watch.unread = [*begun(), batch(1, 21)]
    async with opened(session) as robot:
        await watching(robot, session)
        await robot.press("plus", "X", "p")
        await robot.sees("you are only watching; jonas on bastion1 controls")
        assert session.watch.sent == []


async def test_a_run_that_was_killed_says_how_it_goes_on() -> None:
    session = FakeSession()
    session.watch.unread = [*begun(), batch(1, 21)]
    session.watch.lives = False
    async with opened(session) as robot:
        await watching(robot, session)
        await robot.sees(
            "x the run process exited without recording an end", "pgmig-tui backfill production", "--resume 2026"
        )


async def test_the_end_tells_of_rows_that_are_left() -> None:
    session = FakeSession()
    done = event("backfill_done", 40, rows=4000, batches=1, ms=900.0, left=7, analyzed=False)
    ended = {"exit_status": 0, "result": "done", "summary": "4,000 rows in 1 batch", "do": "ANALYZE dms.documents"}
    session.watch.unread = [*begun(), batch(1, 21), done, event_at(at(41), "run_finished", ended)]
    session.watch.lives = False
    async with opened(session) as robot:
        await watching(robot, session)
        await robot.sees("+ DONE  4,000 rows in 1 batch", "100 %", "7 rows left to do", "ANALYZE dms.documents")


async def test_help_that_is_in_front_when_it_is_read_that_it_is_one_keeps_no_dead_screen_behind() -> None:
    session = FakeSession()
    async with opened(session) as robot:
        robot.app.open_run(session.watch.run_id)
        await robot.press("question_mark")
        await robot.sees("HELP for RUN")
        session.watch.unread = begun()
        await robot.until(lambda: bool(session.watch.told), "its journal read")
        await robot.press("escape")
        await robot.sees("dms.documents", "p Pause")
        await robot.press("escape")
        await robot.sees("ALL ENVIRONMENTS")
