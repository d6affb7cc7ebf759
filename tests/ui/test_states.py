"""Every screen in every state, at four sizes, as files that a person can read: snapshots/states/STATE/SCREEN.txt.

PGMIG_UPDATE_SNAPSHOTS=1 writes them; what has changed is then read in `git diff`."""

from __future__ import annotations

import os
import re
import time

import pytest
from textual._compositor import Compositor

from tests.ui import robot as robots
from tests.ui.robot import DEADLINE_S, SNAPSHOTS, Robot, opened
from tests.ui.states import STATES, State
from tests.ui.tour import STOPS, Stop, Story, go_to, home_again

SIZES = ((160, 50), (100, 30), (80, 23), (60, 15))
FOLDER = SNAPSHOTS / "states"
UPDATE = os.environ.get("PGMIG_UPDATE_SNAPSHOTS") == "1"
SAME_ALWAYS = {"help", "whole log", "unlock", "settings", "question", "palette", "words", "attach", "do"}
"""Screens that ask nobody: in each state they are what they are in one."""


def stops_in(state: str) -> list[Stop]:
    without = {"full": set(), "empty": SAME_ALWAYS | {"failed"}}.get(state, SAME_ALWAYS)
    return [stop for stop in STOPS if stop.name not in without]


async def looked_at(robot: Robot, wanted: str | None) -> str:
    """The screen once it is as it should be, or, while files are written, once it stands still."""
    deadline = time.monotonic() + DEADLINE_S / 3
    seen: list[str] = []
    while time.monotonic() < deadline:
        await robot.settle()
        seen.append(robot.text)
        if wanted is not None and seen[-1] == wanted:
            break
        if wanted is None and len(seen) >= 6 and len(set(seen[-6:])) == 1:
            break
        await robot.pilot.pause(0.02)
    return seen[-1]


def told_in(text: str) -> dict[str, str]:
    """What a file says, by size."""
    parts = re.split(r"^== (\d+x\d+) ==\n", text, flags=re.MULTILINE)[1:]
    return {size: part.removesuffix("\n") for size, part in zip(parts[::2], parts[1::2], strict=True)}


@pytest.mark.parametrize("name", STATES)
async def test_every_screen_in_that_state_is_as_it_was_read(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Compositor, "render_update", lambda *_, **__: None)
    if UPDATE:
        monkeypatch.setattr(robots, "LONGEST_S", 900)
    state, wrong = STATES[name](), []
    try:
        async with opened(state.session, SIZES[0]) as robot:
            await robot.tell(*state.told)
            if name != "loading":
                await robot.runs()
            await robot.press("3")
            for stop in stops_in(name):
                wrong += await differences(robot, state, name, stop)
    finally:
        state.release()
    assert not wrong, "\n".join([*wrong, "PGMIG_UPDATE_SNAPSHOTS=1 writes them anew"])


async def differences(robot: Robot, state: State, name: str, stop: Stop) -> list[str]:
    await go_to(robot, state.session, Story("nightly", state.run, state.ended), stop, waits=name == "full")
    path = FOLDER / name / f"{stop.name.replace(' ', '-')}.txt"
    wanted = told_in(path.read_text(encoding="utf-8")) if path.exists() and not UPDATE else {}
    found: dict[str, str] = {}
    for size in SIZES:
        if robot.app.size != size:
            await robot.pilot.resize_terminal(*size)
        said = f"{size[0]}x{size[1]}"
        found[said] = await looked_at(robot, None if UPDATE else wanted.get(said, ""))
    await home_again(robot)
    await robot.pilot.resize_terminal(*SIZES[0])
    if UPDATE:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(f"== {said} ==\n{text}\n" for said, text in found.items()), encoding="utf-8")
        return []
    return [f"{path.name} at {said} differs:\n{text}" for said, text in found.items() if wanted.get(said) != text]


def test_no_file_is_left_of_what_is_not_drawn_any_more() -> None:
    drawn = {f"{name}/{stop.name.replace(' ', '-')}.txt" for name in STATES for stop in stops_in(name)}
    assert {str(path.relative_to(FOLDER)) for path in FOLDER.rglob("*.txt")} == drawn
