"""Settling what was cut off, from the screen of an environment: by the evidence, then by what a person says."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from pgmig_tui.display.cells import Line
from pgmig_tui.display.words import listing
from pgmig_tui.ui.screens.confirm import headed, word_for
from pgmig_tui.ui.screens.dialog import ConfirmScreen, paragraph
from pgmig_tui.ui.screens.palette import Action, PaletteScreen

if TYPE_CHECKING:
    from pgmig_tui.review.settling import Doubt, Said, SettlingDecision
    from pgmig_tui.ui.backend.actions import Settled
    from pgmig_tui.ui.backend.protocol import EnvironmentFacts
    from pgmig_tui.ui.screens.environment import EnvironmentScreen, Outcome

_SAYS: dict[Said, tuple[str, str, str]] = {
    "record": (
        "it is applied: record it", "RECORD", "What is named here is applied. It is recorded; no script is run.",
    ),
    "leave": (
        "it is not applied: leave it", "LEAVE WITHOUT A RECORD",
        "What is named here is not applied. The next deploy runs it again.",
    ),
    "end": ("end its sessions", "END THE SESSIONS", "What they have not committed is rolled back; then it is settled."),
    "same_server": (
        "it is the same server", "SETTLE FROM THIS SERVER", "The run worked on the server that answers here now.",
    ),
    "close": (
        "close it unseen", "CLOSE WITHOUT A LOOK",
        "Nobody looks at the server that the run worked on. What it did there stays unknown.",
    ),
}  # fmt: skip
"""What may be said of a doubt, the head of its question, and what it means."""


class Settling:
    """`F` on the screen of an environment, as `reconcile` with --record, --leave, --same-server asks it."""

    def __init__(self, screen: EnvironmentScreen, environment: EnvironmentFacts) -> None:
        self._screen = screen
        self._environment = environment
        self._said: dict[str, frozenset[Said]] = {}
        """What has been said of a run that must be said again each time: that its server is this one."""

    def ask(self) -> None:
        lines = headed("RECONCILE the runs that were cut off on", self._environment)
        lines += [(), *paragraph("Only what the server's evidence decides is settled; no script is run.")]
        lines += paragraph("What it leaves open is asked afterwards.")
        self._confirm(lines, "settles them", None)

    def _confirm(self, lines: list[Line], does: str, decision: SettlingDecision | None) -> None:
        environment, screen = self._environment, self._screen
        word = word_for(environment)

        def start(yes: bool | None) -> None:
            if yes:
                settle = partial(screen.session.settle, environment.name, word, decision=decision)
                screen.carry_out("settling what was cut off", settle, self._settled)

        dialog = ConfirmScreen(lines, word, danger=environment.protected, undone="nothing was settled", does=does)
        screen.app.push_screen(dialog, start)

    def _settled(self, found: Settled) -> Outcome:
        return found.lines, partial(self._choose, found.doubts) if found.doubts else None

    def _choose(self, doubts: tuple[Doubt, ...]) -> None:
        """What a person says of what stays in doubt; Esc leaves it so."""
        actions = [
            Action(_SAYS[said][0], f"{doubt.about}: {listing(doubt.questions)}", partial(self._decide, doubt, said))
            for doubt in doubts
            for said in doubt.options
        ]
        dialog = PaletteScreen(actions, asks="what became of it? Esc leaves it in doubt")

        def chosen(action: Action | None) -> None:
            if action is not None:
                self._screen.call_later(action.do)

        self._screen.app.push_screen(dialog, chosen)

    def _decide(self, doubt: Doubt, said: Said) -> None:
        from pgmig_tui.review.settling import SettlingDecision

        before = self._said.get(doubt.run, frozenset())
        if said == "same_server":
            self._said[doubt.run] = before | {said}
        lines = headed(f"{_SAYS[said][1]}: {doubt.about} on", self._environment)
        for question in doubt.questions:
            lines += paragraph(f"- {question}")
        lines += [(), *paragraph(_SAYS[said][2])]
        self._confirm(lines, "says so", SettlingDecision(doubt.run, before | {said}, doubt.questions))
