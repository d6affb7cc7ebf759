"""Who is at work on the server: blockers, the lock tree, the queue behind a step, who has tables in use right now, and
ending a session.

Lock-free queries only: a session that looks at a pile-up must not join it.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from pgmig_tui.database.connect import Connection, Row
from pgmig_tui.database.text import bind, load

HIDDEN = "<insufficient privilege>"
"""What stands for the query of a session that this role may not see."""


@dataclass(frozen=True, slots=True)
class ServerSession:
    """A session. `xact_s` (age of its transaction, seconds), `state` and `state_s` (how long it is in it) are None
    where this role may not see them; `pid` 0 is a prepared transaction. `started` identifies it together with `pid`.
    """

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
    state_s: float | None = None

    @property
    def hidden(self) -> bool:
        """Whether this role may not see what the session does."""
        return self.query == HIDDEN


@dataclass(frozen=True, slots=True)
class NamedSession:
    """A session found by its application name."""

    pid: int
    application: str
    user: str | None
    state: str | None
    started: str | None


@dataclass(frozen=True, slots=True)
class RelationLock:
    """A lock on a relation, held or (not `granted`) waited for since `waiting_s` (None before 14); `mode` as pg_locks
    writes it. `wraparound`: whether an autovacuum holds it to prevent wraparound, None = it is none, or hidden.
    `prepared` is the name of a prepared transaction that holds it.
    """

    schema: str
    relation: str
    mode: str
    granted: bool
    waiting_s: float | None
    wraparound: bool | None
    prepared: str | None
    session: ServerSession


@dataclass(frozen=True, slots=True)
class Traffic:
    """A relation's size by the planner's estimate (`rows` -1 = never analysed, `bytes` None = not known) and its
    counters at the moment `at` (Unix seconds, server's clock); None where the server doesn't count."""

    schema: str
    relation: str
    rows: int
    bytes: int | None
    at: float
    scans: float | None
    rows_read: float | None
    rows_written: float | None


@dataclass(frozen=True, slots=True)
class Now:
    """What goes on around some relations. `hidden` sessions of this database may have transactions open, too."""

    locks: tuple[RelationLock, ...] = ()
    transactions: tuple[ServerSession, ...] = ()
    hidden: int = 0
    traffic: tuple[Traffic, ...] = ()


def read_now(connection: Connection, relations: Sequence[tuple[str, str]]) -> Now:
    """Who has these relations (schema, name) in use, the longest transactions, and how busy the relations are.

    For a session with the guards of a watch. Never waits for a lock on a user's relation. Raises ServerError.
    """
    names = {"schemas": [schema for schema, _ in relations], "relations": [name for _, name in relations]}
    locks = connection.execute(load("queries/relation_locks"), names)
    open_now = connection.execute(load("queries/open_transactions"))
    traffic = connection.execute(load("queries/relation_traffic"), names)
    return Now(
        tuple(RelationLock(*(*row[:7], _masked(connection, row[7:]))) for row in locks),
        tuple(session for row in open_now if not (session := _masked(connection, row[:11])).hidden),
        open_now[0][11] if open_now else 0,
        tuple(Traffic(*row) for row in traffic),
    )


def _masked(connection: Connection, row: Row) -> ServerSession:
    """A session of ten columns as `_session` takes them, and how long it is in its state; no secret in its query."""
    session = replace(_session(row[:10]), state_s=row[10])
    return replace(session, query=connection.mask(session.query)) if session.query else session


def lock_tree(connection: Connection) -> tuple[ServerSession, ...]:
    """Everybody who waits for a lock and those they wait for, depth first, roots at depth 0, each session once, where
    it is nearest to a root. Raises ServerError."""
    rows = {row[1]: row for row in connection.execute(load("queries/lock_tree"))}
    order = tree_order({pid: tuple(row[0]) for pid, row in rows.items()})
    return tuple(_session(rows[pid][1:], depth) for pid, depth in order)


def tree_order(blockers: Mapping[int, Sequence[int]]) -> list[tuple[int, int]]:
    """(process, depth) of all, depth first. `blockers` are those whom each waits for; who waits for nobody is a root.
    Those of a deadlock, who have no root, come last."""
    waiting: dict[int, list[int]] = {}
    for pid, others in blockers.items():
        for other in others:
            waiting.setdefault(other, []).append(pid)
    depths = {pid: 0 for pid, others in blockers.items() if not others}
    under: dict[int, list[int]] = {}
    nearest = list(depths)
    for pid in nearest:
        for other in waiting.get(pid, ()):
            if other not in depths:
                depths[other] = depths[pid] + 1
                under.setdefault(pid, []).append(other)
                nearest.append(other)
    found: list[tuple[int, int]] = []
    stack = [pid for pid in reversed(nearest) if depths[pid] == 0]
    while stack:
        pid = stack.pop()
        found.append((pid, depths[pid]))
        stack += reversed(under.get(pid, []))
    return found + [(pid, 0) for pid in blockers if pid not in depths]


def cancel(connection: Connection, session: ServerSession | NamedSession) -> bool:
    """Cancel what the session runs, if it still is that session. Raises ServerError when we may not (42501)."""
    return _end(connection, session, terminate=False)


def terminate(connection: Connection, session: ServerSession | NamedSession) -> bool:
    """End the session, if it still is that one. Raises ServerError when we may not (42501)."""
    return _end(connection, session, terminate=True)


def end_session(connection: Connection, pid: int, started: str, *, terminate: bool) -> bool | None:
    """Cancel what a session runs, or end it, if `pid` is still the one that started at `started` (a time as PostgreSQL
    reads it, with its zone): whether it was signalled, None when it is another one or gone.

    Raises ServerError when we may not (42501), and for a text that is no time (22007).
    """
    parameters = {"pid": pid, "started": started, "terminate": terminate}
    row = connection.one(load("queries/end_session_at"), parameters)
    return None if row is None else bool(row[0])


def sessions_named(connection: Connection, pattern: str) -> tuple[NamedSession, ...]:
    """Sessions of this database whose application name is LIKE `pattern`. Raises ServerError."""
    rows = connection.execute(bind(load("queries/sessions_named"), {"pattern": pattern}))
    return tuple(NamedSession(*row) for row in rows)


def sessions_started(connection: Connection, known: Mapping[int, str]) -> tuple[NamedSession, ...]:
    """Those of the sessions `known` (when each process was started, ISO 8601) that still live in this database, by
    whatever name. Raises ServerError."""
    if not known:
        return ()
    values = {"pids": f"{{{','.join(map(str, known))}}}", "started": f"{{{','.join(known.values())}}}"}
    return tuple(NamedSession(*row) for row in connection.execute(bind(load("queries/sessions_started"), values)))


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


def _end(connection: Connection, session: ServerSession | NamedSession, *, terminate: bool) -> bool:
    parameters = {"pid": session.pid, "started": session.started, "terminate": terminate}
    row = connection.one(load("queries/end_session"), parameters)
    return bool(row and row[0])


def _session(row: Row, depth: int = 0) -> ServerSession:
    return ServerSession(*(*row, depth))
