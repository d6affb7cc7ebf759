"""The catalog as it will be when a statement runs: facts of the server, changed by the statements before it.

Without facts every relation that is named is taken to exist, of a kind that the statement implies; what hangs on it
(partitions, foreign keys, views) is then unknown and the rules say so.

What a script makes is `new` until its change ends: nobody else can have a lock on it, or wait for one. Each change
commits by itself, so for the next one (`settle`) it is a relation like any other: applications may use it by then. It
is taken for small unless rows were put into it by a query or COPY.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from dataclasses import replace as changed
from itertools import count

from pgmig_tui.impact.access import Access, Guarded
from pgmig_tui.impact.facts import (
    Cast,
    Column,
    DatabaseFacts,
    EventTrigger,
    ForeignKey,
    FunctionFact,
    Index,
    Name,
    OperatorFact,
    Published,
    Relation,
    TypeFact,
    replace,
    together,
)
from pgmig_tui.impact.mentions import moved, note_names, renamed, without
from pgmig_tui.impact.refusal import Refusal
from pgmig_tui.impact.session import USER, SessionSettings
from pgmig_tui.impact.wanted import Names

TEMP, SYSTEM = "pg_temp", "pg_catalog"
SYSTEM_SCHEMAS = frozenset({SYSTEM, "information_schema", "pg_toast"})
ANY_NUMBER = 100
"""So many arguments and more: VARIADIC, or not known."""
_stamps = count(1)


@dataclass(slots=True)
class State:
    """All that statements change, and that a ROLLBACK brings back. What a snapshot holds is never changed again."""

    relations: dict[Name, Relation]
    types: dict[Name, TypeFact]
    functions: dict[Name, FunctionFact]
    indexes: dict[Name, Name]
    session: SessionSettings
    dropped: set[Name] = field(default_factory=set)
    schemas: dict[str, str | None] = field(default_factory=dict)
    """Schemas that the script has made (None) or renamed (what they were called before); "" = it is gone."""
    made: set[Name] = field(default_factory=set)
    """What this change has made or given an index; some may be gone again."""
    filled: set[Name] = field(default_factory=set)
    """Made relations that may hold any number of rows."""
    pending: dict[Name, bool] = field(default_factory=dict)
    """Relations with deferred trigger events that wait for the end of the transaction; True = certainly."""
    deferred: dict[str, bool] = field(default_factory=dict)
    """What SET CONSTRAINTS said in this transaction, by the constraint's name, "" = ALL."""
    fresh_types: set[Name] = field(default_factory=set)
    """Enumerations that this transaction has made."""
    fresh_values: frozenset[tuple[Name, str]] = frozenset()
    """Values that this transaction has added to enumerations, which it can't use."""
    uncertain: bool = False
    """Code that nobody can read has run: what isn't known to be there may be."""
    bases: dict[str, str | None] = field(default_factory=dict)
    """Settings that roles or databases get: new sessions begin with them."""
    moved: dict[Name, Name] = field(default_factory=dict)
    """What relations of the server are called by now that the script has renamed them."""
    former: dict[tuple[str, Name], Name] = field(default_factory=dict)
    """What types and functions ("type", "function"), and columns by their table ("column", their name) were called when
    the server was asked, by what they are called now."""
    routines: set[str] = field(default_factory=set)
    """Plain names of functions that the script has dropped."""
    extensions: dict[str, bool] = field(default_factory=dict)
    """Extensions that the script has made (True) or dropped."""
    operators: Mapping[str, tuple[OperatorFact, ...]] = field(default_factory=dict)
    """Those of users, by name."""
    event_triggers: tuple[EventTrigger, ...] = ()
    objects_gone: frozenset[tuple[str, str]] = frozenset()
    """Servers and their like that the script has dropped: what they are, and their names."""
    casts: tuple[Cast, ...] = ()
    roles: Mapping[str, bool] = field(default_factory=dict)
    """Roles that the script has made (True) or dropped."""
    statistics: Mapping[Name, tuple[Name, frozenset[str]]] = field(default_factory=dict)
    """Extended statistics, with their tables, and their columns where the script has made them."""
    published: Mapping[str, Published] = field(default_factory=dict)
    """The publications, by name."""
    access: Access = field(default_factory=Access)
    stores: frozenset[str] = frozenset()
    """Tablespaces and access methods that the script has made."""
    typed: set[Name] = field(default_factory=set)
    """Composite types, and relations to whose columns the script has given types of users; some have none any more."""
    cursors: Mapping[str, frozenset[Name]] = field(default_factory=dict)
    """Open cursors, and what they read."""
    stamp: int = 0

    def copy(self) -> State:
        return changed(
            self,
            relations=self.relations.copy(),
            types=self.types.copy(),
            functions=self.functions.copy(),
            indexes=self.indexes.copy(),
            dropped=self.dropped.copy(),
            schemas=self.schemas.copy(),
            made=self.made.copy(),
            pending=self.pending.copy(),
            deferred=self.deferred.copy(),
            fresh_types=self.fresh_types.copy(),
            filled=self.filled.copy(),
            typed=self.typed.copy(),
            bases=self.bases.copy(),
            moved=self.moved.copy(),
            former=self.former.copy(),
            routines=self.routines.copy(),
            extensions=self.extensions.copy(),
        )


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A catalog's state at one moment; cheap to take."""

    state: State


