"""Text that SQL puts together at run time, as far as it is made of what is known."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date
from functools import lru_cache
from types import MappingProxyType

from pgmig_tui.impact import nodes
from pgmig_tui.impact.nodes import Node
from pgmig_tui.script.quoting import quote, quote_literal

NOTHING: Mapping[str, str] = MappingProxyType({})
REWRITTEN = "pg_event_trigger_table_rewrite_oid"
"""A function that an event trigger may ask for the table, known by its name."""
_HOLE = "unknown_name"
_PLACE = re.compile(r"%(?:(\d+)\$)?(-?\d*)([sIL%])")

Unknown = Callable[[str], str | None]
"""What stands for a value that isn't known: of %I and quote_ident ("I"), of %L ("L"), of all else ("s")."""


def constant_text(expression: str, worth: Mapping[str, str] = NOTHING) -> str | None:
    """The value of an expression that is put together of literals and of variables whose `worth` is known; None when it
    is not.
    """
    tree = _tree(expression)
    return None if tree is None else fold(tree, worth)


def stand_in(expression: str, worth: Mapping[str, str]) -> str | None:
    """The same with a name for each unknown name and a literal for each unknown literal: what the statement is, not
    what it is about. None where anything at all may stand in it.
    """
    tree = _tree(expression)
    return None if tree is None else fold(tree, worth, {"I": _HOLE, "L": "''"}.get)


@lru_cache(maxsize=4096)
def _tree(expression: str) -> Node | None:
    try:
        trees = nodes.parse(f"SELECT {expression}")
    except nodes.ParseError:
        return None
    if len(trees) != 1 or nodes.kind(trees[0]) != "SelectStmt" or len(trees[0].target_list) != 1:
        return None
    return trees[0].target_list[0].res_target.val


def fold(node: Node, worth: Mapping[str, str], unknown: Unknown = lambda place: None) -> str | None:
    """The text of an expression's value; None when it isn't known."""
    which = node.WhichOneof("node")
    if which == "type_cast":
        return fold(node.type_cast.arg, worth, unknown)
    if which == "column_ref":
        names = nodes.strings(node.column_ref.fields)
        return worth.get(".".join(names).lower())
    if which == "param_ref":
        return worth.get(f"${node.param_ref.number}")
    if which == "a_const":
        return nodes.constant(node)
    if which == "a_expr" and nodes.strings(node.a_expr.name) == ["||"]:
        left, right = fold(node.a_expr.lexpr, worth, unknown), fold(node.a_expr.rexpr, worth, unknown)
        return None if left is None or right is None else left + right
    if which == "a_expr" and (sign := nodes.strings(node.a_expr.name)) in (["+"], ["-"]):
        left, right = fold(node.a_expr.lexpr, worth, unknown), fold(node.a_expr.rexpr, worth, unknown)
        if left is None or right is None or not (left.isdecimal() and right.isdecimal()):
            return None
        return str(int(left) + int(right) if sign == ["+"] else int(left) - int(right))
    if which == "coalesce_expr":
        return fold(node.coalesce_expr.args[0], worth, unknown)
    if which == "func_call":
        return _call(nodes.strings(node.func_call.funcname)[-1], list(node.func_call.args), worth, unknown)
    return None


def truth(condition: str, worth: Mapping[str, str] = NOTHING) -> bool | None:
    """What a condition comes to, as far as it is made of literals and of variables whose `worth` is known."""
    tree = _tree(condition)
    return None if tree is None else _truth(tree, worth)


def _truth(node: Node, worth: Mapping[str, str]) -> bool | None:
    which = node.WhichOneof("node")
    if which == "bool_expr":
        word = nodes.enum_name("BoolExprType", node.bool_expr.boolop)
        verdicts = [_truth(argument, worth) for argument in node.bool_expr.args]
        if word == "NOT_EXPR":
            return None if verdicts[0] is None else not verdicts[0]
        decisive = word == "OR_EXPR"
        if decisive in verdicts:
            return decisive
        return None if None in verdicts else not decisive
    if which == "a_expr":
        return _compared(node.a_expr, worth)
    if which == "a_const":
        return {"true": True, "false": False}.get(nodes.constant(node) or "")
    return None


