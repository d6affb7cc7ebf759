"""What Ctrl-C, SIGTERM, SIGHUP and a closed pipe do to a deploy that is under way; the run process is real."""

from __future__ import annotations

import io
import json
import signal
import subprocess
import sys
import time
from argparse import Namespace
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pexpect
import psycopg
import pytest

from pgmig_tui.cli.confirm import accept
from pgmig_tui.errors import Refused
from tests.cli.program import DEADLINE_S, HEARS_HANGUPS, Checkout, environment, shop
from tests.servers import Server


@pytest.fixture
def checkout(tmp_path: Path, pg18: Server, database: str) -> Checkout:
    """The shop, whose second change waits for the table `public.gate`, which exists already."""
    made = shop(tmp_path, {"dev": pg18.uri(database)})
    made.change("orders", "LOCK TABLE public.gate;\nCREATE TABLE shop.orders (id int);")
    made.write("pgmig.toml", '[[environment]]\nname = "dev"\ntarget = "dev"\nlock_timeout = "1min"\n')
    pg18.execute("CREATE TABLE public.gate ()", database)
    return made


@contextmanager
def gate_shut(pg18: Server, database: str) -> Iterator[Callable[[], None]]:
    """Nobody gets past the table until the function is called, or the block ends."""
    with psycopg.connect(pg18.conninfo(database)) as connection:
        connection.execute("LOCK TABLE public.gate")
        yield connection.rollback


def until(what: str, happened: Callable[[], Any]) -> Any:
    """Poll until something is so."""
    deadline = time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline:
        if found := happened():
            return found
        time.sleep(0.02)
    raise AssertionError(f"{what} didn't happen in {DEADLINE_S} s")


def journal(checkout: Checkout) -> list[dict[str, Any]]:
    found = list(checkout.home.rglob("journal.jsonl"))
    return [json.loads(line) for line in found[0].read_text().splitlines()] if found else []


def waits_at_the_gate(pg18: Server, database: str) -> bool:
    waiting = "SELECT 1 FROM pg_locks WHERE NOT granted AND relation = 'public.gate'::regclass"
    return bool(pg18.execute(waiting, database))


def deployed(checkout: Checkout) -> int:
    (row,) = json.loads(checkout.run("status", "dev", "--json").out)["environments"]
    return len(row["deployed"])


def run_ends(checkout: Checkout) -> dict[str, Any]:
    """The last word of the run."""
    last = until("the end of the run", lambda: [e for e in journal(checkout) if e["event"] == "run_finished"])
    return dict(last[0])


def started(checkout: Checkout, *arguments: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [*HEARS_HANGUPS, sys.executable, "-m", "pgmig_tui", "deploy", "dev", "--yes", *arguments],
        cwd=checkout.root,
        env=environment(checkout.home),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT])
def test_without_a_terminal_a_signal_cancels_and_tells_the_truth(
    checkout: Checkout, pg18: Server, database: str, sent: signal.Signals
) -> None:
    with gate_shut(pg18, database), started(checkout) as process:
        until("waiting at the gate", lambda: waits_at_the_gate(pg18, database))
        process.send_signal(sent)
        out, err = process.communicate(timeout=DEADLINE_S)
    assert process.returncode == 1
    assert b"Cancelling" in err
    assert b"1/3 schema deployed" in out
    assert b"2/3 orders @v1 FAILED" in out
    assert run_ends(checkout)["exit_status"] == 1
    assert deployed(checkout) == 1


def test_a_hangup_lets_the_change_end_and_the_run_pause(checkout: Checkout, pg18: Server, database: str) -> None:
    with gate_shut(pg18, database) as open_gate, started(checkout) as process:
        until("waiting at the gate", lambda: waits_at_the_gate(pg18, database))
        process.send_signal(signal.SIGHUP)
        process.communicate(timeout=DEADLINE_S)
        assert process.returncode == 4
        assert waits_at_the_gate(pg18, database)
        (row,) = json.loads(checkout.run("status", "dev", "--json").out)["environments"]
        assert row["unfinished_run"]["state"] == "running"
        open_gate()
        until("the pause", lambda: [e for e in journal(checkout) if e["event"] == "run_paused"])
    assert deployed(checkout) == 2
    resumed = checkout.run("attach", "--resume")
    assert resumed.status == 0
    assert "3/3 total deployed" in resumed.out
    assert deployed(checkout) == 3


def test_killing_the_follower_ends_nothing_and_attach_tells_it_all(
    checkout: Checkout, pg18: Server, database: str
) -> None:
    with gate_shut(pg18, database) as open_gate, started(checkout) as process:
        until("waiting at the gate", lambda: waits_at_the_gate(pg18, database))
        process.kill()
        process.communicate(timeout=DEADLINE_S)
        open_gate()
    done = checkout.run("attach", "--json-lines", "--resume")
    assert done.status == 0
    assert [json.loads(line) for line in done.out.splitlines()] == journal(checkout)
    assert deployed(checkout) == 3


def test_a_reader_that_goes_away_does_not_change_the_exit_status(
    checkout: Checkout, pg18: Server, database: str
) -> None:
    with gate_shut(pg18, database) as open_gate, started(checkout, "--json-lines") as process:
        until("waiting at the gate", lambda: waits_at_the_gate(pg18, database))
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        open_gate()
        process.stderr.read()
        assert process.wait(DEADLINE_S) == 0
    assert deployed(checkout) == 3


