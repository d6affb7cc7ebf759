"""Right now: who is in the way of the locks that scripts want on an environment, and how busy its tables are.

Everything is as of one moment. What this role may not see is said to be unknown, never taken for nothing.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from pgmig_tui.database.activity import Now, RelationLock, ServerSession, Traffic, read_now
from pgmig_tui.database.connect import ServerError, guard_sql
from pgmig_tui.display import words
from pgmig_tui.display.cells import Line, Role, line
from pgmig_tui.display.safe import safe
from pgmig_tui.impact.facts import Name
from pgmig_tui.impact.modes import SUE, LockMode
from pgmig_tui.impact.needed import WantedLock
from pgmig_tui.impact.needed import wanted_by as wanted_by_name

if TYPE_CHECKING:
    from pgmig_tui.database.connect import Connection
    from pgmig_tui.impact.result import ScriptImpact

__all__ = [
    "Rate",
    "RightNow",
    "SessionAhead",
    "WantedLock",
    "ask",
    "compose",
    "doing",
    "read",
    "read_twice",
    "wanted_by",
    "who",
]

SAMPLE_S = 1.0
"""So long at least lies between two readings of the counters: backends hand theirs in once a second."""
BUSY = 10.0
"""Scans or written rows a second from which a table is called busy."""
OLD_S = 5.0
"""Transactions that are younger are not worth a line."""
LISTED = 5
_NOTHING = Now()


@dataclass(frozen=True, slots=True)
class SessionAhead:
    """Somebody who stands before us at a relation."""

    wanted: WantedLock
    lock: RelationLock

    @property
    def sentence(self) -> str:
        """Such as `would queue behind pid 777 (reporting), idle in transaction for 14 min 20 s`."""
        conflicts = LockMode.from_pg_name(self.lock.mode) in self.wanted.mode.conflicts
        verb = "would queue behind" if conflicts else "would wait, keeping nobody out, for"
        return f"{verb} {who(self.lock.session, self.lock.prepared)}, {doing(self.lock)}"

    @property
    def lasting(self) -> bool:
        """It doesn't come and go, as the short transactions do of which a busy table always has some."""
        session = self.lock.session
        short = session.xact_s is not None and session.xact_s < OLD_S
        return self.stubborn and (self.lock.prepared is not None or not self.lock.granted or not short)

    @property
    def stubborn(self) -> bool:
        """Not an autovacuum that gives way by itself."""
        return self.lock.wraparound is not False


@dataclass(frozen=True, slots=True)
class Rate:
    """What happens to a relation in a second."""

    scans: float
    rows_read: float
    rows_written: float

    @property
    def busy(self) -> bool:
        return self.scans >= BUSY or self.rows_written >= BUSY


@dataclass(frozen=True, slots=True)
class RightNow:
    """What two readings say about the locks that are wanted. `problem`: why nothing could be read."""

    environment: str
    asked_at: datetime
    wanted: tuple[WantedLock, ...] = ()
    now: Now = _NOTHING
    ahead: tuple[SessionAhead, ...] = ()
    rates: tuple[tuple[Name, Rate], ...] = ()
    problem: str = ""

    def lines(self) -> list[Line]:
        """What there is to say, a line each: who is in the way, long transactions, busy tables, what is unknown."""
        return _lines(self)

    def to_json(self) -> dict[str, Any]:
        """The field `now` of `impact --json`: null is what this role can't see; `hidden_sessions` are how many."""
        return _to_json(self)


def wanted_by(impacts: Iterable[ScriptImpact]) -> tuple[WantedLock, ...]:
    """The locks on relations that are known to the server: of a name without its schema nothing can be told."""
    return tuple(one for one in wanted_by_name(impacts) if one.name.schema)


def read(connection: Connection, wanted: Sequence[WantedLock]) -> Now:
    """One reading, under the guards of a watch (which the connection keeps). Raises ServerError, ConnectionLost."""
    connection.execute(guard_sql("watch", 150, connection.server_version_num))
    return read_now(connection, [one.name for one in wanted])


def read_twice(
    connection: Connection, environment: str, wanted: Sequence[WantedLock], first: Now | None = None
) -> RightNow:
    """Two readings with a second between them, so that rates can be told. Raises ServerError, ConnectionLost."""
    first = first or read(connection, wanted)
    if first.traffic:
        time.sleep(SAMPLE_S)
    return compose(environment, wanted, read(connection, wanted) if first.traffic else first, first)


