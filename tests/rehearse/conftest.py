"""Projects and databases as the runs have them, and a folder in which the rehearsal's own servers stay for a while."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pgmig_tui.project.targets import Target
from pgmig_tui.rehearse.measured import Rehearsal, RehearsedScript, RehearsedStatement
from pgmig_tui.rehearse.rehearsal import rehearse
from pgmig_tui.run.journal.run_plan import Options
from pgmig_tui.sandbox.installation import find_installations
from tests.conftest import installed
from tests.run.conftest import Workshop, workshop, workshop18, workshop_on

__all__ = ["Theatre", "theatre", "workshop", "workshop18", "workshop_on"]


@dataclass
class Theatre:
    """Where a workshop's pending changes are rehearsed."""

    state_dir: Path

    def __call__(self, workshop: Workshop, server: Target | None = None, **options: Any) -> Rehearsal:
        """Rehearse what is pending; something is."""
        project, environment = workshop.project()
        found = rehearse(project, environment, Options(**options), state_dir=self.state_dir, server=server)
        assert found is not None
        return found


@pytest.fixture(scope="session")
def theatre(server_folder: Path, major_for: Callable[[int], int]) -> Iterator[Theatre]:
    """Made once: a second rehearsal starts the server of the first. It finds a server of the version that is asked for,
    as on a machine that has one."""
    folder = server_folder / "state"
    folder.mkdir(mode=0o755)
    with pytest.MonkeyPatch.context() as patch:
        if major_for(18) not in [one.major for one in find_installations()]:
            programs = installed(major_for(18)).copy_to(server_folder / "programs").bin_dir
            patch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
        yield Theatre(folder)


def script_of(found: Rehearsal, change: str, action: str = "deploy") -> RehearsedScript:
    (script,) = (one for one in found.scripts if (one.change, one.action) == (change, action))
    return script


def statement_of(found: Rehearsal, change: str, line: int, action: str = "deploy") -> RehearsedStatement:
    (statement,) = (one for one in script_of(found, change, action).statements if one.line == line)
    return statement


def locks_of(statement: RehearsedStatement) -> dict[str, str]:
    """Measured locks on relations that were there before the script."""
    return {str(lock.name): lock.mode.sql_name for lock in statement.measured.locks if not lock.new}
