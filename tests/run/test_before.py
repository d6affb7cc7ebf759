"""Statements of every kind, cut off: by what stood under their names before, they are said to be done when they are,
and only then, whatever else there is of the same name."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest

from pgmig_tui.database.connect import Connection, ServerError, connect
from pgmig_tui.database.wire import Waiter, Wire
from pgmig_tui.run.recovery.before import noted_before
from pgmig_tui.run.recovery.compare import became
from pgmig_tui.script.kinds import kind_of
from tests.database.places import Databases, place, session
from tests.servers import Server

# Schema `mine` is where the script works (SET search_path), `other` holds a twin of everything and isn't on its path;
# `late` is on it, behind `mine`.
SETUP = """
CREATE SCHEMA other; CREATE SCHEMA late; CREATE SCHEMA mine;
{everywhere}
CREATE TABLE late.only_late (id int);
CREATE TABLE late.twice (id int); CREATE TABLE mine.twice (id int);
CREATE EVENT TRIGGER et ON ddl_command_end EXECUTE FUNCTION mine.et();
CREATE CAST (mine.comp AS mine.comp2) WITH FUNCTION mine.castf(mine.comp);
CREATE FOREIGN DATA WRAPPER w; CREATE SERVER sv FOREIGN DATA WRAPPER w; CREATE USER MAPPING FOR public SERVER sv;
CREATE PUBLICATION pub;
CREATE SCHEMA plain; CREATE SCHEMA stale; CREATE TABLE plain.t (id int);
"""
EVERYWHERE = """
CREATE TABLE {s}.t (id int NOT NULL, n int, g int GENERATED ALWAYS AS (1) STORED,
                    i int NOT NULL GENERATED ALWAYS AS IDENTITY);
