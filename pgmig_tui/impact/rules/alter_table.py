"""ALTER TABLE and its kin (ALTER INDEX, VIEW, SEQUENCE, TYPE ... that share its tree).

One row a subcommand: the mode that it needs, how far it reaches down, and the handler for everything besides. A
statement takes the strongest mode of its subcommands for all of them, at its start (tablecmds.c,
AlterTableGetLockLevel).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import repeat

from pgmig_tui.impact import nodes
from pgmig_tui.impact.counting import count_calls
from pgmig_tui.impact.effect import Effect, Scene, quoted
from pgmig_tui.impact.facts import Name, Relation, replace
from pgmig_tui.impact.modes import AE, SRE, SUE, LockMode, S
from pgmig_tui.impact.nodes import Node
from pgmig_tui.impact.rules import (
    alter_column,
    alter_constraint,
    alter_partition,
    alter_storage,
    alter_type,
    carry,
    kinds,
    refused,
    refused_types,
    sequences,
    typed,
)
from pgmig_tui.impact.rules.altering import Altering
from pgmig_tui.impact.rules.query import evaluated
from pgmig_tui.impact.rules.safer_alter import draft_of
from pgmig_tui.impact.shadow_state import TEMP

_OBJECT_KINDS = {
    "OBJECT_TABLE": "?",
    "OBJECT_FOREIGN_TABLE": "f",
    "OBJECT_VIEW": "v",
    "OBJECT_MATVIEW": "m",
    "OBJECT_SEQUENCE": "S",
    "OBJECT_INDEX": "i",
    "OBJECT_TYPE": "c",
}

Handler = Callable[[Altering, Node], None]


def _nothing(at: Altering, cmd: Node) -> None:
    pass


def _not_of(at: Altering, cmd: Node) -> None:
    for other in at.scene.catalog.naming(at.name):
        kept = tuple(
            one for one in other.dependents if (one.kind, one.name, one.columns) != ("t", at.name, frozenset())
        )
        if len(kept) < len(other.dependents):
            at.scene.catalog.put(replace(other, dependents=kept))
    if (table := at.current(at.table)).of_type is not None:
        at.scene.catalog.put(replace(table, of_type=None))


def _switch_triggers(at: Altering, cmd: Node) -> None:
    subtype = nodes.enum_name("AlterTableType", cmd.subtype)
    wanted = {one.name for one in at.table.triggers if one.per_row and cmd.name in {"", one.name}}
    if at.scene.major < 15:  # partitions are gone through by name, and a rename of the trigger left theirs as they were
        for member in map(at.current, at.members[1:]):
            for name in sorted(wanted - {one.name for one in member.triggers}) if member.known else ():
                at.out.fail(f"{member.name} has no trigger {name}", "42704")
    named = {cmd.name} if cmd.name else {one.name for one in at.table.triggers}
    carry.triggers_switched(at.scene.catalog, [at.current(at.table)], named, subtype)
    # of partitions not those of their own
    carry.triggers_switched(at.scene.catalog, map(at.current, at.members[1:]), wanted, subtype)


@dataclass(frozen=True, slots=True)
class Subcommand:
    """`reach`: "tree" = partitions and children, "partitions" = only of a partitioned table, "" = the table alone."""

    words: str
    mode: LockMode
    reach: str
    handler: Handler = _nothing


def _sub(words: str, mode: LockMode = AE, reach: str = "", handler: Handler = _nothing) -> Subcommand:
    return Subcommand(words, mode, reach, handler)


SUBCOMMANDS: dict[str, Subcommand] = {
    "AT_AddColumn": _sub("ADD COLUMN", AE, "tree", alter_column.add_column),
    "AT_DropColumn": _sub("DROP COLUMN", AE, "tree", alter_column.drop_column),
    "AT_AlterColumnType": _sub("ALTER COLUMN TYPE", AE, "tree", alter_type.alter_type),
    "AT_ColumnDefault": _sub("SET or DROP DEFAULT", AE, "tree", alter_column.column_default),
    "AT_SetNotNull": _sub("SET NOT NULL", AE, "tree", alter_column.set_not_null),
    "AT_DropNotNull": _sub("DROP NOT NULL", AE, "tree", alter_column.drop_not_null),
    "AT_SetExpression": _sub("SET EXPRESSION", AE, "tree", alter_column.set_expression),
    "AT_DropExpression": _sub("DROP EXPRESSION", AE, "tree", alter_column.drop_expression),
    "AT_SetStatistics": _sub("SET STATISTICS", SUE, "tree"),
    "AT_SetOptions": _sub("SET (column options)", SUE),
    "AT_ResetOptions": _sub("RESET (column options)", SUE),
    "AT_SetStorage": _sub("SET STORAGE", AE, "tree"),
    "AT_SetCompression": _sub("SET COMPRESSION", AE),
    "AT_AddIdentity": _sub("ADD GENERATED AS IDENTITY", AE, "partitions", alter_column.add_identity),
    "AT_SetIdentity": _sub("ALTER IDENTITY", AE, "partitions", alter_column.set_identity),
    "AT_DropIdentity": _sub("DROP IDENTITY", AE, "partitions", alter_column.drop_identity),
    "AT_AddConstraint": _sub("ADD CONSTRAINT", AE, "", alter_constraint.add),
    "AT_AlterConstraint": _sub("ALTER CONSTRAINT", AE, "partitions", alter_constraint.alter),
    "AT_ValidateConstraint": _sub("VALIDATE CONSTRAINT", SUE, "", alter_constraint.validate),
    "AT_DropConstraint": _sub("DROP CONSTRAINT", AE, "tree", alter_constraint.drop),
    "AT_ChangeOwner": _sub("OWNER TO", AE, "", alter_storage.owner),
    "AT_ClusterOn": _sub("CLUSTER ON", SUE, "", alter_storage.cluster_on),
    "AT_DropCluster": _sub("SET WITHOUT CLUSTER", SUE, "", alter_storage.not_clustered),
    "AT_SetLogged": _sub("SET LOGGED", AE, "", alter_storage.set_logged),
    "AT_SetUnLogged": _sub("SET UNLOGGED", AE, "", alter_storage.set_logged),
    "AT_DropOids": _sub("SET WITHOUT OIDS", AE, "tree"),
    "AT_SetAccessMethod": _sub("SET ACCESS METHOD", AE, "", alter_storage.access_method),
    "AT_SetTableSpace": _sub("SET TABLESPACE", AE, "", alter_storage.tablespace),
    "AT_SetRelOptions": _sub("SET (options)", SUE),
    "AT_ResetRelOptions": _sub("RESET (options)", SUE),
    "AT_AddInherit": _sub("INHERIT", AE, "", alter_partition.inherit),
    "AT_DropInherit": _sub("NO INHERIT", AE, "", alter_partition.no_inherit),
    "AT_AddOf": _sub("OF", AE, "", typed.add_of),
    "AT_DropOf": _sub("NOT OF", AE, "", _not_of),
    "AT_ReplicaIdentity": _sub("REPLICA IDENTITY", AE, "", alter_storage.replica_identity),
    "AT_EnableRowSecurity": _sub("ENABLE ROW LEVEL SECURITY", AE),
    "AT_DisableRowSecurity": _sub("DISABLE ROW LEVEL SECURITY", AE, "", alter_storage.row_security_off),
    "AT_ForceRowSecurity": _sub("FORCE ROW LEVEL SECURITY", AE),
    "AT_NoForceRowSecurity": _sub("NO FORCE ROW LEVEL SECURITY", AE),
    "AT_GenericOptions": _sub("OPTIONS", AE),
    "AT_AlterColumnGenericOptions": _sub("ALTER COLUMN OPTIONS", AE),
    "AT_AttachPartition": _sub("ATTACH PARTITION", SUE, "", alter_partition.attach),
    "AT_DetachPartition": _sub("DETACH PARTITION", AE, "", alter_partition.detach),
    "AT_DetachPartitionFinalize": _sub("DETACH PARTITION FINALIZE", SUE, "", alter_partition.detach_finalize),
    **{
        f"AT_{verb}{which}": _sub(f"{words}", SRE, "partitions", _switch_triggers)
        for verb, words in (("Enable", "ENABLE TRIGGER"), ("Disable", "DISABLE TRIGGER"))
        for which in ("Trig", "TrigAll", "TrigUser", "AlwaysTrig", "ReplicaTrig")
    },
    **{
        f"AT_{which}Rule": _sub(words, AE)
        for which, words in (
            ("Enable", "ENABLE RULE"),
            ("EnableAlways", "ENABLE ALWAYS RULE"),
            ("EnableReplica", "ENABLE REPLICA RULE"),
            ("Disable", "DISABLE RULE"),
        )
    },
}


def alter_table(node: Node, scene: Scene, out: Effect) -> None:
    kind = _OBJECT_KINDS.get(nodes.enum_name("ObjectType", node.objtype), "?")
    name = nodes.name_of(node.relation)
    if scene.catalog.missing(name):
        if not node.missing_ok:
            out.fail(f"{scene.catalog.resolve(name)} does not exist", "42P01")
        return
    indexed = scene.catalog.index(name)
    there = scene.catalog.relation(name, kind)
    if indexed is None and kinds.altered_as(scene, out, there, nodes.enum_name("ObjectType", node.objtype)):
        return
    if indexed is not None or kind == "i":
        alter_storage.alter_index(node, scene, out)
        return
    relation = scene.catalog.relation(name, kind)
    commands = [item.alter_table_cmd for item in node.cmds]
    subs = [SUBCOMMANDS.get(nodes.enum_name("AlterTableType", cmd.subtype)) for cmd in commands]
    mode = max(map(_mode, subs, commands, repeat(relation)), default=AE)
    only = not node.relation.inh
    refused.in_use(scene, out, [relation] if only else scene.catalog.tree(relation.name), "ALTER TABLE")
    said = [_words(sub, cmd) for sub, cmd in zip(subs, commands, strict=True)]
    out.lock(relation, mode, said[0] if len(said) == 1 else ", ".join(dict.fromkeys(said)))
    if relation.kind == "c":
        refused_types.composite(scene, out, relation, commands)
        _typed_tables(scene, out, relation, zip(subs, commands, strict=True))
    refused_types.defaults(commands, relation, scene, out)
    draft = None if relation.new or scene.depth else draft_of(node, scene, relation)
    for position, (sub, cmd, words) in enumerate(zip(subs, commands, said, strict=True)):
        if sub is None:
            out.unknown.append(f"ALTER TABLE subcommand {nodes.enum_name('AlterTableType', cmd.subtype)}")
            continue
        table = scene.catalog.relation(relation.name, kind)
        reach = _reach(sub, cmd, table, scene)
        members = _members(scene, table, reach, only)
        if sub.words == "ADD COLUMN":
            members = _without_column(members, nodes.definition(cmd).colname, scene)
        if table.children:
            for member in members[1:]:
                out.lock(
                    member,
                    _below(sub, cmd, table, mode, scene),
                    f"{words} reaches {'partition' if member.is_partition else 'child'}",
                )
            for child in _touched_children(sub, cmd, table, only, scene):
                out.lock(child, mode, f"{words} looks at what is below")
        if reach and not only and not table.known and not scene.catalog.live:
            out.notes.append("partitions and children of the table get the same lock (not known without a server)")
        if kinds.subcommand_on(scene, out, table, sub.words):
            return
        refused.subcommand(sub.words, cmd, table, scene, out, only=only)
        if sub.words in _EVALUATES:
            evaluated(cmd, scene, out)
        sub.handler(Altering(scene, out, table, members, mode, only, sub.words, draft, position), cmd)
    refused_types.row_type_used(scene, out, relation)
    count_calls(node, scene, out)
    if draft is not None:
        draft.finish(out)
    if len(out.notes) > 1:
        out.notes = list(dict.fromkeys(out.notes))


_EVALUATES = frozenset({"ADD COLUMN", "ADD CONSTRAINT", "ALTER COLUMN TYPE", "SET EXPRESSION"})
"""Subcommands that work out an expression for every row that is there."""


def _below(sub: Subcommand, cmd: Node, table: Relation, mode: LockMode, scene: Scene) -> LockMode:
    """The mode on partitions: before 18 an index that comes with a constraint is built as CREATE INDEX does it."""
    if sub.words != "ADD COLUMN" and sub.words != "ADD CONSTRAINT":
        return mode
    if sub.words == "ADD CONSTRAINT" and scene.major < 18 and table.partitioned:
        kind = nodes.enum_name("ConstrType", nodes.definition(cmd).contype)
        if kind in {"CONSTR_UNIQUE", "CONSTR_EXCLUSION"}:
            return S
        if kind == "CONSTR_PRIMARY" and not alter_constraint.primary_key_reach(nodes.definition(cmd), table):
            return S
    return mode


def _touched_children(sub: Subcommand, cmd: Node, table: Relation, only: bool, scene: Scene) -> list[Relation]:
    """Children that are locked though the subcommand does not reach them (tablecmds.c)."""
    catalog = scene.catalog
    if sub.words == "ADD CONSTRAINT" and scene.major >= 18 and not only:
        return catalog.tree(table.name)[1:]
    if only and (
        sub.words == "DROP COLUMN"
        or (sub.words == "DROP NOT NULL" and scene.major >= 18)
        or (sub.words == "DROP CONSTRAINT" and alter_constraint.drop_reach(cmd.name, table) == "tree")
    ):
        return [catalog.relation(child) for child in table.children]
    return []


def _members(scene: Scene, table: Relation, reach: str, only: bool) -> list[Relation]:
    if only or not reach or not table.children or (reach == "partitions" and not table.partitioned):
        return [table]
    return scene.catalog.tree(table.name)


def _without_column(members: list[Relation], column: str, scene: Scene) -> list[Relation]:
    """A child that has the column already merges it, and what is below that isn't come to."""
    below = {
        one.name for member in members[1:] if column in member.columns for one in scene.catalog.tree(member.name)[1:]
    }
    return [member for member in members if member.name not in below]


