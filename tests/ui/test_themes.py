"""Colours: what stands out from what in every theme, and which theme a terminal gets, also by its own answer."""

from __future__ import annotations

import itertools
import os
import pty
import re
import select
import subprocess
import sys
import time

import pytest
from rich.color import Color, ColorSystem
from rich.color_triplet import ColorTriplet
from rich.style import Style
from textual import events
from textual.message import Message

from pgmig_tui.ui.app import PgmigApp
from pgmig_tui.ui.background import HOLD_SECONDS, AnswerParser, BackgroundTold, is_light, light_by_environment
from pgmig_tui.ui.palette import role_styles
from pgmig_tui.ui.themes import DARK, LIGHT, TERMINAL, THEMES, theme_for
from tests.ui.fakes import FakeSession, status
from tests.ui.robot import opened

OURS = [theme for theme in THEMES if not theme.ansi]
GROUNDS = ("background", "cursor-line", "panel")
"""What lies under texts: a screen, the line of the cursor, what is typed into."""
SEEN = {  # Machado et al. 2009: how people see who lack one kind of cones
    "all": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protanopia": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "deuteranopia": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.01182, 0.04294, 0.968881)),
    "tritanopia": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.3039)),
}


def linear(color: ColorTriplet) -> list[float]:
    parts = [part / 255 for part in color]
    return [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]


def brightness(color: ColorTriplet) -> float:
    red, green, blue = linear(color)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: ColorTriplet, other: ColorTriplet) -> float:
    """As WCAG 2 has it."""
    low, high = sorted((brightness(one), brightness(other)))
    return (high + 0.05) / (low + 0.05)


def distance(one: ColorTriplet, other: ColorTriplet, seen: str) -> float:
    """Between two colours as they are seen (CIE 1976)."""

    def lab(color: ColorTriplet) -> tuple[float, float, float]:
        parts = linear(color)
        red, green, blue = (
            min(1.0, max(0.0, sum(a * b for a, b in zip(row, parts, strict=True)))) for row in SEEN[seen]
        )
        x, y, z = (
            (0.4124 * red + 0.3576 * green + 0.1805 * blue) / 0.9505,
            0.2126 * red + 0.7152 * green + 0.0722 * blue,
            (0.0193 * red + 0.1192 * green + 0.9505 * blue) / 1.089,
        )
        x, y, z = (part ** (1 / 3) if part > 0.008856 else 7.787 * part + 16 / 116 for part in (x, y, z))
        return 116 * y - 16, 500 * (x - y), 200 * (y - z)

    return float(sum((a - b) ** 2 for a, b in zip(lab(one), lab(other), strict=True)) ** 0.5)


def variables(name: str) -> dict[str, str]:
    app = PgmigApp(FakeSession(), asks=False, colors=256)
    app.theme = name
    return app.get_css_variables()


def drawn(color: Color, system: ColorSystem) -> ColorTriplet:
    return color.downgrade(system).get_truecolor()


@pytest.mark.parametrize("system", [ColorSystem.TRUECOLOR, ColorSystem.EIGHT_BIT], ids=["truecolor", "256"])
@pytest.mark.parametrize("theme", OURS, ids=lambda theme: theme.name)
def test_every_text_stands_out_from_what_lies_under_it(theme: object, system: ColorSystem) -> None:
    name = theme.name  # type: ignore[attr-defined]
    known = variables(name)
    weak = {}
    for role, style in role_styles(known).items():
        assert not style.dim, f"{role}: how dim that is the terminal says"
        grounds = [style.bgcolor] if style.bgcolor else [Color.parse(known[ground]) for ground in GROUNDS]
        color = style.color or Color.parse(known["foreground"])
        for ground in grounds:
            found = contrast(drawn(color, system), drawn(ground, system))
            if found < 4.5:
                weak[role, ground.name] = round(found, 2)
    assert not weak
    frame = Color.parse(known["line"])
    assert contrast(drawn(frame, system), drawn(Color.parse(known["background"]), system)) >= 3, "frames are seen"


@pytest.mark.parametrize("seen", SEEN)
@pytest.mark.parametrize("theme", OURS, ids=lambda theme: theme.name)
def test_states_differ_for_everybody(theme: object, seen: str) -> None:
    known = variables(theme.name)  # type: ignore[attr-defined]
    states = {name: Color.parse(known[name]).get_truecolor() for name in ("success", "warning", "error", "primary")}
    near = {
        (one, other): round(distance(states[one], states[other], seen))
        for one, other in itertools.combinations(states, 2)
        if distance(states[one], states[other], seen) < 10
    }
    assert not near


def test_the_terminals_own_theme_sets_no_colour_that_the_terminal_has_not() -> None:
    styles = role_styles(variables(TERMINAL.name))
    for role, style in styles.items():
        for color in (style.color, style.bgcolor):
            assert color is None or color.is_system_defined, role
    assert styles["cursor"] == Style(reverse=True)
    assert styles["tier-prod"].bgcolor == Color.parse("red")


