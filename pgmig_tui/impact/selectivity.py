"""How large a share of a table's rows a condition finds, by what the planner's statistics say of its columns.

Only plain comparisons of a column with a constant are weighed, as PostgreSQL's own estimator does it; of everything
else nothing is known, and the share is anything from none to all. Nothing is asked of the server here.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from typing import NamedTuple

from pgmig_tui.impact import nodes
from pgmig_tui.impact.facts import Column, Relation, Spread
from pgmig_tui.impact.nodes import Node

_NUMBERS = frozenset({"int2", "int4", "int8", "float4", "float8", "numeric", "oid"})
_TEXTS = frozenset({"text", "varchar", "bpchar", "name", "date", "timestamp", "timestamptz", "uuid"})
_TURNED = {"<": ">", ">": "<", "<=": ">=", ">=": "<="}
_NUMBER = re.compile(r"[-+]?\d+(?:\.\d*)?(?:[eE][-+]?\d+)?").fullmatch


class Span(NamedTuple):
    """From the least to the most; of shares, rows or nanoseconds."""

    low: float
    high: float

    def plus(self, other: Span) -> Span:
        return Span(self.low + other.low, self.high + other.high)

    def times(self, other: Span) -> Span:
        return Span(self.low * other.low, self.high * other.high)

    def by(self, factor: float) -> Span:
        return Span(self.low * factor, self.high * factor)

    def at_most(self, other: Span) -> Span:
        return Span(min(self.low, other.low), min(self.high, other.high))

    @property
    def wide(self) -> bool:
        return self.high > self.low * 2


NOTHING, ONE, ANY = Span(0, 0), Span(1, 1), Span(0, 1)


def literal(node: Node) -> str | None:
    """The text of a constant, or of whole numbers that are reckoned together."""
    if node.WhichOneof("node") != "a_expr":
        return nodes.constant(node)
    left, right = literal(node.a_expr.lexpr), literal(node.a_expr.rexpr)
    try:
        one, other = int(left or ""), int(right or "")
        sign = "".join(nodes.strings(node.a_expr.name))
        return str({"+": one + other, "-": one - other, "*": one * other, "/": int(one / other)}[sign])
    except (KeyError, ValueError, ZeroDivisionError):
        return None


def exactly(number: float) -> Span:
    return Span(number, number)


def share(condition: Node, table: Relation, called: str = "") -> Span:
    """The share of the table's rows for which the condition is true. `called` is the table's alias or name; columns
    of another table are not this one's."""
    which = condition.WhichOneof("node")
    inner = nodes.open_node(condition)
    if which == "bool_expr":
        return _combined(inner, table, called)
    if which == "null_test":
        spread = _spread(inner.arg, table, called)
        if spread is None:
            column = _column(inner.arg, table, called)
            if column is None or not (column.not_null and column.not_null_valid):
                return ANY
        nulls = 0.0 if spread is None else spread.nulls
        return exactly(nulls if nodes.enum_name("NullTestType", inner.nulltesttype) == "IS_NULL" else 1 - nulls)
    if which == "column_ref":
        return _equal(condition, "t", table, called)
    if which == "a_expr":
        return _compared(inner, table, called)
    if which == "boolean_test":
        kind = nodes.enum_name("BoolTestType", inner.booltesttype)
        return {
            "IS_TRUE": _equal(inner.arg, "t", table, called),
            "IS_FALSE": _equal(inner.arg, "f", table, called),
        }.get(kind, ANY)
    if which == "a_const" and literal(condition) in {"true", "false"}:
        return exactly(float(literal(condition) == "true"))
    return ANY


def _combined(inner: Node, table: Relation, called: str) -> Span:
    kind = nodes.enum_name("BoolExprType", inner.boolop)
    parts = [share(arg, table, called) for arg in inner.args]
    if kind == "NOT_EXPR":
        return Span(1 - parts[0].high, 1 - parts[0].low)
    found = ONE
    for part in parts:
        found = found.times(part if kind == "AND_EXPR" else Span(1 - part.high, 1 - part.low))
    return found if kind == "AND_EXPR" else Span(1 - found.high, 1 - found.low)


def _compared(inner: Node, table: Relation, called: str) -> Span:
    kind = nodes.enum_name("A_Expr_Kind", inner.kind)
    name = "".join(nodes.strings(inner.name)[-1:])
    left, right = inner.lexpr, inner.rexpr
    if kind == "AEXPR_IN":
        values = [literal(item) for item in right.list.items]
        if None in values:
            return ANY
        found = NOTHING
        for value in dict.fromkeys(values):
            found = found.plus(_equal(left, value or "", table, called))
        found = found.at_most(ONE)
        return Span(1 - found.high, 1 - found.low) if name == "<>" else found
    if kind == "AEXPR_BETWEEN":
        low, high = (literal(item) for item in right.list.items)
        if low is None or high is None:
            return ANY
        over, under = _beyond(left, ">=", low, table, called), _beyond(left, "<=", high, table, called)
        return Span(max(0.0, over.low + under.low - 1), max(0.0, over.high + under.high - 1))
    if kind != "AEXPR_OP":
        return ANY
    value, other = literal(right), left
    if value is None:
        value, other, name = literal(left), right, _TURNED.get(name, name)
    if value is None:
        return ANY
    if name == "=":
        return _equal(other, value, table, called)
    if name in {"<>", "!="}:
        spread = _spread(other, table, called)
        equal = _equal(other, value, table, called)
        return ANY if spread is None else Span(1 - spread.nulls - equal.high, 1 - spread.nulls - equal.low)
    return _beyond(other, name, value, table, called) if name in _TURNED else ANY


