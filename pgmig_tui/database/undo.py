"""Bringing back what a revert has kept (`keep`): the SQL of it, and what became of each thing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pgmig_tui.database.connect import Connection, Row, ServerError
from pgmig_tui.database.keep import checksum_sql
from pgmig_tui.database.text import bind, ident, literal, load
from pgmig_tui.errors import Refused
from pgmig_tui.impact.facts import Name


@dataclass(frozen=True, slots=True)
class Kept:
    """A row of the catalogue. Times are UTC."""

    id: int
    run: str
    step: int
    project: str
    change: str
    change_id: str
    kind: str
    source: Name
    columns: tuple[str, ...]
    key: tuple[str, ...]
    keep_table: str
    rows: int
    checksum: str
    ddl: str | None
    grants: tuple[dict[str, Any], ...]
    sequences: tuple[dict[str, Any], ...]
    xid: str
    saved_at: str
    expires_at: str
    expired: bool
    restored_at: str | None


def read_kept(connection: Connection, schema: str, run: str | None = None) -> tuple[Kept, ...]:
    """What is kept, of one run or of all, in the order in which it is brought back. Raises ServerError; without a
    catalogue there is nothing."""
    row = connection.one(f"SELECT pg_catalog.to_regclass({literal(f'{ident(schema)}.kept')}) IS NOT NULL")
    if row is None or not row[0]:
        return ()
    utc = "pg_catalog.to_char({} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')"
    rows = connection.execute(
        "SELECT k.id, k.run, k.step, k.project, k.change, k.change_id, k.kind, k.source_schema, k.source_table,"
        " k.columns, k.key, k.keep_table, k.rows, k.checksum::text, k.ddl, k.grants, k.sequences, k.xid,"
        f" {utc.format('k.saved_at')}, {utc.format('k.expires_at')}, k.expires_at < pg_catalog.now(),"
        f" {utc.format('k.restored_at')} FROM {ident(schema)}.kept AS k"
        + (f" WHERE k.run = {literal(run)}" if run is not None else "")
        + " ORDER BY k.id DESC"
    )
    return tuple(_kept(row) for row in rows)


def _kept(row: Row) -> Kept:
    head, (schema, relation, columns, key, *middle), (grants, sequences), tail = (
        row[:7],
        row[7:15],
        row[15:17],
        row[17:],
    )
    lists = (Name(schema, relation), tuple(columns), tuple(key), *middle, tuple(grants or ()), tuple(sequences or ()))
    values: tuple[Any, ...] = (*head, *lists, *tail)
    return Kept(*values)


@dataclass(frozen=True, slots=True)
class Restored:
    """What became of something kept. `equal`: the rows are there again with the checksum that was noted.

    `rows` were brought back now; `other` hold a newer value and were left, `gone` have no row any more to hold one.
    """

    kept: Kept
    rows: int
    other: int
    gone: int
    found: int
    checksum: str
    sequences: tuple[str, ...] = ()
    grants: tuple[str, ...] = ()

    @property
    def equal(self) -> bool:
        return self.found == self.kept.rows and self.checksum == self.kept.checksum


def restore(connection: Connection, schema: str, kept: Kept, registry: str, *, overwrite: bool) -> Restored:
    """Bring one thing back, in the open transaction of `connection` (under SET_SQL).

    A value is only written where the row holds none, the column's default, or what the redeploy itself put there;
    `overwrite` replaces every other, too. Raises Refused when its place isn't there, or the kept rows aren't what was
    kept; ServerError.
    """
    rows = other = gone = found = 0
    checksum = "0"
    if kept.keep_table:
        _check_intact(connection, schema, kept)
        target = _columns_of(connection, kept)
        triggers = _switch_triggers_off(connection, kept)
        if kept.kind in ("column", "values"):
            rows, other, gone = _restore_values(connection, schema, kept, registry, target, overwrite=overwrite)
        else:
            rows, other = _restore_rows(connection, schema, kept, target)
        for statement in triggers:
            connection.execute(statement)
        found, checksum = _compare(connection, schema, kept)
    told = _restore_sequences(connection, kept)
    granted = _restore_grants(connection, kept)
    return Restored(kept, rows, other, gone, found, checksum, told, granted)


def mark_restored(connection: Connection, schema: str, kept: Kept, operator: str) -> None:
    """Write down that it was brought back. Raises ServerError."""
    connection.execute(
        f"UPDATE {ident(schema)}.kept SET restored_at = pg_catalog.clock_timestamp(),"
        f" restored_by = pg_catalog.concat({literal(operator + ' as ')}, session_user) WHERE id = {int(kept.id)}"
    )


def _source(kept: Kept) -> str:
    return f"{ident(kept.source.schema)}.{ident(kept.source.relation)}"


def _check_intact(connection: Connection, schema: str, kept: Kept) -> None:
    keep = f"{ident(schema)}.{ident(kept.keep_table)}"
    row = connection.one(f"SELECT pg_catalog.count(*), {checksum_sql('k::text')}::text FROM {keep} AS k")
    if row != (kept.rows, kept.checksum):
        raise Refused(
            f"{schema}.{kept.keep_table} isn't what was kept: {row[0] if row else 0} rows, {kept.rows} were noted",
            now="Nothing was brought back.",
            do="Find out who changed it; its rows can still be copied by hand.",
        )


@dataclass(frozen=True, slots=True)
class _Column:
    name: str
    default: str | None
    generated: bool


def _columns_of(connection: Connection, kept: Kept) -> dict[str, _Column]:
    rows = connection.execute(
        "SELECT a.attname::text, CASE WHEN a.attgenerated = '' AND a.attidentity = '' THEN"
        " pg_catalog.pg_get_expr(d.adbin, d.adrelid) END, a.attgenerated <> ''"
        " FROM pg_catalog.pg_attribute a LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid"
        f" AND d.adnum = a.attnum WHERE a.attrelid = pg_catalog.to_regclass({literal(_source(kept))})"
        " AND a.attnum > 0 AND NOT a.attisdropped"
    )
    found = {row[0]: _Column(*row) for row in rows}
    wanted = (*kept.key, *kept.columns) if kept.kind in ("column", "values") else kept.columns
    missing = [column for column in wanted if column not in found]
    if missing:
        what = f"column {missing[0]} of {kept.source}" if found else str(kept.source)
        raise Refused(f"{what} isn't there", now="Nothing was brought back.", do=f"Deploy {kept.change} again first.")
    return found


def _switch_triggers_off(connection: Connection, kept: Kept) -> list[str]:
    """Users' triggers must not fire for old rows, foreign keys must. What switches them on again, each as it was."""
    rows = connection.execute(
        "SELECT t.tgname::text, t.tgenabled::text FROM pg_catalog.pg_trigger t"
        f" WHERE t.tgrelid = {literal(_source(kept))}::pg_catalog.regclass"
        " AND NOT t.tgisinternal AND t.tgenabled <> 'D'"
    )
    connection.execute(f"LOCK TABLE {_source(kept)} IN SHARE ROW EXCLUSIVE MODE")
    modes = {"O": "ENABLE", "R": "ENABLE REPLICA", "A": "ENABLE ALWAYS"}
    for name, _ in rows:
        connection.execute(f"ALTER TABLE {_source(kept)} DISABLE TRIGGER {ident(name)}")
    return [f"ALTER TABLE {_source(kept)} {modes[mode]} TRIGGER {ident(name)}" for name, mode in rows]


