"""LOCK TABLE."""

from __future__ import annotations

from pgmig_tui.impact import nodes
from pgmig_tui.impact.effect import Effect, Scene, refuse_recursion
from pgmig_tui.impact.facts import Name
from pgmig_tui.impact.modes import LockMode
from pgmig_tui.impact.nodes import Node
from pgmig_tui.impact.rules.kinds import index_or_relation, wrong_kind


def lock_table(node: Node, scene: Scene, out: Effect) -> None:
    mode = LockMode(node.mode)
    todo = [(nodes.name_of(item.range_var), bool(item.range_var.inh)) for item in node.relations]
    named = frozenset(todo)
    seen: set[tuple[Name, bool]] = set()
    while todo:
        name, below = todo.pop()
        if (name, below) in seen:
            continue
        seen.add((name, below))
        if scene.absent(name, out):
            continue
        relation = index_or_relation(scene.catalog, name, "r")
        if wrong_kind(scene, out, relation, "rpvf" if (name, below) not in named else "rpv", "a table or view"):
            continue
        for member in scene.catalog.tree(relation.name) if below and relation.known else [relation]:
            out.lock(member, mode, "LOCK TABLE")
        if relation.kind == "v":
            todo.extend((behind, True) for behind in relation.reads)
            refuse_recursion(scene, out, relation)


RULES = {
    "LockStmt": lock_table,
}
