"""Locks and runs of others as facts for the screens. Not before the first frame: `protocol` gives them when asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from pgmig_tui.display.activity import Activity, Blocker


@dataclass(frozen=True, slots=True)
class LockSession:
    """A session that waits for a lock, or that others wait for. `wants` and `holds` name modes and relations;
    `wait_ms` is how long it has waited, None when it doesn't or nobody can tell. With `more` it stands for all of
    those, who wait for the process `behind` (ui.views.locks)."""

    session: Blocker
    wants: str = ""
    holds: str = ""
    wait_ms: float | None = None
    client: str = ""
    more: tuple[LockSession, ...] = ()
    behind: int = 0

    @property
    def identity(self) -> tuple[int, str]:
        """What stays the same from one look to the next."""
        return (self.behind, "more") if self.more else (self.session.pid, self.session.started)


@dataclass(frozen=True)
class LockTree:
    """Who waits for whom at one moment, depth first, roots first. `problem`: why it couldn't be read."""

    asked_at: datetime
    sessions: tuple[LockSession, ...] = ()
    problem: str = ""


class LockWatch(Protocol):
    """Looks at the locks of one environment over and over, and ends sessions. Its methods block."""

    def read(self) -> LockTree: ...
    def end(self, pid: int, started: str, *, terminate: bool) -> bool:
        """False when that session is gone. Raises PgmigError, also when this role may not."""
        ...

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class ForeignSession:
    """A session of a run of another account or host. `told`, safe to draw, says who it is and what it does; `started`,
    which identifies it together with `pid`, is "" where this role may not see it (`hidden`)."""

    pid: int
    started: str
    told: str
    query: str = ""
    hidden: bool = False


@dataclass(frozen=True)
class Foreign:
    """What works on an environment, as its server tells. `problem`: why it couldn't be asked. `who` and `doing` are of
    the run's own row, "" where there is none, as are `state` (running, paused, finished) and `heartbeat_ms`, the age of
    its last heartbeat. `run_id` is "" for another program. `over` says which end was seen; `local`: it is a run of
    this account, which can be attached to."""

    asked_at: datetime
    problem: str = ""
    run_id: str = ""
    who: str = ""
    holder: str = ""
    doing: str = ""
    state: str = ""
    heartbeat_ms: int | None = None
    step: ForeignSession | None = None
    sessions: tuple[ForeignSession, ...] = ()
    activity: Activity = field(default_factory=Activity)
    recorded: tuple[tuple[str, str, str], ...] = ()
    registry: str = ""
    unseen: tuple[str, ...] = ()
    over: str = ""
    local: bool = False


class ForeignWatch(Protocol):
    """Looks at what works on one environment over and over, and stops it. Its methods block."""

    def read(self) -> Foreign: ...
    def cancel(self, pid: int, started: str) -> bool:
        """Cancel what that session runs; False when it is gone. Raises PgmigError, also when this role may not."""
        ...

    def stop(self, told: Callable[[str], None]) -> None:
        """End the sessions of the run that was read last; returns when the lock is free. Raises PgmigError."""
        ...

    def close(self) -> None: ...
