"""The locks that a transaction has taken so far: what each statement finds held, in the same time however many."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import count, islice

from pgmig_tui.impact.facts import Name
from pgmig_tui.impact.modes import LockMode
from pgmig_tui.impact.result import HeldLock, Lock

HELD_TOLD = 20
"""So many of the locks from before are told with each statement: with all of them, a thousand statements of a change
that alters a thousand tables would be told with half a million. The whole list stands in `cumulative`."""
_STRONG = tuple(mode for mode in reversed(LockMode) if mode >= LockMode.SHARE)


@dataclass(slots=True)
class _Open:
    """A lock that is held at this point of the walk; by its number, that of the last one, one knows all below it.
    `before`: what was held on the same relation until then."""

    name: Name
    mode: LockMode
    from_line: int
    index: bool
    before: _Open | None
    number: int = field(default_factory=count(1).__next__)


@dataclass(slots=True)
class HeldLocks:
    """In the order in which they were taken; one that is weaker than what is held on its relation adds nothing."""

    _open: list[_Open] = field(default_factory=list)
    _strongest: dict[Name, _Open] = field(default_factory=dict)
    _strong: dict[LockMode, dict[Name, _Open]] = field(default_factory=lambda: {mode: {} for mode in _STRONG})
    """From SHARE on, on relations that are no indexes: of each relation its strongest."""
    _told: tuple[HeldLock, ...] | None = ()

    def __len__(self) -> int:
        return len(self._open)

    @property
    def stamp(self) -> int:
        """Equal ones are equal locks."""
        return self._open[-1].number if self._open else 0

    def take(self, locks: Iterable[Lock], line: int) -> None:
        for lock in locks:
            if lock.new:
                continue
            name = lock.name
            before = self._strongest.get(name)
            if before is None or before.mode < lock.mode:
                taken = _Open(name, lock.mode, line, lock.relkind in "iI", before)
                self._open.append(taken)
                self._put(taken, before)

    def give_back(self, beyond: int, line: int) -> Iterator[HeldLock]:
        """Those beyond the first `beyond` are given back at that line; they are handed out in their order."""
        given = self._open[beyond:]
        del self._open[beyond:]
        for one in reversed(given):
            self._put(one.before, one)
        return (_as_held(one, line) for one in given)

    def until(self, line: int) -> Iterator[HeldLock]:
        """All of them, as if they ended at that line."""
        return (_as_held(one, line) for one in self._open)

    def strong(self) -> tuple[HeldLock, ...]:
        """Those from SHARE on, on relations that are no indexes, of each relation the strongest, in their order; of
        many HELD_TOLD of the strongest."""
        if self._told is None:
            found = islice((one for mode in _STRONG for one in self._strong[mode].values()), HELD_TOLD)
            self._told = tuple(_as_held(one, 0) for one in sorted(found, key=lambda one: one.number))
        return self._told

    def count_strong(self) -> int:
        return sum(map(len, self._strong.values()))

    def _put(self, one: _Open | None, instead_of: _Open | None) -> None:
        """`one` is now the strongest on its relation, where another was; None = there is none."""
        if instead_of is not None:
            del self._strongest[instead_of.name]
            if self._strong.get(instead_of.mode, {}).pop(instead_of.name, None) is not None:
                self._told = None
        if one is not None:
            self._strongest[one.name] = one
            if one.mode in self._strong and not one.index:
                self._strong[one.mode][one.name] = one
                self._told = None


def _as_held(one: _Open, line: int) -> HeldLock:
    return HeldLock(one.name.schema, one.name.relation, one.mode, one.from_line, line)
