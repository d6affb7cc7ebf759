"""The pane beside a script: the script's impact, what goes on on the server now, and a finding for each statement.

Also where in the script locks are held, and what of a finding goes to the clipboard.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from pgmig_tui.display.cells import Line, Role, Span, text_of, wrap
from pgmig_tui.display.safe import safe
from pgmig_tui.display.words import count
from pgmig_tui.impact.modes import LockMode
from pgmig_tui.impact.result import ScriptImpact, StatementImpact
from pgmig_tui.ui.findings import headline, statement_lines
from pgmig_tui.ui.session import ImpactFacts

if TYPE_CHECKING:
    from pgmig_tui.report.now import RightNow

NEAR = 25
"""So many findings before and after the current one are in the pane; the others are counted."""

Row = tuple[Line, int | None]
"""A line of the pane, and the finding that it belongs to."""


def own(impact: ScriptImpact, one: StatementImpact) -> bool:
    """Whether a statement stands in the script itself, not in a file that it includes."""
    return not one.path or one.path == impact.path


def rows(
    facts: ImpactFacts,
    told: Sequence[StatementImpact],
    current: int | None,
    now: RightNow | None,
    columns: int,
    *,
    active: bool = False,
    problem: str = "",
) -> list[Row]:
    """The whole pane. `told` are the statements with something to tell, `current` the index of one of them; `active`:
    keys move in the findings."""
    source = facts.server if facts.live else "from the text alone"
    title: Span = (">Lock impact  ", "key") if active else (" Lock impact  ", "title")
    lines: list[Line] = [(title, (safe(source), "muted"))]
    lines += wrap(safe(problem), columns, "stale", indent=" ") if problem else []
    lines += headline(facts, columns)
    for text in facts.findings:
        lines += wrap(f"! {safe(text)}", columns, "waiting", indent=" ", hanging="   ")
    if now is not None:
        lines += [(), ((f" On {safe(now.environment)} now", "title"),), *_now_lines(now, columns)]
    found: list[Row] = [(one, None) for one in lines]
    if facts.impact is None:
        return found
    middle = current or 0
    first, last = max(0, middle - NEAR), min(len(told), middle + NEAR + 1)
    if first:
        found += [((), None), (((f" {count(first, 'statement')} before", "muted"),), None)]
    for index in range(first, last):
        one = told[index]
        where = "" if own(facts.impact, one) else f"{safe(PurePosixPath(one.path).name)} "
        found.append(((), None))
        found += [(row, index) for row in statement_lines(one, columns, marked=index == current, where=where)]
    if last < len(told):
        found += [((), None), (((f" and {count(len(told) - last, 'statement')} more", "muted"),), None)]
    return found


def _now_lines(now: RightNow, columns: int) -> list[Line]:
    lines: list[Line] = []
    for told in now.lines():
        role: Role = next((role for _, role in told if role != "plain"), "plain")
        text = text_of(told)
        lines += wrap(text, columns, role, indent="   " if text.startswith("  ") else " ", hanging="   ")
    return lines


def copied(one: StatementImpact, columns: int = 100) -> tuple[str, str]:
    """What `y` copies of a finding, and what it says then: the safer SQL, or the finding itself when there is none."""
    safer = [advice for advice in one.advice if advice.safer_sql and advice.rule not in one.silenced]
    if safer:
        rules = ", ".join(dict.fromkeys(advice.rule for advice in safer))
        return "\n".join(advice.safer_sql for advice in safer), f"copied the safer SQL for line {one.line} ({rules})"
    text = "\n".join(text_of(line).rstrip() for line in statement_lines(one, columns))
    return text, f"copied the finding of line {one.line}; it has no safer SQL"


class Held:
    """The strongest lock that is held at each line of a script, as the bar beside it shows it."""

    def __init__(self, impact: ScriptImpact) -> None:
        changes: list[tuple[int, int, LockMode]] = []
        for one in impact.statements:
            strongest = one.strongest
            if strongest is not None and own(impact, one):
                last = max(one.end_line, one.held_until_line)
                changes += [(one.line, 1, strongest.mode), (last + 1, -1, strongest.mode)]
        self._lines: list[int] = []
        self._modes: list[LockMode | None] = []
        held = dict.fromkeys(LockMode, 0)
        for line, change, mode in sorted(changes):
            held[mode] += change
            top = max((mode for mode, times in held.items() if times), default=None)
            if self._lines and self._lines[-1] == line:
                self._modes[-1] = top
            else:
                self._lines.append(line)
                self._modes.append(top)

    def __bool__(self) -> bool:
        return bool(self._lines)

    def at(self, line: int) -> LockMode | None:
        """The strongest lock held while a line (1-based) runs."""
        position = bisect_right(self._lines, line) - 1
        return self._modes[position] if position >= 0 else None

    def span(self, line: int) -> Span:
        """One column of the bar."""
        mode = self.at(line)
        if mode is None:
            return " ", "plain"
        if mode.blocks_reads:
            return "#", "failed"
        if mode.blocks_writes:
            return "=", "waiting"
        return (":", "muted") if mode.blocks_ddl else (".", "muted")
