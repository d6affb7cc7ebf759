"""The deploy runs that are known to have worked on a database: this account's by their journals, those of other
accounts and hosts by their rows in the table of runs. They say which deployed changes came in one run.

What a run deployed stands in its journal by change ID; of another account's only its time is known, which is enough:
it held Sqitch's lock from its row's start to its end, so what was recorded in between is its own.
"""

from __future__ import annotations

import contextlib
import heapq
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from pgmig_tui.database.runs import RECORDED_ONLY
from pgmig_tui.display import words
from pgmig_tui.run.journal.events import (
    AnyEvent,
    RunFinished,
    RunPlanned,
    RunSettled,
    StepCommitted,
    StepFailed,
    StepRecorded,
    StepStarted,
)
from pgmig_tui.run.journal.file import JournalReader, first_and_last, is_alive
from pgmig_tui.run.journal.folder import JOURNAL
from pgmig_tui.run.journal.left import left_of
from pgmig_tui.run.journal.listing import folders

if TYPE_CHECKING:
    from pgmig_tui.database.connect import ServerIdentity
    from pgmig_tui.database.deployed import DeployedChange
    from pgmig_tui.database.registry import LockHolder
    from pgmig_tui.database.runs import ChangingRow
    from pgmig_tui.project.environments import Environment
    from pgmig_tui.run.journal.entry import Entry

_SLACK = timedelta(seconds=5)
"""Between the clock of a journal, which is corrected once a step, and the server's."""
_UNSAID = timedelta(seconds=60)
"""So long after its last heartbeat a run that recorded no end may have recorded something."""


@dataclass(frozen=True, slots=True)
class KnownRun:
    """A deploy on the database. Times are UTC (ISO 8601); `ended_at` is when it can have recorded its last change.

    `committed` are the change IDs that its journal says it recorded, in order; None where only its time is known.
    `planned` are all of its journal's.
    `began`: it started at least one step. `recorded_only`: no script was run (`deploy --log-only`). `result` is the
    journal's word for its end: `failed`; "" where it has none. `local`: this account has its journal. `partly`: part
    of a script was committed, which no record tells of. `heard_at`: when one that has recorded no end and lives no
    more was last heard of (UTC, ISO 8601), "" of all others; `place` is where it was then, as its row says it.
    """

    run_id: str
    operator: str
    host: str
    started_at: str
    ended_at: str
    result: str = ""
    steps: int = 0
    committed: tuple[str, ...] | None = None
    planned: tuple[str, ...] = ()
    began: bool = True
    alive: bool = False
    recorded_only: bool = False
    local: bool = False
    partly: bool = False
    heard_at: str = ""
    place: str = ""

    def made(self, change: DeployedChange) -> bool:
        """Whether this very deployment of the change came from the run: another may have deployed it again since."""
        return self.deployed(change.change_id, change.committed_at)

    def deployed(self, change_id: str, at: str) -> bool:
        """Whether a deploy of the change that was recorded at that moment (ISO 8601) is its own."""
        return (self.committed is None or change_id in self.committed) and self._covers(at)

    def failed(self, change_id: str, at: str) -> bool:
        """Whether a failure of the change that was recorded at that moment is its own."""
        return (self.committed is None or change_id in self.planned) and self._covers(at)

    def _covers(self, at: str) -> bool:
        slack = _SLACK if self.local else timedelta()
        try:
            began, ended = datetime.fromisoformat(self.started_at), datetime.fromisoformat(self.ended_at)
            return began - slack <= datetime.fromisoformat(at) <= ended + slack
        except ValueError:
            return self.committed is not None


class KnownRuns:
    """All of them on one database, newest first. Journals are read when somebody asks, and no further back."""

    def __init__(self, runs: Iterable[KnownRun]) -> None:
        self._coming = iter(runs)
        self._read: list[KnownRun] = []

    def __iter__(self) -> Iterator[KnownRun]:
        yield from self._read
        for run in self._coming:
            self._read.append(run)
            yield run

    def maker(self, change: DeployedChange) -> KnownRun | None:
        """The run that deployed a change as it stands now; None where none is known to have."""
        return next((run for run in self if run.made(change)), None)

    @property
    def newest_here(self) -> KnownRun | None:
        """The last deploy of this account that began a step, or lives."""
        return next((run for run in self if run.local and (run.began or run.alive)), None)


