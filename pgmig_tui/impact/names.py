"""Which names a script mentions: what must be asked of the server before its impact can be told."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from pgmig_tui.impact import nodes
from pgmig_tui.impact.facts import DatabaseFacts
from pgmig_tui.impact.folding import constant_text
from pgmig_tui.impact.known import TAKES_STATISTICS, statistics_table
from pgmig_tui.impact.nodes import Node
from pgmig_tui.impact.plpgsql import embedded
from pgmig_tui.impact.safer import names_to_be
from pgmig_tui.impact.session import SEARCH_PATH, schemas_of
from pgmig_tui.impact.statement_like import StatementLike
from pgmig_tui.impact.wanted import BUILDS_AGAIN, CHECKS_AGAIN, EVERYTHING, Names
from pgmig_tui.script.shapes import shape_of

_NAME = re.compile(r'(?:"[^"]+"|\w+)(?:\.(?:"[^"]+"|\w+))*').fullmatch
_SQL = re.compile(
    r"\s*(?:select|insert|update|delete|with|alter|create|drop|truncate|merge|lock)\s", re.IGNORECASE
).match
_RUNNING = {"SelectStmt", "CallStmt", "DoStmt", "ExecuteStmt", "ExplainStmt", "CopyStmt", "DeclareCursorStmt",
            "CreateTableAsStmt", "RefreshMatViewStmt", "ReindexStmt", "ClusterStmt", "VacuumStmt"}  # fmt: skip
_WRITING = {"InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt", "CopyStmt", "TruncateStmt"}
TEMP = "pg_temp"
_PARTS = {"AT_DropConstraint", "AT_DropColumn", "AT_AlterColumnType"}
_WHOLE = {"REINDEX_OBJECT_SCHEMA": True, "REINDEX_OBJECT_SYSTEM": False, "REINDEX_OBJECT_DATABASE": False}


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
    found.follow()
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
    elif kind in {"DropOwnedStmt", "ReassignOwnedStmt", "DropRoleStmt"}:
        found.roles.update(role.role_spec.rolename for role in node.roles)
    elif kind == "AlterPublicationStmt":
        found.publications.add(node.pubname)
    elif kind == "RenameStmt":
        found.renames.add(_renaming(node))
    elif kind == "CreateExtensionStmt":
        found.extensions.add(node.extname)
    elif kind == "CreateSchemaStmt":
        found.paths.add(node.schemaname or node.authrole.rolename)
    if kind == "DropStmt":
        found.dropped.update(parts[-1] for item in node.objects if (parts := nodes.list_name(item)))
    elif kind == "AlterTableStmt":
        for name in names_to_be(node):
            found.add([node.relation.schemaname, name])
        for item in node.cmds:
            command = item.alter_table_cmd
            subtype = nodes.enum_name("AlterTableType", command.subtype)
            if subtype in _PARTS:
                found.parts.add(f"{node.relation.relname}.{command.name}")
            found.runs |= subtype in CHECKS_AGAIN or subtype in BUILDS_AGAIN or _is_serial(command)
        found.runs |= any(nodes.kind(inner) == "FuncCall" for inner in nodes.walk(node))
    elif kind == "IndexStmt":
        for name in names_to_be(node):
            found.add([node.relation.schemaname, name])
        found.runs |= any(nodes.kind(inner) == "FuncCall" for inner in nodes.walk(node))
    elif kind == "AlterTableMoveAllStmt":
        found.schemas.add(EVERYTHING)
    elif kind == "DiscardStmt":
        found.schemas.add(TEMP)
    found.runs |= kind in _RUNNING or kind in _WRITING
    found.writes |= kind in _WRITING or any(nodes.kind(inner) in _WRITING for inner in nodes.walk(node))
    if kind in {"DoStmt", "CreateFunctionStmt"} and depth < 3:
        _inside(sql, found, depth)


def _is_serial(command: Node) -> bool:
    """Whether a column is added that each row gets a value of a sequence for."""
    column = nodes.definition(command)
    if nodes.kind(column) != "ColumnDef":
        return False
    identity = any(nodes.enum_name("ConstrType", c.constraint.contype) == "CONSTR_IDENTITY" for c in column.constraints)
    return identity or "serial" in (nodes.strings(column.type_name.names) or [""])[-1]


def _renaming(node: Node) -> tuple[str, str, str]:
    what = nodes.enum_name("ObjectType", node.rename_type)
    if what == "OBJECT_SCHEMA":
        return "schema", node.subname, node.newname
    if what in {"OBJECT_COLUMN", "OBJECT_TABCONSTRAINT"}:
        return "column", node.subname, node.newname
    parts = nodes.list_name(node.object)
    return "object", parts[-1] if parts else node.relation.relname, node.newname


def _names_of(node: Node, kind: str, found: Names) -> None:
    if kind == "RangeVar":
        found.add([node.schemaname, node.relname])
        return
    if kind == "ColumnRef":
        found.compared.update(nodes.strings(node.fields)[-1:])
        return
    if kind == "IndexStmt" and node.idxname:
        found.add([node.relation.schemaname, node.idxname])
    elif kind == "RenameStmt" and nodes.has(node, "relation"):
        found.add([node.relation.schemaname, node.newname])
    if kind == "RoleSpec" and node.rolename:
        found.members.add(node.rolename)
    elif kind == "AccessPriv" and node.priv_name:
        found.members.add(node.priv_name)  # GRANT role TO role
    elif kind == "CreateRoleStmt":
        found.members.add(node.role)
    if kind == "ExecuteStmt":
        found.prepared.add(node.name)
    elif kind == "VariableSetStmt":
        _setting(node, found)
    elif kind == "TypeName":
        found.add(nodes.strings(node.names))
    elif kind == "A_Expr":
        found.operators.update(nodes.strings(node.name)[-1:])
    elif kind == "FuncCall":
        parts = nodes.strings(node.funcname)
        found.add(parts)
        if parts[-1:] == ["set_config"]:
            _set_config(node, found)
        elif parts and parts[-1].endswith("_stats"):
            _statistics(parts[-1], node, found)
        for arg in node.args:  # nextval('s'), and what a function may make a statement of
            inner = arg.type_cast.arg if arg.WhichOneof("node") == "type_cast" else arg
            if inner.WhichOneof("node") == "a_const" and inner.a_const.WhichOneof("val") == "sval":
                text = inner.a_const.sval.sval
                if _NAME(text):
                    found.add([part.strip('"') for part in text.split(".")])
                elif _SQL(text):
                    _collect_text(text, found, 1)
    elif kind in {"DropStmt", "CommentStmt", "SecLabelStmt", "AlterExtensionContentsStmt"}:
        for item in node.objects if kind == "DropStmt" else [node.object]:
            parts = nodes.list_name(item)
            found.add(parts)
            found.add(parts[:-1])
    elif kind in {"AlterOwnerStmt", "RenameStmt", "AlterObjectSchemaStmt", "AlterObjectDependsStmt"}:
        found.add(nodes.list_name(node.object))
        if kind == "AlterObjectSchemaStmt":
            found.paths.add(node.newschema)
            found.add([node.newschema, (nodes.list_name(node.object) or [node.relation.relname])[-1]])
    elif kind in {"AlterDomainStmt", "AlterEnumStmt"}:
        found.add(nodes.strings(node.type_name))
    elif kind in {"CreateTrigStmt", "CreateFunctionStmt", "CreateEventTrigStmt"}:
        found.add(nodes.strings(node.funcname))
    elif kind in {"CreateEnumStmt", "CreateRangeStmt"}:
        found.add(nodes.strings(node.type_name))
    elif kind == "CreateStatsStmt" or kind == "AlterStatsStmt":
        found.add(nodes.strings(node.defnames))
    elif kind == "Constraint" and node.indexname:
        found.add([node.indexname])
    elif kind == "DefElem" and node.defname == "owned_by":
        found.add(nodes.list_name(node.arg)[:-1])


def _setting(node: Node, found: Names) -> None:
    """The schemas that a script puts into its search_path, and the role that `$user` in it will mean."""
    name, values = node.name.lower(), [text for item in node.args if (text := nodes.constant(item)) is not None]
    if name == SEARCH_PATH:
        found.paths.update(values if len(values) == len(node.args) else [EVERYTHING])
    elif name in {"role", "session_authorization"}:
        found.paths.update(values)
        found.members.update(values)


def _statistics(function: str, node: Node, found: Names) -> None:
    table = (
        statistics_table(function, [nodes.constant(item) for item in node.args])
        if function in TAKES_STATISTICS
        else None
    )
    if table is not None:
        found.add(list(table))


def _set_config(node: Node, found: Names) -> None:
    values = [nodes.constant(item) for item in node.args]
    if len(values) == 3 and (values[0] or SEARCH_PATH).lower() == SEARCH_PATH:
        found.paths.update([EVERYTHING] if values[0] is None or values[1] is None else schemas_of(values[1]))


def names_inside(facts: DatabaseFacts, names: Names) -> bool:
    """Adds what stands in the bodies of functions that are run, triggers' too; whether that is anything new."""
    before = names.size
    for relation in facts.relations.values():
        names.all.update(call.function for call in relation.calls)
        if names.writes:
            names.all.update(trigger.function for trigger in relation.triggers)
    names.all.update(call.function for kind in facts.types.values() for call in kind.calls)
    names.all.update(one.function for several in facts.operators.values() for one in several)
    names.all.update(trigger.function for trigger in facts.event_triggers)
    names.all.update(cast.function for cast in facts.casts if cast.function is not None)
    for text in facts.prepared.values():
        _collect_text(text, names, 1)
    for function in (one for fact in facts.functions.values() for one in (fact.overloads or (fact,))):
        names.paths.update(
            schema for name, text in function.settings if name == SEARCH_PATH for schema in schemas_of(text)
        )
        names.all.update(function.coerces)
        if function.language == "plpgsql" and function.body:
            _inside(function.body, names, 1)
            names.writes = True
        elif function.language == "sql" and function.body:
            _collect_text(function.body, names, 1)
    return names.size > before


def _collect_text(text: str, found: Names, depth: int) -> None:
    try:
        trees = nodes.parse(text)
    except nodes.ParseError:
        return
    for tree in trees:
        collect(tree, text, found, depth + 1)


@lru_cache(maxsize=4096)
def names_of_text(text: str) -> Names:
    """The names in SQL that code runs, maybe again and again: not to be added to."""
    found = Names()
    _collect_text(text, found, 1)
    return found


def _inside(sql: str, found: Names, depth: int) -> None:
    for text, dynamic in embedded(sql):
        if dynamic:
            constant = constant_text(text)
            if constant is None:
                continue
            text = constant
        _collect_text(text, found, depth)
