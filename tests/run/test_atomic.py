"""Atomic steps: change, verification and record appear together or not at all, whatever the script did."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.run.conftest import Workshop
from tests.servers import Server

TABLE = "BEGIN;\nCREATE TABLE public.t (id int PRIMARY KEY);\nCOMMIT;\n"
VERIFY = "BEGIN;\nSELECT id FROM public.t WHERE FALSE;\nROLLBACK;\n"


def test_change_verification_and_record_commit_together(workshop: Workshop) -> None:
    workshop.change("one", TABLE, "BEGIN;\nDROP TABLE public.t;\nCOMMIT;\n", VERIFY)
    done = workshop.run()
    assert done.status == 0
    assert [name for name in done.names if name.startswith("step_")] == [
        "step_started",
        "step_verified",
        "step_committing",
        "step_committed",
    ]
    assert workshop.deployed() == ["one"]
    assert workshop.relation("public.t")
    ((change_id, table_xmin, row_xmin),) = workshop.query(
        "SELECT change_id, (SELECT xmin::text FROM pg_class WHERE relname = 't'), xmin::text FROM sqitch.changes"
    )
    assert table_xmin == row_xmin, "the table and its record come from one transaction"
    assert workshop.query("SELECT version, success FROM pgmig.schema_migrations") == [("one", True)]
    assert workshop.query("SELECT operation_type, object_type, object_name FROM pgmig.schema_audit") == [
        ("CREATE", "TABLE", "public.t")
    ]
    assert change_id == done.plan.steps[0].change_id


def test_a_failing_verification_leaves_nothing_but_a_fail_event(workshop: Workshop) -> None:
    workshop.change("one", TABLE, "", "SELECT 1/0;\n")
    done = workshop.run()
    assert done.status == 1
    assert not workshop.relation("public.t")
    assert workshop.deployed() == []
    assert workshop.registry_events() == [("fail", "one")]
    (failed,) = done.named("step_failed")
    assert failed["sqlstate"] == "22012"
    assert failed["path"] == "verify/one.sql"
    assert failed["line"] == 1
    assert failed["committed"] is False
    assert workshop.query("SELECT version, success FROM pgmig.schema_migrations") == [("one", False)]


def test_the_blocks_of_a_verification_begin_and_end_where_it_says(workshop: Workshop) -> None:
    count = "SELECT 1 / (count(*) = {})::int FROM public.t;\n"
    verify = (
        "BEGIN;\nINSERT INTO public.t VALUES (1);\nROLLBACK;\n" + count.format(0)
        + "INSERT INTO public.t VALUES (2);\nBEGIN;\nINSERT INTO public.t VALUES (3);\nROLLBACK;\n" + count.format(1)
        + "BEGIN;\nINSERT INTO public.t VALUES (4);\nCOMMIT;\n" + count.format(2)
        + "BEGIN;\nTRUNCATE public.t;\nROLLBACK;\n"
    )  # fmt: skip
    workshop.change("one", TABLE, "", verify)
    assert workshop.run().status == 0
    assert workshop.query("SELECT id FROM public.t ORDER BY id") == [(2,), (4,)]


def test_a_verification_that_ends_in_rollback_leaves_nothing(workshop: Workshop) -> None:
    workshop.change("one", TABLE, "", "BEGIN;\nINSERT INTO public.t VALUES (1);\nROLLBACK;\n")
    assert workshop.run().status == 0
    assert workshop.query("SELECT id FROM public.t") == []


def test_a_failing_statement_names_its_line_and_rolls_back(workshop: Workshop) -> None:
    workshop.change("one", "BEGIN;\nCREATE TABLE public.t (id int);\n\nSELECT *\n  FROM public.nowhere;\nCOMMIT;\n")
    done = workshop.run()
    assert done.status == 1
    (failed,) = done.named("step_failed")
    assert (failed["sqlstate"], failed["line"]) == ("42P01", 5)
    assert not workshop.relation("public.t")
    assert workshop.deployed() == []


def test_what_was_committed_before_stays_when_a_later_change_fails(workshop: Workshop) -> None:
    workshop.change("one", TABLE, "", VERIFY)
    workshop.change("two", "BEGIN;\nSELECT nonsense;\nCOMMIT;\n")
    workshop.change("three", "BEGIN;\nCREATE TABLE public.u ();\nCOMMIT;\n")
    done = workshop.run()
    assert done.status == 1
    assert workshop.deployed() == ["one"]
    assert workshop.registry_events() == [("deploy", "one"), ("fail", "two")]
    assert done.events[-1].data["done"] == 1


# -- sessions that a script has changed ------------------------------------------------------------------------------


@pytest.fixture
def somebody(workshop: Workshop) -> Iterator[str]:
    """A role without any right on the registry, named after the database so that runs side by side don't meet."""
    name = f"somebody_{workshop.dbname}"
    workshop.query(f"CREATE ROLE {name}")
    workshop.query(f"GRANT CREATE, USAGE ON SCHEMA public TO {name}")
    yield name
    workshop.query(f"DROP OWNED BY {name}; ")
    workshop.query(f"DROP ROLE {name}")


