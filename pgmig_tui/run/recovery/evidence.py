"""What became of a stepwise step that was cut off: its journal, its script, and the server's catalog."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from pgmig_tui.database import traces
from pgmig_tui.database.connect import Connection, ServerError
from pgmig_tui.run.journal.frozen import RecordedFiles, recorded_view
from pgmig_tui.run.journal.position import OpenStatement, Position
from pgmig_tui.run.journal.run_plan import RunPlan, Step
from pgmig_tui.run.recovery.compare import became
from pgmig_tui.run.recovery.rewrites import Rewrite, became_of
from pgmig_tui.script.statement import Statement

Outcome = Literal["recorded", "not_applied", "unrecorded", "partly", "unknown"]
Effect = Literal["applied", "not", "broken", "again", "unknown"]
"""applied, not, broken: it left something half done · again: repeating it changes nothing that doing it once hasn't."""


@dataclass(frozen=True, slots=True)
class StepOutcome:
    """What became of one step. `stays` names what was committed of a script that was not carried out to its end, `line`
    where it stopped, `why` the evidence, `repair` the statements that would take away what is broken."""

    step: Step
    outcome: Outcome
    why: str
    line: int | None = None
    stays: tuple[str, ...] = ()
    repair: tuple[str, ...] = ()
    unsent: bool = False
    """Of an unknown one: a part of its script was certainly never sent."""


@dataclass(frozen=True, slots=True)
class Trace:
    """What the catalog says of one statement."""

    effect: Effect
    why: str
    repair: tuple[str, ...] = ()


def stepwise_verdict(connection: Connection, plan: RunPlan, step: Step, at: Position) -> StepOutcome:
    """The verdict on a step without a record. Raises ServerError."""
    found = _by_its_journal(connection, plan, step, at)
    if found.outcome == "not_applied" or _same_timeline(connection, plan):
        return found
    why = f"{found.why}; the server has failed over since, and may lack what was committed last"
    stays = tuple(f"{told} (unless the failover has lost it)" for told in found.stays)
    return replace(found, outcome="unknown", why=why, stays=stays)


def _by_its_journal(connection: Connection, plan: RunPlan, step: Step, at: Position) -> StepOutcome:
    """The same where the server that answers has all that it has ever said to be committed."""
    if at.applied:
        return StepOutcome(step, "unrecorded", "its script was carried out to the end, and the record is missing")
    stays = tuple(at.stays)
    last, line = at.last, at.line
    found = None
    if (statement := at.open) is not None:
        answered = bool(at.failed) and not at.in_doubt
        if answered and at.halves:
            why = f"line {statement.line} failed, and may have committed part of its work: {at.failed}"
            return StepOutcome(step, "partly", why, statement.line, (*stays, *at.halves))
        found = _trace(connection, plan, statement)
        if answered and found.effect != "broken":
            found = Trace("not", f"line {statement.line} failed: {at.failed}")
        elif statement.commits is False:
            found = Trace("not", f"the transaction around line {statement.line} was rolled back")
        if found.effect == "unknown":
            unsent = _never_sent(plan, step, at, statement)
            return StepOutcome(step, "unknown", found.why + unsent, statement.line, stays, unsent=bool(unsent))
        if found.effect in ("broken", "again"):
            return StepOutcome(step, "partly", found.why, statement.line, stays, found.repair)
        if found.effect == "applied":
            last, line = at.behind(statement), statement.end_line
            told = f"line {statement.line}: {' '.join(statement.sql.split())[:120].rstrip('; ')}"
            stays = (*stays, *at.pending) if statement.kind == "COMMIT" else (*stays, told)
    if not stays:
        return StepOutcome(step, "not_applied", found.why if found else "none of its statements was committed")
    return _as_far_as(step, _left_of(plan, step, last, line), line, found.why if found else "", stays)


def _never_sent(plan: RunPlan, step: Step, at: Position, statement: OpenStatement) -> str:
    """What of the script certainly isn't there, whatever became of its open statement, for the end of a sentence."""
    left = _left_of(plan, step, at.behind(statement), statement.end_line) or ()
    first = next((one for one in left if not one.possible), None)
    if first is None:
        return ""
    where = f"line {first.line}" + ("" if first.path == step.script else f" of {first.path}")
    return f"; {where} and what follows was never sent"


