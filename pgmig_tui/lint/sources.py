"""Which scripts are looked at: those of changes, files, and folders of SQL that no plan knows."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from pgmig_tui.errors import ProjectError
from pgmig_tui.lint.inspect import LintSource, Scripts
from pgmig_tui.project.project import Kind
from pgmig_tui.script.regular import SCRIPT_BYTES, read_bounded

if TYPE_CHECKING:
    from pgmig_tui.project.changes import Change
    from pgmig_tui.project.project import Project

_NOTHING = "Nothing was looked at."
_DOWN = re.compile(rb"^--[ \t]*migrate:down\b", re.MULTILINE)
_PIECES = re.compile(r"(\d+)")
_MOST = 100_000


def of_changes(project: Project, changes: Iterable[Change]) -> Iterator[Scripts]:
    """The three scripts of each. Raises ProjectError naming one that is there and can't be read."""
    for change in changes:
        deploy, revert, verify = (_script(project, change, kind) for kind in ("deploy", "revert", "verify"))
        if deploy is None:
            path = project.relative(project.script_path(change, "deploy"))
            raise ProjectError(
                f"The script {path} isn't there.", now=_NOTHING, do="Restore it, or take the change out."
            )
        yield Scripts(change.name, deploy, revert, verify)


def _script(project: Project, change: Change, kind: Kind) -> LintSource | None:
    path = project.script_path(change, kind)
    try:
        return LintSource(project.relative(path), project.inside.read(path))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise _unreadable(project.relative(path), error) from error


def of_paths(project: Project, paths: Iterable[Path]) -> Iterator[Scripts]:
    """Files (absolute) in the given order, and those of folders in the order of their names. One that is a script of
    a change stands for the change, whose scripts are looked at once. Raises ProjectError."""
    known: dict[str, Change] = {}
    kinds: tuple[Kind, ...] = ("deploy", "revert", "verify")
    for change in project.plan.changes:
        for kind in kinds:
            known[os.path.realpath(project.script_path(change, kind))] = change
    told: set[str] = set()
    for path in paths:
        for file in sql_files(path, project):
            planned = known.get(os.path.realpath(file))
            if planned is None:
                yield _alone(project, file)
            elif planned.change_id not in told:
                told.add(planned.change_id)
                yield from of_changes(project, [planned])


def sql_files(path: Path, project: Project) -> list[Path]:
    """A file itself; the SQL files below a folder, in the order of their names. Raises ProjectError."""
    if not path.is_dir():
        return [path]
    found = []
    for folder, folders, files in os.walk(path):
        folders[:] = [one for one in folders if not one.startswith(".") and one != "node_modules"]
        found += [Path(folder, one) for one in files if one.lower().endswith(".sql")]
        if len(found) > _MOST:
            raise ProjectError(f"{project.relative(path)} holds more than {_MOST} SQL files.", now=_NOTHING)
    if not found:
        raise ProjectError(f"There is no SQL file in {project.relative(path)}.", now=_NOTHING)
    return sorted(found, key=lambda one: natural(str(one)))


def natural(name: str) -> tuple[tuple[int, int, str], ...]:
    """A key that sorts V2 before V10."""
    return tuple(
        (0, int(piece), "") if piece.isdigit() and piece.isascii() else (1, 0, piece)
        for piece in _PIECES.split(name)
        if piece
    )


def _alone(project: Project, path: Path) -> Scripts:
    """A file that belongs to no change. What dbmate keeps in one file is two scripts: where the second begins, the
    first ends, and each keeps its lines."""
    name = project.relative(path)
    try:
        data = read_bounded(path, SCRIPT_BYTES)
    except OSError as error:
        raise _unreadable(name, error) from error
    down = _DOWN.search(data)
    if down is None:
        return Scripts("", LintSource(name, data), complete=False)
    before = b"\n" * data.count(b"\n", 0, down.start())
    return Scripts(
        "", LintSource(name, data[: down.start()]), LintSource(name, before + data[down.start() :]), complete=False
    )


def _unreadable(name: str, error: OSError) -> ProjectError:
    return ProjectError(
        f"The script {name} can't be read: {error.strerror or error}.", now=_NOTHING, do="Restore the file."
    )
