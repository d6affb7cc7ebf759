"""The plan matrix: changes newest first, a column for each environment."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pgmig_tui.display.cells import Line, Role, Span, cut, pad, width
from pgmig_tui.ui.session import PlanLine
from pgmig_tui.ui.widgets.lines import Choices

CELL = 11
LOCK = 8


class PlanMatrix(Choices):
    """Rows are made when they come into view, so that a plan of 10,000 changes opens as fast as one of ten.

    `rows` are indexes into the plan, top first. `cell(change_id, environment)` gives the words of a cell,
    `lock(change_id)` those of the lock column, which is there where it leaves room for the names. An `x` marks a
    change that `loses(change_id)` data: behind its lock or, where there's no such column, in the chosen environment.
    """

    def __init__(
        self,
        plan: Sequence[PlanLine],
        environments: Sequence[str],
        cell: Callable[[str, str], Span],
        lock: Callable[[str], Span],
        loses: Callable[[str], bool],
        *,
        identity: str | None = None,
    ) -> None:
        super().__init__(identity=identity)
        self.plan = plan
        self.environments = environments
        self.chosen = 0
        self.rows: Sequence[int] = range(len(plan) - 1, -1, -1)
        self.with_locks = False
        self._cell = cell
        self._lock = lock
        self._loses = loses
        self._longest = max((width(self._title(change)) for change in plan[-300:]), default=20)

    @staticmethod
    def _title(change: PlanLine) -> str:
        return " ".join((*(f"@{tag}" for tag in change.tags), change.name))

    @property
    def line_count(self) -> int:
        return len(self.rows)

    @property
    def change(self) -> PlanLine | None:
        """The change under the cursor."""
        return self.plan[self.rows[self.cursor]] if self.rows else None

    def refill(self, rows: Sequence[int]) -> None:
        """Shows other rows of the plan, as a filter does; the cursor stays on its change as long as that is there."""
        change = self.change
        self.rows = rows
        row = self.row_of(change.change_id) if change is not None else None
        self.cursor = row if row is not None else 0
        self.changed()
        self.settle()

    def searched(self, index: int) -> str:
        return self._title(self.plan[self.rows[index]])

    def row_of(self, change_id: str) -> int | None:
        return next((row for row, index in enumerate(self.rows) if self.plan[index].change_id == change_id), None)

    def layout_for(self, columns: int) -> tuple[int, list[int]]:
        """The width of the name column, and which environments are in view beside it; the chosen one always is."""
        lock = LOCK if self.with_locks else 0
        least = min(max(self._longest, 8), 24)
        fitting = max(1, (columns - 3 - least - lock) // CELL)
        first = 0
        if len(self.environments) > fitting:
            first = max(0, min(self.chosen - fitting // 2, len(self.environments) - fitting))
        visible = list(range(first, min(first + fitting, len(self.environments))))
        name = columns - 3 - lock - CELL * len(visible)
        return max(8, min(name, self._longest + 2)), visible

    def head(self, columns: int) -> Line:
        """The titles of the columns; `<` and `>` where environments are out of view."""
        name, visible = self.layout_for(columns)
        spans: list[Span] = [(f" {pad('  change', name + 2)}", "title")]
        for index in visible:
            title = self.environments[index]
            left = "<" if index == visible[0] and index > 0 else ""
            right = ">" if index == visible[-1] and index < len(self.environments) - 1 else ""
            room = CELL - 1 - len(left) - len(right)
            # The ends of names like shop-prod-eu and shop-prod-us tell them apart.
            if width(title) > room:
                title = f"{title[: room - 6]}..{title[-4:]}"
            title = f"{left}{title}{right}"
            role: Role = "strong" if index == self.chosen else "title"
            spans.append((pad(cut(title, CELL - 1), CELL), role))
        if self.with_locks:
            spans.append((pad("locks", LOCK), "title"))
        return tuple(spans)

    def line_at(self, index: int) -> Line:
        change = self.plan[self.rows[index]]
        name, visible = self.layout_for(self.size.width)
        mark = ">" if index == self.cursor else " "
        spans: list[Span] = [(f" {mark} ", "strong")]
        tags = "".join(f"@{tag} " for tag in change.tags)
        tags = tags if width(tags) < name // 2 else ""
        if tags:
            spans.append((tags, "title"))
        spans.append(
            (
                pad(cut(change.name, name - width(tags) - 1), name - width(tags)),
                "strong" if index == self.cursor else "plain",
            )
        )
        lost: Span = ("x", "failed") if self._loses(change.change_id) else (" ", "plain")
        for place in visible:
            text, role = self._cell(change.change_id, self.environments[place])
            if place == self.chosen and not self.with_locks and width(text) < CELL - 3:
                spans += [(f"{text} ", role), lost, (" " * (CELL - 2 - width(text)), "plain")]
            else:
                spans.append((pad(cut(text, CELL - 1), CELL), role))
        if self.with_locks:
            text, role = self._lock(change.change_id)
            spans += [(pad(text, LOCK - 1), role), lost]
        return tuple(spans)
