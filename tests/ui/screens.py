"""Every screen that has keys, by its ID."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from pgmig_tui.ui import screens
from pgmig_tui.ui.screens.base import BaseScreen


def _below(screen: type[BaseScreen]) -> list[type[BaseScreen]]:
    return [one for part in screen.__subclasses__() for one in (part, *_below(part))]


for _module in iter_modules(screens.__path__, f"{screens.__name__}."):
    import_module(_module.name)

CLASSES = tuple(screen for screen in _below(BaseScreen) if screen.screen_id != "any")
SCREENS = {screen.screen_id: screen for screen in reversed(CLASSES)}
