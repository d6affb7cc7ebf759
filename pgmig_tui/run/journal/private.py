"""Files of the state folder, which are nobody else's to read."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path


def write(path: Path, text: str) -> None:
    """Write a file where there is none, or over what it holds. Raises OSError."""
    path.touch(mode=0o600)
    path.write_text(text, encoding="utf-8")


def replace(path: Path, text: str) -> None:
    """Put a text in the place of what a file holds, whole or not at all; its folder is made. Raises OSError."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    new = path.with_suffix(".new")
    write(new, text)
    new.replace(path)


def write_out(state_dir: Path, name: str, text: str) -> Path:
    """Keep a text that a person asked for, such as a summary, under its name and the time (UTC). Raises OSError."""
    path = state_dir / "written" / f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{name}"
    replace(path, text)
    return path
