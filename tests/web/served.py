"""A server of the screen in this process, a project for it, and an HTTP client that says what a browser would."""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pyte
from aiohttp import ClientSession, ClientWebSocketResponse, DummyCookieJar, WSMsgType, web

from pgmig_tui.web.access import BrowserAccess, hosts_of
from pgmig_tui.web.screen import ScreenCommand
from pgmig_tui.web.server import ScreenServer
from tests.cli.program import environment

DEADLINE_S = 30.0


@dataclass
class Served:
    """What is served, and what the person at the terminal was told."""

    port: int
    access: BrowserAccess
    client: ClientSession
    told: list[str] = field(default_factory=list)

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def origin(self) -> str:
        return f"http://{self.host}"

    @property
    def cookie(self) -> str:
        return self.access.set_cookie().partition(";")[0]

    def url(self, path: str) -> str:
        return self.origin + path.replace("{path}", self.access.path)

    async def ask(
        self, path: str = "{path}", *, method: str = "GET", headers: Mapping[str, str] | None = None, body: str = ""
    ) -> tuple[int, str, Mapping[str, str]]:
        """Status, text and headers of an answer; no cookie is sent but what `headers` says."""
        async with self.client.request(method, self.url(path), headers=headers, data=body or None) as answer:
            return answer.status, await answer.text(errors="replace"), answer.headers

    @asynccontextmanager
    async def screen(self, columns: int = 100, rows: int = 30) -> AsyncIterator[Drawn]:
        """A screen as a browser has it that may."""
        headers = {"Cookie": self.cookie, "Origin": self.origin}
        where = f"{self.url('{path}ws')}?width={columns}&height={rows}"
        async with self.client.ws_connect(where, headers=headers) as opened:
            yield Drawn(opened, columns, rows)


class Drawn:
    """What a terminal shows of what came over a websocket."""

    def __init__(self, opened: ClientWebSocketResponse, columns: int, rows: int) -> None:
        self.opened = opened
        self._screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self._screen)

    @property
    def text(self) -> str:
        return "\n".join(line.rstrip() for line in self._screen.display)

    async def sees(self, *texts: str) -> Drawn:
        """Waits until each text stands there."""
        deadline = time.monotonic() + DEADLINE_S
        for text in texts:
            while text not in self.text:
                try:
                    message = await self.opened.receive(timeout=deadline - time.monotonic())
                except TimeoutError:
                    raise AssertionError(f"no {text!r} within {DEADLINE_S} s on:\n{self.text}") from None
                assert message.type is WSMsgType.BINARY, f"{message.type} before {text!r} on:\n{self.text}"
                self._stream.feed(message.data)
        return self

    async def press(self, *keys: str) -> Drawn:
        for key in keys:
            await self.opened.send_json(["stdin", key])
        return self

    async def ends(self) -> None:
        """Waits until the other side has closed it."""
        async with asyncio.timeout(DEADLINE_S):
            while (await self.opened.receive()).type is WSMsgType.BINARY:
                pass


@asynccontextmanager
async def served(folder: Path, arguments: Sequence[str] = (), home: Path | None = None) -> AsyncIterator[Served]:
    """The screen of the project in `folder`, served as `pgmig-tui serve` does it."""
    told: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        access = BrowserAccess(hosts_of("127.0.0.1", port))
        command = ScreenCommand(folder, arguments, environment(home or folder, PATH=os.environ["PATH"]))
        runner = web.AppRunner(ScreenServer(access, command, told.append).application(), shutdown_timeout=1.0)
        await runner.setup()
        try:
            await web.SockSite(runner, listener).start()
            async with ClientSession(cookie_jar=DummyCookieJar()) as client:
                yield Served(port, access, client, told)
        finally:
            await runner.cleanup()
