"""What a change does to rows: counts of every table, and the queries that a script declares to stay the same.

    -- invariant: SELECT sum(total) FROM shop.orders

in a deploy or verify script is asked before the deploy, after it and after the revert.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from pgmig_tui.database.connect import Connection, ServerError
from pgmig_tui.rehearse.application import run_tests
from pgmig_tui.rehearse.fill import NO_ROWS, Filled, Sizes, count, data_session, fill, read_row_facts
from pgmig_tui.rehearse.queries import CriticalQuery, QueryMeasured, measure
from pgmig_tui.run.journal.run_plan import Endpoint

_INVARIANT = re.compile(rb"--[ \t]*invariant[ \t]*:[ \t]*([^\r\n]*?)[ \t;]*\r?$", re.IGNORECASE | re.MULTILINE)
_SHOWN_ROWS = 100

Moment = Literal["before", "deployed", "reverted"]


@dataclass(frozen=True, slots=True)
class RowCounts:
    """The rows of a table at each moment, None where it isn't there."""

    table: str
    before: int | None = None
    deployed: int | None = None
    reverted: int | None = None


@dataclass(frozen=True, slots=True)
class Invariant:
    """What a query gave at each moment, "" = not asked yet. `failed`: it could not be asked then, and says why."""

    sql: str
    before: str = ""
    deployed: str = ""
    reverted: str = ""
    failed: bool = False


@dataclass(frozen=True, slots=True)
class DataFound:
    """Rows of a change's database. `filled` is empty where none were made."""

    filled: tuple[Filled, ...] = ()
    counts: tuple[RowCounts, ...] = ()
    invariants: tuple[Invariant, ...] = ()
    queries: tuple[QueryMeasured, ...] = ()
    application: str | None = None
    """Why the application's tests failed, "" = they passed, None = they didn't run."""

    @property
    def unfilled(self) -> tuple[Filled, ...]:
        return tuple(one for one in self.filled if one.reason)


def invariants_of(scripts: Iterable[bytes]) -> tuple[str, ...]:
    """The queries that comments of these scripts declare, each once."""
    found = (query.decode("utf-8", "replace") for text in scripts for query in _INVARIANT.findall(text))
    return tuple(dict.fromkeys(query for query in found if query))


@dataclass(frozen=True, slots=True)
class DataWanted:
    """What is looked at beside the schema: rows to make, critical queries to measure, and the application's tests, to
    be run behind the last change."""

    sizes: Sizes = NO_ROWS
    queries: tuple[CriticalQuery, ...] = ()
    application: tuple[str, ...] = ()


@dataclass(slots=True)
class DataWatch:
    """Looks at the rows of a database at each moment of a test. Rows are made first where it is wanted."""

    endpoint: Endpoint
    ours: Collection[str]
    root: Path
    wanted: DataWanted
    invariants: tuple[str, ...]
    counting: bool = False
    """Whether there are rows to count anyway."""
    found: DataFound = field(default_factory=DataFound)

    def look(self, moment: Moment) -> list[str]:
        """Ask everything. Returns in words what must not be: an invariant that isn't as it was before, or that can't be
        asked, a critical query that fails now, the application's tests. Raises PgmigError where the catalog can't be
        read."""
        wanted = self.wanted
        wrong: list[str] = []
        if wanted.sizes or wanted.queries or self.invariants or self.counting:
            session = data_session(self.endpoint)
            try:
                if moment == "before" and wanted.sizes:
                    self.found = replace(self.found, filled=fill(session, self.ours, wanted.sizes))
                self._count(session, moment)
                wrong += self._ask(session, moment)
                if wanted.queries and moment != "reverted":
                    wrong += self._measure(session, after=moment == "deployed")
            finally:
                session.close()
        if wanted.application and moment == "deployed":
            told = run_tests(wanted.application, self.endpoint, self.root)
            self.found = replace(self.found, application=told)
            wrong += [f"the application's tests: {told}"] if told else []
        return wrong

    def _measure(self, session: Connection, *, after: bool) -> list[str]:
        session.execute("ANALYZE")
        known = {one.name: one for one in self.found.queries}
        found = [
            measure(session, known.get(one.name, QueryMeasured(one.name, one.sql)), after=after)
            for one in self.wanted.queries
        ]
        self.found = replace(self.found, queries=tuple(found))
        return [f"the critical query {one.name} {one.told}" for one in found if after and one.breaks]

    def _count(self, session: Connection, moment: Moment) -> None:
        counts = {one.table: one for one in self.found.counts}
        for table in read_row_facts(session, self.ours).tables:
            name = table.full_name
            there: dict[str, Any] = {moment: count(session, table)}
            counts[name] = replace(counts.get(name, RowCounts(name)), **there)
        self.found = replace(self.found, counts=tuple(counts.values()))

    def _ask(self, session: Connection, moment: Moment) -> list[str]:
        known = {one.sql: one for one in self.found.invariants}
        wrong = []
        for sql in self.invariants:
            one = known.get(sql, Invariant(sql))
            try:
                answer, failed = _answer(session, sql), False
            except ServerError as error:
                answer, failed = error.what, True
            given: dict[str, Any] = {moment: answer}
            known[sql] = now = replace(one, failed=one.failed or failed, **given)
            if failed:
                wrong.append(f"the invariant {sql} can't be asked: {answer}")
            elif moment != "before" and answer != now.before:
                wrong.append(f"the invariant {sql} gave {now.before} before the deploy and {answer} now")
        self.found = replace(self.found, invariants=tuple(known.values()))
        return wrong


def _answer(session: Connection, sql: str) -> str:
    """Its rows as text. It may read only; names are found by the path that the role has."""
    try:
        session.execute("BEGIN READ ONLY")
        session.execute("SET LOCAL search_path TO DEFAULT")
        rows = session.execute(sql)
    finally:
        if not session.closed:
            session.execute("ROLLBACK")
    shown = "; ".join(", ".join("NULL" if one is None else str(one) for one in row) for row in rows[:_SHOWN_ROWS])
    more = f"; and {len(rows) - _SHOWN_ROWS} more rows" if len(rows) > _SHOWN_ROWS else ""
    return f"{shown}{more}" or "no row"
