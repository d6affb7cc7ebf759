"""The list of a rollback's steps: every line fits, and says how long and what is rewritten."""

from __future__ import annotations

import pytest

from pgmig_tui.display.cells import text_of, width
from pgmig_tui.review.rollback_steps import StepRow, row_lines, time_words, total_words

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
    assert total_words(ROWS) == "together 9.0 s to 12 s, waits for locks aside; of 1 step more it can't be told"
    assert total_words(ROWS[2:]) == "how long they take can't be told"
