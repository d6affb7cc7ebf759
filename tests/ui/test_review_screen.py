"""The review: the only door to a run, and every guard in it."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from pgmig_tui.display.cells import text_of
from pgmig_tui.errors import Unreachable
from pgmig_tui.gates.evidence import ItemEvidence
from pgmig_tui.gates.loss import Losses
from pgmig_tui.impact.result import ScriptImpact
from pgmig_tui.run.journal.run_plan import Step
from pgmig_tui.ui.backend import gating
from pgmig_tui.ui.backend.protocol import Answered, Command, DoNotDeploy, ItemFacts, Manner, ReviewFacts
from pgmig_tui.ui.screens.review import ReviewScreen
from pgmig_tui.ui.views.checklist_order import Folded, checklist
from pgmig_tui.ui.views.review import step_lines
from tests.ui.fakes import ENVIRONMENTS, ITEMS, BackUp, FakeSession, FakeWatch, Prepare, UnderReview, change_id, status
from tests.ui.fakes import event as event_at
from tests.ui.robot import Robot, opened

SIZES = [(100, 30), (80, 24)]
EMPTY = ScriptImpact("deploy/tags.sql", True, (), (), catalog=True)
OPEN = tuple(replace(item, blocks=False) for item in ITEMS)


async def at_review(robot: Robot, key: str = "d", environment: str = "3", *, unlocked: bool = True) -> None:
    await robot.tell(status("dev", 5), status("staging", 5), status("production", 9 if key == "R" else 5))
    await robot.press(environment)
    if environment == "3" and unlocked:
        await robot.press("u", *"prod", "enter")
        await robot.sees("production may be changed until this program is left")
    if key == "R":  # home's own leads to the roll back screen; this review is that of one failed change
        robot.app.push_screen(ReviewScreen(ENVIRONMENTS[int(environment) - 1], "revert", None))
    else:
        await robot.press(key)
    await robot.sees("strongest lock", "gate")


@pytest.mark.parametrize("size", SIZES)
async def test_nothing_can_start_until_all_items_have_answers(size: tuple[int, int]) -> None:
    session = FakeSession()
    async with opened(session, size) as robot:
        await at_review(robot)
        await robot.sees("cannot start: 3 items")
        await robot.snapshot("review")
        await robot.press("E")
        await robot.sees("E is off: 3 items open", "> [!] No long")
        await robot.press("j", "space")
        await robot.type("window Sun 02:00")
        await robot.press("enter")
        await robot.sees("2 items", "> [+] Schedule")
        await robot.press("j", "space", *"told", "enter")
        await robot.sees("cannot start: 1 item", "> [+] Notify", "attested: told")
        await robot.press("g", "space")
        await robot.sees("nobody can tick it; o overrides")
        await robot.press("o", *"known reporter", "enter")
        await robot.sees("OVERRIDDEN", "ready to start", "word)")
        await robot.press("E")
        await robot.sees("DEPLOY 4 changes to !! PRODUCTION !! production", "overridden: No long transactions")
        await robot.press(*"prod", "enter")
        await robot.sees("RUN 20260820")
        review, answers = session.started[0]
        assert review.environment == "production"
        assert {(answer.item_id, answer.how, answer.note) for answer in answers} == {
            ("window", "attest", "window Sun 02:00"),
            ("notify", "attest", "told"),
            ("long-transactions", "override", "known reporter"),
        }


async def test_the_last_question_names_what_has_failed_where_it_stops_no_run_and_a_wrong_word() -> None:
    session = FakeSession()
    session.review = UnderReview(OPEN)
    async with opened(session) as robot:
        await at_review(robot, environment="1")
        await robot.press("E")
        await robot.sees("DEPLOY 4 changes to dev", "FAIL, which stops no run here: No long transactions: pid 777")
        await robot.press("y")
        await robot.sees("type the confirmation word to enable Enter")
        await robot.press("o")
        await robot.sees("this is not the confirmation word; Enter does nothing")


async def test_what_is_reviewed_can_be_tried_first() -> None:
    session = FakeSession()
    async with opened(session) as robot:
        await at_review(robot)
        await robot.press("D")
        await robot.sees("DRY RUN: in one transaction that is rolled back")
        assert session.calls[-1] == Prepare("production", "deploy", change_id(8), "try")
        await robot.press("D")
        await robot.sees("D is off: a deploy is what can be tried")
        await robot.press("escape")
        await robot.misses("DRY RUN: in one")
        await robot.sees("3 items open")
        assert session.started == []


async def test_taking_an_answer_back_asks_and_a_second_space_alone_takes_nothing() -> None:
    session = FakeSession()
    async with opened(session) as robot:
        await at_review(robot)
        await robot.press("j", "space")
        await robot.type("window Sun 02:00")
        await robot.press("enter")
        await robot.sees("2 items")
        await robot.press("space")
        await robot.sees("WITHDRAW the answer to: Schedule", "window Sun 02:00", "Type yes")
        await robot.press("enter", "space", "enter", "escape")
        await robot.sees("2 items", "attested: window Sun 02:00")
        await robot.press("space", *"yes", "enter")
        await robot.sees("3 items open")


async def test_checks_come_in_one_by_one_and_nothing_starts_before_the_last_has_answered() -> None:
    class Slow(FakeSession):
        def prepare(
            self,
            environment: str,
            command: Command,
            to: str | None,
            *,
            how: Manner = "run",
            so_far: Callable[[ReviewFacts], None] | None = None,
        ) -> ReviewFacts:
            found = super().prepare(environment, command, to, how=how)
            assert so_far is not None
            waiting = replace(ITEMS[-1], state="UNKNOWN", summary="no answer within 2 s yet", blocks=False)
            so_far(replace(found, items=(*OPEN[:-1], waiting), asking=True))
            self.hold.clear()
            self.hold.wait(5)
            return found

    session = Slow()
    async with opened(session) as robot:
        await at_review(robot)
        await robot.sees("[+] Server reachable", "UNKNOWN", "cannot start: the server is")
        await robot.press("E", "space")
        await robot.sees("space is off: the server is still being asked")
        session.hold.set()
        await robot.sees("cannot start: 3 items", "FAIL")
        assert session.started == []


async def test_enter_opens_the_evidence_of_an_item_and_starts_nothing() -> None:
    rows = tuple({"pid": pid, "application": "reporting [/]"} for pid in range(60))
    kept = ItemEvidence(
        "check:long-transactions", "pre", "No long transactions", "FAIL", "process 777", True, "FAIL", "process 777",
        "long_transactions", "SELECT a.pid\n  FROM pg_stat_activity a", "ab" * 32, rows, 3, "2026-08-20T03:14:00Z",
        "2026-08-20T03:14:01Z", "maria", "db:pg://db1/documents", missing="it has to be put right",
    )  # fmt: skip
    session = FakeSession()
    session.review = UnderReview((*ITEMS[:-1], replace(ITEMS[-1], kept=kept)))
    async with opened(session) as robot:
        await at_review(robot)
        await robot.press("enter")
        await robot.sees("FAIL: process 777", "SHA-256 of the query", "db:pg://db1/documents", "pid = 0")
        await robot.sees("said by whom", "nobody", "it has to be put right", "page down: more")
        for _ in range(6):
            await robot.press("pagedown")
        await robot.sees("pid = 59, application = reporting [/]", "and 3 more, which were not kept")
        await robot.sees("FROM pg_stat_activity a")
        await robot.press("enter", "escape")
        await robot.sees("> [!] No long transactions")
        await robot.press("G", "k", "enter")
        await robot.sees("PostgreSQL 18.6", "Esc goes back")
        assert session.started == []


MIXED = (
    ItemFacts("a", "Passed one", "check", "PASS"),
    ItemFacts("b", "Said by a person", "attested", "UNKNOWN", blocks=True),
    ItemFacts("c", "Not applicable", "check", "N-A"),
    ItemFacts("d", "May be said", "attested", "UNKNOWN"),
    ItemFacts("e", "Warns", "check", "WARN"),
    ItemFacts("f", "Fails", "check", "FAIL", blocks=True),
    ItemFacts("g", "Not known", "check", "UNKNOWN", blocks=True),
)


def test_what_blocks_comes_first_and_what_is_answered_keeps_its_place() -> None:
    found = checklist(MIXED)
    assert [item.id for item in found.first] == list("fgbed")
    assert [row.id for row in found.rows(7, shown=None)] == [*"fgbed", "passed checks"]
    assert [row.id for row in found.rows(8, shown=None)] == [*"fgbed", "passed checks", *"ac"]
    assert [row.id for row in found.rows(3, shown=True)] == [*"fgbed", "passed checks", *"ac"]
    assert Folded(found.passed, open=False).words == "1 check passed, 1 does not apply: Enter shows them"
    said = [replace(item, blocks=False, answered="yes") if item.id in "bg" else item for item in MIXED]
    then = checklist(said, found)
    assert [item.id for item in then.first] == list("fgbed")
    worse = [replace(item, state="FAIL", blocks=True) if item.id == "a" else item for item in said]
    assert [item.id for item in checklist(worse, then).first] == list("afgbed"), "what blocks is never folded"
    assert [item.id for item in checklist(said).first] == list("fedbg"), "another review begins anew"
    assert [row.id for row in checklist(MIXED[:1]).rows(0, shown=None)] == ["a"]


async def test_passed_checks_are_one_line_that_enter_opens_and_a_search_finds() -> None:
    session = FakeSession()
    items = tuple(replace(ITEMS[0], id=f"c{n}", title=f"Check {n} of many") for n in range(14))
    session.review = UnderReview((*items, *ITEMS[1:3]))
    async with opened(session, (80, 23)) as robot:
        await at_review(robot)
        await robot.sees("14 checks passed: Enter shows them")
        assert "Check 0 of" not in robot.text
        await robot.press("slash", *"check 13", "enter")
        await robot.sees("> [+] 14 checks passed")
        await robot.press("space")
        await robot.sees("space is off: this line stands for several")
        await robot.press("enter", "j")
        await robot.sees("> [+] Check 0 of m")
        await robot.press("k", "enter")
        await robot.misses("Check 0 of")
        assert session.started == []


async def test_sixty_columns_show_one_pane_to_read_and_start_nothing() -> None:
    session = FakeSession()
    session.review = UnderReview(OPEN)
    async with opened(session, (60, 15)) as robot:
        robot.app.push_screen(ReviewScreen(ENVIRONMENTS[0], "deploy", None))
        await robot.sees("the steps need 72x20, this has 60x15", "Schedule maintenance")
        await robot.press("E")
        await robot.sees("E is off: the steps need 72x20")
        await robot.press("tab")
        await robot.sees("strongest lock")
        await robot.press("tab")
        await robot.sees("cannot start: the steps need 72x20")
        assert session.started == []


async def test_what_the_program_has_seen_to_is_not_ticked() -> None:
    session = FakeSession()
    backup = ItemFacts("backup", "Backup database", "performed", "PASS", "a file", blocks=False)
    session.review = UnderReview((backup, *ITEMS))
    async with opened(session) as robot:
        await at_review(robot)
        await robot.press("G", "space")
        await robot.sees("space is off: the program checks this itself")
        await robot.press("o")
        await robot.sees("o is off: it is PASS, there is nothing to override")


async def test_a_note_is_asked_for_and_may_not_be_empty() -> None:
    async with opened() as robot:
        await at_review(robot)
        await robot.press("j", "space", "enter", "enter")
        await robot.sees("type something to enable Enter")
        await robot.press("escape")
        await robot.sees("3 items open")


@pytest.mark.parametrize("size", SIZES)
async def test_the_word_is_the_environments_own_and_enter_alone_is_dead(size: tuple[int, int]) -> None:
    session = FakeSession()
    session.review = UnderReview(OPEN, creates=("sqitch", "pgmig"))
    async with opened(session, size) as robot:
        await at_review(robot)
        await robot.press("E")
        await robot.sees("Type prod and press Enter", "creates the schemas sqitch and pgmig")
        await robot.snapshot("confirm")
        await robot.press("enter", *"yes", "enter", "space", "enter")
        assert session.started == []
        await robot.press("escape")
        await robot.sees("nothing was started")


async def test_what_stood_there_when_enter_was_pressed_counts_and_keys_typed_ahead_close_nothing_else() -> None:
    from textual import events

    session = FakeSession()
    session.review = UnderReview(OPEN)
    async with opened(session) as robot:
        await at_review(robot, environment="1")
        await robot.press("E")
        await robot.sees("looked again at", "to enable Enter")
        for key, character in (("enter", "\r"), ("y", "y"), ("e", "e"), ("s", "s")):
            robot.app.post_message(events.Key(key, character))
        await robot.settle()
        await robot.settle()
        assert session.started == []
        await robot.sees("Enter starts it")
        for _twice in range(2):
            robot.app.post_message(events.Key("enter", "\r"))
        await robot.sees("RUN 20260820")
        assert len(session.started) == 1
        for _thrice in range(3):
            robot.app.post_message(events.Key("escape", None))
        await robot.sees("ALL ENVIRONMENTS", "this is home; q leaves")


async def test_an_unprotected_environment_wants_a_plain_yes() -> None:
    session = FakeSession()
    session.review = UnderReview(OPEN)
    async with opened(session) as robot:
        await at_review(robot, environment="1")
        await robot.press("E", "enter")
        assert session.started == []
        await robot.press(*"yes", "enter")
        await robot.until(lambda: len(session.started) == 1, "start")


@pytest.mark.parametrize("size", SIZES)
async def test_a_roll_back_that_loses_data_wants_that_accepted_first(size: tuple[int, int]) -> None:
    session = FakeSession()
    session.review = UnderReview(OPEN)
    async with opened(session, size) as robot:
        await at_review(robot, "R", unlocked=False)
        await robot.sees("ROLL BACK 2 changes", "a: accept DATA", "cannot start: the")
        await robot.snapshot("rollback")
        await robot.press("E")
        await robot.sees("E is off: the data loss is not accepted (a)")
        await robot.press("a", "E", *"prod", "enter")
        await robot.until(lambda: len(session.started) == 1, "start")
        assert [answer.item_id for answer in session.started[0][1]] == ["data-loss"]


async def test_what_can_not_be_prepared_says_why_and_leaves_everything_off() -> None:
    session = FakeSession()
    session.prepare_error = Unreachable("production can't be reached: [/] timeout", now="Nothing was changed.")
    async with opened(session) as robot:
        await robot.tell(status("production", 5))
        await robot.press("3", "d")
        await robot.sees("production can't be reached: [/] timeout")
        await robot.press("E")
        await robot.sees("E is off")
        await robot.press("escape")
        await robot.sees("ALL ENVIRONMENTS")


async def test_a_refusal_shuts_go_whatever_is_answered() -> None:
    session = FakeSession()
    session.review = UnderReview(OPEN, refusals=("the script ends in ROLLBACK",))
    async with opened(session) as robot:
        await at_review(robot)
        await robot.sees("REFUSED the script ends in ROLLBACK")
        await robot.press("E")
        await robot.sees("E is off: the script ends in ROLLBACK")


async def test_esc_while_it_is_being_prepared_goes_home_and_nothing_comes_after() -> None:
    session = FakeSession()
    session.hold.clear()
    async with opened(session) as robot:
        await robot.tell(status("production", 5))
        await robot.press("3", "d")
        await robot.sees("reading the scripts")
        await robot.press("escape")
        session.hold.set()
        await robot.sees("ALL ENVIRONMENTS")
        assert session.started == []


@pytest.mark.parametrize("seed", range(3))
async def test_mashing_keys_starts_nothing(seed: int) -> None:
    """Every key there is, on production, with every gate open: only the typed word could start something."""
    keys = [
        *"abcdefghijklmnopqrstuvwxyzDGKNRTXY123/?:[]",
        "enter",
        "space",
        "tab",
        "escape",
        "up",
        "down",
        "f1",
        "ctrl+d",
    ]
    keys.remove("q")
    generator = random.Random(seed)

    session = FakeSession()
    session.review = UnderReview(OPEN)
    async with opened(session) as robot:
        await robot.tell(status("dev", 5), status("staging", 5), status("production", 5))
        await robot.press("3", "u", *"prod", "enter")
        await robot.sees("production may be changed")
        await robot.press("d", "E", "enter", "y", "space", "enter", "escape")
        await robot.press(*generator.choices(keys, k=120))
        assert session.started == []
        assert session.watch.sent == []
        assert session.locks.ended == []


async def test_a_deploy_that_loses_data_says_so_and_wants_it_accepted() -> None:
    session = FakeSession()
    session.review = UnderReview(OPEN, loses=True)
    async with opened(session) as robot:
        await at_review(robot)
        await robot.sees("LOSES dms.documents.size", "cannot start", "accept DATA LOSS")
        await robot.press("a")
        await robot.sees("ready to start")
        await robot.press("E")
        await robot.sees("LOSES dms.documents.size above 2147483647")
        await robot.press(*"prod", "enter")
        await robot.sees("RUN 20260820")
        assert [one.item_id for one in session.started[0][1]] == ["data-loss"]


async def test_a_high_terminal_shows_every_item() -> None:
    session = FakeSession()
    items = tuple(replace(ITEMS[0], id=f"item-{n}", title=f"Item {n} of the checklist") for n in range(22))
    session.review = UnderReview(items)
    async with opened(session, (160, 50)) as robot:
        await at_review(robot)
        await robot.sees(*(f"Item {n} of the checklist" for n in range(22)))


async def test_what_may_be_lost_is_not_called_lost() -> None:
    doubt = "deploy/size.sql:3: this DO may lose data: what it does is known only when it runs"

    session = FakeSession()
    session.review = UnderReview(OPEN, doubts=(doubt,))
    async with opened(session) as robot:
        for environment, before in (("1", "MAY LOSE data: deploy/size.sql:3"), ("3", "accept POSSIBLE DATA LOSS")):
            await at_review(robot, environment=environment)
            await robot.sees(before, "cannot start" if environment == "3" else "ready to start")
            await robot.press(*("a" if environment == "3" else ""), "E")
            await robot.sees("Type ", "MAY LOSE data: deploy/size.sql:3")
            assert "LOSES" not in robot.text
            await robot.press("escape", "escape")
            await robot.sees("Plan documents")


def test_a_step_says_of_lock_and_data_only_what_somebody_has_looked_at() -> None:
    """A verification's script runs unread; what records only runs none."""
    base = Step(1, "verify", "id", "tags", "tags", "", "stepwise", "in a session of its own", "after", "")
    unread = replace(base, verify_script="verify/tags.sql")
    recorded = replace(base, action="deploy", mode="record", verify="off", script="deploy/tags.sql")
    read = gating.step_of(replace(base, action="deploy", mode="atomic", script="deploy/tags.sql"), EMPTY)
    unsure = replace(read, losses=Losses(("rows of t",), ("deploy/tags.sql:2: this DO",), frozenset(("rows of t",))))
    seen = {}
    for name, step in {
        "unread": gating.step_of(unread, None), "nothing to run": gating.step_of(base, None),
        "recorded": gating.step_of(recorded, None), "read": read, "unsure": unsure,
    }.items():  # fmt: skip
        review = ReviewFacts("dev", "verify", "run-1", (step,))
        seen[name] = [text_of(told) for told in step_lines(review, 100, how="run", evidence="")][1:]
    assert seen["unread"][0].split()[2:] == ["not", "looked", "at", "?", "NO", "?"]
    for name in ("nothing to run", "recorded", "read"):
        assert seen[name][0].split()[2:4] == ["none", "no"], name
        assert seen[name][0].endswith("none lost"), name
    assert seen["unsure"][0].endswith(" MAY LOSE")
    assert [told.strip() for told in seen["unsure"][1:]] == [
        "MAY LOSE rows of t", "MAY LOSE data: deploy/tags.sql:2: this DO",
    ]  # fmt: skip


