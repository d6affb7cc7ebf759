"""Testing changes in parallel databases of a server of our own.

One database, the line, gets change after change of the plan. Before a change that is to be tested it is copied: in the
copy the change goes through its steps, while the line goes on. What a change does to the whole cluster (roles) others
would see: such a change is tested alone, and its copy is the line from there on.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pgmig_tui.database.identity import NEWEST
from pgmig_tui.database.text import ident
from pgmig_tui.errors import PgmigError, ProjectError, in_a_line
from pgmig_tui.impact.cluster_wide import cluster_wide
from pgmig_tui.rehearse.as_planned import script_of, stage_of
from pgmig_tui.rehearse.carry_out import Stage, TrialScript
from pgmig_tui.rehearse.clone import cut_off
from pgmig_tui.rehearse.cycle import ChangeScripts, Cycle
from pgmig_tui.rehearse.data import DataWanted, DataWatch
from pgmig_tui.rehearse.measure import Observer
from pgmig_tui.rehearse.plan_owner import (
    OWNER,
    Missed,
    deploy,
    hand_over,
    let_own,
    made_before,
    make_owner,
    make_roles,
    own,
)
from pgmig_tui.rehearse.scratch import ScratchServer, embedded, scratch_database
from pgmig_tui.rehearse.tested import ChangeTest, ChangeTests, StepBegun, StepName
from pgmig_tui.run.journal.run_plan import Endpoint
from pgmig_tui.sandbox.programs import work_folder
from pgmig_tui.script.actions import ServerFacts
from pgmig_tui.script.files import Allow, ProjectFiles
from pgmig_tui.script.preview import preview

if TYPE_CHECKING:
    from pgmig_tui.project.changes import Change
    from pgmig_tui.project.environments import Environment
    from pgmig_tui.project.project import Project

WORKERS = 2
NO_DATA_WANTED = DataWanted()
_NOTHING = "Nothing was tested."
Say = Callable[[str], None]


TellStep = Callable[[StepBegun], None]


def try_changes(
    project: Project,
    environment: Environment,
    wanted: Collection[str],
    variables: Mapping[str, str],
    *,
    state_dir: Path,
    say: Say,
    tell: TellStep,
    data: DataWanted = NO_DATA_WANTED,
) -> ChangeTests:
    """Take the changes with these IDs through their steps, each on what the plan has before it.

    `environment` says which psql variables count, and what scripts may read; its server isn't asked. `data` is what is
    looked at beside the schema. What scripts do there is in the result. Raises ProjectError where a script can't be
    read, PgmigError without a server of our own.
    """
    scripts = scripts_up_to_last(project, environment, wanted, variables, project.plan.changes)
    with ExitStack() as stack:
        folder = stack.enter_context(work_folder())
        # The newest there is: it knows whatever the scripts say.
        scratch = stack.enter_context(embedded(NEWEST, state_dir / "rehearsal", say))
        ground = Ground(scratch, project, environment, folder, OWNER, make_owner(scratch))
        return walk(ground, scripts, wanted, data, tell, say)


def walk(
    ground: Ground,
    scripts: Sequence[ChangeScripts],
    wanted: Collection[str],
    data: DataWanted,
    tell: TellStep,
    say: Say,
    notes: tuple[str, ...] = (),
) -> ChangeTests:
    """Take these changes, one after the other, through their steps where they are wanted. `notes` are told with it."""
    start = time.perf_counter()
    bench = _Bench(ground)
    try:
        found = _Walk(bench, wanted, data, tell, say).run(scripts)
    finally:
        bench.close()
    name, scratch = ground.project.plan.project, ground.scratch
    seconds = time.perf_counter() - start
    return ChangeTests(name, scratch.description, scratch.version_num, tuple(found), seconds, notes)


def scripts_up_to_last(
    project: Project,
    environment: Environment,
    wanted: Collection[str],
    variables: Mapping[str, str],
    changes: Sequence[Change],
) -> list[ChangeScripts]:
    """The scripts of these changes, in the plan's order, up to the last one that is wanted. Raises ProjectError."""
    last = max((change.index for change in changes if change.change_id in wanted), default=-1)
    return [_scripts(project, environment, change, variables) for change in changes if change.index <= last]


