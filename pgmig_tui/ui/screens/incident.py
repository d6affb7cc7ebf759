"""The record of an incident, which opens by itself when a rollback has ended; and the run screen that opens it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar, Self

from textual.timer import Timer
from textual.widget import Widget

from pgmig_tui.display.cells import Line, Role, point
from pgmig_tui.display.safe import safe
from pgmig_tui.run.journal.entry import Entry
from pgmig_tui.run.journal.picture import RunPicture
from pgmig_tui.ui.backend.protocol import EnvironmentFacts, Record
from pgmig_tui.ui.destinations import ToAfter, ToIncident
from pgmig_tui.ui.keys import Key, Keys, Unavailable, always, with_item
from pgmig_tui.ui.screens.base import BaseScreen
from pgmig_tui.ui.screens.run import RunScreen
from pgmig_tui.ui.sizes import SMALL
from pgmig_tui.ui.threads import words_of
from pgmig_tui.ui.widgets.lines import Lines

ASK_SECONDS = 0.5
"""How often the record is read until it says what is true now."""


class IncidentScreen(BaseScreen):
    """Markdown, as a ticket gets it. `y` copies six lines for the channel, `w` writes all of it."""

    screen_id: ClassVar[str] = "incident"
    least: ClassVar[tuple[int, int]] = SMALL
    CSS_PATH = "../styles/rollback.tcss"

    def __init__(
        self, run_id: str, environment: EnvironmentFacts | None, picture: RunPicture, events: Sequence[Entry]
    ) -> None:
        super().__init__()
        self.run_id = run_id
        self.environment = environment
        self.record: Record | None = None
        self._picture = picture
        self._events = events
        self._asking = False
        self._trouble = ""
        """Why it couldn't be read when that was tried last."""
        self._timer: Timer | None = None
        self.text = Lines(identity="steps")

    def body(self) -> Iterable[Widget]:
        yield self.text

    def set_up(self) -> None:
        super().set_up()
        self.text.fill(self._lines)
        self._timer = self.set_interval(ASK_SECONDS, self._ask)
        self._ask()

    @property
    def where(self) -> EnvironmentFacts | None:
        return self.environment

    def doing(self) -> str:
        return f"INCIDENT {self.run_id}"

    def _ask(self) -> None:
        if self._asking:
            return
        self._asking = True
        session, run_id = self.session, self.run_id
        self.later("incident", lambda: session.incident(run_id), self._take, self._failed)

    def _take(self, record: Record) -> None:
        self._asking = False
        self.record, self._trouble = record, ""
        if record.complete and self._timer is not None:
            self._timer.stop()
        self.text.fill(self._lines)

    def _failed(self, error: Exception) -> None:
        if self._timer is not None:
            self._timer.pause()
        self._asking, self._trouble = False, words_of(error)
        self.text.fill(self._lines)
        self.work_failed(error)

    def do_ask(self) -> None:
        super().do_ask()
        if self._timer is not None:
            self._timer.resume()
            self._ask()

    def quiet_line(self, columns: int) -> Line:
        if self._trouble:
            return ((" ? it could not be read to its end; r reads it again", "stale"),)
        if self.record is None or not self.record.complete:
            return ((" health, verify scripts and schema are being looked at ...", "running"),)
        return ((" y copies the six lines for the channel, w writes the record to a file", "muted"),)

    def _lines(self, columns: int) -> list[Line]:
        lines: list[Line] = []
        if self._trouble:
            told = f"? the record could not be read: {safe(self._trouble)} r reads it again; so does, at any time,"
            lines += [*point(f"{told} `pgmig-tui report {self.run_id} --incident`.", columns - 1, "stale"), ()]
        elif self.record is None:
            return [((" reading the journals ...", "muted"),)]
        if self.record is None:
            return lines
        for text in self.record.markdown.splitlines():
            role: Role = "title" if text.startswith("#") else "plain"
            lines += point(safe(text), columns - 1, role) if text else [()]
        return lines

    @classmethod
    def own_keys(cls) -> Keys[Self]:
        return (
            Key(
                "incident.write", "w", "w", "Write", "write the record to a file",
                with_item(cls._read_record, cls.do_write),
            ),
            Key(
                "incident.after", "enter", "Enter", "After", "the steps, and the post-deployment checklist",
                always(cls.do_after),
            ),
            *cls.moves("line"),
        )  # fmt: skip

    def _read_record(self) -> Record | Unavailable:
        return self.record or Unavailable("it is still being read")

    def panes(self) -> Sequence[Lines]:
        return (self.text,)

    def copy_text(self) -> str:
        return self.record.channel if self.record is not None else ""

    def do_write(self, record: Record) -> None:
        self.write(f"incident-{self.run_id}.md", record.markdown)

    def do_after(self) -> None:
        self.go(ToAfter(self.run_id, self.environment, self._picture, self._events), instead=True)

    def help_text(self) -> tuple[str, ...]:
        return ("What no journal tells isn't in it. `pgmig-tui report RUN --incident` prints it at any time.",)


class RollbackRunScreen(RunScreen):
    """A rollback that is watched: when it's through, its record opens."""

    opened = False

    def _after_reading(self) -> None:
        if self.picture.exit_status == 0 and not self.opened and self.is_active:
            self.opened = True
            self.do_after(self.picture)

    def do_after(self, picture: RunPicture) -> None:
        if picture.exit_status is not None:
            self.go(ToIncident(self.run_id, self.where, picture, self.events), instead=True)
        else:
            super().do_after(picture)
