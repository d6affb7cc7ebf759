"""The screen of an environment: how it is, what was done to it, who works there, and what can be done from there."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from pgmig_tui.display.activity import Blocker
from pgmig_tui.display.cells import text_of
from pgmig_tui.errors import Refused, Unreachable
from pgmig_tui.gates.loss import Losses
from pgmig_tui.review.settling import Doubt, SettlingDecision
from pgmig_tui.review.undoing import KeptRun
from pgmig_tui.ui.backend.environment_facts import HealthFacts
from pgmig_tui.ui.backend.protocol import DoNotDeploy, LockSession, RunFacts
from pgmig_tui.ui.backend.read_only import ReadOnlySession
from pgmig_tui.ui.views.environment import health_rows
from tests.ui.environments import ITEMS
from tests.ui.fakes import FakeSession, UnderReview, change_id, status
from tests.ui.robot import Robot, opened

RUN = RunFacts(
    "20260820-031500-ab12", "production", "deploy", "failed", "2026-08-20T03:00:00Z", "2026-08-20T03:02:05Z", 1, 2,
    "Maria",
)  # fmt: skip


async def at_environment(robot: Robot, **more: Any) -> None:
    await robot.tell(status("production", 8, None, **more))
    await robot.runs()
    if any(run.state == "running" for run in robot.app.session.runs()):
        await robot.sees("A run is ALIVE")
        await robot.press("escape")
    await robot.press("3", "e")
    await robot.sees("ENVIRONMENT", "[ Health ]")


@pytest.mark.parametrize("size", [(60, 15), (80, 23), (100, 30), (160, 50)])
async def test_what_is_wrong_comes_first_and_what_is_unknown_is_never_green(size: tuple[int, int]) -> None:
    made = FakeSession()
    made.listed = (RUN,)
    async with opened(made, size) as robot:
        await at_environment(robot)
        await robot.sees("x 1 FAIL, 1 UNKNOWN", ". size", "12 GB", "? longest transaction")
        await robot.snapshot("environment")
        await robot.press("right_square_bracket")
        await robot.sees("[ History ]", "x x is deployed twice")
        await robot.snapshot("environment-history")
        await robot.press("right")
        await robot.sees("nobody waits for a lock")
        await robot.press("right", "G")
        await robot.sees("LIFT..", "off: nothing that is pending here")
        await robot.press("left_square_bracket", "left", "left")
        await robot.sees("[ Health ]")


def test_what_fails_is_above_what_is_unknown_and_both_above_what_is_well() -> None:
    rows = [text_of(row.told) for row in health_rows(HealthFacts((), "", ITEMS))]
    assert [row[:9] for row in rows] == ["x FAIL   ", "? UNKNOWN", "+ PASS   ", "  asks   "]


async def test_history_is_sorted_by_a_column_and_a_click_on_its_head_does_it_too() -> None:
    made = FakeSession()
    made.listed = (RUN,)
    async with opened(made, (100, 30)) as robot:
        await at_environment(robot)
        await robot.press("s")
        await robot.sees("s is off: history is what is sorted")
        await robot.press("right_square_bracket")
        await robot.sees("when (UTC) v", "x x is deployed twice")
        newest = [row for row in robot.text.splitlines() if " 2026-08-" in row]
        await robot.press("s")
        await robot.sees("when (UTC) ^")
        assert [row[1:] for row in robot.text.splitlines() if " 2026-08-" in row] == [row[1:] for row in newest[::-1]]
        for title in ("what v", "what ^", "outcome v", "outcome ^", "took v"):
            await robot.press("s")
            await robot.sees(title)
        head = robot.app.screen.query_one("#head").region
        await robot.pilot.click("#head", offset=(robot.text.splitlines()[head.y].index("outcome"), 0))
        await robot.sees("outcome v")
        shown = [row[25:].split()[1] for row in robot.text.splitlines() if " 2026-08-" in row]
        assert shown == sorted(shown)
        assert len(shown) == 3
        await robot.pilot.click("#head", offset=(robot.text.splitlines()[head.y].index("outcome"), 0))
        await robot.sees("outcome ^")


async def test_a_run_opens_from_its_history_with_how_long_it_took() -> None:
    made = FakeSession()
    made.listed = (RUN,)
    async with opened(made, (160, 50)) as robot:
        await at_environment(robot)
        await robot.press("right", "j")
        await robot.sees("x 2026-08-20 03:00:00Z run     FAILED", "2 min 05 s", "Enter opens it")
        await robot.press("enter")
        await robot.until(lambda: robot.app.screen.screen_id == "run", "the run")  # type: ignore[attr-defined]


async def test_an_answer_that_fails_is_told_with_its_reason_and_asked_again() -> None:
    made = FakeSession()
    made.past_error = Unreachable("db1.eu.example.org: connection refused")
    made.healthy = HealthFacts((), "db1.eu.example.org: connection refused")
    async with opened(made) as robot:
        await at_environment(robot)
        await robot.sees("? no check has answered", "? no numbers: db1.eu.example.org: connection refused")
        await robot.press("right")
        await robot.sees("? no answer: db1.eu.example.org: connection refused")
        made.past_error = None
        await robot.press("r")
        await robot.sees("change_0002", "lock timeout" if robot.app.size.width > 140 else "failed")
        assert made.asked_of.count(("history", "production")) == 2


async def test_who_works_there_is_the_lock_tree_and_the_runs_that_are_alive() -> None:
    made = FakeSession()
    made.listed = (replace(RUN, state="running", finished_at=""),)
    made.locks.sessions = (
        LockSession(Blocker(7, "then", "bob", "report", "idle in transaction"), holds="SHARE public.orders"),
        LockSession(Blocker(8, "then", "web", depth=1), wants="ROW EXCLUSIVE public.orders", wait_ms=22_000),
    )
    async with opened(made, (160, 50)) as robot:
        await at_environment(robot, under_way="sqitch of bob holds the lock")
        await robot.press("right", "right")
        await robot.sees(
            "run     running", "~ sqitch of bob holds the lock", "x pid 7 report is waited for; holds SHARE",
            "~ pid 8 web waits for ROW EXCLUSIVE public.orders, for 00:22",
        )  # fmt: skip


async def test_a_mark_is_lifted_by_a_reason_and_the_word() -> None:
    made = FakeSession()
    mark = DoNotDeploy(change_id(8), "20240205_0001_document_size_bigint", "it was slow")
    made.review = UnderReview(made.review.items, marks=(mark,))
    async with opened(made) as robot:
        await at_environment(robot)
        await robot.press("L")
        await robot.sees("L is off: nothing that is pending here is marked")
        await robot.tell(status("production", 8, marked={change_id(8): "it was slow"}))
        await robot.press("L")
        await robot.sees("Why may 1 change be deployed again?")
        await robot.press(*"the index is there", "enter")
        await robot.sees("LIFT `do not deploy`", "Type prod")
        await robot.press("enter", *"yes", "enter")
        assert made.lifted == []
        await robot.press(*["backspace"] * 3, *"prod", "enter")
        await robot.sees("1 change may be deployed again on production")
        assert made.lifted == [("production", (change_id(8),), "the index is there")]


async def test_a_session_that_only_looks_says_why_it_changes_nothing() -> None:
    made = FakeSession()
    looking = ReadOnlySession(made, "this screen only looks", "Start it without --read-only.")
    async with opened(looking) as robot:
        await at_environment(robot, marked={change_id(8): "it was slow"})
        await robot.press("L")
        for key in "LHFU":
            await robot.press(key)
            await robot.sees(f"{key} is off: this screen only looks")


async def test_two_environments_are_compared_and_their_schemas_when_asked_for() -> None:
    made = FakeSession()
    async with opened(made) as robot:
        await robot.tell(status("staging", 8))
        await at_environment(robot)
        await robot.press("C")
        await robot.sees("compare production with")
        await robot.press(*"stag", "enter")
        await robot.sees("COMPARED WITH staging", "! production and staging differ in 3 changes, 7 are alike")
        await robot.sees("+ only on production", "! other script", "~ other order", "number 4 and 5")
        await robot.snapshot("compare")
        await robot.press("j", "enter")
        await robot.sees("bb" * 20, "Bo [/]")
        await robot.press("escape", "S")
        await robot.sees("Drift of production", "from staging [/]")
        await robot.press("escape", "s")
        await robot.until(lambda: made.asked_of[-1] == ("staging", "production"), "the other way round")


async def test_what_was_cut_off_is_settled_by_the_word_and_the_result_stays() -> None:
    made = FakeSession()
    async with opened(made) as robot:
        await at_environment(robot)
        await robot.press("F")
        await robot.sees("RECONCILE the runs that were cut off on", "Type prod")
        await robot.press("enter", *"yes", "enter")
        assert made.acted == []
        await robot.press(*["backspace"] * 3, *"prod", "enter")
        await robot.sees("deploy 20260820-031500-ab12  settled")
        assert made.acted == [("settle", "production", "prod")]
        await robot.press("escape")
        await robot.press("left")
        await robot.sees("What can be done ]", "deploy 20260820-031500-ab12  settled")


async def test_what_a_rollback_has_kept_is_brought_back_by_the_word() -> None:
    made = FakeSession()
    async with opened(made) as robot:
        await at_environment(robot)
        await robot.press("U")
        await robot.sees("no rollback has kept anything on production")
        made.kept_runs = (
            KeptRun("20260820-031500-ab12", ("public.orders: 2 rows",)),
            KeptRun("20260101-000000-ab12", ("public.t: 1 row",), "it worked on another server"),
        )
        await robot.press("U", *"2026010")
        await robot.sees("off: it worked on another server")
        await robot.press("enter")
        await robot.sees("nothing was brought back: it worked on another server")
        await robot.press("U", "enter")
        await robot.sees("BRING BACK on", "- public.orders: 2 rows", "Type prod")
        made.undo_error = Refused("it is not deployed again", now="Nothing was changed.")
        await robot.press(*"prod", "enter")
        await robot.sees("it is not deployed again")
        made.undo_error = None
        await robot.press("U", "enter", *"prod", "enter")
        await robot.sees("public.orders: 2 rows are back [/]")
        assert made.acted == [("undo", "production", "20260820-031500-ab12", "prod")]


@pytest.mark.parametrize("size", [(80, 23), (160, 50)])
async def test_what_the_evidence_leaves_open_is_decided_by_a_person_who_has_read_it(size: tuple[int, int]) -> None:
    run = "20260820-031500-ab12"
    elsewhere = Doubt(
        run, f"deploy {run}", ("Is it the server that production leads to now?",), ("same_server", "close")
    )
    open_step = Doubt(run, f"deploy {run}", ("2 orders: whether it took effect is not known [/]",), ("record", "leave"))
    made = FakeSession()
    made.doubts = [(elsewhere,), (open_step,), ()]
    async with opened(made, size) as robot:
        await at_environment(robot)
        await robot.press("F", *"prod", "enter")
        await robot.sees("IN DOUBT")
        await robot.press("escape")
        await robot.sees("what became of it?", "it is the same server", "close it unseen")
        await robot.press("enter")
        await robot.sees("SETTLE FROM THIS SERVER", "- Is it the server that", "Type prod")
        await robot.press(*"prod", "enter")
        await robot.sees("IN DOUBT")
        await robot.press("escape")
        await robot.sees("it is not applied: leave it")
        await robot.press(*"record", "enter")
        await robot.sees("RECORD: deploy", "not known [/]", "no script is run")
        await robot.press(*"yes", "enter", *["backspace"] * 3)
        assert len(made.decisions) == 1, "the word was not typed"
        await robot.press(*"prod", "enter")
        await robot.sees("settled")
        await robot.press("escape")
        await robot.misses("what became of it?")
        assert made.decisions == [
            SettlingDecision(run, frozenset(["same_server"]), elsewhere.questions),
            SettlingDecision(run, frozenset(["same_server", "record"]), open_step.questions),
        ]


async def test_what_was_written_since_is_replaced_by_an_undo_once_its_loss_was_accepted() -> None:
    made = FakeSession()
    lost = "values of public.orders that were written since"
    made.kept_runs = (KeptRun("20260820-031500-ab12", ("public.orders: 2 rows",), overwrites=Losses((lost,))),)
    async with opened(made) as robot:
        await at_environment(robot)
        await robot.press("U", "enter")
        await robot.sees("and what was written since?", "leave it")
        await robot.press("enter")
        await robot.sees("What was written since stays as it is")
        await robot.press("escape", "U", "enter")
        await robot.sees("and what was written since?")
        await robot.press(*"replace", "enter")
        await robot.sees(f"LOSES {lost}", "Type yes")
        await robot.press(*"yes", "enter")
        await robot.sees("What was written since is replaced", "Type prod")
        await robot.press(*"prod", "enter")
        await robot.sees("public.orders: 2 rows are back [/]")
        assert made.acted == [("undo", "production", "20260820-031500-ab12", "prod", lost)]


async def test_what_is_pending_is_rehearsed_after_a_yes() -> None:
    made = FakeSession()
    async with opened(made) as robot:
        await at_environment(robot)
        await robot.press("H")
        await robot.sees("REHEARSE what is pending on", "Type yes")
        await robot.press(*"yes", "enter")
        await robot.sees("rehearsed production")
        assert made.acted == [("rehearse", "production")]
        await robot.press("escape", "t")
        await robot.sees("TEST what is pending on", "Type yes")
        await robot.press(*"yes", "enter")
        await robot.sees("tested 2 changes of shop")
        assert made.acted[1:] == [("test", "production")]
