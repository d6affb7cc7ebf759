"""How far a step got, by its journal alone."""

from __future__ import annotations

from typing import Any

from pgmig_tui.run.journal.entry import Entry, event_of
from pgmig_tui.run.journal.position import Position, positions


def told(*events: tuple[str, dict[str, Any]]) -> Position:
    return positions(
        Entry(seq, "2026-01-01T00:00:00.000Z", "r", event_of(name, {"step": 1, **data}))
        for seq, (name, data) in enumerate([("step_started", {"mode": "stepwise"}), *events], 1)
    )[1]


def started(line: int, kind: str = "CREATE TABLE", *, commits: bool = True) -> tuple[str, dict[str, Any]]:
    said = {"line": line, "end_line": line, "kind": kind, "commits": commits, "sql": f"{kind} x;"}
    return "statement_started", {**said, "path": "deploy/x.sql"}


def finished(line: int, tag: str = "CREATE TABLE", *, commits: bool = True) -> tuple[str, dict[str, Any]]:
    return "statement_finished", {"line": line, "end_line": line, "tag": tag, "commits": commits}


def test_what_was_answered_stays_and_what_was_sent_is_open() -> None:
    at = told(started(1), finished(1), started(2, "CREATE INDEX"))
    assert at.stays == ["line 1: CREATE TABLE x"]
    assert at.open is not None
    assert (at.open.line, at.open.kind, at.open.commits) == (2, "CREATE INDEX", True)


def test_statements_of_a_transaction_stay_with_its_commit() -> None:
    begun = (started(1, "BEGIN", commits=False), finished(1, "BEGIN", commits=False))
    inside = (started(2, commits=False), finished(2, commits=False))
    many = ("statements_finished", {"from_line": 3, "to_line": 9, "count": 7})
    assert told(*begun, *inside, many).stays == []
    at = told(*begun, *inside, many, started(10, "COMMIT"), finished(10, "COMMIT"))
    assert at.stays == ["line 2: CREATE TABLE x", "lines 3 to 9: 7 more like line 3"]
    assert at.line == 9


def test_a_commit_that_rolled_back_leaves_nothing() -> None:
    inside = (started(2, commits=False), finished(2, commits=False))
    assert told(*inside, started(3, "COMMIT"), finished(3, "ROLLBACK")).stays == []
    assert told(*inside, started(3, "ROLLBACK", commits=False), finished(3, "ROLLBACK", commits=False)).stays == []


def test_settings_of_a_session_are_nothing_that_stays() -> None:
    assert told(started(1, "SET"), finished(1, "SET")).stays == []


def test_a_lost_try_is_not_open() -> None:
    lost = ("statement_retried", {"line": 1})
    assert told(started(1), lost).open is None
    again = told(started(1), lost, started(1)).open
    assert again is not None
    assert again.line == 1


def test_a_statement_of_a_transaction_that_is_tried_again_stays_with_its_commit() -> None:
    lost = ("statement_retried", {"line": 2})
    at = told(started(2, commits=False), lost, finished(2, commits=False), started(3, "COMMIT"), finished(3, "COMMIT"))
    assert at.stays == ["line 2: CREATE TABLE x"]


def test_the_verification_behind_is_no_part_of_the_script() -> None:
    at = told(started(1), finished(1), ("step_applied", {}), started(4, "SELECT"))
    assert at.applied
    assert at.open is None


def test_what_a_later_look_ran_is_no_part_of_the_script() -> None:
    at = told(started(1), finished(1), started(2, "DELETE"), ("step_examined", {}), started(9, "SELECT"), finished(9))
    assert at.open is not None
    assert (at.open.line, at.stays) == (2, ["line 1: CREATE TABLE x"])
