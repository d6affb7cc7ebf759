"""The checklist after a run: by its command, and what the program did is done."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pgmig_tui.gates.checklist import EMERGENCY, POST, after
from pgmig_tui.report import incident
from pgmig_tui.review.afterwards import results
from pgmig_tui.run.journal.entry import event_of
from pgmig_tui.run.journal.file import INCIDENT, JournalWriter

FINE: dict[str, Any] = {
    "checks": [{"name": "dumps", "title": "No dump", "state": "PASS", "summary": "none"}],
    "verified": [{"change": "one", "ok": True, "message": ""}], "verify_problem": "", "schema": "same",
    "differences": [], "marked": ["two"],
}  # fmt: skip


def journal(folder: Path, *events: tuple[str, dict[str, Any]]) -> Path:
    run = folder / "20260101-000000-abcd"
    run.mkdir(exist_ok=True)
    writer = JournalWriter(run, run.name)
    for name, data in events:
        writer.write(event_of(name, data))
    writer.close()
    return run


def ended(status: int, done: int) -> tuple[str, dict[str, Any]]:
    return "run_finished", {"exit_status": status, "done": done, "total": 2, "result": "done"}


def states(folder: Path, command: str = "revert") -> dict[str, str]:
    return {one.item.id.partition(":")[2]: one.state for one in results(folder, command)}


def test_the_list_is_the_command_s_own() -> None:
    assert after("deploy") == after("backfill") == POST
    assert after("revert") == after("rollback") == EMERGENCY
    assert after("verify") == after("dry-run") == (), "nobody closes a ticket because of a verification"


def test_what_the_program_has_done_waits_for_nobody(tmp_path: Path) -> None:
    run = journal(tmp_path, ended(0, 2), ("rollback_checked", FINE))
    assert incident.write(run) is not None
    assert states(run) == {
        "rollback": "PASS",
        "stability": "PASS",
        "notify": "UNKNOWN",
        "incident": "PASS",
        "plan": "UNKNOWN",
    }
    by_id = {one.item.id: one for one in results(run, "revert")}
    assert "2 of 2 changes reverted" in by_id["emergency:rollback"].summary
    assert "verify: 1 of 1 of what remains pass" in by_id["emergency:stability"].summary
    assert str(run / INCIDENT) in by_id["emergency:incident"].summary
    assert all(one.evidence is not None for one in by_id.values() if one.state == "PASS")
    assert [one.item.id for one in by_id.values() if one.attestable] == ["emergency:notify", "emergency:plan"]


def test_what_it_has_not_done_is_not_said_to_be(tmp_path: Path) -> None:
    assert states(journal(tmp_path))["rollback"] == "UNKNOWN"
    found = states(journal(tmp_path, ended(1, 1)))
    assert (found["rollback"], found["stability"], found["incident"]) == ("FAIL", "UNKNOWN", "UNKNOWN")


@pytest.mark.parametrize(
    ("seen", "state"),
    [
        ({"verified": [{"change": "one", "ok": False, "message": "no"}]}, "FAIL"),
        ({"checks": [{"name": "x", "title": "X", "state": "FAIL", "summary": "no"}]}, "FAIL"),
        ({"checks": [{"name": "x", "title": "X", "state": "WARN", "summary": "so so"}]}, "WARN"),
        ({"schema": "differs", "differences": ["table t: new since"]}, "WARN"),
        ({"schema": "unknown"}, "WARN"),
        ({"checks": [{"name": "x", "title": "X", "state": "UNKNOWN", "summary": "hidden"}]}, "WARN"),
        ({"verify_problem": "the server is gone"}, "UNKNOWN"),
        ({"checks": []}, "UNKNOWN"),
    ],
)
def test_stability_is_what_was_seen(tmp_path: Path, seen: dict[str, Any], state: str) -> None:
    assert states(journal(tmp_path, ended(0, 2), ("rollback_checked", {**FINE, **seen})))["stability"] == state
