"""What a statement would have left in the catalog: asked when nobody knows any more whether it took effect.

Lock-free reads of the catalog only. A schema of None stands for a name that wasn't qualified: any schema's but the
system's.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from pgmig_tui.database.connect import Connection
from pgmig_tui.database.text import literal, load

IndexState = Literal["missing", "valid", "invalid"]


def index_state(connection: Connection, schema: str | None, name: str) -> tuple[IndexState, str]:
    """Whether an index is there and whole, and its qualified name. Raises ServerError."""
    rows = connection.execute(load("queries/trace_index"), {"schema": schema, "name": name})
    if not rows:
        return "missing", name
    return ("valid" if all(valid for valid, _ in rows) else "invalid"), str(rows[0][1])


def has_relation(connection: Connection, schema: str | None, name: str) -> bool:
    """Whether a table, view, sequence or composite type of that name is there. Raises ServerError."""
    return _has(connection, "relation", schema, name)


def has_routine(connection: Connection, schema: str | None, name: str) -> bool:
    """Whether a function or procedure of that name is there, whatever its arguments. Raises ServerError."""
    return _has(connection, "routine", schema, name)


def has_column(connection: Connection, schema: str | None, table: str, column: str) -> bool:
    """Raises ServerError."""
    return _has(connection, "column", schema, table, column)


def is_not_null(connection: Connection, schema: str | None, table: str, column: str) -> bool:
    """Raises ServerError."""
    return _has(connection, "not null", schema, table, column)


def has_constraint(connection: Connection, schema: str | None, table: str, name: str) -> bool:
    """Raises ServerError."""
    return _has(connection, "constraint", schema, table, name)


def is_validated(connection: Connection, schema: str | None, table: str, name: str) -> bool:
    """Raises ServerError."""
    return _has(connection, "validated", schema, table, name)


def has_label(connection: Connection, schema: str | None, enum: str, label: str) -> bool:
    """Whether an enum type has that value. Raises ServerError."""
    return _has(connection, "label", schema, enum, label)


def transaction_status(connection: Connection, xid: str) -> str:
    """What became of a transaction: committed, aborted, in progress, or "" when the server has forgotten it. Raises
    ServerError."""
    row = connection.one("SELECT pg_catalog.pg_xact_status(%(xid)s::text::xid8)", {"xid": xid})
    return str(row[0] or "") if row else ""


def _has(connection: Connection, what: str, schema: str | None, name: str, part: str = "") -> bool:
    row = connection.one(load("queries/trace"), {"what": what, "schema": schema, "name": name, "part": part})
    return bool(row and row[0])


MOST_FILES = 200
"""Relations whose files are looked at; of a statement that concerns more, nothing is known by them."""


def files_sql(names: Iterable[tuple[str, bool, bool]]) -> str:
    """Asks for the files of relations: rows (qualified name, oid, file, columns), all text, one more than MOST_FILES at
    most. `names` are (name as SQL has it, with its partitions, its indexes instead of itself)."""
    rows = ",".join(f"({literal(name)},{partitions},{indexes})" for name, partitions, indexes in names)
    return load("queries/relation_files").replace(":named", rows).replace(":room", str(MOST_FILES + 1))


def files_now(connection: Connection, names: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """(oid, file, columns) of relations, by their qualified names; without those that are gone. Raises ServerError."""
    rows = connection.execute(files_sql((name, False, False) for name in names))
    return {str(name): tuple(str(part) for part in rest) for name, *rest in rows}
