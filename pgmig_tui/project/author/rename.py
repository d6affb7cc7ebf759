"""A change renamed that nobody has deployed: in the plan, in what depends on it, in its scripts' names and first lines.

Sqitch has no such command: it is what its users do by hand. Every change from the renamed one on gets another ID, so
whoever calls this has asked all registries first.
"""

from __future__ import annotations

import re
from pathlib import Path

from pgmig_tui.errors import ProjectError
from pgmig_tui.project.author.changes import Prepared
from pgmig_tui.project.author.edits import require_name
from pgmig_tui.project.author.files import Write
from pgmig_tui.project.author.places import Place, plan_files
from pgmig_tui.project.author.scripts import KINDS, script_file
from pgmig_tui.project.changes import Change
from pgmig_tui.project.project import Project

_NOTHING = "Nothing was changed."
_HEAD = 4096
"""So many bytes at most of a script's beginning are looked at for its name."""


def prepare_rename(project: Project, spec: str, name: str) -> tuple[Prepared, Change]:
    """What renames the change that `spec` names; and that change, as it is now. Raises ProjectError where it can't be:
    an unknown or reworked change, a name that is taken or that no change may have, a script that is in the way."""
    place = Place("pg", project.layout)
    file = plan_files(project, [place])[place.layout.plan_file]
    change = file.plan.find(spec)
    require_name(name, tag=False)
    old = change.name
    if any(other.name == name for other in file.plan.changes):
        raise ProjectError(
            f'Change "{name}" already exists in plan {file.shown}.', now=_NOTHING, do="Choose another name."
        )
    if sum(other.name == old for other in file.plan.changes) > 1:
        raise ProjectError(
            f'"{old}" was reworked: which of its scripts belong to which instance is told by its name.',
            now=_NOTHING,
            do="Rename what was never tagged and deployed only.",
        )
    after = file.edited(file.lines((old, name)), same=change.index)
    prepared = Prepared(project)
    for kind in KINDS:
        _move(prepared, kind, old, name, file.plan.project)
    for other in file.plan.changes[change.index + 1 :]:
        if any(one.project is None and one.change == old for one in (*other.requires, *other.conflicts)):
            _mention(prepared, other, old, name)
    prepared.plans.append(Write(file.path, after.data, file.data))
    prepared.plan_file = after
    prepared.said.append(f'Renamed "{old}" to "{name}" in {file.shown}')
    return prepared, change


def _move(prepared: Prepared, kind: str, old: str, name: str, project_name: str) -> None:
    """Give a script its new name, and say it in its first line where that is the one of the template."""
    project = prepared.project
    path, to = (script_file(project.layout, kind, one) for one in (old, name))
    data = _read(project, path)
    if data is None:
        return
    first, line_end, rest = data.partition(b"\n")
    begins = f"-- {kind.capitalize()} {project_name}:".encode()
    following = first.removeprefix(begins + old.encode())
    if first.startswith(begins) and following != first and following[:1] in (b"", b" ", b"\r"):
        first = begins + name.encode() + following
    prepared.scripts += [Write(to, first + line_end + rest, mode_of=path), Write(path, None, data)]
    prepared.files.append(to)
    prepared.said.append(f"Renamed {project.relative(path)} to {project.relative(to)}")


def _mention(prepared: Prepared, other: Change, old: str, name: str) -> None:
    """Say the new name where the template has written down what a change depends on."""
    project = prepared.project
    path = script_file(project.layout, "deploy", other.name)
    data = _read(project, path)
    if data is None:
        return
    form = re.compile(rb"^(-- (?:requires|conflicts): )" + re.escape(old.encode()) + rb"(?=\r?$)", re.M)
    after = form.sub(lambda found: found[1] + name.encode(), data[:_HEAD]) + data[_HEAD:]
    if after != data:
        prepared.scripts.append(Write(path, after, data))
        prepared.said.append(f"Changed {project.relative(path)}: it names what it depends on")


def _read(project: Project, path: Path) -> bytes | None:
    try:
        return project.inside.read(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise ProjectError(f"{project.relative(path)} can't be read: {error.strerror}.", now=_NOTHING) from None
