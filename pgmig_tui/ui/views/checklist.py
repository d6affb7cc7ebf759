"""Items of checklists as lines of three columns: seen by the program, said by whom, missing."""

from __future__ import annotations

from pgmig_tui.display.cells import Line, Role, cut, pad
from pgmig_tui.display.safe import safe
from pgmig_tui.gates.evidence import WORD, columns_of
from pgmig_tui.ui.backend.protocol import ItemFacts

_ROLES: dict[str, Role] = {"PASS": "done", "WARN": "waiting", "FAIL": "failed", "UNKNOWN": "stale", "N-A": "muted"}
_BOX = 5
"""Columns of the box and the blank behind it; the cursor's own is beside the line."""
WIDE = 96
"""From so many columns on what was seen, said and is missing stands there in words."""
_NARROW = (7, 10)
"""Columns of what was seen, and of what was said or is missing, where there is room for a word alone: an item is hardly
ever both, and its title needs the room more."""


def head_line(name: str, columns: int) -> Line:
    """What stands above the list: its name and the three columns."""
    title, rooms = _widths(columns)
    heads = ("seen by the program", "said by whom", "missing") if columns >= WIDE else ("seen", "answer")
    names = (pad(cut(text, room), room) for text, room in zip(heads, rooms, strict=True))
    return ((pad(f" {name}", _BOX + 1 + title), "title"), (" " + " ".join(names), "muted"))


def item_line(item: ItemFacts, columns: int) -> Line:
    """A box that says at a glance how it stands, what it is, and the three columns."""
    title, rooms = _widths(columns)
    box, role = _box(item)
    seen, said, missing = _texts(item) if columns >= WIDE else _words(item)
    seen_role: Role = _ROLES[item.state] if not item.answered or item.overridden else "done"
    said_role: Role = "waiting" if item.overridden else "done"
    missing_role: Role = "failed" if item.blocks else "muted"
    told: list[tuple[str, Role]] = [(seen, seen_role), (said, said_role), (missing, missing_role)]
    if columns < WIDE:
        told[1:] = [(missing, missing_role) if missing else (said, said_role)]
    cells: list[tuple[str, Role]] = []
    for (text, one), room in zip(told, rooms, strict=True):
        cells += [(" ", "plain"), (pad(cut(safe(text), room), room), one)]
    return ((f" [{box}] ", role), (pad(cut(safe(item.title), title), title), "plain"), *cells)


def _widths(columns: int) -> tuple[int, tuple[int, ...]]:
    """Columns of the title, and of each of the three, or of the two where there is little room."""
    if columns < WIDE:
        return max(10, columns - _BOX - 3 - sum(_NARROW)), _NARROW
    title = min(42, columns // 3)
    rest = columns - _BOX - 5 - title
    seen, said = rest * 2 // 5, rest * 3 // 10
    return title, (seen, said, rest - seen - said)


def _words(item: ItemFacts) -> tuple[str, str, str]:
    """The three columns in a word each; a star: it keeps the run from starting."""
    kept = item.kept
    seen = kept.seen if kept is not None else item.state if item.seen or item.overridden else ""
    said = ""
    if item.answered:
        said = (kept.answered_by.split() or ["by hand"])[0] if kept is not None else "by hand"
    if item.answered or item.state in ("PASS", "N-A", "WARN"):
        missing = "" if not item.blocks else "reason *"
    elif not item.seen:
        missing = "a word *" if item.blocks else "a word"
    else:
        missing = "reason *" if item.blocks else ""
    return seen, "OVERRIDDEN" if item.overridden else said, missing


def _texts(item: ItemFacts) -> tuple[str, str, str]:
    """The three columns in words."""
    if item.kept is None:
        seen, said, missing = _words(item)
        return f"{seen} {item.summary}" if seen else "", item.answered or said, missing
    seen, said, missing = columns_of(item.kept)
    missing = missing.removeprefix(WORD)
    return seen, said, f"* {missing}" if item.blocks else missing


def _box(item: ItemFacts) -> tuple[str, Role]:
    """`+` good, `-` not applicable, `o` overridden, `!` look at it, blank: still asked for. No `x`: that means failed
    everywhere else."""
    if item.overridden:
        return "o", "waiting"
    if item.state == "N-A" and not item.blocks:
        return "-", "muted"
    if item.answered or (item.state == "PASS" and not item.blocks):
        return "+", "done"
    return ("!" if item.state in {"FAIL", "WARN"} else " "), _ROLES[item.state]


def whole_item(item: ItemFacts) -> str:
    """All that is known of an item, in one text."""
    parts = (item.title, item.state, item.summary, f"answered: {item.answered}" if item.answered else "")
    return safe(". ".join(part for part in parts if part))
