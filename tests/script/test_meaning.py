"""What a script says, apart from how it is written."""

from __future__ import annotations

import pytest

from pgmig_tui.script.meaning import difference, meaning, meaning_hash

SCRIPT = b"BEGIN;\nCREATE TABLE public.t (id int, note text DEFAULT 'Ab');\n\\echo done\nCOMMIT;\n"


@pytest.mark.parametrize(
    ("other", "same"),
    [
        (
            b"-- why\nbegin;\ncreate  table Public.T (ID INT,\n note text default 'Ab'); /* x */\n\\echo done\ncommit;",
            True,
        ),
        (SCRIPT.replace(b"'Ab'", b"'ab'"), False),
        (SCRIPT.replace(b"id int", b'"ID" int'), False),
        (SCRIPT.replace(b"id int", b"id bigint"), False),
        (SCRIPT.replace(b"\\echo done", b"\\echo Done"), False),
        (SCRIPT.replace(b"\\echo done\n", b""), False),
        (SCRIPT.replace(b"BEGIN;\n", b"").replace(b"COMMIT;\n", b""), False),
        (SCRIPT.replace(b"COMMIT;\n", b"COMMIT;\nSELECT 1;\n"), False),
        (SCRIPT.replace(b"COMMIT;\n", b"COMMIT;\nSELECT 1 \\gexec\n"), False),
    ],
)
def test_comments_case_and_white_space_don_t_count_and_all_else_does(other: bytes, same: bool) -> None:
    assert (meaning("a.sql", other) == meaning("a.sql", SCRIPT)) is same
    assert (meaning_hash("a.sql", other) == meaning_hash("b.sql", SCRIPT)) is same


@pytest.mark.parametrize(
    ("script", "other"),
    [
        ("SELECT 1 \\gset\n", "SELECT 1;\n"),
        ("SELECT :x;\n", "SELECT :y;\n"),
        ("SELECT :'x';\n", 'SELECT :"x";\n'),
        ("\\if true\nSELECT 1;\n\\endif\n", "SELECT 1;\n"),
        ("DO $$ BEGIN NULL; END $$;\n", "DO $$ BEGIN  NULL; END $$;\n"),
        ("SELEC 1;\n", "SELEC 2;\n"),
    ],
)
def test_what_psql_makes_of_it_counts(script: str, other: str) -> None:
    assert meaning("a.sql", script.encode()) != meaning("a.sql", other.encode())
    assert meaning("a.sql", script.encode()) == meaning("a.sql", b"-- c\n" + script.encode())


@pytest.mark.parametrize(
    "script", ["\\i other.sql\n", "COPY t FROM STDIN;\n1\n\\.\n", "SELECT 'never ends\n", "\\ir x.sql\n"]
)
def test_what_can_t_be_told_from_the_text_alone_is_not_told(script: str) -> None:
    assert meaning("a.sql", script.encode()) is None
    assert meaning_hash("a.sql", script.encode()) == ""


def test_a_chain_that_no_parser_survives_is_taken_as_written() -> None:
    script = b"SELECT " + b"+".join([b"1"] * 20_000) + b";\n"
    assert meaning("a.sql", script) != meaning("a.sql", script.replace(b"1+1;", b"1+2;"))


def test_the_difference_is_told_in_lines() -> None:
    assert list(difference(b"a\nb\n", b"a\nc\n"))[2:] == ["@@ -1,2 +1,2 @@", " a", "-b", "+c"]
    assert difference(b"", b"x\n" * 100)[-1] == "… and 43 lines more"
