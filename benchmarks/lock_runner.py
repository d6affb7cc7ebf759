"""Runs one script against the server as psql would, a prediction before each statement and the truth after it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from select import select
from time import monotonic

from lock_truth import Held, Known, LostError, Observer, Subject, Truth, difference, error_of
from psycopg.pq import TransactionStatus

from pgmig_tui.errors import PgmigError
from pgmig_tui.impact.names import names_in
from pgmig_tui.impact.predict import predict_script
from pgmig_tui.impact.result import StatementImpact
from pgmig_tui.script.actions import Connect, CopyFile, Outcome, Send, ServerFacts, SetEncoding
from pgmig_tui.script.arguments import Arguments
from pgmig_tui.script.files import Allow, ProjectFiles
from pgmig_tui.script.kinds import kind_of
from pgmig_tui.script.meta import Sending
from pgmig_tui.script.problems import ScriptError
from pgmig_tui.script.reader import PsqlReader
from pgmig_tui.script.statement import Statement
from pgmig_tui.script.variables import to_text

REFUSED_IN_TRANSACTION = {"25001", "2D000"}
_CONTROL_INSIDE = re.compile(rb"\b(begin|commit|rollback|end|abort|savepoint)\b", re.IGNORECASE)


@dataclass(slots=True)
class Line:
    """One statement with what was predicted and what happened."""

    file: str
    index: int
    statement: Statement
    impact: StatementImpact | None
    truth: Truth


class Reader(PsqlReader):
    """psql's reading of a script where nothing is refused: what can't be done here is passed over.

    `\\bind` keeps its parameters for the statement that follows, `\\getenv` knows `environment`.
    """

    environment: Mapping[str, str] = {}
    parameters: list[bytes] | None = None

    def _dispatch(self, frame: object, name: str, arguments: Arguments) -> Sending | None:
        if name == "getenv" and self.frame.active:
            variable, key = arguments.next(), arguments.next()
            value = self.environment.get(to_text(key.text)) if key else None
            if variable and value is not None:
                self.set_variable(to_text(variable.text), value)
            return None
        if name == "bind" and self.frame.active:
            self.parameters = [argument.text for argument in arguments.rest()]
            return None
        try:
            return super()._dispatch(frame, name, arguments)  # type: ignore[arg-type]
        except ScriptError:
            arguments.whole_line()
            if not self.frame.begun or not self.frame.active:
                return None
            text = b"".join(self.frame.parts).decode("utf-8", "replace")
            if name in {"g", "gx", "watch"} or (name == "gdesc" and kind_of(text) == "SELECT"):
                return Sending("plain")
            if name in {"gdesc", "parse", "sendpipeline"}:  # only described or prepared
                self.frame.clear()
            return None


class Runner:
    """One folder on one server: a session that acts, and one that watches."""

    def __init__(self, conninfo: str, dbname: str, environment: Mapping[str, str]) -> None:
        self.conninfo = conninfo
        self.dbname = dbname
        self.environment = environment
        self.subject = Subject(conninfo)
        self.observer = Observer(conninfo)

    def close(self) -> None:
        self.subject.close()
        self.observer.close()

    def run(self, path: Path) -> Iterator[Line]:
        yield from self.run_text(path.name, path.read_bytes(), path.parent)

    def run_text(self, name: str, data: bytes, root: Path) -> Iterator[Line]:
        """The statements of a script, each once it has run. Files that it includes lie below `root`."""
        facts = ServerFacts(self.subject.version, self.dbname, self.subject.connection.info.user, "", "", "UTF8")
        reader = Reader(
            name,
            data,
            ProjectFiles(root, allow_files=True),
            {"ON_ERROR_STOP": "off"},
            Allow(files=True),
            server=facts,
        )
        reader.environment = self.environment
        index = failures = 0
        while True:
            try:
                action = reader.next()
                failures = 0
            except ScriptError as error:
                failures += 1
                if failures > 100:  # it stands still
                    rest = Statement(name, error.line, error.line, "-- the rest of the file")
                    yield Line(name, index, rest, None, Truth(error=f"can't be read: {error}"))
                    break
                continue
            if action is None:
                break
            if isinstance(action, Connect):
                self._connect(action.user)
            elif isinstance(action, SetEncoding):
                self.subject.run(f"SET client_encoding = '{action.name}'".encode())
                reader.encoding = action.name
            elif isinstance(action, Send | CopyFile):
                line, outcome = self._statement(name, index, action, reader)
                index += 1
                yield line
                try:
                    reader.report(outcome)
                except ScriptError:
                    continue
                self._follow(reader)
        if self.subject.in_transaction:
            self.subject.run(b"ROLLBACK")
        self._connect("")

    def _connect(self, user: str) -> None:
        self.subject.close()
        self.subject.open()
        if user:
            self.subject.run(f'SET SESSION AUTHORIZATION "{user}"'.encode())

    def _follow(self, reader: PsqlReader) -> None:
        """What the server says about itself after a statement."""
        strings = self.subject.raw.parameter_status(b"standard_conforming_strings")
        reader.standard_conforming_strings = strings != b"off"
        encoding = self.subject.raw.parameter_status(b"client_encoding")
        if encoding:
            reader.encoding = encoding.decode()

    # -- one statement ------------------------------------------------------------------------------------------------

    def _statement(self, file: str, index: int, action: Send | CopyFile, reader: Reader) -> tuple[Line, Outcome]:
        statement = self.statement_of(action)
        parameters, reader.parameters = reader.parameters, None
        turn = self.turn(statement, action, reader, parameters)
        try:
            turn.take()
        except LostError as error:
            turn.truth.error = str(error) or "the connection was lost"
            turn.truth.why_not = "the connection was lost"
            self._reconnect()
        return Line(file, index, statement, turn.impact, turn.truth), turn.outcome

    @staticmethod
    def statement_of(action: Send | CopyFile) -> Statement:
        statement = Statement(action.path, action.line, getattr(action, "end_line", action.line), action.text)
        return replace(statement, joined=True) if len(statement.nodes) > 1 else statement

    def turn(
        self, statement: Statement, action: Send | CopyFile, reader: Reader, parameters: list[bytes] | None
    ) -> Turn:
        return Turn(self, statement, action, reader, parameters)

    def _reconnect(self) -> None:
        deadline = monotonic() + 60
        while True:
            try:
                self.subject.close()
                self.subject.open()
                self.observer.close()
                self.observer = Observer(self.conninfo)
                return
            except Exception:
                if monotonic() > deadline:
                    raise


class Turn:
    """What happens around one statement."""

    def __init__(
        self,
        runner: Runner,
        statement: Statement,
        action: Send | CopyFile,
        reader: Reader,
        parameters: list[bytes] | None,
    ) -> None:
        self.subject, self.observer, self.conninfo = runner.subject, runner.observer, runner.conninfo
        self.statement = statement
        self.sql = action.sql
        self.reader = reader
        self.rows = [action.data] if isinstance(action, CopyFile) else None
        self.then = getattr(action, "then", "plain")
        self.parameters = parameters
        self.truth = Truth()
        self.impact: StatementImpact | None = None
        self.outcome = Outcome(ok=False)

    def take(self) -> None:
        subject = self.subject
        if subject.status == TransactionStatus.INERROR or self._controls():
            if self.impact is None:
                self.impact = predict_script([self.statement], None, subject.version).statements[0]
            self.truth.why_not = "transaction control" if self._controls() else "the transaction has failed before"
            self._send()
            subject.forget()
        elif subject.in_transaction:
            self._predict()
            before = self.observer.locks(subject.pid)
            subject.run(b"SAVEPOINT lock_accuracy")
            self._send()
            if self.outcome.ok and subject.in_transaction:
                self._measure(before)
                subject.run(b"RELEASE lock_accuracy")
            else:
                subject.forget()
        else:
            self._alone()
        self._in_transaction()

    def _in_transaction(self) -> None:
        self.outcome = replace(self.outcome, in_transaction=self.subject.in_transaction)

    def _controls(self) -> bool:
        return self.statement.control is not None or (
            self.statement.joined and _CONTROL_INSIDE.search(self.sql) is not None
        )

    def _alone(self) -> None:
        """Outside a transaction of the script's own: in one of ours, so that its locks last."""
        subject = self.subject
        subject.run(b"BEGIN")
        self._predict()
        self._send()
        if self.outcome.ok and subject.in_transaction:
            self._measure(set())
            state, message = error_of(subject.run(b"COMMIT"))
            if state:
                self.truth.error, self.truth.sqlstate = f"at COMMIT: {message}", state
                self.outcome = replace(self.outcome, ok=False, sqlstate=state)
                subject.forget()
            return
        known = subject.snapshot
        if subject.in_transaction:
            subject.run(b"ROLLBACK")
        if self.truth.sqlstate in REFUSED_IN_TRANSACTION:
            self._outside(known or {})
        subject.forget()

    def _predict(self) -> None:
        subject = self.subject
        subject.run(b"SAVEPOINT lock_accuracy")
        facts = None
        for again in (False, True):  # DISCARD ALL and the like take the prepared query away
            try:
                subject.known()
                facts = subject.read_facts(names_in([self.statement]))
                break
            except PgmigError as error:
                subject.run(b"ROLLBACK TO lock_accuracy")
                self.truth.why_not = f"no facts: {error}" if again else ""
        subject.run(b"ROLLBACK TO lock_accuracy; RELEASE lock_accuracy")
        self.impact = predict_script([self.statement], facts, subject.version, wrapped=True).statements[0]

    def _send(self) -> None:
        given = self.rows
        rows = self.reader.copy_rows if given is None else lambda: iter(given)
        self._finish(self.subject.run(self.sql, rows, self.parameters))

    def _finish(self, results: list[object]) -> None:
        self.truth.sqlstate, self.truth.error = error_of(results)
        self.outcome = _outcome(results, self.truth, self.then)

    def _measure(self, before: Held) -> None:
        subject = self.subject
        known = subject.snapshot or {}
        after = self.observer.locks(subject.pid)
        difference(subject, before, after, known, self.truth)
        if self.statement.kind not in {"SELECT", "INSERT", "UPDATE", "DELETE"}:
            subject.forget()

    def _outside(self, known: dict[int, Known]) -> None:
        """Refused in a transaction: its locks come and go. Seen while others hold it up, and polled until its end."""
        subject, seen = self.subject, set()
        self.truth.why_not = "not in a transaction: locks come and go"
        named = [lock.name for lock in self.impact.locks if lock.relkind in "rmpt"] if self.impact else []
        with ExitStack() as stack:
            held = self.observer.hold(self.conninfo, named, "SHARE UPDATE EXCLUSIVE") if named else None
            blocker = next(held, None) if held is not None else None
            if blocker is not None:
                stack.callback(blocker.close)
            subject.raw.send_query(self.sql)
            deadline = monotonic() + 0.3
            while not select([subject.raw.socket], [], [], 0)[0]:
                seen |= self.observer.locks(subject.pid, awaited=True)
                if blocker is not None and monotonic() > deadline:
                    blocker.rollback()
                    blocker = None
        results = []
        while (result := subject.raw.get_result()) is not None:
            results.append(result)
        self._finish(list(results))
        if self.outcome.ok:
            difference(subject, set(), seen, known, self.truth)


