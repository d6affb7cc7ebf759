"""The change screen: three scripts, their impact, and a format that never runs."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from pgmig_tui.display.cells import text_of
from pgmig_tui.impact.modes import LockMode
from pgmig_tui.impact.result import Lock, ScriptImpact, StatementImpact
from pgmig_tui.ui.backend.protocol import ImpactFacts, PlanLine, ScriptKind
from pgmig_tui.ui.keys import Unavailable
from pgmig_tui.ui.screens.change import ChangeScreen
from pgmig_tui.ui.screens.neighbours import neighbour
from pgmig_tui.ui.views import impact as impact_pane
from pgmig_tui.ui.views.findings import statement_lines
from tests.ui.fakes import DEPLOY_SQL, FakeSession, LookNow, Prepare, change_id, impact, status
from tests.ui.robot import Robot, opened


async def at_change(robot: Robot) -> None:
    await robot.tell(status("production", 8))
    await robot.press("3", "enter")
    await robot.sees("[deploy]", "Lock impact  PostgreSQL 18.6", "ALTER TABLE dms.documents")


@pytest.mark.parametrize("size", [(100, 30), (80, 24)])
async def test_the_finding_follows_the_line(size: tuple[int, int]) -> None:
    async with opened(size=size) as robot:
        await at_change(robot)
        await robot.sees("change 1/1 pending", "rewrites dms.documents", "sha 9f31c2a", "On production now")
        await robot.snapshot("change")
        await robot.press("i")
        await robot.sees("> 6 |#", ">L6 ALTER TABLE", "Add a new column")
        await robot.snapshot("change-finding")
        await robot.press("i")
        await robot.sees("> 9 |#", ">L9 UPDATE")
        await robot.press("i")
        await robot.sees("> 6 |#", ">L6 ALTER TABLE")
        await robot.press("k")
        await robot.misses(">L6 ALTER TABLE")
        await robot.press("j", "j")
        await robot.sees("> 7 |#", ">L6 ALTER TABLE")


async def test_the_line_follows_the_finding() -> None:
    async with opened(size=(100, 50)) as robot:
        await at_change(robot)
        await robot.press("tab")
        await robot.sees("tab Text", "> 6 |#", ">L6 ALTER TABLE")
        await robot.press("j")
        await robot.sees("> 9 |#", ">L9 UPDATE")
        await robot.press("j", "j", "G")
        await robot.sees("> 9 |#")
        await robot.press("k")
        await robot.sees("> 6 |#", ">L6 ALTER TABLE")
        await robot.press("escape")
        await robot.sees("tab Findings", "[deploy]")
        await robot.press("j")
        await robot.sees("> 7 |#", ">L6 ALTER TABLE")
        await robot.press("j", "j", "j")
        await robot.sees(">10  #")
        await robot.press("k")
        await robot.sees(">L9 UPDATE")
        await robot.press("k")
        await robot.misses(">L9 UPDATE")
        await robot.pilot.click("#pane", offset=(3, row_of(robot, "L9 UPDATE")))
        await robot.sees("> 9 |#", ">L9 UPDATE", "tab Text")


def row_of(robot: Robot, text: str) -> int:
    """The row of a text inside the pane."""
    rows = robot.text.splitlines()
    return next(i for i, row in enumerate(rows) if text in row) - robot.app.screen.query_one("#pane").region.y


async def test_who_is_in_the_way_right_now_is_said_once_the_server_answers() -> None:
    session = FakeSession()
    async with opened(session) as robot:
        await at_change(robot)
        await robot.sees("On production now", "would queue behind pid 777", "idle in transaction for")
        await robot.press("escape", "k", "enter")
        await robot.sees("On production now")
    silent = FakeSession()
    async with opened(silent) as robot:
        await robot.press("3", "enter")
        await robot.sees("from the text alone", "ALTER TABLE dms.documents")
        assert LookNow("production") not in silent.calls


async def test_y_copies_the_safer_sql_of_the_finding_under_the_cursor() -> None:
    async with opened() as robot:
        await at_change(robot)
        copied: list[str] = []
        robot.app.copy_to_clipboard = copied.append  # type: ignore[method-assign, assignment]
        await robot.press("i", "y")
        await robot.sees("copied the safer SQL for line 6 (type-change)")
        assert copied == ["ALTER TABLE dms.documents ADD COLUMN size_new bigint;"]
        await robot.press("i", "y")
        await robot.sees("copied the finding of line 9; it has no safer SQL")
        assert copied[1].splitlines()[0].strip() == "L9 UPDATE"
        await robot.press("g", "y")
        await robot.sees("lines: ")
        assert "L6 ALTER TABLE" in copied[2]
        assert "L9 UPDATE" in copied[2]


def test_a_silenced_advice_gives_its_reason_and_no_sql() -> None:
    one = replace(impact().statements[2], silenced={"type-change": "it has 40 rows"})
    text, said = impact_pane.copied(one)
    assert "type-change is silenced: it has 40 rows" in text
    assert "no safer SQL" in said


def test_the_bar_is_the_strongest_lock_that_is_held_at_a_line() -> None:
    lock = Lock("a", "b", "r", LockMode.SHARE, "certain", "")
    statements = (
        StatementImpact(2, 3, "x", "CREATE INDEX", locks=(lock,), held_until_line=9),
        StatementImpact(5, 5, "x", "DROP", locks=(replace(lock, mode=LockMode.ACCESS_EXCLUSIVE),), held_until_line=7),
        StatementImpact(11, 12, "x", "VACUUM", locks=(replace(lock, mode=LockMode.SHARE_UPDATE_EXCLUSIVE),)),
        StatementImpact(14, 14, "x", "INSERT", locks=(replace(lock, mode=LockMode.ROW_EXCLUSIVE),), held_until_line=14),
        StatementImpact(15, 15, "x", "DROP", locks=(replace(lock, new=True),), held_until_line=20),
        StatementImpact(4, 4, "x", "DROP", locks=(lock,), held_until_line=30, path="other.sql"),
    )
    held = impact_pane.HeldLine(ScriptImpact("a.sql", False, statements, ()))
    assert "".join(held.span(line)[0] for line in range(1, 17)) == " ===###== :: .  "
    assert not impact_pane.HeldLine(ScriptImpact("a.sql", False, (), ()))


async def test_thousands_of_findings_stay_near_the_current_one() -> None:
    session = FakeSession()
    session.texts["deploy"] = "INSERT INTO dms.documents VALUES (1);\n" * 5_000
    lock = Lock("dms", "documents", "r", LockMode.ROW_EXCLUSIVE, "certain", "INSERT")
    statements = tuple(
        StatementImpact(n, n, "INSERT", "INSERT", locks=(lock,), held_until_line=n) for n in range(1, 5_001)
    )
    session.impacts["deploy"] = ScriptImpact("deploy/x.sql", False, statements, ())
    async with opened(session) as robot:
        await robot.tell(status("production", 8))
        await robot.press("3", "enter")
        await robot.sees(">L1 INSERT")
        await robot.press("tab", "G")
        await robot.sees(">5000 |.", ">L5000 INSERT")
        await robot.press("k")
        await robot.sees(">4999 |.", ">L4999 INSERT")


async def test_brackets_walk_the_scripts_and_a_missing_one_is_said() -> None:
    async with opened() as robot:
        await at_change(robot)
        await robot.press("right_square_bracket")
        await robot.sees("[verify]", "there is no verify script")
        await robot.press("f")
        await robot.sees("f is off: there is no text to set out")
        await robot.press("right_square_bracket")
        await robot.sees("[revert]", "LOSES dms.documents.size")
        await robot.press("left_square_bracket", "left_square_bracket")
        await robot.sees("[deploy]")


async def test_the_formatted_text_says_that_it_is_not_what_runs_and_goes_away_again() -> None:
    async with opened() as robot:
        await at_change(robot)
        await robot.press("f")
        await robot.sees("FORMATTED to read, NOT what runs", "-- NOT what runs")
        await robot.press("f")
        await robot.misses("FORMATTED")
        await robot.sees("SET LOCAL lock_timeout")


async def test_find_goes_round_and_says_when_nothing_holds_the_text() -> None:
    async with opened() as robot:
        await at_change(robot)
        await robot.press("slash", *"UPDATE dms", "enter")
        await robot.sees("> 9 ")
        await robot.press("n")
        await robot.sees("> 9 ")
        await robot.press("slash", *"nowhere", "enter")
        await robot.sees("'nowhere' does not stand here")


async def test_a_script_of_many_lines_opens_and_scrolls() -> None:
    session = FakeSession()
    session.texts["deploy"] = "BEGIN;\n" + "INSERT INTO t VALUES (1, 'x');\n" * 100_000 + "-- ALTER TABLE dms.documents"
    async with opened(session) as robot:
        await robot.tell(status("production", 8))
        await robot.press("3", "enter")
        await robot.sees("INSERT INTO t VALUES")
        await robot.press("G")
        await robot.sees("100002")


async def test_the_beginning_of_a_long_script_is_shown_while_the_rest_is_read() -> None:
    class Slow(FakeSession):
        def __init__(self) -> None:
            super().__init__()
            self.rest = threading.Event()

        def impact(
            self,
            change_id: str,
            kind: ScriptKind,
            environment: str,
            *,
            live: bool,
            pending: bool = False,
            before: Sequence[str] = (),
            so_far: Callable[[ImpactFacts], None] | None = None,
        ) -> ImpactFacts:
            whole = super().impact(change_id, kind, environment, live=live)
            if so_far is not None and whole.impact is not None:
                beginning = tuple(one for one in whole.impact.statements if one.line <= 6)
                so_far(ImpactFacts(replace(whole.impact, statements=beginning), upto=6))
                assert self.rest.wait(60)
            return whole

    session = Slow()
    async with opened(session, size=(100, 60)) as robot:
        await robot.tell(status("production", 8))
        await robot.press("3", "enter")
        await robot.sees("from the text alone", "this goes to line 6 so far", "L6 ALTER TABLE")
        assert "L9 UPDATE" not in robot.text
        await robot.press("i")
        await robot.sees(">L6 ALTER TABLE")
        assert LookNow("production") not in session.calls
        session.rest.set()
        await robot.sees("Lock impact  PostgreSQL 18.6", ">L6 ALTER TABLE", "L9 UPDATE", "On production now")
        assert "so far" not in robot.text


async def test_a_script_that_declares_batches_is_run_in_batches_through_the_review() -> None:
    session = FakeSession()
    async with opened(session) as robot:
        await at_change(robot)
        await robot.press("b")
        await robot.sees("b is off: the deploy script declares no statement for batches")
        assert "Batches.." not in robot.text
    session = FakeSession()
    session.texts["deploy"] = "-- pgmig: backfill table=dms.documents key=id\n" + DEPLOY_SQL
    async with opened(session) as robot:
        await at_change(robot)
        await robot.sees("b Batches..")
        await robot.press("b")
        await robot.sees("BACKFILL 1 change", "| UPDATE dms.documents")
        assert Prepare("production", "backfill", change_id(8)) in session.calls
        assert session.started == []


async def test_what_is_not_known_yet_is_never_said_to_be_nothing() -> None:
    class Slow(FakeSession):
        def __init__(self) -> None:
            super().__init__()
            self.rest = threading.Event()

        def impact(
            self,
            change_id: str,
            kind: ScriptKind,
            environment: str,
            *,
            live: bool,
            pending: bool = False,
            before: Sequence[str] = (),
            so_far: Callable[[ImpactFacts], None] | None = None,
        ) -> ImpactFacts:
            assert self.rest.wait(60)
            if kind == "revert":
                return ImpactFacts(None, problem="the server has gone")
            return super().impact(change_id, kind, environment, live=live)

    session = Slow()
    async with opened(session) as robot:
        await robot.tell(status("production", 8))
        await robot.press("3", "enter")
        await robot.sees("Lock impact ...")
        for key in ("i", "tab"):
            await robot.press(key)
            await robot.sees(f"{key} is off: the lock impact is still being read")
        session.rest.set()
        await robot.sees("L6 ALTER TABLE")
        await robot.press("i")
        await robot.sees(">L6 ALTER TABLE")
        await robot.press("f")
        await robot.sees("NOT what runs")
        await robot.press("i")
        await robot.sees("i is off: this is not the text that runs; f shows that")
        await robot.press("left_square_bracket")
        await robot.sees("the server has gone")
        await robot.press("i")
        await robot.sees("i is off: the lock impact is not known")


def test_the_next_pending_change_is_the_next_in_the_plan_and_any_where_none_is() -> None:
    plan = tuple(PlanLine(name, name) for name in "abcd")

    def walk(here: str, pending: str, way: int) -> str:
        found = neighbour(plan, here, pending, way)
        return found.reason if isinstance(found, Unavailable) else found.name

    assert [walk("a", "bd", 1), walk("b", "bd", 1), walk("d", "bd", -1)] == ["b", "d", "b"]
    assert walk("d", "bd", 1) == "there is no pending change after this one"
    assert walk("b", "bd", -1) == "there is no pending change before this one"
    assert [walk("b", "", 1), walk("b", "", -1)] == ["c", "a"]
    assert walk("a", "", -1) == "there is no change before this one"
    assert walk("x", "bd", 1) == "this change is not in the plan any more"


async def test_parentheses_walk_the_pending_changes_and_esc_goes_home_at_once() -> None:
    async with opened() as robot:
        await robot.tell(status("production", 6))
        await robot.press("3", "enter")
        await robot.sees("change 1/3 pending")
        await robot.press("(")
        await robot.sees("( is off: there is no pending change before this one")
        await robot.press(")")
        await robot.sees("change 2/3 pending")
        await robot.press(")", ")")
        await robot.sees(") is off: there is no pending change after this one", "change 3/3 pending")
        await robot.press("escape")
        await robot.sees("ALL ENVIRONMENTS")


async def test_a_broad_terminal_shows_what_the_revert_does_beside() -> None:
    async with opened(size=(160, 50)) as robot:
        await at_change(robot)
        await robot.sees("revert, after its deploy", "LOSES dms.documents.size", "deploy/")
        await robot.press("left_square_bracket")
        await robot.misses("revert, after its deploy")


async def test_sixty_columns_show_the_text_or_the_impact() -> None:
    async with opened(size=(60, 15)) as robot:
        await robot.tell(status("production", 8))
        production = robot.app.session.facts.environments[2]
        robot.app.push_screen(ChangeScreen(robot.app.session.facts.plan[8], production))
        await robot.sees("tab: text or impact", "ALTER TABLE")
        assert "L6 ALTER TABLE" not in robot.text
        await robot.press("i", "tab")
        await robot.sees(">L6 ALTER TABLE")


def test_locks_on_the_indexes_of_the_one_table_are_one_line() -> None:
    table = Lock("a", "t", "r", LockMode.ACCESS_EXCLUSIVE, "certain", "")
    indexes = tuple(replace(table, relation=f"i{n}", relkind="i") for n in range(3))
    one = StatementImpact(1, 1, "x", "ALTER TABLE", locks=(table, *indexes))
    text = [text_of(line).strip() for line in statement_lines(one, 60)]
    assert text[1:3] == ["ACCESS EXCLUSIVE on a.t", "and 3 of its indexes"]
    alone = replace(one, locks=indexes[:1])
    assert "ACCESS EXCLUSIVE on a.i0" in [text_of(line).strip() for line in statement_lines(alone, 60)]
    weak = replace(one, locks=(replace(table, mode=LockMode.SHARE), indexes[0]))
    assert "ACCESS EXCLUSIVE on a.i0" in [text_of(line).strip() for line in statement_lines(weak, 60)]
