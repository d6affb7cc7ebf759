"""Keys that come faster than screens open: from a hand that knows the way, from a paste, over a slow line."""

from __future__ import annotations

import pytest
from textual.events import Key
from textual.keys import _character_to_key

from pgmig_tui.ui.app import PgmigApp
from pgmig_tui.ui.screens.confirm import unlock
from pgmig_tui.ui.screens.dialog import AskScreen, ConfirmScreen
from pgmig_tui.ui.screens.home import HomeScreen
from tests.ui.fakes import ENVIRONMENTS
from tests.ui.robot import Robot, opened


def at_once(app: PgmigApp, *keys: str) -> None:
    """All of them stand in the queue before the first is looked at."""
    for key in keys:
        name = _character_to_key(key) if len(key) == 1 and not key.isalnum() else key
        app.post_message(Key(name, key if len(key) == 1 else None))


async def test_what_is_typed_behind_a_key_goes_to_the_dialog_that_the_key_opens() -> None:
    async with opened() as robot:
        at_once(robot.app, "/", *"documents")
        await robot.settle()
        asked = robot.app.screen
        assert isinstance(asked, AskScreen)
        assert asked.input is not None
        assert asked.input.value == "documents"


async def test_what_is_typed_behind_escape_goes_to_the_screen_below() -> None:
    async with opened() as robot:
        at_once(robot.app, "/", *"docu", "escape", "2")
        await robot.settle()
        assert isinstance(robot.app.screen, HomeScreen)
        assert robot.app.chosen == 1


@pytest.mark.parametrize("keys", [("y", "e", "s"), tuple("production"), ("enter",)])
async def test_a_word_that_was_typed_before_its_question_was_there_is_no_word(keys: tuple[str, ...]) -> None:
    environment = next(one for one in ENVIRONMENTS if one.protected)
    given: list[str] = []
    async with opened() as robot:
        robot.app.call_later(robot.app.unlock, environment, lambda: given.append(environment.name))
        at_once(robot.app, *keys, "enter")
        await robot.settle()
        asked = robot.app.screen
        assert isinstance(asked, ConfirmScreen)
        assert asked.input is not None
        assert (asked.input.value, given) == ("", [])
        await said(robot, unlock(environment).word)
        assert given == [environment.name]


async def said(robot: Robot, word: str) -> None:
    await robot.type(word)
    await robot.press("enter")


async def test_a_key_that_comes_when_all_screens_are_gone_is_nobodys() -> None:
    async with opened() as robot:
        app = robot.app
    await app.on_event(Key("j", "j"))
    assert app.typing.at_rest
