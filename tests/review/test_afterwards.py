"""The checklist after a run: by its command, and what the program did is done."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pgmig_tui.gates.checklist import EMERGENCY, ON_PRODUCTION, POST, after
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
    assert after("deploy") == (*ON_PRODUCTION, *POST)
    assert after("backfill") == (ON_PRODUCTION[-1], *POST)
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
        "plan": "PASS",
    }
    by_id = {one.item.id: one for one in results(run, "revert")}
    assert "2 of 2 changes reverted" in by_id["emergency:rollback"].summary
    assert "verify: 1 of 1 of what remains pass" in by_id["emergency:stability"].summary
    assert by_id["emergency:plan"].summary == "marked `do not deploy` until that is lifted: two"
    assert str(run / INCIDENT) in by_id["emergency:incident"].summary
    assert all(one.evidence is not None for one in by_id.values() if one.state == "PASS")
    assert [one.item.id for one in by_id.values() if one.attestable] == ["emergency:notify"]


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


def verified(step: int, ok: bool, where: str = "inside") -> tuple[str, dict[str, Any]]:
    return "step_verified", {"step": step, "change": f"c{step}", "ok": ok, "where": where, "message": ""}


def planned(steps: int, **more: object) -> tuple[str, dict[str, Any]]:
    of_it = [{"number": n, "change": f"c{n}", "label": f"c{n}", "action": "deploy"} for n in range(1, steps + 1)]
    return "run_planned", {"command": "deploy", "steps": of_it, **more}


@pytest.mark.parametrize(
    ("events", "deployed", "seen"),
    [
        ((planned(2), verified(1, True), verified(2, True), ended(0, 2)), "PASS", "PASS"),
        ((planned(2), verified(1, True), verified(2, False), ended(1, 1)), "FAIL", "FAIL"),
        ((planned(2), verified(1, True), verified(2, True, "none"), ended(0, 2)), "PASS", "WARN"),
        ((planned(2), ended(0, 2)), "PASS", "UNKNOWN"),
        ((planned(2), verified(1, True), ended(4, 1)), "UNKNOWN", "WARN"),
        ((planned(2, log_only=True), ended(0, 2)), "WARN", "UNKNOWN"),
        ((planned(2),), "UNKNOWN", "UNKNOWN"),
    ],
)
def test_what_a_deploy_did_and_verified_is_read_from_its_journal(
    tmp_path: Path, events: tuple[tuple[str, dict[str, Any]], ...], deployed: str, seen: str
) -> None:
    found = states(journal(tmp_path, *events), "deploy")
    assert (found["production"], found["verify-production"], found["monitor"]) == (deployed, seen, "UNKNOWN")
    titles = [one.item.title for one in results(tmp_path / "20260101-000000-abcd", "deploy", "staging")]
    assert titles[:2] == ["Deploy to staging", "Verify staging deployment"]


def test_an_answer_of_afterwards_stands_in_the_list_and_one_that_was_taken_back_does_not(tmp_path: Path) -> None:
    said = {"item_id": "post:logs", "how": "attest", "note": "quiet", "by": "Ann", "answered_at": "2026-01-01T00:00Z"}
    run = journal(tmp_path, planned(1), ended(0, 1), ("item_answered", said))
    (logs,) = [one for one in results(run, "deploy") if one.item.id == "post:logs"]
    assert (logs.state, logs.summary) == ("PASS", "quiet (Ann)")
    run = journal(tmp_path, ("item_answered", {**said, "note": ""}))
    (logs,) = [one for one in results(run, "deploy") if one.item.id == "post:logs"]
    assert logs.state == "UNKNOWN"
