"""What must be known of the server's catalog to say what a statement locks: plain data, empty by default.

`database.catalog.read_facts` fills it from a live server; `impact.shadow.Catalog` carries the effects of statements
forward on top of it. Names are case-exact, as in the catalog, never quoted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from pgmig_tui.impact.access import Access, Acl

if TYPE_CHECKING:
    from dataclasses import dataclass as value

    from pgmig_tui.impact.wanted import Names
else:
    from pgmig_tui.script.values import value


class Name(NamedTuple):
    """A relation's, type's or function's qualified name; an empty schema means that it is not known yet."""

    schema: str
    relation: str

    def __str__(self) -> str:
        return f"{self.schema}.{self.relation}" if self.schema else self.relation


Fact = TypeVar(
    "Fact", "Column", "Index", "CheckConstraint", "ForeignKey", "OwnedSequence", "DependentRelation", "Relation"
)


def replace(fact: Fact, **changes: object) -> Fact:
    """As dataclasses.replace, for the facts that statements change one after the other; eight times as fast.

    That is why these have no slots: a dictionary is copied at once.
    """
    new = object.__new__(type(fact))
    new.__dict__.update(fact.__dict__, **changes)
    return new


@value(frozen=True)
class Column:
    """`type` is the internal name ("int4", "varchar"); `typmod` as in pg_attribute, -1 = none. `fresh`: what is
    to be run has made it, so that nothing in it was there before. `redefault`: its default isn't the server's any more.
    `made_of`: the columns of which it is computed, where the script has made it. `default_type`: what type of
    pg_catalog its default is of by itself; "" where that isn't known.

    `bare`: nothing depends on it, and it has no comment, privileges or settings of its own. Asked of columns that get
    another type; False where it isn't known.
    """

    name: str
    type: str = ""
    typmod: int = -1
    type_schema: str = "pg_catalog"
    not_null: bool = False
    has_default: bool = False
    identity: str = ""
    generated: str = ""
    collation: str = ""
    not_null_valid: bool = True
    fresh: bool = False
    bare: bool = False
    redefault: bool = False
    made_of: frozenset[str] = frozenset()
    default_type: str = ""
    acl: Acl | None = None


@value(frozen=True, slots=True)
class Spread:
    """What pg_stats says of a column: the share of NULLs, how many values (below 0: as a share of the rows), bytes on
    average, the share of each common value, and bounds between which as many rows lie, ascending; all as text."""

    nulls: float = 0.0
    distinct: float = 0.0
    width: int = 0
    common: Mapping[str, float] = field(default_factory=dict)
    bounds: tuple[str, ...] = ()


@value(frozen=True)
class Index:
    """An index; `columns` also holds those of expressions and of the predicate, `keys` the plain key columns. `whole`:
    it has neither expressions nor a predicate, `partial`: it has one. `deferrable`: its constraint may be checked later
    than at once, `exclusion`: that is an EXCLUDE, `identity`: it is the replica identity. `method` is its access
    method's name, "" = btree. `clustered`: CLUSTER takes it where none is named."""

    name: Name
    columns: frozenset[str] = frozenset()
    keys: tuple[str, ...] = ()
    unique: bool = False
    primary: bool = False
    valid: bool = True
    constraint: str = ""
    parent: Name | None = None
    bytes: int = 0
    tablespace: str = ""
    new: bool = False
    whole: bool = True
    method: str = ""
    clustered: bool = False
    partial: bool = False
    deferrable: bool = False
    exclusion: bool = False
    identity: bool = False


@value(frozen=True)
class CheckConstraint:
    """A CHECK ("c") or NOT NULL ("n", 18 and later) constraint; `proves_not_null` are the columns it keeps not null."""

    name: str
    columns: tuple[str, ...] = ()
    valid: bool = True
    kind: str = "c"
    proves_not_null: frozenset[str] = frozenset()
    no_inherit: bool = False


@value(frozen=True)
class ForeignKey:
    """A foreign key as pg_constraint holds it; actions are its letters (a, r, c, n, d).

    `inherited`: a partition's own row of its parent's key, or the row for a partition that is referenced. `id` and
    `parent` are the server's oids (0 = not known), `shape` its match type and deferrability.
    """

    name: str
    table: Name
    columns: tuple[str, ...]
    referenced: Name
    referenced_columns: tuple[str, ...] = ()
    valid: bool = True
    on_delete: str = "a"
    on_update: str = "a"
    enforced: bool = True
    index: Name | None = None
    inherited: bool = False
    id: int = 0
    parent: int = 0
    shape: str = ""


