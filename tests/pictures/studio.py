"""The demonstration of the pictures: built anew in a folder of its own, with somebody who presses keys on it."""

from __future__ import annotations

import asyncio
import getpass
import os
import re
import shutil
import socket
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from unittest import mock

from textual.pilot import Pilot

from pgmig_tui.demo import project as demo
from pgmig_tui.sandbox.server import scratch_folder
from pgmig_tui.ui.app import PgmigApp
from pgmig_tui.ui.backend.project import ProjectSession
from tests.pictures.picture import svg_of

WAIT_S = 90.0
"""No answer of the demonstration takes so long."""
STILL_S = 0.8
HOST = "db1"
"""The server's name in the pictures; in truth it is a socket below a folder of this machine."""
PEOPLE = {"SQITCH_FULLNAME": "Ana Silva", "SQITCH_EMAIL": "ana@example.org"}


@dataclass
class Studio:
    """A built demonstration. `began` is when, UTC."""

    paths: demo.DemoPaths
    env: dict[str, str]
    began: datetime
    pictures: dict[str, str] = field(default_factory=dict)
    """SVG by name."""

    @property
    def names(self) -> dict[str, str]:
        """Words of this machine, and what the pictures say."""
        server = demo.server()
        folder = str(self.paths.project.parent.parent.parent)
        return {
            str(server.socket_dir): HOST,
            folder: "~/.local/state",
            socket.gethostname(): "bastion",
            f"{getpass.getuser()}@": "ana@",
            f"by {getpass.getuser()}": "by ana",
        }

    @asynccontextmanager
    async def opened(self, columns: int, rows: int, environment: str = "production") -> AsyncIterator[Sitter]:
        """The screen on it at that size, with an environment chosen."""
        session = ProjectSession(self.paths.project, self.env)
        session.facts = replace(
            session.facts, environments=tuple(replace(one, host=HOST) for one in session.facts.environments)
        )
        app = PgmigApp(session, chosen=environment, colors=256)
        async with app.run_test(size=(columns, rows), notifications=True) as pilot:
            yield Sitter(self, app, pilot)
            app.leave()

    def execute(self, environment: str, sql: str) -> None:
        demo.server().execute(f"documents_{environment}", sql)


@contextmanager
def studio() -> Iterator[Studio]:
    """The demonstration in a state folder of its own, which goes afterwards."""
    folder = scratch_folder()
    began = datetime.now(UTC).replace(tzinfo=None)
    kept = {name: value for name, value in os.environ.items() if not re.match(r"PG|SQITCH_|XDG_|NO_COLOR", name)}
    ours = {**kept, **PEOPLE, "XDG_STATE_HOME": str(folder), "HOME": str(folder), "TZ": "UTC"}
    with mock.patch.dict(os.environ, ours, clear=True):
        try:
            paths = demo.prepare(False)
            yield Studio(paths, paths.environment(os.environ), began)
        finally:
            server = demo.server()
            server.destroy()
            for one in (server.folder, folder):
                shutil.rmtree(one, ignore_errors=True)


class Sitter:
    """One opened screen of a studio."""

    def __init__(self, studio: Studio, app: PgmigApp, pilot: Pilot[int]) -> None:
        self.studio = studio
        self.app = app
        self.pilot = pilot

    async def press(self, *keys: str) -> Sitter:
        await self.pilot.press(*keys)
        return self

    async def type(self, text: str) -> Sitter:
        return await self.press(*("space" if letter == " " else letter for letter in text))

    async def sees(self, *texts: str) -> Sitter:
        for text in texts:
            await self._until(lambda text=text: text in self.app.screen_text(), text)  # type: ignore[misc]
        return self

    async def misses(self, text: str) -> Sitter:
        await self._until(lambda: text not in self.app.screen_text(), f"absence of {text}")
        return self

    async def picture(self, name: str, *texts: str) -> Sitter:
        """Takes it once all of `texts` are there and nothing but numbers changes any more."""
        await self.sees(*texts)
        quiet, seen, deadline = time.monotonic(), "", time.monotonic() + 15
        while time.monotonic() < min(quiet + STILL_S, deadline):
            now = re.sub(r"\d", "0", self.app.screen_text())
            if now != seen:
                quiet, seen = time.monotonic(), now
            await self.pilot.pause(0.05)
        self.studio.pictures[name] = svg_of(self.app, self.studio.began, self.studio.names)
        return self

    async def _until(self, holds: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + WAIT_S
        while not holds():
            assert time.monotonic() < deadline, f"no {what!r} within {WAIT_S} s on:\n{self.app.screen_text()}"
            await asyncio.sleep(0.05)
            await self.pilot.pause()
