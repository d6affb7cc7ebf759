"""Changes added, tagged and reworked in a project: plan and scripts together, all or nothing.

What is to be written is prepared first, and can be looked at; `Prepared.write` writes it, where nothing has changed
since. `add_change` is the whole of it for whoever has the scripts already.

Source: Sqitch 1.3.1, `sqitch-add`, `sqitch-tag` and `sqitch-rework` manual pages; as observed on the program.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pgmig_tui.errors import ProjectError
from pgmig_tui.project.author.edits import PlannedChange, added, reworked, tagged, this_moment
from pgmig_tui.project.author.files import Write, write_all
from pgmig_tui.project.author.places import Place, inside_of, plan_files
from pgmig_tui.project.author.plan_file import PlanFile, dependency_list
from pgmig_tui.project.author.scripts import KINDS, SaidDependencies, TemplateChoice, script, script_file, templates
from pgmig_tui.project.changes import Change
from pgmig_tui.project.project import Project

_NOTHING = "Nothing was changed."


@dataclass(slots=True)
class Prepared:
    """What will be written. `said` are Sqitch's own sentences of it, for afterwards; paths are absolute."""

    project: Project
    scripts: list[Write] = field(default_factory=list)
    plans: list[Write] = field(default_factory=list)
    files: list[Path] = field(default_factory=list)
    """The scripts that a person looks at next, whether they were made or found."""
    skipped: list[Path] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    plan_file: PlanFile | None = None
    """The first of the plans as it will be."""

    def write(self) -> None:
        """Write scripts and plans. Raises ProjectError, and then nothing of it is there."""
        # Should the machine stop in between, a plan has all scripts that it names, and a change that isn't reworked yet
        # its own revert script.
        fresh = [one for one in self.scripts if one.before is None]
        others = [one for one in self.scripts if one.before is not None]
        write_all([*fresh, *self.plans, *others], inside_of(self.project), self.project.root)

    def _plan(self, before: PlanFile, after: PlanFile) -> None:
        self.plans.append(Write(before.path, after.data, before.data))
        self.plan_file = self.plan_file or after


def add_change(
    project: Project,
    name: str,
    scripts: Mapping[str, bytes],
    *,
    note: str,
    requires: Sequence[str] = (),
    conflicts: Sequence[str] = (),
    planned_at: str = "",
) -> Prepared:
    """Add a change with these scripts (by `deploy`, `revert`, `verify`) to the project's plan, and write them.

    `note` is unescaped, `planned_at` UTC, written 2024-01-02T03:04:05Z (default: now). Raises ProjectError where the
    plan can't have it or one of the scripts is there already; nothing is written then.
    """
    moment = planned_at or this_moment()
    wanted = PlannedChange(name, str(project.operator), moment, note, tuple(requires), tuple(conflicts))
    prepared = prepare_scripts(project, (wanted, scripts))
    prepared.write()
    return prepared


def prepare_scripts(project: Project, *changes: tuple[PlannedChange, Mapping[str, bytes]]) -> Prepared:
    """As `add_change` for changes one after the other, without writing: to look at what it would write, or to refuse a
    name while it is typed."""
    place = Place("pg", project.layout)
    before = after = plan_files(project, [place])[place.layout.plan_file]
    prepared = Prepared(project)
    added_to: list[str] = []
    for wanted, scripts in changes:
        after, change = added(after, wanted)
        added_to.append(f'Added "{label(change)}" to {before.shown}')
        for kind, data in scripts.items():
            path = script_file(place.layout, kind, wanted.name)
            prepared.scripts.append(Write(path, data))
            prepared.files.append(path)
            prepared.said.append(f"Created {project.relative(path)}")
    prepared._plan(before, after)
    prepared.said += added_to
    return prepared


