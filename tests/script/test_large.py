"""Scripts of megabytes: what reading one takes grows no faster than the script does, and memory not with its length."""

from __future__ import annotations

from functools import partial

import pytest

from pgmig_tui.impact.facts import Column, DatabaseFacts, Name, Relation
from pgmig_tui.impact.predict import predict_script
from pgmig_tui.script.actions import Outcome, Send, ServerFacts
from pgmig_tui.script.files import Allow
from pgmig_tui.script.preview import preview
from tests.effort import calls, peak
from tests.memory_files import MemoryFiles
from tests.script.reading import previewed, reader_of

EACH = (
    "ALTER TABLE {0} ADD COLUMN b int",
    "CREATE TABLE {0}_more (id int PRIMARY KEY, a int REFERENCES {0})",
    "CREATE FUNCTION {0}_f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "CREATE VIEW {0}_v AS SELECT * FROM {0}_more",
    "ALTER TABLE {0}_more RENAME TO old_name",
    "DROP TABLE app.old_name CASCADE",
)
"""Statements that go on with what those before them made."""
SERVER = ServerFacts(180000, encoding="UTF8")


def looked_at(script: bytes) -> None:
    """What a review does with a script, from its text alone."""
    view = preview("deploy/a.sql", script, MemoryFiles({}), {}, Allow(), SERVER, rows=True)
    predict_script(view.statements)


def carried_out(script: bytes) -> None:
    """What a run does with a script, but for the server."""
    reader = reader_of(script)
    while (action := reader.next()) is not None:
        assert isinstance(action, Send)
        reader.report(Outcome(True))
        if action.text.startswith("COPY"):
            for _ in reader.copy_rows():
                pass
        elif (row := reader.row_after(action)) is not None:
            for _ in row.statements():
                pass


def inserts(count: int) -> bytes:
    return b"".join(b"INSERT INTO app.t (a, b) VALUES (%d, 'it''s number %d');\n" % (n, n) for n in range(count))


def alters(count: int, table: str = "t") -> bytes:
    return "".join(f"ALTER TABLE app.{table}{n} ADD COLUMN c{n} int DEFAULT {n};\n" for n in range(count)).encode()


def copied(count: int) -> bytes:
    return b"COPY app.t FROM STDIN;\n" + b"".join(b"%d\tnumber %d\n" % (n, n) for n in range(count)) + b"\\.\n"


@pytest.fixture(scope="module", autouse=True)
def warm() -> None:
    """What is imported or kept at the first use counts for none."""
    looked_at(alters(1) + inserts(1) + copied(1))


def test_an_insert_of_a_long_row_costs_a_look_of_the_pattern_that_passes_over_it() -> None:
    more = calls(partial(looked_at, inserts(20_000))) - calls(partial(looked_at, inserts(4_000)))
    assert more < 16_000 * 4


def test_copied_rows_are_passed_over_in_large_pieces() -> None:
    rows = 100_000
    assert calls(partial(looked_at, copied(rows))) < rows / 20
    assert calls(partial(carried_out, copied(rows))) < rows / 20


def test_statements_that_differ_take_no_more_work_each_where_there_are_many() -> None:
    for act in (looked_at, carried_out):
        few = calls(partial(act, alters(50)))
        assert calls(partial(act, alters(500, "u"))) < few * 10.1


def test_a_statement_takes_no_more_work_in_a_large_catalog_that_a_long_script_changes() -> None:
    def took(count: int, prefix: str) -> int:
        names = [Name("app", f"{prefix}{n}") for n in range(count)]
        facts = DatabaseFacts({name: Relation(name, "r", {"a": Column("a", "int4")}) for name in names})
        parts = [each.format(name) for name in names for each in EACH]
        view = previewed(";\n".join(("BEGIN", *parts, "COMMIT")))
        return calls(lambda: predict_script(view.statements, facts))

    took(2, "v")
    assert took(200, "w") < took(20, "u") * 10.4


def test_a_run_holds_a_script_and_not_its_statements() -> None:
    for script in (inserts(20_000), copied(50_000), alters(3_000)):
        assert peak(partial(carried_out, script)) < 2 * len(script) + 500_000


def test_a_review_holds_little_more_than_a_script_of_alike_rows() -> None:
    for script in (inserts(20_000), copied(50_000), copied(600_000)):
        assert peak(partial(looked_at, script)) < min(3 * len(script), 5_000_000) + 500_000
