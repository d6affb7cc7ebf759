"""ALTER TABLE on the table as a whole, and ALTER INDEX."""

from __future__ import annotations

from pgmig_tui.impact import nodes
from pgmig_tui.impact.access import Guarded
from pgmig_tui.impact.effect import Effect, Scene
from pgmig_tui.impact.facts import Index, Name, Relation, replace
from pgmig_tui.impact.modes import AE, AS, SUE, LockMode, S
from pgmig_tui.impact.nodes import Node
from pgmig_tui.impact.refusal import Refusal
from pgmig_tui.impact.rules.altering import Altering
from pgmig_tui.impact.rules.granting import handed_over
from pgmig_tui.impact.rules.kinds import stored_where
from pgmig_tui.impact.rules.sequences import owner_of


def owner(at: Altering, cmd: Node) -> None:
    role = nodes.definition(cmd)
    new_owner = cmd.newowner.rolename or at.scene.catalog.role  # CURRENT_USER and its like have no name
    table = at.current(at.table)
    if table.owner and table.owner == new_owner:
        return
    if table.kind == "S" and (owner := owner_of(at.scene.catalog, table.name)) is not None:
        if owner[0].owner == new_owner:
            return  # as its table's is its own
        told = Refusal(f"{table.name} belongs to {owner[0].name}: it gets its owner with it", "0A000")
        at.out.fail(told)
        return
    for index in table.indexes:
        at.out.lock_index(table, index, AE, "OWNER TO reaches the index")
    for sequence in table.sequences:
        at.out.lock_name(sequence.name, "S", AE, f"OWNER TO reaches what {table.name} owns", new=table.new)
    if role is None and table.known:
        guard = handed_over(Guarded(table.owner, table.acl), new_owner)
        at.scene.catalog.put(replace(table, owner=new_owner, acl=guard.acl))
        for sequence in table.sequences:
            if (own := at.scene.catalog.known(sequence.name)) is not None:
                at.scene.catalog.put(replace(own, owner=new_owner))


def _named_index(at: Altering, name: str, mode: LockMode, why: str) -> None:
    index = next((i for i in at.table.indexes if i.name.relation == name), None)
    if index is not None:
        at.out.lock_index(at.table, index, mode, why)
    elif at.table.known and at.table.columns and at.scene.catalog.live:
        at.out.fail(f"{at.name} has no index {name}", "42704")
    else:
        at.out.lock_name(Name(at.name.schema, name), "i", mode, why, new=at.table.new)


def cluster_on(at: Altering, cmd: Node) -> None:
    _named_index(at, cmd.name, at.mode, "CLUSTER ON")
    index = next((one for one in at.table.indexes if one.name.relation == cmd.name), None)
    if index is not None and at.scene.catalog.live and at.table.known:
        at.out.fail(no_order(index))
        if at.table.partitioned:
            at.out.fail(f"{at.name} is partitioned: it can't be marked for CLUSTER", "0A000")
    mark_clustered(at.scene, at.current(at.table), cmd.name)


def no_order(index: Index) -> str:
    """Why CLUSTER can't go by an index, "" where it can."""
    if index.method in {"hash", "gin", "brin", "spgist"}:
        return Refusal(f"nothing can be clustered by {index.name}: {index.method} has no order", "0A000")
    if index.partial:
        return Refusal(f"{index.name} has a WHERE clause: nothing can be clustered by it", "0A000")
    return "" if index.valid else Refusal(f"{index.name} is not valid: nothing can be clustered by it", "0A000")


def not_clustered(at: Altering, cmd: Node) -> None:
    mark_clustered(at.scene, at.current(at.table), "")


def mark_clustered(scene: Scene, table: Relation, name: str) -> None:
    """CLUSTER goes by this index from now on."""
    if table.known and table.indexes:
        indexes = tuple(replace(i, clustered=i.name.relation == name) for i in table.indexes)
        scene.catalog.put(replace(table, indexes=indexes))


