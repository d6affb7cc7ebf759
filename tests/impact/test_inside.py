"""What runs inside functions, triggers, DO and prepared statements; casts without a new table. From plain facts."""

from __future__ import annotations

import pytest

from pgmig_tui.impact.facts import Column, DatabaseFacts, ForeignKey, FunctionFact, Name, Relation, Trigger
from pgmig_tui.impact.folding import constant_text
from pgmig_tui.impact.modes import LockMode
from pgmig_tui.impact.names import names_in
from pgmig_tui.impact.predict import predict_script
from pgmig_tui.impact.shadow import Catalog
from pgmig_tui.script.shapes import shape_of
from tests.impact.statements import One, script

AE, RE, SUE = LockMode.ACCESS_EXCLUSIVE, LockMode.ROW_EXCLUSIVE, LockMode.SHARE_UPDATE_EXCLUSIVE
LOG, DOC = Name("app", "log"), Name("app", "doc")


def _function(name: str, body: str, *, returns: str = "void", parameters: str = "") -> FunctionFact:
    text = f"CREATE FUNCTION app.{name}({parameters}) RETURNS {returns} LANGUAGE plpgsql AS $$ {body} $$"
    return FunctionFact(Name("app", name), "v", "plpgsql", text)


def _facts(*functions: FunctionFact, triggers: tuple[Trigger, ...] = (), **columns: Column) -> DatabaseFacts:
    relations = [Relation(DOC, "r", columns=columns, triggers=triggers), Relation(LOG, "r")]
    return DatabaseFacts(
        {relation.name: relation for relation in relations},
        functions={function.name: function for function in functions},
        search_path=("app",),
        settings={"timezone": "UTC"},
    )


def _locks(sql: str, facts: DatabaseFacts) -> dict[str, tuple[LockMode, str]]:
    impact = predict_script([One(sql)], facts, wrapped=True).statements[0]
    return {lock.relation: (lock.mode, lock.certainty) for lock in impact.locks}


@pytest.mark.parametrize(
    ("expression", "sql"),
    [
        ("'DROP TABLE a'", "DROP TABLE a"),
        ("'DROP TABLE ' || 'a'", "DROP TABLE a"),
        ("'DROP TABLE ' || quote_ident('A b')", 'DROP TABLE "A b"'),
        (
            "format('ALTER TABLE %I ADD %s int DEFAULT %L', 'Odd', 'x', 'it''s')",
            "ALTER TABLE \"Odd\" ADD x int DEFAULT 'it''s'",
        ),
        ("format('LIKE %%')", "LIKE %"),
        ("concat('DROP', ' TABLE ', 'a')", "DROP TABLE a"),
        ("'DROP TABLE ' || somewhere", None),
        ("format('DROP TABLE %I', somewhere)", None),
        ("format('DROP TABLE %2$I, %1$I', 'a', 'b')", "DROP TABLE b, a"),
        ("not sql at all (", None),
    ],
)
def test_execute_of_literals_is_known_and_of_anything_else_is_not(expression: str, sql: str | None) -> None:
    assert constant_text(expression) == sql


def test_what_is_handed_to_a_function_reaches_its_execute() -> None:
    body = "BEGIN EXECUTE format('ALTER TABLE app.%I ADD COLUMN w int', which); END"
    facts = _facts(_function("widen", body, parameters="which text"))
    assert _locks("SELECT app.widen('doc')", facts) == {"doc": (AE, "likely")}
    unknown = predict_script([One("SELECT app.widen(current_user)")], facts, wrapped=True).statements[0]
    assert any("EXECUTE" in text for text in unknown.unknown)


def test_the_shape_of_a_call_keeps_its_arguments() -> None:
    assert shape_of("SELECT", "SELECT drop_it('doc')") is None
    assert shape_of("INSERT", "INSERT INTO t VALUES ('a', 1)") == "INSERT INTO t VALUES ('', 0)"


