"""Which scripts share one transaction with their record, and which verifications run inside it."""

from __future__ import annotations

import pytest

from pgmig_tui.script.shape import shape, verify_shape, wraps
from tests.script.reading import previewed

ATOMIC = [
    "BEGIN; CREATE TABLE a(); COMMIT;",
    "begin work;\nCREATE TABLE a();\nCREATE TABLE b();\nend;",
    "START TRANSACTION; SELECT 1; COMMIT AND NO CHAIN;",
    "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SELECT 1; COMMIT;",
    "-- c\nSET client_min_messages = warning;\n\\set x 1\n\nBEGIN;\nSELECT :x;\nCOMMIT;\nRESET ALL;\n\\echo done\n",
    "SET ROLE owner; BEGIN; SELECT 1; COMMIT; RESET ROLE;",
    "BEGIN;\n\\if :x\nCREATE TABLE a();\n\\else\nCREATE TABLE b();\n\\endif\nCOMMIT;",
    "\\if :x\nBEGIN; SELECT 1; COMMIT;\n\\else\nBEGIN; SELECT 2; COMMIT;\n\\endif\n",
    "\\if :x\nBEGIN;\n\\else\nBEGIN;\n\\endif\nSELECT 1;\nCOMMIT;",
    "BEGIN; SAVEPOINT a; SELECT 1; ROLLBACK TO a; RELEASE a; COMMIT;",
    "BEGIN; COPY t FROM stdin;\nCOMMIT;\n\\.\nCOMMIT;",
    "BEGIN; ALTER TYPE t ADD VALUE 'x'; COMMIT;",
    "BEGIN; CALL p(); DO $$ BEGIN PERFORM 1; END $$; COMMIT;",
    "BEGIN;\n\\i more.sql\nCOMMIT;",
    "\\encoding UTF8\nBEGIN; CLUSTER t; REINDEX TABLE t; ALTER TABLE p DETACH PARTITION c; COMMIT;",
]
WRAPPED = [
    "CREATE TABLE a();",
    "CREATE TABLE a()",
    "SET search_path = app; CREATE TABLE a();",
    "DO $$ BEGIN PERFORM 1; END $$;",
    "",
    "-- nothing to do\n",
    "/* nothing */",
    "\\echo nothing\n",
    "CREATE FUNCTION f() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT 1; SELECT 2; END;",
]
STEPWISE = {
    "SELECT 1; SELECT 2;": "several statements",
    "BEGIN; SELECT 1; COMMIT; SELECT 2;": "outside",
    "SELECT 1; BEGIN; SELECT 2; COMMIT;": "BEGIN",
    "BEGIN; SELECT 1; COMMIT; BEGIN; SELECT 2; COMMIT;": "second BEGIN",
    "BEGIN; SELECT 1; ROLLBACK; BEGIN; SELECT 2; COMMIT;": "ROLLBACK",
    "BEGIN READ ONLY; SELECT 1; COMMIT;": "read-only",
    "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1; COMMIT;": "REPEATABLE READ",
    "START TRANSACTION ISOLATION LEVEL SERIALIZABLE, READ ONLY, DEFERRABLE; SELECT 1; COMMIT;": "SERIALIZABLE",
    "BEGIN; SET TRANSACTION READ ONLY; SELECT 1; COMMIT;": "characteristics",
    "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY; SELECT 1;": "characteristics",
    "SET default_transaction_isolation = 'serializable'; SELECT 1;": "characteristics",
    "BEGIN; SELECT 1; PREPARE TRANSACTION 'x';": "two phases",
    "COMMIT PREPARED 'x';": "inside a transaction",
    "BEGIN; SELECT 1; COMMIT AND CHAIN; SELECT 2; COMMIT;": "CHAIN",
    "SELECT 'x' \\gexec": "\\gexec",
    "\\set ON_ERROR_STOP off\nBEGIN; SELECT 1; COMMIT;": "ON_ERROR_STOP",
    "\\set ON_ERROR_ROLLBACK on\nBEGIN; SELECT 1; COMMIT;": "ON_ERROR_ROLLBACK",
    "\\set AUTOCOMMIT off\nSELECT 1; COMMIT;": "AUTOCOMMIT",
    "\\c\nBEGIN; SELECT 1; COMMIT;": "session",
    "CALL p();": "procedure",
    "DO $$ BEGIN COMMIT; END $$;": "DO",
    "CREATE INDEX CONCURRENTLY i ON t(a);": "CREATE INDEX",
    "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS i ON t(a);": "CREATE INDEX",
    "-- slow\n/* but safe */ create /* x */ index concurrently i on t(a);": "CREATE INDEX",
    "DROP INDEX CONCURRENTLY i;": "DROP INDEX",
    "REINDEX INDEX CONCURRENTLY i;": "REINDEX",
    "REINDEX (CONCURRENTLY) TABLE t;": "REINDEX",
    "REINDEX SCHEMA s;": "REINDEX",
    "REINDEX (VERBOSE) DATABASE d;": "REINDEX",
    "VACUUM;": "VACUUM",
    "VACUUM (ANALYZE) t;": "VACUUM",
    "CREATE DATABASE d;": "CREATE DATABASE",
    "DROP DATABASE d;": "DROP DATABASE",
    "CREATE TABLESPACE x LOCATION '/x';": "TABLESPACE",
    "ALTER SYSTEM SET work_mem = '1MB';": "ALTER SYSTEM",
    "ALTER TABLE p DETACH PARTITION c CONCURRENTLY;": "ALTER TABLE",
    'ALTER TABLE "it\'s" DETACH PARTITION "c\'s" CONCURRENTLY;': "ALTER TABLE",
    'ALTER TABLE "a -- ""b" DETACH PARTITION c CONCURRENTLY;': "ALTER TABLE",
    "CLUSTER;": "CLUSTER",
    "CREATE SUBSCRIPTION s CONNECTION 'x' PUBLICATION p;": "SUBSCRIPTION",
    "DISCARD ALL;": "DISCARD",
    "BEGIN \\; SELECT 1 \\; COMMIT;": "joined",
    "BEGIN;\n\\if :x\nCOMMIT;\n\\endif\n": "way",
    "\\if :x\nBEGIN; SELECT 1; ROLLBACK;\n\\else\nBEGIN; SELECT 1; COMMIT;\n\\endif\n": "ROLLBACK",
    "\\if :x\nBEGIN;\n\\endif\nSELECT 1;\n\\if :x\nCOMMIT;\n\\endif\n": "outside",
    "BEGIN; SELECT 1\n\\if :x\n, 2\n\\else\n, 3\n\\endif\n; COMMIT;": "\\if",
    "BEGIN; SELECT 1; COMMIT;\n\\if :x\nSELECT 2;\n\\endif\n": "outside",
    "BEGIN;\n\\if :x\n\\q\n\\endif\nCOMMIT;": "\\quit",
}
REFUSED = {
    "BEGIN; SELECT 1; ROLLBACK;": "ends in ROLLBACK",
    "BEGIN; SELECT 1;": "leaves the transaction open",
    "BEGIN; SELECT 1; COMMIT; BEGIN;": "leaves the transaction open",
    "BEGIN; SELECT 1; COMMIT AND CHAIN;": "leaves the transaction open",
    "BEGIN; CREATE TABLE a(); ROLLBACK; -- for now\n": "ends in ROLLBACK",
    "SELECT 1;\n\\! ls\n": "outside the database",
    "\\foo\n": "invalid command",
    "SELECT 'a;": "ends inside a quote",
}


