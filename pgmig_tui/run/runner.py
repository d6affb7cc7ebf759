"""The run process: carries out one RunPlan to its end, whatever happens to the terminal that started it.

It is a session leader of its own, its connections and its journal are nobody else's, and the only ways in are the
command pipe and SIGTERM. Started by `clients.client` as `python -m pgmig_tui.run`.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pgmig_tui.database import approvals, registry, tracking
from pgmig_tui.database.activity import sessions_named
from pgmig_tui.database.adoption import adopt, missing_rows
from pgmig_tui.database.connect import Connection, ConnectionLost, ServerError, application_name, check_server, connect
from pgmig_tui.database.evidence import record_evidence
from pgmig_tui.database.identity import let_write
from pgmig_tui.display import words
from pgmig_tui.display.mask import hider
from pgmig_tui.errors import PgmigError, Refused, in_a_line
from pgmig_tui.project.changes import Plan
from pgmig_tui.run.clients import controller
from pgmig_tui.run.journal.entry import event_of, fields_of, utc
from pgmig_tui.run.journal.events import (
    FORMAT,
    CommandReceived,
    EarlierRunSettled,
    HostSlept,
    LockWaited,
    NoticeReceived,
    PlannedStep,
    RegistryPrepared,
    RunFinished,
    RunPaused,
    RunPlanned,
    RunResumed,
    RunStarted,
    Warned,
    WatcherCame,
    WatcherLeft,
)
from pgmig_tui.run.journal.file import JournalWriter, first_and_last, hold_lock
from pgmig_tui.run.journal.frozen import RecordedFiles
from pgmig_tui.run.journal.mark_files import mark_in_file
from pgmig_tui.run.journal.noted import note_schema
from pgmig_tui.run.journal.run_plan import Endpoint, RunPlan, Step
from pgmig_tui.run.journal.told import Telling, facts_of, hook_called, hooks_of, not_told, overrides_of, with_end
from pgmig_tui.run.planning.witnesses import witness_evidence
from pgmig_tui.run.process import kept_evidence
from pgmig_tui.run.process.control import Control, open_session
from pgmig_tui.run.process.failures import StepResult
from pgmig_tui.run.process.left_tables import note_left
from pgmig_tui.run.process.opening_hours import OpeningHours
from pgmig_tui.run.process.session import StepSession
from pgmig_tui.run.process.sleep import Sleep
from pgmig_tui.run.process.stepper import Stepper
from pgmig_tui.run.process.withdrawn import Approved

if TYPE_CHECKING:
    from pgmig_tui.gates.hook_text import HookFacts
    from pgmig_tui.project.hooks import Hook
    from pgmig_tui.run.recovery.reconcile import Settlement

POLL_S = 0.25
"""How often a held advisory lock is tried again with --lock-timeout (seconds). It is never waited for: a waiting
session holds a snapshot that stalls CREATE INDEX CONCURRENTLY of whoever holds the lock."""


def _planned_steps(plan: RunPlan) -> tuple[PlannedStep, ...]:
    """The steps as `run_planned` carries them."""
    return tuple(
        PlannedStep(
            number=step.number,
            action=step.action,
            change=step.change,
            label=step.label,
            change_id=step.change_id,
            mode=step.mode,
            mode_reason=step.mode_reason,
            script=step.script,
            verify=step.verify,
            verify_reason=step.verify_reason,
            ticket=step.ticket or None,
        )
        for step in plan.steps
    )


class Runner:
    """One run. `execute` returns the exit status that the journal's last event holds too."""

    def __init__(
        self,
        plan: RunPlan,
        target: Endpoint,
        journal: JournalWriter,
        answers: list[Mapping[str, object]],
        evidence: Sequence[Mapping[str, object]] = (),
    ) -> None:
        self.plan = plan
        self.target = target
        self.journal = journal
        self.answers = answers
        self.evidence = evidence
        self.control = Control(plan.folder, self._command_received)
        self.control.before_waiting = journal.flush
        self.control.obey["detach"] = self._detached
        self._controlled = controller.was_controlled(plan.folder)
        self._known = False
        if plan.on_hangup == "abort":
            self.control.look_out = self._look_for_hangup
        self._hung_up = ""
        self._goes_on = ""
        """What to do about a run that has ended between two steps."""
        self._sleep = Sleep()
        self._telling = Telling(plan)
        self._started_at = ""
        self._began: float | None = None
        """When its steps began, by the clock of perf_counter: the journal's times follow the server's."""
        self.done = 0

    def _command_received(self, name: str) -> None:
        self.journal.write(CommandReceived(command=name))

    def execute(self) -> int:
        plan = self.plan
        self.journal.write(
            RunPlanned(
                format=FORMAT,
                command=plan.told,
                project=plan.project,
                environment=plan.environment,
                target=plan.server.display,
                database=plan.server.database,
                server_version=plan.server.version,
                system_identifier=plan.server.system_identifier,
                protected=plan.protected,
                log_only=plan.log_only,
                baseline=plan.baseline,
                operator=str(plan.operator),
                os_user=plan.os_user,
                host=plan.host,
                pid=os.getpid(),
                prepared_at=plan.prepared_at,
                root=plan.root,
                lock_timeout_ms=plan.lock_timeout_ms,
                retries=plan.retries,
                registry=plan.registry,
                tracking=plan.tracking,
                rolls_back=plan.rolls_back,
                back_to=plan.back_to,
                keep_schema=plan.keep_schema,
                warnings=plan.warnings,
                foretold=plan.foretold,
                steps=_planned_steps(plan),
            )
        )
        for answer in self.answers:
            self.journal.write(event_of("gate_passed", {**answer, "answered_at": answer.get("at", "")}))
        # As the journal has it: without the values that no record may hold.
        self.evidence = [fields_of(self.journal.write(event_of("evidence_kept", one)).event) for one in self.evidence]
        if plan.backup is not None:
            self.journal.write(event_of("backup_proven", plan.backup))
        for told in plan.hooked:
            self.journal.write(event_of("hook_told", told))
        for loss in plan.losses:
            self.journal.write(event_of("loss_counted", loss))
        self._tell_overrides()
        self.journal.sync()
        try:
            return self._run()
        except PgmigError as error:
            return self._finish(
                error.exit_status, "refused" if isinstance(error, Refused) else "failed", error.what, error
            )
        finally:
            self.control.close()

    def _run(self) -> int:
        plan = self.plan
        if plan.command == "backfill":
            return self._backfill()
        schema = ""
        if plan.command != "verify":
            self._take_control()
            if plan.dry_run:
                return self._dry_run()
            earlier = self._examine_earlier()
            self._prepare_registry()
            self._settle_earlier(earlier)
            if plan.command == "deploy":
                schema = note_schema(plan.folder, self.control.session, self.journal)
        plan = self.plan
        session = StepSession(plan, self.target, self.control, self._notice)
        self._begin(plan)
        stepper = Stepper(
            plan,
            self.control,
            session,
            self.journal,
            RecordedFiles.of(plan),
        )
        stepper.failures.schema_before = schema
        failed: list[StepResult] = []
        hours, approved = OpeningHours(plan), Approved(plan)
        for step in plan.steps:
            self._look_for_hangup()
            self.control.pause_point(lambda: self._paused(session), self._resumed)
            self._look_around(session, step)
            if hours and not self.control.stopping and not self.control.lost:
                self._ask_leave(hours.closed, step)
            if approved and not self.control.stopping and not self.control.lost:
                self._ask_leave(approved.withdrawn, step, "once it is approved")
            if self.control.stopping or self.control.lost:
                break
            result = stepper.run(step)
            self.done += result.ok or result.recorded
            if result.ok or result.recorded:
                self._mark(step)
            if not result.ok:
                failed.append(result)
                if plan.command != "verify":
                    break
        session.drop()
        stepper.failures.close()
        self._note_left()
        return self._end(failed)

    def _note_left(self) -> None:
        """What approvals are bound to, as this run leaves it."""
        plan = self.plan
        if not plan.approved or not self.done or plan.command != "deploy" or self.control.lost:
            return
        if why := note_left(self.control.session, plan, plan.steps[self.done - 1].change_id):
            told = f"what approvals are bound to isn't noted, the rest has to be approved anew: {why}"
            self.journal.write(Warned(message=told))

    def _begin(self, plan: RunPlan) -> None:
        begun = self.journal.write(RunStarted(steps=len(plan.steps), control_pid=self._control_pid()), sync=True)
        self._started_at = begun.at
        self._began = time.perf_counter()
        self.control.bound(plan.lock_timeout_ms)

    def _mark(self, step: Step) -> None:
        """A rollback marks what it has reverted: where its transaction couldn't, in a file of this account, at once."""
        plan = self.plan
        if plan.mark_reason is not None:
            try:
                mark_in_file(plan.folder.parent.parent, plan, [step])
            except PgmigError as error:
                self.journal.write(Warned(message=in_a_line(f"{step.change}: {error}")))

    def _look_around(self, session: StepSession, step: Step) -> None:
        """After the host slept: is the lock still ours, is this the server that it was, has another been here? A step
        asks the same of its own transaction; this asks before it begins. Raises Refused, ServerError."""
        slept = self._sleep.slept()
        if not slept or self.control.stopping or self.control.lost or not self.control.holds_session:
            return
        self.journal.write(HostSlept(seconds=round(slept)))
        session.settle()
        control = self.control.session
        try:
            identity = control.identity()
            state = registry.read_state(control, self.plan.registry, self.plan.project)
        except ConnectionLost as error:
            self.control.lost = f"the control session, which held Sqitch's lock, was lost while the host slept: {error}"
            return
        check_server(identity, None)
        last = state.deployed[-1].change_id if state.deployed else None
        if identity.timeline != self.plan.server.timeline or last != step.expected_last:
            raise Refused(
                f"the host slept for {slept:.0f} s, and meanwhile "
                + ("the registry has changed" if last != step.expected_last else "the server has failed over"),
                now=f"{self.done} of {len(self.plan.steps)} steps are done; the rest was not begun.",
                do="Plan the run again and look at what is pending now.",
            )

    def _ask_leave(self, why_not: Callable[[Connection, Step], str], step: Step, when: str = "then") -> None:
        """End the run before a step, or a batch of it, that must not begin now. Raises ServerError."""
        try:
            why = why_not(self.control.session, step)
        except ConnectionLost as error:
            self.control.lost = f"the control session, which held Sqitch's lock, was lost: {error}"
            return
        if why:
            self.control.stop_before_next(why)
            self._goes_on = f"Deploy again {when}: pgmig-tui deploy {self.plan.environment} goes on with {step.label}."

    def _paused(self, session: StepSession) -> None:
        session.pause()
        why, self._hung_up = self._hung_up, ""
        self.journal.write(RunPaused(done=self.done, why=why or "as asked"))

    def _resumed(self) -> None:
        self.journal.write(RunResumed())
        self._look_for_hangup()  # whoever resumes it controls it

    def _detached(self, _: list[str]) -> None:
        """Whoever controls leaves on purpose: the run goes on by itself."""
        self._controlled = False

    def _look_for_hangup(self) -> None:
        """Is whoever controls still there? Asked before the commands are read, for a `detach` comes before its sender
        lets go. Between two steps, and where the policy is to abort also while one runs."""
        controlled = controller.is_controlled(self.plan.folder)
        self.control.check()
        if controlled:
            if not (self._controlled and self._known):
                self.journal.write(WatcherCame(who=controller.who(self.plan.folder), started=self._controlled))
                self._controlled = self._known = True
            return
        if not self._controlled:
            return
        self._controlled = self._known = False
        policy = self.plan.on_hangup
        self.journal.write(WatcherLeft(who=controller.who(self.plan.folder), policy=policy))
        if policy == "finish":
            self.control.paused = True
            self._hung_up = "whoever controlled it is gone"
        elif policy == "abort":
            self.control.abort("whoever controlled it is gone, and on_hangup says abort")

    def _dry_run(self) -> int:
        from pgmig_tui.run.process.dry_run import DryRun, summary

        plan = self.plan
        self._check_baseline()
        session = StepSession(plan, self.target, self.control, self._notice)
        self._begin(plan)
        files = RecordedFiles.of(plan)
        tried = DryRun(plan, self.control, session, self.journal, files).try_all(plan.steps)
        self.done = tried.done
        return self._finish(*summary(tried, len(plan.steps)))

    def _backfill(self) -> int:
        from pgmig_tui.run.backfill.runner import BackfillRun

        run = BackfillRun(self.plan, self.target, self.control, self.journal)
        hours = OpeningHours(self.plan)

        def between() -> None:
            if self.plan.on_hangup != "finish":  # what is finished here is the run itself: it is one change
                self._look_for_hangup()
            if hours and not self.control.stopping and not self.control.lost:
                self._ask_leave(hours.closed_for_batches, self.plan.steps[0])

        run.between, run.evidence = between, self.evidence
        ended = run.carry_out()
        self.done = int(ended.status == 0)
        return self._finish(ended.status, ended.result, ended.summary, now=ended.now, do=ended.do)

    def _end(self, failed: list[StepResult]) -> int:
        plan, total = self.plan, len(self.plan.steps)
        if any(result.in_doubt for result in failed):
            return self._finish(4, "in_doubt", failed[-1].message)
        if failed and failed[-1].cancelled and self.control.aborted:
            why, what = self.control.stopped_because, failed[-1].message.replace(f": {self.control.aborted}", "")
            return self._finish(3, "stopped", f"{why}; {what}; {self.done} of {total} steps are done")
        if failed and plan.command == "verify":
            return self._finish(1, "failed", f"{len(failed)} of {total} verifications failed")
        if failed and failed[-1].verify_failed:
            do = f"Fix it, or revert the change: pgmig-tui revert {plan.environment} --to @HEAD^"
            return self._finish(1, "verify_failed", failed[-1].message, do=do)
        if failed and failed[-1].partly:
            now = "What stays of its script is listed with the step; the registry holds what it held before."
            do = f"Fix the cause and {plan.command} again: its script runs from the beginning."
            return self._finish(1, "failed", failed[-1].message, now=now, do=do)
        if failed:
            return self._finish(1, "failed", failed[-1].message)
        if self.control.lost:
            return self._finish(1, "stopped", f"{self.control.lost}; {self.done} of {total} steps are done")
        if self.done < total:
            told = f"{self.control.stopped_because}; {self.done} of {total} steps are done"
            return self._finish(3, "stopped", told, do=self._goes_on)
        if not total:
            return self._finish(0, "done", f"recorded {words.listing(plan.beside)}; no change was left to deploy")
        return self._finish(0, "done", f"{self.done} of {total} steps are done")

    def _finish(
        self,
        status: int,
        result: str,
        summary: str,
        error: PgmigError | None = None,
        *,
        now: str = "",
        do: str = "",
    ) -> int:
        if self.control.heartbeat is not None:
            self.control.heartbeat.end(status)
        for told in self._telling.heard():
            self.journal.write(told)
        last = self._telling.at_end(status)
        facts = with_end(
            facts_of(self.plan, self.answers, done=self.done),
            result,
            status,
            self._started_at,
            utc(time.time(), self.journal.skew),
        )
        for hook in last:
            self.journal.write(hook_called(hook, facts))
        self.journal.write(
            RunFinished(
                exit_status=status,
                result=result,
                done=self.done,
                total=len(self.plan.steps),
                summary=summary,
                now=error.now if error else now,
                do=error.do if error else do,
                ms=None if self._began is None else round((time.perf_counter() - self._began) * 1000, 1),
            ),
            sync=True,
        )
        for hook in last:
            self._send(hook, facts)
        return status

    def _tell_overrides(self) -> None:
        """That somebody went on past what was found is told at once, and not waited for."""
        hook = self._telling.named("override")
        if hook is None or not overrides_of(self.answers):
            return
        facts = facts_of(self.plan, self.answers)
        self.journal.write(hook_called(hook, facts))
        self._send(hook, facts)

    def _send(self, hook: Hook, facts: HookFacts) -> None:
        if why := self._telling.send(hook, facts):
            self.journal.write(not_told(hook, why))

    # -- before the first step ---------------------------------------------------------------------------------

    def _control_pid(self) -> int | None:
        return self.control.pid if self.plan.command != "verify" else None

    def _take_control(self) -> None:
        """Open the control session and take Sqitch's advisory lock; refused at once, naming who holds it."""
        plan = self.plan
        session = open_session(plan, self.target, self.journal)
        self.control.hold(session)
        deadline = time.monotonic() + plan.lock_wait_s
        while not registry.try_lock(session):
            holder = registry.lock_holder(session)
            if holder is None:
                continue  # gone between the two questions
            if time.monotonic() >= deadline or self.control.stopping:
                by = self._started_by(holder.run_id)
                watch = "" if by else f" `pgmig-tui attach {plan.environment}` watches it."
                raise Refused(
                    f"another run works on this database: {holder}{by}",
                    now="Nothing was changed.",
                    do=f"Wait for it to end, or poll for it with --lock-timeout SECONDS.{watch}",
                )
            self.journal.write(LockWaited(holder=str(holder)))
            self.control.idle_wait(POLL_S)
        self._no_dump(session)

    def _started_by(self, run_id: str) -> str:
        """Of a run of this account more is known than its sessions tell."""
        if not run_id:
            return ""
        try:
            first, _ = first_and_last(self.plan.folder.parent / run_id)
        except OSError:
            return ""
        if first is None or not isinstance(first.event, RunPlanned):
            return ""
        who, host = first.event.operator or "?", first.event.host or "?"
        return f"; started by {who} on {host} at {first.at}, `pgmig-tui attach {run_id}` shows it"

    def _no_dump(self, session: Connection) -> None:
        """A dump of ours holds ACCESS SHARE on every table: a step would wait for it, and everybody for the step."""
        dumps = sessions_named(session, "pgmig/%/dump")
        if dumps and self.plan.rolls_back is not None:
            # In an emergency nothing but the database itself may refuse; the watcher names whoever is in the way.
            told = f"process {dumps[0].pid} ({dumps[0].application}) dumps this database"
            self.journal.write(Warned(message=told))
        elif dumps:
            raise Refused(
                f"process {dumps[0].pid} ({dumps[0].application}) still dumps this database",
                now="Nothing was changed.",
                do="Start the run again when the dump has ended.",
            )

    def _check_baseline(self) -> registry.RegistryState:
        """Under the lock: the registry is what the plan was made on."""
        plan = self.plan
        state = registry.read_state(self.control.session, plan.registry, plan.project)
        if (state.deployed[-1].change_id if state.deployed else None) != plan.baseline:
            raise Refused(
                "the registry has changed since this run was planned",
                now="Nothing was changed.",
                do="Plan the run again and look at what is pending now.",
            )
        return state

    def _prepare_registry(self) -> None:
        """Create what the plan said would be created."""
        plan = self.plan
        state = self._check_baseline()
        with self._own("setup") as setup:
            let_write(setup)
            registry.refuse_foreign(setup, plan.registry)
            if plan.command == "deploy":
                sqitch_plan = Plan(plan.project, plan.uri, (), (), Path(plan.root))
                for done in registry.prepare_registry(setup, plan.registry, sqitch_plan, plan.operator, state):
                    self.journal.write(RegistryPrepared(message=done))
            if plan.setup_sql:
                setup.execute(plan.setup_sql)
                for done in plan.beside:
                    self.journal.write(RegistryPrepared(message=f"recorded {done}"))
            seen = tracking.read_tracking(setup, plan.tracking, plan.registry)
            found = tracking.prepare_tracking(setup, seen)
            if seen.creates == "upgrade" and found.version == 2:
                self.journal.write(RegistryPrepared(message=f"upgraded the tracking tables in schema {found.schema}"))
            if found.stays and found.stays not in plan.warnings:
                self.journal.write(Warned(message=found.stays))
            if found.schema is None and plan.tracking is not None:
                self.journal.write(Warned(message=f"tracking is off: {found.reason}"))
            self.plan = dataclasses.replace(plan, tracking=found.schema, tracking_version=found.version)
            if why := kept_evidence.record(setup, plan, found.schema, found.version, self.evidence):
                self.journal.write(Warned(message=f"the checklist's evidence is not kept in the database: {why}"))
            if found.schema is not None and found.version == 2:
                self._adopt(setup, found.schema, state)
                self._witness(setup)
            if plan.tracking is not None and (seen.creates or plan.setup_sql or not state.info.present):
                self._let_approvers_read(setup, plan.tracking)
        if found.no_runs:
            if found.without_row not in plan.warnings:
                self.journal.write(Warned(message=found.without_row))
        elif found.schema is not None:
            self.control.keep_row(plan, found.schema, self.journal)

    def _let_approvers_read(self, setup: Connection, schema: str) -> None:
        """Whoever makes tables lets those read them who approve here: nobody else could before there were any."""
        try:
            for grant in approvals.readers_sql(setup, schema, self.plan.registry):
                setup.execute(grant)
                self.journal.write(RegistryPrepared(message=f"let an approver read it: {grant}"))
        except ServerError as error:
            self.journal.write(Warned(message=f"approvers may not read what was made: {error.message}"))

    def _adopt(self, setup: Connection, schema: str, state: registry.RegistryState) -> None:
        """Tell in the tracking tables what others have deployed and reverted since the last run."""
        plan = self.plan
        try:
            rows = missing_rows(
                setup,
                schema,
                plan.registry,
                plan.project,
                state.deployed,
                run_id=plan.run_id,
                environment=plan.environment,
            )
        except ConnectionLost:
            raise
        except PgmigError as error:
            self.journal.write(Warned(message=f"what others did is not adopted by tracking: {error.what}"))
            return
        if not rows:
            return
        count = words.count(len(rows), "change")
        if why := adopt(setup, schema, rows, plan.operator):
            self.journal.write(Warned(message=f"{count} of others could not be adopted by tracking: {why}"))
        else:
            told = f"tracking adopted {count} that others deployed or reverted"
            self.journal.write(RegistryPrepared(message=told))

    def _witness(self, setup: Connection) -> None:
        """Keep the heads of other environments' chains, as the plan has seen them. Blocks nothing."""
        plan = self.plan
        if plan.witnessed and (why := record_evidence(setup, plan.tracking, witness_evidence(plan), plan.registry)):
            self.journal.write(Warned(message=f"what other environments' records looked like is not kept: {why}"))

    def _examine_earlier(self) -> list[Settlement]:
        """The runs that were cut off here, as the plan said, seen again. Raises InDoubt."""
        if not self.plan.settles:
            return []
        from pgmig_tui.run.recovery.cut_off import examine_earlier

        return examine_earlier(self.control.session, self.plan.folder.parent.parent, self.plan.settles)

    def _settle_earlier(self, found: list[Settlement]) -> None:
        """Nothing can refuse this run any more, and Sqitch's lock is held."""
        if not found:
            return
        from pgmig_tui.run.recovery.cut_off import settle_earlier

        by, hooks = f"run {self.plan.run_id}", hooks_of(self.plan)
        for run, told in settle_earlier(self.control.session, found, by, hooks, self.plan.root):
            self.journal.write(EarlierRunSettled(settled=run, message=told))

    def _own(self, part: str) -> Connection:
        name = application_name(self.plan.run_id, part)
        return connect(self.target, application_name=name, kind="alone", lock_timeout_ms=self.plan.lock_timeout_ms)

    def _notice(self, severity: str, sqlstate: str, message: str) -> None:
        self.journal.write(NoticeReceived(severity=severity, sqlstate=sqlstate, message=message))


