"""The types that statements name: where they are, and whether they are there at all."""

from __future__ import annotations

from pgmig_tui.impact import nodes
from pgmig_tui.impact.builtin import builtin_types
from pgmig_tui.impact.effect import Effect, Scene
from pgmig_tui.impact.facts import Name
from pgmig_tui.impact.nodes import Node
from pgmig_tui.impact.shadow import Catalog
from pgmig_tui.impact.typechange import TypeName, type_name

SERIALS = {"smallserial": "int2", "serial": "int4", "bigserial": "int8", "serial2": "int2", "serial4": "int4",
           "serial8": "int8"}  # fmt: skip
"""Words that stand for a type with a sequence."""


def type_schema(catalog: Catalog, written: TypeName) -> str:
    """The schema of a column's type."""
    if written.schema:
        return written.schema
    fact = catalog.type([written.name])
    if fact is None and written.name not in builtin_types():
        relation = catalog.get(Name("", written.name))
        return relation.name.schema if relation is not None and relation.kind in "crpvm" else "pg_catalog"
    return fact.name.schema if fact is not None else "pg_catalog"


def no_type(scene: Scene, out: Effect, written: TypeName) -> None:
    """A type that certainly isn't there (42704)."""
    catalog = scene.catalog
    if written.schema == "pg_catalog" or written.name in builtin_types() or not catalog.knows_types:
        return
    parts = [written.schema, written.name] if written.schema else [written.name]
    name = Name(written.schema, written.name)
    if written.setof or catalog.type(parts) is not None or catalog.get(name) is not None or not catalog.asked(name):
        return
    if catalog.is_system(Name("", written.name)):
        return
    out.fail(f"the type {name} does not exist", "42704")


def type_of(node: Node, catalog: Catalog) -> Name:
    """A type's name as the catalog has it; without a schema where it isn't known."""
    written = type_name(node)
    parts = [written.schema, written.name] if written.schema else [written.name]
    fact = catalog.type(parts) if written.schema != "pg_catalog" else None
    relation = catalog.get(nodes.name_from(parts)) if fact is None and written.schema != "pg_catalog" else None
    prefix = "_" if written.array else ""
    if fact is not None:
        return Name(fact.name.schema, prefix + fact.name.relation)
    if relation is not None:
        return Name(relation.name.schema, prefix + relation.name.relation)
    builtin = written.name in builtin_types() or written.schema == "pg_catalog"
    return Name("pg_catalog" if builtin else written.schema, prefix + written.name)