def ask(connection: Connection, environment: str, impacts: Iterable[ScriptImpact]) -> RightNow:
    """What goes on around the relations of scripts. A server that refuses to tell is a problem that is said.

    One reading is enough where rates would tell nothing: nobody's writes would wait, or nobody uses the tables.
    """
    wanted = wanted_by(impacts)
    try:
        first = read(connection, wanted)
        used = any(one.scans or one.rows_read or one.rows_written for one in first.traffic)
        if not used or not any(one.mode.blocks_writes for one in wanted):
            return compose(environment, wanted, first)
        return read_twice(connection, environment, wanted, first)
    except ServerError as error:
        return RightNow(environment, datetime.now(UTC), problem=error.message)


def compose(environment: str, wanted: Sequence[WantedLock], now: Now, before: Now | None = None) -> RightNow:
    """Who stands in the way, and the rates since an earlier reading, if it's old enough."""
    earlier = {(one.schema, one.relation): one for one in before.traffic} if before is not None else {}
    rates = []
    for one in now.traffic:
        rate = _rate(earlier.get((one.schema, one.relation)), one)
        if rate is not None:
            rates.append((Name(one.schema, one.relation), rate))
    return RightNow(environment, datetime.now(UTC), tuple(wanted), now, tuple(_ahead(wanted, now)), tuple(rates))


def _ahead(wanted: Sequence[WantedLock], now: Now) -> Iterator[SessionAhead]:
    locks: dict[Name, list[RelationLock]] = {}
    for lock in now.locks:
        locks.setdefault(Name(lock.schema, lock.relation), []).append(lock)
    for one in wanted:
        seen: set[tuple[int, str | None]] = set()
        for lock in locks.get(one.name, ()):
            mode = LockMode.from_pg_name(lock.mode)
            key = (lock.session.pid, lock.prepared)
            if key not in seen and one.waits_behind(mode):
                seen.add(key)
                yield SessionAhead(one, lock)


def _rate(before: Traffic | None, after: Traffic) -> Rate | None:
    if before is None or after.at - before.at < SAMPLE_S * 0.9 or None in (before.scans, after.scans):
        return None
    seconds = after.at - before.at

    def per_second(one: float | None, other: float | None) -> float:
        return max(0.0, ((other or 0) - (one or 0)) / seconds)

    return Rate(
        per_second(before.scans, after.scans),
        per_second(before.rows_read, after.rows_read),
        per_second(before.rows_written, after.rows_written),
    )


def who(session: ServerSession, prepared: str | None = None) -> str:
    """Such as `pid 777 (reporting)`; the application, or else the user."""
    if prepared is not None or not session.pid:
        return f"the prepared transaction {prepared or '?'} of {session.user or '?'}"
    name = session.application or session.user
    if session.backend_type == "autovacuum worker":
        name = "autovacuum"
    return f"pid {session.pid} ({name})" if name else f"pid {session.pid}"


def doing(lock: RelationLock) -> str:
    """What the holder of a lock, or one who waits for it, is at."""
    session = lock.session
    if lock.wraparound is not None:
        if lock.wraparound:
            return "which vacuums to prevent wraparound and gives way to nobody"
        return "which gives way after deadlock_timeout"
    if session.hidden:
        vacuum = not session.user and lock.mode == SUE.pg_name
        guess = ": it may be a vacuum that gives way to nobody" if vacuum else ""
        return f"holding {_mode(lock)}; what it does is unknown to this role{guess}"
    if not lock.granted:
        waited = f" for {words.duration(lock.waiting_s * 1000)}" if lock.waiting_s is not None else ""
        return f"waiting for {_mode(lock)}{waited}"
    if not session.pid:
        return f"open for {_age(session.xact_s)}"
    if session.state == "active":
        running = f"active for {_age(session.state_s)}"
        opened = session.xact_s or 0
        return f"{running} in a transaction of {_age(opened)}" if opened > (session.state_s or 0) + 1 else running
    return f"{session.state or 'in an unknown state'} for {_age(session.state_s)}"


def _mode(lock: RelationLock) -> str:
    return LockMode.from_pg_name(lock.mode).sql_name


def _age(seconds: float | None) -> str:
    return words.duration(seconds * 1000) if seconds is not None else "a time unknown to this role"


