"""The access audit: each finding really produced on every version, seen as a superuser and as a plain login, and gone
after the statement that is said. Roles are of the whole server: only those of this test are looked at.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from pgmig_tui.database.connect import connect
from pgmig_tui.project.environments import Environment, Policy
from pgmig_tui.review.maintain_access import access
from pgmig_tui.review.maintain_facts import MaintainFinding, Section
from pgmig_tui.review.maintain_leftovers import leftovers
from tests.database.places import place
from tests.review.test_maintain_leftovers import project
from tests.servers import Server

TODAY = datetime(2026, 1, 1, tzinfo=UTC).date()
ROLES = """
CREATE ROLE mt_plain LOGIN PASSWORD 'secret' VALID UNTIL '2099-01-01';
CREATE ROLE "mt ""odd""; --" LOGIN;
CREATE ROLE mt_super SUPERUSER;
CREATE ROLE mt_maker CREATEROLE CREATEDB REPLICATION BYPASSRLS;
CREATE ROLE mt_group IN ROLE pg_execute_server_program;
CREATE ROLE mt_files LOGIN VALID UNTIL '2099-01-01' IN ROLE mt_group;
CREATE ROLE mt_heir IN ROLE mt_super;
CREATE ROLE mt_given; CREATE ROLE mt_granter;
GRANT pg_read_server_files TO mt_granter WITH ADMIN OPTION;
SET ROLE mt_granter; GRANT pg_read_server_files TO mt_given; RESET ROLE;
SET password_encryption = 'md5';
CREATE ROLE mt_md5 LOGIN PASSWORD 'secret' VALID UNTIL '2099-01-01';
CREATE ROLE mt_ever LOGIN PASSWORD 'secret'
"""
MADE = """
CREATE SCHEMA mt;
GRANT CREATE ON SCHEMA mt TO PUBLIC;
CREATE TABLE mt.t (id int, secret text);
GRANT SELECT, INSERT ON mt.t TO PUBLIC;
CREATE TABLE mt.parts (id int, note text);
GRANT UPDATE (note) ON mt.parts TO PUBLIC;
CREATE TABLE mt.passed_on (id int); GRANT USAGE ON SCHEMA mt TO mt_granter;
GRANT SELECT ON mt.passed_on TO PUBLIC; GRANT SELECT ON mt.passed_on TO mt_granter WITH GRANT OPTION;
SET ROLE mt_granter; GRANT SELECT ON mt.passed_on TO PUBLIC; RESET ROLE;
CREATE SEQUENCE mt."S eq"; GRANT USAGE ON mt."S eq" TO PUBLIC;
CREATE FUNCTION mt.bare(a int, text) RETURNS int LANGUAGE plpgsql SECURITY DEFINER AS 'BEGIN RETURN 1; END';
CREATE FUNCTION mt.writable() RETURNS int LANGUAGE plpgsql SECURITY DEFINER SET search_path = mt, pg_temp
  AS 'BEGIN RETURN 1; END';
CREATE FUNCTION mt.own_schema() RETURNS int LANGUAGE plpgsql SECURITY DEFINER SET search_path = "$user", pg_temp
  AS 'BEGIN RETURN 1; END';
CREATE FUNCTION mt.temporary() RETURNS int LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_temp, pg_catalog
  AS 'BEGIN RETURN 1; END';
CREATE FUNCTION mt.unnamed() RETURNS int LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog
  AS 'BEGIN RETURN 1; END';
CREATE FUNCTION mt.good() RETURNS int LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS 'BEGIN RETURN 1; END';
CREATE FUNCTION mt.empty() RETURNS int LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
  AS 'BEGIN RETURN 1; END';
REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA mt FROM PUBLIC;
CREATE PROCEDURE mt.run() LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'BEGIN END';
ALTER DEFAULT PRIVILEGES FOR ROLE mt_maker IN SCHEMA mt GRANT SELECT ON TABLES TO PUBLIC;
ALTER DEFAULT PRIVILEGES FOR ROLE mt_maker GRANT EXECUTE ON FUNCTIONS TO mt_plain;
CREATE LANGUAGE mt_wild HANDLER plpgsql_call_handler;
CREATE TABLE mt.rows (id int); ALTER TABLE mt.rows ENABLE ROW LEVEL SECURITY;
CREATE VIEW mt.past AS SELECT * FROM mt.rows;
CREATE VIEW mt.leaky AS SELECT * FROM mt.rows; ALTER VIEW mt.leaky OWNER TO mt_plain;
CREATE VIEW mt.fenced WITH (security_barrier) AS SELECT * FROM mt.rows; ALTER VIEW mt.fenced OWNER TO mt_plain;
CREATE MATERIALIZED VIEW mt.copied AS SELECT * FROM mt.rows; GRANT SELECT ON mt.copied TO mt_plain;
CREATE MATERIALIZED VIEW mt.own_copy AS SELECT * FROM mt.rows;
CREATE TABLE mt.split (id int) PARTITION BY LIST (id); ALTER TABLE mt.split ENABLE ROW LEVEL SECURITY;
CREATE TABLE mt.split_1 PARTITION OF mt.split FOR VALUES IN (1); GRANT SELECT ON mt.split, mt.split_1 TO mt_plain;
CREATE TABLE mt.split_2 PARTITION OF mt.split FOR VALUES IN (2);
CREATE TABLE mt.split_3 PARTITION OF mt.split FOR VALUES IN (3); ALTER TABLE mt.split_3 ENABLE ROW LEVEL SECURITY;
GRANT SELECT ON mt.split_3 TO mt_plain;
GRANT EXECUTE ON FUNCTION pg_read_file(text, bigint, bigint) TO mt_plain;
GRANT EXECUTE ON FUNCTION lower(text) TO mt_plain;
GRANT SELECT ON pg_authid TO "mt ""odd""; --"; GRANT SELECT ON pg_class TO mt_plain;
CREATE POLICY nobody ON mt.parts USING (false);
CREATE FOREIGN DATA WRAPPER mt_wrapper; CREATE SERVER "mt srv" FOREIGN DATA WRAPPER mt_wrapper;
CREATE USER MAPPING FOR PUBLIC SERVER "mt srv" OPTIONS (password 'canary-4711');
CREATE USER MAPPING FOR mt_plain SERVER "mt srv" OPTIONS (password 'canary-4711')
"""
OPTIONS = """
CREATE VIEW mt.invoked WITH (security_invoker = 'TRUE', security_barrier = t) AS SELECT * FROM mt.rows;
GRANT SET ON PARAMETER session_replication_role TO mt_plain;
GRANT SET, ALTER SYSTEM ON PARAMETER archive_command TO "mt ""odd""; --"
"""
"""From 15 on: as its caller, in any spelling of true; parameters that others may set."""
FOUND_THEN = {
    "parameter privilege session_replication_role to mt_plain",
    'parameter privilege archive_command to "mt ""odd""; --"',
}
FOUND = {
    "no expiry mt_ever",
    "pg_read_server_files mt_given",
    "pg_read_server_files mt_granter",
    "copy of row security mt.copied on mt.rows",
    "idle policies mt.parts",
    "partition of row security mt.split_1 of mt.split",
    "system privilege pg_catalog.pg_read_file(text, bigint, bigint) to mt_plain",
    'system privilege pg_catalog.pg_authid to "mt ""odd""; --"',
    "superuser mt_super",
    "superuser mt_heir",
    "createrole mt_maker",
    "createdb mt_maker",
    "replication mt_maker",
    "bypassrls mt_maker",
    "pg_execute_server_program mt_group",
    "pg_execute_server_program mt_files",
    "public schema mt",
    "public table mt.t",
    "public table mt.passed_on",
    "public columns mt.parts",
    'public table mt."S eq"',
    "public definer mt.run()",
    "definer without search_path mt.bare(a integer, text)",
    "definer path mt.writable()",
    "definer path mt.own_schema()",
    "definer path mt.temporary()",
    "definer path mt.unnamed()",
    "public default privileges mt_maker in mt: TABLES",
    "default privileges mt_maker: FUNCTIONS to mt_plain",
    "untrusted language mt_wild",
    "view of row security mt.past on mt.rows",
    "view of row security mt.leaky on mt.rows",
    'user mapping PUBLIC on "mt srv"',
    'user mapping mt_plain on "mt srv"',
}
SECRET = {
    "trust host mt db mt_files 10.0.0.0 255.0.0.0",
    "password local all mt_plain",
    "md5 password mt_md5",
    "md5 password mt_ever",
    'no password "mt ""odd""; --"',
    "no password mt_files",
}
UNSEEN = {"unseen passwords", "unseen pg_hba.conf"}
PERHAPS = {'no expiry "mt ""odd""; --"'}
"""Of a role without a password, for who can't know that."""
NO_STATEMENT = {
    "trust",
    "password",
    "no expiry",
    "no password",
    "md5 password",
    "untrusted language",
    "user mapping",
    "copy of row security",
}


