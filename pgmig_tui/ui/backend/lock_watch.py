"""The lock tree of one environment, asked over and over on a connection of its own. Its methods block."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pgmig_tui.display.activity import Blocker, mode_words
from pgmig_tui.display.words import listing
from pgmig_tui.errors import PgmigError
from pgmig_tui.ui.backend.one_at_a_time import OneAtATime
from pgmig_tui.ui.backend.protocol import LockSession, LockTree

if TYPE_CHECKING:
    from pgmig_tui.database.activity import ServerSession
    from pgmig_tui.database.connect import Connection
    from pgmig_tui.database.locks import TreeLock
    from pgmig_tui.project.environments import Environment

_SHOWN = 3
_STRONG = (
    "AccessExclusiveLock",
    "ExclusiveLock",
    "ShareRowExclusiveLock",
    "ShareLock",
    "ShareUpdateExclusiveLock",
    "RowExclusiveLock",
    "RowShareLock",
    "AccessShareLock",
)
"""Lock modes of relations, strongest first."""


class EnvironmentLocks(OneAtATime):
    """A LockWatch. The connection is opened by the first question and again after it was lost."""

    def __init__(self, environment: Environment) -> None:
        super().__init__()
        self._environment = environment
        self._connection: Connection | None = None

    def read(self) -> LockTree:
        from pgmig_tui.database.locks import tree_here, tree_locks

        at = datetime.now(UTC)
        with self.asking():
            try:
                connection = self._open()
                tree = tree_here(connection)
                locks = tree_locks(connection, {one.pid for one in tree if one.pid})
            except PgmigError as error:
                self.drop()
                return LockTree(at, problem=error.what)
        return LockTree(at, tuple(_lock_session(one, locks, connection) for one in tree))

    def end(self, pid: int, started: str, *, terminate: bool) -> bool:
        from pgmig_tui.database import activity

        who = activity.NamedSession(pid, "", None, None, started)
        with self.asking():
            connection = self._open()
            return activity.terminate(connection, who) if terminate else activity.cancel(connection, who)

    def _open(self) -> Connection:
        from pgmig_tui.database.connect import application_name, connect

        if self._connection is None:
            name = application_name("locks", "watch")
            self._connection = connect(self._environment.target, application_name=name, kind="watch")
        return self._connection

    def drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()


def _lock_session(session: ServerSession, locks: Iterable[TreeLock], connection: Connection) -> LockSession:
    mine = [lock for lock in locks if lock.pid == session.pid]
    awaited = next((lock for lock in mine if not lock.granted), None)
    held = sorted(
        (lock for lock in mine if lock.granted and lock.relation and lock.mode in _STRONG),
        key=lambda lock: (_STRONG.index(lock.mode), lock.relation or ""),
    )
    strongest = {lock.relation: lock for lock in reversed(held)}
    holds = [_words(lock) for lock in held if strongest[lock.relation] is lock]
    application = session.application or ""
    query = connection.mask(session.query) if session.query else ""
    vacuum = session.backend_type == "autovacuum worker"
    blocker = Blocker(
        session.pid,
        session.started or "",
        session.user or "",
        application,
        session.state or "",
        session.xact_s * 1000 if session.xact_s is not None else None,
        query,
        session.depth,
        "" if not session.pid else None,
        "to prevent wraparound" in query if vacuum and not session.hidden else None,
        application.startswith("pgmig/"),
        application == "sqitch",
        session.hidden,
    )
    return LockSession(
        blocker,
        _words(awaited) if awaited is not None else "",
        listing(holds, _SHOWN),
        awaited.waited_s * 1000 if awaited is not None and awaited.waited_s is not None else None,
        session.client or "",
    )


def _words(lock: TreeLock) -> str:
    kind = {"transactionid": "a transaction", "advisory": "an advisory lock", "virtualxid": "a transaction"}
    return f"{mode_words(lock.mode)} {lock.relation or kind.get(lock.kind, lock.kind)}"
