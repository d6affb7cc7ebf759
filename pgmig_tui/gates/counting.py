"""The rows of a database, counted beside its dump in the dump's own snapshot."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from pgmig_tui.database.connect import Connection, Reachable, connect
from pgmig_tui.database.row_counts import LARGE_OBJECTS, DumpedDatabase, count_rows, exported_snapshot, large_objects
from pgmig_tui.errors import PgmigError
from pgmig_tui.gates.decode import BackupError


class _Left(Exception):
    """Nobody waits for the numbers any more."""


class RowCounting:
    """A count under way. `snapshot` names what it sees; `tables` of them are counted."""

    def __init__(self, snapshot: str) -> None:
        self.snapshot = snapshot
        self.tables = 0
        self.error = ""
        self._found: dict[str, int] | None = None
        self._left = False
        self._thread = threading.Thread(target=lambda: None)

    def begin(self, connection: Connection, there: DumpedDatabase) -> None:
        """Count on that session, in a thread."""
        self._thread = threading.Thread(target=self._count, args=(connection, there), daemon=True)
        self._thread.start()

    def rows(self, watch: Callable[[], bool]) -> dict[str, int] | None:
        """Every table's rows when all are counted; None where they couldn't be, and `error` says why.

        `watch` is asked every tenth of a second. Raises BackupError when it says True.
        """
        while self._thread.is_alive():
            self._thread.join(0.1)
            if watch():
                raise BackupError("the backup was stopped", now="No backup was made.")
        return self._found

    def leave(self, connection: Connection) -> None:
        """Return when nothing counts any more."""
        self._left = True
        while self._thread.is_alive():
            connection.cancel()
            self._thread.join(0.2)

    def _count(self, connection: Connection, there: DumpedDatabase) -> None:
        try:
            found = count_rows(connection, there.tables, self._counted)
            self._found = {**found, LARGE_OBJECTS: large_objects(connection)}
        except PgmigError as error:
            self.error = error.what
        except _Left:
            return

    def _counted(self, tables: int) -> None:
        self.tables = tables
        if self._left:
            raise _Left


@contextmanager
def counting(target: Reachable, name: str, there: DumpedDatabase) -> Iterator[RowCounting]:
    """A count of what is `there`, on a session of that application name. Raises Unreachable, ServerError."""
    with (
        connect(target, application_name=name, lock_timeout_ms=2000) as connection,
        exported_snapshot(connection) as snapshot,
    ):
        found = RowCounting(snapshot)
        found.begin(connection, there)
        try:
            yield found
        finally:
            found.leave(connection)
