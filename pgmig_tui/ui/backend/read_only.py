"""A session that only looks: what would start, stop, answer, end or write anything says no, whichever key asked for it.

Each call stands here by name, so that a new one of `Backend` is a decision and never a hole.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NoReturn

from pgmig_tui.errors import Refused
from pgmig_tui.ui.backend.protocol import (
    Answered,
    ApprovalsFacts,
    Backend,
    Command,
    DeployWatch,
    Foreign,
    ForeignWatch,
    ImpactFacts,
    ItemFacts,
    LockTree,
    LockWatch,
    Manner,
    ProjectFacts,
    PulseWatch,
    Record,
    Reread,
    ReviewFacts,
    Rollback,
    RunFacts,
    ScriptKind,
    ScriptText,
    StatusFacts,
    Watch,
)

if TYPE_CHECKING:
    from pgmig_tui.display.cells import Line
    from pgmig_tui.impact.result import ScriptImpact
    from pgmig_tui.review.deployed_compared import Compared
    from pgmig_tui.review.drift_kept import KnownDrift
    from pgmig_tui.review.history import History
    from pgmig_tui.review.maintain_facts import Maintenance, Section
    from pgmig_tui.review.now import RightNow
    from pgmig_tui.review.settling import SettlingDecision
    from pgmig_tui.review.undoing import KeptRun
    from pgmig_tui.review.verify_evidence import VerifyEvidence
    from pgmig_tui.run.journal.entry import Entry
    from pgmig_tui.ui.backend.actions import Settled
    from pgmig_tui.ui.backend.environment_facts import HealthFacts


class ReadOnlySession:
    """`session`, as far as it changes nothing; `reason` is the sentence with which all else is refused, and `do` what a
    person can do about it. Raises Refused there."""

    def __init__(self, session: Backend, reason: str, do: str) -> None:
        self._session = session
        self.read_only = reason
        self._refuse = ReadOnlyRefusal(reason, do)

    # Looking

    @property
    def facts(self) -> ProjectFacts:
        return self._session.facts

    def preferred(self, name: str) -> str:
        return self._session.preferred(name)

    def preferences_trouble(self) -> str:
        return self._session.preferences_trouble()

    def reread(self) -> Reread | None:
        return self._session.reread()

    def changed_scripts(self) -> tuple[str, ...]:
        return self._session.changed_scripts()

    def status(self, environment: str) -> StatusFacts:
        return self._session.status(environment)

    def script(self, change_id: str, kind: ScriptKind) -> ScriptText:
        return self._session.script(change_id, kind)

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
        return self._session.impact(
            change_id, kind, environment, live=live, pending=pending, before=before, so_far=so_far
        )

    def judged_alike(self, change_id: str, kind: ScriptKind, environment: str, before: Sequence[str]) -> Hashable:
        return self._session.judged_alike(change_id, kind, environment, before)

    def now(self, environment: str, impact: ScriptImpact, before: RightNow | None) -> RightNow:
        return self._session.now(environment, impact, before)

    def prepare(
        self,
        environment: str,
        command: Command,
        to: str | None,
        *,
        how: Manner = "run",
        so_far: Callable[[ReviewFacts], None] | None = None,
    ) -> ReviewFacts:
        return self._session.prepare(environment, command, to, how=how, so_far=so_far)

    def recorded(self, run_id: str, path: str) -> str:
        return self._session.recorded(run_id, path)

    def evidence(self, environment: str, change_id: str) -> VerifyEvidence:
        return self._session.evidence(environment, change_id)

    def answer(self, review: ReviewFacts, answers: Sequence[Answered]) -> ReviewFacts:
        return self._session.answer(review, answers)

    def look_again(self, review: ReviewFacts, answers: Sequence[Answered]) -> ReviewFacts:
        return self._session.look_again(review, answers)

    def look_back_again(self, rollback: Rollback, answers: Sequence[Answered]) -> Rollback:
        return self._session.look_back_again(rollback, answers)

    def look_back(self, environment: str, to: str | None, save: bool | None) -> Rollback:
        return self._session.look_back(environment, to, save)

    def answer_back(self, rollback: Rollback, answers: Sequence[Answered]) -> Rollback:
        return self._session.answer_back(rollback, answers)

    def incident(self, run_id: str) -> Record:
        return self._session.incident(run_id)

    def attach(self, run_id: str) -> Watch:
        return ReadOnlyWatch(self._session.attach(run_id), self._refuse)

    def runs(self) -> tuple[RunFacts, ...]:
        return self._session.runs()

    def pulse_watch(self, environment: str) -> PulseWatch:
        return self._session.pulse_watch(environment)

    def runs_elsewhere(self) -> tuple[RunFacts, ...]:
        return self._session.runs_elsewhere()

    def lock_watch(self, environment: str) -> LockWatch:
        return ReadOnlyLocks(self._session.lock_watch(environment), self._refuse)

    def foreign_watch(self, environment: str) -> ForeignWatch:
        return ReadOnlyForeign(self._session.foreign_watch(environment), self._refuse)

    def after_items(self, environment: str, command: str, run_id: str) -> tuple[ItemFacts, ...]:
        return self._session.after_items(environment, command, run_id)

    def deploy_watch(self, environment: str, run: str, *, keeps: bool = True) -> DeployWatch:
        """Of what is seen nothing is kept."""
        return self._session.deploy_watch(environment, run, keeps=False)

    def approvals(self, environment: str) -> ApprovalsFacts:
        return self._session.approvals(environment)

    def health(self, environment: str) -> HealthFacts:
        return self._session.health(environment)

    def history(self, environment: str) -> History:
        return self._session.history(environment)

    def kept(self, environment: str) -> Sequence[KeptRun]:
        return self._session.kept(environment)

    def compare(self, here: str, there: str) -> Compared:
        return self._session.compare(here, there)

    def drift_between(self, here: str, there: str) -> Sequence[Line]:
        return self._session.drift_between(here, there)

    def known_drift(self) -> Mapping[str, KnownDrift]:
        return self._session.known_drift()

    def maintain(self, environment: str, heard: Callable[[Section], None]) -> Maintenance:
        return self._session.maintain(environment, heard)

    # Changing

    def decide(
        self, facts: ApprovalsFacts, decision: Literal["approve", "reject"], role: str, note: str, key: str
    ) -> str:
        self._refuse()

    def revoke(self, facts: ApprovalsFacts, number: int, note: str) -> str:
        self._refuse()

    def look_for_drift(self, environment: str, tell: Callable[[str], None]) -> KnownDrift:
        """It starts a server on this machine, and keeps what was found."""
        self._refuse()

    def settle(
        self, environment: str, word: str, tell: Callable[[str], None], decision: SettlingDecision | None = None
    ) -> Settled:
        self._refuse()

    def undo(
        self,
        environment: str,
        run: str,
        word: str,
        tell: Callable[[str], None],
        overwrite: Sequence[str] | None = None,
    ) -> Sequence[Line]:
        self._refuse()

    def rehearse(self, environment: str, tell: Callable[[str], None]) -> Sequence[Line]:
        """It starts a server on this machine, and keeps what was measured."""
        self._refuse()

    def test(self, environment: str, tell: Callable[[str], None]) -> Sequence[Line]:
        """As a rehearsal."""
        self._refuse()

    def gone_through(self, environment: str, found: Maintenance) -> None:
        self._refuse()

    def sample_before(self, environment: str, over: Callable[[], bool], tell: Callable[[int], None]) -> str:
        return self.read_only

    def prefer(self, name: str, value: str) -> None:
        self._refuse()

    def keep(self, review: ReviewFacts, answers: Sequence[Answered]) -> str:
        return self.read_only

    def start(self, review: ReviewFacts, answers: Sequence[Answered]) -> Watch:
        self._refuse()

    def lift(self, environment: str, change_ids: Sequence[str], reason: str, tell: Callable[[str], None]) -> None:
        self._refuse()

    def roll_back(self, rollback: Rollback, answers: Sequence[Answered]) -> Watch | None:
        self._refuse()

    def backup(
        self, review: ReviewFacts, stopping: Callable[[], bool], tell: Callable[[str, str], None]
    ) -> ReviewFacts:
        self._refuse()

    def answer_after(self, run_id: str, answered: Answered) -> str:
        self._refuse()

    def write(self, name: str, text: str) -> Path:
        self._refuse()


class ReadOnlyRefusal:
    """Says no. Raises Refused whenever it is called."""

    def __init__(self, reason: str, do: str) -> None:
        self._reason = reason
        self._do = do

    def __call__(self) -> NoReturn:
        raise Refused(self._reason, now="Nothing was changed.", do=self._do)


class ReadOnlyWatch:
    """A run that is read and never told anything: whoever controls it goes on doing so."""

    def __init__(self, watch: Watch, refuse: ReadOnlyRefusal) -> None:
        self._watch = watch
        self._refuse = refuse

    @property
    def run_id(self) -> str:
        return self._watch.run_id

    @property
    def behind(self) -> bool:
        return self._watch.behind

    @property
    def estimates(self) -> Mapping[int, float]:
        return self._watch.estimates

    def poll(self, most: int | None = None) -> Sequence[Entry]:
        return self._watch.poll(most)

    def alive(self) -> bool:
        return self._watch.alive()

    def take_control(self) -> bool:
        return False

    def controlled_by(self) -> str:
        return self._watch.controlled_by()

    def send(self, command: str, *arguments: str) -> object:
        self._refuse()


class ReadOnlyLocks:
    """Locks that are looked at; no session is ended."""

    def __init__(self, watch: LockWatch, refuse: ReadOnlyRefusal) -> None:
        self._watch = watch
        self._refuse = refuse

    def read(self) -> LockTree:
        return self._watch.read()

    def end(self, pid: int, started: str, *, terminate: bool) -> bool:
        self._refuse()

    def close(self) -> None:
        self._watch.close()


class ReadOnlyForeign:
    """A run of another account that is looked at; nothing of it is ended."""

    def __init__(self, watch: ForeignWatch, refuse: ReadOnlyRefusal) -> None:
        self._watch = watch
        self._refuse = refuse

    def read(self) -> Foreign:
        return self._watch.read()

    def cancel(self, pid: int, started: str) -> bool:
        self._refuse()

    def stop(self, told: Callable[[str], None]) -> None:
        self._refuse()

    def close(self) -> None:
        self._watch.close()
