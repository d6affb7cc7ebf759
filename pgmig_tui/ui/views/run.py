"""What the run screen says: pure functions from a run's picture to lines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

from pgmig_tui.display.activity import (
    Blocker,
    aged,
    blocker_lines,
    holds_words,
    named,
    progress_line,
    unseen_words,
)
from pgmig_tui.display.cells import Line, Role, Span, cut, pad, point, sides, width, wrap
from pgmig_tui.display.names import told_apart, without_stamps
from pgmig_tui.display.safe import safe
from pgmig_tui.display.words import clock, duration
from pgmig_tui.report.run_report import most_done
from pgmig_tui.run.journal.picture import RunPicture, StepPicture
from pgmig_tui.ui.backend.protocol import EnvironmentFacts
from pgmig_tui.ui.views.course import BESIDE, times, times_head, times_width, tries_lines

_GLYPHS: dict[str, tuple[str, Role]] = {
    "todo": (".", "todo"),
    "running": (">", "running"),
    "done": ("+", "done"),
    "failed": ("x", "failed"),
    "unknown": ("?", "stale"),
}
NOT_SEEN = "who was in the way of the last try was not seen"
"""It was over before a look at it was."""
_MET = 3
"""So many of those who were in the way of a step that failed are told of."""
AROUND = 4
"""Lines of a script that are shown before and after the one that failed."""


def moment(text: str) -> datetime | None:
    """A time of the journal; None for a text that is none."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def seconds_since(text: str, now: datetime) -> float:
    """Seconds from a time of the journal to `now`, never less than none."""
    began = moment(text)
    return max(0.0, (now - began).total_seconds()) if began is not None else 0.0


def headline(picture: RunPicture, *, alive: bool, now: datetime, asked: str, columns: int) -> Line:
    """How far it is and what it does. The change's name is cut first, the wait and its blocker never."""
    total = len(picture.steps)
    if not total:
        return ((" reading the journal ...", "muted"),)
    most = most_done(picture, cut_off=not alive)
    head: Span = (f" {picture.done}{f' to {most}' if most > picture.done else ''}/{total} ", "strong")
    if picture.exit_status is not None:
        good = picture.exit_status == 0
        word = "+ DONE" if good else "x IN DOUBT" if picture.exit_status == 4 else "x STOPPED"
        return (head, (f"{word}  {safe(picture.summary or picture.result)}", "done" if good else "failed"))
    if not alive:
        return (head, ("x the run process exited without recording an end", "failed"))
    if picture.paused:
        why = f" ({safe(picture.paused_why)})" if picture.paused_why else ""
        return (head, (f"~ PAUSED between two changes{why}, no transaction is open; p goes on", "waiting"))
    step = picture.current
    if step is None:
        return (head, ("> starting", "running"))
    spans = _state_spans(picture, step, now)
    if asked:
        spans.append((f"  asked to {asked}", "waiting"))
    if step.mode == "stepwise":
        spans.append(("  no transaction around it", "waiting"))
    if step.waited_ms:
        spans.append((f"  waited {duration(step.waited_ms)} for locks", "waiting"))
    room = columns - width(head[0]) - 2
    name = safe(step.change)
    least = min(width(name), 8)
    while len(spans) > 1 and least + sum(width(text) for text, _role in spans) > room:
        spans.pop()
    rest = room - sum(width(text) for text, _role in spans)
    form = told_apart(tuple(safe(one.change) for one in picture.steps.values()), max(rest, 8))[name]
    return (head, ("> ", "running"), (form, "running"), *spans)


