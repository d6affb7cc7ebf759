"""A bundle: configuration, plan and scripts copied to a folder from which the project can be deployed.

Source: Sqitch 1.3.1, `sqitch-bundle` manual page; as observed on the program, which copies by the files' times. Here
their bytes count.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from pgmig_tui.errors import ProjectError
from pgmig_tui.project.author.files import Write, write_all
from pgmig_tui.project.author.places import Place, plan_files
from pgmig_tui.project.author.plan_file import PlanFile
from pgmig_tui.project.author.scripts import KINDS
from pgmig_tui.project.changes import Change
from pgmig_tui.project.names import BLANKS
from pgmig_tui.project.project import Project
from pgmig_tui.script.regular import Inside

_NOTHING = "Nothing was changed."


class Bundle:
    """What will lie in the folder `to` (absolute). `said` are Sqitch's sentences, `warnings` ours."""

    def __init__(self, project: Project, to: Path) -> None:
        self.project, self.to = project, to
        self.files: dict[Path, bytes] = {}
        self.said = [f"Bundling into {project.relative(to)}", "Writing config"]
        self.warnings: list[str] = []
        local = project.config.local_file
        if local is None:
            raise ProjectError("There is no sqitch.conf to bundle.", now=_NOTHING, do="`pgmig-tui init` writes one.")
        self._copy(local, to / local.name)

    def add(self, place: Place, since: str | None, until: str | None) -> None:
        """The plan of a place and the scripts of its changes, or of those from one to another. Raises ProjectError."""
        file = plan_files(self.project, [place])[place.layout.plan_file]
        changes = file.plan.changes
        first = file.plan.find(since).index if since else 0
        last = file.plan.find(until).index if until else len(changes) - 1
        if since is None and until is None:
            self.said.append("Writing plan")
            self._put(self._there(file.path), file.data)
        else:
            self.said.append(f"Writing plan from {since or '@ROOT'} to {until or '@HEAD'}")
            cut = _cut(file, first if since else None, last if until else None)
            self._put(self._there(file.path), cut.data)
            if cut.plan.changes and cut.plan.changes[0].change_id != changes[first].change_id:
                self.warnings.append(
                    "the first change of this bundle has no parent: its changes have other IDs than in the project,"
                    " and none of them is deployed anywhere"
                )
        self.said.append("Writing scripts")
        here = replace(self.project, plan=file.plan, layout=place.layout)
        for change in changes[first : last + 1]:
            self.said.append(f"  + {' '.join([change.name, *(f'@{tag.name}' for tag in change.tags)])}")
            for path in _scripts(here, change):
                self._copy(path, self._there(path))

    def write(self) -> int:
        """Write what isn't there yet as it should be, all or nothing; how many files. Raises ProjectError."""
        inside = Inside(self.to)
        writes = []
        for path, data in self.files.items():
            try:
                before = inside.read(path) if path.exists() else None
            except OSError as error:
                raise ProjectError(f"{path} can't be read: {error.strerror}.", now=_NOTHING) from None
            if before != data:
                writes.append(Write(path, data, before))
        write_all(writes, inside, self.project.root, lasting=False)
        return len(writes)

    def _there(self, path: Path) -> Path:
        if not path.is_relative_to(self.project.root):
            raise ProjectError(
                f"{path} lies outside of the project, so that a bundle has no place for it.",
                now=_NOTHING,
                do="Bundle a project whose folders are inside its own.",
            )
        return self.to / path.relative_to(self.project.root)

    def _copy(self, path: Path, to: Path) -> None:
        try:
            self._put(to, self.project.inside.read(path))
        except OSError as error:
            raise ProjectError(f"Cannot copy {self.project.relative(path)}: {error.strerror}.", now=_NOTHING) from None

    def _put(self, path: Path, data: bytes) -> None:
        self.files[path] = data


def _scripts(project: Project, change: Change) -> Iterator[Path]:
    for kind in KINDS:
        path = project.script_path(change, kind)  # type: ignore[arg-type]
        if path.exists():
            yield path


def _cut(file: PlanFile, first: int | None, last: int | None) -> PlanFile:
    """The plan with its pragmas, and of its lines those from one change to the tags of another. Raises ProjectError
    where that is no plan."""
    lines = file.lines()
    changes = file.plan.changes
    head = next((number for number, text in enumerate(lines) if not text.strip(BLANKS)), len(lines) - 1)
    begin = head + 1 if first is None else file.place(changes[first].line)
    end = len(lines)
    if last is not None:
        end = 1 + file.place((changes[last].tags or (changes[last],))[-1].line)
    return file.edited([*lines[: head + 1], *lines[begin:end]], same=0)
