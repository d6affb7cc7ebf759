"""Who holds the lock, what stops a run, and what stays true when something is taken away from under it."""

from __future__ import annotations

import dataclasses
import signal
import subprocess
from pathlib import Path
from typing import Any

import psycopg
import pytest

from pgmig_tui.errors import Refused, StepFailure
from pgmig_tui.run.clients import client
from pgmig_tui.run.journal import listing
from pgmig_tui.run.journal.entry import Entry
from pgmig_tui.run.journal.run_plan import RunPlan
from tests.run.conftest import Workshop
from tests.security.eavesdropper import eavesdropper
from tests.servers import Server

GATE = 4711
GATED = f"BEGIN;\nCREATE TABLE public.slow ();\nSELECT pg_advisory_xact_lock({GATE});\nCOMMIT;\n"
"""A step that goes on when the test lets it: however slow the test is, it is still there to be paused."""
SLOW = "BEGIN;\nCREATE TABLE public.slow ();\nSELECT pg_sleep(30);\nCOMMIT;\n"


def test_a_second_run_is_refused_at_once_naming_the_holder(workshop: Workshop) -> None:
    workshop.change("one", "CREATE TABLE public.t ();\n")
    with workshop.connect(application_name="somebody else") as other:
        other.execute("SELECT pg_advisory_lock(75474063)")
        done = workshop.run()
    assert done.status == 3
    summary = done.events[-1].data["summary"]
    assert "somebody else" in summary
    assert "sqitch" in summary, "the key is Sqitch's, so whoever holds it is taken for one"
    assert not workshop.relation("sqitch.changes")


def test_a_second_run_of_this_account_learns_who_started_the_first(workshop18: Workshop) -> None:
    workshop18.change("one", SLOW)
    first, second = workshop18.plan(), workshop18.plan()
    handle = client.start(first)
    _wait_for(handle, "statement_started", line=3)
    done = workshop18.finish(second)
    assert done.status == 3
    summary = done.events[-1].data["summary"]
    assert f"pgmig/{first.run_id}/control" in summary
    assert f"started by Test Operator <test@example.com> on {first.host}" in summary
    assert handle.send("stop")
    assert _end(handle) == 1


def test_no_step_starts_while_a_dump_of_ours_runs(workshop: Workshop) -> None:
    workshop.change("one", "CREATE TABLE public.t ();\n")
    plan = workshop.plan()
    with workshop.connect(application_name="pgmig/20240101-000000-abcd/dump"):
        done = workshop.finish(plan)
    assert done.status == 3
    assert "pgmig/20240101-000000-abcd/dump" in done.events[-1].data["summary"]
    assert not workshop.relation("sqitch.changes")


def test_the_lock_is_polled_for_as_long_as_asked(workshop: Workshop) -> None:
    workshop.change("one", "CREATE TABLE public.t ();\n")
    other = workshop.connect()
    other.execute("SELECT pg_advisory_lock(75474063)")

    def release(handle: client.RunHandle, event: Entry) -> None:
        if event.name == "lock_waited":
            other.close()

    done = workshop.finish(workshop.plan(lock_wait_s=30), release)
    assert done.status == 0
    assert "lock_waited" in done.names


def test_losing_the_control_session_stops_the_run_before_its_commit(workshop: Workshop) -> None:
    workshop.change("one", SLOW)

    def kill(handle: client.RunHandle, event: Entry) -> None:
        if event.name == "statement_started" and "pg_sleep" in event.data["sql"]:
            workshop.query(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE application_name LIKE 'pgmig/%/control' AND datname = current_database()"
            )

    done = workshop.finish(workshop.plan(), kill)
    assert done.status == 1
    assert "control session" in done.events[-1].data["summary"]
    assert not workshop.relation("public.slow")
    assert workshop.deployed() == []


def test_a_registry_that_changed_since_planning_is_refused(workshop: Workshop) -> None:
    workshop.change("one", "CREATE TABLE public.t ();\n")
    first, second = workshop.plan(), workshop.plan()
    assert workshop.finish(first).status == 0
    done = workshop.finish(second)
    assert done.status == 3
    assert "changed since" in done.events[-1].data["summary"]


