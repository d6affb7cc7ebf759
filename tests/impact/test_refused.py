"""What the server certainly refuses is told before it runs, and what only looks like it is not."""

from __future__ import annotations

import pytest

from pgmig_tui.impact.facts import Column, DatabaseFacts, FunctionFact, Index, Name, Relation, replace
from pgmig_tui.impact.predict import predict_script
from tests.impact.statements import script


def _table(name: str, **columns: str) -> Relation:
    made = {column: Column(column, kind) for column, kind in columns.items()}
    return Relation(Name("public", name), "r", made)


T = replace(
    _table("t", id="int4", a="text", b="int8"),
    indexes=(
        Index(Name("public", "t_pkey"), frozenset({"id"}), ("id",), unique=True, primary=True, constraint="t_pkey"),
        Index(Name("public", "t_b"), frozenset({"b"}), ("b",), method="hash"),
        Index(Name("public", "t_some"), frozenset({"a", "b"}), ("a",), unique=True, whole=False),
    ),
)
U = _table("u", id="int4", c="text")
V = replace(_table("v", id="int4"), kind="v", reads=(T.name,))
COMPUTED = Column("made", "int4", generated="s")
W = replace(_table("w", id="int4"), columns={"id": Column("id", "int4"), "made": COMPUTED})
F = FunctionFact(Name("public", "f"), language="plpgsql", least=0, most=0, gives=Name("pg_catalog", "trigger"))
FACTS = DatabaseFacts({one.name: one for one in (T, U, V, W)}, functions={F.name: F})


def told(*texts: str) -> list[str]:
    """The problems of a script's statements, "" for none."""
    found = predict_script(script(*texts), FACTS).statements
    return ["" if one.problem is None else one.problem.message for one in found]


@pytest.mark.parametrize(
    ("query", "used", "free"),
    [
        ("SELECT * FROM t", "a", ""),
        ("SELECT 1, x.* FROM t x JOIN u ON x.id = u.id", "a", ""),
        ("SELECT u.*, x.id FROM t x JOIN u ON x.id = u.id", "id", "a"),
        ("SELECT * FROM (SELECT id FROM t) s", "id", "a"),
        ("SELECT t.id, u.c AS a FROM t, u ORDER BY u.id", "id", "b"),
        ("SELECT id FROM t UNION ALL SELECT * FROM (SELECT b AS id FROM t) s", "b", "a"),
        ("SELECT count(*) FROM t WHERE a > ''", "a", "b"),
        ("SELECT w.id FROM w WHERE EXISTS (SELECT * FROM t)", "b", ""),
    ],
)
def test_a_view_keeps_the_columns_that_it_takes_and_no_others(query: str, used: str, free: str) -> None:
    _, refused, allowed, _, dropped = told(
        f"CREATE VIEW n AS {query}",
        f"ALTER TABLE t DROP COLUMN {used}",
        f"ALTER TABLE t DROP COLUMN {free}" if free else "SELECT 1",
        "DROP VIEW n",
        f"ALTER TABLE t DROP COLUMN {used}",
    )
    assert "the view public.n depends on it" in refused
    assert (allowed, dropped) == ("", "")


def test_a_rule_keeps_what_it_writes_until_it_is_gone_or_another() -> None:
    rule = "CREATE OR REPLACE RULE r AS ON UPDATE TO t DO ALSO INSERT INTO {}"
    _, column, other, table, _, moved, kept, _, dropped = told(
        rule.format("u (id) VALUES (OLD.id)"),
        "ALTER TABLE u DROP COLUMN id",
        "ALTER TABLE u DROP COLUMN c",
        "DROP TABLE u",
        rule.format("w (id) VALUES (OLD.id)"),
        "ALTER TABLE u DROP COLUMN id",
        "DROP TABLE w",
        "DROP RULE r ON t",
        "DROP TABLE w",
    )
    assert "the rule r of public.t depends on it" in column
    assert "a rule of public.t depends on it" in table
    assert "a rule of public.t depends on it" in kept
    assert [other, moved, dropped] == [""] * 3


