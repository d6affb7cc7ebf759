"""What runs have changed in a database since a moment, by what they recorded: registry, runs, what was undone."""

from __future__ import annotations

from dataclasses import dataclass

from pgmig_tui.database.connect import Connection
from pgmig_tui.database.own_tables import Tables, behind_look
from pgmig_tui.database.text import bind, ident, literal, load

_UTC = "pg_catalog.to_char({} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"


@dataclass(frozen=True, slots=True)
class RecordedChange:
    """Something that a run did: `what` in words, the change's ID ("" for data that was changed without one), the run's
    ID where it is known, and when (UTC)."""

    what: str
    change_id: str
    run_id: str
    at: str


def server_time(connection: Connection) -> str:
    """The server's clock now, UTC, to the microsecond. Raises ServerError."""
    return str(connection.execute(f"SELECT {_UTC.format('pg_catalog.clock_timestamp()')}")[0][0])


def database_oid(connection: Connection) -> int:
    """What a database that is made anew under its old name has anew, too. Raises ServerError."""
    row = connection.one("SELECT oid::bigint FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()")
    assert row is not None
    return int(row[0])


def changes_since(
    connection: Connection, since: str, registry: str, tracking: str | None, keep: str
) -> tuple[RecordedChange, ...]:
    """What was recorded there since then (UTC), the newest first: every event of the registry, whosesoever project,
    backfills, and what undo brought back. Raises ServerError where this role may not see it."""
    schemas = {"registry": registry, "tracking": tracking or registry, "keep": keep}
    events, runs, kept = connection.execute(bind(load("queries/changed_tables"), schemas))[0]
    after = f"> {literal(since)}::pg_catalog.timestamptz"
    parts: list[str] = []
    read: list[Tables] = []
    if events:
        read.append(Tables(registry, ("events",)))
        parts.append(
            f"SELECT pg_catalog.concat(e.event, ' of ', e.change), e.change_id::text, '' AS run, e.committed_at AS at"
            f" FROM {ident(registry)}.events AS e WHERE e.committed_at {after}"
        )
    if runs and tracking is not None:
        read.append(Tables(tracking, ("runs",)))
        parts.append(
            "SELECT pg_catalog.concat(r.command, ' by ', r.operator), '', r.run_id, coalesce(r.finished_at,"
            f" r.heartbeat_at) FROM {ident(tracking)}.runs AS r WHERE r.command = 'backfill'"
            f" AND coalesce(r.finished_at, r.heartbeat_at) {after}"
        )
    if kept:
        read.append(Tables(keep, ("kept",)))
        parts.append(
            f"SELECT pg_catalog.concat('undo of ', k.change), '', '', k.restored_at FROM {ident(keep)}.kept AS k"
            f" WHERE k.restored_at {after}"
        )
    if not parts:
        return ()
    sql = (
        f"SELECT c.what, c.change_id, c.run, {_UTC.format('c.at')} FROM ({' UNION ALL '.join(parts)})"
        " AS c(what, change_id, run, at) ORDER BY c.at DESC"
    )
    rows = connection.execute(behind_look(sql, *read))
    return tuple(RecordedChange(*row) for row in rows)
