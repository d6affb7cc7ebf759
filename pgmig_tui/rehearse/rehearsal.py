"""A rehearsal: the pending changes of an environment, run for real on a copy of its schema that is thrown away.

Dump → scratch database → deploy, statement by statement, measured → revert, newest first → deploy again. After each
script the whole schema is compared with what it was at that point. The target is only read.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from pgmig_tui.database.connect import Connection, application_name, connect
from pgmig_tui.database.fingerprint import Objects, changed, digest, read_objects
from pgmig_tui.database.identity import let_write, refuse_unwritable
from pgmig_tui.database.registry import RegistryInfo, RegistryState, prepare_registry
from pgmig_tui.database.tracking import prepare_tracking, read_tracking
from pgmig_tui.errors import NotPermitted, PgmigError, ProjectError, Refused, UsageError
from pgmig_tui.gates.impacts import Reading, Source, inspect
from pgmig_tui.impact.cluster_wide import cluster_wide
from pgmig_tui.rehearse.carry_out import Stage, Targets, TrialScript
from pgmig_tui.rehearse.clone import Clone, dumped, read_original, restore
from pgmig_tui.rehearse.measure import Observer
from pgmig_tui.rehearse.measured import Fingerprints, Rehearsal, RehearsedScript, SchemaDifference, ScriptProblem
from pgmig_tui.rehearse.scratch import ScratchServer, configured, embedded, scratch_database
from pgmig_tui.run.journal.frozen import RecordedFiles
from pgmig_tui.run.journal.rehearsed import hash_of, schema_digest
from pgmig_tui.run.journal.run_plan import Endpoint, Options, RunPlan
from pgmig_tui.run.planning.prepare import prepare
from pgmig_tui.run.planning.protection import seen_before
from pgmig_tui.sandbox.programs import work_folder
from pgmig_tui.script.files import Allow, ProjectFiles

if TYPE_CHECKING:
    from pgmig_tui.project.environments import Environment
    from pgmig_tui.project.project import Project
    from pgmig_tui.project.targets import Target

_NOTHING = "Nothing was rehearsed; the target was only read."

Say = Callable[[str], None]


@dataclass(slots=True)
class _Course:
    """What has happened so far. `states` are the schemas before the first change and after each."""

    scripts: list[RehearsedScript] = field(default_factory=list)
    states: list[Objects] = field(default_factory=list)
    schema: list[SchemaDifference] = field(default_factory=list)
    marks: Fingerprints = field(default_factory=Fingerprints)


def rehearse(
    project: Project,
    environment: Environment,
    options: Options,
    *,
    state_dir: Path,
    server: Target | None = None,
    say: Say | None = None,
) -> Rehearsal | None:
    """Rehearse what is pending on `environment`, up to `options.to`; None when nothing is.

    On a server of our own, or on `server`, which must be of the same major version. What scripts do to the copy is in
    the result, whatever it is. Raises Unreachable, Refused, ProjectError, UsageError, CloneError when it doesn't
    come to that; in all cases the target was only read and the copy is gone.
    """
    start = time.perf_counter()
    say = say or (lambda text: None)
    project = project.for_target(environment.target)
    # A rehearsal must not touch anything but its database: no shell, whatever the policy allows.
    careful = replace(environment, policy=replace(environment.policy, allow_shell=False))
    with work_folder() as folder, ExitStack() as stack:
        plan = prepare(project, careful, "deploy", options, state_dir=folder, progress=say, trial=True)
        if not plan.steps:
            return None
        name = application_name("rehearsal", "source")
        source = stack.enter_context(connect(environment.target, application_name=name))
        estimates = _estimates(plan, source)
        scripts = _scripts(project, environment, plan, options)
        scratch = _scratch_server(stack, project, environment, plan, state_dir, server, say)
        clone, database = _copy(stack, environment, plan, source, scratch, scripts, say)
        observer = Observer(scratch, database)
        stack.callback(observer.close)
        where = clone.endpoint(scratch, database)
        outlets = folder / "outlets"
        outlets.mkdir()
        files = RecordedFiles.of(plan)
        allow = Allow(files=plan.allow_files)
        notes = _make_registry(where, project, plan) if not plan.registry_present else []
        version, shared = scratch.version_num, not scratch.ours
        stage = Stage(where, version, plan.server.encoding, files, outlets, observer, allow, shared=shared)
        course = _run(stage, project, environment, plan, scripts, estimates, options, say)
    return Rehearsal(
        environment=environment.name,
        target=environment.target.display,
        target_version_num=plan.server.version_num,
        version_num=scratch.version_num,
        where=scratch.description,
        statistics=clone.statistics,
        stand_in_roles=clone.roles,
        stand_in_tablespaces=clone.tablespaces,
        missing_extensions=clone.missing,
        restore_problems=clone.problems,
        notes=(*plan.warnings, *_version_note(plan, scratch), *clone.notes, *notes),
        scripts=tuple(course.scripts),
        fingerprints=course.marks,
        schema_differences=tuple(course.schema),
        seconds=time.perf_counter() - start,
    )


# -- before --------------------------------------------------------------------------------------------------------


def _scripts(project: Project, environment: Environment, plan: RunPlan, options: Options) -> list[TrialScript]:
    """The deploy scripts as they were read at planning, with their verifications."""
    files = RecordedFiles.of(plan)
    variables = project.variables("verify", environment.target, options.variables)
    return [
        TrialScript(
            step.change,
            step.change_id,
            step.script,
            files.script(step.script),
            step.verify_script or "",
            files.script(step.verify_script) if step.verify_script else b"",
            variables,
        )
        for step in plan.steps
        if step.script is not None
    ]


def _estimates(plan: RunPlan, source: Connection) -> Mapping[str, Targets]:
    """By script: how long its statements would take with the target's own sizes, which the copy doesn't have."""
    files = RecordedFiles.of(plan)
    how = Reading(files, plan.variables, Allow(files=plan.allow_files), plan.server.facts)
    sources = [Source(step.change_id, step.script, files.script(step.script)) for step in plan.steps if step.script]
    try:
        found = inspect(sources, how, source)
    except PgmigError:
        return {}
    return {one.impact.path: [each.estimated_ms for each in one.impact.statements] for one in found}


def _scratch_server(
    stack: ExitStack,
    project: Project,
    environment: Environment,
    plan: RunPlan,
    state_dir: Path,
    server: Target | None,
    say: Say,
) -> ScratchServer:
    major = plan.server.version_num // 10000
    if server is None:
        return stack.enter_context(embedded(major, state_dir / "rehearsal", say))
    known = project.environment(server.uri)
    if known.policy.protected:
        raise Refused(
            f"{server.display} is protected: a rehearsal's scratch database doesn't belong there",
            now=_NOTHING,
            do="Name another server, or leave --server out to use one of our own.",
        )
    with connect(server, application_name=application_name("rehearsal", "check")) as connection:
        identity = connection.identity()
        refuse_unwritable(connection, identity, None)
    own = identity.system_identifier
    unlike = plan.server.system_identifier
    also = [environment.name] if environment.policy.protected and own in (None, unlike) else []
    refuse_beside_protected(server.display, own, also, state_dir, "--server")
    if identity.version_num // 10000 != major:
        raise UsageError(
            f"{server.display} runs PostgreSQL {identity.version}, {environment.name} {plan.server.version}",
            now=_NOTHING,
            do="Name a server of the same major version.",
        )
    _refuse_cluster_wide(plan)
    return stack.enter_context(configured(server, identity.version_num, say))


def refuse_beside_protected(
    display: str, identifier: str | None, also: Sequence[str], state_dir: Path, option: str
) -> None:
    """Scratch databases don't belong beside a protected one: raise Refused for a server with this system identifier
    that may be the one of `also`, protected environments, or is known to be the one of others."""
    seen = seen_before(state_dir) if identifier is not None else []
    alike = [*also, *(one.environment for one in seen if one.system_identifier == identifier)]
    if alike:
        raise Refused(
            f"{display} can't be told from the server of {alike[0]}, which is protected",
            now=_NOTHING,
            do=f"Name another server, or leave {option} out to use one of our own.",
        )


def _refuse_cluster_wide(plan: RunPlan) -> None:
    """On a server that others use, nothing may change beyond the scratch database."""
    from pgmig_tui.script.preview import preview

    files = RecordedFiles.of(plan)
    found = []
    for step in plan.steps:
        if step.script is None:
            continue
        view = preview(step.script, files.script(step.script), files, plan.variables, Allow(), plan.server.facts)
        for statement in view.statements:
            if not statement.skipped and (what := cluster_wide(statement)):
                found.append(f"{statement.path}:{statement.line}: {what}")
    if found:
        raise Refused(
            "the scripts may change more than their database, and --server names a server that others use",
            details=found,
            now=_NOTHING,
            do="Leave --server out: on a server of our own they may.",
        )


def _copy(
    stack: ExitStack,
    environment: Environment,
    plan: RunPlan,
    source: Connection,
    scratch: ScratchServer,
    scripts: Sequence[TrialScript],
    say: Say,
) -> tuple[Clone, str]:
    original = read_original(source)
    say(f"copying the schema of {environment.name}")
    name = f"pgmig/{plan.run_id[:20]}/rehearse"
    with dumped(environment.target, source, scratch.version_num, name) as (archive, tools, statistics):
        database = stack.enter_context(scratch_database(scratch, original.encoding))
        texts = [script.data for script in scripts]
        clone = restore(
            scratch,
            database,
            archive,
            tools,
            original,
            statistics=statistics,
            password=secrets.token_hex(16),
            scripts=texts,
        )
    return clone, database


def _make_registry(where: Endpoint, project: Project, plan: RunPlan) -> list[str]:
    """As the deploy makes it before its first step, by the role that deploys; a note where it won't be able to."""
    with connect(where, application_name=application_name("rehearsal", "setup")) as setup:
        let_write(setup, scratch=True)
        nothing = RegistryState(RegistryInfo(plan.registry, False, None), ())
        try:
            prepare_registry(setup, plan.registry, project.plan, plan.operator, nothing)
        except NotPermitted as error:
            return [f"the deploy will be refused before its first script: {error.what}"]
        prepare_tracking(setup, read_tracking(setup, plan.tracking))
    return []


