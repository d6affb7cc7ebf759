"""What goes on around the statement that runs, as the journal's `activity` tells it, in words.

Plain values from events of any version: what a reader can't find there is unknown, never assumed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from pgmig_tui.display import words
from pgmig_tui.display.cells import Line, Role, Span, cut, wrap
from pgmig_tui.display.safe import safe

BAR = 24
"""Cells of a progress bar."""


@dataclass(frozen=True, slots=True)
class Blocker:
    """A session that the statement waits for. None stands for what this role may not see.

    pid: the server's process; 0 = a prepared transaction
    started: when the session began; with `pid` it says which one it is
    user: its role
    application: its application_name
    state: what it is doing, as pg_stat_activity has it
    since_ms: age of its transaction
    query: its statement, the last one where it is idle
    depth: 0 = it is waited for directly, 1 = by one of those, …
    prepared: name of a prepared transaction
    wraparound: whether an autovacuum prevents wraparound; null = no autovacuum, or hidden
    ours: it is a session of this program
    sqitch: it holds Sqitch's key, or waits for it
    hidden: this role may not see what it does
    """

    pid: int
    started: str = ""
    user: str = ""
    application: str = ""
    state: str = ""
    since_ms: float | None = None
    query: str = ""
    depth: int = 0
    prepared: str | None = None
    wraparound: bool | None = None
    ours: bool = False
    sqitch: bool = False
    hidden: bool = False

    @property
    def name(self) -> str:
        """Such as `pid 777 (reporting)`."""
        if self.prepared is not None or not self.pid:
            return f"the prepared transaction {safe(self.prepared or '?')}"
        if self.wraparound is not None:
            return f"pid {self.pid} (autovacuum)"
        known = self.application or self.user
        return f"pid {self.pid} ({safe(known)})" if known else f"pid {self.pid}"

    @property
    def fixed(self) -> str:
        """Why it can't be cancelled or terminated; "" when it can, as far as is known."""
        if self.prepared is not None or not self.pid:
            return "a prepared transaction has no session; COMMIT PREPARED or ROLLBACK PREPARED ends it"
        return "it is a session of this run" if self.ours else ""

    def about(self) -> Span:
        """What it's at, after its name."""
        age = f", open {words.duration(self.since_ms)}" if self.since_ms is not None else ""
        if self.prepared is not None:
            return f"prepared{age}; only COMMIT or ROLLBACK PREPARED ends it", "failed"
        if self.wraparound is not None:
            if self.wraparound:
                return f"prevents wraparound and gives way to nobody{age}", "failed"
            return "gives way after deadlock_timeout", "waiting"
        if self.hidden:
            return "what it does is hidden from this role", "stale"
        who = f"user {safe(self.user)}, " if self.user and self.application else ""
        extra = "; a sqitch" if self.sqitch else "; ours" if self.ours else ""
        return f"{who}{safe(self.state or 'state unknown')}{age}{extra}", "waiting"


@dataclass(frozen=True, slots=True)
class Hold:
    """A lock that the run holds.

    relation: on what
    mode: its mode, as pg_locks has it
    """

    relation: str
    mode: str


@dataclass(frozen=True, slots=True)
class Activity:
    """What goes on around the statement that runs.

    step: which step
    line: line of the statement; null = unknown
    elapsed_ms: how long it has been running
    waiting: it waits for a lock
    phase: what it is doing, as the server's progress views tell it
    percent: how much of that phase is done
    about: `percent` is estimated
    blockers: the sessions that it waits for
    holds: the locks that it holds
    waiters: how many sessions wait for it
    oldest_wait_ms: how long the longest of them has waited
    hidden: how many sessions this role may not see
    note: what else a person should know
    """

    step: int = 0
    line: int | None = None
    elapsed_ms: float | None = None
    waiting: bool = False
    phase: str = ""
    percent: float | None = None
    about: bool = False
    blockers: tuple[Blocker, ...] = ()
    holds: tuple[Hold, ...] = ()
    waiters: int = 0
    oldest_wait_ms: float | None = None
    hidden: int = 0
    note: str = ""

    def aged(self, ms: float) -> Activity:
        """The same, `ms` later: the transactions of the blockers have aged. (Of those who wait it is told anew every
        second.)"""
        return replace(self, blockers=aged(self.blockers, ms))

    def waits_for(self) -> str:
        """Such as `pid 777 (reporting) and 2 others`; "" when nobody is known."""
        return named(self.blockers)

    def progress(self) -> str:
        """Such as `building index: about 62 %`; "" when nothing is known."""
        if self.percent is None:
            return safe(self.phase)
        share = f"{'about ' if self.about else ''}{self.percent:.0f} %"
        return f"{safe(self.phase)}: {share}" if self.phase else share

    def behind(self, whom: str = "us") -> str:
        """Who waits for us, or for whoever else this is of; "" when nobody does."""
        if not self.waiters:
            return ""
        verb = "waits" if self.waiters == 1 else "wait"
        oldest = f", the longest for {words.duration(self.oldest_wait_ms)}" if self.oldest_wait_ms is not None else ""
        return f"{words.count(self.waiters, 'session')} {verb} behind {whom}{oldest}"


