"""The functions that write the tracking tables: whatever stands in the database beside them, only their own text runs.

Who can: a role with CREATE on the database, or on a schema of the search_path, and the script of a change.
"""

from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest

from pgmig_tui.database.tracking import prepare_tracking, read_tracking
from pgmig_tui.database.tracking_text import tracking_text
from tests.database.places import role, session
from tests.run.conftest import Workshop
from tests.servers import Server
from tests.traps import Log, lay_alarm

EVIL = """CREATE SCHEMA evil; GRANT USAGE ON SCHEMA evil TO PUBLIC;
CREATE FUNCTION evil.fire(what text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN
  PERFORM pgmig_traps.fire(what); RETURN true; END $$;
CREATE FUNCTION evil.clock_timestamp() RETURNS timestamptz LANGUAGE sql AS
  $$ SELECT CASE WHEN evil.fire('clock') THEN pg_catalog.now() END $$;
CREATE FUNCTION evil.sha256(bytea) RETURNS bytea LANGUAGE sql AS $$ SELECT CASE WHEN evil.fire('sha') THEN $1 END $$;
CREATE FUNCTION evil.jsonb_populate_record(anyelement, jsonb) RETURNS anyelement LANGUAGE sql AS
  $$ SELECT CASE WHEN evil.fire('populate') THEN $1 END $$;
CREATE FUNCTION evil.arrow(jsonb, text) RETURNS text LANGUAGE sql AS $$ SELECT evil.fire('arrow')::text $$;
CREATE OPERATOR evil.->> (LEFTARG = jsonb, RIGHTARG = text, FUNCTION = evil.arrow);
CREATE FUNCTION evil.plus(bigint, integer) RETURNS bigint LANGUAGE sql AS
  $$ SELECT CASE WHEN evil.fire('plus') THEN $1 END $$;
CREATE OPERATOR evil.+ (LEFTARG = bigint, RIGHTARG = integer, FUNCTION = evil.plus);
CREATE FUNCTION evil.unlike(text, text) RETURNS boolean LANGUAGE sql AS $$ SELECT evil.fire('unlike') $$;
CREATE OPERATOR evil.<> (LEFTARG = text, RIGHTARG = text, FUNCTION = evil.unlike);
CREATE OPERATOR evil.= (LEFTARG = text, RIGHTARG = text, FUNCTION = evil.unlike);
CREATE DOMAIN evil.text AS pg_catalog.text CHECK (evil.fire('domain'));
CREATE DOMAIN evil.int8 AS pg_catalog.int8 CHECK (evil.fire('domain'));
CREATE TYPE evil.kind AS ENUM ('a');
CREATE FUNCTION evil.cast(evil.kind) RETURNS jsonb LANGUAGE sql AS $$ SELECT pg_catalog.to_jsonb(evil.fire('cast')) $$;
CREATE CAST (evil.kind AS jsonb) WITH FUNCTION evil.cast(evil.kind) AS IMPLICIT;"""

SCRIPT = """BEGIN;
SET search_path = evil, public, pg_catalog;
CREATE TEMP TABLE schema_migrations (version pg_catalog.text);
CREATE TEMP TABLE schema_audit (version pg_catalog.text);
CREATE TEMP TABLE tracking_head (seq evil.int8);
CREATE TEMP TABLE evidence (item evil.kind);
CREATE TABLE public.a (id pg_catalog.int4);
SET LOCAL plpgsql.extra_errors = 'all';
COMMIT;
"""


