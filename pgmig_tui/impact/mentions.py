"""What relations name of each other: noted, forgotten, renamed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Set
from dataclasses import replace as changed

from pgmig_tui.impact.facts import Name, Relation, replace


def note_names(naming: dict[Name, set[Name]], relation: Relation, before: Relation | None) -> None:
    """Note what a relation names, as far as it did not name it `before`."""
    own = relation.name
    for names, old in (
        (relation.parents, before and before.parents),
        (relation.children, before and before.children),
        (relation.reads, before and before.reads),
    ):
        if names is not old:
            for name in names:
                naming.setdefault(name, set()).add(own)
    for parts, known in (
        (relation.indexes, before and before.indexes),
        (relation.sequences, before and before.sequences),
        (relation.dependents, before and before.dependents),
    ):
        if parts is not known:
            for part in parts:
                naming.setdefault(part.name, set()).add(own)
    if before is None or relation.foreign_keys is not before.foreign_keys:
        for key in relation.foreign_keys:
            naming.setdefault(key.referenced, set()).add(own)
            naming.setdefault(key.table, set()).add(own)


def without(relation: Relation, gone: Set[Name]) -> Relation:
    """The relation when what it mentions of `gone` is no more; itself when it mentions nothing of it."""
    keys = tuple(k for k in relation.foreign_keys if k.referenced not in gone)
    parents = tuple(n for n in relation.parents if n not in gone)
    children = tuple(n for n in relation.children if n not in gone)
    dependents = tuple(d for d in relation.dependents if d.name not in gone)
    indexes = tuple(i for i in relation.indexes if i.name not in gone)
    sequences = tuple(s for s in relation.sequences if s.name not in gone)
    before = (
        relation.foreign_keys,
        relation.parents,
        relation.children,
        relation.dependents,
        relation.indexes,
        relation.sequences,
    )
    if before == (keys, parents, children, dependents, indexes, sequences):
        return relation
    return replace(
        relation,
        foreign_keys=keys,
        parents=parents,
        children=children,
        dependents=dependents,
        indexes=indexes,
        sequences=sequences,
        is_partition=relation.is_partition and bool(parents),
        default_partition=None if relation.default_partition in gone else relation.default_partition,
    )


def renamed(relation: Relation, old: Name, new: Name) -> Relation:
    """The relation when another one that it mentions has got another name."""
    return mentioning(relation, lambda name: new if name == old else name)


def mentioning(relation: Relation, now: Callable[[Name], Name]) -> Relation:
    """The relation with all others that it mentions under the names that they have `now`."""
    return replace(
        relation,
        foreign_keys=tuple(replace(k, table=now(k.table), referenced=now(k.referenced)) for k in relation.foreign_keys),
        parents=tuple(map(now, relation.parents)),
        children=tuple(map(now, relation.children)),
        dependents=tuple(replace(d, name=now(d.name)) for d in relation.dependents),
        sequences=tuple(replace(s, name=now(s.name)) for s in relation.sequences),
        reads=tuple(map(now, relation.reads)),
        default_partition=now(relation.default_partition) if relation.default_partition else None,
    )


def moved(relation: Relation, old: str, new: str) -> Relation:
    """A relation, and all that it mentions, after ALTER SCHEMA … RENAME."""

    def now(name: Name) -> Name:
        return Name(new, name.relation) if name.schema == old else name

    columns = {
        key: replace(column, type_schema=new) if column.type_schema == old else column
        for key, column in relation.columns.items()
    }
    indexes = tuple(
        replace(index, name=now(index.name), parent=None if index.parent is None else now(index.parent))
        for index in relation.indexes
    )
    triggers = tuple(changed(one, function=now(one.function)) for one in relation.triggers)
    return replace(
        mentioning(relation, now),
        name=now(relation.name),
        columns=columns,
        indexes=indexes,
        triggers=triggers,
        of_type=None if relation.of_type is None else now(relation.of_type),
    )


def column_renamed(relation: Relation, old: str, new: str) -> Relation:
    """A relation, and all that hangs on one of its columns, after RENAME COLUMN."""

    def one(name: str) -> str:
        return new if name == old else name

    def each(names: Iterable[str]) -> tuple[str, ...]:
        return tuple(map(one, names))

    return replace(
        relation,
        partition_key=each(relation.partition_key),
        columns={one(n): replace(c, name=new) if n == old else c for n, c in relation.columns.items()},
        indexes=tuple(replace(i, columns=frozenset(each(i.columns)), keys=each(i.keys)) for i in relation.indexes),
        checks=tuple(
            replace(c, columns=each(c.columns), proves_not_null=frozenset(each(c.proves_not_null)))
            for c in relation.checks
        ),
        foreign_keys=tuple(replace(k, columns=each(k.columns)) for k in relation.foreign_keys),
        dependents=tuple(replace(d, columns=frozenset(each(d.columns))) for d in relation.dependents),
        sequences=tuple(replace(s, column=one(s.column)) for s in relation.sequences),
        triggers=tuple(changed(t, columns=frozenset(each(t.columns))) for t in relation.triggers),
    )


def referenced_column_renamed(relation: Relation, table: Name, old: str, new: str) -> Relation:
    """A relation whose foreign keys reference `table`, one of whose columns has got another name."""
    return replace(
        relation,
        foreign_keys=tuple(
            replace(k, referenced_columns=tuple(new if c == old else c for c in k.referenced_columns))
            if k.referenced == table
            else k
            for k in relation.foreign_keys
        ),
    )
