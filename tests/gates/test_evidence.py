"""What is kept of an item, and how it is told: the program's own sight, a person's word, and what is missing."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from pgmig_tui.database.checks import CheckResult
from pgmig_tui.display.cells import text_of
from pgmig_tui.gates.checklist import ChecklistItem
from pgmig_tui.gates.evidence import ROWS_BYTES, ItemEvidence, columns_of, evidence_lines, evidence_of
from pgmig_tui.gates.gate import Answer, evaluate

CHECK = ChecklistItem("check:x", "pre", "No x", "check", "x")
WORD = ChecklistItem("pre:y", "pre", "Tell y", "attested", asks="who was told?")
SERVER = replace(CHECK, id="check:server", overridable=False)
AT = "2026-01-01T00:00:00Z"
FOUND = CheckResult("x", "No x", "PASS", "none", ({"pid": 7},), "ab" * 32, AT, AT, "dba", "SELECT 1")


def kept(item: ChecklistItem, check: CheckResult | None = None, answer: Answer | None = None) -> ItemEvidence:
    gate = evaluate([item], [check] if check else [], [answer] if answer else [], protected=True)
    return evidence_of(gate.results[0], "db:pg://db1/x")


def test_what_the_program_saw_is_kept_whole() -> None:
    one = kept(CHECK, FOUND)
    assert (one.seen, one.saw, one.sql, one.sql_hash, one.rows) == (
        "PASS",
        "none",
        "SELECT 1",
        "ab" * 32,
        ({"pid": 7},),
    )
    assert (one.role, one.server, one.answered_how, one.missing) == ("dba", "db:pg://db1/x", "", "")
    told = "\n".join(text_of(line) for line in evidence_lines(one))
    for text in ("PASS: none", "nobody", "pid = 7", "ab" * 32, "db:pg://db1/x", "SELECT 1"):
        assert text in told


@pytest.mark.parametrize(
    ("item", "state", "answer", "said", "missing"),
    [
        (WORD, None, None, "", "a person's word: who was told?"),
        (WORD, None, Answer("pre:y", "attest", "all", "Ann", AT), "all (Ann, 2026-01-01 00:00:00Z)", ""),
        (CHECK, "FAIL", None, "", "it has to be put right, or a person gives a reason"),
        (CHECK, "UNKNOWN", Answer("check:x", "override", "known since May", "Ann", AT),
         "OVERRIDDEN: known since May (Ann, 2026-01-01 00:00:00Z)", ""),
        (CHECK, "PASS", Answer("check:x", "attest", "fine", "Ann", AT), "",
         "the answer that was given does not count: checked by the program, nobody can attest it"),
        (CHECK, "WARN", None, "", "nothing, but look at it"),
        (SERVER, "FAIL", None, "", "it has to be put right, no answer opens it"),
    ],
)  # fmt: skip
def test_three_columns_tell_what_was_seen_who_said_what_and_what_is_missing(
    item: ChecklistItem, state: str | None, answer: Answer | None, said: str, missing: str
) -> None:
    found = None if state is None else replace(FOUND, state=state, summary="some")  # type: ignore[arg-type]
    seen = "" if state is None else f"{state}: some"
    assert columns_of(kept(item, found, answer)) == (seen, said, missing)


def test_a_person_s_word_never_hides_what_was_seen() -> None:
    found = replace(FOUND, state="FAIL", summary="two")
    one = kept(CHECK, found, Answer("check:x", "override", "known one", "Ann", AT))
    assert (one.seen, one.saw, one.note) == ("FAIL", "two", "known one")


def test_rows_are_bounded_without_secrets_and_steer_nothing() -> None:
    row = {"query": "ALTER ROLE x PASSWORD 'hunter2' \x1b[2J", "n": None}
    one = kept(CHECK, replace(FOUND, rows=(row,) * 10_000))
    assert len(json.dumps(one.rows)) <= 2 * ROWS_BYTES
    assert len(one.rows) + one.rows_left_out == 10_000
    told = "\n".join(text_of(line) for line in evidence_lines(one))
    assert "hunter2" not in told + str(one.rows)
    assert "\x1b" not in told
    assert f"and {one.rows_left_out} more, which were not kept" in told
