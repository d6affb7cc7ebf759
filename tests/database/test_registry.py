"""The registry is Sqitch's, object for object; who may, who may not, who holds the lock."""

from __future__ import annotations

from pathlib import Path

import pytest

from pgmig_tui.database import registry
from pgmig_tui.database.connect import Connection
from pgmig_tui.database.rows import script_hash_fix_sql
from pgmig_tui.errors import NotPermitted, ProjectError, Refused
from pgmig_tui.project.plan import read_plan
from tests.database.places import OPERATOR, Databases, plan, role, session, until
from tests.database.rows import registry_rows, schema_dump
from tests.servers import Server
from tests.sqitch import Sqitch

FLIP = plan("a 2024-01-01T00:00:00Z T <t@example.com>\n")


def prepare(connection: Connection, schema: str = "sqitch", the_plan: object = FLIP) -> tuple[str, ...]:
    state = registry.read_state(connection, schema, "flip")
    return registry.prepare_registry(connection, schema, the_plan, OPERATOR, state)  # type: ignore[arg-type]


@pytest.mark.sqitch
def test_created_as_sqitch_creates_it(pg: Server, database_on: Databases, sqitch_project: Sqitch) -> None:
    theirs, ours = database_on(pg), database_on(pg)
    sqitch_project.run("deploy", "--log-only", "--to", "users@v1", pg.uri(theirs))
    with session(pg, ours) as connection:
        done = prepare(connection, the_plan=read_plan(sqitch_project.project / "sqitch.plan"))
    assert done == ("created the registry in schema sqitch",)
    assert schema_dump(pg, ours) == schema_dump(pg, theirs)
    expected, found = registry_rows(pg, theirs), registry_rows(pg, ours)
    for table in ("releases", "projects"):
        assert found[table] == expected[table]
        assert len(found[table]) == 1


@pytest.mark.parametrize("schema", ["sqitch", 'Odd "schema", name\\'])
def test_created_in_any_schema(pg: Server, database_on: Databases, schema: str) -> None:
    with session(pg, database_on(pg)) as connection:
        assert registry.read_registry(connection, schema) == registry.RegistryInfo(schema, False, None)
        prepare(connection, schema)
        assert registry.read_registry(connection, schema) == registry.RegistryInfo(schema, True, "1.1")
        assert prepare(connection, schema) == ()
        assert registry.read_deployed(connection, schema, None) == ()
        assert registry.read_events(connection, schema) == ()


def test_an_existing_schema_needs_no_right_on_the_database(pg: Server, database_on: Databases) -> None:
    name = database_on(pg)
    with role(pg) as plain, session(pg, name, **plain) as connection:
        with pytest.raises(NotPermitted) as caught:
            prepare(connection)
        assert caught.value.exit_status == 1
        assert f'GRANT CREATE ON DATABASE "{name}" TO "{plain["user"]}";' in caught.value.do
        assert not registry.read_registry(connection, "sqitch").present
        pg.execute("CREATE SCHEMA sqitch", name)
        with pytest.raises(NotPermitted) as caught:
            prepare(connection)
        grant = f'GRANT USAGE, CREATE ON SCHEMA "sqitch" TO "{plain["user"]}";'
        assert grant in caught.value.do
        pg.execute(grant, name)
        prepare(connection)
        assert registry.read_registry(connection, "sqitch").version == "1.1"


def test_a_role_that_may_not_read_is_told_what_to_grant(pg: Server, database_on: Databases) -> None:
    name = database_on(pg)
    with session(pg, name) as connection:
        prepare(connection)
    with role(pg) as plain, session(pg, name, **plain) as connection:
        with pytest.raises(NotPermitted, match="GRANT USAGE ON SCHEMA") as refused:
            registry.read_state(connection, "sqitch", "flip")
        assert refused.value.do.count(f'TO "{plain["user"]}";') == 2
        pg.execute(f'GRANT USAGE ON SCHEMA sqitch TO "{plain["user"]}"', name)
        with pytest.raises(NotPermitted, match="GRANT SELECT ON ALL TABLES"):
            registry.read_state(connection, "sqitch", "flip")
        pg.execute(f'GRANT SELECT ON ALL TABLES IN SCHEMA sqitch TO "{plain["user"]}"', name)
        assert registry.read_state(connection, "sqitch", "flip").info.version == "1.1"


