"""Functions, DO and CALL: what is inside counts, as far as it can be read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace as with_changes

from pgmig_tui.impact import nodes
from pgmig_tui.impact.effect import Effect, Scene
from pgmig_tui.impact.facts import FunctionFact, Name
from pgmig_tui.impact.modes import AS
from pgmig_tui.impact.nodes import Node
from pgmig_tui.impact.rules.body import run_block
from pgmig_tui.impact.rules.carry import function_made
from pgmig_tui.impact.rules.columns import missing_columns
from pgmig_tui.impact.rules.function_call import given_in_order, run_function
from pgmig_tui.impact.rules.implicit_calls import types_in
from pgmig_tui.impact.rules.parameters import argument_range, is_given, parameter_names, signature
from pgmig_tui.impact.rules.query import query_locks
from pgmig_tui.impact.rules.types import type_of
from pgmig_tui.impact.session import FOLLOWED, SEARCH_PATH, path_text
from pgmig_tui.impact.shadow import Catalog


def create_function(node: Node, scene: Scene, out: Effect) -> None:
    """CREATE FUNCTION runs nothing; SQL bodies are checked, which reads the tables that they name."""
    options = nodes.options(node.options)
    language = _text(options.get("language")).lower() or ("sql" if nodes.has(node, "sql_body") else "")
    body = ""
    around = scene.catalog.session
    for setting, value in _settings(item.def_elem for item in node.options):  # its body is looked at with these
        scene.catalog.session = scene.catalog.session.changed(setting, value)
    if nodes.has(node, "sql_body"):
        _named(node.sql_body, scene, out, parameter_names(node))
    elif "as" in options:
        parts = nodes.strings(options["as"].arg.list.items)
        body = parts[0] if parts else ""
        if language == "sql" and body:
            try:
                for statement in nodes.parse(body):
                    _named(statement, scene, out, parameter_names(node))
            except nodes.ParseError as error:
                out.fail(f"its body can't be read: {error}", "42601")
    scene.catalog.session = around
    if nodes.has(node, "return_type"):
        _row_type(nodes.strings(node.return_type.names), scene, out)
    name = scene.catalog.creation_name(nodes.name_from(nodes.strings(node.funcname)))
    volatile = _text(options.get("volatility")) or "volatile"
    least, most = argument_range(node)
    body = scene.sql if language == "plpgsql" else body
    settings = tuple(_settings(item.def_elem for item in node.options))
    parameters = tuple(item.function_parameter.name for item in node.parameters if is_given(item.function_parameter))
    types = (*(item.function_parameter.arg_type for item in node.parameters), node.return_type)
    fact = FunctionFact(
        name,
        volatile[0],
        language,
        body,
        least=least,
        most=most,
        settings=settings,
        parameters=parameters,
        takes=signature(node.parameters, scene.catalog),
        gives=_gives(node, scene.catalog),
        made=True,
        owner=scene.catalog.role,
        acl=scene.catalog.access.of_new,
        definer="security" in options and nodes.is_on(options["security"]),
        coerces=tuple(function for one in types for function in types_in(one, scene.catalog, "c")),
    )
    _refuse_twice(fact, scene, out, replaced=bool(node.replace))
    before = scene.catalog.replaced_by(fact)
    if before is not None:  # what hangs on it stays, and the server knows it
        fact = with_changes(fact, made=before.made, dependents=before.dependents, owner=before.owner, acl=before.acl)
    scene.catalog.put_function(fact)
    function_made(scene.catalog, fact, node.sql_body if nodes.has(node, "sql_body") else None)


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


def _text(element: Node) -> str:
    if element is None:
        return ""
    inner = nodes.open_node(element.arg)
    return str(getattr(inner, "sval", ""))


def _named(node: Node, scene: Scene, out: Effect, parameters: frozenset[str]) -> None:
    """What a body names is looked for when the function is made, unless check_function_bodies is off."""
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
