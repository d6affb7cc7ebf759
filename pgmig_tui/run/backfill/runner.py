"""Carrying out a data migration in batches, in the run process.

Each batch is a transaction of its own with its checkpoint in it, so whatever is killed, and whenever, the checkpoint
says what is done. The run holds an advisory key of its own for the statement, not Sqitch's: it may take hours, and
other changes must be deployable meanwhile. It writes nothing into the registry; a change whose statement it carried out
is recorded by a deploy of its own.
"""

from __future__ import annotations

import contextlib
import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pgmig_tui.database import backfill as batches_on
from pgmig_tui.database import tracking
from pgmig_tui.database.backfill import Checkpoint, Key
from pgmig_tui.database.connect import (
    Connection,
    ConnectionLost,
    ServerError,
    application_name,
    connect,
)
from pgmig_tui.database.deeds import record_deed
from pgmig_tui.database.identity import let_write
from pgmig_tui.database.wire import Wire
from pgmig_tui.display import words
from pgmig_tui.display.mask import mask_secrets
from pgmig_tui.errors import PgmigError, Refused
from pgmig_tui.run.backfill import pace as batches
from pgmig_tui.run.backfill.giving_way import GivingWay
from pgmig_tui.run.backfill.pace import Pace
from pgmig_tui.run.backfill.plan import SCRIPT, Backfill
from pgmig_tui.run.backfill.session import STEP, BatchSession
from pgmig_tui.run.journal.events import (
    BackfillDone,
    BatchDone,
    BatchRetried,
    PaceChanged,
    RunPaused,
    RunResumed,
    RunStarted,
    StatementStarted,
    StepFailed,
    StepRecorded,
    StepStarted,
    Warned,
)
from pgmig_tui.run.process import guard, kept_evidence
from pgmig_tui.run.process.control import open_session
from pgmig_tui.run.process.watcher import Watcher

if TYPE_CHECKING:
    from pgmig_tui.run.journal.file import JournalWriter
    from pgmig_tui.run.journal.run_plan import Endpoint, RunPlan
    from pgmig_tui.run.process.control import Control

_POLL_S = 0.1
_TAKEN_S = 3.0
"""How long a lock of a run that was just killed may live on (seconds)."""
_CONNECTION_LOST = "08006"
_LEFT_TIMEOUT = "60s"


@dataclass(frozen=True, slots=True)
class Ending:
    """How it ended, as `run_finished` tells it."""

    status: int
    result: str
    summary: str
    now: str = ""
    do: str = ""


