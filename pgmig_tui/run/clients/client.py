"""Starting and joining runs: the only way from a command or a screen to a run process."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import pgmig_tui
from pgmig_tui.display.closest import did_you_mean
from pgmig_tui.errors import UsageError
from pgmig_tui.run.clients import controller
from pgmig_tui.run.journal import course
from pgmig_tui.run.journal.entry import Entry
from pgmig_tui.run.journal.events import RunFinished
from pgmig_tui.run.journal.file import (
    COMMAND_NAMES,
    COMMANDS,
    JournalReader,
    is_alive,
)
from pgmig_tui.run.journal.folder import RUN_ID
from pgmig_tui.run.journal.listing import folders
from pgmig_tui.run.journal.run_plan import RunPlan

if TYPE_CHECKING:
    from pgmig_tui.gates.evidence import ItemEvidence
    from pgmig_tui.gates.gate import Answer


class RunHandle:
    """A run, seen from outside: read its events, send it commands. Several handles on one run are fine."""

    def __init__(self, folder: Path, process: subprocess.Popen[bytes] | None = None) -> None:
        self.folder = folder
        self.run_id = folder.name
        self._process = process
        self._reader = JournalReader(folder)
        self.finished = False
        self.exit_status: int | None = None

    def poll(self, most: int | None = None) -> list[Entry]:
        """New events since the last call, of at most so many bytes of the journal; never blocks."""
        events = self._reader.poll(most)
        for event in events:
            if isinstance(event.event, RunFinished):
                self.finished = True
                self.exit_status = event.event.exit_status
                controller.release(self.folder)
        return events

    @property
    def behind(self) -> bool:
        """More stands in the journal than the last `poll` was to read."""
        return self._reader.behind

    @property
    def estimates(self) -> Mapping[int, float]:
        """What was estimated for its steps when it was reviewed, in milliseconds by their numbers."""
        return course.kept(self.folder)

    def alive(self) -> bool:
        """The run process is there. After False, one more `poll` has everything that it wrote."""
        if self._process is not None:
            return self._process.poll() is None
        return is_alive(self.folder)

    def take_control(self) -> bool:
        """Control the run, unless another process does: if this process goes without a `detach`, the run does what its
        policy says of a lost terminal."""
        try:
            return controller.take(self.folder)
        except OSError:
            return False

    def controlled_by(self) -> str:
        """Who controls the run now, "" when nobody does."""
        return controller.who(self.folder) if controller.is_controlled(self.folder) else ""

    def send(self, command: str, *arguments: str) -> bool:
        """Tell the run a command (COMMAND_NAMES) with its arguments. False when nobody is there to hear it.

        Whoever commands a run that nobody controls controls it from then on; with `detach` it does so no longer.
        """
        if command not in COMMAND_NAMES or any(not text.isprintable() or " " in text for text in arguments):
            raise UsageError(f"{' '.join((command, *arguments))!r} is not a command of a run")
        if command != "detach":
            self.take_control()
        try:
            fifo = os.open(self.folder / COMMANDS, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            return False
        try:
            os.write(fifo, " ".join((command, *arguments)).encode() + b"\n")
        finally:
            os.close(fifo)
            if command == "detach":
                controller.release(self.folder)
        return True

    def last_words(self) -> str:
        """What a run process that ended without a last event said on its standard error."""
        with contextlib.suppress(OSError):
            return (self.folder / "stderr").read_text(encoding="utf-8", errors="replace")[-2000:].strip()
        return ""


def warm(root: Path) -> subprocess.Popen[bytes]:
    """A run process that waits to be told its plan, and ends by itself when it isn't. `root` is the project's folder.

    Started before the planning, it has loaded what it needs when the plan is ready.
    """
    env = {name: value for name, value in os.environ.items() if name not in ("PGPASSWORD", "SQITCH_PASSWORD")}
    package = str(Path(pgmig_tui.__file__).parent.parent)
    env["PYTHONPATH"] = os.pathsep.join(part for part in (package, env.get("PYTHONPATH", "")) if part)
    return subprocess.Popen(
        # -P: a psycopg.py in the project's folder must not become part of the program.
        [sys.executable, "-P", "-m", "pgmig_tui.run"],
        cwd=root,
        env=env,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def start(
    plan: RunPlan,
    answers: Sequence[Answer] = (),
    *,
    password: str | None = None,
    secrets: Mapping[str, str] | None = None,
    process: subprocess.Popen[bytes] | None = None,
    evidence: Sequence[ItemEvidence] = (),
    estimates: Sequence[float | None] = (),
) -> RunHandle:
    """Let a run process (`process`, from `warm`, or a new one) carry out `plan`, controlled by us; return at once. Its
    journal keeps the `answers` and the `evidence` with which it starts, its folder the `estimates` of its steps
    (milliseconds)."""
    process = process or warm(Path(plan.root))
    with contextlib.suppress(OSError):
        controller.take(plan.folder)
    with contextlib.suppress(OSError):
        course.keep(plan.folder, estimates)
    given = {
        "folder": str(plan.folder),
        "password": password or os.environ.get("PGPASSWORD"),
        "secrets": dict(secrets or {}),
        "answers": [asdict(answer) for answer in answers],
        "evidence": [asdict(one) for one in evidence],
        "variables": plan.values_given,
        "hooks": list(plan.hooks),
    }
    assert process.stdin is not None
    with contextlib.suppress(BrokenPipeError):
        process.stdin.write(json.dumps(given).encode() + b"\n")
        process.stdin.close()
    return RunHandle(plan.folder, process)


def attach(run_id: str | None, state_dir: Path) -> RunHandle:
    """Join a run: the one named, else the newest that is alive, else the newest. Raises UsageError."""
    found = folders(state_dir)
    if run_id is not None:
        if not RUN_ID.fullmatch(run_id) or not (state_dir / "runs" / run_id).is_dir():
            told = did_you_mean(run_id, [folder.name for folder in found])
            raise UsageError(f"there is no run {run_id}", do=f"{told}{' ' if told else ''}`pgmig-tui runs` lists them.")
        return RunHandle(state_dir / "runs" / run_id)
    if not found:
        raise UsageError(
            "there is no run to attach to",
            do="`pgmig-tui deploy TARGET` starts one; `pgmig-tui attach TARGET` watches another account's.",
        )
    alive = [folder for folder in found if is_alive(folder)]
    return RunHandle((alive or found)[0])
