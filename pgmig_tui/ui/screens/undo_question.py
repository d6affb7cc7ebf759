"""The last question before what a rollback has kept is brought back."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pgmig_tui.display.cells import Line
from pgmig_tui.ui.screens.confirm import named, word_for
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

    def take(self, kept: KeptRun) -> None:
        self.kept = kept

    def closed(self) -> str:
        return self.kept.elsewhere or ("" if self.kept.lines else "nothing is kept of it that is not back")


def bring_back(environment: EnvironmentFacts, one: KeptRun, session: Backend) -> LastQuestion[KeptRun]:
    """The dialog that brings back what the rollback `one` has kept there."""
    standing = _Standing(one)

    def told(kept: KeptRun) -> list[Line]:
        lines: list[Line] = paragraph(f"BRING BACK on {named(environment)}", "strong")
        lines += paragraph(f"{environment.database}@{environment.host}", "muted")
        for text in kept.lines:
            lines += paragraph(f"- {text}")
        stays = "What was written since stays as it is; in one transaction, under Sqitch's lock."
        return [*lines, (), *paragraph(stays)]

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
