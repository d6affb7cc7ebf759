"""Items of checklists as lines."""

from __future__ import annotations

from pgmig_tui.display.cells import Line, Role, cut, pad, width
from pgmig_tui.display.safe import safe
from pgmig_tui.ui.backend.protocol import ItemFacts

_ROLES: dict[str, Role] = {"PASS": "done", "WARN": "waiting", "FAIL": "failed", "UNKNOWN": "stale", "N-A": "muted"}


def item_line(item: ItemFacts, columns: int) -> Line:
    """A box that says what is asked of anybody, then what it is, its state in a word, and who must look."""
    box = f"[{_glyph(item)}]"
    word: str = item.state
    role = _ROLES[item.state]
    if item.overridden:
        word, role = "OVERRIDDEN", "waiting"
    elif item.answered:
        word, role = "by hand", "done"
    elif item.how == "attested" and item.state == "UNKNOWN":
        word, role = "not confirmed", "stale"
    tail = f"{word}{' *' if item.blocks else ''}"
    room = max(10, columns - width(tail) - 8)
    return ((f" {box} ", role), (pad(cut(safe(item.title), room), room), "plain"), (f" {tail}", role))


def _glyph(item: ItemFacts) -> str:
    """`+` good, `-` not applicable, `o` overridden, `!` look at it, blank: still asked for. No `x`: that means failed
    everywhere else."""
    if item.overridden:
        return "o"
    if item.state == "N-A" and not item.blocks:
        return "-"
    if item.answered or (item.state == "PASS" and not item.blocks):
        return "+"
    return "!" if item.state in {"FAIL", "WARN"} else " "


def whole_item(item: ItemFacts) -> str:
    """All that is known of an item, in one text."""
    parts = (item.title, item.state, item.summary, f"answered: {item.answered}" if item.answered else "")
    return safe(". ".join(part for part in parts if part))
