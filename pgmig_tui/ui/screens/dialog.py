"""Dialogs: a frame over the screen below. Esc always goes back, and Enter alone is never a yes."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, Generic, TypeVar, cast

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input

from pgmig_tui.display.cells import Line, Role, cut, wrapped
from pgmig_tui.display.safe import safe
from pgmig_tui.gates.evidence import evidence_lines
from pgmig_tui.ui.sizes import SHORT, SMALL
from pgmig_tui.ui.widgets.lines import Bar, Lines

if TYPE_CHECKING:
    from pgmig_tui.ui.backend.protocol import ItemFacts
    from pgmig_tui.ui.shell import Shell

Result = TypeVar("Result")
COLUMNS = 68
_FRAME = 6
"""Columns of a dialog's border and padding."""
_AROUND, _AROUND_LOW = 10, 4
"""Rows around a dialog's text, and where there are few."""


class InputField(Input):
    """An input that takes Enter in its turn among the letters, so that one typed before them never counts for them.

    `since` is the time from which on keys count, None as long as none does: a word that answers a question is typed by
    somebody who has seen the question.
    """

    since: float | None = 0.0

    def on_key(self, event: events.Key) -> None:
        if self.since is None or event.time < self.since:
            event.stop()
            event.prevent_default()
        elif event.key == "enter":
            event.stop()
            event.prevent_default()
            self.post_message(self.Submitted(self, self.value))


class Dialog(ModalScreen[Result | None], Generic[Result]):
    """Text, and below it an input where there is something to type."""

    CSS_PATH = "../styles/dialog.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", show=False),
        Binding("ctrl+c", "back", show=False, priority=True),
        Binding("pagedown,down", "turn(1)", show=False),
        Binding("pageup,up", "turn(-1)", show=False),
    ]

    widest: ClassVar[int] = COLUMNS
    """Columns of its text at most."""

    def __init__(
        self, lines: Sequence[Line], *, placeholder: str = "", typed: bool = True, danger: bool = False
    ) -> None:
        super().__init__()
        self.text = Lines(identity="text")
        self.hint = Bar(identity="hint")
        self.input = InputField(placeholder=safe(placeholder), id="input") if typed else None
        self._given = tuple(lines)
        self._danger = danger
        self._answered = False
        self._read = False

    @property
    def shell(self) -> Shell:
        return cast("Shell", self.app)

    def compose(self) -> ComposeResult:
        with Vertical(id="frame", classes="danger" if self._danger else ""):
            yield self.text
            if self.input is not None:
                self.input.cursor_blink = False
                yield self.input
            yield self.hint

    def on_mount(self) -> None:
        self.hint.make(self.hint_line)

    def on_resize(self) -> None:
        self.set_out()

    def set_out(self) -> None:
        """Folds the text for the columns there are; what has no room can be scrolled to."""
        size = self.app.size
        room = min(self.widest, max(20, size.width - _FRAME))
        lines = [
            part for line in self._given for part in (wrapped(line, room, indent="", hanging="") if line else [()])
        ]
        rows = min(len(lines), max(2, size.height - (_AROUND_LOW if size.height < SHORT else _AROUND)))
        self.text.styles.height = rows
        self.text.show(lines)
        self._read = rows == len(lines)
        self.hint.refresh()

    def _note_read(self) -> None:
        """Notes whether the end of the text has been in sight."""
        text = self.text
        self._read = self._read or text.scroll_offset.y + text.size.height >= text.line_count
        self.hint.refresh()

    @property
    def read(self) -> bool:
        """Whether all of the text has been in sight, on a terminal on which it can be read."""
        return self._read and self.app.size.width >= SMALL[0] and self.app.size.height >= SMALL[1]

    def action_turn(self, way: int) -> None:
        self.text.step(way * max(1, self.text.size.height - 1))
        self.call_after_refresh(self._note_read)

    def hint_line(self, columns: int) -> Line:
        return (("Esc goes back", "muted"),)

    def answer(self, result: Result | None) -> None:
        """Closes the dialog, once: keys that were typed ahead must not close the screen below."""
        if not self._answered:
            self._answered = True
            self.dismiss(result)

    def action_back(self) -> None:
        self.answer(None)