ALTER TABLE {s}.t ADD CONSTRAINT c CHECK (n > 0) NOT VALID;
CREATE INDEX idx ON {s}.t (n);
CREATE TABLE {s}.parent (id int) PARTITION BY LIST (id);
CREATE TABLE {s}.part PARTITION OF {s}.parent FOR VALUES IN (1);
CREATE TABLE {s}.loose (id int);
CREATE TABLE {s}.base (id int); CREATE TABLE {s}.heir () INHERITS ({s}.base);
CREATE VIEW {s}.v AS SELECT 1 AS one; CREATE MATERIALIZED VIEW {s}.mv AS SELECT 1 AS one; CREATE SEQUENCE {s}.sq;
CREATE TYPE {s}.comp AS (a int); CREATE TYPE {s}.comp2 AS (a int); CREATE TYPE {s}.en AS ENUM ('a', 'b');
CREATE DOMAIN {s}.dom AS int CONSTRAINT dc CHECK (VALUE > 0);
CREATE TYPE {s}.ran AS RANGE (subtype = float8);
CREATE FUNCTION {s}.f() RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION {s}.f(int) RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION {s}.single(int) RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE PROCEDURE {s}.p(int) LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION {s}.castf({s}.comp) RETURNS {s}.comp2 LANGUAGE sql AS 'SELECT ROW(1)::{s}.comp2';
CREATE FUNCTION {s}.tf() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE FUNCTION {s}.et() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
CREATE AGGREGATE {s}.ag(int) (SFUNC = int4pl, STYPE = int);
CREATE OPERATOR {s}.<=< (LEFTARG = int, RIGHTARG = int, FUNCTION = int4le);
CREATE OPERATOR FAMILY {s}.fam USING btree;
CREATE OPERATOR CLASS {s}.cls FOR TYPE int USING btree FAMILY {s}.fam AS OPERATOR 1 <, FUNCTION 1 btint4cmp(int, int);
CREATE COLLATION {s}.co FROM "C"; CREATE CONVERSION {s}.cv FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8;
CREATE STATISTICS {s}.st ON id, n FROM {s}.t;
CREATE TEXT SEARCH CONFIGURATION {s}.tsc (COPY = pg_catalog.simple);
CREATE TEXT SEARCH DICTIONARY {s}.tsd (TEMPLATE = pg_catalog.simple);
CREATE TRIGGER tr AFTER INSERT ON {s}.t FOR EACH ROW EXECUTE FUNCTION {s}.tf();
CREATE RULE ru AS ON UPDATE TO {s}.t DO ALSO SELECT 1;
CREATE POLICY po ON {s}.t;
"""
BEFORE = "SET search_path = mine, late"

# What each does is there in `other` already, or was never anywhere else: a look by name alone is wrong about all.
STATEMENTS = """
CREATE TABLE only_late (id int)
CREATE TABLE mine2 (id int)
CREATE TABLE IF NOT EXISTS mine2 (id int)
CREATE TABLE part2 PARTITION OF parent FOR VALUES IN (2)
CREATE TABLE plain.only_late (id int)
CREATE TABLE mine2 AS SELECT 1 AS one
CREATE UNLOGGED TABLE mine2 (id int)
CREATE VIEW v2 AS SELECT 1 AS one
CREATE OR REPLACE VIEW v2 AS SELECT 1 AS one
CREATE MATERIALIZED VIEW mv2 AS SELECT 1 AS one
CREATE SEQUENCE sq2
CREATE INDEX idx2 ON t (id)
CREATE UNIQUE INDEX CONCURRENTLY idx2 ON t (id)
CREATE INDEX IF NOT EXISTS idx2 ON only_late (id)
CREATE INDEX idx ON plain.t (id)
CREATE TYPE comp3 AS (a int)
CREATE TYPE en2 AS ENUM ('x')
CREATE TYPE ran2 AS RANGE (subtype = float8)
CREATE TYPE shell
CREATE DOMAIN dom2 AS int
CREATE FUNCTION f(text) RETURNS int LANGUAGE sql AS 'SELECT 1'
CREATE FUNCTION f(int, int) RETURNS int LANGUAGE sql AS 'SELECT 1'
CREATE OR REPLACE FUNCTION f(bigint) RETURNS int LANGUAGE sql AS 'SELECT 1'
CREATE FUNCTION f(a comp, OUT b int, VARIADIC c text[]) LANGUAGE sql AS 'SELECT 1'
CREATE FUNCTION late.f() RETURNS int LANGUAGE sql AS 'SELECT 1'
CREATE PROCEDURE p(text) LANGUAGE sql AS 'SELECT 1'
CREATE PROCEDURE p(IN a bool, INOUT b text) LANGUAGE sql AS 'SELECT ''x'''
CREATE AGGREGATE ag(bigint) (SFUNC = int8pl, STYPE = bigint)
CREATE AGGREGATE ag(*) (SFUNC = int8inc, STYPE = bigint, INITCOND = '0')
CREATE OPERATOR <=< (LEFTARG = bigint, RIGHTARG = bigint, FUNCTION = int8le)
CREATE OPERATOR FAMILY fam2 USING btree
CREATE OPERATOR CLASS cls2 FOR TYPE int USING btree FAMILY fam AS OPERATOR 3 =
CREATE COLLATION co2 FROM "C"
CREATE CONVERSION cv2 FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8
CREATE STATISTICS st2 ON id, n FROM t
CREATE TEXT SEARCH CONFIGURATION tsc2 (COPY = pg_catalog.simple)
CREATE TEXT SEARCH DICTIONARY tsd2 (TEMPLATE = pg_catalog.simple)
CREATE TRIGGER tr2 AFTER INSERT ON t FOR EACH ROW EXECUTE FUNCTION tf()
CREATE TRIGGER tr AFTER INSERT ON loose FOR EACH ROW EXECUTE FUNCTION tf()
CREATE RULE ru2 AS ON DELETE TO t DO ALSO SELECT 1
CREATE RULE ru AS ON DELETE TO loose DO ALSO SELECT 1
CREATE POLICY po2 ON t
CREATE POLICY po ON loose
CREATE CAST (comp2 AS comp) WITH INOUT
CREATE SCHEMA fresh
CREATE SCHEMA fresh CREATE TABLE inside (id int)
CREATE EVENT TRIGGER et2 ON ddl_command_end EXECUTE FUNCTION et()
CREATE FOREIGN DATA WRAPPER w2
CREATE SERVER sv2 FOREIGN DATA WRAPPER w
CREATE FOREIGN TABLE ft (id int) SERVER sv
CREATE USER MAPPING FOR CURRENT_USER SERVER sv
CREATE PUBLICATION pub2
CREATE ACCESS METHOD am2 TYPE TABLE HANDLER heap_tableam_handler
ALTER TABLE t ADD COLUMN id2 int
ALTER TABLE loose ADD COLUMN n int
ALTER TABLE only_late ADD n int
ALTER TABLE twice ADD n int
ALTER TABLE t ADD COLUMN a2 int, ADD CHECK (id > 0)
ALTER TABLE t DROP COLUMN n
ALTER TABLE t ALTER n SET NOT NULL
ALTER TABLE t ALTER id DROP NOT NULL
ALTER TABLE t ALTER id ADD GENERATED ALWAYS AS IDENTITY
ALTER TABLE t ALTER i DROP IDENTITY
ALTER TABLE t ALTER g DROP EXPRESSION
ALTER TABLE loose ADD CONSTRAINT c CHECK (id > 0)
ALTER TABLE t ADD PRIMARY KEY (id)
ALTER TABLE t VALIDATE CONSTRAINT c
ALTER TABLE t DROP CONSTRAINT c
ALTER TABLE parent ATTACH PARTITION loose FOR VALUES IN (5)
ALTER TABLE parent DETACH PARTITION part
ALTER TABLE parent DETACH PARTITION part CONCURRENTLY
ALTER TABLE loose INHERIT base
ALTER TABLE heir NO INHERIT base
ALTER TABLE t RENAME TO t2
ALTER TABLE t RENAME COLUMN n TO m
ALTER TABLE t RENAME CONSTRAINT c TO c2
ALTER TABLE loose RENAME TO only_late
ALTER TABLE loose SET SCHEMA plain
ALTER INDEX idx RENAME TO idx9
ALTER VIEW v RENAME TO v9
ALTER SEQUENCE sq RENAME TO sq9
ALTER TYPE comp RENAME TO comp9
ALTER TYPE comp RENAME ATTRIBUTE a TO b
ALTER TYPE comp ADD ATTRIBUTE b int
ALTER TYPE en ADD VALUE 'c'
ALTER TYPE en RENAME VALUE 'a' TO 'z'
ALTER TYPE en SET SCHEMA plain
ALTER DOMAIN dom ADD CONSTRAINT dc2 CHECK (VALUE < 9)
ALTER DOMAIN dom DROP CONSTRAINT dc
ALTER DOMAIN dom RENAME CONSTRAINT dc TO dc9
ALTER DOMAIN dom RENAME TO dom9
ALTER FUNCTION f(int) RENAME TO f9
ALTER FUNCTION f(int) SET SCHEMA plain
ALTER FUNCTION single RENAME TO single9
ALTER PROCEDURE p(int) RENAME TO p9
ALTER AGGREGATE ag(int) RENAME TO ag9
ALTER OPERATOR <=< (int, int) SET SCHEMA plain
ALTER OPERATOR CLASS cls USING btree RENAME TO cls9
ALTER OPERATOR FAMILY fam USING btree SET SCHEMA plain
ALTER COLLATION co RENAME TO co9
ALTER CONVERSION cv SET SCHEMA plain
ALTER STATISTICS st RENAME TO st9
ALTER TEXT SEARCH CONFIGURATION tsc RENAME TO tsc9
ALTER TRIGGER tr ON t RENAME TO tr9
ALTER RULE ru ON t RENAME TO ru9
ALTER POLICY po ON t RENAME TO po9
ALTER SCHEMA stale RENAME TO stale9
ALTER SERVER sv RENAME TO sv9
ALTER PUBLICATION pub RENAME TO pub9
ALTER EVENT TRIGGER et RENAME TO et9
DROP TABLE t CASCADE
DROP TABLE twice
DROP TABLE loose, twice
DROP TABLE IF EXISTS loose
DROP VIEW v
DROP MATERIALIZED VIEW mv
DROP SEQUENCE sq
DROP INDEX idx
DROP INDEX CONCURRENTLY idx
DROP TYPE en
DROP TYPE ran
DROP DOMAIN dom
DROP FUNCTION f()
DROP FUNCTION f(int)
DROP FUNCTION single
DROP PROCEDURE p(int)
DROP ROUTINE single(int)
DROP AGGREGATE ag(int)
DROP OPERATOR <=< (int, int)
DROP OPERATOR CLASS cls USING btree
DROP OPERATOR FAMILY fam USING btree CASCADE
DROP COLLATION co
DROP CONVERSION cv
DROP STATISTICS st
DROP TEXT SEARCH CONFIGURATION tsc
DROP TEXT SEARCH DICTIONARY tsd
DROP TRIGGER tr ON t
DROP RULE ru ON t
DROP POLICY po ON t
DROP CAST (comp AS comp2)
DROP SCHEMA stale
DROP EVENT TRIGGER et
DROP FOREIGN DATA WRAPPER w CASCADE
DROP SERVER sv CASCADE
DROP USER MAPPING FOR public SERVER sv
DROP PUBLICATION pub
DROP EXTENSION plpgsql CASCADE
CREATE EXTENSION ltree
""".strip().splitlines()


@pytest.fixture(scope="module", params=[15, 16, 18])
def server(request: pytest.FixtureRequest) -> Server:
    found: Server = request.getfixturevalue(f"pg{request.param}")
    return found


@pytest.fixture(scope="module")
def template(server: Server) -> Iterator[str]:
    name = server.create_database()
    with psycopg.connect(server.conninfo(name), autocommit=True) as connection:
        everywhere = "".join(EVERYWHERE.format(s=schema) for schema in ("mine", "other"))
        connection.execute(SETUP.format(everywhere=everywhere).encode())
    yield name
    server.drop_database(name)


@contextmanager
def script_session(server: Server, database: str) -> Iterator[Wire]:
    """A session as the script's own, with its search_path."""
    with connect(place(server, database), application_name="pgmig/test/1", script=True) as connection:
        wire = Wire(connection, Waiter())
        wire.query(BEFORE)
        yield wire


