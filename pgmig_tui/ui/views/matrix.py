"""Which columns of the plan matrix stand where, and where an environment has come to: pure numbers, so that every width
can be tried without a screen."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from pgmig_tui.display.cells import Line, Span, width

WIDE = 11
"""Columns of a cell with words, such as `? todo 48s`."""
SLIM = 3
"""Columns of a cell with a glyph alone, under the environment's number."""
TIGHT = 2
"""The same, under the digits of the number one below the other."""
LOCK = 8
RISK = 7
MARK = 3
AFTER = 1
"""A column after the glyphs, where `>` says that there are more."""
_LEAST_NAME = 22
_MANY = 99
LEGEND: tuple[Span, ...] = (
    ("+ ok ", "done"), (" . todo ", "todo"), (" ! differ ", "differs"), (" x failed/marked ", "failed"),
    (" > running ", "running"), (" ? old ", "stale"), (" ~ asking", "muted"),
)  # fmt: skip
"""The words of the glyphs, where cells have no room for them."""


NOTHING: Span = ("", "plain")


class Brief(NamedTuple):
    """What deploying a change does: its strongest lock, its risk, whether it loses data by its text alone."""

    lock: Span = NOTHING
    risk: Span = NOTHING
    loses: bool = False


@dataclass(frozen=True, slots=True)
class MatrixLayout:
    """`name` is the width of the names, `shown` are the indexes of the environments in view, `cell` is the width of
    each of their columns, `lock` that of the locks: 0 where they aren't shown."""

    name: int
    shown: tuple[int, ...]
    cell: int
    lock: int = 0
    risk: int = RISK

    @property
    def slim(self) -> bool:
        """Whether a cell has a glyph alone."""
        return self.cell <= SLIM

    @property
    def tight(self) -> bool:
        return self.cell == TIGHT


def layout(columns: int, environments: int, chosen: int, longest: int, *, locks: bool, head: int = 0) -> MatrixLayout:
    """Words for every environment where they fit beside names that can be read; else a glyph for each; where not even
    those fit, the ones around the chosen environment. `longest` is the width of the longest name of
    a change, `head` that of an environment: what names of changes leave over makes the columns wide enough for it."""
    least = min(max(longest, 8), _LEAST_NAME)
    for lock in (LOCK, 0) if locks else (0,):
        room = columns - MARK - RISK - lock
        if environments * WIDE + least <= room:
            if lock and room - environments * WIDE <= longest < room + lock - environments * WIDE:
                continue  # whole names say more than one more lock, which the side pane tells as well
            spare = max(0, room - environments * WIDE - longest - 2)
            cell = max(WIDE, min(head + 1, WIDE + spare // max(1, environments)))
            return _filled(room, tuple(range(environments)), cell, lock, longest)
    columns -= AFTER
    lock = LOCK if locks and environments * SLIM + _LEAST_NAME + LOCK <= columns - MARK - RISK else 0
    room = columns - MARK - RISK - lock
    for cell in (SLIM, TIGHT):
        if environments <= _MANY and environments * cell + least <= room:
            return _filled(room, tuple(range(environments)), cell, lock, longest)
    fitting = max(1, (room - least) // TIGHT)
    first = max(0, min(chosen - fitting // 2, environments - fitting))
    return _filled(room, tuple(range(first, min(first + fitting, environments))), TIGHT, lock, longest)


def _filled(room: int, shown: tuple[int, ...], cell: int, lock: int, longest: int) -> MatrixLayout:
    return MatrixLayout(max(8, min(room - cell * len(shown), longest + 2)), shown, cell, lock)


@dataclass(frozen=True, slots=True)
class RuleAcross:
    """A line across the matrix above the change at `index` of the plan, the newest that is deployed there."""

    index: int
    told: Line


@dataclass(frozen=True)
class Ruled:
    """Rows with rules between them. `above` are the rows (0-based, from the top) that have a rule above them, in their
    order; lines are rows and rules counted together."""

    rows: int
    above: tuple[int, ...] = ()
    lines: tuple[int, ...] = field(init=False)
    """The lines that are rules."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "lines", tuple(row + before for before, row in enumerate(self.above)))

    @property
    def count(self) -> int:
        return self.rows + len(self.above)

    def row_of(self, line: int) -> int | None:
        """The row that a line is; None where it is a rule."""
        before = bisect_left(self.lines, line)
        return None if before < len(self.lines) and self.lines[before] == line else line - before

    def rule_of(self, line: int) -> int:
        """Which rule a line is that is one."""
        return bisect_left(self.lines, line)

    def line_of(self, row: int) -> int:
        return row + bisect_right(self.above, row)


def row_below(rows: Sequence[int], index: int) -> int:
    """The first of `rows`, indexes into the plan from the newest on, that isn't newer than the one at `index`."""
    return bisect_left(rows, -index, key=lambda one: -one)


def rule_spans(told: Line, columns: int, *, unicode: bool = True) -> Line:
    """A rule over all columns."""
    dash = "─" if unicode else "-"
    rest = columns - sum(width(text) for text, _ in told) - 5
    return ((f" {dash}{dash} ", "title"), *told, (f" {dash * max(0, rest)}", "title"))
