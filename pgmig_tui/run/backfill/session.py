"""The session that runs the batches: opened when it is wanted, with the guards and the script's own settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pgmig_tui.database.connect import ConnectionLost, ServerError, application_name, connect, guard_sql
from pgmig_tui.database.wire import Exchange, Wire
from pgmig_tui.run.journal.events import NoticeReceived

if TYPE_CHECKING:
    from pgmig_tui.run.backfill.plan import Backfill
    from pgmig_tui.run.journal.file import JournalWriter
    from pgmig_tui.run.journal.run_plan import Endpoint, RunPlan
    from pgmig_tui.run.process.control import Control

Rows = tuple[tuple[str | None, ...], ...]
_UTF8 = "SELECT pg_catalog.set_config('client_encoding','UTF8',false)"
STEP = 1
"""A backfill is one step."""


class BatchSession:
    """One session at a time; one that was lost, or is in no state to go on with, is replaced when it is asked for."""

    def __init__(self, plan: RunPlan, target: Endpoint, spec: Backfill, control: Control, journal: JournalWriter):
        self._plan = plan
        self._target = target
        self._spec = spec
        self._control = control
        self._journal = journal
        self._wire: Wire | None = None

    def open(self) -> Wire:
        """The session, outside of any transaction. Raises Unreachable, ServerError, ConnectionLost."""
        if self._wire is not None and self._wire.alive and self._wire.idle:
            return self._wire
        self.drop()
        plan = self._plan
        connection = connect(self._target, application_name=application_name(plan.run_id, STEP), script=True)
        self._wire = wire = Wire(connection, self._control, self._notice)
        self._control.cancel_now = wire.cancel
        wire.query(_UTF8)
        for setting in self._spec.settings:
            wire.query(setting)
        wire.query(f"{_UTF8}; {guard_sql('step', plan.lock_timeout_ms, plan.server.version_num).decode()}")
        wire.query(f"SELECT pg_catalog.set_config('statement_timeout','{self._spec.timeout_ms}',false)")
        return wire

    def ask(self, sql: str) -> Rows:
        """Rows of our own question. Raises ServerError, ConnectionLost."""
        wire = self.open()
        exchange = wire.run(sql.encode(), chunked=False)
        if exchange.lost:
            raise ConnectionLost("the connection was lost")
        if exchange.error is not None:
            raise self.undone(exchange) or ConnectionLost("the connection was lost")
        return next((reply.rows for reply in exchange.replies if reply.columns), ())

    def undone(self, exchange: Exchange) -> ServerError | None:
        """The error that ended a transaction, with nothing of it left; None when the connection broke."""
        wire = self._wire
        if exchange.lost or wire is None or not wire.alive:
            return None
        if not wire.idle and wire.run(b"ROLLBACK").lost:
            return None
        return exchange.error

    def drop(self) -> None:
        """Close it, if there is one."""
        if self._wire is not None:
            self._control.cancel_now = None
            self._wire.close()
            self._wire = None

    def _notice(self, severity: str, sqlstate: str, message: str) -> None:
        self._journal.write(NoticeReceived(severity=severity, sqlstate=sqlstate, message=message))
