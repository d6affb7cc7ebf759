"""A session that is opened, asked and closed without anybody waiting for it; and statements sent aside through another.

The run process has no threads: what watches a statement must not delay it. So the connection is made by libpq's own
state machine, and questions and answers pass when the caller's poll says that the socket is ready.
"""

from __future__ import annotations

import select
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

import psycopg
from psycopg import pq
from psycopg.conninfo import make_conninfo

from pgmig_tui.database import pooler, tls
from pgmig_tui.database.connect import KEEPALIVE, Connection, Reachable, mask
from pgmig_tui.database.opening import TRIES, OpeningError, in_step, opening_sql, read_opening, step_sql

if TYPE_CHECKING:
    from psycopg.pq.abc import PGconn, PGresult

Cells = tuple[str | None, ...]
Answered = Callable[[list[Cells], str], None]
"""Called with the rows of the last statement that had any, and the error that ended the question ("" = none)."""


class Poll(Protocol):
    """Who waits for sockets on our behalf."""

    def watch(self, fd: int, events: int = select.POLLIN) -> None: ...
    def unwatch(self, fd: int) -> None: ...


class Background:
    """One session to the very server that `beside` talks to, opened by the first `ask`.

    `failed` says why there is none, once that is known; a later `ask` tries again. No method blocks or raises, but that
    a name without an address may have to be looked up.
    """

    def __init__(self, target: Reachable, beside: Connection, poll: Poll, application_name: str) -> None:
        self._conninfo = _conninfo(target, beside, application_name)
        self._secrets = [target.password or "", *target.secrets.values()]
        self._poll = poll
        self._raw: PGconn | None = None
        self._connecting = False
        self._tries = 0
        """Times that the first message was sent and not yet obeyed, 0 = it has been."""
        self._steps = 0
        """The number of the question that finds out whether answers belong to their questions, 0 = none is open."""
        self._first: PGresult | None = None
        self._fd = -1
        self._events = 0
        self._question: bytes | None = None
        self._answered: Answered | None = None
        self._rows: list[Cells] = []
        self._error = ""
        self.failed = ""

    @property
    def fd(self) -> int:
        """The socket that is polled, -1 for none."""
        return self._fd

    @property
    def busy(self) -> bool:
        """A question is open."""
        return self._answered is not None

    @property
    def open(self) -> bool:
        return self._raw is not None and not (self._connecting or self._tries or self._steps)

    def ask(self, sql: str, answered: Answered) -> None:
        """Send `sql` as one simple query, as soon as the session is there. One question at a time."""
        assert not self.busy, "one question at a time"
        self._question, self._answered = sql.encode(), answered
        self._rows, self._error, self.failed = [], "", ""
        try:
            if self._raw is None:
                self._raw = pq.PGconn.connect_start(self._conninfo)
                self._connecting = True
                if self._raw.status == pq.ConnStatus.BAD:
                    raise psycopg.OperationalError(self._raw.get_error_message())
                self._listen(select.POLLOUT)
            elif self.open:
                self._send()
        except psycopg.Error as error:
            self._give_up(error)

    def ready(self) -> None:
        """The socket is ready: go on with what was under way."""
        try:
            if self._connecting:
                self._connect_on()
            elif self._raw is not None:
                self._read_on(self._raw)
        except psycopg.Error as error:
            self._give_up(error)

    def close(self) -> None:
        """End the session; an open question stays unanswered."""
        if self._fd >= 0:
            self._poll.unwatch(self._fd)
            self._fd = -1
        if self._raw is not None:
            self._raw.finish()
            self._raw = None
        self._connecting, self._tries, self._steps, self._first = False, 0, 0, None
        self._question = self._answered = None

    def mask(self, text: str) -> str:
        return mask(text, self._secrets)

    def _connect_on(self) -> None:
        assert self._raw is not None
        status = self._raw.connect_poll()
        if status == pq.PollingStatus.OK:
            self._connecting = False
            self._raw.nonblocking = 1
            self._open_up(self._raw)
        elif status == pq.PollingStatus.READING:
            self._listen(select.POLLIN)
        elif status == pq.PollingStatus.WRITING:
            self._listen(select.POLLOUT)
        else:
            raise psycopg.OperationalError(self._raw.get_error_message())

    def _open_up(self, raw: PGconn) -> None:
        """Send the first message."""
        self._tries += 1
        pooled = pooler.keeps_sessions(raw)
        raw.send_query(opening_sql("watch", 0, raw.server_version, None if pooled else raw.backend_pid))
        self._flush(raw)

    def _opened(self, raw: PGconn) -> None:
        """The first message is answered."""
        first, self._first = self._first, None
        try:
            opened = read_opening(first, "watch", 0, raw.server_version)
        except OpeningError as error:
            if not error.again or self._tries >= TRIES:
                raise psycopg.OperationalError(error.why) from None
            self._open_up(raw)
            return
        if opened.pid != raw.backend_pid and not pooler.keeps_sessions(raw):
            raise psycopg.OperationalError("a pooler stands in between, and its mode isn't known")
        self._tries = 0
        if opened.timed:  # see opening: an error may still be under way
            self._step_on(raw)
        else:
            self._send()

    def _step_on(self, raw: PGconn) -> None:
        self._steps += 1
        if self._steps > TRIES:
            raise psycopg.OperationalError("its answers are not those of the questions")
        raw.send_query(step_sql(self._steps))
        self._flush(raw)

    def _stepped(self, raw: PGconn) -> None:
        answered, self._first = in_step(self._first, self._steps), None
        if answered:
            self._steps = 0
            self._send()
        else:
            self._step_on(raw)

    def _send(self) -> None:
        assert self._raw is not None
        if self._question is None:
            self._listen(select.POLLIN)
            return
        question, self._question = self._question, None
        self._raw.send_query(question)
        self._flush(self._raw)

    def _flush(self, raw: PGconn) -> None:
        self._listen(select.POLLIN | (select.POLLOUT if raw.flush() else 0))

    def _read_on(self, raw: PGconn) -> None:
        raw.consume_input()
        if self._events & select.POLLOUT:
            self._flush(raw)
        while not raw.is_busy():
            result = raw.get_result()
            if result is None:
                if self._tries:
                    self._opened(raw)
                elif self._steps:
                    self._stepped(raw)
                else:
                    self._finish()
                return
            if self._tries or self._steps:
                self._first = result
            elif result.status == pq.ExecStatus.TUPLES_OK:
                self._rows = [
                    tuple(_text(result.get_value(row, column)) for column in range(result.nfields))
                    for row in range(result.ntuples)
                ]
            elif result.status not in (pq.ExecStatus.COMMAND_OK, pq.ExecStatus.EMPTY_QUERY):
                self._error = self._error or self.mask(result.error_message.decode("utf-8", "replace").strip())

    def _finish(self) -> None:
        answered, self._answered = self._answered, None
        if answered is not None:
            answered(self._rows, self._error)

    def _give_up(self, error: psycopg.Error) -> None:
        lines = str(error).strip().splitlines()
        self.failed = self.mask(lines[0] if lines else "it was closed")
        answered = self._answered
        self.close()
        if answered is not None:
            answered([], self.failed)

    def _listen(self, events: int) -> None:
        """Poll the socket, which may be another one after each step of connecting."""
        assert self._raw is not None
        fd = self._raw.socket
        if fd == self._fd and events == self._events:
            return
        if self._fd not in (-1, fd):
            self._poll.unwatch(self._fd)
        self._fd, self._events = fd, events
        self._poll.watch(fd, events)


