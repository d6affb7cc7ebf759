"""Bringing back what rollbacks have kept, for the command and for the screen: what there is, and what came of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pgmig_tui.display import words
from pgmig_tui.display.cells import Line, Span, line
from pgmig_tui.display.safe import safe
from pgmig_tui.gates.loss import NONE, Losses, of_undo

if TYPE_CHECKING:
    from pathlib import Path

    from pgmig_tui.database.undo import Kept, RestoreOutcome
    from pgmig_tui.project.environments import Environment
    from pgmig_tui.project.project import Project


@dataclass(frozen=True, slots=True)
class KeptRun:
    """What a rollback has kept and what is not back: a line each, safe to draw. `elsewhere`: why it may have been kept
    on another server than the one that answers, "" where it was on this one."""

    run: str
    lines: tuple[str, ...]
    elsewhere: str = ""
    overwrites: Losses = NONE
    """What is lost where it replaces what was written since."""


def open_runs(project: Project, environment: Environment, state_dir: Path) -> tuple[KeptRun, ...]:
    """The rollbacks whose rows or values can be brought back, the newest first. Raises Unreachable, ServerError,
    NotPermitted."""
    from pgmig_tui.run.clients.undo import kept_of

    found: dict[str, list[Kept]] = {}
    for one in kept_of(environment, environment.policy.keep_schema, None):
        if one.restored_at is None:
            found.setdefault(one.run, []).append(one)
    return tuple(
        KeptRun(
            run,
            tuple(kept_line(one) for one in kept),
            other_server(project, environment, run, state_dir),
            of_undo(kept, overwrite=True),
        )
        for run, kept in sorted(found.items(), reverse=True)
    )


def other_server(project: Project, environment: Environment, run: str, state_dir: Path) -> str:
    """Why what this run has kept may be of another server than the one that answers; "" where it is of this one, and of
    a run of another account, of which nothing more is known. Raises Unreachable, ServerError."""
    from pgmig_tui.database.connect import application_name, connect
    from pgmig_tui.run.journal.folder import RUN_ID
    from pgmig_tui.run.journal.run_plan import RunPlan
    from pgmig_tui.run.recovery.same_server import relation_of

    if not RUN_ID.fullmatch(run):
        return ""
    try:
        plan = RunPlan.load(state_dir / "runs" / run)
    except (OSError, ValueError, TypeError, KeyError):
        return ""
    with connect(environment.target, application_name=application_name("undo", "look")) as connection:
        probed = relation_of(plan, project, environment, connection, connection.identity())
    if probed.relation == "same":
        return ""
    if probed.relation == "unknown":
        return f"whether the run {plan.run_id} worked on the server of {environment.name} can't be told: {probed.why}"
    return f"the run {plan.run_id} worked on {plan.server.display}, and {environment.name} leads to another server"


def kept_line(one: Kept) -> str:
    """What is kept, in a sentence, safe to draw."""
    columns = f" ({', '.join(one.columns)})" if one.kind in ("column", "values") else ""
    noun = "row" if one.kind in ("table", "rows") else "value"
    what = "the state of the sequence" if one.kind == "sequence" else words.count(one.rows, noun)
    return safe(f"{one.source}{columns}: {what}, kept before {one.change} was reverted at {words.utc(one.saved_at)}")


def restored_lines(one: RestoreOutcome, schema: str, *, overwrite: bool) -> Iterator[Line]:
    """What came of one thing that was kept, safe to draw."""
    kept = one.kept
    mark: Span = ("+ ", "done") if one.equal else ("! ", "waiting")
    yield (line(mark, kept_line(kept)))
    if kept.keep_table:
        verdict: Span = ("equal", "done") if one.equal else ("NOT EQUAL", "failed")
        yield (
            line(
                f"    {one.rows:,} brought back; kept {kept.rows:,} with checksum {kept.checksum},"
                f" there now {one.found:,} with {one.checksum}: ",
                verdict,
            )
        )
    if one.other:
        hint = "" if overwrite else "; --overwrite replaces those"
        other = words.count(one.other, "row holds", "rows hold")
        yield (line(("    ! ", "waiting"), f"{other} something else, which was left{hint}"))
    if one.gone:
        values = kept.kind in ("column", "values")
        gone = f"{words.count(one.gone, 'row')} could not come back: the place is taken by another"
        if values:
            gone = f"{words.count(one.gone, 'row is', 'rows are')} no longer there to hold a value"
        yield (line(("    ! ", "waiting"), gone))
    for sequence in one.sequences:
        yield line(f"    sequence {safe(sequence)}")
    for grant in one.grants:
        yield line(f"    {safe(grant)}")
    for text in one.left_out:
        yield (line(("    ! ", "waiting"), safe(text)))
    if not one.equal:
        yield (
            line(
                ("    ! ", "failed"),
                safe(
                    f"not counted as brought back: what was kept stays in {schema}."
                    f"{kept.keep_table}, and `undo` can be said again"
                ),
            )
        )
