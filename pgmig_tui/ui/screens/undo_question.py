"""The last question before what a rollback has kept is brought back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pgmig_tui.display.cells import Line
from pgmig_tui.ui.screens.confirm import headed, lost, word_for
from pgmig_tui.ui.screens.dialog import paragraph
from pgmig_tui.ui.screens.last_question import Asked, LastQuestion
from pgmig_tui.ui.views.changed import kept_differences

if TYPE_CHECKING:
    from pgmig_tui.review.undoing import KeptRun
    from pgmig_tui.ui.backend.protocol import Backend, EnvironmentFacts


@dataclass
class _Standing:
    """What was found last while the question stands."""

    kept: KeptRun
    accepted: tuple[str, ...] | None

    def take(self, kept: KeptRun) -> None:
        self.kept = kept

    def closed(self) -> str:
        if self.kept.elsewhere or not self.kept.lines:
            return self.kept.elsewhere or "nothing is kept of it that is not back"
        if self.accepted is not None and self.accepted != tuple(self.kept.overwrites.all):
            return "what it would replace is another by now; choose it again"
        return ""


def kept_lines(environment: EnvironmentFacts, kept: KeptRun) -> list[Line]:
    """What comes back, and where."""
    lines = headed("BRING BACK on", environment)
    for text in kept.lines:
        lines += paragraph(f"- {text}")
    return lines


def bring_back(
    environment: EnvironmentFacts, one: KeptRun, session: Backend, accepted: Sequence[str] | None = None
) -> LastQuestion[KeptRun]:
    """The dialog that brings back what the rollback `one` has kept there. `accepted`: what was written since is
    replaced, and this is what that loses; None: it stays."""
    standing = _Standing(one, None if accepted is None else tuple(accepted))

    def told(kept: KeptRun) -> list[Line]:
        lines = kept_lines(environment, kept)
        where = "in one transaction, under Sqitch's lock."
        if accepted is None:
            return [*lines, (), *paragraph(f"What was written since stays as it is; {where}")]
        return [
            *lines,
            (),
            *lost(kept.overwrites),
            *paragraph(f"What was written since is replaced; {where}", "waiting"),
        ]

    def look(kept: KeptRun) -> KeptRun:
        found = session.kept(environment.name)
        return next((other for other in found if other.run == kept.run), replace(kept, lines=()))

    return LastQuestion(
        Asked(told, look, kept_differences, standing.take, standing.closed),
        one,
        word_for(environment),
        danger=environment.protected,
        undone="nothing was brought back",
        does="brings it back",
    )
