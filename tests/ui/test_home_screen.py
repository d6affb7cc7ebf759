"""The home screen: the plan at once, answers as they come, and reasons for what is off."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from benchmarks.large_project import changes
from pgmig_tui.display.cells import Span, text_of
from pgmig_tui.ui.app import moved
from pgmig_tui.ui.backend.protocol import EnvironmentFacts, ImpactFacts, RunFacts, StatusFacts
from pgmig_tui.ui.messages import RunsListed
from pgmig_tui.ui.previews import JUDGED
from pgmig_tui.ui.screens.home import HomeScreen
from tests.ui.fakes import ENVIRONMENTS, NAMES, NOW, FakeSession, Prepare, change_id, facts, impact, plan, status
from tests.ui.robot import Robot, opened

SIZES = [(100, 30), (80, 24)]
AT = "2026-08-20T03:10:00Z"


def row_of(text: str, name: str) -> str:
    """The row of a change, whose name may be shown without its stamp."""
    part = name.partition("_0001_")[2][:14]
    return next(row for row in text.splitlines()[3:] if part in row[:40])


async def test_names_stand_there_before_any_answer() -> None:
    async with opened() as robot:
        for name in NAMES:
            assert name.partition("_0001_")[2][:16] in robot.text
        assert "..." in robot.text
        assert "asking" in robot.text


@pytest.mark.parametrize("size", SIZES)
async def test_each_environment_answers_by_itself(size: tuple[int, int]) -> None:
    async with opened(size=size) as robot:
        await robot.tell(status("dev", 9), status("production", 5))
        await robot.press("3")
        await robot.sees("production: 4 pending", "+ ok", ". todo", "...")
        await robot.sees("A.EXCL" if size[0] < 96 else "ACCESS EXCLUSIVE")
        await robot.snapshot("home")


@pytest.mark.parametrize(("columns", "marked"), [(80, "CRIT x"), (100, "CRIT x"), (132, "CRIT x")])
async def test_a_pending_change_that_loses_data_is_marked(columns: int, marked: str) -> None:
    session = FakeSession()
    session.impacts[f"deploy {change_id(8)}"] = impact("revert")
    async with opened(session, size=(columns, 30)) as robot:
        await robot.tell(status("dev", 9), status("staging", 5), status("production", 5))
        await robot.press("3")
        await robot.sees(marked)
        rows = {name: row_of(robot.text, name) for name in NAMES[5:]}
        assert [name for name, row in rows.items() if marked in row] == [NAMES[8]]
        if columns >= 96:
            await robot.press("g")
            await robot.sees("MAY LOSE dms.documents.size")


@pytest.mark.parametrize("size", SIZES)
async def test_an_environment_without_an_answer_keeps_its_last_with_an_age_and_a_reason(size: tuple[int, int]) -> None:
    async with opened(size=size) as robot:
        old = replace(status("production", 5), asked_at=NOW - timedelta(seconds=48))
        gone = StatusFacts("production", NOW, False, error="db1.eu:5432: timeout expired after 5 s")
        await robot.tell(status("dev", 9), status("staging", 9), old, gone)
        await robot.press("3")
        await robot.sees("? ok 48s", "? todo 48s", "timeout expired", "no answer")
        await robot.press("d")
        await robot.sees("d is off: production does not answer; r asks it again")
        await robot.press("1", "v")
        await robot.sees("VERIFY")
        await robot.press("escape", "3")
        await robot.sees("? ok 48s")
        await robot.snapshot("home-offline")


async def test_the_cursor_goes_to_the_next_change_until_somebody_moves_it() -> None:
    session = FakeSession()
    async with opened(session) as robot:
        for keys, chosen in ((["j"], 4), (["slash", *"owner", "enter"], 7), (["n"], 7), (["click"], 7)):
            await robot.tell(status("dev", 5))
            await robot.press("escape", "1")
            assert " > " in row_of(robot.text, NAMES[5])
            if keys == ["click"]:
                row = robot.text.splitlines().index(row_of(robot.text, NAMES[chosen]))
                await robot.pilot.click(offset=(6, row))
            else:
                await robot.press(*keys)
            await robot.tell(status("dev", 5), status("dev", 2))
            assert " > " in row_of(robot.text, NAMES[chosen]), keys
            await robot.press("escape")  # shows all
            assert " > " in row_of(robot.text, NAMES[chosen]), keys
            await robot.press("D")
            tried = Prepare("dev", "deploy", change_id(chosen), "try")
            await robot.until(partial(session.calls.__contains__, tried), f"a dry run up to there after {keys}")
            session.calls.clear()
            await robot.press("escape")


async def test_filter_shows_what_holds_the_text_and_esc_shows_all() -> None:
    async with opened() as robot:
        await robot.press("slash")
        await robot.type("search")
        await robot.press("enter")
        await robot.sees("filter: search  1 shown")
        assert "create_schema" not in robot.text
        await robot.press("escape")
        assert "create_schema" in robot.text


async def test_nothing_pending_says_why_deploy_is_off() -> None:
    async with opened() as robot:
        await robot.tell(status("dev", 9))
        await robot.press("d")
        await robot.sees("d is off: dev has everything that the plan has")


async def test_home_and_the_screen_of_an_environment_say_alike_why_nothing_is_to_be_deployed() -> None:
    async with opened() as robot:
        await robot.tell(status("dev", 9, untagged=("@v9",)))
        for key in ("D", "e", "D"):
            await robot.press(key)
            if key == "D":
                await robot.sees("D is off: every change is there; `pgmig-tui deploy dev` records the tags")


async def test_a_server_that_has_not_proven_who_it_is_is_told_in_each_banner() -> None:
    async with opened(size=(80, 23)) as robot:
        await robot.tell(status("production", 5, unproven="certificate verify failed"), status("staging", 5))
        for environment, told in (("3", True), ("2", False)):
            await robot.press(environment, "l")
            await robot.sees("UNVERIFIED SERVER" if told else "RW")
            assert ("UNVERIFIED SERVER" in robot.text.splitlines()[0]) == told
            await robot.press("escape")
            await robot.sees("Plan documents")


async def test_a_standby_says_so_in_the_banner_in_place_of_what_may_be_done_there() -> None:
    async with opened(size=(80, 23)) as robot:
        await robot.tell(status("production", 5, standby=True), status("staging", 5))
        for environment, standby in (("3", True), ("2", False)):
            await robot.press(environment, "l")
            await robot.sees("STANDBY" if standby else "RW")
            first = robot.text.splitlines()[0]
            assert ("STANDBY" in first, "RW" in first or "READ-" in first) == (standby, not standby), first
            await robot.press("escape")
            await robot.sees("Plan documents")


@pytest.mark.parametrize("columns", [80, 160])
async def test_what_must_not_be_deployed_says_so_and_a_missing_tag_is_no_up_to_date(columns: int) -> None:
    why = "must not be deployed: it eats prices"
    async with opened(size=(columns, 30)) as robot:
        await robot.tell(status("dev", 7, marked={change_id(7): why}), status("staging", 9, untagged=("@v9",)))
        await robot.sees("dev: 2 pending, 1 must not be deployed")
        rows = {name: row_of(robot.text, name) for name in NAMES[7:]}
        assert ["x marked" in row for row in rows.values()] == [True, False], rows
        if columns == 160:
            await robot.press("g", "j")
            await robot.sees("dev: must not be deployed")
        await robot.press("2", "d")
        await robot.sees("staging: nothing pending, 1 tag not recorded", "d is off: every change is there;")


async def test_a_failed_run_marks_the_change_that_failed_and_is_named() -> None:
    session = FakeSession()
    session.listed = (
        RunFacts("r1", "staging", "deploy", "failed", "2026-08-20T02:41:10Z", "", 2, 4, failed_change_id=change_id(7)),
    )
    async with opened(session) as robot:
        await robot.tell(status("staging", 7))
        await robot.runs()
        await robot.sees("x FAILED", "staging: run r1 FAILED at 2 of 4")


async def test_a_run_that_is_alive_is_offered_and_esc_leaves_it_alone() -> None:
    session = FakeSession()
    session.listed = (
        RunFacts("r2", "production", "deploy", "running", "2026-08-20T03:10:00Z", "", 1, 4, "Maria", "bastion2"),
    )
    async with opened(session) as robot:
        await robot.tell(status("production", 5))
        await robot.runs()
        await robot.sees("A run is ALIVE on !! PRODUCTION !! production", "1 of 4 steps")
        await robot.snapshot("attach")
        await robot.press("escape", "3", "d")
        await robot.sees("run r2 is alive there")
        assert session.watch.sent == []


async def test_what_a_run_works_on_is_told_by_its_journal_and_a_paused_one_is_not_said_to_go_on() -> None:
    session = FakeSession()
    run = RunFacts("r2", "staging", "deploy", "running", AT, "", 2, 4, under_way=change_id(7))
    session.listed = (run,)
    async with opened(session) as robot:
        await robot.tell(status("staging", 5))  # an answer from before its first two changes
        await robot.runs()
        await robot.sees("A run is ALIVE on staging", "Nothing that is chosen here stops it")
        await robot.press("escape")
        rows = [row for row in robot.text.splitlines() if "> running  " in row]
        assert len(rows) == 1
        assert "index_doc" in rows[0], rows
        await robot.tell(RunsListed((replace(run, paused=True, under_way=""),)))
        await robot.sees("~ run r2 PAUSED on staging 2/4")
        await robot.misses("> running")
        await robot.press("h")
        await robot.sees("~ paused")
        await robot.press("escape", "q")
    assert robot.app.farewell == ["run r2 on staging stays paused; `pgmig-tui attach r2` shows it"]


async def test_a_paused_run_is_offered_as_one() -> None:
    session = FakeSession()
    session.listed = (RunFacts("r2", "staging", "deploy", "running", AT, "", 2, 4, paused=True),)
    async with opened(session) as robot:
        await robot.runs()
        await robot.sees("A run is PAUSED on staging", "It stays paused until it is attached to")


def test_an_environment_is_asked_again_when_its_run_has_moved() -> None:
    run = RunFacts("r2", "staging", "deploy", "running", AT, "", 2, 4)
    other = replace(run, run_id="r3", environment="dev")
    assert moved((), (run,)) == set(), "all are asked at the start"
    assert moved((run, other), (replace(run, done=3), other)) == {"staging"}
    assert moved((run, other), (replace(run, state="finished"), other)) == {"staging"}
    assert moved((run,), (other, replace(run, paused=True))) == {"dev"}


async def test_ten_thousand_changes_and_nine_environments() -> None:
    lines = plan(10_000)
    environments = tuple(replace(ENVIRONMENTS[0], name=f"environment-{number}") for number in range(9))
    async with opened(FakeSession(facts(lines, environments)), size=(80, 24)) as robot:
        assert "20250101_9999" in robot.text
        await robot.tell(status("environment-8", 9_000, lines))
        await robot.press("9", "G", "g", "ctrl+d")
        await robot.sees("environment-8: 1000 pending", " 8* 9")


def many_places(number: int) -> tuple[EnvironmentFacts, ...]:
    return tuple(replace(ENVIRONMENTS[0], name=f"shop-{number:02}") for number in range(1, number + 1))


async def test_answers_that_come_together_are_drawn_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of sixty environments, and only those cards are looked into that have room."""
    places = many_places(60)
    async with opened(FakeSession(facts(environments=places)), (120, 40)) as robot:
        screen = robot.app.screen
        assert isinstance(screen, HomeScreen)
        drawn: list[int] = []
        looked: set[str] = set()
        draw, strongest = screen.answers_changed, screen.scripts.strongest

        def told() -> None:
            drawn.append(1)
            draw()

        def look(name: str) -> Span:
            looked.add(name)
            return strongest(name)

        monkeypatch.setattr(screen, "answers_changed", told)
        monkeypatch.setattr(screen.scripts, "strongest", look)
        await robot.tell(*(status(one.name, 5) for one in places))
        await robot.sees("shop-01: 4 pending", "4 pending")
        assert len(drawn) < 10
        assert 0 < len(looked) < 8


