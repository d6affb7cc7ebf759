"""A process beside ours that ends what we started and removes what we left, however we end.

It is told on its standard input, in one line of JSON, what to run and what to remove; the rest of that pipe it only
watches: the pipe's end is ours, and closes when we do, be it by SIGKILL. It runs as a file, by the standard library
alone (`python -I -S keeper.py`), in a session of its own, so that no signal to our terminal reaches it.

With a command its exit status is the command's (128 + N for signal N). Without one it waits for the pipe's end.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

_STOP_S = 10.0
_PR_SET_PDEATHSIG = 1


def main() -> int:
    """Keep what the standard input says. Returns the exit status."""
    try:
        given: dict[str, Any] = json.loads(sys.stdin.buffer.readline())
    except ValueError:
        return 1  # whoever started us was gone before a word
    wakes, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake)
    ended = []
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, lambda got, frame: ended.append(got))
    signal.signal(signal.SIGCHLD, lambda got, frame: None)
    status = 1
    child = _start(given) if given.get("command") else None
    while not ended:
        if child is not None and child.poll() is not None:
            return child.returncode if child.returncode >= 0 else 128 - child.returncode
        ready, _, _ = select.select([0, wakes], [], [])
        if wakes in ready:
            os.read(wakes, 512)
        if 0 in ready and not os.read(0, 512):
            break
    if child is not None:
        _end(child)
    if given.get("server"):
        _stop_server(Path(given["server"]))
    for name in given.get("remove", ()):
        _remove(Path(name))
    return status


def _start(given: dict[str, Any]) -> subprocess.Popen[bytes]:
    """The command, with the environment that was given and no other. Standard error is ours."""
    descriptor = given.get("stdin")
    child = subprocess.Popen(
        given["command"],
        stdin=subprocess.DEVNULL if descriptor is None else descriptor,
        stdout=subprocess.DEVNULL,
        env=given["environment"],
        preexec_fn=_dies_with_us(),
    )
    if descriptor is not None:
        os.close(descriptor)
    return child


def _dies_with_us() -> Callable[[], None] | None:
    """Where the kernel can do it (Linux), a child goes when we are killed ourselves."""
    if not sys.platform.startswith("linux"):
        return None
    import ctypes

    prctl, we = ctypes.CDLL(None).prctl, os.getpid()

    def ask() -> None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != we:
            os._exit(1)

    return ask


def _end(child: subprocess.Popen[bytes]) -> None:
    child.terminate()
    try:
        child.wait(_STOP_S)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def _stop_server(data: Path) -> None:
    """End the PostgreSQL server of that data folder at once; what it holds is going to be removed."""
    for number in (signal.SIGQUIT, signal.SIGKILL):
        deadline = time.monotonic() + _STOP_S
        while (pid := _postmaster(data)) is not None and time.monotonic() < deadline:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
            time.sleep(0.05)


def _postmaster(data: Path) -> int | None:
    """A number alone proves nothing: it may be anybody's by now, who must not be sent a signal."""
    try:
        pid = int((data / "postmaster.pid").read_text().split("\n", 1)[0])
    except (OSError, ValueError):
        return None
    if Path("/proc/self/cmdline").exists():
        try:
            command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="surrogateescape")
        except OSError:
            return None
    else:
        command = subprocess.run(["ps", "-ww", "-o", "command=", "-p", str(pid)], capture_output=True, text=True).stdout
    return pid if "postgres" in command and str(data) in command else None


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with contextlib.suppress(OSError):
            path.unlink()


if __name__ == "__main__":
    sys.exit(main())