@pytest.mark.parametrize("size", SIZES)
async def test_a_protected_environment_is_read_only_until_its_word(size: tuple[int, int]) -> None:
    session = FakeSession()
    session.review = UnderReview(OPEN)
    async with opened(session, size) as robot:
        await at_review(robot, unlocked=False)
        await robot.sees("READ-ONLY" if size[0] > 80 else "  RO ", "ready to start")
        await robot.press("u")
        await robot.sees("UNLOCK !! PRODUCTION !! production", "Type prod")
        await robot.snapshot("unlock")
        await robot.press("enter", *"yes", "enter", "escape")
        await robot.sees("READ-ONLY" if size[0] > 80 else "  RO ")
        await robot.press("u", *"prod", "enter")
        await robot.sees("ready to start", "READ-WRITE" if size[0] > 80 else " RW ")
        assert session.started == []
        await robot.press("escape")
        await robot.sees("!! UNLOCKED !! env 3/3 production")
        await robot.press("u")
        await robot.sees("u is off: production is unlocked already")
        await robot.press("1", "u")
        await robot.sees("u is off: dev is not protected")


async def test_a_dry_run_goes_through_the_review_and_wants_the_word() -> None:
    session = FakeSession()
    session.review = UnderReview(())
    async with opened(session) as robot:
        await at_review(robot, "D", unlocked=False)
        await robot.sees("DRY RUN 4 changes", "in one transaction that is rolled back", "ready to start")
        assert session.calls[-1] == Prepare("production", "deploy", how="try")
        await robot.press("E")
        await robot.sees("DRY RUN of 4 changes on !! PRODUCTION !! production", "Type prod")
        await robot.press("enter", "escape")
        assert session.started == []


