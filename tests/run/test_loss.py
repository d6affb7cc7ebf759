"""The loss receipt: equal to what really goes, while nobody writes."""

from __future__ import annotations

import pytest

from pgmig_tui.database import losses
from pgmig_tui.database.connect import connect
from pgmig_tui.database.fingerprint import read_objects
from pgmig_tui.display.cells import text_of
from pgmig_tui.gates.loss import Losses
from pgmig_tui.impact.facts import Name
from pgmig_tui.review.rollback import RollbackReview, look, loss_lines
from pgmig_tui.run.clients.extent import extent_of_last
from pgmig_tui.run.clients.rollback import plan_rollback, stand
from pgmig_tui.run.journal.rehearsed import Reached, Rehearsed, hash_of, note, schema_digest
from pgmig_tui.run.planning.losses import Loss
from tests.run.conftest import Workshop


def look_at(workshop: Workshop) -> RollbackReview:
    """What a rollback of the last run shows."""
    project, environment = workshop.project()
    extent = extent_of_last(stand(project, environment, workshop.state_dir))
    plan = plan_rollback(project, environment, extent, state_dir=workshop.state_dir)
    return look(project, environment, extent, plan, state_dir=workshop.state_dir)


def receipt(workshop: Workshop) -> dict[str, Loss]:
    found = look_at(workshop)
    assert not found.receipt.problem
    return {loss.subject: loss for loss in found.receipt.losses}


BASE = (
    "CREATE TABLE orders (id int PRIMARY KEY, note text);"
    "INSERT INTO orders SELECT g, 'n' FROM generate_series(1, 1000) g;"
)


def test_values_of_a_column_and_those_written_since_the_deploy(workshop: Workshop) -> None:
    workshop.change("base", f"BEGIN; {BASE} COMMIT;", "DROP TABLE orders;")
    assert workshop.run().status == 0
    workshop.change(
        "total",
        "BEGIN; ALTER TABLE orders ADD total int; UPDATE orders SET total = id WHERE id <= 100; COMMIT;",
        "BEGIN; ALTER TABLE orders DROP COLUMN total; COMMIT;",
    )
    assert workshop.run().status == 0
    workshop.query("UPDATE orders SET total = 1 WHERE id BETWEEN 101 AND 117")
    workshop.query("UPDATE orders SET note = 'x' WHERE id = 500")
    found = receipt(workshop)["public.orders.total"]
    assert (found.count.total, found.count.since, found.count.about) == (117, 17, False)
    assert found.sentence == "public.orders.total: 117 values, at most 17 of them written since the deploy"


def test_rows_of_a_table_stay_known_after_a_vacuum_freeze(workshop: Workshop) -> None:
    workshop.change("base", f"BEGIN; {BASE} COMMIT;", "BEGIN; DROP TABLE orders; COMMIT;")
    assert workshop.run().status == 0
    workshop.query("INSERT INTO orders VALUES (2001, 'new'), (2002, 'new')")
    with workshop.connect() as connection:
        connection.execute("VACUUM FREEZE orders")
    found = receipt(workshop)["public.orders"]
    assert (found.count.total, found.count.since) == (1002, 2)


