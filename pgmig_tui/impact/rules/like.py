"""CREATE TABLE … (LIKE …): what comes along.

Source: transformTableLikeClause and expandTableLikeClause of parse_utilcmd.c; the bits are those of TableLikeOption.
"""

from __future__ import annotations

from pgmig_tui.impact.effect import Effect, Scene
from pgmig_tui.impact.facts import Index, Name, Relation, replace
from pgmig_tui.impact.modes import AS
from pgmig_tui.impact.nodes import Node, name_of
from pgmig_tui.impact.rules import sequences
from pgmig_tui.impact.safer import free_name, taken_in

_CONSTRAINTS, _DEFAULTS, _GENERATED, _IDENTITY, _INDEXES = 4, 8, 16, 32, 64


def like_made(clause: Node, scene: Scene, out: Effect, name: Name) -> None:
    catalog = scene.catalog
    asked = name_of(clause.relation)
    if scene.absent(asked, out):
        return
    source = catalog.relation(asked)
    out.lock(source, AS, "LIKE reads it")
    table = catalog.relation(name)
    columns = {
        key: replace(
            column,
            has_default=column.has_default and bool(clause.options & _DEFAULTS) and not column.generated,
            identity=column.identity if clause.options & _IDENTITY else "",
            generated=column.generated if clause.options & _GENERATED else "",
            fresh=True,
        )
        for key, column in source.columns.items()
    }
    checks = source.checks if clause.options & _CONSTRAINTS else tuple(c for c in source.checks if c.kind == "n")
    bits = {"d": _DEFAULTS | _GENERATED, "c": _CONSTRAINTS | _GENERATED, "i": _INDEXES}
    calls = (*table.calls, *(one for one in source.calls if clause.options & bits.get(one.when, 0)))
    catalog.put(replace(table, columns={**table.columns, **columns}, checks=(*table.checks, *checks), calls=calls))
    if clause.options & _DEFAULTS:
        _share_sequences(scene, out, source, name)
    for own in source.sequences if clause.options & _IDENTITY else ():
        if own.identity:
            sequences.make(catalog, name, own.column, identity=True)
    for index in source.indexes if clause.options & _INDEXES else ():
        _copy_index(scene, name, index)


def _share_sequences(scene: Scene, out: Effect, source: Relation, name: Name) -> None:
    """Defaults ask the same sequences as before."""
    for sequence, column in list(sequences.feeding(scene.catalog, source)):
        if not any(own.identity and own.name == sequence.name for own in source.sequences):
            out.lock(sequence, AS, f"the default of {name.relation}.{column} reads it")
            sequences.asked(scene.catalog, sequence, name, column)


def _copy_index(scene: Scene, name: Name, index: Index) -> None:
    table = scene.catalog.relation(name)
    label = "pkey" if index.primary else "key" if index.constraint else "idx"
    keys = () if index.primary else index.keys if index.whole else tuple(key or "expr" for key in index.keys)
    called = free_name(name.relation, keys, label, taken_in(scene.catalog, table))
    constraint = called if index.constraint else ""
    own = replace(index, name=Name(name.schema, called), constraint=constraint, parent=None, new=True, bytes=0)
    scene.catalog.put(replace(table, indexes=(*table.indexes, own)))
