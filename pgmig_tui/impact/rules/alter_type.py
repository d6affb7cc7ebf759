"""ALTER COLUMN ... TYPE."""

from __future__ import annotations

from pgmig_tui.impact import nodes
from pgmig_tui.impact.effect import fk_sides, lock_merged
from pgmig_tui.impact.facts import Column, Relation, replace
from pgmig_tui.impact.modes import AE, SRE
from pgmig_tui.impact.nodes import Node
from pgmig_tui.impact.result import LostData
from pgmig_tui.impact.rules.altering import Altering
from pgmig_tui.impact.rules.safer_column import type_later
from pgmig_tui.impact.rules.types import type_schema
from pgmig_tui.impact.typechange import TypeChange, TypeName, cast_chain, change_of, loses_values, type_name, type_text

_COLLATED = frozenset({"text", "varchar", "bpchar", "citext", "name"})


def alter_type(at: Altering, cmd: Node) -> None:
    definition = nodes.definition(cmd)
    column, out, table = cmd.name, at.out, at.table
    new = type_name(definition.type_name)
    using = definition.raw_default if nodes.has(definition, "raw_default") else None
    old = table.columns.get(column, Column(column, ""))
    if table.kind == "c":
        _retype(at, column, new)
        return
    _type_depends(at, column)
    change = change_of(at.scene, old, new, [] if using is None else cast_chain(using, column))
    if old.generated == "v":
        change = TypeChange("no")
    if change.rewrite == "yes":
        at.rewrite_members()
        _rewrite_advice(at, column)
    elif change.rewrite == "unknown":
        why = "the session's time zone is unknown" if old.type else "old type unknown"
        out.unknown.append(f"whether the change of {column} to {type_text(new)} rewrites the table ({why})")
        at.rewrite_members()
    if change.rewrite != "no" or change.indexes:
        _check_keys_again(at, column)
    for member in at.members:
        _parts_of(at, at.current(member), column, change, definition)
    if old.type and not (table.fresh or old.fresh) and loses_values(at.scene, old, new, using):
        lost = LostData("values", table.name, (column,))
        how = f"that do not fit {type_text(new)}" if using is None else "as they were"
        out.lose(3, f"values of {table.name}.{column} {how}", lost)
    _retype(at, column, new)


def _retype(at: Altering, column: str, new: TypeName) -> None:
    at.change_column(
        column,
        type=("_" if new.array else "") + new.name,
        typmod=new.typmod,
        type_schema=type_schema(at.scene.catalog, new),
    )


def _parts_of(at: Altering, current: Relation, column: str, change: TypeChange, definition: Node) -> None:
    """What hangs on the column: indexes keep their files where nothing changes for them, CHECKs are checked anew."""
    out = at.out
    anew = change.rewrite != "no" or change.indexes or _collation_changes(current, column, definition)
    for index in current.indexes:
        if column in index.columns:
            out.lock_index(current, index, AE, f"index on {column}")
            if anew or not index.whole:
                out.rebuild(current, index)
                out.scan(current)
    if current.known and any(
        column in index.columns for index in current.indexes
    ):  # made anew, perhaps of the old file
        indexes = tuple(replace(i, new=True) if column in i.columns else i for i in current.indexes)
        at.scene.catalog.put(replace(current, indexes=indexes))
    if any(check.kind == "c" and check.valid and column in check.columns for check in current.checks):
        out.scan(current)
    for sequence in current.sequences:
        if sequence.column == column and sequence.identity:
            out.lock_name(sequence.name, "S", SRE, f"the identity of {current.name}.{column}")
            out.rewrite(at.scene.catalog.relation(sequence.name, "S"))


def _check_keys_again(at: Altering, column: str) -> None:
    """Foreign keys on a column that is rewritten are made anew and checked: both sides are read (tablecmds.c,
    ATPostAlterTypeParse keeps what was checked before only when nothing is rewritten)."""
    for member in at.members:
        current = at.current(member)
        outgoing = [key.referenced for key in current.foreign_keys if column in key.columns and key.valid]
        keys = at.scene.catalog.incoming(current.name)
        incoming = [key.table for key in keys if column in key.referenced_columns and key.valid]
        for name in (*outgoing, *incoming):
            for side in fk_sides(at.scene, name):
                at.out.scan(side)


def _collation_changes(current: Relation, column: str, definition: Node) -> bool:
    """Without COLLATE the type's own collation counts again."""
    known = current.columns.get(column)
    if not nodes.has(definition, "coll_clause"):
        return known is not None and known.collation != "" and known.type in _COLLATED
    wanted = nodes.strings(definition.coll_clause.collname)
    return known is None or not wanted or known.collation != wanted[-1]


def _type_depends(at: Altering, column: str) -> None:
    """The other side of foreign keys on the column is locked too; a view on it makes the statement fail."""
    for member in at.members:
        current = at.current(member)
        for key in current.foreign_keys:
            if column in key.columns:
                lock_merged(at.scene, at.out, key.referenced, f"referenced by {key.name}", merged=True)
        for key in at.scene.catalog.incoming(current.name):
            if column in key.referenced_columns:
                for other in fk_sides(at.scene, key.table):
                    at.out.lock(other, AE, f"its {key.name} references {current.name}.{column}")
        for dependent in current.dependents:
            if dependent.kind in {"v", "m"} and column in dependent.columns:
                at.out.fail(f"the type of {current.name}.{column} is used by the view {dependent.name}", "0A000")


def _rewrite_advice(at: Altering, column: str) -> None:
    if at.table.new:
        return
    at.advise(
        "type-change-rewrite",
        f"the new type of {column} rewrites {at.name}: add a new column, keep it in step by a trigger, fill it in "
        f"batches, swap the names{_hanging(at.table, column)}",
        type_later(column, at.table),
    )


def _hanging(table: Relation, column: str) -> str:
    """What has to be made again for a new column, as far as it is known."""
    known = table.columns.get(column)
    found = [f"index {index.name.relation}" for index in table.indexes if column in index.columns]
    found += [f"constraint {key.name}" for key in table.foreign_keys if column in key.columns]
    found += [f"constraint {check.name}" for check in table.checks if column in check.columns and check.kind == "c"]
    found += ["its default"] if known is not None and known.has_default and not known.generated else []
    found += ["its identity"] if known is not None and known.identity else []
    return f"; to be made again for it: {', '.join(found)}" if found else ""
