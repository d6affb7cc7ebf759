"""Settling the runs that were cut off on an environment, from evidence: for the command and for the screen.

What the evidence leaves open a person decides, who is asked through `SettlingAnswers`. Where nobody is there it stays
in doubt.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol

from pgmig_tui.display.cells import Line, Role, Span, line
from pgmig_tui.display.safe import safe
from pgmig_tui.review.arriving import require_word

if TYPE_CHECKING:
    from pathlib import Path

    from pgmig_tui.database.connect import Connection
    from pgmig_tui.database.identity import ServerIdentity
    from pgmig_tui.gates.loss import Losses
    from pgmig_tui.project.environments import Environment
    from pgmig_tui.project.hooks import Hook
    from pgmig_tui.project.project import Project
    from pgmig_tui.run.journal.run_plan import RunPlan
    from pgmig_tui.run.recovery.cut_off import CutOff
    from pgmig_tui.run.recovery.reconcile import Settlement

_MARKS: dict[str, tuple[str, Role]] = {
    "recorded": ("+ applied and recorded  ", "done"),
    "not_applied": ("- not applied  ", "muted"),
    "unrecorded": ("! APPLIED, NOT RECORDED  ", "failed"),
    "partly": ("! PARTLY APPLIED  ", "failed"),
    "unknown": ("? UNKNOWN  ", "failed"),
}


@dataclass(frozen=True, slots=True)
class SettledRun:
    """A run that was cut off, its settlement where it was looked at, and whether that is `done`. `why`: what is in the
    way."""

    run: CutOff
    settlement: Settlement | None
    done: bool
    why: str = ""
    lost: Mapping[str, Losses] = field(default_factory=dict)
    """What the repairs may lose that are printed, by their text."""


class SettlingAnswers(Protocol):
    """What a person says."""

    def leaves(self, plan: RunPlan, settlement: Settlement | None) -> bool:
        """What stays open of a run is not applied; without a settlement: it is closed without a look at its server."""

    def same_server(self, environment: Environment, run: CutOff) -> bool:
        """Whether a server whose name can't be told is that of the run."""

    def confirm(self, environment: Environment, what: str) -> None:
        """The last word. Raises Refused."""

    def may_end(self, environment: Environment, settlement: Settlement) -> bool:
        """Whether the sessions that the run still has are ended."""

    def record(self, settlement: Settlement) -> bool:
        """Whether what stays open is applied, and is to be recorded."""

    def warn(self, text: str) -> None: ...
    @property
    def tell(self) -> Callable[[str], None]:
        """What is waited for."""


class EvidenceAlone:
    """Nobody decides what the evidence leaves open: it stays in doubt. `word` was typed before, for all of it."""

    def __init__(self, word: str, tell: Callable[[str], None]) -> None:
        self._word = word
        self.tell = tell
        self.warned: list[str] = []

    def leaves(self, plan: RunPlan, settlement: Settlement | None) -> bool:
        return False

    def same_server(self, environment: Environment, run: CutOff) -> bool:
        return False

    def confirm(self, environment: Environment, what: str) -> None:
        """The server may be another environment's, which wants its own word. Raises Refused."""
        require_word(environment, self._word)

    def may_end(self, environment: Environment, settlement: Settlement) -> bool:
        return False

    def record(self, settlement: Settlement) -> bool:
        return False

    def warn(self, text: str) -> None:
        self.warned.append(text)
        self.tell(text)


Said = Literal["record", "leave", "close", "end", "same_server"]
"""What a person says of a run that stays in doubt: what is open is applied, it isn't, the run is closed without a look
at its server, its sessions are ended, or this server is the one that it worked on."""


@dataclass(frozen=True, slots=True)
class Doubt:
    """A run that stays in doubt, the `questions` that a person can answer, and what may be said of it. Safe to draw."""

    run: str
    about: str
    questions: tuple[str, ...]
    options: tuple[Said, ...]


@dataclass(frozen=True, slots=True)
class SettlingDecision:
    """What a person has `said` of a run, and the questions that they `saw`: it counts for these alone."""

    run: str
    said: frozenset[Said]
    saw: tuple[str, ...]


class Decided(EvidenceAlone):
    """A person has decided of one run what the evidence leaves open. Of all others nobody decides anything."""

    def __init__(self, word: str, tell: Callable[[str], None], decision: SettlingDecision) -> None:
        super().__init__(word, tell)
        self._decision = decision

    def _has_said(self, said: Said, plan: RunPlan, questions: tuple[str, ...] | None = None) -> bool:
        decision = self._decision
        if plan.run_id != decision.run or said not in decision.said:
            return False
        if questions is not None and questions != decision.saw:
            self.warn(f"what is open of the run {plan.run_id} is not what was decided on: nothing is done by that")
            return False
        return True

    def same_server(self, environment: Environment, run: CutOff) -> bool:
        return self._has_said("same_server", run.plan)

    def leaves(self, plan: RunPlan, settlement: Settlement | None) -> bool:
        if settlement is None:
            return self._has_said("close", plan)
        return self._has_said("leave", plan, open_questions(settlement))

    def may_end(self, environment: Environment, settlement: Settlement) -> bool:
        if not self._has_said("end", settlement.plan, session_questions(settlement)):
            return False
        self.confirm(environment, "end these sessions")
        return True

    def record(self, settlement: Settlement) -> bool:
        return self._has_said("record", settlement.plan, open_questions(settlement))


