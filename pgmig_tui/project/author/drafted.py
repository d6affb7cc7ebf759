"""Drafts of changes made into scripts with their heads, and planned together: all of them, or none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from pgmig_tui.project.author.changes import Prepared, prepare_scripts
from pgmig_tui.project.author.edits import PlannedChange, this_moment
from pgmig_tui.project.author.numbering import allot, described
from pgmig_tui.project.author.patterns.draft import ChangeDraft, in_comment
from pgmig_tui.project.lint_settings import DEFAULT_NAME, lint_settings
from pgmig_tui.project.project import Project

_HEADS = {"deploy": "Deploy {} to pg", "revert": "Revert {} from pg", "verify": "Verify {} on pg"}


@dataclass(frozen=True, slots=True)
class NewChange:
    """A change as it will be written: `scripts` are the bytes by deploy, revert and verify."""

    wanted: PlannedChange
    scripts: Mapping[str, bytes]

    @property
    def name(self) -> str:
        return self.wanted.name


def names_for(project: Project, drafts: Sequence[ChangeDraft], day: date, description: str = "") -> tuple[str, ...]:
    """A name for each, by the form that pgmig.toml says. `description` stands instead of the first one's own, and
    before what the others add to it. Raises ProjectError."""
    form = lint_settings(project.root).name
    first = drafts[0].words
    said = []
    for draft in drafts:
        own = draft.words[len(first) :] if draft.words[: len(first)] == first else draft.words
        said.append(described(description, *(own if draft is not drafts[0] else ())) if description else "")
    descriptions = [one or described(*draft.words) or "change" for one, draft in zip(said, drafts, strict=True)]
    return allot(DEFAULT_NAME if form is None else form, day, taken(project), descriptions)


def taken(project: Project) -> frozenset[str]:
    """The names of changes: those of the plan, and those of scripts that no plan knows."""
    ending = f".{project.layout.extension}"
    folder: Path = project.layout.deploy_dir
    found = {path.name.removesuffix(ending) for path in folder.glob(f"*{ending}")} if folder.is_dir() else set()
    return frozenset(found | {change.name for change in project.plan.changes})


def new_changes(
    project: Project,
    drafts: Sequence[ChangeDraft],
    names: Sequence[str],
    *,
    note: str,
    requires: Sequence[Sequence[str]],
    conflicts: Sequence[str] = (),
) -> tuple[NewChange, ...]:
    """The drafts with their names, notes and dependencies; each requires the one before it as well."""
    moment, total = this_moment(), len(drafts)
    found: list[NewChange] = []
    for number, (draft, name, needs) in enumerate(zip(drafts, names, requires, strict=True), 1):
        own = note if total == 1 else f"{note} ({number}/{total}: {draft.what})"
        all_needs = tuple(dict.fromkeys((*needs, *(one.name for one in found[-1:]))))
        wanted = PlannedChange(
            name, str(project.operator), moment, own, all_needs, tuple(conflicts) if number == 1 else ()
        )
        found.append(NewChange(wanted, _scripts(project.plan.project, draft, wanted, note, (number, total))))
    return tuple(found)


def _scripts(
    project_name: str, draft: ChangeDraft, wanted: PlannedChange, note: str, step: tuple[int, int]
) -> dict[str, bytes]:
    number, total = step
    why = [f"-- Why: {in_comment(one)}" for one in note.splitlines() if one.strip()]
    if total > 1:
        why.append(f"-- Step {number} of {total}: {in_comment(draft.what)}.")
    needs = [f"-- requires: {one}" for one in wanted.requires] + [f"-- conflicts: {one}" for one in wanted.conflicts]
    more = [f"-- Before it: {in_comment(draft.before)}"] if draft.before else []
    locks, back = in_comment(draft.locks), in_comment(draft.back)
    fails = "while a row is to be done" if draft.rows else "where the change is absent"
    heads = {
        "deploy": [*needs, "", *why, *more, f"-- Locks: {locks}", f"-- Way back: {back}"],
        "revert": ["", *why, f"-- What it does: {back}"],
        "verify": [
            "",
            *why,
            f"-- It fails {fails}.",
        ],
    }
    bodies = {"deploy": draft.deploy, "revert": draft.revert, "verify": draft.verify}
    return {
        kind: "\n".join((f"-- {head.format(f'{project_name}:{wanted.name}')}", *heads[kind], "", bodies[kind])).encode()
        for kind, head in _HEADS.items()
    }


def prepare_new(project: Project, changes: Sequence[NewChange]) -> Prepared:
    """What writes the changes into the plan and the script folders. Raises ProjectError as `add_change` does."""
    return prepare_scripts(project, *((one.wanted, one.scripts) for one in changes))
