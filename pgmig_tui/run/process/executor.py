"""One script on one session: psql's reading (`script.reader`) meets the wire (`database.wire`).

What the script's own BEGIN, COMMIT and ROLLBACK mean depends on where it runs, and that is the only difference between
an
atomic step, a stepwise step and a verification inside another transaction: see `TransactionFrame`.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import islice
from typing import Protocol

from pgmig_tui.database.connect import ServerError
from pgmig_tui.database.wire import ROW_LIMIT, Exchange, Reply, Wire, leaves_commits_unflushed, sets_short_timeout
from pgmig_tui.display.activity import Blocker
from pgmig_tui.errors import PgmigError
from pgmig_tui.run.process.guard import CANCELLED
from pgmig_tui.run.process.outlets import Outlets
from pgmig_tui.run.process.watcher import Watcher
from pgmig_tui.script.actions import (
    Action,
    Connect,
    CopyFile,
    Echo,
    Outcome,
    RedirectOutput,
    Send,
    SetEncoding,
    SetEnvironment,
    ShellCommand,
)
from pgmig_tui.script.kinds import control_of, kind_of
from pgmig_tui.script.reader import PsqlReader

_BATCHED = frozenset({"INSERT", "UPDATE", "DELETE", "SELECT"})
CHANGES_ROWS = frozenset({"INSERT", "UPDATE", "DELETE"})
_TOGETHER = 200
"""So many statements of a long row travel at once: milliseconds of work, after which a wish to stop is heard."""


@dataclass(slots=True)
class Executed:
    """Statements that the server has answered: one, or a run of like ones (`count`): the same but for their values.

    `committed` is true when no transaction was open after it: it stays, whatever happens next. `sql` is what the script
    has, to be told and kept; `sent` is what the server got, with the values of variables in it. `ended` is when the
    last was answered (seconds since 1970, our clock), `ms` what they took together; `sqlstate` is that of the error
    that one was answered with.
    """

    path: str
    line: int
    end_line: int
    kind: str
    sql: str
    rows: int
    count: int
    committed: bool
    sent: str = field(repr=False)
    ended: float = 0.0
    ms: float = 0.0
    sqlstate: str = ""


@dataclass(frozen=True, slots=True)
class ScriptFailure:
    """Why a script stopped, and where. `error` holds the server's fields when it was the server that said no."""

    path: str
    line: int
    message: str
    error: ServerError | None = None
    lost: bool = False
    blockers: tuple[Blocker, ...] = ()
    """Who was in the way when the last try was lost, as events tell it."""

    @property
    def sqlstate(self) -> str:
        return self.error.sqlstate if self.error else ""


class Sink(Protocol):
    """Where the executor tells what happens; the run writes it into its journal."""

    def started(self, send: Send, kind: str, *, commits: bool) -> None: ...
    def finished(self, send: Send, kind: str, reply: Reply, ms: float, *, commits: bool) -> None: ...
    def output(self, text: str, stream: str) -> None: ...
    def may_go_on(self) -> str:
        """An empty string, or why the script must not send its next statement."""
        ...


class TransactionFrame:
    """How transaction statements of the script are carried out. The base: as they stand (stepwise)."""

    own_transaction = True
    """The script's transactions are real ones."""
    together = False
    """Long rows of alike statements may travel many at once: if one fails, all is undone."""

    def translate(self, control: str, sql: bytes) -> bytes | None:
        """What to send instead of a transaction statement; None = nothing."""
        return sql

    def before(self) -> bytes:
        """What has to be sent, in a message of its own, before the next statement of the script; b"" = nothing."""
        return b""

    def refuses(self, kind: str, text: str) -> bool:
        """The server would say, were the script alone, that this needs a transaction block."""
        return False


class InsideStep(TransactionFrame):
    """The step has begun the transaction and will commit it: the script's own BEGIN and COMMIT are already spoken
    for."""

    own_transaction = False
    together = True

    def translate(self, control: str, sql: bytes) -> bytes | None:
        if control in ("begin", "commit"):
            return None
        if control in ("rollback", "prepare"):
            raise _LeavesError(control)
        return sql


