"""The past of an environment: the registry's events and tracking's rows as one list, and where they contradict.

The registry says what Sqitch did, tracking what this program did. An event and a row are one deed when they speak of
the same change and operation and were written within a minute; what has only one of both says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pgmig_tui.database.connect import ServerError, application_name, connect
from pgmig_tui.database.deployed import read_events, read_state
from pgmig_tui.database.history import last_words, read_rows, word_of
from pgmig_tui.database.retention import trimmed_before
from pgmig_tui.database.tracking import read_tracking
from pgmig_tui.display import words
from pgmig_tui.errors import UsageError
from pgmig_tui.project.tickets import ticket_in

if TYPE_CHECKING:
    from pgmig_tui.database.deployed import DeployedChange, RegistryEvent
    from pgmig_tui.database.history import TrackedRow
    from pgmig_tui.project.environments import Environment
    from pgmig_tui.project.project import Project

_TOGETHER_S = 60.0


@dataclass(frozen=True, slots=True)
class Deed:
    """One thing that was done. `at` is UTC, `told_by` "registry and tracking", "registry" or "tracking"; `outcome` is
    tracking's, of an event alone "done" or "failed"; `ms` None where only the registry tells of it."""

    at: str
    operation: str
    change: str
    change_id: str
    outcome: str
    verified: bool | None
    by: str
    told_by: str
    run_id: str = ""
    ms: float | None = None
    sqlstate: str = ""
    message: str = ""
    failed_at: str = ""
    ticket: str = ""
    """That the note of the change in the plan names."""


@dataclass(frozen=True, slots=True)
class HistoryFilter:
    """Which deeds are wanted; empty ones let all pass. `change` is a name or an ID; `since` a time as a person writes
    it; `by` a part of whoever did it, whatever its case."""

    change: str | None = None
    since: str | None = None
    by: str = ""
    outcomes: tuple[str, ...] = ()
    operations: tuple[str, ...] = ()

    def passes(self, one: Deed) -> bool:
        """Whether a deed is wanted, but for `since`."""
        return (
            (self.change is None or self.change in (one.change, one.change_id))
            and self.by.casefold() in one.by.casefold()
            and (not self.outcomes or one.outcome in self.outcomes)
            and (not self.operations or one.operation in self.operations)
        )


@dataclass(frozen=True, slots=True)
class History:
    """`deeds` oldest first; `contradictions` as sentences; `without_tracking`: why only the registry tells, "" when
    both do."""

    environment: str
    project: str
    deeds: tuple[Deed, ...]
    contradictions: tuple[str, ...]
    without_tracking: str = ""


def read_history(project: Project, environment: Environment, wanted: HistoryFilter | None = None) -> History:
    """Contradictions are those of the wanted change, whenever they came about. Raises Unreachable, NotPermitted,
    Refused, ServerError; UsageError for a `since` that is no time."""
    wanted = wanted or HistoryFilter()
    target, name, change = environment.target, project.plan.project, wanted.change
    since = _time(wanted.since) if wanted.since is not None else None
    with connect(target, application_name=application_name("history", environment.name)) as connection:
        state = read_state(connection, target.registry, None)
        events = read_events(connection, target.registry, project=name) if state.info.present else ()
        found = read_tracking(connection, environment.policy.tracking, target.registry)
        there = found.creates in ("", "runs") and found.version == 2
        rows: tuple[TrackedRow, ...] = ()
        trimmed = ""
        why = found.reason or ("" if there and found.schema else "there is no tracking of version 2")
        if environment.policy.tracking is None:
            why = "the policy has turned tracking off"
        try:
            if environment.policy.tracking is not None and (there or found.schema is None):
                rows = read_rows(connection, environment.policy.tracking, name)
                trimmed = trimmed_before(connection, environment.policy.tracking)
                why = ""
        except ServerError as error:
            why = why or error.message
    deployed = [one for one in state.deployed if one.project == name]
    deeds = _together(events, rows)
    if since is not None:
        deeds = [one for one in deeds if one.at >= since]
    deeds = [one for one in deeds if wanted.passes(one)]
    if environment.ticket:
        tickets = {one.change_id: ticket_in(environment.ticket, one.note) for one in project.plan.changes}
        deeds = [replace(one, ticket=tickets.get(one.change_id, "")) for one in deeds]
    against = () if why else tuple(contradictions(rows, deployed, change, trimmed))
    return History(environment.name, name, tuple(deeds), against, why)


