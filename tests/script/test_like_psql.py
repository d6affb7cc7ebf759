"""The differential test: what we send is what the real psql sends, byte for byte and in the same order."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from tests.script.likepsql import by_psql, by_reader
from tests.servers import Server

# Scripts that a text file can't hold well: odd bytes, no newline at the end, nothing but blanks.
ODD: dict[str, str | bytes] = {
    "several on a line": "SELECT 1; SELECT 2;SELECT 3",
    "no newline at the end": "SELECT 1",
    "parentheses": "SELECT (1\n; \n); SELECT 1);\n",
    "if without end, not taken": "\\if 0\nSELECT 1;\nSELECT 2",
    "byte-order mark": b"\xef\xbb\xbfSELECT 1;\n\xef\xbb\xbfSELECT 2;\n",
    "byte-order mark alone": b"\xef\xbb\xbf",
    "carriage returns": (
        b"SELECT 1;\r\n\r\nSELECT 'a\r\n\r\nb'\r\n, 2;\r\n-- c\r\n\\set a 1\r\n\\echo :a\r\n"
        b"\\if true\r\nSELECT :a;\r\n\\endif\r\n"
    ),
    "lone carriage returns": b"SELECT 1; -- c\rSELECT 2;\rSELECT E'a'\r'\\';b';",
    "carriage returns in COPY": (
        b"CREATE TEMP TABLE t(a text);\r\nCOPY t FROM stdin;\r\na\r\nb\r\n\\.\r\n"
        b"SELECT count(*) FROM t \\gset\r\n\\echo :count\r\n"
    ),
    "vertical tab and form feed": "SELECT\x0c1;\x0cSELECT 2\x0c;\n",
    "bytes that are no UTF-8": b"SELECT 1; -- \xff\nSELECT 'a\xffb';\nSELECT 2;",
    "tabs": "\tSELECT\t1\t;\t\n\t\n\tSELECT 2;",
    "empty": "",
    "blank": "\n\n  \n\t\n",
}


def _from_file() -> dict[str, str | bytes]:
    """`=== title` begins a script, which reaches to the next one."""
    text = (Path(__file__).parent / "psql_scripts.txt").read_text(encoding="utf-8")
    pieces = re.split(r"^=== (.*)\n", text, flags=re.MULTILINE)[1:]
    return dict(zip(pieces[::2], pieces[1::2], strict=True))


SCRIPTS = _from_file() | ODD


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    sub = tmp_path / "sub"
    sub.mkdir()
    (sub / "one.sql").write_text("SELECT 'one';\n")
    (sub / "two.sql").write_text("\\ir one.sql\n\\ir ./../sub/one.sql\nSELECT 'two'")
    (sub / "open.sql").write_text("SELECT 7")
    (sub / "endif.sql").write_text("SELECT 1;\n\\endif\n")
    (sub / "quit.sql").write_text("SELECT 1;\n\\q\nSELECT 'not'")
    (sub / "bad.sql").write_text("SELECT 1;\n\nSELECT 1/0;\nSELECT 3;\n")
    (sub / "data.txt").write_text("one\ntwo\n")
    return tmp_path


@pytest.fixture(scope="session")
def psql(pg15: Server) -> Path:
    """The real thing. The wheels carry none, Debian's server package does."""
    found = pg15.bin_dir / "psql"
    if not found.exists():
        pytest.skip("no psql here")
    return found


@pytest.mark.parametrize("title", SCRIPTS)
def test_a_script_is_read_as_psql_reads_it(title: str, folder: Path, pg15: Server, psql: Path) -> None:
    script = SCRIPTS[title]
    (folder / "script.sql").write_bytes(script if isinstance(script, bytes) else script.encode())
    variables = {"registry": "sqitch"}
    theirs = by_psql(psql, pg15.conninfo("postgres"), folder, "script.sql", variables, "UTF8")
    ours = by_reader(pg15.conninfo("postgres"), folder, "script.sql", variables, "UTF8")
    assert ours == theirs


