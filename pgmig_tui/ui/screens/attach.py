"""At the start, when a run is alive: join it, watch it, or leave it for later."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType

from pgmig_tui.display.banner import PRODUCTION
from pgmig_tui.display.cells import Line
from pgmig_tui.display.words import utc
from pgmig_tui.ui.backend.protocol import RunFacts
from pgmig_tui.ui.destinations import ToRun
from pgmig_tui.ui.screens.dialog import Dialog, paragraph


class AttachScreen(Dialog[None]):
    """Nothing here touches the run."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("a", "attach(True)", show=False),
        Binding("w", "attach(False)", show=False),
    ]

    def __init__(self, run: RunFacts, *, protected: bool = False) -> None:
        tier = f"{PRODUCTION} " if protected else ""
        lines: list[Line] = [
            *paragraph(f"A run is {'PAUSED' if run.paused else 'ALIVE'} on {tier}{run.environment}", "strong"),
            *paragraph(f"{run.run_id} {run.command}, {run.steps_done} steps done"),
            *paragraph(
                f"started by {run.operator or '?'} on {run.host or 'this host'}, {utc(run.started_at)}", "muted"
            ),
            (),
            (
                ("a", "key"),
                (" attach (watch and control)   ", "plain"),
                ("w", "key"),
                (" watch only   Esc later", "plain"),
            ),
        ]
        super().__init__(lines, typed=False, danger=protected)
        self.run_facts = run

    def hint_line(self, columns: int) -> Line:
        if self.run_facts.paused:
            return (("It stays paused until it is attached to and p lets it go on.", "waiting"),)
        return (("Nothing that is chosen here stops it.", "muted"),)

    def action_attach(self, controls: bool) -> None:
        if self.is_active:
            app, run = self.shell, self.run_facts
            self.answer(None)
            app.go(ToRun(run.run_id, controls=controls))