@pytest.mark.parametrize(
    ("refused", "allowed"),
    [
        ("REINDEX INDEX t", "REINDEX INDEX t_b"),
        ("REINDEX TABLE t_b", "REINDEX TABLE t"),
        ("REINDEX TABLE v", "REINDEX TABLE u"),
        ("LOCK TABLE t_b", "LOCK TABLE v"),
        ("CLUSTER t USING t_b", "CLUSTER t USING t_pkey"),
        ("ALTER TABLE t CLUSTER ON t_b", "ALTER TABLE t CLUSTER ON t_pkey"),
        ("CREATE STATISTICS s ON id, b FROM v", "CREATE STATISTICS s ON id, b FROM t"),
        ("COMMENT ON COLUMN t.c IS 'x'", "COMMENT ON COLUMN t.a IS 'x'"),
        ("COPY w (id, made) FROM STDIN", "COPY w (id) FROM STDIN"),
        ("ALTER TABLE t ALTER b SET STORAGE EXTERNAL", "ALTER TABLE t ALTER a SET STORAGE EXTERNAL"),
        ("ALTER TABLE t ALTER b SET STORAGE MAIN", "ALTER TABLE t ALTER b SET STORAGE PLAIN"),
        ("ALTER TABLE t ALTER CONSTRAINT t_pkey DEFERRABLE", "ALTER TABLE t DROP CONSTRAINT t_pkey"),
        (
            "ALTER TABLE w ADD z int GENERATED ALWAYS AS (made + 1) STORED",
            "ALTER TABLE w ADD z int GENERATED ALWAYS AS (id + 1) STORED",
        ),
        (
            "CREATE TRIGGER x AFTER INSERT OR DELETE ON t REFERENCING NEW TABLE AS n EXECUTE FUNCTION f()",
            "CREATE TRIGGER x AFTER INSERT OR DELETE ON v EXECUTE FUNCTION f()",
        ),
        ("INSERT INTO t VALUES (1) ON CONFLICT (b) DO NOTHING", "INSERT INTO t VALUES (1) ON CONFLICT (id) DO NOTHING"),
        (
            "INSERT INTO t VALUES (1) ON CONFLICT (a) DO NOTHING",
            "INSERT INTO t VALUES (1) ON CONFLICT (a) WHERE b > 1 DO NOTHING",
        ),
        ("INSERT INTO u VALUES (1) ON CONFLICT (id, c) DO NOTHING", "INSERT INTO u VALUES (1) ON CONFLICT DO NOTHING"),
    ],
)
def test_what_is_of_the_wrong_kind_is_refused(refused: str, allowed: str) -> None:
    assert told(refused) != [""]
    assert told(allowed) == [""]


def test_a_materialized_view_reads_nothing_temporary() -> None:
    problems = told(
        "CREATE TEMP TABLE own AS SELECT 1 AS id",
        "CREATE MATERIALIZED VIEW m AS SELECT t.id FROM t JOIN own USING (id) WITH NO DATA",
        "CREATE MATERIALIZED VIEW m AS SELECT id FROM t",
        "CREATE TEMP VIEW w2 AS SELECT id FROM own",
    )
    assert [bool(one) for one in problems] == [False, True, False, False]


def test_a_unique_index_that_the_script_makes_is_one_for_on_conflict() -> None:
    insert = "INSERT INTO {} (id) VALUES (1) ON CONFLICT (id) DO NOTHING"
    assert (
        told(
            "CREATE TABLE x (id int PRIMARY KEY, k int UNIQUE)",
            insert.format("x"),
            "INSERT INTO x (id, k) VALUES (1, 1) ON CONFLICT (k) DO UPDATE SET k = 2",
            "CREATE TABLE y (LIKE x INCLUDING ALL)",
            insert.format("y"),
            "CREATE TABLE p (id int PRIMARY KEY) PARTITION BY RANGE (id)",
            "CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (9)",
            insert.format("p"),
            insert.format("p1"),
            "CREATE UNIQUE INDEX ui ON u (id) INCLUDE (c)",
            insert.format("u"),
            "ALTER TABLE w ADD UNIQUE (id)",
            insert.format("w"),
            "CREATE TABLE z (id int, UNIQUE (id))",
            insert.format("z"),
            "CREATE TABLE q (id int)",
            "ALTER TABLE q ADD CONSTRAINT qk PRIMARY KEY (id)",
            insert.format("q"),
            "CREATE TABLE p2 (id int NOT NULL)",
            "ALTER TABLE p ATTACH PARTITION p2 FOR VALUES FROM (9) TO (19)",
            insert.format("p2"),
        )
        == [""] * 21
    )


