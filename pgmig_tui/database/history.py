"""What the tracking tables say of the past: rows of version 2, and of version 1 as far as their description tells."""

from __future__ import annotations

from dataclasses import dataclass

from pgmig_tui.database.connect import Connection
from pgmig_tui.database.own_tables import Tables, behind_look
from pgmig_tui.database.text import bind, load, text_array

STANDS = ("done", "verify_failed", "recorded_only", "adopted", "unverified")
"""Outcomes after which the registry says what the row says."""


@dataclass(frozen=True, slots=True)
class TrackedRow:
    """A row of `schema_migrations`. `at` is UTC with microseconds and sorts as text; `change_id` "" in rows of version
    1, which have the first eight digits in `change_prefix`; `ms` milliseconds; `seq` None while it waits for its
    verification."""

    id: int
    at: str
    change: str
    change_id: str
    change_prefix: str
    operation: str
    outcome: str
    success: bool
    verified: bool | None
    run_id: str
    environment: str
    by: str
    ms: float
    sqlstate: str
    message: str
    failed_at: str
    description: str
    project: str
    seq: int | None

    @property
    def says(self) -> str:
        """What it says of the registry: "deployed", "reverted", "" for nothing."""
        if self.outcome not in STANDS:
            return ""
        if self.operation == "adopt":
            return "deployed" if self.success else "reverted"
        return {"deploy": "deployed", "revert": "reverted"}.get(self.operation, "")

    def is_of(self, change_id: str) -> bool:
        return self.change_id == change_id or (not self.change_id and change_id.startswith(self.change_prefix or "?"))


def read_rows(connection: Connection, schema: str, project: str, since: str | None = None) -> tuple[TrackedRow, ...]:
    """The rows of a project in tables of version 2, oldest first. `since` is a time that PostgreSQL reads. Raises
    ServerError, Refused."""
    sql = bind(load("queries/history_rows"), {"schema": schema, "project": project, "since": since})
    rows = connection.execute(behind_look(sql, Tables(schema, ("schema_migrations",))))
    return tuple(TrackedRow(*row) for row in rows)


def read_last_words(connection: Connection, schema: str, project: str) -> dict[str, TrackedRow]:
    """As `last_words` of all rows, told by the server. Raises ServerError, Refused."""
    rows = bind(load("queries/history_rows"), {"schema": schema, "project": project, "since": None})
    sql = (
        f"SELECT DISTINCT ON (r.change_id, r.key) r.id, r.at, r.version, r.change_id, r.prefix, r.operation, r.outcome,"
        " r.success, r.verified, r.run_id, r.environment, r.installed_by, r.ms, r.sqlstate, r.message, r.failed_at,"
        " r.description, r.project, r.seq FROM (SELECT s.*, CASE WHEN s.change_id = '' THEN s.prefix END AS key"
        f" FROM ({rows}) AS s) AS r WHERE r.operation IN ('deploy', 'revert', 'adopt')"
        f" AND r.outcome = ANY ({text_array(STANDS)}) ORDER BY r.change_id, r.key, r.id DESC"
    )
    found = connection.execute(behind_look(sql, Tables(schema, ("schema_migrations",))))
    return last_words(tuple(TrackedRow(*row) for row in found))


def last_words(rows: tuple[TrackedRow, ...]) -> dict[str, TrackedRow]:
    """The last row that says whether a change is deployed, by change ID, or its first eight digits in old rows."""
    return {
        row.change_id or row.change_prefix: row for row in rows if row.says and (row.change_id or row.change_prefix)
    }


def word_of(words: dict[str, TrackedRow], change_id: str) -> TrackedRow | None:
    """The newer one of what is known by the whole ID and by its beginning."""
    found = [words[key] for key in (change_id, change_id[:8]) if key in words]
    return max(found, key=lambda row: row.id) if found else None
