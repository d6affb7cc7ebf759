"""How much work tables and indexes are: reading, writing and building, in nanoseconds of a usual machine.

The costs are those of PostgreSQL 15 to 18 with the settings that it comes with, tables in memory, measured by
`benchmarks/time_accuracy.py`; `impact.rates` scales them to a server. `impact.counting` counts the rows of queries.
"""

from __future__ import annotations

import math

from pgmig_tui.impact.cost import (
    BUILD,
    BUILD_HASH,
    BUILD_OTHER,
    ENTRY,
    ENTRY_OTHER,
    ENTRY_TEXT,
    FILE,
    REWRITE_BYTE,
    REWRITE_ROW,
    SCAN_BYTE,
    SCAN_ROW,
    SORT,
    SORT_TEXT,
)
from pgmig_tui.impact.effect import Effect
from pgmig_tui.impact.facts import Column, Index, Relation
from pgmig_tui.impact.selectivity import (
    Span,
    exactly,
)

_FILES = 3
"""A table's own, and those of its TOAST table and its index."""
_TEXT = frozenset({"text", "varchar", "bpchar", "name", "citext", "jsonb", "uuid", "bytea"})


def of_tables(out: Effect) -> Span | None:
    """The tables that are read or written anew, and the indexes that are made; None when a size isn't known."""
    total = 0.0
    for relation in out.scans.values():
        if relation.name not in out.rewrites and not relation.new:
            if relation.bytes < 0:
                return None
            total += reading(relation)
    for relation in out.rewrites.values():
        if relation.new or relation.kind == "S":
            continue
        if relation.name in out.emptied:
            total += FILE * (_FILES + len(relation.indexes))
            continue
        if relation.bytes < 0:
            return None
        total += reading(relation) + writing(relation)
    for name, index in out.rebuilds.items():
        of = out.tables.get(name)
        table = None if of is None else out.rewrites.get(of) or out.scans.get(of)
        if table is not None and table.name not in out.emptied:
            total += building(table, index)
    for relation, index, part in out.made:
        if relation.new and relation.rows < 0:
            continue
        if relation.bytes < 0 or relation.rows < 0:
            return None
        total += building(relation, index, part)
    return exactly(total)


def reading(relation: Relation) -> float:
    """One sequential scan."""
    return max(relation.rows, 0) * SCAN_ROW + max(relation.bytes, 0) * SCAN_BYTE


def writing(relation: Relation) -> float:
    """As many new rows as there are."""
    return max(relation.rows, 0) * REWRITE_ROW + max(relation.bytes, 0) * REWRITE_BYTE


def building(table: Relation, index: Index, part: float = 1.0) -> float:
    """One index over rows that are there; `part` of them are in it."""
    rows = max(table.rows, 0) * part
    if index.method in {"brin"}:
        return reading(table)
    if index.method in {"gin", "gist", "spgist"}:
        return rows * BUILD_OTHER
    if index.method == "hash":
        return rows * BUILD_HASH
    turns = math.log2(max(rows, 2))
    return rows * (BUILD + turns * (SORT_TEXT if _texts(table, index) else SORT))


def _texts(table: Relation, index: Index) -> bool:
    """Whether its first key is dear to compare."""
    keys = index.keys or tuple(index.columns)
    column = table.columns.get(keys[0]) if keys else None
    return not index.whole or column is None or column.type in _TEXT


def entry(table: Relation, index: Index) -> float:
    """One more entry in an index that is there."""
    if index.method in {"gin", "gist", "spgist"}:
        return ENTRY_OTHER
    if index.method == "brin":
        return 50.0
    return ENTRY_TEXT if _texts(table, index) else ENTRY


def width(table: Relation) -> float:
    """Bytes of a row."""
    if table.rows > 0 and table.bytes > 0:
        return max(8.0, table.bytes / table.rows - 28)
    return sum(_columnwidth(column) for column in table.columns.values()) or 60.0


_FIXED = {"bool": 1, "int2": 2, "int4": 4, "float4": 4, "date": 4, "oid": 4, "int8": 8, "float8": 8, "timestamp": 8,
          "timestamptz": 8, "time": 8, "uuid": 16, "interval": 16}  # fmt: skip


def _columnwidth(column: Column) -> int:
    return _FIXED.get(column.type, 24)
