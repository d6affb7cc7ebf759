"""Whether a disk has the room that something will take, asked before it is begun."""

from __future__ import annotations

import shutil
from pathlib import Path

from pgmig_tui.display import words
from pgmig_tui.errors import Refused


def free_bytes(folder: Path) -> int:
    """What this account may still write below `folder`, or its nearest parent that is there. Raises OSError."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return shutil.disk_usage(folder).free


def require_room(folder: Path, needed: int, what: str, now: str) -> None:
    """Raise Refused where `folder` hasn't `needed` bytes free for `what`."""
    free = free_bytes(folder)
    if free < needed:
        raise Refused(
            f"{what} takes about {words.size(needed)}, and {folder} has {words.size(free)} free",
            now=now,
            do="Make room there, or choose another folder with XDG_STATE_HOME.",
        )
