"""Which rule knows a statement, and what goes with every rule. The scene hands this module down (effect.Rules): the
rules below it import neither it nor each other in a circle.
"""

from __future__ import annotations

from collections.abc import Callable

from pgmig_tui.impact.effect import Effect, Scene
from pgmig_tui.impact.nodes import Node, kind
from pgmig_tui.impact.rules import (
    alter_table,
    copy,
    create,
    drop,
    granting,
    index,
    lock_table,
    maintenance,
    objects,
    prepared,
    query,
    rename,
    routine,
    settings,
    trigger,
    truncate,
)
from pgmig_tui.impact.rules.carry import functions_in_doubt
from pgmig_tui.impact.rules.event_trigger import fire
from pgmig_tui.impact.rules.function_call import run_function
from pgmig_tui.impact.rules.implicit_calls import again, armed
from pgmig_tui.impact.rules.later_syntax import NEWEST, later_syntax
from pgmig_tui.impact.rules.permitted import permitted

_ARMING = frozenset({
    "CreateStmt", "AlterTableStmt", "CreateDomainStmt", "AlterDomainStmt", "CreatePolicyStmt", "AlterPolicyStmt",
    "CreateStatsStmt", "CompositeTypeStmt", "CreateRangeStmt",
})  # fmt: skip
_BUILDING = frozenset(
    {"AlterTableStmt", "ReindexStmt", "ClusterStmt", "RepackStmt", "VacuumStmt", "RefreshMatViewStmt"}
)
_CASCADING = frozenset({"DropStmt", "DropOwnedStmt", "AlterTableStmt"})
_FAMILIES = (
    alter_table, copy, create, drop, granting, index, lock_table, maintenance, objects, prepared, query, rename,
    routine, settings, trigger, truncate,
)  # fmt: skip
_RULES: dict[str, Callable[[Node, Scene, Effect], None]] = {
    name: rule for family in _FAMILIES for name, rule in family.RULES.items()
}


def apply(node: Node, scene: Scene, out: Effect) -> None:
    """Write down what the statement does; one that no rule knows is said to be unknown."""
    what = kind(node)
    rule = _RULES.get(what)
    if rule is None:
        out.hide(f"what {what.removesuffix('Stmt')} does: no rule knows this statement")
        return
    if scene.major < NEWEST and scene.catalog.live and (unknown := later_syntax(node, scene.major)):
        out.fail(unknown)
        return
    before = scene.catalog.snapshot() if scene.catalog.event_triggers else None
    permitted(node, scene, out)
    rule(node, scene, out)
    if what in _ARMING:
        armed(node, scene, out)
    if (out.rebuilds or out.made) and what in _BUILDING:
        again(node, scene, out)
    if what in _CASCADING:
        functions_in_doubt(scene.catalog, node)
    if before is not None:
        fire(node, scene, out, before.state)


__all__ = ["apply", "run_function"]
