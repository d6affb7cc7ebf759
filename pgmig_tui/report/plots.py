"""Pictures of a run for an HTML page: its timeline, what was measured, and how long its changes took elsewhere."""

from __future__ import annotations

from collections.abc import Sequence

from pgmig_tui.display import svg, words
from pgmig_tui.display.cells import cut
from pgmig_tui.report.run_course import RunCourse, Series, StepCourse, thinned
from pgmig_tui.report.run_report import state_words
from pgmig_tui.review.durations import Took

WIDE = 900.0
_LEFT, _RIGHT = 210.0, 90.0
_ROOM = WIDE - _LEFT - _RIGHT
_ROW, _NOTE = 24.0, 15.0
_STEPS = 100
"""So many steps are drawn at most: those that took longest."""
_NOTES = 4
"""So many waits and lost tries of a step are told at most."""
_NAME, _TEXT = 30, 110
_COLOURS = {"done": "done", "failed": "failed"}
_TICKS_MS = (
    1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 2e4, 3e4, 6e4, 12e4, 3e5, 6e5, 12e5, 18e5, 36e5, 72e5,
    216e5, 864e5,
)  # fmt: skip


def timeline(course: RunCourse, *, cut_off: bool = False) -> str:
    """Each step as a bar, with its waits and lost tries, and who was in the way as text; "" where no step was begun."""
    if not course.steps or course.length <= 0:
        return ""
    shown = _longest(course.steps)
    scale = _ROOM / course.length
    parts, y = [svg.stripes("timeline")], 26.0
    body: list[str] = []
    for one in shown:
        drawn, height = _step(one, y, scale, cut_off)
        body += drawn
        y += height
    if len(shown) < len(course.steps):
        left = words.count(len(course.steps) - len(shown), "step")
        body.append(svg.label(_LEFT, y + 12, f"{left} more took less time than each of these", "soft"))
        y += _ROW
    for pause in course.pauses:
        x, wide = _LEFT + pause.begin * scale, (pause.end - pause.begin) * scale
        body.append(svg.bar((x, y + 4, wide, 10), "open", pause.told, striped="timeline"))
        body.append(_note(x, y + 27, pause.told))
        y += _ROW + 8
    parts += [*_axis(course.length, scale, y), *body, *_legend(y + 26)]
    title = f"Timeline of the run, {words.duration(course.length)} from {words.utc(course.began_at)}"
    return svg.picture("timeline", title, _described(shown, course, cut_off), (WIDE, y + 40), parts)


def _longest(steps: Sequence[StepCourse]) -> list[StepCourse]:
    long = sorted(steps, key=lambda one: one.end - one.begin, reverse=True)[:_STEPS]
    return sorted(long, key=lambda one: one.begin)


def _took(one: StepCourse) -> str:
    return "not ended" if one.step.took_ms is None else words.duration(one.step.took_ms)


def _step(one: StepCourse, y: float, scale: float, cut_off: bool) -> tuple[list[str], float]:
    """The row of a step, and how high it is."""
    step = one.step
    state = state_words(step, cut_off=cut_off)
    name = f"{step.number} {cut(step.change, _NAME)}"
    told = f"{step.action} {step.change}: {state}, {_took(one)}"
    x, wide = _LEFT + one.begin * scale, (one.end - one.begin) * scale
    parts = [svg.label(4, y + 14, name), svg.label(WIDE - 4, y + 14, _took(one), "end")]
    parts.append(svg.bar((x, y + 3, wide, 14), _COLOURS.get(step.state, "open"), told))
    for stretch in one.stretches:
        at, size = _LEFT + stretch.begin * scale, (stretch.end - stretch.begin) * scale
        if size > 0:
            parts.append(svg.bar((at, y + 3, size, 14), "wait", stretch.told, striped="timeline"))
        if stretch.kind == "try":
            parts.append(svg.rule(at + size, y, at + size, y + 20, "try"))
    notes = [stretch.told for stretch in one.stretches[:_NOTES]]
    if (more := len(one.stretches) - len(notes)) > 0:
        notes.append(f"and {words.count(more, 'wait or lost try', 'waits or lost tries')} more")
    if step.state != "done":
        notes.insert(0, state)
    parts += [_note(x, y + 30 + _NOTE * number, note) for number, note in enumerate(notes)]
    return parts, _ROW + _NOTE * len(notes)


def _note(x: float, y: float, text: str) -> str:
    """Text under a bar: from its beginning to the right, or to the left where there is no room."""
    text = cut(text, _TEXT)
    right = x + 6.2 * len(text) > WIDE
    return svg.label(WIDE - 4 if right else x, y, text, "soft end" if right else "soft")


