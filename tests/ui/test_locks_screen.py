"""The locks screen: a tree that follows the server, and sessions that are ended by their typed pid."""

from __future__ import annotations

import pytest

from pgmig_tui.display.activity import Blocker
from pgmig_tui.errors import NotPermitted
from pgmig_tui.ui.backend.protocol import LockSession
from pgmig_tui.ui.views.locks import rows_of
from tests.ui.fakes import EndSession, FakeSession, WatchLocks, status
from tests.ui.robot import Robot, opened

SIZES = [(100, 30), (80, 24)]
ROOT = LockSession(
    Blocker(
        777,
        "2026-08-20 02:59:01.5+00",
        "bi",
        "reporting",
        "idle in transaction",
        860_000,
        "SELECT [/] FROM dms.documents",
    ),
    holds="ACCESS SHARE dms.documents",
    client="10.0.3.9",
)
OURS = LockSession(
    Blocker(
        4242, "2026-08-20 03:10:00+00", "maria", "pgmig/20260820/2", "active", 42_500,
        "ALTER TABLE dms.documents ADD tags text[]", 1, ours=True,
    ),
    wants="ACCESS EXCLUSIVE dms.documents",
    wait_ms=42_000,
)  # fmt: skip
WEB = tuple(
    LockSession(
        Blocker(
            5000 + number, "2026-08-20 01:00:00+00", "app", "web", "active", 41_000, "SELECT * FROM dms.documents", 2
        ),
        wants="ACCESS SHARE dms.documents",
        wait_ms=41_000 - number * 1000,
    )
    for number in range(3)
)
HIDDEN = LockSession(Blocker(6000, "", "other", "batch", depth=2, hidden=True), wants="ROW EXCLUSIVE dms.documents")
PREPARED = LockSession(Blocker(0, user="app", prepared=""))
TREE = (ROOT, OURS, *WEB, HIDDEN, PREPARED)


async def at_locks(robot: Robot, *, unlocked: bool = True) -> None:
    await robot.tell(status("dev", 5), status("production", 5))
    await robot.press("3")
    if unlocked:
        await robot.press("u", *"prod", "enter")
        await robot.sees("production may be changed")
    await robot.press("l")
    await robot.sees("LOCKS  as of")


@pytest.mark.parametrize("size", SIZES)
async def test_the_tree_shows_roots_first_and_marks_ours(size: tuple[int, int]) -> None:
    session = FakeSession()
    session.locks.sessions = TREE
    async with opened(session, size) as robot:
        await at_locks(robot, unlocked=False)
        await robot.sees("2 root blockers, 5 sessions wait, longest 00:42   ours: pid 4242")
        await robot.sees("> 777 reporting", "\u2514 4242 ours", "connected 2026-08-20 02:59:01", "SELECT [/] FROM")
        await robot.sees("what 1 session does is hidden from this role")
        await robot.snapshot("locks")
        await robot.press("T")
        await robot.sees("T is off: production is read-only; u unlocks it")
        assert session.calls[-1] == WatchLocks("production")
        await robot.press("escape")
        await robot.until(lambda: session.locks.closed, "closed watch")


async def test_a_session_is_ended_by_its_typed_pid_only() -> None:
    session = FakeSession()
    session.locks.sessions = TREE
    async with opened(session) as robot:
        await at_locks(robot)
        await robot.sees("777 reporting")
        await robot.press("c")
        await robot.sees("CANCEL what is run by pid 777 (reporting) on !! PRODUCTION !!", "Type 777")
        await robot.press("enter", "y", "enter", "escape", "T", *"prod", "enter", "escape")
        assert session.locks.ended == []
        await robot.press("T", *"777", "enter")
        await robot.sees("pid 777 (reporting) was terminated")
        assert session.locks.ended == [EndSession(777, "2026-08-20 02:59:01.5+00", "terminate")]
        session.locks.gone = True
        await robot.press("c", *"777", "enter")
        await robot.sees("nothing was done: pid 777 (reporting) is gone")
        session.locks.refusal = NotPermitted("permission denied to terminate process")
        await robot.press("T", *"777", "enter")
        await robot.sees("pid 777 (reporting) was left alone: permission denied")
        await robot.press("G", "T")
        await robot.sees("T is off: a prepared transaction has no session")
        await robot.press("k", "T")
        await robot.sees("T is off: when it connected is hidden")


