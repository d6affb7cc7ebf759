"""What a person has written to items of checklists, kept while the program is open: to be looked at and said again.

What stands for another try of the same is kept by the session, in the state folder (`review.drafts`).
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class KeptNotes:
    """By environment, command and item. A reason is for what was found then: it is offered, and never taken for now."""

    _notes: dict[tuple[str, str, str], str] = field(default_factory=dict)

    def note(self, environment: str, command: str, item_id: str, text: str) -> None:
        """Keeps what was written."""
        self._notes[(environment, command, item_id)] = text

    def said(self, environment: str, command: str, item_id: str) -> str:
        """What was last written to an item; "" when nothing was."""
        return self._notes.get((environment, command, item_id), "")
