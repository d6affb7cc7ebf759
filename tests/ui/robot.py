"""A robot that uses the screens as a person does: it presses keys, reads text, and waits for text, never for time."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from textual.events import Key
from textual.keys import _character_to_key
from textual.message import Message
from textual.message_pump import MessagePump
from textual.pilot import Pilot

from pgmig_tui.display.charset import Charset
from pgmig_tui.ui.app import PgmigApp
from pgmig_tui.ui.backend.protocol import Backend, StatusFacts
from pgmig_tui.ui.messages import EnvironmentAnswered, RunsListed
from pgmig_tui.ui.screens.last_question import LastQuestion
from pgmig_tui.ui.shell import Shell
from tests.ui.fakes import NOW, FakeSession

SNAPSHOTS = Path(__file__).parent / "snapshots"
os.environ.setdefault("LANG", "C.UTF-8")  # what is drawn goes by the locale, where a test doesn't say it
LONGEST_S = 120
"""No test of the screen takes so long: one that does waits for what never comes."""
DEADLINE_S = 30.0


def _waits(pump: MessagePump) -> bool:
    """Whether it has dealt with all that it was sent."""
    queue: Any = pump._message_queue
    waiting = queue.ready_event._waiters
    return bool(queue.empty() and not pump._next_callbacks and (waiting or not pump.is_running))


class Robot:
    def __init__(self, app: PgmigApp, pilot: Pilot[int]) -> None:
        self.app = app
        self.shell: Shell = app
        """As its screens see it."""
        self.waits = True
        """Whether Enter in the last question comes after that has looked again."""
        self.pilot = pilot

    async def press(self, *keys: str) -> Robot:
        """Presses one key after the other; each has done what it does when the next one comes. The pilot's own `press`
        waits until the process looks idle, 40 ms a key and more."""
        for key in keys:
            if key == "enter":
                await self._looked_again()
            name = _character_to_key(key) if len(key) == 1 and not key.isalnum() else key
            self.app.post_message(Key(name, key if len(key) == 1 else None))
            await self.settle()
        return self

    async def _looked_again(self) -> None:
        """Who presses Enter in the last question has seen that it has looked again, or why it can't."""
        asked = self.app.screen
        if isinstance(asked, LastQuestion) and self.waits:
            await self.until(lambda: not asked.why_not().startswith("looking again;"), "an answer to the last question")

    async def settle(self) -> Robot:
        """Waits until app and screen have worked off all that was sent to them, and what that led to, and the screen
        is drawn. What a thread is asked for comes by itself: `sees` waits for that."""
        quiet, turns, deadline = 0, 0, time.monotonic() + DEADLINE_S
        while quiet < 2:
            turns += 1
            # Nearly always a turn of the loop is enough; now and then threads get one, too.
            await asyncio.sleep(0 if turns % 20 else 0.001)
            if self._idle():
                self.app.screen._on_timer_update()
                quiet = quiet + 1 if self._idle() else 0
            else:
                quiet = 0
                assert time.monotonic() < deadline, f"no rest within {DEADLINE_S} s on:\n{self.text}"
        return self

    def _idle(self) -> bool:
        """Whether all of them wait for messages. Textual's own way sends each a message and waits for all: tens of
        messages, three times a key."""
        app = self.app
        return (
            app.typing.at_rest
            and _waits(app)
            and all(_waits(one) for screen in app.screen_stack for one in screen.walk_children(with_self=True))
        )

    async def type(self, text: str) -> Robot:
        return await self.press(*text)

    async def tell(self, *messages: Message | StatusFacts) -> Robot:
        """Hands in what a thread would post."""
        for message in messages:
            self.app.post_message(EnvironmentAnswered(message) if isinstance(message, StatusFacts) else message)
        return await self.settle()

    async def runs(self) -> Robot:
        return await self.tell(RunsListed(self.app.session.runs()))

    @property
    def text(self) -> str:
        return self.app.screen_text()

    async def until(self, holds: Callable[[], bool], what: str) -> Robot:
        """Waits until something holds; what it waited for stands in the failure, with the screen."""
        deadline = time.monotonic() + DEADLINE_S
        while not holds():
            assert time.monotonic() < deadline, f"no {what!r} within {DEADLINE_S} s on:\n{self.text}"
            await self.pilot.pause(0.02)
        return self

    async def sees(self, *texts: str) -> Robot:
        for text in texts:
            await self.until(lambda text=text: text in self.text, text)  # type: ignore[misc]
        return self

    async def misses(self, text: str) -> Robot:
        return await self.until(lambda: text not in self.text, f"absence of {text}")

    async def snapshot(self, name: str) -> None:
        """Compares the screen with the file of that name; PGMIG_UPDATE_SNAPSHOTS=1 writes the file."""
        columns, rows = self.app.size
        path = SNAPSHOTS / f"{name}-{columns}x{rows}.txt"
        if os.environ.get("PGMIG_UPDATE_SNAPSHOTS") == "1":
            path.write_text(await self._still() + "\n", encoding="utf-8")
        assert path.exists(), f"there is no {path.name}; PGMIG_UPDATE_SNAPSHOTS=1 writes it"
        wanted, deadline = path.read_text(encoding="utf-8"), time.monotonic() + DEADLINE_S / 2
        while self.text + "\n" != wanted and time.monotonic() < deadline:
            await self.pilot.pause(0.02)
        assert self.text + "\n" == wanted, f"{path.name} differs; PGMIG_UPDATE_SNAPSHOTS=1 rewrites it"

    async def _still(self) -> str:
        """The screen once it has stood still: a dialog and what lies below it are drawn one after the other."""
        seen: list[str] = []
        while len(seen) < 10 or len(set(seen[-10:])) > 1:
            await self.pilot.pause(0.02)
            seen.append(self.text)
        return seen[-1]


@asynccontextmanager
async def opened(
    session: Backend | None = None,
    size: tuple[int, int] = (100, 30),
    *,
    charset: Charset = Charset.ALL,
    colors: int = 1 << 24,
) -> AsyncIterator[Robot]:
    app = PgmigApp(session or FakeSession(), clock=lambda: NOW, asks=False, charset=charset, colors=colors)
    async with asyncio.timeout(LONGEST_S), app.run_test(size=size, notifications=True) as pilot:
        await pilot.pause()
        yield Robot(app, pilot)
