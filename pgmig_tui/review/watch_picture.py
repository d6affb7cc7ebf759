"""What a screen draws of an environment that is watched: the numbers of each interval, and what was usual before."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pgmig_tui.display.cells import Line
from pgmig_tui.review.comparison import Group, Verdict
from pgmig_tui.review.watch_words import log_lines

if TYPE_CHECKING:
    from pgmig_tui.database.sampling import Interval
    from pgmig_tui.review.watching import Deployed, Watching

POINTS = 240
"""So many of the last intervals are drawn, and so many of before are what was usual."""


@dataclass(frozen=True, slots=True)
class Point:
    """An interval in numbers; milliseconds a call are None where nothing of that group ran, `lag_s` and `longest_s`
    where the server told none."""

    transactions: float
    rolled_back: float
    """Share, 0 to 1."""
    waiters: float
    longest_s: float | None
    lag_s: float | None
    treated_ms: float | None
    control_ms: float | None


@dataclass(frozen=True, slots=True)
class WatchPicture:
    """One look. `usual` is the median of before, None where nobody watched; `points` are the intervals since the
    deploy, the oldest first; `hopeless`: what keeps any verdict from being given. `log` is safe to draw."""

    asked_at: datetime
    verdict: Verdict
    deployed: Deployed | None
    hopeless: tuple[str, ...]
    before: int
    after: int
    usual: Point | None
    points: tuple[Point, ...]
    hidden: int = 0
    notes: tuple[str, ...] = ()
    log: tuple[Line, ...] = ()


class Pictures:
    """Makes pictures of one watching; of each interval the numbers are worked out once."""

    def __init__(self) -> None:
        self._known: dict[float, Point] = {}
        self._usual: Point | None = None
        self._done = False

    def picture(self, watching: Watching) -> WatchPicture:
        """How it looks now."""
        if not self._done:
            before = [point(one, watching.group_of) for one in watching.before[-POINTS:]]
            self._usual, self._done = usual(before), True
        last = watching.after[-POINTS:]
        self._known = {
            one.began: self._known.get(one.began) or point(one, watching.group_of) for one in last
        }  # fmt: skip
        return WatchPicture(
            datetime.now(UTC),
            watching.verdict(),
            watching.deployed,
            watching.hopeless(baseline=False),
            len(watching.before),
            len(watching.after),
            self._usual,
            tuple(self._known.values()),
            watching.hidden,
            tuple(watching.notes),
            tuple(log_lines(watching.logged)) if watching.deployed is not None else (),
        )


def point(one: Interval, group_of: Callable[[str], Group]) -> Point:
    """The numbers of an interval."""
    calls = {"treated": 0, "control": 0, "other": 0}
    took = {"treated": 0.0, "control": 0.0, "other": 0.0}
    for key, spent in one.statements.items():
        group = group_of(key.text)
        calls[group] += spent.calls
        took[group] += spent.ms
    ms = {name: took[name] / calls[name] if calls[name] else None for name in calls}
    all_ = one.commits + one.rollbacks
    return Point(
        one.transactions_a_second,
        one.rollbacks / all_ if all_ else 0.0,
        float(one.waiters),
        one.longest_s,
        one.lag_s,
        ms["treated"],
        ms["control"],
    )


def usual(points: Iterable[Point]) -> Point | None:
    """The median of each number; None of no points."""
    found = list(points)
    if not found:
        return None

    def median(values: Iterable[float | None]) -> float | None:
        known = [value for value in values if value is not None]
        return statistics.median(known) if known else None

    return Point(
        median(one.transactions for one in found) or 0.0,
        statistics.fmean(one.rolled_back for one in found),
        median(one.waiters for one in found) or 0.0,
        median(one.longest_s for one in found),
        median(one.lag_s for one in found),
        median(one.treated_ms for one in found),
        median(one.control_ms for one in found),
    )
