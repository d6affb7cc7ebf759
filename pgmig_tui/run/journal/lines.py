"""The events of a run in words, as the command line prints them and the run screen's log shows them."""

from __future__ import annotations

from collections.abc import Mapping

from pgmig_tui.display import words
from pgmig_tui.display.activity import Activity, named, unseen_words
from pgmig_tui.display.cells import Line, Role, Span, line
from pgmig_tui.display.safe import safe
from pgmig_tui.run.journal.batches import BatchLines
from pgmig_tui.run.journal.entry import Entry
from pgmig_tui.run.journal.events import (
    AnyEvent,
    BlockerEnded,
    CommandReceived,
    EarlierRunSettled,
    GatePassed,
    HookTold,
    HostSlept,
    IndexInvalid,
    ItemAnswered,
    LockTimeoutRaised,
    LockWaited,
    LossCounted,
    NoticeReceived,
    Output,
    RolledBack,
    RowsRestored,
    RowsSaved,
    RunFinished,
    RunPaused,
    RunPlanned,
    RunResumed,
    RunSettled,
    SettingsChanged,
    StatementFinished,
    StatementRetried,
    StatementsFinished,
    StatementStarted,
    StepCommitted,
    StepFailed,
    StepInDoubt,
    StepRecorded,
    StepStarted,
    StepTried,
    StepVerified,
    Warned,
    WatcherCame,
    WatcherLeft,
)
from pgmig_tui.run.journal.left import left_of
from pgmig_tui.run.journal.picture import Failure, HookPicture, between

_DONE = {"deploy": "deployed", "revert": "reverted", "verify": "verified"}


_SETTLED: Mapping[str, tuple[str, str, Role]] = {
    "recorded": ("+ ", "settled: applied and recorded", "done"),
    "not_applied": ("- ", "settled: not applied", "muted"),
    "partly": ("! ", "settled: PARTLY APPLIED", "failed"),
}


