"""Where an author's command writes: plans and script folders, by the targets that its arguments name.

Source: Sqitch 1.3.1, `sqitch-add` and `sqitch-configuration` manual pages; what an argument means as observed on the
program.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pgmig_tui.errors import ProjectError, UsageError
from pgmig_tui.project.author.plan_file import PlanFile
from pgmig_tui.project.project import Project
from pgmig_tui.project.targets import ProjectLayout, Target, resolve_target
from pgmig_tui.project.uris import ENGINES, is_uri
from pgmig_tui.script.regular import PLAN_BYTES, Inside, read_regular

_NOTHING = "Nothing was changed."


@dataclass(frozen=True, slots=True)
class Place:
    """A plan with its script folders, and the engine that its scripts are for."""

    engine: str
    layout: ProjectLayout


@dataclass(frozen=True, slots=True)
class ChosenPlaces:
    """The `places` that are written, each layout once; the arguments that name none; those that name one."""

    places: tuple[Place, ...]
    words: tuple[str, ...]
    named: tuple[str, ...]


def choose_places(project: Project, arguments: Sequence[str], command: str, *, every: bool) -> ChosenPlaces:
    """Sort arguments into targets (names, URIs, engines, plan files; environments as well) and others.

    Without a target it is the project's own place; `every`, or `[COMMAND] all` in sqitch.conf, means all of its
    targets. Raises UsageError for both.
    """
    words: list[str] = []
    named: list[str] = []
    targets: list[Target] = []
    for argument in arguments:
        name = project.names(argument)
        if name is None:
            words.append(argument)
        else:
            named.append(argument)
            targets.append(_target(project, name))
    if every and named:
        raise UsageError(
            "Cannot specify both --all and engine, target, or plan arguments.", now=_NOTHING, do="Say one of them."
        )
    if every or (not named and project.config.bool(f"{command}.all")):
        targets = list(_all_targets(project))
    places = [Place(one.engine, one.layout) for one in targets] or [Place("pg", project.layout)]
    return ChosenPlaces(tuple(dict.fromkeys(places)), tuple(words), tuple(named))


def plan_files(project: Project, places: Iterable[Place]) -> dict[Path, PlanFile]:
    """The plans of these places as they are now, by their paths. Raises ProjectError."""
    found: dict[Path, PlanFile] = {}
    for place in places:
        path = place.layout.plan_file
        if path not in found:
            found[path] = _read(project, path)
    return found


def inside_of(project: Project) -> Inside:
    """What opens and may write this project's files: its folder, and what the command line has named."""
    said = [project.root / one for one in (project.options.top_dir,) if one]
    if project.options.plan_file:
        said.append((project.root / project.options.plan_file).parent)
    return Inside(project.root, *said)


def _read(project: Project, path: Path) -> PlanFile:
    shown = Path(project.relative(path))
    try:
        read = read_regular(path, PLAN_BYTES) if project.options.plan_file else project.inside.read(path, PLAN_BYTES)
    except FileNotFoundError:
        raise ProjectError(
            f"Plan file {shown} does not exist.", now=_NOTHING, do="`pgmig-tui init NAME` begins a project."
        ) from None
    except OSError as error:
        raise ProjectError(f"Cannot open {shown}: {error.strerror}.", now=_NOTHING) from None
    return PlanFile.of(path, shown, read)


def _target(project: Project, name: str) -> Target:
    known = {environment.name: environment.target for environment in (*project.environments, *project.elsewhere)}
    if name in known:
        return known[name]
    return resolve_target(name, project.config, project.env, project.root, project.options)


def _all_targets(project: Project) -> Iterable[Target]:
    """The default target, those that sqitch.conf names, and those of engines; the first of each place counts."""
    engines = [name for name in project.config.subsections("engine") if name in ENGINES]
    names = [project.default_target, *project.config_targets()]
    names += [project.config.get(f"engine.{engine}.target") or f"db:{engine}:" for engine in engines]
    for name in dict.fromkeys(one for one in names if one):
        if is_uri(name) or project.config.get(f"target.{name}.uri"):
            yield _target(project, name)


def shown(project: Project, path: Path) -> str:
    """A path as a person sees it: from the project's folder, where it lies in it."""
    return os.path.normpath(project.relative(path))
