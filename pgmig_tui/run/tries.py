"""The tries of one step, or of one statement of a stepwise step: which of them is followed by another."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace

from pgmig_tui.run import guard
from pgmig_tui.run.control import Control
from pgmig_tui.run.executor import ScriptFailure
from pgmig_tui.run.files import RecordedFiles
from pgmig_tui.run.journal import JournalWriter
from pgmig_tui.run.plan import RunPlan, Step
from pgmig_tui.script.actions import ServerFacts
from pgmig_tui.script.files import Allow
from pgmig_tui.script.preview import preview

BY_OPERATOR = "cancelled by the operator"


class Tries:
    """Counts what was lost, tells the journal, and waits. `not_twice` is asked once, when the first try is lost: why
    the thing must not be done a second time, "" = it may be."""

    def __init__(self, step: Step, control: Control, journal: JournalWriter, not_twice: Callable[[], str]) -> None:
        self._step = step
        self._control = control
        self._journal = journal
        self._not_twice = not_twice
        self._why_not: str | None = None
        self.lost = 0

    def after(self, failure: ScriptFailure) -> ScriptFailure | None:
        """None: the time has come for another try. Else there is none, and this is the failure, with the reason in its
        message where that isn't the failure itself."""
        control = self._control
        why = guard.lost_because(failure.sqlstate, "")
        if not why or failure.lost or self._over():
            return failure
        if self._why_not is None:
            self._why_not = self._not_twice()
        if self._why_not:
            return self._told(failure, f"not tried again, for {self._why_not}")
        if self.lost >= control.retries:
            return self._told(failure, f"tried {self.lost + 1} times") if self.lost else failure
        self.lost += 1
        wait_ms = guard.backoff_ms(self.lost, random.random())
        self._journal.write(
            "statement_retried", step=self._step.number, path=failure.path, line=failure.line, of=control.retries + 1,
            sqlstate=failure.sqlstate, why=why, message=failure.message, wait_ms=wait_ms, **{"try": self.lost},
        )  # fmt: skip
        control.stay_away(wait_ms / 1000)
        if self._over():
            return replace(failure, message=f"{control.lost or BY_OPERATOR}, before another try: {failure.message}")
        return None

    def _over(self) -> bool:
        """Somebody or something has ended the trying."""
        control = self._control
        return bool(control.cancelled or control.stopping or control.lost)

    def _told(self, failure: ScriptFailure, more: str) -> ScriptFailure:
        return replace(failure, message=f"{failure.message} ({more})")


def not_twice(plan: RunPlan, step: Step, files: RecordedFiles) -> str:
    """Why a step's scripts must not be carried out again after a ROLLBACK, or ""."""
    server = plan.server
    facts = ServerFacts(server.version_num, server.database, server.role, encoding=server.encoding)
    allow = Allow(shell=plan.allow_shell, files=plan.allow_files)
    inside = step.verify_script if step.verify == "inside" else None
    for name in filter(None, (step.script, inside)):
        if why := guard.unrepeatable(preview(name, files.script(name), files, plan.variables, allow, facts)):
            return why
    return ""


__all__ = ["BY_OPERATOR", "Tries", "not_twice"]