def set_logged(at: Altering, cmd: Node) -> None:
    table = at.table
    wanted = "u" if nodes.enum_name("AlterTableType", cmd.subtype) == "AT_SetUnLogged" else "p"
    if table.partitioned or (table.known and table.persistence == wanted and at.scene.catalog.live):
        return
    _refuse_mixed(at, table, wanted)
    at.out.rewrite(table)
    if table.known:
        at.scene.catalog.put(replace(at.current(table), persistence=wanted))
    for index in table.indexes:
        at.out.lock_index(table, index, AE, "rebuilt with the table")
    if wanted == "u":
        at.out.notes.append(f"{table.name} is emptied after a crash and not replicated from now on")
        if not table.fresh:
            at.out.lose(4, f"all rows of {table.name} at the next crash: it is UNLOGGED from now on")
    for sequence in table.sequences:
        if at.scene.major >= 15:
            at.out.lock_name(sequence.name, "S", AE, f"owned by {table.name}", new=table.new)
            at.out.rewrite(at.scene.catalog.relation(sequence.name, "S"))


def _refuse_mixed(at: Altering, table: Relation, wanted: str) -> None:
    """What is logged can't reference what isn't (ATPrepChangePersistence)."""
    if not (table.known and at.scene.catalog.live):
        return
    if wanted == "u":
        others = [key.table for key in at.scene.catalog.incoming(table.name)]
    else:
        others = [key.referenced for key in table.foreign_keys]
    for name in others:
        other = at.scene.catalog.known(name)
        if other is not None and other.name != table.name and other.persistence != wanted and other.persistence in "pu":
            word = "UNLOGGED: the logged table" if wanted == "u" else "LOGGED: the unlogged table"
            how = "references it" if wanted == "u" else "is referenced by it"
            at.out.fail(f"{table.name} can't be {word} {other.name} {how}", "42P16")


def access_method(at: Altering, cmd: Node) -> None:
    table = at.table
    stored_where(at.scene, at.out, "", cmd.name)
    if table.access_method and table.access_method == (cmd.name or "heap"):  # DEFAULT, unless the server's is another
        return
    at.out.rewrite(table)


def tablespace(at: Altering, cmd: Node) -> None:
    stored_where(at.scene, at.out, cmd.name, "")
    if at.table.kind != "p" and (not at.table.tablespace or at.table.tablespace != cmd.name):
        at.out.rewrites[at.name] = at.table


def replica_identity(at: Altering, cmd: Node) -> None:
    definition = nodes.definition(cmd)
    if at.table.known:
        current = at.current(at.table)
        indexes = tuple(replace(one, identity=one.name.relation == definition.name) for one in current.indexes)
        at.scene.catalog.put(replace(current, replica_identity=definition.identity_type, indexes=indexes))
    if definition.identity_type == "i":
        _named_index(at, definition.name, S, "becomes the replica identity")
        index = next((one for one in at.table.indexes if one.name.relation == definition.name), None)
        if index is not None and at.table.known and at.scene.catalog.live:
            at.out.fail(_no_identity(index, at.table))
    else:
        at.out.notes.append(
            "REPLICA IDENTITY FULL writes whole old rows to WAL"
            if definition.identity_type == "f"
            else "the replica identity decides what logical replication can find"
        )


def _no_identity(index: Index, table: Relation) -> str:
    """Why an index can't be the replica identity, "" where it can (ATExecReplicaIdentity)."""
    told = f"{index.name} can't be the replica identity"
    nullable = [name for name in index.keys if name in table.columns and not table.columns[name].not_null]
    if not index.unique:
        return Refusal(f"{told}: it is not unique", "42809")
    if index.deferrable:
        return Refusal(f"{told}: it is not checked at once", "0A000")
    if not index.whole:
        return Refusal(f"{told}: it has expressions or a WHERE clause", "0A000")
    if not index.valid:
        return Refusal(f"{told}: it is not valid", "42809")
    return Refusal(f"{told}: {nullable[0]} may be NULL", "42809") if nullable else ""


def row_security_off(at: Altering, cmd: Node) -> None:
    at.out.lose(1, f"row level security of {at.name}")


