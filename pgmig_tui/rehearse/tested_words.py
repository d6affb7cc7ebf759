"""A test of changes in words: lines that the command prints and a screen can show. All are safe to print."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pgmig_tui.display import words
from pgmig_tui.display.cells import Line, Role, Span, line
from pgmig_tui.display.safe import safe
from pgmig_tui.rehearse.tested import STEPS, ChangeTest, ChangeTests, CycleStep, Outcome, StepBegun
from pgmig_tui.rehearse.words import problem_lines

MARKS: Final[dict[Outcome, Span]] = {
    "passed": ("+", "done"),
    "failed": ("x", "failed"),
    "declared": ("d", "waiting"),
    "none": ("-", "muted"),
    "not_run": (".", "muted"),
}
LEGEND = "+ passed  x failed  d declared in the script  - no verify script  . not run"
_HEAD: Final[dict[str, Span]] = {
    "passed": ("+ ", "done"),
    "failed": ("x ", "failed"),
    "not_tested": ("? ", "stale"),
}


def progress(begun: StepBegun) -> str:
    """How far it is, such as `1 of 3 changes, now orders: step 5 of 8, revert`."""
    return f"{begun.done} of {words.count(begun.of, 'change')}, now {safe(begun.change)}: {step_of(begun)}"


def step_of(begun: StepBegun) -> str:
    """Such as `step 5 of 8, revert`."""
    return f"step {begun.number} of {len(STEPS)}, {STEPS[begun.step]}"


def opening(found: ChangeTests) -> Iterator[Line]:
    """Where it was."""
    many = words.count(len(found.changes), "change")
    yield line((f"tested {many} of {safe(found.project)} ", "strong"), (f"on {safe(found.where)}", "muted"))
    steps = "  ".join(f"{number} {name}" for number, name in enumerate(STEPS.values(), 1))
    yield line((f"  {steps}", "muted"))
    yield line((f"  {LEGEND}", "muted"))
    for note in found.notes:
        yield line(("  ! ", "waiting"), safe(note))
    if most := max((sum(each.rows for each in one.data.filled) for one in found.changes), default=0):
        yield line((f"  with rows before each deploy, {most:,} at most", "muted"))


def change_lines(one: ChangeTest, *, every: bool = False) -> Iterator[Line]:
    """A change in a line with a mark for each step, and what is to be said of steps below it; of `every` step where
    that is asked for."""
    if one.not_tested:
        yield line(_HEAD["not_tested"], (safe(one.change), "strong"), " not tested")
        yield line(f"    {safe(one.not_tested)}")
        return
    marks: Line = tuple(MARKS[step.outcome] for step in one.steps)
    took: Span = (f"  {words.duration(one.ms)}", "muted")
    yield line(_HEAD[one.outcome], (safe(one.change), "strong"), "  ", *marks, took)
    yield from _count_lines(one)
    yield from _query_lines(one)
    for step in one.steps:
        if every or step.outcome in ("failed", "declared") or (step.told and step.name in ("reverted", "redeploy")):
            yield from _step_lines(step)


def _count_lines(one: ChangeTest) -> Iterator[Line]:
    """Tables whose rows weren't the same number all the way."""
    for each in one.data.counts:
        if each.before is not None and {each.deployed, each.reverted} - {None, each.before}:
            after = [("deployed", each.deployed), ("reverted", each.reverted)]
            told = ", ".join(f"{number:,} {when}" for when, number in after if number is not None)
            yield line(("    ", "plain"), f"rows of {safe(each.table)}: {each.before:,} before, {told}")


def _query_lines(one: ChangeTest) -> Iterator[Line]:
    """Critical queries that are slower, or have another plan; one that fails now is the step's to tell."""
    for each in one.data.queries:
        if each.told and not each.breaks:
            yield line(("    ! ", "waiting"), f"{safe(each.name)}: {safe(each.told)}")


def _step_lines(step: CycleStep) -> Iterator[Line]:
    mark, role = MARKS[step.outcome]
    told = f": {safe(step.told)}" if step.told else ""
    outcome = {"failed": " FAILED", "not_run": " not run"}.get(step.outcome, "")
    yield line((f"    {mark} ", role), STEPS[step.name], (outcome, role), told)
    if step.problem is not None and step.outcome == "failed":
        for each in problem_lines(step.problem):
            yield (("    ", "plain"), *each)


def closing(found: ChangeTests) -> Iterator[Line]:
    """What became of the whole."""
    for table, reason in found.unfilled.items():
        yield line(
            ("? ", "stale"), (safe(table), "strong"), f" has no rows, and nothing was tested with any: {safe(reason)}"
        )
    for name, error in found.unasked.items():
        yield line(("? ", "stale"), ("query ", "plain"), (safe(name), "strong"), f" was never answered: {safe(error)}")
    others: list[str] = []
    for outcome, word in (("failed", "failed"), ("not_tested", "not tested")):
        number = sum(one.outcome == outcome for one in found.changes)
        if number:
            others.append(f"{number} {word}")
    for told in (
        words.count(len(found.unfilled), "table") + " without rows" if found.unfilled else "",
        words.count(len(found.unasked), "query", "queries") + " not answered" if found.unasked else "",
    ):
        others += [told] * bool(told)
    passed = found.count("passed")
    head: Span = ("+ ", "done") if found.ok else ("x ", "failed")
    role: Role = "plain" if found.ok else "failed"
    whole = f"{passed} of {words.count(len(found.changes), 'change')} passed"
    took: Span = (f" in {words.duration(found.seconds * 1000)}; the databases are gone", "muted")
    rest = f", {', '.join(others)}" if others else ""
    yield line(head, whole, (rest, role), took)
