"""Scripts that are no transaction, cut off in the middle: how far they got, told from the journal and the server."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path
from typing import Any

import psycopg
import pytest

from pgmig_tui.run.journal.run_plan import RunPlan
from pgmig_tui.run.recovery import reconcile
from pgmig_tui.run.recovery.evidence import StepOutcome
from tests.database.places import session
from tests.faults.faults import immediate
from tests.faults.quick import SETTINGS, QuickServer, quick_folder
from tests.installations import installation_of
from tests.run.conftest import Workshop
from tests.servers import Server, server_of

SETUP = """
CREATE TABLE public.other ();
CREATE SCHEMA a; CREATE SCHEMA b;
CREATE TABLE a.t (id int); CREATE TABLE b.t (id int NOT NULL, n int, CONSTRAINT c CHECK (n > 0));
CREATE TABLE b.made (id int);
CREATE TABLE a.gone (id int); CREATE TABLE b.gone (id int);
CREATE INDEX i ON b.t (id);
CREATE INDEX j ON a.t (id); CREATE INDEX j ON b.t (id);
CREATE FUNCTION a.f(int) RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION a.g(int) RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION a.g(text) RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE TABLE a.twice (id int); CREATE TABLE b.twice (id int);
"""
TWINS = [
    "CREATE FUNCTION f(text) RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "ALTER TABLE t ADD COLUMN n int",
    "ALTER TABLE t ADD CONSTRAINT c CHECK (id > 0)",
    "ALTER TABLE t ALTER id SET NOT NULL",
    "CREATE TABLE made (id int)",
    "CREATE INDEX CONCURRENTLY i ON t (id)",
    "CREATE INDEX IF NOT EXISTS i ON t (id)",
    "DROP FUNCTION g(int)",
    "DROP TABLE gone",
    "DROP INDEX CONCURRENTLY j",
    "DROP TABLE IF EXISTS gone",
    "ALTER TABLE twice RENAME TO once",
]
"""Each has something of its name elsewhere."""


def verdict_of(workshop: Workshop, plan: RunPlan, database: str) -> StepOutcome:
    with session(workshop.server, database, "pgmig/reconcile/run") as connection:
        return reconcile.examine(connection, plan).verdicts[-1]


def cut(plan: RunPlan, line: int, *, nth: int = 1, event: str = "statement_started", path: str = "") -> RunPlan:
    """The run as if its process had been killed when its journal had told that of that line. The database may be
    another one, with the same OIDs."""
    journal = plan.folder / "journal.jsonl"
    lines = journal.read_text().splitlines(keepends=True)
    told = [
        number
        for number, text in enumerate(lines, 1)
        if f'"event": "{event}"' in text and f'"line": {line},' in text and path in text
    ]
    journal.write_text("".join(lines[: told[nth - 1]]))
    return dataclasses.replace(plan, server=dataclasses.replace(plan.server, database_oid=None))


def forgotten(workshop: Workshop) -> None:
    """The record of the change is missing."""
    workshop.query("DELETE FROM sqitch.tags")
    workshop.query("DELETE FROM sqitch.changes")


@pytest.mark.parametrize("statement", TWINS)
def test_a_twin_elsewhere_is_not_taken_for_it(workshop: Workshop, statement: str) -> None:
    workshop.query(f'ALTER DATABASE "{workshop.dbname}" SET search_path = a, public')
    workshop.query(SETUP)
    workshop.change("one", f"VACUUM public.other;\n{statement};\nANALYZE public.other;\n")
    before = f"{workshop.dbname}_before"
    workshop.server.execute(f'CREATE DATABASE "{before}" TEMPLATE "{workshop.dbname}"')
    try:
        done = workshop.run()
        assert done.status == 0, [one["message"] for one in done.named("step_failed")]
        plan = cut(done.plan, 2)
        forgotten(workshop)
        ran = verdict_of(workshop, plan, workshop.dbname)
        assert (ran.outcome, ran.line, len(ran.stays)) == ("partly", 3, 2), ran
        never = verdict_of(workshop, plan, before)
        assert (never.outcome, never.line, len(never.stays)) == ("partly", 2, 1), never
    finally:
        workshop.server.drop_database(before)


def test_of_several_statements_on_one_line_the_right_one_is_meant(workshop18: Workshop) -> None:
    workshop18.change("one", "VACUUM pg_am; CREATE TABLE public.a (); CREATE TABLE public.b (); VACUUM pg_am;\n")
    done = workshop18.run()
    plan = cut(done.plan, 1, nth=3)
    forgotten(workshop18)
    ran = verdict_of(workshop18, plan, workshop18.dbname)
    assert (ran.outcome, len(ran.stays)) == ("partly", 3), ran
    assert "table b" in ran.why or "relation b" in ran.why
    workshop18.query("DROP TABLE public.b")
    never = verdict_of(workshop18, plan, workshop18.dbname)
    assert (never.outcome, len(never.stays)) == ("partly", 2), never


def test_what_was_committed_before_a_failover_may_be_lost(workshop18: Workshop) -> None:
    workshop18.change("one", "CREATE TABLE public.a ();\nCREATE TABLE public.b ();\nVACUUM pg_am;\n")
    done = workshop18.run()
    journal = done.plan.folder / "journal.jsonl"
    whole = journal.read_text()
    forgotten(workshop18)
    workshop18.query("DROP TABLE public.b")  # as on a standby that never had it, and was promoted
    for event, outcome in (("statement_started", "partly"), ("statement_finished", "unrecorded")):
        plan = cut(done.plan, 3, event=event)
        assert verdict_of(workshop18, plan, workshop18.dbname).outcome == outcome
        promoted = dataclasses.replace(plan, server=dataclasses.replace(plan.server, timeline=7))
        verdict = verdict_of(workshop18, promoted, workshop18.dbname)
        assert (verdict.outcome, "has failed over since" in verdict.why) == ("unknown", True), verdict
        assert all(told.endswith("(unless the failover has lost it)") for told in verdict.stays)
        journal.write_text(whole)


def test_what_belongs_to_no_schema_is_not_told_as_in_one(workshop18: Workshop) -> None:
    workshop18.change("one", "VACUUM pg_am;\nCREATE SCHEMA c;\nVACUUM pg_am;\n")
    plan = cut(workshop18.run().plan, 2)
    forgotten(workshop18)
    assert "(schema c is there)" in verdict_of(workshop18, plan, workshop18.dbname).why


def test_an_included_file_is_counted_in_its_place(workshop18: Workshop) -> None:
    (workshop18.root / "more.sql").write_text("\n" * 40 + "CREATE TABLE public.b ();\nVACUUM pg_am;\n")
    workshop18.change("one", "VACUUM pg_am;\n\\i more.sql\nCREATE TABLE public.c ();\n\\i more2.sql\n")
    (workshop18.root / "more2.sql").write_text("CREATE TABLE public.d ();\n")
    done = workshop18.run()
    assert done.status == 0, [one["message"] for one in done.named("step_failed")]
    plan = cut(done.plan, 41, path="more.sql")
    forgotten(workshop18)
    verdict = verdict_of(workshop18, plan, workshop18.dbname)
    assert (verdict.outcome, verdict.line, len(verdict.stays)) == ("partly", 42, 2), verdict
    assert "line 42 of more.sql" in verdict.why


def test_the_last_statement_of_the_last_file_is_the_end(workshop18: Workshop) -> None:
    (workshop18.root / "more.sql").write_text("CREATE TABLE public.d ();\n")
    workshop18.change("one", "VACUUM pg_am;\n\n\n\n\\i more.sql\n")
    done = workshop18.run()
    plan = cut(done.plan, 1, path="more.sql")
    forgotten(workshop18)
    assert verdict_of(workshop18, plan, workshop18.dbname).outcome == "unrecorded"


def test_a_branch_that_may_not_be_taken_leaves_it_open(workshop18: Workshop) -> None:
    script = "VACUUM pg_am;\nCREATE TABLE public.a ();\n\\if :{?nothing}\nCREATE TABLE public.b ();\n\\endif\n"
    workshop18.change("one", script)
    done = workshop18.run()
    assert done.status == 0, [one["message"] for one in done.named("step_failed")]
    plan = cut(done.plan, 2)
    forgotten(workshop18)
    verdict = verdict_of(workshop18, plan, workshop18.dbname)
    assert verdict.outcome == "unknown", verdict
    assert "whether line 4 and what follows was to be" in verdict.why


def test_what_is_temporary_does_not_stay(workshop18: Workshop) -> None:
    workshop18.change("one", "CREATE TEMP TABLE x (id int);\nVACUUM x;\nSET work_mem = '1MB';\nVACUUM pg_am;\n")
    done = workshop18.run()
    plan = cut(done.plan, 3)
    forgotten(workshop18)
    verdict = verdict_of(workshop18, plan, workshop18.dbname)
    assert (verdict.outcome, verdict.stays) == ("partly", ("line 2: VACUUM x",)), verdict


def test_what_a_query_has_made_is_looked_for_too(workshop18: Workshop) -> None:
    query = "SELECT format('CREATE TABLE public.%I ()', 'made ' || n) FROM generate_series(1, 2) n \\gexec\n"
    workshop18.change("one", f"VACUUM pg_am;\n{query}VACUUM pg_am;\n")
    done = workshop18.run()
    assert done.status == 0, [one["message"] for one in done.named("step_failed")]
    started = [one for one in done.named("statement_started") if one["kind"] == "CREATE TABLE"]
    plan = cut(done.plan, started[1]["line"], nth=3)
    forgotten(workshop18)
    ran = verdict_of(workshop18, plan, workshop18.dbname)
    assert "relation made 2 (schema public) is there" in ran.why
    workshop18.query('DROP TABLE public."made 2"')
    assert "is not there" in verdict_of(workshop18, plan, workshop18.dbname).why


# -- transactions --------------------------------------------------------------------------------------------------


@pytest.fixture
def crashing(pg18: Server) -> Any:
    """A server of our own, whose write-ahead log is flushed by nobody but a synchronous COMMIT."""
    installation = installation_of(pg18.version_num // 10000)
    assert installation is not None
    folder = quick_folder()
    # Above `minimal` the background writer notes every 15 s what runs, and has that flushed.
    lazy = {"wal_writer_delay": "10s", "checkpoint_timeout": "1d", "bgwriter_lru_maxpages": "0"}
    lazy |= {"wal_level": "minimal", "max_wal_senders": "0"}
    made = QuickServer(folder / "crashing", installation, settings={**SETTINGS, **lazy})
    made.start()
    yield made
    made.stop()
    shutil.rmtree(folder, ignore_errors=True)


LAZY = "SET synchronous_commit = off;\nBEGIN;\nCREATE TABLE public.lost ();\nCOMMIT;\nSELECT pg_sleep(60);\n"
LOST = LAZY.replace("synchronous_commit", r'U&"\0073ynchronous_commit"')
"""Nobody sees by its text that its COMMIT won't wait."""
KEPT = LAZY.replace("off", "on").replace("lost", "kept")


