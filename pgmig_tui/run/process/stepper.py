"""How one step is carried out, so that the change, its verification and its record agree whatever happens.

An atomic step is one transaction: BEGIN → EXCLUSIVE lock on the registry's `changes` → script → deferred constraints →
verification behind a savepoint → our own session state again → registry and tracking rows → COMMIT. A stepwise step
can't be: started → statements → all applied → verification → record, each in the journal before and after.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import ClassVar

from pgmig_tui.database import registry
from pgmig_tui.database.connect import ServerError
from pgmig_tui.database.deadline import deadline
from pgmig_tui.database.leftovers import Leftover
from pgmig_tui.database.tracking import AuditRow
from pgmig_tui.database.wire import Exchange, Wire
from pgmig_tui.errors import PgmigError, Refused
from pgmig_tui.run.journal.events import (
    IndexInvalid,
    SessionOpened,
    StepApplied,
    StepCommitted,
    StepCommitting,
    StepFailed,
    StepInDoubt,
    StepRecorded,
    StepStarted,
    StepVerified,
    Warned,
)
from pgmig_tui.run.journal.file import JournalWriter
from pgmig_tui.run.journal.frozen import RecordedFiles
from pgmig_tui.run.journal.run_plan import RunPlan, Step
from pgmig_tui.run.process import observed
from pgmig_tui.run.process.commands import WaitCommands
from pgmig_tui.run.process.control import Control
from pgmig_tui.run.process.executor import (
    Executed,
    Executor,
    InsideStep,
    InsideVerify,
    ScriptFailure,
    TransactionFrame,
    elapsed_ms,
)
from pgmig_tui.run.process.failures import Failures, StepResult, failure_of, fields_of
from pgmig_tui.run.process.guard import GuardLimits
from pgmig_tui.run.process.keep import save
from pgmig_tui.run.process.records import BACK, SAVEPOINT, Records
from pgmig_tui.run.process.retries import Tries, not_twice
from pgmig_tui.run.process.scripts import ScriptExecutors
from pgmig_tui.run.process.session import StepSession, flush_commits, note_transaction
from pgmig_tui.run.process.sink import JournalSink
from pgmig_tui.run.process.stepwise import StepwiseExecutor
from pgmig_tui.run.process.watcher import Watcher
from pgmig_tui.run.recovery.before import noted_before

ANSWER_S = 30.0
"""Reading the registry takes no longer, or its server doesn't answer."""
VERIFY_TIMEOUT = "5s"
"""statement_timeout of a verification inside the step's transaction: it runs while the step's locks are held."""

_MOVE_VERIFY = frozenset({"25001", "55P04", "2D000"})
"""Not allowed in this transaction (25001), an enum value not usable yet (55P04), COMMIT in a procedure (2D000): the
verification is sound, only its place isn't."""

_CONSTRAINTS = "SET CONSTRAINTS ALL IMMEDIATE"
"""Deferred constraints and triggers run now, under the script's own role and path, where they can be named."""

_RELEASE = "RELEASE SAVEPOINT pgmig_verify"
_VERIFY_START = (
    f"{_CONSTRAINTS}; SAVEPOINT pgmig_verify; RESET SESSION AUTHORIZATION; RESET ROLE; RESET ALL; "
    f"SET LOCAL statement_timeout = '{VERIFY_TIMEOUT}'; SET LOCAL lock_timeout = '{{lock}}ms'; "
    f"SET LOCAL idle_in_transaction_session_timeout = '30s'; {{more}}{InsideVerify.block.decode()}"
)
_SINCE_17 = "SET LOCAL transaction_timeout = 0; "


@dataclass(frozen=True, slots=True)
class _Lost:
    """A try of an atomic step that failed: all of it was rolled back. `began`: the server was asked to do something.
    `of_verify`: it is the verification that failed."""

    failure: ScriptFailure
    executed: list[Executed] = field(default_factory=list)
    began: bool = True
    of_verify: bool = False
    of_tables: bool = False
    """The tables that the step is recorded in couldn't be locked, or aren't as they should be, and it can be tried
    again."""


