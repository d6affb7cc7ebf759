"""Settling a run that was cut off, from evidence: never from what it probably did.

Two cases are certain. A step in one transaction wrote its registry row in that transaction, so once no session of the
run lives any more the registry says whether it was applied. A stepwise step told its journal of every statement before
and after, so at most one statement is open; the catalog says of many kinds whether they took effect, and where nothing
says it, that is what is said.
"""

from __future__ import annotations

import contextlib
import os
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pgmig_tui.database import registry, runs, tracking
from pgmig_tui.database.activity import NamedSession, sessions_named, sessions_started, terminate
from pgmig_tui.database.changed import database_oid
from pgmig_tui.database.checks import utc
from pgmig_tui.database.connect import Connection, Reachable, application_name, connect
from pgmig_tui.database.deadline import deadline
from pgmig_tui.database.identity import ServerIdentity
from pgmig_tui.errors import PgmigError, in_a_line
from pgmig_tui.run.journal.entry import Entry
from pgmig_tui.run.journal.events import RunFinished, RunSettled, SessionOpened, Warned
from pgmig_tui.run.journal.file import JournalReader, JournalWriter, hold_lock
from pgmig_tui.run.journal.listing import unfinished
from pgmig_tui.run.journal.mark_files import mark_in_file
from pgmig_tui.run.journal.position import Position, positions
from pgmig_tui.run.journal.run_plan import RunPlan, Step
from pgmig_tui.run.journal.told import Telling, hook_called, not_told, settled_facts
from pgmig_tui.run.recovery.evidence import StepOutcome, stepwise_verdict

if TYPE_CHECKING:
    from pgmig_tui.project.hooks import Hook

ANSWER_S = 60.0
"""Evidence is a few questions to the catalog: whoever doesn't answer them in this time won't."""
ROWS_S = 15.0
"""The same for a row of our own."""
PATIENCE_S = 5.0
"""How long a session of the run may take to notice that nobody listens any more: servers look once a second while they
work (client_connection_check_interval), from version 14 on."""

_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z").fullmatch
SETTLING = "settling"
"""What whoever settles a run does with its journal."""
NOT_BEGUN = "it was not begun"
_ANEW = "the database of that name is another one now"
_BYSTANDERS = ("watch", "check", "track", "backup", "dump", "impact", "review")
"""Parts of a run's application name whose sessions change nothing of the schema."""


@dataclass(frozen=True, slots=True)
class Settlement:
    """What became of a run. `sessions` are those of its own that still live: until they are gone nothing is certain,
    and `verdicts` is empty."""

    plan: RunPlan
    sessions: tuple[NamedSession, ...]
    verdicts: tuple[StepOutcome, ...]

    @property
    def open(self) -> tuple[StepOutcome, ...]:
        """What a person has to decide."""
        return tuple(one for one in self.verdicts if one.outcome in ("unrecorded", "unknown"))

    @property
    def settled(self) -> bool:
        return not self.sessions and not self.open

    @property
    def done(self) -> int:
        return sum(one.outcome == "recorded" for one in self.verdicts)

    @property
    def partly(self) -> StepOutcome | None:
        return next((one for one in self.verdicts if one.outcome == "partly"), None)

    @property
    def exit_status(self) -> int:
        """0 everything was done · 1 it wasn't, and what is true is known · 4 that isn't known."""
        if not self.settled:
            return 4
        return 0 if self.done == len(self.plan.steps) else 1

    @property
    def summary(self) -> str:
        """One sentence."""
        if self.sessions:
            return f"{len(self.sessions)} session(s) of the run still live"
        told = f"{self.done} of {len(self.plan.steps)} steps are done"
        rest = [one for one in self.verdicts if one.outcome != "recorded"]
        if rest:
            first = next((one for one in rest if one.outcome != "not_applied"), rest[0])
            told += f"; {first.step.label}: {first.why}"
        return told


# -- evidence ------------------------------------------------------------------------------------------------------


