"""The run screen reads a journal, and the after screen what became of it."""

from __future__ import annotations

from typing import Any

import pytest

from pgmig_tui.run.journal.entry import Entry
from pgmig_tui.ui.destinations import ToRun
from pgmig_tui.ui.screens.run import RunScreen
from tests.ui.fakes import NAMES, FakeSession, FakeWatch, LookBack, Prepare, UnderReview, change_id, status
from tests.ui.fakes import event as event_at
from tests.ui.robot import Robot, opened

SIZES = [(100, 30), (80, 24)]


def at(second: float) -> str:
    return f"2026-08-20T03:13:{second:06.3f}Z"


def planned(environment: str = "production", **more: Any) -> Entry:
    steps = [
        {
            "number": number,
            "action": "deploy",
            "change": NAMES[4 + number],
            "change_id": change_id(4 + number),
            "mode": "stepwise" if number == 3 else "atomic",
            "verify": "inside",
        }
        for number in range(1, 5)
    ]
    data: dict[str, Any] = {
        "format": 1,
        "command": "deploy",
        "environment": environment,
        "target": "db:pg://db1.eu/documents",
        **more,
        "operator": "Maria Berg <maria@example.org>",
        "host": "bastion2",
        "steps": steps,
    }
    return event_at(at(20), "run_planned", data)


def step(number: int, second: float, *, ends: bool = True) -> list[Entry]:
    name = NAMES[4 + number]
    events = [
        event_at(at(second), "step_started", {"step": number, "change": name, "action": "deploy", "mode": "atomic"}),
        event_at(
            at(second + 0.1),
            "statement_started",
            {
                "step": number,
                "line": 6,
                "path": f"deploy/{name}.sql",
                "sql": "ALTER TABLE dms.documents ADD tags text[]",
            },
        ),
    ]
    if ends:
        events += [
            event_at(at(second + 0.9), "step_verified", {"step": number, "ok": True, "where": "inside"}),
            event_at(at(second + 1), "step_committed", {"step": number}),
        ]
    return events


FAILED = event_at(
    at(30),
    "step_failed",
    {
        "step": 2,
        "change": NAMES[6],
        "line": 9,
        "path": f"deploy/{NAMES[6]}.sql",
        "sqlstate": "23514",
        "message": 'check constraint "[/]" is violated by some row',
        "hint": "[red]look[/red]",
        "what_stays": [],
        "committed": False,
    },
)
ENDED = event_at(
    at(31), "run_finished", {"exit_status": 1, "result": "failed", "done": 1, "total": 4, "summary": "stopped"}
)


BLOCKER: dict[str, Any] = {
    "pid": 777,
    "started": "2026-08-20 02:59:01.123456+00",
    "user": "bi",
    "application": "reporting",
    "state": "idle in transaction",
    "since_ms": 860_000,
    "query": "SELECT region, sum(total)\n  FROM dms.documents JOIN dms.[/] USING (id) GROUP BY region",
    "depth": 0,
    "prepared": None,
    "wraparound": None,
    "ours": False,
    "sqitch": False,
    "hidden": False,
}
BEHIND = {
    **BLOCKER, "pid": 801, "application": "", "user": "", "state": "", "since_ms": None, "query": "", "depth": 1,
    "hidden": True,
}  # fmt: skip


def activity(second: float, **fields: Any) -> Entry:
    data: dict[str, Any] = {
        "step": 2,
        "line": 6,
        "elapsed_ms": 250,
        "waiting": True,
        "phase": "",
        "percent": None,
        "about": False,
        "blockers": [BLOCKER],
        "holds": [{"relation": "sqitch.changes", "mode": "ExclusiveLock"}],
        "waiters": 12,
        "oldest_wait_ms": 400,
        "hidden": 0,
        "note": "",
    }
    return event_at(at(second), "activity", {**data, **fields})


def begun() -> list[Entry]:
    """A run whose second step's ALTER TABLE runs."""
    return [planned(), event_at(at(21), "run_started", {}), *step(1, 22), *step(2, 24, ends=False)]


async def at_run(robot: Robot, session: FakeSession) -> None:
    await robot.tell(status("production", 5))
    robot.app.open_run(session.watch.run_id)
    await robot.sees("!! PRODUCTION !!  documents@db1", "RUN 20260820-031500-ab12")


