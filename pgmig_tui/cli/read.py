"""The smaller commands that only read: `plan`, `log`, `check` and `runs`."""

from __future__ import annotations

import os
from argparse import Namespace
from typing import Any

from pgmig_tui.cli import output
from pgmig_tui.cli.choose import environment_and_change, project_here
from pgmig_tui.display import words
from pgmig_tui.display.cells import Line, Role, line
from pgmig_tui.display.safe import safe

_STATES: dict[str, Role] = {"PASS": "done", "WARN": "waiting", "FAIL": "failed", "UNKNOWN": "stale", "N-A": "muted"}


def plan(arguments: Namespace) -> int:
    """The plan in its order."""
    project = project_here(arguments)
    if arguments.json:
        from pgmig_tui.report.documents import plan_document

        output.document(plan_document(project))
        return 0
    uri = f"  {safe(project.plan.uri)}" if project.plan.uri else ""
    output.say(line("Project ", (safe(project.plan.project), "strong"), (uri, "muted")))
    rows: list[tuple[str | Line, ...]] = []
    for number, change in enumerate(project.plan.changes, start=1):
        tags = "".join(f" @{safe(tag.name)}" for tag in change.tags)
        needs = " ".join([*(d.text for d in change.requires), *(f"!{d.text}" for d in change.conflicts)])
        name = line(
            (safe(change.name), "strong"), (tags, "todo"), ("  reworked later", "muted") if change.superseded_by else ""
        )
        first_line = change.note.strip().split("\n")[0]
        rows.append(
            (
                str(number),
                name,
                ((words.short_id(change.change_id), "muted"),),
                change.planned_at[:10],
                safe(change.planner_name),
                safe(needs),
                safe(first_line),
            )
        )
    output.table(("#>", "change", "ID", "planned", "by", "requires", "note"), rows)
    return 0


def log(arguments: Namespace) -> int:
    """The events of an environment's registry, newest first."""
    from pgmig_tui.database.connect import connect
    from pgmig_tui.database.registry import read_events

    _project, environment, _ = environment_and_change(arguments)
    connection = connect(environment.target, application_name="pgmig/log")
    try:
        events = read_events(connection, environment.target.registry, limit=arguments.max_count or None)
    finally:
        connection.close()
    if arguments.json:
        output.document({"environment": environment.name, "events": events})
        return 0
    if not events:
        output.say(f"{safe(environment.name)} has no events.")
        return 0
    roles: dict[str, Role] = {"deploy": "done", "revert": "waiting", "fail": "failed"}
    rows = [
        (
            words.utc(event["committed_at"]),
            ((str(event["event"]), roles.get(str(event["event"]), "plain")),),
            safe(" ".join([str(event["change"]), *event["tags"]])),
            safe(str(event["project"])),
            safe(f"{event['committer_name']} <{event['committer_email']}>"),
            safe(str(event["note"]).split("\n")[0]),
        )
        for event in events
    ]
    output.table(("at", "event", "change", "project", "by", "note"), rows)
    return 0


def check(arguments: Namespace) -> int:
    """The automatic checks of an environment; with --exit-code, 1 when one fails or is unknown."""
    raise NotImplementedError


def runs(arguments: Namespace) -> int:
    """The runs of this host, or one run's report."""
    from pgmig_tui.run.client import attach, default_state_dir, list_runs

    state_dir = default_state_dir(os.environ)
    if arguments.run:
        from pgmig_tui.report.run_report import markdown

        events = attach(arguments.run, state_dir).poll()
        if arguments.json:
            import json

            output.document({"run": arguments.run, "events": [json.loads(event.to_line()) for event in events]})
        else:
            print(markdown(events))
        return 0
    found = list_runs(state_dir)
    if arguments.json:
        output.document({"runs": [_run(run) for run in found]})
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
            words.utc(run.finished_at or None),
            safe(run.operator),
        )
        for run in found
    ]
    output.table(("run", "command", "environment", "state", "done>", "started", "ended", "by"), rows)
    return 0


def _run(run: Any) -> dict[str, Any]:
    return {
        "run": run.run_id,
        "environment": run.environment,
        "command": run.command,
        "state": run.state,
        "started_at": run.started_at,
        "finished_at": run.finished_at,
        "steps_done": run.steps_done,
        "steps": run.steps,
        "exit_status": run.exit_status,
        "operator": run.operator,
        "host": run.host,
    }
