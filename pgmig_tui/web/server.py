"""The screen over HTTP on a loopback address: one page, its files, one websocket, for one browser.

The page's script, sheet and fonts are textual-serve's, served from here; its server is not used, since it asks nobody
who they are and starts a shell. What each request must show is asked in one place, `_guard`, before any handler.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable, Mapping
from importlib.resources import files
from string import Template
from typing import Final

from aiohttp import WSCloseCode, WSMsgType, web
from aiohttp.typedefs import Handler

from pgmig_tui.display.safe import safe
from pgmig_tui.web.access import BrowserAccess, Redeemed
from pgmig_tui.web.screen import Screen, ScreenCommand

WAITS_SECONDS: Final = 3.0
"""How long a screen that is opened waits for the one before to be gone, as when a page is loaded again."""
_LARGEST_MESSAGE: Final = 1 << 20
_REFUSED: Mapping[Redeemed, tuple[int, str]] = {
    "wrong": (403, "This address is not right. Nothing was opened. Copy the whole of it from the terminal."),
    "used": (
        403,
        "This address was used already, and works only once. If that wasn't you, end `pgmig-tui serve`. Start it again"
        " for a new address.",
    ),
    "late": (403, "This address is too old. Nothing was opened. Start `pgmig-tui serve` again for a new one."),
    "limited": (429, "Too many wrong addresses were tried. None is taken for a minute. Try again then."),
}
_PAGES: Mapping[str, str] = {"open.js": "text/javascript", "screen.js": "text/javascript", "page.css": "text/css"}
_TEXTUAL: Mapping[str, tuple[str, str]] = {
    "textual.js": ("js/textual.js", "text/javascript"),
    "xterm.css": ("css/xterm.css", "text/css"),
    "mono.ttf": ("fonts/RobotoMono-VariableFont_wght.ttf", "font/ttf"),
    "mono-italic.ttf": ("fonts/RobotoMono-Italic-VariableFont_wght.ttf", "font/ttf"),
}


class Forbidden(web.HTTPException):
    """A request that is told why nothing was done for it."""

    def __init__(self, status: int, text: str) -> None:
        self.status_code = status
        super().__init__(text=text, content_type="text/plain")


class ScreenServer:
    """`tell` gets what a person at the terminal should know, a line each, safe to print."""

    def __init__(self, access: BrowserAccess, command: ScreenCommand, tell: Callable[[str], None]) -> None:
        self._access = access
        self._command = command
        self._tell = tell
        self._open = asyncio.Lock()
        self._ended = "The screen has ended."
        self._warned = False
        self._sockets: set[web.WebSocketResponse] = set()

    def application(self) -> web.Application:
        application = web.Application(middlewares=[self._guard], client_max_size=1024)
        path = self._access.path
        application.router.add_get("/", self._opening, allow_head=False)
        application.router.add_post("/open", self._redeem)
        application.router.add_get(path, self._page, allow_head=False)
        application.router.add_get(f"{path}ws", self._websocket, allow_head=False)
        application.router.add_get(f"{path}state", self._state, allow_head=False)
        for name, kind in _PAGES.items():
            application.router.add_get(f"/{name}", _file(_page_file(name), kind), allow_head=False)
        for name, (file, kind) in _TEXTUAL.items():
            content = files("textual_serve").joinpath("static", *file.split("/")).read_bytes()
            application.router.add_get(f"{path}{name}", _file(content, kind), allow_head=False)
        application.on_response_prepare.append(self._protect)
        application.on_shutdown.append(self._close_all)
        return application

    # What each request must show

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        access, headers = self._access, request.headers
        hosts, origins = headers.getall("Host", []), headers.getall("Origin", [])
        if not access.same_host(hosts):
            raise Forbidden(403, "This address is not one of pgmig-tui's. Use the one that it has printed.")
        acts = request.method != "GET" or request.path == f"{access.path}ws"
        if not access.same_origin(hosts, origins, asked=acts):
            raise Forbidden(403, "Another page asks for this. Nothing was done.")
        if headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin") and request.path != "/":
            raise Forbidden(403, "Another page leads here. Open the address that pgmig-tui has printed.")
        if request.path.startswith(access.path) and not access.knows(headers.getall("Cookie", [])):
            raise Forbidden(403, "This browser may not open the screen. Open the address that pgmig-tui has printed.")
        return await handler(request)

    async def _protect(self, request: web.Request, response: web.StreamResponse) -> None:
        """Nothing from elsewhere, in no frame, kept nowhere. The sheet of the terminal is made by its script: styles in
        the page are let through, scripts are not."""
        socket = f"ws://{request.headers.get('Host', '')}" if self._access.same_host([request.host]) else ""
        response.headers.update({
            "Content-Security-Policy": (
                "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; font-src 'self';"
                f" img-src 'self' data:; connect-src 'self' {socket}; frame-ancestors 'none'; base-uri 'none';"
                " form-action 'none'"
            ),
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
            "X-Frame-Options": "DENY",
            "Cross-Origin-Opener-Policy": "same-origin",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Cache-Control": "no-store",
            "Server": "pgmig-tui",
        })  # fmt: skip

    # Pages

    async def _opening(self, request: web.Request) -> web.Response:
        """A page without a secret. The token stands behind `#`, which no browser sends: its script does, once."""
        return _html(_page_file("open.html").decode())

    async def _redeem(self, request: web.Request) -> web.Response:
        try:
            token = (await request.read()).decode("ascii")
        except UnicodeDecodeError:
            token = ""
        redeemed = self._access.redeem(token)
        if self._access.limited and not self._warned:
            self._warned = True
            self._tell("Several wrong addresses were tried. Somebody on this machine may be looking for a way in.")
        if redeemed != "ok":
            raise Forbidden(*_REFUSED[redeemed])
        self._tell("The screen was opened in a browser; the address doesn't work any more.")
        return web.Response(text=self._access.path, headers={"Set-Cookie": self._access.set_cookie()})

    async def _page(self, request: web.Request) -> web.Response:
        page = Template(_page_file("screen.html").decode())
        return _html(page.substitute(socket=f"ws://{request.headers['Host']}{self._access.path}ws"))

    async def _state(self, request: web.Request) -> web.Response:
        """What a page says that has lost its screen."""
        return web.Response(text="The screen is open in another window." if self._open.locked() else self._ended)

    # The screen

    async def _websocket(self, request: web.Request) -> web.StreamResponse:
        columns, rows = _number(request.query.get("width"), 80), _number(request.query.get("height"), 24)
        try:
            # A page that is loaded again comes before its last screen is gone.
            await asyncio.wait_for(self._open.acquire(), WAITS_SECONDS)
        except TimeoutError:
            raise Forbidden(409, "The screen is open in another window.") from None
        screen: Screen | None = None
        socket = web.WebSocketResponse(heartbeat=15, max_msg_size=_LARGEST_MESSAGE, compress=False)
        try:
            await socket.prepare(request)
            self._sockets.add(socket)
            screen = await Screen.started(self._command, columns, rows)
            await self._carry(socket, screen)
        except OSError as error:
            self._ended = f"The screen couldn't be started: {error.strerror or error}."
        finally:
            self._sockets.discard(socket)
            await asyncio.shield(self._over(screen))
        with contextlib.suppress(ConnectionError):
            await socket.close()
        return socket

    async def _carry(self, socket: web.WebSocketResponse, screen: Screen) -> None:
        """Hands on what is typed and what is drawn, until either of them ends."""

        async def draw() -> None:
            with contextlib.suppress(ConnectionError):
                await screen.follow(socket.send_bytes)

        async def listen() -> None:
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    await _hand_on(str(message.data), screen, socket)

        both = {asyncio.create_task(draw()), asyncio.create_task(listen())}
        try:
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in both:
                task.cancel()
            await asyncio.gather(*both, return_exceptions=True)

    async def _over(self, screen: Screen | None) -> None:
        """The screen is gone before the next one may be opened."""
        try:
            if screen is not None:
                await screen.end()
                words = safe(screen.last_words, multiline=True)
                self._ended = "\n".join(filter(None, ("The screen has ended.", words)))
                if words:
                    self._tell(words)
        finally:
            self._open.release()

    async def _close_all(self, application: web.Application) -> None:
        for socket in list(self._sockets):
            await socket.close(code=WSCloseCode.GOING_AWAY)


async def _hand_on(text: str, screen: Screen, socket: web.WebSocketResponse) -> None:
    """A message of the page: a list of its name and its value. What isn't known is passed over."""
    try:
        name, *rest = json.loads(text)
    except (ValueError, TypeError):
        return
    value = rest[0] if rest else None
    match name, value:
        case "stdin", str():
            await screen.type(value)
        case "resize", {"width": int(width), "height": int(height)}:
            await screen.tell({"type": "resize", "width": _within(width), "height": _within(height)})
        case "ping", str():
            await socket.send_json(["pong", value])
        case (("focus" | "blur"), None):
            await screen.tell({"type": name})


def _within(cells: int) -> int:
    return min(max(cells, 1), 1000)


def _number(text: str | None, otherwise: int) -> int:
    return _within(int(text)) if text and text.isascii() and text.isdecimal() and len(text) < 6 else otherwise


def _page_file(name: str) -> bytes:
    return files("pgmig_tui.web").joinpath("pages", name).read_bytes()


def _html(text: str) -> web.Response:
    return web.Response(text=text, content_type="text/html")


def _file(content: bytes, kind: str) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    charset = None if kind == "font/ttf" else "utf-8"

    async def give(request: web.Request) -> web.StreamResponse:
        return web.Response(body=content, content_type=kind, charset=charset)

    return give
