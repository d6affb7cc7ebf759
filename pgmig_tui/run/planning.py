"""Which changes, in which order, as steps: everything that can be known before the first statement is known here.

`prepare` reads the server once, reads every script once into the run's folder, and either raises (nothing was changed)
or returns the RunPlan that the review shows and the run process carries out.
"""

from __future__ import annotations

import getpass
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from pgmig_tui.database import dependencies, registry, tracking
from pgmig_tui.database.connect import (
    Connection,
    application_name,
    check_server,
    connect,
    refuse_transaction_pooler,
)
from pgmig_tui.database.registry import DeployedChange
from pgmig_tui.database.rows import script_hash_fix_sql
from pgmig_tui.errors import ProjectError, UsageError
from pgmig_tui.project.changes import find_deployed
from pgmig_tui.run import marks
from pgmig_tui.run.events import utc
from pgmig_tui.run.files import RecordingFiles
from pgmig_tui.run.folder import discard, new_folder
from pgmig_tui.run.plan import Carried, Command, Options, RunPlan, Server, Step
from pgmig_tui.run.reading import Work, place_verification, read_script
from pgmig_tui.script.backfill import declares

if TYPE_CHECKING:
    from pgmig_tui.database.identity import ServerIdentity
    from pgmig_tui.project.environments import Environment
    from pgmig_tui.project.plan import Change
    from pgmig_tui.project.project import Project

_NOTHING = "Nothing was changed."


def prepare(
    project: Project,
    environment: Environment,
    command: Command,
    options: Options,
    *,
    state_dir: Path,
    progress: Callable[[str], None] | None = None,
) -> RunPlan:
    """Plan a deploy, revert or verify. A plan without steps has nothing to do; its `warnings` say why.

    Raises Unreachable, Refused, ProjectError, UsageError, NotPermitted: in all cases nothing was changed.
    """
    say = progress or (lambda text: None)
    project = project.for_target(environment.target)
    target = environment.target
    say(f"asking {environment.name}")
    with connect(target, application_name=application_name("plan", command)) as connection:
        identity = connection.identity()
        if command != "verify":
            check_server(identity, environment.policy)
            refuse_transaction_pooler(target, connection)
        settled = _settle_earlier(connection, identity, project, environment, state_dir) if command != "verify" else []
        state = registry.read_state(connection, target.registry, None)
        registry.refuse_newer(state.info)
        ours = tuple(change for change in state.deployed if change.project == project.plan.project)
        folder = new_folder(state_dir)
        try:
            files = RecordingFiles(project.root, folder, allow_files=environment.policy.allow_files)
            variables = {**project.variables(command, target, options.variables), "registry": target.registry}
            work = Work(project, environment, options, identity, state, files, variables, [*settled, *project.warnings])
            say("reading the scripts")
            steps, setup = _STEPS[command](work, connection, ours)
            work.refuse_problems()
            files.close()
            creates, track = _creates(work, command, connection, steps, state_dir)
        except BaseException:
            discard(folder)
            raise
    plan = replace(
        blank_plan(project, environment, command, identity, folder, options.lock_wait_s),
        registry_present=state.info.present,
        tracking=track,
        steps=steps,
        baseline=ours[-1].change_id if ours else None,
        variables=work.variables,
        setup_sql=setup,
        creates=creates,
        warnings=tuple(work.warnings),
        log_only=options.log_only,
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
            conninfo=target.conninfo,
            display=target.display,
            database=identity.database,
            role=identity.role,
            version=identity.version,
            version_num=identity.version_num,
            system_identifier=identity.system_identifier,
            timeline=identity.timeline,
            encoding=identity.encoding,
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
    )


def _settle_earlier(
    connection: Connection, identity: ServerIdentity, project: Project, environment: Environment, state_dir: Path
) -> list[str]:
    """Settle runs of this account that were cut off here, and tell of what the last one left half done. Raises InDoubt
    where a person has to look."""
    from pgmig_tui.run.client import left_partly, unfinished

    told = []
    if unfinished(state_dir):
        from pgmig_tui.run.reconcile import settle_or_refuse

        place = (environment.name, project.plan.project, environment.target.registry)
        told = settle_or_refuse(connection, identity, *place, state_dir)
    for one in left_partly(state_dir, project.plan.project, environment.name):
        told.append(
            f"{one.data.get('change')} was partly carried out by the run {one.run}: {one.data.get('message')};"
            " its script runs from the beginning"
        )
    return told


