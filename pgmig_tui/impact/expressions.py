"""What an expression is of, and whether it hangs on more than its arguments: as far as types of pg_catalog tell.

Source: parse_oper.c, parse_coerce.c, pg_proc and pg_operator of 13 to 18. "" is a type that isn't known, LITERAL one of
a text that takes any type.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from pgmig_tui.impact import nodes
from pgmig_tui.impact.builtin import builtin_types, known_volatility
from pgmig_tui.impact.casts import comparable
from pgmig_tui.impact.effect import Scene
from pgmig_tui.impact.facts import Column
from pgmig_tui.impact.nodes import Node
from pgmig_tui.impact.refusal import Refusal
from pgmig_tui.impact.typechange import type_name
from pgmig_tui.impact.volatility import inlined

LITERAL = "unknown"
Types = Callable[[Node], str]
"""The type of a column that an expression names."""

_COMPARING = frozenset({"=", "<>", "!=", "<", ">", "<=", ">="})
_NUMBERS = ("int2", "int4", "int8", "numeric", "float4", "float8")
_STRINGS = frozenset({"text", "varchar", "bpchar", "name"})
_CALLS = {
    "count": "int8", "now": "timestamptz", "clock_timestamp": "timestamptz", "lower": "text", "upper": "text",
    "concat": "text", "to_char": "text", "md5": "text", "replace": "text", "btrim": "text", "row_number": "int8",
    "gen_random_uuid": "uuid", "nextval": "int8", "length": "int4", "format": "text", "quote_ident": "text",
}  # fmt: skip
_MIXED = frozenset(
    {"age", "date", "date_add", "date_part", "date_subtract", "date_trunc", "extract", "generate_series", "in_range",
     "json_to_tsvector", "jsonb_to_tsvector", "length", "numeric", "overlaps", "phraseto_tsquery", "plainto_tsquery",
     "quote_literal", "quote_nullable", "time", "timestamp", "timestamptz", "timetz", "timezone", "to_timestamp",
     "to_tsquery", "to_tsvector", "ts_headline", "ts_parse", "ts_rewrite", "ts_token_type", "websearch_to_tsquery"}
)  # fmt: skip
"""Functions of which some are immutable, and some are not: by their arguments' types or number."""
_OF_TIME_ZONE = {"date_trunc": 2, "date_part": 2, "extract": 2, "date": 1}
"""Those of them that hang on the session's time zone where the last argument is a timestamptz."""
_CONFIGURED = {"to_tsvector": 1, "to_tsquery": 1, "plainto_tsquery": 1}
"""Those that take the session's text search configuration with so many arguments."""
_BY_SETTINGS = (
    frozenset({("timestamptz", other) for other in ("date", "timestamp", "time", "text", "varchar")})
    | {(other, "timestamptz") for other in ("date", "timestamp", "text", "varchar")}
    | {(one, other) for one in ("text", "varchar") for other in ("date", "timestamp", "interval", "regclass")}
    | {(one, other) for one in ("date", "timestamp", "time", "interval") for other in ("text", "varchar")}
)
"""Casts whose result hangs on the session's settings."""


def of_columns(columns: Mapping[str, Column]) -> Types:
    """The types of one table's columns."""

    def kind(reference: Node) -> str:
        column = columns.get(nodes.strings(reference.fields)[-1]) if reference.fields else None
        return column.type if column is not None and column.type_schema == "pg_catalog" else ""

    return kind


def kind_of(node: Node, types: Types) -> str:
    """The type of an expression."""
    which = node.WhichOneof("node")
    if which == "column_ref":
        return types(node.column_ref)
    if which == "a_const":
        kind = node.a_const.WhichOneof("val")
        return {"ival": "int4", "fval": "numeric", "boolval": "bool", "sval": LITERAL}.get(kind, LITERAL)
    if which == "type_cast":
        written = type_name(node.type_cast.type_name)
        known = written.schema in ("", "pg_catalog") and written.name in builtin_types()
        return ("_" if written.array else "") + written.name if known else ""
    if which == "func_call":
        parts = nodes.strings(node.func_call.funcname)
        if parts[-1] in {"lower", "upper"}:  # of ranges, too
            return "text" if {kind_of(one, types) for one in node.func_call.args} <= {*_STRINGS, LITERAL} else ""
        return _CALLS.get(parts[-1], "") if len(parts) == 1 or parts[0] == "pg_catalog" else ""
    if which == "bool_expr" or which == "null_test":
        return "bool"
    if which == "a_expr":
        return _result(node.a_expr, types)
    return ""


