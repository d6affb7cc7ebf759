"""Trying changes on the real environment: everything in one transaction that ends in ROLLBACK.

Locks are real until then, so is the load; nothing that a transaction holds together stays. What isn't held together
does: sequences advance, and what reaches another server or a file is done. No registry or tracking row is written.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from pgmig_tui.database.connect import Connection, ServerError, application_name, connect
from pgmig_tui.database.wire import Exchange, Wire
from pgmig_tui.errors import PgmigError, Refused
from pgmig_tui.gates.loss import outlasting
from pgmig_tui.run.journal.events import RolledBack, StepFailed, StepTried, Warned
from pgmig_tui.run.journal.folder import discard
from pgmig_tui.run.journal.frozen import RecordedFiles, recorded_view
from pgmig_tui.run.journal.run_plan import Options, RunPlan, Step
from pgmig_tui.run.planning.prepare import prepare
from pgmig_tui.run.process.executor import Executor, InsideStep, ScriptFailure, elapsed_ms
from pgmig_tui.run.process.failures import fields_of
from pgmig_tui.run.process.sink import JournalSink
from pgmig_tui.run.process.stepper import Stepper
from pgmig_tui.script.actions import Send
from pgmig_tui.script.kinds import control_of, kind_of
from pgmig_tui.script.shape import parts_of
from pgmig_tui.script.statement import Statement

if TYPE_CHECKING:
    from pgmig_tui.impact.result import ScriptImpact
    from pgmig_tui.project.environments import Environment
    from pgmig_tui.project.project import Project

STAYS = "sequences that were used have advanced, and what reached a file or another server is done"
_NOTHING = "Nothing was changed."
_LOCK_TIMEOUT_MS = 300
"""Where the policy sets none: nobody may wait long behind a change that isn't meant to stay."""

_CONSTRAINTS = b"SET CONSTRAINTS ALL IMMEDIATE"
_AFTER_VERIFY = b"ROLLBACK TO SAVEPOINT pgmig_verify; RELEASE SAVEPOINT pgmig_verify"
# What the next change would find in a session of its own. DISCARD ALL isn't allowed inside a transaction.
_BETWEEN = b"CLOSE ALL; RESET SESSION AUTHORIZATION; RESET ROLE; RESET ALL; DEALLOCATE ALL; DISCARD TEMP"
_NOT_TOGETHER = frozenset({"25001", "55P04", "2D000"})
"""Not in a transaction with what came before it: an enum value not usable yet, a COMMIT in a procedure."""

_ENDS = frozenset({"commit", "rollback", "prepare", "commit prepared", "rollback prepared"})
_BODIES = ("CREATE FUNCTION", "CREATE PROCEDURE")


# -- planning ------------------------------------------------------------------------------------------------------


def prepare_dry_run(
    project: Project,
    environment: Environment,
    options: Options,
    *,
    state_dir: Path,
    progress: Callable[[str], None] | None = None,
) -> RunPlan:
    """Plan a dry run: the first pending change, or with `options.to` all up to there that fit into one transaction.

    On a protected environment it is the first change only, and none that rewrites or scans, or of which that can't be
    told. Scripts may use no shell, whatever the policy says. Raises what `prepare` raises, and Refused.
    """
    plan = prepare(project, environment, "deploy", options, state_dir=state_dir, progress=progress, trial=True)
    if not plan.steps:
        return plan
    try:
        steps, why = _together(plan, chain=options.to is not None)
        if not steps:
            raise Refused(
                f"{plan.steps[0].change} can't be tried: {why}",
                now=_NOTHING,
                do="`pgmig-tui rehearse` runs it on a copy of the schema.",
            )
        if plan.protected:
            _refuse_work(plan, environment, steps[0])
    except BaseException:
        discard(plan.folder)
        raise
    plan = replace(
        plan,
        dry_run=True,
        steps=steps,
        setup_sql="",
        creates=(),
        tracking=None,
        lock_timeout_ms=plan.lock_timeout_ms or _LOCK_TIMEOUT_MS,
        warnings=(*plan.warnings, *([f"only {len(steps)} of {len(plan.steps)} pending: {why}"] if why else [])),
    )
    plan.save()
    return plan


