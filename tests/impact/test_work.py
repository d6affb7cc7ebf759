"""Work that is counted before it is done: shares of rows by the planner's statistics, and times that grow with them."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from pgmig_tui.impact import nodes
from pgmig_tui.impact.facts import Column, DatabaseFacts, ForeignKey, Index, Name, Relation, Spread, Trigger
from pgmig_tui.impact.predict import predict_script
from pgmig_tui.impact.rates import Rates
from pgmig_tui.impact.result import StatementImpact
from pgmig_tui.impact.selectivity import share
from tests.impact.statements import script

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
ROWS = 100_000
BIG, PART, LOG, PET = (Name("public", name) for name in ("big", "part", "log", "pet"))
COLUMNS = {"id": "int8", "c": "int4", "state": "text", "done": "bool", "day": "date", "note": "text"}
SPREADS = {
    "c": Spread(0.0, -1.0, 4, {}, tuple(str(step * 1000) for step in range(101))),
    "state": Spread(0.1, 3, 5, {"open": 0.6, "closed": 0.2}, ()),
    "done": Spread(0.0, 2, 1, {"t": 0.25, "f": 0.75}),
    "day": Spread(0.5, -0.3, 4, {}, ("2024-01-01", "2024-07-01", "2025-01-01")),
    "note": Spread(0.9, -0.1, 30, {}, ()),
}
TABLE = Relation(
    BIG,
    "r",
    {name: Column(name, kind) for name, kind in COLUMNS.items()},
    indexes=(Index(Name("public", "big_pkey"), frozenset({"id"}), ("id",), True, True),),
    bytes=ROWS * 100,
    rows=ROWS,
    spreads=SPREADS,
)
SURE = Rates(spread=1.0)


def told(*statements: str, facts: tuple[Relation, ...] = (TABLE,)) -> tuple[StatementImpact, ...]:
    return predict_script(script(*statements), DatabaseFacts({one.name: one for one in facts}), rates=SURE).statements


def ms(*statements: str, facts: tuple[Relation, ...] = (TABLE,)) -> int:
    """The most that the last statement is told to take."""
    estimate = told(*statements, facts=facts)[-1].estimated_ms
    assert estimate is not None, told(*statements, facts=facts)[-1].notes
    return estimate.high


@pytest.mark.parametrize(
    ("condition", "low", "high"),
    [
        ("c < 25000", 0.25, 0.25),
        ("25000 > c", 0.25, 0.25),
        ("c >= 25000", 0.75, 0.75),
        ("c BETWEEN 10000 AND 20000", 0.1, 0.1),
        ("c < -1", 0.0, 0.0),
        ("c < 100000 / 2", 0.5, 0.5),
        ("c = 17", 0.00001, 0.00001),
        ("big.c < 25000", 0.25, 0.25),
        ("other.c < 25000", 0, 1),
        ("id = 17", 0, 0.00001),
        ("id IN (1, 2, 3)", 0, 0.00003),
        ("state = 'open'", 0.6, 0.6),
        ("state <> 'open'", 0.3, 0.3),
        ("state IN ('open', 'closed')", 0.8, 0.8),
        ("state NOT IN ('open', 'closed')", 0.2, 0.2),
        ("state = 'lost'", 0.1, 0.1),
        ("done", 0.25, 0.25),
        ("NOT done", 0.75, 0.75),
        ("done IS FALSE", 0.75, 0.75),
        ("done = false", 0.75, 0.75),
        ("note IS NULL", 0.9, 0.9),
        ("note IS NOT NULL", 0.1, 0.1),
        ("day < '2024-07-01'", 0.25, 0.25),
        ("c < 50000 AND done", 0.125, 0.125),
        ("c < 50000 OR done", 0.625, 0.625),
        ("true", 1, 1),
        ("length(note) > 3", 0, 1),
        ("c < 50000 AND length(note) > 3", 0, 0.5),
        ("c % 2 = 0", 0, 1),
        ("missing = 3", 0, 1),
    ],
)
def test_a_condition_finds_the_share_that_statistics_tell(condition: str, low: float, high: float) -> None:
    where = nodes.parse(f"SELECT FROM big WHERE {condition}")[0].where_clause
    assert share(where, TABLE, "big") == pytest.approx((low, high), abs=1e-9)


def test_the_more_rows_the_longer() -> None:
    all_rows, half, one = (ms(f"UPDATE big SET note = 'x' WHERE {where}") for where in ("true", "c < 50000", "id = 5"))
    assert all_rows > 100
    assert all_rows * 0.4 < half < all_rows * 0.7
    assert one < 20
    assert ms("DELETE FROM big") < all_rows


def test_what_hangs_on_rows_is_counted_for_each() -> None:
    plain = ms("DELETE FROM big")
    key = ForeignKey("part_big", PART, ("big_id",), BIG, ("id",), on_delete="c")
    part = Relation(PART, "r", {"big_id": Column("big_id", "int8")}, foreign_keys=(key,), bytes=10**6, rows=10_000)
    indexed = Relation(**{**vars(part), "indexes": (Index(Name("public", "i"), frozenset({"big_id"}), ("big_id",)),)})
    assert plain * 5 < ms("DELETE FROM big", facts=(TABLE, indexed)) < ms("DELETE FROM big", facts=(TABLE, part)) / 50
    three = tuple(Index(Name("public", f"i{n}"), frozenset({"c"}), ("c",)) for n in range(3))
    more = Relation(**{**vars(TABLE), "indexes": three})
    bare = Relation(**{**vars(TABLE), "indexes": ()})
    assert ms("UPDATE big SET note = ''", facts=(more,)) > 1.5 * ms("UPDATE big SET note = ''", facts=(bare,))


def test_a_trigger_for_each_row_counts_with_what_it_does() -> None:
    body = (
        "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO log VALUES (1); RETURN NULL; END'"
    )
    log = Relation(LOG, "r", {"id": Column("id", "int8")}, bytes=8192, rows=10)

    def update(*triggers: Trigger) -> int:
        fired = Relation(**{**vars(TABLE), "triggers": triggers})
        return ms(body, "UPDATE big SET c = 1", facts=(fired, log))

    row, statement = (Trigger("t", Name("public", "f"), kind | 16) for kind in (1, 0))
    assert update(row) > update(statement) * 1.5
    assert update(statement) < update() * 1.1


def test_rows_follow_queries_into_other_tables() -> None:
    log = Relation(LOG, "r", {"id": Column("id", "int8")}, bytes=8192, rows=10)
    both = (TABLE, log)
    whole = ms("INSERT INTO log SELECT id FROM big", facts=both)
    assert whole > 3 * ms("INSERT INTO log SELECT id FROM big WHERE c < 10000", facts=both)
    assert ms("INSERT INTO log SELECT id FROM big LIMIT 10", facts=both) < whole / 3
    assert ms("INSERT INTO log VALUES (1), (2)", facts=both) < 20
    assert ms("INSERT INTO log SELECT g FROM generate_series(1, 1000000) g", facts=both) > 5 * whole
    assert ms("WITH x AS (SELECT id FROM big) INSERT INTO log SELECT id FROM x", facts=both) > whole / 2
    # what a script has made and filled itself is as large as what went into it
    grown = ms("CREATE TABLE made AS SELECT * FROM big", "CREATE INDEX ON made (c)")
    assert grown > 3 * ms("CREATE TABLE made AS SELECT * FROM big WHERE id = 1", "CREATE INDEX ON made (c)")


def test_joined_tables_find_what_the_key_has() -> None:
    pet = Relation(
        PET,
        "r",
        {"id": Column("id", "int8"), "big_id": Column("big_id", "int8")},
        bytes=ROWS * 40,
        rows=ROWS,
        spreads={"big_id": Spread(0.0, 1000, 8)},
    )
    joined = ms("UPDATE big SET c = 1 FROM pet WHERE pet.id = big.id", facts=(TABLE, pet))
    few = ms("UPDATE big SET c = 1 WHERE id IN (SELECT big_id FROM pet WHERE big_id < 0)", facts=(TABLE, pet))
    assert joined > 100
    assert few < joined


@pytest.mark.parametrize(
    "sql",
    [
        "DO $$ BEGIN LOOP UPDATE big SET c = 1 WHERE id = 3; EXIT WHEN NOT FOUND; END LOOP; END $$",
        "COPY big FROM STDIN",
        "SELECT pg_sleep(5)",
    ],
)
def test_what_cannot_be_counted_has_no_time_and_says_why(sql: str) -> None:
    (impact,) = told(sql)
    assert impact.estimated_ms is None
    assert any(note.startswith("how long it takes isn't known: ") for note in impact.notes)


def test_what_is_checked_for_each_row_takes_its_time() -> None:
    plain, called = (ms(f"ALTER TABLE big ADD CONSTRAINT k CHECK ({check})") for check in ("c > 0", "length(note) > 3"))
    assert called > plain * 1.5
    pet = Relation(
        PET, "r", {"id": Column("id", "int8"), "big_id": Column("big_id", "int8")}, bytes=4 * 10**6, rows=ROWS
    )
    key = ms("ALTER TABLE pet ADD FOREIGN KEY (big_id) REFERENCES big", facts=(TABLE, pet))
    assert key > ms("ALTER TABLE pet ADD CHECK (big_id > 0)", facts=(TABLE, pet)) + plain


def test_a_loop_counts_its_turns() -> None:
    def loop(turns: int) -> str:
        return f"DO $$ BEGIN FOR i IN 1..{turns} LOOP INSERT INTO big (id) VALUES (i); END LOOP; END $$"

    assert ms(loop(1_000_000)) > 5 * ms(loop(100_000)) > 10 * ms(loop(1_000))


def test_like_statements_with_other_constants_take_their_own_times() -> None:
    few, many = told("DELETE FROM big WHERE c < 100", "DELETE FROM big WHERE c < 100000")
    assert few.estimated_ms is not None
    assert many.estimated_ms is not None
    assert many.estimated_ms.high > few.estimated_ms.high


def test_a_table_that_was_never_analysed_has_no_time() -> None:
    unknown = Relation(**{**vars(TABLE), "rows": -1, "bytes": -1})
    (impact,) = told("UPDATE big SET c = 1", facts=(unknown,))
    assert impact.estimated_ms is None


def test_the_benchmark_tells_right_wrong_and_unknown_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    from pgmig_tui.impact.result import Estimate

    monkeypatch.syspath_prepend(str(BENCHMARKS))
    bench = import_module("time_accuracy")
    parts = bench.statements((BENCHMARKS / "corpus" / "times" / "statements.sql").read_text(encoding="utf-8"), 1000)
    assert {kind: len(parts[kind]) > 10 for kind in bench.KINDS} == dict.fromkeys(bench.KINDS, True)
    assert not any(":rows" in one for part in parts.values() for one in part)

    def timed(told: Estimate | None, took: float) -> Any:
        return bench.Timed("scan", "SELECT", 10, told, took)

    right, high, low = timed(Estimate(100, 900), 890), timed(Estimate(100, 900), 99), timed(Estimate(100, 900), 905)
    silent, wide, small = timed(None, 5), timed(Estimate(1, 9000), 50), timed(Estimate(0, 6), 1)
    assert [one.right for one in (right, high, low, silent, wide, small)] == [True, False, False, False, False, True]
    (score,) = bench.scores([right, high, low, silent, wide, small])
    assert (score.count, score.right, score.unknown, score.met) == (6, 2, 2, False)
    assert bench.scores([right] * 9 + [silent, right])[0].met
