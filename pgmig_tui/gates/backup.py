"""A backup by pg_dump, and the proof that it can be read.

`pg_restore -l` proves nothing: it succeeds on a dump cut to a tenth. A full decode (`pg_restore -f /dev/null`) catches
every truncation and compressed corruption, and SHA-256 beside it, from the same open file, that it is what was dumped.
Such a proof holds for that very file (`Seal`), until a run starts.

While a dump is being made its name ends in `.unfinished`; whatever way we end, it doesn't stay. Its record comes into
being the same way, and gets its name after the dump has: no record names a dump that there never was.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import stat
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from hashlib import sha256
from itertools import chain, count
from pathlib import Path
from typing import Literal

from pgmig_tui.database.activity import end_sessions
from pgmig_tui.database.changed import database_oid, server_time
from pgmig_tui.database.connect import (
    Connection,
    Reachable,
    ServerIdentity,
    application_name,
    connect,
)
from pgmig_tui.database.holder import lock_holder
from pgmig_tui.database.probe import address_of
from pgmig_tui.errors import PgmigError, Refused
from pgmig_tui.sandbox.programs import (
    Tools,
    conninfo_text,
    find_tools,
    libpq_environment,
    removed_with_us,
    run_program,
)

Verified = Literal["none", "list", "decode"]

LOCK_WAIT = "2s"
_STOP_S = 10.0
_UNFINISHED = ".unfinished"
_CHUNK = 1 << 20


class BackupError(PgmigError):
    """The backup, or the proof of it, failed. The file of a backup that failed is gone."""

    exit_status = 1


class Damaged(BackupError):
    """A dump isn't what was dumped, or can't be read to its end."""


@dataclass(frozen=True, slots=True)
class Backup:
    """A dump and what is known of it. Times are UTC by the server's clock, `started_at` is before the dump looked at
    the database; `seconds` is how long dump and verification took. `conninfo` leads to the very server that was dumped,
    without secrets; empty in records of earlier versions."""

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
    timeline: int | None = None
    database_oid: int | None = None
    conninfo: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Seal:
    """Which file was proven: as long as all this is the same, so is what was read of it."""

    device: int
    inode: int
    size: int
    mtime_ns: int
    ctime_ns: int

    @classmethod
    def of(cls, found: os.stat_result) -> Seal:
        return cls(found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)

    def broken(self, path: str) -> str:
        """Why the file isn't the proven one any more, "" while it is."""
        try:
            found = os.lstat(path)
        except OSError as error:
            return f"{path}: {error.strerror}"
        return "" if Seal.of(found) == self else f"{path} is not the file any more that was verified"


def make_backup(
    target: Reachable,
    folder: Path,
    run_id: str,
    *,
    verify: Verified = "decode",
    tools: Tools | None = None,
    progress: Callable[[int], None] | None = None,
    stopping: Callable[[], bool] = lambda: False,
    told: Callable[[str], None] = lambda text: None,
) -> tuple[Backup, Seal]:
    """Dump `target`'s database into `folder` (made 0700) and prove it; returns when no session of ours dumps any more.

    `progress` gets the file's size in bytes; `stopping` is asked every tenth of a second; `told` hears of what a backup
    that was killed has left, which is removed. Raises Refused (no fitting
    pg_dump, or a run that is under way: the dump might lack what it changes), Unreachable, BackupError.
    """
    name = application_name(run_id, "dump")
    with connect(target, application_name=application_name(run_id, "backup")) as connection:
        identity = connection.identity()
        _refuse_run(connection)
        started, clock = server_time(connection), time.monotonic()
        tools = tools or find_tools(identity.version_num, nearest=True)
        environment = libpq_environment(target, name)
        with _unfinished(folder, identity.database, told) as path:
            try:
                _dump(target, tools, path, environment, progress, stopping)
            finally:
                # A dump that was killed leaves a server process that notices late; its locks would stop the first step.
                end_sessions(connection, name, _STOP_S)
            digest, _ = prove(str(path), tools, verify, stopping=stopping)
            final = path.with_name(path.name.removesuffix(_UNFINISHED))
            backup = Backup(
                path=str(final),
                size=path.stat().st_size,
                sha256=digest,
                verified=verify,
                database=identity.database,
                system_identifier=identity.system_identifier,
                server_version=identity.version,
                tool_version=tools.version,
                started_at=started,
                finished_at=server_time(connection),
                seconds=round(time.monotonic() - clock, 3),
                timeline=identity.timeline,
                database_oid=database_oid(connection),
                conninfo=address_of(target, identity.host, identity.port, identity.database).conninfo,
            )
            _publish(path, final, json.dumps(asdict(backup), indent=1) + "\n")
            return backup, Seal.of(final.lstat())


