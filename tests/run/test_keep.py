"""Save before revert, and undo: what comes back is what was there, by count and by checksum."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from pgmig_tui.errors import Refused
from pgmig_tui.project.project import Project
from pgmig_tui.review.rollback import RollbackReview, look
from pgmig_tui.run.clients.extent import extent_of_last
from pgmig_tui.run.clients.rollback import plan_rollback, stand
from pgmig_tui.run.clients.undo import bring_back, kept_of
from tests.run.conftest import Outcome, Workshop


def look_at(workshop: Workshop, *, save: bool = True) -> RollbackReview:
    project, environment = workshop.project()
    extent = extent_of_last(stand(project, environment, workshop.state_dir))
    plan = plan_rollback(project, environment, extent, state_dir=workshop.state_dir)
    return look(project, environment, extent, plan, state_dir=workshop.state_dir, save=save)


def roll_back(workshop: Workshop) -> Outcome:
    done = workshop.finish(look_at(workshop).plan)
    assert done.status == 0, done.named("step_failed")
    workshop.query("UPDATE pgmig.do_not_deploy SET lifted_at = now()")
    return done


def bring(workshop: Workshop, run: str, *, overwrite: bool = False) -> dict[str, Any]:
    project, environment = workshop.project()
    found = bring_back(project, environment, run, workshop.state_dir, overwrite=overwrite)
    return {str(one.kept.source): one for one in found}


def picture(workshop: Workshop, table: str) -> tuple[Any, ...]:
    """Count and checksum of a table, told by PostgreSQL itself and not by what is tested."""
    return workshop.query(f"SELECT count(*), md5(string_agg(t::text, E'\\n' ORDER BY t.id)) FROM {table} t")[0]


COLUMN = (
    "BEGIN; ALTER TABLE orders ADD total numeric(10,2), ADD tags text[]; COMMIT;",
    "BEGIN; ALTER TABLE orders DROP COLUMN total, DROP COLUMN tags; COMMIT;",
)


def with_orders(workshop: Workshop) -> None:
    workshop.change(
        "base",
        "BEGIN; CREATE TABLE orders (id int PRIMARY KEY, at timestamptz DEFAULT now(), n int DEFAULT 0);"
        "CREATE FUNCTION bump() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.n := OLD.n + 1; RETURN NEW; END';"
        "CREATE TRIGGER bump BEFORE UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION bump();"
        "INSERT INTO orders SELECT g FROM generate_series(1, 5000) g; COMMIT;",
        "BEGIN; DROP TABLE orders; DROP FUNCTION bump; COMMIT;",
    )
    assert workshop.run().status == 0


def with_columns(workshop: Workshop) -> None:
    with_orders(workshop)
    workshop.change("total", *COLUMN)
    assert workshop.run().status == 0
    workshop.query("UPDATE orders SET total = id * 1.11, tags = ARRAY['a''b', NULL, id::text] WHERE id % 3 = 0")


def test_values_of_columns_come_back(workshop: Workshop) -> None:
    with_columns(workshop)
    before = picture(workshop, "orders")
    done = roll_back(workshop)
    (saved,) = done.named("rows_saved")
    assert (saved["table"], saved["rows"], saved["kind"]) == ("public.orders", 1666, "column")
    assert [loss["total"] for loss in done.named("loss_counted")] == [1666, 1666]
    assert workshop.run().status == 0
    assert picture(workshop, "orders") != before
    found = bring(workshop, done.plan.run_id)["public.orders"]
    assert (found.rows, found.other, found.gone, found.equal) == (1666, 0, 0, True)
    assert picture(workshop, "orders") == before, "the trigger, too, must not have touched a row"
    assert workshop.query("SELECT tgenabled::text FROM pg_trigger WHERE tgname = 'bump'") == [("O",)]


def test_what_was_written_since_the_redeploy_is_kept_unless_overwritten(workshop: Workshop) -> None:
    with_columns(workshop)
    before = picture(workshop, "orders")
    run = roll_back(workshop).plan.run_id
    workshop.query("DELETE FROM orders WHERE id = 3")
    assert workshop.run().status == 0
    workshop.query("ALTER TABLE orders DISABLE TRIGGER bump")
    workshop.query("UPDATE orders SET total = -1 WHERE id = 6")
    found = bring(workshop, run)["public.orders"]
    assert (found.rows, found.other, found.gone, found.equal) == (1664, 1, 1, False)
    assert workshop.query("SELECT total::text FROM orders WHERE id = 6") == [("-1.00",)]
    assert picture(workshop, "orders")[0] == before[0] - 1
    assert workshop.query("SELECT tgenabled::text FROM pg_trigger WHERE tgname = 'bump'") == [("D",)]
    again = bring(workshop, run, overwrite=True)["public.orders"]
    assert (again.rows, again.other, again.gone) == (1, 0, 1)


def test_what_the_redeploy_filled_in_gives_way_to_what_was_kept(workshop: Workshop) -> None:
    with_orders(workshop)
    workshop.change(
        "total",
        "BEGIN; ALTER TABLE orders ADD total int; UPDATE orders SET total = 7; COMMIT;",
        "BEGIN; ALTER TABLE orders DROP COLUMN total; COMMIT;",
    )
    assert workshop.run().status == 0
    workshop.query("UPDATE orders SET total = id")
    run = roll_back(workshop).plan.run_id
    assert workshop.run().status == 0
    assert workshop.query("SELECT DISTINCT total FROM orders") == [(7,)]
    workshop.query("UPDATE orders SET total = 8 WHERE id = 1")
    found = bring(workshop, run)["public.orders"]
    assert (found.rows, found.other) == (4998, 1)  # id 7 holds what was kept already
    assert workshop.query("SELECT total FROM orders WHERE id IN (1, 2) ORDER BY id") == [(8,), (2,)]


TABLES = (
    "BEGIN; CREATE TABLE parents (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text, len int GENERATED "
    "ALWAYS AS (length(name)) STORED); CREATE TABLE children (id serial PRIMARY KEY, parent bigint REFERENCES parents,"
    " doc jsonb, at interval, f float8); GRANT SELECT ON parents TO PUBLIC; COMMIT;",
    "BEGIN; DROP TABLE children; DROP TABLE parents; COMMIT;",
)


def test_whole_tables_come_back_with_sequences_and_grants(workshop: Workshop) -> None:
    workshop.change("tables", *TABLES)
    assert workshop.run().status == 0
    workshop.query("INSERT INTO parents (name) SELECT 'p' || g FROM generate_series(1, 300) g")
    workshop.query(
        "INSERT INTO children (parent, doc, at, f) SELECT 1 + g % 300, jsonb_build_object('g', g),"
        " g * interval '1 hour', g / 3.0 FROM generate_series(1, 4000) g"
    )
    workshop.query("GRANT UPDATE (name) ON parents TO pg_monitor")
    before = picture(workshop, "parents"), picture(workshop, "children")
    done = roll_back(workshop)
    assert sorted((one["table"], one["rows"]) for one in done.named("rows_saved")) == [
        ("public.children", 4000),
        ("public.parents", 300),
    ]
    assert not workshop.relation("parents")
    ddl = workshop.query("SELECT ddl FROM pgmig_keep.kept WHERE source_table = 'children'")[0][0]
    assert "FOREIGN KEY (parent) REFERENCES public.parents(id)" in ddl
    with pytest.raises(Refused, match="isn't there"):
        bring(workshop, done.plan.run_id)
    assert workshop.run().status == 0
    found = bring(workshop, done.plan.run_id)
    assert all(one.equal for one in found.values())
    assert (picture(workshop, "parents"), picture(workshop, "children")) == before
    workshop.query("INSERT INTO parents (name) VALUES ('next')")
    workshop.query("INSERT INTO children (parent) VALUES (301)")
    assert workshop.query("SELECT max(id) FROM parents") == [(301,)]
    assert workshop.query("SELECT max(id) FROM children") == [(4001,)]
    assert workshop.query("SELECT has_column_privilege('pg_monitor', 'parents', 'name', 'UPDATE')") == [(True,)]


def test_partitions_are_kept_as_one_table(workshop: Workshop) -> None:
    workshop.change(
        "parted",
        "BEGIN; CREATE TABLE parted (id int PRIMARY KEY, v text) PARTITION BY RANGE (id);"
        "CREATE TABLE p1 PARTITION OF parted FOR VALUES FROM (0) TO (100);"
        "CREATE TABLE p2 PARTITION OF parted FOR VALUES FROM (100) TO (200); COMMIT;",
        "BEGIN; DROP TABLE parted; COMMIT;",
    )
    assert workshop.run().status == 0
    workshop.query("INSERT INTO parted SELECT g, md5(g::text) FROM generate_series(50, 149) g")
    before = picture(workshop, "parted")
    done = roll_back(workshop)
    assert [one["rows"] for one in done.named("rows_saved")] == [100]
    assert workshop.run().status == 0
    assert bring(workshop, done.plan.run_id)["public.parted"].equal
    assert picture(workshop, "parted") == before


def test_deleted_rows_come_back(workshop: Workshop) -> None:
    with_orders(workshop)
    workshop.change(
        "seed",
        "BEGIN; INSERT INTO orders SELECT g FROM generate_series(9001, 9010) g; COMMIT;",
        "BEGIN; DELETE FROM orders WHERE id > 9000; COMMIT;",
    )
    assert workshop.run().status == 0
    workshop.query("INSERT INTO orders VALUES (9500)")
    before = picture(workshop, "orders")
    run = roll_back(workshop).plan.run_id
    assert workshop.query("SELECT count(*) FROM orders") == [(5000,)]
    found = bring(workshop, run)["public.orders"]
    assert (found.rows, found.equal) == (11, True)
    assert picture(workshop, "orders") == before


def test_a_revert_that_fails_keeps_nothing(workshop: Workshop) -> None:
    with_orders(workshop)
    workshop.change(
        "total", COLUMN[0], "BEGIN; ALTER TABLE orders DROP COLUMN total, DROP COLUMN tags; SELECT 1/0; COMMIT;"
    )
    assert workshop.run().status == 0
    workshop.query("UPDATE orders SET total = 1")
    done = workshop.finish(look_at(workshop).plan)
    assert done.status == 1
    assert not workshop.query("SELECT 1 FROM pg_namespace WHERE nspname = 'pgmig_keep'")
    assert workshop.query("SELECT count(total) FROM orders") == [(5000,)]


def refusal(workshop: Workshop) -> str:
    with pytest.raises(Refused) as refused:
        look_at(workshop)
    return str(refused.value)


def test_what_can_not_be_saved_is_refused_by_name(workshop18: Workshop) -> None:
    workshop = workshop18
    workshop.change("base", "CREATE TABLE loose (a int); INSERT INTO loose VALUES (1);", "DROP TABLE loose;")
    assert workshop.run().status == 0
    workshop.change("b", "ALTER TABLE loose ADD b int;", "ALTER TABLE loose DROP COLUMN b;")
    assert workshop.run().status == 0
    workshop.query("UPDATE loose SET b = 1")
    assert "public.loose has no primary key" in refusal(workshop)
    workshop.change(
        "c", "CREATE INDEX CONCURRENTLY i ON loose (a);", "DROP INDEX CONCURRENTLY i; UPDATE loose SET a = 0;"
    )
    assert workshop.run().status == 0
    assert "c is reverted statement by statement" in refusal(workshop)


def test_a_script_finds_its_session_as_if_nothing_was_saved(workshop18: Workshop) -> None:
    workshop = workshop18
    with_orders(workshop)
    revert = (
        "BEGIN; CREATE TABLE seen AS SELECT current_setting('search_path') p, current_setting('timezone') z,"
        " current_setting('row_security') r; ALTER TABLE orders DROP COLUMN total, DROP COLUMN tags; COMMIT;"
    )
    workshop.change("total", COLUMN[0], revert)
    assert workshop.run().status == 0
    workshop.query("UPDATE orders SET total = 1")
    workshop.query(f"ALTER DATABASE {workshop.dbname} SET timezone = 'Asia/Tokyo'")
    roll_back(workshop)
    path = workshop.query("SHOW search_path")[0][0]
    assert workshop.query("SELECT p, z, r FROM seen") == [(path, "Asia/Tokyo", "on")]


def test_the_kept_rows_are_listed_and_belong_to_nobody_else(workshop18: Workshop) -> None:
    workshop = workshop18
    with_columns(workshop)
    workshop.query("CREATE SCHEMA IF NOT EXISTS pgmig_keep")
    workshop.query("ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC")
    run = roll_back(workshop).plan.run_id
    project, environment = workshop.project()
    assert isinstance(project, Project)
    (kept,) = kept_of(environment, "pgmig_keep", None)
    assert (kept.run, kept.rows, kept.columns, kept.key, kept.expired) == (run, 1666, ("total", "tags"), ("id",), False)
    acl = workshop.query(f"SELECT relacl::text FROM pg_class WHERE relname = '{kept.keep_table}'")[0][0]
    assert "{=" not in acl
    assert ",=" not in acl
    about = workshop.query(f"SELECT obj_description('pgmig_keep.{kept.keep_table}'::regclass)")[0][0]
    assert run in about
    workshop.query(f"DELETE FROM pgmig_keep.{kept.keep_table} WHERE id = 3")
    assert workshop.run().status == 0
    with pytest.raises(Refused, match="isn't what was kept"):
        bring(workshop, run)
    assert replace(kept, rows=1) != kept
