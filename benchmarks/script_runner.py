"""Whole scripts and whole plans: predicted as the commands predict them, then run, statement by statement.

A case is a file with a part `-- setup` and a part `-- test`, or a folder with a `sqitch.plan` (and perhaps a
`setup.sql`). Each gets a database of its own. After the setup the whole case is predicted with
`gates.impacts.inspect`, as `impact`, reviews and rehearsals do it: one read of the catalog, then every statement on
what those before it have left. Only then it runs, in a session like that of a deployment; a statement that fails is
undone, and the next one comes. A line `-- options: -c search_path=app` of the setup gives the session its options.
"""

from __future__ import annotations

import os
import re
import secrets
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import Any

import psycopg
from lock_runner import Line, Reader, Runner, Turn
from lock_truth import Known, Observer, Subject, difference
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.pq import TransactionStatus

from pgmig_tui.database.connect import connect
from pgmig_tui.gates.impacts import Reading, Source, inspect, sources
from pgmig_tui.impact.result import StatementImpact
from pgmig_tui.project.project import load_project
from pgmig_tui.script.actions import CopyFile, Send, ServerFacts
from pgmig_tui.script.files import Allow, ProjectFiles

PLAN = "sqitch.plan"
_TEST = re.compile(r"^-- test\b.*$", re.MULTILINE)
_SETUP = re.compile(r"^-- setup\b.*$", re.MULTILINE)
_OPTIONS = re.compile(r"^-- options: (.*)$", re.MULTILINE)
_LIMITS = "-c statement_timeout=120s -c lock_timeout=20s -c client_min_messages=error"

# A table of which all rows were deleted has none in its new file: these took none.
_REWRITE = frozenset({"ALTER TABLE", "CLUSTER", "VACUUM"})

# Rows and columns that are there, and what the transaction has changed: what a statement destroys shows in these.
_HOLDINGS = """
SELECT c.oid, c.relkind IN ('r', 'm') AND pg_catalog.pg_relation_size(c.oid) > 0,
  ARRAY(SELECT a.attname::text FROM pg_catalog.pg_attribute a
        WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '' ORDER BY a.attnum),
  pg_catalog.pg_stat_get_xact_tuples_deleted(c.oid)
FROM pg_catalog.pg_class c
WHERE c.oid >= 16384 AND c.relkind IN ('r', 'p', 'f', 'S')
"""


@dataclass(frozen=True, slots=True)
class Case:
    """`scripts` run one after the other, each in a session of its own."""

    name: str
    setup: bytes
    scripts: tuple[Source, ...]
    root: Path
    options: str = ""


@dataclass(slots=True)
class Outcome:
    """What came of one case. `seconds` is the time of the prediction; `lost` what each statement destroyed, by the
    position of its line: `schema.table` (it is gone), `schema.table.column`, `rows of schema.table`."""

    case: Case
    lines: list[Line] = field(default_factory=list)
    lost: dict[int, frozenset[str]] = field(default_factory=dict)
    seconds: float = 0.0
    problems: list[str] = field(default_factory=list)


def cases(folder: Path, only: Iterable[str] = ()) -> list[Case]:
    """The cases of a folder, by name: files that have a part `-- test`, and folders that have a plan."""
    found = []
    for path in sorted(folder.iterdir()):
        if (wanted := set(only)) and path.stem not in wanted and path.name not in wanted:
            continue
        if path.suffix == ".sql":
            text = path.read_text(encoding="utf-8")
            if test := _TEST.search(text):
                found.append(_file(path, text, test))
        elif (path / PLAN).is_file():
            found.append(_plan(path))
    return found


def _file(path: Path, text: str, test: re.Match[str]) -> Case:
    setup = text[: test.start()]
    if begin := _SETUP.search(setup):
        setup = setup[begin.end() :]
    # Blank lines for those of the setup, so that lines are those of the file.
    script = "\n" * text.count("\n", 0, test.end()) + text[test.end() :]
    options = _OPTIONS.search(setup)
    return Case(
        path.stem, setup.encode(), (Source("", path.name, script.encode()),), path.parent, options[1] if options else ""
    )


def _plan(path: Path) -> Case:
    project = load_project(path, os.environ)
    setup = path / "setup.sql"
    text = setup.read_text(encoding="utf-8") if setup.is_file() else ""
    options = _OPTIONS.search(text)
    scripts = tuple(sources(project, project.plan.changes, "deploy"))
    return Case(path.name, text.encode(), scripts, path, options[1] if options else "")


