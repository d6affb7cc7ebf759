"""The bytes of a run: every script and every included file is read once, at planning, into the run's folder.

Review, hash, execution, attach and history use these bytes. What a script asks for at run time and was not read at
planning (a file name built by a query) does not exist for the run.
"""

from __future__ import annotations

import hashlib
import json
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from pgmig_tui.display import words
from pgmig_tui.errors import ProjectError, Refused
from pgmig_tui.run.journal.file import FILES
from pgmig_tui.run.journal.folder import writing
from pgmig_tui.script.files import Allow, ProjectFiles
from pgmig_tui.script.problems import ScriptRefused

if TYPE_CHECKING:
    from pgmig_tui.project.project import Project
    from pgmig_tui.run.journal.run_plan import RunPlan
    from pgmig_tui.script.preview import Preview

_MANIFEST = "manifest.json"
_BLOCK = 1 << 20


class RecordingFiles:
    """Reads from the checkout and keeps a copy. A FileSource of `script`."""

    def __init__(self, project: Project, folder: Path, *, allow_files: bool) -> None:
        self._project = project
        self._source = ProjectFiles(project.root, allow_files=allow_files)
        self._folder = folder / FILES
        self._folder.mkdir(mode=0o700)
        self._seen: dict[str, bytes] = {}
        self._names: dict[Path, str] = {}

    def script(self, path: Path) -> tuple[str, bytes]:
        """The name (relative to the project where it is inside) and bytes of a script of the plan.

        Raises ProjectError naming a script that is missing or can't be read.
        """
        name = self._names.get(path)
        if name is None:
            name = self._names[path] = self._project.relative(path)
        if name not in self._seen:
            try:
                data = self._project.inside.read(path)
            except OSError as error:
                raise ProjectError(
                    f"the script {name} can't be read: {error.strerror}",
                    now="Nothing was changed.",
                    do="Restore the file, or take its change out of the plan.",
                ) from error
            self._keep(name, data)
        return name, self._seen[name]

    def bytes_of(self, path: Path) -> bytes:
        """What a script of the plan holds: as it was read, or as it lies there, of which no copy is kept. Raises
        OSError."""
        name = self._names.get(path)
        return self._seen[name] if name in self._seen else self._project.inside.read(path)

    def read(self, path: str, *, relative_to: str | None, line: int) -> tuple[str, bytes]:
        name, data = self._source.read(path, relative_to=relative_to, line=line)
        if name not in self._seen:
            self._keep(name, data)
        return name, self._seen[name]

    def resolve(self, path: str, *, relative_to: str | None, line: int) -> str:
        return self._source.resolve(path, relative_to=relative_to, line=line)

    def keep(self, name: str, data: bytes) -> None:
        """Keep a script that is made here and lies nowhere in the checkout."""
        self._keep(name, data)

    def close(self) -> None:
        """Write the list of what was read. Nothing is read after that."""
        hashes = {name: _stored(name) for name in self._seen}
        with writing(self._folder):
            (self._folder / _MANIFEST).write_text(json.dumps(hashes, ensure_ascii=False), encoding="utf-8")

    def _keep(self, name: str, data: bytes) -> None:
        self._seen[name] = data
        with writing(self._folder):
            (self._folder / _stored(name)).write_bytes(data)


class RecordedFiles:
    """Reads from a run's folder only. A FileSource of `script`."""

    def __init__(self, root: Path, folder: Path, *, allow_files: bool) -> None:
        self._folder = folder / FILES
        self._resolver = ProjectFiles(root, allow_files=allow_files)
        self._stored: dict[str, str] = json.loads((self._folder / _MANIFEST).read_text(encoding="utf-8"))

    @classmethod
    def of(cls, plan: RunPlan) -> RecordedFiles:
        """What was read for a plan. Raises OSError, ValueError where the run's folder isn't whole."""
        return cls(Path(plan.root), plan.folder, allow_files=plan.allow_files)

    def script(self, name: str) -> bytes:
        return (self._folder / self._stored[name]).read_bytes()

    def read(self, path: str, *, relative_to: str | None, line: int) -> tuple[str, bytes]:
        name = self.resolve(path, relative_to=relative_to, line=line)
        if name not in self._stored:
            raise ScriptRefused(relative_to or "", line, f"{path} was not read when this run was planned")
        return name, self.script(name)

    def resolve(self, path: str, *, relative_to: str | None, line: int) -> str:
        return self._resolver.resolve(path, relative_to=relative_to, line=line)


def recorded_view(plan: RunPlan, files: RecordedFiles, name: str, *, shell: bool | None = None) -> Preview:
    """Walk a script as a run has recorded it; `shell` None = as the run's policy allows. Raises OSError, KeyError."""
    from pgmig_tui.script.preview import preview  # few that read a run's files walk them

    allow = Allow(shell=plan.allow_shell if shell is None else shell, files=plan.allow_files)
    return preview(name, files.script(name), files, plan.variables, allow, plan.server.facts)


def require_as_read(plan: RunPlan) -> None:
    """Right before a run starts: no script of it was written since it was read, for who says the word may think of what
    lies on disk now. One that is gone has been read. Raises Refused, naming them, and OSError, ValueError where the
    run's folder isn't whole."""
    folder = plan.folder / FILES
    read: dict[str, str] = json.loads((folder / _MANIFEST).read_text(encoding="utf-8"))
    others = [name for name, stored in read.items() if written_since(Path(plan.root) / name, folder / stored)]
    if others:
        raise Refused(
            f"scripts were written since they were read for this run: {words.listing(sorted(others), 10)}",
            now="Nothing was changed.",
            do="Read them again, and look at what they do now.",
        )


def written_since(path: Path, kept: Path) -> bool:
    """Whether a script holds something else than what was kept of it; False where it is gone or can't be read. Two
    large ones are never held whole."""
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode) or found.st_size != kept.stat().st_size:
            return True
        with path.open("rb") as now, kept.open("rb") as read:
            while block := now.read(_BLOCK):
                if block != read.read(_BLOCK):
                    return True
            return read.read(1) != b""
    except OSError:
        return False


def _stored(name: str) -> str:
    """The file's name in the run's folder: readable, flat, and never two names in one."""
    digest = hashlib.sha1(name.encode("utf-8", "surrogateescape"), usedforsecurity=False).hexdigest()[:12]
    return f"{digest}-{name.rpartition('/')[2]}"[:200]
