"""What is seen of a run of another account or host: what has changed from one look to the next, as events and in words.

The events are told as those of a journal are, so that `--json-lines` and the lines of a terminal tell the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pgmig_tui.database.foreign import RunRow, RunSession, Sighting
from pgmig_tui.database.holder import LockHolder
from pgmig_tui.display import words
from pgmig_tui.display.activity import Activity, Hold
from pgmig_tui.display.cells import Line, Role, Span, line
from pgmig_tui.display.safe import safe
from pgmig_tui.run.journal.entry import Entry
from pgmig_tui.run.journal.lines import RunLines
from pgmig_tui.run.process.watcher import told as blocker

if TYPE_CHECKING:
    from pgmig_tui.database.live import Live

OLD_MS = 10_000
"""A heartbeat comes every two seconds; older than this it is told to be old."""

_ENDS: dict[int | None, str] = {0: "done", 1: "a step failed", 3: "refused or stopped", 4: "in doubt"}
_DONE = {"deploy": "deployed", "revert": "reverted", "fail": "FAILED", "merge": "merged"}


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSeen:
    """The first look.

    environment: the environment's name
    holder: who holds Sqitch's lock on the database; null = nobody
    holder_told: it in words
    row: what the run itself wrote last; null = nothing
    sessions: its sessions
    deployed: how many changes the registry has; null = it can't be read
    last: the last of them
    events: events of the registry since the run began
    unseen: what can't be seen here, and what would help
    """

    environment: str
    holder: LockHolder | None
    holder_told: str
    row: RunRow | None
    sessions: tuple[RunSession, ...]
    deployed: int | None
    last: str
    events: int
    unseen: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LockSeen:
    """The lock was taken or given back.

    holder: who holds it, in words; null = nobody
    """

    holder: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Unseen:
    """Something else can't be seen.

    unseen: what can't be seen here, and what would help
    """

    unseen: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class HeartbeatOld:
    """The run hasn't written for a while.

    heartbeat_ms: since when, by the server's clock
    """

    heartbeat_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HeartbeatAgain:
    """It writes again.

    heartbeat_ms: since when, by the server's clock
    """

    heartbeat_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryRecorded:
    """The registry has a new event.

    action: deploy, revert, fail or merge
    change: the change's name
    recorded_at: when
    """

    action: str
    change: str
    recorded_at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunGone:
    """The end that was seen.

    seen: finished (the run said so) or gone
    exit_status: that of the command; null = it isn't said anywhere
    deployed: how many changes the registry has; null = it can't be read
    last: the last of them
    events: events of the registry since the run began
    heartbeat_ms: age of the run's last heartbeat; null = it has none
    """

    seen: str
    exit_status: int | None
    deployed: int | None
    last: str
    events: int
    heartbeat_ms: int | None


LiveEvent = RunSeen | LockSeen | Unseen | RunRow | HeartbeatOld | HeartbeatAgain | RegistryRecorded | RunGone | Activity
"""`run_heard` is what the run itself wrote last."""

NAMES: Mapping[type, str] = {
    RunSeen: "run_seen", LockSeen: "lock_seen", Unseen: "unseen", RunRow: "run_heard", HeartbeatOld: "heartbeat_old",
    HeartbeatAgain: "heartbeat_again", RegistryRecorded: "registry_recorded", RunGone: "run_gone",
    Activity: "activity",
}  # fmt: skip
"""What each is called in a line."""


class Changes:
    """Of each look only what is new since the last one."""

    def __init__(self, environment: str) -> None:
        self._environment = environment
        self._seen: Sighting | None = None
        self._told = 0
        self._old_ms = OLD_MS
        self._activity: Activity | None = None

    def add(self, seen: Sighting) -> list[LiveEvent]:
        """Events, in order; none when nothing has changed."""
        before, self._seen = self._seen, seen
        events: list[LiveEvent] = []
        if before is None:
            events.append(self._all(seen))
        else:
            if (before.holder is None) != (seen.holder is None):
                events.append(LockSeen(holder=str(seen.holder) if seen.holder is not None else None))
            if seen.unseen != before.unseen:
                events.append(Unseen(unseen=seen.unseen))
            if seen.row is not None and _doing(seen.row) != (_doing(before.row) if before.row else None):
                events.append(seen.row)
        events += self._heartbeat(seen)
        new = seen.recorded[max(0, len(seen.recorded) - max(0, seen.events - self._told)) :]
        events += [RegistryRecorded(action=one.event, change=one.change, recorded_at=one.at) for one in new]
        self._told = max(self._told, seen.events)
        if seen.live is not None:
            now = activity(seen.live)
            ageless = tuple(replace(one, since_ms=None) for one in now.blockers)
            key = replace(now, oldest_wait_ms=None, percent=None, blockers=ageless)
            if key != self._activity and (now.waiting or now.phase or now.waiters or self._activity):
                events.append(now)
            self._activity = key
        return events

    def _heartbeat(self, seen: Sighting) -> list[LiveEvent]:
        """An old heartbeat is told of at each doubling of its age, and once when there is a new one."""
        row = seen.row
        if row is None or row.finished:
            return []
        if row.heartbeat_ms >= self._old_ms:
            while self._old_ms <= row.heartbeat_ms:
                self._old_ms *= 2
            return [HeartbeatOld(heartbeat_ms=row.heartbeat_ms)]
        if row.heartbeat_ms < OLD_MS < self._old_ms:
            self._old_ms = OLD_MS
            return [HeartbeatAgain(heartbeat_ms=row.heartbeat_ms)]
        return []

    def _all(self, seen: Sighting) -> RunSeen:
        return RunSeen(
            environment=self._environment,
            holder=seen.holder,
            holder_told=str(seen.holder) if seen.holder else "",
            row=seen.row,
            sessions=seen.sessions,
            deployed=seen.deployed,
            last=seen.last,
            events=seen.events,
            unseen=seen.unseen,
        )


def ended(seen: Sighting) -> RunGone:
    """The last event: which end was seen, and what the registry says now."""
    row = seen.row
    finished = row is not None and row.finished
    return RunGone(
        seen="finished" if finished else "gone",
        exit_status=row.exit_status if row is not None and finished else None,
        deployed=seen.deployed,
        last=seen.last,
        events=seen.events,
        heartbeat_ms=row.heartbeat_ms if row is not None else None,
    )


def activity(live: Live) -> Activity:
    """What a statement is at, as the journal's `activity` has it."""
    return Activity(
        waiting=live.waiting,
        phase=live.phase,
        percent=live.percent,
        blockers=tuple(map(blocker, live.blockers[:50])),
        holds=tuple(Hold(relation, mode) for relation, mode in live.holds[:50]),
        waiters=live.waiters,
        oldest_wait_ms=live.oldest_wait_ms,
        hidden=live.hidden,
    )


