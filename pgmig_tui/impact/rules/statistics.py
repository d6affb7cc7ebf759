"""Functions of the server (18 and later) that write a table's statistics, and lock it as ANALYZE does."""

from __future__ import annotations

from collections.abc import Sequence

from pgmig_tui.impact.effect import Effect, Scene
from pgmig_tui.impact.known import statistics_table
from pgmig_tui.impact.modes import SUE


def take_statistics(name: str, given: Sequence[str | None], scene: Scene, out: Effect) -> None:
    table = statistics_table(name, given)
    if table is None:
        out.unknown.append(f"which table {name}() locks")
        return
    if scene.catalog.missing(table):
        if not name.startswith("pg_restore"):
            out.fail(f"{table} does not exist", "42P01")
        return
    out.lock(scene.catalog.relation(table, "r"), SUE, f"{name}() writes its statistics")
