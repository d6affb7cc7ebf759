"""What a script leaves behind, by the objects: a shadow of the catalog that knows only what the script touches.

Two scripts mirror each other when what one makes the other drops, and so on; that they say it in other words, in
another order, or with a whole table instead of its parts, doesn't count.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from pgmig_tui.impact import nodes
from pgmig_tui.impact.nodes import Node
from pgmig_tui.impact.plpgsql import steps_of
from pgmig_tui.impact.safer import key_names, made_name
from pgmig_tui.impact.steps import texts_of
from pgmig_tui.lint.state import columns_of, commands, constraint_kind, constraints_of, is_temporary
from pgmig_tui.script.preview import Preview

Done = Literal["made", "gone", "changed"]
_BODIES = 100


class Thing(NamedTuple):
    """An object, or one side of it ("default", "type of"). A schema of "public", or none, is left out of the name."""

    kind: str
    name: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.kind} {'.'.join(self.name)}"


@dataclass(slots=True)
class ScriptEffects:
    """`things` are what stays done at the end, `parents` what each goes with. `known` is False where code runs that
    can't be read: then more may be done. `lines` are the lines where it is done."""

    things: dict[Thing, Done] = field(default_factory=dict)
    parents: dict[Thing, frozenset[Thing]] = field(default_factory=dict)
    lines: dict[Thing, int] = field(default_factory=dict)
    known: bool = True
    path: str = ""
    touched: set[Thing] = field(default_factory=set)
    """All that was done on the way, undone again or not."""

    def make(self, thing: Thing, *parents: Thing, line: int = 0) -> None:
        self.touched.add(thing)
        self.lines[thing] = line
        if self.things.get(thing) == "gone":
            self.things[thing] = "changed"
            return
        self.things[thing] = "made"
        self.parents[thing] = frozenset(parents)

    def drop(self, thing: Thing, line: int = 0) -> None:
        self.touched.add(thing)
        self.lines[thing] = line
        for child in [one for one, parents in self.parents.items() if thing in parents]:
            if child in self.things:
                self.drop(child, line)
                self.things.pop(child, None)
        if self.things.get(thing) == "made":
            del self.things[thing]
        elif self.things.get(Thing("table", thing.name[:-1])) != "made":  # else it is the script's own in any case
            self.things[thing] = "gone"

    def change(self, thing: Thing, *parents: Thing, line: int = 0) -> None:
        self.touched.add(thing)
        if any(self.things.get(one) == "made" for one in parents):
            return
        self.lines[thing] = line
        self.things[thing] = "changed"
        self.parents[thing] = frozenset(parents)

    def rename(self, old: Thing, new: Thing, line: int = 0) -> None:
        self.drop(old, line)
        self.make(new, line=line)


def effects_of(view: Preview) -> ScriptEffects:
    """Of a whole script, in its order. Branches count as run, and make what is done unknown."""
    found = ScriptEffects(known=not view.refused)
    rolled_back: ScriptEffects | None = None
    for one in view.statements:
        if one.skipped or one.keywords == "EMPTY":
            continue
        if one.control == "begin":
            rolled_back = ScriptEffects(dict(found.things), dict(found.parents), dict(found.lines), found.known)
        elif one.control == "rollback" and rolled_back is not None:
            found = rolled_back
        if one.problem is not None or one.possible or one.then == "gexec" or one.variables:
            found.known = False
        for tree in one.nodes if one.control is None else ():
            _apply(nodes.statement(tree), found, one.line, one.text)
    return found


def _apply(node: Node, into: ScriptEffects, line: int, text: str, depth: int = 0) -> None:
    kind = nodes.kind(node)
    apply = _BY_KIND.get(kind)
    if apply is not None:
        apply(node, into, line)
    elif kind in ("DoStmt", "CallStmt") or (kind == "SelectStmt" and _calls_own(node)):
        block = steps_of(text) if kind == "DoStmt" and depth < _BODIES else None
        if block is None:
            into.known = False
            return
        for inner, dynamic in texts_of(block):
            if dynamic:
                into.known = False
                continue
            try:
                trees = nodes.parse(inner)
            except nodes.ParseError:
                into.known = False
                continue
            for tree in trees:
                if nodes.kind(tree) != "SelectStmt":
                    into.known = False  # whether it runs hangs on the way through the block
                    _apply(tree, into, line, inner, depth + 1)
                elif _calls_own(tree):
                    into.known = False