def _publish(path: Path, final: Path, record: str) -> None:
    """Give a proven dump, and then its record, their names. Raises BackupError where there is no room for a record."""
    draft = _draft(final)
    try:
        draft.write_text(record, encoding="utf-8")
        path.rename(final)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise BackupError(f"{draft} can't be written: {error.strerror or error}", now="No backup was made.") from error
    with contextlib.suppress(FileNotFoundError):  # another has given it its name, as of one that was killed
        draft.rename(final.with_suffix(".json"))


def _draft(final: Path) -> Path:
    return final.with_suffix(f".json{_UNFINISHED}")


def backups_of(folder: Path, identity: ServerIdentity) -> list[Backup]:
    """The recorded backups of that database in `folder` whose file is there, the newest first; `size` is what the file
    has now."""
    found = []
    # A dump that has its name was proven, also where its maker was killed before the record had one.
    for record in (*folder.glob("*.json"), *folder.glob(f"*.json{_UNFINISHED}")):
        try:
            backup = _recorded(record.read_text(encoding="utf-8"))
            there = Path(backup.path).lstat()
        except (OSError, ValueError, TypeError):
            continue
        if stat.S_ISREG(there.st_mode) and (backup.system_identifier, backup.database) == identity.key:
            found.append(replace(backup, size=there.st_size))
    return sorted(found, key=lambda backup: backup.finished_at, reverse=True)


def _recorded(text: str) -> Backup:
    """A backup by its record. Raises ValueError or TypeError for what we wouldn't have written: it may have been
    edited, or cut off."""
    backup = Backup(**json.loads(text))
    conninfo = dict(backup.conninfo)
    texts = (backup.path, backup.sha256, backup.database, backup.server_version, *conninfo, *conninfo.values())
    if not all(isinstance(one, str) for one in texts):
        raise TypeError("a text is none")
    for moment in (backup.started_at, backup.finished_at):
        if datetime.fromisoformat(moment).tzinfo is None:
            raise ValueError("a moment has no time zone")
    _major(str(backup.tool_version))
    return backup


def prove_again(backup: Backup, verify: Verified, *, stopping: Callable[[], bool] = lambda: False) -> Seal:
    """Prove an existing dump: its SHA-256 is the recorded one and it decodes. Raises Damaged, BackupError when it is
    stopped, Refused when no pg_restore here reads it."""
    tools = find_tools(_major(backup.tool_version) * 10000)
    digest, seal = prove(backup.path, tools, verify, stopping=stopping)
    if digest != backup.sha256:
        raise Damaged(f"{backup.path} is not what was dumped: its SHA-256 differs")
    return seal


def _major(version: str) -> int:
    """18 of `18.6`. Raises ValueError."""
    return int(version.split(".")[0])


def prove(
    path: str, tools: Tools, verify: Verified, *, stopping: Callable[[], bool] = lambda: False
) -> tuple[str, Seal]:
    """Decode a dump and hash it, both from one open file. Returns its SHA-256, and which file that was."""
    descriptor = _opened(path)
    try:
        before = Seal.of(os.fstat(descriptor))
        left = threading.Event()
        digest = sha256()
        hashing = threading.Thread(target=_hash, args=(descriptor, digest.update, left), daemon=True)
        hashing.start()
        try:
            if verify != "none":
                _decode(tools, path, descriptor, verify, stopping)
            while hashing.is_alive():
                hashing.join(0.1)
                if stopping():
                    raise BackupError("the verification of the backup was stopped")
        finally:
            left.set()
            hashing.join()
        if Seal.of(os.fstat(descriptor)) != before or before.broken(path):
            raise Damaged(f"{path} changed while it was verified")
        return digest.hexdigest(), before
    finally:
        os.close(descriptor)


