"""What stands below the plan where there is room: how the chosen environment is, and its last runs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from pgmig_tui.display.cells import Line, Role, Span, cut, pad, width
from pgmig_tui.display.safe import safe
from pgmig_tui.display.sparks import spark
from pgmig_tui.display.words import ago, count, duration, utc

if TYPE_CHECKING:
    from pgmig_tui.ui.backend.protocol import EnvironmentFacts, RunFacts, StatusFacts

_LABEL = 11
PAUSED: Span = ("~ paused", "waiting")
RUN_WORDS: dict[str, Span] = {
    "running": ("> running", "running"), "finished": ("+ done", "done"), "failed": ("x FAILED", "failed"),
    "in doubt": ("? IN DOUBT", "stale"), "unknown": ("? cut off", "stale"),
}  # fmt: skip


def health_lines(
    environment: EnvironmentFacts,
    last: StatusFacts | None,
    good: StatusFacts | None,
    waits: Sequence[int | None],
    drift: Line,
    now: datetime,
    columns: int,
    *,
    unicode: bool,
) -> list[Line]:
    """What its last answer says of the server, each as `label  words`."""
    lines: list[Line] = []

    def say(label: str, text: str, role: Role = "plain") -> None:
        lines.append(((f" {pad(label, _LABEL)}", "muted"), (cut(safe(text), columns - _LABEL - 2), role)))

    say("address", f"{environment.database} on {environment.host}")
    if last is None:
        say("state", "~ not answered yet", "muted")
        return lines
    if not last.reachable:
        say("state", f"? no answer: {last.error}", "stale")
    if good is None:
        return lines
    age = ago((now - good.asked_at).total_seconds())
    say("server", f"{good.server} as {good.user}{', a standby' if good.standby else ''}  asked {age}")
    if good.unproven:
        say("identity", f"! not proven: {good.unproven}", "differs")
    newest = waits[-1] if waits else None
    bars = spark(waits, max(0, min(60, columns - _LABEL - 14)), full=4, unicode=unicode)
    say("waiting", "nobody can tell" if newest is None else f"{newest:>3} {bars}", "waiting" if newest else "plain")
    told, role = good.words
    say("plan", f"{told}, {count(len(good.deployed), 'change')} deployed", role)
    if good.last_deployed is not None:
        say("deployed", f"{utc(good.last_deployed)}, {ago((now - good.last_deployed).total_seconds())}")
    text = "".join(part for part, _ in drift).strip()
    say("schema", text.partition("schema: ")[2] or text, drift[0][1] if drift else "plain")
    if good.under_way:
        say("works there", good.under_way, "waiting")
    return lines


def run_lines(runs: Sequence[RunFacts], columns: int) -> list[Line]:
    """The runs of an environment on this host, the newest first."""
    lines: list[Line] = []
    for run in sorted(runs, key=lambda run: run.started_at, reverse=True):
        paused = run.paused and run.state == "running"
        told, role = PAUSED if paused else RUN_WORDS[run.outcome]
        took = _took(run)
        head: list[Span] = [
            (f" {pad(told, 10)}", role), (f"{pad(utc(run.started_at)[:16], 17)}", "plain"),
            (f"{pad(safe(run.command), 9)}", "plain"), (f"{run.steps_short:>8} ", "plain"),
            (f"{took:>10}  ", "muted"),
        ]  # fmt: skip
        room = columns - sum(width(text) for text, _ in head)
        lines.append((*head, (cut(safe(run.operator), max(0, room)), "muted")))
    return lines or [((" no run on this host", "muted"),)]


def _took(run: RunFacts) -> str:
    try:
        begun, ended = datetime.fromisoformat(run.started_at), datetime.fromisoformat(run.finished_at)
        return duration((ended - begun).total_seconds() * 1000)
    except (ValueError, TypeError):
        return ""
