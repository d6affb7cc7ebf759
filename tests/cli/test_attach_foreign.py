"""`attach TARGET`: a run of another account is followed by what its server tells, to whichever end is seen."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from tests.cli.program import Checkout, environment, shop
from tests.servers import Server

DEADLINE_S = 60


@pytest.fixture
def live(pg18: Server, database_on: Callable[..., str]) -> str:
    return database_on(pg18)


@pytest.fixture
def checkout(tmp_path: Path, pg18: Server, live: str) -> Checkout:
    """The shop; its last change waits until the test lets it go on."""
    made = shop(tmp_path, {"dev": pg18.uri(live)})
    made.write("pgmig.toml", '[[environment]]\nname = "dev"\ntarget = "dev"\nlock_timeout = "2min"\n')
    made.change("total", "SELECT pg_advisory_xact_lock(7);\nALTER TABLE shop.orders ADD COLUMN total int;", verify=None)
    return made


def until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + DEADLINE_S
    while not true():
        assert time.monotonic() < end, "it didn't come true in time"
        select.select([], [], [], 0.02)


@contextmanager
def another_account(checkout: Checkout, server: Server, database: str) -> Iterator[Callable[[], None]]:
    """A deploy from another state folder, which waits in its last change until it is let go."""
    home = checkout.home / "another"
    home.mkdir()
    program, words, _ = checkout.command("deploy", "dev", "--yes")
    with psycopg.connect(server.conninfo(database), autocommit=True) as holder:
        holder.execute("SELECT pg_advisory_lock(7)")

        def let_go() -> None:
            holder.execute("SELECT pg_advisory_unlock(7)")

        run = subprocess.Popen(
            words,
            executable=program,
            env=environment(home),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            waiting = "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND database ="
            waiting += " (SELECT oid FROM pg_database WHERE datname = current_database())"
            until(lambda: bool(holder.execute(waiting).fetchall()))
            yield let_go
        finally:
            holder.execute("SELECT pg_advisory_unlock(7)")
            run.wait(DEADLINE_S)


class Watching:
    """`attach` in a process of its own; its lines are read as they come."""

    def __init__(self, checkout: Checkout, *arguments: str) -> None:
        program, words, env = checkout.command("attach", *arguments)
        self.process = subprocess.Popen(
            words,
            executable=program,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self.out = b""

    def until(self, text: str) -> str:
        """All lines so far, once one of them has `text`."""
        assert self.process.stdout is not None
        end = time.monotonic() + DEADLINE_S
        while text not in self.out.decode():
            assert time.monotonic() < end, self.out.decode()
            if select.select([self.process.stdout], [], [], 0.2)[0]:
                data = os.read(self.process.stdout.fileno(), 65536)
                assert data, self.out.decode()
                self.out += data
        return self.out.decode()

    def ended(self) -> tuple[int, str, str]:
        out, err = self.process.communicate(timeout=DEADLINE_S)
        return self.process.returncode, (self.out + out).decode(), err.decode()


def run_id(server: Server, database: str) -> str:
    ((found,),) = server.execute("SELECT run_id FROM pgmig.runs", database)
    return str(found)


def test_it_is_followed_to_its_own_word(checkout: Checkout, pg18: Server, live: str) -> None:
    with another_account(checkout, pg18, live) as let_go:
        watching = Watching(checkout, "dev")
        run = run_id(pg18, live)
        watching.until("(control, which holds the lock)")
        told = watching.until("step 3 of 3, total, deploy/total.sql:2")  # what the run says of itself comes a bit later
        assert f"run {run} of " in told
        assert "by Maria Test <maria@example.org> as role" in told
        assert "(control, which holds the lock)" in told
        assert "SELECT pg_advisory_xact_lock(7)" in told
        status_told = checkout.run("status", "dev").out
        assert f"dev: run {run} of another account or host is under way" in status_told
        assert "`pgmig-tui attach dev` watches it" in status_told
        refused = checkout.run("deploy", "dev", "--yes")
        assert refused.status == 3
        assert "`pgmig-tui attach dev` watches it" in refused.out + refused.err
        let_go()
        status, out, err = watching.ended()
    assert status == 0, err
    assert "of another account or host on dev by what its server tells" in err
    assert "total deployed" in out
    assert "the run has recorded its end: exit status 0, done" in out
    assert "the registry: 3 changes deployed, the last is total" in out
    again = checkout.run("attach", "dev")
    assert again.status == 2
    assert "no run is under way on dev" in again.err
    assert f"{run} of " in again.err


def test_its_id_finds_it_and_events_are_json(checkout: Checkout, pg18: Server, live: str) -> None:
    with another_account(checkout, pg18, live) as let_go:
        run = run_id(pg18, live)
        watching = Watching(checkout, run, "--json-lines")
        watching.until("advisory_xact_lock")
        let_go()
        status, out, err = watching.ended()
    assert status == 0, err
    events = [json.loads(line) for line in out.splitlines()]
    assert {event["run"] for event in events} == {run}
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    assert (events[0]["event"], events[-1]["event"]) == ("run_seen", "run_gone")
    assert events[0]["row"]["command"] == "deploy"
    assert (events[-1]["seen"], events[-1]["exit_status"], events[-1]["deployed"]) == ("finished", 0, 3)
    recorded = [event for event in events if event["event"] == "registry_recorded"]
    assert [(event["action"], event["change"]) for event in recorded][-1] == ("deploy", "total")
    waits = next(event for event in events if event["event"] == "activity" and event["waiting"])
    assert waits["blockers"][0]["pid"]
    unknown = checkout.run("attach", "20200101-000000-abcd")
    assert unknown.status == 2
    assert "neither of this account nor in the databases of the environments (dev)" in unknown.err


def test_a_run_that_gives_no_sign_of_life_is_not_called_dead(checkout: Checkout, pg18: Server, live: str) -> None:
    with another_account(checkout, pg18, live):
        journal = next((checkout.home / "another").glob("state/pgmig-tui/runs/*/journal.jsonl"))
        fd = os.pidfd_open(json.loads(journal.read_text().splitlines()[0])["pid"])
        watching = Watching(checkout, "dev")
        watching.until("step 3 of 3")
        signal.pidfd_send_signal(fd, signal.SIGSTOP)
        try:
            told = watching.until("last heartbeat 1")
            assert "dead" not in told
        finally:
            signal.pidfd_send_signal(fd, signal.SIGCONT)
        watching.until("its heartbeat is back")
        signal.pidfd_send_signal(fd, signal.SIGKILL)
        os.close(fd)
        pg18.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'pgmig/2%' AND datname"
            f" = '{live}'"
        )
        status, out, err = watching.ended()
    assert status == 4
    assert "its sessions are gone; how it ended isn't said anywhere here" in out
    assert "2 changes deployed, the last is orders" in err


def test_leaving_leaves_it_alone(checkout: Checkout, pg18: Server, live: str) -> None:
    with another_account(checkout, pg18, live):
        watching = Watching(checkout, "dev")
        watching.until("step 3 of 3")
        watching.process.send_signal(signal.SIGTERM)
        assert watching.ended()[0] == 4
        assert checkout.run("attach", "dev", "--resume").status == 2


def test_without_tracking_its_lock_its_sessions_and_the_registry_are_seen(
    checkout: Checkout, pg18: Server, live: str
) -> None:
    checkout.write(
        "pgmig.toml", '[[environment]]\nname = "dev"\ntarget = "dev"\nlock_timeout = "2min"\ntracking = "off"\n'
    )
    with another_account(checkout, pg18, live) as let_go:
        watching = Watching(checkout, "dev")
        told = watching.until("tracking is off: a run leaves no row in the database")
        told = watching.until("WAITING")
        assert "(step 3)" in told
        let_go()
        status, out, err = watching.ended()
    assert status == 4
    assert "total deployed" in out
    assert "3 changes deployed, the last is total" in err


def test_another_program_s_lock_is_watched(checkout: Checkout, pg18: Server, live: str) -> None:
    assert checkout.run("deploy", "dev", "--yes", "--to", "orders").status == 0
    with psycopg.connect(pg18.conninfo(live, application_name="sqitch"), autocommit=True) as other:
        other.execute("SELECT pg_advisory_lock(75474063)")
        watching = Watching(checkout, "dev")
        told = watching.until("the lock is held by sqitch")
        assert "exit status 0" not in told, "the row of an earlier run is none of its"
    status, _out, err = watching.ended()
    assert status == 4
    assert "another program on dev is gone" in err


def test_what_the_role_may_not_see_is_said(checkout: Checkout, pg18: Server, live: str) -> None:
    from tests.database.places import role

    with another_account(checkout, pg18, live), role(pg18) as plain:
        uri = pg18.uri(live).replace("postgres@", f"{plain['user']}:{plain.get('password', '')}@", 1)
        checkout.targets({"dev": uri})
        watching = Watching(checkout, "dev")
        told = watching.until("GRANT pg_read_all_stats")
        assert f'GRANT SELECT ON "pgmig".runs TO "{plain["user"]}"' in told
        assert "may not read the registry" in told
        assert "what it does is hidden from this role" in told
        watching.process.send_signal(signal.SIGTERM)
        assert watching.ended()[0] == 4
