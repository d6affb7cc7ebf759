"""What `reconcile` does beyond looking: it verifies a change that a cut-off run left in doubt, and records it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from pgmig_tui.database import registry
from pgmig_tui.database.connect import Connection, Reachable, application_name, connect
from pgmig_tui.database.deadline import deadline
from pgmig_tui.database.identity import let_write
from pgmig_tui.database.lookout import SAID_AFTER_S, SYNC_REP, waits_for
from pgmig_tui.database.tracking import read_tracking
from pgmig_tui.errors import InDoubt, PgmigError
from pgmig_tui.run.journal.events import StepExamined, Warned
from pgmig_tui.run.journal.file import JournalWriter, hold_lock
from pgmig_tui.run.journal.frozen import RecordedFiles, recorded_view
from pgmig_tui.run.journal.listing import unfinished
from pgmig_tui.run.journal.run_plan import Endpoint, RunPlan, Step
from pgmig_tui.run.process.control import Control
from pgmig_tui.run.process.session import StepSession
from pgmig_tui.run.process.stepper import Stepper
from pgmig_tui.run.recovery.evidence import StepOutcome
from pgmig_tui.run.recovery.reconcile import SETTLING, Settlement, examine

GIVEN_UP_S = 30.0
"""A synchronous standby is waited for so long: the record is there by then, on this server."""
CUT_AFTER_S = 15.0
"""A cancel that isn't answered in this time won't be: the session is given up."""
ANSWERED_S = 5.0
_NOTHING = "Nothing was changed."

Tell = Callable[[str], None]


def verified(target: Reachable, settlement: Settlement, tell: Tell = lambda text: None) -> Settlement:
    """The settlement with what the verify scripts say of the changes that are in doubt. They run as `verify` does, on a
    connection of their own, and prove nothing by themselves: a script may pass that checks nothing. `tell` is told what
    is waited for. Raises InDoubt."""
    asked = [one for one in settlement.open if one.step.action == "deploy" and one.step.verify_script is not None]
    if not asked:
        return settlement
    said: dict[int, str] = {}
    with _stepper(target, settlement.plan, tell, locked=False) as stepper:
        for one in asked:
            tell(f"verifying {one.step.label}")
            stepper.journal.write(StepExamined(step=one.step.number, change=one.step.change))
            step = _verifiable(stepper, settlement.plan, one.step)
            if step.verify_script is None:
                said[one.step.number] = step.verify_reason or "it is not verified"
                continue
            passes = stepper.verify_only(step)
            said[one.step.number] = "its verification passes" if passes else "its verification fails"

    def told(one: StepOutcome) -> StepOutcome:
        found = said.get(one.step.number)
        return replace(one, why=f"{one.why}; {found}") if found else one

    return replace(settlement, verdicts=tuple(told(one) for one in settlement.verdicts))


def record(target: Reachable, settlement: Settlement, tell: Tell = lambda text: None) -> Settlement:
    """Record what a person has looked at and found applied, under Sqitch's lock; the settlement as it is then.

    The verify script runs first; the change is recorded whatever it says, as a deploy does. `tell` is told what is
    waited for; a synchronous standby that doesn't answer is waited for no longer than GIVEN_UP_S. Raises Refused when
    another run holds the lock, InDoubt when it can't be recorded, or isn't any more what the person was shown.
    """
    told: dict[int, str] = {}
    with _stepper(target, settlement.plan, tell, locked=True) as stepper:
        _require_same(stepper, settlement)
        for one in settlement.open:
            stepper.journal.write(StepExamined(step=one.step.number, change=one.step.change))
            step = _verifiable(stepper, settlement.plan, one.step)
            if step.verify_script is not None:
                tell(f"verifying {step.label}")
            passes = step.verify_script is None or stepper.verify_only(step)
            stepper.session.warned = ""
            result = stepper.record_only(step, verified=passes)
            warned = stepper.session.warned
            stepper.session.drop()
            if not result.recorded:
                raise InDoubt(result.message, now="Whether it is recorded is told by `pgmig-tui status`.")
            known = one.outcome == "unrecorded"
            told[one.step.number] = (
                "it was applied, and is recorded now" if known else "it is recorded as applied, as was said"
            )
            if warned:
                told[one.step.number] += f" on this server; whether a synchronous standby has it isn't known: {warned}"
    done = tuple(
        replace(one, outcome="recorded", why=told[one.step.number]) if one.step.number in told else one
        for one in settlement.verdicts
    )
    return replace(settlement, verdicts=done)


def _require_same(stepper: Stepper, settlement: Settlement) -> None:
    """A person may have taken their time, or this process stood still: what they were shown must still be so. Raises
    InDoubt."""
    plan = settlement.plan
    if not any(run.run_id == plan.run_id for run in unfinished(plan.folder.parent.parent)):
        raise InDoubt(f"the run {plan.run_id} was settled by another meanwhile", now=_NOTHING)
    now = examine(stepper.control.session, plan)
    if [(one.step.number, one.outcome) for one in now.open] != [
        (one.step.number, one.outcome) for one in settlement.open
    ]:
        raise InDoubt(
            f"the run {plan.run_id} isn't any more what was shown: {now.summary}",
            now=_NOTHING,
            do="Look at it again before anything is recorded.",
        )


def _verifiable(stepper: Stepper, plan: RunPlan, step: Step) -> Step:
    """The step, without its verification where that needs values that the run didn't keep."""
    if step.verify_script is None:
        return step
    unknown = recorded_view(plan, stepper.files, step.verify_script).variables_unknown
    missing = [name for name in unknown if name in plan.given]
    if not missing:
        return step
    why = f"its verification needs the value of :{missing[0]}, which isn't kept"
    stepper.journal.write(Warned(step=step.number, message=f"{step.change} is not verified: {why}"))
    return replace(step, verify="off", verify_reason=why, verify_script=None)


