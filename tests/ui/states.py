"""Screens in the states that a bad day has: nothing there yet, no answer, an old one, one row."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from textual.message import Message

from pgmig_tui.errors import NotPermitted, PgmigError, Unreachable
from pgmig_tui.impact.result import ScriptImpact
from pgmig_tui.review.deployed_compared import Compared
from pgmig_tui.review.drift_kept import KnownDrift
from pgmig_tui.review.history import History
from pgmig_tui.review.maintain_facts import Maintenance
from pgmig_tui.review.now import RightNow
from pgmig_tui.run.journal.entry import Entry
from pgmig_tui.ui.backend.environment_facts import HealthFacts
from pgmig_tui.ui.backend.protocol import (
    ApprovalsFacts,
    Foreign,
    ImpactFacts,
    LockTree,
    PlanLine,
    ProjectFacts,
    ScriptKind,
    ScriptText,
    StatusFacts,
)
from pgmig_tui.ui.messages import DriftKnown, EnvironmentAnswered
from tests.ui.environments import ITEMS as HEALTH
from tests.ui.environments import compared, past
from tests.ui.fakes import ENVIRONMENTS, NOW, FakeSession, UnderReview, event, facts, impact, plan, status
from tests.ui.tour import AT, failed, laden, told
from tests.ui.watched import APPROVALS, drifted, maintained, seen

REFUSED = 'connection to server at "db1.eu.example.org" (10.1.2.3), port 5432 failed: Connection refused'
DENIED = "permission denied for table changes"
OFFLINE = Unreachable(REFUSED, now="Nothing was changed.", do="Start the server, or mend the way to it.")
FORBIDDEN = NotPermitted(DENIED, now="Nothing was changed.", do="GRANT SELECT ON ALL TABLES IN SCHEMA sqitch TO maria;")
ASKED = (
    "script", "impact", "now", "prepare", "look_back", "incident", "attach", "approvals", "health", "history",
    "compare", "look_for_drift", "maintain", "after_items",
)  # fmt: skip
"""What a session is asked for in threads, and `read` or `look` of what watches."""
RAISING = ("prepare", "look_back", "incident", "approvals", "history", "look_for_drift", "maintain")
"""Those that raise where the server can't be asked; the others say so in what they return."""


@dataclass(frozen=True)
class State:
    """`told` is what the environments have answered; `run` and `ended` are journals of a run alive and of one that has
    failed."""

    session: FakeSession
    told: tuple[Message, ...]
    run: Sequence[Entry]
    ended: Sequence[Entry]
    release: Callable[[], None] = lambda: None
    """Lets those go that were kept waiting."""


def answered(lines: tuple[PlanLine, ...]) -> tuple[Message, ...]:
    """dev has all of the plan, staging lacks one change, production four."""
    last = len(lines)
    here = (("dev", last), ("staging", max(0, last - 1)), ("production", max(0, last - 4)))
    return tuple(EnvironmentAnswered(status(name, deployed, lines)) for name, deployed in here)


class Bare(FakeSession):
    """A project without a change, on servers on which nothing has happened yet."""

    def __init__(self) -> None:
        super().__init__(ProjectFacts("documents", facts().root, "Maria Berg", (), ENVIRONMENTS))
        self.review = UnderReview(())
        self.maintained = Maintenance("production", AT, ())
        self.healthy = HealthFacts()
        self.past = History("production", "documents", (), ())
        self.compared = Compared("production", "staging")
        self.found_drift = KnownDrift("2026-08-20T01:14:07Z", "", 0, 0, 12.0, ())
        self.deployed.seen = replace(seen("too little data", intervals=0), log=(), points=())
        self.back = replace(self.back, nothing="nothing was deployed here yet")

    def script(self, change_id: str, kind: ScriptKind) -> ScriptText:
        return ScriptText(change_id, kind, f"{kind}/x.sql", "", "e3b0c442")

    def impact(self, change_id: str, kind: ScriptKind, environment: str, **_: Any) -> ImpactFacts:
        return ImpactFacts(replace(impact(), statements=(), cumulative=()), "PostgreSQL 18.6", live=True)

    def now(self, environment: str, impact: ScriptImpact, before: RightNow | None) -> RightNow:
        return RightNow(environment, NOW)


def empty() -> State:
    no_steps = event(AT, "run_planned", {"command": "deploy", "environment": "production", "steps": []})
    finished = event(AT, "run_finished", {"exit_status": 0, "summary": "nothing to do"})
    return State(Bare(), answered(()), [no_steps], [no_steps, finished])


def _instead(of: object, **by: Callable[..., Any]) -> None:
    """Methods that do something else from now on."""
    for name, function in by.items():
        setattr(of, name, function)


def full() -> State:
    session = laden()
    return State(session, standing(session), told("nightly"), failed("nightly"))


def standing(session: FakeSession) -> tuple[Message, ...]:
    return (*answered(session.facts.plan), DriftKnown(session.known_drift()))


