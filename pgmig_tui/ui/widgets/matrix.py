"""The plan matrix: changes newest first, a column for each environment."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pgmig_tui.display.cells import Line, Role, Span, cut, pad, width
from pgmig_tui.display.charset import Charset
from pgmig_tui.display.names import short_forms
from pgmig_tui.ui.backend.protocol import PlanLine
from pgmig_tui.ui.views.matrix import Brief, MatrixLayout, RuleAcross, Ruled, layout, row_below, rule_spans
from pgmig_tui.ui.widgets.lines import Bar, Choices

TOGETHER = 500
"""Names of so many neighbours are told apart: a plan of 10,000 changes opens as fast as one of ten."""
ASKING = "~"
"""The glyph of what nobody has answered yet: `...` would begin like `. todo`."""


@dataclass(frozen=True, slots=True)
class Cells:
    """What stands in the cells: `state` of a change in an environment, and the `brief` of deploying it on the chosen
    one."""

    state: Callable[[str, str], Span]
    brief: Callable[[str], Brief]


class PlanMatrix(Choices):
    """Rows are made when they come into view. `rows` are indexes into the plan, top first; between them stand the
    rules, which the cursor passes over. An `x` behind the risk marks a change that loses data."""

    def __init__(
        self, plan: Sequence[PlanLine], environments: Sequence[str], cells: Cells, *, identity: str | None = None
    ) -> None:
        super().__init__(identity=identity)
        self.chosen = 0
        self.with_locks = False
        self.charset = Charset.ALL
        self.rows: Sequence[int] = ()
        self._cells = cells
        self._made: dict[tuple[int, bool, int, int, bool], Line] = {}
        """The rows that were drawn since a cell was another: by line, cursor, columns, environment, and columns of
        locks."""
        self._rules: Sequence[RuleAcross] = ()
        self._ruled = Ruled(0)
        self.take(plan, environments)

    def take(self, plan: Sequence[PlanLine], environments: Sequence[str]) -> None:
        """Shows another plan, or other environments; the cursor stays on its change."""
        change = self.change
        self.plan = plan
        self.environments = environments
        self._places: dict[str, int] = {}
        self._longest = max((width(self._title(one)) for one in plan[-300:]), default=20)
        self._forms: dict[tuple[int, int], dict[str, str]] = {}
        self._head = max(map(width, environments), default=0)
        self._heads: dict[tuple[int, tuple[int, ...]], list[str]] = {}
        self._rules = ()
        self._show(range(len(plan) - 1, -1, -1), change)

    @staticmethod
    def _title(change: PlanLine) -> str:
        return " ".join((*(f"@{tag}" for tag in change.tags), change.name))

    @property
    def line_count(self) -> int:
        return self._ruled.count

    @property
    def change(self) -> PlanLine | None:
        """The change under the cursor."""
        return self._change_at(self.cursor)

    def _change_at(self, line: int) -> PlanLine | None:
        row = self._ruled.row_of(line)
        return self.plan[self.rows[row]] if row is not None and row < len(self.rows) else None

    def in_sight(self) -> list[PlanLine]:
        """The changes whose rows can be seen."""
        top = max(0, self.scroll_offset.y)
        seen = (self._change_at(line) for line in range(top, min(top + self.size.height, self.line_count)))
        return [change for change in seen if change is not None]

    def refill(self, rows: Sequence[int]) -> None:
        """Shows other rows of the plan, as a filter does; the cursor stays on its change as long as that is there."""
        self._show(rows, self.change)

    def rule(self, rules: Sequence[RuleAcross]) -> None:
        """Draws these lines between the rows; what is under the cursor stays where it is on the screen."""
        if rules == self._rules:
            return
        change, offset = self.change, self.cursor - self.scroll_offset.y
        self._rules = rules
        self._show(self.rows, change)
        if self.size.height and change is not None:
            self._scroll(self.cursor - max(0, min(offset, self.size.height - 1)))

    def _show(self, rows: Sequence[int], change: PlanLine | None) -> None:
        if rows is not self.rows:
            self._forms.clear()
        self.rows = rows
        placed = {row_below(rows, rule.index): rule for rule in self._rules}
        above = tuple(sorted(row for row in placed if row < len(rows)))
        self._drawn = [placed[row] for row in above]
        self._ruled = Ruled(len(rows), above)
        line = self.row_of(change.change_id) if change is not None else None
        self.cursor = line if line is not None else self._beside(0, 1)
        self._made.clear()
        self.changed()
        self.settle()

    def row_of(self, change_id: str) -> int | None:
        """The line on which a change stands; None where it isn't shown."""
        if not self._places:
            self._places = {change.change_id: index for index, change in enumerate(self.plan)}
        index = self._places.get(change_id)
        row = row_below(self.rows, index) if index is not None else len(self.rows)
        return self._ruled.line_of(row) if row < len(self.rows) and self.rows[row] == index else None

    def _beside(self, line: int, way: int) -> int:
        """The line, or the one beside it that is a row."""
        line = max(0, min(line, self.line_count - 1))
        if self._ruled.row_of(line) is not None:
            return line
        return line - 1 if way < 0 and line else line + 1

    def move(self, index: int) -> None:
        line = self._beside(index, index - self.cursor)
        super().move(line)
        if line == 1 and index <= 0:
            self.bring(0, at_once=True)  # the rule above the first row, too

    def searched(self, index: int) -> str:
        change = self._change_at(index)
        return self._title(change) if change is not None else ""

    def layout_for(self, columns: int) -> MatrixLayout:
        return layout(
            columns, len(self.environments), self.chosen, self._longest, locks=self.with_locks, head=self._head
        )

    # The titles of the columns

    def heads(self, columns: int, mark: Callable[[str], Span] | None) -> list[Line]:
        """Names of environments where they have room, else their numbers, the chosen one with a star; `<` and `>` where
        some are out of view. With `mark` a line of one mark for each environment under its title."""
        form = self.layout_for(columns)
        left = "<" if form.shown and form.shown[0] > 0 else " "
        right = ">" if form.shown and form.shown[-1] < len(self.environments) - 1 else " "
        titles: list[Span] = [
            (title, "strong" if index == self.chosen else "title")
            for index, title in zip(form.shown, self._titles(form), strict=True)
        ]
        ends: list[Span] = [(right if form.slim else "", "title")]
        ends += [(pad("locks", form.lock), "title")] if form.lock else []
        lines: list[Line] = [
            ((f" {pad('  change', form.name + 1)}{left}", "title"), *titles, *ends, ("risk", "title")),
        ]
        if form.tight and any(index > 8 for index in form.shown):
            tens: list[Span] = [
                (f" {(index + 1) // 10 % 10 or ' '}", "strong" if index == self.chosen else "title")
                for index in form.shown
            ]
            lines.insert(0, ((" " * (form.name + 3), "title"), *tens))
        if mark is not None:
            lines.append(self._marks(form, mark))
        return lines

    def _titles(self, form: MatrixLayout) -> list[str]:
        if form.slim:
            star = {True: "*", False: " "}
            return [
                f"{star[index == self.chosen]}{(index + 1) % 10 if form.tight else index + 1:>{form.cell - 1}}"
                for index in form.shown
            ]
        known = self._heads.get((form.cell, form.shown))
        if known is None:
            forms = short_forms(self.environments, form.cell - 1)
            known = self._heads[form.cell, form.shown] = [
                pad(forms[self.environments[index]], form.cell) for index in form.shown
            ]
        return known

    def _marks(self, form: MatrixLayout, mark: Callable[[str], Span]) -> Line:
        spans: list[Span] = [(f" {pad('  schema', form.name + 1)} ", "title")]
        spans += [self._cell(form, *mark(self.environments[index])) for index in form.shown]
        return tuple(spans)

    def environment_at(self, column: int, columns: int) -> int | None:
        """The environment whose column (0-based, from the left edge) that is."""
        form = self.layout_for(columns)
        index = (column - 3 - form.name) // form.cell if column >= 3 + form.name else -1
        return form.shown[index] if 0 <= index < len(form.shown) else None

    # Rows

    def again(self) -> None:
        """Draws it anew: what stands in the cells is other by now."""
        self._made.clear()
        self.refresh()

    def line_at(self, index: int) -> Line:
        change = self._change_at(index)
        if change is None:
            rule = self._drawn[self._ruled.rule_of(index)]
            return rule_spans(rule.told, self.columns, unicode=self.charset is not Charset.ASCII)
        here = index == self.cursor
        row = (index, here, self.columns, self.chosen, self.with_locks)
        known = self._made.get(row)
        if known is None:
            known = self._made[row] = self._line(index, change, self.layout_for(self.columns), here=here)
        return known

    def _line(self, index: int, change: PlanLine, form: MatrixLayout, *, here: bool) -> Line:
        spans: list[Span] = [(" > " if here else "   ", "strong")]
        tags = "".join(f"@{tag} " for tag in change.tags)
        tags = tags if width(tags) < form.name // 2 else ""
        if tags:
            spans.append((tags, "title"))
        room = form.name - width(tags)
        name = cut(self._form(index, change.name, form.name - 1), room - 1)  # a tag tells it apart as well
        spans.append((pad(name, room), "strong" if here else "plain"))
        for at in form.shown:
            spans.append(self._cell(form, *self._cells.state(change.change_id, self.environments[at])))
        if form.slim:
            spans.append((" ", "plain"))
        brief = self._cells.brief(change.change_id)
        if form.lock:
            spans.append((pad(brief.lock[0], form.lock), brief.lock[1]))
        text, role = brief.risk
        lost: Span = ("x", "failed") if brief.loses else (" ", "plain")
        return (*spans, (pad(text, form.risk - 2), role), lost, (" ", "plain"))

    @staticmethod
    def _cell(form: MatrixLayout, text: str, role: Role) -> Span:
        if form.slim:
            glyph = ASKING if text == "..." else text[:1]
            return f"{glyph:>{form.cell}}", role
        return pad(cut(text, form.cell - 1), form.cell), role

    def _form(self, line: int, name: str, room: int) -> str:
        """The name as it is shown, told apart from those around it."""
        row = self._ruled.row_of(line) or 0
        part = row // TOGETHER
        forms = self._forms.get((part, room))
        if forms is None:
            around = self.rows[part * TOGETHER : (part + 1) * TOGETHER]
            forms = self._forms[part, room] = short_forms((self.plan[row].name for row in around), room, alike=True)
        return forms.get(name) or cut(name, room)


class ColumnHeads(Bar):
    """The titles above a matrix: two or three lines. A click on one is told with its column."""

    def __init__(self, matrix: PlanMatrix, *, identity: str | None = None) -> None:
        super().__init__(identity=identity)
        self._matrix = matrix

    @property
    def line_count(self) -> int:
        return len(self._lines)

    def line_at(self, index: int) -> Line:
        return self._lines[index]

    def again(self, columns: int, mark: Callable[[str], Span] | None) -> None:
        """Draws them for so many columns."""
        lines = self._matrix.heads(columns, mark)
        if len(lines) != self.line_count or not self.size.height:
            self.styles.height = len(lines)
        if lines != self.lines:
            self.show(lines)
