"""What a statement does while its transaction holds the locks of those before it."""

from __future__ import annotations

import sys

import pytest

from pgmig_tui.impact.facts import Column, DatabaseFacts, Name, Relation
from pgmig_tui.impact.predict import predict_script
from pgmig_tui.impact.result import StatementImpact
from pgmig_tui.impact.written import script_text
from tests.impact.statements import script

ORDERS, CUSTOMERS = Name("public", "orders"), Name("public", "customers")


def facts(rows: int = 400_000) -> DatabaseFacts:
    columns = {"id": Column("id", "int4"), "total": Column("total", "int4")}
    return DatabaseFacts(
        {name: Relation(name, "r", columns=columns, bytes=rows * 100, rows=rows) for name in (ORDERS, CUSTOMERS)}
    )


def last(sql: str, known: DatabaseFacts | None = None, *, wrapped: bool = True) -> StatementImpact:
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


MANY = (
    "INSERT INTO t{n} VALUES (1)", "ALTER TABLE t{n} ADD COLUMN b int", "SAVEPOINT s; LOCK TABLE t{n}; ROLLBACK TO s",
    "COMMENT ON TABLE t{n} IS 'x'",
)  # fmt: skip


@pytest.mark.parametrize("sql", MANY)
def test_a_statement_costs_the_same_however_many_tables_the_transaction_has_locked(sql: str) -> None:
    """By calls and not by time, which others' work on the machine prolongs."""

    def cost(count: int) -> tuple[int, int]:
        relations = {
            (name := Name("public", f"t{n}")): Relation(
                name, "r", columns={"a": Column("a", "int4")}, rows=9, bytes=8192
            )
            for n in range(count)
        }
        statements = script(*(part for n in range(count) for part in sql.format(n=n).split("; ")))
        calls = 0

        def called(*_: object) -> None:
            nonlocal calls
            calls += 1

        sys.setprofile(called)
        try:
            found = predict_script(statements, DatabaseFacts(relations), wrapped=True)
        finally:
            sys.setprofile(None)
        return calls, len(script_text(found))

    cost(1)
    (few_calls, few_bytes), (calls, written) = cost(50), cost(400)
    assert calls < 9 * few_calls
    assert written < 13 * few_bytes, "what is told of each, up to the twenty that are held of before"


def test_of_many_locks_from_before_the_strongest_are_told_and_the_others_counted() -> None:
    names = [Name("public", f"t{n}") for n in range(60)]
    known = DatabaseFacts({name: Relation(name, "r", columns={"a": Column("a", "int4")}) for name in names})
    locks = [f"LOCK TABLE t{n} IN {'ACCESS EXCLUSIVE' if n % 10 == 9 else 'SHARE'} MODE" for n in range(60)]
    impact = predict_script(script(*locks, "SELECT 1"), known, wrapped=True).statements[-1]
    modes = [one.mode.sql_name for one in impact.held]
    assert (modes.count("ACCESS EXCLUSIVE"), modes.count("SHARE"), impact.held_more) == (6, 14, 40)
    assert [one.from_line for one in impact.held] == sorted(one.from_line for one in impact.held)
    assert impact.blocks.reads
