"""Settling beside what goes wrong around it: a database made anew, a standby that is gone or was promoted, silence, and
another who settles."""

from __future__ import annotations

import dataclasses
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pgmig_tui.database.identity import let_write
from pgmig_tui.errors import InDoubt
from pgmig_tui.project.environments import Environment
from pgmig_tui.project.project import Project
from pgmig_tui.run.journal import file as journal
from pgmig_tui.run.journal import listing
from pgmig_tui.run.journal.run_plan import Command, RunPlan
from pgmig_tui.run.journal.run_plan import Server as Noted
from pgmig_tui.run.process import control as controlling
from pgmig_tui.run.process import record as recording
from pgmig_tui.run.recovery import cut_off, reconcile
from tests.conftest import installed
from tests.database.places import role
from tests.faults.faults import immediate, make_standby
from tests.faults.proxy import Proxy
from tests.faults.quick import SETTINGS, QuickServer, quick_folder, until
from tests.installations import clients_of
from tests.run.conftest import Workshop
from tests.run.test_reconcile import examined, kill_at, looking
from tests.servers import Server, server_of

STEPS = "VACUUM pg_am;\nCREATE TABLE public.a ();\nSELECT pg_sleep(60);\n"
UNRECORDED = "CREATE TABLE public.a ();\nVACUUM pg_am;\n"


@pytest.fixture(scope="module", params=[15, 16, 18])
def own(request: pytest.FixtureRequest, major_for: Callable[[int], int]) -> Iterator[QuickServer]:
    """A server of our own, for it will lose its standby, or be stopped."""
    folder = quick_folder()
    made = QuickServer(folder / "primary", installed(major_for(request.param)), settings=SETTINGS)
    made.start()
    yield made
    made.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def primary(own: QuickServer) -> Server:
    return server_of(own.conninfo("postgres"), clients_of(own.installation))


def workshop_at(root: Path, server: Server, *, toml: str = "") -> Workshop:
    (root / "project").mkdir(exist_ok=True)
    return Workshop(root / "project", server, server.create_database(), root / "state", toml=toml)


def unrecorded(workshop: Workshop, verify: str = "SELECT 1;\n") -> RunPlan:
    """A run that has carried out its script and was killed before its record."""
    workshop.change("one", UNRECORDED, "", "SELECT pg_sleep(30);\n")
    plan = kill_at(workshop, "step_applied")
    script = workshop.root / "verify" / "one.sql"
    script.write_text(verify)
    (stored,) = [path for path in (plan.folder / "files").iterdir() if "pg_sleep" in path.read_text()]
    stored.write_text(verify)
    return plan


def environment_of(workshop: Workshop) -> tuple[Project, Environment]:
    return workshop.project()


# -- a database made anew ------------------------------------------------------------------------------------------


def test_a_database_that_was_made_anew_holds_nothing_of_the_run(workshop: Workshop) -> None:
    workshop.change("one", STEPS)
    plan = kill_at(workshop, "statement_started", line=3)
    workshop.server.execute(f'DROP DATABASE "{workshop.dbname}" WITH (FORCE)')
    workshop.server.execute(f'CREATE DATABASE "{workshop.dbname}"')
    with looking(workshop) as connection:
        (verdict,) = reconcile.examine(connection, plan).verdicts
    assert (verdict.outcome, verdict.stays) == ("not_applied", ()), verdict
    assert verdict.why == "the database of that name is another one now, and has no record of it"
    (workshop.root / "deploy" / "one.sql").write_text("CREATE TABLE public.a ();\n")
    done = workshop.run()
    assert done.status == 0, done.events[-1].data
    assert [one["settled"] for one in done.named("earlier_run_settled")] == [plan.run_id], "before a registry is made"


