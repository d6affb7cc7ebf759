"""Stepwise steps: what can't be one transaction is journalled statement by statement, and told by line."""

from __future__ import annotations

import secrets

import pytest

from pgmig_tui.errors import ProjectError
from pgmig_tui.run.recovery import reconcile
from tests.run.conftest import Workshop

VERIFY = "SELECT 1/count(*) FROM pg_index WHERE indexrelid = to_regclass('public.i') AND indisvalid;\n"


def _table(workshop: Workshop) -> None:
    workshop.change(
        "table", "BEGIN;\nCREATE TABLE public.t (id int);\nINSERT INTO public.t VALUES (1), (1);\nCOMMIT;\n"
    )


def test_an_index_built_concurrently_is_verified_and_recorded(workshop: Workshop) -> None:
    _table(workshop)
    workshop.change("index", "CREATE INDEX CONCURRENTLY i ON public.t (id);\n", "", VERIFY)
    done = workshop.run()
    assert done.status == 0, done.named("step_failed")
    names = [event.name for event in done.events if event.data.get("step") == 2]
    assert names == [
        "step_started",
        "statement_started",
        "statement_finished",
        "step_applied",
        "statement_started",
        "statement_finished",
        "output",
        "step_verified",
        "step_recorded",
    ]
    assert workshop.deployed() == ["table", "index"]


def test_a_script_that_fails_half_way_names_what_stays(workshop: Workshop) -> None:
    _table(workshop)
    script = (
        "CREATE TABLE public.a ();\nCREATE TABLE public.b ();\nCREATE UNIQUE INDEX CONCURRENTLY i ON public.t (id);\n"
    )
    workshop.change("index", script)
    done = workshop.run()
    assert done.status == 1
    (failed,) = done.named("step_failed")
    assert failed["what_stays"] == [
        "line 1: CREATE TABLE public.a ()",
        "line 2: CREATE TABLE public.b ()",
        "INVALID index public.i",
    ]
    assert (failed["line"], failed["sqlstate"], failed["committed"]) == (3, "23505", True)
    assert workshop.deployed() == ["table"]
    assert workshop.registry_events()[-1] == ("fail", "index")
    assert workshop.relation("public.b")


def test_the_next_run_is_told_what_one_that_failed_has_left(workshop: Workshop) -> None:
    workshop.change("one", "CREATE TABLE public.a ();\nVACUUM public.a;\nSELECT 1/0;\n")
    done = workshop.run()
    assert "the registry holds what it held before" in done.events[-1].data["now"]
    assert "its script runs from the beginning" in done.events[-1].data["do"]
    (warning,) = [one for one in workshop.plan().warnings if "partly" in one]
    assert warning.startswith(f"one was partly carried out by the run {done.plan.run_id} (its deploy, at line 3)")
    workshop.query("DROP TABLE public.a")
    (workshop.root / "deploy" / "one.sql").write_text("CREATE TABLE public.a ();\nVACUUM public.a;\n")
    assert workshop.run().status == 0
    workshop.change("two", "SELECT 1;\n")
    assert not [one for one in workshop.plan().warnings if "partly" in one]


_HALF = "INSERT INTO public.t VALUES (7); COMMIT; PERFORM 1/0;"


@pytest.mark.parametrize(
    ("script", "halves"),
    [
        (f"SELECT 1;\nDO $$ BEGIN {_HALF} END $$;\n", ["DO $$ BEGIN INSERT"]),
        (f"CREATE PROCEDURE public.p() LANGUAGE plpgsql AS $$BEGIN {_HALF} END$$;\nCALL public.p();\n", ["CALL"]),
        ("VACUUM public.t;\nINSERT INTO public.t VALUES (7)\\; COMMIT\\; SELECT 1/0;\n", ["INSERT INTO public.t"]),
        ("VACUUM public.t;\nDO $$ BEGIN INSERT INTO public.t VALUES (7); PERFORM 1/0; END $$;\n", []),
        ("VACUUM public.t;\nCREATE FUNCTION public.f() RETURNS x LANGUAGE plpgsql AS $$BEGIN NULL; END;$$;\n", []),
    ],
)
def test_what_fails_on_its_way_is_not_said_to_have_left_nothing(
    workshop: Workshop, script: str, halves: list[str]
) -> None:
    _table(workshop)
    workshop.change("half", script)
    done = workshop.run()
    assert done.status == 1
    (failed,) = done.named("step_failed")
    perhaps = [one for one in failed["what_stays"] if "perhaps part of" in one]
    assert all(one.startswith(f"line 2: perhaps part of {half}") for one, half in zip(perhaps, halves, strict=True))
    assert workshop.query("SELECT count(*) FROM public.t WHERE id = 7") == [(len(halves),)], "so much is true"
    _, environment = workshop.project()
    with reconcile.asked(environment.target) as (connection, _):
        verdict = reconcile.examine(connection, done.plan).verdicts[-1]
    assert (verdict.outcome, verdict.line) == ("partly", 2)
    assert [one for one in verdict.stays if "perhaps" in one] == perhaps


