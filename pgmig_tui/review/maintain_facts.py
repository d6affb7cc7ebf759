"""What regular maintenance finds, as values: sections of findings, each with what would finish it. Nothing is done."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import TYPE_CHECKING, Literal

from pgmig_tui.display import words

if TYPE_CHECKING:
    from pgmig_tui.database.identity import ServerIdentity
    from pgmig_tui.project.environments import Environment
    from pgmig_tui.project.maintain_policy import AcceptedFinding

SectionName = Literal["history", "leftovers", "retention", "old", "documents", "drill", "access"]
State = Literal["PASS", "WARN", "UNKNOWN", "N-A"]
Value = str | int | float | bool | None

TITLES: Mapping[SectionName, str] = {
    "history": "Migration history",
    "leftovers": "Leftovers",
    "retention": "Retention of the record",
    "old": "Old migrations",
    "documents": "Documentation",
    "drill": "Recovery drill",
    "access": "Access controls",
}
"""All sections, in the order of the migration guide's regular tasks."""
OF_SERVER: frozenset[SectionName] = frozenset({"history", "leftovers", "retention", "access"})
"""Those that can't say anything without the server of the environment."""


@dataclass(frozen=True, slots=True)
class MaintainFinding:
    """One thing to do, or (`state` UNKNOWN) one that couldn't be looked at.

    `kind` and `object` name it, as `[[maintain.accept]]` does. `since` is UTC, "" where nobody knows it. `sql` are
    statements of which the first finishes it (all of them where `every`), and `lock` is what the first one takes, in
    PostgreSQL's words, "none" for none. `command` is the command of pgmig-tui that finishes it. `accepted` holds today,
    `expired` did. `new`: it wasn't there at the last review; None where there was none.
    """

    kind: str
    object: str
    summary: str
    state: Literal["WARN", "UNKNOWN"] = "WARN"
    since: str = ""
    sql: tuple[str, ...] = ()
    every: bool = False
    lock: str = ""
    command: str = ""
    accepted: AcceptedFinding | None = None
    expired: AcceptedFinding | None = None
    new: bool | None = None

    @property
    def name(self) -> str:
        return f"{self.kind} {self.object}".rstrip()


@dataclass(frozen=True, slots=True)
class LastReview:
    """When somebody has gone through the findings last (UTC), who, and as which role of the server."""

    at: str
    by: str
    role: str


@dataclass(frozen=True, slots=True)
class Section:
    """One regular task. `verdict` is a sentence; `notes` say what was left out or what else is so; `values` are the
    numbers behind it. `gone` are the names of findings of the last review that aren't there any more."""

    name: SectionName
    state: State
    verdict: str
    findings: tuple[MaintainFinding, ...] = ()
    notes: tuple[str, ...] = ()
    values: Mapping[str, Value] = field(default_factory=dict)
    last_review: LastReview | None = None
    gone: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        return TITLES[self.name]

    @property
    def open(self) -> tuple[MaintainFinding, ...]:
        """What nobody has accepted."""
        return tuple(one for one in self.findings if one.accepted is None)

    @property
    def calls(self) -> bool:
        """Whether somebody has to do something: what is unknown is never green."""
        return self.state in ("WARN", "UNKNOWN")


@dataclass(frozen=True, slots=True)
class Maintenance:
    """All that was asked. `server` is None where it didn't answer, and `unreachable` says why."""

    environment: str
    asked_at: str
    sections: tuple[Section, ...]
    server: ServerIdentity | None = None
    unreachable: str = ""

    @property
    def calls(self) -> bool:
        return any(one.calls for one in self.sections)


def section(
    name: SectionName,
    findings: Iterable[MaintainFinding],
    environment: Environment,
    today: date,
    *,
    clear: str,
    found: str = "",
    notes: Iterable[str] = (),
    values: Mapping[str, Value] | None = None,
) -> Section:
    """A section of these findings, with who has accepted which. `clear` is its verdict where nothing is open, `found`
    what is said of what is ("3 leftovers")."""
    judged = tuple(accepted(one, environment, today) for one in findings)
    still = [one for one in judged if one.accepted is None]
    state: State = "PASS"
    if still:
        state = "WARN" if any(one.state == "WARN" for one in still) else "UNKNOWN"
    verdict = clear if not still else said(still, found)
    if len(judged) > len(still):
        verdict += f"; {words.count(len(judged) - len(still), 'finding')} accepted"
    return Section(name, state, verdict, judged, tuple(notes), dict(values or {}))


def said(findings: Iterable[MaintainFinding], found: str = "") -> str:
    """How many there are, in words; what couldn't be looked at apart."""
    open_ones = list(findings)
    unknown = sum(one.state == "UNKNOWN" for one in open_ones)
    parts = []
    if len(open_ones) > unknown:
        parts.append(words.count(len(open_ones) - unknown, found or "finding"))
    if unknown:
        parts.append(f"{words.count(unknown, 'thing')} could not be looked at")
    return ", ".join(parts)


def accepted(one: MaintainFinding, environment: Environment, today: date) -> MaintainFinding:
    """The finding with who accepted it, as long as that holds."""
    who = environment.maintain.accepting(one.name, environment.name)
    if who is None:
        return one
    return replace(one, accepted=who) if today <= who.until else replace(one, expired=who)


def unknown(name: SectionName, why: str) -> Section:
    """A section that couldn't be asked, or hasn't answered yet."""
    return Section(name, "UNKNOWN", why)


def unseen(what: str, why: str, command: str = "") -> MaintainFinding:
    """Something that couldn't be looked at, and why."""
    return MaintainFinding("unseen", what, why, state="UNKNOWN", command=command)
