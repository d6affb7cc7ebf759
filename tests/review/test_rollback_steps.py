"""The list of a rollback's steps: every line fits, and says how long and what is rewritten."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pgmig_tui.display.cells import text_of, width
from pgmig_tui.impact.result import Blocks, Estimate, ScriptImpact, StatementImpact
from pgmig_tui.review.receipt import Milliseconds, StepCost, cost_of, time_words, total_words
from pgmig_tui.review.rollback_steps import StepRow, row_lines, totals

ROWS = (
    StepRow(1, "index", "stepwise", "it holds [/] CONCURRENTLY", 0, 40, "SHARE UPDATE EXCLUSIVE", "dms.documents"),
    StepRow(
        2, "20250127_0001_create_search_documents", "atomic", "", 9000, 12000, "ACCESS EXCLUSIVE", "dms.documents",
        ("dms.documents",), "loses",
    ),
    StepRow(3, "unread", "atomic", "", findings=("revert/unread.sql:1: can't be read",)),
)  # fmt: skip


@pytest.mark.parametrize("columns", [60, 79, 80, 100, 160])
def test_every_line_fits_and_the_lock_is_never_cut(columns: int) -> None:
    lines = row_lines(ROWS, columns)
    assert max(width(text_of(line)) for line in lines) <= columns
    told = "\n".join(text_of(line) for line in lines)
    for text in (
        "SHARE UPDATE EXCLUSIVE",
        "ACCESS EXCLUSIVE",
        "9.0 s to 12 s",
        "< 1 s",
        "rewrites dms.documents",
        "[/]",
    ):
        assert text in told, told


def test_what_is_not_known_is_not_a_time() -> None:
    assert [time_words(low, high) for low, high in ((None, None), (0, 999), (0, 1500), (2000, 2010))] == [
        "?",
        "< 1 s",
        "< 1.5 s",
        "2.0 s",
    ]
    assert total_words(*totals(ROWS[2:])) == (
        "how long it takes in all can't be told; readers and writers wait for a time that can't be told, once it has"
        " the locks"
    )


def test_what_the_steps_cost_adds_up_to_what_is_said_of_all() -> None:
    free, held = Milliseconds(0, 0), Milliseconds(9000, 12000)
    rows = (replace(ROWS[0], readers=free, writers=Milliseconds(0, 40)), replace(ROWS[1], readers=held, writers=held))
    work, readers, writers = totals(rows)
    assert work.known == Milliseconds(sum(row.low_ms or 0 for row in rows), sum(row.high_ms or 0 for row in rows))
    assert (readers.known, writers.known) == (held, Milliseconds(9000, 12040))
    told = "in all about 9.0 s to 12 s; readers and writers wait 9.0 s to 12 s, once it has the locks"
    assert told in " ".join(text_of(line).strip() for line in row_lines(rows, 160))
    assert total_words(*totals(rows[:1])) == (
        "in all about < 1 s; readers do not wait, writers wait < 1 s, once it has the locks"
    )
    assert total_words(*totals((*rows, ROWS[2]))) == (
        "in all about 9.0 s to 12 s (of 1 step it can't be told); readers and writers wait 9.0 s to 12 s and longer,"
        " once it has the locks"
    )


def test_a_script_costs_what_its_statements_take_and_others_what_they_are_kept_from() -> None:
    statements = (
        StatementImpact(1, 1, "", "UPDATE", estimated_ms=Estimate(100, 200), blocks=Blocks(ddl=True)),
        StatementImpact(2, 2, "", "ALTER TABLE", estimated_ms=Estimate(10, 20), blocks=Blocks(True, True, True)),
        StatementImpact(3, 3, "", "CREATE INDEX", estimated_ms=Estimate(1, 5), blocks=Blocks(writes=True)),
        StatementImpact(4, 4, "", "COMMIT", transaction_control="commit"),
    )
    cost = cost_of(ScriptImpact("x", True, statements, ()))
    assert cost == StepCost(Milliseconds(111, 225), Milliseconds(10, 20), Milliseconds(11, 25))
    unknown = (*statements, StatementImpact(5, 5, "", "CALL", blocks=Blocks(writes=True)))
    assert cost_of(ScriptImpact("x", True, unknown, ())) == StepCost(None, Milliseconds(10, 20), None)
