"""Reading what a statement really did: its locks from a second session, by oid; files, rows and names from its own.

A join with pg_class in the running session would lose every relation that the statement has just dropped, and would add
locks of its own. So oids come from a second session, and names from a snapshot of before.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, replace

from pgmig_tui.database.connect import Connection
from pgmig_tui.database.text import ident
from pgmig_tui.database.wire import Exchange, Waiter, Wire
from pgmig_tui.errors import PgmigError
from pgmig_tui.impact.facts import Name
from pgmig_tui.impact.modes import LockMode
from pgmig_tui.rehearse.measured import Measured, MeasuredLock, RowWork
from pgmig_tui.rehearse.scratch import ScratchServer

# What is sent in a script's session has its operators qualified: on its search_path a stranger's may come first.
# Text of such a session comes in its client encoding: only what is ASCII is sure to be read right.
_NAMES = """SELECT c.oid, {schema}, {name}, c.relkind, c.relfilenode
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
WHERE c.oid OPERATOR(pg_catalog.>=) 16384 AND n.nspname OPERATOR(pg_catalog.!~) '^pg_toast'
 AND n.nspname OPERATOR(pg_catalog.<>) 'information_schema'"""
_SCHEMA = "CASE WHEN n.nspname OPERATOR(pg_catalog.~) '^pg_temp' THEN 'pg_temp' ELSE n.nspname END"
_HEX = "pg_catalog.encode(pg_catalog.convert_to(({})::pg_catalog.text, 'UTF8'), 'hex')"

# Of this transaction and its subtransactions: on a copy nobody else makes transactions, and none is old.
_CHANGED = """ AND c.xmin::pg_catalog.text::bigint OPERATOR(pg_catalog.>=)
 (pg_catalog.pg_current_xact_id_if_assigned()::pg_catalog.text::numeric OPERATOR(pg_catalog.%) 4294967296)::bigint"""
_GONE = """SELECT o FROM pg_catalog.unnest('{{{oids}}}'::pg_catalog.oid[]) o
WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.oid OPERATOR(pg_catalog.=) o)"""

_WORK = """SELECT * FROM (SELECT c.oid, pg_catalog.pg_stat_get_xact_numscans(c.oid) AS s,
 pg_catalog.pg_stat_get_xact_tuples_returned(c.oid) AS r, pg_catalog.pg_stat_get_xact_tuples_inserted(c.oid) AS i,
 pg_catalog.pg_stat_get_xact_tuples_updated(c.oid) AS u, pg_catalog.pg_stat_get_xact_tuples_deleted(c.oid) AS d
FROM pg_catalog.pg_class c WHERE c.oid OPERATOR(pg_catalog.>=) 16384
 AND c.relkind OPERATOR(pg_catalog.=) ANY ('{r,m,p}'::pg_catalog."char"[])) x
