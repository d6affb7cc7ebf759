"""An environment as rows: how it is, what was done to it, and who works there now. Each row with all that is known of
it; pure."""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pgmig_tui.display.cells import Line, Role, Span, line, pad
from pgmig_tui.display.safe import safe
from pgmig_tui.display.words import clock, duration, utc
from pgmig_tui.gates.evidence import evidence_lines
from pgmig_tui.ui.views.order import ColumnTitle, SortedBy
from pgmig_tui.ui.views.runs import STATES, took, took_ms

if TYPE_CHECKING:
    from pgmig_tui.gates.evidence import ItemEvidence
    from pgmig_tui.review.history import Deed, History
    from pgmig_tui.review.numbers import Number
    from pgmig_tui.ui.backend.environment_facts import HealthFacts
    from pgmig_tui.ui.backend.protocol import LockSession, LockTree, RunFacts, StatusFacts

MARKS: dict[str, Span] = {
    "PASS": ("+ PASS   ", "done"),
    "WARN": ("! WARN   ", "waiting"),
    "FAIL": ("x FAIL   ", "failed"),
    "UNKNOWN": ("? UNKNOWN", "stale"),
    "N-A": ("- N-A    ", "muted"),
}
"""A state of a check as a glyph and a word."""
_ORDER = ("FAIL", "UNKNOWN", "WARN", "PASS", "N-A")
_NAME = 22
_OUTCOMES: dict[str, Span] = {
    "done": ("+", "done"), "adopted": ("~", "muted"), "recorded_only": ("!", "waiting"),
    "unverified": ("!", "waiting"), "partly": ("x", "failed"), "failed": ("x", "failed"),
    "verify_failed": ("x", "failed"), "in_doubt": ("?", "stale"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class ToldRow:
    """`key` is what the cursor stays on; `run` is the run of this host that it tells of, "" for none."""

    key: tuple[str, ...]
    told: Line
    more: tuple[Line, ...] = ()
    run: str = ""
    by: tuple[str | float, ...] = ()
    """What it is sorted by, by the columns of `HISTORY` after the first; of equals the newest comes first."""


HISTORY = (
    ColumnTitle("when", "when (UTC)", 23),
    ColumnTitle("what", "what", 8),
    ColumnTitle("outcome", "outcome", 15),
    ColumnTitle("took", "took", 12),
    ColumnTitle("change", "change", 0),
)
NEWEST = SortedBy("when")


def health_rows(found: HealthFacts) -> Iterator[ToldRow]:
    """Numbers first, then the checks that say something is wrong, then all others."""
    if found.problem:
        yield ToldRow(("problem",), line((f"? no numbers: {safe(found.problem)}", "stale")))
    for number in found.numbers:
        yield _number_row(number)
    if found.trouble:
        told = f"! the tables of pending changes aren't known: {safe(found.trouble)}"
        yield ToldRow(("trouble",), line((told, "waiting")))
    before = [one for one in found.items if one.seen]
    for one in sorted(before, key=lambda item: _ORDER.index(item.seen) if item.seen in _ORDER else 1):
        yield _item_row(one)
    waiting = [one for one in found.items if not one.seen and one.list == "pre"]
    for one in waiting:
        yield ToldRow(("item", one.item), line(("  asks    ", "muted"), safe(one.title)), tuple(evidence_lines(one)))


def _number_row(one: Number) -> ToldRow:
    told = line((f"{'?' if one.unknown else '.'} {pad(one.name, _NAME)}", "muted"), (safe(one.told), one.role))
    return ToldRow(("number", one.name), told, (line((one.name, "strong")), line((safe(one.told), one.role))))


def _item_row(one: ItemEvidence) -> ToldRow:
    mark = MARKS.get(one.seen, MARKS["UNKNOWN"])
    told = line(mark, f" {safe(one.title)}", (f": {safe(one.saw)}" if one.saw else "", "muted"))
    return ToldRow(("item", one.item), told, tuple(evidence_lines(one)))


def verdict(found: HealthFacts) -> Span:
    """All of it in a few words."""
    states = [one.seen for one in found.items if one.seen]
    bad, unknown, warned = states.count("FAIL"), states.count("UNKNOWN"), states.count("WARN")
    parts = [
        text
        for number, text in ((bad, f"{bad} FAIL"), (unknown, f"{unknown} UNKNOWN"), (warned, f"{warned} WARN"))
        if number
    ]
    if bad:
        return f"x {', '.join(parts)}", "failed"
    if unknown:
        return f"? {', '.join(parts)}", "stale"
    if warned:
        return f"! {', '.join(parts)}", "waiting"
    return (f"+ {states.count('PASS')} checks pass", "done") if states else ("? no check has answered", "stale")


# What was done


def history_rows(found: History, runs: Sequence[RunFacts], order: SortedBy = NEWEST) -> Iterator[ToldRow]:
    """Deeds and the runs of this account, the newest first or by another column; what the record contradicts stands
    above them."""
    for number, text in enumerate(found.contradictions):
        yield ToldRow(("contradiction", str(number)), line((f"x {safe(text)}", "failed")), (line(safe(text)),))
    if found.without_tracking:
        told = f"! only the registry tells of the past: {safe(found.without_tracking)}"
        yield ToldRow(("tracking",), line((told, "waiting")))
    known = {run.run_id for run in runs}
    rows = [(_second(one.at), 1, number, _deed_row(one, number, known)) for number, one in enumerate(found.deeds)]
    rows += [(_second(run.started_at), 0, number, _run_row(run)) for number, run in enumerate(reversed(runs))]
    newest = [row for *_, row in sorted(rows, key=lambda one: one[:3], reverse=True)]
    at = [head.name for head in HISTORY].index(order.column)
    if at:
        newest.sort(key=lambda row: row.by[at - 1])
    yield from reversed(newest) if order.reverse else newest


def _second(at: str) -> str:
    return utc(at)


def _deed_row(one: Deed, number: int, known: Container[str]) -> ToldRow:
    glyph, role = _OUTCOMES.get(one.outcome, ("?", "stale"))
    outcome = one.outcome.replace("_", " ")
    outcome = "done, verified" if one.outcome == "done" and one.verified else outcome
    took = duration(one.ms) if one.ms is not None else ""
    told = line(
        (f"{glyph} {utc(one.at)} ", role), pad(safe(one.operation), 8), (pad(outcome, 15), role),
        (f"{took:>10}  ", "muted"), safe(one.change), (f"  {safe(one.by)}", "muted"),
    )  # fmt: skip
    facts = (
        ("by", one.by), ("told by", one.told_by), ("took", took), ("run", one.run_id), ("ticket", one.ticket),
        ("change ID", one.change_id), ("SQLSTATE", one.sqlstate), ("failed at", one.failed_at),
        ("message", one.message.strip()),
    )  # fmt: skip
    head: tuple[Line, ...] = (line((safe(one.change), "strong"), f"  {safe(one.operation)} ", (outcome, role)),)
    more = head + tuple(line((f"{name:<10} ", "muted"), safe(text)) for name, text in facts if text)
    key = ("deed", one.at, one.change_id, one.operation, str(number))
    by = (one.operation, outcome, -(one.ms or 0.0), one.change.casefold())
    return ToldRow(key, told, more, one.run_id if one.run_id in known else "", by)


def _run_row(run: RunFacts) -> ToldRow:
    paused: Span = ("~ paused", "waiting")
    state, role = paused if run.paused else STATES[run.outcome]
    lasted = took(run)
    glyph, _, word = state.partition(" ")
    told = line(
        (f"{glyph} {utc(run.started_at or None)} ", role), ("run     ", "strong"), (pad(word, 15), role),
        (f"{lasted:>10}  ", "muted"), f"{safe(run.command)} {run.steps_short} {safe(run.run_id)}",
        (f"  {safe(run.operator)}", "muted"),
    )  # fmt: skip
    facts = (
        ("command", run.command), ("steps", run.steps_done), ("started", utc(run.started_at or None)),
        ("ended", utc(run.finished_at) if run.finished_at else ""), ("took", lasted), ("by", run.operator),
        ("on host", run.host),
    )  # fmt: skip
    by = ("run", word, -(took_ms(run) or 0.0), run.command)
    head: tuple[Line, ...] = (line((f"run {safe(run.run_id)}  ", "strong"), (state, role)),)
    more = head + tuple(line((f"{name:<10} ", "muted"), safe(text)) for name, text in facts if text)
    return ToldRow(("run", run.run_id), told, (*more, line(("Enter opens it", "muted"))), run.run_id, by)


# Who works there


def now_rows(tree: LockTree, runs: Sequence[RunFacts], status: StatusFacts | None) -> Iterator[ToldRow]:
    """Runs that are alive, who holds Sqitch's lock, and everybody who waits for a lock or is waited for."""
    for run in runs:
        yield _run_row(run)
    if status is not None and status.under_way:
        told = f"~ {safe(status.under_way)}"
        yield ToldRow(("holder",), line((told, "waiting")), (line(told), line(("w watches it", "muted"))))
    if tree.problem:
        yield ToldRow(("locks",), line((f"? locks are not known: {safe(tree.problem)}", "stale")))
    elif not tree.sessions:
        yield ToldRow(("locks",), line(("+ nobody waits for a lock", "done")))
    for one in tree.sessions:
        yield _session_row(one)


def _session_row(one: LockSession) -> ToldRow:
    session = one.session
    waits = f", for {clock(one.wait_ms / 1000)[3:]}" if one.wait_ms is not None else ""
    who = safe(session.application or session.user or "?")
    role: Role = "waiting" if one.wants else "failed"
    does = f"waits for {safe(one.wants)}{waits}" if one.wants else f"is waited for; holds {safe(one.holds)}"
    name = f"pid {session.pid}" if session.pid else session.name
    sign = "~" if one.wants else "x"
    told = line((f"{'  ' * min(session.depth, 8)}{sign} {name} {who} ", role), does)
    facts = (
        ("user", session.user), ("client", one.client), ("state", session.state), ("wants", one.wants),
        ("holds", one.holds), ("query", "hidden from this role" if session.hidden else session.query),
    )  # fmt: skip
    head: tuple[Line, ...] = (line((f"{name} {who}", "strong")),)
    more = head + tuple(line((f"{title:<8} ", "muted"), safe(text)) for title, text in facts if text)
    return ToldRow(("session", str(session.pid), session.started, session.prepared or ""), told, more)
