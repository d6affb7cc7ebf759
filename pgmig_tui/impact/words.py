"""Sizes in words for reasons and losses."""

from __future__ import annotations

from pgmig_tui.impact.facts import Relation


def size(relation: Relation) -> str:
    """ "about 1,200 rows, 96 kB", as far as known."""
    parts = []
    if relation.rows >= 0:
        parts.append(f"about {relation.rows:,} rows")
    if relation.bytes >= 0:
        parts.append(data(relation.bytes))
    return ", ".join(parts)


def data(count: int) -> str:
    """Bytes in words: "8 kB", "1.5 GB"."""
    value = float(count)
    for unit in ("bytes", "kB", "MB", "GB"):
        if value < 1024:
            return f"{value:.0f} {unit}" if value >= 10 or value == int(value) else f"{value:.1f} {unit}"
        value /= 1024
    return f"{value:.1f} TB"
