"""Watching an environment after a deploy: intervals kept from before it, intervals now, and what is said of them.

A deploy is watched best when somebody has begun before it: `watch --baseline` keeps what the database does, for a day.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from pgmig_tui.database.connect import Connection, application_name, connect
from pgmig_tui.database.registry import read_events, read_state
from pgmig_tui.database.sampling import (
    Interval,
    Sample,
    Spent,
    StatementKey,
    Statements,
    between,
    find_statements,
    read_sample,
    read_views,
)
from pgmig_tui.database.text import ident
from pgmig_tui.display import words
from pgmig_tui.display.cells import Line, Role, line
from pgmig_tui.display.safe import safe
from pgmig_tui.errors import UsageError
from pgmig_tui.gates.impacts import affected, inspect, reading, sources
from pgmig_tui.impact import nodes
from pgmig_tui.review.comparison import Earlier, Group, GroupFacts, Outcome, Verdict, earlier, judge
from pgmig_tui.run.journal import private
from pgmig_tui.run.journal.listing import list_runs
from pgmig_tui.run.journal.noted import read_affected

if TYPE_CHECKING:
    from pgmig_tui.database.deployed import RegistryEvent
    from pgmig_tui.project.environments import Environment
    from pgmig_tui.project.project import Project

KEPT_S = 24 * 3600.0
"""Intervals that are older are no picture of the time before a deploy."""
_SYSTEM = ("pg_", "information_schema")
_ROLES: dict[Outcome, Role] = {
    "healthy": "done",
    "slower by this change": "failed",
    "slower server-wide": "waiting",
    "errors": "failed",
    "too little data": "stale",
}
_SPARKS = "▁▂▃▄▅▆▇█"


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
class Watching:
    """What was seen until now. `before` are intervals that ended before the deploy began."""

    environment: Environment
    deployed: Deployed | None
    statements: Statements
    before: Sequence[Interval]
    after: list[Interval] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    hidden: int = 0
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
            found.append("nobody watched before the deploy")
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
        self, project: Project, environment: Environment, *, state_dir: Path, run: str = "", baseline: bool = False
    ) -> None:
        """Raises Unreachable, ServerError, UsageError for a run that isn't known."""
        self._connection = connect(environment.target, application_name=application_name("watch", "sample"))
        self._statements = find_statements(self._connection)
        identity = self._connection.identity()
        name = f"{identity.system_identifier or 'unknown'}-{identity.database}"
        self._file = state_dir / "watch" / f"{private_name(name)}.jsonl"
        deployed = None if baseline else deployed_last(project, environment, self._connection, state_dir, run)
        kept = list(read_kept(self._file, time.time() - KEPT_S))
        before = [one for one in kept if deployed is None or one.ended <= deployed.began]
        touched = _touched(self._connection, deployed.relations if deployed is not None else ())
        self.found = Watching(environment, deployed, self._statements, before, _touched=touched)
        self._last: Sample | None = None

    def close(self) -> None:
        self._connection.close()

    def look(self) -> Interval | None:
        """Read the counters once; what happened since the reading before, None the first time and where the counters
        began anew. Raises ServerError, ConnectionLost."""
        sample, last = read_sample(self._connection, self._statements), self._last
        self._last, self.found.hidden = sample, sample.hidden
        if last is None:
            return None
        found = between(last, sample)
        if isinstance(found, str):
            self.found.notes.append(f"{found} at {words.utc(utc(sample.at))}: that interval is left out")
            return None
        self.found.after.append(found)
        with contextlib.suppress(OSError):
            keep(self._file, found)
        return found