@pytest.mark.parametrize(("script", "outcome"), [(LOST, "not_applied"), (KEPT, "partly")])
@pytest.mark.parametrize("others", [0, 200])
def test_a_commit_that_a_crash_has_taken_is_not_claimed(
    crashing: QuickServer, tmp_path: Path, script: str, outcome: str, others: int
) -> None:
    server = server_of(crashing.conninfo("postgres"), crashing.installation.bin_dir)
    (tmp_path / "project").mkdir()
    workshop = Workshop(tmp_path / "project", server, server.create_database(), tmp_path / "state")
    workshop.change("one", script)
    plan = workshop.plan()
    seen: list[int] = []

    def crash(handle: Any, event: Any) -> None:
        if event.name == "statement_started" and event.data["line"] == 5:
            immediate(crashing)
            seen.append(event.seq)

    workshop.finish(plan, crash)
    assert seen
    crashing.start()
    # The process was killed with the server: the answer of the COMMIT never came.
    plan = cut(plan, 4)
    for _ in range(others):  # others are given IDs
        with psycopg.connect(server.conninfo(workshop.dbname), autocommit=True) as connection:
            connection.execute("SELECT pg_current_xact_id()")
    assert workshop.relation("public.lost") is False
    verdict = verdict_of(workshop, plan, workshop.dbname)
    assert verdict.outcome == outcome, verdict


