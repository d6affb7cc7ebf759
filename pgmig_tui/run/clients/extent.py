"""What a rollback reverts: the last deploy run that still stands, or everything behind a point that a person chose.

One meaning, and no guess. The registry's events say what happened last: only where that is a deploy, of the change that
is deployed last, by a run that is known, does a rollback without a point find anything. Otherwise it says why not; what
a person may have meant comes as a candidate, which nobody chooses but a person.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from pgmig_tui.display import words
from pgmig_tui.project.changes import find_deployed

if TYPE_CHECKING:
    from pgmig_tui.database.connect import ServerIdentity
    from pgmig_tui.database.registry import DeployedChange, RegistryEvent
    from pgmig_tui.project.project import Project
    from pgmig_tui.run.clients.stopping import Running
    from pgmig_tui.run.planning.known_runs import KnownRun, KnownRuns

GAP = timedelta(seconds=60)
"""Changes of one committer that follow each other within this time are taken for one run, where no run is known."""


@dataclass(frozen=True, slots=True)
class KnownState:
    """What is known of the environment before anything is planned. `deployed` are in order, `events` the newest ones of
    the registry, newest first; `durations` are milliseconds by the first eight digits of a change ID. `running` holds
    the lock, or did until it was stopped for this rollback. `unsettled` is the last deploy or revert of this account
    where it was cut off, or ended in doubt, and isn't settled."""

    identity: ServerIdentity
    deployed: tuple[DeployedChange, ...]
    events: tuple[RegistryEvent, ...]
    durations: Mapping[str, float]
    running: Running | None
    runs: KnownRuns
    unsettled: str = ""


@dataclass(frozen=True, slots=True)
class Extent:
    """What a rollback reverts. `changes` are the deployed ones, newest first; `keep` is the change that will be the
    last deployed one, None = nothing will be.

    `run_id` is "" where a person named the point, or no run is known. `result` and `steps` are of the run: `failed`, 4.
    `heard_at` is of one that was cut off: when it was last heard of; `unsure`: what isn't known of it, in a sentence.
    `guess` says of a candidate how it was found, and that nothing proves it.
    """

    changes: tuple[DeployedChange, ...]
    keep: DeployedChange | None
    run_id: str = ""
    by: str = ""
    host: str = ""
    at: str = ""
    result: str = ""
    steps: int = 0
    alive: bool = False
    heard_at: str = ""
    unsure: str = ""
    guess: str = ""
    nothing: str = ""
    """Why there is nothing to roll back, "" where there is."""
    undecided: bool = False
    """With `nothing`: something stands that may be meant, which only a person can say."""
    candidate: Extent | None = None
    """With `nothing`: what comes first where a person chooses a point."""
    spec: str = ""
    """What names `keep` for `--to`: its name, or its ID where others of that name are deployed; "" without one."""

    @property
    def point(self) -> str:
        """The point that is reached, in words."""
        return point_of(self.keep)


def point_of(keep: DeployedChange | None) -> str:
    """A change that stays as the last one, with its tags; None: nothing stays."""
    return "the state before the first change" if keep is None else " ".join((keep.name, *keep.tags))


def extent_for(state: KnownState, project: Project, to: str | None, *, everything: bool = False) -> Extent:
    """What a rollback reverts: with neither a point `to` nor `everything` named, the last deploy run that still
    stands. Raises ProjectError for a point that isn't deployed."""
    last = extent_of_last(state)
    if to is None and not everything:
        return last
    named = extent_of_all(state) if to is None else extent_to(state, project, to)
    known = last if not last.nothing else last.candidate
    # Of a run more is known: which schema was there before it, how it ended.
    return known if known is not None and known.run_id and known.changes == named.changes else named


def extent_to(state: KnownState, project: Project, spec: str) -> Extent:
    """Back to the change that `spec` names, which stays. Raises ProjectError when it isn't deployed."""
    kept = find_deployed(spec, state.deployed, project.plan)
    found = _behind(state.deployed, state.deployed.index(kept) + 1)
    return found if found.changes else replace(found, nothing=f"nothing is deployed after {point_of(kept)}")


def extent_of_all(state: KnownState) -> Extent:
    """Everything that is deployed."""
    found = _behind(state.deployed, 0)
    return found if found.changes else replace(found, nothing="nothing is deployed")


