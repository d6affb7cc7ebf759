"""A backup by pg_dump, and its record.

While a dump is being made its name ends in `.unfinished`; whatever way we end, it doesn't stay. Its record comes into
being the same way, and gets its name after the dump has: no record names a dump that there never was. Where the dump
is to be restored as a test, the record also holds how many rows each table had in the dump's own snapshot.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import stat
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from itertools import chain, count
from pathlib import Path

from pgmig_tui.database import tls
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
from pgmig_tui.database.row_counts import DumpedDatabase, dumped_database
from pgmig_tui.errors import Refused
from pgmig_tui.gates.counting import RowCounting, counting
from pgmig_tui.gates.decode import BackupError, Damaged, Seal, Verified, prove
from pgmig_tui.gates.progress import BackupPace, BackupProgress, Tell, untold
from pgmig_tui.gates.room import require_room
from pgmig_tui.sandbox.programs import (
    Tools,
    conninfo_text,
    find_tools,
    libpq_environment,
    removed_with_us,
    run_program,
)

LOCK_WAIT = "2s"
_STOP_S = 10.0
_UNFINISHED = ".unfinished"
_COUNTED = "rows_of_tables"
_NOTHING = "No backup was made."
# What pg_dump says of its work with --verbose; what is wrong it marks.
_CHAT = re.compile(r"pg_dump: (?!error:|warning:|detail:|hint:)")


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
    database_size: int | None = None
    """Of the database in bytes, with its indexes, when it was dumped."""
    rows: int | None = None
    """All rows of all tables in the dump's snapshot; None where they weren't counted."""


def make_backup(
    target: Reachable,
    folder: Path,
    run_id: str,
    *,
    verify: Verified = "decode",
    tools: Tools | None = None,
    progress: Tell = untold,
    stopping: Callable[[], bool] = lambda: False,
    told: Callable[[str], None] = lambda text: None,
) -> tuple[Backup, Seal]:
    """Dump `target`'s database into `folder` (made 0700) and prove it; returns when no session of ours dumps any more.

    With `verify` "restore" rows are counted in the dump's snapshot, and the dump is decoded; restoring it is for
    others (`rehearse.prove_restore`). `stopping` is asked every tenth of a second; `told` hears of what a backup that
    was killed has left, which is removed, and of rows that couldn't be counted. Raises Refused (no fitting pg_dump, no
    room, or a run that is under way: the dump might lack what it changes), Unreachable, BackupError.
    """
    name = application_name(run_id, "dump")
    with connect(target, application_name=application_name(run_id, "backup")) as connection:
        identity = connection.identity()
        _refuse_run(connection)
        started, clock = server_time(connection), time.monotonic()
        strict = bool(tls.settled(target))
        tools = tools or find_tools(identity.version_num, nearest=True, tls=strict)
        environment = libpq_environment(target, name, tools)
        if strict and not tools.speaks_tls:
            told(f"{tools.folder}/pg_dump was built without TLS: the dump is not encrypted on its way here")
        there = dumped_database(connection)
        with ExitStack() as stack:
            path = stack.enter_context(_unfinished(folder, identity.database, told))
            expected = _require_room(folder, identity, there)
            counted = None
            if verify == "restore":
                counted = stack.enter_context(counting(target, application_name(run_id, "count"), there))
            dump = _Dump(tools, path, there, progress, stopping, counted, expected)
            try:
                dump.make(target, environment)
            finally:
                # A dump that was killed leaves a server process that notices late; its locks would stop the first step.
                end_sessions(connection, name, _STOP_S)
            rows = dump.rows(told)
            size = path.stat().st_size
            progress(BackupProgress("decoding", str(path), size))
            digest, _ = prove(str(path), tools, verify, stopping=stopping)
            final = path.with_name(path.name.removesuffix(_UNFINISHED))
            backup = Backup(
                path=str(final),
                size=size,
                sha256=digest,
                verified="decode" if verify == "restore" else verify,
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
                database_size=there.size,
                rows=None if rows is None else sum(rows.values()),
            )
            record = asdict(backup) | ({} if rows is None else {_COUNTED: rows})
            _publish(path, final, json.dumps(record, indent=1) + "\n")
            return backup, Seal.of(final.lstat())


@dataclass(frozen=True, slots=True)
class _Dump:
    """A dump that is being made: by what, where to, of what, and who wants to know."""

    tools: Tools
    path: Path
    there: DumpedDatabase
    progress: Tell
    stopping: Callable[[], bool]
    counted: RowCounting | None
    expected: int
    """Its size in bytes by the last one, 0 where there is none."""

    def make(self, target: Reachable, environment: Mapping[str, str]) -> None:
        """Raises BackupError."""
        command = [
            str(self.tools.folder / "pg_dump"),
            "--format=custom",
            f"--lock-wait-timeout={LOCK_WAIT}",
            "--no-password",
            "--verbose",
            *([f"--snapshot={self.counted.snapshot}"] if self.counted is not None else []),
            f"--file={self.path}",
            f"--dbname={conninfo_text(target.conninfo)}",
        ]
        pace = BackupPace("dumping", str(self.path), self.there.tables, self.progress, expected=self.expected)
        pace.tell(0)

        def watch() -> bool:
            pace.tell(self.path.stat().st_size)
            return self.stopping()

        status, lines = run_program(command, {**environment, "LC_ALL": "C"}, watch=watch, heard=pace.heard)
        if self.stopping():
            raise BackupError("the backup was stopped", now=_NOTHING)
        if status:
            said = [line for line in lines if not _CHAT.match(line)]
            raise BackupError(f"pg_dump failed with exit status {status}", now=_NOTHING, details=said[:10])

    def rows(self, told: Callable[[str], None]) -> dict[str, int] | None:
        """What was counted beside it; None where it couldn't be, which is told. Raises BackupError."""
        if self.counted is None:
            return None
        counted, size, of = self.counted, self.path.stat().st_size, len(self.there.tables)

        def watch() -> bool:
            self.progress(BackupProgress("counting", str(self.path), size, counted.tables, of))
            return self.stopping()

        found = counted.rows(watch)
        if found is None:
            told(f"the rows could not be counted: {counted.error}")
        return found


