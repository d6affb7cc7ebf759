"""The relations that there are by now, with their indexes and keys: looked up, changed, dropped."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace as changed

from pgmig_tui.impact.access import Guarded
from pgmig_tui.impact.facts import ForeignKey, Index, Name, Relation, replace
from pgmig_tui.impact.mentions import moved, note_names, renamed, without
from pgmig_tui.impact.shadow_names import ShadowNames
from pgmig_tui.impact.shadow_state import SYSTEM, SYSTEM_SCHEMAS, TEMP, of_functions


class ShadowRelations(ShadowNames):
    """Relations by name, and what hangs on them."""

    def get(self, name: Name) -> Relation | None:
        """The relation when it is known to exist."""
        found = self._state.relations.get(self.resolve(name))
        if found is None:
            self.asked(name)
        return found

    def known(self, name: Name) -> Relation | None:
        """The relation of that very name; nothing is noted where there is none."""
        return self._state.relations.get(name)

    def gone(self, name: Name) -> bool:
        """Dropped or renamed away earlier in this script."""
        return self.resolve(name) in self._state.dropped

    def missing(self, name: Name) -> bool:
        """Known not to exist."""
        resolved = self.resolve(name)
        if resolved in self._state.relations or resolved in self._state.indexes or resolved.schema in SYSTEM_SCHEMAS:
            return False
        if resolved in self._state.dropped:
            return True
        if not self.live:
            return False
        if self.asked(name):
            if self._state.uncertain and resolved.schema != TEMP:
                self.doubts.texts[f"whether {name} is there: {self.why_uncertain}"] = None
                return False
            return not self.session.lost
        self.doubts.texts[f"what {name} is: nobody has asked the server for it"] = None
        return False

    def relation(self, name: Name, kind: str = "?") -> Relation:
        """The relation; a placeholder with known=False when nothing is known of it."""
        resolved = self.resolve(name)
        found = self._state.relations.get(resolved)
        return found if found is not None else Relation(resolved, kind, known=False)

    def index(self, name: Name) -> tuple[Relation, Index] | None:
        """An index and its table."""
        resolved = self.resolve(name)
        table = self._state.indexes.get(resolved)
        if table is None:
            return None
        owner = self._state.relations[table]
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
        for current in todo:
            if current not in found:
                found[current] = self.relation(current)
                todo.extend(found[current].children)
        return list(found.values())

    def behind(self, view: Name) -> set[Name]:
        """What a view reads, directly or by other views; itself among it where views name each other in a circle."""
        found: set[Name] = set()
        todo = [view]
        while todo:
            current = self._state.relations.get(todo.pop())
            for name in current.reads if current is not None and current.kind == "v" and not current.rules else ():
                if name not in found:
                    found.add(name)
                    todo.append(name)
        return found

    def incoming(self, name: Name) -> list[ForeignKey]:
        """Foreign keys that reference this relation."""
        if self._incoming is None:
            self._incoming = {}
            for relation in self._state.relations.values():
                self._note_keys(None, relation)
        return [key for keys in self._incoming.get(self.resolve(name), {}).values() for key in keys]

    def root_key(self, key: ForeignKey) -> ForeignKey:
        """The key that a partition's row belongs to, itself when it is no part."""
        if not key.parent:
            return key
        by_id = {k.id: k for relation in self._state.relations.values() for k in relation.foreign_keys}
        seen: set[int] = set()
        while key.parent in by_id and key.parent not in seen:
            seen.add(key.parent)
            key = by_id[key.parent]
        return key

    def __iter__(self) -> Iterator[Relation]:
        return iter(list(self._state.relations.values()))

    def relations(self) -> Iterable[tuple[Name, Relation]]:
        """Every relation that is known, by name; for reading."""
        return self._state.relations.items()

    def put(self, relation: Relation) -> None:
        if relation.new and not relation.fresh:
            relation = replace(relation, fresh=True)
        self._store(relation)
        self._state.dropped.discard(relation.name)
        self._changed()

    def there_again(self, name: Name) -> None:
        """Something has that name from now on, of which no more is known."""
        resolved = self.resolve(name)
        if resolved in self._state.dropped:
            self._own().dropped.discard(resolved)
            self._changed()

    def fill(self, name: Name) -> None:
        """A relation that was made may hold any number of rows from now on."""
        if name not in self._state.filled:
            self._own().filled.add(name)

    def defer(self, name: Name, *, certain: bool) -> None:
        """A relation has trigger events that wait for the end of the transaction."""
        if certain > self._state.pending.get(name, -1):
            self._own().pending[name] = certain
            self._changed()

    def pending(self, name: Name) -> bool | None:
        """Whether a relation has such events: True = certainly, False = perhaps, None = no."""
        return self._state.pending.get(name)

    def set_constraints(self, names: Iterable[str], deferred: bool) -> None:
        """SET CONSTRAINTS of these, "" = ALL. Immediate: what waits is done."""
        state = self._own()
        if "" in (told := list(names)):
            state.deferred.clear()
        state.deferred.update(dict.fromkeys(told, deferred))
        if not deferred:
            state.pending.clear()
        self._changed()

    def waits(self, key: ForeignKey) -> bool:
        """Whether a foreign key is checked at the end of the transaction and not at once."""
        if key.shape[-2:-1] != "t":
            return False
        return self.deferred_now(key.name, "d" if key.shape[-1:] == "t" else "i")

    def deferred_now(self, constraint: str, deferred: str) -> bool:
        """Whether a deferrable constraint waits for the transaction's end: by SET CONSTRAINTS, or by itself ("d")."""
        said = self._state.deferred.get(constraint, self._state.deferred.get(""))
        return deferred == "d" if said is None else said

    def drop(self, names: Iterable[Name]) -> None:
        """Forget relations, and what named them."""
        gone = {self.resolve(name) for name in names}
        if not gone:
            return
        self._own().dropped.update(gone)
        if not any(name in self._state.relations or name in self._state.indexes for name in gone):
            self._changed()
            return
        for name in gone:
            self._remove(name)
            self._state.types.pop(name, None)  # its row type
        for relation in self._that_name(gone):
            slim = without(relation, gone)
            if slim is not relation:
                self._store(slim)
        self._changed()

    def rename(self, old: Name, new: Name) -> None:
        """Give a relation another name, everywhere."""
        relation = self._remove(old)
        self._own().dropped.add(old)
        self._changed()
        if relation is None:
            return
        self._moves(old, new)
        if (waits := self._state.pending.pop(old, None)) is not None:
            self._state.pending[new] = waits
        self._store(replace(relation, name=new))
        self._state.dropped.discard(new)
        if (row := self._state.types.pop(old, None)) is not None:
            self._state.types[new] = changed(row, name=new)
        for other in self._that_name((old,)):
            self._store(renamed(other, old, new))

    def rename_schema(self, old: str, new: str) -> None:
        """ALTER SCHEMA … RENAME: everything in it has another name."""
        self._forget_indexes()
        state = self._own()
        before = state.schemas.get(old, old)
        state.schemas[new], state.schemas[old] = before, ""
        state.access = state.access.with_schema(new, state.access.schemas.get(old, Guarded()))
        before_that = {now: name for name, now in state.moved.items()}
        state.moved.update(
            (before_that.get(name, name), Name(new, name.relation)) for name in state.relations if name.schema == old
        )
        relations = [moved(relation, old, new) for relation in state.relations.values()]
        state.relations = {relation.name: relation for relation in relations}
        state.indexes = {index.name: relation.name for relation in relations for index in relation.indexes}

        def now(name: Name) -> Name:
            return Name(new, name.relation) if name.schema == old else name

        state.types = {
            now(name): changed(
                fact, name=now(name), dependents=tuple(replace(d, name=now(d.name)) for d in fact.dependents)
            )
            for name, fact in state.types.items()
        }
        state.functions = {
            now(name): changed(
                fact, name=now(name), overloads=tuple(changed(o, name=now(name)) for o in fact.overloads)
            )
            for name, fact in state.functions.items()
        }
        for names in (state.dropped, state.made, state.filled, state.in_functions):
            here = {name for name in names if name.schema == old}
            names -= here
            names |= set(map(now, here))
        self._changed()

    def _store(self, relation: Relation) -> None:
        """Put a relation in its place, its indexes and keys with it."""
        state = self._own()
        if self._indexed_by_others:
            self._forget_indexes()
        name = relation.name
        before = state.relations.get(name)
        if before is None or before.indexes is not relation.indexes:
            for index in before.indexes if before is not None else ():
                state.indexes.pop(index.name, None)
                state.dropped.add(index.name)
            for index in relation.indexes:
                state.indexes[index.name] = name
                state.dropped.discard(index.name)
            state.made.add(name)
            if relation.passing:
                state.passing |= {name}
        if before is None or before.foreign_keys is not relation.foreign_keys:
            self._note_keys(before, relation)
        if self._naming is not None:
            note_names(self._naming, relation, before)
        if (before is None or before.dependents is not relation.dependents) and of_functions(relation):
            state.in_functions.add(name)
        fresh = before is None or before.columns is not relation.columns
        if fresh and any(column.type_schema != SYSTEM for column in relation.columns.values()):
            state.typed.add(name)
        state.relations[name] = relation

    def _remove(self, name: Name) -> Relation | None:
        state = self._own()
        if self._indexed_by_others:
            self._forget_indexes()
        relation = state.relations.pop(name, None)
        if relation is None:
            return None
        for index in relation.indexes:
            state.indexes.pop(index.name, None)
            state.dropped.add(index.name)
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

    def in_functions(self) -> list[Relation]:
        """The relations that functions of SQL's own form depend on."""
        found = map(self.known, sorted(self._state.in_functions))
        return [relation for relation in found if relation is not None and of_functions(relation)]

    def naming(self, name: Name) -> list[Relation]:
        """The relations that may name this one: never too few."""
        return self._that_name((name,))

    def _that_name(self, names: Iterable[Name]) -> list[Relation]:
        """The relations that name one of these (perhaps more)."""
        if self._naming is None:
            self._naming = {}
            for relation in self._state.relations.values():
                note_names(self._naming, relation, None)
        found: dict[Name, None] = {}
        for name in names:
            found.update(dict.fromkeys(sorted(self._naming.get(name, ()))))
        return [self._state.relations[name] for name in found if name in self._state.relations]
