"""Running scripts on a scratch database, measured or not, with the executor that runs them for real."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePath
from typing import Literal

from pgmig_tui.database.connect import application_name, connect, guard_sql
from pgmig_tui.database.opening import NOT_WAITING
from pgmig_tui.database.wire import Exchange, Reply, Wire
from pgmig_tui.display.mask import mask_secrets
from pgmig_tui.errors import Refused
from pgmig_tui.impact.cluster_wide import cluster_wide
from pgmig_tui.impact.facts import Name
from pgmig_tui.impact.outside import outside
from pgmig_tui.impact.result import Estimate, ScriptImpact
from pgmig_tui.lint.silence import read_ignored
from pgmig_tui.rehearse.compare import Predictions, depends_on_rows, differences
from pgmig_tui.rehearse.measure import Meter, Observer, PollingWaiter, Sampler, StateBefore
from pgmig_tui.rehearse.measured import Measured, RehearsedScript, RehearsedStatement, ScriptProblem, VerifiesNothing
from pgmig_tui.run.journal.run_plan import Endpoint
from pgmig_tui.run.process.executor import Executor, InsideStep, ScriptFailure, TransactionFrame, elapsed_ms
from pgmig_tui.run.process.outlets import Outlets
from pgmig_tui.run.process.sink import SHOWN
from pgmig_tui.script.actions import Send, ServerFacts
from pgmig_tui.script.files import Allow, FileSource
from pgmig_tui.script.kinds import control_of, kind_of
from pgmig_tui.script.preview import Preview, preview
from pgmig_tui.script.reader import PsqlReader
from pgmig_tui.script.shape import Shape, must_stand_alone, shape
from pgmig_tui.script.statement import Statement

_CONSTRAINTS = b"SET CONSTRAINTS ALL IMMEDIATE"
_LIKE = frozenset({"INSERT", "UPDATE", "DELETE"})
PROVES_NOTHING = "verify-proves-nothing"
"""The rule of `lint` that finds by the text what is tried here; the same comment silences both."""
_QUIET = frozenset({"SET", "SET ROLE", "SET SESSION AUTHORIZATION", "SET CONSTRAINTS", "RESET", "SHOW", "EMPTY"})
_NOT_IN_TRANSACTION = frozenset({"25001", "2D000"})

Targets = Sequence[Estimate | None]
"""What the target's own sizes say of each statement of a script, in their order."""


@dataclass(frozen=True, slots=True)
class TrialScript:
    """One script to run there. `change` and `change_id` say whose it is."""

    change: str
    change_id: str
    name: str
    data: bytes
    verify_name: str = ""
    verify_data: bytes = b""
    verify_variables: dict[str, str] = field(default_factory=dict)


class Notebook:
    """The executor's sink: nothing is told, and nothing stops it but a signal."""

    def started(self, send: Send, kind: str, *, commits: bool) -> None:
        return

    def finished(self, send: Send, kind: str, reply: Reply, ms: float, *, commits: bool) -> None:
        return

    def output(self, text: str, stream: str) -> None:
        return

    def may_go_on(self) -> str:
        return ""


