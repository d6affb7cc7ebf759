"""Puts the rows of catalog.sql together as impact.facts."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pgmig_tui.impact.access import Access, Guarded, acl_of
from pgmig_tui.impact.facts import (
    Call,
    Cast,
    CheckConstraint,
    Column,
    DatabaseFacts,
    DependentRelation,
    EventTrigger,
    ForeignKey,
    FunctionFact,
    Index,
    Name,
    OperatorFact,
    OwnedSequence,
    Published,
    Relation,
    Scope,
    Trigger,
    TypeFact,
    together,
)
from pgmig_tui.impact.session import USER
from pgmig_tui.impact.wanted import Names

_NOT_NULL = re.compile(r"\{NULLTEST :arg \{VAR :varno 1 :varattno (\d+) [^}]*\} :nulltesttype 1 ")

Json = Any  # a document as the server's json_build_object made it
Row = Sequence[Any]


def facts_of(document: Json, asked: Names, *, anew: bool = False) -> DatabaseFacts:
    """The facts in one document of catalog.sql, which was asked for some names. `anew`: for a session that begins,
    with the settings that the server gives it, and not for this one.
    """
    rows = _Rows(document)
    types = [_type(row, rows) for row in document["types"] or ()]
    return DatabaseFacts(
        {
            name: _relation(row, rows)
            for row, name in zip(document["relations"] or (), rows.names.values(), strict=True)
        },
        {fact.name: fact for fact in types},
        _functions(document["functions"] or (), rows),
        rows.by_word("publications"),
        {
            Name(schema, name): (rows.names[table], frozenset(rows.attributes(table, keys)))
            for schema, name, table, keys in document["statistics"] or ()
            if table in rows.names
        },
        rows.by_word("owned"),
        settings={name: begun if anew else now for name, now, begun in document["settings"]},
        role=document["role"],
        prepared=document["prepared"] or {},
        subscriptions=document["subscriptions"] or {},
        operators=_operators(document["operators"] or ()),
        event_triggers=tuple(
            EventTrigger(name, event, tuple(tags or ()), Name(schema, function), enabled)
            for name, event, tags, schema, function, enabled in document["event_triggers"] or ()
        ),
        roles=frozenset(document["roles"] or ()),
        casts=tuple(
            Cast(Name(source, one), Name(target, other), Name(*function) if function else None, context)
            for source, one, target, other, function, context in document["casts"] or ()
        ),
        published={
            name: Published(every, updates, deletes, frozenset(rows.names[t] for t in tables or () if t in rows.names))
            for name, every, updates, deletes, tables in document["published"] or ()
        },
        access=_access(document),
        scope=_scope(document, asked),
    )


def _access(document: Json) -> Access:
    members: dict[str, dict[str, bool]] = {}
    for member, role, inherits in document["members"] or ():
        members.setdefault(member, {})[role] = inherits
    persons = document["persons"] or ()
    owner, acl = document["database"]
    return Access(
        frozenset(role for role, superuser, _, _ in persons if superuser),
        frozenset(role for role, *_ in persons),
        members,
        frozenset(role for role, _, maker, _ in persons if maker),
        frozenset(role for role, _, _, holds in persons if holds),
        {schema: Guarded(owned_by, acl_of(items)) for schema, owned_by, items in document["schemas"] or ()},
        Guarded(owner, acl_of(acl)),
        document["defaults"],
    )


def _operators(rows: Sequence[Row]) -> dict[str, tuple[OperatorFact, ...]]:
    found: dict[str, tuple[OperatorFact, ...]] = {}
    for name, schema, function_schema, function in rows:
        found[name] = (*found.get(name, ()), OperatorFact(schema, Name(function_schema, function)))
    return found


def _scope(document: Json, asked: Names) -> Scope:
    role = document["role"]
    there = dict(document["path"] or ())
    return Scope(
        asked.copy(),
        frozenset(role if name == USER else name for name in document["sought"]) | frozenset(there),
        frozenset(there),
        frozenset(name for name, usable in there.items() if not usable),
        frozenset(document["system"] or ()),
        frozenset(document["extensions"] or ()),
        frozenset(document["available"] or ()),
        frozenset((document["tablespaces"] or {}).values()),
        frozenset((document["methods"] or {}).values()),
    )


class _Rows:
    """The document's rows by what they belong to: all keys are oids."""

    def __init__(self, document: Json) -> None:
        self.document = document
        self.block: int = document["block"]
        self.names = {row[0]: Name(row[1], row[2]) for row in document["relations"] or ()}
        self.kinds: dict[int, str] = {row[0]: row[3] for row in document["relations"] or ()}
        self.types = {row[0]: row for row in document["type_names"] or ()}
        self.collations: Mapping[str, str] = document["collations"] or {}
        self.methods: Mapping[str, str] = document["methods"] or {}
        self.tablespaces: Mapping[str, str] = document["tablespaces"] or {}
        self.columns = self.under("columns")
        self.column_names = {
            relation: {row[1]: row[2] for row in columns} for relation, columns in self.columns.items()
        }
        self.indexes = self.under("indexes")
        self.index_names = {
            row[1]: Name(self.names[relation].schema, row[2])
            for relation, indexes in self.indexes.items()
            for row in indexes
        }
        self.index_columns = self.under("index_columns")
        self.index_parents = {row[0]: Name(row[1], row[2]) for row in document["index_parents"] or ()}
        self.constraints = self.under("constraints")
        self.parents = self.under("inherits")
        self.children = self.under("inherits", 1)
        self.partitioned: dict[int, Row] = {row[0]: row for row in document["partitioned"] or ()}
        self.sequences = self.under("sequences")
        self.triggers = self.under("triggers")
        self.rules = self.under("rules")
        self.calls: dict[int, list[Row]] = defaultdict(list)
        for text in document["calls"] or ():
            row = json.loads(text)
            self.calls[row[0]].append(row)
        self.type_calls: dict[int, list[Row]] = defaultdict(list)
        for text in document["type_calls"] or ():
            row = json.loads(text)
            self.type_calls[row[0]].append(row)
        self.policies = self.under("policies")
        self.reads = self.under("named_by_rules")
        self.dependents = self._dependents()
        self.base_types = self.under("base_types")
        self.type_uses = self.under("type_uses")

    def under(self, key: str, position: int = 0) -> dict[int, list[Row]]:
        found: dict[int, list[Row]] = defaultdict(list)
        for row in self.document[key] or ():
            found[row[position]].append(row)
        return found

    def by_word(self, key: str) -> dict[str, tuple[Name, ...]]:
        """Relations by a name that is no relation's."""
        found: dict[str, list[Name]] = {}
        for word, relation in self.document[key] or ():
            if relation in self.names:
                found.setdefault(word, []).append(self.names[relation])
        return {word: tuple(names) for word, names in found.items()}

    def attributes(self, relation: int, numbers: Iterable[int] | None) -> tuple[str, ...]:
        known = self.column_names.get(relation, {})
        return tuple([known[number] for number in numbers or () if number in known])

    def partition_key(self, relation: int) -> tuple[str, ...]:
        known = self.column_names.get(relation, {})
        numbers = self.partitioned[relation][2] if relation in self.partitioned else ()
        return tuple([known.get(number, "") for number in numbers])

    def tablespace(self, own: int, *, stored: bool) -> str:
        return self.tablespaces.get(str(own or (self.document["tablespace"] if stored else 0)), "")

    def _dependents(self) -> dict[int, list[DependentRelation]]:
        columns: dict[tuple[int, int, str, str], set[str]] = {}
        for key, kind in (("named_by_rules", ""), ("named_by_policies", "y")):
            for user, relation, number, part in self.document[key] or ():
                if user in self.names and relation in self.names:
                    what = kind or (self.kinds[user] if self.kinds[user] in "vm" else "rule")
                    whole = "" if what in "vm" else part
                    columns.setdefault((relation, user, what, whole), set()).update(
                        self.attributes(relation, (number,))
                    )
        for key, kind in (("named_by_defaults", "d"), ("tables_of_types", "t")):
            for user, relation, part in self.document[key] or ():
                if user in self.names:
                    columns.setdefault((relation, user, kind, part), set())
        found: dict[int, list[DependentRelation]] = defaultdict(list)
        for (relation, user, kind, part), named in columns.items():
            found[relation].append(DependentRelation(self.names[user], kind, frozenset(named), part))
        return found


