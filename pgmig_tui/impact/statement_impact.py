"""One statement: what it does in each of the catalogs that there may be by now."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from pgmig_tui.impact import nodes
from pgmig_tui.impact.effect import Effect, Scene
from pgmig_tui.impact.facts import Name
from pgmig_tui.impact.nodes import Node
from pgmig_tui.impact.refusal import sqlstate_of
from pgmig_tui.impact.result import Estimate, Lock, StatementImpact, StatementProblem
from pgmig_tui.impact.rules.refused import fresh_value, writes
from pgmig_tui.impact.shadow import Catalog
from pgmig_tui.impact.shadow_state import State
from pgmig_tui.impact.statement_like import StatementLike
from pgmig_tui.impact.summary import sum_up
from pgmig_tui.impact.unknown_variables import name_variables
from pgmig_tui.impact.walk import Walk
from pgmig_tui.impact.worlds import World, pass_through
from pgmig_tui.script.shapes import shape_of

LOOKED_BACK = 8
"""So many moments before are looked at for what a failing statement would do if what it names were still there."""
_BY_CODE = re.compile(r"(.* (?:does not exist|exists already))(?: \(\w{5}\))?$")
"""What code that nobody can read may have made or dropped."""
SYNTAX_ERROR = "42601"
AFTER_GRAMMAR = 190000
"""The first server with a grammar that the parser doesn't know."""


def impact_of(walk: Walk, statement: StatementLike) -> StatementImpact:
    if not statement.possible and statement.then == "plain" and not statement.variables:
        shape = shape_of(statement.kind, statement.text)
        if shape is not None:
            return _repeated(walk, statement, shape)
    return _one(walk, statement, None)


def _repeated(walk: Walk, statement: StatementLike, shape: str) -> StatementImpact:
    """Statements that differ in their constants alone do the same: a script of 20,000 INSERTs is looked at once."""
    key = (walk.stamps, shape)
    known = walk.repeated.get(key)
    if known is None:
        node = None
        if len(statement.text) > 2 * len(shape):  # thousands of rows in one
            try:
                node = nodes.parse(shape)[0]
            except (nodes.ParseError, IndexError):
                return _one(walk, statement, None)
        known = _one(walk, statement, node)
        if not walk.by_value and (known.problem is None or known.kind != "UNPARSED"):
            walk.repeated[(walk.stamps, shape)] = known
        return known
    return replace(
        known,
        line=statement.line,
        end_line=statement.end_line,
        sql=statement.text,
        path=statement.path,
        held_until_line=statement.end_line,
    )


def many(one: StatementImpact, times: int) -> StatementImpact:
    took = one.estimated_ms
    return replace(
        one,
        times=times,
        rows=one.rows * times,
        bytes=one.bytes * times,
        estimated_ms=None if took is None else Estimate(took.low * times, took.high * times),
    )


def _one(walk: Walk, statement: StatementLike, node: Node | None) -> StatementImpact:
    out = Effect()
    problem: StatementProblem | None = None
    if statement.possible:
        out.certainty = "possible"
        out.notes.append("on a branch of \\if: it may not run")
    if statement.variables:
        out.certainty = "possible"
    kind = statement.kind
    if node is None and kind != "UNPARSED":
        node = statement.node
    if node is None and kind == "EMPTY":
        pass  # a stray semicolon
    elif node is None:
        trouble = statement.problem
        message = trouble.message if trouble is not None else "the parser can't read this statement"
        where = (trouble.line, trouble.column) if trouble else (statement.line, 0)
        problem = StatementProblem(message, *where, SYNTAX_ERROR)
        out.hide("what this statement does: it can't be parsed")
        if kind != "UNPARSED" or statement.variables or walk.version >= AFTER_GRAMMAR:  # the server may accept it
            for catalog in walk.catalogs:
                catalog.doubt()
    else:
        _in_all_worlds(walk, statement, [nodes.statement(tree) for tree in trees_of(statement, node)], out)
    walk.by_value = out.by_value
    if statement.variables:
        name_variables(out, statement.variables, statement.text)
    if statement.then == "gexec":
        out.hide("what \\gexec runs: SQL made at run time")
        for catalog in walk.catalogs:
            catalog.doubt()
    if out.no_transaction and walk.in_transaction:
        out.fail(f"{kind} is refused inside a transaction block", "25001")
    if problem is None and out.problem:
        problem = _refusal(out.problem, statement.line)
    return sum_up(walk, statement, out, problem)


def _refusal(told: str, line: int) -> StatementProblem:
    """What the rules say of a failure."""
    return StatementProblem(str(told), line, 0, sqlstate_of(told), told.startswith("inside "))


