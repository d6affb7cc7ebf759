"""The smaller commands that only read: `check` and `runs`."""

from __future__ import annotations

import os
from argparse import Namespace
from dataclasses import asdict
from typing import TYPE_CHECKING

from pgmig_tui.cli import output
from pgmig_tui.cli.choose import environment_and_change
from pgmig_tui.display import words
from pgmig_tui.display.cells import Role
from pgmig_tui.display.safe import safe
from pgmig_tui.errors import PgmigError, Unreachable

if TYPE_CHECKING:
    from pgmig_tui.run.journal.listing import RunSummary

_STATES: dict[str, Role] = {"PASS": "done", "WARN": "waiting", "FAIL": "failed", "UNKNOWN": "stale", "N-A": "muted"}


def check(arguments: Namespace) -> int:
    """The automatic checks of an environment, with those about tables asked for the tables of its pending changes.

    Exit status 5 when the server doesn't answer; with --exit-code, 1 when a check fails or is unknown.
    """
    from pgmig_tui.database.checks import check_environment, document
    from pgmig_tui.gates.impacts import wanted_by_pending

    project, environment, _ = environment_and_change(arguments)
    try:
        wanted = wanted_by_pending(project, environment)
    except PgmigError as error:
        wanted = ()
        if not isinstance(error, Unreachable):
            output.warn(f"the tables of pending changes aren't known: {error.what}")
    results = check_environment(environment, wanted)
    if arguments.json:
        output.document({"environment": environment.name, "checks": [document(result) for result in results]})
    else:
        # A server that doesn't answer says so once, not a dozen times.
        told = {one.name: "not asked" for one in results[1:] if one.summary == results[0].summary}
        output.table(
            ("check", "state", "what was found"),
            [
                (
                    safe(one.title),
                    ((one.state, _STATES.get(one.state, "plain")),),
                    told.get(one.name) or safe(one.summary),
                )
                for one in results
            ],
        )
    if not results[0].rows:
        return 5
    return int(arguments.exit_code and any(one.state in ("FAIL", "UNKNOWN") for one in results))


def runs(arguments: Namespace) -> int:
    """The runs of this host, or one run's report."""
    from pgmig_tui.run.clients.client import attach
    from pgmig_tui.run.journal.folder import default_state_dir
    from pgmig_tui.run.journal.listing import list_runs

    state_dir = default_state_dir(os.environ)
    if arguments.run:
        from pgmig_tui.report.run_report import markdown

        handle = attach(arguments.run, state_dir)
        cut_off = not handle.alive()
        events = handle.poll()
        if arguments.json:
            import json

            output.document({"run": arguments.run, "events": [json.loads(event.to_line()) for event in events]})
        else:
            print(markdown(events, cut_off=cut_off))
        return 0
    found = list_runs(state_dir)
    if arguments.json:
        output.document({"runs": [_summary(run) for run in found]})
        return 0
    if not found:
        output.say("No run was started on this host by this account.")
        return 0
    roles: dict[str, Role] = {"running": "running", "finished": "done", "failed": "failed", "unknown": "stale"}
    rows = [
        (
            safe(run.run_id),
            safe(run.command),
            safe(run.environment),
            ((safe(run.state), roles.get(run.state, "plain")),),
            f"{run.steps_done} of {run.steps}",
            words.utc(run.started_at or None),
            safe(run.operator),
            words.utc(run.finished_at or None),
        )
        for run in found
    ]
    output.table(("run", "command", "environment", "state", "done>", "started?", "by?", "ended?"), rows)
    return 0


def _summary(run: RunSummary) -> dict[str, object]:
    facts = asdict(run)
    facts["run"] = facts.pop("run_id")
    return facts
