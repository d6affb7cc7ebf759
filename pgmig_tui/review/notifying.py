"""Telling stakeholders before a run: by the hook `before`, which is called once everything else lets the run start."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pgmig_tui.gates.hook_text import hook_text
from pgmig_tui.gates.hooks import call, result_of, unaccepted, waiting
from pgmig_tui.run.journal.told import facts_of

if TYPE_CHECKING:
    from pgmig_tui.database.checks import CheckResult
    from pgmig_tui.gates.gate import Answer
    from pgmig_tui.project.environments import Environment
    from pgmig_tui.run.journal.run_plan import RunPlan

NOTIFIED = "notified"
"""The check that answers "Notify stakeholders" where there is a hook."""


def to_be_told(environment: Environment, root: Path, state_dir: Path) -> tuple[CheckResult, ...]:
    """What is known of it before the run is about to start; nothing where no hook is there to tell anybody."""
    hook = environment.hook("before")
    if hook is None:
        return ()
    return (waiting(NOTIFIED, hook, unaccepted(hook, environment.name, root, state_dir)),)


def tell_before(
    plan: RunPlan, environment: Environment, answers: Sequence[Answer]
) -> tuple[tuple[CheckResult, ...], tuple[Mapping[str, Any], ...]]:
    """Call it now, and wait for it within its bounds: the result of the item, and the fields of its `hook_told`
    event. Never raises."""
    hook = environment.hook("before")
    if hook is None:
        return (), ()
    text = hook_text(hook.name, facts_of(plan, [asdict(one) for one in answers]))
    root, state_dir = Path(plan.root), plan.folder.parent.parent
    called = call(hook, text, environment=plan.environment, root=root, state_dir=state_dir, env=os.environ)
    result = result_of(NOTIFIED, hook, called)
    return (result,), (asdict(called),)