def noted(wire: Wire, statement: str) -> dict[str, Any]:
    """What the journal would hold: it goes through JSON."""
    found: dict[str, Any] = json.loads(json.dumps(noted_before(wire, statement, kind_of(statement))))
    return found


def judged(connection: Connection, note: dict[str, Any]) -> tuple[str, str]:
    outcome, why, _ = became(connection, note["objects"])
    return outcome, why


@pytest.mark.parametrize("statement", STATEMENTS)
def test_a_statement_is_said_to_be_done_when_it_is_and_only_then(
    server: Server, template: str, database_on: Databases, statement: str
) -> None:
    if statement == "CREATE EXTENSION ltree" and not server.execute(
        "SELECT FROM pg_available_extensions WHERE name = 'ltree'"
    ):
        statement = "CREATE LANGUAGE plsql_twin HANDLER plpgsql_call_handler"
    database = database_on(server, f'TEMPLATE "{template}"')
    with script_session(server, database) as wire, session(server, database, "pgmig/test/reconcile") as looking:
        note = noted(wire, statement)
        assert note.get("objects"), f"nothing was noted: {note}"
        before = judged(looking, note)
        assert before[0] == "not", before
        exchange = wire.run(statement.encode())
        if server.version_num < 140000 and "DETACH PARTITION part CONCURRENTLY" in statement:
            assert (exchange.error and exchange.error.sqlstate, judged(looking, note)) == ("42601", before)
            return
        assert exchange.error is None, exchange.error
        after = judged(looking, note)
        assert after[0] == "done", after


