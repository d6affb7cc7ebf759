"""What a data migration in batches asks of the server: its table, its checkpoint, and what it has to give way to."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pgmig_tui.database.connect import Connection, ServerError
from pgmig_tui.database.own_tables import Tables, behind_look, guarded, look_sql
from pgmig_tui.database.registry import LockHolder
from pgmig_tui.database.text import AND_THEN, EQ, PLUS, bind, ident, literal, load
from pgmig_tui.errors import NotPermitted, ProjectError

Key = tuple[str, ...]
"""Values of the key's columns as the server writes them (datestyle ISO, time zone UTC); () is before the first row."""

GUARD = "pgmig checkpoint: "
"""How the message begins with which a batch refuses to commit on another checkpoint than it began from."""

_TABLE = "backfill_progress"
_NOT_PREPARED = "26000"
_COLUMNS = (
    "run_id", "last_run", "statement_hash", "statement", "relation", "key_columns", "last_key", "until_key",
    "rows_changed", "rows_seen", "batches", "started_by", "started_at", "updated_at", "finished_at",
)  # fmt: skip
_NOTHING = "Nothing was changed."


@dataclass(frozen=True, slots=True)
class Table:
    """The table that a backfill walks through. `name` is quoted and qualified; `index` leads with the key, "" = none.
    `columns` are none, null or not null for each column of the key. `rows` is the planner's estimate, -1 = never
    analysed."""

    oid: int
    schema: str
    relation: str
    kind: str
    name: str
    columns: tuple[str, ...]
    index: str
    unique: bool
    rows: int
    triggers: str
    types: tuple[str, ...] = ()
    operators: tuple[str, ...] = ()
    """Of each column of the key, in the order of the index: the type by which it is compared, and the schema of the
    operators that do it."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """How far a backfill has come: everything up to `last` (() = nothing yet) is done, `until` is its end."""

    run_id: str
    last_run: str
    statement_hash: str
    relation: str
    last: Key
    until: Key
    rows: int
    seen: int
    batches: int
    started_at: str
    finished: bool


@dataclass(frozen=True, slots=True)
class Pressure:
    """One look. `lag_bytes` and `lag_s` are those of the replica that is furthest behind, None where there is none or
    this role may not see it (`hidden` of `replicas`). `backlog_bytes` of WAL wait to be archived, None where that isn't
    known. `live` and `dead` rows of the table are the server's own counts, which lag a little."""

    replicas: int
    hidden: int
    lag_bytes: int | None
    lag_s: float | None
    archives: bool
    archive_failing: bool
    backlog_bytes: int | None
    vacuum: bool
    live: int
    dead: int


@dataclass(frozen=True, slots=True)
class Order:
    """The columns of a key, and how they are compared: by the index's own operators, wherever those are, and not by
    what a search_path has first. Without `types` nothing is known of them."""

    columns: tuple[str, ...]
    types: tuple[str, ...] = ()
    schema: str = "pg_catalog"

    def __post_init__(self) -> None:
        assert not self.types or len(self.types) == len(self.columns)


def find_sql(schema: str, name: str) -> str:
    """Asks for the oid of a table (schema "" = by the session's search_path), as text; NULL where there is none."""
    wanted = f"{ident(schema)}.{ident(name)}" if schema else ident(name)
    return f"SELECT pg_catalog.concat(pg_catalog.to_regclass({literal(wanted)})::pg_catalog.oid)"


def read_table(connection: Connection, oid: int, columns: Sequence[str]) -> Table | None:
    """The table with that oid, None where there is none. Raises ServerError."""
    row = connection.one(load("queries/backfill_table"), {"oid": oid, "columns": list(columns)})
    if row is None:
        return None
    oid, namespace, relation, kind, quoted, states, found, rows, triggers = row
    index, unique, types, operators = found or ("", False, (), ())
    return Table(
        oid,
        namespace,
        relation,
        kind,
        quoted,
        tuple(states),
        index,
        unique,
        rows,
        triggers,
        tuple(types),
        tuple(operators),
    )


def read_pressure(connection: Connection, oid: int) -> Pressure:
    """What is under pressure now. Raises ServerError."""
    look = f"EXECUTE pgmig_pressure({int(oid)})"
    try:
        row = connection.one(look)
    except ServerError as error:
        if error.sqlstate != _NOT_PREPARED:
            raise
        # It is asked before every batch, and its planning takes many times as long as its answer.
        connection.execute(f"PREPARE pgmig_pressure(oid) AS {load('queries/backfill_pressure')}")
        row = connection.one(look)
    assert row is not None
    return Pressure(*row)


# -- keys ----------------------------------------------------------------------------------------------------------


def beyond(alias: str, order: Order, key: Key, operator: str = ">") -> str:
    """A condition: the row's key is > (or <=) `key`. It stands in a script's statement as well, under its path."""
    names = ", ".join(f"{alias}{ident(column)}" for column in order.columns)
    types = [f"::{one}" for one in order.types] or [""] * len(key)
    values = ", ".join(f"{literal(value)}{kind}" for value, kind in zip(key, types, strict=True))
    compared = f"OPERATOR({ident(order.schema)}.{operator})"
    return f"{names} {compared} {values}" if len(key) == 1 else f"({names}) {compared} ({values})"