def _opened(path: str) -> int:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise Damaged(f"{path} can't be read: {error.strerror}") from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise Damaged(f"{path} is no regular file")
    return descriptor


def _hash(descriptor: int, update: Callable[[bytes], object], left: threading.Event) -> None:
    """By offset: the descriptor's own position is pg_restore's."""
    at = 0
    with contextlib.suppress(OSError):  # a hash of less than all is another hash
        while not left.is_set() and (chunk := os.pread(descriptor, _CHUNK, at)):
            update(chunk)
            at += len(chunk)


def _decode(tools: Tools, path: str, descriptor: int, verify: Verified, stopping: Callable[[], bool]) -> None:
    arguments = ["--list"] if verify == "list" else [f"--file={os.devnull}"]
    status, lines = run_program(
        [str(tools.folder / "pg_restore"), *arguments], {"LC_ALL": "C"}, stdin=descriptor, watch=stopping
    )
    if stopping():
        raise BackupError("the verification of the backup was stopped")
    if status:
        raise Damaged(f"{path} can't be read to its end: pg_restore failed with {status}", details=lines[:10])


def _dump(
    target: Reachable,
    tools: Tools,
    path: Path,
    environment: dict[str, str],
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
        if progress is not None:
            progress(path.stat().st_size)
        return stopping()

    status, lines = run_program(command, environment, watch=watch)
    if stopping():
        raise BackupError("the backup was stopped", now="No backup was made.")
    if status:
        raise BackupError(f"pg_dump failed with exit status {status}", now="No backup was made.", details=lines[:10])


def _refuse_run(connection: Connection) -> None:
    holder = lock_holder(connection)
    if holder is not None:
        raise Refused(
            f"another run works on this database: {holder}",
            now="No backup was made.",
            do="Wait for it to end: a dump that is begun now may lack what it changes.",
        )


@contextmanager
def _unfinished(folder: Path, database: str, told: Callable[[str], None]) -> Iterator[Path]:
    """A new file for a dump, marked by its name, which is gone when we are, and when it wasn't renamed."""
    name = re.sub(r"[^A-Za-z0-9_.-]", "_", database).lstrip(".-") or "database"
    stem = f"{name}-{datetime.now(UTC):%Y%m%d-%H%M%S}-{os.getpid()}"
    names = chain([f"{stem}.dump"], (f"{stem}-{number}.dump" for number in count(2)))  # two in one second, say
    path = folder / f"{next(one for one in names if not (folder / one).exists())}{_UNFINISHED}"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _sweep(folder, told)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise BackupError(
            f"the folder of backups can't be written: {error.strerror or error} ({folder})",
            now="No backup was made.",
            do="Make room there, or choose another folder with XDG_STATE_HOME.",
        ) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        with removed_with_us([path]):
            yield path
    finally:
        os.close(descriptor)
        path.unlink(missing_ok=True)  # where Ctrl-C came before there was a keeper


def _sweep(folder: Path, told: Callable[[str], None]) -> None:
    """What is left of dumps whose process was killed, be it its keeper with it: half a file, or a record that has no
    name yet."""
    for path in folder.glob(f"*.dump{_UNFINISHED}"):
        with contextlib.suppress(OSError), path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink()
            told(f"removed {path}, which a backup that was killed has left")
    for draft in folder.glob(f"*.json{_UNFINISHED}"):
        final = Path(str(draft).removesuffix(f".json{_UNFINISHED}") + ".dump")
        with contextlib.suppress(OSError):
            if final.exists():
                draft.rename(final.with_suffix(".json"))
            elif not Path(f"{final}{_UNFINISHED}").exists():
                draft.unlink()
                told(f"removed {draft}, which a backup that was killed has left")
