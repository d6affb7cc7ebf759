"""A session in which everything is there many times, and the journals of long runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from pgmig_tui.display.activity import Blocker
from pgmig_tui.display.cells import Line, line
from pgmig_tui.gates.loss import Losses
from pgmig_tui.impact.result import DataLoss, ScriptImpact
from pgmig_tui.review.deployed_compared import Compared, Side, Unlike
from pgmig_tui.review.history import History
from pgmig_tui.review.rollback_steps import StepRow
from pgmig_tui.review.verify_evidence import VerifyEvidence
from pgmig_tui.run.journal.entry import Entry
from pgmig_tui.ui.backend.environment_facts import HealthFacts
from pgmig_tui.ui.backend.protocol import (
    ApprovalsFacts,
    Command,
    Foreign,
    ForeignSession,
    ItemFacts,
    LockSession,
    Manner,
    Record,
    ReviewFacts,
    RoleFacts,
    Rollback,
    RunFacts,
    StepFacts,
)
from tests.ui.environments import deed, item
from tests.ui.fakes import NOW, FakeSession, UnderReview, change_id, facts, impact, plan
from tests.ui.fakes import event as event_at
from tests.ui.watched import seen

MANY = 500
"""Ten times the rows that fit into 160x50."""
AT = "2026-08-20T03:13:00Z"


def lost(many: int) -> tuple[str, ...]:
    return tuple(f"all rows of public.a_table_{n}" for n in range(many))


def long_text(many: int) -> str:
    return " ".join(f"word-{n}-of-a-long-text" for n in range(many))


def step_facts(number: int) -> StepFacts:
    name = f"20250101_{number:04d}_generated_change"
    return StepFacts(number, "deploy", name, change_id(number), "atomic", lock="ROW EXCLUSIVE", relation="public.t")


def step_row(number: int) -> StepRow:
    name = f"20250101_{number:04d}_generated_change"
    return StepRow(number, name, "atomic", "", 0, 10, "ROW EXCLUSIVE", "public.t", data="none")


class Crowded(FakeSession):
    """A session in which everything is there that often."""

    def __init__(self, many: int = MANY) -> None:
        super().__init__(facts(plan(many)))
        self.many, self.lost, long = many, lost(many), long_text(many)
        self.texts = dict.fromkeys(
            ("deploy", "revert", "recorded"), "".join(f"SELECT {n};\n" for n in range(1, many + 1))
        )
        self.impacts["deploy"] = many_findings(many)
        self.impacts["revert"] = many_losses(self.lost)
        self.spoken = VerifyEvidence(None, problem=long)
        items = tuple(
            ItemFacts(f"item-{n}", f"Item {n} of the checklist", "attested", "UNKNOWN", "" if n else long, blocks=True)
            for n in range(many)
        )
        self.review = UnderReview(items)
        self.listed = tuple(
            RunFacts(f"run-{n:04d}", "dev", "deploy", "finished", f"2026-08-{n % 20 + 1:02d}T02:41:10Z", AT, 2, 2)
            for n in range(many)
        )
        self.healthy = HealthFacts((), "", tuple(item(f"{n}", "PASS") for n in range(many)))
        side = Side(1, AT, "Maria", "aa", ())
        unlike = tuple(Unlike("only here", f"change_{n:04d}", change_id(n), side, None) for n in range(many))
        self.compared = Compared("dev", "staging", unlike)
        self.past = History("dev", "documents", tuple(deed(n) for n in range(many)), ())
        self.locks.sessions = tuple(LockSession(blocker(n)) for n in range(1, many + 1))
        roles = tuple(RoleFacts(f"role {n}", "missing", "x", () if n else (*long.split(), long)) for n in range(many))
        self.approving = ApprovalsFacts("dev", roles)
        reasons = tuple(f"reason {n}" for n in range(many))
        log = tuple(line(f"line {n}") for n in range(many))
        self.deployed.seen = replace(seen(), verdict=replace(seen().verdict, reasons=reasons), log=log)
        step = ForeignSession(4243, "then", "process 4243", "SELECT 1")
        self.foreign.seen = Foreign(
            NOW,
            run_id="20260820-030900-beef",
            holder="process 4242",
            step=step,
            sessions=(step,) * many,
            registry="the registry",
        )

    def prepare(
        self,
        environment: str,
        command: Command,
        to: str | None,
        *,
        how: Manner = "run",
        so_far: Callable[[ReviewFacts], None] | None = None,
    ) -> ReviewFacts:
        steps = tuple(step_facts(number) for number in range(1, self.many + 1))
        losing = replace(steps[0], losses=Losses(self.lost))
        return replace(super().prepare(environment, command, to, how=how), steps=(losing, *steps[1:]))

    def look_back(self, environment: str, to: str | None, save: bool | None) -> Rollback:
        steps = tuple(step_row(number) for number in range(1, self.many + 1))
        losses: tuple[Line, ...] = tuple(((f"loss {number}", "failed"),) for number in range(self.many))
        return replace(super().look_back(environment, to, save), steps=steps, losses=losses, loses=Losses(self.lost))

    def incident(self, run_id: str) -> Record:
        return Record("\n".join(f"- line {n}" for n in range(self.many)), "", True)

    def after_items(self, environment: str, command: str, run_id: str) -> tuple[ItemFacts, ...]:
        return self.review.items


def blocker(number: int) -> Blocker:
    return Blocker(number, "2026-08-20 02:59:01.5+00", "bi", f"reporting-{number}", "active", 1000, "SELECT 1")


def many_findings(many: int) -> ScriptImpact:
    told = impact()
    one = told.statements[2]
    return replace(told, statements=tuple(replace(one, line=n, end_line=n) for n in range(1, many + 1)))


def many_losses(lost: tuple[str, ...]) -> ScriptImpact:
    told = impact()
    one = replace(told.statements[2], data_loss=DataLoss(3, lost))
    return replace(told, statements=(one,))


def planned(command: str = "deploy", many: int = MANY) -> Entry:
    steps = [
        {"number": n, "action": command, "change": f"20250101_{n:04d}_generated_change", "change_id": change_id(n)}
        for n in range(1, many + 1)
    ]
    return event_at(AT, "run_planned", {"command": command, "environment": "dev", "steps": steps})


def done(number: int) -> list[Entry]:
    return [event_at(AT, "step_started", {"step": number}), event_at(AT, "step_committed", {"step": number})]


def ended(status: int) -> Entry:
    return event_at(AT, "run_finished", {"exit_status": status, "summary": "it has ended"})


def running(many: int = MANY) -> list[Entry]:
    return [planned(many=many), *(event for n in range(1, many) for event in done(n))]


def failing(many: int = MANY) -> list[Entry]:
    notices = [event_at(AT, "index_invalid", {"step": 1, "index": f"i{n}", "repair": ["REINDEX"]}) for n in range(many)]
    failure = {"step": 1, "path": "deploy/x.sql", "line": 30, "message": "it fails"}
    return [
        planned(many=many),
        event_at(AT, "step_started", {"step": 1}),
        *notices,
        event_at(AT, "step_failed", failure),
    ]
