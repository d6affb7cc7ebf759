"""Rules by which the rows of a dump are masked before anything is done with them.

    -- mask: shop.customers.email = 'customer ' || id || '@example.com'

in a deploy script: the column gets that value in every row, an expression of the row's own columns.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from pgmig_tui.database.connect import Connection, ServerError
from pgmig_tui.database.text import ident, literal
from pgmig_tui.errors import StepFailure, UsageError

# Also behind a column's definition; and what is nearly a rule, since what it is about would stay as it is.
_MASK = re.compile(rb"--[ \t]*masks?[ \t]*:[ \t]*([^\r\n]*?)[ \t;]*\r?$", re.IGNORECASE | re.MULTILINE)
_NEARLY = re.compile(rb"--[ \t]*masks?[ \t]+[^\s=:]+\.[^\s=]+\.[^=\r\n]+=[^\r\n]*", re.IGNORECASE)
_PART = r'("(?:[^"]|"")+"|[^\s."=]+)'
_RULE = re.compile(rf"{_PART}\.{_PART}\.{_PART}\s*=\s*(.+)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Mask:
    """The value of a column, an SQL expression; names without quotes."""

    schema: str
    table: str
    column: str
    value: str

    @property
    def sql_table(self) -> str:
        return f"{ident(self.schema)}.{ident(self.table)}"


def read_masks(scripts: Iterable[tuple[str, bytes]]) -> tuple[Mask, ...]:
    """The rules of these scripts, (name, bytes) in the plan's order; of two for one column the later one. Raises
    UsageError for one that can't be read: what it is about would stay as it is."""
    found: dict[tuple[str, str, str], Mask] = {}
    for name, data in scripts:
        for comment in (*_NEARLY.finditer(data), *_MASK.finditer(data)):
            said = comment[1] if comment.re is _MASK else b""
            rule = _RULE.fullmatch(said.decode("utf-8", "replace").strip())
            if rule is None:
                line = data.count(b"\n", 0, comment.start()) + 1
                raise UsageError(
                    f"{name}:{line}: this is no rule of masking.",
                    now="Nothing was tested.",
                    do="Write: -- mask: SCHEMA.TABLE.COLUMN = EXPRESSION",
                )
            schema, table, column = (_unquoted(rule[number]) for number in (1, 2, 3))
            found[schema, table, column] = Mask(schema, table, column, rule[4])
    return tuple(found.values())


def _unquoted(name: str) -> str:
    return name[1:-1].replace('""', '"') if name.startswith('"') else name.lower()


def mask(session: Connection, masks: Iterable[Mask]) -> tuple[Mask, ...]:
    """Mask every column that is there, and what materialized views hold of it, and return those rules; triggers don't
    fire where the role may say so. Raises StepFailure where one can't be carried out: the rows mustn't be used then."""
    there = [one for one in masks if session.execute(_there(one))]
    tables: dict[str, list[Mask]] = {}
    for one in there:
        tables.setdefault(one.sql_table, []).append(one)
    session.execute("SET search_path TO DEFAULT")
    for table, rules in tables.items():
        values = ", ".join(f"{ident(one.column)} = ({one.value})" for one in rules)
        try:
            session.execute(f"UPDATE {table} SET {values}")
        except ServerError as error:
            raise _unmasked(f"the rows of {rules[0].schema}.{rules[0].table}", error) from None
    for schema, view in session.execute(_VIEWS) if there else ():
        try:
            session.execute(f"REFRESH MATERIALIZED VIEW {ident(schema)}.{ident(view)}")
        except ServerError as error:
            raise _unmasked(f"the rows of the materialized view {schema}.{view}", error) from None
    session.execute("SET search_path = pg_catalog")
    return tuple(there)


_VIEWS = (
    "SELECT n.nspname, c.relname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
    " WHERE c.relkind = 'm' AND c.relispopulated ORDER BY c.oid"
)
"""As they were made: one that reads another is behind it."""


def _unmasked(what: str, error: ServerError) -> StepFailure:
    return StepFailure(
        f"{what} can't be masked: {error.what}",
        now="Nothing was tested; the copy with these rows is gone.",
        do="Correct the rules of masking (-- mask:) in the deploy scripts.",
    )


def _there(one: Mask) -> str:
    return (
        f"SELECT 1 FROM pg_catalog.pg_attribute WHERE attrelid = pg_catalog.to_regclass({literal(one.sql_table)})"
        f" AND attname = {literal(one.column)} AND attnum > 0 AND NOT attisdropped"
    )
