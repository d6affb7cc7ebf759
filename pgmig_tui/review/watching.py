"""Watching an environment after a deploy: intervals kept from before it, intervals now, and what is said of them.

A deploy is watched best when somebody has begun before it: `watch --baseline` keeps what the database does, for a day.
"""

from __future__ import annotations

import contextlib
import time
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from pgmig_tui.database.connect import Connection, application_name, connect
from pgmig_tui.database.registry import read_events, read_state
from pgmig_tui.database.sampling import (
    Interval,
    Sample,
    Statements,
    between,
    find_statements,
    read_sample,
    read_views,
)
from pgmig_tui.database.server_log import Kind, LogLine, ServerLog
from pgmig_tui.database.text import ident
from pgmig_tui.display import words
from pgmig_tui.errors import Refused, Unreachable, UsageError
from pgmig_tui.gates.impacts import affected, inspect, reading, sources
from pgmig_tui.impact import nodes
from pgmig_tui.review.comparison import Earlier, Group, Verdict, earlier, judge
from pgmig_tui.review.kept_intervals import (
    BAD,
    KEPT_S,
    KeptVerdict,
    counting,
    keep,
    keep_verdict,
    kept_file,
    read_kept,
    run_spans,
    seconds,
)
from pgmig_tui.run.journal.listing import list_runs
from pgmig_tui.run.journal.noted import read_affected

if TYPE_CHECKING:
    from pgmig_tui.database.deployed import RegistryEvent
    from pgmig_tui.project.environments import Environment
    from pgmig_tui.project.project import Project

_LOG_LINES = 20
_SYSTEM = ("pg_", "information_schema")


@dataclass(frozen=True, slots=True)
class Deployed:
    """The deploy that is watched: `run_id` ("" where no run of this account is known), the time from `began` to `ended`
    (seconds since 1970), and the relations that it touched, (schema, name), schema "" where nobody knows it."""

    run_id: str
    changes: tuple[str, ...]
    began: float
    ended: float
    relations: tuple[tuple[str, str], ...]


@dataclass
class Logged:
    """What the server's log holds since the deploy: how many lines of each kind, the last of them, and those of the
    last look. `why` it can't be known, "" where it is read; `skipped`: it held more than is read at once."""

    why: str = "it was not looked at"
    counts: Counter[Kind] = field(default_factory=Counter)
    last: deque[LogLine] = field(default_factory=lambda: deque(maxlen=_LOG_LINES))
    new: Sequence[LogLine] = ()
    skipped: bool = False

    def take(self, log: ServerLog) -> None:
        """Look into it."""
        self.new = log.read()
        self.why, self.skipped = log.place.why, log.skipped
        self.counts.update(one.kind for one in self.new)
        self.last.extend(self.new)


@dataclass
class Watching:
    """What was seen until now. `before` are intervals that ended before the deploy began."""

    environment: Environment
    deployed: Deployed | None
    statements: Statements
    before: Sequence[Interval]
    after: list[Interval] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    hidden: int = 0
    logged: Logged = field(default_factory=Logged)
    troubled: int = 0
    """Intervals of before that don't count: a run was under way, or a deploy before it had been found bad."""
    _touched: frozenset[tuple[str, str]] = frozenset()
    _groups: dict[str, Group] = field(default_factory=dict)

    @cached_property
    def _earlier(self) -> Earlier:
        return earlier(self.before, self.group_of)

    def verdict(self) -> Verdict:
        """What is to be said now."""
        found = judge(self._earlier, self.after)
        if self.deployed is None or not self._touched:
            why = "no deploy is known" if self.deployed is None else "no table is known that the deploy has touched"
            return Verdict("too little data", (why, *found.reasons), found.treated, found.control)
        if self.statements.why and found.outcome != "errors":
            return Verdict("too little data", (self.statements.why,), found.treated, found.control)
        return found

    def hopeless(self, *, baseline: bool) -> tuple[str, ...]:
        """What keeps every verdict from being given, known before the first interval; all of it."""
        found = [self.statements.why] if self.statements.why else []
        if not baseline and self.deployed is None:
            found.append("no deploy is known")
        elif not baseline and not self._touched:
            found.append("no table is known that the deploy has touched")
        if not baseline and not self.before:
            told = "nobody watched before the deploy"
            found.append(told if not self.troubled else f"{told}, but in a time of trouble or of other runs")
        return tuple(found)

    def group_of(self, text: str) -> Group:
        """Whether a statement reads or writes what was changed, directly or through a view."""
        if text not in self._groups:
            self._groups[text] = _group_of(text, self._touched)
        return self._groups[text]


