"""How indexes are built, rebuilt and dropped while everybody goes on, and partitions come and go."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from pgmig_tui.impact import nodes
from pgmig_tui.impact.effect import Scene
from pgmig_tui.impact.facts import Index, Name, Relation
from pgmig_tui.impact.nodes import Node
from pgmig_tui.impact.quoting import quoted
from pgmig_tui.impact.safer import (
    ALONE,
    THEN,
    SaferStep,
    Unwritable,
    beside,
    copied,
    expression_text,
    free_name,
    key_names,
    sql_of,
    taken_in,
    text_of,
    written,
)
from pgmig_tui.script.quoting import quote

NEXT = "-- in the next one:"


def concurrently(node: Node) -> str:
    """CREATE INDEX, REFRESH and the like: as written, CONCURRENTLY."""
    tree = copied(node)
    tree.concurrent = True
    return text_of([SaferStep(sql_of(tree))])


def reindex_concurrently(node: Node, indexes: list[Index]) -> str:
    if any(index.constraint and not index.unique for index in indexes):
        raise Unwritable("an exclusion constraint's index can't be rebuilt concurrently")
    tree = copied(node)
    sample = nodes.parse("REINDEX INDEX CONCURRENTLY i")[0]
    tree.params.extend(sample.params)
    return text_of([SaferStep(sql_of(tree))])


def drop_concurrently(node: Node) -> str:
    """One DROP INDEX each: CONCURRENTLY takes no list, and no CASCADE."""
    if nodes.cascades(node):
        raise Unwritable("CONCURRENTLY takes no CASCADE")
    steps = []
    for item in node.objects:
        tree = copied(node)
        del tree.objects[:]
        tree.objects.append(item)
        tree.concurrent = True
        steps.append(SaferStep(sql_of(tree)))
    return text_of(steps)


def partition_by_partition(node: Node, scene: Scene, table: Relation, name: str) -> str:
    """CREATE INDEX of a partitioned table: on it alone, then on each partition, concurrently, and attached."""
    if not table.known or not scene.catalog.live or not node.relation.inh:
        raise Unwritable("its partitions aren't known")
    tree = copied(node)
    tree.relation.inh = False
    tree.idxname = name
    keys = key_names(node)
    steps = [SaferStep(sql_of(tree))]
    steps += _on_partitions(tree, scene, table, beside(node.relation, name), keys, {name})
    return text_of(steps)


def _in_use(made: set[str], taken: Callable[[str], bool], name: str) -> bool:
    return name in made or taken(name)


def _on_partitions(
    node: Node, scene: Scene, parent: Relation, index: str, keys: tuple[str, ...], made: set[str]
) -> list[SaferStep]:
    steps: list[SaferStep] = []
    for child_name in parent.children:
        child = scene.catalog.relation(child_name)
        if child.kind not in "rp" or any(set(own.keys) == set(_plain_keys(node)) for own in child.indexes):
            raise Unwritable("an index that is there may become the partition's part")
        taken = taken_in(scene.catalog, child)
        own_name = free_name(child.name.relation, keys, "idx", partial(_in_use, made, taken))
        made.add(own_name)
        tree = copied(node)
        tree.relation.schemaname, tree.relation.relname = child.name.schema, child.name.relation
        tree.relation.inh = child.kind != "p"
        tree.if_not_exists = False
        tree.idxname = own_name
        tree.concurrent = child.kind != "p"
        own = quoted(Name(child.name.schema, own_name))
        steps.append(SaferStep(sql_of(tree), ALONE if tree.concurrent else THEN))
        if child.kind == "p":
            steps += _on_partitions(tree, scene, child, own, keys, made)
        steps.append(SaferStep(f"ALTER INDEX {index} ATTACH PARTITION {own}", THEN))
    return steps


def _plain_keys(node: Node) -> list[str]:
    return [item.index_elem.name for item in node.index_params if item.index_elem.name]


def index_name(node: Node, scene: Scene, table: Relation) -> str:
    """The index' name, or the one that the server makes up."""
    if node.idxname:
        return str(node.idxname)
    return free_name(table.name.relation, key_names(node), "idx", taken_in(scene.catalog, table))


