"""Who steers a run, and what it does when they are gone without a word."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from pgmig_tui.run import client, steer
from pgmig_tui.run.events import Event
from tests.run.conftest import Workshop, wait_a_moment

WAITS = "BEGIN;\nCREATE TABLE public.one ();\nLOCK TABLE public.gate;\nCOMMIT;\n"

_STEERING = """
import sys
from pathlib import Path
from pgmig_tui.run import steer
print(steer.take(Path(sys.argv[1])), flush=True)
sys.stdin.read()
"""


@contextmanager
def another_steers(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """A process of its own that steers the run, until it is killed."""
    process = subprocess.Popen(
        [sys.executable, "-c", _STEERING, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "True\n"
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


@contextmanager
def gate_shut(workshop: Workshop) -> Iterator[None]:
    """The first change waits for as long as this is open."""
    with workshop.connect() as connection, connection.transaction():
        connection.execute("LOCK TABLE public.gate")
        yield


def started(workshop: Workshop, on_hangup: str = "finish") -> client.RunHandle:
    """A run of two changes, the first of which waits at the gate."""
    workshop.toml = (
        f'[[environment]]\nname = "box"\ntarget = "$URI"\non_hangup = "{on_hangup}"\nlock_timeout = "1min"\n'
        'queue_guard = { waiters = 1000, oldest = "10min" }\n'
    )
    workshop.change("one", WAITS)
    workshop.change("two", "CREATE TABLE public.two ();\n")
    return client.start(workshop.plan())


def until(handle: client.RunHandle, *names: str) -> list[Event]:
    seen: list[Event] = []
    while True:
        alive = handle.alive()
        seen += handle.poll()
        if any(event.name in names for event in seen):
            return seen
        assert alive, f"the run ended without {names}: {[event.name for event in seen]}"
        wait_a_moment()


@pytest.fixture
def shop(workshop18: Workshop) -> Workshop:
    workshop18.query("CREATE TABLE public.gate ()")
    return workshop18


def test_a_killed_watcher_lets_the_change_end_and_the_run_pause(shop: Workshop) -> None:
    with gate_shut(shop):
        handle = started(shop)
        until(handle, "statement_started")
        steer.release(handle.folder)
        with another_steers(handle.folder) as process:
            assert not handle.steer()
            assert f"process {process.pid}" in handle.steered_by()
        assert handle.steered_by() == ""
    seen = until(handle, "run_paused")
    left, paused = seen[-2:]
    assert (left.name, left.data["policy"]) == ("watcher_left", "finish")
    assert "gone" in paused.data["why"]
    assert shop.deployed() == ["one"]
    again = client.attach(handle.run_id, shop.state_dir)
    assert again.steer()
    assert again.send("resume")
    seen = until(handle, "run_finished")
    assert [event.name for event in seen][:2] == ["command_received", "run_resumed"]
    assert "watcher_came" in [event.name for event in seen]
    assert handle.exit_status == 0
    assert shop.deployed() == ["one", "two"]


@pytest.mark.parametrize(("policy", "status", "deployed"), [("continue", 0, 2), ("abort", 3, 1)])
def test_other_policies_go_on_or_stop_behind_the_change(
    shop: Workshop, policy: str, status: int, deployed: int
) -> None:
    with gate_shut(shop):
        handle = started(shop, policy)
        until(handle, "statement_started")
        steer.release(handle.folder)
    seen = until(handle, "run_finished")
    assert [event.data["policy"] for event in seen if event.name == "watcher_left"] == [policy]
    assert handle.exit_status == status
    assert len(shop.deployed()) == deployed
    if policy == "abort":
        assert "whoever steered it is gone" in seen[-1].data["summary"]


def test_a_watcher_that_detaches_leaves_the_run_to_itself(shop: Workshop) -> None:
    with gate_shut(shop):
        handle = started(shop)
        until(handle, "statement_started")
        assert handle.send("detach")
        assert not steer.is_ours(handle.folder)
    seen = until(handle, "run_finished")
    assert "watcher_left" not in [event.name for event in seen]
    assert handle.exit_status == 0


def test_a_suspended_watcher_keeps_steering(shop: Workshop) -> None:
    watcher = ExitStack()
    with gate_shut(shop):
        handle = started(shop, "abort")
        until(handle, "statement_started")
        steer.release(handle.folder)
        process = watcher.enter_context(another_steers(handle.folder))
        os.kill(process.pid, signal.SIGSTOP)
    with watcher:
        seen = until(handle, "run_finished")
    assert "watcher_left" not in [event.name for event in seen]
    assert handle.exit_status == 0
