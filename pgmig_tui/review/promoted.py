"""Asking the environment that changes come from, before they go further, and comparing scripts that differ.

What was deployed there is known by its hash. Its bytes are only where a run of this account has kept them; without them
nobody can tell what the difference is.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pgmig_tui.database.checks import CheckResult
from pgmig_tui.database.source import SourceFacts, ask_source
from pgmig_tui.errors import PgmigError
from pgmig_tui.gates.promotion import Promoted, ScriptDifference, differing, results, without_changes
from pgmig_tui.run.journal.frozen import RecordedFiles
from pgmig_tui.run.journal.listing import folders
from pgmig_tui.run.journal.run_plan import NO_VERIFY_SCRIPT, RunPlan
from pgmig_tui.run.planning.reading import included_digests

if TYPE_CHECKING:
    from pgmig_tui.gates.impacts import Reading
    from pgmig_tui.project.changes import Change
    from pgmig_tui.project.environments import Environment
    from pgmig_tui.project.project import Project

Scripts = Mapping[str, tuple[str, Callable[[], bytes]]]
"""By change ID, the name of a deploy script and what reads it."""

_RUNS = 200
"""So many of this account's newest runs are looked through for a script."""


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where the changes of a run come from, what is known of them there, and how scripts differ from those of there."""

    changes: tuple[Promoted, ...]
    facts: SourceFacts
    differences: Mapping[str, ScriptDifference]


def promoted(plan: RunPlan) -> tuple[Promoted, ...]:
    """The changes that a run deploys."""
    return tuple(
        Promoted(
            one.change_id,
            one.change,
            one.script_hash,
            one.verify_reason != NO_VERIFY_SCRIPT,
            one.hashes.get("deploy_included", ""),
        )
        for one in plan.steps
        if one.action == "deploy"
    )


def provenance(plan: RunPlan, environment: Environment) -> Provenance | None:
    """Ask the environment that this one's policy promotes from; None where it names none. Never raises for a server."""
    source = environment.source
    if source is None:
        return None
    if plan.command == "backfill":
        what = tuple(Promoted("", one.change, None) for one in plan.steps)
        return Provenance(what, SourceFacts(source.name, "a backfill is no change that it has a record of"), {})
    changes = promoted(plan)
    if not changes:
        return Provenance((), SourceFacts(source.name), {})
    here = (plan.server.system_identifier, plan.server.database)
    names = {one.change_id: one.script for one in plan.steps if one.script is not None}
    files = RecordedFiles.of(plan)
    scripts = {key: (name, lambda name=name: files.script(name)) for key, name in names.items()}
    return asked_of(source, plan.project, changes, here, scripts, plan.folder.parent.parent)


def pending_provenance(
    project: Project,
    environment: Environment,
    changes: Sequence[Change],
    here: tuple[str | None, str],
    state_dir: Path,
    how: Reading,
) -> Provenance | None:
    """The same of changes that nobody has planned a run of yet, as their scripts lie on disk; `how` they are read."""
    source = environment.source
    if source is None:
        return None
    if not changes:
        return Provenance((), SourceFacts(source.name), {})
    found = tuple(
        Promoted(
            one.change_id,
            one.name,
            project.script_hash(one),
            project.script_path(one, "verify").exists(),
            _included(project, one, how),
        )
        for one in changes
    )
    paths = {one.change_id: project.script_path(one, "deploy") for one in changes}
    scripts = {key: (path.name, lambda path=path: project.inside.read(path)) for key, path in paths.items()}
    return asked_of(source, project.plan.project, found, here, scripts, state_dir)


def _included(project: Project, change: Change, how: Reading) -> str:
    path = project.script_path(change, "deploy")
    try:
        script = project.relative(path), project.inside.read(path)
    except (OSError, PgmigError):
        return ""  # its bytes are compared first
    found = included_digests({"deploy": script}, how.files, how.variables, how.allow, how.server)
    return found.get("deploy_included", "")


def asked_of(
    source: Environment,
    project: str,
    changes: tuple[Promoted, ...],
    here: tuple[str | None, str],
    scripts: Scripts,
    state_dir: Path,
) -> Provenance:
    """Ask an environment about changes; `scripts` are theirs of now, read only where the bytes of there differ."""
    facts = ask_source(source, project, [(one.change_id, one.name) for one in changes], here)
    return Provenance(changes, facts, _differences(changes, facts, scripts, state_dir))


def provenance_results(environment: Environment, found: Provenance | None) -> tuple[CheckResult, ...]:
    """The results of all items that ask where changes come from."""
    if found is None:
        return ()
    if not found.changes:
        return without_changes(environment.policy.soak_ms)
    return results(found.changes, found.facts, environment.policy.soak_ms, found.differences)


def _differences(
    changes: Sequence[Promoted], facts: SourceFacts, scripts: Scripts, state_dir: Path
) -> dict[str, ScriptDifference]:
    others = differing(changes, facts)
    if not others:
        return {}
    from pgmig_tui.script.meaning import difference, meaning_hash

    kept = _kept(state_dir, facts.name, {one.script_hash or "" for one in others})
    found = {}
    for one in others:
        name, read = scripts.get(one.change_id, ("", None))
        before = kept.get(one.script_hash or "")
        there = one.meaning or ("" if before is None else meaning_hash(name, before))
        if read is None or not there:
            found[one.change_id] = ScriptDifference(None)
            continue
        here = read()
        lines = () if before is None else tuple(difference(before, here))
        found[one.change_id] = ScriptDifference(meaning_hash(name, here) == there, lines)
    return found


def _kept(state_dir: Path, environment: str, hashes: set[str]) -> dict[str, bytes]:
    """Scripts with these hashes that runs of this account on an environment have kept."""
    found: dict[str, bytes] = {}
    for folder in sorted(folders(state_dir), reverse=True)[:_RUNS]:
        if hashes <= found.keys():
            break
        with contextlib.suppress(OSError, ValueError, TypeError, KeyError):
            plan = RunPlan.load(folder)
            if plan.environment != environment:
                continue
            files = RecordedFiles.of(plan)
            for step in plan.steps:
                if step.script is not None and step.action == "deploy" and step.script_hash in hashes:
                    found[step.script_hash] = files.script(step.script)
    return found
