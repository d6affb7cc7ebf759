"""`hooks TARGET`: whom a run there would tell what, without telling anybody; `--send-test` tells them."""

from __future__ import annotations

import os
import socket
from argparse import Namespace
from typing import TYPE_CHECKING, Any

from pgmig_tui.cli import output
from pgmig_tui.cli.choose import environment_and_change
from pgmig_tui.display.cells import Span, line
from pgmig_tui.display.safe import safe
from pgmig_tui.errors import StepFailure, UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from pgmig_tui.gates.hook_text import HookFacts
    from pgmig_tui.gates.hooks import Called
    from pgmig_tui.project.environments import Environment
    from pgmig_tui.project.project import Project

_OPERATIONS = {"rolled_back": "rollback"}


def hooks(arguments: Namespace) -> int:
    """Each hook with the text that it would get of a run of now. Raises StepFailure where a test wasn't taken."""
    import json

    from pgmig_tui.gates.hook_text import hook_text
    from pgmig_tui.gates.hooks import call, unaccepted
    from pgmig_tui.run.journal.folder import default_state_dir

    project, environment, _ = environment_and_change(arguments)
    state_dir = default_state_dir(os.environ)
    wanted = [one for one in environment.hooks if arguments.event in (None, one.name)]
    if not wanted and arguments.event is not None:
        known = ", ".join(one.name for one in environment.hooks) or "none"
        raise UsageError(
            f'{environment.name} has no hook "{arguments.event}"', now="Nobody was told.", do=f"It has: {known}."
        )
    facts = _facts(project, environment, state_dir) if wanted else None
    found: list[dict[str, Any]] = []
    failed: list[str] = []
    for hook in wanted:
        assert facts is not None
        text = hook_text(hook.name, _as(facts, hook.name), test=arguments.send_test)
        why = unaccepted(hook, environment.name, project.root, state_dir)
        told: Called | None = None
        if arguments.send_test:
            told = call(
                hook, text, environment=environment.name, root=project.root, state_dir=state_dir, env=os.environ
            )
            if not told.ok:
                failed.append(hook.name)
        found.append(
            {
                "hook": hook.name, "kind": hook.kind, "to": hook.to, "accepted": not why, "required": hook.required,
                "timeout_ms": hook.timeout_ms, "text": json.loads(text),
                "told": None if told is None else {"ok": told.ok, "words": told.told, "output": told.output},
            }
        )  # fmt: skip
    if arguments.json:
        output.document({"environment": environment.name, "hooks": found})
    else:
        _say(environment, found)
    if failed:
        raise StepFailure(
            f"{' and '.join(failed)} of {environment.name} did not take the test",
            now="Nothing else was done.",
            do=f"A hook is called once it is accepted: pgmig-tui accept {environment.name}.",
        )
    return 0


def _say(environment: Environment, found: list[dict[str, Any]]) -> None:
    import json

    if not found:
        output.say(f"pgmig.toml tells nobody of runs on {safe(environment.name)}.")
    for one in found:
        state: Span = ("accepted", "done") if one["accepted"] else ("not accepted: not called", "waiting")
        output.say(line((f"{one['hook']}  ", "strong"), safe(f"{one['kind']} {one['to']}  "), state))
        for text in json.dumps(one["text"], ensure_ascii=False, indent=2).splitlines():
            output.say(line((f"  {safe(text)}", "muted")))
        if one["told"] is not None:
            mark: Span = ("  + ", "done") if one["told"]["ok"] else ("  x ", "failed")
            output.say(line(mark, safe(one["told"]["words"])))
            for text in one["told"]["output"].splitlines()[:5]:
                output.say(line(("    | ", "muted"), safe(text)))


def _facts(project: Project, environment: Environment, state_dir: Path) -> HookFacts:
    """What a deploy of now would tell; without its changes where the server doesn't answer."""
    from pgmig_tui.gates.hook_text import HookChange, HookFacts
    from pgmig_tui.project.tickets import ticket_in
    from pgmig_tui.review.lists import pending_on

    there = pending_on(project, environment)
    if there.trouble or not there.about.server:
        output.warn(there.trouble or "what is pending isn't known: the server doesn't answer")
    target = environment.target
    changes = tuple(
        HookChange(
            one.name,
            one.change_id,
            " ".join([one.name, *(f"@{tag.name}" for tag in one.tags)]),
            "deploy",
            ticket_in(environment.ticket, one.note),
        )
        for one in there.changes
    )
    return HookFacts(
        project.plan.project, environment.name, environment.policy.protected, target.display,
        target.address.database or "", "deploy", changes, str(project.operator), os.environ.get("USER", ""),
        socket.gethostname(),
    )  # fmt: skip


def _as(facts: HookFacts, event: str) -> HookFacts:
    """The same as the hook of that event would be told it, by a run that has done all."""
    from dataclasses import replace

    if event in ("before", "override"):
        return facts
    done = tuple(replace(one, done=True) for one in facts.changes)
    return replace(facts, operation=_OPERATIONS.get(event, facts.operation), changes=done, result="done", exit_status=0)
