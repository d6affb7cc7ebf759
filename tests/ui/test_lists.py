"""Every list of every screen with ten times the rows that fit: after each key what the key went to is in sight."""

from __future__ import annotations

import ast
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from textual._compositor import Compositor

import pgmig_tui.ui
from pgmig_tui.display.cells import text_of, width
from pgmig_tui.run.journal.entry import Entry
from pgmig_tui.ui.screens.base import BaseScreen
from pgmig_tui.ui.screens.change import ChangeScreen
from pgmig_tui.ui.screens.dialog import Dialog
from pgmig_tui.ui.screens.palette import PaletteScreen
from pgmig_tui.ui.widgets.lines import Choices, Groups, Lines
from tests.ui.crowded import AT, MANY, Crowded, done, ended, failing, long_text, lost, planned, running
from tests.ui.fakes import ENVIRONMENTS, FakeSession, UnderReview, change_id, facts, plan, status
from tests.ui.fakes import event as event_at
from tests.ui.robot import Robot, opened

SIZES = [(80, 23), (100, 30), (160, 50)]
LOST = lost(MANY)
LONG = long_text(MANY)


@pytest.fixture(autouse=True)
def drawn_when_it_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    """Textual draws each change for a terminal, and there is none here. These tests draw the screen themselves, after
    each key: that is half of the time."""
    monkeypatch.setattr(Compositor, "render_update", lambda *_, **__: None)


Way = Callable[[Robot, Crowded], Awaitable[Lines]]


@dataclass(frozen=True)
class Where:
    """How a list, the `of` a screen, is come to, and which keys mean something in it."""

    name: str
    of: str
    way: Way
    keys: tuple[str, ...] = ("j", "k", "G", "k", "ctrl+u", "g", "j", "ctrl+d", "pagedown", "pageup", "end", "home")
    wanted: str = ""
    """A text that one of its last rows holds."""
    times: int = 9
    """How many times more rows than fit it has at least."""


def screen_of(robot: Robot) -> BaseScreen:
    assert isinstance(robot.app.screen, BaseScreen)
    return robot.app.screen


async def in_pane(robot: Robot, number: int, times: int = 9) -> Lines:
    for _ in range(number):
        await robot.press("tab")
    found = screen_of(robot).moved_in
    assert found is not None
    await robot.until(lambda: found.line_count > times * found.size.height > 0, "more lines than fit")
    return found


def at_home(*keys: str, pane: int = 0, times: int = 9) -> Way:
    async def way(robot: Robot, session: Crowded) -> Lines:
        before = len(robot.app.screen_stack)
        for key in keys:
            await robot.press(key)
        if keys:
            await robot.until(lambda: len(robot.app.screen_stack) > before, "another screen")
        return await in_pane(robot, pane, times)

    return way


def at_run(events: Sequence[Entry], *keys: str, pane: int = 0) -> Way:
    async def way(robot: Robot, session: Crowded) -> Lines:
        session.watch.unread = list(events)
        robot.app.open_run(session.watch.run_id)
        await robot.until(lambda: not session.watch.unread, "all of the journal")
        await robot.settle()
        for key in keys:
            await robot.press(key)
            await robot.settle()
        return await in_pane(robot, pane)

    return way


def blocked() -> list[Entry]:
    told = [{"pid": n, "started": "then", "application": f"reporting-{n}"} for n in range(1, MANY + 1)]
    started = event_at(AT, "statement_started", {"step": 1, "line": 1, "sql": "ALTER TABLE t"})
    activity = event_at(AT, "activity", {"step": 1, "waiting": True, "blockers": told})
    return [planned(), event_at(AT, "step_started", {"step": 1}), started, activity]


async def at_findings(robot: Robot, session: Crowded) -> Lines:
    await robot.press("enter")
    await robot.sees(">L1 ALTER TABLE")
    await robot.press("tab")
    found = screen_of(robot)
    assert isinstance(found, ChangeScreen)
    return found.pane


async def at_back(robot: Robot, session: Crowded) -> Lines:
    """It stands beside where a terminal is broad alone."""
    await robot.press("enter")
    await robot.sees("tab Findings", "SELECT 1;")
    found = screen_of(robot)
    assert isinstance(found, ChangeScreen)
    await robot.until(lambda: found.back.line_count > MANY, "the revert beside")
    await robot.press("tab", "tab")
    assert found.moved_in is found.back
    return found.back


