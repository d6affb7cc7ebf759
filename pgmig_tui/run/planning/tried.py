"""Whether a revert has been through before: on another environment, here earlier, or in a rehearsal.

Runs of this account prove it for the very bytes of the script. The registry of another environment only knows that the
change was reverted there, by whatever script; both are said for what they are.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pgmig_tui.database.connect import application_name, connect
from pgmig_tui.database.deployed import read_reverted
from pgmig_tui.errors import PgmigError
from pgmig_tui.run.journal.events import RunPlanned, StepCommitted, StepRecorded
from pgmig_tui.run.journal.file import JournalReader, first_and_last
from pgmig_tui.run.journal.frozen import RecordedFiles
from pgmig_tui.run.journal.listing import folders
from pgmig_tui.run.journal.rehearsed import Rehearsed
from pgmig_tui.run.journal.run_plan import RunPlan

if TYPE_CHECKING:
    from pgmig_tui.project.environments import Environment
    from pgmig_tui.project.project import Project

ASKED_S = 3
"""Seconds that another environment gets to answer: this is asked in an emergency."""
LOOKED_AT = 200
"""Of so many runs, the newest, the scripts are compared."""


@dataclass(frozen=True, slots=True)
class TriedRevert:
    """Where a revert has passed before. `same` is True when the script had the same bytes, None when that isn't known;
    `how` is run, registry or rehearsal."""

    change_id: str
    where: str
    at: str
    how: str
    same: bool | None

    @property
    def sentence(self) -> str:
        """Such as `passed on staging, 2026-11-22T…Z`."""
        if self.how == "rehearsal":
            return f"the same script passed a rehearsal for {self.where}"
        if self.same:
            return f"the same script passed on {self.where}"
        return f"it was reverted on {self.where}; with which script isn't known"


def tried_before(
    project: Project,
    environment: Environment,
    plan: RunPlan,
    state_dir: Path,
    rehearsed: Sequence[Rehearsed | None] = (),
) -> tuple[dict[str, TriedRevert], tuple[str, ...]]:
    """By change ID the best proof there is, and the environments that could not be asked. `rehearsed` are the
    rehearsals that count for its steps. Never raises."""
    wanted = _wanted(plan)
    others = [one for one in project.environments if not one.target.address.same(environment.target.address)]
    asked: dict[str, Mapping[str, str]] = {}
    threads = [
        threading.Thread(target=_ask, args=(other, list(wanted), asked), daemon=True, name=f"tried-{other.name}")
        for other in others
    ]
    for thread in threads:
        thread.start()
    found = {
        step.change_id: TriedRevert(step.change_id, one.environment, one.at, "rehearsal", True)
        for step, one in zip(plan.steps, rehearsed, strict=False)
        if one is not None
    } | _in_runs(wanted, plan, state_dir)
    for thread in threads:
        thread.join(ASKED_S + 1)
    for other in others:
        for change_id, at in dict(asked.get(other.name, {})).items():
            found.setdefault(change_id, TriedRevert(change_id, other.name, at, "registry", None))
    return found, tuple(other.name for other in others if other.name not in asked)


def _wanted(plan: RunPlan) -> dict[str, bytes]:
    files = RecordedFiles.of(plan)
    return {step.change_id: files.script(step.script) for step in plan.steps if step.script is not None}


def _ask(other: Environment, change_ids: list[str], asked: dict[str, Mapping[str, str]]) -> None:
    with (
        contextlib.suppress(PgmigError),
        connect(
            other.target, application_name=application_name("tried", "watch"), connect_timeout=ASKED_S, kind="watch"
        ) as connection,
    ):
        asked[other.name] = read_reverted(connection, other.target.registry, change_ids)


def _in_runs(wanted: Mapping[str, bytes], plan: RunPlan, state_dir: Path) -> dict[str, TriedRevert]:
    """Reverts of this account that went through with these very bytes, anywhere."""
    found: dict[str, TriedRevert] = {}
    for folder in folders(state_dir)[:LOOKED_AT]:
        if len(found) == len(wanted):
            break
        if folder == plan.folder:
            continue
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            opening, _ = first_and_last(folder)
            planned = opening.event if opening is not None else None
            if not isinstance(planned, RunPlanned) or planned.command != "revert" or planned.log_only:
                continue
            done = {
                one.event.step: one.at
                for one in JournalReader(folder).poll()
                if isinstance(one.event, StepCommitted | StepRecorded)
            }
            was = RunPlan.load(folder)
            files = RecordedFiles.of(was)
            for step in was.steps:
                data = wanted.get(step.change_id)
                if step.number in done and step.script is not None and data == files.script(step.script):
                    found.setdefault(
                        step.change_id, TriedRevert(step.change_id, was.environment, done[step.number], "run", True)
                    )
    return found
