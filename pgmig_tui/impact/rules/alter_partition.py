"""ATTACH and DETACH PARTITION, INHERIT and NO INHERIT."""

from __future__ import annotations

from pgmig_tui.impact import nodes
from pgmig_tui.impact.effect import Effect, Scene, fk_sides, lock_above, lock_merged, merges
from pgmig_tui.impact.facts import Relation, replace
from pgmig_tui.impact.modes import AE, AS, SRE, SUE
from pgmig_tui.impact.nodes import Node
from pgmig_tui.impact.rules import inherited
from pgmig_tui.impact.rules.altering import Altering
from pgmig_tui.impact.rules.bounds import bound_text, bounds_refused
from pgmig_tui.impact.rules.carry import attached, detached
from pgmig_tui.impact.rules.kinds import wrong_kind
from pgmig_tui.impact.rules.safer_alter import detached_concurrently


def lock_default(scene: Scene, out: Effect, parent: Relation, *, scanned: bool) -> None:
    """The default partition of a partitioned table that gains or loses a partition."""
    if parent.default_partition is None:
        return
    for member in scene.catalog.tree(parent.default_partition):
        out.lock(member, AE, f"default partition of {parent.name}")
        if scanned:
            out.scan(member)


def _lock_own_default(scene: Scene, out: Effect, parent: Relation) -> None:
    """The default partition alone: its bounds change, not what is below it."""
    if parent.default_partition is not None:
        out.lock(scene.catalog.relation(parent.default_partition), AE, f"default partition of {parent.name}")


def partition_keys(scene: Scene, out: Effect, parent: Relation, partition: Relation, *, with_rows: bool) -> None:
    """Foreign keys, both ways, that a new partition takes part in."""
    for key in parent.foreign_keys:
        merged = with_rows and any(merges(scene, key, member) for member in scene.catalog.tree(partition.name))
        lock_merged(scene, out, key.referenced, f"referenced by {key.name} of {parent.name}", merged=merged)
        for side in fk_sides(scene, key.referenced):
            if with_rows:
                out.scan(side)
        if with_rows:
            out.scan(partition)
    incoming = scene.catalog.incoming(parent.name)
    known = {key.id for key in incoming if key.id}
    for key in incoming:
        if key.parent in known or (key.inherited and not key.parent):
            continue  # comes with the key that it is a part of
        mode = SRE if scene.major >= 15 else AS
        out.lock(scene.catalog.relation(key.table), mode, f"its {key.name} references {parent.name}")


def attach(at: Altering, cmd: Node) -> None:
    definition = nodes.definition(cmd)
    scene, out, parent = at.scene, at.out, at.table
    name = nodes.name_of(definition.name)
    if scene.absent(name, out):
        return
    partition = scene.catalog.relation(name)
    if told := inherited.attach(partition, parent, scene):
        out.fail(told)
    bounds_refused(scene, out, parent, definition.bound)
    for member in scene.catalog.tree(partition.name):
        out.lock(member, AE, f"becomes a partition of {parent.name}")
    lock_above(scene.catalog, parent, out)
    is_default = bool(definition.bound.is_default)
    lock_default(scene, out, parent, scanned=not is_default)
    for index in parent.indexes:
        out.lock_index(parent, index, SUE, f"{partition.name} gets its part of it")
        if not any(own.keys == index.keys and own.whole for own in partition.indexes):
            out.build(partition, index)
    for member in scene.catalog.tree(partition.name):
        out.scan(member)
    partition_keys(scene, out, parent, partition, with_rows=True)
    if not partition.new:
        out.advise(
            "attach-with-check",
            f"unless a CHECK implies the bounds, {partition.name} is read while nobody else can; missing indexes are "
            "built then too: add the CHECK NOT VALID, validate it, and build the indexes before",
        )
    if not parent.known and not scene.catalog.live:
        out.unknown.append(f"the default partition and foreign keys of {parent.name} (no catalog)")
    joined = attached(partition, parent) if partition.known else partition
    parents, bound = (*partition.parents, parent.name), bound_text(definition.bound)
    scene.catalog.put(replace(joined, parents=parents, is_partition=True, bound=bound))
    default = partition.name if is_default else parent.default_partition
    scene.catalog.put(
        replace(at.current(parent), children=(*parent.children, partition.name), default_partition=default)
    )


