"""The tries of one step, or of one statement of a stepwise step: which of them is followed by another."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace

from pgmig_tui.display.activity import Blocker
from pgmig_tui.run.journal.events import LockTimeoutRaised, StatementRetried
from pgmig_tui.run.journal.file import JournalWriter
from pgmig_tui.run.journal.frozen import RecordedFiles, recorded_view
from pgmig_tui.run.journal.run_plan import RunPlan, Step
from pgmig_tui.run.process import guard
from pgmig_tui.run.process.control import Control
from pgmig_tui.run.process.executor import ScriptFailure


class Tries:
    """Counts what was lost, tells the journal, and waits. `not_twice` is asked once, when the first try is lost: why
    the thing must not be done a second time, "" = it may be."""

    def __init__(
        self,
        step: Step,
        control: Control,
        journal: JournalWriter,
        not_twice: Callable[[], str],
        lock_timeout_ms: Callable[[], int],
    ) -> None:
        self._step = step
        self._control = control
        self._journal = journal
        self._not_twice = not_twice
        self._lock_timeout_ms = lock_timeout_ms
        self._why_not: str | None = None
        self._outlasted: set[int] = set()
        self._in_the_way: tuple[Blocker, ...] = ()
        self.lost = 0
        self.patience_ms = 0
        """The lock_timeout of the next try where that is a longer one than usual, else 0."""

    def after(self, failure: ScriptFailure) -> ScriptFailure | None:
        """None: the time has come for another try. Else there is none, and this is the failure, with the reason in its
        message where that isn't the failure itself."""
        control = self._control
        watcher = control.watcher
        self.patience_ms = 0
        why = guard.lost_because(failure.sqlstate, watcher.gave_way if watcher is not None else "")
        if not why or failure.lost:
            return failure
        # A try may be over before anybody has looked: then it is those whom the try before it met.
        self._in_the_way = (watcher.in_the_way() if watcher is not None else ()) or self._in_the_way
        failure = replace(failure, blockers=self._in_the_way)
        if self._over():
            return self._ended(failure)
        if self._why_not is None:
            self._why_not = self._not_twice()
        if self._why_not:
            return self._told(failure, f"not tried again, for {self._why_not}")
        if self.lost >= control.retries:
            tried = f"tried {self.lost + 1} times" if self.lost else ""
            more = "; ".join(part for part in (tried, self._who()) if part)
            return self._told(failure, more) if more else failure
        vacuum = watcher.only_vacuum() if watcher is not None and failure.sqlstate == "55P03" else None
        if vacuum is not None and vacuum.wraparound:
            return self._told(
                failure,
                f"process {vacuum.pid} is a vacuum that prevents transaction ID wraparound: it doesn't give way,"
                " so this isn't tried again; deploy when it is done",
            )
        self.lost += 1
        wait_ms = guard.backoff_ms(self.lost, random.random())
        self._journal.write(
            StatementRetried(
                step=self._step.number,
                path=failure.path,
                line=failure.line,
                of=control.retries + 1,
                sqlstate=failure.sqlstate,
                why=why,
                message=failure.message,
                wait_ms=wait_ms,
                blockers=self._in_the_way,
                number=self.lost,
            )
        )
        self._be_patient(vacuum)
        if watcher is not None:
            watcher.prepare()
        control.stay_away(wait_ms / 1000)
        return self._ended(failure) if self._over() else None

    def _who(self) -> str:
        """Such as `in the way at the last look: process 777 (reporting)`; "" when nobody was seen."""
        if not self._in_the_way:
            return ""
        first = next((one for one in self._in_the_way if not one.ours), self._in_the_way[0])
        name = first.application or first.user or "?"
        who = f"process {first.pid} ({name})" if first.pid else f"the prepared transaction {first.prepared}"
        return f"in the way at the last look: {who}"

    def _be_patient(self, vacuum: guard.Vacuum | None) -> None:
        """Against an autovacuum alone wait as long as it takes that to give way; against each worker once, for one that
        comes after it does the same work."""
        watcher = self._control.watcher
        if vacuum is None or vacuum.pid in self._outlasted or watcher is None or watcher.latest is None:
            return
        ms = guard.patience_with(vacuum, self._lock_timeout_ms(), watcher.latest.deadlock_timeout_ms)
        if ms is None:
            return
        self._outlasted.add(vacuum.pid)
        self.patience_ms = ms
        hidden = ", if it isn't one that prevents wraparound, which is hidden here" if vacuum.wraparound is None else ""
        self._journal.write(
            LockTimeoutRaised(
                step=self._step.number,
                ms=ms,
                why=f"only an autovacuum (process {vacuum.pid}) is in the way:"
                f" it gives way after deadlock_timeout{hidden}",
            )
        )

    def _over(self) -> bool:
        """Somebody or something has ended the trying."""
        control = self._control
        return bool(control.cancelled or control.stopping or control.lost)

    def _ended(self, failure: ScriptFailure) -> ScriptFailure:
        why = self._control.cancelled_because or self._control.stopped_because
        return replace(failure, message=f"{why}, before another try: {failure.message}")

    def _told(self, failure: ScriptFailure, more: str) -> ScriptFailure:
        return replace(failure, message=f"{failure.message} ({more})")


def not_twice(plan: RunPlan, step: Step, files: RecordedFiles) -> str:
    """Why a step's scripts must not be carried out again after a ROLLBACK, or ""."""
    inside = step.verify_script if step.verify == "inside" else None
    for name in filter(None, (step.script, inside)):
        if why := guard.unrepeatable(recorded_view(plan, files, name)):
            return why
    return ""


__all__ = ["Tries", "not_twice"]
