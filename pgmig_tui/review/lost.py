"""What a rollback has cost: of what was counted before it, only what was committed was lost.

The counts come from the review (`loss_counted`), what became of each step from the journal, and of a step that was
committed in part the catalog says whether the table or the column is still there (`rollback_checked`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from pgmig_tui.display import words
from pgmig_tui.display.safe import safe
from pgmig_tui.run.journal.entry import Entry
from pgmig_tui.run.journal.events import LossCounted, RollbackChecked, RowsSaved
from pgmig_tui.run.journal.picture import RunPicture, StepPicture
from pgmig_tui.run.planning.losses import covers

LossState = Literal["lost", "not_lost", "unknown"]


@dataclass(frozen=True, slots=True)
class Claim:
    """One thing that the reverts destroy. `told` is the sentence of its count, which was made at `counted_at` (UTC, ""
    in journals that don't say it); `total` None: it wasn't counted. `why` says what the state was told from."""

    step: int | None
    change: str
    told: str
    total: int | None
    counted_at: str
    state: LossState
    why: str
    what: tuple[str, str, tuple[str, ...]] = ("", "", ())
    """Kind, relation and columns of what was counted."""

    @property
    def sentence(self) -> str:
        """Safe to draw."""
        counted = f" (counted at {words.utc(self.counted_at)})" if self.counted_at and self.total is not None else ""
        return safe(f"{self.told}{counted}" + (f": {self.why}" if self.state != "lost" else ""))

    def to_json(self) -> dict[str, object]:
        return {
            "step": self.step,
            "change": self.change,
            "told": self.told,
            "total": self.total,
            "counted_at": self.counted_at,
            "state": self.state,
            "why": self.why,
        }


@dataclass(frozen=True, slots=True)
class Saved:
    """A copy that was committed with the revert: its source, its table (or "" for a sequence's state) and rows."""

    step: int
    table: str
    keep: str
    rows: int
    checksum: str
    kind: str


def claims(events: Sequence[Entry], picture: RunPicture, *, cut_off: bool = False) -> tuple[Claim, ...]:
    """What became of each thing that was counted. `cut_off`: the run's process is gone without recording an end."""
    there = _seen(events)
    found = []
    for one in _counted(events):
        step = picture.steps.get(one.step) if one.step is not None else None
        state, why = _state(step, one, there, cut_off=cut_off and picture.exit_status is None)
        what = (one.kind or "", one.relation or "", one.columns or ())
        number = step.number if step is not None else None
        found.append(Claim(number, one.change, one.told or "?", one.total, one.counted_at, state, why, what))
    return tuple(found)


def _counted(events: Iterable[Entry]) -> list[LossCounted]:
    return [one.event for one in events if isinstance(one.event, LossCounted)]


def shown(found: Sequence[Claim]) -> tuple[Claim, ...]:
    """Without those of which another says all that they say: a table goes with its columns."""
    return tuple(
        one for one in found if not any(other.state == one.state and covers(other.what, one.what) for other in found)
    )


def _seen(events: Iterable[Entry]) -> dict[tuple[int, str, tuple[str, ...]], str]:
    """What the catalog said afterwards, by step, relation and columns: there, gone or some."""
    found = {}
    for entry in events:
        if isinstance(entry.event, RollbackChecked):
            for one in entry.event.losses:
                found[one.step, one.relation, one.columns] = one.there
    return found


def _state(
    step: StepPicture | None,
    counted: LossCounted,
    there: Mapping[tuple[int, str, tuple[str, ...]], str],
    *,
    cut_off: bool,
) -> tuple[LossState, str]:
    if step is None:
        return "unknown", "nothing says which step destroys it"
    if step.recorded:
        return "lost", "its revert is committed"
    if step.state == "todo":
        return "not_lost", f"{step.change} was not reverted"
    if step.state == "running" and not cut_off:
        return "unknown", f"{step.change} is being reverted"
    left = step.left.kind if step.state == "failed" else "unknown"
    if left == "nothing":
        return "not_lost", f"the revert of {step.change} was rolled back"
    seen = there.get((step.number, counted.relation or "", counted.columns or ()))
    if seen == "there":
        return "not_lost", "it is still there"
    if seen == "gone":
        return "lost", "it is gone"
    if left == "unrecorded":
        return "lost", "its revert is committed, without a record"
    return "unknown", f"the revert of {step.change} ended part way"


def open_losses(events: Sequence[Entry], picture: RunPicture) -> list[LossCounted]:
    """Those of the losses that only the catalog can settle: tables and columns of a step that ended part way."""
    return [
        one
        for one, claim in zip(_counted(events), claims(events, picture, cut_off=True), strict=True)
        if claim.state == "unknown" and one.kind in ("table", "column") and one.table
    ]


def saved(events: Iterable[Entry], picture: RunPicture) -> tuple[Saved, ...]:
    """The copies that stand: those of steps that were committed, and of each table the last one, for what a lost try
    copied was rolled back with it."""
    last: dict[tuple[str, str, str], Saved] = {}
    for entry in events:
        one = entry.event
        if isinstance(one, RowsSaved) and (step := picture.steps.get(one.step)) is not None and step.recorded:
            key = (one.keep, one.table, one.kind)
            last[key] = Saved(one.step, one.table, one.keep, one.rows, one.checksum, one.kind)
    return tuple(last.values())


def is_kept(claim: Claim, kept: Iterable[Saved]) -> bool:
    """Whether what is gone was copied before: it isn't lost then."""
    return claim.state == "lost" and any((one.step, one.table) == (claim.step, claim.what[1]) for one in kept)


def data_words(found: Sequence[Claim], kept: Sequence[Saved]) -> str:
    """One line: what was lost, what is not known, and what is kept."""
    found = shown(found)
    lost = [one.sentence for one in found if one.state == "lost" and one.total != 0 and not is_kept(one, kept)]
    gone = [one.sentence for one in found if one.total != 0 and is_kept(one, kept)]
    unknown = [one.sentence for one in found if one.state == "unknown" and one.total != 0]
    parts = []
    if lost:
        parts.append(f"LOST {words.listing(lost, 2)}")
    if unknown:
        parts.append(f"NOT KNOWN whether lost: {words.listing(unknown, 2)}")
    if gone:
        parts.append(f"GONE {words.listing(gone, 2)}")
    if kept:
        rows = sum(one.rows for one in kept)
        parts.append(f"SAVED {words.count(rows, 'row')} in {words.count(len(kept), 'copy', 'copies')}")
    elif lost:
        parts.append("not saved")
    if not lost and not unknown and not gone:
        spared = any(one.state == "not_lost" and one.total != 0 for one in found)
        parts.insert(0, "nothing was lost" if spared else "nothing is lost, as far as is known")
    return "; ".join(parts)
