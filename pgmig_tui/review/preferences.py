"""What a person has chosen for the screen itself, kept in the state folder: the theme, how wide panes are."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

from pgmig_tui.run.journal import private

_FILE = "screen.json"
_LONGEST = 10_000


def read(state_dir: Path) -> dict[str, str]:
    """What was kept; nothing where the file isn't there or can't be taken. Never raises."""
    return _read(state_dir / _FILE)[0]


def trouble(state_dir: Path) -> str:
    """Why the file is ignored; "" where it isn't, or where there is none. Never raises."""
    return _read(state_dir / _FILE)[1]


def _read(path: Path) -> tuple[dict[str, str], str]:
    try:
        with path.open(encoding="utf-8") as file:
            seen = os.fstat(file.fileno())
            if seen.st_uid not in (os.geteuid(), 0) or seen.st_mode & (stat.S_IWOTH | stat.S_IWGRP):
                return {}, f"{path} is ignored: others than this account can write it"
            found = json.loads(file.read(_LONGEST))
    except FileNotFoundError:
        return {}, ""
    except (OSError, ValueError, RecursionError) as error:
        return {}, f"{path} is ignored: {error}"
    if not isinstance(found, dict):
        return {}, f"{path} is ignored: it holds no JSON object"
    return {str(key): one for key, one in found.items() if isinstance(one, str)}, ""


def keep(state_dir: Path, name: str, value: str) -> None:
    """Keeps one choice beside the others. Raises OSError."""
    chosen = {**read(state_dir), name: value}
    private.replace(state_dir / _FILE, json.dumps(chosen, indent=1) + "\n")
