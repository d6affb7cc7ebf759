"""A rollback: what is asked of the environment first, and the run that takes changes back."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from pgmig_tui.database import registry, runs, tracking
from pgmig_tui.database.connect import Connection, application_name, connect
from pgmig_tui.errors import PgmigError, Refused
from pgmig_tui.run.clients.extent import KnownState
from pgmig_tui.run.clients.stopping import under_way
from pgmig_tui.run.journal.folder import discard
from pgmig_tui.run.journal.listing import unfinished
from pgmig_tui.run.planning.known_runs import known_runs
from pgmig_tui.run.recovery.same_server import worked_here

if TYPE_CHECKING:
    from pgmig_tui.database.runs import ChangingRow
    from pgmig_tui.project.environments import Environment
    from pgmig_tui.project.project import Project
    from pgmig_tui.run.clients.extent import Extent
    from pgmig_tui.run.clients.stopping import Running
    from pgmig_tui.run.journal.run_plan import RunPlan

_EVENTS = 1000
"""So many of the registry's newest events say what happened last."""


def stand(project: Project, environment: Environment, state_dir: Path, stopped: Running | None = None) -> KnownState:
    """Ask the environment once. `stopped` is the run that held the lock until it was stopped for this rollback. Raises
    Unreachable, ServerError, NotPermitted, ProjectError without a registry."""
    target, name = environment.target, project.plan.project
    with connect(target, application_name=application_name("rollback", "plan")) as connection:
        identity = connection.identity()
        state = registry.read_state(connection, target.registry, name)
        registry.refuse_newer(state.info)
        registry.refuse_absent(state.info, target)
        events = registry.read_events(connection, target.registry, project=name, limit=_EVENTS)
        durations, rows = _tracked(connection, environment.policy.tracking, name)
        running = under_way(registry.lock_holder(connection), state_dir, rows) or stopped
        held_by = running.holder if running is not None else None
        known = known_runs(
            state_dir,
            identity,
            name,
            environment,
            rows,
            held_by,
            lambda folder: worked_here(folder, project, environment),
        )
        unsettled = _unsettled(project, environment, state_dir)
        return KnownState(identity, state.deployed, events, durations, running, known, unsettled)


def _unsettled(project: Project, environment: Environment, state_dir: Path) -> str:
    """The newest run of this account there that has to be settled, "" where none has."""
    for run in unfinished(state_dir, project.plan.project):
        if run.environment == environment.name and worked_here(state_dir / "runs" / run.run_id, project, environment):
            return run.run_id
    return ""


def _tracked(
    connection: Connection, schema: str | None, project: str
) -> tuple[Mapping[str, float], tuple[ChangingRow, ...]]:
    """What the tracking tables add. It only makes more runs known, and a guess better."""
    durations: Mapping[str, float] = {}
    rows: tuple[ChangingRow, ...] = ()
    if schema is not None:
        with contextlib.suppress(PgmigError):
            durations = tracking.read_durations(connection, schema)
        with contextlib.suppress(PgmigError):
            rows = runs.read_newest(connection, schema, project)
    return durations, rows


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
    """The run that withdraws it, and marks what it reverts as not to be deployed, for `reason`.

    Raises as `planning.prepare` does; nothing was changed then.
    """
    from pgmig_tui.run.journal.run_plan import Options
    from pgmig_tui.run.planning.marks import marked_plan
    from pgmig_tui.run.planning.prepare import prepare

    options = Options(
        to=extent.keep.change_id if extent.keep is not None else None,
        revert_all=extent.keep is None,
        variables=dict(variables or {}),
        lock_wait_s=lock_wait_s,
    )
    plan = prepare(project, environment, "revert", options, state_dir=state_dir)
    unsure = (extent.unsure,) if extent.unsure else ()
    plan = replace(plan, rolls_back=extent.run_id, back_to=extent.point, warnings=(*unsure, *plan.warnings))
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