def _behind(deployed: Sequence[DeployedChange], first: int) -> Extent:
    """All changes from that position on."""
    keep = deployed[first - 1] if first else None
    spec = ""
    if keep is not None:
        alone = sum(change.name == keep.name for change in deployed) == 1
        spec = keep.name if alone else keep.change_id
    return Extent(tuple(reversed(deployed[first:])), keep, spec=spec)


def extent_of_last(state: KnownState) -> Extent:
    """The last deploy run that still stands: of the run that holds the lock, what it has committed. Never raises."""
    running, unsettled = state.running, state.unsettled
    maker = state.runs.maker(state.deployed[-1]) if state.deployed else None
    if running is None and unsettled and (maker is None or maker.run_id != unsettled):
        # A session of it may still be at its COMMIT, which the registry shows only when that is over.
        why = f"what run {unsettled} has committed isn't known: it was cut off, and `reconcile` settles it"
        return _undecided(state, why, None)
    if running is None and (why := _unheard(state, maker)):
        return _undecided(state, why, _offered(state, maker) if state.deployed else None)
    if running is None and (why := _lost(state)):
        return _undecided(state, why, None)
    if not state.deployed:
        return _nothing(state, "nothing is deployed")
    last = state.deployed[-1]
    if running is not None and running.run_id:
        if running.command in _REVERTS:
            return _undecided(state, f"run {running.run_id}, a {running.command}, is under way", None)
        if maker is not None and maker.run_id == running.run_id:
            return _of_run(maker, state.deployed)
        if running.command != "deploy":
            return _undecided(state, f"what run {running.run_id} does isn't known here", None)
        return _nothing(state, f"run {running.run_id} has committed nothing")
    happened = next((event for event in state.events if event.event != "fail"), None)
    if happened is not None and happened.event == "revert":
        return _after_a_revert(state, maker)
    if happened is None or (happened.event, happened.change_id) != ("deploy", last.change_id):
        told = "no event" if happened is None else f"`{happened.event} {happened.change}` as its last event"
        why = f"the registry has {told}, and {last.name} as its last deployed change: what happened last isn't clear"
        return _undecided(state, why, _offered(state, maker))
    if maker is None:
        why = f"{last.name} was deployed by no run of this program that is known here"
        return _undecided(state, why, _by_times(state))
    if why := _failed_since(state, maker):
        return _nothing(state, f"{why}; run {maker.run_id} came before it", _offered(state, maker))
    if maker.recorded_only:
        why = f"the last run, {maker.run_id}, only recorded its changes (--log-only) and ran no script"
        return _undecided(state, why, None)
    return _of_run(maker, state.deployed)


def _unheard(state: KnownState, maker: KnownRun | None) -> str:
    """That a deploy of another account was cut off since the last thing that the registry knows; "" where none was."""
    newest = next(iter(state.runs), None)
    if newest is None or newest.local or not newest.heard_at or (maker is not None and maker.run_id == newest.run_id):
        return ""
    if state.events and state.events[0].committed_at > newest.started_at:
        return ""
    return f"what it has committed isn't known: {_unsure(newest)}"


def _lost(state: KnownState) -> str:
    """That the registry knows nothing of what this account's last deploy committed; "" where it does, or nobody can
    tell: the newest events alone are read."""
    run = next((one for one in state.runs if one.local and (one.committed or one.alive)), None)
    if run is None or run.alive or run.heard_at:
        return ""
    if state.events and state.events[-1].committed_at >= run.started_at:
        return ""
    if any(run.made(one) for one in state.deployed):
        return ""
    if any(run.deployed(one.change_id, one.committed_at) for one in state.events if one.event == "deploy"):
        return ""
    return _without_trace(run)


def _without_trace(run: KnownRun) -> str:
    many = words.count(len(run.committed or ()), "change")
    return (
        f"the database has no trace of run {run.run_id}, although the journal of this account says that it committed"
        f" {many}: was an older backup restored, or is it another database?"
    )


_REVERTS = ("revert", "rollback")


def _offered(state: KnownState, maker: KnownRun | None) -> Extent | None:
    """The candidate: what the run deployed that made the last change, or a guess. A run that only recorded changes is
    none: their revert scripts would take away what it didn't make."""
    if maker is None:
        return _by_times(state)
    return None if maker.recorded_only else _of_run(maker, state.deployed)


def _undecided(state: KnownState, why: str, candidate: Extent | None) -> Extent:
    return replace(_nothing(state, why, candidate), undecided=True)


def _nothing(state: KnownState, why: str, candidate: Extent | None = None) -> Extent:
    kept = state.deployed[-1] if state.deployed else None
    return Extent((), kept, nothing=why, candidate=candidate)