def _calls_own(node: Node) -> bool:
    from pgmig_tui.impact.builtin import builtin_functions

    return any(
        parts[-1] not in builtin_functions() or (len(parts) > 1 and parts[0] != "pg_catalog")
        for parts, _ in nodes.functions_in(node)
    )


# -- names -------------------------------------------------------------------------------------------------------------


def _plain(parts: list[str], into: ScriptEffects) -> tuple[str, ...]:
    if len(parts) == 1 and into.path:
        parts = [into.path, *parts]
    return tuple(parts[1:] if len(parts) > 1 and parts[0] == "public" else parts)


def _relation(node: Node, into: ScriptEffects) -> tuple[str, ...]:
    return _plain([one for one in (node.schemaname, node.relname) if one], into)


def _table(node: Node, into: ScriptEffects) -> Thing:
    return Thing("table", _relation(node, into))


def _beside(table: Thing, name: str) -> tuple[str, ...]:
    """A name in the schema of a table."""
    return (*table.name[:-1], name)


def _in_schema(name: tuple[str, ...]) -> tuple[Thing, ...]:
    return (Thing("schema", name[:1]),) if len(name) > 1 else ()


_LABELS = {"PRIMARY": "pkey", "UNIQUE": "key", "FOREIGN": "fkey", "CHECK": "check", "EXCLUSION": "excl"}


def constraint_name(constraint: Node, table: str, column: str = "") -> str:
    """As the server chooses it, unless it has one; of a CHECK on several columns that may be another."""
    if constraint.conname:
        return str(constraint.conname)
    kind = constraint_kind(constraint)
    label = _LABELS.get(kind, "")
    if kind == "PRIMARY":
        return made_name(table, "", label)
    keys = nodes.strings(constraint.fk_attrs if kind == "FOREIGN" else constraint.keys) or [column] * bool(column)
    if kind == "CHECK" and not column:
        named = {nodes.strings(one.fields)[-1] for one in nodes.walk(constraint) if nodes.kind(one) == "ColumnRef"}
        column = named.pop() if len(named) == 1 else ""
    return made_name(table, column or "_".join(keys), label)


# -- statements --------------------------------------------------------------------------------------------------------


def _create_table(node: Node, into: ScriptEffects, line: int) -> None:
    if is_temporary(node.relation):
        return
    table = _table(node.relation, into)
    into.make(table, *_in_schema(table.name), line=line)
    for column in columns_of(node):
        into.make(Thing("column", (*table.name, column.colname)), table, line=line)
    for constraint, own in constraints_of(node):
        if constraint_kind(constraint) in _LABELS:
            _constraint(constraint, table, into, line, own)


def _constraint(constraint: Node, table: Thing, into: ScriptEffects, line: int, column: str = "") -> None:
    name = constraint_name(constraint, table.name[-1], column)
    keys = nodes.strings(constraint.keys) or nodes.strings(constraint.fk_attrs) or [column] * bool(column)
    keys += [nodes.strings(one.fields)[-1] for one in nodes.walk(constraint) if nodes.kind(one) == "ColumnRef"]
    parents = [Thing("column", (*table.name, key)) for key in keys]
    if constraint.indexname:  # it becomes the constraint's, and goes with it
        into.drop(Thing("index", _beside(table, constraint.indexname)), line)
    if constraint_kind(constraint) == "FOREIGN":
        parents.append(_table(constraint.pktable, into))
    into.make(Thing("constraint", (*table.name, name)), table, *parents, line=line)


def _create_table_as(node: Node, into: ScriptEffects, line: int) -> None:
    if is_temporary(node.into.rel):
        return
    name = _relation(node.into.rel, into)
    kind = "view" if nodes.enum_name("ObjectType", node.objtype) == "OBJECT_MATVIEW" else "table"
    into.make(Thing(kind, name), *_in_schema(name), line=line)


