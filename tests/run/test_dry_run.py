"""A dry run: real locks, real failures, and nothing stays but what no transaction holds together."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from pgmig_tui.errors import ProjectError, Refused
from pgmig_tui.run.journal.run_plan import Options, RunPlan
from pgmig_tui.run.process.dry_run import prepare_dry_run
from tests.run.conftest import Outcome, Workshop

PROTECTED = """
[[environment]]
name = "box"
target = "$URI"
protected = true
confirm_word = "box"
lock_timeout = "{lock}"
"""


def planned(workshop: Workshop, **options: Any) -> RunPlan:
    project, environment = workshop.project()
    return prepare_dry_run(project, environment, Options(**options), state_dir=workshop.state_dir)


def tried(workshop: Workshop, **options: Any) -> Outcome:
    return workshop.finish(planned(workshop, **options))


def relations(workshop: Workshop) -> set[str]:
    rows = workshop.server.execute(
        "SELECT nspname || '.' || relname FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace"
        " WHERE c.oid >= 16384 AND nspname !~ '^pg_'",
        workshop.dbname,
    )
    return {name for (name,) in rows}


def schemas(workshop: Workshop) -> set[str]:
    rows = workshop.server.execute("SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_'", workshop.dbname)
    return {name for (name,) in rows}


def two_changes(workshop: Workshop) -> None:
    workshop.change("one", "BEGIN; CREATE TABLE public.one (id int); COMMIT;", verify="SELECT id FROM public.one;")
    workshop.change("two", "BEGIN; ALTER TABLE public.one ADD COLUMN more int; COMMIT;")


def test_only_the_first_change_is_tried_and_nothing_stays(workshop: Workshop) -> None:
    two_changes(workshop)
    before = schemas(workshop)

    outcome = tried(workshop)

    assert outcome.status == 0
    assert [event["change"] for event in outcome.named("step_tried")] == ["one"]
    assert outcome.named("step_verified") == [{"step": 1, "ok": True, "where": "inside"}]
    assert outcome.named("run_planned")[0]["command"] == "dry-run"
    assert outcome.named("run_finished")[0]["result"] == "rolled_back"
    assert relations(workshop) == set()
    assert schemas(workshop) == before, "neither the registry nor tracking was made"


def test_a_chain_sees_the_changes_before_it(workshop: Workshop) -> None:
    two_changes(workshop)
    outcome = tried(workshop, to="two")
    assert outcome.status == 0
    assert [event["change"] for event in outcome.named("step_tried")] == ["one", "two"]
    assert relations(workshop) == set()


def test_a_chain_ends_before_a_change_that_needs_no_transaction(workshop: Workshop) -> None:
    two_changes(workshop)
    workshop.change("three", "CREATE INDEX CONCURRENTLY one_idx ON public.one (id);")
    workshop.change("four", "BEGIN; SELECT 1; COMMIT;")
    plan = planned(workshop, to="four")
    assert [step.change for step in plan.steps] == ["one", "two"]
    assert any("three can't be in one transaction" in warning for warning in plan.warnings)
    assert workshop.finish(plan).status == 0


def test_a_first_change_that_needs_no_transaction_is_refused(workshop: Workshop) -> None:
    workshop.change("one", "VACUUM;")
    with pytest.raises(Refused, match="one can't be tried"):
        planned(workshop)
    assert not any((workshop.state_dir / "runs").iterdir())


def test_a_chain_stops_where_only_the_server_knows_that_a_commit_is_needed(workshop: Workshop) -> None:
    workshop.server.execute("CREATE TYPE public.mood AS ENUM ('sad')", workshop.dbname)
    workshop.change("one", "BEGIN; ALTER TYPE public.mood ADD VALUE 'glad'; COMMIT;")
    workshop.change("two", "BEGIN; CREATE TABLE public.t (m public.mood DEFAULT 'glad'); COMMIT;")
    outcome = tried(workshop, to="two")
    assert outcome.status == 0
    assert [event["change"] for event in outcome.named("step_tried")] == ["one"]
    assert any("can't be in one transaction" in event["message"] for event in outcome.named("warning"))
    assert "1 of 2" in outcome.named("run_finished")[0]["summary"]


def test_a_failure_is_told_and_leaves_nothing(workshop: Workshop) -> None:
    two_changes(workshop)
    workshop.change("three", "BEGIN;\nCREATE TABLE public.three ();\nSELECT 1/0;\nCOMMIT;")
    outcome = tried(workshop, to="three")
    assert outcome.status == 1
    failed = outcome.named("step_failed")[0]
    assert (failed["change"], failed["line"], failed["sqlstate"]) == ("three", 3, "22012")
    assert relations(workshop) == set()


def test_deferred_constraints_are_checked(workshop: Workshop) -> None:
    workshop.change(
        "one",
        "BEGIN; CREATE TABLE public.a (id int PRIMARY KEY);"
        " CREATE TABLE public.b (a int REFERENCES public.a DEFERRABLE INITIALLY DEFERRED);"
        " INSERT INTO public.b VALUES (1); COMMIT;",
    )
    outcome = tried(workshop)
    assert outcome.status == 1
    assert outcome.named("step_failed")[0]["sqlstate"] == "23503"


def test_a_verification_that_fails_fails_the_dry_run(workshop: Workshop) -> None:
    workshop.change("one", "BEGIN; CREATE TABLE public.one (); COMMIT;", verify="SELECT 1/0;")
    outcome = tried(workshop)
    assert outcome.status == 1
    assert outcome.named("step_failed")[0]["verify"] is True


def test_each_change_begins_as_in_a_session_of_its_own(workshop: Workshop) -> None:
    workshop.server.execute("CREATE SCHEMA other", workshop.dbname)
    workshop.change(
        "one", "BEGIN; SET search_path = other; CREATE TEMP TABLE scratch (); PREPARE p AS SELECT 1; COMMIT;"
    )
    workshop.change(
        "two",
        "BEGIN; CREATE TEMP TABLE scratch (); PREPARE p AS SELECT 2; CREATE TABLE here (); COMMIT;",
        verify="SELECT FROM public.here;",
    )
    outcome = tried(workshop, to="two")
    assert outcome.status == 0, outcome.named("step_failed")


def test_sequences_advance_and_that_is_said(workshop: Workshop) -> None:
    workshop.server.execute("CREATE SEQUENCE public.s", workshop.dbname)
    workshop.change("one", "BEGIN; SELECT nextval('public.s'); COMMIT;")
    outcome = tried(workshop)
    assert "sequences" in outcome.named("rolled_back")[0]["message"]
    assert workshop.server.execute("SELECT is_called FROM public.s", workshop.dbname) == [(True,)]


def test_statements_that_are_made_up_at_run_time_are_refused(workshop: Workshop) -> None:
    workshop.change("one", "BEGIN;\nSELECT 'COMMIT' \\gexec\nCOMMIT;")
    with pytest.raises(Refused, match="gexec"):
        planned(workshop)


@pytest.mark.parametrize("text", ["COMMIT", "SELECT 1; COMMIT; SELECT 2", "SELECT 1 \\; COMMIT", "SELECT 1 \\; END"])
def test_a_variable_that_is_made_up_at_run_time_can_not_commit(workshop: Workshop, text: str) -> None:
    workshop.change(
        "one", f"BEGIN;\nCREATE TABLE public.one ();\nSELECT $${text}$$ AS made \\gset\n:made;\nSELECT 1/0;\nCOMMIT;"
    )
    outcome = tried(workshop)
    assert outcome.status == 1
    assert relations(workshop) == set()


def test_a_shell_is_refused_whatever_the_policy_says(workshop: Workshop) -> None:
    workshop.toml = '[[environment]]\nname = "box"\ntarget = "$URI"\nallow_shell = true\n'
    workshop.change("one", "BEGIN;\n\\! touch here\nSELECT 1;\nCOMMIT;")
    with pytest.raises(ProjectError) as caught:
        planned(workshop)
    told = str(caught.value)
    assert "one.sql:2" in told
    assert "no dry run and no rehearsal does, whatever allow_shell says" in told
    assert "--allow-shell" not in told, "it is allowed already"
    assert "pgmig.toml" not in told


def test_a_held_lock_ends_it_after_the_lock_timeout(workshop: Workshop) -> None:
    workshop.server.execute("CREATE TABLE public.one ()", workshop.dbname)
    workshop.change("one", "BEGIN; ALTER TABLE public.one ADD COLUMN more int; COMMIT;")
    with psycopg.connect(workshop.server.conninfo(workshop.dbname)) as holder:
        holder.execute("LOCK TABLE public.one")
        outcome = tried(workshop)
    assert outcome.status == 1
    assert outcome.named("step_failed")[0]["sqlstate"] == "55P03"


def test_another_run_keeps_it_from_starting(workshop: Workshop) -> None:
    two_changes(workshop)
    assert workshop.run(to="one").status == 0
    plan = planned(workshop)
    with psycopg.connect(workshop.server.conninfo(workshop.dbname), autocommit=True) as other:
        workshop_lock(other)
        assert workshop.finish(plan).status == 3


def workshop_lock(connection: psycopg.Connection[Any]) -> None:
    """Take Sqitch's lock, as any run does."""
    from pgmig_tui.database.rows import LOCK_KEY

    connection.execute("SELECT pg_advisory_lock(%s)", [LOCK_KEY])


