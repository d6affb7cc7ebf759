"""What a run's screen asks of its environment while the run goes on, in a thread and on a session of its own."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from pgmig_tui.ui.backend.protocol import EnvironmentFacts, PulseWatch
from pgmig_tui.ui.messages import PulseRead
from pgmig_tui.ui.threads import Poller, in_thread, words_of

if TYPE_CHECKING:
    from pgmig_tui.database.pulse import PulseBeat
    from pgmig_tui.ui.screens.base import BaseScreen

EVERY_SECONDS = 3.0
KEPT = 200
"""Readings that are kept: the last ten minutes."""


class Pulse:
    """Asks every few seconds. The run, which has sessions of its own, is never asked and never waits for it."""

    def __init__(self, screen: BaseScreen) -> None:
        self._screen = screen
        self._watch: PulseWatch | None = None
        self._poller: Poller | None = None
        self.beats: deque[PulseBeat] = deque(maxlen=KEPT)
        self.problem = ""

    def goes_on(self, environment: EnvironmentFacts | None, *, going: bool) -> None:
        """Begins once it is known where the run is, and ends with the run; the curves stay."""
        if not going:
            self.close()
        elif self._poller is None and environment is not None:
            watch = self._watch = self._screen.session.pulse_watch(environment.name)

            def read() -> PulseRead:
                try:
                    return PulseRead(watch.read())
                except Exception as error:
                    return PulseRead(None, words_of(error))

            self._poller = Poller("pulse", read, self._screen.post_message, EVERY_SECONDS)
            self._poller.start()

    def take(self, message: PulseRead) -> None:
        self.problem = message.problem
        if message.beat is not None:
            self.beats.append(message.beat)

    def close(self) -> None:
        """At once: what is being asked lets go when it has its answer."""
        poller, self._poller = self._poller, None
        watch, self._watch = self._watch, None
        if poller is not None:
            poller.stop()
        if watch is not None:
            in_thread("close pulse", watch.close)
