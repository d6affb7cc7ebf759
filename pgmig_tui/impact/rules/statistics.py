"""Functions of the server (18 and later) that write a table's statistics, and lock it as ANALYZE does."""

from __future__ import annotations

from collections.abc import Sequence

from pgmig_tui.impact.effect import Effect, Scene
from pgmig_tui.impact.facts import Name
from pgmig_tui.impact.modes import SUE

TAKES_STATISTICS = frozenset(
    {"pg_restore_relation_stats", "pg_restore_attribute_stats", "pg_clear_relation_stats", "pg_clear_attribute_stats"}
)
"""pg_dump writes the first two with --statistics."""


def table_of(name: str, given: Sequence[str | None]) -> Name | None:
    """The table by the arguments: the first two, or those behind the words `schemaname` and `relname`."""
    schema, relation = (*given, None, None)[:2]
    if name.startswith("pg_restore"):
        pairs = dict(zip(given[::2], given[1::2], strict=False))
        schema, relation = pairs.get("schemaname"), pairs.get("relname")
    return None if schema is None or relation is None else Name(schema, relation)


def take_statistics(name: str, given: Sequence[str | None], scene: Scene, out: Effect) -> None:
    table = table_of(name, given)
    if table is None:
        out.unknown.append(f"which table {name}() locks")
        return
    if scene.catalog.missing(table):
        if not name.startswith("pg_restore"):
            out.fail(f"{table} does not exist", "42P01")
        return
    out.lock(scene.catalog.relation(table, "r"), SUE, f"{name}() writes its statistics")
