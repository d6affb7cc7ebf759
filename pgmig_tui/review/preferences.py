"""What a person has chosen for the screen itself, kept in the state folder: the theme."""

from __future__ import annotations

import json
from pathlib import Path

from pgmig_tui.run.journal import private

_FILE = "screen.json"
_LONGEST = 10_000


def read(state_dir: Path) -> dict[str, str]:
    """What was kept; nothing where the file isn't there or isn't ours to read. Never raises."""
    try:
        with (state_dir / _FILE).open(encoding="utf-8") as file:
            found = json.loads(file.read(_LONGEST))
    except (OSError, ValueError, RecursionError):
        return {}
    return {str(key): one for key, one in found.items() if isinstance(one, str)} if isinstance(found, dict) else {}


def keep(state_dir: Path, name: str, value: str) -> None:
    """Keeps one choice beside the others. Raises OSError."""
    chosen = {**read(state_dir), name: value}
    private.replace(state_dir / _FILE, json.dumps(chosen, indent=1) + "\n")
