"""Keeping rows that a revert is about to destroy: the SQL of it. `undo` brings them back.

The copy is made by the revert's own transaction, under the lock that the revert needs anyway: what is kept is exactly
what is lost, or neither happens. All of it goes into one schema, with a catalogue (`kept`) that says what came whence.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pgmig_tui.database.connect import Connection
from pgmig_tui.database.losses import ColumnSequence, TableFacts
from pgmig_tui.database.own_tables import Tables, guarded, look_sql
from pgmig_tui.database.text import EQ, bind, ident, literal, load, text_array
from pgmig_tui.errors import NotPermitted, Refused

KEPT_DAYS = 30

# Values must look the same when they are kept and when they are compared, and nobody's search_path may count.
_SETTINGS = {
    "search_path": "pg_catalog, pg_temp", "datestyle": "ISO, MDY", "timezone": "UTC", "intervalstyle": "postgres",
    "bytea_output": "hex", "extra_float_digits": "1", "row_security": "off",
}  # fmt: skip
SET_SQL = "SELECT " + ", ".join(
    f"pg_catalog.set_config('{name}', '{value}', true)" for name, value in _SETTINGS.items()
)
RESET_SQL = "; ".join(f"RESET {name}" for name in _SETTINGS)


@dataclass(frozen=True, slots=True)
class KeepSchema:
    """Where rows can be kept. `creates`: schema (and catalogue), catalogue, or "" when both are there."""

    schema: str
    creates: str


@dataclass(frozen=True, slots=True)
class Keep:
    """One thing to keep. `columns` are () for all of them; `name` is its table in the keep schema, "" for a sequence
    alone. `lock` is the mode in which the source is locked first, in words."""

    kind: str
    table: TableFacts
    columns: tuple[str, ...]
    name: str
    lock: str
    sequences: tuple[ColumnSequence, ...]


@dataclass(frozen=True, slots=True)
class Origin:
    """What is written beside the rows: for which run and change, and by whom."""

    run: str
    step: int
    project: str
    change: str
    change_id: str
    script_hash: str
    operator: str


def read_keep_schema(connection: Connection, schema: str) -> KeepSchema:
    """Whether rows can be kept in `schema`. Raises NotPermitted with the GRANT, Refused where it is somebody else's or
    everything is published."""
    row = connection.one(bind(load("queries/keep_shape"), {"schema": schema}))
    assert row is not None
    exists, may_create, may_create_schema, is_there, may_write, ours, publications, role, database = row
    now = "Nothing was changed."
    if publications:
        raise Refused(
            f"the publication {publications[0]} sends every table away, so the kept rows as well",
            now=now,
            do="Roll back without --save, or make the publication one of named tables.",
        )
    if not exists:
        if may_create_schema:
            return KeepSchema(schema, "schema")
        grant = f"GRANT CREATE ON DATABASE {ident(database)} TO {ident(role)};"
        raise NotPermitted(f"role {role} may not create the schema {schema} to keep rows in", now=now, do=grant)
    if is_there and not ours:
        raise Refused(f"{schema}.kept is not ours", now=now, do='Name another schema: keep_schema = "…" in pgmig.toml.')
    if not may_create or (is_there and not may_write):
        grant = f"GRANT USAGE, CREATE ON SCHEMA {ident(schema)} TO {ident(role)}; "
        grant += f"GRANT SELECT, INSERT, UPDATE ON {ident(schema)}.kept TO {ident(role)};" if is_there else ""
        raise NotPermitted(f"role {role} may not write to the schema {schema}", now=now, do=grant.strip())
    if is_there:
        connection.execute(look_sql(catalogue(schema)))
    return KeepSchema(schema, "" if is_there else "catalogue")


def create_sql(into: KeepSchema) -> list[str]:
    """What makes the schema and its catalogue, as statements to run in the transaction that uses it first."""
    made = []
    if into.creates == "schema":
        made.append(f"CREATE SCHEMA {ident(into.schema)}")
        about = "pgmig-tui: rows that were kept before reverts destroyed them."
        made.append(f"COMMENT ON SCHEMA {ident(into.schema)} IS {literal(about)}")
    if into.creates:
        made.append(bind(load("keep_create"), {"schema": into.schema}))
    return made


def catalogue(schema: str) -> Tables:
    return Tables(schema, ("kept",))


def keep_name(run: str, step: int, number: int, source: str) -> str:
    """The name of a table in the keep schema, within PostgreSQL's 63 bytes."""
    start = f"r{run.replace('-', '_')}_{step}_{number}_"
    return start + source.encode()[: 63 - len(start)].decode(errors="ignore")


