"""What a database does between two readings of its counters: statements (pg_stat_statements), transactions, waiters."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from pgmig_tui.database.text import ident, load
from pgmig_tui.display.mask import mask_secrets

if TYPE_CHECKING:
    from pgmig_tui.database.connect import Connection

HIDDEN_TEXT = "<insufficient privilege>"
MOST = 5000
"""Statements of a reading; pg_stat_statements keeps 5,000 unless it is told otherwise."""


@dataclass(frozen=True, slots=True)
class StatementKey:
    """Which statement, across a deploy: its number (queryid) changes with the tables that it reads, its normalised text
    doesn't (measured on 15 and 18)."""

    role: int
    top: bool
    text: str


@dataclass(frozen=True, slots=True)
class Spent:
    """Calls, and how long they ran in milliseconds."""

    calls: int
    ms: float

    def __add__(self, other: Spent) -> Spent:
        return Spent(self.calls + other.calls, self.ms + other.ms)


@dataclass(frozen=True, slots=True)
class Statements:
    """Where pg_stat_statements is, and why it can't be read where `schema` is ""."""

    schema: str
    info: bool = False
    why: str = ""


@dataclass(frozen=True, slots=True)
class Sample:
    """One reading. Times are seconds since 1970 by the server's clock; `reset` and `evicted` tell whether two readings
    of pg_stat_statements can be subtracted; `hidden` sessions and statements are those of other roles."""

    at: float
    started: float
    stats_reset: float | None
    commits: int
    rollbacks: int
    deadlocks: int
    waiters: int
    longest_s: float | None
    lag_s: float | None
    hidden: int
    statements: Mapping[StatementKey, Spent]
    reset: float | None = None
    evicted: int | None = None


@dataclass(frozen=True, slots=True)
class Interval:
    """What happened between two readings, `began` and `ended` by the server's clock. `evicted`: pg_stat_statements has
    forgotten statements meanwhile."""

    began: float
    ended: float
    commits: int
    rollbacks: int
    deadlocks: int
    waiters: int
    longest_s: float | None
    lag_s: float | None
    statements: Mapping[StatementKey, Spent]
    evicted: bool = False

    @property
    def transactions_a_second(self) -> float:
        return (self.commits + self.rollbacks) / max(self.ended - self.began, 0.001)


def find_statements(connection: Connection) -> Statements:
    """Where statements are counted. Raises ServerError."""
    row = connection.one(load("queries/watch_extension"))
    if row is None:
        return Statements("", why="the extension pg_stat_statements isn't there: CREATE EXTENSION pg_stat_statements")
    schema, info = row
    loaded = connection.one("SELECT pg_catalog.current_setting('pg_stat_statements.track', true)")
    if loaded is None or loaded[0] is None:
        return Statements("", why="pg_stat_statements isn't in shared_preload_libraries")
    if loaded[0] == "none":
        return Statements("", why="pg_stat_statements.track is none")
    return Statements(schema, bool(info))


def read_sample(connection: Connection, statements: Statements) -> Sample:
    """Read everything in one round trip. Raises ServerError, ConnectionLost."""
    parts = [load("queries/watch_sample")]
    if statements.schema:
        schema = ident(statements.schema)
        parts.append(
            "SELECT s.userid, coalesce((to_jsonb(s) ->> 'toplevel')::bool, true), s.query, s.calls, s.total_exec_time"
            f" FROM {schema}.pg_stat_statements AS s WHERE s.dbid = (SELECT d.oid FROM pg_catalog.pg_database AS d"
            f" WHERE d.datname = pg_catalog.current_database()) LIMIT {MOST * 2}"
        )
        if statements.info:
            parts.append(
                "SELECT pg_catalog.date_part('epoch', i.stats_reset), i.dealloc"
                f" FROM {schema}.pg_stat_statements_info AS i"
            )
    (head,), *rest = connection.results("; ".join(parts))
    spent: dict[StatementKey, Spent] = {}
    hidden = int(head[-1])
    for role, top, text, calls, ms in rest[0] if rest else ():
        if text is None or text == HIDDEN_TEXT:
            hidden += 1
            continue
        key = StatementKey(int(role), bool(top), _kept(str(text)))
        spent[key] = spent.get(key, Spent(0, 0.0)) + Spent(int(calls), float(ms))
    reset, evicted = rest[1][0] if len(rest) > 1 else (None, None)
    at, started, stats_reset, commits, rollbacks, deadlocks, waiters, longest, lag, _ = head
    return Sample(
        at=at,
        started=started,
        stats_reset=stats_reset,
        commits=int(commits or 0),
        rollbacks=int(rollbacks or 0),
        deadlocks=int(deadlocks or 0),
        waiters=int(waiters),
        longest_s=longest,
        lag_s=lag,
        hidden=hidden,
        statements=spent,
        reset=reset,
        evicted=None if evicted is None else int(evicted),
    )


@lru_cache(maxsize=4 * MOST)
def _kept(text: str) -> str:
    """A statement as it is kept and shown: constants are no part of it, but utility commands come as they were said,
    ALTER ROLE … PASSWORD among them."""
    return mask_secrets(" ".join(text.split()))


def between(one: Sample, other: Sample) -> Interval | str:
    """What happened between two readings; or why that can't be told: counters that began anew can't be subtracted."""
    if one.started != other.started:
        return "the server was restarted"
    if one.stats_reset != other.stats_reset:
        return "the statistics of the database were reset"
    if one.reset != other.reset:
        return "pg_stat_statements was reset"
    statements = {}
    for key, now in other.statements.items():
        before = one.statements.get(key, Spent(0, 0.0))
        if now.calls < before.calls:
            before = Spent(0, 0.0)  # forgotten, and seen again since
        if now.calls > before.calls:
            statements[key] = Spent(now.calls - before.calls, max(now.ms - before.ms, 0.0))
    return Interval(
        one.at,
        other.at,
        other.commits - one.commits,
        other.rollbacks - one.rollbacks,
        other.deadlocks - one.deadlocks,
        other.waiters,
        other.longest_s,
        other.lag_s,
        statements,
        one.evicted != other.evicted,
    )


def read_views(connection: Connection, names: Iterable[str]) -> Sequence[tuple[str, str]]:
    """(schema, name) of relations, given as quoted names with their schemas, and of every view that reads them. Raises
    ServerError."""
    rows = connection.execute(load("queries/watch_views"), [list(names)])
    return [(str(schema), str(name)) for schema, name in rows]
