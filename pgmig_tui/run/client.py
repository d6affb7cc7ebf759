"""Starting, joining and listing runs: the only way from a command or a screen to a run process."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pgmig_tui
from pgmig_tui.errors import PgmigError, UsageError
from pgmig_tui.run import steer
from pgmig_tui.run.events import Event
from pgmig_tui.run.folder import RUN_ID, default_state_dir
from pgmig_tui.run.journal import (
    COMMAND_NAMES,
    COMMANDS,
    JOURNAL,
    JournalReader,
    ended_at,
    ended_well,
    first_and_last,
    is_alive,
)
from pgmig_tui.run.plan import RunPlan

if TYPE_CHECKING:
    from pgmig_tui.gates.gate import Answer


RunState = Literal["running", "finished", "failed", "unknown"]
CHANGING = ("deploy", "revert")
"""Commands whose runs have to be settled when they were cut off."""


@dataclass(frozen=True, slots=True)
class RunSummary:
    """A run as the list shows it. `state`: running, finished, failed, or unknown (its process is gone without a
    word)."""

    run_id: str
    command: str
    environment: str
    project: str
    root: str
    started_at: str
    finished_at: str | None
    state: RunState
    steps_done: int
    steps: int
    exit_status: int | None
    operator: str
    host: str
    summary: str
    paused: bool = False
    """It waits between two steps, until somebody lets it go on."""
    under_way: str = ""
    """The change ID of the step that it began last and hasn't ended, as far as its journal says."""


class RunHandle:
    """A run, seen from outside: read its events, send it commands. Several handles on one run are fine."""

    def __init__(self, folder: Path, process: subprocess.Popen[bytes] | None = None) -> None:
        self.folder = folder
        self.run_id = folder.name
        self._process = process
        self._reader = JournalReader(folder)
        self.finished = False
        self.exit_status: int | None = None

    def poll(self) -> list[Event]:
        """New events since the last call; never blocks."""
        events = self._reader.poll()
        for event in events:
            if event.name == "run_finished":
                self.finished = True
                self.exit_status = int(event.data.get("exit_status", 1))
                steer.release(self.folder)
        return events

    def alive(self) -> bool:
        """The run process is there. After False, one more `poll` has everything that it wrote."""
        if self._process is not None:
            return self._process.poll() is None
        return is_alive(self.folder)

    def steer(self) -> bool:
        """Steer the run, unless another process does: if this process goes without a `detach`, the run does what its
        policy says of a lost terminal."""
        try:
            return steer.take(self.folder)
        except OSError:
            return False

    def steered_by(self) -> str:
        """Who steers the run now, "" when nobody does."""
        return steer.who(self.folder) if steer.is_steered(self.folder) else ""

    def send(self, command: str, *arguments: str) -> bool:
        """Tell the run a command (COMMAND_NAMES) with its arguments. False when nobody is there to hear it.

        Whoever commands a run that nobody steers steers it from then on; with `detach` it does so no longer.
        """
        if command not in COMMAND_NAMES or any(not text.isprintable() or " " in text for text in arguments):
            raise UsageError(f"{' '.join((command, *arguments))!r} is not a command of a run")
        if command != "detach":
            self.steer()
        try:
            fifo = os.open(self.folder / COMMANDS, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            return False
        try:
            os.write(fifo, " ".join((command, *arguments)).encode() + b"\n")
        finally:
            os.close(fifo)
            if command == "detach":
                steer.release(self.folder)
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
) -> RunHandle:
    """Let a run process (`process`, from `warm`, or a new one) carry out `plan`, steered by us; return at once."""
    process = process or warm(Path(plan.root))
    with contextlib.suppress(OSError):
        steer.take(plan.folder)
    given = {
        "folder": str(plan.folder),
        "password": password or os.environ.get("PGPASSWORD"),
        "secrets": dict(secrets or {}),
        "answers": [asdict(answer) for answer in answers],
        "variables": plan.values_given,
    }
    assert process.stdin is not None
    with contextlib.suppress(BrokenPipeError):
        process.stdin.write(json.dumps(given).encode() + b"\n")
        process.stdin.close()
    return RunHandle(plan.folder, process)


def attach(run_id: str | None, state_dir: Path) -> RunHandle:
    """Join a run: the one named, else the newest that is alive, else the newest. Raises UsageError."""
    folders = _folders(state_dir)
    if run_id is not None:
        if not RUN_ID.fullmatch(run_id) or not (state_dir / "runs" / run_id).is_dir():
            raise UsageError(f"there is no run {run_id}", do="`pgmig-tui runs` lists them.")
        return RunHandle(state_dir / "runs" / run_id)
    if not folders:
        raise UsageError(
            "there is no run to attach to",
            do="`pgmig-tui deploy TARGET` starts one; `pgmig-tui attach TARGET` watches another account's.",
        )
    alive = [folder for folder in folders if is_alive(folder)]
    return RunHandle((alive or folders)[0])


