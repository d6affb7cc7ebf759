"""PostgreSQL's client programs: where they are, how they are started, and that none outlives us.

A password reaches them as PGPASSWORD in their own environment, which nobody but this account may look at, and nowhere
else: no file holds it, no command line, no other process (libpq refuses a pipe as password file, so a file would lie
there when we are killed).
"""

from __future__ import annotations

import contextlib
import fcntl
import marshal
import os
import re
import shutil
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pgmig_tui.display.mask import mask_secrets
from pgmig_tui.errors import PgmigError, Refused
from pgmig_tui.sandbox.installation import find_installations

if TYPE_CHECKING:
    from pgmig_tui.database.connect import Reachable

_DEBIAN = Path("/usr/lib/postgresql")
_VERSION = re.compile(r"(\d+)(?:\.\d+)*")
_KEEPER = Path(__file__).parent / "keeper.py"
_OURS = frozenset({"PGPASSWORD", "SQITCH_PASSWORD", "PGAPPNAME"})
_FOLDER = "pgmig-work-"
_LOCK = ".lock"
_OLD_S = 60
"""A password file of an earlier version was read at once, or never will be."""


class CannotShow(PgmigError):
    """A target has secrets that PostgreSQL's programs can't be given without showing them."""

    exit_status = 1


@dataclass(frozen=True, slots=True)
class Tools:
    """pg_dump and pg_restore of one PostgreSQL installation."""

    folder: Path
    version: str

    @property
    def major(self) -> int:
        return int(self.version.split(".")[0])

    @property
    def speaks_tls(self) -> bool:
        """Whether they were built with it: some packages of PostgreSQL are not."""
        return _speaks_tls(self.folder)


@cache
def _speaks_tls(folder: Path) -> bool:
    # libpq looks at sslmode before it looks for the socket, which isn't there.
    command = [str(folder / "pg_dump"), "--dbname=host=/nowhere/at/all sslmode=require"]
    environment = {name: value for name, value in os.environ.items() if name not in _OURS} | {"LC_ALL": "C"}
    try:
        done = subprocess.run(command, capture_output=True, timeout=10, check=False, env=environment)
    except (OSError, subprocess.SubprocessError):
        return False
    return b"not compiled in" not in done.stderr


def find_tools(
    server_version_num: int, folders: Sequence[Path] | None = None, *, nearest: bool = False, tls: bool = False
) -> Tools:
    """The newest pg_dump that is at least as new as the server; of equal ones the first of `folders`, which are by
    default those of the sandbox's installations, of PATH, and where Debian keeps them. Raises Refused, naming the
    versions found.

    `nearest`: of the major version nearest to the server's, for what may have to go back into that server: a newer
    pg_restore tells it what it doesn't know, such as transaction_timeout, which is 17's. `tls`: of those that speak
    TLS, where there are any."""
    wanted = server_version_num // 10000
    found: dict[str, Tools] = {}
    for folder in _folders() if folders is None else folders:
        tools = _tools(folder)
        if tools is not None:
            known = found.setdefault(tools.version, tools)
            if tls and tools.speaks_tls and not known.speaks_tls:
                found[tools.version] = tools
    fitting = [tools for tools in found.values() if tools.major >= wanted]
    if tls:
        fitting = [tools for tools in fitting if tools.speaks_tls] or fitting
    if nearest and fitting:
        fitting = [tools for tools in fitting if tools.major == min(one.major for one in fitting)]
    if fitting:
        return max(fitting, key=lambda tools: _numbers(tools.version))
    versions = ", ".join(sorted(found, key=_numbers)) or "none"
    raise Refused(
        f"no pg_dump here can dump PostgreSQL {wanted}: found {versions}",
        now="No backup was made.",
        do=f"Install the PostgreSQL {wanted} client programs, or attest a backup that was made elsewhere.",
    )


def _folders() -> list[Path]:
    path = [Path(part) for part in os.environ.get("PATH", os.defpath).split(os.pathsep) if part]
    return [*(one.bin_dir for one in find_installations()), *path, *sorted(_DEBIAN.glob("*/bin"), reverse=True)]


