"""A journal folded into one picture."""

from __future__ import annotations

from typing import Any

import pytest

from pgmig_tui.report.run_report import markdown, report_document, waited_words
from pgmig_tui.run.journal.entry import Entry, event_of
from pgmig_tui.run.journal.left import left_of
from pgmig_tui.run.journal.picture import picture_of
from tests.run.journal.journals import FAILURE, PLANNED, SUCCESS, journal


def test_a_run_that_went_well() -> None:
    picture = picture_of(SUCCESS)
    assert (picture.run, picture.command, picture.environment) == ("20261122-1", "deploy", "staging")
    assert picture.operator == "Maria <maria@example.org>"
    assert [step.state for step in picture.steps.values()] == ["done", "done"]
    assert picture.steps[1].took_ms == 1200
    assert picture.steps[2].waited_ms == 1500
    assert picture.steps[2].statements == 1
    assert picture.exit_status == 0
    assert picture.done == 2


def test_tries_that_were_lost_are_told_as_waiting() -> None:
    lost = {"step": 2, "line": 5, "try": 1, "of": 9, "why": "lock timeout", "wait_ms": 184}
    began = next(number for number, entry in enumerate(SUCCESS) if entry.name == "lock_waited")
    again = Entry(0, SUCCESS[began].at, "20261122-1", event_of("statement_retried", lost))
    events = [*SUCCESS[:began], again, again, *SUCCESS[began:]]
    assert waited_words(picture_of(events).steps[2]) == ["1.5 s", "2 tries lost"]
    assert "| 1.5 s, 2 tries lost |" in markdown(events)
    steps = report_document(events)["steps"]
    assert isinstance(steps, list)
    assert steps[1]["tries_lost"] == 2
    assert waited_words(picture_of(SUCCESS).steps[1]) == []


def test_at_every_moment_the_picture_says_only_what_the_journal_says_so_far() -> None:
    states = []
    for end in range(1, len(SUCCESS) + 1):
        picture = picture_of(SUCCESS[:end])
        current = picture.current
        states.append((current.number if current else None, picture.done, picture.exit_status))
    assert states[:4] == [(None, 0, None)] * 3 + [(1, 0, None)]
    assert states[6:8] == [(None, 1, None), (2, 1, None)]
    assert states[-2:] == [(None, 2, None), (None, 2, 0)]


def test_a_failed_step_keeps_its_failure_and_the_rest_stays_to_do() -> None:
    picture = picture_of(FAILURE)
    assert [step.state for step in picture.steps.values()] == ["failed", "todo"]
    assert picture.steps[1].failure is not None
    assert picture.steps[1].failure.sqlstate == "42P01"
    assert picture.exit_status == 1


@pytest.mark.parametrize("recorded_by", ["step_committed", "step_recorded"])
@pytest.mark.parametrize("verify_first", [True, False])
def test_a_change_that_is_recorded_although_its_verify_failed_has_failed_and_is_done(
    recorded_by: str, verify_first: bool
) -> None:
    last = [
        ("09:00:02", "step_verified", {"step": 2, "ok": False, "where": "after", "message": "no such index"}),
        ("09:00:03", recorded_by, {"step": 2, "ms": 1700}),
    ]
    picture = picture_of(
        journal(
            ("09:00:00", "run_planned", PLANNED),
            ("09:00:01", "step_started", {"step": 2, "change": "tags_idx", "action": "deploy", "mode": "stepwise"}),
            *(last if verify_first else reversed(last)),
        )
    )
    step = picture.steps[2]
    assert (step.state, step.verified, step.took_ms) == ("failed", False, 1700)
    assert step.failure is not None
    assert left_of(step.failure.end).kind == "recorded"
    assert [one.number for one in picture.recorded] == [2]
    assert picture.done == 1, "it is deployed, and the registry says so"


def test_a_pause_lasts_until_it_is_resumed_and_an_unknown_event_changes_nothing() -> None:
    events = journal(
        ("09:00:00", "run_planned", PLANNED),
        ("09:00:01", "run_paused", {}),
        ("09:00:02", "something_of_a_later_version", {"step": 99, "x": [1]}),
    )
    assert picture_of(events).paused
    assert not picture_of([*events, *journal(("09:00:03", "run_resumed", {}))]).paused
    assert sorted(picture_of(events).steps) == [1, 2]