def named(blockers: Sequence[Blocker]) -> str:
    """Such as `pid 777 (reporting) and 2 others`, rather others' sessions than ours; "" when there is none."""
    root = next((one for one in blockers if not one.ours), blockers[0] if blockers else None)
    if root is None:
        return ""
    rest = len({(one.pid, one.prepared) for one in blockers if not one.ours}) - 1
    return f"{root.name} and {words.count(rest, 'other')}" if rest > 0 else root.name


def aged(blockers: Sequence[Blocker], ms: float) -> tuple[Blocker, ...]:
    """The same, `ms` later: their transactions have aged."""
    return tuple(one if one.since_ms is None else replace(one, since_ms=one.since_ms + ms) for one in blockers)


def bar(percent: float, columns: int = BAR) -> Line:
    """A bar of `columns` cells in ASCII."""
    full = max(0, min(columns, round(percent / 100 * columns)))
    return (("[", "muted"), ("#" * full, "running"), ("." * (columns - full), "muted"), ("]", "muted"))


def progress_line(activity: Activity, columns: int) -> Line:
    """The bar where a percentage is known, and the words."""
    if activity.percent is None:
        return ((f" phase: {cut(activity.progress(), columns - 8)}", "running"),)
    cells = min(BAR, max(8, columns - len(activity.progress()) - 5))
    told = cut(activity.progress(), columns - cells - 5)
    return ((" ", "plain"), *bar(activity.percent, cells), (f" {told}", "running"))


def blocker_lines(blockers: Sequence[Blocker], columns: int, *, queries: bool = True) -> list[Line]:
    """The tree: each session with what it's at, folded to `columns`, and below it its query on one line."""
    lines: list[Line] = []
    for one in blockers:
        indent = f" {'  ' * (one.depth - 1)}└ " if one.depth else " "
        under = " " * (len(indent) + 2)
        role: Role = "failed" if one.wraparound or one.prepared is not None else "strong"
        told, told_role = one.about()
        head = f"{indent}{one.name}"
        if len(head) + len(told) + 2 <= columns:
            lines.append(((head, role), (f"  {told}", told_role)))
        else:
            lines.append(((cut(head, columns), role),))
            lines += wrap(told, columns, told_role, indent=under)
        if queries and one.query and not one.hidden and one.prepared is None:
            lines.append(((cut(under + safe(" ".join(one.query.split())), columns), "muted"),))
    return lines


def holds_words(activity: Activity, limit: int = 4) -> str:
    """The locks that the run holds, strongest names as PostgreSQL writes them in its documentation."""
    return words.listing([f"{mode_words(one.mode)} {safe(one.relation)}" for one in activity.holds], limit)


def mode_words(mode: str) -> str:
    """`AccessExclusiveLock` of pg_locks as `ACCESS EXCLUSIVE`; other texts come back as they are, safe."""
    name = mode.removesuffix("Lock")
    if not name.isalpha() or name.isupper():
        return safe(mode)
    return "".join(f" {letter}" if letter.isupper() else letter for letter in name).strip().upper()


def unseen_words(activity: Activity) -> str:
    """What this role could not see; "" when nothing is known to be hidden."""
    if not activity.hidden:
        return ""
    if any(one.hidden for one in activity.blockers):  # which they are stands there
        return f"pg_read_all_stats would show what {words.count(activity.hidden, 'session does', 'sessions do')}"
    return f"{words.count(activity.hidden, 'session')} can't be seen by this role (pg_read_all_stats would show them)"
