"""Who controls a run: whoever started it, or the first that attached to it since.

A controlling watcher holds a lock on a file of the run's folder for as long as it lives. The system lets go of it when
the watcher's process ends, however it ends, and not when it only sleeps: a suspended terminal keeps controlling.
"""

from __future__ import annotations

import contextlib
import getpass
import os
from datetime import UTC, datetime
from pathlib import Path

from pgmig_tui.display import words
from pgmig_tui.run.journal import locked

_FILE = "steer"

_held: dict[Path, int] = {}
"""This process's own locks: a second lock on the same file, from one process, would stand in its own way."""


def take(folder: Path) -> bool:
    """Control the run of `folder` from now on. False when another process controls it. Raises OSError."""
    if folder in _held:
        return True
    fd = locked.hold(folder / _FILE)
    if fd is None:
        return False
    _held[folder] = fd
    with contextlib.suppress(OSError):  # on a full disk we control without a name
        os.ftruncate(fd, 0)
        os.write(fd, _who().encode("utf-8", "replace"))
    return True


def release(folder: Path) -> None:
    """Control it no longer; nothing happens where this process doesn't."""
    if (fd := _held.pop(folder, None)) is not None:
        os.close(fd)


def is_ours(folder: Path) -> bool:
    """Whether this process controls the run."""
    return folder in _held


def is_controlled(folder: Path) -> bool:
    """Whether anybody controls the run now."""
    try:
        return locked.is_held(folder / _FILE)
    except OSError:
        return False


def was_controlled(folder: Path) -> bool:
    """Whether anybody ever controlled the run."""
    return (folder / _FILE).exists()


def who(folder: Path) -> str:
    """Who controls, or did last: account, host, terminal, process, and since when (UTC); "" when nobody ever did."""
    try:
        return (folder / _FILE).read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


def _who() -> str:
    try:
        account = getpass.getuser()
    except (KeyError, OSError):
        account = str(os.getuid())
    terminal = "no terminal"
    for fd in (0, 2):
        try:
            terminal = os.ttyname(fd)
            break
        except OSError:
            continue
    since = words.iso(datetime.now(UTC))
    return f"{account}@{os.uname().nodename}, {terminal}, process {os.getpid()}, since {since}"