def test_a_function_of_sqls_own_form_keeps_what_it_names() -> None:
    text = "CREATE OR REPLACE FUNCTION {}(k int) RETURNS bigint LANGUAGE sql "
    atomic = text + "RETURN (SELECT count(a) FROM t WHERE id = k)"
    _, column, other, table, _, replaced, _, again, _, dropped = told(
        atomic.format("g"),
        "ALTER TABLE t DROP COLUMN a",
        "ALTER TABLE t DROP COLUMN b",
        "DROP TABLE t",
        (text + "AS 'SELECT count(a) FROM t WHERE id = k'").format("g"),
        "ALTER TABLE t ADD COLUMN z int, DROP COLUMN z",
        atomic.format("g"),
        "DROP TABLE t",
        "DROP FUNCTION g",
        "DROP TABLE t",
    )
    assert "the function public.g(pg_catalog.int4) depends on it" in column
    assert "the function public.g(pg_catalog.int4) depends on it" in table
    assert "depends on it" in again
    assert [other, replaced, dropped] == [""] * 3
    text = "CREATE FUNCTION g(k int) RETURNS int LANGUAGE sql BEGIN ATOMIC WITH u AS (SELECT 1) SELECT k FROM u; END"
    assert told(text, "DROP TABLE u", "ALTER TABLE t DROP COLUMN a") == [""] * 3


def test_a_swapped_table_is_not_what_a_function_of_sqls_own_form_names() -> None:
    text = "CREATE FUNCTION g() RETURNS bigint LANGUAGE sql RETURN (SELECT count(c) FROM u)"
    problems = told(text, "ALTER TABLE u RENAME TO old", "CREATE TABLE u (id int)", "DROP TABLE u", "DROP TABLE old")
    assert [bool(one) for one in problems] == [False] * 4 + [True]


@pytest.mark.parametrize(
    "taken", ["DROP TABLE u CASCADE", "ALTER TABLE u DROP COLUMN c CASCADE", "DROP FUNCTION f CASCADE"]
)
def test_what_a_cascade_may_have_taken_along_is_in_nobodys_way(taken: str) -> None:
    text = "CREATE FUNCTION g() RETURNS bigint LANGUAGE sql RETURN (SELECT count(c) FROM u, w)"
    assert told(text, taken, "DROP TABLE w") == [""] * 3


def test_a_functions_parameters_keep_their_names() -> None:
    text = "CREATE OR REPLACE FUNCTION h({}) RETURNS int LANGUAGE sql AS 'SELECT 1'"
    problems = told(*(text.format(one) for one in ("a int, text", "a int, b text", "c int, b text", "a int", "int")))
    assert [bool(one) for one in problems] == [False, False, True, False, True]


def test_a_read_only_transaction_changes_nothing_but_temporary_tables() -> None:
    update, add = "UPDATE u SET id = 1", "ALTER TABLE u ADD COLUMN {} int"
    cases: tuple[tuple[str, bool], ...] = (
        ("CREATE TEMP TABLE own (id int)", False),
        ("BEGIN READ ONLY", False),
        ("INSERT INTO own VALUES (1)", False),
        ("EXPLAIN " + update, False),
        ("SELECT id FROM u", False),
        ("LOCK TABLE u", False),
        (update, True),
        ("DROP TABLE own", True),
        ("COMMIT", False),
        (update, False),
        ("BEGIN /* READ ONLY */", False),
        (update, False),
        ("SET TRANSACTION READ ONLY", False),
        (update, True),
        ("ROLLBACK", False),
        (update, False),
        ("SET default_transaction_read_only = on", False),
        (add.format("k"), True),
        (update, True),
        ("BEGIN", False),
        (update, True),
        ("ROLLBACK", False),
        ("BEGIN READ WRITE", False),
        (update, False),
        ("COMMIT", False),
        ("BEGIN", False),
        ("SET default_transaction_read_only = off", False),
        (update, True),
        ("COMMIT", False),
        ("ALTER TABLE u ADD COLUMN k int", False),
        (update, False),
        ("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY", False),
        (update, True),
        ("RESET default_transaction_read_only", False),
        (update, False),
        ("BEGIN", False),
        ("SET transaction_read_only = on", False),
        (update, True),
        ("COMMIT", False),
        ("BEGIN", False),
        (update, False),
        ("SAVEPOINT a", False),
        ("SET TRANSACTION READ ONLY", False),
        (update, True),
        ("ROLLBACK TO a", False),
        (update, False),
        ("COMMIT", False),
    )
    problems = told(*(text for text, _ in cases))
    assert [(text, bool(one)) for (text, _), one in zip(cases, problems, strict=True)] == list(cases)