def test_of_a_database_made_anew_with_a_registry_nobody_knows(workshop18: Workshop, tmp_path: Path) -> None:
    workshop18.change("zero", "CREATE TABLE public.z ();\n")
    workshop18.change("one", STEPS)
    plan = kill_at(workshop18, "statement_started", step=2, line=3)
    workshop18.server.execute(f'DROP DATABASE "{workshop18.dbname}" WITH (FORCE)')
    workshop18.server.execute(f'CREATE DATABASE "{workshop18.dbname}"')
    other = dataclasses.replace(workshop18, state_dir=tmp_path / "another")
    assert other.run(to="zero").status == 0
    with looking(workshop18) as connection:
        settlement = reconcile.examine(connection, plan)
        left = reconcile.leave(settlement)
        assert reconcile.settle(connection, left, by="the test")
    zero, one = settlement.verdicts
    assert (zero.outcome, "is another one now, and has its record" in zero.why) == ("recorded", True), zero
    assert (one.outcome, one.stays) == ("unknown", ()), one
    assert left.verdicts[1].stays == ("perhaps deploy/one.sql, or a part of it: whether that took effect is not known",)
    (told,) = [text for text in workshop18.plan().warnings if "carried out" in text]
    assert told.startswith(f"one may have been partly carried out by the run {plan.run_id} (its deploy): the database")


# -- standbys ------------------------------------------------------------------------------------------------------


@pytest.fixture
def standby_gone(primary: Server) -> Iterator[None]:
    """From now on a COMMIT waits for a standby that isn't there."""
    yield
    primary.execute("ALTER SYSTEM RESET synchronous_standby_names")
    primary.execute("SELECT pg_reload_conf()")


def lose_standby(server: Server) -> None:
    server.execute("ALTER SYSTEM SET synchronous_standby_names = 'nobody'")
    server.execute("SELECT pg_reload_conf()")
    until("the new setting", lambda: server.execute("SHOW synchronous_standby_names") == [("nobody",)])


def test_settling_waits_for_no_standby(primary: Server, standby_gone: None, tmp_path: Path) -> None:
    workshop = workshop_at(tmp_path, primary)
    workshop.change("one", "CREATE TABLE public.one ();\n")
    workshop.change("two", "BEGIN;\nCREATE TABLE public.slow ();\nSELECT pg_sleep(30);\nCOMMIT;\n")
    plan = kill_at(workshop, "statement_started", step=2, line=3)
    lose_standby(primary)
    began = time.monotonic()
    with looking(workshop) as connection:
        settlement = examined(connection, plan)
        assert [one.outcome for one in settlement.verdicts] == ["recorded", "not_applied"]
        let_write(connection)
        assert reconcile.settle(connection, settlement, by="the test")
    assert time.monotonic() - began < 20
    events = journal.JournalReader(plan.folder).poll()
    assert not [event.data for event in events if event.name == "warning"]


