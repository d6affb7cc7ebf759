"""How an environment does from one moment to the next, for a curve beside a run: one cheap query, no lock taken."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pgmig_tui.database.text import load

if TYPE_CHECKING:
    from pgmig_tui.database.connect import Connection


@dataclass(frozen=True, slots=True)
class PulseReading:
    """One reading. Times are seconds since 1970 by the server's clock; `transactions` and `wal` (bytes) only grow;
    `hidden` sessions and `unseen` replicas are those that this role may not look at. `lag_s` is the worst of those that
    it sees, None without one, or while nothing is to be replayed; `wal` None on a standby."""

    at: float
    reset: float | None
    transactions: int
    waiters: int
    longest_s: float | None
    hidden: int
    replicas: int
    unseen: int
    lag_s: float | None
    wal: float | None


@dataclass(frozen=True, slots=True)
class PulseBeat:
    """What an environment did between two readings, the later one at `at`. None is UNKNOWN: what this role may not
    see is no zero. `replicas`: how many there are."""

    at: float
    waiters: float | None = None
    transactions_s: float | None = None
    longest_s: float | None = None
    lag_s: float | None = None
    wal_s: float | None = None
    replicas: int = 0
    hidden: int = 0


def read_pulse(connection: Connection) -> PulseReading:
    """Read it once. Raises ServerError, ConnectionLost."""
    row = connection.one(load("queries/pulse"))
    assert row is not None, "the database that a session is in has a row"
    at, reset, transactions, waiters, longest, hidden, replicas, unseen, lag, wal = row
    return PulseReading(
        float(at), None if reset is None else float(reset), int(transactions or 0), int(waiters), longest, int(hidden),
        int(replicas), int(unseen), lag, wal,
    )  # fmt: skip


def beat(before: PulseReading | None, now: PulseReading) -> PulseBeat:
    """What happened since `before`. Without it, and where counters began anew, rates are unknown."""
    seconds = now.at - before.at if before is not None else 0.0
    same = before is not None and seconds > 0 and before.reset == now.reset
    rate = wal = None
    if before is not None and same and now.transactions >= before.transactions:
        rate = (now.transactions - before.transactions) / seconds
    if before is not None and seconds > 0 and now.wal is not None and before.wal is not None and now.wal >= before.wal:
        wal = (now.wal - before.wal) / seconds
    seen = not now.hidden
    lag = None if now.unseen or not now.replicas else now.lag_s or 0.0
    return PulseBeat(
        now.at,
        float(now.waiters) if seen else None,
        rate,
        (now.longest_s or 0.0) if seen else None,
        lag,
        wal,
        now.replicas,
        now.hidden,
    )