@pytest.mark.parametrize("size", [(60, 15), (80, 23), (100, 30), (160, 50)])
async def test_environments_beyond_the_ninth_are_chosen_by_name_number_and_arrow(size: tuple[int, int]) -> None:
    async with opened(FakeSession(facts(environments=many_places(12))), size) as robot:
        await robot.tell(status("shop-11", 5), status("shop-12", 7))
        await robot.press("9", "right", "right")
        await robot.sees("env 11/12 shop-11", "shop-11: 4 pending")
        await robot.press("right", "right", "right")
        await robot.sees("env 12/12 shop-12", "shop-12: 2 pending")
        await robot.press("left")
        await robot.sees("env 11/12 shop-11")
        await robot.press("0")
        await robot.sees("> 11 shop-11", "4 pending")
        await robot.type("p-12")
        await robot.sees("12 shop-12", "2 pending")
        await robot.press("enter")
        await robot.sees("env 12/12 shop-12")
        await robot.press("0")
        await robot.sees("an environment's name, or its number")
        await robot.type("10")
        await robot.press("enter")
        await robot.sees("env 10/12 shop-10")
        await robot.press("d")
        await robot.sees("d is off: shop-10 has not answered yet")


def heads(robot: Robot) -> list[str]:
    """The number above each column of the matrix, read from the top; that of the chosen one has a star."""
    screen = robot.app.screen
    assert isinstance(screen, HomeScreen)
    form = screen.matrix.layout_for(screen.matrix.columns)
    rows = [text_of(line).ljust(200) for line in screen.heads.lines if "schema" not in text_of(line)]
    assert all(row.rstrip() in robot.text for row in rows)
    starts = [3 + form.name + place * form.cell for place in range(len(form.shown))]
    return ["".join(row[start : start + form.cell] for row in rows).replace(" ", "") for start in starts]


