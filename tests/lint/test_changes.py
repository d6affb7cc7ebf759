"""What the scripts of a change say of each other: a verify script that verifies, a revert script that undoes."""

from __future__ import annotations

import pytest

from tests.lint.looking import codes, look

ADD = "ALTER TABLE app.t ADD COLUMN c text;"
BACK = "ALTER TABLE app.t DROP COLUMN c;"
WIDEN = "ALTER TABLE app.t ALTER COLUMN c TYPE bigint;"
TABLE = "CREATE TABLE app.t (id bigint PRIMARY KEY, c text);"

CANNOT_FAIL = [
    "SELECT 1;",
    "SELECT true;",
    "-- nothing\n",
    "BEGIN; ROLLBACK;",
    "SELECT column_name FROM information_schema.columns WHERE table_name = 't';",
    "SELECT to_regclass('app.t');",
    "SELECT EXISTS (SELECT FROM pg_catalog.pg_class WHERE relname = 't');",
    "SELECT count(*) FROM pg_indexes WHERE indexname = 'i';",
    "SET search_path = app; SELECT now();",
    "DO $$ BEGIN IF false THEN RAISE NOTICE 'missing'; END IF; END $$;",
    "DO $$ BEGIN PERFORM 1; END $$;",
    "WITH x AS (SELECT 1) SELECT * FROM x;",
]
CAN_FAIL = [
    "SELECT c FROM app.t WHERE FALSE;",
    "SELECT c FROM app.t LIMIT 0;",
    "SELECT 1 / count(*) FROM pg_catalog.pg_attribute WHERE attname = 'c';",
    "DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_attribute WHERE attname = 'c') THEN RAISE 'no c'; END IF; END $$;",
    "DO $$ BEGIN ASSERT (SELECT count(*) FROM pg_attribute WHERE attname = 'c') = 1; END $$;",
    "DO $$ DECLARE n int; BEGIN SELECT 1 INTO STRICT n FROM pg_attribute WHERE attname = 'c'; END $$;",
    "SELECT has_column_privilege('app.t', 'c', 'select');",
    "SELECT (CASE count(*) WHEN 0 THEN 'no c' ELSE '1' END)::int FROM pg_attribute WHERE attname = 'c';",
    "INSERT INTO app.t (c) VALUES ('x'); ",
    "SELECT :'unknown';",
    "SELECT count(*) AS n FROM pg_attribute WHERE attname = 'c' \\gset\n\\if :n\n\\else\n\\quit\n\\endif\n",
]


@pytest.mark.parametrize("sql", CANNOT_FAIL)
def test_a_verify_script_that_cannot_fail(sql: str) -> None:
    assert "verify-cannot-fail" in codes(ADD, BACK, sql)


@pytest.mark.parametrize("sql", CAN_FAIL)
def test_a_verify_script_that_can(sql: str) -> None:
    assert not {"verify-cannot-fail", "verify-proves-nothing"} & codes(ADD, BACK, sql)


PASSES_WITHOUT = [
    (WIDEN, "SELECT c FROM app.t WHERE FALSE;"),
    ("ALTER TABLE app.t ADD CONSTRAINT k CHECK (c > 0) NOT VALID;", "SELECT c FROM app.t WHERE FALSE;"),
    ("ALTER TABLE app.t DROP COLUMN c;", "SELECT id FROM app.t WHERE FALSE;"),
    ("CREATE INDEX CONCURRENTLY i ON app.t (c);", "SELECT c FROM app.t WHERE FALSE;"),
    ("ALTER TABLE app.t ADD COLUMN d text;", "SELECT c FROM app.t WHERE FALSE;"),
    ("CREATE FUNCTION app.f() RETURNS int LANGUAGE sql AS 'SELECT 1';", "SELECT c FROM app.t WHERE FALSE;"),
]


@pytest.mark.parametrize(("deploy", "verify"), PASSES_WITHOUT)
def test_a_verify_script_that_passes_where_the_change_is_absent(deploy: str, verify: str) -> None:
    assert "verify-proves-nothing" in codes(deploy, None, verify)


