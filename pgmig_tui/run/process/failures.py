"""A step that failed: what is rolled back, what stays, and who is told: journal, registry, tracking."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypedDict

from pgmig_tui.database import tracking
from pgmig_tui.database.connect import Connection, ServerError
from pgmig_tui.database.identity import let_write
from pgmig_tui.database.leftovers import Leftover
from pgmig_tui.display.activity import Blocker
from pgmig_tui.display.mask import mask_secrets
from pgmig_tui.errors import PgmigError
from pgmig_tui.run.journal.entry import utc
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

_MESSAGE = 10_000
"""Characters of a failure's message that its row keeps."""


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
        self.schema_before = ""
        """The digest of the schema before the first step, where the run has noted it."""
        self._own: Connection | None = None
        """Where verifications are tracked."""
        self._unwritten = ""
        """Why they can't be, "" while they can."""

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
            outcome = "in_doubt" if in_doubt else "partly" if stays else "failed"
            self.track(step, start, outcome, executed, failure, verify=verify)
        if in_doubt:
            message += f"; whether the statement at line {failure.line} took effect is not known"
        return StepResult(ok=False, in_doubt=in_doubt, partly=bool(stays), cancelled=cancelled, message=message)

    def migration(
        self,
        step: Step,
        start: float,
        outcome: str,
        *,
        verified: bool | None = None,
        failure: ScriptFailure | None = None,
        rows: int | None = None,
    ) -> tracking.Migration:
        """The row of a step in the tracking tables; `outcome` "" is success. `verified` is what its verification said,
        `failure` why it failed, `rows` what its statements changed."""
        plan = self.plan
        took = time.perf_counter() - start
        if not outcome and (plan.log_only or step.mode == "record"):
            outcome = "recorded_only"
        at = f"{failure.path}:{failure.line}" if failure is not None and failure.line else ""
        return tracking.Migration(
            step.change_id,
            step.change,
            step.action,
            step.note,
            outcome in ("", "recorded_only"),
            took * 1000,
            outcome,
            project=plan.project,
            run_id=plan.run_id,
            environment=plan.environment,
            verified=verified,
            hashes=step.hashes,
            semantic_hash=step.meaning,
            sqlstate=failure.sqlstate if failure is not None else "",
            message=self._message(failure.message)[:_MESSAGE] if failure is not None else "",
            failed_at=at or (failure.path if failure is not None else ""),
            rows=rows,
            schema_before=self.schema_before if step.number == 1 else "",
            started_at=utc(time.time() - took, self.journal.skew),
        )

    def _message(self, text: str) -> str:
        return mask_secrets(self.journal.hide(text)).encode("utf-8", "replace").decode()

    def answered(self, step: Step, start: float, failure: ScriptFailure | None) -> None:
        """Write what the verification of a recorded step has answered into the step's row: a step has one."""
        plan = self.plan
        if plan.tracking is None or self.control.lost:
            return
        try:
            unverified = self.migration(step, start, "unverified")
            outcome = "verify_failed" if failure is not None else ""
            why = self.migration(step, start, outcome, failure=failure)
            sql = tracking.answered_sql(plan.tracking, unverified, outcome, plan.tracking_version, why=why)
            found = self.control.session.execute(sql)
            if plan.tracking_version == 2 and found == [(None,)]:
                self._not_answered(step, "no row waits for it")
        except PgmigError as error:
            self._not_answered(step, error.what)

    def _not_answered(self, step: Step, why: str) -> None:
        told = f"what the verification answered could not be tracked, its row says unverified: {why}"
        self.journal.write(Warned(step=step.number, message=told))

    def track(
        self,
        step: Step,
        start: float,
        outcome: str,
        executed: list[Executed],
        failure: ScriptFailure | None = None,
        *,
        verify: bool = False,
    ) -> None:
        """Write the row of a step that left no record, on a connection of its own."""
        plan = self.plan
        if plan.tracking is None:
            return
        migration = self.migration(step, start, outcome, verified=False if verify else None, failure=failure)
        try:
            with self.session.connect("track", lock_timeout_ms=plan.lock_timeout_ms) as connection:
                let_write(connection)
                kept = [one for one in executed if one.committed or one.sqlstate]
                rows = [audit_row(one, self.journal.hide, self.journal.skew) for one in kept]
                why = tracking.record_failure(
                    connection, plan.tracking, migration, rows, plan.operator, plan.tracking_version
                )
        except PgmigError as error:
            why = error.what
        if why:
            self.journal.write(Warned(step=step.number, message=f"the failure could not be tracked: {why}"))

    def track_verification(self, step: Step, start: float, failure: ScriptFailure | None) -> None:
        """The row of a change that `verify` has looked at, where there are tables and this role may write. Whether
        there is one changes nothing else."""
        plan = self.plan
        if plan.tracking is None or self._unwritten:
            return
        outcome = "verify_failed" if failure is not None else ""
        migration = self.migration(step, start, outcome, verified=failure is None, failure=failure)
        try:
            if self._own is None:
                self._own = self.session.connect("track", lock_timeout_ms=plan.lock_timeout_ms)
                let_write(self._own)
            version = plan.tracking_version
            self._unwritten = (
                tracking.record_failure(self._own, plan.tracking, migration, (), plan.operator, version) or ""
            )
        except PgmigError as error:
            self._unwritten = error.what
        if self._unwritten:
            told = f"tracking is off for the rest of this run, verifications have no rows: {self._unwritten}"
            self.journal.write(Warned(step=step.number, message=told))

    def close(self) -> None:
        """Close the connection that verifications are tracked on."""
        if self._own is not None:
            self._own.close()
            self._own = None


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