@pytest.mark.parametrize("size", SIZES)
async def test_steps_statement_and_log_come_from_the_journal(size: tuple[int, int]) -> None:
    session = FakeSession()
    session.watch.unread = [planned(), event_at(at(21), "run_started", {}), *step(1, 22), *step(2, 24, ends=False)]
    async with opened(session, size) as robot:
        await at_run(robot, session)
        await robot.sees("1/4 > 20240122_0001_row", "ADD tags", "deployed in 1.0 s")
        await robot.snapshot("run")


async def test_pause_goes_on_with_the_same_key_and_cancel_wants_a_yes() -> None:
    session = FakeSession()
    session.watch.unread = [planned(), event_at(at(21), "run_started", {}), *step(1, 22, ends=False)]
    async with opened(session) as robot:
        await at_run(robot, session)
        await robot.sees("0/4 >")
        await robot.press("p")
        await robot.until(lambda: session.watch.sent == [("pause",)], "pause")
        session.watch.unread = [event_at(at(25), "run_paused", {})]
        await robot.sees("PAUSED", "p Go on", "it stays paused without this screen")
        await robot.press("p")
        await robot.until(lambda: session.watch.sent == [("pause",), ("resume",)], "resume")
        await robot.press("c")
        await robot.sees("CANCEL the statement", "rolled back")
        await robot.press("enter", "y", "enter", "escape", "X", "space", "enter", "escape")
        assert session.watch.sent == [("pause",), ("resume",)]
        await robot.press("c", *"yes", "enter")
        await robot.until(lambda: session.watch.sent[-1] == ("cancel",), "cancel")


async def test_leaving_says_that_the_run_goes_on_and_that_it_is_left_on_purpose() -> None:
    session = FakeSession()
    session.watch.unread = [planned(), *step(1, 22, ends=False)]
    async with opened(session) as robot:
        await at_run(robot, session)
        await robot.press("ctrl+c")
        await robot.sees("ctrl-c stops nothing here")
        await robot.press("z")
        await robot.sees("ALL ENVIRONMENTS", "goes on")
        assert session.watch.sent == [("detach",)]


async def test_a_runner_that_is_gone_is_said() -> None:
    session = FakeSession()
    session.watch.unread = [planned(), *step(1, 22, ends=False)]
    session.watch.lives = False
    async with opened(session) as robot:
        await at_run(robot, session)
        await robot.sees("the run process exited without recording an end", "GONE", " ?   1 ")
        await robot.sees("applied is not known from here", "`pgmig-tui reconcile production`")
        assert "we hold" not in robot.text
        assert "it goes on" not in robot.text
        await robot.press("X")
        await robot.sees("X is off: the run has ended")
        await robot.press("enter")
        await robot.sees("CUT OFF", "? unknown", "d on home looks at what it has left, and settles it")
        assert "ENDED" not in robot.text


@pytest.mark.parametrize("size", SIZES)
async def test_a_failure_stays_on_the_screen_and_the_summary_tells_it(size: tuple[int, int]) -> None:
    session = FakeSession()
    session.watch.unread = [planned(), event_at(at(21), "run_started", {}), *step(1, 22), *step(2, 24, ends=False)]
    session.watch.unread += [FAILED, ENDED]
    async with opened(session, size) as robot:
        await at_run(robot, session)
        await robot.sees("x STOPPED", "23514", '"[/]" is violated', "[red]look[/red]", "nothing of it was committed")
        await robot.snapshot("run-failed")
        await robot.press("enter")
        await robot.sees("x DEPLOY FAILED, 1 of 4 steps done", "Verify application functionality")
        await robot.press("space", *"shop works", "enter")
        await robot.sees("shop works")
        await robot.snapshot("after")
        await robot.press("y")
        await robot.until(lambda: any(name.startswith("summary") for name in session.written), "summary written")
        text = next(text for name, text in session.written.items() if name.startswith("summary"))
        assert "**deploy production: FAILED** (1 of 4 steps done)" in text
        assert f"- FAILED: {NAMES[6]} at deploy/{NAMES[6]}.sql:9: check constraint" in text
        assert "- still open: Monitor performance metrics" in text
        await robot.press("t")
        await robot.sees("03:13:31")


