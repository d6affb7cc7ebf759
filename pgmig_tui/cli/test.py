"""`pgmig-tui test`: changes through the eight steps that prove their scripts, in databases of a server of our own."""

from __future__ import annotations

import os
import shlex
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pgmig_tui.cli import output
from pgmig_tui.cli.choose import environment_named, located_environment, project_here
from pgmig_tui.cli.progress import Advance, ProgressLine
from pgmig_tui.cli.rehearse import interrupt_on_sigterm, tell
from pgmig_tui.display.cells import line
from pgmig_tui.display.closest import did_you_mean
from pgmig_tui.display.safe import safe
from pgmig_tui.errors import UsageError

if TYPE_CHECKING:
    from pgmig_tui.project.changes import Change
    from pgmig_tui.project.environments import Environment
    from pgmig_tui.project.project import Project
    from pgmig_tui.rehearse.data import DataWanted
    from pgmig_tui.rehearse.queries import CriticalQuery
    from pgmig_tui.rehearse.tested import ChangeTests, StepBegun

_NOTHING = "Nothing was tested."


def test(arguments: Namespace) -> int:
    """Exit status 1 when a step failed, or when a change could not be tested."""
    from pgmig_tui.rehearse import tested_words
    from pgmig_tui.rehearse.tested import to_json
    from pgmig_tui.review.tests_kept import keep_tests
    from pgmig_tui.run.journal.folder import default_state_dir

    project = project_here(arguments)
    state_dir = default_state_dir(os.environ)
    environment: Environment | None = None
    if arguments.target is not None and arguments.dump is not None:
        raise UsageError("--dump is tested on a server of our own, not on --target.", now=_NOTHING)
    if arguments.target is not None:
        from pgmig_tui.rehearse.on_target import refuse_unmarked

        project, environment = environment_named(project, arguments.target)
        refuse_unmarked(environment)
        environment = located_environment(project, environment)
        refuse_unmarked(environment)
    changes = _wanted(project, arguments.changes)
    for file in (arguments.junit, arguments.markdown):
        _refuse_unwritable(file)
    data = _data(arguments, project)
    interrupt_on_sigterm()  # our own server has to be stopped
    bar = None if arguments.json else ProgressLine()

    begun: dict[str, StepBegun] = {}

    def show_progress(now: StepBegun) -> None:
        begun.pop(now.change, None)
        begun[now.change] = now
        if bar is not None:
            bar.show(Advance(tested_words.progress(now), now.done / now.of))

    try:
        variables = dict(arguments.variables)
        if environment is not None:
            from pgmig_tui.rehearse.on_target import try_on_target

            named = changes if arguments.changes else []
            found = try_on_target(
                project, environment, named, variables, state_dir=state_dir, say=tell, tell=show_progress, data=data
            )
        elif arguments.dump is not None:
            from pgmig_tui.rehearse.from_dump import try_on_dump

            named = changes if arguments.changes else []
            found = try_on_dump(
                project, project.any_environment, Path(arguments.dump), named, variables, state_dir=state_dir, say=tell,
                tell=show_progress, data=data,
            )  # fmt: skip
        else:
            from pgmig_tui.rehearse.testing import try_changes

            wanted = {one.change_id for one in changes}
            found = try_changes(
                project, project.any_environment, wanted, variables, state_dir=state_dir, say=tell, tell=show_progress,
                data=data,
            )  # fmt: skip
    except KeyboardInterrupt:
        for one in list(begun.values())[-2:]:
            output.warn(f"interrupted; what began last of {one.change}: {tested_words.step_of(one)}")
        raise
    finally:
        if bar is not None:
            bar.end()
    keep_tests(project, found, state_dir)
    if arguments.json:
        output.document(to_json(found))
    else:
        show(found)
    met = {table.table for one in found.changes for table in one.data.filled}
    unmet = sorted({table for table, number in (data.sizes.of or {}).items() if number} - met)
    for table in unmet:
        output.warn(f"--rows {table}: no change that was tested has met a table of that name (SCHEMA.TABLE)")
    _write_reports(arguments, found)
    return 0 if found.ok and not unmet else 1


def show(found: ChangeTests) -> None:
    """Each change in a line, what failed below it."""
    from pgmig_tui.rehearse import tested_words

    for told in tested_words.opening(found):
        output.say(told)
    for one in found.changes:
        for told in tested_words.change_lines(one, every=output.is_verbose()):
            output.say(told)
    for told in tested_words.closing(found):
        output.say(told)


def _data(arguments: Namespace, project: Project) -> DataWanted:
    """What is looked at beside the schema. Raises UsageError for a file or a command that can't be read."""
    from pgmig_tui.rehearse.data import DataWanted
    from pgmig_tui.rehearse.fill import Sizes
    from pgmig_tui.rehearse.queries import read_queries
    from pgmig_tui.script.files import ProjectFiles

    rows: Sequence[tuple[str, int]] = arguments.rows
    sizes = Sizes(dict(rows).get("", 0), {table: number for table, number in rows if table})
    queries: tuple[CriticalQuery, ...] = ()
    if arguments.queries is not None:
        try:
            text = Path(arguments.queries).read_bytes()
        except OSError as error:
            raise UsageError(f"{arguments.queries} can't be read: {error.strerror}", now=_NOTHING) from None
        queries = read_queries(arguments.queries, text, ProjectFiles(project.root))
    try:
        command = tuple(shlex.split(arguments.application or ""))
    except ValueError as error:
        raise UsageError(f"--command: {error}: {arguments.application}", now=_NOTHING) from None
    return DataWanted(sizes, queries, command)


def _wanted(project: Project, names: list[str]) -> list[Change]:
    """The changes that are named, or all. Raises UsageError for a name that the plan doesn't have."""
    for name in names:
        if not project.plan.contains(name):
            raise UsageError(
                f"{name} is no change of the plan.", now=_NOTHING, do=did_you_mean(name, project.plan.names())
            )
    found = [project.plan.find(name) for name in names] or list(project.plan.changes)
    if not found:
        raise UsageError("The plan has no change.", now=_NOTHING, do="Add one: pgmig-tui add NAME -n NOTE")
    return found


def _refuse_unwritable(file: str | None) -> None:
    """Better now than when all is done. Raises UsageError."""
    if file is not None and not Path(file).parent.is_dir():
        raise UsageError(f"{file} can't be written: there is no folder {Path(file).parent}.", now=_NOTHING)


def _write_reports(arguments: Namespace, found: ChangeTests) -> None:
    from pgmig_tui.report.tested_report import as_junit, as_markdown

    for file, write in ((arguments.junit, as_junit), (arguments.markdown, as_markdown)):
        if file is None:
            continue
        try:
            Path(file).write_text(output.hidden(write(found)), encoding="utf-8")
        except OSError as error:
            raise UsageError(
                f"{file} can't be written: {error.strerror or error}", now="The test was done, as told above."
            ) from None
        output.note(line(f"The result is in {safe(file)}."))
