"""`report`: a run in Markdown for a ticket, as a page with pictures or as JSON, or the record of a rollback."""

from __future__ import annotations

import json
import os
import sys
from argparse import Namespace
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pgmig_tui.display.safe import safe
from pgmig_tui.errors import UsageError

if TYPE_CHECKING:
    from pgmig_tui.review.durations import Took
    from pgmig_tui.run.clients.client import RunHandle
    from pgmig_tui.run.journal.entry import Entry

_NOTHING = "Nothing was written."


def report(arguments: Namespace) -> int:
    """Print the report of a run of this account, or write it into a file. Raises UsageError for a run that isn't there,
    for a file that can't be written, and for what doesn't go together."""
    from pgmig_tui.cli import output
    from pgmig_tui.cli.elsewhere import own_run
    from pgmig_tui.run.journal.folder import default_state_dir

    form = "json" if arguments.json else arguments.format or "markdown"
    if arguments.json and arguments.format not in (None, "json"):
        raise UsageError(f"--json and --format {arguments.format} contradict.", now=_NOTHING, do="Say one of them.")
    if arguments.incident and form == "html":
        do = "Say --format markdown, or leave --incident out."
        raise UsageError("The record of an incident is no HTML page.", now=_NOTHING, do=do)
    handle = own_run(arguments, arguments.run, default_state_dir(os.environ))
    text = _text(handle, form, incident=arguments.incident)
    if arguments.output is None:
        print(text, end="" if text.endswith(">\n") else "\n")
        return 0
    try:
        Path(arguments.output).write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{arguments.output} can't be written: {error.strerror}", now=_NOTHING) from None
    output.note(f"The report of {safe(handle.run_id)} is in {safe(arguments.output)}.")
    return 0


def _text(handle: RunHandle, form: str, *, incident: bool) -> str:
    from pgmig_tui.report import incident as record
    from pgmig_tui.report.run_report import markdown, report_document

    if incident:
        found = record.read(handle.folder)
        return _json(record.document(found)) if form == "json" else record.markdown(found)
    cut_off = not handle.alive()
    events = handle.poll()
    if form == "json":
        return _json(report_document(events, cut_off=cut_off))
    if form == "markdown":
        return markdown(events, cut_off=cut_off)
    from pgmig_tui.report.run_page import page

    return page(events, cut_off=cut_off, before=_before(events, handle.folder))


def _json(value: dict[str, object]) -> str:
    return json.dumps(value, indent=2 if sys.stdout.isatty() else None)


def _before(events: Sequence[Entry], folder: Path) -> Mapping[str, Sequence[Took]]:
    """How long the run's changes took in the runs of this account, this one included."""
    from pgmig_tui.review.durations import by_journals
    from pgmig_tui.run.journal.events import RunPlanned

    planned = next((one.event for one in events if isinstance(one.event, RunPlanned)), None)
    if planned is None:
        return {}
    return by_journals(folder.parent.parent, planned.project, [step.change_id for step in planned.steps])
