"""What screens see of the program around them: where to ask, what time it is, and how to get elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any, Protocol

from pgmig_tui.display.charset import Charset
from pgmig_tui.ui.answers import Answers
from pgmig_tui.ui.backend.protocol import Backend, EnvironmentFacts
from pgmig_tui.ui.destinations import Destination
from pgmig_tui.ui.kept import KeptNotes


class Shell(Protocol):
    """The program, to its screens. `app.PgmigApp` is the one there is; a screen never names it."""

    session: Backend
    charset: Charset
    """What the terminal can draw."""
    answers: Answers
    kept: KeptNotes
    clock: Callable[[], datetime]
    """The time, in UTC."""
    chosen: int
    """The environment in front, by its place in the project's list."""
    bound: Mapping[str, tuple[str, ...]]
    """Keys that the person has bound anew, by ID."""

    def go(self, destination: Destination, *, instead: bool = False) -> None:
        """Show it: over the screen that is in front, or in its stead."""

    def open_run(self, run_id: str) -> None:
        """Show a run, alive or ended."""

    def show_environment(self, number: int) -> None:
        """Show home with that environment (1-based) chosen."""

    def leave(self) -> None:
        """Leave the program."""

    def locked(self, environment: EnvironmentFacts) -> str | None:
        """Why nothing may be changed there yet; None when it may."""

    def unlock(self, environment: EnvironmentFacts, done: Callable[[], None]) -> None:
        """Ask for the word of a protected environment, and go on with `done` once it was given."""

    def ask_again(self) -> None:
        """Ask environments and runs now instead of at their next turn."""

    def script_changed(self, change_id: str) -> None:
        """A script of a change was edited: what is known of it is old."""

    def choose_theme(self, name: str) -> None:
        """Show another theme, now and whenever the program is opened again."""

    def remember(self, name: str, value: str) -> None:
        """Keep what was chosen, for the next time that the program is opened."""

    def screen_text(self) -> str:
        """What the screen shows now, as plain text."""

    def copy_to_clipboard(self, text: str) -> None:
        """Hand text to the terminal's clipboard (OSC 52)."""

    def notify(self, message: str, **options: Any) -> None:
        """Say something over the screen for a few seconds; text is text, no markup."""

    def suspend(self) -> AbstractContextManager[None]:
        """Give the terminal to another program for a while. Raises SuspendNotSupported."""
