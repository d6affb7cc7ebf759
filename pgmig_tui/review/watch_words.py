"""What is said of an environment that is watched: lines for a person, and JSON."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING

from pgmig_tui.database.server_log import KINDS, Kind
from pgmig_tui.display import words
from pgmig_tui.display.cells import Line, Role, line
from pgmig_tui.display.safe import safe
from pgmig_tui.display.sparks import spark
from pgmig_tui.review.watching import utc

if TYPE_CHECKING:
    from pgmig_tui.database.sampling import Interval
    from pgmig_tui.database.server_log import LogLine
    from pgmig_tui.review.comparison import GroupFacts, Outcome
    from pgmig_tui.review.watching import Logged, Watching

ROLES: dict[Outcome, Role] = {
    "healthy": "done",
    "slower by this change": "failed",
    "slower server-wide": "waiting",
    "errors": "failed",
    "too little data": "stale",
}
_LOGGED = 8
_NOUNS: dict[Kind, tuple[str, str]] = {
    "error": ("error", "errors"),
    "fatal": ("FATAL", "FATAL"),
    "deadlock": ("deadlock", "deadlocks"),
    "canceled": ("cancelled statement", "cancelled statements"),
}


def interval_line(watching: Watching, one: Interval) -> Line:
    """What the last interval was like."""
    ratios = watching.verdict()
    told = f"{utc(one.ended)[11:19]}  {one.transactions_a_second:.1f} transactions/s, {one.rollbacks} rolled back, "
    told += f"{words.count(one.waiters, 'waiter')}"
    if ratios.treated.ratio is not None:
        told += f"; on what was changed {ratios.treated.ratio:.2f}× the time of before"
    if ratios.control.ratio is not None:
        told += f", others {ratios.control.ratio:.2f}×"
    return line(told)


def lines(watching: Watching, *, unicode: bool = True) -> Iterator[Line]:
    """The verdict in a sentence, with its reasons and what it rests on."""
    found = watching.verdict()
    mark = {"done": "+ ", "failed": "x ", "waiting": "! "}.get(ROLES[found.outcome], "? ")
    yield line((mark, ROLES[found.outcome]), (f"{watching.environment.name}: {found.outcome}", "strong"))
    yield from (line("    ", safe(reason)) for reason in found.reasons)
    for slow in found.slowest:
        times = (
            f"{words.duration(slow.before_ms)} -> {words.duration(slow.after_ms)}, {words.count(slow.calls, 'call')}"
        )
        yield line("    ", (times, "failed"), f": {safe(slow.text)[:160]}")
    if unicode and found.treated.ratios:
        yield line("    on what was changed  ", (spark(found.treated.ratios), "strong"))
        yield line("    all others           ", (spark(found.control.ratios), "muted"))
    if watching.after:
        rate = [one.transactions_a_second for one in watching.after]
        waiters = max(one.waiters for one in watching.after)
        yield line(f"    {min(rate):.1f} to {max(rate):.1f} transactions/s, at most {words.count(waiters, 'waiter')}")
    if watching.hidden:
        hidden = f"{watching.hidden} sessions and statements of other roles are hidden (pg_read_all_stats shows them)"
        yield line(("    ? ", "stale"), hidden)
    yield from (line(("    ! ", "waiting"), safe(note)) for note in watching.notes)
    if watching.deployed is not None:
        yield from (line("    ", *told) for told in log_lines(watching.logged))


def log_lines(logged: Logged) -> Iterator[Line]:
    """What the server's log holds since the deploy, or why that can't be known."""
    if logged.why:
        yield line(("? ", "stale"), safe(f"the server's log: UNKNOWN, {logged.why}"))
        return
    counts = [words.count(logged.counts[kind], *_NOUNS[kind]) for kind in KINDS if logged.counts[kind]]
    told = f"the server's log since the deploy: {words.listing(counts, len(KINDS)) if counts else 'no error'}"
    yield line(("! ", "waiting") if counts else (". ", "muted"), told)
    if logged.skipped:
        yield line(("? ", "stale"), "it holds more than is read at once: what came before that was not seen")
    for one in list(logged.last)[-_LOGGED:]:
        code = f"{one.sqlstate} " if one.sqlstate else ""
        yield line((f"  {utc(one.at)[11:19]} {safe(one.severity)} ", "failed"), safe(f"{code}{one.message}")[:160])


def document(watching: Watching) -> dict[str, object]:
    """As JSON values."""
    found = watching.verdict()
    deployed = watching.deployed
    return {
        "environment": watching.environment.name,
        "verdict": found.outcome,
        "reasons": list(found.reasons),
        "run": deployed.run_id or None if deployed else None,
        "deployed_at": utc(deployed.ended) if deployed else None,
        "intervals_before": len(watching.before),
        "intervals_after": len(watching.after),
        "changed": _facts(found.treated),
        "others": _facts(found.control),
        "slowest": [
            {"query": one.text, "before_ms": one.before_ms, "after_ms": one.after_ms, "calls": one.calls}
            for one in found.slowest
        ],
        "hidden": watching.hidden,
        "notes": list(watching.notes),
        "server_log": log_document(watching.logged),
    }


def log_document(logged: Logged) -> dict[str, object]:
    """The same of the log; `counts` is null where it can't be read."""
    return {
        "state": "UNKNOWN" if logged.why else "read",
        "why": logged.why,
        "counts": None if logged.why else {kind: logged.counts[kind] for kind in KINDS},
        "complete": None if logged.why else not logged.skipped,
        "last": [_logged(one) for one in logged.last],
    }


def _logged(one: LogLine) -> dict[str, object]:
    return {
        "at": utc(one.at), "kind": one.kind, "severity": one.severity, "sqlstate": one.sqlstate, "message": one.message,
        "application": one.application,
    }  # fmt: skip


def _facts(facts: GroupFacts) -> dict[str, object]:
    return {key: value for key, value in asdict(facts).items() if key != "ratios"}


def interval_document(one: Interval, logged: Logged) -> dict[str, object]:
    """An interval as JSON values, its statements counted, with what the server has logged since the one before."""
    return {
        "began": utc(one.began),
        "ended": utc(one.ended),
        "commits": one.commits,
        "rollbacks": one.rollbacks,
        "deadlocks": one.deadlocks,
        "waiters": one.waiters,
        "longest_transaction_s": one.longest_s,
        "replica_lag_s": one.lag_s,
        "statements": len(one.statements),
        "server_log": None if logged.why else [_logged(each) for each in logged.new],
    }
