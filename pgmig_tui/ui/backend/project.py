"""The session of a real project: facts from the checkout at once, all else from the rooms that know, when asked."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pgmig_tui.display.words import utc
from pgmig_tui.errors import in_a_line
from pgmig_tui.project.on_disk import disk_state, stamp
from pgmig_tui.project.project import Project, load_project
from pgmig_tui.review import preferences
from pgmig_tui.run.journal import private
from pgmig_tui.ui.backend.protocol import (
    EVERYTHING,
    EnvironmentFacts,
    PlanLine,
    ProjectFacts,
    PulseWatch,
    Reread,
    RunFacts,
    StatusFacts,
)

if TYPE_CHECKING:
    from pgmig_tui.database.checks import CheckResult
    from pgmig_tui.database.status import EnvironmentStatus
    from pgmig_tui.display.cells import Line
    from pgmig_tui.impact.result import ScriptImpact
    from pgmig_tui.project.alike import NamesIn
    from pgmig_tui.project.environments import Environment
    from pgmig_tui.project.hashes import ScriptHashes
    from pgmig_tui.project.plan import Change
    from pgmig_tui.review.deployed_compared import Compared
    from pgmig_tui.review.drift_kept import KnownDrift
    from pgmig_tui.review.history import History
    from pgmig_tui.review.maintain_facts import Maintenance, Section
    from pgmig_tui.review.now import RightNow
    from pgmig_tui.review.settling import SettlingDecision
    from pgmig_tui.review.undoing import KeptRun
    from pgmig_tui.review.verify_evidence import VerifyEvidence
    from pgmig_tui.run.journal.listing import RunSummary
    from pgmig_tui.ui.backend.actions import Settled
    from pgmig_tui.ui.backend.environment_facts import HealthFacts
    from pgmig_tui.ui.backend.protocol import (
        Answered,
        ApprovalsFacts,
        Command,
        DeployWatch,
        ForeignWatch,
        ImpactFacts,
        ItemFacts,
        LockWatch,
        Manner,
        Record,
        ReviewFacts,
        Rollback,
        ScriptKind,
        ScriptText,
        Watch,
    )

SCRIPTS_SECONDS = 60.0
Stamp = tuple[int, int, int] | None
_PROBLEMS = {
    "out_of_order": "was deployed in another order than the plan's",
    "script_changed": "the script has changed since it was deployed",
    "not_in_plan": "is not in the plan",
    "tag_moved": "a tag of it was moved or edited since it was deployed",
}


class ProjectSession:
    """Reads the project when made; raises PgmigError when there's none that can be read. Its methods block."""

    read_only = ""

    def __init__(
        self,
        directory: Path,
        env: Mapping[str, str],
        *,
        plan_file: str | None = None,
        top_dir: str | None = None,
        registry: str | None = None,
    ) -> None:
        self._env = env
        self._read_project = partial(
            load_project, directory, env, plan_file=plan_file, top_dir=top_dir, registry=registry
        )
        self.project = self._read_project()
        self.facts = facts_of(self.project)
        self._seen = disk_state(self.project)
        self._looked_at: dict[Path, tuple[str, Stamp]] = {}
        """Scripts that were read here, with their change and what they looked like then."""
        self._failed: dict[str, str] = {}
        self._read: tuple[float, ScriptHashes] | None = None
        self._names: NamesIn = {}
        self._proven: dict[str, tuple[CheckResult, ...]] = {}
        """By environment, what the backup showed that was made there on a screen."""

    @cached_property
    def _state_dir(self) -> Path:
        from pgmig_tui.run.journal.folder import default_state_dir

        return default_state_dir(self._env)

    def preferred(self, name: str) -> str:
        return preferences.read(self._state_dir).get(name, "")

    def preferences_trouble(self) -> str:
        return preferences.trouble(self._state_dir)

    def prefer(self, name: str, value: str) -> None:
        preferences.keep(self._state_dir, name, value)

    def reread(self) -> Reread | None:
        seen = disk_state(self.project)
        if seen == self._seen:
            return None
        self._seen = seen
        project = self._read_project()
        # Written while it was being read: the next look tells it from this one.
        facts = facts_of(project)

        def take() -> None:
            self.project, self.facts, self._read = project, facts, None

        return Reread(facts, take)

    def changed_scripts(self) -> tuple[str, ...]:
        found: list[str] = []
        for path, (change_id, seen) in list(self._looked_at.items()):
            now = stamp(path)
            if now != seen:
                self._looked_at[path] = change_id, now
                found.append(change_id)
        if found:
            self._read = None
        return tuple(dict.fromkeys(found))

    def _look_at(self, change: Change, kind: ScriptKind) -> None:
        """Called before a script is read: what is written meanwhile is seen as well."""
        path = self.project.script_path(change, kind)
        self._looked_at[path] = change.change_id, stamp(path)

    def _hashes(self) -> ScriptHashes:
        """The hashes of the scripts, shared by the environments and read again once a minute."""
        from pgmig_tui.project.hashes import ScriptHashes

        made_at, scripts = self._read or (0.0, None)
        if scripts is None or time.monotonic() - made_at > SCRIPTS_SECONDS:
            scripts = ScriptHashes(self.project)
            self._read = (time.monotonic(), scripts)
        return scripts

    def _environment(self, name: str) -> Environment:
        return next(one for one in self.project.environments if one.name == name)

    def _change(self, change_id: str) -> Change:
        return self.project.plan.by_id[change_id]

    # Asking

    def status(self, environment: str) -> StatusFacts:
        from pgmig_tui.database.status import environment_status
        from pgmig_tui.run.journal.mark_files import with_file_marks

        status = environment_status(self.project, self._environment(environment), scripts=self._hashes())
        status = with_file_marks(status, self.project.plan.project, self._state_dir)
        if self._environment(environment).policy.protected:
            from pgmig_tui.run.planning.protection import remember_answers

            remember_answers(self._state_dir, self.project, [status])
        at = datetime.fromisoformat(status.asked_at) if status.asked_at else datetime.now(UTC)
        at = at if at.tzinfo else at.replace(tzinfo=UTC)
        if not status.reachable or status.server is None:
            return StatusFacts(environment, at, False, error=in_a_line(status.error or "no answer"))
        planned = self.project.plan.by_id
        note = status.error or ""
        if status.registry is not None and not status.registry.present:
            note = f"not a Sqitch database yet; the first deploy creates schema {status.registry.schema}"
        return StatusFacts(
            environment,
            at,
            True,
            server=f"PostgreSQL {status.server.version}",
            user=status.server.role,
            note=note,
            deployed=frozenset(status.deployed),
            pending=tuple(status.pending),
            differing={one.change_id: _PROBLEMS[one.problem] for one in status.diverged if one.change_id in planned},
            under_way=self._under_way(status),
            standby=status.server.standby,
            unproven=status.server.unproven,
            untagged=status.untagged,
            marked={
                one.change_id: f"must not be deployed: {one.reason} ({one.marked_by}, {utc(one.marked_at)})"
                for one in status.marked
                if one.change_id in status.pending
            },
            not_in_plan=tuple(one.name for one in status.diverged if one.problem == "not_in_plan"),
            waiting=status.waiting,
            last_deployed=_moment(status.last_change.committed_at if status.last_change is not None else ""),
        )

    def _under_way(self, status: EnvironmentStatus) -> str:
        if status.holder is None:
            return ""
        from pgmig_tui.run.clients.stopping import under_way

        running = under_way(status.holder, self._state_dir)
        return "" if running is None or running.local else running.sentence

    def script(self, change_id: str, kind: ScriptKind) -> ScriptText:
        from pgmig_tui.ui.backend import scripts

        change = self._change(change_id)
        self._look_at(change, kind)
        return scripts.read_script(self.project, change, kind)

    def impact(
        self,
        change_id: str,
        kind: ScriptKind,
        environment: str,
        *,
        live: bool,
        pending: bool = False,
        before: Sequence[str] = (),
        so_far: Callable[[ImpactFacts], None] | None = None,
    ) -> ImpactFacts:
        from pgmig_tui.ui.backend import scripts

        where = self._environment(environment) if environment else None
        change = self._change(change_id)
        self._look_at(change, kind)
        lacking = [*(self._change(one) for one in before), change] if pending else []
        found = scripts.read_impact(self.project, change, kind, where, live=live, lacking=lacking, so_far=so_far)
        return scripts.with_test(found, self.project, change, self._state_dir)

    def judged_alike(self, change_id: str, kind: ScriptKind, environment: str, before: Sequence[str]) -> Hashable:
        from pgmig_tui.project.alike import judged_alike

        changes = [self._change(one) for one in (*before, change_id)]
        return judged_alike(self.project, changes, kind, self._environment(environment), self._names)

    def now(self, environment: str, impact: ScriptImpact, before: RightNow | None) -> RightNow:
        from pgmig_tui.ui.backend import scripts

        return scripts.read_now(self._environment(environment), impact, before)

    # Running

    def prepare(
        self,
        environment: str,
        command: Command,
        to: str | None,
        *,
        how: Manner = "run",
        so_far: Callable[[ReviewFacts], None] | None = None,
    ) -> ReviewFacts:
        from pgmig_tui.review.backups import known_for
        from pgmig_tui.review.prepared import review
        from pgmig_tui.run.journal.run_plan import Options
        from pgmig_tui.run.planning.marks import Marked
        from pgmig_tui.run.planning.prepare import prepare
        from pgmig_tui.ui.backend import gating

        where = self._environment(environment)
        if command == "backfill":
            return self._prepare_backfill(where, to or "")
        if how == "try":
            from pgmig_tui.run.process.dry_run import prepare_dry_run

            trial = prepare_dry_run(self.project, where, Options(to=to), state_dir=self._state_dir)
            word = gating.asked_word(trial, where)
            # It wants the last word, not the checklist: nothing of it is meant to stay.
            return replace(gating.reviewed(review(trial, where), ""), items=(), word=word)
        everything = False
        if command == "revert" and to == EVERYTHING:
            to, everything = None, True
        options = Options(to=to, revert_all=everything, log_only=how == "record")
        try:
            plan = prepare(self.project, where, command, options, state_dir=self._state_dir)
        except Marked as refused:
            return gating.marked(environment, command, refused.marks)
        word = gating.asked_word(plan, where)
        back = "" if command != "revert" else "nothing: everything is reverted" if everything else self._named(to)
        performed = known_for(command, where, self._state_dir, before=self._proven.get(environment, ()))
        heard = None if so_far is None else gating.telling(back, word, so_far)
        found = review(plan, where, performed=performed, heard=heard)
        return gating.recalling(replace(gating.reviewed(found, back), word=word), self._state_dir)

    def _prepare_backfill(self, where: Environment, which: str) -> ReviewFacts:
        from pgmig_tui.ui.backend import gating

        """`which` is a change ID, or the ID of the run to go on with."""
        from pgmig_tui.review.backfill import preview_lines
        from pgmig_tui.review.backups import known_for
        from pgmig_tui.review.prepared import review
        from pgmig_tui.run.backfill.plan import BackfillOptions
        from pgmig_tui.run.backfill.planning import prepare_backfill

        known = which in self.project.plan.by_id
        options = BackfillOptions(change=which if known else None, resume="" if known else which)
        plan, spec = prepare_backfill(self.project, where, options, state_dir=self._state_dir)
        word = gating.asked_word(plan, where)
        found = gating.reviewed(review(plan, where, performed=known_for(plan.command, where, self._state_dir)), "")
        facts = replace(found, told=tuple(preview_lines(spec)) if spec is not None else (), word=word)
        return gating.recalling(facts, self._state_dir)

    def recorded(self, run_id: str, path: str) -> str:
        from pgmig_tui.run.journal.folder import RUN_ID
        from pgmig_tui.run.journal.frozen import RecordedFiles

        if not RUN_ID.fullmatch(run_id):
            raise ValueError(f"{run_id!r} names no run")
        files = RecordedFiles(self.project.root, self._state_dir / "runs" / run_id, allow_files=True)
        return files.script(path).decode("utf-8", errors="replace")

    def evidence(self, environment: str, change_id: str) -> VerifyEvidence:
        from pgmig_tui.review.verify_evidence import verify_evidence

        return verify_evidence(self.project, self._environment(environment), change_id, self._state_dir)

    def backup(
        self, review: ReviewFacts, stopping: Callable[[], bool], tell: Callable[[str, str], None]
    ) -> ReviewFacts:
        from pgmig_tui.review import backups
        from pgmig_tui.ui.backend import gating

        where = self._environment(review.environment)
        made = backups.make(
            self.project,
            where,
            self._state_dir,
            review.run_id,
            progress=lambda progress: tell(progress.told, progress.path),
            stopping=stopping,
            told=lambda text: tell(text, ""),
        )
        self._proven[review.environment] = made
        return gating.performed(review, where, made)

    def _named(self, spec: str | None) -> str:
        change = self.project.plan.by_id.get(spec or "")
        return change.name if change is not None else spec or ""

    def answer(self, review: ReviewFacts, answers: Sequence[Answered]) -> ReviewFacts:
        from pgmig_tui.ui.backend import gating

        return gating.answered(review, self._environment(review.environment), answers)

    def look_again(self, review: ReviewFacts, answers: Sequence[Answered]) -> ReviewFacts:
        from pgmig_tui.ui.backend import gating

        where = self._environment(review.environment)
        return gating.looked_again(review, self.project, where, answers, self._state_dir)

    def keep(self, review: ReviewFacts, answers: Sequence[Answered]) -> str:
        from pgmig_tui.ui.backend import gating

        return gating.keep(review, answers, self._state_dir)

    def start(self, review: ReviewFacts, answers: Sequence[Answered]) -> Watch:
        from pgmig_tui.review.drafts import about_plan, used
        from pgmig_tui.review.prepared import estimates_of, ready
        from pgmig_tui.run.clients.client import start
        from pgmig_tui.ui.backend import gating

        where = self._environment(review.environment)
        target, found = where.target, review.plan
        if not found.plan.dry_run:
            found = ready(found, where)
            with contextlib.suppress(OSError):
                used(self._state_dir, about_plan(found.plan, found.impacts), found.plan.run_id)
        given = found.gate.counted(gating.answers_of(review, answers))
        return start(
            found.plan,
            given,
            password=target.password,
            secrets=target.secrets,
            evidence=found.kept,
            estimates=estimates_of(found),
        )

    def lift(self, environment: str, change_ids: Sequence[str], reason: str, tell: Callable[[str], None]) -> None:
        from pgmig_tui.run.planning.marks import lift

        for change_id in change_ids:
            lift(self.project, self._environment(environment), change_id, reason, self._state_dir, tell)

    def look_back(self, environment: str, to: str | None, save: bool | None) -> Rollback:
        from pgmig_tui.ui.backend import rolling

        return rolling.look_back(self.project, self._environment(environment), to, save, self._state_dir)

    def answer_back(self, rollback: Rollback, answers: Sequence[Answered]) -> Rollback:
        from pgmig_tui.ui.backend import rolling

        return rolling.answered(rollback, self._environment(rollback.environment), answers)

    def look_back_again(self, rollback: Rollback, answers: Sequence[Answered]) -> Rollback:
        from pgmig_tui.ui.backend import rolling

        where = self._environment(rollback.environment)
        return rolling.looked_again(self.project, where, rollback, answers, self._state_dir)

    def roll_back(self, rollback: Rollback, answers: Sequence[Answered]) -> Watch | None:
        from pgmig_tui.ui.backend import rolling

        where = self._environment(rollback.environment)
        return rolling.begin(self.project, where, rollback, answers, self._state_dir)

    def incident(self, run_id: str) -> Record:
        from pgmig_tui.ui.backend import rolling

        return rolling.record_of(self._state_dir, run_id)

    def attach(self, run_id: str) -> Watch:
        from pgmig_tui.run.clients.client import attach

        return attach(run_id, self._state_dir)

    def pulse_watch(self, environment: str) -> PulseWatch:
        from pgmig_tui.ui.backend.pulse_watch import EnvironmentPulse

        return EnvironmentPulse(self._environment(environment))

    def lock_watch(self, environment: str) -> LockWatch:
        from pgmig_tui.ui.backend.lock_watch import EnvironmentLocks

        return EnvironmentLocks(self._environment(environment))

    def foreign_watch(self, environment: str) -> ForeignWatch:
        from pgmig_tui.ui.backend.foreign_watch import EnvironmentForeign

        return EnvironmentForeign(self._environment(environment), self._state_dir)

    def approvals(self, environment: str) -> ApprovalsFacts:
        from pgmig_tui.ui.backend import approvals

        return approvals.approvals(self.project, self._environment(environment), self._state_dir)

    def decide(
        self, facts: ApprovalsFacts, decision: Literal["approve", "reject"], role: str, note: str, key: str
    ) -> str:
        from pgmig_tui.ui.backend import approvals

        where = self._environment(facts.environment)
        return approvals.decide(self.project, where, facts, decision, role, note, key)

    def revoke(self, facts: ApprovalsFacts, number: int, note: str) -> str:
        from pgmig_tui.ui.backend import approvals

        return approvals.revoke(self.project, self._environment(facts.environment), facts, number, note)

    def maintain(self, environment: str, heard: Callable[[Section], None]) -> Maintenance:
        from pgmig_tui.review.maintain import maintain

        return maintain(self.project, self._environment(environment), state_dir=self._state_dir, heard=heard)

    def gone_through(self, environment: str, found: Maintenance) -> None:
        from pgmig_tui.review.maintain import reviewed

        reviewed(self.project, self._environment(environment), found, self._state_dir)

    def health(self, environment: str) -> HealthFacts:
        from pgmig_tui.ui.backend.environment_facts import health

        return health(self.project, self._environment(environment), self._state_dir)

    def history(self, environment: str) -> History:
        from pgmig_tui.review.history import read_history

        return read_history(self.project, self._environment(environment))

    def compare(self, here: str, there: str) -> Compared:
        from pgmig_tui.review.deployed_compared import compare

        return compare(self.project, self._environment(here), self._environment(there))

    def drift_between(self, here: str, there: str) -> Sequence[Line]:
        from pgmig_tui.review.drift import between, lines

        return tuple(lines(between(self._environment(here), self._environment(there))))

    def settle(
        self, environment: str, word: str, tell: Callable[[str], None], decision: SettlingDecision | None = None
    ) -> Settled:
        from pgmig_tui.ui.backend import actions

        return actions.settle(self.project, self._environment(environment), self._state_dir, word, tell, decision)

    def kept(self, environment: str) -> Sequence[KeptRun]:
        from pgmig_tui.review.undoing import open_runs

        return open_runs(self.project, self._environment(environment), self._state_dir)

    def undo(
        self,
        environment: str,
        run: str,
        word: str,
        tell: Callable[[str], None],
        overwrite: Sequence[str] | None = None,
    ) -> Sequence[Line]:
        from pgmig_tui.ui.backend import actions

        where = self._environment(environment)
        return actions.undo(self.project, where, self._state_dir, run, word, tell, overwrite)

    def rehearse(self, environment: str, tell: Callable[[str], None]) -> Sequence[Line]:
        from pgmig_tui.ui.backend import actions

        return actions.rehearse(self.project, self._environment(environment), self._state_dir, tell)

    def test(self, environment: str, tell: Callable[[str], None]) -> Sequence[Line]:
        from pgmig_tui.ui.backend import actions

        return actions.test(self.project, self._environment(environment), self._state_dir, tell)

    def known_drift(self) -> Mapping[str, KnownDrift]:
        from pgmig_tui.review.drift_kept import known_drift

        found = {}
        for one in self.project.environments:
            known = known_drift(self._state_dir, self.project.plan.project, one.name)
            if known is not None:
                found[one.name] = known
        return found

    def look_for_drift(self, environment: str, tell: Callable[[str], None]) -> KnownDrift:
        from pgmig_tui.review.drift_kept import look

        return look(self.project, self._environment(environment), state_dir=self._state_dir, say=tell)[1]

    def deploy_watch(self, environment: str, run: str, *, keeps: bool = True) -> DeployWatch:
        from pgmig_tui.ui.backend.deploy_watch import EnvironmentDeployWatch

        return EnvironmentDeployWatch(self.project, self._environment(environment), self._state_dir, run, keeps=keeps)

    def sample_before(self, environment: str, over: Callable[[], bool], tell: Callable[[int], None]) -> str:
        from pgmig_tui.review.before import sample_before

        return sample_before(self.project, self._environment(environment), self._state_dir, over, tell)

    def runs(self) -> tuple[RunFacts, ...]:
        from pgmig_tui.run.journal.listing import list_runs

        mine = [run for run in list_runs(self._state_dir) if run.project in ("", self.project.plan.project)]
        newest: set[str] = set()
        found = []
        for run in mine:
            facts = _run_facts(run)
            if run.state == "failed" and run.environment not in newest:
                facts = replace(facts, failed_change_id=self._failed_change(run.run_id))
            newest.add(run.environment)
            found.append(facts)
        return tuple(found)

    def runs_elsewhere(self) -> tuple[RunFacts, ...]:
        from pgmig_tui.run.journal.listing import list_runs

        here = ("", self.project.plan.project)
        return tuple(_run_facts(run) for run in list_runs(self._state_dir) if run.project not in here)

    def _failed_change(self, run_id: str) -> str:
        if run_id not in self._failed:
            from pgmig_tui.run.journal.picture import picture_of

            steps = picture_of(self.attach(run_id).poll()).steps.values()
            self._failed[run_id] = next((step.change_id for step in steps if step.state == "failed"), "")
        return self._failed[run_id]

    def after_items(self, environment: str, command: str, run_id: str) -> tuple[ItemFacts, ...]:
        from pgmig_tui.ui.backend import gating

        folder = self._state_dir / "runs" / run_id
        return gating.after_items(self._environment(environment), command, folder, self.project.root)

    def answer_after(self, run_id: str, answered: Answered) -> str:
        from pgmig_tui.gates.gate import given
        from pgmig_tui.review.answered import keep_after

        by = str(self.project.operator)
        how: Literal["attest", "override"] = "attest" if answered.how == "attest" else "override"
        said = given(answered.item_id, how, answered.note, by, answered.at)
        return keep_after(self.project, self._state_dir / "runs" / run_id, [said], self._state_dir)

    def write(self, name: str, text: str) -> Path:
        return private.write_out(self._state_dir, name, text)


