"""What goes into the tracking tables: a step and its statements, as SQL text that goes out as one simple query.

Version 2 takes them as JSON through its functions, whose plans the session keeps; version 1 takes rows.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from pgmig_tui.database.connect import Connection, ServerError
from pgmig_tui.database.own_tables import guarded, look_sql, tracking_tables
from pgmig_tui.database.text import ident, literal
from pgmig_tui.errors import Refused

if TYPE_CHECKING:
    from pgmig_tui.project.project import Operator

ALONE_SQL = (
    "SELECT pg_catalog.set_config('synchronous_commit','local',true), pg_catalog.set_config('lock_timeout',"
    "coalesce(nullif(pg_catalog.current_setting('lock_timeout'),'0'),'5s'),true)"
)
"""What goes before a row that is written by itself: it waits for no synchronous standby, which may be what has failed,
nor for ever for whoever holds the tables."""

_SAID = {"done": "", "recorded_only": " recorded only"}
"""Outcomes as a description says them; all others as they are."""


@dataclass(frozen=True, slots=True)
class Migration:
    """A row of `schema_migrations`: one script that was run, or one deed of the program.

    `action` is its operation: deploy, revert, verify, backfill, undo, adopt or repair. `outcome` "" is done; beside
    that failed (nothing of it is there), verify_failed (it is applied and recorded), partly, in_doubt, recorded_only,
    adopted; unverified: applied, and its verification hasn't answered yet. `execution_ms` are milliseconds. The rest is
    version 2's: `verified` is what the verification said (None: none ran), `hashes` are SHA-256 of scripts by "deploy",
    "revert" and "verify", `failed_at` is file and line, `started_at` UTC by the server's clock.
    """

    change_id: str
    change: str
    action: str
    note: str
    success: bool
    execution_ms: float
    outcome: str = ""
    project: str = ""
    run_id: str = ""
    environment: str = ""
    verified: bool | None = None
    hashes: Mapping[str, str] = field(default_factory=dict)
    semantic_hash: str = ""
    sqlstate: str = ""
    message: str = ""
    failed_at: str = ""
    rows: int | None = None
    schema_before: str = ""
    started_at: str | None = None
    told: str = ""
    """What the description says of the outcome, where that isn't the outcome itself."""

    @property
    def description(self) -> str:
        """`deploy 1b50b420: note`, with the outcome when there is one."""
        outcome = self.told or _SAID.get(self.outcome, self.outcome)
        first_line = self.note.strip().split("\n", 1)[0]
        change = f" {self.change_id[:8]}" if self.change_id else ""
        said = f" {outcome.strip()}" if outcome else ""
        return f"{self.action}{said}{change}" + (f": {first_line}" if first_line else "")


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


def record_call(schema: str, migration: Migration, audit: Sequence[AuditRow], operator: Operator) -> str:
    """The call that records a step in tables of version 2, for the end of `rows.record_sql`."""
    statements = "NULL" if not audit else f"{literal(_array(audit))}::pg_catalog.text[]"
    step = _json(_step(migration, operator))
    return f"{ident(schema)}.record_step({step}::pg_catalog.jsonb, {statements})"


def tracking_rows_sql(schema: str, migration: Migration, audit: Sequence[AuditRow], operator: Operator) -> str:
    """The migration's row and its audit rows in tables of version 1, as members of the WITH list that records a step
    (`rows.record_sql`)."""
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


def tracking_sql(
    schema: str, migration: Migration, audit: Sequence[AuditRow], operator: Operator, version: int = 2
) -> str:
    """The same rows as a statement of their own."""
    guard = f"guard AS MATERIALIZED ({look_sql(tracking_tables(schema))})"
    if version == 2:
        return f"WITH {guard}\nSELECT {record_call(schema, migration, audit, operator)} FROM guard"
    return f"WITH {guard},\n{tracking_rows_sql(schema, migration, audit, operator)}\nSELECT * FROM guard"


