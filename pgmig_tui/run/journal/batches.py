"""A data migration in batches as its events tell it: how far it is, how fast, and what it gives way to. Pure."""

from __future__ import annotations

from collections import deque
from datetime import datetime

from pgmig_tui.display import words
from pgmig_tui.display.cells import Line, line
from pgmig_tui.display.safe import safe
from pgmig_tui.run.journal.entry import Entry
from pgmig_tui.run.journal.events import (
    BackfillDone,
    BatchDone,
    BatchRetried,
    BatchThrottled,
    CommandReceived,
    PaceChanged,
    RunPaused,
    RunResumed,
    StepStarted,
)

_WINDOW_S = 15.0
"""The rate is that of the last seconds."""
_LINE_EVERY_S = 5.0
"""How often a line of plain output tells of the progress."""


class Progress:
    """So far. `total` rows are changed, `seen` rows of the table passed, of about `about_total` (-1 = unknown).

    `throttled` says what is given way to, "" nothing; `held` that the next batch waits for its end. `lost` is the last
    lost try of the batch that runs.
    """

    def __init__(self) -> None:
        self.table = ""
        self.about_total = -1
        self.total = self.seen = self.batches = 0
        self.size = 0
        self.last_ms = 0.0
        self.last_key: list[str] = []
        self.level = 0
        self.aim_ms = 0
        self.rest = 0.0
        self.throttled = ""
        self.held = False
        self.held_ms = 0.0
        self.throttles: dict[str, int] = {}
        self.lost: BatchRetried | None = None
        self.retries = 0
        self.paused = False
        self.left: int | None = None
        self.done = False
        self._passed: deque[tuple[float, int]] = deque()

    def add(self, entry: Entry) -> bool:
        """Take one more event in; whether it was one of batches."""
        match entry.event:
            case StepStarted(mode="batches") as begun:
                self.table = begun.table or ""
                self.total, self.seen = begun.rows or 0, begun.seen or 0
                self.about_total = -1 if begun.about_total is None else begun.about_total
                self._pace(begun.level or 0, begun.aim_ms or 0, begun.rest or 0.0, begun.size)
                self._pass(entry.at)
            case BatchDone() as done:
                self.total, self.seen, self.batches = done.total, done.seen, done.batch
                self.size = done.next_size or done.size
                self.last_ms, self.last_key = done.ms, list(done.last_key)
                self.lost = None
                self._pass(entry.at)
            case BatchThrottled() as given:
                self.held = not given.over and not given.slower
                self.held_ms = given.wait_ms
                self.throttled = "" if given.over else given.reason
                if given.reason and not given.over:
                    self.throttles[given.reason] = self.throttles.get(given.reason, 0) + 1
            case BatchRetried() as lost:
                self.lost, self.retries, self.size = lost, self.retries + 1, lost.size
            case PaceChanged() as pace:
                self._pace(pace.level, pace.aim_ms, pace.rest, pace.size)
            case RunPaused() | RunResumed() as event:
                self.paused = isinstance(event, RunPaused)
                self._passed.clear()
                self._pass(entry.at)
            case BackfillDone() as end:
                self.done, self.left, self.total = True, end.left, end.rows
                self.throttled, self.held = "", False
            case _:
                return False
        return True

    @property
    def share(self) -> float | None:
        """How much of the table is passed, 0 to 1; below 1 it is an estimate. None where the size is unknown."""
        if self.done:
            return 1.0
        return min(self.seen / self.about_total, 0.99) if self.about_total > 0 else None

    @property
    def rate(self) -> float | None:
        """Rows of the table a second, of late."""
        if len(self._passed) < 2:
            return None
        (first, before), (last, now) = self._passed[0], self._passed[-1]
        return (now - before) / (last - first) if last > first else None

    @property
    def left_s(self) -> float | None:
        """About how many seconds are left, at the present rate."""
        rate = self.rate
        if not rate or self.about_total <= 0 or self.done:
            return None
        return max(0.0, self.about_total - self.seen) / rate

    @property
    def pace_words(self) -> str:
        """`usual pace: 200 ms a batch, then 50 ms rest`, `2 steps faster: …`"""
        rest = f"then {words.duration(self.aim_ms * self.rest)} rest" if self.rest else "no rest between"
        if not self.level:
            return f"usual pace: {words.duration(self.aim_ms)} a batch, {rest}"
        steps = words.count(abs(self.level), "step")
        way = "faster" if self.level > 0 else "slower"
        return f"{steps} {way}: {words.duration(self.aim_ms)} a batch, {rest}"

    def summary(self) -> str:
        """One line: `about 35 %, 140,000 rows, 21.3k rows/s, about 12 s left`."""
        share, rate, left = self.share, self.rate, self.left_s
        parts = [f"about {share * 100:.0f} %" if share is not None else "", words.count(self.total, "row")]
        parts.append(f"{words.about(rate)} rows/s" if rate else "")
        parts.append(f"about {words.duration(left * 1000)} left" if left is not None else "")
        return ", ".join(part for part in parts if part)

    def _pace(self, level: int, aim_ms: int, rest: float, size: int | None) -> None:
        self.level, self.aim_ms, self.rest = level, aim_ms, rest
        self.size = self.size if size is None else size

    def _pass(self, at: str) -> None:
        moment = _seconds(at)
        if moment is None:
            return
        self._passed.append((moment, self.seen))
        while len(self._passed) > 2 and moment - self._passed[0][0] > _WINDOW_S:
            self._passed.popleft()


