"""A data migration in batches, watched through its journal: how far, how fast, what it gives way to, and its pace."""

from __future__ import annotations

from collections.abc import Collection
from typing import ClassVar

from textual.binding import BindingType

from pgmig_tui.display.activity import bar
from pgmig_tui.display.cells import Line, Role, cut, wrap
from pgmig_tui.display.safe import safe
from pgmig_tui.display.words import about, count, duration
from pgmig_tui.run.journal.batches import Progress
from pgmig_tui.run.journal.events import RunFinished
from pgmig_tui.ui.backend.protocol import EnvironmentFacts, Watch
from pgmig_tui.ui.destinations import ToReview
from pgmig_tui.ui.messages import JournalRead
from pgmig_tui.ui.screens.base import bindings
from pgmig_tui.ui.screens.dialog import paragraph
from pgmig_tui.ui.screens.run import RunScreen
from pgmig_tui.ui.sizes import SMALL

_STEERING = frozenset(f"backfill.{name}" for name in ("pause", "faster", "slower", "stop", "retry"))
_LEAST, _MOST = -6, 5
_BAR = 30


class BackfillScreen(RunScreen, inherit_bindings=False):
    """A run of `backfill`. The run screen, which shows any run, gives way to this one when it reads that it is one."""

    place: ClassVar[str] = "backfill"
    least: ClassVar[tuple[int, int]] = SMALL
    BINDINGS: ClassVar[list[BindingType]] = bindings("backfill")

    def __init__(
        self,
        run_id: str,
        environment: EnvironmentFacts | None = None,
        watch: Watch | None = None,
        *,
        steers: bool = True,
    ) -> None:
        super().__init__(run_id, environment, watch, steers=steers)
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
        self.steps.fill(self._facts)
        self.current.fill(lambda columns: self._current_lines(columns - 1))
        self.headline.refresh()
        self.small.show([*self.small_line(), *self.small_lines()])

    def _facts(self, columns: int) -> list[Line]:
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
        """At the right: the bar, the rate, the statement, where it is."""
        now = self.progress
        lines: list[Line] = []
        if (share := now.share) is not None:
            told = f" {'about ' if share < 1 else ''}{share * 100:.0f} %"
            lines.append(((" ", "plain"), *bar(share * 100, min(_BAR, columns - len(told) - 2)), (told, "running")))
        rate, left = now.rate, now.left_s
        if rate is not None and not self.ended:
            soon = f", about {duration(left * 1000)} left" if left is not None else ""
            lines.append(((f" {about(rate)} rows/s{soon}", "running"),))
        lines += wrap(now.pace_words, columns, "muted", indent=" ", hanging="   ")
        if now.throttled and not self.ended:
            word = "HOLDING" if now.held else "SLOWER"
            since = f" for {duration(now.held_ms)}" if now.held and now.held_ms >= 1000 else ""
            lines += wrap(f"{word}{since}: {safe(now.throttled)}", columns, "waiting", indent=" ", hanging="   ")
        if now.last_key:
            key = safe(", ".join(now.last_key))
            lines += wrap(f"done up to key {key}", columns, "muted", indent=" ", hanging="   ")
        if now.left:
            lines += wrap(f"{count(now.left, 'row')} left to do, by its condition", columns, "waiting", indent=" ")
        if self._do or self.gone:
            how = self._do or f"Go on with: pgmig-tui backfill {self.picture.environment} --resume {self.run_id}"
            lines += wrap(safe(how), columns, "strong", indent=" ", hanging="   ")
        elif self.picture.statement is not None:
            for text in self.picture.statement.sql.splitlines()[:4]:
                lines += wrap(safe(text), columns, "plain", indent=" ", hanging="   ")[:2]
        return lines

    def small_lines(self) -> list[Line]:
        columns = max(20, self.size.width)
        return [self.banner_line(columns), self.headline_line(columns)]

    def quiet_line(self, columns: int) -> Line:
        if self.picture.exit_status is not None:
            return ((" Esc: home", "muted"),)
        return ((" Esc, z and q leave it alone; it goes on without this screen", "muted"),)

    # Keys

    def off(self, key_id: str) -> str | None:
        if key_id in _STEERING and (reason := self._no_steering()):
            return reason
        level = self.progress.level
        if key_id == "backfill.resume":
            return self._no_resuming()
        if key_id == "backfill.faster" and level >= _MOST:
            return "it can't go faster"
        if key_id == "backfill.slower" and level <= _LEAST:
            return "it can't go slower; p pauses it"
        if key_id == "backfill.retry" and self.progress.lost is None:
            return "no try is waited for"
        if key_id == "backfill.locks" and self.where is None:
            return "its environment is not in this project"
        return None

    def _no_resuming(self) -> str | None:
        if not self.ended:
            return "it has not ended"
        if self.picture.exit_status == 0:
            return "it is done"
        return "its environment is not in this project" if self.where is None else None

    def label(self, key_id: str) -> str | None:
        return "Go on" if key_id == "backfill.pause" and self.picture.paused else None

    def hidden_keys(self) -> Collection[str]:
        if not self.ended:
            return {"backfill.retry", "backfill.resume"}
        done = self.picture.exit_status == 0
        return _STEERING | {"backfill.detach"} | ({"backfill.resume"} if done else set())

    def do_pause(self) -> None:
        if self.picture.paused:
            self._send("going on", "resume")
        else:
            self._send("asked to pause after this batch", "pause")

    def do_faster(self) -> None:
        self._send("asked to go faster", "faster")

    def do_slower(self) -> None:
        self._send("asked to go slower", "slower")

    def do_stop(self) -> None:
        head = paragraph("STOP: cancel the batch that runs, and end the run", "strong")
        stays = paragraph("That batch is rolled back; all before it stay, and it can be resumed from there.")
        self._confirm("stop", [*head, (), *stays])

    def do_resume(self) -> None:
        assert self.where is not None, "off() has seen to it"
        self.go_on_to(ToReview(self.where, "backfill", self.run_id))

    def help_text(self) -> tuple[str, ...]:
        return (
            "Each batch is a transaction of its own, with its checkpoint in it: whatever is stopped or killed, no row"
            " is changed twice or left out.",
            "- first makes the rests between batches longer, then the batches smaller; + does without rests, then makes"
            " them bigger.",
        )