PROVES = [
    ("CREATE FUNCTION app.f() RETURNS int LANGUAGE sql AS 'SELECT 1';", "SELECT app.f();"),
    ("CREATE TYPE app.e AS ENUM ('a');", "SELECT 'a'::app.e;"),
    ("ALTER TYPE app.e ADD VALUE 'b' AFTER 'a';", "SELECT 'b'::app.e;"),
    ("CREATE SCHEMA app;", "SELECT has_schema_privilege('app', 'usage');"),
    ("CREATE VIEW app.v AS SELECT 1 AS one;", "SELECT one FROM app.v WHERE FALSE;"),
    ("CREATE SEQUENCE app.s;", "SELECT last_value FROM app.s;"),
    ("CREATE TABLE app.t (LIKE app.u);", "SELECT FROM app.t WHERE FALSE;"),
    ("ALTER TABLE app.u RENAME TO t;", "SELECT FROM app.t WHERE FALSE;"),
    ("INSERT INTO app.t (id) VALUES (1);", "SELECT 1 / count(*) FROM app.t WHERE id = 1;"),
]


@pytest.mark.parametrize(("deploy", "verify"), PROVES)
def test_a_verify_script_that_proves_it(deploy: str, verify: str) -> None:
    assert not {"verify-cannot-fail", "verify-proves-nothing"} & codes(deploy, None, verify)


MIRRORS = [
    (TABLE, "DROP TABLE app.t;"),
    (TABLE, "DROP TABLE IF EXISTS app.t CASCADE;"),
    ("CREATE SCHEMA app; " + TABLE + " CREATE INDEX i ON app.t (c);", "DROP SCHEMA app CASCADE;"),
    ("CREATE TABLE t (id bigint PRIMARY KEY);", "DROP TABLE public.t;"),
    ("SET search_path = app; CREATE TABLE t (id bigint PRIMARY KEY);", "DROP TABLE app.t;"),
    (ADD + " CREATE INDEX i ON app.t (c);", BACK),
    (ADD + " ALTER TABLE app.t ADD CONSTRAINT k CHECK (c <> '');", BACK),
    (ADD + " ALTER TABLE app.t ALTER COLUMN c SET DEFAULT 'x', ALTER COLUMN c SET NOT NULL;", BACK),
    (WIDEN, "ALTER TABLE app.t ALTER COLUMN c TYPE integer;"),
    ("ALTER TABLE app.t ADD CHECK (c > 0);", "ALTER TABLE app.t DROP CONSTRAINT t_c_check;"),
    ("ALTER TABLE app.t ADD UNIQUE (c);", "ALTER TABLE app.t DROP CONSTRAINT t_c_key;"),
    ("CREATE INDEX ON app.t (c);", "DROP INDEX app.t_c_idx;"),
    ("DROP VIEW app.v;", "CREATE VIEW app.v AS SELECT 1 AS one;"),
    ("CREATE OR REPLACE VIEW app.v AS SELECT 1 AS one;", "CREATE OR REPLACE VIEW app.v AS SELECT 2 AS one;"),
    ("CREATE OR REPLACE FUNCTION app.f() RETURNS int LANGUAGE sql AS 'SELECT 1';", "DROP FUNCTION app.f();"),
    ("ALTER TABLE app.t RENAME COLUMN a TO b;", "ALTER TABLE app.t RENAME COLUMN b TO a;"),
    ("ALTER TABLE app.t SET SCHEMA old;", "ALTER TABLE old.t SET SCHEMA app;"),
    ("GRANT SELECT ON app.t TO reader;", "REVOKE SELECT ON app.t FROM reader;"),
    (TABLE + " GRANT SELECT ON app.t TO reader; INSERT INTO app.t (id) VALUES (1);", "DROP TABLE app.t;"),
    ("ALTER TABLE app.t ENABLE ROW LEVEL SECURITY;", "ALTER TABLE app.t DISABLE ROW LEVEL SECURITY;"),
    ("ALTER TABLE app.t ALTER c SET NOT NULL;", "ALTER TABLE app.t ALTER c DROP NOT NULL;"),
    (ADD + " ALTER TABLE app.t DROP COLUMN c;", "SELECT 1;"),
    ("CREATE TABLE app.t (c int, CONSTRAINT k CHECK (c > 0)); ALTER TABLE app.t DROP CONSTRAINT k;",
     "DROP TABLE app.t;"),
    ("CREATE FUNCTION app.f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';"
     " CREATE TRIGGER g BEFORE INSERT ON app.t FOR EACH ROW EXECUTE FUNCTION app.f();",
     "DROP FUNCTION app.f() CASCADE;"),
    ("UPDATE app.t SET c = 1 WHERE id = 1;", "SELECT 1;"),
    ("CREATE TYPE app.e AS ENUM ('a');", "DROP TYPE app.e;"),
    ("ALTER TABLE app.t ATTACH PARTITION app.p FOR VALUES IN (1);", "ALTER TABLE app.t DETACH PARTITION app.p;"),
    ("CREATE UNIQUE INDEX j ON app.t (c); ALTER TABLE app.t ADD CONSTRAINT k UNIQUE USING INDEX j;",
     "ALTER TABLE app.t DROP CONSTRAINT k;"),
    ("ALTER TABLE app.t ADD CONSTRAINT k UNIQUE USING INDEX i;",
     "ALTER TABLE app.t DROP CONSTRAINT k; CREATE UNIQUE INDEX i ON app.t (c);"),
    ('CREATE TABLE app."T x" (id bigint PRIMARY KEY);', 'DROP TABLE app."T x";'),
]  # fmt: skip


