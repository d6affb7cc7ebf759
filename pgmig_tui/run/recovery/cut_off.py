"""Runs that were cut off, and what a new run does about them.

A run is settled for its own environment, and from its own server (`recovery.same_server`): a copy of it holds whatever
was true when the copy was made, and what it says of the run may be wrong.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pgmig_tui.errors import InDoubt
from pgmig_tui.run.journal.listing import CHANGING, unfinished
from pgmig_tui.run.journal.run_plan import RunPlan
from pgmig_tui.run.recovery.reconcile import Settlement, examine, settle
from pgmig_tui.run.recovery.same_server import relation_of

if TYPE_CHECKING:
    from pgmig_tui.database.connect import Connection
    from pgmig_tui.database.identity import ServerIdentity
    from pgmig_tui.database.probe import Relation
    from pgmig_tui.project.environments import Environment
    from pgmig_tui.project.hooks import Hook
    from pgmig_tui.project.project import Project

_NOTHING = "Nothing was changed."


@dataclass(frozen=True, slots=True)
class CutOff:
    """A run that was cut off, and what `relation` the server that answers now has to its own; `why` says it where that
    is unknown. `own`: it was started for the environment that is asked about."""

    plan: RunPlan
    relation: Relation
    why: str
    own: bool


def cut_off_runs(
    state_dir: Path, project: Project, environment: Environment, connection: Connection, identity: ServerIdentity
) -> list[CutOff]:
    """The runs of this account that were cut off and may concern the database behind `connection`, oldest first: those
    of `environment`, and those of others that aren't known to have worked elsewhere.

    Asks another server only where a run has the same system identifier and database, and another address. Raises
    ServerError, ConnectionLost.
    """
    found = []
    place = (project.plan.project, environment.target.registry)
    for run in unfinished(state_dir):
        with contextlib.suppress(OSError, ValueError, TypeError, KeyError):
            plan = RunPlan.load(state_dir / "runs" / run.run_id)
            if plan.command not in CHANGING or plan.dry_run or (plan.project, plan.registry) != place:
                continue
            probed = relation_of(plan, project, environment, connection, identity)
            own = plan.environment == environment.name
            if own or probed.relation != "other":
                found.append(CutOff(plan, probed.relation, probed.why, own))
    return found[::-1]


# -- at the start of another run -----------------------------------------------------------------------------------


def look_back(
    state_dir: Path, project: Project, environment: Environment, connection: Connection, identity: ServerIdentity
) -> tuple[tuple[str, ...], list[str]]:
    """What a new run does first: look at the runs that were cut off here. Reads only.

    Returns the IDs of those that it can settle when it begins (`settle_earlier`), and what it found, as warnings.
    Raises InDoubt, naming `reconcile`, where a person has to look.
    """
    ids, told = [], []
    command = f"`pgmig-tui reconcile {environment.name}`"
    for one in cut_off_runs(state_dir, project, environment, connection, identity):
        run_id = one.plan.run_id
        if one.relation == "other":
            told.append(f"the run {run_id} was cut off on another server, {one.plan.server.where}: {command} tells")
            continue
        of = f"the run {run_id} was cut off on {one.plan.environment}"
        if one.relation == "unknown":
            raise InDoubt(
                f"{of}, and whether it worked on this server can't be told: {one.why}",
                now=_NOTHING,
                do=f"{command} asks.",
            )
        if not one.own:
            raise InDoubt(f"{of}, which is this very server and database", now=_NOTHING, do=f"{command} settles it.")
        settlement = examine(connection, one.plan)
        if settlement.sessions:
            pids = ", ".join(str(session.pid) for session in settlement.sessions)
            raise InDoubt(
                f"{of}, and it still lives on the server: process {pids}",
                now=_NOTHING,
                do=f"{command} names its sessions and can end them.",
            )
        if not settlement.settled or settlement.partly:
            raise InDoubt(f"{of}: {settlement.summary}", now=_NOTHING, do=f"{command} settles it.")
        ids.append(run_id)
        told.append(f"the run {run_id} was cut off; the next run that begins here settles it: {settlement.summary}")
    return tuple(ids), told


def examine_earlier(connection: Connection, state_dir: Path, run_ids: Iterable[str]) -> list[Settlement]:
    """What `look_back` has found, from evidence that is read again now.

    Call it under Sqitch's lock, and before a registry is made: one without rows proves less than none. Raises InDoubt
    where the evidence has changed, OSError.
    """
    found = []
    for run_id in run_ids:
        if not any(run.run_id == run_id for run in unfinished(state_dir)):
            continue  # another has settled it meanwhile
        settlement = examine(connection, RunPlan.load(state_dir / "runs" / run_id))
        if not settlement.settled or settlement.partly:
            raise InDoubt(
                f"the run {run_id}, which was cut off, can't be settled any more: {settlement.summary}",
                now=_NOTHING, do=f"`pgmig-tui reconcile {settlement.plan.environment}` looks at it.",
            )  # fmt: skip
        found.append(settlement)
    return found


def settle_earlier(
    connection: Connection, found: Iterable[Settlement], by: str, hooks: Sequence[Hook], root: str
) -> list[tuple[str, str]]:
    """Settle what `examine_earlier` has found, and tell it to `hooks`, which pgmig.toml in `root` has for their
    environment: (ID, summary) of each. Raises OSError."""
    return [(one.plan.run_id, one.summary) for one in found if settle(connection, one, by=by, hooks=hooks, root=root)]