async def test_a_terminal_that_is_too_small_keeps_the_runs_banner_step_and_failure() -> None:
    session = FakeSession()
    session.watch.unread = [planned(), *step(1, 22), *step(2, 24, ends=False), FAILED, ENDED]
    async with opened(session, (39, 9)) as robot:
        robot.app.open_run(session.watch.run_id)
        await robot.sees("needs 40x10, has 39x9", "!! PRODUCTION !!", "x STOPPED", "23514")
        await robot.snapshot("run-too-small")


@pytest.mark.parametrize("size", SIZES)
async def test_who_is_in_the_way_stands_in_the_headline_and_as_a_tree(size: tuple[int, int]) -> None:
    session = FakeSession()
    lost = {"step": 2, "line": 6, "try": 1, "of": 8, "sqlstate": "55P03", "why": "lock timeout", "wait_ms": 900}
    session.watch.unread = [*begun(), event_at(at(26), "statement_retried", lost), *step(2, 27, ends=False)[1:]]
    session.watch.unread += [activity(27.4, blockers=[BLOCKER, BEHIND], hidden=3, note="the queue guard watches")]
    async with opened(session, size) as robot:
        await at_run(robot, session)
        await robot.sees("~ WAITING 00:39 for pid 777 (reporting) and 1 other  try 2 of 8")
        await robot.sees("BLOCKED BY", "K: cancel or terminate it", "idle in transaction", "15 min 00 s")
        await robot.sees("└ pid 801", "hidden from this role", "12 sessions wait behind us, the longest for 400 ms")
        await robot.sees(
            "pg_read_all_stats would show what 3 sessions do", "we hold EXCLUSIVE sqitch.changes", "dms.[/]"
        )
        await robot.snapshot("run-blocked")
        session.watch.unread = [event_at(at(40), "statement_finished", {"step": 2, "line": 6, "ms": 13000})]
        await robot.misses("BLOCKED BY")
        assert "WAITING 00" not in robot.text


async def test_a_lost_try_counts_down_to_the_next() -> None:
    session = FakeSession()
    why = "queue guard: 12 sessions wait, the oldest 0.4 s"
    lost = {"step": 2, "line": 6, "try": 1, "of": 8, "sqlstate": "57014", "why": why, "wait_ms": 60_000}
    session.watch.unread = [*begun(), event_at(at(50), "statement_retried", lost)]
    async with opened(session) as robot:
        await at_run(robot, session)
        await robot.sees(f"~ try 1 of 8 lost: {why}", "next in 43 s", "the next try comes in 43 s; r: now")


def lost_try(second: float, number: int = 1, **fields: Any) -> Entry:
    data = {"step": 2, "line": 6, "try": number, "of": 9, "sqlstate": "55P03", "why": "lock timeout", "wait_ms": 60_000}
    return event_at(at(second), "statement_retried", {**data, **fields})


@pytest.mark.parametrize("size", [(80, 23), (100, 30), (160, 50)])
async def test_between_two_tries_whoever_was_in_the_way_stays_named_and_can_be_ended(size: tuple[int, int]) -> None:
    session = FakeSession()
    session.watch.unread = [*begun(), activity(24.4, blockers=[BLOCKER]), lost_try(25)]
    async with opened(session, size) as robot:
        await at_run(robot, session)
        await robot.sees("lost: lock timeout, behind pid 777 (reporting)", "LAST IN THE WAY", "K: cancel or")
        await robot.snapshot("run-between-tries")
        await robot.press("K")
        await robot.sees("1 session in the way of the last try; try 1 of 9 is lost", "> 777 reporting")
        await robot.press("T", *"777", "enter")
        await robot.sees("asked to terminate pid 777")
        assert session.watch.sent[0][:2] == ("terminate_blocker", "777")
        ended = event_at(at(26), "blocker_ended", {"pid": 777, "how": "terminate", "ok": True, "message": ""})
        session.watch.unread = [ended]
        await robot.misses("LAST IN THE WAY")
        await robot.press("K")
        await robot.sees("K is off: nobody is seen in the way")


