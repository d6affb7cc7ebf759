"""The first message of a session of our own, and what a session is guarded by.

Until its answer is there, names mean what the database's or the role's search_path says: a stranger's operator on it
would run as whoever we have logged in as. So the message is one SELECT that calls functions by their full names and
says nothing else: no operator, no cast, no name that would have to be looked up. It sets all that could change what our
own statements mean or answer. Not the startup packet: a pooler refuses `options` or drops them silently, and what came
in that way is what RESET goes back to.

A pooler would keep what is set for whoever gets the server session next. It announces a process ID of its own, so
the same message, which asks for the true one, sets everything for itself alone where they differ.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from select import POLLIN, poll
from typing import TYPE_CHECKING, Literal

import psycopg
from psycopg import pq

if TYPE_CHECKING:
    from psycopg.pq.abc import PGconn, PGresult

Kind = Literal["step", "control", "watch", "alone"]
"""step: for scripts · watch: only looks · alone: what it writes (registry and tracking tables, failed steps) waits for
no synchronous standby; the COMMIT of a step, which comes behind it in the write-ahead log, waits for all of it."""

PATH = "pg_catalog, pg_temp"
"""search_path of our own sessions."""

PLAIN: Mapping[str, str] = {
    "search_path": PATH,
    "client_encoding": "UTF8",
    "standard_conforming_strings": "on",
    "backslash_quote": "safe_encoding",
    "array_nulls": "on",
    "transform_null_equals": "off",
    "datestyle": "ISO, MDY",
    "intervalstyle": "postgres",
    "timezone": "UTC",
    "bytea_output": "hex",
    "extra_float_digits": "1",
    "quote_all_identifiers": "off",
    # A table of ours with row security would look empty; so it is an error, and says so.
    "row_security": "off",
    "client_min_messages": "warning",
    "default_transaction_isolation": "read committed",
    # Whoever writes goes through `identity.admit`; to all others the server itself says no.
    "default_transaction_read_only": "on",
    "default_transaction_deferrable": "off",
    "idle_in_transaction_session_timeout": "0",
    "statement_timeout": "0",
}
"""What our own sessions have, whatever the role or the database says (ALTER ROLE … SET, ALTER DATABASE … SET)."""

_WATCH: Mapping[str, str] = {"statement_timeout": "2s"}
_WATCH_LOCK_MS = 150
LET_WRITE = "SET default_transaction_read_only = off"
"""What the door says to a session that may write, and nobody else."""
NOT_WAITING = "SET synchronous_commit = local"
TRIES = 50
"""A role's statement_timeout of a millisecond may end the very message that lifts it."""
_TIMED_OUT = "57014"


SILENT = "no answer in time"


class OpeningError(Exception):
    """The session can't be had as it must be: why, and the SQLSTATE ("" where the server said none). `again`: the
    message may be sent once more."""

    def __init__(self, why: str, sqlstate: str = "") -> None:
        super().__init__(why)
        self.why = why
        self.sqlstate = sqlstate
        self.again = sqlstate == _TIMED_OUT


def settings_of(kind: Kind, lock_timeout_ms: int, version_num: int) -> dict[str, str]:
    """What a session of that kind has. `step`: one for scripts, which keep all else that the server gives them."""
    settings = {"idle_in_transaction_session_timeout": "30s", "statement_timeout": "0"}
    if kind != "step":
        settings = dict(PLAIN)
    if kind == "alone":
        settings["synchronous_commit"] = "local"
    if kind == "watch":
        settings |= _WATCH
        lock_timeout_ms = _WATCH_LOCK_MS
    settings["lock_timeout"] = f"{lock_timeout_ms}ms" if lock_timeout_ms else "0"
    if version_num >= 140000:
        settings["idle_session_timeout"] = "0"
    if version_num >= 170000:
        settings["transaction_timeout"] = "0"
    return settings


def calls(settings: Mapping[str, str], version_num: int, local: str = "false") -> list[str]:
    """Calls of set_config, `local` (a boolean) for the transaction only; one that has no COMMIT answered before it
    is on disk, where role or database say off: what we tell as done outlives a crash; and one that lets the server
    notice when its client has died: without it, it goes on with a statement and applies it.

    Where the platform can't watch a socket, that setting is an error: Linux can from 14, macOS and the BSDs from 15.
    """
    made = [f"pg_catalog.set_config('{name}','{value}',{local})" for name, value in settings.items()]
    if "synchronous_commit" not in settings:
        durable = "pg_catalog.replace(pg_catalog.current_setting('synchronous_commit'),'off','local')"
        made.append(f"pg_catalog.set_config('synchronous_commit',{durable},{local})")
    if version_num >= 140000:
        able = ("linux",) if version_num < 150000 else ("linux", "darwin", "bsd")
        found = ",".join(f"pg_catalog.strpos(pg_catalog.version(),'{name}')" for name in able)
        interval = f"pg_catalog.concat(LEAST(1,GREATEST({found})),'000')"  # milliseconds: a second, or never
        made.append(f"pg_catalog.set_config('client_connection_check_interval',{interval},{local})")
    return made