def _axis(length: float, scale: float, bottom: float) -> list[str]:
    every = next((tick for tick in _TICKS_MS if length / tick <= 6), length / 6)
    parts = [svg.rule(_LEFT, bottom, _LEFT + length * scale, bottom)]
    for number in range(int(length / every) + 1):
        x = _LEFT + number * every * scale
        parts.append(svg.rule(x, 20, x, bottom, "axis grid"))
        parts.append(svg.label(x, 14, words.duration(number * every) if number else "0", "soft middle"))
    return parts


def _legend(y: float) -> list[str]:
    parts, x = [], _LEFT
    for colour, text, striped in (
        ("done", "done", ""), ("failed", "failed", ""), ("open", "not ended", ""),
        ("wait", "waits for a lock", "timeline"), ("open", "paused", "timeline"),
    ):  # fmt: skip
        parts += [svg.bar((x, y - 10, 14, 10), colour, text, striped), svg.label(x + 19, y, text, "soft")]
        x += 40 + 6.5 * len(text)
    return [*parts, svg.rule(x, y - 12, x, y + 2, "try"), svg.label(x + 7, y, "try lost", "soft")]


def _described(shown: Sequence[StepCourse], course: RunCourse, cut_off: bool) -> str:
    told = []
    for one in shown:
        state = state_words(one.step, cut_off=cut_off)
        begun = words.duration(one.begin) if one.begin else "the start"
        told.append(f"{one.step.number} {one.step.change}: {state}, {_took(one)}, begun at {begun}")
        told += [stretch.told for stretch in one.stretches[:_NOTES]]
    return ". ".join([*told, *(pause.told for pause in course.pauses)]) + "."


def spark(number: int, series: Series, length: float) -> str:
    """A curve of what was measured, with its least, its most and its last value; gaps where nothing was known."""
    known = [(at, value) for at, value in series.points if value is not None]
    if not known:
        return ""
    most_at, most = max(known, key=lambda one: one[1])
    least, last = min(value for _, value in known), known[-1][1]
    wide, high = WIDE - _LEFT - 180, 40.0
    across, up = wide / (length or 1.0), (high - 4) / (most or 1.0)
    parts = [svg.label(4, 28, series.title), svg.rule(_LEFT, high + 2, _LEFT + wide, high + 2)]
    piece: list[tuple[float, float]] = []
    for at, value in (*thinned(series.points), (0.0, None)):
        if value is not None:
            piece.append((_LEFT + at * across, high - value * up))
            continue
        if piece:
            parts.append(svg.curve(piece if len(piece) > 1 else [*piece, (piece[0][0] + 1.5, piece[0][1])]))
        piece = []
    parts.append(svg.label(_LEFT + wide + 8, 14, f"most {series.words(most)}", "soft"))
    parts.append(svg.label(_LEFT + wide + 8, 29, f"least {series.words(least)}", "soft"))
    parts.append(svg.label(_LEFT + wide + 8, 44, f"last {series.words(last)}", "soft"))
    said = f"From {series.words(least)} to {series.words(most)}, the most {words.duration(most_at)} after the start;"
    return svg.picture(f"measured-{number}", series.title, f"{said} last {series.words(last)}.", (WIDE, 50), parts)


def durations(number: int, change: str, took: Sequence[Took]) -> str:
    """How long a change took, a bar each time, across environments and time; "" where nothing was measured."""
    known = [(one, one.ms) for one in took if one.ms is not None]
    if not known:
        return ""
    most = max(ms for _, ms in known) or 1.0
    left = 360.0
    parts, y = [], 4.0
    for one, ms in known:
        where = f"{cut(one.environment, 16)}  {one.operation}  {words.utc(one.at)}"
        parts.append(svg.label(4, y + 13, where))
        outcome = "" if one.outcome == "done" else f", {one.outcome.replace('_', ' ')}"
        wide = (WIDE - left - 170) * ms / most
        colour = "done" if one.outcome == "done" else "failed"
        parts.append(svg.bar((left, y + 2, wide, 13), colour, f"{where}: {words.duration(ms)}{outcome}"))
        parts.append(svg.label(left + max(wide, 1.5) + 6, y + 13, f"{words.duration(ms)}{outcome}"))
        y += 20
    said = "; ".join(f"{one.environment} {words.utc(one.at)}: {words.duration(ms)}, {one.outcome}" for one, ms in known)
    return svg.picture(f"durations-{number}", f"How long {change} took", f"{said}.", (WIDE, y + 4), parts)
