"""What an index can't be on: types without an operator class, several columns or UNIQUE where its method has none,
expressions that aren't immutable.

Source: indexcmds.c (DefineIndex, ComputeIndexAttrs), pg_opclass and pg_am of 13 to 18.
"""

from __future__ import annotations

from pgmig_tui.impact import nodes
from pgmig_tui.impact.builtin import builtin_types
from pgmig_tui.impact.effect import Effect, Scene
from pgmig_tui.impact.expressions import kind_of, mutable, of_columns
from pgmig_tui.impact.facts import Relation
from pgmig_tui.impact.nodes import Node

METHODS = frozenset({"btree", "hash", "gin", "gist", "spgist", "brin"})
_UNORDERED = frozenset({"json", "xml", "point", "box", "circle", "line", "lseg", "path", "polygon", "jsonpath"})
_SIMPLE = frozenset(
    {"int2", "int4", "int8", "numeric", "float4", "float8", "text", "varchar", "bpchar", "bool", "date", "time",
     "timestamp", "timestamptz", "interval", "uuid", "bytea", "name", "json"}
)  # fmt: skip
_WITHOUT = {
    "btree": _UNORDERED,
    "hash": _UNORDERED | {"bit", "varbit", "money", "tsvector"},
    "gin": _SIMPLE,
    "gist": _SIMPLE,
    "spgist": _SIMPLE - {"text", "varchar"},
}
"""Types of pg_catalog for which a method has no default operator class; extensions may bring one (btree_gist, …)."""
_BRING = frozenset({"btree_gist", "btree_gin"})
_ONE_COLUMN = frozenset({"hash"})


def index_refused(node: Node, table: Relation, scene: Scene, out: Effect) -> None:
    """Why CREATE INDEX is refused by what it is on."""
    if not (table.known and table.columns and scene.catalog.live):
        return
    method = node.access_method
    elements = [item.index_elem for item in node.index_params]
    if method in _ONE_COLUMN and len(elements) > 1:
        out.fail(f"an index of the method {method} has one column", "0A000")
    if method in METHODS - {"btree"} and node.unique:
        out.fail(f"an index of the method {method} can't be unique", "0A000")
    for element in elements:
        operator_class(element, method, table, scene, out)
    for element in elements:
        if element.HasField("expr"):
            immutable(element.expr, table, scene, out, "an index expression")
    if nodes.has(node, "where_clause"):
        immutable(node.where_clause, table, scene, out, "the WHERE clause of an index")


def operator_class(element: Node, method: str, table: Relation, scene: Scene, out: Effect) -> None:
    """A column or expression without an operator class of its own needs its type's default one."""
    catalog = scene.catalog
    brought = method in {"gin", "gist"} and any(catalog.has_extension(name) is not False for name in _BRING)
    if element.opclass or brought:
        return
    types = of_columns(table.columns)
    column = table.columns.get(element.name)
    kind = kind_of(element.expr, types) if element.HasField("expr") else ""
    if column is not None and column.type_schema == "pg_catalog":
        kind = column.type
    if kind in _WITHOUT.get(method, ()) and kind in builtin_types():
        out.fail(f"the type {kind} has no operator class for {method}: name one", "42704")


def immutable(expression: Node, table: Relation, scene: Scene, out: Effect, what: str) -> None:
    if not scene.catalog.live or scene.catalog.uncertain:
        return
    if told := mutable(scene, expression, of_columns(table.columns)):
        out.fail(f"{told} isn't immutable: {what} can't have it", "42P17")
