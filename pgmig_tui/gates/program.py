"""Running a program of a project's own for a check: bounded in time and output, without our secrets, in no terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pgmig_tui.sandbox.bounded import run_bounded, seen_of

MOST_BYTES = 16 * 1024
"""Of what it prints; one that prints more is ended."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How it ended: its exit status (None: it had none of its own), what it printed, and why it was ended or not
    begun."""

    status: int | None
    output: str
    problem: str = ""


def run(
    command: Sequence[str],
    root: Path,
    timeout_s: float,
    env: Mapping[str, str],
    more: Mapping[str, str],
    *,
    given: bytes = b"",
) -> Ended:
    """Run it in `root` to its end, or end it and all that it has started. It sees of `env` what a program needs, and
    `more`; `given` is its input. Never raises."""
    seen = seen_of(env) | dict(more)
    try:
        done = run_bounded(command, cwd=root, env=seen, timeout_s=timeout_s, most=MOST_BYTES, merged=True, given=given)
    except (OSError, ValueError) as error:
        return Ended(None, "", f"it can't be started: {getattr(error, 'strerror', None) or error}")
    late = f"it did not end within {timeout_s:g} s, and was ended"
    much = f"it printed more than {MOST_BYTES // 1024} kB, and was ended"
    problem = {"": "", "slow": late, "stuck": late, "loud": much}[done.ended]
    return Ended(None if problem else done.status, done.output[:MOST_BYTES].decode("utf-8", "replace"), problem)
