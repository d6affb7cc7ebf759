"""Questions to the person at the terminal. Without one nothing is ever asked: the caller refuses, naming the option."""

from __future__ import annotations

import sys

from pgmig_tui.cli.output import note_lines
from pgmig_tui.display.safe import safe


def somebody_is_there() -> bool:
    """Whether a person can read a question (stderr) and answer it (stdin)."""
    return sys.stdin is not None and sys.stdin.isatty() and sys.stderr.isatty()


def ask(question: str) -> str | None:
    """The answer without blanks at its ends; None when the person ends the input instead (Ctrl-D or Ctrl-C)."""
    told = "\n".join(note_lines(safe(question))) + " "
    try:
        # Whoever reads the question may press Ctrl-C before we have come to listen for the answer.
        sys.stderr.write(told)
        sys.stderr.flush()
        answer = sys.stdin.readline()
    except KeyboardInterrupt:
        answer = ""
    if not answer:
        sys.stderr.write("\n")
        return None
    return answer.strip()


def ask_yes(question: str) -> bool:
    """True for `yes` or `y` alone: an empty answer is a no, since Enter is pressed too easily."""
    answer = ask(f"{question} [yes/no]")
    return answer is not None and answer.lower() in ("yes", "y")
