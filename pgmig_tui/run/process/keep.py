"""Save before revert: which copies a rollback makes before it destroys.

Only a step that is one transaction can be saved: the copy must be exactly what is lost, under the lock that the revert
holds. What can't be saved refuses the saving by name; nobody may believe that something was kept which wasn't.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pgmig_tui.database import keep as kept_rows
from pgmig_tui.database.keep import Keep, Origin
from pgmig_tui.database.losses import ColumnSequence, TableFacts
from pgmig_tui.display import words
from pgmig_tui.errors import Refused
from pgmig_tui.impact.modes import SRE, LockMode
from pgmig_tui.run.journal.events import RowsSaved
from pgmig_tui.run.journal.frozen import RecordedFiles
from pgmig_tui.run.process.executor import ScriptFailure

if TYPE_CHECKING:
    from pgmig_tui.database.connect import Connection
    from pgmig_tui.database.wire import Wire
    from pgmig_tui.impact.facts import Name
    from pgmig_tui.impact.result import ScriptImpact
    from pgmig_tui.run.journal.file import JournalWriter
    from pgmig_tui.run.journal.run_plan import RunPlan, Step
    from pgmig_tui.run.planning.losses import Loss, Receipt

_COPIED_BYTES_S = 50 * 1024 * 1024
"""A careful guess of how fast rows are copied, for telling how long the lock will be held."""


@dataclass(frozen=True, slots=True)
class Saving:
    """A plan that saves, what it saves in words, and how large its tables are about (`bytes`, 0 = not known)."""

    plan: RunPlan
    saves: tuple[str, ...]
    bytes: int

    @property
    def sentence(self) -> str:
        told = f"keeps {words.listing(self.saves)} in schema {self.plan.keep_schema} for {kept_rows.KEPT_DAYS} days"
        if not self.bytes:
            return f"{told}; how much is copied under the lock isn't known: never analysed"
        seconds = words.duration(max(1.0, 1000 * self.bytes / _COPIED_BYTES_S))
        return f"{told}; up to {words.size(self.bytes)} are copied under the lock, about {seconds}"


def plan_saving(
    plan: RunPlan, receipt: Receipt, impacts: Sequence[ScriptImpact | None], connection: Connection, schema: str
) -> Saving:
    """The same rollback, saving first all that it destroys. Raises Refused, naming everything that can't be saved;
    NotPermitted where the role can't write to the schema."""
    problems = [f"{what}: nothing says which rows those are" for what in (*receipt.loose, *receipt.unknown)]
    if receipt.problem:
        problems.append(f"what is lost isn't known: {receipt.problem}")
    by_step: dict[int, list[Loss]] = {}
    for loss in receipt.losses:
        by_step.setdefault(loss.step, []).append(loss)
    keeps: dict[int, list[Keep]] = {}
    for step, impact in zip(plan.steps, impacts, strict=True):
        losses = by_step.get(step.number, [])
        if losses and step.mode != "atomic":
            problems.append(f"{step.change} is reverted statement by statement: a copy could differ from what is lost")
            continue
        problems += [problem for loss in losses if (problem := _problem(loss))]
        keeps[step.number] = _keeps(plan, step, losses, impact)
    if problems:
        raise Refused(
            f"the rollback of {plan.environment} can't save all that it destroys",
            details=problems,
            now="Nothing was changed.",
            do="Roll back without saving (--no-save), or copy these by hand first.",
        )
    if not any(keeps.values()):
        return Saving(plan, (), 0)
    into = kept_rows.read_keep_schema(connection, schema)
    files = RecordedFiles.of(plan)
    steps, create = [], kept_rows.create_sql(into)
    for step in plan.steps:
        wanted = keeps.get(step.number)
        if wanted:
            assert step.script is not None
            digest = hashlib.sha1(files.script(step.script), usedforsecurity=False).hexdigest()
            who = str(plan.operator)
            origin = Origin(plan.run_id, step.number, plan.project, step.change, step.change_id, digest, who)
            copies = [sql for keep in wanted for sql in kept_rows.keep_sql(into, keep, origin)]
            made = (kept_rows.SET_SQL, *create, *copies, kept_rows.RESET_SQL)
            step, create = replace(step, save_sql=(*step.save_sql, *made)), []
        steps.append(step)
    creates = (*plan.creates, schema) if into.creates == "schema" else plan.creates
    saving = replace(plan, steps=tuple(steps), keep_schema=schema, creates=creates)
    saving.save()
    subjects = tuple(loss.subject for losses in by_step.values() for loss in losses)
    tables = {loss.table.name: loss.table.bytes for loss in receipt.losses if loss.table is not None}
    return Saving(saving, subjects, sum(tables.values()))


def _problem(loss: Loss) -> str:
    table = loss.table
    if table is None:
        return ""  # it doesn't exist: nothing of it can be lost
    if table.kind not in "rpS":
        return f"{loss.subject}: only rows of tables can be kept"
    if table.hides_rows:
        return f"{loss.subject}: row level security hides rows of it from this role"
    if loss.lost.kind in ("column", "values"):
        if not table.key:
            return f"{loss.subject}: {table.name} has no primary key by which values could be given back"
        if set(table.key) & set(loss.lost.columns):
            return f"{loss.subject}: it is part of the key of {table.name}"
    return ""


def _keeps(plan: RunPlan, step: Step, losses: Sequence[Loss], impact: ScriptImpact | None) -> list[Keep]:
    """What a step copies: a copy a table, one more where columns go and others only change."""
    grouped: dict[tuple[str, Name], tuple[TableFacts, list[str]]] = {}
    for loss in losses:
        if loss.table is not None:
            _, columns = grouped.setdefault((loss.lost.kind, loss.lost.name), (loss.table, []))
            columns += [column for column in loss.lost.columns if column not in columns]
    found = []
    for number, ((kind, name), (table, columns)) in enumerate(grouped.items(), 1):
        sequences = tuple(one for one in table.sequences if not columns or one.column in columns)
        if kind == "values":
            sequences = ()
        if kind == "sequence":
            found.append(Keep(kind, table, (), "", "", (ColumnSequence(name, ""),)))
            continue
        keep_table = kept_rows.keep_name(plan.run_id, step.number, number, name.relation)
        found.append(Keep(kind, table, tuple(columns), keep_table, _mode(name, impact).sql_name, sequences))
    return found


def _mode(name: Name, impact: ScriptImpact | None) -> LockMode:
    """The lock that the script will take on the table anyway; at least one that keeps writers out."""
    modes = [lock.mode for one in (impact.statements if impact else ()) for lock in one.locks if lock.name == name]
    return max([SRE, *modes])


def save(plan: RunPlan, step: Step, wire: Wire, journal: JournalWriter) -> ScriptFailure | None:
    """Make the copies of a step, in its open transaction, and tell the journal what was copied."""
    for sql in step.save_sql:
        exchange = wire.run(sql.encode())
        if exchange.error is not None:
            message = f"saving what would be lost failed: {exchange.error.message}"
            return ScriptFailure(step.script or "", 0, message, exchange.error, exchange.lost)
    if plan.keep_schema is None:
        return None
    told = wire.run(kept_rows.told_sql(kept_rows.KeepSchema(plan.keep_schema, ""), plan.run_id, step.number).encode())
    for row in told.last.rows if told.error is None else ():
        source, keep, rows, checksum, kind = (text or "" for text in row)
        journal.write(
            RowsSaved(step=step.number, table=source, keep=keep, rows=int(rows or 0), checksum=checksum, kind=kind)
        )
    return None
