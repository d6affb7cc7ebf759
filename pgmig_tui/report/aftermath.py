"""What is looked at when a rollback has ended: health, the verify scripts of what remains, and whether the schema is as
it was before the deploy. It is written into the run's journal, so that every report has it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pgmig_tui.database.checks import CheckResult, check_environment
from pgmig_tui.database.connect import application_name, connect
from pgmig_tui.database.fingerprint import changed, outside, read_objects
from pgmig_tui.display import words
from pgmig_tui.display.cells import Line, Span, line
from pgmig_tui.display.safe import safe
from pgmig_tui.errors import PgmigError
from pgmig_tui.run.client import start
from pgmig_tui.run.folder import discard
from pgmig_tui.run.journal import JournalWriter, hold_lock
from pgmig_tui.run.noted import read_noted
from pgmig_tui.run.plan import Options, RunPlan
from pgmig_tui.run.planning import prepare

if TYPE_CHECKING:
    from pgmig_tui.project.environments import Environment
    from pgmig_tui.project.project import Project

EVENT = "rollback_checked"
_POLL_S = 0.05
_LISTED = 20


@dataclass(frozen=True, slots=True)
class Aftermath:
    """What is true afterwards. `verified` are (change, ok, message); `schema` is same, differs or unknown, and
    `differences` say what differs, or why it isn't known. `marked` must not be deployed now."""

    checks: tuple[CheckResult, ...]
    verified: tuple[tuple[str, bool, str], ...]
    verify_problem: str
    schema: str
    differences: tuple[str, ...]
    marked: tuple[str, ...]

    def to_event(self) -> dict[str, Any]:
        """The fields of the event `rollback_checked`."""
        return {
            "checks": [{"name": c.name, "title": c.title, "state": c.state, "summary": c.summary} for c in self.checks],
            "verified": [{"change": name, "ok": ok, "message": told} for name, ok, told in self.verified],
            "verify_problem": self.verify_problem,
            "schema": self.schema,
            "differences": list(self.differences),
            "marked": list(self.marked),
        }


def look_after(
    project: Project,
    environment: Environment,
    plan: RunPlan,
    state_dir: Path,
    marked: Sequence[str] = (),
    told: Callable[[str], None] = lambda text: None,
) -> Aftermath:
    """Look at an environment after the rollback `plan` has ended, and write what is found into its journal. Never
    raises for the server: what can't be asked is unknown."""
    told("checking the server's health")
    checks = check_environment(environment)
    told("verifying what remains")
    verified, problem = _verify(project, environment, state_dir)
    schema, differences = compare_schema(environment, plan, state_dir)
    found = Aftermath(checks, verified, problem, schema, differences, tuple(marked))
    _write(plan, found)
    return found


def compare_schema(environment: Environment, plan: RunPlan, state_dir: Path) -> tuple[str, tuple[str, ...]]:
    """(same | differs | unknown, what differs or why it isn't known) against the schema before the run that was taken
    back."""
    before = read_noted(state_dir / "runs" / plan.rolls_back) if plan.rolls_back else None
    if before is None:
        why = "the run that was rolled back noted no schema" if plan.rolls_back else "no run was taken back as a whole"
        return "unknown", (why,)
    try:
        name = application_name(plan.run_id, "schema")
        with connect(environment.target, application_name=name, lock_timeout_ms=1000) as connection:
            now = read_objects(connection)
    except PgmigError as error:
        return "unknown", (error.what,)
    ours = {plan.registry, plan.tracking or plan.registry, plan.keep_schema or plan.registry}
    differ = changed(outside(before, ours), outside(now, ours))
    told = [f"{kind} {name}: {_how(old, new)}" for kind, name, old, new in differ]
    if len(told) > _LISTED:
        told = [*told[:_LISTED], f"and {len(told) - _LISTED} more"]
    return ("differs" if differ else "same"), tuple(told)


def _how(old: str, new: str) -> str:
    """What became of an object: gone, new, or the lines of its definition that are new or gone."""
    if not new or not old:
        return "gone since" if not new else "new since"
    before, after = old.splitlines(), new.splitlines()
    lines = [f"- {one}" for one in before if one not in after] + [f"+ {one}" for one in after if one not in before]
    told = "; ".join(" ".join(one.split()) for one in lines[:3]) or "its order differs"
    return told if len(told) <= 240 else told[:237] + "..."


def _verify(
    project: Project, environment: Environment, state_dir: Path
) -> tuple[tuple[tuple[str, bool, str], ...], str]:
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
        for event in handle.poll():
            if event.name == "step_verified":
                data = event.data
                found.append((str(data.get("change")), bool(data.get("ok")), str(data.get("message") or "")))
        if handle.finished or not alive:
            break
        time.sleep(_POLL_S)
    return tuple(found), "" if handle.finished else "the verification ended without a last word"


def _write(plan: RunPlan, found: Aftermath) -> None:
    lock = hold_lock(plan.folder, "recording")
    if lock is None:
        return  # somebody answers the list for afterwards just now; the lines on the screen stay
    try:
        writer = JournalWriter.continued(plan.folder, plan.run_id)
        writer.write(EVENT, **found.to_event())
        writer.close()
    finally:
        os.close(lock)


def lines(event: Mapping[str, Any]) -> list[Line]:
    """The event in words, a line each."""
    told: list[Line] = []
    failed = [one for one in event.get("verified", ()) if not one["ok"]]
    total = len(event.get("verified", ()))
    if event.get("verify_problem"):
        told.append(line(("? ", "stale"), f"verify: {safe(event['verify_problem'])}"))
    elif failed:
        names = words.listing([safe(one["change"]) for one in failed])
        told.append(line(("x ", "failed"), f"verify: {len(failed)} of {total} fail: {names}"))
    else:
        passed = f"{total} of {total} of what remains pass" if total else "nothing remains that could be verified"
        told.append(line(("+ ", "done"), f"verify: {passed}"))
    marks: dict[str, Span] = {"same": ("+ ", "done"), "differs": ("! ", "waiting")}
    schema = {"same": "as before the deploy", "differs": "not as before the deploy"}
    mark = marks.get(str(event.get("schema")), ("? ", "stale"))
    state = schema.get(str(event.get("schema")), "not compared with the time before the deploy")
    told.append(line(mark, f"schema: {state}"))
    told += [line(("    ", "plain"), (safe(text), "muted")) for text in event.get("differences", ())]
    bad = [one for one in event.get("checks", ()) if one["state"] in ("WARN", "FAIL")]
    unknown = sum(one["state"] == "UNKNOWN" for one in event.get("checks", ()))
    for one in bad:
        role: Span = ("x ", "failed") if one["state"] == "FAIL" else ("! ", "waiting")
        told.append(line(role, safe(f"health: {one['title']}: {one['summary']}")))
    fine = f"health: {len(event.get('checks', ())) - len(bad) - unknown} checks fine"
    told.append(line(("+ ", "done"), fine + (f", {unknown} unknown to this role" if unknown else "")))
    if marked := event.get("marked"):
        names = words.listing([safe(name) for name in marked])
        told.append(line(("! ", "waiting"), f"do not deploy until that is lifted: {names}"))
    return told
