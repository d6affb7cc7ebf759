"""Functions, DO and CALL: what is inside counts, as far as it can be read."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace as with_changes
from functools import lru_cache

from pgmig_tui.impact import nodes
from pgmig_tui.impact.builtin import builtin_functions, builtin_types
from pgmig_tui.impact.effect import Effect, Scene, weaker
from pgmig_tui.impact.facts import FunctionFact, Name
from pgmig_tui.impact.folding import NOTHING, fold
from pgmig_tui.impact.known import harmless, is_known
from pgmig_tui.impact.modes import AS
from pgmig_tui.impact.nodes import Node
from pgmig_tui.impact.plpgsql import steps_of, texts_of
from pgmig_tui.impact.rules.body import run_block, run_sql
from pgmig_tui.impact.rules.calls import perhaps, types_in
from pgmig_tui.impact.rules.carry import function_made
from pgmig_tui.impact.rules.permitted import function_permitted
from pgmig_tui.impact.rules.statistics import TAKES_STATISTICS, take_statistics
from pgmig_tui.impact.session import FOLLOWED, ROLE, SEARCH_PATH, path_text
from pgmig_tui.impact.shadow import ANY_NUMBER, Catalog
from pgmig_tui.impact.typechange import type_name

_MAX_DEPTH = 12
_WORD = re.compile(r"[\w$]+")


def create_function(node: Node, scene: Scene, out: Effect) -> None:
    """CREATE FUNCTION runs nothing; SQL bodies are checked, which reads the tables that they name."""
    options = nodes.options(node.options)
    language = _text(options.get("language")).lower() or ("sql" if nodes.has(node, "sql_body") else "")
    body = ""
    around = scene.catalog.session
    for setting, value in _settings(item.def_elem for item in node.options):  # its body is looked at with these
        scene.catalog.session = scene.catalog.session.changed(setting, value)
    if nodes.has(node, "sql_body"):
        _named(node.sql_body, scene, out, _parameter_names(node))
    elif "as" in options:
        parts = nodes.strings(options["as"].arg.list.items)
        body = parts[0] if parts else ""
        if language == "sql" and body:
            try:
                for statement in nodes.parse(body):
                    _named(statement, scene, out, _parameter_names(node))
            except nodes.ParseError as error:
                out.fail(f"its body can't be read: {error}", "42601")
    scene.catalog.session = around
    if nodes.has(node, "return_type"):
        _row_type(nodes.strings(node.return_type.names), scene, out)
    name = scene.catalog.creation_name(nodes.name_from(nodes.strings(node.funcname)))
    volatile = _text(options.get("volatility")) or "volatile"
    least, most = _arguments(node)
    body = scene.sql if language == "plpgsql" else body
    settings = tuple(_settings(item.def_elem for item in node.options))
    parameters = tuple(item.function_parameter.name for item in node.parameters if _takes(item.function_parameter))
    types = (*(item.function_parameter.arg_type for item in node.parameters), node.return_type)
    fact = FunctionFact(
        name, volatile[0], language, body, least=least, most=most, settings=settings, parameters=parameters,
        takes=signature(node.parameters, scene.catalog), gives=_gives(node, scene.catalog), made=True,
        owner=scene.catalog.role, acl=scene.catalog.access.of_new,
        definer="security" in options and nodes.is_on(options["security"]),
        coerces=tuple(function for one in types for function in types_in(one, scene.catalog, "c")),
    )  # fmt: skip
    _refuse_twice(fact, scene, out, replaced=bool(node.replace))
    before = scene.catalog.replaced_by(fact)
    if before is not None:  # what hangs on it stays, and the server knows it
        fact = with_changes(fact, made=before.made, dependents=before.dependents, owner=before.owner, acl=before.acl)
    scene.catalog.put_function(fact)
    function_made(scene.catalog, fact, node.sql_body if nodes.has(node, "sql_body") else None)


def signature(parameters: Iterable[Node], catalog: Catalog) -> tuple[Name, ...]:
    """The types that a function takes."""
    return tuple(
        type_of(item.function_parameter.arg_type, catalog) for item in parameters if _takes(item.function_parameter)
    )


def type_of(node: Node, catalog: Catalog) -> Name:
    """A type's name as the catalog has it; without a schema where it isn't known."""
    written = type_name(node)
    parts = [written.schema, written.name] if written.schema else [written.name]
    fact = catalog.type(parts) if written.schema != "pg_catalog" else None
    relation = catalog.get(nodes.name_from(parts)) if fact is None and written.schema != "pg_catalog" else None
    prefix = "_" if written.array else ""
    if fact is not None:
        return Name(fact.name.schema, prefix + fact.name.relation)
    if relation is not None:
        return Name(relation.name.schema, prefix + relation.name.relation)
    builtin = written.name in builtin_types() or written.schema == "pg_catalog"
    return Name("pg_catalog" if builtin else written.schema, prefix + written.name)


def _gives(node: Node, catalog: Catalog) -> Name | None:
    if not nodes.has(node, "return_type") or node.return_type.setof:
        return None
    return type_of(node.return_type, catalog)


def _refuse_twice(fact: FunctionFact, scene: Scene, out: Effect, *, replaced: bool) -> None:
    """A function of that name that takes the same is there: it must be replaced, and give the same."""
    if not scene.catalog.live:
        return
    for known in scene.catalog.functions([fact.name.schema, fact.name.relation]):
        if known.takes != fact.takes or known.most != fact.most or not all(one.schema for one in fact.takes):
            continue
        if not replaced:
            out.fail(f"the function {fact.name} exists already, and takes the same", "42723")
        elif renamed := _renamed(known, fact):
            out.fail(f"the parameter {renamed} of {fact.name} can't get another name", "42P13")
        elif known.gives and fact.gives and fact.gives.schema and known.gives != fact.gives:
            out.fail(f"the function {fact.name} gives something else: it can't be replaced", "42P13")


def _renamed(known: FunctionFact, fact: FunctionFact) -> str:
    """The first parameter of a function that has a name, and would get another one or none."""
    if len(known.parameters) != len(fact.parameters) or len(fact.parameters) != len(fact.takes):
        return ""
    return next((one for one, new in zip(known.parameters, fact.parameters, strict=True) if one and one != new), "")


def _takes(parameter: Node) -> bool:
    """Whether a call gives this parameter a value."""
    mode = nodes.enum_name("FunctionParameterMode", parameter.mode)
    return mode not in {"FUNC_PARAM_OUT", "FUNC_PARAM_TABLE"}


def _arguments(node: Node) -> tuple[int, int]:
    """How many arguments a new function takes, at least and at most."""
    least = most = 0
    for item in node.parameters:
        parameter = item.function_parameter
        if nodes.enum_name("FunctionParameterMode", parameter.mode) == "FUNC_PARAM_VARIADIC":
            return least, ANY_NUMBER
        if _takes(parameter):
            most += 1
            least += not nodes.has(parameter, "defexpr")
    return least, most


def _text(element: Node) -> str:
    if element is None:
        return ""
    inner = nodes.open_node(element.arg)
    return str(getattr(inner, "sval", ""))


def _parameter_names(node: Node) -> frozenset[str]:
    """The names that parameters of a new function have, its own name among them: it may stand before theirs."""
    names = {item.function_parameter.name for item in node.parameters}
    return frozenset({*names, nodes.strings(node.funcname)[-1]})


def _named(node: Node, scene: Scene, out: Effect, parameters: frozenset[str]) -> None:
    """What a body names is looked for when the function is made, unless check_function_bodies is off."""
    from pgmig_tui.impact.rules.columns import missing_columns
    from pgmig_tui.impact.rules.dml import query_locks

    inner = Effect()
    query_locks(node, scene, inner, plan=False)
    for statement in [node] if nodes.kind(node) != "Node" else _atomic(node):
        missing_columns(statement, with_changes(scene, variables=parameters), inner)
    if scene.catalog.live and (scene.catalog.session.get("check_function_bodies") or "on") == "on":
        out.fail(inner.problem)
    for lock in inner.locks.values():
        out.lock_name(lock.name, lock.relkind, lock.mode, "named in the body", lock.certainty, lock.new)


def _atomic(body: Node) -> list[Node]:
    """The statements of a body of SQL's own form: one, or those between BEGIN ATOMIC and END."""
    inner = nodes.open_node(body)
    lists = [inner] if nodes.kind(inner) == "List" else []
    for one in lists:
        lists += [item.list for item in one.items if item.WhichOneof("node") == "list"]
    found = [nodes.open_node(item) for one in lists for item in one.items if item.WhichOneof("node") != "list"]
    return found if lists else [inner]


