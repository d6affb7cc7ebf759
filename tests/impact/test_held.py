"""What a statement does while its transaction holds the locks of those before it."""

from __future__ import annotations

import pytest

from pgmig_tui.impact.facts import Column, Facts, Name, Relation
from pgmig_tui.impact.predict import predict_script
from pgmig_tui.impact.result import StatementImpact
from tests.impact.statements import script

ORDERS, CUSTOMERS = Name("public", "orders"), Name("public", "customers")


def facts(rows: int = 400_000) -> Facts:
    columns = {"id": Column("id", "int4"), "total": Column("total", "int4")}
    return Facts(
        {name: Relation(name, "r", columns=columns, bytes=rows * 100, rows=rows) for name in (ORDERS, CUSTOMERS)}
    )


def last(sql: str, known: Facts | None = None, *, wrapped: bool = True) -> StatementImpact:
    found = predict_script(script(*sql.strip().rstrip(";").split(";")), known or facts(), wrapped=wrapped).statements
    return [one for one in found if one.transaction_control is None][-1]


def advised(impact: StatementImpact) -> list[str]:
    return [one.rule for one in impact.advice]


WORK = [
    "UPDATE orders SET total = 1",
    "ALTER TABLE orders VALIDATE CONSTRAINT c",
    "CREATE INDEX ON orders (total)",
    "INSERT INTO customers SELECT * FROM orders",
    "DELETE FROM customers",
]
"""Each takes its time, and lets others read `orders` when it is alone."""


@pytest.mark.parametrize("work", WORK)
def test_work_under_an_earlier_lock_is_a_risk_and_stops_reads(work: str) -> None:
    add = "ALTER TABLE orders ADD CONSTRAINT c CHECK (total > 0) NOT VALID;"
    impact = last(f"{add} {work};")
    assert [(str(one.name), one.mode.sql_name, one.from_line) for one in impact.held] == [
        ("public.orders", "ACCESS EXCLUSIVE", 1)
    ]
    assert impact.blocks.reads
    assert impact.risk in {"high", "critical"}
    assert "split-transaction" in advised(impact)


@pytest.mark.parametrize("work", WORK)
def test_work_in_a_transaction_of_its_own_is_told_as_before(work: str) -> None:
    add = "ALTER TABLE orders ADD CONSTRAINT c CHECK (total > 0) NOT VALID;"
    impact = last(f"BEGIN; {add} COMMIT; {work};", wrapped=False)
    assert impact.held == ()
    assert not impact.blocks.reads
    assert "split-transaction" not in advised(impact)


@pytest.mark.parametrize(
    "quick", ["SELECT 1", "ALTER TABLE customers ADD COLUMN more int", "COMMENT ON TABLE orders IS ''"]
)
def test_what_takes_no_time_needs_no_change_of_its_own(quick: str) -> None:
    impact = last(f"ALTER TABLE orders ADD COLUMN more int; {quick};")
    assert impact.held
    assert "split-transaction" not in advised(impact)


def test_work_on_a_table_that_the_change_has_made_waits_for_nobody_but_those_of_the_lock() -> None:
    impact = last("ALTER TABLE orders ADD COLUMN more int; CREATE TABLE fresh (a int); INSERT INTO fresh VALUES (1);")
    assert "split-transaction" not in advised(impact)


def test_a_small_table_is_no_high_risk() -> None:
    sql = "ALTER TABLE orders ADD CONSTRAINT c CHECK (total > 0) NOT VALID; ALTER TABLE orders VALIDATE CONSTRAINT c"
    assert last(sql, facts(40)).risk == "medium"
    assert last(sql).risk == "high"


def test_the_same_statement_is_judged_anew_once_other_locks_are_held() -> None:
    statements = script(
        "SAVEPOINT a",
        "LOCK TABLE orders IN ACCESS EXCLUSIVE MODE",
        "UPDATE customers SET total = 1",
        "ROLLBACK TO a",
        "LOCK TABLE customers IN ACCESS EXCLUSIVE MODE",
        "UPDATE customers SET total = 1",
    )
    found = predict_script(statements, facts(), wrapped=True).statements
    held = [[str(lock.name) for lock in one.held] for one in found if one.kind == "UPDATE"]
    assert held == [["public.orders"], ["public.customers"]]


def test_a_lock_that_a_savepoint_gave_back_is_not_held() -> None:
    impact = last("SAVEPOINT a; ALTER TABLE orders ADD COLUMN x int; ROLLBACK TO a; UPDATE orders SET total = 1;")
    assert impact.held == ()
    assert not impact.blocks.reads
