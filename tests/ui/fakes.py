"""A session that is fed by plain data, for screens that must not know the difference."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pgmig_tui.display.cells import Line
from pgmig_tui.errors import PgmigError
from pgmig_tui.gates.loss import NONE, Losses
from pgmig_tui.impact.modes import LockMode
from pgmig_tui.impact.result import (
    Advice,
    Blocks,
    DataLoss,
    Estimate,
    HeldLock,
    Lock,
    ScriptImpact,
    StatementImpact,
)
from pgmig_tui.review.receipt import Milliseconds
from pgmig_tui.review.rollback_steps import StepRow
from pgmig_tui.review.verify_evidence import VerifyEvidence
from pgmig_tui.run.journal.entry import Entry, event_of
from pgmig_tui.ui.backend.protocol import (
    Answered,
    ApprovalsFacts,
    Command,
    DoNotDeploy,
    EnvironmentFacts,
    Foreign,
    ImpactFacts,
    ItemFacts,
    LockSession,
    LockTree,
    Manner,
    PlanLine,
    ProjectFacts,
    Record,
    Reread,
    ReviewFacts,
    Rollback,
    RunFacts,
    ScriptKind,
    ScriptText,
    StatusFacts,
    StepFacts,
)
from tests.ui.environments import FakeEnvironments

if TYPE_CHECKING:
    from pgmig_tui.database.pulse import PulseBeat
    from pgmig_tui.review.drift_kept import KnownDrift
    from pgmig_tui.review.maintain_facts import Maintenance, Section
    from pgmig_tui.review.now import RightNow
    from pgmig_tui.review.watch_picture import WatchPicture

NOW = datetime(2026, 8, 20, 3, 14, 7, tzinfo=UTC)

NAMES = (
    "20240102_0001_create_schema",
    "20240103_0001_create_users",
    "20240104_0001_create_documents",
    "20240108_0001_document_status_enum",
    "20240110_0001_document_search",
    "20240115_0001_add_document_tags",
    "20240122_0001_row_level_security",
    "20240201_0001_index_documents_owner",
    "20240205_0001_document_size_bigint",
)

DEPLOY_SQL = """-- Deploy documents:20240205_0001_document_size_bigint to pg
-- why: files over 2 GB. risk: rewrites the table.
BEGIN;

SET LOCAL lock_timeout = '3s';
ALTER TABLE dms.documents
    ALTER COLUMN size TYPE bigint;

UPDATE dms.documents SET label = 'a "quoted" $$dollar$$ text' WHERE label IS NULL;

