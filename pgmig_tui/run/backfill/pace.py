"""How big the next batch is, how long to rest, and what to give way to: the decisions of a data migration in batches.

Pure: facts in, decisions out. `backfill.runner` asks; nothing here knows a clock, a socket or chance.
"""

from __future__ import annotations

from dataclasses import dataclass

from pgmig_tui.database.backfill import Pressure
from pgmig_tui.display import words
from pgmig_tui.run.process.guard import CANCELLED, lost_because

SMALLEST = 1
LARGEST = 50_000
"""Rows of a batch, unless more were asked for: a batch is never grown beyond that."""
_GROWTH = 1.5
_SLOW_REST = 9.0
"""How long to rest for each millisecond of work where only slowing down is called for: a tenth of the time is ours."""
_DEAD_ROWS = 1_000_000
"""Fewer dead rows than that are no burden, whatever their share."""

TIMEOUT_MS = 30_000
"""A batch that takes so long is cancelled, and the next is half as big (milliseconds), unless another is asked for."""


@dataclass(frozen=True, slots=True)
class Pace:
    """`aim_ms`: how long a batch should take; `rest`: how long to rest after it, as a share of its own time."""

    aim_ms: int
    rest: float


@dataclass(frozen=True, slots=True)
class PaceLimits:
    """When to hold: a replica is more than `lag_s` or `lag_bytes` behind, `backlog_bytes` of WAL wait to be archived,
    `waiters` sessions waited behind a batch. `max_rate` is in rows of the table a second, 0 = none."""

    lag_s: float = 5.0
    lag_bytes: int = 64 << 20
    backlog_bytes: int = 1 << 30
    waiters: int = 3
    max_rate: float = 0.0


@dataclass(frozen=True, slots=True)
class Throttle:
    """Why the next batch has to wait (`holds`: until that is over; else only longer than usual)."""

    reason: str
    holds: bool


def pace(aim_ms: int, level: int) -> Pace:
    """The pace at `level` steps faster (+) or slower (-) than usual, where a batch takes `aim_ms` and rests a quarter.

    Slower means first longer rests, then smaller batches, too; faster no rest, then bigger ones.
    """
    if level > 0:
        return Pace(int(aim_ms * 2 ** (min(level, 5) - 1)), 0.0)
    slower = min(-level, 6)
    return Pace(max(20, int(aim_ms / 2 ** max(0, slower - 2))), 0.25 * 4.0 ** min(slower, 3))


def next_size(size: int, seen: int, ms: float, aim_ms: int, largest: int = LARGEST) -> int:
    """The next batch's rows, after one of `size` of which `seen` were there took `ms`.

    Down at once to what fits the aim, up by half at most: a quick batch may only have been a lucky one.
    """
    if seen < size:  # the last of them, or rows that are gone: tells nothing of the speed
        return size
    fitting = size * aim_ms / max(ms, 0.1)
    if ms <= 1.2 * aim_ms:
        fitting = max(size, min(fitting, size * _GROWTH + 1)) if ms < 0.8 * aim_ms else size
    return max(SMALLEST, min(int(fitting), max(largest, SMALLEST)))


def lost_why(sqlstate: str, gave_way: str, *, asked: bool) -> str:
    """Why a batch was lost, if it is worth another try, else "". `asked`: an operator has cancelled it."""
    if asked:
        return ""
    if sqlstate == CANCELLED and not gave_way:
        return "it took too long (statement_timeout), or somebody has cancelled it"
    if sqlstate.startswith(("08", "57P")):
        return "the connection was lost"
    return lost_because(sqlstate, gave_way)


def after_loss(size: int, lost: int, retries: int, sqlstate: str) -> int | None:
    """The size of the next try after `lost` ones in a row; None: give up. Too slow at the smallest size stays too
    slow."""
    if lost > retries or (sqlstate == CANCELLED and size <= SMALLEST):
        return None
    return max(SMALLEST, size // 2)


def rest_ms(took_ms: float, seen: int, at: Pace, limits: PaceLimits, slowed: Throttle | None) -> int:
    """How long to rest after a batch that took `took_ms` for `seen` rows of the table."""
    share = at.rest if slowed is None else max(at.rest, _SLOW_REST)
    wanted = took_ms * share
    if limits.max_rate > 0:
        wanted = max(wanted, seen / limits.max_rate * 1000 - took_ms)
    return max(0, int(wanted))


def throttle(now: Pressure, limits: PaceLimits, waiters: int) -> Throttle | None:
    """The weightiest reason to wait, None where there is none. `waiters` sessions waited behind the last batch."""
    if now.lag_bytes is not None and now.lag_bytes > limits.lag_bytes:
        behind = words.size(now.lag_bytes)
        return Throttle(f"a replica is {behind} behind (limit {words.size(limits.lag_bytes)})", True)
    # An idle replica keeps telling its last lag: it only counts while there is something to replay.
    if now.lag_s is not None and now.lag_s > limits.lag_s and (now.lag_bytes or 0) > 0:
        return Throttle(f"a replica is {now.lag_s:.1f} s behind (limit {limits.lag_s:g} s)", True)
    if now.archives and now.backlog_bytes is not None and now.backlog_bytes > limits.backlog_bytes:
        waits = words.size(now.backlog_bytes)
        return Throttle(f"{waits} of WAL wait to be archived (limit {words.size(limits.backlog_bytes)})", True)
    if now.archives and now.archive_failing:
        return Throttle("WAL can't be archived: the last try has failed", True)
    if waiters >= limits.waiters > 0:
        return Throttle(f"{words.count(waiters, 'session')} waited behind the last batch", False)
    if now.vacuum:
        return Throttle("the table is being vacuumed", False)
    if now.dead > _DEAD_ROWS and now.dead > now.live:
        return Throttle(f"the table has {words.about(now.dead)} dead rows, and vacuum doesn't keep up", False)
    return None


def blind_spots(now: Pressure) -> tuple[str, ...]:
    """What can't be seen, and therefore isn't given way to: said once, never taken for "all is well"."""
    told = []
    if now.hidden:
        what = words.count(now.hidden, "replica")
        told.append(f"the lag of {what} is UNKNOWN: this role may not see it (pg_monitor shows it)")
    if now.archives and now.backlog_bytes is None:
        told.append("how much WAL waits to be archived is UNKNOWN: none was archived yet")
    return tuple(told)