class Aside:
    """Statements that nobody waits for, sent through a session that others use as well: whoever asks it something next
    waits for their end first. They must set themselves short timeouts. No method raises.

    Its owner polls the session's socket, takes what comes (`consume_input`) and calls `received`.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._answered: Callable[[str, str], None] | None = None
        self._error = ("", "")
        connection.before_asking = self._wait

    @property
    def busy(self) -> bool:
        """The last statement isn't answered yet."""
        return self._answered is not None

    def send(self, sql: str, answered: Callable[[str, str], None]) -> None:
        """Send `sql` as one simple query, and call `answered` with (SQLSTATE, message) of its error, or two "" texts.
        One at a time. On a connection that is broken nothing is sent: who watches it notices by itself."""
        assert not self.busy, "one statement at a time"
        raw = self._connection.raw
        try:
            raw.send_query(sql.encode("utf-8", "replace"))
            raw.flush()
        except psycopg.Error:
            return
        self._answered, self._error = answered, ("", "")

    def received(self) -> None:
        """Something has come in through the socket."""
        raw = self._connection.raw
        try:
            while self.busy and not raw.is_busy():
                result = raw.get_result()
                if result is None:
                    self._finish()
                elif result.status == pq.ExecStatus.FATAL_ERROR and not self._error[1]:
                    error = self._connection.error(result)
                    self._error = error.sqlstate, error.message
        except psycopg.Error:
            self._answered = None

    def settle(self, timeout_s: float) -> bool:
        """Wait for the answer; False when it didn't come in time."""
        deadline = time.monotonic() + timeout_s
        while self.busy and (left := deadline - time.monotonic()) > 0:
            if not self._take(left):
                break
        return not self.busy

    def _wait(self) -> None:
        patience = self._connection.patience_s
        if patience is not None:
            if not self.settle(patience):
                self._answered = None
                self._connection.cut()
            return
        while self.busy and self._take(None):
            pass

    def _take(self, timeout_s: float | None) -> bool:
        raw = self._connection.raw
        try:
            raw.flush()
            poll = select.poll()
            poll.register(raw.socket, select.POLLIN)
            if poll.poll(None if timeout_s is None else max(1, int(timeout_s * 1000))):
                raw.consume_input()
        except psycopg.Error:
            self._answered = None
            return False
        self.received()
        return True

    def _finish(self) -> None:
        answered, self._answered = self._answered, None
        if answered is not None:
            answered(*self._error)


def _conninfo(target: Reachable, beside: Connection, application_name: str) -> bytes:
    """As `connect` has it, but for the server: of several hosts it must be the one that `beside` has found."""
    parameters: dict[str, str] = {**KEEPALIVE, **target.conninfo, **target.secrets}
    parameters |= {"application_name": application_name, "client_encoding": "UTF8"}
    if not beside.unproven:
        parameters |= tls.settled(target)
    if target.password is not None:
        parameters["password"] = target.password
    raw = beside.raw
    parameters |= {"host": raw.host.decode(), "port": raw.port.decode()}
    parameters.pop("hostaddr", None)
    if not parameters["host"].startswith(("/", "@")) and raw.hostaddr:
        parameters["hostaddr"] = raw.hostaddr.decode()
    return make_conninfo("", **parameters).encode()


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode("utf-8", "replace")
