"""Scripts as a whole, from the text alone: transactions, what is new, what is not known, data loss, JSON."""

from __future__ import annotations

import json

import pytest

from pgmig_tui.database.forecast import ForecastScript, walk
from pgmig_tui.impact.facts import Column, DatabaseFacts, ForeignKey, FunctionFact, Index, Name, Relation, replace
from pgmig_tui.impact.modes import LockMode
from pgmig_tui.impact.names import names_of_text
from pgmig_tui.impact.predict import Catalog, predict_script, to_json
from pgmig_tui.impact.result import HeldLock, StatementImpact
from pgmig_tui.script.statement import Statement
from tests.impact.statements import One, script

AE, SUE, S, SRE, RE = (LockMode(number) for number in (8, 4, 5, 6, 3))


def one(sql: str, facts: DatabaseFacts | None = None) -> StatementImpact:
    return predict_script([One(sql)], facts).statements[0]


def locks(impact: StatementImpact) -> dict[str, str]:
    return {str(lock.name): lock.mode.name for lock in impact.locks}


def test_a_change_of_every_row_reads_what_is_below_the_table() -> None:
    top, part = Name("app", "top"), Name("app", "part")
    facts = DatabaseFacts({top: Relation(top, "p", children=(part,)), part: Relation(part, "r", parents=(top,))})
    assert [one(verb, facts).scans for verb in ("UPDATE app.top SET a = 1", "DELETE FROM app.top")] == [
        ("app.part",),
        ("app.part",),
    ]
    assert one("UPDATE ONLY app.top SET a = 1", facts).scans == ()
    assert one("UPDATE app.top SET a = 1 WHERE a = 2", facts).scans == ()


def test_every_mode_conflicts_as_documented() -> None:
    assert all((a in b.conflicts) == (b in a.conflicts) for a in LockMode for b in LockMode)
    assert [len(mode.conflicts) for mode in LockMode] == [1, 2, 4, 5, 5, 6, 7, 8]
    assert LockMode.from_pg_name("ShareRowExclusiveLock") is SRE
    assert AE.sql_name == "ACCESS EXCLUSIVE"


def test_a_stray_semicolon_does_nothing() -> None:
    impact = predict_script([Statement("a.sql", 1, 1, text) for text in ("", "SELECT 1", ";")]).statements
    assert [(one.problem, one.unknown, one.risk) for one in impact] == [(None, (), "none")] * 3


def test_transaction_control_that_cannot_be_read_is_said() -> None:
    (impact,) = predict_script([Statement("a.sql", 1, 1, "ROLLBACK TO")]).statements
    assert impact.problem is not None
    assert impact.risk == "high"


@pytest.mark.parametrize(
    "sql",
    [f"SELECT {'+'.join(['1'] * 50_000)}", f"SELECT 1{'::int' * 50_000}", " UNION ALL ".join(["SELECT 1"] * 90_000)],
    ids=["operators", "casts", "unions"],
)
def test_a_chain_that_would_overflow_the_parser_is_unknown(sql: str) -> None:
    deep, after = predict_script([Statement("a.sql", 1, 1, sql), Statement("a.sql", 2, 2, "DROP TABLE a")]).statements
    assert deep.unknown
    assert deep.risk == "high"
    assert locks(after) == {"public.a": "ACCESS_EXCLUSIVE"}


def test_many_values_are_no_chain() -> None:
    sql = "DELETE FROM app.a WHERE x IN (" + ", ".join(f"({n} - 1)" for n in range(9_000)) + ")"
    (impact,) = predict_script([Statement("a.sql", 1, 1, sql)]).statements
    assert impact.unknown == ()
    assert locks(impact) == {"app.a": "ROW_EXCLUSIVE"}


def test_a_lock_is_held_until_commit_and_the_strongest_counts() -> None:
    impact = predict_script(
        script(
            "BEGIN",
            "COMMENT ON TABLE app.a IS 'x'",
            "ALTER TABLE app.a ADD COLUMN z int",
            "CREATE INDEX ON app.b (x)",
            "COMMIT",
            "TRUNCATE app.c",
        )
    )
    assert impact.cumulative == (
        HeldLock("app", "a", SUE, 2, 5),
        HeldLock("app", "a", AE, 3, 5),
        HeldLock("app", "b", S, 4, 5),
        HeldLock("app", "c", AE, 6, 6),
    )
    assert [one.held_until_line for one in impact.statements] == [1, 5, 5, 5, 5, 6]
    assert not impact.transactional


