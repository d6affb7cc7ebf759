"""A step that failed: what is rolled back, what stays, and who is told: journal, registry, tracking."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypedDict

from pgmig_tui.database import tracking
from pgmig_tui.database.connect import ServerError
from pgmig_tui.database.identity import let_write
from pgmig_tui.database.leftovers import Leftover
from pgmig_tui.display.activity import Blocker
from pgmig_tui.display.mask import mask_secrets
from pgmig_tui.errors import PgmigError
from pgmig_tui.run.journal.events import StepFailed, StepVerified, Warned
from pgmig_tui.run.journal.file import JournalWriter
from pgmig_tui.run.journal.position import NO_EFFECT
from pgmig_tui.run.journal.run_plan import RunPlan, Step
from pgmig_tui.run.process.audit import audit_row
from pgmig_tui.run.process.control import Control
from pgmig_tui.run.process.executor import Executed, ScriptFailure, elapsed_ms
from pgmig_tui.run.process.guard import CANCELLED
from pgmig_tui.run.process.session import StepSession
from pgmig_tui.run.recovery.effects import effects_of
from pgmig_tui.script.parse import parse


@dataclass(frozen=True, slots=True)
class StepResult:
    """What is true after a step. `recorded`: the registry says so. `in_doubt`: it may or may not have been applied.
    `cancelled`: it failed because it was told to end, and nothing of it is left half done. `partly`: it failed, and
    something of its script stays."""

    ok: bool
    recorded: bool = False
    in_doubt: bool = False
    partly: bool = False
    verify_failed: bool = False
    cancelled: bool = False
    message: str = ""


class Failures:
    """Tells of the failures of one run's steps."""

    def __init__(self, plan: RunPlan, control: Control, session: StepSession, journal: JournalWriter) -> None:
        self.plan = plan
        self.control = control
        self.session = session
        self.journal = journal

    def failed(
        self,
        step: Step,
        start: float,
        failure: ScriptFailure,
        executed: list[Executed],
        *,
        began: bool = True,
        verify: bool = False,
        in_doubt: bool = False,
        left: Sequence[Leftover] = (),
        halves: Sequence[str] = (),
    ) -> StepResult:
        """Roll back what can be, then tell: the journal, the registry's `fail` event, the tracking row.

        `in_doubt`: the connection broke while a statement ran that commits by itself; whether it did isn't known.
        """
        why = self.control.cancelled_because
        if why and failure.sqlstate == CANCELLED and not failure.message.startswith(why):
            failure = replace(failure, message=why)
        halves = [self.journal.hide(one) for one in halves]
        stays = [
            f"line {one.line}: {_short(one, self.journal.hide)}" for one in executed if one.committed and _leaves(one)
        ]
        stays += [*halves, *(one.what for one in left)]
        cancelled = bool(why) and failure.message.startswith(why) and not (stays or in_doubt)
        repair = tuple(statement for one in left for statement in one.repair)
        indexes = tuple(one.told for one in left if one.kind == "index")
        do = f"Put right what it has left: {' or '.join(left[0].repair)}. Then {step.action} again." if left else None
        self.session.drop()  # the server rolls back what was open; nothing of this session may live on
        what = "its verification failed" if verify and not cancelled else failure.message
        if verify:
            self.journal.write(
                StepVerified(step=step.number, ok=False, where="inside", change=step.change, **fields_of(failure))
            )
        self.journal.write(
            StepFailed(
                step=step.number,
                change=step.change,
                action=step.action,
                mode=step.mode,
                committed=bool(stays),
                what_stays=tuple(stays),
                in_doubt=in_doubt,
                verify=verify,
                began=began,
                ms=elapsed_ms(start),
                **fields_of(failure),
                halves=tuple(halves) or None,
                invalid_indexes=indexes if left else None,
                repair=repair if left else None,
                do=do,
            ),
            sync=True,
        )
        message = f"{step.label}: {what}"
        if began and step.fail_sql and not self.control.lost:
            try:
                self.control.session.execute(step.fail_sql)
            except PgmigError as error:
                self.journal.write(
                    Warned(step=step.number, message=f"the fail event could not be written: {error.what}")
                )
        if began:
            self.track(step, start, "failed", executed)
        if in_doubt:
            message += f"; whether the statement at line {failure.line} took effect is not known"
        return StepResult(ok=False, in_doubt=in_doubt, partly=bool(stays), cancelled=cancelled, message=message)

    def migration(self, step: Step, start: float, outcome: str) -> tracking.Migration:
        """The row of a step in the tracking tables; `outcome` "" is success."""
        return tracking.Migration(
            step.change_id, step.change, step.action, step.note, not outcome, elapsed_ms(start), outcome
        )

    def answered(self, step: Step, start: float, outcome: str) -> None:
        """Write what the verification of a recorded step has answered into the step's row: a step has one."""
        plan = self.plan
        if plan.tracking is None or self.control.lost:
            return
        try:
            unverified = self.migration(step, start, "unverified")
            self.control.session.execute(tracking.answered_sql(plan.tracking, unverified, outcome))
        except PgmigError as error:
            told = f"what the verification answered could not be tracked, its row says unverified: {error.what}"
            self.journal.write(Warned(step=step.number, message=told))

    def track(self, step: Step, start: float, outcome: str, executed: list[Executed]) -> None:
        plan = self.plan
        if plan.tracking is None:
            return
        migration = self.migration(step, start, outcome)
        try:
            with self.session.connect("track") as connection:
                let_write(connection)
                kept = [one for one in executed if one.committed or one.sqlstate]
                rows = [audit_row(one, self.journal.hide, self.journal.skew) for one in kept]
                why = tracking.record_failure(connection, plan.tracking, migration, rows, plan.operator)
        except PgmigError as error:
            why = error.what
        if why:
            self.journal.write(Warned(step=step.number, message=f"the failure could not be tracked: {why}"))


def failure_of(step: Step, message: str, error: PgmigError | None = None) -> ScriptFailure:
    return ScriptFailure(step.script or "", 0, message, error if isinstance(error, ServerError) else None)


class FailureFields(TypedDict):
    """What `step_failed` and `step_verified` tell of a failure."""

    path: str
    line: int
    message: str
    sqlstate: str
    detail: str
    hint: str
    blockers: tuple[Blocker, ...] | None


def fields_of(failure: ScriptFailure) -> FailureFields:
    """What the journal tells of a failure."""
    error = failure.error
    return {
        "path": failure.path,
        "line": failure.line,
        "message": failure.message,
        "sqlstate": failure.sqlstate,
        "detail": error.detail if error else "",
        "hint": error.hint if error else "",
        "blockers": failure.blockers or None,
    }


def _leaves(one: Executed) -> bool:
    """Whether a statement that was committed leaves something behind its session."""
    if one.kind in NO_EFFECT:
        return False
    if one.kind not in ("CREATE TABLE", "CREATE VIEW", "CREATE SEQUENCE"):
        return True
    nodes = parse(one.sent, 1).nodes
    return not nodes or effects_of(nodes[0]).repeat != "nothing"


def _short(one: Executed, hide: Callable[[str], str]) -> str:
    text = " ".join(mask_secrets(hide(one.sql)).split()).rstrip("; ")
    more = f" (and {one.count - 1} more like it, to line {one.end_line})" if one.count > 1 else ""
    return (text if len(text) <= 120 else text[:117] + "...") + more