def _scripts(project: Project, environment: Environment, change: Change, variables: Mapping[str, str]) -> ChangeScripts:
    """The scripts of a change. Raises ProjectError where there is no deploy script, or one can't be read."""
    target = environment.target
    deploy = script_of(project, change, _NOTHING)
    verify = _other(project, change, "verify")
    if verify is not None:
        values = project.variables("verify", target, variables)
        deploy = TrialScript(
            deploy.change, deploy.change_id, deploy.name, deploy.data, verify.name, verify.data, values
        )
    return ChangeScripts(
        change.name if change.superseded_by is None else project.plan.qualified_name(change),
        deploy,
        _other(project, change, "revert"),
        project.variables("deploy", target, variables),
        project.variables("revert", target, variables),
    )


def _other(project: Project, change: Change, which: Literal["verify", "revert"]) -> TrialScript | None:
    if not project.has_script(change, which):
        return None
    path = project.script_path(change, which)
    try:
        return TrialScript(change.name, change.change_id, project.relative(path), project.inside.read(path))
    except OSError as error:
        raise ProjectError(
            f"the script {project.relative(path)} can't be read: {error.strerror}", now=_NOTHING
        ) from error


# -- databases -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Ground:
    """Where databases are made, and as whom scripts run there: on a server of our own as a role without rights
    (`user`), else as whoever connects (""). The first is empty, or a copy of the database `origin`. `options` are
    libpq's."""

    scratch: ScratchServer
    project: Project
    environment: Environment
    folder: Path
    user: str = ""
    password: str | None = None
    encoding: str = "UTF8"
    origin: str = ""
    options: str = ""

    def endpoint(self, database: str) -> Endpoint:
        """A database as scripts see it."""
        where = self.scratch.endpoint(database, self.user, self.password)
        return replace(where, conninfo={**where.conninfo, "options": self.options}) if self.options else where


class _Database:
    """A scratch database, and the stage on it; `close` removes it."""

    def __init__(self, ground: Ground, missed: Missed, copy_of: str = "") -> None:
        self._stack = ExitStack()
        scratch = ground.scratch
        source = copy_of or ground.origin
        try:
            self.name = self._stack.enter_context(scratch_database(scratch, ground.encoding, copy_of=source))
            if scratch.ours and source:
                own(scratch, self.name)
                if not copy_of and missed.roles:
                    let_own(scratch, self.name, missed.roles)
            elif scratch.ours:
                hand_over(scratch, self.name, missed)
            elif not copy_of:
                with scratch.session(self.name) as connection:
                    cut_off(connection, [])
        except BaseException:
            self._stack.close()
            raise
        observer = Observer(scratch, self.name)
        self._stack.callback(observer.close)
        where, outlets = ground.endpoint(self.name), ground.folder / self.name
        self.stage: Stage = stage_of(
            ground.project, ground.environment, scratch, where, ground.encoding, outlets, observer
        )

    def close(self) -> None:
        self._stack.close()


