"""What things are called: with their schema, and no longer than the server keeps."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from pgmig_tui.impact import nodes
from pgmig_tui.impact.nodes import Node
from pgmig_tui.lint.rule import Rule, rule
from pgmig_tui.lint.state import Hit, Hits, LintState, constraints_of, is_temporary

_LONGEST = 63  # bytes: NAMEDATALEN - 1

RULES: Final[tuple[Rule, ...]] = (
    rule(
        "schema-not-named", "warning", "a name without its schema",
        "Which object it is hangs on the search_path of whoever runs the script: another role, another table.",
        "Write the schema before the name.",
        "ALTER TABLE t ADD COLUMN c int;", "ALTER TABLE app.t ADD COLUMN c int;",
    ),
    rule(
        "name-too-long", "warning", "a name that the server cuts",
        "PostgreSQL keeps 63 bytes of a name. What is made has another name than the script says, and two long names"
        " may become one.",
        "Take a shorter name.",
        f"ALTER TABLE app.t ADD COLUMN {'long_' * 13}name int;", "ALTER TABLE app.t ADD COLUMN name int;",
    ),
)  # fmt: skip

_WORD = re.compile(r'"(?:[^"]|"")*"|[^\W\d][\w$]*')
_PERHAPS = re.compile(r'[\w$]{16,}|"[^"]{16,}"')
_QUOTED = re.compile(r"\$(\w*)\$.*?\$\1\$|'(?:[^']|'')*'|--[^\n]*|/\*.*?\*/", re.DOTALL)
_OWN_NAME = {
    "CreateFunctionStmt": "funcname", "CreateEnumStmt": "type_name", "CreateDomainStmt": "domainname",
    "AlterEnumStmt": "type_name", "CreateRangeStmt": "type_name",
}  # fmt: skip
_DROPPED = frozenset({
    "OBJECT_TABLE", "OBJECT_VIEW", "OBJECT_MATVIEW", "OBJECT_INDEX", "OBJECT_SEQUENCE", "OBJECT_FUNCTION",
    "OBJECT_PROCEDURE", "OBJECT_TYPE", "OBJECT_DOMAIN", "OBJECT_TRIGGER", "OBJECT_POLICY", "OBJECT_FOREIGN_TABLE",
})  # fmt: skip
_OF_TABLES = frozenset({"OBJECT_TRIGGER", "OBJECT_POLICY"})


_WITHOUT_QUERIES = frozenset({"CreateStmt", "AlterTableStmt", "IndexStmt"})


def every_statement(node: Node, state: LintState) -> Hits:
    """For statements of all kinds."""
    kind = nodes.kind(node)
    hidden: set[str] = set()
    bare: list[tuple[str, int]] = []
    for one in _of_tables(kind, node) if kind in _WITHOUT_QUERIES else nodes.walk(node):
        what = nodes.kind(one)
        if what == "RangeVar":
            if not one.schemaname and not is_temporary(one):
                bare.append((one.relname, one.location))
            elif one.relpersistence == "t":
                state.temporary.add(one.relname)
        elif what == "CommonTableExpr":
            hidden.add(one.ctename)
    bare += _named_by_lists(kind, node)
    if state.path:
        return
    for name, at in bare:
        if name in hidden or name in state.unnamed or name in state.temporary or name.startswith("pg_"):
            continue
        state.unnamed.add(name)
        yield Hit("schema-not-named", f"{name} has no schema", at)


def _of_tables(kind: str, node: Node) -> Iterator[Node]:
    """The relations of statements in which no query can stand: those of a long script are mostly of these kinds."""
    yield node.relation
    if kind == "CreateStmt":
        yield from (one.range_var for one in node.inh_relations)
        for one in node.table_elts:
            if one.WhichOneof("node") == "table_like_clause":
                yield one.table_like_clause.relation
        yield from (one.pktable for one, _ in constraints_of(node) if one.HasField("pktable"))
    elif kind == "AlterTableStmt":
        for one in node.cmds:
            definition = nodes.definition(one.alter_table_cmd)
            what = nodes.kind(definition)
            if what == "RangeVar":
                yield definition
            elif what == "PartitionCmd":
                yield definition.name
            elif what == "Constraint" and definition.HasField("pktable"):
                yield definition.pktable
            elif what == "ColumnDef":
                inner = (two.constraint for two in definition.constraints)
                yield from (two.pktable for two in inner if two.HasField("pktable"))


def _named_by_lists(kind: str, node: Node) -> list[tuple[str, int]]:
    """The names that a statement gives in other forms than that of a relation."""
    field = _OWN_NAME.get(kind)
    if field is not None:
        parts = nodes.strings(getattr(node, field))
        return [(parts[0], -1)] if len(parts) == 1 else []
    if kind != "DropStmt":
        return []
    what = nodes.enum_name("ObjectType", node.remove_type)
    if what not in _DROPPED:
        return []
    fewest = 3 if what in _OF_TABLES else 2
    names = [nodes.list_name(one) for one in node.objects]
    return [(parts[0], -1) for parts in names if parts and len(parts) < fewest]


def long_names(text: str) -> Hits:
    """In the text, for the parser cuts names as the server does."""
    if not any(len(found.encode("utf-8", "surrogatepass")) > _LONGEST for found in _PERHAPS.findall(text)):
        return
    quiet = _QUOTED.sub(" ", text)
    for found in _WORD.finditer(quiet):
        name = found[0].removeprefix('"').removesuffix('"').replace('""', '"')
        size = len(name.encode("utf-8", "surrogatepass"))
        if size > _LONGEST:
            yield Hit("name-too-long", f"{name[:24]}… has {size} bytes, of which the server keeps {_LONGEST}")
