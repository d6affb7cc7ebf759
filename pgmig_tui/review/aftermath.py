"""What is looked at when a rollback has ended: health, the verify scripts of what remains, and whether the schema is as
it was before the deploy. It is written into the run's journal, so that every report has it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from pgmig_tui.database.checks import check_environment
from pgmig_tui.database.connect import application_name, connect
from pgmig_tui.database.fingerprint import changed, outside, read_objects
from pgmig_tui.database.losses import still_there
from pgmig_tui.display import words
from pgmig_tui.display.cells import Line, Span, line
from pgmig_tui.display.safe import safe
from pgmig_tui.errors import PgmigError
from pgmig_tui.gates.checklist import HEALTH
from pgmig_tui.gates.evidence import evidence_of
from pgmig_tui.gates.gate import evaluate
from pgmig_tui.impact.facts import Name
from pgmig_tui.review.drift import changed_lines
from pgmig_tui.review.lost import open_losses
from pgmig_tui.run.clients.client import start
from pgmig_tui.run.journal.entry import event_of
from pgmig_tui.run.journal.events import AnyEvent, Checked, RollbackChecked, StepVerified, StillThere, Verified
from pgmig_tui.run.journal.file import JournalReader, JournalWriter, hold_lock
from pgmig_tui.run.journal.folder import JOURNAL, discard
from pgmig_tui.run.journal.noted import as_now, not_kept, read_noted
from pgmig_tui.run.journal.picture import picture_of
from pgmig_tui.run.journal.run_plan import Options, RunPlan
from pgmig_tui.run.planning.marks import marked_by
from pgmig_tui.run.planning.prepare import prepare

if TYPE_CHECKING:
    from pgmig_tui.project.environments import Environment
    from pgmig_tui.project.project import Project

_POLL_S = 0.05
_PATIENCE_S = 30.0
"""So long a run process that has said its end gets to exit, and who answers its checklist to be done."""
_LISTED = 20


def look_after(
    project: Project,
    environment: Environment,
    plan: RunPlan,
    state_dir: Path,
    told: Callable[[str], None] = lambda text: None,
) -> RollbackChecked:
    """Look at an environment after the rollback `plan` has ended, and write what is found into its journal. Never
    raises for the server: what can't be asked is unknown."""
    told("checking the server's health")
    asked = check_environment(environment)
    checks = tuple(Checked(name=one.name, title=one.title, state=one.state, summary=one.summary) for one in asked)
    told("verifying what remains")
    verified, problem = _verify(project, environment, state_dir)
    schema, differences = compare_schema(environment, plan, state_dir)
    marked, mark_problem, losses = _asked(environment, plan, state_dir)
    found = RollbackChecked(
        checks=checks,
        verified=verified,
        verify_problem=problem,
        schema=schema,
        differences=differences,
        marked=marked,
        mark_problem=mark_problem,
        losses=losses,
    )
    kept = [
        event_of("evidence_kept", asdict(evidence_of(one, plan.server.where)))
        for one in evaluate(HEALTH, asked, (), protected=False).results
    ]
    if not _write(plan, [*kept, found]):
        told("what is seen can't be written down: the run process has not exited, or another answers its checklist")
    return found


def _asked(
    environment: Environment, plan: RunPlan, state_dir: Path
) -> tuple[tuple[str, ...], str, tuple[StillThere, ...]]:
    """What is marked, why that isn't known, and whether what the journal leaves open is still there."""
    events = JournalReader(plan.folder).poll()
    left_open = open_losses(events, picture_of(events))
    try:
        name = application_name(plan.run_id, "review")
        with connect(environment.target, application_name=name, lock_timeout_ms=1000) as connection:
            seen = []
            for one in left_open:
                columns, table = one.columns or (), Name(one.schema or "", one.table or "")
                there = still_there(connection, table, columns)
                seen.append(StillThere(step=one.step or 0, relation=one.relation or "", columns=columns, there=there))
            return marked_by(connection, plan, state_dir), "", tuple(seen)
    except PgmigError as error:
        return (), error.what, ()


def compare_schema(environment: Environment, plan: RunPlan, state_dir: Path) -> tuple[str, tuple[str, ...]]:
    """(same | differs | unknown, what differs or why it isn't known) against the schema before the run that was rolled
    back."""
    before = read_noted(state_dir / "runs" / plan.rolls_back) if plan.rolls_back else None
    if before is None:
        return "unknown", (_why_not_compared(plan, state_dir),)
    try:
        name = application_name(plan.run_id, "schema")
        with connect(environment.target, application_name=name, lock_timeout_ms=1000) as connection:
            now = read_objects(connection)
    except PgmigError as error:
        return "unknown", (error.what,)
    ours = {plan.registry, plan.tracking or plan.registry, plan.keep_schema or plan.registry}
    differ = changed(outside(as_now(before, now), ours), outside(now, ours))
    told = [f"{kind} {name}: {_how(old, new)}" for kind, name, old, new in differ]
    if len(told) > _LISTED:
        told = [*told[:_LISTED], f"and {len(told) - _LISTED} more"]
    return ("differs" if differ else "same"), tuple(told)


