"""What one session is going through right now, as the watcher sees it from beside: queries/live.sql and its answer."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from pgmig_tui.database.activity import HIDDEN
from pgmig_tui.database.background import Cells
from pgmig_tui.database.text import load

STATEMENT_TIMEOUT = "1s"
_SHOWN = 200


@dataclass(frozen=True, slots=True)
class SeenBlocker:
    """A session that is in the way, `depth` steps away from ours. `started` (ISO 8601, UTC), `state` and `since_ms`
    (the age of its transaction) are None where this role may not see them (`hidden`). `prepared` is the name of a
    prepared transaction, whose pid is 0. `wraparound`: a vacuum that prevents one, False an ordinary autovacuum, None
    no autovacuum or hidden. `vacuum`: it is an autovacuum worker. `ours`: a session of a run of this program. `sqitch`:
    somebody else who holds Sqitch's advisory key or waits for it.
    """

    pid: int
    depth: int
    started: str | None
    user: str
    application: str
    state: str | None
    since_ms: int | None
    query: str
    hidden: bool
    prepared: str | None
    wraparound: bool | None
    vacuum: bool
    ours: bool
    sqitch: bool


@dataclass(frozen=True, slots=True)
class Live:
    """One look. `waiters` sessions wait behind ours, directly or not, the oldest since `oldest_wait_ms` (None: nobody,
    or PostgreSQL 13, which doesn't tell). `holds` are relations and the modes in which we hold them, the strongest of
    each. `new_relation`: we hold one that nobody else can see yet; `pages` (8 kB) what tables and indexes that we hold
    alone have on disk by the catalog; `wal` the server's position in bytes. `backup` is a base backup under way:
    (phase, percent).
    """

    waiting: bool
    blockers: tuple[SeenBlocker, ...]
    waiters: int
    oldest_wait_ms: int | None
    holds: tuple[tuple[str, str], ...]
    new_relation: bool
    pages: int | None
    wal: int | None
    phase: str
    percent: float | None
    backup: tuple[str, float | None] | None
    deadlock_timeout_ms: int
    works: bool = True
    """It has a lock, be it the one on itself that every transaction has, and doesn't wait for its client."""
    standby: bool = False
    """It has committed, and waits for a synchronous standby to have that."""
    waited_ms: int | None = None
    """For how long it has waited for its lock; None when it doesn't, and on PostgreSQL 13, which doesn't tell."""

    @property
    def direct(self) -> tuple[SeenBlocker, ...]:
        """Those that ours waits for itself."""
        return tuple(blocker for blocker in self.blockers if blocker.depth == 0)

    @property
    def hidden(self) -> int:
        """How many of the blockers this role may not see into."""
        return sum(blocker.hidden for blocker in self.blockers)


def preparing_sql(version_num: int) -> str:
    """What a session that watches says before it looks: the question in a form that is planned but once."""
    return (
        f"SET statement_timeout = '{STATEMENT_TIMEOUT}'; SET jit = off;"
        f" SET plan_cache_mode = force_generic_plan; PREPARE pgmig_look(int) AS {_question('live', version_num)};"
        f" PREPARE pgmig_glance(int) AS {_question('live_glance', version_num)}"
    )


def look_sql(pid: int | str, *, details: bool = True) -> str:
    """One look at a server process (a number, or an SQL expression of one). Without `details` it is a third as dear: of
    blockers there are the processes and their depths only, beside who waits; all else is empty."""
    return f"EXECUTE pgmig_{'look' if details else 'glance'}({pid}::int)"


def _question(name: str, version_num: int) -> str:
    lines = f"{load('queries/live_waits')}\n{load(f'queries/{name}')}".splitlines()
    if version_num >= 140000:
        return "\n".join(lines)
    older = (line.replace("-- before 14: ", "") for line in lines if not line.endswith("-- 14"))
    return "\n".join(older)


def read_live(row: Cells, pid: int, mask: Callable[[str], str]) -> Live:
    """The answer to `look_sql(pid)` as values; texts of queries are masked."""
    (
        waiting,
        edges,
        sessions,
        gid,
        waiters,
        oldest,
        holds,
        new,
        pages,
        wal,
        progress,
        backup,
        deadlock,
        works,
        standby,
        waited,
    ) = row
    known = {session["pid"]: session for session in json.loads(sessions or "[]")}
    order = in_the_way(pid, [(one, other) for one, other in json.loads(edges or "[]")])
    phase, percent = json.loads(progress) if progress else ("", None)
    running = json.loads(backup) if backup else None
    return Live(
        waiting=waiting == "t",
        blockers=tuple(_blocker(known.get(pid, {"pid": pid}), depth, gid, mask) for pid, depth in order),
        waiters=int(waiters or 0),
        oldest_wait_ms=None if oldest is None else int(oldest),
        holds=_strongest(json.loads(holds or "[]")),
        new_relation=new == "t",
        pages=None if pages is None else int(pages),
        wal=None if wal is None else int(wal),
        phase=phase or "",
        percent=None if percent is None else float(percent),
        backup=(running[0], running[1]) if running else None,
        deadlock_timeout_ms=_milliseconds(deadlock or "1s"),
        works=works == "t",
        standby=standby == "t",
        waited_ms=None if waited is None else int(waited),
    )


def in_the_way(us: int, edges: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """(pid, depth) of everybody ahead of us, depth first, each where it is nearest to us. `edges` are (waits, for).

    The tree of a long queue has more paths than anybody can count (everyone waits for all before), so nobody is shown
    twice.
    """
    blocked_by: dict[int, list[int]] = {}
    for pid, blocker in edges:
        blocked_by.setdefault(pid, []).append(blocker)
    depths = {us: -1}
    rows = [us]
    for pid in rows:
        for blocker in blocked_by.get(pid, ()):
            if blocker not in depths:
                depths[blocker] = depths[pid] + 1
                rows.append(blocker)
    parents = {b: pid for pid in reversed(rows) for b in blocked_by.get(pid, ()) if depths[b] == depths[pid] + 1}
    found: list[tuple[int, int]] = []
    stack = [pid for pid in reversed(rows) if depths[pid] == 0]
    while stack:
        pid = stack.pop()
        found.append((pid, depths[pid]))
        stack += [b for b in reversed(blocked_by.get(pid, [])) if parents.get(b) == pid and depths[b] > depths[pid]]
    return found


def _blocker(session: dict[str, object], depth: int, gid: str | None, mask: Callable[[str], str]) -> SeenBlocker:
    def text(key: str) -> str | None:
        value = session.get(key)
        return None if value is None else str(value)

    pid = int(str(session["pid"]))
    query = text("query") or ""
    hidden = query == HIDDEN
    application = text("application") or ""
    since = session.get("since_ms")
    # Of another role's worker only this much is everybody's: that it vacuums, and that nobody has logged in there.
    vacuum = text("type") == "autovacuum worker" or (hidden and bool(session.get("vacuum")) and text("user") is None)
    ours = application.startswith("pgmig/")
    return SeenBlocker(
        pid=pid,
        depth=depth,
        started=text("started"),
        user=text("user") or "",
        application=application,
        state=text("state"),
        since_ms=None if since is None else int(str(since)),
        query="" if hidden else mask(query)[:_SHOWN],
        hidden=hidden,
        prepared=gid if pid == 0 else None,
        wraparound="to prevent wraparound" in query if query.startswith("autovacuum:") else None,
        vacuum=vacuum,
        ours=ours,
        sqitch=bool(session.get("key")) and not ours,
    )


_MODES = (
    "AccessShareLock", "RowShareLock", "RowExclusiveLock", "ShareUpdateExclusiveLock", "ShareLock",
    "ShareRowExclusiveLock", "ExclusiveLock", "AccessExclusiveLock",
)  # fmt: skip
_STRENGTH = {mode: number for number, mode in enumerate(_MODES)}


def _strongest(held: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    strongest: dict[str, str] = {}
    for relation, mode in held:
        if _STRENGTH.get(mode, 0) >= _STRENGTH.get(strongest.get(relation, ""), -1):
            strongest[relation] = mode
    return tuple(sorted(strongest.items(), key=lambda one: (-_STRENGTH.get(one[1], 0), one[0])))


def _milliseconds(setting: str) -> int:
    """A time setting as SHOW prints it: 1s, 750ms, 2min."""
    for unit, factor in (("ms", 1), ("min", 60_000), ("s", 1000), ("h", 3_600_000), ("d", 86_400_000)):
        if setting.endswith(unit):
            return int(setting.removesuffix(unit)) * factor
    return int(setting)