async def test_a_list_that_is_held_stays_as_it_is_and_a_cursor_stays_on_its_session() -> None:
    session = FakeSession()
    session.locks.sessions = TREE
    async with opened(session) as robot:
        await at_locks(robot)
        await robot.sees("777 reporting")
        await robot.press("j", "j")
        session.locks.sessions = (ROOT, *WEB)
        await robot.press("r")
        await robot.misses("4242 ours")
        await robot.sees(">   \u2514 5000 web")
        await robot.press("space")
        await robot.sees("LOCKS  HELD", "space Follow")
        session.locks.sessions = ()
        await robot.press("r")
        await robot.sees("5000 web")
        await robot.press("space")
        await robot.sees("nobody waits for a lock")
        await robot.press("T")
        await robot.sees("T is off: there is no session")


async def test_it_is_sorted_filtered_and_tells_of_a_server_that_does_not_answer() -> None:
    session = FakeSession()
    session.locks.sessions = TREE
    async with opened(session) as robot:
        await at_locks(robot)
        await robot.sees("777 reporting")
        await robot.press("g", "s")
        await robot.sees("by longest wait")
        lines = [line for line in robot.text.splitlines() if " 4242 " in line or " 777 " in line]
        assert "4242" in lines[1]
        await robot.press("slash", *"reporting", "enter")
        await robot.misses("5000 web")
        await robot.press("escape")
        await robot.sees("5000 web")
        session.locks.problem = "timeout expired"
        await robot.press("r")
        await robot.sees("? no answer: timeout expired")
        await robot.press("c")
        await robot.sees("c is off: timeout expired")


def crowd(pid: int, behind: int) -> tuple[LockSession, ...]:
    """Somebody for whom so many wait: three in four are `web`."""
    root = LockSession(Blocker(pid, "2026-08-20 02:59:01.5+00", "bi", f"report {pid}", "active", 860_000))
    return root, *(
        LockSession(
            Blocker(
                pid + number, "2026-08-20 01:00:00+00", "app", "batch" if number % 4 == 0 else "web", "active", depth=1
            ),
            wants="ROW EXCLUSIVE dms.[/]" if number % 4 == 0 else "ACCESS SHARE dms.documents",
            wait_ms=number * 1000,
        )
        for number in range(1, behind + 1)
    )


@pytest.mark.parametrize("size", SIZES)
async def test_a_crowd_is_one_row_and_who_holds_up_most_comes_first(size: tuple[int, int]) -> None:
    session = FakeSession()
    session.locks.sessions = (*crowd(100, 2), *crowd(700, 34))
    async with opened(session, size) as robot:
        await at_locks(robot)
        await robot.sees("2 root blockers, 36 sessions wait, longest 00:34", "> 700 report 700")
        await robot.sees("+31 more wait for pid 700: web 24 and batch 7, the longest for 00:31", "100 report 100")
        await robot.snapshot("locks-crowd")
        await robot.press("enter")
        await robot.sees("Enter is off: this is one session by itself")
        await robot.press("j", "j", "j", "j", "T")
        await robot.sees("T is off: these are several; Enter shows them one by one")
        await robot.sees(
            "31 sessions wait for pid 700", "wants ACCESS SHARE dms.documents 24 and ROW EXCLUSIVE dms.[/] 7"
        )
        await robot.press("enter")
        await robot.misses("more wait for pid 700")
        await robot.press("G")
        await robot.sees("> \u2514 102 web")
        await robot.press("pageup", "pageup", "pageup", "pageup", "pageup", "pageup", "pageup", "pageup")
        await robot.sees("> 700 report 700")
        await robot.press("pagedown", "enter")
        await robot.sees("+31 more wait for pid 700")
        await robot.press("slash", *"714", "enter")
        await robot.sees("filter: 714", "714 web")


def test_ours_and_who_holds_up_others_never_disappear_in_a_crowd() -> None:
    root, *rest = crowd(700, 12)
    middle = LockSession(Blocker(800, "2026-08-20 01:00:00+00", "app", "web", "active", depth=1), wait_ms=1)
    last = LockSession(Blocker(801, "2026-08-20 01:00:00+00", "app", "web", "active", depth=2), wait_ms=1)
    rows = rows_of((root, *rest[:6], middle, last, OURS, *rest[6:]), ())
    shown = [row.session.pid for row in rows if not row.more]
    assert shown == [700, 800, 801, 4242, 710, 711, 712]
    (row,) = (row for row in rows if row.more)
    assert [one.session.pid for one in row.more] == list(range(701, 710))
    assert rows[-1] is row
    assert rows_of((root, *rest[:5]), ()) == [root, *rest[:5]], "two more rows take hardly more room than one"
