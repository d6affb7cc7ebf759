"""A run process that stops itself at a chosen transition of its journal: the hook lives here, not in the program."""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pgmig_tui.run import runner
from pgmig_tui.run.journal.entry import Entry
from pgmig_tui.run.journal.events import AnyEvent
from pgmig_tui.run.journal.file import JournalWriter
from pgmig_tui.run.journal.folder import JOURNAL
from pgmig_tui.run.journal.run_plan import RunPlan

Phase = Literal["told", "sent"]
"""told: the event was noted, and is on disk only where the run asked for that · sent: it, and all before it, were
written; where the run waits for the server then, its message has been sent and not been answered."""


@dataclass(frozen=True, slots=True)
class Point:
    """A transition: the event with this number, in one of its two phases."""

    seq: int
    phase: Phase


def kill(_folder: Path) -> None:
    """Die as by the out-of-memory killer."""
    os.kill(os.getpid(), signal.SIGKILL)


def stop(_folder: Path) -> None:
    """Stand still until the test has done its deed."""
    os.kill(os.getpid(), signal.SIGSTOP)


def fill_disk(folder: Path) -> None:
    """From now on no file of this process may grow by more than a few bytes: the next line is torn."""
    size = (folder / JOURNAL).stat().st_size
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 20, resource.RLIM_INFINITY))


def writer(at: Point | None, act: Callable[[Path], None]) -> type[JournalWriter]:
    """The journal writer of a run that acts once, at a point."""

    class Stopping(JournalWriter):
        _acted = False
        _written = 0

        def __init__(self, folder: Path, run: str, **more: Any) -> None:
            super().__init__(folder, run, **more)
            self._folder = folder

        def write(self, event: AnyEvent, *, sync: bool = False) -> Entry:
            entry = super().write(event, sync=sync)
            if at is not None and at.phase == "told" and entry.seq >= at.seq:
                self._act()
            return entry

        def flush(self) -> None:
            super().flush()
            self._written = self._seq
            if at is not None and at.phase == "sent" and self._written >= at.seq:
                self._act()

        def _act(self) -> None:
            if not self._acted:
                self._acted = True
                act(self._folder)

    return Stopping


def start(
    plan: RunPlan,
    at: Point | None = None,
    act: Callable[[Path], None] = kill,
    prepare: Callable[[], None] = lambda: None,
) -> int:
    """Carry out `plan` in a process of its own, as `client.start` does, but forked: its ID. `prepare` is called in
    that process first."""
    reading, writing = os.pipe()
    process = os.fork()
    if process == 0:
        status = 70
        try:
            os.setsid()
            os.close(writing)
            os.dup2(reading, 0)
            sys.stdin = os.fdopen(0, closefd=False)
            runner.JournalWriter = writer(at, act)  # type: ignore[attr-defined]
            prepare()
            status = runner.main()
        finally:
            os._exit(status)
    os.close(reading)
    os.write(writing, json.dumps({"folder": str(plan.folder), "answers": []}).encode() + b"\n")
    os.close(writing)
    return process