def _alter_table(node: Node, into: ScriptEffects, line: int) -> None:
    what = nodes.enum_name("ObjectType", node.objtype)
    if what not in ("OBJECT_TABLE", "OBJECT_FOREIGN_TABLE"):
        return
    table = _table(node.relation, into)
    for kind, command in commands(node):
        _alter_one(kind, command, table, into, line)


_SIDES = {
    "AlterColumnType": "type of", "ColumnDefault": "default of", "SetNotNull": "NOT NULL of",
    "DropNotNull": "NOT NULL of",
    "AddIdentity": "identity of", "SetIdentity": "identity of", "DropIdentity": "identity of",
    "SetStatistics": "statistics of", "SetStorage": "storage of", "DropExpression": "expression of",
}  # fmt: skip
_WHOLE = {
    "EnableRowSecurity": "row security of", "DisableRowSecurity": "row security of",
    "ForceRowSecurity": "forced row security of", "NoForceRowSecurity": "forced row security of",
    "ReplicaIdentity": "replica identity of", "SetTableSpace": "tablespace of", "SetLogged": "persistence of",
    "SetUnLogged": "persistence of", "SetRelOptions": "storage parameters of",
    "ResetRelOptions": "storage parameters of",
    "ChangeOwner": "owner of", "ClusterOn": "clustering of", "DropCluster": "clustering of",
}  # fmt: skip


def _alter_one(kind: str, command: Node, table: Thing, into: ScriptEffects, line: int) -> None:
    column = Thing("column", (*table.name, command.name))
    if kind == "AddColumn":
        definition = nodes.definition(command)
        into.make(Thing("column", (*table.name, definition.colname)), table, line=line)
    elif kind == "DropColumn":
        into.drop(column, line)
    elif kind == "AddConstraint":
        _constraint(nodes.definition(command), table, into, line)
    elif kind == "DropConstraint":
        into.drop(Thing("constraint", (*table.name, command.name)), line)
    elif kind in _SIDES:
        into.change(Thing(_SIDES[kind], column.name), table, column, line=line)
    elif kind in _WHOLE:
        into.change(Thing(_WHOLE[kind], table.name), table, line=line)
    elif kind in ("AttachPartition", "DetachPartition"):
        part = nodes.raw_definition(command).partition_cmd.name
        into.change(Thing("partition", _relation(part, into)), table, _table(part, into), line=line)
    elif "Trig" in kind:
        into.change(Thing("trigger state of", (*table.name, command.name)), table, line=line)


def _index(node: Node, into: ScriptEffects, line: int) -> None:
    table = _table(node.relation, into)
    name = node.idxname or made_name(table.name[-1], "_".join(key_names(node)), "idx")
    columns = [Thing("column", (*table.name, one.index_elem.name)) for one in node.index_params if one.index_elem.name]
    into.make(Thing("index", _beside(table, name)), table, Thing("view", table.name), *columns, line=line)


def _view(node: Node, into: ScriptEffects, line: int) -> None:
    name = _relation(node.view, into)
    if node.replace and Thing("view", name) not in into.things:
        into.make(Thing("view", name), *_in_schema(name), line=line)
        into.things[Thing("view", name)] = "changed"
    else:
        into.make(Thing("view", name), *_in_schema(name), line=line)


def _function(node: Node, into: ScriptEffects, line: int) -> None:
    name = _plain(nodes.strings(node.funcname), into)
    thing = Thing("function", name)
    before = into.things.get(thing)
    into.make(thing, *_in_schema(name), line=line)
    if node.replace and before is None:
        into.things[thing] = "changed"


def _trigger(node: Node, into: ScriptEffects, line: int) -> None:
    table = _table(node.relation, into)
    function = Thing("function", _plain(nodes.strings(node.funcname), into))
    into.make(Thing("trigger", (*table.name, node.trigname)), table, Thing("view", table.name), function, line=line)


def _policy(node: Node, into: ScriptEffects, line: int) -> None:
    table = _table(node.table, into)
    thing = Thing("policy", (*table.name, node.policy_name))
    if nodes.kind(node) == "CreatePolicyStmt":
        into.make(thing, table, line=line)
    else:
        into.change(thing, table, line=line)


