"""The watch after a deploy on the screen: what it shows, that it stops, and where it leads."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pgmig_tui.errors import Unreachable
from pgmig_tui.review.comparison import Outcome
from pgmig_tui.ui.screens import watch
from pgmig_tui.ui.screens.watch import WatchScreen
from tests.ui.fakes import NOW, FakeSession, status
from tests.ui.robot import Robot, opened
from tests.ui.watched import seen

SIZES = [(80, 23), (100, 30), (160, 50)]


async def at_watch(robot: Robot) -> WatchScreen:
    await robot.tell(status("production", 9))
    await robot.press("3", "W")
    await robot.sees("WATCH  as of 03:14:07Z")
    assert isinstance(robot.app.screen, WatchScreen)
    return robot.app.screen


@pytest.mark.parametrize("size", SIZES)
async def test_before_against_now_with_the_verdict_and_its_reasons(size: tuple[int, int]) -> None:
    session = FakeSession()
    session.deployed.seen = seen()
    async with opened(session, size) as robot:
        await at_watch(robot)
        await robot.sees("x production: slower by this change", "12 ms", "96 ms", "7.31x", "1.02x", "transactions/s")
        await robot.sees("12 ms -> 96 ms", "1 deadlock", "every 10 s", "left. Esc stops it")
        await robot.snapshot("watch")
        await robot.press("escape")
        await robot.until(lambda: session.deployed.closed, "closed watch")
        await robot.sees("ALL ENVIRONMENTS")


@pytest.mark.parametrize(
    ("outcome", "mark"),
    [("healthy", "+ production: healthy"), ("too little data", "? production: too little data"),
     ("errors", "x production: errors"), ("slower server-wide", "! production: slower server-wide")],
)  # fmt: skip
async def test_each_verdict_has_a_glyph_and_words(outcome: Outcome, mark: str) -> None:
    session = FakeSession()
    session.deployed.seen = seen(outcome)
    async with opened(session) as robot:
        await at_watch(robot)
        await robot.sees(mark)


async def test_it_ends_by_itself_and_goes_on_when_told() -> None:
    session = FakeSession()
    session.deployed.seen = seen("healthy")
    async with opened(session) as robot:
        screen = await at_watch(robot)
        await robot.press("i")
        await robot.sees("looks every 30 s now")
        screen._until = NOW
        screen.tick()
        await robot.press("j")
        await robot.sees("= the time is over, what is said stands; t watches on")
        looks = session.deployed.looks
        await robot.press("t")
        await robot.until(lambda: session.deployed.looks > looks, "one more look")
        await robot.press("j")
        await robot.sees("left. Esc stops it")
        await robot.press("w")
        await robot.until(lambda: "watch-production.txt" in session.written, "a file")
        assert "healthy" in session.written["watch-production.txt"]


async def test_a_server_that_does_not_answer_leaves_what_was_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "EVERY_SECONDS", (0.02,))
    session = FakeSession()
    session.deployed.seen = seen("healthy")
    async with opened(session) as robot:
        await at_watch(robot)
        session.deployed.problem = Unreachable("production can't be reached: [/]")
        await robot.sees("? no answer: production can't be reached: [/]", "+ production: healthy")
        session.deployed.problem = None
        await robot.misses("no answer")


async def test_nothing_to_compare_with_is_said_before_the_first_interval() -> None:
    session = FakeSession()
    session.deployed.seen = replace(
        seen("too little data", 0), before=0, usual=None, hopeless=("nobody watched before the deploy",)
    )
    async with opened(session) as robot:
        await at_watch(robot)
        await robot.sees("nobody watched before the deploy", "0 intervals before, 0 since")


async def test_a_review_of_a_deploy_keeps_the_time_before() -> None:
    session = FakeSession()
    session.unsampled = "the extension pg_stat_statements isn't there"
    async with opened(session) as robot:
        await robot.tell(status("dev", 5))
        await robot.press("d")
        await robot.sees("nothing is kept")
        assert session.sampled == ["dev"]
        await robot.press("escape", "v")
        await robot.sees("VERIFY")
        assert session.sampled == ["dev"], "a verification changes nothing"
