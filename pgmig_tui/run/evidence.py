"""What became of a stepwise step that was cut off: its journal, its script, and the server's catalog."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pgmig_tui.database.connect import Connection
from pgmig_tui.run.plan import RunPlan, Step
from pgmig_tui.run.position import Position

Outcome = Literal["recorded", "not_applied", "unrecorded", "partly", "unknown"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one step. `stays` names what was committed of a script that was not carried out to its end, `line`
    where it stopped, `why` the evidence, `repair` the statements that would take away what is broken."""

    step: Step
    outcome: Outcome
    why: str
    line: int | None = None
    stays: tuple[str, ...] = ()
    repair: tuple[str, ...] = ()


def stepwise_verdict(connection: Connection, plan: RunPlan, step: Step, at: Position) -> Verdict:
    """The verdict on a step without a record. Raises ServerError."""
    if at.applied:
        return Verdict(step, "unrecorded", "its script was carried out to the end, and the record is missing")
    stays = tuple(at.stays)
    if at.open is not None and at.open.commits is not False and not (at.failed and not at.in_doubt):
        return Verdict(
            step,
            "unknown",
            f"whether the statement at line {at.open.line} took effect is not known",
            at.open.line,
            stays,
        )
    if not stays:
        return Verdict(step, "not_applied", "none of its statements was committed")
    return Verdict(step, "partly", f"it was carried out to line {at.line}", at.line, stays)
