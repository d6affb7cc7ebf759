"""Rows for a table, as one INSERT made of what the catalog says of it. Pure: facts in, SQL out.

Each row is made of its number: values by type, foreign keys out of what their tables hold, checks by trying many rows
and keeping those that meet them, keys by leaving out what is there already.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from pgmig_tui.database.text import ident
from pgmig_tui.rehearse.row_facts import CheckFacts, ColumnFacts, ForeignFacts, RowFacts, TableShape
from pgmig_tui.rehearse.row_values import Value, values

CANDIDATES = 400_000
"""Rows that are tried at most, to find some that meet every check."""
_PARENTS = 10_000
"""Rows of another table that foreign keys refer to at most."""
_ONE_IN = 10
"""One row in so many has NULL where that is allowed."""
_VALUE = re.compile(r"\bVALUE\b")


@dataclass(frozen=True, slots=True)
class Insert:
    """An INSERT, in three parts: `into`, the `select` of its rows, and what follows. `judge` counts of some rows that
    were tried those that meet each of `checks`, (name, expression), in their order; "" without any."""

    into: str
    select: str = ""
    behind: str = ""
    judge: str = ""
    checks: tuple[tuple[str, str], ...] = ()

    @property
    def sql(self) -> str:
        """All of it as one statement."""
        return self.through(self.select)

    def through(self, select: str) -> str:
        """The statement that gets its rows from there."""
        return "\n".join(part for part in (self.into, select, self.behind) if part)


def in_order(tables: Sequence[TableShape]) -> tuple[list[TableShape], list[TableShape]]:
    """The tables so that each comes behind those that it refers to, and those that need each other first, which can't
    be filled. What refers to a later one by a column that may be NULL comes without."""
    placed: list[TableShape] = []
    waiting = list(tables)
    known = {one.oid for one in tables}
    for strict in (True, False):
        going = True
        while waiting and going:
            there = {one.oid for one in placed}
            ready = [one for one in waiting if not (_needs(one, strict) & known) - there]
            # Without a choice one after the other: the first may be what all others wait for.
            for one in ready if strict else ready[:1]:
                placed.append(one)
                waiting.remove(one)
            going = bool(ready)
    return placed, waiting


def _needs(table: TableShape, strict: bool) -> set[int]:
    return {
        one.table
        for one in table.foreign
        if one.table != table.oid and (strict or not any(_may_be_null(table.column(name)) for name in one.columns))
    }


def _may_be_null(column: ColumnFacts) -> bool:
    return not column.not_null


def insert(table: TableShape, facts: RowFacts, rows: int, counts: Mapping[int, int], start: int = 0) -> Insert | str:
    """The INSERT of up to so many rows, numbered from `start`; or the reason why there can't be one. `counts` are the
    rows of tables by OID, as far as they are filled."""
    made = _Maker(table, facts, counts)
    if made.problem:
        return made.problem
    columns = list(made.expressions)
    if not columns:
        return Insert(_defaults(table, rows))
    checks = made.checks()
    listed = ", ".join(ident(name) for name in columns)
    each = ",\n    ".join(f"{text} AS {ident(name)}" for name, text in made.expressions.items())
    tried = rows if not checks else max(rows, CANDIDATES)

    def candidates(number: int) -> str:
        numbers = f"(SELECT generate_series({start + 1}::bigint, {start + number}::bigint) AS i) AS numbered"
        return f"(SELECT {each}\n  FROM {numbers}) AS candidate"

    where = "\n  AND ".join(f"({one.expression}) IS NOT FALSE" for one in checks)
    met = f"\nWHERE {where}" if where else ""
    judge = ", ".join(f"count(*) FILTER (WHERE ({one.expression}) IS NOT FALSE)" for one in checks)
    return Insert(
        f"INSERT INTO {table.sql_name} ({listed})",
        f"SELECT {listed} FROM {candidates(tried)}{met}\nLIMIT {rows}",
        "" if table.deferrable else "ON CONFLICT DO NOTHING",
        f"SELECT {judge} FROM {candidates(5000)}" if checks else "",
        tuple((one.name, one.expression) for one in checks),
    )


def _defaults(table: TableShape, rows: int) -> str:
    """Rows that are made of defaults alone."""
    return f"DO $fill$BEGIN FOR i IN 1..{rows} LOOP INSERT INTO {table.sql_name} DEFAULT VALUES; END LOOP; END$fill$"


class _Maker:
    """The expression of each column that gets a value, of `i`, the row's number."""

    def __init__(self, table: TableShape, facts: RowFacts, counts: Mapping[int, int]) -> None:
        self._table = table
        self._facts = facts
        self._counts = counts
        self.problem = ""
        self.expressions: dict[str, str] = {}
        checked = self._checked()
        referring = {name: one for one in reversed(table.foreign) for name in one.columns}
        later: list[tuple[ColumnFacts, ForeignFacts]] = []
        for position, column in enumerate(table.columns):
            if column.generated or (column.counted and column.name not in referring):
                continue
            if column.name in referring:
                foreign = referring[column.name]
                if foreign.table == table.oid:
                    later.append((column, foreign))
                else:
                    self._refer(column, foreign, position)
            else:
                self._make(column, checked.get(column.name, ()), position)
        for column, foreign in later:
            self._refer_to_itself(column, foreign)

    def checks(self) -> list[CheckFacts]:
        """Those that can be tried: all that they read has an expression."""
        found = [one for one in self._table.checks if one.columns and set(one.columns) <= self.expressions.keys()]
        for column in self._table.columns:
            if column.name in self.expressions:
                found += self._domain_checks(column)
        return found

    def _domain_checks(self, column: ColumnFacts) -> Iterable[CheckFacts]:
        facts = self._facts.types[column.type]
        while facts.kind == "d":
            for name, expression in facts.checks:
                text = _VALUE.sub(lambda found: ident(column.name), expression)
                yield CheckFacts(f"{name} of the domain {facts.name}", text, (column.name,))
            facts = self._facts.types[facts.base]

    def _checked(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for one in (*self._table.checks, *(each for c in self._table.columns for each in self._domain_checks(c))):
            for name in one.columns:
                found.setdefault(name, []).append(one.expression)
        return found

    def _make(self, column: ColumnFacts, checks: Sequence[str], position: int) -> None:
        kinds = values(column.type, column.type_name, self._facts.types, column.name, checks)
        if kinds:
            self.expressions[column.name] = self._nullable(column, _one_of(kinds, position), position)
        elif not column.default:
            if not self._may_be_null(column):
                self._fail(f"no value of type {column.type_name} is known for its column {column.name}")
            self.expressions[column.name] = f"NULL::{column.type_name}"

    def _refer(self, column: ColumnFacts, foreign: ForeignFacts, position: int) -> None:
        """A value of a row that is there; of one row for all columns of one foreign key."""
        there = min(self._counts.get(foreign.table, 0), _PARENTS)
        parent = next((one for one in self._facts.tables if one.oid == foreign.table), None)
        if not there or parent is None:
            if self._may_be_null(column):
                self.expressions[column.name] = f"NULL::{column.type_name}"
            else:
                name = parent.full_name if parent is not None else "a table that gets no rows here"
                self._fail(f"its column {column.name} needs a row of {name}, and there is none")
            return
        key = ident(foreign.keys[foreign.columns.index(column.name)])
        order = ", ".join(ident(name) for name in foreign.keys)
        every = f"ARRAY(SELECT {key} FROM {parent.sql_name} ORDER BY {order} LIMIT {there})"
        before = 1
        for one in self._table.foreign:
            if one is foreign:
                break
            before *= max(1, min(self._counts.get(one.table, 0), _PARENTS))
        # Two foreign keys together reach every pair, and neither stays with one row for long.
        pick = "i" if before == 1 else f"(i + i / {before})"
        self.expressions[column.name] = self._nullable(column, f"({every})[1 + {pick} % {there}]", position)

    def _refer_to_itself(self, column: ColumnFacts, foreign: ForeignFacts) -> None:
        key = foreign.keys[foreign.columns.index(column.name)]
        if self._may_be_null(column):
            self.expressions[column.name] = f"NULL::{column.type_name}"
        elif key in self.expressions:
            self.expressions[column.name] = self.expressions[key]
        else:
            self._fail(f"its column {column.name} needs a row of the table itself, whose {key} counts by itself")

    def _nullable(self, column: ColumnFacts, text: str, position: int) -> str:
        if not self._may_be_null(column):
            return text
        return f"CASE WHEN i % {_ONE_IN} <> {position % _ONE_IN} THEN {text} END"

    def _may_be_null(self, column: ColumnFacts) -> bool:
        facts = self._facts.types[column.type]
        while facts.kind == "d":
            if facts.not_null:
                return False
            facts = self._facts.types[facts.base]
        return not column.not_null

    def _fail(self, problem: str) -> None:
        self.problem = self.problem or problem


def _one_of(kinds: Sequence[Value], position: int) -> str:
    """Each row has one of these kinds, which one no other column's tells."""
    if len(kinds) == 1:
        return kinds[0]("i")
    which = f"abs(hashint8(i + {position * 100_003})::bigint) % {len(kinds)}"
    cases = " ".join(f"WHEN {number} THEN {one('i')}" for number, one in enumerate(kinds))
    return f"CASE {which} {cases} END"
