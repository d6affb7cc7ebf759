"""What is seen of a run of another account or host: what has changed from one look to the next, as events and in words.

The events are plain data, as those of a journal are, so that `--json-lines` and the lines of a terminal tell the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from pgmig_tui.display import words
from pgmig_tui.display.cells import Line, Role, line
from pgmig_tui.display.run_lines import RunLines
from pgmig_tui.display.safe import safe

if TYPE_CHECKING:
    from pgmig_tui.database.foreign import RunRow, Sighting
    from pgmig_tui.database.live import Live

OLD_MS = 10_000
"""A sign of life comes every two seconds; older than this it is told to be old."""

Event = tuple[str, dict[str, Any]]

_ENDS = {0: "done", 1: "a step failed", 3: "refused or stopped", 4: "in doubt"}
_DONE = {"deploy": "deployed", "revert": "reverted", "fail": "FAILED", "merge": "merged"}


class Changes:
    """Of each look only what is new since the last one."""

    def __init__(self, environment: str) -> None:
        self._environment = environment
        self._seen: Sighting | None = None
        self._told = 0
        self._old_ms = OLD_MS
        self._activity: dict[str, Any] | None = None

    def add(self, seen: Sighting) -> list[Event]:
        """Events, in order; none when nothing has changed."""
        before, self._seen = self._seen, seen
        events: list[Event] = []
        if before is None:
            events.append(("run_seen", self._all(seen)))
        else:
            if (before.holder is None) != (seen.holder is None):
                events.append(("lock_seen", {"holder": str(seen.holder) if seen.holder is not None else None}))
            if seen.unseen != before.unseen:
                events.append(("unseen", {"unseen": list(seen.unseen)}))
            if seen.row is not None and _doing(seen.row) != (_doing(before.row) if before.row else None):
                events.append(("run_heard", asdict(seen.row)))
        events += self._heartbeat(seen)
        new = seen.recorded[max(0, len(seen.recorded) - max(0, seen.events - self._told)) :]
        events += [
            ("registry_recorded", {"action": one.event, "change": one.change, "recorded_at": one.at}) for one in new
        ]
        self._told = max(self._told, seen.events)
        if seen.live is not None:
            told = activity(seen.live)
            key = {name: value for name, value in told.items() if name not in ("oldest_wait_ms", "percent")}
            for one in key["blockers"]:
                one.pop("since_ms", None)
            if key != self._activity and (told["waiting"] or told["phase"] or told["waiters"] or self._activity):
                events.append(("activity", activity(seen.live)))
            self._activity = key
        return events

    def _heartbeat(self, seen: Sighting) -> list[Event]:
        """An old sign of life is told of at each doubling of its age, and once when there is a new one."""
        row = seen.row
        if row is None or row.finished:
            return []
        if row.heartbeat_ms >= self._old_ms:
            while self._old_ms <= row.heartbeat_ms:
                self._old_ms *= 2
            return [("heartbeat_old", {"heartbeat_ms": row.heartbeat_ms})]
        if row.heartbeat_ms < OLD_MS < self._old_ms:
            self._old_ms = OLD_MS
            return [("heartbeat_again", {"heartbeat_ms": row.heartbeat_ms})]
        return []

    def _all(self, seen: Sighting) -> dict[str, Any]:
        return {
            "environment": self._environment,
            "holder": asdict(seen.holder) if seen.holder is not None else None,
            "holder_told": str(seen.holder) if seen.holder is not None else "",
            "row": asdict(seen.row) if seen.row is not None else None,
            "sessions": [asdict(one) for one in seen.sessions],
            "deployed": seen.deployed,
            "last": seen.last,
            "events": seen.events,
            "unseen": list(seen.unseen),
        }


def ended(seen: Sighting) -> Event:
    """The last event: which end was seen, and what the registry says now."""
    row = seen.row
    finished = row is not None and row.finished
    return "run_gone", {
        "seen": "finished" if finished else "gone",
        "exit_status": row.exit_status if row is not None and finished else None,
        "deployed": seen.deployed,
        "last": seen.last,
        "events": seen.events,
        "heartbeat_ms": row.heartbeat_ms if row is not None else None,
    }


def activity(live: Live) -> dict[str, Any]:
    """What a statement is at, as the journal's `activity` has it."""
    return {
        "waiting": live.waiting,
        "phase": live.phase,
        "percent": live.percent,
        "blockers": [asdict(one) for one in live.blockers[:50]],
        "holds": [{"relation": relation, "mode": mode} for relation, mode in live.holds[:50]],
        "waiters": live.waiters,
        "oldest_wait_ms": live.oldest_wait_ms,
        "hidden": live.hidden,
    }


def _doing(row: RunRow) -> tuple[object, ...]:
    return (row.state, row.step, row.change, row.place, row.exit_status)


# -- in words ------------------------------------------------------------------------------------------------------


