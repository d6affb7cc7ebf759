"""What a database says about its deployments, without what must differ: the times, and our own tracking schema."""

from __future__ import annotations

import subprocess
from difflib import unified_diff
from typing import Any

from tests.servers import Server

TIMES = frozenset({"committed_at", "installed_at", "created_at"})
_ORDER = {
    "changes": "committed_at",
    "events": "committed_at",
    "tags": "committed_at",
    "dependencies": 'change_id, dependency COLLATE "C"',
    "projects": 'project COLLATE "C"',
    "releases": "version",
}


def assert_same(server: Server, ours: str, theirs: str, schema: str = "sqitch") -> None:
    """Two databases' registries, definitions and rows are the same; a failure shows where they are not."""
    expected, found = (registry(server, name, schema) + dump(server, name, schema) for name in (theirs, ours))
    if found != expected:
        raise AssertionError("\n".join(unified_diff(expected, found, "sqitch", "ours", lineterm="", n=1)))


def registry(server: Server, database: str, schema: str = "sqitch") -> list[str]:
    """Every row of every registry table with its columns' names, times left out; where times are the order, in it."""
    columns: list[tuple[str, str]] = server.execute(
        "SELECT table_name, column_name FROM information_schema.columns"
        f" WHERE table_schema = {_literal(schema)} ORDER BY table_name, ordinal_position",
        database,
    )
    lines: list[str] = []
    for table in sorted({name for name, _ in columns}):
        names = [column for name, column in columns if name == table and column not in TIMES]
        rows = server.execute(
            f"SELECT {', '.join(names)} FROM {_ident(schema)}.{table} ORDER BY {_ORDER[table]}", database
        )
        for number, row in enumerate(rows):
            lines.append(f"{table} {number}")
            lines += [f"    {name} = {value!r}" for name, value in zip(names, row, strict=True)]
    return lines


def out_of_order(server: Server, database: str, schema: str = "sqitch") -> list[tuple[Any, ...]]:
    """Changes whose times contradict Sqitch's order: a change, its tags, its event; no two changes at one instant."""
    s = _ident(schema)
    return server.execute(
        f"""
        SELECT c.change, 'later than its tag' FROM {s}.changes c JOIN {s}.tags t USING (change_id)
         WHERE c.committed_at >= t.committed_at
        UNION ALL
        SELECT c.change, 'later than its event' FROM {s}.changes c
         WHERE c.committed_at >= (SELECT max(e.committed_at) FROM {s}.events e
                                   WHERE e.change_id = c.change_id AND e.event = 'deploy')
        UNION ALL
        SELECT min(change), 'at the same instant as another' FROM {s}.changes
         GROUP BY project, committed_at HAVING count(*) > 1
        """,
        database,
    )


def dump(server: Server, database: str, schema: str = "sqitch") -> list[str]:
    """`pg_dump`: the definitions of everything (the registry's too) but our tracking, and the rows of the project's own
    tables."""
    return _dump(server, database, "--schema-only") + _dump(
        server, database, "--data-only", "--column-inserts", f"--exclude-schema={_ident(schema)}"
    )


def _dump(server: Server, database: str, *options: str) -> list[str]:
    done = subprocess.run(
        [server.bin_dir / "pg_dump", "--exclude-schema=pgmig", *options, "--dbname", server.conninfo(database)],
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    # A dump begins and ends with a key of chance; the name of the database is in none of its lines.
    return [line for line in done.stdout.splitlines() if not line.startswith(("\\restrict ", "\\unrestrict "))]


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _ident(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
