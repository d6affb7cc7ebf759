"""What an environment does since its last deploy, looked at over and over on a connection of its own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pgmig_tui.errors import Refused
from pgmig_tui.ui.backend.one_at_a_time import OneAtATime

if TYPE_CHECKING:
    from pgmig_tui.project.environments import Environment
    from pgmig_tui.project.project import Project
    from pgmig_tui.review.watch_picture import Pictures, WatchPicture
    from pgmig_tui.review.watching import EnvironmentWatch


class EnvironmentDeployWatch(OneAtATime):
    """A DeployWatch. The connection is opened by the first look and again after it was lost."""

    def __init__(
        self, project: Project, environment: Environment, state_dir: Path, run: str, *, keeps: bool = True
    ) -> None:
        super().__init__()
        self._project, self._environment, self._state_dir, self._run = project, environment, state_dir, run
        self._keeps = keeps
        self._watching: EnvironmentWatch | None = None
        self._pictures: Pictures | None = None

    def look(self) -> WatchPicture:
        with self.asking():
            try:
                return self._look()
            except BaseException:
                self.drop()
                raise

    def _look(self) -> WatchPicture:
        from pgmig_tui.review.watch_picture import Pictures
        from pgmig_tui.review.watching import EnvironmentWatch

        if self._closed:
            raise Refused("nobody watches any more")
        if self._watching is None:
            self._watching = EnvironmentWatch(
                self._project,
                self._environment,
                state_dir=self._state_dir,
                run=self._run,
                goes_on=True,
                keeps=self._keeps,
            )
            self._pictures = Pictures()
        assert self._pictures is not None, "made together"
        self._watching.look()
        return self._pictures.picture(self._watching.found)

    def drop(self) -> None:
        watching, self._watching = self._watching, None
        if watching is not None:
            watching.close()
