"""Where words go, and what they look like with and without colours."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pexpect
import pytest

from pgmig_tui.cli import output
from pgmig_tui.cli.ask import ask
from pgmig_tui.cli.parser import parse
from pgmig_tui.display.cells import Line
from pgmig_tui.errors import PgmigError, in_a_line
from tests.cli.program import Checkout, environment, shop


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return shop(tmp_path, {"dev": "db:pg://127.0.0.1:1/nowhere"})


def on_terminal(checkout: Checkout, *arguments: str, columns: int = 120, **env: str) -> str:
    """All that a command writes to a terminal."""
    child = pexpect.spawn(
        sys.executable,
        ["-m", "pgmig_tui", *arguments],
        cwd=str(checkout.root),
        env={**environment(checkout.home), "TERM": "xterm-256color", **env},
        timeout=60,
        encoding="utf-8",
        dimensions=(50, columns),
    )
    child.expect(pexpect.EOF)
    child.wait()
    return str(child.before)


def test_colours_are_for_terminals_that_want_them(checkout: Checkout) -> None:
    assert "\x1b[36m" in on_terminal(checkout, "plan")
    assert "\x1b[3" not in on_terminal(checkout, "plan", NO_COLOR="1")
    assert "\x1b[3" not in on_terminal(checkout, "plan", TERM="dumb")
    assert "\x1b" not in checkout.run("plan").out


def test_a_table_fits_its_terminal(checkout: Checkout) -> None:
    for columns in (40, 80):
        out = on_terminal(checkout, "plan", columns=columns, NO_COLOR="1", TERM="dumb")
        assert max(len(line.rstrip()) for line in out.splitlines()) <= columns
        assert "total" in out


def test_a_table_is_ruled_by_what_the_terminal_can_draw(checkout: Checkout) -> None:
    for locale, rule, never in (("C", "-----", "─"), ("C.UTF-8", "─────", "-----")):
        out = on_terminal(checkout, "plan", NO_COLOR="1", LC_ALL=locale)
        assert (rule in out, never in out) == (True, False), (locale, out)


def test_no_word_is_broken_at_the_edge_of_a_terminal(checkout: Checkout) -> None:
    for columns in (66, 80):
        out = on_terminal(checkout, "impact", columns=columns, NO_COLOR="1", TERM="dumb")
        assert max(len(line.rstrip()) for line in out.splitlines()) <= columns, out
        for word in ("statement", "EXCLUSIVE", "transaction,", "shop.orders,", "ACCESS"):
            assert word in out.split(), out


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_no_word_of_an_error_or_a_question_is_broken_there(monkeypatch: pytest.MonkeyPatch) -> None:
    error = PgmigError(
        "policy:approvals is worked out by the program, nobody can attest it",
        now="Nothing was changed.",
        do="Say --override policy:approvals=REASON, of 8 characters or more; `pgmig-tui deploy --help` tells more.",
        details=["public.a_table_with_a_name: what was found is told in a sentence that goes on"],
    )
    question = "No long transactions (FAIL: one is open since this morning). Why go on all the same?"
    monkeypatch.setattr("sys.stdin", io.StringIO("known reporter\n" * 2))
    monkeypatch.setenv("COLUMNS", "44")
    for stream in (Terminal(), io.StringIO()):
        monkeypatch.setattr("sys.stderr", stream)
        output.failure(error)
        ask(question)
        stream.write("\n")
        with pytest.raises(SystemExit):
            parse(["deploy", "dev", "--attest", "an answer that lacks what stands behind its equals sign"])
        told = stream.getvalue()
        assert " ".join(told.split()).startswith(" ".join(f"pgmig-tui: {error.what} {error.details[0]}".split()))
        assert "`pgmig-tui deploy --help`" in told
        assert question in " ".join(told.split())
        longest = max(len(line.rstrip()) for line in told.splitlines())
        assert longest <= 44 if stream.isatty() else longest > 100, told


def test_many_environments_are_columns_of_glyphs_with_their_names_beside(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from pgmig_tui.cli.status import _show_open
    from pgmig_tui.display.cells import state_cell

    monkeypatch.setenv("COLUMNS", "80")
    names = [f"environment-{number}" for number in range(1, 13)]
    change: Line = (("20260311_0001_drop_session_suppliers_history", "plain"),)
    rows: list[list[Line]] = [[change, *((state_cell("deployed"),) for _ in range(11)), (state_cell("pending"),)]]
    _show_open(names, rows)
    shown = capsys.readouterr().out.splitlines()
    assert [line.split() for line in shown[:12]] == [[str(n), f"environment-{n}"] for n in range(1, 13)]
    assert shown[12].split() == ["change", *(str(number) for number in range(1, 13))]
    assert shown[14].split() == ["20260311_0001_drop_session_", *["+"] * 11, "."]
    assert shown[15].split() == ["suppliers_history"]
    _show_open(names[:1], [row[:2] for row in rows])
    assert capsys.readouterr().out.splitlines()[0].split() == ["change", "environment-1"]


def test_json_is_one_document_alone_on_stdout(checkout: Checkout) -> None:
    import json

    conf = (checkout.root / "sqitch.conf").read_text()
    checkout.write("sqitch.conf", conf + "[deploy]\n\tmode = all\n")
    done = checkout.run("status", "--json")
    assert json.loads(done.out)["project"] == "shop"
    assert "mode = all" in done.err


def test_names_beyond_ascii_in_a_locale_that_has_none(checkout: Checkout) -> None:
    checkout.plan("größe {at} # 大きさ")
    done = checkout.run(
        "plan", env={"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": "ascii"}
    )
    assert done.status == 0, done.err
    assert "gr\\xf6\\xdfe" in done.out


def test_an_error_of_our_own_leaves_a_report_and_no_traceback(checkout: Checkout) -> None:
    broken = checkout.root / "broken"
    broken.mkdir()
    (broken / "sitecustomize.py").write_text(
        "import pgmig_tui.cli.choose as c\n"
        "def boom(*a, **k):\n    password = 'hunter22'\n    raise ZeroDivisionError('at \\x1b[31m')\n"
        "c.project_here = boom\n"
    )
    path = f"{broken}:{environment(checkout.home)['PYTHONPATH']}"
    done = checkout.run("plan", env={"PYTHONPATH": path})
    assert done.status == 1
    assert "ZeroDivisionError" in done.err
    assert "Traceback" not in done.err
    assert "pgmig-tui runs" in done.err
    (report,) = (checkout.home / "state" / "pgmig-tui" / "errors").iterdir()
    assert str(report) in done.err
    text = report.read_text()
    assert "Traceback" in text
    assert report.stat().st_mode & 0o077 == 0


def test_an_error_in_a_line_keeps_its_sentences_apart() -> None:
    error = PgmigError("server x can't be reached: no such database", now="Nothing was changed.", do="Check the names")
    told = in_a_line(str(error))
    assert told == "server x can't be reached: no such database. Nothing was changed. Check the names."
