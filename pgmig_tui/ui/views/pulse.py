"""The curves of an environment beside a run: who waits, what it does, what it writes, each with its number and unit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from pgmig_tui.display.cells import Line, Role, pad, point, width
from pgmig_tui.display.safe import safe
from pgmig_tui.display.sparks import drawable, spark
from pgmig_tui.display.words import count, duration, size

if TYPE_CHECKING:
    from pgmig_tui.database.pulse import PulseBeat

_NAME, _VALUE, _LEAST = 8, 9, 6
_UNKNOWN = "UNKNOWN"
_MANY_WAIT, _LONG_S, _LAG_S = 1, 60.0, 10.0
"""From here on a number is drawn as a warning."""

Number = Callable[["PulseBeat"], "float | None"]


def _seconds(value: float) -> str:
    return duration(value * 1000)


def _rate(value: float) -> str:
    return f"{value:,.1f}/s" if value < 10 else f"{value:,.0f}/s"


_CURVES: tuple[tuple[str, Number, Callable[[float], str], float, float | None], ...] = (
    ("waiting", lambda one: one.waiters, lambda many: f"{many:.0f}", 4, _MANY_WAIT),
    ("tx", lambda one: one.transactions_s, _rate, 0, None),
    ("longest", lambda one: one.longest_s, _seconds, 10, _LONG_S),
    ("WAL", lambda one: one.wal_s, lambda value: f"{size(round(value))}/s", 0, None),
    ("lag", lambda one: one.lag_s, _seconds, 2, _LAG_S),
)
"""Name, number, its words, the least full height of the curve, and from where on it is a warning."""


def pulse_lines(beats: Sequence[PulseBeat], problem: str, columns: int) -> list[Line]:
    """Two or three curves a line, as many as there is room for. `problem`: why the last question wasn't answered."""
    if not beats:
        if problem:
            return point(f"? how it does is UNKNOWN: {safe(problem)}", columns, "stale")
        return [((" asking how it does ...", "muted"),)]
    across = 3 if columns >= 3 * (_NAME + _VALUE + _LEAST + 2) else 2 if columns >= 44 else 1
    curve = columns // across - _NAME - _VALUE - 3
    cells = [_cell(one, beats, curve) for one in _CURVES]
    lines: list[Line] = []
    for start in range(0, len(cells), across):
        lines.append(tuple(span for cell in cells[start : start + across] for span in cell))
    told = _unseen(beats[-1]) if not problem else f"? no answer since {_age(beats)}: {safe(problem)}"
    if told and lines:
        room = columns - sum(width(text) for text, _role in lines[-1])
        if width(told) < room:
            lines[-1] = (*lines[-1], (told, "stale"))
        else:
            lines += point(told, columns, "stale")[:2]
    return lines


def _cell(
    about: tuple[str, Number, Callable[[float], str], float, float | None], beats: Sequence[PulseBeat], curve: int
) -> Line:
    name, get, told, full, warns = about
    values = [get(one) for one in beats]
    now = values[-1]
    text, role = _number(name, now, told, beats)
    if now is not None and warns is not None and now >= warns:
        role = "waiting"
    line: Role = role if role == "waiting" else "running"
    drawn = pad(spark(values, curve, full=full, unicode=drawable()), curve)
    return ((f" {pad(name, _NAME)}", "muted"), (drawn, line), (f" {text:>{_VALUE}} ", role))


def _number(name: str, now: float | None, told: Callable[[float], str], beats: Sequence[PulseBeat]) -> tuple[str, Role]:
    if now is not None:
        return told(now), "strong"
    if name == "lag" and not beats[-1].replicas:
        return "no replica", "muted"
    if len(beats) < 2 and name in ("tx", "WAL"):
        return "..", "muted"
    return _UNKNOWN, "stale"


def _unseen(now: PulseBeat) -> str:
    if not now.hidden:
        return ""
    return f" ? {count(now.hidden, 'session')} hidden (pg_read_all_stats)"


def _age(beats: Sequence[PulseBeat]) -> str:
    from datetime import UTC, datetime

    return f"{datetime.fromtimestamp(beats[-1].at, UTC):%H:%M:%S}Z"
