"""What the mouse does, what `=` shows whole, which theme is there again, and what is left without colours."""

from __future__ import annotations

from dataclasses import replace

import pytest
from rich.style import Style

from pgmig_tui.ui.backend.protocol import RunFacts, StatusFacts
from pgmig_tui.ui.palette import role_styles
from pgmig_tui.ui.screens.change import ChangeScreen
from pgmig_tui.ui.screens.home import HomeScreen
from pgmig_tui.ui.screens.runs import RunsScreen
from pgmig_tui.ui.themes import THEMES
from tests.ui.fakes import ENVIRONMENTS, NOW, FakeSession, facts, plan, status
from tests.ui.robot import Robot, opened

TWELVE = tuple(replace(ENVIRONMENTS[0], name=f"environment-{number}") for number in range(1, 13))
LONG = "connection to server at 127.0.0.1, port 1 failed: Connection refused; " + "is the server running there? " * 8
SIZES = [(80, 23), (100, 30), (160, 50)]


def home_of(robot: Robot) -> HomeScreen:
    found = robot.app.screen
    assert isinstance(found, HomeScreen)
    return found


async def click(robot: Robot, selector: str, text: str) -> None:
    """A click on a text in the one line of a widget."""
    region = robot.app.screen.query_one(selector).region
    column = robot.text.splitlines()[region.y][region.x :].index(text)
    await robot.pilot.click(selector, offset=(column, 0))


@pytest.mark.parametrize("size", SIZES)
async def test_a_click_on_a_key_of_the_footer_is_that_key(size: tuple[int, int]) -> None:
    session = FakeSession()
    async with opened(session, size) as robot:
        await robot.tell(status("dev", 9))
        await click(robot, "#foot", "Deploy")
        await robot.sees("d is off: dev has everything that the plan has")
        await click(robot, "#foot", "h Runs")
        await robot.until(lambda: isinstance(robot.app.screen, RunsScreen), "the runs")
        await click(robot, "#foot", "Back")
        await robot.until(lambda: isinstance(robot.app.screen, HomeScreen), "home")
        assert session.started == []


async def test_a_second_click_on_a_line_is_enter() -> None:
    async with opened() as robot:
        await robot.tell(status("dev", 5))
        await robot.pilot.click("#matrix", offset=(6, 1))
        assert home_of(robot).matrix.cursor == 1
        await robot.pilot.click("#matrix", offset=(6, 1))
        await robot.until(lambda: isinstance(robot.app.screen, ChangeScreen), "the change")


async def test_a_click_on_an_environment_of_the_status_line_chooses_it() -> None:
    async with opened(FakeSession(facts(environments=TWELVE)), (80, 23)) as robot:
        await click(robot, "#status", "environment-2")
        await robot.sees("env 2/12 environment-2")
        await click(robot, "#status", "0: all")
        await robot.sees("part of an environment's name")
        region = robot.app.screen.query_one("#list").region
        for _ in range(2):
            await robot.pilot.click("#list", offset=(4, min(11, region.height - 1)))
        await robot.sees("/12 environment-1")


@pytest.mark.parametrize("size", SIZES)
async def test_what_is_cut_is_shown_whole_by_a_key(size: tuple[int, int]) -> None:
    session = FakeSession(facts(plan(400), TWELVE))
    async with opened(session, size) as robot:
        await robot.tell(*(StatusFacts(environment.name, NOW, False, error=LONG) for environment in TWELVE))
        await robot.sees("environment-1: Connection refused; is the server", "= all 12")
        assert "roll back are off there" not in robot.text
        await robot.press("equals_sign")
        seen = ""
        for _ in range(40):
            seen += robot.text
            await robot.press("pagedown")
            await robot.settle()
        for environment in TWELVE:
            assert f"{environment.name}: Connection refused" in seen
        assert "port 1 failed" in seen
        assert "roll back are off there" in seen
        await robot.press("escape")
        await robot.sees("Plan documents")