def open_questions(settlement: Settlement) -> tuple[str, ...]:
    """What a person has to know to say whether it is applied: a sentence for each step that is open, safe to draw."""
    return tuple(safe(f"{one.step.label}: {one.why}") for one in settlement.open)


def session_questions(settlement: Settlement) -> tuple[str, ...]:
    """The sessions of a run that still live, a sentence each, safe to draw."""
    return tuple(
        safe(
            f"The run {settlement.plan.run_id} still lives on the server: process {one.pid}, {one.application}, user"
            f" {one.user or '?'}, {one.state or 'state hidden'}, since {one.started or '?'}"
        )
        for one in settlement.sessions
    )


def doubt_of(one: SettledRun, environment: str) -> Doubt | None:
    """What a person can say of a run that is not settled; None where it is, or another is at it."""
    plan, settlement = one.run.plan, one.settlement
    about = safe(f"{plan.command} {plan.run_id}")
    if one.done:
        return None
    if settlement is None:
        if one.run.relation == "other":
            return Doubt(plan.run_id, about, (safe(f"It worked on another server, {plan.server.where}."),), ("close",))
        if one.run.relation == "unknown" and one.why == _other_server(one.run, environment):
            asked = f"It worked on {plan.server.where}; {one.run.why}."
            asked += f" Is it the server that {environment} leads to now?"
            return Doubt(plan.run_id, about, (safe(asked),), ("same_server", "close"))
        return None
    if settlement.sessions:
        return Doubt(plan.run_id, about, session_questions(settlement), ("end",))
    return Doubt(plan.run_id, about, open_questions(settlement), ("record", "leave")) if settlement.open else None


def settle_all(
    project: Project, environment: Environment, state_dir: Path, answers: SettlingAnswers
) -> tuple[SettledRun, ...]:
    """Every run that was cut off there, oldest first, until one stays in doubt. The environment is `located`. Raises
    Unreachable, NotPermitted, Refused, ServerError."""
    from pgmig_tui.database.identity import admit, check_server
    from pgmig_tui.run.recovery.cut_off import cut_off_runs
    from pgmig_tui.run.recovery.reconcile import asked

    found: list[SettledRun] = []
    with asked(environment.target) as (connection, identity):
        check_server(identity, environment.policy)
        runs = cut_off_runs(state_dir, project, environment, connection, identity)
        if runs:
            admit(connection, identity, environment.policy)
        for run in runs:
            one = _look_at(answers, project, connection, identity, environment, run)
            found.append(one)
            if not one.done and run.relation != "other":
                break  # what a later run found stands on what this one left
    return tuple(found)


def _look_at(
    answers: SettlingAnswers,
    project: Project,
    connection: Connection,
    identity: ServerIdentity,
    environment: Environment,
    run: CutOff,
) -> SettledRun:
    """Settle a run, if the server is its own and the evidence, or a person, decides it."""
    from pgmig_tui.gates.impacts import losses_of
    from pgmig_tui.run.journal.file import held_by_another
    from pgmig_tui.run.recovery.reconcile import settle

    plan = run.plan
    if not _is_its_server(answers, environment, run):
        if answers.leaves(plan, None):
            return _closed(answers, project, environment, run)
        return SettledRun(run, None, False, _other_server(run, environment.name))
    if holder := held_by_another(plan.folder):
        return SettledRun(run, None, False, f"another is {holder}; if that stands still, end it and say this again")
    settlement = _settlement(answers, connection, environment, plan)
    hooks, root = _hooks_of(project, plan.environment), str(project.root)
    done = settlement.settled and settle(connection, settlement, by=plan.operator_name, hooks=hooks, root=root)
    why = "" if done or not settlement.settled else "another has settled it meanwhile, or does so now"
    repairs = [repair for verdict in settlement.verdicts for repair in verdict.repair]
    lost = {repair: losses_of(repair, identity.facts, connection) for repair in repairs}
    return SettledRun(run, settlement, done, why, lost)


def _hooks_of(project: Project, environment: str) -> tuple[Hook, ...]:
    """Who is told of a run of that environment, by pgmig.toml as it is now; nobody where it has no such environment."""
    return next((one.hooks for one in project.environments if one.name == environment), ())


