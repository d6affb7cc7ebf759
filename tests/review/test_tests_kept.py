"""Kept results of tests stand where changes are looked at: when, on what, how it ended, and what has changed since."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from pgmig_tui.display.cells import text_of
from pgmig_tui.project.project import load_project
from pgmig_tui.rehearse.measured import Fingerprints, Rehearsal, RehearsedScript, SchemaDifference
from pgmig_tui.review.tests_kept import keep_rehearsal, script_hashes
from pgmig_tui.run.journal.tested import FILE, KeptTest, kept_tests, note_tests, standing_of
from pgmig_tui.ui.backend import actions
from tests.cli.program import Checkout, shop
from tests.servers import Server

AT = "2026-11-30T22:15:00.000Z"
SERVER = "PostgreSQL 18.6 of our own"


@pytest.fixture
def checkout(pg18: Server, database_on: Callable[..., str], tmp_path: Path) -> Checkout:
    return shop(tmp_path, {"dev": pg18.uri(database_on(pg18))})


def keep(checkout: Checkout) -> Path:
    """`schema` has passed, `orders` has failed, `total` was never tested."""
    project = load_project(checkout.root, {"HOME": str(checkout.home)})
    state = checkout.home / "state" / "pgmig-tui"
    for name, outcome, told in (("schema", "passed", ""), ("orders", "failed", "revert")):
        change = project.plan.find(name)
        note_tests(
            state,
            [
                KeptTest(
                    AT, "test", name, change.change_id, SERVER, "passed" if outcome == "passed" else "failed",
                    script_hashes(project, change), told, rows=True,
                )
            ],
        )  # fmt: skip
    return state


def test_it_is_told_wherever_a_change_is_looked_at(checkout: Checkout) -> None:
    assert "tested 2026" not in checkout.run("impact").out
    state = keep(checkout)
    passed = f"tested 2026-11-30 22:15:00Z on {SERVER} with rows: passed"
    failed = f"tested 2026-11-30 22:15:00Z on {SERVER} with rows: failed: revert"
    impact = checkout.run("impact").out
    assert (f"  {passed}\n" in impact, f"  {failed}\n" in impact) == (True, True), impact
    told = [one["tested"] for one in json.loads(checkout.run("impact", "--json").out)["scripts"]]
    assert [one and (one["outcome"], one["changed_since"]) for one in told] == [("passed", []), ("failed", []), None]
    assert f"schema: {passed}" in checkout.run("lint", "schema").out
    packet = json.loads(checkout.run("review", "dev", "--json").out)
    assert packet["tests"] == "1 of 3 changes passed with these scripts, 1 failed"
    assert packet["changes"][0]["tested"]["line"] == passed
    text = checkout.run("review", "dev").out
    assert "- tests: 1 of 3 changes passed with these scripts, 1 failed\n" in text
    assert f"\n{passed}\n" in text

    checkout.write("verify/schema.sql", "SELECT 'shop'::regnamespace;\n")
    changed = f"{passed}; the verify script has changed since"
    assert f"  {changed}\n" in checkout.run("impact", "schema").out
    deploy = checkout.run("deploy", "dev", "--yes")
    assert changed in deploy.err + deploy.out
    assert json.loads(checkout.run("review", "dev", "--json").out)["tests"] is None, "nothing is pending any more"
    (state / FILE).write_text("no json\n" + (state / FILE).read_text())
    assert len(kept_tests(state)) == 2, "a line that can't be read hides no other"


def test_the_screen_tests_what_is_pending_and_keeps_it(checkout: Checkout) -> None:
    project = load_project(checkout.root, {"HOME": str(checkout.home)})
    state, told = checkout.home / "state" / "pgmig-tui", list[str]()
    lines = [text_of(one) for one in actions.test(project, project.environment("dev"), state, told.append)]
    assert lines[-1].startswith("+ 3 of 3 changes passed")
    assert lines[-2].startswith("+ total  -+-++"), "a change in a line, with a mark for each step"
    assert "0 of 3 changes, now schema: step 1 of 8, verify must fail" in told
    assert {one.outcome for one in kept_tests(state).values()} == {"passed"}


def test_many_changes_are_told_together(checkout: Checkout) -> None:
    checkout.plan(*(f"c{number} {{at}} # C" for number in range(7)))
    project = load_project(checkout.root, {"HOME": str(checkout.home)})
    for change in project.plan.changes:
        checkout.change(change.name, "SELECT 1;")
    rows = [
        KeptTest(AT, "test", one.name, one.change_id, SERVER, "passed" if one.index else "failed",
                 script_hashes(project, one))
        for one in project.plan.changes[:6]
    ]  # fmt: skip
    note_tests(checkout.home / "state" / "pgmig-tui", rows)
    checkout.change("c3", "SELECT 2;")
    last = checkout.run("lint").out.splitlines()[-1]
    assert last == (
        "4 of 7 changes passed their test with these scripts; failed: c0; changed since: c3; 1 not tested"
    )  # fmt: skip


def test_a_rehearsal_is_kept_as_well(checkout: Checkout) -> None:
    project = load_project(checkout.root, {"HOME": str(checkout.home)})
    schema, orders = (project.plan.find(name).change_id for name in ("schema", "orders"))
    scripts = [
        RehearsedScript("schema", schema, "deploy", "deploy/schema.sql", "atomic", True, 1),
        RehearsedScript("orders", orders, "deploy", "deploy/orders.sql", "atomic", True, 1),
        RehearsedScript("orders", orders, "revert", "revert/orders.sql", "atomic", True, 1),
        RehearsedScript("schema", schema, "revert", "revert/schema.sql", "atomic", True, 1),
        RehearsedScript("schema", schema, "redeploy", "deploy/schema.sql", "atomic", True, 1),
        RehearsedScript("orders", orders, "redeploy", "deploy/orders.sql", "atomic", True, 1),
    ]
    left = SchemaDifference("revert", "orders", "table", "shop.orders", "", "columns")
    whole = Rehearsal(
        "dev", "dev", 180006, 180006, SERVER, False, (), (), (), (), (), tuple(scripts), Fingerprints(), (left,), 1.0
    )
    state = checkout.home / "state"
    keep_rehearsal(project, whole, state)
    found = kept_tests(state)
    assert {one.change: (one.how, one.outcome, one.told) for one in found.values()} == {
        "schema": ("rehearse", "passed", ""),
        "orders": ("rehearse", "failed", "another schema after the revert"),
    }
    standing = standing_of(found[schema], {"deploy": "another"})
    assert standing is not None
    assert standing.changed == ("deploy", "revert", "verify")
    assert standing.line.endswith("; the deploy, revert and verify scripts have changed since")