@pytest.mark.parametrize("script", ATOMIC)
def test_a_script_that_can_be_one_transaction_is_atomic(script: str) -> None:
    form = shape(previewed(script, files={"more.sql": b"CREATE TABLE more();"}))
    assert (form.mode, form.wraps) == ("atomic", False), form.reason


@pytest.mark.parametrize("script", WRAPPED)
def test_one_statement_is_wrapped(script: str) -> None:
    form = shape(previewed(script))
    assert (form.mode, form.wraps) == ("atomic", True), form.reason


@pytest.mark.parametrize("script", [*ATOMIC, *WRAPPED, *STEPWISE, *REFUSED])
def test_whether_it_is_wrapped_can_be_told_sooner(script: str) -> None:
    view = previewed(script, files={"more.sql": b"CREATE TABLE more();"})
    assert wraps(view) is shape(view).wraps


@pytest.mark.parametrize(("script", "reason"), STEPWISE.items())
def test_a_script_that_can_not_be_one_transaction_is_stepwise_and_says_why(script: str, reason: str) -> None:
    form = shape(previewed(script))
    assert form.mode == "stepwise", form
    assert reason in form.reason


@pytest.mark.parametrize(("script", "reason"), REFUSED.items())
def test_a_script_that_can_not_be_carried_out_is_refused_and_says_why(script: str, reason: str) -> None:
    form = shape(previewed(script))
    assert form.mode == "refused", form
    assert reason in form.reason


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("BEGIN; ALTER TYPE t ADD VALUE IF NOT EXISTS 'x'; COMMIT;", "enum"),
        ("BEGIN; CREATE TEMP TABLE t(); COMMIT;", "temporary"),
        ("CREATE TEMPORARY VIEW v AS SELECT 1;", "temporary"),
        ("SELECT 1 AS a INTO TEMP t;", "temporary"),
        ("ALTER ROLE a SET search_path = b;", "session"),
        ("ALTER DATABASE d RESET ALL;", "session"),
        ("ALTER ROLE a IN DATABASE d SET x = y;", "session"),
    ],
)
def test_changes_that_are_verified_afterwards(script: str, reason: str) -> None:
    (found,) = shape(previewed(script)).verify_after
    assert reason in found