class InsideVerify(TransactionFrame):
    """A verification inside the step's transaction: BEGIN is a savepoint, ROLLBACK returns to it, COMMIT releases
    it.

    Whoever uses it has set the savepoint `block` already, for a verification begins with BEGIN as a rule. What ends the
    block waits in `pending` until another statement comes: mostly none does, and it can travel with what closes the
    step.
    """

    own_transaction = False
    block = b"SAVEPOINT pgmig_verify_block"
    _release = b"RELEASE SAVEPOINT pgmig_verify_block"

    def __init__(self) -> None:
        self._ready = True
        self._open = False
        self.pending = b""

    def translate(self, control: str, sql: bytes) -> bytes | None:
        if control == "begin":
            ready, self._ready = self._ready, False
            if self._open:
                return None
            self._open = True
            return None if ready else self.block
        if control in ("commit", "rollback"):
            if not self._open:
                return None
            self._open = False
            undone = b"" if control == "commit" else b"ROLLBACK TO " + self.block + b"; "
            self.pending = undone + self._release
            return None
        if control == "prepare":
            raise _LeavesError(control)
        return sql

    def refuses(self, kind: str, text: str) -> bool:
        """What passes here must pass alone, too, as sqitch and `verify` would run it."""
        if self._open or ";" in text.rstrip("; \t\r\n"):
            return False
        verb = kind.partition(" ")[0]
        return verb in _BLOCK_ONLY or (verb == "DECLARE" and not _HOLDS(text))

    def before(self) -> bytes:
        self._ready = False
        pending, self.pending = self.pending, b""
        return pending


_BLOCK_ONLY = frozenset({"LOCK", "SAVEPOINT", "RELEASE"})
_HOLDS = re.compile(r"\bWITH\s+HOLD\b", re.IGNORECASE).search


class _LeavesError(Exception):
    """The script would end a transaction that isn't its own."""


