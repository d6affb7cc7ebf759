"""VACUUM, ANALYZE and CLUSTER."""

from __future__ import annotations

from pgmig_tui.impact import nodes
from pgmig_tui.impact.counting import count_care
from pgmig_tui.impact.effect import Effect, Scene
from pgmig_tui.impact.facts import Relation
from pgmig_tui.impact.modes import AE, AS, SUE
from pgmig_tui.impact.nodes import Node
from pgmig_tui.impact.rules.alter_storage import mark_clustered, no_order
from pgmig_tui.impact.rules.implicit_calls import counted
from pgmig_tui.impact.rules.refused import in_use, no_column
from pgmig_tui.impact.safer import SaferStep, copied, sql_of, text_of


def vacuum(node: Node, scene: Scene, out: Effect) -> None:
    """VACUUM (each table in a transaction of its own) and ANALYZE."""
    options = nodes.options(node.options)
    full = "full" in options and nodes.is_on(options["full"])
    analyze = not node.is_vacuumcmd or ("analyze" in options and nodes.is_on(options["analyze"]))
    if node.is_vacuumcmd:
        out.no_transaction = out.temporary_locks = True
    if not node.rels:
        _everything(node, scene, out, analyze=analyze)
    for item in node.rels:
        name = nodes.name_of(item.vacuum_relation.relation)
        if scene.absent(name, out):
            continue
        root = scene.catalog.relation(name)
        no_column(out, root, nodes.strings(item.vacuum_relation.va_cols))
        if root.kind not in ("rmp?" if node.is_vacuumcmd else "rmpf?"):
            out.notes.append(f"{root.name} is skipped: it has no rows of its own")
            continue
        for member in scene.catalog.tree(root.name) if root.known else [root]:
            if member is not root and not root.partitioned and scene.major < 18:
                if analyze:
                    out.lock(member, AS, f"rows for the statistics of {root.name}")
                continue
            out.lock(member, AE if full else SUE, "VACUUM FULL" if full else "VACUUM or ANALYZE")
            count_care(member, scene, out, vacuum=bool(node.is_vacuumcmd) and not full, analyze=analyze)
            if analyze:
                counted(member, scene, out)
            if full:
                out.rewrite(member)
                for index in member.indexes:
                    out.lock_index(member, index, AE, "rebuilt")
    rewritten = ", ".join(sorted({str(relation.name) for relation in out.rewrites.values()}))
    if full and rewritten:
        out.advise(
            "vacuum-full",
            f"VACUUM FULL rewrites {rewritten} while nobody can read it; plain VACUUM makes the space reusable",
            lambda: _not_full(node),
        )


def _not_full(node: Node) -> str:
    """The same VACUUM, without FULL."""
    tree = copied(node)
    kept = [copied(item) for item in tree.options if item.def_elem.defname.lower() != "full"]
    del tree.options[:]
    tree.options.extend(kept)
    return text_of([SaferStep(sql_of(tree))])


def _everything(node: Node, scene: Scene, out: Effect, *, analyze: bool) -> None:
    """A bare VACUUM or ANALYZE goes through all tables that the role may maintain."""
    if not scene.catalog.live:
        out.unknown.append("every table of the database, one after the other")
    for relation in scene.catalog:
        if relation.kind in "rm" or (relation.kind == "p" and not node.is_vacuumcmd):
            out.lock(relation, SUE, "VACUUM or ANALYZE of everything")
            if analyze:
                counted(relation, scene, out)


def cluster(node: Node, scene: Scene, out: Effect) -> None:
    if not nodes.has(node, "relation"):
        out.no_transaction = out.temporary_locks = True
        out.unknown.append("every table that was clustered before: ACCESS EXCLUSIVE and rewritten, one after the other")
        return
    name = nodes.name_of(node.relation)
    if scene.absent(name, out):
        return
    root = scene.catalog.relation(name)
    if root.partitioned:
        out.no_transaction = out.temporary_locks = True
    if _refuse_cluster(node, root, scene, out):
        return
    in_use(scene, out, [root], "CLUSTER")
    mark_clustered(scene, root, node.indexname or next((i.name.relation for i in root.indexes if i.clustered), ""))
    for member in scene.catalog.tree(root.name) if root.partitioned else [root]:
        out.lock(member, AE, "CLUSTER")
        out.rewrite(member)
        for index in member.indexes:
            out.lock_index(member, index, AE, "rebuilt")


def _refuse_cluster(node: Node, table: Relation, scene: Scene, out: Effect) -> bool:
    if not (table.known and scene.catalog.live):
        return False
    if node.indexname and not any(index.name.relation == node.indexname for index in table.indexes):
        out.fail(f"{table.name} has no index {node.indexname}", "42704")
    elif not node.indexname and not any(index.clustered for index in table.indexes):
        out.fail(f"{table.name} was never clustered: say USING which index", "42704")
    else:
        index = next(
            one for one in table.indexes if (one.name.relation == node.indexname if node.indexname else one.clustered)
        )
        out.fail(no_order(index))
    return bool(out.problem)


RULES = {"VacuumStmt": vacuum, "ClusterStmt": cluster, "RepackStmt": cluster}
