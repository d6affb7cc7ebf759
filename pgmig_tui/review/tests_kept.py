"""Results of tests and rehearsals, kept for whoever reviews, and read again beside the scripts as they are now."""

from __future__ import annotations

import contextlib
import hashlib
import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pgmig_tui.display import words
from pgmig_tui.errors import PgmigError
from pgmig_tui.gates.impacts import EarlierTest, Inspected
from pgmig_tui.rehearse.tested import STEPS
from pgmig_tui.run.journal.entry import utc
from pgmig_tui.run.journal.tested import KeptStanding, KeptTest, kept_tests, note_tests, standing_of

if TYPE_CHECKING:
    from pgmig_tui.project.changes import Change
    from pgmig_tui.project.project import Project
    from pgmig_tui.rehearse.measured import Rehearsal
    from pgmig_tui.rehearse.tested import ChangeTests

_EACH = 5
"""So many changes have a line each."""
_KINDS: tuple[Literal["deploy", "revert", "verify"], ...] = ("deploy", "revert", "verify")


def script_hashes(project: Project, change: Change) -> dict[str, str]:
    """SHA-256 of the scripts of a change that can be read, by their kind."""
    found: dict[str, str] = {}
    for kind in _KINDS:
        with contextlib.suppress(OSError, PgmigError):
            path = project.script_path(change, kind)
            found[kind] = hashlib.sha256(project.inside.read(path)).hexdigest()
    return found


def keep_tests(project: Project, found: ChangeTests, state_dir: Path) -> None:
    """Keep what a test found of each change that was tested. Without room nothing is kept."""
    at = utc(time.time())
    rows = []
    for one in found.changes:
        if one.not_tested:
            continue
        failed = [STEPS[step.name] for step in one.steps if step.outcome == "failed"]
        rows.append(
            KeptTest(
                at, "test", one.change, one.change_id, found.where, "passed" if one.ok else "failed", one.hashes,
                failed[0] if failed else "", any(table.rows for table in one.data.filled),
            )
        )  # fmt: skip
    with contextlib.suppress(OSError):
        note_tests(state_dir, rows)


def keep_rehearsal(project: Project, found: Rehearsal, state_dir: Path) -> None:
    """Keep how each change came through a rehearsal that came to its end, or failed at it."""
    at = utc(time.time())
    wrong: dict[str, str] = {one.change: f"another schema after the {one.when}" for one in found.schema_differences}
    for script in found.scripts:
        if script.verified is False:
            wrong[script.change] = "verify"
        if not script.ok:
            wrong[script.change] = "deploy again" if script.action == "redeploy" else script.action
    ended = {one.change_id for one in found.scripts if one.action == "redeploy"}
    rows = []
    for one in found.deployed:
        change = project.plan.by_id.get(one.change_id)
        if change is None or (one.change_id not in ended and one.change not in wrong):
            continue
        told = wrong.get(one.change, "")
        rows.append(
            KeptTest(
                at, "rehearse", one.change, one.change_id, f"{found.where}, as {found.environment}",
                "failed" if told else "passed", script_hashes(project, change), told,
            )
        )  # fmt: skip
    with contextlib.suppress(OSError):
        note_tests(state_dir, rows)


def standings(project: Project, changes: Iterable[Change], state_dir: Path) -> dict[str, KeptStanding]:
    """What is kept of these changes, by change ID."""
    kept = kept_tests(state_dir)
    found = {}
    for change in changes:
        if (one := kept.get(change.change_id)) is not None:
            standing = standing_of(one, script_hashes(project, change))
            if standing is not None:
                found[change.change_id] = standing
    return found


def told_of(project: Project, changes: Sequence[Change], state_dir: Path) -> list[tuple[str, bool]]:
    """What is kept of these changes in lines, each with whether it is good: one a change, or one of many together."""
    found = standings(project, changes, state_dir)
    if not found:
        return []
    if len(changes) <= _EACH:
        return [
            (f"{change.name}: {one.line}", one.good)
            for change in changes
            if (one := found.get(change.change_id)) is not None
        ]
    good = sum(one.good for one in found.values())
    parts = [f"{good} of {len(changes)} changes passed their test with these scripts"]
    others = [one for one in found.values() if not one.good]
    failed = [one.kept.change for one in others if one.kept.outcome == "failed" and not one.changed]
    stale = [one.kept.change for one in others if one.changed]
    parts += [f"failed: {words.listing(failed)}"] * bool(failed)
    parts += [f"changed since: {words.listing(stale)}"] * bool(stale)
    parts += [f"{len(changes) - len(found)} not tested"] * (len(found) < len(changes))
    return [("; ".join(parts), good == len(changes))]


def with_tests(project: Project, found: Iterable[Inspected], state_dir: Path) -> list[Inspected]:
    """The same with what is kept of the change that each script is of."""
    told = list(found)
    if not kept_tests(state_dir):
        return told
    paths = {project.relative(project.script_path(change, kind)): change
             for change in project.plan.changes for kind in ("deploy", "revert")}  # fmt: skip
    wanted = {one.impact.path: paths[one.impact.path] for one in told if one.change and one.impact.path in paths}
    known = standings(project, wanted.values(), state_dir)

    def tested(one: Inspected) -> EarlierTest | None:
        standing = known.get(wanted[one.impact.path].change_id) if one.impact.path in wanted else None
        return None if standing is None else EarlierTest(standing.line, standing.to_json(), standing.good)

    return [replace(one, tested=tested(one)) for one in told]
