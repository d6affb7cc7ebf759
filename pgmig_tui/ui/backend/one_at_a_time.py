"""What several threads of the screen ask for: one question at a time, and an end that doesn't wait for an answer."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class OneAtATime:
    """Holds something that is opened when it is first asked and let go of by `drop`, which subclasses give."""

    def __init__(self) -> None:
        self._one_at_a_time = threading.Lock()
        self._closed = False

    def drop(self) -> None:
        """Let go of what is held, where anything is."""
        raise NotImplementedError

    @contextmanager
    def asking(self) -> Iterator[None]:
        """A question; whoever closes meanwhile leaves it to this one to let go."""
        with self._one_at_a_time:
            try:
                yield
            finally:
                if self._closed:
                    self.drop()

    def close(self) -> None:
        """At once: a question that is under way lets go when it has its answer."""
        self._closed = True
        if self._one_at_a_time.acquire(blocking=False):
            try:
                self.drop()
            finally:
                self._one_at_a_time.release()
