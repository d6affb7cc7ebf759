"""A script that can't be one transaction: what of it is tried again, and what runs without time limits.

A statement that stands for itself is sent again. One inside the script's own BEGIN … COMMIT is sent again after all
that came before it in that block, byte for byte. CREATE INDEX CONCURRENTLY and its kin commit on their way: they are
never sent twice, wait as long as they have to, and when they fail, what they leave is found and named.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from pgmig_tui.database.connect import Connection, ServerError
from pgmig_tui.database.leftovers import Leftover, left_behind
from pgmig_tui.database.wire import Exchange
from pgmig_tui.display.mask import mask_secrets
from pgmig_tui.errors import PgmigError
from pgmig_tui.run.process.executor import Executor, ScriptFailure
from pgmig_tui.run.process.retries import Tries
from pgmig_tui.script.actions import Action, Echo, Send
from pgmig_tui.script.kinds import control_of, kind_of

_LONGEST_BLOCK = 5000
"""Statements of a block that are kept to be sent again."""

_CONCURRENTLY = re.compile(
    r"\b(?:CREATE\s+(?:UNIQUE\s+)?INDEX|DROP\s+INDEX|REINDEX\b[^;]*?)\s+CONCURRENTLY\b"
    r"|\bREINDEX\s*\([^)]*\bCONCURRENTLY\b"
    r"|\bDETACH\s+PARTITION\b[^;]*\bCONCURRENTLY\b",
    re.IGNORECASE,
).search
_KINDS = frozenset({"CREATE INDEX", "DROP INDEX", "REINDEX", "ALTER TABLE"})
_QUIET = re.compile(r"'(?:[^']|'')*'|\"[^\"]*\"|--[^\n]*|/\*.*?\*/", re.DOTALL)
_IN_DOLLARS = re.compile(r"\$(\w*)\$.*?\$\1\$", re.DOTALL)
_COMMITS_INSIDE = re.compile(r"COMMIT|\bCALL\b", re.IGNORECASE).search
_ENDS = frozenset({"commit", "rollback", "prepare", "begin", "commit prepared", "rollback prepared"})
_NO_LIMITS = (
    "SELECT pg_catalog.current_setting('lock_timeout'), pg_catalog.current_setting('statement_timeout'),"
    " pg_catalog.set_config('lock_timeout','0',false), pg_catalog.set_config('statement_timeout','0',false)"
)


def commits_on_its_way(kind: str, text: str) -> bool:
    """CREATE INDEX CONCURRENTLY, DROP INDEX CONCURRENTLY, REINDEX … CONCURRENTLY, DETACH PARTITION … CONCURRENTLY."""
    return kind in _KINDS and bool(_CONCURRENTLY(_QUIET.sub("x", text)))


def may_stop_halfway(kind: str, text: str) -> bool:
    """Whether a statement that fails outside a transaction may have committed part of its work: a procedure, a DO block
    that says COMMIT or calls a procedure, statements joined by `\\;` with a COMMIT among them."""
    if kind == "DO":
        return _COMMITS_INSIDE(text) is not None
    return kind == "CALL" or _ends_transactions(_IN_DOLLARS.sub("x", text))


def _ends_transactions(text: str) -> bool:
    """Statements joined by `\\;`, one of which ends a transaction. Roughly cut: a doubt is a yes."""
    parts = text.split(";")
    return any(control_of(part, kind_of(part)) in _ENDS for part in parts[1:])


@dataclass(slots=True)
class _Sent:
    send: Send
    sql: bytes
    rows: int


@dataclass(slots=True)
class StepwiseExecutor(Executor):
    """`tries` makes the counter for one statement, `beside` is a session that sees what is left behind. `left` is what
    statements that failed have left, `halves` names those that may have committed part of their work."""

    tries: Callable[[], Tries] | None = None
    beside: Connection | None = None
    found_left: Callable[[Leftover], None] | None = None
    left: list[Leftover] = field(default_factory=list)
    halves: list[str] = field(default_factory=list)
    _block: list[_Sent] | None = None
    _fixed: str = ""
    """Why the open block can't be sent again."""
    _block_start: int = 0
    _said: ScriptFailure | None = None

    def _exchange(self, send: Send, sql: bytes, rows: Callable[[], Iterable[bytes]] | None = None) -> Exchange:
        self._said = None
        kind = kind_of(send.text)
        control = control_of(send.text, kind)
        if self.wire.idle and commits_on_its_way(kind, send.text):
            return self._without_limits(send, sql, kind)
        alone = self.wire.idle
        if alone:
            self._block, self._fixed, self._block_start = None, "", len(self.executed)
        taken = False

        def once() -> Iterable[bytes]:
            nonlocal taken
            taken = True  # rows of the script can't be read again
            return self.reader.copy_rows()

        exchange = Executor._exchange(self, send, sql, once)
        if exchange.error is not None and not taken and control is None and self.tries is not None:
            exchange = self._again(send, sql, kind, exchange)
        if alone and exchange.error is not None and not exchange.lost and may_stop_halfway(kind, send.text):
            text = " ".join(mask_secrets(send.written).split()).rstrip("; ")[:100]
            self.halves.append(f"line {send.line}: perhaps part of {text}: it may commit on its way")
        self._note(send, sql, control, exchange, taken)
        return exchange

    def _note(self, send: Send, sql: bytes, control: str | None, exchange: Exchange, taken: bool) -> None:
        """Keep what may have to be sent again, and know what a COMMIT has made lasting."""
        if exchange.error is not None:
            return
        if self.wire.idle:
            if control == "commit":
                for one in self.executed[self._block_start :]:
                    one.committed = one.kind != "BEGIN" and not one.sqlstate
            self._block = None
            return
        if self._block is None:
            self._block = []
        if taken:
            self._fixed = "it copies rows of the script"
        elif send.then not in ("plain", "gx") or self._outlet(send):
            self._fixed = "what it read has gone into a variable or a file"
        elif len(self._block) >= _LONGEST_BLOCK:
            self._fixed = "it is too long"
        if self._fixed:
            self._block.clear()
        else:
            self._block.append(_Sent(send, sql, exchange.last.row_count))

    def _other(self, action: Action) -> ScriptFailure | None:
        if not isinstance(action, Echo) and self.wire.in_transaction:
            self._fixed = "it does more than send statements"
        return Executor._other(self, action)

    def _failed(self, send: Send, exchange: Exchange) -> ScriptFailure:
        return self._said or Executor._failed(self, send, exchange)

    # -- again -------------------------------------------------------------------------------------------------

    def _again(self, send: Send, sql: bytes, kind: str, exchange: Exchange) -> Exchange:
        """Try until it is done, or failed for good; what the last try came to."""
        assert self.tries is not None
        if kind in ("CALL", "DO") or _ends_transactions(send.text):
            return exchange  # it may have committed half of itself
        inside = self.wire.in_transaction
        if inside and (self._block is None or self._fixed or not self.reader.stops_on_error):
            return exchange
        tries = self.tries()
        while exchange.error is not None:
            failure = Executor._failed(self, send, exchange)
            if inside and not exchange.lost:
                self.wire.run(b"ROLLBACK")  # nobody shall wait for what this block holds while it waits itself
            if (said := tries.after(failure)) is not None:
                self._said = said
                return exchange
            exchange = self._replay() if inside else Exchange()
            if exchange.error is None:
                exchange = self._patiently(send, sql, kind, tries.patience_ms)
        return exchange

    def _patiently(self, send: Send, sql: bytes, kind: str, patience_ms: int) -> Exchange:
        if self.wire.idle:
            self.sink.started(send, kind, commits=True)
        if not patience_ms:
            return self._sent_again(send, sql, kind)
        scope = "true" if self.wire.in_transaction else "false"
        before = self.wire.query("SELECT pg_catalog.current_setting('lock_timeout')")[0][0]
        self.wire.query(f"SELECT pg_catalog.set_config('lock_timeout','{patience_ms}',{scope})")
        exchange = self._sent_again(send, sql, kind)
        if exchange.error is None or not self.wire.in_transaction:
            self.wire.run(f"SELECT pg_catalog.set_config('lock_timeout','{before}',{scope})".encode())
        return exchange

    def _sent_again(self, send: Send, sql: bytes, kind: str) -> Exchange:
        if self.watcher is not None:
            self.watcher.statement(send.line, kind, alone=self.wire.idle)
        return Executor._exchange(self, send, sql)

    def _replay(self) -> Exchange:
        """The block so far once more. An answer other than the first time is an error: what the script decided on it
        may be wrong now."""
        assert self._block is not None
        exchange = Exchange()
        for one in self._block:
            exchange = self._sent_again(one.send, one.sql, kind_of(one.send.text))
            if exchange.error is not None:
                break
            if exchange.last.row_count != one.rows:
                exchange.error = ServerError(
                    f"the statement at line {one.send.line} of its transaction answered {one.rows} rows at first and"
                    f" {exchange.last.row_count} when it was tried again"
                )
                break
        return exchange

    # -- without limits ----------------------------------------------------------------------------------------

    def _without_limits(self, send: Send, sql: bytes, kind: str) -> Exchange:
        """A lock or statement timeout would leave a ruin: none here, nor does the queue guard cancel it."""
        before = self._left_behind()
        lock, statement = self.wire.query(_NO_LIMITS)[0][:2]
        if self.watcher is not None:
            self.watcher.statement(send.line, kind, alone=True, guarded=False)
        exchange = Executor._exchange(self, send, sql)
        if not exchange.lost:
            self.wire.query(
                f"SELECT pg_catalog.set_config('lock_timeout','{lock}',false),"
                f" pg_catalog.set_config('statement_timeout','{statement}',false)"
            )
        if exchange.error is not None:
            known = {one.id for one in before}
            for one in self._left_behind():
                if one.id not in known:
                    self.left.append(one)
                    if self.found_left is not None:
                        self.found_left(one)
        return exchange

    def _left_behind(self) -> tuple[Leftover, ...]:
        if self.beside is None:
            return ()
        try:
            return left_behind(self.beside)
        except PgmigError:
            return ()
