"""What the rules write down while they look at one statement."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol

from pgmig_tui.impact.facts import ForeignKey, Index, Name, Relation
from pgmig_tui.impact.modes import AE, AS, SRE, LockMode
from pgmig_tui.impact.nodes import Node
from pgmig_tui.impact.quoting import quoted
from pgmig_tui.impact.refusal import Refusal
from pgmig_tui.impact.result import CERTAINTIES, Advice, Lock, LostData
from pgmig_tui.impact.safer import Unwritable
from pgmig_tui.impact.selectivity import NOTHING, ONE, Span
from pgmig_tui.impact.shadow import Catalog
from pgmig_tui.impact.shadow_state import SYSTEM
from pgmig_tui.script.quoting import quote

_MOST_CODE = 1000


@dataclass(slots=True)
class Code:
    """What one statement has run so far inside functions, so that circles end and crowds are bounded; and what was
    reckoned meanwhile (`costs`, see impact.counting), or that some of it can't be (`uncounted`)."""

    seen: dict[tuple[object, ...], int] = field(default_factory=dict)
    """What has run, with the place of its certainty in CERTAINTIES."""
    costs: dict[tuple[object, ...], float] = field(default_factory=dict)
    uncounted: bool = False
    left: int = _MOST_CODE
    dropped: tuple[Mapping[str, str], ...] | None = None
    """What pg_event_trigger_dropped_objects() gives to the event trigger that runs."""

    def first(self, certainty: str, *key: object) -> bool:
        """Whether this hasn't run yet, or only where it was less certain."""
        rank = CERTAINTIES.index(certainty)
        if self.seen.get(key, len(CERTAINTIES)) <= rank:
            return False
        self.seen[key] = rank
        return True

    def spend(self) -> bool:
        """Whether one more statement may be looked at."""
        self.left -= 1
        return self.left >= 0


class Rules(Protocol):
    """All rules together (rules.dispatch). The scene hands them down, so that a rule whose statement lets others run,
    or functions, needs to import none of those that know it."""

    def apply(self, node: Node, scene: Scene, out: Effect) -> None: ...

    def run_function(
        self,
        parts: list[str],
        scene: Scene,
        out: Effect,
        given: Sequence[str | None] = (),
        worth: Mapping[str, str] = ...,
    ) -> None: ...


@dataclass(slots=True)
class Scene:
    """What a rule may know besides the statement: the catalog at that moment, the other rules, the server, the text.

    `worth` are the variables that are known of the code around, `others` the catalogs that may come of it instead of
    `catalog`: code with branches leaves several. `times` is how often the code around runs it. `variables` are the
    names that variables of the code around have, which a query may mean by a plain name; None where they aren't known.
    """

    catalog: Catalog
    rules: Rules
    version: int = 180000
    sql: str = ""
    depth: int = 0
    worth: Mapping[str, str] = field(default_factory=dict)
    code: Code = field(default_factory=Code)
    others: list[Catalog] = field(default_factory=list)
    times: Span = ONE
    variables: frozenset[str] | None = frozenset()

    @property
    def major(self) -> int:
        return self.version // 10000

    def inside(
        self, catalog: Catalog, sql: str, worth: Mapping[str, str], variables: frozenset[str] | None = None
    ) -> Scene:
        """The scene of a statement inside a function or DO block."""
        return Scene(
            catalog,
            self.rules,
            self.version,
            sql,
            self.depth + 1,
            worth,
            self.code,
            times=self.times,
            variables=variables,
        )

    def absent(self, name: Name, out: Effect) -> bool:
        """Whether a relation certainly isn't there; then the statement fails."""
        if missing := self.catalog.missing(name):
            out.fail(f"{self.catalog.resolve(name)} does not exist", "42P01")
        return missing

    def become(self, catalogs: Sequence[Catalog]) -> None:
        """From here on it is one of these."""
        self.catalog = catalogs[0]
        self.others.extend(catalogs[1:])

    @property
    def outcomes(self) -> list[Catalog]:
        return [self.catalog, *self.others]


