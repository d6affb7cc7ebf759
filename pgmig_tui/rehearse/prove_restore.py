"""A dump restored as a test: into a server of our own, compared row count by row count, and verified by the project.

The server is made for it and goes with it; it listens nowhere but on a socket of this account's. What is restored
reaches no other server: user mappings and subscriptions are left out, and views that would be filled from elsewhere
stay empty. Rows are restored by a role that may do nothing but fill tables: their checks, domains and generated columns
run code of whoever made them, be it with a function that reads files or runs programs where its caller may. The
project's verify scripts run as the target's role there, without a shell, and none that reaches for
files of the server's host.
"""

from __future__ import annotations

import os
import re
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from pgmig_tui.database import registry
from pgmig_tui.database.connect import Connection, application_name, connect
from pgmig_tui.database.row_counts import LARGE_OBJECTS, DumpedDatabase, count_rows, dumped_database, large_objects
from pgmig_tui.database.text import bind, ident, literal
from pgmig_tui.display import words
from pgmig_tui.errors import PgmigError
from pgmig_tui.gates.backup import Backup, major_of, prove_again, rows_of
from pgmig_tui.gates.decode import BackupError, Damaged, Seal
from pgmig_tui.gates.progress import BackupPace, BackupProgress, Doing, Tell, untold
from pgmig_tui.gates.restored import RestoreProof, keep
from pgmig_tui.gates.room import require_room
from pgmig_tui.rehearse.carry_out import Stage
from pgmig_tui.rehearse.clone import Clone, Original, RestorePart, read_original, restore
from pgmig_tui.rehearse.measure import Observer, PollingWaiter
from pgmig_tui.rehearse.scratch import ScratchServer, embedded, scratch_database
from pgmig_tui.sandbox.programs import Tools, find_tools, run_program, work_folder
from pgmig_tui.sandbox.server import home_for
from pgmig_tui.script.files import Allow, ProjectFiles

if TYPE_CHECKING:
    from pgmig_tui.database.deployed import DeployedChange
    from pgmig_tui.project.environments import Environment
    from pgmig_tui.project.project import Project

_NOTHING = "The dump stays as it is; nothing was changed."
_ROOM = 1.2
_UNPACKED = 10
"""How much more than a dump its database takes, where its record doesn't say."""
# Nothing of it is meant to survive a crash; autovacuum would only slow it down.
_SETTINGS = {
    "autovacuum": "off",
    "fsync": "off",
    "full_page_writes": "off",
    "max_connections": "40",
    "max_prepared_transactions": "10",
    "max_wal_senders": "0",
    "max_wal_size": "4GB",
    "maintenance_work_mem": "256MB",
    "synchronous_commit": "off",
    "wal_level": "minimal",
}
_ENTRY = re.compile(r"\d+; \d+ \d+ (.+)$")
_REACHES_OUT = ("USER MAPPING ", "SUBSCRIPTION ")
_ROWS = ("TABLE DATA ", "SEQUENCE SET ")
_FILLED = "MATERIALIZED VIEW DATA "
_ELSEWHERE = ("SERVER ", "EXTENSION - dblink")
_FULL = "No space left on device"
_PROGRAM = re.compile(r"pg_restore: error: (?!.*\b(?:ERROR|FATAL):)(.+)$")


def prove_restore(
    project: Project,
    environment: Environment,
    backup: Backup,
    *,
    state_dir: Path,
    seal: Seal | None = None,
    tell: Tell = untold,
    stopping: Callable[[], bool] = lambda: False,
) -> RestoreProof:
    """Restore `backup` of `environment` into a server of our own and look at what came of it; the proof is kept.

    Which roles, tablespaces and settings there must be is asked of the target, which is only read. `seal` says that
    the file was proven just now; else its SHA-256 is compared first. `stopping` is asked every tenth of a second.
    Raises Damaged when the file isn't the recorded one; Unreachable, Refused (no room, no program), BackupError when it
    is stopped, PgmigError without a server's programs.
    """
    start, started_at = time.perf_counter(), words.iso_exact(datetime.now(UTC))
    project = project.for_target(environment.target)
    if seal is None:
        tell(BackupProgress("decoding", backup.path, backup.size))
        seal = prove_again(backup, "decode", stopping=stopping)
    with connect(environment.target, application_name=application_name("restore", "source")) as source:
        original, there = read_original(source), dumped_database(source)
    trial = _Trial(project, environment, backup, original, there, tell, stopping)
    folder = state_dir / "rehearsal"
    needed = int((backup.database_size or backup.size * _UNPACKED) * _ROOM)
    require_room(home_for(folder), needed, "restoring it as a test", _NOTHING)
    trial.say("starting a server")
    major = major_of(backup.server_version)
    wanted = [str(one["name"]) for one in original.extensions]
    with embedded(major, folder, lambda text: None, settings=_SETTINGS, extensions=wanted) as scratch:
        limits = [f"is PostgreSQL {scratch.version_num // 10000}"] if scratch.version_num // 10000 < major else []
        with scratch_database(scratch, original.encoding, (there.collate, there.ctype)) as database:
            begun = time.perf_counter()
            done = trial.restore(scratch, database)
            restore_s = time.perf_counter() - begun
            if why := seal.broken(backup.path):
                raise Damaged(f"it changed while it was restored: {why}", now=_NOTHING)
            with scratch.session(database) as session:
                found, locale = trial.counted(session), dumped_database(session).locale
            if locale != there.locale:
                limits.append(f"the locale is {locale}, not {there.locale}")
            expected = rows_of(backup)
            looked = trial.verified(scratch, database, done.clone)
    proof = RestoreProof(
        path=backup.path,
        sha256=backup.sha256,
        database=backup.database,
        system_identifier=backup.system_identifier,
        server=scratch.description,
        started_at=started_at,
        restore_s=round(restore_s, 3),
        seconds=round(time.perf_counter() - start, 3),
        tables=len(found) - 1,
        rows=None if expected is None else sum(found.values()),
        verified=looked.passed,
        differing=tuple(_differing(expected or {}, found)),
        problems=done.problems,
        failed=tuple(looked.failed),
        unverified=tuple(looked.unverified),
        lacking=tuple(f"the extension {name}" for name in done.clone.missing),
        limits=(*limits, *done.limits),
        notes=done.clone.notes,
    )
    with suppress(OSError):  # a full disk doesn't make it untrue
        keep(proof)
    return proof