def run_case(case: Case, dsn: str) -> Outcome:
    """Set up, predict, run. What goes wrong in the setup are the outcome's problems."""
    outcome = Outcome(case)
    with _database(dsn) as (conninfo, name):
        setting_up = ScriptRunner(conninfo, name, _LIMITS)
        outcome.problems = setting_up.play(case)
        setting_up.close()
        told = _predicted(case, conninfo, name, outcome)
        for source in case.scripts:
            runner = ScriptRunner(conninfo, name, f"{_LIMITS} {case.options}")
            for line in runner.follow(source, case.root, Predictions(told.get(source.name, ()))):
                if lost := runner.lost:
                    outcome.lost[len(outcome.lines)] = lost
                outcome.lines.append(line)
            runner.close()
    return outcome


class Predictions:
    """The predicted statements of one script, handed out as the runner comes to them."""

    def __init__(self, statements: Iterable[StatementImpact]) -> None:
        self._at: dict[tuple[str, int], deque[StatementImpact]] = {}
        for one in statements:
            self._at.setdefault((one.path, one.line), deque()).append(one)

    def take(self, path: str, line: int) -> StatementImpact | None:
        """The next statement that begins there; None for one that only the running script knew (`\\gexec`)."""
        waiting = self._at.get((path, line))
        return waiting.popleft() if waiting else None


@dataclass(frozen=True, slots=True)
class _Where:
    """A target as connections want it."""

    conninfo: dict[str, str]
    display: str = "the scratch server"
    password: None = None
    secrets: Mapping[str, str] = field(default_factory=dict)


def _predicted(case: Case, conninfo: str, name: str, outcome: Outcome) -> dict[str, tuple[StatementImpact, ...]]:
    where = {key: str(value) for key, value in conninfo_to_dict(conninfo).items()}
    where |= {"dbname": name} | ({"options": case.options} if case.options else {})
    with connect(_Where(where), application_name="pgmig/accuracy") as connection:
        files = ProjectFiles(case.root, allow_files=True)
        how = Reading(files, {"registry": "sqitch"}, Allow(files=True), connection.identity().facts)
        begin = perf_counter()
        found = inspect(case.scripts, how, connection)
        outcome.seconds = perf_counter() - begin
    return {source.name: one.impact.statements for source, one in zip(case.scripts, found, strict=True)}


class ScriptRunner(Runner):
    """Runs scripts in one session; `lost` is what the last statement that it told of has destroyed."""

    def __init__(self, conninfo: str, dbname: str, options: str) -> None:
        self.conninfo, self.dbname, self.environment = conninfo, dbname, os.environ
        self.subject = Subject(conninfo, options)
        self.observer = Observer(conninfo)
        self.told: Predictions | None = None
        self.base: frozenset[int] = frozenset()
        self.columns: dict[int, frozenset[str]] = {}
        self.lost: frozenset[str] = frozenset()

    def play(self, case: Case) -> list[str]:
        """Run a setup, past errors: an extension or a function that this server lacks. What failed, in words."""
        found = []
        facts = ServerFacts(self.subject.version, self.dbname, self.subject.connection.info.user, "", "", "UTF8")
        files = ProjectFiles(case.root, allow_files=True)
        reader = Reader("setup", case.setup, files, {}, Allow(files=True), server=facts)
        while (action := reader.next()) is not None:
            if isinstance(action, Send | CopyFile):
                turn = PlainTurn(self, action, reader)
                turn.take()
                if turn.truth.error:
                    found.append(f"line {action.line}: {turn.truth.error}")
                reader.report(turn.outcome)
        return found

    def follow(self, source: Source, root: Path, told: Predictions) -> Iterator[Line]:
        self.told = told
        self.base = frozenset(self.subject.known())
        self.columns = {int(oid): frozenset(_items(columns)) for oid, _, columns, _ in self.subject.execute(_HOLDINGS)}
        self.subject.forget()
        yield from self.run_text(source.name, source.data, root)

    def turn(self, *arguments: Any) -> Turn:
        self.lost = frozenset()
        return ScriptTurn(self, *arguments)


class PlainTurn(Turn):
    """A statement that is only run."""

    def __init__(self, runner: ScriptRunner, action: Send | CopyFile, reader: Reader) -> None:
        super().__init__(runner, runner.statement_of(action), action, reader, None)

    def take(self) -> None:
        self._send()