class MeasuringExecutor(Executor):
    """Runs a script and measures each statement.

    One that would commit by itself runs in a transaction of its own, so that its locks can be read before COMMIT; what
    can't run in one is watched from outside, with blockers in its way that hold it where it can be seen.
    """

    meter: Meter
    predictions: Predictions
    polling: PollingWaiter
    statements: list[RehearsedStatement]

    def measure(self, meter: Meter, predictions: Predictions, polling: PollingWaiter) -> None:
        """Say how; before `run`."""
        self.meter, self.predictions, self.polling = meter, predictions, polling
        self.statements = []
        self._last: tuple[str, str] = ("", "")

    def _row(self, send: Send, kind: str, first: Exchange) -> ScriptFailure | None:
        return None  # each statement is looked at

    def _exchange(self, send: Send, sql: bytes, rows: Callable[[], Iterable[bytes]] | None = None) -> Exchange:
        kind = kind_of(send.text)
        foreseen = self.predictions.take(send.path, send.start, send.text)
        predicted = foreseen.impact if foreseen is not None else None
        if kind in _QUIET or control_of(send.text, kind) is not None:
            self._last = ("", "")
            exchange = Executor._exchange(self, send, sql)
            if kind.startswith("ROLLBACK"):
                self.meter.forget()
            return exchange
        like, self._last = self._last, (kind, send.text[:24])
        if kind in _LIKE and like == self._last and self.statements:
            exchange = Executor._exchange(self, send, sql)
            last = self.statements[-1]
            self.statements[-1] = _again(last, send, exchange)
            return exchange
        if not (self.frame.own_transaction and self.wire.idle):
            before = self.meter.before(self.wire)
            exchange = Executor._exchange(self, send, sql)
            measured = self._read(before, exchange)
        else:
            names = [lock.name for lock in predicted.locks] if predicted is not None else []
            measured, exchange = self._by_itself(send, sql, names)
        if exchange.error is None:
            self.statements.append(
                RehearsedStatement(
                    send.path,
                    send.line,
                    send.end_line,
                    kind,
                    mask_secrets(send.written[: SHOWN * 4])[:SHOWN],
                    1,
                    exchange.last.row_count,
                    measured,
                    predicted,
                    differences(predicted, measured, kind),
                    depends_on_rows(predicted, measured, kind),
                    foreseen.on_target if foreseen is not None else None,
                )
            )
        return exchange

    def _read(self, before: StateBefore, exchange: Exchange) -> Measured:
        if exchange.error is not None or not self.wire.in_transaction:
            return Measured(ms=exchange.ms)
        return self.meter.after(self.wire, before, exchange)

    def _by_itself(self, send: Send, sql: bytes, names: list[Name]) -> tuple[Measured, Exchange]:
        wire = self.wire
        if not must_stand_alone(Statement(send.path, send.line, send.end_line, send.text)):
            wire.run(b"BEGIN")
            before = self.meter.before(wire)
            exchange = Executor._exchange(self, send, sql)
            measured = self._read(before, exchange)
            if wire.in_transaction:
                ended = wire.run(b"COMMIT" if exchange.error is None else b"ROLLBACK")
                if exchange.error is None and ended.error is not None:
                    exchange.error = ended.error
            if exchange.error is None or exchange.error.sqlstate not in _NOT_IN_TRANSACTION:
                if exchange.error is not None:
                    self.meter.forget()
                return measured, exchange
        return self._from_outside(send, sql, names)

    def _from_outside(self, send: Send, sql: bytes, names: list[Name]) -> tuple[Measured, Exchange]:
        observer = self.meter.observer
        before = self.meter.before(self.wire)
        observer.block(names)
        sampler = self.polling.sampler = Sampler(observer, self.wire.pid)
        try:
            exchange = Executor._exchange(self, send, sql)
        finally:
            self.polling.sampler = None
            observer.give_way(entirely=True)
        return self.meter.alone(self.wire, before, sampler, exchange), exchange


class ThrownAway(Outlets):
    """Files below `root`, whatever their names: a rehearsal writes none of the project's, and none outside."""

    def file(self, name: str) -> Path:
        inside = [part for part in PurePath(name).parts if part not in (PurePath(name).anchor, "..")]
        path = self.root.joinpath(*(inside or ["file"]))
        path.parent.mkdir(parents=True, exist_ok=True)
        return path


