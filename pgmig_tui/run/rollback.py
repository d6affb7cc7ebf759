"""Which run is taken back, and how far: the last deploy on an environment, by whoever.

What the registry says is deployed decides. The run folders of this account say which of it came in one run; for a run
of another account or host the registry's times and committers tell, and that it is a guess is said.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from pgmig_tui.database import registry, tracking
from pgmig_tui.database.connect import Connection, application_name, connect
from pgmig_tui.errors import PgmigError, Refused
from pgmig_tui.project.changes import find_deployed
from pgmig_tui.run.folder import RUN_ID, discard
from pgmig_tui.run.journal import JOURNAL, JournalReader, first_and_last, is_alive

if TYPE_CHECKING:
    from pgmig_tui.database.connect import ServerIdentity
    from pgmig_tui.database.registry import DeployedChange, LockHolder
    from pgmig_tui.project.environments import Environment
    from pgmig_tui.project.project import Project
    from pgmig_tui.run.plan import RunPlan, Step

GAP = timedelta(seconds=60)
"""Changes of one committer that follow each other within this time are taken for one run, where no journal tells."""
_SLACK = timedelta(seconds=5)
_ENDED = "run_finished"
_RECORDED = ("step_committed", "step_recorded")


@dataclass(frozen=True, slots=True)
class LocalRun:
    """A deploy of this account on the database: what its journal says. `committed` are change IDs in order."""

    run_id: str
    folder: Path
    operator: str
    host: str
    started_at: str
    ended_at: str
    result: str
    steps: int
    committed: tuple[str, ...]
    alive: bool


@dataclass(frozen=True, slots=True)
class Extent:
    """What a rollback takes back. `changes` are the deployed ones, newest first; `keep` is the change that will be the
    last deployed one, None = nothing will be.

    `run_id` is "" where no run is known: another account's, or a point that the operator named. `guess` says how it
    was found where nothing proves it. `result` and `steps` are of the run: `failed`, 4.
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
    guess: str = ""
    nothing: str = ""
    """Why there is nothing to take back, "" where there is."""

    @property
    def point(self) -> str:
        """The point that is reached, in words."""
        if self.keep is None:
            return "the state before the first change"
        return " ".join((self.keep.name, *self.keep.tags))


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of the environment before anything is planned."""

    identity: ServerIdentity
    deployed: tuple[DeployedChange, ...]
    durations: Mapping[str, float]
    holder: LockHolder | None


def stand(project: Project, environment: Environment) -> Standing:
    """Ask the environment once. Raises Unreachable, ServerError, NotPermitted, ProjectError without a registry."""
    target = environment.target
    with connect(target, application_name=application_name("rollback", "plan")) as connection:
        identity = connection.identity()
        state = registry.read_state(connection, target.registry, project.plan.project)
        registry.refuse_newer(state.info)
        registry.refuse_absent(state.info, target)
        durations = _durations(connection, environment.policy.tracking)
        return Standing(identity, state.deployed, durations, registry.lock_holder(connection))


def _durations(connection: Connection, schema: str | None) -> Mapping[str, float]:
    with contextlib.suppress(PgmigError):  # only makes a guess better
        return tracking.read_durations(connection, schema) if schema is not None else {}
    return {}


def extent_to(standing: Standing, project: Project, spec: str) -> Extent:
    """Back to the change that `spec` names, which stays. Raises ProjectError when it isn't deployed."""
    kept = find_deployed(spec, standing.deployed, project.plan)
    chosen = tuple(reversed(standing.deployed[standing.deployed.index(kept) + 1 :]))
    nothing = "" if chosen else f"nothing is deployed after {spec}"
    return Extent(chosen, kept, by=chosen[0].committer_name if chosen else "", nothing=nothing)


def extent_of_all(standing: Standing) -> Extent:
    """Take everything back that is deployed."""
    chosen = tuple(reversed(standing.deployed))
    return Extent(chosen, None, nothing="" if chosen else "nothing is deployed")


def extent_of_last(standing: Standing, project: Project, environment: Environment, state_dir: Path) -> Extent:
    """Take back what the last run deployed."""
    deployed = standing.deployed
    if not deployed:
        return Extent((), None, nothing="nothing is deployed")
    last = deployed[-1]
    for number, run in enumerate(local_deploys(state_dir, standing.identity, project.plan.project)):
        if _made(run, last):
            return _of_run(run, deployed)
        if number == 0 and not run.committed and run.started_at > last.committed_at:
            what = "has committed nothing yet" if run.alive else f"committed nothing ({run.result or 'cut off'})"
            return Extent(
                (), last, run.run_id, run.operator, run.host, run.ended_at, run.result, run.steps, run.alive,
                nothing=f"the last run, {run.run_id}, {what}; what came before it can be named with --to",
            )  # fmt: skip
    return _by_times(standing)


def _of_run(run: LocalRun, deployed: Sequence[DeployedChange]) -> Extent:
    first = len(deployed)
    while first and _made(run, deployed[first - 1]):
        first -= 1
    return Extent(
        tuple(reversed(deployed[first:])),
        deployed[first - 1] if first else None,
        run.run_id,
        run.operator,
        run.host,
        run.ended_at,
        run.result,
        run.steps,
        run.alive,
    )


