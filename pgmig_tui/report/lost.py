"""What a rollback has cost: of what was counted before it, only what was committed was lost.

The counts come from the review (`loss_counted`), what became of each step from the journal, and of a step that was
committed in part the catalog says whether the table or the column is still there (`rollback_checked`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pgmig_tui.display import words
from pgmig_tui.display.safe import safe
from pgmig_tui.report.picture import EventLike, RunPicture, StepPicture
from pgmig_tui.run.planning.losses import covers

CHECKED = "rollback_checked"
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

    def to_json(self) -> dict[str, Any]:
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


def claims(events: Sequence[EventLike], picture: RunPicture, *, cut_off: bool = False) -> tuple[Claim, ...]:
    """What became of each thing that was counted. `cut_off`: the run's process is gone without an end."""
    there = _seen(events)
    found = []
    for event in events:
        if event.name != "loss_counted":
            continue
        data = event.data
        step = picture.steps.get(int(data["step"])) if isinstance(data.get("step"), int) else None
        state, why = _state(step, data, there, cut_off=cut_off and picture.exit_status is None)
        total = data.get("total")
        found.append(
            Claim(
                step.number if step is not None else None,
                str(data.get("change") or ""),
                str(data.get("told") or "?"),
                total if isinstance(total, int) else None,
                str(data.get("counted_at") or ""),
                state,
                why,
                _what(data),
            )
        )
    return tuple(found)


def _what(data: Mapping[str, Any]) -> tuple[str, str, tuple[str, ...]]:
    columns = tuple(str(column) for column in data.get("columns") or ())
    return str(data.get("kind") or ""), str(data.get("relation") or ""), columns


def shown(found: Sequence[Claim]) -> tuple[Claim, ...]:
    """Without those of which another says all that they say: a table goes with its columns."""
    return tuple(
        one for one in found if not any(other.state == one.state and covers(other.what, one.what) for other in found)
    )


def _seen(events: Iterable[EventLike]) -> dict[tuple[int, str, tuple[str, ...]], str]:
    """What the catalog said afterwards, by step, relation and columns: there, gone or some."""
    found = {}
    for event in events:
        if event.name == CHECKED:
            for one in event.data.get("losses") or ():
                found[(int(one["step"]), str(one["relation"]), tuple(one["columns"]))] = str(one["there"])
    return found


def _state(
    step: StepPicture | None,
    data: Mapping[str, Any],
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
    seen = there.get((step.number, str(data.get("relation") or ""), tuple(data.get("columns") or ())))
    if seen == "there":
        return "not_lost", "it is still there"
    if seen == "gone":
        return "lost", "it is gone"
    if left == "unrecorded":
        return "lost", "its revert is committed, without a record"
    return "unknown", f"the revert of {step.change} ended part way"


def open_losses(events: Sequence[EventLike], picture: RunPicture) -> list[Mapping[str, Any]]:
    """The `loss_counted` events that only the catalog can settle: tables and columns of a step that ended part way."""
    found = []
    for event, claim in zip(
        [event for event in events if event.name == "loss_counted"],
        claims(events, picture, cut_off=True),
        strict=True,
    ):
        if claim.state == "unknown" and event.data.get("kind") in ("table", "column") and event.data.get("table"):
            found.append(event.data)
    return found


def saved(events: Iterable[EventLike], picture: RunPicture) -> tuple[Saved, ...]:
    """The copies that stand: those of steps that were committed, and of each table the last one, for what a lost try
    copied was rolled back with it."""
    last: dict[str, Saved] = {}
    for event in events:
        if event.name != "rows_saved":
            continue
        data = event.data
        number = int(data.get("step") or 0)
        step = picture.steps.get(number)
        if step is None or not step.recorded:
            continue
        one = Saved(
            number,
            str(data.get("table") or ""),
            str(data.get("keep") or ""),
            int(data.get("rows") or 0),
            str(data.get("checksum") or ""),
            str(data.get("kind") or ""),
        )
        last[f"{one.keep}|{one.table}|{one.kind}"] = one
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
