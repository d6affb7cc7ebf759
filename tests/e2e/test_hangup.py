"""A terminal that goes away behind the back of a session's leader, which alone is told so by SIGHUP."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import psycopg
import pytest

from tests.e2e.terminal import DEADLINE_S, Terminal, make_project
from tests.servers import Server

# As make does: it hears SIGHUP, waits for its program all the same, and tells it nothing.
LEADER = """
import signal, subprocess, sys
signal.signal(signal.SIGHUP, lambda number, frame: None)
status = subprocess.call([sys.executable, "-m", "pgmig_tui", *sys.argv[2:]])
open(sys.argv[1], "w").write(str(status))
"""


def status_of(file: Path) -> str:
    """What the program behind the leader ended with."""
    deadline = time.monotonic() + DEADLINE_S
    while not file.exists() or not file.read_text():
        assert time.monotonic() < deadline, "it goes on without a terminal"
        time.sleep(0.02)
    return file.read_text()


@pytest.mark.parametrize(
    ("arguments", "shown", "status"), [([], "dev: 1 pending", "129"), (["deploy", "dev", "--yes"], "1/1 slow", "4")]
)
def test_nothing_stays_behind_without_a_terminal(
    tmp_path: Path, pg18: Server, database: str, arguments: list[str], shown: str, status: str
) -> None:
    slow = "BEGIN;\nSET LOCAL lock_timeout = 0;\nSELECT pg_advisory_lock(4711);\nCOMMIT;\n"
    project = make_project(tmp_path, {"slow": slow}, {"dev": pg18.uri(database)})
    file = tmp_path / "status"
    with psycopg.connect(pg18.conninfo(database), autocommit=True) as holder:
        holder.execute("SELECT pg_advisory_lock(4711)")
        command = [sys.executable, "-c", LEADER, str(file), *arguments]
        with Terminal(project, command=command) as terminal:
            terminal.sees(shown).go_away()
            assert status_of(file) == status
