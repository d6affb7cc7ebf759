"""Which changes, in which order, as steps: everything that can be known before the first statement is known here.

`prepare` reads the server once, reads every script once into the run's folder, and either raises (nothing was changed)
or returns the RunPlan that the review shows and the run process carries out.
"""

from __future__ import annotations

import getpass
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

from pgmig_tui.database import registry, tls, tracking
from pgmig_tui.database.changed import database_oid
from pgmig_tui.database.connect import (
    Connection,
    application_name,
    connect,
)
from pgmig_tui.run.journal.entry import utc
from pgmig_tui.run.journal.folder import discard, new_folder
from pgmig_tui.run.journal.frozen import RecordingFiles
from pgmig_tui.run.journal.run_plan import Carried, Command, Options, RunPlan, Server, Step
from pgmig_tui.run.planning import marks
from pgmig_tui.run.planning.door import arrive
from pgmig_tui.run.planning.reading import Work
from pgmig_tui.run.planning.steps import plan_steps
from pgmig_tui.run.planning.witnesses import Heads

if TYPE_CHECKING:
    from pgmig_tui.database.identity import ServerIdentity
    from pgmig_tui.project.environments import Environment
    from pgmig_tui.project.project import Project


def prepare(
    project: Project,
    environment: Environment,
    command: Command,
    options: Options,
    *,
    state_dir: Path,
    progress: Callable[[str], None] | None = None,
    trial: bool = False,
) -> RunPlan:
    """Plan a deploy, revert or verify. One that `does_something` not has `warnings` that say why.

    The plan's environment is the one that the server turns out to be (`planning.protection`). Of a `trial` nothing
    stays: what must not be deployed is tried all the same, with a warning, and its scripts may use no shell.

    Raises Unreachable, Refused, ProjectError, UsageError, NotPermitted: in all cases nothing was changed.
    """
    say = progress or (lambda text: None)
    project = project.for_target(environment.target)
    target = environment.target
    tracks = environment.policy.tracking is not None
    heads = Heads(project, environment) if command == "deploy" and tracks and not trial else None
    say(f"asking {environment.name}")
    with connect(target, application_name=application_name("plan", command)) as connection:
        identity = connection.identity()
        settles: tuple[str, ...] = ()
        told: list[str] = []
        if command != "verify":
            arrived = arrive(project, environment, connection, identity, state_dir)
            environment, told = arrived.environment, list(arrived.told)
            settles, more = _look_back(connection, identity, project, environment, state_dir)
            told += more
        oid = database_oid(connection)
        if trial:
            environment = replace(environment, policy=replace(environment.policy, allow_shell=False))
        state = registry.read_state(connection, target.registry, None)
        registry.refuse_newer(state.info)
        ours = tuple(change for change in state.deployed if change.project == project.plan.project)
        folder = new_folder(state_dir)
        try:
            files = RecordingFiles(project, folder, allow_files=environment.policy.allow_files)
            variables = project.variables(command, target, options.variables)
            notes = [*told, *project.warnings]
            work = Work(project, environment, options, identity, state, files, variables, notes, trial=trial)
            say("reading the scripts")
            steps, setup, beside = plan_steps(command, work, connection, ours)
            work.refuse_problems()
            files.close()
            creates, track, version = _creates(work, command, connection, steps, state_dir, trial=trial)
        except BaseException:
            discard(folder)
            raise
    plan = replace(
        blank_plan(project, environment, command, identity, folder, options.lock_wait_s, oid),
        registry_present=state.info.present,
        tracking=track,
        tracking_version=version,
        witnessed=tuple(asdict(one) for one in heads.read()) if heads is not None and steps and track else (),
        steps=steps,
        baseline=ours[-1].change_id if ours else None,
        variables=work.variables,
        given=tuple(options.variables),
        setup_sql=setup,
        beside=beside,
        creates=creates,
        warnings=tuple(work.warnings),
        log_only=options.log_only,
        settles=settles,
    )
    plan.save()
    return plan