@dataclass(slots=True)
class Doubts:
    """What was looked for in vain because nobody had asked for it: `names` are to be asked, `texts` are for people.
    `crowded`: so many branches may have run that not all of what they leave was looked at."""

    names: Names = field(default_factory=Names)
    texts: dict[str, None] = field(default_factory=dict)
    crowded: bool = False


class Catalog:
    """A changing view on Facts; `live` is False without a server. Snapshots and clones are cheap until one changes."""

    def __init__(self, facts: DatabaseFacts | None) -> None:
        self.live = facts is not None
        self.facts = facts or DatabaseFacts()
        relations = dict(self.facts.relations)
        indexes = {i.name: r.name for r in relations.values() for i in r.indexes}
        session = SessionSettings.begun(self.facts.settings, self.facts.search_path)
        self._state = State(
            relations,
            dict(self.facts.types),
            dict(self.facts.functions),
            indexes,
            session,
            operators=self.facts.operators,
            event_triggers=self.facts.event_triggers,
            published=self.facts.published,
            statistics=dict(self.facts.statistics),
            casts=self.facts.casts,
            access=self.facts.access,
            typed={name for name, relation in relations.items() if relation.kind == "c"},
        )
        self._shared = False
        self.doubts = Doubts()
        self.prepared = dict(self.facts.prepared)  # lives outside of transactions
        self._path: tuple[str, ...] | None = None
        self._begun: Snapshot | None = None
        self._savepoints: list[tuple[str, Snapshot]] = []
        # foreign keys by what they reference and the table that has them; relations that may name another (never too
        # few): both are made when first asked for and kept up from then on, so that nothing walks the whole catalog
        self._incoming: dict[Name, dict[Name, list[ForeignKey]]] | None = None
        self._naming: dict[Name, set[Name]] | None = None
        self._indexed_by_others = False  # a clone looks things up in them, too
        self.others: tuple[Catalog, ...] = ()
        """What else may be by now: catalogs of branches that ran or didn't (see impact.worlds)."""

    # -- moments --------------------------------------------------------------------------------------------------

    @property
    def stamp(self) -> int:
        """Counts changes, so that answers can be kept between them: equal stamps are equal catalogs."""
        return self._state.stamp

    def snapshot(self) -> Snapshot:
        self._shared = True
        return Snapshot(self._state)

    def restore(self, snapshot: Snapshot) -> None:
        """Back to a snapshot."""
        if snapshot.state.stamp != self._state.stamp:
            self._forget_indexes()
        self._state = snapshot.state
        self._shared = True
        self._path = None

    def clone(self) -> Catalog:
        """Another one that goes its own way from here on. What is in doubt is told to both."""
        twin: Catalog = object.__new__(Catalog)
        twin.__dict__.update(self.__dict__)
        twin._state = self.snapshot().state
        twin.prepared = dict(self.prepared)
        twin._savepoints = list(self._savepoints)
        twin.others = ()
        self._indexed_by_others = twin._indexed_by_others = True
        return twin

    def become(self, other: Catalog, others: Iterable[Catalog] = ()) -> None:
        """Go on as that one, with others beside it that may be so instead."""
        beside = tuple(one.clone() if one is self else one for one in others)
        if other is not self:
            self.__dict__.update(other.__dict__)
        self.others = beside

    def same_as(self, other: Catalog) -> bool:
        """Whether nothing that comes can tell the two apart."""
        one, two = self._state, other._state
        if one.stamp == two.stamp:
            return True
        return (
            one.relations == two.relations
            and one.types == two.types
            and one.functions == two.functions
            and one.dropped == two.dropped
            and one.schemas == two.schemas
            and one.session.settings == two.session.settings
            and (one.pending, one.deferred, one.fresh_values) == (two.pending, two.deferred, two.fresh_values)
            and (one.bases, one.uncertain) == (two.bases, two.uncertain)
            and (one.operators, one.event_triggers) == (two.operators, two.event_triggers)
            and (one.published, one.cursors, one.casts) == (two.published, two.cursors, two.casts)
            and (one.roles, one.statistics, one.access) == (two.roles, two.statistics, two.access)
        )

    @property
    def in_block(self) -> bool:
        """Whether a transaction block is open."""
        return self._begun is not None

    def begun(self) -> Snapshot | None:
        """What was there when the open transaction began."""
        return self._begun

    def begin(self) -> None:
        """A transaction begins."""
        self._begun = self.snapshot()
        self._savepoints.clear()

    def commit(self) -> None:
        self._end()

    def rollback(self) -> None:
        """What this transaction did isn't so."""
        if self._begun is not None:
            self.restore(self._begun)
        self._end()

    def savepoint(self, name: str) -> None:
        self._savepoints.append((name, self.snapshot()))

    def rollback_to(self, name: str) -> None:
        for position in range(len(self._savepoints) - 1, -1, -1):
            if self._savepoints[position][0] == name:
                self.restore(self._savepoints[position][1])
                del self._savepoints[position + 1 :]
                return

    def _end(self) -> None:
        self._begun = None
        self._savepoints.clear()
        state = self._state
        passing = [name for name in state.made if (one := state.relations.get(name)) is not None and one.passing]
        if passing:
            self.drop(passing)
            self._own().dropped.difference_update(passing)
        ended = state.session.ended()
        if (
            ended is not state.session
            or state.pending
            or state.deferred
            or state.fresh_values
            or state.fresh_types
            or state.cursors
        ):
            state = self._own()
            state.session, state.fresh_values, state.cursors = ended, frozenset(), {}
            for held in (state.pending, state.deferred, state.fresh_types):
                held.clear()
            self._changed()

    def settle(self) -> None:
        """A change has committed; the next one gets a session without its settings and temporary tables."""
        for other in self.others:
            other.settle()
        self._end()
        for name in tuple(self._state.made):
            relation = self._state.relations.get(name)
            if relation is None:
                continue
            if name.schema == TEMP:
                self._remove(name)
                continue
            changes: dict[str, object] = {}
            if relation.new:
                changes["new"] = False
                if relation.bytes < 0 and name not in self._state.filled and relation.kind in "rpmS":
                    changes["bytes"] = 0
            if any(index.new for index in relation.indexes):
                changes["indexes"] = tuple(replace(i, new=False) if i.new else i for i in relation.indexes)
            if changes:
                self._store(replace(relation, **changes))
        state = self._own()
        state.made.clear()
        state.session = state.session.anew(**state.bases)
        self.prepared = dict(self.facts.prepared)
        self._changed()

    def put_to_use(self) -> None:
        """What was made is in use from now on: others notice its locks, and it holds any number of rows."""
        for other in self.others:
            other.put_to_use()
        for relation in self:
            changes: dict[str, object] = {}
            if relation.fresh:
                changes = {"fresh": False, "bytes": -1, "rows": -1}
            if any(column.fresh for column in relation.columns.values()):
                changes["columns"] = {
                    name: replace(column, fresh=False) if column.fresh else column
                    for name, column in relation.columns.items()
                }
            if changes:
                self._store(replace(relation, **changes))
        self._changed()

    def _own(self) -> State:
        """The state, for changing it."""
        self._path = None
        if self._shared:
            self._state = self._state.copy()
            self._shared = False
        return self._state

    def _changed(self) -> None:
        self._own().stamp = next(_stamps)

    # -- the session ----------------------------------------------------------------------------------------------

    @property
    def session(self) -> SessionSettings:
        return self._state.session

    @session.setter
    def session(self, session: SessionSettings) -> None:
        if session is not self._state.session:
            self._own().session = session
            self._changed()

    def for_new_sessions(self, name: str, value: str | None) -> None:
        """What ALTER ROLE or ALTER DATABASE … SET does."""
        self._own().bases[name] = value
        self._changed()

    @property
    def timezone_is_utc(self) -> bool | None:
        return self.session.utc

    @property
    def role(self) -> str:
        """The role as which statements run: what they make is its own; "" where it isn't known."""
        role = self.session.role
        return "" if role is None else role or self.facts.role

    @property
    def search_path(self) -> tuple[str, ...]:
        """The schemas in which a new relation's or an old one's plain name is looked for, those implied aside."""
        role = self.role
        path = tuple(role if schema == USER else schema for schema in self.session.path)
        there = tuple(schema for schema in path if schema and self.has_schema(schema))
        access = self._state.access
        if self.session.role and access.judged(role):  # what it may not use is passed over
            return tuple(schema for schema in there if access.schema_allows(role, schema, "U"))
        return there

    def _looked_through(self) -> tuple[str, ...]:
        """The search path with the schemas that are always on it."""
        if self._path is None:
            path = self.search_path
            implied = tuple(schema for schema in (TEMP, SYSTEM) if schema not in path)
            self._path = (*implied, *path)
        return self._path

    # -- schemas --------------------------------------------------------------------------------------------------

    def has_schema(self, schema: str) -> bool:
        """Whether a schema exists, as far as can be told (True when it can't)."""
        if schema in self._state.schemas:
            return self._state.schemas[schema] != ""
        scope = self.facts.scope
        if scope is None or schema in SYSTEM_SCHEMAS or schema == TEMP:
            return True
        if schema in scope.shut:
            return self.session.role not in ("", None)  # another role may use it
        return schema in scope.there or schema not in scope.schemas

    def create_schema(self, schema: str, owner: str = "") -> None:
        self._own().schemas[schema] = None
        self.access = self.access.with_schema(schema, Guarded(owner))
        self._changed()

    def drop_schema(self, schema: str) -> None:
        self._own().schemas[schema] = ""
        self._changed()

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
        for names in (state.dropped, state.made, state.filled):
            here = {name for name in names if name.schema == old}
            names -= here
            names |= set(map(now, here))
        self._changed()

    def schema_before(self, schema: str) -> str:
        """What a schema was called when the server was asked."""
        return self._state.schemas.get(schema, schema) or ""

    def schema_now(self, before: str) -> str:
        """What a schema is called by now."""
        return next((now for now, old in self._state.schemas.items() if old == before), before)

    def called_now(self, name: Name) -> Name:
        """The name that a relation has by now which the server told of under that one."""
        return self._state.moved.get(name, name)

    def called_before(self, name: Name) -> Name:
        """The name under which the server told of what is called so by now."""
        return next((before for before, now in self._state.moved.items() if now == name), name)

    def former(self, kind: str, name: Name) -> Name:
        """What a type, function or column was called when the server was asked."""
        return self._state.former.get((kind, name), name)

    def becomes(self, kind: str, old: Name, new: Name) -> None:
        """A type, function or column gets another name."""
        state = self._own()
        state.former[(kind, new)] = state.former.pop((kind, old), old)
        self._changed()

    def _moves(self, old: Name, new: Name) -> None:
        moved = self._own().moved
        moved[self.called_before(old)] = new

    def _origin(self, name: Name) -> Name | None:
        """The name that the server has for what is called so by now; None for what the script itself has made."""
        origin = self._state.schemas.get(name.schema, name.schema)
        return None if not origin else Name(origin, name.relation)

    # -- names ----------------------------------------------------------------------------------------------------

    def resolve(self, name: Name) -> Name:
        """The name as the server would find it; the first schema of the search path when nothing is found."""
        if name.schema:
            return name
        if self.session.lost:
            return self._anywhere(name)
        relations, indexes = self._state.relations, self._state.indexes
        for schema in self._looked_through():
            candidate = Name(schema, name.relation)
            if candidate in relations or candidate in indexes or (schema == SYSTEM and self.is_system(name)):
                return candidate
        return Name(self._home(), name.relation)

    def _anywhere(self, name: Name) -> Name:
        """A name by a search path that nobody can tell: whatever has it, in whichever schema."""
        self.doubts.texts[f"which schema {name.relation} is in: the search_path isn't known before the script runs"] = (
            None
        )
        known = (*self._state.relations, *self._state.indexes)
        return min((one for one in known if one.relation == name.relation), default=name)

    def is_system(self, name: Name) -> bool:
        """Whether a plain name is that of a relation of pg_catalog."""
        scope = self.facts.scope
        if scope is not None:
            return name.relation in scope.system
        return name.relation.startswith("pg_") and not self.live

    def _home(self) -> str:
        """The schema in which new things are made, "" when there is none."""
        path = self.search_path
        return path[0] if path else ""

    def no_room(self, name: Name) -> str:
        """Why nothing can be made under the name that `creation_name` gave, "" where it can."""
        if name.schema == SYSTEM:
            return Refusal(
                f"{name} can't be made: {SYSTEM} comes first in the search_path, and is the server's own", "42501"
            )
        if not name.schema and self.live and not self.session.lost:
            return Refusal(f"{name} can't be made: no schema of the search_path exists", "3F000")
        return ""

    def creation_name(self, name: Name, *, temporary: bool = False) -> Name:
        """The name of what is made under that name."""
        if temporary:
            return Name(TEMP, name.relation)
        if not name.schema and self.session.lost:
            self._anywhere(name)
        return name if name.schema else Name(self._home(), name.relation)

    def want(self, names: Names) -> None:
        """Note what has to be asked for: names that only a run of the script's code brings up."""
        scope = self.facts.scope
        if self.live and scope is not None and names.beyond(scope.asked):
            self.doubts.names.update(names)

    def _asked(self, name: Name) -> bool:
        """Whether a relation, type or function of that name would be known; notes what has to be asked for."""
        if not self.live or name.schema == TEMP:
            return True
        scope, origin = self.facts.scope, self._origin(name)
        if scope is None or origin is None or scope.covers(origin):
            return True
        self.doubts.names.all.add(origin)
        return False

    def asked(self, name: Name) -> bool:
        """Whether a relation, type or function of a name that may stand without a schema would be known; notes what has
        to be asked for."""
        if name.schema:
            return self._asked(name)
        if self.session.lost:
            return False
        schemas = [schema for schema in self.search_path if schema not in SYSTEM_SCHEMAS]
        unasked = [schema for schema in schemas if not self._asked(Name(schema, name.relation))]
        return not unasked

    # -- looking up -----------------------------------------------------------------------------------------------

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
                self.doubts.texts[f"whether {name} is there: code before it can't be read"] = None
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

    def __iter__(self) -> Iterator[Relation]:
        return iter(list(self._state.relations.values()))

    def relations(self) -> Iterable[tuple[Name, Relation]]:
        """Every relation that is known, by name; for reading."""
        return self._state.relations.items()

    # -- changing -------------------------------------------------------------------------------------------------

    def put(self, relation: Relation) -> None:
        if relation.new and not relation.fresh:
            relation = replace(relation, fresh=True)
        self._store(relation)
        self._state.dropped.discard(relation.name)
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

    def doubt(self) -> None:
        """Code that nobody can read has run."""
        if not self._state.uncertain:
            self._own().uncertain = True
            self._changed()

    @property
    def uncertain(self) -> bool:
        return self._state.uncertain

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

    @property
    def access(self) -> Access:
        """Who may do what by now."""
        return self._state.access

    @access.setter
    def access(self, access: Access) -> None:
        if access != self._state.access:
            self._own().access = access
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
        if before is None or before.foreign_keys is not relation.foreign_keys:
            self._note_keys(before, relation)
        if self._naming is not None:
            note_names(self._naming, relation, before)
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

    def _forget_indexes(self) -> None:
        self._incoming = self._naming = None
        self._indexed_by_others = False

    def _note_keys(self, before: Relation | None, after: Relation | None) -> None:
        if self._incoming is None:
            return
        if before is not None:
            for key in before.foreign_keys:
                self._incoming.get(key.referenced, {}).pop(before.name, None)
        if after is not None:
            for key in after.foreign_keys:
                self._incoming.setdefault(key.referenced, {}).setdefault(after.name, []).append(key)

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
