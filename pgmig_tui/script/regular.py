"""Reading files of somebody else's project: regular ones, inside it, and no more than a stated size.

A link may lead to a password file, a FIFO or a device never ends, a file may be larger than the memory. Whoever reads a
project's files reads them here; the reason why one isn't read is the error's `strerror`, in words.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

SCRIPT_BYTES = 512 << 20
"""A script, or a file that one includes or copies rows from."""
PLAN_BYTES = 64 << 20
CONFIG_BYTES = 1 << 20

_OPEN = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK


class Inside:
    """Opens and reads files that lie inside certain folders, links followed. Each folder is looked at once."""

    def __init__(self, *folders: Path) -> None:
        self._folders = tuple(os.path.realpath(folder) for folder in folders)
        self._known: set[str] = set()
        """Folders of files that are inside, as they are written."""

    def open(self, name: str) -> tuple[int, os.stat_result]:
        """A descriptor of a regular file, and what is known of it. Raises OSError."""
        parent = name.rpartition("/")[0] or "/"  # ten thousand scripts: pathlib would be most of the time
        if parent not in self._known:
            self._refuse(os.path.realpath(parent), name)
            self._known.add(parent)
        try:
            descriptor = os.open(name, _OPEN | os.O_NOFOLLOW)
        except OSError as error:
            if error.errno != errno.ELOOP:
                raise
            real = os.path.realpath(name)
            self._refuse(real, name)
            descriptor = os.open(real, _OPEN | os.O_NOFOLLOW)
        return descriptor, _regular(descriptor, name)

    def read(self, path: str | Path, limit: int = SCRIPT_BYTES) -> bytes:
        """The bytes of a regular file. Raises OSError, also for more than `limit` bytes."""
        descriptor, _ = self.open(os.fspath(path))
        try:
            return _read(descriptor, os.fspath(path), limit)
        finally:
            os.close(descriptor)

    def beginning(self, path: Path, most: int) -> bytes:
        """The first bytes of a regular file. Raises OSError."""
        descriptor, _ = self.open(str(path))
        with os.fdopen(descriptor, "rb") as file:
            return file.read(most)

    def leads_out(self, path: str | Path) -> str:
        """Where a path, which needs not be there, leads to, when that is outside; "" when it is inside."""
        real = os.path.realpath(path)
        return "" if self._holds(real) else real

    def _holds(self, real: str) -> bool:
        return any(real == folder or real.startswith(folder.rstrip("/") + "/") for folder in self._folders)

    def _refuse(self, real: str, name: str) -> None:
        if not self._holds(real):
            raise OSError(errno.EPERM, f"it leads out of the project, to {real}", name)


def read_regular(path: Path, limit: int) -> bytes:
    """The bytes of a regular file, wherever it lies. Raises OSError, also for more than `limit` bytes."""
    descriptor = os.open(path, _OPEN)
    _regular(descriptor, str(path))
    try:
        return _read(descriptor, str(path), limit)
    finally:
        os.close(descriptor)


def read_own(path: Path, limit: int) -> bytes:
    """The bytes of a regular file of this account's own, which says what it does: nobody else but root may be able to
    write it. Raises OSError, also for more than `limit` bytes."""
    descriptor = os.open(path, _OPEN)
    found = _regular(descriptor, str(path))
    try:
        if found.st_uid not in (os.geteuid(), 0) or found.st_mode & (stat.S_IWOTH | stat.S_IWGRP):
            raise PermissionError(errno.EPERM, "others than this account can write it", str(path))
        return _read(descriptor, str(path), limit)
    finally:
        os.close(descriptor)


def read_bounded(path: Path, limit: int) -> bytes:
    """The bytes of whatever a person has named, a pipe as well. Raises OSError for more than `limit` bytes."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return _read(descriptor, str(path), limit)
    finally:
        os.close(descriptor)


def _regular(descriptor: int, name: str) -> os.stat_result:
    """What is known of a regular file; anything else is closed, and OSError raised."""
    found = os.fstat(descriptor)
    if stat.S_ISREG(found.st_mode):
        return found
    os.close(descriptor)
    if stat.S_ISDIR(found.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), name)
    raise OSError(errno.EINVAL, "it is no regular file", name)


def _read(descriptor: int, name: str, limit: int) -> bytes:
    size = os.fstat(descriptor).st_size
    parts: list[bytes] = []
    left = limit + 1
    if size <= limit:
        while left and (part := os.read(descriptor, min(left, max(size + 1, 1 << 16)))):
            parts.append(part)
            left -= len(part)
    if size > limit or not left:
        most = f"{limit >> 20} MB" if limit >= 1 << 20 else f"{limit:,} bytes"
        raise OSError(errno.EFBIG, f"it is larger than {most}", name)
    return b"".join(parts)
