"""The run's row in the database (`database.runs`), kept up while the run works.

It goes through the control session, the one that holds the lock: idle but for this, so no session more, and a sign of
life that says that the lock is held. Nobody waits for it: it is sent when the run waits for the server anyway, every
two seconds, and sooner when what it tells of has changed. Without it the run does the same.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from pgmig_tui.database import runs
from pgmig_tui.database.background import Aside
from pgmig_tui.database.own_tables import sentence_of
from pgmig_tui.display.mask import mask_secrets
from pgmig_tui.run.journal.events import (
    AnyEvent,
    BatchDone,
    RunPaused,
    RunResumed,
    StatementStarted,
    StepStarted,
    Warned,
)

if TYPE_CHECKING:
    from pgmig_tui.database.connect import Connection
    from pgmig_tui.run.journal.file import JournalWriter
    from pgmig_tui.run.journal.run_plan import RunPlan

EVERY_S = 2.0
SOONER_S = 0.5
"""So long after the last one at least, when another step or statement is under way."""
_ENDING_S = 1.0
"""The end of a run waits so long for its last row, and no longer."""
_BUSY = frozenset({"55P03", "57014"})
"""A lock was in the way, or the server slow: the next one may pass."""


class Heartbeat:
    """`begin` writes the row; `tick` what is due; `end` the last word. Events of the journal say what is under way."""

    def __init__(self, plan: RunPlan, schema: str, session: Connection, journal: JournalWriter) -> None:
        self._plan = plan
        self._schema = schema
        self._journal = journal
        self._aside = Aside(session)
        self._sent = 0.0
        self._changed = False
        self._left = False
        self._state: runs.State = "running"
        self._step: int | None = None
        self._change = self._place = self._statement = ""

    def begin(self) -> None:
        plan = self._plan
        command = plan.told if plan.rolls_back is None else "rollback"
        self._send(
            runs.begin_sql(
                self._schema,
                runs.RunBegin(
                    plan.run_id,
                    command,
                    plan.project,
                    mask_secrets(plan.environment),
                    plan.host,
                    plan.os_user,
                    f"{plan.operator_name} <{plan.operator_email}>",
                    len(plan.steps),
                ),
            )
        )

    def heard(self, event: AnyEvent) -> None:
        """An event was written into the journal."""
        match event:
            case StatementStarted():
                self._place, self._statement = f"{event.path}:{event.line}", event.sql
            case StepStarted():
                self._step, self._change = event.step, event.change
                self._place, self._statement = runs.RECORDED_ONLY if event.mode == "record" else "", ""
            case BatchDone():
                self._place = f"batch {event.batch}"
            case RunPaused():
                self._state = "paused"
            case RunResumed():
                self._state = "running"
            case _:
                return
        self._changed = True

    def tick(self) -> int | None:
        """Send what is due; the milliseconds until more is, None while an answer is awaited, or when it was left."""
        if self._left or self._aside.busy:
            return None
        now = time.monotonic()
        if now >= self._due:
            self._changed = False
            self._beat()
        return max(1, int((self._due - now) * 1000) + 1)

    def received(self) -> None:
        """Something has come in through the control session."""
        self._aside.received()

    def end(self, exit_status: int) -> None:
        """Write how the run has ended, and wait a moment for it."""
        if self._left or not self._aside.settle(_ENDING_S):
            return
        self._beat(exit_status)
        self._aside.settle(_ENDING_S)

    @property
    def _due(self) -> float:
        return self._sent + (SOONER_S if self._changed else EVERY_S)

    def _beat(self, exit_status: int | None = None) -> None:
        beat = runs.Beat(self._state, self._step, self._change, self._place, self._statement)
        self._send(runs.beat_sql(self._schema, self._plan.run_id, beat, exit_status))

    def _send(self, sql: str) -> None:
        self._sent = time.monotonic()
        self._aside.send(sql, self._answered)

    def _answered(self, sqlstate: str, message: str) -> None:
        if not message or sqlstate in _BUSY or self._left:
            return
        self._left = True
        told = f"the run's row in {self._schema}.runs is no longer kept up: {sentence_of(message) or message}"
        self._journal.write(Warned(message=told))
