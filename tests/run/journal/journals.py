"""Journals written by hand: what a run process writes, as plain data."""

from __future__ import annotations

from typing import Any

from pgmig_tui.run.journal.entry import Entry, event_of


def journal(*entries: tuple[str, str, dict[str, Any]]) -> list[Entry]:
    """Events of run `20261122-1` from (time of day, name, data)."""
    return [
        Entry(number, f"2026-11-22T{time}Z", "20261122-1", event_of(name, data))
        for number, (time, name, data) in enumerate(entries, start=1)
    ]


PLANNED: dict[str, Any] = {
    "format": 1,
    "command": "deploy",
    "environment": "staging",
    "target": "db:pg://localhost/documents_staging",
    "operator": "Maria <maria@example.org>",
    "host": "bastion",
    "steps": [
        {
            "number": 1,
            "action": "deploy",
            "change": "add_tags",
            "change_id": "a" * 40,
            "mode": "atomic",
            "verify": "inside",
        },
        {
            "number": 2,
            "action": "deploy",
            "change": "tags_idx",
            "change_id": "b" * 40,
            "mode": "stepwise",
            "verify": "after",
        },
    ],
}

SUCCESS = journal(
    ("09:00:00.000", "run_planned", PLANNED),
    (
        "09:00:00.100",
        "gate_passed",
        {"item_id": "pre:backup", "how": "attest", "note": "ticket 7 | done", "by": "Maria"},
    ),
    ("09:00:00.200", "run_started", {}),
    ("09:00:00.300", "step_started", {"step": 1, "change": "add_tags", "action": "deploy", "mode": "atomic"}),
    ("09:00:00.400", "statement_finished", {"step": 1, "line": 4, "rows": 0, "ms": 3.0, "tag": "ALTER TABLE"}),
    ("09:00:01.300", "step_verified", {"step": 1, "ok": True, "where": "inside"}),
    ("09:00:01.500", "step_committed", {"step": 1}),
    ("09:00:01.600", "step_started", {"step": 2, "change": "tags_idx", "action": "deploy", "mode": "stepwise"}),
    ("09:00:01.700", "lock_waited", {"step": 2, "ms": 1500.0, "relation": "public.documents"}),
    ("09:03:21.600", "statement_finished", {"step": 2, "line": 7, "rows": 0, "ms": 200000.0, "tag": "CREATE INDEX"}),
    ("09:03:21.700", "step_verified", {"step": 2, "ok": True, "where": "after"}),
    ("09:03:21.800", "step_recorded", {"step": 2}),
    (
        "09:03:22.200",
        "run_finished",
        {"exit_status": 0, "result": "done", "done": 2, "total": 2, "summary": "deployed"},
    ),
)

FAILURE = journal(
    ("09:00:00.000", "run_planned", PLANNED),
    ("09:00:00.300", "step_started", {"step": 1, "change": "add_tags", "action": "deploy", "mode": "atomic"}),
    ("09:00:00.350", "notice_received", {"severity": "WARNING", "message": "[red]careful[/red] \x1b[31m"}),
    (
        "09:00:00.400",
        "step_failed",
        {
            "step": 1,
            "change": "add_tags",
            "path": "deploy/add_tags.sql",
            "line": 5,
            "sqlstate": "42P01",
            "message": 'relation "[/foo]" does not exist \x1b]0;title\x07',
            "hint": "look | here",
            "what_stays": [],
            "committed": False,
        },
    ),
    (
        "09:00:00.500",
        "run_finished",
        {"exit_status": 1, "result": "failed", "done": 0, "total": 2, "summary": "a step failed"},
    ),
)