def _require_room(folder: Path, identity: ServerIdentity, there: DumpedDatabase) -> int:
    """How many bytes this dump takes as far as an earlier one tells, else 0. Raises Refused where the disk hasn't that
    room."""
    for one in backups_of(folder, identity):
        if one.database_size:
            needed = int(one.size * there.size / one.database_size)
            require_room(folder, needed, f"a dump of {identity.database}, by the size of the last one,", _NOTHING)
            return needed
    return 0


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


def backup_at(file: Path, identity: ServerIdentity) -> Backup | None:
    """The dump in this file by the record beside it, wherever both were put since; None where that isn't one of that
    database, or the file isn't there."""
    for suffix in (".json", f".json{_UNFINISHED}"):
        try:
            backup = _recorded(file.with_suffix(suffix).read_text(encoding="utf-8"))
            there = file.lstat()
        except (OSError, ValueError, TypeError):
            continue
        if stat.S_ISREG(there.st_mode) and (backup.system_identifier, backup.database) == identity.key:
            return replace(backup, path=str(file), size=there.st_size)
    return None


def _recorded(text: str) -> Backup:
    """A backup by its record. Raises ValueError or TypeError for what we wouldn't have written: it may have been
    edited, or cut off."""
    values = json.loads(text)
    values.pop(_COUNTED, None)
    backup = Backup(**values)
    conninfo = dict(backup.conninfo)
    texts = (backup.path, backup.sha256, backup.database, backup.server_version, *conninfo, *conninfo.values())
    if not all(isinstance(one, str) for one in texts):
        raise TypeError("a text is none")
    for moment in (backup.started_at, backup.finished_at):
        if datetime.fromisoformat(moment).tzinfo is None:
            raise ValueError("a moment has no time zone")
    major_of(str(backup.tool_version))
    return backup


def rows_of(backup: Backup) -> dict[str, int] | None:
    """How many rows each table had when it was dumped, by `schema.table`; None where that isn't known."""
    try:
        found = json.loads(Path(backup.path).with_suffix(".json").read_text(encoding="utf-8"))[_COUNTED]
    except (OSError, ValueError, TypeError, KeyError):
        return None
    good = isinstance(found, dict) and all(isinstance(one, int) for one in found.values())
    return dict(found) if good else None


def prove_again(backup: Backup, verify: Verified, *, stopping: Callable[[], bool] = lambda: False) -> Seal:
    """Prove an existing dump: its SHA-256 is the recorded one and it decodes. Raises Damaged, BackupError when it is
    stopped, Refused when no pg_restore here reads it."""
    tools = find_tools(major_of(backup.tool_version) * 10000)
    digest, seal = prove(backup.path, tools, verify, stopping=stopping)
    if digest != backup.sha256:
        raise Damaged(f"{backup.path} is not what was dumped: its SHA-256 differs")
    return seal


def major_of(version: str) -> int:
    """18 of `18.6` or `18.6 (Debian …)`. Raises ValueError."""
    return int(version.split(".")[0])


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