def _result(node: Node, types: Types) -> str:
    operator, how = nodes.strings(node.name)[-1:], nodes.enum_name("A_Expr_Kind", node.kind)
    if how != "AEXPR_OP" or not nodes.has(node, "lexpr"):
        return ""
    if operator and operator[0] in _COMPARING:
        return "bool"
    left, right = kind_of(node.lexpr, types), kind_of(node.rexpr, types)
    if operator == ["||"] and (left in _STRINGS or right in _STRINGS):
        return "text"
    if operator and operator[0] in {"+", "-", "*", "/"} and left in _NUMBERS and right in _NUMBERS:
        return max(left, right, key=_NUMBERS.index)
    return ""


def no_operator(node: Node, types: Types) -> str:
    """Why a comparison or a calculation has no operator for its sides, "" where it has one or nobody knows."""
    operator, how = nodes.strings(node.name)[-1:], nodes.enum_name("A_Expr_Kind", node.kind)
    if len(node.name) != 1 or how != "AEXPR_OP" or not nodes.has(node, "lexpr"):
        return ""
    left, right = kind_of(node.lexpr, types), kind_of(node.rexpr, types)
    if not left or not right or LITERAL in (left, right) or left.startswith("_") or right.startswith("_"):
        return ""
    compares = operator[0] in _COMPARING and comparable(left, right) is False
    adds = operator[0] in {"+", "-", "*", "/"} and bool({left, right} & _STRINGS) and bool({left, right} & {*_NUMBERS})
    joins = operator[0] == "||" and left in _NUMBERS and right in _NUMBERS
    if compares or adds or joins:
        return Refusal(f"there is no operator {left} {operator[0]} {right}", "42883")
    return ""


def mutable(scene: Scene, expression: Node, types: Types, depth: int = 0) -> str:
    """What in an expression isn't immutable, as an index or a generated column wants it, "" for nothing or where nobody
    knows (contain_mutable_functions)."""
    for inner in nodes.walk(expression):
        kind = nodes.kind(inner)
        if kind == "SQLValueFunction":
            return "the current time or user"
        if kind == "TypeCast":
            to = kind_of_cast(inner)
            if (kind_of(inner.arg, types), to) in _BY_SETTINGS:
                return f"the cast of {kind_of(inner.arg, types)} to {to}, which depends on the session's settings,"
        if kind == "FuncCall" and (told := _mutable_call(scene, inner, types, depth)):
            return told
    return ""


def kind_of_cast(node: Node) -> str:
    written = type_name(node.type_name)
    return written.name if not written.array and written.schema in ("", "pg_catalog") else ""


def _mutable_call(scene: Scene, node: Node, types: Types, depth: int) -> str:
    parts, arguments = nodes.strings(node.funcname), list(node.args)
    name = parts[-1]
    every = scene.catalog.functions(parts, len(arguments))
    facts = [fact for fact in every if fact.name.schema != "pg_catalog"]
    if len(facts) == 1:
        if facts[0].volatility == "i":
            return ""
        body = inlined(facts[0])
        if body is None:
            return f"the function {facts[0].name}()" if facts[0].language != "sql" or not facts[0].body else ""
        return mutable(scene, body, lambda reference: "", depth + 1) if depth < 4 else ""
    if facts:
        return ""
    if name in _OF_TIME_ZONE:
        fits = len(arguments) == _OF_TIME_ZONE[name] and kind_of(arguments[-1], types) == "timestamptz"
        safe = name in {"date_part", "extract"} and nodes.constant(arguments[0]) == "epoch"
        return f"{name}() of a timestamptz" if fits and not safe else ""
    if name in _CONFIGURED:
        return f"{name}() without a configuration" if len(arguments) == _CONFIGURED[name] else ""
    own = len(parts) == 1 or parts[0] == "pg_catalog"
    if own and name not in _MIXED and known_volatility(["pg_catalog", name]) in ("s", "v"):
        return f"{name}()"
    return ""
