"""What command and screen do when a rollback's process has ended: look at what is true then, and write the record."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from pgmig_tui.report import incident
from pgmig_tui.report.incident import Incident
from pgmig_tui.review import aftermath
from pgmig_tui.run.journal.file import JournalReader
from pgmig_tui.run.journal.picture import picture_of

if TYPE_CHECKING:
    from pgmig_tui.project.environments import Environment
    from pgmig_tui.project.project import Project
    from pgmig_tui.run.journal.run_plan import RunPlan


def conclude(
    project: Project,
    environment: Environment,
    plan: RunPlan,
    state_dir: Path,
    told: Callable[[str], None] = lambda text: None,
) -> tuple[Incident, Path | None]:
    """Look at what is true after the rollback `plan`, unless it has committed nothing, and write the record of the
    incident. Returns it, and where it is written (None: it couldn't be). The run's own exit status stands, whatever is
    found."""
    if incident.touched(picture_of(JournalReader(plan.folder).poll())):
        aftermath.look_after(project, environment, plan, state_dir, told)
    path = incident.write(plan.folder)
    return incident.read(plan.folder), path
