"""What a journal says, folded into one picture of the run. Live view, attaching and reports read the same picture."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from pgmig_tui.display.activity import Activity, Blocker
from pgmig_tui.run.journal.entry import Entry
from pgmig_tui.run.journal.events import (
    AnyEvent,
    BlockerEnded,
    EvidenceKept,
    GatePassed,
    HookCalled,
    HookTold,
    IndexInvalid,
    ItemAnswered,
    LockTimeoutRaised,
    LockWaited,
    NoticeReceived,
    RowsRestored,
    RunFinished,
    RunPaused,
    RunPlanned,
    RunResumed,
    RunSettled,
    RunStarted,
    SettingsChanged,
    StatementFinished,
    StatementRetried,
    StatementsFinished,
    StatementStarted,
    StepApplied,
    StepCommitted,
    StepFailed,
    StepInDoubt,
    StepRecorded,
    StepStarted,
    StepTried,
    StepVerified,
    Warned,
)
from pgmig_tui.run.journal.left import BadEnd, Left, left_of

StepState = Literal["todo", "running", "done", "failed"]


def between(earlier: str, later: str) -> float | None:
    """Milliseconds between two ISO 8601 times; None when either is none."""
    try:
        return (datetime.fromisoformat(later) - datetime.fromisoformat(earlier)).total_seconds() * 1000
    except (ValueError, TypeError):
        return None


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a step failed, and where: as the server or the run says it, not safe to draw. `line` 0: at none. `end` is the
    event that told it."""

    end: BadEnd
    change: str = ""
    message: str = ""
    path: str = ""
    line: int = 0
    sqlstate: str = ""
    detail: str = ""
    hint: str = ""
    do: str = ""
    blockers: tuple[Blocker, ...] = ()

    @staticmethod
    def of(end: BadEnd) -> Failure:
        match end:
            case StepFailed() | StepVerified():
                return Failure(
                    end,
                    end.change or "",
                    end.message or "",
                    end.path or "",
                    end.line or 0,
                    end.sqlstate or "",
                    end.detail or "",
                    end.hint or "",
                    (end.do or "") if isinstance(end, StepFailed) else "",
                    end.blockers or (),
                )
            case StepInDoubt():
                return Failure(end, end.change, end.message)
            case RunSettled():
                return Failure(end, end.change, end.message, line=end.line or 0)

    @property
    def where(self) -> str:
        """Such as `deploy/tags.sql:7`; "" when it isn't known."""
        return ":".join(str(part) for part in (self.path, self.line) if part)

    @property
    def notes(self) -> tuple[tuple[str, str], ...]:
        """What the server adds, and what to do: (detail, hint or do, text) of those that there are."""
        return tuple((name, text) for name in ("detail", "hint", "do") if (text := getattr(self, name)))