@dataclass
class Scene:
    server: Server
    database: str

    def look(self, user: str = "", today: datetime | None = None) -> Section:
        who = {"user": user, "password": "secret"} if user else {}
        target = place(self.server, self.database, **who)
        environment = Environment("box", target, Policy())  # type: ignore[arg-type]
        with connect(target, application_name="pgmig/maintain/read") as connection:
            return access(environment, connection, TODAY)


def ours(found: Section) -> dict[str, MaintainFinding]:
    return {one.name: one for one in found.findings if "mt" in one.object or one.kind == "unseen"}


@pytest.fixture(scope="module", params=[13, 15, 16, 18])
def scene(request: pytest.FixtureRequest, serve: Callable[..., Server]) -> Iterator[Scene]:
    server = serve(request.param, exactly=True)
    database = server.create_database()
    ((path,),) = server.execute("SHOW hba_file")
    hba, before = Path(path), Path(path).read_text()
    try:
        # It is read as it stands on disk; the server itself goes by what it has loaded.
        hba.write_text(f'{before}host "mt db" mt_files 10.0.0.0/8 trust\nlocal all mt_plain password\n')
        server.execute(ROLES)
        server.execute(MADE, database)
        if server.version_num >= 150000:
            server.execute(OPTIONS, database)
        yield Scene(server, database)
    finally:
        hba.write_text(before)
        server.drop_database(database)
        for (name,) in server.execute("SELECT quote_ident(rolname) FROM pg_roles WHERE rolname LIKE 'mt%'"):
            server.execute(f"DROP OWNED BY {name}; DROP ROLE {name}")


def test_each_is_found_by_whoever_asks_and_what_is_hidden_is_unknown(scene: Scene) -> None:
    seen = scene.look()
    expected = FOUND | (FOUND_THEN if scene.server.version_num >= 150000 else set())
    assert set(ours(seen)) == expected | SECRET
    assert seen.state == "WARN"
    plain = scene.look("mt_plain")
    assert set(ours(plain)) == expected | UNSEEN | PERHAPS
    assert {one.name for one in plain.findings if one.state == "UNKNOWN"} == UNSEEN
    for one in (*seen.findings, *plain.findings):
        assert "canary" not in repr(one)
        assert "md5" not in one.summary.replace("md5 password", "")


def test_the_way_to_a_power_is_told(scene: Scene) -> None:
    found = ours(scene.look("mt_plain"))
    assert found["superuser mt_super"].summary == "SUPERUSER itself; may not log in itself"
    assert found["superuser mt_heir"].summary == "member of mt_super: can become it (SET ROLE); may not log in itself"
    way = found["pg_execute_server_program mt_files"]
    assert way.summary == "member of mt_group and pg_execute_server_program: has its privileges"
    assert way.sql == ("REVOKE mt_group FROM mt_files",)
    path = found["definer path mt.writable()"].summary
    assert path.startswith("SECURITY DEFINER, and in its search_path everybody may create objects in mt; qualify ")
    given = "REVOKE pg_read_server_files FROM mt_given"
    by = " GRANTED BY mt_granter" if scene.server.version_num >= 160000 else ""
    assert found["pg_read_server_files mt_given"].sql == (given + by,)