COMMIT;
"""


HOSTILE_SQL = "[/] [red]x[/red]"


def change_id(index: int) -> str:
    return f"{index:040x}"


def plan(count: int = len(NAMES)) -> tuple[PlanLine, ...]:
    lines = []
    for index in range(count):
        name = NAMES[index] if index < len(NAMES) else f"20250101_{index:04d}_generated_change"
        lines.append(
            PlanLine(
                change_id(index),
                name,
                tags=("v1.0",) if index == 4 else (),
                note="Tags on documents, so that they can be found by topic."
                if index == 5
                else "A change of the model.",
                planner="Maria Berg",
                planned_at="2024-01-15T09:00:00Z",
                requires=("20240104_0001_create_documents",) if index == 5 else (),
                needed_by=2 if index == 2 else 0,
            )
        )
    return tuple(lines)


ENVIRONMENTS = (
    EnvironmentFacts("dev", "documents_dev", "localhost:5432", "maria"),
    EnvironmentFacts("staging", "documents_staging", "db.staging.example.org:5432", "maria", color="yellow"),
    EnvironmentFacts(
        "production", "documents", "db1.eu.example.org:5432", "maria", protected=True, confirm_word="prod", color="red"
    ),
)


def facts(
    plan_lines: tuple[PlanLine, ...] | None = None, environments: tuple[EnvironmentFacts, ...] = ENVIRONMENTS
) -> ProjectFacts:
    return ProjectFacts("documents", Path("/srv/documents"), "Maria Berg", plan_lines or plan(), environments, tags=1)


def status(environment: str, deployed: int, lines: tuple[PlanLine, ...] | None = None, **more: Any) -> StatusFacts:
    lines = plan() if lines is None else lines
    return StatusFacts(
        environment,
        NOW - timedelta(seconds=2),
        True,
        server="PostgreSQL 18.6",
        user="maria",
        deployed=frozenset(line.change_id for line in lines[:deployed]),
        pending=tuple(line.change_id for line in lines[deployed:]),
        **more,
    )


def impact(kind: str = "deploy") -> ScriptImpact:
    lock = Lock("dms", "documents", "r", LockMode.ACCESS_EXCLUSIVE, "certain", "ALTER COLUMN TYPE")
    write = Lock("dms", "documents", "r", LockMode.ROW_EXCLUSIVE, "certain", "UPDATE")
    loss = DataLoss(3, ("dms.documents.size above 2147483647",)) if kind == "revert" else DataLoss()
    return ScriptImpact(
        f"{kind}/20240205_0001_document_size_bigint.sql",
        True,
        (
            StatementImpact(3, 3, "BEGIN", "BEGIN", transaction_control="begin"),
            StatementImpact(5, 5, "SET LOCAL lock_timeout = '3s'", "SET"),
            StatementImpact(
                6,
                7,
                "ALTER TABLE dms.documents ALTER COLUMN size TYPE bigint",
                "ALTER TABLE",
                locks=(lock,),
                rewrites=("dms.documents",),
                blocks=Blocks(True, True, True),
                held_until_line=11,
                estimated_ms=Estimate(1200, 4000),
                rows=200_000,
                bytes=96_000_000,
                data_loss=loss,
                risk="critical",
                advice=(
                    Advice(
                        "type-change",
                        "Add a new column, copy in batches, then swap the names.",
                        "ALTER TABLE dms.documents ADD COLUMN size_new bigint;",
                    ),
                ),
            ),
            StatementImpact(
                9, 9, "UPDATE dms.documents", "UPDATE", locks=(write,), held_until_line=11, rows=1200, risk="low"
            ),
            StatementImpact(11, 11, "COMMIT", "COMMIT", transaction_control="commit"),
        ),
        (HeldLock("dms", "documents", LockMode.ACCESS_EXCLUSIVE, 6, 11),),
    )


def in_the_way() -> RightNow:
    """A reader that has been idle in its transaction for 14 minutes, on the table that is to be rewritten."""
    from pgmig_tui.database.activity import Now, RelationLock, ServerSession, Traffic
    from pgmig_tui.impact.facts import Name
    from pgmig_tui.review.now import Rate, RightNow, SessionAhead, WantedLock

    name = Name("dms", "documents")
    session = ServerSession(
        777, "bob", "reporting", "10.1.2.3", "client backend", "idle in transaction", 862.0, False, "then", "SELECT 1"
    )
    lock = RelationLock("dms", "documents", "AccessShareLock", True, None, None, None, replace(session, state_s=860.0))
    wanted = WantedLock(name, LockMode.ACCESS_EXCLUSIVE)
    now = Now((lock,), (session,), 0, (Traffic("dms", "documents", 200_000, 96_000_000, 1.0, 1.0, 1.0, 1.0),))
    rates = ((name, Rate(230.0, 12_000.0, 35.0)),)
    return RightNow("", NOW, (wanted,), now, (SessionAhead(wanted, lock),), rates)


ITEMS = (
    ItemFacts("connection", "Server reachable and the right one", "check", "PASS", "PostgreSQL 18.6"),
    ItemFacts("window", "Schedule maintenance window if needed", "attested", "UNKNOWN", blocks=True),
    ItemFacts("notify", "Notify stakeholders", "attested", "UNKNOWN", blocks=True),
    ItemFacts("backup", "Backup database", "performed", "PASS", "pg_dump 00:02:11Z, decoded"),
    ItemFacts(
        "long-transactions",
        "No long transactions",
        "check",
        "FAIL",
        "pid 777 idle in transaction 00:14:20",
        blocks=True,
    ),
)


def event(at: str, name: str, data: Mapping[str, Any]) -> Entry:
    """An event as the journal of a run tells it."""
    return Entry(0, at, "run-1", event_of(name, data))


@dataclass(frozen=True)
class Prepare:
    environment: str
    command: Command
    to: str | None = None
    how: Manner = "run"


@dataclass(frozen=True)
class LookBack:
    environment: str
    to: str | None = None
    save: bool | None = None


@dataclass(frozen=True)
class LookNow:
    environment: str


@dataclass(frozen=True)
class AskEvidence:
    environment: str
    change_id: str


@dataclass(frozen=True)
class Attach:
    run_id: str


@dataclass(frozen=True)
class WatchForeign:
    environment: str


@dataclass(frozen=True)
class WatchLocks:
    environment: str


@dataclass(frozen=True)
class BackUp:
    environment: str


@dataclass(frozen=True)
class AnswerAfter:
    run_id: str
    answered: Answered


Call = Prepare | LookBack | LookNow | AskEvidence | Attach | WatchForeign | WatchLocks | BackUp | AnswerAfter


@dataclass(frozen=True)
class EndSession:
    """`how` is what was asked of a session, which its pid and its time of connection tell apart."""

    pid: int
    started: str
    how: Literal["cancel", "terminate"]


@dataclass
class FakeWatch:
    """A run whose journal the test writes; `sent` are the commands that it was told, with their arguments."""

    run_id: str = "20260820-031500-ab12"
    unread: list[Entry] = field(default_factory=list)
    lives: bool = True
    sent: list[tuple[str, ...]] = field(default_factory=list)
    controller: str = ""
    told: list[Entry] = field(default_factory=list)

    def take_control(self) -> bool:
        return not self.controller

    def controlled_by(self) -> str:
        return self.controller

    behind: bool = False
    estimates: Mapping[int, float] = field(default_factory=dict)

    def poll(self, most: int | None = None) -> Sequence[Entry]:
        read, self.unread = self.unread, []
        self.told += read
        return read

    def again(self) -> None:
        """Whoever attaches reads the journal from its beginning."""
        self.unread, self.told = [*self.told, *self.unread], []

    def alive(self) -> bool:
        return self.lives

    def send(self, command: str, *arguments: str) -> None:
        self.sent.append((command, *arguments))


@dataclass
class FakePulse:
    """How an environment does, as the test writes it; after that it doesn't answer."""

    beats: list[PulseBeat] = field(default_factory=list)
    refusal: PgmigError | None = None
    over: threading.Event = field(default_factory=threading.Event)

    def read(self) -> PulseBeat:
        if self.refusal is not None:
            raise self.refusal
        if not self.beats:
            self.over.wait()
            raise PgmigError("closed")
        return self.beats.pop(0)

    def close(self) -> None:
        self.over.set()


