"""The steps of a plan, and what stands in their way: a deploy follows the plan, a revert and a verify the registry.

Beside the steps stands the SQL that mends the registry's own rows before the first of them ("" = none), and what it
does in words. Where there are no steps, a warning says why. All raise ProjectError and UsageError.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pgmig_tui.database import dependencies, registry
from pgmig_tui.database.connect import Connection
from pgmig_tui.database.registry import DeployedChange
from pgmig_tui.database.rows import script_hash_fix_sql
from pgmig_tui.display import words
from pgmig_tui.errors import ProjectError, UsageError
from pgmig_tui.project.changes import find_deployed
from pgmig_tui.project.tags import moved_tags
from pgmig_tui.project.tickets import ticket_in
from pgmig_tui.run.journal.run_plan import Command, Step
from pgmig_tui.run.planning.reading import Planned, Work, label, place_verification, read_for_step
from pgmig_tui.run.planning.verification import verify_steps
from pgmig_tui.script.backfill import declares

if TYPE_CHECKING:
    from pgmig_tui.project.plan import Change

_NOTHING = "Nothing was changed."


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
    pending = plan.changes[position + 1 : last + 1]
    _refuse_moved_tags(work, ours, plan.changes[max(position, 0) : last + 1])
    setup, beside = _registry_rows(work, ours)
    if not pending:
        where = f"already at {options.to}" if options.to else "up to date"
        work.warnings.append(f"nothing to deploy ({where})")
        return (), setup, beside
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
    return tuple(steps), setup, beside


def _refuse_moved_tags(work: Work, ours: Sequence[DeployedChange], written: Sequence[Change]) -> None:
    """A tag is recorded once. Refuse to run the scripts of changes (`written`) whose tags the registry has otherwise;
    tell of others."""
    deployed = ((change.change_id, row.tag_id, row.tag) for change in ours for row in change.tag_rows)
    moved = moved_tags(work.project.plan, deployed)
    ids = {change.change_id for change in written}
    if stopped := [one.told for one in moved if one.planned.change_id in ids]:
        raise ProjectError(
            f"{words.count(len(stopped), 'tag')} can't be recorded on {work.environment.name}",
            details=stopped,
            now=_NOTHING,
            do="Put the tag back where it was deployed, and give the new point a name of its own.",
        )
    work.warnings += [one.told for one in moved]


def _registry_rows(work: Work, ours: Sequence[DeployedChange]) -> tuple[str, tuple[str, ...]]:
    """What a deploy writes of changes that are deployed already: tags of the last one that the plan has and the
    registry hasn't, and script hashes where a registry from before Sqitch 0.998 has none. SQL, and the same in words.

    The changes that are deployed are the first of the plan, in its order.
    """
    if not ours:
        return "", ()
    plan, schema = work.project.plan, work.environment.target.registry
    current, known = plan.changes[len(ours) - 1], [row.tag_id for row in ours[-1].tag_rows]
    parts = [registry.tag_rows_sql(schema, plan, current, work.project.operator, known)]
    missing = [f"@{tag.name}" for tag in current.tags if tag.tag_id not in known]
    beside = (
        [f"the {'tag' if len(missing) == 1 else 'tags'} {words.listing(missing)} of {current.name}"] if missing else []
    )
    if fixes := _hash_fixes(work, ours):
        parts.append(fixes)
        beside.append("the hashes of the deploy scripts, which an old registry lacks")
    return "; ".join(part for part in parts if part), tuple(beside)


def _deploy_step(
    work: Work, number: int, change: Change, digest: str | None, expected: str | None, resolved: Mapping[str, str]
) -> Step:
    project, target = work.project, work.environment.target
    read = read_for_step(work, project.script_path(change, "deploy"))
    name, mode, why, form, findings = read.name, read.mode, read.reason, read.form, read.findings
    verify_name, verify, reason = place_verification(work, change, read.view, form)
    if not work.options.log_only and declares(read.data):
        how = f"`pgmig-tui backfill {work.environment.name} {change.name}`"
        work.warnings.append(f"{name} declares a statement for batches, and a deploy runs it whole; in batches: {how}")
    hashes = work.hashes(change, included=True)
    return Step(
        number=number,
        action="deploy",
        change_id=change.change_id,
        change=change.name,
        label=label(change),
        note=change.note,
        meaning=_meaning(work, name, read.data, hashes.get("deploy_included", "")),
        planner=f"{change.planner_name} <{change.planner_email}>",
        ticket=ticket_in(work.environment.ticket, change.note),
        mode=mode,
        mode_reason=why,
        verify=verify,
        verify_reason=reason,
        script=name,
        verify_script=verify_name,
        script_hash=digest,
        wraps=form is not None and form.wraps,
        new_session=form is not None and form.needs_new_session,
        expected_last=expected,
        rows_sql=registry.deploy_rows_sql(target.registry, project.plan, change, digest, resolved, project.operator),
        fail_sql=""
        if work.options.log_only
        else registry.fail_event_sql(target.registry, project.plan, change, project.operator),
        findings=findings,
        hashes=hashes,
    )


def _meaning(work: Work, name: str | None, script: bytes, included: str) -> str:
    """What a script says, for those who compare it later: only where somebody will, for it takes time. What stands for
    the files that it includes comes behind a plus sign."""
    environment = work.environment.name
    if name is None or not any(one.policy.promote_from == environment for one in work.project.environments):
        return ""
    from pgmig_tui.script.meaning import meaning_hash

    return meaning_hash(name, script) + (f"+{included}" if included else "")


def _position(work: Work, ours: Sequence[DeployedChange]) -> int:
    """The plan index of the last deployed change; -1 when nothing is. Refuses what the plan doesn't explain."""
    plan, where = work.project.plan, work.environment.name
    for index, deployed in enumerate(ours):
        if index < len(plan.changes) and plan.changes[index].change_id == deployed.change_id:
            continue
        known = plan.by_id.get(deployed.change_id)
        if known is None:
            same = next((change for change in plan.changes if change.name == deployed.name), None)
            detail = _edited(deployed, same) if same else "The plan has no change of that name."
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