@contextmanager
def _stepper(target: Reachable, plan: RunPlan, tell: Tell, *, locked: bool) -> Iterator[Stepper]:
    """The means of a run whose process is gone: its journal goes on, and with `locked` Sqitch's lock is held."""
    endpoint = Endpoint(target.display, dict(target.conninfo), target.password, target.secrets)
    lock = hold_lock(plan.folder, SETTLING)
    if lock is None:
        raise InDoubt(f"the run {plan.run_id} is being settled by another", now=_NOTHING)
    try:
        journal = JournalWriter.continued(plan.folder, plan.run_id)
        control = Control(plan.folder, lambda _: None)
        try:
            name = application_name(plan.run_id, "control" if locked else "watch")
            session = connect(endpoint, application_name=name, lock_timeout_ms=plan.lock_timeout_ms)
            control.hold(session, "Sqitch's lock" if locked else "nothing")
            if locked:
                let_write(session)
                registry.take_lock(session)
                plan = _tracked(session, plan)
            control.look_out = _CommitPatience(control, tell).look
            steps = StepSession(plan, endpoint, control, lambda *_: None)
            files = RecordedFiles.of(plan)
            yield Stepper(plan, control, steps, journal, files)
        finally:
            control.close()
            journal.close()
    finally:
        os.close(lock)


def _tracked(session: Connection, plan: RunPlan) -> RunPlan:
    """The plan with the tracking tables as they are now: somebody may have upgraded them, or taken them away."""
    found = read_tracking(session, plan.tracking, plan.registry)
    there = found.creates not in ("schema", "tables")
    return replace(plan, tracking=found.schema if there else None, tracking_version=found.version)


class _CommitPatience:
    """Looks about once a second at a COMMIT, or a verification, under way: says what it waits for, and in the end no
    longer waits for a standby."""

    def __init__(self, control: Control, tell: Tell) -> None:
        self._control = control
        self._tell = tell
        self._since: float | None = None
        self._told = ""

    def look(self) -> None:
        control, now = self._control, time.monotonic()
        if control.committing:
            self._since = self._since or now
            if now - self._since < SAID_AFTER_S:
                return
        elif control.cancel_now is None:
            self._since = None
            return
        waits = self._waits()
        standby = waits == SYNC_REP
        if not (control.committing or standby):
            self._since = None  # a verification takes the time that it takes
            return
        self._since = self._since or now
        waited = now - self._since
        if waited < SAID_AFTER_S:
            return
        what = "a synchronous standby to have it" if standby else f"the server ({waits or 'it works'})"
        told = f"{'the COMMIT' if control.committing else 'a COMMIT of the verification'} waits for {what}"
        if told != self._told:
            self._told = told
            self._tell(f"{told}; after {GIVEN_UP_S:.0f} s nobody waits any longer")
        if waited > GIVEN_UP_S and control.cancel_now is not None:
            # Whoever waits for a standby has committed already: a cancel ends the waiting alone.
            control.cancel_now()
        if waited > GIVEN_UP_S + CUT_AFTER_S and control.cut_now is not None:
            control.cut_now()  # not even the cancel was answered; the registry tells what became of it

    def _waits(self) -> str:
        """What the session of the scripts waits for, or why that can't be told."""
        watcher = self._control.watcher
        pid = watcher.watched_pid if watcher is not None else None
        if pid is None:
            return ""
        try:
            with deadline(self._control.session, ANSWERED_S, "the server"):
                return waits_for(self._control.session, pid)
        except PgmigError as error:
            return error.what
