"""Silenced advice: what stays, what is marked, and which comments are findings."""

from __future__ import annotations

import json

from pgmig_tui.impact.advice import silenced
from pgmig_tui.impact.predict import ScriptImpact, predict_script, to_json
from pgmig_tui.script.preview import Finding
from tests.script.reading import previewed


def looked_at(script: str) -> tuple[ScriptImpact, ScriptImpact, tuple[Finding, ...]]:
    view = previewed(script)
    before = predict_script(view.statements, path=view.path)
    return before, *silenced(before, view)


def test_the_advice_is_marked_with_its_reason_and_the_numbers_stay() -> None:
    before, after, findings = looked_at(
        "-- pgmig: allow index-concurrently the table has 40 rows\nCREATE INDEX ON t (x);\nCREATE INDEX ON t (y);"
    )
    first, second = after.statements
    assert first.silenced == {"index-concurrently": "the table has 40 rows"}
    assert (first.locks, first.risk, first.advice) == (
        before.statements[0].locks,
        before.statements[0].risk,
        before.statements[0].advice,
    )
    assert first.accepted
    assert not second.accepted
    assert second.silenced == {}
    assert after.risk == before.risk != "none"
    assert after.open_risk == second.risk
    assert findings == ()
    told = json.loads(json.dumps(to_json(after)))["statements"]
    assert [one["silenced"] for one in told] == [{"index-concurrently": "the table has 40 rows"}, {}]


def test_risk_counts_until_all_of_a_statements_advice_is_silenced() -> None:
    sql = "ALTER TABLE t ADD CONSTRAINT f FOREIGN KEY (a) REFERENCES u, ADD CONSTRAINT c CHECK (a > 0);"
    _, one, _ = looked_at(f"-- pgmig: allow fk-not-valid empty\n{sql}")
    assert one.open_risk == one.risk
    _, both, findings = looked_at(f"-- pgmig: allow fk-not-valid, check-not-valid empty\n{sql}")
    assert (both.open_risk, findings) == ("none", ())
    assert both.risk == one.risk


def test_a_statement_that_can_not_run_is_never_accepted() -> None:
    _, impact, _ = looked_at(
        "BEGIN;\n-- pgmig: allow reindex-concurrently small\nREINDEX TABLE t;\nVACUUM FULL t; "
        "-- pgmig: allow vacuum-full small\nCOMMIT;"
    )
    reindex, vacuum = impact.statements[1:3]
    assert reindex.accepted
    assert vacuum.problem is not None
    assert vacuum.silenced == {"vacuum-full": "small"}
    assert impact.open_risk == vacuum.risk


def test_an_unknown_rule_a_missing_reason_and_a_comment_that_is_not_needed_are_findings() -> None:
    _, impact, findings = looked_at(
        "-- pgmig: allow no-such-rule, fk-not-valid it is small\nSELECT 1;\n-- pgmig: allow index-concurrently\n"
        "CREATE INDEX ON t (x);"
    )
    assert [(one.line, one.code, one.refuses) for one in findings] == [(1, "silence", False)] * 2 + [
        (3, "silence", False)
    ]
    assert "no rule 'no-such-rule'" in findings[0].message
    assert "no advice fk-not-valid" in findings[1].message
    assert "gives no reason" in findings[2].message
    assert impact.open_risk == impact.risk
