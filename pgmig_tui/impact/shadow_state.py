"""What the shadow catalog holds, and how it is changed: what a snapshot holds is never changed again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from dataclasses import replace as changed
from itertools import count

from pgmig_tui.impact.access import Access
from pgmig_tui.impact.facts import (
    Cast,
    DatabaseFacts,
    EventTrigger,
    ForeignKey,
    FunctionFact,
    Name,
    OperatorFact,
    Published,
    Relation,
    TypeFact,
)
from pgmig_tui.impact.session import SessionSettings
from pgmig_tui.impact.wanted import Names

TEMP, SYSTEM = "pg_temp", "pg_catalog"
SYSTEM_SCHEMAS = frozenset({SYSTEM, "information_schema", "pg_toast"})
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
    passing: frozenset[Name] = frozenset()
    """Temporary tables that the end of the transaction drops."""
    stores: frozenset[str] = frozenset()
    """Tablespaces and access methods that the script has made."""
    in_functions: set[Name] = field(default_factory=set)
    """Relations that functions of SQL's own form depend on; some have none any more."""
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
            in_functions=self.in_functions.copy(),
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


def of_functions(relation: Relation) -> bool:
    """Whether a function of SQL's own form depends on it."""
    return any(one.kind == "f" for one in relation.dependents)


class ShadowState:
    """The state of a catalog, shared with its snapshots until it changes."""

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
            in_functions={name for name, relation in relations.items() if of_functions(relation)},
            typed={name for name, relation in relations.items() if relation.kind == "c"},
            uncertain=bool(self.facts.incomplete),
        )
        self._shared = False
        self.doubts = Doubts()
        self._path: tuple[str, ...] | None = None
        # foreign keys by what they reference and the table that has them; relations that may name another (never too
        # few): both are made when first asked for and kept up from then on, so that nothing walks the whole catalog
        self._incoming: dict[Name, dict[Name, list[ForeignKey]]] | None = None
        self._naming: dict[Name, set[Name]] | None = None
        self._indexed_by_others = False  # a clone looks things up in them, too

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

    def _own(self) -> State:
        """The state, for changing it."""
        self._path = None
        if self._shared:
            self._state = self._state.copy()
            self._shared = False
        return self._state

    def _changed(self) -> None:
        self._own().stamp = next(_stamps)

    def _forget_indexes(self) -> None:
        self._incoming = self._naming = None
        self._indexed_by_others = False

    def doubt(self) -> None:
        """Code that nobody can read has run."""
        if not self._state.uncertain:
            self._own().uncertain = True
            self._changed()

    @property
    def uncertain(self) -> bool:
        """Whether something may be there, or otherwise, without anybody knowing of it."""
        return self._state.uncertain

    @property
    def why_uncertain(self) -> str:
        return self.facts.incomplete or "code before it can't be read"
