"""A cat on the keyboard: random keys on every screen of a production environment start nothing and end nothing."""

from __future__ import annotations

import os
import random

import pytest
from textual._compositor import Compositor
from textual.events import Key
from textual.keys import _character_to_key

from pgmig_tui.ui import editor
from pgmig_tui.ui.app import PgmigApp
from pgmig_tui.ui.destinations import ToRuns
from tests.ui import robot as robots
from tests.ui.fakes import FakeSession
from tests.ui.robot import Robot, opened
from tests.ui.screens import SCREENS
from tests.ui.tour import STOPS, Stop, Story, go_to, home_again, laden, stops

KEYS = int(os.environ.get("PGMIG_MASH_KEYS", "30"))
"""On each screen; `PGMIG_MASH_KEYS=2000 pytest -n 2 tests/ui/test_mash.py` presses more, and takes long."""
SEED = os.environ.get("PGMIG_MASH_SEED", "20260820")
AT_ONCE = 30
"""So many keys are typed ahead: no more than a machine that is busy works off before the robot gives up."""
AWAY = max(30, KEYS // 20)
"""After so many keys the screen is gone to again, wherever they have led."""
NAMES = sorted({name for screen in SCREENS.values() for key in screen.all_keys() for name in key.names})
PRINTED = [_character_to_key(chr(code)) for code in range(33, 127)]
HARMLESS = {"pause", "resume", "detach", "faster", "slower"}
"""What keys may tell a run that is controlled from here: it goes on, or goes on later."""

WAYS = [STOPS[first : first + 5] for first in range(0, len(STOPS), 5)]
"""Each is a test of its own, so that two cores can share them."""


def changed(session: FakeSession) -> list[object]:
    """What was started, ended or settled."""
    ended: list[object] = [*session.started, *session.rolled_back, *session.locks.ended, *session.foreign.asked]
    ended += [*session.lifted, *session.acted, *session.decided]
    return ended + [one for one in session.watch.sent if one[0] not in HARMLESS]


async def mash(robot: Robot, cat: random.Random, many: int) -> list[str]:
    keys = [cat.choice(cat.choice((NAMES, NAMES, PRINTED))) for _ in range(many)]
    for name in keys:
        robot.app.post_message(Key(name, name if len(name) == 1 else None))
    await robot.settle()
    return keys


@pytest.mark.parametrize("of", WAYS, ids=[way[0].name for way in WAYS])
async def test_random_keys_on_production_start_nothing_and_end_nothing(
    of: tuple[Stop, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Compositor, "render_update", lambda *_, **__: None)
    monkeypatch.setattr(PgmigApp, "leave", lambda self: None)
    monkeypatch.setattr(editor, "missing", lambda env: "it is not installed")
    monkeypatch.setattr(robots, "LONGEST_S", 120 + KEYS * len(of))
    session = laden()
    async with opened(session, (100, 30)) as robot:
        await robot.runs()
        async for stop in stops(robot, session, "nightly", of):
            cat = random.Random(f"{SEED} {stop.name}")
            for _ in range(0, KEYS, AWAY):
                for _ in range(0, AWAY, AT_ONCE):
                    keys = await mash(robot, cat, AT_ONCE)
                    assert changed(session) == [], f"on {stop.name}: {keys}"
                await home_again(robot)
                await robot.press("3")
                await go_to(robot, session, Story.of("nightly"), stop)


async def test_what_comes_in_the_stead_of_home_comes_over_it() -> None:
    async with opened(laden()) as robot:
        home = robot.app.screen
        robot.app.go(ToRuns(), instead=True)
        await robot.settle()
        assert robot.app.screen_stack[0] is home
        await robot.press("escape")
        assert robot.app.screen is home
