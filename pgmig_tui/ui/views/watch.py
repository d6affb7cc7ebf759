"""What a watched environment looks like: the verdict, before against now, curves, statements and the server's log."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from pgmig_tui.display.cells import Line, Role, Span, cut, line, pad, point, wrap, wrapped
from pgmig_tui.display.safe import safe
from pgmig_tui.display.sparks import drawable, spark
from pgmig_tui.display.words import ago, count, duration, time_of_day
from pgmig_tui.review.comparison import SLOWER

if TYPE_CHECKING:
    from pgmig_tui.review.comparison import Outcome
    from pgmig_tui.review.watch_picture import Point, WatchPicture

_MARKS: dict[Outcome, tuple[str, Role]] = {
    "healthy": ("+", "done"),
    "slower by this change": ("x", "failed"),
    "slower server-wide": ("!", "waiting"),
    "errors": ("x", "failed"),
    "too little data": ("?", "stale"),
}
_NAME, _CELL, _RATIO = 16, 10, 8


def verdict_span(picture: WatchPicture, name: str) -> Span:
    """The verdict in a few words, with its glyph."""
    mark, role = _MARKS[picture.verdict.outcome]
    return f" {mark} {safe(name)}: {picture.verdict.outcome}", role


def verdict_lines(picture: WatchPicture, columns: int) -> list[Line]:
    """Why it is said, and of which deploy."""
    reasons = dict.fromkeys((*picture.verdict.reasons, *picture.hopeless))
    found: list[Line] = []
    for reason in reasons:
        found += wrap(safe(reason), columns, indent="   ", hanging="   ")
    found += wrap(deploy_words(picture), columns, "muted", indent="   ", hanging="   ")
    return found


def deploy_words(picture: WatchPicture) -> str:
    """Which deploy, and how many intervals there are."""
    deployed = picture.deployed
    kept = f"{count(picture.before, 'interval')} before, {picture.after} since"
    if deployed is None:
        return f"no deploy is known; {kept}"
    what = f"run {safe(deployed.run_id)}" if deployed.run_id else f"deploy of {safe(', '.join(deployed.changes))}"
    at = datetime.fromtimestamp(deployed.ended, picture.asked_at.tzinfo)
    since = ago((picture.asked_at - at).total_seconds())
    return f"{what} ended {time_of_day(at)}Z ({since}); {kept}"


def _ms(value: float) -> str:
    return duration(value)


def _seconds(value: float) -> str:
    return duration(value * 1000)


def _rate(value: float) -> str:
    return f"{value:,.1f}" if value < 100 else f"{value:,.0f}"


def _share(value: float) -> str:
    return f"{value:.1%}"


def number_lines(picture: WatchPicture, columns: int) -> list[Line]:
    """Before against now, with a curve of the time since: one row for each number that is known."""
    curve = columns - _NAME - 2 * _CELL - _RATIO - 2
    head = pad(" ", _NAME) + pad("before", _CELL) + pad("now", _CELL) + pad("ratio", _RATIO)
    found: list[Line] = [((f" {head}{'since the deploy' if curve > 16 else ''}", "title"),)]
    treated, control = picture.verdict.treated.ratio, picture.verdict.control.ratio
    rows: tuple[tuple[str, Callable[[Point], float | None], Callable[[float], str], float | None, float], ...] = (
        ("on the change", lambda one: one.treated_ms, _ms, treated, 0),
        ("all others", lambda one: one.control_ms, _ms, control, 0),
        ("transactions/s", lambda one: one.transactions, _rate, None, 0),
        ("rolled back", lambda one: one.rolled_back, _share, None, 0.05),
        ("waiters", lambda one: one.waiters, lambda many: f"{many:.0f}", None, 8),
        ("longest tx", lambda one: one.longest_s, _seconds, None, 10),
        ("replica lag", lambda one: one.lag_s, _seconds, None, 10),
    )
    for name, get, told, ratio, full in rows:
        values = [get(one) for one in picture.points]
        then, now = get(picture.usual) if picture.usual is not None else None, values[-1] if values else None
        if name == "replica lag" and then is None and all(value is None for value in values):
            continue
        found.append(_row(name, (then, now), told, ratio, spark(values, curve, full=full, unicode=drawable())))
    return found


def _row(
    name: str, both: tuple[float | None, float | None], told: Callable[[float], str], ratio: float | None, curve: str
) -> Line:
    cells = [told(value) if value is not None else "-" for value in both]
    slower = ratio is not None and ratio >= SLOWER
    role: Role = "plain" if not slower else "failed" if name == "on the change" else "waiting"
    return (
        (f" {pad(name, _NAME)}", "strong"),
        (pad(cells[0], _CELL), "muted"),
        (pad(cells[1], _CELL), "plain"),
        (pad(f"{ratio:.2f}x" if ratio is not None else "", _RATIO), role),
        (curve, role if slower else "running"),
    )


def below_lines(picture: WatchPicture, columns: int) -> list[Line]:
    """The statements that have become slower, what the server has logged, and what is not seen."""
    found: list[Line] = []
    if picture.verdict.slowest:
        found.append(((" Slowest statements, a call before -> now", "title"),))
        for slow in picture.verdict.slowest:
            times = f"{duration(slow.before_ms)} -> {duration(slow.after_ms)}"
            found.append(
                (
                    (f" x {pad(times, 20)} ", "failed"),
                    (f"{pad(count(slow.calls, 'call'), 14)}", "muted"),
                    (cut(safe(slow.text), max(8, columns - 38)), "plain"),
                )
            )
    for told in picture.log:
        found += wrapped(line(" ", *told), columns)
    if picture.hidden:
        told_of = f"{picture.hidden} sessions and statements of other roles are hidden (pg_read_all_stats shows them)"
        found += point(f"? {told_of}", columns, "stale")
    for note in picture.notes:
        found += point(f"! {safe(note)}", columns, "waiting")
    return found


def as_text(picture: WatchPicture, name: str) -> str:
    """All of it for a chat or a ticket."""
    lines = [(verdict_span(picture, name),), *verdict_lines(picture, 100), (), *number_lines(picture, 60), ()]
    lines += below_lines(picture, 160)
    return "\n".join("".join(text for text, _role in line).rstrip() for line in lines).strip() + "\n"