def _row_type(parts: list[str], scene: Scene, out: Effect) -> None:
    if not parts or parts[0] == "pg_catalog":
        return
    relation = scene.catalog.get(nodes.name_from(parts))
    if relation is not None and relation.kind in "rpvmfc":
        out.lock(relation, AS, "its row type is returned")


def do(node: Node, scene: Scene, out: Effect) -> None:
    options = nodes.options(node.args)
    language = _text(options.get("language")).lower() or "plpgsql"
    if language in {"sql", "c", "internal"}:
        out.fail(f"DO knows no blocks in the language {language}", "0A000")
        return
    if language != "plpgsql":
        out.hide(f"what the DO block in {language} does")
        return
    run_block(scene.sql, scene, out, "the DO block", scene.worth)


def call_procedure(node: Node, scene: Scene, out: Effect) -> None:
    run_function(nodes.strings(node.funccall.funcname), scene, out, given_in_order(node.funccall, scene))


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
            out.lock_name(lock.name, lock.relkind, lock.mode, lock.why, "possible", lock.new)
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
        if _takes(one := item.function_parameter)
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


def embedded(sql: str) -> list[tuple[str, bool]]:
    """(text, dynamic) of the SQL inside a DO or CREATE FUNCTION; empty when unreadable."""
    steps = steps_of(sql)
    if steps is not None:
        return list(texts_of(steps))
    try:
        node = nodes.parse(sql)[0]
    except (nodes.ParseError, IndexError):
        return []
    body = nodes.options(node.options).get("as") if nodes.kind(node) == "CreateFunctionStmt" else None
    return [] if body is None else [(text, False) for text in nodes.strings(body.arg.list.items)[:1]]


