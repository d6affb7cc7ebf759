"""Backups of real databases: what is dumped decodes, what is damaged is found, what is stopped is gone."""

from __future__ import annotations

import json
import os
import secrets
import stat
import subprocess
import tempfile
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from pgmig_tui.database.activity import NamedSession, sessions_named
from pgmig_tui.database.connect import connect
from pgmig_tui.errors import Refused, Unreachable
from pgmig_tui.gates.backup import Backup, backups_of, make_backup, prove_again, rows_of
from pgmig_tui.gates.decode import BackupError, Damaged, prove
from pgmig_tui.gates.progress import BackupProgress
from pgmig_tui.sandbox.programs import Tools, find_tools
from tests.conftest import installed
from tests.database.places import Databases, Place, place, reads_all, role, session, until
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
    return find_tools(pg.version_num, [pg.bin_dir])


def dumping(target: Place) -> tuple[NamedSession, ...]:
    with connect(target, application_name="pgmig/test/watch") as connection:
        return sessions_named(connection, "pgmig/%/dump")


def test_a_backup_decodes_and_restores(
    pg: Server, database: str, target: Place, tools: Tools, tmp_path: Path, database_on: Databases
) -> None:
    told: list[BackupProgress] = []
    before = pg.execute("SELECT clock_timestamp()")[0][0]
    backup, seal = make_backup(target, tmp_path / "backups", "run1", tools=tools, progress=told.append)
    path = Path(backup.path)
    assert (backup.verified, backup.database) == ("decode", database)
    assert backup.size == path.stat().st_size == seal.size > 100_000
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert backup.tool_version == tools.version
    assert (backup.rows, rows_of(backup)) == (None, None), "nobody asked"
    assert (backup.database_size or 0) > 1_000_000
    assert [one.doing for one in told][-1] == "decoding"
    assert (told[-1].size, told[-1].path) == (backup.size, f"{path}.unfinished")
    assert dumping(target) == ()
    assert [entry.suffix for entry in sorted(path.parent.iterdir())] == [".dump", ".json"]
    assert str(before.isoformat()) < backup.started_at < backup.finished_at, "by the server's clock"
    assert backup.timeline == 1
    assert backup.database_oid == pg.execute(f"SELECT oid::int FROM pg_database WHERE datname = '{database}'")[0][0]
    assert seal.broken(backup.path) == ""

    fresh = database_on(pg)
    restore = [str(tools.folder / "pg_restore"), "--dbname", pg.conninfo(fresh), str(path)]
    done = subprocess.run(restore, text=True, capture_output=True, check=False)
    # Where nothing nearer than 17's is installed, an older server is told of a setting that it doesn't know.
    foreign = tools.major >= 17 > pg.version_num // 10000
    assert done.stderr.count("error:") == done.returncode == int(foreign), done.stderr
    assert ("transaction_timeout" in done.stderr) is foreign
    assert pg.execute("SELECT count(*) FROM t", fresh) == [(20000,)]


