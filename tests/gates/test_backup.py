"""Backups of real databases: what is dumped decodes, what is damaged is found, what is stopped is gone."""

from __future__ import annotations

import os
import stat
import subprocess
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from pgmig_tui.database.activity import NamedSession, sessions_named
from pgmig_tui.database.connect import connect
from pgmig_tui.errors import Refused, Unreachable
from pgmig_tui.gates.backup import (
    Backup,
    BackupError,
    Tools,
    find_tools,
    make_backup,
    newest_backup,
    results,
    verify_backup,
)
from tests.database.places import Databases, Place, place, role, session, until
from tests.servers import Server


@pytest.fixture
def database(pg: Server, database_on: Databases) -> str:
    name = database_on(pg)
    pg.execute("CREATE TABLE t AS SELECT n, md5(n::text) AS text FROM generate_series(1, 20000) AS n", name)
    return name


@pytest.fixture
def target(pg: Server, database: str) -> Place:
    return place(pg, database)


@pytest.fixture
def tools(pg: Server) -> Tools:
    return find_tools(pg.version_num, [pg.bin_dir], path="")


def dumping(target: Place) -> tuple[NamedSession, ...]:
    with connect(target, application_name="pgmig/test/watch") as connection:
        return sessions_named(connection, "pgmig/%/dump")


def test_a_backup_decodes_and_restores(
    pg: Server, database: str, target: Place, tools: Tools, tmp_path: Path, database_on: Databases
) -> None:
    sizes: list[int] = []
    backup = make_backup(target, tmp_path / "backups", "run1", tools=tools, progress=sizes.append)
    path = Path(backup.path)
    assert (backup.verified, backup.database) == ("decode", database)
    assert backup.size == path.stat().st_size > 100_000
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert backup.tool_version == tools.version
    assert dumping(target) == ()

    fresh = database_on(pg)
    restore = [str(tools.folder / "pg_restore"), "--dbname", pg.conninfo(fresh), str(path)]
    subprocess.run(restore, check=True)
    assert pg.execute("SELECT count(*) FROM t", fresh) == [(20000,)]

    made, verified = results(backup)
    assert (made.name, made.state, verified.name, verified.state) == ("backup", "PASS", "backup_verified", "PASS")
    old = replace(backup, finished_at="2026-01-01T00:00:00Z", verified="list")
    assert [result.state for result in results(old)] == ["FAIL", "WARN"]
    assert [result.state for result in results(None)] == ["UNKNOWN", "UNKNOWN"]
    assert [result.state for result in results(replace(backup, verified="none"))] == ["PASS", "UNKNOWN"]


def test_the_newest_backup_of_this_database_is_found_again(
    pg: Server, target: Place, tools: Tools, tmp_path: Path
) -> None:

    with connect(target, application_name="x") as connection:
        identity = connection.identity()
    assert newest_backup(tmp_path, identity) is None
    backup = make_backup(target, tmp_path, "run1", tools=tools, verify="list")
    (tmp_path / "broken.json").write_text("{")
    assert newest_backup(tmp_path, identity) == backup
    assert newest_backup(tmp_path, replace(identity, database="other")) is None
    assert newest_backup(tmp_path, replace(identity, system_identifier="2")) is None
    assert verify_backup(backup, tools).verified == "decode"
    Path(backup.path).unlink()
    assert newest_backup(tmp_path, identity) is None
    with pytest.raises(BackupError, match="not there"):
        verify_backup(backup, tools)


@pytest.fixture
def dumped(target: Place, tools: Tools, tmp_path: Path) -> Backup:
    return make_backup(target, tmp_path, "run1", tools=tools)


def _undo_hash(backup: Backup) -> Backup:
    """As if the damage had come before the hash: what the decoding alone finds."""
    import hashlib

    return replace(backup, sha256=hashlib.sha256(Path(backup.path).read_bytes()).hexdigest())


@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_a_truncated_dump_is_found_by_decoding_alone(dumped: Backup, tools: Tools, share: float) -> None:
    os.truncate(dumped.path, int(dumped.size * share))
    with pytest.raises(BackupError, match="SHA-256"):
        verify_backup(dumped, tools)
    with pytest.raises(BackupError, match="pg_restore failed"):
        verify_backup(_undo_hash(dumped), tools)


def test_a_flipped_byte_is_found(dumped: Backup, tools: Tools) -> None:
    path = Path(dumped.path)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(data)
    with pytest.raises(BackupError, match="SHA-256"):
        verify_backup(dumped, tools)
    with pytest.raises(BackupError):
        verify_backup(_undo_hash(dumped), tools)