@pytest.mark.parametrize("columns", [80, 100, 160])
async def test_all_columns_of_twelve_environments_are_in_sight_and_more_come_with_the_chosen_one(columns: int) -> None:
    async with opened(FakeSession(facts(environments=many_places(12))), (columns, 30)) as robot:
        await robot.tell(*(status(f"shop-{number:02}", number % 9) for number in range(1, 13)))
        assert heads(robot) == ["*1", *(str(number) for number in range(2, 13))]
        await robot.press("1", "2")
        await robot.sees("env 12/12")
    async with opened(FakeSession(facts(environments=many_places(60))), (columns, 30)) as robot:
        for number in (1, 17, 39, 60):
            await robot.press("0", *f"shop-{number:02}", "enter")
            await robot.sees(f"env {number}/60")
            star = f"*{number}" if number < 10 else f"{number // 10}*{number % 10}"
            assert [one for one in heads(robot) if "*" in one] == [star]


async def test_a_click_on_a_head_chooses_its_environment() -> None:
    async with opened() as robot:
        x = next(row for row in robot.text.splitlines() if "  change" in row).index("production")
        await robot.pilot.click("#head", offset=(x + 1, 0))
        await robot.sees("env 3/3 production")


@pytest.mark.parametrize("columns", [80, 100, 160])
async def test_no_two_rows_of_the_plan_look_alike(columns: int) -> None:
    names = [one.name for one in changes(400)]
    lines = tuple(replace(plan(1)[0], change_id=change_id(index), name=name) for index, name in enumerate(names))
    async with opened(FakeSession(facts(lines, many_places(12))), (columns, 50)) as robot:
        for _ in range(9):
            rows = [row[3:].split("  ")[0].strip() for row in robot.text.splitlines()[3:-4]]
            shown = [row for row in rows if row]
            assert len(shown) > 30
            assert len(set(shown)) == len(shown), shown
            await robot.press("ctrl+d", "ctrl+d")