# -- deploy --------------------------------------------------------------------------------------------------------


def _deploy_steps(work: Work, connection: Connection, ours: Sequence[DeployedChange]) -> tuple[tuple[Step, ...], str]:
    plan, options = work.project.plan, work.options
    if not plan.changes:
        raise ProjectError(f"the plan {plan.path.name} has no changes: nothing to deploy", now=_NOTHING)
    position = _position(work, ours)
    last = plan.find(options.to).index if options.to else len(plan.changes) - 1
    if last < position:
        raise UsageError(
            f"{options.to} is earlier than {plan.changes[position].name}, which is deployed",
            now=_NOTHING,
            do=f"Use: pgmig-tui revert {work.environment.name} --to {options.to}",
        )
    setup = ""
    if position >= 0:
        current = plan.changes[position]
        setup = registry.tag_rows_sql(
            work.environment.target.registry,
            plan,
            current,
            work.project.operator,
            (row.tag_id for row in ours[-1].tag_rows),
        )
    pending = plan.changes[position + 1 : last + 1]
    if not pending:
        where = f"already at {options.to}" if options.to else "up to date"
        work.warnings.append(f"nothing to deploy ({where})")
        return (), ""
    hashes = {change.change_id: work.hash(change) for change in pending}
    problems = dependencies.check_deploy(plan, pending, work.state.deployed, hashes)
    if problems:
        raise ProjectError("the changes can't be deployed", details=problems, now=_NOTHING)
    _warn_of_changed_scripts(work, ours)
    steps = []
    registered = dependencies.Registered(work.state.deployed)
    earlier: set[str] = set()
    expected = ours[-1].change_id if ours else None
    for number, change in enumerate(pending, 1):
        resolved = dependencies.resolve_requires(plan, change, registered, earlier)
        steps.append(_deploy_step(work, number, change, hashes[change.change_id], expected, resolved))
        expected = change.change_id
        earlier.add(expected)
    return tuple(steps), "; ".join(part for part in (setup, _hash_fixes(work, ours)) if part)


def _deploy_step(
    work: Work, number: int, change: Change, digest: str, expected: str | None, resolved: Mapping[str, str]
) -> Step:
    project, target = work.project, work.environment.target
    name, data = work.files.script(project.script_path(change, "deploy"))
    view, form = read_script(work, name, data)
    verify_name, verify, reason = place_verification(work, change, view, form)
    if not work.options.log_only and declares(data):
        how = f"`pgmig-tui backfill {work.environment.name} {change.name}`"
        work.warnings.append(f"{name} declares a statement for batches, and a deploy runs it whole; in batches: {how}")
    return Step(
        number=number,
        action="deploy",
        change_id=change.change_id,
        change=change.name,
        label=_label(change),
        note=change.note,
        mode="record" if work.options.log_only else "atomic" if form.mode == "atomic" else "stepwise",
        mode_reason="only recorded (--log-only)" if work.options.log_only else form.reason,
        verify=verify,
        verify_reason=reason,
        script=name,
        verify_script=verify_name,
        script_hash=digest,
        wraps=form.wraps,
        new_session=form.needs_new_session,
        expected_last=expected,
        rows_sql=registry.deploy_rows_sql(target.registry, project.plan, change, digest, resolved, project.operator),
        fail_sql=""
        if work.options.log_only
        else registry.fail_event_sql(target.registry, project.plan, change, project.operator),
        findings=tuple(f"{finding.path}:{finding.line}: {finding.message}" for finding in view.findings),
    )


