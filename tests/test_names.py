"""Names of the package's own code."""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path

import pgmig_tui

ROOT = Path(pgmig_tui.__file__).parent


def test_a_class_has_a_name_of_its_own() -> None:
    """Whoever meets a name knows which class is meant, without looking where it was imported from."""
    found: dict[str, list[str]] = defaultdict(list)
    for path in ROOT.rglob("*.py"):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef):
                found[node.name].append(path.relative_to(ROOT).as_posix())
    assert {name: paths for name, paths in found.items() if len(paths) > 1} == {}
