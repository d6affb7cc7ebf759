"""When what happened in a run, for its pictures: steps, waits for locks, lost tries, pauses and what was measured.

All of it comes from the journal, and moments are milliseconds since its steps began. A session that was in the way is
named as the journal saw it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from pgmig_tui.display import words
from pgmig_tui.display.activity import Activity, named
from pgmig_tui.run.journal.entry import Entry
from pgmig_tui.run.journal.events import (
    BatchDone,
    BatchThrottled,
    LockWaited,
    RunFinished,
    RunPaused,
    RunPlanned,
    RunResumed,
    RunStarted,
    StatementFinished,
    StatementRetried,
)
from pgmig_tui.run.journal.picture import RunPicture, StepPicture, between

Kind = Literal["wait", "try", "pause"]


@dataclass(frozen=True, slots=True)
class RunStretch:
    """From when to when (milliseconds since the start), and what it was, in words that aren't safe to draw."""

    kind: Kind
    begin: float
    end: float
    told: str


@dataclass(frozen=True, slots=True)
class StepCourse:
    """A step that was begun. `end` is that of the journal where the step has none."""

    step: StepPicture
    begin: float
    end: float
    stretches: tuple[RunStretch, ...] = ()


@dataclass(frozen=True, slots=True)
class Series:
    """Something that was measured: (moment, value), None where it wasn't known. `words` says a value with its unit."""

    title: str
    points: tuple[tuple[float, float | None], ...]
    words: Callable[[float], str]


@dataclass(frozen=True, slots=True)
class RunCourse:
    """`began_at` is UTC, `length` in milliseconds."""

    began_at: str
    length: float
    steps: tuple[StepCourse, ...]
    pauses: tuple[RunStretch, ...]
    series: tuple[Series, ...]


@dataclass(slots=True)
class _Making:
    zero: str
    last: float = 0.0
    stretches: dict[int, list[RunStretch]] = field(default_factory=dict)
    pauses: list[RunStretch] = field(default_factory=list)
    pause: tuple[float, str] | None = None
    step: int = 0
    waits_since: float | None = None
    behind: str = ""
    rows: list[tuple[float, float | None]] = field(default_factory=list)
    waiters: list[tuple[float, float | None]] = field(default_factory=list)
    oldest: list[tuple[float, float | None]] = field(default_factory=list)

    def at(self, moment: str) -> float | None:
        return between(self.zero, moment)

    def add(self, entry: Entry) -> None:
        now = self.at(entry.at)
        if now is None:
            return
        now = self.last = max(now, self.last)  # a clock that was set back draws nothing backwards
        match entry.event:
            case Activity() as seen:
                self._activity(seen, now)
            case LockWaited() as waited:
                self._waited(waited, now)
            case StatementRetried() as lost:
                by = named(lost.blockers) or self.behind
                told = f"try {lost.number} of {lost.of} lost at line {lost.line}: {lost.why}"
                told += f", behind {by}" if by else ", nobody was seen in the way"
                since = now if self.waits_since is None else self.waits_since
                self._stretch(lost.step, RunStretch("try", since, now, told))
            case StatementFinished():
                self._won(now)
            case BatchThrottled(over=False) as throttled:
                self._stretch(throttled.step, RunStretch("wait", now, now, f"gave way: {throttled.reason}"))
            case BatchDone() as batch:
                self.rows.append((now, batch.rows / batch.ms * 1000 if batch.ms > 0 else None))
            case RunPaused() as pause:
                self.pause = (now, pause.why or "")
            case RunResumed():
                self.end_pause(now)

    def _activity(self, seen: Activity, now: float) -> None:
        self.waiters.append((now, float(seen.waiters)))
        self.oldest.append((now, seen.oldest_wait_ms if seen.waiters else 0.0))
        if seen.waiting:
            self.step = seen.step
            self.waits_since = now if self.waits_since is None else self.waits_since
            self.behind = named(seen.blockers) or self.behind
        else:
            self._won(now)

    def _won(self, now: float) -> None:
        """A wait is over of which no event says how long it was."""
        if self.waits_since is not None and now > self.waits_since:
            by = f" behind {self.behind}" if self.behind else ""
            about = words.duration(now - self.waits_since)
            self._stretch(self.step, RunStretch("wait", self.waits_since, now, f"waited about {about} for a lock{by}"))
        self.waits_since, self.behind = None, ""

    def _waited(self, waited: LockWaited, now: float) -> None:
        if waited.step is None or waited.ms is None:
            return
        by = f" behind {self.behind}" if self.behind else ""
        what = f" for {waited.relation}" if waited.relation else " for a lock"
        told = f"waited {words.duration(waited.ms)}{what}{by}"
        self._stretch(waited.step, RunStretch("wait", max(now - waited.ms, 0.0), now, told))

    def _stretch(self, step: int, one: RunStretch) -> None:
        self.stretches.setdefault(step, []).append(one)
        self.waits_since, self.behind = None, ""

    def end_pause(self, now: float) -> None:
        if self.pause is not None:
            since, why = self.pause
            told = f"paused for {words.duration(now - since)}{f': {why}' if why else ''}"
            self.pauses.append(RunStretch("pause", since, now, told))
            self.pause = None


def course_of(entries: Iterable[Entry], picture: RunPicture) -> RunCourse:
    """The course of a run by its journal; what follows its end isn't part of it."""
    entries = tuple(entries)
    zero = next((one.at for one in entries if isinstance(one.event, RunStarted)), "")
    zero = zero or next((one.at for one in entries if isinstance(one.event, RunPlanned)), "")
    making = _Making(zero)
    for entry in entries:
        if isinstance(entry.event, RunFinished):
            if not picture.settled_at:
                making.last = max(making.last, making.at(entry.at) or 0.0)
            break
        making.add(entry)
    making.end_pause(making.last)
    steps = []
    for step in picture.steps.values():
        begin = making.at(step.started_at)
        if begin is None:
            continue
        ended = making.at(step.finished_at) if step.finished_at else making.last
        end = max(begin, making.last if ended is None else ended)
        steps.append(StepCourse(step, max(begin, 0.0), max(end, 0.0), tuple(making.stretches.get(step.number, ()))))
    series = (
        Series("sessions waiting behind the run", tuple(making.waiters), lambda n: words.count(round(n), "session")),
        Series("longest wait behind the run", tuple(making.oldest), words.duration),
        Series("rows changed a second", tuple(making.rows), lambda n: f"{words.about(n)} rows/s"),
    )
    length = max([making.last, *(one.end for one in steps)])
    return RunCourse(zero, length, tuple(steps), tuple(making.pauses), tuple(one for one in series if _says(one)))


def _says(series: Series) -> bool:
    """Whether a curve of it says anything: of one that was nothing all the time a sentence says as much."""
    return len(series.points) > 1 and any(value for _, value in series.points)


def thinned(points: Sequence[tuple[float, float | None]], most: int = 300) -> list[tuple[float, float | None]]:
    """At most so many points: of those that fall together the largest, for that is what hurt."""
    if len(points) <= most:
        return list(points)
    found = []
    for number in range(most):
        part = points[number * len(points) // most : (number + 1) * len(points) // most]
        found.append(max(part, key=lambda one: -1.0 if one[1] is None else one[1]))
    return found