def main() -> int:
    """Carry out the plan of a folder. Folder, secrets and answers come as one JSON line on standard input, which is
    then closed; without that line nobody wants us any more."""
    os.umask(0o077)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    line = sys.stdin.readline()
    sys.stdin.close()
    if not line:
        return 0
    given = json.loads(line)
    folder = Path(given["folder"])
    _redirect(folder)
    lock = hold_lock(folder)
    if lock is None:
        return 3
    variables: dict[str, str] = given.get("variables") or {}
    plan = dataclasses.replace(RunPlan.load(folder, variables), hooks=tuple(given.get("hooks") or ()))
    target = Endpoint(
        plan.server.display, dict(plan.server.conninfo), given.get("password"), given.get("secrets") or {}
    )
    journal = JournalWriter(folder, plan.run_id, hide=hider(variables))
    runner = None
    try:
        runner = Runner(plan, target, journal, given.get("answers", []), given.get("evidence", []))
        signal.signal(signal.SIGTERM, lambda *_: runner.control.command("stop"))
        return runner.execute()
    except BaseException as error:
        with contextlib.suppress(OSError):
            journal.write(
                RunFinished(
                    exit_status=4,
                    result="crashed",
                    done=runner.done if runner else 0,
                    total=len(plan.steps),
                    summary=f"the run process stopped by an internal error: {type(error).__name__}: {error}",
                ),
                sync=True,
            )
        raise
    finally:
        journal.close()


def _redirect(folder: Path) -> None:
    """From here on what we print stands in the run's folder: a crash of our own must leave words behind."""
    for fd, name in ((1, "stdout"), (2, "stderr")):
        file = os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(file, fd)
        os.close(file)
