"""A synchronous standby that goes away: every COMMIT waits for it, and nobody knows how long."""

from __future__ import annotations

import time

from pgmig_tui.run.clients import client
from pgmig_tui.run.journal.run_plan import RunPlan
from tests.faults.bench import Bench
from tests.faults.faults import Standing
from tests.faults.quick import QuickServer

WORD_S = 15.0
"""A run says within this time what it waits for, or ends."""


class GoneStandby(Standing):
    """The synchronous standby goes away at the point, and comes back when the run has said that it waits for it."""

    name = "standby gone"
    every = 5

    def __init__(self, sandbox: QuickServer) -> None:
        self.sandbox = sandbox
        self.silent = ""

    def begin(self, bench: Bench) -> None:
        self.silent = ""

    def deed(self, bench: Bench, name: str, plan: RunPlan) -> None:
        self._wait_for(bench, "a_standby_that_is_gone")

    def afterwards(self, bench: Bench, plan: RunPlan) -> None:
        handle = client.RunHandle(plan.folder)
        began = time.monotonic()
        said: list[str] = []
        try:
            while not handle.finished and time.monotonic() - began < WORD_S:
                said += [str(event) for event in handle.poll()]
                if any("standby" in one or "SyncRep" in one for one in said):
                    return
                time.sleep(0.01)
            if not handle.finished:
                self.silent = f"for {WORD_S:.0f} s the run said nothing of the standby; last: {said[-1:]}"
        finally:
            self._wait_for(bench, "")

    def _wait_for(self, bench: Bench, names: str) -> None:
        # Writes nothing that would be waited for.
        bench.server.execute(f"ALTER SYSTEM SET synchronous_standby_names = '{names}'")
        bench.server.execute("SELECT pg_reload_conf()")

    def mend(self, bench: Bench) -> None:
        silent, self.silent = self.silent, ""
        assert not silent, silent

    def undo(self, bench: Bench) -> None:
        self._wait_for(bench, "")