async def test_a_try_that_was_lost_before_anybody_looked_does_not_say_that_nobody_was_in_the_way() -> None:
    session = FakeSession()
    session.watch.unread = [*begun(), lost_try(25)]
    async with opened(session) as robot:
        await at_run(robot, session)
        await robot.sees("lost: lock timeout", "? who was in the way of the last try was not")
        await robot.press("K")
        await robot.sees("K is off: who was in the way of the last try was not seen")
        session.watch.unread = [lost_try(26, 2, blockers=[BLOCKER])]
        await robot.sees("LAST IN THE WAY", "pid 777 (reporting)")
        await robot.misses("? who was in the way")


async def test_the_try_that_is_won_forgets_who_was_in_the_way_of_the_one_before() -> None:
    session = FakeSession()
    session.watch.unread = [*begun(), lost_try(25, blockers=[BLOCKER]), *step(2, 27, ends=False)]
    async with opened(session) as robot:
        await at_run(robot, session)
        await robot.sees("LAST IN THE WAY", "pid 777 (reporting)")
        session.watch.unread = [event_at(at(28), "statement_finished", {"step": 2, "line": 6, "ms": 13})]
        await robot.misses("LAST IN THE WAY")
        await robot.press("K")
        await robot.sees("K is off: nobody is seen in the way")


async def test_a_failure_by_lost_tries_names_who_was_in_the_way() -> None:
    session = FakeSession()
    failure = {
        "step": 2, "change": NAMES[6], "line": 6, "path": f"deploy/{NAMES[6]}.sql", "sqlstate": "55P03",
        "message": "canceling statement due to lock timeout (tried 9 times)", "blockers": [BLOCKER],
    }  # fmt: skip
    async with opened(session) as robot:
        session.watch.unread = [*begun(), lost_try(25, 8, blockers=[BLOCKER])]
        await at_run(robot, session)
        await robot.sees("LAST IN THE WAY")
        session.watch.unread = [event_at(at(30), "step_failed", failure), ENDED]
        await robot.sees("leave it as it is", "in the way when the last try was lost", "pid 777 (reporting)")
        await robot.press("l")
        await robot.sees("LOCKS")


@pytest.mark.parametrize("size", SIZES)
async def test_progress_is_told_with_its_phase_and_an_estimate_as_one(size: tuple[int, int]) -> None:
    session = FakeSession()
    quiet: dict[str, Any] = {"waiting": False, "blockers": [], "waiters": 0, "oldest_wait_ms": None}
    session.watch.unread = [*begun(), activity(25, phase="building index", percent=62.4, **quiet)]
    async with opened(session, size) as robot:
        await at_run(robot, session)
        await robot.sees("] building index: 62 %")
        await robot.snapshot("run-progress")
        session.watch.unread = [activity(26, phase="rewriting the table", percent=20, about=True, **quiet)]
        await robot.sees("rewriting the table: about 20 %")
        session.watch.unread = [activity(27, phase="waiting for old snapshots", **quiet)]
        await robot.sees("phase: waiting for old snapshots")


async def test_notices_stand_in_the_log_as_they_come() -> None:
    session = FakeSession()
    session.watch.unread = [
        *begun(),
        event_at(at(25), "notice_received", {"step": 2, "severity": "NOTICE", "message": "[red]halfway[/red]"}),
    ]
    async with opened(session) as robot:
        await at_run(robot, session)
        await robot.sees("NOTICE: [red]halfway[/red]")
        raised = {"step": 2, "severity": "WARNING", "message": "still at it"}
        session.watch.unread = [event_at(at(26), "notice_received", raised)]
        await robot.sees("WARNING: still at it")


