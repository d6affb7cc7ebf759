"""`pgmig-tui completion`: the function with which a shell completes our commands."""

from __future__ import annotations

import sys
from argparse import Namespace
from importlib.resources import files

SHELLS = ("bash", "zsh", "fish")


def completion(arguments: Namespace) -> int:
    """Print the script for a shell; it is the same for every project and version."""
    script = files("pgmig_tui.cli") / "completions" / f"pgmig-tui.{arguments.shell}"
    sys.stdout.write(script.read_text(encoding="utf-8"))
    return 0
