"""What a failure that is told says to programs: the SQLSTATE that the server would answer with."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pgmig_tui.impact
from pgmig_tui.impact.predict import predict_script
from tests.impact.statements import script

_CODE = re.compile(r"[0-9A-Z]{5}")
_CODE_IN_WORDS = re.compile(r"\([0-9A-Z]{5}\)$")


def _calls(name: str) -> Iterator[tuple[str, ast.Call]]:
    for path in sorted(Path(pgmig_tui.impact.__path__[0]).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and name == getattr(node.func, "attr", getattr(node.func, "id", "")):
                yield f"{path.name}:{node.lineno}", node


def _literal(node: ast.expr) -> str:
    parts = node.values if isinstance(node, ast.JoinedStr) else [node]
    return "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in parts)


def test_every_failure_that_a_rule_words_has_its_sqlstate() -> None:
    coded = [(where, node) for name in ("fail", "Refusal") for where, node in _calls(name) if len(node.args) == 2]
    assert len(coded) > 200
    wrong = [
        where
        for where, node in coded
        if isinstance(node.args[1], ast.Constant) and not _CODE.fullmatch(str(node.args[1].value))
    ]
    wrong += [where for where, node in coded if _CODE_IN_WORDS.search(_literal(node.args[0]))]
    wrong += [
        where
        for where, node in _calls("fail")
        if len(node.args) == 1 and isinstance(node.args[0], ast.Constant | ast.JoinedStr)
    ]
    assert wrong == []


def test_a_problem_has_the_code_in_a_field_and_says_whether_it_is_inside_code() -> None:
    text = "DROP TABLE t;\nDROP TABLE t;\nDO $$ BEGIN DROP TABLE t; END $$;\nSELEC 1;\n"
    problems = [one.problem for one in predict_script(script(*text.splitlines())).statements]
    told = [(one.sqlstate, one.inside) if one is not None else None for one in problems]
    assert told == [None, ("42P01", False), ("42P01", True), ("42601", False)]