def _edited(deployed: DeployedChange, planned: Change) -> str:
    """Why a change of the same name has another ID in the plan; the first one that has (all later ones follow it)."""
    compared = (
        ("note", deployed.note, planned.note),
        ("date", deployed.planned_at, planned.planned_at),
        ("planner", deployed.planner_name, planned.planner_name),
        ("planner's e-mail address", deployed.planner_email, planned.planner_email),
    )
    other = [f"its {what}" for what, before, after in compared if before != after]
    named = words.listing(other) or "its dependencies or its place, or %project or %uri of the plan,"
    were = "was" if len(other) <= 1 else "were"
    return (
        f"The plan has a change of that name with the ID {planned.change_id}: {named} {were} edited after it was"
        " deployed."
    )


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
        return (), "", ()
    if options.to is None and not options.revert_all and not options.modified:
        raise UsageError(
            "revert needs to know how far", now=_NOTHING, do="Say --to CHANGE (the last one to keep), or --all."
        )
    keep = -1
    if options.modified:
        keep = _before_modified(work, ours)
    elif options.to is not None:
        keep = ours.index(find_deployed(options.to, ours, work.project.plan))
    chosen = list(reversed(ours[keep + 1 :]))
    if not chosen:
        why = "no deploy script has changed" if options.modified else f"nothing is deployed after {options.to}"
        work.warnings.append(f"nothing to revert ({why})")
        return (), "", ()
    dependents = dependencies.read_dependents(connection, target.registry, [change.change_id for change in chosen])
    problems = dependencies.check_revert(work.project.plan.project, chosen, dependents)
    if problems:
        raise ProjectError("other deployed changes need what would be reverted", details=problems, now=_NOTHING)
    return tuple(_revert_step(work, number, change) for number, change in enumerate(chosen, 1)), "", ()


def _before_modified(work: Work, ours: Sequence[DeployedChange]) -> int:
    """The position of the last change before the first one whose deploy script isn't what was deployed, -1 when that is
    the first of all. As Sqitch does it: place by place, whatever the IDs and names."""
    changes = work.project.plan.changes
    for index, deployed in enumerate(ours):
        if deployed.script_hash == deployed.change_id:
            raise ProjectError(
                f"the registry doesn't hold the hash of {deployed.name}'s deploy script: whether it has changed isn't"
                " known",
                now=_NOTHING,
                do=f"`pgmig-tui deploy {work.environment.name}` records the hashes; or name the change with --to.",
            )
        if index >= len(changes) or work.project.script_hash(changes[index]) != deployed.script_hash:
            return index - 1
    return len(ours) - 1


def _revert_step(work: Work, number: int, deployed: DeployedChange) -> Step:
    project, target = work.project, work.environment.target
    planned = project.plan.by_id.get(deployed.change_id)
    read = read_for_step(work, _revert_path(work, deployed))
    form = read.form
    return Step(
        number=number,
        action="revert",
        change_id=deployed.change_id,
        change=deployed.name,
        label=label(planned) if planned else deployed.name,
        note=deployed.note,
        ticket=ticket_in(work.environment.ticket, deployed.note),
        mode=read.mode,
        mode_reason=read.reason,
        verify="off",
        verify_reason="a revert is not verified",
        script=read.name,
        script_hash=deployed.script_hash,
        wraps=form is not None and form.wraps,
        new_session=form is not None and form.needs_new_session,
        expected_last=deployed.change_id,
        rows_sql=registry.revert_rows_sql(target.registry, deployed, project.operator),
        findings=read.findings,
        hashes=work.hashes(planned) if planned else {},
    )


def _revert_path(work: Work, deployed: DeployedChange) -> Path | None:
    """The revert script; None where only the registry is written and none can be told. Raises ProjectError."""
    later = [other for other in work.state.deployed if other.committed_at > deployed.committed_at]
    try:
        return work.project.revert_path_for(deployed, later)
    except ProjectError:
        if not work.options.log_only:
            raise
        return None


_PLANNERS: Mapping[Command, Callable[[Work, Connection, Sequence[DeployedChange]], Planned]] = {
    "deploy": _deploy_steps,
    "revert": _revert_steps,
    "verify": verify_steps,
}
