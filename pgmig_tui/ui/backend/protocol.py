"""What the screens know and may ask for: plain facts, and the one door behind which the rest of the program stands.

A screen never meets a connection, a statement that is sent or a file: it gets facts and calls `Backend`. All methods
block, may raise PgmigError, and are called in threads; `facts` alone is there at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from pgmig_tui.display.activity import Activity, Blocker
from pgmig_tui.display.cells import Line, Span
from pgmig_tui.display.words import count
from pgmig_tui.gates.loss import NONE, Losses, together

if TYPE_CHECKING:
    from pgmig_tui.gates.evidence import ItemEvidence
    from pgmig_tui.impact.result import ScriptImpact
    from pgmig_tui.review.drift_kept import KnownDrift
    from pgmig_tui.review.maintain_facts import Maintenance, Section
    from pgmig_tui.review.now import RightNow
    from pgmig_tui.review.rollback_steps import StepRow
    from pgmig_tui.review.verify_evidence import VerifyEvidence
    from pgmig_tui.review.watch_picture import WatchPicture
    from pgmig_tui.run.journal.entry import Entry

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


@dataclass(frozen=True, slots=True)
class StepFacts:
    """One step of a run to come."""

    number: int
    action: str
    change: str
    change_id: str
    mode: str
    reason: str = ""
    verify: str = ""
    lock: str = ""
    relation: str = ""
    rewrites: bool = False
    scans: bool = False
    risk: str = "none"
    losses: Losses = NONE
    findings: tuple[str, ...] = ()
    script_hash: str = ""
    seen: bool = True
    """Whether somebody has looked at what its script does: else lock, rewrites and losses say nothing."""


@dataclass(frozen=True, slots=True)
class DoNotDeploy:
    """A change that a rollback has reverted, and why it must not be deployed; all safe to draw."""

    change_id: str
    change: str
    why: str


@dataclass(frozen=True, slots=True)
class ItemFacts:
    """An item of a checklist. `answered` is the note or reason that a person gave; `blocks`: no run starts before it is
    done; `asks`: the question to whoever attests it."""

    id: str
    title: str
    how: Literal["check", "performed", "attested"]
    state: Literal["PASS", "WARN", "FAIL", "UNKNOWN", "N-A"]
    summary: str = ""
    answered: str = ""
    overridden: bool = False
    blocks: bool = False
    asks: str = "who did it, when, or where is it written?"
    kept: ItemEvidence | None = None
    """All that it hangs on."""
    locked: str = ""
    """Why nobody here may go on past it."""

    @property
    def seen(self) -> bool:
        """Whether the program has looked itself, so that nobody's tick counts. An answer can always be withdrawn."""
        return not self.answered and (self.how == "check" or self.state != "UNKNOWN")


@dataclass(frozen=True)
class Answered:
    """What a person said to an item: `how` is attest, override, or emergency, the same by somebody who declares one.
    `at` is UTC as the journal writes it, "" for now."""

    item_id: str
    how: Literal["attest", "override", "emergency"]
    note: str
    at: str = ""


@dataclass(frozen=True)
class ReviewFacts:
    """A run that could start: its steps, its checklist, and what stands in its way. `told` is what a backfill says of
    its batches; `plan` is opaque to screens."""

    environment: str
    command: Command
    run_id: str
    steps: tuple[StepFacts, ...]
    items: tuple[ItemFacts, ...] = ()
    refusals: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    creates: tuple[str, ...] = ()
    to: str = ""
    told: tuple[Line, ...] = ()
    plan: Any = None
    word: str = ""
    """What must be typed, where that isn't the environment's own: it may be a protected one."""
    marks: tuple[DoNotDeploy, ...] = ()
    """Of a deploy that isn't one until they are lifted: it then has no steps."""
    accepts: Losses = NONE
    """What is or may be lost and must be accepted before it starts."""
    recalled: tuple[Answered, ...] = ()
    """What was said before to the very same, and stands."""
    asking: bool = False
    """Not all of its checks have answered."""
    again: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """By item what was said before and doesn't count now, and why."""

    @property
    def blocking(self) -> tuple[str, ...]:
        return tuple(item.title for item in self.items if item.blocks)

    @property
    def losses(self) -> Losses:
        """What it loses, or may lose, whether that must be accepted or not."""
        return together(step.losses for step in self.steps)

    @property
    def wants_loss_accepted(self) -> bool:
        """What may be lost on a protected environment is accepted, and what a revert loses on any."""
        return bool(self.accepts)