def _position(work: Work, ours: Sequence[DeployedChange]) -> int:
    """The plan index of the last deployed change; -1 when nothing is. Refuses what the plan doesn't explain."""
    plan, where = work.project.plan, work.environment.name
    for index, deployed in enumerate(ours):
        if index < len(plan.changes) and plan.changes[index].change_id == deployed.change_id:
            continue
        known = plan.by_id.get(deployed.change_id)
        if known is None:
            same = next((change for change in plan.changes if change.name == deployed.name), None)
            detail = (
                f"The plan has a change of that name with the ID {same.change_id}: its note, date, order, planner or "
                "project was edited after it was deployed."
                if same
                else "The plan has no change of that name."
            )
            raise ProjectError(
                f"{deployed.name} ({deployed.change_id[:10]}) is deployed on {where} but is not in the plan",
                details=[detail],
                now=_NOTHING,
                do="Check out the plan that was deployed, or compare both with `pgmig-tui status`.",
            )
        raise ProjectError(
            f"{deployed.name} is change {index + 1} on {where}, and change {known.index + 1} of the plan",
            now=_NOTHING,
            do="Put the plan back into the order in which it was deployed.",
        )
    return len(ours) - 1


def _warn_of_changed_scripts(work: Work, ours: Sequence[DeployedChange]) -> None:
    for deployed in ours:
        planned = work.project.plan.by_id.get(deployed.change_id)
        known = (work.project.script_hash(planned), deployed.change_id, None) if planned else ()
        if planned and deployed.script_hash not in known:
            work.warnings.append(f"the deploy script of {deployed.name} has changed since it was deployed")


def _hash_fixes(work: Work, ours: Sequence[DeployedChange]) -> str:
    """A registry from before Sqitch 0.998 has change IDs where script hashes belong; the next deploy mends that."""
    by_id, stale = work.project.plan.by_id, work.state.info.version == "0"
    fixes = {
        deployed.change_id: work.project.script_hash(by_id[deployed.change_id]) if deployed.change_id in by_id else None
        for deployed in ours
        if stale or deployed.script_hash == deployed.change_id
    }
    return script_hash_fix_sql(work.environment.target.registry, fixes) if fixes else ""


# -- revert --------------------------------------------------------------------------------------------------------


def _revert_steps(work: Work, connection: Connection, ours: Sequence[DeployedChange]) -> tuple[tuple[Step, ...], str]:
    options, target = work.options, work.environment.target
    if not work.state.info.present:
        raise ProjectError(f"there is no registry in {target.display}: nothing was ever deployed there", now=_NOTHING)
    if work.state.info.old:
        raise ProjectError(
            f"the registry has version {work.state.info.version}", now=_NOTHING, do="A deploy upgrades it."
        )
    if not ours:
        work.warnings.append("nothing to revert (nothing is deployed)")
        return (), ""
    if options.to is None and not options.revert_all:
        raise UsageError(
            "revert needs to know how far", now=_NOTHING, do="Say --to CHANGE (the last one to keep), or --all."
        )
    keep = -1
    if options.to is not None:
        kept = find_deployed(options.to, ours, work.project.plan)
        keep = next(index for index, change in enumerate(ours) if change.change_id == kept.change_id)
    chosen = list(reversed(ours[keep + 1 :]))
    if not chosen:
        work.warnings.append(f"nothing to revert (nothing is deployed after {options.to})")
        return (), ""
    dependents = dependencies.read_dependents(connection, target.registry, [change.change_id for change in chosen])
    problems = dependencies.check_revert(work.project.plan.project, chosen, dependents)
    if problems:
        raise ProjectError("other deployed changes need what would be reverted", details=problems, now=_NOTHING)
    return tuple(_revert_step(work, number, change) for number, change in enumerate(chosen, 1)), ""


