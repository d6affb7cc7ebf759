"""What the screen of an environment carries out besides runs: settling what was cut off, undoing, rehearsing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pgmig_tui.display.cells import Line, line
from pgmig_tui.display.safe import safe

if TYPE_CHECKING:
    from pathlib import Path

    from pgmig_tui.project.environments import Environment
    from pgmig_tui.project.project import Project
    from pgmig_tui.review.settling import Doubt, SettlingDecision

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Settled:
    """What came of settling, as lines, and what stays in doubt that a person can decide."""

    lines: tuple[Line, ...]
    doubts: tuple[Doubt, ...] = ()


def settle(
    project: Project,
    environment: Environment,
    state_dir: Path,
    word: str,
    tell: Tell,
    decision: SettlingDecision | None,
) -> Settled:
    """Settle the runs that were cut off there, by the evidence, and one by what a person has decided. Raises Refused,
    Unreachable, ServerError."""
    from pgmig_tui.review.arriving import arrived
    from pgmig_tui.review.policies import exempt_told
    from pgmig_tui.review.settling import Decided, EvidenceAlone, doubt_of, settle_all, settled_lines

    where = arrived(project, environment, state_dir, tell, writes=False)
    answers = EvidenceAlone(word, tell) if decision is None else Decided(word, tell, decision)
    found = settle_all(project, where, state_dir, answers)
    if not found:
        return Settled((line(("+ ", "done"), f"no run was cut off on {safe(environment.name)}; nothing is to settle"),))
    told = [line(("~ ", "muted"), safe(text)) for text in answers.warned]
    told += [told_ for one in found for told_ in settled_lines(one, environment.name)]
    if exempt := exempt_told(where, "reconcile"):
        told.append(line(("N-A ", "muted"), safe(exempt)))
    doubts = [doubt for one in found if (doubt := doubt_of(one, environment.name)) is not None]
    return Settled(tuple(told), tuple(doubts))


def undo(
    project: Project,
    environment: Environment,
    state_dir: Path,
    run: str,
    word: str,
    tell: Tell,
    overwrite: Sequence[str] | None,
) -> tuple[Line, ...]:
    """Bring back what a rollback has kept. What was written since stays, or is replaced: `overwrite` is the loss that
    was accepted then, each thing of it. Raises Refused, UsageError, ServerError, Unreachable: nothing was changed
    then."""
    from pathlib import PurePath

    from pgmig_tui.errors import Refused
    from pgmig_tui.gates.gate import loss_accepted
    from pgmig_tui.gates.loss import of_undo
    from pgmig_tui.report.incident import refresh
    from pgmig_tui.review.arriving import arrived, require_word
    from pgmig_tui.review.policies import exempt_told
    from pgmig_tui.review.undoing import restored_lines
    from pgmig_tui.run.clients.undo import bring_back, kept_of

    where = arrived(project, environment, state_dir, tell)
    require_word(where, word)
    replaces = overwrite is not None
    kept = [one for one in kept_of(where, where.policy.keep_schema, run) if one.restored_at is None]
    asked = of_undo(kept, overwrite=replaces).to_accept("undo", protected=where.policy.protected).all
    more = [one for one in asked if one not in (overwrite or ())]
    if more:
        raise Refused(
            "the undo would replace more than was accepted",
            details=more,
            now="Nothing was changed.",
            do="Choose the rollback again, and read what it replaces now.",
        )
    accepted = loss_accepted(asked, str(project.operator)).note if asked else ""
    done = bring_back(project, where, run, state_dir, overwrite=replaces, accepted=accepted, tell=tell)
    refresh(state_dir / "runs" / PurePath(run).name)
    exempt = exempt_told(where, "undo")
    told: list[Line] = [line(("N-A ", "muted"), safe(exempt))] if exempt else []
    told += [shown for one in done for shown in restored_lines(one, where.policy.keep_schema, overwrite=replaces)]
    return tuple(told)


def rehearse(project: Project, environment: Environment, state_dir: Path, tell: Tell) -> tuple[Line, ...]:
    """Carry out what is pending there on a copy of its schema, on a server of our own; the environment is only read.
    Raises PgmigError."""
    from pgmig_tui.rehearse.rehearsal import rehearse as carry_out
    from pgmig_tui.review.rehearsing import note_rehearsal, rehearsal_lines
    from pgmig_tui.run.journal.run_plan import Options

    found = carry_out(project, environment, Options(), state_dir=state_dir, server=None, say=tell)
    if found is None:
        return (line(("+ ", "done"), f"nothing is pending on {safe(environment.name)}"),)
    note_rehearsal(project, found, state_dir)
    return tuple(rehearsal_lines(found))


def test(project: Project, environment: Environment, state_dir: Path, tell: Tell) -> tuple[Line, ...]:
    """Take each change that is pending there through its steps, on a server of our own; the environment is asked what
    it has. Raises PgmigError."""
    from pgmig_tui.database.connect import application_name, connect
    from pgmig_tui.gates.impacts import pending
    from pgmig_tui.rehearse import tested_words
    from pgmig_tui.rehearse.testing import try_changes
    from pgmig_tui.review.tests_kept import keep_tests

    with connect(environment.target, application_name=application_name("rehearsal", "pending")) as connection:
        wanted = {one.change_id for one in pending(project, environment, connection)}
    if not wanted:
        return (line(("+ ", "done"), f"nothing is pending on {safe(environment.name)}"),)
    found = try_changes(
        project, environment, wanted, {}, state_dir=state_dir, say=tell,
        tell=lambda begun: tell(tested_words.progress(begun)),
    )  # fmt: skip
    keep_tests(project, found, state_dir)
    lines = [*tested_words.opening(found)]
    for one in found.changes:
        lines += tested_words.change_lines(one)
    return (*lines, *tested_words.closing(found))
