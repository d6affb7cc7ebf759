"""A database's schema as a person reads it: tables with their columns and keys, views, types, functions, comments."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from pgmig_tui.database.connect import Connection
from pgmig_tui.database.text import in_old_quotes, load

Texts = Sequence[str | None]


@dataclass(frozen=True, slots=True)
class ToldColumn:
    """`identity` is a (always) or d (by default), `generated` s (stored) or v (virtual), "" where it is neither;
    `expression` is its default, or what generates it."""

    name: str
    type: str
    not_null: bool
    expression: str
    identity: str
    generated: str
    comment: str


@dataclass(frozen=True, slots=True)
class ToldConstraint:
    """`kind` is p, u, f, c or x as in pg_constraint; `columns` are its columns' names, in the order of the key;
    `refers` is the name of the table that a foreign key refers to."""

    name: str
    kind: str
    definition: str
    validated: bool
    comment: str
    columns: tuple[str, ...] = ()
    refers: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class ToldIndex:
    """One that no constraint brought along."""

    name: str
    definition: str
    unique: bool
    valid: bool
    comment: str


@dataclass(frozen=True, slots=True)
class ToldTrigger:
    """`enabled` is "" where it fires as usual."""

    name: str
    definition: str
    enabled: str
    comment: str


@dataclass(frozen=True, slots=True)
class RowPolicy:
    """A policy of row security."""

    name: str
    command: str
    restrictive: bool
    roles: str
    using: str
    check: str
    comment: str


@dataclass(frozen=True, slots=True)
class ToldPartition:
    """`depth` counts from 0; `key` is how it is itself partitioned, "" where it isn't."""

    schema: str
    name: str
    bound: str
    key: str
    comment: str
    depth: int


@dataclass(frozen=True, slots=True)
class ToldRelation:
    """A table (r, p, f), a view (v), a materialized view (m) or a composite type (c), by `kind` as in pg_class.

    `row_security` is on, forced or ""; `partitioned` its key; `reads` what a view's query names.
    """

    schema: str
    name: str
    kind: str
    unlogged: bool
    comment: str
    partitioned: str
    row_security: str
    server: str
    inherits: str
    columns: tuple[ToldColumn, ...] = ()
    constraints: tuple[ToldConstraint, ...] = ()
    indexes: tuple[ToldIndex, ...] = ()
    triggers: tuple[ToldTrigger, ...] = ()
    policies: tuple[RowPolicy, ...] = ()
    partitions: tuple[ToldPartition, ...] = ()
    reads: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class DataType:
    """An enum (e) with its `labels`, a domain (d) over `base`, or a range (r) of `base`."""

    schema: str
    name: str
    kind: str
    comment: str
    base: str
    not_null: bool
    default: str
    labels: tuple[str, ...]
    checks: tuple[ToldConstraint, ...]


@dataclass(frozen=True, slots=True)
class Routine:
    """`kind` is f, p, a or w as in pg_proc."""

    schema: str
    name: str
    kind: str
    arguments: str
    result: str
    language: str
    definer: bool
    comment: str


@dataclass(frozen=True, slots=True)
class SchemaPart:
    """One schema; everything in it by name, in the order of code points."""

    name: str
    comment: str
    relations: tuple[ToldRelation, ...]
    types: tuple[DataType, ...]
    routines: tuple[Routine, ...]


@dataclass(frozen=True, slots=True)
class Described:
    """All schemas by name. `extensions` are (name, schema), without their versions."""

    schemas: tuple[SchemaPart, ...]
    extensions: tuple[tuple[str, str], ...]


def read_described(connection: Connection, without: Collection[str] = ()) -> Described:
    """Describe the database, but not these schemas. One question. Raises ServerError."""
    answer = [
        (str(kind), int(of), int(place), texts) for kind, of, place, texts in connection.execute(load("described"))
    ]
    rows = _ToldRows(answer)
    relations = _by_schema(_relation(oid, texts, rows) for oid, texts in rows.all("relation"))
    types = _by_schema(_type(oid, texts, rows) for oid, texts in rows.all("type"))
    routines = _by_schema(_routine(texts) for _, texts in rows.all("function"))
    schemas = (
        SchemaPart(
            name,
            comment,
            tuple(sorted(relations[name], key=lambda one: one.name)),
            tuple(sorted(types[name], key=lambda one: one.name)),
            tuple(sorted(routines[name], key=lambda one: (one.name, one.arguments))),
        )
        for name, comment in sorted((texts[0] or "", texts[1] or "") for _, texts in rows.all("schema"))
        if name not in without
    )
    extensions = sorted((texts[0] or "", texts[1] or "") for _, texts in rows.all("extension"))
    return Described(tuple(schemas), tuple(extensions))


class _InSchema(Protocol):
    @property
    def schema(self) -> str: ...


class _Named(Protocol):
    @property
    def name(self) -> str: ...


_S = TypeVar("_S", bound=_InSchema)
_N = TypeVar("_N", bound=_Named)