def _after_a_revert(state: KnownState, maker: KnownRun | None) -> Extent:
    """The last event is a revert. Where that left a part of a run state, this part is what may be meant."""
    reverted: list[RegistryEvent] = []
    for event in state.events:
        if event.event == "fail":
            continue
        if event.event != "revert":
            break
        reverted.append(event)
    newest = reverted[0]
    names = words.listing([event.change for event in reverted], 3)
    by = f"the last by {newest.committer_name} <{newest.committer_email}> at {words.utc(newest.committed_at)}"
    many = words.count(len(reverted), "change")
    why = f"what happened last is a revert, of {many} ({names}), {by}"
    gone = {event.change_id for event in reverted}
    deploys = [event for event in state.events if event.event == "deploy" and event.change_id in gone]
    if maker is None or not any(maker.deployed(event.change_id, event.committed_at) for event in deploys):
        return _nothing(state, why)
    rest = _of_run(maker, state.deployed)
    stand = "1 change still stands" if len(rest.changes) == 1 else f"{len(rest.changes)} changes still stand"
    return _undecided(state, f"{why}; of run {maker.run_id}, which deployed some of these, {stand}", rest)


def _failed_since(state: KnownState, maker: KnownRun) -> str:
    """What has been tried since the run that made the last change, and has left nothing to roll back; "" when nothing
    was."""
    newest = state.runs.newest_here
    last = state.deployed[-1]
    if newest is not None and newest.run_id != maker.run_id and newest.started_at > last.committed_at:
        if newest.committed and not newest.alive and not newest.heard_at:
            return _without_trace(newest)
        what = "has committed nothing yet" if newest.alive else f"committed nothing ({newest.result})"
        if newest.partly:
            what = f"recorded no change ({newest.result}), but part of a script of its stays"
        return f"the last run, {newest.run_id}, {what}"
    event = state.events[0]
    if event.event == "fail" and not maker.failed(event.change_id, event.committed_at):
        who = f"{event.committer_name} <{event.committer_email}>"
        at = words.utc(event.committed_at)
        return f"the last deploy, of {event.change} by {who} at {at}, failed and recorded nothing"
    return ""


def _of_run(run: KnownRun, deployed: Sequence[DeployedChange]) -> Extent:
    first = len(deployed)
    while first and run.made(deployed[first - 1]):
        first -= 1
    return replace(
        _behind(deployed, first),
        run_id=run.run_id,
        by=run.operator,
        host=run.host,
        at=run.ended_at,
        result=run.result,
        steps=run.steps,
        alive=run.alive,
        heard_at=run.heard_at,
        unsure=_unsure(run),
    )


def _unsure(run: KnownRun) -> str:
    """What nobody here can find out of a run of another account that was cut off."""
    if not run.heard_at or run.local:
        return ""
    where = f" at {run.place}" if run.place else ""
    return (
        f"run {run.run_id} of {run.operator} on {run.host} recorded no end: it was last heard of at"
        f" {words.utc(run.heard_at)}{where}; whether part of a script of its stays isn't known here"
    )


def _by_times(state: KnownState) -> Extent:
    """The block of deploys before the newest gap: a guess."""
    deployed, last = state.deployed, state.deployed[-1]
    first = len(deployed) - 1
    while first and _together(deployed[first - 1], deployed[first], state):
        first -= 1
    began = deployed[first]
    many = words.count(len(deployed) - first, "change")
    when = f"from {words.utc(began.committed_at)} to {words.utc(last.committed_at)}"
    when = when if first < len(deployed) - 1 else f"at {words.utc(last.committed_at)}"
    by = f"{last.committer_name} <{last.committer_email}>"
    return replace(
        _behind(deployed, first),
        by=by,
        at=last.committed_at,
        guess=f"a guess, by times and committer alone: {many} deployed {when} by {by}",
    )


def _together(earlier: DeployedChange, later: DeployedChange, state: KnownState) -> bool:
    if (earlier.committer_name, earlier.committer_email) != (later.committer_name, later.committer_email):
        return False
    if state.runs.maker(earlier) is not None:
        return False
    began, ended = earlier.committed_at, later.committed_at
    if any(event.event != "deploy" and began < event.committed_at < ended for event in state.events):
        return False
    took = timedelta(milliseconds=state.durations.get(later.change_id[:8], 0.0))
    return datetime.fromisoformat(ended) - took - datetime.fromisoformat(began) <= GAP