def _words(sub: Subcommand | None, cmd: Node) -> str:
    if sub is None:
        return "ALTER TABLE"
    name = cmd.name
    if sub.words == "ADD COLUMN":
        name = nodes.definition(cmd).colname
    return f"{sub.words} {name}".strip() if name and "(" not in sub.words else sub.words


_MODE_BY_DEFINITION = frozenset({"ADD CONSTRAINT", "DETACH PARTITION", "SET (options)", "RESET (options)"})
_REACH_HANGS_ON = frozenset(
    {
        "ENABLE TRIGGER", "DISABLE TRIGGER", "ADD CONSTRAINT", "ALTER CONSTRAINT", "SET NOT NULL", "DROP CONSTRAINT",
        "VALIDATE CONSTRAINT", "ADD GENERATED AS IDENTITY", "ALTER IDENTITY", "DROP IDENTITY", "DROP NOT NULL",
    }
)  # fmt: skip


def _mode(sub: Subcommand | None, cmd: Node, relation: Relation) -> LockMode:
    if sub is None:
        return AE
    if sub.words not in _MODE_BY_DEFINITION:
        return sub.mode
    definition = nodes.definition(cmd)
    if sub.words == "ADD CONSTRAINT":
        is_fk = nodes.enum_name("ConstrType", definition.contype) == "CONSTR_FOREIGN"
        return SRE if is_fk else AE
    if sub.words == "DETACH PARTITION":
        return SUE if definition.concurrent else AE
    if relation.kind in "vS":
        return AE
    return AE if "user_catalog_table" in nodes.options(definition.items) else SUE


