"""How an environment does while a run goes on, asked over and over on a connection of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pgmig_tui.errors import Refused
from pgmig_tui.ui.backend.one_at_a_time import OneAtATime

if TYPE_CHECKING:
    from pgmig_tui.database.connect import Connection
    from pgmig_tui.database.pulse import PulseBeat, PulseReading
    from pgmig_tui.project.environments import Environment


class EnvironmentPulse(OneAtATime):
    """A PulseWatch. The connection is opened by the first question and again after it was lost."""

    def __init__(self, environment: Environment) -> None:
        super().__init__()
        self._environment = environment
        self._connection: Connection | None = None
        self._before: PulseReading | None = None

    def read(self) -> PulseBeat:
        from pgmig_tui.database.connect import application_name, connect
        from pgmig_tui.database.pulse import beat, read_pulse

        with self.asking():
            try:
                if self._closed:
                    raise Refused("nobody watches any more")
                if self._connection is None:
                    name = application_name("pulse", "watch")
                    self._connection = connect(self._environment.target, application_name=name, kind="watch")
                now = read_pulse(self._connection)
            except BaseException:
                self.drop()
                raise
            found, self._before = beat(self._before, now), now
            return found

    def drop(self) -> None:
        connection, self._connection, self._before = self._connection, None, None
        if connection is not None:
            connection.close()
