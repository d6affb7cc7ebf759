"""One script on servers of different versions gives the same schema, and whatever is changed by hand is found."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pgmig_tui.database.connect import Connection, connect, guard_sql
from pgmig_tui.database.described import read_described
from pgmig_tui.database.fingerprint import read_objects
from pgmig_tui.database.identity import let_write
from pgmig_tui.database.same_schema import Schema, differences
from pgmig_tui.review.schema_markdown import markdown
from pgmig_tui.run.journal.run_plan import Endpoint
from pgmig_tui.script.viewdef import in_one_form
from tests.servers import Server

SCRIPT = (Path(__file__).parent / "drift_schema.sql").read_text(encoding="utf-8")
VERSIONS = (13, 15, 16, 18)


@contextmanager
def made(server: Server, script: str = SCRIPT) -> Iterator[Connection]:
    """A session of ours on a database of that script."""
    name = server.create_database()
    try:
        where = Endpoint("the target", {**server.parameters, "dbname": name})
        with connect(where, application_name="pgmig/test") as connection:
            connection.execute(guard_sql("control", 0, connection.server_version_num))
            let_write(connection)
            connection.execute(script)
            yield connection
    finally:
        server.drop_database(name)


def schema(connection: Connection) -> Schema:
    return Schema(read_objects(connection), connection.server_version_num)


KEYWORDS = """
CREATE TABLE app.keywords (id int PRIMARY KEY, json text CHECK (json <> 'a "json" b'), "user" int, json_table int,
    merge_action int DEFAULT 0);
