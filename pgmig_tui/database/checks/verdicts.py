"""What the rows of a check mean. Pure: rows in, verdict out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from pgmig_tui.database.identity import refusal
from pgmig_tui.display import words
from pgmig_tui.impact.modes import LockMode

if TYPE_CHECKING:
    from pgmig_tui.database.identity import ServerIdentity
    from pgmig_tui.impact.needed import WantedLock

Row = dict[str, Any]
Rows = Sequence[Row]

RUN_SESSIONS = 3
"""A run's: step, control and watch."""
ABOUT_TABLES = frozenset({"blockers", "autovacuum"})
"""Checks that mean nothing when no table is affected."""
ABOUT_LOCKS = frozenset({"blockers", "autovacuum", "prepared_transactions"})
"""Checks whose rows are locks of others; only those that are in the way of ours count."""

_MONITOR = "to see it: GRANT pg_monitor"


@dataclass(frozen=True, slots=True)
class Thresholds:
    """When to warn and when to fail; seconds, bytes, percent."""

    transaction_s: float = 60
    blocker_s: float = 5
    lag_warn_s: float = 5
    lag_fail_s: float = 60
    lag_warn_bytes: float = 64 * 1024**2
    lag_fail_bytes: float = 1024**3
    slot_warn_bytes: float = 1024**3
    connections_percent: float = 85
    freeze_percent: float = 95
    wraparound_warn_percent: float = 50
    wraparound_fail_percent: float = 80
    skew_s: float = 2


@dataclass(frozen=True, slots=True)
class CheckVerdict:
    state: Literal["PASS", "WARN", "FAIL", "UNKNOWN", "N-A"]
    summary: str


def in_the_way(rows: Rows, wanted: Sequence[WantedLock]) -> list[dict[str, Any]]:
    """The rows that say of each lock whether ours would wait for it (`blocks`), by PostgreSQL's conflict matrix, and
    which lock of ours that is (`ours`). Rows of no lock on an affected relation stay as they are."""
    found = []
    for row in rows:
        number, mode = row.get("number"), row.get("mode")
        if number is None or mode is None:
            found.append({**row, "blocks": False, "ours": ""})
            continue
        one = wanted[number - 1]
        found.append({**row, "blocks": one.waits_behind(LockMode.from_pg_name(mode)), "ours": one.mode.pg_name})
    return found


def server(identity: ServerIdentity, pinned: str | None, limits: Thresholds) -> CheckVerdict:
    where = f"PostgreSQL {identity.version}, database {identity.database}, as {identity.role}"
    if pinned is not None and identity.system_identifier is None:
        return CheckVerdict("UNKNOWN", f"{where}: its system identifier is hidden from this role")
    refused = refusal(identity, pinned)
    if refused is not None:
        return CheckVerdict("FAIL", refused[0])
    if abs(identity.clock_skew_s) > limits.skew_s:
        return CheckVerdict("WARN", f"{where}: its clock is {identity.clock_skew_s:+.1f} s from ours")
    return CheckVerdict("PASS", where)


def long_transactions(rows: Rows, limits: Thresholds) -> CheckVerdict:
    old = [row for row in rows if row["pid"] is not None and row["xact_s"] is not None]
    old = [row for row in old if row["xact_s"] > limits.transaction_s]
    hidden = sum(1 for row in rows if row["hidden"])
    if old:
        first = old[0]
        who = f"process {first['pid']} ({first['application'] or first['role'] or 'no name'}, {first['state']})"
        more = f" and {len(old) - 1} more" if len(old) > 1 else ""
        return CheckVerdict("WARN", f"{who} for {_seconds(first['xact_s'])}{more}")
    if hidden:
        return CheckVerdict("UNKNOWN", f"{words.count(hidden, 'session')} hidden from this role; {_MONITOR}")
    if not all(row["may_see_all"] for row in rows):
        return CheckVerdict("UNKNOWN", f"this role may not see other users' transactions; {_MONITOR}")
    return CheckVerdict("PASS", f"none older than {_seconds(limits.transaction_s)}")


