"""`pgmig-tui document`: the documentation of the project's schema, and its changelog."""

from __future__ import annotations

import os
from argparse import Namespace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from pgmig_tui.cli import output
from pgmig_tui.cli.choose import environment_named, project_here
from pgmig_tui.cli.rehearse import interrupt_on_sigterm, tell
from pgmig_tui.display.cells import line
from pgmig_tui.display.safe import safe
from pgmig_tui.errors import UsageError

if TYPE_CHECKING:
    from pgmig_tui.project.project import Project
    from pgmig_tui.review.document import DocumentStanding

_NOTHING = "Nothing was written."


def document(arguments: Namespace) -> int:
    """Exit status 1 with --check when the file isn't what would be written."""
    from pgmig_tui.review.document import default_path, standing, write

    arguments.targets = [arguments.source]
    project = project_here(arguments)
    if arguments.changelog:
        return _changelog(arguments, project)
    if arguments.since or arguments.first or arguments.to:
        raise UsageError("--since, --from and --to are for --changelog.", now=_NOTHING)
    text = _text(arguments, project)
    if arguments.output == "-":
        output.text_out(text)
        return 0
    path = Path(os.path.normpath(Path.cwd() / arguments.output)) if arguments.output else default_path(project)
    if arguments.check:
        found = standing(project, path, text)
        _tell_check(arguments, project, found)
        return 0 if found.state == "current" else 1
    found = write(project, path, text, force=arguments.force)
    if arguments.json:
        output.document(_as_json(arguments, project, found, written=found.state != "current"))
        return 0
    _tell_written(project, found)
    return 0


def _changelog(arguments: Namespace, project: Project) -> int:
    from pgmig_tui.project.tickets import ticket_in
    from pgmig_tui.report.plan_changelog import as_file, changelog, chosen
    from pgmig_tui.review.document import write

    if arguments.since and (arguments.first or arguments.to):
        raise UsageError("Say --since, or --from and --to.", now=_NOTHING)
    changes = chosen(project.plan, arguments.since or "", arguments.first or "", arguments.to or "")
    pattern = next((one.ticket for one in project.environments), "")  # all of one pgmig.toml have the same
    text = changelog(project.plan, changes, partial(ticket_in, pattern))
    if arguments.output in (None, "-"):
        output.text_out(text)
        return 0
    path = Path(os.path.normpath(Path.cwd() / arguments.output))
    found = write(project, path, as_file(project.plan, text), force=arguments.force)
    _tell_written(project, found)
    return 0


def _tell_written(project: Project, found: DocumentStanding) -> None:
    done = "is up to date" if found.state == "current" else "was written"
    output.say(line(("+ ", "done"), f"{safe(project.relative(found.path))} {done}"))


def _text(arguments: Namespace, project: Project) -> str:
    from pgmig_tui.review.document import PLAN, of_environment, of_plan
    from pgmig_tui.run.journal.folder import default_state_dir

    source = arguments.source
    if source == PLAN and project.names(source) is None:
        interrupt_on_sigterm()  # our own server has to be stopped
        state_dir = default_state_dir(os.environ)
        return of_plan(project, state_dir=state_dir, say=tell, variables=dict(arguments.variables))
    return of_environment(*environment_named(project, source))


def _tell_check(arguments: Namespace, project: Project, found: DocumentStanding) -> None:
    if arguments.json:
        output.document(_as_json(arguments, project, found, written=False))
        return
    name = safe(project.relative(found.path))
    if found.state == "current":
        output.say(line(("+ ", "done"), f"{name} is up to date"))
        return
    why = {
        "absent": "isn't there",
        "foreign": "was not written by pgmig-tui document",
        "stale": "isn't what would be written now",
    }[found.state]
    source = "" if arguments.source == "plan" else f" {safe(arguments.source)}"
    output.say(line(("x ", "failed"), (name, "strong"), f" {why}; write it with: pgmig-tui document{source}"))
    for one in found.diff:
        output.say(safe(one))


def _as_json(arguments: Namespace, project: Project, found: DocumentStanding, *, written: bool) -> dict[str, object]:
    return {
        "file": project.relative(found.path),
        "source": arguments.source,
        "state": found.state,
        "written": written,
        "diff": list(found.diff),
    }
