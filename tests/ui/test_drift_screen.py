"""Drift on the screen: the marks of home never say more than was looked at, and S shows what differs."""

from __future__ import annotations

import pytest

from pgmig_tui.errors import ProjectError
from pgmig_tui.ui.answers import Answers
from pgmig_tui.ui.messages import DriftKnown
from tests.ui.fakes import NOW, FakeSession, facts, status
from tests.ui.robot import Robot, opened
from tests.ui.watched import drifted


@pytest.mark.parametrize(
    ("known", "deployed", "looking", "mark"),
    [
        (None, 5, False, "? unknown"),
        (drifted(5), None, False, "? old 2h"),
        (drifted(5), 6, False, "? old 2h"),
        (drifted(5, differs=False), 6, False, "? old 2h"),
        (drifted(5), 5, False, "! diff 2h"),
        (drifted(5, differs=False), 5, False, "+ same 2h"),
        (drifted(5, differs=False), 5, True, "~ looking"),
    ],
)
def test_a_mark_says_no_more_than_was_looked_at(known: object, deployed: int | None, looking: bool, mark: str) -> None:
    answers = Answers(facts())
    answers.drift = {"production": known} if known is not None else {}  # type: ignore[dict-item]
    if deployed is not None:
        answers.take(status("production", deployed))
    if looking:
        answers.looking.add("production")
    assert answers.drift_mark("production", NOW)[0] == mark
    assert ("no drift" in str(answers.drift_words("production", NOW))) == mark.startswith("+")


async def home(robot: Robot, deployed: int = 5) -> None:
    await robot.tell(status("production", deployed), DriftKnown(robot.app.session.known_drift()))
    await robot.press("3")


@pytest.mark.parametrize("size", [(80, 23), (100, 30), (160, 50)])
async def test_home_marks_it_and_the_screen_shows_what_differs(size: tuple[int, int]) -> None:
    session = FakeSession()
    session.drift["production"] = drifted(5)
    async with opened(session, size) as robot:
        await home(robot)
        await robot.sees("schema", "? unknown", "! diff 2h", "differs from the plan in 2 objects")
        await robot.press("S")
        await robot.sees("DRIFT from the plan", "x column app.orders.note", "~ role dba", "321 objects compared")
        await robot.snapshot("drift")
        await robot.press("j")
        await robot.sees("- CREATE INDEX a", "+ CREATE INDEX b [/]")
        assert session.looked == []
        await robot.press("w")
        await robot.until(lambda: "drift-production.txt" in session.written, "a file")


async def test_what_nobody_knows_is_looked_at_and_goes_on_when_left() -> None:
    session = FakeSession()
    session.found_drift = drifted(5, differs=False)
    session.hold.clear()
    async with opened(session) as robot:
        await home(robot)
        await robot.press("S")
        await robot.sees("~ comparing: deploying 9 changes [/]", "listed when the comparison has ended")
        await robot.press("r")
        await robot.sees("r is off: it is being compared")
        await robot.press("escape")
        await robot.sees("~ looking")
        session.hold.set()
        await robot.sees("+ same 2h")
        await robot.press("S")
        await robot.sees("+ none of 321 objects differed")
        await robot.press("escape")
        await robot.tell(status("production", 6))
        session.found_drift, session.start_error = None, ProjectError("gone")
        await robot.press("S")
        await robot.sees("? unknown: nothing was compared")
        await robot.press("escape")
        assert session.looked == ["production", "production"]


async def test_a_look_that_fails_leaves_it_unknown() -> None:
    session = FakeSession()
    session.start_error = ProjectError("change 7 can't be deployed here: [/]")
    async with opened(session) as robot:
        await home(robot)
        await robot.press("S")
        await robot.sees("x change 7 can't be deployed here: [/]", "nobody has looked")
        await robot.press("escape")
        await robot.sees("? unknown")
