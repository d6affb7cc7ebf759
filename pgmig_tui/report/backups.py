"""Backups as evidence for a checklist: the newest one of this host, or one made now."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from pgmig_tui.gates import backup

if TYPE_CHECKING:
    from pgmig_tui.database.checks import CheckResult
    from pgmig_tui.project.environments import Environment


def folder_of(state_dir: Path) -> Path:
    """Where the backups of this account are kept."""
    return state_dir / "backups"


def existing(environment: Environment, state_dir: Path) -> tuple[CheckResult, ...]:
    """The evidence of the newest backup that this host has of the environment; none when it has none.

    Raises Unreachable, ServerError.
    """
    folder = folder_of(state_dir)
    if not folder.is_dir():
        return ()
    from pgmig_tui.database.connect import application_name, connect

    with connect(environment.target, application_name=application_name("backup", "watch")) as connection:
        newest = backup.newest_backup(folder, connection.identity())
    return backup.results(newest) if newest is not None else ()


def make(
    environment: Environment, state_dir: Path, run_id: str, *, progress: Callable[[int], None] | None = None
) -> tuple[CheckResult, ...]:
    """Dump the environment's database now and prove the dump as its policy wants, at least its table of contents.

    `progress` gets the size so far in bytes. Raises Refused (no fitting pg_dump), Unreachable, BackupError.
    """
    verify: backup.Verified = "list" if environment.policy.backup.verify == "list" else "decode"
    made = backup.make_backup(environment.target, folder_of(state_dir), run_id, verify=verify, progress=progress)
    return backup.results(made)
