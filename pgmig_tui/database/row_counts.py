"""How many rows each table of a database has, for a comparison of a dump with what was dumped."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from pgmig_tui.database.connect import Connection
from pgmig_tui.database.text import ident, load

LARGE_OBJECTS = "large objects"
"""What stands for all of them among the tables."""
_AT_ONCE = 50


@dataclass(frozen=True, slots=True)
class DumpedTable:
    """A table whose rows are dumped. `size` is in bytes, with what lies out of line, without indexes, as it was
    when it was last vacuumed or analyzed."""

    schema: str
    name: str
    size: int

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}"


@dataclass(frozen=True, slots=True)
class DumpedDatabase:
    """What a dump will hold: the database's size on disk in bytes, its locale, and its tables, the largest first."""

    size: int
    collate: str
    ctype: str
    provider: str
    tables: tuple[DumpedTable, ...]

    @property
    def locale(self) -> str:
        """The locale in words; of ICU's and PostgreSQL's own the provider is told, too."""
        own = {"i": " of ICU", "b": " of PostgreSQL"}.get(self.provider, "")
        return f"{self.collate}{own}"


def dumped_database(connection: Connection) -> DumpedDatabase:
    """Ask what a dump of this database will hold. Raises ServerError."""
    row = connection.one(load("queries/dumped_tables"))
    assert row is not None
    size, collate, ctype, provider, tables = row
    found = tuple(DumpedTable(*one) for one in json.loads(tables))
    return DumpedDatabase(int(size), collate, ctype, provider, found)


@contextmanager
def exported_snapshot(connection: Connection) -> Iterator[str]:
    """A transaction that sees the database as it is now, and the name by which another session sees the very same.

    Raises ServerError.
    """
    # Whoever counts may be done long before whoever dumps.
    connection.execute("SET idle_in_transaction_session_timeout = 0")
    connection.execute("BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
    try:
        row = connection.one("SELECT pg_catalog.pg_export_snapshot()")
        assert row is not None
        yield str(row[0])
    finally:
        if not connection.closed:
            connection.execute("ROLLBACK")


def count_rows(
    connection: Connection,
    tables: Sequence[DumpedTable],
    counted: Callable[[int], None] = lambda tables: None,
) -> dict[str, int]:
    """The rows of each of `tables` itself, by `schema.table`; a table of a partition or an heir counts its own.

    `counted` hears how many tables are done. Raises ServerError, also for a table that isn't there or that this role
    may not read, be it that a policy hides rows of it.
    """
    found: dict[str, int] = {}
    connection.execute("SET row_security = off")  # a policy would hide rows: rather fail
    for start in range(0, len(tables), _AT_ONCE):
        some = tables[start : start + _AT_ONCE]
        parts = (
            f"SELECT {index}, pg_catalog.count(*) FROM ONLY {ident(one.schema)}.{ident(one.name)}"
            for index, one in enumerate(some)
        )
        for index, rows in connection.execute(" UNION ALL ".join(parts)):
            found[str(some[index])] = int(rows)
        counted(len(found))
    return found


def large_objects(connection: Connection) -> int:
    """How many there are. Raises ServerError."""
    row = connection.one("SELECT pg_catalog.count(*) FROM pg_catalog.pg_largeobject_metadata")
    assert row is not None
    return int(row[0])
