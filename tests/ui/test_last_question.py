"""The last question looks again by itself, and its word counts only for what was seen a moment ago."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from pgmig_tui.errors import Unreachable
from pgmig_tui.gates.evidence import ItemEvidence
from pgmig_tui.review.undoing import KeptRun
from pgmig_tui.ui.backend.protocol import ItemFacts, ReviewFacts, Rollback, StepFacts
from pgmig_tui.ui.screens.last_question import FRESH_S, LastQuestion
from pgmig_tui.ui.views.changed import kept_differences, review_differences, rollback_differences
from tests.ui.fakes import NOW, FakeSession, UnderReview, status
from tests.ui.robot import Robot, opened

BLOCKERS = "Nobody holds the affected tables for long"


def blockers(state: Any, saw: str, *pids: int) -> ItemFacts:
    rows = tuple({"pid": pid, "blocks": True, "xact_s": 9.0} for pid in pids)
    kept = ItemEvidence("check:blockers", "pre", BLOCKERS, state, saw, seen=state, saw=saw, rows=rows)
    return ItemFacts("check:blockers", BLOCKERS, "check", state, saw, kept=kept)


def with_items(*items: ItemFacts) -> Callable[[ReviewFacts], ReviewFacts]:
    return lambda review: replace(review, items=items)


async def asked_for_deploy(robot: Robot) -> LastQuestion[Any]:
    session = robot.app.session
    assert isinstance(session, FakeSession)
    session.review = UnderReview(items=(blockers("PASS", "nobody"),))
    await robot.tell(status("staging", 5))
    await robot.press("2", "d")
    await robot.sees("ready to start")
    await robot.press("E")
    asked = robot.app.screen
    assert isinstance(asked, LastQuestion)
    return asked


async def looks(robot: Robot, session: FakeSession, asked: LastQuestion[Any]) -> None:
    """It looks once more, as it does by itself some seconds later."""
    before = session.looks
    asked.look_again()
    await robot.until(lambda: session.looks > before, "another look")
    await robot.settle()


async def test_it_looks_when_it_is_opened_and_the_word_counts_only_then() -> None:
    session, held = FakeSession(), threading.Event()

    def found(review: ReviewFacts) -> ReviewFacts:
        assert held.wait(20)
        return review

    session.found = found
    async with opened(session) as robot:
        robot.waits = False
        await asked_for_deploy(robot)
        await robot.press(*"yes", "enter")
        await robot.sees("looking again at what is deployed", "looking again; the word counts once")
        held.set()
        await robot.sees("looked again at 03:14:07", f"{BLOCKERS}: nobody", "Enter starts it")
        assert session.started == []  # what was pressed before starts nothing by itself
        await robot.press("enter")
        await robot.until(lambda: len(session.started) == 1, "a run")


async def test_what_has_become_worse_is_said_and_wants_the_word_again() -> None:
    session = FakeSession()
    async with opened(session) as robot:
        asked = await asked_for_deploy(robot)
        await robot.sees("looked again at")
        await robot.press(*"yes")
        await robot.sees("Enter starts it")
        session.found = with_items(blockers("FAIL", "process 777 (reporting) holds AccessShareLock", 777))
        await looks(robot, session, asked)
        await robot.sees(f"CHANGED at 03:14:07: {BLOCKERS}: was", "PASS, is FAIL: process 777", "to enable Enter")
        await robot.press("enter")
        assert session.started == []
        session.found = with_items(blockers("FAIL", "process 777 (reporting), longer by now", 777))
        await robot.press(*"yes")
        await looks(robot, session, asked)  # the same one for longer: nothing to read anew
        await robot.sees("Enter starts it")
        session.found = with_items(blockers("PASS", "nobody"))
        await looks(robot, session, asked)
        await robot.sees("better at 03:14:07", "Enter starts it")
        await robot.press("enter")
        await robot.until(lambda: len(session.started) == 1, "a run")
        assert session.started[0][0].items[0].state == "PASS"  # as it was confirmed


async def test_a_server_that_does_not_answer_and_what_is_too_old_start_nothing() -> None:
    session = FakeSession()
    async with opened(session) as robot:
        asked = await asked_for_deploy(robot)
        await robot.sees("looked again at")
        await robot.press(*"yes")
        await robot.sees("Enter starts it")
        robot.app.clock = lambda: NOW + timedelta(seconds=FRESH_S + 5)
        asked.hint.refresh()
        await robot.sees("what was seen 20 s ago is too old")
        robot.waits = False
        await robot.press("enter")
        session.look_error = Unreachable("no answer within 5 s [/]")
        await looks(robot, session, asked)
        await robot.sees("could not look again: no answer within 5 s [/]", "nothing is started on what was seen before")
        await robot.press("enter")
        assert session.started == []
        session.look_error = None
        await looks(robot, session, asked)
        await robot.sees("Enter starts it")


async def test_what_is_deployed_has_changed_closes_it_and_the_review_is_read_anew() -> None:
    session = FakeSession()
    session.found = lambda review: replace(review, outdated=("what is deployed has changed since: 2 changes",))
    async with opened(session) as robot:
        await asked_for_deploy(robot)
        await robot.sees("CHANGED at", "what is deployed has changed since", "cannot start: what is deployed")
        await robot.press(*"yes", "enter")
        assert session.started == []
        session.found = None
        await robot.press("escape")
        await robot.sees("ready to start")


async def test_so_does_the_question_of_a_rollback() -> None:
    session = FakeSession()
    async with opened(session) as robot:
        await robot.tell(status("production", 9))
        await robot.press("3", "R")
        await robot.sees("cannot start: the data loss")
        await robot.press("a", "E")
        asked = robot.app.screen
        assert isinstance(asked, LastQuestion)
        await robot.sees("looked again at 03:14:07", "nobody has been in the way", "counted at 03:14:07")
        await robot.press(*"prod")
        session.found = lambda rollback: replace(
            rollback, ahead=(("pid 777 (x)", "SHARE on t would wait for pid 777"),)
        )
        await looks(robot, session, asked)
        await robot.sees("CHANGED at 03:14:07: in the way by now: SHARE on t", "to enable Enter")
        session.found = lambda rollback: replace(rollback, outdated=("run x has ended",))
        await looks(robot, session, asked)
        await robot.press(*"prod", "enter")
        await robot.sees("cannot start: run x has ended")
        session.found = None
        await robot.press("escape")
        await robot.sees("the data loss is not accepted")  # it was looked at again, and nothing is taken for granted
        assert session.rolled_back == []


def kept(*lines: str, elsewhere: str = "") -> KeptRun:
    return KeptRun("20260820-030900-ab12", lines, elsewhere)


def steps(lock: str = "SHARE", *, rewrites: bool = False, seen: bool = True) -> tuple[StepFacts, ...]:
    return (StepFacts(1, "deploy", "x", "1", "atomic", lock=lock, relation="t", rewrites=rewrites, seen=seen),)


def review(**more: Any) -> ReviewFacts:
    return ReviewFacts("dev", "deploy", "run-1", **{"steps": steps(), **more})


@pytest.mark.parametrize(
    ("found", "worse"),
    [
        (review_differences(review(), review()), []),
        (review_differences(review(), review(steps=steps("ACCESS EXCLUSIVE"))), [True]),
        (review_differences(review(), review(steps=steps("ROW SHARE"))), [False]),
        (review_differences(review(), review(steps=steps(rewrites=True))), [True]),
        (review_differences(review(), review(steps=steps(seen=False))), [True]),
        (review_differences(review(outdated=("x",)), review()), [False]),
        (
            review_differences(review(items=(blockers("WARN", "a", 1),)), review(items=(blockers("WARN", "b", 1, 2),))),
            [True],
        ),
        (review_differences(review(items=(blockers("PASS", "a"),)), review(items=(blockers("UNKNOWN", "b"),))), [True]),
        (review_differences(review(), review(items=(blockers("WARN", "a", 1),))), [True]),
        (review_differences(review(), review(items=(blockers("PASS", "a"),))), []),
        (rollback_differences(Rollback("dev"), Rollback("dev", unseen="no answer")), [True]),
        (rollback_differences(Rollback("dev", ahead=(("a", "b"),)), Rollback("dev")), [False]),
        (kept_differences(kept("a"), kept("a")), []),
        (kept_differences(kept("a"), kept()), [True]),
        (kept_differences(kept("a"), kept("a", elsewhere="another server")), [True]),
    ],
)
def test_worse_is_told_from_better(found: Sequence[Any], worse: list[bool]) -> None:
    assert [one.worse for one in found] == worse
