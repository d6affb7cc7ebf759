"""Whether statements have become slower by a change, or by whatever else happens on the server at the same time.

Statements that touch what was changed are treated, all others are the control group. Of each group the time that its
calls took is set against the time that as many calls of the same statements took before: a ratio for each interval,
whatever the mix of statements. What is judged is the difference of the two groups' ratios. Pure.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from pgmig_tui.database.sampling import Interval, Spent, StatementKey

Group = Literal["treated", "control", "other"]
"""`other`: neither the tables that were changed nor any other of the users'."""
_COMPARED: tuple[Group, Group] = ("treated", "control")
Outcome = Literal["healthy", "slower by this change", "slower server-wide", "errors", "too little data"]

LEAST_INTERVALS = 30
"""With calls of a group, on each side. Below that nothing is called healthy or slower: a rank test on fewer can't tell
a fifth from chance, and Kayenta, which judges canaries the same way, wants 50."""
SLOWER = 1.25
SURE = 0.01
LEAST_ROLLBACKS = 10


@dataclass(frozen=True, slots=True)
class GroupFacts:
    """What became of a group. `ratio` is the time now to the time that the same calls took before, of the median
    interval on each side (None: nothing to compare): a mean would be that of the few calls that waited for a processor.
    `ratios` are those of the intervals afterwards; `calls` and `statements` count afterwards. `new` statements were not
    seen before."""

    ratio: float | None
    before: int
    after: int
    calls: int
    statements: int
    new: int
    ratios: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Slower:
    """A treated statement that takes longer than before, in milliseconds a call."""

    text: str
    before_ms: float
    after_ms: float
    calls: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is said of a deploy, with its reasons as sentences. Only "healthy" is green."""

    outcome: Outcome
    reasons: tuple[str, ...]
    treated: GroupFacts
    control: GroupFacts
    slowest: tuple[Slower, ...] = ()


@dataclass(frozen=True, slots=True)
class Earlier:
    """The time before a deploy, which may be thousands of intervals and is gone through once: milliseconds a call of
    each statement, and of each group its statements and the logarithms of its intervals' ratios."""

    intervals: Sequence[Interval]
    group_of: Callable[[str], Group]
    base: Mapping[StatementKey, float]
    known: Mapping[Group, frozenset[StatementKey]]
    logs: Mapping[Group, Mapping[int, float]]


def earlier(intervals: Sequence[Interval], group_of: Callable[[str], Group]) -> Earlier:
    """Work it out."""
    base = _base(intervals)
    known = {name: frozenset(key for key in base if group_of(key.text) == name) for name in _COMPARED}
    logs = {name: _logs(intervals, known[name], base) for name in _COMPARED}
    return Earlier(intervals, group_of, base, known, logs)


def judge(before: Earlier, after: Sequence[Interval]) -> Verdict:
    """Compare intervals before a deploy with those after it."""
    treated, control = (_group(name, before, after) for name in _COMPARED)
    outcome, reasons = _outcome(treated, control, before.intervals, after)
    slowest = _slowest(before, after) if outcome == "slower by this change" else ()
    return Verdict(outcome, tuple(reasons), treated.facts, control.facts, slowest)


@dataclass(frozen=True, slots=True)
class _Group:
    facts: GroupFacts
    logs_before: Mapping[int, float]
    logs_after: Mapping[int, float]
    """Logarithms of the ratios, by the number of the interval."""


def _base(before: Iterable[Interval]) -> dict[StatementKey, float]:
    """Milliseconds a call before; statements that took no time that could be measured say nothing."""
    spent: dict[StatementKey, Spent] = {}
    for interval in before:
        for key, one in interval.statements.items():
            spent[key] = spent.get(key, Spent(0, 0.0)) + one
    return {key: one.ms / one.calls for key, one in spent.items() if one.calls and one.ms > 0}


def _group(name: Group, before: Earlier, after: Sequence[Interval]) -> _Group:
    known = before.known[name]
    calls = 0
    seen: set[StatementKey] = set()
    for interval in after:
        here = {key for key in interval.statements if before.group_of(key.text) == name}
        calls += sum(interval.statements[key].calls for key in here & known)
        seen |= here
    logs_before, logs_after = before.logs[name], _logs(after, known, before.base)
    facts = GroupFacts(
        _ratio(logs_before, logs_after),
        len(logs_before),
        len(logs_after),
        calls,
        len(seen & known),
        len(seen - known),
        tuple(math.exp(value) for value in logs_after.values()),
    )
    return _Group(facts, logs_before, logs_after)


def _ratio(before: Mapping[int, float], after: Mapping[int, float]) -> float | None:
    if not before or not after:
        return None
    return math.exp(statistics.median(after.values()) - statistics.median(before.values()))


def _logs(
    intervals: Sequence[Interval], known: frozenset[StatementKey], base: Mapping[StatementKey, float]
) -> dict[int, float]:
    found = {}
    for number, interval in enumerate(intervals):
        here = known & set(interval.statements)
        took = sum(interval.statements[key].ms for key in here)
        expected = sum(interval.statements[key].calls * base[key] for key in here)
        if took > 0 and expected > 0:
            found[number] = math.log(took / expected)
    return found