def _equal(side: Node, value: str, table: Relation, called: str) -> Span:
    column = _column(side, table, called)
    if column is None:
        return ANY
    if any(index.unique and index.valid and index.whole and index.keys == (column.name,) for index in table.indexes):
        return Span(0, 1 / table.rows) if table.rows > 0 else ANY
    spread = table.spreads.get(column.name)
    if spread is None:
        return ANY
    if column.type == "bool":
        value = {"true": "t", "false": "f"}.get(value, value)
    for common, frequency in spread.common.items():
        if common == value or (column.type in _NUMBERS and _number(common) == _number(value) is not None):
            return exactly(frequency)
    distinct = spread.distinct if spread.distinct > 0 else -spread.distinct * max(table.rows, 1)
    rest = max(0.0, 1 - spread.nulls - sum(spread.common.values()))
    others = distinct - len(spread.common)
    return exactly(rest / others) if others >= 1 else NOTHING


def _beyond(side: Node, operator: str, value: str, table: Relation, called: str) -> Span:
    """The share that is before or behind a value, by the common values and the histogram."""
    column = _column(side, table, called)
    spread = None if column is None else table.spreads.get(column.name)
    if column is None or spread is None:
        return ANY
    if column.type in _NUMBERS:
        limit = _number(value)
        if limit is None:
            return ANY
        bounds: list[float] | list[str] = [number for one in spread.bounds if (number := _number(one)) is not None]
        common = [(number, part) for one, part in spread.common.items() if (number := _number(one)) is not None]
        before = _before(bounds, limit)
        shared = sum(
            part
            for one, part in common
            if (one < limit if operator in "<=" else one > limit) or (one == limit and "=" in operator)
        )
    elif column.type in _TEXTS:
        before = _before(list(spread.bounds), value)
        shared = sum(
            part for one, part in spread.common.items() if (one < value if operator[0] == "<" else one > value)
        )
    else:
        return ANY
    if not spread.bounds and not spread.common:
        return ANY
    rest = max(0.0, 1 - spread.nulls - sum(spread.common.values())) if spread.bounds else 0.0
    return exactly(shared + rest * (before if operator[0] == "<" else 1 - before))


def _before(bounds: list[float] | list[str], limit: float | str) -> float:
    """The part of a histogram that is below a limit: each of its steps holds as many rows."""
    if len(bounds) < 2:
        return 0.0
    below, until = bisect_left(bounds, limit), bisect_right(bounds, limit)
    if below == 0:
        return 0.0
    if below >= len(bounds):
        return 1.0
    step = (below + until - 1) / 2 if until > below else below - 1 + _within(bounds[below - 1], bounds[below], limit)
    return min(1.0, max(0.0, step / (len(bounds) - 1)))


def _within(low: float | str, high: float | str, limit: float | str) -> float:
    if isinstance(low, str) or isinstance(high, str) or isinstance(limit, str):
        return 0.5
    return (limit - low) / (high - low) if high > low else 0.5


def distinct_of(side: Node, table: Relation, called: str) -> float | None:
    """How many values a column has; None where that isn't known."""
    column = _column(side, table, called)
    if column is None or table.rows < 0:
        return None
    if any(index.unique and index.valid and index.whole and index.keys == (column.name,) for index in table.indexes):
        return float(table.rows)
    spread = table.spreads.get(column.name)
    if spread is None:
        return None
    return spread.distinct if spread.distinct > 0 else -spread.distinct * table.rows


def is_column(side: Node, table: Relation, called: str) -> bool:
    return _column(side, table, called) is not None


def _column(side: Node, table: Relation, called: str) -> Column | None:
    """The table's column that an operand is, under a cast too."""
    while side.WhichOneof("node") == "type_cast":
        side = side.type_cast.arg
    if side.WhichOneof("node") != "column_ref":
        return None
    names = nodes.strings(side.column_ref.fields)
    if not names or (len(names) > 1 and called and names[-2] != called):
        return None
    return table.columns.get(names[-1])


def _spread(side: Node, table: Relation, called: str) -> Spread | None:
    column = _column(side, table, called)
    return None if column is None else table.spreads.get(column.name)


def _number(text: str) -> float | None:
    return float(text) if _NUMBER(text) else None


def conditions(where: Node) -> list[Node]:
    """The parts of a condition that all have to be true."""
    if (
        where.WhichOneof("node") == "bool_expr"
        and nodes.enum_name("BoolExprType", where.bool_expr.boolop) == "AND_EXPR"
    ):
        return [part for arg in where.bool_expr.args for part in conditions(arg)]
    return [where]


Tables = Mapping[str, Relation]
