"""A name is found by its words, its letters or nearly, among ten thousand without a wait; the palette, too."""

from __future__ import annotations

import time
from dataclasses import replace

from pgmig_tui.ui.backend.protocol import RunFacts
from pgmig_tui.ui.fuzzy import NameSearch
from pgmig_tui.ui.screens.change import ChangeScreen
from pgmig_tui.ui.screens.home import HomeScreen
from pgmig_tui.ui.screens.palette import MOST, PaletteScreen
from pgmig_tui.ui.screens.run import RunScreen
from tests.ui.fakes import FakeSession, change_id, facts, plan
from tests.ui.robot import opened

VERBS = ["create", "add", "split", "index", "widen", "backfill", "drop", "partition", "rename", "restrict"]
THINGS = ["ledger", "invoice", "pricing", "customers", "documents", "session", "region", "carrier", "loyalty", "tax"]
NAMES = [
    f"2025{n % 12 + 1:02}{n % 28 + 1:02}_{n:04}_{VERBS[n % 10]}_{THINGS[n // 10 % 10]}_{THINGS[n // 100 % 10]}"
    for n in range(10_000)
]
ALL = NameSearch(NAMES, ["change"] * len(NAMES))


def named(typed: str, most: int = 50) -> list[str]:
    return [NAMES[at] for at in ALL.found(typed, most)]


def test_names_are_found_by_words_by_letters_and_nearly() -> None:
    assert all("ledger" in name and "add" in name for name in named("ledger add"))
    assert len(named("LEDGER Add")) == 50
    assert all("widen_ledger" in name for name in named("widledg", 5))
    assert all("customers" in name for name in named("custmoers", 5))
    assert named("zzz") == []
    assert named("change", 3) == NAMES[:3], "by what is said beside it"
    assert named("20250202_0001") == ["20250202_0001_add_ledger_ledger"], "and nothing like it beside it"
    assert named("", 2) == NAMES[:2]


def test_no_name_makes_a_search_long() -> None:
    begun = time.perf_counter()
    for typed in ("a" * 40, "[" * 40, "(a+)+$", "\\", "]^-"):
        for text in (typed, f"{typed}zq"):
            NameSearch(["a" * 10_000 + "b", "[" * 10_000, "\\"], ["", "", ""]).found(text, 10)
    assert time.perf_counter() - begun < 2


def test_a_key_among_ten_thousand_names_is_answered_at_once() -> None:
    NameSearch(["abdc"], [""]).found("abcde", 1)  # the library is there
    times = []
    for typed in ("a", "ad", "add", "add i", "addinv", "ledger inv", "ledgr invioce", "zzzzz", "0042", "2025"):
        least = 9.9
        for _ in range(3):
            begun = time.process_time()
            ALL.found(typed, MOST)
            least = min(least, time.process_time() - begun)
        times.append((least, typed))
    assert max(times)[0] < 0.05, sorted(times)


async def test_the_palette_goes_to_changes_runs_and_environments() -> None:
    lines = tuple(replace(plan(1)[0], change_id=change_id(n), name=name) for n, name in enumerate(NAMES[:300]))
    session = FakeSession(facts(lines))
    session.listed = (RunFacts("20260820-031500-ab12", "dev", "deploy", "finished", "2026-08-20T03:15:00Z"),)
    async with opened(session) as robot:
        await robot.runs()
        await robot.press("colon")
        await robot.sees("200 of 3")
        await robot.press(*"0042spl", "enter")
        await robot.until(lambda: isinstance(robot.app.screen, ChangeScreen), "the change")
        assert "_0042_split" in robot.text
        await robot.press("colon", *"031500", "enter")
        await robot.until(lambda: isinstance(robot.app.screen, RunScreen), "the run")
        await robot.press("colon", *"production")
        await robot.sees("3 production")
        palette = robot.app.screen
        assert isinstance(palette, PaletteScreen)
        while "production" not in palette.found[palette.list.cursor].name:
            await robot.press("down")
        await robot.press("enter")
        await robot.until(lambda: isinstance(robot.app.screen, HomeScreen), "home")
        await robot.sees("env 3/3 production")
