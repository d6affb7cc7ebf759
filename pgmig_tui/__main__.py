"""The program's door. `--version` leaves before anything is imported: scripts ask for it often."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from pgmig_tui import __version__

if TYPE_CHECKING:
    from argparse import Namespace


def main(argv: list[str] | None = None) -> int:
    """Run one command and return its exit status (see `pgmig_tui.errors`)."""
    arguments = sys.argv[1:] if argv is None else argv
    if arguments == ["--version"]:
        print(f"pgmig-tui {__version__}")
        return 0
    from pgmig_tui.cli import main as run_command

    return run_command(arguments, open_screen)


def open_screen(arguments: Namespace) -> int:
    """Open the screen on the project in the current folder. Raises UsageError where no screen can be drawn."""
    import gc
    import os

    from pgmig_tui.errors import UsageError

    reason = ""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        reason = "there is no terminal"
    elif os.environ.get("TERM", "") in ("", "dumb", "unknown"):
        reason = f"the terminal can't draw (TERM is {os.environ.get('TERM') or 'not set'})"
    if reason:
        raise UsageError(
            f"The screen can't be opened: {reason}.",
            now="Nothing was done.",
            do="`pgmig-tui status` and the other commands work without a screen; `pgmig-tui --help` lists them.",
        )
    gc.disable()  # nothing of what is loaded until the first frame goes away; `ui.app.show` turns it on again
    from pgmig_tui.ui.app import run

    return run(arguments)


if __name__ == "__main__":
    sys.exit(main())
