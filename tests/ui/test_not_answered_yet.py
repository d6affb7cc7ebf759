"""What screens say before anybody has answered: that they ask, and nothing that nobody has told them."""

from __future__ import annotations

from pgmig_tui.ui.destinations import ToRuns
from tests.ui.robot import opened


async def test_nobody_says_that_there_is_no_run_before_the_runs_are_listed() -> None:
    async with opened() as robot:
        robot.app.go(ToRuns())
        await robot.sees("RUNS", "reading the runs")
        assert "no run was started" not in robot.text
        assert "0 runs" not in robot.text
        await robot.runs()
        await robot.sees("0 runs", "no run was started")


async def test_the_titles_of_the_plan_stand_over_their_columns_after_a_resize() -> None:
    async with opened(size=(160, 50)) as robot:
        for size in ((100, 30), (80, 23), (160, 50)):
            await robot.pilot.resize_terminal(*size)
            await robot.settle()
            titles = next(row for row in robot.text.splitlines() if " staging " in row and "change" in row)
            (cells, *_) = [row for row in robot.text.splitlines() if ".." in row and "... " in row]
            assert cells[titles.index("staging") :].startswith("..."), f"at {size}:\n{robot.text}"
