"""The sandbox server against everything that happens to servers on laptops: crashes, reboots, tidied folders, hurry."""

from __future__ import annotations

import os
import pwd
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from pgmig_tui.errors import PgmigError, Unreachable
from pgmig_tui.sandbox.account import server_account
from pgmig_tui.sandbox.installation import Installation, choose_installation
from pgmig_tui.sandbox.server import SandboxServer, scratch_folder


@pytest.fixture(scope="module")
def server() -> Iterator[SandboxServer]:
    """One server for this file, with the settings that the demo has; tests may stop and break it."""
    folder = scratch_folder()
    server = SandboxServer(folder / "server", choose_installation())
    yield server
    server.destroy()
    subprocess.run(["rm", "-r", folder], check=True)


@pytest.fixture(autouse=True)
def started(server: SandboxServer) -> None:
    server.start()


def ask(server: SandboxServer, sql: str, dbname: str = "postgres") -> list[tuple[Any, ...]]:
    with psycopg.connect(server.conninfo(dbname), autocommit=True) as connection:
        cursor = connection.execute(sql.encode())
        return cursor.fetchall() if cursor.description else []


def main_process(server: SandboxServer) -> int:
    pid = server._postmaster()
    assert pid is not None
    return pid


def wait_until_gone(pid: int) -> None:
    deadline = time.monotonic() + 30
    while Path(f"/proc/{pid}").exists() and time.monotonic() < deadline:
        time.sleep(0.005)


def test_data_outlives_a_stop(server: SandboxServer) -> None:
    server.drop_database("kept")
    server.create_database("kept")
    ask(server, "CREATE TABLE t AS SELECT 1 AS a", "kept")
    server.stop()
    assert not server.running
    server.start()
    assert ask(server, "SELECT a FROM t", "kept") == [(1,)]


def test_another_object_sees_the_same_server(server: SandboxServer) -> None:
    other = SandboxServer(server.folder, server.installation)
    before = main_process(server)
    other.start()
    assert other.running
    assert main_process(other) == before


def test_nothing_listens_on_tcp_and_commits_are_durable(server: SandboxServer) -> None:
    settings = {name: ask(server, f"SHOW {name}")[0][0] for name in ("listen_addresses", "fsync", "synchronous_commit")}
    assert settings == {"listen_addresses": "", "fsync": "on", "synchronous_commit": "on"}


def test_no_rule_of_our_server_trusts_anybody(server: SandboxServer) -> None:
    rules = ask(server, "SELECT type, user_name, auth_method FROM pg_hba_file_rules")
    assert {method for _, _, method in rules} == {"peer", "scram-sha-256"}
    assert {kind for kind, _, _ in rules} == {"local"}
    ask(server, "DROP ROLE IF EXISTS clerk")
    ask(server, "CREATE ROLE clerk LOGIN PASSWORD 'right'")
    as_clerk = server.conninfo("postgres").replace("user=postgres", "user=clerk")
    with psycopg.connect(as_clerk, password="right") as connection:
        assert connection.info.user == "clerk"
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(as_clerk, password="wrong")
    with pytest.raises(psycopg.OperationalError, match="no password supplied"):
        psycopg.connect(as_clerk, passfile="/dev/null")


def test_the_socket_folder_is_closed_to_others(server: SandboxServer) -> None:
    assert server.socket_dir.stat().st_mode & 0o077 == 0
    assert (server.socket_dir / ".s.PGSQL.5432").stat().st_mode & 0o077 == 0


def test_uri_is_one_that_connects(server: SandboxServer) -> None:
    uri = server.uri("postgres")
    assert uri.startswith("db:pg://postgres@%2F")
    with psycopg.connect(uri.replace("db:pg:", "postgresql:", 1)) as connection:
        assert connection.info.host == str(server.socket_dir)


def test_a_copied_database_has_the_rows_of_its_template(server: SandboxServer) -> None:
    for name in ('new "one"', "model"):
        server.drop_database(name)
    server.create_database("model")
    ask(server, "CREATE TABLE t AS SELECT generate_series(1, 1000) AS a", "model")
    server.create_database('new "one"', template="model")
    assert ask(server, "SELECT count(*) FROM t", 'new "one"') == [(1000,)]
    assert {'new "one"', "model"} <= server.databases()
    server.drop_database('new "one"')
    assert 'new "one"' not in server.databases()


def test_committed_rows_survive_a_kill(server: SandboxServer) -> None:
    ask(server, "CREATE TABLE IF NOT EXISTS survives (a int)")
    ask(server, "INSERT INTO survives VALUES (1)")
    rows = ask(server, "SELECT count(*) FROM survives")
    pid = main_process(server)
    os.kill(pid, signal.SIGKILL)
    wait_until_gone(pid)
    assert not server.running
    assert server._pid_file()
    server.start()
    assert ask(server, "SELECT count(*) FROM survives") == rows


def test_a_dead_servers_number_that_is_a_strangers_now(server: SandboxServer) -> None:
    """After a reboot: the old postmaster.pid names a process that has nothing to do with us."""
    pid = main_process(server)
    os.kill(pid, signal.SIGKILL)
    wait_until_gone(pid)
    account = server_account()
    user = {} if account.ours else {"user": account.uid}
    with subprocess.Popen(["sleep", "600"], **user) as stranger:  # type: ignore[call-overload]
        try:
            pid_file = server.folder / "cluster/data/postmaster.pid"
            pid_file.write_text("\n".join([str(stranger.pid), *server._pid_file()[1:], ""]))
            lock_file = server.socket_dir / ".s.PGSQL.5432.lock"
            lock_file.write_text("\n".join([str(stranger.pid), *lock_file.read_text().splitlines()[1:], ""]))
            assert not server.running
            server.stop()
            assert stranger.poll() is None, "a stranger was sent a signal"
            server.start()
            assert ask(server, "SELECT 1") == [(1,)]
            assert stranger.poll() is None
        finally:
            stranger.kill()