def keep_sql(into: KeepSchema, keep: Keep, origin: Origin) -> list[str]:
    """Statements that lock the source, copy it, and write it down. For a transaction under SET_SQL."""
    table, sql = keep.table, []
    found: Sequence[ColumnSequence] = keep.sequences
    sequences = ", ".join(
        f"(SELECT pg_catalog.jsonb_build_object('schema', {literal(one.name.schema)}, 'name',"
        f" {literal(one.name.relation)}, 'column', {literal(one.column)}, 'last_value', s.last_value,"
        f" 'is_called', s.is_called) FROM {ident(one.name.schema)}.{ident(one.name.relation)} AS s)"
        for one in found
    )
    rows, checksum, columns, ddl, grants = "0", "0", "'{}'", "NULL", "NULL"
    if keep.name:
        kept = f"{ident(into.schema)}.{ident(keep.name)}"
        only = "" if table.kind == "p" else "ONLY "
        whole = not keep.columns
        chosen = "*" if whole else ", ".join(f"t.{ident(column)}" for column in (*table.key, *keep.columns))
        where = "" if whole else " WHERE " + " OR ".join(f"t.{ident(column)} IS NOT NULL" for column in keep.columns)
        sql.append(f"LOCK TABLE {only}{table.sql} IN {keep.lock} MODE")
        sql.append(f"CREATE TABLE {kept} AS SELECT {chosen} FROM {only}{table.sql} AS t{where}")
        sql.append(f"REVOKE ALL ON {kept} FROM PUBLIC")
        about = f"pgmig-tui: kept by run {origin.run} before it reverted {origin.change}; from {table.name}"
        sql.append(
            f"COMMENT ON TABLE {kept} IS {literal(f'{about}; revert script {origin.script_hash[:12]}; see kept')}"
        )
        rows = f"(SELECT pg_catalog.count(*) FROM {kept})"
        checksum = f"(SELECT {checksum_sql('k::text')} FROM {kept} AS k)"
        if whole:
            target = {"table": table.sql}
            ddl, grants = f"({bind(load('keep_ddl'), target)})", f"({bind(load('keep_grants'), target)})"
            columns = (
                "(SELECT pg_catalog.array_agg(a.attname::text ORDER BY a.attnum) FROM pg_catalog.pg_attribute a"
                f" WHERE a.attrelid = {literal(kept)}::pg_catalog.regclass AND a.attnum > 0)"
            )
        else:
            columns = text_array(keep.columns)
    values = (
        literal(origin.run), str(origin.step), literal(origin.project), literal(origin.change),
        literal(origin.change_id), literal(keep.kind), literal(table.name.schema), literal(table.name.relation),
        columns, text_array(table.key), literal(keep.name), rows, checksum, literal(origin.script_hash), ddl, grants,
        f"pg_catalog.jsonb_build_array({sequences})", "pg_catalog.pg_current_xact_id()::xid::text",
        f"pg_catalog.concat({literal(origin.operator + ' as ')}, session_user)",
        f"pg_catalog.clock_timestamp() + '{KEPT_DAYS} days'",
    )  # fmt: skip
    inserted = (
        f"INSERT INTO {ident(into.schema)}.kept (run, step, project, change, change_id, kind, source_schema,"
        " source_table, columns, key, keep_table, rows, checksum, script_hash, ddl, grants, sequences, xid, saved_by,"
        f" expires_at) VALUES ({', '.join(values)})"
    )
    sql.append(guarded(inserted, catalogue(into.schema)))
    return sql


def told_sql(into: KeepSchema, run: str, step: int) -> str:
    """Source, table in the keep schema, rows and checksum of what a step has kept."""
    return (
        "SELECT pg_catalog.concat(k.source_schema, '.', k.source_table),"
        f" pg_catalog.concat({literal(into.schema)}, '.', k.keep_table), k.rows, k.checksum, k.kind"
        f" FROM {ident(into.schema)}.kept AS k WHERE k.run {EQ} {literal(run)} AND k.step {EQ} {step} ORDER BY k.id"
    )


def checksum_sql(text: str) -> str:
    """An aggregate over rows, each as `text`: the same for the same rows, in whatever order."""
    return f"coalesce(pg_catalog.sum(pg_catalog.hashtextextended({text}, 0)::numeric), 0)"
