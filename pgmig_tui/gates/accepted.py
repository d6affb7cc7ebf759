"""What of a checkout may run programs here: only texts that a person of this account has accepted, word for word.

A clone brings its pgmig.toml along, and whoever wrote it isn't who runs it. So what would run a program is nothing but
text until somebody says yes to exactly that text, as direnv does. The hash of what was accepted is kept in the state
folder, outside of the checkout; it covers the checkout's path, and the bytes of files in it that the text names.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from pgmig_tui.display import words


@dataclass(frozen=True, slots=True)
class Acceptance:
    """Who has accepted a text, and when (UTC)."""

    what: str
    text: str
    by: str
    at: str


def digest(root: Path, what: str, argv: Sequence[str]) -> str:
    """What is accepted when `argv` is, for `what` (such as `backup.command of production`): SHA-256 in hex."""
    found = sha256()
    for part in (str(root.resolve()), what, *argv):
        found.update(part.encode("utf-8", "surrogateescape") + b"\0")
    for part in argv:
        path = (root / part).resolve()
        if path.is_relative_to(root.resolve()) and path.is_file():
            with contextlib.suppress(OSError):
                found.update(sha256(path.read_bytes()).digest())
    return found.hexdigest()


def is_accepted(state_dir: Path, root: Path, what: str, argv: Sequence[str]) -> bool:
    """Whether somebody of this account has accepted exactly that."""
    return (_folder(state_dir) / f"{digest(root, what, argv)}.json").is_file()


def accept(state_dir: Path, root: Path, what: str, argv: Sequence[str], by: str, shown: str = "") -> None:
    """Remember that `by` has accepted it; `shown` is how it was shown, where its text may hold a secret. Raises
    OSError."""
    folder = _folder(state_dir)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    at = words.iso(datetime.now(UTC))
    path = folder / f"{digest(root, what, argv)}.json"
    draft = path.with_suffix(f".{os.getpid()}")
    draft.write_text(json.dumps(asdict(Acceptance(what, shown or json.dumps(list(argv)), by, at)), indent=1) + "\n")
    draft.rename(path)


def _folder(state_dir: Path) -> Path:
    return state_dir / "accepted"