def known_runs(
    state_dir: Path,
    identity: ServerIdentity,
    project: str,
    environment: Environment,
    rows: Sequence[ChangingRow],
    holder: LockHolder | None,
    here: Callable[[Path], bool],
) -> KnownRuns:
    """The deploys of `project` on a database: journals of this account, `rows` of others (newest first), and the run
    that holds the lock although it has no row. `here` is asked of the folder of a run of this environment whose target
    was written otherwise: did it work on this server?"""
    others = [
        _of_row(row, holder) for row in rows if row.command == "deploy" and not _journal(state_dir, row.run_id).exists()
    ]
    if holder is not None and holder.run_id and holder.since is not None:
        told = any(row.run_id == holder.run_id for row in rows) or _journal(state_dir, holder.run_id).exists()
        others = others if told else [_of_holder(holder, holder.since), *others]
    mine = _local_deploys(state_dir, identity, project, environment, here)
    return KnownRuns(heapq.merge(mine, others, key=lambda run: run.started_at, reverse=True))


def _journal(state_dir: Path, run_id: str) -> Path:
    return state_dir / "runs" / Path(run_id).name / JOURNAL


def _of_row(row: ChangingRow, holder: LockHolder | None) -> KnownRun:
    alive = holder is not None and holder.run_id == row.run_id
    results = {0: "done", 1: "failed", 3: "stopped", 4: "in_doubt"}
    return KnownRun(
        row.run_id,
        row.operator,
        row.host,
        row.started_at,
        now() if alive else min(row.finished_at or now(), _later(row.heartbeat_at)),
        results.get(row.exit_status, "") if row.exit_status is not None else "",
        row.steps,
        alive=alive,
        recorded_only=row.place == RECORDED_ONLY,
        heard_at="" if alive or row.exit_status is not None else row.heartbeat_at,
        place=row.place,
    )


def _of_holder(holder: LockHolder, since: str) -> KnownRun:
    return KnownRun(holder.run_id, holder.user, holder.host or holder.client, since, now(), alive=True)


def _local_deploys(
    state_dir: Path,
    identity: ServerIdentity,
    project: str,
    environment: Environment,
    here: Callable[[Path], bool],
) -> Iterator[KnownRun]:
    """The deploys of this account on this very database, newest first."""
    for folder in folders(state_dir):
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            opening, last = first_and_last(folder)
            if opening is None or not isinstance(opening.event, RunPlanned):
                continue
            planned = opening.event
            if planned.command != "deploy" or planned.project != project or not _here(planned, identity):
                continue
            # A copy of the cluster answers to the same identity.
            if environment.target.display != planned.target and not (
                environment.name == planned.environment and here(folder)
            ):
                continue
            yield _of_journal(folder, opening.at, last.at if last is not None else "")


def _here(planned: RunPlanned, identity: ServerIdentity) -> bool:
    return (planned.database, planned.system_identifier) == (identity.database, identity.system_identifier)


def _of_journal(folder: Path, started_at: str, ended_at: str) -> KnownRun:
    entries = JournalReader(folder).poll()
    planned = entries[0].event
    assert isinstance(planned, RunPlanned), "it was read before"
    ends = [(one, one.event) for one in entries if isinstance(one.event, RunFinished)]
    alive = is_alive(folder)
    heard_at = "" if alive or ends else ended_at
    if alive or not ends:
        # What it recorded last may not be in its journal: its plan and its time say which changes can be its own.
        found = [step.change_id for step in planned.steps]
        ended_at = now() if alive else _later(ended_at)
    else:
        ended_at = _ended(*ends[-1])
        done = [number for one in entries if (number := _recorded(one.event)) is not None]
        ids = {step.number: step.change_id for step in planned.steps}
        found = [ids.get(number, "") for number in done]
    return KnownRun(
        run_id=folder.name,
        operator=planned.operator,
        host=planned.host,
        started_at=started_at,
        ended_at=ended_at,
        result=ends[-1][1].result if ends else "",
        steps=len(planned.steps),
        committed=tuple(dict.fromkeys(found)),
        planned=tuple(step.change_id for step in planned.steps),
        began=any(isinstance(one.event, StepStarted) for one in entries),
        alive=alive,
        recorded_only=planned.log_only,
        local=True,
        heard_at=heard_at,
        partly=any(
            isinstance(one.event, StepFailed | RunSettled) and left_of(one.event).kind in ("parts", "unrecorded")
            for one in entries
        ),
    )


def _ended(entry: Entry, end: RunFinished) -> str:
    """A run that was settled ended long before."""
    return min(entry.at, _later(end.heard_at)) if end.heard_at else entry.at


def _recorded(event: AnyEvent) -> int | None:
    """The step that an event says is recorded."""
    match event:
        case StepCommitted() | StepRecorded():
            return event.step
        case RunSettled(outcome="recorded"):
            return event.step
    return None


def _later(at: str) -> str:
    try:
        return words.iso_exact(datetime.fromisoformat(at) + _UNSAID)
    except ValueError:
        return now()


def now() -> str:
    """This moment, UTC."""
    return words.iso_exact(datetime.now(UTC))
