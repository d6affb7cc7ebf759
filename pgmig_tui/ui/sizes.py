"""How large a terminal must be."""

from __future__ import annotations

NARROW, SHORT = 72, 20
"""Below so many columns or rows a screen leaves out what it can do without; 80x24 less tmux's status line, and half of
a wide terminal, are above it."""
TALL = 28
"""From so many rows on there is room for what is seen at a glance: environments as cards, whole frames."""
LARGE = (140, 44)
"""Columns and rows from which on a second pane stands below."""
SMALL = (40, 10)
"""Columns and rows on which a running run can still be watched, paused and stopped, as from a phone. Below them nothing
is confirmed: nobody could have read what it is about."""