def _reach(sub: Subcommand, cmd: Node, table: Relation, scene: Scene) -> str:
    """The reach, where it hangs on more than the subcommand's kind."""
    if sub.words not in _REACH_HANGS_ON:
        return sub.reach
    if sub.words.endswith("ABLE TRIGGER") and table.columns:
        triggers = [t for t in table.triggers if t.per_row and cmd.name in {"", t.name}]
        everyone = not cmd.name and "User" not in nodes.enum_name("AlterTableType", cmd.subtype)
        keys = everyone and scene.major >= 15 and (table.foreign_keys or scene.catalog.incoming(table.name))
        return "partitions" if triggers or keys else ""
    if sub.words == "ADD CONSTRAINT":
        constraint = nodes.definition(cmd)
        kind = nodes.enum_name("ConstrType", constraint.contype)
        if kind in {"CONSTR_CHECK", "CONSTR_NOTNULL"}:
            return "" if constraint.is_no_inherit else "tree"
        if kind == "CONSTR_PRIMARY" and not table.partitioned:
            return alter_constraint.primary_key_reach(constraint, table)
        return "partitions"
    if sub.words == "ALTER CONSTRAINT" and nodes.definition(cmd).alter_inheritability:
        return "tree"
    if sub.words == "SET NOT NULL" and scene.major >= 18:
        known = table.columns.get(cmd.name)
        return "" if known is not None and known.not_null and known.not_null_valid else "tree"
    if sub.words == "DROP CONSTRAINT":
        return alter_constraint.drop_reach(cmd.name, table)
    if sub.words == "VALIDATE CONSTRAINT":
        return alter_constraint.validate_reach(cmd.name, table)
    if sub.words in {"ADD GENERATED AS IDENTITY", "ALTER IDENTITY", "DROP IDENTITY"} and scene.major < 17:
        return ""
    known = table.columns.get(cmd.name)
    if sub.words == "DROP IDENTITY" and known is not None and not known.identity:
        return ""
    if sub.words == "DROP NOT NULL" and scene.major >= 18 and known is not None and not known.not_null:
        return ""  # there is no constraint that would be looked for below
    if sub.words == "ALTER IDENTITY" and "generated" not in nodes.options(nodes.definition(cmd).items):
        return ""  # RESTART and the like are the sequence's own affair
    return sub.reach