def test_a_change_recorded_behind_our_back_rolls_the_step_back(workshop: Workshop) -> None:
    workshop.change("one", GATED)
    workshop.change("two", "CREATE TABLE public.two ();\n")
    gate = shut(workshop)

    def meddle(handle: client.RunHandle, event: Entry) -> None:
        if event.name == "statement_started" and event.data["line"] == 3:
            handle.send("pause")
        if event.name == "command_received":
            gate.close()
        if event.name == "run_paused":
            workshop.query(
                "UPDATE sqitch.changes SET change_id = 'ffffffffffffffffffffffffffffffffffffffff' WHERE change = 'one'"
            )
            handle.send("resume")

    done = workshop.finish(workshop.plan(), meddle)
    assert done.status == 1
    assert "two" not in workshop.deployed()
    assert not workshop.relation("public.two")
    assert "not ffff" not in done.events[-1].data["summary"]
    assert "the last deployed change is not" in done.events[-1].data["summary"]


def _wait_for(handle: client.RunHandle, name: str, **fields: Any) -> list[Entry]:
    seen: list[Entry] = []
    while True:
        alive = handle.alive()
        for event in handle.poll():
            seen.append(event)
            if event.name == name and all(event.data.get(key) == value for key, value in fields.items()):
                return seen
        assert alive or handle.poll(), f"the run ended without {name}: {[event.name for event in seen]}"


def shut(workshop: Workshop) -> psycopg.Connection[tuple[Any, ...]]:
    """Nobody gets past the GATE until what is returned is closed."""
    gate = workshop.connect()
    gate.execute(f"SELECT pg_advisory_lock({GATE})".encode())
    return gate


def _pause(handle: client.RunHandle, gate: psycopg.Connection[tuple[Any, ...]]) -> None:
    """Pause a run whose step waits at the gate, and let the step go on."""
    _wait_for(handle, "statement_started", line=3)
    assert handle.send("pause")
    _wait_for(handle, "command_received")
    gate.close()
    _wait_for(handle, "run_paused")


def _end(handle: client.RunHandle) -> int:
    _wait_for(handle, "run_finished")
    assert handle.exit_status is not None
    return handle.exit_status


def test_pause_takes_effect_after_the_step_and_resume_goes_on(workshop18: Workshop) -> None:
    workshop18.change("one", GATED)
    workshop18.change("two", "CREATE TABLE public.two ();\n")
    gate = shut(workshop18)
    handle = client.start(workshop18.plan())
    _pause(handle, gate)
    assert workshop18.deployed() == ["one"]
    assert not workshop18.query(
        "SELECT 1 FROM pg_stat_activity WHERE application_name LIKE 'pgmig/%' AND state LIKE 'idle in tr%'"
        " AND datname = current_database()"
    ), "no transaction stays open while a person is asked"
    assert handle.send("resume")
    assert _end(handle) == 0
    assert workshop18.deployed() == ["one", "two"]


def test_what_was_begun_ahead_has_ended_before_a_person_is_waited_for(workshop18: Workshop) -> None:
    """A server comes to see that its client has gone when it has time to: until then the transaction would stay."""
    workshop18.change("one", GATED)
    workshop18.change("two", "CREATE TABLE public.two ();\n")
    gate = shut(workshop18)
    with eavesdropper(workshop18.server) as between:
        host = {**workshop18.server.parameters, "host": "127.0.0.1", "port": between.port}
        handle = client.start(dataclasses.replace(workshop18, server=Server(host, 180000, Path())).plan())
        _pause(handle, gate)
        scripts = [one for one in between.connections if one.startup["application_name"].endswith("/1")]
        assert [heard.queries[-1][1] for heard in scripts] == ["ROLLBACK"]
        assert handle.send("resume")
        assert _end(handle) == 0
    assert workshop18.deployed() == ["one", "two"]


