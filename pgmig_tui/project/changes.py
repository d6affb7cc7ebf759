"""A plan as data: its changes and tags, and how a specification such as `HEAD^` or `users@v1` finds one of them.

Source: `sqitchchanges` manual page; lookups as observed on Sqitch 1.3.1.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Protocol, TypeVar

from pgmig_tui.display.closest import did_you_mean
from pgmig_tui.errors import ProjectError
from pgmig_tui.project.ids import IdMaker
from pgmig_tui.project.names import Dependency, is_id

_SEE_PLAN = "See `pgmig-tui plan` for the changes."


@dataclass(frozen=True, slots=True)
class Tag:
    """A tag of a change. `name` has no "@"; `planned_at` is UTC, written 2024-01-02T03:04:05Z."""

    name: str
    tag_id: str
    change_id: str
    planned_at: str
    planner_name: str
    planner_email: str
    note: str
    line: int


@dataclass(frozen=True, slots=True)
class Change:
    """One change of a plan.

    `index` counts from 0 in file order; `planned_at` is UTC, written 2024-01-02T03:04:05Z; `note` is unescaped;
    `operator` ("+", "-" or "") has no effect; `superseded_by` is the index of the next instance of the same name (a
    rework), None for the last instance.
    """

    name: str
    change_id: str
    parent_id: str | None
    index: int
    operator: str
    planned_at: str
    planner_name: str
    planner_email: str
    note: str
    requires: tuple[Dependency, ...]
    conflicts: tuple[Dependency, ...]
    tags: tuple[Tag, ...]
    line: int
    superseded_by: int | None


@dataclass(frozen=True, slots=True)
class PlanProblem:
    """One thing wrong in a plan file. `line` and `column` count from 1; line 0 means the file as a whole."""

    path: Path
    line: int
    column: int
    message: str
    expected: str = ""

    def __str__(self) -> str:
        where = f"{self.path}:{self.line}:{self.column}" if self.line else str(self.path)
        return f"{where}: {self.message}" + (f" (expected: {self.expected})" if self.expected else "")


class DeployedLike(Protocol):
    """What a lookup needs of a change in the registry. `tags` with or without "@"."""

    @property
    def change_id(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def tags(self) -> Sequence[str]: ...


Deployed = TypeVar("Deployed", bound=DeployedLike)

_OFFSET = re.compile(r"(?<![-!\"#$%&'()*+,./:;<=>?@\[\\\]^`{|}~])([~^])(?:(\1)|(\d+))?\Z")


@dataclass(frozen=True)
class Plan:
    """A plan file that was read without an error.

    `uri` is `%uri` as it stands in `projects.uri`, None without one. `warnings` are things that Sqitch accepts here and
    that make a later deploy fail.
    """

    project: str
    uri: str | None
    pragmas: tuple[tuple[str, str], ...]
    changes: tuple[Change, ...]
    path: Path
    warnings: tuple[PlanProblem, ...] = ()

    @cached_property
    def by_id(self) -> Mapping[str, Change]:
        """Changes by change ID."""
        return {change.change_id: change for change in self.changes}

    @cached_property
    def id_maker(self) -> IdMaker:
        """Makes the texts of which the IDs of this plan's changes and tags are made."""
        return IdMaker(self.project, None if self.uri == "0" else self.uri)  # "0" is false in Perl

    @cached_property
    def tags(self) -> tuple[Tag, ...]:
        """All tags in file order."""
        return tuple(tag for change in self.changes for tag in change.tags)

    @cached_property
    def _tag_index(self) -> Mapping[str, int]:
        found = {tag.name: change.index for change in self.changes for tag in change.tags}
        if self.changes:
            found |= {"HEAD": len(self.changes) - 1, "ROOT": 0}
        return found

    @cached_property
    def _instances(self) -> Mapping[str, Sequence[int]]:
        found: dict[str, list[int]] = {}
        for change in self.changes:
            found.setdefault(change.name, []).append(change.index)
            found[change.change_id] = [change.index]
            for tag in change.tags:
                found[tag.tag_id] = [change.index]
        if self.changes:
            found["HEAD"], found["ROOT"] = [len(self.changes) - 1], [0]
        return found

    def find(self, spec: str) -> Change:
        """Return the change that `spec` names, as Sqitch's plan lookup does.

        A spec is a change, `change@tag`, `@tag`, HEAD, ROOT, a full change or tag ID, with `^`, `^^`, `^N` (earlier) or
        `~`, `~~`, `~N` (later) behind it. Raises ProjectError when nothing is found, or more than one instance.
        """
        key, offset = split_offset(spec)
        index = self._index(key)
        if index is not None and 0 <= index + offset < len(self.changes):
            return self.changes[index + offset]
        name = self.path.name
        raise ProjectError(f'Unknown change: "{spec}" is not in {name}', do=self._meant(spec))

    def _meant(self, spec: str) -> str:
        told = did_you_mean(spec, self.names())
        return f"{told} {_SEE_PLAN}" if told else _SEE_PLAN

    def names(self) -> list[str]:
        """Return what names a change: the changes' names, newest first, and the tags with their @."""
        return [
            name
            for change in reversed(self.changes)
            for name in (*(f"@{tag.name}" for tag in change.tags), change.name)
        ]

    def contains(self, spec: str) -> bool:
        """True when `spec` names a change; of a name with several instances the first counts."""
        key, offset = split_offset(spec)
        try:
            index = self._index(key, first=True)
        except ProjectError:
            return False
        return index is not None and 0 <= index + offset < len(self.changes)

    def resolve(self, dependency: Dependency) -> Change | None:
        """Return the change of this plan that `dependency` means; None for other projects and unknown changes.

        A plain name means the *first* instance of that name, even if reworked ones precede the dependent change.
        """
        if dependency.project is not None:
            return None
        try:
            index = self._index(dependency.key, first=True)
        except ProjectError:
            return None
        return None if index is None else self.changes[index]

    def rework_tags(self, change: Change) -> tuple[Tag, ...]:
        """Return the tags that may stand in the file name of a superseded `change`, the likeliest first.

        Back from the change before the next instance to `change` itself; several tags of a change in file order.
        """
        if change.superseded_by is None:
            return ()
        between = range(change.superseded_by - 1, change.index - 1, -1)
        return tuple(tag for index in between for tag in self.changes[index].tags)

    def qualified_name(self, change: Change) -> str:
        """Return a name that finds `change` alone: `change@tag`, or `change@HEAD` after the last tag."""
        tags = change.tags or self.rework_tags(change)
        return f"{change.name}@{tags[0].name if tags else 'HEAD'}"

    def _index(self, key: str, *, first: bool = False) -> int | None:
        name, at, tag = key.partition("@")
        if not name:
            return self._tag_index.get(tag)
        instances = self._instances.get(name)
        if not instances:
            return None
        if at:
            tagged = self._tag_index.get(tag)
            if tagged is None:
                raise ProjectError(f'Unknown tag "@{tag}" in {self.path.name}')
            return next((index for index in reversed(instances) if index <= tagged), None)
        if first or len(instances) == 1:
            return instances[0]
        choices = (self.qualified_name(self.changes[index]) for index in reversed(instances))
        raise _ambiguous(key, choices)