def _state_spans(picture: RunPicture, step: StepPicture, now: datetime) -> list[Span]:
    activity = picture.activity
    if activity is not None and activity.waiting:
        target = f" for {cut(activity.waits_for(), 40)}" if activity.blockers else " for a lock"
        waited = clock(seconds_since(picture.waiting_since, now))[3:]
        return [(f"  ~ WAITING {waited}{target}", "waiting"), *_try_span(picture)]
    lost = picture.lost
    if lost is not None and picture.statement is None:
        left = lost.wait_ms / 1000 - seconds_since(lost.at, now)
        following = f"next in {duration(left * 1000)}" if left > 0.05 else "next try now"
        who = f", behind {cut(named(picture.in_the_way), 40)}" if picture.in_the_way else ""
        return [
            (f"  ~ try {lost.number} of {lost.of} lost: {safe(lost.why)}{who}", "waiting"),
            (f"; {following}", "waiting"),
        ]
    return [(f"  {clock(seconds_since(step.started_at, now))}", "plain"), *_try_span(picture)]


def _try_span(picture: RunPicture) -> list[Span]:
    return [(f"  try {picture.try_number} of {picture.lost.of}", "waiting")] if picture.lost is not None else []


Kept = dict[int, tuple[StepPicture, object, Line]]
"""Lines of steps by number, each with what it was made of: a run has hundreds, and draws them again every second."""


def step_names(
    steps: Sequence[StepPicture], columns: int, estimates: Mapping[int, float] | None = None
) -> Mapping[str, str]:
    """The name of each change -> how it stands in the list at the left, for want of room."""
    return _fitted(steps, columns, estimates or {}).forms


def step_lines(
    steps: Sequence[StepPicture],
    columns: int,
    *,
    gone: bool = False,
    estimates: Mapping[int, float] | None = None,
    now: datetime | None = None,
    kept: Kept | None = None,
) -> list[Line]:
    """The list at the left: state, number, name, what was estimated (milliseconds, by number) and what it took. `gone`:
    nobody carries it on any more."""
    estimates = estimates or {}
    kept = {} if kept is None else kept
    names = _fitted(steps, columns, estimates)
    head = times_head(columns, estimates)
    lines = [head] if head and steps else []
    for step in steps:
        shape = (names, columns, gone, bool(estimates), estimates.get(step.number))
        known = kept.get(step.number)
        if known is not None and known[0] is step and known[1] == shape and step.state != "running":
            lines.append(known[2])
            continue
        told = times(step, columns, estimates, now, gone=gone, longest=names.longest)
        line = (*_step_spans(step, pad(names.forms[safe(step.change)], names.room), gone), *told)
        kept[step.number] = (step, shape, line)
        lines.append(line)
    return lines


@dataclass(frozen=True, slots=True, eq=False)
class _Fitted:
    """Names of changes as they fit beside their times. `longest` and `room` are columns."""

    longest: int
    room: int
    forms: Mapping[str, str]


def _fitted(steps: Sequence[StepPicture], columns: int, estimates: Mapping[int, float]) -> _Fitted:
    return _fit(tuple(safe(step.change) for step in steps), columns, bool(estimates))


@lru_cache(maxsize=16)
def _fit(names: tuple[str, ...], columns: int, estimated: bool) -> _Fitted:
    longest = without_stamps(names)
    room = max(8, columns - BESIDE - times_width(columns, estimated=estimated, longest=longest))
    return _Fitted(longest, room, told_apart(names, room))


def _step_spans(step: StepPicture, name: str, gone: bool) -> tuple[Span, Span]:
    glyph, role = _GLYPHS["unknown" if gone and step.state == "running" else step.state]
    return ((f" {glyph} ", role), (f"{step.number:>3} {name} ", role if step.state != "done" else "plain"))


