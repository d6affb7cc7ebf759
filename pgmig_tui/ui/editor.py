"""The operator's own editor on a script: the screen steps aside, and comes back when the editor has ended."""

from __future__ import annotations

import shlex
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from textual.app import SuspendNotSupported

from pgmig_tui.display.safe import safe

if TYPE_CHECKING:
    from pgmig_tui.ui.app import PgmigApp

_TAKES_LINE = frozenset({"vi", "vim", "nvim", "nano", "emacs", "emacsclient", "micro", "joe", "kak", "mg", "pico"})
"""Editors that understand `+12`."""


def command(env: Mapping[str, str], path: Path, line: int) -> list[str]:
    """How the editor is called: $VISUAL, else $EDITOR, which may hold options. Empty where neither is set."""
    try:
        words = shlex.split(env.get("VISUAL") or env.get("EDITOR") or "")
    except ValueError:
        return []
    if words and Path(words[0]).name in _TAKES_LINE:
        words.append(f"+{line}")
    return [*words, str(path)] if words else []


def edit(app: PgmigApp, words: list[str]) -> str:
    """Give the terminal to an editor until it ends; what went wrong, or ""."""
    # An interrupt typed in the editor is the editor's; it sets its own handler, or dies of it, and we don't.
    before = signal.signal(signal.SIGINT, lambda number, frame: None)
    try:
        with app.suspend():
            status = subprocess.call(words)
    except SuspendNotSupported:
        return "this terminal can't be handed to an editor"
    except OSError as error:
        return f"{safe(words[0])} can't be started: {error.strerror}"
    finally:
        signal.signal(signal.SIGINT, before)
    return f"the editor ended with status {status} ({safe(words[0])})" if status else ""
