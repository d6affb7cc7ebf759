"""The order in which a checklist is read: what blocks, what waits for a person, and, folded, what has passed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pgmig_tui.display.cells import Line, cut
from pgmig_tui.display.words import count
from pgmig_tui.ui.backend.protocol import ItemFacts

BLOCKS, ASKS, LOOK, WAITS, SAID, PASSED = range(6)
"""Blocks and is to be put right · blocks until a person has said it · the program has seen something, which blocks
nothing · a person may say it · somebody has · the program has seen to it."""


def rank(item: ItemFacts) -> int:
    """How early an item is to be read."""
    if item.blocks:
        return ASKS if item.how == "attested" else BLOCKS
    if item.answered or item.overridden:
        return SAID
    if item.state in ("PASS", "N-A"):
        return PASSED
    return WAITS if item.how == "attested" else LOOK


@dataclass(frozen=True, slots=True)
class Folded:
    """The line that stands for the checks that have passed."""

    items: tuple[ItemFacts, ...]
    open: bool

    @property
    def id(self) -> str:
        """No item's: those have no blank in them."""
        return "passed checks"

    @property
    def words(self) -> str:
        absent = sum(item.state == "N-A" for item in self.items)
        told = [f"{count(len(self.items) - absent, 'check')} passed"] if absent < len(self.items) else []
        told += [f"{absent} {'does' if absent == 1 else 'do'} not apply"] if absent else []
        return f"{', '.join(told)}: Enter {'folds' if self.open else 'shows'} them"

    def line(self, columns: int) -> Line:
        """In so many columns, one of which is the cursor's."""
        return ((" [+] ", "done"), (cut(self.words, columns - 6), "done"))


Row = ItemFacts | Folded


@dataclass(frozen=True, slots=True)
class Checklist:
    """Items in the order in which they are read. `ranks` are by their IDs: an item that is answered keeps its place, so
    that nothing moves away from under the cursor; one that comes to block goes up."""

    first: tuple[ItemFacts, ...] = ()
    passed: tuple[ItemFacts, ...] = ()
    ranks: Mapping[str, int] | None = None

    def rows(self, room: int, *, shown: bool | None) -> list[Row]:
        """What a list of `room` lines has: passed checks are folded unless all have room, or as a person has chosen
        by `shown`. One alone is no fold."""
        if len(self.passed) < 2:
            return [*self.first, *self.passed]
        opened = len(self.first) + len(self.passed) < room if shown is None else shown
        return [*self.first, Folded(self.passed, opened), *(self.passed if opened else ())]


def checklist(items: Sequence[ItemFacts], before: Checklist | None = None) -> Checklist:
    """The items in order; `before` is the list as it was, of a review that is still the same."""
    known = before.ranks or {} if before is not None else {}
    ranks = {item.id: min(rank(item), known.get(item.id, PASSED)) for item in items}
    ordered = sorted(items, key=lambda item: ranks[item.id])
    first = tuple(item for item in ordered if ranks[item.id] != PASSED)
    return Checklist(first, tuple(item for item in ordered if ranks[item.id] == PASSED), ranks)