class RunLines:
    """Turns events into lines, one at a time, and remembers what a later line must repeat: names and start times."""

    def __init__(self, whom: str = "us", *, every_statement: bool = False) -> None:
        """`whom` stands for the run where others wait behind it. A statement that took a second is told of, or each."""
        self._whom = whom
        self._every_statement = every_statement
        self._command = "deploy"
        self._steps: dict[int, str] = {}
        self._actions: dict[int, str] = {}
        self._started: dict[int, str] = {}
        self._told_of: tuple[object, ...] = ()
        self._batches = BatchLines()

    def add(self, entry: Entry) -> list[Line]:
        """The lines of one event, all safe to print; none for events that say nothing to a person, or unknown ones."""
        told = self._batches.add(entry)
        if told is None:
            told = self._told(entry.event, entry.at)
        time: Span = (words.time_of_day(entry.at), "muted")
        return [line(time, "  ", *spans) for spans in told]

    def _told(self, event: AnyEvent, at: str) -> list[Line]:
        match event:
            case RunPlanned():
                return self._planned(event)
            case StepStarted():
                return self._begun(event, at)
            case StepCommitted() | StepRecorded():
                return self._done(event.step, event.change, at, event.ms)
            case StepTried():
                return [line(("+ ", "done"), self._step(event.step, event.change), (" ran", "done"), _in(event.ms))]
            case StepVerified():
                return self._verified(event, at)
            case StepFailed():
                what = " verify FAILED" if event.verify else " FAILED"
                took = self._took(event.step, at, event.ms)
                head = line(("x ", "failed"), self._step(event.step, event.change), (what, "failed"), took)
                return [head, *_message(event), *_left(event)]
            case StepInDoubt():
                head = line(("? ", "failed"), self._step(event.step, event.change), (" IN DOUBT", "failed"))
                return [head, *_message(event), *_left(event)]
            case StatementStarted():
                self._told_of = ()
                return []
            case Activity():
                return self._activity(event)
            case StatementRetried():
                self._told_of = ()
                return _retried(event)
            case StatementFinished():
                return _finished(event) if event.ms >= 1000 or self._every_statement else []
            case RunSettled():
                return self._settled(event)
            case RunPaused():
                why = f" ({safe(event.why)})" if event.why else ""
                what = "batches" if self._command == "backfill" else "changes"
                return [line(("~ ", "waiting"), f"paused between two {what}{why}; no transaction is open")]
            case _:
                return _told_alone(event)

    def _step(self, number: int, change: str | None) -> str:
        return f"{number}/{len(self._steps) or '?'} {safe(self._steps.get(number) or change or '')}"

    def _took(self, step: int, at: str, ms: float | None) -> str:
        """How long a step took: by the run's own measure, where there is one."""
        return _in(between(self._started.get(step, ""), at) if ms is None else ms)

    def _done(self, step: int, change: str | None, at: str, ms: float | None = None) -> list[Line]:
        done = _DONE.get(self._actions.get(step, self._command), "done")
        return [line(("+ ", "done"), self._step(step, change), " ", (done, "done"), self._took(step, at, ms))]

    def _planned(self, plan: RunPlanned) -> list[Line]:
        self._command = plan.command or "deploy"
        for step in plan.steps:
            self._steps[step.number] = step.label or step.change
            self._actions[step.number] = step.action or self._command
        steps = words.count(len(self._steps), "change") if self._steps else "no change"
        return [line(("  ", "plain"), f"{self._command} {steps} on {safe(plan.environment or '?')}")]

    def _begun(self, step: StepStarted, at: str) -> list[Line]:
        self._started[step.step] = at
        self._steps.setdefault(step.step, step.change)
        self._actions.setdefault(step.step, step.action or self._command)
        told = {"stepwise": "  statement by statement", "record": "  recorded only"}
        mode = "" if self._actions[step.step] == "verify" else told.get(step.mode, "")
        extra: Span = (mode, "muted")
        return [line(("> ", "running"), self._step(step.step, step.change), extra)]

    def _verified(self, event: StepVerified, at: str) -> list[Line]:
        step = self._step(event.step, event.change)
        if event.ok:
            if self._actions.get(event.step) != "verify":
                return []
            if event.where == "none":
                why = safe(event.message or "it has no verify script")
                return [line((". ", "muted"), step, f" not verified: {why}")]
            return self._done(event.step, event.change, at)
        if event.where == "inside":
            return []  # step_failed follows, with the same message
        return [line(("x ", "failed"), step, (" verify FAILED", "failed")), *_message(event)]

    def _activity(self, now: Activity) -> list[Line]:
        """Once for each set of sessions that are waited for, and for each phase; the screen shows all in between."""
        key = (now.waiting, tuple((one.pid, one.prepared) for one in now.blockers), now.phase, now.note)
        if key == self._told_of:
            return []
        before, self._told_of = self._told_of, key
        where = f"line {now.line}: " if now.line else ""
        lines: list[Line] = []
        if now.waiting and key[:2] != before[:2]:
            lines.append(line(("~ ", "waiting"), where, ("WAITING", "waiting"), f" for {now.waits_for() or 'a lock'}"))
            for one in now.blockers:
                lines.append(line("  ", "  " * one.depth, (one.name, "strong"), "  ", one.about()))
                if one.query and not one.hidden:
                    lines.append(line("  ", "  " * one.depth, (f"  {safe(' '.join(one.query.split()))}", "muted")))
            if behind := now.behind(self._whom):
                lines.append(line(("    ", "plain"), (behind, "waiting")))
            if unseen := unseen_words(now):
                lines.append(line(("  ? ", "stale"), (unseen, "stale")))
        elif before and before[0] and not now.waiting:
            lines.append(line(("> ", "running"), where, "the wait is over"))
        if now.phase and now.phase not in before[2:3]:
            lines.append(line(("  ", "plain"), where, (now.progress(), "running")))
        if now.note and now.note not in before[3:]:
            lines.append(line(("! ", "waiting"), safe(now.note)))
        return lines

    def _settled(self, event: RunSettled) -> list[Line]:
        """What was found out later about a step of a run that was cut off."""
        outcome = event.outcome
        glyph, word, role = _SETTLED.get(outcome, ("? ", outcome or "?", "stale"))
        step = self._step(event.step, event.change)
        told = line((glyph, role), step, " ", (safe(word), role), f": {safe(event.message)}")
        stays = [line(("    stays: ", "muted"), safe(one)) for one in event.what_stays]
        return [told, *stays, *(line(("    repair: ", "muted"), safe(one)) for one in event.repair)]


