"""Is the record whole: the chain of hashes over `schema_migrations` and `evidence`, looked at as it stands.

A chain alone can be computed anew by whoever owns it: what it proves against an owner, other environments' witness
proves (`review.audit`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pgmig_tui.database.connect import Connection
from pgmig_tui.database.own_tables import Tables, behind_look
from pgmig_tui.database.text import bind, ident
from pgmig_tui.database.tracking_text import HEAD, tracking_text


@dataclass(frozen=True, slots=True)
class WrongLink:
    """A link that doesn't hold. `problem`: altered, missing before, not the next, behind the head; outside: a row that
    has no place in the chain (`seq` 0)."""

    seq: int
    problem: str
    relation: str
    id: int
    name: str


@dataclass(frozen=True, slots=True)
class Chain:
    """What stands there: `links` of the chain, `pending` rows that wait for their verification, the head, and whether
    the links end at it (`ends`). `chain` names this making of the tables: another one is another chain. `base_seq` is
    the link before the first one that was kept. `created_at` has its time zone."""

    links: int
    pending: int
    chain: str
    seq: int
    hash: str
    base_seq: int
    created_at: str
    ends: bool
    wrong: tuple[WrongLink, ...]

    @property
    def whole(self) -> bool:
        return self.ends and not self.wrong


def read_chain(connection: Connection, schema: str) -> Chain | None:
    """The chain in a schema that has tracking of version 2; None where the head is gone. Raises ServerError, Refused
    for tables that are no plain ones."""
    sql = tracking_text("queries/chain_verify", schema)
    rows = connection.execute(behind_look(sql, _tables(schema)))
    if not rows:
        return None
    links, pending, chain, seq, end, base_seq, created_at, ends, wrong = rows[0]
    return Chain(links, pending, chain, seq, end, base_seq, created_at, ends, tuple(_wrong(one) for one in wrong))


def no_links(connection: Connection, schema: str, ids: Iterable[int]) -> tuple[tuple[int, str], ...]:
    """Number and change of those of these rows of `schema_migrations` that have a place in the chain and are no link
    of it. Raises ServerError, Refused."""
    array = f"'{{{','.join(str(int(one)) for one in ids)}}}'::pg_catalog.int8[]"
    sql = tracking_text("queries/chain_links", schema).replace(":ids", array)
    rows = connection.execute(behind_look(sql, _tables(schema)))
    return tuple((int(number), str(name)) for number, name in rows)


def read_head(connection: Connection, schema: str) -> tuple[str, int, str] | None:
    """(chain, place, hash) of the head; None where there is none. Raises ServerError, Refused."""
    sql = f"SELECT h.chain, h.seq, h.hash FROM ONLY {ident(schema)}.{HEAD} AS h"
    rows = connection.execute(behind_look(sql, Tables(schema, (HEAD,))))
    return (rows[0][0], rows[0][1], rows[0][2]) if rows else None


def hashes_at_sql(schema: str, places: Sequence[int]) -> str:
    """A query of (place, hash) of what stands at these places of the chain now; no row where nothing does."""
    return bind(
        'SELECT m.seq, m.hash FROM ONLY :"schema".schema_migrations AS m WHERE m.seq = ANY (:places)'
        ' UNION ALL SELECT e.seq, e.hash FROM ONLY :"schema".evidence AS e WHERE e.seq = ANY (:places)'
        f' UNION ALL SELECT h.base_seq, h.base_hash FROM ONLY :"schema".{HEAD} AS h WHERE h.base_seq = ANY (:places)',
        {"schema": schema},
    ).replace(":places", f"'{{{','.join(str(int(one)) for one in places)}}}'::pg_catalog.int8[]")


def _tables(schema: str) -> Tables:
    return Tables(schema, ("schema_migrations", "schema_audit", "evidence", HEAD))


def _wrong(text: str) -> WrongLink:
    seq, problem, relation, number, name = [*text.split("\t", 4), "", "", "", ""][:5]
    return WrongLink(int(seq), problem, relation, int(number), name)