def test_a_table_that_is_locked_stops_the_dump_soon(
    pg: Server, database: str, target: Place, tools: Tools, tmp_path: Path
) -> None:
    with session(pg, database) as somebody:
        somebody.execute("BEGIN; LOCK TABLE public.t IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(BackupError) as caught:
            make_backup(target, tmp_path, "run1", tools=tools)
    assert any("LOCK TABLE" in line for line in caught.value.details)
    assert list(tmp_path.iterdir()) == []
    assert dumping(target) == ()


def test_a_stopped_dump_leaves_neither_file_nor_session(
    pg: Server, database: str, target: Place, tools: Tools, tmp_path: Path
) -> None:
    """It is stopped while its session waits for a lock, which is when that would outlive pg_dump."""
    stop = threading.Event()
    with session(pg, database, "watch") as watch, session(pg, database) as somebody:
        somebody.execute("BEGIN; LOCK TABLE public.t IN ACCESS EXCLUSIVE MODE")
        failures: list[BaseException] = []

        def run() -> None:
            try:
                make_backup(target, tmp_path, "stopped", tools=tools, stopping=stop.is_set)
            except BackupError as error:
                failures.append(error)

        thread = threading.Thread(target=run)
        thread.start()
        until(lambda: bool(sessions_named(watch, "pgmig/stopped/dump")))
        stop.set()
        thread.join(20)
        assert not thread.is_alive()
        assert sessions_named(watch, "pgmig/stopped/dump") == ()
    assert "stopped" in str(failures[0])
    assert list(tmp_path.iterdir()) == []


def test_the_password_is_in_no_command_line_and_no_environment(
    pg: Server, database: str, tools: Tools, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    canary = "canary:with\\odd'signs"
    with role(pg, "IN ROLE pg_read_all_data") as somebody:
        pg.execute(f"ALTER ROLE \"{somebody['user']}\" PASSWORD '{canary.replace(chr(39), chr(39) * 2)}'")
        target = place(pg, database, user=somebody["user"], password=canary)
        monkeypatch.setenv("SQITCH_PASSWORD", canary)
        seen: list[str] = []
        with session(pg, database) as lock:
            lock.execute("BEGIN; LOCK TABLE public.t IN ACCESS EXCLUSIVE MODE")

            def look(_: object = None) -> bool:
                for folder in Path("/proc").glob("[0-9]*"):
                    try:
                        if b"pg_dump" in (command := (folder / "cmdline").read_bytes()):
                            environment = (folder / "environ").read_bytes()
                            if str(tmp_path).encode() in command:
                                seen.append((command + environment).decode("utf-8", "replace"))
                    except OSError:
                        continue
                if seen:
                    lock.execute("ROLLBACK")
                return False

            backup = make_backup(target, tmp_path, "run1", tools=tools, stopping=look)
    assert seen
    assert not [text for text in seen if "canary" in text]
    assert "PGPASSFILE" in seen[0]
    assert "canary" not in Path(backup.path).with_suffix(".json").read_text()
    passfile = seen[0].split("PGPASSFILE=")[1].split("\0")[0]
    assert not Path(passfile).exists()


def test_nobody_there(tools: Tools, tmp_path: Path) -> None:
    with pytest.raises(Unreachable):
        make_backup(Place({"host": str(tmp_path), "dbname": "x"}), tmp_path / "b", "run1", tools=tools)


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """Folders of programs that only say their version."""
    for version in ("13.4", "16.2", "18.1"):
        folder = tmp_path / version
        folder.mkdir()
        for name in ("pg_dump", "pg_restore"):
            (folder / name).write_text(f"#!/bin/sh\necho '{name} (PostgreSQL) {version} (Somewhere 1.2)'\n")
            (folder / name).chmod(0o755)
    return tmp_path


def test_the_oldest_pg_dump_that_is_new_enough(programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pgmig_tui.gates.backup._DEBIAN", programs / "none")
    folders = [programs / version for version in ("13.4", "16.2", "18.1")]
    path = os.pathsep.join(map(str, folders))
    assert find_tools(150003, (), path).version == "16.2"
    assert find_tools(160001, (), path).version == "16.2"
    assert find_tools(170001, [], path).version == "18.1"
    assert find_tools(130001, [folders[2]], path).version == "13.4"
    with pytest.raises(Refused) as caught:
        find_tools(180001, [folders[0]], "")
    assert "found 13.4" in caught.value.what
    assert "PostgreSQL 18" in caught.value.do
    monkeypatch.setattr("pgmig_tui.gates.backup._DEBIAN", programs)
    (programs / "18.1").rename(programs / "18")
    (programs / "18" / "bin").mkdir()
    for name in ("pg_dump", "pg_restore"):
        (programs / "18" / name).rename(programs / "18" / "bin" / name)
    assert find_tools(180001, (), "").folder == programs / "18" / "bin"