@pytest.mark.parametrize("size", SIZES)
async def test_a_blocker_is_ended_by_its_typed_pid_only(size: tuple[int, int]) -> None:
    session = FakeSession()
    ours = {**BLOCKER, "pid": 900, "application": "pgmig/x/1", "depth": 1, "ours": True}
    session.watch.unread = [*begun(), activity(24.4, blockers=[BLOCKER, BEHIND, ours])]
    async with opened(session, size) as robot:
        await at_run(robot, session)
        await robot.press("K")
        await robot.sees("BLOCKERS of RUN", "3 sessions in the way", "> 777 reporting", "connected 2026-08-20 02:59:01")
        await robot.snapshot("blockers")
        await robot.press("T")
        await robot.sees("TERMINATE pid 777 (reporting) on !! PRODUCTION !! production", "Type 777 and press Enter")
        await robot.snapshot("terminate")
        await robot.press("enter", *"yes", "enter", "escape")
        assert session.watch.sent == []
        await robot.press("j", "j", "c")
        await robot.sees("c is off: it is a session of this run")
        await robot.press("k", "k", "T", *"777", "enter")
        await robot.until(lambda: bool(session.watch.sent), "command")
        assert session.watch.sent == [("terminate_blocker", "777", "2026-08-20T02:59:01.123456+00")]
        await robot.sees("RUN 20260820", "asked to terminate pid 777 (reporting)")
        session.watch.unread = [
            event_at(at(41), "blocker_ended", {"pid": 777, "how": "terminate", "ok": False, "message": "not allowed"})
        ]
        await robot.sees("x pid 777 was not terminated: not allowed")


async def test_a_list_of_blockers_outlives_the_wait_and_hits_nobody() -> None:
    session = FakeSession()
    session.watch.unread = [*begun(), activity(24.4)]
    async with opened(session) as robot:
        await at_run(robot, session)
        await robot.press("K", "c")
        await robot.sees("CANCEL what is run by pid 777", "Type 777")
        session.watch.unread = [event_at(at(40), "statement_finished", {"step": 2, "line": 6, "ms": 13000})]
        await robot.until(lambda: not session.watch.unread, "journal read")
        await robot.press(*"777", "enter")
        await robot.sees("nothing was done: nobody is in the way any more")
        assert session.watch.sent == []
        await robot.press("escape", "K")
        await robot.sees("K is off: nobody is seen in the way")


@pytest.mark.parametrize("size", SIZES)
async def test_settings_change_while_it_runs(size: tuple[int, int]) -> None:
    session = FakeSession()
    start = planned(lock_timeout_ms=300, retries=8)
    session.watch.unread = [start, event_at(at(21), "run_started", {}), *step(1, 22, ends=False)]
    async with opened(session, size) as robot:
        await at_run(robot, session)
        await robot.sees("0/4 >")
        await robot.press("s")
        await robot.sees("lock_timeout 300 ms, 8 retries", "300ms 8")
        await robot.snapshot("settings")
        await robot.press(*["backspace"] * 7, *"0s 3", "enter")
        await robot.sees("lock_timeout must be above zero")
        assert session.watch.sent == []
        await robot.press(*["backspace"] * 4, *"2s 3", "enter")
        await robot.until(lambda: len(session.watch.sent) == 2, "commands")
        assert sorted(session.watch.sent) == [("lock_timeout", "2000"), ("retries", "3")]
        session.watch.unread = [event_at(at(26), "settings_changed", {"lock_timeout_ms": 2000, "retries": 3})]
        await robot.sees("from now on: lock_timeout 2.0 s, 3 retries")


async def test_the_next_try_comes_now_when_asked_for() -> None:
    session = FakeSession()
    session.watch.unread = begun()
    async with opened(session) as robot:
        await at_run(robot, session)
        await robot.press("r")
        await robot.sees("r is off: no retry is pending")
        lost = {"step": 2, "line": 6, "try": 1, "of": 9, "why": "deadlock", "wait_ms": 60_000}
        session.watch.unread = [event_at(at(50), "statement_retried", lost)]
        await robot.sees("try 1 of 9 lost: deadlock")
        await robot.press("r")
        await robot.until(lambda: session.watch.sent == [("retry",)], "retry")


@pytest.mark.parametrize("controls", [True, False])
async def test_who_only_watches_controls_nothing_and_is_told_who_does(controls: bool) -> None:
    from pgmig_tui.ui.screens.run import RunScreen

    session = FakeSession()
    session.watch.unread = [*begun(), activity(24.4)]
    session.watch.controller = "kari@bastion2, /dev/pts/3, process 812, since 2026-08-20T03:13:20Z"
    async with opened(session) as robot:
        robot.app.push_screen(RunScreen(session.watch.run_id, controls=controls))
        await robot.sees("BLOCKED BY")
        for key in "pcXsr":
            await robot.press(key)
            await robot.sees(f"{key} is off: you are only watching; kari@bastion2, /dev/pts/3, process 812")
        await robot.press("K")
        await robot.sees("K is off: you are only watching")
        session.watch.controller = ""
        if controls:
            await robot.sees("it is controlled from here now")
            await robot.press("p")
            await robot.until(lambda: session.watch.sent == [("pause",)], "pause")
            return
        await robot.press("p")
        await robot.sees("p is off: you are only watching; nobody controls")
        await robot.press("z")
        await robot.sees("ALL ENVIRONMENTS")
        assert session.watch.sent == []


