"""The texts that make the tracking tables of version 2 and their functions, for one schema."""

from __future__ import annotations

import re
from functools import cache
from hashlib import sha256

from pgmig_tui.database.text import bind, ident, load

FUNCTIONS = {
    "record_step": "jsonb, text[]",
    "answer_step": "jsonb",
    "record_evidence": "jsonb",
    "tables_shape": "oid[]",
}
"""The functions that alone write, and the one that looks at the tables before; their arguments."""
HEAD = "tracking_head"

_PARTS = {"step": "chain_step", "statements": "chain_statements", "proof": "chain_evidence"}
_PART = re.compile(r"(?<!:):(step|statements|proof|shape)\b")
_QUOTES = "$pgmig$"


def tracking_text(name: str, schema: str) -> str:
    """The statements of `name`.sql for this schema."""
    sql = _quoted(load(name), schema)
    values = {
        "schema": schema,
        "quoted": ident(schema),
        "relation": f"{ident(schema)}.schema_migrations",
        "proofs": f"{ident(schema)}.evidence",
    }
    return bind(_PART.sub(lambda found: expression(found[1]), sql), values)


def expression(part: str) -> str:
    """What a hash is over: of a `step`, of its `statements`, of a `proof`; and the query of the tables' `shape`."""
    return shape_of("relations") if part == "shape" else load(_PARTS[part])


def shape_of(relations: str) -> str:
    """The query of one number that tells whether something was done to the relations of an array of OIDs."""
    return load("queries/table_shape").replace(":relations", relations)


@cache
def bodies(schema: str) -> tuple[tuple[str, str, str], ...]:
    """Name, arguments and SHA-256 of the body of each function in this schema."""
    tag = _tag(schema)
    text = tracking_text("tracking_functions", schema)
    found = re.finditer(
        rf"CREATE FUNCTION {re.escape(ident(schema))}\.(\w+).*?AS {re.escape(tag)}(.*?){re.escape(tag)}",
        text,
        re.DOTALL,
    )
    return tuple((one[1], FUNCTIONS[one[1]], sha256(one[2].encode()).hexdigest()) for one in found)


def _tag(schema: str) -> str:
    """Dollar quotes that the name of the schema can't end."""
    tag = _QUOTES
    while tag in schema:
        tag = tag[:-1] + "_$"
    return tag


def _quoted(sql: str, schema: str) -> str:
    return sql.replace(_QUOTES, _tag(schema))
