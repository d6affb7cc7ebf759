"""`report`: what a run was, in Markdown for a ticket or as JSON; with --incident the record of a rollback."""

from __future__ import annotations

import os
from argparse import Namespace


def report(arguments: Namespace) -> int:
    """Print the report of a run of this account. Raises UsageError for one that isn't there."""
    from pgmig_tui.cli import output
    from pgmig_tui.cli.elsewhere import own_run
    from pgmig_tui.report import incident
    from pgmig_tui.report.run_report import markdown, report_document
    from pgmig_tui.run.journal.folder import default_state_dir

    handle = own_run(arguments, arguments.run, default_state_dir(os.environ))
    if arguments.incident:
        found = incident.read(handle.folder)
        if arguments.json:
            output.document(incident.document(found))
        else:
            print(incident.markdown(found))
        return 0
    cut_off = not handle.alive()
    if arguments.json:
        output.document(report_document(handle.poll(), cut_off=cut_off))
    else:
        print(markdown(handle.poll(), cut_off=cut_off))
    return 0