def _told_alone(event: AnyEvent) -> list[Line]:
    """Events that need nothing of what was told before."""
    match event:
        case GatePassed():
            return _passed(event)
        case HookTold():
            mark: Span = ("+ ", "done") if event.ok else ("! ", "waiting")
            return [line(mark, f"hook {safe(event.hook)}: {safe(HookPicture(event.to, event).words)}")]
        case LossCounted():
            return [line(("! ", "waiting"), "would be lost: ", safe(event.told or "?"))]
        case RowsSaved():
            what = f"{words.count(event.rows, 'row')} of {safe(event.table or '?')} to {safe(event.keep or '?')}"
            return [line(("+ ", "done"), ("copied ", "done"), f"{what}; kept if this change commits")]
        case RowsRestored():
            return _restored(event)
        case ItemAnswered():
            item, note = safe(event.item_id or "an item"), safe(event.note)
            said: Span = (f"afterwards: {item}: {note}" if note else f"afterwards: {item} is open again", "plain")
            return [line(("+ ", "done") if note else (". ", "todo"), said)]
        case RolledBack():
            told = f" after {words.duration(event.ms)}: {safe(event.message)}"
            return [line(("< ", "waiting"), ("ROLLBACK", "strong"), told)]
        case LockTimeoutRaised():
            raised = f"lock_timeout {words.duration(event.ms)} for one try: {safe(event.why)}"
            return [line(("~ ", "waiting"), raised)]
        case SettingsChanged():
            timeout = words.duration(event.lock_timeout_ms)
            return [line(("  ", "plain"), f"from now on: lock_timeout {timeout}, {event.retries} retries")]
        case BlockerEnded():
            return _ended(event)
        case IndexInvalid():
            index: Span = (f"the index {safe(event.index or '?')} is left INVALID", "failed")
            head = line(("x ", "failed"), index, "; either of these repairs it:")
            return [head, *(line("      ", (safe(one), "strong")) for one in event.repair)]
        case WatcherCame():  # who started the run is no news
            who: Span = (f"watched by {safe(event.who or '?')}", "muted")
            return [] if event.started else [line(("  ", "plain"), who)]
        case WatcherLeft():
            return [line(("  ", "plain"), (f"{safe(event.who or '?')} has left", "muted"))]
        case StatementsFinished():
            where = f"lines {event.from_line} to {event.to_line}"
            many = words.count(event.count, "statement")
            return [line((f"  {where}: {many} in {words.duration(event.ms)}", "muted"))]
        case LockWaited():
            return _waited(event)
        case NoticeReceived():
            severity = safe(event.severity or "NOTICE")
            role: Role = "waiting" if severity == "WARNING" else "muted"
            return [line((f"  {severity}: ", role), safe(event.message))]
        case Output():
            text = safe(event.text.rstrip("\n"), multiline=True)
            return [line(("  | ", "muted"), part) for part in text.split("\n")]
        case Warned():
            return [line(("! ", "waiting"), safe(event.message))]
        case EarlierRunSettled():
            told = f"the run {event.settled or '?'}, which was cut off, is settled: {event.message or '?'}"
            return [line(("+ ", "done"), safe(told))]
        case HostSlept():
            return [line(("~ ", "waiting"), f"the host slept for {event.seconds} s: looking around")]
        case RunResumed():
            return [line(("> ", "running"), "going on")]
        case CommandReceived():
            command, *arguments = (event.command or "?").split(" ")
            verb, blocker, _ = command.partition("_blocker")
            told = f"{verb} pid {arguments[0]}" if blocker and arguments else " ".join((command, *arguments))
            return [line(("  ", "plain"), f"asked to {safe(told)}")]
        case RunFinished():
            return _end(event)
    return []


