"""The schema that a plan gives: what an environment has deployed, deployed once more on an empty server of our own."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from pgmig_tui.database.connect import Connection, application_name, connect
from pgmig_tui.database.deployed import read_state
from pgmig_tui.database.fingerprint import Objects, read_objects
from pgmig_tui.errors import PgmigError, ProjectError
from pgmig_tui.rehearse.carry_out import Stage, TrialScript
from pgmig_tui.rehearse.clone import Clone, furnish, read_original
from pgmig_tui.rehearse.measure import Observer
from pgmig_tui.rehearse.scratch import ScratchServer, embedded, scratch_database
from pgmig_tui.sandbox.programs import work_folder
from pgmig_tui.script.files import Allow, ProjectFiles

if TYPE_CHECKING:
    from pgmig_tui.database.deployed import DeployedChange
    from pgmig_tui.project.environments import Environment
    from pgmig_tui.project.plan import Change
    from pgmig_tui.project.project import Project

_NOTHING = "Nothing was compared; the target was only read."

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class AsPlanned:
    """`objects` of a database that has `changes` of the plan and nothing else; `where` says on what server."""

    objects: Objects
    version_num: int
    where: str
    changes: int
    notes: tuple[str, ...]


def build(project: Project, environment: Environment, *, state_dir: Path, say: Say) -> AsPlanned:
    """Deploy the changes that `environment` has, in the plan's order, on an empty database of our own server.

    They run as whoever owns the registry there, so that owners are alike. The target is only read. Raises Unreachable,
    ServerError, NotPermitted, ProjectError; PgmigError where a change can't be deployed here.
    """
    project = project.for_target(environment.target)
    with work_folder() as folder, ExitStack() as stack:
        source = stack.enter_context(connect(environment.target, application_name=application_name("drift", "source")))
        wanted, notes = _deployed(project, environment, source)
        original = read_original(source)
        if (owner := _registry_owner(source, environment)) in original.roles:
            original = replace(original, role=owner)
        scripts = [script_of(project, change, _NOTHING) for change in wanted]
        major = source.server_version_num // 10000
        scratch = stack.enter_context(embedded(major, state_dir / "rehearsal", say))
        database = stack.enter_context(scratch_database(scratch, original.encoding))
        texts = [script.data for script in scripts]
        clone = furnish(scratch, database, original, password=secrets.token_hex(16), scripts=texts)
        observer = Observer(scratch, database)
        stack.callback(observer.close)
        stage = _stage(project, environment, scratch, database, clone, original.encoding, observer, folder)
        _deploy(stage, project.variables("deploy", environment.target), scripts, say)
        objects = read_objects(observer.connection)
    return AsPlanned(objects, scratch.version_num, scratch.description, len(wanted), (*notes, *clone.notes))


def _deployed(project: Project, environment: Environment, source: Connection) -> tuple[list[Change], list[str]]:
    """The planned changes that are deployed, in the plan's order, and what of the rest there is to say."""
    state = read_state(source, environment.target.registry, project.plan.project)
    there = {change.change_id for change in state.deployed}
    wanted = [change for change in project.plan.changes if change.change_id in there]
    strange = [change.name for change in state.deployed if change.change_id not in project.plan.by_id]
    notes = [f"deployed there and not in the plan, so that it is drift: {', '.join(strange)}"] if strange else []
    changed = [change.name for change in state.deployed if _is_another(project, change)]
    if changed:
        notes.append(f"the plan's scripts are not those that were deployed: {', '.join(changed)}")
    return wanted, notes


def _is_another(project: Project, change: DeployedChange) -> bool:
    """Whether the plan's script is known not to be the one that was deployed; before 0.999 Sqitch kept no hash."""
    planned = project.plan.by_id.get(change.change_id)
    known = change.script_hash not in (None, change.change_id)
    return planned is not None and known and change.script_hash != project.script_hash(planned)


def _registry_owner(source: Connection, environment: Environment) -> str:
    row = source.one(
        "SELECT pg_catalog.pg_get_userbyid(n.nspowner) FROM pg_catalog.pg_namespace AS n WHERE n.nspname = %s",
        [environment.target.registry],
    )
    return str(row[0]) if row is not None else ""


def script_of(project: Project, change: Change, now: str) -> TrialScript:
    """The deploy script of a change. Raises ProjectError, which says what is true `now`."""
    path = project.script_path(change, "deploy")
    try:
        return TrialScript(change.name, change.change_id, project.relative(path), project.inside.read(path))
    except OSError as error:
        raise ProjectError(f"the script {project.relative(path)} can't be read: {error.strerror}", now=now) from error


def _stage(
    project: Project,
    environment: Environment,
    scratch: ScratchServer,
    database: str,
    clone: Clone,
    encoding: str,
    observer: Observer,
    folder: Path,
) -> Stage:
    where = clone.endpoint(scratch, database)
    outlets = folder / "outlets"
    outlets.mkdir()
    files = ProjectFiles(project.root, allow_files=environment.policy.allow_files)
    # Nothing but the database is touched: no shell, whatever the policy allows.
    allow = Allow(files=environment.policy.allow_files)
    return Stage(where, scratch.version_num, encoding, files, outlets, observer, allow)


def _deploy(stage: Stage, variables: dict[str, str], scripts: Iterable[TrialScript], say: Say) -> None:
    for script in scripts:
        say(f"deploying {script.change} on a server of our own")
        done = stage.play(script, "deploy", variables, measured=False)
        if done.problem is not None:
            line = f":{done.problem.line}" if done.problem.line else ""
            raise PgmigError(
                f"the plan can't be built on a server of our own: {done.problem.path}{line}: {done.problem.message}",
                now=_NOTHING,
                do="Compare with another environment instead: pgmig-tui drift A B.",
            )