def between(alias: str, order: Order, last: Key, upto: Key) -> str:
    """The condition of a batch: beyond `last` and up to `upto`. `alias` is what the statement calls the table."""
    of = f"{ident(alias)}."
    parts = [beyond(of, order, last)] if last else []
    return " AND ".join([*parts, beyond(of, order, upto, "<=")])


def bound_sql(table: str, order: Order, last: Key, until: Key, size: int) -> str:
    """The key of the `size`-th row beyond `last`, or of the last one up to `until`; its last column counts the rows."""
    names = ", ".join(ident(column) for column in order.columns)
    conditions = [beyond("", order, last)] if last else []
    conditions.append(beyond("", order, until, "<="))
    inner = f"SELECT {names} FROM {table} WHERE {' AND '.join(conditions)} ORDER BY {names} LIMIT {int(size)}"
    counted = f"SELECT *, pg_catalog.count(*) OVER () AS n FROM ({inner}) AS b"
    return f"SELECT {_texts(order)}, n FROM ({counted}) AS k{_last(order)}"


def highest_sql(table: str, order: Order) -> str:
    """The highest key of the table."""
    return f"SELECT {_texts(order)} FROM {table} AS k{_last(order)}"


def _texts(order: Order) -> str:
    # Not by a cast to text: whoever owns a type may have made one.
    return ", ".join(f"pg_catalog.concat(k.{ident(column)})" for column in order.columns)


def _last(order: Order) -> str:
    return f" ORDER BY {', '.join(f'k.{ident(column)} DESC' for column in order.columns)} LIMIT 1"


Ask = Callable[[str], Sequence[Sequence[object]]]
"""Sends statements and gives the rows of the one that returns some."""

_READ = (
    "BEGIN; SET LOCAL search_path = pg_catalog, pg_temp; SET LOCAL datestyle = 'ISO'; SET LOCAL timezone = 'UTC';"
    " SET LOCAL intervalstyle = 'postgres'; SET LOCAL bytea_output = 'hex'; SET LOCAL extra_float_digits = 3; "
)
"""Keys are read so that they mean the same whatever the statement's own settings are."""


def read_bound(ask: Ask, table: str, order: Order, last: Key, until: Key, size: int) -> tuple[Key, int]:
    """Where the next batch ends, and how many rows of the table it has; `until` and 0 when there are none left.
    Raises ServerError."""
    rows = ask(f"{_READ}{bound_sql(table, order, last, until, size)}; COMMIT")
    if not rows:
        return until, 0
    *key, count = (str(value) for value in rows[0])
    # Fewer than asked for: these are the last, and what comes in between them and the end meanwhile is in the range.
    return (tuple(key) if int(count) == size else until), int(count)


def read_highest(ask: Ask, table: str, order: Order) -> Key | None:
    """The highest key, None in an empty table. Raises ServerError."""
    rows = ask(f"{_READ}{highest_sql(table, order)}; COMMIT")
    return tuple(str(value) for value in rows[0]) if rows else None


def key_text(key: Key) -> str:
    return json.dumps(list(key), ensure_ascii=False)


def key_of(text: str) -> Key:
    return tuple(json.loads(text))


# -- the lock ------------------------------------------------------------------------------------------------------


def statement_hash(table: str, columns: Sequence[str], statement: str) -> str:
    """What tells one backfill from another: table, key and statement."""
    whole = "\0".join([table, *columns, statement])
    return hashlib.sha256(whole.encode("utf-8", "replace")).hexdigest()[:40]


def lock_key(digest: str) -> int:
    """The advisory key (one bigint) of a statement, from its hash."""
    return int.from_bytes(hashlib.sha256(f"pgmig backfill {digest}".encode()).digest()[:8], signed=True)


def try_lock(connection: Connection, digest: str) -> bool:
    """Take the statement's lock for the life of the session, if it is free. Raises ServerError."""
    row = connection.one(f"SELECT pg_catalog.pg_try_advisory_lock({lock_key(digest)})")
    return bool(row and row[0])


def lock_holder(connection: Connection, digest: str) -> LockHolder | None:
    """Who holds it. Raises ServerError."""
    key = lock_key(digest) & (1 << 64) - 1
    row = connection.one(load("queries/backfill_holder"), {"high": key >> 32, "low": key & 0xFFFFFFFF})
    return None if row is None else LockHolder(*row)


# -- the checkpoint ------------------------------------------------------------------------------------------------