class _Bench:
    """The line, and what its copies are made with."""

    def __init__(self, ground: Ground) -> None:
        self.ground = ground
        self.scratch = ground.scratch
        self.missed = Missed()
        self._there: list[ChangeScripts] = []
        self._roles = self._all_roles()
        self._line = _Database(ground, self.missed)

    def copy(self) -> _Database:
        """A copy of the line as it is."""
        return _Database(self.ground, self.missed, self._line.name)

    def adopt(self, database: _Database, scripts: ChangeScripts) -> None:
        """This is the line from here on: it has the next change."""
        database.stage.observer.close()  # nobody may have a session where copies are made of
        self._line.close()
        self._line = database
        self._there.append(scripts)

    def deploy(self, scripts: ChangeScripts, copies: Sequence[_Database]) -> str | None:
        """Deploy the next change on the line: "" where that went well, else why it didn't. None where something was
        missed that the copies, too, must have from the beginning: close them, and begin again."""
        databases = [self._line.name, *(one.name for one in copies)]
        script, variables = _alone(scripts.deploy), scripts.deploy_variables
        if self.scratch.ours:
            done = deploy(self._line.stage, self.scratch, databases, script, variables, self.missed)
        else:
            done = self._line.stage.play(script, "deploy", variables, measured=False)
        if done is None:
            return None
        if done.problem is not None:
            return done.problem.message
        self._there.append(scripts)
        return ""

    def not_provable(self, scripts: ChangeScripts) -> str:
        """Why the scripts of a change can't prove themselves here, "" where they can."""
        if not self.scratch.ours or self.ground.origin:
            return ""
        made = made_before(self._line.stage, scripts.deploy, scripts.deploy_variables, self.missed)
        return f"nobody but a superuser may make the extension {', '.join(made)}: it is there before" if made else ""

    def learns(self, tested: ChangeTest) -> bool:
        """Whether its deploy missed what can be made: then begin again."""
        step = tested.step("deploy")
        roles = len(self.missed.roles)
        if step is None or step.problem is None or not self.scratch.ours or not self.missed.learns(step.problem):
            return False
        make_roles(self.scratch, [], self.missed.roles[roles:])
        return True

    def begin_again(self) -> None:
        """The same changes on a new database that has what was missed. No copy may be there: the roles that scripts
        have made go, since they make them again."""
        there = self._there
        while True:
            self._there = []
            self._line.close()
            self._drop_roles()
            self._line = _Database(self.ground, self.missed)
            for scripts in there:
                failed = self.deploy(scripts, ())
                if failed is None:
                    break
                if failed:
                    raise PgmigError(f"{scripts.change} can't be deployed once more: {failed}", now=_NOTHING)
            else:
                return

    def _all_roles(self) -> set[str]:
        with self.scratch.session() as admin:
            return {str(name) for (name,) in admin.execute("SELECT rolname FROM pg_catalog.pg_roles")}

    def _drop_roles(self) -> None:
        made = self._all_roles() - self._roles - {*self.missed.roles} if self.scratch.ours else set()
        with self.scratch.session() as admin:
            for name in sorted(made):
                with suppress(PgmigError):  # in another database of theirs
                    admin.execute(f"DROP ROLE {ident(name)}")

    def close(self) -> None:
        self._line.close()


def _alone(script: TrialScript) -> TrialScript:
    """Without its verification, which is a step of the copy."""
    return TrialScript(script.change, script.change_id, script.name, script.data)


# -- the course ----------------------------------------------------------------------------------------------------


