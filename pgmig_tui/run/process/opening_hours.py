"""Whether the next step of a run may begin: its environment's windows and freezes, by the server's clock.

The rules come with the plan: what was reviewed is what counts, whatever pgmig.toml says by now.
"""

from __future__ import annotations

import time
from datetime import datetime

from pgmig_tui.database.changed import server_time
from pgmig_tui.database.connect import Connection
from pgmig_tui.gates.window import Need, rules_of, stops
from pgmig_tui.run.journal.run_plan import RunPlan, Step


class OpeningHours:
    """The rules that a run keeps to between its steps; without any it asks nothing."""

    def __init__(self, plan: RunPlan) -> None:
        data = plan.schedule
        self._rules = None if data is None else rules_of(data)
        self._asked = float("-inf")
        self._needs = [] if data is None else [Need(str(name), ms, source) for name, ms, source in data["needs"]]

    def __bool__(self) -> bool:
        return self._rules is not None

    def closed_for_batches(self, connection: Connection, step: Step) -> str:
        """The same between two batches of a step, asked once a second."""
        if self._rules is None or time.monotonic() - self._asked < 1:
            return ""
        self._asked = time.monotonic()
        return self.closed(connection, step)

    def closed(self, connection: Connection, step: Step) -> str:
        """Why `step` must not begin now, in a sentence, "" when it may. One round trip. Raises ServerError,
        ConnectionLost."""
        if self._rules is None:
            return ""
        need = self._needs[step.number - 1] if step.number <= len(self._needs) else Need(step.change, None)
        return stops(self._rules, datetime.fromisoformat(server_time(connection)), need)
