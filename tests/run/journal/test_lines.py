"""The events of a run in words."""

from __future__ import annotations

from pgmig_tui.display.cells import text_of
from pgmig_tui.display.safe import safe
from pgmig_tui.run.journal.entry import Entry
from pgmig_tui.run.journal.lines import RunLines
from tests.run.journal.journals import FAILURE, PLANNED, SUCCESS, journal


def told(events: list[Entry]) -> list[str]:
    lines = RunLines()
    return [text_of(line) for event in events for line in lines.add(event)]


def test_a_run_that_went_well_reads_like_this() -> None:
    assert told(SUCCESS) == [
        "09:00:00    deploy 2 changes on staging",
        "09:00:00  + checklist: pre:backup attested: ticket 7 | done",
        "09:00:00  > 1/2 add_tags",
        "09:00:01  + 1/2 add_tags deployed in 1.2 s",
        "09:00:01  > 2/2 tags_idx  statement by statement",
        "09:00:01  ~ waited 1.5 s for public.documents",
        "09:03:21    line 7: CREATE INDEX took 3 min 20 s",
        "09:03:21  + 2/2 tags_idx deployed in 3 min 20 s",
        "09:03:22  + 2 of 2 done",
    ]


def test_a_failure_names_place_message_state_and_what_stays() -> None:
    lines = told(FAILURE)
    assert "09:00:00  x 1/2 add_tags FAILED in 100 ms" in lines
    where = next(line for line in lines if "deploy/add_tags.sql:5: " in line)
    assert where.endswith("[42P01]")
    assert any(line.endswith("nothing of it was committed") for line in lines)
    assert lines[-1] == "09:00:00  x 0 of 2 done: a step failed"


def test_what_stays_is_told_item_by_item() -> None:
    events = journal(
        ("09:00:00", "run_planned", PLANNED),
        ("09:00:01", "step_failed", {"step": 2, "message": "no", "what_stays": ["line 3: CREATE TABLE x"]}),
    )
    assert "      line 3: CREATE TABLE x" in told(events)[-1]


def test_hostile_text_is_shown_not_obeyed() -> None:
    hostile = "\x1b[31m[/foo]\x07‮\x00"
    names = ("notice_received", "output", "warning", "step_failed", "lock_waited", "command_received", "run_finished")
    keys = ("message", "text", "severity", "relation", "command", "summary", "change", "path", "hint", "sqlstate")
    data = dict.fromkeys(keys, hostile) | {"step": 1, "what_stays": [hostile]}
    for line in told(journal(*(("09:00:00", name, dict(data)) for name in names))):
        assert line == safe(line)
        assert "[/foo]" in line or "FAILED" in line or "what stays" in line


def test_events_of_later_versions_say_nothing() -> None:
    assert told(journal(("09:00:00", "invented_later", {"x": 1}))) == []


def test_a_wait_is_told_once_for_each_set_of_blockers_and_its_end() -> None:
    blocker = {
        "pid": 777, "user": "bi", "application": "reporting", "state": "idle in transaction", "since_ms": 860_000,
        "query": "SELECT 1\n  FROM t", "depth": 0,
    }  # fmt: skip
    waits = {"step": 1, "line": 5, "waiting": True, "blockers": [blocker], "waiters": 2, "oldest_wait_ms": 400}
    calm = {**waits, "waiting": False, "blockers": [], "waiters": 0, "oldest_wait_ms": None}
    assert told(
        journal(
            ("09:00:01", "activity", waits),
            ("09:00:02", "activity", {**waits, "waiters": 30}),
            ("09:00:03", "activity", calm),
            ("09:00:04", "activity", {**calm, "phase": "building index", "percent": 20.4}),
            ("09:00:05", "activity", {**calm, "phase": "building index", "percent": 21.4}),
        )
    ) == [
        "09:00:01  ~ line 5: WAITING for pid 777 (reporting)",
        "09:00:01    pid 777 (reporting)  user bi, idle in transaction, open 14 min 20 s",
        "09:00:01      SELECT 1 FROM t",
        "09:00:01      2 sessions wait behind us, the longest for 400 ms",
        "09:00:03  > line 5: the wait is over",
        "09:00:04    line 5: building index: 20 %",
    ]


def test_tries_settings_blockers_and_an_invalid_index_are_told() -> None:
    lost = {"line": 5, "try": 1, "of": 8, "why": "queue guard: 12 sessions wait, the oldest 0.4 s", "wait_ms": 900}
    refused = {"pid": 8, "how": "terminate", "ok": False, "message": "must be a superuser"}
    assert told(
        journal(
            ("09:00:01", "statement_retried", lost),
            ("09:00:02", "lock_timeout_raised", {"ms": 1300, "why": "an autovacuum gives way"}),
            ("09:00:03", "settings_changed", {"lock_timeout_ms": 2000, "retries": 3}),
            ("09:00:04", "blocker_ended", {"pid": 777, "how": "cancel", "ok": True, "message": ""}),
            ("09:00:05", "blocker_ended", refused),
            ("09:00:06", "index_invalid", {"index": "public.i", "repair": ["DROP INDEX CONCURRENTLY public.i"]}),
            ("09:00:07", "run_paused", {"why": "the terminal is gone"}),
        )
    ) == [
        "09:00:01  ~ line 5: try 1 of 8 is lost: queue guard: 12 sessions wait, the oldest 0.4 s; the next in 900 ms",
        "09:00:02  ~ lock_timeout 1.3 s for one try: an autovacuum gives way",
        "09:00:03    from now on: lock_timeout 2.0 s, 3 retries",
        "09:00:04  + pid 777 cancelled",
        "09:00:05  x pid 8 was not terminated: must be a superuser",
        "09:00:06  x the index public.i is left INVALID; either of these repairs it:",
        "09:00:06        DROP INDEX CONCURRENTLY public.i",
        "09:00:07  ~ paused between two changes (the terminal is gone); no transaction is open",
    ]


def test_a_settled_run_says_what_became_of_each_step() -> None:
    left = {
        "step": 2,
        "outcome": "partly",
        "message": "line 3 was not reached",
        "what_stays": ["line 1: CREATE TABLE t"],
    }
    assert told(
        journal(
            ("09:00:01", "run_settled", {"step": 1, "outcome": "recorded", "message": "it is applied and recorded"}),
            ("09:00:01", "run_settled", {**left, "repair": ["DROP TABLE t"]}),
            ("09:00:02", "host_slept", {"seconds": 3600}),
        )
    ) == [
        "09:00:01  + 1/?  settled: applied and recorded: it is applied and recorded",
        "09:00:01  ! 2/?  settled: PARTLY APPLIED: line 3 was not reached",
        "09:00:01      stays: line 1: CREATE TABLE t",
        "09:00:01      repair: DROP TABLE t",
        "09:00:02  ~ the host slept for 3600 s: looking around",
    ]


def test_what_was_asked_of_a_run_and_a_query_that_took_long_are_told_in_words() -> None:
    events = journal(
        ("09:00:00", "command_received", {"command": "terminate_blocker 15243 2026-11-30T01:24:10.783376Z"}),
        ("09:00:00", "command_received", {"command": "lock_timeout 300"}),
        ("09:00:00", "command_received", {"command": "pause"}),
        ("09:00:01", "statement_finished", {"step": 1, "line": 6, "ms": 1000.0}),
    )
    assert [line[10:].strip() for line in told(events)] == [
        "asked to terminate pid 15243",
        "asked to lock_timeout 300",
        "asked to pause",
        "line 6: took 1.0 s",
    ]
