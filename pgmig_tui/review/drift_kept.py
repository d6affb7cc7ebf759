"""What the last look at the drift of an environment found, kept with its time: a mark that says when it was looked at.

Nothing here ever says that there is no drift where nobody has looked, or where something was deployed since.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from pgmig_tui.database.connect import application_name, connect
from pgmig_tui.database.registry import read_state
from pgmig_tui.display import words
from pgmig_tui.display.cells import Line
from pgmig_tui.display.safe import safe
from pgmig_tui.project.ids import digest_of_all
from pgmig_tui.review.drift import Drift, ToldDrift, from_plan, told
from pgmig_tui.run.journal import private

if TYPE_CHECKING:
    from pgmig_tui.project.environments import Environment
    from pgmig_tui.project.project import Project

MOST = 500
"""Differences that are kept; how many there were is kept besides."""


@dataclass(frozen=True, slots=True)
class KeptDifference:
    """An object that differs: what it is, how, who has accepted it ("" = nobody), and the lines that tell more."""

    object: str
    how: str
    accepted: str
    more: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class KnownDrift:
    """What was found at `at` (UTC, ISO 8601) while the changes behind `deployed` were deployed. `open` counts what
    nobody has accepted."""

    at: str
    deployed: str
    open: int
    compared: int
    ms: float
    differences: tuple[KeptDifference, ...] = ()
    notes: tuple[str, ...] = ()


def look(
    project: Project,
    environment: Environment,
    *,
    state_dir: Path,
    say: Callable[[str], None],
    variables: Mapping[str, str] | None = None,
) -> tuple[Drift, KnownDrift]:
    """Compare an environment with its plan, and keep what was found. Raises as `drift.from_plan`."""
    with connect(environment.target, application_name=application_name("drift", "state")) as connection:
        state = read_state(connection, environment.target.registry, project.plan.project)
    deployed = digest_of_all(one.change_id for one in state.deployed if one.change_id in project.plan.by_id)
    found = from_plan(project, environment, state_dir=state_dir, say=say, variables=variables)
    known = of(found, deployed)
    with contextlib.suppress(OSError):
        keep(state_dir, project.plan.project, environment.name, known)
    return found, known


def of(found: Drift, deployed: str) -> KnownDrift:
    """What is kept of a drift."""
    differences = tuple(_kept(one) for one in islice(told(found), MOST))
    at = words.iso(datetime.now(UTC))
    return KnownDrift(at, deployed, len(found.open), found.compared, found.ms, differences, found.notes)


def _kept(one: ToldDrift) -> KeptDifference:
    how = safe(one.how)
    more = ([one.overdue] if one.overdue else []) + [f"{sign} {text}" for sign, text in one.changed]
    return KeptDifference(
        safe(one.object), how, how if one.accepted else "", tuple(safe(text).strip() for text in more)
    )


def keep(state_dir: Path, project: str, environment: str, known: KnownDrift) -> None:
    """Keep it in the place of what was known. Raises OSError."""
    text = json.dumps({"format": 1, "project": project, "environment": environment, "drift": asdict(known)})
    private.replace(_file(state_dir, project, environment), text)


def known_drift(state_dir: Path, project: str, environment: str) -> KnownDrift | None:
    """What was kept; None where nobody has looked, or where what is kept can't be read."""
    with contextlib.suppress(OSError, ValueError, TypeError, KeyError, AttributeError):
        told = json.loads(_file(state_dir, project, environment).read_text(encoding="utf-8"))["drift"]
        return _of_json(told)
    return None


def _of_json(told: Mapping[str, object]) -> KnownDrift:
    rows, notes = told["differences"], told["notes"]
    if not isinstance(rows, list) or not isinstance(notes, list):
        raise TypeError("no list")
    differences = tuple(
        KeptDifference(
            str(one["object"]), str(one["how"]), str(one["accepted"]), tuple(str(text) for text in one["more"])
        )
        for one in rows
    )
    datetime.fromisoformat(str(told["at"]))
    return KnownDrift(
        str(told["at"]), str(told["deployed"]), int(str(told["open"])), int(str(told["compared"])),
        float(str(told["ms"])), differences, tuple(str(text) for text in notes),
    )  # fmt: skip


def _file(state_dir: Path, project: str, environment: str) -> Path:
    named = sha256(f"{project}\0{environment}".encode()).hexdigest()[:24]
    return state_dir / "drift" / f"{named}.json"


def head(known: KnownDrift) -> Line:
    """What was found, in a sentence."""
    accepted = sum(bool(one.accepted) for one in known.differences)
    more = f", {accepted} accepted" if accepted else ""
    if known.open:
        return ((f"x {known.open} of {known.compared} objects differ from the plan{more}", "failed"),)
    return ((f"+ no object of {known.compared} differs from the plan{more}", "done"),)
