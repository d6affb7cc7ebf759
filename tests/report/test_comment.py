"""Comments of pull requests: what has room, in which order, and that a name in it notifies nobody."""

from __future__ import annotations

import pytest

from pgmig_tui.lint.finding import LintFinding
from pgmig_tui.report.comment import MOST, Fold, comment, heading, row
from pgmig_tui.report.lint_report import as_markdown


@pytest.mark.parametrize("size", [10, 2_000, 40_000, 100_000])
def test_a_comment_has_room_and_the_gravest_is_in_it(size: int) -> None:
    folds = [Fold(f"change {number}", ("x" * size,), int(number == 7)) for number in range(60)]
    table = [*heading("change"), *(row(f"{number} " + "y" * size) for number in range(60))]
    text = comment("marker", ["# Title"], table, folds, "pgmig-tui impact")
    assert len(text) <= MOST
    assert text.startswith("<!-- marker -->\n# Title\n")
    assert ("change 7" in text) is (size < MOST), size
    shown = text.count("<details>")
    assert shown == text.count("</details>")
    assert (f"Details of {60 - shown} more have no room here; `pgmig-tui impact` tells them." in text) is (shown < 60)
    rows = text.count(" " + "y" * size) + 2 * ("|---|" in text)
    assert (f"{62 - rows} more rows have no room here" in text) is (rows < 62)
    titles = [line for line in text.splitlines() if line.startswith("<summary>")]
    assert titles == sorted(titles, key=lambda one: int(one.split("change ")[1].split("<")[0])), "in the plan's order"


def test_findings_are_a_short_table_and_all_of_them_folded() -> None:
    hostile = "@team </summary></details> [x](http://e.org) | \x1b[31m\n# y"
    many = [
        LintFinding(f"deploy/{n // 10}.sql", n + 1, 1, "type-json", "warning", hostile, "Take\njsonb")
        for n in range(45)
    ]
    worst = LintFinding("deploy/z.sql", 3, 1, "will-fail", "error", "app.t does not exist", "")
    text = as_markdown([*many, worst], 2, ["by a dump"])
    assert "# Lint: 1 error, 45 warnings, 0 of information alone\n\n2 more in the baseline.\n\nby a dump\n" in text
    table = [line for line in text.splitlines() if line.startswith("| ")]
    assert (len(table), table[1].split(" | ")[1], table[-1]) == (22, "error", "| … |  |  | 26 more, below |")
    assert text.count("<summary>") == 6
    for mark in ("@", "</summary></details>", "](", "\x1b", "http://"):
        assert mark not in text.replace("<summary>", "").replace("</summary>\n", "").replace("</details>\n", ""), mark
    assert "# Lint: no findings" in as_markdown([], 0)
