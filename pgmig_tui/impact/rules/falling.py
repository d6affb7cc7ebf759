"""A relation that goes: its locks and losses, and everything that must go along."""

from __future__ import annotations

from collections.abc import Iterable

from pgmig_tui.impact.effect import AE, Effect, Scene, fk_sides, trigger_sides
from pgmig_tui.impact.facts import DependentRelation, Fall, Name, Relation, replace
from pgmig_tui.impact.rules.cascade import depends_still, lose_columns, lose_relation


def fall(
    scene: Scene, out: Effect, relation: Relation, why: str, cascade: bool, already: set[Name] | None = None
) -> set[Name]:
    """Locks and losses of a relation that goes, with everything that must go along; the names that are gone, those that
    are so `already` among them."""
    fallen = set() if already is None else already
    todo = [(relation, why)]
    while todo:
        current, reason = todo.pop()
        if current.name in fallen:
            continue
        fallen.add(current.name)
        out.lock(current, AE, reason)
        _own_parts(scene, out, current)
        for child in current.children:
            todo.append((scene.catalog.relation(child), f"dropped with {current.name}"))
        for sequence in current.sequences:
            owned = scene.catalog.relation(sequence.name, "S")
            todo.append((replace(owned, new=current.new), f"owned by {current.name}.{sequence.column}"))
        if cascade:
            _incoming(scene, out, current)
        for dependent in current.dependents:
            todo.extend(_dependents(scene, out, dependent, current, cascade))
    return fallen


def _own_parts(scene: Scene, out: Effect, current: Relation) -> None:
    for index in current.indexes:
        out.lock_index(current, index, AE, f"index of {current.name}")
    if current.is_partition:
        _parent_of_partition(scene, out, current)
    for key in current.foreign_keys:
        if key.inherited:
            continue  # the triggers on the other end are those of the parent's key
        for other in trigger_sides(scene, key.referenced):
            out.lock(other, AE, f"referenced by {key.name} of {current.name}")
    lose_relation(out, current)


def _parent_of_partition(scene: Scene, out: Effect, partition: Relation) -> None:
    for parent_name in partition.parents:
        parent = scene.catalog.relation(parent_name, "p")
        out.lock(parent, AE, f"parent of {partition.name}")
        if parent.default_partition is not None and parent.default_partition != partition.name:
            out.lock(scene.catalog.relation(parent.default_partition), AE, f"default partition of {parent.name}")


def _incoming(scene: Scene, out: Effect, current: Relation) -> None:
    for key in scene.catalog.incoming(current.name):
        root = scene.catalog.root_key(key)
        for other in fk_sides(scene, root.table):
            out.lock(other, AE, f"its {root.name} references {current.name}")
        if root is not key:  # the row for one partition pulls the whole key along, with its triggers everywhere
            for other in trigger_sides(scene, root.referenced):
                out.lock(other, AE, f"referenced by {root.name}")
    fact = scene.catalog.type([current.name.schema, current.name.relation])
    for dependent in fact.dependents if fact is not None else ():
        table = scene.catalog.relation(dependent.name, "r")
        out.lock(table, AE, f"has a column of the row type of {current.name}")
        lose_columns(out, table, sorted(dependent.columns))
        for index in table.indexes:
            if index.columns & dependent.columns:
                out.lock_index(table, index, AE, f"has a column of the row type of {current.name}")


def _dependents(
    scene: Scene, out: Effect, dependent: DependentRelation, on: Relation, cascade: bool
) -> list[tuple[Relation, str]]:
    other = scene.catalog.relation(dependent.name, dependent.relkind)
    if not cascade:
        # A policy of another table that names this one, and the like, make the DROP fail: nothing more is locked.
        return []
    if dependent.kind in {"v", "m"}:
        return [(other, f"depends on {on.name}")]
    if not depends_still(scene.catalog, dependent, followed=on.kind == "S"):
        return []
    what = {"d": "default", "y": "policy", "rule": "rule"}.get(dependent.kind, "object")
    out.lock(other, AE, f"its {what} depends on {on.name}")
    return []


def views_of_functions(scene: Scene, out: Effect, found: Iterable[Fall], on: Relation) -> set[Name]:
    """Views that hang on a relation or its column by a function, and columns of types that do; what hangs on it by
    itself `fall` follows."""
    gone: set[Name] = set()
    for one in (one for key in found for one in scene.catalog.facts.cascades.get(key, ())) if not on.new else ():
        name = scene.catalog.called_now(one.name)
        view = scene.catalog.known(name)
        if one.kind in "vm" and name not in out.locks and not scene.catalog.gone(name):
            lost = view or Relation(name, one.kind, known=False)
            gone |= fall(scene, out, lost, f"uses a function that is dropped with {on.name}", True)
    return gone