async def test_the_log_has_the_whole_screen_when_asked() -> None:
    session = FakeSession()
    told = [event_at(at(24.2), "output", {"step": 2, "text": f"row {number}", "stream": "out"}) for number in range(60)]
    session.watch.unread = [*begun(), *told]
    async with opened(session) as robot:
        await at_run(robot, session)
        await robot.sees("line 6", "row 59")
        await robot.press("t")
        await robot.sees("row 40", "row 59", "1/4 >")
        await robot.misses("line 6  deploy")
        await robot.press("g")
        await robot.sees("row 10")
        await robot.misses("row 59")
        await robot.press("ctrl+d", "ctrl+d", "ctrl+d", "ctrl+d", "ctrl+d", "ctrl+d")
        await robot.sees("row 59")
        await robot.press("ctrl+u")
        session.watch.unread = [event_at(at(24.3), "output", {"step": 2, "text": "one more", "stream": "out"})]
        screen = robot.app.screen
        assert isinstance(screen, RunScreen)
        await robot.until(lambda: len(screen.events) == 8 + len(told), "the line")
        await robot.misses("one more")
        await robot.press("G")
        await robot.sees("one more")
        await robot.press("t")
        await robot.sees("line 6  deploy")


def failing(**fields: Any) -> list[Entry]:
    return [event_at(at(30), "step_failed", {**FAILED.data, **fields}), ENDED]


@pytest.mark.parametrize("size", SIZES)
async def test_a_failure_before_our_eyes_opens_what_can_be_done(size: tuple[int, int]) -> None:
    session = FakeSession()
    session.watch.unread = begun()
    async with opened(session, size) as robot:
        await at_run(robot, session)
        await robot.sees("1/4 >")
        session.watch.unread = failing(detail="Failing row contains [/].")
        await robot.sees("x FAILED", "23514", "detail: Failing row", "x>  9 UPDATE dms.documents", "retry")
        await robot.sees("roll back the 1 change that this run has committed", "nothing of it was committed")
        await robot.snapshot("failed")
        await robot.press("escape")
        await robot.sees("f: what can be done now", "x>  9 UPDATE")
        await robot.press("f", "d")
        await robot.sees("strongest lock", "gate")
        assert session.calls[-1] == Prepare("production", "deploy", change_id(8))
        assert session.started == []


async def test_a_run_that_ended_in_doubt_is_not_called_failed_and_says_whole_what_settles_it() -> None:
    doubt = {"step": 2, "change": NAMES[6], "message": "COMMIT was sent and not answered"}
    end = {"exit_status": 4, "result": "in_doubt", "done": 1, "total": 4, "summary": "COMMIT was sent"}
    session = FakeSession()
    session.watch.unread = [
        *begun(),
        event_at(at(30), "step_in_doubt", doubt),
        event_at(at(31), "run_finished", end),
    ]
    session.watch.lives = False
    async with opened(session, (79, 24)) as robot:
        await at_run(robot, session)
        await robot.press("f")
        await robot.sees("IN DOUBT", "? IN DOUBT 2024", "F on its environment (e), or", "production`, settles it")
        await robot.sees("for the same reason")
        assert "x FAILED" not in robot.text
        await robot.press("enter")
        await robot.sees("x DEPLOY IN DOUBT, at least ", ", at most ", "UNKNOWN: 2024", "? DOUBT")
        assert "x FAILED" not in robot.text


async def test_a_run_that_had_ended_long_ago_opens_nothing_by_itself() -> None:
    session = FakeSession()
    session.watch.unread = [*begun(), *failing()]
    session.watch.lives = False
    async with opened(session) as robot:
        await at_run(robot, session)
        await robot.sees("x STOPPED", "f: what can be done now", "x>  9 UPDATE")
        await robot.press("f")
        await robot.sees("leave it as it is")
        await robot.press("enter")
        await robot.sees("x DEPLOY FAILED, 1 of 4 steps done")