WHERE GREATEST(s, r, i, u, d) OPERATOR(pg_catalog.>) 0"""

_LOCKS = """SELECT relation::bigint, mode, granted FROM pg_catalog.pg_locks
WHERE pid = %s AND mode <> 'SIReadLock' AND (NOT granted OR (locktype = 'relation' AND relation >= 16384
  AND database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())))"""
_WAL = "SELECT pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_insert_lsn(), '0/0')::bigint"

_POLL_MS = 1
_BLOCK_S = 2.0
"""How long a deliberate blocker waits for the statement to reach it."""
_INDEXES = frozenset({"i", "I"})

Held = set[tuple[int, LockMode]]
Work = dict[int, tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class Known:
    """A relation as a snapshot of pg_class has it; `file` is 0 for what has none."""

    name: Name
    kind: str
    file: int


class Observer:
    """The second session, and two more that stand in a statement's way so that its short phases can be seen."""

    def __init__(self, scratch: ScratchServer, database: str) -> None:
        self._opened: Connection | None = None
        self._scratch = scratch
        self._database = database
        self._blockers: list[Connection] = []

    @property
    def connection(self) -> Connection:
        """For facts and fingerprints, between two statements. It is opened when it is needed: of a database in which
        somebody has a session no copy can be made."""
        if self._opened is None:
            self._opened = self._scratch.session(self._database, "observer")
        return self._opened

    def names(self) -> dict[int, Known]:
        """Every committed relation."""
        sql = _NAMES.format(schema=_SCHEMA, name="c.relname")
        return {
            int(oid): Known(Name(schema, name), str(kind), int(file))
            for oid, schema, name, kind, file in self.connection.execute(sql)
        }

    def locks(self, pid: int) -> tuple[Held, Held, bool]:
        """Locks on user relations that are granted, those awaited, and whether anything is waited for."""
        granted: Held = set()
        awaited: Held = set()
        waiting = False
        for oid, mode, has in self.connection.execute(_LOCKS, [pid]):
            waiting = waiting or not has
            if oid is not None and oid >= 16384:
                (granted if has else awaited).add((oid, LockMode.from_pg_name(mode)))
        return granted, awaited, waiting

    def wal(self) -> int | None:
        try:
            row = self.connection.one(_WAL)
        except PgmigError:
            return None
        return int(row[0]) if row else None

    def block(self, names: Iterable[Name]) -> None:
        """Stand in the way: first of every lock from SHARE UPDATE EXCLUSIVE on, then of waiting for writers."""
        wanted = list(names)
        for mode in ("SHARE UPDATE EXCLUSIVE", "ROW EXCLUSIVE"):
            blocker = self._scratch.session(self._database, "blocker")
            blocker.execute("BEGIN; SET LOCAL lock_timeout = '100ms'")
            for name in wanted:
                blocker.execute("SAVEPOINT one")
                try:
                    blocker.execute(f"LOCK TABLE ONLY {ident(name.schema)}.{ident(name.relation)} IN {mode} MODE")
                except PgmigError:
                    blocker.execute("ROLLBACK TO SAVEPOINT one")  # an index, or a kind that LOCK doesn't take
            self._blockers.append(blocker)

    def give_way(self, *, entirely: bool = False) -> bool:
        """Let one blocker go, or all. False when there was none."""
        there = bool(self._blockers)
        for blocker in self._blockers[: None if entirely else 1]:
            blocker.close()
        del self._blockers[: None if entirely else 1]
        return there

    def close(self) -> None:
        self.give_way(entirely=True)
        if self._opened is not None:
            self._opened.close()


class PollingWaiter(Waiter):
    """Waits for the running session and, while it is given something to `poll`, does that every millisecond."""

    def __init__(self) -> None:
        super().__init__()
        self.sampler: Sampler | None = None

    def wait(self, fd: int, timeout_ms: int | None = None) -> bool:
        if self.sampler is None:
            return super().wait(fd, timeout_ms)
        self.sampler.look()
        return super().wait(fd, _POLL_MS)


class Sampler:
    """What a second session sees of a statement that can't run inside a transaction."""

    def __init__(self, observer: Observer, pid: int) -> None:
        self._observer = observer
        self._pid = pid
        self.seen: Held = set()
        self._deadline = time.monotonic() + _BLOCK_S

    def look(self) -> None:
        granted, awaited, waiting = self._observer.locks(self._pid)
        self.seen |= granted | awaited
        if waiting or time.monotonic() > self._deadline:
            # Whatever it waits for is one of ours: nobody else is here.
            self._observer.give_way()
            self._deadline = time.monotonic() + _BLOCK_S


@dataclass(slots=True)
class StateBefore:
    """The state before one statement."""

    held: Held
    work: Work
    wal: int | None


