"""New changes before they are written: what they are called, depend on and lock, and what lint says of them."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from pgmig_tui.errors import UsageError
from pgmig_tui.impact.result import StatementImpact
from pgmig_tui.project.author.patterns.every import BY_NAME, PATTERNS
from pgmig_tui.project.project import Project
from pgmig_tui.review.column_in_plan import ColumnInPlan, column_in_plan
from pgmig_tui.review.enum_in_plan import enum_in_plan
from pgmig_tui.review.new_changes import look_back, proposed
from pgmig_tui.review.new_drafts import drafts_of
from pgmig_tui.review.new_taken import refuse_taken
from pgmig_tui.script.actions import ServerFacts
from pgmig_tui.script.backfill import batched_script, declares
from pgmig_tui.script.files import Allow
from pgmig_tui.script.given import QualifiedName
from pgmig_tui.script.preview import preview
from tests.memory_files import MemoryFiles
from tests.review.pattern_cases import BASE, CASES, NAME, Case, awkward, changes_of, project, seen_of

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


def test_names_that_look_like_something_else_are_names(tmp_path: Path) -> None:
    of = project(tmp_path / "awkward", awkward(BASE))
    for case in CASES:
        texts = {name: awkward(text) for name, text in case.texts.items()}
        for one in seen_of(of, replace(case, texts=texts)):
            assert one.change.wanted.requires
            assert {each.code for each in one.findings} <= TOLD, one.findings


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


MADE = """
CREATE SCHEMA s;
CREATE TYPE s.kind AS ENUM ('a', 'b');
CREATE TABLE s.t (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, a s.kind NOT NULL DEFAULT 'a', b numeric(12,2),
                  c text COLLATE "C", g int GENERATED ALWAYS AS (id) STORED);
