"""Stand-ins for what the copy's server lacks, and the fingerprint that a copy is compared by."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pgmig_tui.database.connect import Connection, connect, guard_sql
from pgmig_tui.database.fingerprint import changed, digest, read_objects
from pgmig_tui.database.identity import let_write
from pgmig_tui.rehearse import scratch
from pgmig_tui.rehearse.clone import dumped, read_original, restore
from pgmig_tui.rehearse.scratch import embedded, scratch_database
from pgmig_tui.run.journal.run_plan import Endpoint
from pgmig_tui.sandbox.installation import Installation
from tests.rehearse.conftest import Theatre
from tests.servers import Server


def endpoint(server: Server, database: str) -> Endpoint:
    return Endpoint("the target", {**server.parameters, "dbname": database})


@pytest.fixture
def source(pg: Server, database_on: Callable[..., str]) -> Iterator[tuple[Endpoint, Connection]]:
    where = endpoint(pg, database_on(pg))
    with connect(where, application_name="pgmig/test") as connection:
        connection.execute(guard_sql("control", 0, connection.server_version_num))
        let_write(connection)
        yield where, connection


def test_an_extension_that_is_not_here_gets_types_that_take_any_text(
    source: tuple[Endpoint, Connection], theatre: Theatre
) -> None:
    where, connection = source
    original = read_original(connection)
    geometry = {"name": "postgis", "version": "3.4", "schema": "geo", "types": [["geo", "geometry", True]]}
    original = replace(original, extensions=(*original.extensions, geometry))
    major = connection.server_version_num // 10000
    with (
        embedded(major, theatre.state_dir / "rehearsal", lambda text: None) as place,
        scratch_database(place, "UTF8") as database,
        dumped(where, connection, place.version_num, "pgmig/test/dump") as (archive, tools, statistics),
    ):
        clone = restore(place, database, archive, tools, original, statistics=statistics, password="unused", scripts=[])
        assert clone.missing == ("postgis",)
        assert "geometry" in clone.notes[0]
        with place.session(database) as there:
            there.execute("CREATE TABLE public.places (at geo.geometry(Point, 4326) DEFAULT 'POINT(0 0)')")
            there.execute("INSERT INTO public.places DEFAULT VALUES")
            assert there.execute("SELECT at::text FROM public.places") == [("POINT(0 0)",)]


def test_a_server_that_has_the_extensions_is_taken_and_c_where_a_locale_is_not_there(
    theatre: Theatre, major_for: Callable[[int], int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = []
    for version, extensions in (
        ("16.2", ("hstore",)),
        ("17.1", ("hstore", "postgis")),
        ("15.9", ("postgis", "hstore")),
    ):
        folder = tmp_path / version / "share" / "postgresql" / "extension"
        folder.mkdir(parents=True)
        for name in extensions:
            (folder / f"{name}.control").touch()
        found.append(Installation(tmp_path / version / "bin", version))
    with monkeypatch.context() as patch:
        patch.setattr(scratch, "find_installations", lambda: found)
        assert scratch._installation(16, ["hstore"]).version == "16.2"
        assert scratch._installation(16, ["postgis", "hstore"]).version == "17.1", "the nearest that has both"
        assert scratch._installation(16, ["elsewhere"]).version == "16.2", "none has it"
        assert scratch._installation(18, ["hstore"]).version == "17.1", "the newest, where none is new enough"
    with (
        embedded(major_for(18), theatre.state_dir / "rehearsal", lambda text: None) as place,
        scratch_database(place, "UTF8", ("xx_NO.such", "xx_NO.such")) as database,
        place.session(database) as there,
    ):
        sql = "SELECT datcollate FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()"
        assert there.execute(sql) == [("C",)]


def test_tablespaces_and_what_can_not_be_copied(
    source: tuple[Endpoint, Connection], theatre: Theatre, tmp_path: Path
) -> None:
    where, connection = source
    connection.execute("CREATE TABLE public.taken (id int); CREATE INDEX ON public.taken (id)")
    original = replace(read_original(connection), tablespaces=("fast_disks",))
    major = connection.server_version_num // 10000
    with (
        embedded(major, theatre.state_dir / "rehearsal", lambda text: None) as place,
        scratch_database(place, "UTF8") as database,
        dumped(where, connection, place.version_num, "pgmig/test/dump") as (archive, tools, statistics),
    ):
        with place.session(database) as there:
            there.execute("CREATE TYPE public.taken AS ENUM ()")  # stands in the table's way
        clone = restore(place, database, archive, tools, original, statistics=statistics, password="unused", scripts=[])
        assert 'type "taken" already exists (CREATE TABLE public.taken)' in clone.problems
        assert clone.tablespaces == ("fast_disks",)
        with place.session(database) as there:
            there.execute("CREATE TABLE public.quick () TABLESPACE fast_disks")


SETUP = """
CREATE SCHEMA s; CREATE TABLE s.t (id int PRIMARY KEY, a text, b int DEFAULT 1);
CREATE TABLE s.p (id int) PARTITION BY RANGE (id); CREATE TABLE s.p1 PARTITION OF s.p FOR VALUES FROM (0) TO (9);
CREATE VIEW s.v AS SELECT a FROM s.t; CREATE TYPE s.mood AS ENUM ('sad'); CREATE DOMAIN s.d AS int;
CREATE FUNCTION s.f() RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE SEQUENCE s.q;
CREATE FUNCTION s.trigger() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER g BEFORE INSERT ON s.t FOR EACH ROW EXECUTE FUNCTION s.trigger();
CREATE POLICY y ON s.t USING (true); CREATE INDEX i ON s.t (a); CREATE STATISTICS s.x ON id, b FROM s.t;
CREATE PUBLICATION pgmig_pub FOR TABLE s.t
"""


@pytest.mark.parametrize(
    ("sql", "touched"),
    [
        ("ALTER TABLE s.t ADD COLUMN c int", "s.t.c"),
        ("ALTER TABLE s.t ALTER COLUMN b DROP DEFAULT", "s.t.b"),
        ("ALTER TABLE s.t ALTER COLUMN a SET NOT NULL", "s.t.a"),
        ("ALTER TABLE s.t ALTER COLUMN a SET STORAGE EXTERNAL", "s.t.a"),
        ("ALTER TABLE s.t ALTER COLUMN a SET STATISTICS 7", "s.t.a"),
        ("ALTER TABLE s.t ADD CHECK (b > 0) NOT VALID", "t_b_check on s.t"),
        ("ALTER TABLE s.t ENABLE ROW LEVEL SECURITY", "s.t"),
        ("ALTER TABLE s.t SET (fillfactor = 70)", "s.t"),
        ("ALTER TABLE s.p1 SET UNLOGGED", "s.p1"),
        ("ALTER TABLE s.t REPLICA IDENTITY FULL", "s.t"),
        ("ALTER TABLE s.t CLUSTER ON i", "s.i"),
        ("ALTER TABLE s.t DISABLE TRIGGER g", "g on s.t"),
        ("GRANT SELECT ON s.t TO PUBLIC", "s.t"),
        ("GRANT SELECT (a) ON s.t TO PUBLIC", "s.t.a"),
        ("REVOKE ALL ON FUNCTION s.f FROM PUBLIC", "s.f()"),
        ("ALTER TABLE s.p DETACH PARTITION s.p1", "s.p1"),
        ("CREATE OR REPLACE VIEW s.v AS SELECT a, b FROM s.t", "s.v"),
        ("ALTER TYPE s.mood ADD VALUE 'glad'", "s.mood"),
        ("ALTER DOMAIN s.d SET NOT NULL", "s.d"),
        ("CREATE OR REPLACE FUNCTION s.f() RETURNS int LANGUAGE sql AS 'SELECT 2'", "s.f()"),
        ("ALTER SEQUENCE s.q CACHE 5", "s.q"),
        ("ALTER POLICY y ON s.t USING (false)", "y on s.t"),
        ("DROP INDEX s.i", "s.i"),
        ("DROP STATISTICS s.x", "s.x"),
        ("ALTER PUBLICATION pgmig_pub DROP TABLE s.t", "pgmig_pub"),
        ("COMMENT ON COLUMN s.t.a IS 'a'", "column a of table s.t"),
        ("CREATE RULE r AS ON DELETE TO s.t DO INSTEAD NOTHING", "r on s.t"),
        ("ALTER DEFAULT PRIVILEGES IN SCHEMA s GRANT SELECT ON TABLES TO PUBLIC", "postgres s r"),
        ("CREATE OPERATOR s.%% (LEFTARG = int, RIGHTARG = int, FUNCTION = int4eq)", "operator"),
        ("CREATE TEXT SEARCH CONFIGURATION s.c (COPY = simple)", "s.c"),
    ],
)
def test_the_fingerprint_of_a_schema_notices_every_kind_of_change(
    pg18: Server, database: str, sql: str, touched: str
) -> None:
    with connect(endpoint(pg18, database), application_name="pgmig/test") as connection:
        connection.execute(guard_sql("control", 0, connection.server_version_num))
        let_write(connection)
        connection.execute(SETUP)
        before = read_objects(connection)
        assert changed(before, read_objects(connection)) == []
        connection.execute(sql.replace("%%", "%"))
        after = read_objects(connection)
    assert any(touched in name for _, name, _, _ in changed(before, after))
    assert digest(before) != digest(after)


def test_rows_and_oids_and_privileges_that_came_and_went_are_no_part_of_it(
    pg: Server, database_on: Callable[..., str]
) -> None:
    with connect(endpoint(pg, database_on(pg)), application_name="pgmig/test") as connection:
        connection.execute(guard_sql("control", 0, connection.server_version_num))
        let_write(connection)
        connection.execute(SETUP)
        before = read_objects(connection)
        connection.execute("INSERT INTO s.t VALUES (1); ANALYZE s.t")
        connection.execute("DROP FUNCTION s.f; CREATE FUNCTION s.f() RETURNS int LANGUAGE sql AS 'SELECT 1'")
        connection.execute("GRANT SELECT ON s.t TO PUBLIC; REVOKE SELECT ON s.t FROM PUBLIC")
        assert changed(before, read_objects(connection)) == []
