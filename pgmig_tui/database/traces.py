"""What a transaction or a rewrite has left: asked when nobody knows any more whether it took effect.

Lock-free reads.
"""

from __future__ import annotations

from collections.abc import Iterable

from pgmig_tui.database.connect import Connection
from pgmig_tui.database.text import literal, load


def transaction_status(connection: Connection, xid: str) -> str:
    """What became of a transaction: committed, aborted, in progress, or "" when the server has forgotten it. Raises
    ServerError."""
    row = connection.one("SELECT pg_catalog.pg_xact_status(%(xid)s::text::xid8)", {"xid": xid})
    return str(row[0] or "") if row else ""


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
