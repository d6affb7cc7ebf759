"""The rows that make a step a recorded one: the registry's, and beside them what tracks it and what marks it.

What tracks fails by itself: where its tables are locked, gone, full or somebody's trigger says no, the registry's rows
are written without it, and the run goes on untracked and says so. Registry and schema never disagree because of it. An
atomic step keeps all of its script meanwhile, by a savepoint in the very message that records it; a stepwise one is
recorded by another transaction. The registry's rows come before the savepoint: a subtransaction has an ID of its own,
and what was written since a change is told by that of its row (`database.losses`).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pgmig_tui.database import marks, own_tables, registry, tracking
from pgmig_tui.database.text import ident
from pgmig_tui.errors import PgmigError
from pgmig_tui.run.journal.events import Warned
from pgmig_tui.run.journal.mark_files import mark_in_file
from pgmig_tui.run.process.audit import audit_row
from pgmig_tui.run.process.executor import CHANGES_ROWS, Executed, ScriptFailure
from pgmig_tui.run.process.guard import CANCELLED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pgmig_tui.database.connect import ServerError
    from pgmig_tui.database.tracking import AuditRow
    from pgmig_tui.database.wire import Exchange
    from pgmig_tui.run.journal.file import JournalWriter
    from pgmig_tui.run.journal.run_plan import RunPlan, Step
    from pgmig_tui.run.process.control import Control
    from pgmig_tui.run.process.failures import Failures

SAVEPOINT = "SAVEPOINT pgmig_record"
"""What a record is behind where something in it may fail by itself."""
_NOT_THERE = frozenset({"42883", "42501", "42P01", "3F000"})
"""A function, a right, a table or a schema that was there when the run began."""
BACK = "ROLLBACK TO SAVEPOINT pgmig_record"


class Records:
    """What the steps of one run are recorded with. `plan` is the run's with what is still tracked and marked."""

    def __init__(self, plan: RunPlan, control: Control, journal: JournalWriter, failures: Failures) -> None:
        self.plan = plan
        self._whole = plan
        self._marked = plan.marks is not None
        self._control = control
        self._journal = journal
        self._failures = failures
        self._written: own_tables.Written | None = None
        self.changes = f"{ident(plan.registry)}.changes"

    # -- the texts ---------------------------------------------------------------------------------------------

    @property
    def begin_sql(self) -> str:
        """What a step's transaction begins with. Raises Refused, ServerError."""
        lock = self._tables().lock_sql
        return f"BEGIN; LOCK TABLE {self.changes} IN EXCLUSIVE MODE" + (f"; {lock}" if lock else "")

    def _tables(self) -> own_tables.Written:
        """The tables that steps are recorded in, looked at once. Raises Refused, ServerError."""
        if self._written is None:
            plan, found = self.plan, [own_tables.registry_tables(self.plan.registry)]
            if plan.tracking is not None:
                found.append(own_tables.tracking_tables(plan.tracking))
            if plan.marks is not None:
                found.append(own_tables.Tables(plan.marks, (marks.TABLE,)))
            self._written = own_tables.written(self._control.session, *found)
        return self._written

    def rows(
        self,
        step: Step,
        executed: list[Executed],
        start: float,
        *,
        outcome: str,
        verified: bool | None,
        failure: ScriptFailure | None = None,
        observed: Sequence[AuditRow] = (),
    ) -> tuple[str, str]:
        """(The guard and the registry's rows, which make the step a recorded one; what tracks and marks it, "" where
        nothing does). Tracking's says success only of what was applied and verified; `failure` is why its verification
        failed, `observed` what the catalogs tell beside. Raises Refused, ServerError."""
        plan, shape = self.plan, self._tables().shape
        guard = registry.step_guard_sql(plan.registry, plan.project, step.expected_last, self._control.pid, shape)
        mark = step.mark_sql if plan.marks is not None else ""
        members, call = "", ""
        if plan.tracking is not None:
            changed = sum(one.rows for one in executed if one.kind in CHANGES_ROWS)
            row = self._failures.migration(step, start, outcome, verified=verified, failure=failure, rows=changed)
            statements = [audit_row(one, self._journal.hide, self._journal.skew) for one in executed]
            statements += observed
            if plan.tracking_version == 2:
                call = tracking.record_call(plan.tracking, row, statements, plan.operator)
            else:
                members = tracking.tracking_rows_sql(plan.tracking, row, statements, plan.operator)
        beside = ",\n".join(filter(None, (mark, members)))
        if beside or call:
            beside = (f"WITH {beside}\n" if beside else "") + f"SELECT {call or 1}"
        return registry.record_sql(guard, step.rows_sql), beside

    # -- with less ---------------------------------------------------------------------------------------------

    def of_less(self, exchange: Exchange) -> bool:
        """Whether what has failed stands behind `SAVEPOINT`: all before it can be committed without it."""
        error = exchange.error
        if error is None or exchange.lost or exchange.last.tag != "SAVEPOINT":
            return False
        return not (error.sqlstate == CANCELLED and self._control.cancelled)

    def by_less(self, error: ServerError) -> bool:
        """Whether a guard that has failed may have done so because of what tracks, not of the registry: the step can be
        tried without it, as a whole."""
        if self.plan.tracking is None and self.plan.marks is None:
            return False
        sentence = registry.guard_failure(error)
        if sentence is None:
            return error.sqlstate in _NOT_THERE
        return "was altered" in sentence and self._altered_by_others()

    def _altered_by_others(self) -> bool:
        """Whether the tables, or the functions that write them, are altered for every session, not only in the
        transaction of the step: a script that alters them itself is refused."""
        query, number = self._tables().shape
        try:
            rows = self._control.session.execute(query)
        except PgmigError:
            return True
        return rows != [(number,)]

    def with_less(self) -> bool:
        """Leave out tracking, or else the marks, from now on. False where only the registry's rows are left."""
        plan = self.plan
        if plan.tracking is not None:
            self.plan = replace(plan, tracking=None)
        elif plan.marks is not None:
            self.plan = replace(plan, marks=None)
        else:
            return False
        self._written = None
        return True

    def with_all(self) -> None:
        """It wasn't what was left out that stood in the way."""
        if self.plan is not self._whole:
            self.plan, self._written = self._whole, None

    def settled(self, step: Step, why: str) -> None:
        """What was left out stays out: say what isn't kept, and why."""
        before, now = self._whole, self.plan
        if before is now:
            return
        self._whole = now
        if before.tracking is not None and now.tracking is None:
            self._failures.plan = replace(self._failures.plan, tracking=None)
            told = (
                f"tracking is off for the rest of this run: {why}. From {step.change} on Sqitch's registry alone tells"
                f" what was done; statements, times and what verifications answered are not kept in schema"
                f" {before.tracking}. Mend it: the next run adopts there what the registry says"
            )
            self._journal.write(Warned(step=step.number, message=told))
        if before.marks is not None and now.marks is None:
            self._journal.write(
                Warned(
                    step=step.number,
                    message=f"from {step.change} on what is reverted is marked `do not deploy` in a file of this"
                    f" account only: {why}",
                )
            )

    def mark(self, step: Step) -> None:
        """Where the mark of a recorded step could not be a row: in a file of this account, at once."""
        if not self._marked or self.plan.marks is not None:
            return
        plan = replace(self.plan, mark_reason=self.plan.mark_said)
        try:
            mark_in_file(plan.folder.parent.parent, plan, [step])
        except PgmigError as error:
            self._journal.write(Warned(step=step.number, message=f"{step.change}: {error.what}"))
