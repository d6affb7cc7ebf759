"""Files that a test has written down, where the program reads those of a project."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass

from pgmig_tui.script.files import NOWHERE
from pgmig_tui.script.problems import ScriptError, ScriptRefused


@dataclass(frozen=True, slots=True)
class MemoryFiles:
    """Files by their resolved name."""

    files: Mapping[str, bytes]

    def resolve(self, path: str, *, relative_to: str | None, line: int) -> str:
        wanted = posixpath.join(posixpath.dirname(relative_to), path) if relative_to is not None else path
        name = posixpath.normpath(wanted)
        if name.startswith(("/", "../")) and name not in self.files and name != NOWHERE:
            raise ScriptRefused(relative_to or path, line, f"{path} is outside the project")
        return name

    def read(self, path: str, *, relative_to: str | None, line: int) -> tuple[str, bytes]:
        name = self.resolve(path, relative_to=relative_to, line=line)
        try:
            return name, self.files[name]
        except KeyError:
            raise ScriptError(relative_to or path, line, f"{path}: No such file or directory") from None
