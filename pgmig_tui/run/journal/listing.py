"""The runs of this account, by their journals: the list of them, what has to be settled, what was left half done."""

from __future__ import annotations

import contextlib
import threading
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pgmig_tui.errors import PgmigError
from pgmig_tui.run.journal.entry import EVENTS
from pgmig_tui.run.journal.events import (
    AnyEvent,
    PlannedStep,
    RunFinished,
    RunPaused,
    RunPlanned,
    RunResumed,
    RunSettled,
    StepCommitted,
    StepFailed,
    StepRecorded,
    StepStarted,
    StepVerified,
)
from pgmig_tui.run.journal.file import JournalReader, ended_at, ended_well, first_and_last, is_alive
from pgmig_tui.run.journal.folder import JOURNAL, RUN_ID

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

    @property
    def in_doubt(self) -> bool:
        """It has ended, and whether its last step took effect isn't known."""
        return self.state == "failed" and self.exit_status == 4

    @property
    def at_most(self) -> int:
        """So many steps at most are done: one more than is known where nobody knows of it."""
        return min(self.steps, self.steps_done + (self.in_doubt or self.state == "unknown"))


def list_runs(state_dir: Path) -> list[RunSummary]:
    """All runs of this account, newest first. A folder that can't be read is left out."""
    found = []
    for folder in folders(state_dir):
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError, PgmigError):
            found.append(_summary(folder))
    return found


def unfinished(state_dir: Path, project: str = "") -> list[RunSummary]:
    """Runs of this account that changed something, perhaps, and haven't told their end; newest first.

    Looks at the last line of each journal first, and mostly no further.
    """
    found = []
    for folder in folders(state_dir):
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError, PgmigError):
            if not ended_well(folder) and is_unfinished(run := _summary(folder)) and project in ("", run.project):
                found.append(run)
    return found


def left_partly(state_dir: Path, project: str, environment: str) -> list[tuple[str, StepFailed | RunSettled]]:
    """What the last run on an environment left partly applied, with its ID: its `step_failed` event, or the
    `run_settled` ones if it was cut off and settled."""
    for folder in folders(state_dir):
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError, PgmigError):
            run = _summary(folder)
            if (run.project, run.environment) != (project, environment) or run.command not in CHANGING:
                continue
            _, last = first_and_last(folder)
            end = last.event if last is not None else None
            if not isinstance(end, RunFinished) or end.exit_status != 1:
                return []
            found = (_left_partly(one.event, settled=end.result == "settled") for one in JournalReader(folder).poll())
            return [(folder.name, one) for one in found if one is not None]
    return []


def _left_partly(event: AnyEvent, *, settled: bool) -> StepFailed | RunSettled | None:
    if settled:
        return event if isinstance(event, RunSettled) and event.outcome == "partly" else None
    return event if isinstance(event, StepFailed) and event.what_stays else None


def is_unfinished(run: RunSummary) -> bool:
    """Whether a run has to be settled: it was cut off, or ended in doubt, and may have changed something."""
    cut_off = run.state == "unknown" or (run.state == "failed" and run.exit_status == 4)
    return cut_off and run.command in ("", *CHANGING)


def folders(state_dir: Path) -> list[Path]:
    """The folders of all runs of this account that have a journal, newest first."""
    runs = state_dir / "runs"
    if not runs.is_dir():
        return []
    folders = (folder for folder in runs.iterdir() if RUN_ID.fullmatch(folder.name) and (folder / JOURNAL).exists())
    return sorted(folders, key=lambda folder: folder.name, reverse=True)


def _summary(folder: Path) -> RunSummary:
    """From the first and the last line of a journal that ended; only one that didn't is read whole."""
    alive = is_alive(folder)
    opening, last = first_and_last(folder, alive=alive)
    first = opening.event if opening is not None and isinstance(opening.event, RunPlanned) else None
    end = last.event if last is not None and isinstance(last.event, RunFinished) else None
    paused, under_way = False, ""
    if end is not None:
        done, steps = end.done, end.total
    else:
        so_far = _followed(folder)
        done, steps, paused, under_way = so_far.done, len(so_far.planned), so_far.paused, so_far.under_way
    status = end.exit_status if end is not None else None
    state: RunState = "failed" if status else "finished"
    if end is None:
        state = "running" if alive else "unknown"
    return RunSummary(
        run_id=folder.name,
        command=first.command if first else "",
        environment=first.environment if first else "",
        project=first.project if first else "",
        root=first.root if first else "",
        started_at=opening.at if opening else "",
        finished_at=ended_at(last) if last is not None and end is not None else None,
        state=state,
        steps_done=done,
        steps=steps,
        exit_status=status,
        operator=first.operator if first else "",
        host=first.host if first else "",
        summary=end.summary if end else "",
        paused=paused and alive,
        under_way=under_way,
    )


class _SoFar:
    """How far a run is that has not ended: only what its journal has grown by is read, and of that only what tells of
    steps."""

    def __init__(self, folder: Path) -> None:
        self._reader = JournalReader(folder, _TELLING)
        self.planned: tuple[PlannedStep, ...] = ()
        self.done = 0
        self.paused = False
        self._verifies = False
        self._step = 0

    @property
    def under_way(self) -> str:
        """The change ID of the step that it works on, "" of none."""
        return next((one.change_id for one in self.planned if one.number == self._step), "")

    def read(self) -> None:
        for entry in self._reader.poll():
            match entry.event:
                case RunPlanned() as plan:
                    self.planned, self._verifies = plan.steps, plan.command == "verify"
                case RunPaused():
                    self.paused = True
                case RunResumed():
                    self.paused = False
                case StepStarted() as begun:
                    self._step = begun.step
                case StepCommitted() | StepRecorded():
                    self._step = 0
                    self.done += not self._verifies
                case StepVerified():
                    self.done += self._verifies
                case StepFailed():
                    self._step = 0


_TELLING = tuple(
    name
    for name, kind in EVENTS.items()
    if kind in (RunPlanned, RunPaused, RunResumed, StepStarted, StepCommitted, StepRecorded, StepVerified, StepFailed)
)
_FOLLOWED: OrderedDict[Path, _SoFar] = OrderedDict()
_MOST_FOLLOWED = 32
_LOCK = threading.Lock()


def _followed(folder: Path) -> _SoFar:
    with _LOCK:
        so_far = _FOLLOWED.setdefault(folder, _SoFar(folder))
        _FOLLOWED.move_to_end(folder)
        if len(_FOLLOWED) > _MOST_FOLLOWED:
            _FOLLOWED.popitem(last=False)
        so_far.read()
        return so_far
