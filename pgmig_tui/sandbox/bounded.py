"""Programs whose answer is read, within bounds: of time, and of how much they say."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from pgmig_tui.display.mask import mask_secrets
from pgmig_tui.errors import PgmigError

_SECRET = frozenset({"PGPASSWORD", "SQITCH_PASSWORD", "PGSSLKEY", "PGSSLPASSWORD"})


class ProgramError(PgmigError):
    """A program isn't there, failed, took too long or said too much."""

    exit_status = 1


def answer_of(
    argv: Sequence[str], *, timeout_s: float = 30, most: int = 4 << 20, cwd: Path | None = None, fine: int = 0
) -> str:
    """What a program says on standard output. It gets no input and none of our secrets, and is ended, with what it has
    started, after `timeout_s` seconds or `most` bytes.

    An exit status up to `fine` is taken. Raises ProgramError, with what was said on standard error.
    """
    environment = {name: value for name, value in os.environ.items() if name not in _SECRET}
    try:
        process = subprocess.Popen(
            list(argv),
            cwd=cwd,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except OSError as error:
        raise ProgramError(f"{argv[0]} can't be run: {error.strerror or error}") from error
    try:
        said, errors = _read(process, time.monotonic() + timeout_s, most)
    except ProgramError as error:
        raise ProgramError(f"{argv[0]} {error.what}") from None
    finally:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        for pipe in (process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()
    if not 0 <= process.returncode <= fine:
        lines = [line for line in mask_secrets(errors.decode("utf-8", "replace")).splitlines() if line.strip()]
        raise ProgramError(f"{argv[0]} failed with exit status {process.returncode}", details=lines[:5])
    return said.decode("utf-8", "replace")


def _read(process: subprocess.Popen[bytes], deadline: float, most: int) -> tuple[bytes, bytes]:
    assert process.stdout is not None
    assert process.stderr is not None
    found = {process.stdout: bytearray(), process.stderr: bytearray()}
    with selectors.DefaultSelector() as selector:
        for pipe in found:
            selector.register(pipe, selectors.EVENT_READ)
        while selector.get_map():
            left = deadline - time.monotonic()
            ready = selector.select(left) if left > 0 else []
            if not ready:
                raise ProgramError("didn't answer in time")
            for key, _ in ready:
                data = os.read(key.fd, 1 << 16)
                if not data:
                    selector.unregister(key.fileobj)
                found[key.fileobj] += data  # type: ignore[index]
                if len(found[process.stdout]) > most or len(found[process.stderr]) > most:
                    raise ProgramError(f"said more than {most:,} bytes")
    try:
        process.wait(max(0.0, deadline - time.monotonic()))
    except subprocess.TimeoutExpired:
        raise ProgramError("didn't end in time") from None
    return bytes(found[process.stdout]), bytes(found[process.stderr])