class _ToldRows:
    """The answer, by kind and by the object that a thing is part of."""

    def __init__(self, answer: Iterable[tuple[str, int, int, Texts]]) -> None:
        self._of: dict[tuple[str, int], list[Texts]] = defaultdict(list)
        self._all: dict[str, list[tuple[int, Texts]]] = defaultdict(list)
        self._columns: dict[int, dict[str, str]] = defaultdict(dict)
        for kind, oid, place, texts in sorted(answer, key=lambda row: row[2]):
            self._of[kind, oid].append(texts)
            self._all[kind].append((oid, texts))
            if kind == "column":
                self._columns[oid][str(place)] = texts[0] or ""

    def all(self, kind: str) -> Sequence[tuple[int, Texts]]:
        return self._all.get(kind, ())

    def of(self, kind: str, oid: int) -> Sequence[Texts]:
        return self._of.get((kind, oid), ())

    def name(self, oid: str | None) -> tuple[str, str] | None:
        """Schema and name of a relation."""
        found = self._of.get(("named", int(oid))) if oid else None
        return (found[0][0] or "", found[0][1] or "") if found else None

    def columns(self, oid: int, numbers: str | None) -> tuple[str, ...]:
        return tuple(self._columns[oid].get(number, "") for number in (numbers or "").split(",") if number != "")


def _by_schema(things: Iterable[_S]) -> dict[str, list[_S]]:
    found: dict[str, list[_S]] = defaultdict(list)
    for one in things:
        found[one.schema].append(one)
    return found


def _by_name(things: Iterable[_N]) -> tuple[_N, ...]:
    return tuple(sorted(things, key=lambda one: one.name))


def _relation(oid: int, texts: Texts, rows: _ToldRows) -> ToldRelation:
    schema, name, kind, persistence, comment, key, row_security, server, inherits = texts
    if kind == "c":  # its comment is its type's
        comment = next((one[0] for one in rows.of("composite", oid)), None)
    constraints = (_constraint(one, rows, oid) for one in rows.of("constraint", oid))
    return ToldRelation(
        schema or "",
        name or "",
        kind or "",
        persistence == "u",
        comment or "",
        in_old_quotes(key),
        row_security or "",
        server or "",
        in_old_quotes(inherits),
        columns=tuple(_column(one) for one in rows.of("column", oid)),
        constraints=tuple(sorted(constraints, key=lambda one: ("pufxc".index(one.kind), one.name))),
        indexes=_by_name(_index(one) for one in rows.of("index", oid)),
        triggers=_by_name(_trigger(one) for one in rows.of("trigger", oid)),
        policies=_by_name(_policy(one) for one in rows.of("policy", oid)),
        partitions=tuple(_partitions(oid, rows, 0)),
        reads=tuple(sorted((one[0] or "", one[1] or "") for one in rows.of("reads", oid))),
    )


def _column(texts: Texts) -> ToldColumn:
    name, kind, not_null, expression, identity, generated, comment = texts
    return ToldColumn(
        name or "",
        in_old_quotes(kind),
        bool(not_null),
        in_old_quotes(expression),
        identity or "",
        generated or "",
        comment or "",
    )


def _constraint(texts: Texts, rows: _ToldRows, oid: int) -> ToldConstraint:
    name, kind, definition, unvalidated, comment, refers, columns = texts
    return ToldConstraint(
        name or "",
        kind or "",
        in_old_quotes(definition),
        not unvalidated,
        comment or "",
        rows.columns(oid, columns),
        rows.name(refers),
    )


def _index(texts: Texts) -> ToldIndex:
    name, definition, unique, invalid, comment = texts
    return ToldIndex(name or "", in_old_quotes(definition), bool(unique), not invalid, comment or "")


def _trigger(texts: Texts) -> ToldTrigger:
    name, definition, enabled, comment = texts
    return ToldTrigger(name or "", in_old_quotes(definition), enabled or "", comment or "")


def _policy(texts: Texts) -> RowPolicy:
    name, command, restrictive, roles, using, check, comment = texts
    return RowPolicy(
        name or "", command or "", bool(restrictive), roles or "", _condition(using), _condition(check), comment or ""
    )


def _condition(value: str | None) -> str:
    """A policy's condition may hold queries, which each version writes in its own way."""
    text = in_old_quotes(value)
    if "SELECT" not in text:
        return text
    from pgmig_tui.script.viewdef import in_one_form

    return in_one_form(f"SELECT {text}").removeprefix("SELECT ")


def _partitions(oid: int, rows: _ToldRows, depth: int) -> Iterator[ToldPartition]:
    for texts in sorted(rows.of("partition", oid), key=lambda one: (one[1] or "", one[2] or "")):
        part, schema, name, bound, key, comment = texts
        yield ToldPartition(schema or "", name or "", in_old_quotes(bound), in_old_quotes(key), comment or "", depth)
        yield from _partitions(int(part or 0), rows, depth + 1)


def _type(oid: int, texts: Texts, rows: _ToldRows) -> DataType:
    schema, name, kind, comment, base, not_null, default, subtype = texts
    checks = (_constraint(one, rows, 0) for one in rows.of("constraint", oid))
    return DataType(
        schema or "",
        name or "",
        kind or "",
        comment or "",
        in_old_quotes(base or subtype),
        bool(not_null),
        in_old_quotes(default),
        tuple(one[0] or "" for one in rows.of("label", oid)),
        _by_name(one for one in checks if one.kind == "c"),
    )


def _routine(texts: Texts) -> Routine:
    schema, name, kind, arguments, result, language, definer, comment = texts
    return Routine(
        schema or "",
        name or "",
        kind or "",
        in_old_quotes(arguments),
        in_old_quotes(result),
        language or "",
        bool(definer),
        comment or "",
    )