def current_lines(picture: RunPicture, *, ended: bool, now: datetime, columns: int, keys: bool = True) -> list[Line]:
    """The statement that runs, how far it is, who is in its way, what the run holds and who waits for it."""
    statement = picture.statement
    if statement is None:
        return _between_lines(picture, now, columns, keys=keys)
    since = clock(seconds_since(statement.started_at, now)) if not ended else ""
    where = f" line {statement.line if statement.line is not None else '?'}  {safe(statement.path)}"
    lines: list[Line] = [sides([(where, "muted")], [(f" {since}", "running")], columns)]
    activity = picture.activity
    if activity is not None:
        activity = activity.aged(max(0.0, seconds_since(picture.activity_at, now) * 1000))
    sql = [text for text in statement.sql.splitlines() if text.strip()]
    for text in sql[: 2 if activity is not None and activity.blockers else 6]:
        lines += wrap(safe(text), columns, "plain", indent=" ")[:2]
    lines += tries_lines(picture, columns)
    if activity is None:
        return lines + _last_in_the_way(picture, now, columns, keys=keys)
    if activity.phase or activity.percent is not None:
        lines.append(progress_line(activity, columns))
    if activity.waiting and not activity.blockers:
        lines += wrap("WAITING for a lock; nobody can be seen who holds it", columns, "waiting", indent=" ")
    if activity.blockers:
        title = "BLOCKED BY" if activity.waiting else "in the way"
        hint = "   K: cancel or terminate it.." if keys else ""
        lines.append(((f" {title}", "failed"), (hint, "muted")))
        lines += blocker_lines(activity.blockers, columns)
    elif picture.lost is not None and not activity.waiting:
        lines += _last_in_the_way(picture, now, columns, keys=keys)
    if behind := activity.behind():
        lines += wrap(behind, columns, "failed" if activity.waiting else "waiting", indent=" ")
    if picture.raised_ms is not None:
        lines += wrap(f"lock_timeout {duration(picture.raised_ms)} for this try", columns, "waiting", indent=" ")
    if activity.note:
        lines += point(f"! {safe(activity.note)}", columns, "waiting")
    if unseen := unseen_words(activity):
        lines += point(f"? {unseen}", columns, "stale")
    if activity.holds:
        lines += point(f"we hold {holds_words(activity)}", columns, "muted")
    return lines


def next_words(environment: EnvironmentFacts | None) -> str:
    """What to do about a run whose process has exited without recording an end."""
    name = safe(environment.name) if environment is not None else "ENVIRONMENT"
    return f"d on home looks at what it has left, and settles it; so does `pgmig-tui reconcile {name}`"


def gone_lines(picture: RunPicture, columns: int) -> list[Line]:
    """Of a run whose process has exited without recording an end: what it was heard of last. What has become of that,
    only the server can say."""
    step, statement = picture.current, picture.statement
    assert step is not None, "it has begun one"
    told = f"whether {step.change} was applied is not known from here"
    lines = point(f"? {safe(told)}", columns, "stale")
    lines += wrap("its statement may still run on the server: l lists sessions", columns, "plain", indent="   ")
    if statement is not None:
        where = f"it was last heard of at line {statement.line if statement.line is not None else '?'}"
        lines += wrap(f"{where} of {safe(statement.path)}:", columns, "muted", indent="   ")
        for text in [text for text in statement.sql.splitlines() if text.strip()][:6]:
            lines += wrap(safe(text), columns, "muted", indent="   ")[:2]
    return lines


def in_the_way(picture: RunPicture, now: datetime) -> tuple[Blocker, ...]:
    """Who is in the way or, between two tries, who was, as old as they are by now."""
    return aged(picture.in_the_way, seconds_since(picture.in_the_way_at, now) * 1000)


def _between_lines(picture: RunPicture, now: datetime, columns: int, *, keys: bool = True) -> list[Line]:
    lost = picture.lost
    if lost is None:
        return [((" no statement runs now", "muted"),)]
    left = max(0.0, lost.wait_ms / 1000 - seconds_since(lost.at, now))
    where = f"line {lost.line}: " if lost.line else ""
    lines = wrap(f"{where}try {lost.number} of {lost.of} is lost: {safe(lost.why)}", columns, "waiting", indent=" ")
    lines += wrap("nothing is held meanwhile, so that the queue drains", columns, "muted", indent=" ")
    if picture.steps[lost.step].mode == "stepwise" if lost.step in picture.steps else False:
        lines = lines[:-1]
    lines += tries_lines(picture, columns)
    lines.append(((f" the next try comes in {duration(left * 1000)}{'; r: now' if keys else ''}", "plain"),))
    return lines + _last_in_the_way(picture, now, columns, keys=keys)


