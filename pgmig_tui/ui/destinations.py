"""Where a key can lead. Screens name a destination; which screen shows it, the router alone knows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pgmig_tui.run.journal.entry import Entry
    from pgmig_tui.run.journal.picture import RunPicture, StepPicture
    from pgmig_tui.ui.backend.protocol import Command, EnvironmentFacts, Manner, PlanLine, Watch
    from pgmig_tui.ui.screens.base import BaseScreen
    from pgmig_tui.ui.screens.run import RunScreen


@dataclass(frozen=True, slots=True)
class ToChange:
    """A change: its scripts, and what they do to an environment."""

    change: PlanLine
    environment: EnvironmentFacts | None


@dataclass(frozen=True, slots=True)
class ToReview:
    """The review of a run before it starts. `to` is where it ends: a change ID, or a run's ID for a backfill that goes
    on; None: at the plan's end. `evidence` is what speaks for a change that is to be recorded only."""

    environment: EnvironmentFacts
    command: Command
    to: str | None = None
    how: Manner = "run"
    evidence: str = ""


@dataclass(frozen=True, slots=True)
class ToRollback:
    """A rollback: how far, what it costs. `came_from` is the run on whose screen it was asked for."""

    environment: EnvironmentFacts
    came_from: str = ""


@dataclass(frozen=True, slots=True)
class ToRun:
    """A run, alive or ended. `watch` is one just started; without it the run is attached to. `controls` False only
    looks."""

    run_id: str
    environment: EnvironmentFacts | None = None
    watch: Watch | None = None
    controls: bool = True


@dataclass(frozen=True, slots=True)
class ToBackfillRun:
    """A data migration in batches, alive or ended."""

    run_id: str
    environment: EnvironmentFacts | None = None
    controls: bool = True


@dataclass(frozen=True, slots=True)
class ToRollbackRun:
    """A rollback that was just started."""

    run_id: str
    environment: EnvironmentFacts
    watch: Watch


@dataclass(frozen=True, slots=True)
class ToFailed:
    """A step of a run that has failed, and what can be done."""

    run: RunScreen
    step: StepPicture


@dataclass(frozen=True, slots=True)
class ToBlockers:
    """The sessions that are in a run's way."""

    run: RunScreen


@dataclass(frozen=True, slots=True)
class ToAfter:
    """A run that has ended: its steps, and the post-deployment checklist."""

    run_id: str
    environment: EnvironmentFacts | None
    picture: RunPicture
    events: Sequence[Entry]


@dataclass(frozen=True, slots=True)
class ToIncident:
    """The record of a rollback that has ended."""

    run_id: str
    environment: EnvironmentFacts | None
    picture: RunPicture
    events: Sequence[Entry]


@dataclass(frozen=True, slots=True)
class ToLocks:
    """Who waits for whom on an environment. `controlling`: the run that it was opened from is controlled from here."""

    environment: EnvironmentFacts
    controlling: bool = False


@dataclass(frozen=True, slots=True)
class ToForeign:
    """What another account, or another program, does on an environment."""

    environment: EnvironmentFacts


@dataclass(frozen=True, slots=True)
class ToWatch:
    """What an environment does since a deploy: of `run`, or, "", of the last one there."""

    environment: EnvironmentFacts
    run: str = ""


@dataclass(frozen=True, slots=True)
class ToApprovals:
    """Who has approved what is pending on an environment."""

    environment: EnvironmentFacts


@dataclass(frozen=True, slots=True)
class ToDrift:
    """How the schema of an environment differs from its plan."""

    environment: EnvironmentFacts


@dataclass(frozen=True, slots=True)
class ToMaintain:
    """The regular tasks of an environment."""

    environment: EnvironmentFacts


@dataclass(frozen=True, slots=True)
class ToEnvironment:
    """How an environment is, what was done to it, who works there, and what can be done from there."""

    environment: EnvironmentFacts


@dataclass(frozen=True, slots=True)
class ToCompare:
    """What two environments have deployed, side by side."""

    here: EnvironmentFacts
    there: EnvironmentFacts


@dataclass(frozen=True, slots=True)
class ToRuns:
    """All runs of this account."""


@dataclass(frozen=True, slots=True)
class ToHelp:
    """What the keys of a screen do."""

    about: BaseScreen


OfRun = ToRun | ToBackfillRun | ToRollbackRun | ToFailed | ToBlockers | ToAfter | ToIncident
OfEnvironment = (
    ToRollback | ToLocks | ToForeign | ToWatch | ToApprovals | ToDrift | ToMaintain | ToEnvironment | ToCompare
)
Destination = OfRun | OfEnvironment | ToChange | ToReview | ToRuns | ToHelp