async def at_choices(robot: Robot, session: Crowded) -> Lines:
    await at_run([*failing(), ended(1)], "f")(robot, session)
    await robot.tell(status("dev", 250, plan(MANY)))
    await robot.press("m")
    await robot.sees("it can't be marked")
    return await in_pane(robot, 1)


async def at_incident(robot: Robot, session: Crowded) -> Lines:
    await robot.press("R")
    await robot.sees("accept DATA LOSS")
    session.watch.unread = [planned("revert"), *done(1), ended(0)]
    await robot.press("a", "E")
    dialog = robot.app.screen
    assert isinstance(dialog, Dialog)
    while not dialog.read:
        await robot.press(*["pagedown"] * 9)
    await robot.press(*"yes", "enter")
    await robot.sees("INCIDENT")
    return await in_pane(robot, 0)


_FAR = ("G", "ctrl+u", "g", "ctrl+d", "end", "home")
WHERES = (
    Where("plan", "HomeScreen.matrix", at_home(), wanted="0104_0001_"),
    Where("side", "HomeScreen.side", at_home(pane=1)),
    Where("script", "ChangeScreen.sql", at_home("enter"), wanted="select 499;"),
    Where("revert beside", "ChangeScreen.back", at_back, wanted="select 499;"),
    Where("findings", "ChangeScreen.pane", at_findings, times=5),
    Where("review items", "Reviewing.items", at_home("d"), wanted="item 499"),
    Where("review steps", "Reviewing.steps", at_home("d", pane=1), wanted="0499_generated"),
    Where("review gate", "Reviewing.gate", at_home("d", pane=2), wanted="word-499"),
    Where("rollback steps", "RollbackScreen.steps", at_home("R"), _FAR, "0499_generated"),
    Where("rollback losses", "RollbackScreen.lower", at_home("R", pane=1), _FAR, "loss 499"),
    Where("runs", "RunsScreen.list", at_home("h"), wanted="run-0499"),
    Where("locks", "SessionsScreen.list", at_home("l"), wanted=""),
    Where("foreign", "ForeignScreen.text", at_home("w")),
    Where("approvals", "RowsScreen.list", at_home("a"), wanted="499"),
    Where("approval", "RowsScreen.detail", at_home("a", pane=1), wanted="word-499"),
    Where("watch log", "WatchScreen.log_part", at_home("W"), wanted="line 499"),
    Where("watch", "WatchScreen.text", at_home("W", pane=1), wanted="reason 499"),
    Where("health", "RowsScreen.list", at_home("e"), wanted="item 499"),
    Where("history", "RowsScreen.list", at_home("e", "right_square_bracket"), wanted="change_0499"),
    Where("who works there", "RowsScreen.list", at_home("e", *["right_square_bracket"] * 2), wanted="reporting-499"),
    Where("compare", "RowsScreen.list", at_home("C", "enter"), wanted="change_0499"),
    Where("help", "HelpScreen.list", at_home("question_mark", times=1), wanted="any.quit", times=1),
    Where("log", "RunScreen.log_lines", at_run(running()), wanted="499"),
    Where("run steps", "RunScreen.steps", at_run(running(), pane=1), wanted="0499_generated"),
    Where("statement", "RunScreen.current", at_run(blocked(), pane=2), wanted="reporting-499"),
    Where("whole log", "RunScreen.log_lines", at_run(running(), "t"), wanted="499"),
    Where("failure", "FailedScreen.what", at_run([*failing(), ended(1)], "f"), wanted="index i499"),
    Where("what can be done", "FailedScreen.choices", at_choices, wanted="word-499"),
    Where("after items", "AfterScreen.items", at_run([*running(), ended(0)], "enter"), wanted="item 499"),
    Where("after steps", "AfterScreen.steps", at_run([*running(), ended(0)], "enter", pane=1), wanted="0499_generated"),
    Where("after log", "AfterScreen.steps", at_run([*running(), ended(0)], "enter", "t", pane=1), wanted="499"),
    Where("blockers", "SessionsScreen.list", at_run(blocked(), "K"), wanted="reporting-499"),
    Where("incident", "IncidentScreen.text", at_incident, wanted="line 499"),
)
BOUNDED = {
    "HomeScreen.cards": "four lines; what has no room is one card, which leads to all",
    "HomeScreen.health": "a line for each fact, ten at most",
    "HomeScreen.ran": "the newest runs that have room; h lists all",
    "RollbackScreen.scripts": "at 140 columns and more; its keys are those of the lists beside it",
    "RunScreen.curves": "a line for each curve, five at most",
    "SessionsScreen.detail": "a few lines of one session, or of some of a crowd; `=` shows its whole query",
    "BaseScreen.note": "four lines at most; `=` shows all",
    "BaseScreen.small": "what a terminal that is too small shows",
}
DIALOGS = {"Dialog.text", "PaletteScreen.list"}
UI = Path(pgmig_tui.ui.__file__).parent