def test_rollback_to_gives_back_what_came_after_the_savepoint() -> None:
    impact = predict_script(
        script(
            "BEGIN",
            "ALTER TABLE a ADD COLUMN z int",
            "SAVEPOINT s",
            "ALTER TABLE b ADD COLUMN z int",
            "ROLLBACK TO s",
            "ALTER TABLE c ADD COLUMN z int",
            "COMMIT",
        )
    )
    assert [(h.relation, h.from_line, h.to_line) for h in impact.cumulative] == [("a", 2, 7), ("b", 4, 5), ("c", 6, 7)]
    assert impact.transactional


def test_a_table_made_by_the_script_is_nobody_elses_problem() -> None:
    impact = predict_script(
        script(
            "BEGIN",
            "CREATE TABLE app.t (id int PRIMARY KEY)",
            "CREATE INDEX ON app.t (id)",
            "DROP TABLE app.t",
            "COMMIT",
        )
    )
    assert impact.cumulative == ()
    assert impact.risk == "none"
    assert impact.data_loss.loss_class == 0
    assert impact.statements[2].locks[0].new


def test_a_rolled_back_table_is_not_there() -> None:
    impact = predict_script(
        script("BEGIN", "CREATE TABLE app.t (id int)", "ROLLBACK", "ALTER TABLE app.t ADD COLUMN z int"),
        DatabaseFacts(),
    )
    assert impact.statements[3].problem is not None


def test_a_statement_that_cannot_be_read_is_never_silent() -> None:
    impact = one("ALTER TABEL x ADD y int")
    assert impact.kind == "UNPARSED"
    assert impact.risk == "high"
    assert impact.problem is not None
    assert impact.problem.line == 1
    assert impact.problem.column > 1


@pytest.mark.parametrize(
    "before", [ForecastScript("a.sql", [One("CREATE GARBAGE")]), ForecastScript("a.sql", [], missing=True)]
)
def test_after_a_script_that_nobody_can_read_nothing_is_certainly_missing(before: ForecastScript) -> None:
    drop = [Statement("b.sql", 1, 1, "DROP TABLE t")]
    catalog = Catalog(DatabaseFacts(search_path=("public",)))
    (alone,) = walk([ForecastScript("b.sql", drop)], catalog, 180000)
    assert alone.statements[0].problem is not None
    _, found = walk([before, ForecastScript("b.sql", drop)], Catalog(DatabaseFacts(search_path=("public",))), 180000)
    assert found.statements[0].problem is None
    assert found.statements[0].unknown


def test_branches_variables_and_gexec_are_said() -> None:
    maybe = predict_script([One("ALTER TABLE a ADD COLUMN z int", possible=True)]).statements[0]
    assert [lock.certainty for lock in maybe.locks] == ["possible"]
    made = predict_script([One("SELECT 'DROP TABLE x'", then="gexec")]).statements[0]
    assert made.risk == "high"
    assert any("gexec" in text for text in made.unknown)
    open_one = predict_script([One("DROP TABLE _t", variables=("t",))]).statements[0]
    assert any(":t" in text for text in open_one.unknown)


def test_inside_do_static_sql_is_read_and_dynamic_sql_is_said() -> None:
    impact = one(
        "DO $$ BEGIN IF now() > '1999-01-01' THEN DROP TABLE app.t; END IF; EXECUTE 'DROP TABLE ' || user; END $$"
    )
    assert [(lock.relation, lock.mode, lock.certainty) for lock in impact.locks] == [("t", AE, "possible")]
    assert any("EXECUTE" in text for text in impact.unknown)
    assert impact.data_loss.loss_class == 4
    assert one("DO $$ BEGIN EXECUTE 'DROP TABLE app.t'; END $$").locks[0].relation == "t"


def test_a_function_without_a_body_does_not_end_the_process() -> None:
    assert one("CREATE FUNCTION f() RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT 1; END").problem is None
    assert one("DO LANGUAGE plpgsql").unknown != ()


