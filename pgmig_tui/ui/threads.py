"""Threads that ask, and post what they heard. All are daemons: leaving the program never waits for a server."""

from __future__ import annotations

import threading
from collections.abc import Callable

from textual.message import Message

from pgmig_tui.errors import PgmigError, in_a_line


class Poller:
    """Calls `ask` now, then again `interval` seconds after each answer, until stopped; posts each answer.

    A slow server delays its own next question and nothing else. `wake` asks again at once.
    """

    def __init__(
        self, name: str, ask: Callable[[], Message | None], post: Callable[[Message], object], interval: float
    ) -> None:
        self._ask = ask
        self._post = post
        self._interval = interval
        self._last = False
        self._stopped = threading.Event()
        self._woken = threading.Event()
        self._thread = threading.Thread(target=self._loop, name=f"poll {name}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def wake(self) -> None:
        self._woken.set()

    def stop(self) -> None:
        self._stopped.set()
        self._woken.set()

    def stop_after_this(self) -> None:
        """For `ask` itself: what it returns now is still posted, and is the last."""
        self._last = True

    def _loop(self) -> None:
        while not self._stopped.is_set():
            message = self._ask()
            if self._stopped.is_set():
                return
            if message is not None:
                post_quietly(self._post, message)
            if self._last:
                return
            self._woken.wait(self._interval)
            self._woken.clear()


def post_quietly(post: Callable[[Message], object], message: Message) -> None:
    """Posts from a thread; when the program has left meanwhile there's nobody to tell."""
    try:
        post(message)
    except RuntimeError:
        return


def in_thread(name: str, work: Callable[[], None]) -> None:
    threading.Thread(target=work, name=name, daemon=True).start()


def words_of(error: Exception) -> str:
    """An error in one line for a place that has only one; a PgmigError's other sentences follow it."""
    if isinstance(error, PgmigError):
        return in_a_line(str(error))
    return f"{type(error).__name__}: {error}"