class Meter:
    """Measures the statements of one script. `base` is what was there before the script: all else it made itself."""

    def __init__(self, observer: Observer) -> None:
        self.observer = observer
        self.base = observer.names()
        self.known = dict(self.base)

    # -- in a transaction --------------------------------------------------------------------------------------

    def before(self, wire: Wire) -> StateBefore:
        return StateBefore(self.observer.locks(wire.pid)[0], _work(wire), self.observer.wal())

    def after(self, wire: Wire, before: StateBefore, exchange: Exchange) -> Measured:
        """Read the open transaction of `wire` after its statement has succeeded."""
        wal = self.observer.wal()
        granted = self.observer.locks(wire.pid)[0]
        taken = granted - before.held
        known = self.known
        strong = any(mode >= LockMode.SHARE for _, mode in granted)
        now = known
        if strong or any(oid not in known for oid, _ in taken):
            now = _names(wire, known, {oid for oid, mode in granted if mode == LockMode.ACCESS_EXCLUSIVE})
        rows = self._rows(before.work, _work(wire), now)
        return self._measured(taken, before, exchange.ms, wal, known, now, rows, "in its transaction")

    # -- outside of one ----------------------------------------------------------------------------------------

    def alone(self, wire: Wire, before: StateBefore, sampler: Sampler, exchange: Exchange) -> Measured:
        """After a statement that ran outside of any transaction: what was seen of it meanwhile."""
        wal = self.observer.wal()
        now = self.observer.names()
        # What it waited for or held for a moment without a name (the new heap of a rewrite) is gone again.
        found = self._measured(sampler.seen, before, exchange.ms, wal, self.known, now, (), "while it ran")
        return replace(found, held={})

    def forget(self) -> None:
        """A transaction was rolled back: names are as they were committed."""
        self.known = self.observer.names()

    def _measured(
        self,
        taken: Held,
        before: StateBefore,
        ms: float,
        wal: int | None,
        known: dict[int, Known],
        now: dict[int, Known],
        rows: tuple[RowWork, ...],
        seen: str,
    ) -> Measured:
        strongest: dict[int, LockMode] = {}
        for oid, mode in taken:
            strongest[oid] = max(mode, strongest.get(oid, mode))
        locks = []
        for oid, mode in strongest.items():
            relation = known.get(oid) or now.get(oid)
            if relation is not None:
                locks.append(MeasuredLock(relation.name, relation.kind, mode, oid not in self.base))
        held: dict[Name, set[LockMode]] = {}
        for oid, mode in before.held:
            if oid in known:
                held.setdefault(known[oid].name, set()).add(mode)
        changed = (
            [
                old
                for oid, old in known.items()
                if (new := now.get(oid)) is not None and old.file != new.file and new.file and oid in self.base
            ]
            if now is not known
            else []
        )
        again = self._made_again(now)
        self.known = now
        return Measured(
            seen="while it ran" if seen == "while it ran" else "in its transaction",
            locks=tuple(sorted(locks, key=lambda lock: (-lock.mode, lock.name))),
            held={name: frozenset(modes) for name, modes in held.items()},
            rewrites=tuple(sorted(old.name for old in changed if old.kind not in _INDEXES)),
            rebuilds=tuple(sorted({*(old.name for old in changed if old.kind in _INDEXES), *again})),
            rows=rows,
            wal_bytes=None if wal is None or before.wal is None else wal - before.wal,
            ms=ms,
        )

    def _made_again(self, now: dict[int, Known]) -> set[Name]:
        """Indexes that were dropped and made again under their own names, as for a column that gets another type."""
        if now is self.known:
            return set()
        gone = {old.name for oid, old in self.known.items() if old.kind in _INDEXES and oid not in now}
        return gone & {new.name for oid, new in now.items() if new.kind in _INDEXES and oid not in self.known}

    def _rows(self, before: Work, after: Work, now: dict[int, Known]) -> tuple[RowWork, ...]:
        found = []
        for oid, counts in after.items():
            gained = [new - old for new, old in zip(counts, before.get(oid, (0,) * len(counts)), strict=True)]
            relation = now.get(oid) or self.known.get(oid)
            if relation is not None and any(gain > 0 for gain in gained):
                scans, read, inserted, updated, deleted = gained
                found.append(RowWork(relation.name, scans, read, inserted, updated, deleted, oid not in self.base))
        return tuple(sorted(found, key=lambda rows: rows.name))


def _names(wire: Wire, known: dict[int, Known], locked: set[int]) -> dict[int, Known]:
    """Every relation that the running transaction sees: those `known`, and what it has changed.

    What it has dropped is among the `locked`.
    """
    oids = ",".join(map(str, sorted(locked)))
    gone = {int(oid or 0) for (oid,) in wire.run(_GONE.format(oids=oids).encode(), row_limit=None).last.rows}
    now = {oid: relation for oid, relation in known.items() if oid not in gone}
    sql = _NAMES.format(schema=_HEX.format(_SCHEMA), name=_HEX.format("c.relname")) + _CHANGED
    for oid, schema, name, kind, file in wire.run(sql.encode(), row_limit=None).last.rows:
        now[int(oid or 0)] = Known(Name(_unhex(schema), _unhex(name)), kind or "", int(file or 0))
    return now


def _work(wire: Wire) -> Work:
    found: Work = {}
    for oid, *counts in wire.run(_WORK.encode(), row_limit=None).last.rows:
        numbers = tuple(int(count or 0) for count in counts)
        if any(numbers):
            found[int(oid or 0)] = numbers
    return found


def _unhex(text: str | None) -> str:
    return bytes.fromhex(text or "").decode("utf-8", "replace")