@dataclass(frozen=True)
class Rollback:
    """A rollback that could start. Lines are safe to draw. `points` are change IDs, the newest first, that could be the
    last to stay, with EVERYTHING at the end; `kept` is the index of the chosen one (0: none is). `running`: a run that
    is stopped first. `run` is the run that is rolled back, "" for a chosen point. `nothing`: why there is nothing to
    revert, or, `undecided`, why only a person can say what; `first` is then the index of the point that a person may
    mean, which `candidate` tells of. `loses` must be accepted; `found` is opaque to screens."""

    environment: str
    nothing: str = ""
    undecided: bool = False
    run: str = ""
    candidate: tuple[Line, ...] = ()
    first: int | None = None
    head: tuple[Line, ...] = ()
    steps: tuple[StepRow, ...] = ()
    keep: str = ""
    sql: tuple[Line, ...] = ()
    evidence: tuple[Line, ...] = ()
    losses: tuple[Line, ...] = ()
    loses: Losses = NONE
    saves: bool = False
    running: str = ""
    elsewhere: bool = False
    """What runs is of another account or host, or another program's."""
    items: tuple[ItemFacts, ...] = ()
    command: str = ""
    points: tuple[str, ...] = ()
    kept: int = 0
    found: Any = None
    word: str = ""
    """As of a Review."""

    @property
    def blocking(self) -> tuple[ItemFacts, ...]:
        return tuple(item for item in self.items if item.blocks)


@dataclass(frozen=True, slots=True)
class Record:
    """The record of an incident; `channel` are six lines. `complete`: it says what was looked at afterwards."""

    markdown: str
    channel: str
    complete: bool


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

    @property
    def left_alone(self) -> str:
        """What becomes of one that is alive when nobody does anything."""
        return STAYS_PAUSED if self.paused else GOES_ON


@dataclass(frozen=True, slots=True)
class LockSession:
    """A session that waits for a lock, or that others wait for. `wants` and `holds` name modes and relations;
    `wait_ms` is how long it has waited, None when it doesn't or nobody can tell. With `more` it stands for all of
    those, who wait for the process `behind` (ui.views.locks)."""

    session: Blocker
    wants: str = ""
    holds: str = ""
    wait_ms: float | None = None
    client: str = ""
    more: tuple[LockSession, ...] = ()
    behind: int = 0

    @property
    def identity(self) -> tuple[int, str]:
        """What stays the same from one look to the next."""
        return (self.behind, "more") if self.more else (self.session.pid, self.session.started)


@dataclass(frozen=True)
class LockTree:
    """Who waits for whom at one moment, depth first, roots first. `problem`: why it couldn't be read."""

    asked_at: datetime
    sessions: tuple[LockSession, ...] = ()
    problem: str = ""


class LockWatch(Protocol):
    """Looks at the locks of one environment over and over, and ends sessions. Its methods block."""

    def read(self) -> LockTree: ...
    def end(self, pid: int, started: str, *, terminate: bool) -> bool:
        """False when that session is gone. Raises PgmigError, also when this role may not."""
        ...

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class ForeignSession:
    """A session of a run of another account or host. `told`, safe to draw, says who it is and what it does; `started`,
    which identifies it together with `pid`, is "" where this role may not see it (`hidden`)."""

    pid: int
    started: str
    told: str
    query: str = ""
    hidden: bool = False


