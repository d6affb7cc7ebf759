"""The post-deployment checklist: what the program has done and seen of it, by the journal, and what people must."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pgmig_tui.database.checks import CheckResult, State, check_environment
from pgmig_tui.display import words
from pgmig_tui.display.cells import text_of
from pgmig_tui.gates.checklist import HEALTH, ChecklistItem, after, own_items
from pgmig_tui.gates.gate import Answer, Result, evaluate
from pgmig_tui.gates.own import AFTER, own_results
from pgmig_tui.review import aftermath
from pgmig_tui.run.journal.entry import Entry, fields_of
from pgmig_tui.run.journal.events import RollbackChecked, RunFinished, RunPlanned
from pgmig_tui.run.journal.file import INCIDENT, JournalReader
from pgmig_tui.run.journal.picture import HookPicture, RunPicture, picture_of

if TYPE_CHECKING:
    from pgmig_tui.project.environments import Environment


def results(
    folder: Path,
    command: str,
    environment: str = "production",
    own: Sequence[ChecklistItem] = (),
    asked: Sequence[CheckResult] = (),
) -> tuple[Result, ...]:
    """The items that come after `command` on `environment`, for the run in `folder`, with what its journal shows and
    what people have said since; then the project's `own`, with what was `asked` of them. Nothing is asked here."""
    events = JournalReader(folder).poll()
    said = [
        Answer(item_id, "attest", one.note, one.by, one.answered_at)
        for item_id, (_, one) in picture_of(events).afterwards.items()
    ]
    items, seen = (*after(command, environment), *own), (*_seen(folder, events), *asked)
    return evaluate(items, seen, said, protected=False).results


def results_here(folder: Path, command: str, environment: Environment, root: Path) -> tuple[Result, ...]:
    """The same with the project's own items, asked now. `root` is the project's folder."""
    lists = AFTER.get(command, ())
    own = own_items(environment, lists)
    asked = own_results(environment, lists, root, folder.parent.parent, os.environ) if own else []
    return results(folder, command, environment.name, own, asked)


def health_now(environment: Environment) -> tuple[Result, ...]:
    """How the server is now, by the checks that a deployment may have changed something about."""
    asked = [item for item in HEALTH if item.check in ("invalid_indexes", "long_transactions", "replication_lag")]
    return evaluate(asked, check_environment(environment), (), protected=False).results


def _seen(folder: Path, events: Sequence[Entry]) -> list[CheckResult]:
    picture = picture_of(events)
    found = [_ended("reverted", folder.name, events), _ended("deployed", folder.name, events), _verified(picture)]
    found += [_hooked(name, one) for name, one in picture.hooks.items()]
    looked = [(one.at, one.event) for one in events if isinstance(one.event, RollbackChecked)]
    if looked:
        found += [_stable(*looked[-1]), *_marked(*looked[-1])]
    path = folder / INCIDENT
    if path.is_file():
        found.append(CheckResult("incident_recorded", "", "PASS", f"the record: {path}", ({"path": str(path)},)))
    return found


def _hooked(name: str, hook: HookPicture) -> CheckResult:
    """What became of a hook. One that nobody was told by leaves the question to a person."""
    told = hook.told
    if told is None or not told.ok:
        return CheckResult(f"hook:{name}", "", "UNKNOWN", hook.words, () if told is None else (fields_of(told),))
    return CheckResult(f"hook:{name}", "", "PASS", hook.words, (fields_of(told),), "", told.started_at, hook.at)


def _ended(name: Literal["reverted", "deployed"], run_id: str, events: Sequence[Entry]) -> CheckResult:
    ends = [(one.at, one.event) for one in events if isinstance(one.event, RunFinished)]
    if not ends:
        return CheckResult(name, "", "UNKNOWN", f"run {run_id} has recorded no end")
    at, end = ends[-1]
    # In doubt is what nobody knows: neither done nor failed.
    state: State = "PASS" if end.exit_status == 0 else "UNKNOWN" if end.exit_status == 4 else "FAIL"
    summary = f"run {run_id}: {end.done} of {words.count(end.total, 'change')} {name}"
    planned = next((one.event for one in events if isinstance(one.event, RunPlanned)), None)
    if planned is not None and planned.log_only:
        state, summary = "WARN" if state == "PASS" else state, f"{summary}: recorded only, no script was run"
    return CheckResult(name, "", state, summary, (fields_of(end),), finished_at=at)


def _verified(picture: RunPicture) -> CheckResult:
    """What the verify scripts of the run's own changes said."""
    steps = list(picture.steps.values())
    failed = [step.name or step.change for step in steps if step.verified is False]
    passed = sum(step.verified is True for step in steps)
    if failed:
        state: State = "FAIL"
        summary = f"the verification of {words.listing(failed, 3)} failed"
    else:
        state = "PASS" if steps and passed == len(steps) else "WARN" if passed else "UNKNOWN"
        summary = f"{passed} of {words.count(len(steps), 'verification')} passed"
        if passed < len(steps):
            summary += f"; {words.count(len(steps) - passed, 'change was', 'changes were')} not verified"
    rows = tuple(
        {"change": step.change, "verified": step.verified, "where": step.verify, "why_not": step.unverified}
        for step in steps
    )
    return CheckResult("verified", "", state, summary, rows, finished_at=picture.finished_at)


def _marked(at: str, found: RollbackChecked) -> list[CheckResult]:
    """That a plan which was rolled back is not deployed again as it is: by the marks on its changes."""
    if not found.marked:
        return []
    summary = f"marked `do not deploy` until that is lifted: {words.listing(found.marked, 3)}"
    rows = tuple({"change": name} for name in found.marked)
    return [CheckResult("marked", "", "PASS", summary, rows, finished_at=at)]


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