@contextmanager
def at_a_terminal(checkout: Checkout, *arguments: str) -> Iterator[pexpect.spawn]:
    child = pexpect.spawn(
        sys.executable,
        ["-m", "pgmig_tui", *arguments],
        cwd=str(checkout.root),
        env={**environment(checkout.home), "TERM": "xterm-256color", "NO_COLOR": "1"},
        timeout=DEADLINE_S,
        encoding="utf-8",
        dimensions=(40, 160),
    )
    try:
        yield child
    finally:
        child.close(force=True)


def ends(child: pexpect.spawn) -> int:
    child.expect(pexpect.EOF)
    child.wait()
    return int(child.exitstatus)


def test_the_first_ctrl_c_pauses_and_a_person_says_how_to_go_on(
    checkout: Checkout, pg18: Server, database: str
) -> None:
    with gate_shut(pg18, database) as open_gate, at_a_terminal(checkout, "deploy", "dev", "--yes") as child:
        until("waiting at the gate", lambda: waits_at_the_gate(pg18, database))
        child.sendintr()
        child.expect("Pausing after this step")
        open_gate()
        child.expect("Enter r to go on")
        assert (
            len(
                pg18.execute(
                    "SELECT 1 FROM pg_stat_activity WHERE state LIKE 'idle in%' AND datname = current_database()",
                    database,
                )
            )
            == 0
        )
        assert deployed(checkout) == 2
        child.sendline("r")
        child.expect("3/3 total deployed")
        assert ends(child) == 0
    assert deployed(checkout) == 3


def test_a_run_that_pauses_can_be_stopped_there(checkout: Checkout, pg18: Server, database: str) -> None:
    with gate_shut(pg18, database) as open_gate, at_a_terminal(checkout, "deploy", "dev", "--yes") as child:
        until("waiting at the gate", lambda: waits_at_the_gate(pg18, database))
        child.sendintr()
        child.expect("Pausing after this step")
        open_gate()
        child.expect("Enter r to go on")
        child.sendline("s")
        assert ends(child) == 3
    assert deployed(checkout) == 2


def test_the_second_ctrl_c_cancels_the_statement(checkout: Checkout, pg18: Server, database: str) -> None:
    with gate_shut(pg18, database), at_a_terminal(checkout, "deploy", "dev", "--yes") as child:
        until("waiting at the gate", lambda: waits_at_the_gate(pg18, database))
        child.sendintr()
        child.expect("Pausing after this step")
        child.sendintr()
        child.expect("Cancelling the statement")
        assert ends(child) == 1
    assert deployed(checkout) == 1


def test_a_person_is_asked_and_may_say_no(checkout: Checkout, pg18: Server, database: str) -> None:
    for answer, status in (("no", 3), ("", 3), ("yes", 0)):
        with at_a_terminal(checkout, "deploy", "dev") as child:
            child.expect("ACCESS EXCLUSIVE on public.gate")
            child.expect(r"makes\s+the schemas sqitch and pgmig")
            child.expect(r"Deploy on dev\? \[yes/no\]")
            child.sendline(answer)
            assert ends(child) == status
        assert deployed(checkout) == (0 if status else 3)


def test_ctrl_c_at_a_question_changes_nothing(checkout: Checkout, pg18: Server, database: str) -> None:
    with at_a_terminal(checkout, "deploy", "dev") as child:
        child.expect(r"\[yes/no\]")
        child.sendintr()
        child.expect("Nothing was changed")
        assert ends(child) == 3
    assert deployed(checkout) == 0


@pytest.mark.parametrize("at", ["write", "flush", "readline"])
def test_ctrl_c_is_a_no_from_the_moment_a_question_can_be_read(at: str, monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    def interrupted(stream: Terminal) -> None:
        does = getattr(stream, at)

        def deed(*given: Any) -> Any:
            done = does(*given)
            monkeypatch.setattr(stream, at, does)
            signal.raise_signal(signal.SIGINT)
            return done

        monkeypatch.setattr(stream, at, deed)

    keyboard, screen = Terminal("yes\n"), Terminal()
    monkeypatch.setattr("sys.stdin", keyboard)
    monkeypatch.setattr("sys.stderr", screen)
    interrupted(keyboard if at == "readline" else screen)
    with pytest.raises((Refused, KeyboardInterrupt)) as said:
        accept(Namespace(accept_data_loss=False), "It loses data.", ["DROP TABLE a"])
    assert isinstance(said.value, Refused)
    assert (said.value.exit_status, said.value.now) == (3, "Nothing was changed.")
    assert screen.getvalue() == "Accept the loss of this data? [yes/no] \n"


def test_a_second_follower_only_watches_and_leaves_alone(checkout: Checkout, pg18: Server, database: str) -> None:
    with gate_shut(pg18, database) as open_gate, started(checkout) as process:
        until("waiting at the gate", lambda: waits_at_the_gate(pg18, database))
        with at_a_terminal(checkout, "attach") as child:
            child.expect("1/3 schema deployed")
            child.sendintr()
            assert ends(child) == 4
        with at_a_terminal(checkout, "attach") as child:
            child.expect(f"Watching only: .*process {process.pid}")
            open_gate()
            child.expect("3/3 total deployed")
            assert ends(child) == 0
        process.communicate(timeout=DEADLINE_S)
        assert process.returncode == 0


def test_a_paused_run_is_resumed_at_another_terminal(checkout: Checkout, pg18: Server, database: str) -> None:
    with gate_shut(pg18, database) as open_gate, started(checkout) as process:
        until("waiting at the gate", lambda: waits_at_the_gate(pg18, database))
        process.kill()
        process.communicate(timeout=DEADLINE_S)
        open_gate()
    with at_a_terminal(checkout, "attach") as child:
        child.expect("Enter r to go on")
        child.sendline("r")
        child.expect("3/3 total deployed")
        assert ends(child) == 0
    assert deployed(checkout) == 3