@pytest.mark.parametrize("command", ["cancel", "stop"])
def test_cancel_rolls_the_statement_and_its_step_back(workshop18: Workshop, command: str) -> None:
    workshop18.change("one", SLOW)
    handle = client.start(workshop18.plan())
    _wait_for(handle, "statement_started", line=3)
    assert handle.send(command)
    assert _end(handle) == 1
    assert not workshop18.relation("public.slow")
    assert workshop18.registry_events() == [("fail", "one")]


def test_sigterm_cancels_and_tells_the_truth(workshop18: Workshop) -> None:
    workshop18.change("one", SLOW)
    handle = client.start(workshop18.plan())
    _wait_for(handle, "statement_started", line=3)
    assert isinstance(handle._process, subprocess.Popen)
    handle._process.send_signal(signal.SIGTERM)
    assert _end(handle) == 1
    assert handle._process.wait(60) == 1
    assert workshop18.deployed() == []


def test_a_killed_run_process_leaves_no_half_step(workshop18: Workshop) -> None:
    workshop18.change("one", SLOW.replace("30", "2"))
    plan: RunPlan = workshop18.plan()
    handle = client.start(plan)
    _wait_for(handle, "statement_started", line=3)
    assert isinstance(handle._process, subprocess.Popen)
    handle._process.kill()
    handle._process.wait(60)
    (summary,) = listing.list_runs(workshop18.state_dir)
    assert summary.state == "unknown"
    while workshop18.query(
        "SELECT 1 FROM pg_stat_activity WHERE application_name LIKE 'pgmig/%' AND datname = current_database()"
    ):
        pass
    assert not workshop18.relation("public.slow")
    again = workshop18.run()
    assert again.status == 0, again.events[-1].data


def test_another_cluster_than_the_pinned_one_is_refused(workshop18: Workshop) -> None:
    workshop18.toml = '[[environment]]\nname = "box"\ntarget = "$URI"\nsystem_identifier = "1"\n'
    workshop18.change("one", "SELECT 1;\n")
    with pytest.raises(Refused) as refused:
        workshop18.plan()
    assert "another cluster" in refused.value.what


@pytest.mark.parametrize("who", ["DATABASE {0}", "ROLE postgres IN DATABASE {0}"])
def test_what_was_made_read_only_by_its_default_is_not_written_to(workshop18: Workshop, who: str) -> None:
    """psql and Sqitch are refused there by the server; our sessions set the default that they need."""
    workshop18.change("one", "CREATE TABLE one ();", "DROP TABLE one;")
    setting = f"ALTER {who.format(workshop18.dbname)}"
    workshop18.query(f"{setting} SET default_transaction_read_only = on")
    with pytest.raises(Refused, match="is read-only for postgres: default_transaction_read_only is on"):
        workshop18.plan()
    with workshop18.connect(options="-c default_transaction_read_only=off") as connection:
        connection.execute(f"{setting} RESET default_transaction_read_only")
    assert workshop18.run().status == 0
    with workshop18.connect(options="-c default_transaction_read_only=off") as connection:
        connection.execute(f"{setting} SET default_transaction_read_only = on")
    for command in ("revert", "deploy"):
        with pytest.raises(Refused, match="default_transaction_read_only"):
            workshop18.plan(command)


def test_no_right_to_create_the_registry_is_said_with_the_grant(
    workshop18: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    role = f"weak_{workshop18.dbname}"
    workshop18.query(f"CREATE ROLE {role} LOGIN PASSWORD 'not much'")
    strong = workshop18.server
    try:
        workshop18.change("one", "SELECT 1;\n")
        workshop18.server = dataclasses.replace(strong, parameters={**strong.parameters, "user": role})
        monkeypatch.setenv("PGPASSWORD", "not much")
        done = workshop18.run()
        assert done.status == StepFailure.exit_status
        assert "GRANT CREATE ON DATABASE" in done.events[-1].data["do"]
    finally:
        monkeypatch.undo()
        workshop18.server = strong
        workshop18.query(f"DROP ROLE {role}")
