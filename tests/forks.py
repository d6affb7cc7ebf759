"""Starts the program's own processes, and the real sqitch, by forking one that has loaded it already.

A start of `python -m pgmig_tui` takes 0.4 s of a processor, nearly all of it for imports, and the tests start it
thousands of times, as commands and as run processes. What is forked is the same program in a process of its own, with
its own arguments, environment, folder, files, session and signals, and it ends as Python ends. How Python itself starts
(its options, another locale, PYTHON… of the environment, a controlling terminal) can't be had of a fork: there, and in
a test marked `own_start`, the program is started the long way. Of sqitch (0.5 s) the same is true: `sqitch_forks.pl`.
"""

from __future__ import annotations

import atexit
import gc
import inspect
import io
import json
import os
import runpy
import selectors
import shutil
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from typing import Any, NoReturn

import pgmig_tui

ROOT = Path(__file__).parents[1]
MODULES = ("pgmig_tui", "pgmig_tui.run")
_LOCALE = "C.UTF-8"
_HARMLESS = ("PYTHONUNBUFFERED", "PYTHONDONTWRITEBYTECODE")
_LIMIT = 1 << 20

_python_starts = subprocess.Popen._execute_child  # type: ignore[attr-defined]
_KNOWN = (
    "self", "args", "executable", "preexec_fn", "close_fds", "pass_fds", "cwd", "env", "startupinfo", "creationflags",
    "shell", "p2cread", "p2cwrite", "c2pread", "c2pwrite", "errread", "errwrite",
)  # fmt: skip
_AT_HAND = tuple(inspect.signature(_python_starts).parameters)[: len(_KNOWN)] == _KNOWN and hasattr(os, "pidfd_open")
"""Whether this Python starts processes as we know it to."""


def arguments_of(command: Any, env: Mapping[str, str]) -> list[str] | None:
    """What follows `python` in a command that a fork can carry out; None where Python has to start."""
    if not isinstance(command, list | tuple) or not command or command[0] != sys.executable:
        return None
    words = [os.fspath(word) for word in command[1:]]
    module = words[2:3] if words[:2] == ["-P", "-m"] else words[1:2] if words[:1] == ["-m"] else []
    if not module or module[0] not in MODULES:
        return None
    steering = {name: value for name, value in env.items() if name.startswith("PYTHON") and name not in _HARMLESS}
    if {folder for folder in steering.pop("PYTHONPATH", "").split(os.pathsep) if folder} - {str(ROOT)} or steering:
        return None
    locale = env.get("LC_ALL") or env.get("LC_CTYPE") or env.get("LANG") or ""
    return words if locale.upper().replace("-", "").endswith(".UTF8") else None


