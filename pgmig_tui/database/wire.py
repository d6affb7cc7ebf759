"""Script text on the wire: bytes out by simple query, exactly as psql sends them, answers back as plain values.

psycopg's own cursors would prepare, bind and adapt; a migration script must reach the server as it is written, and one
simple query may hold several statements (`\\;`). So this file speaks libpq through `psycopg.pq`, and nothing else does.

The waiting is done in `select.poll`, never inside libpq: the interpreter stays responsive, notices arrive while a
statement runs, and the caller's `Waiter` can watch other file descriptors (the control session, the command pipe) at
the
same time, without a thread.
"""

from __future__ import annotations

import re
import select
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import psycopg
from psycopg import pq

from pgmig_tui.database.connect import Connection, ServerError

if TYPE_CHECKING:
    from psycopg.pq.abc import PGresult

ROW_LIMIT = 100
"""Rows of one statement that are kept (and shown); all are counted."""

_CHUNK = 1000
_OK = frozenset({pq.ExecStatus.COMMAND_OK, pq.ExecStatus.TUPLES_OK, pq.ExecStatus.EMPTY_QUERY})
_READY = frozenset({pq.TransactionStatus.IDLE, pq.TransactionStatus.INTRANS, pq.TransactionStatus.INERROR})
_CHUNKS = frozenset({pq.ExecStatus.SINGLE_TUPLE, pq.ExecStatus.TUPLES_CHUNK})

_SHORT = re.compile(
    r"statement_timeout[\"',\s=]*(?:\bto\b)?[\"'\s]*(?:default\b|0*[1-9]\d{0,2}\s*(?:ms|us)?(?!\w|\.\d))"
    r"|statement_timeout.*?\d\s*us\b|\b(?:reset|discard)\s+(?:all|\"?statement_timeout)\b",
    re.IGNORECASE | re.DOTALL,
).search
"""A statement that leaves statement_timeout below a second, or at whatever role and database say."""
_SETS = frozenset({"SET", "RESET", "DISCARD", "SELECT"})
_LAZY = re.compile(r"synchronous_commit|\b(?:reset|discard)\s+all\b", re.IGNORECASE).search

Notice = Callable[[str, str, str], None]
"""Called with (severity, SQLSTATE, message) of a NOTICE, WARNING, INFO …"""


@dataclass(frozen=True, slots=True)
class Reply:
    """The server's answer to one statement.

    `tag` is the command tag ("INSERT 0 1", "COMMIT"), `rows` holds at most ROW_LIMIT rows of text values (None = NULL),
    `row_count` all rows read or changed, `ms` the milliseconds from sending to this answer.
    """

    tag: str
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str | None, ...], ...] = ()
    row_count: int = 0
    ms: float = 0.0


@dataclass(slots=True)
class Exchange:
    """All replies to one simple query, and the error that ended it, if one did."""

    replies: list[Reply] = field(default_factory=list)
    error: ServerError | None = None
    lost: bool = False
    """The connection broke: whether the last statement took effect is not known from this exchange."""
    ms: float = 0.0

    @property
    def last(self) -> Reply:
        return self.replies[-1] if self.replies else Reply("")


class Waiter:
    """Waits until the session's socket is readable. Subclasses watch more descriptors in the same poll."""

    def __init__(self) -> None:
        self._poll = select.poll()

    def watch(self, fd: int, events: int = select.POLLIN) -> None:
        self._poll.register(fd, events)

    def unwatch(self, fd: int) -> None:
        self._poll.unregister(fd)

    def wait(self, fd: int, timeout_ms: int | None = None) -> bool:
        """True when `fd` is readable; False on time-out or when another descriptor woke us (see `woken`)."""
        ready = self._poll.poll(timeout_ms)
        if len(ready) == 1 and ready[0][0] == fd:
            return True
        others = [other for other, _ in ready if other != fd]
        if others:
            self.woken(others)
        return any(other == fd for other, _ in ready)

    def woken(self, fds: list[int]) -> None:
        """Another watched descriptor is readable."""


def sets_short_timeout(kind: str, text: str) -> bool:
    """A statement of a script that may leave a statement_timeout under which statements of our own could be ended."""
    return kind in _SETS and bool(_SHORT(text))


def leaves_commits_unflushed(text: str) -> bool:
    """A statement of a script after which a COMMIT may be answered before it is on disk."""
    return bool(_LAZY(text))


