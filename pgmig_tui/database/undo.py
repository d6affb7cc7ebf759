"""Bringing back what a revert has kept (`keep`): the SQL of it, and what became of each thing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pgmig_tui.database.connect import Connection, Row, ServerError
from pgmig_tui.database.keep import catalogue, checksum_sql
from pgmig_tui.database.own_tables import Tables, behind_look, guarded
from pgmig_tui.database.text import bind, ident, literal, load
from pgmig_tui.database.unreadable import unreadable
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
    """What is kept, of one run or of all, in the order in which it is brought back. Raises ServerError, and
    NotPermitted where the role may not read it; without a catalogue there is nothing."""
    try:
        row = connection.one(f"SELECT pg_catalog.to_regclass({literal(f'{ident(schema)}.kept')}) IS NOT NULL")
        rows = connection.execute(behind_look(_kept_sql(schema, run), catalogue(schema))) if row and row[0] else []
    except ServerError as error:
        raise unreadable(error, connection, "what is kept", schema, "kept") from error
    return tuple(_kept(row) for row in rows)


def _kept_sql(schema: str, run: str | None) -> str:
    utc = "pg_catalog.to_char({} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')"
    return (
        "SELECT k.id, k.run, k.step, k.project, k.change, k.change_id, k.kind, k.source_schema, k.source_table,"
        " k.columns, k.key, k.keep_table, k.rows, k.checksum::text, k.ddl, k.grants, k.sequences, k.xid,"
        f" {utc.format('k.saved_at')}, {utc.format('k.expires_at')}, k.expires_at < pg_catalog.now(),"
        f" {utc.format('k.restored_at')} FROM {ident(schema)}.kept AS k"
        + (f" WHERE k.run = {literal(run)}" if run is not None else "")
        + " ORDER BY k.id DESC"
    )


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
class RestoreOutcome:
    """What became of something kept. `equal`: the rows are there again with the checksum that was noted.

    `rows` were brought back now; `other` hold another value and were left. `gone` are missing: values have no row any
    more to hold them, a row's place is taken by another one through a key or constraint of its own. `left_out` are
    sequences and grants that were kept and aren't there again, in words.
    """

    kept: Kept
    rows: int
    other: int
    gone: int
    found: int
    checksum: str
    sequences: tuple[str, ...] = ()
    grants: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()

    @property
    def equal(self) -> bool:
        return self.found == self.kept.rows and self.checksum == self.kept.checksum


def restore(connection: Connection, schema: str, kept: Kept, registry: str, *, overwrite: bool) -> RestoreOutcome:
    """Bring one thing back, in the open transaction of `connection` (under SET_SQL).

    A value is only written where the row holds none, the column's default, or what the redeploy itself put there, and a
    row only where its key is free; `overwrite` replaces every other value, too. Raises Refused when its place isn't
    there, or the kept rows aren't what was kept; ServerError.
    """
    rows = other = gone = found = 0
    checksum = "0"
    if kept.keep_table:
        _check_intact(connection, schema, kept)
        into = _kept_table(connection, schema, kept)
        triggers = _switch_triggers_off(connection, into)
        if into.values:
            rows = _restore_values(connection, kept, registry, into, overwrite=overwrite)
        else:
            rows = _restore_rows(connection, kept, into, overwrite=overwrite)
        for statement in triggers:
            connection.execute(statement)
        other, gone = _left(connection, kept, into)
        found, checksum = _compare(connection, kept, into)
    told, unset = _restore_sequences(connection, kept)
    granted, refused = _restore_grants(connection, kept)
    return RestoreOutcome(kept, rows, other, gone, found, checksum, told, granted, (*unset, *refused))


def mark_restored(
    connection: Connection, schema: str, restored: RestoreOutcome, operator: str, accepted: str = ""
) -> None:
    """Write down who has brought it back, and what loss they have `accepted`; and when, if it is back. Raises
    ServerError."""
    more = f"; accepted: {accepted}" if accepted else ""
    written = (
        f"UPDATE ONLY {ident(schema)}.kept SET"
        + (" restored_at = pg_catalog.clock_timestamp()," if restored.equal else "")
        + f" restored_by = pg_catalog.concat({literal(operator + ' as ')}, session_user, {literal(more)})"
        f" WHERE id = {int(restored.kept.id)}"
    )
    connection.execute(guarded(written, catalogue(schema)))


def _source(kept: Kept) -> str:
    return f"{ident(kept.source.schema)}.{ident(kept.source.relation)}"


def _check_intact(connection: Connection, schema: str, kept: Kept) -> None:
    keep = f"{ident(schema)}.{ident(kept.keep_table)}"
    sql = f"SELECT pg_catalog.count(*), {checksum_sql('k::text')}::text FROM {keep} AS k"
    (row,) = connection.execute(behind_look(sql, Tables(schema, (kept.keep_table,)), types=False))
    if row != (kept.rows, kept.checksum):
        raise Refused(
            f"{schema}.{kept.keep_table} isn't what was kept: {row[0]} rows, {kept.rows} were noted",
            now="Nothing was brought back.",
            do="Find out who changed it; its rows can still be copied by hand.",
        )


@dataclass(frozen=True, slots=True)
class _Column:
    """A column as it is now. `default` is None for generated and identity columns, too."""

    name: str
    type: str
    default: str | None
    generated: bool
    always: bool


@dataclass(frozen=True, slots=True)
class _KeptTable:
    """Where something kept goes back to: its table (`only`: not those that inherit from it) and the copy, as SQL.

    `values`: values of columns go into rows that are there; else whole rows come back.
    """

    table: str
    only: str
    keep: str
    values: bool
    key: tuple[str, ...]
    columns: dict[str, _Column]

    def row(self, alias: str, names: Sequence[str]) -> str:
        """A row as text, as the checksum takes it: not every type has an equality, and one of a stranger's may lie."""
        return f"ROW({', '.join(f'{alias}.{ident(name)}' for name in names)})::pg_catalog.text"

    @property
    def joined(self) -> str:
        return " AND ".join(f"t.{ident(column)} = k.{ident(column)}" for column in self.key)


