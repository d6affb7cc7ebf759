"""What a person has chosen for the screen itself, kept in the state folder: the theme, how wide panes are."""

from __future__ import annotations

import json
from pathlib import Path

from pgmig_tui.run.journal import private
from pgmig_tui.script.regular import read_own

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
        found = json.loads(read_own(path, _LONGEST).decode("utf-8"))
    except FileNotFoundError:
        return {}, ""
    except OSError as error:
        return {}, f"{path} is ignored: {error.strerror}"
    except (ValueError, RecursionError) as error:
        return {}, f"{path} is ignored: {error}"
    if not isinstance(found, dict):
        return {}, f"{path} is ignored: it holds no JSON object"
    return {str(key): one for key, one in found.items() if isinstance(one, str)}, ""


def keep(state_dir: Path, name: str, value: str) -> None:
    """Keeps one choice beside the others. Raises OSError."""
    chosen = {**read(state_dir), name: value}
    private.replace(state_dir / _FILE, json.dumps(chosen, indent=1) + "\n")
