"""`pgmig-tui status`: what each environment has, lacks, and where it diverges from the plan."""

from __future__ import annotations

import os
from argparse import Namespace
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pgmig_tui.cli import output
from pgmig_tui.cli.choose import default_environment, environment_named, override, project_here
from pgmig_tui.cli.deployed import Lists, other_project
from pgmig_tui.display import words
from pgmig_tui.display.cells import line, text_of, width
from pgmig_tui.display.safe import safe
from pgmig_tui.errors import UsageError, in_a_line

if TYPE_CHECKING:
    from pgmig_tui.database.holder import LockHolder
    from pgmig_tui.database.status import EnvironmentStatus
    from pgmig_tui.display.cells import Line
    from pgmig_tui.project.environments import Environment
    from pgmig_tui.project.project import Project
    from pgmig_tui.project.targets import Override

ROWS = 30
"""So many changes are shown to a person; `--json` has them all."""


def status(arguments: Namespace) -> int:
    """Exit status 0 when every named environment answered, else 5; `--exit-code`: 1 for pending or diverged changes."""
    if arguments.watch is not None:
        return _watched(arguments)
    from pgmig_tui.project.hashes import ScriptHashes

    here = project_here(arguments)
    named = [here.names(name) or name for name in arguments.targets] + arguments.more_targets
    changed = override(arguments)
    if changed is not None and not named:
        named = [default_environment(here)]
    groups = _groups(here, named, changed)
    lists = Lists.wanted(arguments, here.config)
    if arguments.project is not None and any(arguments.project != project.plan.project for project, _ in groups):
        return other_project(groups, arguments, lists)
    scripts = {project.plan.path: ScriptHashes(project) for project, _ in groups}
    for each in scripts.values():
        each.read_elsewhere()
    from pgmig_tui.database.status import statuses  # the driver takes its time to load: after the others have work

    worst = 0
    for position, (project, environments) in enumerate(groups):
        found = _with_file_marks(project, statuses(project, environments, scripts=scripts[project.plan.path]))
        if arguments.json:
            from pgmig_tui.report.documents import status_document

            document = status_document(project, found, unfinished_runs(project))
            lists.add_to(document, project, environments)
            output.document(document)
        else:
            if position:
                output.say()
            _show(project, environments, found)
            lists.show(project.plan.project, [one for one in environments if _answered(one, found)])
        if any(environment.policy.protected for environment in environments):
            from pgmig_tui.run.journal.folder import default_state_dir
            from pgmig_tui.run.planning.protection import remember_answers

            remember_answers(default_state_dir(os.environ), project, found)
        if not all(one.reachable for one in found):
            worst = 5
        elif arguments.exit_code and worst == 0 and any(one.pending or one.diverged for one in found):
            worst = 1
    if not named and not arguments.json:
        _show_foreign(here)
    return worst


def _watched(arguments: Namespace) -> int:
    """Again and again, of one plan. Raises UsageError for what can't be watched."""
    from pgmig_tui.cli.status_watch import watch

    if arguments.json or arguments.project is not None or arguments.show_changes or arguments.show_tags:
        raise UsageError(
            "--watch tells of the state alone, without --json, --project, --show-changes and --show-tags.",
            now="Nothing was done.",
            do="For programs there is --watch --json-lines: one document a look.",
        )

    def reload() -> tuple[Project, Sequence[Environment]]:
        here = project_here(arguments, warned=True)
        named = [here.names(name) or name for name in arguments.targets] + arguments.more_targets
        changed = override(arguments)
        groups = _groups(here, named or ([default_environment(here)] if changed is not None else []), changed)
        if len(groups) > 1:
            raise UsageError(
                "These environments have plans of their own.", now="Nothing was done.", do="Watch those of one plan."
            )
        return groups[0][0], groups[0][1]

    def show(project: Project, environments: Sequence[Environment], found: Sequence[EnvironmentStatus]) -> None:
        _show(project, list(environments), _with_file_marks(project, list(found)))

    return watch(arguments, reload, show)


def _with_file_marks(project: Project, found: list[EnvironmentStatus]) -> list[EnvironmentStatus]:
    from pgmig_tui.run.journal.folder import default_state_dir

    state_dir = default_state_dir(os.environ)
    if not (state_dir / "do-not-deploy").is_dir():
        return found  # without loading what could read them
    from pgmig_tui.run.journal.mark_files import with_file_marks

    return [with_file_marks(one, project.plan.project, state_dir) for one in found]


def _answered(environment: Environment, found: list[EnvironmentStatus]) -> bool:
    return any(one.name == environment.name and one.reachable for one in found)


def _groups(here: Project, names: list[str], changed: Override | None) -> list[tuple[Project, list[Environment]]]:
    """The environments to ask, by the project whose plan they use; one document can tell of one plan only."""
    if not names:
        return [(here, list(here.environments))]
    groups: list[tuple[Project, list[Environment]]] = []
    for name in names:
        project, environment = environment_named(here, name, changed)
        for known, environments in groups:
            if known.plan.path == project.plan.path:
                environments.append(environment)
                break
        else:
            groups.append((project, [environment]))
    return groups