def _version_note(plan: RunPlan, scratch: ScratchServer) -> list[str]:
    wanted, got = plan.server.version_num // 10000, scratch.version_num // 10000
    if wanted == got:
        return []
    return [f"the target runs PostgreSQL {wanted}, and the rehearsal PostgreSQL {got}: locks may differ"]


# -- the course ----------------------------------------------------------------------------------------------------


def _run(
    stage: Stage,
    project: Project,
    environment: Environment,
    plan: RunPlan,
    scripts: Sequence[TrialScript],
    estimates: Mapping[str, Targets],
    options: Options,
    say: Say,
) -> _Course:
    course = _Course()
    objects = stage.observer.connection
    course.states.append(read_objects(objects))
    course.marks = Fingerprints(before=digest(course.states[0]))
    variables = dict(plan.variables)
    for script in scripts:
        say(f"deploying {script.change}")
        absent = stage.without(script, "before the deploy")
        done = stage.play(script, "deploy", variables, measured=True, estimates=estimates.get(script.name, ()))
        done = replace(done, absent=absent)
        course.scripts.append(done)
        if not done.ok:
            return course
        course.states.append(read_objects(objects))
        course.scripts[-1] = _marked(done, script, environment, course.states[-2], course.states[-1])
    course.marks = replace(course.marks, deployed=digest(course.states[-1]))
    if not _revert(stage, project, environment, plan, scripts, options, course, say):
        return course
    for position, script in enumerate(scripts, 1):
        say(f"deploying {script.change} again")
        done = stage.play(script, "redeploy", variables, measured=False)
        course.scripts.append(done)
        if not done.ok:
            return course
        _compare(course, "redeploy", script.change, course.states[position], read_objects(objects))
    course.marks = replace(course.marks, redeployed=digest(read_objects(objects)))
    return course


