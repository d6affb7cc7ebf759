"""What a step that didn't end well has left in the database, in one set of words for every face and report.

From the fields of the event that told its end: `step_failed`, `step_in_doubt`, `step_verified` or `run_settled`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pgmig_tui.display.safe import safe

Kind = Literal["nothing", "recorded", "unrecorded", "parts", "unknown"]


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


def left_of(data: Mapping[str, Any], *, recorded: bool = False) -> Left:
    """What an event's fields say. `recorded`: the journal says that the step was recorded, before or after."""
    items = tuple(str(item) for item in data.get("what_stays") or ())
    if recorded:
        return Left("recorded")
    if data.get("applied") or data.get("outcome") == "unrecorded":
        return Left("unrecorded", items)
    if data.get("in_doubt") or data.get("outcome") == "unknown":
        return Left("unknown", items, _open(data))
    if items or data.get("outcome") == "partly":
        return Left("parts", items)
    return Left("recorded") if data.get("committed") else Left("nothing")


def _open(data: Mapping[str, Any]) -> str:
    if line := data.get("line"):
        return f"whether the statement at line {line} took effect is not known"
    return "whether it was committed is not known"
