"""What the sessions of a lock tree wait for and hold, by name. Lock-free, as everything that looks at a pile-up."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

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
