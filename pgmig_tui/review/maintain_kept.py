"""What is kept of maintenance outside of the checkout, by database: who has gone through the findings, and drills."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pgmig_tui.display import words
from pgmig_tui.review.kept_intervals import private_name
from pgmig_tui.review.maintain_facts import LastReview, Section
from pgmig_tui.run.journal import private

if TYPE_CHECKING:
    from pgmig_tui.database.identity import ServerIdentity
    from pgmig_tui.project.environments import Environment

_LONGEST = 64 * 1024 * 1024
_DRILLS = 200


@dataclass(frozen=True, slots=True)
class Reviewed:
    """A section that somebody has gone through: the names of its findings then, and of what could not be looked at."""

    at: str
    by: str
    role: str
    names: frozenset[str]
    unseen: frozenset[str]


@dataclass(frozen=True, slots=True)
class Drill:
    """A recovery drill: a backup restored into a server of our own. `at` is UTC; `restore_s` is the recovery time that
    was measured; `state` that of the proof."""

    at: str
    by: str
    path: str
    state: str
    summary: str
    restore_s: float
    seconds: float
    backup_at: str


def folder_of(environment: Environment, identity: ServerIdentity, state_dir: Path) -> Path:
    """By system identifier and database; where a role may not read the first, by the target's address."""
    system = identity.system_identifier
    if system is None:
        system = f"at-{hashlib.sha256(environment.target.display.encode()).hexdigest()[:16]}"
    return state_dir / "maintain" / private_name(f"{system}-{identity.database}")


def read_reviews(folder: Path) -> dict[str, Reviewed]:
    """By section; nothing where nothing was kept, or what is there isn't what we would have written."""
    found: dict[str, Reviewed] = {}
    for name, one in _read(folder / "reviewed.json").items():
        with contextlib.suppress(KeyError, TypeError, ValueError):
            datetime.fromisoformat(str(one["at"]))
            names, hidden = (frozenset(map(str, one[key])) for key in ("names", "unseen"))
            found[name] = Reviewed(str(one["at"]), str(one["by"]), str(one["role"]), names, hidden)
    return found


def keep_review(folder: Path, sections: Sequence[Section], by: str, role: str) -> None:
    """Say that `by` has gone through these, as they are now. Raises OSError."""
    at = words.iso(datetime.now(UTC))
    document: dict[str, Any] = dict(_read(folder / "reviewed.json"))
    for one in sections:
        names = sorted(each.name for each in one.findings if each.state == "WARN")
        hidden = sorted(each.name for each in one.findings if each.state == "UNKNOWN")
        if not one.findings and one.state == "UNKNOWN":
            continue  # nothing of it was seen
        document[one.name] = {"at": at, "by": by, "role": role, "names": names, "unseen": hidden}
    private.replace(folder / "reviewed.json", json.dumps(document, indent=1) + "\n")


def compared(section: Section, before: Reviewed | None) -> Section:
    """The section with what has changed since it was reviewed, as far as both times the same could be seen."""
    if before is None:
        return section
    last = LastReview(before.at, before.by, before.role)
    if section.state == "UNKNOWN" and not section.findings:
        return replace(section, last_review=last)
    hidden = {one.name for one in section.findings if one.state == "UNKNOWN"}
    sees_more, sees_less = before.unseen - hidden, hidden - before.unseen
    findings = tuple(
        replace(one, new=None if sees_more and one.name not in before.names else one.name not in before.names)
        if one.state == "WARN"
        else one
        for one in section.findings
    )
    here = {one.name for one in findings}
    gone = () if sees_less else tuple(sorted(before.names - here))
    return replace(section, findings=findings, gone=gone, last_review=last)


def read_drills(folder: Path) -> tuple[Drill, ...]:
    """The newest first."""
    found = []
    for one in _read(folder / "drills.json").get("drills", []):
        with contextlib.suppress(TypeError, ValueError, KeyError):
            drill = Drill(**one)
            datetime.fromisoformat(drill.at)
            if isinstance(drill.restore_s, int | float) and isinstance(drill.summary, str):
                found.append(drill)
    return tuple(sorted(found, key=lambda one: one.at, reverse=True))


def keep_drill(folder: Path, drill: Drill) -> None:
    """Raises OSError."""
    rows = [asdict(one) for one in (drill, *read_drills(folder))][:_DRILLS]
    private.replace(folder / "drills.json", json.dumps({"drills": rows}, indent=1) + "\n")


def _read(path: Path) -> Mapping[str, Any]:
    with contextlib.suppress(OSError, ValueError, RecursionError), path.open(encoding="utf-8") as file:
        found = json.loads(file.read(_LONGEST))
        if isinstance(found, dict):
            return found
    return {}
