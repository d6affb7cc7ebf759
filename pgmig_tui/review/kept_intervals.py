"""Intervals of a database that were kept, and which of them are a picture of the time before a deploy.

What was kept while a run was under way, or after a deploy that was found bad and until something was done about it, is
no such picture: the next deploy would be measured against the trouble of the last one.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pgmig_tui.database.sampling import Interval, Spent, StatementKey
from pgmig_tui.review.comparison import Outcome
from pgmig_tui.run.journal import private
from pgmig_tui.run.journal.listing import list_runs

KEPT_S = 24 * 3600.0
"""Intervals that are older are no picture of the time before a deploy."""
BAD: tuple[Outcome, ...] = ("slower by this change", "slower server-wide", "errors")
_CHANGING = ("deploy", "revert", "backfill")
_NEVER = float("inf")


@dataclass(frozen=True, slots=True)
class KeptVerdict:
    """What was said of a deploy that ended at `deployed`, from intervals of `began` to `ended` (seconds since 1970)."""

    outcome: str
    deployed: float
    began: float
    ended: float


@dataclass(frozen=True, slots=True)
class RunSpan:
    """When a run was under way (seconds since 1970); `ended` is infinite while it is, or where nobody knows."""

    began: float
    ended: float


def counting(
    kept: Iterable[Interval], verdicts: Sequence[KeptVerdict], runs: Sequence[RunSpan], events: Sequence[float] = ()
) -> list[Interval]:
    """Those of the intervals that are a picture of an untroubled time. `events` are when the registry was written, by
    whomever. Pure."""
    spans = [*runs, *_troubled(verdicts, runs)]
    return [
        one
        for one in kept
        if not any(span.began < one.ended and one.began < span.ended for span in spans)
        and not any(one.began <= at <= one.ended for at in events)
    ]


def _troubled(verdicts: Sequence[KeptVerdict], runs: Sequence[RunSpan]) -> Iterator[RunSpan]:
    """From a deploy that was found bad to the end of the run after it, or until it was found healthy."""
    for one in verdicts:
        if one.outcome not in BAD:
            continue
        mended = [run.ended for run in runs if run.began >= one.ended]
        healthy = [
            other.began
            for other in verdicts
            if other.outcome == "healthy" and other.deployed == one.deployed and other.began >= one.ended
        ]
        yield RunSpan(one.deployed, min((*mended, *healthy), default=_NEVER))


def run_spans(state_dir: Path, environment: str) -> list[RunSpan]:
    """The runs of this account on an environment that may have changed it."""
    found = []
    for run in list_runs(state_dir):
        if run.environment == environment and run.command in _CHANGING:
            began, ended = seconds(run.started_at), seconds(run.finished_at or "")
            found.append(RunSpan(began or 0.0, ended if ended is not None else _NEVER))
    return found


def seconds(at: str) -> float | None:
    """A time in ISO 8601 as seconds since 1970; None for what is none."""
    try:
        return datetime.fromisoformat(at.replace("Z", "+00:00")).timestamp()
    except ValueError:
        return None


# -- the file ------------------------------------------------------------------------------------------------------


def kept_file(state_dir: Path, system_identifier: str | None, database: str) -> Path:
    """Where the intervals of a database are kept."""
    name = f"{system_identifier or 'unknown'}-{database}"
    return state_dir / "watch" / f"{private_name(name)}.jsonl"


def private_name(text: str) -> str:
    """A database's name as a file's."""
    return "".join(one if one.isalnum() or one in "-_." else f"%{ord(one):02x}" for one in text)[:200]


def keep(path: Path, one: Interval) -> None:
    """Add an interval. Raises OSError."""
    row = {
        "began": one.began, "ended": one.ended, "commits": one.commits, "rollbacks": one.rollbacks,
        "deadlocks": one.deadlocks, "waiters": one.waiters, "longest_s": one.longest_s, "lag_s": one.lag_s,
        "evicted": one.evicted,
        "statements": [[key.role, key.top, key.text, spent.calls, spent.ms] for key, spent in one.statements.items()],
    }  # fmt: skip
    _add(path, row)


def keep_verdict(path: Path, one: KeptVerdict) -> None:
    """Add what was said of a deploy. Raises OSError."""
    row = {"verdict": one.outcome, "deployed": one.deployed, "began": one.began, "ended": one.ended}
    _add(path, row)


def _add(path: Path, row: Mapping[str, object]) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.touch(mode=0o600)
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(row) + "\n")


def read_kept(path: Path, since: float) -> tuple[list[Interval], list[KeptVerdict]]:
    """What was kept and ended at `since` or later; older lines are taken out of the file."""
    intervals: list[Interval] = []
    verdicts: list[KeptVerdict] = []
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError:
        return intervals, verdicts
    fresh = []
    for text in lines:
        with contextlib.suppress(ValueError, TypeError, KeyError, AttributeError):
            one = json.loads(text)
            if one["ended"] < since:
                continue
            if "verdict" in one:
                verdicts.append(KeptVerdict(str(one["verdict"]), one["deployed"], one["began"], one["ended"]))
            else:
                intervals.append(_interval(one))
            fresh.append(text)
    if len(fresh) < len(lines):
        with contextlib.suppress(OSError):
            private.replace(path, "".join(f"{text}\n" for text in fresh))
    return intervals, verdicts


def _interval(one: dict[str, object]) -> Interval:
    rows = one["statements"]
    if not isinstance(rows, list):
        raise TypeError("no statements")
    statements = {StatementKey(role, top, text): Spent(calls, ms) for role, top, text, calls, ms in rows}
    return Interval(**{**one, "statements": statements})  # type: ignore[arg-type]