@pytest.mark.parametrize(
    ("sql", "loss"),
    [
        ("DROP INDEX i", 0),
        ("REVOKE SELECT ON t FROM PUBLIC", 1),
        ("DROP MATERIALIZED VIEW m", 2),
        ("ALTER TABLE t DROP COLUMN c", 3),
        ("DROP TABLE t", 4),
        ("TRUNCATE t", 4),
        ("DELETE FROM t", 4),
        ("DROP DATABASE d", 5),
    ],
)
def test_a_statement_has_the_class_of_what_it_loses(sql: str, loss: int) -> None:
    assert one(sql).data_loss.loss_class == loss


def test_advice_is_sql_for_this_very_statement() -> None:
    def safer(sql: str) -> str:
        return one(sql).advice[0].safer_sql

    assert safer("CREATE UNIQUE INDEX i ON app.t (a)") == "CREATE UNIQUE INDEX CONCURRENTLY i ON app.t USING btree (a);"
    assert "ADD CONSTRAINT k FOREIGN KEY (x) REFERENCES app.r (id) NOT VALID;" in safer(
        "ALTER TABLE app.t ADD CONSTRAINT k FOREIGN KEY (x) REFERENCES app.r (id)"
    )
    assert 'CHECK ("Name" IS NOT NULL) NOT VALID' in safer('ALTER TABLE app.t ALTER COLUMN "Name" SET NOT NULL')


def test_both_ends_of_a_foreign_key_from_the_text_alone() -> None:
    assert locks(one("ALTER TABLE a ADD FOREIGN KEY (x) REFERENCES b NOT VALID")) == {
        "public.a": "SHARE_ROW_EXCLUSIVE",
        "public.b": "SHARE_ROW_EXCLUSIVE",
    }


def test_facts_find_the_other_end() -> None:
    key = ForeignKey("k", Name("public", "a"), ("x",), Name("public", "b"), ("id",))
    a = Relation(Name("public", "a"), "r", {"x": Column("x", "int4")}, foreign_keys=(key,))
    b = Relation(Name("public", "b"), "r", {"id": Column("id", "int4")})
    facts = DatabaseFacts({a.name: a, b.name: b})
    assert locks(one("DROP TABLE a", facts)) == {"public.a": "ACCESS_EXCLUSIVE", "public.b": "ACCESS_EXCLUSIVE"}
    assert one("DROP TABLE nowhere", facts).problem is not None
    assert one("DROP TABLE IF EXISTS nowhere", facts).locks == ()


def test_concurrently_inside_a_transaction_is_refused_before_it_runs() -> None:
    impact = predict_script(script("BEGIN", "CREATE INDEX CONCURRENTLY i ON t (a)", "COMMIT"))
    assert impact.statements[1].problem is not None
    assert impact.risk == "high"


def test_a_statement_of_a_later_version_keeps_its_certainty() -> None:
    assert predict_script(script("GRANT SELECT ON t TO x"), None, 170000).statements[0].locks == ()
    assert len(predict_script(script("GRANT SELECT ON t TO x"), None, 180000).statements[0].locks) == 1


def test_json_has_the_shape_that_others_depend_on() -> None:
    document = to_json(predict_script(script("ALTER TABLE app.t ADD COLUMN z int")), "change")
    read = json.loads(json.dumps(document))
    assert read == document
    statement = read["statements"][0]
    assert statement["locks"][0]["mode"] == "AccessExclusiveLock"
    assert statement["blocks"] == {"reads": True, "writes": True, "ddl": True}
    assert statement["data_loss"] == {"class": 0, "what": []}
    assert set(read["cumulative"][0]) == {"schema", "relation", "mode", "from_line", "to_line"}


def test_many_like_inserts_are_looked_at_once() -> None:
    inserts = [One(f"INSERT INTO t (a, b) VALUES ({n}, 'x''{n}')", n, n) for n in range(1, 5001)]
    impact = predict_script(inserts, wrapped=True)
    assert impact.cumulative == (HeldLock("public", "t", RE, 1, 5000),)
    assert len(impact.statements) == 5000