def lists_of_the_program() -> set[str]:
    """Each list that a screen makes, as `Screen.attribute`, by reading ui/. A list is a widget that descends from
    Lines; a Bar is one line."""
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in UI.rglob("*.py")]
    classes = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    kinds = {"Lines"}
    for _ in classes:
        kinds |= {
            one.name for one in classes if one.name != "Bar" and any(ast.unparse(base) in kinds for base in one.bases)
        }
    return {
        f"{one.name}.{ast.unparse(target).removeprefix('self.')}"
        for one in classes
        for node in ast.walk(one)
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call) and ast.unparse(node.value.func) in kinds
        for target in node.targets
    }


def test_every_list_of_the_program_is_tried_here() -> None:
    found = lists_of_the_program()
    assert {"HomeScreen.matrix", "ChangeScreen.sql", "Dialog.text"} < found
    assert found == {where.of for where in WHERES} | DIALOGS | set(BOUNDED)


def rows_on_screen(robot: Robot, part: Lines) -> list[str]:
    every = robot.text.splitlines()
    region = part.content_region
    return [row[region.x : region.x + region.width] for row in every[region.y : region.y + region.height]]


def in_sight(robot: Robot, part: Lines) -> None:
    """The row under the cursor is on the screen, and marked."""
    if isinstance(part, Groups):
        seen = rows_on_screen(robot, part)
        chosen = [row for row in seen if re.match("│?>L[0-9]", row)]
        assert len(chosen) == 1, "the finding that is chosen is out of sight:\n" + "\n".join(seen)
    if not isinstance(part, Choices):
        return
    rows, offset = rows_on_screen(robot, part), part.cursor - part.scroll_offset.y
    if part.filled:
        wide = [width(text_of(part.line_at(index)).rstrip()) for index in range(part.line_count)]
        assert max(wide) <= part.columns, "a scrollbar lies over what is said"
    assert 0 <= offset < part.size.height, f"row {part.cursor} is out of sight, {offset} rows off the top"
    marked = [number for number, row in enumerate(rows) if row[:2].lstrip().startswith(">")]
    assert marked == [offset], f"marked are {marked}, the cursor is at {offset}:\n" + "\n".join(rows)


def shows(robot: Robot, part: Lines, index: int) -> None:
    assert part.scroll_offset.y <= index < part.scroll_offset.y + part.size.height, (index, part.scroll_offset.y)


_NOT = {("help", (160, 50)): "all of it fits", ("side", (80, 23)): "there is none"}
_NOT |= {("revert beside", size): "it has no room" for size in SIZES if size[0] < 140}


@pytest.mark.parametrize("where", WHERES, ids=[where.name for where in WHERES])
async def test_what_a_key_goes_to_is_in_sight(where: Where) -> None:
    """On one screen that is made smaller, size by size: what a list of each size is after a resize, too."""

    session = Crowded()
    sizes = [size for size in reversed(SIZES) if (where.name, size) not in _NOT]
    async with opened(session, sizes[0]) as robot:
        away = "run x of another account is under way"
        busy = status("dev", 250, plan(MANY), under_way=away, differing={change_id(250): LONG})
        await robot.tell(busy)
        await robot.runs()
        part = await where.way(robot, session)
        for size in sizes:
            if robot.app.size != size:
                await robot.pilot.resize_terminal(*size)
                await robot.settle()
            assert part.line_count > where.times * part.size.height > 0
            await keys_are_followed(robot, part, where)
            await robot.pilot.resize_terminal(size[0], size[1] - 3)
            await robot.press("G")
            in_sight(robot, part)
            if not isinstance(part, Groups):
                shows(robot, part, part.line_count - 1)