class Wire:
    """A session that runs script text; it owns `connection`, which must be idle when handed over."""

    def __init__(self, connection: Connection, waiter: Waiter, notice: Notice | None = None) -> None:
        self.connection = connection
        self.raw = raw = connection.raw
        self.waiter = waiter
        self.notice = notice
        raw.notice_handler = self._notice
        raw.nonblocking = 0  # sends block (libpq keeps reading meanwhile); only the waiting for answers is ours
        self._fd = raw.socket
        waiter.watch(self._fd)
        self.hurried = False
        """A script has left a statement_timeout under which statements of our own could be ended."""
        self.unflushed = False
        """A script has left a synchronous_commit under which a crash may take what it has committed."""
        self._stray: ServerError | None = None

    # -- state -------------------------------------------------------------------------------------------------

    @property
    def pid(self) -> int:
        return self.connection.pid

    @property
    def idle(self) -> bool:
        """No transaction is open."""
        return self.raw.transaction_status == pq.TransactionStatus.IDLE

    @property
    def in_transaction(self) -> bool:
        return self.raw.transaction_status in (pq.TransactionStatus.INTRANS, pq.TransactionStatus.INERROR)

    @property
    def failed_transaction(self) -> bool:
        return bool(self.raw.transaction_status == pq.TransactionStatus.INERROR)

    @property
    def alive(self) -> bool:
        return bool(self.raw.status == pq.ConnStatus.OK)

    def parameter(self, name: str) -> str:
        """A parameter that the server reports by itself (client_encoding, standard_conforming_strings …), or ""."""
        value = self.raw.parameter_status(name.encode())
        return value.decode() if value else ""

    def close(self) -> None:
        if self._fd >= 0:
            self.waiter.unwatch(self._fd)
            self._fd = -1
        self.connection.close()

    def cancel(self) -> None:
        """Ask the server to cancel the running statement; nothing happens when there is none."""
        self.connection.cancel()

    def cut(self) -> None:
        """Give up the session as if the network had failed: whoever waits for its answer has lost it."""
        self.connection.cut()

    # -- statements --------------------------------------------------------------------------------------------

    def unhurried(self) -> Exchange | None:
        """Lift a short statement_timeout of the script by a message of its own, which says nothing else: the server
        counts from the message, reading it included, and one that runs out while a statement ends is told of the next.
        None where there is none."""
        if not self.hurried:
            return None
        self.hurried = False
        return self.run(b"SET statement_timeout = 0")

    def run(
        self,
        sql: bytes,
        *,
        copy_in: Callable[[], Iterable[bytes]] | None = None,
        copy_out: Callable[[bytes], None] | None = None,
        row_limit: int | None = ROW_LIMIT,
        chunked: bool = True,
    ) -> Exchange:
        """Send `sql` as one simple query and wait for all of its answers.

        `copy_in` is called when the server asks for COPY data and yields it in chunks; without it the COPY is failed.
        `copy_out` takes each line of COPY … TO STDOUT; without it the lines are counted and dropped. A server error
        ends up in `Exchange.error`, never as an exception; a broken connection sets `lost`. `row_limit` None keeps
        every row (`\\gexec`). `chunked` bounds the memory of answers that may be long.
        """
        start = time.perf_counter()
        exchange = Exchange()
        raw = self.raw
        try:
            if (stray := self._stray_error()) is not None:
                exchange.error = stray
                return self._ended(exchange, start)
            raw.send_query(sql)
            if chunked:
                self._ask_for_chunks()
            self._collect(exchange, start, copy_in, copy_out, row_limit)
        except psycopg.Error as error:
            self._broken(exchange, error)
        return self._ended(exchange, start)

    def run_together(self, statements: Sequence[bytes]) -> tuple[list[int], Exchange]:
        """Send statements in one go, each in a message of its own; the server stops at the first that fails.

        For single statements that return no rows, inside a transaction: they travel in the extended protocol. Returns
        the rows that each one changed which was carried out, and an exchange without replies: its error is that of the
        next one.
        """
        start = time.perf_counter()
        counts: list[int] = []
        exchange = Exchange()
        raw = self.raw
        try:
            raw.enter_pipeline_mode()
            for sql in statements:
                raw.send_query_params(sql, None)
            raw.pipeline_sync()
            self._collect_together(counts, exchange)
            raw.exit_pipeline_mode()
        except psycopg.Error as error:
            self._broken(exchange, error)
        return counts, self._ended(exchange, start)

    def _stray_error(self) -> ServerError | None:
        """An error that the server has told without being asked: a timeout that ran out just as a statement ended. What
        is sent now would get it for its answer, and go on all the same."""
        raw = self.raw
        if raw.transaction_status not in _READY:
            return None
        raw.consume_input()
        raw.notifies()  # what has come in is read
        stray, self._stray = self._stray, None
        return stray

    def _broken(self, exchange: Exchange, error: psycopg.Error) -> None:
        exchange.error = exchange.error or ServerError(self.connection.mask(str(error).strip()))

    def _ended(self, exchange: Exchange, start: float) -> Exchange:
        if not self.alive:
            exchange.lost = True
            exchange.error = exchange.error or ServerError("the connection to the server was lost", severity="FATAL")
        exchange.ms = (time.perf_counter() - start) * 1000
        return exchange

    def _collect_together(self, counts: list[int], exchange: Exchange) -> None:
        while self.alive:
            result = self._result()
            if result is None:
                continue  # the end of one statement's answer
            status = result.status
            if status == pq.ExecStatus.PIPELINE_SYNC:
                return
            if exchange.error is not None or status == pq.ExecStatus.PIPELINE_ABORTED:
                continue
            if status in _OK:
                counts.append(result.command_tuples or 0)
            else:
                exchange.error = self.connection.error(result)

    def _ask_for_chunks(self) -> None:
        """Chunks keep the memory of a wide SELECT bounded; libpq before 17 has only the row-by-row form."""
        try:
            self.raw.set_chunked_rows_mode(_CHUNK)
        except psycopg.NotSupportedError:
            self.raw.set_single_row_mode()

    def query(self, sql: str) -> tuple[tuple[str | None, ...], ...]:
        """Rows of our own SQL (UTF-8); raises ServerError."""
        exchange = self.run(sql.encode())
        if exchange.error:
            raise exchange.error
        return exchange.last.rows

    def _collect(
        self,
        exchange: Exchange,
        start: float,
        copy_in: Callable[[], Iterable[bytes]] | None,
        copy_out: Callable[[bytes], None] | None,
        row_limit: int | None,
    ) -> None:
        columns: tuple[str, ...] = ()
        rows: list[tuple[str | None, ...]] = []
        count = 0
        while (result := self._result()) is not None:
            status = result.status
            if status in _CHUNKS:
                count += result.ntuples
                columns = columns or _columns(result)
                _keep(result, rows, row_limit)
                continue
            if status == pq.ExecStatus.COPY_IN:
                self._copy_in(copy_in)
                continue
            if status == pq.ExecStatus.COPY_OUT:
                count = self._copy_out(copy_out)
                continue
            if status == pq.ExecStatus.COPY_BOTH:
                raise ServerError("the script starts replication, which is not supported")
            if status in _OK:
                if status == pq.ExecStatus.TUPLES_OK:
                    count += result.ntuples
                    columns = columns or _columns(result)
                    _keep(result, rows, row_limit)
                tag = (result.command_status or b"").decode("utf-8", "replace")
                ms = (time.perf_counter() - start) * 1000
                exchange.replies.append(Reply(tag, columns, tuple(rows), result.command_tuples or count, ms))
            elif exchange.error is None:
                exchange.error = self.connection.error(result)
            columns, rows, count = (), [], 0

    def _result(self) -> PGresult | None:
        raw = self.raw
        wait = self.waiter.wait
        while raw.is_busy():
            if wait(self._fd):
                raw.consume_input()
        return raw.get_result()

    def _copy_in(self, data: Callable[[], Iterable[bytes]] | None) -> None:
        if data is None:
            self.raw.put_copy_end(b"the script holds no data for this COPY")
            return
        self.raw.nonblocking = 1  # a server that takes its time must not make us deaf to everything else
        try:
            try:
                for chunk in data():
                    while not self.raw.put_copy_data(chunk):
                        self._drain()
                    self._drain()
            except Exception as error:
                self.raw.put_copy_end(str(error).encode())
                raise
            self.raw.put_copy_end()
            self._drain()
        finally:
            self.raw.nonblocking = 0

    def _drain(self) -> None:
        """Until the server has taken what was sent."""
        if not self.raw.flush():
            return
        self.waiter.watch(self._fd, select.POLLIN | select.POLLOUT)
        try:
            while self.raw.flush():
                if self.waiter.wait(self._fd):
                    self.raw.consume_input()
        finally:
            self.waiter.watch(self._fd)

    def _copy_out(self, take: Callable[[bytes], None] | None) -> int:
        count = 0
        raw = self.raw
        while True:
            size, data = raw.get_copy_data(1)
            if size == 0:
                if self.waiter.wait(self._fd):
                    raw.consume_input()
                continue
            if size < 0:
                return count
            count += 1
            if take is not None:
                take(bytes(data))

    def _notice(self, result: PGresult) -> None:
        error = self.connection.error(result)
        if error.severity == "ERROR":
            self._stray = error
        elif self.notice is not None:
            self.notice(error.severity, error.sqlstate, error.message)


def _columns(result: PGresult) -> tuple[str, ...]:
    return tuple((result.fname(i) or b"").decode("utf-8", "replace") for i in range(result.nfields))


def _keep(result: PGresult, rows: list[tuple[str | None, ...]], limit: int | None) -> None:
    room = result.ntuples if limit is None else min(limit - len(rows), result.ntuples)
    for number in range(room):
        values = (result.get_value(number, column) for column in range(result.nfields))
        rows.append(tuple(None if value is None else value.decode("utf-8", "replace") for value in values))
