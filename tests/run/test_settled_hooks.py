"""Whoever settles a run whose process was killed tells its hooks, once, what became of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pgmig_tui.gates.accepted import accept
from pgmig_tui.gates.hooks import accepted_name
from pgmig_tui.project.hooks import Hook
from pgmig_tui.run.journal.file import JournalReader
from pgmig_tui.run.journal.picture import picture_of
from pgmig_tui.run.journal.run_plan import RunPlan
from pgmig_tui.run.recovery import reconcile
from tests.database.places import until
from tests.run.conftest import Workshop
from tests.run.test_reconcile import SLOW, examined, kill_at, looking

TOML = (
    '[[environment]]\nname = "box"\ntarget = "$URI"\n[hooks]\n'
    'after = { command = ["./tell"] }\nticket = { command = ["./tell"] }\nrolled_back = { command = ["./tell"] }\n'
)


def with_hooks(shop: Workshop) -> Workshop:
    shop.toml = TOML.replace("", "")
    path = shop.root / "tell"
    path.write_text('#!/bin/sh\ncat >> "$PGMIG_HOOK.json"\n')
    path.chmod(0o755)
    for name in ("after", "ticket", "rolled_back"):
        hook = Hook(name, ("./tell",))
        accept(shop.state_dir, shop.root, accepted_name(hook, "box"), hook.accepted_text, "Ann")
    return shop


def heard(shop: Workshop, plan: RunPlan, names: set[str]) -> list[dict[str, Any]]:
    """All that a hook was told of any run, once the journal of `plan` knows what became of each."""
    until(lambda: {name for name, one in hooks(plan.folder).items() if one is not None} == names)
    return [json.loads(line) for one in sorted(shop.root.glob("*.json")) for line in one.read_text().splitlines()]


def hooks(folder: Path) -> dict[str, object]:
    return {name: one.told for name, one in picture_of(JournalReader(folder).poll()).hooks.items()}


@pytest.mark.parametrize("how", ["looked at", "unseen", "by the next run"])
def test_whoever_settles_a_killed_run_tells_its_hooks_once(workshop18: Workshop, how: str) -> None:
    shop = with_hooks(workshop18)
    shop.change("one", "CREATE TABLE public.one ();\n")
    shop.change("two", SLOW.replace("30", "0.2"))
    plan = kill_at(shop, "statement_started", step=2, line=3)
    assert hooks(plan.folder) == {}, "the run itself could tell nobody"
    root, mine = str(shop.root), shop.project()[1].hooks
    if how == "by the next run":
        later = shop.finish(shop.plan())
        assert later.status == 0
        heard(shop, later.plan, {"after", "ticket"})
    elif how == "unseen":
        assert reconcile.close_unseen(plan, by="the test", hooks=mine, root=root)
    else:
        with looking(shop) as connection:
            found = examined(connection, plan)
            assert reconcile.settle(connection, found, by="the test", hooks=mine, root=root)
            assert not reconcile.settle(connection, found, by="the test", hooks=mine, root=root)
    (said,) = [one for one in heard(shop, plan, {"after"}) if one["run"] == plan.run_id]
    assert (said["event"], said["operation"]) == ("after", "deploy"), "a ticket is closed by what is done alone"
    status, second = (4, None) if how == "unseen" else (1, False)
    assert said["outcome"] == {"result": "settled", "exit_status": status, "done": 1, "total": 2}
    assert [one["done"] for one in said["changes"]] == [True, second]
    assert said["times"]["started_at"] < said["times"]["finished_at"]


def test_a_killed_revert_is_told_as_one(workshop18: Workshop) -> None:
    shop = with_hooks(workshop18)
    shop.change(
        "one", "CREATE TABLE public.one ();\n", SLOW.replace("CREATE TABLE public.slow ()", "DROP TABLE public.one")
    )
    shop.toml = TOML.partition("[hooks]")[0]
    assert shop.run().status == 0
    with_hooks(shop)
    plan = kill_at(shop, "statement_started", command="revert", line=3)
    with looking(shop) as connection:
        found = examined(connection, plan)
        assert reconcile.settle(connection, found, by="the test", hooks=shop.project()[1].hooks, root=str(shop.root))
    (said,) = heard(shop, plan, {"rolled_back"})
    assert (said["event"], said["operation"], said["outcome"]["exit_status"]) == ("rolled_back", "revert", 1)
