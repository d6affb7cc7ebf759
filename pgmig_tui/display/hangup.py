"""Whether the terminal is gone. SIGHUP tells the leader of its session only: where that is a program that waits for us
(make, a script with a handler of its own), nobody tells us, and a screen would wait for keys for ever."""

from __future__ import annotations

import os
import select

_GONE = select.POLLHUP | select.POLLERR
_STDIN = 0


def terminal() -> int | None:
    """The descriptor of the terminal that keys come from; None without one."""
    return _STDIN if os.isatty(_STDIN) else None


def wait_until_gone(fd: int) -> bool:
    """Wait for the end of the terminal behind `fd`; False where this system can't tell."""
    return _is_gone(fd, None)


def is_gone(fd: int) -> bool:
    """Whether the terminal behind `fd` is gone by now."""
    return _is_gone(fd, 0)


def _is_gone(fd: int, timeout_ms: int | None) -> bool:
    asked = select.poll()
    asked.register(fd, 0)  # nothing but the end, which is always told
    return any(what & _GONE and not what & select.POLLNVAL for _, what in asked.poll(timeout_ms))