@dataclass(slots=True)
class Effect:
    """A statement's effects, collected; locks keep the strongest mode a relation.

    `made` are new indexes with the tables that they are on and the share of the rows that is in them, `tables` those of
    the `rebuilds`, `emptied` are rewritten without rows. `spent` is the work of what reads and changes rows (see
    impact.counting), `changed` how many rows its parts change, `doubts` say why no time can be told; `by_value`: other
    constants would take another time.
    """

    locks: dict[Name, Lock] = field(default_factory=dict)
    rewrites: dict[Name, Relation] = field(default_factory=dict)
    scans: dict[Name, Relation] = field(default_factory=dict)
    rebuilds: dict[Name, Index] = field(default_factory=dict)
    made: list[tuple[Relation, Index, float]] = field(default_factory=list)
    tables: dict[Name, Name] = field(default_factory=dict)
    emptied: set[Name] = field(default_factory=set)
    spent: Span = NOTHING
    changed: dict[tuple[Name, str], Span] = field(default_factory=dict)
    doubts: list[str] = field(default_factory=list)
    by_value: bool = False
    loss_class: int = 0
    losses: dict[str, int] = field(default_factory=dict)
    lost: dict[str, LostData] = field(default_factory=dict)  # of the losses, those that can be counted
    surely: set[str] = field(default_factory=set)  # and those that come on every way through it
    advice: list[Advice] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    hidden: list[str] = field(default_factory=list)  # of the unknown, what may destroy something
    breaks: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    problem: str = ""
    certainty: str = "certain"  # no lock of this statement is surer than this
    no_transaction: bool = False
    temporary_locks: bool = False  # gives its locks back by itself (CONCURRENTLY, VACUUM)

    def lock(self, relation: Relation, mode: LockMode, why: str, certainty: str = "certain") -> None:
        self.lock_name(relation.name, relation.kind, mode, why, certainty, relation.new)

    def lock_name(
        self, name: Name, kind: str, mode: LockMode, why: str, certainty: str = "certain", new: bool = False
    ) -> None:
        if name.schema in {SYSTEM, "information_schema"}:
            return  # everybody has weak locks there all the time
        certainty = weaker(certainty, self.certainty)
        known = self.locks.get(name)
        if known is None or known.mode < mode:
            self.locks[name] = Lock(name.schema, name.relation, kind, mode, certainty, why, new)
        elif known.mode == mode and CERTAINTIES.index(certainty) < CERTAINTIES.index(known.certainty):
            self.locks[name] = Lock(name.schema, name.relation, kind, mode, certainty, known.why, new)

    def lock_tree(self, scene: Scene, relation: Relation, mode: LockMode, why: str) -> None:
        """The relation and everything below it."""
        self.lock(relation, mode, why)
        for child in scene.catalog.tree(relation.name)[1:]:
            self.lock(child, mode, f"{why} reaches {'partition' if child.is_partition else 'child'}")

    def lock_index(self, table: Relation, index: Index, mode: LockMode, why: str) -> None:
        kind = "I" if table.partitioned else "i"
        self.lock_name(index.name, kind, mode, why, new=table.new or index.new)

    def rewrite(self, relation: Relation) -> None:
        """A new heap, when the relation has storage."""
        if relation.kind in "rmt?S":
            self.rewrites[relation.name] = relation
            for index in relation.indexes:
                self.rebuild(relation, index)
                self.lock_index(relation, index, AE, f"rebuilt with {relation.name}")

    def scan(self, relation: Relation) -> None:
        if relation.kind in "rm?":
            self.scans[relation.name] = relation

    def rebuild(self, relation: Relation, index: Index) -> None:
        """An index that is there gets a new file."""
        self.rebuilds[index.name] = index
        self.tables[index.name] = relation.name

    def build(self, relation: Relation, index: Index, part: float = 1.0) -> None:
        """A new index over the relation, or over a part of its rows."""
        if relation.kind in "rm?":
            self.made.append((relation, index, part))

    def spend(self, nanoseconds: Span) -> None:
        """Work is done that reads or changes rows."""
        self.spent = self.spent.plus(nanoseconds)

    def doubt(self, what: str) -> None:
        """Something isn't known that decides how long it takes."""
        if what not in self.doubts:
            self.doubts.append(what)

    def lose(self, loss_class: int, what: str, lost: LostData | None = None, *, sure: bool = True) -> None:
        """`sure`: whatever there is goes; else only rows that a condition takes, and perhaps there are none."""
        self.loss_class = max(self.loss_class, loss_class)
        self.losses[what] = loss_class
        if lost is not None:
            self.lost[what] = lost
        if sure and self.certainty != "possible":
            self.surely.add(what)

    def take_lock(self, lock: Lock, why: str = "", certainty: str = "") -> None:
        """A lock that something else has told of."""
        self.lock_name(lock.name, lock.relkind, lock.mode, why or lock.why, certainty or lock.certainty, lock.new)

    def fail(self, why: str, sqlstate: str = "") -> None:
        """The server refuses the statement; without `sqlstate` the reason has its own, or is "". The first reason
        stands."""
        self.problem = self.problem or (Refusal(why, sqlstate) if sqlstate else why)

    def hide(self, what: str) -> None:
        """Something isn't known that may lock, rewrite or destroy anything."""
        self.unknown.append(what)
        self.hidden.append(what)

    def absorb(self, other: Effect) -> None:
        """Take in all but the locks and the problem of another one."""
        self.rewrites.update(other.rewrites)
        self.scans.update(other.scans)
        self.rebuilds.update(other.rebuilds)
        self.tables.update(other.tables)
        self.emptied |= other.emptied
        self.made.extend(one for one in other.made if one not in self.made)
        self.spent = self.spent.plus(other.spent)
        self.loss_class = max(self.loss_class, other.loss_class)
        surely = self.surely | (other.surely if self.certainty != "possible" else set())
        for what, loss in other.losses.items():
            self.lose(loss, what, other.lost.get(what))
        self.surely = surely
        for advice in other.advice:
            self._take_advice(advice)
        for mine, theirs in (
            (self.unknown, other.unknown),
            (self.hidden, other.hidden),
            (self.breaks, other.breaks),
            (self.notes, other.notes),
            (self.doubts, other.doubts),
        ):
            mine.extend(text for text in theirs if text not in mine)
        self.by_value |= other.by_value
        self.no_transaction |= other.no_transaction
        self.temporary_locks |= other.temporary_locks

    def _take_advice(self, advice: Advice) -> None:
        """Once; and without SQL where that hangs on what ran before."""
        for position, mine in enumerate(self.advice):
            if (mine.rule, mine.message) == (advice.rule, advice.message):
                if mine.safer_sql != advice.safer_sql:
                    self.advice[position] = Advice(mine.rule, mine.message)
                return
        self.advice.append(advice)

    def advise(self, rule: str, message: str, safer: Callable[[], str] | None = None) -> None:
        """Advice, with the SQL that `safer` makes unless it is Unwritable."""
        sql = ""
        if safer is not None:
            with suppress(Unwritable):
                sql = safer()
        self.advice.append(Advice(rule, message, sql))


