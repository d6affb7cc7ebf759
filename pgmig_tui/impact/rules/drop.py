"""DROP of anything, and what falls with it: the closure that CASCADE (or ownership) pulls along."""

from __future__ import annotations

from pgmig_tui.impact.effect import Effect, Scene, fk_sides, quoted
from pgmig_tui.impact.facts import Dependent, Fall, Name, Relation, replace
from pgmig_tui.impact.modes import AE, SUE
from pgmig_tui.impact.nodes import Node, enum_name, list_name, name_from
from pgmig_tui.impact.result import Lost
from pgmig_tui.impact.words import size

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
    cascade = enum_name("DropBehavior", node.behavior) == "DROP_CASCADE"
    for item in node.objects:
        parts = list_name(item)
        if what in _KINDS:
            _drop_relation(scene, out, name_from(parts), _KINDS[what], cascade, node.missing_ok)
        elif what == "OBJECT_INDEX":
            _drop_index(scene, out, name_from(parts), node.concurrent, node.missing_ok, cascade)
        elif what in _ON_TABLE:
            _drop_on_table(scene, out, parts, _ON_TABLE[what], node.missing_ok)
        elif what == "OBJECT_SCHEMA":
            _drop_schema(scene, out, parts[-1] if parts else "", cascade)
        elif what in {"OBJECT_TYPE", "OBJECT_DOMAIN"}:
            _drop_type(scene, out, parts, cascade)
        elif what in {"OBJECT_FUNCTION", "OBJECT_PROCEDURE", "OBJECT_ROUTINE", "OBJECT_AGGREGATE"}:
            _drop_function(scene, out, item, cascade)
        elif what == "OBJECT_STATISTIC_EXT":
            _drop_statistics(scene, out, name_from(parts))
        else:
            _drop_other(scene, out, what, parts, cascade)


def _drop_relation(scene: Scene, out: Effect, name: Name, kind: str, cascade: bool, missing_ok: bool) -> None:
    catalog = scene.catalog
    if catalog.missing(name):
        if not missing_ok:
            out.problem = out.problem or f"{catalog.resolve(name)} does not exist"
        return
    relation = catalog.relation(name, kind)
    fallen = fall(scene, out, relation, "it is dropped", cascade)
    if cascade:
        fallen |= views_of_functions(scene, out, Fall("relation", relation.name.relation), relation)
    if kind == "r":
        out.breaks.append(f"every statement that names {relation.name}")
        if not relation.known:
            out.unknown.append(f"what references {relation.name}, and what it references (no catalog)")
        if relation.is_partition:
            out.advise(
                "drop-partition",
                f"dropping a partition locks {relation.parents[0]} against reads; detach it concurrently first",
                f"ALTER TABLE {quoted(relation.parents[0])} DETACH PARTITION {quoted(relation.name)} CONCURRENTLY;",
            )
    catalog.drop(fallen)


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
            todo.append((scene.catalog.relation(child), f"goes with {current.name}"))
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
        for other in fk_sides(scene, key.referenced):
            out.lock(other, AE, f"referenced by {key.name} of {current.name}")
    if current.new:
        return
    if current.kind in "rpf?":
        extent = f" ({size(current)})" if current.rows >= 0 else ""
        out.lose(4, f"all rows of {current.name}{extent}", Lost("table", current.name))
    elif current.kind == "m":
        out.lose(2, f"the materialized view {current.name}")
    elif current.kind == "S":
        out.lose(3, f"the state of the sequence {current.name}", Lost("sequence", current.name))


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
            for other in fk_sides(scene, root.referenced):
                out.lock(other, AE, f"referenced by {root.name}")
    fact = scene.catalog.type([current.name.schema, current.name.relation])
    for dependent in fact.dependents if fact is not None else ():
        table = scene.catalog.relation(dependent.name, "r")
        out.lock(table, AE, f"has a column of the row type of {current.name}")
        for index in table.indexes:
            if index.columns & dependent.columns:
                out.lock_index(table, index, AE, f"has a column of the row type of {current.name}")