def _restore_values(
    connection: Connection, schema: str, kept: Kept, registry: str, target: dict[str, _Column], *, overwrite: bool
) -> tuple[int, int, int]:
    """(values brought back, rows with another value, rows that are gone)."""
    keep, joined = f"{ident(schema)}.{ident(kept.keep_table)}", _joined(kept.key)
    old = ", ".join(f"k.{ident(column)}" for column in kept.columns)
    new = ", ".join(f"t.{ident(column)}" for column in kept.columns)
    untouched = " AND ".join(
        f"(t.{ident(column)} IS NULL"
        + (f" OR t.{ident(column)} IS NOT DISTINCT FROM ({default})" if (default := target[column].default) else "")
        + ")"
        for column in kept.columns
    )
    if kept.kind == "values":
        # Nobody has written the row since the revert's own transaction did.
        free = f"({untouched}) OR t.xmin::text = {literal(kept.xid)}"
    else:
        free = (
            f"({untouched}) OR NOT pg_catalog.age(t.xmin) <"
            f" (SELECT pg_catalog.age(c.xmin) FROM {ident(registry)}.changes c"
            f" WHERE c.project = {literal(kept.project)} AND c.change = {literal(kept.change)}"
            " ORDER BY c.committed_at DESC LIMIT 1)"
        )
    where = "true" if overwrite else f"({free})"
    assign = ", ".join(f"{ident(column)} = k.{ident(column)}" for column in kept.columns)
    differs = f"ROW({new}) IS DISTINCT FROM ROW({old})"
    rows = connection.execute(
        f"WITH done AS (UPDATE {_source(kept)} AS t SET {assign} FROM {keep} AS k WHERE {joined} AND {differs}"
        f" AND {where} RETURNING 1) SELECT pg_catalog.count(*) FROM done"
    )[0][0]
    other, gone = connection.execute(
        f"SELECT pg_catalog.count(*) FILTER (WHERE t.{ident(kept.key[0])} IS NOT NULL AND {differs}),"
        f" pg_catalog.count(*) FILTER (WHERE t.{ident(kept.key[0])} IS NULL)"
        f" FROM {keep} AS k LEFT JOIN {_source(kept)} AS t ON {joined}"
    )[0]
    return rows, other, gone


