"""The record of an incident, which opens by itself when a rollback has ended; and the run screen that opens it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

from textual.binding import BindingType
from textual.widget import Widget

from pgmig_tui.display.cells import Line, Role, wrap
from pgmig_tui.display.safe import safe
from pgmig_tui.run.journal.entry import Entry
from pgmig_tui.run.journal.picture import RunPicture
from pgmig_tui.ui.backend.protocol import EnvironmentFacts, Record
from pgmig_tui.ui.destinations import ToAfter, ToIncident
from pgmig_tui.ui.screens.base import BaseScreen, bindings
from pgmig_tui.ui.screens.run import RunScreen
from pgmig_tui.ui.sizes import SMALL
from pgmig_tui.ui.widgets.lines import Lines

ASK_SECONDS = 0.5
"""How often the record is read until it says what is true now."""


class IncidentScreen(BaseScreen):
    """Markdown, as a ticket gets it. `y` copies six lines for the channel, `w` writes all of it."""

    place: ClassVar[str] = "incident"
    least: ClassVar[tuple[int, int]] = SMALL
    CSS_PATH = "../styles/rollback.tcss"
    BINDINGS: ClassVar[list[BindingType]] = bindings("incident")

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
        session, run_id = self.pgmig.session, self.run_id
        self.later("incident", lambda: session.incident(run_id), self._take, self._failed)

    def _take(self, record: Record) -> None:
        self._asking = False
        self.record = record
        if record.complete:
            self._timer.stop()
        self.text.fill(self._lines)

    def _failed(self, error: Exception) -> None:
        self._timer.stop()
        self.work_failed(error)

    def quiet_line(self, columns: int) -> Line:
        if self.record is None or not self.record.complete:
            return ((" health, verify scripts and schema are being looked at ...", "running"),)
        return ((" y copies the six lines for the channel, w writes the record to a file", "muted"),)

    def _lines(self, columns: int) -> list[Line]:
        if self.record is None:
            return [((" reading the journals ...", "muted"),)]
        lines: list[Line] = []
        for text in self.record.markdown.splitlines():
            role: Role = "title" if text.startswith("#") else "plain"
            lines += wrap(safe(text), columns - 1, role, indent=" ", hanging="   ") if text else [()]
        return lines

    def off(self, key_id: str) -> str | None:
        return "it is still being read" if key_id == "incident.write" and self.record is None else None

    def panes(self) -> Sequence[Lines]:
        return (self.text,)

    def copy_text(self) -> str:
        return self.record.channel if self.record is not None else ""

    def do_write(self) -> None:
        assert self.record is not None, "off() has seen to it"
        text, session, name = self.record.markdown, self.pgmig.session, f"incident-{self.run_id}.md"
        self.later("write", lambda: session.write(name, text), lambda path: self.say(f"written to {path}", "done"))

    def do_after(self) -> None:
        self.go(ToAfter(self.run_id, self.environment, self._picture, self._events), instead=True)

    def help_text(self) -> tuple[str, ...]:
        return ("What no journal tells isn't in it. `pgmig-tui report RUN --incident` prints it at any time.",)


class RollbackRunScreen(RunScreen):
    """A rollback that is watched: when it's through, its record opens."""

    opened = False

    def _after_reading(self) -> None:
        if self.picture.exit_status == 0 and not self.opened and self.is_current:
            self.opened = True
            self.do_after()

    def do_after(self) -> None:
        if self.picture.exit_status is not None:
            self.go(ToIncident(self.run_id, self.where, self.picture, self.events), instead=True)
        else:
            super().do_after()
