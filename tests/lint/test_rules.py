"""Each rule finds what its page shows, and doesn't find what the page shows beside it; the pages are the table's."""

from __future__ import annotations

import ast
import os
from pathlib import Path

import pytest

from pgmig_tui.impact.advice import RULES as ADVICE
from pgmig_tui.lint import rules, table
from pgmig_tui.lint.pages import pages
from tests.lint.looking import of_example

DOCS = Path(__file__).parents[2] / "docs" / "rules" / "lint"


@pytest.mark.parametrize("code", table.RULES)
def test_a_rule_finds_its_bad_example_and_not_its_good_one(code: str) -> None:
    rule = table.RULES[code]
    assert code in of_example(rule.bad)
    assert code not in of_example(rule.good)


def used_codes() -> set[str]:
    found = set()
    for path in Path(rules.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("Hit", "Placed"):
                code = node.args[0]
                if isinstance(code, ast.Constant):
                    found.add(str(code.value))
    return found


def test_every_code_that_is_used_is_in_the_table_and_is_no_code_of_an_advice() -> None:
    assert used_codes() <= set(table.RULES)
    assert not set(table.RULES) & set(ADVICE)


def test_the_pages_are_those_of_the_table() -> None:
    wanted = pages()
    if os.environ.get("PGMIG_UPDATE_SNAPSHOTS"):
        DOCS.mkdir(parents=True, exist_ok=True)
        for path in DOCS.glob("*.md"):
            path.unlink()
        for name, text in wanted.items():
            (DOCS / name).write_text(text, encoding="utf-8")
    assert {path.name: path.read_text(encoding="utf-8") for path in DOCS.glob("*.md")} == wanted
