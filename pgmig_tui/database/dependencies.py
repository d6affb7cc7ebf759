"""What a change requires and what it conflicts with, looked up as Sqitch does: first the plan, then the registry.

Source: Sqitch 1.3.1, `check_deploy_dependencies`, `check_revert_dependencies` and its registry lookups, observed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pgmig_tui.database.connect import Connection
from pgmig_tui.database.own_tables import Tables, behind_look
from pgmig_tui.database.text import bind, load, text_array

if TYPE_CHECKING:
    from pgmig_tui.database.registry import DeployedChange
    from pgmig_tui.project.plan import Change, Dependency, Plan


@dataclass(frozen=True, slots=True)
class DependentChange:
    """A deployed change that requires `change_id`. `tag` has its @, None when none was deployed since."""

    change_id: str
    dependent_id: str
    project: str
    name: str
    tag: str | None


class Registered:
    """The deployed changes of all projects, indexed for lookups. They come in order of `committed_at`."""

    def __init__(self, deployed: Iterable[DeployedChange]) -> None:
        self.ids: set[str] = set()
        self._named: dict[tuple[str, str], list[DeployedChange]] = {}
        self._projects: dict[str, list[DeployedChange]] = {}
        self._tags: dict[tuple[str, str], tuple[str, str]] = {}
        for change in deployed:
            self.ids.add(change.change_id)
            self._named.setdefault((change.project, change.name), []).append(change)
            self._projects.setdefault(change.project, []).append(change)
            for row in change.tag_rows:
                self._tags[change.project, row.tag] = (change.change_id, row.committed_at)

    def find(self, dependency: Dependency) -> str | None:
        """The ID of the deployed change that a dependency on another project means, None when there is none."""
        if dependency.change_id is not None:
            return dependency.change_id if dependency.change_id in self.ids else None
        project, name, tag = dependency.project or "", dependency.change, dependency.tag
        if name is None:
            changes = self._projects.get(project, [])
            if tag in ("HEAD", "ROOT"):
                return changes[-1 if tag == "HEAD" else 0].change_id if changes else None
            return self._tags.get((project, f"@{tag}"), (None, ""))[0]
        instances = self._named.get((project, name), [])
        if tag is None:
            return instances[0].change_id if instances else None
        if tag == "ROOT":
            return None
        if tag != "HEAD":
            tagged = self._tags.get((project, f"@{tag}"))
            instances = [change for change in instances if tagged and change.committed_at <= tagged[1]]
        return instances[-1].change_id if instances else None


def resolve_requires(
    plan: Plan, change: Change, registered: Registered, earlier: frozenset[str] | set[str] = frozenset()
) -> dict[str, str]:
    """Each requirement's text with the ID of the change that satisfies it: deployed, or `earlier` in this run.

    Requirements that nothing satisfies are absent.
    """
    found: dict[str, str] = {}
    for dependency in change.requires:
        change_id = _find(plan, dependency, registered, earlier)
        if change_id is not None:
            found[dependency.text] = change_id
    return found


def check_deploy(
    plan: Plan,
    pending: Sequence[Change],
    deployed: Sequence[DeployedChange],
    hashes: Mapping[str, str | None] | None = None,
) -> list[str]:
    """Everything that would make a deploy of `pending`, in this order, fail; empty when nothing does.

    `deployed` are the deployed changes of all projects; `hashes` maps change IDs of this plan to script hashes: two
    deployed changes of a project can't have the same one.
    """
    registered = Registered(deployed)
    conflicts: dict[str, None] = {}
    missing: dict[str, None] = {}
    earlier: set[str] = set()
    problems: list[str] = []
    for change in pending:
        for dependency in change.conflicts:
            if dependency.project is None and dependency.change_id is None and plan.resolve(dependency) is None:
                problems.append(f'Unable to find change "{dependency.text}" in plan {plan.path}')
            elif _find(plan, dependency, registered, earlier) is not None:
                conflicts[dependency.text] = None
        resolved = resolve_requires(plan, change, registered, earlier)
        missing.update((d.text, None) for d in change.requires if d.text not in resolved)
        problems += [f'Change "{change.name}" names dependency "{text}" twice' for text in _twice(change)]
        earlier.add(change.change_id)
    if conflicts:
        problems.append(f"Conflicts with previously deployed {_changes(conflicts)}: {' '.join(conflicts)}")
    if missing:
        problems.append(f"Missing required {_changes(missing)}: {' '.join(missing)}")
    again = [change for change in pending if change.change_id in registered.ids]
    if again:
        named = ", ".join(f"{change.name} ({change.change_id})" for change in again)
        problems.append(f"{_changes(again).capitalize()} already deployed: {named}")
    return problems + _equal_scripts(plan, pending, deployed, hashes or {})


def read_dependents(connection: Connection, schema: str, change_ids: Sequence[str]) -> tuple[DependentChange, ...]:
    """Deployed changes, of any project, that require one of `change_ids` and aren't among them. Raises ServerError."""
    sql = bind(load("queries/dependents"), {"schema": schema}).replace(":ids", text_array(change_ids))
    rows = connection.execute(behind_look(sql, Tables(schema, ("changes", "tags", "dependencies"))))
    return tuple(DependentChange(*row) for row in rows)


def check_revert(project: str, reverting: Sequence[DeployedChange], dependents: Sequence[DependentChange]) -> list[str]:
    """Why `reverting` can't be reverted: deployed changes that require them, one sentence for each required change."""
    problems = []
    for change in reverting:
        names = [
            f"{'' if found.project == project else found.project + ':'}{found.name}{found.tag or ''}"
            for found in dependents
            if found.change_id == change.change_id
        ]
        if names:
            required = f'Change "{"".join((change.name, *(" " + tag for tag in change.tags)))}"'
            problems.append(f"{required} required by currently deployed {_changes(names)}: {' '.join(names)}")
    return problems


def _find(plan: Plan, dependency: Dependency, registered: Registered, earlier: Iterable[str]) -> str | None:
    if dependency.project is not None or dependency.change_id is not None:
        return registered.find(dependency)
    planned = plan.resolve(dependency)
    if planned is None:
        return None
    return planned.change_id if planned.change_id in registered.ids or planned.change_id in earlier else None


def _twice(change: Change) -> list[str]:
    """Texts that would violate the primary key of `dependencies`, after the script ran."""
    texts = [dependency.text for dependency in (*change.requires, *change.conflicts)]
    return sorted({text for text in texts if texts.count(text) > 1}) if len(texts) > 1 else []


def _equal_scripts(
    plan: Plan, pending: Sequence[Change], deployed: Sequence[DeployedChange], hashes: Mapping[str, str | None]
) -> list[str]:
    seen = {change.script_hash: change.name for change in deployed if change.project == plan.project}
    problems = []
    for change in pending:
        found = hashes.get(change.change_id)
        if found is None:
            continue
        if found in seen:
            problems.append(f'The deploy scripts of "{seen[found]}" and "{change.name}" are the same, byte for byte')
        seen.setdefault(found, change.name)
    return problems


def _changes(items: Iterable[object]) -> str:
    return "change" if len(list(items)) == 1 else "changes"