def _group_of(text: str, touched: frozenset[tuple[str, str]]) -> Group:
    try:
        trees = nodes.parse(text)
    except nodes.ParseError:
        return "other"
    relations = [name for tree in trees for name in _relations(tree)]
    if any(one in touched or ("", one[1]) in touched for one in relations):
        return "treated"
    if any(not schema and any(name == other for _, other in touched) for schema, name in relations):
        return "treated"
    users = [name for schema, name in relations if not schema.startswith(_SYSTEM) and not name.startswith("pg_")]
    return "control" if users else "other"


def _relations(tree: nodes.Node) -> Iterator[tuple[str, str]]:
    """(schema, name) of all that a statement reads or writes; the schema is "" where it says none."""
    found = list(nodes.walk(tree))
    own = {one.ctename for one in found if nodes.kind(one) == "CommonTableExpr"}
    for one in found:
        if nodes.kind(one) == "RangeVar" and (one.schemaname or one.relname not in own):
            yield one.schemaname, one.relname


class EnvironmentWatch:
    """Looks at an environment in intervals until it is told to stop."""

    def __init__(
        self,
        project: Project,
        environment: Environment,
        *,
        state_dir: Path,
        run: str = "",
        baseline: bool = False,
        goes_on: bool = False,
        keeps: bool = True,
    ) -> None:
        """`goes_on`: what was kept since the deploy counts as seen. Not `keeps`: nothing is written on this host.

        Raises Unreachable, ServerError, UsageError for a run that isn't known.
        """
        self._keeps = keeps
        self.lost = ""
        """Why the server didn't answer the last time that it was looked at, "" where it did."""
        self._connection = connect(environment.target, application_name=application_name("watch", "sample"))
        self._statements = find_statements(self._connection)
        identity = self._connection.identity()
        self._file = kept_file(state_dir, identity.system_identifier, identity.database)
        events = recorded(project, environment, self._connection)
        deployed = None if baseline else deployed_last(project, environment, events, state_dir, run)
        kept, verdicts = read_kept(self._file, time.time() - KEPT_S)
        earlier_ones = [one for one in kept if deployed is None or one.ended <= deployed.began]
        written = [at for one in events if (at := seconds(one.committed_at)) is not None]
        before = counting(earlier_ones, verdicts, run_spans(state_dir, environment.name), written)
        touched = _touched(self._connection, deployed.relations if deployed is not None else ())
        self.found = Watching(environment, deployed, self._statements, before, _touched=touched)
        if goes_on and deployed is not None:
            self.found.after += [one for one in kept if one.began >= deployed.ended]
        self.found.troubled = len(earlier_ones) - len(before)
        self._last: Sample | None = None
        self._lost_at = 0.0
        since = deployed.ended if deployed is not None else time.time()
        self._database = identity.database
        self._log = None if baseline else ServerLog(self._connection, identity.database, since)

    def close(self) -> None:
        """Keeps what is to be said of the deploy, so that trouble counts for no later one as the time before."""
        self._connection.close()
        found = self.found
        if self._keeps and found.deployed is not None and found.after:
            outcome = found.verdict().outcome
            told = KeptVerdict(outcome, found.deployed.ended, found.after[0].began, found.after[-1].ended)
            if outcome == "healthy" or outcome in BAD:
                with contextlib.suppress(OSError):
                    keep_verdict(self._file, told)

    def look_on(self) -> Interval | None:
        """As `look`. Where the server doesn't answer that is noted, and the next look tries again. Raises ServerError,
        Refused for another database that answers."""
        try:
            if self.lost:
                self._connect_again()
            return self.look()
        except Unreachable as error:
            self._connection.close()
            if not self.lost:
                self._lost_at = time.time()
                self.found.notes.append(f"no answer at {words.utc(utc(time.time()))}, it is waited for: {error.what}")
            self.lost = error.what
            return None

    def _connect_again(self) -> None:
        environment = self.found.environment
        self._connection = connect(environment.target, application_name=application_name("watch", "sample"))
        identity = self._connection.identity()
        if kept_file(self._file.parent.parent, identity.system_identifier, identity.database) != self._file:
            raise Refused(f"another database answers for {environment.name} by now", now="Nothing more was looked at.")
        if self._log is not None:
            self._log = ServerLog(self._connection, self._database, self._lost_at)
        self.lost = ""

    def look(self) -> Interval | None:
        """Read the counters once; what happened since the reading before, None the first time and where the counters
        began anew. Raises ServerError, ConnectionLost."""
        sample, last = read_sample(self._connection, self._statements), self._last
        self._last, self.found.hidden = sample, sample.hidden
        if self._log is not None:
            self.found.logged.take(self._log)
        if last is None:
            return None
        found = between(last, sample)
        if isinstance(found, str):
            self.found.notes.append(f"{found} at {words.utc(utc(sample.at))}: that interval is left out")
            return None
        self.found.after.append(found)
        if self._keeps:
            with contextlib.suppress(OSError):
                keep(self._file, found)
        return found


