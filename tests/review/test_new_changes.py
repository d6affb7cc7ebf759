"""New changes before they are written: what they are called, depend on and lock, and what lint says of them."""

from __future__ import annotations

import re

import pytest

from pgmig_tui.impact.result import StatementImpact
from pgmig_tui.project.author.patterns.every import PATTERNS
from pgmig_tui.project.project import Project
from pgmig_tui.script.actions import ServerFacts
from pgmig_tui.script.backfill import batched_script, declares
from pgmig_tui.script.files import Allow
from pgmig_tui.script.preview import preview
from tests.memory_files import MemoryFiles
from tests.review.pattern_cases import CASES, NAME, Case, changes_of, project, seen_of

TOLD = {"new-constraint"}
"""What lint says of good changes, too: for whoever releases the code, of severity info alone."""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return project(tmp_path_factory.mktemp("new") / "shop")


def test_every_pattern_has_a_case() -> None:
    assert {case.pattern for case in CASES} == {one.name for one in PATTERNS}


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_pattern_is_clean_and_locks_nothing_while_it_works(shop: Project, case: Case) -> None:
    seen = seen_of(shop, case)
    assert tuple(one.change.name.removeprefix("20260131_") for one in seen) == case.names
    for number, one in enumerate(seen):
        before = NAME if number == 0 else seen[number - 1].change.name
        assert one.change.wanted.requires == (before,)
        found = [(each.path, each.line, each.code, each.reason) for each in one.findings if each.code not in TOLD]
        assert found == []
        for inspected in (one.deploy, one.revert):
            assert inspected.findings == ()
            for statement in inspected.impact.statements:
                assert statement.problem is None
                assert not works_under_a_lock(statement), (inspected.impact.path, statement.sql)


def works_under_a_lock(one: StatementImpact) -> bool:
    """Whether others wait while rows are read or written, and the script doesn't say that there is no other way."""
    works = bool(one.rewrites or one.scans or one.rebuilds)
    return works and not one.accepted and (one.blocks.reads or one.blocks.writes)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_what_is_declared_for_batches_can_be_run_in_batches(shop: Project, case: Case) -> None:
    for one in changes_of(shop, case):
        data = one.scripts["deploy"]
        if declares(data):
            view = preview("x.sql", data, MemoryFiles({}), {}, Allow(), ServerFacts(180000, "db", "user"))
            found = batched_script("x.sql", data, view)
            (of,) = (name for name in ("table", "Order Items") if found.declaration.relation == ("Shop é", name))
            assert found.declaration.columns == (("select",) if of == "table" else ("id",))
            assert found.kind == "UPDATE"
            assert found.declaration.left
            assert found.declaration.left in found.text
            assert found.notes == ()
        assert declares(data) == ("fill" in one.name)


def test_comments_hold_no_comment_of_ours(shop: Project) -> None:
    case = Case(
        "add-column", {"table": '"a -- pgmig: lint ignore type-json no".b', "column": "c", "type": "json"}, ("x",)
    )
    note = "one\n-- pgmig: lint ignore type-json no\n--pgmig: backfill table=x key=y\x0cand \u2028more"
    (change,) = changes_of(shop, case, note)
    script = change.scripts["deploy"].decode()
    head = script[: script.index("BEGIN;")]
    assert head.count("\n-- Why: ") == 5
    assert not re.search("--\\s*pgmig", head)
    assert not declares(change.scripts["deploy"])
