"""Whatever a file holds, lint answers: what can't be read is a finding with its place."""

from __future__ import annotations

import pytest

from tests.lint.looking import codes, look

DEEP = 20_000


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"SELECT " + b"(" * DEEP + b"1" + b")" * DEEP + b";", "unreadable"),
        (b"SELECT " + b"1+" * DEEP + b"1;", "unreadable"),
        (b"SELECT '\x00';", "psql-refused"),
        (b"\xff\xfe\x00S", "psql-refused"),
        (b"SELECT 'never ends", "unreadable"),
        (b"SELECT (1;", "unreadable"),
        (b"\\! rm -rf /\nSELECT 1;", "psql-refused"),
        (b"\\i /etc/passwd\nSELECT 1;", "psql-refused"),
        (b"", "nothing-in-it"),
        (b"ALTER TABLE \xe9 ADD COLUMN c int;", "unreadable"),
    ],
)
def test_it_is_told_and_nothing_is_raised(data: bytes, code: str) -> None:
    assert code in codes(data)


def test_ten_megabytes_of_rows_and_of_statements() -> None:
    rows = b"COPY app.t FROM stdin;\n" + b"1\tx\n" * 1_000_000 + b"\\.\n"
    inserts = b"INSERT INTO app.t VALUES (1, 'some text in it');\n" * 120_000
    found = look(b"BEGIN;\n" + rows + inserts + b"DROP TABLE app.u;\nCOMMIT;\n")
    assert [(one.code, one.line) for one in found] == [("drop-table", 1_120_004)]


def test_a_body_that_repeats_itself_and_names_without_end() -> None:
    nested = "DO $a$ BEGIN EXECUTE $b$ DO $c$ BEGIN DROP TABLE app.t; END $c$ $b$; END $a$;"
    assert "revert-unknown" in codes("ALTER TABLE app.t ADD COLUMN c int;", nested, "SELECT c FROM app.t WHERE FALSE;")
    wide = "CREATE TABLE app.t (id bigint PRIMARY KEY, " + ", ".join(f"c{n} int" for n in range(1600)) + ");"
    assert codes(wide, "DROP TABLE app.t;", "SELECT c1 FROM app.t WHERE FALSE;") <= {"verify-in-part", "header-comment"}


LEFT = {"drop-table", "ignore-comment"}
SILENCED = [
    ("-- pgmig: lint ignore drop-table nobody has used it since May\nDROP TABLE app.t;", set()),
    ("DROP TABLE app.t; -- pgmig: lint ignore drop-table nobody has used it since May", set()),
    ("BEGIN;\n-- pgmig: lint ignore drop-table, rename it is empty\nDROP TABLE app.t;\nCOMMIT;", {"ignore-comment"}),
    ("BEGIN;\nDROP TABLE app.t;\n-- pgmig: lint ignore drop-table above\nSELECT 1;\nCOMMIT;", LEFT),
    ("-- pgmig: lint ignore drop-table\nDROP TABLE app.t;", {"drop-table", "ignore-comment"}),
    ("-- pgmig: lint ignore drop-tabel why\nDROP TABLE app.t;", {"drop-table", "ignore-comment"}),
    ("-- pgmig: lint what\nDROP TABLE app.t;", {"drop-table", "ignore-comment"}),
    ("BEGIN;\nSELECT $$\n-- pgmig: lint ignore drop-table in text\n$$;\nDROP TABLE app.t;\nCOMMIT;", LEFT),
    ("-- pgmig: lint ignore drop-table all of them go\n\nBEGIN;\nDROP TABLE app.t;\nDROP TABLE app.u;\nCOMMIT;", set()),
    ("-- pgmig: allow index-concurrently it has 40 rows\nCREATE INDEX i ON app.t (c);", set()),
    ("-- pgmig: lint ignore index-concurrently it has 40 rows\nCREATE INDEX i ON app.t (c);", set()),
]  # fmt: skip


@pytest.mark.parametrize(("sql", "left"), SILENCED)
def test_a_comment_with_a_reason_silences_what_stands_at_it(sql: str, left: set[str]) -> None:
    assert codes(sql) == left