async def test_the_word_of_go_is_the_only_one_and_unlocks_its_own_run_alone() -> None:
    session = FakeSession()
    session.review = UnderReview(OPEN)
    async with opened(session) as robot:
        await at_review(robot, unlocked=False)
        await robot.press("E")
        await robot.sees("read-only until now: the word unlocks it for this run alone")
        await robot.press(*"yes", "enter")
        assert session.started == []
        await robot.press(*["backspace"] * 3, *"prod", "enter")
        await robot.sees("RUN 20260820")
        assert len(session.started) == 1
        assert robot.app.locked(ENVIRONMENTS[2]) is not None


async def two_answers(robot: Robot) -> None:
    """A note to the window, and a reason to go on past a transaction."""
    await robot.press("j", "space", *"window Sun", "enter")
    await robot.sees("attested: window Sun")
    await robot.press("g", "o", *"known reporter", "enter")
    await robot.sees("overridden: known reporter", "1 item open")


@pytest.mark.parametrize("again", ["left", "failed"])
async def test_a_review_costs_nobody_what_was_typed_for_the_same_scripts(again: str) -> None:
    session = FakeSession()
    async with opened(session) as robot:
        await at_review(robot, environment="2")
        await two_answers(robot)
        if again == "left":
            await robot.press("escape")
            await robot.sees("Plan documents")
            await robot.press("d")
        else:
            await robot.press("g", "j", "j", "space", *"told", "enter")
            await robot.sees("ready to start")
            await robot.press("E", *"yes", "enter")
            await robot.sees("RUN 20260820")
            step = {"number": 1, "action": "deploy", "change": "x", "change_id": change_id(8)}
            at = "2026-08-20T03:13:00Z"
            session.watch.unread = [
                event_at(at, "run_planned", {"command": "deploy", "environment": "staging", "steps": [step]}),
                event_at(at, "step_started", {"step": 1}),
                event_at(at, "step_failed", {"step": 1, "message": "it fails"}),
                event_at(at, "run_finished", {"exit_status": 1, "summary": "it has ended"}),
            ]
            session.watch.lives = False
            await robot.sees("retry: a new run")
            await robot.press("d")
        await robot.sees("of before to the same scripts; space withdraws one")
        await robot.press("g", "j")
        await robot.sees("attested: window Sun")
        # The reason was for what was found then: it is offered, and has to be given again.
        await robot.press("g")
        await robot.sees("> [!] No long transactions", "reason *")
        await robot.press("o")
        await robot.sees("known reporter")
        await robot.press("enter")
        await robot.sees("overridden: known reporter")