async def keys_are_followed(robot: Robot, part: Lines, where: Where) -> None:
    in_sight(robot, part)
    for key in where.keys:
        before = part.scroll_offset.y
        await robot.press(key)
        await robot.settle()
        in_sight(robot, part)
        if isinstance(part, Groups):
            continue  # its keys choose a finding
        match key:
            case "G" | "end":
                shows(robot, part, part.line_count - 1)
            case "g" | "home":
                shows(robot, part, 0)
            case "ctrl+d" | "pagedown":
                at_end = before == part.line_count - part.size.height
                assert part.scroll_offset.y > before or at_end or isinstance(part, Choices), "it stands still"
    if where.wanted:
        await search(robot, part, where.wanted)
    if where.of in ("HomeScreen.matrix", "RunsScreen.list"):
        await robot.press("escape")  # all rows again


@pytest.mark.parametrize("size", SIZES)
async def test_a_list_that_is_chosen_from_keeps_its_cursor_in_sight(size: tuple[int, int]) -> None:
    environments = tuple(replace(ENVIRONMENTS[0], name=f"environment-{n}") for n in range(1, MANY + 1))
    async with opened(FakeSession(facts(environments=environments)), size) as robot:
        await robot.press("0")
        await robot.sees("part of an environment's name")
        dialog = robot.app.screen
        assert isinstance(dialog, PaletteScreen)
        await robot.until(lambda: dialog.list.line_count > 9 * dialog.list.size.height > 0, "more lines than fit")
        for keys in (["down"] * 20, ["pagedown"] * 3, ["up"] * 7, ["pageup"] * 9, ["up"], ["pagedown"] * 90):
            await robot.press(*keys)
            await robot.settle()
            in_sight(robot, dialog.list)
        assert dialog.list.cursor == MANY - 1
        await robot.press("enter")
        await robot.sees(f"env {MANY}/{MANY} environment-{MANY}")
        await robot.press("0", *"environment-123")
        await robot.misses("environment-124")
        await robot.press("enter")
        await robot.sees(f"env 123/{MANY}")


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("keys", [("d", "E"), ("R", "a", "E")], ids=["deploy", "rollback"])
async def test_whoever_types_the_word_has_read_the_name_of_all_that_is_lost(
    keys: tuple[str, ...], size: tuple[int, int]
) -> None:
    session = Crowded()
    session.review = UnderReview(())
    async with opened(session, size) as robot:
        await robot.tell(status("dev", 250, plan(MANY)))
        await robot.press(keys[0])
        await robot.sees("ready to start" if keys[0] == "d" else "accept DATA LOSS")
        await robot.press(*keys[1:])
        await robot.sees("page down: read all of it first", f"LOSES {MANY} things:")
        dialog = robot.app.screen
        assert isinstance(dialog, Dialog)
        await robot.press(*"yes", "enter")
        assert dialog.is_current, "it was answered before all of it was read"
        seen = set(rows_on_screen(robot, dialog.text))
        while not dialog.read:
            await robot.press("pagedown")
            await robot.settle()
            seen |= set(rows_on_screen(robot, dialog.text))
        read = {told.group() for row in seen if (told := re.search(r"all rows of [\w.]+", row))}
        assert read == set(LOST), "a name was never in sight"
        assert dialog.text.scroll_offset.y == dialog.text.line_count - dialog.text.size.height
        await robot.sees("Type yes and press Enter")


async def search(robot: Robot, part: Lines, wanted: str) -> None:
    """`/` and `n` go to what holds a text; where `/` filters, the row is there and in sight."""
    await robot.press("slash")
    await robot.until(lambda: isinstance(robot.app.screen, Dialog), "a question")
    await robot.type(wanted)
    await robot.press("enter")
    await robot.until(lambda: not isinstance(robot.app.screen, Dialog), "the list again")
    await robot.settle()
    for key in ("n", "N", "n"):
        in_sight(robot, part)
        shown = "\n".join(rows_on_screen(robot, part)).lower()
        assert wanted in shown.lower() or wanted in part.whole().lower(), f"no {wanted!r} in sight:\n{shown}"
        await robot.press(key)
        await robot.settle()
