"""The runs of this host, newest first."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import ClassVar, Self

from textual.widget import Widget

from pgmig_tui.display.cells import Line, Span, pad, text_of
from pgmig_tui.display.names import told_apart
from pgmig_tui.display.safe import safe
from pgmig_tui.display.words import count, utc
from pgmig_tui.ui.backend.protocol import RunFacts
from pgmig_tui.ui.keys import Key, Keys, Unavailable, with_item
from pgmig_tui.ui.screens.base import BaseScreen
from pgmig_tui.ui.sizes import SMALL
from pgmig_tui.ui.widgets.lines import Bar, Choices, Lines

_STATES: dict[str, Span] = {
    "running": ("> running", "running"),
    "finished": ("+ ok", "done"),
    "failed": ("x FAILED", "failed"),
    "unknown": ("? cut off", "stale"),
}


ENVIRONMENT = 14
"""Columns of an environment's name."""
ROOMY = 88
"""With fewer columns the date is left to the run's own name, so that how it ended can be read."""


def _when(columns: int) -> int:
    return 21 if columns >= ROOMY else 11


class RunsScreen(BaseScreen):
    """A list; Enter watches the run that is alive, or shows how another ended."""

    screen_id: ClassVar[str] = "runs"
    least: ClassVar[tuple[int, int]] = SMALL

    def __init__(self) -> None:
        super().__init__()
        self.head = Bar(identity="head")
        self.list = Choices(identity="list")

    def body(self) -> Iterable[Widget]:
        yield self.head
        yield self.list

    def set_up(self) -> None:
        self.head.make(self._head_line)
        super().set_up()
        self.answers_changed()

    def _head_line(self, columns: int) -> Line:
        head = f"  {pad('run', 22)}{pad('when (UTC)', _when(columns))}{pad('what', 8)}"
        return ((f"{head}{pad('environment', ENVIRONMENT)}{pad('steps', 8)}result", "title"),)

    def doing(self) -> str:
        return count(len(self._runs), "run")

    @property
    def _runs(self) -> tuple[RunFacts, ...]:
        return self.answers.runs

    def answers_changed(self) -> None:
        names = told_apart(tuple(safe(run.environment) for run in self._runs), ENVIRONMENT - 1)

        def lines(columns: int) -> list[Line]:
            return [self._line(run, names[safe(run.environment)], columns) for run in self._runs]

        self.list.tell([run.run_id for run in self._runs], [text_of(line) for line in lines(ROOMY)])
        self.list.fill(lines)
        self.tick()

    def _line(self, run: RunFacts, environment: str, columns: int) -> Line:
        fields = (
            pad(run.run_id, 22),
            pad(utc(run.started_at)[0 if columns >= ROOMY else 11 :], _when(columns)),
            pad(run.command, 8),
            pad(environment, ENVIRONMENT),
            pad(f"{run.done}/{run.steps}", 8),
        )
        state: Span = ("~ paused", "waiting") if run.paused else _STATES[run.state]
        return ((f" {''.join(fields)}", "plain"), state, (f"  {safe(run.operator)}", "muted"))

    def quiet_line(self, columns: int) -> Line:
        return () if self._runs else ((" no run was started from this account on this host", "muted"),)

    @classmethod
    def own_keys(cls) -> Keys[Self]:
        return (
            Key(
                "runs.open", "enter", "Enter", "Open", "watch the run, or read how it ended",
                with_item(cls._chosen_run, cls.do_open),
            ),
            *cls.moves("run"),
        )  # fmt: skip

    def _chosen_run(self) -> RunFacts | Unavailable:
        return self._runs[self.list.cursor] if self._runs else Unavailable("there is no run")

    def copied(self) -> Callable[[], str] | Unavailable:
        run = self._chosen_run()
        return run if isinstance(run, Unavailable) else lambda: run.run_id

    def do_open(self, run: RunFacts) -> None:
        self.shell.open_run(run.run_id)

    def panes(self) -> Sequence[Lines]:
        return (self.list,)
