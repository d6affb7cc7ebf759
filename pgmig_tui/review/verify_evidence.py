"""What speaks for a change that is to be recorded without being run: its verify script, run on the environment now."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pgmig_tui.display.words import duration
from pgmig_tui.errors import PgmigError
from pgmig_tui.run.journal.events import RunFinished, StepVerified

if TYPE_CHECKING:
    from pathlib import Path

    from pgmig_tui.project.environments import Environment
    from pgmig_tui.project.project import Project

LONGEST_S = 60.0


@dataclass(frozen=True, slots=True)
class VerifyEvidence:
    """What the verify script of a change said that is to be recorded without being run. `ok` None: there is none, which
    a person may vouch for; `problem` is why it can't be recorded at all."""

    ok: bool | None
    told: str = ""
    problem: str = ""


def verify_evidence(project: Project, environment: Environment, change_id: str, state_dir: Path) -> VerifyEvidence:
    """Run the verify script of a change that is not recorded, as a verify run of its own. Records nothing in the
    registry. Raises PgmigError when it can't be planned."""
    from pgmig_tui.run.clients.client import start
    from pgmig_tui.run.journal.folder import discard
    from pgmig_tui.run.journal.run_plan import Options
    from pgmig_tui.run.planning.prepare import prepare

    plan = prepare(project, environment, "deploy", Options(to=change_id, log_only=True), state_dir=state_dir)
    if [step.change_id for step in plan.steps] != [change_id]:
        discard(plan.folder)
        before = ", ".join(step.label for step in plan.steps[:-1])
        problem = f"these come before it and aren't deployed: {before}" if before else "it is recorded already"
        return VerifyEvidence(None, problem=problem)
    step = plan.steps[0]
    if step.verify_script is None:
        discard(plan.folder)
        return VerifyEvidence(None, f"there is no evidence: {step.verify_reason or 'there is no verify script'}")
    alone = replace(step, action="verify", mode="stepwise", script=None, verify="after", rows_sql="", fail_sql="")
    trial = replace(plan, command="verify", log_only=False, steps=(alone,), setup_sql="", creates=(), tracking=None)
    trial.save()
    target = environment.target
    begun = time.monotonic()
    handle = start(trial, (), password=target.password, secrets=target.secrets)
    ok, message = None, ""
    while not handle.finished:
        alive = handle.alive()
        events = handle.poll()
        for event in events:
            match event.event:
                case StepVerified() as verified:
                    ok, message = verified.ok, verified.message or ""
                case RunFinished() as end:
                    message = message or end.summary
        if not alive and not events:
            break
        if time.monotonic() - begun > LONGEST_S:
            handle.send("stop")
            raise PgmigError(f"{step.verify_script} has not ended within {LONGEST_S:.0f} s", now="Nothing was changed.")
        time.sleep(0.05)
    took = duration((time.monotonic() - begun) * 1000)
    where = f"{step.verify_script} on {environment.name}"
    if ok is None:
        return VerifyEvidence(None, where, problem=f"{where} could not be run: {message or handle.last_words()}")
    return VerifyEvidence(ok, f"{where} passed in {took}" if ok else f"{where} FAILED: {message}")
