"""How an environment stands at a glance, by what it has answered and what its runs have told."""

from __future__ import annotations

from datetime import datetime

from pgmig_tui.display.cells import Span
from pgmig_tui.ui.answers import Answers, age_words
from pgmig_tui.ui.backend.protocol import EnvironmentFacts, RunFacts, StatusFacts
from pgmig_tui.ui.views.cards import Card, Kind


def card_of(
    number: int, environment: EnvironmentFacts, answers: Answers, now: datetime, risk: Span = ("", "plain")
) -> Card:
    """`number` chooses it."""
    name = environment.name
    last, good, run = answers.last.get(name), answers.good.get(name), answers.newest_run(name)
    waits = answers.waited(name)
    pending = len(good.pending) if good is not None else None
    when = age_words((now - good.asked_at).total_seconds()) if good is not None else ""
    kind: Kind
    short = ""
    if last is None:
        kind, told = "asking", "not answered yet"
    elif not last.reachable:
        kind, short = "stale", "no answer"
        told = f"no answer; had {good.words[0]}" if good is not None else short
    elif run is not None and run.state == "running":
        kind, told = "running", f"{'PAUSED' if run.paused else 'running'} {run.steps_short}"
    else:
        assert good is not None, "a reachable answer is a good answer"
        told = good.words[0]
        short = f"{len(good.pending)} pending" if good.pending else ""
        kind = "todo" if good.pending else "done"
        if good.differing or good.not_in_plan or good.untagged:
            kind = "differs"
        if run is not None and run.state in {"failed", "unknown"} and good.pending:
            kind, short = "failed", f"{_ended(run)} {run.steps_short}"
            told = f"{short}, {told}"
    reason = last.error if last is not None and not last.reachable else ""
    age = deployed_ago(good, now)
    return Card(number, name, environment.protected, kind, told, short, pending, waits, reason, when, risk, age)


def deployed_ago(good: StatusFacts | None, now: datetime) -> str:
    """The age of what was recorded last in an environment's registry; "" where nothing was, or nobody knows."""
    if good is None or good.last_deployed is None:
        return ""
    return age_words((now - good.last_deployed).total_seconds())


def _ended(run: RunFacts) -> str:
    if run.in_doubt:
        return "DOUBT"
    return "FAILED" if run.state == "failed" else "cut off"