def test_options_of_a_membership_count_from_16_on(scene: Scene) -> None:
    if scene.server.version_num < 160000:
        scene.server.execute("ALTER ROLE mt_files NOINHERIT")
        told = ours(scene.look())["pg_execute_server_program mt_files"].summary
        scene.server.execute("ALTER ROLE mt_files INHERIT")
        assert told == "member of mt_group and pg_execute_server_program: can become it (SET ROLE)"
        return
    for options, how in (
        ("INHERIT FALSE, SET FALSE", None),
        ("INHERIT FALSE, SET TRUE", "can become it (SET ROLE)"),
        ("INHERIT TRUE, SET FALSE", "has its privileges"),
    ):
        scene.server.execute(f"GRANT mt_group TO mt_files WITH {options}")
        found = ours(scene.look()).get("pg_execute_server_program mt_files")
        assert (None if found is None else found.summary.rpartition(": ")[2]) == how, options
    scene.server.execute("GRANT mt_super TO mt_heir WITH INHERIT TRUE, SET FALSE")
    assert "superuser mt_heir" not in ours(scene.look()), "attributes are never inherited"
    scene.server.execute("GRANT mt_super TO mt_heir WITH ADMIN TRUE")
    assert "superuser mt_heir" in ours(scene.look()), "it may grant itself the rest"
    scene.server.execute("GRANT mt_super TO mt_heir WITH INHERIT TRUE, SET TRUE, ADMIN FALSE")
    scene.server.execute("GRANT mt_group TO mt_files WITH INHERIT TRUE, SET TRUE")


def test_a_thousand_times_as_much_is_asked_at_once(scene: Scene, tmp_path_factory: pytest.TempPathFactory) -> None:
    if scene.server.version_num < 180000:
        return
    server, database = scene.server, scene.database
    with psycopg.connect(server.conninfo(database), autocommit=True) as session:
        session.execute(
            "DO $$BEGIN FOR n IN 1..10000 LOOP EXECUTE format('CREATE ROLE mt_many_%s IN ROLE mt_group', n);"
            " END LOOP; FOR n IN 1..2000 LOOP EXECUTE format('CREATE TABLE mt.many_%s (id int)', n); END LOOP; END$$"
        )
    try:
        start = time.perf_counter()
        found = scene.look()
        took = time.perf_counter() - start
        assert sum(one.object.startswith("mt_many_") for one in found.findings) == 10_000
        target = place(server, database)
        environment = Environment("box", target, Policy())  # type: ignore[arg-type]
        folder = tmp_path_factory.mktemp("many")
        with connect(target, application_name="pgmig/maintain/read") as connection:
            start = time.perf_counter()
            leftovers(project(folder), environment, connection, folder, TODAY)
            also = time.perf_counter() - start
        assert (took < 5, also < 5) == (True, True), (took, also)
    finally:
        with psycopg.connect(server.conninfo(database), autocommit=True) as session:
            session.execute(
                "DO $$BEGIN FOR n IN 1..10000 LOOP EXECUTE format('DROP ROLE mt_many_%s', n); END LOOP; END$$"
            )


def test_what_is_said_ends_each(scene: Scene) -> None:
    for one in ours(scene.look()).values():
        if not one.sql:
            version = scene.server.version_num
            assert one.kind in NO_STATEMENT or (version < 150000 and one.object.startswith("mt.past"))
            continue
        for statement in one.sql if one.every else one.sql[:1]:
            scene.server.execute(statement, scene.database)
    left = {one.kind for one in ours(scene.look()).values()}
    assert left <= NO_STATEMENT | ({"view of row security"} if scene.server.version_num < 150000 else set()), left
