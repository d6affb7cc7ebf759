"""The events of a run in words."""

from __future__ import annotations

from pgmig_tui.display.cells import text_of
from pgmig_tui.display.run_lines import RunLines
from pgmig_tui.display.safe import safe
from tests.report.journals import FAILURE, PLANNED, SUCCESS, journal


def told(events: list) -> list[str]:  # type: ignore[type-arg]
    lines = RunLines()
    return [text_of(line) for event in events for line in lines.add(event.name, event.at, event.data)]


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
    assert any(line.endswith("nothing of this change stays") for line in lines)
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
