"""The migration guide's tracking tables, `schema_migrations` and `schema_audit`, in a schema of our own.

Version 2 has them written by functions that nobody may change unseen, and chains their rows (`tracking_functions.sql`);
version 1 are plain tables, which a role that doesn't own them goes on to fill. What goes into them is said by
`database.tracking_rows`.

A success is written in the change's own transaction, so these texts go out with the registry's rows; a failure is
written by another connection after the ROLLBACK. Tracking never stops a deploy: without the right to create its tables,
or where tables of the same name are somebody else's, it is off, and says why.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from pgmig_tui.database.connect import Connection, Row, ServerError
from pgmig_tui.database.own_tables import Tables, behind_look, found_sql, tracking_tables
from pgmig_tui.database.runs import COLUMNS as RUN_COLUMNS
from pgmig_tui.database.runs import runs_table
from pgmig_tui.database.text import bind, ident, literal, load
from pgmig_tui.database.tracking_rows import (
    AuditRow,
    Migration,
    answered_sql,
    record_call,
    record_failure,
    tracking_rows_sql,
    tracking_sql,
)
from pgmig_tui.database.tracking_text import FUNCTIONS, HEAD, tracking_text

__all__ = [
    "AuditRow",
    "Migration",
    "Tracking",
    "answered_sql",
    "create_tracking_sql",
    "prepare_tracking",
    "read_durations",
    "read_tracking",
    "record_call",
    "record_failure",
    "tracking_rows_sql",
    "tracking_sql",
]

_FIRST = {
    "schema_migrations": (
        "id bigint", "version text", "installed_by text", "description text",
        "installed_on timestamp with time zone", "success boolean", "execution_time interval",
    ),
    "schema_audit": (
        "id bigint", "migration_id bigint", "operation_type text", "object_type text", "object_name text",
        "description text", "performed_at timestamp with time zone", "performed_by text", "sql_statement text",
    ),
}  # fmt: skip
"""The columns of version 1."""

_MORE = {
    "schema_migrations": (
        "project text", "change_id text", "operation text", "outcome text", "verified boolean", "run_id text",
        "environment text", "deploy_hash text", "revert_hash text", "verify_hash text", "semantic_hash text",
        "sqlstate text", "message text", "failed_at text", "schema_before text", "schema_after text", "rows bigint",
        "started_at timestamp with time zone", "session_role text", "operator text", "seq bigint", "prev_hash text",
        "hash text",
    ),
    "schema_audit": (
        "run_id text", "position integer", "file text", "line integer", "started_at timestamp with time zone",
        "ms numeric(14,3)", "rows bigint", "sqlstate text", "objects jsonb",
    ),
    "evidence": (
        "run_id text", "item text", "state text", "summary text", "check_name text", "sql_hash text", "rows jsonb",
        "started_at timestamp with time zone", "finished_at timestamp with time zone", "role text", "answered_how text",
        "note text", "answered_by text", "program_version text", "id bigint",
        "recorded_at timestamp with time zone", "recorded_by text", "seq bigint", "prev_hash text", "hash text",
    ),
    HEAD: (
        "one boolean", "format integer", "chain text", "seq bigint", "hash text", "pending bigint", "base_seq bigint",
        "base_hash text", "created_at timestamp with time zone",
    ),
}  # fmt: skip
"""What version 2 adds."""


@dataclass(frozen=True, slots=True)
class Tracking:
    """Where tracking goes. `schema` None = off; `reason` says why, "" when the policy turned it off.

    `creates` is what the first deploy creates: "schema" (and the tables), "tables", "upgrade" (version 1 becomes
    version 2), "runs" (only that one), or "" when all is there. `marks`: there is a table of changes that must not be
    deployed, tracking or not. `no_runs`: why a run writes no row of its own (`database.runs`), "" when it does.
    `version` is that of the tables as they are now; `stays`: why a deploy leaves them at version 1, "" when it doesn't.
    """

    schema: str | None
    reason: str = ""
    creates: str = ""
    marks: bool = False
    no_runs: str = ""
    version: int = 2
    stays: str = ""

    @property
    def without_row(self) -> str:
        """The warning of a run that writes no row of its own, "" where it writes one."""
        return f"other accounts see this run by its lock and its sessions only: {self.no_runs}" if self.no_runs else ""


def read_tracking(connection: Connection, schema: str | None, registry: str = "sqitch") -> Tracking:
    """What can be tracked in `schema` (None = the policy says off). Reads only. Raises ServerError."""
    if schema is None:
        return Tracking(None)
    shape = bind(load("queries/tracking_shape"), {"schema": schema, "registry": registry})
    looks = (found_sql(tracking_tables(schema)), found_sql(runs_table(schema)))
    (row,), ((foreign,),), ((foreign_runs,),) = connection.results("; ".join((shape, *looks)))
    seen = _SeenTables.of(row)
    found = _tracking(schema, seen)
    if found.schema is not None and foreign is not None:
        found = Tracking(None, f"{foreign}; our tables are plain ones, and our functions have our own text")
    if found.schema is None:
        return replace(found, marks=seen.marks)
    no_runs, missing = _runs(schema, seen)
    if foreign_runs is not None:
        no_runs, missing = f"{foreign_runs}; our tables are plain ones", False
    creates = found.creates or ("runs" if missing and not no_runs else "")
    return replace(found, marks=seen.marks, creates=creates, no_runs=no_runs)


@dataclass(frozen=True, slots=True)
class _SeenTables:
    """A row of tracking_shape.sql."""

    exists: bool
    may_use: bool
    may_create: bool
    may_create_schema: bool
    columns: Sequence[str]
    tables: Sequence[str]
    may_insert: bool
    role: str
    database: str
    marks: bool
    may_write_runs: bool
    strange_owners: Sequence[str]
    functions: Sequence[str]

    @staticmethod
    def of(row: Row) -> _SeenTables:
        return _SeenTables(*row)

    def shape(self, table: str) -> frozenset[str]:
        return frozenset(one.split(".", 1)[1] for one in self.columns if one.startswith(f"{table}."))


def _tracking(schema: str, seen: _SeenTables) -> Tracking:
    role = seen.role
    if not seen.exists:
        if seen.may_create_schema:
            return Tracking(schema, creates="schema")
        grant = f"GRANT CREATE ON DATABASE {ident(seen.database)} TO {ident(role)};"
        return Tracking(None, f"role {role} may not create schema {schema}; to turn tracking on: {grant}")
    found = [name for name in (*_FIRST, "evidence", HEAD) if name in seen.tables]
    if not found and not seen.functions:
        if seen.may_use and seen.may_create:
            return Tracking(schema, creates="tables")
        grant = f"GRANT USAGE, CREATE ON SCHEMA {ident(schema)} TO {ident(role)};"
        return Tracking(None, f"role {role} may not create tables in schema {schema}; to turn tracking on: {grant}")
    if (version := _version(schema, seen)) not in ("1", "2"):
        return Tracking(None, version)
    return _first(schema, seen) if version == "1" else _second(schema, seen)


_ANOTHER = "find out whose it is, or say another schema with tracking in pgmig.toml"


def _not_ours(schema: str, table: str) -> str:
    return f"{schema}.{table} exists and is not ours: its columns are others; {_ANOTHER}"


def _version(schema: str, seen: _SeenTables) -> str:
    """ "1", "2", or why the tables are neither."""
    for name in (*_FIRST, "evidence", HEAD):
        shape, first = seen.shape(name), frozenset(_FIRST.get(name, ()))
        if name in seen.tables and not shape >= (first or frozenset(_MORE[name][:1])):
            return _not_ours(schema, name)
    missing = [name for name in _FIRST if name not in seen.tables]
    if missing:
        other = next((name for name in (*_FIRST, "evidence", HEAD) if name in seen.tables), "a function of ours")
        return f"{schema} has {other} but not {missing[0]}: it is not our tracking schema; {_ANOTHER}"
    known = {name: frozenset((*_FIRST.get(name, ()), *_MORE[name])) for name in _MORE}
    begun = HEAD in seen.tables or "evidence" in seen.tables or bool(seen.functions)
    if not begun and all(seen.shape(name) == frozenset(_FIRST[name]) for name in _FIRST):
        return "1"
    for name, columns in known.items():
        if name in seen.tables and (more := sorted(seen.shape(name) - columns)):
            if HEAD not in seen.tables:
                return _not_ours(schema, name)
            return f"{schema}.{name} is of a newer version than this program knows: it has the column {more[0]}"
    lacks = [f"the table {name}" for name in known if name not in seen.tables]
    lacks += [
        f"the column {name}.{column.split()[0]}"
        for name in known
        if name in seen.tables
        for column in sorted(known[name] - seen.shape(name))
    ]
    present = {one.split(" ", 1)[0] for one in seen.functions}
    lacks += [f"the function {name}()" for name in FUNCTIONS if name not in present]
    if lacks:
        return (
            f"schema {schema} is half upgraded: it lacks {lacks[0]}; whoever owns it restores that from a backup, or"
            f" renames the schema, and the next deploy makes a new one"
        )
    return "2"


def _first(schema: str, seen: _SeenTables) -> Tracking:
    """Tables of version 1: upgraded by whoever owns them, filled as they are by others."""
    if not seen.strange_owners and seen.may_use and seen.may_create:
        return Tracking(schema, creates="upgrade", version=1)
    if seen.may_use and seen.may_insert:
        owner = seen.strange_owners[0] if seen.strange_owners else ""
        why = f"they belong to {owner}" if owner else f"role {seen.role} may not create functions in it"
        return Tracking(
            schema,
            version=1,
            stays=f"the tables of schema {schema} stay as an earlier version made them: {why};"
            " a deploy by their owner upgrades them",
        )
    grant = f"GRANT USAGE ON SCHEMA {ident(schema)} TO {ident(seen.role)}; "
    grant += f"GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA {ident(schema)} TO {ident(seen.role)};"
    return Tracking(None, _not_written(schema, seen, grant))


def _second(schema: str, seen: _SeenTables) -> Tracking:
    functions = [one.split(" ", 3) for one in seen.functions]
    for name, trusted, _, owner in functions:
        if trusted != "t":
            return Tracking(
                None,
                f"{schema}.{name}() belongs to {owner}, who is neither a superuser nor owns the database or Sqitch's"
                f" registry: its code would be called by role {seen.role}; to turn tracking on, give schema, tables and"
                " functions to a role that both belong to",
            )
    if seen.may_use and all(may == "t" for _, _, may, _ in functions):
        return Tracking(schema)
    name = ident(schema)
    called = ", ".join(f"{name}.{function}({arguments})" for function, arguments in FUNCTIONS.items())
    grant = f"GRANT USAGE ON SCHEMA {name} TO {ident(seen.role)}; "
    grant += f"GRANT EXECUTE ON FUNCTION {called} TO {ident(seen.role)}; "
    grant += f"GRANT SELECT ON ALL TABLES IN SCHEMA {name} TO {ident(seen.role)};"
    return Tracking(None, _not_written(schema, seen, grant))


def _not_written(schema: str, seen: _SeenTables, grant: str) -> str:
    if "runs" in seen.tables:
        grant += f" GRANT SELECT, INSERT, UPDATE ON {ident(schema)}.runs TO {ident(seen.role)};"
    return f"role {seen.role} may not write to schema {schema}; to turn tracking on: {grant}"


def _runs(schema: str, seen: _SeenTables) -> tuple[str, bool]:
    """(why no row of a run can be written there, whether its table is missing), where there is tracking."""
    if not seen.exists:
        return "", True
    name, role = f"{ident(schema)}.runs", seen.role
    if "runs" in seen.tables:
        if seen.shape("runs") != frozenset(RUN_COLUMNS):
            return _not_ours(schema, "runs"), False
        if seen.may_write_runs:
            return "", False
        grant = f"GRANT SELECT, INSERT, UPDATE ON {name} TO {ident(role)};"
        return f"role {role} may not write to {schema}.runs; to let it: {grant}", False
    if seen.may_create:
        return "", True
    grant = f"GRANT CREATE ON SCHEMA {ident(schema)} TO {ident(role)};"
    return f"role {role} may not create the table {schema}.runs; to let it: {grant}", True


def read_durations(connection: Connection, schema: str) -> dict[str, float]:
    """How long the newest successful deploys took (milliseconds), by the first eight digits of their change IDs.

    Empty where there are no such tables. Raises ServerError.
    """
    name = literal(f"{ident(schema)}.schema_migrations")
    row = connection.one(
        f"SELECT pg_catalog.to_regclass({name}) IS NOT NULL, EXISTS (SELECT FROM pg_catalog.pg_attribute a"
        f" WHERE a.attrelid = pg_catalog.to_regclass({name}) AND a.attname = 'outcome' AND NOT a.attisdropped)"
    )
    if row is None or not row[0]:
        return {}
    # Rows of version 1 say it in their description alone, and keep that.
    deploys = "m.success AND m.description LIKE 'deploy ________%'"
    change = "pg_catalog.substr(m.description, 8, 8)"
    if row[1]:
        deploys = f"({deploys} AND m.change_id IS NULL OR m.operation = 'deploy' AND m.change_id IS NOT NULL)"
        deploys += " AND m.success AND m.outcome = 'done'"
        change = f"coalesce(pg_catalog.substr(m.change_id, 1, 8), {change})"
    sql = (
        f"SELECT {change}, 1000 * extract(epoch FROM m.execution_time)::float8"
        f" FROM (SELECT * FROM {ident(schema)}.schema_migrations ORDER BY id DESC LIMIT 1000) m"
        f" WHERE {deploys} AND m.execution_time IS NOT NULL ORDER BY m.id"
    )
    rows = connection.execute(behind_look(sql, Tables(schema, ("schema_migrations",))))
    return dict(rows)


def create_tracking_sql(tracking: Tracking) -> str:
    """The DDL that is missing, as one transaction; "" when there is nothing to create."""
    schema = tracking.schema
    if schema is None or not tracking.creates:
        return ""
    parts = [f"CREATE SCHEMA {ident(schema)}"] if tracking.creates == "schema" else []
    if tracking.creates in ("schema", "tables"):
        parts += [tracking_text(one, schema) for one in ("tracking_create", "tracking_functions", "tracking_revoke")]
    elif tracking.creates == "upgrade":
        texts = ("tracking_upgrade", "tracking_functions", "tracking_chain", "tracking_revoke")
        parts += [tracking_text(one, schema) for one in texts]
    if not tracking.no_runs:
        parts.append(bind(load("runs_create"), {"schema": schema}))
    return "BEGIN;\n" + ";\n".join(part.rstrip(";") for part in parts) + ";\nCOMMIT"


def prepare_tracking(connection: Connection, tracking: Tracking) -> Tracking:
    """Create what is missing. Where the server refuses, tracking is off and says so, or where only the table of runs is
    missing, or the upgrade, that; nothing else is raised but a lost connection."""
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
        if tracking.creates == "upgrade":
            why = f"the tables of schema {tracking.schema} stay as an earlier version made them: {error.message}"
            return replace(tracking, creates="", stays=why)
        return Tracking(None, f"the tables can't be created in schema {tracking.schema}: {error.message}")
    return replace(tracking, creates="", version=tracking.version if tracking.creates == "runs" else 2)
