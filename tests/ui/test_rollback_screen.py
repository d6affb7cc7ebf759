"""Rolling back: few keys from home to a running rollback, never fewer than three deliberate acts."""

from __future__ import annotations

import random
import threading

import pytest

from pgmig_tui.errors import Refused, Unreachable
from pgmig_tui.run.journal.picture import RunPicture
from pgmig_tui.ui.backend.protocol import ItemFacts, Rollback, RunFacts
from pgmig_tui.ui.destinations import ToIncident
from pgmig_tui.ui.messages import ProjectRead, RunsListed
from pgmig_tui.ui.screens.rollback import RollbackScreen
from tests.ui.fakes import HOSTILE_SQL, FakeSession, LookBack, WayBack, change_id, status
from tests.ui.fakes import event as event_at
from tests.ui.robot import Robot, opened

SIZES = [(100, 30), (80, 24)]


async def at_rollback(robot: Robot, environment: str = "3") -> None:
    await robot.tell(status("dev", 9), status("staging", 9), status("production", 9))
    await robot.press(environment, "R")
    await robot.sees("Roll back run 20260820")


@pytest.mark.parametrize("size", SIZES)
async def test_nine_keys_from_home_to_a_running_rollback(size: tuple[int, int]) -> None:
    session = FakeSession()
    async with opened(session, size) as robot:
        await at_rollback(robot)
        await robot.sees("LOSES dms.documents.size: 1,204 values", "cannot start", "x @v2.8", "!! PRODUCTION !!")
        await robot.snapshot("roll-back")
        keys = ["a", "E", *"prod", "enter"]  # after `3 R`
        assert 2 + len(keys) <= 10
        await robot.press(*keys)
        await robot.until(lambda: len(session.rolled_back) == 1, "a rollback")
        _, answers = session.rolled_back[0]
        assert [(answer.item_id, answer.how) for answer in answers] == [("data-loss", "attest")]
        await robot.sees("RUN 20260820")


async def test_nothing_starts_by_enter_space_or_y() -> None:
    session = FakeSession()
    async with opened(session) as robot:
        await at_rollback(robot)
        await robot.press("enter", "space", "y", "E", "enter", "y", "space", "enter")
        await robot.sees("cannot start")
        await robot.press("a", "E")
        await robot.sees("Type prod and press Enter", "LOSES dms.documents.size")
        await robot.press("enter", "y", "e", "s", "enter", "space", "enter")
        assert session.rolled_back == []
        await robot.press("escape")
        await robot.sees("nothing was started")


@pytest.mark.parametrize("seed", range(3))
async def test_mashing_keys_rolls_nothing_back(seed: int) -> None:
    session = FakeSession()
    rolls = random.Random(seed)
    async with opened(session) as robot:
        await at_rollback(robot)
        await robot.press(*(rolls.choice(["a", "E", "enter", "space", "y", "s", "j", "k", "S"]) for _ in range(60)))
        assert session.rolled_back == []


async def test_saving_takes_the_place_of_accepting() -> None:
    session = FakeSession()
    async with opened(session) as robot:
        await at_rollback(robot)
        await robot.press("S")
        await robot.sees("SAVES keeps dms.documents.size", "ready to start")
        assert session.calls[-1] == LookBack("production", save=True)
        await robot.press("a")
        await robot.sees("a is off: all of it is saved")
        await robot.press("E")
        await robot.sees("what would be lost is saved first")
        await robot.press(*"prod", "enter")
        await robot.until(lambda: len(session.rolled_back) == 1, "a rollback")
        assert session.rolled_back[0][0].saves


async def test_another_point_is_looked_at_anew_and_takes_the_acceptance_back() -> None:
    session = FakeSession()
    async with opened(session) as robot:
        await at_rollback(robot)
        await robot.press("a")
        await robot.sees("ready to start")
        await robot.press("j")
        await robot.sees("cannot start: the data loss")
        assert session.calls[-1] == LookBack("production", change_id(5))


async def test_what_diverges_wants_a_reason() -> None:
    session = FakeSession()
    title = "What was deployed is what the files say"
    session.back = WayBack((ItemFacts("check:scripts", title, "check", "FAIL", "not the script", blocks=True),))
    async with opened(session) as robot:
        await at_rollback(robot)
        await robot.sees("cannot start: What was deployed is what the files say")
        await robot.press("a", "E")
        await robot.sees("E is off: What was deployed")
        await robot.press("o", *"the revert is right", "enter")
        await robot.sees("ready to start", "overridden: so (Maria)")
        assert robot.text.count("overridden") == 1
        await robot.press("E", *"prod", "enter")
        await robot.until(lambda: len(session.rolled_back) == 1, "a rollback")
        assert {answer.item_id for answer in session.rolled_back[0][1]} == {"check:scripts", "data-loss"}


