"""The rules, one file a statement family; `apply` finds the one for a parse tree.

A rule is a function (node, scene, effect): it reads the tree and the catalog of that moment, writes what happens into
the effect, and carries its own changes forward in the catalog.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from pgmig_tui.impact.effect import Effect, Scene
from pgmig_tui.impact.nodes import Node, kind

Rule = Callable[[Node, Scene, Effect], None]


_ARMING = frozenset({
    "CreateStmt", "AlterTableStmt", "CreateDomainStmt", "AlterDomainStmt", "CreatePolicyStmt", "AlterPolicyStmt",
    "CreateStatsStmt", "CompositeTypeStmt", "CreateRangeStmt",
})  # fmt: skip
_BUILDING = frozenset(
    {"AlterTableStmt", "ReindexStmt", "ClusterStmt", "RepackStmt", "VacuumStmt", "RefreshMatViewStmt"}
)
_CASCADING = frozenset({"DropStmt", "DropOwnedStmt", "AlterTableStmt"})


@cache
def _rules() -> dict[str, Rule]:
    from pgmig_tui.impact.rules import (
        alter_table,
        create,
        dml,
        drop,
        granting,
        index,
        maintenance,
        objects,
        rename,
        routine,
        settings,
        trigger,
    )

    families = (
        alter_table,
        create,
        dml,
        drop,
        granting,
        index,
        maintenance,
        objects,
        rename,
        routine,
        settings,
        trigger,
    )
    return {name: rule for family in families for name, rule in family.RULES.items()}


def apply(node: Node, scene: Scene, out: Effect) -> None:
    """Write down what the statement does; one that no rule knows is said to be unknown."""
    from pgmig_tui.impact.rules.permitted import permitted

    rule = _rules().get(type(node).__name__)
    if rule is None:
        out.hide(f"what {kind(node).removesuffix('Stmt')} does: no rule knows this statement")
        return
    before = scene.catalog.snapshot() if scene.catalog.event_triggers else None
    permitted(node, scene, out)
    rule(node, scene, out)
    if type(node).__name__ in _ARMING:
        from pgmig_tui.impact.rules.calls import armed

        armed(node, scene, out)
    if (out.rebuilds or out.made) and type(node).__name__ in _BUILDING:
        from pgmig_tui.impact.rules.calls import again

        again(node, scene, out)
    if type(node).__name__ in _CASCADING:
        from pgmig_tui.impact.rules.carry import functions_in_doubt

        functions_in_doubt(scene.catalog, node)
    if before is not None:
        from pgmig_tui.impact.rules.calls import fire

        fire(node, scene, out, before.state)
