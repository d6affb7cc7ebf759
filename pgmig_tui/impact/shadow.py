"""The catalog as it will be when a statement runs: facts of the server, changed by the statements before it.

Without facts every relation that is named is taken to exist, of a kind that the statement implies; what hangs on it
(partitions, foreign keys, views) is then unknown and the rules say so.

What a script makes is `new` until its change ends: nobody else can have a lock on it, or wait for one. Each change
commits by itself, so for the next one (`settle`) it is a relation like any other: applications may use it by then. It
is taken for small unless rows were put into it by a query or COPY.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from pgmig_tui.impact.facts import (
    Facts,
    ForeignKey,
    FunctionFact,
    Index,
    Name,
    Relation,
    TypeFact,
    replace,
    together,
)

TEMP = "pg_temp"
ANY_NUMBER = 100
"""So many arguments and more: VARIADIC, or not known."""


class Snapshot(NamedTuple):
    """A catalog's state at a BEGIN or SAVEPOINT."""

    relations: dict[Name, Relation]
    dropped: set[Name]
    types: dict[Name, TypeFact]
    functions: dict[Name, FunctionFact]
    search_path: tuple[str, ...]
    timezone_is_utc: bool | None


class Catalog:
    """A changing view on Facts; `live` is False without a server. Cheap to snapshot (shallow copies)."""

    def __init__(self, facts: Facts | None) -> None:
        self.live = facts is not None
        self.facts = facts or Facts()
        self._relations: dict[Name, Relation] = dict(self.facts.relations)
        self._dropped: set[Name] = set()
        self._types: dict[Name, TypeFact] = dict(self.facts.types)
        self._functions: dict[Name, FunctionFact] = dict(self.facts.functions)
        self._index_tables = {i.name: r.name for r in self._relations.values() for i in r.indexes}
        # foreign keys by what they reference and the table that has them; relations that may name another (never too
        # few): both are made when first asked for and kept up from then on, so that nothing walks the whole catalog
        self._incoming: dict[Name, dict[Name, list[ForeignKey]]] | None = None
        self._naming: dict[Name, set[Name]] | None = None
        self.search_path: tuple[str, ...] = self.facts.search_path
        self.timezone_is_utc = self.facts.timezone_is_utc
        self.prepared = dict(self.facts.prepared)  # lives outside of transactions
        self.version = 0  # counts changes, so that answers can be kept between them
        self._made: set[Name] = set()  # what this change has made or given an index; some may be gone again
        self.filled: set[Name] = set()  # made relations that may hold any number of rows

    # -- transactions ---------------------------------------------------------------------------------------------

    def snapshot(self) -> Snapshot:
        return Snapshot(
            self._relations.copy(),
            self._dropped.copy(),
            self._types.copy(),
            self._functions.copy(),
            self.search_path,
            self.timezone_is_utc,
        )

    def restore(self, snapshot: Snapshot) -> None:
        """Back to a snapshot: what a ROLLBACK does."""
        self._relations, self._dropped = snapshot.relations.copy(), snapshot.dropped.copy()
        self._types, self._functions = snapshot.types.copy(), snapshot.functions.copy()
        self.search_path, self.timezone_is_utc = snapshot.search_path, snapshot.timezone_is_utc
        self._index_tables = {i.name: r.name for r in self._relations.values() for i in r.indexes}
        self._incoming = self._naming = None
        self._changed()

    def settle(self) -> None:
        """A change has committed; the next one gets a session without its settings and temporary tables."""
        for name in self._made:
            relation = self._relations.get(name)
            if relation is None:
                continue
            if name.schema == TEMP:
                self._remove(name)
                continue
            changes: dict[str, object] = {}
            if relation.new:
                changes["new"] = False
                if relation.bytes < 0 and name not in self.filled and relation.kind in "rpmS":
                    changes["bytes"] = 0
            if any(index.new for index in relation.indexes):
                changes["indexes"] = tuple(replace(i, new=False) if i.new else i for i in relation.indexes)
            if changes:
                self._store(replace(relation, **changes))
        self._made.clear()
        self.search_path, self.timezone_is_utc = self.facts.search_path, self.facts.timezone_is_utc
        self.prepared = dict(self.facts.prepared)
        self._changed()

    def _changed(self) -> None:
        self.version += 1

    def _store(self, relation: Relation) -> None:
        """Put a relation in its place, its indexes and keys with it."""
        name = relation.name
        before = self._relations.get(name)
        if before is None or before.indexes is not relation.indexes:
            for index in before.indexes if before is not None else ():
                self._index_tables.pop(index.name, None)
            for index in relation.indexes:
                self._index_tables[index.name] = name
            self._made.add(name)
        if before is None or before.foreign_keys is not relation.foreign_keys:
            self._note_keys(before, relation)
        if self._naming is not None:
            _note_names(self._naming, relation, before)
        self._relations[name] = relation

    def _remove(self, name: Name) -> Relation | None:
        relation = self._relations.pop(name, None)
        if relation is None:
            return None
        for index in relation.indexes:
            self._index_tables.pop(index.name, None)
        self._note_keys(relation, None)
        return relation

    def _note_keys(self, before: Relation | None, after: Relation | None) -> None:
        if self._incoming is None:
            return
        if before is not None:
            for key in before.foreign_keys:
                self._incoming.get(key.referenced, {}).pop(before.name, None)
        if after is not None:
            for key in after.foreign_keys:
                self._incoming.setdefault(key.referenced, {}).setdefault(after.name, []).append(key)

    def _that_name(self, names: Iterable[Name]) -> list[Relation]:
        """The relations that name one of these (perhaps more)."""
        if self._naming is None:
            self._naming = {}
            for relation in self._relations.values():
                _note_names(self._naming, relation, None)
        found: dict[Name, None] = {}
        for name in names:
            found.update(dict.fromkeys(sorted(self._naming.get(name, ()))))
        return [self._relations[name] for name in found if name in self._relations]

    # -- names ----------------------------------------------------------------------------------------------------

    def resolve(self, name: Name) -> Name:
        """The name as the server would find it; the first schema of the search path when nothing is found."""
        if name.schema:
            return name
        for schema in (TEMP, *self.search_path):
            candidate = Name(schema, name.relation)
            if candidate in self._relations:
                return candidate
        for schema in (TEMP, *self.search_path):
            if Name(schema, name.relation) in self._index_tables:
                return Name(schema, name.relation)
        return Name(self.search_path[0] if self.search_path else "", name.relation)

    def creation_name(self, name: Name, *, temporary: bool = False) -> Name:
        if temporary:
            return Name(TEMP, name.relation)
        return name if name.schema else Name(self.search_path[0] if self.search_path else "", name.relation)

    # -- looking up -----------------------------------------------------------------------------------------------

    def get(self, name: Name) -> Relation | None:
        """The relation when it is known to exist."""
        return self._relations.get(self.resolve(name))

    def gone(self, name: Name) -> bool:
        """Dropped or renamed away earlier in this script."""
        return self.resolve(name) in self._dropped

    def missing(self, name: Name) -> bool:
        """Known not to exist."""
        resolved = self.resolve(name)
        if resolved in self._relations or resolved in self._index_tables:
            return False
        return self.live or resolved in self._dropped

    def relation(self, name: Name, kind: str = "?") -> Relation:
        """The relation; a placeholder with known=False when nothing is known of it."""
        resolved = self.resolve(name)
        found = self._relations.get(resolved)
        return found if found is not None else Relation(resolved, kind, known=False)

    def index(self, name: Name) -> tuple[Relation, Index] | None:
        """An index and its table."""
        resolved = self.resolve(name)
        table = self._index_tables.get(resolved)
        if table is None:
            return None
        owner = self._relations[table]
        return owner, next(index for index in owner.indexes if index.name == resolved)

    def index_family(self, table: Relation, index: Index) -> list[tuple[Relation, Index]]:
        """An index and its parts on the partitions, each with its table, the index first."""
        found = [(table, index)]
        names = {index.name}
        for member in self.tree(table.name)[1:] if table.partitioned else ():
            for part in member.indexes:
                if part.parent in names:
                    names.add(part.name)
                    found.append((member, part))
        return found

    def tree(self, name: Name) -> list[Relation]:
        """The relation and everything below it (partitions and inheritance children), the relation first."""
        root = self.relation(name)
        if not root.children:
            return [root]
        found: dict[Name, Relation] = {}
        todo = [root.name]
        while todo:
            current = todo.pop(0)
            if current in found:
                continue
            found[current] = self.relation(current)
            todo.extend(found[current].children)
        return list(found.values())

    def incoming(self, name: Name) -> list[ForeignKey]:
        """Foreign keys that reference this relation."""
        if self._incoming is None:
            self._incoming = {}
            for relation in self._relations.values():
                self._note_keys(None, relation)
        return [key for keys in self._incoming.get(self.resolve(name), {}).values() for key in keys]

    def root_key(self, key: ForeignKey) -> ForeignKey:
        """The key that a partition's row belongs to, itself when it is no part."""
        if not key.parent:
            return key
        by_id = {k.id: k for relation in self._relations.values() for k in relation.foreign_keys}
        while key.parent and key.parent in by_id:
            key = by_id[key.parent]
        return key

    def type(self, parts: list[str]) -> TypeFact | None:
        """A user type by the parts of its name, None when nothing is known of it."""
        if not parts:
            return None
        if len(parts) > 1:
            return self._types.get(Name(parts[-2], parts[-1]))
        for schema in self.search_path:
            if (found := self._types.get(Name(schema, parts[0]))) is not None:
                return found
        return None

    def function(self, parts: list[str], arguments: int | None = None) -> FunctionFact | None:
        """A function by the parts of its name and, of several of that name, by the number of its arguments."""
        if not parts:
            return None
        schemas = (parts[-2],) if len(parts) > 1 else (*self.search_path, "pg_catalog")
        for schema in schemas:
            if (found := self._functions.get(Name(schema, parts[-1]))) is not None:
                return found if arguments is None else found.called_with(arguments)
        return None

    def __iter__(self) -> Iterator[Relation]:
        return iter(list(self._relations.values()))

    # -- changing -------------------------------------------------------------------------------------------------

    def put(self, relation: Relation) -> None:
        self._store(relation)
        self._dropped.discard(relation.name)
        self._changed()

    def put_type(self, fact: TypeFact) -> None:
        self._types[fact.name] = fact
        self._changed()

    def put_function(self, fact: FunctionFact) -> None:
        """A new function, or one with as many arguments anew."""
        known = self._functions.get(fact.name)
        others = () if known is None else (known.overloads or (known,))
        kept = [one for one in others if (one.least, one.most) != (fact.least, fact.most) and one.most < ANY_NUMBER]
        self._functions[fact.name] = together([*kept, fact])
        self._changed()

    def drop(self, names: Iterable[Name]) -> None:
        """Forget relations, and what named them."""
        gone = {self.resolve(name) for name in names}
        self._dropped |= gone
        if not any(name in self._relations or name in self._index_tables for name in gone):
            return
        for name in gone:
            self._remove(name)
        for relation in self._that_name(gone):
            slim = _without(relation, gone)
            if slim is not relation:
                self._store(slim)
        self._changed()

    def rename(self, old: Name, new: Name) -> None:
        """Give a relation another name, everywhere."""
        relation = self._remove(old)
        self._dropped.add(old)
        if relation is None:
            return
        self._store(replace(relation, name=new))
        self._dropped.discard(new)
        for other in self._that_name((old,)):
            self._store(_renamed(other, old, new))
        self._changed()


def _note_names(naming: dict[Name, set[Name]], relation: Relation, before: Relation | None) -> None:
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


def _without(relation: Relation, gone: set[Name]) -> Relation:
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


def _renamed(relation: Relation, old: Name, new: Name) -> Relation:
    def now(name: Name) -> Name:
        return new if name == old else name

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
