"""`pgmig-tui backfill`: a statement in batches, each a transaction of its own with its checkpoint."""

from __future__ import annotations

import os
from argparse import Namespace
from typing import TYPE_CHECKING

from pgmig_tui.cli import output
from pgmig_tui.cli.choose import environment_and_change
from pgmig_tui.errors import UsageError

if TYPE_CHECKING:
    from pgmig_tui.run.backfill.plan import BackfillOptions

_NOTHING = "Nothing was changed."


def backfill(arguments: Namespace) -> int:
    """Carry out a declared statement, or that of the command line, in batches. Exit status as of a deploy: 3 when it
    was stopped; the summary says how to go on."""
    from pgmig_tui.cli.consent import consent
    from pgmig_tui.cli.follow import start_and_follow
    from pgmig_tui.review.backfill import preview_lines
    from pgmig_tui.run.backfill.planning import prepare_backfill
    from pgmig_tui.run.clients.client import warm
    from pgmig_tui.run.journal.folder import default_state_dir
    from pgmig_tui.run.planning.protection import environment_of

    project, environment, change = environment_and_change(arguments, warned=True)
    options = _options(arguments, change)
    process = warm(project.root)
    plan, spec = prepare_backfill(project, environment, options, state_dir=default_state_dir(os.environ))
    for warning in plan.warnings:
        output.warn(warning)
    if spec is None:
        return 0
    for told in preview_lines(spec):
        output.note(told)
    environment = environment_of(plan, project, environment)
    given = consent(arguments, plan, project, environment)
    return start_and_follow(plan, environment, given, process, json_lines=arguments.json_lines)


def _options(arguments: Namespace, change: str | None) -> BackfillOptions:
    from pgmig_tui.run.backfill.plan import BackfillOptions

    if arguments.statement and change is not None:
        raise UsageError("a change and --statement can't both be", now=_NOTHING, do="Leave one of them out.")
    if not arguments.statement and (arguments.table or arguments.key):
        raise UsageError("--table and --key belong to --statement", now=_NOTHING, do="A change declares its own.")
    if arguments.aim <= 0:
        raise UsageError("--aim must be more than 0 seconds", now=_NOTHING)
    return BackfillOptions(
        change=change,
        statement=arguments.statement,
        table=arguments.table,
        key=tuple(column.strip() for column in arguments.key.split(",") if column.strip()),
        left=arguments.left,
        batch=arguments.batch,
        aim_ms=max(1, int(arguments.aim * 1000)),
        max_rate=arguments.max_rate,
        max_lag_s=arguments.max_lag,
        max_lag_bytes=int(arguments.max_lag_mb * (1 << 20)),
        timeout_ms=max(1, int(arguments.batch_timeout * 1000)),
        analyze=arguments.analyze,
        resume=arguments.resume,
        from_start=arguments.from_start,
        variables=dict(arguments.variables),
        lock_wait_s=arguments.lock_timeout,
    )
