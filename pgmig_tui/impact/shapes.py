"""Statements that differ in their constants alone do the same: a script of 20,000 INSERTs is looked at once."""

from __future__ import annotations

import re

_REPEATED = {"INSERT", "UPDATE", "DELETE", "SELECT"}
_CONSTANT = re.compile(r"""("[^"]*")|'(?:[^']|'')*'|\b\d+(?:\.\d*)?(?:[eE][+-]?\d+)?\b""")
_ROWS = re.compile(r"(\([0', ]*\))(?:\s*,\s*\1)+")
_DELICATE = re.compile(r"--|/\*|\\|\$|\bnextval\b|\bsetval\b|\bregclass\b", re.IGNORECASE)
# A function may make something of its arguments: SELECT drop_partition('event_1').
_CALL = re.compile(r"\b(?!values\b|in\b|any\b)\w+\s*\([^()]*'", re.IGNORECASE)


def shape_of(kind: str, sql: str) -> str | None:
    """The statement with its constants made equal: valid SQL of the same effect. None when that is not safe."""
    if kind not in _REPEATED or _DELICATE.search(sql) or (kind != "INSERT" and _CALL.search(sql)):
        return None
    shape = _CONSTANT.sub(lambda found: found[1] or ("''" if found[0][0] == "'" else "0"), sql)
    return _ROWS.sub(r"\1", shape)
