"""Bringing back what a rollback has kept, from the screen of an environment."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from pgmig_tui.ui.screens.confirm import lost, word_for
from pgmig_tui.ui.screens.dialog import ConfirmScreen, paragraph
from pgmig_tui.ui.screens.palette import Action, PaletteScreen
from pgmig_tui.ui.screens.undo_question import bring_back, kept_lines

if TYPE_CHECKING:
    from pgmig_tui.review.undoing import KeptRun
    from pgmig_tui.ui.backend.protocol import EnvironmentFacts
    from pgmig_tui.ui.screens.environment import EnvironmentScreen


class BringingBack:
    """`U` on the screen of an environment, as `undo` asks it, with --overwrite or without."""

    def __init__(self, screen: EnvironmentScreen, environment: EnvironmentFacts) -> None:
        self._screen = screen
        self._environment = environment

    def ask(self) -> None:
        session, name = self._screen.session, self._environment.name
        self._screen.carry_out("reading what rollbacks have kept", lambda tell: session.kept(name), self._which)

    def _which(self, kept: Sequence[KeptRun]) -> None:
        if not kept:
            self._screen.say(f"no rollback has kept anything on {self._environment.name} that is not back")
            return
        actions = [Action(one.run, "; ".join(one.lines), partial(self._how, one), one.elsewhere) for one in kept]
        self._choose(actions, "which rollback?")

    def _choose(self, actions: Sequence[Action], asks: str) -> None:
        def chosen(action: Action | None) -> None:
            if action is not None and action.off:
                self._screen.say(f"nothing was brought back: {action.off}")
            elif action is not None:
                self._screen.call_later(action.do)

        self._screen.app.push_screen(PaletteScreen(actions, asks=asks), chosen)

    def _how(self, one: KeptRun) -> None:
        if not one.overwrites.all:
            self._confirm(one, None)
            return
        actions = [
            Action("leave it", "what was written since stays as it is", partial(self._confirm, one, None)),
            Action("replace it", "what was written since is LOST, as with --overwrite", partial(self._accept, one)),
        ]
        self._choose(actions, "and what was written since?")

    def _accept(self, one: KeptRun) -> None:
        """The loss is accepted by a question of its own, where the environment is protected."""
        if not one.overwrites.to_accept("undo", protected=self._environment.protected).all:
            self._confirm(one, one.overwrites.all)
            return
        lines = [*kept_lines(self._environment, one), (), *lost(one.overwrites)]
        lines += paragraph("Is the loss of this data accepted?")
        dialog = ConfirmScreen(lines, "yes", danger=True, undone="nothing was brought back", does="accepts the loss")

        def accepted(yes: bool | None) -> None:
            if yes:
                self._screen.call_later(self._confirm, one, one.overwrites.all)

        self._screen.app.push_screen(dialog, accepted)

    def _confirm(self, one: KeptRun, overwrite: Sequence[str] | None) -> None:
        environment, screen = self._environment, self._screen
        word = word_for(environment)

        def start(yes: bool | None) -> None:
            if yes:
                undo = partial(screen.session.undo, environment.name, one.run, word, overwrite=overwrite)
                screen.carry_out("bringing back", undo, lambda told: (tuple(told), None))

        screen.app.push_screen(bring_back(environment, one, screen.session, overwrite), start)