def _schema(node: Node, into: ScriptEffects, line: int) -> None:
    into.make(Thing("schema", (node.schemaname or node.authrole.rolename,)), line=line)


def _typed(field_name: str) -> Callable[[Node, ScriptEffects, int], None]:
    def made(node: Node, into: ScriptEffects, line: int) -> None:
        name = _plain(nodes.strings(getattr(node, field_name)), into)
        into.make(Thing("type", name), *_in_schema(name), line=line)

    return made


def _composite(node: Node, into: ScriptEffects, line: int) -> None:
    name = _relation(node.typevar, into)
    into.make(Thing("type", name), *_in_schema(name), line=line)


def _enum(node: Node, into: ScriptEffects, line: int) -> None:
    name = _plain(nodes.strings(node.type_name), into)
    if node.old_val:
        into.rename(Thing("enum value", (*name, node.old_val)), Thing("enum value", (*name, node.new_val)), line)
    else:
        into.make(Thing("enum value", (*name, node.new_val)), Thing("type", name), line=line)


def _domain(node: Node, into: ScriptEffects, line: int) -> None:
    name = _plain(nodes.strings(node.type_name), into)
    if node.subtype == "C" and node.HasField("def"):
        constraint = nodes.definition(node)
        named = constraint.conname or made_name(name[-1], "", "check")
        into.make(Thing("constraint", (*name, named)), Thing("type", name), line=line)
    elif node.subtype == "X":
        into.drop(Thing("constraint", (*name, node.name)), line)
    elif node.subtype in ("T", "N", "O"):
        into.change(Thing("default of" if node.subtype == "T" else "NOT NULL of", name), Thing("type", name), line=line)


def _sequence(node: Node, into: ScriptEffects, line: int) -> None:
    if is_temporary(node.sequence):
        return
    name = _relation(node.sequence, into)
    owned = nodes.options(node.options).get("owned_by")
    table: tuple[Thing, ...] = ()
    if owned is not None:
        parts = nodes.strings(owned.arg.list.items)
        column = _plain(parts, into)
        table = (Thing("table", column[:-1]), Thing("column", column))
    into.make(Thing("sequence", name), *table, *_in_schema(name), line=line)


def _extension(node: Node, into: ScriptEffects, line: int) -> None:
    into.make(Thing("extension", (node.extname,)), line=line)


def _role(node: Node, into: ScriptEffects, line: int) -> None:
    into.make(Thing("role", (node.role,)), line=line)


def _drop_role(node: Node, into: ScriptEffects, line: int) -> None:
    for one in node.roles:
        into.drop(Thing("role", (one.role_spec.rolename,)), line)


def _grant(node: Node, into: ScriptEffects, line: int) -> None:
    """GRANT and REVOKE of the same objects are each other's mirror; so is the object's end."""
    objects = [nodes.list_name(one) for one in node.objects]
    parents = [Thing(kind, _plain(parts, into)) for parts in objects for kind in ("table", "view", "function", "type")]
    parents += [Thing(kind, (parts[-1],)) for parts in objects for kind in ("schema", "sequence")]
    for one in node.grantees:
        role = one.role_spec.rolename or nodes.enum_name("RoleSpecType", one.role_spec.roletype).removeprefix(
            "ROLESPEC_"
        )
        for parts in objects:
            thing = Thing("grant", (*_plain(parts, into), role))
            into.change(thing, *parents, Thing("role", (role,)), line=line)


def _insert(node: Node, into: ScriptEffects, line: int) -> None:
    table = _table(node.relation, into)
    into.change(Thing("rows", table.name), table, line=line)


def _delete(node: Node, into: ScriptEffects, line: int) -> None:
    table = _table(node.relation, into)
    into.touched.add(Thing("rows", table.name))


def _truncate(node: Node, into: ScriptEffects, line: int) -> None:
    for one in node.relations:
        into.touched.add(Thing("rows", _relation(one.range_var, into)))