def test_recording_says_that_it_waits_for_a_standby_and_ends(
    primary: Server, standby_gone: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(controlling, "_LOOK_OUT_S", 0.2)
    monkeypatch.setattr(recording, "SAID_AFTER_S", 0.3)
    monkeypatch.setattr(recording, "GIVEN_UP_S", 1.0)
    workshop = workshop_at(tmp_path, primary)
    # The temporary table is dropped when its session has been closed.
    verify = "SET synchronous_commit = off;\nCREATE TEMP TABLE seen (id int);\nRESET synchronous_commit;\n"
    plan = unrecorded(workshop, verify=f"{verify}SELECT pg_logical_emit_message(true, 'a', 'b');\nSELECT 1;\n")
    lose_standby(primary)
    told: list[str] = []
    _, environment = environment_of(workshop)
    waits = "waits for a synchronous standby to have it; after 1 s nobody waits any longer"
    with looking(workshop) as connection:
        settlement = recording.verified(environment.target, examined(connection, plan), told.append)
        assert [one.outcome for one in settlement.open] == ["unrecorded"]
        assert settlement.open[0].why.endswith("; its verification passes")
        assert told == ["verifying one", f"a COMMIT of the verification {waits}"]
        told.clear()
        done = recording.record(environment.target, settlement, told.append)
    said = [text for text in told if "waits for the server" not in text]  # a slow one is told of, too
    assert said == ["verifying one", f"a COMMIT of the verification {waits}", f"the COMMIT {waits}"]
    (verdict,) = done.verdicts
    assert verdict.outcome == "recorded"
    assert "on this server; whether a synchronous standby has it isn't known" in verdict.why
    assert workshop.deployed() == ["one"]


def test_a_promoted_standby_at_another_address_is_asked_about(
    own: QuickServer, primary: Server, tmp_path: Path
) -> None:
    toml = '[[environment]]\nname = "box"\ntarget = "$URI"\n'
    workshop = workshop_at(tmp_path, primary, toml=toml)
    workshop.change("one", "CREATE TABLE public.one ();\n")
    workshop.change("two", "BEGIN;\nCREATE TABLE public.slow ();\nSELECT pg_sleep(30);\nCOMMIT;\n")
    standby = QuickServer(own.folder.with_name("standby"), own.programs, settings=dict(own.settings))
    make_standby(own, standby, {"postgres", workshop.dbname})
    try:
        plan = kill_at(workshop, "statement_started", step=2, line=3)
        other = server_of(standby.conninfo("postgres"), primary.bin_dir)
        (lsn,) = primary.execute("SELECT pg_current_wal_flush_lsn()::text")[0]
        until("catching up", lambda: other.execute(f"SELECT pg_last_wal_replay_lsn() >= '{lsn}'")[0][0])
        # Promoted from outside, while the primary is still there: two servers, and each says that it is the one.
        other.execute("SELECT pg_promote()")
        moved = dataclasses.replace(workshop, server=other)
        project, environment = moved.project()
        with reconcile.asked(environment.target) as (connection, identity):
            (found,) = cut_off.cut_off_runs(moved.state_dir, project, environment, connection, identity)
            assert (found.relation, found.own) == ("other", True)
        immediate(own)
        with pytest.raises(InDoubt) as refused:
            moved.plan()
        assert "whether it worked on this server can't be told" in refused.value.what
        with reconcile.asked(environment.target) as (connection, identity):
            (found,) = cut_off.cut_off_runs(moved.state_dir, project, environment, connection, identity)
            assert found.relation == "unknown"
            settlement = reconcile.examine(connection, plan)  # as a person has said that it is the one
            assert [one.outcome for one in settlement.verdicts] == ["recorded", "not_applied"]
    finally:
        standby.destroy()
        if not own.running:
            own.start()


# -- silence -------------------------------------------------------------------------------------------------------


def test_a_server_that_falls_silent_is_not_waited_for_without_an_end(
    workshop18: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconcile, "ANSWER_S", 1.0)
    workshop18.change("one", STEPS)
    plan = kill_at(workshop18, "statement_started", line=3)
    proxy = Proxy(Path(workshop18.server.parameters["host"]), int(workshop18.server.parameters["port"]))
    project, _ = workshop18.project()
    environment = project.environment(f"db:pg://postgres@127.0.0.1:{proxy.port}/{workshop18.dbname}")
    try:
        with reconcile.asked(environment.target) as (connection, _):
            proxy.mute()
            began = time.monotonic()
            with pytest.raises(Exception, match="didn't answer within"):
                reconcile.examine(connection, plan, patience_s=0)
            assert time.monotonic() - began < 30
    finally:
        proxy.close()


def test_rows_of_our_own_that_are_not_answered_leave_the_run_settled(
    workshop18: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconcile, "ROWS_S", 1.0)
    workshop18.change("one", "BEGIN;\nCREATE TABLE public.slow ();\nSELECT pg_sleep(30);\nCOMMIT;\n")
    plan = kill_at(workshop18, "statement_started", line=3)
    proxy = Proxy(Path(workshop18.server.parameters["host"]), int(workshop18.server.parameters["port"]))
    project, _ = workshop18.project()
    environment = project.environment(f"db:pg://postgres@127.0.0.1:{proxy.port}/{workshop18.dbname}")
    try:
        with reconcile.asked(environment.target) as (connection, _):
            settlement = examined(connection, plan)
            proxy.mute()
            assert reconcile.settle(connection, settlement, by="the test")
    finally:
        proxy.close()
    assert listing.unfinished(workshop18.state_dir) == []
    warnings = [event.data["message"] for event in journal.JournalReader(plan.folder).poll() if event.name == "warning"]
    assert any("didn't answer within 1 s" in text for text in warnings), warnings


# -- another who settles -------------------------------------------------------------------------------------------

HOLD = """
import os, sys
from pathlib import Path
from pgmig_tui.run.journal.file import hold_lock
assert hold_lock(Path(sys.argv[1]), "settling") is not None
print("held", flush=True)
os.kill(os.getpid(), 19)
"""


def test_a_settling_that_stands_still_is_named_and_no_run_takes_its_place(workshop18: Workshop) -> None:
    """SIGSTOP of a `reconcile`: the run isn't under way, it is still to be settled."""
    import sys

    workshop18.change("one", STEPS)
    plan = kill_at(workshop18, "statement_started", line=3)
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(plan.folder)], stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        assert journal.held_by_another(plan.folder) == f"settling, process {holder.pid}"
        assert [run.run_id for run in listing.unfinished(workshop18.state_dir)] == [plan.run_id]
        assert listing.list_runs(workshop18.state_dir)[0].state == "unknown"
        with pytest.raises(InDoubt):
            workshop18.plan()
        with looking(workshop18) as connection:
            assert not reconcile.settle(connection, reconcile.examine(connection, plan), by="the test")
    finally:
        os.kill(holder.pid, signal.SIGCONT)
        holder.wait(10)
    assert journal.held_by_another(plan.folder) == ""


