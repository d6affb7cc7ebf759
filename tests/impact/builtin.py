"""Makes impact/builtin.txt: the functions of pg_catalog and contrib with their volatility, and the types of pg_catalog.

    python -m tests.impact.builtin "host=…" "host=…"

with a superuser's connection to a database of each version that counts. All extensions of those servers are made in it,
in a transaction that is rolled back.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from textwrap import wrap

import psycopg

TABLE = Path(__file__).parents[2] / "pgmig_tui" / "impact" / "builtin.txt"
VOLATILITIES = {"i": "immutable", "s": "stable", "v": "volatile"}
_FUNCTIONS = """
SELECT coalesce(e.extname, ''), p.proname, max(p.provolatile::text)
FROM pg_catalog.pg_proc p
LEFT JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
LEFT JOIN pg_catalog.pg_extension e ON e.oid = d.refobjid AND d.refclassid = 'pg_catalog.pg_extension'::regclass
WHERE (p.pronamespace = 'pg_catalog'::regnamespace OR e.extname <> 'plpgsql')
  AND p.prorettype NOT IN ('trigger'::regtype, 'event_trigger'::regtype, 'internal'::regtype)
  AND NOT 'internal'::regtype = ANY (p.proargtypes)
GROUP BY 1, 2
"""
_TYPES = """
SELECT t.typname FROM pg_catalog.pg_type t
WHERE t.typnamespace = 'pg_catalog'::regnamespace AND t.typtype IN ('b', 'r', 'm') AND t.typname !~ '^_'
"""
_NOT_CONTRIB = {"vector"}

Functions = dict[tuple[str, str], str]
"""Volatility by place ("pg_catalog" or "contrib") and name; types have the place "types" and no volatility."""


def functions_of(conninfo: str) -> Functions:
    """What one server knows."""
    with psycopg.connect(conninfo) as connection:
        names = [row[0] for row in connection.execute("SELECT name FROM pg_catalog.pg_available_extensions")]
        for name in names:
            with suppress(psycopg.Error), connection.transaction():
                connection.execute(f'CREATE EXTENSION IF NOT EXISTS "{name}" CASCADE'.encode())
        found: Functions = {}
        for extension, name, volatility in connection.execute(_FUNCTIONS):
            if extension not in _NOT_CONTRIB:
                key = ("contrib" if extension and extension != "plpgsql" else "pg_catalog", name)
                found[key] = max(found.get(key, "i"), volatility)
        found |= {("types", name): "" for (name,) in connection.execute(_TYPES)}
        connection.rollback()
    return found


def together(servers: list[Functions]) -> Functions:
    """The worst of all; what is in pg_catalog on one of them counts as that."""
    found: Functions = {}
    for server in servers:
        for key, volatility in server.items():
            found[key] = max(found.get(key, ""), volatility)
    for place, name in list(found):
        if place == "contrib" and ("pg_catalog", name) in found:
            found["pg_catalog", name] = max(found["pg_catalog", name], found.pop((place, name)))
    return found


def text_of(functions: Mapping[tuple[str, str], str]) -> str:
    lines = ["# Made by tests/impact/builtin.py from real servers: names by the worst volatility of any of that name."]
    for place in ("pg_catalog", "contrib"):
        for letter, word in VOLATILITIES.items():
            names = sorted(name for (where, name), how in functions.items() if (where, how) == (place, letter))
            lines += [f"{place} {word}:", *wrap(" ".join(names), 118, initial_indent="  ", subsequent_indent="  ")]
    types = sorted(name for where, name in functions if where == "types")
    lines += ["types:", *wrap(" ".join(types), 118, initial_indent="  ", subsequent_indent="  ")]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    TABLE.write_text(text_of(together([functions_of(conninfo) for conninfo in sys.argv[1:]])), encoding="utf-8")
