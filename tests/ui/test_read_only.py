"""A screen that only looks: no call of its backend, and no key, starts, stops, answers, ends or writes anything."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from pgmig_tui.display.activity import Blocker
from pgmig_tui.errors import Refused
from pgmig_tui.ui.backend import protocol
from pgmig_tui.ui.backend.protocol import Answered, LockSession, RunFacts
from pgmig_tui.ui.backend.read_only import ReadOnlySession
from pgmig_tui.ui.keys import CHANGING
from pgmig_tui.ui.screens.base import BaseScreen
from tests.ui.fakes import FakeSession, status
from tests.ui.robot import opened
from tests.ui.screens import SCREENS
from tests.ui.watched import maintained

REASON = "this screen is read-only"
LOOKS = {
    "Backend": {
        "facts", "read_only", "preferred", "preferences_trouble",
        "reread", "changed_scripts", "status", "script", "impact", "judged_alike", "now", "prepare",
        "recorded", "evidence", "answer", "look_again", "look_back", "look_back_again", "answer_back",
        "incident", "attach", "runs", "lock_watch",
        "foreign_watch", "pulse_watch", "after_items", "deploy_watch", "approvals", "known_drift", "maintain",
        "health", "history", "compare", "drift_between", "kept", "runs_elsewhere",
    },
    "Watch": {"run_id", "poll", "behind", "estimates", "alive", "controlled_by"},
    "LockWatch": {"read", "close"},
    "PulseWatch": {"read", "close"},
    "ForeignWatch": {"read", "close"},
    "DeployWatch": {"look", "close"},
}  # fmt: skip
REVIEW = protocol.ReviewFacts("dev", "deploy", "run-1", ())
ROLLBACK = protocol.Rollback("dev")
CHANGES: Mapping[str, Mapping[str, Callable[[Any], object]]] = {
    "Backend": {
        "prefer": lambda it: it.prefer("theme", "dark"),
        "start": lambda it: it.start(REVIEW, ()),
        "lift": lambda it: it.lift("dev", ("1",), "a reason", print),
        "roll_back": lambda it: it.roll_back(ROLLBACK, ()),
        "backup": lambda it: it.backup(REVIEW, lambda: False, lambda told, path: None),
        "answer_after": lambda it: it.answer_after("run-1", Answered("performance", "attest", "looked")),
        "write": lambda it: it.write("x.txt", "x"),
        "decide": lambda it: it.decide(protocol.ApprovalsFacts("dev"), "approve", "dba", "", ""),
        "revoke": lambda it: it.revoke(protocol.ApprovalsFacts("dev"), 1, ""),
        "look_for_drift": lambda it: it.look_for_drift("dev", print),
        "settle": lambda it: it.settle("dev", "yes", print),
        "undo": lambda it: it.undo("dev", "run-1", "yes", print),
        "rehearse": lambda it: it.rehearse("dev", print),
        "test": lambda it: it.test("dev", print),
        "gone_through": lambda it: it.gone_through("dev", maintained()),
    },
    "DeployWatch": {},
    "PulseWatch": {},
    "Watch": {"send": lambda it: it.send("pause")},
    "LockWatch": {"end": lambda it: it.end(7, "then", terminate=True)},
    "ForeignWatch": {
        "cancel": lambda it: it.cancel(7, "then"),
        "stop": lambda it: it.stop(lambda told: None),
    },
}
SAYS = {"Backend": {"keep", "sample_before"}, "Watch": {"take_control"}}
"""What is refused by its answer: an error has no meaning there."""
LEADS = {
    "after.rollback", "environment.dry_run", "environment.rollback",
    "backfill.resume", "change.backfill", "change.dry_run", "failed.record", "failed.retry",
    "failed.revert", "home.deploy", "home.dry_run", "home.rollback", "home.verify", "review.dry_run",
    "rollback.dry_run",
    "watch.rollback",
}  # fmt: skip
"""Dangerous keys that lead to a review, which only looks."""


def everything(session: FakeSession) -> tuple[object, ...]:
    """All that was done to a session but looking."""
    asked = [call for call in session.calls if type(call).__name__ in ("BackUp", "AnswerAfter")]
    return (
        asked, session.started, session.rolled_back, session.chosen, session.lifted, session.said, session.written,
        session.decided, session.looked, session.went_through, session.acted, session.sampled,
        session.watch.sent, session.locks.ended, session.foreign.asked,
    )  # fmt: skip


def parts(session: FakeSession) -> dict[str, object]:
    look = ReadOnlySession(session, REASON, "Start it again.")
    return {
        "Backend": look, "Watch": look.attach("run-1"), "LockWatch": look.lock_watch("dev"),
        "PulseWatch": look.pulse_watch("dev"),
        "ForeignWatch": look.foreign_watch("dev"), "DeployWatch": look.deploy_watch("dev", ""),
    }  # fmt: skip


@pytest.mark.parametrize("name", LOOKS)
def test_every_call_is_known_to_look_or_to_change(name: str) -> None:
    members = {one for one, _ in inspect.getmembers(getattr(protocol, name)) if not one.startswith("_")}
    known = [LOOKS[name], set(CHANGES[name]), SAYS.get(name, set())]
    assert members == set().union(*known)
    assert len(members) == sum(map(len, known))


def test_every_call_that_changes_something_is_refused_by_a_sentence() -> None:
    session = FakeSession()
    before = str(everything(session))
    for name, part in parts(session).items():
        for call, do in CHANGES[name].items():
            with pytest.raises(Refused) as refused:
                do(part)
            assert str(refused.value) == f"{REASON}\nNothing was changed.\nStart it again.", call
    look = ReadOnlySession(session, REASON, "")
    assert look.keep(REVIEW, ()) == REASON
    assert look.attach("run-1").take_control() is False
    assert str(everything(session)) == before


def test_every_key_that_changes_something_is_off_or_leads_to_a_look() -> None:
    every = {key.id: key for screen in SCREENS.values() for key in screen.all_keys()}
    assert set(every) >= CHANGING | LEADS
    assert {key for key, one in every.items() if one.dangerous} <= CHANGING | LEADS
    assert not CHANGING & LEADS


async def test_keys_start_answer_and_end_nothing() -> None:
    session = FakeSession()
    session.locks.sessions = (LockSession(Blocker(7, "bob", "psql", "idle", "then", query="SELECT 1")),)
    session.listed = (RunFacts("20260820-031500-ab12", "dev", "deploy", "running"),)
    before = str(everything(session))
    async with opened(ReadOnlySession(session, REASON, "")) as robot:
        await robot.tell(status("dev", 5))
        await robot.runs()
        await robot.sees("A run is ALIVE", "attach (watch and control)")
        await robot.press("a")
        for screen_id, *way in (("run",), ("home",), ("review", "d"), ("rollback", "R"), ("locks", "l")):
            await robot.press(*way)
            await robot.sees("READ-ONLY")
            screen = robot.app.screen
            assert isinstance(screen, BaseScreen)
            assert screen.screen_id == screen_id
            for key in screen.keys.values():
                if key.id in CHANGING:
                    await robot.press(key.keys.split(",")[0])
                    assert f"{key.shown} is off: {REASON}" in robot.text, key.id
            await robot.press("Y", "y", "escape")
            session.listed = ()
            await robot.runs()
        robot.shell.choose_theme("pgmig-light")
    assert str(everything(session)) == before
