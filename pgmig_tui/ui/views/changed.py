"""What is other on a server than it was shown before the last question: pure functions over facts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pgmig_tui.display.safe import safe
from pgmig_tui.display.words import listing
from pgmig_tui.impact.modes import LockMode

if TYPE_CHECKING:
    from pgmig_tui.review.undoing import KeptRun
    from pgmig_tui.ui.backend.protocol import ItemFacts, ReviewFacts, Rollback, StepFacts

BLOCKERS = "check:blockers"
"""The item that says who holds the tables."""
_RANK = {"PASS": 0, "N-A": 0, "WARN": 1, "UNKNOWN": 2, "FAIL": 3}
_TROUBLE = frozenset({"WARN", "UNKNOWN", "FAIL"})
_LOCKS = {mode.sql_name: mode.value for mode in LockMode}


@dataclass(frozen=True, slots=True)
class NewFact:
    """One thing that is other now, as a sentence that is safe to draw. `worse`: what was read before the word is no
    longer all of it, so that it must be read again; what has only become better must not. `about` is the same for what
    comes and goes: what was read once needs not be read again; "" is the text itself."""

    text: str
    worse: bool
    about: str = ""


def review_differences(before: ReviewFacts, now: ReviewFacts) -> tuple[NewFact, ...]:
    """What a run would meet now and not before, or the other way round."""
    found = [*_outdated(before.outdated, now.outdated), *_items(before.items, now.items)]
    found += [one for old, new in zip(before.steps, now.steps, strict=False) for one in _step(old, new)]
    if more := [one for one in now.losses.all if one not in before.losses.all]:
        found.append(NewFact(safe(f"loses, or may lose, by now: {listing(more)}"), True))
    return tuple(found)


def rollback_differences(before: Rollback, now: Rollback) -> tuple[NewFact, ...]:
    """The same of a rollback. What is lost was counted before, and is not counted again."""
    found = [*_outdated(before.outdated, now.outdated), *_items(before.items, now.items)]
    old, new = dict(before.ahead), dict(now.ahead)
    found += [NewFact(f"in the way by now: {what}", True) for who, what in new.items() if who not in old]
    found += [NewFact(f"not in the way any more: {who}", False) for who in old if who not in new and not now.unseen]
    if now.unseen and not before.unseen:
        found.append(NewFact(f"who is in the way can't be told any more: {now.unseen}", True))
    return tuple(found)


def kept_differences(before: KeptRun, now: KeptRun) -> tuple[NewFact, ...]:
    """The same of what a rollback has kept."""
    found = [NewFact(f"kept as well: {one}", True) for one in now.lines if one not in before.lines]
    found += [NewFact(f"not to be brought back any more: {one}", True) for one in before.lines if one not in now.lines]
    if now.elsewhere and now.elsewhere != before.elsewhere:
        found.append(NewFact(safe(now.elsewhere), True))
    return tuple(found)


def _outdated(before: Sequence[str], now: Sequence[str]) -> Iterator[NewFact]:
    yield from (NewFact(one, True) for one in now if one not in before)
    yield from (NewFact(f"no longer so: {one}", False) for one in before if one not in now)


def _items(before: Sequence[ItemFacts], now: Sequence[ItemFacts]) -> Iterator[NewFact]:
    known = {one.id: one for one in before}
    for item in now:
        old, is_now = known.get(item.id), _seen(item)
        if old is None:
            if item.blocks or is_now in _TROUBLE:
                yield NewFact(safe(f"{item.title}: asked by now, and it is {is_now}: {_why(item)}"), True)
            continue
        was = _seen(old)
        told = safe(f"{item.title}: was {was}, is {is_now}: {_why(item)}")
        if was != is_now:
            yield NewFact(told, _RANK[is_now] > _RANK[was], f"{item.id} {is_now}")
        elif is_now in {"WARN", "FAIL"} and (others := _sessions(item) - _sessions(old)):
            yield NewFact(safe(f"{item.title}: other sessions by now ({listing(sorted(others))}): {_why(item)}"), True)
        elif item.blocks and not old.blocks:
            yield NewFact(safe(f"{item.title}: stands in the way by now: {item.summary}"), True)


def _seen(item: ItemFacts) -> str:
    """The state that the program has found, whatever a person has answered."""
    return item.kept.seen if item.kept is not None and item.kept.seen in _RANK else item.state


def _why(item: ItemFacts) -> str:
    return item.kept.saw if item.kept is not None and item.kept.saw else item.summary


def _sessions(item: ItemFacts) -> set[str]:
    """Whom a check has found, by process: their ages change from look to look."""
    rows = [row for row in item.kept.rows if row.get("blocks", True)] if item.kept is not None else []
    known = {f"process {row['pid']}" for row in rows if row.get("pid")}
    return known | {f"the prepared transaction {row['prepared']}" for row in rows if row.get("prepared")}


def _step(before: StepFacts, now: StepFacts) -> Iterator[NewFact]:
    old, new = _LOCKS.get(before.lock, 0), _LOCKS.get(now.lock, 0)
    if before.seen and not now.seen:
        yield NewFact(safe(f"{now.change}: what it does can't be told any more"), True)
    if new != old or (now.relation != before.relation and now.lock):
        yield NewFact(safe(f"{now.change}: takes {now.lock or 'no lock'} on {now.relation} by now"), new >= old)
    if now.rewrites and not before.rewrites:
        yield NewFact(safe(f"{now.change}: rewrites {now.relation} by now"), True)


def in_the_way(item: ItemFacts | None) -> tuple[str, bool]:
    """Who holds the tables, in words that are safe to draw, and whether that is good; "" where no check says it."""
    if item is None:
        return "", True
    state = _seen(item)
    if state in {"PASS", "N-A"}:
        return safe(f"{item.title}: {_why(item)}"), True
    return safe(f"{item.title}: {state}, {_why(item)}"), False
