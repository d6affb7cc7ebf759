"""What is left of statements that commit on their way: CREATE INDEX CONCURRENTLY and its kin."""

from __future__ import annotations

import re
from dataclasses import dataclass

from pgmig_tui.database.connect import Connection
from pgmig_tui.database.text import ident, load

_OF_REINDEX = re.compile(r"_cc(?:new|old)\d*$").search


@dataclass(frozen=True, slots=True)
class Leftover:
    """An INVALID index, or a partition of `owner` that is neither attached nor detached. Names are not quoted."""

    kind: str
    id: int
    schema: str
    name: str
    owner: str | None = None
    """Of a partition: its parent, quoted, with its schema."""

    @property
    def told(self) -> str:
        """`schema.name`, for people."""
        return f"{self.schema}.{self.name}"

    @property
    def what(self) -> str:
        return f"INVALID index {self.told}" if self.kind == "index" else f"{self.told}, whose detaching is pending"

    @property
    def repair(self) -> tuple[str, ...]:
        """Statements of which one puts it right. What REINDEX CONCURRENTLY leaves is a copy: it can only go."""
        name = f"{ident(self.schema)}.{ident(self.name)}"
        if self.kind != "index":
            return (f"ALTER TABLE {self.owner} DETACH PARTITION {name} FINALIZE",)
        drop = f"DROP INDEX CONCURRENTLY {name}"
        return (drop,) if _OF_REINDEX(self.name) else (drop, f"REINDEX INDEX CONCURRENTLY {name}")


def left_behind(connection: Connection) -> tuple[Leftover, ...]:
    """All of this database. Raises ServerError, ConnectionLost."""
    lines = load("queries/left_behind").splitlines()
    if connection.server_version_num < 140000:
        lines = [line for line in lines if not line.endswith("-- 14")]
    return tuple(
        Leftover(kind, number, schema, name, f"{ident(owner_schema)}.{ident(owner)}" if owner else None)
        for kind, number, schema, name, owner_schema, owner in connection.execute("\n".join(lines))
    )
