"""Rows made of the catalog: of every type, within checks, domains and keys; and what can't be filled is told."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from pgmig_tui.database.connect import Connection
from pgmig_tui.rehearse.fill import Filled, Sizes, data_session, fill
from pgmig_tui.rehearse.row_facts import ColumnFacts, ForeignFacts, RowFacts, TableShape, TypeFacts
from pgmig_tui.rehearse.row_values import _PLAIN
from pgmig_tui.rehearse.rows import in_order, insert
from pgmig_tui.run.journal.run_plan import Endpoint
from tests.servers import Server

SCHEMA = r"""
CREATE SCHEMA shop; CREATE SCHEMA own;
CREATE TABLE own.ours (id int);
CREATE TYPE shop.state AS ENUM ('new', 'it''s paid', 'sent');
CREATE DOMAIN shop.positive AS int CHECK (VALUE > 0);
CREATE DOMAIN shop.small AS shop.positive CHECK (VALUE <= 100) NOT NULL;
CREATE DOMAIN shop.address AS text CHECK (VALUE ~ '^[^@ ]+@[^@ ]+$');
CREATE TYPE shop.pair AS (a int, b int);
CREATE TABLE shop.customers (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    email shop.address NOT NULL UNIQUE,
    country char(2) NOT NULL CHECK (country ~ '^[A-Z]{2}$'),
    born date CHECK (born > '1900-01-01' AND born < '2010-01-01'),
    referred_by bigint REFERENCES shop.customers
);
CREATE TABLE shop.orders (
    id serial PRIMARY KEY,
    customer bigint NOT NULL REFERENCES shop.customers,
    state shop.state NOT NULL DEFAULT 'new',
    kind text NOT NULL CHECK (kind IN ('web', 'phone')),
    amount numeric(6,2) NOT NULL CHECK (amount >= 0 AND amount < 500),
    share shop.small,
    sent_at timestamptz, ordered_at timestamptz NOT NULL, CHECK (sent_at > ordered_at),
    doubled numeric GENERATED ALWAYS AS (amount * 2) STORED CHECK (doubled < 1000)
);
CREATE TABLE shop.items (
    ordered int NOT NULL REFERENCES shop.orders, number smallint NOT NULL, PRIMARY KEY (ordered, number),
    code varchar(4) NOT NULL UNIQUE DEFERRABLE
);
CREATE TABLE shop.likes (
    a bigint REFERENCES shop.customers, b bigint REFERENCES shop.customers, PRIMARY KEY (a, b)
);
CREATE TABLE shop.flags (on_off bool PRIMARY KEY);
CREATE TABLE shop.events (at date NOT NULL, what text) PARTITION BY RANGE (at);
CREATE TABLE shop.events_may PARTITION OF shop.events FOR VALUES FROM ('2026-05-01') TO ('2026-06-01');
CREATE TABLE shop.deep (at date NOT NULL, kind int, n int) PARTITION BY RANGE (at);
CREATE TABLE shop.deep_may PARTITION OF shop.deep FOR VALUES FROM ('2026-05-01') TO ('2026-06-01')
    PARTITION BY LIST (kind);