def unfinished_runs(project: Project) -> dict[str, dict[str, Any]]:
    """The run of each environment, by its name, that is under way ("running"), was cut off ("unknown") or ended without
    knowing what it did ("in_doubt"); none when a later one has ended and none is left to settle."""
    from pgmig_tui.run.journal.folder import default_state_dir
    from pgmig_tui.run.journal.listing import is_unfinished, list_runs

    newest: dict[str, dict[str, Any]] = {}
    for run in list_runs(default_state_dir(os.environ)):
        if run.project != project.plan.project:
            continue
        state = "running" if run.state == "running" else "in_doubt" if run.exit_status is not None else "unknown"
        facts = {"run": run.run_id, "command": run.command, "state": state, "started_at": run.started_at}
        if run.state == "running" or is_unfinished(run):
            newest.setdefault(run.environment, facts)
    return newest


def _show(project: Project, environments: list[Environment], found: list[EnvironmentStatus]) -> None:
    from pgmig_tui.report import matrix

    changes = words.count(len(project.plan.changes), "change")
    tags = words.count(len(project.plan.tags), "tag")
    output.say(line(("Project ", "plain"), (safe(project.plan.project), "strong"), f"  {changes}, {tags}"))
    if not found:
        output.say("No environment is configured: add a [target] to sqitch.conf or an [[environment]] to pgmig.toml.")
        return
    protected = {environment.name: environment.policy.protected for environment in environments}
    rows = [matrix.summary_row(one, protected.get(one.name, False)) for one in found]
    output.table(matrix.SUMMARY_HEADINGS, rows)
    open_changes = matrix.open_changes(project.plan, found)
    if open_changes:
        output.say()
        _show_open([one.name for one in found], [cells for _, cells in open_changes[:ROWS]])
        if len(open_changes) > ROWS:
            output.say(
                line((f"… and {words.count(len(open_changes) - ROWS, 'older change')}; --json has all", "muted"))
            )
    elif not project.plan.changes:
        output.say(line(("- ", "muted"), "the plan has no changes: there is nothing to deploy"))
    elif all(one.reachable for one in found):
        if any(one.diverged for one in found):
            output.say(line(("! ", "differs"), "nothing is pending, but not all that is deployed is what the plan has"))
        elif any(one.untagged for one in found):
            output.say(line(("! ", "differs"), "every change is deployed everywhere, but not every tag is recorded"))
        else:
            output.say(line(("+ ", "done"), "everything is deployed everywhere"))
    for one in found:
        for remark in matrix.divergences(one, project.plan)[:ROWS]:
            output.say(remark)
        for remark in matrix.remarks(one)[:ROWS]:
            output.say(remark)
        if not one.reachable:
            reason = in_a_line(one.error or "no answer")
            output.say(line(("? ", "stale"), f"{safe(one.name)}: {safe(reason)}"))
    runs = unfinished_runs(project)
    for one in found:
        if run := runs.get(one.name):
            told = f"{safe(one.name)}: {run['command']} {safe(run['run'])} "
            if run["state"] == "running":
                told += "is under way: `pgmig-tui attach` shows it"
            else:
                told += "was cut off" if run["state"] == "unknown" else "is in doubt"
                told += f": `pgmig-tui reconcile {safe(one.name)}` settles it"
            output.say(line(("~ ", "waiting"), told))
        elif one.holder is not None:
            _show_under_way(one.name, one.holder)


def _show_open(names: Sequence[str], rows: Sequence[Sequence[Line]]) -> None:
    """The matrix: by names and words where they fit, else by numbers and glyphs, and which is whose."""
    columns = [[name, *(text_of(row[index]) for row in rows)] for index, name in enumerate(map(safe, names), 1)]
    name = max(width(text_of(row[0])) for row in rows)
    if name + sum(3 + max(map(width, column)) for column in columns) <= output.columns():
        output.table(("change", *map(safe, names)), rows)
        return
    for number, one in enumerate(names, 1):
        output.say(line((f"{number:>3} ", "strong"), safe(one)))
    marks = [[row[0], *(tuple((text[:1], role) for text, role in cell[:1]) for cell in row[1:])] for row in rows]
    output.table(("change", *(str(number) for number in range(1, len(names) + 1))), marks)


def _show_under_way(name: str, holder: LockHolder) -> None:
    """Who works there, where it is no run that this account has told of."""
    from pgmig_tui.run.clients.stopping import under_way
    from pgmig_tui.run.journal.folder import default_state_dir

    running = under_way(holder, default_state_dir(os.environ))
    if running is not None and not running.local:
        told = f"{safe(name)}: {safe(running.sentence)}; `pgmig-tui attach {safe(name)}` watches it"
        output.say(line(("~ ", "waiting"), told))


def _show_foreign(project: Project) -> None:
    for one in project.foreign:
        output.say(line(("not asked: ", "muted"), f"{safe(one.name)} {safe(one.reason)}"))
