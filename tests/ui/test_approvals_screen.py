"""Approvals on the screen: how each role stands, and that nothing is recorded before the word."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pgmig_tui.errors import Refused, UsageError
from tests.ui.fakes import FakeSession, status
from tests.ui.robot import Robot, opened
from tests.ui.watched import APPROVALS


def session() -> FakeSession:
    made = FakeSession()
    made.approving = APPROVALS
    return made


async def at_approvals(robot: Robot) -> None:
    await robot.tell(status("production", 8))
    await robot.press("3", "a")
    await robot.sees("APPROVALS")


@pytest.mark.parametrize("size", [(80, 23), (100, 30), (160, 50)])
async def test_each_role_and_each_decision_with_what_is_missing(size: tuple[int, int]) -> None:
    async with opened(session(), size) as robot:
        await at_approvals(robot)
        await robot.sees("x not approved: lead", "+ dba", "x lead", "nobody has approved it", "logged in as maria")
        await robot.snapshot("approvals")
        await robot.press("j", "j")
        await robot.sees("! who that was isn't certain", "until 2026-08-27 03:00:00Z", "note: [/]")
        await robot.press("j")
        await robot.sees("x void: the deploy script of x has changed since")
        await robot.press("p")
        await robot.sees("# Review of production: 1 change")


async def test_only_the_word_records_a_decision() -> None:
    made = session()
    async with opened(made) as robot:
        await at_approvals(robot)
        await robot.press("A", "enter", "enter", *"yes", "enter", "escape")
        assert made.decided == []
        await robot.press("j", "A", "enter", *"fine", "enter")
        await robot.sees("Path of the SSH key that signs; nothing: as database role maria")
        await robot.press(*"~/k", "enter")
        await robot.sees("APPROVE 1 change on !! PRODUCTION !!", "signed with ~/k", "9f31c2a0d4e5")
        await robot.press(*"prod", "enter")
        await robot.sees("lead: recorded")
        assert made.decided == [("approve", "lead", "fine", "~/k")]
        await robot.press("X", "enter", "enter")
        await robot.sees("type something to enable Enter")
        await robot.press(*"no", "enter", "enter", *"prod", "enter")
        await robot.until(lambda: len(made.decided) == 2, "a rejection")
        assert made.decided[1] == ("reject", "lead", "no", "")
        await robot.press("V")
        await robot.sees("V is off: the cursor is on no decision")
        await robot.press("j", "V", *"late", "enter", *"prod", "enter")
        await robot.until(lambda: len(made.decided) == 3, "a revocation")
        assert made.decided[2] == ("revoke", "2", "late", "")


async def test_who_may_only_read_is_told_so_and_a_refusal_stays_in_sight() -> None:
    made = session()
    made.approving = replace(APPROVALS, may_not="role maria may only read pgmig.approvals")
    async with opened(made) as robot:
        await at_approvals(robot)
        for key in ("A", "X", "V"):
            await robot.press(key)
            await robot.sees(f"{key} is off: role maria may only read pgmig.approvals")
        before, made.approving = robot.app.screen.facts, APPROVALS  # type: ignore[attr-defined]
        made.start_error = Refused("the packet is another one now: [/]", now="Nothing was recorded.")
        await robot.press("r")
        await robot.until(lambda: robot.app.screen.facts is not before, "facts anew")  # type: ignore[attr-defined]
        await robot.press("A", "enter", "enter", *"prod", "enter")
        await robot.sees("x the packet is another one now: [/]")
        assert made.decided == []


async def test_where_nobody_is_asked_that_is_said() -> None:
    made = session()
    made.approving_error = UsageError("pgmig.toml names nobody who could approve on production")
    async with opened(made) as robot:
        await at_approvals(robot)
        await robot.sees("x pgmig.toml names nobody who could approve on production")
