"""What the screen of an environment is told, and what asks for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from pgmig_tui.gates.evidence import ItemEvidence
    from pgmig_tui.project.environments import Environment
    from pgmig_tui.project.project import Project
    from pgmig_tui.review.numbers import Number


@dataclass(frozen=True)
class HealthFacts:
    """How an environment is, as `check` says it. `problem`: why there are no numbers; `trouble`: why the tables of
    pending changes aren't known."""

    numbers: tuple[Number, ...] = ()
    problem: str = ""
    items: tuple[ItemEvidence, ...] = ()
    trouble: str = ""


def health(project: Project, environment: Environment, state_dir: Path) -> HealthFacts:
    """Ask its server. Never raises for the server."""
    from pgmig_tui.review.lists import look
    from pgmig_tui.review.numbers import numbers_of, told

    numbers = numbers_of(environment)
    found = look(project, environment, state_dir)
    return HealthFacts(
        told(numbers.found) if numbers.found is not None else (), numbers.problem, found.evidence, found.trouble
    )