async def test_no_environment_and_an_empty_plan_are_said() -> None:
    empty = replace(facts(), plan=(), environments=())
    async with opened(FakeSession(empty)) as robot:
        await robot.sees("no target in sqitch.conf", "0 changes")
        await robot.press("enter", "d", "R", "j", "y")
        assert robot.app.is_running


@pytest.mark.parametrize("size", [(72, 20), (80, 23), (100, 30), (160, 50)])
async def test_the_loss_of_a_change_is_marked_beside_a_scrollbar_too(size: tuple[int, int]) -> None:
    environments = tuple(replace(ENVIRONMENTS[0], name=f"environment-{number}") for number in range(1, 13))
    session = FakeSession(facts(plan(400), environments))
    session.impacts["deploy"] = impact("revert")
    async with opened(session, size) as robot:
        await robot.tell(status("environment-1", 300, plan(400)))
        await robot.sees("CRIT x")
        rows = [row for row in robot.text.splitlines() if "CRIT" in row]
        assert rows
        assert all("CRIT x" in row for row in rows), robot.text


@pytest.mark.parametrize("size", [(60, 15), (79, 24), (100, 30)])
async def test_digits_that_follow_each_other_are_one_number_where_there_is_such_an_environment(
    size: tuple[int, int],
) -> None:
    async with opened(FakeSession(facts(environments=many_places(25))), size) as robot:
        for typed, number in (("9", 9), ("12", 12), ("1", 1), ("20", 20), ("25", 25), ("26", 6), ("10", 10)):
            await robot.press(*typed)
            await robot.sees(f"env {number}/25")
            await robot.press("escape")  # any other key ends a number
        await robot.press("2")
        await robot.sees("environment 2; another digit goes on to 20 to 25")
        await robot.press("escape", "0")
        await robot.sees("part of an environment's name")
        await robot.press("escape", "1", "j", "2")
        await robot.sees("env 2/25")