@pytest.mark.parametrize(
    ("encoding", "script"),
    [
        ("LATIN1", "SELECT 'ü;é' AS \"ß\", :'v';\n\\set ü 'é'\nSELECT :'ü';\n".encode("latin-1")),
        ("SQL_ASCII", b"SELECT length('\xfc;\xe9');\nSELECT 2;\n"),
        # the second byte of these characters is a backslash, a quote's neighbour, a letter
        ("SJIS", "SELECT '表;ソ', 1 AS ソ;\nSELECT E'表\\';';\n\\echo 表 x\nSELECT '能';\n".encode("shift_jis")),
        ("BIG5", "SELECT '功;許', E'功\\';';\nSELECT 1 AS 功;\n".encode("big5")),
        ("GB18030", "SELECT '㐀;\u0452' AS a, 1 AS \u0452;\n".encode("gb18030")),
        ("LATIN1", b"\xef\xbb\xbfSELECT 1;\n"),
    ],
)
def test_a_script_in_another_client_encoding_is_read_as_psql_does(
    encoding: str, script: bytes, folder: Path, pg15: Server, psql: Path
) -> None:
    (folder / "script.sql").write_bytes(script)
    ours = by_reader(pg15.conninfo("postgres"), folder, "script.sql", {}, encoding)
    theirs = by_psql(psql, pg15.conninfo("postgres"), folder, "script.sql", {}, encoding)
    assert ours == theirs


@pytest.mark.parametrize("encoding", ["SQL_ASCII", "LATIN1"])
def test_in_a_database_of_another_encoding_a_script_is_read_as_psql_reads_it(
    encoding: str, folder: Path, pg15: Server, psql: Path, database_on: Callable[..., str]
) -> None:
    name = database_on(pg15, f"ENCODING '{encoding}' LOCALE 'C' TEMPLATE template0")
    (folder / "script.sql").write_bytes(
        b"CREATE TEMP TABLE t AS SELECT 'a\xfc;\xe9' AS \"\xdf\";\nSELECT \"\xdf\" AS v FROM t \\gset\nSELECT :'v';\n"
    )
    ours = by_reader(pg15.conninfo(name), folder, "script.sql", {}, encoding)
    theirs = by_psql(psql, pg15.conninfo(name), folder, "script.sql", {}, encoding)
    assert ours == theirs


PIECES = [
    "SELECT 1", ", 2", ";", "\n", " ", "\n\n", "'", "''", '"', "$$", "$a$", "E'", "\\'", "\\\\", "\\;", "\\:", "(", ")",
    "--", "/*", "*/", "-", "/", "*", ":v", ":'v'", ':"v"', ":{?v}", ":w", ":", "::int", "\\set v ", "\\echo ", "\\if ",
    "true", "false", "\\elif ", "\\else", "\\endif", "\\g", "\\gx\n", "\\gset x", "\\gexec", "\\r", "\\p", "\\q",
    "AS a",    "\\i sub/one.sql\n", "\\ir sub/open.sql\n", "a", "é", "1", "\r", "\t", "`", "|", "U&'", "B'",
    "CREATE FUNCTION pg_temp.f() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT 1; END", "BEGIN", "CASE", "END", "CREATE",
    "OR", "REPLACE", "PROCEDURE", "\\unset v", "\\set ON_ERROR_STOP 0\n", "COPY (SELECT 1) TO STDOUT", "\\.", "\\x\n",
    "\\set v 'x\\ny'\n", "\\set v :v:v\n", "\\set v 'SELECT 1;'\n", "\\set v ''''\n", "\\encoding LATIN1\n",
]  # fmt: skip


@settings(
    max_examples=int(os.environ.get("PGMIG_FUZZ", "150")),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.lists(st.sampled_from(PIECES), min_size=1, max_size=25).map("".join))
def test_same_as_psql_on_nonsense(folder: Path, pg15: Server, psql: Path, script: str) -> None:
    assume("`" not in script or not re.search(r"\\(set|echo|if|elif|gset|unset|encoding|p|r|x)[^\n]*`", script))
    (folder / "script.sql").write_text(script, newline="")
    theirs = by_psql(psql, pg15.conninfo("postgres"), folder, "script.sql", {"v": "1"}, "UTF8")
    ours = by_reader(pg15.conninfo("postgres"), folder, "script.sql", {"v": "1"}, "UTF8")
    assert ours == theirs
