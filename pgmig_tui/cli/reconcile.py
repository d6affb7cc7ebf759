"""`pgmig-tui reconcile`: settle the runs that were cut off on an environment, from evidence."""

from __future__ import annotations

import os
from argparse import Namespace
from typing import TYPE_CHECKING, Any

from pgmig_tui.cli import output
from pgmig_tui.cli.ask import ask_yes, somebody_is_there
from pgmig_tui.cli.choose import environment_and_change
from pgmig_tui.cli.confirm import confirm
from pgmig_tui.display.cells import Role, Span, line
from pgmig_tui.display.safe import safe

if TYPE_CHECKING:
    from pgmig_tui.database.connect import Connection
    from pgmig_tui.project.environments import Environment
    from pgmig_tui.run.reconcile import Settlement

_MARKS: dict[str, tuple[str, Role]] = {
    "recorded": ("+ applied and recorded  ", "done"),
    "not_applied": ("- not applied  ", "muted"),
    "unrecorded": ("! APPLIED, NOT RECORDED  ", "failed"),
    "partly": ("! PARTLY APPLIED  ", "failed"),
    "unknown": ("? UNKNOWN  ", "failed"),
}


def reconcile(arguments: Namespace) -> int:
    """Exit status 0 when every run that was cut off is settled, or none was; 4 when one is still in doubt."""
    from pgmig_tui.database.connect import check_server
    from pgmig_tui.run.client import default_state_dir, list_runs
    from pgmig_tui.run.reconcile import asked, settle, unfinished_on

    project, environment, _ = environment_and_change(arguments)
    target, state_dir = environment.target, default_state_dir(os.environ)
    place = (environment.name, project.plan.project)
    found: list[tuple[Settlement, bool]] = []
    with asked(target) as (connection, identity):
        check_server(identity, environment.policy)
        for plan in unfinished_on(state_dir, identity, project.plan.project, target.registry):
            settlement = _settlement(arguments, connection, environment, plan)
            done = settlement.settled and settle(connection, settlement, by=plan.operator_name)
            found.append((settlement, done))
            if not done:
                break  # what a later run found stands on what this one left
    if arguments.json:
        runs = [_document(settlement, done) for settlement, done in found]
        output.document({"environment": environment.name, "runs": runs})
    else:
        if not found:
            output.say(f"{safe(environment.name)}: no run was cut off; nothing is to settle.")
            for run in list_runs(state_dir):
                if run.state == "running" and (run.environment, run.project) == place:
                    output.say(f"The run {safe(run.run_id)} is under way: `pgmig-tui attach {safe(run.run_id)}`.")
        for settlement, done in found:
            _show(settlement, done, environment.name)
    return 0 if all(done for _, done in found) else 4


def _settlement(arguments: Namespace, connection: Connection, environment: Environment, plan: Any) -> Settlement:
    from pgmig_tui.run.reconcile import end_sessions, examine, leave
    from pgmig_tui.run.record import record, verified

    settlement = examine(connection, plan)
    if settlement.sessions and _may_end(arguments, environment, settlement):
        for session, why in end_sessions(connection, settlement.sessions):
            output.warn(f"process {session.pid} can't be ended: {why}")
        settlement = examine(connection, plan)
    if settlement.sessions or not settlement.open:
        return settlement
    settlement = verified(environment.target, settlement)
    if arguments.record or (not arguments.leave and _wants_record(settlement)):
        confirm(arguments, environment, "record it")
        return record(environment.target, settlement)
    return leave(settlement) if arguments.leave else settlement


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


def _show(settlement: Settlement, done: bool, environment: str) -> None:
    plan = settlement.plan
    state: Span = ("settled", "done") if done else ("IN DOUBT", "failed")
    output.say(line((f"{plan.command} {safe(plan.run_id)}  ", "strong"), state, f"  {safe(settlement.summary)}"))
    for one in settlement.verdicts:
        if one.outcome == "not_applied" and one.why == "it was not begun":
            continue
        output.say(line("  ", _MARKS[one.outcome], f"{safe(one.step.label)}: {safe(one.why)}"))
        for stays in one.stays:
            output.say(line(("      stays: ", "muted"), safe(stays)))
        for repair in one.repair:
            output.say(line(("      repair: ", "muted"), safe(repair)))
    if settlement.sessions:
        output.say(f"  Its sessions can be ended: pgmig-tui reconcile {safe(environment)} --yes (or --confirm WORD)")
    elif settlement.open:
        output.say(f"  If it is applied: pgmig-tui reconcile {safe(environment)} --record; if not: --leave")


def _document(settlement: Settlement, done: bool) -> dict[str, Any]:
    return {
        "run": settlement.plan.run_id,
        "command": settlement.plan.command,
        "settled": done,
        "exit_status": settlement.exit_status,
        "summary": settlement.summary,
        "sessions": [
            {"pid": one.pid, "application": one.application, "user": one.user, "state": one.state, "since": one.started}
            for one in settlement.sessions
        ],
        "steps": [
            {
                "number": one.step.number,
                "change": one.step.change,
                "change_id": one.step.change_id,
                "action": one.step.action,
                "outcome": one.outcome,
                "why": one.why,
                "line": one.line,
                "what_stays": list(one.stays),
                "repair": list(one.repair),
            }
            for one in settlement.verdicts
        ],
    }
