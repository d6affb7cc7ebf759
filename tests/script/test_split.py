"""Without psql's own syntax, statements end where PostgreSQL's scanner says they end."""

from __future__ import annotations

import re

import postgast
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from tests.script.reading import previewed

_COMMENT = re.compile(r"\s+|--[^\n]*|/\*.*?\*/", re.DOTALL)

PIECES = [
    "SELECT 1", "INSERT INTO t VALUES (1, 'a;b')", ", ", "\n", "\n\n", " ", "\t", "''", "'a''b;'", "'a\n;b'",
    '"a;b"', '"a""b"', "$$a;b$$", "$q$ $$ ; $q$", "$q$\n;\n$q$", "a$b$c", "E'a\\';b'", "e'\\\\'",
    "U&'\\0061;'", "B'01'", "X'1F;'", "N'a;'", "-- a;b\n", "-- it's\n", "/* a;b */", "/* a /* b; */ c; */",
    "/* it's */", "(1; 2)", "((1))", "+", "-", "*", "/", "<@", "||", "::int", "1.5e3", "1", ".5", "é",
    "größe", "CASE WHEN 1 THEN 2 END", "BEGIN", "COMMIT", "CREATE TABLE t (a int)",
    "CREATE VIEW v AS SELECT 1", "DO $$ BEGIN NULL; END $$", "$1", "a[1]", "x => 1",
]  # fmt: skip


def _strip(text: str) -> tuple[int, str]:
    """Where the text starts behind blanks and comments, and the text without those around it."""
    start = 0
    while found := re.compile(r"\s+|--[^\n]*|(?=/\*)").match(text, start):
        end = _after_comment(text, start) if found.end() == start else found.end()
        if end == start:
            break
        start = end
    return start, text[start:].strip()


def _after_comment(text: str, at: int) -> int:
    depth = 0
    for found in re.compile(r"/\*|\*/").finditer(text, at):
        depth += 1 if found[0] == "/*" else -1
        if depth == 0:
            return found.end()
    return at


# libpg_query's scanner takes no text for a statement that holds no keyword, so each begins with one
STATEMENT = st.lists(st.sampled_from(PIECES), max_size=12).map(lambda pieces: " ".join(["SELECT 1", *pieces]))
SCRIPT = st.lists(STATEMENT, min_size=1, max_size=6).map(";".join)


@settings(max_examples=600)
@given(SCRIPT)
@example("SELECT 1; -- c\n\n/* d */ SELECT 'é;' ; SELECT 2")
def test_the_same_statements_as_the_scanner(script: str) -> None:
    try:
        pieces = postgast.split(script, method="scanner")
    except postgast.PgQueryError:
        assume(False)
    expected = [text for _, text in map(_strip, pieces) if text.strip("; \n\t")]
    view = previewed(script)
    assume(not any(finding.code == "unterminated" for finding in view.findings))
    statements = [s for s in view.statements if s.keywords != "EMPTY"]
    assert [s.text.strip() for s in statements] == expected


@settings(max_examples=300)
@given(SCRIPT)
def test_spans_point_into_the_file(script: str) -> None:
    data = script.encode()
    for statement in previewed(script).statements:
        assert data[statement.start : statement.end].decode() == statement.text
        assert data.count(b"\n", 0, statement.start) + 1 == statement.line
        assert statement.line <= statement.end_line
