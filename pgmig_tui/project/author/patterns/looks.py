"""What a verify script asks the catalog for: queries from their FROM on, that find a row where it is so."""

from __future__ import annotations

from pgmig_tui.project.author.patterns.draft import literal_of
from pgmig_tui.script.given import QualifiedName
from pgmig_tui.script.quoting import quote_literal


def column_is(table: QualifiedName, column: str, *more: str) -> str:
    """A column of a table; `more` are conditions on its row of pg_attribute."""
    return _query(
        "pg_catalog.pg_attribute",
        f"attrelid = {literal_of(table)}::pg_catalog.regclass",
        f"attname = {quote_literal(column)}",
        "attnum > 0",
        "NOT attisdropped",
        *more,
    )


def of_type(text: str) -> str:
    return f"atttypid = {quote_literal(text)}::pg_catalog.regtype"


def constraint_is(table: QualifiedName, name: str, *more: str) -> str:
    return _query(
        "pg_catalog.pg_constraint",
        f"conrelid = {literal_of(table)}::pg_catalog.regclass",
        f"conname = {quote_literal(name)}",
        *more,
    )


def index_is(index: QualifiedName, table: QualifiedName, *more: str) -> str:
    """A valid index of a table."""
    return _query(
        "pg_catalog.pg_index",
        f"indexrelid = pg_catalog.to_regclass({literal_of(index)})",
        f"indrelid = {literal_of(table)}::pg_catalog.regclass",
        "indisvalid",
        *more,
    )


def relation_is(name: QualifiedName, *kinds: str) -> str:
    """A relation, of one of these kinds (pg_class.relkind) where there are some."""
    more = [f"relkind IN ({', '.join(map(quote_literal, kinds))})"] if kinds else []
    return _query("pg_catalog.pg_class", f"oid = pg_catalog.to_regclass({literal_of(name)})", *more)


def either(*queries: str) -> str:
    """Where one of these finds a row: what a later change of the same pattern has made of it holds, too."""
    return "WHERE " + "\n           OR ".join(
        f"({one.removeprefix('WHERE ')})" if one.startswith("WHERE ") else f"EXISTS (SELECT {one})" for one in queries
    )


def none(query: str) -> str:
    """Where it finds no row."""
    return f"WHERE NOT EXISTS (SELECT {query})"


def _query(source: str, *conditions: str) -> str:
    return f"FROM {source}\n         WHERE " + "\n           AND ".join(conditions)
