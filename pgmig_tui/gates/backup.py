"""A backup by pg_dump, and the proof that it can be read.

`pg_restore -l` proves nothing: it succeeds on a dump cut to a tenth. A full decode (`pg_restore -f /dev/null`) catches
every truncation and compressed corruption; SHA-256 catches the rest later. Passwords reach the children by a temporary
password file, never by argv or environment.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Literal

from pgmig_tui.database.activity import end_sessions
from pgmig_tui.database.checks import CheckResult, State
from pgmig_tui.database.connect import (
    Reachable,
    ServerIdentity,
    application_name,
    connect,
    guard_sql,
    mask,
)
from pgmig_tui.errors import PgmigError, Refused

Verified = Literal["none", "list", "decode"]

LOCK_WAIT = "2s"
MAX_AGE_S = 24 * 3600
_STOP_S = 10.0
_DEBIAN = Path("/usr/lib/postgresql")
_VERSION = re.compile(r"(\d+)(?:\.\d+)*")


class BackupError(PgmigError):
    """The backup, or the proof of it, failed. The file, if any, is gone."""

    exit_status = 1


@dataclass(frozen=True, slots=True)
class Tools:
    """pg_dump and pg_restore of one PostgreSQL installation."""

    folder: Path
    version: str

    @property
    def major(self) -> int:
        return int(self.version.split(".")[0])


@dataclass(frozen=True, slots=True)
class Backup:
    """A dump and what is known of it. Times are UTC; `seconds` is how long dump and verification took."""

    path: str
    size: int
    sha256: str
    verified: Verified
    database: str
    system_identifier: str | None
    server_version: str
    tool_version: str
    started_at: str
    finished_at: str
    seconds: float


def find_tools(server_version_num: int, folders: Sequence[Path] = (), path: str | None = None) -> Tools:
    """The oldest pg_dump that is at least as new as the server: in `folders`, then on PATH, then where Debian keeps
    them. Raises Refused, naming the versions found."""
    wanted = server_version_num // 10000
    places = [
        *folders,
        *(Path(part) for part in (path or os.environ.get("PATH", os.defpath)).split(os.pathsep) if part),
    ]
    if _DEBIAN.is_dir():
        places += sorted(_DEBIAN.glob("*/bin"), reverse=True)
    found: dict[str, Tools] = {}
    for place in places:
        tools = _tools(place)
        if tools is not None:
            found.setdefault(tools.version, tools)
    fitting = [tools for tools in found.values() if tools.major >= wanted]
    if fitting:
        return min(fitting, key=lambda tools: tools.major)
    versions = ", ".join(sorted(found)) or "none"
    raise Refused(
        f"no pg_dump here can dump PostgreSQL {wanted}: found {versions}",
        now="No backup was made.",
        do=f"Install the PostgreSQL {wanted} client programs, or attest a backup that was made elsewhere.",
    )


def make_backup(
    target: Reachable,
    folder: Path,
    run_id: str,
    *,
    verify: Verified = "decode",
    tools: Tools | None = None,
    progress: Callable[[int], None] | None = None,
    stopping: Callable[[], bool] = lambda: False,
) -> Backup:
    """Dump `target`'s database into `folder` (made 0700) and prove it; returns when no session of ours dumps any more.

    `progress` gets the file's size in bytes; `stopping` is asked every tenth of a second. Raises Refused (no fitting
    pg_dump), Unreachable, BackupError.
    """
    name = application_name(run_id, "dump")
    with connect(target, application_name=application_name(run_id, "backup")) as connection:
        connection.execute(guard_sql("control", 0, connection.server_version_num))
        identity = connection.identity()
        tools = tools or find_tools(identity.version_num)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = folder / f"{_file_name(identity.database)}-{datetime.now(UTC):%Y%m%d-%H%M%S}.dump"
        started, clock = _utc_now(), time.monotonic()
        try:
            with child_environment(target, name) as environment:
                _dump(target, tools, path, environment, progress, stopping)
            digest = _digest(path)
            _prove(tools, path, verify, stopping)
            if verify != "none" and _digest(path) != digest:
                raise BackupError(f"{path} changed while it was verified")
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        finally:
            # A dump that was killed leaves a server process that notices late; its locks would stop the first step.
            end_sessions(connection, name, _STOP_S)
    backup = _record(path, digest, verify, identity, tools, started, time.monotonic() - clock)
    path.with_suffix(".json").write_text(json.dumps(asdict(backup), indent=1) + "\n", encoding="utf-8")
    return backup


def newest_backup(folder: Path, identity: ServerIdentity) -> Backup | None:
    """The newest backup of that database in `folder` whose file is still there with its size."""
    found = []
    for record in folder.glob("*.json"):
        try:
            backup = Backup(**json.loads(record.read_text(encoding="utf-8")))
            whole = Path(backup.path).stat().st_size == backup.size
        except (OSError, ValueError, TypeError):
            continue
        if whole and (backup.system_identifier, backup.database) == identity.key:
            found.append(backup)
    return max(found, key=lambda backup: backup.finished_at, default=None)


def verify_backup(backup: Backup, tools: Tools, verify: Verified = "decode") -> Backup:
    """Prove an existing dump again: its SHA-256 is the recorded one and it decodes. Raises BackupError."""
    path = Path(backup.path)
    if not path.is_file():
        raise BackupError(f"{path} is not there any more")
    if _digest(path) != backup.sha256:
        raise BackupError(f"{path} is not what was dumped: its SHA-256 differs")
    _prove(tools, path, verify, lambda: False)
    return replace(backup, verified=verify)


def results(backup: Backup | None) -> tuple[CheckResult, CheckResult]:
    """The backup as the evidence of the items "Backup database" and "Verify backup"."""
    now = _utc_now()
    titles = ("Backup database", "Verify backup")
    if backup is None:
        return (
            CheckResult("backup", titles[0], "UNKNOWN", "no backup was made", finished_at=now),
            CheckResult("backup_verified", titles[1], "UNKNOWN", "no backup was made", finished_at=now),
        )
    age = (datetime.now(UTC) - datetime.fromisoformat(backup.finished_at)).total_seconds()
    rows = (asdict(backup),)
    summary = f"{backup.path}, {backup.size:,} bytes, {backup.finished_at}"
    fresh = CheckResult(
        "backup", titles[0], "PASS" if age <= MAX_AGE_S else "FAIL", summary, rows, "", backup.started_at, now
    )
    proof: dict[Verified, State] = {"decode": "PASS", "list": "WARN", "none": "UNKNOWN"}
    said = {"decode": "fully decoded", "list": "only its table of contents was read", "none": "not verified"}
    verified = CheckResult(
        "backup_verified",
        titles[1],
        proof[backup.verified],
        f"{said[backup.verified]}, SHA-256 {backup.sha256[:16]}…",
        rows,
        "",
        backup.started_at,
        now,
    )
    return fresh, verified


def _dump(
    target: Reachable,
    tools: Tools,
    path: Path,
    environment: Mapping[str, str],
    progress: Callable[[int], None] | None,
    stopping: Callable[[], bool],
) -> None:
    command = [
        str(tools.folder / "pg_dump"),
        "--format=custom",
        f"--lock-wait-timeout={LOCK_WAIT}",
        "--no-password",
        f"--file={path}",
        f"--dbname={conninfo_text(target.conninfo)}",
    ]

    def watch() -> bool:
        if progress is not None and path.exists():
            progress(path.stat().st_size)
        return stopping()

    secrets = [target.password or "", *target.secrets.values()]
    _run(command, environment, "pg_dump", watch, secrets)
    path.chmod(0o600)


def _prove(tools: Tools, path: Path, verify: Verified, stopping: Callable[[], bool]) -> None:
    arguments = {"none": None, "list": ["--list"], "decode": [f"--file={os.devnull}"]}[verify]
    if arguments is not None:
        command = [str(tools.folder / "pg_restore"), *arguments, str(path)]
        _run(command, os.environ, "pg_restore", stopping, ())


def _run(
    command: Sequence[str],
    environment: Mapping[str, str],
    name: str,
    stopping: Callable[[], bool],
    secrets: Sequence[str],
) -> None:
    """Run to the end, or end it when `stopping` says so or anything is raised."""
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            env=dict(environment),
            umask=0o077,
            start_new_session=True,
        )
        try:
            while True:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(0.1)
                    break
                if stopping():
                    raise BackupError("the backup was stopped", now="No backup was made.")
        finally:
            _end(process)
        if process.returncode:
            errors.seek(0)
            text = mask(errors.read().decode("utf-8", "replace"), secrets)
            lines = [line for line in text.splitlines() if line.strip()]
            raise BackupError(
                f"{name} failed with exit status {process.returncode}", now="No backup was made.", details=lines[:10]
            )


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextlib.contextmanager
def child_environment(target: Reachable, name: str) -> Iterator[dict[str, str]]:
    """The child's environment, and a password file that is gone afterwards. The variables that hold passwords are
    taken out: everybody on the host may look at a process's environment."""
    password = target.password if target.password is not None else os.environ.get("PGPASSWORD")
    hidden = {"PGPASSWORD", "SQITCH_PASSWORD", "PGAPPNAME"}
    environment = {key: value for key, value in os.environ.items() if key not in hidden}
    environment["PGAPPNAME"] = name
    if target.secrets:
        raise BackupError(
            f"{', '.join(sorted(target.secrets))} can't be handed to pg_dump without showing it",
            now="No backup was made.",
            do="Attest a backup that was made elsewhere.",
        )
    if password is None:
        yield environment
        return
    with tempfile.TemporaryDirectory(prefix="pgmig-") as folder:
        passfile = Path(folder) / "pass"
        escaped = password.replace("\\", "\\\\").replace(":", "\\:")
        passfile.touch(mode=0o600)
        passfile.write_text(f"*:*:*:*:{escaped}\n", encoding="utf-8")
        environment["PGPASSFILE"] = str(passfile)
        yield environment


