"""The screen as a process that a browser is behind: `python -P -m pgmig_tui.ui.served`, started by `pgmig-tui serve`.

Keys come as packets on standard input, what is drawn goes to standard output. Without --allow-changes it only looks.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from pgmig_tui.display import hangup
from pgmig_tui.display.safe import safe
from pgmig_tui.errors import PgmigError
from pgmig_tui.ui.app import HANGUP_STATUS, PgmigApp, show
from pgmig_tui.ui.backend.project import ProjectSession
from pgmig_tui.ui.backend.protocol import Backend
from pgmig_tui.ui.backend.read_only import ReadOnlySession
from pgmig_tui.ui.threads import in_thread

READ_ONLY = "this screen is read-only"
ALLOW = "To change something from a browser start it with `pgmig-tui serve --allow-changes`."


def main(words: Sequence[str] | None = None) -> int:
    """Show the screen until it is left; returns the exit status."""
    parser = argparse.ArgumentParser(prog="pgmig_tui.ui.served")
    for name in ("--plan-file", "--top-dir", "--registry"):
        parser.add_argument(name)
    parser.add_argument("--allow-changes", action="store_true")
    given = parser.parse_args(words)
    # Whoever started us has gone, or closes us: there is nobody to draw for. As when a terminal is gone.
    in_thread("browser", lambda: os._exit(HANGUP_STATUS) if hangup.wait_until_gone(sys.stdin.fileno()) else None)
    try:
        session: Backend = ProjectSession(
            Path.cwd(), os.environ, plan_file=given.plan_file, top_dir=given.top_dir, registry=given.registry
        )
    except PgmigError as error:
        print(safe(str(error), multiline=True), file=sys.stderr)
        return error.exit_status
    if not given.allow_changes:
        session = ReadOnlySession(session, READ_ONLY, ALLOW)
    return show(PgmigApp(session), sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
