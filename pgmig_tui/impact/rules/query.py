"""Queries: every table and function that a SELECT or a writing statement touches, at any depth."""

from __future__ import annotations

from collections.abc import Iterable

from pgmig_tui.impact import nodes
from pgmig_tui.impact.counting import count_made, count_query
from pgmig_tui.impact.effect import Effect, Scene, read_tables
from pgmig_tui.impact.facts import Name, Relation
from pgmig_tui.impact.modes import RE, RS
from pgmig_tui.impact.nodes import Node
from pgmig_tui.impact.rules.columns import missing_columns
from pgmig_tui.impact.rules.dml import write
from pgmig_tui.impact.rules.implicit_calls import (
    cast_functions,
    operators_of,
    perhaps,
    run_functions,
    types_in,
    when_read,
)
from pgmig_tui.impact.rules.server_functions import call
from pgmig_tui.impact.rules.types import type_of
from pgmig_tui.impact.rules.visible import visible

WRITES = {"InsertStmt": "INSERT", "UpdateStmt": "UPDATE", "DeleteStmt": "DELETE", "MergeStmt": "MERGE"}


def query(node: Node, scene: Scene, out: Effect) -> None:
    """SELECT (with INTO too) and the writing statements."""
    if nodes.kind(node) == "SelectStmt" and nodes.has(node, "into_clause"):
        made = scene.catalog.creation_name(nodes.name_of(node.into_clause.rel))
        scene.catalog.put(Relation(made, "r", new=True))
        scene.catalog.fill(made)
        count_made(count_query(node, scene, out), made, scene, out)
    else:
        count_query(node, scene, out)
    query_locks(node, scene, out)
    missing_columns(node, scene, out)


def query_locks(node: Node, scene: Scene, out: Effect, *, plan: bool = True, deep: bool = True) -> None:
    """Every table that a query or a writing statement touches, at any depth. Without `plan` no function is run;
    without `deep` it is not planned at all, as in CREATE VIEW.
    """
    targets: set[int] = set()
    reads: list[Name] = []
    hidden: set[str] = set()
    into: Name | None = None
    row_locks = False
    found = list(nodes.walk(node))
    for inner in found:
        kind = nodes.kind(inner)
        if kind == "CommonTableExpr":
            hidden.add(inner.ctename)
        elif kind in WRITES:
            targets.add(id(inner.relation))
            write(scene, out, inner, WRITES[kind])
        elif kind == "LockingClause":
            row_locks = True
            targets.update(id(named.range_var) for named in inner.locked_rels)  # aliases of the query, no relations
        elif kind == "IntoClause":
            into = nodes.name_of(inner.rel)
    alone: set[Name] = set()
    written = {lock.name for lock in out.locks.values() if lock.mode >= RE}
    seen = list(visible(node)) if hidden else [(inner, frozenset()) for inner in found]
    for inner, behind in seen:
        if nodes.kind(inner) != "RangeVar" or id(inner) in targets:
            continue
        name = nodes.name_of(inner)
        if (not name.schema and name.relation in behind) or name == into:
            continue
        if scene.catalog.resolve(name) in written:
            continue
        reads.append(name)
        if not inner.inh:
            alone.add(name)
    read_tables(scene, out, reads, deep=deep, alone=alone)
    for inner, behind in seen if row_locks and deep else ():
        if nodes.kind(inner) == "SelectStmt" and inner.locking_clause:
            wanted = [name for name in _row_locked(inner) if name.schema or name.relation not in behind]
            read_tables(scene, out, wanted, RS, "its rows are locked", alone=alone)
    if plan:
        unpopulated(reads, scene, out)
        called_functions(found, scene, out)
        if scene.catalog.operators:
            run_functions(operators_of(node, scene.catalog), scene, out)
        when_read(reads, scene, out)


def unpopulated(reads: Iterable[Name], scene: Scene, out: Effect) -> None:
    """A materialized view without data can't be read, by a view neither (55000)."""
    for name in reads:
        relation = scene.catalog.get(name)
        behind = scene.catalog.behind(relation.name) if relation is not None and relation.kind == "v" else ()
        for one in (relation, *map(scene.catalog.known, behind)):
            if one is not None and one.kind == "m" and one.known and not one.populated and scene.catalog.live:
                out.fail(f"{one.name} has no data yet: it must be refreshed first", "55000")


def _row_locked(select: Node) -> list[Name]:
    """The tables of which FOR UPDATE and the like lock rows: those of its own FROM, and of subqueries there."""
    found: list[Name] = []
    for item in select.locking_clause:
        only = frozenset(relation.range_var.relname for relation in item.locking_clause.locked_rels)
        for source in select.from_clause:
            _tables_from(source, only, found)
    return found


def _tables_from(source: Node, only: frozenset[str], found: list[Name]) -> None:
    which = source.WhichOneof("node")
    if which == "join_expr":
        _tables_from(source.join_expr.larg, only, found)
        _tables_from(source.join_expr.rarg, only, found)
    elif which == "range_table_sample":
        _tables_from(source.range_table_sample.relation, only, found)
    elif which == "range_var":
        if not only or (source.range_var.alias.aliasname or source.range_var.relname) in only:
            found.append(nodes.name_of(source.range_var))
    elif which == "range_subselect" and (not only or source.range_subselect.alias.aliasname in only):
        for inner in nodes.statement(source.range_subselect.subquery).from_clause:
            _tables_from(inner, frozenset(), found)


def called_functions(found: list[Node], scene: Scene, out: Effect) -> None:
    """Functions that a query calls: sequences by name, and what can't be known."""
    for inner in found:
        if nodes.kind(inner) == "TypeCast" and scene.catalog.casts:
            perhaps(cast_functions(scene.catalog, [type_of(inner.type_name, scene.catalog)], "eai"), scene, out)
        if nodes.kind(inner) == "TypeName":
            perhaps(types_in(inner, scene.catalog, "c"), scene, out)
        if nodes.kind(inner) == "FuncCall":
            call(nodes.strings(inner.funcname), scene, out, inner.args)


def evaluated(node: Node, scene: Scene, out: Effect) -> None:
    """The functions of an expression that is worked out for rows that are there."""
    called_functions(list(nodes.walk(node)), scene, out)
    if scene.catalog.operators:
        run_functions(operators_of(node, scene.catalog), scene, out)


RULES = {
    "SelectStmt": query,
    "InsertStmt": query,
    "UpdateStmt": query,
    "DeleteStmt": query,
    "MergeStmt": query,
}
