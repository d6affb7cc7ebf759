"""The loss receipt of a revert: which columns and tables go, about how many values and rows, how many since the deploy.

What counts is what was written after the deploy, not what the deploy itself made: both are said, and what can't be
known is said to be unknown.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from pgmig_tui.database.connect import Connection, ServerError, guard_sql
from pgmig_tui.database.losses import Count, TableFacts, WantedCount, count, read_tables
from pgmig_tui.display import words
from pgmig_tui.errors import PgmigError
from pgmig_tui.gates.loss import Evidence, Losses, of_script, together
from pgmig_tui.impact.facts import Name
from pgmig_tui.impact.result import LostData, ScriptImpact

if TYPE_CHECKING:
    from pgmig_tui.run.journal.run_plan import Step

BUDGET_S = 6.0
"""All counting together takes no longer than about this; what is left then isn't counted."""
_TRIES = 4


@dataclass(frozen=True, slots=True)
class Loss:
    """One thing that a step destroys, counted. `table` is None where it doesn't exist (yet)."""

    step: int
    change: str
    change_id: str
    lost: LostData
    table: TableFacts | None
    count: Count

    @property
    def subject(self) -> str:
        """Such as `shop.orders.total`."""
        columns = ", ".join(self.lost.columns)
        if len(self.lost.columns) > 1:
            return f"{self.lost.name} ({columns})"
        return f"{self.lost.name}.{columns}" if columns else str(self.lost.name)

    @property
    def sentence(self) -> str:
        """Such as `shop.orders.total: 1,204 values, at most 17 of them written since the deploy`."""
        if self.lost.kind == "sequence":
            return f"{self.subject}: the state of the sequence"
        noun = "row" if self.lost.kind in ("table", "rows") else "value"
        found = self.count
        if found.total is None:
            return f"{self.subject}: unknown how many {noun}s ({found.why or 'not counted'})"
        limits = "at most " if self.lost.kind in ("rows", "values") else ""
        about = "about " if found.about else ""
        told = f"{self.subject}: {limits}{about}{words.count(found.total, noun)}"
        if not found.total:
            return told
        if found.since is None:
            return f"{told}, unknown how many of them since the deploy"
        if not found.since:
            none = "few of them, if any," if found.about else "none of them"
            return f"{told}, {none} written since the deploy"
        return f"{told}, at most {about}{found.since:,} of them written since the deploy"

    def to_json(self) -> dict[str, object]:
        """A `loss_counted` event's fields."""
        return {
            "step": self.step,
            "change": self.change,
            "kind": self.lost.kind,
            "relation": str(self.lost.name),
            "schema": self.lost.name.schema,
            "table": self.lost.name.relation,
            "columns": list(self.lost.columns),
            "total": self.count.total,
            "since_deploy": self.count.since,
            "about": self.count.about,
            "why": self.count.why,
            "told": self.sentence,
        }


def covers(whole: tuple[str, str, tuple[str, ...]], part: tuple[str, str, tuple[str, ...]]) -> bool:
    """Whether (kind, relation, columns) of one loss says all that another does: a table goes with its rows and columns,
    a column with its values."""
    kind, relation, columns = whole
    other, where, of = part
    if relation != where or other == kind:
        return False
    return kind == "table" or (kind == "column" and other == "values" and set(of) <= set(columns))


@dataclass(frozen=True, slots=True)
class Receipt:
    """All that is lost. `loose` can't be counted, of `unknown` statements nobody can say what they destroy; `problem`
    says why nothing could be counted."""

    losses: tuple[Loss, ...] = ()
    loose: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    problem: str = ""

    @property
    def nothing(self) -> bool:
        """Nothing is lost, or only what is empty and certainly so."""
        return (
            not self.loose
            and not self.unknown
            and not self.problem
            and all(loss.count.total == 0 for loss in self.losses)
        )

    @property
    def told(self) -> Losses:
        """Everything that is lost or may be; what is empty isn't."""
        return Losses((*(loss.sentence for loss in self.shown if loss.count.total != 0), *self.loose), self.unknown)

    @property
    def shown(self) -> tuple[Loss, ...]:
        """What a person has to read: nothing of it is told twice."""
        kinds = [(loss.lost.kind, str(loss.lost.name), loss.lost.columns) for loss in self.losses]
        told = [one for one in kinds if not any(covers(other, one) for other in kinds)]
        return tuple(loss for loss, one in zip(self.losses, kinds, strict=True) if one in told)


