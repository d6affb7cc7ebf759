"""Functions and procedures that are called: which of them, with what, as whom; what their bodies do is `body`."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

from pgmig_tui.impact import nodes
from pgmig_tui.impact.builtin import builtin_functions
from pgmig_tui.impact.effect import Effect, Scene, weaker
from pgmig_tui.impact.facts import FunctionFact, Name
from pgmig_tui.impact.folding import NOTHING, fold
from pgmig_tui.impact.known import TAKES_STATISTICS, harmless, is_known
from pgmig_tui.impact.nodes import Node
from pgmig_tui.impact.rules.body import run_block, run_sql
from pgmig_tui.impact.rules.implicit_calls import perhaps
from pgmig_tui.impact.rules.parameters import is_given
from pgmig_tui.impact.rules.permitted import function_permitted
from pgmig_tui.impact.rules.statistics import take_statistics
from pgmig_tui.impact.session import ROLE
from pgmig_tui.impact.shadow import Catalog
from pgmig_tui.impact.shadow_objects import ANY_NUMBER

_MAX_DEPTH = 12
_WORD = re.compile(r"[\w$]+")


def given_in_order(node: Node, scene: Scene) -> list[str | None]:
    """What a call gives to the function, in the order of its parameters."""
    return constants(in_order(node.args, nodes.strings(node.funcname), scene.catalog), scene.worth)


def constants(arguments: Iterable[Node | None], worth: Mapping[str, str] = NOTHING) -> list[str | None]:
    """The arguments of a call as far as they are known."""
    return [None if argument is None else fold(argument, worth) for argument in arguments]


def run_function(
    parts: list[str], scene: Scene, out: Effect, given: Sequence[str | None] = (), worth: Mapping[str, str] = NOTHING
) -> None:
    """A function or procedure that is run now, with what is `given` to it (None = not known) and further variables:
    its locks are possible, never none."""
    name, catalog = ".".join(parts), scene.catalog
    # Aggregates may be given fewer arguments than they take, others more by their types' conversions.
    facts = catalog.functions(parts, len(given)) or catalog.functions(parts)
    if not facts:
        if is_known(parts):
            if _newer(parts, catalog) and not _may_be(parts, catalog):
                out.fail(f"the function {name}() does not exist on this server", "42883")
            return
        if catalog.live and catalog.asked(nodes.name_from(parts)) and not _may_be(parts, catalog):
            out.fail(f"the function {name}() does not exist", "42883")
        else:
            out.hide(f"what {name}() does")
        return
    if catalog.live and not catalog.uncertain and all(len(given) > fact.most for fact in facts) and not is_known(parts):
        out.fail(f"no function {name}() takes {len(given)} arguments", "42883")
        return
    if catalog.live and not catalog.uncertain and _ambiguous(facts, len(given)):
        out.fail(f"the function {name}() is not unique: its defaults make several fit", "42725")
        return
    for fact in facts:
        if len(facts) == 1:
            _run_one(fact, name, scene, out, given, worth)
            continue
        # One of these, by the types of its arguments.
        inner = Effect(certainty="possible")
        _run_one(fact, name, scene, inner, given, worth)
        for lock in inner.locks.values():
            out.take_lock(lock, certainty="possible")
        out.absorb(inner)


def _ambiguous(facts: Sequence[FunctionFact], given: int) -> bool:
    """Whether a call may mean several functions alike: they take the same, but for parameters with defaults."""
    fitting = [fact for fact in facts if fact.least <= given <= fact.most and fact.most < ANY_NUMBER]
    if len(fitting) < 2 or len(fitting) < len(facts) or len({fact.name for fact in fitting}) > 1:
        return False
    alike = {fact.takes[:given] for fact in fitting}
    return len(alike) == 1 and all(
        len(fact.takes) == fact.most and all(t.schema for t in fact.takes) for fact in fitting
    )


def _newer(parts: list[str], catalog: Catalog) -> bool:
    """Whether a function that some version of the server has is one that this server was asked for, and lacks."""
    scope = catalog.facts.scope
    if scope is None or len(parts) > 1 or Name("", parts[-1]) not in scope.asked.all:
        return False
    return parts[-1] in builtin_functions() and "pg_catalog" in scope.there


def _may_be(parts: list[str], catalog: Catalog) -> bool:
    """Whether what looks like a call may be something else: a cast to a type of that name, or a column of a row."""
    name = parts[-1]
    if catalog.uncertain or catalog.session.lost or catalog.type(parts) is not None:
        return True
    return (
        any(name in relation.columns for _, relation in catalog.relations()) or catalog.get(Name("", name)) is not None
    )


def _run_one(
    fact: FunctionFact, name: str, scene: Scene, out: Effect, given: Sequence[str | None], worth: Mapping[str, str]
) -> None:
    if fact.name.schema == "pg_catalog" or not function_permitted(fact, scene, out) or harmless(fact):
        return
    if fact.language == "internal" and fact.body in TAKES_STATISTICS:
        take_statistics(fact.body, given, scene, out)
        return
    if fact.language not in {"plpgsql", "sql"} or not fact.body:
        out.hide(f"what {name}() does")
        return
    body = _lowered(fact.body)
    row = "new" in body or "old" in body  # what fields they have is the table's to say
    fired = {name: value for name, value in worth.items() if name == "tg_op"}  # it has transition tables, too
    worth = {name: value for name, value in worth.items() if name in body or (row and name.startswith("tg_"))}
    given = [value if _asks_for(fact, number) else None for number, value in enumerate(given)]
    session = scene.catalog.session
    key = (fact.name, fact.least, fact.most, tuple(given), tuple(sorted(worth.items())), session.path, session.role)
    if not scene.code.first(weaker(out.certainty, "likely"), *key):  # nothing in a body is more than likely
        return
    perhaps(fact.coerces, scene, out)
    if scene.depth >= _MAX_DEPTH:
        out.hide(f"what functions do that are called {_MAX_DEPTH} deep")
    else:
        _run_body(fact, name, scene, out, {**fired, **worth, **_parameters(fact, given)})


def _run_body(fact: FunctionFact, name: str, scene: Scene, out: Effect, values: Mapping[str, str]) -> None:
    before = scene.catalog.session
    settings = (*fact.settings, *_as_owner(fact))
    for setting, value in settings:
        scene.catalog.session = scene.catalog.session.changed(setting, value)
    run = run_block if fact.language == "plpgsql" else run_sql
    run(fact.body, scene, out, f"{name}()", values, fact.parameters)
    for setting, _ in settings:
        for catalog in scene.outcomes:
            catalog.session = catalog.session.restored(setting, before)


@lru_cache(maxsize=4096)
def _lowered(text: str) -> str:
    return text.lower()


def _asks_for(fact: FunctionFact, position: int) -> bool:
    """Whether a function's code names this parameter: where it doesn't, all values are alike."""
    words = _words(fact.body)
    name = fact.parameters[position].lower() if position < len(fact.parameters) else ""
    if f"${position + 1}" in words or not _WORD.fullmatch(name):
        return True
    declared = fact.language == "plpgsql"  # there the parameters' own list is part of the text
    return words.get(name, 0) > declared


@lru_cache(maxsize=4096)
def _words(text: str) -> Counter[str]:
    """How often each word stands in a text, in small letters."""
    return Counter(_WORD.findall(text.lower()))


def _as_owner(fact: FunctionFact) -> tuple[tuple[str, str], ...]:
    """SECURITY DEFINER: it runs as its owner."""
    return ((ROLE, fact.owner),) if fact.definer and fact.owner else ()


def _parameters(fact: FunctionFact, given: Sequence[str | None]) -> dict[str, str]:
    """What a function's parameters are worth, by number and by name."""
    worth = {f"${number}": value for number, value in enumerate(given, 1) if value is not None}
    declared = _declared(fact)
    names = fact.parameters or [name for name, _ in declared]
    worth |= {name.lower(): value for name, value in zip(names, given, strict=False) if name and value is not None}
    for number, (name, default) in enumerate(declared, 1):
        if number > len(given) and default is not None:
            worth |= {f"${number}": default} | ({name.lower(): default} if name else {})
    return worth


