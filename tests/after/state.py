"""What a database holds, asked of it directly and not by what is tested."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import psycopg

from tests.servers import Server

_OBJECTS = """
SELECT 'table ' || n.nspname || '.' || c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p')
UNION ALL
SELECT CASE WHEN i.indisvalid THEN 'index ' ELSE 'invalid index ' END || n.nspname || '.' || c.relname
  FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE n.nspname = 'public'
UNION ALL
SELECT 'column ' || n.nspname || '.' || c.relname || '.' || a.attname
  FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped
"""
_SCHEMA = """
SELECT n.nspname, c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull
  FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE n.nspname = 'public' AND a.attnum > 0 AND NOT a.attisdropped ORDER BY 1, 2, 3
"""
# Before 14, no pages are all that tells that it never was.
_ANALYSED = (
    "SELECT CASE WHEN relpages = 0 AND reltuples = 0 AND current_setting('server_version_num')::int < 140000"
    " THEN -1 ELSE reltuples::bigint END, relpages * current_setting('block_size')::bigint FROM pg_class"
    " WHERE oid = '{}'::regclass"
)


@dataclass(frozen=True)
class Deployed:
    """A row of the registry's changes, or of its events (`event`)."""

    name: str
    change_id: str
    at: datetime
    by: str
    event: str = ""
    tags: tuple[str, ...] = ()


@dataclass(frozen=True)
class State:
    """`rows` by table, `values` (not null) by column, `kept` rows by table of the keep schema, `marked` change names by
    run, from the table of marks."""

    changes: tuple[Deployed, ...]
    events: tuple[Deployed, ...]
    objects: frozenset[str]
    rows: Mapping[str, int]
    values: Mapping[str, int]
    kept: Mapping[str, int]
    marked: tuple[tuple[str, str], ...]
    schema: tuple[tuple[object, ...], ...]
    version: str
    analysed: Mapping[str, tuple[int, int]]
    """Rows and bytes by table as of the last analyze; -1 rows: never."""

    def count(self, subject: str) -> int:
        """The values of a column or the rows of a table, none where it isn't there."""
        return self.values.get(subject, 0) or self.rows.get(subject, 0)

    @property
    def names(self) -> list[str]:
        return [change.name for change in self.changes]

    def has(self, change_id: str) -> bool:
        return any(change.change_id == change_id for change in self.changes)


def look_at(server: Server, dbname: str) -> State:
    """One transaction that sees one moment."""
    with psycopg.connect(server.conninfo(dbname)) as connection:
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")

        def ask(sql: str) -> list[tuple[object, ...]]:
            return connection.execute(sql.encode()).fetchall()

        def there(name: str) -> bool:
            return bool(ask(f"SELECT to_regclass('{name}') IS NOT NULL")[0][0])

        changes: tuple[Deployed, ...] = ()
        events: tuple[Deployed, ...] = ()
        if there("sqitch.changes"):
            tags = "ARRAY(SELECT t.tag FROM sqitch.tags t WHERE t.change_id = c.change_id ORDER BY t.tag)"
            who = "committer_name || ' <' || committer_email || '>'"
            changes = tuple(
                Deployed(name, change_id, at, by, tags=tuple(tagged))  # type: ignore[arg-type]
                for name, change_id, at, by, tagged in ask(
                    f"SELECT change, change_id, committed_at, {who}, {tags} FROM sqitch.changes c ORDER BY committed_at"
                )
            )
            events = tuple(
                Deployed(*row)  # type: ignore[arg-type]
                for row in ask(f"SELECT change, change_id, committed_at, {who}, event FROM sqitch.events ORDER BY 3")
            )
        objects = frozenset(str(name) for (name,) in ask(_OBJECTS))
        tables = [name.removeprefix("table ") for name in objects if name.startswith("table ")]
        columns = [name.removeprefix("column ") for name in objects if name.startswith("column ")]
        values = {}
        for column in columns:
            table, _, name = column.rpartition(".")
            values[column] = ask(f'SELECT count("{name}") FROM {table}')[0][0]
        kept = {}
        if there("pgmig_keep.kept"):
            for (keep,) in ask("SELECT keep_table FROM pgmig_keep.kept WHERE keep_table <> ''"):
                kept[f"pgmig_keep.{keep}"] = ask(f'SELECT count(*) FROM pgmig_keep."{keep}"')[0][0]
        marked: tuple[tuple[str, str], ...] = ()
        if there("pgmig.do_not_deploy"):
            rows = ask("SELECT change, run FROM pgmig.do_not_deploy WHERE lifted_at IS NULL ORDER BY id")
            marked = tuple((str(change), str(run)) for change, run in rows)
        return State(
            changes,
            events,
            objects,
            {table: ask(f"SELECT count(*) FROM {table}")[0][0] for table in tables},  # type: ignore[misc]
            values,  # type: ignore[arg-type]
            kept,  # type: ignore[arg-type]
            marked,
            tuple(ask(_SCHEMA)),
            str(ask("SHOW server_version")[0][0]),
            {table: ask(_ANALYSED.format(table))[0] for table in tables},  # type: ignore[misc]
        )
