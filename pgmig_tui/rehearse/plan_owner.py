"""The role as which the scripts of a plan run on a server of our own, where no environment says whom they run as.

The scripts may be a stranger's, as in a clone: the role has no rights beyond its own database, so that none of them
starts a program or reads a file of this host. Roles and extensions that they take for granted are made when they are
missed.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from pgmig_tui.database.connect import Connection
from pgmig_tui.database.text import ident, literal
from pgmig_tui.impact import nodes
from pgmig_tui.rehearse.carry_out import Stage, TrialScript
from pgmig_tui.rehearse.measured import RehearsedScript, ScriptProblem
from pgmig_tui.rehearse.scratch import ScratchServer
from pgmig_tui.script.statement import Statement

OWNER = "plan_owner"
_NO_ROLE = re.compile(r'role "(.+)" does not exist')
_MAKES = re.compile(rb"(\bCREATE(?:\s|--[^\n]*|/\*.*?\*/)+EXTENSION\b)\s+(?!IF\b)", re.IGNORECASE | re.DOTALL)
_NO_EXTENSION = re.compile(r'permission denied to create extension "(.+)"')


@dataclass(slots=True)
class Missed:
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


def make_owner(scratch: ScratchServer, *, makes: bool = True) -> str:
    """Make the role, and return its password; `makes`: it may make roles and databases. Before 16 who may make roles
    can make itself a member of those that run programs."""
    password = secrets.token_hex(16)
    roles = "CREATEROLE" if makes and scratch.version_num >= 160000 else "NOCREATEROLE"
    databases = "CREATEDB" if makes else "NOCREATEDB"
    with scratch.session() as admin:
        admin.execute(
            f"CREATE ROLE {OWNER} LOGIN PASSWORD {literal(password)} NOSUPERUSER {roles} {databases} BYPASSRLS"
        )
    return password


def own(scratch: ScratchServer, database: str) -> None:
    """The database to the role."""
    with scratch.session() as admin:
        admin.execute(f"ALTER DATABASE {ident(database)} OWNER TO {OWNER}")


def hand_over(scratch: ScratchServer, database: str, missed: Missed) -> None:
    """The database and its `public` to the role that scripts run as, with the extensions that they have missed before:
    made while nothing of theirs is there, since an extension's own script runs as the superuser."""
    own(scratch, database)
    with scratch.session(database) as connection:
        connection.execute(f"ALTER SCHEMA public OWNER TO {OWNER}")
        _let_all_own(connection, missed.roles)
        for extension in missed.extensions:
            make_extension(connection, extension)


def make_extension(connection: Connection, name: str, schema: str = "public") -> None:
    """Make an extension, in that schema where it may be in any: as the superuser, in a database that holds nothing of a
    stranger's. Raises ServerError."""
    if schema != "pg_catalog":
        connection.execute(f"CREATE SCHEMA IF NOT EXISTS {ident(schema)}")
    connection.execute(f"SET search_path = {ident(schema)}; CREATE EXTENSION {ident(name)} CASCADE")


def make_roles(scratch: ScratchServer, databases: Sequence[str], names: Sequence[str]) -> None:
    """Roles that were missed; objects of these databases may be handed over to them."""
    with scratch.session() as admin:
        for name in names:
            admin.execute(f"CREATE ROLE {ident(name)}; GRANT {ident(name)} TO {OWNER} WITH ADMIN OPTION")
    for database in databases if names else ():
        let_own(scratch, database, names)


def let_own(scratch: ScratchServer, database: str, roles: Sequence[str]) -> None:
    """Objects of this database may be handed over to these roles."""
    with scratch.session(database) as connection:
        _let_all_own(connection, roles)


def deploy(
    stage: Stage,
    scratch: ScratchServer,
    databases: Sequence[str],
    script: TrialScript,
    variables: dict[str, str],
    missed: Missed,
) -> RehearsedScript | None:
    """Deploy one script, and make the roles that it misses, for these databases; None where all has to begin anew,
    since half of the script has happened, or an extension has to be there before."""
    script = _without_missed(stage, script, variables, missed)
    done = stage.play(script, "deploy", variables, measured=False)
    while done.problem is not None:
        roles, extensions = len(missed.roles), len(missed.extensions)
        if not missed.learns(done.problem):
            return done
        make_roles(scratch, databases, missed.roles[roles:])
        if done.mode != "atomic" or len(missed.extensions) > extensions:
            return None
        done = stage.play(script, "deploy", variables, measured=False)
    return done


def made_before(stage: Stage, script: TrialScript, variables: dict[str, str], missed: Missed) -> list[str]:
    """The extensions that a script makes and that are there already, since nobody but a superuser may make them."""
    return [name for name, _ in _makes_missed(stage, script, variables, missed)]


def _without_missed(stage: Stage, script: TrialScript, variables: dict[str, str], missed: Missed) -> TrialScript:
    """The script, in which what makes an extension that was missed does so IF NOT EXISTS."""
    data = script.data
    for _, one in reversed(_makes_missed(stage, script, variables, missed)):
        if one.path == script.name:
            made = _MAKES.sub(rb"\1 IF NOT EXISTS ", data[one.start : one.end], count=1)
            data = data[: one.start] + made + data[one.end :]
    return replace(script, data=data)


def _makes_missed(
    stage: Stage, script: TrialScript, variables: dict[str, str], missed: Missed
) -> list[tuple[str, Statement]]:
    if not missed.extensions:
        return []
    return [
        (str(node.extname), one)
        for one in stage.preview(script.name, script.data, variables).statements
        for node in map(nodes.statement, one.nodes if one.keywords == "CREATE EXTENSION" else ())
        if node.extname in missed.extensions
    ]


def _let_all_own(connection: Connection, roles: Sequence[str]) -> None:
    for role in roles:
        _let_own(connection, role)


def _let_own(connection: Connection, role: str) -> None:
    """Objects may be handed over to the role: unless a superuser does that, it must be allowed to make them."""
    connection.execute(f"ALTER DEFAULT PRIVILEGES FOR ROLE {OWNER} GRANT ALL ON SCHEMAS TO {ident(role)}")
    schemas = connection.execute(
        "SELECT nspname FROM pg_catalog.pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'"
    )
    for (schema,) in schemas:
        connection.execute(f"GRANT ALL ON SCHEMA {ident(schema)} TO {ident(role)}")
