"""A script, line by line with numbers; coloured a statement at a time as it comes into view: 10 MB open at once."""

from __future__ import annotations

import bisect
from array import array
from collections.abc import Callable, Sequence
from itertools import accumulate, islice

from pgmig_tui.display.cells import Line, Role, Span, sides, slide, width
from pgmig_tui.display.sql_colors import colored
from pgmig_tui.ui.widgets.lines import Choices

WHOLE = 200_000
_BLOCK = 1 << 19
_LINES = 5_000


def line_starts(text: str) -> array[int]:
    """Where each line begins that `splitlines` would give (one, where the text is empty), and where the text ends: four
    bytes a line, where the lines themselves would take more room than the text.

    >>> list(line_starts("a\\nbc\\n")), list(line_starts(""))
    ([0, 2, 5], [0, 0])
    """
    starts = array("I", [0])
    if not text:
        starts.append(0)
    at = 0
    while at < len(text):
        end = text.find("\n", at + _BLOCK) + 1 or len(text)
        lengths = map(len, text[at:end].splitlines(keepends=True))
        starts.extend(islice(accumulate(lengths, initial=at), 1, None))
        at = end
    return starts


class SqlView(Choices):
    """`marks` gives lines (1-based) a role for their number; `starts` are lines (1-based) where statements begin.

    `bar` gives the column between number and text for a line, None = there is no such column.
    """

    def __init__(self, *, identity: str | None = None) -> None:
        super().__init__(identity=identity)
        self._text = ""
        self._offsets = line_starts("")
        self._starts: Sequence[int] = (1,)
        self._colored: dict[int, list[Line]] = {}
        self._marks: dict[int, Role] = {}
        self._bar: Callable[[int], Span] | None = None
        self._shift = 0

    def load(self, text: str) -> None:
        """Shows a text from its first line."""
        self._text = text
        self._offsets = line_starts(text)
        self._marks, self._bar = {}, None
        self.divide([])
        self.show(())
        self.move(0)

    def divide(self, starts: Sequence[int]) -> None:
        """Says where statements begin; until then a text that isn't long is taken as one piece, a long one by lines."""
        if starts:
            self._starts = sorted({1, *starts})
        else:
            self._starts = (1,) if len(self._text) < WHOLE else range(1, self.line_count + 1)
        self._colored.clear()
        self.refresh()

    def mark(self, marks: dict[int, Role], bar: Callable[[int], Span] | None = None) -> None:
        self._marks, self._bar = marks, bar
        self.refresh()

    @property
    def line_count(self) -> int:
        return len(self._offsets) - 1

    @property
    def line_number(self) -> int:
        """The line under the cursor, 1-based."""
        return self.cursor + 1

    def searched(self, index: int) -> str:
        return "".join(self._text[self._offsets[index] : self._offsets[index + 1]].splitlines())

    def find(self, needle: str, way: int = 1) -> bool:
        """As in every list; many lines in which it doesn't stand are passed over at once."""
        self.needle, wanted = needle, needle.lower()
        count, here = self.line_count, self.cursor
        after, before = range(here + 1, count), range(here + 1)
        for lines in (after, before) if way > 0 else (before[-2::-1], range(count - 1, here - 1, -1)):
            for at in range(0, len(lines), _LINES):
                part = lines[at : at + _LINES]
                first, last = min(part[0], part[-1]), max(part[0], part[-1])
                if wanted in self._text[self._offsets[first] : self._offsets[last + 1]].lower():
                    found = next(filter(self._holds, part), None)
                    if found is not None:
                        self.move(found)
                        return True
        return False

    def line_at(self, index: int) -> Line:
        number = index + 1
        digits = len(str(self.line_count))
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
            last = self._starts[piece + 1] - 1 if piece + 1 < len(self._starts) else self.line_count
            if last - first > 5_000:
                return ((self.searched(index), "plain"),)
            text = "\n".join(map(self.searched, range(first, min(last, self.line_count))))
            lines = self._colored[piece] = colored(text)
        return lines[index - first]
