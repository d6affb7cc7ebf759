"""Whether the files that a project was read from are still the same."""

from __future__ import annotations

from collections.abc import Hashable
from pathlib import Path
from typing import TYPE_CHECKING

from pgmig_tui.project.config import FILE_NAME, SYSTEM_FILE, find_local
from pgmig_tui.project.environments import FILE_NAME as ENVIRONMENTS_FILE

if TYPE_CHECKING:
    from pgmig_tui.project.project import Project


def disk_state(project: Project) -> Hashable:
    """What plan and configuration look like on disk now: another value once one of them has been written, made,
    replaced or taken away. Files that a configuration includes, and scripts, don't count."""
    env = project.env
    home, local = env.get("HOME", ""), find_local(project.root, env.get("SQITCH_CONFIG") or FILE_NAME)
    user = env.get("SQITCH_USER_CONFIG") or (Path(home) / ".sqitch" / FILE_NAME if home else None)
    system = env.get("SQITCH_SYSTEM_CONFIG") or SYSTEM_FILE
    paths = (project.layout.plan_file, ENVIRONMENTS_FILE, local, system, user)
    return tuple(stamp(project.root / path) if path else None for path in paths)


def stamp(path: Path) -> tuple[int, int, int] | None:
    """When a file was last written (ns), its size and inode; None where there is none that can be seen."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