class _Walk:
    """Change after change; up to WORKERS of them go through their steps at a time."""

    def __init__(self, bench: _Bench, wanted: Collection[str], data: DataWanted, tell: TellStep, say: Say) -> None:
        self._bench = bench
        self._data = data
        self._last = ""
        self._wanted = wanted
        self._tell = tell
        self._say = say
        self._found: dict[str, ChangeTest] = {}
        self._under_way: set[Future[None]] = set()

    def run(self, scripts: Sequence[ChangeScripts]) -> list[ChangeTest]:
        """What became of those that were wanted, in their order."""
        self._last = next((one.deploy.change_id for one in reversed(scripts)), "")
        pool = ThreadPoolExecutor(WORKERS, thread_name_prefix="test")
        self._pool = pool
        failed = ""
        try:
            for one in scripts:
                if failed:
                    if one.deploy.change_id in self._wanted:
                        self._found[one.deploy.change_id] = _not_tested(one, failed)
                elif told := self._next(one):
                    failed = f"{one.change}, before it, can't be deployed: {told}"
            self._wait(0)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
        pool.shutdown()
        return [self._found[one.deploy.change_id] for one in scripts if one.deploy.change_id in self._wanted]

    def _next(self, scripts: ChangeScripts) -> str:
        """Test one change where it is wanted, and bring the line behind it; why that can't be, "" where it is so."""
        wanted = scripts.deploy.change_id in self._wanted
        if not wanted:
            self._say(f"deploying {scripts.change}")
        if wanted and cluster_wide_of(self._bench.ground.project, self._bench.ground.environment, scripts):
            return self._alone(scripts)
        self._wait(2 * WORKERS - 1)
        while True:
            if wanted and (reason := self._bench.not_provable(scripts)):
                self._found[scripts.deploy.change_id] = _not_tested(scripts, reason)
                wanted = False
            copy = self._bench.copy() if wanted else None
            if wanted:
                self._tell(self._begun(scripts, "deploy"))
            failed = self._deploy(scripts, [copy] if copy is not None else [])
            if failed is not None:
                break
            if copy is not None:
                copy.close()
            if failed := self._begin_again():
                if wanted:
                    self._found[scripts.deploy.change_id] = _not_tested(scripts, failed)
                return failed
        if copy is not None:
            self._under_way.add(self._pool.submit(self._test, scripts, copy))
        return failed

    def _deploy(self, scripts: ChangeScripts, copies: Sequence[_Database]) -> str | None:
        try:
            return self._bench.deploy(scripts, copies)
        except PgmigError as error:  # refused, since it reaches beyond its database
            return in_a_line("\n".join((error.what, *error.details)))

    def _deploy_behind(self, scripts: ChangeScripts) -> str:
        """Bring the line behind a change without a copy; why that can't be, "" where it is so."""
        while (failed := self._deploy(scripts, ())) is None:
            if failed := self._begin_again():
                break
        return failed

    def _begin_again(self) -> str:
        """Once nobody tests; why that can't be."""
        self._wait(0)
        try:
            self._bench.begin_again()
        except PgmigError as error:
            return in_a_line("\n".join((error.what, *error.details)))
        return ""

    def _alone(self, scripts: ChangeScripts) -> str:
        """Nobody else tests meanwhile."""
        self._wait(0)
        while True:
            if reason := self._bench.not_provable(scripts):
                self._found[scripts.deploy.change_id] = _not_tested(scripts, reason)
                return self._deploy_behind(scripts)
            copy = self._bench.copy()
            found = self._cycle(scripts, copy)
            if not self._bench.learns(found):
                break
            copy.close()
            if failed := self._begin_again():
                self._found[scripts.deploy.change_id] = found
                return failed
        self._found[scripts.deploy.change_id] = found
        if found.stands:
            self._bench.adopt(copy, scripts)
            return ""
        copy.close()
        return self._deploy_behind(scripts)

    def _test(self, scripts: ChangeScripts, copy: _Database) -> None:
        try:
            self._found[scripts.deploy.change_id] = self._cycle(scripts, copy)
        finally:
            with suppress(PgmigError):
                copy.close()

    def _cycle(self, scripts: ChangeScripts, copy: _Database) -> ChangeTest:
        def tell(step: StepName) -> None:
            self._tell(self._begun(scripts, step))

        ground = self._bench.ground
        ours = ground.environment.own_schemas
        last = scripts.deploy.change_id == self._last
        wanted = self._data if last else replace(self._data, application=())
        counting = bool(ground.origin)
        root = ground.project.root
        data = DataWatch(copy.stage.endpoint, ours, root, wanted, scripts.invariants, counting)
        return Cycle(copy.stage, scripts, data, tell).run()

    def _begun(self, scripts: ChangeScripts, step: StepName) -> StepBegun:
        return StepBegun(len(self._found), len(self._wanted), scripts.change, step)

    def _wait(self, most: int) -> None:
        """Until at most so many are under way. Raises what one has raised."""
        while len(self._under_way) > most:
            done, self._under_way = wait(self._under_way, return_when=FIRST_COMPLETED)
            for one in done:
                one.result()


def _not_tested(scripts: ChangeScripts, why: str) -> ChangeTest:
    return ChangeTest(scripts.change, scripts.deploy.change_id, not_tested=why)


def cluster_wide_of(project: Project, environment: Environment, scripts: ChangeScripts) -> list[str]:
    """What its scripts, and the files that they include, may change of what other databases see, each with its line.
    What looks so and isn't is named, too: it only takes longer then."""
    files = ProjectFiles(project.root, allow_files=environment.policy.allow_files)
    allow = Allow(files=environment.policy.allow_files)
    deploy, revert = scripts.deploy, scripts.revert
    texts = [(deploy.name, deploy.data, scripts.deploy_variables)]
    if deploy.verify_name:
        texts.append((deploy.verify_name, deploy.verify_data, deploy.verify_variables))
    if revert is not None:
        texts.append((revert.name, revert.data, scripts.revert_variables))
    return [
        f"{one.path}:{one.line}: {what}"
        for name, data, variables in texts
        for one in preview(name, data, files, variables, allow, ServerFacts(NEWEST)).statements
        if not one.skipped and (what := cluster_wide(one))
    ]
