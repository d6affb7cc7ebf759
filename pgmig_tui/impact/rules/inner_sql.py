"""SQL that functions and DO blocks run: parsed once, carried out in one world."""

from __future__ import annotations

from functools import lru_cache

from pgmig_tui.impact import nodes
from pgmig_tui.impact.effect import Effect, Scene
from pgmig_tui.impact.names import names_of_text
from pgmig_tui.impact.nodes import Node
from pgmig_tui.impact.shadow import Catalog
from pgmig_tui.impact.worlds import World


@lru_cache(maxsize=4096)
def parsed(text: str) -> tuple[Node, ...]:
    """The statements of a text that runs again and again. Raises ParseError."""
    return tuple(nodes.parse(text))


def carry_out(
    text: str,
    scene: Scene,
    world: World,
    out: Effect,
    *,
    made: bool = False,
    variables: frozenset[str] | None = frozenset(),
) -> list[World]:
    """Run SQL inside a function or DO block in one world; what comes of it. `made`: put together at run time;
    `variables` are the names of those that it may mean."""
    if not scene.code.spend():
        out.hide("what else is run: too much code calls other code")
        return [world]
    try:
        trees = parsed(text)
    except nodes.ParseError:
        out.hide(f"what {text[:60]!r} does")
        return [world]
    if made or scene.depth > 1:
        _want(text, world.catalog)
    inner = scene.inside(world.catalog, text, world.worth, variables)
    for tree in trees:
        scene.rules.apply(tree, inner, out)
    if out.no_transaction:
        out.no_transaction = out.temporary_locks = False
        out.fail("what must stand outside of a transaction can't run inside a function", "25001")
    return [World(catalog, world.worth) for catalog in inner.outcomes]


@lru_cache(maxsize=4096)
def does_nothing(text: str) -> bool:
    """Whether it is a constant, as in RETURN true."""
    try:
        return all(nodes.kind(inner) in _OF_CONSTANTS for tree in parsed(text) for inner in nodes.walk(tree))
    except nodes.ParseError:
        return False


_OF_CONSTANTS = frozenset({"SelectStmt", "ResTarget", "A_Const", "Integer", "Float", "Boolean", "String", "BitString"})


def _want(text: str, catalog: Catalog) -> None:
    catalog.want(names_of_text(text))
