"""Registry rows as plain data, for comparing two databases."""

from __future__ import annotations

import subprocess
from typing import Any

from tests.servers import Server

TABLES = {
    "releases": "version",
    "projects": "project",
    "changes": "committed_at",
    "tags": "committed_at, tag_id",
    "dependencies": "change_id, dependency",
    "events": "committed_at",
}
TIMES = ("committed_at", "installed_at", "created_at")


def registry_rows(server: Server, database: str, schema: str = "sqitch") -> dict[str, list[dict[str, Any]]]:
    """All columns of all tables but the times, in the order of the times."""
    found = {}
    for table, order in TABLES.items():
        rows = server.execute(f'SELECT to_jsonb(t) FROM "{schema}".{table} AS t ORDER BY {order}', database)
        found[table] = [{key: value for key, value in row.items() if key not in TIMES} for (row,) in rows]
    return found


def schema_dump(server: Server, database: str, schema: str = "sqitch") -> str:
    """`pg_dump --schema-only` of one schema, without the lines that change with every dump."""
    command = [
        str(server.bin_dir / "pg_dump"),
        "--schema-only",
        f'--schema="{schema}"',
        "--dbname",
        server.conninfo(database),
    ]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return "\n".join(line for line in text.splitlines() if "restrict" not in line)
