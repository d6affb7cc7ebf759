"""Whether the host slept meanwhile: a run that wakes has to look around before it does anything."""

from __future__ import annotations

import time
from collections.abc import Callable

_NOTICED_S = 5.0
"""Shorter gaps are a clock that was set, not a sleep that a server would have acted on."""


def clocks() -> tuple[float, float]:
    """(time that passes while the host is awake, time that always passes), both in seconds from some beginning.

    Linux tells the second by CLOCK_BOOTTIME, which nobody can set; elsewhere the wall clock has to do.
    """
    try:
        always = time.clock_gettime(time.CLOCK_BOOTTIME)
    except (AttributeError, OSError):
        always = time.time()
    return time.monotonic(), always


class Sleep:
    """Measures how long the host slept between two questions."""

    def __init__(self, read: Callable[[], tuple[float, float]] = clocks) -> None:
        self._read = read
        awake, always = read()
        self._behind = always - awake

    def slept(self) -> float:
        """Seconds of sleep since the last question, 0.0 for none worth a word."""
        awake, always = self._read()
        gap, self._behind = always - awake - self._behind, always - awake
        return gap if gap > _NOTICED_S else 0.0
