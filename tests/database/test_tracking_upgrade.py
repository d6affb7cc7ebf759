"""Tracking of version 1 becomes version 2 in place: in one transaction, with its rows, by whoever owns it."""

from __future__ import annotations

from pathlib import Path

import pytest

from pgmig_tui.database.chain import read_chain
from pgmig_tui.database.connect import Connection
from pgmig_tui.database.text import bind
from pgmig_tui.database.tracking import (
    AuditRow,
    Migration,
    Tracking,
    prepare_tracking,
    read_durations,
    read_tracking,
    tracking_sql,
)
from tests.database.places import OPERATOR, Databases, role, session
from tests.servers import Server

VERSION_1 = Path(__file__).with_name("tracking_version_1.sql").read_text(encoding="utf-8")
CHANGE = "1b50b4205a81e3d5d2f703ab0ff44ab8bfe3ed0a"
DEPLOY = Migration(CHANGE, "users", "deploy", "Adds users", True, 12.3)


def make_version_1(connection: Connection, schema: str = "pgmig") -> None:
    connection.execute(f'CREATE SCHEMA "{schema}"; ' + bind(VERSION_1, {"schema": schema}))


def fill_version_1(connection: Connection) -> None:
    rows = [
        (DEPLOY, [AuditRow("CREATE", "TABLE", "users"), AuditRow("INSERT")]),
        (Migration("ab" * 20, "orders", "deploy", "", False, 1, "failed"), []),
        (
            Migration("cd" * 20, "items", "deploy", "x: y", False, 1, told="cut off, partly applied", outcome="partly"),
            [],
        ),
        (Migration("ef" * 20, "late", "deploy", "", False, 1, "unverified"), []),
        (Migration(CHANGE, "users", "revert", "Adds users", True, 2), [AuditRow("DROP", "TABLE", "users")]),
    ]
    for migration, audit in rows:
        connection.execute(tracking_sql("pgmig", migration, audit, OPERATOR, version=1))
    connection.execute(
        "INSERT INTO pgmig.schema_migrations (version, description, success, execution_time)"
        " VALUES ('by hand', 'whatever', true, '1 s')"
    )


def test_the_rows_stay_and_say_in_columns_what_they_said(pg: Server, database_on: Databases) -> None:
    with session(pg, database_on(pg)) as connection:
        make_version_1(connection)
        fill_version_1(connection)
        old = "SELECT id, version, installed_by, description, installed_on, success, execution_time FROM"
        before = connection.execute(f"{old} pgmig.schema_migrations ORDER BY id")
        found = read_tracking(connection, "pgmig")
        assert found == Tracking("pgmig", creates="upgrade", version=1)
        durations = read_durations(connection, "pgmig")
        assert prepare_tracking(connection, found) == read_tracking(connection, "pgmig") == Tracking("pgmig")
        assert connection.execute(f"{old} pgmig.schema_migrations ORDER BY id") == before
        rows = connection.execute(
            "SELECT operation, outcome, success, project, seq FROM pgmig.schema_migrations ORDER BY id"
        )
        assert rows == [
            ("deploy", "done", True, None, 1),
            ("deploy", "failed", False, None, 2),
            ("deploy", "partly", False, None, 3),
            ("deploy", "unverified", False, None, 4),
            ("revert", "done", True, None, 5),
            (None, None, True, None, 6),
        ]
        chain = read_chain(connection, "pgmig")
        assert chain is not None
        assert (chain.whole, chain.links) == (True, 6)
        assert read_durations(connection, "pgmig") == durations == {CHANGE[:8]: 12.3}
        connection.execute(tracking_sql("pgmig", Migration("9" * 40, "n", "deploy", "", True, 7.5), [], OPERATOR))
        assert read_durations(connection, "pgmig") == {CHANGE[:8]: 12.3, "99999999": 7.5}
        chain = read_chain(connection, "pgmig")
        assert chain is not None
        assert (chain.whole, chain.links) == (True, 7)


def test_an_upgrade_that_breaks_leaves_version_1(pg: Server, database_on: Databases) -> None:
    """Something of the name of what it makes: all of it is rolled back, and version 1 goes on."""
    with session(pg, database_on(pg)) as connection:
        make_version_1(connection)
        fill_version_1(connection)
        connection.execute("CREATE INDEX schema_audit_migration_id ON pgmig.schema_audit (id)")
        found = prepare_tracking(connection, read_tracking(connection, "pgmig"))
        assert (found.schema, found.version, found.creates) == ("pgmig", 1, "")
        assert 'relation "schema_audit_migration_id" already exists' in found.stays
        connection.execute(tracking_sql("pgmig", DEPLOY, [AuditRow("X")], OPERATOR, found.version))
        assert connection.one("SELECT count(*) FROM pgmig.schema_migrations") == (7,)
        connection.execute("DROP INDEX pgmig.schema_audit_migration_id")
        assert prepare_tracking(connection, read_tracking(connection, "pgmig")) == Tracking("pgmig")