def _relation(row: Row, rows: _Rows) -> Relation:
    (
        oid,
        schema,
        name,
        kind,
        persistence,
        owner,
        method,
        pages,
        estimated,
        live,
        is_partition,
        tablespace,
        populated,
        replica_identity,
        of_type,
        acl,
        bound,
    ) = row
    constraints = rows.constraints.get(oid, ())
    unproven = {rows.column_names[oid].get(c[6][0]) for c in constraints if c[3] == "n" and not c[4]}
    never_counted = estimated < 0 or (estimated == 0 and pages == 0)
    backing = {c[8]: c[2] for c in constraints if c[3] in "pux"}
    own = Name(schema, name)
    return Relation(
        own,
        kind,
        columns={c[2]: _column(c, rows, unproven) for c in rows.columns.get(oid, ())},
        indexes=tuple([_index(i, oid, rows, backing) for i in rows.indexes.get(oid, ())]),
        checks=tuple([_check(c, oid, rows) for c in constraints if c[3] in "cn"]),
        foreign_keys=tuple([_foreign_key(c, own, rows) for c in constraints if c[3] == "f" and c[10] in rows.names]),
        parents=tuple([rows.names[p] for _, p in rows.parents.get(oid, ()) if p in rows.names]),
        children=tuple(sorted([rows.names[c] for c, _ in rows.children.get(oid, ())])),
        is_partition=is_partition,
        default_partition=rows.names.get(rows.partitioned[oid][1]) if oid in rows.partitioned else None,
        partition_key=rows.partition_key(oid),
        replica_identity=replica_identity,
        sequences=tuple(
            [
                OwnedSequence(rows.names[s], rows.column_names[oid][number], identity)
                for _, s, number, identity in rows.sequences.get(oid, ())
                if number in rows.column_names.get(oid, ())
            ]
        ),
        dependents=tuple(rows.dependents.get(oid, ())),
        reads=tuple(sorted({rows.names[r] for _, r, *_ in rows.reads.get(oid, ()) if r in rows.names})),
        calls=tuple([_call(c, rows) for c in rows.calls.get(oid, ())]),
        triggers=tuple([_trigger(t, rows) for t in rows.triggers.get(oid, ())]),
        rules=tuple([r for _, r, _ in rows.rules.get(oid, ())]),
        rule_events={r: event for _, r, event in rows.rules.get(oid, ())},
        policies=tuple([p for _, p in rows.policies.get(oid, ())]),
        tablespace=rows.tablespace(tablespace, stored=kind in "rmp"),
        of_type=None if of_type is None else Name(*of_type),
        owner=owner,
        acl=acl_of(acl),
        bound=bound or "",
        persistence=persistence,
        access_method=rows.methods.get(str(method), ""),
        bytes=-1 if never_counted else int(pages) * rows.block,
        rows=int(live or 0) or -1 if never_counted else int(estimated),
        populated=populated,
    )


