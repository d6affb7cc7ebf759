"""Every action of a screen by name, and every environment, run and change. Enter does what its key would do, through
the same guard."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Input

from pgmig_tui.display.cells import Line, cut, pad, width
from pgmig_tui.display.safe import safe
from pgmig_tui.ui.fuzzy import NameSearch
from pgmig_tui.ui.screens.dialog import Dialog
from pgmig_tui.ui.widgets.lines import Choices

ROWS = 14
NAMES = 20
_AROUND = 6
"""Columns of the frame and what is free inside it."""
MOST = 200
"""So many of thousands are shown at most: nobody reads more, and each costs time at every key."""


@dataclass(frozen=True, slots=True)
class Action:
    """A line of the palette. `off` is why it does nothing here and now, "" when it works."""

    name: str
    does: str
    do: Callable[[], None]
    off: str = ""


class PaletteScreen(Dialog[Action]):
    """Narrows as it is typed into. All is there at once: nothing is searched in the background."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,ctrl+n", "move(1)", show=False, priority=True),
        Binding("up,ctrl+p", "move(-1)", show=False, priority=True),
    ]

    widest = 90

    def __init__(
        self, actions: Sequence[Action], *, asks: str = "part of a name", at: int = 0, most: int | None = None
    ) -> None:
        """`at` is the action that the cursor begins on; at most so many are shown."""
        super().__init__((), placeholder=asks)
        self._at = at
        self.list = Choices(identity="list")
        self._actions = tuple(actions)
        self._most = len(actions) if most is None else most
        self._names = NameSearch([action.name for action in self._actions], [action.does for action in self._actions])
        self.found = self._actions[: self._most]

    def compose(self) -> ComposeResult:
        assert self.input is not None, "there is something to type"
        self.input.cursor_blink = False
        with Vertical(id="frame"):
            yield self.input
            yield self.list
            yield self.hint

    def on_mount(self) -> None:
        self.hint.make(self.hint_line)
        self._narrow("")
        self.list.move(self._at)

    def set_out(self) -> None:
        self.list.styles.height = max(3, min(ROWS, len(self._actions), self.app.size.height - 9))
        self._show()

    def _show(self) -> None:
        # There must be lines before there is a size: the cursor is put on one of them at once.
        columns = min(self.widest, self.app.size.width - _AROUND)
        self.list.show([self._line(action, columns) for action in self.found])

    def _narrow(self, text: str) -> None:
        self.found = tuple(self._actions[at] for at in self._names.found(text, self._most))
        self._show()
        self.list.move(0)
        self.hint.refresh()

    def _line(self, action: Action, columns: int) -> Line:
        about = f"off: {action.off}" if action.off else action.does
        room = max(NAMES, min(width(safe(action.name)), columns - NAMES))
        return (
            (f" {pad(safe(action.name), room)} ", "off" if action.off else "strong"),
            (cut(safe(about), columns - room - 4), "waiting" if action.off else "muted"),
        )

    def hint_line(self, columns: int) -> Line:
        if not self.found:
            return (("nothing has such a name. Esc goes back.", "muted"),)
        if len(self.found) == self._most < len(self._actions):
            more = f"{len(self.found)} of {len(self._actions):,} shown; type more of a name. Esc goes back."
            return ((more, "muted"),)
        return (("Enter does it, as its key would. Esc goes back.", "muted"),)

    def action_turn(self, way: int) -> None:
        self.list.page(way)

    def action_move(self, by: int) -> None:
        self.list.step(by)

    def on_input_changed(self, message: Input.Changed) -> None:
        self._narrow(message.value)

    def on_choices_picked(self, message: Choices.Picked) -> None:
        self._take()

    def on_input_submitted(self, message: Input.Submitted) -> None:
        self._take()

    def _take(self) -> None:
        if self.found:
            self.answer(self.found[min(self.list.cursor, len(self.found) - 1)])
