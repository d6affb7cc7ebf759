"""The guide's tracking tables: written with the change, kept apart from strangers' tables, off where it can't be."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from pgmig_tui.database.connect import Connection, ServerError
from pgmig_tui.database.tracking import (
    AuditRow,
    Migration,
    Tracking,
    create_tracking_sql,
    prepare_tracking,
    read_tracking,
    record_failure,
    tracking_sql,
)
from tests.database.places import OPERATOR, Databases, role, session
from tests.servers import Server

MIGRATION = Migration("1b50b4205a81e3d5d2f703ab0ff44ab8bfe3ed0a", "users", "deploy", "Adds\nusers", True, 12.3456)
GUIDE = {
    "schema_migrations": ["version", "installed_by", "description", "installed_on", "success", "execution_time"],
    "schema_audit": [
        "migration_id", "operation_type", "object_type", "object_name", "description", "performed_at", "performed_by",
        "sql_statement",
    ],
}  # fmt: skip


def on(connection: Connection, schema: str = "pgmig") -> str:
    tracking = prepare_tracking(connection, read_tracking(connection, schema))
    assert tracking == Tracking(schema)
    return schema


@pytest.mark.parametrize("schema", ["pgmig", 'Odd "schema'])
def test_created_once_with_the_guide_s_columns(pg: Server, database_on: Databases, schema: str) -> None:
    with session(pg, database_on(pg)) as connection:
        assert read_tracking(connection, schema) == Tracking(schema, creates="schema")
        on(connection, schema)
        assert read_tracking(connection, schema) == Tracking(schema)
        assert create_tracking_sql(Tracking(schema)) == ""
        for table, columns in GUIDE.items():
            rows = connection.execute(
                "SELECT column_name::text FROM information_schema.columns WHERE table_schema = %s AND table_name = %s"
                " ORDER BY ordinal_position",
                [schema, table],
            )
            assert [name for (name,) in rows][: len(columns) + 1] == [*columns, "id"]


def test_a_policy_turns_tracking_off(pg: Server, database_on: Databases) -> None:
    with session(pg, database_on(pg)) as connection:
        assert read_tracking(connection, None) == Tracking(None)
        assert prepare_tracking(connection, Tracking(None)) == Tracking(None)


def test_a_success_is_written_with_the_change_or_not_at_all(pg: Server, database_on: Databases) -> None:
    with session(pg, database_on(pg)) as connection:
        schema = on(connection)
        audit = [
            AuditRow("CREATE TABLE", "table", "public.o'brien\\", "deploy/users.sql:3", "CREATE TABLE o'brien\\()"),
            AuditRow("INSERT", None, None, "20 statements", "a\0b", "2026-01-02T03:04:05.678Z"),
        ]
        sql = tracking_sql(schema, MIGRATION, audit, OPERATOR)
        connection.execute(f"BEGIN; {sql}; ROLLBACK")
        assert connection.one("SELECT count(*) FROM pgmig.schema_migrations") == (0,)
        connection.execute(f"BEGIN; {sql}; COMMIT")
        (row,) = connection.execute(
            "SELECT version, installed_by, description, installed_on > clock_timestamp() - interval '1 min', success,"
            " execution_time FROM pgmig.schema_migrations"
        )
        who = f"{OPERATOR.name} <{OPERATOR.email}> as {pg.parameters['user']}"
        assert row == ("users", who, "deploy 1b50b420: Adds", True, True, timedelta(microseconds=12346))
        rows = connection.execute(
            "SELECT m.version, a.operation_type, a.object_type, a.object_name, a.description, a.sql_statement,"
            " a.performed_by, to_char(a.performed_at, 'YYYY-MM-DD\"T\"HH24:MI:SS.MS')"
            " FROM pgmig.schema_audit a JOIN pgmig.schema_migrations m ON m.id = a.migration_id ORDER BY a.id"
        )
        assert rows[0][:7] == ("users", *_columns(audit[0]), who)
        assert rows[1] == (
            "users",
            *_columns(replace(audit[1], sql_statement="a\ufffdb")),
            who,
            "2026-01-02T03:04:05.678",
        )


def _columns(row: AuditRow) -> tuple[str | None, ...]:
    return (row.operation_type, row.object_type, row.object_name, row.description, row.sql_statement)


def test_without_audit_rows_and_with_thousands(pg: Server, database_on: Databases) -> None:
    with session(pg, database_on(pg)) as connection:
        schema = on(connection)
        connection.execute(tracking_sql(schema, MIGRATION, [], OPERATOR))
        many = [AuditRow("INSERT", sql_statement=f"INSERT INTO t VALUES ({n})") for n in range(5000)]
        connection.execute(tracking_sql(schema, MIGRATION, many, OPERATOR))
        assert connection.one("SELECT count(*), count(DISTINCT migration_id) FROM pgmig.schema_audit") == (5000, 1)
        assert connection.one("SELECT count(*) FROM pgmig.schema_migrations") == (2,)


def test_a_failure_says_so(pg: Server, database_on: Databases) -> None:
    failed = Migration("ab" * 20, "users", "deploy", "", False, 1.0, "verify_failed")
    with session(pg, database_on(pg)) as connection:
        schema = on(connection)
        assert record_failure(connection, schema, failed, [], OPERATOR) is None
        rows = connection.execute("SELECT description, success FROM pgmig.schema_migrations")
        assert rows == [("deploy verify_failed abababab", False)]
        connection.execute("DROP FUNCTION pgmig.record_step")
        why = record_failure(connection, schema, failed, [], OPERATOR)
        assert why is not None
        assert "does not exist" in why
        assert connection.one("SELECT count(*) FROM pgmig.evidence") == (0,)


@pytest.mark.parametrize(
    ("made", "reason"),
    [
        (
            "CREATE TABLE pgmig.schema_migrations (version text PRIMARY KEY)",
            "its columns are others; find out whose it is",
        ),
        ("CREATE VIEW pgmig.schema_audit AS SELECT 1 AS id", "exists and is not ours"),
    ],
)
def test_a_stranger_s_table_turns_it_off(pg: Server, database_on: Databases, made: str, reason: str) -> None:
    with session(pg, database_on(pg)) as connection:
        connection.execute(f"CREATE SCHEMA pgmig; {made}")
        tracking = read_tracking(connection, "pgmig")
        assert tracking.schema is None
        assert reason in tracking.reason
        assert prepare_tracking(connection, tracking) == tracking


def test_half_of_the_tables_is_not_ours(pg: Server, database_on: Databases) -> None:
    with session(pg, database_on(pg)) as connection:
        on(connection)
        connection.execute("DROP TABLE pgmig.schema_audit")
        assert "pgmig has schema_migrations but not schema_audit" in read_tracking(connection, "pgmig").reason


def test_without_the_right_it_is_off_and_says_what_to_grant(pg: Server, database_on: Databases) -> None:
    name = database_on(pg)
    with session(pg, name) as owner, role(pg) as plain, session(pg, name, **plain) as connection:
        user = plain["user"]

        def step(grant: str) -> Tracking:
            tracking = read_tracking(connection, "pgmig")
            assert tracking.schema is None
            assert grant in tracking.reason
            for statement in grant.split(";"):
                if statement.strip():
                    pg.execute(statement, name)
            return read_tracking(connection, "pgmig")

        found = step(f'GRANT CREATE ON DATABASE "{name}" TO "{user}";')
        assert found == Tracking("pgmig", creates="schema")
        pg.execute(f'REVOKE CREATE ON DATABASE "{name}" FROM "{user}"')

        owner.execute("CREATE SCHEMA pgmig")
        found = step(f'GRANT USAGE, CREATE ON SCHEMA "pgmig" TO "{user}";')
        assert found == Tracking("pgmig", creates="tables")
        pg.execute(f'REVOKE ALL ON SCHEMA pgmig FROM "{user}"', name)

        on(owner)
        found = step(
            f'GRANT USAGE ON SCHEMA "pgmig" TO "{user}";'
            f' GRANT EXECUTE ON FUNCTION "pgmig".record_step(jsonb, text[]), "pgmig".answer_step(jsonb),'
            f' "pgmig".record_evidence(jsonb), "pgmig".tables_shape(oid[]) TO "{user}";'
            f' GRANT SELECT ON ALL TABLES IN SCHEMA "pgmig" TO "{user}";'
            f' GRANT SELECT, INSERT, UPDATE ON "pgmig".runs TO "{user}";'
        )
        assert found == Tracking("pgmig")
        connection.execute(tracking_sql("pgmig", MIGRATION, [AuditRow("X")], OPERATOR))
        for write in (
            "DELETE FROM pgmig.schema_audit", "UPDATE pgmig.schema_migrations SET success = false",
            "INSERT INTO pgmig.evidence (item) VALUES ($$a$$)", "TRUNCATE pgmig.tracking_head",
        ):  # fmt: skip
            with pytest.raises(ServerError, match="permission denied"):
                connection.execute(write)


def test_a_refusal_at_creation_turns_it_off(pg: Server, database_on: Databases) -> None:
    name = database_on(pg)
    with role(pg) as plain, session(pg, name, **plain) as connection:
        tracking = prepare_tracking(connection, Tracking("pgmig", creates="schema"))
        assert tracking.schema is None
        assert "permission denied" in tracking.reason
        assert connection.one("SELECT 1") == (1,)


def test_the_table_of_runs_joins_older_ones(pg: Server, database_on: Databases) -> None:
    with session(pg, database_on(pg)) as connection:
        on(connection)
        connection.execute("DROP TABLE pgmig.runs")
        found = read_tracking(connection, "pgmig")
        assert found == Tracking("pgmig", creates="runs")
        assert prepare_tracking(connection, found) == read_tracking(connection, "pgmig") == Tracking("pgmig")


def test_a_stranger_s_table_of_runs_is_left_alone(pg: Server, database_on: Databases) -> None:
    with session(pg, database_on(pg)) as connection:
        connection.execute("CREATE SCHEMA pgmig; CREATE TABLE pgmig.runs (id int)")
        found = prepare_tracking(connection, read_tracking(connection, "pgmig"))
        assert (found.schema, found.creates) == ("pgmig", "")
        assert "pgmig.runs exists and is not ours: its columns are others; find out whose" in found.no_runs
        assert connection.execute("SELECT * FROM pgmig.runs") == []
        assert read_tracking(connection, "pgmig") == found


def test_only_the_row_of_the_run_is_missing_without_the_right_to_it(pg: Server, database_on: Databases) -> None:
    name = database_on(pg)
    with session(pg, name) as owner, role(pg) as plain, session(pg, name, **plain) as connection:
        user = plain["user"]
        on(owner)
        owner.execute(f'GRANT USAGE ON SCHEMA pgmig TO "{user}"')
        owner.execute(f'GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA pgmig TO "{user}"')
        found = read_tracking(connection, "pgmig")
        grant = f'GRANT SELECT, INSERT, UPDATE ON "pgmig".runs TO "{user}";'
        assert (found.schema, found.creates) == ("pgmig", "")
        assert grant in found.no_runs
        owner.execute(grant)
        assert read_tracking(connection, "pgmig") == Tracking("pgmig")

        owner.execute("DROP TABLE pgmig.runs")
        found = read_tracking(connection, "pgmig")
        grant = f'GRANT CREATE ON SCHEMA "pgmig" TO "{user}";'
        assert (found.schema, found.creates) == ("pgmig", "")
        assert grant in found.no_runs
        refused = prepare_tracking(connection, Tracking("pgmig", creates="runs"))
        assert refused.schema == "pgmig"
        assert "permission denied" in refused.no_runs
        owner.execute(grant)
        assert read_tracking(connection, "pgmig") == Tracking("pgmig", creates="runs")
