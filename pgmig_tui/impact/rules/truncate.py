"""TRUNCATE."""

from __future__ import annotations

from pgmig_tui.impact import nodes
from pgmig_tui.impact.effect import Effect, Scene, ancestors
from pgmig_tui.impact.facts import Name, Relation
from pgmig_tui.impact.modes import AE, AS
from pgmig_tui.impact.nodes import Node
from pgmig_tui.impact.result import LostData
from pgmig_tui.impact.rules.kinds import wrong_kind
from pgmig_tui.impact.rules.refused import in_use
from pgmig_tui.impact.rules.row_changes import fire_triggers


def truncate(node: Node, scene: Scene, out: Effect) -> None:
    catalog = scene.catalog
    cascade = nodes.cascades(node)
    todo: list[tuple[Relation, str]] = []
    named: set[Name] = set()
    for item in node.relations:
        name = nodes.name_of(item.range_var)
        if scene.absent(name, out):
            continue
        root = catalog.relation(name, "r")
        if wrong_kind(scene, out, root, "rpf"):
            continue
        if root.partitioned and not item.range_var.inh:
            out.fail(f"{root.name} is partitioned: TRUNCATE ONLY is refused", "42809")
        for position, member in enumerate(catalog.tree(root.name) if item.range_var.inh and root.known else [root]):
            todo.append((member, "TRUNCATE" if position == 0 else f"TRUNCATE reaches it from {root.name}"))
            named.add(member.name)
    seen: set[Name] = set()
    while todo:
        table, why = todo.pop(0)
        if table.name in seen:
            continue
        seen.add(table.name)
        out.lock(table, AE, why)
        in_use(scene, out, [table], "TRUNCATE")
        if scene.major < 14 and table.is_partition:
            for parent in table.parents:
                out.lock(catalog.relation(parent), AS, f"parent of {table.name}")
        out.rewrite(table)
        out.emptied.add(table.name)
        if not table.fresh and table.kind != "p":
            out.lose(4, f"all rows of {table.name}", LostData("rows", table.name))
        fire_triggers(scene, out, [table], "TRUNCATE", None)
        above = [key for one in ancestors(catalog, table) for key in catalog.incoming(one.name) if not key.id]
        for key in (*catalog.incoming(table.name), *above):  # the server has a row of the key for each partition
            if cascade:
                todo.extend((m, f"its {key.name} references {table.name}") for m in catalog.tree(key.table))
            elif key.table not in named:
                out.fail(f"{table.name} is referenced by {key.table}: TRUNCATE is refused", "0A000")
        if node.restart_seqs:
            for sequence in table.sequences:
                out.lock_name(sequence.name, "S", AE, "RESTART IDENTITY", new=table.new)
                out.rewrite(catalog.relation(sequence.name, "S"))
        if not table.known and not catalog.live:
            out.unknown.append(f"partitions of {table.name}" + (", and what references it" if cascade else ""))


RULES = {
    "TruncateStmt": truncate,
}
