"""A process beside ours that ends what we started and removes what we left, however we end.

It is told on its standard input, by one marshalled dictionary, what to run and what to remove; the rest of that pipe
it only watches: the pipe's end is ours, and closes when we do, be it by SIGKILL. It runs as a file, by the standard
library alone (`python -I -S keeper.py`), in a session of its own, so that no signal to our terminal reaches it.

With a command its exit status is the command's (128 + N for signal N). Without one it waits for the pipe's end.

One is started for each program that we run: it imports only what a start needs, a fifth of what it took with `json`,
`subprocess` and their like.
"""

from __future__ import annotations

import marshal
import os
import select
import signal
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_STOP_S = 10.0
_PR_SET_PDEATHSIG = 1
_CANT_RUN = 127
"""As a shell says it."""


def main() -> int:
    """Keep what the standard input says. Returns the exit status."""
    try:
        given: dict[str, Any] = marshal.load(sys.stdin.buffer)
    except (EOFError, ValueError, TypeError):
        return 1  # whoever started us was gone before a word
    wakes, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake)
    ended = []
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, lambda got, frame: ended.append(got))
    signal.signal(signal.SIGCHLD, lambda got, frame: None)
    status = 1
    child = _start(given) if given.get("command") else 0
    while not ended:
        if child and (code := _exit_status(child)) is not None:
            return code
        ready, _, _ = select.select([0, wakes], [], [])
        if wakes in ready:
            os.read(wakes, 512)
        if 0 in ready and not os.read(0, 512):
            break
    if child:
        _end(child)
    if given.get("server"):
        _stop_server(given["server"])
    for name in given.get("remove", ()):
        _remove(name)
    return status


def _start(given: dict[str, Any]) -> int:
    """The command's process, with the environment that was given and no other. Standard error is ours."""
    import ctypes

    descriptor, we = given.get("stdin"), os.getpid()
    prctl = ctypes.CDLL(None).prctl if sys.platform.startswith("linux") else None
    child = os.fork()
    if child:
        if descriptor is not None:
            os.close(descriptor)
        return child
    try:
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGCHLD, signal.SIGPIPE, signal.SIGXFSZ):
            signal.signal(number, signal.SIG_DFL)
        nothing = os.open(os.devnull, os.O_RDWR)
        os.dup2(nothing if descriptor is None else descriptor, 0)
        os.dup2(nothing, 1)
        if descriptor is not None:
            os.close(descriptor)
        if prctl is not None:  # where the kernel can do it, a child goes when we are killed ourselves
            prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
            if os.getppid() != we:
                os._exit(1)
        os.execvpe(given["command"][0], given["command"], given["environment"])
    except BaseException as error:
        os.write(2, f"{given['command'][0]}: {error}\n".encode(errors="surrogateescape"))
    finally:
        os._exit(_CANT_RUN)


def _exit_status(child: int, options: int = os.WNOHANG) -> int | None:
    """None: it runs."""
    pid, status = os.waitpid(child, options)
    if not pid:
        return None
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


def _end(child: int) -> None:
    os.kill(child, signal.SIGTERM)
    deadline = time.monotonic() + _STOP_S
    while _exit_status(child) is None:
        if time.monotonic() > deadline:
            os.kill(child, signal.SIGKILL)
            _exit_status(child, 0)
            return
        time.sleep(0.02)


def _stop_server(data: str) -> None:
    """End the PostgreSQL server of that data folder at once; what it holds is going to be removed."""
    for number in (signal.SIGQUIT, signal.SIGKILL):
        deadline = time.monotonic() + _STOP_S
        while (pid := _postmaster(data)) is not None and time.monotonic() < deadline:
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                return
            time.sleep(0.05)


def _postmaster(data: str) -> int | None:
    """A number alone proves nothing: it may be anybody's by now, who must not be sent a signal."""
    try:
        with open(f"{data}/postmaster.pid", "rb") as file:
            pid = int(file.readline())
    except (OSError, ValueError):
        return None
    if os.path.exists("/proc/self/cmdline"):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                command = file.read().replace(b"\0", b" ")
        except OSError:
            return None
    else:
        import subprocess

        command = subprocess.run(["ps", "-ww", "-o", "command=", "-p", str(pid)], capture_output=True).stdout
    return pid if b"postgres" in command and os.fsencode(data) in command else None


def _remove(name: str) -> None:
    if os.path.isdir(name) and not os.path.islink(name):
        import shutil

        shutil.rmtree(name, ignore_errors=True)
        return
    try:
        os.unlink(name)
    except OSError:
        return


if __name__ == "__main__":
    sys.exit(main())
