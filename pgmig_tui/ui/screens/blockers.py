"""Who is in the way of a run, as its journal tells it; the run process itself ends a session."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Self

from pgmig_tui.display.cells import Line
from pgmig_tui.display.words import clock, count
from pgmig_tui.ui.backend.protocol import EnvironmentFacts, LockSession, Watch
from pgmig_tui.ui.keys import Keys, Unavailable, unless
from pgmig_tui.ui.screens.sessions import SessionsScreen
from pgmig_tui.ui.sizes import SMALL
from pgmig_tui.ui.views.run import seconds_since

if TYPE_CHECKING:
    from pgmig_tui.ui.screens.run import RunScreen

REFRESH_SECONDS = 0.25


class BlockersScreen(SessionsScreen):
    """Follows the run screen's picture. What it asks for goes to the run process, which looks once more."""

    screen_id: ClassVar[str] = "blockers"
    least: ClassVar[tuple[int, int]] = SMALL
    CSS_PATH = "../styles/sessions.tcss"

    def __init__(self, run: RunScreen) -> None:
        super().__init__()
        self.run = run

    def set_up(self) -> None:
        super().set_up()
        self._look()
        self.set_interval(REFRESH_SECONDS, self._look)

    def _look(self) -> None:
        rows = tuple(LockSession(one) for one in self.run.picture.in_the_way)
        # The list stays when the wait is over: a key must never hit another session than the one that was looked at.
        if rows and rows != self.rows:
            self.take(rows)
        self.summary.refresh()

    @property
    def where(self) -> EnvironmentFacts | None:
        return self.run.where

    def access(self) -> str:
        return self.run.access()

    def doing(self) -> str:
        return f"BLOCKERS of RUN {self.run.run_id}"

    def _columns(self, columns: int) -> tuple[int, int, int, int]:
        return (28, 13, 0, 0) if columns >= 96 else (24, 11, 0, 0)

    def summary_line(self, columns: int) -> Line:
        picture = self.run.picture
        activity, lost = picture.activity, picture.lost
        if not picture.in_the_way:
            return ((" nobody is in the way any more", "done"),)
        number = count(len(picture.in_the_way), "session")
        if activity is None:
            told = f"; try {lost.number} of {lost.of} is lost, and the next one comes" if lost is not None else ""
            return ((f" {number} in the way of the last try", "failed"), (told, "waiting"))
        waited = clock(seconds_since(picture.waiting_since, self.shell.clock()))[3:]
        behind = activity.behind()
        return (
            (f" {number} in the way", "failed"),
            (f"   WAITING {waited}" if activity.waiting else "", "waiting"),
            (f"   {behind}" if behind else "", "waiting"),
        )

    @classmethod
    def own_keys(cls) -> Keys[Self]:
        return (*super().own_keys(), *cls.moves("session"))

    def _telling(self) -> Watch | Unavailable:
        """What tells the run to end a session, while one is in its way."""
        there = self.run.picture.in_the_way
        return unless(self.run.controlled(), lambda watch: None if there else "nobody is in the way any more")

    def may_not(self) -> str | None:
        watch = self._telling()
        return watch.reason if isinstance(watch, Unavailable) else None

    def end(self, row: LockSession, *, terminate: bool) -> None:
        watch = self._telling()
        if isinstance(watch, Unavailable):
            self.say(f"nothing was done: {watch.reason}")
            return
        self.run.end_blocker(watch, row.session, terminate=terminate)
        self.do_back()

    def help_text(self) -> tuple[str, ...]:
        return (
            "The run process looks once more whether pid and time of connection are still the same, then ends it.",
            "Waiting costs nothing but time: after lock_timeout the run gives way, and tries again later.",
        )
