"""The home screen: the plan at once, answers as they come, and reasons for what is off."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from pgmig_tui.ui.session import RunFacts, Standing
from tests.ui.fakes import NAMES, NOW, PLACES, FakeSession, change_id, facts, impact, plan, standing
from tests.ui.robot import opened, play

SIZES = [(100, 30), (80, 24)]


def test_names_stand_there_before_any_answer() -> None:
    async def scene() -> None:
        async with opened() as robot:
            for name in NAMES:
                assert name[:20] in robot.text
            assert "..." in robot.text
            assert "asking" in robot.text

    play(scene)


@pytest.mark.parametrize("size", SIZES)
def test_each_environment_answers_by_itself(size: tuple[int, int]) -> None:
    async def scene() -> None:
        async with opened(size=size) as robot:
            await robot.tell(standing("dev", 9), standing("production", 5))
            await robot.press("3")
            await robot.sees("production: 4 pending", "+ ok", ". todo", "...")
            await robot.sees("A.EXCL" if size[0] < 96 else "ACCESS EXCLUSIVE")
            await robot.snapshot("home")

    play(scene)


@pytest.mark.parametrize(("columns", "marked"), [(80, "A.EXCL x"), (100, ". todo x"), (132, "A.EXCL x")])
def test_a_pending_change_that_loses_data_is_marked(columns: int, marked: str) -> None:
    async def scene() -> None:
        session = FakeSession()
        session.impacts[f"deploy {change_id(8)}"] = impact("revert")
        async with opened(session, size=(columns, 30)) as robot:
            await robot.tell(standing("dev", 9), standing("staging", 5), standing("production", 5))
            await robot.press("3")
            await robot.sees(marked)
            rows = {name[:16]: next(row for row in robot.text.splitlines() if name[:16] in row) for name in NAMES[5:]}
            assert [name for name, row in rows.items() if marked in row] == [NAMES[8][:16]]
            assert ". todo x" not in rows[NAMES[7][:16]]
            if columns >= 96:
                await robot.press("g")
                await robot.sees("LOSES dms.documents.size")

    play(scene)


@pytest.mark.parametrize("size", SIZES)
def test_an_environment_without_an_answer_keeps_its_last_with_an_age_and_a_reason(size: tuple[int, int]) -> None:
    async def scene() -> None:
        async with opened(size=size) as robot:
            old = replace(standing("production", 5), asked_at=NOW - timedelta(seconds=48))
            gone = Standing("production", NOW, False, error="db1.eu:5432: timeout expired after 5 s")
            await robot.tell(standing("dev", 9), standing("staging", 9), old, gone)
            await robot.press("3")
            await robot.sees("? ok 48s", "? todo 48s", "timeout expired", "no answer")
            await robot.press("d")
            await robot.sees("d is off: production does not answer")
            await robot.press("1", "v")
            await robot.sees("VERIFY")
            await robot.press("escape", "3")
            await robot.sees("? ok 48s")
            await robot.snapshot("home-offline")

    play(scene)


def test_the_cursor_goes_to_the_next_change_until_somebody_moves_it() -> None:
    async def scene() -> None:
        async with opened() as robot:
            await robot.tell(standing("dev", 5))
            assert f"> {NAMES[5]}"[:26] in robot.text, robot.text
            await robot.press("j")
            await robot.tell(standing("dev", 2))
            assert f"> @v1.0 {NAMES[4]}"[:26] in robot.text

    play(scene)


def test_filter_shows_what_holds_the_text_and_esc_shows_all() -> None:
    async def scene() -> None:
        async with opened() as robot:
            await robot.press("slash")
            await robot.type("search")
            await robot.press("enter")
            await robot.sees("filter: search  1 shown")
            assert NAMES[0][:20] not in robot.text
            await robot.press("escape")
            assert NAMES[0][:20] in robot.text

    play(scene)


def test_nothing_pending_says_why_deploy_is_off() -> None:
    async def scene() -> None:
        async with opened() as robot:
            await robot.tell(standing("dev", 9))
            await robot.press("d")
            await robot.sees("d is off: dev has everything that the plan has")

    play(scene)


def test_a_failed_run_marks_the_change_that_failed_and_is_named() -> None:
    async def scene() -> None:
        session = FakeSession()
        session.listed = (
            RunFacts(
                "r1", "staging", "deploy", "failed", "2026-08-20T02:41:10Z", "", 2, 4, failed_change_id=change_id(7)
            ),
        )
        async with opened(session) as robot:
            await robot.tell(standing("staging", 7))
            await robot.runs()
            await robot.sees("x FAILED", "staging: run r1 FAILED at 2 of 4")

    play(scene)


def test_a_run_that_is_alive_is_offered_and_esc_leaves_it_alone() -> None:
    async def scene() -> None:
        session = FakeSession()
        session.listed = (
            RunFacts("r2", "production", "deploy", "running", "2026-08-20T03:10:00Z", "", 1, 4, "Maria", "bastion2"),
        )
        async with opened(session) as robot:
            await robot.tell(standing("production", 5))
            await robot.runs()
            await robot.sees("A run is ALIVE on !! PRODUCTION !! production", "1 of 4 steps")
            await robot.snapshot("attach")
            await robot.press("escape", "3", "d")
            await robot.sees("run r2 is alive there")
            assert session.watch.sent == []

    play(scene)


def test_ten_thousand_changes_and_nine_environments() -> None:
    async def scene() -> None:
        lines = plan(10_000)
        places = tuple(replace(PLACES[0], name=f"environment-{number}") for number in range(9))
        async with opened(FakeSession(facts(lines, places)), size=(80, 24)) as robot:
            assert "20250101_9999" in robot.text
            await robot.tell(standing("environment-8", 9_000, lines))
            await robot.press("9", "G", "g", "ctrl+d")
            await robot.sees("environment-8: 1000 pending", "<env..nt-5")

    play(scene)


def test_no_environment_and_an_empty_plan_are_said() -> None:
    async def scene() -> None:
        empty = replace(facts(), plan=(), places=())
        async with opened(FakeSession(empty)) as robot:
            await robot.sees("no target in sqitch.conf", "0 changes")
            await robot.press("enter", "d", "R", "j", "y")
            assert robot.app.is_running

    play(scene)
