"""Running a program of a project's own for a check: bounded in time and output, without our secrets, in no terminal."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

MOST_BYTES = 16 * 1024
"""Of what it prints; one that prints more is ended."""
_KEPT_VARIABLES = ("PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "TZ", "TMPDIR", "XDG_RUNTIME_DIR")


@dataclass(frozen=True, slots=True)
class Ended:
    """How it ended: its exit status (None: it had none of its own), what it printed, and why it was ended or not
    begun."""

    status: int | None
    output: str
    problem: str = ""


def run(command: Sequence[str], root: Path, timeout_s: float, env: Mapping[str, str], more: Mapping[str, str]) -> Ended:
    """Run it in `root` to its end, or end it and all that it has started. It sees of `env` what a program needs, and
    `more`. Never raises."""
    seen = {name: env[name] for name in _KEPT_VARIABLES if name in env} | dict(more)
    try:
        process = subprocess.Popen(
            list(command),
            cwd=root,
            env=seen,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        return Ended(None, "", f"it can't be started: {getattr(error, 'strerror', None) or error}")
    try:
        output, problem = _read(process, time.monotonic() + timeout_s, timeout_s)
    finally:
        # The group outlives its leader where that has left something behind.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        if process.stdout is not None:
            process.stdout.close()
        status = process.wait()
    return Ended(None if problem else status, output.decode("utf-8", "replace"), problem)


def _read(process: subprocess.Popen[bytes], deadline: float, timeout_s: float) -> tuple[bytes, str]:
    """What it prints until it ends, and why it isn't waited for any longer."""
    assert process.stdout is not None
    output = b""
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while (left := deadline - time.monotonic()) > 0:
            if not selector.select(left):
                continue
            data = os.read(process.stdout.fileno(), 65536)
            if not data:
                try:
                    process.wait(max(0.0, deadline - time.monotonic()))
                except subprocess.TimeoutExpired:
                    break
                return output, ""
            output += data
            if len(output) > MOST_BYTES:
                return output[:MOST_BYTES], f"it printed more than {MOST_BYTES // 1024} kB, and was ended"
    return output, f"it did not end within {timeout_s:g} s, and was ended"
