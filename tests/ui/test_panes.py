"""Frames of panes: titled, the one that the keys move in marked by its shape, and drawable on the terminal there is."""

from __future__ import annotations

import pytest

from pgmig_tui.display.charset import Charset, charset
from pgmig_tui.ui.screens.home import HomeScreen
from pgmig_tui.ui.widgets.panes import framed, retitle
from tests.ui.fakes import FakeSession, status
from tests.ui.robot import Robot, opened


def title_row(robot: Robot, title: str) -> str:
    return next(row for row in robot.text.splitlines() if f" {title} " in row)


async def test_the_pane_that_the_keys_move_in_has_another_shape() -> None:
    async with opened() as robot:
        await robot.tell(status("dev", 5))
        assert "┏━ plan ━" in title_row(robot, "plan")
        assert "╭─ change ─" in title_row(robot, "plan")
        await robot.press("tab")
        assert "╭─ plan ─" in title_row(robot, "plan")
        assert "┏━ change ━" in title_row(robot, "plan")


async def test_where_there_is_one_pane_none_is_marked() -> None:
    async with opened(size=(80, 23)) as robot:
        assert "╭─ plan ─" in title_row(robot, "plan")
        await robot.pilot.resize_terminal(100, 30)
        await robot.sees("┏━ plan ━")
        await robot.pilot.resize_terminal(80, 23)
        await robot.sees("╭─ plan ─")


async def test_a_phone_has_no_room_for_frames() -> None:
    async with opened(size=(60, 15)) as robot:
        assert not set("╭╮│─┏") & set(robot.text)


async def test_without_utf_8_frames_are_ascii_and_the_mark_is_reverse_video() -> None:
    async with opened(charset=Charset.ASCII) as robot:
        await robot.tell(status("dev", 5))
        assert robot.text.isascii()
        assert "+- plan -" in title_row(robot, "plan")
        assert "+- change -" in title_row(robot, "plan")
        plan = robot.app.screen.query_one("#plan")
        assert plan.styles.border_title_style.reverse
        await robot.press("tab")
        assert not plan.styles.border_title_style.reverse


async def test_a_title_is_text_and_no_markup() -> None:
    async with opened() as robot:
        home = robot.app.screen
        assert isinstance(home, HomeScreen)
        retitle(home.query_one("#plan"), "[/] [red]x\x1b[31m")
        await robot.settle()
        await robot.sees("[/] [red]x")
        assert "\x1b" not in robot.text


async def test_a_click_on_a_frame_chooses_no_line() -> None:
    async with opened(FakeSession()) as robot:
        await robot.tell(status("dev", 5))
        home = robot.app.screen
        assert isinstance(home, HomeScreen)
        before = home.matrix.cursor
        await robot.pilot.click("#plan", offset=(5, 0))
        assert home.matrix.cursor == before
        assert robot.app.screen is home


def test_a_list_knows_its_frame() -> None:
    from textual.containers import Vertical

    from pgmig_tui.ui.widgets.lines import Lines

    part = Lines()
    assert framed(part, "one") is part.frame
    inner = Lines()
    box = framed(Vertical(inner), "two", inner)
    assert inner.frame is box


@pytest.mark.parametrize(
    ("env", "found"),
    [
        ({"LANG": "en_US.UTF-8"}, Charset.ALL),
        ({"LANG": "en_US.UTF-8", "LC_ALL": "C"}, Charset.ASCII),
        ({"LANG": "C", "LC_CTYPE": "UTF-8"}, Charset.ALL),
        ({"LANG": "de_DE.ISO-8859-1"}, Charset.ASCII),
        ({}, Charset.ASCII),
        ({"LANG": "C.utf8", "TERM": "linux"}, Charset.LINES),
    ],
)
def test_the_locale_says_what_a_terminal_can_draw(env: dict[str, str], found: Charset) -> None:
    assert charset(env) is found