def test_what_a_change_makes_is_everybodys_in_the_next() -> None:
    catalog = Catalog(None)
    first = script(
        "SET search_path = app",
        "CREATE TABLE t (a int)",
        "CREATE TEMP TABLE w (a int)",
        "CREATE INDEX i ON t (a)",
        "CREATE TABLE big AS SELECT * FROM other",
    )
    impact = predict_script(first, wrapped=True, catalog=catalog)
    assert all(lock.new for lock in impact.statements[3].locks)
    catalog.settle()
    second = script(
        "CREATE INDEX j ON app.t (a)",
        "CREATE INDEX k ON app.big (a)",
        "ALTER TABLE app.t ALTER a TYPE int8",
        "SELECT * FROM w",
        "DROP INDEX app.i",
        "ALTER TABLE app.t DROP COLUMN nothing",
    )
    small, large, rewritten, temporary, dropped, absent = predict_script(second, catalog=catalog).statements
    assert locks(small) == {"app.t": "SHARE"}
    assert (small.blocks.writes, small.locks[0].new, small.risk) == (True, False, "medium")
    assert large.risk == "high"  # it was filled by a query: nobody knows how large it is
    assert rewritten.rewrites == ("app.t",)
    assert locks(temporary) == {"public.w": "ACCESS_SHARE"}
    assert locks(dropped) == {"app.t": "ACCESS_EXCLUSIVE", "app.i": "ACCESS_EXCLUSIVE"}
    assert not dropped.locks[0].new
    assert absent.problem is not None


def test_a_default_partition_keeps_its_place_when_it_is_renamed() -> None:
    impact = predict_script(
        script(
            "CREATE TABLE p (a int) PARTITION BY LIST (a)",
            "CREATE TABLE rest PARTITION OF p DEFAULT",
            "ALTER TABLE rest RENAME TO others",
            "CREATE TABLE one PARTITION OF p FOR VALUES IN (1)",
        )
    )
    assert "public.others" in locks(impact.statements[-1])


def test_a_name_that_only_a_variable_knows_is_never_told_as_a_relation() -> None:
    for facts in (None, DatabaseFacts()):
        impact = predict_script([One("DROP TABLE _t", variables=("t",))], facts).statements[0]
        assert impact.problem is None
        assert "the value of :t" in impact.unknown
        assert [(lock.relation, lock.certainty) for lock in impact.locks] == (
            [(":t", "possible")] if facts is None else []
        )
        assert "_t" not in " ".join((*impact.data_loss.what, *impact.unknown, *impact.breaks))


@pytest.mark.parametrize(
    "call",
    [
        "pg_catalog.pg_restore_relation_stats('version', 180000, 'schemaname', 'app', 'relname', 't', 'relpages', 10)",
        "pg_restore_attribute_stats('schemaname', 'app', 'relname', 't', 'attname', 'id', 'inherited', false)",
        "pg_clear_relation_stats('app', 't')",
        "pg_clear_attribute_stats('app', 't', 'id', false)",
    ],
)
def test_statistics_that_are_written_lock_their_table(call: str) -> None:
    table = Relation(Name("app", "t"), "r", {"id": Column("id", "int4")})
    facts = DatabaseFacts({table.name: table})
    assert locks(one(f"SELECT {call}", facts)) == {"app.t": "SHARE_UPDATE_EXCLUSIVE"}
    assert Name("app", "t") in names_of_text(f"SELECT {call}").all
    unsure = one(f"SELECT {call}".replace("'t'", "lower('T')"), facts)
    assert unsure.unknown or unsure.locks


def test_sql_that_crosstab_is_given_is_followed() -> None:
    table = Relation(Name("app", "t"), "r", {"id": Column("id", "int4")})
    own = FunctionFact(Name("public", "crosstab"), "s", "c", "crosstab", least=1, most=1, extension="tablefunc")
    facts = DatabaseFacts({table.name: table}, functions={own.name: own})
    call = "SELECT * FROM crosstab('SELECT id, id, id FROM app.t') AS c(a int, b int)"
    assert locks(one(call, facts)) == {"app.t": "ACCESS_SHARE"}
    assert one(call, facts).unknown == ()
    assert one(call.replace("'SELECT id, id, id FROM app.t'", "current_setting('x')"), facts).unknown == ()


