"""What `reconcile` does beyond looking: it verifies a change that a cut-off run left in doubt, and records it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from pgmig_tui.database import registry
from pgmig_tui.database.connect import Reachable, application_name, connect, guard_sql
from pgmig_tui.errors import InDoubt
from pgmig_tui.run.control import Control
from pgmig_tui.run.evidence import Verdict
from pgmig_tui.run.files import RecordedFiles
from pgmig_tui.run.journal import JournalWriter, hold_lock
from pgmig_tui.run.plan import Endpoint, RunPlan
from pgmig_tui.run.reconcile import Settlement
from pgmig_tui.run.session import StepSession
from pgmig_tui.run.steps import Stepper

_NOTHING = "Nothing was changed."


def verified(target: Reachable, settlement: Settlement) -> Settlement:
    """The settlement with what the verify scripts say of the changes that are in doubt. They run as `verify` does, on a
    connection of their own, and prove nothing by themselves: a script may pass that checks nothing. Raises InDoubt."""
    asked = [one for one in settlement.open if one.step.action == "deploy" and one.step.verify_script is not None]
    if not asked:
        return settlement
    said: dict[int, str] = {}
    with _stepper(target, settlement.plan, locked=False) as stepper:
        for one in asked:
            stepper.journal.write("step_examined", step=one.step.number, change=one.step.change)
            passes = stepper.verify_only(one.step)
            said[one.step.number] = "its verification passes" if passes else "its verification fails"

    def told(one: Verdict) -> Verdict:
        found = said.get(one.step.number)
        return replace(one, why=f"{one.why}; {found}") if found else one

    return replace(settlement, verdicts=tuple(told(one) for one in settlement.verdicts))


def record(target: Reachable, settlement: Settlement) -> Settlement:
    """Record what a person has looked at and found applied, under Sqitch's lock; the settlement as it is then.

    The verify script runs first; the change is recorded whatever it says, as a deploy does. Raises Refused when another
    run holds the lock, InDoubt when it can't be recorded.
    """
    with _stepper(target, settlement.plan, locked=True) as stepper:
        for one in settlement.open:
            stepper.journal.write("step_examined", step=one.step.number, change=one.step.change)
            passes = one.step.verify_script is None or stepper.verify_only(one.step)
            result = stepper.record_only(one.step, verified=passes)
            stepper.session.drop()
            if not result.recorded:
                raise InDoubt(result.message, now="It is still without a record.")
    done = tuple(
        replace(one, outcome="recorded", why="it was applied, and is recorded now") if one in settlement.open else one
        for one in settlement.verdicts
    )
    return replace(settlement, verdicts=done)


@contextmanager
def _stepper(target: Reachable, plan: RunPlan, *, locked: bool) -> Iterator[Stepper]:
    """The means of a run whose process is gone: its journal goes on, and with `locked` Sqitch's lock is held."""
    endpoint = Endpoint(target.display, dict(target.conninfo), target.password, target.secrets)
    lock = hold_lock(plan.folder)
    if lock is None:
        raise InDoubt(f"the run {plan.run_id} is being settled by another", now=_NOTHING)
    try:
        journal = JournalWriter.continued(plan.folder, plan.run_id)
        control = Control(plan.folder, lambda _: None)
        try:
            if locked:
                session = connect(endpoint, application_name=application_name(plan.run_id, "control"))
                session.execute(guard_sql("control", plan.lock_timeout_ms, plan.server.version_num))
                control.hold(session)
                registry.take_lock(session)
            steps = StepSession(plan, endpoint, control, lambda *_: None)
            files = RecordedFiles.of(plan)
            yield Stepper(plan, control, steps, journal, files)
        finally:
            control.close()
            journal.close()
    finally:
        os.close(lock)
