"""A comment of a pull or merge request: a short table, and what can be unfolded below it, within what one may hold.

GitHub takes 65,536 characters; GitLab takes more, and both know <details>. The first line is a comment that a reader
doesn't see, by which a job finds the comment that it has made before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pgmig_tui.display.markdown import prose

MOST = 65_000
"""So many characters at most."""
_OPENING, _HEAD, _LINE = 10_000, 30_000, 2_000
"""So many of them for the opening lines, and for the table; so long may one of the former be."""


@dataclass(frozen=True, slots=True)
class Fold:
    """What is shown when `title` (plain text) is unfolded: lines of Markdown. The heaviest get room first."""

    title: str
    lines: tuple[str, ...]
    weight: int = 0


def comment(marker: str, opening: Sequence[str], table: Sequence[str], folds: Sequence[Fold], command: str) -> str:
    """Markdown of at most MOST characters: the opening lines, a table (its heading are two lines), what is folded.
    `command` is what tells all of it where not all has room."""
    told, untold = _fitting([one if len(one) <= _LINE else one[: _LINE - 3] + " .." for one in opening], _OPENING)
    shown, left = _fitting(table, _HEAD)
    lines = [f"<!-- {marker} -->", *told, ""]
    if untold:
        lines += [f"{untold:,} more lines have no room here; `{command}` tells them.", ""]
    if shown:
        lines += [*shown, ""]
    if left:
        lines += [f"{left:,} more rows have no room here; `{command}` tells them.", ""]
    used = sum(len(line) + 1 for line in lines) + 200  # and the last sentence
    kept: dict[int, str] = {}
    for position in sorted(range(len(folds)), key=lambda one: (-folds[one].weight, one)):
        text = _folded(folds[position])
        if used + len(text) <= MOST:
            kept[position] = text
            used += len(text)
    lines += [kept[position] for position in sorted(kept)]
    if len(kept) < len(folds):
        lines.append(f"Details of {len(folds) - len(kept):,} more have no room here; `{command}` tells them.")
    return "\n".join(lines).rstrip("\n") + "\n"


def _fitting(lines: Sequence[str], room: int) -> tuple[list[str], int]:
    """The first lines for which there is room, and how many are left."""
    for position, line in enumerate(lines):
        room -= len(line) + 1
        if room < 0:
            return list(lines[:position]), len(lines) - position
    return list(lines), 0


def _folded(one: Fold) -> str:
    return "\n".join(["<details>", f"<summary>{prose(one.title)}</summary>", "", *one.lines, "", "</details>", ""])


def row(*cells: str) -> str:
    """A row of a table; the cells are Markdown already."""
    return f"| {' | '.join(cells)} |"


def heading(*titles: str) -> list[str]:
    """The two lines above the rows of a table."""
    return [row(*titles), f"|{'---|' * len(titles)}"]
