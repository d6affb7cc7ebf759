"""The sample project keeps the rules that it is a model of: what can be seen without a server."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path

import pytest

from pgmig_tui.project.plan import parse_plan

ROOT = Path(__file__).parents[2]
PLAN = parse_plan((ROOT / "sqitch.plan").read_bytes(), ROOT / "sqitch.plan")
SCRIPTS = sorted(path for kind in ("deploy", "revert", "verify") for path in (ROOT / kind).iterdir())

# These can't, or for the sake of their batches mustn't, run inside one transaction.
WITHOUT_TRANSACTION = {
    "deploy/20250311_0001_fill_search_vector.sql",
    "revert/20250311_0001_fill_search_vector.sql",
    "deploy/20250312_0001_index_search_vector.sql",
    "revert/20250312_0001_index_search_vector.sql",
}


def path_in_project(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def code(script: Path) -> str:
    """The script without its comment lines."""
    return "\n".join(line for line in script.read_text().splitlines() if not line.startswith("--")).strip()


def test_the_plan_holds_what_the_project_shows() -> None:
    assert PLAN.project == "documents"
    assert len(PLAN.changes) >= 16
    assert [tag.name for change in PLAN.changes for tag in change.tags] == ["v1.0", "v1.1"]
    reworked = [change.name for change in PLAN.changes if change.superseded_by is not None]
    assert reworked == ["20250127_0001_create_search_documents"]


def test_names_have_a_date_a_number_and_words() -> None:
    for change in PLAN.changes:
        match = re.fullmatch(r"(\d{8})_\d{4}(?:_[a-z0-9]+)+", change.name)
        assert match, change.name
        datetime.strptime(match[1], "%Y%m%d")
    added = list(dict.fromkeys(change.name for change in PLAN.changes))
    assert added == sorted(added)


def test_every_change_has_its_three_scripts_and_no_script_is_left_over() -> None:
    files = {change.name + ("@v1.1" if change.superseded_by is not None else "") + ".sql" for change in PLAN.changes}
    for kind in ("deploy", "revert", "verify"):
        assert {path.name for path in (ROOT / kind).iterdir()} == files


def test_no_two_deploy_scripts_are_identical() -> None:
    contents = [path.read_bytes() for path in (ROOT / "deploy").iterdir()]
    assert len(set(contents)) == len(contents)


@pytest.mark.parametrize("script", SCRIPTS, ids=path_in_project)
def test_a_header_says_why_what_may_happen_and_the_way_back(script: Path) -> None:
    header = script.read_text().split("\n\n")[0].splitlines()
    assert all(line.startswith("--") for line in header)
    kind, name = script.parent.name, script.stem.partition("@")[0]
    preposition = {"deploy": "to", "revert": "from", "verify": "on"}[kind]
    assert header[0] == f"-- {kind.capitalize()} documents:{name} {preposition} pg"
    for word in ("Why:", "Risk:", "Rollback:"):
        assert sum(line.startswith(f"-- {word} ") for line in header) == 1, word


@pytest.mark.parametrize("change", PLAN.changes, ids=lambda change: str(change.index))
def test_deploy_scripts_name_the_changes_that_they_require(change: object) -> None:
    change = PLAN.changes[change.index]  # type: ignore[attr-defined]
    suffix = "@v1.1" if change.superseded_by is not None else ""
    lines = (ROOT / "deploy" / f"{change.name}{suffix}.sql").read_text().splitlines()
    said = [line.removeprefix("-- requires: ") for line in lines if line.startswith("-- requires: ")]
    assert said == [dependency.text for dependency in change.requires]


@pytest.mark.parametrize("script", SCRIPTS, ids=path_in_project)
def test_scripts_are_one_transaction_unless_they_can_not_be(script: Path) -> None:
    text = code(script)
    if path_in_project(script) in WITHOUT_TRANSACTION:
        assert "BEGIN;" not in text
        return
    assert text.startswith("BEGIN;\n")
    assert text.endswith("\nROLLBACK;" if script.parent.name == "verify" else "\nCOMMIT;")


def test_a_concurrent_index_stands_alone() -> None:
    for script in SCRIPTS:
        if "CONCURRENTLY" in code(script):
            assert code(script).count(";") == 1, script


def test_the_patterns_that_verify_nothing_are_not_used() -> None:
    """A plain SELECT from a catalog returns no row and no error: it passes whether its object is there or not."""
    for script in (ROOT / "verify").iterdir():
        outside_blocks = re.sub(r"DO \$\$.*?\$\$;", "", code(script), flags=re.DOTALL)
        assert not re.search(r"FROM\s+(pg_catalog|information_schema)\.", outside_blocks), script
