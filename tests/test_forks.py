"""A fork of the program is what a start of it is."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests import forks
from tests.cli.program import environment, shop

UNREACHABLE = "db:pg://maria@localhost:1/nowhere"


def test_it_tells_and_leaves_what_a_start_does(tmp_path: Path) -> None:
    checkout = shop(tmp_path, {"dev": UNREACHABLE})
    for words in (["--version"], ["plan"], ["plan", "--json"], ["status"], ["impact"], ["deploy", "dev"], ["nonsense"]):
        forked = checkout.run(*words)
        with forks.long_way():
            assert checkout.run(*words) == forked, words


def test_it_is_a_process_that_is_told_and_ended_like_any_other(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    run = [sys.executable, "-P", "-m", "pgmig_tui.run"]
    env = environment(tmp_path / "home")

    def started() -> subprocess.Popen[bytes]:
        return subprocess.Popen(run, env=env, stdin=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)

    with started() as process:
        assert (process.poll(), os.getsid(process.pid)) == (None, process.pid)
        process.kill()
        assert process.wait(timeout=60) == -9
    with started() as process:
        assert process.communicate(b"", timeout=60)[1] == b""
        assert process.returncode == 0


def test_python_starts_where_it_makes_a_difference(tmp_path: Path) -> None:
    env = environment(tmp_path)
    words = [sys.executable, "-m", "pgmig_tui", "plan"]
    assert forks.arguments_of(words, env) == words[1:]
    assert forks.arguments_of(words, {**env, "LC_ALL": "", "LANG": "de_DE.utf8"}) == words[1:]
    for other in ({"LC_ALL": "C"}, {"PYTHONPATH": "elsewhere"}, {"PYTHONWARNINGS": "error"}):
        assert forks.arguments_of(words, {**env, **other}) is None, other
    for command in ([sys.executable, "-c", "pass"], ["psql"], [sys.executable, "-m", "pytest"], [sys.executable, "-P"]):
        assert forks.arguments_of(command, env) is None, command


@pytest.mark.sqitch
def test_a_forked_sqitch_says_what_a_started_one_says(tmp_path: Path) -> None:
    env = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "SQITCH"))}
    env |= {"HOME": str(tmp_path), "LC_ALL": "C.UTF-8", "SQITCH_FULLNAME": "Zoe", "SQITCH_EMAIL": "zoe@example.com"}
    (tmp_path / "sqitch.plan").write_text("%syntax-version=1.0.0\n%project=ä\n\n", encoding="utf-8")
    (tmp_path / "sqitch.conf").write_text("[core]\n\tengine = pg\n", encoding="utf-8")

    def told(*words: str) -> tuple[int, bytes, bytes]:
        done = subprocess.run(["sqitch", *words], env=env, cwd=tmp_path, stdin=subprocess.DEVNULL, capture_output=True)
        return done.returncode, done.stdout, done.stderr

    for words in (["--version"], ["plan"], ["status", UNREACHABLE], ["show", "change", "ä"], ["nonsense"], []):
        forked = told(*words)
        with forks.long_way():
            assert told(*words) == forked, words
    with subprocess.Popen(["sqitch", "plan"], env=env, cwd=tmp_path, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, start_new_session=True) as process:  # fmt: skip
        assert os.getsid(process.pid) == process.pid
        process.kill()
        assert process.wait(timeout=60) in (-9, 1)