def test_what_stays_shows_no_password(workshop: Workshop) -> None:
    script = "CREATE ROLE {0} PASSWORD 'hunter2';\nVACUUM;\nDROP ROLE {0};\nSELECT 1/0;\n"
    workshop.change("role", script.format(f"r_{secrets.token_hex(6)}"))
    done = workshop.run()
    (failed,) = done.named("step_failed")
    assert len(failed["what_stays"]) >= 2
    assert "hunter2" not in (done.plan.folder / "journal.jsonl").read_text()


def test_an_applied_change_that_fails_its_verification_is_recorded(workshop: Workshop) -> None:
    _table(workshop)
    workshop.change("index", "CREATE INDEX CONCURRENTLY i ON public.t (id);\n", "", "SELECT 1/0;\n")
    workshop.change("never", "SELECT 1;\n")
    done = workshop.run()
    assert done.status == 1
    assert done.events[-1].data["result"] == "verify_failed"
    assert workshop.deployed() == ["table", "index"], "the registry says what the schema is"
    assert workshop.registry_events()[-1] == ("deploy", "index")
    (verified,) = [data for data in done.named("step_verified") if data["step"] == 2]
    assert (verified["ok"], verified["where"], verified["sqlstate"]) == (False, "after", "22012")
    outcomes = workshop.query(
        "SELECT success, description FROM pgmig.schema_migrations WHERE version = 'index' ORDER BY id"
    )
    assert [success for success, _ in outcomes] == [False], "one row a step, and success means verified, too"
    assert "verify_failed" in outcomes[0][1]


@pytest.mark.parametrize("ending", ["ROLLBACK;\n", ""])
def test_a_script_that_keeps_nothing_is_refused_before_it_starts(workshop: Workshop, ending: str) -> None:
    workshop.change("one", "BEGIN;\nCREATE TABLE public.t ();\n" + ending)
    with pytest.raises(ProjectError) as refused:
        workshop.plan()
    assert refused.value.exit_status == 2
    assert not workshop.relation("sqitch.changes")
    assert workshop.run(log_only=True).status == 0


def test_an_enum_value_is_verified_after_the_commit(workshop: Workshop) -> None:
    workshop.change("type", "CREATE TYPE public.mood AS ENUM ('good');\n")
    verify = "SELECT 1/(('bad'::public.mood IS NOT NULL)::int);\n"
    workshop.change("value", "BEGIN;\nALTER TYPE public.mood ADD VALUE 'bad';\nCOMMIT;\n", "", verify)
    done = workshop.run()
    assert done.status == 0, done.named("step_failed")
    assert [data["where"] for data in done.named("step_verified")] == ["after"]


def test_a_verification_that_the_transaction_does_not_allow_moves_behind_the_commit(workshop: Workshop) -> None:
    verify = "DO $$ BEGIN RAISE 'not in a transaction block' USING ERRCODE = '25001'; END $$;\n"
    workshop.change("one", "CREATE TABLE public.t ();\n", "", verify)
    done = workshop.run()
    assert [data["where"] for data in done.named("step_verified")][-1] == "after"
    assert workshop.deployed() == ["one"]