def _typed_tables(
    scene: Scene, out: Effect, composite: Relation, commands: Iterable[tuple[Subcommand | None, Node]]
) -> None:
    """ALTER TYPE ... ATTRIBUTE reaches the tables made OF the type, and does there what ALTER TABLE would."""
    tables = [d.name for d in composite.dependents if d.kind == "t" and not d.columns]
    for sub, cmd in commands:
        for name in tables if sub is not None else ():
            table = scene.catalog.relation(name, "r")
            out.lock(table, AE, f"a table of the type {composite.name}")
            if sub is not None and sub.words in {"ADD COLUMN", "DROP COLUMN", "ALTER COLUMN TYPE"}:
                sub.handler(Altering(scene, out, table, scene.catalog.tree(name), AE, False, sub.words), cmd)


def alter_object_schema(node: Node, scene: Scene, out: Effect) -> None:
    """ALTER ... SET SCHEMA."""
    if not nodes.has(node, "relation"):
        if nodes.enum_name("ObjectType", node.object_type) == "OBJECT_EXTENSION":
            scene.catalog.create_extension(nodes.list_name(node.object)[-1])  # what it brings is elsewhere from now on
        if not refused_types.no_move(scene, out, node.newschema, nodes.list_name(node.object)):
            _move_type(node, scene)
            _move_routine(node, scene)
        return
    what = nodes.enum_name("ObjectType", node.object_type)
    name = nodes.name_of(node.relation)
    if scene.catalog.missing(name):
        if not node.missing_ok:
            out.fail(f"{scene.catalog.resolve(name)} does not exist", "42P01")
        return
    relation = scene.catalog.relation(name, _OBJECT_KINDS.get(what, "?"))
    if node.newschema == TEMP or relation.name.schema == TEMP:
        out.fail("nothing can be moved into or out of the temporary schema", "0A000")
        return
    if kinds.altered_as(scene, out, relation, what):
        return
    if scene.catalog.live and not scene.catalog.has_schema(node.newschema):
        out.fail(f"the schema {node.newschema} does not exist", "3F000")
        return
    out.lock(relation, AE, "SET SCHEMA")
    refused.name_taken(scene, out, Name(node.newschema, relation.name.relation))
    if sequences.owner_of(scene.catalog, relation.name) is not None:
        out.fail(f"{relation.name} is owned by a column: it moves with its table", "0A000")
    for sequence in relation.sequences:
        out.lock_name(sequence.name, "S", AE, f"owned by {relation.name}", new=relation.new)
        scene.catalog.rename(sequence.name, Name(node.newschema, sequence.name.relation))
    moved = scene.catalog.get(relation.name)
    if moved is not None:
        indexes = tuple(replace(i, name=Name(node.newschema, i.name.relation)) for i in moved.indexes)
        scene.catalog.put(replace(moved, indexes=indexes))
    scene.catalog.rename(relation.name, Name(node.newschema, relation.name.relation))
    if not relation.new:
        out.breaks.append(f"statements that name {quoted(relation.name)}")


