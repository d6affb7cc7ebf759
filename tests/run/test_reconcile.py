"""Runs that were cut off: what became of them is found out, from evidence, before anything else is run."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import pytest

from pgmig_tui.database.activity import terminate
from pgmig_tui.database.connect import Connection
from pgmig_tui.errors import InDoubt
from pgmig_tui.run.clients import client
from pgmig_tui.run.journal import listing
from pgmig_tui.run.journal.run_plan import Command, RunPlan
from pgmig_tui.run.recovery import reconcile
from pgmig_tui.run.recovery.cut_off import cut_off_runs
from tests.run.conftest import Workshop

SLOW = "BEGIN;\nCREATE TABLE public.slow ();\nSELECT pg_sleep(30);\nCOMMIT;\n"


def kill_at(
    workshop: Workshop,
    event: str,
    *,
    command: Command = "deploy",
    variables: Mapping[str, str] | None = None,
    **fields: object,
) -> RunPlan:
    """Start a run and kill its process when its journal has told of such an event."""
    plan = workshop.plan(command, revert_all=command == "revert", variables=dict(variables or {}))
    handle = client.start(plan)
    assert isinstance(handle._process, subprocess.Popen)
    seen: list[str] = []
    while True:
        alive = handle.alive()
        for told in handle.poll():
            seen.append(told.name)
            if told.name == event and all(told.data.get(key) == value for key, value in fields.items()):
                handle._process.kill()
                handle._process.wait(60)
                return plan
        assert alive, f"the run ended without {event}: {seen}"


@contextmanager
def looking(workshop: Workshop) -> Iterator[Connection]:
    _, environment = workshop.project()
    with reconcile.asked(environment.target) as (connection, _identity):
        yield connection


def examined(connection: Connection, plan: RunPlan) -> reconcile.Settlement:
    """What became of a run whose process was killed. A session of PostgreSQL 13 doesn't notice that, and until somebody
    has ended it, nothing is certain."""
    found = reconcile.examine(connection, plan)
    if connection.server_version_num < 140000 and found.sessions:
        assert found.verdicts == ()
        for one in found.sessions:
            terminate(connection, one)
        found = reconcile.examine(connection, plan)
    return found


def test_a_killed_atomic_step_is_settled_by_the_next_run(workshop: Workshop) -> None:
    workshop.change("one", "CREATE TABLE public.one ();\n")
    workshop.change("two", SLOW.replace("30", "1.5"))
    kill_at(workshop, "statement_started", step=2, line=3)
    (cut,) = listing.unfinished(workshop.state_dir)
    plan = workshop.plan()
    assert [step.change for step in plan.steps] == ["two"]
    assert plan.warnings[0].startswith(
        f"the run {cut.run_id} was cut off; the next run that begins here settles it: 1 of 2 steps are done; two: its"
    )
    assert [run.run_id for run in listing.unfinished(workshop.state_dir)] == [cut.run_id], "planning only reads"
    done = workshop.finish(plan)
    assert done.status == 0
    assert [told["settled"] for told in done.named("earlier_run_settled")] == [cut.run_id]
    assert listing.unfinished(workshop.state_dir) == []
    settled = listing.list_runs(workshop.state_dir)[-1]
    assert (settled.state, settled.exit_status, settled.steps_done) == ("failed", 1, 1)
    told = "SELECT success, description FROM pgmig.schema_migrations WHERE version = 'two' ORDER BY id"
    rows = workshop.query(told)
    assert [success for success, _ in rows] == [False, True]
    assert "deploy cut off, not applied" in rows[0][1]
    told = "SELECT state, exit_status, finished_at > heartbeat_at FROM pgmig.runs"
    rows = workshop.query(f"{told} WHERE run_id = '{cut.run_id}'")
    assert rows == [("finished", 1, True)]


def test_a_session_that_still_works_is_named_and_nothing_is_decided(workshop: Workshop) -> None:
    workshop.change("one", "CREATE TABLE public.one ();\n")
    plan = workshop.plan()
    assert workshop.finish(plan).status == 0
    with looking(workshop) as connection, workshop.connect(application_name=f"pgmig/{plan.run_id}/1") as left:
        settlement = reconcile.examine(connection, plan, patience_s=0)
        assert [one.pid for one in settlement.sessions] == [left.info.backend_pid]
        assert (settlement.settled, settlement.verdicts, settlement.exit_status) == (False, (), 4)
        assert reconcile.end_sessions(connection, settlement) == []
        after = reconcile.examine(connection, plan)
    assert after.settled
    assert [one.outcome for one in after.verdicts] == ["recorded"]


def test_a_session_under_another_name_is_found_by_what_the_journal_knows(workshop18: Workshop) -> None:
    deaf = "SET client_connection_check_interval = 0" if workshop18.server.version_num >= 140000 else "SELECT 1"
    script = f"SET application_name = 'mine';\n{deaf};\nSELECT pg_sleep(60);\n"
    workshop18.change("one", f"BEGIN;\nCREATE TABLE public.slow ();\n{script}COMMIT;\n")
    plan = kill_at(workshop18, "statement_started", line=5)
    ask = "SELECT pid FROM pg_stat_activity WHERE application_name = 'mine' AND datname = current_database()"
    ((pid,),) = workshop18.query(ask)
    with pytest.raises(InDoubt) as refused:
        workshop18.plan()
    assert f"still lives on the server: process {pid}" in refused.value.what
    with looking(workshop18) as connection:
        settlement = reconcile.examine(connection, plan, patience_s=0)
        assert [(one.pid, one.application) for one in settlement.sessions] == [(pid, "mine")]
        assert reconcile.end_sessions(connection, settlement) == []
        after = reconcile.examine(connection, plan)
    assert [one.outcome for one in after.verdicts] == ["not_applied"]
    assert not workshop18.relation("public.slow")


def test_a_process_that_was_used_again_is_not_the_run(workshop18: Workshop) -> None:
    workshop18.change("one", "CREATE TABLE public.one ();\n")
    done = workshop18.run()
    (opened,) = done.named("session_opened")
    path = done.plan.folder / "journal.jsonl"
    with looking(workshop18) as connection, workshop18.connect() as other:
        path.write_text(path.read_text().replace(f'"pid": {opened["pid"]}', f'"pid": {other.info.backend_pid}'))
        assert reconcile.examine(connection, done.plan, patience_s=0).sessions == ()


def test_what_a_pool_has_taken_back_is_no_session_of_the_run_and_is_ended_for_nobody(workshop18: Workshop) -> None:
    workshop18.change("one", "CREATE TABLE public.one ();\n")
    done = workshop18.run()
    (opened,) = done.named("session_opened")
    journal = done.plan.folder / "journal.jsonl"
    with looking(workshop18) as connection, workshop18.connect(application_name="another") as other:
        ((pid, started),) = other.execute(
            "SELECT pid, to_char(backend_start AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"
            " FROM pg_stat_activity WHERE pid = pg_backend_pid()"
        ).fetchall()
        theirs = f'"pooled": true, "pid": {pid}, "started": "{started}"'
        ours = f'"pid": {opened["pid"]}, "started": "{opened["started"]}"'
        assert ours in journal.read_text()
        journal.write_text(journal.read_text().replace(ours, theirs))
        other.execute("COMMIT")
        assert reconcile.examine(connection, done.plan, patience_s=0).done == 1
        other.execute("BEGIN")
        at_work = reconcile.examine(connection, done.plan, patience_s=0)
        assert ([one.pid for one in at_work.sessions], at_work.verdicts) == ([pid], ())
        ((session, why),) = reconcile.end_sessions(connection, at_work)
        assert (session.pid, "from a pool" in why) == (pid, True)
        assert other.execute("SELECT 1").fetchall() == [(1,)]


def test_a_script_that_was_applied_and_not_recorded_waits_for_a_word(workshop: Workshop) -> None:
    workshop.change("table", "CREATE TABLE public.t (id int);\n")
    workshop.change("index", "CREATE INDEX CONCURRENTLY i ON public.t (id);\n", "", "SELECT pg_sleep(20);\n")
    kill_at(workshop, "step_applied", step=2)
    with pytest.raises(InDoubt) as refused:
        workshop.plan()
    assert "pgmig-tui reconcile" in refused.value.do
    project, environment = workshop.project()
    with reconcile.asked(environment.target) as (connection, identity):
        (cut,) = cut_off_runs(workshop.state_dir, project, environment, connection, identity)
        assert (cut.relation, cut.own) == ("same", True)
        settlement = examined(connection, cut.plan)
        assert [one.outcome for one in settlement.verdicts] == ["recorded", "unrecorded"]
        assert not settlement.settled


TWO = (
    "BEGIN;\nCREATE TABLE public.a ();\nINSERT INTO public.n VALUES (1);\nCOMMIT;\n"
    "BEGIN;\nCREATE TABLE public.b ();\nINSERT INTO public.n VALUES (2);\nCOMMIT;\n"
)
"""Two transactions in one script. A deferred trigger on `n` makes a COMMIT take its time."""


@pytest.mark.parametrize(
    ("line", "committed", "outcome", "stays"),
    [(4, False, "not_applied", 0), (4, True, "partly", 2), (8, False, "partly", 2), (8, True, "unrecorded", 4)],
)
def test_the_server_is_asked_what_became_of_a_commit(
    workshop18: Workshop, line: int, committed: bool, outcome: str, stays: int
) -> None:
    workshop18.query("CREATE TABLE public.n (n int)")
    workshop18.change("two", TWO)
    done = workshop18.run()
    assert done.status == 0, done.events[-1].data
    (begun,) = [data for data in done.named("statement_started") if data["line"] == line]
    assert begun["xid"].isdigit()
    # The same journal, cut off behind the COMMIT that was sent; and a transaction that did, or didn't, come to its end.
    with workshop18.connect() as other:
        other.execute("BEGIN")
        xid = other.execute("SELECT pg_current_xact_id()::text").fetchone()
        other.execute("COMMIT" if committed else "ROLLBACK")
    assert xid is not None
    workshop18.query("DELETE FROM sqitch.tags")
    workshop18.query("DELETE FROM sqitch.changes")
    path = done.plan.folder / "journal.jsonl"
    lines = path.read_text().splitlines(keepends=True)
    kept = lines[: next(n for n, text in enumerate(lines) if f'"xid": "{begun["xid"]}"' in text) + 1]
    path.write_text("".join(kept).replace(f'"xid": "{begun["xid"]}"', f'"xid": "{xid[0]}"'))
    with looking(workshop18) as connection:
        (verdict,) = reconcile.examine(connection, done.plan).verdicts
    assert (verdict.outcome, len(verdict.stays)) == (outcome, stays), verdict


def test_a_commit_that_the_server_which_answers_never_had_is_said(workshop18: Workshop) -> None:
    workshop18.change("one", "CREATE TABLE public.one ();\n")
    done = workshop18.run()
    workshop18.query("DELETE FROM sqitch.changes")
    with looking(workshop18) as connection:
        (verdict,) = reconcile.examine(connection, done.plan).verdicts
    assert verdict.outcome == "not_applied"
    assert "promoted standby" in verdict.why


def test_a_run_that_was_killed_before_its_first_word_is_settled(workshop18: Workshop) -> None:
    workshop18.change("one", "CREATE TABLE public.one ();\n")
    plan = workshop18.plan()
    (plan.folder / "journal.jsonl").touch()
    assert [run.run_id for run in listing.unfinished(workshop18.state_dir)] == [plan.run_id]
    again = workshop18.run()
    assert "0 of 1 steps are done" in again.plan.warnings[0]
    assert listing.unfinished(workshop18.state_dir) == []


def test_a_torn_line_is_closed_before_the_journal_goes_on(workshop18: Workshop) -> None:
    workshop18.change("one", "CREATE TABLE public.one ();\n")
    workshop18.change("two", SLOW.replace("30", "1"))
    plan = kill_at(workshop18, "statement_started", step=2, line=3)
    path = plan.folder / "journal.jsonl"
    path.write_bytes(path.read_bytes() + b'{"at": "2026')
    assert "1 of 2 steps are done" in workshop18.run().plan.warnings[0]
    last = path.read_text().splitlines()[-1]
    assert '"event": "run_finished"' in last
    assert listing.list_runs(workshop18.state_dir)[-1].steps_done == 1