def test_a_change_that_is_verified_after_its_commit_has_one_row(workshop: Workshop) -> None:
    workshop.toml = '[[environment]]\nname = "box"\ntarget = "$URI"\nverify = "after"\n'
    unverified = (
        "SELECT 1/count(*) FROM pgmig.schema_migrations WHERE NOT success AND description LIKE '% unverified %';"
    )
    workshop.change("one", "CREATE TABLE public.one ();\n", "", unverified)
    workshop.change("two", "CREATE TABLE public.two ();\n", "", "SELECT 1/0;\n")
    done = workshop.run()
    assert (done.status, workshop.deployed()) == (1, ["one", "two"])
    one, two = workshop.query("SELECT version, success, description FROM pgmig.schema_migrations ORDER BY id")
    assert one[:2] == ("one", True)
    assert "verified" not in one[2]
    assert two[:2] == ("two", False)
    assert "deploy verify_failed " in two[2]


def test_revert_goes_newest_first_and_stops_where_it_is_told(workshop: Workshop) -> None:
    for name in ("one", "two", "three"):
        workshop.change(name, f"CREATE TABLE public.{name} ();\n", f"DROP TABLE public.{name};\n")
    assert workshop.run().status == 0
    assert workshop.run("revert", to="one").status == 0
    assert workshop.deployed() == ["one"]
    assert [event for event in workshop.registry_events() if event[0] == "revert"] == [
        ("revert", "three"),
        ("revert", "two"),
    ]
    assert workshop.relation("public.one")
    assert not workshop.relation("public.two")
    assert workshop.run("revert", revert_all=True).status == 0
    assert workshop.deployed() == []


def test_a_failing_revert_leaves_the_change_recorded(workshop: Workshop) -> None:
    workshop.change(
        "one", "CREATE TABLE public.t ();\n", "BEGIN;\nDROP TABLE public.t;\nDROP TABLE public.nowhere;\nCOMMIT;\n"
    )
    assert workshop.run().status == 0
    done = workshop.run("revert", revert_all=True)
    assert done.status == 1
    assert workshop.deployed() == ["one"]
    assert workshop.relation("public.t")
    assert workshop.registry_events() == [("deploy", "one")], "as sqitch: a failed revert is no event"


def test_verify_runs_every_script_and_counts(workshop: Workshop) -> None:
    workshop.change("one", "CREATE TABLE public.t ();\n", "", "SELECT FROM public.t;\n")
    workshop.change("two", "CREATE TABLE public.u ();\n", "", "SELECT FROM public.u;\n")
    assert workshop.run().status == 0
    assert workshop.run("verify").status == 0
    workshop.query("DROP TABLE public.t")
    done = workshop.run("verify")
    assert done.status == 1
    assert [data["ok"] for data in done.named("step_verified")] == [False, True]


def test_a_run_of_like_statements_is_one_audit_row(workshop: Workshop) -> None:
    rows = "".join(f"INSERT INTO public.t VALUES ({n});\n" for n in range(50))
    workshop.change("one", f"BEGIN;\nCREATE TABLE public.t (id int);\n{rows}COMMIT;\n")
    done = workshop.run()
    assert done.status == 0
    assert workshop.query("SELECT operation_type, description FROM pgmig.schema_audit ORDER BY id") == [
        ("CREATE", "deploy/one.sql:2"),
        ("INSERT", "deploy/one.sql:3, 50 statements, lines 3 to 52, 50 rows"),
    ]
    assert sum(data["count"] for data in done.named("statements_finished")) == 49


def test_secrets_reach_neither_journal_nor_audit(workshop: Workshop) -> None:
    role = f"secret_{workshop.dbname}"
    workshop.change("one", f"CREATE ROLE {role} PASSWORD 'hunter2hunter2';\n")
    try:
        done = workshop.run()
        assert done.status == 0
        journal = (done.plan.folder / "journal.jsonl").read_text()
        assert "hunter2" not in journal
        assert "hunter2" not in str(workshop.query("SELECT sql_statement FROM pgmig.schema_audit"))
    finally:
        workshop.query(f"DROP ROLE {role}")


def test_what_ends_with_the_session_is_not_said_to_stay(workshop18: Workshop) -> None:
    script = "SET work_mem = '1MB';\nCREATE TEMP TABLE x (id int);\nVACUUM x;\nCREATE TABLE public.y ();\nSELECT 1/0;\n"
    workshop18.change("one", script)
    done = workshop18.run()
    (failed,) = done.named("step_failed")
    assert failed["what_stays"] == ["line 3: VACUUM x", "line 4: CREATE TABLE public.y ()"]