def _moment(text: str) -> datetime | None:
    """A time of the registry, which is UTC; None where there is none that can be read."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def facts_of(project: Project) -> ProjectFacts:
    """What the screens need of a project at once."""
    plan = project.plan
    needed: dict[str, int] = {}
    for change in plan.changes:
        for dependency in change.requires:
            if dependency.project in (None, plan.project) and dependency.change:
                needed[dependency.change] = needed.get(dependency.change, 0) + 1
    lines = tuple(
        PlanLine(
            change.change_id,
            change.name,
            tuple(tag.name for tag in change.tags),
            change.note,
            change.planner_name,
            change.planned_at,
            tuple(one.text for one in change.requires),
            tuple(one.text for one in change.conflicts),
            needed.get(change.name, 0),
            change.superseded_by is not None,
        )
        for change in plan.changes
    )
    foreign = tuple(f"{one.name}: {one.reason}" for one in project.foreign)
    return ProjectFacts(
        plan.project,
        project.root,
        project.operator.name,
        lines,
        tuple(_environment_facts(environment) for environment in project.environments),
        tags=len(plan.tags),
        foreign=(*foreign, *project.warnings),
    )


def _environment_facts(environment: Environment) -> EnvironmentFacts:
    target, policy = environment.target, environment.policy
    host, port = min(target.address.endpoints, default=("", ""))
    return EnvironmentFacts(
        environment.name,
        target.address.database,
        f"{host}:{port}" if port and host else host or "local",
        target.conninfo.get("user", ""),
        policy.protected,
        policy.confirm_word,
        environment.color,
        "" if policy.backup.kind == "dump" else policy.backup.kind,
    )


def _run_facts(run: RunSummary) -> RunFacts:
    return RunFacts(
        run.run_id,
        run.environment,
        run.command,
        run.state,
        run.started_at,
        run.finished_at or "",
        run.steps_done,
        run.steps,
        run.operator,
        run.host,
        paused=run.paused,
        under_way=run.under_way,
        project=run.project,
        in_doubt=run.in_doubt,
    )