def _last_in_the_way(picture: RunPicture, now: datetime, columns: int, *, keys: bool) -> list[Line]:
    if picture.unseen_way:
        return point(f"? {NOT_SEEN}", columns, "stale")
    if not picture.in_the_way:
        return []
    hint = "   K: cancel or terminate it.." if keys else ""
    head: Line = ((" LAST IN THE WAY", "failed"), (hint, "muted"))
    return [head, *blocker_lines(in_the_way(picture, now), columns)]


def failure_lines(
    picture: RunPicture, step: StepPicture, script: Sequence[str], columns: int, *, copies: bool = False
) -> list[Line]:
    """What failed: change, file and line, state, message, lines around, what was committed and what not. `copies`: `y`
    copies the repair of an index there."""
    failure = step.failure
    mark = "? IN DOUBT" if step.left.kind == "unknown" else "x FAILED"
    lines = _short(f"{mark} {safe((failure.change if failure else '') or step.change)}", columns, 2, "failed")
    if failure is None:
        return lines
    state = f"  SQLSTATE {safe(failure.sqlstate)}" if failure.sqlstate else ""
    lines += _short(f"{safe(failure.where)}{state}", columns, 2, "muted")
    lines += _short(safe(failure.message), columns, 5, "strong")
    for name, text in failure.notes:
        if name != "do":
            lines += _short(f"{name}: {safe(text)}", columns, 3)
    if met := failure.blockers:
        lines += _short("in the way when the last try was lost (l: locks):", columns, 2, "waiting")
        lines += blocker_lines(met[:_MET], columns)
    lines += state_lines(step, columns)
    for index in picture.invalid:
        if index.step in (0, step.number):
            told = f"the index {safe(index.index)} is left INVALID; either of these repairs it"
            told += " (y copies):" if copies else ":"
            lines += _short(told, columns, 3, "failed")
            for sql in index.repair:
                lines += _short(safe(sql), columns, 2, "strong", indent="   ")
    if script and failure.line:
        lines += excerpt(script, failure.line, columns)
    return lines


def _short(text: str, columns: int, most: int, role: Role = "plain", *, indent: str = " ") -> list[Line]:
    """A text folded to at most so many lines: a long message must not push what can be done out of sight. The log has
    it all."""
    lines = wrap(text, columns, role, indent=indent, hanging=f"{indent}  ")
    if len(lines) > most:
        lines = [*lines[: most - 1], ((f"{indent}  .. the log has all of it", "muted"),)]
    return lines


def state_lines(step: StepPicture, columns: int) -> list[Line]:
    """What was committed of a step that failed, and what not."""
    if step.action == "verify":
        return []
    left = step.left
    if left.kind == "nothing":
        return wrap(left.sentences[0], columns, "done", indent=" ")
    lines: list[Line] = []
    for text in left.sentences:
        lines += _short(f"stays: {text}", columns, 2, "waiting")
    return lines


def excerpt(script: Sequence[str], number: int, columns: int, around: int = AROUND) -> list[Line]:
    """The lines of a script around line `number` (1-based), which is marked by a glyph and a colour."""
    first, last = max(1, number - around), min(len(script), number + around)
    digits = len(str(last))
    lines: list[Line] = []
    for index in range(first, last + 1):
        at = index == number
        role: Role = "failed" if at else "plain"
        text = cut(safe(script[index - 1]), columns - digits - 6)
        lines.append(((f" {'x>' if at else '  '} {index:>{digits}} ", "failed" if at else "muted"), (text, role)))
    return lines
