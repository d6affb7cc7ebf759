"""Measures how fast a server reads, without touching a user's table."""

from __future__ import annotations

import json
from typing import Any

from pgmig_tui.database.connect import Connection, ServerError
from pgmig_tui.database.text import load
from pgmig_tui.impact.rates import MB, Rates, rates_from

_ENOUGH = 64 * MB
"""Fewer timed bytes than these say nothing about the disk."""
_BLOCK = 8192


def read_rates(connection: Connection) -> Rates:
    """Rates of this server, measured within some milliseconds; the defaults, saying why, where it doesn't let us.

    Source: the execution time that EXPLAIN ANALYZE gives for reading pages of a catalog that are in memory, the best of
    four; and pg_stat_database's block read time. Raises ConnectionLost.
    """
    try:
        *plans, ((read, ms),) = connection.results(load("queries/read_rates"))
    except ServerError as error:
        return Rates(how=f"stated defaults: {error.message}")
    speeds = [speed for plan in plans if (speed := _speed(plan[0][0]))]
    if not speeds:
        return Rates(how="stated defaults: the server gave no execution time")
    return rates_from(max(speeds), read / (ms / 1000) if ms and read >= _ENOUGH else None)


def _speed(plan: Any) -> float | None:
    """Bytes a second of one explained reading."""
    document = json.loads(plan) if isinstance(plan, str | bytes) else plan
    blocks = document[0]["Plan"]["Shared Hit Blocks"] + document[0]["Plan"]["Shared Read Blocks"]
    ms = document[0]["Execution Time"]
    return float(blocks * _BLOCK / (ms / 1000)) if ms and blocks else None