def _tools(folder: Path) -> Tools | None:
    dump, restore = folder / "pg_dump", folder / "pg_restore"
    if not (os.access(dump, os.X_OK) and os.access(restore, os.X_OK)):
        return None
    if dump.resolve().name == "pg_wrapper":  # Debian's picks a version by the cluster's; the real ones are looked at
        return None
    try:
        said = subprocess.run(
            [dump, "--version"], capture_output=True, encoding="utf-8", errors="replace", timeout=10, check=True, env={}
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    version = _VERSION.search(said)
    return Tools(folder, version[0]) if version else None


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def libpq_environment(target: Reachable, name: str, tools: Tools | None = None) -> dict[str, str]:
    """The environment in which a program of `tools` reaches `target` under the application name `name`; the server has
    to prove who it is wherever pgmig.toml demands it, or it has proven that to us and they can look at that.

    Raises CannotShow where the target has other secrets than a password.
    """
    from pgmig_tui.database import tls

    if target.secrets:
        raise CannotShow(
            f"{', '.join(sorted(target.secrets))} can't be handed to pg_dump without showing it",
            now="No backup was made.",
            do="Attest a backup that was made elsewhere.",
        )
    environment = {key: value for key, value in os.environ.items() if key not in _OURS}
    environment["PGAPPNAME"] = name
    strict = tls.settled(target, None if tools is None else tools.major)
    if tools is None or tools.speaks_tls or target.conninfo.get("sslmode"):
        environment |= {f"PG{keyword.upper()}": value for keyword, value in strict.items()}
    password = target.password if target.password is not None else os.environ.get("PGPASSWORD")
    if password is not None:
        environment["PGPASSWORD"] = password
    return environment


def conninfo_text(parameters: Mapping[str, str]) -> str:
    """libpq's keyword string."""

    def quoted(value: str) -> str:
        return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"

    kept = {key: value for key, value in parameters.items() if key != "application_name"}
    return " ".join(f"{key}={quoted(value)}" for key, value in kept.items())


def run_program(
    command: Sequence[str],
    environment: Mapping[str, str],
    *,
    stdin: int | None = None,
    watch: Callable[[], bool] = lambda: False,
    heard: Callable[[str], None] | None = None,
) -> tuple[int, list[str]]:
    """Run a program to its end. Returns its exit status and the lines that it said on standard error, masked.

    `watch` is asked every tenth of a second; when it says True, or anything is raised, the program is ended, as it is
    when we are. `stdin` is a descriptor that becomes its standard input. `heard` gets each whole line soon after it was
    said, before `watch` is asked; unmasked.
    """
    at = 0
    with tempfile.TemporaryFile() as errors:
        given = {"command": list(command), "environment": dict(environment), "stdin": stdin}
        keeper = _keep(given, errors.fileno(), () if stdin is None else (stdin,))
        try:
            while keeper.poll() is None:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    keeper.wait(0.1)
                    break
                if heard is not None:
                    at = _hear(errors.fileno(), at, heard)
                if watch():
                    break
        finally:
            _let_go(keeper)
        errors.seek(0)
        text = errors.read().decode("utf-8", "replace")
    password = environment.get("PGPASSWORD", "")
    if len(password) > 2:
        text = text.replace(password, "***")
    return keeper.returncode, [line for line in mask_secrets(text).splitlines() if line.strip()]


def _hear(descriptor: int, at: int, heard: Callable[[str], None]) -> int:
    """Tell the whole lines from `at` on. Returns where the next one begins."""
    whole, newline, _ = os.pread(descriptor, 1 << 20, at).rpartition(b"\n")
    for line in whole.decode("utf-8", "replace").splitlines():
        heard(line)
    return at + len(whole) + len(newline)


@contextmanager
def removed_with_us(paths: Iterable[Path], *, server: Path | None = None, lock: int | None = None) -> Iterator[None]:
    """See that `paths` are gone afterwards, however this ends, and however we do.

    `server` is the data folder of a PostgreSQL server that is stopped first; the descriptor `lock` stays open until all
    that is done, so that its lock isn't free before.
    """
    given = {"remove": [str(path) for path in paths], "server": None if server is None else str(server)}
    keeper = _keep(given, subprocess.DEVNULL, () if lock is None else (lock,))
    try:
        yield
    finally:
        _let_go(keeper)


@contextmanager
def work_folder() -> Iterator[Path]:
    """A folder (0700) for what is thrown away. What processes have left that were killed with their keepers goes.

    Raises PgmigError where there is no place for one.
    """
    try:
        _sweep(Path(tempfile.gettempdir()))
        folder = Path(tempfile.mkdtemp(prefix=_FOLDER))
    except OSError as error:
        raise PgmigError(
            f"a temporary folder can't be made: {error.strerror or error}",
            now="Nothing was changed.",
            do="Make room in it, or choose another folder with TMPDIR.",
        ) from error
    with removed_with_us([folder]), (folder / _LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield folder


def _sweep(base: Path) -> None:
    for folder in base.glob("pgmig-*"):
        with contextlib.suppress(OSError):
            found = folder.lstat()
            if stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and _abandoned(folder, found.st_mtime):
                shutil.rmtree(folder, ignore_errors=True)


def _abandoned(folder: Path, touched: float) -> bool:
    """Whether a folder of ours belongs to nobody any more: its lock is free, or all it holds is a password file."""
    if not folder.name.startswith(_FOLDER):
        old = touched < time.time() - _OLD_S
        return old and [entry.name for entry in folder.iterdir()] == ["pass"]
    try:
        with (folder / _LOCK).open("r+") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
    except BlockingIOError:
        return False
    except FileNotFoundError:
        return touched < time.time() - _OLD_S


def _keep(given: dict[str, Any], errors: int, descriptors: Sequence[int]) -> subprocess.Popen[bytes]:
    keeper = subprocess.Popen(
        [sys.executable, "-I", "-S", str(_KEEPER)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=errors,
        env={name: value for name, value in os.environ.items() if name not in _OURS},
        umask=0o077,
        pass_fds=descriptors,
        start_new_session=True,
    )
    assert keeper.stdin is not None
    with contextlib.suppress(BrokenPipeError):  # its exit status tells
        keeper.stdin.write(marshal.dumps(given))
        keeper.stdin.flush()
    return keeper


def _let_go(keeper: subprocess.Popen[bytes]) -> None:
    """Close our end of the pipe: what is kept ends, and the keeper after it."""
    assert keeper.stdin is not None
    with contextlib.suppress(BrokenPipeError):
        keeper.stdin.close()
    keeper.wait()
