"""Reports in Markdown and in plain text, from the journal alone."""

from __future__ import annotations

from typing import Any

from pgmig_tui.display.safe import safe
from pgmig_tui.report.run_report import markdown, summary
from pgmig_tui.run.journal.picture import picture_of
from tests.run.journal.journals import FAILURE, PLANNED, SUCCESS, journal


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
    assert "### add\\_tags: failed" in report
    assert "- where: deploy/add\\_tags.sql:5" in report
    assert "SQLSTATE 42P01" in report
    assert "- stays: nothing of it was committed" in report


def test_nothing_from_a_server_is_formatting_or_steers_a_terminal() -> None:
    report = markdown(FAILURE)
    assert report == safe(report, multiline=True)
    assert '"\\[/foo\\]"' in report
    assert "- hint: look \\| here" in report


def test_a_run_that_is_under_way_says_so() -> None:
    assert "- result: not finished, 0 of 2 steps done" in markdown(journal(("09:00:00", "run_planned", PLANNED)))


def test_an_empty_journal_has_a_report() -> None:
    assert "- result: not finished, 0 of 0 steps done" in markdown([])
    assert "not finished" in summary(picture_of([]))


def test_the_summary_is_short_and_plain() -> None:
    assert summary(picture_of(SUCCESS), ["Check error logs"]).splitlines() == [
        "**deploy staging: done** (2 of 2 steps done)",
        "- run 20261122-1, db:pg://localhost/documents_staging",
        "- 2026-11-22 09:00:00Z to 2026-11-22 09:03:22Z (3 min 22 s), by Maria <maria@example.org>",
        "- changes: add_tags, tags_idx",
        "- still open: Check error logs",
    ]
    failed = summary(picture_of(FAILURE)).splitlines()
    assert failed[0] == "**deploy staging: FAILED** (0 of 2 steps done)"
    assert failed[-2].startswith('- FAILED: add_tags at deploy/add_tags.sql:5: relation "[/foo]" does not exist')
    assert failed[-1] == "- stays: nothing of it was committed"


Entry = tuple[str, str, dict[str, Any]]


def end(status: int, result: str) -> Entry:
    return "09:00:09", "run_finished", {"exit_status": status, "result": result, "done": 1, "total": 2, "summary": "x"}


STEP_1: Entry = ("09:00:01", "step_started", {"step": 1, "change": "add_tags", "action": "deploy"})
DONE_1: Entry = ("09:00:02", "step_committed", {"step": 1, "change": "add_tags", "ms": 5})
STEP_2: Entry = ("09:00:03", "step_started", {"step": 2, "change": "tags_idx", "action": "deploy", "mode": "stepwise"})
VERIFY_2: Entry = ("09:00:04", "step_verified", {"step": 2, "ok": False, "where": "after", "message": "no"})


def ended(*events: Entry) -> tuple[str, list[str]]:
    """The result of a run, and what stays of its failed steps."""
    report = markdown(journal(("09:00:00", "run_planned", PLANNED), STEP_1, DONE_1, STEP_2, *events), cut_off=True)
    lines = report.splitlines()
    return lines[8].removeprefix("- result: "), [line for line in lines if line.startswith("- stays: ")]


def test_what_stays_of_a_step_is_told_by_what_is_known_of_it() -> None:
    failed = {"step": 2, "change": "tags_idx", "message": "no"}
    assert ended(("09:00:05", "step_failed", failed | {"what_stays": ["line 3: x"]}), end(1, "failed")) == (
        "FAILED, 1 of 2 steps done",
        ["- stays: line 3: x"],
    )
    assert ended(("09:00:05", "step_failed", failed | {"in_doubt": True, "line": 7}), end(4, "in_doubt")) == (
        "IN DOUBT, at least 1, at most 2 of 2 steps done; UNKNOWN: tags\\_idx",
        ["- stays: whether the statement at line 7 took effect is not known"],
    )
    assert ended(("09:00:05", "step_in_doubt", failed), end(4, "in_doubt")) == (
        "IN DOUBT, at least 1, at most 2 of 2 steps done; UNKNOWN: tags\\_idx",
        ["- stays: whether it was committed is not known"],
    )
    applied = failed | {"committed": True, "applied": True, "recorded": False, "what_stays": ["everything that x does"]}
    assert ended(("09:00:05", "step_failed", applied), end(4, "in_doubt")) == (
        "IN DOUBT, 1 of 2 steps done",
        ["- stays: everything that x does", "- stays: it has no record"],
    )
    recorded: Entry = ("09:00:05", "step_recorded", {"step": 2, "ms": 5})
    assert ended(VERIFY_2, recorded, end(1, "verify_failed")) == (
        "VERIFICATION FAILED, 2 of 2 steps done",
        ["- stays: the change itself: it is committed and recorded"],
    )
    assert ended(("09:00:04", "step_applied", {"step": 2}), VERIFY_2)[1] == ["- stays: it has no record"]


def test_a_run_that_was_cut_off_says_how_little_is_known() -> None:
    assert ended() == ("CUT OFF, at least 1, at most 2 of 2 steps done; UNKNOWN: tags\\_idx", [])
    report = markdown(journal(("09:00:00", "run_planned", PLANNED), STEP_1, DONE_1, STEP_2), cut_off=True)
    assert "| 2 | deploy | tags\\_idx | unknown | - | - | - | stepwise |" in report
    assert "- what is true now: `pgmig-tui reconcile staging` finds out" in report
    settled: Entry = ("09:00:08", "run_settled", {"step": 2, "outcome": "not_applied", "message": "no record"})
    assert ended(settled, end(1, "settled")) == (
        "CUT OFF, and settled, 1 of 2 steps done",
        ["- stays: nothing of it was committed"],
    )


def test_a_stopped_run_is_not_called_refused() -> None:
    assert ended(end(3, "stopped"))[0] == "STOPPED, 1 of 2 steps done"
    assert ended(end(3, "refused"))[0] == "refused, 1 of 2 steps done"
