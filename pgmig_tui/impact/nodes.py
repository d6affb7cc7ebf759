"""The one place of this room that touches the parser: PostgreSQL's own grammar by way of postgast.

The parser is imported at the first parse (0.1 s).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from typing import Any, TypeAlias

from pgmig_tui.impact.facts import Name
from pgmig_tui.script.parse import bottomless

_PROMISE = re.compile(r"(?<=[,\[])\{\}\}")

Node: TypeAlias = Any
"""A protobuf message of pg_query.proto, a wrapper of one (its `Node`), or a repeated field of these: the one seam of
this room without a type. What a wrapper holds is told by its name at run time alone, and each of the grammar's 276
messages has fields of its own: a rule, which is found by that name (rules.dispatch), would begin with a cast to the
message that it got, and each subtree with another. What leaves a tree (names, texts, options) has a type, below."""


class ParseError(ValueError):
    """SQL that PostgreSQL's grammar refuses; `position` is the 1-based character, 0 when not known."""

    def __init__(self, message: str, position: int = 0) -> None:
        super().__init__(message)
        self.position = position


def parse(sql: str) -> list[Node]:
    """The statements of `sql`, each as its own message (AlterTableStmt, ...). Raises ParseError."""
    import postgast
    from google.protobuf.message import DecodeError

    if bottomless(sql):
        raise ParseError("too long a chain of operators for the parser")
    try:
        tree = postgast.parse(sql)
    except postgast.PgQueryError as error:
        raise ParseError(str(error), error.cursorpos or 0) from error
    except (DecodeError, UnicodeEncodeError) as error:
        raise ParseError(f"too deep for the parser: {error}") from error
    return [statement(raw) for raw in tree.stmts]


def parse_plpgsql(sql: str) -> list[object] | None:
    """The plpgsql tree of a CREATE FUNCTION or DO statement, None when the parser can't.

    The parser ends the whole process on a statement without a body (a failed assertion), so that is looked at before.
    """
    import postgast

    if not _has_plpgsql_body(sql):
        return None
    try:
        tree = postgast.parse_plpgsql(sql)
    except json.JSONDecodeError as error:  # trigger functions: the variables TG_OP, ... come as "{}}"
        try:
            tree = json.loads(_PROMISE.sub("{}", error.doc))
        except ValueError:
            return None
    except (postgast.PgQueryError, ValueError):
        return None
    return list(tree)


def _has_plpgsql_body(sql: str) -> bool:
    try:
        trees = parse(sql)
    except ParseError:
        return False
    if len(trees) != 1 or kind(trees[0]) not in {"DoStmt", "CreateFunctionStmt"}:
        return False
    is_do = kind(trees[0]) == "DoStmt"
    found = options(trees[0].args if is_do else trees[0].options)
    language = found.get("language")
    if language is None:
        return is_do and "as" in found
    return language.arg.string.sval.lower() == "plpgsql" and "as" in found


def statement(node: Node) -> Node:
    """The statement message inside a ParseResult, RawStmt or Node wrapper."""
    while True:
        kind = type(node).__name__
        if kind == "Node":
            node = getattr(node, node.WhichOneof("node"))
        elif kind == "RawStmt":
            node = node.stmt
        elif kind == "ParseResult":
            node = node.stmts[0]
        else:
            return node


def open_node(node: Node) -> Node:
    """What a Node wrapper holds, None when it is empty."""
    field = node.WhichOneof("node")
    return getattr(node, field) if field else None


def kind(node: Node) -> str:
    """The message's type name, such as "AlterTableStmt"."""
    return type(node).__name__


def cascades(node: Node) -> bool:
    """Whether a DROP, or the like of it, says CASCADE."""
    return enum_name("DropBehavior", node.behavior) == "DROP_CASCADE"


def has(node: Node, field: str) -> bool:
    return bool(node.HasField(field))


