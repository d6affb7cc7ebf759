"""DROP: the statement, and what it does to relations and what stands on them."""

from __future__ import annotations

from pgmig_tui.impact.effect import Effect, Scene, fk_sides, quote, trigger_sides
from pgmig_tui.impact.facts import Name, Relation
from pgmig_tui.impact.modes import AE, SUE
from pgmig_tui.impact.nodes import Node, cascades, enum_name, list_name, name_from
from pgmig_tui.impact.rules import inherited
from pgmig_tui.impact.rules.carry import dropped_on_table
from pgmig_tui.impact.rules.cascade import in_the_way, keys, keys_by, needed_by, obstacle_words, refuse
from pgmig_tui.impact.rules.drop_objects import (
    drop_function,
    drop_other,
    drop_owned,
    drop_role,
    drop_schema,
    drop_statistics,
    drop_type,
)
from pgmig_tui.impact.rules.falling import fall, views_of_functions
from pgmig_tui.impact.rules.kinds import index_or_relation, wrong_target
from pgmig_tui.impact.rules.refused import in_use
from pgmig_tui.impact.rules.safer_index import detached_before, drop_concurrently
from pgmig_tui.impact.rules.sequences import owner_of
from pgmig_tui.impact.shadow import Catalog
from pgmig_tui.impact.shadow_state import SYSTEM

_KINDS = {
    "OBJECT_TABLE": "r",
    "OBJECT_FOREIGN_TABLE": "f",
    "OBJECT_VIEW": "v",
    "OBJECT_MATVIEW": "m",
    "OBJECT_SEQUENCE": "S",
}
_ON_TABLE = {"OBJECT_TRIGGER": "trigger", "OBJECT_RULE": "rule", "OBJECT_POLICY": "policy"}


def drop(node: Node, scene: Scene, out: Effect) -> None:
    what = enum_name("ObjectType", node.remove_type)
    cascade = cascades(node)
    targets = _targets(node, scene) if what in _KINDS else set()
    if what == "OBJECT_TABLE":
        _detach_first(node, scene, out)
    elif what == "OBJECT_INDEX" and not node.concurrent:
        _drop_concurrently(node, scene, out)
    for item in node.objects:
        parts = list_name(item)
        if what in _KINDS:
            _drop_relation(scene, out, name_from(parts), what, cascade, node.missing_ok, targets)
        elif what == "OBJECT_INDEX":
            if node.concurrent and len(node.objects) > 1:
                out.fail("DROP INDEX CONCURRENTLY takes one index at a time", "0A000")
            _drop_index(scene, out, name_from(parts), node.concurrent, node.missing_ok, cascade)
        elif what in _ON_TABLE:
            _drop_on_table(scene, out, parts, _ON_TABLE[what], node.missing_ok)
        elif what == "OBJECT_SCHEMA":
            drop_schema(scene, out, parts[-1] if parts else "", cascade, node.missing_ok)
        elif what in {"OBJECT_TYPE", "OBJECT_DOMAIN"}:
            others = [list_name(other)[-1] for other in node.objects if list_name(other) != parts]
            drop_type(scene, out, parts, cascade, node.missing_ok, others)
        elif what in {"OBJECT_FUNCTION", "OBJECT_PROCEDURE", "OBJECT_ROUTINE", "OBJECT_AGGREGATE"}:
            drop_function(scene, out, item, cascade, node.missing_ok)
        elif what == "OBJECT_STATISTIC_EXT":
            drop_statistics(scene, out, name_from(parts), node.missing_ok)
        else:
            drop_other(scene, out, what, parts, cascade, node.missing_ok)


def _targets(node: Node, scene: Scene) -> set[Name]:
    """All relations that one DROP names, with their partitions (but no children by INHERITS) and what they own."""
    found: set[Name] = set()
    todo = [scene.catalog.resolve(name_from(list_name(item))) for item in node.objects]
    for name in todo:
        if name not in found:
            found.add(name)
            member = scene.catalog.relation(name)
            found.update(sequence.name for sequence in member.sequences)
            todo += member.children if member.partitioned else ()
    return found


def _drop_relation(
    scene: Scene, out: Effect, name: Name, what: str, cascade: bool, missing_ok: bool, targets: set[Name]
) -> None:
    catalog, kind = scene.catalog, _KINDS[what]
    if catalog.missing(name):
        # One that the same DROP names before may have taken it along.
        if not missing_ok and catalog.resolve(name) not in out.locks:
            out.fail(f"{catalog.resolve(name)} does not exist", "42P01")
        return
    relation = catalog.relation(name, kind)
    if relation.name.schema == SYSTEM:
        out.fail(f"{relation.name} can't be dropped: the system needs it", "42501")
        return
    if wrong_target(scene, out, index_or_relation(catalog, relation.name, kind), what):
        return
    in_use(scene, out, catalog.tree(relation.name), "DROP TABLE")
    found = [] if relation.fresh else keys(catalog, "relation", [*_named(catalog, relation)])
    if not cascade:
        # The server's own list has what is here by name, too: once is enough.
        words = list(needed_by(catalog, relation, targets))
        owner = owner_of(catalog, relation.name) if relation.kind == "S" else None
        if owner is not None and owner[1].identity and owner[0].name not in targets:
            words.append(f"the identity of {owner[0].name}")
        words += [obstacle_words(one) for one in in_the_way(catalog, found, targets) if not words]
        refuse(out, str(relation.name), words)
    fallen = fall(scene, out, relation, "it is dropped", cascade)
    if cascade:
        fallen |= views_of_functions(scene, out, found, relation)
    if kind == "r":
        out.breaks.append(f"every statement that names {relation.name}")
        if not relation.known:
            out.unknown.append(f"what references {relation.name}, and what it references (no catalog)")
    catalog.drop(fallen)