def contradictions(
    rows: Sequence[TrackedRow], deployed: Sequence[DeployedChange], change: str | None = None, trimmed: str = ""
) -> Iterable[str]:
    """Where tracking's last word of a change isn't what the registry says. What is older than `trimmed` (UTC) may have
    no row any more."""
    words = last_words(tuple(rows))
    for one in deployed:
        if change is not None and change not in (one.name, one.change_id):
            continue
        word = word_of(words, one.change_id)
        if word is None and one.committed_at < trimmed:
            continue
        if word is None:
            yield f"{one.name} is deployed, and tracking has no row of it; the next run adopts it"
        elif word.says != "deployed":
            yield (
                f"{one.name} is deployed by the registry, and {word.says} by tracking ({word.at}); the next run adopts"
                " that"
            )
    here = {one.change_id for one in deployed} | {one.change_id[:8] for one in deployed}
    for last in words.values():
        if change is not None and change not in (last.change, last.change_id):
            continue
        if last.says == "deployed" and (last.change_id or last.change_prefix) not in here:
            yield (
                f"{last.change} is not deployed by the registry, and deployed by tracking ({last.at}); the next run"
                " adopts that"
            )


def _together(events: Sequence[RegistryEvent], rows: Sequence[TrackedRow]) -> list[Deed]:
    open_rows: dict[tuple[str, str], list[TrackedRow]] = {}
    for row in rows:
        wanted = "fail" if row.operation == "deploy" and not row.says else row.operation
        if row.operation in ("deploy", "revert"):
            open_rows.setdefault((wanted, (row.change_id or row.change_prefix)[:8]), []).append(row)
    deeds, used = [], set()
    for event in events:
        near = open_rows.get((event.event, event.change_id[:8]), [])
        nearest = min(
            (one for one in near if one.id not in used and one.is_of(event.change_id)),
            key=lambda one: _apart(one.at, event.committed_at),
            default=None,
        )
        if nearest is not None and _apart(nearest.at, event.committed_at) <= _TOGETHER_S:
            used.add(nearest.id)
            deeds.append(replace(_of_row(nearest), told_by="registry and tracking", change_id=event.change_id))
        else:
            deeds.append(_of_event(event))
    deeds += [_of_row(row) for row in rows if row.id not in used]
    return sorted(deeds, key=lambda one: one.at)


def _apart(first: str, second: str) -> float:
    return abs((datetime.fromisoformat(first) - datetime.fromisoformat(second)).total_seconds())


def _of_event(event: RegistryEvent) -> Deed:
    return Deed(
        event.committed_at,
        "deploy" if event.event == "fail" else event.event,
        event.change,
        event.change_id,
        "failed" if event.event == "fail" else "done",
        None,
        f"{event.committer_name} <{event.committer_email}>",
        "registry",
    )


def _of_row(row: TrackedRow) -> Deed:
    return Deed(
        row.at,
        row.operation or "unknown",
        row.change,
        row.change_id or row.change_prefix,
        row.outcome or ("done" if row.success else "failed"),
        row.verified,
        row.by,
        "tracking",
        row.run_id,
        row.ms,
        row.sqlstate,
        row.message,
        row.failed_at,
    )


def _time(text: str) -> str:
    """An ISO date or time as UTC with microseconds. Raises UsageError."""
    return words.iso_exact(moment(text))


def moment(text: str) -> datetime:
    """An ISO date or time, in UTC. Raises UsageError."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(
            f"{text} is no date.", now="Nothing was done.", do="Write it as 2026-01-31, or 2026-01-31T13:00+01:00."
        ) from None
    found = found if found.tzinfo is not None else found.replace(tzinfo=UTC)
    return found.astimezone(UTC)
