"""The preview sees every branch and file, and turns all trouble into findings."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pgmig_tui.script.files import Allow
from pgmig_tui.script.preview import Preview
from tests.script.reading import previewed, sent


def codes(view: Preview) -> list[tuple[int, str, bool]]:
    return [(finding.line, finding.code, finding.refuses) for finding in view.findings]


def texts(view: Preview) -> list[str]:
    return [statement.text for statement in view.statements]


def test_all_branches_are_walked_and_marked() -> None:
    view = previewed("SELECT 0;\n\\if :x\nSELECT 1;\n\\elif false\nSELECT 2;\n\\else\nSELECT 3;\n\\endif\nSELECT 4;\n")
    assert texts(view) == ["SELECT 0", "SELECT 1", "SELECT 2", "SELECT 3", "SELECT 4"]
    assert [s.possible for s in view.statements] == [False, True, True, True, False]
    assert [s.branch for s in view.statements] == [(), ((1, 0),), ((1, 1),), ((1, 2),), ()]
    assert view.complete == {1}


def test_a_statement_knows_every_branch_that_it_stands_in() -> None:
    view = previewed("\\if 1\n\\if 0\nSELECT 1;\n\\endif\nSELECT 2;\n\\endif\n")
    assert [s.branch for s in view.statements] == [((1, 0), (2, 0)), ((1, 0),)]
    assert view.complete == frozenset()


@pytest.mark.parametrize(
    ("script", "skipped"),
    [
        ("\\if false\nSELECT 1;\n\\elif :x\nSELECT 2;\n\\else\nSELECT 3;\n\\endif\nSELECT 4;", [1]),
        ("\\if on\nSELECT 1;\n\\elif :x\nSELECT 2;\n\\else\nSELECT 3;\n\\endif", [2, 3]),
        ("\\set x off\n\\if :x\n\\if true\nSELECT 1;\n\\else\nSELECT 2;\n\\endif\n\\endif", [1, 2]),
        ("\\if :x\nSELECT 1;\n\\else\nSELECT 2;\n\\endif", []),
        ("\\set x off\nSELECT 1 AS x \\gset\n\\if :x\nSELECT 2;\n\\endif", []),
        ("\\set x off\n\\if :y\n\\set x on\n\\endif\n\\if :x\nSELECT 1;\n\\endif", []),
        ("\\if false or true\nSELECT 1;\n\\endif\n\\if :{?x}\nSELECT 2;\n\\endif", []),
    ],
)
def test_what_psql_certainly_passes_over_is_known(script: str, skipped: list[int]) -> None:
    view = previewed(script)
    assert [int(one.text[-1]) for one in view.statements if one.skipped] == skipped


def test_known_variables_are_filled_in_and_unknown_ones_named() -> None:
    view = previewed("\\set s app\nSELECT :'s', :\"s\", :s.x, :n, :'m', a[1:2];", variables={"registry": "sqitch"})
    (statement,) = view.statements
    assert statement.text == "SELECT 'app', \"app\", app.x, :n, :'m', a[1:2]"
    assert statement.variables == ("n", "m")
    assert view.variables_unknown == ("n", "m")
    assert codes(view) == [(2, "unknown variable", False), (2, "unknown variable", False)]


def test_a_statement_with_unknown_variables_is_still_parsed() -> None:
    view = previewed("CREATE TABLE :\"schema\".t (a text DEFAULT :'v', b int DEFAULT :n);")
    (statement,) = view.statements
    assert statement.problem is None
    assert statement.node is not None
    assert statement.node.create_stmt.relation.schemaname == "schema"


def test_after_the_branches_only_agreed_values_are_known() -> None:
    view = previewed(
        "\\set a 1\n\\set b 1\n\\if :x\n\\set a 2\n\\set c 3\n\\else\n\\set a 2\n\\endif\nSELECT :a, :b;\nSELECT :c;"
    )
    assert texts(view) == ["SELECT 2, 1", "SELECT :c"]
    assert view.statements[1].variables == ("c",)


def test_what_gset_sets_is_unknown() -> None:
    view = previewed("\\set a 1\n\\set b 1\nSELECT 2 AS a, now() \\gset\nSELECT :a, :b, :'now';")
    assert texts(view) == ["SELECT 2 AS a, now() ", "SELECT :a, 1, :'now'"]
    assert view.statements[0].then == "gset"


def test_gset_of_unknown_columns_makes_all_variables_unknown() -> None:
    view = previewed("\\set a 1\nSELECT * FROM t \\gset\nSELECT :a;")
    assert view.statements[1].variables == ("a",)
    assert not any(f.code == "on_error_stop" for f in view.findings)


def test_statements_made_by_gexec_are_told() -> None:
    view = previewed("SELECT 'DROP TABLE t' \\gexec\n")
    assert view.statements[0].then == "gexec"
    assert codes(view) == [(1, "gexec", False)]


def test_included_files_are_followed() -> None:
    files = {"sql/one.sql": b"SELECT 1;\n\\ir two.sql\n", "sql/two.sql": b"SELECT\n2;"}
    view = previewed("\\i sql/one.sql\nSELECT 3;", files=files)
    assert [(s.path, s.line, s.text) for s in view.statements] == [
        ("sql/one.sql", 1, "SELECT 1"),
        ("sql/two.sql", 1, "SELECT\n2"),
        ("deploy/a.sql", 2, "SELECT 3"),
    ]
    assert view.included == ("sql/one.sql", "sql/two.sql")


def test_a_file_that_includes_itself_ends() -> None:
    view = previewed("\\i a.sql\n", files={"a.sql": b"SELECT 1;\n\\i a.sql\n"})
    assert any(f.refuses and "deep" in f.message for f in view.findings)


@pytest.mark.parametrize(
    ("script", "line", "code"),
    [
        ("SELECT 1;\n\\! rm -rf x\nSELECT 2;", 2, "refused"),
        ("\\set x `whoami`\nSELECT 2;", 1, "refused"),
        ("SELECT 1 \\g |cat\nSELECT 2;", 1, "refused"),
        ("\\o |cat\nSELECT 2;", 1, "refused"),
        ("\\copy t from program 'cat x'\nSELECT 2;", 1, "refused"),
        ("\\setenv A b\nSELECT 2;", 1, "refused"),
        ("\\i /etc/passwd\nSELECT 2;", 1, "refused"),
        ("\\i ../other.sql\nSELECT 2;", 1, "refused"),
        ("\\copy t from '/etc/passwd'\nSELECT 2;", 1, "refused"),
        ("SELECT 1 \\g /tmp/out\nSELECT 2;", 1, "refused"),
        ("\\o ../out\nSELECT 2;", 1, "refused"),
        ("\\c other\nSELECT 2;", 1, "refused"),
        ("\\connect 'dbname=other'\nSELECT 2;", 1, "refused"),
        ("\\c - - other.example\nSELECT 2;", 1, "refused"),
        ("\\cd /tmp\nSELECT 2;", 1, "refused"),
        ("\\watch 1\nSELECT 2;", 1, "refused"),
        ("\\i nothing.sql\nSELECT 2;", 1, "error"),
        ("\\frobnicate\nSELECT 2;", 1, "error"),
        ("\\endif\nSELECT 2;", 1, "error"),
        ("\\if 1\nSELECT 2;", 2, "error"),
        ("\\if 1\n\\else\n\\else\n\\endif\nSELECT 2;", 3, "error"),
        ("SELECT 2;\nSELECT 'a;", 2, "unterminated"),
        ("SELECT 2;\n/* a", 2, "unterminated"),
        ("SELECT 2;\nSELECT (1;", 2, "unterminated"),
        ("SELECT 2;\x00", 1, "error"),
    ],
)
def test_what_would_stop_a_script_is_a_finding(script: str, line: int, code: str) -> None:
    view = previewed(script)
    assert (line, code, True) in codes(view)
    if "\x00" not in script:
        assert any(text.startswith("SELECT 2") for text in texts(view)), "the rest is read all the same"


def test_a_command_in_what_another_takes_no_notice_of() -> None:
    view = previewed("\\o x `ls`\nSELECT 1;")
    assert (1, "refused", True) in codes(view)
    assert texts(view) == ["SELECT 1"]


def test_what_is_done_beside_the_database_is_told_before_it_is_done() -> None:
    script = (
        "\\! rm -rf / --password=hunter2\n\\setenv A b\nSELECT 1 \\g |mail boss\n\\o |logger\nSELECT 2;\n"
        "\\o out.txt\nSELECT 3 \\g more.txt\n\\copy t to program 'gzip > t.gz'\n\\copy t to 't.csv'\n"
        "\\set x `uname -a`\n\\if false\n\\! never mind\n\\endif\n"
    )
    view = previewed(script, allow=Allow(shell=True, files=True))
    told = [(one.line, one.message) for one in view.findings if one.code in ("shell", "file")]
    assert told == [
        (1, "a shell runs on this host: rm -rf / --password=***"),
        (2, "\\setenv sets A for the shell commands that follow"),
        (3, "a shell runs on this host: mail boss"),
        (4, "a shell runs on this host: logger"),
        (6, "rows go into the file out.txt"),
        (7, "its rows go into the file more.txt"),
        (8, "a shell runs on this host: gzip > t.gz"),
        (9, "rows go into the file t.csv"),
        (10, "a shell runs on this host: uname -a"),
        (10, "what a shell command prints here is not known before it runs"),
        (12, "a shell runs on this host: never mind"),
    ]
    assert not view.refused


def test_an_environment_that_allows_a_shell_refuses_no_shell_command() -> None:
    view = previewed("\\! ls\n\\setenv A b\nSELECT 1 \\g |cat\n", allow=Allow(shell=True))
    assert not view.refused


def test_connect_to_the_same_database() -> None:
    view = previewed("\\c app\n\\c\n\\connect - postgres\nSELECT 1;")
    assert [code for _, code, refuses in codes(view) if not refuses] == ["connect"] * 3


def test_a_switch_of_psql_that_changes_what_runs_is_told() -> None:
    view = previewed("\\set ON_ERROR_STOP off\n\\set AUTOCOMMIT off\n\\set ON_ERROR_ROLLBACK on\n\\q\nSELECT 1;")
    assert [code for _, code, _ in codes(view)] == ["on_error_stop", "autocommit", "on_error_rollback", "quit"]
    assert texts(view) == []


def test_own_timeouts_are_said() -> None:
    view = previewed("SET lock_timeout = '5s';\nset local Statement_Timeout to 0;\nSET search_path = a;")
    assert [(line, code) for line, code, _ in codes(view)] == [(1, "guard"), (2, "guard")]


def test_copy_data_is_no_sql() -> None:
    view = previewed("COPY t (a, b) FROM stdin;\n1;2\n'\n\\.\nSELECT 1;\n\\copy t from stdin\n;\n\\.\nSELECT 2;")
    assert [(s.text, s.copy_data, s.line) for s in view.statements] == [
        ("COPY t (a, b) FROM stdin", True, 1),
        ("SELECT 1", False, 5),
        ("COPY  t FROM STDIN ", True, 6),
        ("SELECT 2", False, 9),
    ]


def test_joined_statements_are_one() -> None:
    view = previewed("SELECT 1 \\; SELECT 2;")
    (statement,) = view.statements
    assert statement.joined
    assert len(statement.nodes) == 2


def test_a_statement_built_by_branches_is_said() -> None:
    view = previewed("SELECT 1\n\\if :x\n, 2\n\\else\n, 3\n\\endif\n;\n")
    assert any(f.code == "branch in statement" for f in view.findings)
    assert len(view.statements) == 1


def test_quit_in_a_branch_makes_the_rest_possible() -> None:
    view = previewed("\\if :x\n\\q\n\\endif\nSELECT 1;")
    assert [s.possible for s in view.statements] == [True]


def test_strings_follow_the_scripts_own_setting() -> None:
    view = previewed("SET standard_conforming_strings = off;\nSELECT 'a\\';b';\nSELECT 1;")
    assert texts(view)[1:] == ["SELECT 'a\\';b'", "SELECT 1"]


def test_problems_carry_line_and_column() -> None:
    view = previewed("SELECT 1;\n\n-- c\n  SELECT 'ü',\n\n  b FORM t;")
    statement = view.statements[1]
    assert statement.kind == "UNPARSED"
    assert statement.problem is not None
    assert (statement.problem.line, statement.problem.column) == (6, 10)
    assert 'at or near "t"' in statement.problem.message


def test_deep_trees_are_no_syntax_errors() -> None:
    view = previewed("SELECT " + " || ".join(["'a'"] * 200) + ";")
    (statement,) = view.statements
    assert statement.kind == "SELECT"
    assert statement.node is None
    assert statement.problem is not None
    assert "too deep" in statement.problem.message


def test_bytes_that_are_no_utf8_are_still_read() -> None:
    view = previewed(b"SELECT 'a\xff;b';\nSELECT 1;")
    assert view.statements[0].kind == "SELECT"
    assert len(view.statements) == 2


PIECES = [
    "SELECT 1", ";", "\n", "'", '"', "$$", "(", ")", "/*", "*/", "\\if ", "\\else\n", "\\elif ", "\\endif\n",
    "\\q\n", "\\g\n", "\\gset\n", "\\gexec\n", "\\i a\n", "\\c\n", "\\foo\n", "\\set ", "`", ":v", ":'v'",
    "\\;", "\\", "COPY t FROM stdin", "\\.\n", "\\r\n", "\\p\n", "BEGIN", "COMMIT", "\x00", "\\copy ",
    "\\o ", "\\unset ", "\\encoding x\n", "\\restrict k\n", "\\d\n",
]  # fmt: skip


@given(st.lists(st.sampled_from(PIECES), max_size=30).map("".join))
def test_a_preview_of_any_script_raises_nothing(script: str) -> None:
    from pgmig_tui.script.shape import shape, verify_shape

    view = previewed(script, files={"a": b"SELECT 1; \\else"})
    assert shape(view).reason
    verify_shape(view)
    for statement in view.statements:
        assert statement.keywords


SNIPPETS = st.sampled_from(
    [
        "SELECT 1;",
        "SELECT :one;",
        ":two\n",
        ":two ",
        ":two;\n",
        "SELECT :'two';\n",
        "DROP TABLE a",
        ";\n",
        " \\; SELECT 4;",
        "\\set one 1\n",
        "\\set two 'SELECT 2; DROP TABLE b;'\n",
        "\\set two 'SELECT 2; :one; SELECT'\n",
        "\\set one 'BEGIN; SELECT ''x'''\n",
        "\\i more.sql\n",
        "\n",
    ]
)


@given(st.lists(SNIPPETS, max_size=12).map("".join))
def test_the_preview_sees_what_is_sent(script: str) -> None:
    """Whatever the values of variables hold: what it leaves out nobody would review."""
    files = {"more.sql": b"SELECT :one;\n:two"}
    seen = [one.text for one in previewed(script, files=files).statements]
    went = [text.removesuffix(";") for text in sent(script, files=files)]
    assert [words for text in seen if (words := text.split())] == [words for text in went if (words := text.split())]