def _move_type(node: Node, scene: Scene) -> None:
    if nodes.enum_name("ObjectType", node.object_type) not in {"OBJECT_TYPE", "OBJECT_DOMAIN"}:
        return
    fact = scene.catalog.type(nodes.list_name(node.object))
    if fact is not None:
        scene.catalog.rename_type(fact.name, Name(node.newschema, fact.name.relation))


def _move_routine(node: Node, scene: Scene) -> None:
    if nodes.enum_name("ObjectType", node.object_type) in {"OBJECT_FUNCTION", "OBJECT_PROCEDURE", "OBJECT_ROUTINE"}:
        parts = nodes.list_name(node.object)
        carry.function_moved(scene.catalog, parts, None, Name(node.newschema, parts[-1]))


_MOVED = {"OBJECT_TABLE": "rp", "OBJECT_MATVIEW": "m"}


def move_all(node: Node, scene: Scene, out: Effect) -> None:
    """ALTER TABLE, INDEX or MATERIALIZED VIEW ALL IN TABLESPACE."""
    old, new = node.orig_tablespacename, node.new_tablespacename
    if not scene.catalog.live:
        out.unknown.append(f"everything in the tablespace {old}: ACCESS EXCLUSIVE, and copied")
    if old == new:
        return
    owners = {item.role_spec.rolename or scene.catalog.facts.role for item in node.roles}
    kinds = _MOVED.get(nodes.enum_name("ObjectType", node.objtype), "")
    for relation in scene.catalog:
        if owners and relation.owner not in owners:
            continue
        if relation.kind in kinds and relation.tablespace == old:
            out.lock(relation, AE, f"is in the tablespace {old}")
            if relation.kind != "p":
                out.rewrites[relation.name] = relation
        for index in relation.indexes if not kinds else ():
            if index.tablespace == old:
                out.lock_index(relation, index, AE, f"is in the tablespace {old}")
                out.rebuild(relation, index)


RULES = {"AlterTableMoveAllStmt": move_all, "AlterTableStmt": alter_table, "AlterObjectSchemaStmt": alter_object_schema}