def _declared(fact: FunctionFact) -> list[tuple[str, str | None]]:
    """The parameters by the function's own text, with the defaults that are constants."""
    return _declared_in(fact.body) if fact.language == "plpgsql" else []


@lru_cache(maxsize=4096)
def _declared_in(text: str) -> list[tuple[str, str | None]]:
    try:
        declared = nodes.parse(text)[0].parameters
    except (nodes.ParseError, IndexError, AttributeError):
        return []
    return [
        (one.name, fold(one.defexpr, NOTHING) if nodes.has(one, "defexpr") else None)
        for item in declared
        if is_given(one := item.function_parameter)
    ]


def in_order(arguments: Node, parts: list[str], catalog: Catalog) -> list[Node | None]:
    """The arguments of a call as the function takes them, where some are given by name (f(a => 1)); None = left out."""
    plain: list[Node | None] = [one for one in arguments if one.WhichOneof("node") != "named_arg_expr"]
    named = {
        one.named_arg_expr.name: one.named_arg_expr.arg
        for one in arguments
        if one.WhichOneof("node") == "named_arg_expr"
    }
    facts = catalog.functions(parts) if named else []
    if len(facts) != 1:
        return [*plain, *named.values()]
    wanted = list(facts[0].parameters) or [name for name, _ in _declared(facts[0])]
    last = max((wanted.index(name) for name in named if name in wanted), default=-1)
    return [*plain, *(named.get(name) for name in wanted[len(plain) : last + 1])]