def prepare_add(project: Project, places: Sequence[Place], wanted: PlannedChange, choice: TemplateChoice) -> Prepared:
    """A new change in each plan of these places, its scripts made of templates; a script that is there stays.

    Raises ProjectError for what the plan can't have, and for templates that are missing or can't be read.
    """
    prepared = Prepared(project)
    found = plan_files(project, places)
    changes: dict[Path, Change] = {}
    seen: set[Path] = set()
    more = SaidDependencies(wanted.requires, wanted.conflicts)
    for place in places:
        before = found[place.layout.plan_file]
        if before.path not in changes:
            after, changes[before.path] = added(before, wanted)
            prepared._plan(before, after)
        for kind, template in templates(project, choice, place).items():
            path = script_file(place.layout, kind, wanted.name)
            if path in seen:
                continue
            seen.add(path)
            prepared.files.append(path)
            if path.exists():
                prepared.skipped.append(path)
                prepared.said.append(f"Skipped {project.relative(path)}: already exists")
                continue
            data = script(template, before.plan.project, wanted.name, place, choice, more)
            prepared.scripts.append(Write(path, data))
            prepared.said.append(f"Created {project.relative(path)}")
    for path, change in changes.items():
        prepared.said.append(f'Added "{label(change)}" to {found[path].shown}')
    return prepared


def prepare_tag(
    project: Project,
    places: Sequence[Place],
    name: str,
    *,
    note: str,
    planned_at: str,
    change: str | None = None,
) -> Prepared:
    """A tag in each plan of these places: of its last change, or the one that is named. Raises ProjectError."""
    prepared = Prepared(project)
    for before in plan_files(project, places).values():
        after, tag, of = tagged(before, name, str(project.operator), planned_at, note, change)
        prepared._plan(before, after)
        prepared.said.append(f'Tagged "{of.name}" with @{tag.name} in {before.shown}')
    return prepared


def prepare_rework(project: Project, places: Sequence[Place], wanted: PlannedChange) -> Prepared:
    """Another instance of a change in each plan of these places: the scripts it has are copied under the tag's name,
    and its revert script becomes a copy of the deploy script so far. Raises ProjectError."""
    prepared = Prepared(project)
    found = plan_files(project, places)
    tags: dict[Path, str] = {}
    seen: set[Path] = set()
    for place in places:
        before = found[place.layout.plan_file]
        if before.path not in tags:
            after, change, _, tag = reworked(before, wanted)
            tags[before.path] = tag.name
            prepared._plan(before, after)
            prepared.said.append(f'Added "{label(change)}" to {before.shown}.')
        _copy(prepared, place, wanted.name, tags[before.path], seen)
    prepared.said.append(f"Modify {'this file' if len(prepared.files) == 1 else 'these files'} as appropriate:")
    prepared.said += [f"  * {project.relative(path)}" for path in prepared.files]
    return prepared


def _copy(prepared: Prepared, place: Place, name: str, tag: str, seen: set[Path]) -> None:
    project, layout = prepared.project, place.layout
    reworked_dirs = (layout.reworked_deploy_dir, layout.reworked_revert_dir, layout.reworked_verify_dir)
    read: dict[str, bytes | None] = {}
    copies = dict(zip(KINDS, (folder / f"{name}@{tag}.{layout.extension}" for folder in reworked_dirs), strict=True))
    for kind, copy in copies.items():
        path = script_file(layout, kind, name)
        data = read[kind] = _read(project, path)
        if data is None or path in seen:
            continue
        seen.add(path)
        prepared.files.append(path)
        there = _read(project, copy)
        if there is None:
            prepared.scripts.append(Write(copy, data, mode_of=path))
        elif there != data:
            raise ProjectError(
                f"{project.relative(copy)} is there already, and isn't what {project.relative(path)} is.",
                now=_NOTHING,
                do="It would be overwritten: move it away, and try again.",
            )
    revert = script_file(layout, "revert", name)
    if copies["revert"] in seen or (read["revert"] is None and _read(project, copies["revert"]) is None):
        return
    seen.add(copies["revert"])
    if (deploy := read["deploy"]) is None:
        raise ProjectError(
            f"{project.relative(script_file(layout, 'deploy', name))} does not exist, and is what the new revert script"
            " would be a copy of.",
            now=_NOTHING,
            do="Bring it back, and try again.",
        )
    if read["revert"] != deploy:
        prepared.scripts.append(Write(revert, deploy, read["revert"]))


def _read(project: Project, path: Path) -> bytes | None:
    try:
        return inside_of(project).read(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise ProjectError(f"{project.relative(path)} can't be read: {error.strerror}.", now=_NOTHING) from None


def label(change: Change) -> str:
    """A change with its dependencies, as Sqitch says it."""
    listed = dependency_list(change.requires, change.conflicts)
    return f"{change.name} {listed}" if listed else change.name