def _why_not_compared(plan: RunPlan, state_dir: Path) -> str:
    if not plan.rolls_back:
        return "no run was rolled back as a whole"
    if not (state_dir / "runs" / plan.rolls_back / JOURNAL).exists():
        return f"run {plan.rolls_back}, which was rolled back, has no journal here, where this account could read it"
    return "the run that was rolled back noted no schema that can be compared"


def _how(old: str, new: str) -> str:
    """What became of an object: gone, new, or the lines of its definition that are new or gone."""
    if not new or not old:
        return "gone since" if not new else "new since"
    if not_kept(old):
        return "not as before (it holds a value that was given to a run, and wasn't kept)"
    lines = [f"{sign} {text}" for sign, text in changed_lines(old, new)]
    told = "; ".join(" ".join(one.split()) for one in lines[:3]) or "its order differs"
    return told if len(told) <= 240 else told[:237] + "..."


def _verify(project: Project, environment: Environment, state_dir: Path) -> tuple[tuple[Verified, ...], str]:
    """Run the verify scripts of what is deployed, as a run of its own."""
    try:
        plan = prepare(project, environment, "verify", Options(), state_dir=state_dir)
    except PgmigError as error:
        return (), error.what
    if not plan.steps:
        discard(plan.folder)
        return (), ""
    target = environment.target
    handle = start(plan, (), password=target.password, secrets=target.secrets)
    found = []
    while True:
        alive = handle.alive()
        for entry in handle.poll():
            if isinstance(one := entry.event, StepVerified):
                found.append(
                    Verified(change=one.change or "", ok=one.ok, ran=one.where != "none", message=one.message or "")
                )
        if handle.finished or not alive:
            break
        time.sleep(_POLL_S)
    return tuple(found), "" if handle.finished else "the verification's process exited without recording an end"


def _write(plan: RunPlan, found: Sequence[AnyEvent]) -> bool:
    """At the end of the rollback's journal. False when somebody else keeps hold of it."""
    lock = hold_lock(plan.folder, "recording", _PATIENCE_S)
    if lock is None:
        return False
    try:
        writer = JournalWriter.continued(plan.folder, plan.run_id)
        for one in found:
            writer.write(one)
        writer.close()
    finally:
        os.close(lock)
    return True


def lines(found: RollbackChecked) -> list[Line]:
    """What was found in words, a line each."""
    told: list[Line] = []
    told.append(_verify_line(found))
    marks: dict[str, Span] = {"same": ("+ ", "done"), "differs": ("! ", "waiting")}
    schema = {"same": "as before the deploy", "differs": "not as before the deploy"}
    mark = marks.get(found.schema, ("? ", "stale"))
    told.append(line(mark, f"schema: {schema.get(found.schema, 'not compared with the time before the deploy')}"))
    told += [line(("    ", "plain"), (safe(text), "muted")) for text in found.differences]
    for one in found.checks:
        if one.state in ("WARN", "FAIL"):
            role: Span = ("x ", "failed") if one.state == "FAIL" else ("! ", "waiting")
            told.append(line(role, safe(f"health: {one.title}: {one.summary}")))
    states = [one.state for one in found.checks]
    unknown = states.count("UNKNOWN")
    fine = f"health: {states.count('PASS')} of {len(states)} checks pass"
    if apart := states.count("N-A"):
        fine += f", {words.count(apart, 'does', 'do')} not apply here"
    told.append(line(("+ ", "done"), fine + (f", {unknown} unknown to this role" if unknown else "")))
    if found.marked:
        names = words.listing([safe(name) for name in found.marked], 20)
        told.append(line(("! ", "waiting"), f"do not deploy until that is lifted: {names}"))
    if found.mark_problem:
        told.append(line(("? ", "stale"), f"do not deploy: what is marked isn't known: {safe(found.mark_problem)}"))
    return told


def _verify_line(found: RollbackChecked) -> Line:
    """Of what remains deployed: how many verify scripts passed, and how many changes have none."""
    ran = [one for one in found.verified if one.ran is not False]
    failed = [one for one in found.verified if not one.ok]
    none = len(found.verified) - len(ran)
    without = f"; {words.count(none, 'change has', 'changes have')} nothing to run" if none else ""
    if found.verify_problem:
        return line(("? ", "stale"), f"verify: {safe(found.verify_problem)}")
    if failed:
        names = words.listing([safe(one.change) for one in failed])
        return line(("x ", "failed"), f"verify: {len(failed)} of {len(found.verified)} fail: {names}")
    if not ran:
        return line(("+ ", "done"), f"verify: nothing remains that could be verified{without}")
    return line(("+ ", "done"), f"verify: {len(ran)} of {len(ran)} of what remains pass{without}")
