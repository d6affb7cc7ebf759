"""How long a statement has waited for locks, by what was seen of it while it ran."""

from __future__ import annotations

from dataclasses import dataclass

_AT_A_LOCK = frozenset({"55P03", "40P01", "57014"})
"""lock_not_available, deadlock_detected, query_canceled: a statement that was waiting and ended so has waited until
then."""


@dataclass(slots=True)
class Waits:
    """The waits of one statement, of which there may be several. Moments are those of time.monotonic. What nobody saw
    isn't counted: a wait lasts from its start, where the server tells that, to the last look that saw it."""

    _since: float | None = None
    _until: float = 0.0
    _ended_ms: float = 0.0

    def seen(self, now: float, *, waiting: bool, waited_ms: int | None) -> None:
        """A look at the statement."""
        if not waiting:
            self._close()
            return
        since = now if waited_ms is None else now - waited_ms / 1000
        if self._since is None or (waited_ms is not None and since > self._until):
            self._close()
            self._since = since
        self._until = now

    def failed(self, now: float, sqlstate: str) -> None:
        """The statement has failed with this SQLSTATE."""
        if self._since is not None and sqlstate in _AT_A_LOCK:
            self._until = now

    def take_ms(self) -> int:
        """All of it in milliseconds, told once."""
        self._close()
        told, self._ended_ms = round(self._ended_ms), 0.0
        return told

    def _close(self) -> None:
        if self._since is not None:
            self._ended_ms += (self._until - self._since) * 1000
            self._since = None
