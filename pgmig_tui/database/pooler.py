"""What stands between us and the server: nothing, or a pooler that keeps its sessions or doesn't.

A pooler announces a process ID of its own (PgBouncer, and those like it). In transaction or statement mode every
transaction may get another server session: settings and advisory locks would be somebody else's, and ours theirs.
Source: PgBouncer 1.18 to 1.24, observed.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing
from typing import TYPE_CHECKING, Literal

from psycopg import pq

from pgmig_tui.database.opening import SILENT, OpeningError, answer
from pgmig_tui.errors import Refused, Unreachable

if TYPE_CHECKING:
    import psycopg
    from psycopg.pq.abc import PGconn, PGresult

    Opened = psycopg.Connection[tuple[object, ...]]

Mode = Literal["session", "transaction", "statement"]

MOST_SESSIONS = 4
"""Sessions that one run has open at a time."""

_PID = b"SELECT pg_catalog.pg_backend_pid()"
_LOOKS = 3
_NO_TRANSACTIONS = "statement pooling mode"
"""PgBouncer says so, in English wherever it runs, and closes the connection."""
_AGAIN_S = 60.0
kept: dict[tuple[bytes, bytes, bytes, bytes], float] = {}
"""Ways (host, port, database, user) that were found to keep their sessions, and when (time.monotonic). A process that
lives long asks again: a pool may be given another mode meanwhile."""


def refuse_unless_kept(
    display: str, raw: PGconn, pid: int, another: Callable[[], Opened], deadline: Callable[[], float]
) -> None:
    """See that the pooler in front of `raw`, which has the server process `pid` now, keeps its sessions.

    `another` opens a second connection the same way. Raises Refused, Unreachable where no other session is free.
    """
    if time.monotonic() - kept.get(_way(raw), -_AGAIN_S) < _AGAIN_S:
        return
    kept.pop(_way(raw), None)
    try:
        mode = mode_of(raw, pid, another, deadline)
    except OpeningError as error:
        if error.why == SILENT:
            raise full(display) from None
        raise Unreachable(f"{display} can't be reached: {error.why}", do="Try again.") from None
    if mode != "session":
        what = "settings and the advisory lock don't" if mode == "transaction" else "no transaction does"
        raise Refused(
            f"{display} leads to a pooler in {mode} mode: {what} hold there",
            now="Nothing was changed.",
            do="Use the server's own address and port, or a pool in session mode.",
        )
    kept[_way(raw)] = time.monotonic()


def keeps_sessions(raw: PGconn) -> bool:
    """A pooler was found on this way, and when we last asked, it kept its sessions."""
    return _way(raw) in kept


def _way(raw: PGconn) -> tuple[bytes, bytes, bytes, bytes]:
    return raw.host, raw.port, raw.db, raw.user


def mode_of(raw: PGconn, pid: int, another: Callable[[], Opened], deadline: Callable[[], float]) -> Mode:
    """While our session is idle a second one opens a transaction: if it gets the server process that served us, or
    we get another now, then our session was nobody's. Raises OpeningError."""
    with closing(another()) as second:
        try:
            other = answer(second.pgconn, b"BEGIN; " + _PID, deadline())
        except OpeningError as error:
            if _NO_TRANSACTIONS in error.why:
                return "statement"
            raise
        if other.status != pq.ExecStatus.TUPLES_OK or second.pgconn.status != pq.ConnStatus.OK:
            return "statement"
        if _value(other) == pid:
            return "transaction"
        for _ in range(_LOOKS):
            if _value(answer(raw, _PID, deadline())) != pid:
                return "transaction"
    return "session"


def full(display: str) -> Unreachable:
    """Nobody answers on a connection that was taken."""
    return Unreachable(
        f"{display} takes connections and gives no answer in time",
        now="Nothing was changed.",
        do="If a pooler stands there, it has no server session free: end others, or let it have more"
        f" (pool_size; a run uses up to {MOST_SESSIONS}). Otherwise look at the server.",
    )


def _value(result: PGresult) -> int:
    found = result.get_value(0, 0) if result.ntuples else None
    return int(found) if found is not None and found.isdigit() else -1
