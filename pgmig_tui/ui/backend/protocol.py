"""What the screens know and may ask for: plain facts, and the one door behind which the rest of the program stands.

A screen never meets a connection, a statement that is sent or a file: it gets facts and calls `Backend`. All methods
block, may raise PgmigError, and are called in threads; `facts` alone is there at once.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

from pgmig_tui.display import words
from pgmig_tui.display.cells import Span
from pgmig_tui.display.words import count

if TYPE_CHECKING:
    from pgmig_tui.database.pulse import PulseBeat
    from pgmig_tui.display.cells import Line
    from pgmig_tui.impact.result import ScriptImpact
    from pgmig_tui.review.deployed_compared import Compared
    from pgmig_tui.review.drift_kept import KnownDrift
    from pgmig_tui.review.history import History
    from pgmig_tui.review.maintain_facts import Maintenance, Section
    from pgmig_tui.review.now import RightNow
    from pgmig_tui.review.settling import SettlingDecision
    from pgmig_tui.review.undoing import KeptRun
    from pgmig_tui.review.verify_evidence import VerifyEvidence
    from pgmig_tui.review.watch_picture import WatchPicture
    from pgmig_tui.run.journal.entry import Entry
    from pgmig_tui.ui.backend.actions import Settled
    from pgmig_tui.ui.backend.approval_facts import ApprovalsFacts as ApprovalsFacts
    from pgmig_tui.ui.backend.approval_facts import DecisionFacts as DecisionFacts
    from pgmig_tui.ui.backend.approval_facts import RoleFacts as RoleFacts
    from pgmig_tui.ui.backend.environment_facts import HealthFacts
    from pgmig_tui.ui.backend.lock_facts import Foreign as Foreign
    from pgmig_tui.ui.backend.lock_facts import ForeignSession as ForeignSession
    from pgmig_tui.ui.backend.lock_facts import ForeignWatch as ForeignWatch
    from pgmig_tui.ui.backend.lock_facts import LockSession as LockSession
    from pgmig_tui.ui.backend.lock_facts import LockTree as LockTree
    from pgmig_tui.ui.backend.lock_facts import LockWatch as LockWatch
    from pgmig_tui.ui.backend.review_facts import Answered as Answered
    from pgmig_tui.ui.backend.review_facts import DoNotDeploy as DoNotDeploy
    from pgmig_tui.ui.backend.review_facts import ItemFacts as ItemFacts
    from pgmig_tui.ui.backend.review_facts import Record as Record
    from pgmig_tui.ui.backend.review_facts import ReviewFacts as ReviewFacts
    from pgmig_tui.ui.backend.review_facts import Rollback as Rollback
    from pgmig_tui.ui.backend.review_facts import StepFacts as StepFacts

_LATER = {
    "review_facts": ("StepFacts", "DoNotDeploy", "ItemFacts", "Answered", "ReviewFacts", "Rollback", "Record"),
    "lock_facts": ("LockSession", "LockTree", "LockWatch", "ForeignSession", "Foreign", "ForeignWatch"),
    "approval_facts": ("RoleFacts", "DecisionFacts", "ApprovalsFacts"),
}
"""What no first frame needs, by its module here: making these classes alone takes as long as drawing it."""


def __getattr__(name: str) -> object:
    for module, names in _LATER.items():
        if name in names:
            return getattr(import_module(f"pgmig_tui.ui.backend.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


ScriptKind = Literal["deploy", "verify", "revert"]
Command = Literal["deploy", "revert", "verify", "backfill"]
EVERYTHING = ""
"""Where a revert goes back to that keeps nothing."""
Manner = Literal["run", "record", "try"]
"""record: no script is run, the registry is told · try: all in one transaction that is rolled back."""
KINDS: tuple[ScriptKind, ...] = ("deploy", "verify", "revert")


@dataclass(frozen=True, slots=True)
class PlanLine:
    """A change as the plan states it; `planned_at` as written there (UTC)."""

    change_id: str
    name: str
    tags: tuple[str, ...] = ()
    note: str = ""
    planner: str = ""
    planned_at: str = ""
    requires: tuple[str, ...] = ()
    conflicts: tuple[str, ...] = ()
    needed_by: int = 0
    reworked: bool = False


@dataclass(frozen=True, slots=True)
class EnvironmentFacts:
    """An environment as the configuration states it; `host` with its port, never a password."""

    name: str
    database: str
    host: str
    user: str
    protected: bool = False
    confirm_word: str = ""
    color: str | None = None
    backups_by: str = ""
    """Who makes its backups, where pgmig-tui doesn't: pgbackrest, barman or command."""


