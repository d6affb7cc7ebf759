"""`runs`: the runs of this host."""

from __future__ import annotations

import os
from argparse import Namespace
from dataclasses import asdict
from typing import TYPE_CHECKING

from pgmig_tui.cli import output
from pgmig_tui.cli.names_here import Here
from pgmig_tui.display import words
from pgmig_tui.display.cells import Role, line
from pgmig_tui.display.safe import safe

if TYPE_CHECKING:
    from pgmig_tui.run.journal.listing import RunSummary

_STATES: dict[str, Role] = {"PASS": "done", "WARN": "waiting", "FAIL": "failed", "UNKNOWN": "stale", "N-A": "muted"}


def runs(arguments: Namespace) -> int:
    """The runs of this host, or one run's report."""
    from pgmig_tui.cli.elsewhere import own_run
    from pgmig_tui.run.journal.folder import default_state_dir
    from pgmig_tui.run.journal.listing import list_runs

    state_dir = default_state_dir(os.environ)
    if arguments.run:
        from pgmig_tui.report.run_report import markdown

        handle = own_run(arguments, arguments.run, state_dir)
        cut_off = not handle.alive()
        events = handle.poll()
        if arguments.json:
            import json

            output.document({"run": arguments.run, "events": [json.loads(event.to_line()) for event in events]})
        else:
            print(markdown(events, cut_off=cut_off))
        return 0
    every = list_runs(state_dir)
    here = "" if arguments.all else arguments.project or Here.of(vars(arguments)).project()
    found = [run for run in every if _wanted(run, arguments) and here in ("", run.project)]
    if arguments.sort != "started":
        found.sort(key=lambda run: str(getattr(run, _SORTED_BY[arguments.sort]) or ""))
    if arguments.reverse:
        found.reverse()
    elsewhere = sum(here not in ("", run.project) for run in every)
    if arguments.json:
        output.document({"runs": [_summary(run) for run in found], "project": here or None, "elsewhere": elsewhere})
        return 0
    if elsewhere and not arguments.project:
        output.note(line((f"{words.count(elsewhere, 'run')} of other projects: --all lists them, too", "muted")))
    if not found:
        output.say(
            "No run of this account is as it was asked for."
            if every
            else "No run was started on this host by this account."
        )
        return 0
    roles: dict[str, Role] = {"running": "running", "finished": "done", "failed": "failed", "unknown": "stale"}
    rows = [
        (
            safe(run.run_id),
            safe(run.command),
            safe(run.environment),
            ((safe(run.state), roles.get(run.state, "plain")),),
            words.steps_short(run.steps_done, run.at_most, run.steps).replace("/", " of "),
            words.utc(run.started_at or None),
            safe(run.project),
            safe(run.operator),
            words.utc(run.finished_at or None),
        )
        for run in found
    ]
    output.table(("run", "command", "environment", "state", "done>", "started?", "project?", "by?", "ended?"), rows)
    return 0


_SORTED_BY = {
    "ended": "finished_at",
    "environment": "environment",
    "project": "project",
    "command": "command",
    "state": "state",
}


def _wanted(run: RunSummary, arguments: Namespace) -> bool:
    """Whether a run is asked for. `--since` counts from when it was started."""
    if arguments.environments and run.environment not in arguments.environments:
        return False
    if arguments.outcome and run.state not in arguments.outcome:
        return False
    return arguments.since is None or run.started_at >= arguments.since


def _summary(run: RunSummary) -> dict[str, object]:
    facts = asdict(run)
    facts["run"] = facts.pop("run_id")
    facts["steps_done_at_most"] = run.at_most
    return facts
