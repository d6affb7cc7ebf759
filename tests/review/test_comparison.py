"""What is said of a deploy from intervals before and after it, with made-up times."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Sequence

import pytest

from pgmig_tui.database.sampling import Interval, Spent, StatementKey
from pgmig_tui.review.comparison import Group, earlier, judge, rank_test

ORDERS, CUSTOMERS, PING = (StatementKey(10, True, text) for text in ("on orders", "on customers", "SELECT $1"))


def group_of(text: str) -> Group:
    return {"on orders": "treated", "on customers": "control"}.get(text, "other")  # type: ignore[return-value]


def intervals(
    many: int, orders: float | None = 2.0, customers: float | None = 5.0, *, rollbacks: int = 0, seed: int = 1
) -> list[Interval]:
    """Milliseconds a call, with a fifth of noise and numbers of calls that come and go."""
    chance = random.Random(seed)
    found = []
    for number in range(many):
        spent = {PING: Spent(9, 0.1)}
        for key, ms in ((ORDERS, orders), (CUSTOMERS, customers)):
            if ms is not None:
                calls = chance.randint(3, 30)
                spent[key] = Spent(calls, calls * ms * chance.uniform(0.8, 1.2))
        found.append(Interval(number, number + 1, 100, rollbacks, 0, 0, None, None, spent))
    return found


BEFORE = intervals(40)


@pytest.mark.parametrize(
    ("after", "outcome"),
    [
        (intervals(40, seed=2), "healthy"),
        (intervals(40, 1.0, seed=2), "healthy"),
        (intervals(40, 4.0, seed=2), "slower by this change"),
        (intervals(40, 4.0, 10.0, seed=2), "slower server-wide"),
        (intervals(40, 9.0, 10.0, seed=2), "slower by this change"),
        (intervals(40, 2.0, 10.0, seed=2), "slower server-wide"),
        (intervals(40, rollbacks=10, seed=2), "errors"),
        (intervals(29, 8.0, seed=2), "too little data"),
        (intervals(40, None, seed=2), "too little data"),
        (intervals(40, 4.0, None, seed=2), "too little data"),
        ([], "too little data"),
    ],
    ids=str,
)  # fmt: skip
def test_a_verdict_is_about_the_difference_of_the_two_groups(after: Sequence[Interval], outcome: str) -> None:
    found = judge(earlier(BEFORE, group_of), after)
    assert found.outcome == outcome, found.reasons
    assert found.reasons


def test_without_a_time_before_nothing_is_known() -> None:
    found = judge(earlier([], group_of), intervals(40))
    assert (found.outcome, found.reasons) == (
        "too little data", ("nobody watched before the deploy: there is nothing to compare with",),
    )  # fmt: skip


def test_another_mix_of_statements_is_not_slower() -> None:
    """Ten times as many calls of the slow statement: each takes as long as ever."""
    slow = StatementKey(10, True, "slow on orders")

    def of(text: str) -> Group:
        return "treated" if "orders" in text else "control"

    def mixed(calls: int, seed: int) -> list[Interval]:
        found = intervals(40, seed=seed)
        return [
            Interval(
                one.began, one.ended, 100, 0, 0, 0, None, None, {**one.statements, slow: Spent(calls, calls * 80.0)}
            )
            for one in found
        ]

    assert judge(earlier(mixed(1, 1), of), mixed(10, 2)).outcome == "healthy"


def test_the_statements_that_became_slower_are_named_worst_first() -> None:
    found = judge(earlier(BEFORE, group_of), intervals(40, 6.0, seed=3))
    (slow,) = found.slowest
    assert slow.text == "on orders"
    assert slow.after_ms / slow.before_ms == pytest.approx(3.0, rel=0.2)


def test_chance_alone_is_seldom_taken_for_a_change() -> None:
    """A hundred deploys that changed nothing."""
    outcomes = [
        judge(earlier(intervals(40, seed=n), group_of), intervals(40, seed=1000 + n)).outcome for n in range(100)
    ]
    assert outcomes.count("healthy") == 100


def test_the_rank_test_comes_near_the_exact_chance() -> None:
    """Counted over every way to deal the values out."""
    before, after = [1.1, 2.2, 3.3, 4.4, 5.5, 6.6, 7.7, 8.8], [3.0, 5.0, 7.0, 9.0, 11.0, 13.0, 15.0, 17.0]
    values = before + after
    seen = sum(one > other for one in after for other in before)
    larger = 0
    for chosen in itertools.combinations(range(16), 8):
        rest = [values[number] for number in range(16) if number not in chosen]
        larger += sum(values[number] > other for number in chosen for other in rest) >= seen
    assert rank_test(before, after) == pytest.approx(larger / math.comb(16, 8), abs=0.002)
    assert rank_test(after, before) > 0.95
    assert rank_test([1.0] * 5, [1.0] * 5) == 1.0
    assert rank_test([], [1.0]) == 1.0