def alter_function(node: Node, scene: Scene, out: Effect) -> None:
    """Nothing of a table is locked; its SET clauses count from now on."""
    parts = nodes.strings(node.func.objname)
    options = [item.def_elem for item in node.actions]
    changed = dict(_settings(options))
    if any(option.defname == "set" and _resets_all(option) for option in options):
        changed = (
            dict.fromkeys((name for fact in scene.catalog.functions(parts) for name, _ in fact.settings), "") | changed
        )
    if changed:
        scene.catalog.set_for_function(parts, changed)
    security = nodes.options(node.actions).get("security")
    for fact in scene.catalog.functions(parts) if security is not None else ():
        scene.catalog.put_function(with_changes(fact, definer=nodes.is_on(security)))


def _resets_all(option: Node) -> bool:
    return nodes.enum_name("VariableSetKind", nodes.open_node(option.arg).kind) == "VAR_RESET_ALL"


def _settings(options: Iterable[Node]) -> Iterator[tuple[str, str]]:
    """The SET clauses among a function's options; "" where one is taken back."""
    for option in options:
        if option.defname != "set":
            continue
        setting = nodes.open_node(option.arg)
        name, values = setting.name.lower(), [nodes.constant(item) for item in setting.args]
        if name in FOLLOWED and None not in values:
            texts = [value or "" for value in values]
            yield name, path_text(texts) if name == SEARCH_PATH and texts else "".join(texts)


RULES = {
    "CreateFunctionStmt": create_function,
    "DoStmt": do,
    "CallStmt": call_procedure,
    "AlterFunctionStmt": alter_function,
}