def _lines(found: RightNow) -> list[Line]:
    if found.problem:
        return [line(("? ", "stale"), ("unknown: ", "stale"), safe(found.problem))]
    told: list[Line] = []
    sessions: dict[tuple[int, str | None], list[SessionAhead]] = {}
    for ahead in found.ahead:
        sessions.setdefault((ahead.lock.session.pid, ahead.lock.prepared), []).append(ahead)
    for one, *others in list(sessions.values())[:LISTED]:
        role: Role = "failed" if one.stubborn else "waiting"
        lock = f"{one.wanted.mode.sql_name} on {one.wanted.name}"
        lock += f" and {words.count(len(others), 'other')}" if others else ""
        told.append(line(("x ", role), safe(f"{lock} {one.sentence}")))
        if one.lock.session.query and not one.lock.session.hidden and one.stubborn:
            told.append(line("    ", (safe(" ".join(one.lock.session.query.split()))[:160], "muted")))
    if len(sessions) > LISTED:
        told.append(line(("x ", "failed"), f"and behind {words.count(len(sessions) - LISTED, 'other session')}"))
    if not found.ahead and found.wanted:
        told.append(line(("+ ", "done"), "nobody stands in the way of these locks"))
    told += [line(("! ", "waiting"), text) for text in _long_transactions(found)]
    if found.now.hidden:
        hidden = words.count(found.now.hidden, "session")
        told.append(line(("? ", "stale"), f"unknown: the transactions of {hidden} (pg_read_all_stats would show them)"))
    return told + [_table_line(one, dict(found.rates)) for one in found.now.traffic[: LISTED * 2]]


def _long_transactions(found: RightNow) -> Iterator[str]:
    named = {one.lock.session.pid for one in found.ahead}
    for session in found.now.transactions[:3]:
        if (session.xact_s or 0) >= OLD_S and session.pid not in named:
            state = safe(session.state or "at work")
            yield f"{safe(who(session))}: transaction open for {_age(session.xact_s)}, {state}"


def size_words(one: Traffic) -> str:
    """How large a table was when it was last analysed."""
    if one.rows < 0:
        return "never analysed, rows and size unknown"
    size = f", {words.size(one.bytes)}" if one.bytes is not None else ""
    return f"about {words.about(one.rows)} rows{size}"


def _table_line(one: Traffic, rates: dict[Name, Rate]) -> Line:
    name = Name(one.schema, one.relation)
    told = f"{safe(str(name))}: {size_words(one)}"
    rate = rates.get(name)
    if rate is None:
        return line("  ", told)
    traffic = f"{_number(rate.scans)} scans/s, {_number(rate.rows_read)} rows read/s, "
    traffic += f"{_number(rate.rows_written)} rows written/s"
    if rate.busy:
        return line(("! ", "waiting"), told, (", BUSY: ", "waiting"), traffic)
    return line("  ", told, (f", {traffic}", "muted"))


def _number(value: float) -> str:
    return f"{value:.1f}" if 0 < value < 10 else words.about(value)


def _to_json(found: RightNow) -> dict[str, Any]:
    rates = dict(found.rates)
    sizes = {Name(one.schema, one.relation): one for one in found.now.traffic}
    return {
        "environment": found.environment,
        "asked_at": words.iso(found.asked_at),
        "problem": found.problem or None,
        "relations": [
            _relation_json(one, sizes.get(one.name), rates.get(one.name), found.ahead) for one in found.wanted
        ],
        "transactions": [_session_json(session) for session in found.now.transactions],
        "hidden_sessions": found.now.hidden,
    }


def _relation_json(
    one: WantedLock, size: Traffic | None, rate: Rate | None, ahead: Sequence[SessionAhead]
) -> dict[str, Any]:
    return {
        "schema": one.name.schema,
        "relation": one.name.relation,
        "wanted": one.mode.pg_name,
        "rows": size.rows if size else None,
        "bytes": size.bytes if size else None,
        "per_second": None
        if rate is None
        else {
            "scans": round(rate.scans, 2),
            "rows_read": round(rate.rows_read, 2),
            "rows_written": round(rate.rows_written, 2),
        },
        "busy": rate.busy if rate else None,
        "behind": [
            {
                **_session_json(other.lock.session),
                "mode": other.lock.mode,
                "granted": other.lock.granted,
                "waiting_s": other.lock.waiting_s,
                "wraparound": other.lock.wraparound,
                "prepared": other.lock.prepared,
                "sentence": other.sentence,
            }
            for other in ahead
            if other.wanted is one
        ],
    }


def _session_json(session: ServerSession) -> dict[str, Any]:
    return {
        "pid": session.pid,
        "user": session.user,
        "application": session.application,
        "client": session.client,
        "backend_type": session.backend_type,
        "state": session.state,
        "state_s": session.state_s,
        "transaction_s": session.xact_s,
        "started": session.started,
        "query": None if session.hidden else session.query,
    }
