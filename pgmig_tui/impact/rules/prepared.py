"""Statements about a statement: EXPLAIN, PREPARE and EXECUTE, cursors."""

from __future__ import annotations

from pgmig_tui.impact import nodes
from pgmig_tui.impact.effect import Effect, Scene
from pgmig_tui.impact.nodes import Node
from pgmig_tui.impact.refusal import sqlstate_of
from pgmig_tui.impact.rules.columns import missing_columns
from pgmig_tui.impact.rules.implicit_calls import perhaps, types_in
from pgmig_tui.impact.rules.query import WRITES, query_locks


def explain(node: Node, scene: Scene, out: Effect) -> None:
    if nodes.kind(nodes.statement(node.query)) == "RefreshMatViewStmt":
        return  # has no plan, and isn't run
    inner = Effect()
    seen = dict(scene.code.seen)
    scene.rules.apply(nodes.statement(node.query), scene, inner)
    analyze = "analyze" in nodes.options(node.options) and nodes.is_on(nodes.options(node.options)["analyze"])
    for lock in inner.locks.values():
        if analyze or lock.why.split()[0] in {*WRITES.values(), "reads", "behind", "below"}:
            out.take_lock(lock)
    if not analyze:
        scene.code.seen = seen
    else:
        for what, loss in inner.losses.items():
            out.lose(loss, what, inner.lost.get(what))
        out.surely = inner.surely
        out.scans.update(inner.scans)
        out.spend(inner.spent)
        out.doubts += inner.doubts
        out.hidden += inner.hidden
    out.unknown.extend(inner.unknown)
    if analyze or sqlstate_of(inner.problem) != "55000":  # what only running it would find
        out.problem = inner.problem


def prepare(node: Node, scene: Scene, out: Effect) -> None:
    """PREPARE only reads the catalog: tables are locked as a query would be, writes come with EXECUTE."""
    scene.catalog.prepared[node.name] = scene.sql
    inner = Effect()
    query_locks(node.query, scene, inner, plan=False)
    missing_columns(nodes.statement(node.query), scene, inner)
    out.locks, out.problem = inner.locks, inner.problem


def declare(node: Node, scene: Scene, out: Effect) -> None:
    query_locks(node.query, scene, out)
    missing_columns(nodes.statement(node.query), scene, out)
    if not out.problem and not node.options & _HOLD:
        scene.catalog.open_cursor(
            node.portalname, [name for name, lock in out.locks.items() if lock.relkind not in "iI"]
        )


_HOLD = 0x20
"""CURSOR_OPT_HOLD: such a one is copied at the end of its transaction, and keeps nothing."""


def close(node: Node, scene: Scene, out: Effect) -> None:
    scene.catalog.close_cursor(node.portalname)


def deallocate(node: Node, scene: Scene, out: Effect) -> None:
    if node.name:
        scene.catalog.prepared.pop(node.name, None)
    else:
        scene.catalog.prepared.clear()


def execute(node: Node, scene: Scene, out: Effect) -> None:
    """A statement that this session has prepared."""
    text = scene.catalog.prepared.get(node.name)
    try:
        trees = [] if text is None else nodes.parse(text)
    except nodes.ParseError:
        trees = []
    if text is None and scene.catalog.live and not scene.catalog.uncertain:
        out.fail(f"the prepared statement {node.name} does not exist", "26000")
        return
    if not trees or nodes.kind(trees[0]) not in {"PrepareStmt", *_RUNNABLE}:
        out.hide(f"what the prepared statement {node.name} does")
        return
    inner = nodes.statement(trees[0].query) if nodes.kind(trees[0]) == "PrepareStmt" else trees[0]
    wanted = max((one.number for one in nodes.walk(inner) if nodes.kind(one) == "ParamRef"), default=0)
    if nodes.kind(trees[0]) == "PrepareStmt" and max(wanted, len(trees[0].argtypes)) != len(node.params):
        told = f"the prepared statement {node.name} takes {max(wanted, len(trees[0].argtypes))} parameters"
        out.fail(f"{told}, and is given {len(node.params)}", "42601")
    if nodes.kind(trees[0]) == "PrepareStmt":
        perhaps([name for one in trees[0].argtypes for name in types_in(one, scene.catalog, "c")], scene, out)
    scene.rules.apply(inner, scene, out)


_RUNNABLE = {"SelectStmt", "InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt"}
RULES = {
    "ExplainStmt": explain,
    "PrepareStmt": prepare,
    "DeclareCursorStmt": declare,
    "ClosePortalStmt": close,
    "DeallocateStmt": deallocate,
    "ExecuteStmt": execute,
}