MADE_ANEW = (
    "CREATE OR REPLACE VIEW v AS SELECT 2 AS one",
    "CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 2'",
    "CREATE OR REPLACE TRIGGER tr AFTER INSERT ON t FOR EACH ROW EXECUTE FUNCTION tf()",
    "CREATE OR REPLACE RULE ru AS ON UPDATE TO t DO ALSO SELECT 2",
)


@pytest.mark.parametrize("statement", MADE_ANEW)
def test_what_is_made_anew_may_be_made_again(server: Server, template: str, statement: str) -> None:
    with script_session(server, template) as wire, session(server, template, "pgmig/test/reconcile") as looking:
        assert judged(looking, noted(wire, statement))[0] == "again"


NOTHING_TO_DO = (
    "DROP TABLE IF EXISTS nowhere", "DROP FUNCTION IF EXISTS f(box)", "ALTER TABLE t ALTER id SET NOT NULL",
    "ALTER TABLE t ALTER n DROP NOT NULL", "DROP SCHEMA IF EXISTS nowhere", "DROP TRIGGER IF EXISTS nothing ON t",
)  # fmt: skip


@pytest.mark.parametrize("statement", NOTHING_TO_DO)
def test_where_there_is_nothing_to_do_that_is_said(server: Server, template: str, statement: str) -> None:
    with script_session(server, template) as wire, session(server, template, "pgmig/test/reconcile") as looking:
        assert judged(looking, noted(wire, statement))[0] == "nothing"