async def test_a_line_of_a_list_that_is_cut_is_shown_whole() -> None:
    session = FakeSession()
    name = "an-operator-whose-name-is-far-longer-than-any-column-of-a-list-that-fits-into-eighty"
    session.listed = (RunFacts("run-1", "dev", "deploy", "finished", "2026-08-20T02:41:10Z", operator=name),)
    async with opened(session, (80, 23)) as robot:
        await robot.runs()
        await robot.press("h")
        await robot.sees("run-1")
        assert name not in robot.text
        await robot.press("equals_sign")
        await robot.sees(name[:40], "Esc goes back")


async def test_a_theme_is_there_again() -> None:
    session = FakeSession()
    async with opened(session) as robot:
        await robot.press("colon", *"theme pgmig-light", "enter")
        await robot.until(lambda: session.chosen == {"theme": "pgmig-light"}, "the theme is kept")
    async with opened(session) as robot:
        assert robot.app.theme == "pgmig-light"
    session.chosen["theme"] = "[no such]"
    async with opened(session) as robot:
        assert robot.app.theme == THEMES[0].name


@pytest.mark.parametrize(("way", "pane", "name"), [((), "#side", "side.home"), (("enter",), "#pane", "side.change")])
async def test_the_pane_at_the_side_gets_wider_and_narrower_and_stays_so(
    way: tuple[str, ...], pane: str, name: str
) -> None:
    session = FakeSession()

    async def width(robot: Robot) -> int:
        await robot.tell(status("dev", 5))
        await robot.press(*way)
        await robot.until(lambda: bool(robot.app.screen.query(pane)), pane)
        await robot.settle()
        return robot.app.screen.query_one(pane).outer_size.width

    async with opened(session) as robot:
        before = await width(robot)
        await robot.press("greater_than_sign", "greater_than_sign", "less_than_sign")
        await robot.settle()
        assert robot.app.screen.query_one(pane).outer_size.width == before + 4
        await robot.until(lambda: session.chosen == {name: str(before + 4)}, "it is kept")
        await robot.press(*["greater_than_sign"] * 12)
        await robot.sees("it is as wide as it gets")
        await robot.until(lambda: session.chosen == {name: "60"}, "no wider than 60 of 100")
    async with opened(session) as robot:
        assert await width(robot) == 60
    for kept in ("-1", "[/]", "99999", "3"):
        session.chosen = {name: kept}
        async with opened(session) as robot:
            assert await width(robot) == before


async def test_preferences_that_are_ignored_are_told() -> None:
    session = FakeSession()
    session.ignored = "/x/screen.json is ignored: others than this account can write it"
    async with opened(session) as robot:
        await robot.sees("screen.json is ignored")


def test_without_colors_danger_is_louder_than_what_surrounds_it() -> None:
    greys = [
        "success",
        "muted",
        "primary",
        "warning",
        "error",
        "panel",
        "accent",
        "secondary",
        "foreground",
        "cursor-line",
    ]
    variables = {**dict.fromkeys(greys, "#808080"), **THEMES[0].variables}
    styles = role_styles(variables, colors=False)
    for role in ("failed", "tier-prod"):
        assert (styles[role].reverse, styles[role].bold, styles[role].color) == (True, True, None), role
    for role in ("waiting", "differs", "stale", "running", "tier-staging"):
        assert (styles[role].bold, styles[role].color) == (True, None), "in the colour of plain text, not in a grey"
    assert styles["muted"] == role_styles(variables)["muted"]
    assert not role_styles(variables)["failed"].reverse


async def test_production_is_in_reverse_video_on_a_screen_without_colors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")

    async with opened() as robot:
        await robot.tell(status("production", 5))
        await robot.press("3")
        await robot.sees("!! PROTECTED !!")
        strip = home_of(robot).banner.render_line(0)
        shown = [segment.style for segment in strip if "PROTECTED" in segment.text]
        assert [isinstance(style, Style) and style.reverse for style in shown] == [True]