class BackfillRun:
    """One backfill. `carry_out` returns how it ended; raises PgmigError where it could not begin."""

    def __init__(self, plan: RunPlan, target: Endpoint, control: Control, journal: JournalWriter) -> None:
        self.plan = plan
        self.target = target
        self.control = control
        self.journal = journal
        self.spec = Backfill.load(plan.folder, plan.values_given)
        self.size = self.spec.batch
        self.largest = max(batches.LARGEST, self.spec.batch)
        self.level = 0
        self.last: Key = ()
        self.until: Key = ()
        self.run_id = self.spec.goes_on or plan.run_id
        self._rows_before = 0
        self._sqlstate = ""
        self.rows = self.seen = self.count = 0
        self._session = BatchSession(plan, target, self.spec, control, journal)
        self._way = GivingWay(self.spec, control, journal)
        self.between: Callable[[], None] | None = None
        """Called before each batch."""
        self.evidence: Sequence[Mapping[str, object]] = ()
        """Of its checklist, as the journal has it."""
        control.obey |= {
            "faster": lambda _: self._change_pace(+1),
            "slower": lambda _: self._change_pace(-1),
            "retries": self._change_retries,
        }
        control.retries = plan.retries

    # -- from begin to end -------------------------------------------------------------------------------------

    def carry_out(self) -> Ending:
        began = time.monotonic()
        self._take_control()
        self._begin()
        self._keep_row()
        self._rows_before = self.rows
        self.journal.write(RunStarted(steps=1, control_pid=self.control.pid), sync=True)
        self.journal.write(
            StepStarted(
                step=STEP,
                change=self.spec.name,
                action="backfill",
                mode="batches",
                table=self.spec.table,
                rows=self.rows,
                seen=self.seen,
                last_key=tuple(self.last),
                until_key=tuple(self.until),
                about_total=self.spec.about_total,
                goes_on=self.spec.goes_on,
                **self._pace_fields(),
            )
        )
        self.journal.write(
            StatementStarted(
                step=STEP,
                path=SCRIPT,
                line=1,
                end_line=1,
                kind=self.spec.kind,
                commits=True,
                sql=mask_secrets(self.journal.hide(self.spec.text)[:800])[:200],
                hash=self.spec.digest[:12],
            )
        )
        try:
            ending = self._walk()
            if ending is None:
                ending = self._finish((time.monotonic() - began) * 1000)
        finally:
            self._session.drop()
        self._track(ending, (time.monotonic() - began) * 1000)
        return ending

    def _track(self, ending: Ending, ms: float) -> None:
        """The row of this run of it in the tracking tables: what stopped goes on in another run, which has its own."""
        plan, spec = self.plan, self.spec
        outcome = "" if ending.status == 0 else "partly" if self.rows > self._rows_before else "failed"
        deed = tracking.Migration(
            "",
            spec.change or spec.name,
            "backfill",
            "",
            not outcome,
            ms,
            outcome,
            project=plan.project,
            run_id=plan.run_id,
            environment=plan.environment,
            rows=self.rows - self._rows_before,
            message=mask_secrets(self.journal.hide(ending.summary)),
            sqlstate=self._sqlstate,
        )
        statement = tracking.AuditRow(
            spec.kind,
            "TABLE",
            spec.table,
            f"in batches of {spec.table}",
            mask_secrets(self.journal.hide(spec.text))[:10_000],
            ms=ms,
            rows=deed.rows,
            sqlstate=self._sqlstate,
            objects=(("TABLE", spec.table, ""),),
        )
        try:
            with connect(self.target, application_name=application_name(plan.run_id, "track")) as own:
                let_write(own)
                why = record_deed(own, spec.schema, deed, [statement], plan.operator, plan.registry)
        except PgmigError as error:
            why = error.what
        if why:
            self.journal.write(Warned(step=STEP, message=f"the backfill has no row in the tracking tables: {why}"))

    def _walk(self) -> Ending | None:
        """Batch after batch; None when the end of the table is reached."""
        while self.last != self.until:
            if self.between is not None:
                self.between()
                if why := self._why_stop():
                    return self._stopped(why)
            self.control.pause_point(self._paused, self._resumed)
            if why := self._way.wait(self._why_stop, self._paused, self._resumed):
                return self._stopped(why)
            started = time.monotonic()
            done = self._batch()
            if isinstance(done, Ending):
                return done
            took_ms = (time.monotonic() - started) * 1000
            rest = batches.rest_ms(took_ms, done, self._pace, self.spec.limits, self._way.slowed)
            if rest and self.last != self.until:
                self._rest(rest / 1000)
            if why := self._why_stop():
                return self._stopped(why)
        return None

    # -- before the first batch --------------------------------------------------------------------------------

    def _take_control(self) -> None:
        """Open the control session and take the statement's own key."""
        plan = self.plan
        session = open_session(plan, self.target, self.journal)
        self.control.hold(session, "this backfill's lock")
        self.control.bound(plan.lock_timeout_ms)
        deadline = time.monotonic() + max(plan.lock_wait_s, _TAKEN_S if self.spec.goes_on else 0.0)
        while not batches_on.try_lock(session, self.spec.digest):
            holder = batches_on.lock_holder(session, self.spec.digest)
            if holder is None:
                continue  # gone between the two questions
            if time.monotonic() >= deadline or self.control.stopping:
                raise Refused(
                    f"another run carries out this very statement: {holder}",
                    now="Nothing was changed.",
                    do="`pgmig-tui attach` shows it; wait for it to end, or poll for it with --lock-timeout SECONDS.",
                )
            self.control.idle_wait(_POLL_S)
        watcher = Watcher(
            self.journal, guard.GuardLimits(plan.guard_waiters, plan.guard_oldest_ms), plan.server.version_num
        )
        watcher.use(self.target, session, self.control, plan.run_id)
        self.control.watcher = watcher
        watcher.prepare()

    def _begin(self) -> None:
        """Write the first checkpoint, or read the last one."""
        spec, session = self.spec, self.control.session
        batches_on.create(session, spec.schema, batches_on.missing(session, spec.schema))
        if not spec.goes_on:
            until = batches_on.read_highest(self._session.ask, spec.table, spec.order)
            self.until = until if until is not None else ()
            who = str(self.plan.operator)
            text = mask_secrets(self.journal.hide(spec.text))
            batches_on.begin(
                session, spec.schema, self.run_id, spec.digest, text, spec.table, spec.columns, self.until, who
            )
            return
        self._take_over(session)
        point = self._checkpoint()
        if point.finished:
            raise Refused(f"{self.run_id} has been finished meanwhile", now="Nothing was changed.")
        self.last, self.until = point.last, point.until
        self.rows, self.seen, self.count = point.rows, point.seen, point.batches

    def _keep_row(self) -> None:
        """Where there is a table of runs, which a deploy makes."""
        found = tracking.read_tracking(self.control.session, self.spec.schema)
        if found.schema is not None and found.creates in ("", "upgrade") and not found.no_runs:
            self.control.keep_row(self.plan, found.schema, self.journal)
        evidence = kept_evidence.record(self.control.session, self.plan, found.schema, found.version, self.evidence)
        if evidence:
            self.journal.write(Warned(message=f"the checklist's evidence is not kept in the database: {evidence}"))

    def _take_over(self, session: Connection) -> None:
        """From now on no other run's batch can commit. One that is just committing is waited for."""
        deadline = time.monotonic() + _TAKEN_S
        while True:
            try:
                return batches_on.go_on(session, self.spec.schema, self.run_id, self.plan.run_id)
            except ServerError as error:
                if error.sqlstate != "55P03" or time.monotonic() > deadline:
                    raise
            self.control.idle_wait(_POLL_S)

    def _checkpoint(self) -> Checkpoint:
        spec = self.spec
        found = batches_on.read_checkpoints(self.control.session, spec.schema, spec.digest, self.run_id)
        mine = next((one for one in found if one.run_id == self.run_id), None)
        if mine is None or mine.statement_hash != spec.digest:
            raise Refused(
                f"the checkpoint of {self.run_id} is gone",
                now="What was committed before stays.",
                do=f"Look into {spec.schema}.backfill_progress: somebody has changed it.",
            )
        return mine

    # -- one batch ---------------------------------------------------------------------------------------------

    def _batch(self) -> int | Ending:
        """Carry out the next batch, tried again where that helps; how many rows of the table it has passed."""
        lost = 0
        while True:
            if why := self._why_stop():
                return self._stopped(why)
            start = time.perf_counter()
            tried: int | ServerError | None
            upto, seen = self.last, 0
            try:
                wire = self._session.open()
                upto, seen = batches_on.read_bound(
                    self._session.ask, self.spec.table, self.spec.order, self.last, self.until, self.size
                )
                tried = self._try(wire, upto, seen)
            except ConnectionLost:
                tried = None
            except ServerError as error:
                tried = error
            ms = (time.perf_counter() - start) * 1000
            if isinstance(tried, int):
                self._done(upto, seen, tried, ms)
                return seen
            overtaken = isinstance(tried, ServerError) and batches_on.GUARD in tried.message
            if tried is None or overtaken:
                settled = self._ask_checkpoint(seen)
                if settled is not None:
                    return settled
                tried = ServerError("the connection was lost", sqlstate=_CONNECTION_LOST)
            why = batches.lost_why(
                tried.sqlstate, self._gave_way(), asked=self.control.cancelled or bool(self.control.lost)
            )
            if not why:
                stop = self._why_stop()
                return self._stopped(stop) if stop else self._failed(tried)
            lost += 1
            size = batches.after_loss(self.size, lost, self.control.retries, tried.sqlstate)
            if size is None:
                return self._failed(tried, f"after {words.count(lost, 'try', 'tries')}, the last with {self.size} rows")
            self.size = size
            wait = guard.backoff_ms(lost, random.random())
            self.journal.write(
                BatchRetried(
                    step=STEP,
                    batch=self.count + 1,
                    number=lost,
                    of=self.control.retries + 1,
                    sqlstate=tried.sqlstate,
                    why=why,
                    size=self.size,
                    wait_ms=wait,
                )
            )
            self.control.stay_away(wait / 1000)

    def _try(self, wire: Wire, upto: Key, seen: int) -> int | ServerError | None:
        """The rows that one try has changed; the error that ended it, with nothing of it left; None when the
        connection broke."""
        watcher = self.control.watcher
        assert watcher is not None
        watcher.begin(STEP, wire)
        watcher.statement(1, self.spec.kind, alone=True)
        try:
            first = wire.run(f"BEGIN; {self.spec.sql(self.last, upto)}".encode())
            if first.error is not None:
                watcher.failed(first.error.sqlstate)
                return self._session.undone(first)
            rows = first.last.row_count
            watcher.committing()
            if self._why_stop():
                first.error = ServerError("stopped before its COMMIT", sqlstate=guard.CANCELLED)
                return self._session.undone(first)
            closing = batches_on.checkpoint_sql(
                self.spec.schema,
                self.run_id,
                self.last,
                upto,
                rows,
                seen,
                finished=upto == self.until,
                by=self.plan.run_id,
            )
            with self.control.commit():
                second = wire.run(closing.encode(), chunked=False)
            if any(reply.tag == "COMMIT" for reply in second.replies):
                return rows
            return self._session.undone(second)
        finally:
            latest = watcher.latest
            self._way.waited_behind = latest.waiters if latest is not None else 0
            watcher.end()

    def _done(self, upto: Key, seen: int, rows: int, ms: float) -> None:
        size = self.size
        self.last, self.rows, self.seen, self.count = upto, self.rows + rows, self.seen + seen, self.count + 1
        self.size = batches.next_size(size, seen, ms, self._pace.aim_ms, self.largest)
        self.journal.write(
            BatchDone(
                step=STEP,
                batch=self.count,
                rows=rows,
                total=self.rows,
                seen=self.seen,
                last_key=tuple(upto),
                ms=round(ms, 1),
                size=size,
                next_size=self.size,
                about_total=self.spec.about_total,
            )
        )

    def _gave_way(self) -> str:
        return self.control.watcher.gave_way if self.control.watcher is not None else ""

    # -- controlling ----------------------------------------------------------------------------------------------

    def _rest(self, seconds: float) -> None:
        """Rest, but hear commands; a change of pace or a pause ends the rest."""
        level, end = self.level, time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if self._why_stop() or self.control.paused or self.level != level:
                return
            self.control.wait(-1, max(1, int(left * 1000)))

    def _paused(self) -> None:
        self._session.drop()
        self.journal.write(RunPaused(done=0, rows=self.rows))

    def _resumed(self) -> None:
        self.journal.write(RunResumed())

    @property
    def _pace(self) -> Pace:
        return batches.pace(self.spec.aim_ms, self.level)

    def _change_pace(self, by: int) -> None:
        self.level = max(-6, min(5, self.level + by))
        self.journal.write(PaceChanged(step=STEP, **self._pace_fields()))

    def _pace_fields(self) -> dict[str, Any]:
        return {"level": self.level, "aim_ms": self._pace.aim_ms, "rest": self._pace.rest, "size": self.size}

    def _change_retries(self, arguments: list[str]) -> None:
        with contextlib.suppress(ValueError, IndexError):
            self.control.retries = max(0, min(int(arguments[0]), 1000))

    def _why_stop(self) -> str:
        if self.control.lost:
            return self.control.lost
        return self.control.stopped_because if self.control.stopping or self.control.cancelled else ""

    # -- the end -----------------------------------------------------------------------------------------------

    def _finish(self, ms: float) -> Ending:
        spec = self.spec
        left = self._count_left() if spec.left else None
        analyzed = spec.analyze and self._analyze()
        self.journal.write(
            BackfillDone(
                step=STEP,
                rows=self.rows,
                batches=self.count,
                ms=round(ms, 1),
                left=left,
                analyzed=analyzed,
                table=spec.table,
            )
        )
        self.journal.write(StepRecorded(step=STEP, change=spec.name, ms=round(ms, 1)))
        summary = f"{words.count(self.rows, 'row')} in {words.count(self.count, 'batch', 'batches')}"
        todo = []
        if left:
            summary += f"; {words.count(left, 'row')} left to do by its condition"
            todo.append("rows that came in or changed meanwhile are still to be done: see the condition left=")
        if not analyzed:
            todo.append(f"the planner knows nothing of it yet: ANALYZE {spec.table}")
        if spec.change:
            where = self.plan.environment
            todo.append(
                f"the registry wasn't touched: `pgmig-tui deploy {where} --to {spec.change}` runs the script as it"
                " stands, with --log-only it is only recorded"
            )
        return Ending(0, "done", summary, do=". ".join(todo))

    def _count_left(self) -> int | None:
        """Rows for which the declared condition still holds; None where they can't be counted in a minute."""
        wire = self._session.open()
        try:
            wire.query(f"SELECT pg_catalog.set_config('statement_timeout','{_LEFT_TIMEOUT}',false)")
            left = f"SELECT pg_catalog.count(*) FROM {self.spec.table} WHERE ({self.spec.left})"
            return int(wire.query(left)[0][0] or 0)
        except ServerError as error:
            self.journal.write(Warned(step=STEP, message=f"the rows left to do can't be counted: {error.message}"))
            return None

    def _analyze(self) -> bool:
        watcher = self.control.watcher
        assert watcher is not None
        try:
            wire = self._session.open()
            wire.query("SELECT pg_catalog.set_config('statement_timeout','0',false)")
            watcher.begin(STEP, wire, guarded=False)
            watcher.statement(1, "ANALYZE", alone=True)
            wire.query(f"ANALYZE {self.spec.table}")
        except ServerError as error:
            self.journal.write(Warned(step=STEP, message=f"ANALYZE was refused: {error.message}"))
            return False
        finally:
            watcher.end()
        return True

    @property
    def _stands(self) -> str:
        return f"{words.count(self.rows, 'row')} in {words.count(self.count, 'batch', 'batches')} are committed"

    @property
    def _how_on(self) -> str:
        return f"Go on with: pgmig-tui backfill {self.plan.environment} --resume {self.plan.run_id}"

    def _stopped(self, why: str) -> Ending:
        status = 1 if self.control.lost else 3
        return Ending(status, "stopped", f"{why}; {self._stands}", do=self._how_on)

    def _failed(self, error: ServerError, more: str = "") -> Ending:
        self._sqlstate = error.sqlstate
        self.journal.write(
            StepFailed(
                step=STEP,
                message=error.message,
                sqlstate=error.sqlstate,
                detail=error.detail,
                hint=error.hint,
                what_stays=(self._stands,) if self.rows else (),
                line=None,
            )
        )
        told = f"{error.message} {more}".strip()
        return Ending(1, "failed", f"{told}; {self._stands}", now="The batch was rolled back.", do=self._how_on)

    def _ask_checkpoint(self, seen: int) -> int | Ending | None:
        """What became of a batch whose connection broke, or whose checkpoint has moved: the rows that it has passed if
        it was committed, None if it wasn't. That is final: one that still commits makes the next one's checkpoint fail,
        which asks again."""
        self._session.drop()
        try:
            point = self._checkpoint()
        except PgmigError as error:
            return Ending(
                1,
                "failed",
                f"the connection was lost, and the checkpoint can't be read: {error.what}; {self._stands}",
                now="Whether the last batch was committed stands in the checkpoint.",
                do=self._how_on,
            )
        if point.last_run != self.plan.run_id:
            return Ending(1, "failed", f"run {point.last_run} has taken over; {self._stands}", do="Attach to that one.")
        if point.last == self.last:
            return None
        self._done(point.last, point.seen - self.seen, point.rows - self.rows, 0.0)
        return seen
