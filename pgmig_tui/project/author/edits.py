"""What is done to a plan: a change added, tagged, reworked. Pure: a plan file goes in, and comes out with more in it.

Source: Sqitch 1.3.1, `sqitch-add`, `sqitch-tag` and `sqitch-rework` manual pages; what is refused, and where a line
goes, as observed on the program.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from pgmig_tui.errors import ProjectError
from pgmig_tui.project.author.plan_file import NOTHING_CHANGED, PlanFile, dependency_list, item_line
from pgmig_tui.project.changes import Change, Plan, Tag
from pgmig_tui.project.names import Dependency, NameProblem, parse_dependency, plan_name_problem


@dataclass(frozen=True, slots=True)
class PlannedChange:
    """A change that is to be written. `requires` and `conflicts` as -r and -x have them; `planner` is "Name <mail>",
    `planned_at` UTC, written 2024-01-02T03:04:05Z; `note` is unescaped."""

    name: str
    planner: str
    planned_at: str
    note: str = ""
    requires: tuple[str, ...] = ()
    conflicts: tuple[str, ...] = ()


def this_moment() -> str:
    """Now, in UTC, as a plan writes it."""
    return f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"


def added(file: PlanFile, wanted: PlannedChange) -> tuple[PlanFile, Change]:
    """The plan with a new change at its end. Raises ProjectError where Sqitch refuses it, or couldn't read the plan
    again."""
    require_name(wanted.name, tag=False)
    if any(change.name == wanted.name for change in file.plan.changes):
        raise ProjectError(
            f'Change "{wanted.name}" already exists in plan {file.shown}.',
            now=NOTHING_CHANGED,
            do=f"`pgmig-tui rework {wanted.name}` copies its scripts, so that it can be changed once it is tagged.",
        )
    requires, conflicts = dependencies_of(file.plan, wanted)
    _require_known(file.plan, wanted.name, requires, "add")
    lines = file.lines()
    if file.plan.changes and file.plan.changes[-1].tags:
        lines.append("")
    return _appended(file, lines, wanted, requires, conflicts)


def reworked(file: PlanFile, wanted: PlannedChange) -> tuple[PlanFile, Change, Change, Tag]:
    """The plan with another instance of a change at its end; then the new instance, the one before, and the tag that
    the earlier one's scripts are named after. Raises ProjectError as `added` does."""
    earlier = next((change for change in reversed(file.plan.changes) if change.name == wanted.name), None)
    if earlier is None:
        raise ProjectError(
            f'Change "{wanted.name}" does not exist in {file.shown}.',
            now=NOTHING_CHANGED,
            do=f"`pgmig-tui add {wanted.name}` adds it to the plan.",
        )
    tagged = next((change for change in reversed(file.plan.changes) if change.tags), None)
    if tagged is None or tagged.index < earlier.index:
        raise ProjectError(
            f'Cannot rework "{wanted.name}" without an intervening tag.',
            now=NOTHING_CHANGED,
            do="`pgmig-tui tag NAME` makes one; then try again.",
        )
    requires, conflicts = dependencies_of(file.plan, wanted)
    before = parse_dependency(f"{wanted.name}@{tagged.tags[0].name}", file.plan.project)
    assert isinstance(before, Dependency)  # both names stand in the plan
    requires = (before, *requires)
    _require_known(file.plan, wanted.name, requires, "rework")
    after, change = _appended(file, file.lines(), wanted, requires, conflicts)
    return after, change, after.plan.changes[earlier.index], tagged.tags[0]


def tagged(
    file: PlanFile, name: str, planner: str, planned_at: str, note: str = "", change: str | None = None
) -> tuple[PlanFile, Tag, Change]:
    """The plan with a new tag (with or without its @) of its last change, or of the one that `change` names. Raises
    ProjectError as `added` does."""
    name = name.removeprefix("@")
    require_name(name, tag=True)
    if any(tag.name == name for tag in file.plan.tags):
        raise ProjectError(f'Tag "@{name}" already exists.', now=NOTHING_CHANGED, do="Choose another name.")
    if not change and not file.plan.changes:
        raise ProjectError(
            f'Cannot apply tag "@{name}" to a plan with no changes.', now=NOTHING_CHANGED, do="Add a change first."
        )
    found = file.plan.find(change) if change else file.plan.changes[-1]
    lines = file.lines()
    place = file.place(found.line) + 1 + len(found.tags)
    lines.insert(place, item_line(f"@{name}", "", planned_at, planner, note))
    after = file.edited(lines)
    of = after.plan.changes[found.index]
    made = next((tag for tag in of.tags if tag.name == name), None)
    if made is None:  # comments stand between the change and its tags, and another change comes before them
        raise ProjectError(
            f"In {file.shown}, @{name} would become a tag of another change than {found.name}.",
            now=NOTHING_CHANGED,
            do=f"Put the tags of {found.name} right behind its line, and try again.",
        )
    return after, made, of


def require_name(name: str, *, tag: bool) -> None:
    """Raises ProjectError for a name that no change, or no tag, may have."""
    if problem := plan_name_problem(name, tag=tag):
        raise ProjectError(
            f"{problem.message}.",
            now=NOTHING_CHANGED,
            do="Begin and end it with a letter, a digit or _; no blanks, @, :, # or \\ in it"
            + (", and no /." if tag else "."),
        )


def dependencies_of(plan: Plan, wanted: PlannedChange) -> tuple[tuple[Dependency, ...], tuple[Dependency, ...]]:
    """What is required, and what is in conflict. Raises ProjectError for what isn't a dependency."""
    requires = [replace(_dependency(plan, text, text), conflict=False) for text in dict.fromkeys(wanted.requires)]
    conflicts = [_dependency(plan, f"!{text}", text) for text in dict.fromkeys(wanted.conflicts)]
    return tuple(requires), tuple(conflicts)


def _dependency(plan: Plan, token: str, said: str) -> Dependency:
    found = parse_dependency(token, plan.project)
    if isinstance(found, NameProblem):
        raise ProjectError(
            f'"{said}" is not a valid dependency specification.',
            now=NOTHING_CHANGED,
            do="Say a change, change@tag, @tag or project:change.",
        )
    return found


def _require_known(plan: Plan, name: str, requires: Sequence[Dependency], action: str) -> None:
    """What is required of this project stands in the plan; conflicts are not looked up, as in Sqitch."""
    for one in requires:
        if one.project is not None:
            continue
        key = one.key if one.tag else f"{one.key}@HEAD"
        if not plan.contains(key):
            raise ProjectError(
                f'Cannot {action} change "{name}": requires unknown change "{one.key}".',
                now=NOTHING_CHANGED,
                do="`pgmig-tui plan` lists the changes; one of another project is said as project:change.",
            )


def _appended(
    file: PlanFile,
    lines: list[str],
    wanted: PlannedChange,
    requires: Sequence[Dependency],
    conflicts: Sequence[Dependency],
) -> tuple[PlanFile, Change]:
    listed = dependency_list(requires, conflicts)
    lines.append(item_line(wanted.name, listed, wanted.planned_at, wanted.planner, wanted.note))
    after = file.edited(lines)
    return after, after.plan.changes[-1]
