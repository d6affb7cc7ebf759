"""Threads that ask, and post what they heard. All are daemons: leaving the program waits for no server, but for what
must be written down (`to_the_end`), and that can be cut short."""

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

    def every(self, interval: float) -> None:
        """Asks in this interval (seconds) from now on."""
        self._interval = interval
        self._woken.set()

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


_TO_THE_END: list[threading.Thread] = []


def to_the_end(what: str, work: Callable[[], None]) -> None:
    """Work that is done even if the screen is left meanwhile. `what` says it in words, as in `writing the record`."""
    thread = threading.Thread(target=work, name=what, daemon=True)
    _TO_THE_END.append(thread)
    thread.start()


def finish(say: Callable[[str], object]) -> None:
    """Wait for what is to be done to the end, saying what it is. Ctrl-C leaves it undone, and says so."""
    try:
        for thread in _TO_THE_END:
            if thread.is_alive():
                say(f"{thread.name} ... (Ctrl-C leaves it undone)")
                thread.join()
    except KeyboardInterrupt:
        say("left undone")
    _TO_THE_END.clear()


def words_of(error: Exception) -> str:
    """An error in one line for a line that has only one; a PgmigError's other sentences follow it."""
    if isinstance(error, PgmigError):
        return in_a_line(str(error))
    return f"{type(error).__name__}: {error}"
