"""The schema that the whole plan gives, deployed on an empty server of our own: no environment is asked.

Its scripts run as the role of `plan_owner`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from pgmig_tui.database.described import Described, read_described
from pgmig_tui.database.identity import NEWEST
from pgmig_tui.errors import PgmigError
from pgmig_tui.rehearse.as_planned import failed_at, script_of, stage_of, unset_variables
from pgmig_tui.rehearse.carry_out import Stage, TrialScript
from pgmig_tui.rehearse.measure import Observer
from pgmig_tui.rehearse.measured import ScriptProblem
from pgmig_tui.rehearse.plan_owner import OWNER, Missed, deploy, hand_over, make_owner
from pgmig_tui.rehearse.scratch import ScratchServer, embedded, scratch_database
from pgmig_tui.sandbox.programs import work_folder

if TYPE_CHECKING:
    from pgmig_tui.project.environments import Environment
    from pgmig_tui.project.project import Project

_NOTHING = "Nothing was written."

Say = Callable[[str], None]


def describe_plan(
    project: Project, environment: Environment, variables: Mapping[str, str], *, state_dir: Path, say: Say
) -> Described:
    """Deploy every change of the plan on an empty server of our own, and describe what is there then.

    `environment` says what its scripts may read, and whose schemas are left out; its server isn't asked. Raises
    ProjectError, Refused where a script reaches beyond its database, PgmigError where a change can't be deployed.
    """
    scripts = [script_of(project, change, _NOTHING) for change in project.plan.changes]
    with ExitStack() as stack:
        folder = stack.enter_context(work_folder())
        outlets = folder / "outlets"
        # The newest there is: it knows whatever the scripts say.
        scratch = stack.enter_context(embedded(NEWEST, state_dir / "rehearsal", say))
        password = make_owner(scratch)
        missed = Missed()
        while True:
            with scratch_database(scratch, "UTF8") as database, ExitStack() as sessions:
                hand_over(scratch, database, missed)
                observer = Observer(scratch, database)
                sessions.callback(observer.close)
                where = scratch.endpoint(database, OWNER, password)
                stage = stage_of(project, environment, scratch, where, "UTF8", outlets, observer)
                if _deploy(stage, scratch, database, scripts, dict(variables), missed, say):
                    with scratch.session(database) as connection:
                        return read_described(connection, environment.own_schemas)


def _deploy(
    stage: Stage,
    scratch: ScratchServer,
    database: str,
    scripts: Sequence[TrialScript],
    variables: dict[str, str],
    missed: Missed,
    say: Say,
) -> bool:
    """Deploy all of it; False where it has to begin anew. Raises PgmigError."""
    for script in scripts:
        say(f"deploying {script.change} on a server of our own")
        done = deploy(stage, scratch, [database], script, variables, missed)
        if done is None:
            return False
        if done.problem is not None:
            raise unset_variables(stage, script, variables, done.problem, _NOTHING) or _failed(done.problem)
    return True


def _failed(problem: ScriptProblem) -> PgmigError:
    rights = problem.sqlstate == "42501"
    return PgmigError(
        failed_at(problem),
        now=_NOTHING,
        details=["It needs the rights of a superuser, which no script of a plan is given there."] if rights else [],
        do="Describe an environment instead, as it is: pgmig-tui document TARGET.",
    )