class Stepper:
    """Carries out the steps of one run, one after the other."""

    executor: ClassVar[type[Executor]] = Executor
    """What carries out a script."""

    def __init__(
        self, plan: RunPlan, control: Control, session: StepSession, journal: JournalWriter, files: RecordedFiles
    ) -> None:
        self.plan = plan
        self.control = control
        self.session = session
        self.journal = journal
        self.files = files
        self.scripts = ScriptExecutors(plan, control, session, files, self.executor)
        self.failures = Failures(plan, control, session, journal)
        self.records = Records(plan, control, journal, self.failures)
        self._observed: tuple[AuditRow, ...] = ()
        """What the catalogs say that the script of the step at hand has changed."""
        self._unasked = ""
        """Why the registry could not be asked."""
        self._verify_failure: ScriptFailure | None = None
        """Why the last verification failed, None when it passed."""
        self._cut_short = ""
        """Why the last verification was cancelled, "" when it wasn't."""
        control.retries = plan.retries
        WaitCommands(control, session, journal)
        session.opened = self._opened
        self.watcher = Watcher(journal, GuardLimits(plan.guard_waiters, plan.guard_oldest_ms), plan.server.version_num)
        control.watcher = self.watcher
        if control.holds_session:
            self.watcher.use(session.target, control.session, control, plan.run_id)

    def _opened(self, pid: int, started: str, pooled: bool) -> None:
        self.journal.write(SessionOpened(pid=pid, started=started, pooled=pooled or None))

    def _begun(self, step: Step) -> StepStarted:
        return StepStarted(
            step=step.number,
            action=step.action,
            change=step.change,
            change_id=step.change_id,
            label=step.label,
            mode=step.mode,
            script=step.script,
        )

    def run(self, step: Step) -> StepResult:
        """Carry out `step`. Server errors end up in the result and the journal; only our own bugs are raised."""
        self.control.cancelled = False
        self.journal.write(
            self._begun(step),
            sync=step.mode == "stepwise",
        )
        start = time.perf_counter()
        if step.action == "verify":
            return self._verify_only(step)
        result = self._stepwise(step, start) if step.mode == "stepwise" else self._atomic(step, start)
        if step.new_session:
            self.session.drop()
        return result

    # -- atomic ------------------------------------------------------------------------------------------------

    def _atomic(self, step: Step, start: float) -> StepResult:
        """Try until the step is committed, or failed for good. What a lost try did is rolled back as a whole."""
        tries, without = self._tries(step), ""
        first: tuple[_Lost, ScriptFailure] | None = None
        while True:
            outcome = self._attempt(step, start, without)
            if isinstance(outcome, StepResult):
                return outcome
            self.session.drop()
            failure = tries.after(outcome.failure)
            self.session.patience_ms = tries.patience_ms
            if failure is None:
                continue
            self.session.patience_ms = 0
            if outcome.of_tables and self.records.with_less():
                first, without = first or (outcome, failure), without or failure.message
                continue
            if outcome.of_tables and first is not None:
                outcome, failure = first
            self.records.with_all()
            return self.failures.failed(
                step, start, failure, outcome.executed, began=outcome.began, verify=outcome.of_verify
            )

    def _tries(self, step: Step) -> Tries:
        return Tries(
            step,
            self.control,
            self.journal,
            lambda: not_twice(self.plan, step, self.files),
            lambda: self.session.lock_timeout_ms,
        )

    def _attempt(self, step: Step, start: float, without: str) -> StepResult | _Lost:
        """`without`: why it is tried with a part of its record only, "" where it isn't."""
        try:
            wire, head = self.session.begin(step, self.records.begin_sql)
        except PgmigError as error:
            of_tables = isinstance(error, ServerError | Refused)
            return _Lost(failure_of(step, error.what, error), began=False, of_tables=of_tables)
        sink = self._sink(step)
        executed: list[Executed] = []
        self._observed = ()
        failure = self._head_failure(step, head)
        if failure is not None:
            return _Lost(failure, of_tables=not head.lost and any(one.tag == "LOCK TABLE" for one in head.replies))
        self.records.settled(step, without)
        if step.verify == "inside":
            self.scripts.read_ahead(wire, step.verify_script)
        if step.save_sql:
            failure = save(self.plan, step, wire, self.journal)
        if failure is None and step.script is not None and step.mode == "atomic":
            executor = self.scripts.executor(wire, InsideStep(), sink, step.script)
            failure = executor.run()
            executed = executor.executed
            sink.flush()
            if failure is None and not wire.in_transaction:
                failure = failure_of(step, "the script ended the step's transaction by itself")
            if failure is None and self.records.plan.tracking is not None and observed.is_opaque(executed):
                self._observed = observed.atomic(wire, self.session)
        closing, verified_after = _CONSTRAINTS, step.verify == "after"
        if failure is None and step.verify == "inside":
            failure, closing, of_verify = self._verify_inside(step, wire, sink)
            verified_after = verified_after or closing == _CONSTRAINTS
            if failure is not None:
                return _Lost(failure, executed, of_verify=of_verify)
        if failure is not None:
            return _Lost(failure, executed)
        return self._commit(step, wire, start, executed, closing, verify_after=verified_after)

    def _head_failure(self, step: Step, head: Exchange) -> ScriptFailure | None:
        error = head.error
        try:
            if rows := [reply.rows for reply in head.replies if reply.rows]:
                clock = self.session.check_identity(rows[-1][0])
                self.journal.skew = clock - time.time()
        except PgmigError as refused:
            return failure_of(step, refused.what, refused)
        if error is None:
            return None
        if error.sqlstate == "55P03":
            return failure_of(step, f"another session holds a lock on {self.records.changes}: {error.message}", error)
        return failure_of(step, error.message, error)

    def _verify_inside(self, step: Step, wire: Wire, sink: JournalSink) -> tuple[ScriptFailure | None, str, bool]:
        """(failure, what closes it, whether the verification is what failed).

        A verification that can only run after the commit is undone here; what closes it is then _CONSTRAINTS.
        """
        assert step.verify_script is not None
        more = _SINCE_17 if self.plan.server.version_num >= 170000 else ""
        if (lifted := wire.unhurried()) is not None and lifted.error is not None:
            return _constraint_failure(step, lifted), _CONSTRAINTS, False
        begun = wire.run(_VERIFY_START.format(lock=self.plan.lock_timeout_ms, more=more).encode())
        if begun.error is not None:
            if not begun.replies:
                return _constraint_failure(step, begun), _CONSTRAINTS, False
            return ScriptFailure(step.verify_script, 0, begun.error.message, begun.error, begun.lost), _RELEASE, True
        frame = InsideVerify()
        failure = self.scripts.executor(wire, frame, sink, step.verify_script).run()
        sink.flush()
        if failure is not None and failure.sqlstate in _MOVE_VERIFY and wire.in_transaction:
            wire.run(b"ROLLBACK TO SAVEPOINT pgmig_verify")
            self.journal.write(
                Warned(
                    step=step.number, message=f"the verification can't run inside the transaction: {failure.message}"
                )
            )
            return None, _CONSTRAINTS, False
        if failure is None:
            self.journal.write(StepVerified(step=step.number, ok=True, where="inside"))
        return failure, f"{frame.pending.decode()}; {_RELEASE}" if frame.pending else _RELEASE, True

    def _commit(
        self, step: Step, wire: Wire, start: float, executed: list[Executed], closing: str, *, verify_after: bool
    ) -> StepResult | _Lost:
        """Close the script's part, record, COMMIT: one message where it can be."""
        plan = self.plan
        self.control.check()
        if why := self.control.cancelled_because:
            return _Lost(failure_of(step, why), executed)
        self.journal.write(StepCommitting(step=step.number, change=step.change))
        upcoming = plan.steps[step.number] if step.number < len(plan.steps) else None
        if upcoming is not None:
            self.scripts.read_ahead(wire, upcoming.script)
            if verify_after or step.new_session or upcoming.mode == "stepwise":
                upcoming = None  # it begins with another session, or without a transaction
        verified = True if step.verify == "inside" and not verify_after else None
        outcome = "unverified" if verify_after else ""

        def record() -> tuple[str, str]:
            seen = self._observed
            return self.records.rows(step, executed, start, outcome=outcome, verified=verified, observed=seen)

        self.session.patience_ms = 0
        self.watcher.committing()
        self.session.warned = ""
        first: ServerError | None = None
        with self.control.commit():
            rows, beside = record()
            exchange = self._finish(wire, closing, rows, beside, upcoming)
            while self.records.of_less(exchange) and self.records.with_less():
                first = first or exchange.error
                try:
                    exchange = self._finish(wire, BACK, "", record()[1], upcoming)
                except PgmigError:
                    break  # not even the registry's tables are as they should be
        self.watcher.end()
        if exchange.lost:
            result = self._unanswered_commit(step, start, executed)
            self._settled(step, first, recorded=result.recorded)
            return self._after(step, start) if verify_after and result.recorded else result
        self._settled(step, first, recorded=exchange.error is None)
        if exchange.error is not None:
            exchange.error = first or exchange.error
            if closing == _CONSTRAINTS and not exchange.replies:
                return _Lost(_constraint_failure(step, exchange), executed)
            message = registry.guard_failure(exchange.error) or f"it could not be recorded: {exchange.error.message}"
            again = self.records.by_less(exchange.error) and not not_twice(plan, step, self.files)
            return _Lost(failure_of(step, message, exchange.error), executed, of_tables=again)
        if exchange.last.tag != "COMMIT":
            message = f"the server answered {exchange.last.tag or 'nothing'} to COMMIT: the transaction was rolled back"
            return _Lost(failure_of(step, message), executed)
        self.journal.write(
            StepCommitted(step=step.number, change=step.change, action=step.action, ms=elapsed_ms(start))
        )
        self.records.mark(step)
        if self.control.cancelled and self.session.warned:
            self._cancelled_too_late(step)
        return self._after(step, start) if verify_after else StepResult(ok=True, recorded=True)

    def _finish(self, wire: Wire, closing: str, rows: str, beside: str, upcoming: Step | None) -> Exchange:
        """Send what ends the step's transaction: `rows`, and `beside`, which may fail by itself."""
        begin = self.records.begin_sql if upcoming is not None else ""
        told = "; ".join(filter(None, (rows, SAVEPOINT if beside else "", beside)))
        return self.session.finish(wire, closing, told, upcoming, begin)

    def _settled(self, step: Step, error: ServerError | None, *, recorded: bool) -> None:
        """Keep on leaving out what a step could only be recorded without."""
        if recorded and error is not None:
            self.records.settled(step, error.message)
        self.records.with_all()

    def _cancelled_too_late(self, step: Step) -> None:
        """A COMMIT that waits for a synchronous standby has happened: a cancel only ends the waiting."""
        self.control.paused = True  # the next COMMIT would wait for it as well: somebody should look first
        self.journal.write(
            Warned(
                step=step.number,
                message=f"{step.change} is committed on this server; whether a synchronous standby has it isn't known:"
                f" {self.session.warned}",
            )
        )

    def _unanswered_commit(self, step: Step, start: float, executed: list[Executed]) -> StepResult:
        """COMMIT was sent and not answered. The registry knows: its row is in the same transaction."""
        if (recorded := self._asked_registry(step)) is None:
            return StepResult(ok=False, in_doubt=True, message=self._asked_in_vain(step))
        if recorded:
            self.journal.write(
                StepCommitted(
                    step=step.number,
                    change=step.change,
                    action=step.action,
                    ms=elapsed_ms(start),
                    note="the connection broke at COMMIT; the registry holds the change's record",
                )
            )
            return StepResult(ok=True, recorded=True)
        message = "the connection broke at COMMIT and the transaction was rolled back"
        return self.failures.failed(step, start, failure_of(step, message), executed)

    def _asked_registry(self, step: Step) -> bool | None:
        """Whether the step is recorded, by the registry, on a new session; None where it can't be asked."""
        self.session.drop()
        self._unasked = ""
        try:
            with self.session.connect("check") as connection, deadline(connection, ANSWER_S, "the server"):
                deployed = registry.read_deployed(connection, self.plan.registry, self.plan.project)
        except PgmigError as error:
            self._unasked = error.what
            return None
        return any(change.change_id == step.change_id for change in deployed) == (step.action == "deploy")

    def _asked_in_vain(self, step: Step) -> str:
        message = f"COMMIT was sent and not answered, and the registry can't be asked: {self._unasked}"
        self.journal.write(StepInDoubt(step=step.number, change=step.change, message=message), sync=True)
        return message

    # -- stepwise ----------------------------------------------------------------------------------------------

    def _stepwise(self, step: Step, start: float) -> StepResult:
        assert step.script is not None
        try:
            wire, head = self.session.begin(step)
        except PgmigError as error:
            return self.failures.failed(step, start, failure_of(step, error.what, error), [], began=False)
        failure = self._head_failure(step, head)
        if failure is not None:
            return self.failures.failed(step, start, failure, [], began=False)
        sink = self._sink(step, synced=True)
        executor = self._stepwise_executor(step, wire, sink, step.script)
        tracks = self.records.plan.tracking is not None
        number = observed.next_number(self.control.session) if tracks else ""
        sink.transaction = lambda: note_transaction(executor.wire, self.control)
        sink.flushes = lambda: flush_commits(executor.wire, self.control)
        sink.before = lambda text, kind: noted_before(executor.wire, text, kind)
        failure = executor.run()
        wire = executor.wire
        sink.flush()
        if failure is None and wire.in_transaction:
            wire.run(b"ROLLBACK")
            failure = failure_of(step, "the script left a transaction open; it was rolled back")
        if failure is not None:
            if wire.alive and wire.in_transaction:
                wire.run(b"ROLLBACK")
            return self.failures.failed(
                step,
                start,
                failure,
                executor.executed,
                in_doubt=failure.lost,
                left=executor.left,
                halves=executor.halves,
            )
        self.journal.write(StepApplied(step=step.number, change=step.change, ms=elapsed_ms(start)), sync=True)
        self._observed = ()
        if number and observed.is_opaque(executor.executed):
            self._observed = observed.stepwise(self.session, number)
        verified = True
        if step.verify != "off":
            verified = self._verify_apart(step)
        return self._record(step, start, executor.executed, verified=verified)

    def _record(self, step: Step, start: float, executed: list[Executed], *, verified: bool) -> StepResult:
        """Record what was wholly applied: the registry follows the schema, also when the verification failed."""
        self.control.check()
        if self.control.lost:
            return self._unrecorded(step, self.control.lost)
        first = ""
        while why := self._not_recorded(step, start, executed, verified=verified):
            if isinstance(why, StepResult):
                return why
            first = first or why
            if not self.records.with_less():  # the registry's rows alone may do
                return self._unrecorded(step, first)
        self.records.settled(step, first)
        self.records.mark(step)
        self.journal.write(
            StepRecorded(
                step=step.number,
                change=step.change,
                action=step.action,
                ms=elapsed_ms(start),
                verified=verified if step.verify != "off" else None,
            ),
            sync=True,
        )
        return StepResult(ok=True, recorded=True) if verified else self._verify_failed()

    def _not_recorded(self, step: Step, start: float, executed: list[Executed], *, verified: bool) -> str | StepResult:
        """Record it in a transaction of its own. Returns why it isn't recorded, "" where it is; a result where that
        isn't known."""
        try:
            with self.control.commit():
                wire, head = self.session.begin(step, self.records.begin_sql)
                if (failure := self._head_failure(step, head)) is not None:
                    return failure.message
                outcome = "" if verified else "verify_failed"
                said = verified if step.verify != "off" else None
                rows, beside = self.records.rows(
                    step,
                    executed,
                    start,
                    outcome=outcome,
                    verified=said,
                    failure=None if verified else self._verify_failure,
                    observed=self._observed,
                )
                exchange = self.session.finish(wire, "", f"{rows}; {beside}" if beside else rows)
            if exchange.lost:
                if (recorded := self._asked_registry(step)) is None:
                    return StepResult(ok=False, in_doubt=True, message=self._asked_in_vain(step))
                return "" if recorded else "the connection broke at COMMIT, and the registry has no record of it"
            if exchange.error is not None:
                return registry.guard_failure(exchange.error) or exchange.error.message
        except PgmigError as error:
            return error.what
        return "" if exchange.last.tag == "COMMIT" else "COMMIT was not answered"

    def _unrecorded(self, step: Step, why: str) -> StepResult:
        message = f"the script was applied but could not be recorded: {why}"
        self.journal.write(
            StepFailed(
                step=step.number,
                change=step.change,
                message=message,
                committed=True,
                what_stays=(f"everything that {step.script} does",),
                applied=True,
                recorded=False,
                do="Check with the verify script, then record it:"
                f" pgmig-tui {step.action} --log-only --to {step.change}",
            ),
            sync=True,
        )
        return StepResult(ok=False, in_doubt=True, message=message)

    def record_only(self, step: Step, *, verified: bool) -> StepResult:
        """Record a step whose script was carried out by a run that has ended."""
        self._observed = ()
        return self._record(step, time.perf_counter(), [], verified=verified)

    # -- verification ------------------------------------------------------------------------------------------

    def verify_only(self, step: Step) -> bool:
        """Run the verify script of a step on a fresh connection, and tell the journal."""
        return self._verify_apart(step)

    def _after(self, step: Step, start: float) -> StepResult:
        passes = self._verify_apart(step)
        self.failures.answered(step, start, self._verify_failure)
        return StepResult(ok=True, recorded=True) if passes else self._verify_failed()

    def _verify_failed(self) -> StepResult:
        cut = self._cut_short
        message = "the change is deployed and recorded, but its verification " + (f"was {cut}" if cut else "failed")
        return StepResult(ok=False, recorded=True, verify_failed=True, cancelled=bool(cut), message=message)

    def _verify_apart(self, step: Step) -> bool:
        """Run the verify script on a fresh connection, as psql would; its own transactions are its own."""
        assert step.verify_script is not None
        self.session.drop()
        sink = self._sink(step)
        try:
            wire = self.session.open(f"{step.number}")
            if not self.control.holds_session:  # a verification has no other session to look from the side of
                self.watcher.use(self.session.target, wire.connection, self.control, self.plan.run_id)
            self.watcher.begin(step.number, wire, guarded=False)
            self.session.check_identity(wire.query(self.session.head_sql(step))[0])
            failure = self.scripts.executor(wire, TransactionFrame(), sink, step.verify_script).run()
        except PgmigError as error:
            failure = ScriptFailure(step.verify_script, 0, error.what)
        sink.flush()
        self._verify_failure = failure
        self.session.leave()
        why = self.control.cancelled_because if self.control.cancelled else ""
        self._cut_short = why if why and failure is not None and failure.message.startswith(why) else ""
        told = StepVerified(step=step.number, ok=failure is None, where="after", change=step.change)
        self.journal.write(told if failure is None else replace(told, **fields_of(failure)))
        return failure is None

    def _verify_only(self, step: Step) -> StepResult:
        """`pgmig-tui verify`: what the plan says against the change counts as much as its script."""
        problem = step.findings[0] if step.findings else ""
        if step.verify_script is None or problem:
            self.journal.write(
                StepVerified(
                    step=step.number,
                    ok=not problem,
                    where="none",
                    change=step.change,
                    message=problem or step.verify_reason,
                )
            )
        ok = not problem
        start = time.perf_counter()
        self._verify_failure = None
        if step.verify_script is not None:
            ok = self._verify_apart(step) and ok
        failure = self._verify_failure or (ScriptFailure(step.script or "", 0, problem) if problem else None)
        if step.verify_script is not None or problem:
            self.failures.track_verification(step, start, failure)
        cut = "" if problem else self._cut_short
        message = "" if ok else f"verification of {step.label} " + (f"was {cut}" if cut else "failed")
        return StepResult(ok=ok, verify_failed=not ok, cancelled=bool(cut), message=message)

    # -- parts -------------------------------------------------------------------------------------------------

    def _sink(self, step: Step, *, synced: bool = False) -> JournalSink:
        return JournalSink(self.journal, self.control, step.number, synced=synced)

    def _stepwise_executor(self, step: Step, wire: Wire, sink: JournalSink, script: str) -> StepwiseExecutor:
        plain = self.scripts.executor(wire, TransactionFrame(), sink, script)

        def found(one: Leftover) -> None:
            if one.kind == "index":
                self.journal.write(IndexInvalid(step=step.number, index=one.told, repair=tuple(one.repair)))
            else:
                message = f"the statement has left {one.what}; what finishes it: {one.repair[0]}"
                self.journal.write(Warned(step=step.number, message=message))

        return StepwiseExecutor(
            plain.wire,
            plain.reader,
            plain.frame,
            sink,
            plain.outlets,
            plain.reconnect,
            watcher=plain.watcher,
            tries=lambda: self._tries(step),
            beside=self.control.session if self.control.holds_session else None,
            found_left=found,
        )


def _constraint_failure(step: Step, exchange: Exchange) -> ScriptFailure:
    assert exchange.error is not None
    message = f"at the end of the script: {exchange.error.message}"
    return ScriptFailure(step.script or "", 0, message, exchange.error, exchange.lost)
