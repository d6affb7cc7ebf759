"""The commands that run: `deploy`, `revert` and `verify`."""

from __future__ import annotations

import os
from argparse import Namespace
from typing import TYPE_CHECKING

from pgmig_tui.cli import output
from pgmig_tui.cli.choose import environment_and_change
from pgmig_tui.errors import UsageError

if TYPE_CHECKING:
    from pgmig_tui.gates.gate import Answer
    from pgmig_tui.run.plan import Command

NOTHING = "Nothing was changed."


def deploy(arguments: Namespace) -> int:
    """Deploy what is pending, up to --to. Nothing pending is done already: 0. With --dry-run only try it."""
    if arguments.mode not in (None, "change"):
        raise UsageError(
            f"--mode {arguments.mode} isn't supported: what was committed is never reverted by itself.",
            now=NOTHING,
            do="Leave --mode out, or say --mode change; `pgmig-tui revert` takes changes back.",
        )
    return _dry_run(arguments) if arguments.dry_run else _carry_out(arguments, "deploy")


def revert(arguments: Namespace) -> int:
    """Revert what was deployed after --to, or with --all everything."""
    return _carry_out(arguments, "revert")


def verify(arguments: Namespace) -> int:
    """Run the verify scripts of what is deployed."""
    return _carry_out(arguments, "verify")


def _dry_run(arguments: Namespace) -> int:
    """One transaction on the real environment that ends in ROLLBACK. It wants the last word, not the checklist."""
    from pgmig_tui.cli.confirm import confirm_run
    from pgmig_tui.cli.consent import overview
    from pgmig_tui.cli.follow import Follower, Signals
    from pgmig_tui.report.review import review
    from pgmig_tui.run.client import default_state_dir, start
    from pgmig_tui.run.dry_run import prepare_dry_run
    from pgmig_tui.run.plan import Options

    if arguments.log_only or arguments.backup:
        raise UsageError("--dry-run writes no record and needs no backup.", now=NOTHING, do="Leave the other one out.")
    project, environment, to = environment_and_change(arguments, warned=True)
    options = Options(
        to=to, verify=arguments.verify, variables=dict(arguments.variables), lock_wait_s=arguments.lock_timeout
    )
    plan = prepare_dry_run(project, environment, options, state_dir=default_state_dir(os.environ))
    for warning in plan.warnings:
        output.warn(warning)
    if not plan.steps:
        return 0
    for told in overview(review(plan, environment)):
        output.note(told)
    confirm_run(arguments, plan)
    target = environment.target
    with Signals() as signals:
        handle = start(plan, (), password=target.password, secrets=target.secrets)
        return Follower(handle, signals, json_lines=arguments.json_lines).follow()


def _carry_out(arguments: Namespace, command: Command) -> int:
    from pgmig_tui.cli.follow import Follower, Signals
    from pgmig_tui.run.client import default_state_dir, start, warm
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
    process = warm(project.root)
    plan = prepare(project, environment, command, options, state_dir=default_state_dir(os.environ))
    for warning in plan.warnings:
        output.warn(warning)
    if not plan.steps:
        return 0
    answers: list[Answer] = []
    if command != "verify":
        from pgmig_tui.cli.consent import consent

        answers = consent(arguments, plan, environment)
    target = environment.target
    with Signals() as signals:
        handle = start(plan, answers, password=target.password, secrets=target.secrets, process=process)
        return Follower(handle, signals, json_lines=arguments.json_lines).follow()