@pytest.mark.parametrize("how", ["SET ROLE", "SET SESSION AUTHORIZATION"])
def test_a_script_that_becomes_somebody_else_is_recorded_as_us(workshop: Workshop, somebody: str, how: str) -> None:
    workshop.change("one", f"BEGIN;\n{how} {somebody};\nCREATE TABLE public.t (id int);\nCOMMIT;\n", "", VERIFY)
    done = workshop.run()
    assert done.status == 0, done.named("step_failed")
    assert workshop.deployed() == ["one"]
    assert workshop.query("SELECT tableowner FROM pg_tables WHERE tablename = 't'") == [(somebody,)]


def test_the_verification_runs_as_the_login_role(workshop: Workshop, somebody: str) -> None:
    verify = f"SELECT 1/(session_user <> '{somebody}' AND current_user = session_user)::int;\n"
    workshop.change("one", f"BEGIN;\nSET SESSION AUTHORIZATION {somebody};\nCOMMIT;\n", "", verify)
    assert workshop.run().status == 0


def test_a_read_only_script_is_stepwise_and_still_recorded(workshop: Workshop) -> None:
    workshop.change("one", "BEGIN READ ONLY;\nSELECT 1;\nCOMMIT;\n")
    done = workshop.run()
    assert done.plan.steps[0].mode == "stepwise"
    assert done.status == 0
    assert workshop.deployed() == ["one"]


@pytest.mark.parametrize("options", ["ISOLATION LEVEL REPEATABLE READ", "ISOLATION LEVEL SERIALIZABLE"])
def test_other_isolation_levels_are_stepwise(workshop: Workshop, options: str) -> None:
    workshop.change("one", f"BEGIN {options};\nCREATE TABLE public.t (id int);\nCOMMIT;\n", "", VERIFY)
    done = workshop.run()
    assert (done.plan.steps[0].mode, done.status) == ("stepwise", 0)
    assert workshop.deployed() == ["one"]


DEFERRED = """BEGIN;
CREATE TABLE public.parent (id int PRIMARY KEY);
CREATE TABLE public.t (id int REFERENCES public.parent DEFERRABLE INITIALLY DEFERRED);
INSERT INTO public.t VALUES (1);
COMMIT;
"""


def test_a_deferred_constraint_fails_the_step_before_it_is_recorded(workshop: Workshop) -> None:
    workshop.change("one", DEFERRED, "", VERIFY)
    done = workshop.run()
    assert done.status == 1
    (failed,) = done.named("step_failed")
    assert failed["sqlstate"] == "23503"
    assert not workshop.relation("public.t")
    assert workshop.registry_events() == [("fail", "one")]


DEFERRED_TRIGGER = """BEGIN;
CREATE SCHEMA app;
CREATE TABLE app.who (role text, path text);
CREATE FUNCTION app.note() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN INSERT INTO app.who VALUES (current_user, current_setting('search_path')); RETURN NULL; END $$;
CREATE TABLE app.t (id int);
CREATE CONSTRAINT TRIGGER later AFTER INSERT ON app.t DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW EXECUTE FUNCTION app.note();
GRANT USAGE ON SCHEMA app TO {role};
GRANT ALL ON ALL TABLES IN SCHEMA app TO {role};
SET ROLE {role};
SET search_path = app;
INSERT INTO t VALUES (1);
COMMIT;
"""


