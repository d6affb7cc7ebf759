"""Which change comes next where several are looked at one after the other."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from pgmig_tui.ui.backend.protocol import PlanLine
from pgmig_tui.ui.keys import Unavailable


def neighbour(plan: Sequence[PlanLine], change_id: str, pending: Collection[str], way: int) -> PlanLine | Unavailable:
    """The pending change after (`way` 1) or before (-1) another one of the plan; any change where none is pending."""
    at = next((index for index, one in enumerate(plan) if one.change_id == change_id), None)
    if at is None:
        return Unavailable("this change is not in the plan any more")
    beyond = plan[at + 1 :] if way > 0 else plan[:at][::-1]
    wanted = frozenset(pending)
    found = next((one for one in beyond if not wanted or one.change_id in wanted), None)
    what = "pending change" if wanted else "change"
    return found or Unavailable(f"there is no {what} {'after' if way > 0 else 'before'} this one")