def test_a_trigger_does_what_its_function_does_only_when_it_fires() -> None:
    note = _function("note", "BEGIN INSERT INTO app.log VALUES (TG_OP); RETURN NEW; END", returns="trigger")
    after_insert = Trigger("t", note.name, 1 | 4)
    assert _locks("INSERT INTO doc VALUES (1)", _facts(note, triggers=(after_insert,)))["log"] == (RE, "likely")
    assert "log" not in _locks("DELETE FROM doc", _facts(note, triggers=(after_insert,)))
    disabled = Trigger("t", note.name, 1 | 4, "D")
    assert "log" not in _locks("INSERT INTO doc VALUES (1)", _facts(note, triggers=(disabled,)))
    of_column = Trigger("t", note.name, 1 | 16, columns=frozenset({"a"}))
    assert "log" in _locks("UPDATE doc SET a = 1", _facts(note, triggers=(of_column,)))
    assert "log" not in _locks("UPDATE doc SET b = 1", _facts(note, triggers=(of_column,)))


def test_a_block_that_catches_keeps_its_locks_unless_it_raises_itself() -> None:
    catching = "DO $$ BEGIN ALTER TABLE app.doc ADD z int; EXCEPTION WHEN duplicate_column THEN NULL; END $$"
    assert _locks(catching, _facts()) == {"doc": (AE, "likely")}
    raising = "DO $$ BEGIN ALTER TABLE app.doc ADD z int; RAISE EXCEPTION 'x'; EXCEPTION WHEN others THEN NULL; END $$"
    assert _locks(raising, _facts()) == {"doc": (AE, "possible")}


def test_execute_does_what_was_prepared_in_the_script() -> None:
    impact = predict_script(script("PREPARE p AS DELETE FROM doc", "EXECUTE p"), _facts(), wrapped=True)
    assert [(lock.relation, lock.mode) for lock in impact.statements[1].locks] == [("doc", RE)]
    alone = predict_script([One("EXECUTE q")], _facts(), wrapped=True).statements[0]
    assert alone.problem is not None
    assert alone.problem.message == "the prepared statement q does not exist (26000)"


@pytest.mark.parametrize(
    ("change", "rewritten"),
    [
        ("v TYPE text USING v::text", False),
        ("v TYPE text USING (v::varchar)::text", False),
        ("v TYPE text USING v::varchar(3)", True),
        ("v TYPE text USING lower(v)", True),
        ("n TYPE int USING n::int", False),
        ("n TYPE int USING n::bigint", True),
        ("n TYPE int USING v::int", True),
    ],
)
def test_casts_in_using_are_followed(change: str, rewritten: bool) -> None:
    facts = _facts(v=Column("v", "varchar", 14), n=Column("n", "int4"))
    impact = predict_script([One(f"ALTER TABLE doc ALTER {change}")], facts, wrapped=True).statements[0]
    assert bool(impact.rewrites) is rewritten


@pytest.mark.parametrize(
    ("body", "rewritten"),
    [
        ("SELECT 4", False),
        ("SELECT random()", True),
        ("SELECT max(id)::int FROM app.log", True),
        ("SELECT 1; SELECT 2", True),
    ],
)
def test_a_default_that_the_planner_inlines_is_judged_by_what_it_holds(body: str, rewritten: bool) -> None:
    fact = FunctionFact(Name("app", "f"), "v", "sql", body)
    impact = predict_script([One("ALTER TABLE doc ADD z int DEFAULT f()")], _facts(fact), wrapped=True).statements[0]
    assert bool(impact.rewrites) is rewritten


def test_names_are_asked_for_where_they_matter() -> None:
    names = names_in([One("DROP FUNCTION app.f(int) CASCADE"), One("EXECUTE p"), One("ANALYZE")])
    assert names.dropped == {"f"}
    assert names.prepared == {"p"}
    assert names.schemas == {"*"}
    assert Name("app", "doc") in names_in([One("SELECT widen('app.doc')")]).all
    assert names_in([One("INSERT INTO doc VALUES (1)")]).writes
    assert not names_in([One("ALTER TABLE doc ADD z int")]).runs


