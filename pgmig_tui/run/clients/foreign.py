"""Runs of another account or host: found on an environment's server, and told from those of this account."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pgmig_tui.database.connect import application_name
from pgmig_tui.database.foreign import ForeignLookout, Sighting
from pgmig_tui.run.journal.file import is_alive
from pgmig_tui.run.journal.listing import list_runs

if TYPE_CHECKING:
    from pgmig_tui.project.environments import Environment
    from pgmig_tui.project.project import Project


def lookout(environment: Environment) -> ForeignLookout:
    """Looks at what works on an environment. Connects at its first look."""
    target = environment.target
    name = application_name("look", "watch")
    return ForeignLookout(target, name, runs=environment.policy.tracking, registry=target.registry)


def first_look(looking: ForeignLookout, run_id: str = "") -> Sighting:
    """What goes on: a run that hasn't said its end is looked for by its sessions, though nobody holds the lock. Raises
    ServerError, Unreachable."""
    seen = looking.look(run_id)
    if not run_id and seen.holder is None and seen.row is not None and not seen.row.finished:
        return looking.look(seen.row.run_id)
    return seen


def local_run(project: Project, environment: str, state_dir: Path) -> str:
    """The newest run of this account that is under way on an environment, "" when there is none."""
    for run in list_runs(state_dir):
        if run.state == "running" and (run.environment, run.project) == (environment, project.plan.project):
            return run.run_id
    return ""


def is_local(run_id: str, state_dir: Path) -> bool:
    """Whether a run is one of this account, whose process lives."""
    return bool(run_id) and is_alive(state_dir / "runs" / run_id)