@dataclass(frozen=True, slots=True)
class _Contents:
    """Lists of what is restored: the rows of tables, with sequences' values, and all else. `limits`: what was left out
    that something may miss."""

    rows: Path
    rest: Path
    limits: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Restored:
    """How the restore came out, what went wrong in it, and what was left out that may be why something else does."""

    clone: Clone
    problems: tuple[str, ...]
    limits: tuple[str, ...]


@dataclass(slots=True)
class _LookedThrough:
    """What the verify scripts have said."""

    passed: int
    failed: list[str]
    unverified: list[str]


@dataclass(frozen=True, slots=True)
class _Trial:
    """A restore under way."""

    project: Project
    environment: Environment
    backup: Backup
    original: Original
    there: DumpedDatabase
    tell: Tell
    stopping: Callable[[], bool]

    def say(self, doing: Doing, done: int = 0, of: int = 0) -> None:
        """Say what is being done. Raises BackupError when it is to be stopped."""
        if self.stopping():
            raise BackupError("the test restore was stopped", now=_NOTHING)
        self.tell(BackupProgress(doing, self.backup.path, self.backup.size, done, of))

    def restore(self, scratch: ScratchServer, database: str) -> _Restored:
        """Fill the scratch database. Raises BackupError when it is stopped."""
        tools = find_tools(major_of(self.backup.tool_version) * 10000, nearest=True)
        pace = BackupPace("restoring", self.backup.path, self.there.tables, self.tell)
        said: list[str] = []

        def run(command: Sequence[str], environment: Mapping[str, str]) -> tuple[int, list[str]]:
            def watch() -> bool:
                pace.tell(self.backup.size)
                return self.stopping()

            given = {**environment, "LC_ALL": "C"}
            status, lines = run_program(command, given, watch=watch, heard=pace.heard)
            said.extend(found[1] for line in lines if (found := _PROGRAM.match(line)))
            if self.stopping():
                raise BackupError("the test restore was stopped", now=_NOTHING)
            return status, lines

        self.say("restoring", 0, len(self.there.tables))
        with work_folder() as folder:
            contents = _contents(tools, self.backup.path, folder)
            jobs = min(os.cpu_count() or 1, 4)
            how = ["--verbose", f"--jobs={jobs}", "--no-subscriptions"]
            clone = restore(
                scratch,
                database,
                Path(self.backup.path),
                tools,
                self.original,
                statistics=False,
                password=secrets.token_hex(16),
                scripts=[],
                parts=_parts(scratch, database, contents, how),
                run=run,
            )
        problems = (*clone.problems, *said)
        full = any(_FULL in one for one in problems)
        limits = (*contents.limits, "the disk was full") if full else contents.limits
        return _Restored(clone, problems, limits)

    def counted(self, session: Connection) -> dict[str, int]:
        """The rows of every table there. Raises ServerError."""
        tables = dumped_database(session).tables
        self.say("comparing", 0, len(tables))
        found = count_rows(session, tables, lambda done: self.say("comparing", done, len(tables)))
        return {**found, LARGE_OBJECTS: large_objects(session)}

    def verified(self, scratch: ScratchServer, database: str, clone: Clone) -> _LookedThrough:
        """Run the verify script of every change that is deployed there. Raises BackupError when it is stopped."""
        found = _LookedThrough(0, [], [])
        try:
            with scratch.session(database) as session:
                deployed = registry.read_state(session, self.environment.target.registry, None).deployed
        except PgmigError as error:
            found.unverified.append(f"the registry can't be read: {error.what}")
            return found
        ours = [one for one in deployed if one.project == self.project.plan.project]
        where = clone.endpoint(scratch, database)
        files = ProjectFiles(self.project.root, allow_files=self.environment.policy.allow_files)
        allow = Allow(files=self.environment.policy.allow_files)
        with work_folder() as outlets:
            observer = Observer(scratch, database)
            try:
                waiter = _Stoppable(lambda: self.say("verifying", found.passed, len(ours)))
                stage = Stage(
                    where, scratch.version_num, self.original.encoding, files, outlets, observer, allow, waiter,
                    shared=not scratch.ours,
                )  # fmt: skip
                for number, change in enumerate(ours):
                    self.say("verifying", number, len(ours))
                    self._verify(stage, change, found)
            finally:
                observer.close()
        return found

    def _verify(self, stage: Stage, deployed: DeployedChange, found: _LookedThrough) -> None:
        change = self.project.plan.by_id.get(deployed.change_id)
        if change is None:
            found.unverified.append(f"{deployed.name}: not in the plan")
            return
        path = self.project.script_path(change, "verify")
        try:
            data = self.project.inside.read(path)
        except (FileNotFoundError, NotADirectoryError):
            return  # there is none, which Sqitch takes for verified
        except OSError as error:
            found.unverified.append(f"{deployed.name}: {error.strerror}")
            return
        variables = self.project.variables("verify", self.environment.target, None)
        try:
            problem = stage.verify(self.project.relative(path), data, variables)
        except BackupError:
            raise
        except PgmigError as error:
            found.unverified.append(f"{deployed.name}: {error.what}")
            return
        if problem is None:
            found.passed += 1
        else:
            found.failed.append(f"verify {deployed.name}: {problem.message}")


