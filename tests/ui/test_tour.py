"""What holds on every screen, seen on one way through all of them."""

from __future__ import annotations

import random
import re

import pytest

from pgmig_tui.display.charset import Charset
from pgmig_tui.ui.screens.base import BaseScreen
from pgmig_tui.ui.screens.dialog import ReadScreen
from tests.ui.robot import opened
from tests.ui.screens import SCREENS
from tests.ui.tour import laden, stops

CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]")
HOSTILE = "\x1b[31m\x9b5n\x07\x00\x7f\u202e\u2028\r\n[/][red]x\x1b]52;c;eA==\x07"
LETTERS = "Größe └ 漢字 … → × ▁█ é"


@pytest.mark.parametrize("size", [(100, 30)])
async def test_without_utf_8_every_screen_is_ascii(size: tuple[int, int]) -> None:
    session, seen = laden(LETTERS), set()
    async with opened(session, size, charset=Charset.ASCII) as robot:
        await robot.runs()
        async for stop in stops(robot, session, LETTERS):
            if stop.name == "words":
                robot.app.notify(LETTERS, title=LETTERS)
                await robot.settle()
            wrong = sorted({one for one in robot.text if one > "~"})
            assert not wrong, f"{stop.name} draws {wrong}:\n{robot.text}"
            if isinstance(robot.app.screen, BaseScreen):
                seen.add(robot.app.screen.screen_id)
    assert seen >= set(SCREENS) - {"backfill"}


async def test_hostile_text_reaches_no_screen_as_it_is() -> None:
    session = laden(HOSTILE)
    async with opened(session, (100, 30)) as robot:
        await robot.runs()
        async for stop in stops(robot, session, HOSTILE):
            found = CONTROL.search(robot.text.replace("\n", ""))
            assert found is None, f"{stop.name} draws {found and found.group()!r}:\n{robot.text}"
            await robot.press("equals_sign")
            assert not CONTROL.search(robot.text.replace("\n", "")), stop.name
        robot.app.notify(HOSTILE, title=HOSTILE)
        await robot.settle()
        assert not CONTROL.search(robot.text.replace("\n", ""))


def hostile(many: int) -> list[str]:
    """Strings of what terminals obey, what turns lines around, what looks like markup, and what has no width."""
    parts = [chr(code) for code in (*range(0x20), *range(0x7F, 0xA0), *range(0x2028, 0x202F), *range(0x2066, 0x206A))]
    parts += ["\x1b[2J", "\x1b]0;t\x07", "\x1bP1$r\x1b\\", "\x9b31m", "[/]", "[red]", "[@click=app.quit]x[/]", "\\["]
    parts += [
        "\ufeff",
        "\u200b",
        "\udcff",
        "e\u0301",
        "漢",
        "👩\u200d💻",
        "a" * 200,
        "' OR 1=1 --",
        "%s{}",
        "$(reboot)",
    ]
    cat = random.Random(20260820)
    return ["".join(cat.choices(parts, k=cat.randint(1, 12))) for _ in range(many)]


async def test_ten_thousand_hostile_strings_are_drawn_as_text() -> None:
    texts = hostile(10_000)
    async with opened(laden(), (100, 30)) as robot:
        for start in range(0, len(texts), 2500):
            batch = texts[start : start + 2500]
            screen = ReadScreen([((text, "plain"),) for text in batch])
            robot.app.push_screen(screen)
            await robot.until(lambda shown=screen: shown.is_mounted, "the texts")  # type: ignore[misc]
            await robot.settle()
            part = screen.text
            drawn = "\n".join(part.render_line(number - part.scroll_offset.y).text for number in range(part.line_count))
            assert part.line_count >= len(batch)
            assert not CONTROL.search(drawn.replace("\n", ""))
            robot.app.pop_screen()