class AskScreen(Dialog[str]):
    """Asks for a text of at least so many characters; Enter does nothing before. `given` stands there to begin with."""

    def __init__(self, question: str, placeholder: str, *, least: int = 1, given: str = "") -> None:
        super().__init__(paragraph(question, "strong"), placeholder=placeholder)
        self._least = least
        if self.input is not None:
            self.input.value = given
            self.input.cursor_position = len(given)

    def hint_line(self, columns: int) -> Line:
        if self.input is None or len(self.input.value.strip()) < self._least:
            much = "something" if self._least == 1 else f"at least {self._least} characters"
            return ((f"type {much} to enable Enter. Esc goes back.", "muted"),)
        return (("Enter takes it. Esc goes back.", "muted"),)

    def on_input_changed(self, message: Input.Changed) -> None:
        self.hint.refresh()

    def on_input_submitted(self, message: Input.Submitted) -> None:
        text = message.value.strip()
        if len(text) >= self._least:
            self.answer(text)


class ConfirmScreen(Dialog[bool]):
    """The last question. It takes a typed word: the environment's own on a protected one, else `yes`."""

    def __init__(
        self,
        lines: Sequence[Line],
        word: str,
        *,
        danger: bool,
        undone: str = "nothing has run yet",
        does: str = "starts it",
    ) -> None:
        ask: Line = (
            ("Type ", "plain"),
            (safe(word), "strong"),
            (f" and press Enter. Esc goes back; {undone}.", "plain"),
        )
        super().__init__([*lines, (), ask], placeholder="the word", danger=danger)
        self.word = word
        self._does = does
        if self.input is not None:
            self.input.since = None
            self.call_after_refresh(self._asked, self.input)

    def _asked(self, field: InputField) -> None:
        field.since = time.monotonic()  # as events tell their time
        self.hint.refresh()

    def fits(self, text: str) -> bool:
        """Whether a text is the word, and what it is for has been in sight."""
        return text.strip() == self.word and self.read

    def hint_line(self, columns: int) -> Line:
        if self.input is not None and self.fits(self.input.value):
            return ((f"Enter {self._does}", "failed"),)
        if self.input is not None and self.input.since is None:
            return ()
        if not self.read:
            return (("page down: read all of it first", "waiting"),)
        typed = self.input.value.strip() if self.input is not None else ""
        if not self.word.startswith(typed):
            return (("this is not the confirmation word; Enter does nothing", "waiting"),)
        return (("type the confirmation word to enable Enter", "muted"),)

    def on_input_changed(self, message: Input.Changed) -> None:
        self.hint.refresh()

    def on_input_submitted(self, message: Input.Submitted) -> None:
        # What stood there when Enter was pressed counts, not what was typed since.
        if self.fits(message.value):
            self.answer(True)


class ReadScreen(Dialog[None]):
    """Lines to read, as wide as there is room for: what came of something that was asked for."""

    widest: ClassVar[int] = 140

    def __init__(self, lines: Sequence[Line]) -> None:
        super().__init__(lines, typed=False)

    def hint_line(self, columns: int) -> Line:
        more = "" if self._read else "page down: more. "
        return ((f"{more}Esc goes back", "muted"),)


class EvidenceScreen(Dialog[None]):
    """What items of a checklist hang on: what was asked, of whom, when, and what came of it; who said what."""

    widest: ClassVar[int] = 120

    def __init__(self, *items: ItemFacts) -> None:
        told: list[Line] = []
        for item in items:
            told += [(), *paragraph("-" * 20, "muted"), ()] if told else []
            told += _told_of(item)
        super().__init__(told or paragraph("There is no item."), typed=False)

    def hint_line(self, columns: int) -> Line:
        more = "" if self._read else "page down: more. "
        return ((f"{more}Esc goes back", "muted"),)


class DryRunScreen(EvidenceScreen):
    """What a command tells of what it would do, by the command's own code."""

    def __init__(self, told: Sequence[Line]) -> None:
        super(EvidenceScreen, self).__init__(told, typed=False)


def _told_of(item: ItemFacts) -> list[Line]:
    return evidence_lines(item.kept) if item.kept is not None else paragraph(f"{item.title}: {item.summary}")


def take_back(item: ItemFacts) -> ConfirmScreen:
    """Asks whether an answer to an item shall go: it was given with a note, and is not undone by a slip."""
    lines = [*paragraph(f"WITHDRAW the answer to: {item.title}", "strong"), (), *paragraph(item.answered)]
    return ConfirmScreen(lines, "yes", danger=False, undone="the answer stands", does="withdraws it")


def paragraph(text: str, role: Role = "plain", *, rows: int = 0) -> list[Line]:
    """A text from outside for a dialog, which folds it; `rows` is about how many rows it may fill."""
    told = safe(" ".join(text.split()))
    return [((cut(told, rows * COLUMNS) if rows else told, role),)] if told else []
