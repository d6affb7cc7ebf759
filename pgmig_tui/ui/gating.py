"""Checklists as items for the screens, and answers on their way back to the gate."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pgmig_tui.ui.session import Answered, Item, Review

if TYPE_CHECKING:
    from pgmig_tui.project.environments import Environment
    from pgmig_tui.project.project import Project


def with_items(project: Project, environment: Environment, review: Review, answers: Sequence[Answered]) -> Review:
    """The review with its checklist as these answers leave it."""
    return review


def gate_answers(project: Project, answers: Sequence[Answered]) -> list[object]:
    return []


def after_items(environment: Environment) -> tuple[Item, ...]:
    """The list for afterwards."""
    return ()