# -- partitions --------------------------------------------------------------------------------------------------------

_LIKE = "CREATE TABLE t (LIKE p INCLUDING GENERATED)"
_ONE, _ALL_BUT = "INCLUDING GENERATED", "INCLUDING ALL EXCLUDING COMMENTS EXCLUDING IDENTITY EXCLUDING STATISTICS"
"""What a partition gets of its parent. Not: comments, statistics, and the identity, which is the parent's own. Said so
that each version reads it: 13 knows no INCLUDING COMPRESSION."""


def attached_later(node: Node, scene: Scene) -> str:
    """CREATE TABLE ... PARTITION OF: a table like the parent, changed while it is alone, and then attached."""
    if len(node.inh_relations) != 1 or (node.if_not_exists and not scene.catalog.live):
        raise Unwritable("whether the table is there isn't known")
    parent = node.inh_relations[0].range_var
    tree = copied(node)
    for part in ("table_elts", "inh_relations", "constraints"):
        del getattr(tree, part)[:]
    tree.ClearField("partbound")
    like = copied(nodes.parse(_LIKE)[0].table_elts[0])
    like.table_like_clause.relation.CopyFrom(parent)
    tree.table_elts.append(like)
    before, _, after = sql_of(tree).rpartition(_ONE)
    steps = [SaferStep(f"{before}{_ALL_BUT}{after}")]
    changes = _own_changes(node)
    if changes:
        steps.append(SaferStep(f"ALTER TABLE {written(node.relation)} {', '.join(changes)}"))
    steps.append(SaferStep(_attach(node, parent)))
    return text_of(steps)


def _attach(node: Node, parent: Node) -> str:
    tree = copied(nodes.parse("ALTER TABLE p ATTACH PARTITION t DEFAULT")[0])
    tree.relation.CopyFrom(parent)
    command = getattr(tree.cmds[0].alter_table_cmd, "def").partition_cmd
    command.name.CopyFrom(node.relation)
    command.name.relpersistence = parent.relpersistence
    command.bound.CopyFrom(node.partbound)
    return sql_of(tree)


def _own_changes(node: Node) -> list[str]:
    """What a partition says of its columns besides, as subcommands of ALTER TABLE."""
    found: list[str] = []
    for item in (*node.table_elts, *node.constraints):
        if item.WhichOneof("node") == "constraint":
            found.append(_added(item.constraint))
            continue
        definition = item.column_def
        column = quote(definition.colname)
        for own in definition.constraints:
            constraint = own.constraint
            kind = nodes.enum_name("ConstrType", constraint.contype)
            if kind == "CONSTR_NOTNULL" and not constraint.conname:
                found.append(f"ALTER COLUMN {column} SET NOT NULL")
            elif kind == "CONSTR_DEFAULT":
                found.append(f"ALTER COLUMN {column} SET DEFAULT {expression_text(constraint.raw_expr)}")
            elif kind == "CONSTR_CHECK":
                found.append(_added(constraint))
            else:
                raise Unwritable(f"{kind} of a partition's column")
    return found


def _added(constraint: Node) -> str:
    tree = copied(nodes.parse("ALTER TABLE t ADD CHECK (true)")[0])
    getattr(tree.cmds[0].alter_table_cmd, "def").constraint.CopyFrom(constraint)
    return sql_of(tree).removeprefix("ALTER TABLE t ")


def detached_before(node: Node, partitions: dict[str, Name]) -> str:
    """DROP TABLE of partitions: each is detached before. `partitions`: the parent by the partition as written."""
    steps = [
        SaferStep(f"ALTER TABLE {quoted(parent)} DETACH PARTITION {partition} CONCURRENTLY", ALONE)
        for partition, parent in partitions.items()
    ]
    return text_of([*steps, SaferStep(sql_of(node), NEXT)])
