"""However a rehearsal ends, its copy goes with it, its server's data and its own files too."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest

from pgmig_tui.rehearse.scratch import PREFIX, embedded
from pgmig_tui.sandbox.server import SandboxServer, home_for
from tests.cli.program import HEARS_HANGUPS, ROOT, environment
from tests.conftest import installed
from tests.rehearse.conftest import Theatre
from tests.run.conftest import Workshop

DEADLINE_S = 60


def own_server(theatre: Theatre, workshop: Workshop) -> SandboxServer:
    major = workshop.server.version_num // 10000
    return SandboxServer(home_for(theatre.state_dir / "rehearsal" / f"server-{major}"), installed(major))


def copies(server: SandboxServer) -> set[str]:
    """Scratch databases there; none where it doesn't run, or doesn't answer while it starts."""
    with suppress(psycopg.Error), psycopg.connect(server.conninfo("postgres"), autocommit=True) as connection:
        return {
            str(name) for (name,) in connection.execute("SELECT datname FROM pg_database") if name.startswith(PREFIX)
        }
    return set()


def sleeping(server: SandboxServer) -> bool:
    """Whether a rehearsed script has come to its pg_sleep."""
    with suppress(psycopg.Error), psycopg.connect(server.conninfo("postgres"), autocommit=True) as connection:
        found = connection.execute("SELECT FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep(%'").fetchall()
        return bool(found)
    return False


def wait_for(what: str, condition: object) -> None:
    assert callable(condition)
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline, f"{what} never came"
        select.select([], [], [], 0.02)


@pytest.fixture
def under_way(workshop: Workshop, theatre: Theatre, tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The real command, in the middle of a script that sleeps."""
    workshop.change("one", "SELECT pg_sleep(600);")
    workshop.project()
    home = theatre.state_dir / "pgmig-tui"
    home.mkdir(mode=0o755, exist_ok=True)
    env = {**environment(tmp_path), "XDG_STATE_HOME": str(theatre.state_dir), "PYTHONPATH": str(ROOT)}
    env["TMPDIR"] = str(tmp_path / "tmp")
    (tmp_path / "tmp").mkdir()
    process = subprocess.Popen(
        [*HEARS_HANGUPS, sys.executable, "-m", "pgmig_tui", "rehearse", workshop.uri],
        cwd=workshop.root,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    server = own_server(Theatre(home), workshop)
    try:
        wait_for("the sleep", lambda: sleeping(server) or process.poll() is not None)
        assert process.poll() is None, process.stderr and process.stderr.read().decode()
        yield process
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        process.wait()
        server.stop()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_a_rehearsal_that_is_ended_leaves_nothing(
    under_way: subprocess.Popen[bytes], workshop: Workshop, theatre: Theatre, tmp_path: Path, number: signal.Signals
) -> None:
    """Neither a server, nor its log and WAL, which hold what the scripts said, nor files of the process."""
    server = own_server(Theatre(theatre.state_dir / "pgmig-tui"), workshop)
    assert copies(server)
    assert list((tmp_path / "tmp").iterdir())
    os.kill(under_way.pid, number)
    status = under_way.wait(DEADLINE_S)
    assert status == (130 if number == signal.SIGTERM else -number)
    wait_for("the end of the server", lambda: not server.running)
    wait_for("the end of its data", lambda: not any(folder.exists() for folder in server.holds_data))
    wait_for("the end of its files", lambda: not list((tmp_path / "tmp").iterdir()))


def test_what_a_rehearsal_left_that_was_killed_with_all_that_belongs_to_it_goes_when_the_next_begins(
    under_way: subprocess.Popen[bytes], workshop: Workshop, theatre: Theatre
) -> None:
    home = Theatre(theatre.state_dir / "pgmig-tui")
    server = own_server(home, workshop)
    left = copies(server)
    assert len(left) == 1
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if b"keeper.py" in (folder / "cmdline").read_bytes() and parent_of(folder) == under_way.pid:
                os.kill(int(folder.name), signal.SIGKILL)
    os.kill(under_way.pid, signal.SIGKILL)
    under_way.wait(DEADLINE_S)
    assert copies(server) == left
    told: list[str] = []
    with embedded(workshop.server.version_num // 10000, home.state_dir / "rehearsal", told.append):
        assert copies(server) == set()
    assert told[0] == "removing what a rehearsal has left that was killed"
    assert not server.running
    assert not any(folder.exists() for folder in server.holds_data)


def parent_of(folder: Path) -> int:
    return int((folder / "stat").read_text().rpartition(")")[2].split()[1])


def test_what_scripts_leave_in_the_whole_server_goes_too(workshop: Workshop, theatre: Theatre) -> None:
    leaves = (
        "CREATE ROLE pgmig_left_behind;\nALTER ROLE pgmig_left_behind SET work_mem = '1MB';\n"
        "CREATE DATABASE pgmig_left_behind;\nALTER SYSTEM SET shared_buffers = '4TB';\n"
        "SET allow_in_place_tablespaces = on;\nCREATE TABLESPACE pgmig_left_behind LOCATION '';\n"
        "ALTER ROLE postgres SET work_mem = '1MB';\nBEGIN;\nCREATE TABLE public.t ();\nPREPARE TRANSACTION 'left';\n"
    )
    workshop.change("one", leaves, "SELECT 1;")
    for _ in range(2):
        found = theatre(workshop)
        assert found.scripts[0].problem is None
        assert found.scripts[-1].action == "redeploy"
    server = own_server(theatre, workshop)
    with (
        embedded(workshop.server.version_num // 10000, theatre.state_dir / "rehearsal", lambda text: None),
        psycopg.connect(server.conninfo("postgres")) as connection,
    ):
        for catalog, column in (("roles", "rolname"), ("database", "datname"), ("tablespace", "spcname")):
            rows = connection.execute(f"SELECT {column} FROM pg_{catalog}".encode()).fetchall()
            assert "pgmig_left_behind" not in {name for (name,) in rows}
        assert connection.execute("SHOW work_mem").fetchone() == ("4MB",)


def test_the_command_tells_what_was_measured(workshop: Workshop, theatre: Theatre, tmp_path: Path) -> None:
    workshop.change("one", "CREATE TABLE public.one (id int);", "DROP TABLE public.one;", "SELECT id FROM public.one;")
    workshop.change("two", "ALTER TABLE public.one ADD COLUMN a int;", "ALTER TABLE public.one DROP COLUMN a;")
    workshop.project()
    env = {**environment(tmp_path), "XDG_STATE_HOME": str(theatre.state_dir), "PYTHONPATH": str(ROOT)}

    def run(*arguments: str) -> tuple[int, str]:
        done = subprocess.run(
            [sys.executable, "-m", "pgmig_tui", "rehearse", workshop.uri, *arguments],
            cwd=workshop.root,
            env=env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=DEADLINE_S,
            check=False,
        )
        return done.returncode, (done.stdout or done.stderr).decode()

    status, text = run("--json", "--to", "one")
    document = json.loads(text)
    assert status == 0
    assert [one["change"] for one in document["scripts"]] == ["one", "one", "one"]
    assert document["ok"] is True
    assert document["fingerprints"]["redeploy_repeats"] is True
    status, text = run()
    assert status == 0
    assert "ACCESS EXCLUSIVE" in text
    assert "as predicted" in text
    assert "the reverts undo everything" in text
    (workshop.root / "revert" / "two.sql").write_text("SELECT 1;\n")
    status, text = run()
    assert status == 1
    assert "public.one.a stays" in text


@pytest.mark.parametrize("variable", ["XDG_STATE_HOME", "TMPDIR"])
def test_a_folder_that_can_not_be_written_is_named(workshop: Workshop, tmp_path: Path, variable: str) -> None:
    workshop.change("one", "CREATE TABLE public.one ();", "DROP TABLE public.one;")
    workshop.project()
    env = {**environment(tmp_path), "PYTHONPATH": str(ROOT), variable: "/dev/null/nowhere"}
    done = subprocess.run(
        [sys.executable, "-m", "pgmig_tui", "rehearse", workshop.uri],
        cwd=workshop.root,
        env=env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=DEADLINE_S,
        check=False,
    )
    told = done.stderr.decode()
    if variable == "TMPDIR":  # Python looks for another place by itself
        assert "an internal error" not in told
        return
    assert done.returncode == 2, told
    assert "the folder of the rehearsals' server can't be written" in told
    assert "XDG_STATE_HOME" in told
