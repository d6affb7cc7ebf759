"""Which names a script mentions: what must be asked of the server before its impact can be told."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pgmig_tui.impact import nodes
from pgmig_tui.impact.facts import Name
from pgmig_tui.impact.nodes import Node
from pgmig_tui.impact.shapes import shape_of

if TYPE_CHECKING:
    from pgmig_tui.impact.predict import StatementLike


_LITERAL = re.compile(r"\s*'((?:[^']|'')*)'\s*").fullmatch
EVERYTHING = "*"
_WHOLE = {"REINDEX_OBJECT_SCHEMA": True, "REINDEX_OBJECT_SYSTEM": False, "REINDEX_OBJECT_DATABASE": False}


@dataclass(slots=True)
class Names:
    """`all` are names of relations, indexes, types, functions or statistics alike: asking too much costs nothing.

    EVERYTHING among the schemas stands for all of them.
    """

    all: set[Name] = field(default_factory=set)
    roles: set[str] = field(default_factory=set)
    schemas: set[str] = field(default_factory=set)
    publications: set[str] = field(default_factory=set)
    prepared: set[str] = field(default_factory=set)

    def add(self, parts: list[str]) -> None:
        if parts and parts[-1]:
            name = nodes.name_from(parts)
            if name.schema not in {"pg_catalog", "information_schema"}:
                self.all.add(name)


def names_in(statements: Iterable[StatementLike], names: Names | None = None) -> Names:
    """All names in the statements, those inside DO blocks included; statements that can't be parsed add none."""
    found = names if names is not None else Names()
    seen: set[str] = set()
    for statement in statements:
        if statement.control is not None:
            continue
        shape = shape_of(statement.kind, statement.text)
        if shape is not None:
            if shape in seen:
                continue
            seen.add(shape)
        node = statement.node
        joined = getattr(statement, "nodes", ()) if getattr(statement, "joined", False) else ()
        for tree in joined or ([] if node is None else [node]):
            collect(nodes.statement(tree), statement.text, found)
    return found


def collect(node: Node, sql: str, found: Names, depth: int = 0) -> None:
    """The names in one statement."""
    kind = nodes.kind(node)
    for inner in nodes.walk(node):
        _names_of(inner, nodes.kind(inner), found)
    if kind == "DropStmt" and nodes.enum_name("ObjectType", node.remove_type) == "OBJECT_SCHEMA":
        found.schemas.update(part for item in node.objects for part in nodes.list_name(item))
    elif kind == "ReindexStmt" and nodes.enum_name("ReindexObjectType", node.kind) in _WHOLE:
        found.schemas.add(node.name if _WHOLE[nodes.enum_name("ReindexObjectType", node.kind)] else EVERYTHING)
    elif (kind == "VacuumStmt" and not node.rels) or (kind == "ClusterStmt" and not nodes.has(node, "relation")):
        found.schemas.add(EVERYTHING)
    elif kind in {"DropOwnedStmt", "ReassignOwnedStmt"}:
        found.roles.update(role.role_spec.rolename for role in node.roles)
    elif kind == "AlterPublicationStmt":
        found.publications.add(node.pubname)
    if kind in {"DoStmt", "CreateFunctionStmt"} and depth < 3:
        _inside(sql, found, depth)


def _names_of(node: Node, kind: str, found: Names) -> None:
    if kind == "RangeVar":
        found.add([node.schemaname, node.relname])
        return
    if kind == "ExecuteStmt":
        found.prepared.add(node.name)
    elif kind == "TypeName":
        found.add(nodes.strings(node.names))
    elif kind == "FuncCall":
        parts = nodes.strings(node.funcname)
        found.add(parts)
        for arg in node.args if parts[-1] in {"nextval", "setval", "currval"} else ():
            inner = arg.type_cast.arg if arg.WhichOneof("node") == "type_cast" else arg
            if inner.WhichOneof("node") == "a_const" and inner.a_const.WhichOneof("val") == "sval":
                found.add([part.strip('"') for part in inner.a_const.sval.sval.split(".")])
    elif kind in {"DropStmt", "CommentStmt", "SecLabelStmt"}:
        for item in node.objects if kind == "DropStmt" else [node.object]:
            parts = nodes.list_name(item)
            found.add(parts)
            found.add(parts[:-1])
    elif kind in {"AlterDomainStmt", "AlterEnumStmt"}:
        found.add(nodes.strings(node.type_name))
    elif kind == "Constraint" and node.indexname:
        found.add([node.indexname])
    elif kind == "DefElem" and node.defname == "owned_by":
        found.add(nodes.list_name(node.arg)[:-1])


def _inside(sql: str, found: Names, depth: int) -> None:
    from pgmig_tui.impact.rules.routine import embedded

    for text, _, dynamic in embedded(sql):
        if dynamic:
            literal = _LITERAL(text)
            if literal is None:
                continue
            text = literal[1].replace("''", "'")
        try:
            trees = nodes.parse(text)
        except nodes.ParseError:
            continue
        for tree in trees:
            collect(tree, text, found, depth + 1)
