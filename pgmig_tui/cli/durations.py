"""`history --durations`: how long a change took, across environments and time, with bars."""

from __future__ import annotations

from argparse import Namespace
from typing import TYPE_CHECKING

from pgmig_tui.cli import output
from pgmig_tui.cli.choose import environment_and_change, project_here
from pgmig_tui.display import words
from pgmig_tui.display.cells import Line
from pgmig_tui.display.closest import did_you_mean
from pgmig_tui.display.safe import safe
from pgmig_tui.display.sparks import drawable, gauge
from pgmig_tui.errors import UsageError

if TYPE_CHECKING:
    from pgmig_tui.review.durations import Durations, Took, Where
    from pgmig_tui.review.history import HistoryFilter

_BAR = 12
"""Cells: a table with it has room in 80 columns."""


def durations(arguments: Namespace, wanted: HistoryFilter) -> int:
    """Exit status 0, also where an environment can't be asked: what isn't known is said. Raises UsageError without a
    change."""
    from pgmig_tui.cli.spreadsheet import csv_of
    from pgmig_tui.review.durations import Took, across

    if wanted.change is None:
        raise UsageError("Whose durations isn't said.", now="Nothing was done.", do="Say --change NAME.")
    if arguments.arguments or arguments.target is not None:
        project, environment, _ = environment_and_change(arguments)
        environments = [environment]
    else:
        project = project_here(arguments)
        environments = list(project.environments)
    found = across(project, environments, wanted)
    if arguments.json:
        output.document(found.to_json())
    elif arguments.csv:
        csv_of(Took, found.took)
    else:
        names = sorted({change.name for change in project.plan.changes})
        _say(found, "" if project.plan.contains(wanted.change) else did_you_mean(wanted.change, names))
    if not arguments.json:
        for where in found.environments:
            if where.problem:
                output.warn(f"{where.environment} can't be asked, what it took there is unknown: {where.problem}")
            elif where.without:
                output.warn(f"{where.environment}: only the registry tells, which measures nothing: {where.without}")
    return 0


def _say(found: Durations, meant: str) -> None:
    if not found.took:
        output.say(f"Nobody who can be asked has deployed or reverted {safe(found.change)}. {meant}".rstrip())
        return
    most = max((one.ms for one in found.took if one.ms is not None), default=0.0)
    rows = [
        (
            safe(one.environment),
            words.utc(one.at),
            safe(one.operation),
            _outcome(one),
            "not measured" if one.ms is None else words.duration(one.ms),
            _bar(one, most),
            safe(one.by),
            safe(one.run_id),
        )
        for one in found.took
    ]
    output.table(("environment", "when", "operation", "outcome", "took>", "compared", "by?", "run?"), rows)
    output.say(f"Deploys of {safe(found.change)}: {'; '.join(_median(one) for one in found.environments)}.")


def _outcome(one: Took) -> Line:
    return ((safe(one.outcome.replace("_", " ")), "done" if one.outcome == "done" else "waiting"),)


def _bar(one: Took, most: float) -> Line:
    if one.ms is None or not most:
        return ()
    unicode = drawable()
    drawn = gauge(one.ms / most, _BAR, unicode=unicode)[0]
    return ((drawn or ("▏" if unicode else "|"), "done" if one.outcome == "done" else "failed"),)


def _median(where: Where) -> str:
    name = safe(where.environment)
    if where.problem:
        return f"{name} unknown"
    if where.median_ms is None:
        return f"{name} none measured"
    return f"{name} {where.deploys} measured, median {words.duration(where.median_ms)}"