def _dependents(
    scene: Scene, out: Effect, dependent: Dependent, on: Relation, cascade: bool
) -> list[tuple[Relation, str]]:
    other = scene.catalog.relation(dependent.name, dependent.relkind)
    if not cascade:
        # A policy of another table that names this one, and the like, make the DROP fail: nothing more is locked.
        return []
    if dependent.kind in {"v", "m"}:
        return [(other, f"depends on {on.name}")]
    what = {"d": "default", "y": "policy", "rule": "rule"}.get(dependent.kind, "object")
    out.lock(other, AE, f"its {what} depends on {on.name}")
    return []


def _drop_index(scene: Scene, out: Effect, name: Name, concurrent: bool, missing_ok: bool, cascade: bool) -> None:
    catalog = scene.catalog
    if catalog.missing(name):
        if not missing_ok:
            out.problem = out.problem or f"index {catalog.resolve(name)} does not exist"
        return
    found = catalog.index(name)
    mode = SUE if concurrent else AE
    if concurrent:
        out.no_transaction = out.temporary_locks = True
    if found is None:
        resolved = catalog.resolve(name)
        out.lock_name(resolved, "i", mode, "it is dropped", new=False)
        out.unknown.append(f"the table of {resolved}: it gets {mode.sql_name} too (no catalog)")
        index_name = resolved
    else:
        table, index = found
        index_name = index.name
        for member in catalog.tree(table.name) if table.partitioned else [table]:
            out.lock(member, mode, f"its index {index.name} is dropped")
        for member, part in catalog.index_family(table, index):
            out.lock_index(member, part, mode, "it is dropped")
        for key in catalog.incoming(table.name) if cascade else ():
            if key.index == index.name:  # a unique index is enough for a foreign key to hang on
                for side in (*fk_sides(scene, key.table), *fk_sides(scene, key.referenced)):
                    out.lock(side, mode, f"{key.name} hangs on {index.name}")
    if not concurrent and not (found and (found[0].new or found[0].partitioned)):
        out.advise(
            "drop-index-concurrently",
            "DROP INDEX stops reads of the table; CONCURRENTLY does not (in a change of its own, no transaction)",
            f"DROP INDEX CONCURRENTLY {quoted(index_name)};",
        )
    catalog.drop([index_name])


def _drop_on_table(scene: Scene, out: Effect, parts: list[str], what: str, missing_ok: bool) -> None:
    name = name_from(parts[:-1])
    if scene.catalog.missing(name):
        if not missing_ok:
            out.problem = out.problem or f"{scene.catalog.resolve(name)} does not exist"
        return
    relation = scene.catalog.relation(name, "r")
    trigger = next((t for t in relation.triggers if t.name == parts[-1]), None)
    there = {"rule": relation.rules, "policy": relation.policies}.get(what, (trigger.name,) if trigger else ())
    if missing_ok and relation.known and scene.catalog.live and parts[-1] not in there:
        return
    out.lock(relation, AE, f"DROP {what.upper()} {parts[-1]}")
    if what == "trigger" and relation.partitioned and (trigger is None or trigger.per_row):
        for child in scene.catalog.tree(name)[1:]:
            out.lock(child, AE, f"DROP TRIGGER {parts[-1]} reaches partition")
    if what == "policy":
        out.lose(1, f"the policy {parts[-1]} of {relation.name}")


def _drop_schema(scene: Scene, out: Effect, schema: str, cascade: bool) -> None:
    catalog = scene.catalog
    inside = [relation for relation in catalog if relation.name.schema == schema]
    if not catalog.live:
        out.unknown.append(f"everything inside the schema {schema} (no catalog)")
        out.lose(4, f"everything inside the schema {schema}")
    if not cascade:
        return
    fallen: set[Name] = set()
    for relation in inside:
        fall(scene, out, relation, f"inside the schema {schema}", True, fallen)
    falls(scene, out, Fall("schema", schema), f"depends on what is in the schema {schema}")
    catalog.drop(fallen)
    catalog.drop_schema(schema)