def _compared(node: Node, worth: Mapping[str, str]) -> bool | None:
    """Texts that are equal, or not; numbers and the like only where they are written alike."""
    operator, how = nodes.strings(node.name)[-1:], nodes.enum_name("A_Expr_Kind", node.kind)
    if how == "AEXPR_LIKE" and operator in (["~~"], ["!~~"]):
        text, pattern = fold(node.lexpr, worth), fold(node.rexpr, worth)
        if text is None or pattern is None:
            return None
        return _like(text, pattern) is (operator == ["~~"])
    if operator not in (["="], ["<>"], ["!="]) or how not in {"AEXPR_OP", "AEXPR_IN"}:
        return None
    left = fold(node.lexpr, worth)
    others = node.rexpr.list.items if how == "AEXPR_IN" else [node.rexpr]
    values = [fold(one, worth) for one in others]
    if left is None or None in values:
        return None
    same = left in values
    if not same and not all(value is not None and _WORD(value) for value in (left, *values)):
        return None
    return same is (operator == ["="])


_WORD = re.compile(r"[A-Za-z_][\w. ]*").fullmatch


def _like(text: str, pattern: str) -> bool:
    parts = re.findall(r"\\.|[%_]|[^\\%_]+", pattern, re.DOTALL)
    written = (".*" if one == "%" else "." if one == "_" else re.escape(one.removeprefix("\\")) for one in parts)
    return re.fullmatch("".join(written), text, re.DOTALL) is not None


def _call(name: str, arguments: list[Node], worth: Mapping[str, str], unknown: Unknown) -> str | None:
    if name == REWRITTEN:
        return worth.get(REWRITTEN)
    values = [fold(argument, worth, unknown) for argument in arguments]
    if name == "format" and values and values[0] is not None:
        return _format(values[0], values[1:], unknown)
    if name in {"quote_ident", "quote_literal", "quote_nullable"} and len(values) == 1:
        place = "I" if name == "quote_ident" else "L"
        return unknown(place) if values[0] is None else _shown(place, values[0])
    if None in values or not values:
        return None
    known = [value or "" for value in values]
    try:
        return _KNOWN[name](known) if name in _KNOWN else None
    except (ValueError, IndexError):
        return None


_KNOWN: dict[str, Callable[[list[str]], str]] = {
    "concat": "".join,
    "concat_ws": lambda values: values[0].join(values[1:]),
    "lower": lambda values: values[0].lower(),
    "upper": lambda values: values[0].upper(),
    "btrim": lambda values: values[0].strip(values[1] if len(values) > 1 else " "),
    "replace": lambda values: values[0].replace(values[1], values[2]) if len(values) == 3 and values[1] else values[0],
    "lpad": lambda values: _padded(values),
    "make_date": lambda values: date(*map(int, values)).isoformat(),
    "to_regclass": lambda values: values[0],
}


def _padded(values: list[str]) -> str:
    length, filling = int(values[1]), values[2] if len(values) > 2 else " "
    missing = length - len(values[0])
    return values[0][:length] if missing <= 0 else (filling * missing)[:missing] + values[0]


def _format(pattern: str, values: list[str | None], unknown: Unknown) -> str | None:
    """format(): None as soon as a part isn't known and nothing stands for it."""
    lost = False
    following = 0

    def fill(found: re.Match[str]) -> str:
        nonlocal lost, following
        if found[3] == "%":
            return "%"
        position = int(found[1]) - 1 if found[1] else following
        following = position + 1
        value = values[position] if 0 <= position < len(values) else ""
        text = unknown(found[3]) if value is None else _shown(found[3], value)
        lost |= text is None
        return text or ""

    text = _PLACE.sub(fill, pattern)
    return None if lost else text


def _shown(place: str, value: str) -> str:
    if place == "I":
        return quote(value)
    return quote_literal(value) if place == "L" else value