def _revert_step(work: Work, number: int, deployed: DeployedChange) -> Step:
    project, target = work.project, work.environment.target
    planned = project.plan.by_id.get(deployed.change_id)
    later = [other for other in work.state.deployed if other.committed_at > deployed.committed_at]
    path = project.revert_path_for(deployed, later)
    name, data = work.files.script(path)
    view, form = read_script(work, name, data)
    return Step(
        number=number,
        action="revert",
        change_id=deployed.change_id,
        change=deployed.name,
        label=_label(planned) if planned else deployed.name,
        note=deployed.note,
        mode="record" if work.options.log_only else "atomic" if form.mode == "atomic" else "stepwise",
        mode_reason="only recorded (--log-only)" if work.options.log_only else form.reason,
        verify="off",
        verify_reason="a revert is not verified",
        script=name,
        script_hash=deployed.script_hash,
        wraps=form.wraps,
        new_session=form.needs_new_session,
        expected_last=deployed.change_id,
        rows_sql=registry.revert_rows_sql(target.registry, deployed, project.operator),
        findings=tuple(f"{finding.path}:{finding.line}: {finding.message}" for finding in view.findings),
    )


# -- verify --------------------------------------------------------------------------------------------------------


def _verify_steps(work: Work, connection: Connection, ours: Sequence[DeployedChange]) -> tuple[tuple[Step, ...], str]:
    plan, options = work.project.plan, work.options
    if not work.state.info.present:
        raise ProjectError(
            f"there is no registry in {work.environment.target.display}: nothing was ever deployed there", now=_NOTHING
        )
    if not ours:
        work.warnings.append("nothing to verify (nothing is deployed)")
        return (), ""
    if options.to is not None:
        last = find_deployed(options.to, ours, plan)
        ours = ours[: next(i for i, change in enumerate(ours) if change.change_id == last.change_id) + 1]
    return tuple(
        _verify_step(work, number, index, change) for number, (index, change) in enumerate(enumerate(ours), 1)
    ), ""


def _verify_step(work: Work, number: int, index: int, deployed: DeployedChange) -> Step:
    """Sqitch's order of questions: is it in the plan, at its place, superseded by a rework, is there a script."""
    plan = work.project.plan
    planned = plan.by_id.get(deployed.change_id)
    script: str | None = None
    problem = ""
    if planned is None:
        problem = "not present in the plan"
    elif planned.index != index:
        problem = "out of order"
    reason = problem
    if planned is not None and planned.superseded_by is not None:
        reason = reason or "reworked later: the newer change's verification counts"
    elif planned is not None:
        path = work.project.script_path(planned, "verify")
        if path.exists():
            script, data = work.files.script(path)
            read_script(work, script, data, verify=True)
        else:
            reason = reason or "has no verify script"
            work.warnings.append(f"{planned.name} has no verify script")
    return Step(
        number=number,
        action="verify",
        change_id=deployed.change_id,
        change=deployed.name,
        label=_label(planned) if planned else deployed.name,
        note=deployed.note,
        mode="stepwise",
        mode_reason="a verification runs in a session of its own",
        verify="after" if script else "off",
        verify_reason=reason,
        verify_script=script,
        findings=(problem,) if problem else (),
    )


_STEPS: Mapping[Command, Callable[[Work, Connection, Sequence[DeployedChange]], tuple[tuple[Step, ...], str]]] = {
    "deploy": _deploy_steps,
    "revert": _revert_steps,
    "verify": _verify_steps,
}


# -- the rest ------------------------------------------------------------------------------------------------------


def _creates(
    work: Work, command: Command, connection: Connection, steps: Sequence[Step], state_dir: Path
) -> tuple[tuple[str, ...], str | None]:
    """The schemas that this run will create, and where it is tracked (None = nowhere, said in the warnings). Raises
    Refused for a change that is marked `do not deploy`."""
    if command == "verify" or not steps:
        return (), None
    target, creates = work.environment.target, []
    if command == "deploy" and not work.state.info.present:
        creates.append(target.registry)
    found = tracking.read_tracking(connection, work.environment.policy.tracking)
    if found.reason:
        work.warnings.append(f"tracking is off: {found.reason}")
    if found.schema is not None and found.creates:
        creates.append(found.schema)
    if command == "deploy":
        where = work.environment.policy.tracking if found.marks else None
        marks.refuse_marked(connection, where, work, [step.change_id for step in steps], state_dir)
    return tuple(creates), found.schema


def _label(change: Change) -> str:
    return " ".join([change.name, *(f"@{tag.name}" for tag in change.tags)])


def _os_user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ""
