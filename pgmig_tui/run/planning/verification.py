"""The steps of a verification: which deployed changes, and what is wrong with each before its script is run.

Source: `sqitch-verify` manual page; order of questions as observed on Sqitch 1.3.1. All raise ProjectError and
UsageError.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pgmig_tui.database import registry
from pgmig_tui.database.connect import Connection
from pgmig_tui.database.registry import DeployedChange
from pgmig_tui.display import words
from pgmig_tui.errors import ProjectError, UsageError
from pgmig_tui.project.changes import find_deployed
from pgmig_tui.run.journal.run_plan import Step
from pgmig_tui.run.planning.reading import Planned, Work, label, read_script

if TYPE_CHECKING:
    from pgmig_tui.project.plan import Change

_NOTHING = "Nothing was changed."


def verify_steps(work: Work, connection: Connection, ours: Sequence[DeployedChange]) -> Planned:
    """Deployed changes from `options.since` to `options.to`, then what the plan has between them and the server hasn't:
    as in Sqitch, each must stand at the place where the plan has it."""
    plan, options = work.project.plan, work.options
    registry.refuse_absent(work.state.info, work.environment.target)
    if not ours:
        work.warnings.append("nothing to verify (nothing is deployed)")
        return (), "", ()
    if not plan.changes:
        raise ProjectError("there are deployed changes, and the plan has none", now=_NOTHING)
    first, from_index = _end(work, options.since, ours) if options.since is not None else (0, 0)
    if options.to is not None:
        last, to_index = _end(work, options.to, ours)
    else:
        newest = plan.by_id.get(ours[-1].change_id)
        last, to_index = len(ours) - 1, newest.index if newest else len(plan.changes) - 1
    if last < first:
        raise UsageError(
            f"{options.since} was deployed after {options.to}", now=_NOTHING, do="Say the earlier change first."
        )
    if options.to is None and (undeployed := [change.name for change in plan.changes[to_index + 1 :]]):
        work.warnings.append(f"not deployed yet, so not verified: {words.listing(undeployed, 5)}")
    chosen = ours[first : last + 1]
    steps = [_verify_step(work, number, from_index + number - 1, change) for number, change in enumerate(chosen, 1)]
    seen = {change.change_id for change in chosen}
    absent = [change for change in plan.changes[from_index : to_index + 1] if change.change_id not in seen]
    steps += [_undeployed(number, change) for number, change in enumerate(absent, len(steps) + 1)]
    return tuple(steps), "", ()


def _end(work: Work, spec: str, ours: Sequence[DeployedChange]) -> tuple[int, int]:
    """Where a change that bounds a verification stands among what is deployed, and in the plan."""
    deployed = find_deployed(spec, ours, work.project.plan)
    planned = work.project.plan.by_id.get(deployed.change_id)
    if planned is None:
        raise ProjectError(f'change "{spec}" is deployed, but not planned', now=_NOTHING)
    return ours.index(deployed), planned.index


def _undeployed(number: int, change: Change) -> Step:
    problem = "not deployed"
    return Step(
        number=number,
        action="verify",
        change_id=change.change_id,
        change=change.name,
        label=label(change),
        note=change.note,
        mode="stepwise",
        mode_reason="a verification runs in a session of its own",
        verify="off",
        verify_reason=problem,
        findings=(problem,),
    )


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
        label=label(planned) if planned else deployed.name,
        note=deployed.note,
        mode="stepwise",
        mode_reason="a verification runs in a session of its own",
        verify="after" if script else "off",
        verify_reason=reason,
        verify_script=script,
        findings=(problem,) if problem else (),
        hashes=work.hashes(planned) if planned is not None else {},
    )