def _together(plan: RunPlan, *, chain: bool) -> tuple[tuple[Step, ...], str]:
    """The steps that one transaction can hold, and why it isn't more ("" when it isn't meant to be)."""
    steps: list[Step] = []
    for step in plan.steps if chain else plan.steps[:1]:
        if step.mode != "atomic":
            return tuple(steps), f"{step.change} can't be in one transaction: {step.mode_reason}"
        if plan.protected and steps:
            return tuple(steps), f"{plan.environment} is protected, where one change at a time is tried"
        steps.append(step)
    return tuple(steps), ""


def _refuse_work(plan: RunPlan, environment: Environment, step: Step) -> None:
    """Raise Refused where the step's locks would be held for long: a rewrite, a scan, or who knows."""
    with connect(environment.target, application_name=application_name(plan.run_id, "impact")) as connection:
        impact = _impact(plan, connection, step)
    heavy = [f"a ROLLBACK doesn't bring back {what}" for what in outlasting(impact)]
    for one in impact.statements:
        where = f"{one.path}:{one.line}: {one.kind}"
        heavy += [f"{where} rewrites {name}" for name in one.rewrites]
        heavy += [f"{where} scans {name}" for name in one.scans if name not in one.rewrites]
        heavy += [f"{where}: {what}" for what in one.unknown]
        if one.problem is not None:
            heavy.append(f"{where}: {one.problem.message}")
    if heavy:
        raise Refused(
            f"{step.change} is not tried on {plan.environment}, which is protected",
            details=heavy,
            now=_NOTHING,
            do="`pgmig-tui rehearse` runs it on a copy of the schema.",
        )


def _impact(plan: RunPlan, connection: Connection, step: Step) -> ScriptImpact:
    from pgmig_tui.database.forecast import ForecastScript, forecast

    assert step.script is not None
    files = RecordedFiles.of(plan)
    view = recorded_view(plan, files, step.script, shell=False)
    script = ForecastScript(step.script, view.statements, step.wraps, view.complete)
    return forecast([script], connection, plan.server.version_num)[0]


# -- carrying out --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class DryRunEnd:
    """How a dry run ended. `failed`: a change can't be deployed as it is; `stopped`: the operator's wish."""

    done: int
    failed: bool = False
    stopped: bool = False
    message: str = ""


class _KeepingOpen(Executor):
    """Refuses a text that would end the transaction behind its first statement: `\\gexec` can make one up."""

    def _exchange(self, send: Send, sql: bytes, rows: Callable[[], Iterable[bytes]] | None = None) -> Exchange:
        kind = kind_of(send.text)
        if kind not in _BODIES:
            parts = list(parts_of(Statement(send.path, send.line, send.end_line, send.text)))
            if any(control_of(part.text, kind_of(part.text)) in _ENDS for part in parts[1:]):
                return Exchange(error=ServerError("it would end the transaction of the dry run: not sent"))
        return Executor._exchange(self, send, sql, rows)


def _closing_failure(step: Step, exchange: Exchange) -> ScriptFailure:
    error = exchange.error
    assert error is not None
    return ScriptFailure(step.script or "", 0, f"at the end of the script: {error.message}", error, exchange.lost)


def summary(tried: DryRunEnd, total: int) -> tuple[int, str, str]:
    """(exit status, result, what it came to) for the run's last event."""
    if tried.failed:
        return 1, "failed", f"{tried.message}; everything was rolled back"
    if tried.stopped:
        return 3, "stopped", f"{tried.message}; everything was rolled back"
    told = f"{tried.done} of {total} ran and were rolled back"
    return 0, "rolled_back", f"{told}; {tried.message}" if tried.message else told


__all__ = ["STAYS", "DryRun", "DryRunEnd", "PgmigError", "prepare_dry_run", "summary"]