async def test_a_change_is_marked_deployed_only_when_its_verify_script_speaks_for_it() -> None:
    from pgmig_tui.review.verify_evidence import VerifyEvidence

    session = FakeSession()
    session.review = UnderReview(())
    session.watch.unread = begun()
    session.spoken = VerifyEvidence(False, "verify/x.sql on production FAILED: no column tags")
    async with opened(session) as robot:
        await at_run(robot, session)
        await robot.sees("1/4 >")
        session.watch.unread = failing()
        await robot.sees("mark it deployed")
        await robot.press("m")
        await robot.sees("FAILED: no column tags", "its own verify script says that it isn't deployed")
        session.spoken = VerifyEvidence(True, "verify/x.sql on production passed in 12 ms")
        await robot.press("m")
        await robot.sees("MARK DEPLOYED", "RECORD ONLY", "verify/x.sql on production passed in 12 ms")
        assert session.calls[-1] == Prepare("production", "deploy", change_id(6), "record")
        await robot.press("u", *"prod", "enter")
        await robot.sees("ready to start")
        await robot.press("E")
        await robot.sees("DEPLOYED on !! PRODUCTION !! production", "Type prod")
        await robot.press("enter", "escape")
        assert session.started == []


@pytest.mark.parametrize(
    ("stays", "told"),
    [
        ([], "roll back the 1 change that this run has committed"),
        (["line 3: CREATE INDEX i"], "roll back the 1 change it has committed; what stays of this one is left"),
    ],
)
async def test_what_was_committed_before_the_failure_is_what_a_rollback_takes_back(stays: list[str], told: str) -> None:
    session = FakeSession()
    session.watch.unread = begun()
    async with opened(session) as robot:
        await at_run(robot, session)
        await robot.sees("1/4 >")
        session.watch.unread = failing(committed=bool(stays), what_stays=stays)
        await robot.sees(told)
        await robot.press("R")
        await robot.sees("LOSES dms.documents.size", "cannot start", "S: save it first")
        assert session.calls[-1] == LookBack("production")
        await robot.press("enter", "space", "y", "E")
        assert session.rolled_back == []


@pytest.mark.parametrize(
    ("stays", "told"),
    [([], "off: nothing of it is deployed"), (["line 3: CREATE INDEX i"], "off: it isn't recorded as deployed")],
)
async def test_where_nothing_was_committed_there_is_nothing_to_roll_back(stays: list[str], told: str) -> None:
    session = FakeSession()
    session.watch.unread = [planned(), *step(1, 21, ends=False)]
    async with opened(session) as robot:
        await at_run(robot, session)
        await robot.sees("0/4 >")
        session.watch.unread = failing(step=1, committed=bool(stays), what_stays=stays)
        await robot.sees(told)


async def test_a_change_that_is_recorded_is_what_a_rollback_takes_back() -> None:

    session = FakeSession()
    session.watch.unread = begun()
    async with opened(session) as robot:
        await at_run(robot, session)
        await robot.sees("1/4 >")
        recorded = event_at(at(29), "step_committed", {"step": 2, "ms": 3})
        verified = event_at(at(30), "step_verified", {"step": 2, "ok": False, "where": "after", "message": "no"})
        session.watch.unread = [recorded, verified, ENDED]
        await robot.sees("is committed and recorded", "off: it is recorded already")
        await robot.sees("roll back the 2 changes that this run has committed")
        await robot.press("R")
        await robot.sees("ROLL BACK 2 changes", "cannot start", "not run 20260820-031500-ab12, which you came from")
        assert session.calls[-1] == LookBack("production")


@pytest.mark.parametrize("size", SIZES)
async def test_an_invalid_index_is_named_with_what_repairs_it(size: tuple[int, int]) -> None:
    session = FakeSession()
    session.watch.unread = begun()
    repair = ["DROP INDEX CONCURRENTLY dms.i", "REINDEX INDEX CONCURRENTLY dms.i"]
    invalid = event_at(at(29), "index_invalid", {"step": 2, "index": "dms.i", "repair": repair})
    async with opened(session, size) as robot:
        await at_run(robot, session)
        await robot.sees("1/4 >")
        session.watch.unread = [invalid, *failing(what_stays=["the INVALID index dms.i"])]
        await robot.sees("the index dms.i is left INVALID", "DROP INDEX CONCURRENTLY dms.i", "(y copies)")
        await robot.snapshot("failed-index")
        await robot.press("y")
        await robot.sees("copied the repair")
        assert robot.app.clipboard == "DROP INDEX CONCURRENTLY dms.i;\n-- or\nREINDEX INDEX CONCURRENTLY dms.i;"