@pytest.mark.parametrize(
    "script",
    ["ALTER ROLE a PASSWORD 'SET'", "ALTER ROLE a NOLOGIN", "CREATE TABLE t(a text DEFAULT 'TEMP');", "SELECT 1"],
)
def test_others_are_verified_inside(script: str) -> None:
    assert shape(previewed(script)).verify_after == ()


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("LOAD 'x';", True),
        ("DO $$ BEGIN END $$;", True),
        ("CALL p();", True),
        ("ALTER ROLE a SET b = c;", True),
        ("SELECT 1", False),
    ],
)
def test_what_may_change_its_session_needs_a_new_one(script: str, expected: bool) -> None:
    assert shape(previewed(script)).needs_new_session is expected


VERIFY_INSIDE = [
    "BEGIN; SELECT a FROM t WHERE false; ROLLBACK;",
    "SELECT 1; SELECT 2;",
    "SELECT 1/count(*) FROM t;\n\\if :x\nSELECT 2;\n\\endif",
    "DO $$ BEGIN ASSERT true; END $$;",
    "BEGIN; INSERT INTO t VALUES (1); ROLLBACK; BEGIN; SELECT 1; COMMIT;",
    "SELECT 'BEGIN READ ONLY; `x` dblink';",
    "",
]
VERIFY_AFTER = [
    "BEGIN READ ONLY; SELECT 1; ROLLBACK;",
    "BEGIN ISOLATION LEVEL SERIALIZABLE; ROLLBACK;",
    "SET TRANSACTION READ ONLY;",
    "\\c\nSELECT 1;",
    "\\! true\nSELECT 1;",
    "\\set x `date`\nSELECT 1;",
    "SELECT 1 \\g |cat\n",
    "\\copy t from program 'x'\n",
    "SELECT * FROM dblink('x', 'y') AS t(a int);",
    "SELECT public.dblink_connect('x');",
    "DO $$ BEGIN COMMIT; END $$;",
    "DO $$ BEGIN ROLLBACK ; END $$;",
    "\\set ON_ERROR_STOP off\nSELECT 1;",
    "VACUUM t;",
    "BEGIN \\; ROLLBACK;",
]


@pytest.mark.parametrize("script", VERIFY_INSIDE)
def test_a_verify_script_that_fits_into_the_transaction_runs_inside_the_step(script: str) -> None:
    assert verify_shape(previewed(script)).inside


@pytest.mark.parametrize("script", VERIFY_AFTER)
def test_a_verify_script_that_does_not_fit_into_the_transaction_runs_afterwards_and_says_why(script: str) -> None:
    form = verify_shape(previewed(script))
    assert not form.inside
    assert form.reason