def _kept_table(connection: Connection, schema: str, kept: Kept) -> _KeptTable:
    rows = connection.execute(
        "SELECT c.relkind::text, a.attname::text, pg_catalog.format_type(a.atttypid, a.atttypmod),"
        " CASE WHEN a.attgenerated = '' AND a.attidentity = '' THEN pg_catalog.pg_get_expr(d.adbin, d.adrelid) END,"
        " a.attgenerated <> '', a.attidentity = 'a'"
        " FROM pg_catalog.pg_class c JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid"
        " LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum"
        f" WHERE c.oid = pg_catalog.to_regclass({literal(_source(kept))}) AND a.attnum > 0 AND NOT a.attisdropped"
    )
    found = {row[1]: _Column(*row[1:]) for row in rows}
    values = kept.kind in ("column", "values")
    missing = [column for column in ((*kept.key, *kept.columns) if values else kept.columns) if column not in found]
    if missing or not found:
        what = f"column {missing[0]} of {kept.source}" if found else str(kept.source)
        raise Refused(f"{what} isn't there", now="Nothing was brought back.", do=f"Deploy {kept.change} again first.")
    only = _source(kept) if rows[0][0] == "p" else f"ONLY {_source(kept)}"
    return _KeptTable(_source(kept), only, f"{ident(schema)}.{ident(kept.keep_table)}", values, kept.key, found)


