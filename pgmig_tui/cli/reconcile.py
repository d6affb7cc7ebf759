"""`pgmig-tui reconcile`: settle the runs that were cut off on an environment, from evidence."""

from __future__ import annotations

import os
from argparse import Namespace
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pgmig_tui.cli import output
from pgmig_tui.cli.ask import ask_yes, somebody_is_there
from pgmig_tui.cli.choose import environment_and_change, located_environment
from pgmig_tui.cli.confirm import confirm
from pgmig_tui.display.cells import Role, Span, line
from pgmig_tui.display.safe import safe

if TYPE_CHECKING:
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
class _Found:
    """A run that was cut off, its settlement where it was looked at, and whether that is `done`. `why`: what is in the
    way."""

    run: CutOff
    settlement: Settlement | None
    done: bool
    why: str = ""
    lost: Mapping[str, Losses] = field(default_factory=dict)
    """What the repairs may lose that are printed, by their text."""


def reconcile(arguments: Namespace) -> int:
    """Exit status 0 when every run that was cut off is settled, or none was; 4 when one is still in doubt."""
    from pgmig_tui.database.identity import admit, check_server
    from pgmig_tui.review.policies import exempt_told
    from pgmig_tui.run.journal.folder import default_state_dir
    from pgmig_tui.run.journal.listing import list_runs
    from pgmig_tui.run.recovery.cut_off import cut_off_runs
    from pgmig_tui.run.recovery.reconcile import asked

    project, environment, _ = environment_and_change(arguments)
    environment = located_environment(project, environment, writes=False)
    state_dir = default_state_dir(os.environ)
    wanted = (environment.name, project.plan.project)
    found: list[_Found] = []
    with asked(environment.target) as (connection, identity):
        check_server(identity, environment.policy)
        runs = cut_off_runs(state_dir, project, environment, connection, identity)
        if runs:
            admit(connection, identity, environment.policy)
        for run in runs:
            one = _look_at(arguments, project, connection, identity, environment, run)
            found.append(one)
            if not one.done and run.relation != "other":
                break  # what a later run found stands on what this one left
    if arguments.json:
        output.document({"environment": environment.name, "runs": [_document(one) for one in found]})
    else:
        if not found:
            output.say(f"{safe(environment.name)}: no run was cut off; nothing is to settle.")
            for known in list_runs(state_dir):
                if known.state == "running" and (known.environment, known.project) == wanted:
                    output.say(f"The run {safe(known.run_id)} is under way: `pgmig-tui attach {safe(known.run_id)}`.")
        for one in found:
            _show(one, environment.name)
        if found and (exempt := exempt_told(environment, "reconcile")):
            output.note(line(("~ ", "muted"), safe(exempt)))
    return 0 if all(one.done for one in found) else 4


# -- settling ------------------------------------------------------------------------------------------------------


def _look_at(
    arguments: Namespace,
    project: Project,
    connection: Connection,
    identity: ServerIdentity,
    environment: Environment,
    run: CutOff,
) -> _Found:
    """Settle a run, if the server is its own and the evidence, or a person, decides it."""
    from pgmig_tui.gates.impacts import losses_of
    from pgmig_tui.run.journal.file import held_by_another
    from pgmig_tui.run.recovery.reconcile import settle

    plan = run.plan
    if not _is_its_server(arguments, environment, run):
        if arguments.leave:
            return _closed(arguments, project, environment, run)
        return _Found(run, None, False, _other_server(run, environment.name))
    if holder := held_by_another(plan.folder):
        return _Found(run, None, False, f"another is {holder}; if that stands still, end it and say this again")
    settlement = _settlement(arguments, connection, environment, plan)
    hooks, root = _hooks_of(project, plan.environment), str(project.root)
    done = settlement.settled and settle(connection, settlement, by=plan.operator_name, hooks=hooks, root=root)
    why = "" if done or not settlement.settled else "another has settled it meanwhile, or does so now"
    repairs = [repair for verdict in settlement.verdicts for repair in verdict.repair]
    lost = {repair: losses_of(repair, identity.facts, connection) for repair in repairs}
    return _Found(run, settlement, done, why, lost)


def _hooks_of(project: Project, environment: str) -> tuple[Hook, ...]:
    """Who is told of a run of that environment, by pgmig.toml as it is now; nobody where it has no such environment."""
    return next((one.hooks for one in project.environments if one.name == environment), ())


