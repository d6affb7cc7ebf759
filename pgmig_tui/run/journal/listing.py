"""The runs of this account, by their journals: the list of them, what has to be settled, what was left half done."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pgmig_tui.errors import PgmigError
from pgmig_tui.run.journal.events import Event
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


def left_partly(state_dir: Path, project: str, environment: str) -> list[Event]:
    """What the last run on an environment left partly applied: its `step_failed` event, or the `run_settled` ones if it
    was cut off and settled."""
    for folder in folders(state_dir):
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
