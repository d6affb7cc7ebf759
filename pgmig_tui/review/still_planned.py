"""Whether an environment still is as a run was planned for it: asked again while the last question stands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pgmig_tui.database.status import environment_status
from pgmig_tui.display import words
from pgmig_tui.display.safe import safe
from pgmig_tui.errors import PgmigError, Refused, Unreachable
from pgmig_tui.run.clients.stopping import under_way
from pgmig_tui.run.journal.frozen import require_as_read
from pgmig_tui.run.journal.mark_files import with_file_marks

if TYPE_CHECKING:
    from pathlib import Path

    from pgmig_tui.database.status import EnvironmentStatus
    from pgmig_tui.project.environments import Environment
    from pgmig_tui.project.project import Project
    from pgmig_tui.run.journal.run_plan import RunPlan

_REGISTRY = frozenset({"deploy", "revert"})
"""What goes by what is deployed, and waits for nobody's lock."""


def differences(plan: RunPlan, project: Project, environment: Environment, state_dir: Path) -> tuple[str, ...]:
    """Why `plan` is not what would be planned there now, a sentence each, safe to draw; none where it is.

    One question to the server, which holds no lock. Raises Unreachable where it doesn't answer.
    """
    found: list[str] = []
    try:
        require_as_read(plan)
    except (Refused, OSError, ValueError) as error:
        found.append(safe(error.what if isinstance(error, PgmigError) else f"the run's folder: {error}"))
    project = project.for_target(environment.target)
    status = environment_status(project, environment, hashes=False)
    status = with_file_marks(status, plan.project, state_dir)
    if not status.reachable or status.server is None:
        raise Unreachable(safe(status.error or "the server does not answer"), now="Nothing was changed.")
    planned, now = plan.server.system_identifier, status.server.system_identifier
    if planned and now and planned != now:
        found.append(f"{safe(environment.name)} leads to another server than the one that was looked at")
    elif plan.command in _REGISTRY:
        found += _registry(plan, status, state_dir)
    return tuple(found)


def _registry(plan: RunPlan, status: EnvironmentStatus, state_dir: Path) -> list[str]:
    """What is deployed, marked and under way there, beside what the plan was made for."""
    found: list[str] = []
    last = status.deployed[-1] if status.deployed else None
    if last != plan.baseline:
        found.append(f"what is deployed has changed since: {_last_words(plan, status)}")
    running = under_way(status.holder, state_dir)
    if running is not None:
        found.append(safe(running.sentence))
    if plan.command == "deploy" and not plan.dry_run:
        steps = {step.change_id for step in plan.steps}
        stopped = [one.change for one in status.marked if one.change_id in steps]
        if stopped:
            found.append(safe(f"must not be deployed by now: {words.listing(stopped, 3)}"))
    return found


def _last_words(plan: RunPlan, status: EnvironmentStatus) -> str:
    deployed, steps = set(status.deployed), {step.change_id for step in plan.steps}
    many = len(deployed & steps) if plan.command == "deploy" else len(steps - deployed)
    what = "deployed" if plan.command == "deploy" else "reverted"
    already = f"{words.count(many, 'change')} of this {'is' if many == 1 else 'are'} {what} already; " if many else ""
    last = status.last_change
    return f"{already}the last change is {safe(last.name)}" if last is not None else f"{already}nothing is deployed"
