"""Functions, DO and CALL: what is inside counts, as far as it can be read."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from pgmig_tui.impact import nodes
from pgmig_tui.impact.effect import Effect, Scene, quote
from pgmig_tui.impact.facts import FunctionFact, Name
from pgmig_tui.impact.modes import AS
from pgmig_tui.impact.nodes import Node
from pgmig_tui.impact.shadow import ANY_NUMBER

_MAX_DEPTH = 4


def create_function(node: Node, scene: Scene, out: Effect) -> None:
    """CREATE FUNCTION runs nothing; SQL bodies are checked, which reads the tables that they name."""
    options = nodes.options(node.options)
    language = _text(options.get("language")).lower() or ("sql" if nodes.has(node, "sql_body") else "")
    body = ""
    if nodes.has(node, "sql_body"):
        _named(node.sql_body, scene, out)
    elif "as" in options:
        parts = nodes.strings(options["as"].arg.list.items)
        body = parts[0] if parts else ""
        if language == "sql" and body:
            try:
                for statement in nodes.parse(body):
                    _named(statement, scene, out)
            except nodes.ParseError as error:
                out.problem = f"its body can't be read: {error}"
    if nodes.has(node, "return_type"):
        _row_type(nodes.strings(node.return_type.names), scene, out)
    name = scene.catalog.creation_name(nodes.name_from(nodes.strings(node.funcname)))
    volatile = _text(options.get("volatility")) or "volatile"
    least, most = _arguments(node)
    body = scene.sql if language == "plpgsql" else body
    scene.catalog.put_function(FunctionFact(name, volatile[0], language, body, least=least, most=most))


def _arguments(node: Node) -> tuple[int, int]:
    """How many arguments a new function takes, at least and at most."""
    least = most = 0
    for item in node.parameters:
        parameter = item.function_parameter
        mode = nodes.enum_name("FunctionParameterMode", parameter.mode)
        if mode == "FUNC_PARAM_VARIADIC":
            return least, ANY_NUMBER
        if mode not in {"FUNC_PARAM_OUT", "FUNC_PARAM_TABLE"}:
            most += 1
            least += not nodes.has(parameter, "defexpr")
    return least, most


def _text(element: Node) -> str:
    if element is None:
        return ""
    inner = nodes.open_node(element.arg)
    return str(getattr(inner, "sval", ""))


def _named(node: Node, scene: Scene, out: Effect) -> None:
    from pgmig_tui.impact.rules.dml import query_locks

    inner = Effect()
    query_locks(node, scene, inner, plan=False)
    for lock in inner.locks.values():
        out.lock_name(lock.name, lock.relkind, lock.mode, "named in the body", lock.certainty, lock.new)


def _row_type(parts: list[str], scene: Scene, out: Effect) -> None:
    if not parts or parts[0] == "pg_catalog":
        return
    relation = scene.catalog.get(nodes.name_from(parts))
    if relation is not None and relation.kind in "rpvmfc":
        out.lock(relation, AS, "its row type is returned")


def do(node: Node, scene: Scene, out: Effect) -> None:
    options = nodes.options(node.args)
    language = _text(options.get("language")).lower() or "plpgsql"
    if language != "plpgsql":
        out.unknown.append(f"what the DO block in {language} does")
        return
    run_plpgsql(scene.sql, scene, out, "the DO block")


def call_procedure(node: Node, scene: Scene, out: Effect) -> None:
    run_function(nodes.strings(node.funccall.funcname), scene, out, constants(node.funccall.args))


def constants(arguments: Node) -> list[str | None]:
    """The arguments of a call as far as they are literals."""
    return [_fold(argument, {}) for argument in arguments]


def run_function(parts: list[str], scene: Scene, out: Effect, given: Sequence[str | None] = ()) -> None:
    """A function or procedure that is run now, with what is `given` to it (None = not constant): its locks are
    possible, never none."""
    fact = scene.catalog.function(parts, len(given))
    name = ".".join(parts)
    if fact is not None and fact.name.schema == "pg_catalog":
        return
    if fact is None or scene.depth >= _MAX_DEPTH:
        out.unknown.append(f"what {name}() does")
        return
    if fact.language == "plpgsql" and fact.body:
        run_plpgsql(fact.body, scene, out, f"{name}()", given)
    elif fact.language == "sql" and fact.body:
        _run_texts([fact.body], scene, out, f"inside {name}()", "likely")
    elif fact.language not in {"internal", "c"}:
        out.unknown.append(f"what {name}() does")


def embedded(sql: str) -> list[tuple[str, bool, bool]]:
    """(text, on a branch, dynamic) of the SQL inside a DO or CREATE FUNCTION; empty when unreadable."""
    tree = nodes.parse_plpgsql(sql)
    if tree is not None:
        return [(text, way != "", dynamic) for text, way, dynamic in _queries(tree, "")]
    try:
        node = nodes.parse(sql)[0]
    except (nodes.ParseError, IndexError):
        return []
    body = nodes.options(node.options).get("as") if nodes.kind(node) == "CreateFunctionStmt" else None
    return [] if body is None else [(text, False, False) for text in nodes.strings(body.arg.list.items)[:1]]


def constant_text(expression: str, worth: Mapping[str, str] = MappingProxyType({})) -> str | None:
    """The SQL that EXECUTE runs, when its text is put together of literals and of variables whose `worth` is known;
    None when it is not.
    """
    try:
        trees = nodes.parse(f"SELECT {expression}")
    except nodes.ParseError:
        return None
    if len(trees) != 1 or len(trees[0].target_list) != 1:
        return None
    return _fold(trees[0].target_list[0].res_target.val, worth)


def _fold(node: Node, worth: Mapping[str, str]) -> str | None:
    which = node.WhichOneof("node")
    if which == "type_cast":
        return _fold(node.type_cast.arg, worth)
    if which == "column_ref":
        names = nodes.strings(node.column_ref.fields)
        return worth.get(names[-1]) if names else None
    if which == "param_ref":
        return worth.get(f"${node.param_ref.number}")
    if which == "named_arg_expr":
        return None
    if which == "a_const":
        kind = node.a_const.WhichOneof("val")
        return node.a_const.sval.sval if kind == "sval" else (str(node.a_const.ival.ival) if kind == "ival" else None)
    if which == "a_expr" and nodes.strings(node.a_expr.name) == ["||"]:
        left, right = _fold(node.a_expr.lexpr, worth), _fold(node.a_expr.rexpr, worth)
        return None if left is None or right is None else left + right
    if which == "func_call":
        values = [_fold(arg, worth) for arg in node.func_call.args]
        if values and None not in values:
            return _fold_call(nodes.strings(node.func_call.funcname)[-1], [value or "" for value in values])
    return None


def _fold_call(name: str, values: list[str]) -> str | None:
    if name == "format":
        rest = iter(values[1:])

        def fill(found: re.Match[str]) -> str:
            if found[1] == "%":
                return "%"
            value = next(rest, "")
            return quote(value) if found[1] == "I" else (quote_literal(value) if found[1] == "L" else value)

        return re.sub(r"%([sIL%])", fill, values[0]) if "$" not in values[0] else None
    if name == "concat":
        return "".join(values)
    if name == "quote_ident":
        return quote(values[0])
    return quote_literal(values[0]) if name == "quote_literal" else None


def quote_literal(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _parameters(sql: str, given: Sequence[str | None]) -> dict[str, str]:
    """What a function's parameters are worth, by name and by number."""
    if not any(value is not None for value in given):
        return {}
    try:
        declared = nodes.parse(sql)[0].parameters
    except (nodes.ParseError, IndexError, AttributeError):
        return {}
    names = [item.function_parameter.name for item in declared
             if nodes.enum_name("FunctionParameterMode", item.function_parameter.mode)
             not in {"FUNC_PARAM_OUT", "FUNC_PARAM_TABLE"}]  # fmt: skip
    worth = {f"${number}": value for number, value in enumerate(given, 1) if value is not None}
    worth.update({name: value for name, value in zip(names, given, strict=False) if value is not None})
    return worth


