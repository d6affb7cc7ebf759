"""What there is by now besides relations: types, functions, operators, extensions, roles, publications, cursors."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace as changed

from pgmig_tui.impact.facts import (
    Cast,
    Column,
    EventTrigger,
    FunctionFact,
    Name,
    OperatorFact,
    Published,
    Relation,
    TypeFact,
    replace,
    together,
)
from pgmig_tui.impact.shadow_relations import ShadowRelations
from pgmig_tui.impact.shadow_state import SYSTEM_SCHEMAS, TEMP

ANY_NUMBER = 100
"""So many arguments and more: VARIADIC, or not known."""


class ShadowObjects(ShadowRelations):
    """Objects that are no relations."""

    @property
    def knows_types(self) -> bool:
        """Whether a type that was asked for and isn't known isn't there: an extension that is made may bring it."""
        state = self._state
        return self.live and not state.uncertain and not self.session.lost and True not in state.extensions.values()

    def of_type(self, kind: Name) -> list[Relation]:
        """The relations that may have columns of a type of users, or of arrays of it: never too few."""
        fact = self._state.types.get(kind)
        names = {dependent.name for dependent in fact.dependents} if fact is not None else set()
        return [
            self._state.relations[name] for name in sorted(names | self._state.typed) if name in self._state.relations
        ]

    def known_type(self, name: Name) -> TypeFact | None:
        """A user type by its name in the catalog."""
        return self._state.types.get(name)

    def type(self, parts: list[str]) -> TypeFact | None:
        """A user type by the parts of its name, None when nothing is known of it."""
        if not parts:
            return None
        if len(parts) > 1:
            name = Name(parts[-2], parts[-1])
            if (found := self._state.types.get(name)) is None and name.schema not in SYSTEM_SCHEMAS:
                self._asked(name)
            return found
        for schema in (TEMP, *self.search_path):
            if (found := self._state.types.get(Name(schema, parts[0]))) is not None:
                return found
        return None

    def functions(self, parts: list[str], arguments: int | None = None) -> list[FunctionFact]:
        """The functions that a call with so many arguments may mean, each by itself; empty when none is known.

        Of equal arguments the first schema's counts, which can't be told here: one of pg_catalog, and one of the same
        name elsewhere, are both told.
        """
        if not parts:
            return []
        name = Name(parts[-2] if len(parts) > 1 else "", parts[-1])
        if not name.schema and self.session.lost:
            schemas: tuple[str, ...] = tuple(sorted({one.schema for one in self._state.functions}))
        else:
            schemas = (name.schema,) if name.schema else self._looked_through()
        found: list[FunctionFact] = []
        for schema in schemas:
            fact = self._state.functions.get(Name(schema, name.relation))
            for one in () if fact is None else (fact.overloads or (fact,)):
                if arguments is None or one.least <= arguments <= one.most:
                    found.append(one)
        if not found and name.schema not in SYSTEM_SCHEMAS:
            self.asked(name)
        return found

    def make_store(self, name: str) -> None:
        """CREATE TABLESPACE or ACCESS METHOD."""
        self._own().stores |= {name}

    def has_store(self, name: str) -> bool:
        return name in self._state.stores

    def all_functions(self) -> Iterator[FunctionFact]:
        """Every function that is known, each by itself."""
        for fact in list(self._state.functions.values()):
            yield from fact.overloads or (fact,)

    def function(self, parts: list[str], arguments: int | None = None) -> FunctionFact | None:
        """A function by the parts of its name and, of several of that name, by the number of its arguments: all that
        it may be together."""
        found = self.functions(parts, arguments) or self.functions(parts)
        return together(found) if found else None

    def add_value(self, enum: Name, value: str) -> None:
        """An enumeration has got a value that this transaction can't use."""
        self._own().fresh_values |= {(enum, value)}
        self._changed()

    def make_type(self, name: Name) -> None:
        """This transaction has made an enumeration."""
        self._own().fresh_types.add(name)
        self._changed()

    @property
    def fresh_types(self) -> set[Name]:
        return self._state.fresh_types

    @property
    def fresh_values(self) -> frozenset[tuple[Name, str]]:
        return self._state.fresh_values

    def put_type(self, fact: TypeFact) -> None:
        self._own().types[fact.name] = fact
        self._changed()

    def rename_type(self, old: Name, new: Name) -> None:
        """A type gets another name or schema: with it all columns that are of it."""
        fact = self._state.types.get(old)
        if fact is not None:
            del self._own().types[old]
            self._state.types[new] = changed(fact, name=new)
        self.becomes("type", old, new)
        for relation in list(self._state.relations.values()):
            columns = {key: _retyped(column, old, new) for key, column in relation.columns.items()}
            if any(columns[key] is not column for key, column in relation.columns.items()):
                self._store(replace(relation, columns=columns))
        self._changed()

    def drop_type(self, name: Name) -> None:
        if name in self._state.types:
            del self._own().types[name]
            self._changed()

    def put_function(self, fact: FunctionFact) -> None:
        """A new function, or one with as many arguments anew."""
        known = self._state.functions.get(fact.name)
        others = () if known is None else (known.overloads or (known,))
        kept = [one for one in others if not _same_arguments(one, fact) and one.most < ANY_NUMBER]
        self._own().functions[fact.name] = together([*kept, fact])
        self._changed()

    def replaced_by(self, fact: FunctionFact) -> FunctionFact | None:
        """The function of that name that takes the same, if there is one."""
        known = self._state.functions.get(fact.name)
        others = () if known is None else (known.overloads or (known,))
        return next((one for one in others if _same_arguments(one, fact)), None)

    def set_for_function(self, parts: list[str], settings: Mapping[str, str]) -> None:
        """Functions of a name get SET clauses, "" = lose one."""
        for fact in self.functions(parts):
            kept = {**dict(fact.settings), **settings}
            known = self._state.functions[fact.name]
            with_it = changed(fact, settings=tuple((name, value) for name, value in kept.items() if value))
            others = [with_it if one is fact else one for one in known.overloads or (known,)]
            self._own().functions[fact.name] = together(others)
        self._changed()

    @property
    def operators(self) -> Mapping[str, tuple[OperatorFact, ...]]:
        return self._state.operators

    def put_operator(self, name: str, operator: OperatorFact) -> None:
        state = self._own()
        state.operators = {**state.operators, name: (*state.operators.get(name, ()), operator)}
        self._changed()

    def drop_operator(self, name: str) -> None:
        state = self._own()
        state.operators = {key: several for key, several in state.operators.items() if key != name}
        self._changed()

    @property
    def event_triggers(self) -> tuple[EventTrigger, ...]:
        return self._state.event_triggers

    @property
    def objects_gone(self) -> frozenset[tuple[str, str]]:
        return self._state.objects_gone

    def drop_object(self, what: str, name: str) -> None:
        self._own().objects_gone |= {(what, name)}
        self._changed()

    @property
    def casts(self) -> tuple[Cast, ...]:
        """Those that users made."""
        return self._state.casts

    def put_casts(self, casts: tuple[Cast, ...]) -> None:
        self._own().casts = casts
        self._changed()

    def has_role(self, role: str) -> bool:
        made = self._state.roles.get(role)
        return role in self.facts.roles or role in self.facts.access.known if made is None else made

    def put_role(self, role: str, *, there: bool) -> None:
        self._own().roles = {**self._state.roles, role: there}
        self._changed()

    def statistics(self, name: Name) -> tuple[Name, Name] | None:
        """Extended statistics of that name, and their table."""
        for schema in (name.schema,) if name.schema else self.search_path:
            full = Name(schema, name.relation)
            if (found := self._state.statistics.get(full)) is not None and self.known(found[0]) is not None:
                return full, found[0]
        return None

    def put_statistics(self, name: Name, table: Name | None, columns: frozenset[str] = frozenset()) -> None:
        """They are made, or (None) dropped."""
        kept = {key: one for key, one in self._state.statistics.items() if key != name}
        self._own().statistics = kept if table is None else {**kept, name: (table, columns)}
        self._changed()

    def rename_statistics(self, old: Name, new: Name) -> None:
        named = {new if name == old else name: one for name, one in self._state.statistics.items()}
        self._own().statistics = named
        self._changed()

    def forget_statistics(self, table: Name, column: str) -> None:
        """Those on a column go with it."""
        gone = [name for name, (of, columns) in self._state.statistics.items() if of == table and column in columns]
        for name in gone:
            self.put_statistics(name, None)

    @property
    def published(self) -> Mapping[str, Published]:
        return self._state.published

    def publish(self, name: str, what: Published | None) -> None:
        """A publication is made or changed; None = dropped."""
        kept = {key: one for key, one in self._state.published.items() if key != name}
        self._own().published = kept if what is None else {**kept, name: what}
        self._changed()

    def reads(self, name: Name) -> str:
        """The open cursor that reads a relation, "" for none."""
        return next((cursor for cursor, names in self._state.cursors.items() if name in names), "")

    def open_cursor(self, cursor: str, names: Iterable[Name]) -> None:
        self._own().cursors = {**self._state.cursors, cursor: frozenset(names)}
        self._changed()

    def close_cursor(self, cursor: str) -> None:
        """CLOSE; "" = all."""
        kept = {key: names for key, names in self._state.cursors.items() if cursor and key != cursor}
        self._own().cursors = kept
        self._changed()

    def put_event_trigger(self, trigger: EventTrigger) -> None:
        self._own().event_triggers += (trigger,)
        self._changed()

    def rename_event_trigger(self, old: str, new: str) -> None:
        state = self._own()
        state.event_triggers = tuple(one._replace(name=new) if one.name == old else one for one in state.event_triggers)
        self._changed()

    def drop_event_trigger(self, name: str) -> None:
        state = self._own()
        state.event_triggers = tuple(one for one in state.event_triggers if one.name != name)
        self._changed()

    def switch_event_trigger(self, name: str, *, enabled: bool) -> None:
        state = self._own()
        state.event_triggers = tuple(
            one._replace(enabled=enabled) if one.name == name else one for one in state.event_triggers
        )
        self._changed()

    def has_extension(self, name: str) -> bool | None:
        """Whether an extension is installed; None when it isn't known."""
        made = self._state.extensions.get(name)
        if made is not None:
            return made
        scope = self.facts.scope
        return None if scope is None else name in scope.extensions

    @property
    def lost_extension(self) -> bool:
        """Whether the script has dropped an extension."""
        return False in self._state.extensions.values()

    def create_extension(self, name: str) -> None:
        self._own().extensions[name] = True
        self._changed()

    def drop_extension(self, name: str) -> None:
        self._own().extensions[name] = False
        self._changed()

    def drop_function(
        self, parts: list[str], arguments: int | None = None, only: Iterable[FunctionFact] | None = None
    ) -> None:
        """Functions of a name are gone, those that take so many arguments where that is said, or these `only`."""
        for fact in self.functions(parts, arguments) if only is None else only:
            known = self._state.functions[fact.name]
            others = [one for one in known.overloads or (known,) if one is not fact]
            if others:
                self._own().functions[fact.name] = together(others)
            else:
                del self._own().functions[fact.name]
                self._state.routines.add(fact.name.relation)
        self._changed()

    def dropped_routine(self, name: str) -> bool:
        return name in self._state.routines


def _same_arguments(one: FunctionFact, other: FunctionFact) -> bool:
    known = all(name.schema for name in (*one.takes, *other.takes))
    if known and len(one.takes) == one.most and len(other.takes) == other.most:
        return one.takes == other.takes
    return (one.least, one.most) == (other.least, other.most)


def _retyped(column: Column, old: Name, new: Name) -> Column:
    for prefix in ("", "_"):
        if (column.type_schema, column.type) == (old.schema, prefix + old.relation):
            return replace(column, type=prefix + new.relation, type_schema=new.schema)
    return column