@cache
def _names(enum: str) -> dict[int, str]:
    from postgast import pg_query_pb2

    return {number: name for name, number in getattr(pg_query_pb2, enum).items()}


def enum_name(enum: str, value: int) -> str:
    """The grammar's name of an enumeration value: enum_name("AlterTableType", 1) = "AT_AddColumn"."""
    return _names(enum).get(value, "?")


def name_of(range_var: Node) -> Name:
    return Name(range_var.schemaname, range_var.relname)


def strings(items: Node) -> list[str]:
    """The texts of a list of String nodes."""
    return [item.string.sval for item in items if item.WhichOneof("node") == "string"]


def name_from(parts: list[str]) -> Name:
    """A name of one, two or three (database first) parts."""
    return Name(parts[-2] if len(parts) > 1 else "", parts[-1] if parts else "")


def list_name(node: Node) -> list[str]:
    """The parts of a qualified name that is a List, a String, a TypeName or an ObjectWithArgs inside a Node."""
    which = node.WhichOneof("node")
    if which == "list":
        return strings(node.list.items)
    if which == "string":
        return [node.string.sval]
    if which == "type_name":
        return strings(node.type_name.names)
    if which == "object_with_args":
        return strings(node.object_with_args.objname)
    if which == "range_var":
        return [part for part in (node.range_var.schemaname, node.range_var.relname) if part]
    return []


def options(items: Node) -> dict[str, Node]:
    """DefElem options by name (lower case, with the namespace of "toast.x" kept)."""
    found: dict[str, Node] = {}
    for item in items:
        element = item.def_elem
        name = f"{element.defnamespace}.{element.defname}" if element.defnamespace else element.defname
        found[name.lower()] = element
    return found


def is_on(element: Node) -> bool:
    """Whether a boolean option such as CONCURRENTLY or (FULL false) is on."""
    if not element.HasField("arg"):
        return True
    arg = open_node(element.arg)
    text = getattr(arg, "sval", None)
    if text is None and kind(arg) == "Integer":
        return bool(arg.ival)
    if text is None and kind(arg) == "Boolean":
        return bool(arg.boolval)
    return str(text or "true").lower() not in {"false", "off", "0", "no"}


SCALARS = frozenset({str, int, bool, float, bytes})


def walk(node: Node, without: str = "") -> Iterator[Node]:
    """Every message below and including `node`, Node wrappers left out, and the messages of a kind with all below."""
    stack = [node]
    while stack:
        current = stack.pop()
        if type(current).__name__ == "Node":
            current = open_node(current)
            if current is None:
                continue
        if without and kind(current) == without:
            continue
        yield current
        for _, value in current.ListFields():
            if type(value) in SCALARS:
                continue
            if hasattr(value, "ListFields"):
                stack.append(value)
            else:
                stack.extend(value)


def functions_in(node: Node) -> list[tuple[list[str], int]]:
    """The functions that an expression or query calls: the name in parts, and how many arguments."""
    return [(strings(found.funcname), len(found.args)) for found in walk(node) if type(found).__name__ == "FuncCall"]


def constant(node: Node) -> str | None:
    """The text of a literal, a cast of one included; None for whatever has to be computed."""
    which = node.WhichOneof("node")
    if which == "type_cast":
        return constant(node.type_cast.arg)
    if which == "a_const":
        kind = node.a_const.WhichOneof("val")
        if kind == "sval":
            return str(node.a_const.sval.sval)
        if kind == "ival":
            return str(node.a_const.ival.ival)
        if kind == "fval":
            return str(node.a_const.fval.fval)
        if kind == "boolval":
            return "true" if node.a_const.boolval.boolval else "false"
    return None


def raw_definition(command: Node) -> Node:
    """The "def" field of an AlterTableCmd and the like, as the wrapper that it is."""
    return getattr(command, "def")


def definition(command: Node) -> Node:
    """The "def" field of an AlterTableCmd and the like, opened; None when there is none."""
    return open_node(getattr(command, "def"))
