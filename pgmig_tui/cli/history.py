"""`history`: what was done to an environment; `audit verify`: is the record of it whole."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import asdict
from typing import TYPE_CHECKING

from pgmig_tui.cli import output
from pgmig_tui.cli.choose import environment_and_change, located_environment, project_here
from pgmig_tui.cli.spreadsheet import csv_of
from pgmig_tui.display import words
from pgmig_tui.display.cells import Role
from pgmig_tui.display.safe import safe

if TYPE_CHECKING:
    from pgmig_tui.review.audit import Audited
    from pgmig_tui.review.history import Deed, History
    from pgmig_tui.review.retention import Trimmed

_ROLES: dict[str, Role] = {
    "done": "done", "adopted": "muted", "recorded_only": "waiting", "unverified": "waiting", "partly": "failed",
    "failed": "failed", "verify_failed": "failed", "in_doubt": "stale",
}  # fmt: skip
_STATES: dict[str, Role] = {"intact": "done", "altered": "failed", "shortened": "failed", "re-created": "failed"}


def history(arguments: Namespace) -> int:
    """The past of one environment. Exit status 0, contradictions or not."""
    from pgmig_tui.errors import UsageError
    from pgmig_tui.review.history import HistoryFilter, read_history

    if arguments.csv and arguments.json:
        raise UsageError("--csv and --json can't both be printed.", now="Nothing was done.", do="Say one of them.")
    wanted = HistoryFilter(
        arguments.change,
        arguments.since,
        arguments.by or "",
        tuple(arguments.outcome or ()),
        tuple(arguments.operation or ()),
    )
    if arguments.durations:
        from pgmig_tui.cli.durations import durations

        return durations(arguments, wanted)
    project, environment, _ = environment_and_change(arguments)
    found = read_history(project, environment, wanted)
    if arguments.json:
        output.document(asdict(found))
    elif arguments.csv:
        from pgmig_tui.review.history import Deed

        csv_of(Deed, found.deeds)
    else:
        _table(found)
    if not arguments.json:
        for one in found.contradictions:
            output.warn(one)
        if found.without_tracking:
            output.warn(f"only the registry tells of the past: {found.without_tracking}")
    return 0


def _table(found: History) -> None:
    if not found.deeds:
        output.say("Nothing of that was done here.")
        return
    rows = [
        (
            words.utc(one.at),
            safe(one.operation),
            safe(one.change),
            ((safe(_outcome(one)), _ROLES.get(one.outcome, "plain")),),
            "" if one.ms is None else words.duration(one.ms),
            safe(one.by),
            safe(one.told_by),
            safe(one.run_id),
            safe(one.ticket),
        )
        for one in found.deeds
    ]
    output.table(("when", "operation", "change", "outcome", "took>", "by?", "told by?", "run?", "ticket?"), rows)


def _outcome(one: Deed) -> str:
    told = one.outcome.replace("_", " ")
    if one.outcome == "done" and one.verified:
        told = "done, verified"
    why = one.message.strip().split("\n", 1)[0]
    state = f" {one.sqlstate}" if one.sqlstate else ""
    return f"{told}{state}" + (f": {why}" if why else "") + (f" ({one.failed_at})" if one.failed_at else "")


def audit(arguments: Namespace) -> int:
    """Exit status 1 when a record is altered, shortened, made anew or not to be judged, 5 when a server is silent."""
    if arguments.what == "trim":
        return _trim(arguments)
    import os

    from pgmig_tui.review.audit import audit_all, audit_one
    from pgmig_tui.run.journal.folder import default_state_dir

    if arguments.everywhere:
        project = project_here(arguments)
        found = audit_all(project)
    else:
        project, environment, _ = environment_and_change(arguments)
        found = (audit_one(environment, default_state_dir(os.environ)),)
    if arguments.json:
        output.document({"project": project.plan.project, "environments": [asdict(one) for one in found]})
    else:
        for one in found:
            _say(one)
    if any(one.state in ("altered", "shortened", "re-created", "unknown") for one in found):
        return 1
    return 5 if any(one.state == "unreachable" for one in found) else 0


def _say(one: Audited) -> None:
    role = _STATES.get(one.state, "stale")
    output.say(((f"{safe(one.environment)}: ", "plain"), (one.state, role), (f", {safe(one.summary)}", "plain")))
    for detail in one.details:
        output.say((("    ", "plain"), (safe(detail), "muted")))


def _trim(arguments: Namespace) -> int:
    """Export the oldest rows and take them away; without --export, say which would go."""
    import os
    from pathlib import Path

    from pgmig_tui.cli.confirm import confirm
    from pgmig_tui.errors import UsageError
    from pgmig_tui.review.history import moment
    from pgmig_tui.review.retention import export_and_trim, would_trim
    from pgmig_tui.run.journal.folder import default_state_dir

    if arguments.everywhere or arguments.before is None:
        what = "--all doesn't go with trim." if arguments.everywhere else "Which rows are meant isn't said."
        raise UsageError(what, now="Nothing was changed.", do="Say --before DATE: rows older than that go.")
    project, environment, _ = environment_and_change(arguments)
    environment = located_environment(project, environment)
    before = moment(arguments.before)
    found = would_trim(project, environment, before)
    trims = arguments.export is not None and not found.prefix.empty
    if trims:
        output.note(_trimmed(found))
        confirm(arguments, environment, "export and take away these rows")
        found = export_and_trim(
            project,
            environment,
            before,
            Path(arguments.export),
            state_dir=default_state_dir(os.environ),
            tell=output.warn,
        )
    if arguments.json:
        output.document({"project": project.plan.project, "trimmed": trims, **asdict(found)})
        return 0
    if trims:
        output.say(f"Taken away, and exported to {safe(found.path)} (SHA-256 {found.sha256}).")
    else:
        output.say(_trimmed(found))
        if not found.prefix.empty:
            output.note("Nothing was changed: --export FILE writes them there and takes them away.")
    return 0


def _trimmed(found: Trimmed) -> str:
    prefix = found.prefix
    told = f"Nothing of the record of {safe(found.environment)} is older than {words.utc(found.before)}."
    if found.held:
        told = (
            f"Nothing of the record of {safe(found.environment)} that is older than {words.utc(found.before)} can go."
        )
    if not prefix.empty:
        told = (
            f"{words.count(prefix.migrations, 'row')} of schema_migrations, {prefix.statements} of schema_audit and"
            f" {prefix.evidence} of evidence of {safe(found.environment)}, from {words.utc(prefix.first_at)} to"
            f" {words.utc(prefix.last_at)}, are older than {words.utc(found.before)}."
        )
    return f"{told} {found.held[:1].upper()}{safe(found.held[1:])}." if found.held else told
