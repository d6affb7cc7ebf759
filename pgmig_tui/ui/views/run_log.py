"""The log of a run as a screen keeps it: bounded, and what the server says over and over folded into one line.

A run that emits thousands of notices a second must not make whoever watches it wait: of a stretch of notices the last
one and their number are drawn, and no line is made of the others before somebody unfolds them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from pgmig_tui.display.cells import Line
from pgmig_tui.display.safe import safe
from pgmig_tui.display.words import time_of_day
from pgmig_tui.run.journal.entry import Entry
from pgmig_tui.run.journal.events import NoticeReceived, Output

FOLDED_FROM = 3
"""So many notices in a row, or more, are one line."""
KEPT = 2_000
"""Notices of a stretch that can be unfolded; the journal has them all."""
NOISY_KEPT = 4_000
"""Events of notices and output that a screen keeps."""


def is_noise(entry: Entry) -> bool:
    """Whether a stretch of such events is folded. A WARNING is for a person to read."""
    event = entry.event
    return isinstance(event, NoticeReceived) and event.severity not in ("WARNING", "ERROR", "FATAL", "PANIC")


@dataclass(slots=True)
class Stretch:
    """Notices that came one after the other: how many, and the last of them."""

    count: int = 0
    last: deque[Entry] = field(default_factory=lambda: deque(maxlen=KEPT))

    def add(self, entry: Entry) -> None:
        self.count += 1
        self.last.append(entry)

    def lines(self, made: Callable[[Entry], Sequence[Line]], *, folded: bool) -> list[Line]:
        """As they are drawn: each, or the last one and how many there are."""
        if folded and self.count >= FOLDED_FROM:
            return [self._head()]
        lines: list[Line] = []
        if self.count > len(self.last):
            more = f"{self.count - len(self.last):,} notices before these stand in the journal alone"
            lines.append(((f"{time_of_day(self.last[0].at)}  . {more}", "muted"),))
        for entry in self.last:
            lines += made(entry)
        return lines

    def _head(self) -> Line:
        newest = self.last[-1]
        said = newest.event.message if isinstance(newest.event, NoticeReceived) else ""
        told = f"{self.count:,} notices, folded (o); the last: "
        return (
            (f"{time_of_day(newest.at)}  ", "muted"),
            (f"  {told}", "muted"),
            (" ".join(safe(said).split()), "plain"),
        )


@dataclass(frozen=True, slots=True)
class Added:
    """What a reading has changed at the end of the log: so many of its last lines go, these come."""

    gone: int = 0
    lines: tuple[Line, ...] = ()


class RunLog:
    """`made` gives the lines of an event. It is handed every event once, in their order."""

    def __init__(self, made: Callable[[Entry], Sequence[Line]], limit: int = 10_000) -> None:
        self._made = made
        self._rows: deque[Line | Stretch] = deque(maxlen=limit)
        self.folded = True
        self.notices = 0
        """How many notices there were that can be folded."""

    def add(self, entries: Sequence[Entry]) -> Added:
        """Take in what was read."""
        last = self._rows[-1] if self._rows else None
        stretch = last if isinstance(last, Stretch) else None
        gone = len(stretch.lines(self._made, folded=True)) if stretch is not None and self.folded else 0
        lines: list[Line] = []
        for entry in entries:
            if is_noise(entry):
                if stretch is None:
                    stretch = Stretch()
                    self._rows.append(stretch)
                stretch.add(entry)
                self.notices += 1
                lines += () if self.folded else self._made(entry)
            elif told := self._made(entry):
                if stretch is not None and self.folded:
                    lines += stretch.lines(self._made, folded=True)
                stretch = None
                self._rows.extend(told)
                lines += told
        if stretch is not None and self.folded:
            lines += stretch.lines(self._made, folded=True)
        return Added(gone, tuple(lines))

    def fold(self, folded: bool) -> list[Line]:
        """All of it, with its notices folded or not."""
        self.folded = folded
        lines: list[Line] = []
        for row in self._rows:
            lines += row.lines(self._made, folded=folded) if isinstance(row, Stretch) else [row]
        return lines


class KeptEvents(list[Entry]):
    """The events of a run for the screens that follow it: all, but of notices and output the last ones."""

    def __init__(self) -> None:
        super().__init__()
        self._noisy = 0

    def add(self, entry: Entry) -> None:
        self.append(entry)
        if not isinstance(entry.event, NoticeReceived | Output):
            return
        self._noisy += 1
        if self._noisy > 2 * NOISY_KEPT:
            drop = self._noisy - NOISY_KEPT
            kept = []
            for one in self:
                if drop and isinstance(one.event, NoticeReceived | Output):
                    drop -= 1
                else:
                    kept.append(one)
            self[:] = kept
            self._noisy = NOISY_KEPT
