"""Which objects a statement names, what it does to them first: read off its tree, for whoever keeps a record of it.

Sources: PostgreSQL's own grammar. Names are those that the statement gives, quoted where SQL needs that; a schema is
told where the statement says it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from pgmig_tui.impact import nodes
from pgmig_tui.impact.nodes import Node
from pgmig_tui.script.quoting import quote

_WRITES = {"InsertStmt": "INSERT", "UpdateStmt": "UPDATE", "DeleteStmt": "DELETE", "MergeStmt": "MERGE"}
_TYPES = {
    "MATVIEW": "MATERIALIZED VIEW", "FDW": "FOREIGN DATA WRAPPER", "FOREIGN_SERVER": "SERVER", "TABCONSTRAINT":
    "CONSTRAINT", "DOMCONSTRAINT": "CONSTRAINT", "OPCLASS": "OPERATOR CLASS", "OPFAMILY": "OPERATOR FAMILY",
    "STATISTIC_EXT": "STATISTICS", "TSCONFIGURATION": "TEXT SEARCH CONFIGURATION", "TSDICTIONARY":
    "TEXT SEARCH DICTIONARY", "TSPARSER": "TEXT SEARCH PARSER", "TSTEMPLATE": "TEXT SEARCH TEMPLATE", "LARGEOBJECT":
    "LARGE OBJECT", "PARAMETER_ACL": "PARAMETER", "ATTRIBUTE": "COLUMN", "DEFACL": "DEFAULT PRIVILEGES",
}  # fmt: skip
_PARTS = frozenset({"TRIGGER", "RULE", "POLICY", "CONSTRAINT", "COLUMN"})
_METHODS = frozenset({"OPERATOR CLASS", "OPERATOR FAMILY"})


@dataclass(frozen=True, slots=True)
class NamedObject:
    """An object of a statement: its kind in capitals as SQL has it ("MATERIALIZED VIEW"), its name, and `on`, the table
    of a trigger, a rule, a policy, a constraint or a column ("" for all others)."""

    kind: str
    name: str
    on: str = ""


@dataclass(frozen=True, slots=True)
class Named:
    """What a statement names. `operation` is told where the keywords at its beginning mislead (a WITH that deletes);
    `first` are the objects that it is about, `others` the tables that it names beside."""

    first: tuple[NamedObject, ...]
    others: tuple[NamedObject, ...] = ()
    operation: str = ""


def named_in(statement: Node) -> Named:
    """What a statement of a parse tree names."""
    node = nodes.statement(statement)
    kind = nodes.kind(node)
    operation = _WRITES.get(kind, "")
    read = _READ.get(kind)
    first = tuple(read(node)) if read is not None else ()
    if kind == "IndexStmt" and not node.idxname:
        operation = "CREATE INDEX"
    tables, writes = _tables(node)
    if not operation and kind in ("SelectStmt", "CopyStmt", "DeclareCursorStmt", "ExplainStmt") and writes:
        operation, first = writes[0][0], tuple(table for _, table in writes)
    if not first and kind in ("SelectStmt", "CopyStmt"):
        first, tables = tables, ()
    known = {one.name for one in first if one.kind in _RELATIONS}
    return Named(first, tuple(one for one in tables if one.name not in known), operation)


_RELATIONS = frozenset({"TABLE", "VIEW", "MATERIALIZED VIEW", "SEQUENCE", "FOREIGN TABLE", "INDEX", "TYPE"})


def _tables(node: Node) -> tuple[tuple[NamedObject, ...], list[tuple[str, NamedObject]]]:
    """(The tables that a statement names, once each; what its parts write: operation and table)."""
    if not _may_name_others(node):
        return (), []
    found: dict[str, NamedObject] = {}
    writes: list[tuple[str, NamedObject]] = []
    own = {one.ctename for one in nodes.walk(node) if nodes.kind(one) == "CommonTableExpr"}
    for one in nodes.walk(node):
        kind = nodes.kind(one)
        if kind == "RangeVar" and one.relname and (one.schemaname or one.relname not in own):
            name = _range(one)
            found.setdefault(name, NamedObject("TABLE", name))
        elif kind in _WRITES:
            writes.append((_WRITES[kind], NamedObject("TABLE", _range(one.relation))))
    return tuple(reversed(found.values())), writes[::-1]


def _may_name_others(node: Node) -> bool:
    return nodes.kind(node) not in ("DoStmt", "VariableSetStmt", "TransactionStmt")


# -- names ---------------------------------------------------------------------------------------------------------


def _range(relation: Node) -> str:
    schema = f"{quote(relation.schemaname)}." if relation.schemaname else ""
    return schema + quote(relation.relname)


def _dotted(parts: Iterable[str]) -> str:
    return ".".join(quote(part) for part in parts)


def _type_of(enum: str) -> str:
    bare = enum.removeprefix("OBJECT_")
    return _TYPES.get(bare, bare.replace("_", " "))


def _object(kind: str, item: Node) -> NamedObject:
    """An object of `kind` as DROP, COMMENT and their like name it."""
    which = item.WhichOneof("node")
    if which == "integer":
        return NamedObject(kind, str(item.integer.ival))
    if which == "role_spec":
        return NamedObject(kind, _role(item.role_spec))
    if which == "list" and kind in ("CAST", "TRANSFORM", "CONSTRAINT"):
        types = [nodes.list_name(part) for part in item.list.items]
        if kind == "CAST":
            return NamedObject(kind, " AS ".join(_type(part.type_name) for part in item.list.items))
        if kind == "CONSTRAINT" and item.list.items[0].WhichOneof("node") == "type_name":
            return NamedObject(kind, _dotted(types[1]), _dotted(types[0]))
        if kind == "TRANSFORM":
            return NamedObject(kind, f"FOR {_dotted(types[0])} LANGUAGE {_dotted(types[1])}")
    parts = _own(nodes.list_name(item))
    if kind in _PARTS and len(parts) > 1:
        return NamedObject(kind, quote(parts[-1]), _dotted(parts[:-1]))
    if kind in _METHODS and len(parts) > 1:
        return NamedObject(kind, f"{_dotted(parts[1:])} USING {quote(parts[0])}")
    if kind == "OPERATOR":
        return NamedObject(kind, ".".join([*(quote(part) for part in parts[:-1]), *parts[-1:]]))
    return NamedObject(kind, _dotted(parts))


def _own(parts: list[str]) -> list[str]:
    """A built-in type is written without the schema that the grammar has put before it."""
    return parts[1:] if len(parts) == 2 and parts[0] == "pg_catalog" else parts


def _type(name: Node) -> str:
    return _dotted(_own(nodes.strings(name.names)))


def _role(spec: Node) -> str:
    special = nodes.enum_name("RoleSpecType", spec.roletype).removeprefix("ROLESPEC_")
    return quote(spec.rolename) if special == "CSTRING" else special


# -- one reader for each kind of statement -------------------------------------------------------------------------

Reader = Callable[[Node], Iterable[NamedObject]]


def _by_enum(field: str, *names: str) -> Reader:
    """Of a statement that says the kind of its object: a relation, an object, or a name."""

    def read(node: Node) -> Iterable[NamedObject]:
        kind = _type_of(nodes.enum_name("ObjectType", getattr(node, field)))
        part = next((getattr(node, one) for one in names if one in ("subname",) and getattr(node, one)), "")
        relation = getattr(node, "relation", None)
        if relation is not None and node.HasField("relation"):
            if kind in _PARTS:
                return [NamedObject(kind, quote(part), _range(relation))]
            return [NamedObject(kind, _range(relation))]
        if node.HasField("object"):
            found = _object(kind, node.object)
            return [NamedObject(kind, quote(part), found.name)] if kind in _PARTS and part else [found]
        return [NamedObject(kind, quote(part))] if part else []

    return read


def _drop(node: Node) -> Iterable[NamedObject]:
    kind = _type_of(nodes.enum_name("ObjectType", node.remove_type))
    return [_object(kind, item) for item in node.objects]


def _grant(node: Node) -> Iterable[NamedObject]:
    kind = _type_of(nodes.enum_name("ObjectType", node.objtype))
    if nodes.enum_name("GrantTargetType", node.targtype) == "ACL_TARGET_ALL_IN_SCHEMA":
        kind = "SCHEMA"
    return [_object(kind, item) for item in node.objects]


def _default_privileges(node: Node) -> Iterable[NamedObject]:
    kinds = {"schemas": "SCHEMA", "roles": "ROLE"}
    return [
        _object(kinds[option.def_elem.defname], item)
        for option in node.options
        if option.def_elem.defname in kinds
        for item in option.def_elem.arg.list.items
    ]


def _index(node: Node) -> Iterable[NamedObject]:
    if not node.idxname:
        return [NamedObject("TABLE", _range(node.relation))]
    schema = f"{quote(node.relation.schemaname)}." if node.relation.schemaname else ""
    return [NamedObject("INDEX", schema + quote(node.idxname), _range(node.relation))]


def _routine(node: Node) -> Iterable[NamedObject]:
    return [NamedObject("PROCEDURE" if node.is_procedure else "FUNCTION", _dotted(nodes.strings(node.funcname)))]


def _define(node: Node) -> Iterable[NamedObject]:
    kind = _type_of(nodes.enum_name("ObjectType", node.kind))
    parts = nodes.strings(node.defnames)
    return [NamedObject(kind, ".".join([*map(quote, parts[:-1]), parts[-1]]) if kind == "OPERATOR" else _dotted(parts))]


def _relation(kind: str, *path: str) -> Reader:
    def read(node: Node) -> Iterable[NamedObject]:
        for field in path:
            node = getattr(node, field)
        return [NamedObject(kind, _range(node))] if node.relname else []

    return read


def _into(node: Node) -> Iterable[NamedObject]:
    kind = _type_of(nodes.enum_name("ObjectType", node.objtype))
    return [NamedObject(kind, _range(node.into.rel))]


def _strings(kind: str, field: str) -> Reader:
    return lambda node: [NamedObject(kind, _dotted(nodes.strings(getattr(node, field))))]


def _text(kind: str, field: str) -> Reader:
    return lambda node: [NamedObject(kind, quote(getattr(node, field)))] if getattr(node, field) else []


def _on(kind: str, field: str, relation: str = "relation") -> Reader:
    return lambda node: [NamedObject(kind, quote(getattr(node, field)), _range(getattr(node, relation)))]


def _each(field: str) -> Reader:
    """Of a list of tables."""

    def read(node: Node) -> Iterable[NamedObject]:
        opened = [nodes.open_node(item) for item in getattr(node, field)]
        ranges = [one.relation if nodes.kind(one) == "VacuumRelation" else one for one in opened]
        return [NamedObject("TABLE", _range(one)) for one in ranges if one.relname]

    return read


def _roles(field: str) -> Reader:
    def read(node: Node) -> Iterable[NamedObject]:
        opened = [nodes.open_node(item) for item in getattr(node, field)]
        return [
            NamedObject("ROLE", quote(one.priv_name) if nodes.kind(one) == "AccessPriv" else _role(one))
            for one in opened
        ]

    return read


def _reindex(node: Node) -> Iterable[NamedObject]:
    kind = nodes.enum_name("ReindexObjectType", node.kind).removeprefix("REINDEX_OBJECT_")
    return [NamedObject(kind, _range(node.relation) if node.relation.relname else quote(node.name))]


def _schema(node: Node) -> Iterable[NamedObject]:
    return [NamedObject("SCHEMA", quote(node.schemaname) if node.schemaname else _role(node.authrole))]


_READ: Mapping[str, Reader] = {
    "CommentStmt": _by_enum("objtype"), "SecLabelStmt": _by_enum("objtype"),
    "AlterOwnerStmt": _by_enum("object_type"), "AlterObjectSchemaStmt": _by_enum("object_type"),
    "AlterObjectDependsStmt": _by_enum("object_type"), "RenameStmt": _by_enum("rename_type", "subname"),
    "DropStmt": _drop, "GrantStmt": _grant, "AlterDefaultPrivilegesStmt": _default_privileges,
    "GrantRoleStmt": _roles("granted_roles"), "DropRoleStmt": _roles("roles"),
    "InsertStmt": _relation("TABLE", "relation"), "UpdateStmt": _relation("TABLE", "relation"),
    "DeleteStmt": _relation("TABLE", "relation"), "MergeStmt": _relation("TABLE", "relation"),
    "CopyStmt": _relation("TABLE", "relation"), "TruncateStmt": _each("relations"), "LockStmt": _each("relations"),
    "VacuumStmt": _each("rels"), "ClusterStmt": _relation("TABLE", "relation"), "ReindexStmt": _reindex,
    "RefreshMatViewStmt": _relation("MATERIALIZED VIEW", "relation"),
    "CreateStmt": _relation("TABLE", "relation"),
    "CreateForeignTableStmt": _relation("FOREIGN TABLE", "base_stmt", "relation"),
    "CreateSeqStmt": _relation("SEQUENCE", "sequence"), "AlterSeqStmt": _relation("SEQUENCE", "sequence"),
    "CreateTableAsStmt": _into, "ViewStmt": _relation("VIEW", "view"), "IndexStmt": _index,
    "AlterTableStmt": lambda node: [
        NamedObject(_type_of(nodes.enum_name("ObjectType", node.objtype)), _range(node.relation))
    ],
    "AlterTableMoveAllStmt": _text("TABLESPACE", "orig_tablespacename"),
    "DefineStmt": _define, "CreateFunctionStmt": _routine,
    "AlterFunctionStmt": lambda node: [
        NamedObject(_type_of(nodes.enum_name("ObjectType", node.objtype)), _dotted(nodes.strings(node.func.objname)))
    ],
    "CallStmt": lambda node: [NamedObject("PROCEDURE", _dotted(nodes.strings(node.funccall.funcname)))],
    "ExecuteStmt": _text("PREPARED STATEMENT", "name"),
    "CompositeTypeStmt": _relation("TYPE", "typevar"), "CreateEnumStmt": _strings("TYPE", "type_name"),
    "CreateRangeStmt": _strings("TYPE", "type_name"), "AlterEnumStmt": _strings("TYPE", "type_name"),
    "AlterTypeStmt": _strings("TYPE", "type_name"), "CreateDomainStmt": _strings("DOMAIN", "domainname"),
    "AlterDomainStmt": _strings("DOMAIN", "type_name"),
    "CreateConversionStmt": _strings("CONVERSION", "conversion_name"),
    "CreateStatsStmt": _strings("STATISTICS", "defnames"), "AlterStatsStmt": _strings("STATISTICS", "defnames"),
    "CreateSchemaStmt": _schema, "CreateTrigStmt": _on("TRIGGER", "trigname"), "RuleStmt": _on("RULE", "rulename"),
    "CreatePolicyStmt": _on("POLICY", "policy_name", "table"),
    "AlterPolicyStmt": _on("POLICY", "policy_name", "table"),
    "CreateExtensionStmt": _text("EXTENSION", "extname"), "AlterExtensionStmt": _text("EXTENSION", "extname"),
    "AlterExtensionContentsStmt": _text("EXTENSION", "extname"),
    "CreateFdwStmt": _text("FOREIGN DATA WRAPPER", "fdwname"),
    "CreateForeignServerStmt": _text("SERVER", "servername"), "AlterForeignServerStmt": _text("SERVER", "servername"),
    "CreateEventTrigStmt": _text("EVENT TRIGGER", "trigname"), "AlterEventTrigStmt": _text("EVENT TRIGGER", "trigname"),
    "CreatePublicationStmt": _text("PUBLICATION", "pubname"), "AlterPublicationStmt": _text("PUBLICATION", "pubname"),
    "CreateSubscriptionStmt": _text("SUBSCRIPTION", "subname"),
    "AlterSubscriptionStmt": _text("SUBSCRIPTION", "subname"),
    "DropSubscriptionStmt": _text("SUBSCRIPTION", "subname"), "CreateAmStmt": _text("ACCESS METHOD", "amname"),
    "CreatePLangStmt": _text("LANGUAGE", "plname"), "CreateRoleStmt": _text("ROLE", "role"),
    "AlterRoleStmt": lambda node: [NamedObject("ROLE", _role(node.role))],
    "AlterRoleSetStmt": lambda node: [NamedObject("ROLE", _role(node.role))] if node.HasField("role") else [],
    "CreatedbStmt": _text("DATABASE", "dbname"), "DropdbStmt": _text("DATABASE", "dbname"),
    "AlterDatabaseStmt": _text("DATABASE", "dbname"), "AlterDatabaseSetStmt": _text("DATABASE", "dbname"),
    "CreateTableSpaceStmt": _text("TABLESPACE", "tablespacename"),
    "DropTableSpaceStmt": _text("TABLESPACE", "tablespacename"),
    "CreateUserMappingStmt": lambda node: [NamedObject("USER MAPPING", _role(node.user), quote(node.servername))],
    "DropUserMappingStmt": lambda node: [NamedObject("USER MAPPING", _role(node.user), quote(node.servername))],
    "AlterUserMappingStmt": lambda node: [NamedObject("USER MAPPING", _role(node.user), quote(node.servername))],
    "ImportForeignSchemaStmt": _text("SCHEMA", "local_schema"),
    "PrepareStmt": _text("PREPARED STATEMENT", "name"), "DeallocateStmt": _text("PREPARED STATEMENT", "name"),
    "VariableSetStmt": _text("PARAMETER", "name"),
    "CreateOpClassStmt": _strings("OPERATOR CLASS", "opclassname"),
    "CreateOpFamilyStmt": _strings("OPERATOR FAMILY", "opfamilyname"),
    "CreateCastStmt": lambda node: [
        NamedObject("CAST", " AS ".join(_type(one) for one in (node.sourcetype, node.targettype)))
    ],
}  # fmt: skip
