"""What the screen of an environment carries out besides runs: settling what was cut off, undoing, rehearsing."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from pgmig_tui.display.cells import Line, line
from pgmig_tui.display.safe import safe

if TYPE_CHECKING:
    from pathlib import Path

    from pgmig_tui.project.environments import Environment
    from pgmig_tui.project.project import Project

Tell = Callable[[str], None]


def settle(project: Project, environment: Environment, state_dir: Path, word: str, tell: Tell) -> tuple[Line, ...]:
    """Settle the runs that were cut off there, by the evidence alone. Raises Refused, Unreachable, ServerError."""
    from pgmig_tui.review.arriving import arrived
    from pgmig_tui.review.settling import EvidenceAlone, settle_all, settled_lines

    where = arrived(project, environment, state_dir, tell, writes=False)
    found = settle_all(project, where, state_dir, EvidenceAlone(word, tell))
    if not found:
        return (line(("+ ", "done"), f"no run was cut off on {safe(environment.name)}; nothing is to settle"),)
    return tuple(told for one in found for told in settled_lines(one, environment.name))


def undo(
    project: Project, environment: Environment, state_dir: Path, run: str, word: str, tell: Tell
) -> tuple[Line, ...]:
    """Bring back what a rollback has kept; what was written since stays. Raises Refused, UsageError, ServerError,
    Unreachable: nothing was changed then."""
    from pathlib import PurePath

    from pgmig_tui.report.incident import refresh
    from pgmig_tui.review.arriving import arrived, require_word
    from pgmig_tui.review.policies import exempt_told
    from pgmig_tui.review.undoing import restored_lines
    from pgmig_tui.run.clients.undo import bring_back

    where = arrived(project, environment, state_dir, tell)
    require_word(where, word)
    done = bring_back(project, where, run, state_dir, tell=tell)
    refresh(state_dir / "runs" / PurePath(run).name)
    exempt = exempt_told(where, "undo")
    told: list[Line] = [line(("N-A ", "muted"), safe(exempt))] if exempt else []
    told += [shown for one in done for shown in restored_lines(one, where.policy.keep_schema, overwrite=False)]
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
