"""VACUUM, ANALYZE and CLUSTER; session commands."""

from __future__ import annotations

from pgmig_tui.impact import nodes
from pgmig_tui.impact.effect import Effect, Scene
from pgmig_tui.impact.facts import Name
from pgmig_tui.impact.modes import AE, AS, SUE
from pgmig_tui.impact.nodes import Node
from pgmig_tui.impact.rules.drop import fall
from pgmig_tui.impact.shadow import TEMP


def vacuum(node: Node, scene: Scene, out: Effect) -> None:
    """VACUUM (each table in a transaction of its own) and ANALYZE."""
    options = nodes.options(node.options)
    full = "full" in options and nodes.is_on(options["full"])
    if node.is_vacuumcmd:
        out.no_transaction = out.temporary_locks = True
    if not node.rels:
        _everything(node, scene, out)
    for item in node.rels:
        name = nodes.name_of(item.vacuum_relation.relation)
        if scene.catalog.missing(name):
            out.problem = f"{scene.catalog.resolve(name)} does not exist"
            continue
        root = scene.catalog.relation(name)
        if root.kind not in ("rmp?" if node.is_vacuumcmd else "rmpf?"):
            out.notes.append(f"{root.name} is passed over: it has no rows of its own")
            continue
        for member in scene.catalog.tree(root.name) if root.known else [root]:
            if member is not root and not root.partitioned and scene.major < 18:
                if not node.is_vacuumcmd or "analyze" in options:
                    out.lock(member, AS, f"rows for the statistics of {root.name}")
                continue
            out.lock(member, AE if full else SUE, "VACUUM FULL" if full else "VACUUM or ANALYZE")
            if full:
                out.rewrite(member)
                for index in member.indexes:
                    out.lock_index(member, index, AE, "rebuilt")
        if full:
            out.advise(
                "vacuum-full",
                f"VACUUM FULL writes {root.name} anew while nobody can read it; plain VACUUM makes the space reusable",
                f"VACUUM (ANALYZE) {root.name};",
            )


def _everything(node: Node, scene: Scene, out: Effect) -> None:
    """A bare VACUUM or ANALYZE goes through all tables that the role may maintain."""
    if not scene.catalog.live:
        out.unknown.append("every table of the database, one after the other")
    for relation in scene.catalog:
        if relation.kind in "rm" or (relation.kind == "p" and not node.is_vacuumcmd):
            out.lock(relation, SUE, "VACUUM or ANALYZE of everything")


def cluster(node: Node, scene: Scene, out: Effect) -> None:
    if not nodes.has(node, "relation"):
        out.no_transaction = out.temporary_locks = True
        out.unknown.append("every table that was clustered before: ACCESS EXCLUSIVE and rewritten, one after the other")
        return
    name = nodes.name_of(node.relation)
    if scene.catalog.missing(name):
        out.problem = f"{scene.catalog.resolve(name)} does not exist"
        return
    root = scene.catalog.relation(name)
    if root.partitioned:
        out.no_transaction = out.temporary_locks = True
    for member in scene.catalog.tree(root.name) if root.partitioned else [root]:
        out.lock(member, AE, "CLUSTER")
        out.rewrite(member)
        for index in member.indexes:
            out.lock_index(member, index, AE, "rebuilt")


def discard(node: Node, scene: Scene, out: Effect) -> None:
    what = nodes.enum_name("DiscardMode", node.target)
    out.no_transaction = what == "DISCARD_ALL"
    if what in {"DISCARD_ALL", "DISCARD_TEMP"}:
        fallen: set[Name] = set()
        for relation in scene.catalog:
            if relation.name.schema == TEMP:
                fallen |= fall(scene, out, relation, "a temporary relation of the session", True)
        scene.catalog.drop(fallen)
    if what == "DISCARD_ALL":
        scene.catalog.prepared.clear()


def set_variable(node: Node, scene: Scene, out: Effect) -> None:
    """SET search_path and SET timezone change how the rest of the script is read."""
    name = node.name.lower()
    values = []
    for item in node.args:
        if item.WhichOneof("node") == "a_const" and item.a_const.WhichOneof("val") == "sval":
            values.append(item.a_const.sval.sval)
    if name == "search_path":
        if values:
            path = [part.strip().strip('"') for value in values for part in value.split(",")]
            scene.catalog.search_path = tuple(part for part in path if part and part != "$user")
        else:
            scene.catalog.search_path = scene.catalog.facts.search_path
    elif name == "timezone":
        scene.catalog.timezone_is_utc = bool(values) and values[0].upper() in {"UTC", "GMT", "ETC/UTC", "UCT", "ZULU"}
    elif name in {"role", "session_authorization"}:
        out.notes.append("runs the following statements as another role")
    elif name in {"lock_timeout", "statement_timeout", "idle_in_transaction_session_timeout"}:
        out.notes.append(f"the script's own {name} replaces the policy's until its end")


RULES = {"VacuumStmt": vacuum, "ClusterStmt": cluster, "RepackStmt": cluster, "DiscardStmt": discard,
         "VariableSetStmt": set_variable}  # fmt: skip
