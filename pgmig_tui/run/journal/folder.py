"""The folders of runs: where they are, how they are named, and when one that never ran is taken away."""

from __future__ import annotations

import contextlib
import re
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from pgmig_tui.errors import PgmigError

JOURNAL = "journal.jsonl"
RUN_ID = re.compile(r"\d{8}-\d{6}-[0-9a-f]{4}")
_FORGOTTEN_S = 86400


def default_state_dir(env: Mapping[str, str]) -> Path:
    """Where runs are kept: $XDG_STATE_HOME/pgmig-tui, by default ~/.local/state/pgmig-tui."""
    base = env.get("XDG_STATE_HOME") or str(Path(env.get("HOME") or Path.home()) / ".local" / "state")
    return Path(base) / "pgmig-tui"


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Say what it means that the folder of a run can't be written. Raises PgmigError."""
    try:
        yield
    except OSError as error:
        raise PgmigError(
            f"the folder of this run can't be written: {error.strerror or error} ({folder})",
            now="Nothing was changed.",
            do="Make room there, or choose another folder with XDG_STATE_HOME.",
        ) from error


def new_folder(state_dir: Path) -> Path:
    """A folder (0700) for a new run; its name is the run's ID: date, time (UTC) and the part of the second in four
    hexadecimal digits, so that IDs are in the order of the runs. Raises PgmigError."""
    runs = state_dir / "runs"
    with writing(runs):
        runs.mkdir(mode=0o700, parents=True, exist_ok=True)
        _sweep(runs)
        while True:
            seconds, rest = divmod(time.time_ns(), 10**9)
            folder = runs / f"{time.strftime('%Y%m%d-%H%M%S', time.gmtime(seconds))}-{rest * 0x10000 // 10**9:04x}"
            with contextlib.suppress(FileExistsError):  # another run of this account began in the same moment
                folder.mkdir(mode=0o700)
                return folder


def discard(folder: Path) -> None:
    """Take away the folder of a plan that will not be carried out. One that has a journal stays."""
    if not (folder / JOURNAL).exists():
        shutil.rmtree(folder, ignore_errors=True)


def _sweep(runs: Path) -> None:
    """Plans that were only looked at, and whose screen was killed before it could discard them."""
    for folder in runs.iterdir():
        if RUN_ID.fullmatch(folder.name) and folder.stat().st_mtime < time.time() - _FORGOTTEN_S:
            discard(folder)
