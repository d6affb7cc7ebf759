"""Changes of a column's type: what is told of the table and its indexes is what servers do, with all modifiers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

import psycopg
import pytest

from pgmig_tui.impact.predict import predict_script
from pgmig_tui.impact.typechange import measured
from tests.database.places import Databases
from tests.impact.locks import Session
from tests.impact.statements import One
from tests.impact.type_changes import INDEX, KEPT, LOSSLESS, ORDER, REWRITTEN, change, measure
from tests.servers import Server

LENGTHS = """
varchar | varchar(5) | varchar(10) | text | bpchar | char(5) | char(10) | citext | name
numeric | numeric(8) | numeric(10,2) | numeric(12,2) | numeric(12,4) | int8 | int4
bit(4) | bit(8) | varbit | varbit(4) | varbit(8) | int4
timestamp | timestamp(0) | timestamp(3) | timestamp(6) | timestamptz | timestamptz(0) | timestamptz(3) | date | \
timestamptz(6)
time | time(0) | time(3) | time(6) | timetz | timetz(3) | interval
interval | interval(3) | interval(6) | interval year | interval month | interval day | interval hour | \
interval minute | interval second | interval second(3) | interval year to month | interval day to hour | \
interval day to minute | \
interval day to second | interval day to second(2) | interval hour to second | interval minute to second
plain_int | plain_varchar | plain_deeper | int4 | int8 | varchar(10) | varchar(5) | text | oid
checked_int | int4 | int8
varchar[] | varchar(5)[] | varchar(10)[] | text[] | numeric(10,2)[] | numeric(12,2)[] | plain_int[] | int4[] | int8[]
json | jsonb | text | varchar(100)
inet | cidr | text
regclass | oid | int4 | int8 | regtype
"""
_DOMAINS = """
CREATE EXTENSION citext;
CREATE DOMAIN plain_int AS int; CREATE DOMAIN plain_varchar AS varchar(10); CREATE DOMAIN plain_deeper AS plain_int;
CREATE DOMAIN checked_int AS int CHECK (VALUE > 0);
"""


@pytest.fixture(scope="module", params=[15, 18])
def session(request: pytest.FixtureRequest) -> Iterator[Session]:
    server: Server = request.getfixturevalue(f"pg{request.param}")
    name = server.create_database()
    server.execute(_DOMAINS, name)
    yield Session(server.conninfo(name, options="-c timezone=UTC"))
    server.drop_database(name)


@pytest.mark.parametrize("major", [15, 18])
def test_the_table_is_what_a_server_does(request: pytest.FixtureRequest, major: int, database_on: Databases) -> None:
    server: Server = request.getfixturevalue(f"pg{major}")
    seen = measure(server.conninfo(database_on(server)))
    told = measured()
    assert len(seen.known) > 40
    for word in ORDER[:-1]:
        for pair in seen.changes[word]:
            stated = next((other for other in ORDER[:-1] if pair in told[other]), None)
            assert stated is not None, pair
            assert ORDER.index(stated) >= ORDER.index(word), (pair, stated, word)
    for pair in told[LOSSLESS]:
        assert pair in seen.changes[LOSSLESS] or not set(pair) <= seen.known, pair


FAMILIES = [line.split(" | ") for line in LENGTHS.strip().splitlines()]


@pytest.mark.parametrize(
    ("family", "zone"),
    [(one, "UTC") for one in FAMILIES] + [(one, "Europe/Berlin") for one in FAMILIES if one[0] == "timestamp"],
    ids=lambda one: str(one[0] if isinstance(one, list) else one),
)
def test_a_change_of_length_or_domain_is_predicted_as_the_server_does_it(
    session: Session, family: list[str], zone: str
) -> None:
    wrong = []
    for old in family:
        session.actor.execute("DROP TABLE IF EXISTS public.changed")
        session.actor.execute(f"CREATE TABLE public.changed (v {old})".encode())
        with suppress(psycopg.Error), session.actor.transaction():
            session.actor.execute("CREATE INDEX changed_v ON public.changed (v)")
        session.actor.execute(f"SET timezone = '{zone}'".encode())
        session.actor.commit()
        alters = {new: f"ALTER TABLE public.changed ALTER COLUMN v TYPE {new}" for new in family}
        facts = session.facts(*alters.values())
        for new, alter in alters.items():
            really = change(session.actor, new, zone)
            if not really:
                continue
            impact = predict_script([One(alter)], facts, session.version, wrapped=True).statements[0]
            told = REWRITTEN if impact.rewrites else (INDEX if impact.rebuilds else KEPT)
            if told != really:
                wrong.append((old, new, f"told {told}, really {really}"))
        session.actor.rollback()
        session.actor.execute("SET timezone = 'UTC'")
        session.actor.commit()
    assert wrong == []


@pytest.mark.parametrize(
    ("old", "new", "lost"),
    [
        ("timestamp", "timestamptz", False),
        ("date", "timestamptz", False),
        ("date", "timestamp(0)", False),
        ("text", "citext", False),
        ("citext", "text", False),
        ("int", "float8", False),
        ("int", "numeric", False),
        ("int", "numeric(12,2)", False),
        ("cidr", "inet", False),
        ("int", "plain_int", False),
        ("int", "checked_int", False),
        ("varchar(5)", "varchar(10)", False),
        ("varchar(5)", "text", False),
        ("json", "jsonb", False),
        ("inet", "cidr", True),
        ("int8", "float8", True),
        ("int8", "int4", True),
        ("int", "numeric(8,2)", True),
        ("float8", "float4", True),
        ("varchar(10)", "varchar(5)", True),
        ("text", "varchar(10)", True),
        ("varchar(10)", "plain_varchar", False),
        ("text", "plain_varchar", True),
        ("timestamptz", "date", True),
        ("timestamp(6)", "timestamptz(3)", True),
        ("numeric(12,4)", "numeric(12,2)", True),
        ("interval", "interval day to second", False),
        ("interval", "interval day to minute", True),
    ],
)
def test_values_are_lost_where_they_may_not_come_back(session: Session, old: str, new: str, lost: bool) -> None:
    session.actor.execute("DROP TABLE IF EXISTS public.changed")
    session.actor.execute(f"CREATE TABLE public.changed (v {old})".encode())
    session.actor.commit()
    impact = session.predicted(f"ALTER TABLE public.changed ALTER COLUMN v TYPE {new}")
    assert impact.data_loss.loss_class == (3 if lost else 0)


def test_a_boolean_becomes_a_number_and_comes_back(session: Session) -> None:
    session.actor.execute("DROP TABLE IF EXISTS public.changed")
    session.actor.execute("CREATE TABLE public.changed (v boolean)")
    session.actor.commit()
    kept = session.predicted("ALTER TABLE public.changed ALTER COLUMN v TYPE int USING v::int")
    lost = session.predicted("ALTER TABLE public.changed ALTER COLUMN v TYPE int USING length(v::text)")
    assert (kept.data_loss.loss_class, lost.data_loss.loss_class) == (0, 3)


def test_a_check_on_the_column_is_read_again(session: Session) -> None:
    session.actor.execute("DROP TABLE IF EXISTS public.changed")
    session.actor.execute("CREATE TABLE public.changed (v varchar(5) CHECK (v <> ''), other varchar(5))")
    session.actor.commit()
    scanned = [
        bool(session.predicted(f"ALTER TABLE public.changed ALTER COLUMN {column} TYPE varchar(10)").scans)
        for column in ("v", "other")
    ]
    assert scanned == [True, False]