def blank_plan(
    project: Project,
    environment: Environment,
    command: Carried,
    identity: ServerIdentity,
    folder: Path,
    lock_wait_s: float,
    database_oid: int | None = None,
) -> RunPlan:
    """A plan without steps: who runs, where, and what the environment's policy says."""
    policy, target = environment.policy, environment.target
    return RunPlan(
        run_id=folder.name,
        command=command,
        project=project.plan.project,
        uri=project.plan.uri,
        root=str(project.root),
        environment=environment.name,
        protected=policy.protected,
        confirm_word=policy.confirm_word,
        server=Server(
            conninfo={**target.conninfo, **tls.settled(target)},
            display=target.display,
            database=identity.database,
            role=identity.role,
            version=identity.version,
            version_num=identity.version_num,
            system_identifier=identity.system_identifier,
            timeline=identity.timeline,
            encoding=identity.encoding,
            host=identity.host,
            port=identity.port,
            database_oid=database_oid,
        ),
        registry=target.registry,
        registry_present=True,
        tracking=policy.tracking,
        steps=(),
        folder=folder,
        baseline=None,
        operator_name=project.operator.name,
        operator_email=project.operator.email,
        host=socket.gethostname(),
        os_user=_os_user(),
        prepared_at=utc(time.time(), identity.clock_skew_s),
        variables={},
        lock_timeout_ms=policy.lock_timeout_ms,
        lock_wait_s=lock_wait_s,
        allow_shell=policy.allow_shell,
        allow_files=policy.allow_files,
        on_hangup=policy.on_hangup,
        retries=policy.retries,
        guard_waiters=policy.queue_guard.waiters,
        guard_oldest_ms=policy.queue_guard.oldest_ms,
        hooks=tuple(asdict(one) for one in environment.hooks),
    )


def _look_back(
    connection: Connection, identity: ServerIdentity, project: Project, environment: Environment, state_dir: Path
) -> tuple[tuple[str, ...], list[str]]:
    """(Runs of this account that were cut off here and that this one will settle, what is told of them and of what the
    last one left half done). Raises InDoubt where a person has to look."""
    from pgmig_tui.run.journal.listing import left_partly, unfinished

    settles: tuple[str, ...] = ()
    told: list[str] = []
    if unfinished(state_dir):
        from pgmig_tui.run.recovery.cut_off import look_back

        settles, told = look_back(state_dir, project, environment, connection, identity)
    for run, one in left_partly(state_dir, project.plan.project, environment.name):
        was, where = ("was", f", at line {one.line}") if one.line else ("may have been", "")
        told.append(
            f"{one.change} {was} partly carried out by the run {run} (its {one.action}{where}): {one.message}; its"
            " script runs from the beginning"
        )
    return settles, told


def _creates(
    work: Work, command: Command, connection: Connection, steps: Sequence[Step], state_dir: Path, *, trial: bool
) -> tuple[tuple[str, ...], str | None, int]:
    """The schemas that this run will create, where it is tracked (None = nowhere, said in the warnings), and of which
    version the tables there are then. Raises Refused for a change that is marked `do not deploy`, unless it is only
    tried: that is how its mending is."""
    if not steps:
        return (), None, 2
    if command == "verify":  # it creates nothing, and is the same where it can't write
        found = tracking.read_tracking(connection, work.environment.policy.tracking, work.environment.target.registry)
        there = found.creates not in ("schema", "tables")
        return (), found.schema if there else None, found.version
    target, creates = work.environment.target, []
    if command == "deploy" and not work.state.info.present:
        creates.append(target.registry)
    found = tracking.read_tracking(connection, work.environment.policy.tracking, target.registry)
    if found.reason:
        work.warnings.append(f"tracking is off: {found.reason}")
    if found.no_runs:
        work.warnings.append(found.without_row)
    if found.stays:
        work.warnings.append(found.stays)
    if found.schema is not None and found.creates == "upgrade":
        work.warnings.append(
            f"the tracking tables in schema {found.schema} are upgraded to version 2 before the first step: columns,"
            " two tables and three functions are added, all rows stay"
        )
    elif found.schema is not None and found.creates == "schema":
        creates.append(found.schema)
    if command == "deploy":
        where = work.environment.policy.tracking if found.marks else None
        stopped = marks.marked(connection, where, work, [step.change_id for step in steps], state_dir)
        if stopped and not trial:
            raise marks.Marked(work.environment.name, stopped)
        work.warnings += [f"must not be deployed until that is lifted: {mark}" for mark in stopped]
    return tuple(creates), found.schema, 2 if found.creates in ("schema", "tables", "upgrade") else found.version


def _os_user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ""
