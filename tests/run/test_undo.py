"""Undo, where its place isn't as it was: nothing counts as brought back before it is equal again."""

from __future__ import annotations

import pytest

from pgmig_tui.database.connect import ServerError
from pgmig_tui.errors import Refused, UsageError
from tests.run.conftest import Workshop
from tests.run.test_keep import bring, look_at, picture, roll_back, with_columns, with_orders

PEOPLE = (
    "BEGIN; CREATE TABLE people (id int PRIMARY KEY, name text UNIQUE, doc json, at point,"
    " no bigint GENERATED ALWAYS AS IDENTITY, len int GENERATED ALWAYS AS (length(name)) STORED); COMMIT;",
    "BEGIN; DROP TABLE people; COMMIT;",
)


def with_people(workshop: Workshop) -> str:
    """Eight people, rolled back with what was kept of them, and deployed again. Returns the rollback's run."""
    workshop.change("people", *PEOPLE)
    assert workshop.run().status == 0
    workshop.query(
        "INSERT INTO people (id, name, doc, at) SELECT g, 'old ' || g, json_build_object('g', g), point(g, g)"
        " FROM generate_series(1, 8) g"
    )
    run = roll_back(workshop).plan.run_id
    assert workshop.run().status == 0
    return run


def marked(workshop: Workshop) -> list[bool]:
    return [row[0] for row in workshop.query("SELECT restored_at IS NOT NULL FROM pgmig_keep.kept ORDER BY id")]


def test_a_table_that_is_in_use_again_is_undone_once_it_is_equal(workshop: Workshop) -> None:
    run = with_people(workshop)
    workshop.query("INSERT INTO people (id, name) VALUES (100, 'somebody else')")
    workshop.query("INSERT INTO people (id, name) SELECT g, 'new ' || g FROM generate_series(1, 6) g")

    found = bring(workshop, run)["public.people"]
    assert (found.rows, found.other, found.gone, found.equal) == (2, 6, 0, False)
    assert marked(workshop) == [False], "what isn't equal isn't back"
    assert workshop.query("SELECT name FROM people WHERE id = 1") == [("new 1",)]

    found = bring(workshop, run, overwrite=True)["public.people"]
    assert (found.rows, found.other, found.gone, found.equal) == (6, 6, 0, False)
    assert marked(workshop) == [False], "the generated numbers are others, so it isn't what was kept"
    names = workshop.query("SELECT id, name, doc::text, at::text, len FROM people WHERE id < 100 ORDER BY id")
    assert names == [(g, f"old {g}", f'{{"g" : {g}}}', f"({g},{g})", 5) for g in range(1, 9)]

    workshop.query("DELETE FROM people WHERE id < 100")
    found = bring(workshop, run)["public.people"]
    assert (found.rows, found.equal) == (8, True)
    assert marked(workshop) == [True]
    assert workshop.query("SELECT sum(no) FROM people WHERE id < 100") == [(36,)]
    told = workshop.query(
        "SELECT outcome, success, rows, run_id, message FROM pgmig.schema_migrations WHERE operation = 'undo'"
        " ORDER BY id"
    )
    assert [row[:4] for row in told] == [("partly", False, 2, run), ("partly", False, 6, run), ("done", True, 8, run)]
    assert told[0][4] == "2 of 8 rows of public.people, not equal to what was kept"
    with pytest.raises(UsageError, match="isn't back already"):
        bring(workshop, run)


def test_overwriting_brings_back_every_row_exactly(workshop: Workshop) -> None:
    workshop.change(
        "plain", "BEGIN; CREATE TABLE plain (id int PRIMARY KEY, v json); COMMIT;", "BEGIN; DROP TABLE plain; COMMIT;"
    )
    assert workshop.run().status == 0
    workshop.query("""INSERT INTO plain SELECT g, '{"a":1}' FROM generate_series(1, 50) g""")
    before = picture(workshop, "plain")
    run = roll_back(workshop).plan.run_id
    assert workshop.run().status == 0
    workshop.query("""INSERT INTO plain SELECT g, '{}' FROM generate_series(1, 50) g""")
    assert not bring(workshop, run)["public.plain"].equal
    found = bring(workshop, run, overwrite=True)["public.plain"]
    assert (found.rows, found.other, found.gone, found.equal) == (50, 0, 0, True)
    assert picture(workshop, "plain") == before
    assert marked(workshop) == [True]


def test_a_row_whose_place_is_taken_by_another_key_is_missed(workshop18: Workshop) -> None:
    workshop = workshop18
    run = with_people(workshop)
    workshop.query("INSERT INTO people (id, name) VALUES (50, 'old 1')")
    for overwrite in (False, True):
        found = bring(workshop, run, overwrite=overwrite)["public.people"]
        assert (found.other, found.gone, found.equal) == (0, 1, False)
        assert marked(workshop) == [False]
    assert workshop.query("SELECT id FROM people WHERE name = 'old 1'") == [(50,)], "nothing else was deleted for it"