def _parts(scratch: ScratchServer, database: str, contents: _Contents, how: Sequence[str]) -> list[RestorePart]:
    """What there is first and last as the administrator, and the rows in between as a role that lives for them."""
    role, password = f"pgmig_loader_{secrets.token_hex(6)}", secrets.token_hex(16)
    with scratch.session() as admin:
        admin.execute(f"CREATE ROLE {ident(role)} LOGIN BYPASSRLS PASSWORD {literal(password)}")
        admin.execute(f"GRANT CONNECT, TEMPORARY ON DATABASE {ident(database)} TO {ident(role)}")

    def begin(connection: Connection) -> None:
        sql = (Path(__file__).parent / "loader_grants.sql").read_text(encoding="utf-8")
        for (grant,) in connection.execute(bind(sql, {"role": role})):
            connection.execute(str(grant))

    def end(connection: Connection) -> None:
        connection.execute(f"DROP OWNED BY {ident(role)}")
        connection.execute(f"DROP ROLE {ident(role)}")

    rest = f"--use-list={contents.rest}"
    return [
        RestorePart([*how, rest, "--section=pre-data"]),
        RestorePart([*how, f"--use-list={contents.rows}", "--section=data"], role, password, begin),
        RestorePart([*how, rest, "--section=data", "--section=post-data"], before=end),
    ]


class _Stoppable(PollingWaiter):
    """Waits for a script's session, and asks every tenth of a second whether to go on."""

    def __init__(self, ask: Callable[[], None]) -> None:
        super().__init__()
        self._ask = ask

    def wait(self, fd: int, timeout_ms: int | None = None) -> bool:
        while not super().wait(fd, 100 if timeout_ms is None else min(timeout_ms, 100)):
            self._ask()
            if timeout_ms is not None:
                return False
        return True


def _contents(tools: Tools, path: str, folder: Path) -> _Contents:
    """What of the dump is restored, as pg_restore reads it. Raises Damaged."""
    listed = folder / "listed"
    command = [str(tools.folder / "pg_restore"), "--list", f"--file={listed}", path]
    status, lines = run_program(command, {"LC_ALL": "C"})
    if status:
        raise Damaged(f"{path} can't be read: pg_restore failed with {status}", details=lines[:10])
    entries = listed.read_bytes().split(b"\n")
    what = [found[1] if (found := _ENTRY.match(line.decode("utf-8", "replace"))) else "" for line in entries]
    elsewhere = any(one.startswith(_ELSEWHERE) for one in what)
    unfilled = elsewhere and any(one.startswith(_FILLED) for one in what)
    left_out = (*_REACHES_OUT, _FILLED) if elsewhere else _REACHES_OUT
    rows, rest = folder / "rows", folder / "rest"
    rows.write_bytes(b"\n".join(line for line, one in zip(entries, what, strict=True) if one.startswith(_ROWS)))
    kept = (line for line, one in zip(entries, what, strict=True) if not one.startswith((*_ROWS, *left_out)))
    rest.write_bytes(b"\n".join(kept))
    return _Contents(rows, rest, ("materialized views are empty: they may read other servers",) if unfilled else ())


def _differing(expected: Mapping[str, int], found: Mapping[str, int]) -> list[str]:
    """Tables that have other rows than were dumped, or are missing."""
    return [
        f"{name}: {rows:,} rows dumped, {f'{found[name]:,} restored' if name in found else 'the table is missing'}"
        for name, rows in expected.items()
        if found.get(name) != rows
    ]
