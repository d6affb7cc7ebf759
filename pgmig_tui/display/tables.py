"""A table as lines of text. Each column is measured once: fifty thousand rows take a second and not a minute."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import zip_longest

from pgmig_tui.display.cells import Line, Span, line, sliced, text_of, width

Cell = str | Line
_BETWEEN = "   "
_ENDS = frozenset("_./:,@-")
"""What ends a part of a name: names of changes and tables are read by their parts."""
_PARTS = re.compile(r"[^\s_./:,@-]*[_./:,@-]+|[^\s_./:,@-]+")
_NARROWEST = 4
"""No column is made narrower than that while another one can still give."""

_FOLDED = 3
"""A table of so many columns is rather folded in mid-word than told row by row."""


def table(headings: Sequence[str], rows: Iterable[Sequence[Cell]], columns: int, rule: str = "─") -> Iterator[Line]:
    """The lines of a table that is at most `columns` wide, where its columns can be made so narrow.

    A heading may end in marks: `>` aligns its column right, `?` lets a table that is too wide go without it; of
    several such columns the last goes first. What is still too wide is folded, the widest column first; where that
    would break words, each row is told as lines of its own, a heading before each value.
    """
    titles = [heading.rstrip(">?") for heading in headings]
    cells = [tuple(row) for row in rows]
    widest = [max([width(title), *(_width(row[column]) for row in cells)]) for column, title in enumerate(titles)]
    shown = list(range(len(headings)))
    while _total(widest[column] for column in shown) > columns:
        spare = [column for column in shown if "?" in headings[column]]
        if not spare:
            break
        shown.remove(spare[-1])
    widths = [widest[column] for column in shown]
    if _total(widths) > columns:
        every = ([headings[column].rstrip(">?"), *(row[column] for row in cells)] for column in shown)
        least = [min(_longest_part(each), room) for each, room in zip(every, widths, strict=True)]
        if len(shown) > _FOLDED and _total(least) > columns:
            yield from _records(titles, shown, cells, columns, rule)
            return
        widths = narrowed(narrowed(widths, columns, least), columns)
    right = [">" in headings[column] for column in shown]
    yield from _row([((titles[column], "strong"),) for column in shown], widths, right)
    yield ((rule * _total(widths), "plain"),)
    for row in cells:
        yield from _row([_spans(row[column]) for column in shown], widths, right)


def _records(
    titles: Sequence[str], shown: Sequence[int], rows: Iterable[Sequence[Cell]], columns: int, rule: str
) -> Iterator[Line]:
    """Each row as lines such as `heading: value`; what has no value isn't told."""
    for row in rows:
        yield ((rule * min(columns, 20), "plain"),)
        for column in shown:
            cell = _spans(row[column])
            if text_of(cell).strip():
                told = folded(line((f"{titles[column]}: " if titles[column] else "", "strong"), *cell), columns)
                yield told[0]
                yield from (line("  ", *part) for one in told[1:] for part in folded(one, max(columns - 2, 1)))


def _longest_part(cells: Iterable[Cell]) -> int:
    texts = (cell if isinstance(cell, str) else text_of(cell) for cell in cells)
    return max((width(part) for text in texts for part in _PARTS.findall(text)), default=0)


def narrowed(widths: Sequence[int], columns: int, least: Sequence[int] = ()) -> list[int]:
    """The widths with as much taken from the widest ones as it needs for all to fit, together with what is between, but
    none made narrower than its `least`."""
    found, least = list(widths), least or [_NARROWEST] * len(widths)
    while (excess := _total(found) - columns) > 0:
        spare = [at for at, one in enumerate(found) if one > least[at]]
        if not spare:
            break
        most = max(found[at] for at in spare)
        these = [at for at in spare if found[at] == most]
        next_widest = max([*(found[at] for at in spare if found[at] < most), *(least[at] for at in these)])
        for done, at in enumerate(these):
            share = -(-excess // (len(these) - done))
            taken = min(most - next_widest, share)
            found[at] -= taken
            excess -= taken
    return found


def folded(told: Line, columns: int) -> list[Line]:
    """The line in pieces of at most `columns`, broken between words where that is possible, else between the parts of a
    name."""
    text = text_of(told)
    if width(text) <= columns and "\n" not in text:
        return [told]
    pieces: list[Line] = []
    at = 0
    for paragraph in text.split("\n"):
        start, end = at, at + len(paragraph)
        while width(text[start:end]) > columns:
            stop = _fits(text, start, end, columns)
            space = text.rfind(" ", start + 1, stop + 1)
            stop = space if space > 0 else _part(text, start, stop)
            pieces.append(sliced(told, start, stop))
            start = stop
            while start < end and text[start] == " ":
                start += 1
        if start < end or not paragraph:
            pieces.append(sliced(told, start, end))
        at = end + 1
    return pieces


def _part(text: str, start: int, stop: int) -> int:
    """Where the last part of a name ends that has room before `stop`; there, where none does."""
    return next((at for at in range(stop, start, -1) if text[at - 1] in _ENDS), stop)


def _fits(text: str, start: int, end: int, columns: int) -> int:
    """Where the longest piece from `start` ends that is no wider than `columns`; at least one character is taken."""
    stop = min(end, start + columns)
    while stop > start + 1 and width(text[start:stop]) > columns:
        stop -= 1
    return max(stop, start + 1)


def _row(cells: Sequence[Line], widths: Sequence[int], right: Sequence[bool]) -> Iterator[Line]:
    if all(_width(cell) <= room and _in_one_line(cell) for cell, room in zip(cells, widths, strict=True)):
        yield _joined(cells, widths, right)
        return
    pieces = [folded(cell, room) for cell, room in zip(cells, widths, strict=True)]
    for parts in zip_longest(*pieces, fillvalue=()):
        yield _joined(parts, widths, right)


def _joined(cells: Sequence[Line], widths: Sequence[int], right: Sequence[bool]) -> Line:
    """One line of the table; nothing follows its last word."""
    spans: list[Span] = []
    owed = ""
    for cell, room, to_the_right in zip(cells, widths, right, strict=True):
        spare = " " * (room - _width(cell))
        before, after = (spare, "") if to_the_right else ("", spare)
        if cell:
            if owed or before:
                spans.append((owed + before, "plain"))
            spans.extend(cell)
            owed = ""
        else:
            owed += before
        owed += after + _BETWEEN
    return tuple(spans)


def _spans(cell: Cell) -> Line:
    return line(cell) if isinstance(cell, str) else cell


def _in_one_line(cell: Line) -> bool:
    return not any("\n" in text for text, _role in cell)


def _width(cell: Cell) -> int:
    """Columns of the cell's longest line."""
    text = cell if isinstance(cell, str) else text_of(cell)
    return max(map(width, text.split("\n"))) if "\n" in text else width(text)


def _total(widths: Iterable[int]) -> int:
    found = list(widths)
    return sum(found) + len(_BETWEEN) * (len(found) - 1)