def test_who_may_write_version_1_calls_the_functions_of_version_2(pg: Server, database_on: Databases) -> None:
    """A role that doesn't own the tables fills version 1 as it is, and is told so; nobody else writes version 2."""
    name = database_on(pg)
    with session(pg, name) as owner, role(pg) as plain, session(pg, name, **plain) as connection:
        user = plain["user"]
        make_version_1(owner)
        owner.execute(
            f'GRANT USAGE ON SCHEMA pgmig TO "{user}"; GRANT ALL ON ALL TABLES IN SCHEMA pgmig TO "{user}", PUBLIC;'
            f' GRANT SELECT ON ALL TABLES IN SCHEMA pgmig TO "{user}"'
        )
        found = read_tracking(connection, "pgmig")
        assert (found.schema, found.version, found.creates) == ("pgmig", 1, "")
        assert "they belong to postgres; a deploy by their owner upgrades them" in found.stays
        connection.execute(tracking_sql("pgmig", DEPLOY, [AuditRow("X")], OPERATOR, found.version))
        assert prepare_tracking(owner, read_tracking(owner, "pgmig")) == Tracking("pgmig")
        found = read_tracking(connection, "pgmig")
        assert (found.schema, found.version, found.creates, found.stays) == ("pgmig", 2, "", "")
        connection.execute(tracking_sql("pgmig", DEPLOY, [AuditRow("X")], OPERATOR))
        rights = owner.execute(
            "SELECT DISTINCT c.relname::text, x.privilege_type FROM pg_class c, aclexplode(c.relacl) x"
            " WHERE c.relnamespace = 'pgmig'::regnamespace AND x.grantee <> c.relowner AND c.relname <> 'runs'"
            " AND x.privilege_type NOT IN ('SELECT', 'MAINTAIN')"
        )
        assert rights == []
        callers = owner.execute(
            "SELECT DISTINCT x.grantee::regrole::text FROM pg_proc p, aclexplode(p.proacl) x"
            " WHERE p.pronamespace = 'pgmig'::regnamespace AND x.grantee <> p.proowner"
        )
        assert callers == [(user,)]


@pytest.mark.parametrize(
    ("done", "reason"),
    [
        ("ALTER TABLE pgmig.schema_migrations DROP hash", "half upgraded: it lacks the column schema_migrations.hash"),
        ("DROP FUNCTION pgmig.answer_step", r"half upgraded: it lacks the function answer_step\(\)"),
        ("DROP TABLE pgmig.evidence", "half upgraded: it lacks the table evidence"),
        ("DROP TABLE pgmig.tracking_head", "half upgraded: it lacks the table tracking_head"),
        ("ALTER TABLE pgmig.schema_audit ADD later text", "newer version than this program knows: it has the column l"),
        ("ALTER TABLE pgmig.schema_migrations DROP version", "schema_migrations exists and is not ours"),
        (
            "CREATE OR REPLACE FUNCTION pgmig.record_step(step jsonb, statements text[]) RETURNS bigint"
            " LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'BEGIN RETURN 1; END'",
            r"pgmig.record_step\(\) is not the function that this version",
        ),
        ("ALTER FUNCTION pgmig.record_step SECURITY INVOKER", r"pgmig.record_step\(\) is not the function"),
        ("ALTER FUNCTION pgmig.answer_step SET search_path = public", r"pgmig.answer_step\(\) is not the function"),
        ("ALTER FUNCTION pgmig.record_evidence RESET search_path", r"pgmig.record_evidence\(\) is not the function"),
    ],
)
def test_what_is_not_as_we_make_it_is_left_alone(pg18: Server, database_on: Databases, done: str, reason: str) -> None:
    with session(pg18, database_on(pg18)) as connection:
        prepare_tracking(connection, read_tracking(connection, "pgmig"))
        connection.execute(tracking_sql("pgmig", DEPLOY, [], OPERATOR))
        connection.execute(done)
        found = read_tracking(connection, "pgmig")
        assert found.schema is None
        with pytest.raises(AssertionError, match=reason):  # so that the reason is shown where it is another
            raise AssertionError(found.reason)
        assert prepare_tracking(connection, found) == found
        assert connection.one("SELECT count(*) FROM pgmig.schema_migrations") == (1,)