CREATE INDEX ON app.keywords (json, lower(json)) WHERE json_table > merge_action;
"""
"""Names that are words of the grammar since 16 and 17, and that these write in quotes."""


@pytest.fixture(scope="module")
def read(serve: Callable[..., Server]) -> dict[int, tuple[Schema, str]]:
    """The schema on each version, and its description."""
    found = {}
    for major in VERSIONS:
        with made(serve(major, exactly=True), SCRIPT + KEYWORDS) as connection:
            found[major] = schema(connection), markdown("shop", read_described(connection))
    return found


@pytest.fixture(scope="module")
def schemas(read: dict[int, tuple[Schema, str]]) -> dict[int, Schema]:
    return {major: found for major, (found, _) in read.items()}


def test_one_script_is_described_in_the_same_bytes_on_every_version(read: dict[int, tuple[Schema, str]]) -> None:
    documents = {document for _, document in read.values()}
    assert len(documents) == 1
    (document,) = documents
    for told in (
        "| `name` | `text` | no |  | as written |", "`mood` | enum | `sad`, `glad`", "- `events_rest` `DEFAULT`",
        '### `"odd Name"."odd Table"`', '"app.orders" }o--|| "app.customers" : "orders_customer_fkey"',
        "- Policy `own` for SELECT to `PUBLIC`", "Reads `app.customers`, `app.orders`.", "| identity, always |",
        "generated `lower(name)`", ": short names are typing errors", "btree (json, lower(json)) WHERE",
    ):  # fmt: skip
        assert told in document
    assert "events_2026" not in document.replace("- `events_2026`", ""), "partitions are lines of their parent"


@pytest.mark.parametrize("left", VERSIONS)
@pytest.mark.parametrize("right", VERSIONS)
def test_one_script_gives_the_same_schema_on_every_version(schemas: dict[int, Schema], left: int, right: int) -> None:
    assert list(differences(schemas[left], schemas[right])) == []


CHANGES = [
    ("ALTER TABLE app.base ADD COLUMN extra int", {"column app.base.extra"}),
    ("ALTER TABLE app.fast ADD more int; ALTER TABLE app.fast DROP id; ALTER TABLE app.fast ADD id int",
     {"column app.fast.more"}),
    ("ALTER TABLE app.customers ALTER COLUMN name DROP NOT NULL", {"column app.customers.name"}),
    ("ALTER TABLE app.customers ALTER COLUMN mood SET DEFAULT 'glad'", {"column app.customers.mood"}),
    ("ALTER TABLE app.fast SET LOGGED", {"table app.fast"}),
    ("ALTER TABLE app.fast SET (fillfactor = 71)", {"table app.fast"}),
    ("ALTER TABLE app.orders DISABLE ROW LEVEL SECURITY", {"table app.orders"}),
    ("ALTER TABLE app.base OWNER TO pg_monitor", {"table app.base"}),
    ("REVOKE SELECT ON app.customers FROM PUBLIC", {"table app.customers"}),
    ("REVOKE UPDATE (during) ON app.orders FROM PUBLIC", {"column app.orders.during"}),
    ("ALTER TABLE app.customers VALIDATE CONSTRAINT later", {"constraint later on app.customers"}),
    ("ALTER TABLE app.customers DROP CONSTRAINT named",
     {"constraint named on app.customers", "comment constraint named on table app.customers"}),
    ("ALTER TABLE app.follows DROP CONSTRAINT follows_event_day_fkey",
     {"constraint follows_event_day_fkey on app.follows"}),
    ("DROP INDEX app.on_lower", {"index app.on_lower"}),
    ("ALTER TABLE app.customers CLUSTER ON customers_pkey", {"index app.customers_pkey"}),
    ("ALTER TABLE app.events_rest DISABLE TRIGGER each", {"trigger each on app.events_rest"}),
    ("ALTER TABLE app.orders DISABLE TRIGGER ALL",
     {"trigger late on app.orders", "constraint orders_customer_fkey on app.orders"}),
    ("ALTER TABLE app.customers DISABLE TRIGGER ALL", {"constraint orders_customer_fkey on app.orders"}),
    ("CREATE TEXT SEARCH PARSER app.cut (START = prsd_start, GETTOKEN = prsd_nexttoken, END = prsd_end,"
     " LEXTYPES = prsd_lextype)", {"other text search parser app.cut"}),
    ("CREATE TEXT SEARCH TEMPLATE app.found (LEXIZE = dsimple_lexize)", {"other text search template app.found"}),
    ("ALTER TABLE app.orders DISABLE TRIGGER late", {"trigger late on app.orders"}),
    ("ALTER TABLE app.base DISABLE RULE silent", {"rule silent on app.base"}),
    ("ALTER POLICY own ON app.orders USING (true)", {"policy own on app.orders"}),
    ("CREATE OR REPLACE VIEW app.plain AS SELECT id, name AS called FROM app.customers WHERE born IS NULL",
     {"view app.plain"}),
    ("CREATE OR REPLACE FUNCTION app.add(a int, b int DEFAULT 1) RETURNS int LANGUAGE sql IMMUTABLE PARALLEL SAFE"
     " AS 'SELECT a - b'", {"function app.add(a integer, b integer)"}),
    ("GRANT EXECUTE ON FUNCTION app.add(int, int) TO PUBLIC", {"function app.add(a integer, b integer)"}),
    ("ALTER FUNCTION app.touched() SECURITY INVOKER", {"function app.touched()"}),
    ("DROP AGGREGATE app.total(int)", {"function app.total(integer)"}),
    ("ALTER TYPE app.mood RENAME VALUE 'sad' TO 'blue'", {"type app.mood"}),
    ("ALTER DOMAIN app.code DROP NOT NULL", {"type app.code"}),
    ("ALTER TYPE app.pair ADD ATTRIBUTE c date", {"column app.pair.c"}),
    ("ALTER SEQUENCE app.numbers CACHE 11", {"sequence app.numbers"}),
    ("DROP STATISTICS app.both", {'statistics app."both"'}),
    ("ALTER PUBLICATION drift_out DROP TABLE app.base", {"publication drift_out"}),
    ("ALTER EVENT TRIGGER drift_noted DISABLE", {"event trigger drift_noted"}),
    ("ALTER SERVER drift_far OPTIONS (host 'elsewhere')", {"foreign server drift_far"}),
    ("ALTER FOREIGN TABLE app.there OPTIONS (ADD x 'y')", {"foreign table app.there"}),
    ("CREATE SCHEMA more", {"schema more"}),
    ("GRANT CREATE ON SCHEMA public TO pg_monitor", {"schema public"}),
    ("COMMENT ON COLUMN app.customers.name IS 'another'", {"comment column name of table app.customers"}),
    ("ALTER DEFAULT PRIVILEGES IN SCHEMA app REVOKE ALL ON TABLES FROM PUBLIC", {"default privileges postgres app r"}),
    ("DROP CAST (app.pair AS text)", {"other cast from app.pair to text"}),
    ("DROP OPERATOR app.=== (int, int)",
     {"other operator app.===(integer,integer)", "comment operator app.===(integer,integer)"}),
    ("DROP COLLATION app.posix", {"other collation app.posix"}),
    ("ALTER OPERATOR app.=== (int, int) SET (RESTRICT = eqsel)", {"other operator app.===(integer,integer)"}),
    ("DROP CAST (app.pair AS text); CREATE CAST (app.pair AS text) WITH INOUT AS ASSIGNMENT",
     {"other cast from app.pair to text"}),
    ("ALTER FOREIGN DATA WRAPPER drift_nowhere OPTIONS (x 'y')", {"other foreign-data wrapper drift_nowhere"}),
    ("ALTER SERVER drift_far OWNER TO pg_monitor", {"foreign server drift_far"}),
    ("ALTER PUBLICATION drift_out SET (publish = 'insert')", {"publication drift_out"}),
    ("DO $$BEGIN EXECUTE format('GRANT CREATE ON DATABASE %I TO pg_monitor', current_database()); END$$",
     {"database "}),
    ("ALTER TEXT SEARCH CONFIGURATION app.words DROP MAPPING FOR email", {"text search configuration app.words"}),
    ("DROP EXTENSION plpgsql CASCADE",
     {"extension plpgsql", "function app.touched()", "function app.nothing(INOUT x integer)", "function app.noted()",
      "trigger touch on app.customers", "trigger each on app.events", "trigger each on app.events_2026",
      "trigger each on app.events_rest", "trigger late on app.orders", "event trigger drift_noted"}),
]  # fmt: skip


@pytest.mark.parametrize("major", [15, 18])
def test_whatever_is_changed_by_hand_is_found_and_named(
    serve: Callable[..., Server], schemas: dict[int, Schema], major: int
) -> None:
    """Against the same version, and against one that writes much of it in another way."""
    with made(serve(major, exactly=True), SCRIPT + KEYWORDS) as connection:
        for sql, touched in CHANGES:
            connection.execute(f"BEGIN; {sql}")
            now = schema(connection)
            connection.execute("ROLLBACK")
            for other in (15, 18):
                found = {one.object for one in differences(schemas[other], now)}
                assert touched <= found, (other, sql)


def test_columns_in_another_order_are_told_as_that_alone(pg18: Server) -> None:
    with (
        made(pg18, "CREATE TABLE public.t (a int, b int)") as one,
        made(pg18, "CREATE TABLE public.t (b int, a int)") as other,
    ):
        found = list(differences(schema(one), schema(other)))
    assert [(each.object, each.left, each.right) for each in found] == [("column order public.t", "a, b", "b, a")]


def test_a_not_null_constraint_of_its_own_kind_is_found(
    serve: Callable[..., Server], schemas: dict[int, Schema]
) -> None:
    """One that isn't validated, or isn't inherited, says more than the column's NOT NULL."""
    with made(serve(18, exactly=True), SCRIPT + KEYWORDS) as connection:
        connection.execute("ALTER TABLE app.base ADD CONSTRAINT noted NOT NULL note NOT VALID")
        found = {one.object for one in differences(schemas[15], schema(connection))}
    assert "not null noted on app.base" in found


