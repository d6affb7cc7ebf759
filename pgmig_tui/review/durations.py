"""How long a change took, wherever and whenever it was deployed or reverted.

What databases tell is asked of all environments at once; what a server doesn't answer is unknown, and said. A page of a
run asks no server: it goes by the journals of this account.
"""

from __future__ import annotations

import contextlib
import statistics
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from pgmig_tui.errors import PgmigError
from pgmig_tui.run.journal.events import RunPlanned
from pgmig_tui.run.journal.file import JournalReader, first_and_last
from pgmig_tui.run.journal.listing import folders
from pgmig_tui.run.journal.picture import StepPicture, picture_of
from pgmig_tui.run.journal.run_plan import RunPlan

if TYPE_CHECKING:
    from pathlib import Path

    from pgmig_tui.project.environments import Environment
    from pgmig_tui.project.project import Project
    from pgmig_tui.review.history import Deed, HistoryFilter

_RUNS = 200
"""So many of this account's newest runs are looked at."""
_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class Took:
    """One time. `at` is UTC; `ms` is None where nobody has measured it, as by Sqitch."""

    environment: str
    at: str
    operation: str
    change: str
    outcome: str
    ms: float | None
    by: str = ""
    run_id: str = ""


@dataclass(frozen=True, slots=True)
class Where:
    """An environment: `deploys` that went through and were measured, and their median in milliseconds. `problem`: why
    it isn't known, "" where it is; `without`: why only the registry tells, which measures nothing."""

    environment: str
    problem: str = ""
    without: str = ""
    deploys: int = 0
    median_ms: float | None = None


@dataclass(frozen=True, slots=True)
class Durations:
    """`took` in the order of the environments, the oldest first."""

    project: str
    change: str
    took: tuple[Took, ...]
    environments: tuple[Where, ...]

    def to_json(self) -> dict[str, object]:
        return asdict(self)


def across(project: Project, environments: Sequence[Environment], wanted: HistoryFilter) -> Durations:
    """Of the wanted change in these environments. Raises UsageError for a `since` that is no time; a server that can't
    be asked is a problem of its environment."""
    from pgmig_tui.review.history import moment

    if wanted.since is not None:
        moment(wanted.since)
    with ThreadPoolExecutor(max_workers=max(1, min(_AT_ONCE, len(environments)))) as pool:
        found = list(pool.map(lambda one: _asked(project, one, wanted), environments))
    return Durations(
        project.plan.project,
        wanted.change or "",
        tuple(one for took, _ in found for one in took),
        tuple(where for _, where in found),
    )


def _asked(project: Project, environment: Environment, wanted: HistoryFilter) -> tuple[tuple[Took, ...], Where]:
    from pgmig_tui.review.history import read_history

    try:
        found = read_history(project.for_target(environment.target), environment, wanted)
    except PgmigError as error:
        return (), Where(environment.name, error.what)
    took = tuple(_of_deed(environment.name, one) for one in found.deeds if one.operation in ("deploy", "revert"))
    known = measured(took)
    return took, Where(
        environment.name, "", found.without_tracking, len(known), statistics.median(known) if known else None
    )


def measured(took: Iterable[Took]) -> list[float]:
    """The milliseconds of the deploys that went through."""
    return [one.ms for one in took if one.ms is not None and (one.operation, one.outcome) == ("deploy", "done")]


def _of_deed(environment: str, one: Deed) -> Took:
    return Took(environment, one.at, one.operation, one.change, one.outcome, one.ms, one.by, one.run_id)


def by_journals(state_dir: Path, project: str, change_ids: Iterable[str]) -> dict[str, tuple[Took, ...]]:
    """By change ID, what the newest runs of this account took, the oldest first. A journal that can't be read tells
    nothing."""
    wanted, found = set(change_ids), dict[str, list[Took]]()
    for folder in folders(state_dir)[:_RUNS]:
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            opening, _ = first_and_last(folder)
            planned = opening.event if opening is not None else None
            if not isinstance(planned, RunPlanned) or planned.project != project or planned.log_only:
                continue
            if planned.command not in ("deploy", "revert", "rollback"):
                continue
            if wanted.isdisjoint(step.change_id for step in RunPlan.load(folder).steps):
                continue
            picture = picture_of(JournalReader(folder).poll())
            for step in picture.steps.values():
                if step.change_id in wanted and step.took_ms is not None and step.mode != "record":
                    found.setdefault(step.change_id, []).append(_of_step(step, picture.environment, folder.name))
    return {change: tuple(sorted(took, key=lambda one: one.at)) for change, took in found.items()}


def _of_step(step: StepPicture, environment: str, run: str) -> Took:
    outcome = "done" if step.state == "done" else "verify_failed" if step.recorded else "failed"
    return Took(environment, step.started_at, step.action, step.name, outcome, step.took_ms, run_id=run)