def _column(c: Row, rows: _Rows, unproven: set[str | None]) -> Column:
    _, _, name, type_oid, typmod, not_null, has_default, identity, generated, collation, bare, default_type, acl = c
    _, type_name, type_schema, usual = rows.types[type_oid]
    return Column(
        name,
        type_name,
        typmod,
        type_schema,
        not_null,
        has_default,
        identity or "",
        generated or "",
        rows.collations.get(str(collation), "") if collation != usual else "",
        name not in unproven,
        bare=bool(bare),
        default_type=default_type or "",
        acl=acl_of(acl),
    )


def _index(i: Row, table: int, rows: _Rows, backing: Mapping[int, str]) -> Index:
    _, oid, _, numbers, count, unique, primary, valid, pages, tablespace, computed_one, method, *marks = i
    columns = rows.attributes(table, numbers)
    computed = rows.index_columns.get(oid)
    return Index(
        rows.index_names[oid],
        frozenset((*columns, *rows.attributes(table, (c[1] for c in computed)))) if computed else frozenset(columns),
        rows.attributes(table, numbers[:count]) if count < len(numbers) else columns,
        unique,
        primary,
        valid,
        backing.get(oid, ""),
        rows.index_parents.get(oid),
        pages * rows.block,
        rows.tablespace(tablespace, stored=True),
        whole=not computed_one,
        method=rows.methods.get(str(method), ""),
        clustered=marks[0],
        partial=marks[1],
        deferrable=marks[2],
        exclusion=marks[3],
        identity=marks[4],
    )


def _call(c: Row, rows: _Rows) -> Call:
    relation, when, number, schema, function = c
    return Call(when, Name(schema, function), rows.column_names.get(relation, {}).get(number, ""))


