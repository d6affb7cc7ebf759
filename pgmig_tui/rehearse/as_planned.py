"""The schema that a plan gives: what an environment has deployed, deployed once more on an empty server of our own."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from pgmig_tui.database.connect import Connection, application_name, connect
from pgmig_tui.database.deployed import read_state
from pgmig_tui.database.fingerprint import Objects, read_objects
from pgmig_tui.display import words
from pgmig_tui.errors import PgmigError, ProjectError
from pgmig_tui.rehearse.carry_out import Stage, TrialScript
from pgmig_tui.rehearse.clone import Original, furnish, read_original
from pgmig_tui.rehearse.measure import Observer
from pgmig_tui.rehearse.measured import ScriptProblem
from pgmig_tui.rehearse.scratch import ScratchServer, embedded, scratch_database
from pgmig_tui.run.journal.run_plan import Endpoint
from pgmig_tui.sandbox.programs import work_folder
from pgmig_tui.script.files import Allow, ProjectFiles

if TYPE_CHECKING:
    from pgmig_tui.database.deployed import DeployedChange
    from pgmig_tui.project.environments import Environment
    from pgmig_tui.project.plan import Change
    from pgmig_tui.project.project import Project

_ROLE_THERE = re.compile(r'role "(.+)" already exists')
_MAKES_ROLE = re.compile(
    rb'\bCREATE\s+(?:ROLE|USER|GROUP)\s+(?:"((?:[^"]|"")+)"|([A-Za-z_\x80-\xff][\w$\x80-\xff]*))', re.I
)
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


class _RoleThere(Exception):
    """A script makes a role that was made beforehand, since the target has it."""


def build(
    project: Project,
    environment: Environment,
    *,
    state_dir: Path,
    say: Say,
    variables: Mapping[str, str] | None = None,
) -> AsPlanned:
    """Deploy the changes that `environment` has, in the plan's order, on an empty database of our own server, with
    these psql variables beside those of the configuration.

    They run as whoever owns the registry there, so that owners are alike. The target is only read. Raises Unreachable,
    ServerError, NotPermitted, ProjectError; PgmigError where a change can't be deployed here.
    """
    project = project.for_target(environment.target)
    with connect(environment.target, application_name=application_name("drift", "source")) as source:
        wanted, notes = _deployed(project, environment, source)
        original = read_original(source)
        if (owner := _registry_owner(source, environment)) in original.roles:
            original = replace(original, role=owner)
        major = source.server_version_num // 10000
    scripts = [script_of(project, change, _NOTHING) for change in wanted]
    values = project.variables("deploy", environment.target, variables)
    planned = _Planned(project, environment, scripts, values)
    try:
        built = _built(planned, original, major, state_dir, say)
    except _RoleThere:
        # Anew: the script may have done half of its work by then.
        built = _built(planned, _without_own_roles(original, scripts), major, state_dir, say)
    return replace(built, notes=(*notes, *built.notes))


@dataclass(frozen=True, slots=True)
class _Planned:
    """What is deployed."""

    project: Project
    environment: Environment
    scripts: Sequence[TrialScript]
    variables: dict[str, str]


def _built(planned: _Planned, original: Original, major: int, state_dir: Path, say: Say) -> AsPlanned:
    """Raises _RoleThere where a script makes a role of `original` that it doesn't run as."""
    with work_folder() as folder, ExitStack() as stack:
        scratch = stack.enter_context(embedded(major, state_dir / "rehearsal", say))
        database = stack.enter_context(scratch_database(scratch, original.encoding))
        texts = [script.data for script in planned.scripts]
        clone = furnish(scratch, database, original, password=secrets.token_hex(16), scripts=texts)
        observer = Observer(scratch, database)
        stack.callback(observer.close)
        project, environment = planned.project, planned.environment
        where, outlets = clone.endpoint(scratch, database), folder / "outlets"
        stage = stage_of(project, environment, scratch, where, original.encoding, outlets, observer)
        own = set(original.roles) - set(_without_own_roles(original, planned.scripts).roles)
        _deploy(stage, planned.variables, planned.scripts, say, own)
        objects = read_objects(observer.connection)
    return AsPlanned(objects, scratch.version_num, scratch.description, len(planned.scripts), clone.notes)


def _without_own_roles(original: Original, scripts: Iterable[TrialScript]) -> Original:
    """Without the roles that the scripts make themselves; the one that they run as has to be there."""
    made = set[str]()
    for script in scripts:
        for quoted, plain in _MAKES_ROLE.findall(script.data):
            name = quoted.replace(b'""', b'"') if quoted else plain.lower()
            made.add(name.decode("utf-8", "replace"))
    made -= {original.role, original.owner}
    return replace(
        original,
        roles={name: role for name, role in original.roles.items() if name not in made},
        memberships=tuple(one for one in original.memberships if not made & set(one[:2])),
    )


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


def stage_of(
    project: Project,
    environment: Environment,
    scratch: ScratchServer,
    where: Endpoint,
    encoding: str,
    outlets: Path,
    observer: Observer,
) -> Stage:
    """Where the scripts of a plan run; `outlets` is made where it isn't there."""
    outlets.mkdir(exist_ok=True)
    files = ProjectFiles(project.root, allow_files=environment.policy.allow_files)
    # Nothing but the database is touched: no shell, whatever the policy allows.
    allow = Allow(files=environment.policy.allow_files)
    return Stage(where, scratch.version_num, encoding, files, outlets, observer, allow, shared=not scratch.ours)


def _deploy(
    stage: Stage, variables: dict[str, str], scripts: Iterable[TrialScript], say: Say, own_roles: set[str]
) -> None:
    for script in scripts:
        say(f"deploying {script.change} on a server of our own")
        done = stage.play(script, "deploy", variables, measured=False)
        if done.problem is not None:
            there = _ROLE_THERE.fullmatch(done.problem.message) if done.problem.sqlstate == "42710" else None
            if there is not None and there[1] in own_roles:
                raise _RoleThere
            raise unset_variables(stage, script, variables, done.problem, _NOTHING) or PgmigError(
                failed_at(done.problem),
                now=_NOTHING,
                do="Compare with another environment instead: pgmig-tui drift A B.",
            )


def failed_at(problem: ScriptProblem) -> str:
    """The first sentence of what can't be built."""
    line = f":{problem.line}" if problem.line else ""
    return f"the plan can't be built on a server of our own: {problem.path}{line}: {problem.message}"


def unset_variables(
    stage: Stage, script: TrialScript, variables: Mapping[str, str], problem: ScriptProblem, now: str
) -> PgmigError | None:
    """Where a script stopped at a psql variable that has no value, which is sent as it stands: which it can be."""
    if problem.sqlstate != "42601" or '":"' not in problem.message:
        return None
    unknown = stage.preview(script.name, script.data, dict(variables)).variables_unknown
    if not unknown:
        return None
    one = len(unknown) == 1
    names = words.listing([f":{name}" for name in unknown])
    told = f"the psql variable {names} has no value" if one else f"the psql variables {names} have no value"
    options = " ".join(f"--set {name}=VALUE" for name in unknown[:3]) + (" …" if len(unknown) > 3 else "")
    return PgmigError(
        f"{failed_at(problem)}: {told}",
        now=now,
        do=f'Say {options}, or set {"it" if one else "them"} in [deploy "variables"] of sqitch.conf.',
    )