@dataclass(frozen=True)
class Foreign:
    """What works on an environment, as its server tells. `problem`: why it couldn't be asked. `who` and `doing` are of
    the run's own row, "" where there is none, as are `state` (running, paused, finished) and `heartbeat_ms`, the age of
    its last heartbeat. `run_id` is "" for another program. `over` says which end was seen; `local`: it is a run of
    this account, which can be attached to."""

    asked_at: datetime
    problem: str = ""
    run_id: str = ""
    who: str = ""
    holder: str = ""
    doing: str = ""
    state: str = ""
    heartbeat_ms: int | None = None
    step: ForeignSession | None = None
    sessions: tuple[ForeignSession, ...] = ()
    activity: Activity = field(default_factory=Activity)
    recorded: tuple[tuple[str, str, str], ...] = ()
    registry: str = ""
    unseen: tuple[str, ...] = ()
    over: str = ""
    local: bool = False


class ForeignWatch(Protocol):
    """Looks at what works on one environment over and over, and stops it. Its methods block."""

    def read(self) -> Foreign: ...
    def cancel(self, pid: int, started: str) -> bool:
        """Cancel what that session runs; False when it is gone. Raises PgmigError, also when this role may not."""
        ...

    def stop(self, told: Callable[[str], None]) -> None:
        """End the sessions of the run that was read last; returns when the lock is free. Raises PgmigError."""
        ...

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class RoleFacts:
    """A role that is asked for its approval. `state`: approved, rejected, missing or not asked; `told` says by whom, or
    what is missing. `keys`: SSH keys may speak for it; `people` are the database roles that may."""

    role: str
    state: Literal["approved", "rejected", "missing", "not asked"]
    told: str
    people: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DecisionFacts:
    """A decision that was recorded. Times are UTC in words; `void`: why it doesn't count, "" where it does."""

    number: int
    decision: Literal["approve", "reject"]
    role: str
    who: str
    at: str
    expires: str
    by: str = ""
    note: str = ""
    weak: str = ""
    void: str = ""
    revoked: bool = False


@dataclass(frozen=True)
class ApprovalsFacts:
    """Who has approved what is pending on an environment. `changes` are (change, hash of its deploy script); `identity`
    is the database role that is logged in; `may_not`: why nothing can be recorded from here; `packet` is the hash of
    what is up for approval, `text` all of it as Markdown; `found` is opaque to screens."""

    environment: str
    roles: tuple[RoleFacts, ...] = ()
    decisions: tuple[DecisionFacts, ...] = ()
    changes: tuple[tuple[str, str], ...] = ()
    identity: str = ""
    may_not: str = ""
    packet: str = ""
    text: str = ""
    found: Any = None
    state: str = "UNKNOWN"
    """Of the item of the checklist, with what it says."""
    summary: str = ""


class DeployWatch(Protocol):
    """Looks over and over at what an environment does since its last deploy, and at what it did before."""

    def look(self) -> WatchPicture:
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
    def poll(self) -> Sequence[Entry]: ...
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

    def prefer(self, name: str, value: str) -> None: ...
    def reread(self) -> Reread | None:
        """The project anew, once plan or configuration on disk are others; None while they are the same. Raises
        PgmigError, once for each such state of theirs: what was read before still counts then."""
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
    def start(self, review: ReviewFacts, answers: Sequence[Answered]) -> Watch: ...
    def lift(self, environment: str, change_ids: Sequence[str], reason: str, tell: Callable[[str], None]) -> None:
        """These changes may be deployed again; nothing is deployed by that. `tell` is told what is waited for."""
        ...

    def look_back(self, environment: str, to: str | None, save: bool | None) -> Rollback:
        """`to` is a change ID or EVERYTHING; None: the last deploy run that stands. `save` None: as the policy says."""
        ...

    def answer_back(self, rollback: Rollback, answers: Sequence[Answered]) -> Rollback: ...
    def roll_back(self, rollback: Rollback, answers: Sequence[Answered]) -> Watch | None:
        """Stops the run that is under way first; None when nothing was left to revert then."""
        ...

    def incident(self, run_id: str) -> Record: ...
    def attach(self, run_id: str) -> Watch: ...
    def runs(self) -> tuple[RunFacts, ...]: ...
    def lock_watch(self, environment: str) -> LockWatch: ...
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