def test_older_programs_on_the_path_keep_no_newer_server_from_being_dumped(
    pg18: Server,
    database_on: Databases,
    major_for: Callable[[int], int],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As with the demo's wheel, whose server is 18, on a Debian whose pg_dump is 15."""
    monkeypatch.setenv("PATH", f"{installed(major_for(15)).bin_dir}{os.pathsep}{os.defpath}")
    backup, _ = make_backup(place(pg18, database_on(pg18)), tmp_path, "run1")
    assert backup.tool_version.split(".")[0] == str(pg18.version_num // 10000)


def test_rows_are_counted_in_the_snapshot_of_the_dump(
    pg: Server, database: str, target: Place, tools: Tools, tmp_path: Path
) -> None:
    """Another writes while it is dumped: neither the dump nor the count sees it. Names need quotes."""
    pg.execute(
        'CREATE SCHEMA "odd ""s"; CREATE TABLE "odd ""s"."t ; x" AS SELECT 1 AS n; CREATE TABLE public.empty ();'
        " CREATE TABLE public.parts (n int) PARTITION BY RANGE (n); CREATE TABLE public.few PARTITION OF public.parts"
        " FOR VALUES FROM (0) TO (9); INSERT INTO public.parts VALUES (1), (2);"
        " CREATE TABLE public.heir () INHERITS (public.t); INSERT INTO public.heir VALUES (7, 'x');"
        " CREATE EXTENSION vector; SELECT lo_create(0); SELECT lo_create(0)",
        database,
    )
    told: list[BackupProgress] = []

    def write(progress: BackupProgress) -> None:
        if not told:
            pg.execute("INSERT INTO public.t VALUES (0, 'later')", database)
        told.append(progress)

    backup, _ = make_backup(target, tmp_path, "run1", tools=tools, verify="restore", progress=write)
    assert rows_of(backup) == {
        "public.t": 20000,
        'odd "s.t ; x': 1,
        "public.empty": 0,
        "public.few": 2,
        "public.heir": 1,
        "large objects": 2,
    }
    assert (backup.rows, backup.verified) == (20006, "decode")
    assert {one.of for one in told} - {0} == {5}
    with connect(target, application_name="x") as connection:
        assert backups_of(tmp_path, connection.identity()) == [backup]


def test_rows_that_a_policy_hides_make_no_count(
    pg: Server, database: str, target: Place, tools: Tools, tmp_path: Path
) -> None:
    """The dump itself refuses them; nothing stays, and no session counts on."""
    with role(pg, "") as somebody:
        pg.execute(f'GRANT SELECT ON t TO "{somebody["user"]}"; ALTER TABLE t ENABLE ROW LEVEL SECURITY', database)
        where = place(pg, database, **somebody)
        with pytest.raises(BackupError):
            make_backup(where, tmp_path, "run1", tools=tools, verify="restore")
        with connect(target, application_name="pgmig/test/watch") as connection:
            assert sessions_named(connection, "pgmig/run1/%") == ()
    assert list(tmp_path.iterdir()) == []


def test_no_dump_is_begun_where_the_last_one_says_that_there_is_no_room(
    target: Place, tools: Tools, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backup, _ = make_backup(target, tmp_path, "run1", tools=tools)
    assert backup.database_size is not None
    record = Path(backup.path).with_suffix(".json")
    record.write_text(json.dumps(json.loads(record.read_text()) | {"database_size": 1}))
    with pytest.raises(Refused, match=r"takes about \d+ [A-Z]B, and .* has \d+ [A-Z]B free"):
        make_backup(target, tmp_path, "run1", tools=tools)
    assert sorted(tmp_path.iterdir()) == sorted([Path(backup.path), record])


def test_a_disk_that_is_full_leaves_no_dump(target: Place, tools: Tools, tmp_path: Path) -> None:
    """pg_dump may not make files grow, which needs no privilege and fails as a full disk does: in its write."""
    limited = tmp_path / "bin"
    limited.mkdir()
    for name in ("pg_dump", "pg_restore"):
        (limited / name).write_text(f'#!/bin/sh\nulimit -f 40\ntrap "" XFSZ\nexec "{tools.folder / name}" "$@"\n')
        (limited / name).chmod(0o755)
    with pytest.raises(BackupError, match="pg_dump failed") as caught:
        make_backup(target, tmp_path / "backups", "run1", tools=replace(tools, folder=limited))
    assert any("error: could not write" in line for line in caught.value.details), caught.value.details
    assert list((tmp_path / "backups").iterdir()) == []
    (tmp_path / "taken").write_text("")
    with pytest.raises(BackupError, match="the folder of backups can't be written"):
        make_backup(target, tmp_path / "taken", "run1", tools=tools)


def test_the_backups_of_this_database_are_found_again(pg: Server, target: Place, tools: Tools, tmp_path: Path) -> None:
    with connect(target, application_name="x") as connection:
        identity = connection.identity()
    assert backups_of(tmp_path, identity) == []
    backup, _ = make_backup(target, tmp_path, "run1", tools=tools, verify="list")
    whole = Path(backup.path).read_bytes()
    (tmp_path / "broken.json").write_text("{")
    assert backups_of(tmp_path, identity) == [backup]
    record = Path(backup.path).with_suffix(".json")
    good = json.loads(record.read_text())
    odd: list[tuple[str, object]] = [
        ("finished_at", 5), ("started_at", None), ("started_at", "yesterday"), ("started_at", "2026-11-30 11:00"),
        ("tool_version", "devel"), ("tool_version", None), ("conninfo", "x"), ("conninfo", {"host": 1}), ("path", 3),
        ("sha256", []), ("more", ""),
    ]  # fmt: skip
    for name, value in odd:
        record.write_text(json.dumps({**good, name: value}))
        assert backups_of(tmp_path, identity) == [], (name, value)
    record.write_text(json.dumps(good))
    os.truncate(backup.path, 100)
    assert [one.size for one in backups_of(tmp_path, identity)] == [100], "what the file has now"
    Path(backup.path).write_bytes(whole)
    assert backups_of(tmp_path, replace(identity, database="other")) == []
    assert backups_of(tmp_path, replace(identity, system_identifier="2")) == []
    assert prove_again(backup, "decode").size == backup.size
    Path(backup.path).unlink()
    assert backups_of(tmp_path, identity) == []
    with pytest.raises(Damaged, match="can't be read: No such file"):
        prove_again(backup, "decode")


@pytest.fixture
def dumped(target: Place, tools: Tools, tmp_path: Path) -> Backup:
    return make_backup(target, tmp_path, "run1", tools=tools)[0]


def test_a_hole_in_the_middle_is_found_although_the_size_is_right(dumped: Backup, tools: Tools) -> None:
    with Path(dumped.path).open("r+b") as file:
        file.seek(dumped.size // 2)
        file.write(bytes(16 * 1024))
    assert Path(dumped.path).stat().st_size == dumped.size
    with pytest.raises(Damaged):
        prove_again(dumped, "decode")
    with pytest.raises(Damaged, match="SHA-256"):
        prove_again(dumped, "list")


def test_a_proof_is_of_one_file_until_it_is_touched(dumped: Backup, tools: Tools) -> None:
    path = Path(dumped.path)
    seal = prove_again(dumped, "decode")
    data = path.read_bytes()
    path.with_suffix(".new").write_bytes(data)
    path.with_suffix(".new").rename(path)
    assert "not the file any more" in seal.broken(dumped.path)
    seal = prove_again(dumped, "decode")
    times = path.stat()
    path.write_bytes(data)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert "not the file any more" in seal.broken(dumped.path), "whoever sets mtime back can't set ctime back"
    path.unlink()
    assert "No such file" in seal.broken(dumped.path)


def test_what_is_no_regular_file_is_no_backup(dumped: Backup, tools: Tools, tmp_path: Path) -> None:
    fifo, link = tmp_path / "fifo", tmp_path / "link"
    os.mkfifo(fifo)
    link.symlink_to(dumped.path)
    for path in (fifo, link, Path("/dev/zero"), tmp_path):
        with pytest.raises(Damaged):
            prove(str(path), tools, "decode")


@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_a_truncated_dump_is_found_by_decoding_alone(dumped: Backup, tools: Tools, share: float) -> None:
    os.truncate(dumped.path, int(dumped.size * share))
    with pytest.raises(Damaged, match="pg_restore failed"):
        prove(dumped.path, tools, "decode")
    with pytest.raises(Damaged):
        prove_again(dumped, "list")


def test_a_flipped_byte_is_found(dumped: Backup, tools: Tools) -> None:
    path = Path(dumped.path)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(data)
    with pytest.raises(Damaged, match="pg_restore failed"):
        prove(dumped.path, tools, "decode")
    with pytest.raises(Damaged, match="SHA-256"):
        prove_again(dumped, "list")


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


def test_the_password_is_in_postgresql_s_own_programs_environment_and_nowhere_else(
    pg: Server, database: str, tools: Tools, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = secrets.token_hex(6)  # other tests look for passwords of their own at the same time
    canary = f"{mine}:with\\odd'signs"
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    with role(pg, reads_all(pg)) as somebody:
        pg.execute(f"ALTER ROLE \"{somebody['user']}\" PASSWORD '{canary.replace(chr(39), chr(39) * 2)}'")
        target = place(pg, database, user=somebody["user"], password=canary)
        seen: set[tuple[str, str]] = set()
        with session(pg, database) as lock:
            lock.execute("BEGIN; LOCK TABLE public.t IN ACCESS EXCLUSIVE MODE")

            def look() -> bool:
                for folder in Path("/proc").glob("[0-9]*"):
                    try:
                        program = (folder / "exe").readlink().name
                        if int(folder.name) != os.getpid() and str(tmp_path) in told(folder / "cmdline"):
                            seen.add(("started", program))
                        seen.update((part, program) for part in ("cmdline", "environ") if mine in told(folder / part))
                    except OSError:
                        continue
                if ("environ", "pg_dump") in seen:
                    lock.execute("ROLLBACK")
                return False

            backup, _ = make_backup(target, tmp_path / "backups", "run1", tools=tools, stopping=look)
    assert ("started", "pg_dump") in seen
    assert {one for one in seen if one[0] != "started"} == {("environ", "pg_dump")}
    for path in [*tmp_path.rglob("*")]:
        assert not path.is_file() or path.suffix == ".dump" or mine.encode() not in path.read_bytes()
    assert list(temporary.iterdir()) == []
    assert Path(backup.path).is_file()


def told(path: Path) -> str:
    return path.read_bytes().decode("utf-8", "replace")


def test_no_backup_is_begun_while_a_run_works_there(
    pg: Server, database: str, target: Place, tools: Tools, tmp_path: Path
) -> None:
    with session(pg, database) as other:
        other.execute("SELECT pg_advisory_lock(75474063)")
        with pytest.raises(Refused, match="another run works on this database"):
            make_backup(target, tmp_path, "run1", tools=tools)
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_dump_left_is_marked_and_goes_with_the_next(
    target: Place, tools: Tools, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed at each of its last steps: it counts from where the dump has its name on, and no record names none."""

    class Killed(BaseException):
        pass

    with connect(target, application_name="x") as connection:
        identity = connection.identity()
    renamed = Path.rename
    for allowed, counts in ((0, 0), (1, 1)):
        folder = tmp_path / str(allowed)
        names: list[Path] = []

        def rename(path: Path, to: Path, names: list[Path] = names, allowed: int = allowed) -> Path:
            names.append(to)
            if len(names) > allowed:
                raise Killed
            return renamed(path, to)

        monkeypatch.setattr(Path, "rename", rename)
        with pytest.raises(Killed):
            make_backup(target, folder, "run1", tools=tools, verify="list")
        monkeypatch.undo()
        assert [path.suffix for path in names][-1] == (".dump", ".json")[allowed]
        assert not list(folder.glob("*.json"))
        found = backups_of(folder, identity)
        assert [Path(one.path) for one in found] == names[:counts]
        assert [prove_again(one, "list").size for one in found] == [one.size for one in found]
        left = folder / "shop-20260101-000000-1.dump.unfinished"
        left.write_bytes(b"half a dump")
        drafts = [] if counts else list(folder.glob("*.json.unfinished"))
        told: list[str] = []
        made, _ = make_backup(target, folder, "run2", tools=tools, verify="list", told=told.append)
        assert told == [f"removed {one}, which a backup that was killed has left" for one in (left, *drafts)]
        assert not list(folder.glob("*.unfinished"))
        assert backups_of(folder, identity) == [made, *found]
        assert len(list(folder.glob("*.json"))) == len(list(folder.glob("*.dump"))) == 1 + counts


def test_a_dump_that_is_interrupted_before_it_has_a_keeper_leaves_nothing(
    target: Place, tools: Tools, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*given: object, **more: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("pgmig_tui.gates.backup.removed_with_us", interrupted)
    with pytest.raises(KeyboardInterrupt):
        make_backup(target, tmp_path, "run1", tools=tools)
    assert list(tmp_path.iterdir()) == []


def test_a_backup_of_a_server_that_is_not_there_is_unreachable(tools: Tools, tmp_path: Path) -> None:
    with pytest.raises(Unreachable):
        make_backup(Place({"host": str(tmp_path), "dbname": "x"}), tmp_path / "b", "run1", tools=tools)
