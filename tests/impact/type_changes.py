"""Makes impact/type_changes.txt: what ALTER COLUMN ... TYPE does, from every common type to every other.

    python -m tests.impact.type_changes "host=…" "host=…"

with a superuser's connection to a database of each version that counts; all is rolled back. An empty table tells
whether the new type needs a new file for the table or its index; sample values tell which casts can be taken back.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from psycopg.rows import TupleRow
from psycopg.sql import Literal

TABLE = Path(__file__).parents[2] / "pgmig_tui" / "impact" / "type_changes.txt"

# internal name -> (as SQL, values that are hard to keep)
TYPES: dict[str, tuple[str, tuple[str, ...]]] = {
    "int2": ("int2", ("-32768", "0", "32767")),
    "int4": ("int4", ("-2147483648", "0", "2147483647", "16777217")),
    "int8": ("int8", ("-9223372036854775808", "0", "9223372036854775807", "9007199254740993")),
    "numeric": ("numeric", ("0.1", "-12345678901234567890.123456789", "NaN", "1e300")),
    "float4": ("float4", ("0.1", "0.12345679", "-3.4e38", "1e-45", "NaN", "Infinity", "16777216")),
    "float8": ("float8", ("0.1", "0.30000000000000004", "-1.7e308", "5e-324", "NaN", "-Infinity")),
    "money": ("money", ("0.01", "-92233720368547758.08")),
    "bool": ("bool", ("t", "f")),
    "oid": ("oid", ("0", "4294967295")),
    "regclass": ("regclass", ("0", "pg_class")),
    "regproc": ("regproc", ("0", "pg_sleep")),
    "regtype": ("regtype", ("0", "int4")),
    "xid": ("xid", ("0", "4294967295")),
    "xid8": ("xid8", ("0", "18446744073709551615")),
    "pg_lsn": ("pg_lsn", ("0/0", "FFFFFFFF/FFFFFFFF")),
    "text": ("text", ("", " a ", "Ä\u00df\u4e2d", "x" * 100, "12")),
    "varchar": ("varchar", ("", " a ", "Ä\u00df\u4e2d", "x" * 100, "12")),
    "bpchar": ("bpchar", ("", " a", "Ä", "12")),
    "char": ('"char"', ("", "a")),
    "name": ("name", ("", "Ä", "x" * 63)),
    "citext": ("citext", ("", " a ", "Ä\u00df\u4e2d", "x" * 100, "12")),
    "bytea": ("bytea", ("\\x", "\\x00ff")),
    "bit": ("bit(8)", ("10101010",)),
    "varbit": ("varbit", ("", "101", "1" * 70)),
    "date": ("date", ("2024-02-29", "0001-01-01 BC", "infinity")),
    "time": ("time", ("00:00", "23:59:59.999999", "24:00")),
    "timetz": ("timetz", ("00:00+05:30", "23:59:59.999999-12")),
    "timestamp": ("timestamp", ("2024-02-29 23:59:59.999999", "infinity", "0044-03-15 12:00 BC")),
    "timestamptz": ("timestamptz", ("2024-02-29 23:59:59.999999+01", "-infinity")),
    "interval": ("interval", ("1 year 2 mons 3 days 04:05:06.7", "-1 day")),
    "uuid": ("uuid", ("00000000-0000-0000-0000-000000000000", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11")),
    "json": ("json", ('{"b": 1, "a": 1,  "a": 2}', "null")),
    "jsonb": ("jsonb", ('{"b": 1, "a": [1, 2.50]}', '"x"')),
    "xml": ("xml", ("<a/>", "<a b='1'>x</a>")),
    "inet": ("inet", ("10.0.0.1", "10.0.0.1/8", "::1")),
    "cidr": ("cidr", ("10.0.0.0/8", "::/0")),
    "macaddr": ("macaddr", ("08:00:2b:01:02:03",)),
    "macaddr8": ("macaddr8", ("08:00:2b:01:02:03:04:05",)),
    "point": ("point", ("(1,2)",)),
    "lseg": ("lseg", ("[(1,2),(3,4)]",)),
    "box": ("box", ("(3,4),(1,2)",)),
    "path": ("path", ("[(1,2),(3,4)]", "((1,2),(3,4))")),
    "polygon": ("polygon", ("((0,0),(1,3),(2,0))",)),
    "circle": ("circle", ("<(1,2),3>",)),
    "tsvector": ("tsvector", ("'a':1A 'b'",)),
    "tsquery": ("tsquery", ("'a' & 'b'",)),
    "int4range": ("int4range", ("[1,5)", "empty", "(,)")),
    "int8range": ("int8range", ("[1,5)",)),
    "numrange": ("numrange", ("[1.5,2]",)),
    "daterange": ("daterange", ("[2024-01-01,2024-02-01)",)),
    "tsrange": ("tsrange", ("[2024-01-01,2024-02-01]",)),
    "tstzrange": ("tstzrange", ("[2024-01-01,2024-02-01]",)),
    "int4multirange": ("int4multirange", ("{[1,3),[5,7)}",)),
    "_int4": ("int4[]", ("{}", "{1,NULL,3}")),
    "_int8": ("int8[]", ("{9223372036854775807}",)),
    "_text": ("text[]", ("{}", "{a,NULL}")),
    "_varchar": ("varchar[]", ("{}", "{a,NULL}")),
}
KEPT, INDEX, UTC, REWRITTEN, LOSSLESS = "kept", "kept but for indexes", "kept at UTC", "rewritten", "can be taken back"
ORDER = (KEPT, INDEX, UTC, REWRITTEN, LOSSLESS)
Pair = tuple[str, str]


@dataclass
class Measured:
    """What one server does; pairs that it knows no cast for are in none of the sets but, perhaps, LOSSLESS."""

    version: int
    changes: dict[str, set[Pair]] = field(default_factory=lambda: {word: set() for word in ORDER})
    known: set[str] = field(default_factory=set)


_FILES = ", ".join(
    f"pg_catalog.pg_relation_filenode(pg_catalog.to_regclass('{name}'))" for name in ("changed", "changed_v")
)


def _asked(connection: psycopg.Connection[TupleRow], sql: str) -> list[TupleRow]:
    """The rows of all queries of one message, whose work is undone; none where the server refuses a part of it."""
    rows = []
    try:
        cursor = connection.execute(f"SAVEPOINT asked; {sql}; ROLLBACK TO asked; RELEASE asked".encode())
        while True:
            if cursor.description:
                rows += cursor.fetchall()
            if not cursor.nextset():
                return rows
    except psycopg.Error:
        connection.execute("ROLLBACK TO asked; RELEASE asked")
        return []


def measure(conninfo: str) -> Measured:
    with psycopg.connect(conninfo) as connection:
        found = Measured(connection.info.server_version)
        with suppress(psycopg.Error), connection.transaction():
            connection.execute("CREATE EXTENSION IF NOT EXISTS citext")
        for name, (sql, _) in TYPES.items():
            with suppress(psycopg.Error), connection.transaction():
                connection.execute(f"SELECT NULL::{sql}".encode())
                found.known.add(name)
        for old in found.known:
            _from(connection, old, found)
        connection.rollback()
    return found


def _from(connection: psycopg.Connection[TupleRow], old: str, found: Measured) -> None:
    connection.execute("DROP TABLE IF EXISTS pg_temp.changed")
    connection.execute(f"CREATE TEMP TABLE changed (v {TYPES[old][0]})".encode())
    with suppress(psycopg.Error), connection.transaction():
        connection.execute("CREATE INDEX changed_v ON changed (v)")
    for new in found.known - {old}:
        at_utc = change(connection, TYPES[new][0])
        if at_utc:
            elsewhere = change(connection, TYPES[new][0], "Europe/Berlin")
            found.changes[UTC if at_utc != elsewhere else at_utc].add((old, new))
        if comes_back(connection, old, new):
            found.changes[LOSSLESS].add((old, new))


def change(connection: psycopg.Connection[TupleRow], new: str, zone: str = "UTC") -> str:
    """What the change of `changed.v` to a type does, "" where the server refuses it; it is undone."""
    alter = f"ALTER TABLE changed ALTER COLUMN v TYPE {new}"
    found = _asked(connection, f"SET LOCAL timezone = '{zone}'; SELECT {_FILES}; {alter}; SELECT {_FILES}")
    if not found:
        return ""
    before, after = found
    return REWRITTEN if after[0] != before[0] else (INDEX if after[1] != before[1] else KEPT)


def comes_back(connection: psycopg.Connection[TupleRow], old: str, new: str) -> bool:
    """Whether casts to the new type and back give every sample value as it was."""
    source, values = TYPES[old]
    target = TYPES[new][0]
    samples = Literal(list(values)).as_string(connection)
    found = _asked(
        connection,
        f"SET LOCAL timezone = 'UTC'; SELECT bool_and(v::{target}::{source}::text = v::text) FROM "
        f"(SELECT unnest({samples}::text[])::{source} AS v) x",
    )
    return bool(found and found[0][0])


def together(servers: Iterable[Measured]) -> dict[str, set[Pair]]:
    """What all servers that know both types agree on; where they don't, the one that does more work counts."""
    found: dict[Pair, str] = {}
    lossless: dict[Pair, bool] = {}
    for server in servers:
        for word in ORDER[:-1]:
            for pair in server.changes[word]:
                found[pair] = max(found.get(pair, word), word, key=ORDER.index)
        for old in server.known:
            for new in server.known:
                back = (old, new) in server.changes[LOSSLESS]
                lossless[old, new] = lossless.get((old, new), True) and back
    grouped = {word: {pair for pair, what in found.items() if what == word} for word in ORDER[:-1]}
    return {**grouped, LOSSLESS: {pair for pair, back in lossless.items() if back and pair[0] != pair[1]}}


def lines_of(changes: dict[str, set[Pair]]) -> Iterator[str]:
    yield "# Made by tests/impact/type_changes.py from real servers: what a change of type does, from each to each."
    for word in ORDER:
        yield f"{word}:"
        for old in TYPES:
            targets = " ".join(new for new in TYPES if (old, new) in changes[word])
            if targets:
                yield f"  {old}: {targets}"


if __name__ == "__main__":
    everything = together([measure(conninfo) for conninfo in sys.argv[1:]])
    TABLE.write_text("\n".join(lines_of(everything)) + "\n", encoding="utf-8")
