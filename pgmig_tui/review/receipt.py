"""What a rollback costs, added up once: how long it takes, and how long readers and writers wait meanwhile.

Each number is said from here alone: on the screen, by `rollback --dry-run`, in its JSON and in the incident's record.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pgmig_tui.display import words

if TYPE_CHECKING:
    from pgmig_tui.impact.result import ScriptImpact, StatementImpact


@dataclass(frozen=True, slots=True)
class Milliseconds:
    """A range in milliseconds, waits for locks aside; None where a part of it can't be told."""

    low: int
    high: int

    def __add__(self, other: Milliseconds) -> Milliseconds:
        return Milliseconds(self.low + other.low, self.high + other.high)


NOTHING = Milliseconds(0, 0)


@dataclass(frozen=True, slots=True)
class StepCost:
    """Of one step: how long its statements take, and for how much of that who reads, and who writes, the tables that
    they lock has to wait. None: it can't be told."""

    work: Milliseconds | None
    readers: Milliseconds | None
    writers: Milliseconds | None


@dataclass(frozen=True, slots=True)
class Total:
    """Of all steps: what is known together, and of how many steps it isn't."""

    known: Milliseconds
    unknown: int
    steps: int

    @property
    def words(self) -> str:
        return time_words(self.known.low, self.known.high)

    def to_json(self) -> dict[str, object]:
        return {"low": self.known.low, "high": self.known.high, "unknown_steps": self.unknown}


def cost_of(impact: ScriptImpact) -> StepCost:
    """Of a script, by the estimates of its statements and by what each of them, with the locks that its transaction
    holds by then, keeps others from."""
    work = [one for one in impact.statements if not one.transaction_control]
    return StepCost(
        _sum(work),
        _sum([one for one in work if one.blocks.reads]),
        _sum([one for one in work if one.blocks.writes]),
    )


def _sum(work: Sequence[StatementImpact]) -> Milliseconds | None:
    found = NOTHING
    for one in work:
        if one.estimated_ms is None:
            return None
        found += Milliseconds(one.estimated_ms.low, one.estimated_ms.high)
    return found


def total(spans: Sequence[Milliseconds | None]) -> Total:
    known = [one for one in spans if one is not None]
    return Total(sum(known, NOTHING), len(spans) - len(known), len(spans))


def time_words(low_ms: int | None, high_ms: int | None) -> str:
    """A range of milliseconds in few words; `?` where it isn't known."""
    if low_ms is None or high_ms is None:
        return "?"
    if high_ms < 1000:
        return "< 1 s"
    if low_ms < 1000:
        return f"< {words.duration(high_ms)}"
    low, high = words.duration(low_ms), words.duration(high_ms)
    return high if low == high else f"{low} to {high}"


def total_words(work: Total, readers: Total, writers: Total) -> str:
    """Such as `in all about 9.0 s to 12 s; readers wait < 1 s, writers 9.0 s to 12 s, once the locks are there`."""
    if work.unknown == work.steps:
        told = "how long it takes in all can't be told"
    else:
        told = f"in all about {work.words}"
        told += f" (of {words.count(work.unknown, 'step')} it can't be told)" if work.unknown else ""
    both = (_wait(readers), _wait(writers))
    if both[0] == both[1]:
        return f"{told}; readers and writers {both[0]}, once it has the locks"
    return f"{told}; readers {both[0]}, writers {both[1]}, once it has the locks"


def _wait(one: Total) -> str:
    if not one.unknown and not one.known.high:
        return "do not wait"
    if one.unknown:
        return "wait for a time that can't be told" if not one.known.high else f"wait {one.words} and longer"
    return f"wait {one.words}"