def test_what_was_shown_must_still_be_so_when_it_is_recorded(workshop18: Workshop) -> None:
    """A `reconcile` stood still at its question, and another has settled the run meanwhile."""
    plan = unrecorded(workshop18)
    _, environment = workshop18.project()
    with looking(workshop18) as connection:
        shown = examined(connection, plan)
        assert [one.outcome for one in shown.open] == ["unrecorded"]
        assert reconcile.settle(connection, reconcile.leave(shown), by="another")
        workshop18.query("DROP TABLE public.a")
        with pytest.raises(InDoubt, match="was settled by another meanwhile"):
            recording.record(environment.target, shown)
        assert not reconcile.settle(connection, shown, by="the test"), "its end is written once"
    assert workshop18.deployed() == []


def test_what_has_changed_since_it_was_shown_is_not_recorded(workshop18: Workshop) -> None:
    workshop18.change("one", STEPS.replace("SELECT pg_sleep(60)", "DELETE FROM public.a"))
    done: Any = workshop18.run()
    lines = (done.plan.folder / "journal.jsonl").read_text().splitlines(keepends=True)
    cut = next(n for n, text in enumerate(lines, 1) if '"statement_started"' in text and '"line": 3,' in text)
    (done.plan.folder / "journal.jsonl").write_text("".join(lines[:cut]))
    rows = workshop18.query("SELECT change_id FROM sqitch.changes")
    workshop18.query("CREATE TABLE kept AS SELECT * FROM sqitch.changes")
    workshop18.query("DELETE FROM sqitch.changes")
    _, environment = workshop18.project()
    with looking(workshop18) as connection:
        shown = examined(connection, done.plan)
        assert [one.outcome for one in shown.open] == ["unknown"]
        workshop18.query("INSERT INTO sqitch.changes SELECT * FROM kept")
        with pytest.raises(InDoubt, match="isn't any more what was shown"):
            recording.record(environment.target, shown)
    assert workshop18.query("SELECT change_id FROM sqitch.changes") == rows


# -- a server that has forgotten -----------------------------------------------------------------------------------


COMMITS = "BEGIN;\nINSERT INTO public.slow VALUES (1);\nCOMMIT;\nVACUUM pg_am;\n"
SLOW_COMMIT = """CREATE TABLE public.slow (n int);
CREATE FUNCTION public.wait() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(60); RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER wait AFTER INSERT ON public.slow DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW EXECUTE FUNCTION public.wait();
GRANT ALL ON TABLE public.slow TO PUBLIC;
"""
NO_MESSAGES = """DO $$ DECLARE f regprocedure; BEGIN
  FOR f IN SELECT oid FROM pg_proc WHERE proname = 'pg_logical_emit_message' LOOP
    EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', f); END LOOP; END $$"""


def committing(root: Path, primary: Server, user: str) -> Workshop:
    """A database of that role, in which a COMMIT takes a minute, and a project that does one."""
    root.mkdir()
    workshop = workshop_at(root, primary)
    workshop.query(SLOW_COMMIT)
    primary.execute(f'GRANT CREATE ON DATABASE "{workshop.dbname}" TO "{user}"')
    workshop.change("one", COMMITS)
    return workshop


