"""A run in six lines of Markdown, for a channel or a ticket."""

from __future__ import annotations

from collections.abc import Sequence

from pgmig_tui.display.safe import safe
from pgmig_tui.display.words import clock, utc
from pgmig_tui.report.picture import RunPicture
from pgmig_tui.report.run_report import result_words
from pgmig_tui.ui.session import Item


def summary(run_id: str, picture: RunPicture, seconds: float, items: Sequence[Item] = ()) -> str:
    """What was done, where, by whom, how it ended, what failed, and what is still to be done by hand."""
    began = picture.started_at or picture.planned_at
    done = [safe(step.change) for step in picture.steps.values() if step.state == "done"]
    lines = [
        f"**{safe(picture.command)} {safe(picture.environment)}: {result_words(picture)}** "
        f"({picture.done} of {len(picture.steps)} changes)",
        f"- run {run_id}, {safe(picture.target)}",
        f"- {utc(began)} to {utc(picture.finished_at or None)}, {clock(seconds)}, by {safe(picture.operator)}",
        f"- changes: {', '.join(done) or 'none'}",
    ]
    failed = next((step for step in picture.steps.values() if step.state == "failed"), None)
    if failed is not None:
        failure = failed.failure or {}
        where = ":".join(safe(str(failure[key])) for key in ("path", "line") if failure.get(key))
        lines.append(f"- FAILED: {safe(failed.change)} at {where}: {safe(str(failure.get('message') or ''))}")
    if items:
        still = [item.title for item in items if not item.answered and item.state not in {"PASS", "N-A"}]
        lines.append(f"- still open: {', '.join(safe(title) for title in still) or 'nothing'}")
    return "\n".join(lines) + "\n"