@dataclass(slots=True)
class Stage:
    """Where scripts run: the scratch database as the target's role, with a fresh session for each script. `shared`:
    others use its server, so that nothing beyond the database may change."""

    endpoint: Endpoint
    version_num: int
    encoding: str
    files: FileSource
    root: Path
    observer: Observer
    allow: Allow
    polling: PollingWaiter = field(default_factory=PollingWaiter)
    shared: bool = False

    def play(
        self,
        script: TrialScript,
        action: Literal["deploy", "revert", "redeploy"],
        variables: dict[str, str],
        *,
        measured: bool,
        estimates: Targets = (),
    ) -> RehearsedScript:
        """Run one script and, where there is one, its verification. Never raises for what the scripts do to their
        database; Refused where they reach beyond it."""
        start = time.perf_counter()
        view = self.preview(script.name, script.data, variables)
        form = shape(view)
        _refuse_beyond(view, shared=self.shared)
        if script.verify_name and action == "deploy":
            self._refuse_verify(script.verify_name, script.verify_data, script.verify_variables)
        if form.mode == "refused":
            return self._done(script, action, form, start, [], ScriptProblem(script.name, 0, form.reason))
        statements: list[RehearsedStatement] = []
        wire = self._open()
        try:
            executor = self._executor(wire, script.name, script.data, variables, form, measured=measured)
            if isinstance(executor, MeasuringExecutor):
                predicted = self._predict(view, form, script.name).statements
                predictions = Predictions(predicted, [one.start for one in view.statements], estimates)
                executor.measure(Meter(self.observer), predictions, self.polling)
                statements = executor.statements
            problem = self._run(executor, form)
            wire = executor.wire
        finally:
            wire.close()
        found = self._done(script, action, form, start, statements, problem)
        if problem is None and script.verify_name and action == "deploy":
            return self._verified(found, script)
        return found

    def _refuse_verify(self, name: str, data: bytes, variables: dict[str, str]) -> None:
        _refuse_beyond(self.preview(name, data, variables), shared=self.shared)

    def preview(self, name: str, data: bytes, variables: dict[str, str]) -> Preview:
        return preview(name, data, self.files, variables, self.allow, self._facts())

    def _run(self, executor: Executor, form: Shape) -> ScriptProblem | None:
        wire = executor.wire
        if form.mode != "atomic":
            failure = executor.run()
            if failure is None and executor.wire.in_transaction:
                return ScriptProblem(executor.reader.name, 0, "the script left a transaction open")
            return _problem(failure)
        wire.run(b"BEGIN")
        failure = executor.run()
        if failure is None and not wire.in_transaction:
            return ScriptProblem(executor.reader.name, 0, "the script ended the step's transaction by itself")
        if failure is not None:
            return _problem(failure)
        for closing in (_CONSTRAINTS, b"COMMIT"):
            done = wire.run(closing)
            if done.error is not None:
                message = f"at the end of the script: {done.error.message}"
                return ScriptProblem(
                    executor.reader.name, 0, message, done.error.sqlstate, done.error.detail, done.error.hint
                )
        if done.last.tag != "COMMIT":
            return ScriptProblem(executor.reader.name, 0, f"the server answered {done.last.tag} to COMMIT")
        return None

    def verify(self, name: str, data: bytes, variables: dict[str, str]) -> ScriptProblem | None:
        """Run a verify script by itself; what is wrong, None when it passes. Refused where it reaches beyond the
        database."""
        self._refuse_verify(name, data, variables)
        return self._verify(name, data, variables)

    def without(
        self, script: TrialScript, when: Literal["before the deploy", "after the revert"]
    ) -> Literal[True] | VerifiesNothing | None:
        """Run the verify script of a change where the change is absent: True when it fails, as it must; None when there
        is none. Refused where it reaches beyond the database."""
        if not script.verify_name:
            return None
        if self.verify(script.verify_name, script.verify_data, script.verify_variables) is not None:
            return True
        ignored, _ = read_ignored(script.verify_name, script.verify_data, (), lambda code: True)
        reasons = [one.reason for one in ignored if PROVES_NOTHING in one.codes]
        return VerifiesNothing(script.verify_name, when, reasons[0] if reasons else "")

    def _verify(self, name: str, data: bytes, variables: dict[str, str]) -> ScriptProblem | None:
        wire = self._open()
        try:
            reader = self._reader(name, data, variables)
            executor = Executor(wire, reader, TransactionFrame(), Notebook(), ThrownAway(self.root), self._reconnect)
            problem = _problem(executor.run())
            wire = executor.wire
        finally:
            wire.close()
        return problem

    def _verified(self, found: RehearsedScript, script: TrialScript) -> RehearsedScript:
        problem = self._verify(script.verify_name, script.verify_data, script.verify_variables)
        return replace(found, verified=problem is None, verify_problem=problem)

    def _predict(self, view: Preview, form: Shape, name: str) -> ScriptImpact:
        """As the script's own session would find its names: by its role and its settings."""
        from pgmig_tui.database.forecast import ForecastScript, forecast

        script = ForecastScript(name, view.statements, form.wraps, view.complete)
        with connect(self.endpoint, application_name=application_name("rehearsal", "facts")) as session:
            return forecast([script], session, self.version_num)[0]

    # -- parts -------------------------------------------------------------------------------------------------

    def _executor(
        self, wire: Wire, name: str, data: bytes, variables: dict[str, str], form: Shape, *, measured: bool
    ) -> Executor:
        frame = InsideStep() if form.mode == "atomic" else TransactionFrame()
        reconnect = self._reconnect if frame.own_transaction else None
        reader = self._reader(name, data, variables)
        kind = MeasuringExecutor if measured else Executor
        return kind(wire, reader, frame, Notebook(), ThrownAway(self.root), reconnect)

    def _reader(self, name: str, data: bytes, variables: dict[str, str]) -> PsqlReader:
        return PsqlReader(name, data, self.files, variables, self.allow, server=self._facts())

    def _facts(self) -> ServerFacts:
        where = self.endpoint.conninfo
        return ServerFacts(
            self.version_num,
            where.get("dbname", ""),
            where.get("user", ""),
            where.get("host", ""),
            where.get("port", ""),
            self.encoding,
        )

    def _open(self) -> Wire:
        connection = connect(self.endpoint, application_name=application_name("rehearsal", "script"), script=True)
        connection.execute(guard_sql("step", 0, self.version_num))
        connection.execute(f"SET idle_in_transaction_session_timeout = 0; {NOT_WAITING}")
        return Wire(connection, self.polling)

    def _reconnect(self, user: str) -> Wire:
        """`\\connect`: only as the same role; others have no password there."""
        return self._open()

    def _done(
        self,
        script: TrialScript,
        action: Literal["deploy", "revert", "redeploy"],
        form: Shape,
        start: float,
        statements: list[RehearsedStatement],
        problem: ScriptProblem | None,
    ) -> RehearsedScript:
        return RehearsedScript(
            script.change,
            script.change_id,
            action,
            script.name,
            form.mode,
            problem is None,
            elapsed_ms(start),
            tuple(statements),
            problem,
        )


def _refuse_beyond(view: Preview, *, shared: bool) -> None:
    """Raise Refused where a script reaches the server's host: that isn't the target's, it may be this one. On a server
    that is `shared` with others, also where it may change more than its database."""
    found = [
        f"{one.path}:{one.line}: {what}"
        for one in view.statements
        if (what := outside(one) or (cluster_wide(one) if shared and not one.skipped else ""))
    ]
    if found:
        raise Refused(
            f"{view.path} reaches beyond its database, which no rehearsal does",
            details=found,
            now="It was not run; the target was only read, and the copy is gone.",
            do="Try it on an environment whose files it may use."
            if not shared
            else "Try it on a server of our own, or on an environment that is for that.",
        )


def _again(last: RehearsedStatement, send: Send, exchange: Exchange) -> RehearsedStatement:
    if exchange.error is not None:
        return last
    return replace(last, end_line=send.end_line, count=last.count + 1, rows=last.rows + exchange.last.row_count)


def _problem(failure: ScriptFailure | None) -> ScriptProblem | None:
    if failure is None:
        return None
    error = failure.error
    return ScriptProblem(
        failure.path,
        failure.line,
        failure.message,
        failure.sqlstate,
        error.detail if error else "",
        error.hint if error else "",
    )
