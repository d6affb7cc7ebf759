"""Settling a run that was cut off, from evidence: never from what it probably did.

Two cases are certain. A step in one transaction wrote its registry row in that transaction, so once no session of the
run lives any more the registry says whether it was applied. A stepwise step told its journal of every statement before
and after, so at most one statement is open; the catalog says of many kinds whether they took effect, and where nothing
says it, that is what is said.
"""

from __future__ import annotations

import contextlib
import os
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pgmig_tui.database import registry, runs, tracking
from pgmig_tui.database.activity import NamedSession, sessions_named, sessions_started, terminate
from pgmig_tui.database.connect import Connection, Reachable, ServerError, application_name, connect, guard_sql
from pgmig_tui.database.identity import ServerIdentity
from pgmig_tui.errors import InDoubt, PgmigError
from pgmig_tui.run.client import CHANGING, unfinished
from pgmig_tui.run.evidence import Verdict, stepwise_verdict
from pgmig_tui.run.journal import JournalReader, JournalWriter, hold_lock
from pgmig_tui.run.plan import RunPlan, Step
from pgmig_tui.run.position import Position, positions

PATIENCE_S = 5.0
"""How long a session of the run may take to notice that nobody listens any more: servers look once a second while they
work (client_connection_check_interval), from version 14 on."""

_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z").fullmatch
_NOTHING = "Nothing was changed."
_BYSTANDERS = ("watch", "check", "track", "backup", "dump", "impact", "review")
"""Parts of a run's application name whose sessions change nothing of the schema."""


@dataclass(frozen=True, slots=True)
class Settlement:
    """What became of a run. `sessions` are those of its own that still live: until they are gone nothing is certain,
    and `verdicts` is empty."""

    plan: RunPlan
    sessions: tuple[NamedSession, ...]
    verdicts: tuple[Verdict, ...]

    @property
    def open(self) -> tuple[Verdict, ...]:
        """What a person has to decide."""
        return tuple(one for one in self.verdicts if one.outcome in ("unrecorded", "unknown"))

    @property
    def settled(self) -> bool:
        return not self.sessions and not self.open

    @property
    def done(self) -> int:
        return sum(one.outcome == "recorded" for one in self.verdicts)

    @property
    def partly(self) -> Verdict | None:
        return next((one for one in self.verdicts if one.outcome == "partly"), None)

    @property
    def exit_status(self) -> int:
        """0 everything was done · 1 it wasn't, and what is true is known · 4 that isn't known."""
        if not self.settled:
            return 4
        return 0 if self.done == len(self.plan.steps) else 1

    @property
    def summary(self) -> str:
        """One sentence."""
        if self.sessions:
            return f"{len(self.sessions)} session(s) of the run still live"
        told = f"{self.done} of {len(self.plan.steps)} steps are done"
        rest = [one for one in self.verdicts if one.outcome != "recorded"]
        if rest:
            first = next((one for one in rest if one.outcome != "not_applied"), rest[0])
            told += f"; {first.step.label}: {first.why}"
        return told


def unfinished_on(state_dir: Path, identity: ServerIdentity, project: str, schema: str) -> list[RunPlan]:
    """Plans of the unfinished runs on this very database, oldest first."""
    found = []
    for run in unfinished(state_dir):
        with contextlib.suppress(OSError, ValueError, TypeError, KeyError):
            plan = RunPlan.load(state_dir / "runs" / run.run_id)
            if plan.command in CHANGING and not plan.dry_run and _same(plan, identity, project, schema):
                found.append(plan)
    return found[::-1]


def _same(plan: RunPlan, identity: ServerIdentity, project: str, schema: str) -> bool:
    server = plan.server
    if (plan.project, plan.registry, server.database) != (project, schema, identity.database):
        return False
    if server.system_identifier and identity.system_identifier:
        return server.system_identifier == identity.system_identifier
    return server.conninfo.get("host", "") in ("", identity.host) and server.conninfo.get("port", "") in (
        "",
        identity.port,
    )


# -- evidence ------------------------------------------------------------------------------------------------------


