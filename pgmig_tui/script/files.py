"""The files that a script may read and write: those of the project, unless its environment allows others."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from pgmig_tui.script.problems import ScriptError, ScriptRefused
from pgmig_tui.script.regular import SCRIPT_BYTES, Inside, read_regular

NOWHERE = "/dev/null"
"""The one file outside a project that any script may name: what goes there is gone, and nothing comes from there."""


@dataclass(frozen=True, slots=True)
class Allow:
    """What an environment's policy permits (`allow_shell`, `allow_files` of pgmig.toml). In a `trial`, of which nothing
    may stay, no program runs, whatever the policy says."""

    shell: bool = False
    files: bool = False
    trial: bool = False


class FileSource(Protocol):
    """Where `\\i`, `\\ir` and `\\copy` find their files, and whether `\\g` and `\\o` may write theirs.

    `relative_to` is the name of the script whose folder counts (`\\ir`), None means psql's working directory. Names are
    resolved to paths relative to the project, with `/`, where they lie inside it; else they are absolute.
    """

    def read(self, path: str, *, relative_to: str | None, line: int) -> tuple[str, bytes]:
        """The resolved name and the content. Raises ScriptRefused outside the project, ScriptError when unreadable."""
        ...

    def resolve(self, path: str, *, relative_to: str | None, line: int) -> str:
        """The resolved name of a file that need not exist. Raises ScriptRefused outside the project, save NOWHERE."""
        ...


@dataclass(frozen=True, slots=True)
class ProjectFiles:
    """Files on disk; `root` is the project's folder, which is psql's working directory.

    `script` is the name that problems are reported for (an included file's problems carry the includer's).
    """

    root: Path
    allow_files: bool = False

    def resolve(self, path: str, *, relative_to: str | None, line: int) -> str:
        """Symbolic links are followed before the test, so that none leads out of the project."""
        if path == NOWHERE:
            return path
        wanted = Path(path).expanduser()
        if relative_to is not None:
            wanted = Path(relative_to).parent / wanted
        root = self.root.resolve()
        found = (root / wanted).resolve()
        if found.is_relative_to(root):
            return (
                posixpath.normpath(wanted.as_posix())
                if not wanted.is_absolute()
                else found.relative_to(root).as_posix()
            )
        if not self.allow_files:
            raise ScriptRefused(
                relative_to or path,
                line,
                f"{path} is outside the project, which only allow_files in pgmig.toml allows",
                do="Move the file into the project, or set allow_files for this environment in pgmig.toml.",
            )
        return str(found)

    def read(self, path: str, *, relative_to: str | None, line: int) -> tuple[str, bytes]:
        name = self.resolve(path, relative_to=relative_to, line=line)
        try:
            if name == NOWHERE:
                return name, b""
            if self.allow_files:
                return name, read_regular(self.root / name, SCRIPT_BYTES)
            return name, Inside(self.root).read(self.root / name)
        except OSError as error:
            raise ScriptError(relative_to or path, line, f"{path}: {error.strerror or error}") from error
