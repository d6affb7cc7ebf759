"""The proof that a dump can be read to its end, and that it is the very file that was proven.

`pg_restore -l` proves nothing: it succeeds on a dump cut to a tenth. A full decode (`pg_restore -f /dev/null`) catches
every truncation and compressed corruption, and SHA-256 beside it, from the same open file, that it is what was dumped.
"""

from __future__ import annotations

import contextlib
import os
import stat
import threading
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import Literal

from pgmig_tui.errors import PgmigError
from pgmig_tui.sandbox.programs import Tools, run_program

Verified = Literal["none", "list", "decode", "restore"]
"""How far a dump was read: not at all, its table of contents, to its end, or into a server."""

_CHUNK = 1 << 20


class BackupError(PgmigError):
    """The backup, or the proof of it, failed. The file of a backup that failed is gone."""

    exit_status = 1


class Damaged(BackupError):
    """A dump isn't what was dumped, or can't be read to its end."""


@dataclass(frozen=True, slots=True)
class Seal:
    """Which file was proven: as long as all this is the same, so is what was read of it."""

    device: int
    inode: int
    size: int
    mtime_ns: int
    ctime_ns: int

    @classmethod
    def of(cls, found: os.stat_result) -> Seal:
        return cls(found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)

    def broken(self, path: str) -> str:
        """Why the file isn't the proven one any more, "" while it is."""
        try:
            found = os.lstat(path)
        except OSError as error:
            return f"{path}: {error.strerror}"
        return "" if Seal.of(found) == self else f"{path} is not the file any more that was verified"


def prove(
    path: str, tools: Tools, verify: Verified, *, stopping: Callable[[], bool] = lambda: False
) -> tuple[str, Seal]:
    """Decode a dump and hash it, both from one open file. Returns its SHA-256, and which file that was."""
    descriptor = _opened(path)
    try:
        before = Seal.of(os.fstat(descriptor))
        left = threading.Event()
        digest = sha256()
        hashing = threading.Thread(target=_hash, args=(descriptor, digest.update, left), daemon=True)
        hashing.start()
        try:
            if verify != "none":
                _decode(tools, path, descriptor, verify, stopping)
            while hashing.is_alive():
                hashing.join(0.1)
                if stopping():
                    raise BackupError("the verification of the backup was stopped")
        finally:
            left.set()
            hashing.join()
        if Seal.of(os.fstat(descriptor)) != before or before.broken(path):
            raise Damaged(f"{path} changed while it was verified")
        return digest.hexdigest(), before
    finally:
        os.close(descriptor)


def _opened(path: str) -> int:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise Damaged(f"{path} can't be read: {error.strerror}") from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise Damaged(f"{path} is no regular file")
    return descriptor


def _hash(descriptor: int, update: Callable[[bytes], object], left: threading.Event) -> None:
    """By offset: the descriptor's own position is pg_restore's."""
    at = 0
    with contextlib.suppress(OSError):  # a hash of less than all is another hash
        while not left.is_set() and (chunk := os.pread(descriptor, _CHUNK, at)):
            update(chunk)
            at += len(chunk)


def _decode(tools: Tools, path: str, descriptor: int, verify: Verified, stopping: Callable[[], bool]) -> None:
    arguments = ["--list"] if verify == "list" else [f"--file={os.devnull}"]
    status, lines = run_program(
        [str(tools.folder / "pg_restore"), *arguments], {"LC_ALL": "C"}, stdin=descriptor, watch=stopping
    )
    if stopping():
        raise BackupError("the verification of the backup was stopped")
    if status:
        raise Damaged(f"{path} can't be read to its end: pg_restore failed with {status}", details=lines[:10])
