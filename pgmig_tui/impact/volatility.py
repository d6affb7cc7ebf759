"""Is an expression volatile? It decides whether ADD COLUMN ... DEFAULT rewrites the table."""

from __future__ import annotations

from pgmig_tui.impact.builtin import known_volatility
from pgmig_tui.impact.effect import Scene
from pgmig_tui.impact.facts import FunctionFact, TypeFact
from pgmig_tui.impact.nodes import Node, ParseError, functions_in, kind, parse


def inlined(fact: FunctionFact) -> Node | None:
    """The expression that the planner puts in place of a call of an SQL function; None when it does not."""
    if fact.language != "sql" or not fact.body:
        return None
    try:
        trees = parse(fact.body)
    except ParseError:
        return None
    if len(trees) != 1 or kind(trees[0]) != "SelectStmt":
        return None
    filled = {field.name for field, _ in trees[0].ListFields()} - {"limit_option", "op"}
    return trees[0].target_list[0] if filled == {"target_list"} and len(trees[0].target_list) == 1 else None


def volatility(scene: Scene, expression: Node, depth: int = 0) -> str:
    """ "yes" when the expression is volatile, "no", or "unknown" for functions that nothing is known of."""
    verdict = "no"
    for parts, arguments in functions_in(expression):
        fact = scene.catalog.function(parts, arguments)
        if fact is not None:
            body = inlined(fact) if fact.volatility == "v" and depth < 4 else None
            if body is not None:
                inner = volatility(scene, body, depth + 1)
                if inner != "no":
                    return inner
            elif fact.volatility == "v":
                return "yes"
            continue
        known = known_volatility(parts)
        if known == "v":
            return "yes"
        if known is None:
            verdict = "unknown"
    return verdict


def default_volatility(scene: Scene, domain: TypeFact) -> str:
    """The same of a domain's own default."""
    if domain.default_calls == "v":
        return "yes"
    try:
        expression = parse(f"SELECT {domain.default}")[0].target_list[0]
    except (ParseError, IndexError):
        return "unknown"
    verdict = volatility(scene, expression)
    return "no" if verdict == "unknown" and domain.default_calls else verdict