def _is_its_server(answers: SettlingAnswers, environment: Environment, run: CutOff) -> bool:
    """Whether the server that answers is the one that the run worked on: proven, or said by a person. Raises
    Refused."""
    plan = run.plan
    if run.relation == "other":
        return False
    if run.relation == "unknown":
        if not answers.same_server(environment, run):
            return False
        answers.confirm(environment, "settle it from this server")
    elif not run.own:
        answers.confirm(environment, f"settle a run of {plan.environment}")
    return True


def _other_server(run: CutOff, environment: str) -> str:
    if run.relation == "other":
        return f"it worked on another server, {run.plan.server.where}: settle it there, or close it unseen with --leave"
    return (
        f"whether it worked on the server that {environment} leads to now can't be told: {run.why}; --same-server says"
        " that it did, --leave closes it unseen"
    )


def _closed(answers: SettlingAnswers, project: Project, environment: Environment, run: CutOff) -> SettledRun:
    from pgmig_tui.run.recovery.reconcile import close_unseen

    answers.confirm(environment, "close the run without a look at its server")
    plan = run.plan
    hooks = _hooks_of(project, plan.environment)
    done = close_unseen(plan, by=plan.operator_name, hooks=hooks, root=str(project.root))
    return SettledRun(
        run, None, done, "it was closed without a look at its server" if done else "another settles it now"
    )


def _settlement(
    answers: SettlingAnswers, connection: Connection, environment: Environment, plan: RunPlan
) -> Settlement:
    from pgmig_tui.run.process.record import record, verified
    from pgmig_tui.run.recovery.reconcile import end_sessions, examine, leave

    settlement = examine(connection, plan)
    if settlement.sessions and answers.may_end(environment, settlement):
        for session, why in end_sessions(connection, settlement):
            answers.warn(f"process {session.pid} can't be ended: {why}")
        settlement = examine(connection, plan)
    if settlement.sessions or not settlement.open:
        return settlement
    settlement = verified(environment.target, settlement, answers.tell)
    if answers.record(settlement):
        answers.confirm(environment, "record it")
        return record(environment.target, settlement, answers.tell)
    return leave(settlement) if answers.leaves(plan, settlement) else settlement


def settled_lines(one: SettledRun, environment: str) -> Iterator[Line]:
    """What is told of one, safe to draw."""
    plan, settlement = one.run.plan, one.settlement
    state: Span = ("settled", "done") if one.done else ("IN DOUBT", "failed")
    summary = one.why or (settlement.summary if settlement is not None else "")
    whose = "" if one.run.own else f"of {safe(plan.environment)}  "
    yield line((f"{plan.command} {safe(plan.run_id)}  ", "strong"), whose, state, f"  {safe(summary)}")
    if settlement is None:
        return
    from pgmig_tui.gates.loss import NONE
    from pgmig_tui.run.recovery.reconcile import NOT_BEGUN

    for verdict in settlement.verdicts:
        if verdict.outcome == "not_applied" and verdict.why == NOT_BEGUN:
            continue
        yield line("  ", _MARKS[verdict.outcome], f"{safe(verdict.step.label)}: {safe(verdict.why)}")
        for stays in verdict.stays:
            yield line(("      stays: ", "muted"), safe(stays))
        for repair in verdict.repair:
            yield line(("      repair: ", "muted"), safe(repair))
            for told in one.lost.get(repair, NONE).lines():
                yield line("      ", *told)
    if settlement.sessions:
        yield line(f"  Its sessions can be ended: pgmig-tui reconcile {safe(environment)} --yes (or --confirm WORD)")
    elif settlement.open:
        rest = any(one.unsent for one in settlement.open)
        what = "all of its script is applied, what was never sent, too" if rest else "it is applied"
        yield line(f"  If {what}: pgmig-tui reconcile {safe(environment)} --record; if not: --leave")


def settled_json(one: SettledRun) -> dict[str, object]:
    """One of `reconcile --json`."""
    plan, settlement = one.run.plan, one.settlement
    return {
        "run": plan.run_id,
        "command": plan.command,
        "environment": plan.environment,
        "server": one.run.relation,
        "settled": one.done,
        "exit_status": settlement.exit_status if settlement is not None else 4,
        "summary": one.why or (settlement.summary if settlement is not None else ""),
        "sessions": [
            {"pid": one.pid, "application": one.application, "user": one.user, "state": one.state, "since": one.started}
            for one in (settlement.sessions if settlement is not None else ())
        ],
        "steps": [
            {
                "number": verdict.step.number,
                "change": verdict.step.change,
                "change_id": verdict.step.change_id,
                "action": verdict.step.action,
                "outcome": verdict.outcome,
                "why": verdict.why,
                "line": verdict.line,
                "what_stays": list(verdict.stays),
                "repair": list(verdict.repair),
            }
            for verdict in (settlement.verdicts if settlement is not None else ())
        ],
    }