def _in(ms: float | None) -> str:
    return "" if ms is None else f" in {words.duration(ms)}"


def _passed(event: GatePassed) -> list[Line]:
    how = {"attest": "attested", "override": "OVERRIDDEN", "emergency": "EMERGENCY"}.get(event.how, "passed")
    item, note = safe(event.item_id or "an item"), safe(event.note)
    role: Role = "done" if event.how == "attest" else "waiting"
    return [line(("+ ", role), f"checklist: {item} ", (how, role), f": {note}" if note else "")]


def _restored(event: RowsRestored) -> list[Line]:
    names = list(dict.fromkeys(one.source for one in event.restored))
    equal = all(one.equal for one in event.restored)
    mark: Span = ("+ ", "done") if equal else ("! ", "waiting")
    more = "" if equal else ", NOT equal to what was kept"
    told = line(mark, safe(f"brought back {words.listing(names)}{more}, by {event.by or '?'}"))
    return [told, line("  ", safe(f"accepted: the loss of {event.accepted}"))] if event.accepted else [told]


def _retried(event: StatementRetried) -> list[Line]:
    where = f"line {event.line}: " if event.line else ""
    lost = f"try {event.number} of {event.of} is lost"
    why, who = safe(event.why or event.sqlstate or "?"), named(event.blockers)
    why += f", behind {who}" if who else ""
    after = words.duration(event.wait_ms)
    return [line(("~ ", "waiting"), where, (lost, "waiting"), f": {why}; the next in {after}")]


def _ended(event: BlockerEnded) -> list[Line]:
    how = "cancelled" if event.how == "cancel" else "terminated"
    message = f": {safe(event.message)}" if event.message else ""
    if event.ok:
        return [line(("+ ", "done"), f"pid {event.pid} {how}{message}")]
    return [line(("x ", "failed"), (f"pid {event.pid} was not {how}", "failed"), message)]


def _finished(event: StatementFinished) -> list[Line]:
    tag = f" {safe(event.tag)}" if event.tag else ""
    return [line((f"  line {event.line}:{tag}", "muted"), f" took {words.duration(event.ms)}")]


def _waited(event: LockWaited) -> list[Line]:
    if event.holder is not None:
        holder = safe(event.holder or "a session that can't be seen")
        return [line(("~ ", "waiting"), f"another run works on this database: {holder}; waiting")]
    what = safe(event.relation or event.message or "a lock")
    where = f"line {event.line}: " if event.line else ""
    return [line(("~ ", "waiting"), where, f"waited {words.duration(event.ms or 0)} for {what}")]


def _message(event: StepFailed | StepInDoubt | StepVerified) -> list[Line]:
    failure = Failure.of(event)
    where, state = safe(failure.where), safe(failure.sqlstate)
    message: Span = (safe(failure.message), "strong")
    lines = [line("    ", where, ": " if where else "", message, f" [{state}]" if state else "")]
    return lines + [line(f"    {name}: ", safe(text)) for name, text in failure.notes]


def _left(event: StepFailed | StepInDoubt) -> list[Line]:
    left = left_of(event)
    if left.kind == "nothing":
        return [line(f"    {left.sentences[0]}")]
    return [line(("    what stays:", "waiting")), *(line(f"      {one}") for one in left.sentences)]


def _end(event: RunFinished) -> list[Line]:
    good = event.exit_status == 0
    glyph: Span = ("+ ", "done") if good else ("x ", "failed")
    summary = safe(event.summary or event.result)
    done: Span = (f"{event.done} of {event.total} done", "strong")
    lines = [line(glyph, done, f": {summary}" if summary and not good else "")]
    if good and not event.total:
        lines = [line(glyph, summary)]
    return lines + [line("    ", safe(text)) for text in (event.now, event.do) if text]