async def test_cards_are_clicked_and_the_card_of_the_rest_leads_to_all() -> None:
    async with opened(FakeSession(facts(environments=many_places(12)))) as robot:
        await robot.tell(*(status(f"shop-{number:02}", number % 9) for number in range(1, 13)))
        await robot.sees("+8 more  0 all")
        await robot.pilot.click("#cards", offset=(45, 1))
        await robot.sees("env 3/12")
        await robot.pilot.click("#cards", offset=(95, 1))
        await robot.sees("part of an environment's name")
        await robot.press("escape")
        await robot.press("1", "2")
        await robot.sees("12 shop-12", "+8 more")


async def test_a_card_says_how_risky_what_is_pending_is() -> None:
    session = FakeSession()
    session.impacts[f"deploy {change_id(8)}"] = impact("revert")
    async with opened(session) as robot:
        await robot.tell(status("staging", 5), status("production", 5))
        await robot.press("2")
        await robot.sees("CRIT x")
        rows = robot.text.splitlines()[3]
        assert rows.count("CRIT x") == 2, f"the chosen environment and the protected one: {rows}"


@pytest.mark.parametrize("size", [(80, 23), (100, 30), (160, 50)])
async def test_the_strongest_risk_is_known_of_every_environment_and_each_change_is_judged_once(
    size: tuple[int, int],
) -> None:
    session = FakeSession(facts(environments=many_places(12)))
    session.impacts[f"deploy {change_id(8)}"] = impact("revert")
    session.judged_apart = {change_id(7)}
    names = [one.name for one in session.facts.environments]
    async with opened(session, size) as robot:
        screen = robot.app.screen
        assert isinstance(screen, HomeScreen)
        assert session.judged == [], "before anybody has answered, nothing is judged"
        long_ago = NOW - timedelta(days=3)
        await robot.tell(*(status(name, 5, last_deployed=long_ago) for name in names))
        every = screen.scripts.strongest
        await robot.until(lambda: {every(name)[0] for name in names} == {"CRIT x"}, "a risk for each of them")
        by_change = Counter(change for _, change in session.judged)
        assert by_change == {change_id(5): 1, change_id(6): 1, change_id(8): 1, change_id(7): 12}
        if size[1] > 23:
            await robot.sees("deployed 3d", "CRIT x")
        await robot.press("0")
        await robot.sees("risk CRIT x, deployed 3d")


async def test_a_risk_is_unknown_until_a_script_was_judged_and_at_least_so_strong_until_all_are() -> None:
    many = plan(450)
    session = FakeSession(facts(many))
    first, go_on = threading.Event(), threading.Event()
    judge = session.impact

    def slowly(change: str, *given: Any, **more: Any) -> ImpactFacts:
        first.wait(10)
        if len({one for _, one in session.judged}) == 4:
            go_on.wait(10)
        return judge(change, *given, **more)

    session.impact = slowly  # type: ignore[method-assign,assignment]
    async with opened(session) as robot:
        screen = robot.app.screen
        assert isinstance(screen, HomeScreen)
        told = screen.scripts.strongest
        await robot.tell(status("dev", 440, many), status("staging", 0, many))
        assert (told("dev")[0], told("staging")[0], told("production")[0]) == ("?", "?", "")
        first.set()
        await robot.until(lambda: told("dev")[0] == ">=CRIT", "some of them judged")
        go_on.set()
        await robot.until(lambda: told("dev")[0] == "CRIT", "all of them judged")
        await robot.until(lambda: len(session.judged) >= JUDGED + 10, "all that is looked at")
        await robot.settle()
        assert (len(session.judged), told("staging")[0]) == (JUDGED + 10, ">=CRIT"), "more is pending than is looked at"


