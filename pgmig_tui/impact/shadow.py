"""The catalog as it will be when a statement runs: facts of the server, changed by the statements before it.

Without facts every relation that is named is taken to exist, of a kind that the statement implies; what hangs on it
(partitions, foreign keys, views) is then unknown and the rules say so.

What a script makes is `new` until its change ends: nobody else can have a lock on it, or wait for one. Each change
commits by itself, so for the next one (`settle`) it is a relation like any other: applications may use it by then. It
is taken for small unless rows were put into it by a query or COPY.
"""

from __future__ import annotations

from collections.abc import Iterable

from pgmig_tui.impact.facts import DatabaseFacts, replace
from pgmig_tui.impact.shadow_objects import ShadowObjects
from pgmig_tui.impact.shadow_state import TEMP, Snapshot


class Catalog(ShadowObjects):
    """A changing view on Facts; `live` is False without a server. Snapshots and clones are cheap until one changes."""

    def __init__(self, facts: DatabaseFacts | None) -> None:
        super().__init__(facts)
        self.prepared = dict(self.facts.prepared)  # lives outside of transactions
        self._begun: Snapshot | None = None
        self._savepoints: list[tuple[str, Snapshot]] = []
        self.others: tuple[Catalog, ...] = ()
        """What else may be by now: catalogs of branches that ran or didn't (see impact.worlds)."""

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
        if state.passing:
            passing = [name for name in state.passing if (one := self.known(name)) is not None and one.passing]
            state = self._own()
            state.passing = frozenset()
            self.drop(passing)
            state.dropped.difference_update(passing)
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
