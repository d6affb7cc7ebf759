"""*Do not deploy*: what a rollback took back stays marked, with the reason, until somebody lifts it.

The mark is a row beside the tracking tables, written by the very transaction that reverts. Where that can't be, it is a
file of this account, which stops this account alone; that is said.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from pgmig_tui.database import marks
from pgmig_tui.database.connect import Connection, application_name, connect
from pgmig_tui.database.deeds import record_deed
from pgmig_tui.database.marks import Mark
from pgmig_tui.database.tracking_rows import Migration
from pgmig_tui.display import words
from pgmig_tui.errors import PgmigError, Refused, UsageError
from pgmig_tui.gates.gate import said
from pgmig_tui.run.journal import mark_files

if TYPE_CHECKING:
    from pgmig_tui.database.identity import ServerIdentity
    from pgmig_tui.database.lookout import Tell
    from pgmig_tui.project.environments import Environment
    from pgmig_tui.project.project import Project
    from pgmig_tui.run.journal.run_plan import RunPlan
    from pgmig_tui.run.planning.reading import Work


def marked_plan(plan: RunPlan, connection: Connection, reason: str) -> RunPlan:
    """The rollback `plan`, whose steps mark what they revert in the schema of the tracking tables. Unchanged, but for a
    warning, where the role may not write there."""
    setup = None
    if plan.tracking is not None:
        with contextlib.suppress(PgmigError):
            setup = marks.setup_sql(connection, plan.tracking)
    if setup is None or plan.tracking is None:
        warning = "what is reverted is marked `do not deploy` in a file of this account only: there is no tracking"
        return replace(plan, warnings=(*plan.warnings, warning), mark_reason=reason)
    schema = plan.tracking
    steps = tuple(
        replace(step, mark_sql=marks.mark_member(schema, mark_files.mark_of(plan, step, reason))) for step in plan.steps
    )
    return replace(plan, steps=steps, setup_sql=setup, marks=schema, mark_said=reason)


def marked_by(connection: Connection, plan: RunPlan, state_dir: Path) -> tuple[str, ...]:
    """The names of the changes that are marked by a rollback now, in its order. Raises ServerError."""
    found = list(
        mark_files.read(mark_files.files_of(state_dir, plan.server.system_identifier, plan.server.database)[0])
    )
    if plan.marks is not None and marks.there_are_marks(connection, plan.marks):
        found += marks.read_marks(connection, plan.marks, plan.project)
    marked = {mark.change_id for mark in found if mark.run == plan.run_id}
    return tuple(step.change for step in plan.steps if step.change_id in marked)


def marked(
    connection: Connection, schema: str | None, work: Work, change_ids: Sequence[str], state_dir: Path
) -> list[Mark]:
    """The marks of those of these changes that must not be deployed. `schema` is None where no table of marks is."""
    identity, project = work.identity, work.project.plan.project
    wanted = set(change_ids)
    files = mark_files.files_of(state_dir, identity.system_identifier, identity.database)
    in_files = [
        mark for path in files for mark in mark_files.read(path) if mark.project == project and mark.change_id in wanted
    ]
    here = (work.project, work.environment, connection, identity, state_dir)
    stopped = [mark for mark in in_files if _of_this_server(mark, *here)]
    if schema is not None:
        stopped += [mark for mark in marks.read_marks(connection, schema, project) if mark.change_id in wanted]
    return stopped


class Marked(Refused):
    """A deploy with changes that are marked: the `marks`."""

    def __init__(self, environment: str, stopped: Sequence[Mark]) -> None:
        super().__init__(
            f"{words.count(len(stopped), 'change')} must not be deployed on {environment}",
            details=[str(mark) for mark in stopped],
            now="Nothing was changed.",
            do=f"Fix it, then say so: pgmig-tui rollback {environment} --lift {stopped[0].change}=REASON",
        )
        self.marks = tuple(stopped)


def lift(
    project: Project, environment: Environment, change: str, reason: str, state_dir: Path, tell: Tell
) -> tuple[Mark, ...]:
    """Lift the marks of `change` (a name, or an ID). Returns them; `tell` is told of a synchronous standby that is
    waited for. Raises UsageError when there are none or the reason shows nothing, Refused, ServerError,
    Unreachable."""
    from pgmig_tui.run.planning.door import enter

    if not said(reason):
        raise UsageError(f"why {change} may be deployed again isn't said", now="Nothing was changed.")
    schema = environment.policy.tracking
    with connect(environment.target, application_name=application_name("rollback", "lift")) as connection:
        identity = connection.identity()
        enter(project, environment, connection, identity, state_dir, tell)
        kept = {
            path: mark_files.read(path)
            for path in mark_files.files_of(state_dir, identity.system_identifier, identity.database)
        }
        in_file = [
            mark
            for found in kept.values()
            for mark in found
            if _of_this_server(mark, project, environment, connection, identity, state_dir)
        ]
        there = schema is not None and marks.there_are_marks(connection, schema)
        in_table = marks.read_marks(connection, schema, project.plan.project) if there and schema is not None else ()
        found = tuple(mark for mark in (*in_file, *in_table) if change in (mark.change, mark.change_id))
        if not found:
            names = words.listing(tuple(dict.fromkeys(mark.change for mark in (*in_file, *in_table))))
            raise UsageError(
                f"{change} isn't marked `do not deploy` on {environment.name}",
                now="Nothing was changed.",
                do=f"Marked: {names}." if names else "Nothing is marked there.",
            )
        ids = [mark.change_id for mark in found]
        if there and schema is not None:
            by = str(project.operator)
            marks.lift_marks(connection, schema, ids, by, reason)
        for mark in {mark.change_id: mark for mark in found}.values():
            deed = Migration(
                mark.change_id,
                mark.change,
                "repair",
                reason,
                True,
                0,
                project=project.plan.project,
                run_id=mark.run,
                environment=environment.name,
                message=f"do not deploy was lifted: {reason}",
                told="lift of do not deploy",
            )
            if why := record_deed(connection, schema, deed, (), project.operator, environment.target.registry):
                tell(f"what was lifted has no row in the tracking tables: {why}")
        for path, marked in kept.items():
            left = [mark for mark in marked if mark not in in_file or mark.change_id not in ids]
            if left != marked:
                mark_files.write(path, left)
    return found


def _of_this_server(
    mark: Mark,
    project: Project,
    environment: Environment,
    connection: Connection,
    identity: ServerIdentity,
    state_dir: Path,
) -> bool:
    """Whether a mark in a file is of the server that answers now, by the rollback that made it. Where that can't be
    told it counts."""
    from pgmig_tui.run.journal.run_plan import RunPlan
    from pgmig_tui.run.recovery.same_server import relation_of

    try:
        plan = RunPlan.load(state_dir / "runs" / Path(mark.run).name)
    except (OSError, ValueError, TypeError, KeyError):
        return True
    return relation_of(plan, project, environment, connection, identity).relation != "other"