def answered_sql(
    schema: str, unverified: Migration, outcome: str, version: int = 2, *, why: Migration | None = None
) -> str:
    """The row of a change that was recorded before its verification ran, now that it has answered: "" = it passed.
    `why` tells of the failure. Version 2 answers with one row of the row's ID, NULL where no such row waits."""
    answered = replace(unverified, success=not outcome, outcome=why.outcome if why is not None else outcome)
    if version == 2:
        told = why or answered
        answer = {
            "run_id": unverified.run_id, "change_id": unverified.change_id, "success": not outcome,
            "outcome": told.outcome or "done", "verified": not outcome, "description": answered.description,
            "sqlstate": told.sqlstate or None, "message": told.message or None, "failed_at": told.failed_at or None,
        }  # fmt: skip
        guard = f"guard AS MATERIALIZED ({look_sql(tracking_tables(schema))})"
        call = f"{ident(schema)}.answer_step({_json(answer)}::pg_catalog.jsonb)"
        return f"WITH {guard}\nSELECT {call} FROM guard"
    table = f"{ident(schema)}.schema_migrations"
    return guarded(
        f"UPDATE ONLY {table} SET success = {'false' if outcome else 'true'},"
        f" description = {literal(answered.description)}"
        f" WHERE id = (SELECT pg_catalog.max(m.id) FROM {table} AS m WHERE m.version = {literal(unverified.change)}"
        f" AND m.description = {literal(unverified.description)})",
        tracking_tables(schema),
    )


def record_failure(
    connection: Connection,
    schema: str,
    migration: Migration,
    audit: Sequence[AuditRow],
    operator: Operator,
    version: int = 2,
) -> str | None:
    """Write a failure on a connection of its own. Returns why it couldn't be written, else None.

    A failure that can't be tracked must not hide the failure itself, so a server's error is returned, not raised.
    """
    try:
        connection.execute(f"{ALONE_SQL}; {tracking_sql(schema, migration, audit, operator, version)}")
    except (ServerError, Refused) as error:
        return error.message if isinstance(error, ServerError) else error.what
    return None


# -- as JSON -------------------------------------------------------------------------------------------------------


def _step(one: Migration, operator: Operator) -> dict[str, object]:
    return {
        "version": one.change, "operator": f"{operator.name} <{operator.email}>", "description": one.description,
        "success": one.success, "execution_time": f"{one.execution_ms:.3f} ms", "project": one.project,
        "change_id": one.change_id or None, "operation": one.action, "outcome": one.outcome or "done",
        "verified": one.verified, "run_id": one.run_id or None, "environment": one.environment or None,
        "deploy_hash": one.hashes.get("deploy"), "revert_hash": one.hashes.get("revert"),
        "verify_hash": one.hashes.get("verify"), "semantic_hash": one.semantic_hash or None,
        "sqlstate": one.sqlstate or None, "message": one.message or None, "failed_at": one.failed_at or None,
        "schema_before": one.schema_before or None, "rows": one.rows, "started_at": one.started_at,
    }  # fmt: skip


def _array(audit: Sequence[AuditRow]) -> str:
    """The statements as the text of an array of arrays, which the server reads ten times as fast as JSON."""
    rows = (
        (
            row.operation_type, row.object_type, row.object_name, row.description, row.sql_statement, row.performed_at,
            row.file, row.line, row.started_at, None if row.ms is None else f"{row.ms:.3f}", row.rows,
            row.sqlstate or None, _objects(row.objects),
        )
        for row in audit
    )  # fmt: skip
    return "{" + ",".join("{" + ",".join(map(_element, row)) + "}" for row in rows) + "}"


def _element(value: str | int | None) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, int):
        return str(value)
    text = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text.replace(chr(0), chr(0xFFFD)) if chr(0) in text else text}"'


def _objects(objects: Sequence[tuple[str, str, str]]) -> str | None:
    if not objects:
        return None
    told = [
        {"type": kind, "name": name, "on": on} if on else {"type": kind, "name": name} for kind, name, on in objects
    ]
    return json.dumps(told, ensure_ascii=False, separators=(",", ":"))


def _json(value: object) -> str:
    """As a literal; what is NULL is left out, and a NUL, which no PostgreSQL text can hold, is replaced."""
    return literal(json.dumps(_without_nulls(value), ensure_ascii=False, separators=(",", ":")))


def _without_nulls(value: object) -> object:
    if isinstance(value, dict):
        return {key: _without_nulls(one) for key, one in value.items() if one is not None}
    if isinstance(value, list):
        return [_without_nulls(one) for one in value]
    return value.replace("\0", "\ufffd") if isinstance(value, str) and "\0" in value else value
