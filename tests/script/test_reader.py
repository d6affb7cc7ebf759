"""What the executor is given, and what it must tell back. That the statements are psql's is in test_like_psql."""

from __future__ import annotations

from pathlib import Path

import pytest

from pgmig_tui.errors import UsageError
from pgmig_tui.script.actions import (
    Connect,
    CopyFile,
    Echo,
    Outcome,
    RedirectOutput,
    Send,
    SetEncoding,
    SetEnvironment,
    ShellCommand,
)
from pgmig_tui.script.files import Allow, ProjectFiles
from pgmig_tui.script.problems import ScriptError, ScriptRefused
from tests.script.reading import actions_of, as_send, reader_of, sent


def send(script: str | bytes) -> Send:
    action = reader_of(script).next()
    assert isinstance(action, Send)
    return action


def test_a_statement_says_where_it_stands() -> None:
    script = "-- head\n/* c\n */ SELECT 1,\n\n  'ü;\n\n'\n;\n"
    action = send(script)
    assert action.sql.decode() == "/* c\n */ SELECT 1,\n  'ü;\n\n'\n;"
    assert (action.line, action.end_line) == (3, 8)
    assert script.encode()[action.start : action.end].decode() == "SELECT 1,\n\n  'ü;\n\n'\n"


def test_the_servers_position_becomes_a_line_of_the_script() -> None:
    action = send("/* c */\n\n\nSELECT 1\n\n, 2\n, x;\n")
    assert action.text == "/* c */\nSELECT 1\n, 2\n, x;"
    assert action.line_at(1) == 1
    assert action.line_at(action.text.index("SELECT") + 1) == 4
    assert action.line_at(action.text.index("2") + 1) == 6
    assert action.line_at(action.text.index("x") + 1) == 7
    assert send("\n\nSELECT x;").line_at(8) == 3


def test_lines_stay_right_around_commands_and_branches() -> None:
    reader = reader_of("SELECT 1\n\\echo hi\n\\if false\n, 2\n, 3\n\\endif\n, x;\n")
    echo, action = reader.next(), reader.next()
    assert isinstance(echo, Echo)
    assert isinstance(action, Send)
    assert action.text == "SELECT 1\n, x;"
    assert action.line_at(action.text.index("x") + 1) == 7


def test_one_at_a_time_with_the_variables_of_that_moment() -> None:
    reader = reader_of("SELECT 'app' AS s \\gset\nCREATE SCHEMA :\"s\";\n")
    assert isinstance(reader.next(), Send)
    reader.report(Outcome(True, row_count=1, columns=("s",), first_row=("app",)))
    action = reader.next()
    assert isinstance(action, Send)
    assert action.text == 'CREATE SCHEMA "app";'
    assert reader.next() is None
    assert reader.next() is None


def test_the_outcome_of_a_statement_sets_the_result_variables() -> None:
    reader = reader_of("SELECT 1;\nSELECT 2;\n")
    reader.next()
    assert "ERROR" not in reader.variables
    reader.report(Outcome(False, "22012", "division by zero"))
    names = ("ERROR", "SQLSTATE", "ROW_COUNT", "LAST_ERROR_SQLSTATE", "LAST_ERROR_MESSAGE")
    assert [reader.variables[n] for n in names] == ["true", "22012", "0", "22012", "division by zero"]
    reader.next()
    reader.report(Outcome(True, row_count=7))
    assert [reader.variables[n] for n in names] == ["false", "00000", "7", "22012", "division by zero"]


def test_the_registry_is_a_variable_of_every_script() -> None:
    assert sent('SELECT * FROM :"registry".changes;', variables={"registry": "sqitch"}) == [
        'SELECT * FROM "sqitch".changes;'
    ]


def test_variables_of_the_caller_are_checked() -> None:
    assert reader_of("", variables={"ON_ERROR_STOP": "0"}).variables["ON_ERROR_STOP"] == "1"
    with pytest.raises(UsageError, match="invalid variable name"):
        reader_of("", variables={"a-b": "0"})


def test_comments_at_the_end_are_sent_from_their_own_line() -> None:
    actions = actions_of(reader_of("SELECT 1;\n\n/* that's it */\n"))
    assert [(a.text, a.line) for a in map(as_send, actions)] == [("SELECT 1;", 1), ("/* that's it */", 3)]


def test_gset_failures_end_the_script() -> None:
    for rows in (0, 2):
        reader = reader_of("SELECT 1\n\\gset\n")
        reader.next()
        with pytest.raises(ScriptError, match=r"deploy/a.sql:2: .*rows? returned for \\gset"):
            reader.report(Outcome(True, row_count=rows, columns=("a",), first_row=("1",) if rows else None))


