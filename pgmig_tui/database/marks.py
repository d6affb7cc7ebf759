"""Changes that must not be deployed: rows beside the tracking tables, written by the transaction that reverts them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pgmig_tui.database.connect import Connection, ServerError
from pgmig_tui.database.own_tables import Tables, behind_look, guarded, look_sql
from pgmig_tui.database.text import bind, ident, literal, load, text_array
from pgmig_tui.database.unreadable import unreadable

TABLE = "do_not_deploy"
_COLUMNS = (
    "m.project, m.change, m.change_id, m.reason, m.run,"
    " pg_catalog.to_char(m.marked_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'), m.marked_by"
)


@dataclass(frozen=True, slots=True)
class Mark:
    """Why a change must not be deployed, and by whose rollback. `marked_at` is UTC."""

    project: str
    change: str
    change_id: str
    reason: str
    run: str
    marked_at: str
    marked_by: str

    def __str__(self) -> str:
        return f"{self.change}: {self.reason} (rolled back by {self.marked_by} in run {self.run} at {self.marked_at})"


def setup_sql(connection: Connection, schema: str) -> str | None:
    """What has to be made before changes can be marked in `schema`; "" when nothing has, None when the role may not.
    Raises ServerError."""
    row = connection.one(bind(load("queries/marks_shape"), {"schema": schema}))
    assert row is not None
    exists, may_create, there, may_write = row
    if there:
        connection.execute(look_sql(_table(schema)))
        return "" if may_write else None
    if not may_create:
        return None
    create = "" if exists else f"CREATE SCHEMA IF NOT EXISTS {ident(schema)}; "
    return create + bind(load("marks_create"), {"schema": schema})


def mark_member(schema: str, mark: Mark) -> str:
    """The mark as a member of the WITH list that records a revert (`rows.record_sql`)."""
    values = (mark.project, mark.change, mark.change_id, mark.reason, mark.run)
    return (
        f"marked AS (INSERT INTO {ident(schema)}.do_not_deploy (project, change, change_id, reason, run, marked_by)"
        f" VALUES ({', '.join(literal(value) for value in values)},"
        f" pg_catalog.concat({literal(mark.marked_by + ' as ')}, session_user)))"
    )


def read_marks(connection: Connection, schema: str, project: str) -> tuple[Mark, ...]:
    """The marks of a project that nobody has lifted; the table must be there. Raises ServerError, and NotPermitted
    where the role may not read it: then nobody knows."""
    sql = (
        f"SELECT {_COLUMNS} FROM {ident(schema)}.do_not_deploy m"
        f" WHERE m.lifted_at IS NULL AND m.project = {literal(project)} ORDER BY m.id"
    )
    try:
        rows = connection.execute(behind_look(sql, _table(schema)))
    except ServerError as error:
        raise unreadable(error, connection, "which changes are marked `do not deploy`", schema, TABLE) from error
    return tuple(Mark(*row) for row in rows)


def there_are_marks(connection: Connection, schema: str) -> bool:
    """Whether the table is there. Raises ServerError."""
    row = connection.one(are_there_sql(schema))
    return bool(row and row[0])


def are_there_sql(schema: str) -> str:
    """Whether the table is there. Its name alone is asked for: `to_regclass` fails where the role may not look into the
    schema."""
    return (
        "SELECT EXISTS (SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
        f" WHERE n.nspname = {literal(schema)} AND c.relname = '{TABLE}')"
    )


def lift_marks(connection: Connection, schema: str, change_ids: Sequence[str], by: str, reason: str) -> None:
    """Lift the marks of these changes. Raises ServerError."""
    sql = (
        f"UPDATE ONLY {ident(schema)}.do_not_deploy SET lifted_at = pg_catalog.clock_timestamp(),"
        f" lifted_by = pg_catalog.concat({literal(by + ' as ')}, session_user), lift_reason = {literal(reason)}"
        f" WHERE lifted_at IS NULL AND change_id = ANY({text_array(change_ids)})"
    )
    connection.execute(guarded(sql, _table(schema)))


def _table(schema: str) -> Tables:
    return Tables(schema, (TABLE,))