def examine(connection: Connection, plan: RunPlan, *, patience_s: float = PATIENCE_S) -> Settlement:
    """What became of `plan`, from the server behind `connection` and the run's journal. Reads only.

    Waits up to `patience_s` for the run's own sessions to end, and no longer than ANSWER_S for all answers. Raises
    ServerError, Unreachable, NotPermitted.
    """
    with deadline(connection, patience_s + ANSWER_S, plan.server.display):
        living = living_sessions(connection, plan, patience_s)
        if living:
            return Settlement(plan, living, ())
        state = registry.read_state(connection, plan.registry, plan.project)
        at = positions(JournalReader(plan.folder).poll())
        anew = plan.server.database_oid not in (None, database_oid(connection))
        seen = _Seen(
            connection, plan, frozenset(change.change_id for change in state.deployed), anew, state.info.present
        )
        verdicts = [_verdict(seen, step, at.get(step.number, Position())) for step in plan.steps]
    return Settlement(plan, (), tuple(verdicts))


@dataclass(frozen=True, slots=True)
class _Seen:
    """What is known of the database: the IDs that its registry has; whether it was made `anew` since the run was
    planned, and has a `registry` at all."""

    connection: Connection
    plan: RunPlan
    recorded: frozenset[str]
    anew: bool
    registry: bool


def living_sessions(connection: Connection, plan: RunPlan, patience_s: float) -> tuple[NamedSession, ...]:
    """Sessions of the run that live and could still change something, after `patience_s` at the latest.

    Found by their name, and by the journal where a script has given its session another one. A pool keeps the server's
    session when its client has gone, and resets it, or ends it where it was at work: one that is idle, and whose name
    isn't ours, is the pool's again.
    """
    deadline = time.monotonic() + patience_s
    opened, pools = _opened(plan)
    while True:
        named = (
            session
            for session in sessions_named(connection, application_name(plan.run_id, "%"))
            if session.application.rpartition("/")[2] not in _BYSTANDERS
        )
        started = (
            one for one in sessions_started(connection, opened) if not (one.pid in pools and one.state == "idle")
        )
        both = {session.pid: session for session in (*started, *named)}
        found = tuple(both[pid] for pid in sorted(both))
        if not found or time.monotonic() > deadline:
            return found
        time.sleep(0.05)


def _opened(plan: RunPlan) -> tuple[dict[int, str], frozenset[int]]:
    """The sessions that the journal tells of, by process with their start, and which of them are a pool's."""
    told = [one.event for one in JournalReader(plan.folder).poll()]
    sessions = [one for one in told if isinstance(one, SessionOpened) and one.pid and _MOMENT(one.started)]
    return {one.pid: one.started for one in sessions}, frozenset(one.pid for one in sessions if one.pooled)


def _verdict(seen: _Seen, step: Step, at: Position) -> StepOutcome:
    if (step.change_id in seen.recorded) == (step.action == "deploy"):
        return StepOutcome(step, "recorded", _recorded_why(seen, step, at))
    if not at.started and not at.recorded:
        return StepOutcome(step, "not_applied", NOT_BEGUN)
    if seen.anew and (step.mode != "stepwise" or not seen.registry):
        return StepOutcome(step, "not_applied", f"{_ANEW}, and has no record of it")
    if at.recorded:
        return StepOutcome(
            step,
            "not_applied",
            "the journal says that it was committed, and the registry of the server that answers now doesn't: another"
            " has undone it, or this server (a promoted standby, a restored backup) never had it",
        )
    if step.mode != "stepwise":
        return StepOutcome(step, "not_applied", "its transaction was rolled back: the registry has no record of it")
    if seen.anew:
        return StepOutcome(step, "unknown", f"{_ANEW}: whether what is in it comes from this script isn't known")
    return stepwise_verdict(seen.connection, seen.plan, step, at)


def _recorded_why(seen: _Seen, step: Step, at: Position) -> str:
    if seen.anew:
        return f"{_ANEW}, and {'has its record' if step.action == 'deploy' else 'has no record of it'}"
    told = "it is applied and recorded" if step.action == "deploy" else "it is reverted, and its record is gone"
    if at.started and step.verify == "after" and at.verified is None:
        told += "; it was not verified: `pgmig-tui verify` does"
    return told


# -- settling ------------------------------------------------------------------------------------------------------


