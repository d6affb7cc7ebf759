"""Triggers, rules and policies."""

from __future__ import annotations

from pgmig_tui.impact import nodes
from pgmig_tui.impact.effect import Effect, Scene, read_tables
from pgmig_tui.impact.facts import Name, Relation
from pgmig_tui.impact.modes import AE, AS, RE, SRE
from pgmig_tui.impact.nodes import Node


def _table(node: Node, scene: Scene, out: Effect) -> Relation | None:
    name = nodes.name_of(node)
    if scene.catalog.missing(name):
        out.problem = f"{scene.catalog.resolve(name)} does not exist"
        return None
    return scene.catalog.relation(name)


def create_trigger(node: Node, scene: Scene, out: Effect) -> None:
    table = _table(node.relation, scene, out)
    if table is None:
        return
    out.lock(table, SRE, f"CREATE TRIGGER {node.trigname}")
    if table.partitioned and node.row:
        for child in scene.catalog.tree(table.name)[1:]:
            out.lock(child, SRE, f"CREATE TRIGGER {node.trigname} reaches partition")
    if nodes.has(node, "constrrel"):
        out.lock(scene.catalog.relation(nodes.name_of(node.constrrel)), AS, "named in FROM")


def create_rule(node: Node, scene: Scene, out: Effect) -> None:
    table = _table(node.relation, scene, out)
    if table is None:
        return
    out.lock(table, AE, f"CREATE RULE {node.rulename}")
    _named_below([*node.actions, node.where_clause], scene, out, table)


def _named_below(parts: list[Node], scene: Scene, out: Effect, table: Relation) -> None:
    named: dict[bool, list[Name]] = {False: [], True: []}
    for part in parts:
        found = list(nodes.walk(part))
        targets = {id(inner.relation) for inner in found if nodes.kind(inner) in _WRITING}
        for inner in found:
            if nodes.kind(inner) == "RangeVar":
                name = nodes.name_of(inner)
                if scene.catalog.resolve(name) != table.name and name.relation not in {"new", "old"}:
                    named[id(inner) in targets].append(name)
    read_tables(scene, out, named[True], RE, "written inside", deep=False)
    read_tables(scene, out, named[False], AS, "named inside", deep=False)


_WRITING = {"InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt"}


def policy(node: Node, scene: Scene, out: Effect) -> None:
    table = _table(node.table, scene, out)
    if table is None:
        return
    verb = "CREATE" if nodes.kind(node) == "CreatePolicyStmt" else "ALTER"
    out.lock(table, AE, f"{verb} POLICY {node.policy_name}")
    _named_below([node.qual, node.with_check], scene, out, table)


def nothing(node: Node, scene: Scene, out: Effect) -> None:
    """No relation is locked."""


RULES = {
    "CreateTrigStmt": create_trigger,
    "RuleStmt": create_rule,
    "CreatePolicyStmt": policy,
    "AlterPolicyStmt": policy,
    "CreateEventTrigStmt": nothing,
    "AlterEventTrigStmt": nothing,
}
