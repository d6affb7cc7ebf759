"""What a failure that is told says to programs: the SQLSTATE that the server would answer with."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pgmig_tui.impact
from pgmig_tui.impact.predict import predict_script
from tests.impact.statements import script

_CODE = re.compile(r"\(([0-9A-Z]{5})\)$")
_FORWARDED = {"inside {}: {}"}
"""Texts that are put before one with a code."""


def _literals(node: ast.expr) -> Iterator[str]:
    match node:
        case ast.Constant(value=str(text)):
            yield text
        case ast.JoinedStr(values):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in values)
        case ast.BoolOp(values=values):
            for value in values:
                yield from _literals(value)
        case ast.IfExp(body=body, orelse=orelse):
            yield from _literals(body)
            yield from _literals(orelse)


def _problems() -> Iterator[tuple[str, str]]:
    for path in sorted(Path(pgmig_tui.impact.__path__[0]).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Assign) and getattr(node.targets[0], "attr", "") == "problem":
                said = node.value
            elif isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "fail":
                said = node.args[0]
            else:
                continue
            for text in _literals(said):
                yield f"{path.name}:{node.lineno}", text


def test_every_failure_that_a_rule_words_ends_with_its_sqlstate() -> None:
    found = [(where, text) for where, text in _problems() if text and text not in _FORWARDED]
    assert len(found) > 100
    without = [(where, text) for where, text in found if not _CODE.search(text) and not text.endswith("{}")]
    assert without == []


def test_a_problem_has_the_code_in_a_field_and_says_whether_it_is_inside_code() -> None:
    text = "DROP TABLE t;\nDROP TABLE t;\nDO $$ BEGIN DROP TABLE t; END $$;\nSELEC 1;\n"
    problems = [one.problem for one in predict_script(script(*text.splitlines())).statements]
    told = [(one.sqlstate, one.inside) if one is not None else None for one in problems]
    assert told == [None, ("42P01", False), ("42P01", True), ("42601", False)]
