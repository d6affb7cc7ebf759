"""Script hashes of many changes at once, as the files are now.

Ten thousand small files take a quarter of a second of one core: where there are so many, another process reads them
while this one asks the servers.
"""

from __future__ import annotations

import os
import threading
from hashlib import sha1
from typing import TYPE_CHECKING, ClassVar

from pgmig_tui.script.regular import SCRIPT_BYTES

if TYPE_CHECKING:
    from pgmig_tui.project.changes import Change
    from pgmig_tui.project.project import Project

_READ = 1 << 16
"""Bytes: a regular file that gives fewer has ended."""

_MANY = 2000
"""Changes from which another process is worth its start."""

_NONE = "-" * 40
"""In place of the digest of a script that isn't there."""


class ScriptHashes:
    """Script hashes of a project's planned changes, as the files are now; each file is looked at once.

    Files whose inode, size and times are unchanged since an earlier look of this process aren't read again. Paths are
    put together as text: 10,000 pathlib objects would cost more than all the rest.
    """

    _files: ClassVar[dict[str, tuple[tuple[int, int, int, int], str]]] = {}

    def __init__(self, project: Project) -> None:
        self._project = project
        self._inside = project.inside
        self._folder = str(project.layout.deploy_dir)
        self._extension = project.layout.extension
        self._seen: dict[str, str | None] = {}
        self._elsewhere: tuple[int, int] | None = None
        self.lock = threading.Lock()

    def read_elsewhere(self) -> None:
        """Let another process look at the files of a large plan; the first `hash` waits for its answer.

        Only for a process that has no threads yet, because it forks.
        """
        if len(self._project.plan.changes) < _MANY or (os.cpu_count() or 1) < 2:
            return
        reader, writer = os.pipe()
        pid = os.fork()
        if pid == 0:
            try:
                os.close(reader)
                found = "".join(self._hash(change) or _NONE for change in self._project.plan.changes).encode()
                while found:
                    found = found[os.write(writer, found) :]
            finally:
                os._exit(0)  # whatever happened: who gets too little looks at the files itself
        os.close(writer)
        self._elsewhere = pid, reader

    def hash(self, change: Change) -> str | None:
        """SHA-1 of the change's deploy script, None without one."""
        if self._elsewhere is not None:
            self._collect(*self._elsewhere)
            self._elsewhere = None
        try:
            return self._seen[change.change_id]
        except KeyError:
            found = self._seen[change.change_id] = self._hash(change)
            return found

    def _collect(self, pid: int, reader: int) -> None:
        parts = []
        while data := os.read(reader, _READ):
            parts.append(data)
        os.close(reader)
        os.waitpid(pid, 0)
        found, changes = b"".join(parts).decode(), self._project.plan.changes
        if len(found) == len(_NONE) * len(changes):
            for number, change in enumerate(changes):
                digest = found[number * len(_NONE) : (number + 1) * len(_NONE)]
                self._seen[change.change_id] = None if digest == _NONE else digest

    def _hash(self, change: Change) -> str | None:
        if change.superseded_by is None:
            path = f"{self._folder}/{change.name}.{self._extension}"
        else:
            path = str(self._project.script_path(change, "deploy"))
        try:
            descriptor, facts = self._inside.open(path)
        except OSError:
            return None
        try:  # file objects would cost twice the time of everything else here
            key = (facts.st_ino, facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns)
            cached = self._files.get(path)
            if cached is not None and cached[0] == key:
                return cached[1]
            if facts.st_size > SCRIPT_BYTES:
                return None
            digest = sha1(usedforsecurity=False)
            while data := os.read(descriptor, _READ):
                digest.update(data)
                if len(data) < _READ:
                    break
            found = digest.hexdigest()
        except OSError:
            return None
        finally:
            os.close(descriptor)
        self._files[path] = (key, found)
        return found
