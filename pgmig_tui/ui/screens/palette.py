"""Every action of a screen by name. Enter does what its key would do, through the same guard."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Input

from pgmig_tui.display.cells import Line, cut, pad
from pgmig_tui.display.safe import safe
from pgmig_tui.ui.screens.dialog import COLUMNS, Dialog
from pgmig_tui.ui.widgets.lines import Choices

ROWS = 14
NAMES = 26


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

    def __init__(self, actions: Sequence[Action], *, asks: str = "part of a name", at: int = 0) -> None:
        """`at` is the action that the cursor begins on."""
        super().__init__((), placeholder=asks)
        self._at = at
        self.list = Choices(identity="list")
        self._actions = tuple(actions)
        self.found = self._actions

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

    def _narrow(self, text: str) -> None:
        words = text.lower().split()
        self.found = tuple(
            action for action in self._actions if all(word in f"{action.name} {action.does}".lower() for word in words)
        )
        # By name first: what the hand is looking for.
        self.found = tuple(sorted(self.found, key=lambda one: not all(word in one.name.lower() for word in words)))
        self.list.show([self._line(action) for action in self.found])
        self.list.move(0)
        self.hint.refresh()

    def _line(self, action: Action) -> Line:
        about = f"off: {action.off}" if action.off else action.does
        return (
            (f" {pad(safe(action.name), NAMES)} ", "off" if action.off else "strong"),
            (cut(safe(about), COLUMNS - NAMES - 5), "waiting" if action.off else "muted"),
        )

    def hint_line(self, columns: int) -> Line:
        if not self.found:
            return (("no action has such a name. Esc goes back.", "muted"),)
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