def missing(connection: Connection, schema: str) -> str:
    """What has to be created for checkpoints in `schema`: "schema" (and the table), "table", or "" when all is there.

    Raises NotPermitted with the GRANT that helps, ProjectError where the table is somebody else's, ServerError.
    """
    row = connection.one(bind(load("queries/backfill_shape"), {"schema": schema}))
    assert row is not None
    has_schema, has_table, allowed, columns, role, database = row
    if has_table and tuple(columns) != _COLUMNS:
        raise ProjectError(
            f"{schema}.{_TABLE} exists and is not ours: its columns are others",
            now=_NOTHING,
            do="Say with tracking in pgmig.toml in which schema this program may keep its tables.",
        )
    if has_table:
        connection.execute(look_sql(_own(schema)))
    if allowed:
        return "" if has_table else "table" if has_schema else "schema"
    grant = f"GRANT CREATE ON DATABASE {ident(database)} TO {ident(role)};"
    if has_table:
        grant = f"GRANT SELECT, INSERT, UPDATE ON {ident(schema)}.{_TABLE} TO {ident(role)};"
        grant = f"GRANT USAGE ON SCHEMA {ident(schema)} TO {ident(role)}; {grant}"
    elif has_schema:
        grant = f"GRANT USAGE, CREATE ON SCHEMA {ident(schema)} TO {ident(role)};"
    raise NotPermitted(
        f"role {role} may not keep a checkpoint in schema {schema}: without one no backfill can be resumed",
        now=_NOTHING,
        do=f"Have the owner run: {grant}",
    )


def create(connection: Connection, schema: str, what: str) -> None:
    """Create what `missing` says. Raises ServerError."""
    if not what:
        return
    made = f"CREATE SCHEMA {ident(schema)};\n" if what == "schema" else ""
    connection.execute("BEGIN;\n" + made + bind(load("queries/backfill_create"), {"schema": schema}) + "\nCOMMIT")


def read_checkpoints(connection: Connection, schema: str, digest: str, run_id: str = "") -> tuple[Checkpoint, ...]:
    """The checkpoints of a statement and those of a run, newest first. The table is there. Raises ServerError."""
    sql = bind(load("queries/backfill_rows"), {"schema": schema, "hash": digest, "run": run_id})
    return tuple(
        Checkpoint(row[0], row[1], row[2], row[3], key_of(row[4]), key_of(row[5]), *row[6:])
        for row in connection.execute(behind_look(sql, _own(schema)))
    )


def begin(
    connection: Connection,
    schema: str,
    run_id: str,
    digest: str,
    statement: str,
    table: str,
    columns: Sequence[str],
    until: Key,
    who: str,
) -> None:
    """Write the checkpoint of a backfill that begins. Raises ServerError."""
    values = (run_id, run_id, digest, statement, table, key_text(tuple(columns)), "[]", key_text(until), who)
    inserted = (
        f"INSERT INTO {ident(schema)}.{_TABLE} (run_id, last_run, statement_hash, statement, relation, key_columns,"
        f" last_key, until_key, started_by) VALUES ({', '.join(literal(value) for value in values)})"
    )
    connection.execute(guarded(inserted, _own(schema)))


def go_on(connection: Connection, schema: str, run_id: str, by: str) -> None:
    """Note that run `by` goes on with the backfill of `run_id`. Raises ServerError."""
    written = f"UPDATE ONLY {ident(schema)}.{_TABLE} SET last_run = {literal(by)} WHERE run_id = {literal(run_id)}"
    connection.execute(guarded(written, _own(schema)))


def _own(schema: str) -> Tables:
    return Tables(schema, (_TABLE,))


def checkpoint_sql(
    schema: str, run_id: str, last: Key, upto: Key, rows: int, seen: int, *, finished: bool, by: str
) -> str:
    """What ends a batch: its checkpoint and COMMIT, in the batch's own transaction.

    Raises on the server, so that nothing is committed, unless the checkpoint still is where the batch began (`last`)
    and belongs to run `by`: whatever else may be alive, no row is passed twice. Deferred constraints are
    checked before that, under the statement's own settings.
    """
    own = f"{ident(schema)}.{_TABLE}"
    sentence = f"{GUARD}another process has gone on from {key_text(last)}, "
    return (
        "SET CONSTRAINTS ALL IMMEDIATE; SET LOCAL ROLE none; SET LOCAL search_path = pg_catalog, pg_temp;"
        f" WITH guard AS MATERIALIZED ({look_sql(_own(schema))}),"
        f" moved AS (UPDATE ONLY {own} SET last_key = {literal(key_text(upto))}, rows_changed ="
        f" rows_changed {PLUS} {int(rows)}, rows_seen = rows_seen {PLUS} {int(seen)}, batches = batches {PLUS} 1,"
        " updated_at = pg_catalog.clock_timestamp()"
        + (", finished_at = pg_catalog.clock_timestamp()" if finished else "")
        + f" WHERE run_id {EQ} {literal(run_id)} AND last_key {EQ} {literal(key_text(last))}"
        f" AND last_run {EQ} {literal(by)} AND finished_at IS NULL RETURNING 1)"
        " SELECT CASE WHEN EXISTS (SELECT * FROM guard) AND EXISTS (SELECT FROM moved) THEN NULL ELSE"
        f" ({literal(sentence)} {AND_THEN} pg_catalog.clock_timestamp()::pg_catalog.text)::pg_catalog.timestamptz END;"
        " COMMIT"
    )
