"""Qualified names as SQL wants them written."""

from __future__ import annotations

from pgmig_tui.impact.facts import Name
from pgmig_tui.script.quoting import quote


def quoted(name: Name) -> str:
    """A qualified name as SQL."""
    return f"{quote(name.schema)}.{quote(name.relation)}" if name.schema else quote(name.relation)