def test_rows_whose_key_is_none_of_the_table_any_more_come_back_once(workshop18: Workshop) -> None:
    workshop, revert = workshop18, "BEGIN; DROP TABLE lines; COMMIT;"
    workshop.change("lines", "BEGIN; CREATE TABLE lines (id int PRIMARY KEY, v text); COMMIT;", revert)
    assert workshop.run().status == 0
    workshop.query("INSERT INTO lines SELECT g, 'old' FROM generate_series(1, 5) g")
    run = roll_back(workshop).plan.run_id
    deploy = "BEGIN; CREATE TABLE lines (id int, v text, no bigserial PRIMARY KEY); COMMIT;"
    (workshop.root / "deploy" / "lines.sql").write_text(deploy)
    assert workshop.run().status == 0
    workshop.query("INSERT INTO lines (id, v) VALUES (4, 'new'), (6, 'new')")

    found = bring(workshop, run)["public.lines"]
    assert (found.rows, found.other, found.gone, found.equal) == (4, 1, 0, False)
    found = bring(workshop, run, overwrite=True)["public.lines"]
    assert (found.rows, found.other, found.gone, found.equal) == (1, 0, 0, True)
    rows = workshop.query("SELECT id, v FROM lines ORDER BY id, no")
    assert rows == [*((g, "old") for g in range(1, 6)), (6, "new")]
    assert marked(workshop) == [True]


def test_a_table_comes_back_before_what_refers_to_it_whatever_was_dropped_first(workshop18: Workshop) -> None:
    workshop = workshop18
    workshop.change(
        "pair",
        "BEGIN; CREATE TABLE parent (id int PRIMARY KEY); CREATE TABLE child (id int PRIMARY KEY, p int NOT NULL"
        " REFERENCES parent); COMMIT;",
        "BEGIN; DROP TABLE parent CASCADE; DROP TABLE child; COMMIT;",
    )
    assert workshop.run().status == 0
    workshop.query("INSERT INTO parent SELECT generate_series(1, 4)")
    workshop.query("INSERT INTO child SELECT g, 1 + g % 4 FROM generate_series(1, 9) g")
    run = roll_back(workshop).plan.run_id
    assert workshop.run().status == 0
    found = bring(workshop, run)
    assert {name: (one.rows, one.equal) for name, one in found.items()} == {
        "public.parent": (4, True),
        "public.child": (9, True),
    }
    assert marked(workshop) == [True, True]


def test_values_of_types_that_have_no_equality_come_back(workshop: Workshop) -> None:
    with_orders(workshop)
    workshop.change(
        "odd",
        "BEGIN; ALTER TABLE orders ADD doc json DEFAULT '{}', ADD at_point point; COMMIT;",
        "BEGIN; ALTER TABLE orders DROP COLUMN doc, DROP COLUMN at_point; COMMIT;",
    )
    assert workshop.run().status == 0
    workshop.query("""UPDATE orders SET doc = '{"x":  1}', at_point = '(1,2)' WHERE id < 10""")
    before = picture(workshop, "orders")
    run = roll_back(workshop).plan.run_id
    assert workshop.run().status == 0
    found = bring(workshop, run)["public.orders"]
    assert (found.rows, found.other, found.equal) == (9, 0, True)
    assert picture(workshop, "orders") == before


def test_tables_that_inherit_are_left_alone(workshop18: Workshop) -> None:
    workshop = workshop18
    with_columns(workshop)
    run = roll_back(workshop).plan.run_id
    assert workshop.run().status == 0
    workshop.query("CREATE TABLE heirs () INHERITS (orders)")
    workshop.query("INSERT INTO heirs (id) SELECT g FROM generate_series(1, 30) g")
    found = bring(workshop, run)["public.orders"]
    assert (found.rows, found.equal) == (1666, True)
    assert workshop.query("SELECT count(*) FROM ONLY orders WHERE total IS NOT NULL") == [(1666,)]
    assert workshop.query("SELECT count(total) FROM heirs") == [(0,)]


def test_a_sequence_that_counts_down_and_one_that_is_gone(workshop18: Workshop) -> None:
    workshop = workshop18
    workshop.change("down", "BEGIN; CREATE SEQUENCE down INCREMENT -2; COMMIT;", "BEGIN; DROP SEQUENCE down; COMMIT;")
    assert workshop.run().status == 0
    workshop.query("SELECT nextval('down') FROM generate_series(1, 5)")
    run = roll_back(workshop).plan.run_id
    with pytest.raises(Refused, match=r'the sequence "public"\."down" isn.t there'):
        bring(workshop, run)
    assert marked(workshop) == [False]
    assert workshop.run().status == 0
    bring(workshop, run)
    assert marked(workshop) == [True]
    assert workshop.query("SELECT nextval('down')") == [(-11,)]


def test_grants_that_can_not_be_given_back_are_named(workshop18: Workshop) -> None:
    workshop = workshop18
    role = f"{workshop.dbname}_reader"
    workshop.query(f'CREATE ROLE "{role}"')
    try:
        workshop.change("people", *PEOPLE)
        assert workshop.run().status == 0
        workshop.query(f"""INSERT INTO people (id, name) VALUES (1, 'a'); GRANT SELECT ON people TO "{role}" """)
        run = workshop.finish(look_at(workshop).plan).plan.run_id
        workshop.query("UPDATE pgmig.do_not_deploy SET lifted_at = now()")
    finally:
        workshop.query(f'DROP OWNED BY "{role}"; DROP ROLE "{role}"')
    assert workshop.run().status == 0
    found = bring(workshop, run)["public.people"]
    assert found.equal
    assert found.left_out == (f'GRANT SELECT ON "public"."people" TO "{role}": there is no such role any more',)


def test_what_the_server_refuses_ends_with_what_is_true_then(workshop: Workshop) -> None:
    run = with_people(workshop)
    workshop.query("ALTER TABLE people ADD CHECK (id < 5)")
    with pytest.raises(ServerError) as refused:
        bring(workshop, run)
    assert refused.value.now == "Nothing was brought back."
    assert refused.value.do.endswith("what was kept is still there.")
    assert workshop.query("SELECT count(*) FROM people") == [(0,)]
    assert marked(workshop) == [False]