CREATE TABLE shop.deep_may_7 PARTITION OF shop.deep_may FOR VALUES IN (7, 8);
CREATE TABLE shop.ruled (n int); CREATE RULE nothing AS ON INSERT TO shop.ruled DO INSTEAD NOTHING;
CREATE TABLE shop.refusing (n int CHECK (n > 0));
CREATE FUNCTION shop.refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TRIGGER refuse BEFORE INSERT ON shop.refusing FOR EACH ROW EXECUTE FUNCTION shop.refuse();
CREATE TABLE shop.only_defaults (id int GENERATED ALWAYS AS IDENTITY);
CREATE TABLE shop.no_way (n int NOT NULL CHECK (n > 5 AND n < 5));
CREATE TABLE shop.no_parents (p shop.pair NOT NULL, id int PRIMARY KEY);
CREATE TABLE shop.after_it (n int NOT NULL, id int NOT NULL UNIQUE REFERENCES shop.no_parents);
CREATE TABLE public.noted (n int);
CREATE FUNCTION public.note() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO noted VALUES (1); RETURN NEW; END';
CREATE TABLE shop.watched (n int NOT NULL);
CREATE TRIGGER note BEFORE INSERT ON shop.watched FOR EACH ROW EXECUTE FUNCTION public.note();
CREATE TABLE shop.hen (id int PRIMARY KEY, egg int NOT NULL);
CREATE TABLE shop.egg (id int PRIMARY KEY, hen int NOT NULL REFERENCES shop.hen);
ALTER TABLE shop.hen ADD FOREIGN KEY (egg) REFERENCES shop.egg DEFERRABLE INITIALLY DEFERRED;
CREATE TABLE shop.chief (id int PRIMARY KEY, of int);
CREATE TABLE shop.office (id int PRIMARY KEY, chief int NOT NULL REFERENCES shop.chief);
ALTER TABLE shop.chief ADD FOREIGN KEY (of) REFERENCES shop.office;
"""
EVERY_TYPE = ", ".join(
    f'c_{name} "{name}"' if name == "char" else f"c_{name} {name}" for name in sorted(_PLAIN) if name != "xml"
)


@pytest.fixture(params=["pg15", "pg16", "pg18"])
def server(request: pytest.FixtureRequest) -> Server:
    found: Server = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def session(server: Server, database_on: Callable[..., str]) -> Iterator[Connection]:
    name = database_on(server)
    connection = data_session(Endpoint("a database", {**server.parameters, "dbname": name}))
    yield connection
    connection.close()


def told(filled: tuple[Filled, ...]) -> dict[str, tuple[int, str]]:
    return {one.table: (one.rows, one.reason) for one in filled}


def test_tables_are_filled_as_the_catalog_allows(session: Connection) -> None:
    session.execute(SCHEMA)
    found = told(fill(session, ["own"], Sizes(120, {"shop.items": 300})))
    assert "own.ours" not in found
    assert "shop.events_may" not in found
    for name, rows in {"customers": 120, "orders": 120, "items": 300, "likes": 120, "events": 120, "deep": 120}.items():
        assert found[f"shop.{name}"] == (rows, ""), name
    assert found["shop.flags"] == (2, ""), "as many as its key allows"
    assert found["shop.only_defaults"] == (120, "")
    assert found["shop.ruled"] == (0, "a trigger or a rule keeps its rows out")
    assert found["shop.refusing"][1].endswith("all its checks, or a trigger or a rule keeps its rows out")
    rows, reason = found["shop.no_way"]
    assert (rows, reason.startswith("no row that was tried meets no_way_n_check: ")) == (0, True), reason
    assert found["shop.no_parents"] == (0, "no value of type shop.pair is known for its column p")
    assert found["shop.after_it"] == (0, "its column id needs a row of shop.no_parents, and there is none")
    assert found["shop.hen"] == (0, "its rows and those of shop.egg need each other")
    assert (found["shop.chief"], found["shop.office"]) == ((120, ""), (120, "")), "without, where NULL is allowed"
    assert found["shop.watched"] == (120, ""), "its trigger finds its names as its role does"
    one = session.one(
        "SELECT count(DISTINCT state), count(DISTINCT kind), count(DISTINCT customer) > 50, count(sent_at) > 50,"
        " count(*) FILTER (WHERE sent_at IS NULL) > 0 FROM shop.orders"
    )
    assert one == (3, 2, True, True, True)
    again = told(fill(session, ["own"], Sizes(120)))
    assert again["shop.customers"] == (120, ""), "up to its size, and no more"
    assert again["shop.items"] == (300, "")


def test_a_column_of_every_type_gets_values(session: Connection) -> None:
    session.execute(
        f"CREATE SCHEMA shop; CREATE TABLE shop.every ({EVERY_TYPE}, c_list text[], c_dates daterange,"
        " c_bits bit(3) NOT NULL, c_numeric numeric, c_numbers numeric(3), c_lists numeric(4,1)[],"
        " c_name name, c_text varchar(300), c_short varchar(3) UNIQUE)"
    )
    assert told(fill(session, [], Sizes(50))) == {"shop.every": (50, "")}
    columns = [str(name) for (name,) in session.execute("SELECT attname FROM pg_attribute WHERE attrelid ="
                                                        " 'shop.every'::regclass AND attnum > 0")]  # fmt: skip
    counts = session.one(f"SELECT {', '.join(f'count({name})' for name in columns)} FROM shop.every") or ()
    assert dict(zip(columns, counts, strict=True)) == {
        name: 50 if name == "c_bits" else 45 for name in columns
    }, "one in ten is NULL"  # fmt: skip


INT = TypeFacts("integer", "int4", "b", "N")


def table(oid: int, *foreign: ForeignFacts, nullable: bool = False) -> TableShape:
    columns = (ColumnFacts("id", 23, "integer", not_null=True), ColumnFacts("other", 23, "integer", not nullable))
    return TableShape(oid, "s", f"t{oid}", columns, foreign=foreign)


def to(oid: int) -> ForeignFacts:
    return ForeignFacts("f", oid, ("other",), ("id",))


def test_tables_come_behind_those_that_they_refer_to() -> None:
    order, circle = in_order([table(1, to(2)), table(2, to(3)), table(3), table(4, to(4))])
    assert ([one.oid for one in order], circle) == ([3, 4, 2, 1], [])
    order, circle = in_order([table(1, to(2)), table(2, to(1), nullable=True)])
    assert ([one.oid for one in order], circle) == ([2, 1], [])
    order, circle = in_order([table(1, to(2)), table(2, to(1)), table(3)])
    assert ([one.oid for one in order], [one.oid for one in circle]) == ([3], [1, 2])


def test_the_statement_says_what_it_takes_from_where() -> None:
    facts = RowFacts((table(1, to(2)), table(2)), {23: INT})
    made = insert(facts.tables[0], facts, 10, {2: 7})
    assert not isinstance(made, str)
    assert made.sql.startswith('INSERT INTO "s"."t1" ("id", "other")\nSELECT "id", "other" FROM (SELECT ')
    assert '(ARRAY(SELECT "id" FROM "s"."t2" ORDER BY "id" LIMIT 7))[1 + i % 7] AS "other"' in made.sql
    assert made.sql.endswith("LIMIT 10\nON CONFLICT DO NOTHING")
    assert insert(facts.tables[0], facts, 10, {}) == "its column other needs a row of s.t2, and there is none"
