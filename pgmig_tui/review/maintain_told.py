"""Maintenance in words, and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from pgmig_tui.display import words
from pgmig_tui.display.cells import Line, Role, line
from pgmig_tui.display.safe import safe

if TYPE_CHECKING:
    from pgmig_tui.project.maintain_policy import AcceptedFinding
    from pgmig_tui.review.maintain_facts import MaintainFinding, Maintenance, Section, State

MARKS: Mapping[State, tuple[str, Role]] = {
    "PASS": ("+ ", "done"),
    "WARN": ("! ", "waiting"),
    "UNKNOWN": ("? ", "stale"),
    "N-A": ("- ", "muted"),
}
SHOWN = 20
"""So many findings of a section are shown to a person, those that nobody has accepted first; `--json` has them all."""


def section_lines(one: Section, limit: int = SHOWN) -> Iterator[Line]:
    """One line of verdict, and the findings under it."""
    mark, role = MARKS[one.state]
    yield line((mark, role), (f"{one.title}: ", "strong"), safe(one.verdict))
    findings = sorted(one.findings, key=lambda each: each.accepted is not None)
    for each in findings[:limit]:
        yield from finding_lines(each)
    if len(findings) > limit:
        told = f"    … and {words.count(len(findings) - limit, 'finding')} more; --json has all"
        yield line((told, "muted"))
    for note in one.notes:
        yield line((f"    {safe(note)}", "muted"))
    yield from _since_last(one, limit)


def finding_lines(one: MaintainFinding) -> Iterator[Line]:
    """What it is, since when, and what finishes it."""
    if one.accepted is not None:
        who = f"accepted by {one.accepted.by} until {one.accepted.until}: {one.accepted.why}"
        yield line(("    ~ ", "muted"), (safe(f"{one.name}, {who}"), "muted"))
        return
    mark, role = MARKS[one.state]
    new = " (new)" if one.new else ""
    since = f", since {words.utc(one.since)}" if one.since else ""
    told = f": {one.summary}{since}"
    yield line((f"    {mark}", role), (safe(one.name), "strong"), (new, "waiting"), safe(told))
    if one.expired is not None:
        who = f"accepted by {one.expired.by} until {one.expired.until}, which is over: {one.expired.why}"
        yield line("        ", (safe(who), "waiting"))
    for number, sql in enumerate(one.sql):
        lead = "        " if number == 0 or one.every else "        or "
        lock = f"  -- lock: {one.lock}" if number == 0 and one.lock else ""
        yield line((lead, "muted"), safe(f"{sql};"), (lock, "muted"))
    if one.command:
        yield line("        ", safe(f"pgmig-tui {one.command}"))


def _since_last(one: Section, limit: int) -> Iterator[Line]:
    if one.last_review is None:
        return
    last = one.last_review
    yield line((f"    gone through by {safe(last.by)} as {safe(last.role)}, {words.utc(last.at)}", "muted"))
    if one.gone:
        yield line((f"    gone since then: {safe(words.listing(one.gone, limit))}", "muted"))


def lines(found: Maintenance) -> Iterator[Line]:
    """All of it, for a person."""
    for number, one in enumerate(found.sections):
        if number:
            yield ()
        yield from section_lines(one)
    yield ()
    yield summary(found)


def summary(found: Maintenance) -> Line:
    """Whether there is anything to do."""
    todo = sum(one.state == "WARN" for one in found.sections)
    unknown = sum(one.state == "UNKNOWN" for one in found.sections)
    parts = [f"{words.count(todo, 'section')} with something to do"] if todo else []
    parts += [f"{words.count(unknown, 'section')} unknown"] if unknown else []
    if not parts:
        return line(("+ ", "done"), f"nothing to do on {safe(found.environment)}; nothing was changed")
    return line(("! ", "waiting"), f"{safe(found.environment)}: {', '.join(parts)}; nothing was changed")


def document(found: Maintenance) -> dict[str, object]:
    """As JSON values."""
    server = found.server
    return {
        "environment": found.environment,
        "asked_at": found.asked_at,
        "reachable": not found.unreachable,
        "error": found.unreachable or None,
        "role": None if server is None else server.role,
        "database": None if server is None else server.database,
        "system_identifier": None if server is None else server.system_identifier,
        "sections": [section_document(one) for one in found.sections],
    }


def section_document(one: Section) -> dict[str, object]:
    last = one.last_review
    return {
        "name": one.name,
        "title": one.title,
        "state": one.state,
        "verdict": one.verdict,
        "findings": [_finding(each) for each in one.findings],
        "notes": list(one.notes),
        "values": dict(one.values),
        "last_review": None if last is None else {"at": last.at, "by": last.by, "role": last.role},
        "gone": list(one.gone),
    }


def _finding(one: MaintainFinding) -> dict[str, object]:
    return {
        "name": one.name,
        "kind": one.kind,
        "object": one.object,
        "state": one.state,
        "summary": one.summary,
        "since": one.since or None,
        "sql": list(one.sql),
        "every": one.every,
        "lock": one.lock or None,
        "command": f"pgmig-tui {one.command}" if one.command else None,
        "new": one.new,
        "accepted": _acceptance(one.accepted),
        "expired": _acceptance(one.expired),
    }


def _acceptance(one: AcceptedFinding | None) -> dict[str, str] | None:
    if one is None:
        return None
    return {"finding": one.finding, "by": one.by, "until": one.until.isoformat(), "why": one.why}