async def test_the_statements_are_shown_and_hostile_text_is_only_text() -> None:
    async with opened() as robot:
        await at_rollback(robot)
        await robot.press("s")
        await robot.sees("DROP INDEX CONCURRENTLY dms.i", HOSTILE_SQL)
        await robot.press("s")
        await robot.misses("DROP INDEX")


async def test_a_run_that_is_under_way_is_said_and_stopped_after_the_word() -> None:
    session = FakeSession()
    running = "run 20260820-031500-ab12 of another account or host is under way: process 4242"
    session.back = WayBack(running=running, nothing="the last run has committed nothing yet")
    async with opened(session) as robot:
        await robot.tell(status("production", 9))
        await robot.press("3", "R")
        await robot.sees("is under way: process 4242", "it is stopped first", "ready to start")
        await robot.press("E")
        await robot.sees("STOP THE RUN on !! PRODUCTION !!", "STOPS FIRST")
        await robot.press(*"prod", "enter")
        await robot.until(lambda: len(session.rolled_back) == 1, "a stop")


async def test_where_nothing_is_to_roll_back_a_point_is_chosen_by_hand() -> None:
    session = FakeSession()
    session.back = WayBack(nothing="what happened last is a revert, of 2 changes ([/] and a)")
    async with opened(session) as robot:
        await robot.tell(status("production", 9))
        await robot.press("3", "R")
        await robot.sees(
            "Nothing to roll back: what happened last is a revert", "of 2 changes ([/] and a).", "j chooses a point"
        )
        await robot.press("k", "a", "enter", "E")
        await robot.sees("E is off: there is nothing to revert")
        assert session.calls[-1] == LookBack("production")
        await robot.press("j")
        await robot.sees("ROLL BACK 2 changes", "cannot start")
        assert session.calls[-1] == LookBack("production", change_id(7))
        assert session.rolled_back == []


async def test_a_guess_comes_first_and_is_never_chosen_by_itself() -> None:
    session = FakeSession()
    session.back = WayBack(nothing="x was deployed by no run of this program that is known here", first=3)
    async with opened(session) as robot:
        await robot.tell(status("production", 9))
        await robot.press("3", "R")
        await robot.sees("perhaps a guess, by times [/]", "j chooses that point", "nothing is chosen yet")
        await robot.press("E", "enter")
        await robot.sees("E is off: there is nothing to revert")
        await robot.press("j")
        await robot.sees("ROLL BACK 2 changes")
        assert session.calls[-1] == LookBack("production", change_id(5))


@pytest.mark.parametrize("moves", [[], ["j", "j"], ["g"]])
async def test_the_key_means_the_same_wherever_the_cursor_rests(moves: list[str]) -> None:
    session = FakeSession()
    async with opened(session) as robot:
        await robot.tell(status("production", 9))
        await robot.press("3", *moves, "R")
        await robot.sees("Roll back run 20260820")
        assert session.calls[-1] == LookBack("production")


async def test_a_run_that_is_alive_does_not_keep_a_rollback_away() -> None:
    session = FakeSession()
    async with opened(session) as robot:
        alive = RunFacts("20260820-031500-ab12", "production", "deploy", "running", "2026-08-20T03:15:00Z")
        await robot.tell(status("production", 9), RunsListed((alive,)))
        await robot.sees("A run is ALIVE")
        await robot.press("escape", "3", "d")
        await robot.sees("d is off: run 20260820-031500-ab12 is alive there")
        await robot.press("R")
        await robot.sees("Roll back run 20260820")


async def test_what_has_changed_before_the_word_is_looked_at_again_and_accepted_anew() -> None:
    session = FakeSession()
    session.start_error = Refused("what was shown as empty is not empty any more", details=["t: 7 rows"])
    async with opened(session) as robot:
        await robot.tell(status("production", 9))
        await robot.press("3", "R", "a", "E", *"prod", "enter")
        await robot.sees("x nothing was started: what was shown as empty is not empty any more", "t: 7 rows")
        await robot.sees("cannot start: the data loss is not accepted")
        session.start_error = None
        await robot.press("a", "E", *"prod", "enter")
        await robot.until(lambda: len(session.rolled_back) == 1, "a rollback")


async def test_what_can_not_be_told_says_why() -> None:
    session = FakeSession()
    session.prepare_error = Unreachable("production can't be reached: [/] timeout", now="Nothing was changed.")
    async with opened(session) as robot:
        await robot.tell(status("production", 9))
        await robot.press("3", "R")
        await robot.sees("This can't be done", "production can't be reached: [/] timeout")
        assert robot.text.count("Nothing was changed") == 1
        await robot.press("E", "a")
        await robot.sees("a is off")
        assert session.rolled_back == []


