"""`report`: what a run was, in Markdown, for a ticket; with --incident the record of a rollback."""

from __future__ import annotations

import os
from argparse import Namespace


def report(arguments: Namespace) -> int:
    """Print the report of a run of this account. Raises UsageError for one that isn't there."""
    from pgmig_tui.report import incident
    from pgmig_tui.report.run_report import markdown
    from pgmig_tui.run.client import attach, default_state_dir

    handle = attach(arguments.run, default_state_dir(os.environ))
    if arguments.incident:
        print(incident.markdown(incident.read(handle.folder)))
    else:
        print(markdown(handle.poll()))
    return 0
