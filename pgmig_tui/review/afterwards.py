"""The post-deployment checklist: what the program has done and seen of it, by the journal, and what people must."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pgmig_tui.database.checks import CheckResult, State, check_environment
from pgmig_tui.display import words
from pgmig_tui.display.cells import text_of
from pgmig_tui.gates.checklist import after
from pgmig_tui.gates.gate import Result, evaluate
from pgmig_tui.review import aftermath
from pgmig_tui.run.journal.entry import Entry, fields_of
from pgmig_tui.run.journal.events import RollbackChecked, RunFinished
from pgmig_tui.run.journal.file import INCIDENT, JournalReader

if TYPE_CHECKING:
    from pgmig_tui.project.environments import Environment


def results(folder: Path, command: str) -> tuple[Result, ...]:
    """The items that come after `command`, for the run in `folder`, with what its journal shows. Nothing is asked."""
    return evaluate(after(command), _seen(folder), (), protected=False).results


def server_now(environment: Environment) -> list[CheckResult]:
    """How the server is now, by the checks that a deployment may have changed something about."""
    asked = {"invalid_indexes", "long_transactions", "replication_lag"}
    return [one for one in check_environment(environment) if one.name in asked]


def _seen(folder: Path) -> list[CheckResult]:
    events = JournalReader(folder).poll()
    found = [_reverted(folder.name, events)]
    looked = [(one.at, one.event) for one in events if isinstance(one.event, RollbackChecked)]
    if looked:
        found.append(_stable(*looked[-1]))
    path = folder / INCIDENT
    if path.is_file():
        found.append(CheckResult("incident_recorded", "", "PASS", f"the record: {path}", ({"path": str(path)},)))
    return found


def _reverted(run_id: str, events: Sequence[Entry]) -> CheckResult:
    ends = [(one.at, one.event) for one in events if isinstance(one.event, RunFinished)]
    if not ends:
        return CheckResult("reverted", "", "UNKNOWN", f"run {run_id} has recorded no end")
    at, end = ends[-1]
    state: State = "PASS" if end.exit_status == 0 else "FAIL"
    summary = f"run {run_id}: {end.done} of {words.count(end.total, 'change')} reverted"
    return CheckResult("reverted", "", state, summary, (fields_of(end),), finished_at=at)


def _stable(at: str, found: RollbackChecked) -> CheckResult:
    """What was looked at after the rollback: health, the verify scripts of what remains, the schema."""
    summary = "; ".join(text_of(line).strip(" +x!?") for line in aftermath.lines(found))
    return CheckResult("stable", "", _stability(found), summary, (fields_of(found),), finished_at=at)


def _stability(found: RollbackChecked) -> State:
    states = {one.state for one in found.checks}
    if "FAIL" in states or any(not one.ok for one in found.verified):
        return "FAIL"
    if found.schema == "differs" or "WARN" in states:
        return "WARN"
    if found.verify_problem or not found.checks:
        return "UNKNOWN"
    # A schema that could not be compared, and checks that this role may not see, are no trouble that was found.
    return "WARN" if found.schema != "same" or "UNKNOWN" in states else "PASS"