@pytest.mark.parametrize(
    ("before_16", "since_16"),
    [
        (" SELECT t.a,\n    t.b AS c\n   FROM s.t\n  WHERE (t.a > 0);", " SELECT a, b AS c FROM s.t WHERE (a > 0);"),
        (" SELECT x.a FROM s.t x;", " SELECT a FROM s.t x;"),
        (' SELECT "odd T"."odd C" FROM "odd T";', ' SELECT "odd C" FROM "odd T";'),
        (
            " SELECT t.a FROM s.t WHERE (t.a IN ( SELECT u.a FROM s.u));",
            " SELECT a FROM s.t WHERE (a IN ( SELECT u.a FROM s.u));",
        ),
    ],
)
def test_a_view_has_one_form(before_16: str, since_16: str) -> None:
    assert in_one_form(before_16) == in_one_form(since_16)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("SELECT t.a FROM s.t, s.u", "SELECT u.a FROM s.t, s.u"),
        ("SELECT t.a FROM s.t JOIN s.u USING (b)", "SELECT a FROM s.t JOIN s.u USING (b)"),
        (
            "SELECT t.a FROM s.t WHERE EXISTS (SELECT FROM s.u WHERE t.b = u.b)",
            "SELECT t.a FROM s.t WHERE EXISTS (SELECT FROM s.u WHERE b = u.b)",
        ),
        ("SELECT t.* FROM s.t", "SELECT a FROM s.t"),
        ("no query", "no query either"),
    ],
)
def test_two_queries_that_mean_two_things_stay_two(one: str, other: str) -> None:
    assert in_one_form(one) != in_one_form(other)
