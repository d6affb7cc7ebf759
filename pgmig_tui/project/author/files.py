"""Several files of a project written at once: all of them, or none.

Each is written whole beside its place first. Only when every one of them is there, and no file has changed since it was
read, do they take their places; where one can't, those before it are put back.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import secrets
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pgmig_tui.errors import ProjectError
from pgmig_tui.script.regular import Inside, read_regular

_NOTHING = "Nothing was changed."
_MOST = 512 << 20
_NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK)


@dataclass(frozen=True, slots=True)
class Write:
    """A file (absolute) that is to hold `data`, or with None to be gone. `before` is what it holds now; None: it must
    not be there yet."""

    path: Path
    data: bytes | None
    before: bytes | None = None
    mode_of: Path | None = None
    """A file whose mode a new one gets."""


def write_all(writes: Sequence[Write], inside: Inside, root: Path, *, lasting: bool = True) -> None:
    """Write them in their order, each file in a folder that is `inside`; folders are made as they are needed.

    The mode of a file that is there stays, and a link that leads to a file inside stays a link. Raises ProjectError,
    and has changed nothing then, unless its message says what couldn't be put back. Not `lasting`: what can be made
    again isn't waited for until the disk has it.
    """
    if not writes:
        return
    batch = _Batch(root, lasting)
    try:
        with _alone(root):
            for one in writes:
                batch.prepare(one, inside)
            for one in writes:
                batch.require_unchanged(one)
            for one in writes:
                batch.put(one)
            batch.settle()
    except BaseException as error:
        left = batch.undo()
        if isinstance(error, OSError):
            raise _failed(error, left, root) from None
        if left and isinstance(error, ProjectError):
            raise ProjectError(error.what, now=_left(left), do=error.do) from None
        raise


@dataclass(slots=True)
class _Batch:
    root: Path
    lasting: bool
    made_folders: list[Path] = field(default_factory=list)
    beside: dict[Path, Path] = field(default_factory=dict)
    """Of each file (as it is written) the new one beside it."""
    real: dict[Path, Path] = field(default_factory=dict)
    """Where each file really lies."""
    modes: dict[Path, int] = field(default_factory=dict)
    done: list[Write] = field(default_factory=list)

    def prepare(self, one: Write, inside: Inside) -> None:
        """Write the file beside its place. Raises OSError, ProjectError."""
        if out := inside.leads_out(one.path):
            raise ProjectError(
                f"{_shown(one.path, self.root)} leads out of the project, to {out}.",
                now=_NOTHING,
                do="Only files of the project are written: correct the folders in sqitch.conf, or the name.",
            )
        real = self.real[one.path] = Path(os.path.realpath(one.path))
        if one.before is None and os.path.lexists(one.path):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(one.path))
        like = real if one.before is not None else one.mode_of
        if like is not None and one.before is not None:
            self.modes[one.path] = stat.S_IMODE(like.stat().st_mode)
        if one.data is None:
            return
        self._make_folder(real.parent)
        new = real.with_name(f".{real.name[:100]}.{secrets.token_hex(4)}")
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o666)
        self.beside[one.path] = new
        with os.fdopen(descriptor, "wb") as file:
            file.write(one.data)
            file.flush()
            if like is not None:
                found = like.stat()
                with contextlib.suppress(PermissionError):
                    os.fchown(file.fileno(), found.st_uid, found.st_gid)
                os.fchmod(file.fileno(), stat.S_IMODE(found.st_mode))
            if self.lasting:
                os.fsync(file.fileno())

    def require_unchanged(self, one: Write) -> None:
        """Raises ProjectError where a file isn't any more what was read."""
        if one.before is None:
            return
        try:
            same = read_regular(self.real[one.path], _MOST) == one.before
        except FileNotFoundError:
            same = False
        if not same:
            raise _changed_meanwhile(one.path, self.root)

    def put(self, one: Write) -> None:
        """Let the new file take its place, or the old one go. Raises OSError."""
        real = self.real[one.path]
        if one.data is None:
            real.unlink()
        elif one.before is None:
            _put_new(self.beside[one.path], real)
        else:
            self.beside[one.path].replace(real)
        self.done.append(one)

    def settle(self) -> None:
        """What has its place has it on disk, too."""
        for folder in {path.parent for path in self.real.values()} if self.lasting else ():
            with contextlib.suppress(OSError):
                descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
                try:
                    os.fsync(descriptor)
                finally:
                    os.close(descriptor)

    def undo(self) -> list[str]:
        """Put everything back. The names of what couldn't be."""
        left: list[str] = []
        for one in reversed(self.done):
            try:
                if one.before is None:
                    self.real[one.path].unlink(missing_ok=True)
                else:
                    self._restore(one, one.before)
            except OSError:
                left.append(_shown(one.path, self.root))
        for new in self.beside.values():
            with contextlib.suppress(OSError):
                new.unlink()
        for folder in reversed(self.made_folders):
            with contextlib.suppress(OSError):
                folder.rmdir()
        return left

    def _restore(self, one: Write, before: bytes) -> None:
        real = self.real[one.path]
        new = real.with_name(f".{real.name[:100]}.{secrets.token_hex(4)}")
        new.write_bytes(before)
        new.chmod(self.modes[one.path])
        new.replace(real)

    def _make_folder(self, folder: Path) -> None:
        missing = []
        while not folder.exists():
            missing.append(folder)
            folder = folder.parent
        for one in reversed(missing):
            one.mkdir()
            self.made_folders.append(one)


@contextlib.contextmanager
def _alone(root: Path) -> Iterator[None]:
    """Nobody else of ours writes in this project meanwhile; where the file system has no locks, the look at what was
    read is all there is."""
    descriptor = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        with contextlib.suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _put_new(new: Path, final: Path) -> None:
    """Give a file its name where nothing has it. Raises FileExistsError."""
    try:
        os.link(new, final)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        os.close(os.open(final, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC))
        new.replace(final)
    else:
        new.unlink()


def _changed_meanwhile(path: Path, root: Path) -> ProjectError:
    return ProjectError(
        f"{_shown(path, root)} was changed by somebody else meanwhile.",
        now=_NOTHING,
        do="Look at it, and try again.",
    )


def _failed(error: OSError, left: Sequence[str], root: Path) -> ProjectError:
    name = _shown(Path(error.filename2 or error.filename), root) if error.filename else "A file"
    if isinstance(error, FileExistsError):
        what, do = f"{name} is there already.", "Move it away, or choose another name; then try again."
    else:
        what, do = f"{name} can't be written: {error.strerror or error}.", "Put that right, and try again."
    return ProjectError(what, now=_left(left), do=do)


def _left(left: Sequence[str]) -> str:
    if not left:
        return _NOTHING
    return f"What was written could not all be taken back: look at {', '.join(left)} (`git status` tells more)."


def _shown(path: Path, root: Path) -> str:
    return str(path.relative_to(root)) if path.is_relative_to(root) else str(path)