def make_old(server: Server, database: str, version: str) -> None:
    """Turn a registry of today back into an old one, as the upgrade scripts of Sqitch describe them."""
    server.execute(
        """ALTER TABLE sqitch.changes DROP CONSTRAINT changes_project_script_hash_key;
           ALTER TABLE sqitch.changes ADD CONSTRAINT changes_script_hash_key UNIQUE (script_hash);
           COMMENT ON SCHEMA sqitch IS 'Sqitch database deployment metadata v1.0.';
           UPDATE sqitch.releases SET version = 1.0""",
        database,
    )
    if version == "0":
        server.execute(
            """ALTER TABLE sqitch.changes DROP COLUMN script_hash;
               ALTER TABLE sqitch.events DROP CONSTRAINT events_event_check;
               ALTER TABLE sqitch.events ADD CONSTRAINT events_event_check
                     CHECK (event IN ('deploy', 'revert', 'fail'));
               DROP TABLE sqitch.releases;
               COMMENT ON SCHEMA sqitch IS 'Sqitch database deployment metadata v1.0.'""",
            database,
        )


@pytest.mark.sqitch
@pytest.mark.parametrize("version", ["0", "1.0"])
def test_upgraded_as_sqitch_upgrades_it(
    pg: Server, database_on: Databases, sqitch_project: Sqitch, version: str
) -> None:
    theirs, ours = database_on(pg), database_on(pg)
    for database in (theirs, ours):
        sqitch_project.run("deploy", "--log-only", "--to", "users@v1", pg.uri(database))
        make_old(pg, database, version)
    sqitch_project.run("upgrade", pg.uri(theirs))
    with session(pg, ours) as connection:
        state = registry.read_state(connection, "sqitch", "flip")
        assert (state.info.version, state.info.old) == (version, True)
        assert [change.name for change in state.deployed] == ["users"]
        assert (state.deployed[0].script_hash is None) == (version == "0")
        done = registry.upgrade_registry(connection, state.info, OPERATOR)
        assert done == (("1.0", "1.1") if version == "0" else ("1.1",))
        assert not registry.read_registry(connection, "sqitch").old
    assert schema_dump(pg, ours) == schema_dump(pg, theirs)
    assert registry_rows(pg, ours) == registry_rows(pg, theirs)

    # The next deploy puts real hashes where the upgrade from 0 left change IDs.
    sqitch_project.run("deploy", "--log-only", pg.uri(theirs))
    hashes = {row["change_id"]: row["script_hash"] for row in registry_rows(pg, theirs)["changes"]}
    with session(pg, ours) as connection:
        deployed = registry.read_deployed(connection, "sqitch", "flip")
        stale = [row.change_id for row in deployed if row.script_hash == row.change_id]
        assert len(stale) == (1 if version == "0" else 0)
        if stale:
            connection.execute(script_hash_fix_sql("sqitch", {change_id: hashes[change_id] for change_id in stale}))
    first = registry_rows(pg, theirs)["changes"][0]
    assert registry_rows(pg, ours)["changes"] == [first]
    assert first["script_hash"] != first["change_id"]


def test_an_upgrade_without_ownership_names_the_right(pg: Server, database_on: Databases) -> None:
    name = database_on(pg)
    with session(pg, name) as connection:
        prepare(connection)
    make_old(pg, name, "1.0")
    with role(pg) as plain, session(pg, name, **plain) as connection:
        pg.execute(f'GRANT USAGE ON SCHEMA sqitch TO "{plain["user"]}"', name)
        pg.execute(f'GRANT ALL ON ALL TABLES IN SCHEMA sqitch TO "{plain["user"]}"', name)
        with pytest.raises(NotPermitted, match="owner"):
            prepare(connection)
        assert registry.read_registry(connection, "sqitch").version == "1.0"
        assert connection.one("SELECT 1") == (1,)


def test_a_newer_registry_is_refused(pg: Server, database_on: Databases) -> None:
    name = database_on(pg)
    with session(pg, name) as connection:
        prepare(connection)
        pg.execute("INSERT INTO sqitch.releases VALUES (1.2, DEFAULT, 'x', 'y')", name)
        info = registry.read_registry(connection, "sqitch")
        assert (info.version, info.newer, info.old) == ("1.2", True, False)
        with pytest.raises(Refused, match=r"version 1\.2; 1\.1 is the newest"):
            prepare(connection)


