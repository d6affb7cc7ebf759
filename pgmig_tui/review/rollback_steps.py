"""The list of a rollback's steps, a line each, as command and screen show it: how long, which lock, what is rewritten,
whether data is lost.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pgmig_tui.display import words
from pgmig_tui.display.cells import Line, Span, cut, pad, wrap
from pgmig_tui.display.safe import safe
from pgmig_tui.gates.loss import of_script
from pgmig_tui.review.receipt import Milliseconds, Total, cost_of, time_words, total, total_words

if TYPE_CHECKING:
    from pgmig_tui.gates.impacts import Inspected
    from pgmig_tui.run.journal.run_plan import RunPlan, Step
    from pgmig_tui.run.planning.losses import Receipt

_TIME = 16
_LEAST = 10
_DATA: dict[str, Span] = {
    "loses": ("LOSES ", "failed"),
    "empty": ("empty ", "muted"),
    "none": ("none  ", "muted"),
    "unknown": ("?     ", "stale"),
}


@dataclass(frozen=True, slots=True)
class StepRow:
    """One step. `low_ms` and `high_ms` are its statements' work without waiting for locks, None where that isn't known;
    `lock` is the strongest one, "" for none; `rewrites` are relations. `data`: loses, empty, none or unknown."""

    number: int
    change: str
    mode: str
    reason: str
    low_ms: int | None = None
    high_ms: int | None = None
    lock: str = ""
    relation: str = ""
    rewrites: tuple[str, ...] = ()
    data: str = "unknown"
    findings: tuple[str, ...] = ()
    readers: Milliseconds | None = None
    """For so long whoever reads what it locks waits, once it has the locks; None: it can't be told."""
    writers: Milliseconds | None = None

    @property
    def time(self) -> str:
        return time_words(self.low_ms, self.high_ms)


def step_rows(plan: RunPlan, impacts: Sequence[Inspected | None], receipt: Receipt) -> tuple[StepRow, ...]:
    """The rows of a planned rollback."""
    return tuple(_row(step, one, receipt) for step, one in zip(plan.steps, impacts, strict=True))


def _row(step: Step, inspected: Inspected | None, receipt: Receipt) -> StepRow:
    reason = step.mode_reason if step.mode == "stepwise" else ""
    if inspected is None:
        return StepRow(step.number, step.label or step.change, step.mode, reason, findings=step.findings)
    impact = inspected.impact
    work = [one for one in impact.statements if not one.transaction_control]
    cost = cost_of(impact)
    strongest = impact.strongest
    return StepRow(
        step.number,
        step.label or step.change,
        step.mode,
        reason,
        None if cost.work is None else cost.work.low,
        None if cost.work is None else cost.work.high,
        impact.lock_word,
        strongest[1] if strongest else "",
        tuple(dict.fromkeys(name for one in work if one.strongest is not None for name in one.rewrites)),
        _data(step, inspected, receipt),
        (*step.findings, *impact.troubles),
        cost.readers,
        cost.writers,
    )


def _data(step: Step, inspected: Inspected, receipt: Receipt) -> str:
    """What the receipt says of this step, so that list and receipt never differ."""
    loss = of_script(inspected.impact)
    if inspected.impact.data_loss.loose:
        return "loses"
    if receipt.problem:
        return "loses" if loss.known else "unknown" if loss else "none"
    mine = [one for one in receipt.losses if one.step == step.number]
    if any(one.count.total != 0 for one in mine):
        return "loses"
    if loss.unknown:
        return "unknown"
    if mine:
        return "empty"
    told = {one.lost for one in receipt.losses}
    return "loses" if loss.known and told and not inspected.impact.data_loss.lost else "none"


def row_lines(rows: Sequence[StepRow], columns: int) -> list[Line]:
    """The list in at most `columns` columns: a heading, the steps, and what they take together."""
    lock = max(len(row.lock) for row in rows)
    name = max(_LEAST, min(max(len(safe(row.change)) for row in rows), columns - _TIME - 12 - lock))
    lines: list[Line] = [((f" {'#':>2}  {pad('revert', name)} {pad('time', _TIME)}data  lock", "title"),)]
    for row in rows:
        lines += _lines(row, name, columns)
    lines += wrap(total_words(*totals(rows)), columns, "strong", indent="     ")
    return lines


def _lines(row: StepRow, name: int, columns: int) -> list[Line]:
    strong = row.lock == "ACCESS EXCLUSIVE"
    lock: Span = (row.lock or "none", "failed" if strong else "plain" if row.lock else "muted")
    room = columns - name - _TIME - 13 - len(lock[0])
    on = f" {cut(safe(row.relation), room)}" if row.relation and room > 6 else ""
    time: Span = (pad(row.time, _TIME), "stale" if row.time == "?" else "plain")
    head: Line = (
        (f" {row.number:>2}  {pad(safe(row.change), name)} ", "plain"),
        time,
        _DATA[row.data],
        lock,
        (on, "muted"),
    )
    lines = [head]
    if row.rewrites:
        told = f"rewrites {words.listing([safe(one) for one in row.rewrites])}"
        lines += wrap(told, columns, "waiting", indent="     ", hanging="       ")
    if row.mode == "stepwise":
        lines += wrap(f"statement by statement: {safe(row.reason)}", columns, "waiting", indent="     ")
    elif row.mode == "record":
        lines += wrap("recorded only: no script is run", columns, "waiting", indent="     ")
    for text in row.findings:
        lines += wrap(f"! {safe(text)}", columns, "waiting", indent="     ", hanging="       ")
    return lines


def totals(rows: Sequence[StepRow]) -> tuple[Total, Total, Total]:
    """What all steps take together, and for how long readers and writers of what they lock wait meanwhile."""
    work = [
        None if row.low_ms is None or row.high_ms is None else Milliseconds(row.low_ms, row.high_ms) for row in rows
    ]
    return total(work), total([row.readers for row in rows]), total([row.writers for row in rows])


def total_document(rows: Sequence[StepRow]) -> dict[str, object]:
    """What the steps cost together, as JSON values in milliseconds, and in the words of screen and command."""
    work, readers, writers = totals(rows)
    return {
        "told": total_words(work, readers, writers),
        "estimated_ms": work.to_json(),
        "readers_wait_ms": readers.to_json(),
        "writers_wait_ms": writers.to_json(),
    }