def _in_all_worlds(walk: Walk, statement: StatementLike, trees: Sequence[Node], out: Effect) -> None:
    """What a statement does in each of the catalogs that there may be by now; those in which it fails end here."""

    def act(world: World, into: Effect) -> list[World]:
        before = world.catalog.snapshot() if world.catalog.live else None
        scene = Scene(world.catalog, walk.rules, walk.version, statement.text)
        session = world.catalog.session
        for tree in trees:
            _apply_safely(tree, scene, into)
        if len(trees) > 1:  # safer SQL of one of them would not be all
            into.advice = [replace(one, safer_sql="") for one in into.advice]
        if session.read_only(in_block=walk.in_transaction):
            for tree in trees:
                writes(tree, scene, into)
        if scene.catalog.fresh_values:
            for tree in trees:
                fresh_value(tree, scene, into)
        if before is not None and into.locks:
            _as_before(before.state, scene.catalog, into)
        return [World(catalog) for catalog in scene.outcomes]

    doubts = walk.worlds[0].catalog.doubts
    doubts.texts.clear()
    earlier = walk.worlds[0].catalog.snapshot() if walk.live else None
    passed = pass_through(walk.worlds, act, out)
    if passed.alive:
        walk.worlds = passed.alive
        if out.hidden:
            for catalog in walk.catalogs:
                catalog.doubt()
    elif doubtful := walk.worlds[0].catalog.uncertain and _BY_CODE.match(passed.problem):
        out.unknown.append(f"whether {doubtful[1]}: {walk.worlds[0].catalog.why_uncertain}")
    else:
        out.fail(passed.problem)
    if earlier is not None:
        if not passed.alive or _nothing_there(walk, trees, out):
            _if_not_gone(walk, statement, trees, out)
        elif out.loss_class >= 3:
            walk.befores.append(earlier)
            del walk.befores[1 : -LOOKED_BACK + 1]
    for text in doubts.texts:
        out.hide(text)
    if doubts.crowded:
        out.hide("which of the branches before it have run: there are too many ways")


def _nothing_there(walk: Walk, trees: Sequence[Node], out: Effect) -> bool:
    """Whether it does nothing because what it is to drop is gone, after code that nobody can read."""
    return (
        not out.loss_class
        and walk.worlds[0].catalog.uncertain
        and any(nodes.kind(tree) == "DropStmt" and tree.missing_ok for tree in trees)
    )


def _if_not_gone(walk: Walk, statement: StatementLike, trees: Sequence[Node], out: Effect) -> None:
    """It fails, or does nothing, by what the script is told to have done before. Where one of those before it fails
    or does otherwise, it is as it was then: so it may destroy what is there without that."""
    now = walk.worlds[0].catalog
    for earlier in reversed(walk.befores):
        if earlier.state.stamp == now.stamp:
            continue
        catalog = now.clone()
        catalog.restore(earlier)
        catalog.session = now.session
        scene = Scene(catalog, walk.rules, walk.version, statement.text)
        inner = Effect(certainty="possible")
        for tree in trees:
            _apply_safely(tree, scene, inner)
        if inner.problem or inner.loss_class < 3:
            continue
        for lock in inner.locks.values():
            out.take_lock(lock, certainty="possible")
        for what, loss in inner.losses.items():
            if what not in out.losses:
                out.lose(loss, what, inner.lost.get(what), sure=False)
        out.notes.append("what it names is there where a statement before it fails or does otherwise: then it runs")
        return


def _as_before(state: State, catalog: Catalog, out: Effect) -> None:
    """Locks are told under the names that relations have when the statement begins, and as those of something new
    where the script has made it."""
    told: dict[Name, Lock] = {}
    for name, lock in out.locks.items():
        now = name
        if name not in state.relations and name not in state.indexes:
            origin = catalog.called_before(name)
            earlier = state.moved.get(origin, origin)
            now = earlier if earlier in state.relations else name
        relation = state.relations.get(now)
        new = lock.new
        if relation is not None:
            new = relation.new
        elif (table := state.indexes.get(now)) is not None:
            owner = state.relations[table]
            new = owner.new or next((index.new for index in owner.indexes if index.name == now), new)
        if now != name or new != lock.new:
            lock = replace(lock, schema=now.schema, relation=now.relation, new=new)
        known = told.get(now)
        if known is None or known.mode < lock.mode:
            told[now] = lock
    out.locks = told


def trees_of(statement: StatementLike, node: Node) -> Sequence[Node]:
    """The statement's tree, or all of those that the script joins with `\\;` into one."""
    return tuple(getattr(statement, "nodes", (node,))) if getattr(statement, "joined", False) else (node,)


def _apply_safely(node: Node, scene: Scene, out: Effect) -> None:
    """No rule's mistake may hide a statement: it is told as unknown."""
    try:
        scene.rules.apply(node, scene, out)
    except (AttributeError, IndexError, KeyError, ValueError, RecursionError) as error:
        out.hide(f"what this {nodes.kind(node).removesuffix('Stmt')} does ({type(error).__name__} in its rule)")
