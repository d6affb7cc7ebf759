"""Columns that a query names and that none of its tables has (42703).

Only names without a table's before them, where all of FROM is tables whose columns are known: elsewhere a name may come
from a function, a subquery or a query around.
"""

from __future__ import annotations

from collections.abc import Iterator

from pgmig_tui.impact import nodes
from pgmig_tui.impact.effect import Effect, Scene
from pgmig_tui.impact.facts import Relation
from pgmig_tui.impact.nodes import Node

_SYSTEM = frozenset({"ctid", "xmin", "xmax", "cmin", "cmax", "tableoid"})


def missing_columns(node: Node, scene: Scene, out: Effect) -> None:
    """Look at a whole statement, and at those in its WITH."""
    if not scene.catalog.live or scene.worth or scene.depth:
        return
    hidden: set[str] = set()
    if "with_clause" in node.DESCRIPTOR.fields_by_name and nodes.has(node, "with_clause"):
        hidden = {item.common_table_expr.ctename for item in node.with_clause.ctes}
    kind = nodes.kind(node)
    if kind == "SelectStmt" and not nodes.has(node, "larg"):
        _select(node, scene, out, hidden)
    elif kind in {"UpdateStmt", "DeleteStmt"}:
        extra = node.from_clause if kind == "UpdateStmt" else node.using_clause
        tables = [*(_table(node.relation, scene, hidden) or ()), *(_tables(extra, scene, hidden) or ())]
        if len(tables) == 1 + len(extra) and nodes.has(node, "where_clause"):
            _check(_names(node.where_clause), tables, out)
            if not any(nodes.kind(inner) == "SubLink" for inner in nodes.walk(node.where_clause)):
                _check_qualified(node.where_clause, tables, scene, out)
    elif kind == "InsertStmt" and nodes.has(node, "select_stmt"):
        inner = nodes.statement(node.select_stmt)
        if not inner.values_lists and not nodes.has(inner, "larg") and not hidden:
            _select(inner, scene, out, hidden)


def _select(node: Node, scene: Scene, out: Effect, hidden: set[str]) -> None:
    for source in node.from_clause:
        _joined(source, scene, out, hidden)
    tables = _tables(node.from_clause, scene, hidden)
    if not tables or (nodes.has(node, "with_clause") and not hidden):
        return
    parts = [item.res_target.val for item in node.target_list]
    if nodes.has(node, "where_clause"):
        parts.append(node.where_clause)
    _check((name for part in parts for name in _names(part)), tables, out)


def _joined(source: Node, scene: Scene, out: Effect, hidden: set[str]) -> None:
    """JOIN … USING wants its columns on both sides."""
    if source.WhichOneof("node") != "join_expr":
        return
    join = source.join_expr
    for side, word in ((join.larg, "left"), (join.rarg, "right")):
        _joined(side, scene, out, hidden)
        tables = _tables([side], scene, hidden)
        for name in nodes.strings(join.using_clause) if tables else ():
            if not any(name in table.columns for _, table in tables or ()):
                told = f"column {name} in USING is in no table on the {word} side"
                out.problem = out.problem or f"{told} (42703)"


def _check_qualified(node: Node, tables: list[tuple[str, Relation]], scene: Scene, out: Effect) -> None:
    known = dict(tables)
    for called, name in _qualified(node):
        table = known.get(called)
        if table is None or name in table.columns or name in _SYSTEM or scene.catalog.functions([name]):
            continue
        out.problem = out.problem or f"column {name} of {table.name} does not exist (42703)"


def _qualified(node: Node) -> Iterator[tuple[str, str]]:
    for inner in nodes.walk(node):
        if (
            nodes.kind(inner) == "ColumnRef"
            and len(inner.fields) == 2
            and inner.fields[1].WhichOneof("node") == "string"
        ):
            called, name = nodes.strings(inner.fields)
            yield called, name


def _check(names: Iterator[str], tables: list[tuple[str, Relation]], out: Effect) -> None:
    known = {column for _, table in tables for column in table.columns} | {called for called, _ in tables} | _SYSTEM
    missing = next((name for name in names if name not in known), "")
    if missing:
        told = ", ".join(str(table.name) for _, table in tables)
        out.problem = out.problem or f"column {missing} of {told} does not exist (42703)"


def _tables(sources: Node, scene: Scene, hidden: set[str]) -> list[tuple[str, Relation]] | None:
    """All tables of FROM, None where one isn't a table whose columns are known."""
    found: list[tuple[str, Relation]] = []
    todo = list(sources)
    while todo:
        source = todo.pop()
        which = source.WhichOneof("node")
        if which == "join_expr":
            todo += [source.join_expr.larg, source.join_expr.rarg]
            continue
        tables = _table(source.range_var, scene, hidden) if which == "range_var" else None
        if tables is None:
            return None
        found += tables
    return found


def _table(named: Node, scene: Scene, hidden: set[str]) -> list[tuple[str, Relation]] | None:
    if (not named.schemaname and named.relname in hidden) or (nodes.has(named, "alias") and named.alias.colnames):
        return None
    relation = scene.catalog.get(nodes.name_of(named))
    if relation is None or not relation.known or not relation.columns or relation.kind not in "rpvmf":
        return None
    return [(named.alias.aliasname if nodes.has(named, "alias") else named.relname, relation)]


def _names(node: Node) -> Iterator[str]:
    """The plain names in an expression, but for those in subqueries."""
    for inner in nodes.walk(node, without="SubLink"):
        if (
            nodes.kind(inner) == "ColumnRef"
            and len(inner.fields) == 1
            and inner.fields[0].WhichOneof("node") == "string"
        ):
            yield from nodes.strings(inner.fields)
