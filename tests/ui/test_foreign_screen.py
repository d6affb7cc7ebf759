"""A run of another account on the screen: what its server tells, and that it is stopped by the typed word only."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pgmig_tui.display.activity import Activity, Blocker, Hold
from pgmig_tui.errors import NotPermitted
from pgmig_tui.ui.backend.protocol import Foreign, ForeignSession
from tests.ui.fakes import NOW, EndSession, FakeSession, WayBack, status
from tests.ui.robot import Robot, opened

SIZES = [(100, 30), (80, 24)]
RUN = "20260820-030900-beef"
HOLDER = f"process 4242, user deployer, pgmig/{RUN}/control, from 10.0.3.7 since 2026-08-20T03:09:01Z"
STEP = ForeignSession(
    4243,
    "2026-08-20T03:09:02.123456Z",
    "process 4243 (step 3), user deployer from 10.0.3.7: active, transaction open 42 s, waits for Lock: relation",
    "ALTER TABLE dms.documents ADD tags text[] -- [/]",
)
CONTROL = ForeignSession(
    4242, "2026-08-20T03:09:01Z", "process 4242 (control, which holds the lock), user deployer from 10.0.3.7: idle"
)
SEEN = Foreign(
    NOW,
    run_id=RUN,
    who=f"run {RUN} of ola@ci-7: deploy, 5 steps, project documents on production, by Ola Nordmann <ola@example.org> as"
    " role deployer, since 2026-08-20 03:09:01Z",
    holder=HOLDER,
    doing="step 3 of 5, 20240115_0001_add_document_tags, deploy/20240115_0001_add_document_tags.sql:6: ALTER TABLE …",
    state="running",
    heartbeat_ms=1200,
    step=STEP,
    sessions=(STEP, CONTROL),
    activity=Activity(
        waiting=True,
        blockers=(
            Blocker(777, "then", "bi", "reporting", "idle in transaction", 860_000, "SELECT [/] FROM dms.documents"),
        ),
        holds=(Hold("sqitch.changes", "ExclusiveLock"),),
        waiters=3,
        oldest_wait_ms=41_000,
    ),
    recorded=(("deploy", "20240108_0001_document_status_enum", "2026-08-20T03:09:03.1Z"),),
    registry="the registry: 5 changes deployed, the last is 20240110_0001_document_search; 1 event since the run began",
)


async def at_run(robot: Robot, key: str = "3") -> None:
    busy = status("production", 5, under_way=f"run {RUN} of another account or host is under way: {HOLDER}")
    await robot.tell(status("dev", 5), busy)
    await robot.press(key)
    await robot.sees("~ production: w watches it: run")
    await robot.press("w")
    await robot.sees(f"RUN {RUN}  as of")


@pytest.mark.parametrize("size", SIZES)
async def test_home_leads_to_what_the_server_tells(size: tuple[int, int]) -> None:
    session = FakeSession()
    session.foreign.seen = SEEN
    async with opened(session, size) as robot:
        await at_run(robot)
        await robot.sees("of ola@ci-7", "step 3 of 5", "last heartbeat 1 s ago", "WAITING for pid 777 (reporting)")
        await robot.sees("3 sessions wait behind it", "holds EXCLUSIVE sqitch.changes")
        await robot.snapshot("foreign")
        await robot.press("ctrl+d", "ctrl+d")
        await robot.sees("control, which holds the lock", "5 changes deployed", "document_status_enum deployed")
        await robot.press("escape")
        await robot.until(lambda: session.foreign.closed, "closed watch")
        await robot.press("1", "w")
        await robot.sees("w is off: no run of another account is under way on dev")


async def test_only_the_word_stops_it() -> None:
    session = FakeSession()
    session.foreign.seen = SEEN
    async with opened(session) as robot:
        await at_run(robot)
        await robot.press("x", "enter", "y", "e", "s", "enter", "escape", "c", "enter", "space", "escape")
        await robot.sees("nothing was done")
        assert session.foreign.asked == []
        await robot.press("c")
        await robot.sees(f"CANCEL the statement of run {RUN} on !! PRODUCTION !!", "Type prod")
        await robot.press(*"prod", "enter")
        await robot.sees("pid 4243 was told to cancel")
        assert session.foreign.asked == [EndSession(4243, "2026-08-20T03:09:02.123456Z", "cancel")]
        session.foreign.gone = True
        await robot.press("c", *"prod", "enter")
        await robot.sees("nothing was done: pid 4243 is gone")
        await robot.press("X")
        await robot.sees("END ALL SESSIONS of run")
        await robot.press(*"prod", "enter")
        await robot.sees("its sessions are ended, and the lock is free")
        assert session.foreign.asked[-1] == "stop"


async def test_a_missing_privilege_is_said_with_what_helps() -> None:
    session = FakeSession()
    session.foreign.seen = SEEN
    session.foreign.refusal = NotPermitted(
        "role maria may not end process 4242 of deployer",
        now="The run goes on.",
        do="Have deployer, or a superuser, run: SELECT pg_terminate_backend(4242);",
    )
    async with opened(session) as robot:
        await at_run(robot)
        await robot.press("x", *"prod", "enter")
        await robot.sees("role maria may not end process 4242", "pg_terminate_backend(4242)", "The run goes on.")
        unseen = "what 1 session does is hidden from role maria; to let it see: GRANT pg_read_all_stats TO maria;"
        hidden = replace(STEP, started="", hidden=True)
        session.foreign.seen = replace(SEEN, step=hidden, sessions=(hidden, CONTROL), unseen=(unseen,))
        await robot.press("r")
        await robot.sees("? what 1 session does is hidden")
        await robot.press("c")
        await robot.sees("c is off: when that session began is hidden")


async def test_an_old_sign_of_life_is_said_as_such() -> None:
    session = FakeSession()
    session.foreign.seen = replace(SEEN, heartbeat_ms=40_000)
    async with opened(session) as robot:
        await at_run(robot)
        await robot.sees("? last heartbeat 40 s ago, by the server's clock")
        assert "dead" not in robot.text
        session.foreign.seen = Foreign(NOW, problem="timeout expired")
        await robot.press("r")
        await robot.sees("? no answer: timeout expired", "step 3 of 5")
        await robot.press("x")
        await robot.sees("X is off: the server has not answered")
        over = "the run has recorded its end: exit status 0, done"
        session.foreign.seen = replace(SEEN, over=over, holder="", state="finished", sessions=(), step=None)
        await robot.press("r")
        await robot.sees(f"= {over}", "nobody holds the lock")
        await robot.press("x")
        await robot.sees("X is off: the run is over")


async def test_another_program_s_lock_is_shown_and_left_to_it() -> None:
    session = FakeSession()
    holder = "sqitch, or whoever else uses its lock: process 99, user sqitch, sqitch, from a local connection"
    session.foreign.seen = Foreign(NOW, holder=holder, registry="the registry: 5 changes deployed")
    async with opened(session) as robot:
        busy = status("dev", 5, under_way=f"another program holds Sqitch's lock: {holder}")
        await robot.tell(busy)
        await robot.press("w")
        await robot.sees("lock: sqitch, or whoever else uses its lock: process 99")
        await robot.press("x")
        await robot.sees("X is off: it is another program's")


async def test_the_rollback_leads_there_too() -> None:
    session = FakeSession()
    session.back = WayBack(running=f"run {RUN} of another account or host is under way: {HOLDER}")
    session.foreign.seen = SEEN
    async with opened(session) as robot:
        await robot.tell(status("dev", 9), status("production", 9))
        await robot.press("3", "R")
        await robot.sees("w watches it")
        await robot.press("w")
        await robot.sees("step 3 of 5")
        await robot.press("escape")
        await robot.sees("ROLL BACK")


async def test_hostile_text_is_shown_and_never_obeyed() -> None:
    hostile = "[/] [red]x[/red] \x1b[31mESC\x1b]0;title\x07 \u202eevil 漢字 " + "long" * 500
    one = ForeignSession(1, hostile, hostile, hostile)
    session = FakeSession()
    session.foreign.seen = Foreign(
        NOW, "", RUN, hostile, hostile, hostile, "running", 1, one, (one,),
        Activity(waiting=True, blockers=(Blocker(7, hostile, hostile, hostile, hostile, 1.0, hostile),)),
        ((hostile, hostile, hostile),), hostile, (hostile,),
    )  # fmt: skip
    async with opened(session) as robot:
        await at_run(robot)
        await robot.sees("[red]x[/red]")
        await robot.press("c")
        await robot.sees("CANCEL the statement")
        await robot.press("escape", "X")
        await robot.sees("END ALL SESSIONS")
        await robot.press("escape", *["ctrl+d"] * 30, "y")
        await robot.sees("copied")
        assert not [sign for sign in "\x1b\x07\u202e" if sign in robot.text]