def detach(at: Altering, cmd: Node) -> None:
    definition = nodes.definition(cmd)
    scene, out, parent = at.scene, at.out, at.table
    name = nodes.name_of(definition.name)
    if scene.absent(name, out):
        return
    partition = scene.catalog.relation(name)
    if told := inherited.part_of(partition, parent, scene):
        out.fail(told)
    concurrent = bool(definition.concurrent)
    lock_above(scene.catalog, parent, out, sure=False)
    parts = [key for key in scene.catalog.incoming(partition.name) if key.inherited]
    cloned = any(trigger.per_row for trigger in parent.triggers)
    whole = {key.id for key in parent.foreign_keys if key.id}
    keys = [key for key in parent.foreign_keys if key.parent not in whole]
    to_partitioned = [key for key in keys if scene.major < 15 and scene.catalog.relation(key.referenced).partitioned]
    # 13 takes less, unless triggers of the partition go: those of keys that reference it, and clones of the parent's;
    # or unless constraints do, as the parts of a key to a partitioned table.
    triggers_go = cloned or (bool(parts) and not partition.partitioned) or bool(to_partitioned)
    is_default = parent.default_partition == partition.name
    own = AE if concurrent or scene.major >= 14 or triggers_go or is_default else SUE
    out.lock(partition, own, f"is detached from {parent.name}")
    for below in scene.catalog.tree(partition.name)[1:]:
        out.lock(below, AE, f"below {partition.name}")
    if concurrent:
        out.no_transaction = True
        out.temporary_locks = True
        if parent.default_partition is not None:
            out.fail(f"{parent.name} has a default partition: DETACH CONCURRENTLY is refused", "55000")
    else:
        if parent.default_partition != partition.name:
            _lock_own_default(scene, out, parent)
        if not partition.new and parent.default_partition is None and scene.major >= 14:
            at.advise(
                "detach-concurrently",
                f"DETACH stops reads of {parent.name}; CONCURRENTLY does not (in a change of its own, no transaction; "
                "it leaves a CHECK of the bounds on the partition)",
                detached_concurrently(at.position),
            )
    for index in partition.indexes:
        if index.parent is not None:
            out.lock_index(partition, index, AE, f"leaves {index.parent}")
    for key in keys:
        if key not in to_partitioned:  # its part gets triggers of its own there
            for side in fk_sides(scene, key.referenced):
                out.lock(side, SRE, f"referenced by {key.name}")
    for key in parts or [k for k in scene.catalog.incoming(parent.name) if not k.inherited and not k.id]:
        out.lock(scene.catalog.relation(key.table), AE, f"its {key.name} references {parent.name}")
        for side in fk_sides(scene, key.table):
            out.scan(side)
    scene.catalog.put(detached(partition, parent))
    children = tuple(c for c in parent.children if c != partition.name)
    default = None if parent.default_partition == partition.name else parent.default_partition
    scene.catalog.put(replace(at.current(parent), children=children, default_partition=default))


def detach_finalize(at: Altering, cmd: Node) -> None:
    partition = at.scene.catalog.relation(nodes.name_of(nodes.definition(cmd).name))
    at.out.lock(partition, AE, "DETACH PARTITION FINALIZE")


def inherit(at: Altering, cmd: Node) -> None:
    parent = at.scene.catalog.relation(nodes.name_of(nodes.definition(cmd)))
    if wrong_kind(at.scene, at.out, parent, "rf", "a table that others can inherit from"):
        return
    if any(one.name == parent.name for one in at.scene.catalog.tree(at.table.name)):
        at.out.fail(f"{at.name} can't inherit from itself, by {parent.name}", "42P07")
    if told := inherited.below(at.current(at.table), parent, at.scene):
        at.out.fail(told)
    at.out.lock(parent, SUE, f"becomes a parent of {at.name}")
    child = at.current(at.table)
    for below in at.scene.catalog.tree(child.name)[1:]:
        at.out.lock(below, AS, f"below {child.name}: it can't be a parent of its own parent")
    at.scene.catalog.put(replace(child, parents=(*child.parents, parent.name)))
    if parent.known:
        at.scene.catalog.put(replace(parent, children=(*parent.children, child.name)))


def no_inherit(at: Altering, cmd: Node) -> None:
    parent = at.scene.catalog.relation(nodes.name_of(nodes.definition(cmd)))
    if told := inherited.part_of(at.current(at.table), parent, at.scene):
        at.out.fail(told)
    at.out.lock(parent, AS, f"is not a parent of {at.name} any more")
    child = at.current(at.table)
    at.scene.catalog.put(replace(child, parents=tuple(p for p in child.parents if p != parent.name)))
    if parent.known:
        at.scene.catalog.put(replace(parent, children=tuple(c for c in parent.children if c != child.name)))
