"""The runs of this account, by their journals: the list of them, what has to be settled, what was left half done."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pgmig_tui.errors import PgmigError
from pgmig_tui.run.journal.entry import Entry
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
from pgmig_tui.run.journal.file import JOURNAL, JournalReader, ended_at, ended_well, first_and_last, is_alive
from pgmig_tui.run.journal.folder import RUN_ID

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
    opening, last = first_and_last(folder)
    first = opening.event if opening is not None and isinstance(opening.event, RunPlanned) else None
    end = last.event if last is not None and isinstance(last.event, RunFinished) else None
    paused, under_way = False, ""
    if end is not None:
        done, steps = end.done, end.total
    else:
        counted = StepVerified if first is not None and first.command == "verify" else StepCommitted | StepRecorded
        entries = JournalReader(folder).poll()
        done = sum(isinstance(one.event, counted) for one in entries)
        whole = entries[0].event if entries else None
        planned = whole.steps if isinstance(whole, RunPlanned) else ()
        steps = len(planned)
        paused, under_way = _now(entries, planned)
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


def _now(entries: Sequence[Entry], planned: Sequence[PlannedStep]) -> tuple[bool, str]:
    """Whether a run that has not ended is paused, and the change ID of the step that it works on ("" = of none)."""
    paused, step = False, 0
    for entry in entries:
        match entry.event:
            case RunPaused():
                paused = True
            case RunResumed():
                paused = False
            case StepStarted() as begun:
                step = begun.step
            case StepCommitted() | StepRecorded() | StepFailed():
                step = 0
    return paused, next((one.change_id for one in planned if one.number == step), "")