def _switch_triggers_off(connection: Connection, into: _KeptTable) -> list[str]:
    """Users' triggers must not fire for old rows, foreign keys must. What switches them on again, each as it was."""
    rows = connection.execute(
        "SELECT t.tgname::text, t.tgenabled::text FROM pg_catalog.pg_trigger t"
        f" WHERE t.tgrelid = {literal(into.table)}::pg_catalog.regclass"
        " AND NOT t.tgisinternal AND t.tgenabled <> 'D'"
    )
    connection.execute(f"LOCK TABLE {into.only} IN SHARE ROW EXCLUSIVE MODE")
    modes = {"O": "ENABLE", "R": "ENABLE REPLICA", "A": "ENABLE ALWAYS"}
    for name, _ in rows:
        connection.execute(f"ALTER TABLE {into.only} DISABLE TRIGGER {ident(name)}")
    return [f"ALTER TABLE {into.only} {modes[mode]} TRIGGER {ident(name)}" for name, mode in rows]


def _restore_values(connection: Connection, kept: Kept, registry: str, into: _KeptTable, *, overwrite: bool) -> int:
    """Returns how many values were brought back."""
    untouched = " AND ".join(_untouched(into.columns[column]) for column in kept.columns)
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
    return _update(connection, into, kept.columns, "true" if overwrite else f"({free})")


def _untouched(column: _Column) -> str:
    """Whether the row `t` holds nothing that anybody has put there."""
    value = f"t.{ident(column.name)}"
    if column.default is None:
        return f"{value} IS NULL"
    # As text of a row: a cast of the type itself to text may be somebody's function.
    return (
        f"({value} IS NULL OR ROW({value})::pg_catalog.text"
        f" IS NOT DISTINCT FROM ROW(({column.default})::{column.type})::pg_catalog.text)"
    )


def _restore_rows(connection: Connection, kept: Kept, into: _KeptTable, *, overwrite: bool) -> int:
    """Returns how many rows were brought back."""
    columns = [column for column in kept.columns if not into.columns[column].generated]
    if not kept.key and connection.one(f"SELECT 1 FROM {into.only} LIMIT 1") is not None:
        raise Refused(
            f"{kept.source} has no key and isn't empty: which rows are there already can't be told",
            now="Nothing was brought back.",
            do=f"Copy what you need from {into.keep} by hand.",
        )
    replaced = 0
    if overwrite and kept.key:
        given = [one for one in columns if one not in kept.key and not into.columns[one].always]
        replaced = _update(connection, into, given, "true") if given else 0
    chosen = ", ".join(ident(column) for column in columns)
    # The key of then may be none of this table's keys: ON CONFLICT alone would bring every row once more.
    free = f" WHERE NOT EXISTS (SELECT FROM {into.only} AS t WHERE {into.joined})" if kept.key else ""
    inserted: int = connection.execute(
        f"WITH done AS (INSERT INTO {into.table} ({chosen}) OVERRIDING SYSTEM VALUE SELECT {chosen}"
        f" FROM {into.keep} AS k{free} ON CONFLICT DO NOTHING RETURNING 1) SELECT pg_catalog.count(*) FROM done"
    )[0][0]
    return replaced + inserted


def _update(connection: Connection, into: _KeptTable, columns: Sequence[str], where: str) -> int:
    """Write the kept values of `columns` into the rows of the same key that hold others, as far as `where` says."""
    assign = ", ".join(f"{ident(column)} = k.{ident(column)}" for column in columns)
    differs = f"{into.row('t', columns)} IS DISTINCT FROM {into.row('k', columns)}"
    done: int = connection.execute(
        f"WITH done AS (UPDATE {into.only} AS t SET {assign} FROM {into.keep} AS k WHERE {into.joined}"
        f" AND {differs} AND {where} RETURNING 1) SELECT pg_catalog.count(*) FROM done"
    )[0][0]
    return done


def _left(connection: Connection, kept: Kept, into: _KeptTable) -> tuple[int, int]:
    """(rows that hold something else than what was kept, kept rows or values that have no row)."""
    if not kept.key:
        found = connection.execute(f"SELECT pg_catalog.count(*) FROM {into.only}")[0][0]
        return 0, max(0, kept.rows - found)
    differs = f"{into.row('t', kept.columns)} IS DISTINCT FROM {into.row('k', kept.columns)}"
    there = f"t.{ident(kept.key[0])} IS NOT NULL"
    other, gone = connection.execute(
        f"SELECT pg_catalog.count(*) FILTER (WHERE {there} AND {differs}), pg_catalog.count(*) FILTER (WHERE NOT"
        f" {there}) FROM {into.keep} AS k LEFT JOIN {into.only} AS t ON {into.joined}"
    )[0]
    return other, gone