def _named(catalog: Catalog, relation: Relation) -> tuple[str, str]:
    before = catalog.called_before(relation.name)
    return catalog.schema_now(before.schema), before.relation


def _detach_first(node: Node, scene: Scene, out: Effect) -> None:
    """Advice for partitions that are dropped without their parents."""
    dropped = {scene.catalog.resolve(name_from(list_name(item))) for item in node.objects}
    partitions: dict[str, Name] = {}
    for item in node.objects:
        parts = list_name(item)
        relation = scene.catalog.relation(name_from(parts), "r")
        parent = scene.catalog.relation(relation.parents[0], "p") if relation.is_partition else None
        # where there is a default partition, or before 14, DETACH CONCURRENTLY is refused
        if parent is not None and not dropped & {*relation.parents} and parent.default_partition is None:
            partitions[".".join(map(quote, parts))] = parent.name
    if partitions and scene.major >= 14:
        parents = ", ".join(sorted({str(parent) for parent in partitions.values()}))
        out.advise(
            "drop-partition",
            f"dropping a partition locks {parents} against reads; detach it concurrently first",
            lambda: detached_before(node, partitions),
        )


def _drop_index(scene: Scene, out: Effect, name: Name, concurrent: bool, missing_ok: bool, cascade: bool) -> None:
    catalog = scene.catalog
    if catalog.missing(name):
        if not missing_ok:
            out.fail(f"index {catalog.resolve(name)} does not exist", "42704")
        return
    found = catalog.index(name)
    if found is None and wrong_target(scene, out, catalog.relation(name), "OBJECT_INDEX"):
        return
    mode = SUE if concurrent else AE
    if concurrent:
        out.no_transaction = out.temporary_locks = True
        if cascade:
            out.fail("DROP INDEX CONCURRENTLY can't CASCADE", "0A000")
        elif found is not None and found[0].partitioned:
            out.fail(f"{found[1].name} is partitioned: it can't be dropped CONCURRENTLY", "0A000")
    if found is None:
        resolved = catalog.resolve(name)
        out.lock_name(resolved, "i", mode, "it is dropped", new=False)
        out.unknown.append(f"the table of {resolved}: it gets {mode.sql_name} too (no catalog)")
        index_name = resolved
    else:
        table, index = found
        index_name = index.name
        if catalog.live and (told := inherited.required(scene, index.name)):
            out.fail(told)
        if catalog.live and not cascade:
            refuse(out, str(index.name), [f"the foreign key {key.name}" for key in keys_by(catalog, table, index)])
        for member in catalog.tree(table.name) if table.partitioned else [table]:
            out.lock(member, mode, f"its index {index.name} is dropped")
        for member, part in catalog.index_family(table, index):
            out.lock_index(member, part, mode, "it is dropped")
        for key in catalog.incoming(table.name) if cascade else ():
            if key.index == index.name:  # a unique index is enough for a foreign key to hang on
                for side in (*fk_sides(scene, key.table), *trigger_sides(scene, key.referenced)):
                    out.lock(side, mode, f"{key.name} depends on {index.name}")
    catalog.drop([index_name])


def _drop_concurrently(node: Node, scene: Scene, out: Effect) -> None:
    """Advice, unless all of the indexes are gone, new, or of partitioned tables."""
    names = [name_from(list_name(item)) for item in node.objects]
    tables = [found[0] if (found := scene.catalog.index(name)) else None for name in names]
    there = [table for name, table in zip(names, tables, strict=True) if not scene.catalog.missing(name)]
    if any(table is None or not (table.new or table.partitioned) for table in there):
        out.advise(
            "drop-index-concurrently",
            "DROP INDEX stops reads of the table; CONCURRENTLY does not (in a change of its own, no transaction)",
            (lambda: drop_concurrently(node)) if not any(table and table.partitioned for table in there) else None,
        )


def _drop_on_table(scene: Scene, out: Effect, parts: list[str], what: str, missing_ok: bool) -> None:
    name = name_from(parts[:-1])
    if scene.catalog.missing(name):
        if not missing_ok:
            out.fail(f"{scene.catalog.resolve(name)} does not exist", "42P01")
        return
    relation = scene.catalog.relation(name, "r")
    trigger = next((t for t in relation.triggers if t.name == parts[-1]), None)
    there = {"rule": relation.rules, "policy": relation.policies}.get(what, (trigger.name,) if trigger else ())
    if relation.known and scene.catalog.live and parts[-1] not in there:
        if not missing_ok:
            out.fail(f"{relation.name} has no {what} {parts[-1]}", "42704")
        return
    out.lock(relation, AE, f"DROP {what.upper()} {parts[-1]}")
    members = [relation]
    if what == "trigger" and relation.partitioned and (trigger is None or trigger.per_row):
        members = scene.catalog.tree(name)
        for child in members[1:]:
            out.lock(child, AE, f"DROP TRIGGER {parts[-1]} reaches partition")
    dropped_on_table(scene.catalog, members, what, parts[-1])
    if what == "policy":
        out.lose(1, f"the policy {parts[-1]} of {relation.name}")


def drop_database(node: Node, scene: Scene, out: Effect) -> None:
    out.no_transaction = True
    out.lose(5, f"the database {node.dbname}")


def drop_subscription(node: Node, scene: Scene, out: Effect) -> None:
    out.no_transaction = True
    out.lose(1, f"the subscription {node.subname}")


RULES = {
    "DropStmt": drop,
    "DropOwnedStmt": drop_owned,
    "ReassignOwnedStmt": drop_owned,
    "DropdbStmt": drop_database,
    "DropRoleStmt": drop_role,
    "DropSubscriptionStmt": drop_subscription,
}
