"""Views that can be written to by themselves, and through which columns.

Source: view_query_is_auto_updatable and view_col_is_auto_updatable of rewriteHandler.c.
"""

from __future__ import annotations

from collections.abc import Iterable

from pgmig_tui.impact import nodes
from pgmig_tui.impact.effect import Effect, Scene
from pgmig_tui.impact.facts import Relation
from pgmig_tui.impact.nodes import Node
from pgmig_tui.impact.shadow import Catalog

NONE: frozenset[str] = frozenset()
_AGGREGATES = frozenset(
    {"count", "sum", "avg", "min", "max", "array_agg", "string_agg", "json_agg", "jsonb_agg", "bool_and", "bool_or",
     "every", "unnest", "generate_series", "stddev", "variance", "row_number", "rank", "dense_rank"}
)  # fmt: skip
_INSTEAD = 64


def writable_columns(query: Node, catalog: Catalog, given: Iterable[str]) -> frozenset[str] | None:
    """The columns of a view, which are `given`, that an INSERT or UPDATE may name; none where the view isn't for that;
    None where it isn't known."""
    select = nodes.statement(query)
    if nodes.kind(select) != "SelectStmt":
        return None
    whole = (
        nodes.has(select, "larg")
        or nodes.has(select, "with_clause")
        or select.distinct_clause
        or select.group_clause
        or nodes.has(select, "having_clause")
        or nodes.has(select, "limit_count")
        or nodes.has(select, "limit_offset")
        or len(select.from_clause) != 1
        or select.from_clause[0].WhichOneof("node") != "range_var"
    )
    if whole or select.values_lists:
        return NONE
    base = catalog.get(nodes.name_of(select.from_clause[0].range_var))
    if base is None or base.kind not in "rpfv":
        return None if base is None else NONE
    names = list(given)
    found: set[str] = set()
    position = 0
    for item in select.target_list:
        value = item.res_target.val
        if any(_computes_set(inner) for inner in nodes.walk(value, without="SubLink")):
            return NONE
        if value.WhichOneof("node") == "column_ref":
            if value.column_ref.fields[-1].HasField("a_star"):
                found |= base.columns.keys() & (base.columns.keys() if base.writable is None else base.writable)
                position += len(base.columns)
                continue
            column = base.columns.get(nodes.strings(value.column_ref.fields)[-1])
            behind = base.writable if base.kind == "v" else None
            if position < len(names) and column is not None and (behind is None or column.name in behind):
                found.add(names[position])
        position += 1
    return frozenset(found)


def _computes_set(node: Node) -> bool:
    if nodes.kind(node) != "FuncCall":
        return False
    return nodes.has(node, "over") or nodes.strings(node.funcname)[-1] in _AGGREGATES


def view_refuses(scene: Scene, out: Effect, view: Relation, verb: str, columns: Iterable[str]) -> None:
    """Why a view can't be written to, if that is so."""
    if view.kind != "v" or view.writable is None or not scene.catalog.live or scene.catalog.uncertain:
        return
    if verb in view.rule_events.values() or any(t.kind & _INSTEAD and t.fires_on(verb) for t in view.triggers):
        return
    if not view.writable:
        out.fail(f"the view {view.name} can't be written to: {verb} is refused", "55000")
    for name in columns:
        if name in view.columns and name not in view.writable and verb != "DELETE":
            out.fail(f"{name} of the view {view.name} is computed: {verb} can't set it", "0A000")
