"""The control session, the command pipe and the waiting: what a run watches while a statement runs.

One `poll` covers the step session, the control session and the commands, so a run needs no thread: a screen's "cancel"
and
the loss of the control session are noticed in the middle of a statement.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

from pgmig_tui.database.connect import Connection
from pgmig_tui.database.wire import Waiter
from pgmig_tui.run.journal import COMMANDS

_CANCEL_AGAIN_MS = 500

COMMAND_NAMES = ("pause", "resume", "cancel", "stop")


class Control(Waiter):
    """Watches the command FIFO of `folder` and, once given, the control session.

    `paused`, `stopping` and `lost` are what the run has been told; `cancel_now` is called when a running statement has
    to
    be cancelled. `told` is called with each command for the journal.
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
        self.paused = False
        self.stopping = False
        self.cancelled = False
        self.lost = ""
        self.cancel_now: Callable[[], None] | None = None
        self.before_waiting: Callable[[], None] | None = None
        """Called before every wait that may take time: what it does costs none, for the server works meanwhile."""
        self._meanwhile: list[Callable[[], None]] = []

    @property
    def session(self) -> Connection:
        assert self._session is not None, "the control session is opened first"
        return self._session

    @property
    def pid(self) -> int:
        return self.session.pid

    def hold(self, session: Connection) -> None:
        """From now on `session` is watched: if the server ends it, the run stops before its next COMMIT."""
        self._session = session
        self._session_fd = session.raw.socket
        self.watch(self._session_fd)

    def meanwhile(self, work: Callable[[], None]) -> None:
        """Do `work`, which must not raise, at the next wait for the server."""
        self._meanwhile.append(work)

    def wait(self, fd: int, timeout_ms: int | None = None) -> bool:
        if timeout_ms != 0:
            if self.before_waiting is not None:
                self.before_waiting()
            while self._meanwhile:
                self._meanwhile.pop()()
        if timeout_ms is None and self.cancel_now is not None and (self.cancelled or self.lost):
            # A cancel that reached the server just before its statement did has cancelled nothing: say it again.
            while not super().wait(fd, _CANCEL_AGAIN_MS):
                self.cancel_now()
            return True
        return super().wait(fd, timeout_ms)

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

    def command(self, name: str) -> None:
        """Obey one command, wherever it came from (a screen, a signal)."""
        if name not in COMMAND_NAMES:
            return
        self._told(name)
        if name == "pause":
            self.paused = True
        elif name == "resume":
            self.paused = False
        else:
            self.cancelled = True
            self.stopping = self.stopping or name == "stop"
            if self.cancel_now is not None:
                self.cancel_now()

    def woken(self, fds: list[int]) -> None:
        if self._fifo in fds:
            self._read_commands()
        if self._session_fd in fds:
            self._read_session()

    def close(self) -> None:
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

    def _gone(self, why: str) -> None:
        if not self.lost:
            self.lost = f"the control session, which holds Sqitch's lock, was lost: {why}"
            self.unwatch(self._session_fd)
            if self.cancel_now is not None:
                self.cancel_now()
