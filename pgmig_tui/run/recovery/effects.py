"""What a statement makes, takes away or changes, read off its tree: what to look for before it is sent and afterwards.

A statement is carried out whole or not at all, but for those that commit on their way; so one thing that it must have
changed tells of all of it. What may be done twice without harm needs no evidence.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from pgmig_tui.database.objects import SoughtObject, type_sql

if TYPE_CHECKING:
    from pgmig_tui.impact.nodes import Node

Want = Literal["made", "gone", "moved", "has", "lacks"]
Repeat = Literal["", "again", "upkeep", "nothing"]
"""again: doing it twice changes nothing that doing it once hasn't · upkeep: it changes no definition · nothing: what it
does ends with its session."""


@dataclass(frozen=True, slots=True)
class Subject:
    """One thing that tells whether the statement was carried out. `want`: made, gone, moved (to the name or the schema
    of `to`), or its state has or lacks the word `what`. `replaces`: where it is there already, it is made anew."""

    named: SoughtObject
    want: Want
    what: str = ""
    to: SoughtObject | None = None
    replaces: bool = False

    @property
    def told(self) -> str:
        """Such as `column "total" of "orders"`."""
        name = self.named
        kind = {"indexes": "index", "label": "value", "partition": "partition"}.get(name.kind, name.kind)
        if name.kind == "primary key":
            return f"the primary key of {name.name}"
        if name.kind == "indexes":
            return f"an index of {name.name}"
        if name.kind == "index":
            return f"index {name.part}"
        return (
            f"{kind} {name.part} of {name.name}" if name.part and name.kind not in _NO_PART else f"{kind} {name.name}"
        )


_NO_PART = frozenset({"operator class", "operator family"})


@dataclass(frozen=True, slots=True)
class Effects:
    """What a statement does. Without `subjects` and `repeat` nothing is known of it."""

    subjects: tuple[Subject, ...] = ()
    repeat: Repeat = ""


def effects_of(node: Node) -> Effects:
    """The effects of a statement, by its parse tree."""
    kind = str(node.WhichOneof("node"))
    statement = getattr(node, kind)
    if kind in _REPEAT:
        return Effects(repeat=_REPEAT[kind])
    if (read := _READ.get(kind)) is None:
        return Effects()
    found = read(statement)
    return found if isinstance(found, Effects) else Effects(tuple(found))


_REPEAT: Mapping[str, Repeat] = {
    **dict.fromkeys((
        "vacuum_stmt", "reindex_stmt", "cluster_stmt", "refresh_mat_view_stmt", "check_point_stmt",
    ), "upkeep"),
    **dict.fromkeys((
        "variable_set_stmt", "variable_show_stmt", "listen_stmt", "unlisten_stmt", "discard_stmt", "prepare_stmt",
        "deallocate_stmt", "load_stmt", "lock_stmt", "constraints_set_stmt",
    ), "nothing"),
    **dict.fromkeys((
        "comment_stmt", "grant_stmt", "grant_role_stmt", "sec_label_stmt", "alter_default_privileges_stmt",
        "alter_owner_stmt", "alter_role_stmt", "alter_role_set_stmt", "alter_database_stmt", "alter_database_set_stmt",
        "alter_system_stmt", "alter_function_stmt", "alter_policy_stmt", "alter_event_trig_stmt", "alter_stats_stmt",
        "alter_collation_stmt", "alter_operator_stmt", "alter_type_stmt", "alter_extension_stmt",
        "alter_tsdictionary_stmt",
        "alter_table_space_options_stmt", "alter_object_depends_stmt", "drop_owned_stmt", "reassign_owned_stmt",
        "alter_database_refresh_coll_stmt",
    ), "again"),
}  # fmt: skip


# -- made ----------------------------------------------------------------------------------------------------------


def _made(kind: str, name: str, schema: str = "", **more: Node) -> Subject:
    return Subject(SoughtObject(kind, name, schema, makes=True), "made", **more)


def _on(kind: str, relation: Node, part: str) -> SoughtObject:
    return SoughtObject(kind, relation.relname, relation.schemaname, part)


def _relation(relation: Node, *, replaces: bool = False) -> Effects | list[Subject]:
    if relation.relpersistence == "t" or relation.schemaname == "pg_temp":
        return Effects(repeat="nothing")
    return [_made("relation", relation.relname, relation.schemaname, replaces=replaces)]


def _index(statement: Node) -> list[Subject]:
    if statement.idxname:
        return [Subject(_on("index", statement.relation, statement.idxname), "made")]
    return [Subject(_on("indexes", statement.relation, ""), "made")]


def _define(statement: Node) -> Effects | list[Subject]:
    kind = _enum(statement, "kind")
    schema, name = _qualified(statement.defnames)
    if kind == "OBJECT_AGGREGATE":
        if statement.oldstyle:
            return Effects()
        items = statement.args[0].list.items if statement.args else ()
        args = _parameters(one.function_parameter for one in items)
        return [
            Subject(SoughtObject("routine", name, schema, args=args, makes=True), "made", replaces=statement.replace)
        ]
    if kind == "OBJECT_OPERATOR":
        given = {one.def_elem.defname: one.def_elem.arg for one in statement.definition}
        sides = tuple(_type(given[side].type_name) if side in given else "" for side in ("leftarg", "rightarg"))
        return [Subject(SoughtObject("operator", name, schema, args=sides, makes=True), "made")]
    catalog = _KINDS.get(kind)
    return Effects() if catalog is None else [_made(catalog, name, schema)]


def _function(statement: Node) -> list[Subject]:
    schema, name = _qualified(statement.funcname)
    args = _parameters(one.function_parameter for one in statement.parameters)
    return [Subject(SoughtObject("routine", name, schema, args=args, makes=True), "made", replaces=statement.replace)]


def _trigger(statement: Node) -> list[Subject]:
    return [Subject(_on("trigger", statement.relation, statement.trigname), "made", replaces=statement.replace)]


def _schema(statement: Node) -> list[Subject]:
    return (
        [_made("schema", statement.schemaname or statement.authrole.rolename)]
        if (statement.schemaname or statement.authrole.rolename)
        else []
    )


def _mapping(statement: Node, want: Want) -> list[Subject]:
    user = statement.user
    special = {"ROLESPEC_CURRENT_USER": "CURRENT_USER", "ROLESPEC_CURRENT_ROLE": "CURRENT_USER",
               "ROLESPEC_SESSION_USER": "SESSION_USER", "ROLESPEC_PUBLIC": ""}  # fmt: skip
    role = special.get(_enum(user, "roletype"), user.rolename)
    return [Subject(SoughtObject("user mapping", statement.servername, part=role), want)]


def _cast(statement: Node) -> list[Subject]:
    args = (_type(statement.sourcetype), _type(statement.targettype))
    return [Subject(SoughtObject("cast", " as ".join(args), args=args, makes=True), "made")]


def _transform(statement: Node) -> list[Subject]:
    named = SoughtObject("transform", statement.lang, args=(_type(statement.type_name),), makes=True)
    return [Subject(named, "made", replaces=statement.replace)]


def _by_method(kind: str, names: Node, method: str) -> list[Subject]:
    schema, name = _qualified(names)
    return [Subject(SoughtObject(kind, name, schema, method, makes=True), "made")]


def _enum_value(statement: Node) -> list[Subject]:
    schema, name = _qualified(statement.type_name)
    if statement.old_val:
        old = SoughtObject("label", name, schema, statement.old_val)
        return [Subject(old, "moved", to=SoughtObject("label", name, schema, statement.new_val))]
    return [Subject(SoughtObject("label", name, schema, statement.new_val), "made")]


def _names(kind: str, field: str, **more: Node) -> Callable[[Node], list[Subject]]:
    """Of a list of names."""

    def read(statement: Node) -> list[Subject]:
        schema, name = _qualified(getattr(statement, field))
        return [_made(kind, name, schema, **more)]

    return read


def _own(kind: str, field: str, want: Want = "made") -> Callable[[Node], list[Subject]]:
    """Of a name without a schema."""
    return lambda statement: [Subject(SoughtObject(kind, getattr(statement, field), makes=want == "made"), want)]


# -- gone ----------------------------------------------------------------------------------------------------------

_KINDS: Mapping[str, str] = {
    **dict.fromkeys((
        "OBJECT_TABLE", "OBJECT_VIEW", "OBJECT_MATVIEW", "OBJECT_SEQUENCE", "OBJECT_FOREIGN_TABLE", "OBJECT_INDEX",
    ), "relation"),
    **dict.fromkeys(("OBJECT_FUNCTION", "OBJECT_PROCEDURE", "OBJECT_ROUTINE", "OBJECT_AGGREGATE"), "routine"),
    **dict.fromkeys(("OBJECT_TYPE", "OBJECT_DOMAIN"), "type"),
    **dict.fromkeys(("OBJECT_TRIGGER",), "trigger"),
    "OBJECT_RULE": "rule", "OBJECT_POLICY": "policy", "OBJECT_OPERATOR": "operator", "OBJECT_OPCLASS": "operator class",
    "OBJECT_OPFAMILY": "operator family", "OBJECT_CAST": "cast", "OBJECT_TRANSFORM": "transform",
    "OBJECT_COLLATION": "collation", "OBJECT_CONVERSION": "conversion", "OBJECT_STATISTIC_EXT": "statistics",
    "OBJECT_TSPARSER": "text search parser", "OBJECT_TSDICTIONARY": "text search dictionary",
    "OBJECT_TSTEMPLATE": "text search template", "OBJECT_TSCONFIGURATION": "text search configuration",
    "OBJECT_SCHEMA": "schema", "OBJECT_EXTENSION": "extension", "OBJECT_LANGUAGE": "language",
    "OBJECT_FDW": "foreign-data wrapper", "OBJECT_FOREIGN_SERVER": "server", "OBJECT_PUBLICATION": "publication",
    "OBJECT_SUBSCRIPTION": "subscription", "OBJECT_EVENT_TRIGGER": "event trigger",
    "OBJECT_ACCESS_METHOD": "access method", "OBJECT_ROLE": "role", "OBJECT_DATABASE": "database",
    "OBJECT_TABLESPACE": "tablespace",
}  # fmt: skip
_ON_RELATION = frozenset({"trigger", "rule", "policy"})


def _drop(statement: Node) -> Effects | list[Subject]:
    kind = _KINDS.get(_enum(statement, "remove_type"))
    if kind is None:
        return Effects()
    return [Subject(_dropped(kind, item), "gone") for item in statement.objects]


def _dropped(kind: str, item: Node) -> SoughtObject:
    if kind in ("routine", "operator"):
        return _with_args(kind, item.object_with_args)
    if kind == "type":
        schema, name = _qualified(item.type_name.names)
        return SoughtObject(kind, name, schema)
    if not item.HasField("list"):
        return SoughtObject(kind, item.string.sval)
    parts = item.list.items
    if kind in _ON_RELATION:
        schema, name = _qualified(parts[:-1])
        return SoughtObject(kind, name, schema, parts[-1].string.sval)
    if kind in ("operator class", "operator family"):
        schema, name = _qualified(parts[1:])
        return SoughtObject(kind, name, schema, parts[0].string.sval)
    if kind == "cast":
        args = tuple(_type(one.type_name) for one in parts)
        return SoughtObject(kind, " as ".join(args), args=args)
    if kind == "transform":
        return SoughtObject(kind, parts[1].string.sval, args=(_type(parts[0].type_name),))
    schema, name = _qualified(parts)
    return SoughtObject(kind, name, schema)


def _with_args(kind: str, item: Node) -> SoughtObject:
    """A function, procedure, aggregate or operator, by its arguments where they are given."""
    schema, name = _qualified(item.objname)
    if kind == "operator":
        args = tuple(_type(one.type_name) if one.HasField("type_name") else "" for one in item.objargs)
        return SoughtObject(kind, name, schema, args=args)
    if item.args_unspecified:
        return SoughtObject(kind, name, schema)
    if item.objfuncargs:
        return SoughtObject(kind, name, schema, args=_parameters(one.function_parameter for one in item.objfuncargs))
    return SoughtObject(kind, name, schema, args=tuple(_type(one.type_name) for one in item.objargs))


def _roles_gone(statement: Node) -> list[Subject]:
    return [Subject(SoughtObject("role", one.role_spec.rolename), "gone") for one in statement.roles]


# -- moved ---------------------------------------------------------------------------------------------------------

_PARTS: Mapping[str, str] = {
    "OBJECT_COLUMN": "column", "OBJECT_ATTRIBUTE": "column", "OBJECT_TABCONSTRAINT": "constraint",
    "OBJECT_TRIGGER": "trigger", "OBJECT_RULE": "rule", "OBJECT_POLICY": "policy",
}  # fmt: skip


def _rename(statement: Node) -> Effects | list[Subject]:
    kind = _enum(statement, "rename_type")
    new = statement.newname
    if kind in _PARTS:
        old = _on(_PARTS[kind], statement.relation, statement.subname)
        return [Subject(old, "moved", to=_on(_PARTS[kind], statement.relation, new))]
    if kind == "OBJECT_DOMCONSTRAINT":
        schema, name = _qualified(statement.object.list.items)
        old = SoughtObject("domain constraint", name, schema, statement.subname)
        return [Subject(old, "moved", to=SoughtObject(old.kind, name, schema, new))]
    catalog = _KINDS.get(kind)
    if catalog is None:
        return Effects()
    if statement.HasField("relation"):
        old = SoughtObject(catalog, statement.relation.relname, statement.relation.schemaname)
    elif statement.HasField("object"):
        old = _renamed(catalog, statement.object)
    else:
        old = SoughtObject(catalog, statement.subname)
    return [Subject(old, "moved", to=SoughtObject(old.kind, new, old.schema, old.part, args=old.args))]


def _renamed(kind: str, item: Node) -> SoughtObject:
    if item.HasField("list") and kind == "type":
        schema, name = _qualified(item.list.items)
        return SoughtObject(kind, name, schema)
    return _dropped(kind, item)


def _set_schema(statement: Node) -> Effects | list[Subject]:
    catalog = _KINDS.get(_enum(statement, "object_type"))
    if catalog is None or catalog == "extension":
        return Effects(repeat="again" if catalog else "")
    if statement.HasField("relation"):
        old = SoughtObject(catalog, statement.relation.relname, statement.relation.schemaname)
    else:
        old = _renamed(catalog, statement.object)
    return [Subject(old, "moved", to=SoughtObject(old.kind, old.name, statement.newschema, old.part, args=old.args))]


# -- altered -------------------------------------------------------------------------------------------------------

_AGAIN_ACTIONS = frozenset({
    "AT_ColumnDefault", "AT_SetStatistics", "AT_SetOptions", "AT_ResetOptions", "AT_SetStorage", "AT_SetCompression",
    "AT_AlterConstraint", "AT_ChangeOwner", "AT_ClusterOn", "AT_DropCluster",
    "AT_SetRelOptions", "AT_ResetRelOptions", "AT_ReplaceRelOptions", "AT_EnableTrig", "AT_EnableAlwaysTrig",
    "AT_EnableReplicaTrig", "AT_DisableTrig", "AT_EnableTrigAll", "AT_DisableTrigAll", "AT_EnableTrigUser",
    "AT_DisableTrigUser", "AT_EnableRule", "AT_EnableAlwaysRule", "AT_EnableReplicaRule", "AT_DisableRule",
    "AT_ReplicaIdentity", "AT_EnableRowSecurity", "AT_DisableRowSecurity", "AT_ForceRowSecurity",
    "AT_NoForceRowSecurity", "AT_AddOf", "AT_SetIdentity",
})  # fmt: skip


def _alter(statement: Node) -> Effects | list[Subject]:
    """ALTER TABLE and its like: the actions that have changed something tell of the others."""
    subjects: list[Subject] = []
    again = True
    for one in statement.cmds:
        command = one.alter_table_cmd
        action = _enum(command, "subtype")
        found = _action(statement.relation, action, command)
        again = again and action in _AGAIN_ACTIONS
        if found is not None:
            subjects.append(found)
    return Effects(tuple(subjects), "again" if again and not subjects else "")


def _action(relation: Node, action: str, command: Node) -> Subject | None:
    name = command.name
    definition = getattr(command, "def")
    match action:
        case "AT_AddColumn":
            return Subject(_on("column", relation, definition.column_def.colname), "made")
        case "AT_DropColumn":
            return Subject(_on("column", relation, name), "gone")
        case "AT_SetNotNull":
            return Subject(_on("column", relation, name), "has", "not-null")
        case "AT_DropNotNull":
            return Subject(_on("column", relation, name), "lacks", "not-null")
        case "AT_AddIdentity":
            return Subject(_on("column", relation, name), "has", "identity")
        case "AT_DropIdentity":
            return Subject(_on("column", relation, name), "lacks", "identity")
        case "AT_DropExpression":
            return Subject(_on("column", relation, name), "lacks", "generated")
        case "AT_AddConstraint":
            constraint = definition.constraint
            if constraint.conname:
                return Subject(_on("constraint", relation, constraint.conname), "made")
            primary = _enum(constraint, "contype") == "CONSTR_PRIMARY"
            return Subject(_on("primary key", relation, ""), "made") if primary else None
        case "AT_ValidateConstraint":
            return Subject(_on("constraint", relation, name), "has", "validated")
        case "AT_DropConstraint":
            return Subject(_on("constraint", relation, name), "gone")
        case "AT_AttachPartition" | "AT_DetachPartition" | "AT_DetachPartitionFinalize":
            part = definition.partition_cmd.name
            named = SoughtObject("partition", relation.relname, relation.schemaname, part.relname, part.schemaname)
            if part.relname and relation.relname and action == "AT_AttachPartition":
                return Subject(named, "made")
            return Subject(named, "gone")
        case "AT_AddInherit" | "AT_DropInherit":
            parent = definition.range_var
            named = SoughtObject("partition", parent.relname, parent.schemaname, relation.relname, relation.schemaname)
            return Subject(named, "made" if action == "AT_AddInherit" else "gone")
    return None


def _alter_domain(statement: Node) -> Effects | list[Subject]:
    schema, name = _qualified(statement.type_name)
    constraint = getattr(statement, "def").constraint
    match statement.subtype:
        case "C" if constraint.conname:
            return [Subject(SoughtObject("domain constraint", name, schema, constraint.conname), "made")]
        case "X":
            return [Subject(SoughtObject("domain constraint", name, schema, statement.name), "gone")]
        case "V":
            return [Subject(SoughtObject("domain constraint", name, schema, statement.name), "has", "validated")]
        case "T" | "N" | "O":
            return Effects(repeat="again")
    return Effects()


def _transaction(statement: Node) -> Effects | list[Subject]:
    match _enum(statement, "kind"):
        case "TRANS_STMT_PREPARE":
            return [Subject(SoughtObject("prepared transaction", statement.gid), "made")]
        case "TRANS_STMT_COMMIT_PREPARED" | "TRANS_STMT_ROLLBACK_PREPARED":
            return [Subject(SoughtObject("prepared transaction", statement.gid), "gone")]
    return Effects(repeat="nothing")


def _each_gone(kind: str, field: str) -> Callable[[Node], list[Subject]]:
    return lambda statement: [Subject(SoughtObject(kind, getattr(statement, field)), "gone")]


_READ: Mapping[str, Callable[[Node], Effects | list[Subject]]] = {
    "create_stmt": lambda one: _relation(one.relation),
    "create_foreign_table_stmt": lambda one: _relation(one.base_stmt.relation),
    "create_seq_stmt": lambda one: _relation(one.sequence),
    "create_table_as_stmt": lambda one: _relation(one.into.rel),
    "view_stmt": lambda one: _relation(one.view, replaces=one.replace),
    "index_stmt": _index,
    "define_stmt": _define,
    "create_function_stmt": _function,
    "composite_type_stmt": lambda one: [_made("type", one.typevar.relname, one.typevar.schemaname)],
    "create_enum_stmt": _names("type", "type_name"),
    "create_range_stmt": _names("type", "type_name"),
    "create_domain_stmt": _names("type", "domainname"),
    "create_conversion_stmt": _names("conversion", "conversion_name"),
    "create_stats_stmt": lambda one: _names("statistics", "defnames")(one) if one.defnames else Effects(),
    "create_schema_stmt": _schema,
    "create_trig_stmt": _trigger,
    "rule_stmt": lambda one: [Subject(_on("rule", one.relation, one.rulename), "made", replaces=one.replace)],
    "create_policy_stmt": lambda one: [Subject(_on("policy", one.table, one.policy_name), "made")],
    "create_cast_stmt": _cast,
    "create_transform_stmt": _transform,
    "create_op_class_stmt": lambda one: _by_method("operator class", one.opclassname, one.amname),
    "create_op_family_stmt": lambda one: _by_method("operator family", one.opfamilyname, one.amname),
    "create_extension_stmt": _own("extension", "extname"),
    "create_fdw_stmt": _own("foreign-data wrapper", "fdwname"),
    "create_foreign_server_stmt": _own("server", "servername"),
    "create_event_trig_stmt": _own("event trigger", "trigname"),
    "create_publication_stmt": _own("publication", "pubname"),
    "create_subscription_stmt": _own("subscription", "subname"),
    "create_am_stmt": _own("access method", "amname"),
    "create_plang_stmt": lambda one: [Subject(SoughtObject("language", one.plname), "made", replaces=one.replace)],
    "create_role_stmt": _own("role", "role"),
    "createdb_stmt": _own("database", "dbname"),
    "create_table_space_stmt": _own("tablespace", "tablespacename"),
    "create_user_mapping_stmt": lambda one: _mapping(one, "made"),
    "drop_user_mapping_stmt": lambda one: _mapping(one, "gone"),
    "drop_stmt": _drop,
    "drop_role_stmt": _roles_gone,
    "dropdb_stmt": _each_gone("database", "dbname"),
    "drop_table_space_stmt": _each_gone("tablespace", "tablespacename"),
    "drop_subscription_stmt": _each_gone("subscription", "subname"),
    "rename_stmt": _rename,
    "alter_object_schema_stmt": _set_schema,
    "alter_enum_stmt": _enum_value,
    "alter_table_stmt": _alter,
    "alter_domain_stmt": _alter_domain,
    "transaction_stmt": _transaction,
}


# -- trees ---------------------------------------------------------------------------------------------------------


def _qualified(parts: Node) -> tuple[str, str]:
    """(schema or "", name) of a dotted name; a database before them is left out."""
    names = [part.string.sval for part in parts]
    return (names[-2] if len(names) > 1 else ""), names[-1]


def _type(name: Node) -> str:
    return type_sql([part.string.sval for part in name.names], len(name.array_bounds))


def _parameters(parameters: Iterable[Node]) -> tuple[str, ...]:
    """The types that make a routine's signature: those of what goes in."""
    left_out = ("FUNC_PARAM_OUT", "FUNC_PARAM_TABLE")
    return tuple(_type(one.arg_type) for one in parameters if _enum(one, "mode") not in left_out)


def _enum(message: Node, field: str) -> str:
    return str(message.DESCRIPTOR.fields_by_name[field].enum_type.values_by_number[getattr(message, field)].name)