def _revert(
    stage: Stage,
    project: Project,
    environment: Environment,
    plan: RunPlan,
    scripts: Sequence[TrialScript],
    options: Options,
    course: _Course,
    say: Say,
) -> bool:
    """Newest first. A script that isn't there, or fails, ends the rehearsal."""
    variables = project.variables("revert", environment.target, options.variables)
    stage.files = ProjectFiles(project.root, allow_files=plan.allow_files)
    reported: set[tuple[str, str]] = set()
    now = course.states[-1]
    for position in range(len(scripts), 0, -1):
        script = scripts[position - 1]
        say(f"reverting {script.change}")
        try:
            revert = _revert_script(project, script)
        except ProjectError as error:
            course.scripts.append(
                RehearsedScript(
                    script.change,
                    script.change_id,
                    "revert",
                    "",
                    "",
                    False,
                    0,
                    problem=ScriptProblem("", 0, error.what),
                )
            )
            return False
        before = now
        done = stage.play(revert, "revert", variables, measured=True)
        course.scripts.append(done)
        if not done.ok:
            return False
        now = read_objects(stage.observer.connection)
        done = replace(done, absent=stage.without(script, "after the revert"))
        course.scripts[-1] = _marked(done, revert, environment, before, now)
        _compare(course, "revert", script.change, course.states[position - 1], now, reported)
    course.marks = replace(course.marks, reverted=digest(now))
    stage.files = RecordedFiles.of(plan)
    return True


def _marked(
    done: RehearsedScript, script: TrialScript, environment: Environment, before: Objects, after: Objects
) -> RehearsedScript:
    ours = environment.own_schemas
    return replace(
        done,
        script_hash=hash_of(script.data),
        schema=schema_digest(before, ours),
        after=schema_digest(after, ours),
    )


def _revert_script(project: Project, script: TrialScript) -> TrialScript:
    change = project.plan.by_id[script.change_id]
    path = project.script_path(change, "revert")
    try:
        return TrialScript(script.change, script.change_id, project.relative(path), project.inside.read(path))
    except OSError as error:
        raise ProjectError(f"the script {project.relative(path)} can't be read: {error.strerror}") from error


def _compare(
    course: _Course,
    when: str,
    change: str,
    expected: Objects,
    found: Objects,
    reported: set[tuple[str, str]] | None = None,
) -> None:
    """Note each object once, at the change after which it is other than it should be."""
    for kind, name, before, after in changed(expected, found):
        if reported is not None:
            if (kind, name) in reported:
                continue
            reported.add((kind, name))
        course.schema.append(
            SchemaDifference("revert" if when == "revert" else "redeploy", change, kind, name, before, after)
        )