def test_nothing_of_a_stranger_runs_in_them(workshop: Workshop) -> None:
    """On the search_path of the script, in its temporary schema, as operators, types and casts."""
    lay_alarm(workshop.server, workshop.dbname)
    log = Log(workshop.server, workshop.dbname)
    with role(workshop.server) as stranger, workshop.connect() as connection:
        name = f'"{stranger["user"]}"'
        connection.execute(f'GRANT CREATE ON DATABASE "{workshop.dbname}" TO {name}; SET ROLE {name}; {EVIL}'.encode())
        connection.execute(b"RESET ROLE")
        workshop.query(f'ALTER DATABASE "{workshop.dbname}" SET search_path = evil, pg_catalog')
        workshop.change("a", SCRIPT, "BEGIN;\nDROP TABLE public.a;\nCOMMIT;\n", "SELECT 1/0;\n")
        assert workshop.run(verify=True).status == 1
        (workshop.root / "verify/a.sql").write_text("SELECT 1;\n")
        assert workshop.run("verify").status == 0
        assert workshop.run("revert", revert_all=True).status == 0
        rows = workshop.query("SELECT operation, outcome FROM pgmig.schema_migrations m ORDER BY m.seq")
        assert rows == [("deploy", "verify_failed"), ("verify", "done"), ("revert", "done")]
        assert log.fired() == []


def test_a_function_that_is_replaced_while_a_run_works_is_not_called(workshop: Workshop) -> None:
    workshop.change("a", "BEGIN;\nCREATE TABLE public.a (id int);\nCOMMIT;\n", "SELECT 1;\n")
    workshop.change(
        "b",
        "BEGIN;\nCREATE TABLE public.b (id int);\nCREATE OR REPLACE FUNCTION pgmig.record_step(step jsonb,"
        " statements text[]) RETURNS bigint LANGUAGE plpgsql AS 'BEGIN CREATE TABLE public.evil (); RETURN 1; END';"
        "\nCOMMIT;\n",
        "SELECT 1;\n",
    )
    done = workshop.run()
    assert done.status == 1
    (failed,) = done.named("step_failed")
    assert "was altered while the run worked" in failed["message"]
    assert workshop.query("SELECT to_regclass('public.evil'), to_regclass('public.b')") == [(None, None)]
    assert workshop.deployed() == ["a"]
    rows = workshop.query("SELECT version, outcome FROM pgmig.schema_migrations ORDER BY id")
    assert rows == [("a", "done"), ("b", "failed")]


def test_functions_of_a_stranger_are_not_called_though_their_text_is_ours(
    pg18: Server, database_on: Callable[..., str]
) -> None:
    """They could be replaced between the look and the call: their owner must be somebody who could do anything."""
    name = database_on(pg18)
    with role(pg18) as stranger, psycopg.connect(pg18.conninfo(name), autocommit=True) as connection:
        user = stranger["user"]
        connection.execute(f'GRANT CREATE ON DATABASE "{name}" TO "{user}"; SET ROLE "{user}"'.encode())
        parts = [
            "CREATE SCHEMA pgmig",
            *(tracking_text(one, "pgmig") for one in ("tracking_create", "tracking_functions")),
        ]
        connection.execute(";\n".join(one.rstrip().rstrip(";") for one in parts).encode())
        connection.execute(b"RESET ROLE")
        with session(pg18, name) as ours:
            found = read_tracking(ours, "pgmig")
            assert found.schema is None
            assert f"pgmig.answer_step() belongs to {user}, who is neither a superuser nor owns" in found.reason
            assert prepare_tracking(ours, found) == found
        connection.execute(f'ALTER DATABASE "{name}" OWNER TO "{user}"'.encode())
        with session(pg18, name) as ours:
            assert read_tracking(ours, "pgmig").schema == "pgmig", "the owner of the database may do all that anyway"
        connection.execute(f'ALTER DATABASE "{name}" OWNER TO CURRENT_USER'.encode())


@pytest.mark.parametrize("table", ["schema_migrations", "schema_audit", "evidence", "tracking_head"])
def test_code_behind_a_table_turns_tracking_off(workshop18: Workshop, table: str) -> None:
    workshop = workshop18
    with session(workshop.server, workshop.dbname) as ours:
        prepare_tracking(ours, read_tracking(ours, "pgmig"))
        ours.execute(
            "CREATE FUNCTION public.f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';"
            f"CREATE TRIGGER x BEFORE INSERT OR UPDATE ON pgmig.{table} FOR EACH ROW EXECUTE FUNCTION public.f()"
        )
        found = read_tracking(ours, "pgmig")
        assert (found.schema, f"pgmig.{table} has the trigger x" in found.reason) == (None, True)