def _compare(connection: Connection, kept: Kept, into: _KeptTable) -> tuple[int, str]:
    """Rows and checksum of what was kept as it stands in its table now."""
    row = into.row("t", (*kept.key, *kept.columns) if into.values else kept.columns)
    joined = f" JOIN {into.keep} AS k ON {into.joined}" if kept.key else ""
    found = connection.one(f"SELECT pg_catalog.count(*), {checksum_sql(row)}::text FROM {into.only} AS t{joined}")
    assert found is not None
    return found[0], found[1]


def _restore_sequences(connection: Connection, kept: Kept) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Set sequences to where they were, never back. Returns what was set and what isn't there to be set, in words.

    Raises Refused when the sequence is all that was kept.
    """
    told, missing = [], []
    for one in kept.sequences:
        name = f"{ident(one['schema'])}.{ident(one['name'])}"
        row = None
        if one["column"]:
            serial = f"pg_catalog.pg_get_serial_sequence({literal(_source(kept))}, {literal(one['column'])})"
            row = connection.one(f"SELECT {serial}")
        elif connection.one(f"SELECT 1 WHERE pg_catalog.to_regclass({literal(name)}) IS NOT NULL"):
            row = (name,)
        if row is None or row[0] is None:
            if not kept.keep_table:
                do = f"Deploy {kept.change} again first."
                raise Refused(f"the sequence {name} isn't there", now="Nothing was brought back.", do=do)
            missing.append(f"the sequence {name} isn't there; it was at {one['last_value']}")
            continue
        last, called, down = connection.execute(
            "SELECT s.last_value, s.is_called, (SELECT q.seqincrement < 0 FROM pg_catalog.pg_sequence q WHERE"
            f" q.seqrelid = {literal(row[0])}::pg_catalog.regclass) FROM {row[0]} AS s"
        )[0]
        way = -1 if down else 1
        if (way * one["last_value"], one["is_called"]) > (way * last, called):
            is_called = "true" if one["is_called"] else "false"
            connection.execute(f"SELECT pg_catalog.setval({literal(row[0])}, {int(one['last_value'])}, {is_called})")
            told.append(f"{row[0]} at {one['last_value']}")
    return tuple(told), tuple(missing)


def _restore_grants(connection: Connection, kept: Kept) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Grant again what isn't granted any more. Returns the statements, and what couldn't be granted, in words."""
    done, refused = [], []
    for one in kept.grants:
        role = one["role"]
        column = f" ({ident(one['column'])})" if one["column"] else ""
        option = " WITH GRANT OPTION" if one["grantable"] else ""
        to = "PUBLIC" if role is None else ident(role)
        statement = f"GRANT {one['privilege']}{column} ON {_source(kept)} TO {to}{option}"
        if role is not None and not connection.one(
            f"SELECT 1 FROM pg_catalog.pg_roles WHERE rolname = {literal(role)}"
        ):
            refused.append(f"{statement}: there is no such role any more")
            continue
        if _granted(connection, kept, one):
            continue
        connection.execute("SAVEPOINT grants")
        try:
            connection.execute(statement)
        except ServerError as error:
            connection.execute("ROLLBACK TO SAVEPOINT grants")
            refused.append(f"{statement}: {error.message}")
            continue
        done.append(statement)
    return tuple(done), tuple(refused)


def _granted(connection: Connection, kept: Kept, one: dict[str, Any]) -> bool:
    rows = connection.execute(bind(load("keep_grants"), {"table": _source(kept)}))
    return any(
        all(found[name] == one[name] for name in ("role", "privilege", "column"))
        and found["grantable"] >= one["grantable"]
        for found in rows[0][0]
    )
