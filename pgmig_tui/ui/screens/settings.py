"""How long a run waits for a lock, and how often it tries again: changed while it runs."""

from __future__ import annotations

import re

from textual.widgets import Input

from pgmig_tui.display.cells import Line
from pgmig_tui.display.words import duration
from pgmig_tui.ui.screens.dialog import Dialog, paragraph

LONGEST_MS = 60_000
"""Everybody waits behind a statement that waits this long for ACCESS EXCLUSIVE; more would be a mistake."""
MOST_TRIES = 100
_FORM = re.compile(r"(\d+)\s*(ms|s|min)\s*[ ,;]\s*(\d+)")
_MS = {"ms": 1, "s": 1000, "min": 60_000}


class SettingsScreen(Dialog[tuple[int, int]]):
    """Asks for `LOCK_TIMEOUT RETRIES`; the answer is in milliseconds and as a number."""

    def __init__(self, lock_timeout_ms: int | None, retries: int | None, *, danger: bool) -> None:
        now = [
            f"lock_timeout {duration(lock_timeout_ms)}" if lock_timeout_ms else "lock_timeout unknown",
            f"{retries} retries" if retries is not None else "retries unknown",
        ]
        lines: list[Line] = [
            *paragraph("Settings of this run, from its next try on", "strong"),
            *paragraph(f"now: {', '.join(now)}", "muted"),
            (),
            *paragraph("Type both, such as 500ms 8. A longer lock_timeout makes others wait longer behind the run."),
        ]
        super().__init__(lines, placeholder="500ms 8", danger=danger)
        assert self.input is not None, "there is something to type"
        if lock_timeout_ms and retries is not None:
            self.input.value = f"{_short(lock_timeout_ms)} {retries}"

    def on_mount(self) -> None:  # Textual calls the dialog's own, too
        assert self.input is not None
        self.input.cursor_position = len(self.input.value)

    def hint_line(self, columns: int) -> Line:
        read = read_settings(self.input.value) if self.input is not None else ""
        if isinstance(read, str):
            return ((f"{read}. Esc goes back", "muted"),)
        return ((f"Enter sets lock_timeout {duration(read[0])} and {read[1]} retries. Esc goes back", "strong"),)

    def on_input_changed(self, message: Input.Changed) -> None:
        self.hint.refresh()

    def on_input_submitted(self, message: Input.Submitted) -> None:
        read = read_settings(message.value)
        if not isinstance(read, str):
            self.answer(read)


def read_settings(text: str) -> tuple[int, int] | str:
    """`500ms 8` as milliseconds and a number, or what is wrong with it."""
    found = _FORM.fullmatch(text.strip())
    if found is None:
        return "a duration in ms, s or min and a number"
    timeout, retries = int(found[1]) * _MS[found[2]], int(found[3])
    if not 0 < timeout <= LONGEST_MS:
        return f"lock_timeout must be above zero and at most {duration(LONGEST_MS)}"
    if retries > MOST_TRIES:
        return f"at most {MOST_TRIES} retries"
    return timeout, retries


def _short(ms: int) -> str:
    return f"{ms // 1000}s" if ms % 1000 == 0 else f"{ms}ms"