async def test_what_was_attested_of_other_scripts_is_only_offered() -> None:
    session = FakeSession()
    async with opened(session) as robot:
        await at_review(robot, environment="2")
        await two_answers(robot)
        await robot.press("escape")
        session.review = replace(session.review, script_hash="other")
        await robot.press("d")
        await robot.sees("3 items open", "answers of before must be said again: the script of x has changed since")
        await robot.press("g", "j")
        await robot.sees('"window Sun" must be said again')
        await robot.press("space")
        await robot.sees("window Sun")
        await robot.press("enter")
        await robot.sees("2 items", "attested: window Sun")


async def test_no_key_but_those_of_movement_moves_the_cursor() -> None:
    session = FakeSession()
    async with opened(session) as robot:
        await at_review(robot, environment="2")
        screen = robot.app.screen
        assert isinstance(screen, ReviewScreen)
        await robot.press("j")
        here = screen.items.cursor
        assert here == 1
        await robot.press("space", *"window Sun", "enter")
        await robot.sees("attested: window Sun")
        assert screen.items.cursor == here
        await robot.press("space", *"yes", "enter")
        await robot.sees("3 items open")
        assert screen.items.cursor == here


async def test_a_mark_of_a_rollback_is_lifted_by_a_reason_and_the_word_and_nothing_is_deployed_by_that() -> None:
    session = FakeSession()
    marks = (
        DoNotDeploy(change_id(8), "document_size_bigint", "run x was rolled back"),
        DoNotDeploy(change_id(8), "document_size_bigint", "the same, in a file of this account"),
    )
    session.review = UnderReview(OPEN, marks=marks)
    async with opened(session) as robot:
        await robot.tell(status("production", 5))
        await robot.press("3", "d")
        await robot.sees("must not be deployed on production", "document_size_bigint", "run x was rolled back")
        await robot.sees("cannot start")
        await robot.press("E")
        await robot.sees("E is off: 2 changes must not be deployed; L lifts that")
        await robot.press("L", *"too short", "enter", "escape")
        assert session.lifted == []
        await robot.press("L", *"the script sets lock_timeout now", "enter")
        await robot.sees("LIFT `do not deploy`", "Type prod")
        await robot.press(*"yes", "enter", "escape")
        assert session.lifted == []
        await robot.press("L", *"the script sets lock_timeout now", "enter")
        await robot.sees("Type prod")
        await robot.press(*"prod", "enter")
        await robot.sees("strongest lock", "ready to start")
        assert session.lifted == [("production", (change_id(8),), "the script sets lock_timeout now")]
        assert session.started == []


