"""Where a prediction stands between two statements: transactions, locks that are held, what may be by now."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from pgmig_tui.impact.effect import Rules
from pgmig_tui.impact.facts import Name, Relation
from pgmig_tui.impact.locks_held import HeldLocks
from pgmig_tui.impact.rates import Rates
from pgmig_tui.impact.result import ROLLED_BACK, DataLoss, HeldLock, StatementImpact
from pgmig_tui.impact.shadow import Catalog
from pgmig_tui.impact.shadow_state import Snapshot
from pgmig_tui.impact.worlds import World, distinct


@dataclass(slots=True)
class Savepoint:
    name: str
    held: int
    statements: int


@dataclass(slots=True)
class WorldFork:
    """An open `\\if` of the script: its number and arm, the worlds before it, and those after its other arms."""

    number: int
    arm: int
    before: list[World]
    after: list[World] = field(default_factory=list)
    arms: int = 1


@dataclass(slots=True)
class Walk:
    """The state between two statements."""

    worlds: list[World]
    rules: Rules
    version: int
    rates: Rates
    in_transaction: bool = False
    savepoints: list[Savepoint] = field(default_factory=list)
    locks: HeldLocks = field(default_factory=HeldLocks)
    unfinished: list[int] = field(default_factory=list)
    done: list[StatementImpact] = field(default_factory=list)
    held: list[HeldLock] = field(default_factory=list)
    repeated: dict[tuple[tuple[int, ...], str], StatementImpact] = field(default_factory=dict)
    forks: list[WorldFork] = field(default_factory=list)
    prepared: dict[str, list[Snapshot | None]] = field(default_factory=dict)
    straight: bool = False
    """Where its transactions begin and end is certain."""
    complete: frozenset[int] = frozenset()
    by_value: bool = False  # the last statement's time depends on its constants
    befores: list[Snapshot] = field(default_factory=list)
    """The catalog before the script, and before each of the last statements that destroy something."""

    @property
    def live(self) -> bool:
        return self.worlds[0].catalog.live

    @property
    def stamps(self) -> tuple[int, ...]:
        """Equal ones are equal catalogs and equal locks: answers hold."""
        return (self.locks.stamp, *(world.catalog.stamp for world in self.worlds))

    @property
    def catalogs(self) -> list[Catalog]:
        return [world.catalog for world in self.worlds]

    def begin(self) -> None:
        self.in_transaction = True
        for catalog in self.catalogs:
            catalog.begin()

    def finish(self, line: int) -> None:
        """All locks are given back at `line`."""
        self._close(0, 0, line)
        self.in_transaction = False
        self.savepoints.clear()

    def undo(self, statements: int) -> None:
        """The script itself takes back what it did since then; where anything may have ended its transaction before, or
        it can't be read, that isn't certain."""
        undone = self.unfinished[statements:]
        if not self.straight or not self.in_transaction or any(self.done[position].hidden for position in undone):
            return
        for position in undone:
            one = self.done[position]
            self.done[position] = replace(
                one,
                void=ROLLED_BACK,
                data_loss=one.data_loss if one.data_loss.outside else DataLoss(),
                notes=(*one.notes, "the script itself rolls it back"),
            )

    def back_to(self, savepoint: Savepoint, line: int) -> None:
        self.undo(savepoint.statements)
        for catalog in self.catalogs:
            catalog.rollback_to(savepoint.name)
        self._close(savepoint.held, savepoint.statements, line)

    def _close(self, held: int, statements: int, line: int) -> None:
        self.held += self.locks.give_back(held, line)
        for position in self.unfinished[statements:]:
            # not handed out yet, and a copy of all its fields for this one costs more than the whole prediction
            object.__setattr__(self.done[position], "held_until_line", line)
        del self.unfinished[statements:]

    def known(self, names: Iterable[Name]) -> list[Relation]:
        """The relations of these names, as far as they are known."""
        catalog = self.worlds[0].catalog
        return [relation for name in names if (relation := catalog.known(name)) is not None]

    # -- branches of \\if --------------------------------------------------------------------------------------------

    def on_branch(self, branch: tuple[tuple[int, int], ...]) -> None:
        """The next statement stands on this branch: begin and end arms until that is so."""
        while self.forks and not self._inside(branch):
            self._leave()
        for number, arm in branch[len(self.forks) :]:
            self.forks.append(WorldFork(number, arm, self.worlds))
            self.worlds = [world.apart() for world in self.worlds]

    def _inside(self, branch: tuple[tuple[int, int], ...]) -> bool:
        """Whether all open forks are on the branch; the innermost may go on with another arm."""
        level = len(self.forks) - 1
        if level >= len(branch) or branch[level][0] != self.forks[level].number:
            return False
        fork = self.forks[level]
        if branch[level][1] != fork.arm:
            fork.after += self.worlds
            fork.arm, fork.arms = branch[level][1], fork.arms + 1
            self.worlds = [world.apart() for world in fork.before]
        return True

    def _leave(self) -> None:
        fork = self.forks.pop()
        whole = (
            fork.number in self.complete and fork.arms > fork.arm
        )  # else an arm without statements leaves all as it is
        self.worlds = distinct([*fork.after, *self.worlds, *(() if whole else fork.before)])