def run_plpgsql(sql: str, scene: Scene, out: Effect, what: str, given: Sequence[str | None] = ()) -> None:
    """Static SQL in a plpgsql body; what is dynamic is said. `sql` is the whole DO or CREATE FUNCTION."""
    tree = nodes.parse_plpgsql(sql)
    worth = _parameters(sql, given)
    if tree is None:
        out.unknown.append(f"what {what} does: its body can't be read")
        _guess(sql, scene, out)
        return
    ways: dict[str, list[str]] = {"": [], _BRANCH: [], _UNDONE: []}
    for text, way, dynamic in _queries(tree, ""):
        if dynamic:
            constant = constant_text(text, worth)
            if constant is None:
                out.unknown.append(f"what EXECUTE {text[:60]} in {what} runs")
                continue
            text = constant
        ways[way].append(text)
    _run_texts(ways[""], scene, out, f"inside {what}", "likely")
    _run_texts(ways[_BRANCH], scene, out, f"inside {what}, on a branch", "possible")
    if ways[_UNDONE]:
        before = scene.catalog.snapshot()
        _run_texts(ways[_UNDONE], scene, out, f"inside {what}, then undone", "possible")
        scene.catalog.restore(before)


_BRANCHES = {
    "PLpgSQL_stmt_if", "PLpgSQL_stmt_case", "PLpgSQL_stmt_loop", "PLpgSQL_stmt_while", "PLpgSQL_stmt_fori",
    "PLpgSQL_stmt_fors", "PLpgSQL_stmt_forc", "PLpgSQL_stmt_foreach_a", "PLpgSQL_stmt_dynfors",
}  # fmt: skip
# what of these runs or not; the condition, and the query that is looped over, always run
_BODIES = {"body", "then_body", "elsif_list", "else_body", "else_stmts", "case_when_list"}
_DYNAMIC = {"PLpgSQL_stmt_dynexecute", "PLpgSQL_stmt_dynfors"}


