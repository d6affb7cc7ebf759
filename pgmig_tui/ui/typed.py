"""Keys, one at a time. Textual hands a key to the screen and looks at the next one before the first has done what it
does: letters typed quickly behind a key that opens a dialog would be keys of the screen below it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress

from textual import events
from textual.dom import DOMNode
from textual.message_pump import MessagePump
from textual.screen import Screen

Typed = events.Key | events.Paste

KEY_SECONDS = 1.0
"""A key waits no longer than that for the one before."""


class Typing:
    """What was typed and hasn't been given to a screen yet. `post` puts an event at the end of the app's queue."""

    def __init__(self, app: MessagePump, front: Callable[[], Screen[object] | None]) -> None:
        self._app = app
        self._front = front
        self._held: deque[Typed] = deque()
        self._let_in: Typed | None = None
        self._following: asyncio.Task[None] | None = None

    @property
    def at_rest(self) -> bool:
        """Whether all that was typed has done what it does."""
        return self._following is None and not self._held

    def takes_turn(self, event: Typed) -> bool:
        """Whether it is the turn of `event`; it comes again when it is."""
        if event is self._let_in:
            self._let_in = None
            return True
        if self.at_rest:
            return True
        self._held.append(event)
        return False

    def given(self, to: DOMNode) -> None:
        """`to` has got what was typed: the next one comes when that has done what it does."""
        self._following = asyncio.create_task(self._follow(to))

    async def _follow(self, to: DOMNode) -> None:
        # A key that nobody takes goes from parent to parent, and to the app, which looks for its binding.
        for node in to.ancestors_with_self:
            await _worked_off(node)
        await _worked_off(self._app)
        front = self._front()
        if front is not None:
            await _worked_off(front)
        self._following = None
        if self._held:
            self._let_in = self._held.popleft()
            self._following = asyncio.current_task()
            self._app.post_message(self._let_in)


async def _worked_off(pump: MessagePump) -> None:
    """Waits until it has dealt with all that it was sent."""
    done = asyncio.Event()
    if pump.is_running and pump.call_later(done.set):
        with suppress(TimeoutError):  # one that is on its way out takes no messages any more
            await asyncio.wait_for(done.wait(), KEY_SECONDS)