@dataclass(slots=True)
class StepPicture:
    """One step so far. Times are ISO 8601 in UTC, `waited_ms` is the sum of waits for locks that it got, in
    milliseconds; `tries_lost` counts those that it gave up, each with a pause behind it."""

    number: int
    action: str
    change: str
    """Its name, and its tags where it has some: what a person reads."""
    name: str = ""
    """Its name alone."""
    change_id: str = ""
    ticket: str = ""
    """That its note names."""
    mode: str = ""
    verify: str = ""
    state: StepState = "todo"
    started_at: str = ""
    finished_at: str = ""
    verified: bool | None = None
    unverified: str = ""
    """Why a verification had nothing to run."""
    statements: int = 0
    waited_ms: float = 0.0
    tries_lost: int = 0
    measured_ms: float | None = None
    failure: Failure | None = None
    recorded: bool = False
    """The registry holds its outcome, as far as the run could see: it stands, also where its verification failed."""
    applied: bool = False
    """Its script was carried out to the end, which for one that isn't a transaction comes before its record."""

    def add(self, at: str, event: AnyEvent) -> None:
        """Take in what an event says of this step."""
        match event:
            case StatementFinished():
                self.statements += 1
            case StatementsFinished():
                self.statements += event.count
            case RunSettled():
                self.recorded = event.outcome == "recorded"
                self.state = "done" if self.recorded else "failed"
                if self.state == "failed":
                    self.failure = Failure.of(event)
            case StepApplied():
                self.applied = True
            case StatementRetried():
                self.tries_lost += 1
            case LockWaited():
                self.waited_ms += event.ms or 0
            case StepVerified():
                # Without a script there was nothing to pass: its message says why.
                self.verified = None if event.ok and event.where == "none" else event.ok
                self.unverified = event.message or "" if self.verified is None else ""
                if self.action == "verify":
                    self.state, self.finished_at = "done" if event.ok else "failed", at
                if not event.ok:
                    self.state, self.failure = "failed", Failure.of(event)
            case StepCommitted() | StepRecorded() | StepTried():
                self.finished_at, self.measured_ms = at, event.ms
                self.recorded = not isinstance(event, StepTried)
                if self.state != "failed":
                    self.state = "done"
            case StepFailed() | StepInDoubt():
                self.state, self.finished_at, self.failure = "failed", at, Failure.of(event)
                self.measured_ms = event.ms if isinstance(event, StepFailed) else None
                if isinstance(event, StepFailed) and not event.verify:
                    self.verified = None  # what was verified was rolled back with the rest

    @property
    def left(self) -> Left:
        """What a step that failed has left in the database; of a verification nothing is."""
        return left_of(self.failure.end if self.failure else None, recorded=self.recorded, applied=self.applied)

    @property
    def took_ms(self) -> float | None:
        """How long the step took in milliseconds; None while it hasn't ended.

        The run's own measure, where there is one: the journal's times follow the server's clock, which may be set.
        """
        if self.measured_ms is not None or not self.finished_at:
            return self.measured_ms
        return between(self.started_at, self.finished_at)


@dataclass(frozen=True, slots=True)
class RunningStatement:
    """The statement that runs: where it stands and its first characters, masked."""

    step: int
    path: str
    line: int | None
    sql: str
    started_at: str


@dataclass(frozen=True, slots=True)
class LostTry:
    """A try that was lost; the next one comes `wait_ms` after `at`. `of` is how many there are."""

    step: int
    line: int | None
    number: int
    of: int
    why: str
    wait_ms: float
    at: str


@dataclass(frozen=True, slots=True)
class Invalid:
    """An index that a failed concurrent build left INVALID, and the statements that repair it."""

    step: int
    index: str
    repair: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class HookPicture:
    """A hook that was called, and what became of it, written down at a time (UTC); None: nobody knows yet."""

    to: str
    told: HookTold | None = None
    at: str = ""

    @property
    def words(self) -> str:
        """What became of it in a sentence, not safe to print."""
        one = self.told
        if one is None:
            return f"{self.to} was called, and what became of it isn't known"
        tries = "1 try" if one.tries == 1 else f"{one.tries} tries"
        if one.ok:
            how = "HTTP" if one.kind == "webhook" else "exit status"
            return f"told {one.to} ({how} {one.status}, {tries})"
        if not one.called:
            return f"{one.to} was not called: {one.problem}"
        return f"{one.to} was called and not told: {one.problem} ({tries})"