_KINDS = {
    "OBJECT_TABLE": "table", "OBJECT_FOREIGN_TABLE": "table", "OBJECT_VIEW": "view", "OBJECT_MATVIEW": "view",
    "OBJECT_INDEX": "index", "OBJECT_SEQUENCE": "sequence", "OBJECT_FUNCTION": "function",
    "OBJECT_PROCEDURE": "function",
    "OBJECT_ROUTINE": "function", "OBJECT_AGGREGATE": "function", "OBJECT_TYPE": "type", "OBJECT_DOMAIN": "type",
    "OBJECT_TRIGGER": "trigger", "OBJECT_POLICY": "policy", "OBJECT_SCHEMA": "schema", "OBJECT_EXTENSION": "extension",
    "OBJECT_RULE": "rule", "OBJECT_TABCONSTRAINT": "constraint", "OBJECT_DOMCONSTRAINT": "constraint",
    "OBJECT_COLUMN": "column",
}  # fmt: skip


def _drop(node: Node, into: ScriptEffects, line: int) -> None:
    kind = _KINDS.get(nodes.enum_name("ObjectType", node.remove_type))
    if kind is None:
        into.known = False
        return
    for one in node.objects:
        parts = nodes.list_name(one)
        if kind in ("trigger", "policy", "rule"):
            name = (*_plain(parts[:-1], into), parts[-1])
        else:
            name = tuple(parts) if kind in ("schema", "extension") else _plain(parts, into)
        into.drop(Thing(kind, name), line)


def _rename(node: Node, into: ScriptEffects, line: int) -> None:
    kind = _KINDS.get(nodes.enum_name("ObjectType", node.rename_type))
    if kind is None:
        into.known = False
        return
    if node.HasField("relation"):
        name = _relation(node.relation, into)
        if kind in ("column", "constraint", "trigger", "policy", "rule"):
            into.rename(Thing(kind, (*name, node.subname)), Thing(kind, (*name, node.newname)), line)
            return
    else:
        parts = nodes.list_name(node.object) if node.HasField("object") else [node.subname]
        name = tuple(parts) if kind == "schema" else _plain(parts, into)
    into.rename(Thing(kind, name), Thing(kind, (*name[:-1], node.newname)), line)


def _set_schema(node: Node, into: ScriptEffects, line: int) -> None:
    kind = _KINDS.get(nodes.enum_name("ObjectType", node.object_type))
    if kind is None:
        into.known = False
        return
    parts = nodes.list_name(node.object) if node.HasField("object") else []
    name = _relation(node.relation, into) if node.HasField("relation") else _plain(parts, into)
    new = (name[-1],) if node.newschema == "public" else (node.newschema, name[-1])
    into.rename(Thing(kind, name), Thing(kind, new), line)


def _setting(node: Node, into: ScriptEffects, line: int) -> None:
    if node.name == "search_path":
        first = nodes.constant(node.args[0]) if node.args else None
        into.path = first if first and first != "public" and "$" not in first and "," not in first else ""


_BY_KIND: dict[str, Callable[[Node, ScriptEffects, int], None]] = {
    "CreateStmt": _create_table, "CreateTableAsStmt": _create_table_as, "AlterTableStmt": _alter_table,
    "IndexStmt": _index, "ViewStmt": _view, "CreateFunctionStmt": _function, "CreateTrigStmt": _trigger,
    "CreatePolicyStmt": _policy, "AlterPolicyStmt": _policy, "CreateSchemaStmt": _schema,
    "CreateEnumStmt": _typed("type_name"), "CreateRangeStmt": _typed("type_name"),
    "CreateDomainStmt": _typed("domainname"), "CompositeTypeStmt": _composite, "AlterEnumStmt": _enum,
    "AlterDomainStmt": _domain, "CreateSeqStmt": _sequence, "CreateExtensionStmt": _extension, "CreateRoleStmt": _role,
    "DropRoleStmt": _drop_role, "GrantStmt": _grant, "InsertStmt": _insert, "DeleteStmt": _delete,
    "TruncateStmt": _truncate, "DropStmt": _drop, "RenameStmt": _rename, "AlterObjectSchemaStmt": _set_schema,
    "VariableSetStmt": _setting,
}  # fmt: skip