async def test_what_is_marked_can_be_tried() -> None:
    session = FakeSession()
    mark = DoNotDeploy(change_id(8), "document_size_bigint", "run x was rolled back")
    session.review = UnderReview(marks=(mark,))
    async with opened(session) as robot:
        await robot.tell(status("dev", 5))
        await robot.press("d")
        await robot.sees("must not be deployed on dev")
        await robot.press("D")
        await robot.sees("DRY RUN 4 changes")
        assert session.calls[-1] == Prepare("dev", "deploy", how="try")


async def test_r_asks_the_server_again_and_the_answer_that_was_given_last_counts() -> None:
    class Slow(FakeSession):
        def answer(self, review: ReviewFacts, answers: Sequence[Answered]) -> ReviewFacts:
            if len(answers) == 1:
                self.hold.wait(5)
            return super().answer(review, answers)

    session = Slow()
    async with opened(session) as robot:
        await at_review(robot)
        session.hold.clear()
        await robot.press("j", "space", *"one", "enter", "j", "space", *"two", "enter")
        await robot.sees("attested: two")
        session.hold.set()
        await robot.press("k")
        await robot.sees("attested: one")
        await robot.press("j")
        await robot.sees("attested: two")
        asked = session.calls.count(Prepare("production", "deploy"))
        await robot.press("r")
        await robot.sees("2 answers of before")
        assert session.calls.count(Prepare("production", "deploy")) == asked + 1
        await robot.press("b", *"yes", "enter")
        await robot.until(lambda: BackUp("production") in session.calls, "a backup")
        await robot.misses("making a backup")
        await robot.press("r")
        await robot.until(lambda: session.calls.count(Prepare("production", "deploy")) == asked + 2, "asked again")