@pytest.mark.parametrize("own", [18], indirect=True)
def test_a_transaction_id_that_a_crash_gives_out_again_proves_nothing(
    own: QuickServer, primary: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """COMMITs are under way, of one of them nothing is on disk, and the server is killed: others get its ID."""
    with role(primary) as somebody:
        monkeypatch.setenv("PGPASSWORD", somebody["password"])
        as_role = dataclasses.replace(primary, parameters={**primary.parameters, "user": somebody["user"]})
        noted = committing(tmp_path / "noted", primary, somebody["user"])
        forgotten = committing(tmp_path / "forgotten", primary, somebody["user"])
        forgotten.query(NO_MESSAGES)
        found: list[tuple[Workshop, RunPlan, dict[str, Any]]] = []
        for workshop in (noted, forgotten):
            plan = kill_at(dataclasses.replace(workshop, server=as_role), "statement_started", line=3)
            begun = [event.data for event in journal.JournalReader(plan.folder).poll() if event.data.get("line") == 3]
            found.append((workshop, plan, begun[-1]))
        assert [begun["lasting"] for _, _, begun in found] == [True, False]
        immediate(own)
        own.start()
        for workshop, plan, _ in found:
            with looking(workshop) as connection:
                (verdict,) = reconcile.examine(connection, plan).verdicts
            assert verdict.outcome == "not_applied", verdict.why
        first, asked = int(noted.query("SELECT pg_current_xact_id()::text")[0][0]), int(found[1][2]["xid"])
        given = first
        while given <= asked:
            given = int(noted.query("SELECT pg_current_xact_id()::text")[0][0])
        told = []
        for workshop, plan, _ in found:
            with looking(workshop) as connection:
                (verdict,) = reconcile.examine(connection, plan).verdicts
            told.append((verdict.outcome, verdict.why.partition(": ")[2] or verdict.why))
            primary.drop_database(workshop.dbname)
        rolled_back = ("not_applied", "the server says that the transaction up to line 3 was rolled back")
        unsent = "line 4 and what follows was never sent"
        again = ("unknown", f"its ID may have been given to another since; {unsent}")
        # On a busy machine the server's own note of what runs (every 15 s) may have come to the disk: that ID is kept.
        assert told == [rolled_back, again if first <= asked else rolled_back]


@pytest.mark.parametrize("own", [18], indirect=True)
def test_what_was_told_as_done_outlives_a_crash_whatever_the_database_has_set(
    own: QuickServer, primary: Server, tmp_path: Path
) -> None:
    """synchronous_commit = off: a COMMIT is answered before it is on disk, and a crash withdraws it."""
    primary.execute("ALTER SYSTEM SET wal_writer_delay = '10s'")
    primary.execute("SELECT pg_reload_conf()")
    workshop = workshop_at(tmp_path, primary)
    primary.execute(f'ALTER DATABASE "{workshop.dbname}" SET synchronous_commit = off')
    workshop.change("one", "CREATE TABLE public.one ();\n", "DROP TABLE public.one;\n")
    workshop.change("two", UNRECORDED.replace("public.a", "public.two") + "RESET ALL;\n", "SELECT 1;\n")
    runs: tuple[tuple[Command, dict[str, Any], list[str]], ...] = (
        ("deploy", {"to": "one"}, ["one"]),
        ("deploy", {}, ["one", "two"]),
        ("revert", {"to": "one"}, ["one"]),
        ("revert", {"revert_all": True}, []),
    )
    for command, options, left in runs:
        done = workshop.run(command, **options)
        assert done.status == 0, done.events[-1].data
        immediate(own)
        own.start()
        assert workshop.deployed() == left
        assert workshop.relation("public.one") is bool(left)


def test_a_target_without_an_address_is_named_with_the_one_that_has_answered() -> None:
    """What PG* variables or a service lead to is another server another day: its target's text alone names neither."""
    there = Noted({}, "db:pg:shop", "shop", "ada", "15.1", 150001, None, None, "UTF8", "10.0.0.7", "5433")
    assert there.where == "db:pg:shop (10.0.0.7:5433)"
    given = dataclasses.replace(
        there, display="db:pg://10.0.0.7:5433/shop", conninfo={"host": "10.0.0.7", "port": "5433"}
    )
    assert given.where == given.display
    assert dataclasses.replace(there, host="", port="").where == "db:pg:shop"
