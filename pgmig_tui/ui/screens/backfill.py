"""A data migration in batches, watched through its journal: how far, how fast, what it gives way to, and its pace."""

from __future__ import annotations

from typing import ClassVar, Self

from pgmig_tui.display.cells import Line, Role, cut, point, wrap
from pgmig_tui.display.safe import safe
from pgmig_tui.display.words import about, count, duration
from pgmig_tui.run.journal.batches import Progress
from pgmig_tui.run.journal.events import RunFinished
from pgmig_tui.ui.backend.protocol import EnvironmentFacts, Watch
from pgmig_tui.ui.destinations import ToReview
from pgmig_tui.ui.keys import Key, Keys, Unavailable, WhyNot, always, with_item
from pgmig_tui.ui.messages import JournalRead
from pgmig_tui.ui.screens.dialog import paragraph
from pgmig_tui.ui.screens.run import RunScreen
from pgmig_tui.ui.sizes import SMALL
from pgmig_tui.ui.views.course import bar_line

_LEAST, _MOST = -6, 5


class BackfillScreen(RunScreen, inherit_bindings=False):
    """A run of `backfill`. The run screen, which shows any run, gives way to this one when it reads that it is one."""

    screen_id: ClassVar[str] = "backfill"
    pauses_after: ClassVar[str] = "batch"
    least: ClassVar[tuple[int, int]] = SMALL

    def __init__(
        self,
        run_id: str,
        environment: EnvironmentFacts | None = None,
        watch: Watch | None = None,
        *,
        controls: bool = True,
    ) -> None:
        super().__init__(run_id, environment, watch, controls=controls)
        self.progress = Progress()
        self._do = ""

    # What the journal says. Textual calls this one and then the run screen's own.

    def on_journal_read(self, message: JournalRead) -> None:
        for event in message.events:
            self.progress.add(event)
            if isinstance(event.event, RunFinished):
                self._do = event.event.do

    def _after_failure(self) -> None:
        """What can be done is said in one line: go on with it."""

    def headline_line(self, columns: int) -> Line:
        word, role = self._state()
        share = self.progress.share
        head = "" if share is None else f" {'about ' if share < 1 else ''}{share * 100:.0f} %"
        return ((head, "strong"), (cut(f" {word}", columns - len(head)), role))

    def course_line(self, columns: int) -> Line:
        share, left = self.progress.share, self.progress.left_s
        if share is None:
            return ()
        known = f"  about {duration(left * 1000)} left" if left is not None else "  time left unknown"
        return bar_line(share, ((known if not self.ended else "", "plain"),), columns)

    def _state(self) -> tuple[str, Role]:
        picture = self.picture
        if not picture.steps:
            return "reading the journal ...", "muted"
        now = self.progress
        if picture.exit_status is not None:
            good = picture.exit_status == 0
            return f"{'+ DONE' if good else 'x STOPPED'}  {safe(picture.summary)}", "done" if good else "failed"
        if not self.alive:
            return (
                "x the run process exited without recording an end; what is committed stands in its checkpoint",
                "failed",
            )
        if picture.paused:
            return "~ PAUSED between two batches, no transaction is open; p goes on", "waiting"
        if now.lost is not None:
            return f"~ try {now.lost.number} of {now.lost.of} lost: {safe(now.lost.why)}", "waiting"
        asked = f"  asked to {self._asked}" if self._asked else ""
        if now.held:
            return f"~ HOLDING: {safe(now.throttled)}{asked}", "waiting"
        if now.throttled:
            return f"~ SLOWER: {safe(now.throttled)}{asked}", "waiting"
        return f"> running{asked}", "running"

    def _show(self) -> None:
        self.steps.fill(self._step_lines)
        self.current.fill(self._current_lines)
        self.headline.refresh()
        self.course.refresh()
        self.set_class(self.ended and not self.pulse.beats, "-no-curves")
        self.small.show([*self.small_line(), *self.small_lines()])

    def _step_lines(self, columns: int) -> list[Line]:
        """At the left: the table, the numbers, the pace, what was given way to."""
        now = self.progress
        rows = "" if now.about_total < 0 else f" of about {about(now.about_total)}"
        told: list[tuple[str, str]] = [
            ("table", safe(now.table)),
            ("rows", f"{now.seen:,}{rows}"),
            ("changed", f"{now.total:,}"),
            ("batches", f"{now.batches:,}, of {now.size:,} rows now"),
            ("last took", duration(now.last_ms)),
        ]
        if now.retries:
            told.append(("lost", count(now.retries, "try", "tries")))
        lines: list[Line] = [((f" {name:<11}", "muted"), (cut(value, columns - 12), "plain")) for name, value in told]
        pace = f"pace {now.level:+d}" if now.level else "usual pace"
        role: Role = "waiting" if now.level else "muted"
        lines.append(((f" {pace:<11}", role), (f"{duration(now.aim_ms)} a batch", "plain")))
        if now.throttles:
            lines.append(((" gave way to", "muted"),))
            lines += [((f"   {cut(safe(reason), columns - 4)}", "waiting"),) for reason in list(now.throttles)[-4:]]
        return lines

    def _current_lines(self, columns: int) -> list[Line]:
        """At the right: the rate, the statement, where it is."""
        now = self.progress
        lines: list[Line] = []
        rate = now.rate
        if rate is not None and not self.ended:
            lines.append(((f" {about(rate)} rows/s", "running"),))
        lines += point(now.pace_words, columns, "muted")
        if now.throttled and not self.ended:
            word = "HOLDING" if now.held else "SLOWER"
            since = f" for {duration(now.held_ms)}" if now.held and now.held_ms >= 1000 else ""
            lines += point(f"{word}{since}: {safe(now.throttled)}", columns, "waiting")
        if now.last_key:
            key = safe(", ".join(now.last_key))
            lines += point(f"done up to key {key}", columns, "muted")
        if now.left:
            lines += wrap(f"{count(now.left, 'row')} left to do, by its condition", columns, "waiting", indent=" ")
        if self._do or self.gone:
            how = self._do or f"Go on with: pgmig-tui backfill {self.picture.environment} --resume {self.run_id}"
            lines += point(safe(how), columns, "strong")
        elif self.picture.statement is not None:
            for text in self.picture.statement.sql.splitlines()[:4]:
                lines += point(safe(text), columns, "plain")[:2]
        return lines

    def small_lines(self) -> list[Line]:
        columns = max(20, self.size.width)
        return [self.banner_line(columns), self.headline_line(columns)]

    def quiet_line(self, columns: int) -> Line:
        if self.picture.exit_status is not None:
            return ((" Esc: back", "muted"),)
        return ((" Esc, z and q leave it alone; it goes on without this screen", "muted"),)

    # Keys

    @classmethod
    def own_keys(cls) -> Keys[Self]:
        return (
            Key(
                "backfill.pause", "p", "p", "Pause", "pause after this batch; again: go on",
                with_item(cls.controlled, cls.do_pause), called=cls._pause_label, hidden=cls.over,
            ),
            Key(
                "backfill.faster", "plus", "+", "Faster", "shorter rests between batches, then bigger ones",
                with_item(cls.controlled, cls.do_faster, cls._fastest), hidden=cls.over,
            ),
            Key(
                "backfill.slower", "minus", "-", "Slower", "longer rests between batches, then smaller ones",
                with_item(cls.controlled, cls.do_slower, cls._slowest), hidden=cls.over,
            ),
            Key(
                "backfill.stop", "X", "X", "STOP..",
                "cancel the batch and stop; what is done stays, to be resumed",
                with_item(cls.controlled, cls.do_stop), True, hidden=cls.over,
            ),
            Key(
                "backfill.resume", "b", "b", "Go on..", "review, then go on where it was stopped",
                with_item(cls._stopped, cls.do_resume), True,
                hidden=lambda screen: not screen.ended or screen.picture.exit_status == 0,
            ),
            Key(
                "backfill.retry", "r", "r", "Retry now", "after a lost try: don't wait, try again now",
                with_item(cls.controlled, cls.do_retry, cls._no_retry), hidden=lambda screen: True,
            ),
            Key(
                "backfill.locks", "l", "l", "Locks", "everybody who waits for a lock on this server, and for whom",
                with_item(cls.known_environment, cls.do_locks),
            ),
            Key(
                "backfill.detach", "z", "z", "Detach", "leave this screen; the run goes on by itself",
                always(cls.do_back), hidden=cls.over,
            ),
            *cls.moves("line"),
        )  # fmt: skip

    def _fastest(self, watch: Watch) -> WhyNot:
        return "it can't go faster" if self.progress.level >= _MOST else None

    def _slowest(self, watch: Watch) -> WhyNot:
        return "it can't go slower; p pauses it" if self.progress.level <= _LEAST else None

    def _no_retry(self, watch: Watch) -> WhyNot:
        return "no retry is pending" if self.progress.lost is None else None

    def _stopped(self) -> EnvironmentFacts | Unavailable:
        """Its environment, if it was stopped and can go on there."""
        if not self.ended:
            return Unavailable("it has not ended")
        return Unavailable("it is done") if self.picture.exit_status == 0 else self.known_environment()

    def do_faster(self, watch: Watch) -> None:
        self._send(watch, "asked to go faster", "faster")

    def do_slower(self, watch: Watch) -> None:
        self._send(watch, "asked to go slower", "slower")

    def do_stop(self, watch: Watch) -> None:
        head = paragraph("STOP: cancel the batch that runs, and end the run", "strong")
        stays = paragraph("That batch is rolled back; all before it stay, and it can be resumed from there.")
        self._confirm("stop", [*head, (), *stays])

    def do_resume(self, environment: EnvironmentFacts) -> None:
        self.go_on_to(ToReview(environment, "backfill", self.run_id))

    def help_text(self) -> tuple[str, ...]:
        return (
            "Each batch is a transaction of its own, with its checkpoint in it: whatever is stopped or killed, no row"
            " is changed twice or left out.",
            "- first makes the rests between batches longer, then the batches smaller; + does without rests, then makes"
            " them bigger.",
        )
