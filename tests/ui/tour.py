"""A way through every screen of a production environment, in one program: each screen with something on it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from textual.screen import Screen

from pgmig_tui.display.activity import Blocker
from pgmig_tui.run.journal.entry import Entry
from pgmig_tui.run.journal.picture import RunPicture, StepPicture
from pgmig_tui.ui import destinations as to
from pgmig_tui.ui.backend.protocol import Foreign, ForeignSession, LockSession, RunFacts
from pgmig_tui.ui.messages import DriftKnown
from pgmig_tui.ui.router import screen_for
from pgmig_tui.ui.screens.attach import AttachScreen
from pgmig_tui.ui.screens.confirm import unlock
from pgmig_tui.ui.screens.dialog import AskScreen, ReadScreen, paragraph
from pgmig_tui.ui.screens.palette import Action, PaletteScreen
from pgmig_tui.ui.screens.run import RunScreen
from pgmig_tui.ui.screens.settings import SettingsScreen
from tests.ui.fakes import ENVIRONMENTS, NOW, FakeSession, change_id, event, facts, plan, status
from tests.ui.robot import Robot
from tests.ui.watched import APPROVALS, drifted, maintained, seen

AT = "2026-08-20T03:13:00Z"
PRODUCTION = ENVIRONMENTS[2]
RUN = "20260820-031500-ab12"


def laden(text: str = "nightly report") -> FakeSession:
    """A session that has something to tell on every screen; `text` is in what people, servers and files have named."""
    lines = tuple(replace(one, note=text, planner=text, tags=(text,)) for one in plan())
    session = FakeSession(facts(lines))
    session.texts = {"deploy": f"SELECT '{text}';\n" * 40, "revert": f"-- {text}\nDROP TABLE x;\n"}
    one = Blocker(7, "then", "bob", text, "idle in transaction", 862_000, query=f"SELECT '{text}'")
    under = Blocker(8, "then", text, "app", "active", 4000, query="SELECT 2", depth=1)
    session.locks.sessions = (
        LockSession(one, "", f"AccessShareLock on {text}", 5.0, text),
        LockSession(under, f"AccessExclusiveLock on {text}", "", 4000.0, text),
    )
    session.listed = (RunFacts(RUN, "production", "deploy", "failed", AT, AT, 1, 2, text, text),)
    session.approving, session.maintained = APPROVALS, maintained()
    session.deployed.seen = seen()
    session.drift["production"] = session.found_drift = drifted(5)
    step = ForeignSession(4243, "then", text, f"SELECT '{text}'")
    session.foreign.seen = Foreign(NOW, run_id=RUN, holder=text, step=step, sessions=(step,), registry=text)
    return session


def told(text: str, *, command: str = "deploy") -> list[Entry]:
    """A run that waits for a lock."""
    steps = [
        {"number": number, "action": command, "change": f"change {number} {text}", "change_id": change_id(number)}
        for number in (1, 2, 3)
    ]
    blocker = {"pid": 7, "started": "then", "user": "bob", "application": text, "query": text}
    under = {**blocker, "pid": 8, "depth": 1}
    planned = {"command": command, "environment": "production", "operator": text, "steps": steps}
    return [
        event(AT, "run_planned", planned),
        event(AT, "step_started", {"step": 1, "change": steps[0]["change"]}),
        event(AT, "output", {"step": 1, "text": text, "stream": "out"}),
        event(AT, "step_committed", {"step": 1}),
        event(AT, "step_started", {"step": 2, "change": steps[1]["change"]}),
        event(AT, "statement_started", {"step": 2, "path": f"deploy/{text}.sql", "line": 1, "sql": text}),
        event(AT, "activity", {"step": 2, "waiting": True, "phase": text, "blockers": [blocker, under], "percent": 40}),
    ]


def failed(text: str) -> list[Entry]:
    failure = {"step": 2, "path": f"deploy/{text}.sql", "line": 1, "message": text, "hint": text}
    return [
        *told(text), event(AT, "step_failed", failure), event(AT, "run_finished", {"exit_status": 1, "summary": text})
    ]  # fmt: skip


def picture_of(events: Sequence[Entry]) -> RunPicture:
    picture = RunPicture()
    for one in events:
        picture.add(one)
    return picture


@dataclass(frozen=True)
class Story:
    """What a tour tells: a text that people, servers and files have named, the journal of a run that goes on, and of
    one that has ended."""

    text: str
    run: Sequence[Entry]
    ended: Sequence[Entry]

    @classmethod
    def of(cls, text: str) -> Story:
        return cls(text, told(text), failed(text))


Made = Callable[[Robot, FakeSession, Story], Screen[Any] | None]


@dataclass(frozen=True)
class Stop:
    """A screen, what stands on it once it has its answers, and the keys that are pressed there."""

    name: str
    screen: Made
    sees: str
    keys: tuple[str, ...] = ()


def _at(destination: to.Destination) -> Made:
    return lambda *_: screen_for(destination)


def _run(*, ended: bool = False) -> Made:
    def made(robot: Robot, session: FakeSession, story: Story) -> Screen[Any]:
        session.watch.told, session.watch.unread = [], list(story.ended if ended else story.run)
        return screen_for(to.ToRun(RUN, PRODUCTION))

    return made


def _of_run(make: Callable[[RunScreen, Sequence[Entry]], to.Destination], *, ended: bool = True) -> Made:
    def made(robot: Robot, session: FakeSession, story: Story) -> Screen[Any]:
        events = story.ended if ended else story.run
        run = RunScreen(RUN, PRODUCTION)
        run.picture = picture_of(events)
        return screen_for(make(run, events))

    return made


def _failed(run: RunScreen) -> StepPicture:
    steps = run.picture.steps.values()
    return next((step for step in steps if step.failure is not None), next(iter(steps)))


STOPS = (
    Stop("home", lambda *_: None, "plan"),
    Stop("change", _at(to.ToChange(plan()[5], PRODUCTION)), "SELECT"),
    Stop("review", _at(to.ToReview(PRODUCTION, "deploy")), "Backup database"),
    Stop("rollback", _at(to.ToRollback(PRODUCTION)), "Roll back run"),
    Stop("locks", _at(to.ToLocks(PRODUCTION)), "1 root blocker"),
    Stop("foreign", _at(to.ToForeign(PRODUCTION)), "4243"),
    Stop("watch", _at(to.ToWatch(PRODUCTION)), "deadlock"),
    Stop("approvals", _at(to.ToApprovals(PRODUCTION)), "lead"),
    Stop("drift", _at(to.ToDrift(PRODUCTION)), "app.orders.note"),
    Stop("maintain", _at(to.ToMaintain(PRODUCTION)), "Leftovers"),
    Stop("environment", _at(to.ToEnvironment(PRODUCTION)), "12 GB"),
    Stop("history", _at(to.ToEnvironment(PRODUCTION)), "change_0001", ("right_square_bracket",)),
    Stop("now", _at(to.ToEnvironment(PRODUCTION)), "pid 7", ("right_square_bracket",) * 2),
    Stop("do", _at(to.ToEnvironment(PRODUCTION)), "ROLL BACK", ("left_square_bracket",)),
    Stop("compare", _at(to.ToCompare(PRODUCTION, ENVIRONMENTS[1])), "change_0003"),
    Stop("runs", _at(to.ToRuns()), RUN),
    Stop("help", lambda robot, *_: screen_for(to.ToHelp(robot.app.screen)), "HELP for"),
    Stop("run", _run(), "change 2"),
    Stop("whole log", _run(), "change 2", ("t",)),
    Stop("run that failed", _run(ended=True), "FAILED"),
    Stop("failed", _of_run(lambda run, _: to.ToFailed(run, _failed(run))), "change 2"),
    Stop("blockers", _of_run(lambda run, _: to.ToBlockers(run), ended=False), "in the way"),
    Stop("after", _of_run(lambda run, events: to.ToAfter(RUN, PRODUCTION, run.picture, events)), "Verify application"),
    Stop("incident", _of_run(lambda run, events: to.ToIncident(RUN, PRODUCTION, run.picture, events)), "now: fine"),
    Stop("unlock", lambda *_: unlock(PRODUCTION), "prod"),
    Stop("settings", lambda *_: SettingsScreen(500, 8, danger=True), "lock_timeout"),
    Stop("attach", lambda robot, session, _: AttachScreen(session.listed[0], protected=True), RUN),
    Stop("question", lambda _robot, _session, story: AskScreen("A note", story.text), "A note"),
    Stop(
        "palette",
        lambda _robot, _session, story: PaletteScreen([Action(story.text, story.text, lambda: None)] * 90),
        "Esc goes back",
    ),
    Stop("words", lambda _robot, _session, story: ReadScreen(paragraph(story.text)), ""),
)


async def stops(robot: Robot, session: FakeSession, text: str, of: tuple[Stop, ...] = STOPS) -> AsyncIterator[Stop]:
    """Goes to one after the other, and says when it is there."""
    lines = session.facts.plan
    await robot.tell(
        status("dev", 9, lines), status("staging", 8, lines),
        status("production", 5, lines, under_way=text, differing={lines[2].change_id: text}),
        DriftKnown(session.known_drift()),
    )  # fmt: skip
    await robot.press("3")
    for stop in of:
        await go_to(robot, session, Story.of(text), stop)
        yield stop
        await home_again(robot)


async def go_to(robot: Robot, session: FakeSession, story: Story, stop: Stop, *, waits: bool = True) -> None:
    """`waits`: until what stands there is there."""
    screen = stop.screen(robot, session, story)
    if screen is not None:
        robot.app.push_screen(screen)
        await robot.until(lambda: robot.app.screen is screen and screen.is_mounted, stop.name)
        await robot.settle()
    await robot.press(*stop.keys)
    if waits and stop.sees:
        await robot.sees(stop.sees)
    await robot.settle()


async def home_again(robot: Robot) -> None:
    while len(robot.app.screen_stack) > 1:
        robot.app.pop_screen()
    await robot.settle()
