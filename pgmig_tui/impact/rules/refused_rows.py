"""Why INSERT, UPDATE and DELETE are refused whatever the rows are: values for computed columns, too many or too few
values, tables that are published and can't be (428C9, 42601, 55000).

Source: rewriteHandler.c (rewriteTargetListIU), parse_analyze.c (transformInsertRow), execReplication.c
(CheckCmdReplicaIdentity).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pgmig_tui.impact import nodes
from pgmig_tui.impact.effect import Effect, Scene
from pgmig_tui.impact.facts import Published, Relation
from pgmig_tui.impact.nodes import Node
from pgmig_tui.impact.refusal import Refusal
from pgmig_tui.impact.rules.refused import no_column
from pgmig_tui.impact.rules.values import is_null


def given_to(scene: Scene, out: Effect, node: Node, table: Relation, verb: str) -> None:
    """Values for columns that the server itself computes, and rows of the wrong length."""
    if not (table.known and table.columns and scene.catalog.live) or table.kind not in "rpf":
        return
    named = [item.res_target.name for item in (node.target_list if verb == "UPDATE" else getattr(node, "cols", ()))]
    plain = not any(item.res_target.indirection for item in getattr(node, "target_list", ()))
    if len(named) > len(set(named)) and plain:
        twice = next(name for name in named if named.count(name) > 1)
        told = f"{verb} names {table.name}.{twice} twice"
        out.fail(Refusal(told, "42601") if verb == "UPDATE" else Refusal(told, "42701"))
    if verb == "UPDATE":
        for item in node.target_list:
            target = item.res_target
            column = table.columns.get(target.name)
            if target.val.WhichOneof("node") in {"set_to_default", "multi_assign_ref"} or column is None:
                continue
            if column.generated or column.identity == "a":
                out.fail(f"{table.name}.{target.name} can only be set to DEFAULT", "428C9")
    elif verb == "INSERT" and nodes.has(node, "select_stmt"):
        _inserted(out, node, table)


def _inserted(out: Effect, node: Node, table: Relation) -> None:
    named = [item.res_target.name for item in node.cols]
    rows = [row.list.items for row in nodes.statement(node.select_stmt).values_lists]
    columns = named or list(table.columns)
    for row in rows:
        if len(row) > len(columns):
            out.fail(f"INSERT gives {len(row)} values for {len(columns)} columns", "42601")
        elif named and len(row) < len(columns):
            out.fail(f"INSERT names {len(columns)} columns and gives {len(row)} values", "42601")
    given = named if named and not rows else list(_valued(columns, rows))
    overriding = nodes.enum_name("OverridingKind", node.override)
    for name in given:
        column = table.columns.get(name)
        if column is None or overriding == "OVERRIDING_USER_VALUE":
            continue
        if column.generated or (column.identity == "a" and overriding != "OVERRIDING_SYSTEM_VALUE"):
            out.fail(f"{table.name}.{name} can only be given DEFAULT", "428C9")


def _valued(columns: list[str], rows: Iterable[Node]) -> Iterator[str]:
    """The columns for which a row has a value of its own."""
    for row in rows:
        for name, value in zip(columns, row, strict=False):
            if value.WhichOneof("node") != "set_to_default":
                yield name


def published(scene: Scene, out: Effect, table: Relation, verb: str) -> None:
    """UPDATE and DELETE of a published table need a replica identity."""
    if verb not in {"UPDATE", "DELETE"} or not (table.known and table.columns and scene.catalog.live):
        return
    if table.kind != "r" or table.persistence != "p":
        return
    for name, one in scene.catalog.published.items():
        there = one.every or table.name in one.tables or table.name.schema in one.schemas
        if not there or not (one.updates if verb == "UPDATE" else one.deletes):
            continue
        if _identified(table):
            _covered(out, table, verb, name, one)
        else:
            told = f"{table.name} has no replica identity, and the publication {name} publishes {verb} of it"
            out.fail(f"{told}: refused", "55000")


def _covered(out: Effect, table: Relation, verb: str, name: str, one: Published) -> None:
    """What a publication's condition names must be in the replica identity, and that in its list of columns."""
    keys = next((index.keys for index in table.indexes if index.identity), None)
    if table.replica_identity == "d":
        keys = next((index.keys for index in table.indexes if index.primary), None)
    identity = frozenset(table.columns) if table.replica_identity == "f" else frozenset(keys or ())
    if one.filters.get(table.name, frozenset()) - identity:
        told = f"the condition of the publication {name} names columns that are not in the replica identity"
        out.fail(f"{told} of {table.name}: {verb} is refused", "42P10")
    listed = one.columns.get(table.name)
    if listed and (identity - listed or table.replica_identity == "f"):
        told = f"the columns that the publication {name} has lack some of the replica identity"
        out.fail(f"{told} of {table.name}: {verb} is refused", "42P10")


