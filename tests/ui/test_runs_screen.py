"""The list of runs: filtered, sorted, of this project or all."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from pgmig_tui.display.cells import text_of
from pgmig_tui.ui.backend.protocol import RunFacts
from pgmig_tui.ui.views.below import run_lines
from pgmig_tui.ui.views.runs import Column, Wanted, column_at, columns_of, head_line, run_line, shown
from pgmig_tui.ui.widgets.lines import Bar
from tests.ui.fakes import FakeSession
from tests.ui.robot import Robot, opened

RUNS = (
    RunFacts("20260820-030000-0003", "production", "deploy", "failed", "2026-08-20T03:00:00Z", "2026-08-20T03:00:09Z",
             1, 2, "Maria"),
    RunFacts("20260819-030000-0002", "dev", "revert", "finished", "2026-08-19T03:00:00Z", "2026-08-19T03:10:00Z", 2, 2,
             "Bo [/]"),
    RunFacts("20260818-030000-0001", "staging", "deploy", "unknown", "2026-08-18T03:00:00Z", "", 0, 9, "Maria"),
)  # fmt: skip
OTHER = RunFacts("20260817-030000-0009", "live", "verify", "finished", "2026-08-17T03:00:00Z", "", 1, 1, "Maria",
                 project="another")  # fmt: skip


@pytest.mark.parametrize("columns", [60, 80, 130])
def test_a_run_in_doubt_is_not_told_as_failed(columns: int) -> None:
    drawn = text_of(run_line(replace(RUNS[0], in_doubt=True), "production", Wanted(), columns))
    assert "? DOUBT" in drawn
    assert "FAILED" not in drawn


@pytest.mark.parametrize(
    ("column", "wanted"),
    [
        ("started", "321"), ("run", "123"), ("environment", "231"), ("command", "312"), ("steps", "132"),
        ("took", "231"), ("state", "321"), ("operator", "231"),
    ],
)  # fmt: skip
def test_each_column_sorts_and_the_newest_is_first_of_equals(column: Column, wanted: str) -> None:
    found = shown(RUNS[::-1], Wanted(column=column), {})
    assert "".join(run.run_id[-1] for run in found) == wanted
    backwards = shown(RUNS, Wanted(column=column, reverse=True), {})
    assert "".join(run.run_id[-1] for run in backwards) == wanted[::-1]


@pytest.mark.parametrize("columns", [60, 80, 100, 160])
@pytest.mark.parametrize("everywhere", [False, True])
def test_a_click_on_a_title_is_of_that_column(columns: int, everywhere: bool) -> None:
    wanted = Wanted(everywhere=everywhere)
    at = 0
    for (text, _), (column, _) in zip(
        head_line(wanted, columns)[1:], columns_of(columns, everywhere=everywhere), strict=True
    ):
        assert column_at(at + 2, wanted, columns) == column
        at += len(text)


async def at_runs(robot: Robot) -> None:
    await robot.runs()
    await robot.press("h")
    await robot.sees("3 runs")


def order(robot: Robot) -> str:
    return "".join(re.findall(r"(?m)^[│┃]?[ >] 2026\d{4}-030000-000(\d)", robot.text))


@pytest.mark.parametrize("size", [(60, 15), (80, 23), (160, 50)])
async def test_runs_are_filtered_sorted_and_shown_of_all_projects(size: tuple[int, int]) -> None:
    made = FakeSession()
    made.listed, made.elsewhere = RUNS, (OTHER,)
    async with opened(made, size) as robot:
        await at_runs(robot)
        assert order(robot) == "321"
        await robot.snapshot("runs")
        await robot.press("slash", *"maria", "enter")
        await robot.sees("2 of 3 shown", "Esc shows all")
        assert order(robot) == "31"
        await robot.press("escape", "o", "o", "o")
        await robot.sees("only failed")
        assert order(robot) == "3"
        await robot.press("o", "o", "S")
        assert order(robot) == "123"
        await robot.press("j", "S")
        assert order(robot) == "321"
        await robot.sees("> 20260819-030000-0002")
        await robot.press("p")
        await robot.sees("of all projects", "20260817-030000-0009")
        await robot.press("p", "s")
        await robot.sees("this project", "what v" if size[0] >= 72 else "run v")
        await robot.press("slash", *"nothing holds it", "enter", "enter")
        await robot.sees("Enter is off: no run is as it is asked for")


async def test_a_click_on_a_title_sorts_and_another_turns_it_round() -> None:
    made = FakeSession()
    made.listed = RUNS
    async with opened(made) as robot:
        await at_runs(robot)
        head = robot.app.screen.query_one("#head", Bar)
        x = head.text().index("environment") + 1
        await robot.pilot.click(head, offset=(x, 0))
        await robot.sees("environment v")
        assert order(robot) == "231"
        await robot.pilot.click(head, offset=(x, 0))
        await robot.sees("environment ^")
        assert order(robot) == "132"


@pytest.mark.parametrize(
    ("state", "in_doubt", "done", "told", "short"),
    [
        ("failed", True, 0, "at least 0, at most 1 of 45", "0-1/45"),
        ("unknown", False, 3, "at least 3, at most 4 of 45", "3-4/45"),
        ("failed", False, 3, "3 of 45", "3/45"),
        ("finished", False, 45, "45 of 45", "45/45"),
    ],
)
def test_what_is_not_known_of_a_run_is_told_from_where_to_where(
    state: Any, in_doubt: bool, done: int, told: str, short: str
) -> None:
    run = RunFacts("20260820-030900-ab12", "dev", "deploy", state, done=done, steps=45, in_doubt=in_doubt)
    assert (run.steps_done, run.steps_short) == (told, short)
    for line in (run_line(run, "dev", Wanted(), 160), run_lines([run], 80)[0]):
        assert f" {short} " in text_of(line)