@dataclass(frozen=True)
class ProjectFacts:
    """What the project on disk says; read before the first frame, without a server."""

    project: str
    root: Path
    operator: str
    plan: tuple[PlanLine, ...]
    environments: tuple[EnvironmentFacts, ...]
    tags: int = 0
    foreign: tuple[str, ...] = ()

    def environment(self, name: str) -> EnvironmentFacts:
        return next(environment for environment in self.environments if environment.name == name)


@dataclass(frozen=True)
class StatusFacts:
    """An environment's answer, or why there is none. `deployed` and `pending` are change IDs in plan order."""

    environment: str
    asked_at: datetime
    reachable: bool
    error: str = ""
    server: str = ""
    user: str = ""
    note: str = ""
    deployed: frozenset[str] = frozenset()
    pending: tuple[str, ...] = ()
    differing: Mapping[str, str] = field(default_factory=dict)
    not_in_plan: tuple[str, ...] = ()
    under_way: str = ""
    """Who works there now, where it isn't a run of this account."""
    standby: bool = False
    unproven: str = ""
    """Why the server hasn't proven who it is; "" where it has, or needs not to."""
    untagged: tuple[str, ...] = ()
    """Tags that the plan has at what is deployed, and that aren't recorded there."""
    marked: Mapping[str, str] = field(default_factory=dict)
    """Why pending changes must not be deployed, by their IDs."""
    waiting: int | None = None
    """How many sessions of the database waited for a lock at that moment; None where nobody could tell."""
    last_deployed: datetime | None = None
    """When the newest row of its registry was written (UTC)."""

    @property
    def nothing_to_deploy(self) -> str | None:
        """Why there is nothing to deploy; None where there is something."""
        if self.pending:
            return None
        if self.untagged:
            return f"every change is there; `pgmig-tui deploy {self.environment}` records the tags"
        return f"{self.environment} has everything that the plan has"

    @property
    def words(self) -> Span:
        """How it stands, such as `3 pending`."""
        differ = len(self.differing) + len(self.not_in_plan)
        if self.pending:
            more = f", {differ} differ" if differ else ""
            more += f", {len(self.marked)} must not be deployed" if self.marked else ""
            return f"{len(self.pending)} pending{more}", "strong"
        if self.untagged and not differ:
            return f"nothing pending, {count(len(self.untagged), 'tag')} not recorded", "differs"
        return (f"nothing pending, {differ} differ from the plan", "differs") if differ else ("up to date", "done")


@dataclass(frozen=True, slots=True)
class ScriptText:
    """A script of a change as it lies on disk. `problem` says why there is no text."""

    change_id: str
    kind: ScriptKind
    path: str
    text: str = ""
    sha1: str = ""
    problem: str = ""


@dataclass(frozen=True, slots=True)
class ImpactFacts:
    """The lock impact of one script, and whether the server's catalog was asked for it. `upto`: more is being read; so
    far it goes to this line (0 = all of it is here).
    """

    impact: ScriptImpact | None
    server: str = ""
    live: bool = False
    problem: str = ""
    findings: tuple[str, ...] = ()
    upto: int = 0
    measured: tuple[str, ...] = ()
    """What the whole script took where it was deployed before, in words."""


GOES_ON, STAYS_PAUSED = "goes on", "stays paused"
"""What becomes of a run that is left alone."""


