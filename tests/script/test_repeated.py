"""Rows of alike statements are told as one, and what is told is what reading each of them tells."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pgmig_tui.impact.predict import predict_script
from pgmig_tui.script.actions import ServerFacts
from pgmig_tui.script.files import Allow
from pgmig_tui.script.preview import Preview, preview
from pgmig_tui.script.repeated import FEWEST
from pgmig_tui.script.shapes import shape_of
from tests.memory_files import MemoryFiles
from tests.script.reading import previewed


def told(script: str, *, rows: bool = True, encoding: str = "UTF8") -> Preview:
    server = ServerFacts(180000, encoding=encoding)
    return preview("deploy/a.sql", script.encode(), MemoryFiles({}), {}, Allow(), server, rows=rows)


MANY = 3 * FEWEST


def inserts(values: list[str], line: str = "INSERT INTO s.t (a, b) VALUES ({});\n") -> str:
    return "".join(line.format(one) for one in values)


def test_many_alike_are_one_with_all_their_lines() -> None:
    script = "BEGIN;\n" + inserts([f"{n}, 'it''s ; {n}'" for n in range(MANY)]) + "COMMIT;\n"
    view = told(script)
    assert sum(one.times for one in view.statements) == MANY + 2
    many = next(one for one in view.statements if one.times > 1)
    before = many.line - 1
    assert (many.end_line, many.times) == (MANY + 1, MANY + 1 - before)
    assert script.encode()[many.end :] == b"COMMIT;\n"
    end = view.statements[-1]
    assert (end.text, end.line, script[end.start : end.start + 6]) == ("COMMIT", MANY + 2, "COMMIT")


def test_negative_numbers_nulls_and_line_breaks_are_alike() -> None:
    values = ["1, NULL", "-2.5, 'x'", "3,\n  true", "4, 'ü'"]
    view = told(inserts([values[n % 2] for n in range(MANY)]))
    assert len(view.statements) < 100
    view = told(inserts([f"{n},\n  'x'" for n in range(MANY)]))
    assert len(view.statements) < 100
    assert view.statements[-1].end_line == 2 * MANY


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("'2024-01-02 03:04:05'", "'x'"),
        (r"E'a\'b;\n'", r"E'\\'"),
        ("'$5 -- a /* b $$'", r"e'it''s'"),
        ("'regclass'", "NULL"),
    ],
)
def test_what_stands_in_a_string_keeps_nothing_from_being_alike(one: str, other: str) -> None:
    view = told(inserts([f"{n}, {one if n % 2 else other}" for n in range(MANY)]))
    assert len(view.statements) < 100
    assert sum(each.times for each in view.statements) == MANY
    shapes = {shape_of(each.kind, each.text) for each in view.statements}
    assert None not in shapes
    assert len(shapes) <= 2, "each constant is one, but NULL is a word"


@pytest.mark.parametrize(
    "line",
    [
        "INSERT INTO s.t VALUES ({}, touch());\n",
        "INSERT INTO s.t VALUES ({}, 'a\\nb');\n",
        "INSERT INTO s.t VALUES ({}, x::int:y);\n",
        "INSERT INTO s.t VALUES ({}, 'a' /* ' */, 'b');\n",
        "INSERT INTO s.t VALUES ({}, :x);\n",
        "INSERT INTO s.t VALUES ({}, $$a$$);\n",
        "INSERT INTO s.t VALUES ({}); -- why\n",
        "INSERT INTO s.t VALUES ({}); SELECT 1;\n",
        "SELECT drop_partition('p_{}');\n",
        "SELECT {} \\g\n",
        "DROP TABLE t{};\n",
        "UPDATE s.t SET a = {}::regclass;\n",
    ],
)
def test_what_may_do_something_else_each_time_is_read_each_time(line: str) -> None:
    script = "".join(line.format(n) for n in range(MANY))
    assert told(script).statements == told(script, rows=False).statements


def test_an_encoding_in_which_a_quote_may_be_half_of_a_character_is_read_character_by_character() -> None:
    script = inserts([str(n) for n in range(MANY)])
    assert all(one.times == 1 for one in told(script, encoding="SJIS").statements)


def test_fewer_are_told_one_by_one_and_the_row_ends_where_another_begins() -> None:
    assert all(one.times == 1 for one in told(inserts(["1"] * (FEWEST - 50))).statements)
    script = inserts(["1"] * MANY) + "INSERT INTO s.t (a, b) VALUES (1), (2);\n" + inserts(["1"] * 10)
    view = told(script)
    assert sum(one.times for one in view.statements) == MANY + 11
    assert view.statements[-11].text == "INSERT INTO s.t (a, b) VALUES (1), (2)"
    assert view.statements[-11].line == MANY + 1


def test_a_lone_g_sends_the_last_one_again() -> None:
    script = inserts([str(n) for n in range(MANY)]) + "\\g\n"
    assert told(script).statements[-1].text.rstrip(";") == f"INSERT INTO s.t (a, b) VALUES ({MANY - 1})"


PIECES = [
    "1",
    "-7",
    "'a'",
    "'it''s'",
    "NULL",
    "true",
    "0.5",
    "'10:20'",
    r"E'a\'b'",
    r"e'\\'",
    r"'a\b'",
    "'-- $1'",
    "1e3",
    "(2)",
    "now()",
    "'a' || 'b'",
    "a -- b\n",
    '"q"',
    "''",
]


@settings(max_examples=40)
@given(
    st.lists(st.sampled_from(PIECES), min_size=1, max_size=3).map(", ".join),
    st.lists(st.lists(st.sampled_from(PIECES), min_size=1, max_size=3).map(", ".join), max_size=4),
)
def test_the_same_statements_are_found_with_and_without_rows(one: str, others: list[str]) -> None:
    script = inserts([one] * (FEWEST + 60)) + inserts(others) + inserts([one] * 3)
    with_rows, without = told(script), told(script, rows=False)
    assert sum(each.times for each in with_rows.statements) == len(without.statements)
    assert with_rows.findings == without.findings
    ends = {each.end_line for each in without.statements}
    starts = {(each.line, each.start) for each in without.statements}
    assert {(each.line, each.start) for each in with_rows.statements} <= starts
    assert {each.end_line for each in with_rows.statements} <= ends


def test_the_prediction_of_many_is_that_of_each() -> None:
    script = "BEGIN;\n" + inserts([f"{n}, 'x'" for n in range(MANY)]) + "COMMIT;\n"
    many, each = predict_script(told(script).statements), predict_script(previewed(script).statements)
    assert (many.cumulative, many.risk, many.transactional) == (each.cumulative, each.risk, each.transactional)
    assert sum(one.rows for one in many.statements) == sum(one.rows for one in each.statements)
    assert {one.locks for one in many.statements} == {one.locks for one in each.statements}


def test_rows_for_copy_are_passed_over_whatever_looks_like_their_end() -> None:
    script = (
        "COPY t FROM stdin;\n1\t\\\\.\n\\.x\n a\\.\n\\N\n\\.\nSELECT 1;\n"
        "COPY t FROM stdin;\n\\.\r\nSELECT 2;\nCOPY t FROM stdin;\n1\n\\."
    )
    view = told(script)
    assert [(one.line, one.text) for one in view.statements] == [
        (1, "COPY t FROM stdin"),
        (7, "SELECT 1"),
        (8, "COPY t FROM stdin"),
        (10, "SELECT 2"),
        (11, "COPY t FROM stdin"),
    ]
