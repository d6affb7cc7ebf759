"""The report of a run in Markdown, written from its journal alone: what was done, by whom, under which answers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from pgmig_tui.display import words
from pgmig_tui.display.run_lines import between
from pgmig_tui.display.safe import safe
from pgmig_tui.report.picture import EventLike, RunPicture, StepPicture, picture_of

_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>|#~])")
_RESULTS = {0: "done", 1: "FAILED", 2: "not started", 3: "refused", 4: "IN DOUBT", 5: "server not reached"}


def cell(value: object) -> str:
    """Text as the cell of a Markdown table or as running text: nothing in it is formatting, nothing ends the cell."""
    return _MARKDOWN.sub(r"\\\1", safe(str(value)))


def result_words(picture: RunPicture) -> str:
    """How the run ended, in one or two words; `not finished` while the journal doesn't say."""
    if picture.exit_status is None:
        return "not finished"
    return _RESULTS.get(picture.exit_status, f"exit status {picture.exit_status}")


def _step_row(step: StepPicture) -> str:
    verified = {True: "passed", False: "FAILED", None: step.verify if step.verify == "off" else "-"}[step.verified]
    took = "-" if step.took_ms is None else words.duration(step.took_ms)
    waited = words.duration(step.waited_ms) if step.waited_ms else "-"
    cells = (step.number, step.action, step.change, step.state, took, waited, verified, step.mode or "-")
    return f"| {' | '.join(cell(value) for value in cells)} |"


def _failure(step: StepPicture) -> list[str]:
    failure: Mapping[str, Any] = step.failure or {}
    where = ":".join(str(failure[key]) for key in ("path", "line") if failure.get(key))
    lines = [f"### {cell(step.change)} failed", ""]
    lines.append(f"- where: {cell(where or '-')}")
    lines.append(f"- message: {cell(failure.get('message') or '-')} (SQLSTATE {cell(failure.get('sqlstate') or '-')})")
    lines += [f"- {key}: {cell(failure[key])}" for key in ("detail", "hint", "do") if failure.get(key)]
    stays = failure.get("what_stays") or ()
    nothing = "the change itself; it is recorded" if failure.get("committed") else "nothing of this change"
    lines += [f"- stays: {cell(item)}" for item in stays] or [f"- stays: {nothing}"]
    return [*lines, ""]


def _answers(title: str, answers: Iterable[Mapping[str, Any]]) -> list[str]:
    lines = [f"## {title}", "", "| item | answer | note | by | at |", "|---|---|---|---|---|"]
    for answer in answers:
        said = tuple(answer.get(key) or "-" for key in ("item_id", "how", "note", "by"))
        lines.append(f"| {' | '.join(cell(value) for value in (*said, words.utc(answer.get('at'))))} |")
    return [*lines, ""]


def markdown(events: Iterable[EventLike]) -> str:
    """The report of these events (one run, in the journal's order), for a ticket or a pull request."""
    picture = picture_of(events)
    took = between(picture.started_at, picture.finished_at)
    facts = (
        ("environment", picture.environment),
        ("target", picture.target),
        ("by", " on ".join(part for part in (picture.operator, picture.host) if part)),
        ("started", words.utc(picture.started_at or None)),
        ("ended", words.utc(picture.finished_at or None)),
        ("took", "-" if took is None else words.duration(took)),
        ("result", f"{result_words(picture)}, {picture.done} of {words.count(len(picture.steps), 'step')} done"),
    )
    lines = [f"# {cell(picture.command or 'run')} {cell(picture.run)}", ""]
    lines += [f"- {name}: {cell(value or '-')}" for name, value in facts]
    if picture.summary:
        lines.append(f"- summary: {cell(picture.summary)}")
    lines += ["", "## Steps", "", "| # | action | change | state | took | waited | verify | mode |"]
    lines += ["|---|---|---|---|---|---|---|---|", *(_step_row(step) for step in picture.steps.values()), ""]
    for step in picture.steps.values():
        if step.failure is not None:
            lines += _failure(step)
    if picture.answers:
        lines += _answers("Checklist answers", picture.answers)
    if picture.afterwards:
        lines += _answers("Afterwards", picture.afterwards.values())
    if picture.notices:
        lines += ["## Notices", "", *(f"- {cell(kind)}: {cell(message)}" for kind, message in picture.notices), ""]
    return "\n".join(lines)


def summary(events: Iterable[EventLike]) -> str:
    """The run in a few lines of plain text, to paste where people talk."""
    picture = picture_of(events)
    took = between(picture.started_at, picture.finished_at)
    head = f"{picture.command} {picture.run} on {picture.environment}: {result_words(picture)}"
    head += f", {picture.done} of {words.count(len(picture.steps), 'step')} done"
    head += f" in {words.duration(took)}" if took is not None else ""
    marks = {"done": "+", "failed": "x", "running": ">", "todo": "."}
    lines = [safe(head)]
    for step in picture.steps.values():
        lines.append(safe(f"{marks[step.state]} {step.number} {step.change}"))
        if step.failure is not None:
            lines.append(safe(f"    {step.failure.get('message') or 'failed'}"))
    return "\n".join(lines)
