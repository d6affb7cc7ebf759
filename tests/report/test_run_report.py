"""Reports in Markdown and in plain text, from the journal alone."""

from __future__ import annotations

from pgmig_tui.display.safe import safe
from pgmig_tui.report.run_report import markdown, summary
from tests.report.journals import FAILURE, PLANNED, SUCCESS, journal


def test_the_report_of_a_run_that_went_well() -> None:
    report = markdown(SUCCESS)
    assert "# deploy 20261122-1" in report
    assert "- by: Maria \\<maria@example.org\\> on bastion" in report
    assert "- result: done, 2 of 2 steps done" in report
    assert "- took: 3 min 22 s" in report
    assert "| 1 | deploy | add\\_tags | done | 1.2 s | - | passed | atomic |" in report
    assert "| 2 | deploy | tags\\_idx | done | 3 min 20 s | 1.5 s | passed | stepwise |" in report


def test_the_answers_to_the_checklist_stand_in_the_report() -> None:
    row = next(row for row in markdown(SUCCESS).splitlines() if "pre:backup" in row)
    assert row == "| pre:backup | attest | ticket 7 \\| done | Maria | 2026-11-22 09:00:00Z |"


def test_the_report_of_a_failure_names_the_line_and_what_stays() -> None:
    report = markdown(FAILURE)
    assert "- result: FAILED, 0 of 2 steps done" in report
    assert "### add\\_tags failed" in report
    assert "- where: deploy/add\\_tags.sql:5" in report
    assert "SQLSTATE 42P01" in report
    assert "- stays: nothing of this change" in report


def test_nothing_from_a_server_is_formatting_or_steers_a_terminal() -> None:
    report = markdown(FAILURE)
    assert report == safe(report, multiline=True)
    assert '"\\[/foo\\]"' in report
    assert "- hint: look \\| here" in report


def test_a_run_that_is_under_way_says_so() -> None:
    assert "- result: not finished, 0 of 2 steps done" in markdown(journal(("09:00:00", "run_planned", PLANNED)))


def test_an_empty_journal_has_a_report() -> None:
    assert "- result: not finished, 0 of 0 steps done" in markdown([])
    assert "not finished" in summary([])


def test_the_summary_is_short_and_plain() -> None:
    assert summary(SUCCESS).splitlines() == [
        "deploy 20261122-1 on staging: done, 2 of 2 steps done in 3 min 22 s",
        "+ 1 add_tags",
        "+ 2 tags_idx",
    ]
    failed = summary(FAILURE).splitlines()
    assert failed[1] == "x 1 add_tags"
    assert failed[2].startswith('    relation "[/foo]" does not exist')
    assert failed[3] == ". 2 tags_idx"