def count_losses(
    steps: Sequence[Step],
    impacts: Sequence[ScriptImpact | None],
    connection: Connection,
    registry: str,
    evidence: Evidence = MappingProxyType({}),
) -> Receipt:
    """Count what the reverts destroy, in their order. `connection` gets the guards of a watch. Never raises for the
    server: what it refuses to tell is unknown. `evidence` is told beside what can't be told."""
    wanted = list(_lost(steps, impacts))
    seen = [one for one in impacts if one is not None]
    loose = tuple(dict.fromkeys(text for one in seen for text in one.data_loss.loose))
    unknown = together(of_script(one, evidence) for one in seen).unknown
    if not wanted:
        return Receipt((), loose, unknown)
    deadline = time.monotonic() + BUDGET_S
    try:
        connection.execute(guard_sql("watch", 150, connection.server_version_num))
        tables = _tables(connection, [lost.name for _, lost in wanted])
        owned = {one.name for table in tables.values() for one in table.sequences}
        losses = [
            Loss(
                step.number, step.change, step.change_id, lost, tables.get(lost.name), Count(why="it doesn't exist yet")
            )
            for step, lost in wanted
            if lost.name not in owned
            and not ((table := tables.get(lost.name)) is not None and _covered(lost, table, wanted))
        ]
        for table in tables.values():
            losses = _counted(losses, table, connection, registry, late=time.monotonic() > deadline)
    except PgmigError as error:
        return Receipt((), loose, unknown, error.what)
    return Receipt(tuple(losses), loose, unknown)


def filled(receipt: Receipt, connection: Connection, registry: str) -> tuple[Loss, ...]:
    """Of what was counted as empty that which isn't known to be any more: somebody has written since. `connection` gets
    the guards of a watch. Raises ServerError and Unreachable."""
    losses = [loss for loss in receipt.losses if loss.count.total == 0 and loss.table is not None]
    if not losses:
        return ()
    deadline = time.monotonic() + BUDGET_S
    connection.execute(guard_sql("watch", 150, connection.server_version_num))
    for table in {loss.table.name: loss.table for loss in losses if loss.table is not None}.values():
        losses = _counted(losses, table, connection, registry, late=time.monotonic() > deadline)
    return tuple(loss for loss in losses if loss.count.total != 0)


def _counted(
    losses: Sequence[Loss], table: TableFacts, connection: Connection, registry: str, *, late: bool
) -> list[Loss]:
    """The same, with those of one table counted."""
    mine = [loss for loss in losses if loss.lost.name == table.name and loss.lost.kind != "sequence"]
    if not mine:
        return list(losses)
    wanted = [
        WantedCount(loss.lost.columns if loss.lost.kind in ("column", "values") else (), loss.change_id)
        for loss in mine
    ]
    found = [Count(why="no time was left to count")] * len(mine) if late else count(connection, table, wanted, registry)
    counts = dict(zip(map(id, mine), found, strict=True))
    return [replace(loss, count=counts[id(loss)]) if id(loss) in counts else loss for loss in losses]


def _tables(connection: Connection, names: Sequence[Name]) -> dict[Name, TableFacts]:
    """A catalog may be locked for a moment, by a vacuum that cuts its end off."""
    for _ in range(_TRIES - 1):
        try:
            return read_tables(connection, names)
        except ServerError as error:
            if error.sqlstate != "55P03":
                raise
    return read_tables(connection, names)


def _lost(steps: Sequence[Step], impacts: Iterable[ScriptImpact | None]) -> Iterable[tuple[Step, LostData]]:
    """What is lost, each thing once, at the first step that destroys it."""
    seen: set[LostData] = set()
    for step, impact in zip(steps, impacts, strict=True):
        for lost in impact.data_loss.lost if impact is not None else ():
            for one in _single(lost):
                if one not in seen:
                    seen.add(one)
                    yield step, one


def _single(lost: LostData) -> Iterable[LostData]:
    """Column by column, so that what different statements do to one is found to be the same."""
    if lost.kind in ("column", "values") and len(lost.columns) > 1:
        return [replace(lost, columns=(column,)) for column in lost.columns]
    return [lost]


def loose_of(impact: ScriptImpact, evidence: Evidence = MappingProxyType({})) -> Iterable[str]:
    """What is lost but can't be counted, and statements of which nobody can say what they destroy."""
    yield from impact.data_loss.loose
    yield from of_script(impact, evidence).unknown


def _covered(lost: LostData, table: TableFacts, wanted: Sequence[tuple[Step, LostData]]) -> bool:
    """A partition whose parent loses the same."""
    same = (other for _, other in wanted if other.kind == lost.kind and other.columns == lost.columns)
    return any(str(other.name) in table.partition_of for other in same)
