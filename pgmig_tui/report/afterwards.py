"""The checklist for afterwards: what the program has done and seen of it, by the journal, and what people must."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pgmig_tui.database.checks import CheckResult, State
from pgmig_tui.display import words
from pgmig_tui.display.cells import text_of
from pgmig_tui.gates.checklist import after
from pgmig_tui.gates.gate import Result, evaluate
from pgmig_tui.report import aftermath, incident
from pgmig_tui.report.lost import CHECKED
from pgmig_tui.run.journal.events import Event
from pgmig_tui.run.journal.file import JournalReader


def results(folder: Path, command: str) -> tuple[Result, ...]:
    """The items that come after `command`, for the run in `folder`, with what its journal shows. Nothing is asked."""
    return evaluate(after(command), _seen(folder), (), protected=False).results


def _seen(folder: Path) -> list[CheckResult]:
    events = JournalReader(folder).poll()
    found = [_reverted(folder.name, events)]
    looked = [event for event in events if event.name == CHECKED]
    if looked:
        found.append(_stable(looked[-1]))
    path = folder / incident.FILE
    if path.is_file():
        found.append(CheckResult("incident_recorded", "", "PASS", f"the record: {path}", ({"path": str(path)},)))
    return found


def _reverted(run_id: str, events: Sequence[Event]) -> CheckResult:
    end = next((event for event in reversed(events) if event.name == "run_finished"), None)
    if end is None:
        return CheckResult("reverted", "", "UNKNOWN", f"run {run_id} has recorded no end")
    done, total = int(end.data.get("done", 0)), int(end.data.get("total", 0))
    state: State = "PASS" if end.data.get("exit_status") == 0 else "FAIL"
    summary = f"run {run_id}: {done} of {words.count(total, 'change')} reverted"
    return CheckResult("reverted", "", state, summary, (dict(end.data),), finished_at=end.at)


def _stable(event: Event) -> CheckResult:
    """What was looked at after the rollback: health, the verify scripts of what remains, the schema."""
    data = event.data
    summary = "; ".join(text_of(line).strip(" +x!?") for line in aftermath.lines(data))
    return CheckResult("stable", "", _stability(data), summary, (dict(data),), finished_at=event.at)


def _stability(data: Mapping[str, Any]) -> State:
    states = {str(one["state"]) for one in data.get("checks", ())}
    verified = data.get("verified", ())
    if "FAIL" in states or any(not one["ok"] for one in verified):
        return "FAIL"
    if data.get("schema") == "differs" or "WARN" in states:
        return "WARN"
    if data.get("verify_problem") or not data.get("checks"):
        return "UNKNOWN"
    # A schema that could not be compared, and checks that this role may not see, are no trouble that was found.
    return "WARN" if data.get("schema") != "same" or "UNKNOWN" in states else "PASS"