@pytest.mark.parametrize(
    ("changes", "refused"),
    [
        ({"unique": True}, False),
        ({"unique": False}, True),
        ({"unique": True, "whole": False}, True),
        ({"unique": True, "valid": False}, True),
        (None, True),
    ],
)
def test_refreshing_concurrently_needs_a_unique_index(changes: dict[str, bool] | None, refused: bool) -> None:
    index = Index(Name("app", "i"), frozenset({"id"}), ("id",))
    indexes = () if changes is None else (replace(index, **changes),)
    view = Relation(Name("app", "v"), "m", {"id": Column("id", "int4")}, indexes=indexes)
    told = one("REFRESH MATERIALIZED VIEW CONCURRENTLY app.v", DatabaseFacts({view.name: view}))
    assert (told.problem is not None) == refused
    assert one("REFRESH MATERIALIZED VIEW app.v", DatabaseFacts({view.name: view})).problem is None
    empty = replace(view, populated=False)
    assert one("REFRESH MATERIALIZED VIEW CONCURRENTLY app.v", DatabaseFacts({view.name: empty})).problem is not None


def test_what_fails_only_by_what_the_script_did_before_may_destroy_it_where_that_failed() -> None:
    columns = {name: Column(name, "int4") for name in ("id", "n", "v")}
    sequence = Relation(Name("public", "s"), "S")
    facts = DatabaseFacts(
        {name: Relation(name, "r", columns) for name in (Name("public", "t"), Name("public", "u"))}
        | {sequence.name: sequence}
    )
    told = predict_script(
        script(
            "ALTER TABLE t DROP COLUMN v",
            "ALTER TABLE t DROP COLUMN v",
            "ALTER TABLE t RENAME TO w",
            "ALTER TABLE w DROP COLUMN id",
            "ALTER TABLE w DROP COLUMN id",
            "DROP TABLE w",
            "DELETE FROM w",
            "TRUNCATE w",
            "DROP TABLE w",
            "DROP TABLE never_there",
            "DROP SEQUENCE s",
            "DROP SEQUENCE s CASCADE",
            "DROP TABLE u",
            "DROP TABLE IF EXISTS u",
            "DO $$ BEGIN EXECUTE current_setting('app.sql'); END $$",
            "DROP TABLE IF EXISTS u",
        ),
        facts,
    ).statements
    again = [told[position] for position in (1, 4, 6, 7, 8, 11)]
    assert [(bool(impact.problem), impact.data_loss.final) for impact in again] == [(True, True)] * len(again)
    assert {impact.data_loss.word for impact in again} == {"MAY LOSE"}
    assert {lock.certainty for lock in told[6].locks} == {"possible"}
    assert [told[position].data_loss.word for position in (0, 3, 5, 10)] == ["LOSES"] * 4
    assert told[9].problem
    assert not told[9].data_loss.final
    # what IF EXISTS passes over is so for certain, until code runs that nobody can read
    assert not told[13].data_loss.final
    assert told[13].problem is None
    assert told[15].data_loss.final
    assert told[15].data_loss.word == "MAY LOSE"


def test_the_alias_that_rows_are_locked_of_is_no_relation() -> None:
    facts = DatabaseFacts(
        {name: Relation(name, "r", {"id": Column("id", "int4")}) for name in (Name("public", "t"), Name("public", "u"))}
    )
    told = one("SELECT a.id FROM t a JOIN u b USING (id) FOR SHARE OF b NOWAIT", facts)
    assert told.problem is None
    assert locks(told) == {"public.t": "ACCESS_SHARE", "public.u": "ROW_SHARE"}


@pytest.mark.parametrize(
    "sql",
    [
        "DROP INDEX IF EXISTS app.i; CREATE INDEX i ON app.t (a); ALTER INDEX app.i RENAME TO j",
        "DROP INDEX CONCURRENTLY app.i; CREATE UNIQUE INDEX CONCURRENTLY i ON app.t (a); DROP INDEX app.i",
        "DROP INDEX app.i; ALTER INDEX app.j RENAME TO i; DROP INDEX app.i",
    ],
)
def test_an_index_that_comes_again_is_there(sql: str) -> None:
    """Also on a table of which nothing is known."""
    statements = [One(text) for text in sql.split("; ")]
    assert [one.problem for one in predict_script(statements).statements] == [None] * 3
