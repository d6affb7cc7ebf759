"""The commands that run: `deploy`, `revert`, `verify`, and `attach` to a run that is under way."""

from __future__ import annotations

import os
from argparse import Namespace
from typing import TYPE_CHECKING

from pgmig_tui.cli import output
from pgmig_tui.cli.ask import ask, ask_yes, somebody_is_there
from pgmig_tui.cli.choose import environment_and_change
from pgmig_tui.display import words
from pgmig_tui.display.cells import Line, line
from pgmig_tui.display.safe import safe
from pgmig_tui.errors import Refused, UsageError

if TYPE_CHECKING:
    from pgmig_tui.run.plan import Command, RunPlan

NOTHING = "Nothing was changed."


def deploy(arguments: Namespace) -> int:
    """Deploy what is pending, up to --to. Nothing pending is done already: 0."""
    if arguments.mode not in (None, "change"):
        raise UsageError(
            f"--mode {arguments.mode} isn't supported: what was committed is never reverted by itself.",
            now=NOTHING,
            do="Leave --mode out, or say --mode change; `pgmig-tui revert` takes changes back.",
        )
    return _carry_out(arguments, "deploy")


def revert(arguments: Namespace) -> int:
    """Revert what was deployed after --to, or with --all everything."""
    return _carry_out(arguments, "revert")


def verify(arguments: Namespace) -> int:
    """Run the verify scripts of what is deployed."""
    return _carry_out(arguments, "verify")


def attach(arguments: Namespace) -> int:
    """The same picture as the one that started the run has, from the beginning of its journal."""
    from pgmig_tui.cli.follow import Follower, Signals
    from pgmig_tui.run.client import attach as attach_to
    from pgmig_tui.run.client import default_state_dir

    handle = attach_to(arguments.run, default_state_dir(os.environ))
    with Signals() as signals:
        return Follower(handle, signals, json_lines=arguments.json_lines).follow()


def _carry_out(arguments: Namespace, command: Command) -> int:
    from pgmig_tui.cli.follow import Follower, Signals
    from pgmig_tui.run.client import default_state_dir, start
    from pgmig_tui.run.plan import Options
    from pgmig_tui.run.planning import prepare

    project, environment, to = environment_and_change(arguments, warned=True)
    if command == "revert" and (to is None) == (not arguments.revert_all):
        raise UsageError(
            "revert needs either --to CHANGE, the last change to keep, or --all.", now=NOTHING, do="Say which."
        )
    options = Options(
        to=to,
        revert_all=command == "revert" and arguments.revert_all,
        log_only=command != "verify" and arguments.log_only,
        verify=arguments.verify if command == "deploy" else None,
        variables=dict(arguments.variables),
        lock_wait_s=0.0 if command == "verify" else arguments.lock_timeout,
    )
    plan = prepare(project, environment, command, options, state_dir=default_state_dir(os.environ))
    for warning in plan.warnings:
        output.warn(warning)
    if not plan.steps:
        told = {"deploy": "Nothing to deploy", "revert": "Nothing to revert", "verify": "Nothing to verify"}[command]
        output.note(f"{told}: {safe(environment.name)} is where it should be.")
        return 0
    for told_line in overview(plan):
        output.note(told_line)
    if command != "verify":
        _confirm(arguments, plan)
    with Signals() as signals:
        return Follower(start(plan, ()), signals, json_lines=arguments.json_lines).follow()


def overview(plan: RunPlan) -> list[Line]:
    """What is about to happen: the steps, how each runs, and the schemas that will be made."""
    server = plan.server
    where = f"{safe(plan.environment)} ({safe(server.database)}, {safe(server.display)}, as {safe(server.role)})"
    steps = words.count(len(plan.steps), "change")
    told = [line((f"{plan.command} {steps} on ", "strong"), (where, "tier-prod" if plan.protected else "strong"))]
    for step in plan.steps:
        how = {"atomic": "one transaction", "stepwise": "statement by statement", "record": "recorded only"}[step.mode]
        verified = {"inside": ", verified before COMMIT", "after": ", verified after", "off": ", not verified"}[
            step.verify
        ]
        told.append(line(f"  {step.number:>3} {safe(step.label)}  ", (how + verified, "muted")))
        told += [line(("        ! ", "waiting"), safe(finding)) for finding in step.findings]
    if plan.creates:
        told.append(line(("  makes ", "waiting"), f"the schemas {safe(words.listing(plan.creates))}"))
    return told


def _confirm(arguments: Namespace, plan: RunPlan) -> None:
    """Raise Refused unless the operator, or the options in his place, say yes."""
    if not plan.protected:
        if arguments.yes:
            return
        if not somebody_is_there():
            raise Refused("Nobody is there to be asked.", now=NOTHING, do="Say --yes to answer for yourself.")
        if not ask_yes(f"{plan.command.capitalize()} on {plan.environment}?"):
            raise Refused("You said no.", now=NOTHING)
        return
    word = arguments.confirm
    if word is None:
        if not somebody_is_there():
            raise Refused(
                f"{plan.environment} is protected, and nobody is there to confirm.",
                now=NOTHING,
                do="Say --confirm WORD with the environment's confirmation word; --yes isn't enough.",
            )
        word = ask(f"{plan.environment} is protected. Type {plan.confirm_word} to {plan.command}:")
    if word != plan.confirm_word:
        raise Refused(
            f"That isn't the confirmation word of {plan.environment}.",
            now=NOTHING,
            do="The word is confirm_word in pgmig.toml, or else the environment's name.",
        )
