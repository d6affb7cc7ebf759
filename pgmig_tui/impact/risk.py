"""How much it hurts, and for how long: from locks, work and sizes. Every figure is a range."""

from __future__ import annotations

from collections.abc import Sequence

from pgmig_tui.impact.effect import Effect
from pgmig_tui.impact.facts import Relation
from pgmig_tui.impact.modes import AE, SRE, SUE, LockMode, S
from pgmig_tui.impact.rates import CACHED, DEFAULT_RATES, MB, Rates
from pgmig_tui.impact.result import RISKS, Estimate
from pgmig_tui.impact.work import of_tables

SMALL, LARGE = 8 * MB, 4096 * MB
_LOW, _MEDIUM, _HIGH = (RISKS.index(word) for word in ("low", "medium", "high"))
_LOSS_RISK = (0, 1, 1, 2, 3, 4)


def estimate(out: Effect, rates: Rates = DEFAULT_RATES) -> Estimate | None:
    """How long it works once it has its locks, in ms; None when sizes or statements are not known."""
    tables = of_tables(out)
    if tables is None or out.unknown or out.doubts:
        return None
    low, high = (nanoseconds / 1e6 * rates.slowness for nanoseconds in tables.plus(out.spent))
    read = sum(max(one.bytes, 0) for one in {**out.scans, **out.rewrites}.values() if not one.new)
    from_disk = max(0, read - CACHED) / rates.disk * 1000
    return Estimate(int(low / rates.spread), 5 + len(out.locks) + int(high * rates.spread + from_disk))


def risk(out: Effect, held: LockMode | None = None, worked: Sequence[Relation] = ()) -> str:
    """The class of lock-impact's risk model, for a table that others use. `held` is the strongest lock from earlier
    statements that others wait for while the statement works on relations (`worked`)."""
    if not out.locks and not out.loss_class and not out.unknown and not out.problem:
        return RISKS[0]
    visible = []
    top: LockMode | None = None
    level = index_level = exclusive = 0
    for lock in out.locks.values():
        if lock.new:
            continue
        mode = lock.mode
        if lock.relkind in "iI":
            if mode is AE:
                index_level = _MEDIUM
            continue
        visible.append(lock)
        exclusive += mode is AE
        if top is None or mode > top:
            top = mode
    rewrites: list[Relation] = []
    scans: list[Relation] = []
    if out.rewrites or out.scans:
        seen = {lock.name for lock in visible}
        rewrites = [r for r in out.rewrites.values() if r.name in seen and r.kind != "S"]
        scans = [r for r in out.scans.values() if r.name in seen]
    if top is None or top < SUE:
        level = _LOW if top is not None and top > 1 else 0
    elif top < S:
        level = _LOW
    elif top is AE and rewrites:
        level = _by_size(rewrites, "medium", "high", "critical")
    elif top in (S, SRE) or top < AE:
        level = _by_size(scans, "medium", "high", "high") if scans else _MEDIUM
    else:
        level = _by_size(scans, "medium", "high", "high") if scans else _MEDIUM
        if exclusive > 1:
            level = max(level, _HIGH)
    if held is not None and worked:
        level = max(level, _by_size(list(worked), "medium", "high", "critical" if out.rewrites else "high"))
    level = max(level, index_level, _LOSS_RISK[out.loss_class])
    if out.unknown:
        level = max(level, _MEDIUM)
    if out.problem:
        level = max(level, _HIGH)
    return RISKS[level]


def _by_size(relations: list[Relation], small: str, middle: str, large: str) -> int:
    """An unknown size is taken for a middling one: it must not look harmless."""
    known = [relation.bytes for relation in relations]
    if not known or all(0 <= size <= SMALL for size in known):
        return RISKS.index(small)
    return RISKS.index(large if sum(max(size, 0) for size in known) >= LARGE else middle)
