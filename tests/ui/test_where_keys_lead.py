"""Where each key of each screen leads. No terminal is drawn: a screen gets what it shows, and its keys are asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from textual._context import active_app
from textual.screen import Screen

from pgmig_tui.display.activity import Blocker
from pgmig_tui.gates.loss import Losses
from pgmig_tui.run.journal.picture import RunPicture
from pgmig_tui.ui import destinations as to
from pgmig_tui.ui import editor
from pgmig_tui.ui.app import PgmigApp
from pgmig_tui.ui.backend.protocol import (
    DoNotDeploy,
    Foreign,
    ForeignSession,
    ImpactFacts,
    ItemFacts,
    LockSession,
    LockTree,
    Record,
    ReviewFacts,
    RunFacts,
    ScriptText,
)
from pgmig_tui.ui.keys import Unavailable
from pgmig_tui.ui.screens.after import AfterScreen
from pgmig_tui.ui.screens.approvals import ApprovalsScreen
from pgmig_tui.ui.screens.backfill import BackfillScreen
from pgmig_tui.ui.screens.base import BaseScreen
from pgmig_tui.ui.screens.blockers import BlockersScreen
from pgmig_tui.ui.screens.change import ChangeScreen
from pgmig_tui.ui.screens.compare import CompareScreen
from pgmig_tui.ui.screens.dialog import Dialog
from pgmig_tui.ui.screens.drift import DriftScreen
from pgmig_tui.ui.screens.environment import EnvironmentScreen
from pgmig_tui.ui.screens.failed import FailedScreen
from pgmig_tui.ui.screens.foreign import ForeignScreen
from pgmig_tui.ui.screens.help import HelpScreen
from pgmig_tui.ui.screens.home import HomeScreen
from pgmig_tui.ui.screens.incident import IncidentScreen, RollbackRunScreen
from pgmig_tui.ui.screens.locks import LocksScreen
from pgmig_tui.ui.screens.maintain import MaintainScreen
from pgmig_tui.ui.screens.review import ReviewScreen
from pgmig_tui.ui.screens.rollback import RollbackScreen
from pgmig_tui.ui.screens.run import RunScreen
from pgmig_tui.ui.screens.runs import RunsScreen
from pgmig_tui.ui.screens.watch import WatchScreen
from pgmig_tui.ui.views.checklist_order import checklist
from pgmig_tui.ui.views.impact import Pane
from tests.ui.fakes import (
    DEPLOY_SQL,
    ENVIRONMENTS,
    ITEMS,
    NOW,
    FakeSession,
    FakeWatch,
    change_id,
    event,
    impact,
    plan,
    status,
)
from tests.ui.screens import CLASSES
from tests.ui.watched import APPROVALS, drifted, maintained, seen

AT = "2026-08-20T03:13:00Z"
PRODUCTION = ENVIRONMENTS[2]
CHANGE = plan()[5]
RUN = "20260820-031500-ab12"


class NotingApp(PgmigApp):
    """An app that is not run: it notes where it is asked to go."""

    def __init__(self) -> None:
        super().__init__(FakeSession(), clock=lambda: NOW, asks=False)
        self.gone: list[to.Destination] = []
        self.chosen = 2
        self.answers.take(status("production", 5, under_way="sqitch of somebody"))
        self.answers.runs = (RunFacts(RUN, "dev", "deploy", "failed", "Maria", AT, 1, 2),)

    def go(self, destination: to.Destination, *, instead: bool = False) -> None:
        self.gone.append(destination)

    def pop_screen(self) -> Any: ...
    def leave(self) -> None: ...
    def clear_selection(self) -> None: ...
    def copy_to_clipboard(self, text: str) -> None: ...
    def screen_text(self) -> str:
        return ""


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch) -> Iterator[NotingApp]:
    monkeypatch.setattr(editor, "missing", lambda env: None)
    monkeypatch.setattr(editor, "command", lambda env, path, line: [])
    monkeypatch.setattr(editor, "edit", lambda app, command: None)
    monkeypatch.setattr(BaseScreen, "later", lambda *_: None)
    for name in ("call_after_refresh", "_watch_selections"):
        monkeypatch.setattr(Screen, name, lambda *_: None)
    # A dialog asks before anything else comes; whatever else is shown is a destination.
    dialogs: list[Dialog[object]] = []
    app = NotingApp()
    monkeypatch.setattr(app, "push_screen", lambda dialog, *_: dialogs.append(dialog))
    token = active_app.set(app)
    yield app
    active_app.reset(token)
    assert all(isinstance(dialog, Dialog) for dialog in dialogs)


BLOCKER = {"pid": 7, "started": "then", "user": "bob"}
LOST = {"step": 2, "line": 6, "try": 1, "of": 8, "why": "lock timeout", "wait_ms": 60_000, "blockers": [BLOCKER]}


def told(command: str = "deploy") -> RunPicture:
    """A run that has committed a step, and works on the next."""
    steps = [
        {"number": number, "action": command, "change": line.name, "change_id": line.change_id}
        for number, line in enumerate(plan()[5:8], 1)
    ]
    planned = {"command": command, "environment": "production", "steps": steps}
    begun = [{"step": number, "change": step["change"]} for number, step in enumerate(steps, 1)]
    return picture_of(("run_planned", planned), ("step_started", begun[0]), ("step_committed", begun[0]),
                      ("step_started", begun[1]))  # fmt: skip


def add(picture: RunPicture, *events: tuple[str, dict[str, Any]]) -> RunPicture:
    for name, data in events:
        picture.add(event(AT, name, data))
    return picture


def picture_of(*events: tuple[str, dict[str, Any]]) -> RunPicture:
    return add(RunPicture(), *events)


def failed() -> RunPicture:
    return add(told(), ("step_failed", {"step": 2, "message": "no"}), ("run_finished", {"exit_status": 1}))


def controlled(screen: RunScreen, picture: RunPicture) -> RunScreen:
    screen.picture = picture
    screen._controls = True
    return screen


# Scenes: a screen with what it shows, and where its keys lead. A key that isn't told of leads nowhere.

Scene = tuple[BaseScreen, dict[str, to.Destination]]


def home(shell: NotingApp) -> Scene:
    screen = HomeScreen()
    list(screen.body())
    screen.matrix.cursor = screen.matrix.row_of(CHANGE.change_id) or 0
    screen._placed = screen.matrix.change
    return screen, {
        "home.deploy": to.ToReview(PRODUCTION, "deploy"),
        "home.verify": to.ToReview(PRODUCTION, "verify"),
        "home.rollback": to.ToRollback(PRODUCTION),
        "home.open": to.ToChange(CHANGE, PRODUCTION),
        "home.locks": to.ToLocks(PRODUCTION),
        "home.runs": to.ToRuns(),
        "home.dry_run": to.ToReview(PRODUCTION, "deploy", how="try"),
        "home.watch": to.ToForeign(PRODUCTION),
        "home.watch_deploy": to.ToWatch(PRODUCTION),
        "home.approvals": to.ToApprovals(PRODUCTION),
        "home.drift": to.ToDrift(PRODUCTION),
        "home.environment": to.ToEnvironment(PRODUCTION),
        "home.maintain": to.ToMaintain(PRODUCTION),
    }


def home_with_the_cursor_moved(shell: NotingApp) -> Scene:
    screen, leads = home(shell)
    assert isinstance(screen, HomeScreen)
    screen.matrix.cursor = screen.matrix.row_of(change_id(7)) or 0
    moved: dict[str, to.Destination] = {
        "home.open": to.ToChange(plan()[7], PRODUCTION),
        "home.dry_run": to.ToReview(PRODUCTION, "deploy", change_id(7), how="try"),
    }
    return screen, leads | moved


def change(shell: NotingApp) -> Scene:
    screen = ChangeScreen(plan()[6], PRODUCTION)
    screen._in_batches = True
    screen._scripts["deploy"] = ScriptText(change_id(6), "deploy", "deploy/x.sql", DEPLOY_SQL)
    screen._panes["deploy"] = Pane(ImpactFacts(impact()))
    return screen, {
        "change.backfill": to.ToReview(PRODUCTION, "backfill", change_id(6)),
        "change.dry_run": to.ToReview(PRODUCTION, "deploy", change_id(6), how="try"),
        "change.earlier": to.ToChange(plan()[5], PRODUCTION),
        "change.later": to.ToChange(plan()[7], PRODUCTION),
    }


def reviewed(review: ReviewFacts) -> ReviewScreen:
    screen = ReviewScreen(PRODUCTION, "deploy", CHANGE.change_id)
    screen.review = review
    screen._rows = checklist(review.items).rows(len(review.items), shown=None)
    screen.items._lines = [()] * len(review.items)
    return screen


def review(shell: NotingApp) -> Scene:
    window = ItemFacts("policy:window", "In a window", "check", "FAIL", blocks=True)
    items = (*ITEMS[4:], window)
    facts = replace(shell.session.prepare("production", "deploy", None), items=items, accepts=Losses(("size",)))
    return reviewed(facts), {"review.dry_run": to.ToReview(PRODUCTION, "deploy", facts.steps[-1].change_id, how="try")}


def review_of_what_must_not_be_deployed(shell: NotingApp) -> Scene:
    facts = ReviewFacts("production", "deploy", "", (), marks=(DoNotDeploy(CHANGE.change_id, CHANGE.name, "bad"),))
    return reviewed(facts), {"review.dry_run": to.ToReview(PRODUCTION, "deploy", CHANGE.change_id, how="try")}


def review_that_can_start(shell: NotingApp) -> Scene:
    """GO asks for the word, and only then leads to the run."""
    facts = replace(shell.session.prepare("production", "deploy", None), items=ITEMS[1:2], accepts=Losses())
    screen = reviewed(replace(facts, items=(replace(ITEMS[1], blocks=False),)))
    return screen, {"review.dry_run": to.ToReview(PRODUCTION, "deploy", facts.steps[-1].change_id, how="try")}


def rollback(shell: NotingApp) -> Scene:
    screen = RollbackScreen(PRODUCTION)
    found = shell.session.look_back("production", None, None)
    screen.rollback = replace(found, items=ITEMS[4:], elsewhere=True, running="a run")
    return screen, {"rollback.watch": to.ToForeign(PRODUCTION)}


def rollback_that_can_start(shell: NotingApp) -> Scene:
    screen = RollbackScreen(PRODUCTION)
    screen.rollback, screen.accepted = shell.session.look_back("production", None, None), True
    return screen, {}


def foreign(shell: NotingApp) -> Scene:
    screen = ForeignScreen(PRODUCTION)
    screen.seen = Foreign(NOW, run_id=RUN, holder="pid 7", step=ForeignSession(7, "then", "pid 7"))
    return screen, {"foreign.locks": to.ToLocks(PRODUCTION)}


def foreign_that_is_ours(shell: NotingApp) -> Scene:
    screen = ForeignScreen(PRODUCTION)
    screen.seen = Foreign(NOW, run_id=RUN, holder="pid 7", local=True)
    return screen, {"foreign.locks": to.ToLocks(PRODUCTION), "foreign.attach": to.ToRun(RUN)}


def incident(shell: NotingApp) -> Scene:
    picture = failed()
    screen = IncidentScreen(RUN, PRODUCTION, picture, ())
    screen.record = Record("# Incident", "ROLLED BACK", True)
    return screen, {"incident.after": to.ToAfter(RUN, PRODUCTION, picture, ())}


def run(shell: NotingApp) -> Scene:
    screen = controlled(RunScreen(RUN, PRODUCTION, FakeWatch()), add(told(), ("statement_retried", LOST)))
    screen.run_log.add([event(AT, "notice_received", {"severity": "NOTICE", "message": "row 1"})])
    return screen, {"run.blocker": to.ToBlockers(screen), "run.locks": to.ToLocks(PRODUCTION, controlling=True)}


def run_that_failed(shell: NotingApp) -> Scene:
    picture = failed()
    screen = controlled(RunScreen(RUN, PRODUCTION, FakeWatch()), picture)
    return screen, {
        "run.after": to.ToAfter(RUN, PRODUCTION, picture, []),
        "run.failed": to.ToFailed(screen, picture.steps[2]),
        "run.locks": to.ToLocks(PRODUCTION),
        "run.watch": to.ToWatch(PRODUCTION, RUN),
    }


def rollback_run_that_ended(shell: NotingApp) -> Scene:
    picture = failed()
    screen = controlled(RollbackRunScreen(RUN, PRODUCTION, FakeWatch()), picture)
    return screen, {
        "run.after": to.ToIncident(RUN, PRODUCTION, picture, []),
        "run.failed": to.ToFailed(screen, picture.steps[2]),
        "run.locks": to.ToLocks(PRODUCTION),
        "run.watch": to.ToWatch(PRODUCTION, RUN),
    }


def backfill(shell: NotingApp) -> Scene:
    screen = BackfillScreen(RUN, PRODUCTION, FakeWatch())
    screen.progress.add(event(AT, "batch_retried", {"step": 1, "try": 1, "of": 8, "why": "lock timeout", "size": 10}))
    return controlled(screen, told("backfill")), {"backfill.locks": to.ToLocks(PRODUCTION, controlling=True)}


def backfill_that_was_stopped(shell: NotingApp) -> Scene:
    return controlled(BackfillScreen(RUN, PRODUCTION, FakeWatch()), failed()), {
        "backfill.resume": to.ToReview(PRODUCTION, "backfill", RUN),
        "backfill.locks": to.ToLocks(PRODUCTION),
    }


def failed_step(shell: NotingApp) -> Scene:
    """Marking as deployed asks the verify script first, and leads to the review when it has answered."""
    shell.answers.take(status("production", 6))
    picture = failed()
    screen = FailedScreen(controlled(RunScreen(RUN, PRODUCTION, FakeWatch()), picture), picture.steps[2])
    return screen, {
        "failed.retry": to.ToReview(PRODUCTION, "deploy", change_id(7)),
        "failed.revert": to.ToRollback(PRODUCTION, came_from=RUN),
        "failed.after": to.ToAfter(RUN, PRODUCTION, picture, []),
        "failed.locks": to.ToLocks(PRODUCTION),
    }


def blockers(shell: NotingApp) -> Scene:
    followed = controlled(RunScreen(RUN, PRODUCTION, FakeWatch()), add(told(), ("statement_retried", LOST)))
    screen = BlockersScreen(followed)
    screen.rows = (LockSession(Blocker(7, "then", "bob")),)
    return screen, {}


def locks(shell: NotingApp) -> Scene:
    screen = LocksScreen(PRODUCTION)
    screen.found, screen.rows = LockTree(NOW, ()), (LockSession(Blocker(7, "then", "bob")),)
    screen._unfolded = {7}
    return screen, {}


def locks_of_an_unlocked_environment(shell: NotingApp) -> Scene:
    shell.unlocked.add("production")
    return locks(shell)


def after(shell: NotingApp) -> Scene:
    screen = AfterScreen(RUN, PRODUCTION, failed(), ())
    screen._items = ITEMS[1:2]
    return screen, {
        "after.rollback": to.ToRollback(PRODUCTION, came_from=RUN),
        "after.watch": to.ToWatch(PRODUCTION, RUN),
    }


def approvals(shell: NotingApp) -> Scene:
    screen = ApprovalsScreen(PRODUCTION)
    screen.facts = APPROVALS
    screen.rows = tuple(screen.rows_now())
    screen.list._lines = [()] * len(screen.rows)
    screen.list.cursor = len(screen.rows) - 1
    return screen, {}


def drift(shell: NotingApp) -> Scene:
    shell.answers.drift = {"production": drifted(5)}
    screen = DriftScreen(PRODUCTION)
    screen._doing = ""
    screen.rows = tuple(screen.rows_now())
    screen.list._lines = [()] * len(screen.rows)
    return screen, {}


def maintain(shell: NotingApp) -> Scene:
    screen = MaintainScreen(PRODUCTION)
    screen.found = maintained()
    screen.sections = {one.name: one for one in screen.found.sections}
    screen.rows = tuple(screen.rows_now())
    screen.list._lines = [()] * len(screen.rows)
    return screen, {}


def watch(shell: NotingApp) -> Scene:
    screen = WatchScreen(PRODUCTION, RUN)
    screen.seen = seen()
    return screen, {
        "watch.rollback": to.ToRollback(PRODUCTION, came_from=RUN),
        "watch.locks": to.ToLocks(PRODUCTION),
    }


def environment(shell: NotingApp) -> Scene:
    """Lifting a mark reads first what is marked."""
    marked = {CHANGE.change_id: "rolled back"}
    shell.answers.take(status("production", 5, under_way="sqitch of somebody", marked=marked))
    screen = EnvironmentScreen(PRODUCTION)
    screen.health = shell.session.health("production")
    screen.rows = tuple(screen.rows_now())
    screen.list._lines = [()] * len(screen.rows)
    screen.list.cursor = len(screen.rows) - 1
    return screen, {
        "environment.locks": to.ToLocks(PRODUCTION),
        "environment.watch": to.ToForeign(PRODUCTION),
        "environment.watch_deploy": to.ToWatch(PRODUCTION),
        "environment.approvals": to.ToApprovals(PRODUCTION),
        "environment.drift": to.ToDrift(PRODUCTION),
        "environment.maintain": to.ToMaintain(PRODUCTION),
        "environment.dry_run": to.ToReview(PRODUCTION, "deploy", how="try"),
        "environment.rollback": to.ToRollback(PRODUCTION),
    }


def environment_history(shell: NotingApp) -> Scene:
    screen, leads = environment(shell)
    assert isinstance(screen, EnvironmentScreen)
    screen.tab, screen.history = "history", shell.session.history("production")
    screen.rows = tuple(screen.rows_now())
    return screen, leads


def compare(shell: NotingApp) -> Scene:
    shell.answers.take(status("staging", 5))
    screen = CompareScreen(PRODUCTION, ENVIRONMENTS[1])
    screen.found = shell.session.compare("production", "staging")
    screen.rows = tuple(screen.rows_now())
    screen.list._lines = [()] * len(screen.rows)
    return screen, {}


def runs(shell: NotingApp) -> Scene:
    screen = RunsScreen()
    screen.shown = shell.answers.runs
    return screen, {"runs.open": to.ToRun(RUN)}


def help_on_a_screen(shell: NotingApp) -> Scene:
    return HelpScreen(RunsScreen()), {}


SCENES: tuple[Callable[[NotingApp], Scene], ...] = (
    home, home_with_the_cursor_moved, change, review, review_of_what_must_not_be_deployed, review_that_can_start,
    rollback, rollback_that_can_start, foreign, foreign_that_is_ours, incident, run, run_that_failed,
    rollback_run_that_ended, backfill, backfill_that_was_stopped, failed_step, blockers, locks,
    locks_of_an_unlocked_environment, after, watch, approvals, drift, maintain, environment, environment_history,
    compare, runs, help_on_a_screen,
)  # fmt: skip


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.__name__)
def test_each_key_leads_where_it_says(shell: NotingApp, scene: Callable[[NotingApp], Scene]) -> None:
    for key_id in scene(shell)[0].keys:
        # Each in the scene as it was: what one key changes is nothing to the next.
        screen, leads = scene(shell)
        if not isinstance(screen, HelpScreen):
            leads["any.help"] = to.ToHelp(screen)
        shell.gone.clear()
        press = screen.keys[key_id].press(screen)
        if not isinstance(press, Unavailable):
            press()
        assert shell.gone == ([leads[key_id]] if key_id in leads else []), key_id


def test_every_key_of_every_screen_works_in_a_scene(shell: NotingApp) -> None:
    """So that none was said to lead nowhere because it was off."""
    worked = set()
    for scene in SCENES:
        screen, _ = scene(shell)
        worked |= {(type(screen), key.id) for key in screen.keys.values() if key.off(screen) is None}
    known = {(screen, key.id) for screen in CLASSES if screen is not RollbackRunScreen for key in screen.all_keys()}
    assert known - worked == set()
