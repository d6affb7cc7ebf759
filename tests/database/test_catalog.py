"""Facts from a live server: what is read, and that nothing is waited for."""

from __future__ import annotations

from pathlib import Path

import psycopg

from pgmig_tui.database.catalog import read_facts
from pgmig_tui.impact.facts import Name
from pgmig_tui.impact.wanted import Names
from tests.impact.locks import Session
from tests.servers import Server

SCHEMA = Path(__file__).parent.parent / "impact" / "schema.sql"


def test_facts_of_what_is_named_and_what_depends_on_it(pg18: Server, database: str) -> None:
    pg18.execute(SCHEMA.read_text(encoding="utf-8"), database)
    session = Session(pg18.conninfo(database))
    try:
        facts = read_facts(session, Names(all={Name("shop", "customer")}))
        customer = facts.relations[Name("shop", "customer")]
        assert customer.columns["email"].type == "varchar"
        assert customer.columns["email"].not_null
        assert [index.primary for index in customer.indexes].count(True) == 1
        assert {check.name: check.proves_not_null for check in customer.checks}["aged"] == {"age"}
        assert [sequence.identity for sequence in customer.sequences] == [True]
        assert {d.name.relation for d in customer.dependents} == {"adult"}
        assert not {Name("shop", "animal"), Name("shop", "prices")} & set(facts.relations)
        event = facts.relations[Name("shop", "event")]
        assert event.default_partition == Name("shop", "event_rest")
        assert facts.relations[Name("shop", "basket")].foreign_keys[0].on_delete == "c"
    finally:
        session.close()


def test_quotes_and_backslashes_in_names_are_data(pg18: Server, database: str) -> None:
    name = """o'Neil \\' "x"; DROP"""
    quoted = name.replace('"', '""')
    pg18.execute(f'CREATE TABLE public."{quoted}" (id int)', database)
    session = Session(pg18.conninfo(database))
    try:
        assert list(read_facts(session, Names(all={Name("", name)})).relations) == [Name("public", name)]
    finally:
        session.close()


def test_a_table_that_is_locked_does_not_hold_us_up(pg: Server) -> None:
    database = pg.create_database()
    try:
        pg.execute(SCHEMA.read_text(encoding="utf-8"), database)
        session = Session(pg.conninfo(database, options="-c lock_timeout=1s"))
        with psycopg.connect(pg.conninfo(database)) as holder:
            holder.execute("LOCK TABLE shop.customer, shop.item, shop.event, shop.adult IN ACCESS EXCLUSIVE MODE")
            facts = read_facts(session, Names(all={Name("shop", "customer"), Name("shop", "item")}))
            assert Name("shop", "customer") in facts.relations
            taken = session.watcher.execute(
                "SELECT count(*) FROM pg_locks l JOIN pg_class c ON c.oid = l.relation JOIN pg_namespace n"
                " ON n.oid = c.relnamespace WHERE l.pid = %s AND n.nspname = 'shop'",
                [session.actor.info.backend_pid],
            ).fetchone()
            assert taken == (0,)
        session.close()
    finally:
        pg.drop_database(database)