@dataclass
class FakeLocks:
    """A lock tree that the test writes; `ended` is what was asked for."""

    sessions: tuple[LockSession, ...] = ()
    problem: str = ""
    ended: list[EndSession] = field(default_factory=list)
    refusal: PgmigError | None = None
    gone: bool = False
    closed: bool = False

    def read(self) -> LockTree:
        return LockTree(NOW, self.sessions, self.problem)

    def end(self, pid: int, started: str, *, terminate: bool) -> bool:
        if self.refusal is not None:
            raise self.refusal
        self.ended.append(EndSession(pid, started, "terminate" if terminate else "cancel"))
        return not self.gone

    def close(self) -> None:
        self.closed = True


@dataclass
class FakeForeign:
    """A run of another account that the test writes; `asked` is what was done to it."""

    seen: Foreign = field(default_factory=lambda: Foreign(NOW))
    asked: list[EndSession | Literal["stop"]] = field(default_factory=list)
    refusal: PgmigError | None = None
    gone: bool = False
    closed: bool = False

    def read(self) -> Foreign:
        return self.seen

    def cancel(self, pid: int, started: str) -> bool:
        if self.refusal is not None:
            raise self.refusal
        self.asked.append(EndSession(pid, started, "cancel"))
        return not self.gone

    def stop(self, told: Callable[[str], None]) -> None:
        if self.refusal is not None:
            raise self.refusal
        told("stopping it")
        self.asked.append("stop")

    def close(self) -> None:
        self.closed = True