def test_two_projects_in_one_registry(pg: Server, database_on: Databases) -> None:
    def uri(project: str, text: str | None) -> object:
        from dataclasses import replace

        return replace(FLIP, project=project, uri=text)

    with session(pg, database_on(pg)) as connection:
        prepare(connection, the_plan=uri("one", None))
        registry.register_project(connection, "sqitch", uri("two", "https://example.com/2"), OPERATOR)  # type: ignore[arg-type]
        registry.register_project(connection, "sqitch", uri("two", "https://example.com/2"), OPERATOR)  # type: ignore[arg-type]
        for project, text, message in (
            ("one", "https://example.com/1", 'with URI "https://example.com/1": it is registered without URI'),
            ("two", None, 'without URI: it is registered with URI "https://example.com/2"'),
            ("two", "https://example.com/3", 'with URI "https://example.com/3": it is registered with URI'),
            ("three", "https://example.com/2", 'project "two" already uses that URI'),
        ):
            with pytest.raises(ProjectError) as caught:
                registry.register_project(connection, "sqitch", uri(project, text), OPERATOR)  # type: ignore[arg-type]
            assert message in caught.value.what
        registry.register_project(connection, "sqitch", uri("three", None), OPERATOR)  # type: ignore[arg-type]
        rows = connection.execute("SELECT project, uri, creator_name, creator_email FROM sqitch.projects ORDER BY 1")
        assert [row[:2] for row in rows] == [("one", None), ("three", None), ("two", "https://example.com/2")]
        assert {row[2:] for row in rows} == {(OPERATOR.name, OPERATOR.email)}


def test_the_lock_is_tried_and_its_holder_named(pg: Server, database_on: Databases) -> None:
    name = database_on(pg)
    with session(pg, name, "pgmig/first/control") as first, session(pg, name, "pgmig/second/control") as second:
        assert registry.lock_holder(second) is None
        assert registry.try_lock(first)
        assert not registry.try_lock(second)
        holder = registry.lock_holder(second)
        assert holder is not None
        assert (holder.pid, holder.application) == (first.pid, "pgmig/first/control")
        assert holder.user == pg.parameters["user"]
        assert holder.since is not None
        for part in (str(first.pid), "pgmig/first/control", "a local connection", holder.since):
            assert part in str(holder)
        row = second.one(f"SELECT {registry.holds_lock_sql(first.pid)}, {registry.holds_lock_sql(second.pid)}")
        assert row == (True, False)
        with session(pg, database_on(pg)) as elsewhere:
            assert registry.try_lock(elsewhere)
    with session(pg, name) as third:
        until(lambda: registry.try_lock(third))  # the server takes a moment to end a session


@pytest.mark.sqitch
def test_sqitch_and_we_exclude_each_other(pg: Server, database_on: Databases, sqitch_project: Sqitch) -> None:
    name = database_on(pg)
    with session(pg, name) as connection:
        assert registry.try_lock(connection)
        said = sqitch_project.run("deploy", "--log-only", "--lock-timeout", "1", pg.uri(name), check=False)
        assert said.returncode == 2
        assert "Blocked by another instance of Sqitch" in said.stdout


def test_a_plain_role_sees_who_holds_the_lock(pg: Server, database_on: Databases) -> None:
    name = database_on(pg)
    with session(pg, name) as first, role(pg) as plain, session(pg, name, **plain) as second:
        assert registry.try_lock(first)
        holder = registry.lock_holder(second)
        assert holder is not None
        assert (holder.pid, holder.since, holder.state) == (first.pid, None, None)


def test_reading_needs_no_error_and_works_read_only(pg: Server, database_on: Databases, tmp_path: Path) -> None:
    with session(pg, database_on(pg)) as connection:
        connection.execute("SET default_transaction_read_only = on")
        assert registry.read_state(connection, "sqitch", "flip").deployed == ()
        # A table of that name somewhere else is no registry.
        assert registry.read_state(connection, "pg_catalog", None).info.present is False


@pytest.mark.parametrize("taken", ["DROP EXTENSION plpgsql", "REVOKE USAGE ON LANGUAGE plpgsql FROM public"])
def test_plpgsql_is_not_needed(pg: Server, database_on: Databases, taken: str) -> None:
    name = database_on(pg)
    pg.execute(taken, name)
    with role(pg) as plain, session(pg, name, **plain) as connection:
        pg.execute(f'GRANT CREATE ON DATABASE "{name}" TO "{plain["user"]}"')
        assert registry.read_state(connection, "sqitch", "flip").info == registry.RegistryInfo("sqitch", False, None)
        prepare(connection)
        change = FLIP.changes[0]
        rows = registry.deploy_rows_sql("sqitch", FLIP, change, None, {}, OPERATOR)
        with session(pg, name) as control:
            assert registry.try_lock(control)
            guard = registry.step_guard_sql("sqitch", "flip", None, control.pid)
            connection.execute(registry.record_sql(guard, rows))
        state = registry.read_state(connection, "sqitch", "flip")
        assert (state.info.version, [row.name for row in state.deployed]) == ("1.1", ["a"])
        make_old(pg, name, "0")
        state = registry.read_state(connection, "sqitch", "flip")
        assert (state.info.version, [row.script_hash for row in state.deployed]) == ("0", [None])