def examine(connection: Connection, plan: RunPlan, *, patience_s: float = PATIENCE_S) -> Settlement:
    """What became of `plan`, from the server behind `connection` and the run's journal. Reads only.

    Waits up to `patience_s` for the run's own sessions to end. Raises ServerError, Unreachable, NotPermitted.
    """
    living = living_sessions(connection, plan, patience_s)
    if living:
        return Settlement(plan, living, ())
    deployed = registry.read_deployed(connection, plan.registry, plan.project)
    known = {change.change_id for change in deployed}
    at = positions(JournalReader(plan.folder).poll())
    verdicts = [_verdict(connection, plan, step, at.get(step.number, Position()), known) for step in plan.steps]
    return Settlement(plan, (), tuple(verdicts))


def living_sessions(connection: Connection, plan: RunPlan, patience_s: float) -> tuple[NamedSession, ...]:
    """Sessions of the run that live and could still change something, after `patience_s` at the latest.

    Found by their name, and by the journal where a script has given its session another one.
    """
    deadline = time.monotonic() + patience_s
    told = [event.data for event in JournalReader(plan.folder).poll() if event.name == "session_opened"]
    opened = {one["pid"]: one["started"] for one in told if _is_session(one)}
    while True:
        named = (
            session
            for session in sessions_named(connection, application_name(plan.run_id, "%"))
            if session.application.rpartition("/")[2] not in _BYSTANDERS
        )
        both = {session.pid: session for session in (*sessions_started(connection, opened), *named)}
        found = tuple(both[pid] for pid in sorted(both))
        if not found or time.monotonic() > deadline:
            return found
        time.sleep(0.05)


def _is_session(data: Mapping[str, Any]) -> bool:
    return isinstance(data.get("pid"), int) and bool(_MOMENT(str(data.get("started", ""))))


def _verdict(connection: Connection, plan: RunPlan, step: Step, at: Position, known: set[str]) -> Verdict:
    if (step.change_id in known) == (step.action == "deploy"):
        return Verdict(step, "recorded", _recorded_why(step, at))
    if at.recorded:
        return Verdict(
            step, "not_applied",
            "the journal says that it was committed, and the registry of the server that answers now doesn't: another"
            " has undone it, or this server (a promoted standby, a restored backup) never had it",
        )  # fmt: skip
    if not at.started:
        return Verdict(step, "not_applied", "it was not begun")
    if step.mode != "stepwise":
        return Verdict(step, "not_applied", "its transaction was rolled back: the registry has no record of it")
    return stepwise_verdict(connection, plan, step, at)


def _recorded_why(step: Step, at: Position) -> str:
    told = "it is applied and recorded" if step.action == "deploy" else "it is reverted, and its record is gone"
    if at.started and step.verify == "after" and at.verified is None:
        told += "; it was not verified: `pgmig-tui verify` does"
    return told


# -- settling ------------------------------------------------------------------------------------------------------


def settle(connection: Connection, settlement: Settlement, *, by: str) -> bool:
    """Write the end into the run's journal, and a row into its tracking tables. False when the run lives after all, or
    another settles it now. `by` is who or what settled it. Raises OSError."""
    plan = settlement.plan
    lock = hold_lock(plan.folder)
    if lock is None:
        return False
    try:
        journal = JournalWriter.continued(plan.folder, plan.run_id)
        try:
            for one in settlement.verdicts:
                if one.outcome == "not_applied" and one.why == "it was not begun":
                    continue
                journal.write(
                    "run_settled", step=one.step.number, change=one.step.change, action=one.step.action,
                    outcome=one.outcome, line=one.line, what_stays=list(one.stays), repair=list(one.repair),
                    message=one.why, by=by,
                )  # fmt: skip
            if why := _track(connection, settlement):
                journal.write("warning", message=f"the settlement could not be tracked: {why}")
            if why := _end_row(connection, settlement):
                journal.write("warning", message=f"the run's row could not be ended: {why}")
            journal.write(
                "run_finished", sync=True, exit_status=settlement.exit_status, result="settled", done=settlement.done,
                total=len(plan.steps), summary=settlement.summary, now="", do="",
            )  # fmt: skip
        finally:
            journal.close()
    finally:
        os.close(lock)
    return True


