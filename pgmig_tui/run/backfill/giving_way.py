"""Giving way between two batches: to replicas, the archiver, vacuum and whoever waited behind the last one.

What to give way to is decided in `backfill.pace`; here the server is asked, and waited for.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from pgmig_tui.database import backfill as batches_on
from pgmig_tui.database.connect import ConnectionLost, ServerError
from pgmig_tui.run.backfill import pace as batches
from pgmig_tui.run.backfill.session import STEP
from pgmig_tui.run.journal.events import BatchThrottled, Warned

if TYPE_CHECKING:
    from pgmig_tui.run.backfill.plan import Backfill
    from pgmig_tui.run.journal.file import JournalWriter
    from pgmig_tui.run.process.control import Control

_LOOK_S = 0.5
_TELL_S = 5.0


class GivingWay:
    """`waited_behind` sessions waited behind the last batch; `slowed` is why the next one only rests longer."""

    def __init__(self, spec: Backfill, control: Control, journal: JournalWriter) -> None:
        self.waited_behind = 0
        self.slowed: batches.Throttle | None = None
        self._spec = spec
        self._control = control
        self._journal = journal

    def wait(self, why_stop: Callable[[], str], paused: Callable[[], None], resumed: Callable[[], None]) -> str:
        """Wait while something holds the next batch; why the run has to stop, else ""."""
        waited, told = 0.0, 0.0
        begun = time.monotonic()
        reason = ""
        while True:
            if why := why_stop():
                return why
            try:
                now = batches_on.read_pressure(self._control.session, self._spec.oid)
            except ConnectionLost as error:
                self._control.lost = f"the control session, which holds this backfill's lock, was lost: {error.what}"
                return self._control.lost
            except ServerError as error:
                self._journal.write(Warned(step=STEP, message=f"what to give way to can't be read: {error.message}"))
                return ""
            found = batches.throttle(now, self._spec.limits, self.waited_behind)
            slowed, self.slowed = self.slowed, found if found is not None and not found.holds else None
            if found is None or not found.holds:
                if reason:
                    self._tell(reason, waited, over=True)
                if self.slowed is not None and slowed is None:
                    self._tell(self.slowed.reason, 0.0, slower=True)
                return ""
            waited = time.monotonic() - begun
            if not reason or waited - told >= _TELL_S:
                reason, told = found.reason, waited
                self._tell(reason, waited)
            self._control.idle_wait(_LOOK_S)
            self._control.pause_point(paused, resumed)

    def _tell(self, reason: str, waited: float, *, over: bool = False, slower: bool = False) -> None:
        self._journal.write(
            BatchThrottled(step=STEP, reason=reason, wait_ms=int(waited * 1000), over=over, slower=slower)
        )
        self._journal.flush()