def alter_index(node: Node, scene: Scene, out: Effect) -> None:
    """ALTER INDEX, and ALTER TABLE with an index' name: the table itself is not locked (only for ATTACH, weakly)."""
    name = scene.catalog.resolve(nodes.name_of(node.relation))
    found = scene.catalog.index(name)
    table, index = found if found is not None else (Relation(Name("", ""), "?", known=False), Index(name))
    mode = AS
    for item in node.cmds:
        sub = nodes.enum_name("AlterTableType", item.alter_table_cmd.subtype)
        mode = max(mode, _INDEX_MODES.get(sub, AE))
    for item in node.cmds:
        cmd = item.alter_table_cmd
        sub = nodes.enum_name("AlterTableType", cmd.subtype)
        if sub in {"AT_SetRelOptions", "AT_ResetRelOptions"} and _strong_options(cmd):
            mode = AE
        if sub == "AT_SetTableSpace" and not table.partitioned and index.tablespace != cmd.name:
            out.rebuild(table, index)
        if sub == "AT_SetStatistics" and table.partitioned:
            for member, part in scene.catalog.index_family(table, index)[1:]:
                out.lock_index(member, part, SUE, f"part of {index.name}")
        if sub == "AT_SetStatistics" and 0 < cmd.num <= len(index.keys) and index.whole and table.known:
            told = f"column {cmd.num} of {index.name} is not an expression: it takes no statistics target"
            out.fail(told, "0A000")
        if sub == "AT_AttachPartition":
            _attach_index(scene, out, cmd, table, name)
    out.lock_index(table, index, mode, "ALTER INDEX")
    if mode is AE:
        out.notes.append(f"ACCESS EXCLUSIVE on {index.name} stops every query on its table: planning opens all indexes")


_INDEX_MODES = {
    "AT_SetRelOptions": SUE,
    "AT_ResetRelOptions": SUE,
    "AT_SetStatistics": SUE,
    "AT_AttachPartition": SUE,
}
# Index options that need ACCESS EXCLUSIVE (reloptions.c)
_STRONG = {"fastupdate", "buffering", "pages_per_range", "autosummarize", "gin_pending_list_limit"}


def _strong_options(cmd: Node) -> bool:
    definition = nodes.definition(cmd)
    return definition is not None and bool(_STRONG & set(nodes.options(definition.items)))


def _unfit(member: Relation, part: Index, table: Relation, index: Index) -> str:
    """Why an index can't become part of another one, "" where it can (ATExecAttachPartitionIdx)."""
    told = f"{part.name} can't be attached to {index.name}"
    if part.parent == index.name:
        return ""
    if part.parent is not None:
        return Refusal(f"{told}: it is attached to {part.parent}", "55000")
    if table.name not in member.parents or not member.is_partition:
        return Refusal(f"{told}: {member.name} is not a partition of {table.name}", "55000")
    if any(one.parent == index.name for one in member.indexes):
        return Refusal(f"{told}: another index of {member.name} is attached to it", "55000")
    if (part.keys, part.unique) != (index.keys, index.unique) and part.whole and index.whole:
        return Refusal(f"{told}: the two are not defined alike", "42P17")
    if index.constraint and not part.constraint:
        return Refusal(f"{told}: {index.name} belongs to a constraint, and it does not", "42P17")
    return ""


def _attach_index(scene: Scene, out: Effect, cmd: Node, table: Relation, whole: Name) -> None:
    child_name = scene.catalog.resolve(nodes.name_of(nodes.definition(cmd).name))
    child = scene.catalog.index(child_name)
    if table.name.relation:
        out.lock(table, AS, "the table of the index")
    if child is None:
        out.lock_name(child_name, "i", AE, "becomes part of the index")
        return
    out.lock(child[0], AS, "the table of the index")
    out.lock_index(child[0], child[1], AE, "becomes part of the index")
    part_of = scene.catalog.index(scene.catalog.resolve(whole))
    if part_of is not None and scene.catalog.live and child[0].known:
        out.fail(_unfit(*child, *part_of))
    if part_of is not None and child[0].known:
        indexes = tuple(replace(i, parent=part_of[1].name) if i is child[1] else i for i in child[0].indexes)
        scene.catalog.put(replace(child[0], indexes=indexes))