def list_runs(state_dir: Path) -> list[RunSummary]:
    """All runs of this account, newest first. A folder that can't be read is left out."""
    found = []
    for folder in _folders(state_dir):
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError, PgmigError):
            found.append(_summary(folder))
    return found


def unfinished(state_dir: Path, project: str = "") -> list[RunSummary]:
    """Runs of this account that changed something, perhaps, and haven't told their end; newest first.

    Looks at the last line of each journal first, and mostly no further.
    """
    found = []
    for folder in _folders(state_dir):
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError, PgmigError):
            if not ended_well(folder) and is_unfinished(run := _summary(folder)) and project in ("", run.project):
                found.append(run)
    return found


def left_partly(state_dir: Path, project: str, environment: str) -> list[Event]:
    """What the last run on an environment left partly applied: its `step_failed` event, or the `run_settled` ones if it
    was cut off and settled."""
    for folder in _folders(state_dir):
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError, PgmigError):
            run = _summary(folder)
            if (run.project, run.environment) != (project, environment) or run.command not in CHANGING:
                continue
            _, last = first_and_last(folder)
            if last is None or last.data.get("exit_status") != 1:
                return []
            events = JournalReader(folder).poll()
            if last.data.get("result") == "settled":
                return [one for one in events if one.name == "run_settled" and one.data.get("outcome") == "partly"]
            return [one for one in events if one.name == "step_failed" and one.data.get("what_stays")]
    return []


def is_unfinished(run: RunSummary) -> bool:
    """Whether a run has to be settled: it was cut off, or ended in doubt, and may have changed something."""
    cut_off = run.state == "unknown" or (run.state == "failed" and run.exit_status == 4)
    return cut_off and run.command in ("", *CHANGING)


def _folders(state_dir: Path) -> list[Path]:
    runs = state_dir / "runs"
    if not runs.is_dir():
        return []
    folders = (folder for folder in runs.iterdir() if RUN_ID.fullmatch(folder.name) and (folder / JOURNAL).exists())
    return sorted(folders, key=lambda folder: folder.name, reverse=True)


def _summary(folder: Path) -> RunSummary:
    """From the first and the last line of a journal that ended; only one that didn't is read whole."""
    alive = is_alive(folder)
    opening, last = first_and_last(folder)
    first: dict[str, Any] = opening.data if opening else {}
    paused, under_way = False, ""
    if last is not None and last.name == "run_finished":
        done, steps = int(last.data.get("done", 0)), int(last.data.get("total", 0))
    else:
        last = None
        counted = ("step_verified",) if first.get("command") == "verify" else ("step_committed", "step_recorded")
        events = JournalReader(folder).poll()
        done = sum(event.name in counted for event in events)
        steps = len(events[0].data.get("steps", ())) if events else 0
        paused, under_way = _now(events)
    status = int(last.data["exit_status"]) if last else None
    state: RunState = "failed" if status else "finished"
    if last is None:
        state = "running" if alive else "unknown"
    return RunSummary(
        run_id=folder.name,
        command=str(first.get("command", "")),
        environment=str(first.get("environment", "")),
        project=str(first.get("project", "")),
        root=str(first.get("root", "")),
        started_at=opening.at if opening else "",
        finished_at=ended_at(last) if last else None,
        state=state,
        steps_done=done,
        steps=steps,
        exit_status=status,
        operator=str(first.get("operator", "")),
        host=str(first.get("host", "")),
        summary=str(last.data.get("summary", "")) if last else "",
        paused=paused and alive,
        under_way=under_way,
    )


def _now(events: Sequence[Event]) -> tuple[bool, str]:
    """Whether a run that has not ended is paused, and the change ID of the step that it works on ("" = of none)."""
    last = {event.name: number for number, event in enumerate(events)}

    def since(*names: str) -> int:
        return max((last.get(name, -1) for name in names), default=-1)

    paused = since("run_paused") > since("run_resumed")
    began = since("step_started")
    if began <= since("step_committed", "step_recorded", "step_failed"):
        return paused, ""
    number = events[began].data.get("step")
    steps = events[0].data.get("steps", ())
    return paused, next((str(one.get("change_id", "")) for one in steps if one.get("number") == number), "")


__all__ = [
    "RunHandle",
    "RunSummary",
    "attach",
    "default_state_dir",
    "is_unfinished",
    "list_runs",
    "start",
    "unfinished",
]
