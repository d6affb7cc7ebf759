"""Which environment another one is compared with: chosen by name from all others."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from pgmig_tui.display.cells import text_of
from pgmig_tui.ui.destinations import ToCompare
from pgmig_tui.ui.keys import Unavailable

if TYPE_CHECKING:
    from pgmig_tui.ui.backend.protocol import EnvironmentFacts
    from pgmig_tui.ui.screens.base import BaseScreen


def comparable(screen: BaseScreen, environment: EnvironmentFacts | Unavailable) -> EnvironmentFacts | Unavailable:
    """The environment, if there is another one."""
    if isinstance(environment, Unavailable) or len(screen.session.facts.environments) > 1:
        return environment
    return Unavailable("there is no other environment")


def compare_with_another(screen: BaseScreen, environment: EnvironmentFacts) -> None:
    """Ask which, and go there."""
    from pgmig_tui.ui.screens.palette import Action, PaletteScreen

    now = screen.shell.clock()
    actions = [
        Action(
            one.name,
            text_of(screen.answers.state(one.name, now)),
            partial(screen.go, ToCompare(environment, one)),
        )
        for one in screen.session.facts.environments
        if one.name != environment.name
    ]
    dialog = PaletteScreen(actions, asks=f"compare {environment.name} with")

    def chosen(action: Action | None) -> None:
        if action is not None:
            screen.call_later(action.do)

    screen.app.push_screen(dialog, chosen)