def _trigger(t: Row, rows: _Rows) -> Trigger:
    table, name, schema, function, kind, enabled, numbers, deferred = t
    return Trigger(name, Name(schema, function), kind, enabled, frozenset(rows.attributes(table, numbers)), deferred)


def _check(c: Row, table: int, rows: _Rows) -> CheckConstraint:
    columns = rows.attributes(table, c[6])
    if c[3] == "n":
        return CheckConstraint(c[2], columns, c[4], "n", frozenset(columns), c[5])
    proves = rows.attributes(table, not_null_columns(c[7] or ""))
    return CheckConstraint(c[2], columns, c[4], "c", frozenset(proves), c[5])


def not_null_columns(tree: str) -> list[int]:
    """Column numbers that a CHECK's node tree (pg_node_tree as text) keeps from being NULL: `c IS NOT NULL`, alone or
    as an arm of the outermost AND.
    """
    start = "{BOOLEXPR :boolop and :args ("
    if not tree.startswith(start):
        found = _NOT_NULL.match(tree)
        return [int(found[1])] if found else []
    arms, depth, begin = [], 0, len(start)
    for position in range(len(start), len(tree)):
        depth += {"{": 1, "}": -1}.get(tree[position], 0)
        if depth == 0 and tree[position] == "}":
            arms.append(tree[begin : position + 1].lstrip())
            begin = position + 1
    return [number for arm in arms for number in not_null_columns(arm)]


def _foreign_key(c: Row, table: Name, rows: _Rows) -> ForeignKey:
    (
        own,
        oid,
        name,
        _,
        valid,
        _,
        numbers,
        _,
        index,
        parent,
        referenced,
        theirs,
        on_delete,
        on_update,
        shape,
        enforced,
    ) = c
    return ForeignKey(
        name,
        table,
        rows.attributes(own, numbers),
        rows.names[referenced],
        rows.attributes(referenced, theirs),
        valid,
        on_delete.strip() or "a",
        on_update.strip() or "a",
        enforced is not False,
        rows.index_names.get(index),
        parent != 0,
        oid,
        parent,
        shape,
    )


def _type(row: Row, rows: _Rows) -> TypeFact:
    oid, schema, name, kind, default, default_calls, labels = row
    uses: dict[Name, set[str]] = {}
    for _, relation, number in rows.type_uses.get(oid, ()):
        if relation in rows.names:
            uses.setdefault(rows.names[relation], set()).update(rows.attributes(relation, (number,)))
    bases = rows.base_types.get(oid, ())
    return TypeFact(
        Name(schema, name),
        kind,
        next((base for _, base, _, _ in bases if base), ""),
        next((typmod for _, _, typmod, _ in bases if typmod != -1), -1),
        any(constrained for *_, constrained in bases),
        tuple(DependentRelation(name, "t", frozenset(columns)) for name, columns in sorted(uses.items())),
        default or "",
        default_calls or "",
        frozenset(labels or ()),
        calls=tuple([Call(when, Name(*function)) for _, when, *function in rows.type_calls.get(oid, ())]),
    )


def _functions(items: Sequence[Json], rows: _Rows) -> dict[Name, FunctionFact]:
    found: dict[Name, list[FunctionFact]] = {}
    for item in items:
        name = Name(*item["name"])
        users = tuple(
            DependentRelation(
                rows.names[user],
                rows.kinds[user] if kind == "rule" and rows.kinds[user] in "vm" else kind,
                part=part or "",
            )
            for user, kind, part in item["users"] or ()
            if user in rows.names
        )
        least, most = item["arguments"]
        body = item["body"] or ""
        settings = tuple(
            (key.lower(), value) for key, _, value in (one.partition("=") for one in item["settings"] or ())
        )
        fact = FunctionFact(
            name,
            item["volatility"],
            item["language"],
            body,
            users,
            least,
            most,
            settings=settings,
            extension=item["extension"] or "",
            parameters=tuple(item["parameters"] or ()),
            takes=tuple([Name(*one) for one in item["takes"] or ()]),
            gives=Name(*item["gives"]) if item["gives"] else None,
            owner=item["owner"],
            acl=acl_of(item["acl"]),
            definer=item["definer"],
            coerces=tuple(
                dict.fromkeys(
                    Name(*called)
                    for one in item["types"]
                    for _, when, *called in rows.type_calls.get(one, ())
                    if when == "c"
                )
            ),
        )
        found.setdefault(name, []).append(fact)
    return {name: together(facts) for name, facts in found.items()}