def split_offset(spec: str) -> tuple[str, int]:
    """Split `HEAD^2` into `HEAD` and -2: `^` counts back, `~` forward; no suffix gives 0."""
    found = _OFFSET.search(spec)
    if not found:
        return spec, 0
    steps = int(found[3]) if found[3] else 2 if found[2] else 1
    return spec[: found.start()], -steps if found[1] == "^" else steps


def find_deployed(spec: str, deployed: Sequence[Deployed], plan: Plan) -> Deployed:
    """Return the deployed change that `spec` names, as Sqitch's registry lookup does (`revert --to`, `verify --from`).

    `deployed` are the project's rows of the registry in order of `committed_at`. `^` and `~` count deployed changes;
    an ID must be a change's, not a tag's. Raises ProjectError: not deployed, unknown, or several instances.
    """
    key, offset = split_offset(spec)
    index = _deployed_index(key, deployed, plan)
    if index is not None and 0 <= index + offset < len(deployed):
        return deployed[index + offset]
    if plan.contains(spec):
        raise ProjectError(f'Change not deployed: "{spec}"')
    raise ProjectError(f'Unknown change: "{spec}"')


def _deployed_index(key: str, deployed: Sequence[Deployed], plan: Plan) -> int | None:
    last = len(deployed) - 1
    name, _, tag = key.partition("@")
    if not tag and name in ("HEAD", "ROOT"):
        name, tag = "", name
    if not name and not tag:
        return None
    if not tag and is_id(name):
        return next((index for index, change in enumerate(deployed) if change.change_id == name), None)
    if tag == "ROOT":
        return 0 if not name and deployed else None
    tagged = last if tag == "HEAD" else _deployed_tag(tag, deployed) if tag else last
    if not name:
        return tagged if deployed else None
    if tagged is None:
        return None
    instances = [index for index in range(tagged + 1) if deployed[index].name == name]
    if tag or len(instances) <= 1:
        return instances[-1] if instances else None
    raise _ambiguous(name, (_deployed_name(deployed[index], plan) for index in reversed(instances)))


def _deployed_tag(tag: str, deployed: Sequence[DeployedLike]) -> int | None:
    return next(
        (i for i, change in enumerate(deployed) if any(tag == name.removeprefix("@") for name in change.tags)), None
    )


def _deployed_name(change: DeployedLike, plan: Plan) -> str:
    if planned := plan.by_id.get(change.change_id):
        return plan.qualified_name(planned)
    return f"{change.name}@{change.tags[0].removeprefix('@')}" if change.tags else change.change_id


def _ambiguous(name: str, choices: Iterable[str]) -> ProjectError:
    return ProjectError(
        f'Change "{name}" is ambiguous',
        do="Please specify a tag-qualified change.",
        details=[f"  * {choice}" for choice in choices],
    )
