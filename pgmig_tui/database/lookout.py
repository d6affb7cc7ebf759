"""What a session of ours waits for, said while it waits: whoever changes a server may be kept by a synchronous standby
that is gone, and nobody knows how long.

A COMMIT that waits for one has happened on its own server (syncrep.c, SyncRepWaitForLSN): a cancel ends the waiting
alone, with a warning.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from pgmig_tui.errors import PgmigError

if TYPE_CHECKING:
    from pgmig_tui.database.connect import Connection

Tell = Callable[[str], None]
SAID_AFTER_S = 2.0
"""A synchronous standby that is waited for is told of after so long."""
SYNC_REP = "IPC: SyncRep"
_EVERY_S = 0.25
_AGAIN_S = 5.0
"""How long after a failure to look it is tried again."""


def waits_words(pid: int | None) -> str:
    """That a COMMIT of that server process waits for a synchronous standby, and what to do."""
    return (
        f"a COMMIT (process {pid}) waits for a synchronous standby to have it, and will until one has; on this server"
        " it is done already. To cancel ends the waiting, not the COMMIT"
    )


def waits_for(connection: Connection, pid: int) -> str:
    """What a server process waits for, such as `IPC: SyncRep` or `Lock: relation`; "" when it waits for nothing, is
    gone, or is hidden from this role. Raises ServerError."""
    row = connection.one(
        "SELECT a.wait_event_type, a.wait_event FROM pg_catalog.pg_stat_get_activity(%(pid)s::pg_catalog.int4) a",
        {"pid": pid},
    )
    return f"{row[0]}: {row[1]}" if row and row[0] else ""


class WaitLookout:
    """Looks at one session while it waits for an answer, from a second one, and tells what keeps it, once a statement.
    `tell` is called from a thread of the lookout's own, or from the one that waits."""

    def __init__(self, connection: Connection, tell: Tell) -> None:
        self._connection = connection
        self._tell = tell
        self._since: float | None = None
        self._ended = threading.Event()
        self.committed_here = False
        """The statement that was answered last has been committed on this server; a standby wasn't waited for."""
        connection.on_local_commit(self._not_awaited)
        threading.Thread(target=self._look, name="lookout", daemon=True).start()

    @contextmanager
    def awaiting(self) -> Iterator[None]:
        """An answer is waited for in here."""
        self.committed_here, self._since = False, time.monotonic()
        try:
            yield
        finally:
            self._since = None

    def close(self) -> None:
        self._ended.set()

    def _not_awaited(self) -> None:
        self.committed_here = True
        self._tell("it is committed on this server; whether a synchronous standby has it isn't known")

    def _look(self) -> None:
        beside: Connection | None = None
        told: float | None = None
        not_before = 0.0
        while not self._ended.wait(_EVERY_S):
            since, now = self._since, time.monotonic()
            if since is None or since == told or now - since < SAID_AFTER_S or now < not_before:
                continue
            try:
                beside = beside or self._connection.beside()
                if self._waits(beside) and self._since == since:
                    told = since
                    self._tell(waits_words(self._connection.pid))
            except PgmigError:  # no session is free, say: the one that waits is none the worse
                not_before = now + _AGAIN_S
                if beside is not None and beside.closed:
                    beside = None
        if beside is not None:
            with suppress(PgmigError):
                beside.close()

    def _waits(self, beside: Connection) -> bool:
        return waits_for(beside, self._connection.pid) == SYNC_REP
