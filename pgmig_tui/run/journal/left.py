"""What a step that didn't end well has left in the database, in one set of words for every face and report.

From the event that told its end: `step_failed`, `step_in_doubt`, `step_verified` or `run_settled`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pgmig_tui.display.safe import safe
from pgmig_tui.run.journal.events import RunSettled, StepFailed, StepInDoubt, StepVerified

Kind = Literal["nothing", "recorded", "unrecorded", "parts", "unknown"]
BadEnd = StepFailed | StepInDoubt | StepVerified | RunSettled
"""An event that tells of a step's bad end."""


@dataclass(frozen=True, slots=True)
class Left:
    """`nothing` was committed · it is `recorded`, whatever its verification says · its script was carried out whole and
    is `unrecorded` · `parts` of its script were committed · what was committed is `unknown`, but for the items.

    `items` are statements in words, as the run told them; they aren't safe to draw.
    """

    kind: Kind
    items: tuple[str, ...] = ()
    open: str = ""
    """What isn't known, of `unknown`."""

    @property
    def sentences(self) -> tuple[str, ...]:
        """One a line, safe to draw."""
        items = tuple(safe(item) for item in self.items)
        match self.kind:
            case "nothing":
                return ("nothing of it was committed",)
            case "recorded":
                return ("the change itself: it is committed and recorded",)
            case "unrecorded":
                return (*items, "it has no record")
            case "parts":
                return items or ("part of its script",)
            case "unknown":
                return (*items, safe(self.open))


def left_of(end: BadEnd | None, *, recorded: bool = False, applied: bool = False) -> Left:
    """What a step's end says. `recorded`, `applied`: the journal says before or after that the step was recorded, that
    its script was carried out to the end."""
    if recorded:
        return Left("recorded")
    match end:
        case StepFailed():
            items = end.what_stays
            if applied or end.applied:
                return Left("unrecorded", items)
            if end.in_doubt:
                return Left("unknown", items, _open(end.line))
            return Left("parts", items) if items else Left("recorded") if end.committed else Left("nothing")
        case StepInDoubt():
            return Left("unrecorded") if applied else Left("unknown", (), _open(None))
        case StepVerified():
            return Left("unrecorded") if applied else Left("recorded") if end.where == "after" else Left("nothing")
        case RunSettled():
            items = end.what_stays
            if applied or end.outcome == "unrecorded":
                return Left("unrecorded", items)
            if end.outcome == "unknown":
                return Left("unknown", items, _open(end.line))
            return Left("parts", items) if items or end.outcome == "partly" else Left("nothing")
    return Left("unrecorded") if applied else Left("nothing")


def _open(line: int | None) -> str:
    if line:
        return f"whether the statement at line {line} took effect is not known"
    return "whether it was committed is not known"