class BatchLines:
    """The events of batches in lines of plain output; the many `batch_done` only now and then."""

    def __init__(self) -> None:
        self._progress = Progress()
        self._told_s = 0.0

    def add(self, entry: Entry) -> list[Line] | None:
        """The lines of one event, None for one that isn't of batches."""
        now, event = self._progress, entry.event
        if isinstance(event, CommandReceived) and event.command in ("faster", "slower"):
            return []  # pace_changed follows, and says it better
        if not now.add(entry):
            return None
        match event:
            case BatchDone():
                moment = _seconds(entry.at) or 0.0
                if moment - self._told_s < _LINE_EVERY_S:
                    return []
                self._told_s = moment
                return [line(("  ", "plain"), (now.summary(), "running"), (f", {now.size:,} rows a batch", "muted"))]
            case BatchThrottled():
                return _throttled(event)
            case BatchRetried():
                lost = f"try {event.number} of {event.of} is lost"
                after = words.duration(event.wait_ms)
                rest = f": {safe(event.why)}; the next with {now.size:,} rows in {after}"
                return [line(("~ ", "waiting"), (lost, "waiting"), rest)]
            case PaceChanged():
                return [line(("  ", "plain"), now.pace_words)]
            case BackfillDone():
                return self._end(event)
        return None

    def _end(self, event: BackfillDone) -> list[Line]:
        now = self._progress
        done = f"{words.count(now.total, 'row')} changed in {words.count(now.batches, 'batch', 'batches')}"
        lines = [line(("+ ", "done"), (done, "strong"), f"; this run took {words.duration(event.ms)}")]
        if now.left:
            left = f"{words.count(now.left, 'row')} left to do, by the declared condition"
            lines.append(line(("! ", "waiting"), left))
        elif now.left == 0:
            lines.append(line(("+ ", "done"), "no row is left to do, by the declared condition"))
        if event.analyzed:
            lines.append(line(("+ ", "done"), f"analysed {safe(now.table)}"))
        return lines


def _throttled(event: BatchThrottled) -> list[Line]:
    reason, waited = safe(event.reason), words.duration(event.wait_ms)
    if event.over:
        return [line(("> ", "running"), f"going on after {waited}: no longer so that {reason}")]
    if event.slower:
        return [line(("~ ", "waiting"), ("slower", "waiting"), f": {reason}")]
    since = f" (for {waited})" if event.wait_ms >= 1000 else ""
    return [line(("~ ", "waiting"), ("holding", "waiting"), f": {reason}{since}")]


def _seconds(at: str) -> float | None:
    try:
        return datetime.fromisoformat(at).timestamp()
    except ValueError:
        return None