def _made(run: LocalRun, change: DeployedChange) -> bool:
    """Whether this very deployment of the change came from the run: another may have deployed it again since."""
    if change.change_id not in run.committed:
        return False
    try:
        began, ended = datetime.fromisoformat(run.started_at), datetime.fromisoformat(run.ended_at)
    except ValueError:
        return True
    return began - _SLACK <= _time(change) <= ended + _SLACK


def _by_times(standing: Standing) -> Extent:
    deployed = standing.deployed
    last = deployed[-1]
    first = len(deployed) - 1
    while first and _together(deployed[first - 1], deployed[first], standing.durations):
        first -= 1
    tracked = any(change.change_id[:8] in standing.durations for change in deployed[first:])
    known = "times of the registry and of the tracking tables" if tracked else "times of the registry"
    return Extent(
        tuple(reversed(deployed[first:])),
        deployed[first - 1] if first else None,
        by=f"{last.committer_name} <{last.committer_email}>",
        at=last.committed_at,
        guess=f"no run of this account deployed it: told from committer and {known}",
    )


def _together(earlier: DeployedChange, later: DeployedChange, durations: Mapping[str, float]) -> bool:
    if (earlier.committer_name, earlier.committer_email) != (later.committer_name, later.committer_email):
        return False
    took = timedelta(milliseconds=durations.get(later.change_id[:8], 0.0))
    return _time(later) - took - _time(earlier) <= GAP


def _time(change: DeployedChange) -> datetime:
    return datetime.fromisoformat(change.committed_at)


def local_deploys(state_dir: Path, identity: ServerIdentity, project: str) -> Iterator[LocalRun]:
    """The deploys of this account on this very database, newest first."""
    for folder in run_folders(state_dir):
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            opening, last = first_and_last(folder)
            if opening is None or opening.name != "run_planned":
                continue
            data = opening.data
            if data.get("command") != "deploy" or data.get("project") != project:
                continue
            if data.get("database") != identity.database or data.get("system_identifier") != identity.system_identifier:
                continue
            events = JournalReader(folder).poll()
            alive = is_alive(folder)
            yield LocalRun(
                run_id=folder.name,
                folder=folder,
                operator=str(data.get("operator", "")),
                host=str(data.get("host", "")),
                started_at=opening.at,
                ended_at=_now() if alive or last is None else last.at,
                result=next((str(one.data.get("result", "")) for one in reversed(events) if one.name == _ENDED), ""),
                steps=len(events[0].data.get("steps", ())) if events else 0,
                committed=tuple(str(event.data.get("change_id") or _id(events[0].data, event.data))
                                for event in events if event.name in _RECORDED),
                alive=alive,
            )  # fmt: skip


def _id(planned: Mapping[str, object], recorded: Mapping[str, object]) -> str:
    """The change ID of a step by its number."""
    steps = planned.get("steps")
    number = recorded.get("step")
    for step in steps if isinstance(steps, list) else ():
        if step.get("number") == number:
            return str(step.get("change_id", ""))
    return ""


def run_folders(state_dir: Path) -> list[Path]:
    """The folders of all runs of this account that have a journal, newest first."""
    runs = state_dir / "runs"
    if not runs.is_dir():
        return []
    folders = (folder for folder in runs.iterdir() if RUN_ID.fullmatch(folder.name) and (folder / JOURNAL).exists())
    return sorted(folders, key=lambda folder: folder.name, reverse=True)


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def plan_rollback(
    project: Project,
    environment: Environment,
    extent: Extent,
    *,
    state_dir: Path,
    variables: Mapping[str, str] | None = None,
    lock_wait_s: float = 0.0,
    reason: str = "",
) -> RunPlan:
    """The run that takes it back, and marks what it reverts as not to be deployed, for `reason`.

    Raises as `planning.prepare` does; nothing was changed then.
    """
    from pgmig_tui.run.marks import marked_plan
    from pgmig_tui.run.plan import Options
    from pgmig_tui.run.planning import prepare

    options = Options(
        to=extent.keep.change_id if extent.keep is not None else None,
        revert_all=extent.keep is None,
        variables=dict(variables or {}),
        lock_wait_s=lock_wait_s,
    )
    plan = replace(prepare(project, environment, "revert", options, state_dir=state_dir), rolls_back=extent.run_id)
    planned = [step.change_id for step in plan.steps]
    if planned != [change.change_id for change in extent.changes]:
        discard(plan.folder)
        raise Refused(
            "the registry has changed while the rollback was being planned",
            now="Nothing was changed.",
            do="Run the command again and look at what is deployed now.",
        )
    with connect(environment.target, application_name=application_name(plan.run_id, "plan")) as connection:
        plan = marked_plan(plan, connection, reason)
    plan.save()
    return plan


def recorded_steps(plan: RunPlan) -> list[Step]:
    """The steps of a run that its journal tells to be recorded."""
    events = JournalReader(plan.folder).poll()
    done = {event.data.get("step") for event in events if event.name in _RECORDED}
    return [step for step in plan.steps if step.number in done]
