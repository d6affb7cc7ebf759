"""Lists that are sorted by a column: which one, the heads that say so, and which head a click is on. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from pgmig_tui.display.cells import Line, Span, cut, pad, width


class ColumnTitle(NamedTuple):
    """The head of a column; `room` 0: it has what is left."""

    name: str
    title: str
    room: int


@dataclass(frozen=True, slots=True)
class SortedBy:
    """`reverse`: the other way round than the column is read first."""

    column: str
    reverse: bool = False

    def next(self, heads: Sequence[ColumnTitle]) -> SortedBy:
        """The other way round, then the next column."""
        if not self.reverse:
            return SortedBy(self.column, True)
        names = [head.name for head in heads]
        at = names.index(self.column) if self.column in names else -1
        return SortedBy(names[(at + 1) % len(names)])

    def clicked(self, column: str) -> SortedBy:
        """By that column; the other way round, where it is that already."""
        return SortedBy(column, column == self.column and not self.reverse)


def head_line(heads: Sequence[ColumnTitle], order: SortedBy) -> Line:
    """The titles; the one that it is sorted by has `v` (the first on top) or `^` behind it."""
    spans: list[Span] = [("  ", "title")]
    for name, title, room in heads:
        sign = (" ^" if order.reverse else " v") if name == order.column else ""
        text = f"{cut(title, room - 1 - width(sign)) if room else title}{sign}"
        spans.append((pad(text, room) if room else text, "strong" if sign else "title"))
    return tuple(spans)


def column_at(x: int, heads: Sequence[ColumnTitle]) -> str:
    """The column whose title is clicked on; `x` is 0-based."""
    at = 2
    for name, _, room in heads:
        at += room
        if x < at or not room:
            return name
    return heads[-1].name
