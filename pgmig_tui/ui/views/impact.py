"""The pane beside a script: the script's impact, what goes on on the server now, and a finding for each statement.

Also where in the script locks are held, and what of a finding goes to the clipboard.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from pgmig_tui.display.cells import Line, Role, Span, point, text_of, wrap
from pgmig_tui.display.safe import safe
from pgmig_tui.display.words import count
from pgmig_tui.impact.modes import LockMode
from pgmig_tui.impact.result import ScriptImpact, StatementImpact
from pgmig_tui.ui.backend.protocol import ImpactFacts, ScriptText
from pgmig_tui.ui.views.findings import headline, statement_lines, telling

if TYPE_CHECKING:
    from pgmig_tui.review.now import RightNow

NEAR = 25
"""So many findings before and after the current one are in the pane; the others are counted."""

LONGEST_BACK = 1000
"""Lines of a revert script that stand beside; all of them are on its own tab."""

Row = tuple[Line, int | None]
"""A line of the pane, and the finding that it belongs to."""


def own(impact: ScriptImpact, one: StatementImpact) -> bool:
    """Whether a statement stands in the script itself, not in a file that it includes."""
    return not one.path or one.path == impact.path


class Pane:
    """An impact laid out for looking up again and again. Made in a thread: a long script has many statements.

    `told` are the statements with something to tell, the findings; `held` is the bar beside the script.
    """

    def __init__(self, facts: ImpactFacts) -> None:
        self.facts = facts
        self.told = telling(facts.impact) if facts.impact is not None else []
        self.held = HeldLine(facts.impact) if facts.impact is not None else None
        self._heads: dict[int, list[Line]] = {}
        mine = sorted((one.line, index) for index, one in enumerate(self.told) if self.stands_here(one))
        self._lines = [line for line, _ in mine]
        self._indexes = [index for _, index in mine]

    def stands_here(self, one: StatementImpact) -> bool:
        """Whether a statement stands in the script itself, not in a file that it includes."""
        return self.facts.impact is not None and own(self.facts.impact, one)

    def at(self, line: int) -> int | None:
        """The finding of the statement that a line (1-based) belongs to."""
        position = bisect_right(self._lines, line) - 1
        if position < 0 or line > self.told[self._indexes[position]].end_line:
            return None
        return self._indexes[bisect_left(self._lines, self._lines[position])]

    def below(self, line: int, otherwise: int) -> int:
        """The first finding that begins below a line."""
        position = bisect_right(self._lines, line)
        return self._indexes[position] if position < len(self._indexes) else otherwise

    def rows(
        self, current: int | None, now: RightNow | None, columns: int, *, active: bool = False, problem: str = ""
    ) -> list[Row]:
        """The whole pane. `current` is the index of a finding, `active`: keys move in the findings."""
        facts, told = self.facts, self.told
        source = facts.server if facts.live else "from the text alone"
        title: Span = (">Lock impact  ", "key") if active else (" Lock impact  ", "title")
        lines: list[Line] = [(title, (safe(source), "muted"))]
        lines += wrap(safe(problem), columns, "stale", indent=" ") if problem else []
        if facts.upto:
            lines += wrap(f"reading on: this goes to line {facts.upto:,} so far", columns, "running", indent=" ")
        if columns not in self._heads:
            self._heads[columns] = headline(facts, columns)
        lines += self._heads[columns]
        for text in facts.measured:
            lines += wrap(safe(text), columns, "running", indent=" ")
        for text in facts.findings:
            lines += point(f"! {safe(text)}", columns, "waiting")
        if now is not None:
            lines += [(), ((f" On {safe(now.environment)} now", "title"),), *_now_lines(now, columns)]
        found: list[Row] = [(one, None) for one in lines]
        middle = current or 0
        first, last = max(0, middle - NEAR), min(len(told), middle + NEAR + 1)
        if first:
            found += [((), None), (((f" {count(first, 'statement')} before", "muted"),), None)]
        for index in range(first, last):
            one = told[index]
            where = "" if self.stands_here(one) else f"{safe(PurePosixPath(one.path).name)} "
            found.append(((), None))
            found += [(row, index) for row in statement_lines(one, columns, marked=index == current, where=where)]
        if last < len(told):
            found += [((), None), (((f" and {count(len(told) - last, 'statement')} more", "muted"),), None)]
        return found


def back_lines(pane: Pane, script: ScriptText, columns: int) -> list[Line]:
    """What the revert script does, and below that its SQL."""
    lines = [line for line, _ in pane.rows(None, None, columns, problem=script.problem)]
    text = script.text.splitlines()[:LONGEST_BACK]
    return [*lines, (), ((f" {script.path}", "title"),), *(((f" {one}", "plain"),) for one in text)]


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
        return "\n".join(
            dict.fromkeys(advice.safer_sql for advice in safer)
        ), f"copied the safer SQL for line {one.line} ({rules})"
    text = "\n".join(text_of(line).rstrip() for line in statement_lines(one, columns))
    return text, f"copied the finding of line {one.line}; it has no safer SQL"


class HeldLine:
    """The strongest lock that is held at each line of a script, as the bar beside it shows it."""

    def __init__(self, impact: ScriptImpact) -> None:
        changes: dict[int, list[int]] = {}  # by line: modes that begin to be held, or (negative) end
        for one in impact.statements:
            strongest = one.strongest
            if strongest is not None and own(impact, one):
                mode = int(strongest.mode)
                changes.setdefault(one.line, []).append(mode)
                changes.setdefault(max(one.end_line, one.held_until_line) + 1, []).append(-mode)
        self._lines = sorted(changes)
        self._modes: list[LockMode | None] = []
        held = [0] * 9
        for line in self._lines:
            for change in changes[line]:
                held[abs(change)] += 1 if change > 0 else -1
            top = next((mode for mode in range(8, 0, -1) if held[mode]), 0)
            self._modes.append(LockMode(top) if top else None)

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
