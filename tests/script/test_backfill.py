"""What a script declares for batches, and where the range of a batch goes in its statement."""

from __future__ import annotations

import pytest

from pgmig_tui.errors import ProjectError
from pgmig_tui.script.actions import ServerFacts
from pgmig_tui.script.backfill import Batched, batched_script, declarations, from_command, names
from pgmig_tui.script.files import Allow, FileSource
from pgmig_tui.script.preview import preview


class NoFiles(FileSource):
    def read(self, path: str, *, relative_to: str | None, line: int) -> tuple[str, bytes]:
        raise AssertionError(path)

    def resolve(self, path: str, *, relative_to: str | None, line: int) -> str:
        return path


def script(text: str) -> Batched:
    data = text.encode()
    view = preview("deploy/x.sql", data, NoFiles(), {"schema": "app"}, Allow(), ServerFacts(180000))
    return batched_script("deploy/x.sql", data, view)


def statement(sql: str, table: str = "public.t", key: tuple[str, ...] = ("id",)) -> Batched:
    return from_command(sql, table, key, 0, "")


def flat(sql: str) -> str:
    return " ".join(sql.split())


def test_a_declaration_is_read_with_all_it_says() -> None:
    said = 'table=public."My T" key=a,b batch=1_000 left="c = ""d"" OR e = \'x y\'"'
    (found,) = declarations("x.sql", f"-- one\n  --  pgmig: backfill {said}\nUPDATE x".encode())
    assert found.relation == ("public", "My T")
    assert found.columns == ("a", "b")
    assert (found.batch, found.line) == (1000, 2)
    assert found.left == "c = \"d\" OR e = 'x y'"


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("key=id", "it doesn't say table="),
        ("table=t", "it doesn't say key="),
        ("table=t key=id batch=many", "batch=many is not a number"),
        ("table=t key=id colour=red", "'colour=red' is not understood"),
        ("table = t key=id", "'table' is not understood"),
    ],
)
def test_a_declaration_that_says_something_else_names_its_line(said: str, why: str) -> None:
    with pytest.raises(ProjectError, match=r"x\.sql:2: ") as error:
        declarations("x.sql", f"\n-- pgmig: backfill {said}\n".encode())
    assert why in error.value.what


def test_names_are_folded_as_the_server_does() -> None:
    assert names('Public."My.T"""') == ("public", 'My.T"')


def test_the_statement_below_the_declaration_is_taken_with_the_settings_before_it() -> None:
    found = script(
        "BEGIN;\nSET LOCAL search_path TO :schema;\nCREATE TABLE app.other ();\n"
        "-- pgmig: backfill table=t key=id\n-- and why\nUPDATE t SET n = n + 1;\nCOMMIT;\n"
    )
    assert found.text.endswith("UPDATE t SET n = n + 1")
    assert found.settings == ("SET search_path TO app",)
    assert found.notes == ("deploy/x.sql:3: CREATE TABLE is not part of the backfill; a deploy runs it",)


def test_a_script_declares_one_statement() -> None:
    one = "-- pgmig: backfill table=t key=id\nUPDATE t SET n = 1;\n"
    with pytest.raises(ProjectError, match="declares 2 statements"):
        script(one + one)
    with pytest.raises(ProjectError, match="declares no statement"):
        script("UPDATE t SET n = 1;\n")
    with pytest.raises(ProjectError, match="no statement follows"):
        script("UPDATE t SET n = 1;\n-- pgmig: backfill table=t key=id\n")


