"""Dialogs: a frame over the place below. Esc always goes back, and Enter alone is never a yes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, Generic, TypeVar, cast

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input

from pgmig_tui.display.cells import Line, Role, wrap
from pgmig_tui.display.safe import safe
from pgmig_tui.ui.widgets.lines import Bar, Lines

if TYPE_CHECKING:
    from pgmig_tui.ui.app import PgmigApp

Result = TypeVar("Result")
COLUMNS = 68


class Dialog(ModalScreen[Result | None], Generic[Result]):
    """Text, and below it an input where there is something to type."""

    CSS_PATH = "../styles/dialog.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", show=False),
        Binding("ctrl+c", "back", show=False, priority=True),
    ]

    def __init__(
        self, lines: Sequence[Line], *, placeholder: str = "", typed: bool = True, danger: bool = False
    ) -> None:
        super().__init__()
        self.text = Lines(identity="text")
        self.hint = Bar(identity="hint")
        self.input = Input(placeholder=safe(placeholder), id="input") if typed else None
        self._given = tuple(lines)
        self._danger = danger

    @property
    def pgmig(self) -> PgmigApp:
        return cast("PgmigApp", self.app)

    def compose(self) -> ComposeResult:
        with Vertical(id="frame", classes="danger" if self._danger else ""):
            yield self.text
            if self.input is not None:
                self.input.cursor_blink = False
                yield self.input
            yield self.hint

    def on_mount(self) -> None:
        self.text.show(self._given)
        self.text.styles.height = min(len(self._given), max(4, self.app.size.height - 10))
        self.hint.make(self.hint_line)

    def hint_line(self, columns: int) -> Line:
        return (("Esc goes back", "muted"),)

    def action_back(self) -> None:
        self.dismiss(None)


class AskScreen(Dialog[str]):
    """Asks for a text; `must` wants at least one letter, and says so."""

    def __init__(self, question: str, placeholder: str, *, must: bool = True) -> None:
        super().__init__(paragraph(question, "strong"), placeholder=placeholder)
        self._must = must

    def hint_line(self, columns: int) -> Line:
        empty = self.input is None or not self.input.value.strip()
        if self._must and empty:
            return (("Enter is dead until something stands here. Esc goes back.", "muted"),)
        return (("Enter takes it. Esc goes back.", "muted"),)

    def on_input_changed(self, message: Input.Changed) -> None:
        self.hint.refresh()

    def on_input_submitted(self, message: Input.Submitted) -> None:
        text = message.value.strip()
        if text or not self._must:
            self.dismiss(text)


class ConfirmScreen(Dialog[bool]):
    """The last question. It takes a typed word: the environment's own on a protected one, else `yes`."""

    def __init__(self, lines: Sequence[Line], word: str, *, danger: bool, undone: str = "nothing has run yet") -> None:
        ask: Line = (
            ("Type ", "plain"),
            (safe(word), "strong"),
            (f" and press Enter. Esc goes back; {undone}.", "plain"),
        )
        super().__init__([*lines, (), ask], placeholder="the word", danger=danger)
        self.word = word

    @property
    def fits(self) -> bool:
        """Whether the word stands there, on a terminal that is large enough to have shown what it's for."""
        size = self.app.size
        return (
            self.input is not None and self.input.value.strip() == self.word and size.width >= 80 and size.height >= 24
        )

    def hint_line(self, columns: int) -> Line:
        if self.fits:
            return (("Enter starts it", "failed"),)
        return (("Enter is dead until the word matches", "muted"),)

    def on_input_changed(self, message: Input.Changed) -> None:
        self.hint.refresh()

    def on_input_submitted(self, message: Input.Submitted) -> None:
        if self.fits:
            self.dismiss(True)


def paragraph(text: str, role: Role = "plain") -> list[Line]:
    """A text from outside as lines of a dialog."""
    return wrap(safe(text), COLUMNS, role)
