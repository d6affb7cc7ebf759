"""What may be by now: branches that ran or didn't leave several catalogs, and each statement is looked at in all.

A statement that fails in some of them and not in others is taken to succeed: where it fails, the script ends, and
nothing that comes later happens there. What it does in one of the others alone is possible.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from pgmig_tui.impact.effect import Effect
from pgmig_tui.impact.facts import Name
from pgmig_tui.impact.result import Lock
from pgmig_tui.impact.shadow import Catalog

MOST = 8
"""So many are looked at; of more those are kept in which each relation is all that it may be, as far as that goes."""


@dataclass(slots=True)
class World:
    """A catalog, and what the variables of the code that runs are worth there."""

    catalog: Catalog
    worth: Mapping[str, str] = field(default_factory=dict)

    def apart(self) -> World:
        """One that begins the same and goes its own way."""
        return World(self.catalog.clone(), self.worth)

    def same_as(self, other: World) -> bool:
        return self.worth == other.worth and self.catalog.same_as(other.catalog)


@dataclass(slots=True)
class Passed:
    """Worlds after a statement: `alive` where it succeeds, `failed` (as before it) where it can't, and why not."""

    alive: list[World]
    failed: list[World] = field(default_factory=list)
    problem: str = ""


def pass_through(worlds: Sequence[World], act: Callable[[World, Effect], list[World]], out: Effect) -> Passed:
    """Let something happen in each world; what it does in all of them together is written into `out`.

    `act` changes the world that it gets, and gives those that come of it. Where all fail, the problem is the caller's.
    """
    if len(worlds) == 1:
        return _in_one(worlds[0], act, out)
    passed = Passed([])
    effects: list[Effect] = []
    failures: list[Effect] = []
    for world in worlds:
        before = world.catalog.snapshot()
        inner = Effect(certainty=out.certainty)
        after = act(world, inner)
        if inner.problem:
            world.catalog.restore(before)
            passed.failed.append(world)
            passed.problem = passed.problem or inner.problem
            failures.append(inner)
        else:
            passed.alive += after
            effects.append(inner)
    merge(effects or failures, out)
    if passed.alive and passed.failed:
        out.notes.append(f"depends on what ran before: else {passed.problem}")
    passed.alive = distinct(passed.alive)
    return passed


def _in_one(world: World, act: Callable[[World, Effect], list[World]], out: Effect) -> Passed:
    # What a statement that fails has changed isn't so; without a server "it fails" is seldom said.
    before = world.catalog.snapshot() if world.catalog.live else None
    earlier, out.problem = out.problem, ""
    after = act(world, out)
    problem, out.problem = out.problem, earlier
    if not problem:
        return Passed(distinct(after))
    if before is not None:
        world.catalog.restore(before)
    return Passed([], [world], problem)


def merge(effects: Sequence[Effect], out: Effect) -> None:
    """Write down what happens in several worlds: all of it, and what is the same in all for as sure as it is there."""
    everywhere = _everywhere(effects)
    for inner in effects:
        for name, lock in inner.locks.items():
            _merge_lock(lock if name in everywhere else replace(lock, certainty="possible"), out)
        out.absorb(inner)
    for what in dict.fromkeys(what for inner in effects for what in inner.losses):
        if not all(what in inner.surely for inner in effects):
            out.surely.discard(what)


def _everywhere(effects: Sequence[Effect]) -> set[Name]:
    """What gets the same lock in all."""
    first, *others = effects
    return {
        name
        for name, lock in first.locks.items()
        if all(name in one.locks and one.locks[name].mode == lock.mode for one in others)
    }


def _merge_lock(lock: Lock, out: Effect) -> None:
    out.take_lock(lock)


def distinct(worlds: Iterable[World]) -> list[World]:
    """Each once, and not too many."""
    kept: list[World] = []
    for world in worlds:
        if not any(world is other or world.same_as(other) for other in kept):
            kept.append(world)
    return kept if len(kept) <= MOST else _fewer(kept)


def _fewer(worlds: list[World]) -> list[World]:
    """Those in which everything that differs is there once and missing once; the first and the last way are always
    among them.
    """
    differing = _differing(worlds)
    parts = [set(_parts(world, differing)) for world in worlds]
    everywhere = set.intersection(*parts)
    kept = [0, len(worlds) - 1]
    for position in range(1, len(worlds) - 1):
        if not _covers(parts, kept, parts[position], everywhere):
            if len(kept) == MOST:
                worlds[0].catalog.doubts.crowded = True
                break
            kept.append(position)
    return [worlds[position] for position in sorted(kept)]


def _covers(parts: list[set[_Part]], kept: list[int], wanted: set[_Part], everywhere: set[_Part]) -> bool:
    """Whether all that is in one of them is in a kept one, too, and all that isn't is missing in one."""
    there = set().union(*(parts[position] for position in kept))
    always = set.intersection(*(parts[position] for position in kept))
    return wanted <= there and always - everywhere <= wanted


_Part = tuple[object, ...]


def _parts(world: World, differing: set[Name]) -> Iterator[_Part]:
    """What there is in a world of relations that aren't the same in all, and its search path."""
    yield ("path", world.catalog.search_path)
    for name in sorted(differing):
        relation = world.catalog.known(name)
        if relation is None:
            continue
        yield ("relation", name, relation.kind, relation.new)
        yield from (("column", name, *column) for column in relation.columns.items())
        yield from (("index", name, index.name, index.valid) for index in relation.indexes)
        yield from (("key", name, key.name, key.valid) for key in relation.foreign_keys)
        yield from (("check", name, check.name, check.valid) for check in relation.checks)
        yield from (("child", name, child) for child in relation.children)
        yield from (("dependent", name, dependent) for dependent in relation.dependents)


def _differing(worlds: list[World]) -> set[Name]:
    first = dict(worlds[0].catalog.relations())
    found: set[Name] = set()
    for world in worlds[1:]:
        here = dict(world.catalog.relations())
        found |= first.keys() ^ here.keys()
        found.update(name for name, relation in here.items() if first.get(name) is not relation)
    return found
