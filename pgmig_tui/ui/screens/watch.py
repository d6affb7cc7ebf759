"""After a deploy: what has become of the statements on what was changed, against all others, and against before."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, ClassVar, Self

from textual.widget import Widget

from pgmig_tui.display.cells import Line, point
from pgmig_tui.display.safe import safe
from pgmig_tui.display.words import duration
from pgmig_tui.ui.backend.protocol import DeployWatch, EnvironmentFacts
from pgmig_tui.ui.destinations import ToLocks, ToRollback
from pgmig_tui.ui.keys import Key, Keys, Unavailable, WhyNot, always, with_item
from pgmig_tui.ui.messages import WatchRead
from pgmig_tui.ui.screens.base import BaseScreen
from pgmig_tui.ui.sizes import SMALL
from pgmig_tui.ui.threads import to_the_end, words_of
from pgmig_tui.ui.views.watch import as_text, below_lines, number_lines, verdict_lines, verdict_span
from pgmig_tui.ui.widgets.lines import Bar, Lines
from pgmig_tui.ui.widgets.panes import framed

if TYPE_CHECKING:
    from pgmig_tui.review.watch_picture import WatchPicture

EVERY_SECONDS = (10.0, 30.0, 60.0, 2.0, 5.0)
"""The intervals that can be chosen, the one to begin with first."""
FOR = timedelta(minutes=15)
_KEPT = "what was seen is kept for a day"


class WatchScreen(BaseScreen):
    """Reads the counters of one environment in intervals until its time is over or it is left. It changes nothing."""

    screen_id: ClassVar[str] = "watch"
    least: ClassVar[tuple[int, int]] = SMALL
    CSS_PATH = "../styles/watch.tcss"

    def __init__(self, environment: EnvironmentFacts, run: str = "") -> None:
        super().__init__()
        self.environment = environment
        self._run = run
        self.seen: WatchPicture | None = None
        self._problem = ""
        self._every = 0
        self._until = datetime.max.replace(tzinfo=UTC)
        self._watch: DeployWatch | None = None
        self.verdict = Bar(identity="verdict")
        self.text = Lines(identity="text")
        self.log_part = Lines(identity="log")

    def body(self) -> Iterable[Widget]:
        yield self.verdict
        yield framed(self.text, "since the deploy")
        yield framed(self.log_part, "statements and log")

    def set_up(self) -> None:
        self.verdict.make(self._verdict_line)
        super().set_up()
        self._until = self.shell.clock() + FOR
        self._watch = self.session.deploy_watch(self.environment.name, self._run)
        self._begin()
        self._show()

    def _begin(self) -> None:
        watch = self._watch
        assert watch is not None, "it is set up"

        def look() -> WatchRead:
            try:
                return WatchRead(watch.look())
            except Exception as error:
                return WatchRead(None, words_of(error))

        self.keep_asking("watch", look, EVERY_SECONDS[self._every])

    def on_unmount(self) -> None:
        if self._watch is not None:
            to_the_end("keeping what was watched", self._watch.close)

    def on_watch_read(self, message: WatchRead) -> None:
        message.stop()
        self._problem = message.problem
        if message.picture is not None:
            self.seen = message.picture
        self._show()

    @property
    def where(self) -> EnvironmentFacts | None:
        return self.environment

    def access(self) -> str:
        return "WATCHING"

    def doing(self) -> str:
        return "WATCH" if self.seen is None else f"WATCH  as of {self.seen.asked_at:%H:%M:%S}Z"

    @property
    def left(self) -> float:
        """Seconds until it stops by itself."""
        return max(0.0, (self._until - self.shell.clock()).total_seconds())

    # What is shown

    def _verdict_line(self, columns: int) -> Line:
        if self.seen is None:
            return ((" asking the server ...", "muted"),) if not self._problem else ((" ? nothing is known", "stale"),)
        return (verdict_span(self.seen, self.environment.name),)

    def _show(self) -> None:
        self.text.fill(lambda columns: self._lines(columns - 1))
        self.log_part.fill(lambda columns: below_lines(self.seen, columns - 1) if self.seen is not None else [])
        self.verdict.refresh()
        self.tick()

    def _lines(self, columns: int) -> list[Line]:
        lines: list[Line] = []
        if self._problem:
            lines += point(f"? no answer: {safe(self._problem)}", columns, "stale")
        if self.seen is not None:
            lines += [*verdict_lines(self.seen, columns), (), *number_lines(self.seen, columns)]
        return lines

    def tick(self) -> None:
        super().tick()
        if self.poller is not None and not self.left:
            self.stop_asking()
            self.poller = None

    def quiet_line(self, columns: int) -> Line:
        every = duration(EVERY_SECONDS[self._every] * 1000)
        if self.poller is None and self._watch is not None:
            return ((f" = the time is over, what is said stands; t watches on. {_KEPT.capitalize()}", "waiting"),)
        return ((f" every {every}, {duration(self.left * 1000)} left. Esc stops it; {_KEPT}", "muted"),)

    # Keys

    def panes(self) -> Sequence[Lines]:
        return (self.log_part, self.text)

    @classmethod
    def own_keys(cls) -> Keys[Self]:
        return (
            Key(
                "watch.interval", "i", "i", "Interval", "another interval: 10, 30, 60, 2 or 5 seconds",
                always(cls.do_interval),
            ),
            Key("watch.more", "t", "t", "More time", "watch for 15 minutes from now on", always(cls.do_more)),
            Key(
                "watch.locks", "l", "l", "Locks", "everybody who waits for a lock on this server, and for whom",
                always(cls.do_locks),
            ),
            Key(
                "watch.rollback", "R", "R", "ROLL BACK..", "roll back the last deploy run that stands, after a look",
                with_item(cls.known_environment, cls.do_rollback, cls._no_rollback), True,
            ),
            Key("watch.write", "w", "w", "Write", "write what is shown to a file", with_item(cls._seen, cls.do_write)),
            *cls.moves("line"),
        )  # fmt: skip

    def _seen(self) -> WatchPicture | Unavailable:
        return self.seen or Unavailable("the server has not answered")

    def _no_rollback(self, environment: EnvironmentFacts) -> WhyNot:
        return self.answers.silent(environment.name)

    def do_interval(self) -> None:
        self._every = (self._every + 1) % len(EVERY_SECONDS)
        if self.poller is not None:
            self.poller.every(EVERY_SECONDS[self._every])
        self.say(f"looks every {duration(EVERY_SECONDS[self._every] * 1000)} now", "muted")

    def do_more(self) -> None:
        self._until = self.shell.clock() + FOR
        if self.poller is None and self._watch is not None:
            self._begin()
        self.say(f"watches for {duration(FOR.total_seconds() * 1000)} from now on", "muted")

    def do_ask(self) -> None:
        self.ask_now()

    def do_locks(self) -> None:
        self.go(ToLocks(self.environment))

    def do_rollback(self, environment: EnvironmentFacts) -> None:
        self.go(ToRollback(environment, came_from=self._run))

    def do_write(self, seen: WatchPicture) -> None:
        self.write(f"watch-{self.environment.name}.txt", as_text(seen, self.environment.name))

    def copy_text(self) -> str:
        return as_text(self.seen, self.environment.name) if self.seen is not None else ""

    def whole_text(self) -> Sequence[str]:
        texts = list(super().whole_text())
        if self.seen is not None:
            texts += [one.text for one in self.seen.verdict.slowest]
        return texts

    def help_text(self) -> tuple[str, ...]:
        return (
            "on the change: statements on what the deploy has locked, a call; all others are the control group.",
            "ratio: the time that their calls took to what as many took before. healthy is the only green verdict.",
            "Before: what watch or a review of a deploy has kept, for a day; times of runs and of trouble don't count.",
            f"Nothing is changed on the server. Esc stops watching; {_KEPT}, and W goes on from there.",
        )
