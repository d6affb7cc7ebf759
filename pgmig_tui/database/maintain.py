"""What regular maintenance asks of a database: what was left behind, our own tables and their rows. It reads only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pgmig_tui.database.connect import Connection, Row
from pgmig_tui.database.own_tables import Tables, behind_look
from pgmig_tui.database.text import bind, load


@dataclass(frozen=True, slots=True)
class LeftObject:
    """A row of maintain_leftovers.sql. `relation` is quoted and qualified, `name` isn't quoted; `extra` is the type of
    a constraint, the constraint of a trigger of PostgreSQL's own, the owner of a prepared transaction, the type of a
    slot. `bytes` are a table's, or the WAL that a slot keeps. `since` is UTC, "" where nobody knows it; `age_s`
    seconds."""

    kind: str
    schema: str
    relation: str
    name: str
    extra: str
    bytes: float | None
    since: str
    age_s: float | None


@dataclass(frozen=True, slots=True)
class OwnTable:
    """A table of ours, or one of its name: `plain` an ordinary one, `readable` by this role, `member`: this role can
    act as its owner. `size` is in bytes, with its indexes."""

    schema: str
    name: str
    plain: bool
    readable: bool
    owner: str
    member: bool
    size: float


@dataclass(frozen=True, slots=True)
class OpenRun:
    """A run that has recorded no end. `started_at` is UTC; `silent_s`: its last heartbeat was so many seconds ago."""

    run_id: str
    command: str
    environment: str
    operator: str
    host: str
    started_at: str
    silent_s: float


@dataclass(frozen=True, slots=True)
class OpenBackfill:
    """A data migration that hasn't ended. `started_at` is UTC; its last batch was `silent_s` seconds ago."""

    run_id: str
    relation: str
    rows: int
    by: str
    started_at: str
    silent_s: float


@dataclass(frozen=True, slots=True)
class RecordRows:
    """Rows of the record by table (schema_migrations, schema_audit, evidence), and those that are older than they have
    to be kept, before the day `before`. `oldest_at` is UTC, "" where there is none; `oldest_s` seconds."""

    rows: Mapping[str, int]
    old: Mapping[str, int]
    oldest_at: str
    oldest_s: float | None
    before: str


RECORD = ("schema_migrations", "schema_audit", "evidence")


def read_left(connection: Connection) -> tuple[LeftObject, ...]:
    """All of this database, in one round trip. Raises ServerError, ConnectionLost."""
    rows = connection.execute(load("queries/maintain_leftovers"))
    return tuple(
        LeftObject(kind, schema, relation, name, extra, size, since or "", age)
        for kind, schema, relation, name, extra, size, since, age in rows
    )


def read_temporary(connection: Connection) -> tuple[tuple[str, str], ...] | None:
    """(Schema, name) of temporary tables of sessions that are gone; None where that can't be told. Raises
    ServerError."""
    if connection.server_version_num < 160000:
        return None
    return tuple((str(schema), str(name)) for schema, name in connection.execute(load("queries/maintain_temporary")))


def read_own(connection: Connection, tracking: str | None, keep: str) -> dict[str, OwnTable]:
    """Tables of ours that are there, by name. Raises ServerError."""
    sql = bind(load("queries/maintain_own"), {"tracking": tracking or "", "keep": keep})
    return {row[1]: OwnTable(*row) for row in connection.execute(sql)}


def read_open_runs(connection: Connection, schema: str) -> tuple[OpenRun, ...]:
    """Raises ServerError, Refused where the table is none of ours."""
    return tuple(OpenRun(*row) for row in _rows(connection, "maintain_runs", schema, "runs"))


def read_open_backfills(connection: Connection, schema: str) -> tuple[OpenBackfill, ...]:
    """Raises ServerError, Refused where the table is none of ours."""
    return tuple(OpenBackfill(*row) for row in _rows(connection, "maintain_backfills", schema, "backfill_progress"))


def read_record(connection: Connection, schema: str, keep_s: int) -> RecordRows:
    """Rows of the record, all of whose tables are there. Raises ServerError, Refused where one is none of ours."""
    sql = bind(load("queries/maintain_retention"), {"schema": schema, "keep_s": str(keep_s)})
    (row,) = connection.execute(behind_look(sql, Tables(schema, RECORD)))
    rows, old = (dict(zip(RECORD, part, strict=True)) for part in (row[:3], row[3:6]))
    return RecordRows(rows, old, row[6] or "", row[7], row[8])


def _rows(connection: Connection, name: str, schema: str, table: str) -> list[Row]:
    return connection.execute(behind_look(bind(load(f"queries/{name}"), {"schema": schema}), Tables(schema, (table,))))
