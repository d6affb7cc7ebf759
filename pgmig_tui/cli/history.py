"""`history`: what was done to an environment; `audit verify`: is the record of it whole."""

from __future__ import annotations

import csv
import sys
from argparse import Namespace
from dataclasses import asdict, fields
from typing import TYPE_CHECKING

from pgmig_tui.cli import output
from pgmig_tui.cli.choose import environment_and_change, project_here
from pgmig_tui.display import words
from pgmig_tui.display.cells import Role
from pgmig_tui.display.safe import safe

if TYPE_CHECKING:
    from pgmig_tui.review.audit import Audited
    from pgmig_tui.review.history import Deed, History

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
    project, environment, _ = environment_and_change(arguments)
    wanted = HistoryFilter(
        arguments.change,
        arguments.since,
        arguments.by or "",
        tuple(arguments.outcome or ()),
        tuple(arguments.operation or ()),
    )
    found = read_history(project, environment, wanted)
    if arguments.json:
        output.document(asdict(found))
    elif arguments.csv:
        _csv(found)
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


def _csv(found: History) -> None:
    """With a heading; a cell that a spreadsheet would take for a formula is put behind an apostrophe."""
    from pgmig_tui.review.history import Deed

    names = [one.name for one in fields(Deed)]
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(names)
    for one in found.deeds:
        writer.writerow([_cell(getattr(one, name)) for name in names])


def _cell(value: object) -> str:
    if value is None:
        return ""
    text = safe(str(value)) if not isinstance(value, bool) else str(value).lower()
    return f"'{text}" if isinstance(value, str) and text[:1] in "=+-@\t\r" and text[:1] else text


def audit(arguments: Namespace) -> int:
    """Exit status 1 when a record is altered, shortened, made anew or not to be judged, 5 when a server is silent."""
    from pgmig_tui.review.audit import audit_all, audit_one

    if arguments.everywhere:
        project = project_here(arguments)
        found = audit_all(project)
    else:
        project, environment, _ = environment_and_change(arguments)
        found = (audit_one(environment),)
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