_FALLS = {
    "OBJECT_FOREIGN_SERVER": "foreign server", "OBJECT_FDW": "fdw", "OBJECT_OPERATOR": "operator",
    "OBJECT_OPCLASS": "opclass", "OBJECT_OPFAMILY": "opfamily", "OBJECT_COLLATION": "collation",
    "OBJECT_TSCONFIGURATION": "ts configuration", "OBJECT_TSDICTIONARY": "ts dictionary",
    "OBJECT_TSPARSER": "ts parser", "OBJECT_TSTEMPLATE": "ts template",
    "OBJECT_ACCESS_METHOD": "access method", "OBJECT_LANGUAGE": "language", "OBJECT_EXTENSION": "extension",
}  # fmt: skip


def falls(scene: Scene, out: Effect, key: Fall, why: str) -> bool:
    """What the server knows to fall with an object that is no relation; False when it was not asked."""
    known = scene.catalog.facts.cascades.get(key)
    if known is None:
        return False
    gone = []
    for name, kind in known:
        found = scene.catalog.index(name) if kind in "iI" else None
        if found is not None:
            out.lock_index(*found, AE, why)
        else:
            out.lock_name(name, kind, AE, why)
            if kind in "vmS":
                gone.append(name)
    scene.catalog.drop(gone)
    return True


def views_of_functions(scene: Scene, out: Effect, key: Fall, on: Relation) -> set[Name]:
    """Views that hang on a relation or its column by a function; what hangs on it by itself `fall` follows."""
    fallen: set[Name] = set()
    for name, kind in scene.catalog.facts.cascades.get(key, ()) if not on.new else ():
        view = scene.catalog.get(name)
        if kind in "vm" and name not in out.locks and not scene.catalog.gone(name):
            found = view or Relation(name, kind, known=False)
            fallen |= fall(scene, out, found, f"uses a function that falls with {on.name}", True)
    return fallen


def _drop_type(scene: Scene, out: Effect, parts: list[str], cascade: bool) -> None:
    if cascade and parts and falls(scene, out, Fall("type", parts[-1]), f"uses the type {'.'.join(parts)}"):
        return
    fact = scene.catalog.type(parts)
    composite = scene.catalog.get(name_from(parts))
    if composite is not None and composite.kind == "c":
        out.lock(composite, AE, "it is dropped")
    if fact is None:
        if cascade and not scene.catalog.live:
            out.unknown.append(f"the tables with a column of type {'.'.join(parts)} (no catalog)")
            out.lose(3, f"columns of type {'.'.join(parts)}")
        return
    if not cascade:
        return
    drop_dependents(scene, out, fact.dependents, f"uses the type {fact.name}")
    for dependent in fact.dependents:
        if dependent.kind == "t":
            columns = tuple(sorted(dependent.columns))
            out.lose(3, f"{', '.join(columns)} of {dependent.name}", Lost("column", dependent.name, columns))


def drop_dependents(scene: Scene, out: Effect, dependents: tuple[Dependent, ...], why: str) -> None:
    """CASCADE from an object that is no relation."""
    fallen: set[Name] = set()
    for dependent in dependents:
        relation = scene.catalog.relation(dependent.name, dependent.relkind)
        if dependent.kind in {"v", "m"} or (dependent.kind == "t" and not dependent.columns):
            fallen |= fall(scene, out, relation, why, True)
            continue
        out.lock(relation, AE, why)
        for index in relation.indexes:
            if index.columns & dependent.columns or (dependent.kind == "i" and index.name.relation == dependent.part):
                out.lock_index(relation, index, AE, why)
    scene.catalog.drop(fallen)


