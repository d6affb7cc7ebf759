"""A script, line by line with numbers; coloured a statement at a time as it comes into view: 10 MB open at once."""

from __future__ import annotations

import bisect
from collections.abc import Callable, Sequence

from pgmig_tui.display.cells import Line, Role, Span, sides, slide, width
from pgmig_tui.display.sql_colors import colored
from pgmig_tui.ui.widgets.lines import Choices

WHOLE = 200_000


class SqlView(Choices):
    """`marks` gives lines (1-based) a role for their number; `starts` are lines (1-based) where statements begin.

    `bar` gives the column between number and text for a line, None = there is no such column.
    """

    def __init__(self, *, identity: str | None = None) -> None:
        super().__init__(identity=identity)
        self._text: list[str] = []
        self._starts: list[int] = []
        self._colored: dict[int, list[Line]] = {}
        self._marks: dict[int, Role] = {}
        self._bar: Callable[[int], Span] | None = None
        self._shift = 0

    def load(self, text: str) -> None:
        """Shows a text from its first line."""
        self._text = text.splitlines() or [""]
        self._marks, self._bar = {}, None
        self.divide([])
        self.show(())
        self.move(0)

    def divide(self, starts: Sequence[int]) -> None:
        """Says where statements begin; until then a text that isn't long is taken as one piece, a long one by lines."""
        size = sum(len(line) for line in self._text[:20_000])
        if starts:
            self._starts = sorted({1, *starts})
        else:
            self._starts = [1] if size < WHOLE else list(range(1, len(self._text) + 1))
        self._colored.clear()
        self.refresh()

    def mark(self, marks: dict[int, Role], bar: Callable[[int], Span] | None = None) -> None:
        self._marks, self._bar = marks, bar
        self.refresh()

    @property
    def line_count(self) -> int:
        return len(self._text)

    @property
    def line_number(self) -> int:
        """The line under the cursor, 1-based."""
        return self.cursor + 1

    def searched(self, index: int) -> str:
        return self._text[index]

    def line_at(self, index: int) -> Line:
        number = index + 1
        digits = len(str(len(self._text)))
        mark = self._marks.get(number)
        cursor = ">" if index == self.cursor else " "
        gutter: Line = ((f"{cursor}{number:>{digits}} {'|' if mark else ' '}", mark or "muted"),)
        if self._bar is not None:
            gutter = (*gutter, self._bar(number), (" ", "plain"))
        room = self.columns - sum(width(text) for text, _role in gutter)
        spans = slide(self._colors(index), self._shift)
        if sum(width(text) for text, _role in spans) > room > 1:
            return (*gutter, *sides(spans, ((">", "waiting"),), room))
        return (*gutter, *spans)

    def slide(self, columns: int) -> None:
        """Moves long lines to the left (or back, with a negative number) under a fixed gutter."""
        self._shift = max(0, self._shift + columns)
        self.refresh()

    def _colors(self, index: int) -> Line:
        piece = bisect.bisect_right(self._starts, index + 1) - 1
        first = self._starts[piece] - 1
        lines = self._colored.get(piece)
        if lines is None:
            last = self._starts[piece + 1] - 1 if piece + 1 < len(self._starts) else len(self._text)
            if last - first > 5_000:
                return ((self._text[index], "plain"),)
            lines = self._colored[piece] = colored("\n".join(self._text[first:last]))
        return lines[index - first]