def test_a_large_table_is_sampled_and_said_to_be_about(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    workshop.change("base", "CREATE TABLE big (id int PRIMARY KEY, pad text);", "DROP TABLE big;")
    assert workshop.run().status == 0
    workshop.query("INSERT INTO big SELECT g, repeat('x', 200) FROM generate_series(1, 40000) g")
    with workshop.connect() as connection:
        connection.execute("VACUUM ANALYZE big")
    project, environment = workshop.project()
    monkeypatch.setattr(losses, "COUNTED_BYTES", 1 << 20)
    monkeypatch.setattr(losses, "SAMPLE_BYTES", 1 << 20)
    with connect(environment.target, application_name="test") as connection:
        table = losses.read_tables(connection, [Name("public", "big")])[Name("public", "big")]
        (found,) = losses.count(
            connection, table, [losses.WantedCount((), project.plan.changes[0].change_id)], "sqitch"
        )
    assert found.about
    assert found.total is not None
    assert found.since is not None
    assert 20_000 < found.total < 80_000
    assert found.since == found.total


TWICE = (
    "BEGIN; ALTER TABLE orders ADD total int, ADD tax int; UPDATE orders SET total = id; COMMIT;",
    "BEGIN; UPDATE orders SET total = NULL, tax = NULL; ALTER TABLE orders DROP COLUMN total, DROP COLUMN tax; COMMIT;",
)


def test_what_is_destroyed_in_two_ways_is_told_once(workshop18: Workshop) -> None:
    workshop = workshop18
    workshop.change("base", f"BEGIN; {BASE} COMMIT;", "BEGIN; DELETE FROM orders; DROP TABLE orders; COMMIT;")
    workshop.change("total", *TWICE)
    assert workshop.run().status == 0
    found = look_at(workshop)
    assert [loss.subject for loss in found.receipt.losses if loss.count.total] == [
        "public.orders.total",
        "public.orders.total",
        "public.orders",
        "public.orders",
    ]
    assert {loss.count.total for loss in found.receipt.losses if loss.lost.columns != ("tax",)} == {1000}
    assert found.receipt.told.all == ("public.orders: 1,000 rows, at most 1,000 of them written since the deploy",)
    assert [row.data for row in found.rows] == ["loses", "loses"]


def test_rows_and_values_of_a_table_agree_though_it_is_only_sampled(
    workshop18: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    workshop = workshop18
    workshop.change("base", "CREATE TABLE big (id int PRIMARY KEY, pad text, few text);", "DROP TABLE big;")
    assert workshop.run().status == 0
    workshop.query("INSERT INTO big SELECT g, repeat('x', 200) FROM generate_series(1, 40000) g")
    workshop.query("UPDATE big SET few = 'one' WHERE id = 1")
    with workshop.connect() as connection:
        connection.execute("VACUUM FULL big")
        connection.execute("ANALYZE big")
    project, environment = workshop.project()
    monkeypatch.setattr(losses, "COUNTED_BYTES", 1 << 20)
    monkeypatch.setattr(losses, "SAMPLE_BYTES", 1 << 20)
    change = project.plan.changes[0].change_id
    wanted = [losses.WantedCount(columns, change) for columns in ((), ("pad",), ("id", "few"), ("few",))]
    with connect(environment.target, application_name="test") as connection:
        table = losses.read_tables(connection, [Name("public", "big")])[Name("public", "big")]
        for _ in range(5):
            rows, pads, both, few = losses.count(connection, table, wanted, "sqitch")
            assert rows.total == pads.total == both.total
            assert rows.total is not None
            assert rows.since is not None
            assert rows.since <= rows.total
            assert few.total is None or few.total > 0, "a sample proves nothing of the rest"


def test_partitions_count_once_and_a_held_table_is_unknown(workshop: Workshop) -> None:
    workshop.change(
        "base",
        "BEGIN; CREATE TABLE parted (id int PRIMARY KEY) PARTITION BY RANGE (id);"
        "CREATE TABLE p1 PARTITION OF parted FOR VALUES FROM (0) TO (100);"
        "CREATE TABLE p2 PARTITION OF parted FOR VALUES FROM (100) TO (200); COMMIT;",
        "BEGIN; DROP TABLE parted; COMMIT;",
    )
    assert workshop.run().status == 0
    workshop.query("INSERT INTO parted SELECT g FROM generate_series(50, 149) g")
    found = receipt(workshop)
    assert {subject: loss.count.total for subject, loss in found.items()} == {"public.parted": 100}
    with workshop.connect() as holder:
        holder.autocommit = False
        holder.execute("LOCK TABLE parted IN ACCESS EXCLUSIVE MODE")
        held = receipt(workshop)["public.parted"]
    assert held.count.total is None
    assert held.sentence == "public.parted: unknown how many rows (another session holds a lock on it)"


def test_an_empty_table_needs_nobody_to_accept_anything(workshop: Workshop) -> None:
    workshop.change("base", "CREATE TABLE orders (id int GENERATED ALWAYS AS IDENTITY);", "DROP TABLE orders;")
    assert workshop.run().status == 0
    found = look_at(workshop)
    assert found.review.loses
    assert found.loses == ()


def test_what_can_not_be_counted_is_said(workshop: Workshop) -> None:
    workshop.change("base", "SELECT 1;", "DO $$ BEGIN EXECUTE 'drop table if exists ' || current_user; END $$;")
    assert workshop.run().status == 0
    found = look_at(workshop)
    doubt = "revert/base.sql:1: this DO may lose data: what it does is known only when it runs"
    assert found.losses == Losses((), (doubt,)), "it isn't known to lose anything"
    assert [text_of(told).strip() for told in loss_lines(found)] == [f"MAY LOSE data: {doubt}"]


def schema_of(workshop: Workshop) -> str:
    _, environment = workshop.project()
    with connect(environment.target, application_name="test") as connection:
        return schema_digest(read_objects(connection), environment.own_schemas)


def rehearsed(change_id: str, script: str, schema: str, *statements: Reached) -> Rehearsed:
    at = "2026-11-22T10:00:00Z"
    return Rehearsed(at, "staging", change_id, hash_of(script.encode()), "revert", schema, statements=statements)


def test_a_rehearsal_names_what_an_unknown_statement_reaches_and_clears_nothing(workshop18: Workshop) -> None:
    workshop = workshop18
    script = "DO $$ BEGIN EXECUTE 'drop table if exists ' || current_user; END $$;"
    workshop.change("base", "CREATE TABLE orders (id int);", script)
    assert workshop.run().status == 0
    (change,) = workshop.project()[0].plan.changes
    locks = (("public.orders", "RowExclusiveLock"), ("public.items", "AccessShareLock"))
    reached = Reached(1, "revert/base.sql", "DO", locks)
    note(workshop.state_dir, [rehearsed(change.change_id, script, schema_of(workshop), reached)])
    assert look_at(workshop).loses == (
        "revert/base.sql:1: this DO may lose data: what it does is known only when it runs; rehearsed without rows at "
        "2026-11-22T10:00:00Z: it reached public.orders (ROW EXCLUSIVE)",
    )


def test_a_rehearsed_revert_counts_for_its_bytes_and_the_schema_that_it_meets(workshop18: Workshop) -> None:
    workshop = workshop18
    workshop.change("base", "CREATE TABLE orders (id int);", "DROP TABLE orders;")
    assert workshop.run().status == 0
    assert look_at(workshop).tried == {}
    (change,) = workshop.project()[0].plan.changes
    same = schema_of(workshop)
    for script, schema in (("DROP TABLE others;", same), ("DROP TABLE orders;", "another"), ("DROP TABLE orders;", "")):
        note(workshop.state_dir, [rehearsed(change.change_id, script, schema)])
    assert look_at(workshop).tried == {}
    note(workshop.state_dir, [rehearsed(change.change_id, "DROP TABLE orders;", same)])
    tried = look_at(workshop).tried[change.change_id]
    assert (tried.same, tried.sentence) == (True, "the same script passed a rehearsal for staging")