@pytest.mark.parametrize("statement", [
    "CREATE TABLE IF NOT EXISTS t (id int)", "CREATE INDEX IF NOT EXISTS idx ON t (n)",
    "CREATE SCHEMA IF NOT EXISTS mine", "ALTER TABLE t ADD COLUMN IF NOT EXISTS n int",
    "CREATE SEQUENCE IF NOT EXISTS sq",
])  # fmt: skip
def test_what_was_there_before_was_not_made(server: Server, template: str, statement: str) -> None:
    with script_session(server, template) as wire, session(server, template, "pgmig/test/reconcile") as looking:
        outcome, why = judged(looking, noted(wire, statement))
        assert (outcome, "was there before it was sent" in why) == ("not", True), why


@pytest.mark.parametrize(("statement", "elsewhere"), [
    ("ALTER TABLE t ADD COLUMN a2 int", "DROP TABLE mine.t CASCADE; CREATE TABLE mine.t (a2 int)"),
    ("ALTER TABLE t VALIDATE CONSTRAINT c", "ALTER TABLE mine.t DROP CONSTRAINT c"),
    ("ALTER TABLE t RENAME TO t9", "DROP TABLE mine.t CASCADE"),
    ("DROP TABLE loose, twice", "DROP TABLE mine.twice"),
    ("CREATE TABLE IF NOT EXISTS loose (id int)", "DROP TABLE mine.loose; CREATE TABLE mine.loose ()"),
    ("CREATE INDEX ON t (id)", "CREATE INDEX ON mine.t (n)"),
])  # fmt: skip
def test_what_others_have_done_since_is_not_taken_for_it(
    server: Server, template: str, database_on: Databases, statement: str, elsewhere: str
) -> None:
    database = database_on(server, f'TEMPLATE "{template}"')
    with script_session(server, database) as wire, session(server, database, "pgmig/test/reconcile") as looking:
        note = noted(wire, statement)
        with psycopg.connect(server.conninfo(database), autocommit=True) as other:
            other.execute(elsewhere.encode())
        assert judged(looking, note)[0] == "unclear"


def test_a_partition_that_is_half_detached_is_named_with_what_finishes_it(
    server: Server, template: str, database_on: Databases
) -> None:
    database = database_on(server, f'TEMPLATE "{template}"')
    with script_session(server, database) as wire, session(server, database, "pgmig/test/reconcile") as looking:
        statement = "ALTER TABLE parent DETACH PARTITION part CONCURRENTLY"
        note = noted(wire, statement)
        with psycopg.connect(server.conninfo(database)) as other:
            other.execute("SELECT FROM mine.parent")
            wire.query("SET lock_timeout = '200ms'")
            assert wire.run(statement.encode()).error is not None
        outcome, why, repair = became(looking, note["objects"])
        if server.version_num < 140000:  # which knows no such statement
            assert (outcome, repair) == ("not", ()), why
            return
        assert (outcome, repair) == (
            "broken",
            ("ALTER TABLE mine.parent DETACH PARTITION mine.part FINALIZE",),
        ), why
        assert wire.run(repair[0].encode()).error is None
        assert judged(looking, note)[0] == "done"