def blockers(rows: Rows, limits: Thresholds) -> CheckVerdict:
    others = [row for row in rows if row["backend_type"] != "autovacuum worker"]
    in_way = [row for row in others if row["blocks"]]
    held = [row for row in in_way if row["granted"]]
    old = [row for row in held if row["prepared"] or (row["xact_s"] or 0) > limits.blocker_s]
    if old:
        first = old[0]
        ours = f"in the way of our {first['ours']}"
        if first["prepared"]:
            return CheckVerdict("FAIL", f"a prepared transaction holds {first['mode']} on {first['relation']}, {ours}")
        who = f"process {first['pid']} ({first['application'] or first['role'] or 'no name'}, {first['state']})"
        processes = len({row["pid"] for row in old})
        more = f"; {processes} sessions in all" if processes > 1 else ""
        held_for = _seconds(first["xact_s"])
        return CheckVerdict("FAIL", f"{who} holds {first['mode']} on {first['relation']} for {held_for}, {ours}{more}")
    unseen = {row["pid"] for row in held if row["xact_s"] is None}
    if unseen:
        return CheckVerdict(
            "UNKNOWN", f"{words.count(len(unseen), 'session')} on them, of an age hidden from us; {_MONITOR}"
        )
    waiting = [row for row in in_way if not row["granted"]]
    if waiting:
        return CheckVerdict("WARN", f"{words.count(len(waiting), 'lock')} awaited on {waiting[0]['relation']}")
    if held:
        return _held_shortly(held, limits)
    if others:
        return CheckVerdict(
            "PASS", f"{words.count(len({row['pid'] for row in others}), 'session')}, none in the way of our locks"
        )
    return CheckVerdict("PASS", "no locks on them")


def _held_shortly(held: Rows, limits: Thresholds) -> CheckVerdict:
    """Locks in our way, none old enough to keep a run from starting: one that will outlast our waiting is no PASS."""
    many = words.count(len({row["pid"] for row in held}), "session")
    first = max(held, key=lambda row: float(row["xact_s"] or 0))
    oldest = float(first["xact_s"] or 0)
    if oldest <= limits.blocker_s / 5:
        return CheckVerdict(
            "PASS", f"{many} in the way of our locks just now, none for {_seconds(limits.blocker_s / 5)}"
        )
    who = f"process {first['pid']} ({first['application'] or first['role'] or 'no name'}, {first['state']})"
    told = f"{who} holds {first['mode']} on {first['relation']} for {_seconds(oldest)}"
    return CheckVerdict("WARN", f"{told}, in the way of our {first['ours']}; {many} in all")


def autovacuum(rows: Rows, limits: Thresholds) -> CheckVerdict:
    rows = [row for row in rows if row["blocks"]]
    stubborn = [row for row in rows if row["wraparound"]]
    if stubborn:
        return CheckVerdict("FAIL", f"a vacuum to prevent wraparound is on {stubborn[0]['relation']}: it doesn't yield")
    if any(row["wraparound"] is None for row in rows):
        return CheckVerdict("UNKNOWN", f"something vacuums or maintains {rows[0]['relation']}; {_MONITOR}")
    if rows:
        return CheckVerdict("WARN", f"an autovacuum is on {rows[0]['relation']}: it yields after deadlock_timeout")
    return CheckVerdict("PASS", "none in the way on the affected tables")


def prepared_transactions(rows: Rows, limits: Thresholds) -> CheckVerdict:
    if not rows:
        return CheckVerdict("PASS", "none")
    in_way = [row for row in rows if row["blocks"]]
    first = (in_way or list(rows))[0]
    named = f'"{first["gid"]}" of {first["role"]}, {_seconds(first["age_s"])} old'
    if in_way:
        return CheckVerdict(
            "FAIL", f"{named}, holds {first['mode']} on {first['relation']}, in the way of {first['ours']}"
        )
    others = len({row["gid"] for row in rows}) - 1
    return CheckVerdict("WARN", f"{named}" + (f" and {others} more" if others else ""))


def replication_lag(rows: Rows, limits: Thresholds) -> CheckVerdict:
    if not rows:
        return CheckVerdict("N-A", "no standby is connected")
    if any(row["hidden"] for row in rows):
        return CheckVerdict("UNKNOWN", f"{words.count(len(rows), 'standby', 'standbys')} of hidden state; {_MONITOR}")
    if any(row["lag_bytes"] is None for row in rows):
        return CheckVerdict("UNKNOWN", "a standby reports no position")
    # A standby whose replay is paused reports no time at all, or that of before: bytes tell of it alone.
    slowest, farthest = max(rows, key=lambda row: row["lag_s"] or 0), max(rows, key=lambda row: row["lag_bytes"])
    seconds, size = slowest["lag_s"] or 0, farthest["lag_bytes"]
    late = seconds > limits.lag_warn_s and (seconds > limits.lag_fail_s or size <= limits.lag_fail_bytes)
    summary = _behind(slowest if late else farthest)
    if seconds > limits.lag_fail_s or size > limits.lag_fail_bytes:
        return CheckVerdict("FAIL", summary)
    if seconds > limits.lag_warn_s or size > limits.lag_warn_bytes:
        return CheckVerdict("WARN", summary)
    return CheckVerdict("PASS", f"{words.count(len(rows), 'standby', 'standbys')}, at most {_bytes(size)} behind")


def _behind(row: Row) -> str:
    """How far one standby is behind: its time is told only where it reports one."""
    time = f"{_seconds(row['lag_s'])} and " if row["lag_s"] else ""
    return f"{row['name']} is {time}{_bytes(row['lag_bytes'])} behind"