@pytest.mark.parametrize(
    ("chosen", "light", "colors", "shown"),
    [
        ("", False, 256, DARK),
        ("", True, 256, LIGHT),
        ("pgmig-dark", True, 256, DARK),
        ("pgmig-deuteranopia", True, 256, DARK),
        ("[no such]", True, 1 << 24, LIGHT),
        ("pgmig-light", False, 16, TERMINAL),
    ],
)
def test_which_theme_a_terminal_gets(chosen: str, light: bool, colors: int, shown: object) -> None:
    assert theme_for(chosen, light=light, colors=colors) == shown.name  # type: ignore[attr-defined]


async def test_the_terminals_answer_is_shown_now_and_from_the_first_frame_of_the_next_start() -> None:
    session = FakeSession()
    async with opened(session) as robot:
        assert robot.app.theme == DARK.name
        await robot.tell(BackgroundTold(light=True))
        assert robot.app.theme == LIGHT.name
        await robot.until(lambda: session.chosen == {"background": "light"}, "the answer is kept")
    async with opened(session) as robot:
        assert robot.app.theme == LIGHT.name
        await robot.press("colon", *"theme pgmig-dark", "enter")
        await robot.tell(BackgroundTold(light=True))
        assert robot.app.theme == DARK.name, "what a person chose stays"
        await robot.press("colon", *"theme automatic", "enter")
        assert robot.app.theme == LIGHT.name


async def test_a_terminal_of_sixteen_colours_shows_every_part_in_its_own() -> None:
    async with opened(colors=16) as robot:
        await robot.tell(status("dev", 5))
        await robot.press("question_mark")
        await robot.press("escape", "colon")
        assert robot.app.theme == TERMINAL.name
        await robot.sees("part of")


def keys(messages: list[Message]) -> str:
    return "".join(one.character or f"<{one.key}>" for one in messages if isinstance(one, events.Key))


@pytest.mark.parametrize("end", ["\x07", "\x1b\\"])
def test_an_answer_is_taken_out_of_what_is_typed_however_it_is_cut(end: str) -> None:
    answer = f"\x1b]11;rgb:ffff/ffff/ffff{end}"
    whole = f"ab{answer}cd"
    for cut in range(1, len(whole)):
        parser = AnswerParser()
        heard = [*parser.feed(whole[:cut]), *parser.tick(), *parser.feed(whole[cut:]), *parser.tick()]
        assert [one.light for one in heard if isinstance(one, BackgroundTold)] == [True], cut
        assert keys(heard) == "abcd", cut


def test_no_key_is_lost_where_no_answer_comes() -> None:
    parser = AnswerParser()
    heard = list(parser.feed("a\x1b"))
    deadline = time.monotonic() + 5
    while "\x1b" not in keys(heard) and time.monotonic() < deadline:
        select.select([], [], [], HOLD_SECONDS / 4)
        heard += parser.tick()
    heard += [*parser.feed("\x1b[A"), *parser.feed("q")]
    assert keys(heard) == "a\x1b<up>q"
    assert not [one for one in heard if isinstance(one, BackgroundTold)]


def test_an_answer_that_says_nothing_is_none() -> None:
    for text in ("", "?", "rgb:", "rgb:zz/00/00", "#ffffff"):
        assert is_light(text) is None
    for text in ("", "x", "²", "15;", "-1"):
        assert light_by_environment({"COLORFGBG": text}) is None


def test_in_a_terminal_the_question_is_asked_and_its_answer_is_no_key() -> None:
    script = (
        "from tests.ui.fakes import NOW, FakeSession\n"
        "from pgmig_tui.ui.app import PgmigApp\n"
        "app = PgmigApp(FakeSession(), clock=lambda: NOW, asks=False)\n"
        "app.run()\n"
        "print('THEME', app.theme)\n"
    )
    master, slave = pty.openpty()
    env = {**os.environ, "TERM": "xterm-256color", "LC_ALL": "C.UTF-8", "COLORFGBG": ""}
    command = [sys.executable, "-c", script]
    program = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, env=env, start_new_session=True)
    os.close(slave)
    seen, answered, left, deadline = b"", False, False, time.monotonic() + 60
    try:
        while not re.search(rb"THEME \S+\r?\n", seen):
            assert time.monotonic() < deadline, seen[-2000:]
            if select.select([master], [], [], 0.1)[0]:
                seen += os.read(master, 1 << 16)
            if b"\x1b]11;?" in seen and not answered:
                answered = True
                os.write(master, b"\x1b]11;rgb:fdfd/f6f6/e3e3\x07")
            if answered and not left and b"create_schema" in seen:
                left = True
                os.write(master, b"q")
    finally:
        program.kill()
        program.wait()
        os.close(master)
    assert b"pgmig-light" in seen[seen.index(b"THEME") :]
