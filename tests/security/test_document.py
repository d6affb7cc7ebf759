"""docs/security.md names a test for each attack."""

from __future__ import annotations

import ast
import re
from pathlib import Path

TESTS = Path(__file__).parents[1]
PAGE = TESTS.parent / "docs" / "security.md"
_NAMED = re.compile(r"`([\w/]+\.py)::(\w+)`")


def test_each_test_that_it_names_exists() -> None:
    named = _NAMED.findall(PAGE.read_text(encoding="utf-8"))
    missing = []
    for file, name in named:
        path = TESTS / file
        found = {
            node.name
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        }
        missing += [f"{file}::{name}"] if name not in found else []
    assert (len(named) > 25, missing) == (True, [])


def test_each_row_names_one() -> None:
    rows = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
    assert [row for row in rows if not _NAMED.search(row) and not row.endswith("| test |")] == []


def test_the_readme_leads_to_the_page_on_security() -> None:
    assert "docs/security.md" in (TESTS.parent / "README.md").read_text(encoding="utf-8")