def replication_slots(rows: Rows, limits: Thresholds) -> CheckVerdict:
    if not rows:
        return CheckVerdict("PASS", "no slots")
    lost = [row for row in rows if row["wal_status"] in ("unreserved", "lost")]
    if lost:
        return CheckVerdict("FAIL", f"slot {lost[0]['slot']} is {lost[0]['wal_status']}")
    idle = [row for row in rows if not row["active"] and (row["retained_bytes"] or 0) > limits.slot_warn_bytes]
    if idle:
        return CheckVerdict("WARN", f"inactive slot {idle[0]['slot']} keeps {_bytes(idle[0]['retained_bytes'])} of WAL")
    return CheckVerdict("PASS", f"{words.count(len(rows), 'slot')}, none keeps much WAL")


def invalid_indexes(rows: Rows, limits: Thresholds) -> CheckVerdict:
    if not rows:
        return CheckVerdict("PASS", "none")
    on_affected = [row for row in rows if row["on_affected"]]
    first = (on_affected or list(rows))[0]
    building = ", maybe being built" if first["maybe_being_built"] else ""
    more = f" and {len(rows) - 1} more" if len(rows) > 1 else ""
    return CheckVerdict("FAIL" if on_affected else "WARN", f"{first['index']} on {first['relation']}{building}{more}")


def connection_headroom(rows: Rows, limits: Thresholds) -> CheckVerdict:
    row = rows[0]
    room = row["max_connections"] - row["reserved"]
    used = row["used"] or 0
    percent = 100 * used / room if room > 0 else 100
    summary = f"{used} of {room} connections used ({percent:.0f} %)"
    if room - used < RUN_SESSIONS:
        return CheckVerdict("FAIL", f"{summary}: no room for a run's three sessions")
    # Ours, which asks, is among those that are counted, and gone when a run starts; nothing limits a superuser.
    bounds = (("this database", "database_limit", "used_here"), ("this role", "role_limit", "used_by_role"))
    for what, limit, counted in () if row.get("unlimited") else bounds:
        most, there = row[limit], max(0, (row.get(counted) or 0) - 1)
        if most is not None and 0 <= most < there + RUN_SESSIONS:
            told = f"{what} may have {words.count(most, 'connection')}, {there} used"
            return CheckVerdict("FAIL", f"{told}: no room for a run's three sessions")
    return CheckVerdict("WARN" if percent > limits.connections_percent else "PASS", summary)


def dumps(rows: Rows, limits: Thresholds) -> CheckVerdict:
    if rows:
        return CheckVerdict("FAIL", f"process {rows[0]['pid']} ({rows[0]['application']}) still dumps this database")
    return CheckVerdict("PASS", "none")


def archiver(rows: Rows, limits: Thresholds) -> CheckVerdict:
    row = rows[0]
    if row["archive_mode"] == "off":
        return CheckVerdict("N-A", "archive_mode is off")
    if row["failing"]:
        return CheckVerdict("FAIL", f"archiving fails since {row['last_archived'] or 'the beginning'}")
    if row["last_archived"] is None:
        return CheckVerdict("UNKNOWN", "nothing was archived yet")
    return CheckVerdict("PASS", f"last success {row['last_archived']}")


def sync_commit(rows: Rows, limits: Thresholds) -> CheckVerdict:
    row = rows[0]
    if not row["names"]:
        return CheckVerdict("N-A", "no synchronous standby is configured")
    if row["synchronous_commit"] in ("off", "local"):
        return CheckVerdict("N-A", f"synchronous_commit is {row['synchronous_commit']}")
    if not row["may_see"]:
        return CheckVerdict("UNKNOWN", f"this role may not see which standbys are synchronous; {_MONITOR}")
    if row["streaming"] == 0:
        return CheckVerdict("FAIL", "no synchronous standby streams: COMMIT would hang")
    return CheckVerdict(
        "PASS", f"{words.count(row['streaming'], 'synchronous standby', 'synchronous standbys')} streaming"
    )


def wraparound(rows: Rows, limits: Thresholds) -> CheckVerdict:
    database = max((row["percent"] for row in rows if row["kind"] == "database"), default=0.0)
    tables = [row for row in rows if row["kind"] == "table"]
    due = [row for row in tables if row["percent"] > limits.freeze_percent]
    summary = f"the database is at {database:.0f} % of the way"
    if database > limits.wraparound_fail_percent:
        return CheckVerdict("FAIL", summary)
    if database > limits.wraparound_warn_percent:
        return CheckVerdict("WARN", summary)
    if due:
        return CheckVerdict(
            "WARN", f"a vacuum against wraparound is due on {due[0]['name']} ({due[0]['percent']:.0f} %)"
        )
    return CheckVerdict("PASS", summary)


def _seconds(value: float | None) -> str:
    return words.duration(1000 * (value or 0))


def _bytes(value: float | None) -> str:
    return words.size(int(value or 0))