@pytest.mark.parametrize(
    ("sql", "batch"),
    [
        ("UPDATE public.t SET n = 1", "UPDATE public.t SET n = 1 WHERE (R)"),
        ("UPDATE t SET n = 1 WHERE a OR b;", "UPDATE t SET n = 1 WHERE (R) AND ( a OR b )"),
        ("UPDATE t SET n = 1 WHERE a -- end", "UPDATE t SET n = 1 WHERE (R) AND ( a -- end )"),
        ("UPDATE t SET n = 1 RETURNING id", "UPDATE t SET n = 1 WHERE (R) RETURNING id"),
        ("DELETE FROM t WHERE a RETURNING (SELECT 1 WHERE true)",
         "DELETE FROM t WHERE (R) AND ( a ) RETURNING (SELECT 1 WHERE true)"),
        ("WITH w AS (SELECT 1 WHERE true) UPDATE t SET n = (SELECT 1 WHERE 0) FROM w WHERE 'WHERE' = 'é'",
         "WITH w AS (SELECT 1 WHERE true) UPDATE t SET n = (SELECT 1 WHERE 0) FROM w WHERE (R) AND ( 'WHERE' = 'é' )"),
        ("INSERT INTO u SELECT * FROM t WHERE a /* pgmig: range */ ON CONFLICT DO NOTHING",
         "INSERT INTO u SELECT * FROM t WHERE a AND (R) ON CONFLICT DO NOTHING"),
        ("UPDATE u SET n = 1 FROM t WHERE u.t = t.id /*pgmig:range*/",
         "UPDATE u SET n = 1 FROM t WHERE u.t = t.id AND (R)"),
    ],
)  # fmt: skip
def test_the_range_of_a_batch_goes_into_the_condition_of_its_statement(sql: str, batch: str) -> None:
    assert flat(statement(sql).sql("R")) == batch


@pytest.mark.parametrize(
    ("sql", "alias"),
    [
        ("UPDATE t SET n = 1", "t"),
        ("UPDATE public.t AS x SET n = 1 FROM u JOIN v ON true", "x"),
        ("DELETE FROM u USING t y WHERE u.id = y.id", "y"),
        ("INSERT INTO t SELECT * FROM u LEFT JOIN public.t z ON true WHERE true /* pgmig: range */", "z"),
        (
            "WITH b AS (SELECT id FROM t WHERE true /* pgmig: range */) UPDATE t q SET n = 1 FROM b WHERE q.id = b.id",
            "t",
        ),
    ],
)
def test_what_the_table_is_called_there(sql: str, alias: str) -> None:
    assert statement(sql).alias == alias


@pytest.mark.parametrize(
    ("sql", "why"),
    [
        ("UPDATE t SET n = 1 WHERE a OR b /* pgmig: range */", "doesn't restrict the statement there"),
        ("UPDATE t SET n = 1 WHERE NOT (a /* pgmig: range */)", "doesn't restrict the statement there"),
        ("UPDATE t SET n = 1 /* pgmig: range */", "doesn't restrict the statement there"),
        ("INSERT INTO u SELECT * FROM t", "has to be said"),
        ("INSERT INTO u SELECT * FROM t WHERE true /* pgmig: range */ LIMIT 5", "LIMIT and OFFSET"),
        ("UPDATE t SET n = 1 WHERE true /* pgmig: range */ /* pgmig: range */", "stands there 2 times"),
        ("UPDATE t SET id = id + 1", "changes id, a column of its own key"),
        ("UPDATE u SET n = 1", "isn't read where the range"),
        ("UPDATE other.t SET n = 1", "isn't read where the range"),
        ("UPDATE t SET n = 1 FROM t AS t2", "is read 2 times"),
        ("TRUNCATE t", "only one UPDATE, DELETE or INSERT"),
        ("UPDATE t SET n = 1; UPDATE t SET n = 2", "only one UPDATE, DELETE or INSERT"),
        ("UPDATE t SETT n = 1", "can't be read"),
    ],
)
def test_what_can_not_be_right_is_refused(sql: str, why: str) -> None:
    with pytest.raises(ProjectError) as error:
        statement(sql)
    assert why in error.value.what
    assert error.value.now == "Nothing was changed."


def test_variables_without_a_value_are_named() -> None:
    with pytest.raises(ProjectError, match="variables without a value: nobody"):
        script("-- pgmig: backfill table=t key=id\nUPDATE t SET n = :nobody;\n")


def test_groups_are_told_to_count_within_a_batch() -> None:
    found = statement("INSERT INTO u SELECT a, count(*) FROM t WHERE true /* pgmig: range */ GROUP BY a")
    assert "within each batch" in found.notes[0]