def _outcome(
    treated: _Group, control: _Group, before: Sequence[Interval], after: Sequence[Interval]
) -> tuple[Outcome, list[str]]:
    if reasons := _errors(before, after):
        return "errors", reasons
    if reasons := _too_little(treated, control, before, after):
        return "too little data", reasons
    both_before = _differences(treated.logs_before, control.logs_before)
    both_after = _differences(treated.logs_after, control.logs_after)
    ratio, other = treated.facts.ratio or 1.0, control.facts.ratio or 1.0
    told = [
        f"statements on what was changed take {_times(ratio)} the time of before, all others {_times(other)}",
        f"{len(both_before)} intervals before and {len(both_after)} after, {treated.facts.calls} calls",
    ]
    apart = math.exp(statistics.median(both_after) - statistics.median(both_before))
    logs = [list(group.values()) for group in (control.logs_before, control.logs_after)]
    everything = other >= SLOWER and rank_test(*logs) < SURE
    # What slows everything adds more to short statements than to long ones, in proportion: a group of other lengths may
    # look slower by that alone, by less than the server is.
    if apart >= max(SLOWER, other if everything else 1.0) and rank_test(both_before, both_after) < SURE:
        return "slower by this change", told
    if everything:
        return "slower server-wide", [*told, "that is not enough to tell what was changed from the rest"]
    return "healthy", told


def _too_little(treated: _Group, control: _Group, before: Sequence[Interval], after: Sequence[Interval]) -> list[str]:
    if not before:
        return ["nobody watched before the deploy: there is nothing to compare with"]
    reasons = []
    names = ((treated, "statements on what was changed ran"), (control, "other statements, to compare with, ran"))
    for group, what in names:
        least = min(group.facts.before, group.facts.after)
        if least < LEAST_INTERVALS:
            sides = f"{group.facts.before} intervals before and {group.facts.after} after"
            reasons.append(f"{what} in {sides}; {LEAST_INTERVALS} on each side are needed")
    both = [
        _differences(treated.logs_before, control.logs_before),
        _differences(treated.logs_after, control.logs_after),
    ]
    if not reasons and min(len(one) for one in both) < LEAST_INTERVALS:
        reasons.append(f"both groups ran together in {len(both[0])} intervals before and {len(both[1])} after only")
    if treated.facts.new and not treated.facts.statements:
        reasons.append(f"{treated.facts.new} statements on what was changed are new: nothing is known of them before")
    if reasons and any(interval.evicted for interval in (*before, *after)):
        reasons.append("pg_stat_statements has forgotten statements meanwhile (pg_stat_statements.max)")
    return reasons


def _errors(before: Sequence[Interval], after: Sequence[Interval]) -> list[str]:
    """Rollbacks that have become more frequent than chance explains."""
    reasons = []
    rolled = [sum(one.rollbacks for one in side) for side in (before, after)]
    all_ = [sum(one.rollbacks + one.commits for one in side) for side in (before, after)]
    if rolled[1] >= LEAST_ROLLBACKS and all(all_):
        was, now = rolled[0] / all_[0], rolled[1] / all_[1]
        if now >= 2 * was + 0.005 and _more_often(rolled, all_) < SURE:
            reasons.append(
                f"{rolled[1]} of {all_[1]} transactions were rolled back ({now:.1%}), {was:.1%} before the deploy"
            )
    return reasons


def _more_often(rolled: Sequence[int], all_: Sequence[int]) -> float:
    """The chance that the second share is that much larger by chance: a test of two proportions, one-sided."""
    pooled = sum(rolled) / sum(all_)
    spread = math.sqrt(pooled * (1 - pooled) * (1 / all_[0] + 1 / all_[1]))
    return _tail((rolled[1] / all_[1] - rolled[0] / all_[0]) / spread) if spread else 1.0


def _differences(one: Mapping[int, float], other: Mapping[int, float]) -> list[float]:
    return [one[number] - other[number] for number in one if number in other]


def rank_test(before: Sequence[float], after: Sequence[float]) -> float:
    """How likely (0 to 1) values afterwards are that much larger by chance: Mann and Whitney's rank test, one-sided, by
    its normal approximation with ties, which holds from about 20 values a side."""
    if not before or not after:
        return 1.0
    ordered = sorted([(value, 0) for value in before] + [(value, 1) for value in after])
    ranks, ties, at = 0.0, 0.0, 0
    while at < len(ordered):
        end = at
        while end < len(ordered) and ordered[end][0] == ordered[at][0]:
            end += 1
        many = end - at
        ranks += sum(side for _, side in ordered[at:end]) * (at + end + 1) / 2
        ties += many**3 - many
        at = end
    m, n = len(before), len(after)
    u = ranks - n * (n + 1) / 2
    variance = m * n / 12 * (m + n + 1 - ties / ((m + n) * (m + n - 1)))
    return _tail((u - m * n / 2 - 0.5) / math.sqrt(variance)) if variance > 0 else 1.0


def _tail(z: float) -> float:
    return 0.5 * math.erfc(z / math.sqrt(2))


def _times(ratio: float) -> str:
    return f"{ratio:.2f}×"


def _slowest(before: Earlier, after: Iterable[Interval]) -> tuple[Slower, ...]:
    spent: dict[StatementKey, Spent] = {}
    for interval in after:
        for key, one in interval.statements.items():
            if key in before.known["treated"]:
                spent[key] = spent.get(key, Spent(0, 0.0)) + one
    found = [
        Slower(key.text, before.base[key], one.ms / one.calls, one.calls)
        for key, one in spent.items()
        if one.calls and one.ms / one.calls > before.base[key] * SLOWER
    ]
    return tuple(sorted(found, key=lambda one: (one.after_ms - one.before_ms) * one.calls, reverse=True)[:5])