@cache
def guard_sql(kind: Kind, lock_timeout_ms: int, version_num: int) -> bytes:
    """One statement that sets a session's guards; it returns one row. It may be sent whatever the search_path is."""
    return ("SELECT " + ", ".join(calls(settings_of(kind, lock_timeout_ms, version_num), version_num))).encode()


def opening_sql(kind: Kind, lock_timeout_ms: int, version_num: int, announced_pid: int | None) -> bytes:
    """The first message, to a session whose process ID was announced so; None where a pooler is known to keep its
    sessions. Its row: the server's process ID, the statement_timeout that held until now, each setting as it is now."""
    pooled = "false"
    if announced_pid is not None:
        pooled = f"pg_catalog.int4ne(pg_catalog.pg_backend_pid(),{announced_pid})"
    settings = calls(settings_of(kind, lock_timeout_ms, version_num), version_num, pooled)
    before = "SELECT pg_catalog.pg_backend_pid(), pg_catalog.current_setting('statement_timeout'), "
    return (before + ", ".join(settings)).encode()


def open_session(raw: PGconn, kind: Kind, lock_timeout_ms: int, *, deadline: float, pooled: bool = False) -> int:
    """Send the first message and see that it was obeyed; the process ID of the server's session.

    With `pooled` a pooler is known to keep its sessions, and what is set stays. `deadline` (time.monotonic) bounds the
    waiting: a pooler without a free session takes the connection and says nothing. Raises OpeningError.
    """
    version = raw.server_version
    sql = opening_sql(kind, lock_timeout_ms, version, None if pooled else raw.backend_pid)
    for left in reversed(range(TRIES)):
        try:
            opened = read_opening(answer(raw, sql, deadline), kind, lock_timeout_ms, version)
            if opened.timed:
                _in_step(raw, deadline)
            return opened.pid
        except OpeningError as error:
            if not (left and error.again and raw.status == pq.ConnStatus.OK):
                raise
    raise AssertionError("the last try returns or raises")


@dataclass(frozen=True, slots=True)
class Opened:
    """The server's process; `timed`: a statement_timeout held while it read the first message."""

    pid: int
    timed: bool


def read_opening(result: PGresult | None, kind: Kind, lock_timeout_ms: int, version_num: int) -> Opened:
    """What the answer to the first message says. Raises OpeningError unless all is as it was set."""
    if result is None or result.status != pq.ExecStatus.TUPLES_OK:
        message = state = b""
        if result is not None:
            message = result.error_field(pq.DiagnosticField.MESSAGE_PRIMARY) or result.error_message
            state = result.error_field(pq.DiagnosticField.SQLSTATE) or b""
        raise OpeningError(message.decode("utf-8", "replace").strip() or "no answer", state.decode())
    row = [(result.get_value(0, column) or b"").decode("utf-8", "replace") for column in range(result.nfields)]
    wanted = settings_of(kind, lock_timeout_ms, version_num)
    found = dict(zip(wanted, row[2:], strict=False))
    for name, value in wanted.items():
        if name != "lock_timeout" and found.get(name, "").lower() != value.lower():
            raise OpeningError(f"{name} is {found.get(name)!r} after it was set to {value!r}", "22023")
    if not row[0].isdigit():
        raise OpeningError("the answer to the first question isn't one", "08P01")
    return Opened(int(row[0]), row[1] != "0")


def step_sql(number: int) -> bytes:
    """A question that has an answer of its own."""
    return f"SELECT 'pgmig {number}'".encode()


def in_step(result: PGresult | None, number: int) -> bool:
    """Whether that is the answer to the question of this number."""
    return result is not None and result.ntuples == 1 and result.get_value(0, 0) == f"pgmig {number}".encode()


def _in_step(raw: PGconn, deadline: float) -> None:
    """A timeout that ran out just as the first message ended is told later, by an error before the next message is
    read: that would be taken for its answer, and its answer for that of the one behind it. So ask until the answer is
    that of the question. Raises OpeningError."""
    for number in range(TRIES):
        if in_step(answer(raw, step_sql(number), deadline), number):
            return
    raise OpeningError("its answers are not those of the questions", "08P01")


def answer(raw: PGconn, sql: bytes, deadline: float) -> PGresult:
    """The last result of a simple query, waited for until `deadline` (time.monotonic). Raises OpeningError."""
    try:
        raw.send_query(sql)
        waiting = poll()
        waiting.register(raw.socket, POLLIN)
        last: PGresult | None = None
        while True:
            while raw.is_busy():
                left = deadline - time.monotonic()
                if left <= 0 or not waiting.poll(max(1, int(left * 1000))):
                    raise OpeningError(SILENT)
                raw.consume_input()
            result = raw.get_result()
            if result is None:
                break
            last = result
    except psycopg.Error as error:
        raise OpeningError((str(error).strip().splitlines() or ["the connection was lost"])[0]) from None
    if last is None:
        raise OpeningError("the connection was lost")
    return last
