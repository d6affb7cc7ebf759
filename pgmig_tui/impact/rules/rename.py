"""ALTER ... RENAME: running code notices it, so it is said what breaks."""

from __future__ import annotations

from pgmig_tui.impact import nodes
from pgmig_tui.impact.effect import Effect, Scene
from pgmig_tui.impact.facts import Name, Relation, replace
from pgmig_tui.impact.mentions import column_renamed, referenced_column_renamed
from pgmig_tui.impact.modes import AE, SUE
from pgmig_tui.impact.nodes import Node
from pgmig_tui.impact.rules import sequences
from pgmig_tui.impact.rules.carry import function_moved, renamed_on_table
from pgmig_tui.impact.rules.kinds import altered_as
from pgmig_tui.impact.rules.refused import name_taken, no_constraint, rename_column
from pgmig_tui.impact.rules.refused_types import of_typed_table, rename_attribute
from pgmig_tui.impact.safer import SaferStep, copied, sql_of, text_of
from pgmig_tui.impact.shadow import Catalog

_RELATIONS = {
    "OBJECT_TABLE": "?",
    "OBJECT_VIEW": "v",
    "OBJECT_MATVIEW": "m",
    "OBJECT_SEQUENCE": "S",
    "OBJECT_FOREIGN_TABLE": "f",
}
_ON_TABLE = {"OBJECT_TRIGGER", "OBJECT_RULE", "OBJECT_POLICY"}
_ROUTINES = {"OBJECT_FUNCTION", "OBJECT_PROCEDURE", "OBJECT_ROUTINE", "OBJECT_AGGREGATE"}


def rename(node: Node, scene: Scene, out: Effect) -> None:
    what = nodes.enum_name("ObjectType", node.rename_type)
    if what == "OBJECT_SCHEMA":
        _rename_schema(node, scene, out)
    elif what in _ROUTINES:
        _rename_routine(node, scene, out)
    elif what in {"OBJECT_TYPE", "OBJECT_DOMAIN"}:
        _rename_type(node, scene, out)
        composite = scene.catalog.get(nodes.name_from(nodes.list_name(node.object)))
        if composite is not None and composite.kind == "c":
            out.lock(composite, AE, f"RENAME to {node.newname}")
            scene.catalog.rename(composite.name, Name(composite.name.schema, node.newname))
    elif what == "OBJECT_ROLE":
        scene.catalog.put_role(node.subname, there=False)
        scene.catalog.put_role(node.newname, there=True)
    elif what == "OBJECT_EVENT_TRIGGER":
        scene.catalog.rename_event_trigger("".join(nodes.strings([node.object])), node.newname)
    elif what == "OBJECT_STATISTIC_EXT":
        found = scene.catalog.statistics(nodes.name_from(nodes.list_name(node.object)))
        if found is not None:
            scene.catalog.rename_statistics(found[0], Name(found[0].schema, node.newname))
    elif what == "OBJECT_PUBLICATION":
        old = nodes.strings([node.object])[-1] if nodes.has(node, "object") else ""
        if (one := scene.catalog.published.get(old)) is not None:
            scene.catalog.publish(old, None)
            scene.catalog.publish(node.newname, one)
    if not nodes.has(node, "relation"):
        return
    name = nodes.name_of(node.relation)
    if scene.catalog.missing(name):
        if not node.missing_ok:
            out.fail(f"{scene.catalog.resolve(name)} does not exist", "42P01")
        return
    named_table = what == "OBJECT_INDEX" and scene.catalog.get(name) is not None  # taken by the server all the same
    if not named_table and (what == "OBJECT_INDEX" or (what in _RELATIONS and scene.catalog.index(name) is not None)):
        _rename_index(node, scene, out, name, SUE if what == "OBJECT_INDEX" else AE)
        return
    kind = _RELATIONS.get(what, "?")
    relation = scene.catalog.relation(name, "c" if what == "OBJECT_ATTRIBUTE" else kind)
    if what in _RELATIONS and altered_as(scene, out, relation, what):
        return
    why = f"RENAME to {node.newname}"
    if what in _RELATIONS or named_table:
        out.lock(relation, AE, why)
        new = Name(relation.name.schema, node.newname)
        name_taken(scene, out, new)
        scene.catalog.rename(relation.name, new)
        _breaks(out, relation, f"statements that name {relation.name}")
    elif what in {"OBJECT_COLUMN", "OBJECT_ATTRIBUTE"}:
        _rename_column(node, scene, out, relation)
    elif what == "OBJECT_TABCONSTRAINT":
        no_constraint(scene, out, relation, node.subname)
        if any(index.constraint == node.subname for index in relation.indexes):
            name_taken(scene, out, Name(relation.name.schema, node.newname))
        _rename_constraint(node, scene, out, relation)
    elif what in _ON_TABLE:
        out.lock(relation, AE, why)
        members = [relation]
        if what == "OBJECT_TRIGGER" and relation.partitioned and scene.major >= 15:  # before, the clones keep the name
            members = scene.catalog.tree(relation.name)
            for child in members[1:]:
                out.lock(child, AE, f"{why} reaches partition")
        renamed_on_table(scene.catalog, members, what, node.subname, node.newname)


