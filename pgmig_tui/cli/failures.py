"""Errors at the end of a command: those that we foresaw in three sentences, the rest in one and a report file."""

from __future__ import annotations

import os
import platform
import sys
import traceback
from datetime import UTC, datetime
from pathlib import Path

from pgmig_tui import __version__
from pgmig_tui.errors import PgmigError


def tell(error: Exception) -> int:
    """Say on stderr what failed and return the exit status that belongs to it."""
    if isinstance(error, PgmigError):
        from pgmig_tui.cli.output import failure

        failure(error)
        return error.exit_status
    report = _write_report(error)
    where = f"A report is in {report}." if report else "No report could be written."
    print(
        f"pgmig-tui: an internal error: {type(error).__name__}. {where}\n"
        "Nothing more is known about a run that was under way: `pgmig-tui runs` shows it; it goes on by itself.",
        file=sys.stderr,
    )
    return 1


def _write_report(error: Exception) -> Path | None:
    """The traceback, without values of variables: those may hold passwords. None when nothing can be written."""
    base = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    folder = Path(base) / "pgmig-tui" / "errors"
    now = datetime.now(UTC)
    text = "".join(traceback.format_exception(error))
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = folder / f"{now:%Y%m%dT%H%M%S}-{os.getpid()}.txt"
        with path.open("x", encoding="utf-8", errors="backslashreplace") as file:
            os.fchmod(file.fileno(), 0o600)
            file.write(f"pgmig-tui {__version__}, Python {platform.python_version()}, {platform.platform()}\n")
            file.write(f"{now:%Y-%m-%d %H:%M:%S}Z\n\n{text}")
    except OSError:
        return None
    return path
