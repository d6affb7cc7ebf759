"""Which statements change what all databases of a server share."""

from __future__ import annotations

import pytest

from pgmig_tui.impact.cluster_wide import cluster_wide
from pgmig_tui.script.actions import Then
from pgmig_tui.script.statement import Statement


def wide(sql: str, then: Then = "plain") -> str:
    return cluster_wide(Statement("x.sql", 1, 1, sql, then=then))


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE /* one */ ROLE a", "CREATE -- one\n USER a", "ALTER ROLE a SET work_mem = 1", "DROP GROUP a",
        "ALTER ROLE a RENAME TO b", "GRANT a TO b", "REVOKE ADMIN OPTION FOR a FROM b",
        "GRANT CONNECT ON DATABASE d TO a", "GRANT SET ON PARAMETER work_mem TO a", "REASSIGN OWNED BY a TO b",
        "DROP OWNED BY a", "CREATE DATABASE d", "ALTER DATABASE d OWNER TO a", "ALTER DATABASE d SET work_mem = 1",
        "DROP DATABASE d", "COMMENT ON DATABASE d IS 'x'", "SECURITY LABEL ON ROLE a IS 'x'",
        "ALTER TABLESPACE s RENAME TO t", "ALTER SYSTEM SET work_mem = 1", "CREATE USER MAPPING FOR a SERVER s",
        "CREATE SUBSCRIPTION s CONNECTION 'x' PUBLICATION p", "ALTER SUBSCRIPTION s OWNER TO a",
        "SELECT dblink_exec('dbname=other', 'DROP TABLE t')", "SELECT * FROM ext.dblink('x', 'y') AS t (a int)",
        "SELECT pg_create_physical_replication_slot('s')", "SELECT pg_terminate_backend(pid) FROM pg_stat_activity",
        "DO $$BEGIN CREATE /* one */ ROLE a; END$$", "DO $$BEGIN EXECUTE 'CREATE ' || 'ROLE a'; END$$",
        "DO $$BEGIN EXECUTE format('GRANT %I TO %I', 'a', 'b'); END$$", "DO $$BEGIN PERFORM dblink('x', 'y'); END$$",
        "CREATE FUNCTION f() RETURNS void LANGUAGE sql AS 'GRANT a TO b'",
    ],
)  # fmt: skip
def test_what_is_shared_is_named(sql: str) -> None:
    assert wide(sql)


def test_a_text_that_is_run_afterwards_is_looked_at_by_its_words() -> None:
    assert wide("SELECT format('CREATE %s a', 'ROLE')", then="gexec") == "ROLE"
    assert wide("SELECT 'ANALYZE t'", then="gexec") == ""


@pytest.mark.parametrize(
    "sql",
    [
        "GRANT SELECT ON t TO a", "ALTER TABLE t OWNER TO a", "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO a",
        "CREATE TABLE t (\"user\" text, role text)", "SELECT current_database(), current_user", "SET ROLE a",
        "INSERT INTO t VALUES ('CREATE ROLE a', 'dblink')", "CREATE POLICY p ON t TO a", "CREATE INDEX ON t (a)",
        "DO $$BEGIN EXECUTE format('GRANT SELECT ON t TO %I', 'a'); END$$", "DO $$BEGIN RAISE NOTICE 'the user'; END$$",
    ],
)  # fmt: skip
def test_what_is_the_database_s_own_is_not(sql: str) -> None:
    assert wide(sql) == ""
