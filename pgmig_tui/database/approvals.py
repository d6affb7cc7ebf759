"""The table of approvals: rows in the tracking schema that are only ever added. It is made when somebody says so.

An approver needs no more than USAGE on the schema, SELECT, and INSERT on the columns that a decision has: the role that
was logged in and the time are the server's, which nobody without the right to these columns can write.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pgmig_tui.database.connect import Connection, ServerError
from pgmig_tui.database.own_tables import Tables, behind_look, guarded
from pgmig_tui.database.text import bind, ident, literal, load, text_array
from pgmig_tui.errors import NotPermitted, Refused

TABLE = "approvals"
LEFT = "left"
"""The decision of a row that is none: what a run has left of the tables that were approved of."""
WRITTEN = ("project", "environment", "decision", "role", "payload", "signature", "revokes")
_COLUMNS = (
    "id bigint", "project text", "environment text", "decision text", "role text", "payload text", "signature text",
    "revokes bigint", "given_at timestamp with time zone", "session_role text",
    "system_identity text",
)  # fmt: skip
_ROW = (
    "a.id, a.decision, a.role, a.payload, coalesce(a.signature, ''), a.revokes,"
    " extract(epoch FROM a.given_at)::float8, a.session_role, coalesce(a.system_identity, '')"
)
_NOTHING = "Nothing was changed."


@dataclass(frozen=True, slots=True)
class ApprovalsTable:
    """Whether the table is there, and what the role `session_role` may do with it. `may_create`: it, and its schema
    where that isn't there. `forges`: it may write who was logged in, as an owner can. `now` is the server's clock.
    `schema_there`: its schema is."""

    schema: str
    schema_there: bool
    may_create: bool
    there: bool
    may_read: bool
    may_write: bool
    forges: bool
    session_role: str
    now: datetime


@dataclass(frozen=True, slots=True)
class ApprovalRow:
    """A row as it stands; `given_at` is UTC."""

    id: int
    decision: str
    role: str
    payload: str
    signature: str
    revokes: int | None
    given_at: datetime
    session_role: str
    system_identity: str = ""


def look_at_table(connection: Connection, schema: str) -> ApprovalsTable:
    """What there is. Raises Refused for a table of that name that isn't ours, ServerError."""
    row = connection.one(bind(load("queries/approvals_shape"), {"schema": schema}))
    assert row is not None
    exists, may_create, there, may_read, may_write, forges, columns, role, now = row
    if there and tuple(columns) != _COLUMNS:
        raise Refused(
            f"{schema}.{TABLE} exists and is not ours: its columns are others",
            now="Nothing of it was read or written.",
            do="Find out whose it is, or say another schema with tracking in pgmig.toml.",
        )
    moment = datetime.fromtimestamp(float(now), UTC)
    return ApprovalsTable(schema, exists, may_create, there, may_read, may_write, forges, role, moment)


def read_rows(connection: Connection, schema: str, project: str, environment: str) -> tuple[ApprovalRow, ...]:
    """The rows of an environment, the oldest first. Raises ServerError, Refused."""
    sql = (
        f"SELECT {_ROW} FROM {ident(schema)}.{TABLE} AS a"
        f" WHERE a.project OPERATOR(pg_catalog.=) {literal(project)}"
        f" AND a.environment OPERATOR(pg_catalog.=) {literal(environment)} ORDER BY a.id"
    )
    return tuple(_row(row) for row in connection.execute(behind_look(sql, Tables(schema, (TABLE,)))))


def rows_since(
    connection: Connection, schema: str, project: str, environment: str, last: int
) -> tuple[datetime, tuple[ApprovalRow, ...]]:
    """The server's clock, and the rows behind number `last` that say no, the oldest first. Raises ServerError,
    Refused."""
    sql = (
        f"SELECT extract(epoch FROM pg_catalog.clock_timestamp())::float8, {_ROW} FROM (VALUES (1)) AS one(n)"
        f" LEFT JOIN {ident(schema)}.{TABLE} AS a ON a.id OPERATOR(pg_catalog.>) {int(last)}"
        f" AND a.project OPERATOR(pg_catalog.=) {literal(project)}"
        f" AND a.environment OPERATOR(pg_catalog.=) {literal(environment)}"
        " AND a.decision OPERATOR(pg_catalog.=) ANY ('{reject,revoke}'::pg_catalog.text[]) ORDER BY a.id"
    )
    rows = connection.execute(behind_look(sql, Tables(schema, (TABLE,))))
    now = datetime.fromtimestamp(float(rows[0][0]), UTC)
    return now, tuple(_row(row[1:]) for row in rows if row[1] is not None)