def test_a_tidied_away_socket_comes_back(server: SandboxServer) -> None:
    (server.socket_dir / ".s.PGSQL.5432").unlink()
    with pytest.raises(Unreachable):
        server.databases()
    server.start()
    assert "postgres" in server.databases()


def test_two_starters_make_one_server(server: SandboxServer) -> None:
    server.stop()
    failed: list[BaseException] = []

    def start() -> None:
        try:
            SandboxServer(server.folder, server.installation).start()
        except BaseException as error:
            failed.append(error)

    starters = [threading.Thread(target=start) for _ in range(4)]
    for one in starters:
        one.start()
    for one in starters:
        one.join()
    assert failed == []
    assert ask(server, "SELECT 1") == [(1,)]
    log = server.log.read_text()
    assert "lock file" not in log


def test_the_server_outlives_its_starter(server: SandboxServer) -> None:
    """Its starter dies with its whole session, as when a terminal closes."""
    server.stop()
    code = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from pgmig_tui.sandbox.server import SandboxServer, choose_installation\n"
        "signal.signal(signal.SIGHUP, signal.SIG_DFL)\n"  # under nohup it would be ignored
        "SandboxServer(Path(sys.argv[1]), choose_installation()).start()\n"
        "os.killpg(0, signal.SIGHUP)\n"
    )
    starter = subprocess.run([sys.executable, "-c", code, server.folder], start_new_session=True)
    assert starter.returncode == -signal.SIGHUP
    assert ask(server, "SELECT 1") == [(1,)]


def test_a_long_path_keeps_the_socket_short() -> None:
    folder = scratch_folder()
    deep = folder / ("a" * 60) / ("b, c" * 20)
    server = SandboxServer(deep, choose_installation(), {"fsync": "off"})
    try:
        server.start()
        assert len(bytes(server.socket_dir / ".s.PGSQL.5432")) < 100
        assert ask(server, "SELECT 1") == [(1,)]
    finally:
        server.destroy()
        subprocess.run(["rm", "-r", folder], check=True)
    assert not server.socket_dir.exists()


def test_a_tight_umask_keeps_nobody_out_who_must_get_in() -> None:
    folder = scratch_folder()
    server = SandboxServer(folder / "a" / "b", choose_installation(), {"fsync": "off"})
    before = os.umask(0o077)
    try:
        server.start()
        assert ask(server, "SELECT 1") == [(1,)]
    finally:
        os.umask(before)
        server.destroy()
        subprocess.run(["rm", "-r", folder], check=True)


def test_folders_that_others_made_stay_as_they_are() -> None:
    folder = scratch_folder()
    folder.chmod(0o711)
    open_to_all = folder / "server" / "cluster"
    open_to_all.mkdir(mode=0o755, parents=True)
    server = SandboxServer(folder / "server", choose_installation())
    try:
        with pytest.raises(PgmigError, match="own") as refused:
            server.start()
        assert refused.value.now == "It was not changed, and nothing was started."
        assert [one.stat().st_mode & 0o777 for one in (folder, open_to_all)] == [0o711, 0o755]
        assert list(open_to_all.iterdir()) == []
    finally:
        subprocess.run(["rm", "-r", folder], check=True)


def test_data_of_another_version_is_refused_by_name(server: SandboxServer) -> None:
    server.stop()
    older = Installation(server.installation.bin_dir, "17.2")
    with pytest.raises(PgmigError, match=r"are PostgreSQL 18's, the programs are 17\.2") as refused:
        SandboxServer(server.folder, older).start()
    assert "--reset" in refused.value.do


def test_a_server_that_does_not_start_says_why(server: SandboxServer) -> None:
    server.stop()
    with pytest.raises(PgmigError, match="did not start") as refused:
        SandboxServer(server.folder, server.installation, {"no_such_setting": "1"}).start()
    assert any("no_such_setting" in line for line in refused.value.details)


def test_a_plain_user_needs_no_other_account() -> None:
    """In a child process, which becomes a plain user where this one is root."""
    root = os.geteuid() == 0
    plain = pwd.getpwnam("nobody") if root else pwd.getpwuid(os.geteuid())
    folder = scratch_folder()
    installation = choose_installation().copy_to(folder / "programs")
    (folder / "home").mkdir()
    os.chown(folder / "home", plain.pw_uid, plain.pw_gid)
    child = os.fork()
    if child == 0:
        try:
            if root:
                os.setgroups([])
                os.setgid(plain.pw_gid)
                os.setuid(plain.pw_uid)
            server = SandboxServer(folder / "home" / "server", installation, {"fsync": "off"})
            server.start()
            assert ask(server, "SELECT current_user::text") == [("postgres",)]
            assert server.folder.stat().st_uid == plain.pw_uid
            server.destroy()
            assert not server.running
        except BaseException as error:
            print(repr(error), file=sys.stderr)
            os._exit(1)
        os._exit(0)
    try:
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    finally:
        subprocess.run(["rm", "-r", folder], check=True)