ALTER TABLE s.t ADD COLUMN d varchar(20) DEFAULT 'x' || 'y', ALTER COLUMN b SET NOT NULL, ADD COLUMN e int;
CREATE TABLE s.u (x int, y int, PRIMARY KEY (x, y));
"""
LATER = """
ALTER TABLE s.t RENAME TO t2;
ALTER TABLE s.t2 RENAME COLUMN d TO d2;
ALTER TABLE s.t2 ALTER COLUMN b TYPE bigint, ALTER COLUMN b SET DEFAULT 7, ALTER COLUMN a DROP NOT NULL, DROP COLUMN e;
ALTER TYPE s.kind ADD VALUE 'c' BEFORE 'b';
ALTER TYPE s.kind RENAME VALUE 'a' TO 'z';
CREATE INDEX i ON s.t2 (b); ALTER TABLE s.t2 ADD CONSTRAINT k CHECK (b > 0) NOT VALID;
DROP TABLE s.u;
"""


def test_the_plan_knows_what_columns_and_enums_are(tmp_path: Path) -> None:
    of = project(tmp_path / "known", MADE, LATER)
    t2 = QualifiedName("s", "t2")
    known = {name: column_in_plan(of, t2, name) for name in ("a", "b", "d2", "e", "d")}
    assert known == {
        "a": ColumnInPlan("s.kind", "'a'"), "b": ColumnInPlan("bigint", "7", True),
        "d2": ColumnInPlan("varchar(20)", "'x' || 'y'"), "e": None, "d": None,
    }  # fmt: skip
    assert column_in_plan(of, QualifiedName("s", "t"), "a") is None
    assert column_in_plan(of, QualifiedName("s", "u"), "x") is None
    for name in ("id", "c", "g"):
        found = column_in_plan(of, t2, name)
        assert found is not None
        assert not found.whole
    enum = enum_in_plan(of, QualifiedName("s", "kind"))
    assert enum.labels == ["z", "c", "b"]
    assert list(enum.used_by) == [(t2, "a")]
    dropped = drafts_of(of, BY_NAME["drop-column"], {"table": ["s.t2"], "column": ["b"], "because": ["no"]})
    assert len(dropped) == 3
    assert dropped[-1].before.endswith("The plan has made on b: constraint k, index i.")
    assert dropped[-2].before.endswith("constraint k, index i.")
    assert "ADD COLUMN b_dropped bigint DEFAULT 7;" in dropped[-1].revert
    with pytest.raises(UsageError, match="generated, an identity, or has a collation"):
        drafts_of(of, BY_NAME["drop-column"], {"table": ["s.t2"], "column": ["g"], "because": ["no"]})


def test_who_made_a_column_is_needed_as_well_as_who_made_its_table(tmp_path: Path) -> None:
    of = project(tmp_path / "needs", "CREATE SCHEMA s; CREATE TABLE s.t (id int);", "ALTER TABLE s.t ADD COLUMN c int;")
    answers = {"table": ["s.t"], "on": ["c"]}
    drafts = drafts_of(of, BY_NAME["index"], answers)
    (needs,) = proposed(of, drafts, look_back(of, drafts))
    assert of.plan.changes[-1].name in needs


TAKEN = """
CREATE SCHEMA s; CREATE TABLE s.p (id int PRIMARY KEY);
CREATE TABLE s.t (a int CHECK (a > 0), b int, c int UNIQUE, gone int, was int);
CREATE INDEX t_b_idx ON s.t (b); CREATE VIEW s.v AS SELECT a FROM s.t; CREATE TABLE public.t (b int);
"""
TAKEN_LATER = """
ALTER TABLE s.t DROP COLUMN gone; ALTER TABLE s.t RENAME COLUMN was TO now_is;
CREATE TABLE s.again (x int); DROP TABLE public.t; CREATE POLICY p ON s.t;
"""
ANEW = "DROP TABLE s.again; CREATE TABLE s.again (y int); CREATE TABLE s.perhaps (x int);"
UNSURE = "DO $$BEGIN IF random() > 0.5 THEN DROP TABLE s.perhaps; END IF; END$$;"


@pytest.mark.parametrize(
    ("pattern", "texts", "said"),
    [
        ("foreign-key", {"columns": "b", "references": "s.p"}, "index s.t_b_idx already: 20260101_0001_base makes it"),
        ("foreign-key", {"columns": "b", "references": "s.p", "no_index": "yes"}, ""),
        ("index", {"on": "b"}, "index s.t_b_idx already"),
        ("index", {"on": "b", "index": "p"}, "table s.p already"),
        ("index", {"on": "b", "index": "t_b_idx2"}, ""),
        ("index", {"table": "public.t", "on": "b"}, ""),
        ("check", {"check": "a > 1"}, "constraint s.t.t_a_check already"),
        ("check", {"check": "a > 1", "constraint": "a_2"}, ""),
        ("unique", {"columns": "c"}, "constraint s.t.t_c_key already"),
        ("add-column", {"column": "b", "type": "int"}, "column s.t.b already"),
        ("add-column", {"column": "now_is", "type": "int"}, "column s.t.now_is already"),
        ("add-column", {"column": "was", "type": "int"}, ""),
        ("add-column", {"column": "gone", "type": "int"}, ""),
        ("add-column", {"table": "s.again", "column": "x", "type": "int"}, ""),
        ("add-column", {"table": "s.again", "column": "y", "type": "int"}, "column s.again.y already"),
        ("add-column", {"table": "s.perhaps", "column": "x", "type": "int"}, ""),
        ("check", {"table": "s.v", "check": "a > 1"}, "s.v is a view: 20260101_0001_base makes it"),
        ("not-null", {"table": "s.v", "column": "a"}, "s.v is a view"),
        ("rename-table", {"to": "v"}, "view s.v already"),
        ("row-security", {"using": "true", "policy": "p"}, "policy s.t.p already"),
        ("change-type", {"column": "b", "type": "bigint", "key": "a"}, ""),
    ],
)
def test_what_is_there_already_is_not_made_again(
    taken: Project, pattern: str, texts: dict[str, str], said: str
) -> None:
    answers = {"table": ["s.t"], **{name: [text] for name, text in texts.items()}}
    drafts = drafts_of(taken, BY_NAME[pattern], answers)
    earlier = look_back(taken, drafts)
    if not said:
        refuse_taken(drafts, earlier)
        return
    with pytest.raises(UsageError, match=re.escape(said)):
        refuse_taken(drafts, earlier)


@pytest.fixture(scope="module")
def taken(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return project(tmp_path_factory.mktemp("taken") / "shop", TAKEN, TAKEN_LATER, ANEW, UNSURE)
