"""`pgmig-tui show`: a change or tag as the text that its ID is made of, or a script."""

from __future__ import annotations

import sys
from argparse import Namespace
from typing import TYPE_CHECKING

from pgmig_tui.cli import output
from pgmig_tui.cli.choose import environment_named, project_here
from pgmig_tui.display.safe import safe
from pgmig_tui.errors import ProjectError

if TYPE_CHECKING:
    from pgmig_tui.project.changes import Change, Tag
    from pgmig_tui.project.project import Project

_NOT_THERE = 2
"""As Sqitch ends."""


def show(arguments: Namespace) -> int:
    """What OBJECT is, as bytes where nobody looks at a terminal. With --exists only the exit status: 0, or 2."""
    project = _planned(arguments)
    try:
        found = _tag_text(project, arguments.object) if arguments.type == "tag" else _of_change(project, arguments)
    except ProjectError:
        if arguments.exists:
            return _NOT_THERE
        raise
    if not arguments.exists:
        _put(found)
    return 0


def _planned(arguments: Namespace) -> Project:
    project = project_here(arguments)
    return project if arguments.target is None else environment_named(project, arguments.target)[0]


def _of_change(project: Project, arguments: Namespace) -> bytes:
    change = project.plan.find(arguments.object)
    if arguments.type == "change":
        return _change_text(project, change)
    path = project.script_path(change, arguments.type)
    shown = project.relative(path)
    if path.is_dir():
        raise ProjectError(f'"{shown}" is not a file.')
    try:
        return project.inside.read(path)
    except FileNotFoundError:
        raise ProjectError(f'File "{shown}" does not exist.') from None
    except OSError as error:
        raise ProjectError(f"{shown} can't be read: {error.strerror}.") from None


def _change_text(project: Project, change: Change) -> bytes:
    text = project.plan.id_maker.change_text(
        change.name,
        change.parent_id,
        f"{change.planner_name} <{change.planner_email}>",
        change.planned_at,
        [dependency.text for dependency in change.requires],
        [dependency.text for dependency in change.conflicts],
        change.note,
    )
    return f"{text}\n".encode()


def _tag_text(project: Project, wanted: str) -> bytes:
    one = _find_tag(project, wanted)
    planner = f"{one.planner_name} <{one.planner_email}>"
    text = project.plan.id_maker.tag_text(one.name, one.change_id, planner, one.planned_at, one.note)
    return f"{text}\n".encode()


def _find_tag(project: Project, wanted: str) -> Tag:
    name = wanted.removeprefix("@")
    for one in project.plan.tags:
        if one.name == name or one.tag_id == wanted:
            return one
    raise ProjectError(f'Unknown tag "{wanted}".', do="`pgmig-tui tag` lists the tags of the plan.")


def _put(data: bytes) -> None:
    if sys.stdout.isatty():
        output.text_out(safe(data.decode("utf-8", "replace"), multiline=True))
        return
    sys.stdout.flush()
    sys.stdout.buffer.write(data)