def _drop_function(scene: Scene, out: Effect, item: Node, cascade: bool) -> None:
    parts = list_name(item)
    fact = scene.catalog.function(parts)
    if not cascade or not parts:
        return
    why = f"depends on the function {'.'.join(parts)}"
    if item.object_with_args.args_unspecified:
        found = [key for key in scene.catalog.facts.cascades if key.kind == "function" and key.name == parts[-1]]
    else:
        found = [Fall("function", parts[-1], len(item.object_with_args.objargs))]
    told = [falls(scene, out, key, why) for key in found]
    if any(told):
        return
    if fact is None:
        if not scene.catalog.live:
            out.unknown.append(f"what depends on {'.'.join(parts)} (no catalog)")
        return
    if not item.object_with_args.args_unspecified:
        fact = fact.called_with(len(item.object_with_args.objargs))
    drop_dependents(scene, out, fact.dependents, f"depends on the function {fact.name}")


def _drop_statistics(scene: Scene, out: Effect, name: Name) -> None:
    table = scene.catalog.facts.statistics.get(scene.catalog.resolve(name))
    out.lose(1, f"the statistics {name}")
    if table is not None:
        out.lock(scene.catalog.relation(table), SUE, f"DROP STATISTICS {name}")
    elif not scene.catalog.live:
        out.unknown.append(f"the table of the statistics {name}: it gets SHARE UPDATE EXCLUSIVE (no catalog)")


def _drop_other(scene: Scene, out: Effect, what: str, parts: list[str], cascade: bool) -> None:
    if cascade and what in _FALLS and parts and falls(scene, out, Fall(_FALLS[what], parts[-1]), "falls with it"):
        cascade = False
    label = what.removeprefix("OBJECT_").replace("_", " ").lower()
    name = ".".join(parts)
    if what == "OBJECT_EXTENSION":
        out.lose(1, f"the extension {name}")
        if cascade:
            out.unknown.append(f"what depends on the extension {name}")
    elif what == "OBJECT_COLLATION" and cascade:
        out.unknown.append(f"what depends on the collation {name}")
    elif cascade and what in {"OBJECT_OPERATOR", "OBJECT_CAST", "OBJECT_OPCLASS", "OBJECT_OPFAMILY", "OBJECT_LANGUAGE"}:
        out.unknown.append(f"what depends on the {label} {name}")
    elif what in {"OBJECT_FOREIGN_SERVER", "OBJECT_FDW"}:
        out.lose(5, f"the {label} {name}")


def drop_owned(node: Node, scene: Scene, out: Effect) -> None:
    """DROP OWNED and REASSIGN OWNED: everything that the roles own."""
    from pgmig_tui.impact.nodes import kind

    dropping = kind(node) == "DropOwnedStmt"
    for item in node.roles:
        role = item.role_spec.rolename
        owned = [scene.catalog.relation(name) for name in scene.catalog.facts.owned.get(role, ())]
        if not scene.catalog.live:
            out.unknown.append(f"everything that {role} owns (no catalog)")
            if dropping:
                out.lose(4, f"everything that {role} owns")
        fallen: set[Name] = set()
        if dropping and falls(scene, out, Fall("owned", role), f"owned by {role}, or falls with that"):
            continue
        for relation in owned:
            if dropping:
                fall(scene, out, relation, f"owned by {role}", True, fallen)
            else:
                out.lock(relation, AE, f"owned by {role}")
                for index in relation.indexes:
                    out.lock_index(relation, index, AE, f"owned by {role}")
        scene.catalog.drop(fallen)


def drop_database(node: Node, scene: Scene, out: Effect) -> None:
    out.no_transaction = True
    out.lose(5, f"the database {node.dbname}")


def drop_role(node: Node, scene: Scene, out: Effect) -> None:
    for role in node.roles:
        out.lose(1, f"the role {role.role_spec.rolename or role.role_spec}")


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
