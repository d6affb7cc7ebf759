"""The lock impact of a script in words."""

from __future__ import annotations

from dataclasses import replace

from pgmig_tui.display.cells import text_of
from pgmig_tui.display.safe import safe
from pgmig_tui.gates.impacts import Inspected
from pgmig_tui.impact.modes import LockMode
from pgmig_tui.impact.predict import predict_script
from pgmig_tui.impact.result import (
    Advice,
    Blocks,
    DataLoss,
    Estimate,
    Lock,
    ScriptImpact,
    StatementImpact,
    StatementProblem,
)
from pgmig_tui.report import impact_report
from tests.impact.statements import script

ADD = StatementImpact(
    line=4,
    end_line=6,
    sql="ALTER TABLE public.documents ADD COLUMN x int",
    kind="ALTER TABLE",
    locks=(
        Lock("public", "authors", "r", LockMode.SHARE_ROW_EXCLUSIVE, "likely", "foreign key"),
        Lock("public", "documents", "r", LockMode.ACCESS_EXCLUSIVE, "certain", "ADD COLUMN"),
        Lock("public", "made_here", "r", LockMode.ACCESS_EXCLUSIVE, "certain", "CREATE TABLE", new=True),
    ),
    rewrites=("public.documents",),
    scans=("public.documents",),
    blocks=Blocks(True, True, True),
    held_until_line=12,
    estimated_ms=Estimate(2000, 90000),
    rows=200_000,
    bytes=64 * 1024 * 1024,
    risk="high",
    advice=(Advice("L001", "add it without a default", "ALTER TABLE …;\nUPDATE …;"),),
)
DROP = StatementImpact(
    line=9,
    end_line=9,
    sql="DROP …",
    kind="DROP TABLE",
    data_loss=DataLoss(4, ("table [/foo]\x1b[31m",)),
    risk="critical",
)
BAD = StatementImpact(
    line=11, end_line=11, sql="SELEC", kind="UNPARSED", problem=StatementProblem("syntax error", 11, 1), risk="high"
)
BEGIN = StatementImpact(line=1, end_line=1, sql="BEGIN", kind="BEGIN", transaction_control="begin")
SCRIPT = ScriptImpact("deploy/x.sql", True, (BEGIN, ADD, DROP, BAD), ())


def cells() -> list[list[str]]:
    return [[cell if isinstance(cell, str) else text_of(cell) for cell in row] for row in impact_report.rows(SCRIPT)]


def test_a_row_for_each_lock_the_strongest_first_and_none_for_new_relations() -> None:
    assert cells()[0] == [
        "4",
        "ALTER TABLE",
        "ACCESS EXCLUSIVE",
        "public.documents",
        "reads, writes, DDL",
        "line 12",
        "rewrites public.documents; about 200.0k rows, 64 MB; 2.0 s to 1 min 30 s",
        "high",
    ]
    assert cells()[1] == ["", "", "SHARE ROW EXCLUSIVE (likely)", "public.authors", "", "", "", ""]
    assert not any("made_here" in cell for row in cells() for cell in row)
    assert not any(row[1] == "BEGIN" for row in cells())


def test_what_can_not_be_parsed_is_never_silent() -> None:
    assert cells()[-1][1] == "UNPARSED"
    assert "x line 11: syntax error (line 11, column 1)" in [text_of(line) for line in impact_report.remarks(SCRIPT)]


def test_losses_are_shown_in_the_row_and_below_and_can_not_steer_the_terminal() -> None:
    told = [text_of(line) for line in impact_report.remarks(SCRIPT)]
    assert "! line 9: loses table [/foo]␛[31m" in told
    assert cells()[2][6] == "LOSES table [/foo]␛[31m"
    for text in (*told, *(cell for row in cells() for cell in row)):
        assert text == safe(text)


def test_the_headline_says_mode_strongest_lock_and_risk() -> None:
    assert text_of(impact_report.headline(SCRIPT, "add_x")) == (
        "add_x  deploy/x.sql  one transaction, ACCESS EXCLUSIVE on public.documents, risk critical"
    )
    empty = ScriptImpact("deploy/y.sql", False, (), ())
    assert "statement by statement, no lock that others could notice, risk none" in text_of(
        impact_report.headline(empty)
    )
    fails = StatementImpact(7, 7, "ALTER TABLE gone", "ALTER TABLE", problem=StatementProblem("gone does not exist", 7))
    hidden = StatementImpact(3, 3, "DO $$ … $$", "DO", unknown=("what EXECUTE runs",))
    for one in (fails, hidden):
        told = text_of(impact_report.headline(replace(empty, statements=(replace(one, risk="high"),))))
        assert "which locks it takes is unknown, risk high" in told
        assert replace(empty, statements=(one,)).lock_word == "?"
    assert (empty.lock_word, SCRIPT.lock_word) == ("", "ACCESS EXCLUSIVE")
    assert fails.trouble == "would fail: gone does not exist"
    assert replace(fails, kind="UNPARSED").trouble == "can't be read: gone does not exist"


def test_markdown_is_a_table_that_hostile_names_do_not_break() -> None:
    text = impact_report.markdown([Inspected("add_x", SCRIPT, ())], ["server 18.4"])
    rows = [row for row in text.splitlines() if row.startswith("|")]
    assert [row.count("|") for row in rows] == [6] * 3 + [9] * (len(rows) - 3)
    assert "&#91;/foo&#93;" in text
    assert text == safe(text, multiline=True)


def test_a_high_risk_is_at_least_medium_and_a_low_one_is_not() -> None:
    assert impact_report.at_least("high", "medium")
    assert impact_report.at_least("high", "high")
    assert not impact_report.at_least("low", "medium")


def test_concurrently_is_part_of_the_kind() -> None:
    def first(sql: str) -> str:
        return impact_report.kind_words(predict_script(script(sql)).statements[0])

    assert first("CREATE INDEX CONCURRENTLY i ON t (a)") == "CREATE INDEX CONCURRENTLY"
    assert first("CREATE INDEX i ON t (a)") == "CREATE INDEX"


def test_statements_that_say_the_same_share_a_row_and_their_remarks() -> None:
    texts = ["BEGIN", *["INSERT INTO t VALUES (1)"] * 3, "DROP TABLE t", "INSERT INTO u VALUES (1)", "COMMIT"]
    impact = predict_script(script(*texts, *["DROP TABLE a, b"] * 2))
    told = [
        (row[0], row[1] if isinstance(row[1], str) else text_of(row[1]), row[3]) for row in impact_report.rows(impact)
    ]
    assert told == [
        ("2-4", "INSERT x 3", "public.t"),
        ("5", "DROP TABLE", "public.t"),
        ("6", "INSERT", "public.u"),
        ("8", "DROP TABLE", "public.a"),
        ("", "", "public.b"),
        ("9", "DROP TABLE", "-"),
    ]
    twice = predict_script(script(*["DELETE FROM t"] * 2))
    remarks = [text_of(one) for one in impact_report.remarks(twice)]
    assert remarks[0] == "! lines 1 to 2: loses all rows of public.t"
