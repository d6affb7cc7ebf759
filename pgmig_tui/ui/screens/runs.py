"""The runs of this host: filtered, sorted by a column, of this project or of all."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import ClassVar, Self

from textual.containers import Vertical
from textual.widget import Widget

from pgmig_tui.display.cells import Line
from pgmig_tui.display.names import told_apart
from pgmig_tui.display.safe import safe
from pgmig_tui.display.words import count
from pgmig_tui.ui.backend.protocol import RunFacts
from pgmig_tui.ui.keys import Key, Keys, Unavailable, always, with_item
from pgmig_tui.ui.screens.base import BaseScreen
from pgmig_tui.ui.sizes import SMALL
from pgmig_tui.ui.views import runs as views
from pgmig_tui.ui.widgets.lines import Bar, Choices, Lines
from pgmig_tui.ui.widgets.panes import framed


class RunsScreen(BaseScreen):
    """A list; Enter watches the run that is alive, or shows how another ended."""

    CSS_PATH = "../styles/runs.tcss"
    screen_id: ClassVar[str] = "runs"
    least: ClassVar[tuple[int, int]] = SMALL

    def __init__(self) -> None:
        super().__init__()
        self.wanted = views.Wanted()
        self.shown: tuple[RunFacts, ...] = ()
        self.elsewhere: tuple[RunFacts, ...] | None = None
        """Those of other projects, once they were asked for."""
        self.head = Bar(identity="head")
        self.list = Choices(identity="list")

    def body(self) -> Iterable[Widget]:
        yield framed(Vertical(self.head, self.list, id="listing"), "runs", self.list)

    def set_up(self) -> None:
        self.head.make(lambda columns: views.head_line(self.wanted, columns))
        super().set_up()
        self.answers_changed()

    def doing(self) -> str:
        return count(len(self.shown), "run") if self.answers.listed else "RUNS"

    @property
    def _runs(self) -> tuple[RunFacts, ...]:
        others = self.elsewhere if self.wanted.everywhere else None
        return (*self.answers.runs, *(others or ()))

    def answers_changed(self) -> None:
        names = told_apart(tuple(safe(run.environment) for run in self._runs), views.ENVIRONMENT - 1)
        self.shown = tuple(views.shown(self._runs, self.wanted, names))

        def lines(columns: int) -> list[Line]:
            return [views.run_line(run, names[safe(run.environment)], self.wanted, columns) for run in self.shown]

        self.list.tell([run.run_id for run in self.shown], [views.whole(run, self.wanted) for run in self.shown])
        self.list.fill(lines)
        self.head.refresh()
        self.tick()

    def quiet_line(self, columns: int) -> Line:
        if not self._runs and not self.answers.listed:
            return ((" reading the runs of this account ...", "muted"),)
        if not self._runs:
            return ((" no run was started from this account on this host", "muted"),)
        return ((f" {safe(views.told(self.wanted, len(self.shown), len(self._runs)))}", "muted"),)

    # Keys

    @classmethod
    def own_keys(cls) -> Keys[Self]:
        return (
            Key(
                "runs.open", "enter", "Enter", "Open", "watch the run, or read how it ended",
                with_item(cls._chosen_run, cls.do_open),
            ),
            Key(
                "runs.filter", "slash", "/", "Filter", "show only the runs whose row holds a text; Esc shows all again",
                always(cls.do_filter),
            ),
            Key(
                "runs.sort", "s", "s", "Sort", "sort by the next column; a click on its title does it, too",
                always(cls.do_sort),
            ),
            Key("runs.reverse", "S", "S", "", "the other way round", always(cls.do_reverse)),
            Key(
                "runs.outcome", "o", "o", "Outcome", "only those that run, that are done, that failed, or were cut off",
                always(cls.do_outcome),
            ),
            Key(
                "runs.everywhere", "p", "p", "Projects", "this project or all of this account",
                always(cls.do_everywhere),
            ),
            *cls.moves("run"),
        )  # fmt: skip

    def _chosen_run(self) -> RunFacts | Unavailable:
        if self.shown:
            return self.shown[min(self.list.cursor, len(self.shown) - 1)]
        return Unavailable("there is no run" if not self._runs else "no run is as it is asked for")

    def copied(self) -> Callable[[], str] | Unavailable:
        run = self._chosen_run()
        return run if isinstance(run, Unavailable) else lambda: run.run_id

    def do_open(self, run: RunFacts) -> None:
        self.shell.open_run(run.run_id)

    def want(self, wanted: views.Wanted) -> None:
        """Other rows, or another order, from now on; the cursor stays on its run."""
        self.wanted = wanted
        self.answers_changed()
        self.list.settle()

    def do_filter(self) -> None:
        from pgmig_tui.ui.screens.dialog import AskScreen

        def filtered(text: str | None) -> None:
            if text is not None:
                self.list.needle = text or self.list.needle
                self.want(replace(self.wanted, needle=text))

        ask = AskScreen("Show the runs whose row holds", "part of a row", least=0, given=self.wanted.needle)
        self.app.push_screen(ask, filtered)

    def do_sort(self) -> None:
        here = [column for column, _ in views.columns_of(self.head.size.width, everywhere=self.wanted.everywhere)]
        at = here.index(self.wanted.column) if self.wanted.column in here else -1
        self.want(replace(self.wanted, column=here[(at + 1) % len(here)], reverse=False))

    def do_reverse(self) -> None:
        self.want(replace(self.wanted, reverse=not self.wanted.reverse))

    def do_outcome(self) -> None:
        at = views.OUTCOMES.index(self.wanted.outcome)
        self.want(replace(self.wanted, outcome=views.OUTCOMES[(at + 1) % len(views.OUTCOMES)]))

    def do_everywhere(self) -> None:
        self.want(replace(self.wanted, everywhere=not self.wanted.everywhere))
        if self.wanted.everywhere and self.elsewhere is None:
            self._ask()

    def _ask(self) -> None:
        session = self.session

        def take(found: tuple[RunFacts, ...]) -> None:
            self.elsewhere = found
            self.answers_changed()

        self.later("runs of other projects", session.runs_elsewhere, take)

    def do_ask(self) -> None:
        super().do_ask()
        if self.elsewhere is not None:
            self._ask()

    def do_back(self) -> None:
        if self.wanted.needle:
            self.want(replace(self.wanted, needle=""))
        else:
            super().do_back()

    def on_bar_clicked(self, message: Bar.Clicked) -> None:
        if message.bar is not self.head:
            return
        column = views.column_at(message.x, self.wanted, self.head.size.width)
        again = column == self.wanted.column
        self.want(replace(self.wanted, column=column, reverse=again and not self.wanted.reverse))

    def panes(self) -> Sequence[Lines]:
        return (self.list,)

    def help_text(self) -> tuple[str, ...]:
        return ("The same by a command: pgmig-tui runs --all --sort COLUMN --outcome OUTCOME.",)
