"""Documents that no longer say what is so: scripts that were changed after they were deployed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from typing import TYPE_CHECKING

from pgmig_tui.database.status import environment_status
from pgmig_tui.review.maintain_facts import MaintainFinding, Section, Value, section, unseen

if TYPE_CHECKING:
    from pgmig_tui.project.environments import Environment
    from pgmig_tui.project.project import Project

Look = Callable[[], tuple[list[MaintainFinding], list[str]]]
"""Looks at documents of one kind: what is stale, and what else is to be said of them."""

_PROBLEMS = {
    "script_changed": ("script changed", "its deploy script isn't the one that was deployed"),
    "not_in_plan": ("not in plan", "it is deployed, and the plan doesn't have it"),
    "out_of_order": ("out of order", "it was deployed in another order than the plan's"),
    "tag_moved": ("tag moved", "the plan has this tag at another change"),
}


def documents_section(project: Project, environment: Environment, today: date, looks: tuple[Look, ...] = ()) -> Section:
    """Raises nothing for what the server does: that is a finding."""
    findings, notes = list(_scripts(project, environment)), []
    for look in looks:
        found, told = look()
        findings += found
        notes += told
    values: dict[str, Value] = {"stale": sum(one.state == "WARN" for one in findings)}
    clear = "scripts are what was deployed"
    return section(
        "documents", findings, environment, today, clear=clear, found="stale document", notes=notes, values=values
    )


def _scripts(project: Project, environment: Environment) -> Iterator[MaintainFinding]:
    status = environment_status(project, environment)
    if not status.reachable:
        yield unseen("scripts", f"what was deployed can't be asked: {(status.error or '').splitlines()[0]}")
        return
    for one in status.diverged:
        kind, told = _PROBLEMS[one.problem]
        yield MaintainFinding(kind, one.name, told, command=f"status {environment.name}")
    if status.error:
        yield unseen("scripts", status.error)