def _row(row: Sequence[Any]) -> ApprovalRow:
    return ApprovalRow(*(*row[:6], datetime.fromtimestamp(float(row[6]), UTC), *row[7:]))


def create_sql(table: ApprovalsTable, approvers: Iterable[str], version_num: int) -> tuple[str, ...]:
    """The statements that make the table on a server of that version, and let these roles use it. Raises
    NotPermitted."""
    schema = ident(table.schema)
    if not table.may_create:
        what = "may not create a table in" if table.schema_there else "finds no"
        role = ident(table.session_role)
        raise NotPermitted(
            f"role {table.session_role} {what} schema {table.schema}"
            + ("" if table.schema_there else ", nor may make it"),
            now=_NOTHING,
            do=f"Have the owner run this, or: GRANT USAGE, CREATE ON SCHEMA {schema} TO {role};"
            if table.schema_there
            else f"Have the owner of the database run: CREATE SCHEMA {schema} AUTHORIZATION {role};",
        )
    # A first deploy may wait for approvals: nobody else makes the schema before it.
    made = [] if table.schema_there else [f"CREATE SCHEMA {schema}"]
    made += [bind(load("approvals_create"), {"schema": table.schema}).strip()]
    if version_num >= 160000:
        made.append(f"ALTER TABLE {schema}.{TABLE} ALTER COLUMN system_identity SET DEFAULT system_user")
    made.append(f"REVOKE ALL ON {schema}.{TABLE} FROM PUBLIC")
    for role in approvers:
        made.append(f"GRANT USAGE ON SCHEMA {schema} TO {ident(role)}")
        made.append(f"GRANT SELECT, INSERT ({', '.join(WRITTEN)}) ON {schema}.{TABLE} TO {ident(role)}")
    return tuple(made)


def readers_sql(
    connection: Connection, schema: str, registry: str, roles: Sequence[str] | None = None
) -> tuple[str, ...]:
    """The GRANTs that approvers lack for reading what they approve of: of these roles, or of those that the table of
    approvals knows. None where the tables aren't this role's. Raises ServerError."""
    sql = bind(load("queries/approvals_readers"), {"schema": schema, "registry": registry})
    sql = sql.replace(":roles", "NULL::pg_catalog.text[]" if roles is None else text_array(roles))
    return tuple(str(grant) for (grant,) in connection.execute(sql))


def existing_roles(connection: Connection, names: Iterable[str]) -> list[str]:
    """Those of these names that are roles there. Raises ServerError."""
    sql = (
        "SELECT r.rolname::text FROM pg_catalog.pg_roles r WHERE r.rolname::text OPERATOR(pg_catalog.=)"
        f" ANY ({text_array(names)}) ORDER BY 1"
    )
    return [str(name) for (name,) in connection.execute(sql)]


def add_row(
    connection: Connection,
    schema: str,
    *,
    project: str,
    environment: str,
    decision: str,
    role: str,
    payload: str,
    signature: str | None = None,
    revokes: int | None = None,
) -> None:
    """Add a decision. Raises NotPermitted with what to grant, ServerError, Refused."""
    values = ", ".join(literal(one) for one in (project, environment, decision, role, payload, signature))
    sql = (
        f"INSERT INTO {ident(schema)}.{TABLE} ({', '.join(WRITTEN)})"
        f" VALUES ({values}, {'NULL' if revokes is None else int(revokes)})"
    )
    try:
        connection.execute(guarded(sql, Tables(schema, (TABLE,))))
    except ServerError as error:
        if error.sqlstate != "42501":
            raise
        name = ident(connection.role)
        raise NotPermitted(
            f"role {connection.role} may not write to {schema}.{TABLE}: {error.message}",
            now=_NOTHING,
            do=f"Have its owner run: GRANT USAGE ON SCHEMA {ident(schema)} TO {name};"
            f" GRANT SELECT, INSERT ({', '.join(WRITTEN)}) ON {ident(schema)}.{TABLE} TO {name};",
        ) from None
