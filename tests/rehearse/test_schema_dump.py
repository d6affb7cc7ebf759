"""A schema dump, loaded: what is read from it is what the live catalog says; what is a stranger's does nothing."""

from __future__ import annotations

import gzip
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from pgmig_tui.database.connect import connect
from pgmig_tui.errors import UsageError
from pgmig_tui.gates.impacts import Inspected, Reading, Source, inspect, unasked
from pgmig_tui.rehearse.schema_dump import SchemaDump, loaded, version_notes
from pgmig_tui.rehearse.scratch import ScratchServer
from pgmig_tui.run.journal.run_plan import Endpoint
from pgmig_tui.script.dump_text import DumpText
from pgmig_tui.script.files import Allow, ProjectFiles
from tests.servers import Server

SCHEMA = """
CREATE EXTENSION citext;
CREATE SCHEMA shop;
CREATE TYPE shop.state AS ENUM ('new', 'paid');
CREATE TABLE shop.people (id int PRIMARY KEY, name citext NOT NULL UNIQUE, state shop.state);
CREATE TABLE shop.orders (id int, person int REFERENCES shop.people, total numeric(10, 2), code varchar(10),
    at timestamp, CONSTRAINT total_there CHECK (total IS NOT NULL)) PARTITION BY RANGE (id);
CREATE TABLE shop.orders_1 PARTITION OF shop.orders FOR VALUES FROM (1) TO (100);
CREATE TABLE shop.orders_rest PARTITION OF shop.orders DEFAULT;
CREATE INDEX orders_code ON shop.orders (code);
CREATE MATERIALIZED VIEW shop.totals AS SELECT person, sum(total) AS total FROM shop.orders GROUP BY person;
CREATE UNIQUE INDEX totals_person ON shop.totals (person);
CREATE VIEW shop.named AS SELECT name FROM shop.people;
CREATE FUNCTION shop.touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN DELETE FROM shop.people; RETURN NEW; END';
CREATE TRIGGER touch BEFORE UPDATE ON shop.orders FOR EACH ROW EXECUTE FUNCTION shop.touch();
CREATE FUNCTION shop.guard() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
INSERT INTO shop.people SELECT i, 'person ' || i FROM generate_series(1, 3000) i;
INSERT INTO shop.orders SELECT i, i, i, i FROM generate_series(1, 99) i;
ANALYZE shop.people;
"""
SCRIPT = b"""
ALTER TABLE shop.orders ALTER total SET NOT NULL;
ALTER TABLE shop.orders ALTER code TYPE varchar(20);
ALTER TABLE shop.orders ALTER id TYPE bigint;
ALTER TABLE shop.people DROP COLUMN name CASCADE;
CREATE INDEX ON shop.orders_1 (at);
REFRESH MATERIALIZED VIEW CONCURRENTLY shop.totals;
UPDATE shop.orders SET code = 'x';
DROP TABLE shop.people CASCADE;
ALTER TYPE shop.state ADD VALUE 'gone';
ALTER TABLE shop.nowhere ADD a int;
"""
UNKNOWN_THERE = b"""
CREATE EXTENSION postgis;
GRANT SELECT ON shop.orders TO somebody;
ALTER TABLE shop.orders OWNER TO boss;
CREATE INDEX ON shop.people (state) TABLESPACE fast;
ALTER TABLE shop.orders ALTER at TYPE timestamptz;
"""
STANDS = b"""
ALTER TABLE shop.places ADD a uuid DEFAULT public.uuid_generate_v4();
ALTER TABLE shop.places ADD b uuid DEFAULT public.uuid_nil();
ALTER TABLE shop.places DROP COLUMN at;
ALTER FOREIGN TABLE shop.afar ADD COLUMN a int;
"""
HOSTILE = """
CREATE EXTENSION IF NOT EXISTS hyper WITH SCHEMA information_schema;
CREATE EXTENSION IF NOT EXISTS dblink;
CREATE EXTENSION IF NOT EXISTS postgis WITH SCHEMA geo;
CREATE EXTENSION IF NOT EXISTS postgres_fdw;
CREATE EXTENSION IF NOT EXISTS "uuid-ossp" WITH SCHEMA public;
CREATE SCHEMA geo;
CREATE TABLE shop.places (id uuid DEFAULT public.uuid_generate_v5(public.uuid_ns_dns(), 'x'), at geo.geometry(Point,4));
CREATE TABLE shop.hypers (id integer, at public.hyper);
CREATE SERVER far FOREIGN DATA WRAPPER postgres_fdw OPTIONS (
    host 'far.example'
);
CREATE FOREIGN TABLE shop.afar (id integer) SERVER far OPTIONS (table_name 'x');
CREATE PUBLICATION all_of_it FOR ALL TABLES WITH (publish = 'update');
CREATE EVENT TRIGGER guard ON ddl_command_end EXECUTE FUNCTION shop.guard();
COPY shop.people FROM PROGRAM 'touch {mark}';
DO $$ BEGIN PERFORM 1; END $$;
CREATE FUNCTION shop.reads() RETURNS text LANGUAGE plpgsql IMMUTABLE AS
    'BEGIN RETURN pg_read_file(''/etc/passwd''); END';
CREATE INDEX hostile ON shop.orders_1 (id) WHERE code = shop.reads();
"""


