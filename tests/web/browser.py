"""A real browser without a window: Chromium, told what to do by its DevTools protocol over a websocket."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from aiohttp import ClientSession, ClientWebSocketResponse

NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
DEADLINE_S = 30.0
OPTIONS = (
    "--headless", "--no-sandbox", "--enable-unsafe-swiftshader", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--remote-debugging-port=0",
    # Nothing but this machine has a name.
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1 , EXCLUDE localhost",
)  # fmt: skip
# xterm.js is sealed in the script of the page: its terminal is caught when it is made.
CATCH = """
Object.defineProperty(Object.prototype, "_core", {configurable: true, set(core) {
  Object.defineProperty(this, "_core", {value: core, writable: true, configurable: true, enumerable: true});
  if (this.loadAddon) window.caught = this;
}});
"""
DRAWN = """
(() => {
  const lines = window.caught ? window.caught.buffer.active : null;
  return lines ? [...Array(lines.length).keys()].map(n => lines.getLine(n).translateToString(true)).join("\\n") : "";
})()
"""


def program() -> str | None:
    """The browser that is installed here; None where there is none."""
    return next((found for name in NAMES if (found := shutil.which(name))), None)


class Page:
    """One page of a browser. `urls` is all that it has asked for, `complaints` what the browser said against it."""

    def __init__(self, browser: Browser, session: str) -> None:
        self._browser = browser
        self._session = session
        self.urls: list[str] = []
        self.complaints: list[str] = []
        browser.pages[session] = self

    async def tell(self, method: str, **parameters: object) -> Mapping[str, Any]:
        return await self._browser.tell(method, self._session, **parameters)

    def heard(self, method: str, data: Mapping[str, Any]) -> None:
        match method:
            case "Network.requestWillBeSent":
                self.urls.append(data["request"]["url"])
            case "Network.webSocketCreated":
                self.urls.append(data["url"])
            case "Log.entryAdded":
                self.complaints.append(data["entry"]["text"])
            case "Runtime.exceptionThrown":
                self.complaints.append(str(data["exceptionDetails"]))

    async def go(self, url: str) -> Page:
        await self.tell("Page.navigate", url=url)
        return self

    async def reload(self) -> Page:
        await self.tell("Page.reload")
        return self

    async def value(self, script: str) -> Any:
        """What a script in the page gives, once its promise is kept."""
        found = await self.tell("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    async def sees(self, text: str, where: str = DRAWN) -> Page:
        """Waits until a text stands in the terminal, or in what another script gives."""
        deadline, seen = time.monotonic() + DEADLINE_S, ""
        while text not in seen:
            assert time.monotonic() < deadline, f"no {text!r} within {DEADLINE_S} s on:\n{seen}\n{self.complaints}"
            await asyncio.sleep(0.05)
            seen = await self.value(where) or ""
        return self

    async def press(self, key: str) -> Page:
        await self.tell("Input.dispatchKeyEvent", type="keyDown", key=key, text=key)
        await self.tell("Input.dispatchKeyEvent", type="keyUp", key=key)
        return self


class Browser:
    """A browser that runs."""

    def __init__(self, socket: ClientWebSocketResponse) -> None:
        self._socket = socket
        self._asked: dict[int, asyncio.Future[Mapping[str, Any]]] = {}
        self.pages: dict[str, Page] = {}

    async def listen(self) -> None:
        async for message in self._socket:
            data = json.loads(message.data)
            if "id" in data:
                self._asked.pop(data["id"]).set_result(data)
            elif data.get("sessionId") in self.pages:
                self.pages[data["sessionId"]].heard(data["method"], data["params"])

    async def tell(self, method: str, session: str = "", **parameters: object) -> Mapping[str, Any]:
        number = max(self._asked, default=0) + 1
        answer = self._asked[number] = asyncio.get_running_loop().create_future()
        said = {"id": number, "method": method, "params": parameters, **({"sessionId": session} if session else {})}
        await self._socket.send_json(said)
        found = await asyncio.wait_for(answer, DEADLINE_S)
        assert "error" not in found, (method, found["error"])
        result: Mapping[str, Any] = found["result"]
        return result

    async def page(self, *, stranger: bool = False) -> Page:
        """A new page; a `stranger`'s has no cookie of the others."""
        more = {}
        if stranger:
            more = {"browserContextId": (await self.tell("Target.createBrowserContext"))["browserContextId"]}
        target = (await self.tell("Target.createTarget", url="about:blank", width=800, height=480, **more))["targetId"]
        page = Page(self, (await self.tell("Target.attachToTarget", targetId=target, flatten=True))["sessionId"])
        for domain in ("Network", "Page", "Runtime", "Log"):
            await page.tell(f"{domain}.enable")
        await page.tell("Page.addScriptToEvaluateOnNewDocument", source=CATCH)
        return page


@asynccontextmanager
async def running(path: str, folder: Path) -> AsyncIterator[Browser]:
    """The browser at `path`, with an empty profile in `folder`."""
    process = await asyncio.create_subprocess_exec(
        path, *OPTIONS, f"--user-data-dir={folder}", "about:blank",
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )  # fmt: skip
    try:
        assert process.stderr is not None
        said = b""
        async with asyncio.timeout(DEADLINE_S):
            while b"DevTools listening on " not in said:
                line = await process.stderr.readline()
                assert line, said
                said = line
        reading = asyncio.create_task(process.stderr.read())
        url = said.decode().split()[-1]
        async with ClientSession() as client, client.ws_connect(url, max_msg_size=0) as socket:
            browser = Browser(socket)
            listening = asyncio.create_task(browser.listen())
            yield browser
            listening.cancel()
        reading.cancel()
    finally:
        # All of its processes, or the one that is left keeps its standard error open.
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