def utc(at: float) -> str:
    return words.iso(datetime.fromtimestamp(at, UTC))


def deployed_last(
    project: Project, environment: Environment, events: Sequence[RegistryEvent], state_dir: Path, run: str = ""
) -> Deployed | None:
    """The last deploy there: of this account's runs, or, where the registry has a later one, that."""
    mine = [one for one in list_runs(state_dir) if one.environment == environment.name and one.command == "deploy"]
    chosen = next((one for one in mine if (one.run_id == run or not run) and one.steps_done), None)
    if run and chosen is None:
        raise UsageError(f"there is no deploy run {run} of {environment.name}", do="`pgmig-tui runs` lists them.")
    newest = next((one for one in events if one.event == "deploy"), None)
    if chosen is not None:
        began, ended = _seconds(chosen.started_at), _seconds(chosen.finished_at or "")
        if run or newest is None or _seconds(newest.committed_at) <= ended + 1:
            return Deployed(chosen.run_id, (), began, ended, tuple(read_affected(state_dir / "runs" / chosen.run_id)))
    if newest is None:
        return None
    at = _seconds(newest.committed_at)
    return Deployed("", (newest.change,), at, at, tuple(_by_text(project, environment, newest.change_id)))


def recorded(project: Project, environment: Environment, connection: Connection) -> Sequence[RegistryEvent]:
    """The registry's last events, the newest first. Raises ServerError."""
    schema, name = environment.target.registry, project.plan.project
    if not read_state(connection, schema, name).info.present:
        return ()
    return read_events(connection, schema, project=name, limit=200)


def _seconds(at: str) -> float:
    found = seconds(at)
    return found if found is not None else time.time()


def _by_text(project: Project, environment: Environment, change_id: str) -> Iterator[tuple[str, str]]:
    """The relations that a change names, as far as its text tells: others have deployed it."""
    change = project.plan.by_id.get(change_id)
    if change is not None:
        how = reading(project, "deploy", environment, None, {})
        for one in affected(inspect(list(sources(project, [change], "deploy")), how)):
            yield one.name.schema, one.name.relation


def _touched(connection: Connection, relations: Iterable[tuple[str, str]]) -> frozenset[tuple[str, str]]:
    """With the views through which they are read."""
    known = set(relations)
    names = [f"{ident(schema)}.{ident(name)}" for schema, name in known if schema]
    return frozenset(known | set(read_views(connection, names)) if names else known)
