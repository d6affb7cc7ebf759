"""Filling the tables of a scratch database with rows that the catalog allows."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from pgmig_tui.database.connect import Connection, ServerError, application_name, connect
from pgmig_tui.database.identity import let_write
from pgmig_tui.errors import PgmigError
from pgmig_tui.rehearse.row_facts import RowFacts, TableShape, read_facts
from pgmig_tui.rehearse.rows import Insert, in_order, insert
from pgmig_tui.run.journal.run_plan import Endpoint

_ROUNDS = 3
_STRIDE = 10_000_000
"""Numbers of a round begin behind those of the one before."""
_TIMEOUT = "30s"
_KEPT_OUT = "a trigger or a rule keeps its rows out"
_NOT_FOUND = frozenset({"42P01", "42883", "42704", "42703"})


@dataclass(frozen=True, slots=True)
class Sizes:
    """How many rows: `every` table, and `of` some by their name with schema. Nothing is filled where both say none."""

    every: int = 0
    of: Mapping[str, int] | None = None

    def __bool__(self) -> bool:
        return bool(self.every or self.of)

    def wanted(self, table: TableShape) -> int:
        return (self.of or {}).get(table.full_name, self.every)


NO_ROWS = Sizes()


@dataclass(frozen=True, slots=True)
class Filled:
    """A table and its rows. `reason` says why there are none, "" where there are some, or none were wanted."""

    table: str
    wanted: int
    rows: int
    reason: str = ""


def data_session(endpoint: Endpoint) -> Connection:
    """A session for rows and queries, as whom the scripts run."""
    session = connect(endpoint, application_name=application_name("rehearsal", "rows"))
    let_write(session, scratch=True)
    session.execute(f"SET statement_timeout = '{_TIMEOUT}'")
    return session


def read_row_facts(session: Connection, ours: Collection[str]) -> RowFacts:
    """What `fill.sql` says of the tables outside of schemas of `ours`. Raises ServerError."""
    sql = (Path(__file__).parent / "fill.sql").read_text(encoding="utf-8")
    row = session.one(sql, {"ours": list(ours)})
    assert row is not None
    return read_facts(row[0] if isinstance(row[0], dict) else json.loads(row[0]))


def fill(session: Connection, ours: Collection[str], sizes: Sizes) -> tuple[Filled, ...]:
    """Fill each table up to its size; what can't be filled is in the result, with the reason. Raises PgmigError where
    the catalog can't be read, and for a size of a table that isn't there."""
    facts = read_row_facts(session, ours)
    order, circle = in_order(facts.tables)
    counts: dict[int, int] = {}
    found = []
    for table in order:
        wanted = sizes.wanted(table)
        reason = ""
        counts[table.oid] = count(session, table)
        if counts[table.oid] < wanted:
            reason = _fill(session, table, facts, wanted, counts)
        there = counts[table.oid]
        found.append(Filled(table.full_name, wanted, there, "" if there or not wanted else reason))
    for table in circle:
        others = ", ".join(one.full_name for one in circle if one is not table)
        found.append(Filled(table.full_name, sizes.wanted(table), 0, f"its rows and those of {others} need each other"))
    return tuple(found)


def count(session: Connection, table: TableShape) -> int:
    row = session.one(f"SELECT pg_catalog.count(*) FROM {table.sql_name}")
    return int(row[0]) if row is not None else 0


def _fill(session: Connection, table: TableShape, facts: RowFacts, wanted: int, counts: dict[int, int]) -> str:
    """Insert what is missing; why there is less than that, "" where there isn't."""
    made: Insert | str = ""
    for number in range(_ROUNDS):
        before = counts[table.oid]
        made = insert(table, facts, wanted - before, counts, start=number * _STRIDE)
        if isinstance(made, str):
            return made
        try:
            _insert(session, made)
        except ServerError as error:
            return error.what
        counts[table.oid] = count(session, table)
        if counts[table.oid] >= wanted:
            return ""
        if counts[table.oid] == before:
            break
    return made if isinstance(made, str) else _judged(session, made, some=counts[table.oid] > 0)


def _insert(session: Connection, made: Insert) -> None:
    """Names of ours are PostgreSQL's own. A trigger, or the function of a check, may find its own by another path:
    where it doesn't find them, they get the path that their role has."""
    try:
        session.execute(made.sql)
    except ServerError as error:
        if error.sqlstate not in _NOT_FOUND:
            raise
        if made.select:
            session.execute(f"CREATE TEMPORARY TABLE pgmig_rows AS {made.select}")
        session.execute("SET search_path TO DEFAULT")
        try:
            session.execute(made.through("TABLE pg_temp.pgmig_rows" if made.select else ""))
        finally:
            if not session.closed:
                session.execute("SET search_path = pg_catalog; DROP TABLE IF EXISTS pg_temp.pgmig_rows")


def _judged(session: Connection, made: Insert, *, some: bool) -> str:
    """Which check none of the rows met that were tried; no key keeps the first of `some` rows out."""
    if not made.judge:
        return "its unique keys leave no more rows" if some else _KEPT_OUT
    try:
        row = session.one(made.judge) or ()
    except PgmigError as error:
        return error.what
    missed = [check for check, met in zip(made.checks, row, strict=False) if not met]
    if missed:
        name, expression = missed[0]
        return f"no row that was tried meets {name}: {expression}"
    return f"no row that was tried meets all its checks{' and keys' if some else f', or {_KEPT_OUT}'}"
