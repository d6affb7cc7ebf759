"""A server at a glance, in numbers: one query, which takes no lock."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pgmig_tui.database.text import load

if TYPE_CHECKING:
    from pgmig_tui.database.connect import Connection


@dataclass(frozen=True, slots=True)
class ServerNumbers:
    """The names of the fields are the columns of queries/server_numbers.sql, which says what may be hidden. None: there
    is none, or this role may not see it, which `hidden` (sessions) and `lag_hidden` (replicas) tell apart."""

    size_bytes: int | None
    connections: int
    connections_here: int
    max_connections: int
    longest_transaction_s: float | None
    hidden: int
    waiters: int
    replicas: int
    lag_hidden: int
    lag_bytes: float | None
    lag_s: float | None
    wraparound_percent: float
    live_rows: int | None
    dead_rows: int | None
    standby: bool


def read_numbers(connection: Connection) -> ServerNumbers:
    """One look. Raises ServerError, ConnectionLost."""
    _, rows = connection.columns(load("queries/server_numbers"))
    return ServerNumbers(*rows[0])