class ForeignLines:
    """Turns these events into lines."""

    def __init__(self) -> None:
        self._activity = RunLines("it")

    def add(self, name: str, at: str, data: Mapping[str, Any]) -> list[Line]:
        """All are safe to print."""
        if name == "activity":
            return self._activity.add(name, at, data)
        tell = getattr(self, f"_{name}", None)
        return (
            [line((words.time_of_day(at), "muted"), "  ", *spans) for spans in tell(data)] if tell is not None else []
        )

    def _run_seen(self, data: Mapping[str, Any]) -> list[Line]:
        lines = []
        if row := data["row"]:
            lines.append(line(("> ", "running"), who_words(row)))
            lines.append(line(("  ", "plain"), doing_words(row)))
        holder = data["holder_told"]
        lines.append(
            line(("  ", "plain"), "the lock is held by ", safe(holder))
            if holder
            else line(("~ ", "waiting"), "nobody holds the lock")
        )
        lines += [line(("  ", "plain"), session_words(one)) for one in data["sessions"]]
        lines.append(line(("  ", "plain"), registry_words(data)))
        return lines + self._unseen(data)

    def _unseen(self, data: Mapping[str, Any]) -> list[Line]:
        return [line(("? ", "stale"), safe(one)) for one in data["unseen"]]

    def _lock_seen(self, data: Mapping[str, Any]) -> list[Line]:
        if data["holder"] is None:
            return [line(("  ", "plain"), "the lock is free")]
        return [line(("~ ", "waiting"), f"the lock is held by {safe(str(data['holder']))}")]

    def _run_heard(self, data: Mapping[str, Any]) -> list[Line]:
        paused = data["state"] == "paused"
        return [line(("~ ", "waiting") if paused else ("> ", "running"), doing_words(data))]

    def _heartbeat_old(self, data: Mapping[str, Any]) -> list[Line]:
        return [line(("? ", "stale"), (life_words(data["heartbeat_ms"]), "stale"))]

    def _heartbeat_again(self, data: Mapping[str, Any]) -> list[Line]:
        return [line(("> ", "running"), "it gives signs of life again")]

    def _registry_recorded(self, data: Mapping[str, Any]) -> list[Line]:
        failed = data["action"] == "fail"
        done = _DONE.get(str(data["action"]), safe(str(data["action"])))
        role: Role = "failed" if failed else "done"
        return [line(("x " if failed else "+ ", role), f"{safe(str(data['change']))} ", (done, role))]

    def _run_gone(self, data: Mapping[str, Any]) -> list[Line]:
        status = data["exit_status"]
        good = status == 0
        told = end_words(data)
        return [
            line(("+ " if good else "? " if status is None else "x ", "done" if good else "failed"), (told, "strong")),
            line(("  ", "plain"), registry_words(data)),
        ]


def who_words(row: Mapping[str, Any]) -> str:
    """Such as `run … of maria@db1: deploy of 3 changes of shop on production, by Maria <…>, since …`."""
    steps = words.count(int(row["steps"]), "step")
    return safe(
        f"run {row['run_id']} of {row['os_user']}@{row['host']}: {row['command']}, {steps}, project {row['project']} on"
        f" {row['environment']}, by {row['operator']} as role {row['role']}, since {words.utc(row['started_at'])}"
    )


def doing_words(row: Mapping[str, Any]) -> str:
    """Where it was at its last sign of life."""
    if row["state"] == "finished":
        return safe(f"it has ended: exit status {row['exit_status']}, {_ENDS.get(row['exit_status'], 'failed')}")
    what = f"step {row['step']} of {row['steps']}, {row['change']}" if row["step"] else "before its first step"
    place = f", {row['place']}" if row["place"] else ""
    statement = f": {' '.join(row['statement'].split())}" if row["statement"] else ""
    head = "paused after " if row["state"] == "paused" else ""
    return safe(f"{head}{what}{place}{statement}")


def life_words(heartbeat_ms: int) -> str:
    """An old sign of life is just that: nobody here knows whether the run is dead, stopped or cut off."""
    return f"last sign of life {words.ago(heartbeat_ms / 1000)}"


def session_words(one: Mapping[str, Any]) -> str:
    """One session of the run."""
    application = str(one["application"])
    part = application.rpartition("/")[2] if application.startswith("pgmig/") else application
    name = {"control": "control, which holds the lock", "watch": "its watch"}.get(part, part)
    name = f"step {part}" if part.isdigit() else name
    if one["hidden"]:
        did = "what it does is hidden from this role"
    else:
        did = str(one["state"] or "state unknown")
        did += f", transaction open {words.duration(one['xact_ms'])}" if one["xact_ms"] is not None else ""
        did += f", waits for {one['waits_for']}" if one["state"] == "active" and one["waits_for"] else ""
    where = f" from {one['client']}" if one["client"] else ""
    return safe(f"process {one['pid']} ({name}), user {one['user'] or '?'}{where}: {did}")


def registry_words(data: Mapping[str, Any]) -> str:
    """What the registry says."""
    if data["deployed"] is None:
        return "what the registry says can't be seen here"
    last = f", the last is {data['last']}" if data["last"] else ""
    since = f"; {words.count(data['events'], 'event')} since the run began" if data["events"] else ""
    return safe(f"the registry: {words.count(data['deployed'], 'change')} deployed{last}{since}")


def end_words(data: Mapping[str, Any]) -> str:
    """Which end was seen."""
    if data["seen"] == "finished":
        status = data["exit_status"]
        return f"the run has said its end: exit status {status}, {_ENDS.get(status, 'failed')}"
    life = f", {life_words(data['heartbeat_ms'])}" if data["heartbeat_ms"] is not None else ""
    return f"it holds the lock no longer and its sessions are gone; how it ended isn't said anywhere here{life}"