def test_a_partition_row_of_a_key_leads_to_the_whole_key() -> None:
    key = ForeignKey("k", DOC, ("a",), LOG, id=1)
    part = ForeignKey("k_1", Name("app", "doc_1"), ("a",), LOG, inherited=True, id=2, parent=1)
    tables = [Relation(DOC, "p", foreign_keys=(key,)), Relation(part.table, "r", foreign_keys=(part,))]
    catalog = Catalog(DatabaseFacts({table.name: table for table in tables}))
    assert catalog.root_key(part) is key
    assert catalog.root_key(key) is key


def test_of_several_functions_of_a_name_the_number_of_arguments_tells_which() -> None:
    impact = predict_script(
        script(
            "CREATE FUNCTION app.f(a int) RETURNS int LANGUAGE plpgsql AS $$ BEGIN DELETE FROM one; RETURN 1; END $$",
            "CREATE FUNCTION app.f(a int, b int DEFAULT 1, c int DEFAULT 1) RETURNS int LANGUAGE plpgsql STABLE"
            " AS $$ BEGIN LOCK TABLE two; RETURN 1; END $$",
            "SELECT app.f(1, 2)",
            "SELECT app.f(1)",
            "CREATE OR REPLACE FUNCTION app.f(a int) RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETURN 2; END $$",
            "SELECT app.f(1, 2, 3)",
        )
    )
    _, _, second, either, _, still = impact.statements
    assert [str(lock.name) for lock in second.locks] == ["public.two"]
    # Which one it is, the types of its arguments would tell.
    assert {(str(lock.name), lock.certainty) for lock in either.locks} == {
        ("public.one", "possible"),
        ("public.two", "possible"),
    }
    assert [str(lock.name) for lock in still.locks] == ["public.two"]


def test_what_a_block_undoes_is_not_carried_forward() -> None:
    undone = (
        "DO $$ BEGIN BEGIN ALTER TABLE doc ADD COLUMN z int; RAISE EXCEPTION 'x';"
        " EXCEPTION WHEN others THEN ALTER TABLE doc ADD COLUMN y int; END; END $$"
    )
    impact = predict_script(
        script(undone, "ALTER TABLE doc ADD COLUMN z int", "ALTER TABLE doc ADD COLUMN y int"), _facts()
    )
    block, again, present = impact.statements
    assert [lock.certainty for lock in block.locks] == ["likely"]  # the handler's; the block's own is undone
    assert again.problem is None
    assert present.problem is not None


def test_a_type_change_reads_what_references_the_column() -> None:
    impact = predict_script(
        script(
            "CREATE TABLE parent (id int PRIMARY KEY, v varchar(5) UNIQUE)",
            "CREATE TABLE child (id int REFERENCES parent, v varchar(5) REFERENCES parent (v))",
            "ALTER TABLE parent ALTER id TYPE bigint",
            "ALTER TABLE parent ALTER v TYPE varchar(9)",
        )
    )
    assert impact.statements[2].scans == ("public.child", "public.parent")
    assert impact.statements[3].scans == ()


def test_the_transition_tables_of_a_trigger_are_there_whatever_its_function_asks_for() -> None:
    counts = _function("counts", "BEGIN INSERT INTO app.log SELECT * FROM fresh; RETURN NULL; END", returns="trigger")
    facts = _facts(counts, triggers=(Trigger("t", counts.name, 4),))
    (impact,) = predict_script([One("INSERT INTO app.doc DEFAULT VALUES")], facts, wrapped=True).statements
    assert impact.problem is None
    assert {lock.relation for lock in impact.locks} == {"doc", "log"}


def test_after_a_rename_of_who_knows_what_nothing_is_certainly_missing() -> None:
    renames = "DO $$ DECLARE r record; BEGIN FOR r IN SELECT n FROM app.log LOOP {} END LOOP; END $$"
    for done, known in (
        ("EXECUTE format('ALTER TABLE app.%I RENAME TO %I', r.n, r.n || 's');", False),
        ("EXECUTE format('SELECT 1 FROM app.%I', r.n);", True),
    ):
        statements = predict_script(script(renames.format(done), "ALTER TABLE app.logs ADD x int"), _facts()).statements
        assert (statements[1].problem is not None) is known, done