def test_a_deferred_trigger_runs_under_the_scripts_own_role_and_path(workshop: Workshop, somebody: str) -> None:
    workshop.change("one", DEFERRED_TRIGGER.format(role=somebody))
    assert workshop.run().status == 0
    assert workshop.query("SELECT role, path FROM app.who") == [(somebody, "app")]


def test_a_replica_role_does_not_switch_the_registrys_foreign_keys_off(workshop: Workshop) -> None:
    workshop.change("one", TABLE)
    workshop.change("two", "BEGIN;\nSET session_replication_role = replica;\nCREATE TABLE public.u ();\nCOMMIT;\n")
    assert workshop.run().status == 0
    assert workshop.deployed() == ["one", "two"]


def test_a_latin1_script_is_recorded_in_utf8(workshop: Workshop) -> None:
    script = b"BEGIN;\nSET client_encoding = 'LATIN1';\nCREATE TABLE public.t AS SELECT '\xe4\xf6' AS word;\nCOMMIT;\n"
    workshop.change("zw\u00f6lf", script)
    assert workshop.run().status == 0
    assert workshop.deployed() == ["zw\u00f6lf"]
    assert workshop.query("SELECT word FROM public.t") == [("\u00e4\u00f6",)]


def test_nonstandard_strings_do_not_reach_the_record(workshop: Workshop) -> None:
    workshop.change("one", "BEGIN;\nSET standard_conforming_strings = off;\nCREATE TABLE public.t ();\nCOMMIT;\n")
    assert workshop.run().status == 0
    assert workshop.deployed() == ["one"]


def test_a_hostile_search_path_does_not_reach_the_record(workshop: Workshop) -> None:
    script = """BEGIN;
CREATE SCHEMA evil;
CREATE FUNCTION evil.clock_timestamp() RETURNS timestamptz LANGUAGE sql AS $$ SELECT 'epoch'::timestamptz $$;
SET search_path = evil, pg_catalog;
COMMIT;
"""
    workshop.change("one", script)
    assert workshop.run().status == 0
    assert workshop.query("SELECT committed_at > now() - interval '1 hour' FROM sqitch.changes") == [(True,)]


def test_settings_of_one_script_do_not_reach_the_next(workshop: Workshop) -> None:
    workshop.change("one", "BEGIN;\nSET search_path = pg_catalog;\nCREATE TEMP TABLE leftover ();\nCOMMIT;\n")
    workshop.change("two", "BEGIN;\nCREATE TABLE t (id int);\nCREATE TEMP TABLE leftover ();\nCOMMIT;\n")
    done = workshop.run()
    assert done.status == 0, done.named("step_failed")
    assert workshop.relation("public.t")


def test_one_statement_that_may_run_in_a_transaction_is_atomic(workshop: Workshop) -> None:
    workshop.change("one", "CREATE TABLE public.t (id int);\n", "DROP TABLE public.t;\n", VERIFY)
    done = workshop.run()
    assert (done.plan.steps[0].mode, done.plan.steps[0].wraps, done.status) == ("atomic", True, 0)


def test_an_encoding_other_than_utf8_in_the_database(pg18: Server, workshop_on: Callable[..., Workshop]) -> None:
    """psql talks the database's encoding unless told otherwise: LATIN1 bytes of a script arrive as such."""
    workshop = workshop_on(pg18, "ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")
    workshop.change("one", b"BEGIN;\nCREATE TABLE public.t AS SELECT '\xe4'::text AS word;\nCOMMIT;\n")
    assert workshop.run().status == 0
    assert workshop.query("SELECT word, length(word) FROM public.t") == [("\u00e4", 1)]


def test_sql_ascii_takes_every_byte_as_it_is(pg18: Server, workshop_on: Callable[..., Workshop]) -> None:
    workshop = workshop_on(pg18, "ENCODING 'SQL_ASCII' LOCALE 'C' TEMPLATE template0")
    workshop.change("one", b"BEGIN;\nCREATE TABLE public.t AS SELECT '\xe4\xff'::text AS word;\nCOMMIT;\n")
    assert workshop.run().status == 0
    assert workshop.query("SELECT encode(word::bytea, 'hex') FROM public.t") == [(b"e4ff",)]
