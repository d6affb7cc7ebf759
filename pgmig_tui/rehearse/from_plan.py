"""The schema that the whole plan gives, deployed on an empty server of our own: no environment is asked.

The scripts may be a stranger's, as in a clone: they run as a role without rights beyond its own database, so that none
of them starts a program or reads a file of this host. Roles and extensions that they take for granted are made when
they are missed.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from pgmig_tui.database.connect import Connection
from pgmig_tui.database.described import Described, read_described
from pgmig_tui.database.identity import NEWEST
from pgmig_tui.database.text import ident, literal
from pgmig_tui.errors import PgmigError
from pgmig_tui.rehearse.as_planned import failed_at, script_of, stage_of, unset_variables
from pgmig_tui.rehearse.carry_out import Stage, TrialScript
from pgmig_tui.rehearse.measure import Observer
from pgmig_tui.rehearse.measured import ScriptProblem
from pgmig_tui.rehearse.scratch import ScratchServer, embedded, scratch_database
from pgmig_tui.sandbox.programs import work_folder

if TYPE_CHECKING:
    from pgmig_tui.project.environments import Environment
    from pgmig_tui.project.project import Project

_ROLE = "plan_owner"
_NO_ROLE = re.compile(r'role "(.+)" does not exist')
_NO_EXTENSION = re.compile(r'permission denied to create extension "(.+)"')
_NOTHING = "Nothing was written."

Say = Callable[[str], None]


@dataclass(slots=True)
class _Missed:
    """What scripts have taken for granted so far."""

    roles: list[str] = field(default_factory=list)
    extensions: list[str] = field(default_factory=list)

    def learns(self, problem: ScriptProblem) -> bool:
        """Whether it can be made, and hasn't been."""
        for state, pattern, known in (
            ("42704", _NO_ROLE, self.roles),
            ("42501", _NO_EXTENSION, self.extensions),
        ):
            found = pattern.fullmatch(problem.message) if problem.sqlstate == state else None
            if found is not None and found[1] not in known:
                known.append(found[1])
                return True
        return False


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
        password = _make_owner(scratch)
        missed = _Missed()
        while True:
            with scratch_database(scratch, "UTF8") as database, ExitStack() as sessions:
                _hand_over(scratch, database, missed)
                observer = Observer(scratch, database)
                sessions.callback(observer.close)
                where = scratch.endpoint(database, _ROLE, password)
                stage = stage_of(project, environment, scratch, where, "UTF8", outlets, observer)
                if _deploy(stage, scratch, database, scripts, dict(variables), missed, say):
                    with scratch.session(database) as connection:
                        return read_described(connection, environment.own_schemas)


def _make_owner(scratch: ScratchServer) -> str:
    """Before 16 who may make roles can make itself a member of those that run programs."""
    password = secrets.token_hex(16)
    roles = "CREATEROLE" if scratch.version_num >= 160000 else "NOCREATEROLE"
    with scratch.session() as admin:
        admin.execute(f"CREATE ROLE {_ROLE} LOGIN PASSWORD {literal(password)} NOSUPERUSER {roles} CREATEDB BYPASSRLS")
    return password


def _hand_over(scratch: ScratchServer, database: str, missed: _Missed) -> None:
    """The database and its `public` to the role that scripts run as, with the extensions that they have missed before:
    made while nothing of theirs is there, since an extension's own script runs as the superuser."""
    with scratch.session() as admin:
        admin.execute(f"ALTER DATABASE {ident(database)} OWNER TO {_ROLE}")
    with scratch.session(database) as connection:
        connection.execute(f"ALTER SCHEMA public OWNER TO {_ROLE}")
        for role in missed.roles:
            _let_own(connection, role)
        for extension in missed.extensions:
            connection.execute(f"SET search_path = public; CREATE EXTENSION {ident(extension)} CASCADE")


def _make_role(scratch: ScratchServer, database: str, name: str) -> None:
    with scratch.session(database) as admin:
        admin.execute(f"CREATE ROLE {ident(name)}; GRANT {ident(name)} TO {_ROLE} WITH ADMIN OPTION")
        _let_own(admin, name)


def _let_own(admin: Connection, role: str) -> None:
    """Objects may be handed over to the role: unless a superuser does that, it must be allowed to make them."""
    admin.execute(f"ALTER DEFAULT PRIVILEGES FOR ROLE {_ROLE} GRANT ALL ON SCHEMAS TO {ident(role)}")
    schemas = admin.execute(
        "SELECT nspname FROM pg_catalog.pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'"
    )
    for (schema,) in schemas:
        admin.execute(f"GRANT ALL ON SCHEMA {ident(schema)} TO {ident(role)}")


def _deploy(
    stage: Stage,
    scratch: ScratchServer,
    database: str,
    scripts: Sequence[TrialScript],
    variables: dict[str, str],
    missed: _Missed,
    say: Say,
) -> bool:
    """Deploy all of it; False where it has to begin anew, since half of a script has happened. Raises PgmigError."""
    for script in scripts:
        say(f"deploying {script.change} on a server of our own")
        done = stage.play(script, "deploy", variables, measured=False)
        while done.problem is not None:
            roles, extensions = len(missed.roles), len(missed.extensions)
            if not missed.learns(done.problem):
                raise unset_variables(stage, script, variables, done.problem, _NOTHING) or _failed(done.problem)
            for role in missed.roles[roles:]:
                _make_role(scratch, database, role)
            if done.mode != "atomic" or len(missed.extensions) > extensions:
                return False
            done = stage.play(script, "deploy", variables, measured=False)
    return True


def _failed(problem: ScriptProblem) -> PgmigError:
    rights = problem.sqlstate == "42501"
    return PgmigError(
        failed_at(problem),
        now=_NOTHING,
        details=["It needs the rights of a superuser, which no script of a plan is given there."] if rights else [],
        do="Describe an environment instead, as it is: pgmig-tui document TARGET.",
    )
