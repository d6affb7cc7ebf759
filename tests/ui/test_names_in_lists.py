"""Names in lists of steps and runs: cut so that each says what it is and none looks like another."""

from __future__ import annotations

import pytest

from benchmarks.large_project import changes
from pgmig_tui.display.cells import Line, text_of, width
from pgmig_tui.run.journal.picture import StepPicture
from pgmig_tui.ui.backend.protocol import ReviewFacts, RunFacts, StepFacts
from pgmig_tui.ui.views import review as review_view
from pgmig_tui.ui.views import run as run_view
from tests.ui.fakes import FakeSession, status
from tests.ui.robot import opened

NAMES = [one.name for one in changes(16)]
"""As `20240103_0001_create_search_documents` and `20240105_0001_create_search_documents_history`."""


def of_a_run(columns: int) -> list[Line]:
    steps = [StepPicture(number, "deploy", name) for number, name in enumerate(NAMES, 1)]
    return run_view.step_lines(steps, columns)


def of_a_review(columns: int) -> list[Line]:
    steps = tuple(StepFacts(number, "deploy", name, "", "atomic") for number, name in enumerate(NAMES, 1))
    return review_view.step_lines(ReviewFacts("qa", "deploy", "", steps), columns, how="run", evidence="")[1:]


@pytest.mark.parametrize(("lines", "columns"), [(of_a_run, 25), (of_a_run, 41), (of_a_review, 72), (of_a_review, 80)])
def test_what_a_change_does_is_seen_in_every_row(lines: object, columns: int) -> None:
    assert callable(lines)
    told = [text_of(line) for line in lines(columns)]
    assert len(told) == len(NAMES)
    assert all(width(line) <= columns for line in told), told
    kinds = [name.split("_")[2][:2] for name in NAMES]
    assert [kind for kind, line in zip(kinds, told, strict=True) if f"..{kind}" not in line] == [], told
    rows = [line.split(".", 1)[1] for line in told]
    assert len(set(rows)) == len(rows), told


async def test_how_a_run_ended_and_why_a_server_does_not_answer_are_never_cut() -> None:
    started, why = "2026-08-20T03:12:07Z", "db:pg://postgres@db1.eu.example.org:5432/documents can't be reached: " * 2

    session = FakeSession()
    session.listed = (
        RunFacts("20260820-031200-2d80", "a-very-long-environment", "deploy", "failed", started),
        RunFacts("20260820-031100-2d81", "a-very-long-environment", "deploy", "unknown", started),
        RunFacts("20260820-031000-2d82", "a-very-long-environment", "deploy", "finished", started),
    )
    session.locks.problem = f"{why}unroutable"
    async with opened(session, size=(80, 23)) as robot:
        await robot.runs()
        await robot.press("h")
        await robot.sees("x FAILED", "? cut off", "+ ok", "result", "03:12:07Z", "20260820-031200-2d80")
        await robot.press("escape")
        await robot.tell(status("dev", 5))
        await robot.press("l")
        await robot.sees("? no answer", "unroutable")