class ScriptTurn(Turn):
    """One statement of a case: what was predicted of it before the script began, and what it did."""

    def __init__(self, runner: ScriptRunner, *arguments: Any) -> None:
        super().__init__(runner, *arguments)
        self.runner = runner

    def take(self) -> None:
        self._predict()
        subject = self.subject
        if self._controls() or not subject.in_transaction:
            if subject.in_transaction:  # as psql does it: one that fails, such as ROLLBACK TO nothing, ends nothing
                subject.run(b"SAVEPOINT lock_accuracy")
            super().take()
            if subject.status == TransactionStatus.INERROR:
                subject.run(b"ROLLBACK TO lock_accuracy; RELEASE lock_accuracy")
                self._in_transaction()
            return
        before = self.observer.locks(subject.pid)
        subject.run(b"SAVEPOINT lock_accuracy")
        self._remember()
        self._send()
        if self.outcome.ok and subject.in_transaction:
            self._measure(before)
            subject.run(b"RELEASE lock_accuracy")
        elif subject.in_transaction:
            subject.run(b"ROLLBACK TO lock_accuracy; RELEASE lock_accuracy")
        self._in_transaction()

    def _outside(self, known: dict[int, Known]) -> None:
        super()._outside({oid: one for oid, one in known.items() if oid in self.runner.base})

    def _predict(self) -> None:
        if self.impact is None and self.runner.told is not None:
            self.impact = self.runner.told.take(self.statement.path, self.statement.line)
        if self.impact is None:
            self.truth.why_not = "known only when it runs"
        if self.subject.in_transaction and not self._controls():
            self._remember()

    def _remember(self) -> None:
        self.known = self.subject.known()
        self.holdings = self._holdings()

    def _holdings(self) -> dict[int, tuple[Any, ...]]:
        rows = self.subject.execute(_HOLDINGS)
        return {int(oid): tuple(rest) for oid, *rest in rows if int(oid) in self.runner.base}

    def _measure(self, before: set[Any]) -> None:
        known = {oid: one for oid, one in self.known.items() if oid in self.runner.base}
        after = self.observer.locks(self.subject.pid)
        difference(self.subject, before, after, known, self.truth)
        self.subject.forget()
        lost = _lost(self.holdings, self._holdings(), known, self.runner.columns)
        if self.statement.kind in _REWRITE:
            lost = (what for what in lost if not what.startswith("rows of"))
        self.runner.lost = frozenset(lost)


def _lost(
    before: dict[int, tuple[Any, ...]],
    after: dict[int, tuple[Any, ...]],
    known: dict[int, Known],
    old_columns: Mapping[int, frozenset[str]],
) -> Iterator[str]:
    """What one statement has destroyed of what was there when the script began; columns that were renamed since, and
    those of which the server computes the values, aside."""
    for oid, (full, columns, deleted) in before.items():
        name = known[oid].name if oid in known else oid
        if isinstance(name, int) or name.schema == "pg_temp":
            continue
        if oid not in after:
            yield str(name)
            continue
        still_full, still, now_deleted = after[oid]
        gone = set(_items(columns)) - set(_items(still))
        # A column that was renamed leaves as many as before.
        if len(_items(still)) < len(_items(columns)):
            yield from (f"{name}.{column}" for column in sorted(gone & old_columns.get(oid, frozenset())))
        if int(now_deleted or 0) > int(deleted or 0) or (full == "t" and still_full == "f"):
            yield f"rows of {name}"


def _items(array: str) -> list[str]:
    """The elements of a text[] as the server writes it; names with commas come in parts, which is enough to count."""
    return [part for part in array.strip("{}").split(",") if part]


@contextmanager
def _database(dsn: str) -> Iterator[tuple[str, str]]:
    name = f"script_{secrets.token_hex(4)}"
    with psycopg.connect(dsn, autocommit=True) as admin:
        roles = {row[0] for row in admin.execute("SELECT rolname FROM pg_roles")}
        admin.execute(f"CREATE DATABASE {name} TEMPLATE template0".encode())
    conninfo = make_conninfo(dsn, dbname=name)
    try:
        yield conninfo, name
    finally:
        _without_subscriptions(conninfo)
        with psycopg.connect(dsn, autocommit=True) as admin:
            admin.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)".encode())
            for (role,) in admin.execute("SELECT rolname FROM pg_roles").fetchall():
                if role not in roles:
                    admin.execute(f'DROP ROLE "{role}"'.encode())


def _without_subscriptions(conninfo: str) -> None:
    """A subscription keeps its database from being dropped."""
    with suppress(psycopg.Error), psycopg.connect(conninfo, autocommit=True) as connection:
        for (name,) in connection.execute("SELECT subname FROM pg_subscription").fetchall():
            for what in ("DISABLE", "SET (slot_name = NONE)"):
                connection.execute(f'ALTER SUBSCRIPTION "{name}" {what}'.encode())
            connection.execute(f'DROP SUBSCRIPTION "{name}"'.encode())
