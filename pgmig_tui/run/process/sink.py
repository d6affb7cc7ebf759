"""What a script does, written into the journal: every statement, but runs of like quick ones as one event."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable

from pgmig_tui.database.wire import Reply
from pgmig_tui.display.mask import mask_secrets
from pgmig_tui.run.journal.events import Output, StatementFinished, StatementNotes, StatementsFinished, StatementStarted
from pgmig_tui.run.journal.file import JournalWriter
from pgmig_tui.run.process.control import Control
from pgmig_tui.script.actions import Send

SHOWN = 200
"""Characters of a statement that an event carries."""

_LIKE = frozenset({"INSERT", "UPDATE", "DELETE"})
_EVERY_S = 0.5


class JournalSink:
    """The executor's sink. With `synced` (stepwise steps) what commits is on disk before it is sent, and after.

    The `finished` of one statement and the `started` of the next reach the disk together: nothing is sent between them.
    """

    def __init__(self, journal: JournalWriter, control: Control, step: int, *, synced: bool = False) -> None:
        self._journal = journal
        self._control = control
        self._step = step
        self._synced = synced
        self._kind = ""
        self._head = ""
        self._first = 0
        self._count = 0
        self._rows = 0
        self._ms = 0.0
        self._told = 0.0
        self._last_line = 0
        self._quiet = False
        self.before: Callable[[str, str], StatementNotes] | None = None
        """Notes what stands under the names of a statement (text, kind) that commits by itself."""
        self.transaction: Callable[[], StatementNotes] | None = None
        """Notes the ID of the script's own transaction before its COMMIT: an ID that the journal holds lets the server
        say later what became of it."""
        self.flushes: Callable[[], object] | None = None
        """Puts on the server's disk what has committed, where the script has told its COMMIT not to wait for that."""

    def started(self, send: Send, kind: str, *, commits: bool) -> None:
        self._control.committing = commits and kind == "COMMIT"
        head = send.text[:24]
        self._quiet = kind in _LIKE and kind == self._kind and head == self._head and not (commits and self._synced)
        if self._quiet:
            if time.monotonic() - self._told > _EVERY_S:
                self.flush()
            return
        self.flush()
        self._kind, self._head = kind, head
        masked = mask_secrets(self._journal.hide(send.written)[: SHOWN * 4])[:SHOWN]
        read = send.source.encode("utf-8", "surrogateescape") or send.sql
        more: StatementNotes = {}
        if self.before is not None and commits and kind != "COMMIT":
            more = self.before(send.text, kind)
        if self.transaction is not None and commits and kind == "COMMIT":
            more = self.transaction()
        if self._synced:
            more["start"] = send.start
        self._journal.write(
            StatementStarted(
                step=self._step,
                path=send.path,
                line=send.line,
                end_line=send.end_line,
                kind=kind,
                commits=commits,
                sql=masked,
                hash=hashlib.sha1(read, usedforsecurity=False).hexdigest()[:12],
                **more,
            ),
            sync=commits and self._synced,
        )

    def finished(self, send: Send, kind: str, reply: Reply, ms: float, *, commits: bool) -> None:
        if self._quiet:
            if not self._count:
                self._first, self._told = send.line, time.monotonic()
            self._count += 1
            self._rows += reply.row_count
            self._ms += ms
            self._last_line = send.end_line
            return
        if self.flushes is not None and commits:
            self.flushes()
        self._journal.write(
            StatementFinished(
                step=self._step,
                line=send.line,
                end_line=send.end_line,
                tag=reply.tag,
                rows=reply.row_count,
                ms=round(ms, 2),
                commits=commits,
            )
        )

    def output(self, text: str, stream: str) -> None:
        self._journal.write(Output(step=self._step, text=self._journal.hide(text)[:20000], stream=stream))

    def may_go_on(self) -> str:
        if self._synced:  # an atomic step is checked before its COMMIT; here every statement may be one
            self._control.check()
        return self._control.cancelled_because

    def flush(self) -> None:
        """Tell of the quick statements that were only counted."""
        if not self._count:
            return
        self._journal.write(
            StatementsFinished(
                step=self._step,
                from_line=self._first,
                to_line=self._last_line,
                count=self._count,
                kind=self._kind,
                rows=self._rows,
                ms=round(self._ms, 2),
            )
        )
        self._count = self._rows = 0
        self._ms = 0.0
        self._told = time.monotonic()
