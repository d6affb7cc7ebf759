"""Which sequence feeds which column: made with it, owned by it, or asked by its default."""

from __future__ import annotations

from collections.abc import Iterator

from pgmig_tui.impact import nodes
from pgmig_tui.impact.facts import DependentRelation, Name, OwnedSequence, Relation, replace
from pgmig_tui.impact.nodes import Node
from pgmig_tui.impact.safer import free_name
from pgmig_tui.impact.shadow import Catalog

_DEFAULT = "d"


def make(catalog: Catalog, table: Name, column: str, *, identity: bool) -> None:
    """The sequence of a serial or identity column, under the name that the server gives it."""
    known = catalog.known(table)
    if known is None:
        return

    def taken(name: str) -> bool:
        return catalog.get(Name(table.schema, name)) is not None or catalog.index(Name(table.schema, name)) is not None

    name = Name(table.schema, free_name(table.relation, (column,), "seq", taken))
    uses = () if identity else (DependentRelation(table, _DEFAULT, part=column),)
    catalog.put(
        Relation(
            name,
            "S",
            new=True,
            dependents=uses,
            persistence=known.persistence,
            owner=known.owner,
            acl=catalog.access.of_new,
        )
    )
    catalog.put(replace(known, sequences=(*known.sequences, OwnedSequence(name, column, identity))))


def default_set(catalog: Catalog, table: Name, column: str, expression: Node | None) -> None:
    """A column has got another default, or (None) none."""
    for sequence, _ in list(_asked_by(catalog, table, column)):
        kept = tuple(one for one in sequence.dependents if not _is_of(one, table, column))
        catalog.put(replace(sequence, dependents=kept))
    for name in () if expression is None else named_in(expression):
        named = catalog.get(name)
        if named is not None and named.kind == "S":
            asked(catalog, named, table, column)


def asked(catalog: Catalog, sequence: Relation, table: Name, column: str) -> None:
    """A column's default asks a sequence."""
    now = catalog.known(sequence.name)
    if now is not None:
        catalog.put(replace(now, dependents=(*now.dependents, DependentRelation(table, _DEFAULT, part=column))))


def named_in(expression: Node) -> Iterator[Name]:
    """The sequences that an expression asks by name."""
    for inner in nodes.walk(expression):
        if nodes.kind(inner) == "FuncCall" and nodes.strings(inner.funcname)[-1:] == ["nextval"] and inner.args:
            argument = inner.args[0]
            text = nodes.constant(argument.type_cast.arg if argument.WhichOneof("node") == "type_cast" else argument)
            if text:
                yield nodes.name_from([part.strip('"') for part in text.split(".")])


def feeding(catalog: Catalog, table: Relation) -> Iterator[tuple[Relation, str]]:
    """The sequences that are asked for a new row, each with its column."""
    for sequence in table.sequences:
        if sequence.identity or not table.known:
            yield catalog.relation(sequence.name, "S"), sequence.column
    if any(column.has_default for column in table.columns.values()):
        yield from _asked_by(catalog, table.name)


def _asked_by(catalog: Catalog, table: Name, column: str = "") -> Iterator[tuple[Relation, str]]:
    for other in catalog.naming(table):
        if other.kind == "S":
            for one in other.dependents:
                if one.kind == _DEFAULT and one.name == table and column in ("", one.part):
                    yield other, one.part


def _is_of(one: DependentRelation, table: Name, column: str) -> bool:
    return one.kind == _DEFAULT and (one.name, one.part) == (table, column)


def column_renamed(catalog: Catalog, table: Name, old: str, new: str) -> None:
    for sequence, _ in list(_asked_by(catalog, table, old)):
        changed = tuple(replace(one, part=new) if _is_of(one, table, old) else one for one in sequence.dependents)
        catalog.put(replace(sequence, dependents=changed))


def owner_of(catalog: Catalog, sequence: Name) -> tuple[Relation, OwnedSequence] | None:
    """The table that owns a sequence, and how."""
    for other in catalog.naming(sequence):
        for one in other.sequences:
            if one.name == sequence:
                return other, one
    return None


def disown(catalog: Catalog, sequence: Name) -> None:
    """OWNED BY NONE, or by another column from now on."""
    found = owner_of(catalog, sequence)
    if found is not None:
        kept = tuple(one for one in found[0].sequences if one.name != sequence)
        catalog.put(replace(found[0], sequences=kept))