def test_what_was_committed_without_waiting_for_the_disk_is_there_once_it_is_told(
    crashing: QuickServer, tmp_path: Path
) -> None:
    server = server_of(crashing.conninfo("postgres"), crashing.installation.bin_dir)
    (tmp_path / "project").mkdir()
    workshop = Workshop(tmp_path / "project", server, server.create_database(), tmp_path / "state")
    workshop.change("one", LAZY.replace("SELECT pg", "CREATE TABLE public.alone ();\nSELECT pg"))
    plan = workshop.plan()

    def crash(handle: Any, event: Any) -> None:
        if event.name == "statement_started" and event.data["line"] == 6:
            immediate(crashing)

    workshop.finish(plan, crash)
    crashing.start()
    verdict = verdict_of(workshop, plan, workshop.dbname)
    assert [told.partition(" TABLE ")[2] for told in verdict.stays] == ["public.lost ()", "public.alone ()"]
    assert (workshop.relation("public.lost"), workshop.relation("public.alone")) == (True, True)


def test_an_id_that_was_not_made_lasting_proves_nothing(workshop18: Workshop) -> None:
    workshop18.change("one", "BEGIN;\nCREATE TABLE public.a ();\nCOMMIT;\nVACUUM pg_am;\n")
    done = workshop18.run()
    (commit,) = [one for one in done.named("statement_started") if one["kind"] == "COMMIT"]
    assert commit["lasting"] is True
    plan = cut(done.plan, 3)
    forgotten(workshop18)
    assert verdict_of(workshop18, plan, workshop18.dbname).outcome == "partly"
    journal = plan.folder / "journal.jsonl"
    text = journal.read_text()
    journal.write_text(text.replace('"lasting": true', '"lasting": false'))
    verdict = verdict_of(workshop18, plan, workshop18.dbname)
    assert (verdict.outcome, "may have been given to another" in verdict.why) == ("unknown", True), verdict
    journal.write_text(text.replace(f'"xid": "{commit["xid"]}"', '"xid": "99999999999"'))
    verdict = verdict_of(workshop18, plan, workshop18.dbname)
    assert (verdict.outcome, "has never come to the ID" in verdict.why) == ("not_applied", True), verdict


def test_a_role_that_may_write_no_message_loses_nothing_but_the_proof(workshop18: Workshop) -> None:
    workshop18.query(
        "DO $$ DECLARE f regprocedure; BEGIN FOR f IN SELECT oid FROM pg_proc WHERE proname = 'pg_logical_emit_message'"
        " LOOP EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', f); END LOOP; END $$"
    )
    workshop18.query(f'CREATE ROLE "{workshop18.dbname}"')
    workshop18.query(f'GRANT CREATE ON SCHEMA public TO "{workshop18.dbname}"')
    script = f'SET ROLE "{workshop18.dbname}";\nBEGIN;\nCREATE TABLE public.a ();\nCOMMIT;\nVACUUM public.a;\n'
    workshop18.change("one", script)
    done = workshop18.run()
    assert done.status == 0, [one["message"] for one in done.named("step_failed")]
    (commit,) = [one for one in done.named("statement_started") if one["kind"] == "COMMIT"]
    assert (commit["xid"].isdigit(), commit["lasting"]) == (True, False)
    workshop18.query(f'DROP OWNED BY "{workshop18.dbname}"')
    workshop18.query(f'DROP ROLE "{workshop18.dbname}"')
