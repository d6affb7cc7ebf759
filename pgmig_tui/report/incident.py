"""The record of an incident: what was deployed, what was rolled back, when, by whom, what that cost, what is true now.

Everything comes from journals, in UTC; what no journal tells isn't in it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pgmig_tui.display import words
from pgmig_tui.display.activity import Activity
from pgmig_tui.display.cells import text_of
from pgmig_tui.display.run_lines import RunLines, between
from pgmig_tui.display.safe import safe
from pgmig_tui.report import aftermath
from pgmig_tui.report.picture import RunPicture, picture_of
from pgmig_tui.report.run_report import cell, result_words
from pgmig_tui.run.events import Event
from pgmig_tui.run.journal import JournalReader

FILE = "incident.md"
_QUIET = frozenset({"statement_started", "statement_finished", "statements_finished", "activity", "output"})
"""Events that a timeline of an incident has no room for."""


@dataclass(frozen=True, slots=True)
class Incident:
    """A rollback, and the run that it took back where its journal is here. `run_finished` and all after it are in
    `rollback`."""

    rollback: Sequence[Event]
    deploy: Sequence[Event] = ()

    @property
    def planned(self) -> Mapping[str, Any]:
        return next((event.data for event in self.rollback if event.name == "run_planned"), {})

    def named(self, name: str) -> list[Mapping[str, Any]]:
        """What the events of that name say, of the rollback."""
        return [event.data for event in self.rollback if event.name == name]


def read(folder: Path) -> Incident:
    """The incident of the run in `folder`: a rollback with the run that it took back, or any run by itself."""
    events = JournalReader(folder).poll()
    undone: list[Event] = []
    for event in events:
        if event.name == "run_planned" and event.data.get("rolls_back"):
            undone = JournalReader(folder.parent / Path(str(event.data["rolls_back"])).name).poll()
    return Incident(events, undone)


def write(folder: Path) -> Path | None:
    """Write the record into the run's folder; None when that can't be."""
    path = folder / FILE
    with contextlib.suppress(OSError):
        path.touch(mode=0o600)
        path.write_text(markdown(read(folder)), encoding="utf-8")
        return path
    return None


def markdown(incident: Incident) -> str:
    """The whole record."""
    picture = picture_of(incident.rollback)
    title = "Rollback" if incident.planned.get("rolls_back") is not None else picture.command or "Run"
    at = words.utc(picture.planned_at or None)
    lines = [f"# Incident: {cell(title)} on {cell(picture.environment)}, {cell(at)}", ""]
    lines += ["```", *six_lines(incident), "```", ""]
    lines += ["## What happened", "", *_facts(incident, picture)]
    lines += ["", "## Lost and saved", "", *_losses(incident)]
    lines += ["", "## Now", "", *_now(incident)]
    lines += ["", "## Timeline (UTC)", "", *_timeline(incident)]
    worst = _worst([*incident.deploy, *incident.rollback])
    if worst is not None:
        lines += ["", "## Locks at the worst moment", "", *_locks(worst)]
    lines += ["", "## To be written by people", "", "- cause:", "- how it was noticed:", "- what changes:", ""]
    return "\n".join(lines)


def six_lines(incident: Incident) -> list[str]:
    """What the channel needs, as plain text."""
    picture, planned = picture_of(incident.rollback), incident.planned
    ended = "ROLLED BACK" if picture.exit_status == 0 else f"ROLLBACK {result_words(picture).upper()}"
    steps = f"{picture.done} of {words.count(len(picture.steps), 'change')}"
    took = between(picture.started_at, picture.finished_at)
    undone = str(planned.get("rolls_back") or "")
    checked = incident.named(aftermath.EVENT)[-1] if incident.named(aftermath.EVENT) else None
    state = "not checked yet"
    if checked:
        state = "; ".join(text_of(told[1:]).strip() for told in aftermath.lines(checked)[:3])
    marked = words.listing([str(name) for name in checked.get("marked", ())]) if checked else ""
    return [
        safe(f"{ended}: {picture.environment} ({picture.target}), {steps} reverted"),
        safe(
            f"when: {words.utc(picture.started_at or None)} to {words.utc(picture.finished_at or None)}"
            + (f" ({words.duration(took)})" if took is not None else "")
            + f", by {picture.operator} on {picture.host}"
        ),
        safe(f"undoes: {_undone(incident, undone)}; record: run {picture.run}"),
        safe(f"data: {_data(incident)}"),
        safe(f"now: {state}"),
        safe(f"do not deploy: {marked or 'nothing is marked'}"),
    ]


def _undone(incident: Incident, run: str) -> str:
    if not run:
        return "what the operator named, or the registry's last deploy"
    deployed = picture_of(incident.deploy)
    if not deployed.run:
        return f"run {run}"
    return f"run {run} ({deployed.operator}, {words.utc(deployed.started_at or None)}, {result_words(deployed)})"


def _data(incident: Incident) -> str:
    lost = [str(one.get("told")) for one in incident.named("loss_counted") if one.get("total") != 0]
    saved = _saved(incident)
    rows = sum(int(one.get("rows") or 0) for one in saved)
    if not lost:
        return "nothing is lost, as far as is known"
    return f"{words.listing(lost, 2)}" + (f"; SAVED {words.count(rows, 'row')}" if saved else "; not saved")


def _saved(incident: Incident) -> list[Mapping[str, Any]]:
    """The last copy of each table: one that a lost try made was rolled back with it."""
    last = {str(one.get("keep")): one for one in incident.named("rows_saved")}
    return list(last.values())


def _facts(incident: Incident, picture: RunPicture) -> list[str]:
    planned = incident.planned
    facts = [
        ("environment", f"{picture.environment}, {picture.target}, PostgreSQL {planned.get('server_version', '?')}"),
        ("rollback", f"run {picture.run}, {result_words(picture)}: {picture.summary}"),
        ("by", f"{picture.operator}, account {planned.get('os_user', '?')} on {picture.host}"),
        ("undoes", _undone(incident, str(planned.get("rolls_back") or ""))),
        (
            "reverted",
            words.listing([one.change for one in picture.steps.values() if one.state == "done"], 50) or "nothing",
        ),
    ]
    told = [f"- {name}: {cell(value)}" for name, value in facts]
    for side in (incident.deploy, incident.rollback):
        for step in picture_of(side).steps.values():
            if step.failure is not None:
                failure = step.failure
                where = ":".join(str(failure[key]) for key in ("path", "line") if failure.get(key))
                what = f"{failure.get('message') or '-'} (SQLSTATE {failure.get('sqlstate') or '-'})"
                told.append(f"- error: {cell(step.action)} {cell(step.change)}, {cell(where or '-')}: {cell(what)}")
    return told


def _losses(incident: Incident) -> list[str]:
    told = [f"- lost: {cell(one.get('told'))}" for one in incident.named("loss_counted")]
    for one in _saved(incident):
        rows = words.count(int(one.get("rows") or 0), "row")
        where = f"{cell(one.get('table'))} in {cell(one.get('keep'))}"
        told.append(f"- saved: {where}, {rows}, checksum {cell(one.get('checksum'))}")
    if any(told) and _saved(incident):
        run = incident.rollback[0].run if incident.rollback else "RUN"
        told.append(f"- brought back, after a redeploy, by: pgmig-tui undo {cell(run)}")
    return told or ["- nothing was counted as lost"]


def _now(incident: Incident) -> list[str]:
    checked = incident.named(aftermath.EVENT)
    if not checked:
        return ["- nothing was looked at afterwards"]
    return [f"- {cell(text_of(told).strip())}" for told in aftermath.lines(checked[-1])]


def _timeline(incident: Incident) -> list[str]:
    rows = sorted([*_told("deploy", incident.deploy), *_told("rollback", incident.rollback)], key=lambda row: row[0])
    return [f"- {words.utc(at)} {side}: {cell(text)}" for at, side, text in rows] or ["- no journal is here"]


def _told(side: str, events: Iterable[Event]) -> Iterable[tuple[str, str, str]]:
    speaker = RunLines()
    for event in events:
        told = speaker.add(event.name, event.at, event.data)
        if event.name in _QUIET:
            continue
        for spoken in told:
            # the line's own time of day comes first; the timeline has it in full
            text = text_of(spoken[1:]).strip()
            if text:
                yield event.at, side, text


def _worst(events: Iterable[Event]) -> Event | None:
    """The moment with most sessions behind us; of equal ones the longest wait."""
    seen = [
        event
        for event in events
        if event.name == "activity" and (event.data.get("blockers") or event.data.get("waiters"))
    ]
    return max(
        seen,
        key=lambda one: (int(one.data.get("waiters") or 0), float(one.data.get("oldest_wait_ms") or 0)),
        default=None,
    )


def _locks(event: Event) -> list[str]:
    activity = Activity.of(event.data)
    waiters = int(event.data.get("waiters") or 0)
    behind = words.count(waiters, "session")
    told = [f"{words.utc(event.at)}, run {event.run}, step {event.data.get('step')}: {behind} behind us"]
    tree = []
    for blocker in activity.blockers:
        since = words.duration(blocker.since_ms) if blocker.since_ms is not None else "unknown to this role"
        head = f"{'  ' * blocker.depth}{blocker.name} {blocker.state or '?'}, transaction open for {since}"
        tree.append(safe(head))
        if blocker.query:
            tree.append(safe(f"{'  ' * blocker.depth}    {' '.join(blocker.query.split())}"))
    return [*told, "", "```", *(tree or ["nobody stood in our way"]), "```"]
