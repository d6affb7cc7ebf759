"""`status --watch`: in place on a terminal, lines in a pipe, a document a look for programs."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pexpect
import pytest

from tests.cli.program import Checkout, environment, shop
from tests.servers import Server


@pytest.fixture
def silent() -> Iterator[int]:
    """A port that accepts connections and never says a word."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(16)
        yield int(listener.getsockname()[1])


@pytest.fixture
def checkout(tmp_path: Path, pg18: Server, database: str, silent: int) -> Checkout:
    return shop(tmp_path, {"dev": pg18.uri(database), "far": f"db:pg://127.0.0.1:{silent}/x"})


def started(checkout: Checkout, *arguments: str) -> subprocess.Popen[str]:
    _, words, env = checkout.command("status", *arguments)
    return subprocess.Popen(
        words, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True
    )


def test_a_line_is_told_of_each_change_of_state(checkout: Checkout) -> None:
    began = time.monotonic()
    child = started(checkout, "--watch=0.2", "--exit-code")
    assert child.stdout is not None
    assert " dev: 0 deployed, 3 pending" in child.stdout.readline()
    assert " far: no answer yet" in child.stdout.readline()
    assert time.monotonic() - began < 8, "what is silent delays nobody"
    assert checkout.run("deploy", "dev", "--to", "orders", "--yes").status == 0
    while " dev: 2 deployed, 1 pending, at orders" not in (line := child.stdout.readline()):
        assert line, "it has ended"
        assert " dev: " in line
    child.send_signal(signal.SIGINT)
    out, err = child.communicate(timeout=30)
    assert (child.returncode, out, err) == (5, "", ""), "far doesn't answer"


def test_programs_get_a_document_a_look(checkout: Checkout) -> None:
    child = started(checkout, "dev", "--watch=0.2", "--json-lines")
    assert child.stdout is not None
    looks = [json.loads(child.stdout.readline()) for _ in range(3)]
    child.send_signal(signal.SIGTERM)
    child.communicate(timeout=30)
    assert child.returncode == 0
    assert [one["environments"][0]["name"] for one in looks] == ["dev"] * 3
    assert all(one["at"].endswith("Z") for one in looks)
    done = checkout.run("status", "dev", "--watch", "--json")
    assert (done.status, "--json-lines" in done.err) == (2, True)


def test_on_a_terminal_it_is_drawn_in_place(checkout: Checkout) -> None:
    child = pexpect.spawn(
        sys.executable,
        ["-m", "pgmig_tui", "status", "dev", "--watch=0.2", "--exit-code"],
        cwd=str(checkout.root),
        env={**environment(checkout.home), "TERM": "xterm"},
        timeout=60,
        encoding="utf-8",
        dimensions=(12, 60),
    )
    for _ in range(3):
        child.expect("Ctrl-C ends it")
        child.expect_exact("\x1b[J")
        assert child.before.count("\n") < 12, "no more than the terminal holds: it would scroll"
    child.sendintr()
    child.expect(pexpect.EOF)
    child.wait()
    assert child.exitstatus == 1, "changes are pending"
    assert "Traceback" not in child.before