class DryRun(Stepper):
    """Carries out the steps of a dry run in one transaction, and withdraws it."""

    executor = _KeepingOpen

    def try_all(self, steps: Sequence[Step]) -> DryRunEnd:
        """All steps, then ROLLBACK. Server errors end up in the result and the journal."""
        start = time.perf_counter()
        wire, head = self.session.begin(steps[0], "BEGIN")
        try:
            failure = self._head_failure(steps[0], head)
            if failure is not None:
                return self._failed_try(steps[0], 0, failure, start)
            return self._try(steps, wire)
        finally:
            self._take_back(wire, start)

    def _try(self, steps: Sequence[Step], wire: Wire) -> DryRunEnd:
        for done, step in enumerate(steps):
            self.journal.write(self._begun(step))
            start = time.perf_counter()
            failure, verify = self._step(step, wire, first=done == 0)
            if failure is not None:
                if self.control.cancelled or self.control.stopping or self.control.lost:
                    return DryRunEnd(done, stopped=True, message=self.control.lost or self.control.stopped_because)
                if done and failure.sqlstate in _NOT_TOGETHER:
                    message = f"{step.change} can't be in one transaction with what comes before it: {failure.message}"
                    self.journal.write(Warned(step=step.number, message=message))
                    return DryRunEnd(done, message=message)
                return self._failed_try(step, done, failure, start, verify=verify)
            self.journal.write(StepTried(step=step.number, change=step.change, ms=elapsed_ms(start)))
        return DryRunEnd(len(steps))

    def _step(self, step: Step, wire: Wire, *, first: bool) -> tuple[ScriptFailure | None, bool]:
        """(failure, whether the verification is what failed)."""
        self.control.check()
        if why := self.control.lost or (self.control.stopped_because if self.control.stopping else ""):
            return ScriptFailure(step.script or "", 0, why), False
        if not first:
            clean = wire.run(_BETWEEN)
            if clean.error is None:
                self.session.guard(wire)
            else:
                return _closing_failure(step, clean), False
        assert step.script is not None
        sink = self._sink(step)
        failure = self.scripts.executor(wire, InsideStep(), sink, step.script).run()
        sink.flush()
        if failure is None and not wire.in_transaction:
            failure = ScriptFailure(step.script, 0, "the script ended the transaction of the dry run by itself")
        if failure is not None:
            return failure, False
        return self._checked(step, wire, sink)

    def _checked(self, step: Step, wire: Wire, sink: JournalSink) -> tuple[ScriptFailure | None, bool]:
        """Deferred constraints now, and the verification where it can run inside."""
        closed = wire.run(_CONSTRAINTS)
        if closed.error is not None:
            return _closing_failure(step, closed), False
        if step.verify == "inside":
            failure, _, of_verify = self._verify_inside(step, wire, sink)
            if failure is not None:
                return failure, of_verify
            wire.run(_AFTER_VERIFY)  # what the verification set, too; nothing to undo when it couldn't run here
            if wire.failed_transaction:
                return ScriptFailure(step.verify_script or "", 0, "its verification broke the transaction"), True
        elif step.verify == "after":
            self.journal.write(
                Warned(step=step.number, message=f"{step.change} is verified after COMMIT only: {step.verify_reason}")
            )
        return None, False

    def _take_back(self, wire: Wire, start: float) -> None:
        """ROLLBACK; a connection that is gone has been rolled back by the server."""
        if wire.alive and wire.in_transaction:
            wire.run(b"ROLLBACK")
        self.session.drop()
        self.journal.write(RolledBack(ms=elapsed_ms(start), message=f"nothing stays; but {STAYS}"), sync=True)

    def _failed_try(
        self, step: Step, done: int, failure: ScriptFailure, start: float, *, verify: bool = False
    ) -> DryRunEnd:
        self.journal.write(
            StepFailed(
                step=step.number,
                change=step.change,
                action=step.action,
                mode=step.mode,
                committed=False,
                what_stays=(),
                in_doubt=False,
                verify=verify,
                began=True,
                ms=elapsed_ms(start),
                **fields_of(failure),
            )
        )
        what = "its verification failed" if verify else failure.message
        return DryRunEnd(done, failed=True, message=f"{step.label}: {what}")
