"""How big the next batch is, how long to rest, and what to give way to."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pgmig_tui.database.backfill import Order, Pressure, between, bound_sql, lock_key
from pgmig_tui.run.backfill import pace as batches
from pgmig_tui.run.backfill.pace import Pace, PaceLimits, Throttle

CALM = Pressure(0, 0, None, None, False, False, None, False, 1000, 0)
BACKLOG = replace(CALM, archives=True, backlog_bytes=2 << 30)


@pytest.mark.parametrize(
    ("size", "ms", "wanted"),
    [
        (1000, 100, 1501),  # quick: half as much again, not twice
        (1000, 170, 1000),  # near enough
        (1000, 230, 1000),
        (1000, 400, 500),  # too slow: at once what fits
        (1000, 20_000, 10),
        (1, 20_000, 1),
        (1, 0.01, 2),
        (50_000, 1, 50_000),
    ],
)
def test_the_next_batch_aims_at_the_time_that_one_may_take(size: int, ms: float, wanted: int) -> None:
    assert batches.next_size(size, size, ms, 200) == wanted


def test_rows_that_are_not_there_tell_nothing_of_the_speed() -> None:
    assert batches.next_size(1000, 3, 1, 200) == 1000


@given(st.integers(1, 10**6), st.floats(0, 1e6), st.integers(20, 5000))
def test_a_batch_is_never_empty_nor_much_bigger(size: int, ms: float, aim: int) -> None:
    after = batches.next_size(size, size, ms, aim)
    assert 1 <= after <= max(size * 1.5 + 1, 1)
    if ms > 1.2 * aim:
        assert after <= size


def test_a_size_that_always_takes_too_long_ends_at_one_row() -> None:
    size, lost = 1000, 0
    while (after := batches.after_loss(size, lost := lost + 1, 100, "57014")) is not None:
        assert after < size
        size = after
    assert size == 1


def test_tries_end_whatever_the_size() -> None:
    assert batches.after_loss(1000, 8, 8, "55P03") == 500
    assert batches.after_loss(1000, 9, 8, "55P03") is None
    assert batches.after_loss(1, 3, 8, "40P01") == 1, "one row can still be waited for"


@pytest.mark.parametrize("state", ["55P03", "40P01", "40001", "57014"])
def test_what_is_worth_another_try(state: str) -> None:
    assert batches.lost_why(state, "", asked=False)
    assert not batches.lost_why(state, "", asked=True), "whoever cancels doesn't want another one"


def test_an_error_of_the_statement_itself_is_no_lost_try() -> None:
    assert not batches.lost_why("23505", "", asked=False)


def test_the_pace_goes_down_by_rests_first_and_up_without_any() -> None:
    assert batches.pace(200, 0) == Pace(200, 0.25)
    assert batches.pace(200, 1) == Pace(200, 0.0)
    assert batches.pace(200, 2) == Pace(400, 0.0)
    assert batches.pace(200, -1) == Pace(200, 1.0)
    assert batches.pace(200, -2) == Pace(200, 4.0)
    assert batches.pace(200, -3) == Pace(100, 16.0)
    paces = [batches.pace(200, level) for level in range(-6, 6)]
    shares = [1 / (1 + one.rest) for one in paces]
    assert shares == sorted(shares)
    assert [one.aim_ms for one in paces] == sorted(one.aim_ms for one in paces)


def test_the_rest_between_batches_follows_pace_rate_and_throttle() -> None:
    usual = Pace(200, 0.25)
    assert batches.rest_ms(200, 1000, usual, PaceLimits(), None) == 50
    assert batches.rest_ms(200, 1000, usual, PaceLimits(max_rate=1000), None) == 800
    assert batches.rest_ms(200, 1000, usual, PaceLimits(), Throttle("vacuum", False)) == 1800


@pytest.mark.parametrize(
    ("now", "reason", "holds"),
    [
        (replace(CALM, replicas=1, lag_bytes=65 << 20, lag_s=1.0), "a replica is 65 MB behind (limit 64 MB)", True),
        (replace(CALM, replicas=1, lag_bytes=1, lag_s=5.1), "a replica is 5.1 s behind (limit 5 s)", True),
        (
            BACKLOG,
            "2048 MB of WAL wait to be archived (limit 1024 MB)",
            True,
        ),
        (replace(CALM, archives=True, archive_failing=True), "WAL can't be archived: the last try has failed", True),
        (replace(CALM, vacuum=True), "the table is being vacuumed", False),
        (replace(CALM, live=1, dead=2_000_000), "the table has 2.0M dead rows, and vacuum doesn't keep up", False),
    ],
)
def test_what_is_given_way_to(now: Pressure, reason: str, holds: bool) -> None:
    assert batches.throttle(now, PaceLimits(), 0) == Throttle(reason, holds)


@pytest.mark.parametrize(
    "now",
    [
        CALM,
        replace(CALM, replicas=1, lag_bytes=0, lag_s=600.0),  # the last lag of a replica that has nothing to replay
        replace(CALM, archives=False, archive_failing=True),
        replace(CALM, dead=900_000, live=0),
        replace(CALM, replicas=2, hidden=2),
    ],
)
def test_a_server_at_ease_slows_no_backfill(now: Pressure) -> None:
    assert batches.throttle(now, PaceLimits(), 0) is None


def test_waiting_sessions_slow_the_next_batch() -> None:
    assert batches.throttle(CALM, PaceLimits(), 2) is None
    assert batches.throttle(CALM, PaceLimits(), 3) == Throttle("3 sessions waited behind the last batch", False)


def test_what_can_not_be_seen_is_said() -> None:
    assert batches.blind_spots(CALM) == ()
    assert "UNKNOWN" in batches.blind_spots(replace(CALM, replicas=1, hidden=1))[0]
    assert "UNKNOWN" in batches.blind_spots(replace(CALM, archives=True))[0]


def test_the_range_of_a_batch() -> None:
    key = Order(("id",), ("pg_catalog.int8",))
    low = '"t"."id" OPERATOR("pg_catalog".<=)'
    assert between("t", key, (), ("5",)) == f"{low} '5'::pg_catalog.int8"
    both = f'"t"."id" OPERATOR("pg_catalog".>) \'5\'::pg_catalog.int8 AND {low} \'9\'::pg_catalog.int8'
    assert between("t", key, ("5",), ("9",)) == both
    columns = '("x"."a", "x"."B")'
    both = f"{columns} OPERATOR(\"app\".>) ('1', 'o''x') AND {columns} OPERATOR(\"app\".<=) ('2', '')"
    assert between("x", Order(("a", "B"), schema="app"), ("1", "o'x"), ("2", "")) == both


def test_the_bound_is_asked_by_the_key_alone() -> None:
    sql = bound_sql("public.t", Order(("id",)), ("5",), ("90",), 10)
    operator = 'OPERATOR("pg_catalog".{})'.format
    wanted = f'WHERE "id" {operator(">")} \'5\' AND "id" {operator("<=")} \'90\' ORDER BY "id" LIMIT 10'
    assert wanted in sql


def test_lock_keys_are_signed_and_tell_statements_apart() -> None:
    keys = {lock_key(str(number)) for number in range(1000)}
    assert len(keys) == 1000
    assert all(-(2**63) <= key < 2**63 for key in keys)
