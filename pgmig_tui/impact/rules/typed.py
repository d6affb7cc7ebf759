"""Tables that are made OF a composite type, and what such a type consists of.

Source: typecmds.c (DefineCompositeType), parse_utilcmd.c (transformOfType), tablecmds.c (ATExecAddOf, ATExecDropOf).
"""

from __future__ import annotations

from pgmig_tui.impact import nodes
from pgmig_tui.impact.effect import Effect, Scene
from pgmig_tui.impact.facts import Column, DependentRelation, Name, Relation, replace
from pgmig_tui.impact.modes import AS
from pgmig_tui.impact.nodes import Node
from pgmig_tui.impact.refusal import Refusal
from pgmig_tui.impact.rules.altering import Altering
from pgmig_tui.impact.rules.types import no_type, type_schema
from pgmig_tui.impact.typechange import type_name


def composite_made(node: Node, scene: Scene, out: Effect) -> None:
    """CREATE TYPE … AS (…)."""
    catalog = scene.catalog
    name = catalog.creation_name(nodes.name_of(node.typevar))
    if catalog.live and (catalog.get(name) is not None or catalog.type([name.schema, name.relation]) is not None):
        out.fail(f"the type {name} exists already", "42710")
        return
    columns: dict[str, Column] = {}
    for item in node.coldeflist:
        definition = item.column_def
        written = type_name(definition.type_name)
        no_type(scene, out, written)
        columns[definition.colname] = Column(
            definition.colname,
            ("_" if written.array else "") + written.name,
            written.typmod,
            type_schema(catalog, written),
            fresh=True,
        )
    catalog.put(Relation(name, "c", columns, new=True, owner=catalog.role))


def made_of(node: Node, scene: Scene, out: Effect, name: Name) -> None:
    """CREATE TABLE … OF: it has the type's columns, and hangs on it."""
    parts = nodes.strings(node.of_typename.names)
    composite = scene.catalog.relation(Name(parts[-2] if len(parts) > 1 else "", parts[-1]), "c")
    out.lock(composite, AS, "the type of the table")
    table = scene.catalog.known(name)
    if not composite.known or table is None:
        return
    columns = {key: Column(key, one.type, one.typmod, one.type_schema) for key, one in composite.columns.items()}
    of_type = composite.name if composite.kind == "c" else None
    scene.catalog.put(replace(table, columns={**columns, **table.columns}, of_type=of_type))
    _hang_on(scene, composite.name, name)


def _hang_on(scene: Scene, composite: Name, table: Name) -> None:
    here = scene.catalog.known(composite)
    dependent = DependentRelation(table, "t")
    if here is not None and dependent not in here.dependents:
        scene.catalog.put(replace(here, dependents=(*here.dependents, dependent)))


def add_of(at: Altering, cmd: Node) -> None:
    """ALTER TABLE … OF: the columns must be those of the type, in its order."""
    written = type_name(nodes.definition(cmd))
    parts = [written.schema, written.name] if written.schema else [written.name]
    composite = at.scene.catalog.get(nodes.name_from(parts))
    if composite is None:
        return
    at.out.lock(composite, AS, "the type of the table")
    table = at.current(at.table)
    if composite.columns and table.columns and at.scene.catalog.live:
        at.out.fail(_unlike(table, composite))
    if table.known:
        at.scene.catalog.put(replace(table, of_type=composite.name))
        _hang_on(at.scene, composite.name, table.name)


def _unlike(table: Relation, composite: Relation) -> str:
    mine, wanted = list(table.columns.values()), list(composite.columns.values())
    for position, one in enumerate(wanted):
        if position >= len(mine):
            return Refusal(f"{table.name} lacks the column {one.name} of the type {composite.name}", "42804")
        other = mine[position]
        if other.name != one.name:
            told = f"{table.name} has the column {other.name} where the type {composite.name} has {one.name}"
            return Refusal(told, "42804")
        if one.type and other.type and (one.type, one.typmod) != (other.type, other.typmod):
            return Refusal(f"{one.name} has another type in {table.name} than in the type {composite.name}", "42804")
    if len(mine) > len(wanted):
        return Refusal(
            f"{table.name} has a column {mine[len(wanted)].name}, which the type {composite.name} lacks", "42804"
        )
    return ""
