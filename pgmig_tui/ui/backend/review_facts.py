"""Reviews and rollbacks as facts for the screens. Not before the first frame: `protocol` gives them when asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from pgmig_tui.display.cells import Line
from pgmig_tui.gates.loss import NONE, Losses, together
from pgmig_tui.ui.backend.protocol import Command

if TYPE_CHECKING:
    from pgmig_tui.gates.evidence import ItemEvidence
    from pgmig_tui.review.rollback_steps import StepRow


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
    tested: str = ""
    """What is kept of a test of the change, in a line; "" = nothing."""
    tested_good: bool = False
    """It passed, and no script has changed since."""


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
    outdated: tuple[str, ...] = ()
    """Why this is not what would be planned there now; safe to draw. No run starts from it then."""

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
    scripts: tuple[Line, ...] = ()
    """The scripts that will be run, whole and coloured, each under its step."""
    dry: tuple[Line, ...] = ()
    """What `rollback --dry-run` tells of the same."""
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
    ahead: tuple[tuple[str, str], ...] = ()
    """Who stands in the way of its locks and doesn't come and go, and how, in words; safe to draw."""
    unseen: str = ""
    """Why nobody could tell who does; "" where it was asked."""
    outdated: tuple[str, ...] = ()
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