def test_the_registry_stays_as_it_was(workshop: Workshop) -> None:
    two_changes(workshop)
    assert workshop.run(to="one").status == 0
    count = "SELECT (SELECT count(*) FROM sqitch.changes), (SELECT count(*) FROM sqitch.events)"
    before = workshop.server.execute(count, workshop.dbname)
    assert tried(workshop).status == 0
    assert workshop.server.execute(count, workshop.dbname) == before
    assert workshop.run().status == 0, "the real deploy finds nothing in its way"


def test_a_protected_environment_tries_one_change_at_a_time(workshop: Workshop) -> None:
    workshop.toml = PROTECTED.format(lock="300ms")
    two_changes(workshop)
    plan = planned(workshop, to="two")
    assert [step.change for step in plan.steps] == ["one"]
    assert any("protected" in warning for warning in plan.warnings)


@pytest.mark.parametrize(
    ("sql", "why"),
    [
        ("ALTER TABLE public.t ALTER COLUMN id TYPE bigint", "rewrites public.t"),
        ("ALTER TABLE t ALTER COLUMN id TYPE bigint", "rewrites public.t"),
        ("ALTER TABLE public.t ALTER COLUMN id SET NOT NULL", "scans public.t"),
        ("CREATE INDEX ON public.t (id)", "scans public.t"),
        ("DO $$BEGIN EXECUTE 'ALTER TABLE public.t ALTER id TYPE bigint'; END$$", "DO"),
        ("SELECT setval('public.q', 9)", "a ROLLBACK doesn't bring back the state of the sequence public.q"),
    ],
)
def test_a_protected_environment_refuses_rewrites_scans_and_what_no_rollback_brings_back(
    workshop: Workshop, sql: str, why: str
) -> None:
    workshop.toml = PROTECTED.format(lock="300ms")
    workshop.server.execute("CREATE TABLE public.t (id int); CREATE SEQUENCE public.q", workshop.dbname)
    workshop.change("one", f"BEGIN; {sql}; COMMIT;")
    with pytest.raises(Refused) as caught:
        planned(workshop)
    assert why in "\n".join(caught.value.details)


def test_nothing_pending_is_nothing_to_try(workshop: Workshop) -> None:
    two_changes(workshop)
    assert workshop.run().status == 0
    assert planned(workshop).steps == ()