def loading() -> State:
    """Nobody has answered yet."""
    session, over = laden(), threading.Event()

    def waits(*_: object, **__: object) -> Any:
        over.wait()
        raise SystemExit  # which ends a thread without a word

    _instead(session, **dict.fromkeys(ASKED, waits))
    for watched in (session.locks, session.foreign, session.pulse):
        _instead(watched, read=waits)
    _instead(session.deployed, look=waits)
    return State(session, (), (), failed("nightly"), over.set)


def stale() -> State:
    """All answers are minutes old, and no newer one comes."""
    session, then = laden(), NOW - timedelta(minutes=12)
    old: list[Message] = []
    for one in standing(session):
        old.append(
            EnvironmentAnswered(replace(one.status, asked_at=then)) if isinstance(one, EnvironmentAnswered) else one
        )
    session.foreign.seen = replace(session.foreign.seen, asked_at=then, heartbeat_ms=720_000)
    sessions = session.locks.sessions
    _instead(session.locks, read=lambda: LockTree(then, sessions))
    assert session.deployed.seen is not None
    session.deployed.seen = replace(session.deployed.seen, asked_at=then)
    session.watch.lives = False
    return State(session, tuple(old), told("nightly"), told("nightly"))


def unanswered(error: PgmigError) -> State:
    """The server refuses: the connection, or to tell."""
    session = laden()

    def raises(*_: object, **__: object) -> Any:
        raise error

    _instead(session, **dict.fromkeys(RAISING, raises))
    session.healthy = HealthFacts(problem=error.what, trouble=error.what)
    session.compared = Compared("production", "staging", problems=(("production", error.what),))
    session.locks.sessions, session.locks.problem = (), error.what
    session.foreign.seen = Foreign(NOW, problem=error.what)
    session.deployed.problem = session.pulse.refusal = error
    _instead(session, now=lambda environment, *_: RightNow(environment, NOW, problem=error.what))
    _instead(session, impact=lambda *_, **__: ImpactFacts(impact(), problem=error.what))
    failure = {"step": 2, "path": "deploy/x.sql", "line": 1, "message": error.what, "hint": error.do}
    away = event(AT, "activity", {"step": 2, "waiting": False, "note": error.what})
    finished = event(AT, "run_finished", {"exit_status": 1, "summary": error.what})
    failing_run = [*told("nightly"), event(AT, "step_failed", failure), finished]
    return State(session, standing(session), [*told("nightly"), away], failing_run)


def offline() -> State:
    state = unanswered(OFFLINE)
    none = StatusFacts("production", NOW, False, error=REFUSED)
    return replace(state, told=(*state.told, EnvironmentAnswered(none)))


def no_privilege() -> State:
    state = unanswered(FORBIDDEN)
    none = StatusFacts("production", NOW, False, error=DENIED)
    return replace(state, told=(*state.told, EnvironmentAnswered(none)))


def one_row() -> State:
    session = laden()
    first = plan()[:1]
    session.facts = facts(first)
    _instead(session, script=lambda change_id, kind: ScriptText(change_id, kind, f"{kind}/x.sql", "SELECT 1;", "9f31"))
    told_of = impact()
    session.impacts = {kind: replace(told_of, statements=told_of.statements[2:3]) for kind in ("deploy", "revert")}
    session.review = UnderReview(session.review.items[1:2])
    session.locks.sessions = session.locks.sessions[:1]
    session.approving = ApprovalsFacts("production", APPROVALS.roles[1:])
    session.maintained = replace(maintained(), sections=maintained().sections[:1])
    session.healthy = HealthFacts((), "", HEALTH[:1])
    session.past = replace(past(), deeds=past().deeds[:1], contradictions=())
    session.compared = replace(compared(), unlike=compared().unlike[:1])
    known = drifted(0)
    session.found_drift = replace(known, open=1, differences=known.differences[:1])
    session.drift = {"production": session.found_drift}
    step = {"number": 1, "action": "deploy", "change": first[0].name, "change_id": first[0].change_id}
    run = [
        event(AT, "run_planned", {"command": "deploy", "environment": "production", "steps": [step]}),
        event(AT, "step_started", {"step": 1, "change": first[0].name}),
    ]
    failure = event(AT, "step_failed", {"step": 1, "path": "deploy/x.sql", "line": 1, "message": "it fails"})
    finished = event(AT, "run_finished", {"exit_status": 1, "summary": "it has ended"})
    lines = tuple(EnvironmentAnswered(status(one.name, 0, first)) for one in ENVIRONMENTS)
    return State(session, (*lines, DriftKnown(session.drift)), run, [*run, failure, finished])


STATES: dict[str, Callable[[], State]] = {
    "full": full, "empty": empty, "loading": loading, "stale": stale, "offline": offline,
    "no-privilege": no_privilege, "one-row": one_row,
}  # fmt: skip