def _doing(row: RunRow) -> tuple[object, ...]:
    return (row.state, row.step, row.change, row.place, row.exit_status)


# -- in words ------------------------------------------------------------------------------------------------------


class ForeignLines:
    """Turns these events into lines."""

    def __init__(self) -> None:
        self._activity = RunLines("it")

    def add(self, at: str, event: LiveEvent) -> list[Line]:
        """All are safe to print."""
        if isinstance(event, Activity):
            return self._activity.add(Entry(0, at, "", event))
        return [line((words.time_of_day(at), "muted"), "  ", *spans) for spans in _told(event)]


def _told(event: LiveEvent) -> list[Line]:
    match event:
        case RunSeen():
            return _seen(event)
        case LockSeen(holder=None):
            return [line(("  ", "plain"), "the lock is free")]
        case LockSeen():
            return [line(("~ ", "waiting"), f"the lock is held by {safe(event.holder or '')}")]
        case Unseen():
            return [line(("? ", "stale"), safe(one)) for one in event.unseen]
        case HeartbeatOld():
            return [line(("? ", "stale"), (life_words(event.heartbeat_ms), "stale"))]
        case HeartbeatAgain():
            return [line(("> ", "running"), "its heartbeat is back")]
        case RegistryRecorded():
            failed = event.action == "fail"
            done = _DONE.get(event.action, safe(event.action))
            role: Role = "failed" if failed else "done"
            return [line(("x " if failed else "+ ", role), f"{safe(event.change)} ", (done, role))]
        case RunGone():
            return _gone(event)
        case Activity():
            return []
        case row:
            return [line(("~ ", "waiting") if row.state == "paused" else ("> ", "running"), doing_words(row))]


