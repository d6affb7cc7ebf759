"""Triggers, rules and policies."""

from __future__ import annotations

from collections.abc import Iterable

from pgmig_tui.impact import nodes
from pgmig_tui.impact.effect import Effect, Scene, read_tables
from pgmig_tui.impact.facts import DependentRelation, Name, Relation
from pgmig_tui.impact.known import is_known
from pgmig_tui.impact.modes import AE, AS, RE, SRE
from pgmig_tui.impact.nodes import Node
from pgmig_tui.impact.rules.carry import depend_on_function, policy_made, rule_made, trigger_made, view_columns
from pgmig_tui.impact.rules.event_trigger import event_trigger_made, event_trigger_switched
from pgmig_tui.impact.rules.implicit_calls import called_in
from pgmig_tui.impact.rules.kinds import wrong_kind
from pgmig_tui.impact.rules.refused import no_column

_TRUNCATE = 32
"""The bit of pg_trigger.tgtype for TRUNCATE."""


def _table(node: Node, scene: Scene, out: Effect) -> Relation | None:
    name = nodes.name_of(node)
    if scene.absent(name, out):
        return None
    return scene.catalog.relation(name)


def create_trigger(node: Node, scene: Scene, out: Effect) -> None:
    table = _table(node.relation, scene, out)
    if table is None:
        return
    if wrong_kind(scene, out, table, "rpvf", "a table or view"):
        return
    if node.row and node.events & _TRUNCATE:
        out.fail("a trigger for TRUNCATE can't be FOR EACH ROW", "0A000")
        return
    if node.transition_rels and (bin(node.events).count("1") > 1 or node.columns):
        why = "of columns" if node.columns else "for more than one event"
        out.fail(f"a trigger {why} can't have transition tables", "0A000")
        return
    out.lock(table, SRE, f"CREATE TRIGGER {node.trigname}")
    if table.partitioned and node.row:
        for child in scene.catalog.tree(table.name)[1:]:
            out.lock(child, SRE, f"CREATE TRIGGER {node.trigname} reaches partition")
    if nodes.has(node, "constrrel"):
        out.lock(scene.catalog.relation(nodes.name_of(node.constrrel)), AS, "named in FROM")
    if any(one.name == node.trigname for one in table.triggers) and not node.replace:
        out.fail(f"{table.name} has a trigger {node.trigname} already", "42710")
    no_column(out, table, nodes.strings(node.columns))
    _function(node, scene, out)
    trigger_made(scene.catalog, table, node)


def _function(node: Node, scene: Scene, out: Effect) -> None:
    """A trigger's function must be there, take nothing and return trigger."""
    parts = nodes.strings(node.funcname)
    catalog = scene.catalog
    found = catalog.functions(parts, 0)
    if not found:
        if catalog.live and not catalog.uncertain and not is_known(parts) and catalog.asked(nodes.name_from(parts)):
            out.fail(f"the function {'.'.join(parts)}() does not exist", "42883")
        return
    if all(one.gives is not None and one.gives.relation != "trigger" for one in found):
        out.fail(f"the function {'.'.join(parts)}() must return trigger", "42P17")


def create_rule(node: Node, scene: Scene, out: Effect) -> None:
    table = _table(node.relation, scene, out)
    if table is None:
        return
    out.lock(table, AE, f"CREATE RULE {node.rulename}")
    if node.rulename in table.rules and not node.replace:
        out.fail(f"{table.name} has a rule {node.rulename} already", "42710")
    named = _named_below([*node.actions, node.where_clause], scene, out, table)
    event = nodes.enum_name("CmdType", node.event).removeprefix("CMD_")
    rule_made(scene.catalog, table, node.rulename, named, _written_by(node.actions, scene), event)


def _written_by(actions: Iterable[Node], scene: Scene) -> dict[Name, frozenset[str]]:
    """The columns that INSERT and UPDATE among a rule's actions name, by table."""
    found: dict[Name, frozenset[str]] = {}
    for action in map(nodes.statement, actions):
        kind = nodes.kind(action)
        if kind in {"InsertStmt", "UpdateStmt"}:
            items = action.cols if kind == "InsertStmt" else action.target_list
            name = scene.catalog.resolve(nodes.name_of(action.relation))
            found[name] = found.get(name, frozenset()) | {item.res_target.name for item in items}
    return found


def _named_below(parts: list[Node], scene: Scene, out: Effect, table: Relation) -> list[Name]:
    """The relations that an action or a condition names, locked as the server does to look at it."""
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
    return [scene.catalog.resolve(name) for name in (*named[True], *named[False])]


_WRITING = {"InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt"}


def policy(node: Node, scene: Scene, out: Effect) -> None:
    table = _table(node.table, scene, out)
    if table is None:
        return
    if wrong_kind(scene, out, table, "rp"):
        return
    verb = "CREATE" if nodes.kind(node) == "CreatePolicyStmt" else "ALTER"
    out.lock(table, AE, f"{verb} POLICY {node.policy_name}")
    if (node.policy_name in table.policies) is (verb == "CREATE") and table.known and scene.catalog.live:
        if verb == "CREATE":
            out.fail(f"{table.name} has a policy {node.policy_name} already", "42710")
        else:
            out.fail(f"{table.name} has no policy {node.policy_name}", "42704")
    named = _named_below([node.qual, node.with_check], scene, out, table)
    own = view_columns(scene.catalog, node, table)
    policy_made(scene.catalog, table, node.policy_name, named, own)
    for part in (node.qual, node.with_check):
        for function in called_in(part, scene.catalog):
            depend_on_function(scene.catalog, function, DependentRelation(table.name, "y", part=node.policy_name))


RULES = {
    "CreateTrigStmt": create_trigger,
    "RuleStmt": create_rule,
    "CreatePolicyStmt": policy,
    "AlterPolicyStmt": policy,
    "CreateEventTrigStmt": event_trigger_made,
    "AlterEventTrigStmt": event_trigger_switched,
}