def _is_its_server(arguments: Namespace, environment: Environment, run: CutOff) -> bool:
    """Whether the server that answers is the one that the run worked on: proven, or said by a person. Raises
    Refused."""
    plan = run.plan
    if run.relation == "other":
        return False
    if run.relation == "unknown":
        what = f"The run {safe(plan.run_id)} worked on {safe(plan.server.where)}; {safe(run.why)}"
        if not arguments.same_server:
            if not somebody_is_there():
                return False
            output.note(what)
            if not ask_yes(f"Is it the server that {environment.name} leads to now?"):
                return False
        confirm(arguments, environment, "settle it from this server")
    elif not run.own:
        confirm(arguments, environment, f"settle a run of {plan.environment}")
    return True


def _other_server(run: CutOff, environment: str) -> str:
    if run.relation == "other":
        return f"it worked on another server, {run.plan.server.where}: settle it there, or close it unseen with --leave"
    return (
        f"whether it worked on the server that {environment} leads to now can't be told: {run.why}; --same-server says"
        " that it did, --leave closes it unseen"
    )


def _closed(arguments: Namespace, project: Project, environment: Environment, run: CutOff) -> _Found:
    from pgmig_tui.run.recovery.reconcile import close_unseen

    confirm(arguments, environment, "close the run without a look at its server")
    plan = run.plan
    hooks = _hooks_of(project, plan.environment)
    done = close_unseen(plan, by=plan.operator_name, hooks=hooks, root=str(project.root))
    return _Found(run, None, done, "it was closed without a look at its server" if done else "another settles it now")


def _settlement(arguments: Namespace, connection: Connection, environment: Environment, plan: RunPlan) -> Settlement:
    from pgmig_tui.run.process.record import record, verified
    from pgmig_tui.run.recovery.reconcile import end_sessions, examine, leave

    settlement = examine(connection, plan)
    if settlement.sessions and _may_end(arguments, environment, settlement):
        for session, why in end_sessions(connection, settlement):
            output.warn(f"process {session.pid} can't be ended: {why}")
        settlement = examine(connection, plan)
    if settlement.sessions or not settlement.open:
        return settlement
    settlement = verified(environment.target, settlement, _tell)
    if arguments.record or (not arguments.leave and _wants_record(settlement)):
        confirm(arguments, environment, "record it")
        return record(environment.target, settlement, _tell)
    return leave(settlement) if arguments.leave else settlement


def _tell(text: str) -> None:
    """What is waited for, on stderr."""
    output.note(line(("~ ", "muted"), safe(text)))


def _may_end(arguments: Namespace, environment: Environment, settlement: Settlement) -> bool:
    for session in settlement.sessions:
        output.note(
            f"The run {safe(settlement.plan.run_id)} still lives on the server: process {session.pid},"
            f" {safe(session.application)}, user {safe(session.user or '?')}, {safe(session.state or 'state hidden')},"
            f" since {safe(session.started or '?')}"
        )
    if not (arguments.yes or arguments.confirm or somebody_is_there()):
        return False
    confirm(arguments, environment, "end these sessions")
    return True


def _wants_record(settlement: Settlement) -> bool:
    if not somebody_is_there():
        return False
    for one in settlement.open:
        output.note(f"{safe(one.step.label)}: {safe(one.why)}")
        if not ask_yes("Is it applied, and should it be recorded?"):
            return False
    return True


# -- what is told --------------------------------------------------------------------------------------------------


def _show(one: _Found, environment: str) -> None:
    plan, settlement = one.run.plan, one.settlement
    state: Span = ("settled", "done") if one.done else ("IN DOUBT", "failed")
    summary = one.why or (settlement.summary if settlement is not None else "")
    whose = "" if one.run.own else f"of {safe(plan.environment)}  "
    output.say(line((f"{plan.command} {safe(plan.run_id)}  ", "strong"), whose, state, f"  {safe(summary)}"))
    if settlement is None:
        return
    from pgmig_tui.gates.loss import NONE
    from pgmig_tui.run.recovery.reconcile import NOT_BEGUN

    for verdict in settlement.verdicts:
        if verdict.outcome == "not_applied" and verdict.why == NOT_BEGUN:
            continue
        output.say(line("  ", _MARKS[verdict.outcome], f"{safe(verdict.step.label)}: {safe(verdict.why)}"))
        for stays in verdict.stays:
            output.say(line(("      stays: ", "muted"), safe(stays)))
        for repair in verdict.repair:
            output.say(line(("      repair: ", "muted"), safe(repair)))
            for told in one.lost.get(repair, NONE).lines():
                output.say(line("      ", *told))
    if settlement.sessions:
        output.say(f"  Its sessions can be ended: pgmig-tui reconcile {safe(environment)} --yes (or --confirm WORD)")
    elif settlement.open:
        rest = any(one.unsent for one in settlement.open)
        what = "all of its script is applied, what was never sent, too" if rest else "it is applied"
        output.say(f"  If {what}: pgmig-tui reconcile {safe(environment)} --record; if not: --leave")


def _document(one: _Found) -> dict[str, object]:
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