def _outcome(results: list[object], truth: Truth, then: str) -> Outcome:
    last = results[-1] if results else None
    if last is None or truth.error:
        return Outcome(ok=False, sqlstate=truth.sqlstate or "00000", message=truth.error)

    def row(number: int) -> tuple[str | None, ...]:
        values = [last.get_value(number, column) for column in range(last.nfields)]  # type: ignore[attr-defined]
        return tuple(None if v is None else v.decode("utf-8", "surrogateescape") for v in values)

    count: int = last.ntuples  # type: ignore[attr-defined]
    names = [last.fname(column) or b"" for column in range(last.nfields)]  # type: ignore[attr-defined]
    columns = tuple(name.decode("utf-8", "surrogateescape") for name in names)
    wanted = range(count) if then == "gexec" else range(0)
    first = row(0) if count and then == "gset" else None
    return Outcome(True, "00000", "", count, columns, first, [row(number) for number in wanted])


def environment_for(folder: Path, libraries: Path) -> dict[str, str]:
    """What PostgreSQL's own test driver sets for its scripts."""
    made = {"PG_ABS_SRCDIR": folder.parent, "PG_ABS_BUILDDIR": folder.parent, "PG_LIBDIR": libraries}
    return {**{key: str(value) for key, value in made.items()}, "PG_DLSUFFIX": ".so", **os.environ}
