"""Programs whose answer is read, within bounds: of time, and of how much they say."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pgmig_tui.display.mask import mask_secrets
from pgmig_tui.errors import PgmigError

PASSWORDS = frozenset({"PGPASSWORD", "SQITCH_PASSWORD", "PGSSLKEY", "PGSSLPASSWORD"})
"""Variables that hold a password or lead to a key; no program that isn't PostgreSQL's own needs one."""
_SEEN = ("PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "TZ", "TMPDIR", "XDG_RUNTIME_DIR")


def seen_of(environ: Mapping[str, str], prefix: str = "") -> dict[str, str]:
    """What a program that isn't ours sees of an environment: what any program needs, and the variables whose names
    begin with `prefix`, its own. Whatever else there is, a secret of anybody's may be in it."""
    own = {name: value for name, value in environ.items() if prefix and name.startswith(prefix)}
    return {name: environ[name] for name in _SEEN if name in environ} | own


class ProgramError(PgmigError):
    """A program isn't there, failed, took too long or said too much."""

    exit_status = 1


@dataclass(frozen=True, slots=True)
class BoundedRun:
    """What became of a program: its exit status, what it wrote until it was ended, and why it was: it didn't stop
    writing in time (`slow`), didn't end although it wrote no more (`stuck`), or wrote too much (`loud`)."""

    status: int
    output: bytes
    errors: bytes
    ended: Literal["", "slow", "stuck", "loud"] = ""


def run_bounded(
    argv: Sequence[str],
    *,
    cwd: Path | None,
    env: Mapping[str, str],
    timeout_s: float,
    most: int,
    merged: bool = False,
    given: bytes = b"",
) -> BoundedRun:
    """Run a program to its end, or end it, with all that it has started, after `timeout_s` seconds or `most` bytes of
    what it writes; `given` is all that it can read, `merged`: its errors are among its output. Raises OSError and
    ValueError where it can't be started."""
    with tempfile.TemporaryFile() if given else Path(os.devnull).open("rb") as readable:
        if given:  # in a file, which never waits for its reader
            readable.write(given)
            readable.seek(0)
        process = subprocess.Popen(
            list(argv),
            cwd=cwd,
            env=env,
            stdin=readable,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT if merged else subprocess.PIPE,
            start_new_session=True,
        )
    assert process.stdout is not None
    pipes = [process.stdout] + ([process.stderr] if process.stderr is not None else [])
    found = {pipe.fileno(): bytearray() for pipe in pipes}
    order = list(found)
    try:
        ended = _read(process, found, time.monotonic() + timeout_s, most)
    finally:
        # The group outlives its leader where that has left something behind.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        status = process.wait()
        for pipe in pipes:
            pipe.close()
    return BoundedRun(status, bytes(found[order[0]]), b"" if merged else bytes(found[order[1]]), ended)


def _read(
    process: subprocess.Popen[bytes], found: Mapping[int, bytearray], deadline: float, most: int
) -> Literal["", "slow", "stuck", "loud"]:
    with selectors.DefaultSelector() as selector:
        for pipe in found:
            selector.register(pipe, selectors.EVENT_READ)
        while selector.get_map():
            left = deadline - time.monotonic()
            ready = selector.select(left) if left > 0 else []
            if not ready:
                return "slow"
            for key, _ in ready:
                data = os.read(key.fd, 1 << 16)
                if not data:
                    selector.unregister(key.fd)
                found[key.fd].extend(data)
                if len(found[key.fd]) > most:
                    return "loud"
    try:
        process.wait(max(0.0, deadline - time.monotonic()))
    except subprocess.TimeoutExpired:
        return "stuck"
    return ""


def answer_of(
    argv: Sequence[str],
    *,
    timeout_s: float = 30,
    most: int = 4 << 20,
    cwd: Path | None = None,
    fine: int = 0,
    prefix: str = "",
) -> str:
    """What a program says on standard output. It gets no input, sees what `seen_of` says with `prefix`, and is ended,
    with what it has started, after `timeout_s` seconds or `most` bytes.

    An exit status up to `fine` is taken. Raises ProgramError, with what was said on standard error.
    """
    try:
        done = run_bounded(argv, cwd=cwd, env=seen_of(os.environ, prefix), timeout_s=timeout_s, most=most)
    except OSError as error:
        raise ProgramError(f"{argv[0]} can't be run: {error.strerror or error}") from error
    if done.ended:
        why = {"slow": "didn't answer in time", "stuck": "didn't end in time", "loud": f"said more than {most:,} bytes"}
        raise ProgramError(f"{argv[0]} {why[done.ended]}")
    if not 0 <= done.status <= fine:
        lines = [line for line in mask_secrets(done.errors.decode("utf-8", "replace")).splitlines() if line.strip()]
        raise ProgramError(f"{argv[0]} failed with exit status {done.status}", details=lines[:5])
    return done.output.decode("utf-8", "replace")