def test_gexec_gives_each_cell() -> None:
    reader = reader_of("SELECT x FROM y \\gexec\nSELECT 9;")
    reader.next()
    reader.report(Outcome(True, row_count=2, columns=("a", "b"), rows=[("S1", None), ("S2", "S3")]))
    texts = []
    while (action := reader.next()) is not None:
        assert isinstance(action, Send)
        texts.append(action.text)
        reader.report(Outcome(True))
    assert texts == ["S1", "S2", "S3", "SELECT 9;"]


def test_autocommit_off_begins_transactions() -> None:
    reader = reader_of("\\set AUTOCOMMIT off\nSELECT 1;\nSELECT 2;\nCOMMIT;\nVACUUM t;\nSELECT 3;\n")
    texts = []
    inside = False
    while (action := reader.next()) is not None:
        assert isinstance(action, Send)
        texts.append((action.text, action.implicit))
        inside = action.text == "BEGIN" or (inside and action.text != "COMMIT;")
        reader.report(Outcome(True, in_transaction=inside))
    assert texts == [
        ("BEGIN", True),
        ("SELECT 1;", False),
        ("SELECT 2;", False),
        ("COMMIT;", False),
        ("VACUUM t;", False),
        ("BEGIN", True),
        ("SELECT 3;", False),
    ]


def test_rollback_on_error_sets_savepoints() -> None:
    reader = reader_of("\\set ON_ERROR_STOP 0\n\\set ON_ERROR_ROLLBACK on\nBEGIN;\nSELECT 1;\nSELECT x;\nRELEASE a;\n")
    texts = []
    while (action := reader.next()) is not None:
        assert isinstance(action, Send)
        texts.append(action.text)
        reader.report(Outcome(action.text != "SELECT x;", in_transaction=True))
    save = "pg_psql_temporary_savepoint"
    assert texts == [
        "BEGIN;",
        f"SAVEPOINT {save}",
        "SELECT 1;",
        f"RELEASE {save}",
        f"SAVEPOINT {save}",
        "SELECT x;",
        f"ROLLBACK TO {save}",
        f"SAVEPOINT {save}",
        "RELEASE a;",
    ]


def test_copy_rows_come_in_chunks_and_end_before_the_dot() -> None:
    rows = b"".join(b"%d\tx\n" % n for n in range(1000))
    reader = reader_of(b"COPY t FROM stdin;\n" + rows + b"\\.\nSELECT 1;\n")
    reader.next()
    chunks = list(reader.copy_rows(1000))
    assert b"".join(chunks) == rows
    assert max(map(len, chunks)) <= 1000
    reader.report(Outcome(True, row_count=1000))
    action = reader.next()
    assert isinstance(action, Send)
    assert (action.text, action.line) == ("SELECT 1;", 1003)


def test_copy_that_the_server_refuses_leaves_its_rows_as_sql() -> None:
    reader = reader_of("\\set ON_ERROR_STOP 0\nCOPY t FROM stdin;\nSELECT 1;\n")
    reader.next()
    reader.report(Outcome(False, "42P01", "no t"))
    action = reader.next()
    assert isinstance(action, Send)
    assert action.text == "SELECT 1;"


@pytest.mark.parametrize(
    ("script", "line"),
    [
        ("\\! ls\n", 1),
        ("SELECT 1;\n\\echo `ls`\n", 2),
        ("SELECT 1 \\g |cat\n", 1),
        ("\\o |cat\n", 1),
        ("\n\\copy t to program 'cat'\n", 2),
        ("\\setenv A b\n", 1),
        ("\\getenv A b\n", 1),
        ("\\i /etc/passwd\n", 1),
        ("\\i ../x\n", 1),
        ("\\copy t to '/tmp/x'\n", 1),
        ("\\c other\n", 1),
        ("\\c 'host=h dbname=app'\n", 1),
        ("\\c postgresql://h/app\n", 1),
        ("\\i -\n", 1),
        ("\\copy t from pstdin\n", 1),
        ("\\prompt x\n", 1),
        ("\\set SINGLELINE\n", 1),
        ("\\bind 1 \\g\n", 1),
    ],
)
def test_refused_with_its_line(script: str, line: int) -> None:
    with pytest.raises(ScriptRefused) as caught:
        actions_of(reader_of(script))
    assert caught.value.line == line
    assert caught.value.path == "deploy/a.sql"


def test_refused_even_where_errors_are_passed_over() -> None:
    with pytest.raises(ScriptRefused):
        actions_of(reader_of("\\set ON_ERROR_STOP off\n\\! ls\n"))


def test_not_refused_in_a_branch_that_is_not_taken() -> None:
    script = (
        "\\if false\n\\! ls\n\\set x `ls`\n\\i /etc/passwd\n\\c other\n\\copy t from program 'x'\n\\endif\nSELECT 1;"
    )
    assert sent(script) == ["SELECT 1;"]


