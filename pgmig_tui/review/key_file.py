"""The file in which a person has bound keys anew (see `ui.rebound`): `keys.toml` of the configuration folder."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pgmig_tui.display.safe import safe
from pgmig_tui.script.regular import read_own

NAME = "keys.toml"
_LARGEST = 100_000


def file() -> Path:
    """Where they are looked for, whether or not there is such a file."""
    from platformdirs import user_config_path

    return user_config_path("pgmig-tui") / NAME


def read(path: Path) -> tuple[dict[str, str], list[str]]:
    """What the file binds, by ID, and what is wrong with it. Never raises; nothing where there is no file."""
    try:
        text = read_own(path, _LARGEST)
    except FileNotFoundError:
        return {}, []
    except OSError as error:
        return {}, [f"{path} is ignored: {error.strerror}"]
    import tomllib  # most accounts have no such file, and the first frame waits for what is read of it

    try:
        found = tomllib.loads(text.decode("utf-8"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        return {}, [f"{path} is ignored: {safe(str(error))}"]
    flat, troubles = {}, []
    for key_id, value in _flat(found):
        if isinstance(value, str):
            flat[key_id] = value
        else:
            troubles.append(f'{NAME}: {safe(key_id)} is left as it is: no text, such as "x" or "f6,ctrl+x"')
    return flat, troubles


def _flat(table: Mapping[str, Any], before: str = "") -> Iterable[tuple[str, object]]:
    for name, value in table.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{before}{name}.")
        else:
            yield f"{before}{name}", value