def settle(
    connection: Connection, settlement: Settlement, *, by: str, hooks: Sequence[Hook] = (), root: str = ""
) -> bool:
    """Write the end into the run's journal, and a row into its tracking tables; tell it to those of `hooks` (of its
    environment, by the pgmig.toml in `root`) that are called after such a run. False when the run lives after all, or
    another settles it now, or has settled it meanwhile. `by` is who or what settled it. Raises OSError."""
    plan = settlement.plan
    lock = hold_lock(plan.folder, SETTLING)
    if lock is None:
        return False
    try:
        if not any(run.run_id == plan.run_id for run in unfinished(plan.folder.parent.parent)):
            return False
        events = JournalReader(plan.folder).poll()
        heard = _heard(events)
        journal = JournalWriter.continued(plan.folder, plan.run_id)
        try:
            for one in settlement.verdicts:
                if one.outcome == "not_applied" and one.why == NOT_BEGUN:
                    continue
                journal.write(
                    RunSettled(
                        step=one.step.number,
                        change=one.step.change,
                        action=one.step.action,
                        outcome=one.outcome,
                        line=one.line,
                        what_stays=tuple(one.stays),
                        repair=tuple(one.repair),
                        message=one.why,
                        by=by,
                    )
                )
            if plan.mark_reason is not None:
                reverted = [one.step for one in settlement.verdicts if one.outcome == "recorded"]
                try:
                    mark_in_file(plan.folder.parent.parent, plan, reverted)
                except PgmigError as error:
                    journal.write(Warned(message=in_a_line(str(error))))
            for what, write in (("settlement could not be tracked", _track), ("row could not be ended", _end_row)):
                if why := _written(connection, settlement, write):
                    journal.write(Warned(message=f"the run's {what}: {why}"))
            end = RunFinished(
                exit_status=settlement.exit_status,
                result="settled",
                done=settlement.done,
                total=len(plan.steps),
                summary=settlement.summary,
                now="",
                do="",
                heard_at=heard,
            )
            done = {one.step.number: _DONE.get(one.outcome) for one in settlement.verdicts}
            _end_told(Telling(plan, hooks, root), journal, end, (plan, events, done, settlement.exit_status))
        finally:
            journal.close()
    finally:
        os.close(lock)
    return True


_DONE = {"recorded": True, "not_applied": False, "partly": False}
"""Whether a step is done, by its outcome; of others nobody knows."""


def _end_told(
    telling: Telling,
    journal: JournalWriter,
    end: RunFinished,
    known: tuple[RunPlan, Sequence[Entry], Mapping[int, bool | None], int],
) -> None:
    """Write the end, and tell whoever hears of the end of such a run, as its own process would have. What is `known` is
    what `settled_facts` takes."""
    for told in telling.heard():
        journal.write(told)
    exit_status = known[-1]
    facts = settled_facts(*known, finished_at=utc(time.time()))
    last = telling.at_end(exit_status)
    for hook in last:
        journal.write(hook_called(hook, facts))
    journal.write(end, sync=True)
    for hook in last:
        if why := telling.send(hook, facts):
            journal.write(not_told(hook, why))


def _heard(events: Sequence[Entry]) -> str:
    """When the run itself wrote last: what comes behind its end, or behind where it broke off, is by others."""
    ended = next((event for event in events if isinstance(event.event, RunFinished)), events[-1] if events else None)
    return ended.at if ended is not None else ""


def _written(
    connection: Connection, settlement: Settlement, write: Callable[[Connection, Settlement], str | None]
) -> str | None:
    """Why our own rows about the settlement could not be written, None when they are. What is settled is settled."""
    try:
        with deadline(connection, ROWS_S, settlement.plan.server.display):
            return write(connection, settlement)
    except PgmigError as error:
        return error.what


def close_unseen(plan: RunPlan, *, by: str, hooks: Sequence[Hook] = (), root: str = "") -> bool:
    """End the journal of a run whose server can't be looked at, as a person has decided. What became of its last step
    stays unknown, and is said so, to `hooks`, too (as in `settle`). False when another settles it. Raises OSError."""
    lock = hold_lock(plan.folder, SETTLING)
    if lock is None:
        return False
    try:
        events = JournalReader(plan.folder).poll()
        at, heard = positions(events), _heard(events)
        journal = JournalWriter.continued(plan.folder, plan.run_id)
        done = sum(one.recorded for one in at.values())
        why = "it was closed without a look at its server"
        try:
            for step in plan.steps:
                begun = at.get(step.number, Position())
                if begun.started and not begun.recorded:
                    journal.write(
                        RunSettled(
                            step=step.number,
                            change=step.change,
                            action=step.action,
                            outcome="unknown",
                            line=begun.line or None,
                            what_stays=tuple(begun.stays),
                            repair=(),
                            message=why,
                            by=by,
                        )
                    )
            end = RunFinished(
                exit_status=1,
                result="settled",
                done=done,
                total=len(plan.steps),
                summary=f"{done} of {len(plan.steps)} steps are done, by its journal; {why}",
                now="",
                do="",
                heard_at=heard,
                unseen=True,
            )
            # Nobody has looked: to those outside it stays in doubt, though it is closed here.
            known = {number: None if one.started and not one.recorded else one.recorded for number, one in at.items()}
            _end_told(Telling(plan, hooks, root), journal, end, (plan, events, known, 4))
        finally:
            journal.close()
    finally:
        os.close(lock)
    return True


