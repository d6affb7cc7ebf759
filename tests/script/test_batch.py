"""Statements that are parsed together have the trees that each has alone."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pgmig_tui.script.batch import ParseAhead, parse_together
from pgmig_tui.script.parse import Parsed, parse
from pgmig_tui.script.statement import Statement
from tests.script.reading import previewed

CORPUS = sorted((Path(__file__).resolve().parents[2] / "benchmarks" / "corpus").glob("*.sql"))


def alike(statements: list[Statement]) -> None:
    """Compares with each statement parsed alone; places inside the text are those of the joint text."""
    for one in statements:
        alone, parsed = parse(one.text, one.line, one.variables), one._parsed
        assert parsed.problem == alone.problem, one.text
        assert [without_places(node) for node in parsed.nodes] == [without_places(node) for node in alone.nodes], (
            one.text
        )


def without_places(node: object) -> str:
    return "\n".join(line for line in str(node).splitlines() if not re.search(r"location:|_(len|start|end):", line))


def together(texts: list[str]) -> list[Statement]:
    statements = [Statement("x.sql", number, number, text) for number, text in enumerate(texts, 1)]
    parse_together(statements)
    return statements


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.stem)
def test_every_statement_of_the_corpus(path: Path) -> None:
    statements = list(previewed(path.read_bytes()).statements)
    parse_together(statements)
    assert sum("_parsed" in one.__dict__ for one in statements) > len(statements) * 0.5
    alike(statements)


def test_what_is_broken_stays_alone() -> None:
    good = "ALTER TABLE t ADD c int"
    texts = [
        good,
        "ALTER TABEL t",
        good,
        "SELECT 'é\udc80'",
        "",
        "-- nothing",
        "SELECT 1 -- x",
        "SELECT 'open",
        good,
        "SELECT " + "(" * 500 + "1" + ")" * 500,
        "SELECT 1; SELECT 2",
        "SELECT $$;$$",
        good,
    ]
    alike(together(texts))
    alike(together(["SELECT 'a' 'b", "c'", good]))
    alike(together([]))


@given(st.lists(st.sampled_from(["SELECT 1", "SELECT '", "'", "/*", "*/", "--", "", ";", "$$", "é", "DROP TABLE t"])))
def test_no_text_runs_into_the_next(texts: list[str]) -> None:
    alike(together(texts))


def test_statements_come_in_order_and_parsed() -> None:
    views = [previewed("".join(f"ALTER TABLE t{n} ADD c{m} int;\n" for m in range(n * 40))) for n in range(8)]
    with ParseAhead() as ahead:
        for view in views:
            ahead.give(view.statements)
        ahead.close()
        for view in views:
            seen = []
            for one in ahead.ready(view.statements):
                assert one.__dict__["_parsed"] != Parsed(())
                seen.append(one)
            assert seen == list(view.statements)


def test_few_inserts_are_parsed_with_the_rest_and_many_are_not() -> None:
    alter, insert = "ALTER TABLE t ADD c int", "INSERT INTO t VALUES (1)"
    few, many = together([alter] * 8 + [insert]), together([alter] + [insert] * 8)
    assert ["_parsed" in one.__dict__ for one in few] == [True] * 9
    assert ["_parsed" in one.__dict__ for one in many] == [True] + [False] * 8
