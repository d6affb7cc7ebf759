"""A list of things, and below it all that is known of the one under the cursor."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual.widget import Widget

from pgmig_tui.display.cells import Line, text_of, wrapped
from pgmig_tui.display.safe import safe
from pgmig_tui.ui.backend.protocol import EnvironmentFacts
from pgmig_tui.ui.keys import Unavailable
from pgmig_tui.ui.screens.base import BaseScreen
from pgmig_tui.ui.sizes import SMALL
from pgmig_tui.ui.widgets.lines import Bar, Choices, Lines
from pgmig_tui.ui.widgets.panes import framed


@dataclass(frozen=True, slots=True)
class ListedRow:
    """`key` is what the cursor stays on from one look to the next; `told` one line of it, `more` all the rest; `run` is
    the ID of the run of ours that it is, "" where it is something else."""

    key: Hashable
    told: Line
    more: tuple[Line, ...] = ()
    run: str = ""


class RowsScreen(BaseScreen):
    """Subclasses give `rows_now` and `summary_line`, and call `show_rows` when there are others."""

    least = SMALL
    CSS_PATH = "../styles/rows.tcss"
    listed: ClassVar[str] = "list"
    """What is in the list."""

    def __init__(self, environment: EnvironmentFacts) -> None:
        super().__init__()
        self.environment = environment
        self.rows: tuple[ListedRow, ...] = ()
        self.trouble = ""
        self.summary = Bar(identity="summary")
        self.list = Choices(identity="list")
        self.detail = Lines(identity="detail")

    def body(self) -> Iterable[Widget]:
        yield self.summary
        yield framed(self.list, self.listed)
        yield framed(self.detail, "details")

    def set_up(self) -> None:
        self.summary.make(self.summary_line)
        super().set_up()
        self.show_rows()

    @property
    def where(self) -> EnvironmentFacts | None:
        return self.environment

    def summary_line(self, columns: int) -> Line:
        return ()

    def empty_line(self) -> Line:
        """What stands in the list where nothing is listed."""
        return ()

    def rows_now(self) -> Sequence[ListedRow]:
        """What is listed."""
        raise NotImplementedError

    def show_rows(self) -> None:
        self.rows = tuple(self.rows_now())
        self.list.tell([row.key for row in self.rows], [text_of(row.told) for row in self.rows])
        self.list.empty = self.empty_line()
        self.list.show([row.told for row in self.rows])
        self._show_detail()
        self.summary.refresh()
        self.tick()

    def _show_detail(self) -> None:
        self.detail.fill(lambda columns: self._detail_lines(columns - 1))

    def _detail_lines(self, columns: int) -> list[Line]:
        lines: list[Line] = []
        if self.trouble:
            lines += wrapped(((f"x {safe(self.trouble)}", "failed"),), columns)
        row = self.chosen_row
        for told in row.more if row is not None else ():
            lines += wrapped(told, columns) if told else [()]
        return lines

    @property
    def chosen_row(self) -> ListedRow | None:
        return self.rows[min(self.list.cursor, len(self.rows) - 1)] if self.rows else None

    def on_choices_moved(self, message: Choices.Moved) -> None:
        message.stop()
        self._show_detail()
        self.foot.refresh()

    def tick(self) -> None:
        super().tick()
        self.summary.renew()

    def panes(self) -> Sequence[Lines]:
        return (self.list, self.detail)

    def _row(self) -> ListedRow | Unavailable:
        return self.chosen_row or Unavailable("there is nothing in the list")

    def copied(self) -> Callable[[], str] | Unavailable:
        row = self._row()
        return row if isinstance(row, Unavailable) else super().copied()

    def copy_text(self) -> str:
        row = self.chosen_row
        return "\n".join(text_of(told).rstrip() for told in (row.told, *row.more)) if row is not None else ""

    def whole_text(self) -> Sequence[str]:
        return [*([self.copy_text()] if self.rows else []), *super().whole_text()[1:]]
