"""The steps of a plan, and what stands in their way: a deploy follows the plan, a revert and a verify the registry.

Beside the steps stands the SQL that mends the registry's own rows before the first of them ("" = none). Where there is
nothing to do, there are no steps and a warning says why. All raise ProjectError and UsageError.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from pgmig_tui.database import dependencies, registry
from pgmig_tui.database.connect import Connection
from pgmig_tui.database.registry import DeployedChange
from pgmig_tui.database.rows import script_hash_fix_sql
from pgmig_tui.errors import ProjectError, UsageError
from pgmig_tui.project.changes import find_deployed
from pgmig_tui.run.plan import Command, Mode, Step
from pgmig_tui.run.reading import Work, place_verification, read_script
from pgmig_tui.script.backfill import declares

if TYPE_CHECKING:
    from pgmig_tui.project.plan import Change
    from pgmig_tui.script.preview import Preview
    from pgmig_tui.script.shape import Shape

_NOTHING = "Nothing was changed."
Planned = tuple[tuple[Step, ...], str]


def plan_steps(command: Command, work: Work, connection: Connection, ours: Sequence[DeployedChange]) -> Planned:
    """The steps of a command over what is deployed of the project (`ours`, in the order in which it was)."""
    return _PLANNERS[command](work, connection, ours)


# -- deploy --------------------------------------------------------------------------------------------------------


def _deploy_steps(work: Work, connection: Connection, ours: Sequence[DeployedChange]) -> Planned:
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
    mode, why = _mode(work, form)
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
        mode=mode,
        mode_reason=why,
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
        findings=_findings(view),
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


def _revert_steps(work: Work, connection: Connection, ours: Sequence[DeployedChange]) -> Planned:
    options, target = work.options, work.environment.target
    registry.refuse_absent(work.state.info, target)
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
        keep = ours.index(find_deployed(options.to, ours, work.project.plan))
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
    mode, why = _mode(work, form)
    return Step(
        number=number,
        action="revert",
        change_id=deployed.change_id,
        change=deployed.name,
        label=_label(planned) if planned else deployed.name,
        note=deployed.note,
        mode=mode,
        mode_reason=why,
        verify="off",
        verify_reason="a revert is not verified",
        script=name,
        script_hash=deployed.script_hash,
        wraps=form.wraps,
        new_session=form.needs_new_session,
        expected_last=deployed.change_id,
        rows_sql=registry.revert_rows_sql(target.registry, deployed, project.operator),
        findings=_findings(view),
    )


# -- verify --------------------------------------------------------------------------------------------------------


def _verify_steps(work: Work, connection: Connection, ours: Sequence[DeployedChange]) -> Planned:
    plan, options = work.project.plan, work.options
    registry.refuse_absent(work.state.info, work.environment.target)
    if not ours:
        work.warnings.append("nothing to verify (nothing is deployed)")
        return (), ""
    if options.to is not None:
        ours = ours[: ours.index(find_deployed(options.to, ours, plan)) + 1]
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


# -- what they share -----------------------------------------------------------------------------------------------


def _mode(work: Work, form: Shape) -> tuple[Mode, str]:
    """How a script is carried out, and why so."""
    if work.options.log_only:
        return "record", "only recorded (--log-only)"
    return "atomic" if form.mode == "atomic" else "stepwise", form.reason


def _findings(view: Preview) -> tuple[str, ...]:
    return tuple(f"{finding.path}:{finding.line}: {finding.message}" for finding in view.findings)


def _label(change: Change) -> str:
    return " ".join([change.name, *(f"@{tag.name}" for tag in change.tags)])


_PLANNERS: Mapping[Command, Callable[[Work, Connection, Sequence[DeployedChange]], Planned]] = {
    "deploy": _deploy_steps,
    "revert": _revert_steps,
    "verify": _verify_steps,
}
