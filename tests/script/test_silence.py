"""Comments that silence an advice: at which statement they stand, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from pgmig_tui.script.silence import Silence, is_marked
from tests.script.reading import previewed

MARK = "-- pgmig: allow fk-not-valid small"


def only(script: str, files: Mapping[str, bytes] | None = None) -> Silence:
    (found,) = previewed(script, files=files).silences
    return found


@pytest.mark.parametrize(
    ("script", "statement"),
    [
        (f"SELECT 0;\n{MARK}\nSELECT 1;", 1),
        (f"SELECT 0;\n  {MARK}\n-- and why\nSELECT 1; SELECT 2;", 1),
        (f"SELECT 0; {MARK}\nSELECT 1;", 0),
        (f"SELECT 0; SELECT 1; {MARK}\n", 1),
        (f"SELECT 0;\nSELECT 1 {MARK}\n, 2;", 1),
        (f"SELECT 0,\n{MARK}\n 2;", 0),
        (f"SELECT ':a', 'it''s'; {MARK}\n", 0),
        (f"BEGIN;\r\n{MARK}\r\nSELECT 1;\r\n", 1),
        ("SELECT 0;\n--pgmig:allow fk-not-valid small\nSELECT 1;", 1),
        (f"\\set v 'a long value of a variable'\nSELECT :'v', :'v';\n{MARK}\nSELECT :'v';", 1),
    ],
)
def test_the_statement_that_a_comment_stands_at(script: str, statement: int) -> None:
    found = only(script)
    assert (found.rules, found.reason, found.problem) == (("fk-not-valid",), "small", "")
    assert found.statements == (statement,)


@pytest.mark.parametrize(
    ("said", "rules", "reason"),
    [
        ("allow a-b, c : empty, for now", ("a-b", "c"), "empty, for now"),
        ("ALLOW a-b -- it's empty", ("a-b",), "it's empty"),
        ("allow a-b,a-b twice", ("a-b",), "twice"),
    ],
)
def test_a_comment_silences_the_rules_that_it_names_for_its_reason(
    said: str, rules: tuple[str, ...], reason: str
) -> None:
    found = only(f"-- pgmig: {said}\nSELECT 1;")
    assert (found.rules, found.reason, found.statements) == (rules, reason, (0,))


@pytest.mark.parametrize(
    ("script", "problem"),
    [
        ("-- pgmig: allow fk-not-valid\nSELECT 1;", "gives no reason"),
        ("-- pgmig: allow fk-not-valid  :  \nSELECT 1;", "gives no reason"),
        ("-- pgmig: allow\nSELECT 1;", "names no rule"),
        ("-- pgmig: alow fk-not-valid small\nSELECT 1;", "says nothing here"),
        ("-- pgmig:\nSELECT 1;", "says nothing here"),
        (f"{MARK}\n\nSELECT 1;", "neither at a statement"),
        (f"{MARK}\n\\echo x\nSELECT 1;", "neither at a statement"),
        (f"SELECT 1;\n{MARK}", "neither at a statement"),
        (f"DO $$\nBEGIN\n  {MARK}\n  PERFORM 1;\nEND $$;", "quoted text"),
        (f"SELECT 'a\n {MARK}\n';", "quoted text"),
    ],
)
def test_what_silences_nothing_says_why(script: str, problem: str) -> None:
    found = only(script)
    assert problem in found.problem
    assert found.statements == ()


def test_rows_of_copy_are_data() -> None:
    view = previewed(f"COPY t FROM STDIN;\n{MARK}\n\\.\n{MARK}\nSELECT 1;")
    assert [(one.line, one.statements) for one in view.silences] == [(4, (1,))]


def test_an_included_file_has_its_own_lines_each_time_it_is_read() -> None:
    view = previewed(
        f"\\ir part.sql\n{MARK}\nSELECT 1;\n\\ir part.sql\n",
        files={"deploy/part.sql": b"SELECT 2;\n-- pgmig: allow x y\nSELECT 3;\n"},
    )
    assert {(one.path, one.line): one.statements for one in view.silences} == {
        ("deploy/part.sql", 2): (1, 4),
        ("deploy/a.sql", 2): (2,),
    }


def test_a_script_without_such_comments_has_none() -> None:
    assert previewed("-- about pgmig\nSELECT 'x'; -- allow it").silences == ()


def test_a_mark_is_found_wherever_it_stands_in_a_large_script() -> None:
    edge = 1 << 20
    for at in (0, edge - 7, edge - 6, edge - 3, edge - 1, edge, 2 * edge - 2):
        assert is_marked(b"x" * at + b"PgMig: allow" + b"x" * edge), at
        assert is_marked(b"x" * at + b"pgmig:"), at
    assert not is_marked(b"pgmig " * 200_000)