@dataclass(frozen=True, slots=True)
class RunFacts:
    """A run of this host, alive or ended; times are UTC as the journal wrote them."""

    run_id: str
    environment: str
    command: str
    state: Literal["running", "finished", "failed", "unknown"]
    started_at: str = ""
    finished_at: str = ""
    done: int = 0
    steps: int = 0
    operator: str = ""
    host: str = ""
    failed_change_id: str = ""
    paused: bool = False
    under_way: str = ""
    """The change ID of the step that it works on; "" = of none that its journal tells of."""
    project: str = ""
    in_doubt: bool = False
    """It has ended, and whether its last step took effect isn't known."""

    @property
    def outcome(self) -> str:
        """Its state, or `in doubt`."""
        return "in doubt" if self.in_doubt else self.state

    @property
    def steps_done(self) -> str:
        """How many of its steps are done; of a run that ended without that being known, from where to where."""
        return words.steps_done(self.done, self._at_most, self.steps)

    @property
    def steps_short(self) -> str:
        """The same in a cell: `3/45`, `3-4/45`."""
        return words.steps_short(self.done, self._at_most, self.steps)

    @property
    def _at_most(self) -> int:
        return min(self.steps, self.done + (self.in_doubt or self.state == "unknown"))

    @property
    def left_alone(self) -> str:
        """What becomes of one that is alive when nobody does anything."""
        return STAYS_PAUSED if self.paused else GOES_ON


class DeployWatch(Protocol):
    """Looks over and over at what an environment does since its last deploy, and at what it did before."""

    def look(self) -> WatchPicture:
        """Blocks. Raises PgmigError; the look after it connects again."""
        ...

    def close(self) -> None:
        """At once: what is under way ends by itself."""
        ...


class PulseWatch(Protocol):
    """Looks over and over at how an environment does, for the curves beside a run."""

    def read(self) -> PulseBeat:
        """Blocks. Raises PgmigError; the look after it connects again."""
        ...

    def close(self) -> None:
        """At once: what is under way ends by itself."""
        ...


@dataclass(frozen=True)
class Reread:
    """A project that has been read again. `take`, called on the event loop, makes it the session's from then on."""

    facts: ProjectFacts
    take: Callable[[], None]


class Watch(Protocol):
    """A run that is being watched; leaving it doesn't end it."""

    @property
    def run_id(self) -> str: ...
    @property
    def behind(self) -> bool:
        """More stands in its journal than the last `poll` was to read."""
        ...

    @property
    def estimates(self) -> Mapping[int, float]:
        """What was estimated for its steps when it was reviewed, in milliseconds by their numbers; of those that were.
        Reads a file."""
        ...

    def poll(self, most: int | None = None) -> Sequence[Entry]:
        """What has happened since the last call, of about `most` bytes of the journal; None: all of it."""
        ...

    def alive(self) -> bool: ...
    def send(self, command: str, *arguments: str) -> object: ...
    def take_control(self) -> bool:
        """Control the run from now on; False when another process does. Doesn't wait."""
        ...

    def controlled_by(self) -> str:
        """Who controls it now; "" when nobody does. Doesn't wait."""
        ...