def _as_far_as(
    step: Step, left: Sequence[Statement] | None, line: int, why: str, stays: tuple[str, ...]
) -> StepOutcome:
    """The verdict on a script of which these statements are `left`, None where that isn't known."""
    because = f" ({why})" if why else ""
    if left is None:
        return StepOutcome(step, "partly", f"it was carried out to line {line}{because}", line, stays)
    if not left:
        told = f"{why}; that is its last statement" if why else "all of its statements were carried out"
        return StepOutcome(step, "unrecorded", f"{told}, and the record is missing", stays=stays)
    first = left[0]
    where = f"line {first.line}" + ("" if first.path == step.script else f" of {first.path}")
    if all(one.possible for one in left):
        told = f"it was carried out to line {line}{because}; whether {where} and what follows was to be isn't known"
        return StepOutcome(step, "unknown", told, first.line, stays)
    told = f"it was carried out to line {line}, and not from {where} on{because}"
    return StepOutcome(step, "partly", told, first.line, stays)


def _left_of(plan: RunPlan, step: Step, last: tuple[str, int, int] | None, line: int) -> Sequence[Statement] | None:
    """The statements of the script, and of the files that it includes, behind the `last` one that lasts; those aside
    that only end a transaction. None where the script can't be read. By its `line` where the journal says no more."""
    assert step.script is not None
    try:
        seen = recorded_view(plan, RecordedFiles.of(plan), step.script).statements
    except (OSError, ValueError, KeyError):
        return None
    if last is None:
        return [one for one in seen if one.path == step.script and one.line > line and one.control is None]
    path, start, times = last
    for number, one in enumerate(seen):
        if (one.path, one.start) == (path, start):
            times -= 1
            if not times:
                return [one for one in seen[number + 1 :] if one.control is None]
    return None


def _trace(connection: Connection, plan: RunPlan, open_: OpenStatement) -> Trace:
    """What the server says of the statement that was open."""
    if open_.xid is not None:
        return _transaction(connection, plan, open_)
    if open_.files and (found := _rewritten(connection, open_)) is not None:
        return found
    if open_.objects:
        outcome, why, repair = became(connection, open_.objects)
        effect: Mapping[str, Effect] = {"done": "applied", "again": "again", "broken": "broken"}
        if why and outcome != "unclear":
            return Trace(effect.get(outcome, "not"), why, repair)
        if why:
            return Trace("unknown", f"whether the {open_.kind} at line {open_.line} took effect is not known: {why}")
    what = f"the {open_.kind} at line {open_.line}"
    if open_.repeat == "upkeep":
        return Trace("not", f"{what} may be run again, whether it was done or not")
    if open_.repeat == "again":
        return Trace("again", f"{what} may have taken effect or not, and may be run again either way")
    if open_.repeat == "nothing":
        return Trace("not", f"what {what} does has ended with its session")
    return Trace("unknown", f"whether the {open_.kind or 'statement'} at line {open_.line} took effect is not known")


def _rewritten(connection: Connection, open_: OpenStatement) -> Trace | None:
    """What the files say of the relations that the statement was going to rewrite."""
    done, why, repair = became_of(connection, Rewrite.of_flags(open_.rewrite), open_.files)
    if not why:
        return None
    why = f"the {open_.kind} at line {open_.line}: {why}"
    if repair:
        return Trace("broken", why, repair)
    return Trace("again" if done is None else "applied" if done else "not", why)


def _transaction(connection: Connection, plan: RunPlan, open_: OpenStatement) -> Trace:
    """What became of the transaction that the COMMIT at this line would have ended.

    An ID that is in the future (22023) was never committed here. One that is committed is ours only if nobody else can
    have it: where it is lasting, and on the timeline that it was given out on.
    """
    up_to = f"the transaction up to line {open_.line}"
    if not open_.xid:
        return Trace("not", f"the transaction that line {open_.line} commits had written nothing")
    try:
        status = traces.transaction_status(connection, open_.xid)
    except ServerError as error:
        if error.sqlstate != "22023":
            raise
        return Trace("not", f"the server has never come to the ID of {up_to}: it was not committed")
    if status == "aborted":
        return Trace("not", f"the server says that {up_to} was rolled back")
    if status == "committed" and open_.lasting and _same_timeline(connection, plan):
        return Trace("applied", f"the server says that {up_to} was committed")
    if status == "committed":
        why = "its ID may have been given to another since" if not open_.lasting else "the server has failed over since"
        return Trace("unknown", f"whether {up_to} was committed is not known: {why}")
    return Trace("unknown", f"the server doesn't know what became of {up_to}")


def _same_timeline(connection: Connection, plan: RunPlan) -> bool:
    timeline = connection.identity().timeline
    return plan.server.timeline is None or timeline is None or timeline == plan.server.timeline
