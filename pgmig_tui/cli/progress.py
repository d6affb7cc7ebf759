"""A progress bar with the time that is left, below the lines that a long command prints.

On a terminal only: in a pipe, with --json, --json-lines or --quiet, and where TERM can't move the cursor, there is
none, and the lines are the same. It is told facts, and draws them; a time that nothing foretells is said to be unknown.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TextIO

from pgmig_tui.cli import output
from pgmig_tui.display import words
from pgmig_tui.display.cells import width
from pgmig_tui.display.safe import safe
from pgmig_tui.run.journal import events as happened
from pgmig_tui.run.journal.batches import Progress
from pgmig_tui.run.journal.course import Course
from pgmig_tui.run.journal.entry import Entry
from pgmig_tui.run.journal.picture import between

EVERY_S = 0.2
"""A bar is drawn anew so often at most (seconds)."""
_BAR = 20
UNKNOWN = "time left unknown"


@dataclass(frozen=True, slots=True)
class Advance:
    """How far something is: `share` of it from 0 to 1, None where its size isn't known; `left_s` seconds, None where
    nothing foretells them; `told` in words."""

    told: str
    share: float | None = None
    left_s: float | None = None

    @property
    def sentence(self) -> str:
        """All of it in words, safe to print."""
        percent = f"{self.share * 100:.0f} %" if self.share is not None else ""
        left = UNKNOWN if self.left_s is None else f"about {words.duration(max(self.left_s, 1.0) * 1000)} left"
        return ", ".join(part for part in (percent, safe(self.told), left) if part)


class ProgressLine:
    """One line on stderr that gives way to every line that is printed."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._drawn_at = 0.0
        self._told: Advance | None = None
        self._there = False
        can = self._stream.isatty() and os.environ.get("TERM", "") not in ("", "dumb", "unknown")
        self._on = can and not output.is_quiet()
        if self._on:
            output.give_way(self)

    @property
    def there(self) -> bool:
        """Whether it can be seen."""
        return self._there

    def show(self, now: Advance | None) -> None:
        """Draw it, unless it was drawn a moment ago; None takes it away."""
        self._told = now
        if not self._on:
            return
        if now is None:
            self.clear()
        elif time.monotonic() - self._drawn_at >= EVERY_S:
            self.draw()

    def draw(self) -> None:
        """Draw it as it was told last: one write, so that it doesn't flicker."""
        if self._on and self._told is not None:
            self._drawn_at = time.monotonic()
            self._there = True
            self._write(f"\r{self._line(self._told)}\x1b[K")

    def clear(self) -> None:
        """Take it away: what is printed next stands in its line."""
        if self._there:
            self._there = False
            self._write("\r\x1b[K")

    def end(self) -> None:
        """It is over: nothing of it stays on the terminal."""
        self.show(None)
        self._on = False
        output.give_way(None)

    def _line(self, now: Advance) -> str:
        room = output.note_columns() - 1
        text = now.sentence
        bar = "" if now.share is None or width(text) + _BAR + 1 > room else f"{self._bar(now.share)} "
        if not bar:
            while width(text) > room and " " in text:
                text = text.rpartition(" ")[0]
        return f"{bar}{text if width(text) <= room else ''}"

    def _bar(self, share: float) -> str:
        from rich.console import Console
        from rich.progress_bar import ProgressBar

        console = Console(file=self._stream, width=_BAR, markup=False, highlight=False, emoji=False)
        with console.capture() as captured:
            console.print(ProgressBar(total=1.0, completed=share, width=_BAR), end="")
        drawn = captured.get()
        if drawn.isascii() or (self._stream.encoding or "").lower().startswith("utf"):
            return drawn
        return ("#" * round(share * _BAR)).ljust(_BAR, ".")

    def _write(self, text: str) -> None:
        try:
            self._stream.write(text)
            self._stream.flush()
        except OSError:
            # The terminal is gone: whoever follows the run learns that by itself, and the bar isn't what tells it.
            self._on = self._there = False
            output.silence(self._stream)


class RunAdvance:
    """How far a run is, by its journal. `estimates` are milliseconds by the step's number, of those that have one.

    What is left is said as `run.journal.course` has it.
    """

    def __init__(
        self, estimates: Mapping[int, float] | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._estimates = estimates or {}
        self._clock = clock
        self._steps: tuple[happened.PlannedStep, ...] = ()
        self._took: dict[int, float] = {}
        self._step = 0
        self._began = 0.0
        self._began_at = self._heard_at = ""
        self._heard = 0.0
        self._batches: Progress | None = None
        self._paused = False
        self._over = False

    def add(self, entry: Entry) -> None:
        """Take in an event."""
        self._heard, self._heard_at = self._clock(), entry.at
        if self._batches is not None:
            self._batches.add(entry)
        match entry.event:
            case happened.RunPlanned() as planned:
                self._steps = planned.steps
            case happened.StepStarted() as begun:
                self._step, self._began, self._began_at = begun.step, self._heard, entry.at
                if begun.mode == "batches":
                    self._batches = Progress()
                    self._batches.add(entry)
            case happened.StepCommitted() | happened.StepRecorded() as done:
                self._end(done.step, done.ms)
            case happened.StepVerified() as verified if self._command_is_verify(verified.step):
                self._end(verified.step, None)
            case happened.RunPaused():
                self._paused = True
            case happened.RunResumed():
                self._paused = False
            case happened.StepFailed() | happened.StepInDoubt() | happened.RunFinished():
                self._over = True

    def _command_is_verify(self, step: int) -> bool:
        return any(one.number == step and one.action == "verify" for one in self._steps)

    def _end(self, step: int, ms: float | None) -> None:
        """`ms` is the run's own measure."""
        if step == self._step:
            self._took[step] = self._gone_ms if ms is None else ms
            self._step = 0
        else:
            self._took.setdefault(step, ms or 0.0)
        self._batches = None

    def now(self) -> Advance | None:
        """None before the steps are known, while the run is paused, and when it is over."""
        if not self._steps or self._paused or self._over:
            return None
        if self._batches is not None:
            return Advance(self._batches_told(), self._batches.share, self._batches.left_s)
        done = len(self._took)
        told = f"{done} of {words.count(len(self._steps), 'change')}"
        course = self._course
        label = next((one.label for one in self._steps if one.number == self._step), "")
        return Advance(
            f"{told}, now {label}" if label else told,
            course.share,
            None if course.left_ms is None else course.left_ms / 1000,
        )

    def _batches_told(self) -> str:
        now = self._batches
        rate = f", {words.about(now.rate)} rows/s" if now is not None and now.rate else ""
        return words.count(now.total if now is not None else 0, "row") + rate

    @property
    def _course(self) -> Course:
        gone = self._gone_ms if self._step else 0.0
        return Course([one.number for one in self._steps], self._estimates, self._took, self._step, gone)

    @property
    def _gone_ms(self) -> float:
        """Since the step began, also where that was long before we read of it: the journal's times, which follow the
        server's clock, tell how long before its newest line that was."""
        now = self._clock()
        told = between(self._began_at, self._heard_at) or 0.0
        return max((now - self._began) * 1000, told + (now - self._heard) * 1000)
