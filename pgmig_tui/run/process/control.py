"""The control session, the command pipe and the waiting: what a run watches while a statement runs.

One `poll` covers the step session, the control session and the commands, so a run needs no thread: a screen's "cancel"
and the loss of the control session are noticed in the middle of a statement, and so is a terminal that is gone.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from pgmig_tui.database.connect import Connection, application_name, connect
from pgmig_tui.database.identity import check_server, let_write
from pgmig_tui.database.wire import Waiter
from pgmig_tui.errors import Refused
from pgmig_tui.run.journal.file import COMMAND_NAMES, COMMANDS, JournalWriter
from pgmig_tui.run.journal.run_plan import Endpoint, RunPlan
from pgmig_tui.run.process.heartbeat import Heartbeat
from pgmig_tui.run.process.watcher import Watcher

_CANCEL_AGAIN_S = 0.5
_CUT_AFTER_S = 30.0
"""What isn't answered in this time won't be: what the control session is asked, or a cancel, unless the server is seen
at work."""
_LOOK_OUT_S = 1.0


def open_session(plan: RunPlan, target: Endpoint, journal: JournalWriter) -> Connection:
    """The control session of a new run, on the server and database that it was planned for. Raises Refused,
    Unreachable, ServerError."""
    name = application_name(plan.run_id, "control")
    session = connect(target, application_name=name, kind="alone", lock_timeout_ms=plan.lock_timeout_ms)
    identity = session.identity()
    check_server(identity, None)
    if plan.command != "verify":  # which writes nothing, and may look at what is read-only
        let_write(session)
    journal.skew = identity.clock_skew_s
    if identity.database != plan.server.database or identity.system_identifier != plan.server.system_identifier:
        session.close()
        raise Refused("another server answers than at planning", now="Nothing was changed.", do="Plan the run again.")
    return session


class Control(Waiter):
    """Watches the command FIFO of `folder` and, once given, the control session.

    `paused`, `stopping` and `lost` are what the run has been told; `cancel_now` is called when a running statement has
    to be cancelled. `told` is called with each command for the journal.
    """

    def __init__(self, folder: Path, told: Callable[[str], None]) -> None:
        super().__init__()
        self._told = told
        self._rest = b""
        path = folder / COMMANDS
        if not path.exists():
            os.mkfifo(path, 0o600)
        # Read and write: with a writer of our own the pipe never reports end of file.
        self._fifo = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        self.watch(self._fifo)
        self._session: Connection | None = None
        self._session_fd = -1
        self._holds = ""
        self.paused = False
        self.stopping = False
        self.cancelled = False
        self.committing = False
        """A COMMIT is under way: only an operator may cancel it, for a synchronous standby may never answer."""
        self.aborted = ""
        """Why the run ends without anybody having asked for it, "" when it doesn't."""
        self.look_out: Callable[[], None] | None = None
        """Called about once a second, whatever is waited for."""
        self._look_out_at = 0.0
        self.retry_now = False
        self.retries = 0
        """How often a lost try is followed by another."""
        self.watcher: Watcher | None = None
        self.heartbeat: Heartbeat | None = None
        self.lost = ""
        self.obey: dict[str, Callable[[list[str]], None]] = {}
        """Who carries out the commands that aren't about stopping: by their first word, called with their arguments."""
        self.cancel_now: Callable[[], None] | None = None
        self.cut_now: Callable[[], None] | None = None
        """Gives up the session whose answer is awaited, as a failed network would."""
        self.before_waiting: Callable[[], None] | None = None
        """Called before every wait that may take time: what it does costs none, for the server works meanwhile."""
        self._meanwhile: list[Callable[[], None]] = []
        self._cancel_again: float | None = None
        self._cancelling_since: float | None = None

    @property
    def session(self) -> Connection:
        assert self._session is not None, "the control session is opened first"
        return self._session

    @property
    def holds_session(self) -> bool:
        return self._session is not None

    @property
    def pid(self) -> int:
        return self.session.pid

    def hold(self, session: Connection, holds: str = "Sqitch's lock") -> None:
        """From now on `session` is watched: if the server ends it, the run stops before its next COMMIT."""
        self._session, self._holds = session, holds
        self._session_fd = session.raw.socket
        self.watch(self._session_fd)

    def bound(self, lock_timeout_ms: int) -> None:
        """From now on the control session is asked what takes no time, but for locks: it is given up as lost when it
        doesn't answer."""
        if self._session is not None:
            self._session.patience_s = _CUT_AFTER_S + lock_timeout_ms / 1000

    def meanwhile(self, work: Callable[[], None]) -> None:
        """Do `work`, which must not raise, at the next wait for the server."""
        self._meanwhile.append(work)

    def keep_row(self, plan: RunPlan, schema: str, journal: JournalWriter) -> None:
        """Write the run's row, and keep it up whenever something is waited for: this session holds the lock."""
        self.heartbeat = Heartbeat(plan, schema, self.session, journal)
        journal.heard = self.heartbeat.heard
        self.heartbeat.begin()

    def wait(self, fd: int, timeout_ms: int | None = None) -> bool:
        if timeout_ms != 0:
            if self.before_waiting is not None:
                self.before_waiting()
            while self._meanwhile:
                self._meanwhile.pop()()
        look_again = _sooner(self._look(), self._beat()) if timeout_ms != 0 else None
        if timeout_ms is None:
            timeout_ms = self._chores()
        return super().wait(fd, _sooner(timeout_ms, look_again))

    def _look(self) -> int | None:
        """Look out if it is time to; the milliseconds until it will be again, None when nobody wants it."""
        if self.look_out is None:
            return None
        now = time.monotonic()
        if now >= self._look_out_at:
            self._look_out_at = now + _LOOK_OUT_S
            self.look_out()
        return max(1, int((self._look_out_at - now) * 1000))

    def _beat(self) -> int | None:
        """Give a heartbeat if it is time to; the milliseconds until it will be again."""
        return self.heartbeat.tick() if self.heartbeat is not None else None

    def _chores(self) -> int | None:
        """Do what is due while a statement runs; the milliseconds until more is, None when nothing will be."""
        due = self.watcher.tick() if self.watcher is not None else None
        if not (self.cancelled or self.lost):
            self._cancelling_since = None
        if self.cancel_now is None or self._cancel_again is None or not (self.cancelled or self.lost):
            return due
        # A cancel that reached the server just before its statement did has cancelled nothing: say it again.
        if time.monotonic() >= self._cancel_again:
            self._cancel()
            self._give_up()
        return _sooner(due, max(1, int((self._cancel_again - time.monotonic()) * 1000)))

    def _cancel(self) -> None:
        self._cancel_again = time.monotonic() + _CANCEL_AGAIN_S
        if self.cancel_now is not None:
            self.cancel_now()

    def _give_up(self) -> None:
        """No answer to a cancel, and nobody sees that the server works on it: the session is given up. What wasn't
        committed then never will be, and of a COMMIT the registry tells."""
        now = time.monotonic()
        self._cancelling_since = self._cancelling_since or now
        if now - self._cancelling_since < _CUT_AFTER_S or self.cut_now is None:
            return
        if self.watcher is None or not self.watcher.sees_work:
            self._cancelling_since = None
            self.cut_now()

    @contextlib.contextmanager
    def commit(self) -> Iterator[None]:
        """What is sent in here ends with a COMMIT. A cancel from before was meant for something else."""
        self.committing, self._cancel_again, self._cancelling_since = True, None, None
        try:
            yield
        finally:
            self.committing = False

    def abort(self, why: str) -> None:
        """End the run, and the statement that runs, unless that is a COMMIT, because of `why`."""
        if self.stopping:
            return
        self.aborted, self.stopping = why, True
        if not self.committing:
            self.cancelled = True
            self._cancel()

    def stop_before_next(self, why: str) -> None:
        """End the run between two steps because of `why`: nothing is under way that would have to be cancelled."""
        self.aborted, self.stopping = why, True

    @property
    def cancelled_because(self) -> str:
        """Why nothing more is sent, in words; "" when it may."""
        if self.lost or not self.cancelled:
            return self.lost
        return f"cancelled: {self.aborted}" if self.aborted else "cancelled by the operator"

    @property
    def stopped_because(self) -> str:
        """The same of the run."""
        return f"stopped: {self.aborted}" if self.aborted else "stopped by the operator"

    def check(self) -> None:
        """Look at what has arrived without waiting."""
        self.wait(-1, 0)

    def pause_point(self, paused: Callable[[], None], resumed: Callable[[], None]) -> None:
        """Between two steps: wait here while paused. No transaction is open."""
        self.check()
        if not self.paused or self.stopping:
            return
        paused()
        while self.paused and not self.stopping and not self.lost:
            self.wait(-1, 1000)
        if not self.paused:
            resumed()

    def idle_wait(self, seconds: float) -> None:
        """Wait `seconds`, or until a command arrives."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0 and not self.stopping:
            self.wait(-1, max(1, int(left * 1000)))

    def stay_away(self, seconds: float) -> None:
        """Wait `seconds` before another try, or until one is wanted now, or none any more."""
        self.retry_now = False
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if self.retry_now or self.cancelled or self.stopping or self.lost:
                return
            self.wait(-1, max(1, int(left * 1000)))

    def command(self, line: str) -> None:
        """Obey one command, wherever it came from (a screen, a signal)."""
        name, *arguments = line.split() or [""]
        if name not in COMMAND_NAMES:
            return
        self._told(line)
        if name == "pause":
            self.paused = True
        elif name == "resume":
            self.paused = False
        elif name == "retry":
            self.retry_now = True
        elif name in ("cancel", "stop"):
            self.cancelled = True
            self.stopping = self.stopping or name == "stop"
            self._cancel()
        elif name in self.obey:
            self.obey[name](arguments)

    def woken(self, fds: list[int]) -> None:
        if self._fifo in fds:
            self._read_commands()
        if self._session_fd in fds:
            self._read_session()
        if self.watcher is not None and self.watcher.fd in fds:
            self.watcher.ready()

    def close(self) -> None:
        if self.watcher is not None:
            self.watcher.close()
        os.close(self._fifo)
        if self._session is not None:
            self._session.close()

    def _read_commands(self) -> None:
        try:
            data = os.read(self._fifo, 4096)
        except BlockingIOError:
            return
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self.command(line.decode("ascii", "replace").strip())

    def _read_session(self) -> None:
        """The control session speaks without being asked: it was ended, or it is a notice."""
        raw = self.session.raw
        try:
            raw.consume_input()
        except Exception as error:  # whatever libpq calls it, a session that can't be read is gone
            self._gone(self.session.mask(str(error).strip().splitlines()[0] if str(error).strip() else "it was closed"))
            return
        if raw.status != 0:
            self._gone("it was closed")
        elif self.heartbeat is not None:
            self.heartbeat.received()

    def _gone(self, why: str) -> None:
        if not self.lost:
            self.lost = f"the control session, which holds {self._holds}, was lost: {why}"
            self.unwatch(self._session_fd)
            self._cancel()


def _sooner(one: int | None, other: int | None) -> int | None:
    """The earlier of two times to wait; None is for ever."""
    return other if one is None else one if other is None else min(one, other)