def weaker(one: str, other: str) -> str:
    return one if CERTAINTIES.index(one) >= CERTAINTIES.index(other) else other


def read_tables(
    scene: Scene,
    out: Effect,
    names: list[Name],
    mode: LockMode = AS,
    why: str = "reads it",
    *,
    deep: bool = True,
    alone: frozenset[Name] | set[Name] = frozenset(),
) -> None:
    """Tables that a query names; where it is planned and not only looked at (`deep`), also those behind views and
    below, but for those that are named with ONLY (`alone`)."""
    todo = [(name, mode, why) for name in names]
    seen: set[Name] = set()
    while todo:
        name, wanted, reason = todo.pop()
        if scene.catalog.missing(name):
            if "tg_op" not in scene.worth:  # a trigger's transition tables have names of their own
                out.fail(f"{scene.catalog.resolve(name)} does not exist", "42P01")
            continue
        relation = scene.catalog.relation(name)
        if relation.name in seen:
            continue
        seen.add(relation.name)
        out.lock(relation, wanted, reason)
        if not deep:
            continue
        refuse_recursion(scene, out, relation)
        if relation.kind == "v":
            todo.extend((behind, wanted, f"behind the view {relation.name}") for behind in relation.reads)
        for child in relation.children if name not in alone else ():
            todo.append((child, wanted, f"below {relation.name}"))