async def test_a_backup_tells_how_far_it_is_and_in_which_file() -> None:
    class Slow(FakeSession):
        def backup(
            self, review: ReviewFacts, stopping: Callable[[], bool], tell: Callable[[str, str], None]
        ) -> ReviewFacts:
            tell("restoring: 12 MB, 3 of 15 tables, about 40 s left", "/srv/b/shop\x1b[31m.dump")
            self.hold.wait(5)
            return super().backup(review, stopping, tell)

    session = Slow()
    session.hold.clear()
    async with opened(session) as robot:
        await at_review(robot)
        await robot.press("b", *"yes", "enter")
        await robot.sees("~ restoring: 12 MB, 3 of 15")
        await robot.sees("about 40 s left")
        await robot.sees("/srv/b/shop")
        session.hold.set()
        await robot.misses("restoring")
        await robot.misses("/srv/b/shop")


async def test_where_others_make_the_backups_b_asks_them_without_a_question() -> None:
    session = FakeSession()
    named = session.facts.environments
    others = tuple(replace(one, backups_by="pgbackrest") for one in named)
    session.facts = replace(session.facts, environments=others)
    async with opened(session) as robot:
        await at_review(robot)
        await robot.press("b")
        await robot.until(lambda: BackUp("production") in session.calls, "they are asked")


