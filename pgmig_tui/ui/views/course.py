"""How far a run is, on a screen: the bar with the time left, what each step was to take and took, its lock tries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from pgmig_tui.display.cells import Line, Role, Span, cut, pad, width
from pgmig_tui.display.sparks import drawable, gauge
from pgmig_tui.display.words import duration
from pgmig_tui.run.journal.course import Course, course
from pgmig_tui.run.journal.picture import RunPicture, StepPicture, between

WIDE = 64
"""Columns of a list of steps from which estimate, took and waited are columns of their own."""
_TIMES, _TOOK = 17, 9
"""Columns of took and estimate, and of took alone."""
BESIDE = 8
"""Columns of a step's glyph and number."""
_CELL = 10
_BAR = (12, 40)
_SOON_MS = 1000.0
"""Estimates below it are told as `< 1 s`: what takes less was never late."""


def progress_line(picture: RunPicture, estimates: Mapping[int, float], now: datetime, columns: int) -> Line:
    """The bar, the share, and the time left by the steps' estimates and by what they really took."""
    if not picture.steps:
        return ()
    run = course(picture, estimates, now)
    over = picture.exit_status is not None
    left = "" if over else "  " + left_words(run, paused=picture.paused)
    took = f"  took {duration(picture.took_ms)}" if over and picture.took_ms is not None else ""
    role: Role = "running" if not over else "done" if picture.exit_status == 0 else "failed"
    behind = _behind(picture) if not over else ""
    return bar_line(run.share, ((left, "plain"), (took, "plain"), (behind, "waiting")), columns, role)


def bar_line(share: float, told: Sequence[Span], columns: int, role: Role = "running") -> Line:
    """A bar of a share from 0 to 1, its percentage, and those of the texts behind it that there is room for."""
    percent = f" {share * 100:>3.0f} %"
    wanted = sum(width(text) for text, _role in told)
    cells = max(_BAR[0], min(_BAR[1], columns - width(percent) - wanted - 4))
    unicode = drawable()
    full, rest = gauge(share, cells, unicode=unicode)
    first, last = ("▕", "▏") if unicode else ("[", "]")
    spans: list[Span] = [(f" {first}", "muted"), (full, role), (rest, "muted"), (last, "muted"), (percent, "strong")]
    room = columns - sum(width(text) for text, _role in spans)
    for text, its in told:
        if text and width(text) <= room:
            spans.append((text, its))
            room -= width(text)
    return tuple(spans)


def left_words(run: Course, *, paused: bool = False) -> str:
    """Such as `about 4 min left, 1.4x the estimates so far`."""
    if paused:
        return "paused: the time left stands still"
    left = run.left_ms
    if left is None:
        gone = run.estimate(run.step)
        late = gone is not None and run.gone_ms > max(gone * run.pace, _SOON_MS)
        return "time left unknown" + (": this step takes longer than estimated" if late else "")
    pace = run.pace
    speed = f", {pace:.1f}x the estimates so far" if not 0.8 <= pace <= 1.25 else ""
    return f"about {duration(max(left, 1000.0))} left{speed}"


def _behind(picture: RunPicture) -> str:
    activity = picture.activity
    return f"  {activity.waiters} wait behind us" if activity is not None and activity.waiters else ""


def times_head(columns: int, estimates: Mapping[int, float]) -> Line:
    """The head of the list of steps, where its times are columns."""
    if columns < WIDE:
        return ()
    cells = "".join(f"{name:>{_CELL}}" for name in _names(estimated=bool(estimates)))
    return ((pad(" #   change", columns - width(cells)), "title"), (cells, "title"))


def _names(*, estimated: bool) -> tuple[str, ...]:
    return ("estimate", "took", "waited") if estimated else ("took", "waited")


def times_width(columns: int, *, estimated: bool, longest: int = 0) -> int:
    """Columns that the times of a step take in a list of so many. Where the list has no heads, the names, of which the
    `longest` takes so many columns, come first: what a step took is told elsewhere, too."""
    if columns >= WIDE:
        return _CELL * len(_names(estimated=estimated))
    wanted = [_TIMES] if columns > 38 and estimated else []
    wanted += [_TOOK] if columns > 34 else []
    return next((one for one in wanted if columns - BESIDE - one >= longest), 0)


def times(
    step: StepPicture,
    columns: int,
    estimates: Mapping[int, float],
    now: datetime | None,
    *,
    gone: bool,
    longest: int = 0,
) -> Line:
    """What a step was estimated to take, has taken, and has waited for locks."""
    estimate = estimates.get(step.number)
    took = step.took_ms
    runs = step.state == "running" and not gone
    if took is None and runs and now is not None:
        took = max(between(step.started_at, now.isoformat()) or 0.0, 0.0)
    late = took is not None and estimate is not None and took > max(2 * estimate, estimate + 1000)
    role: Role = "waiting" if late else "running" if runs else "plain"
    done = duration(took) if took is not None else ""
    if columns >= WIDE:
        waited = duration(step.waited_ms) if step.waited_ms else "-" if took is not None else ""
        told: list[Span] = [(f"{about_words(estimate):>{_CELL}}", "muted")] if estimates else []
        return (*told, (f"{done:>{_CELL}}", role), (f"{waited:>{_CELL}}", "waiting" if step.waited_ms else "muted"))
    room = times_width(columns, estimated=bool(estimates), longest=longest)
    if not room:
        return ()
    if not estimates or room < _TIMES:
        return ((done if not runs else "", "muted"),)
    if not done:
        return ((cut(about_words(estimate), room), "muted"),)
    return ((done, role), (cut(f" of {about_words(estimate)}", room - width(done)), "muted"))


def about_words(estimate: float | None) -> str:
    """An estimate in few words; `?` where there is none."""
    if estimate is None:
        return "?"
    return "< 1 s" if estimate < _SOON_MS else f"~{duration(estimate)}"


def tries_lines(picture: RunPicture, columns: int) -> list[Line]:
    """The tries of a lock on a line: x lost, > now, . left; and who was in the way of how many of them."""
    lost = picture.lost
    if lost is None:
        return []
    now = picture.statement is not None
    left = max(0, lost.of - lost.number - now)
    marks: list[Span] = [("x " * lost.number, "failed"), ("> " if now else "", "running"), (". " * left, "todo")]
    told = f" {lost.number} lost, {'1 now, ' if now else ''}{left} left"
    if width("".join(text for text, _role in marks)) + width(told) + 8 > columns:
        marks = [(f"x{lost.number} ", "failed"), ("> " if now else "", "running"), (f".{left} ", "todo")]
    lines: list[Line] = [((" tries ", "muted"), *marks, (told, "waiting"))]
    if met := _met(picture.met, there=bool(picture.in_the_way)):
        lines.append(((" by    ", "muted"), (cut(met, columns - 7), "waiting")))
    return lines


def _met(met: Sequence[Sequence[str]], *, there: bool) -> str:
    """Such as `pid 777 (reporting) in 3 of 3 tries`, the one that was met most first; `there`: somebody still is."""
    counts: dict[str, int] = {}
    for names in met:
        for name in dict.fromkeys(names):
            counts[name] = counts.get(name, 0) + 1
    if not counts:
        return ""
    often = sorted(counts.items(), key=lambda one: -one[1])
    told = [f"{name} in {number} of {len(met)}" for name, number in often[:2]]
    more = f", {len(often) - 2} more" if len(often) > 2 else ""
    hopeless = there and len(met) >= 3 and often[0][1] == len(met)
    return ", ".join(told) + more + ("; it does not go by itself: K, or p" if hopeless else "")