@value(frozen=True, slots=True)
class Trigger:
    """A trigger that users made; `kind` is pg_trigger.tgtype, `enabled` its tgenabled (O, D, R, A). `deferred`: "d" =
    it waits for the end of the transaction, "i" = it may be made to by SET CONSTRAINTS, "" = it never does."""

    name: str
    function: Name
    kind: int = 0
    enabled: str = "O"
    columns: frozenset[str] = frozenset()
    deferred: str = ""

    @property
    def per_row(self) -> bool:
        return bool(self.kind & 1)

    def fires_on(self, verb: str) -> bool:
        """Whether an INSERT, DELETE, UPDATE or TRUNCATE runs it."""
        bit = {"INSERT": 4, "DELETE": 8, "UPDATE": 16, "TRUNCATE": 32}.get(verb, 0)
        return bool(self.kind & bit) and self.enabled in "OA"


@value(frozen=True)
class OwnedSequence:
    """A sequence that a column owns, by serial or OWNED BY (identity False) or by identity."""

    name: Name
    column: str
    identity: bool = False


@value(frozen=True)
class DependentRelation:
    """A relation with something that depends on this one. `kind`: v or m = the (materialized) view itself, "rule",
    d = a default, y = a policy, g = a trigger, c = a constraint, i = an index of it, t = made of this type or with a
    column of it, f = a function with a body of SQL's own form; `part` is the name of that part (of a default its
    column, of a function what it takes). No columns = on the whole.
    """

    name: Name
    kind: str
    columns: frozenset[str] = frozenset()
    part: str = ""

    @property
    def relkind(self) -> str:
        return self.kind if self.kind in {"v", "m"} else "r"


class OperatorFact(NamedTuple):
    """An operator that users made: its schema, and the function behind it."""

    schema: str
    function: Name


class Cast(NamedTuple):
    """A cast that users made: from which type to which, the function that it runs (None = none), and when it is taken
    by itself: "e" = never, "a" = where a value is assigned, "i" = anywhere."""

    source: Name
    target: Name
    function: Name | None
    context: str


class EventTrigger(NamedTuple):
    """An event trigger: for which event, for which commands (none = all), what it runs, and whether it fires."""

    name: str
    event: str
    tags: tuple[str, ...]
    function: Name
    enabled: bool = True


class Published(NamedTuple):
    """A publication: of every table, of those named and of those in its schemas, and what it publishes of them. A table
    of which it publishes UPDATE or DELETE needs a replica identity. `columns` are lists of them, `filters` those that
    conditions name, as far as a script has said so."""

    every: bool = False
    updates: bool = True
    deletes: bool = True
    tables: frozenset[Name] = frozenset()
    schemas: frozenset[str] = frozenset()
    columns: Mapping[Name, frozenset[str]] = MappingProxyType({})
    filters: Mapping[Name, frozenset[str]] = MappingProxyType({})


class Call(NamedTuple):
    """A function that runs when a relation is used. `when`: "r" = it is read (a view), "d" = a row is inserted that
    gives the `column` no value, "c" = a row is checked, "i" = a row gets into an index, "s" = ANALYZE looks at one,
    "p" = a policy does."""

    when: str
    function: Name
    column: str = ""


