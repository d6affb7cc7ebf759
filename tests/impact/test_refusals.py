"""Refusals by kinds, on a real server: what fails is told before, with the code that the server answers, and what only
looks like it goes. Each file of `refusals` is one script whose statements run one after the other, past failures."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest

from tests.servers import Server

FOLDER = Path(__file__).parent / "refusals"
BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.mark.parametrize("name", sorted(path.stem for path in FOLDER.glob("*.sql")))
def test_what_the_server_refuses_is_told_with_its_code(
    name: str, pg18: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    runner, score = import_module("script_runner"), import_module("script_score")
    (case,) = runner.cases(FOLDER, [name])
    outcome = runner.run_case(case, pg18.conninfo("postgres"))
    assert outcome.problems == []
    wrong = [
        f"{one.line.statement.line}: {one.line.statement.text}: {', '.join(one.wrong)}"
        for one in score.judged(outcome)
        if one.wrong
    ]
    assert wrong == []
    codes = [
        (line.statement.line, line.impact.problem.message, line.truth.sqlstate)
        for line in outcome.lines
        if line.truth.error and line.impact.problem is not None and line.impact.problem.sqlstate != line.truth.sqlstate
    ]
    assert codes == []