def refuse_recursion(scene: Scene, out: Effect, relation: Relation) -> None:
    """A view that reads itself, however far behind, can't be expanded."""
    if relation.kind == "v" and relation.name in scene.catalog.behind(relation.name):
        out.fail(f"{relation.name} reads itself: infinite recursion in its rules", "42P17")


def lock_above(catalog: Catalog, partition: Relation, out: Effect, *, sure: bool = True) -> None:
    """What a partition is part of, all the way up: its bounds are made of theirs, which the session may still know."""
    for position, above in enumerate(ancestors(catalog, partition)):
        out.lock(above, AS, f"{partition.name} is part of it", "possible" if position or not sure else "certain")


def ancestors(catalog: Catalog, partition: Relation) -> list[Relation]:
    found: list[Relation] = []
    todo, seen = [partition], {partition.name}
    while todo:
        current = todo.pop()
        for name in current.parents if current.is_partition else ():
            if name not in seen:
                seen.add(name)
                found.append(catalog.relation(name, "p"))
                todo.append(found[-1])
    return found


def fk_sides(scene: Scene, name: Name) -> list[Relation]:
    """One side of a foreign key: the relation and, when it is partitioned, its partitions."""
    relation = scene.catalog.relation(name)
    return scene.catalog.tree(name) if relation.partitioned else [relation]


def trigger_sides(scene: Scene, name: Name) -> list[Relation]:
    """Of one side of a foreign key what has triggers of it, which go with it or are made anew: before 15 partitioned
    tables have none (15's release notes, E.18.3.1.4)."""
    return [side for side in fk_sides(scene, name) if scene.major >= 15 or not side.partitioned]


def lock_merged(scene: Scene, out: Effect, name: Name, why: str, *, merged: bool) -> None:
    """What a key references, where it is made: triggers of a partition's own key that becomes a part of it go."""
    for side in fk_sides(scene, name):
        out.lock(side, SRE, why)
    for side in trigger_sides(scene, name) if merged else ():
        out.lock(side, AE, why)


def same_key(one: ForeignKey, other: ForeignKey) -> bool:
    """Whether a partition's own foreign key becomes its part of a parent's (tryAttachPartitionForeignKey)."""

    def face(key: ForeignKey) -> tuple[object, ...]:
        return key.columns, key.referenced, key.referenced_columns, key.on_delete, key.on_update

    shapes = {one.shape, other.shape} - {""}
    return face(one) == face(other) and len(shapes) < 2 and one.enforced == other.enforced


def merges(scene: Scene, key: ForeignKey, member: Relation) -> bool:
    """Whether this member of a partition tree brings such a key; then triggers of its own are dropped."""
    return any(not own.inherited and same_key(own, key) for own in member.foreign_keys)


__all__ = [
    "AE",
    "Effect",
    "Scene",
    "fk_sides",
    "lock_merged",
    "merges",
    "quote",
    "quoted",
    "read_tables",
    "trigger_sides",
    "weaker",
]
