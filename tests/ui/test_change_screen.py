"""The change screen: three scripts, their impact, and a format that never runs."""

from __future__ import annotations

import pytest

from tests.ui.fakes import FakeSession, standing
from tests.ui.robot import Robot, opened, play


async def at_change(robot: Robot) -> None:
    await robot.tell(standing("production", 8))
    await robot.press("3", "enter")
    await robot.sees("[deploy]", "Lock impact  PostgreSQL 18.6", "ALTER TABLE dms.documents")


@pytest.mark.parametrize("size", [(100, 30), (80, 24)])
def test_the_finding_follows_the_line(size: tuple[int, int]) -> None:
    async def scene() -> None:
        async with opened(size=size) as robot:
            await at_change(robot)
            await robot.sees("change 1/1 pending", "rewrites dms.documents", "sha 9f31c2a")
            await robot.press("i")
            await robot.sees(">L6 ALTER TABLE", "Add a new column")
            await robot.snapshot("change")
            await robot.press("i")
            await robot.sees(">L9 UPDATE")

    play(scene)


def test_brackets_walk_the_scripts_and_a_missing_one_is_said() -> None:
    async def scene() -> None:
        async with opened() as robot:
            await at_change(robot)
            await robot.press("right_square_bracket")
            await robot.sees("[verify]", "there is no verify script")
            await robot.press("f")
            await robot.sees("f is off: there is no text to set out")
            await robot.press("right_square_bracket")
            await robot.sees("[revert]", "LOSES dms.documents.size")
            await robot.press("left_square_bracket", "left_square_bracket")
            await robot.sees("[deploy]")

    play(scene)


def test_the_formatted_text_says_that_it_is_not_what_runs_and_goes_away_again() -> None:
    async def scene() -> None:
        async with opened() as robot:
            await at_change(robot)
            await robot.press("f")
            await robot.sees("FORMATTED to read, NOT what runs", "-- NOT what runs")
            await robot.press("f")
            await robot.misses("FORMATTED")
            await robot.sees("SET LOCAL lock_timeout")

    play(scene)


def test_find_goes_round_and_says_when_nothing_holds_the_text() -> None:
    async def scene() -> None:
        async with opened() as robot:
            await at_change(robot)
            await robot.press("slash", *"UPDATE dms", "enter")
            await robot.sees("> 9 ")
            await robot.press("n")
            await robot.sees("> 9 ")
            await robot.press("slash", *"nowhere", "enter")
            await robot.sees("'nowhere' does not stand in this script")

    play(scene)


def test_a_script_of_many_lines_opens_and_scrolls() -> None:
    async def scene() -> None:
        session = FakeSession()
        session.texts["deploy"] = (
            "BEGIN;\n" + "INSERT INTO t VALUES (1, 'x');\n" * 100_000 + "-- ALTER TABLE dms.documents"
        )
        async with opened(session) as robot:
            await robot.tell(standing("production", 8))
            await robot.press("3", "enter")
            await robot.sees("INSERT INTO t VALUES")
            await robot.press("G")
            await robot.sees("100002")

    play(scene)