def leave(settlement: Settlement) -> Settlement:
    """A person has decided: what has no record stays so."""
    left = tuple(_left(one) if one in settlement.open else one for one in settlement.verdicts)
    return replace(settlement, verdicts=left)


def _left(one: StepOutcome) -> StepOutcome:
    """What stays says all that is known: everything of a script that was carried out, perhaps the one statement."""
    stays = one.stays
    if one.outcome == "unrecorded":
        stays = stays or (f"everything that {one.step.script} does",)
    else:
        perhaps = f"line {one.line}: whether it" if one.line else f"{one.step.script}, or a part of it: whether that"
        stays = (*stays, f"perhaps {perhaps} took effect is not known")
    return replace(one, outcome="partly", why=f"{one.why}; it was left without a record", stays=stays)


def _track(connection: Connection, settlement: Settlement) -> str | None:
    """A row for the step that was under way; steps that ended have theirs."""
    plan = settlement.plan
    at = positions(JournalReader(plan.folder).poll())
    cut = next(
        (
            one
            for one in settlement.verdicts
            if one.outcome != "recorded" and (begun := at.get(one.step.number)) and begun.started and not begun.failed
        ),
        None,
    )
    if cut is None or plan.tracking is None:
        return None
    found = tracking.read_tracking(connection, plan.tracking)
    if found.schema is None or found.creates not in ("", "runs", "upgrade"):
        return found.reason or None
    step = cut.step
    told = {"partly": "partly applied", "not_applied": "not applied"}.get(cut.outcome, cut.outcome)
    outcome = {"partly": "partly", "not_applied": "failed"}.get(cut.outcome, "in_doubt")
    migration = tracking.Migration(
        step.change_id,
        step.change,
        step.action,
        step.note,
        False,
        0,
        outcome,
        project=plan.project,
        run_id=plan.run_id,
        environment=plan.environment,
        hashes=step.hashes,
        message=cut.why,
        failed_at=f"{step.script}:{cut.line}" if cut.line else "",
        told=f"cut off, {told}",
    )
    return tracking.record_failure(connection, found.schema, migration, (), plan.operator, found.version)


def _end_row(connection: Connection, settlement: Settlement) -> str:
    """Say the end of the run in the table of runs, too; why not, "" when it is said, or there is no such row."""
    schema = settlement.plan.tracking
    if schema is None:
        return ""
    found = tracking.read_tracking(connection, schema)
    if found.schema is not None and found.creates in ("", "upgrade") and not found.no_runs:
        connection.execute(runs.settled_sql(schema, settlement.plan.run_id, settlement.exit_status))
    return ""


@contextlib.contextmanager
def asked(target: Reachable, run: str = "run") -> Iterator[tuple[Connection, ServerIdentity]]:
    """A connection that only looks, and who answered on it."""
    name = application_name("reconcile", run)
    with connect(target, application_name=name, lock_timeout_ms=2000) as connection:
        yield connection, connection.identity()


def end_sessions(connection: Connection, settlement: Settlement) -> list[tuple[NamedSession, str]]:
    """Terminate the run's sessions, each only if it still is that one. Returns (session, why not) of those that we may
    not end: among them those of a pool that bear another's name, for the pool may have given them to somebody."""
    plan = settlement.plan
    _, pools = _opened(plan)
    failed = []
    for session in settlement.sessions:
        if session.pid in pools and not session.application.startswith(application_name(plan.run_id, "")):
            failed.append((session, "it came from a pool, which may have given it to another client by now"))
            continue
        try:
            terminate(connection, session)
        except PgmigError as error:
            failed.append((session, error.what))
    return failed
