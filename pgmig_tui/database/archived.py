"""How far a server's WAL has been archived, and how far WAL file names are apart."""

from __future__ import annotations

import re
from dataclasses import dataclass

from pgmig_tui.database.connect import Connection
from pgmig_tui.database.text import load

_SEGMENT = re.compile(r"([0-9A-F]{8})([0-9A-F]{8})([0-9A-F]{8})")


@dataclass(frozen=True, slots=True)
class Archiver:
    """`writing` is the WAL segment that is written now, "" on a standby; `segment` its size in bytes; `last` what was
    archived last, "" where nothing was; `failing`: the newest try has failed."""

    mode: str
    writing: str
    segment: int
    last: str
    failing: bool


def archiver(connection: Connection) -> Archiver:
    """Ask the server. Raises ServerError."""
    row = connection.one(load("queries/archived"))
    assert row is not None
    mode, writing, segment, last, failing = row
    return Archiver(mode, writing or "", int(segment), last, bool(failing))


def timeline_of(segment: str) -> int | None:
    """The timeline of a WAL file by its name; None for what is no such name."""
    found = _SEGMENT.match(segment)
    return int(found[1], 16) if found else None


def missing_between(archived: str, writing: str, segment_bytes: int) -> int | None:
    """How many complete WAL segments lie between the last one in the archive and the one that is written now; None for
    names that aren't of one timeline."""
    first, last = _SEGMENT.match(archived), _SEGMENT.match(writing)
    if not first or not last or first[1] != last[1]:
        return None
    per_file = (1 << 32) // segment_bytes
    at = [int(found[2], 16) * per_file + int(found[3], 16) for found in (first, last)]
    return max(0, at[1] - at[0] - 1)
