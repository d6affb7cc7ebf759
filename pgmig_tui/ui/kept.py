"""What a person has said to checklists, kept while the program is open.

A review that is left, or a run that failed, costs nobody what was typed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pgmig_tui.ui.backend.protocol import Answered, ItemFacts, ReviewFacts

Scripts = frozenset[tuple[str, str, str]]
"""Action, change ID and script hash of each step."""


@dataclass
class KeptAnswers:
    """By environment and command. What was attested holds for the very scripts that it was said of; all else, an
    override's reason above all, is only offered to be said again."""

    _by: dict[tuple[str, str], tuple[Scripts, Mapping[str, Answered]]] = field(default_factory=dict)
    _notes: dict[tuple[str, str, str], str] = field(default_factory=dict)
    _waiting: set[tuple[str, str]] = field(default_factory=set)

    def keep(self, review: ReviewFacts, answers: Mapping[str, Answered]) -> None:
        """Keeps what stands in a review now; an answer that was withdrawn is gone here, too."""
        here = (review.environment, review.command)
        self._by[here] = (scripts(review), dict(answers))
        self._waiting.add(here)
        for one in answers.values():
            self.note(*here, one.item_id, one.note)

    def used(self, review: ReviewFacts) -> None:
        """A run has been started with them: they stand in its journal."""
        self._waiting.discard((review.environment, review.command))

    @property
    def unsaid(self) -> int:
        """How many answers stand nowhere but here."""
        return sum(len(self._by[here][1]) for here in self._waiting)

    def note(self, environment: str, command: str, item_id: str, text: str) -> None:
        """Keeps a reason alone."""
        self._notes[(environment, command, item_id)] = text

    def holding(self, review: ReviewFacts) -> dict[str, Answered]:
        """What was attested of the same scripts, or of more than these, to items that a person still has to answer."""
        of, answers = self._by.get((review.environment, review.command), (frozenset(), {}))
        if not review.steps or not scripts(review) <= of:
            return {}
        asked = {item.id for item in review.items if open_for_a_word(item)}
        return {key: one for key, one in answers.items() if one.how == "attest" and key in asked}

    def said(self, environment: str, command: str, item_id: str) -> str:
        """What was last written to an item, to be looked at and said again; "" when nothing was."""
        return self._notes.get((environment, command, item_id), "")


def scripts(review: ReviewFacts) -> Scripts:
    return frozenset((step.action, step.change_id, step.script_hash) for step in review.steps)


def open_for_a_word(item: ItemFacts) -> bool:
    """Whether nobody but a person can answer it."""
    return not item.answered and not item.seen
