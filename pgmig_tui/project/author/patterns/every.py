"""Every pattern there is, in the order in which they are offered."""

from __future__ import annotations

from pgmig_tui.project.author.patterns import (
    columns,
    constraints,
    indexes,
    partitions,
    retype,
    rows,
    security,
    tables,
    types,
)
from pgmig_tui.project.author.patterns.asked import Pattern

PATTERNS: tuple[Pattern, ...] = (
    *columns.PATTERNS,
    *constraints.PATTERNS,
    *indexes.PATTERNS,
    *retype.PATTERNS,
    *rows.PATTERNS,
    *tables.PATTERNS,
    *partitions.PATTERNS,
    *types.PATTERNS,
    *security.PATTERNS,
)
BY_NAME = {one.name: one for one in PATTERNS}
