"""What a review says of its steps: pure functions from a review to lines."""

from __future__ import annotations

from collections.abc import Mapping

from pgmig_tui.display.cells import Line, Role, Span, pad, point, wrap, wrapped
from pgmig_tui.display.names import told_apart
from pgmig_tui.display.safe import safe
from pgmig_tui.display.words import count
from pgmig_tui.gates.gate import PAST_IN_AN_EMERGENCY
from pgmig_tui.ui.backend.protocol import ItemFacts, Manner, ReviewFacts, StepFacts
from pgmig_tui.ui.views.findings import RISK_ROLES

STAYS = "sequences that are used advance, and what reaches a file or another server is done"


def refused_lines(error: str, columns: int) -> list[Line]:
    """Why nothing can be started, in the words of the `error`, which may say itself that nothing was changed."""
    said = "Nothing was changed" in error
    head: Line = ((f" This can't be done.{'' if said else ' Nothing was changed.'}", "failed"),)
    return [head, (), *wrap(safe(error), columns, indent=" ")]


def mark_lines(review: ReviewFacts, columns: int) -> list[Line]:
    """The changes that must not be deployed, each with the reason, and what can be done."""
    many = count(len(review.marks), "change")
    lines = wrap(f"x {many} must not be deployed on {safe(review.environment)}", columns, "failed", indent=" ")
    lines += wrap("Nothing was changed.", columns, indent="   ")
    for mark in review.marks:
        lines += [(), *point(mark.change, columns, "strong")]
        lines += wrap(mark.why, columns, indent="   ")
    told = "Fix the scripts first. Then L lifts this, with a reason that is kept; D tries them and rolls back."
    return [*lines, (), *wrap(told, columns, "waiting", indent=" ")]


def step_lines(review: ReviewFacts, columns: int, *, how: Manner, evidence: str) -> list[Line]:
    """What would run, and what there is to know of it."""
    lines: list[Line] = []
    if how == "try":
        lines += wrap(f"! DRY RUN: in one transaction that is rolled back; {STAYS}", columns, "waiting", indent=" ")
    if how == "record":
        lines += wrap("! RECORD ONLY: no script is run, the registry is told", columns, "waiting", indent=" ")
        good = "passed" in evidence
        lines += wrap(safe(evidence), columns, "done" if good else "failed", indent="   ")
    for text in review.refusals:
        lines += point(f"x REFUSED {safe(text)}", columns, "failed")
    for text in review.warnings:
        lines += point(f"! {safe(text)}", columns, "waiting")
    if not review.steps:
        return [*lines, ((" nothing to do: no change is left for this", "done"),)]
    name = _room(review, columns)
    lines.append(
        ((f" {'#':>3}  {pad('change', name)} {pad('strongest lock', 18)} {pad('rewrite', 8)}tx   data", "title"),)
    )
    names = step_names(review, columns)
    for step in review.steps:
        lines.append(_step_line(step, pad(names[safe(step.change)], name)))
        if step.relation and columns > 100:
            lines[-1] = (*lines[-1], (f"  {safe(step.relation)}", "muted"))
        if step.mode == "stepwise":
            lines += wrap(f"not one transaction: {safe(step.reason)}", columns, "waiting", indent="      ")
        if step.tested:
            role: Role = "muted" if step.tested_good else "waiting"
            lines += wrap(safe(step.tested), columns, role, indent="      ", hanging="        ")
        for text in step.findings:
            lines += wrap(f"! {safe(text)}", columns, "waiting", indent="      ", hanging="        ")
        for kind in step.losses.kinds:
            for text in kind.what:
                lost = f"{kind.head} {safe(text)}"
                lines += wrap(lost, columns, kind.role, indent="      ", hanging="        ")
    for told in review.told:
        lines += wrapped(told, columns, indent="    ", hanging="      ")
    return lines


def step_names(review: ReviewFacts, columns: int) -> Mapping[str, str]:
    """The name of each change -> how it stands in `step_lines`, for want of room."""
    return told_apart(tuple(safe(step.change) for step in review.steps), _room(review, columns))


def _room(review: ReviewFacts, columns: int) -> int:
    return max(10, min(max((len(step.change) for step in review.steps), default=0) + 1, columns - 48))


def _step_line(step: StepFacts, name: str) -> Line:
    lock: Span = (step.lock.replace("UPDATE EXCLUSIVE", "UPD. EXCL."), RISK_ROLES.get(step.risk, "plain"))
    if not step.lock:
        lock = ("none", "muted") if step.seen else ("not looked at", "stale")
    rewrite: Span = ("YES", "failed") if step.rewrites else ("scan", "waiting") if step.scans else ("no", "muted")
    one: Span = ("yes ", "plain") if step.mode == "atomic" else ("-   ", "muted")
    if step.mode in ("stepwise", "batches"):
        one = ("NO  ", "waiting")
    data: Span = ("none lost", "muted")
    if step.losses:
        first = step.losses.kinds[0]
        data = ("?", "stale") if first.role == "stale" else (first.head, first.role)
    if not step.seen:
        rewrite = data = ("?", "stale")
    return (
        (f" {step.number:>3}  {name} ", "plain"),
        (pad(lock[0], 18), lock[1]),
        (" ", "plain"),
        (pad(rewrite[0], 8), rewrite[1]),
        (f"{one[0]} ", one[1]),
        data,
    )


def passed_by(review: ReviewFacts) -> tuple[ItemFacts, ...]:
    """What an emergency would go on past now."""
    return tuple(
        item
        for item in review.items
        if item.id in PAST_IN_AN_EMERGENCY
        and item.how == "check"
        and item.state in ("FAIL", "UNKNOWN")
        and not item.answered
    )
