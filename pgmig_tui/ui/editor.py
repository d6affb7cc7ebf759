"""The operator's own editor on a script: the screen steps aside, and comes back when the editor has ended."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from textual.app import SuspendNotSupported

from pgmig_tui.display.safe import safe
from pgmig_tui.sandbox.bounded import PASSWORDS

if TYPE_CHECKING:
    from pgmig_tui.ui.shell import Shell

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


def missing(env: Mapping[str, str]) -> str | None:
    """Why no editor can be called; None when one can."""
    said = env.get("VISUAL") or env.get("EDITOR") or ""
    try:
        words = shlex.split(said)
    except ValueError:
        return f"VISUAL or EDITOR can't be read, a quote is open: {safe(said)}"
    if not words:
        return "neither VISUAL nor EDITOR is set"
    if shutil.which(words[0], path=env.get("PATH")) is None:
        return f"there is no program {safe(words[0])}, which VISUAL or EDITOR names"
    return None


def edit(shell: Shell, words: list[str]) -> str:
    """Give the terminal to an editor until it ends; what went wrong, or ""."""
    # An interrupt typed in the editor is the editor's; it sets its own handler, or dies of it, and we don't.
    before = signal.signal(signal.SIGINT, lambda number, frame: None)
    try:
        with shell.suspend():
            # Nothing may be raised in here: the screen would not take its terminal back.
            problem = _call(words)
    except SuspendNotSupported:
        return "this terminal can't be handed to an editor"
    finally:
        signal.signal(signal.SIGINT, before)
    return problem


def _call(words: list[str]) -> str:
    """Run an editor; what went wrong, or ""."""
    name = safe(words[0])
    try:
        # It is the operator's own, and still no password of a database is any of its business.
        status = subprocess.call(words, env={name: one for name, one in os.environ.items() if name not in PASSWORDS})
    except Exception as error:
        # What is wrong first: a note of one line is cut at its end, and a path may be long.
        return f"the editor can't be started: {getattr(error, 'strerror', None) or error} ({name})"
    if status < 0:
        return f"the editor was ended by signal {-status} ({name})"
    return f"the editor ended with status {status} ({name})" if status else ""
