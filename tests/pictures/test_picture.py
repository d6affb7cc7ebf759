"""What a picture shows for what stood on the screen, and when two tell the same."""

from __future__ import annotations

from datetime import datetime

from rich.text import Text
from textual.app import App, ComposeResult
from textual.widgets import Static

from pgmig_tui.display.words import ago
from tests.pictures.picture import BEGINS, svg_of, told_by

BEGAN = datetime(2026, 12, 1, 2, 32, 50)


class Shown(App[None]):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.shown = text

    def compose(self) -> ComposeResult:
        yield Static(Text(self.shown))


async def picture_of(text: str) -> str:
    app = Shown(text)
    async with app.run_test(size=(110, 6)):
        return svg_of(app, BEGAN, {"/tmp/x1": "/s", "host7": "bastion"})


async def test_moments_are_told_as_if_it_had_begun_on_one_day() -> None:
    svg = await picture_of("at 2026-12-01 02:33:50Z, 02:34:50Z, run 20261201-023250-ab12, planned 2025-03-03 09:00:00Z")
    told = svg.replace("&#160;", " ").replace("\xa0", " ")
    assert f"{BEGINS:%Y-%m-%d} 08:41:00Z, 08:42:00Z, run {BEGINS:%Y%m%d}-084000-ab12" in told
    assert "planned 2025-03-03" in told


async def test_a_picture_has_no_word_of_this_machine_and_fetches_nothing() -> None:
    svg = await picture_of("in /tmp/x1/sock on host7")
    assert "/s" in svg
    assert "basti" in svg
    assert not [word for word in ("/tmp", "host7", "@font-face", "https:") if word in svg]


async def test_numbers_do_not_make_a_picture_old_and_words_do() -> None:
    one = told_by(await picture_of("rewrites 200,000 rows, 68 MB; 168 ms to 1.5 s, run 20261201-023250-ab12 ▁▂▇"))
    two = told_by(await picture_of("rewrites 199 rows, 7.1 GB; 9 s to 2 min, run 20270101-000000-ffff ▇▁"))
    assert one == two
    assert "rewrites" in one
    assert told_by(await picture_of("scans 199 rows")) != one
    assert told_by(await picture_of("20250303_0001_widen_size_bytes")) != told_by(await picture_of("20250303_0001_x"))


async def test_how_long_ago_something_was_does_not_make_a_picture_old() -> None:
    ages = (0.2, 1, 59, 200, 7260, 200_000)
    told = [told_by(await picture_of(f"asked {ago(age)}; deployed {ago(age)}")) for age in ages]
    assert told == [told[0]] * len(ages)
    assert told_by(await picture_of("asked long ago; deployed now")) != told[0]
