"""What rows of a table have to be like, as the catalog says: read by `fill.sql`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pgmig_tui.database.text import ident


@dataclass(frozen=True, slots=True)
class TypeFacts:
    """A type. `plain` is its name where it is PostgreSQL's own, else ""; `kind` is pg_type.typtype; `element`, `base`
    and `subtype` are OIDs, 0 = none. `checks` are (name, expression) of a domain."""

    name: str
    plain: str
    kind: str
    category: str
    element: int = 0
    base: int = 0
    base_name: str = ""
    subtype: int = 0
    labels: tuple[str, ...] = ()
    checks: tuple[tuple[str, str], ...] = ()
    not_null: bool = False


@dataclass(frozen=True, slots=True)
class ColumnFacts:
    """A column. `counted`: it is an identity, or its default is a sequence's next number."""

    name: str
    type: int
    type_name: str
    not_null: bool = False
    default: bool = False
    generated: bool = False
    counted: bool = False


@dataclass(frozen=True, slots=True)
class CheckFacts:
    """What must not be false of a row, and the columns that it reads."""

    name: str
    expression: str
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ForeignFacts:
    """A foreign key: `columns` hold `keys` of the table with that OID."""

    name: str
    table: int
    columns: tuple[str, ...]
    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TableShape:
    """A table. `unique` are the columns of each unique index; `deferrable`: one of them is checked later."""

    oid: int
    schema: str
    name: str
    columns: tuple[ColumnFacts, ...]
    unique: tuple[tuple[str, ...], ...] = ()
    deferrable: bool = False
    checks: tuple[CheckFacts, ...] = ()
    foreign: tuple[ForeignFacts, ...] = ()

    @property
    def full_name(self) -> str:
        return f"{self.schema}.{self.name}"

    @property
    def sql_name(self) -> str:
        return f"{ident(self.schema)}.{ident(self.name)}"

    def column(self, name: str) -> ColumnFacts:
        return next(one for one in self.columns if one.name == name)


@dataclass(frozen=True, slots=True)
class RowFacts:
    """All tables that get rows, and the types of their columns by OID."""

    tables: tuple[TableShape, ...]
    types: Mapping[int, TypeFacts]


def read_facts(document: Mapping[str, Any]) -> RowFacts:
    """The facts of the document that `fill.sql` gives."""
    types = {int(oid): _type(one) for oid, one in (document["types"] or {}).items()}
    return RowFacts(tuple(_table(one) for one in document["tables"] or ()), types)


def _type(one: Mapping[str, Any]) -> TypeFacts:
    return TypeFacts(
        one["name"],
        one["plain"] or "",
        one["kind"],
        one["category"],
        int(one["element"] or 0),
        int(one["base"] or 0),
        one["base_name"] or "",
        int(one["subtype"] or 0),
        tuple(one["labels"] or ()),
        tuple((name, expression) for name, expression in one["checks"] or ()),
        bool(one["not_null"]),
    )


def _table(one: Mapping[str, Any]) -> TableShape:
    checks = [CheckFacts(name, text, tuple(columns or ())) for name, text, columns in one["checks"] or ()]
    if bounds := one["bounds"]:
        # A row that fits no partition is refused; a table without partitions takes none.
        each = " OR ".join(f"({text})" for text in bounds["any"] or () if text)
        if each or not bounds["any"]:
            checks.append(CheckFacts("the bounds of its partitions", each or "false", tuple(bounds["columns"] or ())))
    columns = (
        ColumnFacts(
            c["name"], int(c["type"]), c["type_name"], c["not_null"], c["default"], c["generated"], c["counted"]
        )
        for c in one["columns"] or ()
    )
    foreign = (
        ForeignFacts(f["name"], int(f["table"]), tuple(f["columns"]), tuple(f["keys"])) for f in one["foreign"] or ()
    )
    unique = tuple(tuple(names) for names in one["unique"] or () if names)
    return TableShape(
        int(one["oid"]),
        one["schema"],
        one["name"],
        tuple(columns),
        unique,
        bool(one["deferrable"]),
        tuple(checks),
        tuple(foreign),
    )