def _rename_schema(node: Node, scene: Scene, out: Effect) -> None:
    """No relation is locked, and every name with that schema means something else."""
    catalog = scene.catalog
    if not catalog.has_schema(node.subname):
        out.fail(f"the schema {node.subname} does not exist", "3F000")
        return
    out.breaks.append(f"statements that name anything in the schema {node.subname}")
    catalog.rename_schema(node.subname, node.newname)


def _rename_routine(node: Node, scene: Scene, out: Effect) -> None:
    parts = nodes.list_name(node.object)
    found = scene.catalog.functions(parts)
    if found:
        out.breaks.append(f"statements that call {'.'.join(parts)}()")
        function_moved(scene.catalog, parts, None, Name(found[0].name.schema, node.newname))


def _rename_type(node: Node, scene: Scene, out: Effect) -> None:
    fact = scene.catalog.type(nodes.list_name(node.object))
    if fact is not None:
        scene.catalog.rename_type(fact.name, Name(fact.name.schema, node.newname))


def _breaks(out: Effect, relation: Relation, what: str) -> None:
    if not relation.new:
        out.breaks.append(what)


def _rename_index(node: Node, scene: Scene, out: Effect, name: Name, mode: int) -> None:
    strong = AE if mode == AE else SUE
    found = scene.catalog.index(name)
    new = Name(scene.catalog.resolve(name).schema, node.newname)
    name_taken(scene, out, new)
    if found is None:
        out.lock_name(scene.catalog.resolve(name), "i", strong, f"RENAME to {node.newname}")
        scene.catalog.there_again(new)
        return
    table, index = found
    out.lock_index(table, index, strong, f"RENAME to {node.newname}")
    if strong is AE:
        out.advise(
            "alter-index-rename",
            "ALTER TABLE ... RENAME of an index stops every query on its table; ALTER INDEX does not",
            lambda: _as_index(node),
        )
    indexes = tuple(replace(i, name=new) if i is index else i for i in table.indexes)
    scene.catalog.put(replace(table, indexes=indexes))


def _as_index(node: Node) -> str:
    """The same by ALTER INDEX."""
    tree = copied(node)
    sample = nodes.parse("ALTER INDEX i RENAME TO j")[0]
    tree.rename_type, tree.relation_type = sample.rename_type, sample.relation_type
    return text_of([SaferStep(sql_of(tree))])


def _rename_column(node: Node, scene: Scene, out: Effect, relation: Relation) -> None:
    members = scene.catalog.tree(relation.name) if node.relation.inh and relation.known else [relation]
    if relation.kind == "c":
        members = [
            relation,
            *(scene.catalog.relation(d.name) for d in relation.dependents if d.kind == "t" and not d.columns),
        ]
        rename_attribute(node, relation, out)
    of_typed_table("RENAME COLUMN", relation, out)
    rename_column(node, relation, scene, out)
    for member in members:
        out.lock(member, AE, f"RENAME COLUMN {node.subname}")
        if node.subname in member.columns:
            _carry_column(scene.catalog, member, node.subname, node.newname)
    _breaks(out, relation, f"statements that name {relation.name}.{node.subname}")


def _carry_column(catalog: Catalog, member: Relation, old: str, new: str) -> None:
    catalog.becomes(f"column of {catalog.called_before(member.name)}", Name("", old), Name("", new))
    for key in catalog.incoming(member.name):
        other = catalog.get(key.table)
        if old in key.referenced_columns and other is not None:
            catalog.put(referenced_column_renamed(other, member.name, old, new))
    now = column_renamed(catalog.relation(member.name), old, new)
    if now.writable is not None and old in now.writable:
        now = replace(now, writable=now.writable - {old} | {new})
    catalog.put(now)
    sequences.column_renamed(catalog, member.name, old, new)


def _rename_constraint(node: Node, scene: Scene, out: Effect, relation: Relation) -> None:
    is_check = any(c.name == node.subname for c in relation.checks)
    members = scene.catalog.tree(relation.name) if is_check and node.relation.inh else [relation]
    for member in members:
        out.lock(member, AE, f"RENAME CONSTRAINT {node.subname}")
    for index in relation.indexes:
        if index.constraint == node.subname:
            out.lock_index(relation, index, SUE, f"the index of {node.subname}")
    if relation.known:
        scene.catalog.put(
            replace(
                relation,
                checks=tuple(replace(c, name=node.newname) if c.name == node.subname else c for c in relation.checks),
                foreign_keys=tuple(
                    replace(k, name=node.newname) if k.name == node.subname else k for k in relation.foreign_keys
                ),
                indexes=tuple(
                    replace(i, name=Name(i.name.schema, node.newname), constraint=node.newname)
                    if i.constraint == node.subname
                    else i
                    for i in relation.indexes
                ),
            )
        )


RULES = {"RenameStmt": rename}
