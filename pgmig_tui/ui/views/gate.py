"""What a review still needs to start, and what the item under the cursor says: pure functions to lines."""

from __future__ import annotations

from dataclasses import dataclass

from pgmig_tui.display.cells import Line, Role, point, wrap
from pgmig_tui.display.safe import safe
from pgmig_tui.display.words import count, listing
from pgmig_tui.ui.backend.protocol import ItemFacts, ReviewFacts
from pgmig_tui.ui.views.review import passed_by


@dataclass(frozen=True, slots=True)
class Readiness:
    """How far a review is. `closed` is why it can't start, "" when it can; `far` and `path` what is under way and in
    which file; `before` what is kept for a watch after it."""

    closed: str
    accepted: bool = False
    far: str = ""
    path: str = ""
    trouble: str = ""
    before: str = ""


def gate_lines(gate: Readiness, review: ReviewFacts | None, current: ItemFacts | None, columns: int) -> list[Line]:
    """The pane: what is under way, whether it can start, what it loses, and what the current item says."""
    lines: list[Line] = []
    if gate.far:
        lines += point(f"~ {safe(gate.far)}", columns, "running")
    if gate.closed:
        lines += point(f"x cannot start: {safe(gate.closed)}", columns, "failed")
    else:
        lines += _ready_lines(review, columns)
    if gate.trouble:
        lines += point(f"x {safe(gate.trouble)}", columns, "failed")
    if gate.path:
        lines += point(safe(gate.path), columns, "muted")
    lines.append(())
    if review is not None:
        lines += [*_loss_lines(review, columns, accepted=gate.accepted), *_item_lines(review, current, columns)]
        if review.blocking and (past := passed_by(review)):
            lines += point(f"! declares an emergency, past {count(len(past), 'item')}", columns, "muted")
    if gate.before:
        lines += point(safe(gate.before), columns, "muted")
    return lines


def _ready_lines(review: ReviewFacts | None, columns: int) -> list[Line]:
    """That it can start; what has failed and stops nothing on such an environment is no reason to call that good."""
    failed = [item for item in review.items if item.state == "FAIL" and not item.answered] if review is not None else []
    if not failed:
        return point("+ ready to start (E, then the word)", columns, "done")
    what = count(len(failed), "check FAILs", "checks FAIL")
    return point(f"! {what}, which stops nothing here; ready to start (E, then the word)", columns, "waiting")


def _loss_lines(review: ReviewFacts, columns: int, *, accepted: bool) -> list[Line]:
    losses = review.accepts or review.losses
    lines: list[Line] = []
    if review.wants_loss_accepted:
        box, what = "[+]" if accepted else "[ ]", "DATA LOSS" if losses.certain else "POSSIBLE DATA LOSS"
        role: Role = "waiting" if accepted else "failed"
        text = f"{box} a: accept {what}: {safe(listing(losses.all))}"
        lines += wrap(text, columns, role, indent=" ", hanging="     ")
    else:
        for kind in losses.kinds:
            lines += point(f"{kind.head} {safe(listing(kind.what))}", columns, kind.role)
    if review.creates:
        lines += point(f"creates schema {safe(', '.join(review.creates))}", columns, "waiting")
    return lines


def _item_lines(review: ReviewFacts, item: ItemFacts | None, columns: int) -> list[Line]:
    """What the item under the cursor says; by its name, for it may stand far away."""
    if item is None:
        return []
    lines = wrap(safe(item.title), columns, "strong", indent=" ")
    if item.answered:
        word = "overridden" if item.overridden else "attested"
        lines += point(f"{word}: {safe(item.answered)}", columns, "done")
    if item.summary and (not item.answered or item.overridden):
        lines += point(safe(item.summary), columns, "muted")
    if not item.answered and item.id in review.again:
        note, why = review.again[item.id]
        lines += point(f'"{safe(note)}" must be said again: {safe(why)}', columns, "waiting")
    if item.blocks and item.how == "attested":
        lines += point(f"space: {safe(item.asks)}", columns, "waiting")
    elif item.blocks:
        told = f"can't be overridden: {safe(item.locked)}" if item.locked else "o overrides it, with a reason"
        told = f"b makes and proves one; {told}" if item.how == "performed" and "backup" in item.id else told
        lines += point(told, columns, "waiting")
    return lines
