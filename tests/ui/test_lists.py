"""Every list of every screen with ten times the rows that fit: after each key what the key went to is in sight."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

import pytest

from pgmig_tui.display.activity import Blocker
from pgmig_tui.impact.result import ScriptImpact
from pgmig_tui.ui.screens.dialog import Dialog
from pgmig_tui.ui.screens.place import PlaceScreen
from pgmig_tui.ui.session import (
    Command,
    Foreign,
    ForeignSession,
    Item,
    LockSession,
    Manner,
    Record,
    Review,
    Rollback,
    RunFacts,
    StepFacts,
)
from pgmig_tui.ui.widgets.lines import Choices, Lines
from tests.ui.fakes import NOW, FakeEvent, FakeSession, change_id, facts, impact, plan, standing
from tests.ui.robot import Robot, opened, play

SIZES = [(80, 23), (100, 30), (160, 50)]
MANY = 500
"""Ten times the rows that fit into 160x50."""
AT = "2026-08-20T03:13:00Z"


def step_facts(number: int) -> StepFacts:
    name = f"20250101_{number:04d}_generated_change"
    return StepFacts(number, "deploy", name, change_id(number), "atomic", lock="ROW EXCLUSIVE", relation="public.t")


class Crowded(FakeSession):
    """A session in which everything is there five hundred times."""

    def __init__(self) -> None:
        super().__init__(facts(plan(MANY)))
        self.texts = dict.fromkeys(
            ("deploy", "revert", "recorded"), "".join(f"SELECT {n};\n" for n in range(1, MANY + 1))
        )
        self.impacts["deploy"] = many_findings()
        self.items = tuple(
            Item(f"item-{n}", f"Item {n} of the checklist", "attested", "UNKNOWN", blocks=True) for n in range(MANY)
        )
        self.listed = tuple(
            RunFacts(f"run-{n:04d}", "dev", "deploy", "finished", f"2026-08-{n % 20 + 1:02d}T02:41:10Z", AT, 2, 2)
            for n in range(MANY)
        )
        self.locks.sessions = tuple(LockSession(blocker(n)) for n in range(1, MANY + 1))
        step = ForeignSession(4243, "then", "process 4243", "SELECT 1")
        self.foreign.seen = Foreign(
            NOW,
            run_id="20260820-030900-beef",
            holder="process 4242",
            step=step,
            sessions=(step,) * MANY,
            registry="the registry",
        )

    def prepare(self, environment: str, command: Command, to: str | None, *, how: Manner = "run") -> Review:
        steps = tuple(step_facts(number) for number in range(1, MANY + 1))
        return replace(super().prepare(environment, command, to, how=how), steps=steps)

    def look_back(self, environment: str, to: str | None, save: bool | None) -> Rollback:
        steps = tuple(step_facts(number) for number in range(1, MANY + 1))
        losses = tuple(((f"loss {number}", "failed"),) for number in range(MANY))
        return replace(super().look_back(environment, to, save), steps=steps, losses=losses)  # type: ignore[arg-type]

    def incident(self, run_id: str) -> Record:
        return Record("\n".join(f"- line {n}" for n in range(MANY)), "", True)

    def after_items(self, environment: str, command: str, run_id: str) -> tuple[Item, ...]:
        return self.items


def blocker(number: int) -> Blocker:
    return Blocker(number, "2026-08-20 02:59:01.5+00", "bi", f"reporting-{number}", "active", 1000, "SELECT 1")


def many_findings() -> ScriptImpact:
    told = impact()
    one = told.statements[2]
    return replace(told, statements=tuple(replace(one, line=n, end_line=n) for n in range(1, MANY + 1)))


def planned(command: str = "deploy") -> FakeEvent:
    steps = [
        {"number": n, "action": command, "change": f"20250101_{n:04d}_generated_change", "change_id": change_id(n)}
        for n in range(1, MANY + 1)
    ]
    return FakeEvent(AT, "run_planned", {"command": command, "environment": "dev", "steps": steps})


def done(number: int) -> list[FakeEvent]:
    return [FakeEvent(AT, "step_started", {"step": number}), FakeEvent(AT, "step_committed", {"step": number})]


def ended(status: int) -> FakeEvent:
    return FakeEvent(AT, "run_finished", {"exit_status": status, "summary": "it has ended"})


def running() -> list[FakeEvent]:
    return [planned(), *(event for n in range(1, MANY) for event in done(n))]


def failing() -> list[FakeEvent]:
    notices = [
        FakeEvent(AT, "index_invalid", {"step": 1, "index": f"i{n}", "repair": ["REINDEX"]}) for n in range(MANY)
    ]
    failure = {"step": 1, "path": "deploy/x.sql", "line": 30, "message": "it fails"}
    return [planned(), FakeEvent(AT, "step_started", {"step": 1}), *notices, FakeEvent(AT, "step_failed", failure)]


Way = Callable[[Robot, Crowded], Awaitable[Lines]]


@dataclass(frozen=True)
class Where:
    """How a list is come to, and which keys mean something in it."""

    name: str
    way: Way
    keys: tuple[str, ...] = ("j", "k", "G", "k", "ctrl+u", "g", "j", "ctrl+d", "pagedown", "pageup", "end", "home")
    wanted: str = ""
    """A text that one of its last rows holds."""


def screen_of(robot: Robot) -> PlaceScreen:
    assert isinstance(robot.app.screen, PlaceScreen)
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


def at_run(events: Sequence[FakeEvent], *keys: str, pane: int = 0) -> Way:
    async def way(robot: Robot, session: Crowded) -> Lines:
        session.watch.unread = list(events)
        robot.app.open_run(session.watch.run_id)
        await robot.until(lambda: not session.watch.unread, "all of the journal")
        await robot.pilot.pause()
        for key in keys:
            await robot.press(key)
            await robot.pilot.pause()
        return await in_pane(robot, pane)

    return way


async def at_blockers(robot: Robot, session: Crowded) -> Lines:
    told = [{"pid": n, "started": "then", "application": f"reporting-{n}"} for n in range(1, MANY + 1)]
    started = FakeEvent(AT, "statement_started", {"step": 1, "line": 1, "sql": "ALTER TABLE t"})
    activity = FakeEvent(AT, "activity", {"step": 1, "waiting": True, "blockers": told})
    await at_run([planned(), FakeEvent(AT, "step_started", {"step": 1}), started, activity])(robot, session)
    await robot.press("K")
    return await in_pane(robot, 0)


async def at_incident(robot: Robot, session: Crowded) -> Lines:
    await robot.press("R")
    await robot.sees("accept DATA LOSS")
    session.watch.unread = [planned("revert"), *done(1), ended(0)]
    await robot.press("a", "E", *"yes", "enter")
    await robot.sees("INCIDENT")
    return await in_pane(robot, 0)


WHERES = (
    Where("plan", at_home(), wanted="0104_0001_create_doc"),
    Where("script", at_home("enter"), wanted="select 499;"),
    Where("review items", at_home("d"), wanted="item 499"),
    Where("review steps", at_home("d", pane=1), wanted="0499_generated"),
    Where("rollback steps", at_home("R"), ("G", "ctrl+u", "g", "ctrl+d", "end", "home"), "0499_generated"),
    Where("rollback losses", at_home("R", pane=1), ("G", "ctrl+u", "g", "ctrl+d", "end", "home"), "loss 499"),
    Where("runs", at_home("h"), wanted="run-0499"),
    Where("locks", at_home("l"), wanted=""),
    Where("foreign", at_home("w")),
    Where("help", at_home("question_mark", times=1), wanted="any.quit"),
    Where("log", at_run(running()), wanted="499"),
    Where("run steps", at_run(running(), pane=1), wanted=" 499 "),
    Where("whole log", at_run(running(), "t"), wanted="499"),
    Where("failure", at_run([*failing(), ended(1)], "f"), wanted="index i499"),
    Where("after items", at_run([*running(), ended(0)], "enter"), wanted="item 499"),
    Where("after steps", at_run([*running(), ended(0)], "enter", pane=1), wanted="0499_generated"),
    Where("after log", at_run([*running(), ended(0)], "enter", "t", pane=1), wanted="499"),
    Where("blockers", at_blockers, wanted="reporting-499"),
    Where("incident", at_incident, wanted="line 499"),
)


def rows_on_screen(robot: Robot, part: Lines) -> list[str]:
    every = robot.text.splitlines()
    region = part.region
    return [row[region.x : region.x + region.width] for row in every[region.y : region.y + region.height]]


def in_sight(robot: Robot, part: Lines) -> None:
    """The row under the cursor is on the screen, and marked."""
    if not isinstance(part, Choices):
        return
    rows, place = rows_on_screen(robot, part), part.cursor - part.scroll_offset.y
    assert 0 <= place < part.size.height, f"row {part.cursor} is out of sight, {place} rows off the top"
    marked = [number for number, row in enumerate(rows) if row[:2].lstrip().startswith(">")]
    assert marked == [place], f"marked are {marked}, the cursor is at {place}:\n" + "\n".join(rows)


def shows(robot: Robot, part: Lines, index: int) -> None:
    assert part.scroll_offset.y <= index < part.scroll_offset.y + part.size.height, (index, part.scroll_offset.y)


CASES = [(where, size) for where in WHERES for size in SIZES if (where.name, size) != ("help", (160, 50))]
"""All of the help fits into 160x50."""


@pytest.mark.parametrize(("where", "size"), CASES, ids=[f"{where.name} {size[0]}x{size[1]}" for where, size in CASES])
def test_what_a_key_goes_to_is_in_sight(where: Where, size: tuple[int, int]) -> None:
    async def scene() -> None:
        session = Crowded()
        async with opened(session, size) as robot:
            busy = standing("dev", 250, plan(MANY), under_way="run x of another account is under way")
            await robot.tell(busy)
            await robot.runs()
            part = await where.way(robot, session)
            in_sight(robot, part)
            for key in where.keys:
                before = part.scroll_offset.y
                await robot.press(key)
                await robot.pilot.pause()
                in_sight(robot, part)
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
            await robot.pilot.resize_terminal(size[0], size[1] - 3)
            await robot.press("G")
            in_sight(robot, part)
            shows(robot, part, part.line_count - 1)

    play(scene)


async def search(robot: Robot, part: Lines, wanted: str) -> None:
    """`/` and `n` go to what holds a text; where `/` filters, the row is there and in sight."""
    await robot.press("slash")
    await robot.until(lambda: isinstance(robot.app.screen, Dialog), "a question")
    await robot.type(wanted)
    await robot.press("enter")
    await robot.until(lambda: not isinstance(robot.app.screen, Dialog), "the list again")
    await robot.pilot.pause()
    for key in ("n", "N", "n"):
        in_sight(robot, part)
        shown = "\n".join(rows_on_screen(robot, part)).lower()
        assert wanted in shown.lower() or wanted in part.whole().lower(), f"no {wanted!r} in sight:\n{shown}"
        await robot.press(key)
        await robot.pilot.pause()
