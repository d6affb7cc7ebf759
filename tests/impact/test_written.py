"""The JSON that is written directly says what the dictionaries say."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pgmig_tui.impact.facts import Column, DatabaseFacts, Name, Relation
from pgmig_tui.impact.predict import predict_script, to_json
from pgmig_tui.impact.written import script_text
from tests.impact.statements import One, script
from tests.script.reading import previewed

CORPUS = sorted((Path(__file__).resolve().parents[2] / "benchmarks" / "corpus").glob("*.sql"))


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.stem)
def test_every_statement_of_the_corpus(path: Path) -> None:
    view = previewed(path.read_bytes())
    impact = predict_script(view.statements, path=path.name)
    assert json.loads(script_text(impact, "one")) == to_json(impact, "one")
    assert script_text(impact, "one") == json.dumps(to_json(impact, "one"))


def test_every_field_and_any_text() -> None:
    table = Relation(Name("a\x1b", 'b"\u2028'), "r", {"x": Column("x", "int4")}, bytes=10**9, rows=10**7)
    statements = [
        *script('ALTER TABLE "a\x1b"."b""\u2028" ALTER x TYPE bigint', "nonsense \\ \u0000", "VACUUM t", "COMMIT"),
        One("DROP TABLE :t", possible=True, variables=("t",), then="gexec"),
    ]
    for facts in (None, DatabaseFacts({table.name: table})):
        impact = predict_script(statements, facts, wrapped=True, path="dé\n")
        assert json.loads(script_text(impact, "ü", ', "more": [1]')) == {**to_json(impact, "ü"), "more": [1]}
