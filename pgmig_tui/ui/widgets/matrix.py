"""The plan matrix: changes newest first, a column for each environment."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pgmig_tui.display.cells import Line, Span, cut, pad, width
from pgmig_tui.display.names import short_forms
from pgmig_tui.ui.backend.protocol import PlanLine
from pgmig_tui.ui.views.matrix import MatrixLayout, layout
from pgmig_tui.ui.widgets.lines import Choices

TOGETHER = 500
"""Names of so many neighbours are told apart: a plan of 10,000 changes opens as fast as one of ten."""
ASKING = "~"
"""The glyph of what nobody has answered yet: `...` would begin like `. todo`."""


@dataclass(frozen=True, slots=True)
class Cells:
    """What stands in the cells: `state` of a change in an environment, `lock` and `risk` of deploying it on the chosen
    one, and whether that `loses` data."""

    state: Callable[[str, str], Span]
    lock: Callable[[str], Span]
    risk: Callable[[str], Span]
    loses: Callable[[str], bool]


class PlanMatrix(Choices):
    """Rows are made when they come into view. `rows` are indexes into the plan, top first. An `x` behind the risk marks
    a change that loses data."""

    def __init__(
        self, plan: Sequence[PlanLine], environments: Sequence[str], cells: Cells, *, identity: str | None = None
    ) -> None:
        super().__init__(identity=identity)
        self.chosen = 0
        self.with_locks = False
        self._cells = cells
        self.take(plan, environments)

    def take(self, plan: Sequence[PlanLine], environments: Sequence[str]) -> None:
        """Shows another plan, or other environments; the cursor stays on its change."""
        change = self.change if self.line_count else None
        self.plan = plan
        self.environments = environments
        self._longest = max((width(self._title(one)) for one in plan[-300:]), default=20)
        self._forms: dict[tuple[int, int], dict[str, str]] = {}
        self._head = max(map(width, environments), default=0)
        self._heads: dict[tuple[int, tuple[int, ...]], list[str]] = {}
        self._show(range(len(plan) - 1, -1, -1), change)

    @staticmethod
    def _title(change: PlanLine) -> str:
        return " ".join((*(f"@{tag}" for tag in change.tags), change.name))

    @property
    def line_count(self) -> int:
        return len(self.rows) if hasattr(self, "rows") else 0

    @property
    def change(self) -> PlanLine | None:
        """The change under the cursor."""
        return self.plan[self.rows[self.cursor]] if self.rows else None

    def refill(self, rows: Sequence[int]) -> None:
        """Shows other rows of the plan, as a filter does; the cursor stays on its change as long as that is there."""
        self._show(rows, self.change)

    def _show(self, rows: Sequence[int], change: PlanLine | None) -> None:
        self.rows = rows
        self._forms.clear()
        row = self.row_of(change.change_id) if change is not None else None
        self.cursor = row if row is not None else 0
        self.changed()
        self.settle()

    def row_of(self, change_id: str) -> int | None:
        return next((row for row, index in enumerate(self.rows) if self.plan[index].change_id == change_id), None)

    def searched(self, index: int) -> str:
        return self._title(self.plan[self.rows[index]])

    def layout_for(self, columns: int) -> MatrixLayout:
        return layout(
            columns, len(self.environments), self.chosen, self._longest, locks=self.with_locks, head=self._head
        )

    # The titles of the columns

    def head(self, columns: int) -> Line:
        """Names of environments where they have room, else their numbers, the chosen one with a star; `<` and `>` where
        some are out of view."""
        form = self.layout_for(columns)
        left = "<" if form.shown and form.shown[0] > 0 else " "
        right = ">" if form.shown and form.shown[-1] < len(self.environments) - 1 else " "
        spans: list[Span] = [(f" {pad('  change', form.name + 1)}{left}", "title")]
        for index, title in zip(form.shown, self._titles(form), strict=True):
            spans.append((title, "strong" if index == self.chosen else "title"))
        spans.append((f"{right if form.slim else ''}", "title"))
        if form.lock:
            spans.append((pad("locks", form.lock), "title"))
        return (*spans, ("risk", "title"))

    def _titles(self, form: MatrixLayout) -> list[str]:
        if form.slim:
            return [f"{'*' if index == self.chosen else ' '}{index + 1:>2}" for index in form.shown]
        known = self._heads.get((form.cell, form.shown))
        if known is None:
            forms = short_forms(self.environments, form.cell - 1)
            known = self._heads[form.cell, form.shown] = [
                pad(forms[self.environments[index]], form.cell) for index in form.shown
            ]
        return known

    def marks(self, columns: int, mark: Callable[[str], Span]) -> Line:
        """A line of one mark for each environment, under its title."""
        form = self.layout_for(columns)
        spans: list[Span] = [(f" {pad('  schema', form.name + 1)} ", "title")]
        for index in form.shown:
            text, role = mark(self.environments[index])
            spans.append((f"  {self._glyph(text)}" if form.slim else pad(cut(text, form.cell - 1), form.cell), role))
        return tuple(spans)

    def environment_at(self, column: int, columns: int) -> int | None:
        """The environment whose column (0-based, from the left edge) that is."""
        form = self.layout_for(columns)
        index = (column - 3 - form.name) // form.cell if column >= 3 + form.name else -1
        return form.shown[index] if 0 <= index < len(form.shown) else None

    # Rows

    def line_at(self, index: int) -> Line:
        change = self.plan[self.rows[index]]
        form = self.layout_for(self.columns)
        here = index == self.cursor
        spans: list[Span] = [(" > " if here else "   ", "strong")]
        tags = "".join(f"@{tag} " for tag in change.tags)
        tags = tags if width(tags) < form.name // 2 else ""
        if tags:
            spans.append((tags, "title"))
        room = form.name - width(tags)
        spans.append((pad(self._form(index, change.name, room - 1), room), "strong" if here else "plain"))
        for index in form.shown:
            text, role = self._cells.state(change.change_id, self.environments[index])
            spans.append((f"  {self._glyph(text)}" if form.slim else pad(cut(text, form.cell - 1), form.cell), role))
        if form.slim:
            spans.append((" ", "plain"))
        if form.lock:
            text, role = self._cells.lock(change.change_id)
            spans.append((pad(text, form.lock), role))
        text, role = self._cells.risk(change.change_id)
        lost: Span = ("x", "failed") if self._cells.loses(change.change_id) else (" ", "plain")
        return (*spans, (pad(text, form.risk - 2), role), lost, (" ", "plain"))

    @staticmethod
    def _glyph(text: str) -> str:
        return ASKING if text == "..." else text[:1]

    def _form(self, index: int, name: str, room: int) -> str:
        """The name as it is shown, told apart from those around it."""
        if width(name) <= room:
            return name
        part = index // TOGETHER
        forms = self._forms.get((part, room))
        if forms is None:
            around = self.rows[part * TOGETHER : (part + 1) * TOGETHER]
            forms = self._forms[part, room] = short_forms((self.plan[row].name for row in around), room)
        return forms.get(name) or cut(name, room)