BLOCKER = {"pid": 777, "application": "reporting", "state": "idle in transaction", "since_ms": 860000, "depth": 0}
WAITS = {"step": 2, "line": 7, "elapsed_ms": 250, "waiting": True, "blockers": [BLOCKER], "waiters": 3}
STATEMENT = {"step": 2, "line": 7, "path": "deploy/tags_idx.sql", "sql": "CREATE INDEX"}


def test_a_wait_begins_with_the_first_event_that_tells_of_it_and_ends_with_its_statement() -> None:
    events = journal(
        ("09:00:00", "run_planned", {**PLANNED, "lock_timeout_ms": 300, "retries": 8}),
        ("09:00:01", "step_started", {"step": 2, "change": "tags_idx"}),
        ("09:00:02", "statement_started", STATEMENT),
        ("09:00:03", "activity", WAITS),
        ("09:00:05", "activity", {**WAITS, "waiters": 4}),
    )
    picture = picture_of(events)
    assert (picture.lock_timeout_ms, picture.retries) == (300, 8)
    assert picture.statement is not None
    assert picture.statement.line == 7
    assert picture.activity is not None
    assert picture.activity.waits_for() == "pid 777 (reporting)"
    assert picture.waiting_since == events[3].at
    for event in journal(("09:00:06", "statement_finished", {"step": 2, "line": 7})):
        picture.add(event)
    assert [picture.activity, picture.waiting_since, picture.try_number] == [None, "", 1]


def test_tries_are_counted_until_their_statement_is_done() -> None:
    lost = {"step": 2, "line": 7, "try": 1, "of": 8, "why": "lock timeout", "wait_ms": 900}
    picture = picture_of(
        journal(
            ("09:00:00", "run_planned", PLANNED),
            ("09:00:01", "step_started", {"step": 2, "change": "tags_idx"}),
            ("09:00:02", "statement_started", STATEMENT),
            ("09:00:03", "statement_retried", lost),
        )
    )
    assert picture.statement is None
    assert picture.try_number == 2
    for event in journal(
        ("09:00:04", "statement_started", STATEMENT), ("09:00:05", "statement_retried", lost | {"try": 2})
    ):
        picture.add(event)
    assert picture.try_number == 3
    for event in journal(("09:00:06", "step_committed", {"step": 2})):
        picture.add(event)
    assert picture.lost is None


def test_settings_of_a_run_change_while_it_runs_and_an_invalid_index_is_kept() -> None:
    repair = ["DROP INDEX CONCURRENTLY public.i", "REINDEX INDEX CONCURRENTLY public.i"]
    picture = picture_of(
        journal(
            ("09:00:00", "run_planned", PLANNED),
            ("09:00:01", "settings_changed", {"lock_timeout_ms": 2000, "retries": 0}),
            ("09:00:02", "index_invalid", {"step": 2, "index": "public.i", "repair": repair}),
        )
    )
    assert (picture.lock_timeout_ms, picture.retries) == (2000, 0)
    assert [(one.index, list(one.repair)) for one in picture.invalid] == [("public.i", repair)]


def test_an_activity_of_another_shape_is_read_as_far_as_it_can_be() -> None:
    blockers = [{}, "no", {"pid": "y", "hidden": True}]
    odd: dict[str, Any] = {"step": None, "line": "x", "waiting": 1, "blockers": blockers, "holds": {}}
    picture = picture_of(journal(("09:00:00", "run_planned", PLANNED), ("09:00:01", "activity", odd)))
    assert picture.activity is not None
    assert [one.pid for one in picture.activity.blockers] == [0, 0]


def test_a_settled_run_has_steps_that_have_ended() -> None:
    events = journal(
        ("09:00:00", "step_started", {"step": 1, "change": "one"}),
        ("09:00:00", "step_started", {"step": 2, "change": "two"}),
        ("09:05:00", "run_settled", {"step": 1, "outcome": "recorded", "message": "it is recorded"}),
        ("09:05:00", "run_settled", {"step": 2, "outcome": "partly", "message": "line 3 was not reached"}),
    )
    steps = picture_of(events).steps
    assert [steps[1].state, steps[2].state] == ["done", "failed"]
    assert steps[2].failure is not None
    assert (steps[2].left.kind, steps[2].failure.message) == ("parts", "line 3 was not reached")
