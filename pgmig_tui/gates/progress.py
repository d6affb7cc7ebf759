"""How far a backup has come, or its restore: bytes, tables, and the time that is left by what it took so far."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from pgmig_tui.database.row_counts import DumpedTable
from pgmig_tui.display import words

Doing = Literal["dumping", "counting", "decoding", "starting a server", "restoring", "comparing", "verifying"]

# pg_dump and pg_restore with --verbose, in English: as they begin with the rows of a table.
_BEGUN = re.compile(r'(?:dumping contents of|processing data for) table "(.+)"$')


@dataclass(frozen=True, slots=True)
class BackupProgress:
    """`size` is the dump's in bytes so far; `tables` of `of` are done (scripts where it is verifying); `left_s` seconds
    are left by what it took so far, None where nothing tells."""

    doing: Doing
    path: str
    size: int
    tables: int = 0
    of: int = 0
    left_s: float | None = None

    @property
    def told(self) -> str:
        """All of it in words, but for the path."""
        left = () if self.left_s is None else (f"about {words.duration(max(self.left_s, 1) * 1000)} left",)
        return ": ".join(filter(None, (self.doing, ", ".join((*self._parts, *left)))))

    @property
    def counted(self) -> str:
        """The same without the time that is left."""
        return ": ".join(filter(None, (self.doing, ", ".join(self._parts))))

    @property
    def _parts(self) -> tuple[str, ...]:
        size = (words.size(self.size),) if self.size else ()
        done = f"{self.tables:,} of {words.count(self.of, _WHAT.get(self.doing, 'table'))}"
        return (*size, done) if self.of else size


_WHAT: Mapping[Doing, str] = {"verifying": "change"}

Tell = Callable[[BackupProgress], None]


def untold(progress: BackupProgress) -> None:
    """Nobody wants to know."""


class BackupPace:
    """Follows what a program says table by table, and foretells by their sizes. Times are by a monotonic clock.

    `expected` is the file's whole size in bytes where that can be foretold, which tells more than tables of which one
    is most of it.
    """

    def __init__(
        self, doing: Doing, path: str, tables: Sequence[DumpedTable], tell: Tell, *, expected: int = 0
    ) -> None:
        self._doing, self._path, self._tell, self._expected = doing, path, tell, expected
        self._sizes = {str(table): table.size for table in tables}
        self._whole = sum(self._sizes.values())
        self._begun: list[str] = []
        self._since = time.monotonic()

    def heard(self, line: str) -> None:
        """A line that the program has said."""
        found = _BEGUN.search(line)
        if found and found[1] in self._sizes:
            self._begun.append(found[1])

    def tell(self, size: int) -> None:
        """Say how far it is, with the file's size in bytes."""
        done = self._begun[:-1]
        part = sum(self._sizes[name] for name in done)
        took = time.monotonic() - self._since
        left = took * (self._whole - part) / part if part else None
        if self._expected and size:
            left = took * max(0, self._expected - size) / size
        self._tell(BackupProgress(self._doing, self._path, size, len(done), len(self._sizes), left))