async def test_on_a_phone_a_run_is_watched_paused_freed_from_its_blocker_and_stopped() -> None:
    session = FakeSession()
    session.watch.unread = [*begun(), activity(27.4, blockers=[BLOCKER], hidden=3)]
    async with opened(session, (60, 15)) as robot:
        await robot.tell(status("production", 5))
        robot.app.open_run(session.watch.run_id)
        await robot.sees("!! PRODUCTION !!", "1/4", "BLOCKED BY", "777", "p Pause", "X STOP..")
        await robot.snapshot("run-phone")
        await robot.press("p")
        await robot.sees("asked to pause")
        assert session.watch.sent == [("pause",)]
        await robot.press("K")
        await robot.sees("1 session in the way")
        await robot.press("T")
        await robot.sees("TERMINATE pid 777", "to enable Enter")
        await robot.press(*"777", "enter")
        await robot.sees("asked to terminate")
        await robot.press("X")
        await robot.sees("STOP the run")
        await robot.snapshot("stop-phone")
        await robot.press(*"yes", "enter")
        await robot.sees("asked to stop")
        assert session.watch.sent[1][:2] == ("terminate_blocker", "777")
        assert session.watch.sent[2] == ("stop",)
        await robot.press("t")
        await robot.sees("03:13:")


async def test_nothing_is_confirmed_before_all_of_the_question_was_in_sight() -> None:
    session = FakeSession()
    session.watch.unread = [*begun()]
    async with opened(session, (40, 10)) as robot:
        robot.app.open_run(session.watch.run_id)
        await robot.sees("1/4")
        await robot.press("X")
        await robot.sees("STOP the run")
        await robot.press(*"yes", "enter")
        assert session.watch.sent == []
        await robot.sees("page down: read all")
        for _ in range(12):
            await robot.press("pagedown")
            await robot.settle()
        await robot.press("enter")
        await robot.until(lambda: session.watch.sent == [("stop",)], "the stop")


async def test_nothing_is_said_of_a_run_that_nobody_has_seen_yet() -> None:
    class Slow(FakeSession):
        def attach(self, run_id: str) -> FakeWatch:
            self.hold.wait(5)
            return super().attach(run_id)

    session = Slow()
    session.watch.unread, session.watch.lives = [planned(), *step(1, 22), ENDED], False
    async with opened(session) as robot:
        session.hold.clear()
        robot.app.go(ToRun(session.watch.run_id, controls=False))
        await robot.sees("RUN 20260820")
        await robot.press("X")
        await robot.sees("X is off: not attached yet")
        await robot.press("z")
        await robot.sees("ALL ENVIRONMENTS")
        assert "goes on" not in robot.text
        session.hold.set()
        robot.app.go(ToRun(session.watch.run_id, controls=False))
        await robot.sees("STOPPED")
        await robot.press("X")
        await robot.sees("X is off: the run has ended")


async def test_what_comes_next_by_itself_waits_behind_what_is_in_front_and_a_dialog_says_that_it_is_too_late() -> None:
    for keys, closes in (
        (["s"], [*"500ms 9", "enter"]),
        (["X"], [*"yes", "enter"]),
        (["question_mark"], ["escape"]),
    ):
        session = FakeSession()
        session.watch.unread = begun()
        async with opened(session) as robot:
            await at_run(robot, session)
            await robot.sees("1/4 >")
            await robot.press(*keys)
            session.watch.unread = [FAILED, ENDED]
            await robot.until(
                lambda: any(one.ended for one in robot.app.screen_stack if isinstance(one, RunScreen)), "end"
            )
            await robot.press(*closes)
            await robot.sees("retry: a new run of the 3 changes that are left")
            assert session.watch.sent == []
            await robot.press("escape")
            if keys != ["question_mark"]:
                await robot.sees("nothing was done: the run has ended")
