"""The migration guide's tracking tables, `schema_migrations` and `schema_audit`, in a schema of our own.

A success is written in the change's own transaction, so these texts go out with the registry's rows; a failure is
written by another connection after the ROLLBACK. Tracking never stops a deploy: without the right to create its tables,
or where tables of the same name are somebody else's, it is off, and says why.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pgmig_tui.database.connect import Connection, Row, ServerError
from pgmig_tui.database.own_tables import Tables, behind_look, found_sql, guarded, look_sql, tracking_tables
from pgmig_tui.database.runs import COLUMNS as RUN_COLUMNS
from pgmig_tui.database.runs import runs_table
from pgmig_tui.database.text import bind, ident, literal, load
from pgmig_tui.errors import Refused

if TYPE_CHECKING:
    from pgmig_tui.project.project import Operator

_COLUMNS = {
    "schema_migrations": (
        "id bigint", "version text", "installed_by text", "description text",
        "installed_on timestamp with time zone", "success boolean", "execution_time interval",
    ),
    "schema_audit": (
        "id bigint", "migration_id bigint", "operation_type text", "object_type text", "object_name text",
        "description text", "performed_at timestamp with time zone", "performed_by text", "sql_statement text",
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Tracking:
    """Where tracking goes. `schema` None = off; `reason` says why, "" when the policy turned it off.

    `creates` is what the first deploy creates: "schema" (and the tables), "tables", "runs" (only that one), or "" when
    all is there. `marks`: there is a table of changes that must not be deployed, tracking or not. `no_runs`: why a run
    writes no row of its own (`database.runs`), "" when it does.
    """

    schema: str | None
    reason: str = ""
    creates: str = ""
    marks: bool = False
    no_runs: str = ""

    @property
    def without_row(self) -> str:
        """The warning of a run that writes no row of its own, "" where it writes one."""
        return f"other accounts see this run by its lock and its sessions only: {self.no_runs}" if self.no_runs else ""


@dataclass(frozen=True, slots=True)
class Migration:
    """A row of `schema_migrations`: one script that was run.

    `action` is deploy, revert or verify, `outcome` what became of it when that isn't plain success ("failed",
    "verify_failed", "unverified": applied, and its verification hasn't answered yet); `execution_ms` are milliseconds.
    """

    change_id: str
    change: str
    action: str
    note: str
    success: bool
    execution_ms: float
    outcome: str = ""

    @property
    def description(self) -> str:
        """`deploy 1b50b420: note`, with the outcome when there is one."""
        outcome = f" {self.outcome}" if self.outcome else ""
        first_line = self.note.strip().split("\n", 1)[0]
        return f"{self.action}{outcome} {self.change_id[:8]}" + (f": {first_line}" if first_line else "")


@dataclass(frozen=True, slots=True)
class AuditRow:
    """A row of `schema_audit`: one statement, or a run of like ones. `sql_statement` comes masked; `performed_at` and
    `started_at` are UTC by the server's clock ("2024-01-02T03:04:05.678Z"), None for the moment of recording.
    `sqlstate` is that of the error that the statement ended with, "" where it was carried out; `objects` are all that
    it names: kind, name, and the table that it belongs to ("" for most)."""

    operation_type: str
    object_type: str | None = None
    object_name: str | None = None
    description: str | None = None
    sql_statement: str | None = None
    performed_at: str | None = None
    started_at: str | None = None
    ms: float | None = None
    file: str | None = None
    line: int | None = None
    rows: int | None = None
    sqlstate: str = ""
    objects: tuple[tuple[str, str, str], ...] = ()


def read_tracking(connection: Connection, schema: str | None) -> Tracking:
    """What can be tracked in `schema` (None = the policy says off). Reads only. Raises ServerError."""
    if schema is None:
        return Tracking(None)
    shape = bind(load("queries/tracking_shape"), {"schema": schema})
    looks = (found_sql(tracking_tables(schema)), found_sql(runs_table(schema)))
    (row,), ((foreign,),), ((foreign_runs,),) = connection.results("; ".join((shape, *looks)))
    found, (marks, *_) = _tracking(schema, row), row[9:]
    if found.schema is not None and foreign is not None:
        found = Tracking(None, f"{foreign}; our tables are plain ones")
    if found.schema is None:
        return replace(found, marks=marks)
    no_runs, missing = _runs(schema, row)
    if foreign_runs is not None:
        no_runs, missing = f"{foreign_runs}; our tables are plain ones", False
    creates = found.creates or ("runs" if missing and not no_runs else "")
    return replace(found, marks=marks, creates=creates, no_runs=no_runs)


def _tracking(schema: str, row: Row) -> Tracking:
    exists, may_use, may_create, may_create_schema, columns, tables, may_insert, role, database, *_ = row
    if not exists:
        if may_create_schema:
            return Tracking(schema, creates="schema")
        grant = f"GRANT CREATE ON DATABASE {ident(database)} TO {ident(role)};"
        return Tracking(None, f"role {role} may not create schema {schema}; to turn tracking on: {grant}")
    found = {name: _shape(columns, name) for name in tables if name in _COLUMNS}
    foreign = [name for name, shape in found.items() if shape != _COLUMNS[name]]
    if foreign:
        return Tracking(None, f"{schema}.{foreign[0]} exists and is not ours: its columns are others")
    missing = [name for name in _COLUMNS if name not in found]
    if not missing:
        if may_use and may_insert:
            return Tracking(schema)
        grant = f"GRANT USAGE ON SCHEMA {ident(schema)} TO {ident(role)}; "
        grant += f"GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA {ident(schema)} TO {ident(role)};"
        if "runs" in tables:
            grant += f" GRANT UPDATE ON {ident(schema)}.runs TO {ident(role)};"
        return Tracking(None, f"role {role} may not write to schema {schema}; to turn tracking on: {grant}")
    if len(missing) == 1:
        return Tracking(None, f"{schema} has {next(iter(found))} but not {missing[0]}: it is not our tracking schema")
    if may_use and may_create:
        return Tracking(schema, creates="tables")
    grant = f"GRANT USAGE, CREATE ON SCHEMA {ident(schema)} TO {ident(role)};"
    return Tracking(None, f"role {role} may not create tables in schema {schema}; to turn tracking on: {grant}")


def _runs(schema: str, row: Row) -> tuple[str, bool]:
    """(why no row of a run can be written there, whether its table is missing), where there is tracking."""
    exists, _, may_create, _, columns, tables, _, role, _, _, may_write = row
    if not exists:
        return "", True
    name = f"{ident(schema)}.runs"
    if "runs" in tables:
        if _shape(columns, "runs") != RUN_COLUMNS:
            return f"{schema}.runs exists and is not ours: its columns are others", False
        if may_write:
            return "", False
        grant = f"GRANT SELECT, INSERT, UPDATE ON {name} TO {ident(role)};"
        return f"role {role} may not write to {schema}.runs; to let it: {grant}", False
    if may_create:
        return "", True
    grant = f"GRANT CREATE ON SCHEMA {ident(schema)} TO {ident(role)};"
    return f"role {role} may not create the table {schema}.runs; to let it: {grant}", True


def _shape(columns: Sequence[str], table: str) -> tuple[str, ...]:
    return tuple(column.split(".", 1)[1] for column in columns if column.startswith(f"{table}."))


def read_durations(connection: Connection, schema: str) -> dict[str, float]:
    """How long the newest successful deploys took (milliseconds), by the first eight digits of their change IDs.

    Empty where there are no such tables. Raises ServerError.
    """
    name = literal(f"{ident(schema)}.schema_migrations")
    row = connection.one(f"SELECT pg_catalog.to_regclass({name}) IS NOT NULL")
    if row is None or not row[0]:
        return {}
    sql = (
        "SELECT pg_catalog.substr(m.description, 8, 8), 1000 * extract(epoch FROM m.execution_time)::float8"
        f" FROM (SELECT * FROM {ident(schema)}.schema_migrations ORDER BY id DESC LIMIT 1000) m"
        " WHERE m.success AND m.description LIKE 'deploy ________%' AND m.execution_time IS NOT NULL ORDER BY m.id"
    )
    rows = connection.execute(behind_look(sql, Tables(schema, ("schema_migrations",))))
    return dict(rows)


def create_tracking_sql(tracking: Tracking) -> str:
    """The DDL that is missing, as one transaction; "" when there is nothing to create."""
    if tracking.schema is None or not tracking.creates:
        return ""
    parts = [f"CREATE SCHEMA {ident(tracking.schema)}"] if tracking.creates == "schema" else []
    if tracking.creates != "runs":
        parts.append(bind(load("tracking_create"), {"schema": tracking.schema}))
    if not tracking.no_runs:
        parts.append(bind(load("runs_create"), {"schema": tracking.schema}))
    return "BEGIN;\n" + ";\n".join(part.rstrip(";") for part in parts) + ";\nCOMMIT"


def prepare_tracking(connection: Connection, tracking: Tracking) -> Tracking:
    """Create what is missing. Where the server refuses, tracking is off and says so, or where only the table of runs is
    missing, that; nothing else is raised but a lost connection."""
    sql = create_tracking_sql(tracking)
    if not sql:
        return tracking
    try:
        connection.execute(sql)
    except ServerError as error:
        connection.execute("ROLLBACK")
        if tracking.creates == "runs":
            why = f"the table {tracking.schema}.runs can't be created: {error.message}"
            return replace(tracking, creates="", no_runs=why)
        return Tracking(None, f"the tables can't be created in schema {tracking.schema}: {error.message}")
    return replace(tracking, creates="")


def tracking_rows_sql(schema: str, migration: Migration, audit: Sequence[AuditRow], operator: Operator) -> str:
    """The migration's row and its audit rows, as members of the WITH list that records a step (`rows.record_sql`)."""
    schema = ident(schema)
    who = f"pg_catalog.concat({literal(f'{operator.name} <{operator.email}> as ')}, session_user)"
    inserted = (
        f"migration AS (INSERT INTO {schema}.schema_migrations"
        " (version, installed_by, description, installed_on, success, execution_time) VALUES "
        f"({literal(migration.change)}, {who}, {literal(migration.description)}, pg_catalog.clock_timestamp(),"
        f" {'true' if migration.success else 'false'}, '{migration.execution_ms:.3f} ms') RETURNING id, installed_by)"
    )
    if not audit:
        return inserted
    rows = ",\n".join(
        f"({literal(row.operation_type)}, {literal(row.object_type)}, {literal(row.object_name)},"
        f" {literal(row.description)}, {literal(row.performed_at)}, {literal(row.sql_statement)})"
        for row in audit
    )
    return (
        f"{inserted},\naudit AS (INSERT INTO {schema}.schema_audit (migration_id, operation_type, object_type,"
        " object_name, description, performed_at, performed_by, sql_statement)\n"
        "SELECT m.id, v.operation_type, v.object_type, v.object_name, v.description,"
        " least(v.performed_at::pg_catalog.timestamptz, pg_catalog.clock_timestamp()), m.installed_by,"
        " v.sql_statement\n"
        f"FROM migration AS m, (VALUES {rows})"
        " AS v(operation_type, object_type, object_name, description, performed_at, sql_statement))"
    )