async def test_a_record_that_can_not_be_read_says_so_and_is_read_again() -> None:
    session = FakeSession()
    session.incident_error = Unreachable("no answer [/]", now="Nothing was changed.")
    async with opened(session) as robot:
        robot.app.go(ToIncident("20260820-030900-ab12", None, RunPicture(), ()))
        await robot.sees("the record could not be read: no answer [/]", "r reads it again", "report 20260820")
        await robot.misses("reading the journals")
        await robot.misses("are being looked at")
        session.incident_error = None
        await robot.press("r")
        await robot.sees("now: fine")
        await robot.misses("could not be read")


async def test_the_record_opens_by_itself_when_the_rollback_is_through() -> None:
    session = FakeSession()
    async with opened(session) as robot:
        await at_rollback(robot)
        await robot.press("a", "E", *"prod", "enter")
        await robot.sees("RUN 20260820")
        step = {"number": 1, "action": "revert", "change": "x"}
        session.watch.unread = [
            event_at("2026-08-20T03:14:00Z", "run_planned", {"command": "revert", "steps": [step]}),
            event_at("2026-08-20T03:14:01Z", "step_committed", {"step": 1, "change": "x"}),
            event_at("2026-08-20T03:14:02Z", "run_finished", {"exit_status": 0, "result": "done"}),
        ]
        await robot.sees("# Incident: [/] 20260820", "- now: fine")
        await robot.press("w")
        await robot.sees("written to")
        assert any("# Incident" in text for text in session.written.values())
        await robot.press("y")
        await robot.sees("copied 1 line")
        await robot.press("enter")
        await robot.sees("After")


async def test_r_looks_again_and_what_was_looked_for_last_is_shown() -> None:
    class Slow(FakeSession):
        def look_back(self, environment: str, to: str | None, save: bool | None) -> Rollback:
            held, self.hold = self.hold, free
            held.wait(30)
            return super().look_back(environment, to, save)

    session = Slow()
    free, first = session.hold, threading.Event()
    async with opened(session) as robot:
        await at_rollback(robot)
        await robot.press("a")
        await robot.sees("ready to start")
        session.hold = first
        await robot.press("r")
        await robot.sees("looking again")
        await robot.tell(ProjectRead(session.others(session.facts)))
        await robot.misses("looking again")
        session.hold = second = threading.Event()
        await robot.press("j")
        first.set()
        await robot.until(lambda: session.calls.count(LookBack("production", None, None)) == 3, "the first answer")
        await robot.settle()
        await robot.sees("looking again")
        second.set()
        await robot.misses("looking again")
        screen = robot.app.screen
        assert isinstance(screen, RollbackScreen)
        assert screen.rollback is not None
        assert screen.rollback.kept == 3


async def test_at_160_columns_the_scripts_stand_beside_what_they_cost() -> None:
    session = FakeSession()
    async with opened(session, (160, 50)) as robot:
        await at_rollback(robot)
        await robot.sees("the scripts", "revert/20240205_0001_document_size_bigint.sql", HOSTILE_SQL)
        await robot.sees("in all about < 12 s; readers and writers wait < 12 s, once it has the locks")
        await robot.press("tab", "tab")
        screen = robot.app.screen
        assert isinstance(screen, RollbackScreen)
        assert screen.moved_in is screen.scripts
        await robot.pilot.resize_terminal(100, 30)
        await robot.misses("the scripts")
        assert screen.moved_in is screen.steps


async def test_the_dry_run_tells_what_the_command_tells_and_starts_nothing() -> None:
    session = FakeSession()
    async with opened(session) as robot:
        await at_rollback(robot)
        await robot.press("D")
        await robot.sees("ROLL BACK on production", "Nothing was done. It would be: pgmig-tui")
        await robot.until(lambda: "rollback-dry-run-production.txt" in session.written, "the file")
        assert "Nothing was done" in session.written["rollback-dry-run-production.txt"]
        await robot.press("enter", "y", "escape")
        await robot.sees("a: accept DATA LOSS")
        assert session.rolled_back == []


async def test_there_is_no_dry_run_of_nothing() -> None:
    session = FakeSession()
    session.back = WayBack(nothing="nothing was deployed", first=None)
    async with opened(session) as robot:
        await robot.tell(status("dev", 9), status("staging", 9), status("production", 9))
        await robot.press("3", "R")
        await robot.sees("Nothing to roll back: nothing was deployed")
        await robot.press("D")
        await robot.sees("D is off")
