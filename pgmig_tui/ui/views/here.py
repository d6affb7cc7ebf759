"""How far environments have come: a rule across the matrix where the chosen one and the protected ones are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pgmig_tui.display.cells import Span
from pgmig_tui.display.safe import safe
from pgmig_tui.display.words import listing
from pgmig_tui.ui.views.matrix import RuleAcross

if TYPE_CHECKING:
    from pgmig_tui.ui.backend.protocol import PlanLine, StatusFacts

_NAMED = 3


@dataclass(frozen=True, slots=True)
class DeployedTo:
    """An environment whose newest deployed change is at `index` of the plan; `age` is that of an old answer."""

    name: str
    index: int
    protected: bool
    age: str | None


def deployed_to(status: StatusFacts, plan: Sequence[PlanLine]) -> int | None:
    """The place in the plan of the newest change that is deployed; None where none is."""
    deployed = status.deployed
    return next((index for index in range(len(plan) - 1, -1, -1) if plan[index].change_id in deployed), None)


def rules(found: Iterable[DeployedTo]) -> tuple[RuleAcross, ...]:
    """A rule for each place, with the names of all that are there: `!! production is here`, or `was here` where the
    server has not answered lately."""
    together: dict[int, list[DeployedTo]] = {}
    for one in found:
        together.setdefault(one.index, []).append(one)
    return tuple(RuleAcross(index, (_told(group),)) for index, group in together.items())


def _told(group: Sequence[DeployedTo]) -> Span:
    names = listing([f"{'!! ' if one.protected else ''}{safe(one.name)}" for one in group], _NAMED)
    ages = [one.age for one in group if one.age is not None]
    if ages:
        return f"? {names} {'was' if len(group) == 1 else 'were'} here {ages[0]} ago", "stale"
    return f"{names} {'is' if len(group) == 1 else 'are'} here", "strong"