def tracking_sql(schema: str, migration: Migration, audit: Sequence[AuditRow], operator: Operator) -> str:
    """The same rows as a statement of their own."""
    guard = f"guard AS MATERIALIZED ({look_sql(tracking_tables(schema))})"
    return f"WITH {guard},\n{tracking_rows_sql(schema, migration, audit, operator)}\nSELECT * FROM guard"


def answered_sql(schema: str, unverified: Migration, outcome: str) -> str:
    """The row of a change that was recorded before its verification ran, now that it has answered: "" = it passed."""
    answered = replace(unverified, success=not outcome, outcome=outcome)
    table = f"{ident(schema)}.schema_migrations"
    return guarded(
        f"UPDATE ONLY {table} SET success = {'false' if outcome else 'true'},"
        f" description = {literal(answered.description)}"
        f" WHERE id = (SELECT pg_catalog.max(m.id) FROM {table} AS m WHERE m.version = {literal(unverified.change)}"
        f" AND m.description = {literal(unverified.description)})",
        tracking_tables(schema),
    )


def record_failure(
    connection: Connection, schema: str, migration: Migration, audit: Sequence[AuditRow], operator: Operator
) -> str | None:
    """Write a failure on a connection of its own. Returns why it couldn't be written, else None.

    A failure that can't be tracked must not hide the failure itself, so a server's error is returned, not raised. Nor
    does it wait for a synchronous standby, which may be what has failed.
    """
    try:
        alone = "SELECT pg_catalog.set_config('synchronous_commit','local',true)"
        connection.execute(f"{alone}; {tracking_sql(schema, migration, audit, operator)}")
    except (ServerError, Refused) as error:
        return error.message if isinstance(error, ServerError) else error.what
    return None
