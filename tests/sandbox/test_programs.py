"""PostgreSQL's programs: the newest that fits, and nothing of them outlives us, however we end."""

from __future__ import annotations

import fcntl
import marshal
import os
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pgmig_tui.errors import Refused
from pgmig_tui.sandbox import programs
from pgmig_tui.sandbox.installation import Installation
from pgmig_tui.sandbox.programs import find_tools, removed_with_us, run_program, work_folder
from tests.cli.program import HEARS_HANGUPS, ROOT

DEADLINE_S = 30


def until(condition: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline, f"it never came to that: {what}"
        time.sleep(0.02)


def running(marker: str) -> list[int]:
    """The processes whose command line holds this."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_bytes().decode("utf-8", "replace")
            state = (folder / "stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            continue
        if marker in command and state != "Z":
            found.append(int(folder.name))
    return found


# -- which ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """Folders of programs that only say their version."""
    for version in ("13.4", "16.2", "16.10", "18.1"):
        folder = tmp_path / version
        folder.mkdir()
        for name in ("pg_dump", "pg_restore"):
            (folder / name).write_text(f"#!/bin/sh\necho '{name} (PostgreSQL) {version} (Somewhere 1.2)'\n")
            (folder / name).chmod(0o755)
    return tmp_path


def test_the_newest_pg_dump_that_is_new_enough(installed: Path) -> None:
    folders = [installed / version for version in ("13.4", "16.10", "16.2", "18.1")]
    assert find_tools(150003, folders).version == "18.1"
    assert find_tools(160001, folders[:3]).version == "16.10"
    assert find_tools(130001, folders[:1]).version == "13.4"
    (installed / "13.4" / "pg_dump").write_text("#!/bin/sh\nprintf '\\377\\376'\n")
    assert find_tools(160001, folders).version == "18.1"
    (installed / "13.4" / "pg_dump").write_text("#!/bin/sh\necho 'pg_dump (PostgreSQL) 13.4'\n")
    assert find_tools(160001, folders, nearest=True).version == "16.10"
    assert find_tools(140001, folders, nearest=True).version == "16.10"
    with pytest.raises(Refused) as caught:
        find_tools(180001, folders[:3])
    assert "found 13.4, 16.2, 16.10" in caught.value.what
    assert "PostgreSQL 18" in caught.value.do


def test_tools_are_looked_for_in_the_sandbox_s_installation_too(
    installed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(installed / "13.4"))
    monkeypatch.setattr(programs, "_DEBIAN", installed / "none")
    monkeypatch.setattr(programs, "find_installations", lambda: [Installation(installed / "18.1", "18.1")])
    assert find_tools(170001).folder == installed / "18.1"
    monkeypatch.setattr(programs, "find_installations", list)
    with pytest.raises(Refused, match=r"found 13\.4"):
        find_tools(170001)
    (installed / "debian" / "18").mkdir(parents=True)
    (installed / "18.1").rename(installed / "debian" / "18" / "bin")
    monkeypatch.setattr(programs, "_DEBIAN", installed / "debian")
    assert find_tools(180001).folder == installed / "debian" / "18" / "bin"


# -- how they end ---------------------------------------------------------------------------------------------------


def test_a_program_gets_its_environment_alone_and_its_errors_come_masked() -> None:
    status, lines = run_program(
        [sys.executable, "-c", "import os, sys; sys.exit(' '.join(f'{k}={v}' for k, v in os.environ.items()))"],
        {"PGPASSWORD": "hunter2", "A": "postgresql://me:secret@host/db", "LC_ALL": "C.UTF-8"},
    )
    assert status == 1
    (line,) = lines
    assert "hunter2" not in line
    assert ":secret@" not in line
    assert "A=" in line
    assert "PATH" not in line


def test_a_program_that_is_told_to_stop_stops() -> None:
    began = time.monotonic()
    status, _ = run_program(["sleep", "600"], {}, watch=lambda: True)
    assert status != 0
    assert time.monotonic() - began < DEADLINE_S


def test_a_program_that_a_signal_ends_says_so() -> None:
    status, _ = run_program([sys.executable, "-c", "import os; os.kill(os.getpid(), 9)"], {})
    assert status == 128 + 9


_PARENT = """
    import sys, time
    from pathlib import Path
    from pgmig_tui.sandbox.programs import removed_with_us, run_program
    Path(sys.argv[2]).write_text("secret")
    with removed_with_us([Path(sys.argv[2]), Path(sys.argv[3])]):
        run_program(["sh", "-c", "trap '' HUP; sleep 600; : " + sys.argv[1]], {"PATH": "/usr/bin:/bin"})
"""


def _parent_process(marker: str, file: Path, folder: Path) -> subprocess.Popen[bytes]:
    words = [*HEARS_HANGUPS, sys.executable, "-c", textwrap.dedent(_PARENT), marker, str(file), str(folder)]
    return subprocess.Popen(words, env={**os.environ, "PYTHONPATH": str(ROOT)})


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_nothing_outlives_us_whatever_ends_us(tmp_path: Path, number: signal.Signals) -> None:
    marker, file, folder = f"marker-{tmp_path}", tmp_path / "file", tmp_path / "folder"
    (folder / "inside").mkdir(parents=True)
    process = _parent_process(marker, file, folder)
    until(lambda: len(running(marker)) > 1, "the program runs")
    process.send_signal(number)
    process.wait()
    until(lambda: not running(marker), "the program ends")
    until(lambda: not file.exists() and not folder.exists(), "what was left goes")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the kernel of Linux does it")
def test_a_program_goes_although_its_keeper_is_killed_with_us(tmp_path: Path) -> None:
    marker = f"marker-{tmp_path}"
    process = subprocess.Popen(
        [
            *HEARS_HANGUPS,
            sys.executable,
            "-c",
            textwrap.dedent(_PARENT),
            marker,
            str(tmp_path / "a"),
            str(tmp_path / "b"),
        ],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    until(lambda: len(running(marker)) > 1, "the program runs")
    keepers = [pid for pid in running("keeper.py") if _parent(pid) == process.pid]
    assert len(keepers) == 2
    for pid in (*keepers, process.pid):
        os.kill(pid, signal.SIGKILL)
    process.wait()
    # The shell goes by its parent's death signal; what it has started itself is the shell's.
    until(lambda: not [pid for pid in running(marker) if "sh" in Path(f"/proc/{pid}/comm").read_text()], "it ends")


def _parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def test_what_is_kept_goes_at_the_end_of_the_block_too(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "other")
    (tmp_path / "other").mkdir()
    with removed_with_us([tmp_path / "folder", tmp_path / "link", tmp_path / "never"]):
        assert (tmp_path / "folder").exists()
    assert [entry.name for entry in tmp_path.iterdir()] == ["other"], "a link is removed, not what it leads to"


def test_a_lock_is_held_until_all_is_removed(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        keeper = removed_with_us([tmp_path / "gone"], lock=lock.fileno())
        keeper.__enter__()
    with path.open("w") as second, pytest.raises(BlockingIOError):
        fcntl.flock(second, fcntl.LOCK_EX | fcntl.LOCK_NB)
    keeper.__exit__(None, None, None)
    with path.open("w") as second:
        fcntl.flock(second, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_folders_that_killed_processes_left_are_swept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    dead, legacy, new, strange = (tmp_path / name for name in ("pgmig-work-1", "pgmig-2", "pgmig-3", "pgmig-4"))
    for folder in (dead, legacy, new, strange):
        folder.mkdir()
    (dead / ".lock").touch()
    for folder in (legacy, new):
        (folder / "pass").write_text("*:*:*:*:hunter2\n")
    (strange / "a").touch()
    for folder in (legacy, strange):
        os.utime(folder, (time.time() - 3600,) * 2)
    with work_folder() as folder:
        (folder / "x").write_text("x")
        with work_folder() as other:
            assert folder.exists()
        assert not other.exists()
        assert sorted(tmp_path.iterdir()) == sorted([new, strange, folder]), (
            "what is in use, or no folder of ours, stays"
        )
    assert not folder.exists()


def test_a_keeper_that_is_told_nothing_ends() -> None:
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(programs._KEEPER)], input=b"", capture_output=True, timeout=DEADLINE_S
    )
    assert done.returncode == 1
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(programs._KEEPER)], input=marshal.dumps({}), timeout=DEADLINE_S
    )
    assert done.returncode == 1
