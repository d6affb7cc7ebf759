"""Counting what a revert would destroy, without getting in anybody's way.

Small tables are counted, of large ones some pages are read and the rest is told as *about*. Which of the rows were
written since a deploy is told by their xmin: rows of transactions that began to write after the one that recorded the
change. PostgreSQL keeps a row's raw xmin when it freezes it; a table that was rewritten since has new ones throughout,
so the number is always *at most*.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pgmig_tui.database.connect import Connection, ServerError
from pgmig_tui.database.text import ident, literal, load
from pgmig_tui.impact.facts import Name

COUNTED_BYTES = 128 * 1024 * 1024
"""Up to this size (by relpages) every row of a table is counted."""
SAMPLE_BYTES = 16 * 1024 * 1024
"""About so much of a larger one is read."""


@dataclass(frozen=True, slots=True)
class ColumnSequence:
    """A sequence of a column (serial, identity or OWNED BY)."""

    name: Name
    column: str


@dataclass(frozen=True, slots=True)
class TableFacts:
    """A table as the catalog has it. `rows` and `bytes` are estimates, with all partitions (None = never analysed).

    `key`: the columns of its primary key, or else of a unique index over columns that can't be null; () = none.
    `partition_of`: its partitioned ancestors. `hides_rows`: row level security applies to this role.
    """

    name: Name
    kind: str
    rows: int | None
    bytes: int
    key: tuple[str, ...]
    partition_of: tuple[str, ...]
    hides_rows: bool
    sequences: tuple[ColumnSequence, ...]

    @property
    def sql(self) -> str:
        return f"{ident(self.name.schema)}.{ident(self.name.relation)}"


@dataclass(frozen=True, slots=True)
class Count:
    """Rows or values that are there, and how many at most were written since. None = not known, `why` says so."""

    total: int | None = None
    since: int | None = None
    about: bool = False
    why: str = ""


def read_tables(connection: Connection, names: Iterable[Name]) -> dict[Name, TableFacts]:
    """The tables and sequences of these names that exist. Raises ServerError."""
    wanted = list(dict.fromkeys(names))
    rows = connection.execute(
        load("queries/loss_tables"),
        {"schemas": [name.schema for name in wanted], "relations": [name.relation for name in wanted]},
    )
    found = {}
    for schema, relation, kind, estimate, size, key, ancestors, hides, sequences in rows:
        owned = tuple(ColumnSequence(Name(one["schema"], one["name"]), one["column"]) for one in sequences)
        name = Name(schema, relation)
        found[name] = TableFacts(name, kind, estimate, size or 0, tuple(key), tuple(ancestors), hides, owned)
    return found


@dataclass(frozen=True, slots=True)
class WantedCount:
    """What is to be counted of a table: its rows (no `columns`) or those where one of the columns isn't null, and how
    many of them were written since the change was recorded."""

    columns: tuple[str, ...]
    change_id: str


def count(connection: Connection, table: TableFacts, wanted: Sequence[WantedCount], registry: str) -> list[Count]:
    """All that is wanted of a table, by one look at it: what is told of its columns and of its rows agrees.

    For a session with the guards of a watch. A refusal of the server ends up in `why`.
    """
    if table.kind not in "rpm":
        return [Count(why="only tables can be counted")] * len(wanted)
    share = 100.0
    if table.bytes > COUNTED_BYTES:
        share = max(0.001, min(100.0, 100.0 * SAMPLE_BYTES / table.bytes))
    try:
        connection.execute("SET row_security = off")
        row = connection.one(_count_sql(table, wanted, registry, share))
    except ServerError as error:
        if error.sqlstate == "57014" and table.rows is not None:
            why = "counting took too long"
            return [Count(None if one.columns else table.rows, None, True, why) for one in wanted]
        return [Count(why=_why(error))] * len(wanted)
    assert row is not None
    return _counts(table, row, len(wanted), sampled=share < 100)


def _count_sql(table: TableFacts, wanted: Sequence[WantedCount], registry: str, share: float) -> str:
    """One row: how many rows were looked at; for each wanted how many match, how many of these are new, and whether
    that can be told."""
    sample = f" TABLESAMPLE SYSTEM ({share:.6f})" if share < 100 else ""
    only = "" if table.kind == "p" else "ONLY "
    told, ages = ["count(*)"], []
    for number, one in enumerate(wanted):
        has = " OR ".join(f"t.{ident(column)} IS NOT NULL" for column in one.columns) or "true"
        # Negative ages are of transactions that the counter has gone round since: long before any deploy.
        new = f"pg_catalog.age(t.xmin) >= 0 AND pg_catalog.age(t.xmin) < d.a{number}"
        told += [
            f"count(*) FILTER (WHERE {has})",
            f"count(*) FILTER (WHERE ({has}) AND {new})",
            f"bool_or(d.a{number} IS NULL)",
        ]
        ages.append(
            f"(SELECT pg_catalog.age(c.xmin) FROM {ident(registry)}.changes c"
            f" WHERE c.change_id = {literal(one.change_id)}) AS a{number}"
        )
    return f"SELECT {', '.join(told)} FROM {only}{table.sql} AS t{sample} CROSS JOIN (SELECT {', '.join(ages)}) AS d"


def _counts(table: TableFacts, row: Sequence[int | bool | None], many: int, *, sampled: bool) -> list[Count]:
    seen = int(row[0] or 0)
    factor = 1.0
    if sampled:
        share = max(0.001, min(100.0, 100.0 * SAMPLE_BYTES / table.bytes)) / 100
        rows = seen / share
        # Which pages a sample takes is left to chance; the catalog's count isn't, as long as it is of this table's day.
        if table.rows and abs(table.rows - rows) <= table.rows / 5:
            rows = table.rows
        factor = rows / seen if seen else 0.0
    found = []
    for number in range(many):
        total, since, unknown = row[1 + 3 * number : 4 + 3 * number]
        if sampled and not total:
            found.append(Count(why="a sample of the table found none"))  # which proves nothing of the rest
            continue
        new = None if unknown else round(int(since or 0) * factor)
        found.append(Count(round(int(total or 0) * factor), new, sampled))
    return found


def still_there(connection: Connection, name: Name, columns: Sequence[str]) -> str:
    """`there`, `gone`, or `some` of the columns. Raises ServerError."""
    row = connection.one(load("queries/still_there"), {"schema": name.schema, "relation": name.relation})
    assert row is not None
    exists, found = row
    if not columns:
        return "there" if exists else "gone"
    left = [column for column in columns if column in found]
    return "there" if len(left) == len(columns) else "some" if left else "gone"


def _why(error: ServerError) -> str:
    if error.sqlstate == "55P03":
        return "another session holds a lock on it"
    if error.sqlstate == "57014":
        return "counting took too long"
    return error.message