@value(frozen=True)
class Relation:
    """One relation. `kind` is pg_class.relkind, or "?" when only the text is known. `passing`: it is temporary and goes
    when the transaction ends (ON COMMIT DROP). `new`: this very change has made it, `fresh`: this or an earlier one of
    those that are to be run, so that nothing in it was there before.

    `bytes` and `rows` are the planner's estimates (relpages, reltuples; -1 = never analysed or not known). `populated`
    is False of a materialized view without data, `writable` are the columns of a view that can be written to, as far as
    the script has made it. `spreads` are the statistics of columns that are compared.
    `partition_key` are the columns by which a partitioned table is parted, "" for an expression; `replica_identity` is
    pg_class.relreplident (d, n, f, i). `rule_events` are the statements (INSERT, …) that its rules are for.
    """

    name: Name
    kind: str = "?"
    columns: Mapping[str, Column] = field(default_factory=dict)
    indexes: tuple[Index, ...] = ()
    checks: tuple[CheckConstraint, ...] = ()
    foreign_keys: tuple[ForeignKey, ...] = ()
    parents: tuple[Name, ...] = ()
    children: tuple[Name, ...] = ()
    is_partition: bool = False
    default_partition: Name | None = None
    partition_key: tuple[str, ...] = ()
    replica_identity: str = "d"
    bound: str = ""
    sequences: tuple[OwnedSequence, ...] = ()
    dependents: tuple[DependentRelation, ...] = ()
    reads: tuple[Name, ...] = ()
    calls: tuple[Call, ...] = ()
    triggers: tuple[Trigger, ...] = ()
    rules: tuple[str, ...] = ()
    rule_events: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    policies: tuple[str, ...] = ()
    table: Name | None = None
    owner: str = ""
    acl: Acl | None = None
    persistence: str = "p"
    access_method: str = ""
    server: str = ""
    tablespace: str = ""
    of_type: Name | None = None
    bytes: int = -1
    rows: int = -1
    known: bool = True
    new: bool = False
    passing: bool = False
    fresh: bool = False
    populated: bool = True
    writable: frozenset[str] | None = None
    spreads: Mapping[str, Spread] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def partitioned(self) -> bool:
        return self.kind == "p"


@value(frozen=True, slots=True)
class TypeFact:
    """A type: `kind` is pg_type.typtype (b, c, d, e, r, m); `base` and the following are of domains. `default_calls` is
    the worst volatility of the functions of users that its `default` (an expression) calls, "" for none; `labels` are
    the values of an enumeration. `made`: a script has made it. `calls` are the functions of users that run where a
    value becomes one of it ("c": in its CHECKs, and in those of what it is made of) and for its default ("d")."""

    name: Name
    kind: str = "b"
    base: str = ""
    base_typmod: int = -1
    constrained: bool = False
    dependents: tuple[DependentRelation, ...] = ()
    default: str = ""
    default_calls: str = ""
    labels: frozenset[str] = frozenset()
    made: bool = False
    calls: tuple[Call, ...] = ()

    def called(self, when: str) -> list[Name]:
        """The functions that run then."""
        return [call.function for call in self.calls if call.when in when]


@value(frozen=True, slots=True)
class FunctionFact:
    """A function: volatility (i, s, v), and what would fall with it. It takes `least` to `most` arguments.

    `settings` are those of its own SET clauses, `extension` is what it belongs to, "" = none, `parameters` are the
    names of what it takes, `takes` their types and `gives` that of its result (None: a set, or not known),
    `made`: a script has made it, `definer`: it runs as its `owner` (SECURITY DEFINER). The body of one in C,
    or of the server's own, is its symbol. Several of one name are one fact with the worst volatility and no body, and
    each by itself in `overloads`. `coerces` are the functions in the CHECKs of the types that it takes and gives.
    """

    name: Name
    volatility: str = "v"
    language: str = ""
    body: str = ""
    dependents: tuple[DependentRelation, ...] = ()
    least: int = 0
    most: int = 100
    overloads: tuple[FunctionFact, ...] = ()
    settings: tuple[tuple[str, str], ...] = ()
    extension: str = ""
    parameters: tuple[str, ...] = ()
    takes: tuple[Name, ...] = ()
    gives: Name | None = None
    made: bool = False
    owner: str = ""
    acl: Acl | None = None
    definer: bool = False
    coerces: tuple[Name, ...] = ()


def together(functions: Sequence[FunctionFact]) -> FunctionFact:
    """One fact of several functions of one name."""
    if len(functions) == 1:
        return functions[0]
    languages = {one.language for one in functions}
    return FunctionFact(
        functions[0].name,
        max((one.volatility for one in functions), key="isv".index),
        languages.pop() if len(languages) == 1 else "",
        "",
        tuple(dict.fromkeys(dependent for one in functions for dependent in one.dependents)),
        min(one.least for one in functions),
        max(one.most for one in functions),
        tuple(functions),
    )


