"""Every pattern there is, in the order in which they are offered."""

from __future__ import annotations

from pgmig_tui.project.author.patterns import columns, constraints, indexes, rows, security, tables, types
from pgmig_tui.project.author.patterns.asked import Pattern

PATTERNS: tuple[Pattern, ...] = (
    *columns.PATTERNS,
    *constraints.PATTERNS,
    *indexes.PATTERNS,
    *rows.PATTERNS,
    *tables.PATTERNS,
    *types.PATTERNS,
    *security.PATTERNS,
)
BY_NAME = {one.name: one for one in PATTERNS}