def _seen(seen: RunSeen) -> list[Line]:
    lines = []
    if seen.row is not None:
        lines.append(line(("> ", "running"), who_words(seen.row)))
        lines.append(line(("  ", "plain"), doing_words(seen.row)))
    held = line(("  ", "plain"), "the lock is held by ", safe(seen.holder_told))
    lines.append(held if seen.holder_told else line(("~ ", "waiting"), "nobody holds the lock"))
    lines += [line(("  ", "plain"), session_words(one)) for one in seen.sessions]
    lines.append(line(("  ", "plain"), registry_words(seen)))
    return lines + [line(("? ", "stale"), safe(one)) for one in seen.unseen]


def _gone(end: RunGone) -> list[Line]:
    status = end.exit_status
    good = status == 0
    mark: Span = ("+ ", "done") if good else ("? " if status is None else "x ", "failed")
    return [
        line(mark, (end_words(end), "strong")),
        line(("  ", "plain"), registry_words(end)),
    ]


def who_words(row: RunRow) -> str:
    """Such as `run … of maria@db1: deploy of 3 changes of shop on production, by Maria <…>, since …`."""
    steps = words.count(row.steps, "step")
    return safe(
        f"run {row.run_id} of {row.os_user}@{row.host}: {row.command}, {steps}, project {row.project} on"
        f" {row.environment}, by {row.operator} as role {row.role}, since {words.utc(row.started_at)}"
    )


def doing_words(row: RunRow) -> str:
    """Where it was at its last heartbeat."""
    if row.state == "finished":
        return safe(f"it has ended: exit status {row.exit_status}, {_ENDS.get(row.exit_status, 'failed')}")
    what = f"step {row.step} of {row.steps}, {row.change}" if row.step else "before its first step"
    place = f", {row.place}" if row.place else ""
    statement = f": {' '.join(row.statement.split())}" if row.statement else ""
    head = "paused after " if row.state == "paused" else ""
    return safe(f"{head}{what}{place}{statement}")


def life_words(heartbeat_ms: int) -> str:
    """An old heartbeat is just that: nobody here knows whether the run is dead, stopped or cut off."""
    return f"last heartbeat {words.ago(heartbeat_ms / 1000)}"


def session_words(one: RunSession) -> str:
    """One session of the run."""
    application = one.application
    part = application.rpartition("/")[2] if application.startswith("pgmig/") else application
    name = {"control": "control, which holds the lock", "watch": "its watch"}.get(part, part)
    name = f"step {part}" if part.isdigit() else name
    if one.hidden:
        did = "what it does is hidden from this role"
    else:
        did = one.state or "state unknown"
        did += f", transaction open {words.duration(one.xact_ms)}" if one.xact_ms is not None else ""
        did += f", waits for {one.waits_for}" if one.state == "active" and one.waits_for else ""
    where = f" from {one.client}" if one.client else ""
    return safe(f"process {one.pid} ({name}), user {one.user or '?'}{where}: {did}")


def registry_words(seen: RunSeen | RunGone) -> str:
    """What the registry says."""
    if seen.deployed is None:
        return "what the registry says can't be seen here"
    last = f", the last is {seen.last}" if seen.last else ""
    since = f"; {words.count(seen.events, 'event')} since the run began" if seen.events else ""
    return safe(f"the registry: {words.count(seen.deployed, 'change')} deployed{last}{since}")


def end_words(end: RunGone) -> str:
    """Which end was seen."""
    if end.seen == "finished":
        status = end.exit_status
        return f"the run has recorded its end: exit status {status}, {_ENDS.get(status, 'failed')}"
    life = f", {life_words(end.heartbeat_ms)}" if end.heartbeat_ms is not None else ""
    return f"it holds the lock no longer and its sessions are gone; how it ended isn't said anywhere here{life}"
