"""What a journal says, folded into one picture of the run. Live view, attaching and reports read the same picture."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from pgmig_tui.display.activity import Activity, Blocker
from pgmig_tui.display.left import Left, left_of
from pgmig_tui.display.run_lines import between

StepState = Literal["todo", "running", "done", "failed"]


class EventLike(Protocol):
    """An event of `run.journal.events`: `at` is ISO 8601 in UTC, `data` the fields of the event's name."""

    @property
    def at(self) -> str: ...
    @property
    def run(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def data(self) -> Mapping[str, Any]: ...


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
    failure: Mapping[str, Any] | None = None
    recorded: bool = False
    """The registry holds its outcome, as far as the run could see: it stands, also where its verification failed."""
    applied: bool = False
    """Its script was carried out to the end, which for one that isn't a transaction comes before its record."""

    @property
    def left(self) -> Left:
        """What a step that failed has left in the database; of a verification nothing is."""
        return left_of({"applied": self.applied, **(self.failure or {})}, recorded=self.recorded)

    @property
    def took_ms(self) -> float | None:
        """How long the step took in milliseconds; None while it hasn't ended.

        The run's own measure, where there is one: the journal's times follow the server's clock, which may be set.
        """
        if self.measured_ms is not None or not self.finished_at:
            return self.measured_ms
        return between(self.started_at, self.finished_at)


@dataclass(frozen=True, slots=True)
class Statement:
    """The statement that runs: where it stands and its first characters, masked."""

    step: int
    path: str
    line: int | None
    sql: str
    started_at: str


@dataclass(frozen=True, slots=True)
class Lost:
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
    answers: list[Mapping[str, Any]] = field(default_factory=list)
    restored: list[Mapping[str, Any]] = field(default_factory=list)
    """Each `undo` of what the run had kept."""
    afterwards: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    """Answers to the list for afterwards, by item."""
    notices: list[tuple[str, str]] = field(default_factory=list)
    paused: bool = False
    paused_why: str = ""
    statement: Statement | None = None
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
    lost: Lost | None = None
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

    def add(self, event: EventLike) -> None:
        """Take one more event in. Events with names that aren't known change nothing."""
        data = event.data
        self._follow(event)
        if event.name in _RUN_EVENTS:
            _RUN_EVENTS[event.name](self, event)
        elif event.name == "notice_received":
            self.notices.append((str(data.get("severity") or "NOTICE"), str(data.get("message") or "")))
        elif event.name == "warning":
            self.notices.append(("WARNING", str(data.get("message") or "")))
        elif "step" in data:
            self._add_to_step(event)

    @property
    def try_number(self) -> int:
        """Which try of the statement or the step this is; 1 unless one was lost."""
        return self.lost.number + 1 if self.lost is not None else 1

    def _follow(self, event: EventLike) -> None:
        """The statement that runs, and what goes on around it."""
        data = event.data
        match event.name:
            case "statement_started":
                self._quiet()
                self.statement = Statement(
                    _whole(data.get("step")) or 0,
                    str(data.get("path") or ""),
                    _whole(data.get("line")),
                    str(data.get("sql") or ""),
                    event.at,
                )
            case "activity":
                self.activity, self.activity_at = Activity.of(data), event.at
                if not self.activity.waiting:
                    self.waiting_since, self.in_the_way = "", ()
                elif not self.waiting_since:
                    self.waiting_since = event.at
                self._met(self.activity.blockers, event.at)
            case "statement_finished":
                # A try that is won is over; what follows in a stepwise script has tries of its own.
                if self.lost is None or self.lost.line == _whole(data.get("line")):
                    self._won()
                self._quiet()
            case "statement_retried":
                self._quiet()
                self.statement = None
                self._met(Activity.of(data).blockers, event.at)
                self.unseen_way = not self.in_the_way
                self.lost = Lost(
                    _whole(data.get("step")) or 0,
                    _whole(data.get("line")),
                    _whole(data.get("try")) or 1,
                    _whole(data.get("of")) or 0,
                    str(data.get("why") or ""),
                    _number(data.get("wait_ms")) or 0.0,
                    event.at,
                )
            case "step_started" | "step_committed" | "step_recorded" | "step_failed" | "step_in_doubt" | "run_finished":
                self._quiet()
                self.statement = None
                if event.name != "step_started" or (self.lost and self.lost.step != _whole(data.get("step"))):
                    self._won()
            case "blocker_ended" if data.get("ok") and data.get("how") == "terminate":
                self.in_the_way = tuple(one for one in self.in_the_way if one.pid != _whole(data.get("pid")))

    def _met(self, blockers: tuple[Blocker, ...], at: str) -> None:
        if blockers:
            self.in_the_way, self.in_the_way_at, self.unseen_way = blockers, at, False

    def _won(self) -> None:
        """No try is to come for now."""
        self.lost, self.in_the_way, self.unseen_way = None, (), False

    def _quiet(self) -> None:
        self.activity, self.waiting_since, self.raised_ms = None, "", None

    def _add_to_step(self, event: EventLike) -> None:
        data = event.data
        number = int(data["step"] or 0)
        step = self.steps.get(number)
        if step is None:
            if event.name != "step_started":
                return
            change = str(data.get("change") or "")
            step = self.steps[number] = StepPicture(number, self.command, change, change)
        match event.name:
            case "step_started":
                step.state, step.started_at = "running", event.at
                step.mode = str(data.get("mode") or step.mode)
            case "statement_finished":
                step.statements += 1
            case "statements_finished":
                step.statements += int(data.get("count") or 0)
            case "run_settled":
                step.recorded = data.get("outcome") == "recorded"
                step.state = "done" if step.recorded else "failed"
                if step.state == "failed":
                    step.failure = data
            case "step_applied":
                step.applied = True
            case "statement_retried":
                step.tries_lost += 1
            case "lock_waited":
                step.waited_ms += float(data.get("ms") or 0)
            case "step_verified":
                # Without a script there was nothing to pass: its message says why.
                step.verified = None if data.get("ok") and data.get("where") == "none" else bool(data.get("ok"))
                step.unverified = str(data.get("message") or "") if step.verified is None else ""
                if step.action == "verify":
                    step.state, step.finished_at = "done" if data.get("ok") else "failed", event.at
                if not data.get("ok"):
                    step.state, step.failure = "failed", {"committed": data.get("where") == "after", **data}
            case "step_committed" | "step_recorded" | "step_tried":
                step.finished_at, step.measured_ms = event.at, _number(data.get("ms"))
                step.recorded = event.name != "step_tried"
                if step.state != "failed":
                    step.state = "done"
            case "step_failed" | "step_in_doubt":
                doubt = {"in_doubt": True} if event.name == "step_in_doubt" else {}
                step.state, step.finished_at, step.failure = "failed", event.at, {**doubt, **data}
                step.measured_ms = _number(data.get("ms"))
                if event.name == "step_failed" and not data.get("verify"):
                    step.verified = None  # what was verified was rolled back with the rest


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def _whole(value: object) -> int | None:
    return int(value) if isinstance(value, int | float) else None


def _planned(picture: RunPicture, event: EventLike) -> None:
    data = event.data
    picture.lock_timeout_ms, picture.retries = _whole(data.get("lock_timeout_ms")), _whole(data.get("retries"))
    picture.run, picture.planned_at = event.run, event.at
    picture.command = str(data.get("command") or "")
    picture.environment = str(data.get("environment") or "")
    picture.target = str(data.get("target") or "")
    picture.operator = _operator(data.get("operator"))
    picture.host = str(data.get("host") or "")
    for step in data.get("steps") or ():
        number = int(step.get("number") or 0)
        picture.steps[number] = StepPicture(
            number,
            str(step.get("action") or picture.command),
            str(step.get("label") or step.get("change") or ""),
            str(step.get("change") or ""),
            str(step.get("change_id") or ""),
            str(step.get("mode") or ""),
            str(step.get("verify") or ""),
        )


def _operator(value: object) -> str:
    if isinstance(value, Mapping):
        name, email = value.get("name", ""), value.get("email", "")
        return f"{name} <{email}>" if email else str(name)
    return str(value or "")


def _started(picture: RunPicture, event: EventLike) -> None:
    picture.started_at = event.at


def _answer(picture: RunPicture, event: EventLike) -> None:
    picture.answers.append({**event.data, "at": event.at})


def _afterwards(picture: RunPicture, event: EventLike) -> None:
    """Of several answers to an item of the list for afterwards the last one counts; an empty one takes it back."""
    item = str(event.data.get("item_id") or "")
    picture.afterwards.pop(item, None)
    if event.data.get("note"):
        picture.afterwards[item] = {**event.data, "at": event.at}


def _restored(picture: RunPicture, event: EventLike) -> None:
    picture.restored.append({**event.data, "at": event.at})


def _paused(picture: RunPicture, event: EventLike) -> None:
    picture.paused = event.name == "run_paused"
    picture.paused_why = str(event.data.get("why") or "") if picture.paused else ""


def _settings(picture: RunPicture, event: EventLike) -> None:
    picture.lock_timeout_ms = _whole(event.data.get("lock_timeout_ms")) or picture.lock_timeout_ms
    retries = _whole(event.data.get("retries"))
    picture.retries = picture.retries if retries is None else retries


def _raised(picture: RunPicture, event: EventLike) -> None:
    picture.raised_ms = _whole(event.data.get("ms"))


def _invalid(picture: RunPicture, event: EventLike) -> None:
    data = event.data
    repair = tuple(str(one) for one in data.get("repair") or ())
    picture.invalid.append(Invalid(_whole(data.get("step")) or 0, str(data.get("index") or ""), repair))


def _finished(picture: RunPicture, event: EventLike) -> None:
    picture.result = str(event.data.get("result") or "")
    heard_at, settled = str(event.data.get("heard_at") or ""), picture.result == "settled"
    picture.finished_at, picture.paused = heard_at or ("" if settled else event.at), False
    picture.settled_at = event.at if settled else ""
    picture.unseen = bool(event.data.get("unseen"))
    picture.exit_status = int(event.data.get("exit_status", 1))
    picture.measured_ms = _number(event.data.get("ms"))
    picture.summary = str(event.data.get("summary") or "")


_RUN_EVENTS = {
    "run_planned": _planned,
    "run_started": _started,
    "gate_passed": _answer,
    "item_answered": _afterwards,
    "rows_restored": _restored,
    "run_paused": _paused,
    "run_resumed": _paused,
    "settings_changed": _settings,
    "lock_timeout_raised": _raised,
    "index_invalid": _invalid,
    "run_finished": _finished,
}


def picture_of(events: Iterable[EventLike]) -> RunPicture:
    """The picture after these events, in the journal's order."""
    picture = RunPicture()
    for event in events:
        picture.add(event)
    return picture