def conninfo_text(parameters: Mapping[str, str]) -> str:
    """libpq's keyword string. `passfile` stays out: ours would lose against it."""

    def quoted(value: str) -> str:
        return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"

    kept = {key: value for key, value in parameters.items() if key not in ("application_name", "passfile")}
    return " ".join(f"{key}={quoted(value)}" for key, value in kept.items())


def _tools(folder: Path) -> Tools | None:
    dump, restore = folder / "pg_dump", folder / "pg_restore"
    if not (os.access(dump, os.X_OK) and os.access(restore, os.X_OK)):
        return None
    real = dump.resolve()
    if real.name == "pg_wrapper":  # Debian's wrapper picks a version by the cluster's; the real ones are looked at too
        return None
    try:
        said = subprocess.run([str(dump), "--version"], capture_output=True, text=True, timeout=10, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    version = _VERSION.search(said)
    return Tools(folder, version[0]) if version else None


def _record(
    path: Path, digest: str, verify: Verified, identity: ServerIdentity, tools: Tools, started: str, seconds: float
) -> Backup:
    return Backup(
        path=str(path),
        size=path.stat().st_size,
        sha256=digest,
        verified=verify,
        database=identity.database,
        system_identifier=identity.system_identifier,
        server_version=identity.version,
        tool_version=tools.version,
        started_at=started,
        finished_at=_utc_now(),
        seconds=round(seconds, 3),
    )


def _digest(path: Path) -> str:
    found = sha256()
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            found.update(chunk)
    return found.hexdigest()


def _file_name(database: str) -> str:
    return re.sub(r"[^A-Za-z0-9_.-]", "_", database).lstrip(".-") or "database"


def _utc_now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
