"""Batches in words: what a line of plain output says, and how rates and shares are told."""

from __future__ import annotations

from typing import Any

import pytest

from pgmig_tui.display.cells import text_of
from pgmig_tui.run.journal.batches import BatchLines, Progress
from pgmig_tui.run.journal.entry import Entry, event_of

START = {"mode": "batches", "table": "public.t", "rows": 0, "seen": 0, "about_total": 1000, "aim_ms": 200, "rest": 0.25}


def at(second: float) -> str:
    return f"2026-08-20T03:13:{second:06.3f}Z"


def entry(name: str, second: float, data: dict[str, Any]) -> Entry:
    return Entry(0, at(second), "r", event_of(name, data))


def batch(seen: int, **more: Any) -> dict[str, Any]:
    return {"batch": seen // 100, "rows": 100, "total": seen, "seen": seen, "size": 100, "ms": 90.0, **more}


def test_the_rate_is_that_of_the_last_seconds() -> None:
    now = Progress()
    now.add(entry("step_started", 0, START))
    assert (now.rate, now.left_s, now.share) == (None, None, 0.0)
    now.add(entry("batch_done", 2, batch(100)))
    assert (now.rate, now.left_s, now.share) == (50.0, 18.0, 0.1)
    for second in range(3, 40):
        now.add(entry("batch_done", second, batch(100 + second)))
    assert now.rate == pytest.approx(1.0, abs=0.1)


def test_a_pause_is_no_slow_batch() -> None:
    now = Progress()
    now.add(entry("step_started", 0, START))
    now.add(entry("batch_done", 1, batch(100)))
    now.add(entry("run_paused", 1, {}))
    now.add(entry("run_resumed", 50, {}))
    now.add(entry("batch_done", 51, batch(200)))
    assert now.rate == 100.0


def test_a_table_of_unknown_size_has_no_share() -> None:
    now = Progress()
    now.add(entry("step_started", 0, {**START, "about_total": -1}))
    now.add(entry("batch_done", 1, batch(100)))
    assert (now.share, now.left_s) == (None, None)
    assert now.summary() == "100 rows, 100 rows/s"


def test_an_estimate_never_says_that_all_is_done() -> None:
    now = Progress()
    now.add(entry("step_started", 0, START))
    now.add(entry("batch_done", 1, batch(5000)))
    assert now.share == 0.99
    now.add(entry("backfill_done", 2, {"rows": 5000}))
    assert now.share == 1.0


def told(*events: tuple[str, float, dict[str, Any]]) -> list[str]:
    lines = BatchLines()
    found: list[str] = []
    for name, second, data in events:
        found += [text_of(one) for one in lines.add(entry(name, second, data)) or []]
    return found


def test_many_batches_are_few_lines() -> None:
    events = [("batch_done", second / 10, batch(second * 10)) for second in range(1, 200)]
    assert len(told(("step_started", 0, START), *events)) == 4


def test_what_is_given_way_to_is_told_with_its_end() -> None:
    reason = "a replica is 7.1 s behind (limit 5 s)"
    assert told(
        ("batch_throttled", 1, {"reason": reason, "wait_ms": 0}),
        ("batch_throttled", 6, {"reason": reason, "wait_ms": 5000}),
        ("batch_throttled", 7, {"reason": reason, "wait_ms": 6000, "over": True}),
        ("batch_throttled", 8, {"reason": "the table is being vacuumed", "slower": True}),
    ) == [
        f"~ holding: {reason}",
        f"~ holding: {reason} (for 5.0 s)",
        f"> going on after 6.0 s: no longer so that {reason}",
        "~ slower: the table is being vacuumed",
    ]


def test_a_change_of_pace_is_told_once() -> None:
    slower = {"level": -1, "aim_ms": 200, "rest": 1.0, "size": 100}
    lines = told(("command_received", 1, {"command": "slower"}), ("pace_changed", 1, slower))
    assert lines == ["  1 step slower: 200 ms a batch, then 200 ms rest"]


def test_foreign_text_is_made_safe() -> None:
    (line,) = told(("batch_retried", 1, {"try": 1, "of": 9, "why": "\x1b[31mlock", "size": 50, "wait_ms": 200}))
    assert "\x1b" not in line
    assert line.endswith("; the next with 50 rows in 200 ms")


def test_events_of_other_runs_are_left_to_others() -> None:
    assert BatchLines().add(entry("step_started", 0, {"mode": "atomic"})) is None
    assert BatchLines().add(entry("statement_finished", 0, {})) is None