async def test_no_backup_is_begun_beside_a_run_that_is_being_started() -> None:
    class Slow(FakeSession):
        def start(self, review: ReviewFacts, answers: Sequence[Answered]) -> FakeWatch:
            self.hold.wait(5)
            return super().start(review, answers)

    session = Slow()
    session.review = UnderReview(OPEN)
    async with opened(session) as robot:
        await at_review(robot, environment="1")
        session.hold.clear()
        await robot.press("E", *"yes", "enter", "b")
        await robot.sees("b is off: the run is being started")
        session.hold.set()
        await robot.until(lambda: len(session.started) == 1, "a run")


IN_THE_WAY = (
    ItemFacts("policy:window", "Inside a maintenance window", "check", "FAIL", "opens at 22:00", blocks=True),
    ItemFacts("policy:approvals", "Approvals given", "check", "UNKNOWN", "nobody can be asked [/]", blocks=True),
    ItemFacts("long-transactions", "No long transactions", "check", "FAIL", "pid 777", blocks=True),
)


async def test_an_emergency_lists_what_it_goes_past_and_wants_a_reason_and_the_word() -> None:
    session = FakeSession()
    session.review = UnderReview(IN_THE_WAY)
    async with opened(session) as robot:
        await robot.tell(status("production", 5))
        await robot.press("3", "d")
        await robot.sees("opens at 22:00", "! declares an emergency, past 2 items")
        await robot.press("!")
        await robot.sees("EMERGENCY on production: why can it not wait?")
        await robot.press(*"short", "enter")
        await robot.sees("at least 8 characters")
        await robot.press(*" outage", "enter")
        await robot.sees("DECLARE AN EMERGENCY on !! PRODUCTION !!", "It goes on past 2 items", "opens at 22:00")
        await robot.press("escape")
        assert session.said == {}
        await robot.press("!", *"the shop is down", "enter", *"yes", "enter")
        await robot.sees("this is not the confirmation word")
        await robot.press(*["backspace"] * 3, *"prod", "enter")
        await robot.sees("the emergency is declared")
        _, said = session.said["production", "deploy"]
        assert [(one.item_id, one.how, one.note) for one in said] == [
            ("policy:window", "emergency", "the shop is down"),
            ("policy:approvals", "emergency", "the shop is down"),
        ]
        assert session.started == []
        await robot.press("!")
        await robot.sees("! is off: no policy stands in the way of an emergency")
