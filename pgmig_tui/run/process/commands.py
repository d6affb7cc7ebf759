"""The commands that change how a run waits: its lock timeout, its retries, and the sessions in its way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pgmig_tui.database import activity
from pgmig_tui.database.connect import ServerError
from pgmig_tui.errors import PgmigError
from pgmig_tui.run.journal.events import BlockerEnded, SettingsChanged, Warned
from pgmig_tui.run.journal.file import JournalWriter
from pgmig_tui.run.process.control import Control

if TYPE_CHECKING:
    from pgmig_tui.run.process.session import StepSession

_LONGEST_MS = 2**31 - 1
"""PostgreSQL's limit for timeouts."""
_MOST = 1000
"""Retries beyond this are a mistake in typing."""


class WaitCommands:
    """Obeys `lock_timeout MS`, `retries N`, `cancel_blocker PID STARTED` and `terminate_blocker PID STARTED`.

    What can't be obeyed is told in the journal and changes nothing. A session is ended only if it is still the one that
    was shown: processes are reused.
    """

    def __init__(self, control: Control, session: StepSession, journal: JournalWriter) -> None:
        self._control = control
        self._session = session
        self._journal = journal
        control.obey |= {
            "lock_timeout": self._lock_timeout,
            "retries": self._retries,
            "cancel_blocker": lambda arguments: self._end("cancel", arguments),
            "terminate_blocker": lambda arguments: self._end("terminate", arguments),
        }

    def _lock_timeout(self, arguments: list[str]) -> None:
        ms = _number(arguments, 1, _LONGEST_MS)
        if ms is None:
            self._refuse(f"lock_timeout takes milliseconds from 1 to {_LONGEST_MS}")  # 0 would wait for ever
            return
        self._session.lock_timeout_ms = ms
        self._told()

    def _retries(self, arguments: list[str]) -> None:
        number = _number(arguments, 0, _MOST)
        if number is None:
            self._refuse(f"retries takes a number from 0 to {_MOST}")
            return
        self._control.retries = number
        self._told()

    def _told(self) -> None:
        self._journal.write(
            SettingsChanged(lock_timeout_ms=self._session.lock_timeout_ms, retries=self._control.retries)
        )

    def _end(self, how: str, arguments: list[str]) -> None:
        pid = _number(arguments[:1], 0, 2**31)
        if pid is None:
            self._refuse(f"{how}_blocker takes a process and when it started")
            return
        started = " ".join(arguments[1:]) or None
        ok, message = self._ended(how, pid, started)
        self._journal.write(BlockerEnded(pid=pid, how=how, ok=ok, message=message))

    def _ended(self, how: str, pid: int, started: str | None) -> tuple[bool, str]:
        if pid == 0:
            return False, "a prepared transaction has no session: COMMIT PREPARED or ROLLBACK PREPARED ends it"
        if started is None:
            return False, f"process {pid} was not touched: when it started is hidden from this role, or wasn't said"
        if not self._control.holds_session:
            return False, "this run has no session that could do it"
        control = self._control.session
        if control.pid == pid or (self._control.watcher is not None and self._control.watcher.watches(pid)):
            return False, f"process {pid} is this run itself"
        try:
            done = activity.end_session(control, pid, started, terminate=how == "terminate")
        except ServerError as error:
            if error.sqlstate == "42501":
                return False, f"{error.message}: it takes the same role, pg_signal_backend, or for a superuser one"
            return False, error.message
        except PgmigError as error:
            return False, error.what
        if done is None:
            return False, f"process {pid} is no longer the session that was shown: nothing was done"
        if not done:
            return False, f"process {pid} could not be signalled: it may have just ended"
        return True, "its statement was cancelled" if how == "cancel" else "its session was ended"

    def _refuse(self, why: str) -> None:
        self._journal.write(Warned(message=f"the command was not obeyed: {why}"))


def _number(arguments: list[str], least: int, most: int) -> int | None:
    if len(arguments) < 1 or not arguments[0].isascii() or not arguments[0].isdigit():
        return None
    number = int(arguments[0][:20])
    return number if least <= number <= most else None