def _identified(table: Relation) -> bool:
    if table.replica_identity == "d":
        return any(index.primary for index in table.indexes)
    return table.replica_identity == "f" or (
        table.replica_identity == "i" and any(index.identity for index in table.indexes)
    )


def empty_in(node: Node, table: Relation) -> frozenset[str]:
    """The columns that are NULL in every row of an INSERT … VALUES: by what is written, or left out."""
    if not nodes.has(node, "select_stmt"):
        return frozenset()
    rows = [row.list.items for row in nodes.statement(node.select_stmt).values_lists]
    if not rows or not table.columns:
        return frozenset()
    named = [item.res_target.name for item in node.cols] or list(table.columns)
    nulls = [frozenset(name for name, value in zip(named, row, strict=False) if is_null(value)) for row in rows]
    left = {
        name
        for name, column in table.columns.items()
        if name not in named[: len(rows[0])]
        and not (column.has_default or column.identity or column.generated)
        and column.type_schema == "pg_catalog"
    }
    return frozenset.intersection(*nulls) | left


def _named_arbiter(out: Effect, table: Relation, name: str) -> None:
    """ON CONFLICT ON CONSTRAINT: one with an index that is checked at once."""
    index = next((one for one in table.indexes if one.constraint == name), None)
    if index is None and name in {*(check.name for check in table.checks), *(key.name for key in table.foreign_keys)}:
        out.fail(f"the constraint {name} of {table.name} has no index: ON CONFLICT needs one", "42809")
    elif index is None and table.kind in "rp":
        out.fail(f"{table.name} has no constraint {name}", "42704")
    elif index is not None and index.deferrable:
        told = f"the constraint {name} of {table.name} is deferrable: ON CONFLICT can't use it"
        out.fail(told, "55000")


def no_arbiter(scene: Scene, out: Effect, table: Relation, infer: Node) -> None:
    """ON CONFLICT (columns) needs a unique index on exactly these; one with a condition where it has one, too."""
    elements = [item.index_elem for item in infer.index_elems]
    columns = {element.name for element in elements}
    if infer.conname and table.known and scene.catalog.live and not scene.catalog.uncertain:
        _named_arbiter(out, table, infer.conname)
    if not columns or "" in columns or not table.known or not scene.catalog.live or table.kind not in "rp":
        return
    if scene.catalog.uncertain:
        return
    no_column(out, table, sorted(columns))
    fitting = [one for one in table.indexes if one.unique and set(one.keys) == columns]
    if fitting and all(one.deferrable for one in fitting):
        told = f"the unique constraint {fitting[0].constraint} of {table.name} is deferrable: ON CONFLICT can't use it"
        out.fail(told, "55000")
    condition = nodes.has(infer, "where_clause")
    if not any(one.unique and set(one.keys) == columns and (one.whole or condition) for one in table.indexes):
        told = ", ".join(element.name for element in elements)
        told = Refusal(f"no unique index of {table.name} is on ({told}) alone: ON CONFLICT needs one", "42P10")
        out.fail(told)