async def test_a_rule_says_where_production_is_and_the_cursor_passes_over_it() -> None:
    async with opened(size=(160, 50)) as robot:
        matrix = robot.app.screen.matrix  # type: ignore[attr-defined]
        assert "here" not in robot.text, "nobody has answered"
        await robot.tell(status("dev", 9), status("staging", 5), status("production", 5))
        await robot.sees("── dev is here ──", "── !! production is here ──")
        await robot.press("2")
        await robot.sees("── staging and !! production are here ──")
        await robot.misses("dev is here")
        seen = []
        for key in ("g", "j", "j", "j", "j", "k", "G"):
            await robot.press(key)
            seen.append(matrix.change.name)
        newest = list(reversed(NAMES))
        assert seen == [newest[0], newest[1], newest[2], newest[3], newest[4], newest[3], newest[8]]
        await robot.tell(replace(status("production", 3), asked_at=NOW - timedelta(seconds=48)))
        await robot.tell(StatusFacts("production", NOW, False, error="gone"))
        await robot.sees("── ? !! production was here 48s ago ──")
        assert matrix.change.name == newest[8], "the cursor stays on its change"
        await robot.press("slash", *"document_s", "enter")
        await robot.sees("filter: document_s", "staging is here")
        assert "document_size" in robot.text.split("staging is here")[0].split("schema ")[-1]


async def test_nothing_deployed_is_nowhere() -> None:
    async with opened() as robot:
        await robot.tell(status("dev", 0), status("production", 0))
        await robot.sees("9 pending")
        assert "here" not in robot.text


async def test_a_click_beside_a_rule_goes_to_a_change() -> None:
    async with opened() as robot:
        await robot.tell(status("dev", 5))
        rows = robot.text.splitlines()
        await robot.pilot.click(offset=(6, next(at for at, row in enumerate(rows) if "dev is here" in row)))
        await robot.settle()
        assert robot.app.screen.matrix.change is not None  # type: ignore[attr-defined]
        assert sum(" > " in row[:8] for row in robot.text.splitlines()) == 1


async def test_with_room_the_chosen_environment_and_its_runs_stand_below() -> None:
    session = FakeSession()
    session.listed = (
        RunFacts("r1", "staging", "deploy", "failed", AT, "2026-08-20T03:12:05Z", 2, 4, "maria"),
        RunFacts("r0", "dev", "deploy", "finished", "2026-08-19T03:10:00Z", "", 4, 4, "omar"),
    )
    async with opened(session, (160, 50)) as robot:
        told = status("staging", 5, waiting=3, last_deployed=NOW - timedelta(days=2))
        await robot.tell(replace(told, waiting=0), told)
        await robot.runs()
        await robot.press("2")
        await robot.sees("last runs on staging", "x FAILED", "2 min 05 s", "4 pending, 5 changes deployed")
        await robot.sees("2 d 00 h ago", "  3 ▁", "PostgreSQL 18.6 as maria")
        assert "omar" not in robot.text.split("last runs on staging")[1].split("last run:")[0]
        await robot.snapshot("home")
        await robot.press("1")
        await robot.sees("last runs on dev", "~ not answered yet", "omar")
        await robot.pilot.resize_terminal(100, 30)
        await robot.misses("last runs on dev")
        await robot.pilot.resize_terminal(160, 50)
        await robot.sees("last runs on dev")


async def test_what_has_no_room_for_words_has_a_legend() -> None:
    for count, size, legend in (
        (3, (80, 23), False),
        (12, (80, 23), True),
        (12, (79, 24), True),
        (12, (60, 15), False),
    ):
        async with opened(FakeSession(facts(environments=many_places(count))), size) as robot:
            await robot.tell(status("shop-01", 5))
            assert ("+ ok  . todo  ! differ  x failed/marked  > running  ? old" in robot.text) == legend, (count, size)
