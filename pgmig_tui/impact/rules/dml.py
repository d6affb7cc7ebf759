"""INSERT, UPDATE, DELETE and MERGE: what they say about their table. What comes of it is `row_changes`."""

from __future__ import annotations

from pgmig_tui.impact import nodes
from pgmig_tui.impact.effect import Effect, Scene
from pgmig_tui.impact.facts import Relation
from pgmig_tui.impact.modes import RE
from pgmig_tui.impact.nodes import Node
from pgmig_tui.impact.rules.kinds import wrong_kind
from pgmig_tui.impact.rules.refused import values_of_columns
from pgmig_tui.impact.rules.refused_rows import empty_in, given_to, no_arbiter, published
from pgmig_tui.impact.rules.row_changes import write_table
from pgmig_tui.impact.rules.taken import names_of_target, overwritten, take
from pgmig_tui.impact.rules.values import is_null
from pgmig_tui.impact.rules.writable import view_refuses


def write(scene: Scene, out: Effect, node: Node, verb: str) -> None:
    """The target of an INSERT, UPDATE, DELETE or MERGE, with the other ends of its foreign keys."""
    name = nodes.name_of(node.relation)
    if scene.absent(name, out):
        return
    table = scene.catalog.relation(name, "r")
    if wrong_kind(scene, out, table, "rpvf", "a table that can be changed"):
        return
    columns: frozenset[str] | None = None
    if verb == "UPDATE":
        columns = frozenset(item.res_target.name for item in node.target_list)
    if verb != "MERGE":
        named = columns or [item.res_target.name for item in getattr(node, "cols", ())]
        view_refuses(scene, out, table, verb, named or (_filled(node, table) if verb == "INSERT" else ()))
    values_of_columns(table, columns or (item.res_target.name for item in getattr(node, "cols", ())), out)
    given_to(scene, out, node, table, verb)
    published(scene, out, table, verb)
    where = verb in {"UPDATE", "DELETE"} and nodes.has(node, "where_clause")
    if table.new and verb in {"INSERT", "MERGE"} and not (verb == "INSERT" and _few_rows(node)):
        scene.catalog.fill(table.name)
    only = not node.relation.inh
    called = names_of_target(node.relation)
    if verb in {"UPDATE", "DELETE"} and not where:
        out.notes.append(f"every row of {table.name}: it has no WHERE")
        for member in scene.catalog.tree(table.name) if node.relation.inh and table.known else [table]:
            out.scan(member)
    if verb == "INSERT":
        given = _given(node, table)
        clause = node.on_conflict_clause if nodes.has(node, "on_conflict_clause") else None
        if clause is not None:
            no_arbiter(scene, out, table, clause.infer)
            _twice(scene, out, node, table)
        write_table(
            scene,
            out,
            table,
            verb,
            None,
            given=given,
            sure=_few_rows(node) and clause is None,
            empty=empty_in(node, table),
        )
        if clause is not None and clause.target_list:
            _change(scene, out, table, clause.target_list, _condition(clause, "where_clause"), called, some=True)
    elif verb == "DELETE":
        take(scene, out, table, verb, None, whole=not where and not node.using_clause)
        write_table(scene, out, table, verb, None, only=only)
    elif verb == "UPDATE":
        some = bool(node.from_clause)
        _change(scene, out, table, node.target_list, _condition(node, "where_clause"), called, only=only, some=some)
    else:
        _merge(scene, out, node, table, called)


def _twice(scene: Scene, out: Effect, node: Node, table: Relation) -> None:
    """ON CONFLICT isn't for tables with rules, and DO UPDATE can't change a row twice."""
    rules = [name for name in table.rules if table.rule_events.get(name) in {"INSERT", "UPDATE"}]
    if rules and scene.catalog.live:
        told = f"ON CONFLICT is refused on {table.name}, which has the rule {rules[0]}"
        out.fail(told, "0A000")
    clause = node.on_conflict_clause
    wanted = [item.index_elem.name for item in clause.infer.index_elems]
    rows = [row.list.items for row in nodes.statement(node.select_stmt).values_lists] if clause.target_list else []
    columns = [item.res_target.name for item in node.cols] or list(table.columns)
    out.by_value = out.by_value or bool(rows)
    if not rows or not wanted or not set(wanted) <= set(columns[: len(rows[0])]):
        return
    keys = [tuple(nodes.constant(row[columns.index(name)]) for name in wanted) for row in rows]
    known = [key for key in keys if None not in key]
    if len(known) > len(set(known)):
        out.fail(f"ON CONFLICT DO UPDATE would change a row of {table.name} twice", "21000")


def _condition(node: Node, name: str) -> Node | None:
    return getattr(node, name) if nodes.has(node, name) else None


def _change(
    scene: Scene,
    out: Effect,
    table: Relation,
    targets: Node,
    where: Node | None,
    called: frozenset[str],
    *,
    only: bool = False,
    some: bool = False,
) -> None:
    """Rows of a table get other values: all of them without `where`, unless it is `some`."""
    taken = overwritten(targets, where, called)
    take(scene, out, table, "UPDATE", taken, whole=where is None and not some)
    columns = frozenset(item.res_target.name for item in targets)
    empty = frozenset(item.res_target.name for item in targets if is_null(item.res_target.val))
    defaulted = frozenset(
        item.res_target.name
        for item in targets
        if any(nodes.kind(inner) == "SetToDefault" for inner in nodes.walk(item.res_target.val))
    )
    write_table(scene, out, table, "UPDATE", columns, only=only, harmless=not taken, empty=empty, defaulted=defaulted)


def _merge(scene: Scene, out: Effect, node: Node, table: Relation, called: frozenset[str]) -> None:
    out.lock(table, RE, "MERGE")
    for item in node.merge_when_clauses:
        clause = item.merge_when_clause
        kind = nodes.enum_name("CmdType", clause.command_type)
        if kind == "CMD_UPDATE":
            _change(scene, out, table, clause.target_list, _condition(clause, "condition"), called, some=True)
        elif kind == "CMD_DELETE":
            take(scene, out, table, "DELETE", None, whole=False)
            write_table(scene, out, table, "DELETE", None)
        elif kind == "CMD_INSERT":
            write_table(scene, out, table, "INSERT", None)


def _given(insert: Node, table: Relation) -> frozenset[str]:
    """The columns for which an INSERT brings values of its own: their sequences aren't asked."""
    if not nodes.has(insert, "select_stmt") or nodes.enum_name("OverridingKind", insert.override).endswith(
        "USER_VALUE"
    ):
        return frozenset()
    rows = nodes.statement(insert.select_stmt).values_lists
    if any(value.WhichOneof("node") == "set_to_default" for row in rows for value in row.list.items):
        return frozenset()
    if insert.cols:
        return frozenset(item.res_target.name for item in insert.cols)
    return frozenset(list(table.columns)[: len(rows[0].list.items)] if rows else ())


def _filled(insert: Node, table: Relation) -> list[str]:
    """The columns that INSERT … VALUES fills without naming them."""
    rows = nodes.statement(insert.select_stmt).values_lists if nodes.has(insert, "select_stmt") else ()
    return list(table.columns)[: len(rows[0].list.items)] if rows else []


def _few_rows(insert: Node) -> bool:
    """INSERT ... VALUES or DEFAULT VALUES."""
    return not nodes.has(insert, "select_stmt") or bool(insert.select_stmt.select_stmt.values_lists)