def utc(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def deployed_last(
    project: Project, environment: Environment, connection: Connection, state_dir: Path, run: str = ""
) -> Deployed | None:
    """The last deploy there: of this account's runs, or, where the registry has a later one, that."""
    mine = [one for one in list_runs(state_dir) if one.environment == environment.name and one.command == "deploy"]
    chosen = next((one for one in mine if (one.run_id == run or not run) and one.steps_done), None)
    if run and chosen is None:
        raise UsageError(f"there is no deploy run {run} of {environment.name}", do="`pgmig-tui runs` lists them.")
    newest = _newest_event(project, environment, connection)
    if chosen is not None:
        began, ended = _seconds(chosen.started_at), _seconds(chosen.finished_at or "")
        if run or newest is None or _seconds(newest.committed_at) <= ended + 1:
            return Deployed(chosen.run_id, (), began, ended, tuple(read_affected(state_dir / "runs" / chosen.run_id)))
    if newest is None:
        return None
    at = _seconds(newest.committed_at)
    return Deployed("", (newest.change,), at, at, tuple(_by_text(project, environment, newest.change_id)))


def _newest_event(project: Project, environment: Environment, connection: Connection) -> RegistryEvent | None:
    schema, name = environment.target.registry, project.plan.project
    if not read_state(connection, schema, name).info.present:
        return None
    return next(
        (one for one in read_events(connection, schema, project=name, limit=200) if one.event == "deploy"), None
    )


def _seconds(at: str) -> float:
    try:
        return datetime.fromisoformat(at.replace("Z", "+00:00")).timestamp()
    except ValueError:
        return time.time()


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


# -- kept intervals ------------------------------------------------------------------------------------------------


def private_name(text: str) -> str:
    """A database's name as a file's."""
    return "".join(one if one.isalnum() or one in "-_." else f"%{ord(one):02x}" for one in text)[:200]


def keep(path: Path, one: Interval) -> None:
    """Add an interval. Raises OSError."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.touch(mode=0o600)
    row = {
        "began": one.began, "ended": one.ended, "commits": one.commits, "rollbacks": one.rollbacks,
        "deadlocks": one.deadlocks, "waiters": one.waiters, "longest_s": one.longest_s, "lag_s": one.lag_s,
        "evicted": one.evicted,
        "statements": [[key.role, key.top, key.text, spent.calls, spent.ms] for key, spent in one.statements.items()],
    }  # fmt: skip
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(row) + "\n")


def read_kept(path: Path, since: float) -> Iterator[Interval]:
    """What was kept and ended at `since` or later; older lines are taken out of the file."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError:
        return
    fresh, found = [], []
    for text in lines:
        with contextlib.suppress(ValueError, TypeError, KeyError):
            one = json.loads(text)
            if one["ended"] >= since:
                statements = {
                    StatementKey(role, top, told): Spent(calls, ms) for role, top, told, calls, ms in one["statements"]
                }
                found.append(Interval(**{**one, "statements": statements}))
                fresh.append(text)
    if len(fresh) < len(lines):
        with contextlib.suppress(OSError):
            private.replace(path, "".join(f"{text}\n" for text in fresh))
    yield from found


# -- in words --------------------------------------------------------------------------------------------------------


def interval_line(watching: Watching, one: Interval) -> Line:
    """What the last interval was like."""
    ratios = watching.verdict()
    told = f"{utc(one.ended)[11:19]}  {one.transactions_a_second:.1f} transactions/s, {one.rollbacks} rolled back, "
    told += f"{words.count(one.waiters, 'waiter')}"
    if ratios.treated.ratio is not None:
        told += f"; on what was changed {ratios.treated.ratio:.2f}× the time of before"
    if ratios.control.ratio is not None:
        told += f", others {ratios.control.ratio:.2f}×"
    return line(told)


def lines(watching: Watching, *, unicode: bool = True) -> Iterator[Line]:
    """The verdict in a sentence, with its reasons and what it rests on."""
    found = watching.verdict()
    mark = {"done": "+ ", "failed": "x ", "waiting": "! "}.get(_ROLES[found.outcome], "? ")
    yield line((mark, _ROLES[found.outcome]), (f"{watching.environment.name}: {found.outcome}", "strong"))
    yield from (line("    ", safe(reason)) for reason in found.reasons)
    for slow in found.slowest:
        times = (
            f"{words.duration(slow.before_ms)} -> {words.duration(slow.after_ms)}, {words.count(slow.calls, 'call')}"
        )
        yield line("    ", (times, "failed"), f": {safe(slow.text)[:160]}")
    if unicode and found.treated.ratios:
        yield line("    on what was changed  ", (spark(found.treated.ratios), "strong"))
        yield line("    all others           ", (spark(found.control.ratios), "muted"))
    if watching.after:
        rate = [one.transactions_a_second for one in watching.after]
        waiters = max(one.waiters for one in watching.after)
        yield line(f"    {min(rate):.1f} to {max(rate):.1f} transactions/s, at most {words.count(waiters, 'waiter')}")
    if watching.hidden:
        hidden = f"{watching.hidden} sessions and statements of other roles are hidden (pg_read_all_stats shows them)"
        yield line(("    ? ", "stale"), hidden)
    yield from (line(("    ! ", "waiting"), safe(note)) for note in watching.notes)


def spark(values: Sequence[float], columns: int = 60) -> str:
    """The last values as bars, from nothing to the largest."""
    last = deque(values, maxlen=columns)
    most = max(last, default=0.0) or 1.0
    return "".join(_SPARKS[min(7, int(value / most * 7.999))] for value in last)


def document(watching: Watching) -> dict[str, object]:
    """As JSON values."""
    found = watching.verdict()
    deployed = watching.deployed
    return {
        "environment": watching.environment.name,
        "verdict": found.outcome,
        "reasons": list(found.reasons),
        "run": deployed.run_id or None if deployed else None,
        "deployed_at": utc(deployed.ended) if deployed else None,
        "intervals_before": len(watching.before),
        "intervals_after": len(watching.after),
        "changed": _facts(found.treated),
        "others": _facts(found.control),
        "slowest": [
            {"query": one.text, "before_ms": one.before_ms, "after_ms": one.after_ms, "calls": one.calls}
            for one in found.slowest
        ],
        "hidden": watching.hidden,
        "notes": list(watching.notes),
    }


def _facts(facts: GroupFacts) -> dict[str, object]:
    return {key: value for key, value in asdict(facts).items() if key != "ratios"}


def interval_document(one: Interval) -> dict[str, object]:
    """An interval as JSON values, its statements counted."""
    return {
        "began": utc(one.began),
        "ended": utc(one.ended),
        "commits": one.commits,
        "rollbacks": one.rollbacks,
        "deadlocks": one.deadlocks,
        "waiters": one.waiters,
        "longest_transaction_s": one.longest_s,
        "replica_lag_s": one.lag_s,
        "statements": len(one.statements),
    }
