"""The screen in a real browser: by the printed address, once, with nothing from elsewhere and for no other page."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from aiohttp import web

from pgmig_tui.web import server as web_server
from tests.cli.program import shop
from tests.web import browser
from tests.web.served import served

BODY = "document.body?.innerText"
# What a page of another account's server may try.
ATTACK = """
new Promise(done => {
  const socket = new WebSocket("ws://%s");
  socket.onopen = () => done("open");
  socket.onclose = event => done(`closed ${event.code}`);
})
"""


@asynccontextmanager
async def elsewhere() -> AsyncIterator[tuple[int, list[str]]]:
    """Another server of this machine: its port, and the cookies that it was sent."""
    cookies: list[str] = []

    async def page(request: web.Request) -> web.Response:
        cookies.extend(request.headers.getall("Cookie", []))
        return web.Response(text="<p>another page</p>", content_type="text/html")

    application = web.Application()
    application.router.add_get("/{path:.*}", page)
    runner = web.AppRunner(application)
    await runner.setup()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        await web.SockSite(runner, listener).start()
        yield listener.getsockname()[1], cookies
        await runner.cleanup()


async def test_in_a_real_browser(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = browser.program()
    if program is None:
        pytest.skip("Chromium is not installed here (Debian: apt-get install chromium-headless-shell)")
    checkout = shop(tmp_path, {"dev": "db:pg://nobody@127.0.0.1:1/none"})
    async with (
        served(checkout.root, home=checkout.home) as site,
        elsewhere() as (port, cookies),
        browser.running(program, tmp_path / "profile") as chromium,
    ):
        url = f"{site.origin}/#{site.access.token}"
        page = await (await chromium.page()).go(url)
        await page.sees("ALL ENVIRONMENTS  shop")
        await page.sees("READ-ONLY")
        await (await page.press("?")).sees("HELP for HOME")
        assert await page.value("location.href") == site.url("{path}")
        assert await page.value("document.cookie") == ""
        assert await page.value("document.fonts.check('16px \"Roboto Mono\"')") is True

        stranger = await (await chromium.page(stranger=True)).go(url)
        await stranger.sees("used already", BODY)
        await (await stranger.go(site.url("{path}"))).sees("may not open the screen", BODY)

        await (await page.reload()).sees("ALL ENVIRONMENTS  shop")
        monkeypatch.setattr(web_server, "WAITS_SECONDS", 0.2)
        second = await (await chromium.page()).go(site.url("{path}"))
        await second.sees("open in another window", BODY)

        for host in (f"127.0.0.1:{port}", f"localhost:{port}"):
            foreign = await (await chromium.page()).go(f"http://{host}/")
            await foreign.sees("another page", BODY)
            # With all that is secret but the cookie, which the browser would bring along.
            assert await foreign.value(ATTACK % f"{site.host}{site.access.path}ws") == "closed 1006"
        assert cookies == [], "another port was sent a cookie"
        await (await foreign.go(f"http://127.0.0.1:{port}{site.access.path}")).sees("another page", BODY)
        assert cookies == [site.cookie], "its path keeps it from other ports, and nothing else"
        await (await page.press("?")).sees("HELP for HOME")

        asked = {urlsplit(one).netloc for one in page.urls + second.urls if not one.startswith(("data:", "about:"))}
        assert asked == {site.host}
        assert not any(site.access.token in one for one in page.urls if one != url)
        assert page.complaints == [], "\n".join(page.complaints)
