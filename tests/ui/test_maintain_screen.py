"""Maintenance on the screen: sections are folded, and nothing that is shown is run."""

from __future__ import annotations

import json

import pytest

from pgmig_tui.errors import Unreachable
from tests.ui.fakes import FakeSession, status
from tests.ui.robot import Robot, opened
from tests.ui.watched import maintained


def session() -> FakeSession:
    made = FakeSession()
    made.maintained = maintained()
    return made


async def at_maintain(robot: Robot) -> None:
    await robot.tell(status("production", 8))
    await robot.press("3", "M")
    await robot.sees("MAINTAIN", "1 section with something to do")


@pytest.mark.parametrize("size", [(80, 23), (100, 30), (160, 50)])
async def test_sections_are_folded_until_they_are_opened(size: tuple[int, int]) -> None:
    async with opened(session(), size) as robot:
        await at_maintain(robot)
        await robot.sees("[+] ! Leftovers: 2 leftovers", "+ Retention of the record", "? Access controls")
        await robot.snapshot("maintain")
        await robot.press("enter", "j")
        await robot.sees("[-] ! Leftovers", "invalid index app.i_ccnew (new)", "DROP INDEX app.i_ccnew;")
        await robot.press("enter")
        await robot.sees("[+] ! Leftovers")
        await robot.press("j", "enter")
        await robot.sees("Enter is off: nothing was found there")


async def test_all_of_it_is_exported_and_gone_through() -> None:
    made = session()
    async with opened(made) as robot:
        await at_maintain(robot)
        await robot.press("w")
        await robot.until(lambda: "maintain-production.json" in made.written, "a file")
        found = json.loads(made.written["maintain-production.json"])
        assert [one["name"] for one in found["sections"]] == ["leftovers", "retention", "access"]
        await robot.press("space")
        await robot.until(lambda: made.went_through == ["production"], "a review")
        made.start_error = Unreachable("production can't be reached")
        await robot.press("space")
        await robot.sees("production can't be reached")
