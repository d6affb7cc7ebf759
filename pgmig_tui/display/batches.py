"""A data migration in batches as its events tell it: how far it is, how fast, and what it gives way to. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pgmig_tui.display import words
from pgmig_tui.display.cells import Line, line
from pgmig_tui.display.safe import safe

_WINDOW_S = 15.0
"""The rate is that of the last seconds."""
_LINE_EVERY_S = 5.0
"""How often a line of plain output tells of the progress."""


class Progress:
    """So far. `total` rows are changed, `seen` rows of the table passed, of about `about_total` (-1 = unknown).

    `throttled` says what is given way to, "" nothing; `held` that the next batch waits for its end. `lost` is the last
    lost try of the batch that runs, as its event has it.
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
        self.lost: Mapping[str, Any] | None = None
        self.retries = 0
        self.paused = False
        self.left: int | None = None
        self.done = False
        self._passed: deque[tuple[float, int]] = deque()

    def add(self, name: str, at: str, data: Mapping[str, Any]) -> bool:
        """Take one more event in; whether it was one of batches."""
        match name:
            case "step_started" if data.get("mode") == "batches":
                self.table = str(data.get("table") or "")
                self.total, self.seen = _whole(data.get("rows")), _whole(data.get("seen"))
                self.about_total = _whole(data.get("about_total"), -1)
                self._pace(data)
                self._pass(at)
            case "batch_done":
                self.total, self.seen = _whole(data.get("total")), _whole(data.get("seen"))
                self.batches = _whole(data.get("batch"))
                self.size = _whole(data.get("next_size"), _whole(data.get("size")))
                self.last_ms = float(data.get("ms") or 0)
                self.last_key = [str(value) for value in data.get("last_key") or ()]
                self.lost = None
                self._pass(at)
            case "batch_throttled":
                reason = str(data.get("reason") or "")
                self.held = not data.get("over") and not data.get("slower")
                self.held_ms = float(data.get("wait_ms") or 0)
                self.throttled = "" if data.get("over") else reason
                if reason and not data.get("over"):
                    self.throttles[reason] = self.throttles.get(reason, 0) + 1
            case "batch_retried":
                self.lost, self.retries = data, self.retries + 1
                self.size = _whole(data.get("size"))
            case "pace_changed":
                self._pace(data)
            case "run_paused" | "run_resumed":
                self.paused = name == "run_paused"
                self._passed.clear()
                self._pass(at)
            case "backfill_done":
                self.done = True
                self.left = data.get("left")
                self.total = _whole(data.get("rows"))
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

    def _pace(self, data: Mapping[str, Any]) -> None:
        self.level, self.aim_ms = _whole(data.get("level")), _whole(data.get("aim_ms"))
        self.rest = float(data.get("rest") or 0)
        self.size = _whole(data.get("size"), self.size)

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

    def add_batch(self, name: str, at: str, data: Mapping[str, Any]) -> list[Line] | None:
        """The lines of one event, None for one that isn't of batches."""
        now = self._progress
        if name == "command_received" and data.get("command") in ("faster", "slower"):
            return []  # pace_changed follows, and says it better
        if not now.add(name, at, data):
            return None
        match name:
            case "batch_done":
                moment = _seconds(at) or 0.0
                if moment - self._told_s < _LINE_EVERY_S:
                    return []
                self._told_s = moment
                return [line(("  ", "plain"), (now.summary(), "running"), (f", {now.size:,} rows a batch", "muted"))]
            case "batch_throttled":
                return self._throttled(data)
            case "batch_retried":
                lost = f"try {data.get('try', '?')} of {data.get('of', '?')} is lost"
                why = safe(str(data.get("why") or ""))
                after = words.duration(float(data.get("wait_ms") or 0))
                rest = f": {why}; the next with {now.size:,} rows in {after}"
                return [line(("~ ", "waiting"), (lost, "waiting"), rest)]
            case "pace_changed":
                return [line(("  ", "plain"), now.pace_words)]
            case "backfill_done":
                return self._end(data)
        return None

    def _throttled(self, data: Mapping[str, Any]) -> list[Line]:
        reason, waited = safe(str(data.get("reason") or "")), float(data.get("wait_ms") or 0)
        if data.get("over"):
            return [line(("> ", "running"), f"going on after {words.duration(waited)}: no longer so that {reason}")]
        if data.get("slower"):
            return [line(("~ ", "waiting"), ("slower", "waiting"), f": {reason}")]
        since = f" (for {words.duration(waited)})" if waited >= 1000 else ""
        return [line(("~ ", "waiting"), ("holding", "waiting"), f": {reason}{since}")]

    def _end(self, data: Mapping[str, Any]) -> list[Line]:
        now = self._progress
        took = words.duration(float(data.get("ms") or 0))
        done = f"{words.count(now.total, 'row')} changed in {words.count(now.batches, 'batch', 'batches')}"
        lines = [line(("+ ", "done"), (done, "strong"), f"; this run took {took}")]
        if now.left:
            left = f"{words.count(now.left, 'row')} left to do, by the declared condition"
            lines.append(line(("! ", "waiting"), left))
        elif now.left == 0:
            lines.append(line(("+ ", "done"), "no row is left to do, by the declared condition"))
        if data.get("analyzed"):
            lines.append(line(("+ ", "done"), f"analysed {safe(now.table)}"))
        return lines


def _whole(value: object, default: int = 0) -> int:
    return int(value) if isinstance(value, int | float) else default


def _seconds(at: str) -> float | None:
    try:
        return datetime.fromisoformat(at).timestamp()
    except ValueError:
        return None