_BRANCH, _UNDONE = "branch", "undone"


def _queries(tree: Any, way: str, dynamic: bool = False, inside: str = "") -> Iterator[tuple[str, str, bool]]:
    """(text, way, dynamic) of every embedded SQL text. The way: "" always, on a branch, or undone: in a block that
    fails for certain, and catches that. `inside` is the node that the tree belongs to."""
    if isinstance(tree, list):
        for item in tree:
            yield from _queries(item, way, dynamic, inside)
    elif isinstance(tree, dict):
        # a block that catches its own error gives its locks back; what its handlers do stays
        undone = "exceptions" in tree and _raises(tree.get("body", []))
        for key, value in tree.items():
            if undone and key == "body":
                yield from _queries(value, _UNDONE, dynamic)
                continue
            if key == "PLpgSQL_expr":
                mode = value.get("parseMode", 0)
                if mode == 0 or dynamic:
                    yield value["query"], way, dynamic
                elif mode == 2:
                    yield f"SELECT {value['query']}", way, False
                elif mode in {3, 4, 5} and ":=" in value["query"]:
                    yield f"SELECT {value['query'].split(':=', 1)[1]}", way, False
            else:
                branches = key == "exceptions" or (inside in _BRANCHES and key in _BODIES)
                inner = _BRANCH if not way and branches else way
                yield from _queries(value, inner, key in _DYNAMIC or (dynamic and key == "query"), key)


def _raises(body: list[dict[str, Any]]) -> bool:
    """Whether a block comes to a RAISE EXCEPTION of its own for certain."""
    return any(item.get("PLpgSQL_stmt_raise", {}).get("elog_level") == 21 for item in body)


def _run_texts(texts: list[str], scene: Scene, out: Effect, why: str, certainty: str) -> None:
    from pgmig_tui.impact.rules import apply

    for text in texts:
        inner = Effect(certainty=certainty)
        try:
            for statement in nodes.parse(text):
                apply(statement, Scene(scene.catalog, scene.version, text, scene.depth + 1), inner)
        except nodes.ParseError:
            out.unknown.append(f"what {text[:60]!r} does")
            continue
        _merge(inner, out, why, certainty)


def _merge(inner: Effect, out: Effect, why: str, certainty: str) -> None:
    for lock in inner.locks.values():
        out.lock_name(lock.name, lock.relkind, lock.mode, f"{lock.why}, {why}", lock.certainty, lock.new)
    out.rewrites.update(inner.rewrites)
    out.scans.update(inner.scans)
    out.rebuilds.update(inner.rebuilds)
    for what, loss in inner.losses.items():
        out.lose(loss, what, inner.lost.get(what))
    out.advice.extend(inner.advice)
    out.unknown.extend(inner.unknown)
    out.breaks.extend(inner.breaks)
    out.no_transaction = out.no_transaction or inner.no_transaction


_TABLES = re.compile(
    r"\b(?:alter\s+table(?:\s+if\s+exists)?(?:\s+only)?|drop\s+table(?:\s+if\s+exists)?|truncate(?:\s+table)?|"
    r"insert\s+into|update|delete\s+from)\s+((?:[a-z_]\w*\.)?[a-z_]\w*)",
    re.IGNORECASE,
)


def _guess(sql: str, scene: Scene, out: Effect) -> None:
    """Tables named in a body that can't be read: possible, never none."""
    for match in _TABLES.finditer(sql):
        parts = match[1].lower().split(".")
        name = Name(parts[0] if len(parts) > 1 else "", parts[-1])
        if scene.catalog.live and scene.catalog.missing(name):
            continue
        from pgmig_tui.impact.modes import AE, RE

        weak = match[0].lower().startswith(("insert", "update", "delete"))
        out.lock(scene.catalog.relation(name), RE if weak else AE, "named in a body that can't be read", "possible")


def alter_function(node: Node, scene: Scene, out: Effect) -> None:
    """Nothing of a table is locked."""


RULES = {
    "CreateFunctionStmt": create_function,
    "DoStmt": do,
    "CallStmt": call_procedure,
    "AlterFunctionStmt": alter_function,
}
