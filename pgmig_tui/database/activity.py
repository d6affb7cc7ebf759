"""Who is at work on the server: blockers, the lock tree, the queue behind a step, and ending a session.

Lock-free queries only: a session that looks at a pile-up must not join it.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from pgmig_tui.database.connect import Connection, Row
from pgmig_tui.database.text import bind, load


@dataclass(frozen=True, slots=True)
class Session:
    """A session. `xact_s` (seconds), `state` and `query` are None where this role may not see them; `pid` 0 is a
    prepared transaction. `started` identifies the session together with `pid`."""

    pid: int
    user: str | None
    application: str | None
    client: str | None
    backend_type: str | None
    state: str | None
    xact_s: float | None
    has_written: bool
    started: str | None
    query: str | None
    depth: int = 0


@dataclass(frozen=True, slots=True)
class NamedSession:
    """A session found by its application name."""

    pid: int
    application: str
    user: str | None
    state: str | None
    started: str | None


@dataclass(frozen=True, slots=True)
class Queue:
    """Sessions stuck behind a process; `oldest_s` is None before PostgreSQL 14, or when nobody waits."""

    stuck: int
    oldest_s: float | None


def blockers_of(connection: Connection, pid: int) -> tuple[Session, ...]:
    """The sessions that `pid` waits for now. Raises ServerError."""
    return tuple(_session(row) for row in connection.execute(load("queries/blockers_of"), {"pid": pid}))


def lock_tree(connection: Connection) -> tuple[Session, ...]:
    """Everybody who waits for a lock and those they wait for, depth first, roots at depth 0. Raises ServerError."""
    return tuple(_session(row[1:], row[0]) for row in connection.execute(load("queries/lock_tree")))


def queue_behind(connection: Connection, pid: int) -> Queue:
    """How many sessions wait behind `pid`, directly or not. Raises ServerError."""
    row = connection.one(load("queries/queue_behind"), {"pid": pid})
    assert row is not None
    return Queue(row[0], row[1])


def cancel(connection: Connection, session: Session | NamedSession) -> bool:
    """Cancel what the session runs, if it still is that session. Raises ServerError when we may not (42501)."""
    return _end(connection, session, terminate=False)


def terminate(connection: Connection, session: Session | NamedSession) -> bool:
    """End the session, if it still is that one. Raises ServerError when we may not (42501)."""
    return _end(connection, session, terminate=True)


def sessions_named(connection: Connection, pattern: str) -> tuple[NamedSession, ...]:
    """Sessions of this database whose application name is LIKE `pattern`. Raises ServerError."""
    rows = connection.execute(bind(load("queries/sessions_named"), {"pattern": pattern}))
    return tuple(NamedSession(*row) for row in rows)


def end_sessions(connection: Connection, name: str, timeout_s: float) -> bool:
    """Wait until no session of exactly that name is left, terminating those that stay; False when one outlives
    `timeout_s`. Raises ServerError."""
    deadline = time.monotonic() + timeout_s
    patience = time.monotonic() + timeout_s / 10
    pattern = name.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    while left := sessions_named(connection, pattern):
        if time.monotonic() > deadline:
            return False
        if time.monotonic() > patience:
            for session in left:
                terminate(connection, session)
        time.sleep(0.05)
    return True


def _end(connection: Connection, session: Session | NamedSession, *, terminate: bool) -> bool:
    parameters = {"pid": session.pid, "started": session.started, "terminate": terminate}
    row = connection.one(load("queries/end_session"), parameters)
    return bool(row and row[0])


def _session(row: Row, depth: int = 0) -> Session:
    return Session(*(*row, depth))