def sqitch_arguments_of(command: Any, env: Mapping[str, str], folder: Path, files: Sequence[int]) -> list[str] | None:
    """What follows `sqitch` in a command that a fork of it can carry out; None where Perl has to start."""
    if not isinstance(command, list | tuple) or not command or command[0] != "sqitch" or -1 in files:
        return None
    words = [os.fspath(word) for word in command[1:]]
    try:
        json.dumps([words, dict(env), str(folder)], ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return None
    sockets = any(stat.S_ISSOCK(os.fstat(file).st_mode) for file in files)
    steered = any(name.startswith("PERL") for name in env) or env.get("PATH") != os.environ.get("PATH")
    return None if sockets or steered else words


class Forks:
    """One process that has loaded a program, and the way to ask it for forks. Started when first asked."""

    def __init__(self, *command: str) -> None:
        self._command = command
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self.address = ""
        self.wanted = True

    def start(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="pgmig-forks-")
        self.address = str(Path(self._folder.name) / "socket")
        env = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PG", "LC_"))}
        self._process = subprocess.Popen(
            [*self._command, self.address],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**env, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1", "LC_ALL": _LOCALE},
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == b"ready\n"

    def stop(self) -> None:
        """End it; what it has forked goes on."""
        if self._process is not None:
            self._process.communicate(timeout=60)
            self._process = None
        if self._folder is not None:
            self._folder.cleanup()
        self.address = ""

    def ask(self, request: Mapping[str, Any], files: Sequence[int]) -> tuple[int, socket.socket]:
        """A process that carries `request` out with these standard files: its number, and where its end is told."""
        if not self.address:
            self.start()
        asked = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        asked.connect(self.address)
        message = json.dumps(request).encode()
        if self is FORKS:
            socket.send_fds(asked, [message], list(files))
        else:
            asked.send(message)  # Perl opens them by their names
        return int(asked.recv(100)), asked


FORKS = Forks(sys.executable, "-P", "-m", "tests.forks")
SQITCH = Forks("perl", "-CAS", str(Path(__file__).with_name("sqitch_forks.pl")))
_SQITCH_AT_HAND = shutil.which("sqitch") == "/usr/bin/sqitch"
"""Debian's, whose modules every Perl finds."""


def _execute_child(self: Any, args: Any, executable: Any, preexec_fn: Any, close_fds: Any, pass_fds: Any, cwd: Any,
                   env: Any, startupinfo: Any, creationflags: Any, shell: Any, *rest: Any) -> None:  # fmt: skip
    """In the place of Popen's own: asks for a fork where one will do."""
    read, stdin, stdout, written, error, told = rest[:6]
    here, folder = dict(os.environ if env is None else env), Path(cwd or ".").absolute()
    source, words = FORKS, None
    if FORKS.wanted and not (executable or preexec_fn or pass_fds or shell):
        words = arguments_of(args, here)
        if words is None and _SQITCH_AT_HAND:
            source, words = SQITCH, sqitch_arguments_of(args, here, folder, (read, written, told))
    if words is None:
        _python_starts(
            self, args, executable, preexec_fn, close_fds, pass_fds, cwd, env, startupinfo, creationflags, shell, *rest
        )
        return
    named = dict(zip(list(inspect.signature(_python_starts).parameters)[17:], rest[6:], strict=True))
    given = [fd if fd != -1 else standard for fd, standard in ((read, 0), (written, 1), (told, 2))]
    request = {
        "words": words,
        "folder": str(folder),
        "environment": here,
        "session": bool(named["start_new_session"]),
        "files": [f"/proc/{os.getpid()}/fd/{file}" for file in given],
    }
    self.pid, self._forked = source.ask(request, given)
    self._child_created = True
    self._close_pipe_fds(read, stdin, stdout, written, error, told)


def _try_wait(self: Any, wait_flags: int) -> tuple[int, int]:
    """In the place of Popen's own, for a process that isn't our child."""
    forked = getattr(self, "_forked", None)
    if forked is None:
        return _python_waits(self, wait_flags)  # type: ignore[no-any-return]
    forked.settimeout(0 if wait_flags else None)
    try:
        status = forked.recv(100)
    except BlockingIOError:
        return 0, 0
    forked.close()
    return self.pid, int(status or 9)


def _internal_poll(self: Any, *arguments: Any, **options: Any) -> int | None:
    if getattr(self, "_forked", None) is None:
        return _python_polls(self, *arguments, **options)  # type: ignore[no-any-return]
    if self.returncode is None and self._waitpid_lock.acquire(False):
        try:
            if self.returncode is None:
                pid, status = self._try_wait(os.WNOHANG)
                if pid == self.pid:
                    self._handle_exitstatus(status)
        finally:
            self._waitpid_lock.release()
    return self.returncode  # type: ignore[no-any-return]


_python_waits = subprocess.Popen._try_wait  # type: ignore[attr-defined]
_python_polls = subprocess.Popen._internal_poll  # type: ignore[attr-defined]


def install() -> None:
    """From here on, this process starts the program by forks."""
    if _AT_HAND:
        subprocess.Popen._execute_child = _execute_child  # type: ignore[attr-defined]
        subprocess.Popen._try_wait = _try_wait  # type: ignore[attr-defined]
        subprocess.Popen._internal_poll = _internal_poll  # type: ignore[attr-defined]


@contextmanager
def long_way() -> Iterator[None]:
    """Inside, Python starts each time."""
    before, FORKS.wanted = FORKS.wanted, False
    try:
        yield
    finally:
        FORKS.wanted = before


# -- the process that is forked ----------------------------------------------------------------------------------------


_LATER = ("postgast", "tomllib")
"""What the program imports when it first needs it."""


def _load() -> None:
    """Import all of the program but its screen, which no command without a terminal opens."""
    for name in _LATER:
        import_module(name)
    for module in walk_packages(pgmig_tui.__path__, "pgmig_tui."):
        if not module.name.startswith("pgmig_tui.ui") and not module.name.endswith("__main__"):
            import_module(module.name)
    gc.freeze()


def serve(address: str) -> dict[str, Any]:
    """Fork whenever asked, until standard input is closed. Returns in each fork, with what it was asked for."""
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listening.bind(address)
    listening.listen(64)
    watching = selectors.DefaultSelector()
    watching.register(listening, selectors.EVENT_READ)
    watching.register(0, selectors.EVENT_READ)
    print("ready", flush=True)
    while True:
        for key, _ in watching.select():
            if key.fileobj is listening:
                asked, _ = listening.accept()
                message, files, _, _ = socket.recv_fds(asked, _LIMIT, 3)
                pid = os.fork()
                if pid == 0:
                    for standard, file in enumerate(files):
                        os.dup2(file, standard)
                        os.close(file)
                    for waited in list(watching.get_map().values()):
                        if waited.data is not None:
                            os.close(waited.fd)
                            waited.data[1].close()
                    request = dict(json.loads(message))
                    if request["session"]:
                        os.setsid()
                    asked.send(str(os.getpid()).encode())  # only now may whoever asked signal its process group
                    for opened in (watching, listening, asked):
                        opened.close()
                    return request
                for file in files:
                    os.close(file)
                watching.register(os.pidfd_open(pid), selectors.EVENT_READ, (pid, asked))
            elif key.fileobj == 0:
                os._exit(0)
            else:
                pid, asked = key.data
                watching.unregister(key.fileobj)
                os.close(key.fd)
                _, status = os.waitpid(pid, 0)
                with suppress(OSError):
                    asked.send(str(status).encode())
                asked.close()


def become(request: Mapping[str, Any], address: str) -> None:
    """Make of this fork what a start by Python would have been, and carry the program out."""
    FORKS.address = address
    install()
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    time.tzset()
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        was = getattr(sys, name)
        raw = io.FileIO(number, "r" if number == 0 else "w", closefd=False)
        buffered = io.BufferedReader(raw) if number == 0 else io.BufferedWriter(raw)
        opened = io.TextIOWrapper(buffered, was.encoding, was.errors, line_buffering=number == 2 or raw.isatty())
        setattr(sys, name, opened)
        setattr(sys, f"__{name}__", opened)
    words = list(request["words"])
    if words[0] == "-P":
        words.pop(0)
    else:
        sys.path.insert(0, str(Path.cwd()))
    sys.orig_argv = [sys.executable, *request["words"]]
    sys.argv = words[1:]
    try:
        runpy.run_module(words[1], run_name="__main__", alter_sys=True)
    except SystemExit as end:
        if isinstance(end.code, int):
            _end(end.code)
        raise


def _end(status: int) -> NoReturn:
    """As Python ends, but without taking each module apart, which takes as long as what most commands do."""
    for thread in threading.enumerate():
        if thread is not threading.current_thread() and not thread.daemon:
            thread.join()
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


if __name__ == "__main__":
    _load()
    become(serve(sys.argv[1]), sys.argv[1])