class Backend(Protocol):
    """The one thing that screens talk to."""

    @property
    def facts(self) -> ProjectFacts: ...
    @property
    def read_only(self) -> str:
        """Why nothing at all may be changed from here, as a sentence; "" where it may. There all that would change
        something raises Refused."""
        ...

    def preferred(self, name: str) -> str:
        """What a person has chosen for the screen, "" when nothing; read before the first frame."""
        ...

    def preferences_trouble(self) -> str:
        """Why what was chosen is ignored, as a sentence; "" where it isn't."""
        ...

    def prefer(self, name: str, value: str) -> None: ...
    def reread(self) -> Reread | None:
        """The project anew, once plan or configuration on disk are others; None while they are the same. Raises
        PgmigError, once for each such state of theirs: what was read before still counts then."""
        ...

    def changed_scripts(self) -> tuple[str, ...]:
        """The changes (IDs) of which a script that was read here is another one on disk by now; each is told once."""
        ...

    def status(self, environment: str) -> StatusFacts: ...
    def script(self, change_id: str, kind: ScriptKind) -> ScriptText: ...
    def impact(
        self,
        change_id: str,
        kind: ScriptKind,
        environment: str,
        *,
        live: bool,
        pending: bool = False,
        before: Sequence[str] = (),
        so_far: Callable[[ImpactFacts], None] | None = None,
    ) -> ImpactFacts:
        """`pending`: the change isn't deployed there, so that its revert comes after its deploy, and both come after
        the deploys of the changes `before`; with `live` the server says itself what it lacks. `so_far` is given what is
        known of the beginning while the rest of a long script is still being read.
        """
        ...

    def judged_alike(self, change_id: str, kind: ScriptKind, environment: str, before: Sequence[str]) -> Hashable:
        """Environments for which this is the same get the same `impact` from the text alone; by the scripts as they lie
        on disk now."""
        ...

    def now(self, environment: str, impact: ScriptImpact, before: RightNow | None) -> RightNow: ...
    def prepare(
        self,
        environment: str,
        command: Command,
        to: str | None,
        *,
        how: Manner = "run",
        so_far: Callable[[ReviewFacts], None] | None = None,
    ) -> ReviewFacts:
        """`to` is a change ID; None for a revert: back to where the last run began, EVERYTHING: nothing is kept. For a
        backfill it is the change that declares one, or the ID of the run to go on with. `so_far` is given the review,
        `asking`, whenever one more check has answered."""
        ...

    def recorded(self, run_id: str, path: str) -> str:
        """A script as a run has read it. Raises OSError, KeyError, ValueError."""
        ...

    def evidence(self, environment: str, change_id: str) -> VerifyEvidence: ...
    def keep(self, review: ReviewFacts, answers: Sequence[Answered]) -> str:
        """Keep what is said now for another try of the same; why that can't be, "" where it can. A short write."""
        ...

    def answer(self, review: ReviewFacts, answers: Sequence[Answered]) -> ReviewFacts: ...
    def look_again(self, review: ReviewFacts, answers: Sequence[Answered]) -> ReviewFacts:
        """The same review as the server answers now, for the last question before its run: checks, who is in the way,
        what is deployed there. Raises Unreachable; what was shown is not known to hold then."""
        ...

    def start(self, review: ReviewFacts, answers: Sequence[Answered]) -> Watch: ...
    def lift(self, environment: str, change_ids: Sequence[str], reason: str, tell: Callable[[str], None]) -> None:
        """These changes may be deployed again; nothing is deployed by that. `tell` is told what is waited for."""
        ...

    def look_back(self, environment: str, to: str | None, save: bool | None) -> Rollback:
        """`to` is a change ID or EVERYTHING; None: the last deploy run that stands. `save` None: as the policy says."""
        ...

    def answer_back(self, rollback: Rollback, answers: Sequence[Answered]) -> Rollback: ...
    def look_back_again(self, rollback: Rollback, answers: Sequence[Answered]) -> Rollback:
        """As `look_again`."""
        ...

    def roll_back(self, rollback: Rollback, answers: Sequence[Answered]) -> Watch | None:
        """Stops the run that is under way first; None when nothing was left to revert then."""
        ...

    def incident(self, run_id: str) -> Record: ...
    def attach(self, run_id: str) -> Watch: ...
    def runs(self) -> tuple[RunFacts, ...]: ...
    def runs_elsewhere(self) -> tuple[RunFacts, ...]:
        """Those of this account that are of other projects, newest first."""
        ...

    def lock_watch(self, environment: str) -> LockWatch: ...
    def pulse_watch(self, environment: str) -> PulseWatch: ...
    def foreign_watch(self, environment: str) -> ForeignWatch: ...
    def deploy_watch(self, environment: str, run: str, *, keeps: bool = True) -> DeployWatch:
        """`run` "": of the last deploy there. What is seen is kept on this host for a day, unless not `keeps`."""
        ...

    def approvals(self, environment: str) -> ApprovalsFacts: ...
    def decide(
        self, facts: ApprovalsFacts, decision: Literal["approve", "reject"], role: str, note: str, key: str
    ) -> str:
        """Records it, of what was shown and of nothing else; what was recorded, in words. `key` is the path of an SSH
        key, "" to decide as the database role that is logged in."""
        ...

    def revoke(self, facts: ApprovalsFacts, number: int, note: str) -> str: ...
    def health(self, environment: str) -> HealthFacts:
        """How an environment is, as `check` says it; never raises for the server."""
        ...

    def history(self, environment: str) -> History: ...
    def compare(self, here: str, there: str) -> Compared:
        """What two environments have deployed; never raises for a server."""
        ...

    def drift_between(self, here: str, there: str) -> Sequence[Line]:
        """How two schemas differ, in the lines of `drift A B`. Reads both, and keeps nothing."""
        ...

    def settle(
        self, environment: str, word: str, tell: Callable[[str], None], decision: SettlingDecision | None = None
    ) -> Settled:
        """Settles the runs that were cut off there, by the evidence, and one by the decision of who typed the `word`;
        what came of it."""
        ...

    def kept(self, environment: str) -> Sequence[KeptRun]:
        """The rollbacks whose rows or values can be brought back."""
        ...

    def undo(
        self,
        environment: str,
        run: str,
        word: str,
        tell: Callable[[str], None],
        overwrite: Sequence[str] | None = None,
    ) -> Sequence[Line]:
        """Brings back what a rollback has kept; what came of it. It replaces what was written since where `overwrite`,
        which is what was said to be lost by that, is given, if it may be empty."""
        ...

    def rehearse(self, environment: str, tell: Callable[[str], None]) -> Sequence[Line]:
        """Carries out what is pending on a copy, on a server of our own, and keeps what was measured."""
        ...

    def test(self, environment: str, tell: Callable[[str], None]) -> Sequence[Line]:
        """Takes each change that is pending there through the eight steps of a test, on a server of our own, and keeps
        what was found."""
        ...

    def known_drift(self) -> Mapping[str, KnownDrift]:
        """By environment, what the last look at its drift from the plan has found; those that nobody has looked at are
        left out. Reads files only."""
        ...

    def look_for_drift(self, environment: str, tell: Callable[[str], None]) -> KnownDrift:
        """Compares the schema there with what the plan makes on a server of our own, and keeps what was found. `tell`
        is told how far it is. Takes seconds to minutes; the environment is only read."""
        ...

    def maintain(self, environment: str, heard: Callable[[Section], None]) -> Maintenance:
        """Asks for every regular task; `heard` is told each section as it comes. Nothing is changed."""
        ...

    def gone_through(self, environment: str, found: Maintenance) -> None:
        """Keeps, on this host, that somebody has gone through what was found: only what is new counts as new then."""
        ...

    def sample_before(self, environment: str, over: Callable[[], bool], tell: Callable[[int], None]) -> str:
        """Keeps what the environment does, until it is over, as the time before a deploy. `tell` gets the number of
        intervals. Blocks; why it can't, "" where it could."""
        ...

    def backup(
        self, review: ReviewFacts, stopping: Callable[[], bool], tell: Callable[[str, str], None]
    ) -> ReviewFacts:
        """Dumps the database and proves the dump as the policy says. `tell` gets how far it is and in which file,
        several times a second, in words that are not safe to print."""
        ...

    def after_items(self, environment: str, command: str, run_id: str) -> tuple[ItemFacts, ...]: ...
    def answer_after(self, run_id: str, answered: Answered) -> str:
        """Keep it in the run's journal and in its database. Returns why it isn't in the latter, "" where it is."""
        ...

    def write(self, name: str, text: str) -> Path: ...
