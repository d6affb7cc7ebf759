"""COPY."""

from __future__ import annotations

from pgmig_tui.impact import nodes
from pgmig_tui.impact.counting import count_copied, count_query
from pgmig_tui.impact.effect import Effect, Scene
from pgmig_tui.impact.modes import AS
from pgmig_tui.impact.nodes import Node
from pgmig_tui.impact.rules.columns import missing_columns
from pgmig_tui.impact.rules.kinds import wrong_kind
from pgmig_tui.impact.rules.query import query_locks
from pgmig_tui.impact.rules.refused import no_column
from pgmig_tui.impact.rules.row_changes import write_table


def copy(node: Node, scene: Scene, out: Effect) -> None:
    if node.is_program:
        out.hide(f"what the program {node.filename[:60]!r} of the server's host does")
    elif node.filename and not node.is_from:
        out.lose(5, f"the file {node.filename} of the server's host, if there is one")
    if nodes.has(node, "query"):
        count_query(nodes.statement(node.query), scene, out)
        query_locks(node.query, scene, out)
        missing_columns(nodes.statement(node.query), scene, out)
        return
    if not nodes.has(node, "relation"):
        return
    name = nodes.name_of(node.relation)
    if scene.absent(name, out):
        return
    named = scene.catalog.relation(name, "r")
    stored = "rfm" if scene.major >= 18 else "rf"
    if wrong_kind(scene, out, named, "rpvf" if node.is_from else stored, "a table that can be copied"):
        return
    no_column(out, named, nodes.strings(node.attlist))
    for column in map(named.columns.get, nodes.strings(node.attlist)):
        if column is not None and column.generated:
            out.fail(f"{named.name}.{column.name} is a generated column: COPY can't name it", "42P10")
    if node.is_from:
        scene.catalog.fill(scene.catalog.resolve(name))
        out.doubt("how many rows COPY brings")
        write_table(scene, out, scene.catalog.relation(name, "r"), "INSERT", None)
    else:
        table = scene.catalog.relation(name, "r")
        out.lock(table, AS, "COPY TO")
        count_copied(table, scene, out)


RULES = {
    "CopyStmt": copy,
}