@dataclass
class FakeDeployWatch:
    """What the test says that a deploy has done; `asked` is of which run."""

    seen: WatchPicture | None = None
    problem: PgmigError | None = None
    asked: str = ""
    looks: int = 0
    closed: bool = False

    def look(self) -> WatchPicture:
        self.looks += 1
        if self.problem is not None:
            raise self.problem
        assert self.seen is not None
        return self.seen

    def close(self) -> None:
        self.closed = True


@dataclass(frozen=True)
class UnderReview:
    """What a review of a deploy finds. `loses`: its last change does; `doubts` are what may be lost besides."""

    items: tuple[ItemFacts, ...] = ITEMS
    refusals: tuple[str, ...] = ()
    creates: tuple[str, ...] = ()
    marks: tuple[DoNotDeploy, ...] = ()
    loses: bool = False
    doubts: tuple[str, ...] = ()
    script_hash: str = "9f31"


@dataclass(frozen=True)
class WayBack:
    """What stands in a rollback's way. `running` is a run that is stopped first, `nothing` why there is nothing to roll
    back, and `first` the point that may be meant then."""

    items: tuple[ItemFacts, ...] = ()
    running: str = ""
    nothing: str = ""
    first: int | None = None


class FakeSession(FakeEnvironments):
    """`calls` lists what the screens asked for; `started` what they started, which most tests want to stay empty."""

    read_only = ""

    def __init__(self, its_facts: ProjectFacts | None = None) -> None:
        super().__init__()
        self.facts = its_facts or facts()
        self.standings: dict[str, StatusFacts] = {}
        self.calls: list[Call] = []
        self.started: list[tuple[ReviewFacts, tuple[Answered, ...]]] = []
        self.rolled_back: list[tuple[Rollback, tuple[Answered, ...]]] = []
        self.watch = FakeWatch()
        self.locks = FakeLocks()
        self.pulse = FakePulse()
        self.foreign = FakeForeign()
        self.deployed = FakeDeployWatch()
        self.sampled: list[str] = []
        self.maintained: Maintenance | None = None
        self.went_through: list[str] = []
        self.drift: dict[str, KnownDrift] = {}
        self.found_drift: KnownDrift | None = None
        self.looked: list[str] = []
        self.approving = ApprovalsFacts("")
        self.approving_error: PgmigError | None = None
        self.decided: list[tuple[str, str, str, str]] = []
        self.unsampled = ""
        self.spoken = VerifyEvidence(True, "verify/x.sql on production passed in 12 ms")
        self.listed: tuple[RunFacts, ...] = ()
        self.review = UnderReview()
        self.back = WayBack()
        self.start_error: PgmigError | None = None
        self.looks = 0
        self.look_error: PgmigError | None = None
        """Raised when the last question looks again."""
        self.found: Callable[[Any], Any] | None = None
        """What the last question finds of what it was opened with."""
        self.chosen: dict[str, str] = {}
        self.ignored = ""
        self.lifted: list[tuple[str, tuple[str, ...], str]] = []
        self.said: dict[tuple[str, str], tuple[str, tuple[Answered, ...]]] = {}
        self.prepare_error: PgmigError | None = None
        self.incident_error: PgmigError | None = None
        self.written: dict[str, str] = {}
        self.texts: dict[str, str] = {}
        self.impacts: dict[str, ScriptImpact] = {}
        self.judged: list[tuple[str, str]] = []
        """Environment and change of each deploy script that was judged by its text alone."""
        self.judged_apart: set[str] = set()
        """Changes whose scripts mean something else in each environment."""
        self.hold = threading.Event()
        self.hold.set()

    def preferred(self, name: str) -> str:
        return self.chosen.get(name, "")

    def preferences_trouble(self) -> str:
        return self.ignored

    def prefer(self, name: str, value: str) -> None:
        self.chosen[name] = value

    def reread(self) -> Reread | None:
        return None

    def changed_scripts(self) -> tuple[str, ...]:
        return ()

    def others(self, its_facts: ProjectFacts) -> Reread:
        """The project as it is on disk now."""

        def take() -> None:
            self.facts = its_facts

        return Reread(its_facts, take)

    def status(self, environment: str) -> StatusFacts:
        return self.standings[environment]

    def script(self, change_id: str, kind: ScriptKind) -> ScriptText:
        line = next(line for line in self.facts.plan if line.change_id == change_id)
        path = f"{kind}/{line.name}.sql"
        if kind == "verify":
            return ScriptText(change_id, kind, path, problem=f"{path} does not exist")
        return ScriptText(change_id, kind, path, self.texts.get(kind, DEPLOY_SQL), "9f31c2a0")

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
        if kind == "verify":
            return ImpactFacts(None, problem="there is no verify script")
        if kind == "deploy" and not live:
            self.judged.append((environment, change_id))
        told = self.impacts.get(f"{kind} {change_id}") or self.impacts.get(kind) or impact(kind)
        return ImpactFacts(replace(told, catalog=live), server="PostgreSQL 18.6" if live else "", live=live)

    def judged_alike(self, change_id: str, kind: ScriptKind, environment: str, before: Sequence[str]) -> Hashable:
        return environment if change_id in self.judged_apart else ""

    def now(self, environment: str, impact: ScriptImpact, before: RightNow | None) -> RightNow:
        self.calls.append(LookNow(environment))
        return replace(in_the_way(), environment=environment)

    def prepare(
        self,
        environment: str,
        command: Command,
        to: str | None,
        *,
        how: Manner = "run",
        so_far: Callable[[ReviewFacts], None] | None = None,
    ) -> ReviewFacts:
        self.hold.wait(5)
        self.calls.append(Prepare(environment, command, to, how))
        if self.prepare_error is not None:
            raise self.prepare_error
        if self.review.marks and command == "deploy" and how != "try":
            return ReviewFacts(environment, command, "", (), marks=self.review.marks)
        names = NAMES[5:] if command == "deploy" else tuple(reversed(NAMES[7:9]))
        steps = tuple(
            StepFacts(
                number + 1,
                command,
                name,
                change_id(NAMES.index(name)),
                "stepwise" if "index" in name else "atomic",
                "CREATE INDEX CONCURRENTLY can't run in a transaction" if "index" in name else "",
                "inside",
                "ACCESS EXCLUSIVE"
                if "size" in name
                else "SHARE UPDATE EXCLUSIVE"
                if "index" in name
                else "ROW EXCLUSIVE",
                "dms.documents",
                rewrites="size" in name,
                risk="critical" if "size" in name else "low",
                losses=Losses(
                    ("dms.documents.size above 2147483647",) if command == "revert" or self.review.loses else (),
                    self.review.doubts,
                )
                if "size" in name
                else NONE,
                script_hash=self.review.script_hash,
            )
            for number, name in enumerate(names)
        )
        return self.recalling(
            ReviewFacts(
                environment,
                command,
                "run-1",
                steps[:1] if command == "backfill" else steps,
                self.review.items,
                self.review.refusals,
                creates=self.review.creates,
                to="" if command == "backfill" else to or "",
                told=((("| ", "muted"), ("UPDATE dms.documents", "plain")),) if command == "backfill" else (),
                accepts=Losses(
                    tuple(what for step in steps for what in step.losses.known),
                    self.review.doubts if environment == "production" else (),
                ),
            )
        )

    def recorded(self, run_id: str, path: str) -> str:
        return self.texts.get("recorded", DEPLOY_SQL)

    def evidence(self, environment: str, change_id: str) -> VerifyEvidence:
        self.calls.append(AskEvidence(environment, change_id))
        return self.spoken

    def recalling(self, review: ReviewFacts) -> ReviewFacts:
        """As the real one: what was attested of the same scripts stands, all else is offered."""
        script_hash, said = self.said.get((review.environment, review.command), ("", ()))
        same = script_hash == self.review.script_hash
        seen = {item.id for item in review.items if item.seen}
        stands = tuple(one for one in said if same and one.how == "attest" and one.item_id not in seen)
        why = "a reason holds for what was found" if same else "the script of x has changed since"
        again = {one.item_id: (one.note, why) for one in said if one not in stands}
        return replace(review, recalled=stands, again=again)

    def keep(self, review: ReviewFacts, answers: Sequence[Answered]) -> str:
        self.said[(review.environment, review.command)] = (self.review.script_hash, tuple(answers))
        return ""

    def answer(self, review: ReviewFacts, answers: Sequence[Answered]) -> ReviewFacts:
        said = {answer.item_id: answer for answer in answers}
        items = []
        for item in self.review.items:
            answer = said.get(item.id)
            if answer is not None:
                item = replace(item, answered=answer.note, overridden=answer.how == "override", blocks=False)
            items.append(item)
        return replace(review, items=tuple(items))

    def look_again(self, review: ReviewFacts, answers: Sequence[Answered]) -> ReviewFacts:
        self.looks += 1
        if self.look_error is not None:
            raise self.look_error
        return self.answer(review, answers) if self.found is None else self.found(review)

    def look_back_again(self, rollback: Rollback, answers: Sequence[Answered]) -> Rollback:
        self.looks += 1
        if self.look_error is not None:
            raise self.look_error
        return rollback if self.found is None else self.found(rollback)

    def start(self, review: ReviewFacts, answers: Sequence[Answered]) -> FakeWatch:
        self.started.append((review, tuple(answers)))
        return self.watch

    def lift(self, environment: str, change_ids: Sequence[str], reason: str, tell: Callable[[str], None]) -> None:
        self.lifted.append((environment, tuple(change_ids), reason))
        self.review = replace(self.review, marks=())

    def look_back(self, environment: str, to: str | None, save: bool | None) -> Rollback:
        self.hold.wait(5)
        self.calls.append(LookBack(environment, to, save))
        if self.prepare_error is not None:
            raise self.prepare_error
        loses = () if save else ("dms.documents.size: 1,204 values, at most 17 of them written since the deploy",)
        told: list[Line] = [(("  LOSES ", "failed"), (loses[0], "plain"))] if loses else []
        if save:
            told = [(("  SAVES ", "done"), ("keeps dms.documents.size in schema pgmig_keep for 30 days", "plain"))]
        steps = tuple(
            StepRow(
                number, NAMES[index], mode, "it holds CONCURRENTLY" if number == 1 else "", 0, high, lock,
                "dms.documents", ("dms.documents",) if number == 2 else (), "loses" if number == 2 else "none",
                readers=Milliseconds(0, high if number == 2 else 0), writers=Milliseconds(0, high),
            )
            for number, index, mode, high, lock in (
                (1, 8, "stepwise", 40, "SHARE UPDATE EXCLUSIVE"), (2, 7, "atomic", 12000, "ACCESS EXCLUSIVE")
            )
        )  # fmt: skip
        head = "Roll back run 20260820-030900-ab12 (Maria Berg, 4 min 10 s ago, FAILED, 2 of 3), back to x @v2.8"
        found = Rollback(
            environment, run="20260820-030900-ab12", head=(((head, "strong"),),), steps=steps, keep="x @v2.8",
            sql=(((f"  1:4   DROP INDEX CONCURRENTLY dms.i; -- {HOSTILE_SQL}", "plain"),),),
            scripts=(
                (("1  revert/20240205_0001_document_size_bigint.sql", "title"),),
                (("DROP INDEX", "keyword"), (" CONCURRENTLY dms.i; ", "plain"), (f"-- {HOSTILE_SQL}", "comment")),
            ),
            dry=((("ROLL BACK on production", "strong"),), (("Nothing was done. It would be: pgmig-tui", "plain"),)),
            evidence=((("+ ", "done"), ("2 deploy scripts as deployed, by hash", "plain")),
                      (("! ", "waiting"), ("never tried, as far as is known", "plain"))),
            losses=tuple(told), loses=Losses(loses), saves=bool(save), running=self.back.running, items=self.back.items,
            elsewhere="another account" in self.back.running,
            command="pgmig-tui rollback production --accept-data-loss --confirm prod",
            points=(*(change_id(index) for index in (8, 7, 6, 5)), ""), kept=2 if to is None else 3,
        )  # fmt: skip
        if not self.back.nothing or to is not None:
            return found
        guess: list[Line] = [(("  ? ", "stale"), ("perhaps a guess, by times [/]", "plain"))]
        candidate = tuple(guess) if self.back.first is not None else ()
        return replace(
            found,
            nothing=self.back.nothing,
            steps=(),
            scripts=(),
            dry=(),
            run="",
            kept=0,
            first=self.back.first,
            candidate=candidate,
        )

    def answer_back(self, rollback: Rollback, answers: Sequence[Answered]) -> Rollback:
        return replace(
            rollback,
            items=tuple(
                replace(item, blocks=False, answered="so", summary=f"{item.summary}; overridden: so (Maria)")
                for item in rollback.items
            ),
        )

    def roll_back(self, rollback: Rollback, answers: Sequence[Answered]) -> FakeWatch | None:
        if self.start_error is not None:
            raise self.start_error
        self.rolled_back.append((rollback, tuple(answers)))
        return None if rollback.nothing else self.watch

    def incident(self, run_id: str) -> Record:
        if self.incident_error is not None:
            raise self.incident_error
        return Record(f"# Incident: [/] {run_id}\n\n- now: fine", f"ROLLED BACK {run_id}\n", True)

    def attach(self, run_id: str) -> FakeWatch:
        self.calls.append(Attach(run_id))
        self.watch.run_id = run_id
        self.watch.again()
        return self.watch

    def foreign_watch(self, environment: str) -> FakeForeign:
        self.calls.append(WatchForeign(environment))
        return self.foreign

    def deploy_watch(self, environment: str, run: str, *, keeps: bool = True) -> FakeDeployWatch:
        self.deployed.asked = f"{environment} {run}".strip()
        return self.deployed

    def approvals(self, environment: str) -> ApprovalsFacts:
        if self.approving_error is not None:
            raise self.approving_error
        return replace(self.approving, environment=environment)

    def decide(
        self, facts: ApprovalsFacts, decision: Literal["approve", "reject"], role: str, note: str, key: str
    ) -> str:
        if self.start_error is not None:
            raise self.start_error
        self.decided.append((decision, role, note, key))
        return f"{role}: recorded"

    def revoke(self, facts: ApprovalsFacts, number: int, note: str) -> str:
        self.decided.append(("revoke", str(number), note, ""))
        return "revoked"

    def known_drift(self) -> Mapping[str, KnownDrift]:
        return dict(self.drift)

    def look_for_drift(self, environment: str, tell: Callable[[str], None]) -> KnownDrift:
        self.looked.append(environment)
        tell("deploying 9 changes [/]")
        self.hold.wait(30)
        if self.start_error is not None:
            raise self.start_error
        assert self.found_drift is not None
        self.drift[environment] = self.found_drift
        return self.found_drift

    def maintain(self, environment: str, heard: Callable[[Section], None]) -> Maintenance:
        assert self.maintained is not None
        for one in self.maintained.sections:
            heard(one)
        return replace(self.maintained, environment=environment)

    def gone_through(self, environment: str, found: Maintenance) -> None:
        if self.start_error is not None:
            raise self.start_error
        self.went_through.append(environment)

    def sample_before(self, environment: str, over: Callable[[], bool], tell: Callable[[int], None]) -> str:
        self.sampled.append(environment)
        return self.unsampled

    def pulse_watch(self, environment: str) -> FakePulse:
        if not self.pulse.beats:
            from pgmig_tui.database.pulse import PulseBeat  # brings the driver along

            self.pulse.beats.append(PulseBeat(0.0, 2.0, 412.3, 45.0, None, 3_145_728.0))
        return self.pulse

    def lock_watch(self, environment: str) -> FakeLocks:
        self.calls.append(WatchLocks(environment))
        return self.locks

    def runs(self) -> tuple[RunFacts, ...]:
        return self.listed

    def backup(
        self, review: ReviewFacts, stopping: Callable[[], bool], tell: Callable[[str, str], None]
    ) -> ReviewFacts:
        self.calls.append(BackUp(review.environment))
        return replace(review, items=(*review.items, ItemFacts("made", "Backup made", "performed", "PASS", "dump")))

    def after_items(self, environment: str, command: str, run_id: str) -> tuple[ItemFacts, ...]:
        return (
            ItemFacts("functionality", "Verify application functionality", "attested", "UNKNOWN"),
            ItemFacts("performance", "Monitor performance metrics", "attested", "UNKNOWN"),
            ItemFacts("indexes", "No invalid index", "check", "PASS", "0 found"),
        )

    def answer_after(self, run_id: str, answered: Answered) -> str:
        self.calls.append(AnswerAfter(run_id, answered))
        return ""

    def write(self, name: str, text: str) -> Path:
        self.written[name] = text
        return Path("/srv/state") / name