@pytest.mark.parametrize(("statement", "repeat"), [
    ("COMMENT ON TABLE t IS 'x'", "again"), ("GRANT SELECT ON t TO public", "again"),
    ("ALTER TABLE t ALTER n SET DEFAULT 1, ALTER n SET STATISTICS 10", "again"), ("VACUUM t", "upkeep"),
    ("REINDEX TABLE t", "upkeep"), ("SET work_mem = '1MB'", "nothing"), ("CREATE TEMP TABLE x (id int)", "nothing"),
    ("CREATE TABLE pg_temp.x (id int)", "nothing"), ("ALTER TABLE t OWNER TO CURRENT_USER", "again"),
    ("ALTER FUNCTION f() STABLE", "again"), ("ANALYZE t", "upkeep"), ("DO 'BEGIN END'", ""), ("DELETE FROM t", ""),
    ("EXPLAIN ANALYZE DELETE FROM t", ""), ("SELECT 1", ""), ("ALTER SEQUENCE sq RESTART", ""),
])  # fmt: skip
def test_what_needs_no_evidence_is_known_by_its_kind(
    server: Server, template: str, statement: str, repeat: str
) -> None:
    with script_session(server, template) as wire:
        note = noted(wire, statement)
        assert (note.get("repeat", ""), note.get("objects")) == (repeat, None)


def test_a_prepared_transaction_is_looked_for(server: Server, template: str, database_on: Databases) -> None:
    database = database_on(server, f'TEMPLATE "{template}"')
    with script_session(server, database) as wire, session(server, database, "pgmig/test/reconcile") as looking:
        wire.query("BEGIN; CREATE TABLE prepared (id int)")
        first = noted(wire, f"PREPARE TRANSACTION '{database}'")
        assert judged(looking, first)[0] == "not"
        wire.query(f"PREPARE TRANSACTION '{database}'")
        assert judged(looking, first)[0] == "done"
        second = noted(wire, f"COMMIT PREPARED '{database}'")
        assert judged(looking, second)[0] == "not"
        wire.query(f"COMMIT PREPARED '{database}'")
        assert judged(looking, second)[0] == "done"


def test_roles_databases_and_tablespaces_are_looked_for(server: Server, template: str) -> None:
    role = f"{template}_role"
    with script_session(server, template) as wire, session(server, template, "pgmig/test/reconcile") as looking:
        for statement in (
            f"CREATE ROLE {role}", f"ALTER ROLE {role} RENAME TO {role}2", f"DROP ROLE {role}2",
            f"CREATE DATABASE {role}", f"ALTER DATABASE {role} RENAME TO {role}2", f"DROP DATABASE {role}2",
        ):  # fmt: skip
            note = noted(wire, statement)
            assert judged(looking, note)[0] == "not", statement
            wire.query(statement)
            assert judged(looking, note)[0] == "done", statement


def test_a_script_with_another_encoding_is_not_asked_for_other_names(server: Server, template: str) -> None:
    with script_session(server, template) as wire:
        wire.query("SET client_encoding = 'LATIN1'")
        assert noted(wire, "CREATE TABLE größe (id int)") == {}


def test_a_session_that_can_not_be_asked_is_no_failure(server: Server, template: str) -> None:
    with script_session(server, template) as wire:
        wire.query("SET default_transaction_isolation = 'serializable'; SET search_path = ''")
        assert noted(wire, "CREATE TABLE mine2 (id int)").get("objects") is not None
        with pytest.raises(ServerError):
            wire.query("BEGIN; SELECT 1/0")
        assert noted(wire, "CREATE TABLE mine2 (id int)") == {}
