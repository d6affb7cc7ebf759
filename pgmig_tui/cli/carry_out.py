"""The commands that run: `deploy`, `revert` and `verify`."""

from __future__ import annotations

import os
from argparse import Namespace
from typing import TYPE_CHECKING

from pgmig_tui.cli import output
from pgmig_tui.cli.choose import choose, environment_and_change
from pgmig_tui.display.safe import safe
from pgmig_tui.errors import UsageError

if TYPE_CHECKING:
    from pgmig_tui.project.environments import Environment
    from pgmig_tui.project.project import Project
    from pgmig_tui.run.journal.run_plan import Command, RunPlan

NOTHING = "Nothing was changed."


def deploy(arguments: Namespace) -> int:
    """Deploy what is pending, up to --to. Nothing pending is done already: 0. With --dry-run only try it."""
    if arguments.mode not in (None, "change"):
        raise UsageError(
            f"--mode {arguments.mode} isn't supported: what was committed is never reverted by itself.",
            now=NOTHING,
            do="Leave --mode out, or say --mode change; `pgmig-tui revert` reverts changes.",
        )
    return _dry_run(arguments) if arguments.dry_run else _carry_out(arguments, "deploy")


def revert(arguments: Namespace) -> int:
    """Revert what was deployed after --to, or with --all everything."""
    return _carry_out(arguments, "revert")


def verify(arguments: Namespace) -> int:
    """Run the verify scripts of what is deployed."""
    return _carry_out(arguments, "verify")


def _dry_run(arguments: Namespace) -> int:
    """One transaction on the real environment that ends in ROLLBACK. It wants the last word, not the checklist: an
    answer to that is refused where a deploy would refuse it, and else not counted."""
    from pgmig_tui.cli.confirm import confirm_run
    from pgmig_tui.cli.consent import given_answers, overview
    from pgmig_tui.cli.follow import Follower, Signals
    from pgmig_tui.review.prepared import review
    from pgmig_tui.run.clients.client import start
    from pgmig_tui.run.journal.folder import default_state_dir
    from pgmig_tui.run.journal.run_plan import Options
    from pgmig_tui.run.planning.protection import environment_of
    from pgmig_tui.run.process.dry_run import prepare_dry_run

    if arguments.log_only or arguments.backup:
        raise UsageError("--dry-run writes no record and needs no backup.", now=NOTHING, do="Leave the other one out.")
    if arguments.allow_shell:
        raise UsageError("A dry run lets no script run a program.", now=NOTHING, do="Leave --allow-shell out.")
    project, environment, to = environment_and_change(arguments, warned=True)
    options = Options(
        to=to, verify=arguments.verify, variables=dict(arguments.variables), lock_wait_s=arguments.lock_timeout
    )
    plan = prepare_dry_run(project, environment, options, state_dir=default_state_dir(os.environ))
    for warning in plan.warnings:
        output.warn(warning)
    if not plan.steps:
        for what in plan.beside:
            output.warn(f"a deploy records {what}")
        return 0
    environment = environment_of(plan, project, environment)
    if given_answers(arguments, plan, environment):
        output.warn("a dry run asks no checklist: the answers are not counted")
    for told in overview(review(plan, environment)):
        output.note(told)
    confirm_run(arguments, plan)
    target = environment.target
    with Signals() as signals:
        handle = start(plan, (), password=target.password, secrets=target.secrets)
        return Follower(handle, signals, json_lines=arguments.json_lines).follow()


def _where(arguments: Namespace, command: Command) -> tuple[Project, Environment, str | None, str | None]:
    """Project, environment, and the first and last change that are meant (of a verification the first, else None)."""
    if command == "verify":
        found = choose(arguments, changes=2, warned=True)
        changes = list(found.changes)
        since = arguments.since or (changes.pop(0) if changes else None)
        to = arguments.to or (changes.pop(0) if changes else None)
        if changes:
            raise UsageError(
                f"verify takes a first and a last change, and {changes[0]} is one more.",
                now=NOTHING,
                do="Leave it out, or leave --from or --to out.",
            )
        return found.project, found.environment, since, to
    project, environment, to = environment_and_change(arguments, warned=True)
    if command == "revert":
        _require_extent(arguments, project, to)
    return project, environment, None, to


def _require_extent(arguments: Namespace, project: Project, to: str | None) -> None:
    """Raises UsageError unless exactly one option says how far a revert goes."""
    if (to is not None) + arguments.revert_all + arguments.modified != 1:
        raise UsageError(
            "revert needs either --to CHANGE, the last change to keep, or --all, or --modified.",
            now=NOTHING,
            do="Say which.",
        )
    strict = project.config.bool("revert.strict") if arguments.strict is None else arguments.strict
    if strict and arguments.revert_all:
        where = "--strict" if arguments.strict else "[revert] strict in sqitch.conf"
        raise UsageError(
            f"{where} lets a revert only go back to a change that is named.",
            now=NOTHING,
            do="Name the last change to keep with --to, or say --no-strict.",
        )


def _carry_out(arguments: Namespace, command: Command) -> int:
    from pgmig_tui.cli.consent import Consent, consent
    from pgmig_tui.cli.follow import start_and_follow
    from pgmig_tui.run.clients.client import warm
    from pgmig_tui.run.journal.folder import default_state_dir
    from pgmig_tui.run.journal.run_plan import Options
    from pgmig_tui.run.planning.prepare import prepare
    from pgmig_tui.run.planning.protection import environment_of

    project, environment, since, to = _where(arguments, command)
    options = Options(
        to=to,
        since=since,
        revert_all=command == "revert" and arguments.revert_all,
        modified=command == "revert" and arguments.modified,
        log_only=command != "verify" and arguments.log_only,
        verify=arguments.verify if command == "deploy" else None,
        variables=dict(arguments.variables),
        lock_wait_s=0.0 if command == "verify" else arguments.lock_timeout,
    )
    process = warm(project.root)
    plan = prepare(project, environment, command, options, state_dir=default_state_dir(os.environ))
    for warning in plan.warnings:
        output.warn(warning)
    if not plan.does_something:
        return _settled_alone(environment, plan)
    environment = environment_of(plan, project, environment)
    given = Consent()
    if command != "verify":
        given = consent(arguments, plan, project, environment)
    return start_and_follow(plan, environment, given, process, json_lines=arguments.json_lines)


def _settled_alone(environment: Environment, plan: RunPlan) -> int:
    """Nothing is to run; what was cut off is settled all the same."""
    if plan.settles:
        from pgmig_tui.run.journal.folder import default_state_dir
        from pgmig_tui.run.recovery.cut_off import examine_earlier, settle_earlier
        from pgmig_tui.run.recovery.reconcile import asked

        with asked(environment.target) as (connection, _):
            by = str(plan.operator)
            found = examine_earlier(connection, default_state_dir(os.environ), plan.settles)
            for run_id, summary in settle_earlier(connection, found, by, environment.hooks, plan.root):
                output.note(f"The run {safe(run_id)} is settled: {safe(summary)}")
    return 0