def _restore_rows(connection: Connection, schema: str, kept: Kept, target: dict[str, _Column]) -> tuple[int, int]:
    """(rows brought back, rows whose key is taken)."""
    keep = f"{ident(schema)}.{ident(kept.keep_table)}"
    columns = [ident(column) for column in kept.columns if not target[column].generated]
    if not kept.key and connection.one(f"SELECT 1 FROM {_source(kept)} LIMIT 1") is not None:
        raise Refused(
            f"{kept.source} has no key and isn't empty: which rows are there already can't be told",
            now="Nothing was brought back.",
            do=f"Copy what you need from {schema}.{kept.keep_table} by hand.",
        )
    chosen = ", ".join(columns)
    rows = connection.execute(
        f"WITH done AS (INSERT INTO {_source(kept)} ({chosen}) OVERRIDING SYSTEM VALUE SELECT {chosen} FROM {keep}"
        " ON CONFLICT DO NOTHING RETURNING 1) SELECT pg_catalog.count(*) FROM done"
    )[0][0]
    return rows, kept.rows - rows


def _compare(connection: Connection, schema: str, kept: Kept) -> tuple[int, str]:
    """Rows and checksum of what was kept as it stands in its table now."""
    columns = (*kept.key, *kept.columns) if kept.kind in ("column", "values") else kept.columns
    row = f"ROW({', '.join(f't.{ident(column)}' for column in columns)})::text"
    keep = f"{ident(schema)}.{ident(kept.keep_table)}"
    joined = f" JOIN {keep} AS k ON {_joined(kept.key)}" if kept.key else ""
    found = connection.one(f"SELECT pg_catalog.count(*), {checksum_sql(row)}::text FROM {_source(kept)} AS t{joined}")
    assert found is not None
    return found[0], found[1]


def _joined(key: Sequence[str]) -> str:
    return " AND ".join(f"t.{ident(column)} = k.{ident(column)}" for column in key)


def _restore_sequences(connection: Connection, kept: Kept) -> tuple[str, ...]:
    """Set sequences to where they were, never back. Returns what was set, in words."""
    told = []
    for one in kept.sequences:
        name = f"{ident(one['schema'])}.{ident(one['name'])}"
        row = None
        if one["column"]:
            serial = f"pg_catalog.pg_get_serial_sequence({literal(_source(kept))}, {literal(one['column'])})"
            row = connection.one(f"SELECT {serial}")
        elif connection.one(f"SELECT 1 WHERE pg_catalog.to_regclass({literal(name)}) IS NOT NULL"):
            row = (name,)
        if row is None or row[0] is None:
            continue
        last, called = connection.execute(f"SELECT s.last_value, s.is_called FROM {row[0]} AS s")[0]
        if (one["last_value"], one["is_called"]) > (last, called):
            is_called = "true" if one["is_called"] else "false"
            connection.execute(f"SELECT pg_catalog.setval({literal(row[0])}, {int(one['last_value'])}, {is_called})")
            told.append(f"{row[0]} at {one['last_value']}")
    return tuple(told)


def _restore_grants(connection: Connection, kept: Kept) -> tuple[str, ...]:
    """Grant again what isn't granted any more, to roles that still exist. Returns the statements."""
    done = []
    for one in kept.grants:
        role = one["role"]
        if role is not None and not connection.one(
            f"SELECT 1 FROM pg_catalog.pg_roles WHERE rolname = {literal(role)}"
        ):
            continue
        column = f" ({ident(one['column'])})" if one["column"] else ""
        option = " WITH GRANT OPTION" if one["grantable"] else ""
        to = "PUBLIC" if role is None else ident(role)
        if _granted(connection, kept, one):
            continue
        statement = f"GRANT {one['privilege']}{column} ON {_source(kept)} TO {to}{option}"
        connection.execute("SAVEPOINT grants")
        try:
            connection.execute(statement)
        except ServerError:
            connection.execute("ROLLBACK TO SAVEPOINT grants")
            continue
        done.append(statement)
    return tuple(done)


def _granted(connection: Connection, kept: Kept, one: dict[str, Any]) -> bool:
    rows = connection.execute(bind(load("keep_grants"), {"table": _source(kept)}))
    return any(
        all(found[name] == one[name] for name in ("role", "privilege", "column"))
        and found["grantable"] >= one["grantable"]
        for found in rows[0][0]
    )