@dataclass(slots=True)
class RunPicture:
    """A run so far. `exit_status` stays None until the journal says that the run has ended."""

    run: str = ""
    command: str = ""
    environment: str = ""
    target: str = ""
    operator: str = ""
    host: str = ""
    planned_at: str = ""
    started_at: str = ""
    finished_at: str = ""
    steps: dict[int, StepPicture] = field(default_factory=dict)
    answers: list[tuple[str, GatePassed]] = field(default_factory=list)
    """Answers to the checklist, and when they were written down (UTC)."""
    evidence: dict[str, EvidenceKept] = field(default_factory=dict)
    """What the items of checklists hung on, by item; the last look at each."""
    restored: list[tuple[str, RowsRestored]] = field(default_factory=list)
    """Each `undo` of what the run had kept, and when it was (UTC)."""
    afterwards: dict[str, tuple[str, ItemAnswered]] = field(default_factory=dict)
    """Answers to the post-deployment checklist, by item, and when they were written down (UTC)."""
    hooks: dict[str, HookPicture] = field(default_factory=dict)
    """Whom it has told what it does, by the hook's name."""
    notices: list[tuple[str, str]] = field(default_factory=list)
    notices_kept: int | None = None
    """So many of the last notices are kept; None keeps all."""
    paused: bool = False
    paused_why: str = ""
    statement: RunningStatement | None = None
    activity: Activity | None = None
    activity_at: str = ""
    """When `activity` was seen (UTC)."""
    waiting_since: str = ""
    in_the_way: tuple[Blocker, ...] = ()
    """Who is in the way or, after a lost try, who was, until a try is won."""
    in_the_way_at: str = ""
    """When they were seen (UTC)."""
    unseen_way: bool = False
    """The last try was lost, and no look at it, or at one before, saw who was in the way."""
    lost: LostTry | None = None
    met: list[tuple[str, ...]] = field(default_factory=list)
    """Who was in the way of each try that was lost, until one is won."""
    lock_timeout_ms: int | None = None
    retries: int | None = None
    raised_ms: int | None = None
    invalid: list[Invalid] = field(default_factory=list)
    exit_status: int | None = None
    measured_ms: float | None = None
    result: str = ""
    summary: str = ""
    settled_at: str = ""
    """When a run that was cut off was settled; `finished_at` is when it was last heard of then."""
    unseen: bool = False
    """It was settled without a look at its server."""

    @property
    def done(self) -> int:
        """How many steps are done: recorded, though their verification may have failed; in a verify, passed."""
        return sum(step.recorded or step.state == "done" for step in self.steps.values())

    @property
    def took_ms(self) -> float | None:
        """How long its steps took together, in milliseconds: by the run's own measure, where there is one, for the
        journal's times follow the server's clock; None while it hasn't ended."""
        if self.measured_ms is not None or not self.finished_at or self.settled_at:
            return self.measured_ms
        return between(self.started_at or self.planned_at, self.finished_at)

    @property
    def recorded(self) -> list[StepPicture]:
        """The steps that the registry holds, in order."""
        return [step for step in self.steps.values() if step.recorded]

    @property
    def current(self) -> StepPicture | None:
        """The step that runs, or None."""
        return next((step for step in self.steps.values() if step.state == "running"), None)

    def add(self, entry: Entry) -> None:
        """Take one more event in. Events that aren't known change nothing."""
        self._follow(entry)
        at, event = entry.at, entry.event
        match event:
            case RunPlanned():
                self._planned(entry, event)
            case RunStarted():
                self.started_at = at
            case GatePassed():
                self.answers.append((at, event))
            case EvidenceKept():
                self.evidence[event.item] = event
            case ItemAnswered():  # of several answers to an item the last one counts; an empty one withdraws it
                self.afterwards.pop(event.item_id, None)
                if event.note:
                    self.afterwards[event.item_id] = (at, event)
            case HookCalled():
                self.hooks[event.hook] = HookPicture(event.to)
            case HookTold():
                self.hooks[event.hook] = HookPicture(event.to, event, at)
            case RowsRestored():
                self.restored.append((at, event))
            case RunPaused():
                self.paused, self.paused_why = True, event.why or ""
            case RunResumed():
                self.paused, self.paused_why = False, ""
            case SettingsChanged():
                self.lock_timeout_ms, self.retries = event.lock_timeout_ms or self.lock_timeout_ms, event.retries
            case LockTimeoutRaised():
                self.raised_ms = event.ms
            case IndexInvalid():
                self.invalid.append(Invalid(event.step, event.index, event.repair))
            case NoticeReceived():
                self._noticed(event.severity or "NOTICE", event.message)
            case Warned():
                self._noticed("WARNING", event.message)
            case RunFinished():
                self._finished(at, event)
            case _:
                self._add_to_step(at, event)

    @property
    def try_number(self) -> int:
        """Which try of the statement or the step this is; 1 unless one was lost."""
        return self.lost.number + 1 if self.lost is not None else 1

    def _follow(self, entry: Entry) -> None:
        """The statement that runs, and what goes on around it."""
        at = entry.at
        match entry.event:
            case StatementStarted() as begun:
                self._quiet()
                self.statement = RunningStatement(begun.step, begun.path, begun.line or None, begun.sql, at)
            case Activity() as activity:
                self.activity, self.activity_at = activity, at
                if not activity.waiting:
                    self.waiting_since = ""
                    if self.lost is None:  # else they are kept until the try after has won
                        self.in_the_way = ()
                elif not self.waiting_since:
                    self.waiting_since = at
                self._met(activity.blockers, at)
            case StatementFinished() as done:
                # A try that is won is over; what follows in a stepwise script has tries of its own.
                if self.lost is None or self.lost.line == done.line:
                    self._won()
                self._quiet()
            case StatementRetried() as tried:
                self._quiet()
                self.statement = None
                self._met(tried.blockers, at)
                self.unseen_way = not self.in_the_way
                self.met.append(tuple(one.name for one in tried.blockers if not one.ours and not one.depth))
                self.lost = LostTry(
                    tried.step, tried.line or None, tried.number or 1, tried.of, tried.why, tried.wait_ms, at
                )
            case StepStarted() as begun:
                self._quiet()
                self.statement = None
                if self.lost and self.lost.step != begun.step:
                    self._won()
            case StepCommitted() | StepRecorded() | StepFailed() | StepInDoubt() | RunFinished():
                self._quiet()
                self.statement = None
                self._won()
            case BlockerEnded(ok=True, how="terminate", pid=pid):
                self.in_the_way = tuple(one for one in self.in_the_way if one.pid != pid)

    def _noticed(self, severity: str, message: str) -> None:
        self.notices.append((severity, message))
        if self.notices_kept is not None and len(self.notices) > 2 * self.notices_kept:
            del self.notices[: -self.notices_kept]

    def _met(self, blockers: tuple[Blocker, ...], at: str) -> None:
        if blockers:
            self.in_the_way, self.in_the_way_at, self.unseen_way = blockers, at, False

    def _won(self) -> None:
        """No try is to come for now."""
        self.lost, self.in_the_way, self.unseen_way = None, (), False
        self.met.clear()

    def _quiet(self) -> None:
        self.activity, self.waiting_since, self.raised_ms = None, "", None

    def _planned(self, entry: Entry, plan: RunPlanned) -> None:
        self.run, self.planned_at = entry.run, entry.at
        self.command, self.environment, self.target = plan.command, plan.environment, plan.target
        self.operator, self.host = plan.operator, plan.host
        self.lock_timeout_ms, self.retries = plan.lock_timeout_ms, plan.retries
        for one in plan.steps:
            self.steps[one.number] = StepPicture(
                one.number,
                one.action or self.command,
                one.label or one.change,
                one.change,
                one.change_id,
                one.ticket or "",
                one.mode,
                one.verify,
            )

    def _finished(self, at: str, end: RunFinished) -> None:
        self.result, self.summary, self.paused = end.result, end.summary, False
        settled = end.result == "settled"
        self.finished_at = end.heard_at or ("" if settled else at)
        self.settled_at = at if settled else ""
        self.unseen = bool(end.unseen)
        self.exit_status, self.measured_ms = end.exit_status, end.ms

    def _add_to_step(self, at: str, event: AnyEvent) -> None:
        number = getattr(event, "step", None)
        step = self.steps.get(number) if isinstance(number, int) else None
        if isinstance(event, StepStarted):
            if step is None:
                step = self.steps[event.step] = StepPicture(event.step, self.command, event.change, event.change)
            step.state, step.started_at = "running", at
            step.mode = event.mode or step.mode
        elif step is not None:
            step.add(at, event)


def picture_of(entries: Iterable[Entry]) -> RunPicture:
    """The picture after these events, in the journal's order."""
    picture = RunPicture()
    for entry in entries:
        picture.add(entry)
    return picture