@pytest.mark.parametrize(("deploy", "revert"), MIRRORS)
def test_a_revert_script_that_mirrors_its_deploy_script(deploy: str, revert: str) -> None:
    bad = [one for one in look(deploy, revert, "SELECT 1;") if one.code.startswith("revert-")]
    assert bad == []


LEAVES = [
    (
        "revert-incomplete",
        "ALTER TABLE app.t ADD CONSTRAINT k UNIQUE USING INDEX i;",
        "ALTER TABLE app.t DROP CONSTRAINT k;",
    ),
    ("revert-incomplete", ADD, "SELECT 1;"),
    ("revert-incomplete", ADD, "ALTER TABLE app.t DROP COLUMN d;"),
    ("revert-incomplete", "CREATE SCHEMA app; " + TABLE, "DROP TABLE app.t;"),
    ("revert-incomplete", "ALTER TYPE app.e ADD VALUE 'b' AFTER 'a';", "SELECT 1;"),
    ("revert-incomplete", "DROP VIEW app.v;", "SELECT 1;"),
    ("revert-incomplete", WIDEN, "SELECT 1;"),
    ("revert-incomplete", 'CREATE TABLE app."T" (id bigint PRIMARY KEY);', "DROP TABLE app.t;"),
    ("revert-incomplete", ADD, "BEGIN; ALTER TABLE app.t DROP COLUMN c; ROLLBACK;"),
    ("revert-too-much", ADD, BACK + " DROP TABLE app.u;"),
    ("revert-too-much", ADD, "DROP TABLE app.t;"),
    ("revert-leaves-rows", "INSERT INTO app.t (id) VALUES (1);", "SELECT 1;"),
    ("revert-unknown", ADD, "DO $$ BEGIN EXECUTE 'ALTER TABLE app.t DROP COLUMN c'; END $$;"),
]


@pytest.mark.parametrize(("code", "deploy", "revert"), LEAVES)
def test_a_revert_script_that_does_not(code: str, deploy: str, revert: str) -> None:
    assert code in codes(deploy, revert, "SELECT 1;")


def test_what_cannot_be_read_is_not_said_to_stay() -> None:
    """Unknown code in either script: nothing is claimed of what it may do."""
    assert "revert-incomplete" not in codes(ADD, "SELECT app.undo();", "SELECT 1;")
    assert "revert-incomplete" not in codes("SELECT app.make();" + ADD, "SELECT 1;", "SELECT 1;")


def test_scripts_that_are_absent_are_told() -> None:
    assert {"revert-missing"} <= codes(ADD, None, "SELECT c FROM app.t WHERE FALSE;")
    assert {"verify-missing"} <= codes(ADD, BACK, None)


def test_what_is_declared_to_tests_needs_no_finding() -> None:
    """What no text tells, `test` and `rehearse` find by trying."""
    proof = "SELECT c FROM app.t WHERE FALSE;"
    said = "-- pgmig: lint ignore {} its rows may be there already\n"
    verify, revert = said.format("verify-proves-nothing"), said.format("revert-incomplete")
    assert codes(ADD, revert + BACK, verify + proof) == codes(ADD, BACK, proof)
    assert codes(ADD, verify + BACK, revert + proof) == codes(ADD, BACK, proof) | {"ignore-comment"}
