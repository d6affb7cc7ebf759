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
class OwnedSequence:
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
    sequences: tuple[OwnedSequence, ...]

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
        owned = tuple(OwnedSequence(Name(one["schema"], one["name"]), one["column"]) for one in sequences)
        name = Name(schema, relation)
        found[name] = TableFacts(name, kind, estimate, size or 0, tuple(key), tuple(ancestors), hides, owned)
    return found


def count(connection: Connection, table: TableFacts, columns: Sequence[str], registry: str, change_id: str) -> Count:
    """Rows of `table` (with `columns`: those where one of them isn't null), and those written since the change was
    recorded. For a session with the guards of a watch. A refusal of the server ends up in `why`."""
    if table.kind not in "rpm":
        return Count(why="only tables can be counted")
    share = 100.0
    if table.bytes > COUNTED_BYTES:
        share = max(0.001, min(100.0, 100.0 * SAMPLE_BYTES / table.bytes))
    sample = f" TABLESAMPLE SYSTEM ({share:.6f})" if share < 100 else ""
    only = "" if table.kind == "p" else "ONLY "
    has = " OR ".join(f"t.{ident(column)} IS NOT NULL" for column in columns) or "true"
    # Negative ages are of transactions that the counter has gone round since: long before any deploy.
    sql = (
        f"SELECT count(*), count(*) FILTER (WHERE pg_catalog.age(t.xmin) >= 0 AND pg_catalog.age(t.xmin) < d.age),"
        f" bool_or(d.age IS NULL) FROM {only}{table.sql} AS t{sample} CROSS JOIN (SELECT (SELECT pg_catalog.age(c.xmin)"
        f" FROM {ident(registry)}.changes c WHERE c.change_id = {literal(change_id)}) AS age) d WHERE {has}"
    )
    try:
        connection.execute("SET row_security = off")
        row = connection.one(sql)
    except ServerError as error:
        if error.sqlstate == "57014" and table.rows is not None:
            return Count(table.rows if not columns else None, None, True, "counting took too long")
        return Count(why=_why(error))
    assert row is not None
    total, since, unknown = row
    factor = 100.0 / share
    return Count(round(total * factor), None if unknown else round(since * factor), share < 100)


def _why(error: ServerError) -> str:
    if error.sqlstate == "55P03":
        return "another session holds a lock on it"
    if error.sqlstate == "57014":
        return "counting took too long"
    return error.message