@dataclass(slots=True)
class Executor:
    """Runs one script to its end. `executed` is what the server has answered so far, in order."""

    wire: Wire
    reader: PsqlReader
    frame: TransactionFrame
    sink: Sink
    outlets: Outlets
    reconnect: Callable[[str], Wire] | None = None
    executed: list[Executed] = field(default_factory=list)
    watcher: Watcher | None = None

    def run(self) -> ScriptFailure | None:
        """None when the whole script was carried out (or said `\\q`), else why and where it stopped."""
        action: Action | None = None
        try:
            while (action := self.reader.next()) is not None:
                if isinstance(action, Send):
                    failure = self._send(action)
                    if failure is not None:
                        return failure
                else:
                    failure = self._other(action)
                    if failure is not None:
                        return failure
        except ServerError as error:
            return ScriptFailure(*self._place(action), error.message, error, lost=not self.wire.alive)
        except PgmigError as error:
            path, line = getattr(error, "path", None), getattr(error, "line", None)
            return ScriptFailure(path or self._place(action)[0], line or self._place(action)[1], error.what)
        except OSError as error:
            return ScriptFailure(*self._place(action), f"{error.strerror}: {error.filename}")
        return None

    # -- statements --------------------------------------------------------------------------------------------

    def _send(self, send: Send) -> ScriptFailure | None:
        text = send.text
        kind = kind_of(text)
        control = control_of(text, kind)
        sql = send.sql
        if self.frame.refuses(kind, text):
            message = f"{kind} can only be used in transaction blocks"
            return ScriptFailure(send.path, send.line, message, ServerError(message, sqlstate="25P01"))
        if control is not None:
            try:
                translated = self.frame.translate(control, send.sql)
            except _LeavesError as leaves:
                return ScriptFailure(
                    send.path,
                    send.line,
                    f"the script says {str(leaves).upper()}, which would end the step's own transaction",
                )
            if translated is None:
                self._report(send, Exchange([Reply("")]))
                return None
            sql = translated
        if why := self.sink.may_go_on():
            return ScriptFailure(send.path, send.line, why)
        wire = self.wire
        if (before := self.frame.before()) and (ended := wire.run(before)).error is not None:
            return self._failed(send, ended)
        commits = self.frame.own_transaction and (wire.idle or control in ("commit", "prepare"))
        if commits and control in ("begin",):
            commits = False
        self.sink.started(send, kind, commits=commits)
        if self.watcher is not None:
            self.watcher.statement(send.line, kind, alone=self.frame.own_transaction and wire.idle)
        exchange = self._exchange(send, sql)
        if exchange.error is not None:
            self._remember(send, kind, 0, exchange.ms, committed=False, sqlstate=exchange.error.sqlstate)
            if exchange.lost or self.reader.stops_on_error:
                self._report(send, exchange)
                return self._failed(send, exchange)
            self.sink.output(f"{send.path}:{send.line}: {exchange.error.severity}: {exchange.error.message}", "err")
        else:
            self._done(send, kind, exchange, committed=self.frame.own_transaction and wire.idle, commits=commits)
        self._report(send, exchange)
        return self._row(send, kind, exchange) if kind in CHANGES_ROWS and self.frame.together else None

    def _row(self, send: Send, kind: str, first: Exchange) -> ScriptFailure | None:
        """Carry out the long row of statements that follows and is like the one that was sent, if there is one."""
        outlet = self._outlet(send) is not None or bool(first.last.columns)
        if outlet or first.error is not None or not self.reader.stops_on_error or not self.wire.in_transaction:
            return None
        row = self.reader.row_after(send)
        if row is None:
            return None
        line, statements = send.end_line + 1, row.statements()
        while batch := list(islice(statements, _TOGETHER)):
            if why := self.sink.may_go_on():
                return ScriptFailure(send.path, line, why)
            if self.watcher is not None:
                self.watcher.statement(line, kind, alone=False)
            counts, exchange = self.wire.run_together([sql for _, sql in batch])
            each_ms = exchange.ms / max(len(counts), 1)
            for position, (at, sql) in enumerate(batch):
                last = line + sql.count(b"\n")
                sent = Send(
                    send.path,
                    line,
                    last,
                    sql,
                    sql.decode("utf-8", "surrogateescape"),
                    start=at,
                    end=at + len(sql) - 1,
                    lines=tuple(range(line, last + 1)) if last > line else (),
                )
                self.sink.started(sent, kind, commits=False)
                if position == len(counts):
                    sqlstate = exchange.error.sqlstate if exchange.error else ""
                    self._remember(sent, kind, 0, 0.0, committed=False, sqlstate=sqlstate)
                    self._report(sent, exchange)
                    return self._failed(sent, exchange)
                rows = counts[position]
                self.sink.finished(sent, kind, Reply("", row_count=rows), each_ms, commits=False)
                self._remember(sent, kind, rows, each_ms, committed=False)
                line = last + 1
            self._report(sent, Exchange([Reply("", row_count=rows)]))
        return None

    def _exchange(self, send: Send, sql: bytes, rows: Callable[[], Iterable[bytes]] | None = None) -> Exchange:
        return self.wire.run(
            sql,
            copy_in=rows or self.reader.copy_rows,
            copy_out=_Lines(self.sink),
            row_limit=None if send.then == "gexec" or self._outlet(send) else ROW_LIMIT,
        )

    def _outlet(self, send: Send) -> str | None:
        """The file or command that gets the rows instead of the log."""
        if send.then in ("file", "pipe"):
            return send.argument if send.then == "file" else f"|{send.argument.removeprefix('|')}"
        if send.then == "gx" and send.argument:
            return send.argument
        return self.outlets.lasting if send.then in ("plain", "gx") else None

    def _done(self, send: Send, kind: str, exchange: Exchange, *, committed: bool, commits: bool) -> None:
        reply = exchange.last
        self.wire.unflushed = self.wire.unflushed or leaves_commits_unflushed(send.text)
        self.sink.finished(send, kind, reply, exchange.ms, commits=commits)
        if (outlet := self._outlet(send)) is not None:
            self.outlets.write(exchange, outlet)
        elif send.then in ("plain", "gx"):
            for each in exchange.replies:
                if each.rows:
                    self._show(each)
        self._remember(send, kind, reply.row_count, exchange.ms, committed=committed)

    def _remember(self, send: Send, kind: str, rows: int, ms: float, *, committed: bool, sqlstate: str = "") -> None:
        self.wire.hurried = self.wire.hurried or sets_short_timeout(kind, send.text)
        last = self.executed[-1] if self.executed else None
        if (
            last is not None
            and kind == last.kind
            and kind in _BATCHED
            and committed == last.committed
            and last.sent[:24] == send.text[:24]
            and not (sqlstate or last.sqlstate)
        ):
            last.end_line = send.end_line
            last.rows += rows
            last.count += 1
            last.ms += ms
            last.ended = time.time()
        else:
            self.executed.append(
                Executed(
                    send.path,
                    send.line,
                    send.end_line,
                    kind,
                    send.written,
                    rows,
                    1,
                    committed,
                    send.text,
                    time.time(),
                    ms,
                    sqlstate,
                )
            )

    def _show(self, reply: Reply) -> None:
        lines = ["|".join("" if value is None else value for value in row) for row in reply.rows]
        if reply.row_count > len(reply.rows):
            lines.append(f"({reply.row_count} rows; the first {len(reply.rows)} are shown)")
        self.sink.output("\n".join(lines), "out")

    def _report(self, send: Send, exchange: Exchange) -> None:
        """Tell the reader what psql would know now: variables, encodings, rows for \\gset and \\gexec."""
        wire, reader = self.wire, self.reader
        reply = exchange.last
        error = exchange.error
        reader.standard_conforming_strings = wire.parameter("standard_conforming_strings") != "off"
        if encoding := wire.parameter("client_encoding"):
            reader.encoding = encoding
        reader.report(
            Outcome(
                ok=error is None,
                sqlstate=error.sqlstate if error else "00000",
                message=error.message if error else "",
                row_count=reply.row_count,
                columns=reply.columns,
                first_row=reply.rows[0] if reply.rows else None,
                rows=list(reply.rows) if send.then in ("gexec", "gset") else [],
                in_transaction=wire.in_transaction,
            )
        )

    # -- the rest ----------------------------------------------------------------------------------------------

    def _other(self, action: Action) -> ScriptFailure | None:
        if isinstance(action, Echo):
            self.sink.output(action.text.removesuffix("\n"), action.stream)
        elif isinstance(action, SetEncoding):
            exchange = self.wire.run(b"SET client_encoding TO '" + action.name.replace("'", "''").encode() + b"'")
            if exchange.error:
                return ScriptFailure(action.path, action.line, exchange.error.message, exchange.error, exchange.lost)
            self.reader.encoding = self.wire.parameter("client_encoding") or action.name
        elif isinstance(action, CopyFile):
            return self._copy_file(action)
        elif isinstance(action, Connect):
            if self.reconnect is None:
                return ScriptFailure(action.path, action.line, "\\connect can't run inside another transaction")
            self.wire = self.reconnect(action.user)
        elif isinstance(action, RedirectOutput):
            self.outlets.turn(action.name)
        elif isinstance(action, SetEnvironment):
            self.outlets.set_environment(action.name, action.value)
        elif isinstance(action, ShellCommand):
            for data, stream in zip(self.outlets.shell(action.command), ("out", "err"), strict=True):
                if data:
                    self.sink.output(data.decode("utf-8", "replace").rstrip("\n"), stream)
        return None

    def _copy_file(self, action: CopyFile) -> ScriptFailure | None:
        send = Send(action.path, action.line, action.line, action.sql, action.text)
        if why := self.sink.may_go_on():
            return ScriptFailure(action.path, action.line, why)
        if (before := self.frame.before()) and (ended := self.wire.run(before)).error is not None:
            return self._failed(send, ended)
        commits = self.frame.own_transaction and self.wire.idle
        self.sink.started(send, "COPY", commits=commits)
        if self.watcher is not None:
            self.watcher.statement(action.line, "COPY", alone=commits)
        if action.direction == "in":
            exchange = self.wire.run(action.sql, copy_in=lambda: _chunks(action.data))
        else:
            lines: list[bytes] = []
            exchange = self.wire.run(action.sql, copy_out=lines.append)
            if exchange.error is None:
                self.outlets.put(lines, action.file)
        if exchange.error:
            self._remember(send, "COPY", 0, exchange.ms, committed=False, sqlstate=exchange.error.sqlstate)
            self._report(send, exchange)
            return self._failed(send, exchange) if exchange.lost or self.reader.stops_on_error else None
        self._done(send, "COPY", exchange, committed=self.frame.own_transaction and self.wire.idle, commits=commits)
        self._report(send, exchange)
        return None

    def _failed(self, send: Send, exchange: Exchange) -> ScriptFailure:
        error = exchange.error or ServerError("the server did not answer")
        if self.watcher is not None:
            self.watcher.failed(error.sqlstate)
        line = send.line_at(error.position) if error.position else send.line
        message = error.message
        if error.sqlstate in (CANCELLED, "") or exchange.lost:
            message = self.sink.may_go_on() or message  # for that reason
        if error.sqlstate == CANCELLED and self.watcher is not None and self.watcher.gave_way:
            message = self.watcher.gave_way
        return ScriptFailure(send.path, line, message, error, exchange.lost)

    def _place(self, action: Action | None) -> tuple[str, int]:
        return (action.path, action.line) if action is not None else (self.reader.name, 0)


class _Lines:
    """Rows of COPY … TO STDOUT for the log: the first hundred, and how many there were."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._count = 0

    def __call__(self, line: bytes) -> None:
        self._count += 1
        if self._count <= 100:
            self._sink.output(line.decode("utf-8", "replace").rstrip("\n"), "out")


def _chunks(data: bytes, size: int = 65536) -> Iterable[bytes]:
    return (data[start : start + size] for start in range(0, len(data), size))


def elapsed_ms(since: float) -> int:
    """Whole milliseconds since `since` (time.perf_counter)."""
    return int((time.perf_counter() - since) * 1000)
