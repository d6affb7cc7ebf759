"""*Do not deploy*, in files of this account: for what a rollback took back where a mark can't be a row of the database.

They stop this account alone.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from pgmig_tui.database.marks import Mark
from pgmig_tui.display import words
from pgmig_tui.errors import PgmigError
from pgmig_tui.run.journal import private

if TYPE_CHECKING:
    from pgmig_tui.database.status import EnvironmentStatus
    from pgmig_tui.run.journal.run_plan import RunPlan, Step

_FOLDER = "do-not-deploy"


def mark_of(plan: RunPlan, step: Step, reason: str) -> Mark:
    """The mark of one step; an empty reason says which run was rolled back."""
    if not reason:
        reason = f"run {plan.rolls_back} was rolled back" if plan.rolls_back else "it was rolled back"
    at = words.iso(datetime.now(UTC))
    by = str(plan.operator)
    return Mark(plan.project, step.change, step.change_id, reason, plan.run_id, at, by)


def mark_in_file(state_dir: Path, plan: RunPlan, steps: Iterable[Step]) -> None:
    """Mark reverted steps in a file of this account, those that the run hasn't marked yet. Raises PgmigError."""
    path = files_of(state_dir, plan.server.system_identifier, plan.server.database)[0]
    before = read(path)
    known = {mark.change_id for mark in before if mark.run == plan.run_id}
    new = [mark_of(plan, step, plan.mark_reason or "") for step in steps if step.change_id not in known]
    write(path, [*before, *new])


def with_file_marks(status: EnvironmentStatus, project: str, state_dir: Path) -> EnvironmentStatus:
    """The same, with what this account has marked in files alone. Of a copy of the server they are told, too: who is
    who is asked when it is deployed."""
    if status.server is None or not (state_dir / _FOLDER).is_dir():
        return status
    known = {mark.change_id for mark in status.marked}
    files = files_of(state_dir, status.server.system_identifier, status.server.database)
    found = [mark for path in files for mark in read(path) if mark.project == project and mark.change_id not in known]
    return replace(status, marked=(*status.marked, *found))


def files_of(state_dir: Path, system_identifier: str | None, database: str) -> tuple[Path, ...]:
    """Where marks of a database may be, its own file first; one was made by a role that might not read who it is."""
    name = "".join(one if one.isalnum() else f"%{ord(one):x}" for one in database)
    folder = state_dir / _FOLDER
    return tuple(folder / f"{one}-{name}.json" for one in dict.fromkeys((system_identifier or "unknown", "unknown")))


def read(path: Path) -> list[Mark]:
    """The marks of a file; none where it isn't there, or can't be read."""
    try:
        return [Mark(**row) for row in json.loads(path.read_text(encoding="utf-8"))]
    except (OSError, ValueError, TypeError):
        return []


def write(path: Path, found: Sequence[Mark]) -> None:
    """Put these in the place of what the file holds. Raises PgmigError."""
    try:
        private.replace(path, json.dumps([asdict(mark) for mark in found]))
    except OSError as error:
        raise PgmigError(
            f"`do not deploy` can't be written: {error.strerror or error} ({path})",
            now="The next deploy won't be stopped by it.",
            do="Make room there, or choose another folder with XDG_STATE_HOME.",
        ) from error
