"""The record of an incident: what was deployed and rolled back, when, by whom, what that cost, what was true then.

Everything comes from journals, in UTC; what no journal tells isn't in it, and what a journal leaves open is said to be
open. `pgmig-tui report RUN --incident` and the screen show the same.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from pgmig_tui.display import words
from pgmig_tui.display.activity import Activity
from pgmig_tui.display.cells import text_of
from pgmig_tui.display.safe import safe
from pgmig_tui.project.uris import readable
from pgmig_tui.report.run_report import cell, open_steps, report_document, restored_words, result_words, when_words
from pgmig_tui.review import aftermath
from pgmig_tui.review.lost import Claim, Saved, claims, data_words, is_kept, saved, shown
from pgmig_tui.run.journal import private
from pgmig_tui.run.journal.entry import Entry, fields_of
from pgmig_tui.run.journal.events import (
    Output,
    RollbackChecked,
    RunPlanned,
    StatementFinished,
    StatementsFinished,
    StatementStarted,
)
from pgmig_tui.run.journal.file import INCIDENT, JournalReader, is_alive
from pgmig_tui.run.journal.lines import RunLines
from pgmig_tui.run.journal.picture import RunPicture, picture_of

_QUIET = (StatementStarted, StatementFinished, StatementsFinished, Activity, Output)
"""Events that a timeline of an incident has no room for."""
_DID = {"deploy": "deployed", "revert": "reverted", "verify": "verified", "dry-run": "tried"}


@dataclass(frozen=True)
class Incident:
    """A rollback (or another run), and the run that it rolled back where its journal is here. `cut_off`: its process is
    gone without recording an end. `run_finished` and all after it are in `rollback`."""

    rollback: Sequence[Entry]
    deploy: Sequence[Entry] = ()
    cut_off: bool = False

    @cached_property
    def picture(self) -> RunPicture:
        return picture_of(self.rollback)

    @cached_property
    def claims(self) -> tuple[Claim, ...]:
        """What became of all that was counted before."""
        return claims(self.rollback, self.picture, cut_off=self.cut_off)

    @cached_property
    def saved(self) -> tuple[Saved, ...]:
        return saved(self.rollback, self.picture)

    @property
    def planned(self) -> RunPlanned | None:
        return next((one.event for one in self.rollback if isinstance(one.event, RunPlanned)), None)

    @property
    def checked(self) -> tuple[str, RollbackChecked] | None:
        """When something was looked at afterwards the last time (UTC), and what was found."""
        checks = ((one.at, one.event) for one in reversed(self.rollback) if isinstance(one.event, RollbackChecked))
        return next(checks, None)

    @property
    def rolls_back(self) -> bool:
        return self.planned is not None and self.planned.rolls_back is not None

    @property
    def foretold(self) -> Mapping[str, object] | None:
        """What it was estimated to cost, as whoever started it was told; None where no journal says so."""
        told = self.planned.foretold if self.planned is not None else None
        return told if told is not None and told.get("told") else None

    @property
    def complete(self) -> bool:
        """Whether all that is looked at has been: where nothing was changed, nothing is."""
        return self.checked is not None or (self.picture.exit_status is not None and not touched(self.picture))


def touched(picture: RunPicture) -> bool:
    """Whether a run has committed anything, or may have."""
    return any(
        step.recorded or (step.state == "failed" and step.left.kind != "nothing") for step in picture.steps.values()
    )


def read(folder: Path) -> Incident:
    """The incident of the run in `folder`: a rollback with the run that it rolled back, or any run by itself."""
    cut_off = not is_alive(folder)
    events = JournalReader(folder).poll()
    undone: list[Entry] = []
    for event in events:
        if isinstance(event.event, RunPlanned) and event.event.rolls_back:
            undone = JournalReader(folder.parent / Path(event.event.rolls_back).name).poll()
    return Incident(events, undone, cut_off)


def write(folder: Path) -> Path | None:
    """Write the record into the run's folder; None when that can't be."""
    path = folder / INCIDENT
    with contextlib.suppress(OSError):
        private.write(path, markdown(read(folder)))
        return path
    return None


def refresh(folder: Path) -> None:
    """Write the record anew where there is one: somebody has done more about the run."""
    if (folder / INCIDENT).is_file():
        write(folder)


def markdown(incident: Incident) -> str:
    """The whole record."""
    picture, checked = incident.picture, incident.checked
    at = words.utc(picture.planned_at or None)
    lines = [f"# Incident: {cell(_noun(incident).capitalize())} on {cell(picture.environment)}, {cell(at)}", ""]
    lines += ["```", *six_lines(incident), "```", ""]
    lines += ["## What happened", "", *_facts(incident)]
    lines += ["", "## Lost and saved", "", *_losses(incident)]
    lines += ["", f"## Seen afterwards, at {words.utc(checked[0])}" if checked else "## Seen afterwards", ""]
    seen = [cell(text_of(told).strip()) for told in aftermath.lines(checked[1])] if checked else [_unseen(incident)]
    lines += [f"- {text}" for text in seen]
    lines += ["", "## Timeline (UTC)", "", *_timeline(incident)]
    worst = _worst([*incident.deploy, *incident.rollback])
    if worst is not None:
        lines += ["", "## Locks at the worst moment", "", *_locks(*worst)]
    lines += ["", "## To be written by people", "", "- cause:", "- how it was noticed:", "- what changes:", ""]
    return "\n".join(lines)


def six_lines(incident: Incident) -> list[str]:
    """What the channel needs, as plain text; two lines less for a run that rolls nothing back."""
    picture, checked = incident.picture, incident.checked
    lines = [
        f"{_ended(incident)}: {picture.environment} ({readable(picture.target)}), {_done(incident)}",
        f"when: {when_words(picture)}, by {picture.operator} on {picture.host}",
    ]
    if incident.rolls_back:
        lines.append(f"rolls back: {_undone(incident)}; record: run {picture.run}")
    else:
        lines.append(f"record: run {picture.run}")
    lines.append(f"data: {data_words(incident.claims, incident.saved)}{_back(picture)}")
    state = _unseen(incident)
    if checked is not None:
        seen = "; ".join(text_of(told[1:]).strip() for told in aftermath.lines(checked[1])[:3])
        state = f"{seen} (seen at {words.utc(checked[0])})"
    lines.append(f"now: {state}")
    if incident.rolls_back:
        marked = checked[1].marked if checked is not None else ()
        none = "not looked at" if checked is None and _maybe_touched(incident) else "nothing is marked by it"
        since = ", unless that was lifted since" if marked else ""
        lines.append(f"do not deploy{since}: {words.listing(marked, 20) or none}")
    return [safe(line) for line in lines]


def document(incident: Incident) -> dict[str, object]:
    """As JSON values: the report of the run, and what only an incident has."""
    checked = incident.checked
    return {
        **report_document(incident.rollback, cut_off=incident.cut_off),
        "rolls_back": incident.planned.rolls_back if incident.planned is not None else None,
        "back_to": incident.planned.back_to if incident.planned is not None else None,
        "foretold": incident.foretold,
        "took_ms": incident.picture.took_ms,
        "losses": [one.to_json() for one in incident.claims],
        "saved": [
            {"step": one.step, "table": one.table, "keep": one.keep, "rows": one.rows, "checksum": one.checksum}
            for one in incident.saved
        ],
        "restored": [{**fields_of(one), "at": at} for at, one in incident.picture.restored],
        "seen": {"at": checked[0], **fields_of(checked[1])} if checked is not None else None,
        "told": six_lines(incident),
    }


def _back(picture: RunPicture) -> str:
    """What an undo has made of what was saved, by the last one."""
    if not picture.restored:
        return ""
    at, last = picture.restored[-1]
    equal = bool(last.restored) and all(one.equal for one in last.restored)
    said = "BROUGHT BACK" if equal else "brought back in part, NOT equal to what was saved,"
    return f"; {said} at {words.utc(at)} by {last.by or '?'}"


def _maybe_touched(incident: Incident) -> bool:
    return touched(incident.picture) or bool(open_steps(incident.picture, cut_off=incident.cut_off))


def _unseen(incident: Incident) -> str:
    """Why nothing was looked at when the run had ended."""
    if incident.picture.exit_status is None and not incident.cut_off:
        return "it has not ended"
    return "nothing was looked at" if _maybe_touched(incident) else "nothing was committed by it"


def _noun(incident: Incident) -> str:
    return "rollback" if incident.rolls_back else incident.picture.command or "run"


def _ended(incident: Incident) -> str:
    picture, noun = incident.picture, _noun(incident)
    done = "rolled back" if incident.rolls_back else _DID.get(picture.command, "done")
    result = result_words(picture, cut_off=incident.cut_off)
    if picture.exit_status == 0:
        return done.upper() + (f" ({result})" if result != "done" else "")
    return f"{noun} {result}".upper()


def _done(incident: Incident) -> str:
    picture = incident.picture
    did = _DID.get(picture.command, "done")
    least = "at least " if open_steps(picture, cut_off=incident.cut_off) else ""
    return f"{least}{picture.done} of {words.count(len(picture.steps), 'change')} {did}"


def _undone(incident: Incident) -> str:
    planned = incident.planned
    run = planned.rolls_back or "" if planned is not None else ""
    back = f"back to {planned.back_to}" if planned is not None and planned.back_to else ""
    if not run:
        return f"to a point that was chosen by hand{', ' + back if back else ''}"
    deployed = picture_of(incident.deploy)
    told = f"run {run}"
    if deployed.run:
        told += f" ({deployed.operator}, {words.utc(deployed.started_at or None)}, {result_words(deployed)})"
    return f"{told}, {back}" if back else told


def _facts(incident: Incident) -> list[str]:
    planned, picture = incident.planned, incident.picture
    open_now = [one.change for one in open_steps(picture, cut_off=incident.cut_off)]
    did = _DID.get(picture.command, "done")
    result = result_words(picture, cut_off=incident.cut_off)
    facts = [
        (
            "environment",
            f"{picture.environment}, {readable(picture.target)},"
            f" PostgreSQL {planned.server_version if planned else '?'}",
        ),
        (_noun(incident), f"run {picture.run}, {result}: {picture.summary or '-'}"),
        ("by", f"{picture.operator}, account {planned.os_user if planned else '?'} on {picture.host}"),
    ]
    if incident.rolls_back:
        facts.append(("rolls back", _undone(incident)))
    if incident.foretold is not None:
        took = picture.took_ms
        facts.append(("foretold", str(incident.foretold["told"])))
        facts.append(("took", "-" if took is None else words.duration(took)))
    facts.append((did, words.listing([one.change for one in picture.recorded], 50) or "nothing"))
    if open_now:
        facts.append((f"not known whether {did}", words.listing(open_now, 50)))
    told = [f"- {name}: {cell(value)}" for name, value in facts]
    if incident.cut_off and picture.exit_status is None:
        told.append(f"- what is true now: `pgmig-tui reconcile {safe(picture.environment)}` finds it out")
    for side in (incident.deploy, incident.rollback):
        told += _errors(picture_of(side))
    return told


def _errors(picture: RunPicture) -> list[str]:
    told = []
    for step in picture.steps.values():
        if step.failure is None:
            continue
        failure = step.failure
        where, what = failure.where, f"{failure.message or '-'} (SQLSTATE {failure.sqlstate or '-'})"
        told.append(f"- error: {cell(step.action)} {cell(step.change)}, {cell(where or '-')}: {cell(what)}")
        if step.action != "verify":
            told += [f"- stays of it: {cell(one)}" for one in step.left.sentences]
    return told


def _losses(incident: Incident) -> list[str]:
    names = {"lost": "lost", "not_lost": "not lost", "unknown": "not known whether lost"}
    told = []
    for claim in shown(incident.claims):
        state = "gone, and saved" if is_kept(claim, incident.saved) else names[claim.state]
        told.append(f"- {state}: {cell(claim.sentence)}")
    for one in incident.saved:
        where = f"{one.table} in {one.keep}" if one.keep else f"{one.table}, the state of its sequence"
        told.append(f"- saved: {cell(where)}, {words.count(one.rows, 'row')}, checksum {cell(one.checksum)}")
    told += [f"- {cell(text)}" for one in incident.picture.restored for text in restored_words(*one)]
    if incident.saved and not incident.picture.restored:
        command = f"pgmig-tui undo {cell(incident.picture.run)}"
        told.append(f"- to bring it back, after a redeploy: {command}; what others have brought back: pgmig-tui undo")
    return told or ["- nothing was counted that could be lost"]


def _timeline(incident: Incident) -> list[str]:
    rows = sorted(
        [*_told("deploy", incident.deploy), *_told(_noun(incident), incident.rollback)], key=lambda row: row[0]
    )
    return [f"- {words.utc(at)} {side}: {cell(text)}" for at, side, text in rows] or ["- no journal is here"]


def _told(side: str, events: Iterable[Entry]) -> Iterable[tuple[str, str, str]]:
    speaker = RunLines()
    for event in events:
        told = speaker.add(event)
        if isinstance(event.event, _QUIET):
            continue
        for spoken in told:
            # the line's own time of day comes first; the timeline has it in full
            text = text_of(spoken[1:]).strip()
            if text:
                yield event.at, side, text


def _worst(events: Iterable[Entry]) -> tuple[Entry, Activity] | None:
    """The moment with most sessions behind us; of equal ones the longest wait."""
    seen = [
        (one, one.event)
        for one in events
        if isinstance(one.event, Activity) and (one.event.blockers or one.event.waiters)
    ]
    return max(seen, key=lambda one: (one[1].waiters, one[1].oldest_wait_ms or 0), default=None)


def _locks(entry: Entry, activity: Activity) -> list[str]:
    behind = words.count(activity.waiters, "session")
    told = [f"{words.utc(entry.at)}, run {entry.run}, step {activity.step}: {behind} behind us"]
    tree = []
    for blocker in activity.blockers:
        since = words.duration(blocker.since_ms) if blocker.since_ms is not None else "unknown to this role"
        head = f"{'  ' * blocker.depth}{blocker.name} {blocker.state or '?'}, transaction open for {since}"
        tree.append(safe(head))
        if blocker.query:
            tree.append(safe(f"{'  ' * blocker.depth}    {' '.join(blocker.query.split())}"))
    return [*told, "", "```", *(tree or ["nobody stood in our way"]), "```"]