class Fall(NamedTuple):
    """An object that is dropped with all that hangs on it: what it is in words, its plain name ("table.column" for a
    part), its arguments' number, its schema or that of its table.

    "owned" with a role's name stands for everything that the role owns.
    """

    kind: str
    name: str
    arguments: int = 0
    schema: str = ""


class Fallen(NamedTuple):
    """A relation that such a drop touches. `whole`: it falls, else the `columns` do, else it is locked only."""

    name: Name
    kind: str
    whole: bool = False
    columns: tuple[str, ...] = ()


class Obstacle(NamedTuple):
    """What keeps an object from being dropped without CASCADE: what it is ("view", "table column", …), the server's own
    words for it, the relation that it is or belongs to (None = no relation's), and its column or, of a function, name.
    `direct`: it depends on that very object.
    """

    what: str
    words: str
    relation: Name | None = None
    part: str = ""
    direct: bool = True


@value(frozen=True)
class DatabaseFacts:
    """What is known of one database at one moment; a relation that was asked for and is not here does not exist there.

    `prepared` are the session's own prepared statements by name, `cascades` what a CASCADE from an object touches,
    `obstacles` what keeps it from being dropped without one, `subscriptions` whether each is enabled, `settings` the
    session's settings, as SHOW gives them (see impact.session), `operators` those of users by their names, but for
    those of extensions, `event_triggers` and `casts` likewise, `roles` those that exist of the roles asked for,
    `statistics` are extended ones with their table and columns, `published` all publications by their names. `missing`
    are facts that the role may not read, each in words. `incomplete` says why something may be there that is asked for
    and isn't here, "" where nothing is.
    """

    relations: Mapping[Name, Relation] = field(default_factory=dict)
    types: Mapping[Name, TypeFact] = field(default_factory=dict)
    functions: Mapping[Name, FunctionFact] = field(default_factory=dict)
    publications: Mapping[str, tuple[Name, ...]] = field(default_factory=lambda: MappingProxyType({}))
    statistics: Mapping[Name, tuple[Name, frozenset[str]]] = field(default_factory=lambda: MappingProxyType({}))
    owned: Mapping[str, tuple[Name, ...]] = field(default_factory=lambda: MappingProxyType({}))
    search_path: tuple[str, ...] = ("public",)
    settings: Mapping[str, str | None] = field(default_factory=lambda: MappingProxyType({}))
    role: str = ""
    prepared: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    cascades: Mapping[Fall, tuple[Fallen, ...]] = field(default_factory=lambda: MappingProxyType({}))
    subscriptions: Mapping[str, bool] = field(default_factory=lambda: MappingProxyType({}))
    obstacles: Mapping[Fall, tuple[Obstacle, ...]] = field(default_factory=lambda: MappingProxyType({}))
    missing: tuple[str, ...] = ()
    operators: Mapping[str, tuple[OperatorFact, ...]] = field(default_factory=lambda: MappingProxyType({}))
    event_triggers: tuple[EventTrigger, ...] = ()
    roles: frozenset[str] = frozenset()
    casts: tuple[Cast, ...] = ()
    published: Mapping[str, Published] = field(default_factory=lambda: MappingProxyType({}))
    access: Access = Access()
    scope: Scope | None = None
    incomplete: str = ""


@value(frozen=True, slots=True)
class Scope:
    """What was asked for; None in Facts = everything, as if the whole catalog were in them.

    Names without a schema were looked for in each of the `schemas`, of which `there` exist and `shut` are those that
    this role may not use. `system` are the names that relations of pg_catalog have, `extensions` those that are there,
    `available` those that were asked for and could be made, `tablespaces` and (access) `methods` all that there are.
    """

    asked: Names
    schemas: frozenset[str] = frozenset()
    there: frozenset[str] = frozenset()
    shut: frozenset[str] = frozenset()
    system: frozenset[str] = frozenset()
    extensions: frozenset[str] = frozenset()
    available: frozenset[str] = frozenset()
    tablespaces: frozenset[str] = frozenset()
    methods: frozenset[str] = frozenset()

    def covers(self, name: Name) -> bool:
        """Whether that would be in the facts if it existed."""
        asked = self.asked
        if name in asked.all or name.schema in asked.schemas or "*" in asked.schemas:
            return True
        return name.schema in self.schemas and Name("", name.relation) in asked.all
