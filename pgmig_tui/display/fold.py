"""A line of prose as several for a terminal, which would break it wherever it happens to end."""

from __future__ import annotations

import re

from pgmig_tui.display.cells import Line, sliced, text_of, width

_PIECES = re.compile(r"\s+|`?pgmig-tui (?!\w+: )[^`]*`?|\S+")
"""A command of ours stays in one piece, as does a path: half of it, pasted, is another one."""
_LEAD = re.compile(r"\s*(?:[^\w\s] )?")


def in_lines(told: Line, columns: int) -> list[Line]:
    """The line folded between words, what follows as far in as its text begins; one that fits stays as it is. A word
    that has no room in a line of its own is left to the terminal."""
    text = text_of(told)
    if width(text) <= columns:
        return [told]
    lead = _LEAD.match(text)
    hanging = min(width(lead.group()) if lead else 0, columns // 2)
    cuts, start, used = [], 0, 0
    for piece in _PIECES.finditer(text):
        wide = width(piece.group())
        if used + wide > columns and not piece.group().isspace() and text[start : piece.start()].strip():
            cuts.append((start, piece.start()))
            start, used = piece.start(), hanging
        used += wide
    cuts.append((start, len(text)))
    indent: Line = ((" " * hanging, "plain"),) if hanging else ()
    return [
        (*(indent if number else ()), *sliced(told, first, first + len(text[first:last].rstrip())))
        for number, (first, last) in enumerate(cuts)
    ]
