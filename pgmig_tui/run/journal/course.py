"""How far a run is and how long it still takes: one sum for the command line's bar, the screen and its steps.

What is left is what the steps that are left were estimated to take, times what those that are done really took of
their estimates. A step without an estimate, or one that takes longer than its own, leaves the time unknown.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from pgmig_tui.run.journal import private
from pgmig_tui.run.journal.picture import RunPicture, between

ESTIMATES = "estimates.json"
"""In a run's folder: what was estimated for its steps when it was reviewed."""
_LEAST_MS = 1.0
"""An estimate is never less: what is over in no time says nothing of the speed of the rest."""
_TELLING_MS = 1000
"""Estimates of at least so much together say how fast this server is."""


@dataclass(frozen=True, slots=True)
class Course:
    """`numbers` are the steps in their order, `estimates` (milliseconds) of those that have one, `took` (milliseconds)
    of those that are done; `step` is under way for `gone_ms`, 0 = none is."""

    numbers: Sequence[int]
    estimates: Mapping[int, float]
    took: Mapping[int, float] = field(default_factory=dict)
    step: int = 0
    gone_ms: float = 0.0

    def estimate(self, step: int) -> float | None:
        known = self.estimates.get(step)
        return None if known is None else max(known, _LEAST_MS)

    @property
    def share(self) -> float:
        """From 0 to 1, by the estimates where every step has one, else by the number of steps."""
        known = [self.estimate(number) for number in self.numbers]
        if not known or any(one is None for one in known):
            return len(self.took) / max(len(self.numbers), 1)
        done = sum(self.estimate(number) or 0.0 for number in self.took)
        if (own := self.estimate(self.step)) is not None:
            done += min(self.gone_ms, own)
        return min(done / sum(one or 0.0 for one in known), 1.0)

    @property
    def left_ms(self) -> float | None:
        """None where nothing foretells it."""
        left = [number for number in self.numbers if number not in self.took]
        known = [self.estimate(number) for number in left]
        if not left or any(one is None for one in known):
            return None
        rest = sum(one or 0.0 for one in known) * self.pace
        if self.step in left:
            if self.gone_ms > (self.estimate(self.step) or 0.0) * self.pace:
                return None
            rest -= self.gone_ms
        return rest

    @property
    def pace(self) -> float:
        """What the steps that are done have taken, by what was estimated for them; 1.0 while that says nothing."""
        known = [(took, own) for step, took in self.took.items() if (own := self.estimate(step)) is not None]
        whole = sum(own for _, own in known)
        return sum(took for took, _ in known) / whole if whole >= _TELLING_MS else 1.0


def by_step(estimates: Sequence[float | None]) -> dict[int, float]:
    """Estimates in the order of the steps as `Course` has them."""
    return {number: one for number, one in enumerate(estimates, 1) if one is not None}


def course(picture: RunPicture, estimates: Mapping[int, float], now: datetime) -> Course:
    """Of a run, by its journal. `now` is UTC by the server's clock, as far as it is known."""
    took = {one.number: one.took_ms or 0.0 for one in picture.steps.values() if one.state == "done"}
    current = picture.current
    if current is None:
        return Course(tuple(picture.steps), estimates, took)
    gone = between(current.started_at, now.isoformat()) or 0.0
    return Course(tuple(picture.steps), estimates, took, current.number, max(gone, 0.0))


def keep(folder: Path, estimates: Sequence[float | None]) -> None:
    """Keep what was estimated for the steps of a run, in milliseconds, beside its journal. Raises OSError."""
    private.write(folder / ESTIMATES, json.dumps([None if one is None else round(one, 1) for one in estimates]))


def kept(folder: Path) -> dict[int, float]:
    """What was kept; nothing of a run that was started by another version, or without a review."""
    try:
        found = json.loads((folder / ESTIMATES).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    if not isinstance(found, list):
        return {}
    return {number: float(one) for number, one in enumerate(found, 1) if isinstance(one, int | float) and one >= 0}
