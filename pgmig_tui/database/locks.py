"""What the sessions of a lock tree wait for and hold, by name. Lock-free, as everything that looks at a pile-up."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from pgmig_tui.database.activity import ServerSession, lock_tree
from pgmig_tui.database.connect import Connection
from pgmig_tui.database.text import load


@dataclass(frozen=True, slots=True)
class TreeLock:
    """A lock that a process holds, or (not `granted`) has waited for `waited_s` seconds (None before 14). `mode` and
    `kind` as pg_locks writes them; `relation` None: it's none, or one of another database."""

    pid: int
    mode: str
    granted: bool
    kind: str
    relation: str | None
    waited_s: float | None


def tree_locks(connection: Connection, pids: Collection[int]) -> tuple[TreeLock, ...]:
    """The awaited locks of some processes and those that they hold on relations of users. Raises ServerError."""
    if not pids:
        return ()
    return tuple(TreeLock(*row) for row in connection.execute(load("queries/tree_locks"), {"pids": sorted(pids)}))


def tree_here(connection: Connection) -> tuple[ServerSession, ...]:
    """The lock tree of this database: of the server's whole tree, each root's part in which one of its sessions is.
    Raises ServerError."""
    whole = lock_tree(connection)
    if not whole:
        return ()
    pids = sorted({one.pid for one in whole if one.pid})
    here = {row[0] for row in connection.execute(load("queries/sessions_here"), {"pids": pids})}
    kept: list[ServerSession] = []
    part: list[ServerSession] = []
    for one in (*whole, None):
        if one is None or one.depth == 0:
            kept += part if any(session.pid in here for session in part) else ()
            part = []
        if one is not None:
            part.append(one)
    return tuple(kept)