def test_shell_where_it_is_allowed() -> None:
    commands: list[str] = []

    def run_shell(command: str) -> bytes:
        commands.append(command)
        return b"it's\n"

    reader = reader_of(
        "\\set v 'a b'\n\\set x `echo :v :'v' :nothing`\nSELECT :'x';\n\\! ls -l ; x\n\\setenv A b\n\\setenv A\n"
        "SELECT 1 \\g | cat -n\n\\copy t from program 'cat x'\n\\o |tee\n",
        allow=Allow(shell=True),
        run_shell=run_shell,
    )
    actions = actions_of(reader)
    assert commands == ["echo a b 'a b' :nothing", "cat x"]
    assert [type(action) for action in actions] == [
        Send,
        ShellCommand,
        SetEnvironment,
        SetEnvironment,
        Send,
        CopyFile,
        RedirectOutput,
    ]
    assert as_send(actions[0]).text == "SELECT 'it''s';"
    assert actions[1] == ShellCommand("ls -l ; x", "deploy/a.sql", 4)
    assert (as_send(actions[4]).then, as_send(actions[4]).argument) == ("pipe", " cat -n")
    assert isinstance(actions[5], CopyFile)
    assert actions[5].data == b"it's"


def test_copy_with_a_file_becomes_a_copy_of_its_data() -> None:
    script = "\\copy app.t (a, b) from 'data/t.csv' with (format csv)\n\\copy t to out/t.csv\n"
    first, second = actions_of(reader_of(script, files={"data/t.csv": b"1,2\n"}))
    assert isinstance(first, CopyFile)
    assert (first.sql, first.direction, first.file, first.data) == (
        b"COPY  app.t ( a, b ) FROM STDIN with (format csv)",
        "in",
        "data/t.csv",
        b"1,2\n",
    )
    assert isinstance(second, CopyFile)
    assert (second.direction, second.file, second.data) == ("out", "out/t.csv", b"")


def test_encoding_connections_and_outputs_become_actions() -> None:
    script = "\\encoding LATIN1\n\\c\n\\c app someone\n\\o out.txt\n\\o\nSELECT 1 \\g rows.txt\nSELECT 2 \\gx\n"
    actions = actions_of(reader_of(script))
    where = "deploy/a.sql"
    assert actions[:5] == [
        SetEncoding("LATIN1", where, 1),
        Connect("", where, 2),
        Connect("someone", where, 3),
        RedirectOutput("out.txt", where, 4),
        RedirectOutput(None, where, 5),
    ]
    assert [(a.then, a.argument) for a in map(as_send, actions[5:])] == [("file", "rows.txt"), ("gx", "")]


def test_nul_bytes_are_refused_with_their_line() -> None:
    with pytest.raises(ScriptError, match=r"deploy/a.sql:3: holds a NUL byte"):
        reader_of(b"SELECT 1;\n\n\x00")


def test_describing_commands_are_passed_over() -> None:
    actions = actions_of(reader_of("\\d app.t\n\\dt+ *.*\n\\l\n\\conninfo\n\\sf f\nSELECT 1;"))
    assert [type(action) for action in actions] == [Echo] * 5 + [Send]


def test_a_file_inside_the_project_is_read_and_one_outside_is_refused(tmp_path: Path) -> None:
    (tmp_path / "p" / "sql").mkdir(parents=True)
    (tmp_path / "p" / "sql" / "a.sql").write_bytes(b"A")
    (tmp_path / "outside.sql").write_bytes(b"O")
    (tmp_path / "p" / "link.sql").symlink_to(tmp_path / "outside.sql")
    files = ProjectFiles(tmp_path / "p")
    assert files.read("sql/a.sql", relative_to=None, line=1) == ("sql/a.sql", b"A")
    assert files.read("./sql/../sql/a.sql", relative_to=None, line=1) == ("sql/a.sql", b"A")
    assert files.read("a.sql", relative_to="sql/b.sql", line=1) == ("sql/a.sql", b"A")
    assert files.read("../sql/a.sql", relative_to="deploy/b.sql", line=1) == ("sql/a.sql", b"A")
    assert files.read(str(tmp_path / "p/sql/a.sql"), relative_to=None, line=1) == ("sql/a.sql", b"A")
    for outside in ("../outside.sql", "link.sql", str(tmp_path / "outside.sql"), "~/x"):
        with pytest.raises(ScriptRefused, match="outside the project"):
            files.read(outside, relative_to=None, line=1)
    with pytest.raises(ScriptError, match="No such file"):
        files.read("nothing.sql", relative_to=None, line=1)
    with pytest.raises(ScriptError, match="directory"):
        files.read("sql", relative_to=None, line=1)
    assert ProjectFiles(tmp_path / "p", allow_files=True).read("../outside.sql", relative_to=None, line=1) == (
        str(tmp_path / "outside.sql"),
        b"O",
    )