class Place(NamedTuple):
    """The database that the dumps are of, its dump, and a folder."""

    server: Server
    database: str
    text: str
    folder: Path


@pytest.fixture(scope="module")
def place(pg18: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    database = pg18.create_database("TEMPLATE template0")
    role = f"{database}_reader"
    try:
        pg18.execute(f"{SCHEMA}; CREATE ROLE {role}; CREATE POLICY p ON shop.people TO {role} USING (true)", database)
        done = subprocess.run(
            [pg18.bin_dir / "pg_dump", "--schema-only", "-d", pg18.conninfo(database)],
            check=True, capture_output=True, text=True,
        )  # fmt: skip
        yield Place(pg18, database, done.stdout, tmp_path_factory.mktemp("dumps"))
    finally:
        pg18.drop_database(database)
        pg18.execute(f"DROP ROLE IF EXISTS {role}")


def told(script: bytes, place: Place, by: SchemaDump | None) -> Inspected:
    """The impact of a script by the dump, or by the live catalog."""
    how = Reading(ProjectFiles(place.folder), {}, Allow(), unasked({}))
    if by is not None:
        return inspect([Source("", "x.sql", script)], how, dumped=by.catalog)[0]
    with connect(Endpoint("live", {**place.server.parameters, "dbname": place.database}), application_name="t") as live:
        return inspect([Source("", "x.sql", script)], how, live)[0]


def test_the_impact_is_that_of_the_live_catalog_without_sizes_and_times(place: Place) -> None:
    dump = place.folder / "shop.sql.gz"
    dump.write_bytes(gzip.compress(place.text.encode()))
    with loaded(dump, "sqitch", state_dir=place.folder / "state", say=lambda _: None) as schema:
        by_dump, by_server = told(SCRIPT, place, schema), told(SCRIPT, place, None)
        unknown = told(UNKNOWN_THERE, place, schema).impact
    assert (schema.lacking, schema.catalog.version_num // 10000) == ((), 18), "the policy's role was made"
    assert schema.sizes == "size unknown: from a schema dump"
    assert by_dump.impact.catalog
    for ours, theirs in zip(by_dump.impact.statements, by_server.impact.statements, strict=True):
        assert [(one.schema, one.relation, one.mode) for one in ours.locks] == [
            (one.schema, one.relation, one.mode) for one in theirs.locks
        ], ours.sql
        assert (ours.rewrites, ours.scans) == (theirs.rewrites, theirs.scans)
        assert list(ours.data_loss.what) == [what.split(" (about")[0] for what in theirs.data_loss.what]
        assert (ours.problem and ours.problem.message) == (theirs.problem and theirs.problem.message)
        assert (ours.rows, ours.bytes, ours.estimated_ms) == (0, 0, None)
    assert any(one.rows for one in by_server.impact.statements), "there the sizes are known"
    assert [one.problem for one in unknown.statements] == [None] * 5, "nobody knows what there is on that server"
    assert "session's time zone is unknown" in unknown.statements[4].unknown[0]


def test_what_is_a_strangers_does_nothing_and_what_is_lacking_is_told(place: Place) -> None:
    mark = place.folder / "mark"
    begin, complete, end = place.text.rpartition("--\n-- PostgreSQL database dump complete")
    statistics = (
        "SELECT * FROM pg_catalog.pg_restore_relation_stats('schemaname', 'shop', 'relname', 'people',"
        " 'relpages', '20'::integer, 'reltuples', '3000'::real);\n"
    )
    dump = place.folder / "hostile.sql"
    dump.write_text(begin + HOSTILE.format(mark=mark) + statistics + complete + end)
    with loaded(dump, "sqitch", state_dir=place.folder / "state", say=lambda _: None) as schema:
        found = told(b"ALTER TABLE shop.hypers ADD a int; DROP INDEX shop.nothing; ANALYZE shop.people;", place, schema)
        stands = told(STANDS, place, schema).impact.statements
        sized = told(b"CREATE INDEX ON shop.people (name);", place, schema).impact.statements[0]
    assert not mark.exists()
    lacking = [one.split(": ", 1)[1] if one.startswith("line ") else one for one in schema.lacking]
    assert lacking[:3] == [
        "the extension hyper: it is not installed here, and what uses it can't be loaded",
        "the extension dblink: it leads out of its database",
        "the extension postgis: it is not installed here, and what uses it can't be loaded; its types geometry,"
        " geography, box2d and box3d are stand-ins",
    ]
    assert "the extension uuid-ossp is not installed here; its functions are stand-ins" in schema.notes
    assert [one.problem for one in stands] == [None] * 4
    assert [one.rewrites for one in stands[:2]] == [("shop.places",), ()], "one is volatile, the other is not"
    assert [str(one.strongest.name) for one in stands[2:] if one.strongest] == ["shop.places", "shop.afar"]
    assert lacking[3:6] == [
        "CREATE EVENT TRIGGER guard ON ddl_command_end EXECUTE FUNCTION shop.guard: it is not carried out",
        f"COPY shop.people FROM PROGRAM 'touch {mark}': it is not carried out",
        "DO $$ BEGIN PERFORM 1; END $$: it is not carried out",
    ]
    assert lacking[6] == 'CREATE TABLE shop.hypers: type "public.hyper" does not exist'
    assert lacking[7:] == ["CREATE INDEX hostile ON shop.orders_1: permission denied for function pg_read_file"]
    hypers, nothing, _ = found.impact.statements
    for one in (hypers, nothing):
        assert (one.problem, one.unknown != ()) == (None, True), "it may be there: not all could be loaded"
    assert "not all of the dump could be loaded" in hypers.unknown[0]
    assert (sized.rows, sized.bytes, sized.estimated_ms) == (3000, 20 * 8192, None), "no time even with a size"
    assert schema.to_json()["sizes"] == "statistics"
    lines = schema.lines()
    assert "which --json names" in lines[-2] or len(schema.lacking) <= 5
    assert lines[-1] == "what hangs on these isn't looked at, and nothing is said to be absent"


def test_an_archive_is_read_with_its_registry_and_a_broken_one_is_refused(place: Place) -> None:
    place.server.execute(
        "CREATE SCHEMA sqitch; CREATE TABLE sqitch.changes (change_id text, project text);"
        " INSERT INTO sqitch.changes VALUES ('aa', 'shop')",
        place.database,
    )
    dump = place.folder / "shop.dump"
    program, conninfo = str(place.server.bin_dir / "pg_dump"), place.server.conninfo(place.database)
    subprocess.run([program, "-Fc", "-f", str(dump), "-d", conninfo], check=True)
    with loaded(dump, "sqitch", state_dir=place.folder / "state", say=lambda _: None) as schema:
        assert (schema.deployed, schema.lacking) == ({"shop": frozenset({"aa"})}, ())
        assert told(b"DROP TABLE shop.orders;", place, schema).impact.risk == "high"
    dump.write_bytes(dump.read_bytes()[:2000])
    with (
        pytest.raises(UsageError, match=r"shop.dump can't be read by pg_restore"),
        loaded(dump, "sqitch", state_dir=place.folder / "state", say=lambda _: None),
    ):
        pass


def test_a_dump_of_a_newer_server_and_one_that_does_not_say_of_which_are_told() -> None:
    scratch = ScratchServer(Endpoint("scratch", {}), True, 180006, "PostgreSQL 18.6 of our own")

    def notes(version: str) -> list[str]:
        return list(version_notes(DumpText(version, "UTF8", ()), scratch))

    assert notes("19beta1") == ["the dump is of PostgreSQL 19, and was loaded into 18, the newest that is here"]
    assert notes("") == ["the dump doesn't say of which version it is; the rules of PostgreSQL 18 count"]
    assert notes("15.4") == notes("18.6") == []
