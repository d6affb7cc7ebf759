"""Which columns of the plan matrix stand where: pure numbers, so that every width can be tried without a screen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pgmig_tui.display.cells import Span, width

WIDE = 11
"""Columns of a cell with words, such as `? todo 48s`."""
SLIM = 3
"""Columns of a cell with a glyph alone, under the environment's number."""
LOCK = 8
RISK = 7
MARK = 3
AFTER = 1
"""A column after the glyphs, where `>` says that there are more."""
_LEAST_NAME = 22
_MANY = 99


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
        return self.cell == SLIM


def layout(columns: int, environments: int, chosen: int, longest: int, *, locks: bool, head: int = 0) -> MatrixLayout:
    """Words for every environment where they fit beside names that can be read; else a glyph for each; where not even
    those fit, the ones around the chosen environment. `longest` is the width of the longest name of
    a change, `head` that of an environment: what names of changes leave over makes the columns wide enough for it."""
    least = min(max(longest, 8), _LEAST_NAME)
    for lock in (LOCK, 0) if locks else (0,):
        room = columns - MARK - RISK - lock
        if environments * WIDE + least <= room:
            spare = max(0, room - environments * WIDE - longest - 2)
            cell = max(WIDE, min(head + 1, WIDE + spare // max(1, environments)))
            return _filled(room, tuple(range(environments)), cell, lock, longest)
    columns -= AFTER
    lock = LOCK if locks and environments * SLIM + _LEAST_NAME + LOCK <= columns - MARK - RISK else 0
    room = columns - MARK - RISK - lock
    if environments <= _MANY and environments * SLIM + 8 <= room:
        return _filled(room, tuple(range(environments)), SLIM, lock, longest)
    fitting = max(1, (room - least) // SLIM)
    first = max(0, min(chosen - fitting // 2, environments - fitting))
    return _filled(room, tuple(range(first, min(first + fitting, environments))), SLIM, lock, longest)


def _filled(room: int, shown: tuple[int, ...], cell: int, lock: int, longest: int) -> MatrixLayout:
    return MatrixLayout(max(8, min(room - cell * len(shown), longest + 2)), shown, cell, lock)


def environment_spans(names: Sequence[str], chosen: int, columns: int) -> list[Span]:
    """Environments with the numbers that choose them, the chosen one with a star; where not all have room those around
    it, and how all are reached."""
    parts = [f" {index + 1}{'*' if index == chosen else ' '}{name} " for index, name in enumerate(names)]
    tail = f" e: all {len(names)}" if sum(map(width, parts)) > columns else ""
    shown: list[int] = []
    room = columns - len(tail)
    for index in sorted(range(len(names)), key=lambda index: abs(index - chosen)):
        room -= width(parts[index])
        if room < 0 and shown:
            break
        shown.append(index)
    spans: list[Span] = []
    for index in sorted(shown):
        here = index == chosen
        spans += [(f" {index + 1}", "key"), (f"{'*' if here else ' '}{names[index]} ", "strong" if here else "muted")]
    return [*spans, (tail, "key")] if tail else spans
