"""The oldest part of the record, taken away: what it is, its rows for an export, and the checkpoint that stays.

Only a whole beginning of the chain goes. The head keeps the place and the hash of the last row that went: the first row
that stays holds that hash as its predecessor's, so the chain is judged from there, and whoever has witnessed a later
row vouches for it. That it went, when, by whom and into which file is a row of evidence, `checkpoint`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from pgmig_tui.database.connect import Connection
from pgmig_tui.database.own_tables import behind_look, look_sql, tracking_tables
from pgmig_tui.database.text import bind, literal, load
from pgmig_tui.database.tracking_text import HEAD
from pgmig_tui.errors import NotPermitted

CHECKPOINT = "checkpoint"
"""The item of its evidence."""
_AT_ONCE = 2000


@dataclass(frozen=True, slots=True)
class Prefix:
    """The rows of the chain `chain` behind place `since` up to `until` (its hash with it), none when they are equal.
    The times are of the first and the last one (UTC)."""

    chain: str
    since: int
    until: int
    hash: str
    migrations: int
    statements: int
    evidence: int
    first_at: str
    last_at: str

    @property
    def empty(self) -> bool:
        return self.until == self.since


def read_prefix(connection: Connection, schema: str, before: datetime, most: int | None = None) -> Prefix:
    """The longest beginning all of which is older than `before`, and ends at place `most` at the latest. Raises
    ServerError, Refused."""
    sql = bind(load("queries/chain_prefix"), {"schema": schema, "before": before.isoformat()})
    sql = sql.replace(":most", "NULL" if most is None else str(int(most)))
    rows = connection.execute(behind_look(sql, tracking_tables(schema)))
    return Prefix(*rows[0])


def require_owner(connection: Connection, schema: str) -> None:
    """Raises NotPermitted where this role doesn't own the tables, or belong to who does."""
    row = connection.one(
        "SELECT current_user::text, (SELECT pg_catalog.pg_get_userbyid(c.relowner)::text FROM pg_catalog.pg_class c"
        " JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
        f" WHERE n.nspname = {literal(schema)} AND c.relname = ANY"
        f" ('{{schema_migrations,schema_audit,evidence,{HEAD}}}'::name[])"
        " AND NOT pg_catalog.pg_has_role(c.relowner, 'USAGE') LIMIT 1)"
    )
    assert row is not None
    if row[1] is not None:
        raise NotPermitted(
            f"the tables of schema {schema} belong to {row[1]}, and only their owner may take rows away, not {row[0]}",
            now="Nothing was changed.",
            do=f"Do it as {row[1]}.",
        )


def rows_of(connection: Connection, schema: str, prefix: Prefix) -> Iterator[tuple[str, str]]:
    """(table, row as JSON) of all that goes, in the chain's order, in the transaction that takes it away. Raises
    ServerError."""
    sql = load("queries/chain_rows")
    for first in range(prefix.since, prefix.until, _AT_ONCE):
        last = min(first + _AT_ONCE, prefix.until)
        yield from connection.execute(
            bind(sql, {"schema": schema}).replace(":first", str(first)).replace(":last", str(last))
        )


def hold_head(connection: Connection, schema: str) -> None:
    """Keep everybody from adding to the chain until the transaction ends. Raises ServerError, Refused."""
    connection.execute(look_sql(tracking_tables(schema)))
    connection.execute(bind(f'SELECT FROM ONLY :"schema".{HEAD} FOR UPDATE', {"schema": schema}))


def take_away(connection: Connection, schema: str, prefix: Prefix) -> None:
    """Delete what goes, and begin the chain behind it. Raises ServerError."""
    looked = f"WITH guard AS MATERIALIZED ({look_sql(tracking_tables(schema))})"
    until = str(int(prefix.until))
    for one in (
        'DELETE FROM ONLY :"schema".schema_audit AS s USING ONLY :"schema".schema_migrations AS m'
        " WHERE s.migration_id = m.id AND m.seq <= :until",
        'DELETE FROM ONLY :"schema".schema_migrations AS m WHERE m.seq <= :until',
        'DELETE FROM ONLY :"schema".evidence AS e WHERE e.seq <= :until',
        f"UPDATE ONLY :\"schema\".{HEAD} AS h SET base_seq = :until, base_hash = :'hash'",
    ):
        sql = bind(one, {"schema": schema, "hash": prefix.hash}).replace(":until", until)
        connection.execute(f"{looked}, done AS ({sql} RETURNING 1) SELECT (SELECT count(*) FROM done) FROM guard")


def read_checkpoint(connection: Connection, schema: str) -> Mapping[str, object] | None:
    """What is said of the checkpoint that the chain begins at: its evidence's `rows`; None where nothing is. Raises
    ServerError, Refused."""
    sql = bind(
        f'SELECT e.rows FROM ONLY :"schema".evidence AS e JOIN ONLY :"schema".{HEAD} AS h'
        " ON e.rows->>'base_seq' = h.base_seq::pg_catalog.text AND e.rows->>'base_hash' = h.base_hash"
        f" WHERE h.base_seq > 0 AND e.item = '{CHECKPOINT}' ORDER BY e.seq DESC LIMIT 1",
        {"schema": schema},
    )
    rows = connection.execute(behind_look(sql, tracking_tables(schema)))
    return rows[0][0] if rows else None


def trimmed_before(connection: Connection, schema: str) -> str:
    """Rows older than that time (UTC) may be gone; "" where all are kept. Raises ServerError, Refused."""
    found = read_checkpoint(connection, schema)
    return str(found["before"]) if found is not None and "before" in found else ""