def leave(settlement: Settlement) -> Settlement:
    """A person has decided: what has no record stays so."""
    left = tuple(
        replace(one, outcome="partly", why=f"{one.why}; it was left without a record")
        if one in settlement.open
        else one
        for one in settlement.verdicts
    )
    return replace(settlement, verdicts=left)


def _track(connection: Connection, settlement: Settlement) -> str | None:
    """A row for the step that was under way; steps that ended have theirs."""
    plan = settlement.plan
    at = positions(JournalReader(plan.folder).poll())
    cut = next(
        (
            one
            for one in settlement.verdicts
            if one.outcome != "recorded" and (begun := at.get(one.step.number)) and begun.started and not begun.failed
        ),
        None,
    )
    if cut is None or plan.tracking is None:
        return None
    found = tracking.read_tracking(connection, plan.tracking)
    if found.schema is None or found.creates not in ("", "runs"):
        return found.reason or None
    step = cut.step
    told = {"partly": "partly applied", "not_applied": "not applied"}.get(cut.outcome, cut.outcome)
    migration = tracking.Migration(step.change_id, step.change, step.action, step.note, False, 0, f"cut off, {told}")
    return tracking.record_failure(connection, found.schema, migration, (), plan.operator)


def _end_row(connection: Connection, settlement: Settlement) -> str:
    """Say the end of the run in the table of runs, too; why not, "" when it is said, or there is no such row."""
    schema = settlement.plan.tracking
    if schema is None:
        return ""
    try:
        found = tracking.read_tracking(connection, schema)
        if not (found.no_runs or found.creates or found.schema is None):
            connection.execute(runs.settled_sql(schema, settlement.plan.run_id, settlement.exit_status))
    except ServerError as error:
        return error.message
    return ""


# -- at the start of another run -----------------------------------------------------------------------------------


def settle_or_refuse(
    connection: Connection, identity: ServerIdentity, environment: str, project: str, schema: str, state_dir: Path
) -> list[str]:
    """What a new run does first: settle the runs that were cut off here, where the evidence allows it at once.

    Returns what it found, as warnings. Raises InDoubt, naming `reconcile`, where a person has to look.
    """
    told = []
    for plan in unfinished_on(state_dir, identity, project, schema):
        settlement = examine(connection, plan)
        command = f"`pgmig-tui reconcile {environment}`"
        if settlement.sessions:
            pids = ", ".join(str(one.pid) for one in settlement.sessions)
            raise InDoubt(
                f"the run {plan.run_id} was cut off on {environment}, and it still lives on the server: process {pids}",
                now="Nothing was changed.", do=f"{command} names its sessions and can end them.",
            )  # fmt: skip
        if not settlement.settled or settlement.partly:
            raise InDoubt(
                f"the run {plan.run_id} was cut off on {environment}: {settlement.summary}",
                now="Nothing was changed.", do=f"{command} settles it.",
            )  # fmt: skip
        if settle(connection, settlement, by="the next run"):
            told.append(f"the run {plan.run_id} was cut off; settled now: {settlement.summary}")
    return told


@contextlib.contextmanager
def asked(target: Reachable, run: str = "run") -> Iterator[tuple[Connection, ServerIdentity]]:
    """A connection that only looks, and who answered on it."""
    with connect(target, application_name=application_name("reconcile", run)) as connection:
        identity = connection.identity()
        connection.execute(guard_sql("control", 2000, identity.version_num))
        yield connection, identity


def end_sessions(connection: Connection, sessions: Sequence[NamedSession]) -> list[tuple[NamedSession, str]]:
    """Terminate these sessions, each only if it still is that one. Returns (session, why not) of those that we may not
    end."""
    failed = []
    for session in sessions:
        try:
            terminate(connection, session)
        except PgmigError as error:
            failed.append((session, error.what))
    return failed
